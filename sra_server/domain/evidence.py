"""Evidence: a stored record, range of points or event that a claim cites. From detect; to analyse, api."""
from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from .record import Point, Record


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """Something stored, with the id that claims cite. `text` is what it said, word for word."""

    id: str
    kind: Literal["record", "points", "event"]
    at: int
    text: str
    service: str = ""
    host: str = ""
    source: str = ""
    line: int | None = None


def of_record(record: Record) -> Evidence:
    """Return the evidence that a record gives; its id is the record's."""
    return Evidence(id=record.id, kind="record", at=record.at, text=record.message, service=record.service,
                    host=record.host, source=record.source, line=record.line)


def of_point(point: Point, text: str) -> Evidence:
    """Return the evidence that a point gives; `text` tells name, value and bound."""
    return Evidence(id=point.id, kind="points", at=point.at, text=text, service=point.service,
                    host=point.host, source=point.name)
