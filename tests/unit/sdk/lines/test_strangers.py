"""What collectors, clouds and strangers' loggers write: read with time and level, or left as it is."""
from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from sra_sdk.lines.infer import level_of
from sra_sdk.lines.parse import LineReader, Parsed

AT = int(datetime(2026, 1, 31, 10, tzinfo=UTC).timestamp()) * 1_000_000
STAMP = "2026-01-31T10:00:00Z"


def read(line: str, service: str = "app") -> Parsed:
    return LineReader(service=service, now=lambda: AT + 60_000_000, tz=UTC).read(line)


def level(parsed: Parsed) -> str:
    return level_of(parsed.message, parsed.level, parsed.format, parsed.metadata)


def request(*records: dict[str, Any], service: str = "pay") -> str:
    """One request of OpenTelemetry's protocol."""
    return json.dumps({"resourceLogs": [{
        "resource": {"attributes": [{"key": "service.name", "value": {"stringValue": service}}]},
        "scopeLogs": [{"scope": {"name": "x"}, "logRecords": list(records)}]}]})


def record(number: int, text: str, body: str) -> dict[str, Any]:
    return {"timeUnixNano": f"{AT}000", "severityNumber": number, "severityText": text,
            "body": {"stringValue": body}, "traceId": "277d8f66"}


def test_a_record_of_a_collector_is_read() -> None:
    read_ = read(request(record(17, "Error", "payment 1 failed")))
    assert (read_.at, read_.level, read_.service, read_.message) == (AT, "error", "pay", "payment 1 failed")
    assert read_.metadata["trace_id"] == "277d8f66"


def test_of_many_records_the_first_of_the_gravest_is_read() -> None:
    read_ = read(request(record(9, "Info", "all is well"), record(17, "", "first"), record(17, "", "second")))
    assert (read_.level, read_.message, read_.metadata["records"]) == ("error", "first", 3)


@pytest.mark.parametrize("line", [
    '{"resourceLogs":[]}', '{"resourceLogs":"none","message":"x"}', '{"resourceLogs":[{"scopeLogs":[{}]}]}',
    '{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"body":{"kvlistValue":{"values":[1]}}}]}]}]}',
])
def test_a_request_without_a_record_is_kept_as_it_is(line: str) -> None:
    assert level(read(line)) == "info"


def test_a_balancer_may_count_milliseconds() -> None:
    line = ('http 2026-01-31T10:00:00.000Z app/shop/5 203.0.113.9:4411 10.0.1.2:80 0.000 0.041 0.000 502 - '
            '34 366 "GET https://shop.example:443/a HTTP/1.1" "-"')
    assert (read(line).at, level(read(line)), read(line).metadata["status"]) == (AT, "error", 502)
    assert level(read(line.replace("502 -", "404 404"))) == "info"


def test_a_gateway_names_the_route_in_place_of_the_path() -> None:
    said = {"requestId": "a", "ip": "203.0.113.9", "requestTime": "31/Jan/2026:10:00:00 +0000", "httpMethod":
            "GET", "routeKey": "GET /items/{id}", "status": "504", "protocol": "HTTP/1.1"}
    read_ = read(json.dumps(said))
    assert (read_.at, read_.message, level(read_)) == (AT, '"GET /items/{id}" 504', "error")
    assert level(read(json.dumps({**said, "status": "404"}))) == "info"
    # an id and a state alone are no request
    assert level(read('{"requestId":"a","status":"504","message":"stored"}')) == "info"


@pytest.mark.parametrize(("fields", "expected"), [
    ({"sev": "E"}, "error"), ({"sev": "W"}, "warning"), ({"sev": "ERR"}, "error"),
    ({"sev": "error"}, "error"),
    # numbers count from either end, and a word may be none of a level
    ({"sev": 1}, "info"), ({"sev": "1"}, "info"), ({"sev": "SEV"}, "info"),
])
def test_a_short_name_of_the_level_holds_a_word(fields: dict[str, Any], expected: str) -> None:
    assert level(read(json.dumps({"t": STAMP, "msg": "pick list 7 released", **fields}))) == expected


def test_further_names_of_the_time_are_known() -> None:
    assert read(json.dumps({"when": STAMP, "event": "x"})).at == AT
    asked = {"start_time": STAMP, "method": "GET", "path": "/a", "response_code": 503}
    assert read(json.dumps(asked)).at == AT
    # of a job it says when that began, and not when it was written
    assert read(json.dumps({"start_time": STAMP, "msg": "job done"})).at is None
    assert read(json.dumps({"when": "later", "event": "x"})).at is None
