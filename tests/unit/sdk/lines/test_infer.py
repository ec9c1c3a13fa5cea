"""Levels by meaning: what must be raised, and what must not be."""
from __future__ import annotations

import random

import pytest

from sra_sdk.lines import infer
from sra_sdk.lines.infer import level_of
from sra_sdk.lines.parse import LineReader
from sra_sdk.lines.wording import FACTS, WORDS, Rule

READER = LineReader()
PHP = ('2024/03/05 10:00:00 [error] 7#7: *9 FastCGI sent in stderr: "PHP message: PHP {} in /srv/x.php on '
       'line 8" while reading response header from upstream, client: 10.0.0.1, server: site')
MAIL = "Mar  5 10:00:00 mx-1 postfix/smtp[812]: connect to mx.example[{}]:25: Network is unreachable"


def level(line: str) -> str:
    parsed = READER.read(line)
    return level_of(parsed.message, parsed.level, parsed.format, parsed.metadata)


@pytest.mark.parametrize(("line", "expected"), [
    ("Feb 14 15:16:01 h sshd[1]: Failed password for root from 10.0.0.9 port 22 ssh2", "warning"),
    ("2026-01-31 10:00:00 INFO auth: Failed password for bob", "warning"),
    ("Feb 14 15:16:01 h sshd(pam_unix)[1]: authentication failure; logname= uid=0", "warning"),
    ("Feb 14 15:16:01 h sshd[1]: Invalid user admin from 10.0.0.9", "warning"),
    ("Feb 14 15:16:01 h kernel: [1.2345] Out of memory: Killed process 7 (java) total-vm:1kB", "critical"),
    ("Feb 14 15:16:01 h kernel: [1.2345] java invoked oom-killer: gfp_mask=0x0", "critical"),
    ("[12345.678901] Kernel panic - not syncing", "critical"),
    ("Feb 14 15:16:01 h kernel: app[7]: segfault at 0 ip 0 sp 0 error 4 in app", "error"),
    ("cp: error writing '/x': No space left on device", "error"),
    ("Feb 14 15:16:01 h systemd[1]: shop.service: Main process exited, code=exited, status=1/FAILURE",
     "error"),
    ("Feb 14 15:16:01 h systemd[1]: shop.service: Failed with result 'exit-code'.", "error"),
    ("I0131 10:00:00.123456 1 event.go:1] Back-off restarting failed container", "error"),
    ("2026-01-31 10:00:00,123 INFO gave up: checkout entered FATAL state, too many start retries", "error"),
    ("Feb 14 15:16:01 h sshd[1]: pam_systemd(sshd:session): Failed to connect to system bus", "warning"),
    ("<30>Mar  5 10:00:00 h systemd[1]: shop.service: Failed with result 'oom-kill'.", "error"),
    ('{"PRIORITY":"6","_TRANSPORT":"stdout","MESSAGE":"write: No space left on device"}', "error"),
    ('10.0.0.9 - - [31/Jan/2026:10:00:00 +0000] "GET / HTTP/1.1" 500 1', "error"),
    ('10.0.0.9 - - [31/Jan/2026:10:00:00 +0000] "GET / HTTP/1.1" 401 1', "warning"),
    ('{"level":"info","status":503,"path":"/pay","msg":"done"}', "error"),
    ('INFO:     10.0.0.9:5 - "GET /a HTTP/1.1" 500 Internal Server Error', "error"),
    ('2026-01-31 10:00:00,123 INFO uvicorn.access 10.0.0.9:5 - "GET /a HTTP/1.1" 500', "error"),
    ('2026-01-31 10:00:00,123 INFO uvicorn.access 10.0.0.9:5 - "GET /a HTTP/1.1" 404', "info"),
    ('[31/Jan/2026 10:00:00] "GET /a HTTP/1.1" 500 145', "error"),
    ('[31/Jan/2026 10:00:00] "GET /a HTTP/1.1" 404 145', "info"),
    ("I, [2026-01-31T10:00:00.1 #7]  INFO -- : Completed 500 Internal Server Error in 12ms (Views: 1ms)",
     "error"),
    ("I, [2026-01-31T10:00:00.1 #7]  INFO -- : Completed 404 Not Found in 12ms (Views: 1ms)", "info"),
    ("Completed 500 Internal Server Error in 12ms (Views: 1ms)", "error"),
    ("Feb 28 12:14:14 lb haproxy[1]: Server static/srv1 is DOWN, reason: Layer4 timeout", "error"),
    ("Feb 28 12:14:14 lb haproxy[1]: backend static has no server available!", "critical"),
    ("Feb 28 12:14:14 lb haproxy[1]: Server static/srv1 is UP. 2 active and 0 backup", "warning"),
    ("<133>Feb 28 12:14:14 haproxy[1]: Server static/srv1 is UP/READY (leaving forced m", "warning"),
    ("<133>Feb 28 12:14:14 haproxy[1]: Server static/srv1 enters drain state. 1 active", "warning"),
    ("<133>Feb 28 12:14:14 haproxy[1]: Health check for server static/srv1 succeeded, reason: x", "info"),
    ("<133>Feb 28 12:14:14 app[1]: Server started", "info"),
    ("Server shop/main is running", "info"),
    ("Traceback (most recent call last):\n  File x\nKeyError: 1", "error"),
    ('Exception in thread "main" java.lang.IllegalStateException: x', "error"),
    ("panic: runtime error: index out of range", "critical"),
    ("psql: error: connection to server failed: Connection refused", "error"),
    ("could not connect to server: Connection refused", "error"),
    ("2026-01-31 10:00:00.123 UTC [9] FATAL:  too many connections", "critical"),
    ("worker 3 ERROR cannot go on", "error"),
    ("2026-01-31 10:00:00.123 UTC [9] LOG:  received fast shutdown request", "warning"),
    ("2026-01-31 10:00:00 UTC [9]: [10-1] user=,db=,app=,client= LOG:  received fast shutdown request",
     "warning"),
    ("2026-01-31 10:00:00 UTC [9]: user=a,db=b LOG:  statement: select 'received fast shutdown request'",
     "info"),
    ("2026-01-31 10:00:00.123456+00:00 [info] <0.7.0> RabbitMQ is asked to stop...", "warning"),
    ("2026-01-31 10:00:00.123456+00:00 [notice] <0.64.0> SIGTERM received - shutting down", "warning"),
    ("2026/01/31 10:00:00 [notice] 7#7: signal 3 (SIGQUIT) received from 1, shutting down", "warning"),
    ("[2026-01-31 10:00:00 +0000] [16] [INFO] Handling signal: hup", "warning"),
    ("2026-01-31 10:00:00,294 INFO SIGTERM signal received: closing HTTP server", "warning"),
    ("<30>Mar  5 10:00:00 h systemd[1]: Stopping shop.service - Shop...", "warning"),
    ("Warning: this is deprecated", "warning"),
    ("a.rb:9:in `<main>': boom (RuntimeError)", "error"),
    ("2026-01-31 10:00:00,123 INFO: demoted self because failed to update leader lock in DCS", "warning"),
    ("2026-01-31 10:00:00,123 INFO: no action. I am (pg-1), a secondary, and following a leader ()",
     "warning"),
    ('{"level":"INFO","message":"Cluster health status changed from [GREEN] to [RED] (reason: [shards failed '
     '[[a][0]]])."}', "warning"),
    ("2026-01-31 10:00:00.123456+00:00 [info] <0.5.0> node rabbit@mq-2 down: net_tick_timeout", "error"),
    ("[7] 2026/01/31 10:00:00.123456 [INF] 10.0.0.9:4 - cid:9 - Slow Consumer Detected: MaxPending of 6 "
     "Exceeded", "warning"),
    ("F20260131 10:00:00.123456  1234 storage.cc:77] Check failed: size > 0", "critical"),
    ("W260131 10:00:00.123456 312 storage/pebble.go:1234 \u22ee [n1,s1] 61  disk slowness detected",
     "warning"),
    ("I260131 10:00:00.123456 312 server/node.go:464  [n1] 23  started with error budget", "info"),
    ("2026-01-31 10:00:00,123 INFO: no action. I am (pg-2), a secondary, and following a leader (pg-1)",
     "info"),
    ("2026-01-31 10:00:00,123 INFO: manual failover: demoting myself", "info"),
    ("2026-01-31 10:00:00,123 INFO: Suppressed 812 messages from shop.service", "warning"),
    ('{"time":"2026-01-31T10:00:00Z","level":"INFO","msg":"http: panic serving 10.0.0.9:5: no"}', "warning"),
    ("2026-01-31 10:00:00,123 INFO: Suppressed 3 messages from shop.service", "info"),
    ("<85>Mar  5 10:00:00 h sudo[8]:   bob : user NOT in sudoers ; TTY=pts/0 ; PWD=/ ; USER=root", "warning"),
    ("<85>Mar  5 10:00:00 h sudo[8]:   bob : TTY=pts/0 ; PWD=/ ; USER=root ; COMMAND=/bin/id", "info"),
    ("[2026-01-31T10:00:00,123][INFO ][o.e.A] [es-1] Cluster health status changed from [RED] to [GREEN]",
     "info"),
    ("2026-01-31 10:00:00.123 UTC [9] LOG:  process 9 still waiting for ShareLock on transaction 7 after "
     "1000.123 ms", "warning"),
    ("Feb 14 15:16:01 h chronyd[1]: System clock wrong by -2.505396 seconds, adjustment started", "warning"),
    ("<30>Mar  5 10:00:00 h chronyd[1]: Can't synchronise: no selectable sources", "warning"),
    ('Mar  5 10:00:00 node-1 kubelet[12]: E0305 10:00:00.123456    12 pod_workers.go:1] "no"', "error"),
    ("Mar  5 10:00:00 node-1 kubelet[12]: I0305 10:00:00.123456    12 kubelet.go:1] all is well", "info"),
    ('{"level":"info","msg":"Event occurred","type":"Warning","reason":"BackOff","message":"x"}', "warning"),
    ('{"t":{"$date":"2024-03-05T10:00:00.123+00:00"},"s":"I","c":"ACCESS","id":1,"ctx":"conn1",'
     '"msg":"Failed to authenticate","attr":{"error":"AuthenticationFailed"}}', "warning"),
    ("nginx: [emerg] bind() to 0.0.0.0:80 failed (98: Address already in use)", "critical"),
    ("fail: Shop.Orders[0]\n      cannot go on", "error"),
    ("Mar  5 10:00:00 node-1 smartd[5]: Device: /dev/sda, 8 Currently unreadable (pending) sectors", "error"),
    ("<134>Mar  5 10:00:00 haproxy[1]: 10.0.0.1:4000 [05/Mar/2026:10:00:00.123] fe be/s1 0/0/0/-1/50001 504 "
     '194 - - sH-- 1/1/0/0/0 0/0 "GET / HTTP/1.1"', "error"),
    ("10.0.0.1:4000 [05/Mar/2026:10:00:00.123] pg pg/<NOSRV> 1/-1/0 0 SC 1/1/0/0/0 0/0", "error"),
    ('[2026-03-05T10:00:00.123Z] "- - -" 0 UF,URX 0 0 2 - "-" "-" "-" "-" "10.0.1.5:5432"', "error"),
    ("2024/03/05 10:00:00 dial tcp: lookup db: no such host", "error"),
    ("2024/03/05 10:00:00 main.go:7: dial tcp 10.0.0.7:80: connect: connection refused", "error"),
    ('2024/03/05 10:00:00 Get "http://pay/": context deadline exceeded', "error"),
    ("2024/03/05 10:00:00 read tcp 10.0.0.1:5000->10.0.0.2:80: i/o timeout", "error"),
    ("2024/03/05 10:00:00 pq: sorry, too many clients already", "error"),
    ('I0305 10:00:00.123456 7 eviction_manager.go:3] "Eviction manager: must evict pod(s) to reclaim" a="b"',
     "warning"),
    ("2026-03-05T10:00:00.123+0000 7f mon.a (mon.0) 1 : cluster [ERR] Health check failed: 1 full", "error"),
    ("[2026-03-05 10:00:00.123456] W [MSGID: 108001] [afr-common.c:57:afr_notify] 0-vol: bad", "warning"),
    ("[10:00:00 ERR] the order cannot be saved", "error"),
    ("3s          Warning   FailedCreate   replicaset/web-7d   Error creating: forbidden", "warning"),
    ("Mar  5 10:00:00 h kernel: [9.123] drbd r0: Split-Brain detected but unresolved!", "error"),
    ("2026-03-05 10:00:00.12 spid51  The transaction log for database 'shop' is full due to 'x'.", "error"),
    ("ORA-00600: internal error code, arguments: [kdsgrp1], [], []", "error"),
    ("2024/03/05 10:00:00 http: panic serving 10.0.0.9:5: boom", "error"),
    ("2024/03/05 10:00:00 listen tcp :8080: bind: address already in use", "error"),
    ("2024/03/05 10:00:00 rpc error: code = Unavailable desc = transport is closing", "error"),
    ("a.b.KeeperException$SessionExpiredException: KeeperErrorCode = Session expired", "error"),
    ("2024-03-05 10:00:00.123 UTC [7] LOG S-0x55: a/b@10.0.0.5:5432 closing because: connect failed (age=0s)",
     "error"),
    ("Mar  5 10:00:00 h kernel: [9.123] nvme nvme0: controller is down; will reset: CSTS=0xff", "error"),
    ("Mar  5 10:00:00 h mdadm[7]: Fail event detected on md device /dev/md0, component /dev/sdb1", "error"),
    ("Mar  5 10:00:00 m dovecot: imap-login: Disconnected (auth failed, 3 attempts in 12 secs)", "warning"),
    ('2026-01-31 10:00:00 - KeyError - key not found: "night":\n\tconfig.ru:24:in `fetch\'', "error"),
    ("2026-01-31 10:00:00 +0000 Rack app (\"GET /a\" - (10.0.0.1)): #<NoMethodError: undefined method `id'>",
     "error"),
    ("10:00:00.123 request_id=F8 [error] #PID<0.5.0> running ShopWeb.Endpoint terminated", "error"),
    ("10:00:00.123 [error] GenServer Shop.Cart terminating", "error"),
    ("** (DBConnection.ConnectionError) tcp recv: closed", "error"),
    ("=CRASH REPORT==== 5-Mar-2024::10:00:00.123456 ===", "error"),
    ("s6-supervise shop (child): fatal: unable to exec run: No such file or directory", "error"),
    ("shop-1 exited with code 1", "error"),
    ("Kernel pid terminated (application_controller) (x)", "critical"),
    ("*** no app loaded. GAME OVER ***", "error"),
    ("/srv/app/run.sh: line 7: shop: command not found", "error"),
    ("Feb 14 15:16:01 h systemd[1]: srv-shop.mount: Mount process exited, code=exited, status=32/n/a",
     "error"),
    ("2024/03/05 10:00:00 could not price order 7: the table of rates is empty", "error"),
    ("Mar  5 10:00:00 h shop[7]: payment failed: provider said 'internal error'", "error"),
    ("Mar  5 10:00:00 h shop[7]: checkout of order 4711 has failed", "error"),
    ("Mar  5 10:00:00 h shop[7]: order 4711: cannot book it", "error"),
    ("2024/03/05 10:00:00 rates: unexpected status 503", "error"),
    ("2024/03/05 10:00:00 login failed for bob", "warning"),
    ("2024/03/05 10:00:00 could not authenticate bob", "warning"),
    (PHP.format("Fatal error:  Uncaught Error"), "error"),
    (MAIL.format("192.0.2.7"), "error"),
    ("2026-01-31 10:00:00 Giving up after 5 attempts. ClientError: An error occurred (InvalidAccessKeyId) "
     "when calling the PutObject operation: no", "error"),
    # in other languages
    ("2026-01-31 10:00:00.123 UTC [7] shop@shop FEHLER:  Spalte »x« existiert nicht", "error"),
    ("2026-01-31 10:00:00.123 UTC [7] PANIK:  konnte nicht schreiben", "critical"),
    ("2026-01-31 10:00:00.123 UTC [7] ОШИБКА:  столбец не существует", "error"),
    ("31-Jan-2026 10:00:00.123 SCHWERWIEGEND [main] org.example.App.run kaputt", "error"),
    ("Jan 31, 2026 9:05:02 PM org.example.App run\nGRAVE: panne", "error"),
    ("2026-01-31 10:00:00 [错误] 订单", "error"),
])
def test_raised(line: str, expected: str) -> None:
    assert level(line) == expected


