"""BIND, OpenLDAP, Postfix with the staff's portal; and notes in SQLite."""

from __future__ import annotations

import os
import time

from stage import (
    HOME,
    LOG,
    Any,
    Path,
    World,
    app,
    case,
    chore,
    family,
    get,
    hang_up,
    kill,
    load,
    port_open,
    rsyslog,
    scanner,
    script,
    sh,
    shutil,
    signal,
    stop,
    touch,
)

SOURCES = {
    "named.log": "named", "slapd.log": "slapd", "mail.log": "postfix", "portal.log": "portal", "portal_access.log": "portal",
    "notes.log": "notes", "notes_access.log": "notes", "hr.log": "hr",
}
ZONE = "$TTL 3\n@ IN SOA ns.corp.lan. admin.corp.lan. {serial} 3600 600 86400 2\n@ IN NS ns.corp.lan.\nns IN A 127.0.0.53\nhr IN A 127.0.0.94\nwiki IN A 127.0.0.94\n{more}"


def named(world: World) -> Any:
    folder = HOME / "named"
    folder.mkdir(exist_ok=True)
    shutil.chown(folder, "bind", "bind")
    zone = folder / "corp.lan.zone"
    if not zone.exists():
        zone.write_text(ZONE.format(serial=1, more=""))
    Path("/run/named").mkdir(exist_ok=True)
    shutil.chown("/run/named", "bind", "bind")
    (folder / "named.conf").write_text(
        f'options {{ directory "{folder}"; listen-on {{ 127.0.0.53; }}; listen-on-v6 {{ none; }}; forwarders {{ 127.0.0.99; }}; forward only;\n'
        ' dnssec-validation no; allow-query { any; }; recursion yes; max-cache-ttl 3; max-ncache-ttl 2; servfail-ttl 1; };\n'
        f'logging {{ channel f {{ file "{LOG}/named.log"; print-time yes; print-severity yes; print-category yes; severity info; }};\n'
        " category default { f; }; category query-errors { f; }; category queries { null; }; };\n"
        f'zone "corp.lan" {{ type master; file "{zone}"; }};\ncontrols {{ inet 127.0.0.53 port 953 allow {{ 127.0.0.0/8; }}; }};\n'
    )
    one = world.spawn(["named", "-f", "-u", "bind", "-c", str(folder / "named.conf"), "-n", "1"])
    port_open("127.0.0.53", 53)
    return one


def forwarder(world: World) -> Any:
    return world.spawn(
        ["dnsmasq", "-k", "--listen-address=127.0.0.99", "--bind-interfaces", "--no-resolv", "--no-hosts", "--user=root",
         "--address=/in-addr.arpa/", "--address=/example/", "--address=/lan/", "--address=/rates.partner.example/127.0.0.90", "--local-ttl=2"]
    )


def slapd(world: World) -> Any:
    folder = HOME / "ldap"
    if not folder.exists():
        (folder / "db").mkdir(parents=True)
        (folder / "slapd.conf").write_text(
            "".join(f"include /etc/ldap/schema/{each}.schema\n" for each in ("core", "cosine", "inetorgperson"))
            + "modulepath /usr/lib/ldap\nmoduleload back_mdb\nloglevel stats\npidfile /tmp/slapd.pid\ndatabase mdb\n"
            f'suffix "dc=corp,dc=lan"\nrootdn "cn=admin,dc=corp,dc=lan"\nrootpw admin\ndirectory {folder}/db\nmaxsize 20000000\nindex uid,objectClass eq\n'
        )
        people = "".join(
            f"dn: uid=person{n},dc=corp,dc=lan\nobjectClass: inetOrgPerson\nuid: person{n}\ncn: Person {n}\nsn: {n}\nuserPassword: word{n}\n\n"
            for n in range(20)
        )
        (folder / "all.ldif").write_text(
            "dn: dc=corp,dc=lan\nobjectClass: dcObject\nobjectClass: organization\no: corp\ndc: corp\n\n"
            "dn: cn=portal,dc=corp,dc=lan\nobjectClass: person\ncn: portal\nsn: portal\nuserPassword: portal\n\n" + people
        )
        sh(f"slapadd -q -f {folder}/slapd.conf -l {folder}/all.ldif; chown -R openldap:openldap {folder}")
    one = world.spawn(["slapd", "-d", "0", "-f", str(folder / "slapd.conf"), "-h", "ldap://127.0.0.91:389", "-u", "openldap", "-g", "openldap"])
    port_open("127.0.0.91", 389)
    return one


