"""how a source is read and how often; what an article's own page says"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("source", sa.Column("recipe", sa.Text(), server_default="", nullable=False))
    op.add_column(
        "source", sa.Column("full_text", sa.String(length=16), server_default="short", nullable=False)
    )
    op.add_column("source", sa.Column("interval_minutes", sa.Integer(), server_default="0", nullable=False))
    op.add_column("article", sa.Column("image", sa.Text(), server_default="", nullable=False))
    op.add_column("article", sa.Column("text", sa.Text(), server_default="", nullable=False))
    op.add_column("article", sa.Column("page_read_at", sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    # Not as a batch: on SQLite that would make the tables anew and take their rows' children with them.
    for name in ("page_read_at", "text", "image"):
        op.drop_column("article", name)
    for name in ("interval_minutes", "full_text", "recipe"):
        op.drop_column("source", name)
