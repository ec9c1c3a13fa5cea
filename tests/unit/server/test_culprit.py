"""Who is named: not who tells of it, but whom the words mean; through the fold."""
from __future__ import annotations

import pytest

from .test_vicinity import lines, usual
from .world import World, batch, record

UNREACHED = ("Exception on /order [POST]\nTraceback (most recent call last):\n"
             '  File "/srv/venv/lib/python3.11/site-packages/psycopg/connection.py", line 98, in connect\n'
             "psycopg.OperationalError: connection timeout expired")
FAR = UNREACHED + ' connection to server at "orders.db.example", port 5432 failed'
LOCKED = "pymysql.err.OperationalError: (1205, 'Lock wait timeout exceeded; try restarting transaction')"
NO_ROOM = "redis.exceptions.OutOfMemoryError: command not allowed when used memory > 'maxmemory'."
HEAP = "java.lang.OutOfMemoryError: Java heap space\n\tat org.postgresql.core.PGStream.read(PGStream.java)"
NO_DISK = "Error: MISCONF Errors writing to the AOF file: No space left on device"
READS_ONLY = ("pymysql.err.OperationalError: (1290, 'The MySQL server is running with the --read-only option"
              " so it cannot execute this statement')")
RACK = ("Redis::TimeoutError - Connection timed out:\n"
        "\t/usr/share/gems/redis-4.8.0/lib/redis/client.rb:268:in `process'\n\tconfig.ru:30:in `block'")
NATS = "NatsError: CONNECTION_REFUSED"
NO_REPLY = "POST /basket failed: no answer from redis within 2500 ms"
SESSIONS = ("PHP Warning:  session_start(): Failed to read session data: memcached (path: mc.shop.lan:11211)"
            " in /srv/www/index.php on line 7")
SOCKET = ("(gw_backend.c.274) establishing connection failed: socket: unix:/run/php/php8.2-fpm.sock:"
          " Connection refused")
REPORT = ('psql: error: connection to server at "pgreport.shop.lan" (127.0.1.12), port 5432 failed:'
          ' Connection refused')
LACKS = 'column "stock" does not exist'
BUG = "ValueError: could not convert string to float: 'abc'"
FAILED = '10.1.1.1 - - [25/Nov/2026:06:34:00 +0000] "POST /order HTTP/1.1" 500 157 "-" "app/3.2"'


def told(text: str, *services: str, times: int = 3) -> World:
    """Return the world after a client's words, where these services were heard of before."""
    world = World()
    world.fold(batch(-60, alive=["shop", *services]))
    world.fold(batch(7, *lines(0, (text, "shop", times))))
    return world


@pytest.mark.parametrize(("text", "store"), [
    (UNREACHED, "postgresql"), (UNREACHED, "orders-db"), (LOCKED, "mariadb"), (NO_ROOM, "redis"),
    (NO_DISK, "redis"), (READS_ONLY, "mariadb"), (RACK, "redis"), (NO_REPLY, "redis")])
def test_a_store_that_says_nothing_is_named_by_the_words_of_its_client(text: str, store: str) -> None:
    assert told(text, store, "rabbitmq").only().service == store


@pytest.mark.parametrize(("text", "services"), [
    (UNREACHED, ("redis",)), (UNREACHED, ("pg-orders", "pg-users")), (FAR, ("postgresql",)),
    (UNREACHED, ("postgres-exporter",)), (HEAP, ("postgresql",)),
    # who is only read from says the same as a primary that is left so
    (READS_ONLY, ("mariadb", "mariadb-replica")), (SOCKET, ("php-fpm", "php-admin"))])
def test_nobody_is_named_of_another_kind_or_place_or_where_two_may_be_meant(
        text: str, services: tuple[str, ...]) -> None:
    assert told(text, *services).only().service == "shop"


@pytest.mark.parametrize(("text", "missed", "others"), [
    (NATS, "nats", ()), (SESSIONS, "memcached", ("redis",)), (SOCKET, "php-fpm", ("redis",)),
    (REPORT, "postgresql-report", ("postgresql",))])
