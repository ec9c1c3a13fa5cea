"""Detectors: each looks at one committed batch and says what is wrong in it. From pipeline; to correlate.

A detector is one file and one line in DETECTORS. It is pure: what it must remember is in its Memory,
which is bounded, goes through JSON between batches and comes back as it was.
"""
from __future__ import annotations

from typing import Protocol

from ..domain.record import Batch
from ..domain.signal import Signal
from .absence import Absence, due
from .baseline import Baseline
from .burst import Burst
from .catalogue import Catalogue
from .forecast import Forecast
from .leak import Leak
from .memory import Memory
from .novelty import Novelty
from .probe import Probe
from .servers import Servers
from .signatures import Signatures
from .threshold import Threshold


class Detector(Protocol):
    """Finds one kind of sign. `always`: also in a backlog, where only texts still speak the truth."""

    name: str
    always: bool

    def detect(self, memory: Memory, batch: Batch) -> list[Signal]:
        """Return what this batch shows; write what the next ones need into `memory`."""
        ...


DETECTORS: tuple[Detector, ...] = (
    Signatures(), Probe(), Threshold(), Forecast(), Leak(), Baseline(), Absence(), Servers(), Burst(),
    Novelty())
#: Asked on ticks, too, for mere time tells them something.
TICKED = frozenset({"absence", "signature"})


def with_catalogue(catalogue: Catalogue) -> tuple[Detector, ...]:
    """Return the detectors, with signatures from another catalogue than the one that comes with SRA."""
    return tuple(Signatures(catalogue) if isinstance(each, Signatures) else each for each in DETECTORS)


__all__ = ["DETECTORS", "TICKED", "Detector", "Memory", "due", "with_catalogue"]
