"""On PostgreSQL, records and points become partitioned by the day of receipt; an index for incident pages.

What version 0.1.0 stored stays where it is and becomes one partition, from the beginning of time to the
day after the last one stored. SQLite has no partitions.
"""
from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_incidents_account_id_created_at", "incidents", ["account_id", "created_at", "id"])
    if op.get_bind().dialect.name != "postgresql":
        return
    _partition("records", ["pk_records"])
    _partition("points", ["pk_points", "ix_points_account_id_name_at"])


def _partition(table: str, indexes: list[str]) -> None:
    last = op.get_bind().execute(sa.text(f"SELECT max(day) FROM {table}")).scalar()  # noqa: S608
    op.execute(f"ALTER TABLE {table} RENAME TO {table}_before")
    for index in indexes:
        op.execute(f"ALTER INDEX {index} RENAME TO {index}_before")
    op.execute(f"CREATE TABLE {table} (LIKE {table}_before INCLUDING DEFAULTS) PARTITION BY RANGE (day)")
    op.execute(f"ALTER TABLE {table} ADD CONSTRAINT pk_{table} PRIMARY KEY (account_id, day, ticket, line)")
    if table == "points":
        op.execute("CREATE INDEX ix_points_account_id_name_at ON points (account_id, name, at)")
    if last is None:
        op.execute(f"DROP TABLE {table}_before")
    else:
        op.execute(f"ALTER TABLE {table} ATTACH PARTITION {table}_before "
                   f"FOR VALUES FROM (MINVALUE) TO ({last + 1})")
