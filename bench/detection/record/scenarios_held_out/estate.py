"""The programs of the held-out set: others than the corpus has, or the same in another place. To its scenarios."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from pathlib import Path

import programs as p
from world import HOME, LOG, World, port_open, quiet

APPS = Path(__file__).resolve().parents[1] / "apps_held_out"
PROBES = {
    "stock": {"name": "stock", "service": "stock", "http": "http://127.0.0.62:8000/health"},
    "apache": {"name": "apache", "service": "apache", "tcp": "127.0.0.63:80"},
    "pgbouncer": {"name": "pgbouncer", "service": "pgbouncer", "tcp": "127.0.0.61:6432"},
    "dovecot": {"name": "dovecot", "service": "dovecot", "tcp": "127.0.0.64:143"},
    "mosquitto": {"name": "mosquitto", "service": "mosquitto", "tcp": "127.0.0.65:1883"},
    "redis": p.PROBES["redis"],
    "postgresql": p.PROBES["postgresql"],
    "mariadb": p.PROBES["mariadb"],
}
FILES = {
    "stock.log": "stock",
    "apache-access.log": "apache",
    "apache-error.log": "apache",
    "pgbouncer.log": "pgbouncer",
    "dovecot.log": "dovecot",
    "mosquitto.log": "mosquitto",
    "supervisord.log": "",
    "feeder.log": "feeder",
    "cart.log": "cart",
    "ledger.log": "ledger",
    "sync.log": "sync",
    "desk.log": "desk",
    "redis.log": "redis",
    "redis-replica.log": "redis-replica",
    "postgresql.log": "postgresql",
}


def probes(*names: str) -> tuple[dict[str, str], ...]:
    return tuple(PROBES[name] for name in names)


def apps() -> None:
    for path in APPS.iterdir():
        shutil.copy(path, HOME / "app" / path.name)
    for folder in ("carts", "desk"):
        (HOME / folder).mkdir(exist_ok=True)
        if not os.path.ismount(HOME / folder):
            (HOME / folder).chmod(0o777)


def pgbouncer(w: World, clients: int = 100) -> subprocess.Popen[bytes]:
    """pgbouncer on 127.0.0.61:6432 before PostgreSQL."""
    p.touch("pgbouncer.log")
    (HOME / "users.txt").write_text('"shop" "secret"\n')
    (HOME / "pgbouncer.ini").write_text(f"""[databases]
shop = host=127.0.0.11 port=5432 dbname=shop
[pgbouncer]
listen_addr = 127.0.0.61
listen_port = 6432
auth_type = scram-sha-256
auth_file = {HOME}/users.txt
unix_socket_dir =
logfile = {LOG}/pgbouncer.log
pidfile = /tmp/pgbouncer.pid
max_client_conn = {clients}
default_pool_size = 3
query_wait_timeout = 4
server_login_retry = 2
""")
    process = w.spawn(["pgbouncer", "-q", str(HOME / "pgbouncer.ini")], user="postgres")
    port_open("127.0.0.61", 6432)
    return process


def stock(w: World, **env: str) -> subprocess.Popen[bytes]:
    """The stock service on 127.0.0.62:8000."""
    p.touch("stock.log")
    process = w.spawn(
        [p.PYTHON, "-m", "uvicorn", "--host", "127.0.0.62", "--port", "8000", "stock:app"],
        cwd=HOME / "app",
        log="stock.log",
        env=env,
        user="www-data",
    )
    port_open("127.0.0.62", 8000, 60)
    return process


def apache(w: World, workers: int = 30) -> subprocess.Popen[bytes]:
    """Apache on 127.0.0.63:80 before the stock service."""
    for name in ("apache-access.log", "apache-error.log"):
        p.touch(name)
    modules = "\n".join(
        f"LoadModule {name}_module /usr/lib/apache2/modules/mod_{name}.so"
        for name in ("mpm_prefork", "authz_core", "proxy", "proxy_http", "alias")
    )
    (HOME / "apache.conf").write_text(f"""{modules}
