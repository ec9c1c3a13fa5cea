"""The outbox's sender: each message at least once, in order, with a visible end. From outbox; to channels.

Each channel has one loop, so a slow one delays only itself and a channel's messages keep their order.
What fails is tried again after 1, 2, 4 … seconds, or when the other side says; after ATTEMPTS the row is
marked failed, the log says so, and the incident's timeline too.
"""
from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence

from sra_sdk.errors import SraError

from ..config import ServerConfig
from ..context import Context
from ..crash import crashpoint
from ..domain.record import MINUTE, SECOND
from ..store import outbox, timeline
from . import Delivery, Notifier
from .slack import SlackWebhook
from .webhook import Webhook

log = logging.getLogger(__name__)

ATTEMPTS = 10
#: A claim runs out after this, longer than any attempt may take; a dead sender's row is then free.
CLAIM = 60 * SECOND
#: How often to look without being woken.
LOOK = 5.0
LONGEST_BACKOFF = 300.0
#: A failing message holds back those behind it no longer than this, unless the channel asked for more.
LONGEST_HOLD = 30.0
KEPT = 7 * 24 * 60 * MINUTE


def notifiers(config: ServerConfig) -> tuple[Notifier, ...]:
    """Return the configured channels."""
    found: list[Notifier] = []
    if config.slack_webhook_url is not None and config.slack_webhook_url.get_secret_value():
        found.append(SlackWebhook(config.slack_webhook_url.get_secret_value()))
    if config.webhook_url is not None and config.webhook_url.get_secret_value():
        found.append(Webhook(config.webhook_url.get_secret_value()))
    return tuple(found)


def backoff(attempt: int, asked: float | None) -> float:
    """Return the seconds until the next attempt; what the other side asks for is the least."""
    own = min(2.0 ** (attempt - 1), LONGEST_BACKOFF)
    return max(own, asked) if asked is not None else own


class Sender:
    """Runs until cancelled. Without channels it only keeps the outbox clean."""

    def __init__(self, context: Context, channels: Sequence[Notifier] | None = None) -> None:
        self._context = context
        self._channels = notifiers(context.config) if channels is None else tuple(channels)
        self.sent = 0
        self.failed = 0

    async def run(self) -> None:
        """Send what is due, for ever."""
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._keep_clean())
                for channel in self._channels:
                    group.create_task(self._serve(channel))
        finally:
            for channel in self._channels:
                await channel.close()

    async def _serve(self, channel: Notifier) -> None:
        wakeups = self._context.store.wakeups
        while True:
            since = wakeups.mark()
            try:
                hold = await self.step(channel)
            except SraError as error:
                log.warning("outbox of %s: %s", channel.name, error)
                hold = 1.0
            except Exception:  # a fault of ours with one message: loud, and the others go on
                log.exception("outbox of %s failed", channel.name, extra={"action": "sender_failed"})
                hold = LOOK
            if hold is None:
                await wakeups.wait("outbox", LOOK, since=since)
            elif hold:
                await asyncio.sleep(hold)

    async def step(self, channel: Notifier) -> float | None:
        """Send the next due message; return how long the channel rests, None if nothing was due."""
        clock, store = self._context.clock, self._context.store
        async with store.reading() as conn:
            waiting = await outbox.due(conn, clock(), 1, channel=channel.name)
            later = await outbox.next_due(conn, channel=channel.name) if not waiting else None
        if not waiting:
            return None if later is None else min(LOOK, max(0.05, (later - clock()) / SECOND))
        account_id, message_id, next_at = waiting[0]
        async with store.writing() as conn:
            message = await outbox.claim(conn, account_id, message_id, next_at, clock() + CLAIM)
        if message is None:
            return 0.0
        crashpoint("outbox.send")
        delivery = await channel.send(message.body, message_id=message.id, attempt=message.attempts)
        crashpoint("outbox.sent")
        hold = await self._mark(channel, message, delivery)
        crashpoint("outbox.marked")
        return hold

    async def _mark(self, channel: Notifier, message: outbox.Message, delivery: Delivery) -> float:
        now = self._context.clock()
        async with self._context.store.writing() as conn:
            if delivery.arrived:
                await outbox.sent(conn, message, now)
                self.sent += 1
                return 0.0
            if delivery.again and message.attempts < ATTEMPTS:
                wait = backoff(message.attempts, delivery.after)
                await outbox.retry(conn, message, now + int(wait * SECOND), delivery.error)
                return wait if delivery.after is not None else min(wait, LONGEST_HOLD)
            await outbox.give_up(conn, message, delivery.error)
            self.failed += 1
            text = (f"the message \"{message.kind}\" to {channel.name} was given up after {message.attempts} "
                    f"attempt{'s' if message.attempts > 1 else ''}: {channel.name} {delivery.error}")
            log.error("%s", text)
            incident = message.body.get("incident")
            if incident:
                await timeline.add(conn, message.account_id, incident["id"], at=now, kind="not_notified",
                                   actor="sra", text=text)
            return 0.0

    async def _keep_clean(self) -> None:
        served = [channel.name for channel in self._channels]
        while True:
            now = self._context.clock()
            try:
                async with self._context.store.writing() as conn:
                    await outbox.forget(conn, now - KEPT)
                    await outbox.orphan(conn, served)
            except SraError as error:
                log.warning("the outbox was not cleaned: %s", error)
            await asyncio.sleep(3600)