def test_who_is_gone_is_named_by_place_socket_or_kind(
        text: str, missed: str, others: tuple[str, ...]) -> None:
    world = World()
    world.fold(batch(-60, alive=["shop", missed, *others]))
    for second in range(0, 24, 6):
        world.fold(batch(second + 1, *lines(second, (text, "shop", 2))))
    assert world.only().service == missed


REFUSED = ("write failed: HTTPConnectionPool(host='{}', port={}): Max retries exceeded with url: /write "
           "(Caused by NewConnectionError('Failed to establish a new connection: "
           "[Errno 111] Connection refused'))")


@pytest.mark.parametrize(("host", "port", "service", "named"), [
    ("influx.ferry.example", 8086, "influxdb", "influxdb"),
    ("alerts.ferry.example", 9093, "alertmanager", "alertmanager"),
    # neither a port nor a name alone leads anywhere
    ("store.ferry.example", 8086, "influxdb", "shop"), ("influx.ferry.example", 443, "influxdb", "shop")])
def test_a_machine_that_is_called_after_a_service_and_its_port_lead_to_it(
        host: str, port: int, service: str, named: str) -> None:
    world = World()
    world.fold(batch(-60, alive=["shop", service]))
    for second in range(0, 24, 6):
        world.fold(batch(second + 1, *lines(second, (REFUSED.format(host, port), "shop", 2))))
    assert world.only().service == named


def test_who_has_lost_the_kdc_leads_to_it() -> None:
    text = "ticket not renewed: kinit: Cannot contact any KDC for realm 'FERRY' while getting credentials"
    assert told(text, "krb5kdc").only().service == "krb5kdc"


def test_who_errs_and_at_whose_place_nobody_listens_is_down() -> None:
    world = World()
    world.fold(batch(-60, alive=["shop", "influxdb"]))
    own = "run: create server: mkdir all: mkdir /srv/influx/meta: permission denied"
    for second in range(0, 40, 4):
        world.fold(batch(second + 1, *lines(second, (own, "influxdb", 1)),
                         *lines(second, (REFUSED.format("influx.ferry.example", 8086), "shop", 2))))
    assert ("influxdb", "service_crash") in {(each.service, each.cls) for each in world.incidents.values()}


@pytest.mark.parametrize(("times", "told"), [(4, 0), (9, 1)])
def test_a_server_that_its_proxy_goes_around_is_told_once_it_is_not_back(times: int, told: int) -> None:
    world = World()
    world.fold(batch(-60, alive=["nginx", "fares"]))
    line = ('*9 upstream server temporarily disabled while connecting to upstream, client: 10.0.0.1,'
            ' server: shop, request: "GET / HTTP/1.1", upstream: "http://127.0.1.43:8800/", host: "shop"')
    for second in range(0, times * 10, 10):
        world.fold(batch(second + 1, *lines(second, (line, "nginx", 1)), alive=["fares"]))
    assert len(world.incidents) == told


@pytest.mark.parametrize(("times", "told"), [(2, 0), (5, 1)])
def test_a_subscription_that_fails_again_and_again_is_told(times: int, told: int) -> None:
    world = World()
    line = 'background worker "logical replication worker" (PID 77) exited with exit code 1'
    for second in range(0, times * 5, 5):
        world.fold(batch(second + 1, *lines(second, (line, "postgresql", 1))))
    assert len(world.incidents) == told


def test_a_trouble_of_a_silent_store_is_over_when_its_clients_are_well() -> None:
    world = told(UNREACHED, "postgresql")
    for second in range(10, 300, 10):
        world.fold(batch(second, alive=["shop"]))
    assert world.only().status == "resolved"


