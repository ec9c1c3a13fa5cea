"""Sending: in order, once, through every kind of trouble that a server can make."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from sra_agent.backoff import Backoff
from sra_agent.connection import Connection
from sra_agent.ends import ask_ends, usable
from sra_agent.quarantine import Quarantine
from sra_agent.ship import Next, Sender, judge
from sra_agent.spool import Spool
from sra_sdk.errors import Unavailable

from .recorder import KEY, Recorder


@pytest.fixture
def spool(tmp_path: Path) -> Iterator[Spool]:
    made = Spool.open(tmp_path, host="web-1", cap=10_000_000)
    yield made
    made.close()


@pytest.fixture
def recorder() -> Iterator[Recorder]:
    with Recorder() as running:
        yield running


def fill(spool: Spool, start: int, end: int, step: int = 50) -> list[str]:
    for n in range(start, end, step):
        spool.append(
            [{"message": f"line {i}", "level": "info"} for i in range(n, n + step)],
            [],
            {"f": {"offset": n + step}},
        )
    return [f"line {i}" for i in range(start, end)]


OPEN: list[Connection] = []


def connected(recorder: Recorder, key: str = KEY) -> Connection:
    OPEN.append(Connection(recorder.url, key, timeout=5))
    return OPEN[-1]


@pytest.fixture(autouse=True)
def closed() -> Iterator[None]:
    yield
    while OPEN:
        OPEN.pop().close()


def sender(spool: Spool, recorder: Recorder, key: str = KEY) -> Sender:
    return Sender(spool, connected(recorder, key), host="web-1", backoff=Backoff(first=0.001, longest=0.01))


def empty(sender: Sender, steps: int = 500) -> None:
    for _ in range(steps):
        wait = sender.step()
        if wait is None:
            return
        time.sleep(min(wait, 0.05))
    raise AssertionError("the spool was never empty")


def test_everything_arrives_in_order(spool: Spool, recorder: Recorder) -> None:
    expected = fill(spool, 0, 5000)
    empty(sender(spool, recorder))
    assert recorder.messages() == expected and recorder.gaps == recorder.duplicates == 0
    assert recorder.ends == {"f": {"offset": 5000}}
    assert spool.counters()["stored"] == 5000 and spool.counters()["spooled"] == 0


def test_lost_replies_and_dropped_requests_make_no_second_row(spool: Spool, recorder: Recorder) -> None:
    recorder.fault = lambda method, path, n: ("lose", None, "drop", None, None)[n % 5]
    expected = []
    shipping = sender(spool, recorder)
    for n in range(30):
        expected += fill(spool, n * 50, n * 50 + 50)
        empty(shipping)
    assert recorder.messages() == expected and recorder.duplicates > 5


@pytest.mark.parametrize("status", [500, 502, 503, 429, 408, 404])
def test_a_server_in_trouble_is_asked_again(spool: Spool, recorder: Recorder, status: int) -> None:
    recorder.fault = lambda method, path, n: status if n < 3 else None
    expected = fill(spool, 0, 100)
    shipping = sender(spool, recorder)
    assert shipping.step() != 0.0 and shipping.trouble is not None
    empty(shipping)
    assert recorder.messages() == expected and shipping.trouble is None
    assert spool.counters()["dropped"] == {}


def test_retry_after_is_honoured(spool: Spool, recorder: Recorder) -> None:
    recorder.fault = lambda method, path, n: 503
    recorder.retry_after = "7"
    fill(spool, 0, 50)
    assert sender(spool, recorder).step() == 7.0


def test_a_server_that_is_away_is_waited_for(spool: Spool, recorder: Recorder) -> None:
    expected = fill(spool, 0, 100)
    shipping = sender(spool, recorder)
    recorder.stop()
    for _ in range(3):
        assert shipping.step()
    recorder.start()
    empty(shipping)
    assert recorder.messages() == expected


def test_a_kept_connection_that_was_closed_is_no_failure(spool: Spool, recorder: Recorder) -> None:
    shipping = sender(spool, recorder)
    fill(spool, 0, 50)
    empty(shipping)
    recorder.stop()
    recorder.start()
    fill(spool, 50, 100)
    empty(shipping, steps=50)
    assert len(recorder.records) == 100


def test_a_reused_number_gets_a_new_producer(spool: Spool, recorder: Recorder) -> None:
    first = fill(spool, 0, 50)
    producer = spool.fact("producer")
    recorder.seals[str(producer)] = {1: "0" * 64, 2: "1" * 64}
    empty(sender(spool, recorder))
    assert recorder.messages() == first and spool.fact("producer") != producer


def test_a_poisoned_item_is_set_apart_and_the_rest_goes_on(
    spool: Spool, recorder: Recorder, tmp_path: Path
) -> None:
    recorder.poison = lambda item: item["message"] in ("line 77", "line 1999")
    expected = fill(spool, 0, 2500)
    empty(sender(spool, recorder))
    assert recorder.messages() == [m for m in expected if m not in ("line 77", "line 1999")]
    assert spool.counters()["dropped"] == {"rejected": 2} and recorder.dropped == {"rejected": 2}
    assert len(Quarantine(tmp_path).items()) == 2 and recorder.gaps == 0


def test_a_wrong_key_is_said_once_and_nothing_is_lost(
    spool: Spool, recorder: Recorder, caplog: pytest.LogCaptureFixture
) -> None:
    fill(spool, 0, 50)
    shipping = sender(spool, recorder, key="wrong")
    for _ in range(4):
        assert shipping.step() == 15.0
    assert [r.getMessage() for r in caplog.records if "key" in r.getMessage()] == [
        r.getMessage() for r in caplog.records
    ] and len(caplog.records) == 1
    assert spool.counters()["spooled"] == 50 and "wrong" not in caplog.text


@pytest.mark.parametrize(
    ("status", "code", "move"),
    [
        (200, "", Next.STORED),
        (409, "sequence_reused", Next.RENEW),
        (409, "busy", Next.AGAIN),
        (400, "bad_input", Next.HALVE),
        (400, "digest_mismatch", Next.AGAIN),
        (400, "bad_encoding", Next.AGAIN),
        (400, "", Next.AGAIN),
        (413, "", Next.HALVE),
        (422, "", Next.HALVE),
        (401, "", Next.FORBIDDEN),
        (403, "", Next.FORBIDDEN),
        (429, "", Next.AGAIN),
        (500, "", Next.AGAIN),
        (302, "", Next.AGAIN),
    ],
)
def test_what_an_answer_means(status: int, code: str, move: Next) -> None:
    assert judge(status, code) is move


def test_a_batch_that_was_harmed_on_its_way_is_sent_again_whole(spool: Spool, recorder: Recorder) -> None:
    fill(spool, 0, 1)
    recorder.fault, recorder.code = lambda *_: 400, "digest_mismatch"
    shipping = sender(spool, recorder)
    assert shipping.step() > 0.0  # type: ignore[operator]
    recorder.fault = None
    assert shipping.step() == 0.0
    assert spool.counters()["stored"] == 50 and spool.counters()["dropped"] == {}


def test_an_absent_server_is_looked_for_every_few_seconds(spool: Spool) -> None:
    fill(spool, 0, 50)
    with socket.create_server(("127.0.0.1", 0)) as gone:
        port = gone.getsockname()[1]
    backoff = Backoff(die=lambda: 1.0)
    OPEN.append(Connection(f"http://127.0.0.1:{port}", "k"))
    sender = Sender(spool, OPEN[-1], host="web-1", backoff=backoff)
    # most are back soon; and who is back after long is found, too, within 5 s
    assert [sender.step() for _ in range(13)] == [0.5] + [1.0] * 9 + [3.0] * 3
    assert backoff.failed() == 30.0  # one that answers with trouble is spared


class Pauses(threading.Event):
    """Notes how long is waited, and stops after some times."""

    def __init__(self, times: int) -> None:
        super().__init__()
        self.times, self.waited = times, list[float | None]()

    def wait(self, timeout: float | None = None) -> bool:
        self.waited.append(timeout)
        if len(self.waited) == self.times:
            self.set()
        return self.is_set()


def test_a_new_spools_question_waits_for_an_absent_server_as_batches_do(recorder: Recorder) -> None:
    with socket.create_server(("127.0.0.1", 0)) as gone:
        port = gone.getsockname()[1]
    OPEN.append(Connection(f"http://127.0.0.1:{port}", "k"))
    stop = Pauses(12)
    assert ask_ends(OPEN[-1], "web-1", stop, Backoff(die=lambda: 1.0)) is None
    assert stop.waited == [0.5] + [1.0] * 9 + [3.0] * 2
    recorder.fault, recorder.retry_after = lambda *_: 503, "7"
    stop = Pauses(3)
    assert ask_ends(connected(recorder, KEY), "web-1", stop, Backoff(die=lambda: 1.0)) is None
    assert stop.waited == [7.0] * 3


def test_backoff_grows_and_is_bounded() -> None:
    backoff = Backoff(die=lambda: 1.0)
    waits = [backoff.failed() for _ in range(10)]
    assert waits[:4] == [0.5, 1.0, 2.0, 4.0] and waits[-1] == 30.0
    assert backoff.failed(asked=100.0) == 100.0
    backoff.succeeded()
    assert backoff.failed() == 0.5


def test_an_abort_ends_a_wait(recorder: Recorder) -> None:
    held = threading.Event()
    recorder.fault = lambda *_: (held.wait(10), None)[1]  # type: ignore[func-returns-value]
    connection = Connection(recorder.url, KEY, timeout=20)
    threading.Timer(0.2, connection.abort).start()
    began = time.monotonic()
    with pytest.raises(Unavailable):
        connection.request("GET", "/ingest/ends?host=h")
    assert time.monotonic() - began < 5
    held.set()
    with pytest.raises(Unavailable):
        connection.request("GET", "/ingest/ends?host=h")
    connection.close()


def test_https_trusts_only_what_the_system_trusts(tmp_path: Path, recorder: Recorder) -> None:
    connection = Connection(recorder.url.replace("http:", "https:"), KEY, timeout=5)
    with pytest.raises(Unavailable):
        connection.request("GET", "/ingest/ends?host=h")
    context = connection._open(1.0)._context  # type: ignore[attr-defined]
    assert context.verify_mode is ssl.CERT_REQUIRED and context.check_hostname


def test_ends_are_asked_until_answered(recorder: Recorder) -> None:
    good = {
        "device": 1,
        "inode": 2,
        "offset": 9,
        "fingerprint": {"head": "a", "head_bytes": 9, "tail": "b", "tail_bytes": 9},
    }
    recorder.ends = {"/a": good, "/b": {"offset": "x"}, "/c": {**good, "older": [{}]}}
    recorder.fault = lambda method, path, n: (503, "drop", 401, None)[n] if n < 4 else None
    stop = threading.Event()
    quick = Backoff(first=0.001, longest=0.01)
    stop.wait = lambda timeout=None: False  # type: ignore[method-assign]
    assert ask_ends(connected(recorder), "web 1/ü", stop, quick) == {"/a": good}
    stop.set()
    assert ask_ends(connected(recorder), "h", stop) is None


@pytest.mark.parametrize(
    "end",
    [
        None,
        {},
        {"device": 1, "inode": 2, "offset": -1},
        {"older": 3},
        {"device": 1, "inode": 2, "offset": 3, "fingerprint": {"head": "x"}},
    ],
)
def test_an_end_that_no_file_can_have_is_not_used(end: object) -> None:
    assert not usable(end)
