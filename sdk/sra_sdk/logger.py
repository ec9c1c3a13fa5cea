"""SRALogger, a logger of its own beside `logging`. From applications; to client."""
from __future__ import annotations

import sys
import time
import traceback
from functools import wraps
from types import TracebackType
from typing import Any, Callable, Optional, TypeVar, cast

from . import wire
from .client import SRAClient

ExcInfo = Any
Function = TypeVar("Function", bound=Callable[..., Any])


class SRALogger:
    """Logs messages of one service.

    With `capture_exceptions`, exceptions that end the program are logged before it ends.
    """

    def __init__(self, api_key: str, endpoint: str = "http://localhost:8000", service: Optional[str] = None,
                 environment: Optional[str] = None, capture_exceptions: bool = True,
                 **client_kwargs: Any) -> None:
        self.client = SRAClient(api_key=api_key, endpoint=endpoint, **client_kwargs)
        self.service = service
        self.environment = environment
        self._default_extra: dict[str, Any] = {}
        if capture_exceptions:
            self._watch_uncaught()

    def set_default_extra(self, **kwargs: Any) -> None:
        """Set fields that go along with every message."""
        self._default_extra = {**self._default_extra, **kwargs}

    def debug(self, message: str, extra: Optional[dict[str, Any]] = None) -> None:
        """Log a message of level debug."""
        self._log("debug", message, extra)

    def info(self, message: str, extra: Optional[dict[str, Any]] = None) -> None:
        """Log a message of level info."""
        self._log("info", message, extra)

    def warning(self, message: str, extra: Optional[dict[str, Any]] = None) -> None:
        """Log a message of level warning."""
        self._log("warning", message, extra)

    def warn(self, message: str, extra: Optional[dict[str, Any]] = None) -> None:
        """Log a message of level warning."""
        self._log("warning", message, extra)

    def error(self, message: str, extra: Optional[dict[str, Any]] = None, exc_info: Any = False) -> None:
        """Log a message of level error; with `exc_info`, the present exception too."""
        self._log("error", message, extra, exc_info)

    def critical(self, message: str, extra: Optional[dict[str, Any]] = None, exc_info: Any = False) -> None:
        """Log a message of level critical; with `exc_info`, the present exception too."""
        self._log("critical", message, extra, exc_info)

    def exception(self, message: str = "Exception occurred", extra: Optional[dict[str, Any]] = None,
                  exc_info: Any = None) -> None:
        """Log a message of level error with the present (or the given) exception."""
        self._log("error", message, extra, exc_info or True)

    def flush(self, timeout: Optional[float] = None) -> bool:
        """Send what waits."""
        return self.client.flush(timeout)

    def shutdown(self, timeout: Optional[float] = None) -> None:
        """Send what waits and accept nothing more."""
        self.client.shutdown(timeout)

    def _log(self, level: str, message: str, extra: Optional[dict[str, Any]], exc_info: Any = None) -> None:
        if not self.client.enabled:
            return
        metadata = {**self._default_extra, **extra} if extra else self._default_extra
        given: dict[str, Any] = {
            "timestamp": time.time(), "level": level, "service": self.service,
            "message": message if message.__class__ is str else wire.text(message),
            # A copy now: the caller may change what it handed over before the sender comes to it.
            "metadata": wire.plain(metadata) if metadata else {},
        }
        if self.environment is not None:
            given["metadata"]["environment"] = self.environment
        if exc_info:
            told = told_exception(exc_info)
            if told:
                given["metadata"]["exception"] = told
        self.client.put_log((wire.log, given))

    def _watch_uncaught(self) -> None:
        former = sys.excepthook

        def hook(kind: type[BaseException], problem: BaseException, trace: Optional[TracebackType]) -> None:
            if not issubclass(kind, KeyboardInterrupt):
                message = f"Uncaught {kind.__name__}: {wire.shown(problem)}"
                self._log("critical", message, None, (kind, problem, trace))
            former(kind, problem, trace)

        sys.excepthook = hook


def told_exception(exc_info: Any) -> dict[str, Any]:
    """Return type, message and traceback of True (the present one), an exception or an exc_info."""
    if isinstance(exc_info, BaseException):
        info = cast(ExcInfo, (type(exc_info), exc_info, exc_info.__traceback__))
    elif isinstance(exc_info, tuple) and len(exc_info) == 3:
        info = cast(ExcInfo, exc_info)
    else:
        info = sys.exc_info()
    if info[0] is None:
        return {}
    return {"type": info[0].__name__, "message": wire.shown(info[1]),
            "traceback": wire.text("".join(traceback.format_exception(*info)))}


def capture_exceptions(logger: SRALogger) -> Callable[[Function], Function]:
    """Log each exception that leaves the decorated function (or coroutine function), and let it go on."""

    def decorate(function: Function) -> Function:
        name = getattr(function, "__qualname__", repr(function))

        def tell(problem: Exception) -> None:
            logger.exception(f"Exception in {name}: {wire.shown(problem)}", exc_info=problem)

        @wraps(function)
        def called(*args: Any, **kwargs: Any) -> Any:
            try:
                return function(*args, **kwargs)
            except Exception as problem:
                tell(problem)
                raise

        @wraps(function)
        async def awaited(*args: Any, **kwargs: Any) -> Any:
            try:
                return await function(*args, **kwargs)
            except Exception as problem:
                tell(problem)
                raise

        # inspect.iscoroutinefunction without the import of inspect, which costs as much as all of ours.
        code = getattr(function, "__code__", None)
        coroutine = code is not None and code.co_flags & 0x80
        return cast(Function, awaited if coroutine else called)

    return decorate
