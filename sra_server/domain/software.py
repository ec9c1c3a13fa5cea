"""Software: what the name of a service, a port or a client's words tell of a store. From vicinity and case.

A store is a database, a cache or a message broker: what others call, and what calls nobody.
"""
from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache

#: Where a store listens unless it is told otherwise, and parts of the names of services that may be there.
_PORTS = {
    "5432": ("postg", "pg", "patroni", "timescale", "cockroach"), "6432": ("pgbouncer", "odyssey", "pgcat"),
    "3306": ("mysql", "maria", "percona", "galera"), "1521": ("oracle",), "1433": ("mssql", "sqlserver"),
    "6379": ("redis", "valkey", "keydb", "dragonfly"), "11211": ("memcache",), "27017": ("mongo",),
    "9042": ("cassandra", "scylla"), "9200": ("elastic", "opensearch"), "8983": ("solr",), "7687": ("neo4j",),
    "5984": ("couch",), "8123": ("clickhouse",), "8086": ("influx",),
    "5672": ("rabbit", "artemis", "activemq", "qpid"), "61616": ("artemis", "activemq"), "4222": ("nats",),
    "9092": ("kafka", "redpanda"), "1883": ("mosquitto", "emqx"), "2379": ("etcd",), "8500": ("consul",),
    "2181": ("zookeeper",),
}
#: Where a kind of store listens as a rule; who names one of these means that kind.
USUAL_PORTS = frozenset(_PORTS)
_STORES = tuple(sorted({"minio", "ceph", *(part for parts in _PORTS.values() for part in parts)}))
#: And what people call a store of their own, as a word of its name.
_CALLED_STORES = frozenset({"db", "database", "sql", "cache", "queue", "broker", "mq"})
_WORDS = re.compile(r"[^a-z]+")
#: Where stores also listen: a second of a kind on one machine, or the port beside the usual one.
_ALSO = {"5433": "5432", "5434": "5432", "3307": "3306", "6380": "6379", "5671": "5672", "8883": "1883",
         "27018": "27017", "27019": "27017", "2380": "2379", "9093": "9092"}
#: Servers that others call and that call others themselves, or that keep what few would call a store.
_SERVERS = {
    "53": ("named", "bind", "dnsmasq", "unbound", "coredns", "kresd", "knot", "pdns", "resolved"),
    "389": ("slapd", "ldap", "dirsrv"), "636": ("slapd", "ldap", "dirsrv"), "3128": ("squid",),
    "11300": ("beanstalk",), "26379": ("sentinel",), "8200": ("vault", "openbao"), "88": ("krb", "kdc"),
    "25": ("postfix", "exim", "sendmail"), "587": ("postfix", "exim", "sendmail"), "143": ("dovecot",),
    "993": ("dovecot",), "2049": ("nfs",), "873": ("rsync",), "514": ("rsyslog", "syslog"),
    "24": ("dovecot",), "110": ("dovecot",), "995": ("dovecot",), "465": ("postfix", "exim", "sendmail"),
    "9093": ("alertmanager",), "9090": ("prometheus",), "3100": ("loki",),
    "3000": ("grafana",), "1812": ("radius", "freeradius"), "123": ("chrony", "ntp"),
    "21": ("proftpd", "vsftpd"),
    "11332": ("rspamd",), "11334": ("rspamd",), "783": ("spam",), "10024": ("amavis",),
}
#: The resolver's port, where names are asked for.
RESOLVER = "53"
#: What one of several is called that only follows another; nothing is written to it.
_FOLLOWS = re.compile(r"(?:^|[^a-z])(?:replicas?|slave|standby|secondary|follower|read(?:er|only)?|ro)\d*"
                      r"(?:[^a-z]|$)")
#: How clients and drivers speak of a store, by the port where it mostly listens. A store that is reached
#: through another port is still called by its kind.
_SPOKEN = {
    "5432": ("psycopg", "postgres", "asyncpg", "npgsql", "pgx", "pq: ", "pg::", "psqlexception", "pgconn"),
    "3306": ("mysql", "mariadb"), "6379": ("redis", "jedis", "lettuce", "'maxmemory'"),
    "11211": ("memcache",), "27017": ("mongo",), "5672": ("rabbitmq", "amqp", "pika.", "kombu"),
    "9042": ("cassandra",), "9200": ("elasticsearch", "opensearch"), "9092": ("kafka",), "2379": ("etcd",),
    "4222": ("nats: ", "natserror", "nats://"),
    "88": ("any kdc", "kinit"), "1812": ("radius",), "25": ("smtplib", "nodemailer"),
    "1433": ("sqlserver", "sqlclient"), "1521": ("ora-",), "8123": ("clickhouse",),
}
#: Of the words in _CALLED_STORES, which kinds they may be.
_CALLED = {"6379": {"cache"}, "11211": {"cache"}, "5672": {"queue", "broker", "mq"},
           "9092": {"queue", "broker"}}
