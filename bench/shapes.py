"""Write log files of several realistic shapes, the same each time. From the agent's benchmarks; to a file.

Nothing here is copied from a real log: names, addresses and numbers are drawn from a seeded generator, so
that they vary as they do in life (ids, durations, paths, user agents, a stack trace now and then).
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

BEGAN = datetime(2026, 3, 14, 6, 0, 0, tzinfo=UTC)
AGENTS = (
    "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0",
    "curl/8.9.1",
    "kube-probe/1.31",
)
PATHS = ("/", "/cart", "/api/v2/orders/{n}", "/api/v2/users/{n}/cards", "/static/app.{h}.js", "/search?q={w}")
WORDS = ("lamp", "desk", "chair", "shelf", "sofa", "mirror", "rug", "vase", "clock", "stool")
LOGGERS = ("shop.orders", "shop.stock", "shop.db.pool", "shop.http", "shop.mail")
SAYINGS = (
    "order {n} accepted for customer {m} in {k} ms",
    "reserved {k} of {w} in warehouse {k}, {n} left",
    "pool has {k} idle of 20 connections, waited {k} ms",
    "GET /api/v2/items/{n} answered 200 in {k} ms, request {h}",
    "mail {h} queued for delivery, attempt {k}",
    "cache miss for item:{n}, fetched {m} bytes",
    "user {m} refreshed the session from 10.3.{k}.{k}",
    "worker {k} took job {h} after {k} ms",
)
TRACE = (
    "Traceback (most recent call last):",
    '  File "/srv/shop/orders.py", line 118, in place',
    "    self.stock.reserve(item, count)",
    '  File "/srv/shop/stock.py", line 42, in reserve',
    '    raise OutOfStock(f"{item} is out of stock")',
    "shop.stock.OutOfStock: {w} is out of stock",
)
Line = Callable[[random.Random, datetime], "list[str]"]


def fill(text: str, draw: random.Random) -> str:
    """Return the text with numbers, words and ids drawn."""
    return (
        text.replace("{n}", str(draw.randrange(1_000_000)))
        .replace("{m}", str(draw.randrange(50_000)))
        .replace("{k}", str(draw.randrange(256)))
        .replace("{h}", f"{draw.getrandbits(48):012x}")
        .replace("{w}", draw.choice(WORDS))
    )


def python(draw: random.Random, at: datetime) -> list[str]:
    """An application's log with Python's common format, one line in 500 with a stack trace."""
    stamp = f"{at:%Y-%m-%d %H:%M:%S},{at.microsecond // 1000:03d}"
    if draw.random() < 0.002:
        return [f"{stamp} - shop.orders - ERROR - order {draw.randrange(10**6)} failed"] + [
            fill(line, draw) for line in TRACE
        ]
    level = draw.choices(("INFO", "DEBUG", "WARNING"), (90, 8, 2))[0]
    return [f"{stamp} - {draw.choice(LOGGERS)} - {level} - {fill(draw.choice(SAYINGS), draw)}"]


def nginx(draw: random.Random, at: datetime) -> list[str]:
    """An access log in the combined form."""
    status = draw.choices((200, 304, 404, 401, 500), (900, 60, 30, 8, 2))[0]
    return [
        f"10.{draw.randrange(256)}.{draw.randrange(256)}.{draw.randrange(256)} - - "
        f"[{at:%d/%b/%Y:%H:%M:%S} +0000] "
        f'"GET {fill(draw.choice(PATHS), draw)} HTTP/1.1" {status} {draw.randrange(40_000)} "-" '
        f'"{draw.choice(AGENTS)}"'
    ]


def syslog(draw: random.Random, at: datetime) -> list[str]:
    """A machine's syslog."""
    program, text = draw.choice(
        (
            ("sshd[{n}]", "Accepted publickey for deploy from 10.3.{k}.{k} port {m} ssh2: ED25519"),
            ("sshd[{n}]", "Failed password for invalid user {w} from 203.0.113.{k} port {m} ssh2"),
            ("systemd[1]", "Started session-{n}.scope - Session {n} of user deploy."),
            ("cron[{n}]", "(root) CMD (test -x /usr/sbin/{w} && /usr/sbin/{w} --quiet)"),
            ("kernel", "[{n}.{m}] eth0: link is up at {k} Mbps, full duplex"),
            ("dhclient[{n}]", "DHCPREQUEST for 10.3.{k}.{k} on eth0 to 10.3.0.1 port 67"),
        )
    )
    return [f"{at:%b} {at.day:2d} {at:%H:%M:%S} web-1 {fill(program, draw)}: {fill(text, draw)}"]


def structured(draw: random.Random, at: datetime) -> list[str]:
    """JSON lines and logfmt."""
    stamp, said = f"{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond:06d}Z", fill(draw.choice(SAYINGS), draw)
    if draw.random() < 0.5:
        return [
            f'{{"time":"{stamp}","level":"info","logger":"{draw.choice(LOGGERS)}","msg":"{said}",'
            f'"user_id":{draw.randrange(50_000)},"took_ms":{draw.randrange(900)}}}'
        ]
    return [
        f'time={stamp} level=info logger={draw.choice(LOGGERS)} msg="{said}" took={draw.randrange(900)}ms'
    ]


def java(draw: random.Random, at: datetime) -> list[str]:
    """What Spring Boot writes."""
    return [
        f"{at:%Y-%m-%d %H:%M:%S}.{at.microsecond // 1000:03d}  INFO {draw.randrange(900, 910)} --- "
        f"[nio-8080-exec-{draw.randrange(1, 21)}] o.e.s.{draw.choice(('OrderService', 'StockService'))} : "
        f"{fill(draw.choice(SAYINGS), draw)}"
    ]


def mixed(draw: random.Random, at: datetime) -> list[str]:
    """All of them in one file, as a container's output of several programs."""
    return draw.choice((python, nginx, syslog, structured, java))(draw, at)


SHAPES: dict[str, Line] = {
    "python": python,
    "nginx": nginx,
    "syslog": syslog,
    "structured": structured,
    "java": java,
    "mixed": mixed,
}


def lines(shape: str, count: int, seed: int = 1) -> Iterator[str]:
    """Yield about `count` lines, about 300 to a second of their own time."""
    draw, at, made = random.Random(seed), BEGAN, 0
    while made < count:
        event = SHAPES[shape](draw, at)
        yield from event
        made += len(event)
        at += timedelta(microseconds=draw.randrange(6_600))


def write(path: Path, shape: str, count: int) -> int:
    """Write a file; return how many lines it has."""
    made = 0
    with path.open("w", encoding="utf-8") as file:
        for line in lines(shape, count):
            file.write(line + "\n")
            made += 1
    return made
