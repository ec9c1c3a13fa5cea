"""Lines of every format that is read, each with what must be read from it. To test_parse.

The clock stands at 2026-03-01 12:00 UTC and stamps without a zone are UTC.
"""
from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

NOW = int(datetime(2026, 3, 1, 12, tzinfo=UTC).timestamp()) * 1_000_000


@dataclass(frozen=True)
class Sample:
    """A line and its reading; `metadata` need only be part of what is read."""

    line: str
    format: str
    at: str | None
    level: str | None
    message: str
    service: str | None = None
    host: str | None = None
    metadata: dict[str, Any] = field(default_factory=dict)


S = Sample
ACCESS = '10.0.0.9 - frank [31/Jan/2026:10:00:00 +0100] "GET /a?b=1 HTTP/1.1" 503 2326'
COMBINED = ACCESS + ' "https://x.example/" "curl/8.0" 0123456789abcdef0123456789abcdef'
VHOST = ('shop.example:443 10.0.0.9 - - [31/Jan/2026:09:00:00 +0000] "POST /pay HTTP/2.0" 200 - '
         '"-" "Mozilla/5.0 (X11)"')
HAPROXY = ('10.0.1.2:33317 [28/Feb/2026:12:14:14.655] http-in static/srv1 10/0/30/69/109 503 2750 - - sC-- '
           '1/1/1/1/0 0/0 {1wt.eu} {} "GET /index.html HTTP/1.1"')
HAPROXY_TCP = "10.0.1.2:33317 [28/Feb/2026:12:14:14.655] pg pg/<NOSRV> 1/-1/0 0 SC 1/1/0/0/0 0/0"
ENVOY = ('[2026-01-31T10:00:00.123Z] "GET /cart HTTP/1.1" 503 UF,URX 0 91 2 - "10.0.0.9" "curl/8" "a1" '
         '"cart" "10.0.1.5:8080"')
UVICORN = '10.0.0.9:5 - "GET /a HTTP/1.1"'
HYPERCORN = '10.0.0.9:5 - - [31/Jan/2026:10:00:00 +0000] "GET /a 2" 503 12 "-" "x"'
RAILS = "[a1] Completed 500 Internal Server Error in 12ms (Views: 1ms)"
RUNSERVER = '[31/Jan/2026 10:00:00] "GET /a HTTP/1.1" 500 145'
GIN = '[GIN] 2026/01/31 - 10:00:00 | 500 |      1.2ms |       10.0.0.9 | GET      "/a"'
UWSGI = ("[pid: 7|app: 0|req: 10/58598] 10.0.0.9 () {44 vars in 812 bytes} [Sat Jan 31 10:00:00 2026] GET /a "
         "=> generated 12 bytes in 89 msecs (HTTP/1.1 200) 4 headers in 201 bytes (1 switches on core 0)")
FIBER = "10:00:00 | 503 |     1.2ms |       10.0.0.9 | GET     | /a   | -"
FLASK = '127.0.0.1 - - [31/Jan/2026 10:00:00] "GET /health HTTP/1.1" 500 -'
BALANCED = ('2026-01-31T10:00:00.123456Z app/shop/50dc 10.0.0.9:40000 10.0.1.7:80 0.001 0.024 0.000 502 - '
            '34 12 "GET https://x.example:443/a HTTP/1.1" "Mozilla/5.0" ECDHE TLSv1.2')

