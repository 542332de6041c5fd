"""what editors decide and edit, revisions of issues, and what issues were made of"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def _words(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text(), server_default="", nullable=False)


def _at() -> sa.Column[sa.DateTime]:
    return sa.Column("at", sa.DateTime(timezone=True), nullable=False)


def _issue_id(table: str) -> tuple[sa.Column[int], sa.ForeignKeyConstraint]:
    name = op.f(f"fk_{table}_issue_id_issue")
    key = sa.ForeignKeyConstraint(["issue_id"], ["issue.id"], name=name, ondelete="CASCADE")
    return sa.Column("issue_id", _ID, nullable=False), key


def upgrade() -> None:
    op.create_table(
        "decision",
        sa.Column("id", _ID, nullable=False),
        sa.Column("newsletter", sa.String(length=41), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("about", sa.String(length=64), nullable=False),
        sa.Column("urls", sa.JSON(), nullable=False),
        sa.Column("answer", sa.String(length=41), nullable=False),
        sa.Column("source_id", _ID, nullable=True),
        _words("pattern"),
        _words("words"),
        _words("by"),
        _at(),
        sa.ForeignKeyConstraint(
            ["source_id"], ["source.id"], name=op.f("fk_decision_source_id_source"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_decision")),
    )
    op.create_index("uq_decision_newsletter_about", "decision", ["newsletter", "about"], unique=True)
    op.create_table(
        "edit",
        *_issue_id("edit"),
        sa.Column("story_key", sa.String(length=64), nullable=False),
        sa.Column("story", sa.JSON(), nullable=False),
        sa.Column("is_dropped", sa.Boolean(), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        _words("by"),
        _at(),
        sa.PrimaryKeyConstraint("issue_id", "story_key", name=op.f("pk_edit")),
    )
    op.create_table(
        "revision",
        *_issue_id("revision"),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        _words("what"),
        _words("by"),
        _at(),
        sa.PrimaryKeyConstraint("issue_id", "revision", name=op.f("pk_revision")),
    )
    op.create_table(
        "making",
        *_issue_id("making"),
        sa.Column("inputs", sa.LargeBinary(), nullable=False),
        sa.Column("desk", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("issue_id", name=op.f("pk_making")),
    )


def downgrade() -> None:
    for name in ("making", "revision", "edit", "decision"):
        op.drop_table(name)
