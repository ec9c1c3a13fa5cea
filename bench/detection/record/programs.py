"""The real programs, their probes and their log files, for the scenarios. From stores, fronts and visits."""

from __future__ import annotations

from fronts import *  # noqa: F403 - one name for all programs
from stores import *  # noqa: F403
from visits import *  # noqa: F403

PROBES = {
    "postgresql": {"name": "postgresql", "service": "postgresql", "tcp": "127.0.0.11:5432"},
    "redis": {"name": "redis", "service": "redis", "tcp": "127.0.0.12:6379"},
    "mariadb": {"name": "mariadb", "service": "mariadb", "tcp": "127.0.0.13:3306"},
    "rabbitmq": {"name": "rabbitmq", "service": "rabbitmq", "tcp": "127.0.0.14:5672"},
    "memcached": {"name": "memcached", "service": "memcached", "tcp": "127.0.0.15:11211"},
    "nginx": {"name": "nginx", "service": "nginx", "http": "http://127.0.0.20/health"},
    "haproxy": {"name": "haproxy", "service": "haproxy", "tcp": "127.0.0.21:80"},
    "shop": {"name": "shop", "service": "shop", "http": "http://127.0.0.30:8001/health"},
    "payment": {"name": "payment", "service": "payment", "http": "http://127.0.0.31:3000/health"},
    "billing": {"name": "billing", "service": "billing", "http": "http://127.0.0.32:8080/health"},
    "sshd": {"name": "sshd", "service": "sshd", "tcp": "127.0.0.40:22"},
}


def probes(*names: str) -> tuple[dict[str, str], ...]:
    return tuple(PROBES[name] for name in names)


#: file → service
SOURCES = {
    "postgresql.log": "postgresql",
    "redis.log": "redis",
    "mariadb.log": "mariadb",
    "rabbitmq.log": "rabbitmq",
    "memcached.log": "memcached",
    "nginx-access.log": "nginx",
    "nginx-error.log": "nginx",
    "haproxy.log": "",
    "auth.log": "",
    "syslog": "",
    "shop.log": "shop",
    "gunicorn.log": "shop",
    "mailer.log": "mailer",
    "crm.log": "crm",
    "payment.log": "payment",
    "payment.out": "payment",
    "billing.log": "billing",
    "billing.out": "billing",
    "mailer.out": "mailer",
    "crm.out": "crm",
}


def sources(*names: str) -> dict[str, str]:
    return {name: SOURCES[name] for name in names}
