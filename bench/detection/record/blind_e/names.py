"""Identity, names and time: MIT Kerberos, FreeRADIUS, PowerDNS on SQLite, chrony; a portal, doors and a fetcher that need them."""

from __future__ import annotations

import time

from ground import HOME, LOG, Any, Path, World, chore, family, folder, python, sh, stop, touch

SOURCES = {
    "kdc.log": "krb5kdc", "radius.log": "freeradius", "pdns.log": "pdns", "chrony.log": "chronyd",
    "sso.log": "sso", "doors.log": "doors", "fetcher.log": "fetcher",
}


def krb_conf() -> None:
    Path("/etc/krb5.conf").write_text(
        "[libdefaults]\n default_realm = GRID.EXAMPLE\n dns_lookup_kdc = false\n dns_lookup_realm = false\n rdns = false\n dns_canonicalize_hostname = false\n"
        "[realms]\n GRID.EXAMPLE = {\n  kdc = 127.0.3.41:88\n }\n[logging]\n"
        f" kdc = FILE:{LOG}/kdc.log\n"
    )
    Path("/etc/krb5kdc").mkdir(exist_ok=True)
    Path("/etc/krb5kdc/kdc.conf").write_text(
        "[kdcdefaults]\n kdc_listen = 127.0.3.41:88\n kdc_tcp_listen = 127.0.3.41:88\n[realms]\n GRID.EXAMPLE = {\n"
        f"  database_name = {HOME}/krb/principal\n  key_stash_file = {HOME}/krb/stash\n  max_life = 10h 0m 0s\n  default_principal_flags = +preauth\n }}\n"
    )


def admin(command: str) -> str:
    return sh(f"kadmin.local -q '{command}'")


def kdc(world: World) -> Any:
    one = world.spawn(["krb5kdc", "-n"], log="kdc.out")
    time.sleep(1)
    return one


def radius_conf(secret: str = "hinge-and-lock", more: str = "") -> None:
    base = HOME / "radius"
    base.mkdir(exist_ok=True)
    (base / "dictionary").write_text("")
    (base / "users").write_text('liv Cleartext-Password := "4711"\nnoah Cleartext-Password := "0815"\nmira Cleartext-Password := "2468"\n')
    (base / "radiusd.conf").write_text(
        f"name = freeradius\nprefix = /usr\nlibdir = /usr/lib/freeradius\nlogdir = {LOG}\nrun_dir = /run/freeradius\nraddbdir = {base}\npidfile = /run/freeradius/freeradius.pid\n"
        f"max_request_time = 10\nlog {{\n destination = files\n file = {LOG}/radius.log\n auth = yes\n auth_badpass = no\n auth_goodpass = no\n}}\n"
        "security {\n user = freerad\n group = freerad\n reject_delay = 0\n status_server = yes\n}\n"
        f"client doors {{\n ipaddr = 127.0.0.0/8\n secret = {secret}\n require_message_authenticator = yes\n}}\n"
        f"modules {{\n pap {{\n }}\n files {{\n  filename = {base}/users\n }}\n}}\n"
        "thread pool {\n start_servers = 2\n max_servers = 4\n}\n"
        "server default {\n listen {\n  type = auth\n  ipaddr = 127.0.3.42\n  port = 1812\n }\n authorize {\n  files\n  pap\n }\n"
        f" authenticate {{\n  Auth-Type PAP {{\n   pap\n  }}\n }}\n{more}}}\n"
    )
    sh(f"chown -R freerad:freerad {base}; mkdir -p /run/freeradius; chown freerad:freerad /run/freeradius")


def radius(world: World) -> Any:
    one = world.spawn(["freeradius", "-f", "-d", str(HOME / "radius")], log="radius.out")
    time.sleep(2)
    return one


def zones(text: str) -> str:
    return sh(f"sqlite3 {HOME}/pdns/zones.sqlite \"{text}\"")


def pdns(world: World) -> Any:
    one = world.spawn(
        ["pdns_server", "--config-dir=/srv/shop/pdns", "--daemon=no", "--guardian=no", "--disable-syslog", "--log-timestamp=yes", "--write-pid=no"], log="pdns.log")
    time.sleep(2)
    return one


def clock(world: World, name: str, text: str) -> Any:
    (HOME / f"{name}.conf").write_text(f"{text}\ncmdport 0\nbindcmdaddress /\npidfile /run/{name}.pid\n")
    return world.spawn(["chronyd", "-x", "-d", "-u", "root", "-f", str(HOME / f"{name}.conf")], log=f"{name}.log")


def chrony(world: World) -> Any:
    return clock(world, "chrony", "".join(f"server 127.0.3.{n} iburst minpoll 1 maxpoll 1\n" for n in (45, 46)) + "port 0")


