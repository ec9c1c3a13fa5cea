"""RabbitMQ and its consumers: alarms, a consumer that hangs, a broker that is gone."""

from __future__ import annotations

import os
import signal
import subprocess

import programs as p
from breaking import WEB, fill
from scenario import scenario
from world import HOME, World


def queue(
    w: World, *conf: str, uses: str = "rabbit", mail: bool = True
) -> tuple[subprocess.Popen[bytes], subprocess.Popen[bytes] | None]:
    """RabbitMQ, the shop that publishes and the mailer that consumes."""
    server = p.rabbitmq(w, *conf)
    p.rabbitctl("await_startup")
    p.shop(w, uses)
    consumer = p.mailer(w) if mail else None
    p.nginx(w)
    w.ready()
    w.measure(10, p.probes("rabbitmq", "shop", "nginx"))
    p.visitors(w, logins=False, reports=False)
    w.sleep(20)
    return server, consumer


@scenario(
    "disk_full",
    "rabbitmq",
    ("rabbitmq.log", "(?i)disk resource limit alarm set|free disk space"),
    "rabbitmq.log mailer.log " + WEB,
    also=("queue_backlog",),
    why_also="the alarm stops all publishers, so that the queue stands",
    effects=("error_burst", "external_api_down"),
)
def rabbitmq_disk_alarm(w: World) -> None:
    """The file system of RabbitMQ fills up below its limit: the disk alarm blocks all publishers."""
    disk = w.disk(HOME / "rabbitmq", 120, "rabbitmq")
    queue(w, "disk_free_limit.absolute = 40MB")
    w.breaks()
    fill(disk, keep=8 << 20)
    w.sleep(50)


@scenario(
    "queue_backlog",
    "rabbitmq",
    ("rabbitmq.log", "(?i)memory resource limit alarm set"),
    "rabbitmq.log mailer.log " + WEB,
    also=("memory_exhaustion",),
    why_also="RabbitMQ's memory alarm is about its memory, and its effect is that the queue takes nothing more",
    effects=("error_burst", "external_api_down"),
)
def rabbitmq_memory_alarm(w: World) -> None:
    """An import publishes large messages that nobody takes: the memory alarm blocks all publishers."""
    queue(w, "vm_memory_high_watermark.absolute = 150MB")
    w.breaks()
    w.spawn([p.PYTHON, "flood.py"], cwd=HOME / "app", user="www-data")
    w.sleep(55)


@scenario(
    "queue_backlog",
    "mailer",
    ("rabbitmq.log", "missed heartbeats|timed out"),
    "rabbitmq.log mailer.log " + WEB,
    also=("service_crash", "network_failure"),
    why_also="the consumer hangs, which is a failed service; RabbitMQ only sees that its heartbeats are missing",
    effects=("error_burst",),
    silent=True,
)
def consumer_frozen(w: World) -> None:
    """The mailer hangs (SIGSTOP); RabbitMQ misses its heartbeats and the queue grows."""
    _, consumer = queue(w)
    w.breaks()
    os.kill(consumer.pid, signal.SIGSTOP)  # type: ignore[union-attr]
    w.sleep(60)


@scenario(
    "error_burst",
    "rabbitmq",
    ("mailer.log", "lost|Connection"),
    "rabbitmq.log mailer.log " + WEB,
    also=("service_crash", "external_api_down", "queue_backlog"),
    why_also="a queue that was killed is a crashed service and an upstream that is down",
    effects=("network_failure",),
    silent=True,
)
def rabbitmq_killed(w: World) -> None:
    """RabbitMQ is killed with SIGKILL; mailer and shop cannot reach it."""
    server, _ = queue(w)
    w.breaks()
    found = subprocess.run(["pgrep", "beam.smp"], capture_output=True, text=True, check=False)
    for pid in (*found.stdout.split(), server.pid):
        os.kill(int(pid), signal.SIGKILL)
    w.sleep(45)
