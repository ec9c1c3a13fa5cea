"""State: what the fold remembers of an account between batches, bounded and as JSON. To pipeline."""
from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import orjson

from sra_sdk.errors import BadInput

from .correlate.doubt import HELD, holds
from .correlate.doubt import due as held_until
from .correlate.early import KEPT
from .correlate.rhythm import HEARD
from .correlate.stops import STANDING
from .detect import Memory, due
from .detect.lasting import due as lasting_until
from .domain.case import Case
from .domain.record import MINUTE
from .domain.signal import restored

VERSION = 1
#: A state is no longer than this; each cut halves what is remembered, so that a few of them suffice.
MOST = 8_000_000
_CUTS = 12
#: Entries of the detectors whose series come by the clock, and for how long after its last use an entry does
#: not make room for a new one. What absence waits for is what is not used, so it forgets by itself.
ROOM = {
    "threshold": (8192, 60 * MINUTE), "forecast": (4096, 60 * MINUTE), "leak": (4096, 60 * MINUTE),
    "probe": (4096, 60 * MINUTE), "absence": (8192, 8 * 24 * 60 * MINUTE),
}
_OTHERS = (4096, 0)
_LIFE = 8192
#: Ports at which somebody listens, of all hosts.
LISTENING = 4096
#: It stands near the beginning of the text, so that it is found without reading all.
_UNWATCHED = re.compile(r'"unwatched":(\{[^{}]*\})')


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """Detector memories by name, cases by incident, signs of life (receipt time), places, doubts, stops.

    And what was said before a trouble was told (`early`), the rhythms of services, and who listens where. A
    fold works on a fork: the state that it was given stays as it was.
    """

    clock: int = 0
    detectors: dict[str, Memory] = field(default_factory=dict)
    life: Memory = field(default_factory=lambda: Memory(_LIFE))
    places: Memory = field(default_factory=lambda: Memory(1024))
    cases: Mapping[str, Case] = field(default_factory=dict)
    doubts: Memory = field(default_factory=lambda: Memory(HELD))
    early: Memory = field(default_factory=lambda: Memory(KEPT))
    stops: Memory = field(default_factory=lambda: Memory(STANDING))
    rhythms: Memory = field(default_factory=lambda: Memory(HEARD))
    listening: Memory = field(default_factory=lambda: Memory(LISTENING))

    @classmethod
    def empty(cls) -> State:
        """Return the state of an account that was never looked at."""
        return cls()

    @property
    def live(self) -> bool:
        """Say whether mere time can change something: an incident may still resolve or be forgotten."""
        return bool(self.cases)

    @property
    def due(self) -> int | None:
        """Return when time alone may next tell something, though nothing comes; None if never."""
        silent = due(self.detectors["absence"]) if "absence" in self.detectors else None
        known = (silent, self.lasting, held_until(self.doubts))
        return min((each for each in known if each is not None), default=None)

    @property
    def holds(self) -> bool:
        """Say whether a lesson keeps back what is told at once when it is forgotten."""
        return holds(self.doubts)

    @property
    def lasting(self) -> int | None:
        """Return when what has said nothing of its end will have lasted for too long; None if nothing."""
        return lasting_until(self.detectors["signature"]) if "signature" in self.detectors else None

    @property
    def evicted(self) -> int:
        """Return how many remembered things were given up to keep the state bounded."""
        return self.life.evicted + self.places.evicted + sum(each.evicted for each in self.detectors.values())

    @property
    def unwatched(self) -> dict[str, int]:
        """Return for how many series there is no room, by detector."""
        return {name: n for name, each in self.detectors.items() if (n := each.refused())}

    def fork(self, clock: int) -> State:
        """Return a state that starts equal and is written apart."""
        return replace(self, clock=clock, life=self.life.fork(), places=self.places.fork(),
                       doubts=self.doubts.fork(), early=self.early.fork(), stops=self.stops.fork(),
                       rhythms=self.rhythms.fork(),
                       listening=self.listening.fork(),
                       detectors={name: each.fork(clock) for name, each in self.detectors.items()})

    def memory(self, detector: str) -> Memory:
        """Return a detector's memory, new if it has none."""
        if detector not in self.detectors:
            limit, lasting = ROOM.get(detector, _OTHERS)
            self.detectors[detector] = Memory(limit, lasting=lasting, clock=self.clock)
        return self.detectors[detector]

    def to_json(self) -> str:
        """Return the state as JSON text. It is written with every round, so it must be quick."""
        content = {
            "version": VERSION, "clock": self.clock, "unwatched": self.unwatched,
            "used": {name: each.used() for name, each in self.detectors.items() if each.lasting},
            "life": self.life.to_json(), "places": self.places.to_json(), "doubts": self.doubts.to_json(),
            "early": self.early.to_json(),
            "stops": self.stops.to_json(), "rhythms": self.rhythms.to_json(),
            "listening": self.listening.to_json(),
            "detectors": {name: each.to_json() for name, each in self.detectors.items()},
            "cases": dict(self.cases),
        }
        try:
            return orjson.dumps(content).decode()
        except TypeError:  # halves of characters, numbers above 64 bits: slower, but detection goes on
            return json.dumps(content, default=asdict, separators=(",", ":"))

    def saved(self, most: int = MOST) -> tuple[State, str]:
        """Return the state and its text, at most so long: the least recent goes, and is counted."""
        state, text = self, self.to_json()
        for _ in range(_CUTS):
            if len(text) <= most:
                break
            state = state.fork(state.clock)
            for memory in (*state.detectors.values(), state.life, state.places, state.doubts, state.early,
                           state.stops, state.rhythms, state.listening):
                memory.halve()
            text = state.to_json()
        return state, text

    @classmethod
    def from_json(cls, text: str) -> State:
        """Read what to_json gave; an empty text is the empty state."""
        if not text:
            return cls.empty()
        stored = _read(text)
        if stored.get("version") != VERSION:
            raise BadInput(f"the detection state has version {stored.get('version')!r}, not {VERSION}",
                           hint="it was written by another release; upgrade the server")
        return cls(clock=stored["clock"], life=Memory.from_json(stored["life"], _LIFE),
                   places=Memory.from_json(stored["places"], 1024),
                   doubts=Memory.from_json(stored.get("doubts", [0, []]), HELD),
                   early=Memory.from_json(stored.get("early", [0, []]), KEPT),
                   stops=Memory.from_json(stored.get("stops", [0, []]), STANDING),
                   rhythms=Memory.from_json(stored.get("rhythms", [0, []]), HEARD),
                   listening=Memory.from_json(stored.get("listening", [0, []]), LISTENING),
                   detectors={name: _memory(name, stored) for name in stored["detectors"]},
                   cases={key: _case(each) for key, each in stored["cases"].items()})


def unwatched(text: str | None) -> dict[str, int]:
    """Return for how many series there is no room, by detector, as a state's text says."""
    found = _UNWATCHED.search((text or "")[:1000])
    return _read(found[1]) if found else {}


def counted(text: str | None, incident_id: str) -> dict[str, int]:
    """Return how many records or points each sign of an incident has by now, as a state's text says."""
    case = _read(text).get("cases", {}).get(incident_id) if text else None
    return {each["fingerprint"]: each["count"] for each in case["signals"]} if case else {}


def _memory(name: str, stored: dict[str, Any]) -> Memory:
    limit, lasting = ROOM.get(name, _OTHERS)
    return Memory.from_json(stored["detectors"][name], limit, lasting=lasting,
                            clock=stored["clock"], used=stored.get("used", {}).get(name))


def _read(text: str) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return json.loads(text)


def _case(stored: dict[str, Any]) -> Case:
    return Case(**{**stored, "signals": tuple(restored(each) for each in stored["signals"]),
                   "beyond": tuple(stored.get("beyond", ())), "swept": tuple(stored.get("swept", ())),
                   "heard": tuple(stored.get("heard", ()))})