SAMPLES: tuple[Sample, ...] = (
    # Python's repr of each value, as structlog writes it
    S("timestamp='2026-01-31T10:00:00Z' level='error' event='not stored' error='it\\'s full' n=1",
      "logfmt", "2026-01-31T10:00:00", "error", "not stored", None, None, {"error": "it's full", "n": "1"}),
    # PostgreSQL's csvlog and jsonlog
    S('2026-01-31 10:00:00.123 UTC,"app","db",12,"127.0.0.1:5432",65e6.c,1,"SELECT",'
      '2026-01-31 09:00:00 UTC,3/4,0,ERROR,40P01,"deadlock ""detected""","Process 1 waits",,,,,'
      '"select 1",,,"api","client backend",,0',
      "postgresql", "2026-01-31T10:00:00.123", "error", 'deadlock "detected"', "postgresql", None,
      {"user": "app", "database": "db", "pid": "12", "code": "40P01"}),
    S('2026-01-31 10:00:00.123 CET,,,12,,65e6.c,1,,2026-01-31 09:00:00 CET,,0,FATAL,53300,"too many',
      "postgresql", "2026-01-31T09:00:00.123", "critical", "too many", "postgresql"),
    S('{"timestamp":"2026-01-31 10:00:00.123 UTC","pid":1,"error_severity":"FATAL","message":"no",'
      '"backend_type":"client backend"}', "postgresql", "2026-01-31T10:00:00.123", "critical", "no",
      "postgresql"),
    # JSON of Rust's tracing, of Log4j's layout, of Kubernetes, and of the journal
    S('{"timestamp":"2026-01-31T10:00:00Z","level":"ERROR","fields":{"message":"no","error":"x"},"target":"a::b"}',
      "json", "2026-01-31T10:00:00", "error", "no", None, None, {"error": "x", "target": "a::b"}),
    S('{"instant":{"epochSecond":1769853600,"nanoOfSecond":123000000},"level":"ERROR","message":"no"}',
      "json", "2026-01-31T10:00:00.123", "error", "no"),
    S('{"type":"Warning","reason":"BackOff","message":"no","eventTime":null,"lastTimestamp":"2026-01-31T10:00:00Z"}',
      "json", "2026-01-31T10:00:00", None, "no", None, None, {"reason": "BackOff"}),
    *(S(f'{{"type":"Warning","reason":"x","message":"no","involvedObject":{{"kind":"{kind}","name":"{called}"}}}}',
        "json", None, None, "no", service, host)
      for kind, called, service, host in (
          ("Pod", "shop-api-7d9f8b6c5-x2x4z", "shop-api", None), ("Pod", "agent-x2x4z", "agent", None),
          ("Pod", "db-0", "db-0", None), ("Pod", "web-proxy", "web-proxy", None),
          ("ReplicaSet", "shop-api-7d9f8b6c5", "shop-api", None), ("Job", "night-28", "night-28", None),
          ("Node", "node-2", None, "node-2"))),
    S('{"MESSAGE":"no","PRIORITY":"3","_PID":"1","_SYSTEMD_UNIT":"init.scope","UNIT":"shop.service",'
      '"SYSLOG_IDENTIFIER":"systemd","__REALTIME_TIMESTAMP":"1769853600000000"}',
      "json", "2026-01-31T10:00:00", "error", "no", "shop"),
    S('{"MESSAGE":"no","PRIORITY":"3","UNIT":"shop.service","SYSLOG_IDENTIFIER":"systemd",'
      '"__REALTIME_TIMESTAMP":"1769853600000000"}', "json", "2026-01-31T10:00:00", "error", "no", "shop"),
    S('{"MESSAGE":"no","PRIORITY":"6","_SYSTEMD_UNIT":"shop.service","SYSLOG_IDENTIFIER":"python3",'
      '"__REALTIME_TIMESTAMP":"1769853600000000"}', "json", "2026-01-31T10:00:00", "info", "no", "shop"),
    # dates as people write them: Tomcat, BIND, PHP, java.util.logging, ctime, HTTP, month/day/year
    S("31-Jan-2026 10:00:00.123 SEVERE [main] org.example.App.run It is broken", "java",
      "2026-01-31T10:00:00.123", "error", "It is broken", None, None,
      {"thread": "main", "logger": "org.example.App.run"}),
    S("31-Jan-2026 10:00:00.123 zone example/IN: loading failed", "generic", "2026-01-31T10:00:00.123", None,
      "zone example/IN: loading failed"),
    S("[31-Jan-2026 10:00:00] WARNING: [pool www] no child is left", "generic", "2026-01-31T10:00:00",
      "warning", "[pool www] no child is left"),
    S("[31-Jan-2026 10:00:00 UTC] PHP Fatal error:  Uncaught E in a.php:7", "php", "2026-01-31T10:00:00",
      "error", "PHP Fatal error:  Uncaught E in a.php:7"),
    S("[31-Jan-2026 10:00:00 Europe/Berlin] PHP Warning:  Undefined variable", "php",
      "2026-01-31T10:00:00", "warning", "PHP Warning:  Undefined variable"),
    S("[31-Jan-2026 10:00:00 UTC] PHP Deprecated:  old", "php", "2026-01-31T10:00:00", "info",
      "PHP Deprecated:  old"),
    S("Jan 31, 2026 9:05:02 PM org.example.App run\nSEVERE: It is broken", "java", "2026-01-31T21:05:02",
      "error", "It is broken", None, None, {"logger": "org.example.App.run"}),
    S("Jan 31, 2026 12:05:02 AM org.example.App run", "java", "2026-01-31T00:05:02", None,
      "Jan 31, 2026 12:05:02 AM org.example.App run"),
    S("Sat Jan 31 10:00:00 2026 - [error] no worker", "generic", "2026-01-31T10:00:00", "error", "no worker"),
    S("Sat, 31 Jan 2026 10:00:00 GMT example deprecated", "generic", "2026-01-31T10:00:00", None,
      "example deprecated"),
    S("01/31/2026 09:05:02 PM ERROR no", "generic", "2026-01-31T21:05:02", "error", "no"),
    S("31/01/2026 21:05:02 ERROR no", "generic", "2026-01-31T21:05:02", "error", "no"),
    # Monolog, of PHP
    S('[2026-01-31 10:00:00] production.ERROR: no {"x":1}', "monolog", "2026-01-31T10:00:00", "error",
      'no {"x":1}', None, None, {"logger": "production"}),
    S("[2026-01-31T10:00:00.5+00:00] app.EMERGENCY: no", "monolog", "2026-01-31T10:00:00.5", "critical",
      "no"),
    # winston, in small letters; elsewhere in a text such a word is no level
    S("2026-01-31T10:00:00.123Z error: no", "generic", "2026-01-31T10:00:00.123", "error", "no"),
    S("2026-01-31 10:00:00 [warn]: no", "generic", "2026-01-31T10:00:00", "warning", "no"),
    S("2026-01-31 10:00:00 the last error: none", "generic", "2026-01-31T10:00:00", None,
      "the last error: none"),
    # a time of day and a level: Serilog, pino-pretty, Elixir, zerolog
    S("[10:00:00 ERR] no", "clock", "2026-03-01T10:00:00", "error", "no"),
    S("[10:00:00.123] ERROR (7): no", "clock", "2026-03-01T10:00:00.123", "error", "no"),
    S("10:00:00.123 [warning] no", "clock", "2026-03-01T10:00:00.123", "warning", "no"),
    S("9:05AM FTL no n=1", "clock", "2026-03-01T09:05:00", "critical", "no n=1"),
    S("10:00:00 up 3 days", "plain", None, None, "10:00:00 up 3 days"),
    S("10:00:00 [vite] ready", "plain", None, None, "10:00:00 [vite] ready"),
    # requests in few words: morgan, Gin, Fiber, chi
    S("GET /a 500 4.123 ms - 12", "access", None, None, "GET /a 500 4.123 ms - 12", None, None,
      {"client": "-", "method": "GET", "path": "/a", "status": 500}),
    S("2026-01-31T10:00:00Z POST /pay 502 5ms error=no", "access", "2026-01-31T10:00:00", None,
      "POST /pay 502 5ms error=no", None, None, {"path": "/pay", "status": 502}),
    S("GET /a 500 times in a row", "plain", None, None, "GET /a 500 times in a row"),
    S(UWSGI, "access", "2026-01-31T10:00:00", None, UWSGI, None, None,
      {"client": "10.0.0.9", "method": "GET", "path": "/a", "status": 200, "pid": "7", "bytes": 12}),
    S(GIN, "access", "2026-01-31T10:00:00", None, GIN, None, None,
      {"client": "10.0.0.9", "method": "GET", "path": "/a", "status": 500}),
    S(FIBER, "access", "2026-03-01T10:00:00", None, FIBER, None, None, {"path": "/a", "status": 503}),
    S('2026/01/31 10:00:00 "GET http://a.example/a HTTP/1.1" from 10.0.0.9:5 - 500 21B in 1ms', "access",
      "2026-01-31T10:00:00", None, '"GET http://a.example/a HTTP/1.1" from 10.0.0.9:5 - 500 21B in 1ms', None,
      None, {"client": "10.0.0.9:5", "path": "http://a.example/a", "status": 500}),
    # Tornado, Cassandra, NATS, older MongoDB, slog-term, and what a script puts behind `date`
    S("[E 260131 10:00:00 web:7] no", "tornado", "2026-01-31T10:00:00", "error", "no", None, None,
      {"logger": "web:7"}),
    S("[I 2026-01-31 10:00:00.123 JupyterHub app:31] no", "tornado", "2026-01-31T10:00:00.123", "info", "no"),
    S("[W 2026-01-31 10:00:00.123 ServerApp] no", "tornado", "2026-01-31T10:00:00.123", "warning", "no"),
    S("[C 10:00:00.123 App] no", "tornado", "2026-03-01T10:00:00.123", "critical", "no"),
    S("ERROR [main] 2026-01-31 10:00:00,123 Daemon.java:7 - no", "levelled", "2026-01-31T10:00:00.123",
      "error", "Daemon.java:7 - no", None, None, {"thread": "main"}),
    S("[7] 2026/01/31 10:00:00.123456 [ERR] no", "generic", "2026-01-31T10:00:00.123456", "error", "no", None,
      None, {"pid": "7"}),
    S("2026-01-31T10:00:00.123+0000 E STORAGE  [conn1] no", "mongodb", "2026-01-31T10:00:00.123", "error",
      "no", "mongodb", None, {"component": "STORAGE", "ctx": "conn1"}),
    S("Jan 31 10:00:00.123 ERRO no, code: 7", "generic", "2026-01-31T10:00:00.123", "error", "no, code: 7"),
    S("Sat Jan 31 10:00:00 UTC 2026 ERROR no", "generic", "2026-01-31T10:00:00", "error", "no"),
    S("Sat Jan 31 09:00:00 PM CET 2026 no", "generic", "2026-01-31T20:00:00", None, "no"),
    # .NET's console, logrus on a terminal, Django's own example
    S("fail: Example.App[7]\n      It is broken", "dotnet", None, "error", "It is broken", None, None,
      {"logger": "Example.App", "event": "7"}),
    S("crit: Example.App[0]", "dotnet", None, "critical", "crit: Example.App[0]"),
    S("ERRO[0012] no", "levelled", None, "error", "[0012] no"),
    S("ERROR 2026-01-31 10:00:00,123 views 7 140 no", "levelled", "2026-01-31T10:00:00.123", "error",
      "views 7 140 no"),
    # a date of syslog, and no host behind it
    S("Jan 31 10:00:00 Backend error: no such table", "syslog3164", "2026-01-31T10:00:00", None,
      "Backend error: no such table"),
    S("2026-01-31T10:00:00Z Can't synchronise: no selectable sources", "generic", "2026-01-31T10:00:00", None,
      "Can't synchronise: no selectable sources"),
    # a part of a program is no service of its own
    S("Jan 31 10:00:00 mx-1 postfix/smtpd[7]: connect from x", "syslog3164", "2026-01-31T10:00:00", None,
      "connect from x", "postfix", "mx-1", {"pid": "7", "module": "smtpd"}),
    # JSON, by the habits of many loggers
    S('{"timestamp":"2026-01-31T10:00:00.5Z","level":"ERROR","message":"no","service":"shop","host":"web-1","n":1}',
      "json", "2026-01-31T10:00:00.5", "error", "no", "shop", "web-1", {"n": 1}),
    S('{"level":50,"time":1769853600123,"pid":7,"hostname":"web-2","msg":"boom"}',
      "json", "2026-01-31T10:00:00.123", "error", "boom", None, "web-2", {"pid": 7}),
    S('{"level":30,"time":1769853600123,"pid":7,"hostname":"web-2","name":"shop","msg":"hi","v":0}',
      "json", "2026-01-31T10:00:00.123", "info", "hi", "shop", "web-2"),
    S('{"levelno":40,"levelname":"ERROR","created":1769853600.25,"message":"py","name":"app.db"}',
      "json", "2026-01-31T10:00:00.25", "error", "py", None, None, {"logger": "app.db"}),
    S('{"levelno":30,"message":"py"}', "json", None, "warning", "py"),
    S('{"severity":"WARNING","ts":1769853600,"event":"slow","logger":"app","trace_id":"abc"}',
      "json", "2026-01-31T10:00:00", "warning", "slow", None, None, {"trace_id": "abc", "logger": "app"}),
    S('{"ts":1769853600123456,"lvl":"warn","msg":"µs"}', "json", "2026-01-31T10:00:00.123456", "warning",
      "µs"),
    S('{"ts":1769853600123456789,"lvl":"dbug","level":"debug","msg":"ns"}',
      "json", "2026-01-31T10:00:00.123456", "debug", "ns"),
    S('{"@timestamp":"2026-01-31T10:00:00.000Z","log.level":"warn","service.name":"cart","message":"ecs",'
      '"host":{"name":"web-3"},"trace":{"id":"t1"}}', "json", "2026-01-31T10:00:00", "warning", "ecs",
      "cart", "web-3",
      {"trace_id": "t1"}),
    S('{"t":{"$date":"2026-01-31T10:00:00.123+00:00"},"s":"W","c":"NETWORK","id":22,"ctx":"conn1","msg":"mongo"}',
      "json", "2026-01-31T10:00:00.123", "warning", "mongo", None, None, {"c": "NETWORK"}),
    S('{"MESSAGE":"out","PRIORITY":"3","_HOSTNAME":"db-1","SYSLOG_IDENTIFIER":"postgres",'
      '"__REALTIME_TIMESTAMP":"1769853600123456"}', "json", "2026-01-31T10:00:00.123456", "error", "out",
      "postgres", "db-1"),
    S('{"version":"1.1","host":"web-1","short_message":"gelf","level":4,"timestamp":1769853600.5}',
      "json", "2026-01-31T10:00:00.5", "warning", "gelf", None, "web-1"),
    S('{"message":"monolog","level":400,"level_name":"ERROR","datetime":"2026-01-31T10:00:00+01:00"}',
      "json", "2026-01-31T09:00:00", "error", "monolog"),
    S('{"level":"info","status":500,"method":"GET","path":"/x","time":"31/Jan/2026:10:00:00 +0000"}',
      "json", "2026-01-31T10:00:00", "info", '"GET /x" 500', None, None, {"status": 500}),
    S('{"log":"2026-01-31 10:00:00,123 - app - ERROR - '
      'inner\\n","stream":"stderr","time":"2026-01-31T11:00:00.5Z"}',
      "python", "2026-01-31T10:00:00.123", "error", "inner", None, None, {"stream": "stderr"}),
    S('{"log":"just words\\n","stream":"stdout","time":"2026-01-31T11:00:00.123456789Z"}',
      "docker", "2026-01-31T11:00:00.123456", None, "just words", None, None, {"stream": "stdout"}),
    # key=value
    S('time=2026-01-31T10:00:00Z level=warn msg="say \\"hi\\"" service=cart n=3',
      "logfmt", "2026-01-31T10:00:00", "warning", 'say "hi"', "cart", None, {"n": "3"}),
    S('time=2026-01-31 10:00:00,656 level=ERROR logger=x msg="it broke"', "logfmt", "2026-01-31T10:00:00.656",
      "error", "it broke"),
    S("ts=1769853600.5 lvl=eror level=error msg=short", "logfmt", "2026-01-31T10:00:00.5", "error", "short"),
    # fields behind what something else puts in front
    S('2026/01/31 10:00:00 level=error route=3 took=9ms err="carrier answered 503"', "logfmt",
      "2026-01-31T10:00:00", "error", "carrier answered 503", None, None, {"route": "3", "took": "9ms"}),
    S("2026/01/31 10:00:00 level=info fares listening on :8800", "generic", "2026-01-31T10:00:00", "info",
      "fares listening on :8800"),
    S('2026/01/31 10:00:00 main.go:12: level=warn msg="slow"', "logfmt", "2026-01-31T10:00:00", "warning",
      "slow"),
    S("2026/01/31 10:00:00 user=9 level=3 house=b", "generic", "2026-01-31T10:00:00", None,
      "user=9 level=3 house=b"),
    S("2026/01/31 10:00:00 kept the words level=error of a=b", "generic", "2026-01-31T10:00:00", None,
      "kept the words level=error of a=b"),
    S('2026-01-31T10:00:00.5Z stderr F {"level":"error","msg":"in a pod"}', "json", "2026-01-31T10:00:00.5",
      "error", "in a pod", None, None, {"stream": "stderr"}),
    S('2026-01-31T10:00:00.5Z {"msg":"no level"}', "generic", "2026-01-31T10:00:00.5", None,
      '{"msg":"no level"}'),
    S('Feb 14 15:16:01 web-1 fares[7]: level=error msg="no price"', "logfmt", "2026-02-14T15:16:01", "error",
      "no price", "fares", "web-1", {"pid": "7"}),
    S('<14>1 2026-01-31T10:00:00.003Z web-1 fares - - - {"level":"error","msg":"no price","service":"x"}',
      "json", "2026-01-31T10:00:00.003", "error", "no price", "fares", "web-1", {"facility": 1}),
    S('{"log":"2026/01/31 10:00:00 level=error msg=inner\\n","stream":"stderr",'
      '"time":"2026-01-31T11:00:00.5Z"}',
      "logfmt", "2026-01-31T10:00:00", "error", "inner", None, None, {"stream": "stderr"}),
    # syslog and what travels in it
    S("Feb 14 15:16:01 combo sshd(pam_unix)[19939]: authentication failure; uid=0", "syslog3164",
      "2026-02-14T15:16:01", None, "authentication failure; uid=0", "sshd", "combo", {"pid": "19939",
                                                                                      "module": "pam_unix"}),
    S("Dec  9 05:06:07 combo syslogd 1.4.1: restart.", "syslog3164", "2025-12-09T05:06:07", None, "restart.",
      "syslogd", "combo"),
    S("<34>Oct 11 22:14:15 mymachine su: 'su root' failed", "syslog3164", "2025-10-11T22:14:15", "critical",
      "'su root' failed", "su", "mymachine", {"facility": 4}),
    S("2026-01-31T10:00:00.123456+01:00 web-1 nginx[12]: started", "syslog3164",
      "2026-01-31T09:00:00.123456", None,
      "started", "nginx", "web-1", {"pid": "12"}),
    S("Feb 14 15:16:01 web-1 kernel: [12345.678901] Out of memory: Killed process 7 (java)", "syslog3164",
      "2026-02-14T15:16:01", None, "Out of memory: Killed process 7 (java)", "kernel", "web-1",
      {"uptime": 12345.678901}),
    S('<165>1 2026-01-31T10:00:00.003Z web-1 evntslog 77 ID47 [a@1 k="v" q="\\"w\\""] An application event',
      "syslog5424",
      "2026-01-31T10:00:00.003", "info", "An application event", "evntslog", "web-1", {"k": "v", "q": '"w"',
                                                                                       "pid": "77"}),
    S("<11>1 - - - - - - nobody knows", "syslog5424", None, "error", "nobody knows"),
    S("Feb 28 12:14:14 lb-1 haproxy[14389]: " + HAPROXY, "haproxy", "2026-02-28T12:14:14", None, HAPROXY,
      "haproxy",
      "lb-1", {"status": 503, "backend": "static", "server": "srv1", "termination": "sC--"}),
    S("<134>Feb 28 12:14:14 haproxy[1]: " + HAPROXY, "haproxy", "2026-02-28T12:14:14", "info", HAPROXY,
      "haproxy", None, {"status": 503, "facility": 16, "pid": "1"}),
    S("<134>1 2026-02-28T12:14:14Z lb-1 haproxy 7 - - " + HAPROXY, "haproxy", "2026-02-28T12:14:14", "info",
      HAPROXY, "haproxy", "lb-1", {"status": 503, "server": "srv1"}),
    S(HAPROXY, "haproxy", "2026-02-28T12:14:14.655", None, HAPROXY, "haproxy", None, {"status": 503}),
    S(HAPROXY_TCP, "haproxy", "2026-02-28T12:14:14.655", None, HAPROXY_TCP, "haproxy", None,
      {"server": "<NOSRV>", "termination": "SC"}),
    S("Feb 14 15:16:01 cron[7]: run", "syslog3164", "2026-02-14T15:16:01", None, "run", "cron", None,
      {"pid": "7"}),
    S("[12345.678901] usb 1-1: new device", "kernel", None, None, "usb 1-1: new device", "kernel"),
    S("<4>[    1.234567] acpi: slow", "kernel", None, "warning", "acpi: slow", "kernel"),
    # web servers
    S(ACCESS, "access", "2026-01-31T09:00:00", None, ACCESS, None, None,
      {"client": "10.0.0.9", "user": "frank", "status": 503, "method": "GET", "path": "/a?b=1",
       "bytes": 2326}),
    S(COMBINED, "access", "2026-01-31T09:00:00", None, COMBINED, None, None,
      {"agent": "curl/8.0", "request_id": "0123456789abcdef0123456789abcdef"}),
    S(VHOST, "access", "2026-01-31T09:00:00", None, VHOST, None, None, {"vhost": "shop.example:443",
                                                                        "status": 200}),
    S(ENVOY, "access", "2026-01-31T10:00:00.123", None, ENVOY, None, None,
      {"client": "10.0.0.9", "status": 503, "method": "GET", "path": "/cart", "termination": "UF,URX"}),
    S(FLASK, "access", "2026-01-31T10:00:00", None, FLASK, None, None, {"status": 500}),
    S('2026/01/31 10:00:00 [error] 12#13: *3 connect() failed (111: Connection refused) while connecting '
      'to upstream, '
      'client: 10.0.0.9, server: _, request: "GET / HTTP/1.1", upstream: "http://127.0.0.1:9000/", host: '
      '"shop"',
      "nginx_error", "2026-01-31T10:00:00", "error",
      'connect() failed (111: Connection refused) while connecting to upstream, client: 10.0.0.9, server: _, '
      'request: "GET / HTTP/1.1", upstream: "http://127.0.0.1:9000/", host: "shop"', "nginx", None,
      {"client": "10.0.0.9", "upstream": "http://127.0.0.1:9000/", "host": "shop"}),
    S("2026/01/31 10:00:00 [emerg] 1#1: bind() failed", "nginx_error", "2026-01-31T10:00:00", "critical",
      "bind() failed", "nginx"),
    S("2026.01.31 10:00:00.123456 [ 77 ] {ab-1} <Error> executeQuery: Code: 60. no", "generic",
      "2026-01-31T10:00:00.123456", "error", "executeQuery: Code: 60. no"),
    # colours
    S("\x1b[2m2026-01-31T10:00:00.123Z\x1b[0m \x1b[31mERROR\x1b[0m \x1b[2mshop\x1b[0m: no", "java",
      "2026-01-31T10:00:00.123", "error", "no", None, None, {"logger": "shop"}),
    S("\x1b[31;1mERROR: Job failed: exit code 1\x1b[0;m", "levelled", None, "error",
      "Job failed: exit code 1"),
    S('{"level":"error","msg":"\\u001b[31mno\\u001b[0m"}', "json", None, "error", "no"),
    # Nest's logger
    S("[Nest] 18  - 01/31/2026, 10:00:00 AM     LOG [OrdersService] saved", "nest",
      "2026-01-31T10:00:00", "info", "saved", None, None, {"pid": "18", "logger": "OrdersService"}),
    S("[Nest] 812  - 01/31/2026, 9:08:05 PM   ERROR no", "nest", "2026-01-31T21:08:05", "error", "no", None,
      None, {"pid": "812"}),
    S("[Nest] is built", "plain", None, None, "[Nest] is built"),
    # docker compose logs
    S("database-1  | 2026-01-31 10:00:00.253 UTC [63] LOG:  received fast shutdown request",
      "postgresql",
      "2026-01-31T10:00:00.253", "info", "received fast shutdown request", "database", None, {"pid": "63"}),
    S('lb_1 | {"level":"error","msg":"no"}', "json", None, "error", "no", "lb"),
    S("apples | pears", "plain", None, None, "apples | pears"),
    S("api-1 exited with code 137", "plain", None, None, "api-1 exited with code 137", "api"),
    S("shop_db_1 exited with code 0", "plain", None, None, "shop_db_1 exited with code 0", "shop_db"),
    S("worker-3 exited with code 1", "plain", None, None, "worker-3 exited with code 1"),
    S("api exited with code 137", "plain", None, None, "api exited with code 137"),
    S("2026-01-31 10:00:00.936792+00:00 [erro] <0.357.0> BOOT FAILED", "rabbitmq",
      "2026-01-31T10:00:00.936792", "error", "BOOT FAILED", "rabbitmq"),
    S("[Mon Dec 05 07:47:36 2005] [error] mod_jk child in error state 6", "apache_error",
      "2005-12-05T07:47:36", "error",
      "mod_jk child in error state 6", "apache"),
    S("[Sat Jan 31 10:00:00.123456 2026] [core:warn] [pid 9:tid 7] [client 10.0.0.9:1] AH00098: pid file",
      "apache_error",
      "2026-01-31T10:00:00.123456", "warning", "AH00098: pid file", "apache", None,
      {"module": "core", "pid": "9", "client": "10.0.0.9:1"}),
    S("[Sat Jan 31 10:00:00 2026] usb 1-1: gone", "kernel", "2026-01-31T10:00:00", None, "usb 1-1: gone",
      "kernel"),
    # Python
    S("2026-01-31 10:00:00,123 - app.db - ERROR - pool is empty", "python", "2026-01-31T10:00:00.123",
      "error",
      "pool is empty", None, None, {"logger": "app.db"}),
    S("WARNING:root:careful: really", "python", None, "warning", "careful: really", None, None,
      {"logger": "root"}),
    S("[2026-01-31 10:00:00,123] ERROR in app: Exception on / [GET]", "python", "2026-01-31T10:00:00.123",
      "error",
      "Exception on / [GET]", None, None, {"logger": "app"}),
    S("[2026-01-31 10:00:00 +0000] [42] [INFO] Booting worker", "python", "2026-01-31T10:00:00", "info",
      "Booting worker", None, None, {"pid": "42"}),
    S("[2026-01-31 10:00:00,123: WARNING/MainProcess] consumer: lost", "python", "2026-01-31T10:00:00.123",
      "warning",
      "consumer: lost", None, None, {"process": "MainProcess"}),
    S('INFO:     127.0.0.1:5 - "GET /x HTTP/1.1" 500 Internal Server Error', "access", None, "info",
      '127.0.0.1:5 - "GET /x HTTP/1.1" 500 Internal Server Error', None, None, {"status": 500}),
    # Java
    S("2015-07-30 14:52:23,211 - INFO  [Send[id=1]/0:0:Quorum@774] - Notification", "java",
      "2015-07-30T14:52:23.211",
      "info", "Notification", None, None, {"thread": "Send[id=1]/0:0:Quorum@774"}),
    S("17/06/09 20:11:08 INFO storage.BlockManager: Found", "java", "2017-06-09T20:11:08", "info", "Found",
      None, None,
      {"logger": "storage.BlockManager"}),
    S("081111 040246 19412 WARN dfs.DataNode$X: Got", "java", "2008-11-11T04:02:46", "warning", "Got", None,
      None,
      {"logger": "dfs.DataNode$X", "thread": "19412"}),
    S("2026-01-31T10:00:00.123+01:00  WARN 77 --- [shop] [nio-1] c.e.Cart   : slow", "java",
      "2026-01-31T09:00:00.123",
      "warning", "slow", None, None, {"logger": "c.e.Cart"}),
    S("2026-01-31 10:00:00.123  INFO 77 --- [  main] c.e.Cart : up", "java", "2026-01-31T10:00:00.123",
      "info", "up"),
    S("2026-01-31 10:00:00.123 [main] ERROR c.e.App - broken", "java", "2026-01-31T10:00:00.123", "error",
      "broken",
      None, None, {"thread": "main", "logger": "c.e.App"}),
    S("2026-01-31 10:00:00,123 INFO [main] org.x.Master: Created", "java", "2026-01-31T10:00:00.123", "info",
      "Created", None, None, {"thread": "main", "logger": "org.x.Master"}),
    S("10:00:00.123 [main] WARN  c.e.App - today", "java", "2026-03-01T10:00:00.123", "warning", "today"),
    S("[2026-01-31T10:00:00,123][WARN ][o.e.n.Node   ] [n1] slow", "java", "2026-01-31T10:00:00.123",
      "warning",
      "[n1] slow", None, None, {"logger": "o.e.n.Node"}),
    # servers
    S("2026-01-31 10:00:00.123 UTC [123] FATAL:  the database system is starting up", "postgresql",
      "2026-01-31T10:00:00.123", "critical", "the database system is starting up", "postgresql", None,
      {"pid": "123"}),
    S("2026-01-31 10:00:00.123 CET [123] app@shop ERROR:  deadlock detected", "postgresql",
      "2026-01-31T09:00:00.123",
      "error", "deadlock detected", "postgresql", None, {"user": "app", "database": "shop"}),
    S("2026-01-31 10:00:00 UTC [9-1] LOG:  checkpoint starting", "postgresql", "2026-01-31T10:00:00", "info",
      "checkpoint starting", "postgresql"),
    S("2026-01-31 10:00:00.123 UTC [123] STATEMENT:  select error", "postgresql", "2026-01-31T10:00:00.123",
      "info",
      "select error", "postgresql", None, {"part": "statement"}),
    S("1234:M 31 Jan 2026 10:00:00.123 # Out of memory", "redis", "2026-01-31T10:00:00.123", "warning",
      "Out of memory",
      "redis", None, {"role": "master"}),
    S("1234:S 31 Jan 2026 10:00:00.123 * Connecting", "redis", "2026-01-31T10:00:00.123", "info",
      "Connecting", "redis"),
    S("[1234] 31 Jan 10:00:00.123 # old", "redis", "2026-01-31T10:00:00.123", "warning", "old", "redis"),
    S("2026-01-31T10:00:00.123456Z 0 [ERROR] [MY-012345] [InnoDB] Cannot open", "mysql",
      "2026-01-31T10:00:00.123456",
      "error", "Cannot open", "mysql", None, {"code": "MY-012345", "subsystem": "InnoDB"}),
    S("2026-01-31 10:00:00 0 [Note] mariadbd: ready", "mysql", "2026-01-31T10:00:00", "info",
      "mariadbd: ready", "mysql"),
    S("2026-01-31  9:00:00 12 [ERROR] InnoDB: Cannot open", "mysql", "2026-01-31T09:00:00", "error",
      "InnoDB: Cannot open", "mysql"),
    S("2026-01-31 10:00:00.123456+00:00 [error] <0.1.0> queue is down", "rabbitmq",
      "2026-01-31T10:00:00.123456", "error",
      "queue is down", "rabbitmq", None, {"process": "<0.1.0>"}),
    S("E0131 10:00:00.123456    1234 controller.go:114] sync failed", "klog", "2026-01-31T10:00:00.123456",
      "error",
      "sync failed", None, None, {"logger": "controller.go:114"}),
    S("2026-01-31T10:00:00.123456789Z stdout F hello", "cri", "2026-01-31T10:00:00.123456", None, "hello",
      None, None,
      {"stream": "stdout"}),
    # clusters
    S("- 1117838570 2005.06.03 R02-M1 2005-06-03-15.42.50.675872 R02-M1 RAS KERNEL INFO parity error "
      "corrected", "ras",
      "2005-06-03T22:42:50.675872", "info", "parity error corrected", None, "R02-M1",
      {"component": "KERNEL"}),
    S("350766 node-109 unix.hw state_change.unavailable 1084680778 1 Component is unavailable", "cluster",
      "2004-05-16T04:12:58", None, "Component is unavailable", None, "node-109", {"component": "unix.hw"}),
    # a date and perhaps a level
    S("2026-01-31T10:00:00Z ERROR it broke", "generic", "2026-01-31T10:00:00", "error", "it broke"),
    S("2026-01-31 10:00:00 [warn] mind", "generic", "2026-01-31T10:00:00", "warning", "mind"),
    S("2026/01/31 10:00:00 listening on :80", "generic", "2026-01-31T10:00:00", None, "listening on :80"),
    S("2026-01-31 10:00:00 | INFO     | app.main:run:12 - begun", "generic", "2026-01-31T10:00:00", "info",
      "app.main:run:12 - begun"),
    S("[2026-01-31 10:00:00,123] WARN [Broker id=1] slow (kafka.server.Broker)", "generic",
      "2026-01-31T10:00:00.123",
      "warning", "[Broker id=1] slow (kafka.server.Broker)"),
    S("2026-01-31 10:00:00 no error here", "generic", "2026-01-31T10:00:00", None, "no error here"),
    S("1769853600.250 cache miss", "generic", "2026-01-31T10:00:00.25", None, "cache miss"),
    S("[error] disk", "levelled", None, "error", "disk"),
    S("ERROR: relation", "levelled", None, "error", "relation"),
    # servers of applications, whose requests are information until one looks at the status
    S(f"2026-01-31 10:00:00,123 - uvicorn.access - INFO - {UVICORN} 500 Internal Server Error", "access",
      "2026-01-31T10:00:00.123", "info", f"{UVICORN} 500 Internal Server Error", None, None,
      {"client": "10.0.0.9:5", "path": "/a", "status": 500, "logger": "uvicorn.access"}),
    S(f"2026-01-31 10:00:00,123 INFO:     {UVICORN} 404 Not Found", "access", "2026-01-31T10:00:00.123",
      "info", f"{UVICORN} 404 Not Found", None, None, {"status": 404}),
    S(f"[2026-01-31 10:00:00 +0000] [7] [INFO] {HYPERCORN}", "access", "2026-01-31T10:00:00", "info",
      HYPERCORN, None, None, {"status": 503}),
    S('2026-01-31 10:00:00,123 INFO bob said "GET / HTTP/1.1" 500 times', "generic",
      "2026-01-31T10:00:00.123", "info", 'bob said "GET / HTTP/1.1" 500 times'),
    S(RUNSERVER, "access", "2026-01-31T10:00:00", None, RUNSERVER, None, None, {"status": 500, "bytes": 145}),
    S(f"I, [2026-01-31T10:00:00.123456 #7]  INFO -- : {RAILS}", "access", "2026-01-31T10:00:00.123456",
      "info", RAILS, None, None, {"pid": "7", "status": 500}),
    S("Completed 200 OK in 5ms (Views: 1ms)", "access", None, None, "Completed 200 OK in 5ms (Views: 1ms)",
      None, None, {"status": 200}),
    S("E, [2026-01-31T10:00:00.123456 #7] ERROR -- sidekiq: boom", "ruby", "2026-01-31T10:00:00.123456",
      "error", "boom", None, None, {"pid": "7", "logger": "sidekiq"}),
    # the name of an exception is no logger
    S("2026-01-31 10:00:00,123 ERROR shop.errors.QuotaError: no more", "java", "2026-01-31T10:00:00.123",
      "error", "shop.errors.QuotaError: no more"),
    # what stands at the edge: its message is the request and the status
    S(f"https {BALANCED}", "access", "2026-01-31T10:00:00.123456", None,
      '"GET https://x.example:443/a HTTP/1.1" 502', None, None,
      {"client": "10.0.0.9", "status": 502, "target": "10.0.1.7:80"}),
    S(BALANCED, "access", "2026-01-31T10:00:00.123456", None,
      '"GET https://x.example:443/a HTTP/1.1" 502', None, None, {"path": "https://x.example:443/a"}),
    S("2026-01-31 10:00:00 10.0.0.7 GET /a b=1 443 - 10.0.0.9 Mozilla/5.0+(X11) - 503 0 64 12", "access",
      "2026-01-31T10:00:00", None, '"GET /a?b=1" 503', None, None, {"client": "10.0.0.9", "status": 503}),
    S("2026-01-31\t10:00:00\tFRA56-P4\t2390\t10.0.0.9\tGET\td1\t/a\t502\t-\tx\t-\t-\tError", "access",
      "2026-01-31T10:00:00", None, '"GET /a" 502', None, None, {"status": 502, "result": "Error"}),
    S('{"level":"info","ts":1769853600.5,"logger":"http.log.access.log0","msg":"handled request",'
      '"request":{"client_ip":"10.0.0.9","method":"GET","uri":"/a"},"status":502}', "json",
      "2026-01-31T10:00:00.5", "info",
      '"GET /a" 502', "caddy", None, {"client": "10.0.0.9", "status": 502}),
    S('{"start_time":"x","method":"GET","path":"/a","response_code":503,"downstream_remote_address":'
      '"10.0.0.9:4"}', "json", None, None, '"GET /a" 503', None, None, {"client": "10.0.0.9", "status": 503}),
    S('{"httpRequest":{"requestMethod":"GET","requestUrl":"https://x/a","status":502},"severity":"INFO"}',
      "json", None, "info", '"GET https://x/a" 502', None, None, {"status": 502}),
    # a group of alerts: the worst that fires says how bad it is
    S('{"receiver":"log","status":"firing","alerts":[{"status":"firing","labels":{"alertname":"A","severity":'
      '"critical","instance":"db-1:9","service":"db"},"annotations":{"summary":"it is down"}},'
      '{"status":"firing","labels":{"alertname":"B","severity":"none","service":"db"}}]}', "json", None,
      "error",
      "alert firing: A, B at db-1:9: it is down", "db"),
    S('{"receiver":"log","status":"resolved","alerts":[{"status":"resolved","labels":{"alertname":"A",'
      '"severity":"critical"}}]}', "json", None, "info", "alert resolved: A"),
    S("2026-01-31T10:00:00Z E! [outputs.x] no", "generic", "2026-01-31T10:00:00", "error", "no", None, None,
      {"logger": "outputs.x"}),
    # none of these
    S("just a sentence about errors", "plain", None, None, "just a sentence about errors"),
    S("", "plain", None, None, ""),
    S("{not json", "plain", None, None, "{not json"),
    S("2026-13-45 99:00:00 what", "generic", None, None, "what"),
)
