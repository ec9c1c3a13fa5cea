"""Detectors: each looks at one committed batch and says what is wrong in it. From pipeline; to correlate.

A detector is one file and one line in DETECTORS. It is pure: what it must remember is in its Memory,
which is bounded, goes through JSON between batches and comes back as it was.
"""
from __future__ import annotations

from typing import Protocol

from ..domain.record import Batch
from ..domain.signal import Signal
from .burst import Burst
from .memory import Memory
from .probe import Probe
from .signatures import Signatures
from .threshold import Threshold


class Detector(Protocol):
    """Finds one kind of sign. `always`: also in a backlog, where only texts still speak the truth."""

    name: str
    always: bool

    def detect(self, memory: Memory, batch: Batch) -> list[Signal]:
        """Return what this batch shows; write what the next ones need into `memory`."""
        ...


DETECTORS: tuple[Detector, ...] = (Signatures(), Probe(), Threshold(), Burst())

__all__ = ["DETECTORS", "Detector", "Memory"]
