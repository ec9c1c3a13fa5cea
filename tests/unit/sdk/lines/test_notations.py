"""Lines of servers that write dates or levels in a form of their own are read with both."""
from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from sra_sdk.lines.infer import level_of
from sra_sdk.lines.multiline import Joiner
from sra_sdk.lines.outline import judged, outline
from sra_sdk.lines.parse import LineReader

NOW = int(datetime(2026, 3, 1, 12, tzinfo=UTC).timestamp()) * 1_000_000
WLS = "<Jan 31, 2026 10:00:00 AM UTC>"
FILED = "<db1> <m1> <[ACTIVE] ExecuteThread: '3' for queue: 'x'> <<WLS Kernel>> <> <> <1769853600123>"
DAY = "2026-01-31"

#: level, what the message begins with, the line; all are of 2026-01-31 10:00 UTC
READ = [
    # Icinga 2
    ("warning", "Removing",
     "[2026-01-31 10:00:00 +0000] warning/ApiListener: Removing API client for endpoint 'web1'."),
    ("error", "Cannot",
     "[2026-01-31 10:00:00 +0000] critical/ApiListener: Cannot connect to host '10.0.0.7' on port '5665'"),
    ("info", "State",
     "[2026-01-31 10:00:00 +0000] notice/Checkable: State Change: 'web1' from OK to CRITICAL detected."),
    # Puppet
    ("error", "Could",
     "2026-01-31 10:00:00 +0000 Puppet (err): Could not retrieve catalog from remote server"),
    ("warning", "Not using", "2026-01-31 10:00:00 +0000 Puppet (warning): Not using cache on failed catalog"),
    ("info", "Applied", "2026-01-31 10:00:00 +0000 Puppet (notice): Applied catalog in 12.33 seconds"),
    ("error", "Could",
     "2026-01-31 10:00:00 +0000 /Stage[main]/Ntp/Service[ntp] (err): Could not start Service[ntp]"),
    # Open vSwitch, in its own files and in syslog
    ("warning", "could", "2026-01-31T10:00:00.123Z|00012|bridge|WARN|could not open network device vnet0"),
    ("error", "tcp", "2026-01-31T10:00:00.123Z|00013|ovs_rcu(urcu3)|ERR|tcp:127.0.0.1:6640: lost"),
    ("critical", "/var", "2026-01-31T10:00:00.123Z|00002|daemon_unix|EMER|/var/run/x.pid: taken"),
    ("info", "opened", "2026-01-31T10:00:00.123Z|00001|vlog|INFO|opened log file x"),
    ("debug", "wakeup", "2026-01-31T10:00:00.123Z|00014|poll_loop|DBG|wakeup due to 10-ms timeout"),
    ("error", "tcp", "Jan 31 10:00:00 n1 ovs-vswitchd: ovs|00013|rconn|ERR|tcp:10.0.0.1:6653: no"),
    # libvirt
    ("error", "End",
     "2026-01-31 10:00:00.123+0000: 12: error : virNetSocketReadWire:1803 : End of file while reading"),
    ("warning", "Domain",
     "2026-01-31 10:00:00.123+0000: 12: warning : qemuDomainObjTaint:7075 : Domain id=1 is tainted"),
    ("info", "libvirt", "2026-01-31 10:00:00.123+0000: 12: info : libvirt version: 8.0.0"),
    # CUPS
    ("error", "[Job 12]",
     "E [31/Jan/2026:10:00:00 +0000] [Job 12] Stopping job because a filter is missing."),
    ("warning", "Notifier",
     "W [31/Jan/2026:10:00:00 +0000] Notifier for subscription 12 went away, retrying!"),
    ("info", "Listening", "I [31/Jan/2026:10:00:00 +0000] Listening to 127.0.0.1:631 on fd 6..."),
    ("critical", "Unable", "X [31/Jan/2026:10:00:00 +0000] Unable to bind socket"),
    # WebLogic
    ("error", "[STUCK]",
     f"####{WLS} <Error> <WebLogicServer> {FILED} <BEA-000337> <[STUCK] ExecuteThread: '5' is busy>"),
    ("critical", "Server",
     f"####{WLS} <Critical> <WebLogicServer> {FILED} <[severity-value: 4] > <BEA-000386> <Server "
     "subsystem failed. Reason: x>"),
    ("info", "Server",
     f"####<31.01.2026 10:00 Uhr> <Notice> <WebLogicServer> {FILED} <BEA-000365> <Server state "
     "changed>"),
    ("warning", "Received",
     f"{WLS} <Warning> <JDBC> <BEA-001129> <Received exception while creating connection for pool>"),
    ("error", "[Servlet",
     "<Jan 31, 2026, 10:00:00,123 AM Coordinated Universal Time> <Error> <HTTP> <BEA-101017> "
     "<[ServletContext@1] Root cause>"),
    ("warning", "Closing",
     "<31-Jan-2026 10:00:00 o'clock UTC> <Warning> <Socket> <BEA-000449> <Closing the socket>"),
    # WebSphere, traditional and Liberty
    ("error", "com.ibm",
     "[1/31/26 10:00:00:123 UTC] 00000012 ServletWrappe E com.ibm.ws.x service SRVE0068E: thrown"),
    ("warning", "WSVR0605W",
     "[1/31/26, 10:00:00:123 UTC] 00000055 ThreadMonitor W   WSVR0605W: Thread may be hung."),
    ("info", "WSVR0001I",
     "[31/01/26 10:00:00:123 UTC] 0000001a WsServerImpl  A   WSVR0001I: Server server1 open"),
    ("info", "at com",
     "[1/31/26 10:00:00:123 UTC] 0000001a SystemErr     R at com.example.Shop.main(Shop.java:1)"),
    ("error", "FFDC1015I",
     "[2026-01-31T10:00:00.123+0000] 0000002b com.ibm.ws.logging.IncidentImpl   E FFDC1015I: x"),
    # Db2
    ("error", "2026", "2026-01-31-10.00.00.123456+000 E1234E567         LEVEL: Error"),
    ("info", "2026", "2026-01-31-11.00.00.123456+060 I1234E567         LEVEL: Event"),
    # Suricata, before and since 7
    ("warning", "[ERRCODE",
     "31/1/2026 -- 10:00:00 - <Warning> - [ERRCODE: SC_ERR_NO_RULES(42)] - No rule files match"),
    ("error", "[ERRCODE",
     "[12] 31/1/2026 -- 10:00:00 - (util-ioctl.c:119) <Error> (GetIfaceMTU) -- [ERRCODE: x] - MTU"),
    ("error", "af-packet",
     "[12 - Suricata-Main] 2026-01-31 10:00:00 Error: af-packet: eth9: failed to find interface"),
    ("info", "threads", "[12 - Suricata-Main] 2026-01-31 10:00:00 Notice: threads: Threads created"),
    # zap's console (InfluxDB, OpenTelemetry, Istio) and VictoriaMetrics; zerolog's (Traefik, cloudflared)
    ("error", "Exporting",
     f"{DAY}T10:00:00.123Z\terror\texporterhelper/queued_retry.go:123\tExporting gave up.\t{{}}"),
    ("warning", "Envoy", f"{DAY}T10:00:00.123456Z\twarn\tEnvoy proxy is NOT ready: config not received"),
    ("warning", "couldn't",
     f"{DAY}T10:00:00.123Z\twarn\tVictoriaMetrics/app/client.go:274\tcouldn't send a block: refused"),
    ("critical", "cannot",
     f"{DAY}T10:00:00.123Z\tfatal\tVictoriaMetrics/lib/fs/fs.go:12\tcannot create directory"),
    ("error", "Error", f'{DAY}T10:00:00Z ERR Error while Peeking first byte error="i/o timeout"'),
    ("warning", "github",
     f"{DAY}T10:00:00Z WRN github.com/traefik/traefik/v3/pkg/server.go:12 > rejected characters"),
    # Envoy's own lines, and whoever uses spdlog as it does
    ("warning", "[source",
     "[2026-01-31 10:00:00.123][12][warning][config] [source/x.cc:12] gRPC config stream closed: 14"),
    ("critical", "[source",
     "[2026-01-31 10:00:00.123][12][critical][main] [source/x.cc:1] error initializing"),
    # Ceph, GlusterFS, Samba, NFS Ganesha
    ("error", "osd.3",
     "2026-01-31T10:00:00.123+0000 7f12aabbccdd -1 osd.3 12 heartbeat_check: no reply from 10.0.0.7"),
    ("warning", "received",
     "2026-01-31T10:00:00.123+0000 7f12aabbccdd -1 received  signal: Terminated from init"),
    ("info", "osd.3", "2026-01-31T10:00:00.123+0000 7f12aabbccdd  1 osd.3 12 state: booting -> active"),
    ("warning", "Health",
     "2026-01-31T10:00:00.123+0000 mon.a (mon.0) 12 : cluster [WRN] Health check failed: 1 osds down"),
    ("info", "overall",
     "2026-01-31T10:00:00.123+0000 7f12aabbccdd  0 log_channel(cluster) log [INF] : overall HEALTH_OK"),
    ("critical", "0-vol1",
     "[2026-01-31 10:00:00.123456] C [rpc-clnt-ping.c:155:timer] 0-vol1: server has not responded"),
    ("error", "0-vol1",
     "[2026-01-31 10:00:00.123456 +0000] E [MSGID: 114058] [x.c:1455:cbk] 0-vol1: no port number"),
    ("info", "smbd",
     "[2026/01/31 10:00:00.123456,  0] ../../source3/smbd/server.c:1784(main)\n  smbd version 4.15"),
    ("error", "failed",
     "[2026/01/31 10:00:00,  0, pid=12, effective(0, 0)] ../../lib/x.c:10(open)\n  failed to bind: x"),
    ("warning", "No export",
     "31/01/2026 10:00:00 : epoch 65b9f : h1 : ganesha.nfsd-12[main] start :NFS STARTUP :WARN :No "
     "export entries found"),
    # Gitea, structlog's console, Slurm, Passenger, Minecraft, geth, Mattermost, Prosody, Tor
    ("error", "Render", "2026/01/31 10:00:00 ...s/context/context.go:128:HTML() [E] Render broke: x"),
    ("critical", "x", "2026/01/31 10:00:00 routers/init.go:70:mustInit() [F] x"),
    ("error", "router",
     "2026/01/31 10:00:00 HTTPRequest [I] router: completed GET /x for 10.0.0.7:0, 500 Internal Server "
     "Error in 12.3ms @ x.go:12(x)"),
    ("info", "router",
     "2026/01/31 10:00:00 HTTPRequest [I] router: completed GET /x for 10.0.0.7:0, 200 OK in 2.3ms"),
    ("error", "it broke", "2026-01-31T10:00:00.123456Z [error    ] it broke       [app.db] x=1"),
    ("critical", "no name", "[2026-01-31T10:00:00.123] fatal: no name of a node"),
    ("error", "Could", "[ E 2026-01-31 10:00:00.1234 12/T1 age/Cor/App/x.cpp:221 ]: Could not spawn process"),
    ("error", "Failed", "ERROR[01-31|10:00:00.123] Failed to retrieve block                 err=x"),
    ("error", "Unable", 'error [2026-01-31 10:00:00.123 Z] Unable to ping\tcaller="store.go:1"'),
    ("error", "Failed", "Jan 31 10:00:00 general\terror\tFailed to load certificate"),
    ("warning", "Directory", "Jan 31 10:00:00.000 [warn] Directory x is slow"),
    # Asterisk, Zabbix, 389 Directory Server, ntpd, slapd, auditd
    ("error", "x", "[Jan 31 10:00:00] ERROR[12]: res_pjsip.c:3400 create_dialog: x"),
    ("info", "y", "[Jan 31 10:00:00.123] NOTICE[12][C-0000000a]: chan_sip.c:30116 x: y"),
    ("info", "server", " 1234:20260131:100000.123 server #0 started [main process]"),
    ("error", "attrcrypt",
     "[31/Jan/2026:10:00:00.123456789 +0000] - ERR - attrcrypt_init - No symmetric key"),
    ("info", "conn=12", '[31/Jan/2026:10:00:00.123456789 +0000] conn=12 op=0 BIND dn="" method=sasl'),
    ("info", "Listen", "31 Jan 10:00:00 ntpd[12]: Listen normally on 2 lo 127.0.0.1:123"),
    ("info", "conn=12", "697dd2a0 conn=12 fd=12 ACCEPT from IP=10.0.0.7:5555"),
    ("info", "avc", "type=AVC msg=audit(1769853600.123:456): avc:  denied  { read } for  pid=12"),
    # dates of Europe (AEM), packed ones; Ignite, frp, Foreman, Bareos, Syncthing, Node-RED, Jitsi, Aerospike
    ("error", "[10.0", "31.01.2026 10:00:00,123 *ERROR* [10.0.0.7 [17] GET /x HTTP/1.1] com.day.x.Y thrown"),
    ("warning", "slow", "31.01.2026 10:00:00 WARN slow"),
    ("error", "gone", "20260131 10:00:00.123 ERROR gone"),
    ("error", "gone", "20260131T100000.123Z ERROR gone"),
    ("error", "[X]", "[2026-01-31T10:00:00,123][ERROR][main][X] lost"),
    ("error", "[control", "2026/01/31 10:00:00 [E] [control.go:12] lost"),
    ("warning", "slow", "2026-01-31T10:00:00 [W|app|abc] slow"),
    ("error", "no", "31-Jan 10:00 bareos-dir JobId 1: Error: no volume"),
    ("critical", "no", "31-Jan 10:00 bareos-dir JobId 1: Fatal error: no volume"),
    ("info", "Start", "31-Jan 10:00 bareos-dir JobId 1: Start Backup JobId 1"),
    ("warning", "x", "[ABCDE] 2026/01/31 10:00:00 WARNING: x"),
    ("error", "x", "31 Jan 10:00:00 - [error] x"),
    ("error", "x", "JVB 2026-01-31 10:00:00.123 SEVERE: [12] x"),
    ("warning", "(as)", "Jan 31 2026 10:00:00 GMT: WARNING (as): (as.c:1) slow"),
    # Nextcloud's own numbers
    ("warning", "slow",
     '{"reqId":"a","level":2,"time":"2026-01-31T10:00:00+00:00","app":"core","message":"slow"}'),
    ("critical", "x",
     '{"reqId":"a","level":4,"time":"2026-01-31T10:00:00+00:00","app":"core","message":"x"}'),
    # Unbound, NetworkManager, ESXi, Pacemaker, Corosync
    ("warning", "increased",
     "[1769853600] unbound[12:0] warning: increased limit(open files) from 1024 to 4152"),
    ("error", "can't", "Jan 31 10:00:00 unbound[12:0] error: can't bind socket"),
    ("error", "can't", "Jan 31 10:00:00 ns1 unbound[12]: [12:0] error: can't bind socket"),
    ("warning", "device", "Jan 31 10:00:00 n1 NetworkManager[5]: <warn>  [1769853600.1234] device (eth0): x"),
    ("warning", "[Orig", "2026-01-31T10:00:00.123Z warning vpxa[2099] [Originator@6876 sub=x] slow"),
    ("warning", "cpu1", "2026-01-31T10:00:00.123Z Wa(180) vmkwarning: cpu1:2097)WARNING: NMP: x"),
    ("warning", "NMP", "2026-01-31T10:00:00.123Z cpu1:2097)WARNING: NMP: nmp_DeviceRetryCommand:133: x"),
    ("warning", "lost", "Jan 31 10:00:00 node1 pacemakerd          [1234] (pcmk_child_exit)  warning: lost"),
    ("error", "[TOTEM", "Jan 31 10:00:00 [1234] node1 corosync error   [TOTEM ] FAILED TO RECEIVE"),
]


