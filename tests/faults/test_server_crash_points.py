"""kill -9 at every named place of the server, on SQLite and on PostgreSQL: nothing lost, nothing twice.

While it starts on an empty database, while batches share transactions, and while it sends and deletes.
"""
from __future__ import annotations

import signal
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.cluster import cluster
from tests.services import needs

from . import balance, struck
from .extent import FORM, figure, not_quick
from .producers import together
from .site import KEY, Site, site
from .test_crash_points import LINES, RESUME, half, some

BOTH = ["sqlite", pytest.param("postgresql", marks=[needs("postgresql"), not_quick])]


@pytest.fixture
def database(request: pytest.FixtureRequest) -> Iterator[tuple[str, str]]:
    """Give the name of the database and its URL, "" for SQLite in the data folder."""
    if request.param == "sqlite":
        yield "sqlite", ""
        return
    with cluster("autovacuum=off", "shared_buffers=32MB") as url:
        yield "postgresql", f"{url.replace('postgresql', 'postgresql+asyncpg', 1)}/postgres"


def own(table: Mapping[str, struck.Places], name: str) -> struck.Places:
    """Return a database's places; PostgreSQL's short form leaves out modules that SQLite's run strikes."""
    if name == "sqlite" or FORM == "long":
        return table[name]
    return {module: places for module, places in table[name].items() if module not in table["sqlite"]}


def dies(here: Site, point: str, seconds: float = 20) -> None:
    """Wait until the server has died at the point."""
    here.wait_for(lambda: here.server.died() is not None, seconds, f"the server to pass {point}")
    assert here.server.died() == -9, f"{point}: {here.errors()}"


def judged(here: Site, row: str, n: int, times: list[float], more: str = "") -> None:
    verdict = here.settled()
    figure(row, f"0 lost, 0 duplicated, resume <= {RESUME:.0f} s", f"{verdict}; {n} places, resume "
           f"median {sorted(times)[len(times) // 2]:.1f} s, longest {max(times):.1f} s{more}")
    assert verdict.clean, verdict
    assert max(times) <= RESUME, times


