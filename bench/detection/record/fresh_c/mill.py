"""The mill: RabbitMQ between intake (Node) and miller (Ruby), NATS between beacon and lamps (Node)."""

from __future__ import annotations

import os
import signal
import time

from ground import (
    HOME,
    LOG,
    Any,
    Path,
    World,
    chore,
    family,
    home,
    port_open,
    sh,
    shutil,
    stop,
    touch,
)

SOURCES = {
    "rabbitmq.log": "rabbitmq", "intake.log": "intake", "miller.log": "miller", "warden.log": "warden",
    "nats.log": "nats", "beacon.log": "beacon", "lamps.log": "lamps",
}


def _env() -> dict[str, str]:
    base = Path("/var/lib/rabbitmq")
    return {
        "HOME": str(base), "RABBITMQ_LOG_BASE": str(base), "RABBITMQ_MNESIA_BASE": str(base / "mnesia"), "RABBITMQ_LOGS": str(LOG / "rabbitmq.log"),
        "RABBITMQ_CONFIG_FILE": str(base / "rabbitmq"), "RABBITMQ_ENABLED_PLUGINS_FILE": str(base / "enabled_plugins"),
        "RABBITMQ_NODENAME": "rabbit@localhost", "ERL_EPMD_ADDRESS": "127.0.0.1", "RABBITMQ_DIST_PORT": "25672",
        "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "+S 1:1 +sbwt none +sbwtdcpu none +sbwtdio none -kernel inet_dist_use_interface {127,0,0,1}",
    }


def ctl(command: str) -> str:
    given = " ".join(f"{key}='{value}'" for key, value in _env().items())
    return sh(f"{given} /usr/lib/rabbitmq/bin/rabbitmqctl {command}", user="rabbitmq")


def broker(world: World) -> Any:
    one = world.spawn(["/usr/lib/rabbitmq/bin/rabbitmq-server"], user="rabbitmq", log="rabbitmq.out", env=_env())
    port_open("127.0.1.31", 5672, 120)
    return one


def nats(world: World, word: str = "light", more: str = "") -> Any:
    conf(word, more)
    one = world.spawn(["nats-server", "-c", str(HOME / "nats.conf"), "-l", str(LOG / "nats.log")], user="nats")
    port_open("127.0.1.32", 4222)
    return one


def conf(word: str = "light", more: str = "") -> None:
    (HOME / "nats.conf").write_text(
        "listen: 127.0.1.32:4222\nserver_name: mill-nats\nwrite_deadline: \"2s\"\n"
        "jetstream { store_dir: /var/lib/nats, max_file_store: 200MB, max_memory_store: 16MB }\n"
        f"authorization {{ users = [ {{user: beacon, password: {word}}}, {{user: lamps, password: {word}}} ] }}\n{more}\n"
    )


def intake(world: World, **env: str) -> Any:
    return world.spawn(["node", str(HOME / "app/intake.js")], log="intake.log", user="www-data", cwd=HOME / "app", env=env)


def miller(world: World, **env: str) -> Any:
    return world.spawn(["ruby", str(HOME / "app/miller.rb")], log="miller.log", user="www-data", cwd=HOME / "app", env=env)


def light(world: World, role: str, **env: str) -> Any:
    return world.spawn(["node", str(HOME / "app/lamps.js"), role], log=f"{role}.log", user="www-data", cwd=HOME / "app", env=env)


