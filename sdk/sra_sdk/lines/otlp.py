"""A request of OpenTelemetry's protocol as one line of JSON, as its collector writes files.

From jsonlines; to Parsed.
It wraps records in scopes and those in resources. A line is one record to the reader, so of many the first of
the gravest is read, and their number is kept: nothing that one of them says as an error goes by unseen.
"""
from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Optional

WRAPPED = "resourceLogs"
_SIMPLE = ("stringValue", "boolValue", "doubleValue", "bytesValue")
#: Of values within values so many are followed.
_DEPTH = 4


def unwrapped(fields: dict[str, Any]) -> Optional[dict[str, Any]]:
    """Return what the gravest record of a request says, by the names of flat fields; None if it has none."""
    best: Optional[tuple[dict[str, Any], dict[str, Any]]] = None
    count = 0
    for resource, record in _records(fields):
        count += 1
        if best is None or _weight(record) > _weight(best[1]):
            best = resource, record
    if best is None:
        return None
    about, record = best
    told, own = _attributes(about), _attributes(record)
    read: dict[str, Any] = {}
    for stamp in (record.get("timeUnixNano"), record.get("observedTimeUnixNano")):
        if stamp not in (None, "", "0", 0):
            read["timestamp"] = stamp
            break
    read["severityText"] = record.get("severityText")
    read["severityNumber"] = record.get("severityNumber")
    body = _value(record.get("body"), _DEPTH)
    if body in (None, ""):
        body = own.get("exception.message") or record.get("eventName")
    if body is not None:
        read["message"] = body if body.__class__ is str else json.dumps(body, ensure_ascii=False)
    for key in ("service.name", "host.name"):
        if told.get(key).__class__ is str:
            read[key] = told.pop(key)
    if record.get("traceId"):
        read["traceId"] = record["traceId"]
    for key, kept in (("resource", told), ("attributes", own)):
        if kept:
            read[key] = kept
    if count > 1:
        read["records"] = count
    return {key: value for key, value in read.items() if value is not None}


def _records(fields: dict[str, Any]) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    for group in _dicts(fields.get(WRAPPED)):
        resource = group.get("resource")
        for scope in _dicts(group.get("scopeLogs")):
            for record in _dicts(scope.get("logRecords")):
                yield (resource if isinstance(resource, dict) else {}), record


def _dicts(value: Any) -> list[dict[str, Any]]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def _weight(record: dict[str, Any]) -> int:
    number = record.get("severityNumber")
    return number if number.__class__ is int else 0


def _attributes(holder: dict[str, Any]) -> dict[str, Any]:
    return _pairs(holder.get("attributes"), _DEPTH)


def _pairs(value: Any, depth: int) -> dict[str, Any]:
    return {str(each.get("key")): _value(each.get("value"), depth) for each in _dicts(value)}


def _value(value: Any, depth: int) -> Any:
    """Return what a value, which names its own type, holds."""
    if not isinstance(value, dict) or depth <= 0:
        return None if isinstance(value, (dict, list)) else value
    for key in _SIMPLE:
        if key in value:
            return value[key]
    if "intValue" in value:
        number = str(value["intValue"])
        return int(number) if len(number) < 19 and number.lstrip("-").isdigit() else number
    array, pairs = value.get("arrayValue"), value.get("kvlistValue")
    if isinstance(array, dict):
        return [_value(each, depth - 1) for each in _dicts(array.get("values"))]
    if isinstance(pairs, dict):
        return _pairs(pairs.get("values"), depth - 1)
    return None
