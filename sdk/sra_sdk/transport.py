"""Keep what an application said until the server has stored it. From client; to delivery.

The application's thread only appends to a bounded queue. One daemon thread seals batches and sends
them in order, one at a time, repeating a batch until the server answers for it. Nothing is lost while
the queue has room; what must be dropped is counted by reason, and always

    accepted == sent + queued + sum(dropped.values())

When the queue is full the newest item is dropped: what is already waiting tells how a trouble began,
and that is what an analysis needs. Reasons: "full" (no room), "rejected" (the server can never accept
that very item), "shutdown" (still waiting when the time to shut down was over), "closed" (said after
shutdown). At a normal exit of the interpreter what waits is sent, for at most `shutdown_timeout`.
"""
from __future__ import annotations

import atexit
import contextlib
import itertools
import logging
import os
import random
import sys
import threading
import time
import weakref
from collections import deque
from typing import Any, Optional

from .delivery import Answer, Batch, Delivery, Fate
from .wire import Item, encode

#: A backlog is sealed in batches of at most this many items and about this many characters.
SEALED_ITEMS = 1000
SEALED_CHARACTERS = 1024 * 1024
_FIRST_WAIT, _LAST_WAIT, _SLOW_WAIT = 0.25, 30.0, 60.0
_IN_VAIN = 5

#: The transport's own voice. It does not propagate: a handler of ours on the root must not hear it.
_voice = logging.getLogger("sra_sdk")
_voice.propagate = False
_all: weakref.WeakSet[Transport] = weakref.WeakSet()


class Lane:
    """Items of one kind, waiting: the path and the envelope of their batches."""

    def __init__(self, path: str, envelope: str) -> None:
        self.path = path
        self.envelope = envelope
        self.waiting: deque[Item] = deque()


