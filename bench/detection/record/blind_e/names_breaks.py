"""Failures of identity, names and time."""

from __future__ import annotations

import signal
import time

from ground import HOME, Any, World, case, kill, sh, stop
from names import admin, kdc, pdns, radius, radius_conf, zones

ERRORS = ("error_burst", "external_api_down")


@case("names", "service_crash", "krb5kdc", ("sso.log", "error"), silent=True, also=("auth_failures", "external_api_down"), why_also="without the KDC nobody gets a ticket")
def kdc_killed(world: World, run: Any) -> None:
    """The KDC is killed and does not come back."""
    kill(run["kdc"])


@case("names", "service_crash", "krb5kdc sso", ("sso.log", "error"), silent=True, also=("auth_failures", "network_failure", "external_api_down"),
      why_also="a KDC that hangs; from its clients it looks like one behind a broken network", after=75)
def kdc_frozen(world: World, run: Any) -> None:
    """The KDC hangs; tickets run into their time-outs."""
    kill(run["kdc"], signal.SIGSTOP)


@case("names", "auth_failures", "sso krb5kdc", ("sso.log", "error"))
def kdc_keytab_outdated(world: World, run: Any) -> None:
    """The key of the portal is changed in the KDC, and its keytab is forgotten."""
    admin("change_password -randkey portal")


@case("names", "auth_failures", "sso krb5kdc", ("sso.log", "error"))
def kdc_principal_expired(world: World, run: Any) -> None:
    """The portal's principal reaches the day on which it ends."""
    admin('modprinc -expire "2026-11-01" portal')


@case("names", "service_crash", "krb5kdc", ("kdc.log", "(?i)cannot|no such|error"), also=("database_failure",), effects=(*ERRORS, "auth_failures"),
      why_also="the KDC does not start, for its database is not there")
def kdc_database_missing(world: World, run: Any) -> None:
    """A disk is not mounted after maintenance; the KDC finds no database and ends at each start."""
    stop(run["kdc"])
    (HOME / "krb/principal").rename(HOME / "krb/principal.away")
    for _ in range(8):
        kdc(world).wait(10)
        time.sleep(4)


@case("names", "service_crash", "freeradius", ("doors.log", "ERROR"), silent=True, also=("external_api_down", "auth_failures"), why_also="no door opens, for nobody says who may pass")
def radius_killed(world: World, run: Any) -> None:
    """FreeRADIUS is killed and does not come back."""
    kill(run["radius"])


@case("names", "auth_failures", "freeradius doors", ("radius.log", "(?i)shared secret|authenticator"), effects=ERRORS)
def radius_secret_changed(world: World, run: Any) -> None:
    """The shared secret is rotated in FreeRADIUS and not at the doors; every request is thrown away."""
    radius_conf("bolt-and-key")
    stop(run["radius"])
    run["radius"] = radius(world)


@case("names", "service_crash", "freeradius", ("radius.log", "(?i)error|fail"), effects=ERRORS, also=("external_api_down", "error_burst"), why_also="the server of logins does not start")
def radius_config_broken(world: World, run: Any) -> None:
    """A deploy asks for a module that is not there; FreeRADIUS ends at every start."""
    radius_conf(more=" post-auth {\n  sql_audit\n }\n")
    stop(run["radius"])
    for _ in range(8):
        radius(world).wait(10)
        time.sleep(4)


@case("names", "auth_failures", "freeradius", ("radius.log", "(?i)incorrect|invalid"), after=45)
def radius_guessing(world: World, run: Any) -> None:
    """Somebody tries numbers for the badges, some a second."""
    sh("for n in $(seq 90); do echo \"User-Name=liv,User-Password=$((1000+n)),Message-Authenticator=0x00\" | radclient -t 1 -r 1 127.0.3.42:1812 auth hinge-and-lock; sleep 0.2; done")


@case("names", "service_crash", "pdns", ("fetcher.log", "could not resolve"), silent=True, also=("network_failure",), why_also="names cannot be resolved: a network failure to many")
def pdns_killed(world: World, run: Any) -> None:
    """PowerDNS is killed and does not come back."""
    kill(run["pdns"])


@case("names", "database_failure", "pdns", ("pdns.log", "(?i)no such table|error|exception"), effects=(*ERRORS, "network_failure"), also=("network_failure", "error_burst"),
      why_also="names cannot be resolved, for the table of them is gone")
def pdns_table_missing(world: World, run: Any) -> None:
    """A migration renames the table of records and the second half of it does not run."""
    zones("ALTER TABLE records RENAME TO records_2026")


@case("names", "database_failure", "pdns", ("pdns.log", "(?i)malformed|not a database|disk image"), effects=(*ERRORS, "network_failure", "service_crash"),
      also=("network_failure", "error_burst", "service_crash"), why_also="names cannot be resolved, for the file of them is damaged")
def pdns_database_damaged(world: World, run: Any) -> None:
    """A disk loses pages of the database of zones while PowerDNS is restarted; it can read no zone."""
    stop(run["pdns"])
    sh("for page in 1 2 3 4 5 6 7 8 9 10 11; do dd if=/dev/urandom of=/srv/shop/pdns/zones.sqlite bs=4096 seek=$page count=1 conv=notrunc; done")
    run["pdns"] = pdns(world)


@case("names", "error_burst", "pdns fetcher", ("fetcher.log", "could not resolve"), also=("network_failure", "database_failure"), effects=ERRORS, silent=True,
      why_also="the server of names is well and does not know the names any more")
def pdns_zone_deleted(world: World, run: Any) -> None:
    """An operator deletes the zone in use; all its names are refused."""
    zones("DELETE FROM records; DELETE FROM domains")


@case("names", "network_failure", "chronyd", ("chrony.log", "(?i)no selectable|can.t synchroni"), also=("error_burst", "external_api_down"), after=75,
      why_also="no source of time is reachable")
def chrony_sources_dropped(world: World, run: Any) -> None:
    """A firewall rule drops NTP; chrony loses all its sources."""
    sh("iptables -A INPUT -p udp --sport 123 -j DROP")


@case("names", "network_failure", "krb5kdc freeradius pdns sso doors fetcher", ("doors.log", "ERROR"), silent=True,
      also=("external_api_down", "service_crash", "auth_failures"), why_also="three services vanish at once for their clients", after=70)
def names_all_dropped(world: World, run: Any) -> None:
    """A firewall rule meant for another subnet drops what goes to Kerberos, RADIUS and DNS."""
    sh("iptables -A INPUT -p udp -m multiport --dports 53,88,1812 -j DROP; iptables -A INPUT -p tcp -m multiport --dports 53,88 -j DROP")