@family("mill", SOURCES)
def start(world: World, disk: int = 0, config: str = "", nats_more: str = "") -> dict[str, Any]:
    touch(*SOURCES)
    base = home("rabbitmq", "/var/lib/rabbitmq", "rabbitmq", world)
    (base / "enabled_plugins").write_text("[rabbitmq_management].\n")
    (base / "rabbitmq.conf").write_text(
        "listeners.tcp.local = 127.0.1.31:5672\nmanagement.tcp.ip = 127.0.1.31\ndefault_user = operator\ndefault_pass = secret\n"
        "default_vhost = mill\nlog.file.level = info\nloopback_users = none\n" + config
    )
    for path in base.iterdir():
        shutil.chown(path, "rabbitmq", "rabbitmq")
    sh("getent passwd nats >/dev/null || useradd -r nats")
    home("nats", "/var/lib/nats", "nats", world, disk)
    run: dict[str, Any] = {"nats": nats(world, more=nats_more), "rabbitmq": broker(world)}
    time.sleep(2)
    for user, word in (("intake", "grain"), ("miller", "stone"), ("warden", "watch")):
        ctl(f"add_user {user} {word}")
        ctl(f"set_permissions -p mill {user} '.*' '.*' '.*'")
    ctl("set_user_tags warden monitoring")
    run["miller"] = miller(world)
    time.sleep(2)
    run["intake"] = intake(world)
    run["lamps"] = light(world, "lamps")
    time.sleep(1)
    run["beacon"] = light(world, "beacon")
    world.spawn(["/usr/bin/python3", str(HOME / "app/warden.py")], log="warden.log", user="www-data")
    return run


# ── everyday life ────────────────────────────────────────────────────────────────────────────
@chore("mill")
def person(world: World, run: Any) -> None:
    """a person mistypes a password of RabbitMQ, and another one of NATS"""
    sh("curl -s -m 4 -u operator:oops http://rmq.mill.lan:15672/api/overview")
    sh("printf 'CONNECT {\"user\":\"beacon\",\"pass\":\"dark\",\"verbose\":false}\\r\\nPING\\r\\n' | timeout 3 bash -c 'exec 3<>/dev/tcp/127.0.1.32/4222; cat >&3; timeout 2 cat <&3'")


@chore("mill")
def operator(world: World, run: Any) -> None:
    """an operator lists queues and connections, adds a queue by policy and an account"""
    ctl("list_queues -p mill name messages consumers")
    ctl("set_policy -p mill old '^old' '{\"max-length\":100}'")
    ctl("add_user guest2 guest2")


@chore("mill")
def hangs(world: World, run: Any) -> None:
    """checks of ports break off, a web request comes to the wrong port"""
    sh("timeout 2 bash -c 'exec 3<>/dev/tcp/127.0.1.31/5672; sleep 0.2'; curl -s -m 3 http://127.0.1.31:5672/; curl -s -m 3 http://127.0.1.32:4222/")


@chore("mill")
def deploy_miller(world: World, run: Any) -> None:
    """the miller is deployed anew; some messages wait for two seconds"""
    stop(run["miller"])
    time.sleep(2)
    run["miller"] = miller(world)


@chore("mill")
def bulk(world: World, run: Any) -> None:
    """three hundred deliveries come at once"""
    sh("for n in $(seq 300); do printf '{\"properties\":{},\"routing_key\":\"grain\",\"payload\":\"{}\",\"payload_encoding\":\"string\"}' |"
       " curl -s -m 3 -u operator:secret -d @- http://rmq.mill.lan:15672/api/exchanges/mill/amq.default/publish; done")


@chore("mill")
def reload_nats(world: World, run: Any) -> None:
    """a setting of NATS is changed and it is reloaded; its log is rotated"""
    conf(more="max_connections: 500")
    run["nats"].send_signal(signal.SIGHUP)
    os.rename(LOG / "nats.log", LOG / "nats.log.1")
    touch("nats.log")
    run["nats"].send_signal(signal.SIGUSR1)


@chore("mill")
def deploy_lights(world: World, run: Any) -> None:
    """beacon and lamps are deployed anew"""
    for role in ("beacon", "lamps"):
        stop(run[role])
        run[role] = light(world, role)


@chore("mill")
def restart_nats(world: World, run: Any) -> None:
    """NATS is restarted as one plans it"""
    stop(run["nats"])
    run["nats"] = nats(world)


@chore("mill")
def restart_rabbit(world: World, run: Any) -> None:
    """RabbitMQ is restarted as one plans it"""
    ctl("stop")
    run["rabbitmq"].wait(30)
    run["rabbitmq"] = broker(world)
