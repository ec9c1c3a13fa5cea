"""What breaks with the clinic's services and job runners, and times in which nothing does."""

from __future__ import annotations

import os
import signal
from typing import Any

import jobs_stack as s
from cases import case, normal
from common import HOME, PG, Days, World, end, postgres, quiet, redis, shell, sql

HOST, FILES = "jobs-2", s.FILES
ALL = " ".join(FILES)
NORMAL = float(os.environ.get("CORPUS_SECONDS", "780"))
HANGS = "a process that hangs: who waits for it sees only that it does not answer"
CPU = 0.8


def anew(w: World, up: dict[str, Any], name: str, *options: str, **env: str) -> None:
    """Deploy a service: it ends, and its release begins."""
    end(up[name])
    up[name] = getattr(s, name)(w, *options, **env)


def trouble(up: dict[str, Any], w: World, mode: str, seconds: float) -> None:
    s.say(mode)
    w.sleep(seconds)
    s.say("ok")


@normal(HOST, FILES, cpu=CPU)
def normal_f_jobs(w: World) -> None:
    """The clinic's services and job runners: deploys of each with short gaps, a backup, an import, a slow report, seconds in which the insurer answers 503,
    a planned restart of Redis and of PostgreSQL under load, a forgetful person at the database, a scanner."""
    up = s.start(w)
    w.every(150, lambda n: sql("select count(*), pg_sleep(0.9) from invoice"), first=35)
    wrong = {"PGPASSWORD": "chamomile", "PATH": "/usr/bin"}
    Days(NORMAL, (
        (45, lambda: anew(w, up, "booking")), (95, lambda: anew(w, up, "letters")), (150, lambda: shell(f"{PG}/pg_dump -h /run/postgresql -U postgres -f /tmp/d.sql clinic")),
        (200, lambda: anew(w, up, "intake")), (250, lambda: trouble(up, w, "503", 3)), (310, lambda: anew(w, up, "scans")),
        (360, lambda: quiet("psql", "-h", "db1.clinic.internal", "-U", "clinic", "clinic", "-c", "select 1", env=wrong)), (400, lambda: anew(w, up, "billing")),
        (460, lambda: (end(up["redis"]), up.update(redis=redis(w)))), (520, lambda: anew(w, up, "reminders")),
        (570, lambda: sql("insert into invoice (patient, cents, state) select n % 700, 900, 'open' from generate_series(1, 60000) n", "vacuum analyze invoice")),
        (620, lambda: (end(up["postgres"], signal.SIGINT), up.update(postgres=postgres(w, fresh=False)))), (680, lambda: anew(w, up, "meter")),
        (730, lambda: anew(w, up, "roster")))).pass_by()


def calm(w: World, seconds: float = 32) -> dict[str, Any]:
    up = s.start(w)
    w.sleep(seconds)
    w.breaks()
    return up


@case(HOST, FILES, ALL, "error_burst", "intake", ("intake.log", "ZeroDivisionError"), cpu=CPU)
def f_sanic_quarter_fails(w: World) -> None:
    """A release of the intake divides by the beds of a ward that has none: a quarter of the look-ups fails."""
    up = calm(w)
    anew(w, up, "intake", INTAKE_RELEASE="wards")
    w.sleep(75)


@case(HOST, FILES, ALL, "database_failure", "intake postgresql", ("intake.log", "TimeoutError"), also=("error_burst", "deadlock"),
      why_also="the database is well; the application holds each connection of its pool for ever", cpu=CPU)
def f_sanic_pool_leaks(w: World) -> None:
    """A release of the intake gives no connection back; when its pool of asyncpg is used up each look-up waits in vain."""
    up = calm(w)
    anew(w, up, "intake", INTAKE_RELEASE="stream")
    w.sleep(85)


@case(HOST, FILES, ALL, "error_burst", "letters", ("letters.log", "Failed to process message"), also=("service_crash",), why_also="jobs that fail; the worker itself goes on", cpu=CPU)
def f_dramatiq_actor_fails(w: World) -> None:
    """A release of the letters has lost a template: half of the actor's messages fail, are tried again and given up."""
    up = calm(w)
    anew(w, up, "letters", LETTERS_RELEASE="template")
    w.sleep(80)


