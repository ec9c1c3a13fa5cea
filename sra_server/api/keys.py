"""/api-keys: create, list, revoke and delete the keys of an account. To store.keys."""
from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncConnection

from sra_sdk.errors import BadInput, NotFound, Refused
from sra_sdk.models import KeyChanged, KeyCreated, KeyOut, KeyRequest
from sra_server.store import keys
from sra_server.store.keys import Key

from .auth import moment
from .route import Call, Route

#: What a key may do unless its creation says otherwise: all but administer the account.
USUAL_SCOPES = ("ingest", "read", "operate")


async def create(call: Call) -> KeyCreated:
    """Make a key; this answer alone holds the whole of it."""
    wanted: KeyRequest = call.body
    if wanted.name.strip() == "" or "\x00" in wanted.name:
        raise BadInput("name: must not be blank", code="validation_failed",
                       errors=[{"field": "name", "message": "must not be blank"}])
    scopes = tuple(dict.fromkeys(wanted.scopes)) if wanted.scopes else USUAL_SCOPES
    for scope in scopes:
        call.principal.require(scope)
    secret, key_id = keys.new_secret()
    key = Key(id=key_id, account_id=call.principal.account_id, user_id=call.principal.user_id,
              secret_hash=keys.fingerprint(secret), name=wanted.name.strip(), scopes=scopes,
              created_at=call.now())
    async with call.store.writing() as conn:
        if not await keys.add(conn, call.principal.account_id, key):
            raise Refused(f"an account has at most {keys.ACTIVE_LIMIT} active keys", code="key_limit",
                          http_status=400, hint="revoke one first: DELETE /api-keys/{prefix}")
    return KeyCreated.model_validate({
        "key": secret, "prefix": key.prefix, "name": key.name, "scopes": key.scopes,
        "created_at": moment(key.created_at)})


async def listing(call: Call) -> list[KeyOut]:
    """List the keys, revoked ones as well; secrets are stored nowhere."""
    async with call.store.reading() as conn:
        found = await keys.listed(conn, call.principal.account_id)
    return [KeyOut.model_validate({
        "key": f"{key.prefix}...", "prefix": key.prefix, "name": key.name, "scopes": key.scopes,
        "created_at": moment(key.created_at), "is_active": key.revoked_at is None,
        "last_used": moment(key.last_used_at) if key.last_used_at is not None else None,
    }) for key in found]


async def revoke(call: Call) -> KeyChanged:
    """End a key at once; it stays in the list."""
    async with call.store.writing(urgent=True) as conn:
        key = await _named(conn, call)
        await keys.revoke(conn, call.principal.account_id, key.id, call.now())
    call.store.known_keys.forget(key.id)
    return KeyChanged(status="revoked", name=key.name, prefix=key.prefix)


async def delete(call: Call) -> KeyChanged:
    """Remove a key for good; if it was active, it ends at once."""
    async with call.store.writing(urgent=True) as conn:
        key = await _named(conn, call)
        await keys.remove(conn, call.principal.account_id, key.id)
    call.store.known_keys.forget(key.id)
    return KeyChanged(status="deleted", name=key.name, prefix=key.prefix)


async def _named(conn: AsyncConnection, call: Call) -> Key:
    """Return the one key that the path's prefix names."""
    prefix = keys.prefix_of(call.path["prefix"])
    found = await keys.starting_with(conn, call.principal.account_id, prefix) if prefix else []
    if not found:
        raise NotFound("no key of yours begins so", hint="GET /api-keys lists the prefixes")
    if len(found) > 1:
        names = ", ".join(f"{key.prefix} ({key.name})" for key in found)
        raise Refused(f"several keys begin so: {names}", code="ambiguous_prefix", http_status=409,
                      hint="give more of the prefix")
    return found[0]


ROUTES = (
    Route(method="POST", path="/api-keys", handler=create, summary="Create a key (at most 3 active)",
          tag="API Keys", auth="bearer", body=KeyRequest, answer=KeyCreated, errors=(400, 403)),
    Route(method="GET", path="/api-keys", handler=listing, summary="List your keys", tag="API Keys",
          auth="bearer", answer=list[KeyOut]),
    Route(method="DELETE", path="/api-keys/{prefix}", handler=revoke, summary="Revoke a key", tag="API Keys",
          auth="bearer", answer=KeyChanged, errors=(404, 409)),
    Route(method="DELETE", path="/api-keys/{prefix}/delete", handler=delete, summary="Delete a key for good",
          tag="API Keys", auth="bearer", answer=KeyChanged, errors=(404, 409)),
)
