"""Correlate: signals and open incidents become changes, one incident per trouble. From detect; to analyse.

Read in this order; all of it is pure. `changes` decides what happens to each signal, and asks the others:
`relation` why it belongs to an incident, with `vicinity` (one host, one time), `echo` (the same words) and
`disks` (one disk); `storm` what to do when very many suffer at once, `stops` who was stopped on purpose,
`settle` what shows that a trouble is over, `comeback` what brings it back, `worse` what of all that people
are told, `union` how two become one, `doubt` what people taught, `silent` who is behind it though it says
nothing, by `rhythm`, how often each is usually heard of, and `heading` how the incident is titled.
"""
from __future__ import annotations

from .changes import correlate
from .rules import Rules

__all__ = ["Rules", "correlate"]
