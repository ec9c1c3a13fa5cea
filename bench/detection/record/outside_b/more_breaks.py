"""More failures of the same hosts."""

from __future__ import annotations

import signal

import old_breaks as old
import seats_breaks as halls
import seats_stack
import site_breaks as site
import site_stack
import unit_breaks as units
from cases import case
from common import HOME, VENV, World, end, run

SITE, HALLS, OLD = site.FILES, halls.FILES, old.FILES


@case(site.HOST, SITE, "sync.log", "external_api_down", "sync api.partner.example auth.partner.example", ("sync.log", "Connection refused|Max retries exceeded"),
      also=("network_failure",), why_also="nobody listens at the partner, or something between refuses", effects=("error_burst",))
def b_partner_refused_python(w: World) -> None:
    """Nobody listens at the partner's address any more."""
    up = site.calm(w)
    end(up["partner"], signal.SIGKILL)
    w.sleep(75)


@case(site.HOST, SITE, site.WEB + " pricing.log", "service_crash", "pricing", ("site.log", "ReadTimeout|timed out"), also=("deadlock", "external_api_down"), silent=True,
      why_also="a process that hangs: who waits for it sees only that it does not answer", effects=("error_burst", "network_failure"))
def b_uvicorn_blocked(w: World) -> None:
    """A release waits within the event loop; the pricing service answers nobody for most of the time."""
    up = site.calm(w)
    end(up["pricing"])
    site_stack.pricing(w, PRICING_RELEASE="blocking")
    w.sleep(90)


@case(site.HOST, SITE, site.WEB + " pricing.log postgresql.log", "database_failure", "postgresql", ("postgresql.log", "too many clients|remaining connection slots"),
      effects=("error_burst", "external_api_down"))
def b_postgres_slots_used_up(w: World) -> None:
    """A reporting tool opens connections and never closes them; PostgreSQL has none left for the site."""
    site.calm(w)
    run(w, "reports.out", f"{VENV}/python", "-c",
        "import psycopg,time\nkept=[]\nwhile True:\n    try:\n        kept.append(psycopg.connect('postgresql://office:secret@127.0.0.11/office'))\n"
        "    except psycopg.Error:\n        time.sleep(1)\n    time.sleep(0.05)")
    w.sleep(80)


@case(site.HOST, SITE, "nginx-access.log nginx-error.log", "service_crash", "site", ("nginx-error.log", "Connection refused"), also=("external_api_down",), silent=True,
      why_also="nginx is refused by its upstream", effects=("error_burst", "network_failure"))
def b_gunicorn_gone(w: World) -> None:
    """gunicorn is killed and nobody starts it again; nginx answers 502."""
    up = site.calm(w)
    end(up["site"], signal.SIGKILL)
    w.sleep(75)


@case(halls.HOST, HALLS, "geo.log " + halls.WEB, "service_crash", "geo", ("geo.log", "fatal error: concurrent map"), effects=("error_burst", "external_api_down"))
def b_go_concurrent_map(w: World) -> None:
    """A release writes to a map from several goroutines; the runtime ends the process each time."""
    halls.deploy_geo(w, "race")


@case(halls.HOST, HALLS, halls.WEB, "service_crash", "seats", ("seats.log", "Cannot find module"), effects=("error_burst", "external_api_down"))
def b_node_module_missing(w: World) -> None:
    """A release requires a package that was not installed; Node ends at each start."""
    up = halls.calm(w)
    server = HOME / "app/seats/server.js"
    server.write_text("const fees = require('stripe-fees');\n" + server.read_text())
    end(up["seats"])
    seats_stack.seats(w)
    w.sleep(75)


@case(halls.HOST, HALLS, halls.WEB, "cpu_overload", "seats", ("nginx-error.log", "upstream timed out"), also=("service_crash", "deadlock", "external_api_down"), silent=True,
      why_also="it counts for ever and answers nobody: from outside it hangs", effects=("error_burst", "network_failure"))
def b_node_busy_loop(w: World) -> None:
    """A release loops for ever on one of nine halls; Node answers nobody any more."""
    halls.deploy_seats(w, SEATS_RELEASE="busy", seconds=90)


@case(old.HOST, OLD, old.FRONT + "php-fpm.log", "error_burst", "php-fpm", ("php-fpm.log", "PHP Parse error"), also=("service_crash",),
      why_also="no page of the wiki works", effects=("external_api_down",))
def b_php_parse_error(w: World) -> None:
    """A half-written file is deployed; each page of the wiki fails."""
    old.calm(w)
    old.change("wiki/index.php", "return implode(", "return implode((")
    w.sleep(75)


@case(halls.HOST, HALLS, "geo.log " + halls.WEB, "memory_exhaustion", "geo", ("geo.log", "out of memory|cannot allocate memory"), also=("service_crash",),
      why_also="the runtime says that memory is used up, and ends the process", effects=("error_burst", "external_api_down"))
def b_go_out_of_memory(w: World) -> None:
    """A release keeps a plan with each answer; at the limit of its address space Go's runtime gives up, again and again."""
    up = halls.calm(w)
    end(up["geo"])
    seats_stack.geo(w, "prlimit", "--as=1600000000", GEO_RELEASE="memory")
    w.sleep(90)


@case(units.HOST, units.FILES, units.J, "service_crash", "thumbs", (units.J, "status=11/SEGV"), effects=("error_burst",))
def b_unit_segfault(w: World) -> None:
    """A native library of a release reads address 0 with each sixth picture; the service dies and is started again each time."""
    m = units.calm(w)
    units.release("thumbs", "native")
    m.do("systemctl", "restart", "thumbs")
    units.after(w, m, 80)


@case(units.HOST, units.FILES, units.J, "service_crash", "archive", (units.J, "status=203/EXEC"), effects=("error_burst",))
def b_unit_exec_missing(w: World) -> None:
    """A deploy names an interpreter that is not there; the archive cannot be executed."""
    m = units.calm(w)
    unit = HOME / "control/archive.service"
    unit.write_text(unit.read_text().replace("/usr/bin/python3", "/usr/local/bin/python3.13"))
    m.sh("systemctl daemon-reload; systemctl restart archive")
    units.after(w, m, 80)


@case(units.HOST, units.FILES, units.J, "service_crash", "intake", (units.J, "status=217/USER|Failed to determine user"), effects=("error_burst",))
def b_unit_user_missing(w: World) -> None:
    """A deploy lets the intake run as a user that nobody made on this host."""
    m = units.calm(w)
    unit = HOME / "control/intake.service"
    unit.write_text(unit.read_text().replace("[Service]", "[Service]\nUser=intake"))
    m.sh("systemctl daemon-reload; systemctl restart intake")
    units.after(w, m, 80)


@case(units.HOST, units.FILES, units.J, "service_crash", "ssh sshd", (units.J, "no hostkeys|Unable to load host key|status=1/FAILURE"), effects=("error_burst",))
def b_sshd_without_keys(w: World) -> None:
    """A clean-up removed the host keys; sshd does not come up again after its restart."""
    m = units.calm(w)
    m.sh("rm -f /etc/ssh/ssh_host_*; systemctl restart ssh")
    units.after(w, m, 80)
