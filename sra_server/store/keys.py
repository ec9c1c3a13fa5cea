"""API keys: `sra_<12 hex id>_<secret>`. The id finds the row, the SHA-256 of the whole key proves it.

From api.keys and api.identity; a key belongs to an account and speaks with its own scopes.
"""
from __future__ import annotations

import hashlib
import re
import secrets
from dataclasses import dataclass

from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.engine import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from .schema import accounts, api_keys

#: How many keys of an account may be active at once.
ACTIVE_LIMIT = 3
_KEY = re.compile(r"sra_([0-9a-f]{12})_([A-Za-z0-9_-]{20,100})")
_PREFIX = re.compile(r"(?:sra_)?([0-9a-f]{1,12})(?:\.\.\.|_[A-Za-z0-9_-]*)?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """A stored key; the secret itself is kept nowhere."""

    id: str
    account_id: str
    user_id: str | None
    secret_hash: str
    name: str
    scopes: tuple[str, ...]
    created_at: int
    last_used_at: int | None = None
    revoked_at: int | None = None

    @property
    def prefix(self) -> str:
        """What names the key to people."""
        return f"sra_{self.id}"


def fingerprint(secret: str) -> str:
    """Return what is stored of a key or token."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def new_secret() -> tuple[str, str]:
    """Return a new key and its id."""
    key_id = secrets.token_hex(6)
    return f"sra_{key_id}_{secrets.token_urlsafe(32)}", key_id


def id_of(key: str) -> str | None:
    """Return the id inside a key, or None if it is no key of ours."""
    match = _KEY.fullmatch(key)
    return match[1] if match else None


def prefix_of(text: str) -> str | None:
    """Return the beginning of an id that `text` (a prefix, a masked or a whole key) names."""
    match = _PREFIX.fullmatch(text.strip())
    return match[1] if match else None


async def by_id(conn: AsyncConnection, key_id: str) -> Key | None:
    """Return a key of any account: before this, nobody knows whose request it is."""
    row = (await conn.execute(select(api_keys).where(api_keys.c.id == key_id))).first()
    return _key(row) if row is not None else None


async def listed(conn: AsyncConnection, account_id: str) -> list[Key]:
    """Return the account's keys, newest first."""
    rows = await conn.execute(select(api_keys).where(api_keys.c.account_id == account_id)
                              .order_by(api_keys.c.created_at.desc(), api_keys.c.id))
    return [_key(row) for row in rows]


async def starting_with(conn: AsyncConnection, account_id: str, prefix: str) -> list[Key]:
    """Return the account's keys whose id begins with `prefix` (hex digits)."""
    rows = await conn.execute(
        select(api_keys).where(api_keys.c.account_id == account_id, api_keys.c.id.startswith(prefix)))
    return [_key(row) for row in rows]


async def add(conn: AsyncConnection, account_id: str, key: Key) -> bool:
    """Store a key unless ACTIVE_LIMIT are active already; return whether it was stored."""
    # the account's row serialises two creations on PostgreSQL; SQLite has one writer anyway
    await conn.execute(select(accounts.c.id).where(accounts.c.id == account_id).with_for_update())
    active = await conn.scalar(select(func.count()).select_from(api_keys).where(
        api_keys.c.account_id == account_id, api_keys.c.revoked_at.is_(None)))
    if (active or 0) >= ACTIVE_LIMIT:
        return False
    await conn.execute(insert(api_keys).values(
        id=key.id, account_id=account_id, user_id=key.user_id, secret_hash=key.secret_hash, name=key.name,
        scopes=list(key.scopes), created_at=key.created_at))
    return True


async def revoke(conn: AsyncConnection, account_id: str, key_id: str, at: int) -> None:
    """End a key; it stays listed. A second revocation changes nothing."""
    await conn.execute(update(api_keys).where(
        api_keys.c.account_id == account_id, api_keys.c.id == key_id, api_keys.c.revoked_at.is_(None),
    ).values(revoked_at=at))


async def remove(conn: AsyncConnection, account_id: str, key_id: str) -> None:
    """Delete a key for good."""
    await conn.execute(delete(api_keys).where(
        api_keys.c.account_id == account_id, api_keys.c.id == key_id))


async def used(conn: AsyncConnection, key_id: str, at: int) -> None:
    """Note the time of a key's last use."""
    await conn.execute(update(api_keys).where(api_keys.c.id == key_id).values(last_used_at=at))


def _key(row: Row[tuple[object, ...]]) -> Key:
    values = dict(row._mapping)
    return Key(**{**values, "scopes": tuple(values["scopes"])})