@pytest.mark.parametrize(("level", "begins", "line"), READ, ids=[each[2][:60] for each in READ])
def test_a_servers_own_notation_is_read(level: str, begins: str, line: str) -> None:
    parsed = LineReader(now=lambda: NOW, tz=UTC).read(line)
    assert parsed.at is not None
    assert datetime.fromtimestamp(parsed.at / 1e6, UTC).strftime("%Y-%m-%d %H:%M:%S") == "2026-01-31 10:00:00"
    assert level_of(parsed.message, parsed.level, parsed.format, parsed.metadata) == level
    assert parsed.message.startswith(begins)


@pytest.mark.parametrize("line", [
    "2026-01-31 10:00:00 the note (warning): take care",
    "2026-01-31 10:00:00 we met ERR today",
    "A [note] of E [x] y",
    "31/1/2026 - 10:00:00 - it ended",
    "deadbeef conn is open",
    "20260131 pages were printed",
    "31.01.2026 is the day of the ERRORs",
    "2026-01-31 10:00:00 part [E] of the *ERROR* book",
    "31-Jan 10:00 tea",
    "Jan 31 10:00:00 host app: the <warn> tag is closed",
    "Jan 31 10:00:00 web1 app[3]: [12:30] error pages were made",
])
def test_what_only_looks_like_one_keeps_its_words(line: str) -> None:
    parsed = LineReader(now=lambda: NOW, tz=UTC).read(line)
    level = level_of(parsed.message, parsed.level, parsed.format, parsed.metadata)
    assert level == "info"