ServerRoot {HOME}
ServerName stock.shop.internal
Listen 127.0.0.63:80
PidFile /tmp/apache.pid
User www-data
Group www-data
StartServers 2
MinSpareServers 1
MaxSpareServers 3
MaxRequestWorkers {workers}
ServerLimit {workers}
Timeout 20
ProxyTimeout 5
ErrorLog {LOG}/apache-error.log
LogFormat "%h %l %u %t \\"%r\\" %>s %b" common
CustomLog {LOG}/apache-access.log common
ProxyPass / http://127.0.0.62:8000/ retry=2
ProxyPassReverse / http://127.0.0.62:8000/
""")
    process = w.spawn(["apache2", "-f", str(HOME / "apache.conf"), "-D", "FOREGROUND"])
    port_open("127.0.0.63", 80)
    return process


def dovecot(w: World) -> subprocess.Popen[bytes]:
    """dovecot's IMAP on 127.0.0.64:143 with a password file."""
    p.touch("dovecot.log")
    (HOME / "mail").mkdir(exist_ok=True)
    (HOME / "mail").chmod(0o777)
    (HOME / "imap-users").write_text("anna:{PLAIN}right-one::::::\n")
    (HOME / "dovecot.conf").write_text(f"""protocols = imap
listen = 127.0.0.64
ssl = no
disable_plaintext_auth = no
base_dir = /run/dovecot
log_path = {LOG}/dovecot.log
auth_verbose = yes
mail_location = maildir:{HOME}/mail/%u
passdb {{
  driver = passwd-file
  args = {HOME}/imap-users
}}
userdb {{
  driver = static
  args = uid=www-data gid=www-data home={HOME}/mail/%u
}}
first_valid_uid = 1
service imap-login {{
  inet_listener imaps {{
    port = 0
  }}
}}
""")
    process = w.spawn(["dovecot", "-F", "-c", str(HOME / "dovecot.conf")])
    port_open("127.0.0.64", 143)
    return process


def imap(user: str, password: str) -> bool:
    import imaplib

    try:
        box = imaplib.IMAP4("127.0.0.64", 143, timeout=10)
        box.login(user, password)
        box.select()
        box.logout()
    except (imaplib.IMAP4.error, OSError):
        return False
    return True


def mosquitto(w: World) -> subprocess.Popen[bytes]:
    """mosquitto on 127.0.0.65:1883 with a password file."""
    p.touch("mosquitto.log")
    quiet("mosquitto_passwd", "-b", "-c", str(HOME / "mqtt-users"), "sensor", "secret")
    (HOME / "mqtt-users").chmod(0o644)
    (HOME / "mosquitto.conf").write_text(
        f"listener 1883 127.0.0.65\npassword_file {HOME}/mqtt-users\nallow_anonymous false\n"
        f"log_dest file {LOG}/mosquitto.log\nlog_timestamp_format %Y-%m-%dT%H:%M:%S\n"
    )
    process = w.spawn(["mosquitto", "-c", str(HOME / "mosquitto.conf")], log="mosquitto.log", user="www-data")
    port_open("127.0.0.65", 1883)
    return process


def publish(password: str = "secret") -> bool:
    return (
        quiet(
            "mosquitto_pub", "-h", "127.0.0.65", "-u", "sensor", "-P", password, "-t", "shelf/1", "-m", "21.5"
        ).returncode
        == 0
    )


def supervisor(w: World) -> subprocess.Popen[bytes]:
    """supervisord with the feeder under it."""
    for name in ("supervisord.log", "feeder.log"):
        p.touch(name)
    (HOME / "supervisord.conf").write_text(f"""[supervisord]
nodaemon=true
logfile={LOG}/supervisord.log
pidfile=/tmp/supervisord.pid
[unix_http_server]
file=/tmp/supervisor.sock
[rpcinterface:supervisor]
supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface
[supervisorctl]
serverurl=unix:///tmp/supervisor.sock
[program:feeder]
command=/usr/bin/python3 {HOME}/app/feeder.py
redirect_stderr=true
stdout_logfile={LOG}/feeder.log
startsecs=2
startretries=3
""")
    process = w.spawn(["supervisord", "-c", str(HOME / "supervisord.conf")])
    time.sleep(3)
    return process


