"""Rules: by what one fold is decided, beside its signals and incidents. From pipeline; to changes."""
from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ..domain.known import Known
from ..domain.lesson import Lesson
from .doubt import Doubts
from .rhythm import Rhythms
from .stops import Stops


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """Quiet and reopen in microseconds, what is known of the surroundings, lessons and what they hold.

    `doubts` and `stops` are written: they are the fold's own copies.
    """

    quiet: int
    reopen: int
    known: Known = field(default_factory=Known)
    lessons: Mapping[str, Lesson] = field(default_factory=dict)
    doubts: Doubts | None = None
    stops: Stops | None = None
    rhythms: Rhythms | None = None
