"""which sender claimed a delivery last"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("delivery", sa.Column("holder", sa.String(length=12), server_default="", nullable=False))


def downgrade() -> None:
    op.drop_column("delivery", "holder")
