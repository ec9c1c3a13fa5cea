"""SRALogger, SRAHandler, MetricsCollector and capture_exceptions, seen from the server."""
from __future__ import annotations

import inspect
import logging
import subprocess
import sys
import threading
import time
from collections.abc import Iterator

import pytest

import sra_sdk
from sra_sdk import MetricsCollector, SRAClient, SRAHandler, SRALogger, capture_exceptions

from .receiver import Receiver


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as running:
        yield running


def test_the_arguments_are_those_of_the_first_library() -> None:
    def arguments(function: object) -> list[str]:
        return [name for name,
                parameter in inspect.signature(function).parameters.items()  # type: ignore[arg-type]
                if parameter.kind is not parameter.KEYWORD_ONLY and name != "self"]

    assert arguments(SRAClient) == ["api_key", "endpoint", "batch_size", "flush_interval", "max_queue_size",
                                    "timeout", "enabled"]
    assert arguments(SRALogger) == ["api_key", "endpoint", "service", "environment", "capture_exceptions",
                                    "client_kwargs"]
    assert arguments(SRAHandler) == ["api_key", "endpoint", "service", "environment", "level",
                                     "client_kwargs"]
    assert arguments(MetricsCollector) == ["api_key", "endpoint", "service", "default_tags", "client_kwargs"]
    assert arguments(SRALogger.error) == ["message", "extra", "exc_info"]
    assert arguments(SRALogger.exception) == ["message", "extra", "exc_info"]
    assert arguments(MetricsCollector.gauge) == ["name", "value", "unit", "tags"]
    assert arguments(MetricsCollector.counter) == ["name", "increment", "tags"]
    assert arguments(MetricsCollector.timing) == ["name", "duration_ms", "tags"]
    assert sra_sdk.__version__ == "1.0.0"
    assert set(sra_sdk.__all__) <= set(dir(sra_sdk))


def test_the_loggers_methods_and_defaults(receiver: Receiver) -> None:
    logger = SRALogger("sra_k", receiver.url, service="shop", environment="test", capture_exceptions=False)
    logger.set_default_extra(region="eu", n=1)
    carried = {"n": 2, "items": ["a"]}
    logger.debug("one")
    logger.info("two", extra=carried)
    carried["items"].append("changed afterwards")  # type: ignore[attr-defined]
    logger.warning("three")
    logger.warn("four")
    logger.error("five")
    logger.critical("six")
    try:
        raise KeyError("lost")
    except KeyError as problem:
        logger.exception()
        logger.error("eight", exc_info=True)
        kept = problem
    logger.exception("nine", exc_info=(type(kept), kept, kept.__traceback__))
    logger.error("ten", exc_info=True)
    assert logger.flush()
    logger.shutdown()
    told = receiver.stored
    assert [(t["message"], t["level"]) for t in told] == [
        ("one", "debug"), ("two", "info"), ("three", "warning"), ("four", "warning"), ("five", "error"),
        ("six", "critical"), ("Exception occurred", "error"), ("eight", "error"), ("nine", "error"), ("ten",
                                                                                                      "error")]
    assert all(t["service"] == "shop" and t["metadata"]["environment"] == "test" for t in told)
    assert told[1]["metadata"] == {"region": "eu", "n": 2, "items": ["a"], "environment": "test"}
    for one in told[6:9]:
        assert one["metadata"]["exception"]["type"] == "KeyError"
        assert "raise KeyError" in one["metadata"]["exception"]["traceback"]
    assert "exception" not in told[9]["metadata"], "there was no exception to tell of"


def test_an_uncaught_exception_is_the_last_word(receiver: Receiver) -> None:
    code = """
import sys
from sra_sdk import SRALogger
logger = SRALogger("sra_k", sys.argv[1], service="shop")
raise RuntimeError("the end")
"""
    done = subprocess.run([sys.executable, "-c", code, receiver.url], capture_output=True, text=True,
                          timeout=30,
                          check=False)
    assert done.returncode == 1
    assert "RuntimeError: the end" in done.stderr
    assert receiver.messages() == ["Uncaught RuntimeError: the end"]
    assert receiver.stored[0]["level"] == "critical"
    assert "RuntimeError: the end" in receiver.stored[0]["metadata"]["exception"]["traceback"]


def test_the_handler_takes_what_logging_gives(receiver: Receiver) -> None:
    handler = SRAHandler("sra_k", receiver.url, service="shop", environment="test")
    logger = logging.Logger("shop.cart")
    logger.addHandler(handler)
    arguments = ["a"]
    before = time.time()
    logger.info("list %s", arguments)
    arguments.append("changed afterwards")
    logger.error("paid", extra={"user_id": "123", "cart": arguments})
    arguments.append("again")
    try:
        raise ValueError("bad")
    except ValueError:
        logger.exception("boom")
    logger.log(5, "trace")
    logger.critical(KeyError("an object"))
    handler.client.flush()
    handler.close()
    one, two, three, four, five = receiver.stored
    assert (one["message"], one["level"], one["source"], one["service"]) == ("list ['a']", "info",
                                                                             "shop.cart", "shop")
    assert one["metadata"]["function"] == "test_the_handler_takes_what_logging_gives"
    assert one["metadata"]["environment"] == "test"
    assert abs(time.mktime(time.strptime(one["timestamp"][:19],
                                         "%Y-%m-%dT%H:%M:%S")) - time.timezone - before) < 5
    assert two["metadata"]["extra"] == {"user_id": "123", "cart": ["a", "changed afterwards"]}
    assert three["message"].startswith("boom\nTraceback (most recent call last):")
    assert three["message"].endswith("ValueError: bad")
    assert three["metadata"]["exception"]["message"] == "bad"
    assert (four["level"], five["level"], five["message"]) == ("debug", "critical", "'an object'")