@family("names", SOURCES)
def start(world: World) -> dict[str, Any]:
    touch(*SOURCES)
    (HOME / "krb").mkdir()
    krb_conf()
    sh("kdb5_util create -s -P mountain-spring -r GRID.EXAMPLE")
    for name in ("portal", "archive/files.grid.example"):
        admin(f"addprinc -randkey {name}")
    for name in ("liv", "noah"):
        admin(f"addprinc -pw first-light {name}")
    admin("ktadd -k /srv/shop/krb/portal.keytab portal")
    sh("chmod 644 /srv/shop/krb/portal.keytab; chmod 755 /srv/shop/krb")
    run: dict[str, Any] = {"kdc": kdc(world)}
    radius_conf()
    run["radius"] = radius(world)
    folder("pdns", "pdns", world)
    sh("sqlite3 /srv/shop/pdns/zones.sqlite < /usr/share/pdns-backend-sqlite3/schema/schema.sqlite3.sql")
    zones("INSERT INTO domains (name, type) VALUES ('partners.grid.example','NATIVE');"
          "INSERT INTO records (domain_id,name,type,content,ttl) VALUES (1,'partners.grid.example','SOA','ns1.grid.example admin.grid.example 1 3600 600 86400 30',30);"
          + "".join(f"INSERT INTO records (domain_id,name,type,content,ttl) VALUES (1,'p{n}.partners.grid.example','A','192.0.2.{n}',30);" for n in range(1, 9)))
    (HOME / "pdns/pdns.conf").write_text(
        "launch=gsqlite3\ngsqlite3-database=/srv/shop/pdns/zones.sqlite\nlocal-address=127.0.3.43\nlocal-port=53\nsetuid=pdns\nsetgid=pdns\nsocket-dir=/run\n"
        "cache-ttl=0\nquery-cache-ttl=0\nnegquery-cache-ttl=0\nzone-cache-refresh-interval=0\nloglevel=4\nreceiver-threads=1\ndistributor-threads=1\nsecurity-poll-suffix=\n")
    sh("chown -R pdns:pdns /srv/shop/pdns")
    run["pdns"] = pdns(world)
    Path("/etc/resolv.conf").write_text("nameserver 127.0.3.43\noptions timeout:2 attempts:1\n")
    for n in (45, 46):
        run[f"clock-{n}"] = clock(world, f"clock-{n}", f"bindaddress 127.0.3.{n}\nallow all\nlocal stratum 3")
    run["chrony"] = chrony(world)
    world.spawn(["/bin/bash", str(HOME / "app/sso.sh")], log="sso.log", user="www-data")
    run["doors"] = python(world, "doors")
    run["fetcher"] = python(world, "fetcher")
    # people ask for tickets now and then, with their passwords
    world.every(9, lambda n: sh("echo first-light | KRB5CCNAME=FILE:/srv/shop/person kinit liv", seconds=9), first=3)
    return run


# ── everyday life ────────────────────────────────────────────────────────────────────────────
@chore("names")
def person(world: World, run: Any) -> None:
    """a person mistypes passwords: one of Kerberos twice, one of a badge, one of a name that is not there"""
    for who, word in (("noah", "firstlight"), ("noah", "First-light"), ("nobody2", "x")):
        sh(f"echo {word} | KRB5CCNAME=FILE:/srv/shop/person2 kinit {who}")
    sh("echo 'User-Name=theo,User-Password=1,Message-Authenticator=0x00' | radclient -t 2 -r 1 127.0.3.42:1812 auth hinge-and-lock")


@chore("names")
def records(world: World, run: Any) -> None:
    """records are changed, and somebody asks for names that are not there or not ours"""
    zones("UPDATE records SET content='192.0.2.77' WHERE name='p3.partners.grid.example'")
    for name in ("p99.partners.grid.example", "www.far.example"):
        sh(f"getent hosts {name}")


@chore("names")
def kdc_restart(world: World, run: Any) -> None:
    """the KDC is restarted as one plans it"""
    stop(run["kdc"])
    run["kdc"] = kdc(world)


@chore("names")
def radius_users(world: World, run: Any) -> None:
    """a badge is added and FreeRADIUS is restarted"""
    stop(run["radius"])
    run["radius"] = radius(world)


@chore("names")
def deploys(world: World, run: Any) -> None:
    """doors and fetcher are deployed anew"""
    for name in ("doors", "fetcher"):
        stop(run[name])
        time.sleep(1)
        run[name] = python(world, name)


@chore("names")
def one_clock(world: World, run: Any) -> None:
    """one of two servers of time is away for twenty seconds"""
    stop(run["clock-46"])
    time.sleep(20)
    run["clock-46"] = clock(world, "clock-46", "bindaddress 127.0.3.46\nallow all\nlocal stratum 3")


@chore("names")
def pdns_restart(world: World, run: Any) -> None:
    """PowerDNS is upgraded: away for three seconds"""
    stop(run["pdns"])
    time.sleep(1)
    run["pdns"] = pdns(world)


@chore("names")
def backup(world: World, run: Any) -> None:
    """principals and zones are dumped"""
    sh("kdb5_util dump /srv/shop/krb/dump; sqlite3 /srv/shop/pdns/zones.sqlite .dump > /srv/shop/zones.sql")


@chore("names")
def keytab(world: World, run: Any) -> None:
    """the portal's key is changed and its keytab with it"""
    admin("ktadd -k /srv/shop/krb/portal.keytab portal")


@chore("names")
def chrony_restart(world: World, run: Any) -> None:
    """chrony is restarted as one plans it"""
    stop(run["chrony"])
    run["chrony"] = chrony(world)
