"""What breaks around the newer services: jobs, disks, the carrier, certificates, memory, the processor."""

from __future__ import annotations

import os
import shutil
import signal
from contextlib import suppress

import web_stack as s
from cases import case
from common import HOME, World, certificate, end, quiet, run, say, sql, until_closed
from web_breaks import ALL, FILES, HOST, calm, deploy


@case(HOST, FILES, ALL + " labels-worker.log queue.log redis.log", "service_crash", "labels-worker", ("labels-worker.log", "terminated unexpectedly"), also=("error_burst",),
      why_also="the children of the worker die, the worker lives on", effects=("queue_backlog",))
def d_rq_job_segfaults(w: World) -> None:
    """A release of the label worker has a broken codec: each second job kills its process with a segmentation fault."""
    up = calm(w, rate=0.6)
    deploy(w, up, "worker", RELEASE="codec")
    w.sleep(90)


@case(HOST, FILES, ALL + " labels-worker.log queue.log redis.log", "error_burst", "labels-worker", ("labels-worker.log", "KeyError|exception raised"),
      effects=("queue_backlog",))
def d_rq_jobs_fail(w: World) -> None:
    """A release of the label worker does not know the paper's size: each job fails."""
    up = calm(w, rate=0.6)
    deploy(w, up, "worker", RELEASE="layout")
    w.sleep(90)


@case(HOST, FILES, ALL + " labels-worker.log queue.log redis.log", "queue_backlog", "labels-worker labels", ("queue.log", "do not keep up"), also=("service_crash",),
      why_also="the worker hangs", silent=True)
def d_rq_worker_hangs(w: World) -> None:
    """The label worker hangs (SIGSTOP); its queue grows and grows."""
    up = calm(w, rate=0.5)
    os.killpg(up["worker"].pid, signal.SIGSTOP)
    w.sleep(120)


@case(HOST, FILES, ALL, "disk_full", "waybill freight-1", ("waybill.log", "No space left"), effects=("error_burst", "external_api_down"))
def d_disk_full_scans(w: World) -> None:
    """The disk of the scans is full; no waybill can be made any more."""
    def fill(n: int) -> None:
        with suppress(OSError), (HOME / f"scans/import-{n}.tar").open("wb", buffering=0) as out:
            while out.write(bytes(1 << (20 if n == 0 else 12))):
                pass

    calm(w, scans_mb=60, rate=0.7)
    w.every(1, fill)
    w.sleep(90)


@case(HOST, FILES, ALL, "disk_full", "waybill freight-1", ("waybill.log", "No space left|No usable temporary"), effects=("error_burst", "external_api_down"))
def d_disk_full_temporary(w: World) -> None:
    """Somebody's core dumps fill the folder of temporary files."""
    s.start(w, rate=0.7)
    quiet("mount", "-o", "remount,size=20m", "/tmp")
    w.sleep(45)
    w.breaks()
    with suppress(OSError), open("/tmp/core.8812", "wb") as out:
        while True:
            out.write(bytes(1 << 18))
    w.sleep(85)


@case(HOST, FILES, ALL, "auth_failures", "waybill carrier api.carrier.example", ("waybill.log", "token_expired"), also=("external_api_down",),
      why_also="to the waybills the carrier's API is of no use any more", effects=("error_burst",))
def d_carrier_token_expired(w: World) -> None:
    """The token of the carrier's API has expired: each request for a surcharge is answered 401."""
    calm(w)
    say("token")
    w.sleep(80)


@case(HOST, FILES, ALL, "rate_limited", "waybill carrier api.carrier.example", ("waybill.log", "carrier answered 429"), also=("external_api_down",),
      why_also="the carrier gives no answers any more", effects=("error_burst",))
def d_carrier_quota(w: World) -> None:
    """The day's quota of the carrier's API is used up."""
    calm(w)
    say("quota")
    w.sleep(80)


@case(HOST, FILES, ALL, "external_api_down", "waybill carrier api.carrier.example", ("waybill.log", "JSONDecodeError|request failed: GET /surcharge"), also=("error_burst",),
      why_also="the carrier says 200: only the reader of its answers fails", effects=())
def d_carrier_answers_html(w: World) -> None:
    """The carrier's API answers with a page that says that it will be back soon, and 200."""
    calm(w)
    say("html")
    w.sleep(80)


@case(HOST, FILES, ALL, "certificate_expired", "waybill carrier api.carrier.example", ("waybill.log", "certificate expired|certificate has expired|CERTIFICATE"),
      effects=("error_burst", "external_api_down"))
def d_client_certificate_expired(w: World) -> None:
    """Our own certificate for the carrier's API expires; it ends each handshake."""
    up = calm(w)
    certificate("client", "freight", days=(-90, -0.01))
    deploy(w, up, "waybill")
    w.sleep(80)


@case(HOST, FILES, ALL, "error_burst", "waybill", ("waybill.log", "UnicodeEncodeError"), effects=("external_api_down",))
def d_locale_ascii(w: World) -> None:
    """The new host runs the waybills with the locale C: what they print cannot be encoded, and each look-up fails."""
    up = calm(w)
    deploy(w, up, "waybill", RELEASE="printed", PYTHONIOENCODING="ascii", LC_ALL="C")
    w.sleep(75)


@case(HOST, FILES, ALL, "memory_exhaustion", "waybill", ("waybill.log", "MemoryError|Cannot allocate memory"), effects=("error_burst", "external_api_down", "service_crash"))
def d_waybill_leaks(w: World) -> None:
    """A release of the waybills keeps two megabytes of each request; at its limit of memory requests fail."""
    up = calm(w, rate=0.5)
    deploy(w, up, "waybill", "prlimit", f"--as={700 << 20}", RELEASE="leak")
    w.sleep(130)


