"""Send an application's logs and metrics to the System Reliability Assistant.

The five names of the library; beside them `sra_sdk.errors`, `sra_sdk.lines` (reading log lines) and,
with the extra `api`, `sra_sdk.models` and `sra_sdk.api` (the REST client). Each name is imported when
it is first used, so that a program which only reads lines does not pay for a sender.
"""
from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .client import SRAClient
    from .handler import SRAHandler
    from .logger import SRALogger, capture_exceptions
    from .metrics import MetricsCollector

__version__ = "1.0.0"
__all__ = ["MetricsCollector", "SRAClient", "SRAHandler", "SRALogger", "capture_exceptions"]

_HOME = {"SRAClient": "client", "SRAHandler": "handler", "SRALogger": "logger",
         "capture_exceptions": "logger", "MetricsCollector": "metrics"}


def __getattr__(name: str) -> Any:
    home = _HOME.get(name)
    if home is None:
        raise AttributeError(f"module 'sra_sdk' has no attribute {name!r}")
    from importlib import import_module

    value = getattr(import_module(f".{home}", __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOME])
