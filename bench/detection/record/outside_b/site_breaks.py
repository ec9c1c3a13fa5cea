"""What breaks at the ticket site, and a time in which nothing does."""

from __future__ import annotations

import os
import signal
import time

import site_stack as s
from cases import case, normal
from common import HOME, LOG, VENV, World, certificate, end, get, partner, postgres, quiet, redis, say, sql

HOST, FILES = "office-1", s.FILES
WEB = "nginx-access.log nginx-error.log site.log"
NORMAL = float(os.environ.get("CORPUS_SECONDS", "1500"))


@normal(HOST, FILES)
def b_normal_site_2(w: World) -> None:
    """The same for another time, with a planned restart of PostgreSQL."""
    b_normal_site(w)


@normal(HOST, FILES)
def b_normal_site_3(w: World) -> None:
    """The same once more."""
    b_normal_site(w)


@normal(HOST, FILES)
def b_normal_site(w: World) -> None:
    """The ticket site: deploys, reloads, planned restarts, a backup, a bulk import, scanners, slow reports, wrong passwords."""
    up = s.start(w)
    w.every(190, lambda n: [get(f"127.0.0.20/{p}") for p in ("wp-login.php", ".env", "admin/", "phpmyadmin/", "xmlrpc.php", ".git/config")], first=70)
    w.every(150, lambda n: get("127.0.0.20/statistics?wait=2.5"), first=40)
    w.every(170, lambda n: get("127.0.0.20/statistics?wait=1.5", timeout=0.5), first=90)
    w.every(310, lambda n: sql("select nothing from tickets_order"), first=100)
    w.every(400, lambda n: get("127.0.0.31:8100/prices/3"), first=200)
    w.every(500, lambda n: quiet("psql", "postgresql://office:oops@127.0.0.11/office", "-c", "select 1"), first=130)

    def again(name: str, anew) -> None:
        # PostgreSQL waits for its clients on SIGTERM, and for nobody on SIGINT
        end(up[name], signal.SIGINT if name == "postgresql" else signal.SIGTERM)
        up[name] = anew(w)

    def backup() -> None:
        quiet("pg_dump", "-h", "/run/postgresql", "-U", "postgres", "-f", str(HOME / "backup.sql"), "office")
        quiet("redis-cli", "-h", "127.0.0.12", "bgsave")

    def load() -> None:
        for n in range(120):
            get("127.0.0.20/book", body={"event": n + 1, "buyer": f"Group {n}"})

    def rotate() -> None:
        for name in ("nginx-access.log", "nginx-error.log"):
            os.rename(LOG / name, LOG / f"{name}.1")
        quiet("nginx", "-c", str(HOME / "nginx/nginx.conf"), "-s", "reopen")

    plan = ((120, lambda: again("sync", s.sync)), (200, lambda: quiet("nginx", "-c", str(HOME / "nginx/nginx.conf"), "-s", "reload")),
            (290, backup), (380, lambda: again("site", s.site)), (470, load), (560, lambda: again("pricing", s.pricing)),
            (650, rotate), (740, lambda: again("celery", s.celery)),
            (840, lambda: again("redis", redis)), (940, lambda: again("postgresql", lambda w: postgres(w, fresh=False))),
            (1040, lambda: again("site", s.site)), (1120, backup), (1200, lambda: again("sync", s.sync)),
            (1290, lambda: quiet("nginx", "-c", str(HOME / "nginx/nginx.conf"), "-s", "reload")), (1380, lambda: again("pricing", s.pricing)))
    began = time.monotonic()
    for moment, act in plan:
        time.sleep(max(0.0, began + moment * NORMAL / 1500 - time.monotonic()))
        act()
    time.sleep(max(0.0, began + NORMAL - time.monotonic()))


def calm(w: World) -> dict:
    up = s.start(w)
    w.sleep(45)
    w.breaks()
    return up


def after(w: World) -> None:
    w.sleep(70)


@case(HOST, FILES, WEB, "service_crash", "site", ("site.log", "ModuleNotFoundError|Worker failed to boot"), effects=("error_burst", "external_api_down"))
def b_django_import_error(w: World) -> None:
    """A deploy imports a package that is not installed; gunicorn's workers fail to boot, again and again."""
    up = calm(w)
    views = HOME / "app/tickets/views.py"
    views.write_text("import stripe_fees\n" + views.read_text())
    end(up["site"])
    s.site(w)
    after(w)


@case(HOST, FILES, WEB + " postgresql.log", "error_burst", "site", ("site.log", "UndefinedColumn|ProgrammingError"), also=("database_failure",),
      why_also="the database refuses the statements, though the release is at fault", effects=("external_api_down",))
def b_django_migration_missing(w: World) -> None:
    """A release has a new column in its model and its migration was not run; each booking fails with 500."""
    up = calm(w)
    models = HOME / "app/tickets/models.py"
    models.write_text(models.read_text() + "    seat = models.CharField(max_length=8, default='')\n")
    end(up["site"])
    s.site(w)
    after(w)


