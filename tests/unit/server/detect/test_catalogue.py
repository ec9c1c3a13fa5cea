"""What real software says of its troubles, class by class, and what it says while all is well."""
from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sra_sdk.errors import BadInput
from sra_server.detect.catalogue import Catalogue, load

REAL = load()

TROUBLE = [
    # databases
    ("database_failure", "FATAL:  remaining connection slots are reserved for roles with the SUPERUSER attribute"),
    ("database_failure", "FATAL: sorry, too many clients already"),
    ("database_failure", "ERROR 1040 (HY000): Too many connections"),
    ("database_failure", "psycopg2.OperationalError: connection to server at \"10.0.0.5\", port 5432 failed: Connection refused"),
    ("database_failure", "sqlalchemy.exc.OperationalError: (pymysql.err.OperationalError) (2003, \"Can't connect to MySQL server on 'db' ([Errno 111] Connection refused)\")"),
    ("database_failure", "HikariPool-1 - Connection is not available, request timed out after 30001ms."),
    ("database_failure", "org.postgresql.util.PSQLException: Connection to db:5432 refused. Check that the hostname and port are correct: connection refused"),
    ("database_failure", "com.mysql.cj.jdbc.exceptions.CommunicationsException: Communications link failure"),
    ("database_failure", "pymongo.errors.ServerSelectionTimeoutError: mongo-1:27017: [Errno 111] Connection refused, Timeout: 30s"),
    ("database_failure", "MongoServerSelectionError: connect ECONNREFUSED 127.0.0.1:27017"),
    ("database_failure", "redis.exceptions.ConnectionError: Error 111 connecting to cache:6379. Connection refused."),
    ("database_failure", "[ioredis] Unhandled error event: Error: connect ECONNREFUSED 127.0.0.1:6379"),
    ("database_failure", "terminating connection because of crash of another server process"),
    ("database_failure", "server process (PID 4711) was terminated by signal 9: Killed"),
    ("database_failure", "terminating any other active server processes"),
    ("database_failure", "invalid page in block 17 of relation base/16384/16385"),
    ("database_failure", "MISCONF Redis is configured to save RDB snapshots, but it's currently unable to persist to disk."),
    ("database_failure", "sqlalchemy.exc.TimeoutError: QueuePool limit of size 5 overflow 10 reached, connection timed out, timeout 30.00"),
    ("database_failure", "failed to connect to `host=db user=shop database=shop`: dial tcp 10.0.0.5:5432: connect: connection refused"),
    ("database_failure", "asyncpg.exceptions.CannotConnectNowError: the database system is starting up"),
    ("database_failure", "PrismaClientInitializationError: Can't reach database server at `db`:`5432`"),
    # memory
    ("memory_exhaustion", "Out of memory: Killed process 2211 (java) total-vm:8123456kB, anon-rss:4012345kB, file-rss:0kB"),
    ("memory_exhaustion", "Memory cgroup out of memory: Killed process 99 (python3) total-vm:123kB"),
    ("memory_exhaustion", "node invoked oom-killer: gfp_mask=0xcc0(GFP_KERNEL), order=0, oom_score_adj=0"),
    ("memory_exhaustion", "shop.service: A process of this unit has been killed by the OOM killer."),
    ("memory_exhaustion", "shop.service: Failed with result 'oom-kill'."),
    ("memory_exhaustion", "Exception in thread \"main\" java.lang.OutOfMemoryError: Java heap space\n\tat com.example.Main.run(Main.java:5)"),
    ("memory_exhaustion", "java.lang.OutOfMemoryError: GC overhead limit exceeded"),
    ("memory_exhaustion", "report failed\nTraceback (most recent call last):\n  File \"r.py\", line 3, in f\nMemoryError"),
    ("memory_exhaustion", "FATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory"),
    ("memory_exhaustion", "fatal error: runtime: out of memory"),
    ("memory_exhaustion", "OOM command not allowed when used memory > 'maxmemory'."),
    ("memory_exhaustion", "ERROR:  out of memory\nDETAIL:  Failed on request of size 1048576 in memory context \"ExprContext\"."),
    ("memory_exhaustion", "Container shop-7d was OOMKilled (exit code 137)"),
    ("memory_exhaustion", "fork: Cannot allocate memory"),
    # processor and workers
    ("cpu_overload", "[CRITICAL] WORKER TIMEOUT (pid:3312)"),
    ("cpu_overload", "java.util.concurrent.RejectedExecutionException: Task rejected from java.util.concurrent.ThreadPoolExecutor@1b[Running, pool size = 4]"),
    ("cpu_overload", "AH00484: server reached MaxRequestWorkers setting, consider raising the MaxRequestWorkers setting"),
    ("cpu_overload", "[pool www] server reached pm.max_children setting (5), consider raising it"),
    ("cpu_overload", "watchdog: BUG: soft lockup - CPU#1 stuck for 23s! [kworker/1:2:88]"),
    ("cpu_overload", "CPU usage is at 98% for five minutes"),
    ("cpu_overload", "1024 worker_connections are not enough"),
    # disk
    ("disk_full", "could not extend file \"base/5/16412\": No space left on device"),
    ("disk_full", "OSError: [Errno 28] No space left on device: '/var/lib/app/upload.tmp'"),
    ("disk_full", "sqlite3.OperationalError: database or disk is full"),
    ("disk_full", "Error: ENOSPC: no space left on device, write"),
    ("disk_full", "java.io.IOException: No space left on device"),
    ("disk_full", "Disk is full writing './shop/orders.MYD' (Errcode: 28 - No space left on device)"),
    ("disk_full", "Free disk space is insufficient. Free bytes: 4000. Limit: 50000000"),
    ("disk_full", "write error: Disk quota exceeded"),
    # upstreams
    ("external_api_down", "connect() failed (111: Connection refused) while connecting to upstream, client: 10.0.0.1, server: shop, request: \"GET / HTTP/1.1\", upstream: \"http://127.0.0.1:8081/\""),
    ("external_api_down", "upstream timed out (110: Connection timed out) while reading response header from upstream"),
    ("external_api_down", "backend catalog has no server available!"),
    ("external_api_down", "Server catalog/cat1 is DOWN, reason: Layer4 connection problem, info: \"Connection refused\""),
    ("external_api_down", "AH01114: HTTP: failed to make connection to backend: 127.0.0.1"),
    ("external_api_down", "requests.exceptions.ConnectionError: HTTPConnectionPool(host='pay', port=80): Max retries exceeded with url: /charge"),
    ("external_api_down", "httpx.ConnectError: All connection attempts failed"),
    ("external_api_down", "aiohttp.client_exceptions.ClientConnectorError: Cannot connect to host pay:443 ssl:default"),
    ("external_api_down", "Get \"http://pay/charge\": context deadline exceeded (Client.Timeout exceeded while awaiting headers)"),
    ("external_api_down", "java.net.ConnectException: Connection refused"),
    ("external_api_down", "payment provider answered status=503"),
    ("external_api_down", "rpc error: code = Unavailable desc = connection error"),
    # logins and tokens
    ("auth_failures", "Failed password for invalid user admin from 203.0.113.9 port 40022 ssh2"),
    ("auth_failures", "pam_unix(sshd:auth): authentication failure; logname= uid=0 euid=0 tty=ssh ruser= rhost=203.0.113.9"),
    ("auth_failures", "password authentication failed for user \"shop\""),
    ("auth_failures", "Access denied for user 'root'@'10.0.0.9' (using password: YES)"),
    ("auth_failures", "WRONGPASS invalid username-password pair or user is disabled."),
    ("auth_failures", "jwt.exceptions.ExpiredSignatureError: Signature has expired"),
    ("auth_failures", "JsonWebTokenError: invalid signature"),
    ("auth_failures", "GET /orders failed: 401 Unauthorized"),
    # crashes
    ("service_crash", "shop[2211]: segfault at 0 ip 00005577 sp 00007ffd error 4 in shop[5577+1000]"),
    ("service_crash", "shop.service: Main process exited, code=dumped, status=11/SEGV"),
    ("service_crash", "shop.service: Start request repeated too quickly."),
    ("service_crash", "exited: checkout (terminated by SIGSEGV (core dumped); not expected)"),
    ("service_crash", "gave up: checkout entered FATAL state, too many start retries too quickly"),
    ("service_crash", "Back-off restarting failed container checkout in pod checkout-5d"),
    ("service_crash", "panic: runtime error: invalid memory address or nil pointer dereference\n[signal SIGSEGV: segmentation violation]"),
    ("service_crash", "# A fatal error has been detected by the Java Runtime Environment:"),
    ("service_crash", "Fatal Python error: Segmentation fault"),
    # the others
    ("certificate_expired", "ssl.SSLCertVerificationError: [SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: certificate has expired (_ssl.c:1006)"),
    ("certificate_expired", "Error: certificate has expired code: 'CERT_HAS_EXPIRED'"),
    ("certificate_expired", "x509: certificate has expired or is not yet valid: current time is after 2024-01-01"),
    ("network_failure", "socket.gaierror: [Errno -3] Temporary failure in name resolution"),
    ("network_failure", "getaddrinfo ENOTFOUND inventory"),
    ("network_failure", "dial tcp: lookup inventory on 10.0.0.2:53: no such host"),
    ("network_failure", "connect to 10.9.9.9: No route to host"),
    ("queue_backlog", "queue orders has 120000 messages ready and 1 consumer, above its limit"),
    ("rate_limited", "429 Client Error: Too Many Requests for url: https://api.example/v1"),
    ("rate_limited", "limiting requests, excess: 20.600 by zone \"one\", client: 10.0.0.1"),
    ("deadlock", "ERROR:  deadlock detected\nDETAIL:  Process 11 waits for ShareLock on transaction 7; blocked by process 12."),
    ("deadlock", "Deadlock found when trying to get lock; try restarting transaction"),
]