def postfix(world: World, disk: bool = False) -> Any:
    if not (HOME / "spool").exists():
        if disk:
            world.disk(HOME / "spool", 30)
        (HOME / "spool").mkdir(exist_ok=True)
        (HOME / "postfix").mkdir()
        shutil.chown(HOME / "postfix", "postfix", "postfix")
        Path("/etc/postfix").mkdir(exist_ok=True)
        Path("/etc/postfix/main.cf").write_text(
            f"compatibility_level = 3.6\nqueue_directory = {HOME}/spool\ndata_directory = {HOME}/postfix\ninet_interfaces = 127.0.0.95\n"
            "inet_protocols = ipv4\nmyhostname = mail.corp.lan\nmydestination =\nmynetworks = 127.0.0.0/8\nrelayhost = [127.0.0.96]:2525\n"
            "local_recipient_maps =\nalias_maps =\nsmtp_connect_timeout = 4s\nminimal_backoff_time = 20s\nqueue_run_delay = 20s\n"
            "maximal_backoff_time = 60s\nmessage_size_limit = 1000000\nsmtputf8_enable = no\n"
        )
        sh(r"sed -i -E 's/^([a-z]\S*\s+\S+\s+\S+\s+\S+\s+)y/\1n/' /etc/postfix/master.cf || true; cp -n /usr/share/postfix/master.cf.dist /etc/postfix/master.cf; postfix set-permissions")
    one = world.spawn(["/usr/sbin/postfix", "start-fg"])
    port_open("127.0.0.95", 25, 60)
    return one


def sink(world: World) -> Any:
    one = world.spawn(["smtp-sink", "-c", "127.0.0.96:2525", "100"], user="www-data")
    port_open("127.0.0.96", 2525)
    return one


@family("office", SOURCES)
def start(world: World, spool_disk: bool = False, notes_disk: bool = False) -> dict[str, Any]:
    touch(*SOURCES)
    Path("/etc/resolv.conf").write_text("nameserver 127.0.0.53\noptions timeout:2 attempts:2\n")
    for each in ("127.0.0.53", "127.0.0.95"):
        sh(f"ip addr add {each}/32 dev lo")
    rsyslog(world, slapd="local4.*", mail="mail.*")
    script(world, "api", "127.0.0.90", "80", log="partner", user="root")
    run: dict[str, Any] = {"hr": script(world, "api", "127.0.0.94", "8000", log="hr"), "forwarder": forwarder(world)}
    run["named"] = named(world)
    run["slapd"] = slapd(world)
    run["sink"] = sink(world)
    run["postfix"] = postfix(world, spool_disk)
    run["portal"] = app(world, "portal", "127.0.0.92:8000")
    if notes_disk:
        world.disk(HOME / "notes", 24, "www-data")
    (HOME / "notes").mkdir(exist_ok=True)
    shutil.chown(HOME / "notes", "www-data", "www-data")
    sh(
        "/srv/venv-a/bin/python -c \"import sqlite3; c = sqlite3.connect('/srv/shop/notes/notes.db'); "
        "c.execute('create table notes (id integer primary key, customer int, note text)'); "
        "c.executemany('insert into notes (customer, note) values (?, ?)', [(n % 5000, 'note ' * 60) for n in range(20000)]); c.commit()\"",
        user="www-data",
    )
    run["notes"] = app(world, "notes", "127.0.0.93:8000")
    load(
        world, ("POST", "http://portal.lan:8000/login"), ("POST", "http://portal.lan:8000/remind"), ("GET", "http://portal.lan:8000/rates/{n}"),
        ("GET", "http://portal.lan:8000/hr/{n}"), ("POST", "http://notes.lan:8000/notes"), ("GET", "http://notes.lan:8000/notes/{n}"),
        ("GET", "http://notes.lan:8000/count"), seconds=1.6,
    )
    return run


@chore("office")
def scan(world: World, run: Any) -> None:
    """somebody looks for holes in the portal and the notes"""
    scanner("portal.lan:8000")
    scanner("notes.lan:8000")


