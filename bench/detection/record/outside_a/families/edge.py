"""HAProxy, nginx with stunnel, Varnish, Caddy and Squid, with what lies behind them."""

from __future__ import annotations

import datetime as dt
import os
import time

from stage import (
    HOME,
    LOG,
    Any,
    Path,
    World,
    chore,
    family,
    hang_up,
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
    "haproxy.log": "haproxy", "api1.log": "api1", "api2.log": "api2", "api3.log": "api3", "api4.log": "api4", "api5.log": "api5",
    "secure_error.log": "nginx", "secure_access.log": "nginx", "stunnel.log": "stunnel", "varnish.log": "varnish",
    "varnishncsa.log": "varnish", "caddy.log": "caddy", "caddy_access.log": "caddy", "squid_cache.log": "squid",
    "squid_access.log": "squid", "dnsmasq.log": "dnsmasq", "feeds.log": "feeds",
}
API = {1: "127.0.0.62", 2: "127.0.0.63", 3: "127.0.0.64", 4: "127.0.0.66", 5: "127.0.0.68"}


def api(world: World, n: int) -> Any:
    one = script(world, "api", API[n], "8000", log=f"api{n}")
    port_open(API[n], 8000)
    return one


def certificate(seconds: float) -> None:
    """A certificate of the house's own authority that ends after some seconds."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    now, folder = dt.datetime.now(dt.UTC), HOME / "tls"
    folder.mkdir(exist_ok=True)
    keys = [ec.generate_private_key(ec.SECP256R1()) for _ in range(2)]
    names = [x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, each)]) for each in ("House CA", "vault.lan")]
    for n in range(2):
        end = now + (dt.timedelta(seconds=seconds) if n else dt.timedelta(days=900))
        made = (
            x509.CertificateBuilder().subject_name(names[n]).issuer_name(names[0]).public_key(keys[n].public_key())
            .serial_number(x509.random_serial_number()).not_valid_before(now - dt.timedelta(days=90)).not_valid_after(end)
            .add_extension(x509.BasicConstraints(ca=n == 0, path_length=None), critical=True)
        )
        if n:
            made = made.add_extension(x509.SubjectAlternativeName([x509.DNSName("vault.lan")]), critical=False)
        (folder / f"{n}.pem").write_bytes(made.sign(keys[0], hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
    key = keys[1].private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (folder / "key.pem").write_bytes(key)


def haproxy(world: World, maxconn: int = 50) -> Any:
    (HOME / "haproxy.cfg").write_text(
        "global\n log /dev/log local0\n maxconn 400\n pidfile /run/haproxy.pid\ndefaults\n log global\n mode http\n option httplog\n"
        " option dontlognull\n timeout connect 3s\n timeout client 20s\n timeout server 15s\n timeout queue 2s\n"
        "frontend www\n bind 127.0.0.61:80\n default_backend api\nbackend api\n balance roundrobin\n option httpchk GET /health\n"
        + "".join(f" server api{n} {API[n]}:8000 check inter 2s fall 3 rise 2 maxconn {maxconn}\n" for n in (1, 2, 3))
    )
    one = world.spawn(["haproxy", "-W", "-f", str(HOME / "haproxy.cfg")], log="haproxy.out")
    port_open("127.0.0.61", 80)
    return one


def nginx(world: World) -> Any:
    (HOME / "secure.conf").write_text(
        f"user www-data;\npid /run/nginx.pid;\nworker_processes 1;\nworker_rlimit_nofile 60;\nerror_log {LOG}/secure_error.log;\n"
        "events { worker_connections 50; }\nhttp {\n"
        f"access_log {LOG}/secure_access.log;\nproxy_read_timeout 10s;\nkeepalive_timeout 0;\n"
        "server { listen 127.0.0.65:80; location / { proxy_pass https://127.0.0.66:443; proxy_ssl_name vault.lan; proxy_ssl_verify on;"
        f" proxy_ssl_session_reuse off; proxy_ssl_trusted_certificate {HOME}/tls/0.pem; }} }}\n}}\n"
    )
    one = world.spawn(["nginx", "-c", str(HOME / "secure.conf"), "-g", "daemon off;"])
    port_open("127.0.0.65", 80)
    return one


def stunnel(world: World) -> Any:
    (HOME / "stunnel.conf").write_text(
        f"foreground = yes\nsyslog = no\noutput = {LOG}/stunnel.log\ndebug = 5\npid =\n"
        f"[vault]\naccept = 127.0.0.66:443\nconnect = 127.0.0.66:8000\ncert = {HOME}/tls/1.pem\nkey = {HOME}/tls/key.pem\n"
    )
    one = world.spawn(["stunnel4", str(HOME / "stunnel.conf")])
    port_open("127.0.0.66", 443)
    return one


def varnish(world: World) -> Any:
    (HOME / "default.vcl").write_text(
        "vcl 4.1;\nbackend default { .host = \"127.0.0.61\"; .port = \"80\"; .connect_timeout = 2s; .first_byte_timeout = 6s; }\n"
        "sub vcl_backend_response { set beresp.ttl = 2s; set beresp.grace = 0s; }\n"
    )
    one = world.spawn(
        ["varnishd", "-F", "-n", "/run/varnish", "-j", "none", "-a", "127.0.0.67:80", "-f", str(HOME / "default.vcl"), "-s", "malloc,16m",
         "-p", "thread_pools=1", "-p", "thread_pool_min=10", "-p", "vsl_space=2M"],
        log="varnish.log", env={"HOME": "/tmp"},
    )
    port_open("127.0.0.67", 80, 60)
    return one


def caddy(world: World) -> Any:
    (HOME / "Caddyfile").write_text(
        "{\n admin off\n auto_https off\n}\nhttp://127.0.0.68:80 {\n bind 127.0.0.68\n"
        " reverse_proxy 127.0.0.68:8000 {\n  transport http {\n   dial_timeout 3s\n   response_header_timeout 5s\n  }\n }\n"
        f" log {{\n  output file {LOG}/caddy_access.log\n }}\n}}\n"
    )
    one = world.spawn(
        ["caddy", "run", "--config", str(HOME / "Caddyfile"), "--adapter", "caddyfile"], log="caddy.log",
        env={"XDG_DATA_HOME": "/tmp/caddy", "XDG_CONFIG_HOME": "/tmp/caddy"},
    )
    port_open("127.0.0.68", 80, 60)
    return one


def squid(world: World) -> Any:
    Path("/run/squid").mkdir(exist_ok=True)
    shutil.chown("/run/squid", "proxy", "proxy")
    (HOME / "squid.conf").write_text(
        "http_port 127.0.0.69:3128\nacl all_of src 127.0.0.0/8\nhttp_access allow all_of\ncache deny all\ncache_mem 8 MB\n"
        f"access_log stdio:{LOG}/squid_access.log\ncache_log {LOG}/squid_cache.log\npid_filename /run/squid/squid.pid\n"
        "dns_nameservers 127.0.0.53\ndns_timeout 3 seconds\npositive_dns_ttl 3 seconds\nnegative_dns_ttl 1 seconds\nconnect_timeout 3 seconds\n"
        "shutdown_lifetime 1 seconds\nvisible_hostname proxy.lan\ncoredump_dir /tmp\nmax_filedescriptors 512\n"
    )
    one = world.spawn(["squid", "-N", "-f", str(HOME / "squid.conf")], log="squid.out", user="proxy")
    port_open("127.0.0.69", 3128, 60)
    return one


def dnsmasq(world: World) -> Any:
    return world.spawn(
        ["dnsmasq", "-k", "--listen-address=127.0.0.53", "--bind-interfaces", "--no-resolv", "--no-hosts", "--log-facility=-",
         "--address=/in-addr.arpa/", "--address=/example/", "--address=/rates.partner.example/127.0.0.90", "--local-ttl=2", "--user=root"],
        log="dnsmasq.log",
    )


@family("edge", SOURCES)
def start(world: World, certificate_seconds: float = 86400 * 90, maxconn: int = 50) -> dict[str, Any]:
    touch(*SOURCES)
    certificate(certificate_seconds)
    rsyslog(world, haproxy=':programname, isequal, "haproxy"')
    run: dict[str, Any] = {f"api{n}": api(world, n) for n in API}
    run["partner"] = world.spawn(["/srv/venv-a/bin/python", str(HOME / "app" / "api.py"), "127.0.0.90", "80"])
    run["dnsmasq"] = dnsmasq(world)
    run["haproxy"] = haproxy(world, maxconn)
    run["stunnel"] = stunnel(world)
    run["nginx"] = nginx(world)
    run["varnish"] = varnish(world)
    run["ncsa"] = world.spawn(["varnishncsa", "-n", "/run/varnish", "-a", "-w", str(LOG / "varnishncsa.log")])
    run["caddy"] = caddy(world)
    run["squid"] = squid(world)
    run["feeds"] = script(world, "feeds")
    load(
        world, ("GET", "http://127.0.0.61/items/{n}"), ("GET", "http://127.0.0.65/items/{n}"), ("GET", "http://127.0.0.67/items/{n}"),
        ("GET", "http://127.0.0.68/items/{n}"), seconds=1.5,
    )
    return run


@chore("edge")
def scan(world: World, run: Any) -> None:
    """somebody looks for holes in all web servers"""
    for host in ("127.0.0.61", "127.0.0.65", "127.0.0.67", "127.0.0.68"):
        scanner(host)


@chore("edge")
def hang(world: World, run: Any) -> None:
    """clients hang up before they are answered, others send nonsense"""
    for host in ("127.0.0.61", "127.0.0.65", "127.0.0.67", "127.0.0.68"):
        hang_up(host, 80, "/items/7")
        sh(f"printf 'nonsense\\r\\n\\r\\n' | timeout 2 bash -c 'cat > /dev/tcp/{host}/80'")
    sh("printf 'nonsense' | timeout 2 bash -c 'cat > /dev/tcp/127.0.0.66/443'; curl -s -m 3 -x http://127.0.0.69:3128 http://mistyped.example/")


@chore("edge")
def reload_haproxy(world: World, run: Any) -> None:
    """HAProxy is reloaded"""
    run["haproxy"].send_signal(signal.SIGUSR2)


@chore("edge")
def rotate(world: World, run: Any) -> None:
    """logs of nginx and Varnish are rotated, nginx is reloaded"""
    os.rename(LOG / "secure_access.log", LOG / "secure_access.log.1")
    (LOG / "secure_access.log").touch()
    run["nginx"].send_signal(signal.SIGUSR1)
    run["nginx"].send_signal(signal.SIGHUP)
    sh("squid -k rotate -f /srv/shop/squid.conf")


@chore("edge")
def deploy(world: World, run: Any) -> None:
    """the three services behind HAProxy are deployed one by one"""
    for n in (1, 2, 3):
        stop(run[f"api{n}"])
        run[f"api{n}"] = api(world, n)
        time.sleep(8)


@chore("edge")
def new_certificate(world: World, run: Any) -> None:
    """the certificate is renewed and stunnel reloaded; nginx learns the new authority"""
    certificate(86400 * 90)
    run["stunnel"].send_signal(signal.SIGHUP)
    run["nginx"].send_signal(signal.SIGHUP)


@chore("edge")
def slow(world: World, run: Any) -> None:
    """all services are slow for two seconds"""
    Path("/tmp/slow").touch()
    time.sleep(2)
    Path("/tmp/slow").unlink()


@chore("edge")
def restart_varnish(world: World, run: Any) -> None:
    """Varnish gets new rules and is restarted as one plans it"""
    stop(run["varnish"])
    run["varnish"] = varnish(world)
    stop(run["ncsa"])
    run["ncsa"] = world.spawn(["varnishncsa", "-n", "/run/varnish", "-a", "-w", str(LOG / "varnishncsa.log")])


@chore("edge")
def restart_squid(world: World, run: Any) -> None:
    """Squid is restarted as one plans it"""
    stop(run["squid"])
    run["squid"] = squid(world)


@chore("edge")
def restart_caddy(world: World, run: Any) -> None:
    """Caddy is restarted as one plans it"""
    stop(run["caddy"])
    run["caddy"] = caddy(world)


@chore("edge")
def restart_stunnel(world: World, run: Any) -> None:
    """stunnel is restarted as one plans it"""
    stop(run["stunnel"])
    run["stunnel"] = stunnel(world)
