"""What a recording of this set says of itself, and how it is stored. To the stacks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from common import World


@dataclass(frozen=True, kw_only=True)
class Told:
    """One failure (`cls` given) or one time of normal operation."""

    run: Callable[[World], None]
    host: str
    sources: dict[str, str]
    story: str
    cls: str = ""
    culprit: tuple[str, ...] = ()
    decisive: tuple[Any, ...] = ()
    also: tuple[str, ...] = ()
    why_also: str = ""
    effects: tuple[str, ...] = ()
    silent: bool = False
    kind: str = "logs"
    cpu: float = 0.6
    memory_mb: int = 2500


CASES: dict[str, Told] = {}


def normal(host: str, sources: dict[str, str], **more: Any) -> Callable[[Callable[[World], None]], Callable[[World], None]]:
    """Register normal operation; the docstring is its story."""

    def note(run: Callable[[World], None]) -> Callable[[World], None]:
        CASES[run.__name__] = Told(run=run, host=host, sources=sources, story=_story(run), **more)
        return run

    return note


def case(host: str, sources: dict[str, str], files: str, cls: str, culprit: str, decisive: tuple[Any, ...], **more: Any) -> Callable[
        [Callable[[World], None]], Callable[[World], None]]:
    """Register a failure of the class `cls`; `files` of `sources` and `culprit` are words with blanks between."""

    def note(run: Callable[[World], None]) -> Callable[[World], None]:
        CASES[run.__name__] = Told(run=run, host=host, sources={name: sources[name] for name in files.split()}, story=_story(run), cls=cls,
                                   culprit=tuple(culprit.split()), decisive=decisive, **more)
        return run

    return note


def _story(run: Callable[[World], None]) -> str:
    return " ".join((run.__doc__ or "").split())


def record(name: str) -> None:
    """Run one in its world and store it."""
    one = CASES[name]
    w = World(name, cpu=one.cpu, memory_mb=one.memory_mb, host=one.host, nice=15)
    one.run(w)
    if not one.cls:
        w.finish({"name": name, "kind": "normal", "story": one.story}, one.sources)
    w.finish({
        "name": name, "class": one.cls, "also": list(one.also), "why_also": one.why_also, "culprit": list(one.culprit),
        "effects": list(one.effects), "kind": one.kind, "silent": one.silent, "story": one.story,
        "must": f"one incident of class {one.cls} that names {' or '.join(one.culprit)}",
        "must_not": "anything before broken_at; an incident of a class that is neither this one nor listed under also or effects",
        "decisive": one.decisive,
    }, one.sources)
