"""longer choices of readers: eight sections and twelve topics with the longest keys"""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _lengthen(400, 600)


def downgrade() -> None:
    _lengthen(600, 400)


def _lengthen(before: int, after: int) -> None:
    # SQLite does not look at lengths, and would copy the table.
    if op.get_bind().dialect.name != "sqlite":
        op.alter_column("subscription", "choice", type_=sa.String(after), existing_type=sa.String(before))
