"""Web servers, applications, syslog and SSH, each started in a world as its packages would. To programs."""

from __future__ import annotations

import shutil
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING

from stores import Process, touch
from visits import get
from world import HOME, LOG, port_open, quiet

if TYPE_CHECKING:
    from world import World

PYTHON = "/srv/venv/bin/python"


JARS = ":".join(
    f"/usr/share/java/{name}.jar" for name in ("HikariCP", "postgresql", "slf4j-api", "slf4j-jdk14")
)


def shop(world: World, uses: str, *, workers: int = 2, **env: str) -> Process:
    """The Flask application under gunicorn on app.shop.internal:8001."""
    touch("shop.log")
    touch("gunicorn.log")
    process = world.spawn(
        [
            PYTHON,
            "-m",
            "gunicorn",
            "-b",
            "127.0.0.30:8001",
            "-w",
            str(workers),
            "--threads",
            "4",
            "-t",
            "30",
            "--error-logfile",
            str(LOG / "gunicorn.log"),
            "shop:app",
        ],
        cwd=HOME / "app",
        log="shop.out",
        env={"SHOP_USES": uses, **env},
        user="www-data",
    )
    port_open("127.0.0.30", 8001, 60)
    for _ in range(120):
        # the port is open before the workers have booted
        if get("/health", "127.0.0.30", 8001) == 200:
            break
        time.sleep(0.5)
    return process


def nginx(world: World, server: str = "", top: str = "") -> Process:
    """nginx on www.shop.internal:80 before the shop."""
    folder = HOME / "nginx"
    folder.mkdir(exist_ok=True)
    touch("nginx-access.log")
    touch("nginx-error.log")
    (folder / "nginx.conf").write_text(nginx_conf(server, top))
    process = world.spawn(["nginx", "-c", str(folder / "nginx.conf"), "-g", "daemon off;"], log="nginx.out")
    port_open("127.0.0.20", 80)
    return process


def nginx_conf(server: str = "", top: str = "") -> str:
    return f"""user www-data;
worker_processes 1;
pid /run/nginx.pid;
error_log {LOG}/nginx-error.log notice;
events {{ worker_connections 256; }}
http {{
  access_log {LOG}/nginx-access.log combined;
  proxy_connect_timeout 3s; proxy_read_timeout 5s;
  {top}
  upstream shop {{ server 127.0.0.30:8001 max_fails=3 fail_timeout=5s; }}
  server {{
    listen 127.0.0.20:80;
    server_name www.shop.internal;
    location /static/ {{ root {HOME}/www; }}
    {server or "location / { proxy_pass http://shop; proxy_set_header X-Forwarded-For $remote_addr; }"}
  }}
}}
"""


def haproxy(world: World, backend: str = "server www1 127.0.0.20:80 check inter 2s fall 3 rise 2") -> Process:
    """HAProxy on edge.shop.internal:80 before nginx; logs to syslog."""
    path = HOME / "haproxy.cfg"
    path.write_text(f"""global
    log /dev/log local0
    maxconn 200
    stats socket /run/haproxy.sock mode 600 level admin
defaults
    mode http
    log global
    option httplog
    timeout connect 3s
    timeout client 30s
    timeout server 8s
    retries 2
frontend edge
    bind 127.0.0.21:80
    default_backend shop
backend shop
    option httpchk GET /health
    {backend}
""")
    process = world.spawn(
        ["haproxy", "-db", "-W", "-f", str(path), "-p", "/run/haproxy.pid"], log="haproxy.out"
    )
    port_open("127.0.0.21", 80)
    return process


