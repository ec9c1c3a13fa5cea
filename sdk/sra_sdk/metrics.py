"""MetricsCollector: gauges, counters, timings, and the machine's own figures. From applications; to client.

psutil is imported only when system metrics are asked for.
"""
from __future__ import annotations

import threading
import time
from functools import wraps
from typing import Any, Callable, Optional, TypeVar, cast

from .client import SRAClient
from .transport import say

Function = TypeVar("Function", bound=Callable[..., Any])
Tags = Optional[dict[str, Any]]
#: More series of counters than this are a mistake (an id in a tag); further ones count from zero each time.
_COUNTERS = 10_000


class MetricsCollector:
    """Sends metrics of one service."""

    def __init__(self, api_key: str, endpoint: str = "http://localhost:8000", service: Optional[str] = None,
                 default_tags: Tags = None, **client_kwargs: Any) -> None:
        self.client = SRAClient(api_key=api_key, endpoint=endpoint, **client_kwargs)
        self.service = service
        self.default_tags = dict(default_tags or {})
        self._counters: dict[str, float] = {}
        self._lock = threading.Lock()
        self._watch: Optional[threading.Thread] = None
        self._stop = threading.Event()
        self._told = False

    def gauge(self, name: str, value: float, unit: Optional[str] = None, tags: Tags = None) -> None:
        """Record a value as it is now."""
        self.client.send_metric({"timestamp": time.time(), "name": name, "value": value, "unit": unit,
                                 "service": self.service, "tags": {**self.default_tags, **(tags or {})}})

    def counter(self, name: str, increment: float = 1, tags: Tags = None) -> None:
        """Add to a counter and record its total since the program began."""
        key = f"{name}:{sorted((tags or {}).items(), key=str)}"
        with self._lock:
            total = self._counters.get(key, 0) + increment
            if key in self._counters or len(self._counters) < _COUNTERS:
                self._counters[key] = total
            # Queued under the lock, so that totals arrive in order.
            self.gauge(name, total, "count", tags)

    def timing(self, name: str, duration_ms: float, tags: Tags = None) -> None:
        """Record how long something took, in milliseconds."""
        self.gauge(name, duration_ms, "ms", tags)

    def histogram(self, name: str, value: float, unit: Optional[str] = None, tags: Tags = None) -> None:
        """Record one value of a distribution."""
        self.gauge(name, value, unit, tags)

    def timed(self, name: str, tags: Tags = None) -> Timed:
        """Time a block (`with metrics.timed("query"):`) or a function (`@metrics.timed("call")`)."""
        return Timed(self, name, tags)

    def start_system_metrics(self, interval: float = 30.0) -> None:
        """Record processor, memory, disk and network of this machine each `interval` seconds."""
        if self._watch is not None and self._watch.is_alive():
            return
        try:
            import psutil
        except ImportError:
            if not self._told:
                say("no system metrics without psutil: pip install 'sra-sdk[metrics]'")
            self._told = True
            return
        self._stop = threading.Event()
        self._watch = threading.Thread(target=self._collect, args=(psutil, max(0.1, interval), self._stop),
                                       name="sra-sdk-system", daemon=True)
        self._watch.start()

    def stop_system_metrics(self) -> None:
        """Stop recording the machine's figures."""
        self._stop.set()
        if self._watch is not None and self._watch is not threading.current_thread():
            self._watch.join(timeout=5.0)
        self._watch = None

    def flush(self, timeout: Optional[float] = None) -> bool:
        """Send what waits."""
        return self.client.flush(timeout)

    def shutdown(self, timeout: Optional[float] = None) -> None:
        """Stop, send what waits and accept nothing more."""
        self.stop_system_metrics()
        self.client.shutdown(timeout)

    def _collect(self, psutil: Any, interval: float, stop: threading.Event) -> None:
        psutil.cpu_percent(None)
        wait = min(1.0, interval)
        while not stop.wait(wait):
            wait = interval
            figures: tuple[tuple[str, str, Callable[[], Any]], ...] = (
                ("system.cpu_percent", "%", lambda: psutil.cpu_percent(None)),
                ("system.memory_percent", "%", lambda: psutil.virtual_memory().percent),
                ("system.memory_used_mb", "MB", lambda: psutil.virtual_memory().used / 2**20),
                ("system.memory_available_mb", "MB", lambda: psutil.virtual_memory().available / 2**20),
                ("system.disk_percent", "%", lambda: psutil.disk_usage("/").percent),
                ("system.disk_used_gb", "GB", lambda: psutil.disk_usage("/").used / 2**30),
                ("system.network_bytes_sent", "bytes", lambda: psutil.net_io_counters().bytes_sent),
                ("system.network_bytes_recv", "bytes", lambda: psutil.net_io_counters().bytes_recv),
            )
            for name, unit, read in figures:
                try:
                    value = float(read())
                except Exception:  # noqa: BLE001, S112 - one figure that this machine lacks must not cost the others
                    continue
                self.gauge(name, value, unit)


class Timed:
    """Times a block or a function; see MetricsCollector.timed. One object may be used many times."""

    def __init__(self, collector: MetricsCollector, name: str, tags: Tags) -> None:
        self._collector = collector
        self._name = name
        self._tags = tags
        self._started = threading.local()

    def __enter__(self) -> Timed:
        stack = self._started.__dict__.setdefault("stack", [])
        stack.append(time.perf_counter())
        return self

    def __exit__(self, *problem: object) -> None:
        self._tell(self._started.stack.pop())

    def __call__(self, function: Function) -> Function:
        @wraps(function)
        def called(*args: Any, **kwargs: Any) -> Any:
            started = time.perf_counter()
            try:
                return function(*args, **kwargs)
            finally:
                self._tell(started)

        @wraps(function)
        async def awaited(*args: Any, **kwargs: Any) -> Any:
            started = time.perf_counter()
            try:
                return await function(*args, **kwargs)
            finally:
                self._tell(started)

        code = getattr(function, "__code__", None)
        return cast(Function, awaited if code is not None and code.co_flags & 0x80 else called)

    def _tell(self, started: float) -> None:
        self._collector.timing(self._name, (time.perf_counter() - started) * 1000, self._tags)
