"""At which crash points the tests kill, as `place:passing`. To test_crash_points; held by test_places.

A place stands under the module that holds it; where two modules share a name, as the two databases'
commits do, each is struck in the run on its own database.
"""
from __future__ import annotations

from collections.abc import Mapping

Places = Mapping[str, tuple[str, ...]]

_SPOOL, _FILE, _BALLAST = "sra_agent/spool.py", "sra_agent/spool_file.py", "sra_agent/ballast.py"

#: A plain start with new lines passes these, and again from nothing, over a damaged spool, on a full disk.
AGENT: Places = {
    _FILE: ("spool.lock",),
    _SPOOL: ("spool.append.commit", "spool.appended", "spool.positions.commit", "spool.fact.commit",
             "spool.seal.commit", "spool.sealed", "spool.acknowledge", "spool.acknowledge.commit",
             "spool.acknowledged"),
    "sra_agent/spool_tally.py": ("tally.write", "tally.written"),
    "sra_agent/ship.py": ("ship.send", "ship.sent", "ship.answered"),
}
AGENT_NEW: Places = {
    _FILE: ("spool.make", "spool.made"),
    _SPOOL: ("spool.born.commit", "spool.born", "spool.former.commit"),
    _BALLAST: ("ballast.made", "ballast.held"),
}
AGENT_DAMAGED: Places = {
    _FILE: ("spool.aside", "spool.aside.moved", "spool.forget", "spool.forgotten:1", "spool.forgotten:2"),
}
AGENT_COUNTS: Places = {_SPOOL: ("spool.counts.commit",)}
AGENT_FULL: Places = {
    _BALLAST: ("ballast.release", "ballast.released"),
    "sra_agent/spool_rows.py": ("spool.given_back",),
}
AGENT_REFUSED: Places = {_SPOOL: ("spool.reject.commit:2", "spool.rejected:2")}
AGENT_RESENT: Places = {"sra_agent/quarantine.py": ("quarantine.back.commit", "quarantine.back")}
AGENT_RENEWED: Places = {_SPOOL: ("spool.renew.commit", "spool.renewed")}

_COMMIT = {
    "sqlite": "sra_server/store/commit_sqlite.py",
    "postgresql": "sra_server/store/commit_postgresql.py",
}
_INGEST = ("ingest.numbered:3", "ingest.written:3", "ingest.commit:3", "ingest.committed:3")
_STORE = ("store.commit:3", "store.committed:4")
_LOAD: Places = {
    "sra_server/api/ingest.py": ("ingest.received:9", "ingest.answer:9"),
    "sra_server/worker.py": ("worker.read:2", "worker.committed:2"),
    "sra_server/rounds.py": ("worker.begun:2", "worker.applied:2", "worker.told:2", "worker.commit:2"),
}
#: Batches that come while lines are written and several producers send at once.
LOAD: Mapping[str, Places] = {
    "sqlite": {_COMMIT["sqlite"]: _INGEST, "sra_server/store/__init__.py": _STORE, **_LOAD},
    "postgresql": {_COMMIT["postgresql"]: _INGEST, "sra_server/store/__init__.py": _STORE,
                   "sra_server/tenancy.py": ("lease.taken",), **_LOAD},
}
_MIGRATE: Places = {"sra_server/store/migrations/__init__.py": ("migrate.commit", "migrate.committed")}
#: A start on an empty database.
START: Mapping[str, Places] = {
    "sqlite": {
        "sra_server/store/folder.py": ("folder.locked", "folder.cleared", "folder.owned", "folder.made"),
        **_MIGRATE,
        "sra_server/store/__init__.py": ("store.commit", "store.committed"),
    },
    "postgresql": {
        **_MIGRATE,
        "sra_server/store/partitions.py": ("partition.made", "partition.attached:1", "partition.attached:5"),
        "sra_server/upkeep.py": ("upkeep.commit", "upkeep.committed"),
    },
}
_AFTER: Places = {
    "sra_server/store/retention.py": ("retention.deleted", "retention.ended"),
    "sra_server/notify/send.py": ("outbox.send", "outbox.sent", "outbox.marked"),
}
#: What is done with what was stored: old data goes, messages are sent, leases are given back.
AFTER: Mapping[str, Places] = {
    "sqlite": _AFTER,
    "postgresql": {
        **_AFTER,
        "sra_server/store/partitions.py": ("partition.drop.commit", "partition.dropped"),
        "sra_server/tenancy.py": ("lease.released",),
    },
}


def together(*tables: Places) -> dict[str, set[str]]:
    """Return the places of each module that any of the tables strikes, without their passings."""
    found: dict[str, set[str]] = {}
    for table in tables:
        for module, places in table.items():
            found.setdefault(module, set()).update(one.partition(":")[0] for one in places)
    return found


def each(places: Places) -> list[str]:
    """Return all places of a table."""
    return [one for several in places.values() for one in several]
