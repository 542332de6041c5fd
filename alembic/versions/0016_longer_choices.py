"""longer names of editions, which say what earlier copies told"""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _lengthen(400, 2000)


def downgrade() -> None:
    _lengthen(2000, 400)


def _lengthen(before: int, after: int) -> None:
    # SQLite does not look at lengths, and would copy the tables.
    if op.get_bind().dialect.name != "sqlite":
        for table in ("delivery", "rendering"):
            op.alter_column(table, "choice", type_=sa.String(after), existing_type=sa.String(before))
