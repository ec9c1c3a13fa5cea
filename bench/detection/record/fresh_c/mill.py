"""The mill: RabbitMQ between intake (Node) and miller (Ruby), NATS between beacon and lamps (Node). With their failures."""

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
    case,
    chore,
    family,
    home,
    kill,
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


# ── failures ─────────────────────────────────────────────────────────────────────────────────
@case("mill", "queue_backlog", "rabbitmq miller warden", ("warden.log", "consumers=0|depth=(2[6-9]|[3-9]\\d|\\d{3})"), also=("service_crash",),
      why_also="the consumer is gone, the queue grows", after=80)
def rabbit_no_consumer(world: World, run: Any) -> None:
    """The consumer is scaled down to none by mistake; the queue grows and nobody takes from it."""
    stop(run["miller"])


@case("mill", "disk_full", "rabbitmq", ("rabbitmq.log", "disk"), effects=("error_burst", "queue_backlog", "external_api_down"))
def rabbit_disk_alarm(world: World, run: Any) -> None:
    """The disk has less free space than RabbitMQ wants to keep; it blocks all who publish."""
    ctl("set_disk_free_limit 400GB")


@case("mill", "memory_exhaustion", "rabbitmq", ("rabbitmq.log", "memory"), effects=("error_burst", "queue_backlog", "external_api_down"))
def rabbit_memory_alarm(world: World, run: Any) -> None:
    """RabbitMQ uses more memory than it is allowed and blocks all who publish."""
    ctl("set_vm_memory_high_watermark absolute 40MB")


@case("mill", "auth_failures", "rabbitmq intake", ("rabbitmq.log", "refused|invalid credentials"), effects=("error_burst", "external_api_down", "service_crash"))
def rabbit_password_changed(world: World, run: Any) -> None:
    """The password of the intake is changed in RabbitMQ and not where the intake has it."""
    ctl("change_password intake harvest")
    ctl("close_all_connections --vhost mill 'password rotated'")


@case("mill", "queue_backlog", "rabbitmq miller intake", ("intake.log", "rejected"), also=("error_burst",),
      why_also="a full queue, told by those who may not write")
def rabbit_queue_full(world: World, run: Any) -> None:
    """The miller gets stuck; its queue reaches the length that a policy allows and refuses more."""
    ctl("set_policy -p mill bound '^grain$' '{\"max-length\":12,\"overflow\":\"reject-publish\"}'")
    Path("/tmp/stone-stuck").touch()


@case("mill", "service_crash", "rabbitmq", ("intake.log", "ECONNREFUSED|closed|ECONNRESET|refused"), silent=True,
      effects=("error_burst", "external_api_down", "queue_backlog"))
def rabbit_killed(world: World, run: Any) -> None:
    """RabbitMQ is killed and does not come back."""
    number = Path("/var/lib/rabbitmq/mnesia/rabbit@localhost.pid").read_text()
    os.kill(int(number), signal.SIGKILL)
    kill(run["rabbitmq"])


@case("mill", "error_burst", "rabbitmq intake miller", ("intake.log", "returned"), also=("queue_backlog", "service_crash"),
      why_also="messages are lost for want of a queue: no word of the vocabulary means that")
def rabbit_queue_deleted(world: World, run: Any) -> None:
    """An operator deletes the queue in use, and the consumer is not there to declare it again."""
    stop(run["miller"])
    ctl("delete_queue -p mill grain")


@case("mill", "network_failure", "rabbitmq intake miller", ("rabbitmq.log", "heartbeat"), effects=("error_burst", "external_api_down", "service_crash", "queue_backlog"))
def rabbit_dropped(world: World, run: Any) -> None:
    """A firewall rule drops all that goes to RabbitMQ's port; heartbeats stay away and nobody can connect."""
    sh("iptables -A INPUT -d 127.0.1.31 -p tcp --dport 5672 -j DROP")


@case("mill", "service_crash", "nats", ("beacon.log", "REFUSED|DISCONNECT|lost"), silent=True)
def nats_killed(world: World, run: Any) -> None:
    """NATS is killed and does not come back."""
    kill(run["nats"])


@case("mill", "auth_failures", "nats beacon lamps", ("nats.log", "(?i)authentication|authorization"))
def nats_password_changed(world: World, run: Any) -> None:
    """The passwords are changed in the configuration of NATS and it is reloaded; its clients have the old ones."""
    conf("dusk")
    run["nats"].send_signal(signal.SIGHUP)


@case("mill", "service_crash", "lamps", ("beacon.log", "does not answer"), also=("error_burst",), silent=True,
      why_also="told by those who get no answer")
def nats_responder_killed(world: World, run: Any) -> None:
    """The only service that answers requests over NATS is killed."""
    kill(run["lamps"])


@case("mill", "error_burst", "nats", ("nats.log", "maximum connections exceeded"), also=("service_crash", "rate_limited"),
      why_also="connections run out: no word of the vocabulary means that", options={"nats_more": "max_connections: 12"})
def nats_connections_used_up(world: World, run: Any) -> None:
    """A script leaks connections to NATS until it takes no more; the beacon is deployed anew and is refused."""
    world.spawn(
        ["/usr/bin/python3", "-c",
         "import socket, time\nheld = []\nwhile True:\n    try:\n        s = socket.create_connection(('127.0.1.32', 4222), 2)\n"
         "        s.sendall(b'CONNECT {\"user\":\"lamps\",\"pass\":\"light\",\"verbose\":false}\\r\\nPING\\r\\n')\n        held.append(s)\n"
         "        [each.sendall(b'PONG\\r\\n') for each in held[-10:]]\n    except OSError: pass\n    time.sleep(0.4)\n"],
    )
    time.sleep(8)
    stop(run["beacon"])
    run["beacon"] = light(world, "beacon")


@case("mill", "disk_full", "nats", ("beacon.log", "TIMEOUT|not stored"), options={"disk": 24}, also=("error_burst",),
      why_also="NATS says nothing of it, only who writes into its stream does", silent=True, effects=("error_burst", "service_crash", "external_api_down"))
def nats_disk_full(world: World, run: Any) -> None:
    """The disk of NATS's streams is filled by a copy; alarms can be stored no more."""
    sh("dd if=/dev/zero of=/var/lib/nats/copy.tar bs=64k")


@case("mill", "queue_backlog", "rabbitmq miller warden", ("rabbitmq.log", "(?i)timeout"), also=("error_burst", "service_crash"),
      why_also="a consumer that gets stuck: the backlog is what it brings", after=110,
      options={"config": "consumer_timeout = 20000\n"})
def rabbit_consumer_stuck(world: World, run: Any) -> None:
    """The miller gets stuck in a message; it acknowledges nothing, and RabbitMQ closes its channel after a time."""
    ctl("eval 'application:set_env(rabbit, channel_tick_interval, 10000).'")
    Path("/tmp/stone-stuck").touch()



@case("mill", "network_failure", "nats beacon lamps", ("beacon.log", "(?i)timeout|stale|not stored|does not answer"), also=("service_crash",), silent=True,
      why_also="from a client, a server that is gone and one that cannot be reached look alike")
def nats_dropped(world: World, run: Any) -> None:
    """A firewall rule drops all that goes to NATS."""
    sh("iptables -A INPUT -d 127.0.1.32 -j DROP")
