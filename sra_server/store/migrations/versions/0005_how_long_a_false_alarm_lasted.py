"""How long a false alarm lasted, on lessons."""
from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("lessons", sa.Column("lasted", sa.BigInteger()))


def downgrade() -> None:
    op.drop_column("lessons", "lasted")
