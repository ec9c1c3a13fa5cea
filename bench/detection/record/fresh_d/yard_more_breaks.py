"""What breaks with the claims (Ruby), the labels (Perl) and the intranet (PHP)."""

from __future__ import annotations

import shutil
from pathlib import Path

import yard_stack as s
from cases import case
from common import HOME, World, end, quiet, run, strew, until_closed
from yard_breaks import ALL, FILES, HOST, calm


@case(HOST, FILES, ALL, "database_failure", "claims", ("claims.log", "ConnectionPool::TimeoutError|Waited 1"), also=("error_burst",),
      why_also="the pool belongs to the application, which keeps its connections; Redis is well", effects=("external_api_down",))
def d_ruby_pool_checkout(w: World) -> None:
    """A release of the claims takes connections of its pool and gives none back."""
    up = calm(w)
    end(up["claims"])
    s.claims(w, threads="5:5", RELEASE="checkout")
    strew(w, 0.9, f"{s.GATE}/claims/#", first=0.5)
    strew(w, 0.7, f"{s.GATE}/claims/#", first=0.1)
    w.sleep(80)


@case(HOST, FILES, ALL, "error_burst", "claims", ("claims.log", "CompatibilityError"), effects=("external_api_down",))
def d_ruby_encoding(w: World) -> None:
    """A release of the claims mixes encodings: each claim whose text has an umlaut fails."""
    up = calm(w)
    end(up["claims"])
    s.claims(w, RELEASE="seen")
    w.sleep(75)


@case(HOST, FILES, ALL, "error_burst", "claims", ("claims.log", "FrozenError"), effects=("external_api_down",))
def d_ruby_frozen(w: World) -> None:
    """A release of the claims changes a frozen text: each claim fails."""
    up = calm(w)
    end(up["claims"])
    s.claims(w, RELEASE="loud")
    w.sleep(75)


@case(HOST, FILES, ALL, "service_crash", "claims", ("claims.log", "Address already in use"), effects=("error_burst", "external_api_down"))
def d_ruby_port_in_use(w: World) -> None:
    """An old process of the claims was left over and holds the port; the new ones cannot listen."""
    up = calm(w)
    end(up["claims"])
    until_closed("127.0.0.52", 9300)
    run(w, "left.out", "python3", "-c", "import socket, time\ns = socket.create_server(('127.0.0.52', 9300))\ntime.sleep(900)", again=False)
    w.sleep(1)
    s.claims(w)
    w.sleep(75)


@case(HOST, FILES, ALL, "service_crash", "labels", ("labels.log", "Can't locate"), effects=("error_burst", "external_api_down"))
def d_perl_module_missing(w: World) -> None:
    """A release of the labels needs a Perl module that is not installed; it ends at each start."""
    up = calm(w)
    end(up["labels"])
    s.labels(w, RELEASE="barcode")
    w.sleep(75)


@case(HOST, FILES, ALL, "deadlock", "labels", ("labels.log", "has no heartbeat"), also=("service_crash", "error_burst"),
      why_also="workers that hang are killed by their manager", effects=("external_api_down", "network_failure"))
def d_mojo_no_heartbeat(w: World) -> None:
    """A release of the labels waits for its printer in the event loop; workers have no heartbeat and are killed, again and again."""
    up = calm(w)
    end(up["labels"])
    s.labels(w, RELEASE="printer")
    w.sleep(100)


@case(HOST, FILES, ALL, "error_burst", "labels", ("labels.log", r"\[error\]"), effects=("external_api_down",))
def d_mojo_all_fail(w: World) -> None:
    """A release of the labels reads a file of formats that was not shipped: each label fails."""
    up = calm(w)
    end(up["labels"])
    s.labels(w, RELEASE="formats")
    w.sleep(75)


@case(HOST, FILES, ALL, "error_burst", "labels", ("labels.log", "Permission denied"), also=("disk_full",), why_also="the folder cannot be written to",
      effects=("external_api_down",))
def d_mojo_spool_owner(w: World) -> None:
    """A restored backup left the spool of the labels with root: nothing can be written."""
    calm(w)
    shutil.rmtree(HOME / "spool")
    (HOME / "spool").mkdir(mode=0o755)
    w.sleep(75)


