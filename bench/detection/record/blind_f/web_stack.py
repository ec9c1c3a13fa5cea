"""The web site of a clinic: Apache with mod_wsgi and mod_php, an embedded Jetty, Unicorn, uWSGI, PostgreSQL."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from common import HOME, LOG, TOOLS, Process, World, ask, port_open, postgres, run, shell, strew, until

FILES = {"apache-access.log": "apache2", "apache-error.log": "apache2", "lab.log": "lab", "rota.log": "rota", "stock.log": "stock",
         "postgresql.log": "postgresql"}
PROBES = ({"name": "apache2", "service": "apache2", "http": "http://127.0.0.20:80/health"},
          {"name": "lab", "service": "lab", "http": "http://127.0.0.41:8400/lab/3"},
          {"name": "rota", "service": "rota", "http": "http://127.0.0.42:8500/health"},
          {"name": "stock", "service": "stock", "http": "http://127.0.0.43:8600/health"},
          {"name": "postgresql", "service": "postgresql", "tcp": "127.0.0.11:5432"})
WWW = "127.0.0.20"
SHARE = Path("/usr/share/java")
JARS = ("jetty9-server", "jetty9-servlet", "jetty9-util", "jetty9-util-ajax", "jetty9-http", "jetty9-io", "jetty9-security", "servlet-api", "logback-core", "logback-classic",
        "slf4j-api", "HikariCP", "postgresql")
CONFIG = f"""ServerRoot /etc/apache2
ServerName www.clinic.internal
Listen {WWW}:80
User www-data
Group www-data
PidFile /run/apache2.pid
LoadModule mpm_prefork_module /usr/lib/apache2/modules/mod_mpm_prefork.so
LoadModule authz_core_module /usr/lib/apache2/modules/mod_authz_core.so
LoadModule alias_module /usr/lib/apache2/modules/mod_alias.so
LoadModule mime_module /usr/lib/apache2/modules/mod_mime.so
LoadModule proxy_module /usr/lib/apache2/modules/mod_proxy.so
LoadModule proxy_http_module /usr/lib/apache2/modules/mod_proxy_http.so
LoadModule reqtimeout_module /usr/lib/apache2/modules/mod_reqtimeout.so
LoadModule wsgi_module /usr/lib/apache2/modules/mod_wsgi.so
LoadModule php_module /usr/lib/apache2/modules/libphp8.2.so
TypesConfig /etc/mime.types
LogLevel warn
ErrorLog {LOG}/apache-error.log
LogFormat "%h %l %u %t \\"%r\\" %>s %O \\"%{{Referer}}i\\" \\"%{{User-Agent}}i\\"" combined
CustomLog {LOG}/apache-access.log combined
StartServers 3
MinSpareServers 2
MaxSpareServers 4
ServerLimit 14
MaxRequestWorkers 14
Timeout 20
WSGISocketPrefix /run/wsgi
WSGIDaemonProcess visits processes=2 threads=3 display-name=%{{GROUP}} queue-timeout=8 socket-timeout=10 request-timeout=30 graceful-timeout=2 shutdown-timeout=2
WSGIScriptAlias /visits {HOME}/app/visits/visits.wsgi process-group=visits application-group=%{{GLOBAL}}
Alias /static {HOME}/static
Alias /records {HOME}/app/records
<Directory {HOME}>
  Require all granted
</Directory>
<FilesMatch "\\.php$">
  SetHandler application/x-httpd-php
</FilesMatch>
ProxyTimeout 9
ProxyPass /lab/ http://lab.clinic.internal:8400/lab/ connectiontimeout=3 retry=2
ProxyPass /rota/ http://rota.clinic.internal:8500/rota/ connectiontimeout=3 retry=2
ProxyPass /stock/ http://stock.clinic.internal:8600/stock/ connectiontimeout=3 retry=2
Alias /health {HOME}/static/health.txt
"""


def config(more: str = "", **replaced: str) -> None:
    """Write Apache's settings, with some lines replaced by others and some appended."""
    text = CONFIG
    for old, new in replaced.items():
        text = "\n".join(new if line.split(" ")[0] == old else line for line in text.splitlines()) + "\n"
    (HOME / "apache").mkdir(exist_ok=True)
    (HOME / "apache/apache2.conf").write_text(text + more)


