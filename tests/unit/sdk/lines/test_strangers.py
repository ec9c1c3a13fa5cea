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


@pytest.mark.parametrize(("line", "expected", "begins"), [
    # levels in another language
    ("[2026-01-31 10:00:00] ERRO: NF-e 7 n\u00e3o autorizada", "error", "NF-e"),
    ("2026-01-31 10:00:00 ERREUR : agenda injoignable", "error", "agenda"),
    ("2026-01-31 10:00:00 FEHLER Tarif nicht erreichbar", "error", "Tarif"),
    ("2026-01-31 10:00:00 AVISO: pedido en espera", "warning", "pedido"),
    # Phoenix, Fly.io, Hanami, winston
    ("10:00:00.000 request_id=9d7d66 [error] payment provider timed out", "error", "payment"),
    ("10:00:00.000 request_id=9d7d66 user=7 [info] Sent 503 in 15012ms", "error", "Sent"),
    ("2026-01-31T10:00:00Z proxy[148e21ab] fra [error] [PC01] refused connection", "error", "[PC01]"),
    ("[tables] [ERROR] [2026-01-31 10:00:00 +0000] could not save", "error", "could"),
    ('error: invoice 7 not rendered {"timestamp":"2026-01-31T10:00:00.000Z"}', "error", "invoice 7"),
    # uWSGI, PHP, the viewer of Windows' events
    ("[pid: 7|app: 0|req: 1/2] 203.0.113.9 () {44 vars in 812 bytes} [Sat Jan 31 10:00:00 2026] GET /a => "
     "generated 12 bytes in 3 msecs (HTTP/1.1 500) 4 headers in 201 bytes (1 switches on core 0)", "error",
     "[pid"),
    ("[Sat Jan 31 10:00:00 2026] PHP Fatal error:  Allowed memory size exhausted", "error", "PHP Fatal"),
    ("[Sat Jan 31 10:00:00 2026] 10.0.0.9:4411 [500]: GET /a", "error", "10.0.0.9"),
    ("Error\t1/31/2026 10:00:00 AM\tService Control Manager\t7034\tNone\tThe X died", "error", "The X"),
    ('Error,1/31/2026 10:00:00 AM,Service Control Manager,7034,None,"The X service died"', "error", "The X"),
])
def test_a_strangers_line_is_read(line: str, expected: str, begins: str) -> None:
    parsed = read(line)
    assert (parsed.at, level(parsed), parsed.service) == (AT, expected, "app")
    assert parsed.message.startswith(begins)


@pytest.mark.parametrize("line", [
    "2026-01-31 10:00:00 ERROL FLYNN was here", "2026-01-31 10:00:00 the word FEHLER: means error",
    "10:00:00.000 request_id=9d7d66 [info] Sent 200 in 12ms",
    "10:00:00.000 request_id=9d7d66 [info] Sent 503 letters",
    # Fly calls all information that a program prints
    "2026-01-31T10:00:00Z app[148e21ab] fra [info] GET /v1/7 200 64ms",
    "[tables] [later] [2026-01-31 10:00:00 +0000] x",
    'info: invoice 7 rendered {"timestamp":"2026-01-31T10:00:00.000Z"}',
    "[Sat Jan 31 10:00:00 2026] 10.0.0.9:4411 [404]: GET /a",
    "[Sat Jan 31 10:00:00 2026] 10.0.0.9:4411 Accepted",
    "Information\t1/31/2026 10:00:00 AM\tService Control Manager\t7036\tNone\tThe X service entered a state.",
])
def test_what_only_looks_like_one_is_no_trouble(line: str) -> None:
    assert level(read(line)) == "info"


def test_what_fly_prints_of_a_program_is_judged_by_its_words() -> None:
    line = "2026-01-31T10:00:00Z app[148e21ab] fra [info] Error: connect ECONNREFUSED 10.0.0.1:5432"
    assert level(read(line)) == "error"


def test_the_kernel_still_speaks_with_such_a_date() -> None:
    parsed = read("[Sat Jan 31 10:00:00 2026] Out of memory: Killed process 7 (php-fpm)")
    assert (parsed.format, level(parsed)) == ("kernel", "critical")


def test_a_letter_is_a_level_once_the_file_said_that_all_is_well_by_one() -> None:
    reader = LineReader(service="edi", now=lambda: AT, tz=UTC)
    failed = "2026-01-31 10:00:00 EDI  E  partner refused the file"
    assert reader.read(failed).level is None
    assert reader.read("2026-01-31 10:00:00 EDI  I  file sent to partner").level == "info"
    read_ = reader.read(failed)
    assert (read_.level, read_.message) == ("error", "partner refused the file")
    # with one blank around it a letter is a word
    assert reader.read("2026-01-31 10:00:00 vitamin E is sold out").level is None