@pytest.mark.parametrize(("line", "expected"), [
    ("2026-01-31 10:00:00,123 - app - INFO - error rate is 0, no failures", "info"),
    ("2026-01-31 10:00:00.123 UTC [9] LOG:  process 9 acquired ShareLock on transaction 7 after 1500.123 ms",
     "info"),
    ("Feb 14 15:16:01 h chronyd[1]: System clock was stepped by 2.505396 seconds", "info"),
    ("2026-01-31 10:00:00,123 - app - INFO - Connection refused once, trying again", "info"),
    ("2026-01-31 10:00:00,123 - app - DEBUG - Failed password for root", "debug"),
    ("2026-01-31 10:00:00 WARN cleanup: No space left on device", "warning"),
    ("2026-01-31 10:00:00.123 UTC [9] LOG:  database system is ready to accept connections", "info"),
    ('10.0.0.9 - - [31/Jan/2026:10:00:00 +0000] "GET /error HTTP/1.1" 200 500', "info"),
    ('10.0.0.9 - - [31/Jan/2026:10:00:00 +0000] "GET /a HTTP/1.1" 404 1', "info"),
    ('{"level":"info","status":500,"msg":"rows written"}', "info"),
    ("350766 node-109 unix.hw state_change.unavailable 1084680778 1 Link error on broadcast tree", "info"),
    ("- 1117838570 2005.06.03 R02 2005-06-03-15.42.50.675872 R02 RAS KERNEL INFO parity error corrected",
     "info"),
    ("081109 203615 148 INFO dfs.DataNode: Deleting block blk_1 file /mnt/full", "info"),
    ("Feb 14 15:16:01 h kernel: Memory: 125312k/129720k available", "info"),
    ("Feb 14 15:16:01 h kernel: Intel machine check architecture supported.", "info"),
    ("2026-01-31 10:00:00 INFO writer: write failed: No space left on device", "info"),
    ('{"level":"info","msg":"Pod shop-1 OOMKilled"}', "info"),
    ("<14>Mar  5 10:00:00 h shop[1]: write: No space left on device", "info"),
    ("Mar  5 10:00:00 h shop[1]: INFO retried after: connection refused", "info"),
    ('{"PRIORITY":"6","_TRANSPORT":"stdout","MESSAGE":"INFO asked for: No space left on device"}', "info"),
    ("user 7 searched for 'kernel panic'", "info"),
    ("GET /docs?q=core%20dumped+enospc 200", "info"),
    ("Feb 14 15:16:01 h sshd[1]: Accepted password for failed login from 10.0.0.9 port 22 ssh2", "info"),
    ("0 errors, 0 failures in 12 tests", "info"),
    ("an ordinary sentence", "info"),
    ("", "info"),
    ("2026-01-31 10:00:00,294 INFO handlers for SIGTERM, SIGINT are installed", "info"),
    ("2026-01-31 10:00:00,294 INFO the signal is good: 15 dB", "info"),
    ("2026-01-31 10:00:00,294 INFO stopping the import, no more rows", "info"),
    ("[2026-01-31 10:00:00 +0000] [16] [INFO] Handling signal: winch", "info"),
    ("10.0.0.1:4000 [05/Mar/2026:10:00:00.123] pg pg/pg1 1/0/5007 4512 CD 1/1/0/0/0 0/0", "info"),
    ("10.0.0.1:4000 [05/Mar/2026:10:00:00.123] pg pg/pg1 1/0/5007 4512 -- 1/1/0/0/0 0/0", "info"),
    ('10.0.0.1:4000 [05/Mar/2026:10:00:00.123] fe be/s1 0/0/0/-1/1203 -1 0 - - CD-- 1/1/0/0/0 0/0 "GET /"',
     "info"),
    ('[2026-03-05T10:00:00.123Z] "GET /cart HTTP/1.1" 0 DC 0 0 12 - "-" "curl/8" "a1" "cart" "10.0.1.5:80"',
     "info"),
    ("2024/03/05 10:00:00 context canceled", "info"),
    ("3s          Normal    Pulled   pod/web-7d   Successfully pulled image", "info"),
    ("pandora-12 the box is full of letters", "info"),
    ("2024/03/05 10:00:00 http: TLS handshake error from 10.0.0.9:4: read tcp 10.0.0.1:443: i/o timeout",
     "info"),
    ('"GET /?q=connection+refused: no such host HTTP/1.1" status=200', "info"),
    ("2024/03/05 10:00:00 lookup table: read 10 rows", "info"),
    ("2024/03/05 10:00:00 no such hosts file, using the default", "info"),
    ("shop-1 exited with code 0", "info"),
    ("shop-1 exited with code 143", "info"),
    ("10:00:00.123 [info] GET /error", "info"),
    ("2026-01-31 10:00:00 - errors - 0 found", "info"),
    ("=PROGRESS REPORT==== 5-Mar-2024::10:00:00.123456 ===", "info"),
    # of what was counted, is asked or was talked of, nothing has failed
    ("12 jobs done, 0 failed", "info"),
    ("2024/03/05 10:00:00 3 of 10 failed", "info"),
    ("2024/03/05 10:00:00 uploads failed: 0", "info"),
    ("2024/03/05 10:00:00 checks whether the sync failed", "info"),
    ("2024/03/05 10:00:00 no task failed", "info"),
    ("2024/03/05 10:00:00 moved what has been marked as failed", "info"),
    ("2024/03/05 10:00:00 could not find a coupon of that name", "info"),
    ("Feb 14 15:16:01 h kernel: [1.2] pci 0000:00:1f.0: BAR 13: can't assign; no space", "info"),
    ("2024/03/05 10:00:00 wrote a page about what cannot be said", "info"),
    ("05-Mar-2024 10:00:00.123 query-errors: info: client 10.0.0.9#4: query failed (SERVFAIL) for a", "info"),
    # PHP goes on after a warning, and a mail server after an address that it has no way to
    (PHP.format("Warning:  Undefined array key"), "warning"),
    (PHP.format("Deprecated:  Creation of dynamic property"), "info"),
    (MAIL.format("2001:db8::1b"), "info"),
    # empty lines of Rails, unknown methods, what Elasticsearch's next version will not do
    ("F, [2026-01-31T10:00:00.448054 #41] FATAL -- : [8eb8f9cf22b3df49]   ", "info"),
    ('10.0.0.9 - - [31/Jan/2026:10:00:00 +0000] "SEARCH / HTTP/1.1" 501 9', "info"),
    ('{"@timestamp":"2026-01-31T10:00:00Z","log.level":"CRITICAL","log.logger":"org.elasticsearch.deprecation.x",'
     '"message":"old"}', "warning"),
    ("2026-01-31 10:00:00 1rA426-000755-2x H=mx.example [2001:db8::1b] Network is unreachable", "info"),
])
def test_left_alone(line: str, expected: str) -> None:
    assert level(line) == expected