@case(HOST, FILES, ALL, "cpu_overload", "waybill freight-1", ("gate-error.log", "timed out"), also=("service_crash", "deadlock"), cpu=0.2,
      why_also="it computes for ever: from outside it hangs", effects=("error_burst", "external_api_down", "network_failure"))
def d_regex_runs_away(w: World) -> None:
    """A release of the waybills checks a note with a regular expression that takes for ever; all threads compute."""
    up = calm(w)
    deploy(w, up, "waybill", RELEASE="notes")
    w.sleep(85)


@case(HOST, FILES, ALL + " redis.log", "auth_failures", "postgresql waybill portal", ("postgresql.log", "password authentication failed"), also=("database_failure",),
      why_also="without a login there is no database", effects=("error_burst", "external_api_down"))
def d_pg_password_rotated(w: World) -> None:
    """The database's password is changed, the services have the old one, and their connections are closed."""
    calm(w)
    sql("alter role freight password 'anchor'", "select pg_terminate_backend(pid) from pg_stat_activity where usename = 'freight'")
    w.sleep(80)


@case(HOST, FILES, ALL, "service_crash", "waybill", ("waybill.log", "ModuleNotFoundError|ImportError"), effects=("error_burst", "external_api_down"))
def d_flask_import_error(w: World) -> None:
    """A release of the waybills imports a module that was not shipped."""
    up = calm(w)
    script = HOME / "app/waybill.py"
    script.write_text(script.read_text().replace("import psycopg\n", "import psycopg\nimport customs_codes\n"))
    deploy(w, up, "waybill")
    w.sleep(75)


@case(HOST, FILES, ALL, "service_crash", "waybill", ("waybill.log", "Address already in use"), effects=("error_burst", "external_api_down"))
def d_flask_port_in_use(w: World) -> None:
    """Somebody tries something out on the port of the waybills; after a restart they cannot listen."""
    up = calm(w)
    end(up["waybill"])
    until_closed("127.0.0.41", 8400)
    run(w, "tryout.out", "python3", "-m", "http.server", "8400", "--bind", "127.0.0.41", cwd=HOME / "static", again=False)
    w.sleep(2)
    up["waybill"] = s.waybill(w)
    w.sleep(75)


@case(HOST, FILES, ALL, "certificate_expired", "waybill carrier api.carrier.example", ("waybill.log", "certificate has expired|CERTIFICATE_VERIFY_FAILED"),
      effects=("error_burst", "external_api_down"))
def d_ca_bundle_truncated(w: World) -> None:
    """An update of the bundle of authorities left out the carrier's: each request fails with a certificate that cannot be verified."""
    up = calm(w)
    certificate("elsewhere", "elsewhere.example", by="other")
    shutil.copy(HOME / "tls/other.pem", HOME / "tls/ca.pem")
    deploy(w, up, "waybill")
    w.sleep(80)


@case(HOST, FILES, ALL + " labels-worker.log queue.log redis.log", "service_crash", "redis", ("waybill.log", "redis.exceptions|Connection refused"), also=("database_failure",),
      why_also="Redis is a store", effects=("error_burst", "external_api_down", "queue_backlog", "network_failure"))
def d_redis_killed(w: World) -> None:
    """Redis is killed and nobody starts it again: no label can be ordered, the worker has no queue."""
    up = calm(w)
    end(up["redis"], 9)
    w.sleep(80)


@case(HOST, FILES, ALL, "network_failure", "waybill weigh", ("waybill.log", "ConnectTimeout|timed out"), also=("service_crash", "external_api_down", "error_burst"),
      why_also="packets are dropped: to the waybills the scale's service does not answer")
def d_firewall_drops(w: World) -> None:
    """New rules of the firewall drop what goes to the scale's service."""
    calm(w)
    quiet("iptables", "-A", "OUTPUT", "-p", "tcp", "--dport", "8600", "-j", "DROP")
    w.sleep(85)


@case(HOST, FILES, ALL, "service_crash", "portal", ("portal.log", "Killed"), also=("memory_exhaustion",), why_also="a kill by SIGKILL is also what the kernel does for want of memory",
      effects=("error_burst", "external_api_down"))
def d_portal_killed_again(w: World) -> None:
    """A watchdog script that measures wrongly kills the portal each eight seconds; it is started again each time."""
    calm(w)
    w.every(8, lambda n: quiet("pkill", "-KILL", "-x", "node"))
    w.sleep(85)


@case(HOST, FILES, ALL, "memory_exhaustion", "freight-1 python3", ("points", "system.memory_percent", "", lambda each: each["v"] > 90), kind="metrics", memory_mb=900,
      effects=("error_burst",))
def d_memory_report(w: World) -> None:
    """A report by hand takes more and more memory until the host has almost none left, and holds it."""
    calm(w)
    told = dict(line.split() for line in (w.cgroups[2] / "memory.stat").read_text().splitlines())
    pieces = int((w.memory * 0.96 - int(told["total_rss"]) - int(told["total_shmem"])) / 10_000_000)
    run(w, "report.out", "python3", "-c", f"import time\nkept = []\nfor n in range({pieces}):\n    kept.append(bytearray(b'x') * 10_000_000)\n    time.sleep(0.4)\n"
        "time.sleep(900)", again=False)
    w.sleep(130)