HARMLESS = [
    "relation \"orders\" does not exist at character 15",
    "duplicate key value violates unique constraint \"orders_pkey\"",
    "could not receive data from client: Connection reset by peer",
    "page 12 has no picture, using the default",
    "exited: mailer (terminated by SIGTERM; not expected)",
    "shop.service: Main process exited, code=exited, status=143/n/a",
    "Connection reset by 203.0.113.9 port 40022 [preauth]",
    "slow query: 1532 ms: select * from orders",
    "deprecated option 'foo' will be removed in 3.0",
    "Send worker leaving thread",
    "File does not exist: /var/www/favicon.ico",
    "retrying in 5 seconds",
    "connection pool is full, discarding connection: api.example. Connection pool size: 10",
    "overcommit_memory is set to 0! Background save may fail under low memory condition.",
    "order 503 has no e-mail address",
    "client prematurely closed connection while reading client request line",
    "user 429 has no picture",
]


@pytest.mark.parametrize(("cls", "text"), TROUBLE, ids=lambda each: each[:40])
def test_names_the_class_of_what_software_says(cls: str, text: str) -> None:
    found = REAL.find(text, 40)
    assert found is not None, "not recognised at all"
    assert found.cls == cls, f"taken for {found.name}"


@pytest.mark.parametrize("text", HARMLESS, ids=lambda each: each[:40])
def test_takes_no_notice_of_harmless_noise(text: str) -> None:
    found = REAL.find(text, 40)
    assert found is None or found.count > 1, f"one such line would be {found.name}"


