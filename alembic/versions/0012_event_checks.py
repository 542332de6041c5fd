"""what the events of an approved issue were found to be before it was sent"""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "event_check",
        sa.Column("issue_id", _ID, nullable=False),
        sa.Column("article_id", _ID, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("words", sa.Text(), server_default="", nullable=False),
        sa.Column("mark", sa.String(length=16), server_default="", nullable=False),
        sa.ForeignKeyConstraint(
            ["issue_id"], ["issue.id"], name="fk_event_check_issue_id_issue", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("issue_id", "article_id", name="pk_event_check"),
    )


def downgrade() -> None:
    op.drop_table("event_check")
