"""Cycles of declared dependencies: each is found, once, and a chain or a diamond is none."""
from __future__ import annotations

import pytest

from sra_server.domain.cycle import cycles


@pytest.mark.parametrize(("depends_on", "found"), [
    ({}, []),
    ({"web": ("shop",), "shop": ("db",)}, []),
    ({"web": ("shop", "pay"), "shop": ("db",), "pay": ("db",), "db": ("disk",)}, []),
    ({"shop": ("shop",)}, [("shop",)]),
    ({"b": ("a",), "a": ("b",)}, [("a", "b")]),
    ({"web": ("shop",), "shop": ("pay", "db"), "pay": ("bank",), "bank": ("shop",)},
     [("bank", "shop", "pay")]),
    ({"a": ("b", "b"), "b": ("a",), "x": ("y",), "y": ("x", "a")}, [("a", "b"), ("x", "y")]),
    ({"a": ("b", "c"), "b": ("a",), "c": ("a",)}, [("a", "b"), ("a", "c")]),
])
def test_cycles_are_found(depends_on: dict[str, tuple[str, ...]], found: list[tuple[str, ...]]) -> None:
    assert sorted(cycles(depends_on)) == found


def test_a_long_way_is_no_matter() -> None:
    long = {str(n): (str(n + 1),) for n in range(5000)}
    assert cycles(long) == ()
    assert len(cycles({**long, "5000": ("0",)})[0]) == 5001
