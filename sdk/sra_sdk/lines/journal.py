"""Whose an entry of systemd's journal is, by its fields. From fields and the agent's journald; pure.

What is exported as JSON and read from a file is so of the same services as what is read from the journal.
"""
from __future__ import annotations

from typing import Callable

#: Kinds of units that systemd starts and that fail by themselves, as a mount does.
_STARTED = (".mount", ".socket", ".swap", ".automount", ".timer", ".path", ".device")


def service_of(field: Callable[[str], str]) -> str:
    """Return the name of the unit, the container or the program; `field` returns a field's text, or ""."""
    if field("_TRANSPORT") == "kernel":
        return "kernel"
    # who exports entries may leave out the process
    manager = field("_PID") == "1" or (not field("_PID") and field("SYSLOG_IDENTIFIER") == "systemd")
    about = field("UNIT") if manager else ""
    unit = about or field("_SYSTEMD_UNIT")
    container = field("CONTAINER_NAME")
    if container:
        return container
    if unit.endswith(".service") and not unit.startswith("user@"):
        return unit.removesuffix(".service")
    if about.endswith(_STARTED):
        return about.rpartition(".")[0]
    return field("SYSLOG_IDENTIFIER") or field("_COMM") or unit or "journal"
