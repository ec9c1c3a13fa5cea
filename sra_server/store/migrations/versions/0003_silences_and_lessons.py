"""Silences with their mark on incidents, and the lessons of false alarms."""
from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "silences",
        sa.Column("account_id", sa.String(36), nullable=False),
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("service", sa.String(200), nullable=False),
        sa.Column("host", sa.String(200), nullable=False),
        sa.Column("cls", sa.String(64), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("created_by", sa.String(320), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("starts_at", sa.BigInteger(), nullable=False),
        sa.Column("ends_at", sa.BigInteger()),
        sa.Column("ended_by", sa.String(320)),
        sa.Column("every", sa.String(8)),
        sa.Column("minute", sa.Integer()),
        sa.Column("seconds", sa.Integer()),
        sa.Column("timezone", sa.String(64)),
        sa.PrimaryKeyConstraint("account_id", "id", name="pk_silences"),
    )
    op.create_table(
        "lessons",
        sa.Column("account_id", sa.String(36), nullable=False),
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("cls", sa.String(64), nullable=False),
        sa.Column("severity", sa.String(16), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("alarms", sa.Integer(), nullable=False),
        sa.Column("incident_id", sa.String(36), nullable=False),
        sa.Column("why", sa.Text()),
        sa.Column("taught_by", sa.String(320), nullable=False),
        sa.Column("taught_at", sa.BigInteger(), nullable=False),
        sa.Column("held", sa.Integer(), nullable=False),
        sa.Column("held_at", sa.BigInteger()),
        sa.PrimaryKeyConstraint("account_id", "id", name="pk_lessons"),
    )
    for name, kind in (("silenced_by", sa.String(36)), ("silenced_at", sa.BigInteger()),
                       ("silenced_until", sa.BigInteger()), ("silenced_why", sa.Text())):
        op.add_column("incidents", sa.Column(name, kind))
