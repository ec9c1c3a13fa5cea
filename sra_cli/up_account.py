"""The account and the agent's key that `sra up` makes for itself, once. From up; to the server, over HTTP.

Both are kept beside the database that knows them, in a file of mode 0600: whoever may read that folder
has the data anyway, and another data folder has another account.
"""
from __future__ import annotations

import asyncio
import secrets
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sra_sdk.errors import ServerAnswered

from . import credentials

if TYPE_CHECKING:
    from sra_sdk.models import TokenOut

NAME = "local-account.json"
KEY_NAME = "sra up: agent"


@dataclass(frozen=True, slots=True, kw_only=True)
class Local:
    """Who this host's own server knows this host as."""

    email: str
    password: str
    key: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedIn:
    """A session of the local account, and a key of its agent that works."""

    email: str
    token: str
    key: str


def _read(path: Path) -> Local | None:
    content = credentials.load(path)
    try:
        return Local(email=str(content["email"]), password=str(content["password"]),
                     key=str(content.get("key", "")))
    except KeyError:
        return None


async def sign_in(url: str, data_dir: Path) -> SignedIn:
    """Sign in as the local account; make it, or its key, where that is missing."""
    from sra_sdk.api import AsyncClient
    path = data_dir / NAME
    local = await asyncio.to_thread(_read, path)
    async with AsyncClient(url) as anonymous:
        session = None
        if local is not None:
            session = await _login(anonymous, local)
        if local is None or session is None:
            # a new address each time: the old one may live in this database with a password that is lost
            local = Local(email=f"local-{secrets.token_hex(4)}@sra.invalid",
                          password=secrets.token_urlsafe(32))
            session = await anonymous.register(local.email, local.password, "sra up")
            await asyncio.to_thread(credentials.save, path, asdict(local))
    async with AsyncClient(url, token=session.access_token) as client:
        known = [key.prefix for key in await client.keys() if key.is_active]
        if not local.key or not local.key.startswith(tuple(known)):
            made = await client.create_key(KEY_NAME, ["ingest"])
            local = Local(email=local.email, password=local.password, key=made.key)
            await asyncio.to_thread(credentials.save, path, asdict(local))
    return SignedIn(email=local.email, token=session.access_token, key=local.key)


async def _login(client: object, local: Local) -> TokenOut | None:
    """A session, or None when this database does not know the account."""
    from sra_sdk.api import AsyncClient
    assert isinstance(client, AsyncClient)
    try:
        return await client.login(local.email, local.password)
    except ServerAnswered as error:
        if error.status in (401, 403):
            return None
        raise