@case(HOST, FILES, WEB, "error_burst", "site", ("site.log", "Internal Server Error"), effects=("external_api_down",))
def b_django_bad_deploy(w: World) -> None:
    """A release fails for two of five events: 500 for about 40 % of their pages, all else works."""
    up = calm(w)
    views = HOME / "app/tickets/views.py"
    views.write_text(views.read_text().replace("    seen = cache.get", "    if n % 5 < 2:\n        n = {'a': 1}['zone']\n    seen = cache.get"))
    end(up["site"])
    s.site(w)
    after(w)


@case(HOST, FILES, WEB + " pricing.log", "auth_failures", "site pricing", ("pricing.log", "InvalidSignatureError|Signature verification failed"),
      effects=("error_burst", "external_api_down"))
def b_jwt_wrong_key(w: World) -> None:
    """The key of the tokens is changed at the pricing service only; it refuses all tokens of the site."""
    up = calm(w)
    end(up["pricing"])
    s.pricing(w, JWT_KEY="the-new-key-of-this-quarter-32-bytes")
    after(w)


@case(HOST, FILES, WEB + " pricing.log postgresql.log", "database_failure", "pricing", ("pricing.log", "QueuePool limit"), also=("error_burst",),
      why_also="the pool belongs to the application, which leaks its connections; the database is well", effects=("external_api_down",))
def b_pricing_pool_leak(w: World) -> None:
    """A release of the pricing service keeps every third connection; its pool is soon exhausted."""
    up = calm(w)
    end(up["pricing"])
    s.pricing(w, PRICING_RELEASE="leak")
    after(w)


@case(HOST, FILES, "pricing.log " + WEB, "error_burst", "pricing", ("pricing.log", "never retrieved"))
def b_asyncio_orphans(w: World) -> None:
    """A release starts a task with each price that fails and that nobody awaits; prices are still answered."""
    up = calm(w)
    end(up["pricing"])
    s.pricing(w, PRICING_RELEASE="orphans")
    after(w)


@case(HOST, FILES, "celery.log redis.log " + WEB, "service_crash", "celery", ("celery.log", "SIGSEGV|WorkerLostError"), effects=("error_burst", "queue_backlog"))
def b_celery_poison(w: World) -> None:
    """One message kills each worker process that takes it, and is delivered again each time."""
    calm(w)
    get("127.0.0.20/book", body={"event": 1, "buyer": "Nul"})
    code = "from tickets.tasks import send_tickets as t; t.delay(1, 'A\\0B')"
    quiet(f"{VENV}/python", "-c", code, cwd=HOME / "app")
    after(w)


@case(HOST, FILES, "celery.log redis.log " + WEB, "error_burst", "celery", ("celery.log", "raised unexpected"))
def b_celery_tasks_fail(w: World) -> None:
    """A campaign sends names that the worker cannot render; each of its tasks fails."""
    calm(w)
    w.every(1.2, lambda n: get("127.0.0.20/book", body={"event": n % 120 + 1, "buyer": f"%{n}"}))
    after(w)


@case(HOST, FILES, "celery.log redis.log " + WEB, "service_crash", "redis", ("celery.log", "Cannot connect to redis|consumer: Connection to broker lost|Connection refused"),
      also=("database_failure",), why_also="Redis is a store, and gone: both names fit", effects=("error_burst", "external_api_down", "network_failure"))
def b_redis_gone_celery(w: World) -> None:
    """Redis is killed and stays away: no broker for Celery, no cache for the site."""
    up = calm(w)
    end(up["redis"], signal.SIGKILL)
    after(w)


@case(HOST, FILES, WEB + " pricing.log postgresql.log", "database_failure", "postgresql", ("site.log", "OperationalError|connection failed"),
      also=("service_crash",), why_also="the database's service is down", effects=("error_burst", "external_api_down", "network_failure"))
def b_postgres_stopped_django(w: World) -> None:
    """Somebody stops PostgreSQL and forgets to start it."""
    up = calm(w)
    end(up["postgresql"], signal.SIGINT)
    after(w)


@case(HOST, FILES, WEB + " postgresql.log", "auth_failures", "site postgresql", ("postgresql.log", "password authentication failed"), also=("database_failure",),
      why_also="the database cannot be used, because it refuses the password", effects=("error_burst", "external_api_down"))
def b_django_db_password(w: World) -> None:
    """The site is deployed with an old password of the database."""
    up = calm(w)
    end(up["site"])
    s.site(w, OFFICE_PASSWORD="of-last-year")
    after(w)


@case(HOST, FILES, WEB, "cpu_overload", "site", ("site.log", "WORKER TIMEOUT"), also=("service_crash", "deadlock"),
      why_also="workers that hang are killed by their arbiter: what they hang in is not told", effects=("error_burst", "external_api_down"))