def rsyslog(world: World) -> Process:
    """rsyslog with the files of Debian: auth.log, and haproxy.log as HAProxy's package has it."""
    path = HOME / "rsyslog.conf"
    path.write_text(f"""module(load="imuxsock")
$FileCreateMode 0644
template(name="t" type="string" string="%TIMESTAMP% %HOSTNAME% %syslogtag%%msg:::sp-if-no-1st-sp%%msg:::drop-last-lf%\\n")
if $programname == 'haproxy' then {{ action(type="omfile" file="{LOG}/haproxy.log" template="t") stop }}
if $syslogfacility-text == 'auth' or $syslogfacility-text == 'authpriv' then {{ action(type="omfile" file="{LOG}/auth.log" template="t") stop }}
action(type="omfile" file="{LOG}/syslog" template="t")
""")
    process = world.spawn(["rsyslogd", "-n", "-f", str(path), "-i", "/run/rsyslogd.pid"], log="rsyslog.out")
    for _ in range(50):
        if Path("/dev/log").exists():
            break
        time.sleep(0.1)
    return process


def sshd(world: World) -> Process:
    """sshd with PAM on 127.0.0.40:22, a user deploy with a key and a password."""
    folder = HOME / "ssh"
    folder.mkdir()
    for name in ("host", "id"):
        quiet("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / name))
    quiet("useradd", "-M", "-d", str(HOME), "-s", "/bin/sh", "deploy")
    subprocess.run(["chpasswd"], input=b"deploy:Tr0ub4dor-right\n", check=False)
    shutil.copy(folder / "id.pub", folder / "authorized")
    (folder / "authorized").chmod(0o644)
    (folder / "sshd_config").write_text(f"""Port 22
ListenAddress 127.0.0.40
HostKey {folder}/host
PidFile /run/sshd.pid
AuthorizedKeysFile {folder}/authorized
UsePAM yes
PasswordAuthentication yes
KbdInteractiveAuthentication no
StrictModes no
MaxStartups 50:30:100
""")
    process = world.spawn(["/usr/sbin/sshd", "-D", "-f", str(folder / "sshd_config")], log="sshd.out")
    port_open("127.0.0.40", 22)
    return process


_SSH = ("-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-o", "ConnectTimeout=5")


def ssh_key(user: str = "deploy") -> bool:
    return (
        quiet(
            "ssh", "-i", str(HOME / "ssh/id"), *_SSH, "-o", "BatchMode=yes", f"{user}@127.0.0.40", "true"
        ).returncode
        == 0
    )


def ssh_password(user: str, password: str) -> bool:
    return (
        quiet(
            "sshpass",
            "-p",
            password,
            "ssh",
            *_SSH,
            "-o",
            "PubkeyAuthentication=no",
            "-o",
            "NumberOfPasswordPrompts=1",
            f"{user}@127.0.0.40",
            "true",
        ).returncode
        == 0
    )


def mailer(world: World, **env: str) -> Process:
    touch("mailer.log")
    return world.spawn([PYTHON, "mailer.py"], cwd=HOME / "app", log="mailer.out", env=env, user="www-data")


def crm(world: World, **env: str) -> Process:
    touch("crm.log")
    return world.spawn([PYTHON, "crm.py"], cwd=HOME / "app", log="crm.out", env=env, user="www-data")


def payment(world: World, **env: str) -> Process:
    touch("payment.log")
    process = world.spawn(
        ["node", "payment.js"], cwd=HOME / "app", log="payment.out", env=env, user="www-data"
    )
    port_open("127.0.0.31", 3000)
    return process


def billing(world: World, *options: str, before: object = None) -> Process:
    touch("billing.log")
    classes = HOME / "app"
    if not (classes / "Billing.class").exists():
        subprocess.run(["javac", "-cp", JARS, "-d", str(classes), str(classes / "Billing.java")], check=True)
    process = world.spawn(
        [
            "java",
            "-XX:+UseSerialGC",
            "-XX:TieredStopAtLevel=1",
            *(options or ("-Xmx64m",)),
            "-cp",
            f"{classes}:{JARS}",
            "Billing",
        ],
        log="billing.out",
        cwd=HOME / "app",
        user="www-data",
        before=before,
    )  # type: ignore[arg-type]
    port_open("127.0.0.32", 8080, 60)
    return process