def test_the_handler_heeds_level_filter_and_formatter(receiver: Receiver) -> None:
    handler = SRAHandler("sra_k", receiver.url, level=logging.WARNING)
    handler.addFilter(lambda record: "secret" not in record.getMessage())
    handler.setFormatter(logging.Formatter("[%(name)s] %(message)s"))
    logger = logging.Logger("a.b")
    logger.addHandler(handler)
    logger.info("too low")
    logger.warning("a secret")
    logger.warning("heard")
    handler.client.flush()
    handler.close()
    assert receiver.messages() == ["[a.b] heard"]


def test_a_call_that_cannot_be_formatted_is_reported_not_raised(
        receiver: Receiver, capsys: pytest.CaptureFixture[str]) -> None:
    handler = SRAHandler("sra_k", receiver.url)
    logger = logging.Logger("a")
    logger.addHandler(handler)
    logger.info("%d", "no number")
    handler.close()
    assert "Logging error" in capsys.readouterr().err
    assert handler.client.stats()["accepted"] == 0


def test_its_own_sending_is_never_logged() -> None:
    code = """
import http.client, logging, sys
from sra_sdk import SRAHandler
handler = SRAHandler("sra_k", "http://127.0.0.1:9", flush_interval=0.02, shutdown_timeout=0.5)
logging.root.addHandler(handler)
logging.root.setLevel(logging.DEBUG)
logging.info("once")
handler.client.flush(2.5)
assert handler.client.stats()["accepted"] == 1, handler.client.stats()
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=30,
                          check=False)
    assert done.returncode == 0, done.stderr


def test_decorated_functions_tell_and_raise(receiver: Receiver) -> None:
    logger = SRALogger("sra_k", receiver.url, capture_exceptions=False)

    @capture_exceptions(logger)
    def divide(a: int, b: int) -> float:
        """Divide."""
        return a / b

    @capture_exceptions(logger)
    async def later() -> None:
        raise OSError("gone")

    import asyncio

    assert (divide(4, 2), divide.__name__, divide.__doc__) == (2, "divide", "Divide.")
    with pytest.raises(ZeroDivisionError):
        divide(1, 0)
    with pytest.raises(OSError, match="gone"):
        asyncio.run(later())
    logger.shutdown()
    assert [m.rpartition("<locals>.")[2] for m in receiver.messages()] == ["divide: division by zero",
                                                                           "later: gone"]
    assert receiver.stored[1]["metadata"]["exception"]["type"] == "OSError"


def test_metrics(receiver: Receiver) -> None:
    metrics = MetricsCollector("sra_k", receiver.url, service="shop", default_tags={"zone": "a"})
    metrics.gauge("users", 150)
    metrics.counter("requests")
    metrics.counter("requests", 2)
    metrics.counter("requests", tags={"zone": "b"})
    metrics.timing("call", 45.2)
    metrics.histogram("size", 3, unit="kB", tags={"kind": "x"})
    with metrics.timed("block"), metrics.timed("block"):
        time.sleep(0.01)

    @metrics.timed("function")
    def work() -> int:
        return 7

    assert work() == 7
    assert metrics.flush()
    metrics.shutdown()
    told = [(p["name"], p["value"], p.get("unit"), p["tags"]) for p in receiver.stored]
    assert told[:6] == [
        ("users", 150.0, None, {"zone": "a"}), ("requests", 1.0, "count", {"zone": "a"}),
        ("requests", 3.0, "count", {"zone": "a"}), ("requests", 1.0, "count", {"zone": "b"}),
        ("call", 45.2, "ms", {"zone": "a"}), ("size", 3.0, "kB", {"zone": "a", "kind": "x"})]
    assert [t[0] for t in told[6:]] == ["block", "block", "function"]
    assert all(10 <= t[1] < 5000 for t in told[6:8])
    assert all(p["service"] == "shop" for p in receiver.stored)


def test_system_metrics_come_from_psutil_and_stop(receiver: Receiver) -> None:
    pytest.importorskip("psutil")
    metrics = MetricsCollector("sra_k", receiver.url, flush_interval=0.02)
    metrics.start_system_metrics(interval=0.1)
    metrics.start_system_metrics(interval=0.1)
    assert sum(t.name == "sra-sdk-system" for t in threading.enumerate()) == 1
    end = time.monotonic() + 10
    while "system.disk_percent" not in {p["name"] for p in list(receiver.stored)}:
        assert time.monotonic() < end
        time.sleep(0.02)
    metrics.shutdown()
    assert not any(t.name == "sra-sdk-system" for t in threading.enumerate())
    values = {p["name"]: p["value"] for p in receiver.stored}
    assert {"system.cpu_percent", "system.memory_percent"} <= set(values)
    assert 0 < values["system.memory_percent"] <= 100


def test_without_psutil_it_says_so_and_goes_on(receiver: Receiver) -> None:
    code = """
import sys
sys.modules["psutil"] = None
from sra_sdk import MetricsCollector
metrics = MetricsCollector("sra_k", sys.argv[1])
metrics.start_system_metrics()
metrics.start_system_metrics()
metrics.gauge("other", 1)
"""
    done = subprocess.run([sys.executable, "-c", code, receiver.url], capture_output=True, text=True,
                          timeout=30,
                          check=False)
    assert done.returncode == 0
    assert done.stderr.count("no system metrics without psutil") == 1
    assert [p["name"] for p in receiver.stored] == ["other"]
