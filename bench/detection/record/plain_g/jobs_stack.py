"""The offices of a campus: HAProxy before two Go services, Apache before Django, MariaDB, RabbitMQ with a worker, Celery with Redis, a backup."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import stores
from common import (
    HOME,
    LOG,
    TOOLS,
    VENV,
    Process,
    World,
    ask,
    certificate,
    end,
    port_open,
    run,
    strew,
    until,
)

FILES = {"haproxy.log": "haproxy", "tickets-1.log": "tickets-1", "tickets-2.log": "tickets-2", "apache-access.log": "apache2", "apache-error.log": "apache2", "fees.log": "fees",
         "reports.log": "reports", "mailer.log": "mailer", "queuewatch.log": "queuewatch", "backup.log": "backup", "sync.log": "sync", "rabbitmq.log": "rabbitmq", "mariadb.log": "mariadb", "redis.log": "redis"}
PROBES = ({"name": "haproxy", "service": "haproxy", "http": "http://127.0.0.20:80/health"},
          {"name": "apache2", "service": "apache2", "tcp": "127.0.0.21:80"},
          {"name": "fees", "service": "fees", "http": "http://127.0.0.45:8450/health"},
          {"name": "mariadb", "service": "mariadb", "tcp": "127.0.0.13:3306"},
          {"name": "redis", "service": "redis", "tcp": "127.0.0.16:6379"},
          {"name": "rabbitmq", "service": "rabbitmq", "tcp": "127.0.0.14:5672"})
DESK, OFFICE = "127.0.0.20", "127.0.0.21"
BALANCER = f"""global
  log stdout format iso local0 info
  stats timeout 10s
defaults
  log global
  mode http
  option httplog
  timeout connect 3s
  timeout client 20s
  timeout server 10s
frontend desk
  bind {DESK}:80
  bind {DESK}:443 ssl crt {HOME}/tls/desk-both.pem
  default_backend tickets
backend tickets
  balance roundrobin
  option httpchk GET /health
  default-server check inter 2s fall 2 rise 2
  server tickets-1 tickets-1.campus.internal:8460
  server tickets-2 tickets-2.campus.internal:8460
"""
APACHE = f"""ServerRoot /etc/apache2
ServerName office.campus.example
Listen {OFFICE}:80
User www-data
Group www-data
PidFile /run/apache2.pid
LoadModule mpm_event_module /usr/lib/apache2/modules/mod_mpm_event.so
LoadModule authz_core_module /usr/lib/apache2/modules/mod_authz_core.so
LoadModule mime_module /usr/lib/apache2/modules/mod_mime.so
LoadModule proxy_module /usr/lib/apache2/modules/mod_proxy.so
LoadModule proxy_http_module /usr/lib/apache2/modules/mod_proxy_http.so
TypesConfig /etc/mime.types
LogLevel warn
ErrorLog {LOG}/apache-error.log
LogFormat "%h %l %u %t \\"%r\\" %>s %b" common
CustomLog {LOG}/apache-access.log common
DocumentRoot {HOME}/www
<Directory {HOME}>
  Require all granted
</Directory>
ProxyTimeout 12
ProxyPass /fees/ http://fees.campus.internal:8450/fees/ connectiontimeout=3 retry=1
"""
BACKUP = """while :; do
  echo "$(date '+%Y-%m-%d %H:%M:%S') backup of fees begins"
  if mariadb-dump --no-defaults -h 127.0.0.13 -u fees -pbursary --single-transaction fees > BASE/backup/fees.sql; then
    echo "$(date '+%Y-%m-%d %H:%M:%S') backup of fees is complete: $(wc -c < BASE/backup/fees.sql) bytes"
  else
    echo "$(date '+%Y-%m-%d %H:%M:%S') ERROR: backup of fees failed with status $?"
  fi
  sleep 20
