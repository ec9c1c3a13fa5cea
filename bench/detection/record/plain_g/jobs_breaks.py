"""What breaks at the campus' offices, and hours in which nothing does."""

from __future__ import annotations

import os
import signal
from typing import Any

import jobs_stack as s
import stores
from cases import case, normal
from common import HANGS, HOME, LOG, World, ask, days, end, shell

HOST, FILES = "app-2", s.FILES
ALL = " ".join(FILES)
SECONDS = float(os.environ.get("CORPUS_SECONDS", "915"))
CPU = {"cpu": 1.0}


def again(w: World, up: dict[str, Any], *names: str) -> Any:
    return lambda: [s.anew(w, up, each) for each in names]


def desk(w: World, up: dict[str, Any], number: int) -> Any:
    return lambda: (end(up[f"tickets-{number}"]), up.update({f"tickets-{number}": s.tickets(w, number)}))


def rotate() -> None:
    for name in ("apache-access.log", "apache-error.log"):
        (LOG / name).rename(LOG / f"{name}.1")
    shell(f"apache2 -f {HOME}/apache2.conf -k graceful")


@normal(HOST, FILES, **CPU)
def normal_g_jobs_1(w: World) -> None:
    """A quarter of an hour of the offices: rolling deploys of the two ticket services, deploys of fees, mailer and reports, a graceful restart of Apache with a rotation,
    a scanner, mistyped SQL, a planned restart of Redis and of MariaDB under load, a reload of HAProxy."""
    up = s.start(w)
    w.every(160, lambda n: stores.maria("select centz from fees.account"), first=60)
    paths = ("wp-login.php", ".env", "cgi-bin/luci", ".git/HEAD", "phpinfo.php", "vendor/phpunit/phpunit/src/Util/PHP/eval-stdin.php")
    days(SECONDS, (60, desk(w, up, 1)), (75, desk(w, up, 2)), (140, again(w, up, "fees")), (200, lambda: [ask(f"{s.OFFICE}/{each}", agent="Mozilla/5.0 zgrab/0.x") for each in paths]),
         (260, again(w, up, "mailer")), (320, again(w, up, "reports")), (390, rotate), (450, lambda: (end(up["redis"]), up.update(redis=s.redis(w)))),
         (520, lambda: shell("kill -USR2 $(pgrep -o haproxy)")), (580, lambda: (end(up["mariadb"]), up.update(mariadb=s.mariadb(w, fresh=False)))), (660, desk(w, up, 1)), (675, desk(w, up, 2)),
         (740, lambda: (end(up["apache"], signal.SIGWINCH), up.update(apache=s.apache(w)))), (810, again(w, up, "fees")))


@normal(HOST, FILES, **CPU)
def normal_g_jobs_2(w: World) -> None:
    """Another quarter of an hour of the offices: a hundred letters at once, slow statements, the relay busy for some seconds, a bulk load, a new certificate, a planned restart of
    RabbitMQ, one ticket service out for maintenance, an online change of a table, a deploy of everything."""
    up = s.start(w)

    def flood() -> None:
        for each in range(90):
            ask(f"{s.OFFICE}/fees/pay", body={"student": each + 1})

    days(SECONDS, (60, flood), (130, lambda: stores.maria("select sleep(3) from fees.account limit 1")), (190, lambda: s.say("later")), (194, lambda: s.say("ok")),
         (260, lambda: stores.maria("insert into fees.entry (student, note) select seq, repeat('x', 300) from mysql.seq_1_to_20000")), (330, lambda: (s.desk_certificate(), shell("kill -USR2 $(pgrep -o haproxy)"))),
         (400, lambda: (end(up["rabbitmq"]), up.update(rabbitmq=s.rabbitmq(w)))), (500, lambda: (end(up["tickets-1"]), w.sleep(12), up.update({"tickets-1": s.tickets(w, 1)}))),
         (570, lambda: stores.maria("alter table fees.account add column note varchar(40)")), (640, again(w, up, "reports", "mailer")), (720, again(w, up, "fees")),
         (790, lambda: s.redis_cli("bgsave")), (840, desk(w, up, 2)))


def calm(w: World, seconds: float = 14, **more: Any) -> dict[str, Any]:
    up = s.start(w, **more)
    w.sleep(seconds)
    w.breaks()
    return up


@case(HOST, FILES, ALL, "service_crash", "rabbitmq", ("mailer.log", "connection to the broker lost|cannot reach the broker"), also=("network_failure",), why_also="who uses it sees only that nobody listens",
      effects=("error_burst", "external_api_down", "queue_backlog"), **CPU)
def g_rabbit_killed(w: World) -> None:
    """RabbitMQ is killed and does not come back: no letter can be sent, each payment ends in an error."""
    up = calm(w)
    os.killpg(up["rabbitmq"].pid, 9)
    w.sleep(60)