@case(HOST, FILES, ALL, "error_burst", "letters", ("letters.log", "TimeLimitExceeded"), also=("deadlock", "queue_backlog", "service_crash"),
      why_also="each job hangs until its limit, so the queue grows", cpu=CPU)
def f_dramatiq_time_limit(w: World) -> None:
    """A release of the letters never ends with a page: each message is broken off by its time limit, and the queue grows."""
    up = calm(w)
    anew(w, up, "letters", LETTERS_RELEASE="typeset")
    w.sleep(85)


@case(HOST, FILES, ALL, "service_crash", "letters", ("letters.log", "exited unexpectedly"), effects=("error_burst", "queue_backlog"), cpu=CPU)
def f_dramatiq_worker_aborts(w: World) -> None:
    """A release of the letters renders with a broken library that aborts the process: Dramatiq's worker dies with each message."""
    up = calm(w)
    anew(w, up, "letters", LETTERS_RELEASE="render")
    w.sleep(80)


def insurer(w: World, mode: str, seconds: float = 75) -> None:
    calm(w)
    s.say(mode)
    w.sleep(seconds)


@case(HOST, FILES, ALL, "external_api_down", "reminders insurer api.insurer.example", ("reminders.log", "Cannot connect to host|Connect call failed"),
      also=("network_failure",), why_also="from here a refused connection is all that is seen", effects=("error_burst",), cpu=CPU)
def f_arq_insurer_refuses(w: World) -> None:
    """The insurer's API is gone: connections are refused, and each reminder fails."""
    up = calm(w)
    end(up["insurer"])
    w.sleep(75)


@case(HOST, FILES, ALL, "rate_limited", "reminders insurer api.insurer.example", ("reminders.log", "429"), effects=("error_burst", "external_api_down"), cpu=CPU)
def f_arq_insurer_429(w: World) -> None:
    """The insurer has lowered the clinic's quota: it answers 429 to everything."""
    insurer(w, "429")


@case(HOST, FILES, ALL, "auth_failures", "reminders insurer api.insurer.example", ("reminders.log", "401"), also=("external_api_down",),
      why_also="the API answers, and refuses what it is asked with", effects=("error_burst",), cpu=CPU)
def f_arq_insurer_401(w: World) -> None:
    """The clinic's token at the insurer was revoked: it answers 401 to everything."""
    insurer(w, "401")


@case(HOST, FILES, ALL, "external_api_down", "reminders insurer api.insurer.example", ("reminders.log", "TimeoutError"), also=("network_failure",),
      why_also="an answer that never comes may be the network's", effects=("error_burst",), cpu=CPU)
def f_arq_insurer_slow(w: World) -> None:
    """The insurer accepts and does not answer: each reminder runs into its timeout."""
    insurer(w, "slow", 85)


@case(HOST, FILES, ALL, "external_api_down", "reminders insurer api.insurer.example", ("reminders.log", "ContentTypeError|unexpected mimetype"), also=("error_burst",),
      why_also="it answers, but with another thing than it promised", cpu=CPU)
def f_arq_insurer_html(w: World) -> None:
    """The insurer answers with a page for people and status 200: no reminder can read it."""
    insurer(w, "html")


@case(HOST, FILES, ALL, "error_burst", "roster", ("roster.log", "raised an exception|UndefinedTable"), also=("database_failure",),
      why_also="what is missing is a table that the migration would have made", cpu=CPU)
def f_scheduler_table_missing(w: World) -> None:
    """A release of the roster writes to a table that its migration has not made: its job of the invoices fails each time."""
    up = calm(w)
    anew(w, up, "roster", ROSTER_RELEASE="dunning")
    w.sleep(75)


@case(HOST, FILES, ALL, "deadlock", "roster", ("roster.log", "maximum number of running instances"), also=("error_burst", "service_crash", "queue_backlog"),
      why_also="a job that never ends; the scheduler says only that it is still running", cpu=CPU)
def f_scheduler_job_hangs(w: World) -> None:
    """A release of the roster waits for a lock that nobody gives back: its job of the plans never ends, and each next one is skipped."""
    up = calm(w)
    anew(w, up, "roster", ROSTER_RELEASE="wait")
    w.sleep(85)