done""".replace("BASE", str(HOME))
SYNC = """while :; do
  if out=$(curl -sS --max-time 5 --cacert BASE/tls/ca.pem --resolve desk.campus.example:443:127.0.0.20 https://desk.campus.example/tickets/ 2>&1); then
    echo "$(date -Is) synced $out tickets"
  else
    echo "$(date -Is) sync failed: $out"
  fi
  sleep 4
done""".replace("BASE", str(HOME))


def haproxy(w: World) -> Process:
    return run(w, "haproxy.log", "haproxy", "-W", "-f", str(HOME / "haproxy.cfg"), user=None, cwd=HOME, again=False)


def desk_certificate(*names: str, **more: tuple[float, float]) -> None:
    certificate("desk", *(names or ("desk.campus.example",)), **more)
    (HOME / "tls/desk-both.pem").write_bytes((HOME / "tls/desk.pem").read_bytes() + (HOME / "tls/desk.key").read_bytes())


def tickets(w: World, number: int) -> Process:
    return run(w, f"tickets-{number}.log", str(TOOLS / "bin/tickets"), f"127.0.0.{45 + number}:8460", str(HOME / "tickets"), cwd=HOME)


def apache(w: World) -> Process:
    (HOME / "apache2.conf").write_text(APACHE)
    return run(w, "apache-error.log", "apache2", "-f", str(HOME / "apache2.conf"), "-DFOREGROUND", user=None, cwd=HOME, again=False)


def fees(w: World, **env: str) -> Process:
    return run(w, "fees.log", f"{VENV}/gunicorn", "--bind", "127.0.0.45:8450", "--workers", "3", "--timeout", "8", "--graceful-timeout", "3", "fees:application",
               cwd=HOME / "app/fees", HOME="/tmp", **env)


def reports(w: World, **env: str) -> Process:
    return run(w, "reports.log", f"{VENV}/celery", "-A", "tasks", "worker", "--concurrency", "2", "--loglevel", "INFO", "--without-gossip", "--without-mingle", "-n", "reports@offices",
               cwd=HOME / "app/fees", HOME="/tmp", **env)


def mailer(w: World, **env: str) -> Process:
    return run(w, "mailer.log", f"{VENV}/python", "mailer.py", cwd=HOME / "app/fees", **env)


def relay(w: World) -> Process:
    say("ok")
    started = run(w, "relay.out", f"{VENV}/python", "relay.py", str(HOME / "relay.mode"), user=None)
    port_open("127.0.0.70", 25)
    return started


def say(mode: str) -> None:
    """Tell the relay how to behave."""
    (HOME / "relay.mode").write_text(mode)


def redis(w: World, *options: str) -> Process:
    folder = HOME / "redis"
    folder.mkdir(exist_ok=True)
    shutil.chown(folder, "redis", "redis")
    started = run(w, "redis.log", "redis-server", "--bind", "127.0.0.16", "--protected-mode", "no", "--dir", str(folder), "--save", "10 1", *options, user="redis", cwd=HOME, again=False)
    port_open("127.0.0.16", 6379)
    return started


def redis_cli(*argv: str) -> None:
    subprocess.run(["redis-cli", "-h", "127.0.0.16", *argv], check=False, stdout=subprocess.DEVNULL, stdin=subprocess.DEVNULL, timeout=10)


def rabbitmq(w: World) -> Process:
    """RabbitMQ with the user `campus`."""
    base, etc = HOME / "rabbitmq", HOME / "rabbitmq-etc"
    for each in (base, etc):
        each.mkdir(exist_ok=True)
    (etc / "enabled_plugins").write_text("[].\n")
    (etc / "rabbitmq.conf").write_text("listeners.tcp.local = 127.0.0.14:5672\ndefault_user = campus\ndefault_pass = pigeonhole\nlog.file.level = info\nloopback_users = none\ndisk_free_limit.absolute = 20MB\n")
    for path in (base, etc, *etc.iterdir()):
        shutil.chown(path, "rabbitmq", "rabbitmq")
    (LOG / "rabbitmq.log").touch()
    shutil.chown(LOG / "rabbitmq.log", "rabbitmq", "rabbitmq")
    started = w.spawn(["/usr/lib/rabbitmq/bin/rabbitmq-server"], user="rabbitmq", log="rabbitmq.out", env=stores.rabbit_env(base))
    port_open("127.0.0.14", 5672, 120)
    return started


def mariadb(w: World, *options: str, fresh: bool = True) -> Process:
    started = stores.mariadb(w, *options, fresh=fresh)
    if fresh:
        stores.maria("create database fees; create user fees@'%' identified by 'bursary'; grant all on fees.* to fees@'%'; grant reload on *.* to fees@'%';"
                     "create table fees.account (student int primary key, cents int) engine=innodb; insert into fees.account select seq, 40000 from mysql.seq_1_to_900;"
                     "create table fees.entry (id int auto_increment primary key, student int, note longtext) engine=innodb;")
    return started


def backup(w: World) -> Process:
    return run(w, "backup.log", "sh", "-c", BACKUP, user=None, cwd=HOME, again=False)


def build() -> None:
    """Compile the tickets once, for all worlds."""
    if not (TOOLS / "bin/tickets").exists():
        (TOOLS / "bin").mkdir(exist_ok=True)
        subprocess.run([f"{VENV}/go", "build", "-trimpath", "-o", str(TOOLS / "bin"), "."], cwd=HOME / "app/tickets", check=True,
                       env={"PATH": "/usr/bin:/bin", "GOCACHE": str(TOOLS / "gocache"), "GOFLAGS": "-mod=mod", "HOME": "/tmp", "CGO_ENABLED": "0"})


def start(w: World, disks: dict[str, tuple[int, str]] | None = None) -> dict[str, Process]:
    build()
    for name, (size, user) in {"tickets": (8, "www-data"), **(disks or {})}.items():
        w.disk(HOME / name, size, user)
    for name in ("www", "backup"):
        (HOME / name).mkdir(exist_ok=True)
    (HOME / "www/index.html").write_text("<h1>Bursar</h1>\n")
    Path("/etc/hosts").write_text(Path("/etc/hosts").read_text() + "127.0.0.70 smtp.relay.example\n")
    desk_certificate()
    (HOME / "haproxy.cfg").write_text(BALANCER)
    up = {"rabbitmq": rabbitmq(w), "mariadb": mariadb(w), "redis": redis(w), "relay": relay(w)}
    up |= {"tickets-1": tickets(w, 1), "tickets-2": tickets(w, 2), "fees": fees(w), "mailer": mailer(w), "reports": reports(w), "apache": apache(w), "haproxy": haproxy(w)}
    for url in (f"{OFFICE}/fees/7", f"{DESK}/tickets/", f"{OFFICE}/fees/report/7"):
        until(url)
    run(w, "queuewatch.log", f"{VENV}/python", "queuewatch.py", cwd=HOME / "app/fees")
    up["backup"] = backup(w)
    run(w, "sync.log", "sh", "-c", SYNC, cwd=HOME, again=False)
    w.sleep(6)
    w.ready()
    w.measure(10, PROBES)
    strew(w, 1.1, f"{OFFICE}/fees/#", f"{OFFICE}/fees/#", f"{OFFICE}/index.html")
    w.every(1.6, lambda n: ask(f"{OFFICE}/fees/pay", body={"student": n * 7 % 890 + 1}), first=0.5)
    w.every(1.7, lambda n: ask(f"{OFFICE}/fees/report/{n * 11 % 890 + 1}"), first=0.9)
    strew(w, 1.2, f"{DESK}/tickets/", f"{DESK}/tickets/new", first=0.3)
    strew(w, 27, f"{OFFICE}/favicon.ico", f"{OFFICE}/fees/99999", f"{DESK}/robots.txt", first=12)
    return up


def anew(w: World, up: dict[str, Process], name: str, **env: str) -> None:
    """Deploy a service: it ends, and its release begins."""
    end(up[name])
    up[name] = globals()[name](w, **env)
