"""Joining lines: traces of each language, continuations, bounds, and lines that must stay apart."""
from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sra_sdk.lines.infer import level_of
from sra_sdk.lines.multiline import BYTES, CONTINUED, LINES, Joiner, cut
from sra_sdk.lines.parse import LineReader

PYTHON = """2026-01-31 10:00:00,123 - app - ERROR - boom
Traceback (most recent call last):
  File "app.py", line 3, in f
    g()
KeyError: 'a'

During handling of the above exception, another exception occurred:

Traceback (most recent call last):
  File "app.py", line 5, in <module>
    f()
ValueError: b"""
CRASH = """Traceback (most recent call last):
  File "app.py", line 3, in <module>
    g()
    ^^^
ZeroDivisionError: division by zero"""
JAVA = """2026-01-31 10:00:00.123 [main] ERROR c.e.App - broken
java.lang.IllegalStateException: no pool
\tat c.e.App.run(App.java:12)
\tat c.e.App.main(App.java:3)
Caused by: java.net.ConnectException: Connection refused
\tat java.net.Socket.connect(Socket.java:5)
\t... 7 more"""
JAVA_MAIN = """Exception in thread "main" java.lang.OutOfMemoryError: Java heap space
\tat c.e.App.main(App.java:3)"""
GO = """panic: runtime error: invalid memory address or nil pointer dereference
[signal SIGSEGV: segmentation violation code=0x1 addr=0x0 pc=0x4]

goroutine 1 [running]:
main.(*Shop).pay(0x0, {0x1, 0x2})
\t/src/main.go:12 +0x1d
main.main()
\t/src/main.go:5 +0x2a
exit status 2"""
NODE = """/app/server.js:12
    throw new TypeError("x is not a function");
    ^

TypeError: x is not a function
    at pay (/app/server.js:12:11)
    at Object.<anonymous> (/app/server.js:20:1)

Node.js v18.19.0"""
RUST = """thread 'main' panicked at src/main.rs:2:5:
index out of bounds
note: run with `RUST_BACKTRACE=1` environment variable to display a backtrace"""
PSYCOPG = """2026-01-31 10:00:00,123 ERROR [orders] order 2 could not be stored
Traceback (most recent call last):
  File "orders.py", line 19, in order
    with connect(URL):
psycopg.OperationalError: connection failed: server closed the connection unexpectedly
\tThis probably means the server terminated abnormally
\tbefore or while processing the request.
Multiple connection attempts failed. All failures were:
- host: 127.0.0.1"""
SQL = """2026-01-31 10:00:00.123 UTC [9] STATEMENT:  select *
\tfrom orders
\twhere id = 1"""
PRETTY = """{
  "level": "error",
  "message": "spread out"
}"""

RUBY = """\
E, [2026-01-31T10:00:00.123456 #12] ERROR -- : Net::ReadTimeout with #<Socket:(closed)> (Net::ReadTimeout)
/usr/lib/ruby/3.1.0/net/protocol.rb:219:in `rbuf_fill'
/usr/lib/ruby/3.1.0/net/http.rb:1575:in `block in transport_request'
app/models/pay.rb:3:in `charge'"""

JUL = """Jan 31, 2026 10:00:00 AM org.example.App run
SEVERE: It is broken
java.lang.IllegalStateException: no pool
\tat org.example.App.run(App.java:12)"""


def join(text: str) -> list[tuple[str, int]]:
    joiner = Joiner()
    events = [event for line in text.split("\n") for event in joiner.feed(line)]
    return events + joiner.flush()


@pytest.mark.parametrize("trace", [PYTHON, PSYCOPG, CRASH, JAVA, JAVA_MAIN, GO, NODE, RUST, SQL, PRETTY,
                                   RUBY])
def test_a_trace_is_one_event_between_its_neighbours(trace: str) -> None:
    before, after = "2026-01-31 09:59:59 INFO served", "2026-01-31 10:00:01 INFO served again"
    events = join(f"{before}\n{trace}\n{after}\n{trace}")
    assert [text for text, _ in events] == [before, trace, after, trace]
    assert sum(n for _, n in events) == len(trace.split("\n")) * 2 + 2


def test_a_trace_does_not_hide_behind_an_unrelated_line() -> None:
    assert [text for text, _ in join(f"Listening on port 8000\n{CRASH}")] == ["Listening on port 8000", CRASH]
    java = "java.lang.IllegalStateException: x\n\tat a.B.c(B.java:1)"
    assert [text for text, _ in join(f"INFO started\n{java}")] == ["INFO started", java]


def test_two_crashes_are_two_events() -> None:
    assert [text for text, _ in join(f"{CRASH}\n{CRASH}\nKeyError: not part of it")] == [
        CRASH, CRASH, "KeyError: not part of it"]


def test_a_cause_belongs_to_its_exception_where_frames_are_left_out() -> None:
    short = "ERROR sync failed\nc.s.DataException: x\nCaused by: c.s.LinkException: y\nCaused by: a.b.C: z"
    assert [text for text, _ in join(f"{short}\nINFO next")] == [short, "INFO next"]


