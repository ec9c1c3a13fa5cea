"""What Alertmanager, and Grafana in its words, tell a webhook that logs it. From fields; to Parsed.

A group of alerts fires or is resolved as one. How bad it is says the label `severity`, so that is the level:
what people have called critical is an error, and what is over, or fires all the time to show that alerts
arrive, is information.
"""
from __future__ import annotations

from typing import Any, NamedTuple, Optional

from .level import ERROR, INFO, WARNING

_GRAVE = frozenset(("critical", "crit", "page", "error", "high", "major", "fatal", "emergency", "disaster"))
_MILD = frozenset(("none", "info", "information", "informational", "debug", "ok", "low"))
_SERVICE = ("service", "app", "application", "service_name")
#: So many alerts of a group are read, so many are named, and so much of a text is taken.
_READ, _NAMED, _TEXT = 100, 3, 300


class Alert(NamedTuple):
    """What a group says: its level, its message, and the service that all of it is about, or ""."""

    level: str
    message: str
    service: str


def alert(fields: dict[str, Any]) -> Optional[Alert]:
    """Return what a group of alerts says; None if the fields are of none."""
    every, status = fields.get("alerts"), fields.get("status")
    if every.__class__ is not list or status not in ("firing", "resolved") or "receiver" not in fields:
        return None
    read = [each for each in every[:_READ] if each.__class__ is dict]
    firing = [each for each in read if each.get("status") == "firing"]
    shown = firing or read
    if not shown:
        return None
    level = max((_rated(_label(each, "severity")) for each in firing), default=_CALM)[1]
    names = list(dict.fromkeys(filter(None, (_label(each, "alertname") for each in shown))))
    where = list(dict.fromkeys(filter(None, (_label(each, "instance") for each in shown))))
    services = {next(filter(None, (_label(each, key) for key in _SERVICE)), "") for each in shown}
    message = f"alert {'firing' if firing else 'resolved'}: {_some(names) or 'without a name'}"
    if where:
        message += f" at {_some(where)}"
    said = next(filter(None, (_text(each.get("annotations"), key) for each in shown
                              for key in ("summary", "message", "description"))), "")
    if said:
        message += f": {said}"
    return Alert(level, message, services.pop() if len(services) == 1 else "")


_CALM = (0, INFO)


def _rated(severity: str) -> tuple[int, str]:
    low = severity.lower()
    return (2, ERROR) if low in _GRAVE else _CALM if low in _MILD else (1, WARNING)


def _label(given: dict[str, Any], key: str) -> str:
    return _text(given.get("labels"), key)


def _text(group: Any, key: str) -> str:
    value = group.get(key) if group.__class__ is dict else None
    return value[:_TEXT] if value.__class__ is str else ""


def _some(names: list[str]) -> str:
    more = len(names) - _NAMED
    return ", ".join(names[:_NAMED]) + (f" and {more} more" if more > 0 else "")
