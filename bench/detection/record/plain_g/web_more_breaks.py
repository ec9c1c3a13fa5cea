"""What breaks behind the campus' web site: what it asks, and what it stands on. From web_breaks; to nothing."""

from __future__ import annotations

import os
import signal

import web_stack as s
from cases import case
from common import HANGS, World, certificate, end, postgres, shell, sql
from web_breaks import ALL, CPU, FILES, HOST, calm

BANK = "portal pay.bank.example bank.example bank"
PG_LOG, ENROLL, PORTAL, GRADES, ERR = "postgresql.log", "enroll.log", "portal.log", "grades.log", "nginx-error.log"


@case(HOST, FILES, ALL, "external_api_down", BANK, (PORTAL, "payment failed"), effects=("error_burst",), **CPU)
def g_bank_unavailable(w: World) -> None:
    """The bank's API answers 503 to every payment."""
    calm(w)
    s.say("down")
    w.sleep(60)


@case(HOST, FILES, ALL, "external_api_down", BANK, (PORTAL, "payment failed"), also=("network_failure",), why_also="the portal sees only that no answer comes in time", effects=("error_burst",), **CPU)
def g_bank_hangs(w: World) -> None:
    """The bank's API takes half a minute for an answer; axios gives up after four seconds."""
    calm(w)
    s.say("slow")
    w.sleep(60)


@case(HOST, FILES, ALL, "rate_limited", BANK, (PORTAL, "429"), also=("external_api_down",), why_also="no payment succeeds any more", effects=("error_burst",), **CPU)
def g_bank_limits(w: World) -> None:
    """The campus used up the requests that the bank allows; each payment is answered with 429."""
    calm(w)
    s.say("limit")
    w.sleep(60)


@case(HOST, FILES, ALL, "certificate_expired", BANK, (PORTAL, "CERT_HAS_EXPIRED|certificate has expired"), effects=("external_api_down", "error_burst"), **CPU)
def g_bank_certificate_expired(w: World) -> None:
    """The bank's certificate is one that ended yesterday; the portal refuses to talk to it."""
    up = calm(w)
    certificate("old", "pay.bank.example", days=(-91, -1))
    end(up["bank"])
    s.bank(w, of="old")
    w.sleep(60)


@case(HOST, FILES, ALL, "certificate_expired", BANK, (PORTAL, "ALTNAME|altnames"), also=("external_api_down",), why_also="the certificate is valid, for another name", effects=("error_burst",), **CPU)
def g_bank_certificate_of_another(w: World) -> None:
    """The bank moved behind another load balancer, whose certificate is for another name."""
    up = calm(w)
    certificate("other", "static.bank.example")
    end(up["bank"])
    s.bank(w, of="other")
    w.sleep(60)


@case(HOST, FILES, ALL, "network_failure", "portal dnsmasq web-1 pay.bank.example", (PORTAL, "EAI_AGAIN|ENOTFOUND|getaddrinfo|ETIMEDOUT|timeout of"),
      also=("external_api_down",), why_also="who asks sees that the bank's name is not to be found", effects=("error_burst",), **CPU)
def g_resolver_gone(w: World) -> None:
    """The resolver is dead: the bank's name cannot be found."""
    up = calm(w)
    end(up["dns"], signal.SIGKILL)
    w.sleep(60)


@case(HOST, FILES, ALL, "auth_failures", "enroll sso", (ENROLL, "InvalidSignatureError"), also=("error_burst",), why_also="no attack, but each token is refused", effects=("external_api_down",), **CPU)
def g_token_key_changed(w: World) -> None:
    """A deploy of enroll got another key for the tokens than the sign-on signs with: each is refused."""
    up = calm(w)
    s.anew(w, up, "enroll", TOKEN_KEY="slate-and-sponge-slate-and-sponge")
    w.sleep(60)


@case(HOST, FILES, ALL, "auth_failures", "enroll sso", (ENROLL, "ExpiredSignatureError"), also=("error_burst",), why_also="no attack, but each token is refused", effects=("external_api_down",), **CPU)
def g_clock_of_sign_on_behind(w: World) -> None:
    """After a move to another machine the sign-on's clock is a quarter of an hour behind: its tokens have expired when they come."""
    up = calm(w)
    end(up["sso"])
    s.sso(w, "faketime", "-f", "-15m")
    w.sleep(60)