@pytest.mark.timeout(240)
@pytest.mark.parametrize("database", BOTH, indirect=True)
def test_the_server_is_killed_at_every_place(tmp_path: Path, database: tuple[str, str]):
    name, url = database
    places = some(own(struck.LOAD, name))
    with site(tmp_path, database_url=url) as here:
        here.start_server()
        here.database.watch_groups()
        here.write(LINES)
        here.start_agent()
        times = []
        with together(here.port, KEY) as produced:
            here.wait_for(lambda: here.database.stored() > LINES, 30, "the first lines")
            for point in places:
                before = here.database.stored()
                here.write(LINES)
                here.server.kill()
                here.start_server(crash_at=point, wait=False)
                times.append(here.wait_for(lambda: here.database.stored() > before  # noqa: B023
                                           or here.server.died() is not None, 30, f"{point}: going on"))
                end = 200
                while here.server.died() is None and end:
                    here.write(LINES // 10)
                    threading.Event().wait(0.1)
                    end -= 1
                dies(here, point, 0.1)
                assert balance.checked(here.state, here.database)
            here.start_server()
        here.written.update(produced)
        groups = here.database.groups()
        judged(here, f"kill -9 at each place of the server ({name})", len(times), times,
               f"; {sum(n > 1 for n in groups):,} of {len(groups):,} transactions of several batches, "
               f"up to {max(groups)}")
    assert max(groups) > 1, "no two batches ever shared a transaction"


@not_quick
@pytest.mark.timeout(120)
@pytest.mark.parametrize("database", BOTH, indirect=True)
def test_the_server_is_killed_while_it_starts(tmp_path: Path, database: tuple[str, str]):
    """On an empty database: whatever was half made does not keep the next start from making it."""
    name, url = database
    places = half(own(struck.START, name))
    with site(tmp_path, database_url=url) as here:
        for point in places:
            here.start_server(crash_at=point, wait=False)
            dies(here, point)
        here.start_server()
        here.write(LINES)
        here.start_agent()
        judged(here, f"kill -9 while the server starts on nothing ({name})", len(places),
               [here.wait_for(here.all_stored, 30, "the lines")])
        assert balance.checked(here.state, here.database)


@contextmanager
def listening() -> Iterator[tuple[str, list[str]]]:
    """Give the URL of a webhook and the deliveries that it takes."""
    taken: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            taken.append(self.headers["X-SRA-Delivery"])
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/", taken
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


_MESSAGE = """INSERT INTO outbox (account_id, id, channel, kind, dedup_key, body, status, attempts, next_at,
    created_at) SELECT account_id, '{id}', 'webhook', 'test', '{id}', '{{}}', 'pending', 0, 0, {at}
    FROM heads"""
_ENDED = """INSERT INTO incidents (account_id, id, title, cls, severity, status, service, host, services,
    hosts, fingerprints, firing, started_at, created_at, updated_at, last_signal_at, closed_at, signals)
    SELECT account_id, '{id}', 't', 'c', 'low', 'closed', '', '', '[]', '[]', '[]', '[]', 1, 1, 1, 1, 1, 1
    FROM heads"""
_OLD = "CREATE TABLE records_2001010{n} PARTITION OF records FOR VALUES FROM ({day}) TO ({day} + 1)"
_NOW = 4_000_000_000_000_000  # far ahead, so that nothing of it is swept as old


@not_quick
@pytest.mark.timeout(180)
@pytest.mark.parametrize("database", BOTH, indirect=True)
def test_the_server_is_killed_while_it_sends_and_deletes(tmp_path: Path, database: tuple[str, str]):
    """A message arrives at least once, old data goes in the end, and what is new stays whole."""
    name, url = database
    places, messages = half(own(struck.AFTER, name)), []
    with site(tmp_path, database_url=url) as here, listening() as (address, taken):
        here.environment["SRA_WEBHOOK_URL"] = address
        here.start_server()
        here.write(LINES)
        here.start_agent()
        here.wait_for(here.all_stored, 30, "the lines")
        here.agent.stop()
        here.server.kill()
        for number, point in enumerate(places):
            here.database.change(_ENDED.format(id=f"inc_{number}"))
            if point.startswith("partition"):
                here.database.change(_OLD.format(n=number, day=11_323 + number))
            if point.startswith("outbox"):
                messages.append(f"message-{number}")
                here.database.change(_MESSAGE.format(id=messages[-1], at=_NOW))
            if name == "postgresql":
                here.database.change("DELETE FROM leases")
            here.start_server(crash_at=point, wait=point == "lease.released")
            if point == "lease.released":  # at an orderly stop, of a worker that had something to do
                here.write(LINES)
                here.start_agent()
                here.wait_for(lambda: bool(here.database.column("SELECT owner FROM leases")), 20, "a lease")
                here.server.signal(signal.SIGTERM)
            dies(here, point)
        # the claims of the dead run out after a minute: here they have
        here.database.change("UPDATE outbox SET next_at = 0 WHERE status = 'pending'")
        here.start_server()
        here.wait_for(lambda: not here.database.column("SELECT id FROM outbox WHERE status <> 'sent'"), 20,
                      "the messages to be sent")
        here.wait_for(lambda: here.database.column("SELECT count(*) FROM incidents") == [0], 20, "the sweep")
        if name == "postgresql":
            assert not here.database.column("SELECT 1 FROM pg_class WHERE relname LIKE 'records_2001%'")
        figure(f"kill -9 while the server sends and deletes ({name})",
               "each message at least once, old data gone, 0 lost, 0 duplicated",
               f"{len(places)} places; {len(set(taken))} of {len(messages)} messages arrived, "
               f"{len(taken) - len(set(taken))} again; {here.settled()}")
        assert set(taken) == set(messages)
        assert here.settled().clean
