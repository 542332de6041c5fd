"""what a source called an article before"""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("article", sa.Column("earlier_titles", sa.JSON(), server_default="[]", nullable=False))


def downgrade() -> None:
    op.drop_column("article", "earlier_titles")