@case(HOST, FILES, ALL, "service_crash", "memcached enroll", (ENROLL, "cache unavailable"), also=("network_failure",), why_also="enroll sees only a refused connection", effects=("error_burst", "database_failure"), **CPU)
def g_memcached_gone(w: World) -> None:
    """memcached is killed and does not come back; enroll reads everything from the database, with a warning each time."""
    up = calm(w)
    s.strew(w, 1.0, f"{s.WWW}/enroll/courses")
    end(up["memcached"], signal.SIGKILL)
    w.sleep(60)


@case(HOST, FILES, ALL, "database_failure", "postgresql", (ENROLL, "OperationalError|server closed|Connection refused|connection failed"), also=("service_crash",), why_also="the database's server has ended",
      effects=("error_burst", "external_api_down", "network_failure"), **CPU)
def g_pg_ended(w: World) -> None:
    """PostgreSQL and all its processes are killed and not started again."""
    up = calm(w)
    os.killpg(up["postgres"].pid, 9)
    w.sleep(60)


@case(HOST, FILES, ALL, "database_failure", "postgresql", (PG_LOG, "too many clients|remaining connection slots"), effects=("error_burst", "external_api_down"), **CPU)
def g_pg_too_many_clients(w: World) -> None:
    """A script of the statistics opens connection after connection and closes none: PostgreSQL has none left."""
    up = s.start(w)
    end(up["postgres"], signal.SIGINT)
    postgres(w, "max_connections=24", fresh=False)
    w.sleep(14)
    w.breaks()
    for _ in range(30):
        w.spawn([str(s.PG / "psql"), "-h", "/run/postgresql", "-U", "campus", "-d", "campus", "-c", "select pg_sleep(300)"])
    s.crowd(w, "enroll/course/9", 4)
    w.every(8, lambda n: sql("select pg_terminate_backend(pid) from pg_stat_activity where application_name <> 'psql' and usename = 'campus'", base="postgres"), first=3)
    w.sleep(60)


@case(HOST, FILES, ALL, "auth_failures", "postgresql enroll", (PG_LOG, "password authentication failed"), also=("database_failure",), why_also="the database lets its only application not in",
      effects=("error_burst", "external_api_down", "service_crash"), **CPU)
def g_pg_password_expired(w: World) -> None:
    """The password of the application's role was valid until this morning; who connects anew is refused."""
    up = calm(w)
    sql("alter role campus valid until '2020-01-01'", base="postgres")
    s.anew(w, up, "enroll")
    w.sleep(60)


@case(HOST, FILES, ALL, "deadlock", "postgresql enroll", (PG_LOG, "deadlock detected"), effects=("error_burst", "database_failure"), **CPU)
def g_pg_deadlocks(w: World) -> None:
    """A release of enroll takes two courses in any order; sign-ups at the same time end in deadlocks."""
    up = calm(w)
    s.anew(w, up, "enroll", ENROLL_RELEASE="swap")
    for each in range(4):
        w.every(1.0, lambda n: s.ask(f"{s.WWW}/enroll/sign-up", body={"student": n, "course": n % 199 + 1}), first=each * 0.2)
    w.sleep(60)


@case(HOST, FILES, ALL, "deadlock", "postgresql enroll", (ENROLL, "statement timeout|QueryCanceled"), also=("database_failure", "error_burst"), why_also="a lock that is held too long: statements wait and are cancelled",
      effects=("external_api_down",), **CPU)
def g_pg_migration_holds_lock(w: World) -> None:
    """A migration changes the courses in a transaction that somebody left open: every statement waits for its lock and is cancelled."""
    calm(w)
    w.spawn(["/bin/sh", "-c", f"(echo 'begin; alter table course add column building text;'; sleep 300) | {s.PG}/psql -h /run/postgresql -U postgres campus"])
    w.sleep(64)


@case(HOST, FILES, ALL, "database_failure", "postgresql enroll", (ENROLL, "statement timeout|QueryCanceled"), also=("error_burst",), why_also="the database answers, but too late",
      effects=("external_api_down", "cpu_overload"), **CPU)