@pytest.mark.parametrize("lines", [
    ["INFO all is well", "Caused by: nothing before"],
    ["a", "b", "c"], ["  indented", "  indented too"], ['{"a": 1}', '{"b": 2}'],
    ["Caused by: nothing before"], ["}", "]"], ["2026-01-31 10:00:00 a", " 2026-01-31 10:00:01 b"],
    ["ERROR one", "/usr/bin/shop began", "/srv/a.rb:7: warning: x"], ["INFO one", "/a.rb:3:in `f'"],
    ["ERROR one", "TypeError is a name", "at noon"], ["panic: x", "2026-01-31 10:00:00 INFO ok"],
    ["error: x", "some.module.Name did well"], ["Jan 31 10:00:00 h a: x", "Jan 31 10:00:00 h b: y"]])
def test_unrelated_lines_stay_apart(lines: list[str]) -> None:
    assert [text for text, _ in join("\n".join(lines))] == lines


def test_pending_lines_tell_what_is_held_back() -> None:
    joiner = Joiner()
    assert joiner.pending_lines == 0
    assert joiner.feed("ERROR x") == []
    joiner.feed("  more")
    assert joiner.pending_lines == 2
    assert joiner.feed("INFO y") == [("ERROR x\n  more", 2)]
    assert joiner.pending_lines == 1
    assert joiner.flush() == [("INFO y", 1)]
    assert joiner.flush() == []
    assert joiner.pending_lines == 0


def test_blank_lines_are_counted_not_joined_at_the_end() -> None:
    assert join("INFO x\n\n\nINFO y") == [("INFO x", 3), ("INFO y", 1)]


def test_an_endless_event_is_split() -> None:
    events = join("ERROR x\n" + "\n".join(f"\tat frame{i}" for i in range(3 * LINES)))
    assert [n for _, n in events] == [LINES, LINES, LINES, 1]
    own = [text.removeprefix(f"ERROR x\n{CONTINUED}\n") for text, _ in events]
    assert sum(text.count("\n") + 1 for text in own) == 3 * LINES + 1
    assert "\n".join(own).split("\n")[1:] == [f"\tat frame{i}" for i in range(3 * LINES)]
    wide = join("ERROR x\n" + "\n".join("\tat " + "é" * 50_000 for _ in range(10)))
    assert sum(n for _, n in wide) == 11
    assert len(wide) > 1
    assert all(len(text.encode()) <= BYTES for text, _ in wide)


SERVED = "2026-01-31 10:00:01,000 INFO  [main] shop.Tree - served"


def levels(text: str) -> list[str]:
    reader = LineReader(now=lambda: 1_770_000_000_000_000)
    read = [reader.read(event) for event, _ in join(text)]
    return [level_of(each.message, each.level, each.format, each.metadata) for each in read]


def test_an_endless_recursion_of_java_is_one_event() -> None:
    frames = "\n".join(f"\tat shop.Tree.walk(Tree.java:{i % 9})" for i in range(1024))
    head = "2026-01-31 10:00:00,123 ERROR [main] shop.Tree - failed\njava.lang.StackOverflowError: null"
    assert levels(f"{head}\n{frames}\n{SERVED}") == ["error", "info"]


@pytest.mark.parametrize("head", [
    "2026-01-31 10:00:00,123 ERROR [main] shop.Tree - failed", "java.lang.StackOverflowError",
    "panic: runtime error: index out of range\n\ngoroutine 1 [running]:"])
@pytest.mark.parametrize("odd", [0, 1, 2])
def test_what_is_split_off_has_the_level_of_its_event(head: str, odd: int) -> None:
    go = head.startswith("panic")
    lines = [each for i in range(2 * LINES) for each in (
        "main.walk(0x1)" if go else "\tat a.B.c()", f"\t/srv/a:{i}", *([""] if go and i % 3 == odd else []))]
    found = levels("\n".join((head, *lines, SERVED)))
    assert len(found) >= 4 and len(set(found[:-1])) == 1
    assert found[0] in ("error", "critical") and found[-1] == "info"


def test_a_line_that_is_too_long_is_cut() -> None:
    long = "é" * 1_000_000
    text, size = cut(long)
    assert (len(text.encode()), size) == (BYTES, 2_000_000)
    assert cut("short") == ("short", 5)
    assert [(len(text.encode()), n) for text, n in join(f"a\n{long}\nb")] == [(1, 1), (BYTES, 1), (1, 1)]


@settings(max_examples=300, deadline=None)
@given(st.lists(st.one_of(st.text(st.characters(exclude_characters="\n")), st.sampled_from(
    "\n".join((PYTHON, JAVA, GO, NODE, RUST, SQL, PRETTY)).split("\n"))), max_size=40))
def test_every_line_is_in_one_event(lines: list[str]) -> None:
    joiner = Joiner()
    events = []
    for fed, line in enumerate(lines, 1):
        events += joiner.feed(line)
        assert sum(n for _, n in events) + joiner.pending_lines == fed
    events += joiner.flush()
    assert sum(n for _, n in events) == len(lines)
    told = "\n".join(text for text, _ in events)
    assert [line for line in told.split("\n") if line.strip()] == [line for line in lines if line.strip()]


def test_an_event_of_java_util_logging_is_its_two_lines() -> None:
    calm = JUL.split("\n", 1)[0] + "\nINFO: It is well"
    lines = f"{calm}\n{JUL}\n{calm}\nINFO: Of nobody\nDone".split("\n")
    for size in (1, 3, len(lines)):
        joiner = Joiner()
        parts = [lines[at:at + size] for at in range(0, len(lines), size)]
        events = [text for part in parts for texts, _ in joiner.feed_all(part) for text in texts]
        events += [text for text, _ in joiner.flush()]
        assert events == [calm, JUL, calm, "INFO: Of nobody", "Done"]
