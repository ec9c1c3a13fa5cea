"""State: what the fold remembers of an account between batches, bounded and as JSON. To pipeline."""
from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from sra_sdk.errors import BadInput

from .detect import Memory
from .domain.case import Case
from .domain.evidence import Evidence
from .domain.signal import Signal

VERSION = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """Detector memories by name, cases by incident, signs of life (receipt time), probed places.

    A fold works on a fork: the state that it was given stays as it was.
    """

    clock: int = 0
    detectors: dict[str, Memory] = field(default_factory=dict)
    life: Memory = field(default_factory=Memory)
    places: Memory = field(default_factory=lambda: Memory(1024))
    cases: Mapping[str, Case] = field(default_factory=dict)

    @classmethod
    def empty(cls) -> State:
        """Return the state of an account that was never looked at."""
        return cls()

    @property
    def live(self) -> bool:
        """Say whether mere time can change something: an incident may still resolve or be forgotten."""
        return bool(self.cases)

    @property
    def evicted(self) -> int:
        """Return how many remembered things were given up to keep the state bounded."""
        return self.life.evicted + self.places.evicted + sum(each.evicted for each in self.detectors.values())

    def fork(self, clock: int) -> State:
        """Return a state that starts equal and is written apart."""
        return replace(self, clock=clock, life=self.life.fork(), places=self.places.fork(),
                       detectors={name: each.fork() for name, each in self.detectors.items()})

    def memory(self, detector: str) -> Memory:
        """Return a detector's memory, new if it has none."""
        return self.detectors.setdefault(detector, Memory())

    def to_json(self) -> str:
        """Return the state as JSON text."""
        return json.dumps({
            "version": VERSION, "clock": self.clock,
            "life": self.life.to_json(), "places": self.places.to_json(),
            "detectors": {name: each.to_json() for name, each in self.detectors.items()},
            "cases": {key: asdict(case) for key, case in self.cases.items()},
        }, separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str) -> State:
        """Read what to_json gave; an empty text is the empty state."""
        if not text:
            return cls.empty()
        stored = json.loads(text)
        if stored.get("version") != VERSION:
            raise BadInput(f"the detection state has version {stored.get('version')!r}, not {VERSION}",
                           hint="it was written by another release; upgrade the server")
        return cls(clock=stored["clock"], life=Memory.from_json(stored["life"]),
                   places=Memory.from_json(stored["places"], 1024),
                   detectors={name: Memory.from_json(each) for name, each in stored["detectors"].items()},
                   cases={key: _case(each) for key, each in stored["cases"].items()})


def _case(stored: dict[str, Any]) -> Case:
    return Case(**{**stored, "signals": tuple(_signal(each) for each in stored["signals"])})


def _signal(stored: dict[str, Any]) -> Signal:
    return Signal(**{**stored, "remedies": tuple(stored["remedies"]),
                     "evidence": tuple(Evidence(**each) for each in stored["evidence"])})
