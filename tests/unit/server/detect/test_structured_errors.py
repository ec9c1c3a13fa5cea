"""Where structured loggers put the error of a record: it is read there."""
from __future__ import annotations

import json
from typing import Any

import pytest

from sra_server.detect.catalogue import load
from sra_server.detect.trial import tried

FULL = "write /data/a: no space left on device"
BESIDE = [
    {"@t": "2024-03-05T10:00:00Z", "@mt": "Save of {Id} failed", "@l": "Error",
     "@x": f"System.IO.IOException: {FULL}"},
    {"level": "ERROR", "message": "save failed",
     "thrown": {"name": "java.io.IOException", "message": FULL,
                "extendedStackTrace": [{"class": "a.B", "line": 1}]}},
    {"message": "save failed", "level": 400, "level_name": "ERROR",
     "context": {"exception": {"class": "ErrorException", "message": FULL, "file": "/srv/a.php:3"}}},
    {"time": "2024-03-05T10:00:00Z", "level": "ERROR", "msg": "save failed", "db": {"err": FULL}},
    {"level": "error", "message": "save failed", "meta": {"error": FULL}},
    {"severity": "ERROR", "textPayload": FULL},
    {"severity": "ERROR", "jsonPayload": {"message": FULL, "user": 7}},
    {"severity": "ERROR", "jsonPayload": {"message": "save failed", "error": FULL}},
]


def _classes(given: dict[str, Any]) -> list[str]:
    return [each.meaning.cls for each in tried(load(), [json.dumps(given)]) if each.meaning is not None]


@pytest.mark.parametrize("given", BESIDE, ids=lambda each: ",".join(each))
def test_an_error_is_read_where_the_logger_puts_it(given: dict[str, Any]) -> None:
    assert _classes(given) == ["disk_full"]


@pytest.mark.parametrize("given", [
    {"level": "error", "message": "save failed", "request": {"body": FULL}},
    {"level": "info", "message": "told", "meta": {"error": FULL}},
    {"severity": "INFO", "jsonPayload": {"message": "told", "error": FULL}},
])
def test_what_is_only_repeated_is_not(given: dict[str, Any]) -> None:
    assert _classes(given) == []


def test_what_the_cloud_wraps_is_the_message() -> None:
    line = json.dumps({"severity": "INFO", "jsonPayload": {"message": "served", "user": 7}})
    found = list(tried(load(), [line]))
    assert [(each.record.message, each.record.metadata) for each in found] == [("served", {"user": 7})]