@case(HOST, FILES, ALL, "auth_failures", "rabbitmq fees mailer", ("rabbitmq.log", "PLAIN login refused|ACCESS_REFUSED"), also=("error_burst",), why_also="no attack, but the broker lets nobody in",
      effects=("external_api_down", "service_crash"), **CPU)
def g_rabbit_password_changed(w: World) -> None:
    """The password of the broker's user was changed and the services were not told: each new connection is refused."""
    up = calm(w)
    stores.rabbitctl("change_password", "campus", "hatstand")
    s.anew(w, up, "mailer")
    w.sleep(60)


@case(HOST, FILES, ALL, "disk_full", "rabbitmq app-2", ("rabbitmq.log", "disk resource limit alarm"), also=("queue_backlog",), why_also="the broker takes no more messages, for its disk", effects=("error_burst", "external_api_down"), **CPU)
def g_rabbit_disk_alarm(w: World) -> None:
    """A forgotten dump fills the broker's disk: RabbitMQ raises its alarm and blocks whoever publishes."""
    calm(w, disks={"rabbitmq": (90, "rabbitmq")})
    shell(f"head -c 68000000 /dev/zero > {HOME}/rabbitmq/dump.tar")
    w.sleep(80)


@case(HOST, FILES, ALL, "queue_backlog", "queuewatch mailer rabbitmq letters", ("queuewatch.log", "WARNING"), also=("service_crash", "deadlock"), why_also="the worker hangs, and what shows is the queue", silent=True, **CPU)
def g_letters_pile_up(w: World) -> None:
    """A release of the mailer waits for ever in its first letter; letters come and come, and none is sent."""
    up = calm(w)
    s.anew(w, up, "mailer", MAILER_RELEASE="stuck")
    for each in range(3):
        w.every(0.8, lambda n: ask(f"{s.OFFICE}/fees/pay", body={"student": n % 880 + 1}), first=each * 0.2)
    w.sleep(100)


@case(HOST, FILES, ALL, "queue_backlog", "queuewatch mailer rabbitmq letters", ("queuewatch.log", "WARNING|0 consumers"), also=("service_crash",), why_also="the worker has ended, and what shows is the queue", silent=True, **CPU)
def g_letters_without_consumer(w: World) -> None:
    """The mailer was stopped for a deploy and forgotten: the queue has no consumer, and fills."""
    up = calm(w)
    end(up["mailer"])
    for each in range(3):
        w.every(0.8, lambda n: ask(f"{s.OFFICE}/fees/pay", body={"student": n % 880 + 1}), first=each * 0.2)
    w.sleep(100)


@case(HOST, FILES, ALL, "error_burst", "mailer", ("mailer.log", "KeyError"), also=("queue_backlog",), why_also="no letter is sent, each comes again and again", **CPU)
def g_mailer_template_broken(w: World) -> None:
    """A release of the mailer reads a name that letters do not have; each fails and is put back."""
    up = calm(w)
    s.anew(w, up, "mailer", MAILER_RELEASE="template")
    w.sleep(60)


@case(HOST, FILES, ALL, "external_api_down", "mailer smtp.relay.example", ("mailer.log", "letter not sent"), also=("network_failure", "error_burst"), why_also="the provider's relay is away; what the mailer sees is a refused connection", effects=("queue_backlog",), **CPU)
def g_relay_gone(w: World) -> None:
    """The provider's mail relay takes no connections any more."""
    up = calm(w)
    end(up["relay"])
    w.sleep(60)


@case(HOST, FILES, ALL, "service_crash", "redis", ("reports.log", "Cannot connect to redis|Connection to broker lost|Connection refused"), also=("database_failure", "network_failure"), why_also="who uses it sees only that nobody listens",
      effects=("error_burst", "external_api_down"), **CPU)
def g_redis_killed(w: World) -> None:
    """Redis is killed and not started again; Celery has lost its broker, and reports cannot be planned."""
    up = calm(w)
    os.killpg(up["redis"].pid, 9)
    w.sleep(60)


@case(HOST, FILES, ALL, "disk_full", "redis app-2", ("redis.log", "No space left|MISCONF|Background saving error"), also=("database_failure",), why_also="Redis takes no writes, for its disk", effects=("error_burst", "external_api_down"), **CPU)
def g_redis_disk_full(w: World) -> None:
    """The disk of Redis is full; it cannot save, and takes no writes any more."""
    calm(w, disks={"redis": (6, "redis")})
    s.redis_cli("eval", "for i=1,900 do redis.call('set', 'cached:'..i, string.rep(tostring(math.random()), 60)) end", "0")
    shell(f"dd if=/dev/zero of={HOME}/redis/old.rdb bs=4k")
    w.sleep(60)