NEEDLES = [needle for rules in (FACTS, WORDS) for rule in rules for needle in rule[0]]


def plainly(rules: tuple[Rule, ...], low: str) -> list[Rule]:
    return [rule for rule in rules if any(needle in low for needle in rule[0]) and rule[2].search(low)]


def test_what_a_trace_shows_of_its_source_is_not_its_own_level() -> None:
    node = ("/srv/app.js:7\nsetTimeout(() => { console.log(now() + ' INFO order') })\n      ^\n\n"
            "TypeError: Cannot read properties of undefined (reading 'length')\n    at /srv/app.js:7:5\n\n"
            "Node.js v20")
    python = ("Traceback (most recent call last):\n  File \"a.py\", line 3, in <module>\n"
              "    print(' DEBUG x')\nValueError: bad")
    said = level_of(node, None, "plain", {})
    assert said == level_of(node.replace("' INFO", "'"), None, "plain", {}) != "info"
    assert level_of(python, None, "plain", {}) == level_of(python.replace("' DEBUG", "'"), None, "plain", {})
    assert level_of("Mar 05, 2024 com.shop.Cart add\nINFO: a failed try", None, "plain", {}) == "info"


def test_no_rule_that_a_text_fits_is_passed_over_however_digits_lie_in_it() -> None:
    chance = random.Random(5)
    fitted = 0
    for _ in range(5000):
        parts = chance.choices(NEEDLES, k=chance.randint(1, 4))
        low = chance.choice(" 7_é").join(parts) + chance.choice(("", " 12", ": 9", " login", "\ud800"))
        facts, words = infer._LIKELY[low.encode("utf-8", "replace").translate(None, b"0123456789")]
        fits = plainly(FACTS, low), plainly(WORDS, low)
        assert set(fits[0]) <= set(facts) and set(fits[1]) <= set(words), low
        fitted += bool(fits[0] or fits[1])
    assert fitted > 1000


def test_what_only_looks_like_trouble_without_its_digits_is_none() -> None:
    assert level("fai1led pass2word for bob") == "info"
    assert level("failed password for bob") == "warning"


def test_what_is_remembered_of_texts_is_bounded() -> None:
    for n in range(3 * infer._REMEMBERED):
        word = "".join(chr(97 + n // 26**place % 26) for place in range(4))
        assert level(f"{word} came by") == "info"
    assert 0 < len(infer._LIKELY) <= infer._REMEMBERED
    assert level(f"connection refused {'x' * 2 * infer._LONG}") == "error"
    assert max(map(len, infer._LIKELY)) <= infer._LONG
