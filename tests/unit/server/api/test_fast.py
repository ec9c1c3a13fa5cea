"""Decision 12: the fast decoder and the wire models make the same rows of the same bytes."""
from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sra_sdk.errors import BadInput
from sra_sdk.models import BatchIn, LogsIn
from sra_server.api import arrival, body, fast
from sra_server.api.arrival import Defaults

NOW = 1_790_000_000_000_000

odd = st.sampled_from([None, 1, -1, 1.5, True, "", "\x00", "\x7f", "a" * 201, "é" * 200, [], {}, [1],
                       {"a": 1}, 10**30, "1.5", "\u2028", "😀"])
names = st.text(max_size=20) | odd
times = st.sampled_from([
    "2026-01-02T03:04:05Z", "2026-01-02T03:04:05.1Z", "2026-01-02T03:04:05.123456+05:30",
    "2026-01-02T03:04:05.1234567Z", "2026-01-02 03:04:05", "2026-01-02T03:04:05", "2026-01-02",
    "1979-12-31T23:59:59Z", "1980-01-01T00:00:00Z", "2200-01-01T00:00:00Z", "2200-01-01T00:00:00.000001Z",
    "2026-02-30T00:00:00Z",
    "2026-01-02T24:00:00Z", "2026-01-02T03:04:60Z", "2026-01-02T03:04:05z", "2026-01-02T03:04:05-14:59",
    "10000-01-01T00:00:00Z", 1767323045, 1767323045123, "1767323045", "2026-01-02T03:04:05+14:00",
]) | odd
levels = st.sampled_from(["info", "WARN", " Error ", "critical", "loud", "İnfo", "TRACE"]) | odd
finite = st.floats(allow_nan=False, allow_infinity=False)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | finite | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6)
metadata = st.dictionaries(st.text(max_size=6), values, max_size=4)