class Transport:
    """The queue and the sender of one client."""

    def __init__(self, delivery: Delivery, *, batch_size: int, flush_interval: float, max_queue_size: int,
                 shutdown_timeout: float) -> None:
        self._delivery = delivery
        self._batch_size = max(1, batch_size)
        self._interval = max(0.01, flush_interval)
        self._size = max(1, max_queue_size)
        self._shutdown_timeout = shutdown_timeout
        self.logs = Lane("/ingest/logs", "logs")
        self.metrics = Lane("/ingest/metrics", "metrics")
        self._told: set[str] = set()
        self._fresh()
        _all.add(self)

    def _fresh(self) -> None:
        """Begin without items, counts or thread: at birth, and in a child after fork."""
        self.logs.waiting = deque()
        self.metrics.waiting = deque()
        self._lock = threading.Lock()
        self._settled = threading.Condition(self._lock)
        self._wake = threading.Event()
        self._thread: Optional[threading.Thread] = None
        self._limit = self._size
        # The first item finds "asleep" and nothing due, and so starts the thread; no check on each call.
        self._awake = False
        self._due = 0
        self._deadline: Optional[float] = None
        self._over = False
        self._flushing = 0
        self._flying = 0
        self._sent = 0
        self._dropped: dict[str, int] = {}
        # next() on a counter is one step of the interpreter: exact from many threads without a lock.
        self._full = itertools.count()
        self._after = itertools.count()

    def put(self, lane: Lane, item: Item) -> None:
        """Queue an item. The only code of the transport that runs in the application's thread."""
        waiting = lane.waiting
        n = len(waiting)
        if n >= self._limit:
            if next(self._after if self._limit < 0 else self._full) == 0 <= self._limit:
                self._say("full", f"{self._size} items wait; what comes now is dropped and counted (stats())")
            return
        waiting.append(item)
        if n >= self._due and not self._awake:
            self._rouse()

    def refuse(self, reason: str, why: str) -> None:
        """Count an item that can never be sent, and say so once."""
        with self._lock:
            self._dropped[reason] = self._dropped.get(reason, 0) + 1
        self._say(reason, why)

    def stats(self) -> dict[str, Any]:
        """Return what became of everything so far; the sums are exact."""
        with self._lock:
            dropped = dict(self._dropped)
            for reason, counter in (("full", self._full), ("closed", self._after)):
                n = _reading(counter)
                if n:
                    dropped[reason] = n
            queued = len(self.logs.waiting) + len(self.metrics.waiting) + self._flying
            return {"accepted": self._sent + queued + sum(dropped.values()), "sent": self._sent,
                    "queued": queued, "dropped": dropped}

    def flush(self, timeout: Optional[float] = None) -> bool:
        """Send all that waits now, and say whether that succeeded within the time."""
        until = time.monotonic() + (self._shutdown_timeout if timeout is None else timeout)
        self._rouse()
        with self._lock:
            self._flushing += 1
            try:
                while self._queued():
                    left = until - time.monotonic()
                    if left <= 0:
                        return False
                    self._wake.set()
                    self._settled.wait(min(left, 0.5))
            finally:
                self._flushing -= 1
        return True

    def shutdown(self, timeout: Optional[float] = None) -> None:
        """Accept nothing more, send what waits for at most `timeout` seconds, count the rest as dropped."""
        if self._begin_end(timeout):
            self._end()

    def _begin_end(self, timeout: Optional[float] = None) -> bool:
        """Close the queue and set the deadline; say whether that was not done before."""
        if self._limit < 0:
            return False
        self._limit = -1
        self._deadline = time.monotonic() + (self._shutdown_timeout if timeout is None else timeout)
        self._wake.set()
        return True

    def _end(self) -> None:
        """Wait for the sender until the deadline, and count what is left."""
        thread, deadline = self._thread, self._deadline or 0.0
        if thread is not None and thread.is_alive() and thread is not threading.current_thread():
            thread.join(max(0.0, deadline - time.monotonic()) + 0.5)
        elif self._queued() and thread is not threading.current_thread():
            self._drain()
            self._delivery.close()
        with self._lock:
            left = self._queued()
            # The sender may still hang in an attempt; whatever comes of it, these are counted as lost.
            self._over = True
            if left:
                self.logs.waiting.clear()
                self.metrics.waiting.clear()
                self._flying = 0
                self._dropped["shutdown"] = self._dropped.get("shutdown", 0) + left
        if left:
            self._say("shutdown", f"{left} records could not be sent before the exit and are lost")

    def _queued(self) -> int:
        return len(self.logs.waiting) + len(self.metrics.waiting) + self._flying

    def _rouse(self) -> None:
        self._awake = True
        if self._thread is None:
            self._start()
        self._wake.set()

    def _start(self) -> None:
        with self._lock:
            if self._thread is not None or self._limit < 0:
                return
            thread = threading.Thread(target=self._run, name="sra-sdk", daemon=True)
            try:
                thread.start()
            except RuntimeError:  # the interpreter is going down; the drain at exit sends in its own thread
                return
            self._thread = thread
            self._due = self._batch_size - 1
        process = sys.modules.get("multiprocessing.process")
        if process is not None and process.parent_process() is not None:
            # A child of multiprocessing ends without atexit; its own finalizers are run instead.
            from multiprocessing import util

            util.Finalize(None, self.shutdown, exitpriority=100)

    def _run(self) -> None:
        while True:
            self._drain()
            if self._limit < 0:
                self._delivery.close()
                return
            self._awake = False
            waiting = max(len(self.logs.waiting), len(self.metrics.waiting))
            if waiting < self._batch_size and not self._flushing:
                self._wake.wait(self._interval)
            self._awake = True
            self._wake.clear()

    def _drain(self) -> None:
        """Send until nothing waits, or the time to shut down is over."""
        lanes = (self.logs, self.metrics)
        while any(lane.waiting for lane in lanes) and not self._late():
            for lane in lanes:
                if lane.waiting and not self._late():
                    self._deliver(self._seal(lane))

    def _seal(self, lane: Lane) -> Batch:
        taken: list[str] = []
        size = 0
        while lane.waiting and len(taken) < SEALED_ITEMS and size < SEALED_CHARACTERS:
            with self._lock:
                if not lane.waiting:
                    break
                item = lane.waiting.popleft()
                self._flying += 1
            taken.append(encode(item))
            size += len(taken[-1])
        return Batch(lane.path, lane.envelope, taken)

    def _deliver(self, batch: Batch) -> None:
        """Send a batch until it is stored, found to be poison to the last item, or time is over."""
        pending = [batch] if batch.items else []
        attempts = renumbered = 0
        while pending and not self._late():
            batch = pending.pop()
            left = None if self._deadline is None else self._deadline - time.monotonic()
            answer = self._delivery.send(batch, left)
            if answer.fate is Fate.STORED:
                self._delivery.sequence += 1
                self._settle(len(batch.items))
                attempts = renumbered = 0
                self._told.clear()
                continue
            if answer.fate is Fate.POISON:
                # Nothing of it was stored, so its number is still free for the next batch.
                if len(batch.items) == 1:
                    self._settle(1, "rejected")
                    self._say("rejected", f"the server cannot accept a record ({answer.detail}); dropped")
                else:
                    pending.extend(reversed(batch.halves()))
                continue
            pending.append(batch)
            if answer.fate is Fate.RENUMBER and renumbered < _IN_VAIN:
                renumbered += 1
                self._delivery.renew()
                continue
            attempts += 1
            if answer.fate is Fate.MISTAKE:
                self._say("mistake", f"the server answers {answer.detail}; check API key and endpoint; "
                                     "records are kept and tried again slowly")
                if self._deadline is not None:
                    return
            elif attempts == _IN_VAIN:
                self._say("later", f"the server does not take them ({answer.detail}); records are kept")
            self._pause(answer, attempts)

    def _settle(self, n: int, reason: Optional[str] = None) -> None:
        with self._lock:
            if self._over:
                return
            self._flying -= n
            if reason is None:
                self._sent += n
            else:
                self._dropped[reason] = self._dropped.get(reason, 0) + n
            self._settled.notify_all()

    def _pause(self, answer: Answer, attempts: int) -> None:
        wait = answer.wait
        if wait is None:
            longest = _SLOW_WAIT if answer.fate is Fate.MISTAKE else _LAST_WAIT
            first = longest / 4 if answer.fate is Fate.MISTAKE else _FIRST_WAIT
            wait = min(longest, first * 2.0 ** min(attempts - 1, 16)) * random.uniform(0.7, 1.0)  # noqa: S311
        until = time.monotonic() + wait
        hurried = False
        while not self._late():
            now = time.monotonic()
            if self._deadline is not None and answer.wait is None and not hurried:
                # At the end a long pause would only use up the time that is left.
                until, hurried = min(until, now + 0.5), True
            left = min(until, self._deadline or until) - now
            if left <= 0:
                return
            self._wake.clear()
            if self._deadline is None:
                self._wake.wait(left)
            else:
                time.sleep(left)

    def _late(self) -> bool:
        return self._deadline is not None and time.monotonic() >= self._deadline

    def _say(self, about: str, message: str) -> None:
        """Tell people once; again only after things went well in between."""
        if about in self._told:
            return
        self._told.add(about)
        say(message)

    def _after_fork(self) -> None:
        """Become the child's: the parent's items and connection stay the parent's."""
        closed = self._limit < 0
        self._fresh()
        if closed:
            self._limit = -1
        self._delivery.abandon()
        self._delivery.renew()


def say(message: str) -> None:
    """Warn people: through the handlers that the application gave the logger `sra_sdk`, else on stderr."""
    # Nobody may be hurt by a closed stderr.
    with contextlib.suppress(Exception):
        _voice.warning("sra-sdk: %s", message)


def _reading(counter: itertools.count[int]) -> int:
    """Return the next number of a counter without taking it."""
    return int(repr(counter)[6:-1])


def _drain_all() -> None:
    # All at once, so that an unreachable server costs the exit one deadline, not one for each client.
    ending = [transport for transport in list(_all) if transport._begin_end()]
    for transport in ending:
        transport._end()


def _fork_all() -> None:
    for transport in list(_all):
        transport._after_fork()


atexit.register(_drain_all)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_fork_all)
