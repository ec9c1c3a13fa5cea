"""A scenario: a function that starts programs, says when it breaks them, and what must be reported of that."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import programs as p

if TYPE_CHECKING:
    from world import World


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """What `case.toml` says, and how to bring it about."""

    run: Callable[[World], None]
    cls: str
    culprit: tuple[str, ...]
    story: str
    decisive: tuple[Any, ...]
    sources: tuple[str, ...]
    also: tuple[str, ...] = ()
    why_also: str = ""
    effects: tuple[str, ...] = ()
    must_not: str = ""
    kind: str = "logs"
    silent: bool = False
    cpu: float = 0.5
    memory_mb: int = 2500
    nice: int = 19
    extra: dict[str, str] = field(default_factory=dict)


SCENARIOS: dict[str, Scenario] = {}


def scenario(
    cls: str, culprit: str | tuple[str, ...], decisive: tuple[Any, ...], sources: str, **more: Any
) -> Callable[[Callable[[World], None]], Callable[[World], None]]:
    """Register a function; its docstring is the story, `sources` its log files by blanks."""

    def keep(run: Callable[[World], None]) -> Callable[[World], None]:
        SCENARIOS[run.__name__] = Scenario(
            run=run,
            cls=cls,
            culprit=(culprit,) if isinstance(culprit, str) else culprit,
            decisive=decisive,
            sources=tuple(sources.split()),
            story=" ".join((run.__doc__ or "").split()),
            **more,
        )
        return run

    return keep


def record(world: World, one: Scenario) -> None:
    """Run a scenario in its world and store it."""
    one.run(world)
    world.finish(
        {
            "name": world.name,
            "class": one.cls,
            "also": list(one.also),
            "why_also": one.why_also,
            "culprit": list(one.culprit),
            "effects": list(one.effects),
            "kind": one.kind,
            "silent": one.silent,
            "story": one.story,
            "must": f"one incident of class {one.cls} that names {' or '.join(one.culprit)}",
            "must_not": one.must_not
            or "anything before broken_at; an incident of a class that is neither this one nor "
            "listed under also or effects",
            "decisive": one.decisive,
        },
        {name: one.extra.get(name, p.SOURCES.get(name, "")) for name in one.sources},
    )
