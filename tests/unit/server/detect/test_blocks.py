"""Hours in two dozen numbers, and where in them a fall began."""
from __future__ import annotations

import json
import random

import pytest

from sra_server.detect.blocks import Blocks, read, store
from sra_server.domain.record import SECOND

MINUTE = 60 * SECOND


def of(values: list[float], *, step: int = 10) -> Blocks:
    blocks = Blocks()
    for n, value in enumerate(values):
        blocks = blocks.add(n * step * SECOND, value)
    return blocks


def test_hours_are_kept_in_two_dozen_numbers_whatever_comes() -> None:
    blocks = of([float(n) for n in range(10_000)])
    newest = blocks.newest()
    assert len(newest) <= 24
    assert 4 * 12 <= sum(size for size, _ in newest) <= 56
    assert [mean for _, mean in newest] == sorted((mean for _, mean in newest), reverse=True)
    # what is newest is the last whole five minutes
    assert newest[0] == (1, blocks.begun / SECOND / 10 - 15.5)


@pytest.mark.parametrize("quiet", [0, 30, 120, 600])
def test_a_fall_is_seen_from_where_it_began(quiet: int) -> None:
    """60 minutes of it, after minutes of quiet, each with its jitter."""
    chance = random.Random(4)
    values = [100 + chance.gauss(0, 0.5) for _ in range(quiet * 6)]
    values += [100 - 30 * n / 360 + chance.gauss(0, 0.5) for n in range(361)]
    fall = of(values).fall(steady=0.95, still=0.5)
    assert fall is not None
    assert fall.rate * 3600 == pytest.approx(-30, rel=0.15)
    assert 3000 <= fall.seconds <= 4500


@pytest.mark.parametrize("values", [
    [50.0] * 2000, [], [50.0],
    [50 + n / 100 for n in range(2000)],
    [100 - 30 * min(1.0, n / 360) for n in range(600)],  # it ended
])
def test_what_does_not_fall_is_none(values: list[float]) -> None:
    assert of(values).fall(steady=0.95, still=0.5) is None


def test_a_fall_that_ends_is_known_before_the_line_bends() -> None:
    blocks = of([100 - 30 * n / 360 for n in range(361)])
    fall = blocks.fall(steady=0.95, still=0.5)
    assert fall is not None
    at = blocks.begun
    assert not fall.ended(at + 5 * MINUTE, 67.5, blocks=0.25)
    assert not fall.ended(at + 5 * MINUTE, 70.0, blocks=2)
    assert fall.ended(at + 5 * MINUTE, 70.0, blocks=0.25)
    assert fall.ended(at + 15 * MINUTE, 70.0, blocks=2)
    assert fall.left(at + 5 * MINUTE, 67.5) == pytest.approx(67.5 * 120, rel=0.02)


def test_what_swings_is_explained_and_what_plunges_is_not() -> None:
    """A fall of 20 an hour with a swing of 4 within each hour."""
    values = [400 - 20 * n / 360 - 4 * (n % 360) / 360 for n in range(1441)]
    fall = of(values).fall(steady=0.95, still=0.5)
    assert fall is not None
    now = values[-1]
    assert fall.explains(1440 * 10 * SECOND, now - 2)
    assert not fall.explains(1440 * 10 * SECOND, now - 30)


def test_a_hole_is_filled_and_what_is_stored_is_read() -> None:
    blocks = Blocks().add(0, 10.0).add(20 * MINUTE, 6.0).add(26 * MINUTE, 6.0)
    assert [mean for _, mean in blocks.newest()] == [6.0, 6.0, 6.0, 6.0, 10.0]
    assert read(json.loads(json.dumps(store(blocks)))) == blocks
