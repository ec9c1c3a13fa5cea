"""What dockerd sends, cut anywhere: frames, terminals, parts of long lines, and places to go on from."""

from __future__ import annotations

import pytest

from sra_agent.sources.docker_frames import PART_BYTES, Line, Output, Place, stamped
from sra_agent.sources.tail import LINE_BYTES

SECOND = 1_794_996_000  # 2026-11-18T10:00:00Z


def stamp(n: int) -> bytes:
    return b"2026-11-18T10:00:00.%09dZ " % n


def frame(kind: int, payload: bytes) -> bytes:
    return bytes((kind, 0, 0, 0)) + len(payload).to_bytes(4, "big") + payload


def parts(kind: int, n: int, text: bytes) -> bytes:
    """Return a line as dockerd cuts it."""
    cut = [text[i : i + PART_BYTES] for i in range(0, len(text), PART_BYTES)]
    return b"".join(frame(kind, stamp(n) + part) for part in cut[:-1]) + frame(
        kind, stamp(n) + cut[-1] + b"\n"
    )


def read(output: Output, data: bytes, step: int) -> list[Line]:
    return [line for n in range(0, len(data), step) for line in output.feed(data[n : n + step])]


def test_times_are_read() -> None:
    assert stamped(stamp(5) + b"text") == (SECOND * 10**9 + 5, b"text")
    assert stamped(b"2026-11-18T10:00:00Z x") == (SECOND * 10**9, b"x")
    for raw in (b"", b"no time", b"2026-99-18T10:00:00.1Z x", b"2026-11-18T10:00:00+01:00 x"):
        assert stamped(raw) == (None, raw)


@pytest.mark.parametrize("step", [1, 5, 8, 9, 1000])
def test_frames_of_both_streams(step: int) -> None:
    data = (
        frame(1, stamp(1) + b"one\n")
        + frame(2, stamp(2) + b"two\n")
        + frame(1, b"")
        + frame(1, stamp(3) + b"\n")
    )
    lines = read(Output({}, terminal=False), data, step)
    assert [(line.stream, line.text, line.at % 10) for line in lines] == [
        ("stdout", b"one", 1),
        ("stderr", b"two", 2),
        ("stdout", b"", 3),
    ]


@pytest.mark.parametrize("step", [999, 70_000])
def test_parts_are_joined_though_the_other_stream_comes_between(step: int) -> None:
    long = b"x" * (PART_BYTES * 2 + 10)
    pieces = parts(1, 1, long)
    middle = 8 + 31 + PART_BYTES
    data = pieces[:middle] + frame(2, stamp(2) + b"between\n") + pieces[middle:]
    lines = read(Output({}, terminal=False), data, step)
    assert [(line.stream, line.text) for line in lines] == [("stderr", b"between"), ("stdout", long)]
    assert lines[1].place == Place(SECOND * 10**9 + 1, 3)


@pytest.mark.parametrize("terminal", [False, True])
def test_a_very_long_line_is_cut_and_its_size_told(terminal: bool) -> None:
    size = 3 * LINE_BYTES
    if terminal:
        cut = [b"x" * PART_BYTES] * (size // PART_BYTES)
        data = b"".join(stamp(1) + part for part in cut) + b"\r\n" + stamp(2) + b"next\r\n"
    else:
        data = parts(1, 1, b"x" * size) + frame(1, stamp(2) + b"next\n")
    lines = read(Output({}, terminal=terminal), data, 50_000)
    assert [len(line.text) for line in lines] == [LINE_BYTES, 4]
    assert abs(lines[0].size - size) <= 2 and lines[0].place.n == size // PART_BYTES


@pytest.mark.parametrize("step", [1, 33, 100_000])
def test_a_terminal_has_no_frames_and_inner_times(step: int) -> None:
    data = stamp(1) + b"one\r\n" + stamp(2) + b"y" * PART_BYTES + stamp(2) + b"z" * 100 + b"\r\n"
    lines = read(Output({}, terminal=True), data, step)
    assert [line.text for line in lines] == [b"one", b"y" * PART_BYTES + b"z" * 100]
    assert lines[1].place == Place(SECOND * 10**9 + 2, 2)


@pytest.mark.parametrize("terminal", [False, True])
def test_every_place_goes_on_with_the_next_line(terminal: bool) -> None:
    """Several lines have the same time, as a coarse clock gives it."""
    texts = [b"line %d" % n for n in range(30)]
    stamps = [stamp(n // 4) for n in range(30)]
    if terminal:
        data = b"".join(s + t + b"\r\n" for s, t in zip(stamps, texts, strict=True))
    else:
        data = b"".join(frame(1, s + t + b"\n") for s, t in zip(stamps, texts, strict=True))
    first = read(Output({}, terminal=terminal), data, 1000)
    assert [line.text for line in first] == texts
    for n, line in enumerate(first):
        rest = read(Output({"stdout": line.place}, terminal=terminal), data, 1000)
        assert [one.text for one in rest] == texts[n + 1 :]
        assert [one.place for one in rest] == [one.place for one in first[n + 1 :]]


def test_what_never_ended_is_told_when_asked() -> None:
    output = Output({}, terminal=False)
    assert read(output, frame(2, stamp(1) + b"no end"), 100) == []
    assert [line.text for line in output.rest()] == [b"no end"]
    output = Output({}, terminal=True)
    assert read(output, stamp(1) + b"no end", 100) == []
    assert [line.text for line in output.rest()] == [b"no end"]


def test_noise_is_no_crash() -> None:
    noise = bytes((n * 7919 + n // 3) % 256 for n in range(50_000))
    for terminal in (False, True):
        output = Output({}, terminal=terminal)
        read(output, noise, 777)
        list(output.rest())
