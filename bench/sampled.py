"""Run `sra` and note where its CPU time goes, for `bench/ingest_profile.py`.

    python bench/sampled.py PROFILE.json serve --port 0

The kernel's timer of CPU time interrupts the process each millisecond of work. What each thread used since
then goes to the part of the server to which the deepest known frame of its stack belongs, and to the function
of SRA that was at work. Besides, it notes how long one callback held the event loop. SIGUSR1 begins anew,
SIGUSR2 writes.
"""

from __future__ import annotations

import asyncio
import json
import signal
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from types import FrameType

INTERVAL_SECONDS = 0.001
#: The part that a module's time belongs to; the deepest frame that stands here decides.
PARTS = {
    "sra_server.api.fast": "decoding",
    "sra_server.api.clean": "decoding",
    "sra_server.api.arrival": "decoding",
    "sra_server.store.parcel": "counting and rows",
    "sra_server.store.commit_postgresql": "transaction",
    "sra_server.store.commit_sqlite": "transaction",
    "sra_server.store.group": "transaction",
    "sra_server.store.listener": "waking others",
    "sra_server.worker": "detection",
    "sra_server.upkeep": "upkeep",
    "sra_server.notify.send": "messages",
    "aiosqlite.core": "detection's queries (SQLite's thread)",
    "sra_server.api.middleware": "handling a request",
    "sra_server.app": "HTTP and event loop",
}


class Sampler:
    """Where CPU time goes, in seconds by (part, function)."""

    def __init__(self, out: Path) -> None:
        self._out = out
        self._seen: dict[int, float] = {}
        self._seconds: Counter[tuple[str, str]] = Counter()
        self.held: list[float] = []

    def start(self) -> None:
        """Sample from now on."""
        signal.signal(signal.SIGPROF, self._sample)
        signal.signal(signal.SIGUSR1, lambda *_: self._begin())
        signal.signal(signal.SIGUSR2, lambda *_: self._write())
        signal.setitimer(signal.ITIMER_PROF, INTERVAL_SECONDS, INTERVAL_SECONDS)

    def _begin(self) -> None:
        self._seconds.clear()
        self.held.clear()

    def _sample(self, _number: int, frame: FrameType | None) -> None:
        frames = sys._current_frames()
        for thread in threading.enumerate():
            if thread.ident is None:
                continue
            try:
                used = time.clock_gettime(time.pthread_getcpuclockid(thread.ident))
            except OSError:  # it has just ended
                continue
            spent = used - self._seen.get(thread.ident, used)
            self._seen[thread.ident] = used
            stack = frame if thread is threading.main_thread() else frames.get(thread.ident)
            if spent > 0.0:
                self._seconds[_place(stack)] += spent

    def _write(self) -> None:
        rows = [[part, function, seconds] for (part, function), seconds in self._seconds.most_common()]
        new = self._out.with_suffix(".new")
        new.write_text(json.dumps({"rows": rows, "held_ms": [1000 * one for one in sorted(self.held)[-10:]]}))
        new.replace(self._out)


def _frames(frame: FrameType | None) -> Iterator[tuple[str, str]]:
    while frame is not None:
        yield str(frame.f_globals.get("__name__", "")), frame.f_code.co_qualname
        frame = frame.f_back


def _place(stack: FrameType | None) -> tuple[str, str]:
    """Return the part of the server and the function, with the library that it called into."""
    part, ours, library = "", "", ""
    for module, function in _frames(stack):
        if not ours and module.startswith(("sra_server", "sra_sdk")):
            ours = f"{module}.{function}"
        elif not ours and not library and module:
            library = module.split(".")[0]
        part = part or PARTS.get(module, "")
        if part and ours:
            break
    return part or "other threads", f"{ours} → {library}" if ours and library else ours or library


def _watch_loop(sampler: Sampler) -> None:
    """Note how long each callback of the loop holds it."""
    run = asyncio.Handle._run

    def timed(self: asyncio.Handle) -> None:
        begun = time.perf_counter()
        run(self)
        sampler.held.append(time.perf_counter() - begun)

    asyncio.Handle._run = timed  # type: ignore[method-assign]


def main() -> None:
    """Take the profile's name off the arguments and be `sra`."""
    sampler = Sampler(Path(sys.argv.pop(1)))
    _watch_loop(sampler)
    from sra_cli.main import main as sra

    sampler.start()  # the server takes signals of its own once its loop runs; these are others
    sra()


if __name__ == "__main__":
    main()
