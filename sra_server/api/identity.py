"""Find out on whose behalf a request comes: API key, admin key or session. From route; to handlers.

The database is asked, so that a revoked key or a closed session ends at once; a key's answer counts for a
second (store.known), and a revocation here ends that as well. Secrets are stored as
SHA-256 and compared in constant time; 256 random bits need no slow hash.
"""
from __future__ import annotations

import asyncio
import hmac
import logging
from typing import Literal

from aiohttp import web
from pydantic import SecretStr

from sra_sdk.errors import NotSignedIn, SraError, Unavailable
from sra_server.domain.principal import SCOPES, Principal
from sra_server.store import Store, accounts, keys

log = logging.getLogger(__name__)

#: Whose key it is must be known within this, or the sender is told to come back.
KEY_SECONDS = 5.0
#: `last_used_at` of a key is written at most this often.
_USED_EVERY = 60_000_000


async def principal_of(request: web.Request, *, store: Store, now: int, auth: Literal["bearer", "key"],
                       admin_key: SecretStr | None) -> Principal:
    """Return the principal of a request, or raise NotSignedIn."""
    key = request.headers.get("X-API-Key", "").strip()
    if key and auth == "key":
        return await _of_key(store, key, now, admin_key)
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "bearer" and token.strip():
        return await _of_token(store, token.strip(), now)
    if auth == "bearer":
        raise NotSignedIn("this needs a session: the header Authorization: Bearer <token>",
                          hint="POST /auth/login gives a token")
    raise NotSignedIn("this needs the header X-API-Key or Authorization: Bearer <token>",
                      hint="POST /auth/login gives a token, POST /api-keys a key")


async def _of_token(store: Store, token: str, now: int) -> Principal:
    async with store.reading() as conn:
        found = await accounts.session(conn, keys.fingerprint(token), now)
    if found is None:
        raise NotSignedIn("the session is unknown, expired or closed", code="invalid_token",
                          hint="POST /auth/login gives a new token")
    return found


async def _of_key(store: Store, key: str, now: int, admin_key: SecretStr | None) -> Principal:
    if admin_key is not None and hmac.compare_digest(
            key.encode("utf-8", "surrogatepass"), admin_key.get_secret_value().encode()):
        return Principal(account_id=accounts.ADMIN_ACCOUNT, kind="admin_key", name="admin key",
                         scopes=frozenset(SCOPES))
    key_id = keys.id_of(key)
    found = await _key(store, key_id) if key_id is not None else None
    offered = keys.fingerprint(key)
    if found is None or not hmac.compare_digest(found.secret_hash, offered):
        raise NotSignedIn("the API key is not known", code="invalid_key",
                          hint="check X-API-Key; GET /api-keys lists yours")
    if found.revoked_at is not None:
        raise NotSignedIn(f"the API key {found.name!r} was revoked", code="revoked_key",
                          hint="create another with POST /api-keys")
    if found.last_used_at is None or now - found.last_used_at >= _USED_EVERY:
        store.known_keys.forget(found.id)
        await _note_use(store, found.id, now)
    return Principal(account_id=found.account_id, kind="key", name=found.name, key_id=found.id,
                     user_id=found.user_id, scopes=frozenset(found.scopes))


async def _key(store: Store, key_id: str) -> keys.Key | None:
    found = store.known_keys.get(key_id)
    if found is None:
        try:
            async with asyncio.timeout(KEY_SECONDS), store.reading() as conn:
                found = await keys.by_id(conn, key_id)
        except TimeoutError:
            raise Unavailable("the database does not answer", retry_after=2.0) from None
        if found is not None:
            store.known_keys.put(found)
    return found


async def _note_use(store: Store, key_id: str, now: int) -> None:
    """Write down that the key was used; a busy database may go without."""
    try:
        async with store.writing(urgent=True) as conn:  # nobody's request shall wait behind ingest for this
            await keys.used(conn, key_id, now)
    except SraError as error:
        log.warning("last use of key %s not noted: %s", key_id, error, extra={"action": "key_used"})
