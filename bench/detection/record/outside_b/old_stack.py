"""The older services: nginx, a wiki of PHP-FPM, Puma with Sidekiq, Starman, Redis; all keep data on one disk."""

from __future__ import annotations

import shutil

from common import FRONT, HOME, LOG, World, get, nginx, port_open, proxied, redis, run, until

FILES = {**FRONT, "php-fpm.log": "php-fpm", "members.log": "members", "sidekiq.log": "sidekiq", "legacy.log": "legacy", "redis.log": "redis"}
PROBES = ({"name": "members", "service": "members", "http": "http://127.0.0.35:9292/health"},
          {"name": "legacy", "service": "legacy", "http": "http://127.0.0.36:5000/health"},
          {"name": "wiki", "service": "php-fpm", "http": "http://127.0.0.20/wiki/?page=1"},
          {"name": "redis", "service": "redis", "tcp": "127.0.0.12:6379"})


def php(w: World, *settings: str):
    (HOME / "fpm.conf").write_text(f"""[global]
error_log = {LOG}/php-fpm.log
daemonize = no
[wiki]
user = www-data
group = www-data
listen = /run/php-wiki.sock
listen.owner = www-data
pm = dynamic
pm.max_children = 4
pm.start_servers = 2
pm.min_spare_servers = 1
pm.max_spare_servers = 3
catch_workers_output = yes
php_admin_value[error_log] = {LOG}/php-fpm.log
php_admin_flag[log_errors] = on
php_admin_value[memory_limit] = 32M
""")
    return run(w, "php-fpm.out", "php-fpm8.2", "--nodaemonize", "--fpm-config", str(HOME / "fpm.conf"), user=None, again=True)


def members(w: World):
    return run(w, "members.log", "puma", "-b", "tcp://127.0.0.35:9292", "-t", "2:4", "-e", "production", "config.ru",
               cwd=HOME / "app/members", again=True, RACK_ENV="production")


def sidekiq(w: World):
    return run(w, "sidekiq.log", "sidekiq", "-c", "2", "-r", "./jobs.rb", cwd=HOME / "app/members", again=True)


def legacy(w: World):
    return run(w, "legacy.log", "starman", "--listen", "127.0.0.36:5000", "--workers", "2", "app.psgi", cwd=HOME / "app/legacy", again=True)


def start(w: World, megabytes: int = 40) -> dict:
    w.disk(HOME / "data", megabytes)
    (HOME / "data").chmod(0o1777)
    (HOME / "data/redis").mkdir()
    shutil.chown(HOME / "data/redis", "redis", "redis")
    (LOG / "php-fpm.log").touch()
    (LOG / "php-fpm.log").chmod(0o666)
    up = {"redis": redis_here(w), "php": php(w), "members": members(w), "sidekiq": sidekiq(w), "legacy": legacy(w)}
    until("127.0.0.35:9292/health")
    until("127.0.0.36:5000/health")
    up["nginx"] = nginx(w, f"""location /wiki/ {{ fastcgi_pass unix:/run/php-wiki.sock; include /etc/nginx/fastcgi_params;
      fastcgi_param SCRIPT_FILENAME {HOME}/app/wiki/index.php; }}
    """ + proxied("/members/", "127.0.0.35:9292") + proxied("/legacy/", "127.0.0.36:5000"))
    port_open("127.0.0.20", 80)
    until("127.0.0.20/wiki/?page=1")
    w.sleep(2)
    w.ready()
    w.measure(10, PROBES)
    w.every(0.8, lambda n: get(f"127.0.0.20/wiki/?page={n * 7 % 800 + 1}"))
    w.every(0.9, lambda n: get(f"127.0.0.20/members/{n * 7 % 480 + 1}"), first=0.4)
    w.every(1.2, lambda n: get(f"127.0.0.20/legacy/order/{n + 1}"), first=0.7)
    w.every(27, lambda n: get(("127.0.0.20/wiki/?page=999", "127.0.0.20/members/900", "127.0.0.20/favicon.ico")[n % 3]), first=9)
    return up


def redis_here(w: World):
    """Redis, which saves on the shared disk."""
    return redis(w, "--dir", str(HOME / "data/redis"), "--save", "20 1")
