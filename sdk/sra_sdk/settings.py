"""The sections of sra.toml, one file for server and agent. From and to their settings.

Each reads its own sections and leaves the other's alone; what is nobody's is a slip of the pen, and whoever
ignored it would start without what its writer asked for.
"""
from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from typing import Any

from .errors import BadInput

#: Section → how it is written.
SECTIONS = {"server": "[server]", "services": "[services.NAME]", "agent": "[agent]"}


def check_sections(document: Mapping[str, Any], file: object, code: str) -> None:
    """Raise BadInput for the first section, or setting outside of one, that neither program knows."""
    for name, value in document.items():
        if name in SECTIONS:
            continue
        known = f"the sections are {', '.join(SECTIONS.values())}"
        tables = value if isinstance(value, list) and value else [value]
        if all(isinstance(each, Mapping) for each in tables):
            guess = nearest(name, SECTIONS)
            hint = f"did you mean [{guess}]? {known}" if guess else known
            raise BadInput(f"{file}: there is no section [{name}]", code=code, hint=hint)
        raise BadInput(f"{file}: {name!r} stands outside of every section", code=code,
                       hint=f"write it below the line of its section; {known}")


def nearest(name: str, known: Iterable[str]) -> str:
    """Return which of the known names was most likely meant, or ""."""
    found = difflib.get_close_matches(name.lower(), list(known), n=1)
    return found[0] if found else ""