def test_who_speaks_is_known() -> None:
    reader = LineReader(now=lambda: NOW, tz=UTC)
    corosync = reader.read("Jan 31 10:00:00 [1234] node1 corosync error   [TOTEM ] FAILED TO RECEIVE")
    assert (corosync.service, corosync.host) == ("corosync", "node1")
    unbound = reader.read("Jan 31 10:00:00 unbound[12:0] error: can't bind socket")
    assert (unbound.service, unbound.host) == ("unbound", None)
    weblogic = reader.read(f"####{WLS} <Error> <JDBC> {FILED} <BEA-001129> <no connection>")
    assert (weblogic.service, weblogic.host, weblogic.message) == ("weblogic", "db1", "no connection")
    hostd = reader.read("2026-01-31T10:00:00.123Z error hostd[20] [Originator@6876 sub=x] y")
    assert hostd.service == "hostd"


def test_pids_that_stand_to_the_right_join_nothing() -> None:
    joiner = Joiner()
    lines = ["123456:20260131:100000.123 started", "  1234:20260131:100000.123 syncing",
             "123456:20260131:100001.1 x"]
    events = [event for line in lines for event in joiner.feed(line)] + joiner.flush()
    assert [event for event, _ in events] == lines


def test_a_line_of_samba_is_read_with_its_text() -> None:
    joiner = Joiner()
    head = "[2026/01/31 10:00:00.123456,  0] ../../source3/lib/util_sock.c:10(open_socket_in)"
    events = [event for line in (head, "  bind failed on port 445", head) for event in joiner.feed(line)]
    assert events == [(f"{head}\n  bind failed on port 445", 2)]


