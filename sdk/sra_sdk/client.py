"""The client that an application holds: it queues logs and metrics and tells what became of them.

From logger, handler, metrics and applications; to transport.
"""
from __future__ import annotations

import time
from typing import Any, Optional

from . import wire
from .delivery import Delivery
from .errors import BadInput
from .transport import Transport


class SRAClient:
    """Sends logs and metrics in the background.

    `batch_size` items make sending worthwhile before `flush_interval` seconds are over; a backlog is
    sent in larger batches. At most `max_queue_size` logs and as many metrics wait; when there is no
    room the newest is dropped and counted. `timeout` bounds one request, `shutdown_timeout` the time
    that a normal exit may take to send what waits. With `enabled=False` nothing is kept or sent.
    """

    def __init__(self, api_key: str, endpoint: str = "http://localhost:8000", batch_size: int = 50,
                 flush_interval: float = 5.0, max_queue_size: int = 10000, timeout: float = 10.0,
                 enabled: bool = True, *, shutdown_timeout: float = 10.0) -> None:
        if not isinstance(api_key, str) or (enabled and not api_key):
            raise BadInput("api_key: give the API key that `sra keys create` or POST /api-keys showed")
        self.enabled = enabled
        self._transport: Optional[Transport] = None
        if enabled:
            self._transport = Transport(Delivery(api_key, endpoint, timeout), batch_size=batch_size,
                                        flush_interval=flush_interval, max_queue_size=max_queue_size,
                                        shutdown_timeout=shutdown_timeout)

    def send_log(self, log_data: dict[str, Any]) -> None:
        """Queue a log, a dict of timestamp, level, message, service, source and metadata."""
        transport = self._transport
        if transport is not None:
            given = dict(log_data)
            if "timestamp" not in given:
                given["timestamp"] = time.time()
            if given.get("metadata"):
                given["metadata"] = wire.plain(given["metadata"])
            transport.put(transport.logs, (wire.log, given))

    def send_metric(self, metric_data: dict[str, Any]) -> None:
        """Queue a metric, a dict of timestamp, name, value, unit, service and tags.

        One whose value is no finite number is dropped, counted as "invalid" and told once.
        """
        transport = self._transport
        if transport is not None:
            given = dict(metric_data)
            try:
                value = float(given["value"])
            except (KeyError, TypeError, ValueError, OverflowError):
                value = float("nan")
            if value - value != 0:  # a figure gone wrong must not break the application that reports it
                transport.refuse("invalid", f"metric {wire.shown(given.get('name'))}: "
                                            f"{wire.shown(given.get('value'))} is no finite number; dropped")
                return
            if "timestamp" not in given:
                given["timestamp"] = time.time()
            if given.get("tags"):
                given["tags"] = dict(given["tags"])
            transport.put(transport.metrics, (wire.metric, given))

    def put_log(self, item: wire.Item) -> None:
        """Queue a log whose dict is made later, in the sender's thread. For handlers."""
        transport = self._transport
        if transport is not None:
            transport.put(transport.logs, item)

    def stats(self) -> dict[str, Any]:
        """Return {"accepted", "sent", "queued", "dropped": {reason: n}}; the first is the sum of the rest."""
        if self._transport is None:
            return {"accepted": 0, "sent": 0, "queued": 0, "dropped": {}}
        return self._transport.stats()

    def flush(self, timeout: Optional[float] = None) -> bool:
        """Send what waits; say whether all was settled within `timeout` (or `shutdown_timeout`)."""
        return self._transport is None or self._transport.flush(timeout)

    def shutdown(self, timeout: Optional[float] = None) -> None:
        """Send what waits and accept nothing more. Called by itself at a normal exit."""
        if self._transport is not None:
            self._transport.shutdown(timeout)
