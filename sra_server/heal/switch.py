"""The dry-run switch: the account's own, else the environment's, else on. To approve, lease and api."""
from __future__ import annotations

from typing import Literal

from sqlalchemy.ext.asyncio import AsyncConnection

from ..config import ServerConfig
from ..store import accounts

Source = Literal["account", "environment", "default"]


def decided(thrown: bool | None, environment: bool | None) -> tuple[bool, Source]:
    """Return whether it is on, and who says so. It can only narrow what a host's policy allows."""
    if thrown is not None:
        return thrown, "account"
    if environment is not None:
        return environment, "environment"
    return True, "default"


async def of(conn: AsyncConnection, account_id: str, config: ServerConfig) -> tuple[bool, Source]:
    """Return the switch of an account as it stands now."""
    return decided(await accounts.dry_run(conn, account_id), config.dry_run)
