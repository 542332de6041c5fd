"""hashes of addresses of 128 bits

Half of each hash is dropped, and with it half of the index that an import of many readers waits for.
"""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for name in ("subscriber", "suppression", "bounce"):
        table = sa.table(name, sa.column("email_hash"))
        op.execute(table.update().values(email_hash=sa.func.substr(table.c.email_hash, 1, 32)))


def downgrade() -> None:
    """Nothing: the dropped halves cannot be had again. Who goes back to an older version takes a backup."""
