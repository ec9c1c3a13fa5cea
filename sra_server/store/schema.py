"""Every table, once, for SQLite and PostgreSQL alike. From nobody; to the store's modules and migrations.

Rules (decisions 1, 2 and 10): times are epoch microseconds UTC in BIGINT; every primary and unique
key of an account's data begins with `account_id`, and foreign keys stay inside an account, so that
the tables can be distributed by account. The directory's tables are in `directory`.
"""
from __future__ import annotations

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Double,
    ForeignKeyConstraint,
    Index,
    Integer,
    SmallInteger,
    String,
    Table,
    Text,
    UniqueConstraint,
)

from .directory import accounts as accounts
from .directory import api_keys as api_keys
from .directory import leases as leases
from .directory import memberships as memberships
from .directory import metadata as metadata
from .directory import sessions as sessions
from .directory import users as users

# ── delivery ─────────────────────────────────────────────────────────────────────────────────
heads = Table(
    "heads", metadata,  # head: commits so far, gapless and in commit order; cursor: folded so far
    Column("account_id", String(36), primary_key=True),
    Column("head", BigInteger, nullable=False),
    Column("cursor", BigInteger, nullable=False),
    Column("records", BigInteger, nullable=False),  # ever stored
    Column("state", Text),  # the fold's state after `cursor`, as JSON
)
batches = Table(
    "batches", metadata,
    Column("account_id", String(36), primary_key=True),
    Column("head", BigInteger, primary_key=True),
    Column("ticket", BigInteger, nullable=False),
    Column("day", Integer, nullable=False),  # receipt day, days since the epoch
    Column("received_at", BigInteger, nullable=False),
    Column("producer", String(64)),
    Column("sequence", BigInteger),
    Column("digest", String(64)),
    Column("min_at", BigInteger),
    Column("max_at", BigInteger),
    Column("records", Integer, nullable=False),
    Column("points", Integer, nullable=False),
    # [[minute µs, service, host, level, n], …] over all records, and the line numbers of WARNING and above
    Column("counts", JSON, nullable=False),
    Column("loud", JSON, nullable=False),
    UniqueConstraint("account_id", "producer", "sequence"),
)
producers = Table(
    "producers", metadata,
    Column("account_id", String(36), primary_key=True),
    Column("producer", String(64), primary_key=True),
    Column("host", String(200)),
    Column("last_sequence", BigInteger, nullable=False),
    Column("gaps", BigInteger, nullable=False),
    Column("dropped", JSON, nullable=False),  # by reason, as the producer counted
    Column("updated_at", BigInteger, nullable=False),
)
source_ends = Table(
    "source_ends", metadata,
    Column("account_id", String(36), primary_key=True),
    Column("host", String(200), primary_key=True),
    Column("source", String(1024), primary_key=True),
    Column("position", JSON, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
)
records = Table(
    "records", metadata,
    Column("account_id", String(36), primary_key=True),
    Column("day", Integer, primary_key=True),
    Column("ticket", BigInteger, primary_key=True),
    Column("line", Integer, primary_key=True),
    Column("at", BigInteger, nullable=False),
    Column("received_at", BigInteger, nullable=False),
    Column("level", SmallInteger, nullable=False),
    Column("service", String(200), nullable=False),
    Column("host", String(200), nullable=False),
    Column("source", String(200)),
    Column("message", Text, nullable=False),
    Column("trace_id", String(200)),
    Column("metadata", Text),  # JSON object, or null for none
    sqlite_with_rowid=False,
    postgresql_partition_by="RANGE (day)",  # the partitions are made and dropped by `partitions`
)
points = Table(
    "points", metadata,
    Column("account_id", String(36), primary_key=True),
    Column("day", Integer, primary_key=True),
    Column("ticket", BigInteger, primary_key=True),
    Column("line", Integer, primary_key=True),
    Column("at", BigInteger, nullable=False),
    Column("name", String(200), nullable=False),
    Column("value", Double, nullable=False),
    Column("unit", String(200)),
    Column("service", String(200), nullable=False),
    Column("host", String(200), nullable=False),
    Column("tags", Text),  # JSON object, or null for none
    Index("ix_points_account_id_name_at", "account_id", "name", "at"),
    sqlite_with_rowid=False,
    postgresql_partition_by="RANGE (day)",
)

# ── incidents ────────────────────────────────────────────────────────────────────────────────
incidents = Table(
    "incidents", metadata,
    Column("account_id", String(36), primary_key=True),
    Column("id", String(36), primary_key=True),
    Column("title", Text, nullable=False),
    Column("cls", String(64), nullable=False),
    Column("severity", String(16), nullable=False),
    Column("status", String(16), nullable=False),
    Column("service", String(200), nullable=False),
    Column("host", String(200), nullable=False),
    Column("services", JSON, nullable=False),
    Column("hosts", JSON, nullable=False),
    Column("fingerprints", JSON, nullable=False),
    Column("firing", JSON, nullable=False),
    Column("started_at", BigInteger, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
    Column("last_signal_at", BigInteger, nullable=False),
    Column("resolved_at", BigInteger),
    Column("closed_at", BigInteger),
    Column("signals", Integer, nullable=False),
    Column("assignee", String(200)),
    Column("resolution", Text),
    Column("root_cause", Text),
    Column("confidence", Double),
    Column("silenced_by", String(36)),  # the silence that holds now; the next three are about the last one
    Column("silenced_at", BigInteger),
    Column("silenced_until", BigInteger),
    Column("silenced_why", Text),
    Index("ix_incidents_account_id_status_created_at", "account_id", "status", "created_at"),
    Index("ix_incidents_account_id_created_at", "account_id", "created_at", "id"),  # pages, newest first
)


def _of_incident() -> ForeignKeyConstraint:
    return ForeignKeyConstraint(["account_id", "incident_id"], ["incidents.account_id", "incidents.id"],
                                ondelete="CASCADE")


evidence = Table(
    "evidence", metadata,  # a copy: evidence outlives the retention of records
    Column("account_id", String(36), primary_key=True),
    Column("incident_id", String(36), primary_key=True),
    Column("id", String(128), primary_key=True),
    Column("kind", String(16), nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("service", String(200), nullable=False),
    Column("host", String(200), nullable=False),
    Column("source", String(200), nullable=False),
    Column("line", Integer),
    Column("text", Text, nullable=False),
    _of_incident(),
)
analyses = Table(
    "analyses", metadata,
    Column("account_id", String(36), primary_key=True),
    Column("incident_id", String(36), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("analyst", String(64), nullable=False),
    Column("root_cause", Text, nullable=False),
    Column("confidence", Double, nullable=False),
    Column("claims", JSON, nullable=False),
    Column("recommendations", JSON, nullable=False),
    Column("note", Text),
    Column("created_at", BigInteger, nullable=False),
    _of_incident(),
)
incident_events = Table(
    "incident_events", metadata,  # the timeline, never changed
    Column("account_id", String(36), primary_key=True),
    Column("incident_id", String(36), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("at", BigInteger, nullable=False),
    Column("kind", String(32), nullable=False),
    Column("actor", String(320), nullable=False),
    Column("text", Text, nullable=False),
    Column("data", JSON, nullable=False),
    _of_incident(),
)

# ── repair ───────────────────────────────────────────────────────────────────────────────────
hosts = Table(
    "hosts", metadata,
    Column("account_id", String(36), primary_key=True),
    Column("host", String(200), primary_key=True),
    Column("agent_version", String(64)),
    Column("boot_id", String(64)),
    Column("watches", JSON, nullable=False),
    Column("cannot_watch", JSON, nullable=False),
    Column("services", JSON, nullable=False),
    Column("policy_hash", String(64)),
    Column("policy_problem", Text),
    Column("counters", JSON, nullable=False),
    Column("last_seen", BigInteger, nullable=False),
    Column("lost_at", BigInteger),  # when its agent's poll broke off; nothing once it is heard again
)
inventory = Table(
    "inventory", metadata,
    Column("account_id", String(36), primary_key=True),
    Column("host", String(200), primary_key=True),
    Column("service", String(200), primary_key=True),
    Column("action", String(32), primary_key=True),
    Column("platform", String(32), nullable=False),
    Column("mode", String(16), nullable=False),
    ForeignKeyConstraint(["account_id", "host"], ["hosts.account_id", "hosts.host"], ondelete="CASCADE"),
)
remedies = Table(
    "remedies", metadata,
    Column("account_id", String(36), primary_key=True),
    Column("id", String(36), primary_key=True),
    Column("incident_id", String(36)),
    Column("action", String(32), nullable=False),
    Column("service", String(200), nullable=False),
    Column("host", String(200), nullable=False),
    Column("status", String(16), nullable=False),
    Column("dry_run", Boolean, nullable=False),
    Column("parameters", JSON, nullable=False),
    Column("reason", Text),
    Column("plan", JSON(none_as_null=True)),
    Column("plan_digest", String(64)),
    Column("approved_by", String(320)),
    Column("preapproved_by", String(320)),
    Column("task_token", String(64)),
    Column("outcome", JSON(none_as_null=True)),
    Column("created_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
    _of_incident(),
    Index("ix_remedies_account_id_host_status", "account_id", "host", "status"),
    Index("ix_remedies_account_id_incident_id", "account_id", "incident_id"),
)

# ── what people say of incidents ─────────────────────────────────────────────────────────────
silences = Table(
    "silences", metadata,
    Column("account_id", String(36), primary_key=True),
    Column("id", String(36), primary_key=True),
    Column("service", String(200), nullable=False),  # "" is any
    Column("host", String(200), nullable=False),
    Column("cls", String(64), nullable=False),
    Column("why", Text, nullable=False),
    Column("created_by", String(320), nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("starts_at", BigInteger, nullable=False),
    Column("ends_at", BigInteger),  # null: until somebody ends it
    Column("ended_by", String(320)),
    Column("every", String(8)),  # the four of a recurring window, or all null
    Column("minute", Integer),
    Column("seconds", Integer),
    Column("timezone", String(64)),
)
lessons = Table(
    "lessons", metadata,  # one for each sign that was a false alarm
    Column("account_id", String(36), primary_key=True),
    Column("id", String(36), primary_key=True),
    Column("fingerprint", Text, nullable=False),
    Column("title", Text, nullable=False),
    Column("cls", String(64), nullable=False),
    Column("severity", String(16), nullable=False),
    Column("count", Integer, nullable=False),  # records or points of the false alarm
    Column("alarms", Integer, nullable=False),
    Column("incident_id", String(36), nullable=False),  # the last one; it may be gone by now
    Column("why", Text),
    Column("taught_by", String(320), nullable=False),
    Column("taught_at", BigInteger, nullable=False),
    Column("held", Integer, nullable=False),  # how often it kept something from opening an incident
    Column("held_at", BigInteger),
    Column("lasted", BigInteger),  # microseconds that the false alarm went on
)

# ── telling people ───────────────────────────────────────────────────────────────────────────
outbox = Table(
    "outbox", metadata,  # written in the transaction that causes it; sent afterwards, at least once
    Column("account_id", String(36), primary_key=True),
    Column("id", String(36), primary_key=True),
    Column("channel", String(32), nullable=False),
    Column("kind", String(32), nullable=False),
    Column("dedup_key", String(200), nullable=False),
    Column("body", JSON, nullable=False),
    Column("status", String(16), nullable=False),  # pending, sent, failed
    Column("attempts", Integer, nullable=False),
    Column("next_at", BigInteger, nullable=False),
    Column("last_error", Text),
    Column("created_at", BigInteger, nullable=False),
    Column("sent_at", BigInteger),
    UniqueConstraint("account_id", "dedup_key"),
    Index("ix_outbox_status_next_at", "status", "next_at"),
)