@pytest.mark.parametrize(("transport", "level"), [("stdout", "error"), ("journal", "info")])
def test_the_journal_gives_what_is_printed_a_level_that_nobody_meant(transport: str, level: str) -> None:
    entry = json.dumps({"MESSAGE": "charge failed: connection refused", "PRIORITY": "6",
                        "_TRANSPORT": transport,
                        "_SYSTEMD_UNIT": "shop.service", "__REALTIME_TIMESTAMP": str(NOW)})
    parsed = LineReader(now=lambda: NOW, tz=UTC).read(entry)
    assert level_of(parsed.message, parsed.level, parsed.format, parsed.metadata) == level


@pytest.mark.parametrize(("line", "level", "service", "host"), [
    ("[1769853600] SERVICE ALERT: web1;HTTP;CRITICAL;HARD;3;refused", "error", "HTTP", "web1"),
    ("[1769853600] SERVICE ALERT: web1;HTTP;CRITICAL;SOFT;1;refused", "info", "HTTP", "web1"),
    ("[1769853600] SERVICE ALERT: web1;HTTP;WARNING;HARD;3;slow", "warning", "HTTP", "web1"),
    ("[1769853600] SERVICE ALERT: web1;HTTP;OK;HARD;3;fine", "info", "HTTP", "web1"),
    ("[1769853600] HOST ALERT: web1;DOWN;HARD;5;unreachable", "error", "nagios", "web1"),
    ("[1769853600] HOST NOTIFICATION: ann;web1;DOWN;by-mail;CRITICAL", "info", "nagios", None),
    ("[1769853600] EXTERNAL COMMAND: PROCESS_SERVICE_CHECK_RESULT;web1;HTTP;2;CRITICAL: refused", "info",
     "nagios", None),
    ("Jan 31 10:00:00 mon-1 nagios: SERVICE ALERT: web1;HTTP;CRITICAL;HARD;3;refused", "error", "HTTP",
     "web1"),
    ("Jan 31 10:00:00 mon-1 nagios: SERVICE NOTIFICATION: ann;web1;HTTP;CRITICAL;x;refused", "info", "nagios",
     "mon-1"),
])
def test_a_check_is_about_the_host_that_was_checked(line: str, level: str, service: str,
                                                    host: str | None) -> None:
    parsed = LineReader(now=lambda: NOW, tz=UTC).read(line)
    assert (level_of(parsed.message, parsed.level, parsed.format, parsed.metadata), parsed.service,
            parsed.host) == (level, service, host)


