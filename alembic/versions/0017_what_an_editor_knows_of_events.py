"""all changes of an event that an editor was asked about, not only the last"""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _lengthen(16, 200)


def downgrade() -> None:
    op.execute("UPDATE event_check SET mark = substr(mark, 1, 16)")
    _lengthen(200, 16)


def _lengthen(before: int, after: int) -> None:
    # SQLite does not look at lengths, and would copy the table.
    if op.get_bind().dialect.name != "sqlite":
        op.alter_column("event_check", "mark", type_=sa.String(after), existing_type=sa.String(before))
