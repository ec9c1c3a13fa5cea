"""Redis with a replica and a sentinel, the basket application and lighttpd."""

from __future__ import annotations

import os

from stage import (
    HOME,
    LOG,
    Any,
    World,
    app,
    case,
    chore,
    family,
    get,
    hang_up,
    kill,
    load,
    port_open,
    scanner,
    script,
    sh,
    shutil,
    signal,
    stop,
    touch,
)

SOURCES = {
    "redis.log": "redis",
    "redis_replica.log": "redis-replica",
    "sentinel.log": "redis-sentinel",
    "basket.log": "basket",
    "basket_access.log": "basket",
    "lighttpd_error.log": "lighttpd",
    "lighttpd_access.log": "lighttpd",
}
CLI = "redis-cli -h cache1.lan"


def redis(world: World, name: str, address: str, *more: str) -> Any:
    folder = HOME / name
    folder.mkdir(exist_ok=True)
    shutil.chown(folder, "redis", "redis")
    one = world.spawn(
        [
            "redis-server", "--bind", address, "--protected-mode", "no", "--dir", str(folder), "--logfile", str(LOG / f"{name}.log"),
            "--save", "30 10", "--maxmemory", "64mb", *more,
        ],
        user="redis",
    )
    port_open(address, 6379)
    return one


def replica(world: World) -> Any:
    return redis(world, "redis_replica", "127.0.0.72", "--replicaof", "127.0.0.71", "6379", "--replica-announce-ip", "127.0.0.72")


def lighttpd(world: World) -> Any:
    (HOME / "lighttpd.conf").write_text(
        'server.modules = ("mod_proxy", "mod_accesslog")\nserver.document-root = "/var/www/html"\n'
        f'server.errorlog = "{LOG}/lighttpd_error.log"\naccesslog.filename = "{LOG}/lighttpd_access.log"\n'
        'server.bind = "127.0.0.74"\nserver.port = 80\nserver.username = "www-data"\nserver.groupname = "www-data"\n'
        'proxy.server = ("" => (("host" => "127.0.0.73", "port" => 8000)))\n'
    )
    one = world.spawn(["lighttpd", "-D", "-f", str(HOME / "lighttpd.conf")])
    port_open("127.0.0.74", 80)
    return one


@family("cache", SOURCES)
def start(world: World) -> dict[str, Any]:
    touch(*SOURCES)
    run: dict[str, Any] = {"redis": redis(world, "redis", "127.0.0.71"), "replica": replica(world)}
    (HOME / "sentinel.conf").write_text(
        f"bind 127.0.0.75\nport 26379\nprotected-mode no\nlogfile {LOG}/sentinel.log\ndir /tmp\n"
        "sentinel monitor baskets 127.0.0.71 6379 2\nsentinel down-after-milliseconds baskets 5000\n"
    )
    shutil.chown(HOME / "sentinel.conf", "redis", "redis")
    run["sentinel"] = world.spawn(["redis-sentinel", str(HOME / "sentinel.conf")], user="redis")
    run["basket"] = app(world, "basket", "127.0.0.73:8000")
    run["lighttpd"] = lighttpd(world)
    load(
        world, ("POST", "http://127.0.0.74/basket"), ("GET", "http://127.0.0.74/basket/{n}"), ("GET", "http://127.0.0.74/visits"),
    )
    return run


@chore("cache")
def scan(world: World, run: Any) -> None:
    """somebody looks for holes in the web server"""
    scanner("127.0.0.74")


@chore("cache")
def person(world: World, run: Any) -> None:
    """a person mistypes commands and a password"""
    sh(f"{CLI} GTE visits; {CLI} -a wrong GET visits; {CLI} LPUSH visits 1; {CLI} CONFIG SET maxmemroy 1")


@chore("cache")
def bulk(world: World, run: Any) -> None:
    """a bulk import of 20,000 keys, which expire soon"""
    sh(f"for n in $(seq 20000); do echo SET imported:$n {'x' * 60} EX 60; done | {CLI} --pipe")


@chore("cache")
def backup(world: World, run: Any) -> None:
    """a backup: the data set is saved and copied"""
    sh(f"{CLI} BGSAVE; sleep 3; cp {HOME}/redis/dump.rdb /tmp/dump.rdb; {CLI} BGREWRITEAOF")


@chore("cache")
def rotate(world: World, run: Any) -> None:
    """logs of the web server are rotated"""
    os.rename(LOG / "lighttpd_access.log", LOG / "lighttpd_access.log.1")
    (LOG / "lighttpd_access.log").touch()
    (LOG / "lighttpd_access.log").chmod(0o666)
    run["lighttpd"].send_signal(signal.SIGHUP)


@chore("cache")
def hang(world: World, run: Any) -> None:
    """clients hang up before they are answered, others send nonsense to Redis"""
    for _ in range(4):
        hang_up("127.0.0.74", 80, "/visits")
    get("http://127.0.0.74/basket/abc")
    sh("printf 'GET / HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n' | timeout 2 bash -c 'cat > /dev/tcp/127.0.0.71/6379'")


@chore("cache")
def slow(world: World, run: Any) -> None:
    """a slow command by a person"""
    sh(f"{CLI} KEYS '*' > /dev/null; {CLI} DEBUG SLEEP 0.6")