@pytest.mark.parametrize(("line", "level"), [
    ("GC(7) Pause Full (Ergonomics) 1023M->1022M(1024M) 2345.123ms", "warning"),
    ("GC(7) Pause Full (System.gc()) 1023M->122M(1024M) 2345.123ms", "info"),
    ("GC(7) Pause Young (Normal) 1023M->1022M(1024M) 2.123ms", "info"),
    ("1.1: [Full GC (Ergonomics) [PSYoungGen: 10K->0K(153600K)] [ParOldGen: 349696K->349694K(349696K)] "
     "502784K->502780K(503296K), [Metaspace: 3000K->3000K(3000K)], 1.2 secs]", "warning"),
    ("1.1: [Full GC (Metadata GC Threshold) [PSYoungGen: 10K->0K(153600K)] [ParOldGen: 9K->9K(9K)] "
     "50000K->9K(163609K), [Metaspace: 3000K->3000K(3000K)], 0.2 secs]", "info"),
    ("1.1: [Full GC (Allocation Failure) 2.2: [CMS: 1398144K->1398143K(1398144K), 5.1 secs] "
     "2027264K->2027262K(2027264K), [Metaspace: 3K->3K(3K)], 5.1 secs]", "warning"),
])
def test_a_collection_that_frees_nothing_is_a_warning(line: str, level: str) -> None:
    assert level_of(line, "info", "generic", {}) == level
    assert judged(outline(line.encode())).facts or level == "info", "a line that is looked over is not seen"


BOUNCED = ("4FA7B2: to=<a@b.example>, relay=mx.b.example[192.0.2.9]:25, status=bounced (host mx.b.example "
           "said: 550 {} (in reply to RCPT TO command))")


@pytest.mark.parametrize(("line", "level"), [
    ("Backend is offline", "warning"), ("Backend is online", "warning"),
    ("the backend is offline since noon", "info"),
    (BOUNCED.format("5.7.1 Client host [198.51.100.7] blocked using zen.spamhaus.org"), "warning"),
    (BOUNCED.format("5.1.1 User unknown"), "info"),
    ("NOQUEUE: reject: RCPT from unknown[203.0.113.9]: 554 5.7.1 Host [203.0.113.9] blocked using x.example",
     "info"),
])
def test_what_the_journal_calls_information_is_rated_as_in_a_file(line: str, level: str) -> None:
    assert level_of(line, "info", "plain", {"pid": 7}) == level
