"""Ingest: every shape of body, defaults, redaction, packing, seals."""
from __future__ import annotations

import asyncio
import gzip
import hashlib
import json
import zlib
from typing import Any

import pytest

from .conftest import Api

RECORDS = ("SELECT at, level, service, host, message, source, trace_id, metadata FROM records "
           "ORDER BY ticket, line")


async def send(api: Api, key: dict[str, str], path: str, body: Any, status: int = 200, **headers: str) -> Any:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    answer = await api.client.post(path, headers={**key, **headers}, content=content)
    assert answer.status_code == status, answer.text
    return answer.json()


async def test_records_are_stored_with_their_defaults(api: Api, key: dict[str, str]) -> None:
    body = {"service": "shop", "host": "web-1", "unknown": 1, "logs": [
        {"message": "a"},
        {"message": "b", "level": "WARN", "service": "pay", "host": "", "source": "app.log", "trace_id": "t",
         "timestamp": "2026-01-02T03:04:05.000006+01:00", "metadata": {"line": 3, "deep": [{"x": None}]}},
        {"message": "c", "timestamp": "2026-01-02T03:04:05"}]}
    answer = await send(api, key, "/ingest/logs", body)
    assert (answer["count"], answer["duplicate"], answer["gap"]) == (3, False, 0)
    first, second, third = api.sql(RECORDS)
    assert first[1:] == (20, "shop", "web-1", "a", None, None, None)
    assert second[:7] == (1767319445000006, 30, "pay", "", "b", "app.log", "t")
    assert json.loads(second[7]) == {"line": 3, "deep": [{"x": None}]}
    assert third[0] == 1767323045000000  # a time without a zone is UTC
    assert api.sql("SELECT received_at FROM batches")[0][0] == first[0]


async def test_a_record_without_service_gets_an_empty_one(api: Api, key: dict[str, str]) -> None:
    await send(api, key, "/ingest/logs", {"logs": [{"message": "a"}]})
    assert api.sql("SELECT service, host FROM records") == [("", "")]


@pytest.mark.parametrize("kind", ["application/json; charset=utf-8", "Application/JSON",
                                  "application/vnd.shop+json"])
async def test_every_type_of_json(api: Api, key: dict[str, str], kind: str) -> None:
    await send(api, key, "/ingest/logs", {"logs": [{"message": "a"}]}, **{"Content-Type": kind})
    assert api.sql("SELECT message FROM records") == [("a",)]


@pytest.mark.parametrize(("body", "headers"), [
    (b'["one", "2026-01-02T03:04:05Z ERROR two"]', {"Content-Type": "application/json"}),
    (b'{"logs": ["one", "2026-01-02T03:04:05Z ERROR two"]}', {"Content-Type": "application/json"}),
    (b"one\n2026-01-02T03:04:05Z ERROR two\n", {"Content-Type": "text/plain; charset=utf-8"}),
    (b"one\r\n2026-01-02T03:04:05Z ERROR two", {"Content-Type": "text/plain"}),
])
async def test_raw_lines_in_every_form(api: Api, key: dict[str, str], body: bytes,
                                       headers: dict[str, str]) -> None:
    assert (await send(api, key, "/ingest/logs/raw", body, **headers))["count"] == 2
    assert api.sql("SELECT level, message FROM records ORDER BY line") == [(20, "one"), (40, "two")]
    assert api.sql("SELECT at FROM records ORDER BY line DESC LIMIT 1") == [(1767323045000000,)]


@pytest.mark.parametrize("body", [
    b'["a"],"service":"inj"', b'["a"]]', b'["a"', b'["a"] x', b'["a", "\\ud800"]', b'[NaN', b"[\xff]"])
async def test_raw_lists_that_are_no_json(api: Api, key: dict[str, str], body: bytes) -> None:
    answer = await send(api, key, "/ingest/logs/raw", body, 400, **{"Content-Type": "application/json"})
    assert answer["code"] in ("malformed_json", "invalid_utf8")
    assert api.sql("SELECT count(*) FROM records") == [(0,)]