def g_pg_index_dropped(w: World) -> None:
    """A cleaning up dropped the index of the sign-ups, of which there are many: the statements run into their time limit."""
    up = s.start(w)
    sql("insert into sign_up (student, course) select n % 70000 + 1000, n % 200 + 1 from generate_series(1, 3000000) n", "vacuum analyze sign_up")
    del up
    w.sleep(22)
    w.breaks()
    sql("drop index sign_up_student")
    for each in range(5):
        w.every(1.0, lambda n: s.ask(f"{s.WWW}/portal/me/{n * 17 % 700}", timeout=30), first=each * 0.2)
    w.sleep(64)


@case(HOST, FILES, ALL, "disk_full", "postgresql web-1", (PG_LOG, "No space left on device"), effects=("database_failure", "error_burst", "external_api_down", "service_crash"), **CPU)
def g_pg_disk_full(w: World) -> None:
    """The disk of PostgreSQL's data fills up with a copy of a table, until not even its journal finds room."""
    calm(w, data_mb=220)
    w.every(2, lambda n: sql(f"create table copy_{n} as select *, repeat('x', 200) from generate_series(1, 60000)"))
    w.sleep(60)


@case(HOST, FILES, ALL, "database_failure", "postgresql-standby postgresql", ("standby.log", "has already been removed"), effects=("error_burst",), **CPU)
def g_pg_standby_too_late(w: World) -> None:
    """The standby was down for a long import; what it needs of the primary's journal is removed by now, and it can never catch up."""
    up = calm(w)
    end(up["standby"], signal.SIGINT)
    sql("alter system set max_wal_size = '32MB'", "select pg_reload_conf()")
    for _ in range(4):
        sql("insert into grade (student, course, points) select n % 700, n % 200, n % 16 from generate_series(1, 250000) n", "checkpoint")
        sql("select pg_switch_wal()", "checkpoint")
    s.standby(w, fresh=False)
    w.sleep(60)


@case(HOST, FILES, ALL, "network_failure", "postgresql enroll web-1", (ENROLL, "timeout expired|timed out|OperationalError"), also=("database_failure",), why_also="who asks sees only that the database does not answer",
      effects=("error_burst", "external_api_down", "service_crash"), **CPU)
def g_firewall_drops_database(w: World) -> None:
    """A new rule of the firewall drops every packet to PostgreSQL's port."""
    calm(w)
    shell("iptables -A INPUT -p tcp --dport 5432 -d 127.0.0.11 -j DROP")
    w.sleep(90)


@case(HOST, FILES, ALL, "network_failure", "web-1 enroll nginx postgresql", (ERR, "timed out"), also=("external_api_down", "error_burst", "database_failure"), why_also="each service sees only that others do not answer in time",
      effects=("service_crash",), **CPU)
def g_packets_lost(w: World) -> None:
    """The network loses nearly half of all packets: requests stall, connections are not made, time limits are reached."""
    calm(w)
    shell("iptables -A INPUT -m statistic --mode random --probability 0.45 -j DROP")
    w.sleep(110)


@case(HOST, FILES, ALL, "service_crash", "grades", (ERR, "timed out"), also=("external_api_down", "deadlock", "error_burst"), why_also=HANGS, effects=("network_failure",), silent=True, **CPU)
def g_grades_hang(w: World) -> None:
    """The JVM of the grades is stopped, as by a long pause of its host; nginx waits and gives up."""
    up = calm(w)
    os.killpg(up["grades"].pid, signal.SIGSTOP)
    w.sleep(60)


@case(HOST, FILES, ALL, "cpu_overload", "web-1 gzip", ("points", "system.cpu_percent", "", lambda p: p["v"] > 95), effects=("error_burst", "external_api_down"), kind="metrics", **CPU)
def g_cpu_hog(w: World) -> None:
    """Somebody compresses old logs on the web host, with four processes at once and without an end."""
    calm(w, 35)
    for _ in range(4):
        w.spawn(["/bin/sh", "-c", "while :; do gzip -9 -c /usr/bin/dockerd > /dev/null; done"])
    w.sleep(130)


