"""what machines tell each other: Procrastinate's tables, in a schema of their own, on PostgreSQL only"""

from alembic import op

from digest.store import hints

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    hints.make_tables(op.get_bind())


def downgrade() -> None:
    hints.drop_tables(op.get_bind())
