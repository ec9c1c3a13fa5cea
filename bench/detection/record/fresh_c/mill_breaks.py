"""Failures of the mill."""

from __future__ import annotations

import os
import signal
import time

from ground import Any, Path, World, case, kill, sh, stop
from mill import conf, ctl, light


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