@chore("cache")
def deploy(world: World, run: Any) -> None:
    """baskets are deployed: gunicorn starts new workers"""
    run["basket"].send_signal(signal.SIGHUP)


@chore("cache")
def restart_replica(world: World, run: Any) -> None:
    """the replica is restarted as one plans it"""
    stop(run["replica"])
    run["replica"] = replica(world)


@chore("cache")
def restart_redis(world: World, run: Any) -> None:
    """Redis is restarted as one plans it"""
    stop(run["redis"])
    run["redis"] = redis(world, "redis", "127.0.0.71")


@chore("cache")
def restart_basket(world: World, run: Any) -> None:
    """baskets are restarted as one plans it"""
    stop(run["basket"])
    run["basket"] = app(world, "basket", "127.0.0.73:8000")


@chore("cache")
def restart_lighttpd(world: World, run: Any) -> None:
    """lighttpd is restarted as one plans it"""
    stop(run["lighttpd"], signal.SIGINT)
    run["lighttpd"] = lighttpd(world)


@case("cache", "memory_exhaustion", "redis", ("basket.log", "OOM command|not allowed when used memory"), also=("database_failure",),
      why_also="Redis is the database here, and refuses what needs memory", silent=True)
def redis_full(world: World, run: Any) -> None:
    """An import fills Redis up to its limit; as it must not evict, it refuses all writes."""
    sh(f"{CLI} CONFIG SET maxmemory 24mb")
    sh(f"""awk 'BEGIN {{ for (i = 0; i < 150000; i++) print "SET imported:" i " {'x' * 400}" }}' | {CLI} --pipe""")


@case("cache", "database_failure", "redis", ("redis.log", "Failed opening|Background saving error"), also=("error_burst",),
      why_also="only writes are refused")
def redis_cannot_save(world: World, run: Any) -> None:
    """A clean-up takes the data folder away from Redis; it cannot save and stops to take writes."""
    shutil.chown(HOME / "redis", "root", "root")
    (HOME / "redis").chmod(0o755)


@case("cache", "auth_failures", "redis-replica redis", ("redis_replica.log", "AUTH|WRONGPASS|NOPERM"), also=("database_failure",),
      why_also="the replica is cut off and grows old")
def redis_replica_locked_out(world: World, run: Any) -> None:
    """Redis is given a password for replicas that the replica does not know; it cannot follow any more."""
    sh(f"{CLI} ACL SETUSER replicator on '>right' +psync +replconf +ping")
    sh("redis-cli -h cache2.lan CONFIG SET masteruser replicator; redis-cli -h cache2.lan CONFIG SET masterauth wrong")
    sh(f"{CLI} CLIENT KILL TYPE replica")


@case("cache", "auth_failures", "redis basket", ("basket.log", "HELLO must be called|NOAUTH|Authentication required"), also=("database_failure",),
      why_also="the store is out of reach for want of the password", silent=True)
def redis_password_set(world: World, run: Any) -> None:
    """Redis is given a password; the replica is told and the baskets are not."""
    # a replica without the password would ask again without pause and write half a million lines a minute
    sh("redis-cli -h cache2.lan CONFIG SET masterauth quitenew")
    sh(f"{CLI} CONFIG SET requirepass quitenew; {CLI} -a quitenew CLIENT KILL TYPE normal; {CLI} -a quitenew CLIENT KILL TYPE replica")


@case("cache", "service_crash", "redis", ("basket.log", "refused|Connection closed|reset"), also=("database_failure",),
      why_also="a store that is gone is a crash and a failure of the database", silent=True)
def redis_master_killed(world: World, run: Any) -> None:
    """Redis is killed; there are too few sentinels to promote the replica."""
    kill(run["redis"])


@case("cache", "database_failure", "redis basket", ("basket.log", "read only replica"), also=("error_burst",),
      why_also="only writes fail")
def redis_became_replica(world: World, run: Any) -> None:
    """Somebody makes the primary a replica of its replica by mistake; it takes no writes."""
    sh("redis-cli -h cache2.lan REPLICAOF NO ONE")
    sh(f"{CLI} REPLICAOF 127.0.0.72 6379")


@case("cache", "database_failure", "redis", ("basket.log", "max number of clients"), also=("error_burst",),
      why_also="those that are connected are served", silent=True)
def redis_max_clients(world: World, run: Any) -> None:
    """A report opens connections to Redis and returns none, until nobody else gets one."""
    sh(f"{CLI} CONFIG SET maxclients 40")
    script(world, "hoard", "redis", "cache1.lan", log="hoard")
    world.sleep(12)
    # a deploy at the same time makes the application connect anew
    stop(run["basket"])
    run["basket"] = app(world, "basket", "127.0.0.73:8000")


@case("cache", "service_crash", "basket", ("lighttpd_error.log", "refused|down"), silent=True)
def basket_killed(world: World, run: Any) -> None:
    """The basket application is killed and does not come back; lighttpd has nobody to ask."""
    kill(run["basket"])


@case("cache", "network_failure", "redis", ("basket.log", "[Tt]imeout|timed out"), also=("database_failure",),
      why_also="what cannot be reached is the store", silent=True)
def net_redis_dropped(world: World, run: Any) -> None:
    """A firewall rule drops all that goes to Redis."""
    sh("iptables -A INPUT -d 127.0.0.71 -j DROP")
