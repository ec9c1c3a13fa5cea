"""Slack's incoming webhook. From send; to Slack, in the words of `blocks`.

An incoming webhook is one POST whose answer needs the status and Retry-After only, so it goes through
httpx like the generic one; slack-sdk serves the app with its buttons.
"""
from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from . import Delivery
from .blocks import message
from .post import client, post


class SlackWebhook:
    """A channel of one Slack workspace."""

    name = "slack"

    def __init__(self, url: str) -> None:
        self._url = url
        self._http = client()

    async def send(self, body: Mapping[str, Any], *, message_id: str, attempt: int) -> Delivery:
        """Send one message."""
        return await post(self._http, self._url, message(body))

    async def close(self) -> None:
        """Close its connections."""
        await self._http.aclose()
