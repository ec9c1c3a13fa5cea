"""Which sign a trouble is named after: what is told still, and what is the matter with the machine."""
from __future__ import annotations

from dataclasses import replace

import pytest

from sra_server.domain.known import Known
from sra_server.domain.lead import lead

from .making import evidence, signal
from .test_vicinity import lines
from .world import World, batch

GONE = "pika.exceptions.AMQPConnectionError: Connection refused"
DENIED = "ConnectionClosedByBroker: (530) \"NOT_ALLOWED - access to vhost 'orders' refused for user 'shop'\""
READ_ONLY = "OSError: [Errno 30] Read-only file system: '/srv/data/a'"
NO_SNAPSHOT = ("redis.exceptions.ResponseError: MISCONF Redis is configured to save RDB snapshots, but it's "
               "currently unable to persist to disk.")


def test_who_is_answered_again_and_refused_is_named_after_the_refusal() -> None:
    world = World()
    world.fold(batch(7, *lines(0, (GONE, "dispatch", 8))))
    for second in range(30, 260, 30):
        world.fold(batch(second, alive=["dispatch"]))
    for second in range(300, 360, 10):
        world.fold(batch(second + 7, *lines(second, (DENIED, "dispatch", 8))))
    latest = max(world.incidents.values(), key=lambda each: each.created_at)
    assert latest.cls == "auth_failures"


def test_who_is_still_not_answered_is_named_after_it() -> None:
    world = World()
    for second in range(0, 60, 10):
        world.fold(batch(second + 7, *lines(second, (GONE, "dispatch", 4), (DENIED, "dispatch", 4))))
    assert "external_api_down" in {each.cls for each in world.incidents.values()}


@pytest.mark.parametrize("store_first", [True, False])
def test_a_disk_that_is_read_only_explains_the_store_that_cannot_save(store_first: bool) -> None:
    world = World()
    parts = [lines(0, (NO_SNAPSHOT, "shop", 4)), lines(0, (READ_ONLY, "shop", 4))]
    for second, part in enumerate(parts if store_first else parts[::-1]):
        world.fold(batch(7 + second, *part))
    assert world.only().cls == "error_burst"


FULL = "mariadbd: Disk is full writing './mariadb-bin.000001' (Errcode: 28 \"No space left on device\")"
LOCKED = "SQLSTATE[HY000]: General error: 1205 Lock wait timeout exceeded; try restarting transaction"


def test_a_store_that_waits_for_room_keeps_its_locks() -> None:
    world = World()
    world.fold(batch(7, *lines(0, (FULL, "mariadb", 3), (LOCKED.replace("1205", "2006"), "shop", 1))))
    for second in range(12, 60, 5):
        world.fold(batch(second + 7, *lines(second, (LOCKED, "shop", 3))))
    assert world.only().cls == "disk_full"


@pytest.mark.parametrize(("text", "cls"), [
    ("pymysql.err.OperationalError: (1814, 'Tablespace has been discarded for table `customers`')",
     "database_failure"),
    ("pika.exceptions.NackError: 0 message(s) NACKed", "queue_backlog"),
    ("POST /login: automatic bind not successful - invalidCredentials", "auth_failures"),
    ('etcd answered 429: {"error":"etcdserver: mvcc: database space exceeded","code":8}', "database_failure"),
])
def test_the_class_of_a_refusal_is_that_of_its_reason(text: str, cls: str) -> None:
    world = World()
    for second in range(0, 30, 5):
        world.fold(batch(second + 7, *lines(second, (text, "shop", 5))))
    assert world.only().cls == cls


SECRET = ("Received packet from 10.1.0.9 with invalid Message-Authenticator! (Shared secret is incorrect.) "
          "(from client doors)")


def test_who_says_why_it_refuses_its_callers_is_not_led_by_the_number_of_their_errors() -> None:
    said = signal(evidence(text=SECRET, service="freeradius"), fingerprint="s", cls="auth_failures",
                  detector="signature", service="freeradius")
    counted = signal(evidence(text=SECRET, service="freeradius"), fingerprint="b", cls="error_burst",
                     detector="burst", severity="medium", service="freeradius")
    caller = signal(evidence(text="door 4 stays shut", service="doors"), fingerprint="d", cls="error_burst",
                    detector="burst", severity="medium", service="doors")
    found = lead((said, counted, caller), Known(services=frozenset({"doors", "freeradius"})))
    assert (found.cls, found.service) == ("auth_failures", "freeradius")
    # where nobody says why, the errors lead to who is named
    assert lead((counted, caller), Known()).service == "doors"


def test_who_only_passes_on_that_somebody_fails_is_not_the_cause_of_whom_he_does_not_name() -> None:
    pool = signal(evidence(1, service="enroll"), fingerprint="pool", service="enroll", cls="database_failure",
                  severity="critical", at=1, last_at=60)
    portal = signal(evidence(2, service="portal", text="Request failed with status code 500"),
                    fingerprint="portal", service="portal", cls="external_api_down", at=20, last_at=60)
    nginx = signal(evidence(3, service="nginx", text="GET /portal/me 502"), fingerprint="nginx",
                   service="nginx", cls="external_api_down", at=21, last_at=60, unanswered=True)
    known = Known(services=frozenset({"enroll", "portal", "nginx"}))
    assert lead((pool, portal, nginx), known).service == "enroll"
    # who says so later suffers himself
    late = replace(pool, at=40)
    assert lead((late, portal, nginx), known).service == "portal"


@pytest.mark.parametrize(("store", "cls"), [("memcached", "service_crash"), ("redis", "database_failure")])
def test_who_misses_a_cache_misses_no_database(store: str, cls: str) -> None:
    check = signal(evidence(1, kind="points", service=store), detector="probe", fingerprint="check",
                   service=store, cls="service_crash", subject="10.0.0.3:7000")
    refused = evidence(2, service="shop", text=f"{store} at 10.0.0.3:7000 refuses")
    client = signal(refused, fingerprint="client", service="shop", cls="database_failure",
                    subject="10.0.0.3:7000", unanswered=True)
    known = Known(places={"10.0.0.3:7000": store}, services=frozenset({store, "shop"}))
    found = lead((check, client), known)
    assert (found.service, found.cls) == (store, cls)