def b_gunicorn_hang(w: World) -> None:
    """A release loops for ever on the pages of every seventh event; gunicorn kills its workers after 20 s."""
    up = calm(w)
    views = HOME / "app/tickets/views.py"
    views.write_text(views.read_text().replace("    seen = cache.get", "    while n % 7 == 0:\n        time.time()\n    seen = cache.get"))
    end(up["site"])
    # one thread a worker, so that the arbiter notices
    s.run(w, "site.log", f"{VENV}/gunicorn", "-b", "127.0.0.30:8000", "-w", "2", "-t", "20", "--access-logfile", "/dev/null", "site_wsgi:application")
    w.sleep(90)


@case(HOST, FILES, "sync.log", "external_api_down", "sync auth.partner.example", ("sync.log", "503 Server Error"), effects=("error_burst",))
def b_oauth_down(w: World) -> None:
    """The partner's token endpoint answers 503; without a token there are no fares."""
    calm(w)
    say(w, "token_down")
    after(w)


@case(HOST, FILES, "sync.log", "auth_failures", "sync auth.partner.example", ("sync.log", "401 Client Error"), also=("external_api_down",),
      why_also="to the client the partner's API is of no use any more", effects=("error_burst",))
def b_oauth_client_revoked(w: World) -> None:
    """The partner has revoked the client's credentials; each request of a token is refused with 401."""
    calm(w)
    say(w, "client_revoked")
    after(w)


@case(HOST, FILES, "sync.log", "rate_limited", "sync api.partner.example", ("sync.log", "429 Client Error"), effects=("error_burst", "external_api_down"))
def b_partner_429_python(w: World) -> None:
    """The quota at the partner is used up: 429 for each fare."""
    calm(w)
    say(w, "429")
    after(w)


@case(HOST, FILES, "sync.log", "external_api_down", "sync api.partner.example", ("sync.log", "Read timed out"), effects=("error_burst", "network_failure"))
def b_partner_slow_python(w: World) -> None:
    """The partner answers after twenty seconds only, the client waits for five."""
    calm(w)
    say(w, "slow")
    w.sleep(80)


@case(HOST, FILES, "sync.log", "certificate_expired", "sync api.partner.example auth.partner.example", ("sync.log", "certificate has expired"), effects=("error_burst", "external_api_down"))
def b_tls_expired_python(w: World) -> None:
    """The certificate of the partner has expired."""
    up = calm(w)
    certificate("old", days=(-90, -0.01), names=("api.partner.example", "auth.partner.example"))
    end(up["partner"])
    partner(w, certificate_of="old")
    after(w)


@case(HOST, FILES, "sync.log", "certificate_expired", "sync api.partner.example auth.partner.example",
      ("sync.log", "unable to get local issuer certificate|self.signed certificate in certificate chain"), also=("external_api_down", "network_failure"),
      why_also="no class is for a certificate of a wrong authority: it is the class of TLS", effects=("error_burst",))
def b_tls_wrong_ca_python(w: World) -> None:
    """The partner has a new certificate by another authority, which nobody here trusts."""
    up = calm(w)
    certificate("foreign", by="other-ca", names=("api.partner.example", "auth.partner.example"))
    end(up["partner"])
    partner(w, certificate_of="foreign")
    after(w)


@case(HOST, FILES, "sync.log", "network_failure", "sync api.partner.example auth.partner.example", ("sync.log", "Name or service not known|Temporary failure in name resolution|Failed to resolve"),
      also=("external_api_down",), why_also="the partner cannot be reached, and it is the resolver that is at fault", effects=("error_burst",))
def b_dns_down_python(w: World) -> None:
    """The resolver dies."""
    up = calm(w)
    end(up["dns"], signal.SIGKILL)
    after(w)


@case(HOST, FILES, WEB + " postgresql.log", "deadlock", "postgresql site", ("postgresql.log", "deadlock detected"), also=("database_failure",),
      why_also="deadlocks of transactions lie in the database", effects=("error_burst", "external_api_down"))
def b_postgres_deadlocks_batch(w: World) -> None:
    """Two nightly jobs update the same events in opposite order, again and again."""
    calm(w)

    def job(n: int, down: bool) -> None:
        a, b = (7, 8) if down else (8, 7)
        sql("begin", f'update tickets_event set "left"="left"-1 where id={a}', "select pg_sleep(0.5)", f'update tickets_event set "left"="left"-1 where id={b}', "commit")

    for down in (True, False):
        w.every(0.4, lambda n, down=down: job(n, down))
    after(w)


@case(HOST, FILES, WEB + " celery.log redis.log", "memory_exhaustion", "redis", ("site.log", "maxmemory|OOM command not allowed"), effects=("error_burst", "external_api_down", "queue_backlog"))
def b_redis_oom_celery(w: World) -> None:
    """Redis has reached its maxmemory without eviction: it takes no writes any more."""
    calm(w)
    quiet("redis-cli", "-h", "127.0.0.12", "config", "set", "maxmemory", "1mb")
    after(w)

