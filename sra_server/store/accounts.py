"""Users, accounts, memberships and sessions. From api.auth, api.identity and app.

A registration makes one user, one account and one membership with every scope. The admin key speaks
for a built-in account of its own.
"""
from __future__ import annotations

import uuid
from dataclasses import dataclass

from sqlalchemy import delete, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from sra_server.domain.principal import SCOPES, Principal

from .schema import accounts, memberships, sessions, users

ADMIN_ACCOUNT = "admin"


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """A person with the account and the scopes that the session or sign-in gives."""

    id: str
    email: str
    name: str | None
    password_hash: str
    is_active: bool
    created_at: int
    account_id: str
    scopes: tuple[str, ...]


async def register(conn: AsyncConnection, *, email: str, name: str | None, password_hash: str,
                   at: int) -> User:
    """Store a person with an account of their own; raise IntegrityError if the e-mail is taken."""
    user = User(id=str(uuid.uuid4()), email=email, name=name, password_hash=password_hash, is_active=True,
                created_at=at, account_id=str(uuid.uuid4()), scopes=SCOPES)
    await conn.execute(insert(users).values(id=user.id, email=email, name=name, password_hash=password_hash,
                                            is_active=True, created_at=at))
    await conn.execute(insert(accounts).values(id=user.account_id, name=email, created_at=at))
    await conn.execute(insert(memberships).values(account_id=user.account_id, user_id=user.id,
                                                  scopes=list(SCOPES), created_at=at))
    return user


async def ensure_account(conn: AsyncConnection, account_id: str, *, name: str, at: int) -> None:
    """Store an account without members unless it exists (the admin key's; those of tests)."""
    if await conn.scalar(select(accounts.c.id).where(accounts.c.id == account_id)) is None:
        kind = postgresql.insert if conn.dialect.name == "postgresql" else sqlite.insert
        await conn.execute(kind(accounts).values(id=account_id, name=name, created_at=at)
                           .on_conflict_do_nothing())  # servers that start together all try


async def by_email(conn: AsyncConnection, email: str) -> User | None:
    """Return the person of an e-mail address."""
    return await _user(conn, users.c.email == email)


async def by_id(conn: AsyncConnection, account_id: str, user_id: str) -> User | None:
    """Return a member of the account."""
    return await _user(conn, users.c.id == user_id, memberships.c.account_id == account_id)


async def _user(conn: AsyncConnection, *conditions: object) -> User | None:
    row = (await conn.execute(
        select(users, memberships.c.account_id, memberships.c.scopes)
        .join(memberships, memberships.c.user_id == users.c.id)
        .where(*conditions)  # type: ignore[arg-type]
        .order_by(memberships.c.created_at).limit(1))).first()
    if row is None:
        return None
    values = dict(row._mapping)
    return User(**{**values, "scopes": tuple(values["scopes"])})


async def set_password(conn: AsyncConnection, user_id: str, password_hash: str) -> None:
    """Store another hash of the password (a stronger one, made at a sign-in)."""
    await conn.execute(update(users).where(users.c.id == user_id).values(password_hash=password_hash))


async def open_session(conn: AsyncConnection, *, token_hash: str, user: User, at: int,
                       expires_at: int) -> None:
    """Store a session, and drop those of the person that have expired."""
    await conn.execute(delete(sessions).where(sessions.c.user_id == user.id, sessions.c.expires_at <= at))
    await conn.execute(insert(sessions).values(token_hash=token_hash, user_id=user.id, expires_at=expires_at,
                                               account_id=user.account_id, created_at=at))


async def session(conn: AsyncConnection, token_hash: str, now: int) -> Principal | None:
    """Return whom a session speaks for, if it is open and the person active and still a member."""
    row = (await conn.execute(
        select(sessions.c.account_id, users.c.id, users.c.email, memberships.c.scopes)
        .join(users, users.c.id == sessions.c.user_id)
        .join(memberships, (memberships.c.user_id == users.c.id)
              & (memberships.c.account_id == sessions.c.account_id))
        .where(sessions.c.token_hash == token_hash, sessions.c.expires_at > now,
               users.c.is_active.is_(True)))).first()
    if row is None:
        return None
    return Principal(account_id=row.account_id, kind="user", name=row.email, user_id=row.id,
                     scopes=frozenset(row.scopes))


async def close_session(conn: AsyncConnection, token_hash: str) -> None:
    """End a session."""
    await conn.execute(delete(sessions).where(sessions.c.token_hash == token_hash))


async def dry_run(conn: AsyncConnection, account_id: str) -> bool | None:
    """Return the account's dry-run switch; None if nobody has thrown it."""
    value: bool | None = await conn.scalar(select(accounts.c.dry_run).where(accounts.c.id == account_id))
    return value


async def set_dry_run(conn: AsyncConnection, account_id: str, enabled: bool) -> None:
    """Throw the account's dry-run switch."""
    await conn.execute(update(accounts).where(accounts.c.id == account_id).values(dry_run=enabled))
