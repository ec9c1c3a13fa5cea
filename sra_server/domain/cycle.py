"""Cycle: services that depend on themselves through others. To the configuration, which refuses them."""
from __future__ import annotations

from collections.abc import Mapping


def cycles(depends_on: Mapping[str, tuple[str, ...]]) -> tuple[tuple[str, ...], ...]:
    """Return cycles of declared dependencies: none only if there is none, but not every way around.

    Each begins with the first of its names, so that it is told once, wherever it was entered.
    """
    found: dict[tuple[str, ...], None] = {}
    done: set[str] = set()
    for start in sorted(depends_on):
        way: list[str] = []
        open_: list[tuple[str, int]] = [(start, 0)]  # each service on the way, and its next need
        while open_:
            name, number = open_.pop()
            if number == 0:
                if name in done:
                    continue
                way.append(name)
            needs = depends_on.get(name, ())
            if number == len(needs):
                done.add(way.pop())
                continue
            open_.append((name, number + 1))
            need = needs[number]
            if need in way:
                found[_turned(tuple(way[way.index(need):]))] = None
            elif need not in done:
                open_.append((need, 0))
    return tuple(found)


def _turned(cycle: tuple[str, ...]) -> tuple[str, ...]:
    first = cycle.index(min(cycle))
    return cycle[first:] + cycle[:first]
