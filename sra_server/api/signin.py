"""Passwords and the limit on failed sign-ins. From api.auth; one Gate a server.

argon2id at OWASP's parameters, in threads, a bounded number at a time. An unknown person costs the same
work as a wrong password. Failures are counted by account and address together, so that nobody can lock
out another person, and by address alone against lists of accounts.
"""
from __future__ import annotations

import asyncio
import hashlib
import math
import time
from collections.abc import Callable
from typing import TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from limits import RateLimitItem, RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter

from sra_sdk.errors import Refused, Unavailable

AT_ONCE = 2
WAITING = 100
BY_ACCOUNT = RateLimitItemPerMinute(5, 15, namespace="sign-in-account")
BY_ADDRESS = RateLimitItemPerMinute(50, 15, namespace="sign-in-address")
T = TypeVar("T")

#: Counters are kept in so many buckets, so that invented names cannot fill the memory.
_BUCKETS = 1 << 16


class TooManyFailures(Refused):
    """Too many failed sign-ins; `retry_after` seconds until the next is accepted."""

    code = "too_many_failures"
    http_status = 429

    def __init__(self, retry_after: float) -> None:
        super().__init__("too many failed sign-ins for this account from this address",
                         hint=f"try again in {math.ceil(retry_after / 60)} min")
        self.retry_after = retry_after


class Gate:
    """Hashes and checks passwords."""

    def __init__(self) -> None:
        self._hasher = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
        self._limiter = MovingWindowRateLimiter(MemoryStorage())
        self._slots = asyncio.Semaphore(AT_ONCE)
        self._inside = 0
        self._nobody: str | None = None

    async def hash(self, password: str) -> str:
        """Return what is stored of a password."""
        return await self._work(lambda: self._hasher.hash(password.encode("utf-8", "surrogatepass")))

    async def check(self, *, email: str, address: str, stored: str | None, password: str) -> bool:
        """Tell whether the password is right; raise TooManyFailures when too many were not.

        `stored` is None for an unknown person, who is checked against a hash that nobody knows.
        """
        limits = ((BY_ACCOUNT, _bucket(email, address)), (BY_ADDRESS, _bucket(address)))
        self._refuse_if_full(limits)
        if self._nobody is None:
            self._nobody = await self.hash("nobody has this password")
        right = await self._verify(stored or self._nobody, password) and stored is not None
        if not right:
            self._refuse_if_full(limits)  # those that were checked meanwhile count, too
            for item, key in limits:
                self._limiter.hit(item, key)
        return right

    def outdated(self, stored: str) -> bool:
        """Tell whether a hash was made with weaker parameters."""
        return self._hasher.check_needs_rehash(stored)

    def _refuse_if_full(self, limits: tuple[tuple[RateLimitItem, str], ...]) -> None:
        for item, key in limits:
            if not self._limiter.test(item, key):
                raise TooManyFailures(max(1.0, self._limiter.get_window_stats(item, key)[0] - time.time()))

    async def _verify(self, stored: str, password: str) -> bool:
        def verify() -> bool:
            try:
                return self._hasher.verify(stored, password.encode("utf-8", "surrogatepass"))
            except (VerificationError, InvalidHashError):
                return False
        return await self._work(verify)

    async def _work(self, action: Callable[[], T]) -> T:
        if self._inside >= WAITING:
            raise Unavailable("too many people sign in at this moment", retry_after=2.0)
        self._inside += 1
        try:
            async with self._slots:
                return await asyncio.to_thread(action)
        finally:
            self._inside -= 1


def _bucket(*parts: str) -> str:
    digest = hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass")).digest()
    return str(int.from_bytes(digest[:8], "big") % _BUCKETS)
