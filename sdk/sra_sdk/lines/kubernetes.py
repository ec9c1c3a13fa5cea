"""Of what an event of Kubernetes is: the workload of the pod that it is about, or the node. To fields; pure.

A pod's name ends in what its owner made up: a hash of the template, and five letters without vowels
(https://kubernetes.io/docs/concepts/overview/working-with-objects/names/, generateName).
"""
from __future__ import annotations

import re
from typing import Any, NamedTuple

_MADE_UP = re.compile(r"(?:-[0-9a-f]{6,10})?-[bcdfghjklmnpqrstvwxz2456789]{5}\Z")
_TEMPLATE = re.compile(r"-[0-9a-f]{6,10}\Z")
_OWN = {"Pod": _MADE_UP, "ReplicaSet": _TEMPLATE}


class About(NamedTuple):
    """The service and the host that an event is about; "" where it names none."""

    service: str = ""
    host: str = ""


def about(fields: dict[str, Any]) -> About:
    """Return what an event with these fields is about."""
    thing = fields.get("involvedObject") or fields.get("regarding")
    if thing.__class__ is not dict or "reason" not in fields:
        return About()
    kind, called = thing.get("kind"), thing.get("name")
    if kind.__class__ is not str or called.__class__ is not str:
        return About()
    if kind == "Node":
        return About(host=called)
    return About(_OWN[kind].sub("", called) if kind in _OWN else called)