@case(HOST, FILES, ALL, "memory_exhaustion", "redis", ("fees.log", "used memory > 'maxmemory'"), also=("database_failure", "error_burst"), why_also="Redis takes no writes, for its limit of memory", effects=("external_api_down",), **CPU)
def g_redis_memory_limit(w: World) -> None:
    """Cached pages without an end fill Redis to its maximum: it takes no more writes."""
    calm(w)
    s.redis_cli("config", "set", "maxmemory", "6mb")
    s.redis_cli("eval", "for i=1,9000 do redis.pcall('set', 'page:'..i, string.rep('x', 900)) end", "0")
    w.sleep(60)


@case(HOST, FILES, ALL, "error_burst", "reports", ("reports.log", "ZeroDivisionError"), **CPU)
def g_reports_raise(w: World) -> None:
    """A release of the reports divides by the number of courses, which half of the students do not have."""
    up = calm(w)
    s.anew(w, up, "reports", REPORTS_RELEASE="average")
    w.sleep(60)


@case(HOST, FILES, ALL, "error_burst", "reports", ("reports.log", "Hard time limit|TimeLimitExceeded"), also=("service_crash", "queue_backlog", "deadlock"), why_also="tasks that hang, whose processes Celery kills", **CPU)
def g_reports_too_slow(w: World) -> None:
    """A release of the reports reads a year for each second student; Celery kills the task at its time limit."""
    up = calm(w)
    s.anew(w, up, "reports", REPORTS_RELEASE="slow")
    w.sleep(64)


@case(HOST, FILES, ALL, "service_crash", "reports", ("reports.log", "WorkerLostError|exited with 'signal"), also=("error_burst",), why_also="the worker's children end, the worker goes on", **CPU)
def g_reports_workers_lost(w: World) -> None:
    """A library for PDFs in a release of the reports aborts its process in every third report."""
    up = calm(w)
    s.anew(w, up, "reports", REPORTS_RELEASE="pdf")
    w.sleep(64)


@case(HOST, FILES, ALL, "database_failure", "mariadb", ("fees.log", "OperationalError|Can't connect"), also=("service_crash",), why_also="the database's server has ended",
      effects=("error_burst", "external_api_down", "network_failure"), **CPU)
def g_mariadb_killed(w: World) -> None:
    """MariaDB is killed and not started again."""
    up = calm(w)
    os.killpg(up["mariadb"].pid, 9)
    w.sleep(60)


@case(HOST, FILES, ALL, "database_failure", "mariadb", ("fees.log", "Too many connections"), effects=("error_burst", "external_api_down"), **CPU)
def g_mariadb_too_many_connections(w: World) -> None:
    """A script of the statistics opens one connection after another: MariaDB has none left for the fees."""
    calm(w)
    stores.maria("set global max_connections = 12")
    for _ in range(16):
        w.spawn(["mariadb", "--no-defaults", "-h", "127.0.0.13", "-u", "fees", "-pbursary", "fees", "-e", "select sleep(200)"])
    w.sleep(60)


@case(HOST, FILES, ALL, "auth_failures", "mariadb fees", ("fees.log", "Access denied"), also=("database_failure",), why_also="the database lets its only application not in", effects=("error_burst", "external_api_down"), **CPU)
def g_mariadb_password_rotated(w: World) -> None:
    """The password of the fees' user was rotated in the database alone."""
    calm(w)
    stores.maria("alter user fees@'%' identified by 'scholarship'; flush privileges")
    w.sleep(60)


@case(HOST, FILES, ALL, "deadlock", "mariadb fees", ("fees.log", "1213|Deadlock found"), effects=("error_burst", "database_failure", "external_api_down"), **CPU)
def g_mariadb_deadlocks(w: World) -> None:
    """A release of the fees changes two accounts in any order; payments at the same time end in deadlocks."""
    up = calm(w)
    s.anew(w, up, "fees", FEES_RELEASE="transfer")
    for each in range(3):
        w.every(0.7, lambda n: ask(f"{s.OFFICE}/fees/pay", body={"student": n % 880 + 1}), first=each * 0.2)
    w.sleep(60)


@case(HOST, FILES, ALL, "deadlock", "mariadb fees", ("fees.log", "1205|Lock wait timeout"), also=("database_failure", "error_burst"), why_also="a lock that is held too long: statements wait and are given up", effects=("external_api_down", "service_crash"), **CPU)
def g_mariadb_lock_held(w: World) -> None:
    """A clerk left a transaction open that changed every account: payments wait for its locks until their time is up."""
    calm(w)
    w.spawn(["/bin/sh", "-c", "(echo 'begin; update account set cents = cents + 1;'; sleep 300) | mariadb --no-defaults -S /run/mysqld/mysqld.sock -u root fees"])
    w.sleep(64)


