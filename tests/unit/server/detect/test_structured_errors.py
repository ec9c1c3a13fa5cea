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
    # causes below each other, behind traces that are longer than what is read
    {"level": "error", "msg": "save failed", "error": {"message": "flush", "stack": "at a.b\n" * 900,
                                                       "cause": {"name": "E", "cause": {"message": FULL}}}},
    {"level": "ERROR", "message": "save failed", "exception": {"class": "a.B", "stacktrace": [f"a.B: {FULL}",
                                                                                              "at a.b"]}},
    {"level": "ERROR", "message": "save failed", "loggerName": "a", "throwable": {
        "className": "a.B", "stepArray": [{"className": "a"}] * 200, "cause": {"message": FULL}}},
    {"level": "ERROR", "message": "save failed", "exception": {
        "exceptionType": "a.B", "message": "flush", "frames": [{"class": "a"}] * 200,
        "causedBy": {"exception": {"exceptionType": "java.io.IOException", "message": FULL}}}},
    {"level": "error", "msg": "save failed", "error": "first; second",
     "errorCauses": [{"error": "first"}, {"error": FULL}]},
    {"level": "error", "msg": "save failed", "error": "flush", "errorVerbose": f"{FULL}\nflush\nmain.main"},
    {"level": "error", "msg": "save failed", "errors": ["first", {"message": FULL}]},
    {"LogLevel": "Error", "Category": "a.B", "Message": "save failed", "Exception": f"IOException: {FULL}"},
    {"severity_text": "ERROR", "body": "save failed", "attributes": {"exception.message": FULL}},
    {"severityNumber": 17, "body": "save failed", "attributes": {"exception.message": FULL}},
    {"event": "save failed", "level": "error",
     "exception": [{"exc_type": "OSError", "exc_value": FULL, "frames": [{"line": "x"}] * 200}]},
    {"text": "x", "record": {"level": {"name": "ERROR", "no": 40}, "message": "save failed",
                             "exception": {"type": "OSError", "value": FULL},
                             "time": {"repr": "x", "timestamp": 1709632800.1}}},
]


def _classes(given: dict[str, Any]) -> list[str]:
    return [each.meaning.cls for each in tried(load(), [json.dumps(given)]) if each.meaning is not None]


@pytest.mark.parametrize("given", BESIDE, ids=lambda each: ",".join(each))
def test_an_error_is_read_where_the_logger_puts_it(given: dict[str, Any]) -> None:
    assert _classes(given) == ["disk_full"]


@pytest.mark.parametrize("given", [
    {"level": "error", "message": "save failed", "request": {"body": FULL}},
    {"level": "error", "message": "save failed", "err": {"message": "bad", "config": {"data": FULL}}},
    {"level": "error", "message": "no such comment", "comment": {"message": FULL}},
    {"severityNumber": 9, "body": "told", "attributes": {"exception.message": FULL}},
    {"level": "info", "message": "told", "meta": {"error": FULL}},
    {"severity": "INFO", "jsonPayload": {"message": "told", "error": FULL}},
])
def test_what_is_only_repeated_is_not(given: dict[str, Any]) -> None:
    assert _classes(given) == []


def test_an_alarm_of_etcd_is_told_by_its_field() -> None:
    said = {"level": "warn", "ts": "2024-03-05T10:00:00.123Z", "msg": "alarm raised"}
    for alarm in ("NOSPACE", "CORRUPT"):
        assert _classes({**said, "alarm": alarm}) == ["database_failure"]
    assert _classes({**said, "alarm": "NONE"}) == []


def test_an_error_that_has_no_end_is_read_within_bounds() -> None:
    deep: dict[str, Any] = {"message": FULL}
    for _ in range(500):
        deep = {"message": "x" * 3000, "cause": deep}
    assert _classes({"level": "error", "message": "save failed", "error": deep}) == []


def test_what_the_cloud_wraps_is_the_message() -> None:
    line = json.dumps({"severity": "INFO", "jsonPayload": {"message": "served", "user": 7}})
    found = list(tried(load(), [line]))
    assert [(each.record.message, each.record.metadata) for each in found] == [("served", {"user": 7})]
