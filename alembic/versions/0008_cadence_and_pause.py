"""how often a reader gets an issue, and until when none"""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "subscription", sa.Column("cadence", sa.String(length=16), server_default="weekly", nullable=False)
    )
    op.add_column("subscription", sa.Column("paused_until", sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    # Not as a batch: on SQLite that would make the table anew.
    for name in ("paused_until", "cadence"):
        op.drop_column("subscription", name)
