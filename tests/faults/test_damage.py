"""The agent's spool is zeroed, cut or has a bit flipped: it starts and reads again, nothing twice.

The log is rotated meanwhile, as logrotate does: while the agent follows it, and while it is dead and its
spool, with every position, is damaged.
"""
from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import pytest

from . import balance
from .extent import by_form, figure
from .site import site

#: Rotated files that are kept beside the one that is written.
KEPT = 4


def zero(path: Path, _chance: random.Random) -> None:
    path.write_bytes(bytes(path.stat().st_size))


def cut(path: Path, chance: random.Random) -> None:
    with path.open("r+b") as file:
        file.truncate(chance.randrange(path.stat().st_size))


def flip(path: Path, chance: random.Random) -> None:
    data = bytearray(path.read_bytes())
    data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
    path.write_bytes(data)


#: The names of rotated files: one that is watched by itself no more, and one that fits the agent's pattern.
NAMES = ("{0.name}.{1}", "{0.stem}.{1}{0.suffix}")


def rotate(log: Path, name: str) -> None:
    """Rename the log and those before it; the oldest goes."""
    for number in range(KEPT, -1, -1):
        path = log.with_name(name.format(log, number)) if number else log
        if path.exists():
            path.rename(log.with_name(name.format(log, number + 1)))
    log.with_name(name.format(log, KEPT + 1)).unlink(missing_ok=True)


WAYS: tuple[Callable[[Path, random.Random], None], ...] = (zero, cut, flip, flip, flip)


@pytest.mark.timeout(2400)
@pytest.mark.parametrize("name", NAMES, ids=("numbered behind", "numbered before"))
def test_the_spool_is_damaged(tmp_path: Path, name: str):
    """While lines wait in it, for the server is away, and while it is empty."""
    chance, n, starts, rotations = random.Random(7), by_form(2, 3, 250), 0, 0
    with site(tmp_path) as here:
        here.start_server()
        here.write(500)
        here.start_agent()
        here.wait_for(here.all_stored, 30, "the first lines")
        for number in range(n):
            waiting = number % 2 == 0
            if waiting:
                here.server.kill()
                here.write(500)
                wal = here.state / "spool.db-wal"
                here.wait_for(lambda wal=wal: wal.stat().st_size > 0, 5, "the spool to be written")
            if number % 3 == 0:  # under the agent's eyes
                rotate(here.logs / "app.log", name)
                here.write(100)
                rotations += 1
            here.agent.kill()
            if own := balance.of_spool(here.state):
                assert own.holds, own
            files = [path for path in (here.state / "spool.db", here.state / "spool.db-wal")
                     if path.exists() and path.stat().st_size]
            WAYS[number % len(WAYS)](chance.choice(files), chance)
            if number % 2 == 0:  # behind its back
                here.write(100)
                rotate(here.logs / "app.log", name)
                rotations += 1
            here.start_agent()
            if waiting:
                here.start_server()
            here.write(500)
            here.wait_for(here.all_stored, 40, f"the lines after damage {number}")
            starts += here.agent.died() is None
        verdict = here.settled()
    figure(f"spool file zeroed, cut or bit-flipped; logs are rotated to {name.format(Path('app.log'), 1)}",
           "starts; bounded re-read, deduplicated; no manual repair",
           f"{verdict}; {starts} of {n} starts; {rotations} rotations meanwhile")
    assert verdict.clean and starts == n, verdict
    assert rotations >= n / 2
