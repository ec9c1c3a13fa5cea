"""Telling people: what goes where, in which words, and that it arrives. From worker and api; to channels.

    message   one body for all channels, stored in the outbox with the change that causes it
    route     which channels are configured and want it
    send      the outbox's sender: at least once, with patience, and an end
    slack webhook   the channels; each is a Notifier
"""
from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """What became of one attempt: it arrived, or may be tried again (`after` seconds if told), or never."""

    arrived: bool
    again: bool = False
    after: float | None = None
    error: str = ""


class Notifier(Protocol):
    """A channel. It never raises for what the other side does; it says so in the Delivery."""

    @property
    def name(self) -> str:
        """Return the channel's name, as the outbox stores it."""

    async def send(self, body: Mapping[str, Any], *, message_id: str, attempt: int) -> Delivery:
        """Send one message; `message_id` is the same in every attempt."""

    async def close(self) -> None:
        """Close its connections."""