def apache(w: World) -> Process:
    """Start Apache; what it says before it has a log goes where its log is, as its unit would have it."""
    return run(w, "apache-error.log", "apache2", "-f", str(HOME / "apache/apache2.conf"), "-DFOREGROUND", user=None, again=False)


def control(how: str) -> None:
    """Ask Apache for `graceful` or another act."""
    shell(f"apache2 -f {HOME}/apache/apache2.conf -k {how} >>{LOG}/apache-error.log 2>&1")


def release(name: str, text: str) -> None:
    """Deploy the visits: their script is touched, so that mod_wsgi loads them anew."""
    (HOME / "release").mkdir(exist_ok=True)
    (HOME / f"release/{name}").write_text(text + "\n")
    os.utime(HOME / "app/visits/visits.wsgi")


def lab(w: World, heap: str = "96m", **env: str) -> Process:
    path = ":".join([str(HOME / "app/lab"), *(str(SHARE / f"{each}.jar") for each in JARS)])
    return run(w, "lab.log", "java", f"-Xmx{heap}", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-cp", path, "Lab", **env)


def rota(w: World, **env: str) -> Process:
    return run(w, "rota.log", "unicorn", "-c", "unicorn.rb", "config.ru", cwd=HOME / "app/rota", RACK_ENV="production", RUBYOPT="-W0", **env)


def stock(w: World, *more: str, **env: str) -> Process:
    return run(w, "stock.log", "uwsgi_python3", "--http-socket", "127.0.0.43:8600", "--master", "--processes", "2", "--wsgi-file", "stock.py",
               "--listen", "12", "--log-date=%Y-%m-%d %H:%M:%S", *more, cwd=HOME / "app/stock", **env)


def build() -> None:
    """Compile the laboratory once, for all worlds."""
    if not (TOOLS / "lab/Lab.class").exists():
        (TOOLS / "lab").mkdir(exist_ok=True)
        subprocess.run(["javac", "-cp", ":".join(str(SHARE / f"{each}.jar") for each in JARS), "-d", str(TOOLS / "lab"), str(HOME / "app/lab/Lab.java")], check=True)
    shell(f"cp {TOOLS}/lab/*.class {HOME}/app/lab/")


def start(w: World) -> dict[str, Process]:
    build()
    for name in ("static", "exports"):
        (HOME / name).mkdir()
    (HOME / "exports").chmod(0o777)
    (HOME / "static/health.txt").write_text("ok\n")
    (HOME / "static/site.css").write_text("body { margin: 0 }\n")
    release("visits", "")
    w.disk(HOME / "notes", 6, "www-data")
    config()
    up = {"postgres": postgres(w), "lab": lab(w), "rota": rota(w), "stock": stock(w), "apache": apache(w)}
    port_open(WWW, 80)
    for path in ("visits/visit/7", "lab/7", "rota/7", "stock/7", "records/record.php?patient=7"):
        until(f"{WWW}/{path}")
    w.sleep(3)
    w.ready()
    w.measure(10, PROBES)
    strew(w, 1.1, f"{WWW}/visits/visit/#")
    strew(w, 1.6, f"{WWW}/lab/#", first=0.3)
    strew(w, 1.7, f"{WWW}/rota/#", first=0.6)
    strew(w, 1.5, f"{WWW}/records/record.php?patient=#", first=0.9)
    strew(w, 2.1, f"{WWW}/stock/#", first=1.2)
    strew(w, 7, f"{WWW}/static/site.css", f"{WWW}/visits/report", first=3)
    strew(w, 24, f"{WWW}/favicon.ico", f"{WWW}/visits/visit/90000", f"{WWW}/records/old.php", first=13)
    return up


def crowd(w: World, path: str, people: int = 4, seconds: float = 1.0) -> None:
    """More people who ask for the same."""
    for each in range(people):
        w.every(seconds, lambda n: ask(f"{WWW}/{path}".replace("#", str(n * 11 % 900 + 1)), timeout=30), first=each * 0.2)
