"""Run one fixed argv: no shell, own session, bounded time and output. From conduct and the platforms.

The output goes to a file of the state directory and not into a pipe: a restart command may leave
a daemon behind that keeps its output open, and neither must we wait for it, nor may it die of a
closed pipe when we end. `Runner.tidy` bounds these files.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass

#: All that a program is given of the world; nothing of the executor's own environment.
ENVIRONMENT = {
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "LANG": "C.UTF-8",
    "LC_ALL": "C.UTF-8",
    "HOME": "/",
}
KEPT_OUTPUT = 16 * 1024
_FILE_BYTES = 1024 * 1024
_FILES = 32
_GRACE = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One exact thing to do."""

    text: str
    argv: tuple[str, ...]
    timeout: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """What became of it. `exit_code` is None when it could not be started or had to be killed."""

    exit_code: int | None
    seconds: float
    output: str
    timed_out: bool = False

    @property
    def ok(self) -> bool:
        """Return whether it ended by itself with 0."""
        return self.exit_code == 0


@dataclass(frozen=True, slots=True)
class Runner:
    """Starts programs; `folder` holds the files of their output."""

    folder: str

    async def run(
        self,
        argv: tuple[str, ...],
        timeout: float,
        *,
        raw: bool = False,
        started: Callable[[int, int], None] | None = None,
        keep: int = KEPT_OUTPUT,
    ) -> Ran:
        """Run to the end, or kill the whole group after `timeout` seconds.

        `started` hears the process id and its start time; `raw` leaves the output as it is,
        for programs whose answer is read by us and shown to nobody.
        """
        self.tidy()
        begun = time.monotonic()
        descriptor, path = tempfile.mkstemp(prefix="out-", dir=self.folder)
        os.close(descriptor)
        # append mode: the file can be cut while it is written to, and the writer goes on at its end
        with open(path, "ab+", buffering=0) as file:
            try:
                process = await asyncio.create_subprocess_exec(
                    *argv,
                    stdin=asyncio.subprocess.DEVNULL,
                    stdout=file,
                    stderr=asyncio.subprocess.STDOUT,
                    cwd="/",
                    env=ENVIRONMENT,
                    start_new_session=True,
                )
            except (OSError, ValueError) as problem:
                os.unlink(path)
                return Ran(exit_code=None, seconds=0.0, output=f"cannot be started: {problem}")
            if started is not None:
                started(process.pid, start_time(process.pid))
            timed_out = not await _ends(process, timeout, file.fileno())
            if timed_out:
                await _kill(process)
            output = _read(file.fileno(), keep)
        if not timed_out and not _held(path):
            os.unlink(path)
        return Ran(
            exit_code=None if timed_out else process.returncode,
            seconds=round(time.monotonic() - begun, 3),
            output=output if raw else _shown(output),
            timed_out=timed_out,
        )

    def tidy(self) -> None:
        """Cut what daemons left behind have written, and keep only the newest files."""
        os.makedirs(self.folder, mode=0o700, exist_ok=True)
        found: list[tuple[float, str]] = []
        with os.scandir(self.folder) as entries:
            for entry in entries:
                stat = entry.stat(follow_symlinks=False)
                found.append((stat.st_mtime, entry.path))
                if stat.st_size > _FILE_BYTES:
                    with contextlib.suppress(OSError):
                        os.truncate(entry.path, 0)
        for _, path in sorted(found)[: max(0, len(found) - _FILES)]:
            with contextlib.suppress(OSError):
                os.unlink(path)


async def _ends(process: asyncio.subprocess.Process, timeout: float, output: int) -> bool:
    deadline = time.monotonic() + timeout
    waiting = asyncio.ensure_future(process.wait())
    try:
        while (left := deadline - time.monotonic()) > 0:
            done, _ = await asyncio.wait({waiting}, timeout=min(left, 0.5))
            if done:
                return True
            if os.fstat(output).st_size > _FILE_BYTES:
                os.ftruncate(output, KEPT_OUTPUT)
        return False
    finally:
        if not waiting.done():
            waiting.cancel()
            await asyncio.gather(waiting, return_exceptions=True)


async def _kill(process: asyncio.subprocess.Process) -> None:
    """End the whole group: politely, then surely. It is our own session, so nothing else is in it."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(process.wait(), _GRACE)
    # members of the group that outlived their leader's polite end
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


def start_time(pid: int) -> int:
    """Return when a process began, in ticks since boot; with its id it is the process's identity. 0: gone."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            fields = file.read().rpartition(b")")[2].split()
        return 0 if fields[0] in (b"Z", b"X") else int(fields[19])
    except (OSError, ValueError, IndexError):
        return 0


def _held(path: str) -> bool:
    """Say whether another process still has the file open: then its name is kept, so that it can be cut."""
    for pid in os.listdir("/proc"):
        if not pid.isdigit() or int(pid) == os.getpid():
            continue
        for number in ("1", "2"):
            try:
                if os.readlink(f"/proc/{pid}/fd/{number}") == path:
                    return True
            except OSError:
                break
    return False


def _read(descriptor: int, keep: int) -> str:
    size = os.fstat(descriptor).st_size
    if size <= keep:
        return os.pread(descriptor, keep, 0).decode("utf-8", "replace")
    half = keep // 2
    head = os.pread(descriptor, half, 0).decode("utf-8", "replace")
    tail = os.pread(descriptor, half, size - half).decode("utf-8", "replace")
    return f"{head}\n[{size - 2 * half} bytes left out]\n{tail}"


def _shown(output: str) -> str:
    """Return output as it may leave the host: secrets replaced, control characters escaped."""
    from sra_sdk.lines.redact import redact  # loaded with the first act; an idle executor stays small

    kept = "".join(c if c in "\n\t" or c.isprintable() else f"\\x{ord(c):02x}" for c in output)
    return redact(kept)
