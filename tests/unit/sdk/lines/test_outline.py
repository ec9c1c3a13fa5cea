"""What the outline of a line says is never a doubt too few, and many lines are joined as one by one."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sra_sdk.lines.dated import dated, python_line, spring_line
from sra_sdk.lines.infer import level_of
from sra_sdk.lines.multiline import BYTES, Joiner
from sra_sdk.lines.outline import CLEAR, Outlines, outline
from sra_sdk.lines.parse import LineReader
from sra_sdk.lines.parsed import Context
from sra_sdk.lines.redact import ANY_CASE, AS_WRITTEN, has_card, redact
from sra_sdk.lines.stamps import Stamps
from sra_sdk.lines.syslog import iso
from sra_sdk.lines.web import access, any_access, nginx_error
from sra_sdk.lines.wording import FACT_WORDS, OWN_WORDS, TROUBLE_WORDS

from .samples import SAMPLES
from .test_redact import TOKENS

LOGHUB = Path(os.environ.get("SRA_BENCH_DATA", "/nonexistent")) / "loghub"
PIECES = st.sampled_from(
    [
        *AS_WRITTEN,
        *ANY_CASE,
        *FACT_WORDS,
        *TROUBLE_WORDS,
        *OWN_WORDS,
        *TOKENS.values(),
        "4111 1111 1111 1111",
        "378282246310005",
        "=",
        ": ",
        '"',
        "password=",
        "Api-Key: ",
        "ABCdef0123",
        "deadbeef",
        "00ff",
        "\u212aey=",
        "é",
        "https://u:pw12345@h/",
        "Authorization: Basic ",
        "Set-Cookie: ",
        "0",
        "1",
        "a",
        "f",
        "\t",
        "\x1b[31m",
        "x" * 20,
        "-",
        "@",
        "status=500 method=GET path=/",
        "2026-03-14 10:00:00,123 - a.b - INFO - ",
        "INFO ",
        "Mar 14 10:00:00 h sshd[1]: ",
    ]
)
LINES = st.lists(
    st.one_of(PIECES, st.text(max_size=6), st.sampled_from([sample.line for sample in SAMPLES])), max_size=7
).map(lambda parts: "".join(parts).replace("\n", " "))


def check(line: str, outlines: Outlines, reader: LineReader, other: LineReader) -> None:
    (doubt,), cards = outlines.doubts([line])
    if not doubt.secret(line) and not (cards and has_card(line)):
        assert redact(line) == line
    parsed, again = reader.read(line), other.read(line)
    assert parsed == again
    if (
        parsed.level in (None, "info")
        and parsed.message in line
        and not doubt.loud(line, rated=parsed.level is not None)
    ):
        said = (parsed.message, parsed.level, parsed.format, parsed.metadata)
        assert level_of(*said) == level_of(*said, clear=True)


DATED = st.builds(
    "".join,
    st.tuples(
        st.sampled_from(
            ["2026-03-14 10:00:00", "2026-02-30 10:00:00", "2026-03-14 10:61:00", "1969-01-01 00:00:00"]
        ),
        st.sampled_from([",123", ".123", ",1", ""]),
        st.sampled_from([" - ", "  ", " ", " +0100 - ", " UTC [1"]),
        st.sampled_from(["a.b", "INFO", "WARN", "ERROR [x] - ", "INFO 12 --- [main] o.e.App", "x/y-z"]),
        st.sampled_from([" - ", " : ", ": ", " ", " [a] b : ", "       : "]),
        st.sampled_from(["INFO", "ERROR", "NOTICE", "[WARNING]", "x"]),
        st.sampled_from([" - ", ": ", " ", ""]),
        st.sampled_from(["said", "", " : x", "[x] - y"]),
    ),
)
VISITS = st.builds(
    "".join,
    st.tuples(
        st.sampled_from(["10.0.0.1", "shop:80 10.0.0.1", "::1", "h\u00e9"]),
        st.sampled_from([" - - ", " - bob ", " x - "]),
        st.sampled_from(
            ["[31/Jan/2026:10:00:00 +0100]", "[31/Jan/2026 10:00:00]", "[31/Foo/2026:10:00:00 +0000]"]
        ),
        st.sampled_from(
            [' "GET /a HTTP/1.1" ', ' "GET /a" ', ' "-" ', ' "POST /\\"x HTTP/2" ', ' "PRI * HTTP/2.0" ']
        ),
        st.sampled_from(["200 12", "500 -", "404 99999999999999999999", "200 1.5"]),
        st.sampled_from(
            ["", " 0.002", ' "-" "curl"', ' "https://e/" "a \\" b"', ' "-" "x" ' + "ab12" * 8, ' "x']
        ),
    ),
)


@given(DATED)
def test_the_quick_reading_of_dated_lines_is_the_long_one(line: str) -> None:
    context = Context("svc", None, Stamps(lambda: 1_790_000_000_000_000, None))
    for quick in (python_line, spring_line):
        found = quick(line, context)
        if found is not None:
            assert found == dated(line, context) and nginx_error(line, context) is iso(line, context) is None


@given(VISITS)
def test_the_quick_reading_of_access_lines_is_the_long_one(line: str) -> None:
    context = Context("svc", None, Stamps(lambda: 1_790_000_000_000_000, None))
    assert access(line, context) == any_access(line, context)


def test_the_quick_readings_are_taken() -> None:
    context = Context(None, None, Stamps(lambda: 1_790_000_000_000_000, None))
    assert python_line("2026-03-14 10:00:00,123 - a.b - INFO - said", context) is not None
    assert spring_line("2026-03-14 10:00:00.123  INFO 12 --- [main] o.e.App   : said", context) is not None


@given(LINES)
def test_no_doubt_too_few(line: str) -> None:
    check(line, Outlines(), LineReader(), LineReader())


@pytest.mark.parametrize("secret", [*TOKENS.values(), "API_KEY=abc123def456", "Password: hunter22", "PWD=x1"])
def test_a_secret_is_never_clear(secret: str) -> None:
    (doubt,), _ = Outlines().doubts([f"2026-03-14 10:00:00 INFO sent {secret} on"])
    assert doubt is not CLEAR and doubt.secret(f"2026-03-14 10:00:00 INFO sent {secret} on")


@given(st.text(), st.text("0123456789abcdefghijk_-A"), st.text("abcdef019xyz"))
def test_a_part_has_its_outline_in_that_of_the_whole(before: str, part: str, after: str) -> None:
    whole = (before + part + after).encode("utf-8", "replace")
    assert outline(part.encode()) in outline(whole)


@given(st.lists(LINES, max_size=40))
def test_many_lines_are_judged_as_one_by_one(lines: list[str]) -> None:
    many, cards = Outlines().doubts(lines)
    assert [Outlines().doubts([line])[0][0] for line in lines] == many
    assert cards or not any(has_card(line) for line in lines)


def test_the_memory_is_bounded() -> None:
    outlines = Outlines()
    for n in range(20_000):
        outlines.doubts(["".join(chr(103 + int(d)) for d in str(n))])
    assert (
        len(outlines) <= 8192 and outlines.doubts(["x" * 5000])[0] == [CLEAR] and b"x" * 5000 not in outlines
    )


EVENTS = st.sampled_from(
    [
        "2026-03-14 10:00:00,123 ERROR failed",
        "2026-03-14 10:00:01 fine",
        "Traceback (most recent call last):",
        '  File "a.py", line 1, in f',
        "ValueError: no",
        "",
        " ",
        "java.lang.IllegalStateException: x",
        "\tat a.b(C.java:1)",
        "Caused by: x",
        "panic: boom",
        "goroutine 1 [running]:",
        "level=info a=1",
        "fatal error: x",
        "Sep 14 x",
        "SIGSEGV: y",
        "WARN x",
        "Wrapped by: x",
        "thread 'main' panicked at a.rs:1:",
        "note: run with",
        "/srv/a.js:12",
        "C:\\a.js:3",
        "throw new Error()",
        "Error: x",
        "}",
        "{",
        "[",
        "INFO x",
        "x" * (BYTES // 4 + 1),
        "A:1",
        "During handling of the above exception, another exception occurred:",
        "9",
        "<34>x",
        "\u00e9t\u00e9",
    ]
)


@given(st.lists(st.lists(st.one_of(EVENTS, EVENTS, LINES), max_size=30), max_size=4))
def test_many_lines_are_joined_as_one_by_one(pieces: list[list[str]]) -> None:
    one, many = Joiner(), Joiner()
    for lines in pieces:
        expected = [event for line in lines for event in one.feed(line)]
        found = []
        for texts, number, count in many.groups(lines):
            found += [(text, count) for text in texts]
            assert number < 0 or texts == lines[number : number + len(texts)]
        assert found == expected and many.pending_lines == one.pending_lines
    assert many.flush() == one.flush()


def test_public_logs_where_they_are_at_hand() -> None:
    for path in sorted(LOGHUB.glob("*/*_2k.log")):
        outlines, reader, other = Outlines(), LineReader(), LineReader()
        for line in path.read_text("utf-8", "replace").splitlines():
            check(line, outlines, reader, other)
