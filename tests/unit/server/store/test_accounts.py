"""Accounts, sessions, keys and leases at the database."""
from __future__ import annotations

import asyncio

import pytest
from sqlalchemy.exc import IntegrityError

from sra_server.store import Store, accounts, keys, leases
from sra_server.store.keys import Key


async def person(store: Store, email: str = "a@b.c") -> accounts.User:
    async with store.writing() as conn:
        return await accounts.register(conn, email=email, name=None, password_hash="h", at=1)


async def test_a_registration_makes_person_account_and_membership(store: Store) -> None:
    user = await person(store)
    async with store.reading() as conn:
        assert await accounts.by_email(conn, "a@b.c") == user
        assert await accounts.by_id(conn, user.account_id, user.id) == user
        assert await accounts.by_id(conn, "another account", user.id) is None
    with pytest.raises(IntegrityError):
        await person(store)


async def test_a_session_speaks_until_it_is_closed_or_over(store: Store) -> None:
    user = await person(store)
    async with store.writing() as conn:
        await accounts.open_session(conn, token_hash="t1", user=user, at=10, expires_at=100)
        await accounts.open_session(conn, token_hash="t2", user=user, at=10, expires_at=100)
        await accounts.close_session(conn, "t2")
    async with store.reading() as conn:
        found = await accounts.session(conn, "t1", 99)
        assert found is not None and (found.account_id, found.user_id) == (user.account_id, user.id)
        assert await accounts.session(conn, "t1", 100) is None
        assert await accounts.session(conn, "t2", 50) is None


def key(number: int, account: str) -> Key:
    secret, key_id = keys.new_secret()
    return Key(id=key_id, account_id=account, user_id=None, secret_hash=keys.fingerprint(secret),
               name=str(number), scopes=("ingest",), created_at=number)


async def test_three_keys_at_most_even_when_ten_are_asked_for_at_once(store: Store, account: str) -> None:
    async def add(number: int) -> bool:
        async with store.writing() as conn:
            return await keys.add(conn, account, key(number, account))

    assert sorted(await asyncio.gather(*(add(i) for i in range(10)))) == [False] * 7 + [True] * 3
    async with store.writing() as conn:
        listed = await keys.listed(conn, account)
        await keys.revoke(conn, account, listed[0].id, 50)
        await keys.revoke(conn, "account-2", listed[1].id, 50)
    assert await add(11)
    assert not await add(12)
    async with store.reading() as conn:
        revoked = await keys.by_id(conn, listed[0].id)
        assert revoked is not None and revoked.revoked_at == 50


@pytest.mark.parametrize(("text", "prefix"), [
    ("sra_a1b2c3", "a1b2c3"), ("a1b2c3", "a1b2c3"), ("sra_a1b2c3d4e5f6...", "a1b2c3d4e5f6"),
    ("sra_a1b2c3d4e5f6_secret-part", "a1b2c3d4e5f6"), ("sra_", None), ("sra_%", None),
    ("sra_A1", None), ("", None),
])
def test_what_names_a_key(text: str, prefix: str | None) -> None:
    assert keys.prefix_of(text) == prefix


def test_a_new_key_names_its_row() -> None:
    secret, key_id = keys.new_secret()
    assert keys.id_of(secret) == key_id
    assert keys.id_of(secret[:-30]) is None


async def test_a_lease_has_one_owner_until_it_expires(store: Store, account: str) -> None:
    async with store.writing() as conn:
        assert await leases.take(conn, account, "w1", now=10, until=20)
        assert not await leases.take(conn, account, "w2", now=15, until=30)
        assert await leases.take(conn, account, "w1", now=15, until=25)
        assert await leases.take(conn, account, "w2", now=25, until=40)
        await leases.release(conn, account, "w1")
        assert not await leases.take(conn, account, "w1", now=30, until=50)
        await leases.release(conn, account, "w2")
        assert await leases.take(conn, account, "w1", now=30, until=50)


async def test_the_dry_run_switch(store: Store, account: str) -> None:
    async with store.writing() as conn:
        assert await accounts.dry_run(conn, account) is None
        await accounts.set_dry_run(conn, account, False)
        assert await accounts.dry_run(conn, account) is False
        assert await accounts.dry_run(conn, "account-2") is None