@chore("office")
def person(world: World, run: Any) -> None:
    """a person mistypes a password and a host's name"""
    for _ in range(2):
        sh("ldapwhoami -x -H ldap://ldap.lan -D uid=person3,dc=corp,dc=lan -w wrod3")
    sh("ldapsearch -x -H ldap://ldap.lan -b dc=crop,dc=lan uid=x; dig @127.0.0.53 +short hrr.corp.lan; dig @127.0.0.53 +short nothing.example; getent hosts wkii.corp.lan")


@chore("office")
def mails(world: World, run: Any) -> None:
    """a mail to nobody, one that is too large, a spammer who may not relay, a check of the port"""
    sh("printf 'EHLO x\\r\\nMAIL FROM:<a@b>\\r\\nRCPT TO:<nobody>\\r\\nQUIT\\r\\n' | timeout 3 bash -c 'cat > /dev/tcp/127.0.0.95/25'; timeout 2 bash -c 'exec 3<>/dev/tcp/127.0.0.95/25; sleep 0.3'")


@chore("office")
def zone(world: World, run: Any) -> None:
    """the zone gets a host and BIND is reloaded"""
    (HOME / "named" / "corp.lan.zone").write_text(ZONE.format(serial=int(time.time()) % 10**9, more="files IN A 127.0.0.94\n"))
    run["named"].send_signal(signal.SIGHUP)


@chore("office")
def backup(world: World, run: Any) -> None:
    """the notes and the directory are backed up"""
    sh("sqlite3 /srv/shop/notes/notes.db '.backup /tmp/notes.db'; slapcat -f /srv/shop/ldap/slapd.conf -l /tmp/all.ldif", seconds=60)


@chore("office")
def bulk(world: World, run: Any) -> None:
    """a bulk import of 5,000 notes in one transaction"""
    sh("sqlite3 -cmd '.timeout 4000' /srv/shop/notes/notes.db \"with recursive n(i) as (select 1 union all select i + 1 from n where i < 5000) insert into notes (customer, note) select i, 'imported' from n\"", user="www-data")


@chore("office")
def hang(world: World, run: Any) -> None:
    """clients hang up before they are answered"""
    for _ in range(3):
        hang_up("portal.lan", 8000, "/rates/3")
        hang_up("notes.lan", 8000, "/count")
    get("http://notes.lan:8000/notes/abc")


@chore("office")
def reload_postfix(world: World, run: Any) -> None:
    """Postfix is reloaded and its queue flushed"""
    sh("postfix reload; postqueue -p; postqueue -f")


@chore("office")
def restart_sink(world: World, run: Any) -> None:
    """the relay is restarted as one plans it"""
    stop(run["sink"])
    time.sleep(0.5)
    run["sink"] = sink(world)


@chore("office")
def restart_named(world: World, run: Any) -> None:
    """BIND is restarted as one plans it"""
    stop(run["named"])
    run["named"] = named(world)


@chore("office")
def restart_slapd(world: World, run: Any) -> None:
    """the directory is restarted as one plans it"""
    stop(run["slapd"])
    run["slapd"] = slapd(world)


@chore("office")
def restart_postfix(world: World, run: Any) -> None:
    """Postfix is restarted as one plans it"""
    sh("postfix stop")
    time.sleep(2)
    run["postfix"] = postfix(world)


@chore("office")
def deploy(world: World, run: Any) -> None:
    """portal and notes are deployed: gunicorn starts new workers"""
    run["portal"].send_signal(signal.SIGHUP)
    time.sleep(4)
    run["notes"].send_signal(signal.SIGHUP)


@chore("office")
def restart_notes(world: World, run: Any) -> None:
    """the notes are restarted as one plans it"""
    stop(run["notes"])
    run["notes"] = app(world, "notes", "127.0.0.93:8000")


@case("office", "network_failure", "named", ("named.log", "not loaded due to errors|SERVFAIL"), also=("service_crash",),
      why_also="a name server that serves no names any more", effects=("error_burst", "external_api_down"))
def bind_zone_broken(world: World, run: Any) -> None:
    """A deploy brings a zone with a mistake and restarts BIND; the names of the house are gone."""
    (HOME / "named" / "corp.lan.zone").write_text(ZONE.format(serial=9, more="files IN 127.0.0.94\nintranet IN CNAME\n"))
    stop(run["named"])
    run["named"] = named(world)


@case("office", "network_failure", "named portal", ("named.log", "SERVFAIL|timed out|refused"))
def bind_forwarder_gone(world: World, run: Any) -> None:
    """The name server of the provider gives no answer any more; BIND cannot resolve what lies outside."""
    sh("iptables -A INPUT -d 127.0.0.99 -j DROP")


