"""The generic webhook: the body of `message`, as it is, to SRA_WEBHOOK_URL. From send; to whatever listens.

Delivered at least once: `X-SRA-Delivery` is the same in every attempt, so a receiver can drop repetitions.
"""
from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from . import Delivery
from .post import client, post


class Webhook:
    """Any program that takes JSON."""

    name = "webhook"

    def __init__(self, url: str) -> None:
        self._url = url
        self._http = client()

    async def send(self, body: Mapping[str, Any], *, message_id: str, attempt: int) -> Delivery:
        """Send one message."""
        return await post(self._http, self._url, body, {
            "User-Agent": "sra", "X-SRA-Event": str(body.get("event", "")), "X-SRA-Delivery": message_id,
            "X-SRA-Attempt": str(attempt)})

    async def close(self) -> None:
        """Close its connections."""
        await self._http.aclose()
