"""What PostgreSQL promises of a commit: raised where it is ours, told where it is not. To engine and Store.

An acknowledged batch must survive a power cut, and a role's or a database's default may say otherwise.
`synchronous_commit = off` answers before the commit is on the disk; each session may raise it, so ours do.
All its other values wait for our server's disk at least and stay as they were chosen. `fsync` and
`full_page_writes` belong to the whole server: whoever turned them off must hear of it.
"""
from __future__ import annotations

import logging
from typing import Any

from sqlalchemy import event, text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

log = logging.getLogger(__name__)

_RAISE = ("SELECT set_config('synchronous_commit', 'on', false) "
          "WHERE current_setting('synchronous_commit') = 'off'")
#: Settings of the server that must be on, and what happens otherwise.
_NEEDED = {
    "fsync": "what was acknowledged may be lost, and the database with it, when the power goes",
    "full_page_writes": "pages that were being written when the power goes may be torn for good",
}


def insist(engine: AsyncEngine) -> None:
    """Have every session of the engine wait for the disk, past any transaction that could take it back."""
    def on_connect(connection: Any, _record: object) -> None:
        connection.run_async(lambda driver: driver.execute(_RAISE))

    event.listen(engine.sync_engine, "connect", on_connect)


async def look(conn: AsyncConnection) -> None:
    """Say what the server's own settings put at risk."""
    for name, risk in _NEEDED.items():
        if await conn.scalar(text("SELECT current_setting(:name)"), {"name": name}) == "off":
            log.warning("PostgreSQL runs with %s = off: %s; turn it on in postgresql.conf", name, risk,
                        extra={"action": "not_durable"})