@case(HOST, FILES, ALL, "disk_full", "roster jobs-2", ("roster.log", "No space left"), effects=("error_burst",), cpu=CPU)
def f_scheduler_plans_full(w: World) -> None:
    """An export of the plans removes those of yesterday and fills their disk, on and on: the roster's job fails each time."""
    calm(w)
    w.every(1.5, lambda n: shell(f"rm -f {HOME}/plans/plan-*; dd if=/dev/zero of={HOME}/plans/export-{n}.bin bs=4k"))
    w.sleep(75)


@case(HOST, FILES, ALL, "error_burst", "scans", ("scans.log", "scan failed"), cpu=CPU)
def f_bull_jobs_fail(w: World) -> None:
    """A release of the scans reads pages that are not there: each job fails with a TypeError."""
    up = calm(w)
    anew(w, up, "scans", SCANS_RELEASE="ocr")
    w.sleep(75)


@case(HOST, FILES, ALL, "service_crash", "scans", ("scans.log", "could not renew lock|Missing lock|stalled"), also=("deadlock", "queue_backlog", "cpu_overload", "error_burst"),
      why_also="its only thread computes without end: nothing is worked off, and it says so only when it can again", silent=True, cpu=CPU)
def f_bull_worker_blocked(w: World) -> None:
    """A release of the scans computes for a minute and a half without letting go: nothing is worked off, locks are lost, the job counts as stalled."""
    up = calm(w)
    anew(w, up, "scans", SCANS_RELEASE="deskew")
    w.sleep(150)


@case(HOST, FILES, ALL, "error_burst", "redis scans letters reminders", ("scans.log", "unknown command"), also=("database_failure",),
      why_also="the store refuses a command that it no longer has; all who use it fail", effects=("queue_backlog", "service_crash"), cpu=CPU)
def f_redis_commands_renamed(w: World) -> None:
    """A hardening renames the commands for scripts in Redis and restarts it: all queues fail at each step."""
    up = calm(w)
    end(up["redis"])
    up["redis"] = redis(w, "--rename-command", "EVALSHA", "", "--rename-command", "EVAL", "")
    w.sleep(75)


@case(HOST, FILES, ALL, "auth_failures", "redis scans letters reminders intake", ("scans.log", "NOAUTH|NOPERM|WRONGPASS"), also=("database_failure",),
      why_also="the store refuses all who use it", effects=("error_burst", "service_crash", "queue_backlog"), cpu=CPU)
def f_redis_default_user_off(w: World) -> None:
    """Somebody switches Redis' default user to a read-only one without telling the services: each write is refused."""
    calm(w)
    quiet("redis-cli", "-h", "127.0.0.12", "acl", "setuser", "default", "reset", "on", "nopass", "~*", "&*", "+@read", "+@connection", "+info")
    w.sleep(75)


@case(HOST, FILES, ALL, "service_crash", "redis", ("points", "probe.up", "redis", lambda p: p["v"] == 0), also=("database_failure",),
      why_also="Redis is a store", effects=("error_burst", "network_failure", "queue_backlog"), cpu=CPU)
def f_redis_ended_for_good(w: World) -> None:
    """Redis is killed and not started again: all queues stand still."""
    up = calm(w)
    end(up["redis"], 9)
    w.sleep(75)


@case(HOST, FILES, ALL, "service_crash", "booking", ("booking.log", "RangeError"), effects=("error_burst",), cpu=CPU)
def f_koa_thrown_outside(w: World) -> None:
    """A release of the bookings throws outside of any request: Node ends, is started again and ends again."""
    up = calm(w)
    anew(w, up, "booking", BOOKING_RELEASE="events")
    w.sleep(75)


@case(HOST, FILES, ALL, "memory_exhaustion", "booking", ("booking.log", "heap out of memory|Reached heap limit"), also=("service_crash",),
      why_also="it ends for want of memory", effects=("error_burst",), cpu=CPU)
def f_koa_heap(w: World) -> None:
    """A release of the bookings keeps a calendar with each request until Node's heap is full."""
    up = calm(w)
    anew(w, up, "booking", "--max-old-space-size=64", BOOKING_RELEASE="calendar")
    w.sleep(80)