@pytest.mark.parametrize(("body", "field"), [(b"[1]", "logs[0]"), (b'["a", {}]', "logs[1]"),
                                             (b'["a\\u0000"]', "logs[0]")])
async def test_raw_lists_of_something_else(api: Api, key: dict[str, str], body: bytes, field: str) -> None:
    answer = await send(api, key, "/ingest/logs/raw", body, 422)
    assert [each["field"] for each in answer["errors"]] == [field]


async def test_the_count_of_raw_lines_is_what_was_stored(api: Api, key: dict[str, str]) -> None:
    lines = ["one", "", "  ", "Traceback (most recent call last):", '  File "a.py", line 1', "ValueError: x"]
    answer = await send(api, key, "/ingest/logs/raw", lines)
    assert api.sql("SELECT count(*) FROM records") == [(answer["count"],)]
    assert answer["count"] == 2


async def test_raw_lines_are_joined_parsed_and_given_a_level(api: Api, key: dict[str, str]) -> None:
    lines = ["Traceback (most recent call last):", '  File "a.py", line 1, in f', "ValueError: no", "",
             "sshd: Failed password for root from 1.2.3.4", "\x1b[31mno known format\x1b[0m"]
    await send(api, key, "/ingest/logs/raw?service=shop&host=web-1&source=out", "\n".join(lines).encode(),
               **{"Content-Type": "text/plain"})
    rows = api.sql("SELECT level, message, service, host, source FROM records ORDER BY line")
    assert rows[0][0] == 40 and rows[0][1].endswith("ValueError: no")
    assert rows[1][0] == 30
    assert "no known format" in rows[2][1]
    assert {row[2:] for row in rows} == {("shop", "web-1", "out")}


async def test_secrets_are_redacted_wherever_they_stand(api: Api, key: dict[str, str]) -> None:
    secret = "AKIAIOSFODNN7EXAMPLE"
    odd = 'password="abc\\"' + secret
    await send(api, key, "/ingest/logs", {"logs": [
        {"message": f"key {secret}", "metadata": {"aws": secret, "deep": [{"k": f"token {secret}"}]}},
        {"message": "m", "metadata": {"text": odd, "n": 1}}]})
    await send(api, key, "/ingest/logs/raw", [f"key {secret}", json.dumps({"message": "m", "k": secret})])
    await send(api, key, "/ingest/batch", {"host": "h", "logs": [{"message": secret}]})
    # a time without a zone is for the models, not for the fast decoder
    await send(api, key, "/ingest/logs", {"logs": [
        {"message": f"key {secret}", "timestamp": "2026-01-02T03:04:05", "metadata": {"aws": secret}}]})
    rows = api.sql(RECORDS)
    assert len(rows) == 6 and secret not in repr(rows)
    for row in rows:
        assert row[7] is None or isinstance(json.loads(row[7]), dict)
    assert json.loads(rows[1][7])["n"] == 1


