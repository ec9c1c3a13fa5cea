"""SRAHandler, for programs that use `logging`. From logging; to client.

The application's thread formats the message (its arguments may change) and appends a small tuple; the
sender's thread makes the rest. The lock of `logging.Handler` is not taken: an append needs none.
"""
from __future__ import annotations

import logging
from typing import Any, Optional

from . import wire
from .client import SRAClient
from .logger import told_exception

_STANDARD = frozenset(logging.LogRecord("", 0, "", 0, "", None, None).__dict__) | {
    "message", "asctime", "taskName"}
_PLAIN = len(logging.LogRecord("", 0, "", 0, "", None, None).__dict__)


class SRAHandler(logging.Handler):
    """Sends each record of `logging` to SRA, its `extra` fields as metadata."""

    def __init__(self, api_key: str, endpoint: str = "http://localhost:8000", service: Optional[str] = None,
                 environment: Optional[str] = None, level: int = logging.NOTSET,
                 **client_kwargs: Any) -> None:
        super().__init__(level)
        self.client = SRAClient(api_key=api_key, endpoint=endpoint, **client_kwargs)
        self.service = service
        self.environment = environment
        transport = self.client._transport
        if transport is not None:
            # Bound once: this is the path of every record.
            self._put, self._lane, self._make = transport.put, transport.logs, self._made

    def createLock(self) -> None:
        """Have no lock: nothing here needs one."""
        self.lock = None

    def handle(self, record: logging.LogRecord) -> bool:
        """Filter and emit, without the lock."""
        if self.filters:
            kept = self.filter(record)
            if not kept:
                return False
            if isinstance(kept, logging.LogRecord):
                record = kept
        self.emit(record)
        return True

    def emit(self, record: logging.LogRecord) -> None:
        """Queue a record."""
        if self.client._transport is None:
            return
        try:
            if self.formatter is not None:
                message = self.formatter.format(record)
            elif record.args or record.msg.__class__ is not str:
                message = record.getMessage()
            else:
                message = record.msg
            special = None
            if record.exc_info or record.exc_text or record.stack_info or len(record.__dict__) > _PLAIN:
                special = self._special(record)
            self._put(self._lane, (self._make, (record.created, record.levelno, message, record.name,
                                                record.pathname, record.lineno, record.funcName, special)))
        except Exception:  # noqa: BLE001 - as every handler of logging: report, never break the program
            self.handleError(record)

    def flush(self) -> None:
        """Do nothing: `logging.shutdown` calls this at exit, where the client drains by itself."""

    def close(self) -> None:
        """Send what waits and accept nothing more."""
        self.client.shutdown()
        super().close()

    def _special(self, record: logging.LogRecord) -> dict[str, Any]:
        """Copy what only some records have, now, because it may change."""
        special: dict[str, Any] = {}
        extra = {key: wire.plain(value) for key, value in record.__dict__.items() if key not in _STANDARD}
        if extra:
            special["extra"] = extra
        if record.exc_info:
            told = told_exception(record.exc_info)
            if told:
                special["exception"] = told
        elif record.exc_text:
            special["exception"] = {"type": None, "message": None, "traceback": record.exc_text}
        if record.stack_info:
            special["stack"] = record.stack_info
        return special

    def _made(self, taken: tuple[Any, ...]) -> dict[str, Any]:
        created, number, message, name, path, line, function, special = taken
        metadata: dict[str, Any] = {"function": function, "line": line, "pathname": path}
        if self.environment is not None:
            metadata["environment"] = self.environment
        if special:
            metadata.update(special)
            trace = special.get("exception", {}).get("traceback")
            if trace and self.formatter is None:
                message = f"{message}\n{trace.rstrip()}"
        made = {
            "timestamp": wire.instant(created),
            "level": "debug" if number < 20 else "info" if number < 30 else "warning" if number < 40
            else "error" if number < 50 else "critical",
            "message": wire.text(message), "source": wire.name(name), "metadata": metadata,
        }
        if self.service is not None:
            made["service"] = wire.name(self.service)
        return made