@pytest.mark.parametrize("store_first", [True, False])
def test_who_asks_for_what_is_not_there_is_named_and_not_the_store(store_first: bool) -> None:
    world = World()
    parts = [lines(0, (f"ERROR:  {LACKS} at character 8", "postgresql", 30)),
             lines(0, (f"psycopg.errors.UndefinedColumn: {LACKS}", "shop", 30))]
    for second, part in enumerate(parts if store_first else parts[::-1]):
        world.fold(batch(7 + second, *part))
    assert world.only().service == "shop"


@pytest.mark.parametrize("front_first", [True, False])
def test_a_proxy_passes_on_what_the_service_behind_it_has(front_first: bool) -> None:
    world = usual()
    parts = [lines(0, (BUG, "shop", 60)), lines(0, (FAILED, "nginx", 60))]
    for second, part in enumerate(parts[::-1] if front_first else parts):
        world.fold(batch(7 + second, *part))
    assert world.only().service == "shop"


def test_of_a_long_text_the_end_is_kept_for_it_tells_what_was_the_matter() -> None:
    frames = "\n".join(f'  File "/srv/shop/app/views.py", line {n}, in view' for n in range(200))
    text = f"Exception on /order [POST]\n{frames}\npsycopg.errors.DeadlockDetected: deadlock detected"
    world = World()
    world.fold(batch(11, *(record(text, 5 * n, number=n) for n in range(3))))
    [case] = world.state.cases.values()
    kept = case.signals[0].evidence[0].text
    assert len(kept) <= 2000 and kept.startswith("Exception on") and kept.endswith("deadlock detected")


PAGE = "https://www.ferry.lan/fares/12 "
ANSWERED = PAGE + "HTTP 502 in 0.009s"
GONE = PAGE + "unreachable: curl: (7) Failed to connect to www.ferry.lan port 443: Couldn't connect to server"
UNTRUSTED = PAGE + "unreachable: curl: (60) SSL certificate problem: certificate has expired"


@pytest.mark.parametrize("text", [GONE, UNTRUSTED])
def test_a_check_from_outside_blames_the_only_web_server_that_it_cannot_reach_or_trust(text: str) -> None:
    assert told(text, "nginx", "tokens").only().service == "nginx"


@pytest.mark.parametrize(("text", "services"), [
    (ANSWERED, ("nginx",)),                                # somebody behind it may be ill
    (GONE, ("nginx", "haproxy")),
    (UNTRUSTED.replace("www.ferry.lan", "api.partner.example"), ("nginx",)),
    ("could not charge: " + UNTRUSTED, ("nginx",)),        # who says so is no check
])
def test_a_check_blames_nobody_where_it_was_answered_or_two_may_be_meant_or_it_asks_somebody_far(
        text: str, services: tuple[str, ...]) -> None:
    assert told(text, *services).only().service == "shop"


def test_a_proxy_is_named_before_the_check_that_it_answers() -> None:
    failed = FAILED.replace("500", "502").replace("POST /order", "GET /fares/12")
    world = World()
    world.fold(batch(-60, alive=["check", "nginx"]))
    world.fold(batch(7, *lines(0, (ANSWERED, "check", 5)), *lines(1, (failed, "nginx", 5))))
    assert world.only().service == "nginx"


def every(seconds: int, *told: tuple[str, str], lasts: int = 40, seen: tuple[str, ...] = ()) -> World:
    """Return the world in which each of some services says its text every few seconds."""
    world = World()
    world.fold(batch(-60, alive=[*seen, *(service for _, service in told)]))
    for second in range(0, lasts, seconds):
        parts = [lines(second + n * 0.7, (text, service, 1)) for n, (text, service) in enumerate(told)]
        world.fold(batch(second + 3, *(each for part in parts for each in part)))
    return world


# what clients in several languages say of a broker that is one's own
BUNNY = "Could not establish TCP connection to mq.shop.lan:5672: Bunny::ClientTimeout"
PIKA = ("pika.exceptions.AMQPConnectionError: Connection to 127.0.0.1:5672 failed:"
        " [Errno 111] Connection refused")
