"""Somebody guesses passwords, or a program uses an old one."""

from __future__ import annotations

import subprocess

import programs as p
from scenario import scenario
from world import HOME, World


@scenario("auth_failures", "sshd", ("auth.log", "Failed password"), "auth.log", effects=())
def ssh_brute_force(w: World) -> None:
    """Somebody guesses passwords of many users at the SSH server."""
    p.rsyslog(w)
    p.sshd(w)
    w.ready()
    w.measure(10, p.probes("sshd"))
    w.every(10, lambda n: p.ssh_key())
    w.sleep(20)
    w.breaks()
    users = ("root", "admin", "oracle", "test", "deploy", "ubuntu", "git", "postgres")
    for way in range(2):
        w.every(0.5, lambda n, way=way: p.ssh_password(users[(n * 2 + way) % 8], f"guess{n}"))
    w.sleep(45)


@scenario(
    "auth_failures", ("sshd", "su", "su[]"), ("auth.log", "authentication failure|FAILED SU"), "auth.log"
)
def su_failures(w: World) -> None:
    """A taken-over account tries passwords for root with su: PAM failures in auth.log."""
    p.rsyslog(w)
    p.sshd(w)
    w.ready()
    w.measure(10, p.probes("sshd"))
    w.every(10, lambda n: p.ssh_key())
    w.sleep(20)
    w.breaks()
    for _ in range(12):
        subprocess.run(
            [p.PYTHON, str(HOME / "app/try_su.py")],
            check=False,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        w.sleep(0.5)
    w.sleep(5)


@scenario(
    "auth_failures",
    ("rabbitmq", "mailer", "shop"),
    ("rabbitmq.log", "refused|invalid credentials"),
    "rabbitmq.log mailer.log",
    effects=("queue_backlog", "error_burst"),
)
def rabbitmq_password(w: World) -> None:
    """The password of the queue's user is changed; three mailers keep trying with the old one."""
    p.rabbitmq(w)
    p.rabbitctl("await_startup")
    for _ in range(3):
        p.mailer(w)
    w.ready()
    w.measure(10, p.probes("rabbitmq"))
    w.sleep(20)
    w.breaks()
    p.rabbitctl("change_password", "shop", "another")
    p.rabbitctl("close_all_connections", "password changed")
    w.sleep(45)
