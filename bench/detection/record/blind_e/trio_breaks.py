"""Failures of a Galera cluster."""

from __future__ import annotations

import signal
import time

from ground import HOME, Any, World, case, get, kill, sh, stop
from trio import maria, roster, settings, sql

ERRORS = ("error_burst", "external_api_down", "database_failure")


@case("trio", "service_crash", "maria-3", ("roster-b.log", "(?i)OperationalError|refused|lost connection"), silent=True, also=("database_failure",),
      why_also="a database node that is gone, told by its application and by the other nodes", effects=ERRORS)
def galera_node_killed(world: World, run: Any) -> None:
    """The third node is killed and does not come back; the application that has it fails."""
    kill(run["maria-3"])


@case("trio", "database_failure", "maria-1 maria-2 maria-3", ("roster-a.log", "1047|not yet prepared|OperationalError"), also=("service_crash",), effects=("error_burst", "external_api_down"),
      why_also="two nodes of three are killed; the one left serves nothing", after=70)
def galera_quorum_lost(world: World, run: Any) -> None:
    """The second and the third node are killed at once; the first is left without a quorum and refuses all statements."""
    kill(run["maria-2"])
    kill(run["maria-3"])


@case("trio", "network_failure", "maria-3 maria-1 maria-2", ("maria-3.log", "(?i)timed out|suspect|non_prim|non-primary"), also=("database_failure",), effects=ERRORS,
      why_also="the node that is cut off refuses all statements", after=75)
def galera_node_cut_off(world: World, run: Any) -> None:
    """A firewall rule drops what goes between the third node and the others; clients still reach it, and it is no part of the cluster."""
    for n in (1, 2):
        for chain in ("-s 127.0.3.53 -d 127.0.3.5{n}", "-s 127.0.3.5{n} -d 127.0.3.53"):
            sh(f"iptables -A INPUT {chain.format(n=n)} -p tcp -j DROP")
    sh("iptables -A INPUT -p tcp --dport 4567 -d 127.0.3.53 -j DROP; iptables -A INPUT -p tcp --sport 4567 -s 127.0.3.53 -j DROP")
    for n in (1, 2, 3):
        for far in (1, 2, 3):
            if (n == 3) != (far == 3):
                sh(f"ss -K src 127.0.3.5{n}:4567 dst 127.0.3.5{far} 2>/dev/null || true")


@case("trio", "disk_full", "maria-3", ("maria-3.log", "(?i)no space|disk full|errno: 28|full"), options={"disk": 160}, effects=(*ERRORS, "service_crash"), after=80)
def galera_disk_full(world: World, run: Any) -> None:
    """The disk of the third node is filled by a dump; an import that the others take makes it leave the cluster."""
    sh("dd if=/dev/zero of=/srv/shop/maria-3/dump.sql bs=64k")
    sql(1, "USE wards; CREATE TABLE wards.history (id INT PRIMARY KEY, note CHAR(200)); INSERT INTO wards.history SELECT seq, REPEAT('n',200) FROM seq_1_to_60000")


@case("trio", "service_crash", "maria-2 maria-1 maria-3", ("roster-a.log", "(?i)timed out|lost connection|OperationalError"), silent=True, also=("database_failure", "network_failure"),
      why_also="a frozen node looks like one behind a broken network; all writes wait for it until it is thrown out", effects=ERRORS, after=75)
def galera_node_frozen(world: World, run: Any) -> None:
    """The second node hangs; writes of the whole cluster wait for it, and long timeouts keep it in."""
    for n in (1, 3):
        sql(n, "SET GLOBAL wsrep_provider_options='evs.suspect_timeout=PT40S;evs.inactive_timeout=PT50S'")
    kill(run["maria-2"], signal.SIGSTOP)


@case("trio", "deadlock", "maria-1 maria-3 roster-a roster-b", ("roster-a.log", "1213"), effects=("error_burst", "external_api_down", "database_failure"),
      also=("database_failure",), why_also="Galera tells a lost certification as a deadlock")
def galera_conflicts(world: World, run: Any) -> None:
    """Both copies are sent to the same wards after a change of routing; their transactions meet in the same rows and lose against each other."""
    for n in (1, 3):
        for each in range(4):
            world.every(0.05, lambda k, n=n: get(f"http://127.0.3.5{n}:8200/swap/5?nurse=5&slow=0.2", "POST", seconds=12), first=0.1 * each)


@case("trio", "service_crash", "maria-2", ("maria-2.log", "(?i)\\[ERROR\\]"), also=("database_failure",), effects=ERRORS, why_also="a database node that does not start", after=90)
def galera_wrong_name(world: World, run: Any) -> None:
    """A deploy gives the second node another cluster's name; restarted, it is not let in and ends, again and again."""
    stop(run["maria-2"])
    settings(2, cluster="theatres")
    for _ in range(3):
        maria(world, 2, wait=False).wait(60)
        time.sleep(3)


@case("trio", "service_crash", "maria-2", ("maria-2.log", "(?i)\\[ERROR\\]"), also=("database_failure",), effects=ERRORS, why_also="a database node that does not start", after=60)
def galera_provider_missing(world: World, run: Any) -> None:
    """An upgrade moves the library of Galera; the second node cannot load it and ends at every start."""
    stop(run["maria-2"])
    path = HOME / "maria-2.cnf"
    path.write_text(path.read_text().replace("/usr/lib/galera/libgalera_smm.so", "/usr/lib/galera-4/libgalera_smm.so"))
    for _ in range(6):
        maria(world, 2, wait=False).wait(60)
        time.sleep(4)


@case("trio", "service_crash", "maria-2 maria-1 maria-3", ("maria-2.log", "(?i)\\[ERROR\\]"), also=("database_failure",), effects=ERRORS,
      why_also="a node that cannot get its data and ends", after=80)
def galera_transfer_fails(world: World, run: Any) -> None:
    """The second node is set up anew with a method of transfer whose program is not installed; it never gets its data."""
    stop(run["maria-2"])
    settings(2, method="mariabackup")
    sh("rm -rf /srv/shop/maria-2/grastate.dat /srv/shop/maria-2/galera.cache")
    for _ in range(3):
        maria(world, 2, wait=False).wait(60)
        time.sleep(3)


@case("trio", "database_failure", "maria-1 maria-2 maria-3 roster-a roster-b", ("roster-a.log", "(?i)timeout|timed out|OperationalError"), effects=("error_burst", "external_api_down", "deadlock"),
      also=("deadlock", "error_burst"), why_also="everybody waits for a lock that one session keeps")
def galera_table_locked(world: World, run: Any) -> None:
    """An operator locks all tables of the first node for a copy and forgets the session; the whole cluster's writes stop by flow control."""
    world.spawn(["mariadb", "-u", "root", "-S", "/run/mysqld/1.sock", "-e", "FLUSH TABLES WITH READ LOCK; SELECT SLEEP(300)"])


@case("trio", "auth_failures", "roster-a maria-1", ("roster-a.log", "1045|Access denied"), effects=ERRORS)
def galera_password_rotated(world: World, run: Any) -> None:
    """The password of the application is changed in the cluster and not where the first copy has it; the second is deployed with the new one."""
    sql(2, "ALTER USER roster@'%' IDENTIFIED BY 'day-shift'")
    stop(run["roster-b"])
    run["roster-b"] = roster(world, "b", 3, DB_PASSWORD="day-shift")