def control(*words: str) -> None:
    quiet("supervisorctl", "-c", str(HOME / "supervisord.conf"), *words)


def replica(w: World) -> subprocess.Popen[bytes]:
    """A replica of Redis on 127.0.0.66:6379."""
    folder = HOME / "redis-replica"
    folder.mkdir()
    shutil.chown(folder, "redis", "redis")
    p.touch("redis-replica.log", "redis")
    process = w.spawn(
        [
            "redis-server",
            "--bind",
            "127.0.0.66",
            "--port",
            "6379",
            "--protected-mode",
            "no",
            "--dir",
            str(folder),
            "--logfile",
            str(LOG / "redis-replica.log"),
            "--replicaof",
            "127.0.0.12",
            "6379",
            "--repl-timeout",
            "8",
        ],
        user="redis",
    )
    port_open("127.0.0.66", 6379)
    return process


def cart(w: World, partner: str = "") -> subprocess.Popen[bytes]:
    p.touch("cart.log")
    return w.spawn(
        ["node", "cart.js", *([partner] if partner else [])],
        cwd=HOME / "app",
        log="cart.log",
        user="www-data",
    )


def desk(w: World, **env: str) -> subprocess.Popen[bytes]:
    p.touch("desk.log")
    return w.spawn([p.PYTHON, "desk.py"], cwd=HOME / "app", log="desk.log", user="www-data", env=env)


def ledger(w: World, mode: str, quiet_for: int) -> subprocess.Popen[bytes]:
    p.touch("ledger.log")
    subprocess.run(["javac", "-d", str(HOME / "app"), str(HOME / "app/Ledger.java")], check=True)
    return w.spawn(
        [
            "java",
            "-Xmx48m",
            "-XX:+UseSerialGC",
            "-Xss256k",
            "-cp",
            str(HOME / "app"),
            "Ledger",
            mode,
            str(quiet_for),
        ],
        log="ledger.log",
        cwd=HOME / "app",
        user="www-data",
    )


def sync(w: World, url: str, **env: str) -> subprocess.Popen[bytes]:
    p.touch("sync.log")
    return w.spawn(["/bin/sh", "sync.sh", url], cwd=HOME / "app", log="sync.log", env=env)


def asked(w: World, *, measured: bool = True) -> None:
    """The usual load on Apache; what the service would measure of itself is measured here each 10 seconds."""
    import threading

    from sra_agent.measure import point

    lock, window = threading.Lock(), [0, 0, 0.0]

    def ask(path: str) -> None:
        began = time.monotonic()
        status = p.get(path, "127.0.0.63", 80, timeout=8)
        with lock:
            window[0] += 1
            window[1] += status >= 500 or not status
            window[2] += (time.monotonic() - began) * 1000

    def tell(_: int) -> None:
        with lock:
            n, wrong, took = window
            window[:] = [0, 0, 0.0]
        if n:
            now = time.time()
            w.points.append(point("error_rate", wrong / n, now, service="stock"))
            w.points.append(point("latency_ms", took / n, now, unit="ms", service="stock"))

    for way in range(3):
        w.every(1.3, lambda n, way=way: ask(f"/stock/{(n * 3 + way) % 199 + 1}"))
    w.every(37, lambda n: ask("/stock/9999"), first=9)
    if measured:
        w.every(10, tell, first=10)


def estate(w: World) -> None:
    """Everything at once, for the normal time."""
    apps()
    p.postgres(w)
    pgbouncer(w)
    stock(w)
    apache(w)
    dovecot(w)
    mosquitto(w)
    supervisor(w)
    p.redis(w)
    replica(w)
    cart(w)
    desk(w)
    ledger(w, "calm", 10**6)