@case(HOST, FILES, ALL, "auth_failures", "booking postgresql", ("postgresql.log", "password authentication failed"), also=("database_failure",),
      why_also="it is the database that refuses", effects=("error_burst",), cpu=CPU)
def f_koa_wrong_password(w: World) -> None:
    """The bookings are deployed with last year's password of the database."""
    up = calm(w)
    anew(w, up, "booking", BOOKING_PASSWORD="camomile-2025")
    w.sleep(75)


@case(HOST, FILES, ALL, "error_burst", "booking", ("booking.log", "no plan of ward"), cpu=CPU)
def f_koa_all_fail(w: World) -> None:
    """A release of the bookings finds no plan of any ward: each request fails."""
    up = calm(w)
    anew(w, up, "booking", BOOKING_RELEASE="rooms")
    w.sleep(75)


@case(HOST, FILES, ALL, "service_crash", "billing", ("billing.log", "resolve dependencies|UnknownDependencies"), effects=("error_burst",), cpu=CPU)
def f_nest_dependency(w: World) -> None:
    """A release of the bills wants a service that its module does not provide: NestJS ends at each start."""
    up = calm(w)
    anew(w, up, "billing", BILLING_RELEASE="archive")
    w.sleep(75)


@case(HOST, FILES, ALL, "error_burst", "billing", ("billing.log", "ExceptionsHandler|does not exist"), also=("database_failure",),
      why_also="what is missing is a column that the migration would have made", cpu=CPU)
def f_nest_column_missing(w: World) -> None:
    """A release of the bills reads a column which its migration has not made: each bill fails."""
    up = calm(w)
    anew(w, up, "billing", BILLING_RELEASE="tax")
    w.sleep(75)


@case(HOST, FILES, ALL, "service_crash", "billing", ("points", "probe.up", "billing", lambda p: p["v"] == 0), also=("deadlock", "external_api_down"), why_also=HANGS,
      effects=("network_failure",), silent=True, cpu=CPU)
def f_nest_frozen(w: World) -> None:
    """The process of the bills is stopped by a signal; it accepts and never answers."""
    up = calm(w)
    os.killpg(up["billing"].pid, signal.SIGSTOP)
    w.sleep(75)


@case(HOST, FILES, ALL, "service_crash", "meter", ("meter.log", "function_clause|terminating"), also=("error_burst",), why_also="a process of Erlang ends, not the program",
      cpu=CPU)
def f_erlang_store_ends(w: World) -> None:
    """A release of the meter fails at each third reading: its store ends, is started by its supervisor, until that gives up and the program ends."""
    up = calm(w)
    anew(w, up, "meter", METER_RELEASE="floor")
    w.sleep(75)


@case(HOST, FILES, ALL, "error_burst", "meter", ("meter.log", "timeout"), also=("deadlock", "service_crash"), why_also="its store does not answer; each call ends after its time",
      cpu=CPU)
def f_erlang_calls_time_out(w: World) -> None:
    """A release of the meter takes twenty seconds for a reading: calls of its store time out, one after the other."""
    up = calm(w)
    anew(w, up, "meter", METER_RELEASE="average")
    w.sleep(75)


@case(HOST, FILES, ALL, "service_crash", "meter", ("meter.log", "enoent|badmatch"), effects=("error_burst",), cpu=CPU)
def f_erlang_readings_gone(w: World) -> None:
    """The file of the readings was moved before a restart: the meter cannot start."""
    up = calm(w)
    (HOME / "meter/readings").rename(HOME / "meter/readings.old")
    anew(w, up, "meter")
    w.sleep(75)


@case(HOST, FILES, ALL, "database_failure", "postgresql", ("postgresql.log", "read-only transaction"), also=("error_burst",),
      why_also="it answers, and takes no writes", effects=("error_burst",), cpu=CPU)
def f_pg_roster_read_only(w: World) -> None:
    """After a rehearsal of a failover the clinic's database was left read-only: the roster's invoices cannot be written."""
    calm(w)
    sql("alter database clinic set default_transaction_read_only = on", base="postgres")
    sql("select pg_terminate_backend(pid) from pg_stat_activity where usename = 'clinic'", base="postgres")
    w.sleep(75)