GO_NATS = "nats: no servers available for connection"
JS_NATS = "NatsError: CONNECTION_REFUSED"
HEARTBEATS = ("closing AMQP connection <0.688.0> (10.0.0.9:40022 -> 10.0.0.8:5672):\n"
              "missed heartbeats from client, timeout: 60s")


@pytest.mark.parametrize(("one", "other", "broker"), [
    (BUNNY, PIKA, "rabbitmq"), (PIKA, BUNNY, "rabbitmq"), (GO_NATS, JS_NATS, "nats"),
    (JS_NATS, "nats: connection closed", "nats")])
def test_two_clients_that_have_lost_one_broker_have_one_trouble_and_it_is_the_brokers(
        one: str, other: str, broker: str) -> None:
    found = every(5, (one, "intake"), (other, "miller"), seen=(broker,)).only()
    assert (found.service, found.cls) == (broker, "service_crash")


def test_clients_of_two_brokers_have_two_troubles() -> None:
    assert len(every(5, (BUNNY, "intake"), (JS_NATS, "miller"), seen=("rabbitmq", "nats")).incidents) == 2


def test_where_neither_side_hears_the_other_it_is_the_network_between_them() -> None:
    found = every(5, (HEARTBEATS, "rabbitmq"), (BUNNY, "miller")).only()
    assert (found.cls, found.service) == ("network_failure", "rabbitmq")


def test_a_client_that_alone_is_silent_hangs_and_no_network_is_blamed() -> None:
    assert every(5, (HEARTBEATS, "rabbitmq"), lasts=10).only().cls == "queue_backlog"


WAITING = ("error reconnecting to master 'copy@127.0.0.1:3306' - retry-time: 5  maximum-retries: 100000"
           "  message: Lost connection to server at 'waiting for initial communication packet', system error:"
           ' 110 "Connection timed out"')
BUSY = "AH00161: server reached MaxRequestWorkers setting, consider raising the MaxRequestWorkers setting"


def test_a_database_that_hangs_is_named_by_its_replica_and_explains_busy_workers() -> None:
    world = World()
    world.fold(batch(-60, alive=["mariadb", "mariadb-replica", "apache2"]))
    world.fold(batch(1, *lines(0, (BUSY, "apache2", 1))))
    world.fold(batch(50, *lines(49, (WAITING, "mariadb-replica", 1))))
    assert (world.only().service, world.only().cls) == ("mariadb", "database_failure")


@pytest.mark.parametrize(("text", "told"), [
    ("queue=grain depth=26 consumers=0", 1), ("queue mails has no consumers, 12 messages wait", 1),
    ("orders: messages_ready: 812, consumers: 0", 1), ("consumers=0 lag=77 topic=orders", 1),
    ("queue=grain depth=0 consumers=0", 0), ("queue=grain depth=26 consumers=2", 0)])
def test_a_queue_from_which_nobody_takes_is_told_once_it_goes_on(text: str, told: int) -> None:
    world = World()
    for second in range(0, 40, 5):
        world.fold(batch(second + 1, record(text, second, service="warden", level=30)))
        assert second >= 15 or not world.incidents
    assert [each.cls for each in world.incidents.values()] == ["queue_backlog"] * told


PAGER = ('Notify attempt failed: Post "http://pager.grid.example:8060/alert": dial tcp 10.1.0.14:8060: '
         "connect: connection refused")
PAGER_FAR = 'Notify attempt failed: Post "https://pager.example/alert": connect: connection refused'


@pytest.mark.parametrize(("text", "named"), [(PAGER, "pager"), (PAGER_FAR, "shop")])
def test_a_machine_that_is_called_after_a_service_of_ones_own_leads_to_it(text: str, named: str) -> None:
    """But a public site at a port of the web is somebody else's."""
    world = World()
    world.fold(batch(-60, alive=["shop", "pager"]))
    for second in range(0, 30, 3):
        world.fold(batch(second + 1, *lines(second, (text, "shop", 1))))
    assert world.only().service == named