@case("office", "network_failure", "named", ("portal.log", "resol|Name or service"), also=("service_crash",),
      why_also="the name server is dead; what is seen are names that are not found", silent=True)
def bind_killed(world: World, run: Any) -> None:
    """BIND is killed and does not come back."""
    kill(run["named"])


@case("office", "service_crash", "slapd", ("portal.log", "LDAP"), also=("auth_failures",), why_also="nobody can log in any more", silent=True)
def slapd_killed(world: World, run: Any) -> None:
    """The directory is killed and does not come back; nobody can log in."""
    kill(run["slapd"])


@case("office", "auth_failures", "slapd portal", ("slapd.log", "err=49"))
def slapd_password(world: World, run: Any) -> None:
    """The password of the portal's account in the directory is changed and not in the portal."""
    sh("ldappasswd -x -H ldap://ldap.lan -D cn=admin,dc=corp,dc=lan -w admin -s rotated cn=portal,dc=corp,dc=lan")


@case("office", "external_api_down", "postfix", ("mail.log", "refused"), also=("network_failure", "queue_backlog", "service_crash"),
      why_also="the relay belongs to somebody else; mail heaps up", silent=False)
def postfix_relay_gone(world: World, run: Any) -> None:
    """The relay takes no connections any more; all mail is deferred."""
    kill(run["sink"])


@case("office", "network_failure", "postfix", ("mail.log", "timed out|deferred"), also=("external_api_down", "queue_backlog"),
      why_also="a relay that gives no answer may be down or cut off")
def postfix_relay_dropped(world: World, run: Any) -> None:
    """A firewall rule drops all that goes to the relay; all mail is deferred."""
    sh("iptables -A INPUT -d 127.0.0.96 -j DROP")


@case("office", "disk_full", "postfix", ("mail.log", "[Ii]nsufficient system storage|No space|not enough free space"), options={"spool_disk": True})
def postfix_disk_full(world: World, run: Any) -> None:
    """The disk of Postfix's queue is filled up by a forgotten copy; no mail is taken."""
    sh(f"dd if=/dev/zero of={HOME}/spool/copy bs=4k count=25600")


@case("office", "database_failure", "notes", ("notes.log", "locked"), also=("deadlock",), why_also="nothing but a lock that nobody returns")
def sqlite_locked(world: World, run: Any) -> None:
    """A clean-up begins a transaction on the file of the notes and hangs."""
    world.spawn(["/bin/sh", "-c", "(echo 'begin exclusive; delete from notes where customer = 1;'; sleep 300) | sqlite3 /srv/shop/notes/notes.db"], user="www-data")


@case("office", "database_failure", "notes", ("notes.log", "malformed|not a database"))
def sqlite_malformed(world: World, run: Any) -> None:
    """A faulty copy overwrites pages of the file of the notes."""
    path = HOME / "notes" / "notes.db"
    with path.open("r+b") as file:
        for page in range(1, path.stat().st_size // 4096, 3):
            file.seek(page * 4096)
            file.write(os.urandom(600))


@case("office", "disk_full", "notes", ("notes.log", "is full|disk I/O"), options={"notes_disk": True}, also=("database_failure",),
      why_also="for the application its database refuses writes")
def sqlite_disk_full(world: World, run: Any) -> None:
    """The disk of the notes is filled up by a forgotten copy."""
    sh(f"dd if=/dev/zero of={HOME}/notes/copy bs=4k count=25600")


@case("office", "database_failure", "notes", ("notes.log", "readonly|read-only|unable to open"), also=("error_burst",),
      why_also="only writes fail, for want of rights on the file")
def sqlite_readonly(world: World, run: Any) -> None:
    """A restored backup of the notes belongs to root; the application may not write it."""
    shutil.chown(HOME / "notes" / "notes.db", "root", "root")
    (HOME / "notes" / "notes.db").chmod(0o644)
    shutil.chown(HOME / "notes", "root", "root")


@case("office", "service_crash", "slapd", ("portal.log", "LDAP"), also=("auth_failures", "network_failure"),
      why_also="it hangs: the portal only sees that nobody answers, and nobody can log in", silent=True)
def slapd_frozen(world: World, run: Any) -> None:
    """The directory hangs (stopped by a debugger); nobody can log in."""
    kill(run["slapd"], signal.SIGSTOP)
