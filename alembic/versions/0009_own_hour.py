"""the hour at which a reader wants their mail"""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("subscription", sa.Column("hour", sa.Integer(), nullable=True))


def downgrade() -> None:
    op.drop_column("subscription", "hour")