@pytest.mark.parametrize("zone", ["Z", ""], ids=["fast", "models"])
async def test_names_tags_and_metadata_hold_no_secret(api: Api, key: dict[str, str], zone: str) -> None:
    word = "hunter2-S3cr3t"
    url = f"postgres://app:{word}@db/shop"
    at = f"2026-01-02T03:04:05{zone}"
    hidden = {"password": word, "DB_PASS": word, "pass": word, "url": url, f"token={word}": 1,
              "deep": [{"k": url}]}
    names = {"service": f"shop password={word}", "host": url, "timestamp": at}
    await send(api, key, "/ingest/logs", {"service": url, "host": url, "logs": [
        {"message": "m", **names, "source": url, "trace_id": f"api_key={word}", "metadata": hidden},
        {"message": f"CMD mysql -uroot -p{word}", "timestamp": at}]})
    tags = {"password": word, "url": url, "zone": "a"}
    await send(api, key, "/ingest/batch", {
        "host": "h", "logs": [{"message": "m", **names, "source": url}],
        "metrics": [{"name": "n", "value": 1, "unit": url, **names, "tags": tags}]})
    await send(api, key, "/ingest/metrics", {"metrics": [
        {"name": f"password={word}", "value": 1, "tags": {"pass": word}, "timestamp": at}]})
    await send(api, key, "/ingest/snapshot", {"service": url, "snapshot": {"custom_metrics": {url: 1}}})
    await send(api, key, f"/ingest/logs/raw?service=a&source=password%3D{word}", ["plain"])
    stored = [*api.sql("SELECT * FROM records"), *api.sql("SELECT * FROM points")]
    assert len(stored) == 7 and "S3cr3t" not in repr(stored), stored
    assert '"zone":"a"' in repr(stored)


async def test_an_id_of_a_trace_stays(api: Api, key: dict[str, str]) -> None:
    await send(api, key, "/ingest/logs", {"logs": [{"message": "m", "trace_id": "4111111111111111"}]})
    assert api.sql("SELECT trace_id FROM records") == [("4111111111111111",)]


async def test_metrics_and_snapshots(api: Api, key: dict[str, str]) -> None:
    await send(api, key, "/ingest/metrics", {"service": "shop", "metrics": [
        {"name": "queue", "value": 3, "unit": "jobs", "tags": {"zone": "a", "n": 1}}]})
    answer = await send(api, key, "/ingest/snapshot", {"host": "web-1", "snapshot": {
        "cpu_percent": 85.5, "disk_percent": None, "latency_ms": 250, "custom_metrics": {"active": 7}}})
    assert answer["count"] == 3
    rows = api.sql("SELECT name, value, unit, service, host, tags FROM points ORDER BY ticket, line")
    assert rows == [("queue", 3.0, "jobs", "shop", "", '{"zone":"a","n":1}'),
                    ("system.cpu_percent", 85.5, None, "", "web-1", None),
                    ("latency_ms", 250.0, None, "", "web-1", None), ("active", 7.0, None, "", "web-1", None)]


@pytest.mark.parametrize("custom", [{"": 1}, {"a\0": 1}, {"x" * 201: 1}])
async def test_a_custom_metric_needs_a_name(api: Api, key: dict[str, str], custom: dict[str, float]) -> None:
    answer = await send(api, key, "/ingest/snapshot", {"snapshot": {"custom_metrics": custom}}, 422)
    assert answer["code"] == "validation_failed"


def sealed(body: bytes, number: int = 1, producer: str = "p") -> dict[str, str]:
    return {"X-SRA-Producer": producer, "X-SRA-Sequence": str(number),
            "X-SRA-Digest": hashlib.sha256(body).hexdigest()}


async def test_replayed_regrouped_and_reset_batches(api: Api, key: dict[str, str]) -> None:
    body = json.dumps({"host": "h", "logs": [{"message": "a"}], "ends": {"/log": {"offset": 7}}}).encode()
    first = await send(api, key, "/ingest/batch", body, **sealed(body))
    again = await send(api, key, "/ingest/batch", body, **sealed(body))
    assert (first["duplicate"], again["duplicate"]) == (False, True)
    regrouped = json.dumps({"host": "h", "logs": [{"message": "a"}, {"message": "b"}]}).encode()
    refused = await send(api, key, "/ingest/batch", regrouped, 409, **sealed(regrouped))
    assert refused["code"] == "sequence_reused" and refused["hint"]
    later = await send(api, key, "/ingest/batch", regrouped, **sealed(regrouped, 4))
    assert later["gap"] == 2
    reset = await send(api, key, "/ingest/batch", regrouped, **sealed(regrouped, 1, "p-2"))
    assert (reset["duplicate"], reset["gap"]) == (False, 0)
    assert api.sql("SELECT message FROM records ORDER BY ticket, line") == [
        ("a",), ("a",), ("b",), ("a",), ("b",)]
    ends = await api.client.get("/ingest/ends", params={"host": "h"}, headers=key)
    assert ends.json() == {"host": "h", "ends": {"/log": {"offset": 7}}}


