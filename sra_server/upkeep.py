"""Keep the database in shape: the next days' partitions, old data out. From app; to store.retention."""
from __future__ import annotations

import asyncio
import logging

from sra_sdk.errors import SraError

from .config import ServerConfig
from .context import Context
from .crash import crashpoint
from .store import partitions, retention
from .store.parcel import DAY
from .store.retention import Keep

log = logging.getLogger(__name__)

#: How often; a disk that fills within it answers 503 until then.
EVERY = 300.0
#: And how soon after a start or a failure.
SOON = 5.0


def keeping(config: ServerConfig) -> Keep:
    """Return what the settings say."""
    return Keep(days=config.retention_days, metrics_days=config.retention_metrics_days,
                incidents_days=config.retention_incidents_days, bytes=config.retention_bytes)


class Upkeep:
    """Runs until cancelled; one per process, and several servers do no harm to each other."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self.swept = 0

    async def run(self) -> None:
        """Sweep, for ever; trouble with the database is waited out."""
        while True:
            wait = EVERY
            try:
                await self.once()
            except SraError as error:
                log.warning("upkeep waits: %s", error.message, extra={"action": "upkeep_waits"})
                wait = SOON
            except Exception:  # a fault of ours: loud, and the server goes on
                log.exception("upkeep failed", extra={"action": "upkeep_failed"})
            await asyncio.sleep(wait)

    async def once(self) -> retention.Swept:
        """Make partitions for the next days, then delete what is too old or too much."""
        store, now = self._context.store, self._context.clock()
        if store.dialect == "postgresql":
            async with retention.driving(store) as driver, driver.transaction():
                today = now // DAY
                await partitions.ensure(driver, range(today, today + partitions.AHEAD + 1))
                crashpoint("upkeep.commit")
            crashpoint("upkeep.committed")
        swept = await retention.sweep(store, keeping(self._context.config), now)
        self.swept += 1
        if swept.unread:
            log.warning("%d records and points were deleted before detection had read them: the database was "
                        "above its limit, and nothing else could go", swept.unread,
                        extra={"action": "swept_unread"})
        if swept.rows or swept.partitions:
            log.info("old data deleted: %s %s", swept.rows, swept.partitions, extra={"action": "swept"})
        return swept
