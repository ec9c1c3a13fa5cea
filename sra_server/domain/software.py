"""Software: what the name of a service or a port tells of a store. From vicinity and case.

A store is a database, a cache or a message broker: what others call, and what calls nobody.
"""
from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

#: Where a store listens unless it is told otherwise, and parts of the names of services that may be there.
_PORTS = {
    "5432": ("postg", "pg", "patroni", "timescale", "cockroach"), "6432": ("pgbouncer", "odyssey"),
    "3306": ("mysql", "maria", "percona", "galera"), "1521": ("oracle",), "1433": ("mssql", "sqlserver"),
    "6379": ("redis", "valkey", "keydb", "dragonfly"), "11211": ("memcache",), "27017": ("mongo",),
    "9042": ("cassandra", "scylla"), "9200": ("elastic", "opensearch"), "8983": ("solr",), "7687": ("neo4j",),
    "5984": ("couch",), "8123": ("clickhouse",), "8086": ("influx",),
    "5672": ("rabbit", "artemis", "activemq", "qpid"), "61616": ("artemis", "activemq"), "4222": ("nats",),
    "9092": ("kafka", "redpanda"), "1883": ("mosquitto", "emqx"), "2379": ("etcd",), "8500": ("consul",),
    "2181": ("zookeeper",),
}
_STORES = tuple(sorted({"minio", "ceph", *(part for parts in _PORTS.values() for part in parts)}))
#: And what people call a store of their own, as a word of its name.
_CALLED_STORES = frozenset({"db", "database", "sql", "cache", "queue", "broker", "mq"})
_WORDS = re.compile(r"[^a-z]+")


@lru_cache(maxsize=1024)
def is_store(service: str) -> bool:
    """Say whether the name of a service is that of a database, cache or message broker."""
    return _begins(service, _STORES) or _called_store(service)


def _begins(service: str, parts: Sequence[str]) -> bool:
    """Say whether a word of a service's name begins with one of these."""
    return any(word.startswith(part) for word in _WORDS.split(service.lower()) for part in parts)


def _called_store(service: str) -> bool:
    return not _CALLED_STORES.isdisjoint(_WORDS.split(service.lower()))


def may_listen(service: str, port: str) -> bool | None:
    """Say whether a service may be what listens at a port; None if neither tells."""
    if port in _PORTS:
        return _begins(service, _PORTS[port]) or _called_store(service)
    return False if _begins(service, _STORES) else None
