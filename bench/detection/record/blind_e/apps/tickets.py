"""Hands out session tickets kept in a cluster of Redis; a worker loop with structlog, as key=value."""

import sys
import time
import uuid

import structlog
from redis.backoff import ConstantBackoff
from redis.cluster import ClusterNode, RedisCluster
from redis.exceptions import RedisError
from redis.retry import Retry

structlog.configure(processors=[
    structlog.processors.TimeStamper(fmt="iso", utc=True), structlog.processors.add_log_level, structlog.processors.format_exc_info,
    structlog.processors.KeyValueRenderer(key_order=["timestamp", "level", "event"])])
log = structlog.get_logger()


def connect() -> RedisCluster:
    return RedisCluster(startup_nodes=[ClusterNode(f"127.0.3.2{n}", 7000) for n in (1, 2, 3)], password="turnstile",
                        socket_timeout=2, socket_connect_timeout=2, retry=Retry(ConstantBackoff(0.1), 1))


def main() -> None:
    cluster = None
    made, told = 0, time.monotonic()
    while True:
        try:
            if cluster is None:
                cluster = connect()
                log.info("connected to the cluster", nodes=len(cluster.get_nodes()))
            number = uuid.uuid4().hex
            cluster.set(f"ticket:{number}", "x" * 200, ex=120)
            cluster.get(f"ticket:{number}")
            made += 1
        except RedisError as error:
            log.error("ticket not stored", error=str(error), kind=type(error).__name__)
            if cluster is None:
                time.sleep(1)
        if time.monotonic() - told > 10:
            log.info("tickets made", count=made)
            made, told = 0, time.monotonic()
        time.sleep(0.4)


try:
    main()
except KeyboardInterrupt:
    sys.exit(0)
