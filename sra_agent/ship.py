"""Send sealed batches in order, one in flight, until each is stored. From spool; to POST /ingest/batch.

The server answers 200 only after its commit, so only then a batch is forgotten. Everything else either
waits (no answer, 5xx, 429), renews the producer (409 sequence_reused), halves a batch that will never be
taken until the one bad item is found (400, 413, 422), or waits for a person (401, 403).
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from enum import Enum

from sra_sdk.errors import Unavailable

from .backoff import Backoff
from .connection import Answer, Connection
from .crash import crashpoint
from .ends import ahead, fetch_ends
from .pack import packed
from .spool import Spool
from .spool_file import SpoolOld
from .spool_rows import Sealed

log = logging.getLogger("sra.agent.ship")
GZIP_BYTES = 512
IDLE_SECONDS = 1.0
FORBIDDEN_SECONDS = 15.0
LONGEST_SECONDS = 8.0  # a server that is back is seen within this


class Next(Enum):
    """What to do after an answer."""

    STORED = "stored"
    RENEW = "renew"
    HALVE = "halve"
    FORBIDDEN = "forbidden"
    AGAIN = "again"


#: Codes of 400 for a batch that was harmed on its way, or that no SRA refused: no fault of its items.
_UNDERWAY = frozenset(("", "digest_mismatch", "bad_encoding"))


def judge(status: int, code: str) -> Next:
    """Return what an answer to a batch asks of the producer."""
    if status == 200:
        return Next.STORED
    if status == 409 and code == "sequence_reused":
        return Next.RENEW
    if status == 400 and code in _UNDERWAY:
        return Next.AGAIN
    if status in (400, 413, 422):
        return Next.HALVE
    if status in (401, 403):
        return Next.FORBIDDEN
    return Next.AGAIN


class Sender:
    """Empties the spool. `run` is the loop of its own thread."""

    def __init__(
        self, spool: Spool, connection: Connection, *, host: str, backoff: Backoff | None = None
    ) -> None:
        self._spool, self._connection, self._host = spool, connection, host
        self._backoff = backoff or Backoff(longest=LONGEST_SECONDS)
        self._said: str | None = None
        self._renewals = 0  # since the last batch that was stored
        self.batches = 0
        self.trouble: str | None = None  # why nothing is sent at present, for people

    def run(self, stop: threading.Event) -> None:
        """Send until told to stop."""
        while not stop.is_set():
            wait = self.step()
            if wait is None and not stop.is_set():
                self._spool.news.wait(IDLE_SECONDS)
            elif wait:
                stop.wait(wait)

    def drain(self, give_up: Callable[[], bool]) -> None:
        """Send what is left, as long as the server takes it and nobody gives up."""
        while not give_up() and self.step() == 0.0:
            pass

    def step(self) -> float | None:
        """Send one batch; return the seconds to wait before the next, None when nothing is left."""
        try:
            sealed = self._spool.batch()
            return None if sealed is None else self._send(sealed)
        except Unavailable as error:
            self._say(error.message)
            # Trying costs an absent server nothing, and one that is back is not kept waiting.
            return self._backoff.absent()

    def _send(self, sealed: Sealed) -> float:
        answer = self._post(sealed)
        move = judge(answer.status, answer.code)
        if move is Next.STORED:
            answer.field("status", str)  # whatever else answers 200 in the server's place has stored nothing
            crashpoint("ship.answered")
            self._spool.acknowledge(sealed)
            self.batches += 1
            self._renewals = 0
            self._backoff.succeeded()
            self._say(None)
            return 0.0
        if move is Next.RENEW:
            self._renew(sealed)
            self._renewals += 1
            if self._renewals == 1:
                return 0.0
            self._say("server unusable: it answers sequence_reused to every producer")
            return self._backoff.failed(answer.retry_after)
        if move is Next.HALVE:
            if sealed.items <= 1:
                log.warning(
                    "the server will not take an item and it was set apart (sra agent quarantine list): %s",
                    answer.detail(),
                    extra={"action": "quarantine"},
                )
            self._spool.reject(sealed, f"{answer.status} {answer.code or answer.detail()}")
            return 0.0
        if move is Next.FORBIDDEN:
            self._say(
                f"the server refuses the key ({answer.status}): {answer.detail()}; "
                "make one with `sra keys create` and set agent.key"
            )
            return max(FORBIDDEN_SECONDS, answer.retry_after or 0.0)
        self._say(f"the server answered {answer.status}: {answer.detail()}")
        return self._backoff.failed(answer.retry_after)

    def _renew(self, sealed: Sealed) -> None:
        """Go on as a new producer; but a spool that is older than what the server has stored is given up.

        Such a spool came back from a copy, and what it holds would be stored twice.
        """
        if ahead(fetch_ends(self._connection, self._host), self._spool.stored_ends()):
            raise SpoolOld("the server has stored more than this spool remembers, so it is an old copy")
        log.warning(
            "the server knows another batch %d of this spool; it goes on as a new producer",
            sealed.sequence,
            extra={"action": "renew"},
        )
        self._spool.renew()

    def _post(self, sealed: Sealed) -> Answer:
        headers = {
            "Content-Type": "application/json",
            "X-SRA-Producer": sealed.producer,
            "X-SRA-Sequence": str(sealed.sequence),
            "X-SRA-Digest": sealed.digest,
        }
        body = sealed.body
        if len(body) >= GZIP_BYTES:
            body = packed(body)
            headers["Content-Encoding"] = "gzip"
        crashpoint("ship.send")
        answer = self._connection.request("POST", "/ingest/batch", body, headers=headers)
        crashpoint("ship.sent")
        return answer

    def _say(self, trouble: str | None) -> None:
        """Tell the log once for each change, not for each attempt."""
        self.trouble = trouble
        if trouble is None:
            if self._said is not None:
                log.info("batches are stored again", extra={"action": "send"})
            self._said = None
        elif self._said is None or trouble.partition(":")[0] != self._said.partition(":")[0]:
            log.warning("nothing is lost, but batches wait: %s", trouble, extra={"action": "wait"})
            self._said = trouble
