"""The transport against a real HTTP server: numbers, repeats, refusals, exact counts, exit and fork."""
from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable

import pytest

from sra_sdk import SRAClient
from sra_sdk.errors import BadInput

from .receiver import OK, Receiver, Reply, Request


def until(condition: Callable[[], object], seconds: float = 10.0) -> None:
    """Wait for a condition that another thread brings about."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.01)


def balanced(client: SRAClient) -> dict[str, int]:
    """Return the counts after checking that they add up; reasons of dropping become keys."""
    stats = client.stats()
    assert stats["accepted"] == stats["sent"] + stats["queued"] + sum(stats["dropped"].values())
    return {**{k: v for k, v in stats.items() if k != "dropped"}, **stats["dropped"]}


def test_batches_are_numbered_sealed_and_carry_the_key() -> None:
    with Receiver() as receiver:
        client = SRAClient("sra_test_key", receiver.url, batch_size=10, flush_interval=0.05)
        for i in range(25):
            client.send_log({"level": "WARN", "message": f"line {i}", "service": "shop",
                             "metadata": {"i": i}})
        assert client.flush()
        client.send_log({"message": "last"})
        client.send_metric({"name": "queue.length", "value": 3, "tags": {"zone": "a"}})
        assert client.flush()
        client.shutdown()
        assert receiver.messages() == [f"line {i}" for i in range(25)] + ["last"]
        first = receiver.stored[0]
        assert (first["level"], first["service"], first["metadata"]) == ("warning", "shop", {"i": 0})
        assert first["timestamp"].endswith("Z")
        assert [r.sequence for r in receiver.requests] == list(range(1, len(receiver.requests) + 1))
        assert len({r.producer for r in receiver.requests}) == 1
        assert len(receiver.requests[0].producer) == 32
        assert all(r.digest_right and r.headers["x-api-key"] == "sra_test_key" for r in receiver.requests)
        points = [r for r in receiver.requests if r.path == "/ingest/metrics"]
        assert points[0].items[0]["name"] == "queue.length"
        assert points[0].items[0]["tags"] == {"zone": "a"}
        assert balanced(client) == {"accepted": 27, "sent": 27, "queued": 0}


def test_large_bodies_are_packed_and_small_ones_not() -> None:
    with Receiver() as receiver:
        client = SRAClient("sra_k", receiver.url, flush_interval=0.05)
        client.send_log({"message": "small"})
        assert client.flush()
        client.send_log({"message": "large " * 1000})
        assert client.flush()
        client.shutdown()
        assert [r.packed for r in receiver.requests] == [False, True]
        assert all(r.digest_right for r in receiver.requests)


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_refusal_for_now_is_repeated_with_the_same_bytes(status: int) -> None:
    replies: list[Reply] = [(status, {"Retry-After": "0"}, {}), (status, {"Retry-After": "0"}, {})]
    with Receiver(lambda _: replies.pop() if replies else OK) as receiver:
        client = SRAClient("sra_k", receiver.url, flush_interval=0.05)
        client.send_log({"message": "once"})
        assert client.flush()
        client.shutdown()
        assert receiver.messages() == ["once"]
        assert len({(r.producer, r.sequence, r.body) for r in receiver.requests}) == 1
        assert len(receiver.requests) == 3
        assert balanced(client) == {"accepted": 1, "sent": 1, "queued": 0}


def test_retry_after_is_honoured() -> None:
    times: list[float] = []

    def answer(_: Request) -> Reply:
        times.append(time.monotonic())
        return (503, {"Retry-After": "1"}, {}) if len(times) == 1 else OK

    with Receiver(answer) as receiver:
        client = SRAClient("sra_k", receiver.url, flush_interval=0.05)
        client.send_log({"message": "later"})
        assert client.flush()
        client.shutdown()
        assert 0.95 <= times[1] - times[0] < 3


def test_a_lost_reply_stores_nothing_twice() -> None:
    turns = iter(range(10_000))
    with Receiver(lambda _: None if next(turns) % 3 == 2 else OK) as receiver:
        client = SRAClient("sra_k", receiver.url, batch_size=20, flush_interval=0.05)
        for i in range(400):
            client.send_log({"message": str(i)})
            if i % 40 == 0:
                time.sleep(0.01)
        assert client.flush()
        client.shutdown()
        assert receiver.messages() == [str(i) for i in range(400)]
        assert balanced(client) == {"accepted": 400, "sent": 400, "queued": 0}


def test_a_reused_number_brings_a_new_producer() -> None:
    first: list[str] = []

    def answer(request: Request) -> Reply:
        first.append(request.producer)
        return OK if request.producer != first[0] else (409, {}, {"code": "sequence_reused"})

    with Receiver(answer) as receiver:
        client = SRAClient("sra_k", receiver.url, flush_interval=0.05)
        client.send_log({"message": "kept"})
        assert client.flush()
        client.shutdown()
        assert receiver.messages() == ["kept"]
        assert receiver.requests[-1].sequence == 1
        assert len({r.producer for r in receiver.requests}) == 2


def test_only_the_poisonous_records_are_dropped() -> None:
    def answer(request: Request) -> Reply:
        bad = any("poison" in item["message"] for item in request.items)
        return (422, {}, {"code": "bad_input"}) if bad else OK

    with Receiver(answer) as receiver:
        client = SRAClient("sra_k", receiver.url, batch_size=1000, flush_interval=0.2)
        for i in range(100):
            client.send_log({"message": f"poison {i}" if i in (3, 50, 99) else str(i)})
        assert client.flush()
        client.shutdown()
        assert receiver.messages() == [str(i) for i in range(100) if i not in (3, 50, 99)]
        assert balanced(client) == {"accepted": 100, "sent": 97, "queued": 0, "rejected": 3}
        stored = [r.sequence for r in receiver.requests
                  if not any("poison" in item["message"] for item in r.items)]
        assert stored == list(range(1, len(stored) + 1)), "a refused batch must not leave a gap"


def test_a_wrong_key_keeps_the_records_and_warns_once(caplog: pytest.LogCaptureFixture) -> None:
    with Receiver(lambda _: (401, {}, {"code": "not_signed_in"})) as receiver:
        client = SRAClient("sra_wrong", receiver.url, flush_interval=0.05)
        for i in range(5):
            client.send_log({"message": str(i)})
        until(lambda: receiver.requests)
        assert not client.flush(0.3)
        assert balanced(client) == {"accepted": 5, "sent": 0, "queued": 5}
        client.shutdown(1.0)
        assert balanced(client) == {"accepted": 5, "sent": 0, "queued": 0, "shutdown": 5}
    assert caplog.text.count("check API key") == 1


def test_counts_are_exact_when_there_is_no_room() -> None:
    with Receiver(lambda _: (503, {}, {})) as receiver:
        client = SRAClient("sra_k", receiver.url, batch_size=10, max_queue_size=100, flush_interval=0.05)

        def write() -> None:
            for i in range(2000):
                client.send_log({"message": str(i)})

        threads = [threading.Thread(target=write) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            balanced(client)
            thread.join()
        counts = balanced(client)
        assert counts["accepted"] == 12_000
        assert counts["full"] >= 12_000 - 100 - 1000 - 6
        client.shutdown(0.3)
        client.send_log({"message": "too late"})
        counts = balanced(client)
        assert counts["accepted"] == 12_001
        assert counts["closed"] == 1
        assert counts["queued"] == 0
        assert counts["shutdown"] + counts["full"] == 12_000


def test_nothing_is_lost_while_the_server_is_away() -> None:
    with Receiver() as receiver:
        port = receiver.server.server_port
    client = SRAClient("sra_k", f"http://127.0.0.1:{port}", flush_interval=0.02)
    for i in range(500):
        client.send_log({"message": str(i)})
    time.sleep(0.3)
    assert balanced(client) == {"accepted": 500, "sent": 0, "queued": 500}
    import http.server

    stored: list[bytes] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            stored.append(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.HTTPServer(("127.0.0.1", port), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        assert client.flush(20)
        assert balanced(client) == {"accepted": 500, "sent": 500, "queued": 0}
        client.shutdown()
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)


def test_what_json_cannot_hold_is_told_anyway() -> None:
    class Hopeless:
        def __str__(self) -> str:
            raise RuntimeError("no")

    circle: dict[str, object] = {}
    circle["self"] = circle
    with Receiver() as receiver:
        client = SRAClient("sra_k", receiver.url, flush_interval=0.05)
        client.send_log({"message": "a\x00b\ud800c", "metadata": {
            "nan": float("nan"), "huge": 10**5000, "set": {1}, "hopeless": Hopeless(), 5: b"bytes",
            "circle": circle}})
        client.send_log({"message": "x" * 2_000_000, "level": "nonsense",
                         "timestamp": "2024-01-01T00:00:00Z"})
        client.send_log({"message": Hopeless(), "service": "s" * 500, "timestamp": "the day after tomorrow"})
        assert client.flush()
        client.shutdown()
        first, second, third = receiver.stored
        assert first["message"] == "a\ufffdb\ufffdc"
        assert first["metadata"]["nan"] == "nan"
        assert first["metadata"]["5"] == "b'bytes'"
        assert len(second["message"].encode()) <= 256 * 1024
        assert second["message"].endswith("[cut; it had 2000000 bytes]")
        assert (second["level"], second["timestamp"]) == ("info", "2024-01-01T00:00:00Z")
        assert third["timestamp"].startswith("20")
        assert len(third["service"]) == 200


def test_wrong_use_is_said_at_once() -> None:
    with pytest.raises(BadInput, match="api_key"):
        SRAClient("")
    for endpoint in ("ftp://host", "http://", "http://host:99999"):
        with pytest.raises(BadInput, match="endpoint"):
            SRAClient("sra_k", endpoint)
    disabled = SRAClient("", enabled=False)
    disabled.send_log({"message": "nobody hears"})
    disabled.send_metric({"name": "n", "value": 1})
    assert disabled.flush()
    assert disabled.stats() == {"accepted": 0, "sent": 0, "queued": 0, "dropped": {}}
    disabled.shutdown()


def test_a_figure_gone_wrong_does_not_break_the_application(caplog: pytest.LogCaptureFixture) -> None:
    client = SRAClient("sra_k", "http://127.0.0.1:9")
    for value in ("much", None, float("nan"), float("inf"), 10**400):
        client.send_metric({"name": "n", "value": value})
    assert client.stats() == {"accepted": 5, "sent": 0, "queued": 0, "dropped": {"invalid": 5}}
    assert caplog.text.count("no finite number") == 1
    client.shutdown(0)


def test_a_full_queue_is_told_once(caplog: pytest.LogCaptureFixture) -> None:
    client = SRAClient("sra_k", "http://127.0.0.1:9", max_queue_size=3)
    for number in range(10):
        client.send_metric({"name": "n", "value": number})
    stats = client.stats()  # the sender may have taken the first three in hand
    assert stats["accepted"] == 10 and stats["dropped"]["full"] in (4, 5, 6, 7)
    assert caplog.text.count("3 items wait") == 1
    client.shutdown(0)


def run(code: str, *arguments: str, seconds: float = 30) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True,
                          timeout=seconds,
                          check=False)


def test_a_normal_exit_loses_nothing() -> None:
    code = """
