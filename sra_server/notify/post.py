"""One POST of JSON and what its answer means. From slack and webhook; to the network.

Addresses hold secrets, so no error text names one.
"""
from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

from . import Delivery

if TYPE_CHECKING:
    import httpx  # at run time by those who send: a server without channels starts without it

#: Seconds for an answer, and of them for the connection.
TIMEOUT, CONNECT = 10.0, 5.0
#: Nobody is waited for longer than this, whatever they ask.
LONGEST_WAIT = 3600.0


def client() -> httpx.AsyncClient:
    """Return a client that follows no redirect: a webhook's address is given by the administrator, whole."""
    import httpx
    return httpx.AsyncClient(timeout=httpx.Timeout(TIMEOUT, connect=CONNECT), follow_redirects=False,
                             limits=httpx.Limits(max_connections=4, max_keepalive_connections=2))


def retry_after(value: str | None, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> float | None:
    """Return the seconds that a Retry-After header asks for: a number or a date."""
    if not value:
        return None
    try:
        seconds = float(value)
    except ValueError:
        try:
            seconds = (parsedate_to_datetime(value) - now()).total_seconds()
        except (ValueError, TypeError):
            return None
    return min(max(0.0, seconds), LONGEST_WAIT) if seconds == seconds else None


def meaning(status: int, headers: Mapping[str, str], text: str) -> Delivery:
    """Return what an answer means: arrived, later, or never."""
    if 200 <= status < 300:
        return Delivery(arrived=True)
    said = f"answered {status}" + (f": {text[:200]}" if text.strip() else "")
    if status in (408, 425, 429) or status >= 500:
        return Delivery(arrived=False, again=True, after=retry_after(headers.get("retry-after")), error=said)
    if 300 <= status < 400:
        said += " (redirects are not followed: configure the final address)"
    return Delivery(arrived=False, error=said)


async def post(http: httpx.AsyncClient, url: str, content: Mapping[str, Any],
               headers: Mapping[str, str] | None = None) -> Delivery:
    """Send the content; no exception of the network leaves this function."""
    import httpx
    try:
        answer = await http.post(url, json=dict(content), headers=dict(headers or {}))
    except httpx.TimeoutException:
        return Delivery(arrived=False, again=True, error="did not answer in time")
    except httpx.HTTPError as error:
        return Delivery(arrived=False, again=True, error=f"could not be reached ({type(error).__name__})")
    except (httpx.InvalidURL, UnicodeError):
        return Delivery(arrived=False, error="its address is not a valid URL")
    return meaning(answer.status_code, answer.headers, answer.text)