async def test_twenty_sends_at_once_of_one_batch_store_it_once(api: Api, key: dict[str, str]) -> None:
    body = json.dumps({"host": "h", "logs": [{"message": str(i)} for i in range(200)]}).encode()
    answers = await asyncio.gather(*(
        send(api, key, "/ingest/batch", body, **sealed(body)) for _ in range(20)))
    assert sorted(answer["duplicate"] for answer in answers) == [False] + [True] * 19
    assert api.sql("SELECT count(*) FROM records") == [(200,)]


@pytest.mark.parametrize(("pack", "name"), [(gzip.compress, "gzip"), (zlib.compress, "deflate")])
async def test_a_packed_body_with_the_digest_of_either_form(api: Api, key: dict[str, str], pack: Any,
                                                            name: str) -> None:
    body = json.dumps({"host": "h", "logs": [{"message": "a" * 1000}] * 300}).encode()
    packed = pack(body)
    await send(api, key, "/ingest/batch", packed, **sealed(body), **{"Content-Encoding": name})
    await send(api, key, "/ingest/batch", packed, **sealed(packed, 2), **{"Content-Encoding": name})
    assert api.sql("SELECT count(*) FROM records") == [(600,)]


@pytest.mark.parametrize(("body", "encoding", "status", "code"), [
    (gzip.compress(b" " * 40_000_000, mtime=0), "gzip", 413, "body_too_large"),
    (zlib.compress(b" " * 40_000_000), "deflate", 413, "body_too_large"),
    (gzip.compress(b"{}", mtime=0)[:-4], "gzip", 400, "bad_encoding"),
    (gzip.compress(b"{}", mtime=0) + b"more", "gzip", 400, "bad_encoding"),
    (b"not packed", "gzip", 400, "bad_encoding"),
    (b"{}", "br", 415, "unsupported_encoding"),
])
async def test_packed_bodies_that_cannot_be_used(api: Api, key: dict[str, str], body: bytes, encoding: str,
                                                 status: int, code: str) -> None:
    answer = await send(api, key, "/ingest/logs", body, status, **{"Content-Encoding": encoding})
    assert answer["code"] == code
    assert api.sql("SELECT count(*) FROM batches") == [(0,)]


@pytest.mark.parametrize(("headers", "code"), [
    ({"X-SRA-Producer": "a b"}, "bad_seal"), ({"X-SRA-Producer": "x" * 65}, "bad_seal"),
    ({"X-SRA-Sequence": "0"}, "bad_seal"), ({"X-SRA-Sequence": "-1"}, "bad_seal"),
    ({"X-SRA-Sequence": str(2**63)}, "bad_seal"), ({"X-SRA-Digest": "abc"}, "bad_seal"),
    ({"X-SRA-Digest": "0" * 64}, "digest_mismatch"),
])
async def test_a_broken_seal_is_refused(api: Api, key: dict[str, str], headers: dict[str, str],
                                        code: str) -> None:
    body = b'{"host": "h", "logs": [{"message": "a"}]}'
    answer = await send(api, key, "/ingest/batch", body, 400, **{**sealed(body), **headers})
    assert answer["code"] == code
    assert api.sql("SELECT count(*) FROM records") == [(0,)]


async def test_nobody_sees_anothers_end_positions(api: Api, key: dict[str, str]) -> None:
    await send(api, key, "/ingest/batch", {"host": "h", "ends": {"/log": {"offset": 1}}})
    stranger = await api.key(await api.register("stranger@example.com"))
    answer = await api.client.get("/ingest/ends", params={"host": "h"}, headers=stranger)
    assert answer.json()["ends"] == {}
