"""When an agent's poll broke off, on hosts."""
from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("hosts", sa.Column("lost_at", sa.BigInteger()))


def downgrade() -> None:
    op.drop_column("hosts", "lost_at")