@case(HOST, FILES, ALL, "disk_full", "mariadb app-2", ("mariadb.log", "No space left|Disk is full|errno: 28|error number 28"), effects=("database_failure", "error_burst", "external_api_down"), **CPU)
def g_mariadb_disk_full(w: World) -> None:
    """The disk of MariaDB fills up with a table of old notes."""
    calm(w, disks={"mariadb": (190, "mysql")})
    w.every(1, lambda n: stores.maria("insert into fees.entry (student, note) select seq, repeat('x', 900) from mysql.seq_1_to_9000"))
    w.sleep(90)


@case(HOST, FILES, ALL, "error_burst", "fees mariadb", ("fees.log", "1054|Unknown column"), also=("database_failure",), why_also="application and database do not fit together", effects=("external_api_down",), **CPU)
def g_fees_migration_forgotten(w: World) -> None:
    """A release of the fees reads a column whose migration nobody ran."""
    up = calm(w)
    s.anew(w, up, "fees", FEES_RELEASE="discount")
    w.sleep(60)


@case(HOST, FILES, ALL, "service_crash", "fees", ("fees.log", "WORKER TIMEOUT"), also=("deadlock", "error_burst", "external_api_down"), why_also=HANGS, effects=("network_failure",), **CPU)
def g_fees_workers_time_out(w: World) -> None:
    """A release of the fees asks an old system for each third student, which does not answer; gunicorn kills the workers."""
    up = calm(w)
    s.anew(w, up, "fees", FEES_RELEASE="sync")
    w.sleep(75)


@case(HOST, FILES, ALL, "service_crash", "fees", ("apache-error.log", "AH00957|Connection refused"), also=("external_api_down", "network_failure"), why_also="Apache sees only that nobody listens", effects=("error_burst",), silent=True, **CPU)
def g_fees_killed(w: World) -> None:
    """The fees' processes are killed with their supervisor; Apache finds nobody."""
    up = calm(w)
    os.killpg(up["fees"].pid, 9)
    w.sleep(60)


@case(HOST, FILES, ALL, "service_crash", "tickets haproxy tickets-1 tickets-2", ("haproxy.log", "has no server available"), also=("external_api_down",), why_also="the balancer sees only that none is left", effects=("network_failure", "error_burst"), **CPU)
def g_tickets_all_down(w: World) -> None:
    """Both ticket services are killed, one after the other: HAProxy has no server left."""
    up = calm(w)
    os.killpg(up["tickets-1"].pid, 9)
    w.sleep(5)
    os.killpg(up["tickets-2"].pid, 9)
    w.sleep(60)


@case(HOST, FILES, ALL, "disk_full", "tickets-1 tickets-2 app-2", ("tickets-1.log", "no space left"), effects=("error_burst", "external_api_down"), **CPU)
def g_tickets_disk_full(w: World) -> None:
    """A forgotten archive fills the disk of the tickets: none can be stored."""
    calm(w)
    shell(f"dd if=/dev/zero of={HOME}/tickets/archive.tar bs=4k")
    w.sleep(60)


@case(HOST, FILES, ALL, "error_burst", "tickets-1 tickets-2", ("tickets-1.log", "permission denied"), also=("auth_failures",), why_also="a folder that it may not write to", effects=("external_api_down",), **CPU)
def g_tickets_folder_forbidden(w: World) -> None:
    """A cleaning up gave the folder of the tickets to root: none can be stored or listed."""
    calm(w)
    shell(f"chown root:root {HOME}/tickets; chmod 700 {HOME}/tickets")
    w.sleep(60)


@case(HOST, FILES, ALL, "certificate_expired", "sync haproxy", ("sync.log", "certificate has expired"), also=("external_api_down",), why_also="what curl says of the address as a whole", effects=("error_burst",), **CPU)
def g_desk_certificate_expired(w: World) -> None:
    """HAProxy was reloaded with the certificate of last year, which has expired: curl refuses it."""
    calm(w)
    s.desk_certificate(days=(-366, -1))
    shell("kill -USR2 $(pgrep -o haproxy)")
    w.sleep(60)


@case(HOST, FILES, ALL, "disk_full", "backup app-2", ("backup.log", "No space left|Errcode: 28"), also=("error_burst",), why_also="a job that fails each time, for its disk", **CPU)
def g_backup_disk_full(w: World) -> None:
    """The disk of the backups is full of old ones."""
    calm(w, disks={"backup": (8, "root")})
    shell(f"dd if=/dev/zero of={HOME}/backup/2025.sql bs=4k")
    w.sleep(85)
