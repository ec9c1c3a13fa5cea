"""What the long-running parts are given: settings, store and clock. From app; to worker and notify."""
from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from .config import ServerConfig
from .store import Store


class Context(Protocol):
    """The handlers' context has this shape too; `clock` gives epoch microseconds."""

    @property
    def config(self) -> ServerConfig:
        """Return the settings."""

    @property
    def store(self) -> Store:
        """Return the database."""

    @property
    def clock(self) -> Callable[[], int]:
        """Return what tells the time."""