_DATABASE = {"db", "database", "sql"}
#: Stores that run in the JVM or in Erlang, which are up for many seconds before they answer.
_SLOW = ("rabbit", "artemis", "activemq", "qpid", "kafka", "elastic", "opensearch", "cassandra", "solr",
         "neo4j", "couch", "zookeeper", "emqx")
#: Programs that speak for the host as a whole ...
OF_HOST = frozenset({"kernel", "systemd-networkd", "systemd-resolved", "systemd-oomd", "networkmanager",
                     "earlyoom", "dhclient", "dhcpcd", "wpa_supplicant", "smartd", "mdadm", "monit"})
#: ... and for what runs there: that these tell of a trouble is no reason to start them anew.
_FOR_OTHERS = OF_HOST | {"kubelet", "containerd", "systemd", "init"}
#: Parts of the names of services that pass on what others answer.
_FRONTS = ("nginx", "apache", "httpd", "haproxy", "traefik", "envoy", "caddy", "varnish", "proxy", "gateway",
           "ingress", "balancer", "openresty")
#: What is called after a store and only looks at it, or copies it.
_BESIDES = frozenset({"exporter", "backup", "dump", "admin", "sentinel", "metrics", "monitor", "client"})


@lru_cache(maxsize=1024)
def is_store(service: str) -> bool:
    """Say whether the name of a service is that of a database, cache or message broker."""
    return _begins(service, _STORES) or _called_store(service)


def starts_slowly(service: str) -> bool:
    """Say whether the name of a service is that of a store which takes many seconds to start."""
    return _begins(service, _SLOW)


def speaks_for_others(service: str) -> bool:
    """Say whether a service tells of the host, or of what it has started, and seldom of itself."""
    return service.lower() in _FOR_OTHERS


def passes_on(service: str) -> bool:
    """Say whether the name of a service is that of a proxy, which passes on what others answer."""
    name = service.lower()
    return any(part in name for part in _FRONTS)


def _begins(service: str, parts: Sequence[str]) -> bool:
    """Say whether a word of a service's name begins with one of these."""
    return any(word.startswith(part) for word in _WORDS.split(service.lower()) for part in parts)


def _called_store(service: str) -> bool:
    return not _CALLED_STORES.isdisjoint(_WORDS.split(service.lower()))


@lru_cache(maxsize=1024)
def kind_spoken(text: str) -> str:
    """Return the usual port of the one kind of store that a text in lower case speaks of, or ""."""
    found = [port for port, words in _SPOKEN.items() if any(word in text for word in words)]
    return found[0] if len(found) == 1 else ""


def follows(service: str) -> bool:
    """Say whether the name of a service is that of a replica."""
    return _FOLLOWS.search(service.lower()) is not None


def kind_of(service: str) -> str:
    """Return the usual port of the kind of server that the name of a service tells, or ""."""
    kinds = [port for port, parts in {**_PORTS, **_SERVERS}.items() if _begins(service, parts)]
    return kinds[-1] if kinds else ""


def at_port(port: str, services: Iterable[str]) -> frozenset[str]:
    """Return those services which by their names are what listens at a port; none where it tells nothing."""
    parts = (*_PORTS.get(_ALSO.get(port, port), ()), *_SERVERS.get(port, ()))
    if not parts:
        return frozenset()
    # a pool in front of a database begins like it and has a port of its own
    others = _PORTS["6432"] if _ALSO.get(port, port) == "5432" else ()
    return frozenset(
        each for each in services if _begins(each, parts) and not _begins(each, others)
        and (_BESIDES.isdisjoint(_WORDS.split(each.lower())) or parts == ("sentinel",)))


def of_kind(kind: str, services: Iterable[str]) -> frozenset[str]:
    """Return those services which may be the store of a kind, as `kind_spoken` gives it, by their names."""
    mine = _PORTS.get(kind) or _SERVERS.get(kind, ())
    called = _CALLED.get(kind, _DATABASE if kind in _PORTS else set())
    words = {each: frozenset(_WORDS.split(each.lower())) for each in services if each}
    words = {each: those for each, those in words.items() if _BESIDES.isdisjoint(those)}
    exact = frozenset(each for each in words if _begins(each, mine))
    return exact or frozenset(each for each, those in words.items()
                              if not called.isdisjoint(those) and not _begins(each, _STORES))


def may_listen(service: str, port: str) -> bool | None:
    """Say whether a service may be what listens at a port; None if neither tells."""
    if port in _PORTS:
        return _begins(service, _PORTS[port]) or _called_store(service)
    return False if _begins(service, _STORES) else None