import sys
from sra_sdk import SRAClient
client = SRAClient("sra_k", sys.argv[1], max_queue_size=50_000)
for i in range(20_000):
    client.send_log({"message": str(i)})
"""
    with Receiver() as receiver:
        done = run(code, receiver.url)
        assert done.returncode == 0, done.stderr
        assert receiver.messages() == [str(i) for i in range(20_000)]


def test_an_exit_without_a_server_is_bounded_and_says_what_is_lost() -> None:
    code = """
from sra_sdk import SRAClient
clients = [SRAClient("sra_k", "http://127.0.0.1:9", shutdown_timeout=1.0) for _ in range(6)]
for client in clients:
    for i in range(7):
        client.send_log({"message": str(i)})
"""
    started = time.monotonic()
    done = run(code)
    assert done.returncode == 0
    assert done.stderr.count("7 records could not be sent") == 6
    assert time.monotonic() - started < 5, "six clients wait together"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_a_forked_child_sends_its_own_and_not_the_parents() -> None:
    code = """
import os, sys, time
from sra_sdk import SRAClient
client = SRAClient("sra_k", sys.argv[1], flush_interval=60, batch_size=1000)
for i in range(10):
    client.send_log({"message": f"parent {i}"})
pid = os.fork()
if pid == 0:
    assert client.stats()["accepted"] == 0
    for i in range(10):
        client.send_log({"message": f"child {i}"})
    sys.exit(0)
assert os.waitpid(pid, 0)[1] == 0
client.send_log({"message": "parent 10"})
"""
    with Receiver() as receiver:
        done = run(code, receiver.url)
        assert done.returncode == 0, done.stderr
        assert sorted(receiver.messages()) == sorted(
            [f"parent {i}" for i in range(11)] + [f"child {i}" for i in range(10)])
        by_producer = {r.producer: {item["message"].split()[0] for item in r.items}
                       for r in receiver.requests}
        assert sorted(map(sorted, by_producer.values())) == [["child"], ["parent"]]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_a_multiprocessing_child_loses_nothing() -> None:
    code = """
import multiprocessing, sys
from sra_sdk import SRAClient
client = SRAClient("sra_k", sys.argv[1], flush_interval=60)
def work(n):
    client.send_log({"message": f"worker {n}"})
if __name__ == "__main__":
    context = multiprocessing.get_context("fork")
    children = [context.Process(target=work, args=(n,)) for n in range(3)]
    for child in children: child.start()
    for child in children: child.join()
"""
    with Receiver() as receiver:
        done = run(code, receiver.url)
        assert done.returncode == 0, done.stderr
        assert sorted(receiver.messages()) == ["worker 0", "worker 1", "worker 2"]
