"""/auth: register, sign in, sign out, who am I. From people and their tools; to store.accounts."""
from __future__ import annotations

import secrets
from datetime import UTC, datetime, timedelta

from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from sra_sdk.errors import BadInput, NotFound, NotSignedIn
from sra_sdk.models import Done, Login, Registration, TokenOut, UserOut
from sra_server.store import accounts, keys
from sra_server.store.accounts import User

from .route import Answer, Call, Route

#: A session ends by itself after so long.
SESSION = 30 * 86_400_000_000


async def register(call: Call) -> Answer:
    """Make a person and their account, and sign them in."""
    wanted: Registration = call.body
    async with call.store.reading() as conn:
        taken = await accounts.by_email(conn, wanted.email) is not None
    hashed = "" if taken else await call.context.gate.hash(wanted.password)
    try:
        if taken:
            raise _taken()
        async with call.store.writing() as conn:
            user = await accounts.register(conn, email=wanted.email, name=wanted.name, at=call.now(),
                                           password_hash=hashed)
            token = await _open(conn, user, call.now())
    except IntegrityError:  # somebody was faster
        raise _taken() from None
    return Answer(token)


async def login(call: Call) -> TokenOut:
    """Sign in; an unknown person and a wrong password are told apart by nobody outside."""
    given: Login = call.body
    email = given.email.strip().lower()
    async with call.store.reading() as conn:
        user = await accounts.by_email(conn, email)
    right = await call.context.gate.check(
        email=email, address=call.request.remote or "", password=given.password,
        stored=user.password_hash if user is not None else None)
    if user is None or not right or not user.is_active:
        raise NotSignedIn("e-mail or password is wrong", code="wrong_login")
    async with call.store.writing() as conn:
        return await _open(conn, user, call.now())


async def logout(call: Call) -> Done:
    """End the session that the request came with."""
    _, _, token = call.request.headers.get("Authorization", "").partition(" ")
    async with call.store.writing() as conn:
        await accounts.close_session(conn, keys.fingerprint(token.strip()))
    return Done(status="success", message="Logged out")


async def me(call: Call) -> UserOut:
    """Tell who the session belongs to."""
    async with call.store.reading() as conn:
        user = await accounts.by_id(conn, call.principal.account_id, call.principal.user_id or "")
    if user is None:
        raise NotFound("this person is no longer a member of the account")
    return _shown(user)


async def _open(conn: AsyncConnection, user: User, now: int) -> TokenOut:
    token = secrets.token_urlsafe(32)
    await accounts.open_session(conn, token_hash=keys.fingerprint(token), user=user, at=now,
                                expires_at=now + SESSION)
    return TokenOut(access_token=token, expires_at=moment(now + SESSION), user=_shown(user))


def _shown(user: User) -> UserOut:
    return UserOut.model_validate({
        "id": user.id, "email": user.email, "name": user.name, "account_id": user.account_id,
        "scopes": user.scopes, "created_at": moment(user.created_at), "is_active": user.is_active})


def _taken() -> BadInput:
    return BadInput("email: an account with this address exists already", code="email_taken",
                    http_status=400, hint="sign in with POST /auth/login")


def moment(at: int) -> datetime:
    """Return epoch microseconds as the wire's time."""
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=at)


_TAG = "Authentication"

ROUTES = (
    Route(method="POST", path="/auth/register", handler=register, summary="Create an account", tag=_TAG,
          auth="none", body=Registration, answer=TokenOut, errors=(400, 503)),
    Route(method="POST", path="/auth/login", handler=login, summary="Sign in and get a token", tag=_TAG,
          auth="none", body=Login, answer=TokenOut, errors=(401, 429)),
    Route(method="POST", path="/auth/logout", handler=logout, summary="End this session", tag=_TAG,
          auth="bearer", answer=Done),
    Route(method="GET", path="/auth/me", handler=me, summary="Show your profile", tag=_TAG,
          auth="bearer", answer=UserOut),
)