@given(st.text(alphabet="abcdefgh erus", max_size=40))
def test_the_prefilter_misses_nothing(text: str) -> None:
    catalogue = Catalogue(REAL.signatures)
    if any(fragment in text for each in catalogue.signatures for fragment in each.any):
        assert catalogue._filter.search(text)


def test_every_fragment_passes_the_prefilter() -> None:
    for each in REAL.signatures:
        for fragment in each.any:
            assert REAL._filter.search(f"xx {fragment} yy"), fragment


def test_covers_every_class_that_texts_can_show() -> None:
    assert {each.cls for each in REAL.signatures} == {
        "database_failure", "memory_exhaustion", "cpu_overload", "disk_full", "external_api_down", "auth_failures",
        "service_crash", "certificate_expired", "network_failure", "queue_backlog", "rate_limited", "deadlock"}


@pytest.mark.parametrize(("line", "told"), [
    ('class = "disk_ful"', "disk_ful"),
    ('severity = "urgent"', "severity"),
    ('any = ["No Space"]', "lower case"),
    ('match = "("', "no pattern"),
    ('remedies = ["reboot"]', "reboot"),
    ('colour = "red"', "colour"),
])
def test_a_wrong_entry_is_refused_with_its_name(tmp_path: Path, line: str, told: str) -> None:
    good = {"name": '"mine"', "class": '"disk_full"', "severity": '"high"', "any": '["no space"]',
            "means": '"m"', "title": '"t"'}
    key, _, value = line.partition(" = ")
    good[key] = value
    path = tmp_path / "s.toml"
    path.write_text("[[signature]]\n" + "\n".join(f"{key} = {value}" for key, value in good.items()))
    with pytest.raises(BadInput, match="mine") as caught:
        load(path)
    assert told in caught.value.message