def some(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({}, optional=fields)


records = some(message=st.text(max_size=60) | st.just("password=hunter22 AKIAIOSFODNN7EXAMPLE"), level=levels,
               service=names, host=names, timestamp=times, source=names, trace_id=names, unknown=values,
               metadata=metadata | odd)
points = some(name=names, value=st.floats() | st.integers() | odd, unit=names, service=names, timestamp=times,
              host=names, tags=st.dictionaries(st.text(max_size=4), values, max_size=3) | odd)
clean = st.text(alphabet=st.characters(codec="utf-8", exclude_characters="\0"))
plain = st.fixed_dictionaries({"message": clean}, optional={
    "level": st.sampled_from(["info", "ERROR"]), "service": st.just("shop"), "metadata": metadata,
    "timestamp": st.just("2026-01-02T03:04:05.000001Z")})


def slow_logs(raw: bytes) -> Any:
    model = body.model(raw, LogsIn)
    defaults = Defaults(service=model.service or "", host=model.host or "", received_at=NOW)
    return arrival.records(model.logs, defaults), defaults.host


def slow_batch(raw: bytes) -> Any:
    model = body.model(raw, BatchIn)
    defaults = Defaults(host=model.host, received_at=NOW)
    return (model.host, model.ends, model.dropped, arrival.records(model.logs, defaults),
            arrival.points(model.metrics, defaults))


def fast_batch(raw: bytes) -> Any:
    found = fast.batch(raw, NOW)
    return found and (found[0].host, found[0].ends, found[0].dropped, found[1], found[2])


def same(quick: Any, raw: bytes, slow: Any) -> None:
    """The fast way may leave a body to the models; what it takes, they take, and alike."""
    if quick is not None:
        assert quick == slow(raw)


@settings(deadline=None, max_examples=400)
@given(some(logs=st.lists(records, max_size=2) | odd, service=names, host=names))
def test_logs(given_body: dict[str, Any]) -> None:
    raw = json.dumps(given_body).encode()
    same(fast.logs(raw, NOW), raw, slow_logs)


@settings(deadline=None, max_examples=400)
@given(some(host=names, logs=st.lists(records, max_size=2) | odd, metrics=st.lists(points, max_size=2) | odd,
            ends=st.dictionaries(st.text(max_size=3), metadata | odd, max_size=2) | odd,
            dropped=st.dictionaries(st.text(max_size=3), st.integers() | odd, max_size=2) | odd))
def test_batches(given_body: dict[str, Any]) -> None:
    raw = json.dumps(given_body).encode()
    same(fast_batch(raw), raw, slow_batch)


@settings(deadline=None, max_examples=150)
@given(st.binary(max_size=40) | st.sampled_from([
    b'{"logs":[{"message":"\\ud800"}]}', b'{"logs":[{"message":"\xed\xa0\x80"}]}',
    b'{"logs":[{"message":"\xff"}]}',
    b'{"logs":[{"message":"a","metadata":{"a":NaN}}]}',
    b'{"logs":[{"message":"a","metadata":{"a":[-Infinity]}}]}',
    b'{"logs":[{"message":"a","metadata":{"a":1e400}}]}',
    b'{"logs":[{"message":"a","message":"b"}]}', b'{"logs":[]} x', b'\xef\xbb\xbf{"logs":[]}', b'{"logs":[]}',
    b'{"logs":[{"message":"a\nb"}]}',
    b'{"logs":[{"message":"a","metadata":' + b"[" * 500 + b"]" * 500 + b"}]}",
    b'{"logs":[{"message":"a","metadata":{"x":' + b"[" * 300 + b"]" * 300 + b"}}]}",
    b'{"logs":[{"message":"a","metadata":{"k\\ud800":1}}]}',
    b'{"logs":[{"message":"a","metadata":{"k":"\\udfff"}}]}',
]))
def test_bytes_of_any_kind(raw: bytes) -> None:
    same(fast.logs(raw, NOW), raw, slow_logs)


@settings(deadline=None, max_examples=150)
@given(st.lists(plain, max_size=3))
def test_usual_bodies_take_the_fast_way(given_logs: list[dict[str, Any]]) -> None:
    raw = json.dumps({"host": "web-1", "logs": given_logs}).encode()
    try:
        expected = slow_logs(raw)
    except BadInput:
        return
    assert fast.logs(raw, NOW) == expected
    assert fast.batch(raw, NOW) is not None


ODD_COLUMNS = [
    ("timestamp", "2026-01-02T03:04:05Z\n2026-01-02T03:04:06Z"), ("timestamp", "2026-01-02T03:04:05Z\n"),
    ("timestamp", ""), ("timestamp", "2200-01-01T00:00:00.000001Z"), ("level", "loud"),
    ("trace_id", "0123456789abcdef\n0123456789abcdef"), ("trace_id", "0123456789abcdef\n"), ("trace_id", ""),
    ("trace_id", "token=abcdef123456"), ("level", " Warn "),
    ("message", "paid 4111111111111111"), ("message", "a\0b"), ("message", ""),
    ("metadata", {"password": "hunter22"}), ("metadata", {"a": "x\0y"}),
    ("metadata", {"a": [[[["token=abcdef123456"]]]]}), ("service", "a\x7fb"), ("host", None)]


@pytest.mark.parametrize(("name", "value"), ODD_COLUMNS)
def test_one_odd_record_among_usual_ones_changes_no_other(name: str, value: Any) -> None:
    usual = {"message": "done in 12 ms", "timestamp": "2026-01-02T03:04:05.5Z", "service": "shop",
             "trace_id": "0123456789abcdef", "metadata": {"ms": 12}}
    raw = json.dumps({"logs": [usual, {"message": "bare"}, {**usual, name: value}, usual]}).encode()
    same(fast.logs(raw, NOW), raw, slow_logs)


@pytest.mark.parametrize("size", [65_536, 65_537, 262_144, 262_145])
@pytest.mark.parametrize("letter", ["x", "é"])
def test_the_bound_of_a_message_is_the_same(size: int, letter: str) -> None:
    raw = json.dumps({"logs": [{"message": letter * (size // len(letter.encode()))}]}).encode()
    assert (fast.logs(raw, NOW) is not None) == (size <= 262_144 or letter == "é")
    same(fast.logs(raw, NOW), raw, slow_logs)