@case(HOST, FILES, ALL, "error_burst", "php-fpm intranet", ("php-fpm.log", "Maximum execution time"), also=("cpu_overload",), why_also="it computes until its time is over",
      effects=("external_api_down", "service_crash"))
def d_php_execution_time(w: World) -> None:
    """A release of the intranet searches for ever; each page ends at PHP's limit of time."""
    calm(w)
    (HOME / "intranet.release").write_text("search\n")
    w.sleep(85)


@case(HOST, FILES, ALL, "error_burst", "php-fpm intranet", ("php-fpm.log", "could not find driver"), also=("database_failure",), why_also="it has no database without the driver",
      effects=("external_api_down",))
def d_php_driver_missing(w: World) -> None:
    """A release of the intranet needs PostgreSQL's driver, which is not installed."""
    calm(w)
    (HOME / "intranet.release").write_text("pgsql\n")
    w.sleep(75)


@case(HOST, FILES, ALL, "error_burst", "php-fpm intranet", ("php-fpm.log", "session"), also=("disk_full",), why_also="sessions cannot be written",
      effects=("external_api_down",))
def d_php_sessions_unwritable(w: World) -> None:
    """The folder of PHP's sessions got another owner: no session can be opened, each page writes warnings."""
    calm(w)
    (HOME / "sessions").chmod(0o700)
    shutil.chown(HOME / "sessions", "root", "root")
    w.sleep(75)


@case(HOST, FILES, ALL, "service_crash", "php-fpm intranet", ("php-fpm.log", "timed out"), also=("error_burst", "deadlock", "cpu_overload"),
      why_also="children that take too long are killed by their manager", effects=("external_api_down", "network_failure"))
def d_php_terminated(w: World) -> None:
    """A release of the intranet waits for a report in each page; PHP-FPM kills the child after six seconds."""
    up = s.start(w)
    end(up["php"])
    up["php"] = s.php(w, terminate="6s")
    w.sleep(45)
    w.breaks()
    (HOME / "intranet.release").write_text("report\n")
    w.sleep(85)


@case(HOST, FILES, ALL, "error_burst", "php-fpm intranet", ("php-fpm.log", "TypeError"), effects=("external_api_down",))
def d_php_type_error_share(w: World) -> None:
    """A release of the intranet fails for each third page with a TypeError."""
    calm(w)
    (HOME / "intranet.release").write_text("strict\n")
    w.sleep(75)


@case(HOST, FILES, ALL, "service_crash", "php-fpm", ("lighttpd-error.log", "connect|establishing|backend"), silent=True, also=("network_failure",),
      why_also="the front only sees that nobody takes the connection", effects=("error_burst", "external_api_down"))
def d_php_killed(w: World) -> None:
    """PHP-FPM is killed and nobody starts it again."""
    up = calm(w)
    end(up["php"], 9)
    w.sleep(75)


@case(HOST, FILES, ALL, "network_failure", "scan claims kv1 yard-3", ("scan.log", "no such host|server misbehaving"), also=("database_failure",),
      why_also="the name of Redis is gone: to the services there is no Redis", effects=("error_burst", "external_api_down"))
def d_name_of_redis_gone(w: World) -> None:
    """A change of the zone lost the name of Redis: the scans cannot find it."""
    calm(w)
    hosts = Path("/etc/hosts")
    hosts.write_text("".join(line for line in hosts.read_text().splitlines(keepends=True) if "kv1" not in line))
    quiet("pkill", "-HUP", "-x", "dnsmasq")
    w.sleep(80)


@case(HOST, FILES, ALL, "memory_exhaustion", "php-fpm intranet", ("php-fpm.log", "Allowed memory size"), effects=("error_burst", "external_api_down"), also=("error_burst",),
      why_also="it is a limit of each request, and each request fails")
def d_php_memory_limit_lowered(w: World) -> None:
    """New settings of PHP-FPM have a limit of memory of 2 MB in place of 32, and the new start page is larger than that."""
    up = calm(w)
    end(up["php"])
    page = HOME / "app/intranet/index.php"
    page.write_text(page.read_text().replace("echo ", "$menu = str_repeat('entry ', 500000);\necho "))
    up["php"] = s.php(w, memory="2M")
    w.sleep(80)
