"""until when the issue that was drafted last was cut"""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("newsletter", sa.Column("cut_at", sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    op.drop_column("newsletter", "cut_at")
