"""The executor: the process that alone may change this host. From the relay's socket; to heal.

Started by the agent as a child (`--fd`, one end of a socketpair) or as a unit of its own (`--socket`).
It ends when its peer is gone or a signal asks for it, but never before an act in hand is finished
and journalled. One executor per state directory.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import fcntl
import os
import pwd
import signal
import socket
import struct
import sys
import time
from collections.abc import Sequence

from .heal.audit import Audit
from .heal.clock import Clock
from .heal.journal import Journal
from .heal.policy_file import DEFAULT_PATH
from .heal.run import Runner
from .heal.serve import LINE_BYTES, Service
from .heal.shop import Shop
from .heal.trust import trusted_uids, why_untrusted

EXIT_USE = 2
EXIT_TAKEN = 75


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="sra-executor", description="Plans and executes approved remedies here."
    )
    where = parser.add_mutually_exclusive_group(required=True)
    where.add_argument("--fd", type=int, help="an open socket to serve, inherited from the agent")
    where.add_argument("--socket", help="the path of a unix socket to make and serve")
    parser.add_argument(
        "--peer", help="user who may connect to --socket besides root and the executor's own user"
    )
    parser.add_argument("--policy", default=DEFAULT_PATH, help="the host's policy (default %(default)s)")
    parser.add_argument("--state-dir", required=True, help="where journal and audit log are kept, mode 0700")
    parser.add_argument(
        "--host", default=socket.gethostname(), help="the name that plans bind (default: the host name)"
    )
    parser.add_argument(
        "--lock-wait",
        type=float,
        default=5.0,
        metavar="SECONDS",
        help="how long to wait for another executor on the same state directory to end",
    )
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> int:
    """Serve until the peer is gone; return the exit code."""
    options = _arguments(argv)
    os.umask(0o077)
    try:
        peer = pwd.getpwnam(options.peer).pw_uid if options.peer else None
    except KeyError:
        return _say(f"there is no user {options.peer}; --peer must name the agent's user", EXIT_USE)
    problem = _prepare(options.state_dir)
    if problem:
        return _say(problem, EXIT_USE)
    lock = _lock(os.path.join(options.state_dir, "executor.lock"), options.lock_wait)
    if lock is None:
        return _say(f"another executor works with {options.state_dir}; end it first", EXIT_TAKEN)
    journal = Journal(os.path.join(options.state_dir, "journal.db"))
    try:
        shop = Shop(
            policy_path=os.path.abspath(options.policy),
            journal=journal,
            audit=Audit(os.path.join(options.state_dir, "audit.jsonl")),
            runner=Runner(os.path.join(os.path.abspath(options.state_dir), "output")),
            clock=Clock.of_this_boot(),
            host=options.host,
        )
        if options.fd is not None:
            asyncio.run(_serve_descriptor(Service(shop), options.fd))
        else:
            asyncio.run(_serve_path(Service(shop), options.socket, peer))
        return 0
    finally:
        journal.close()
        os.close(lock)


def _say(message: str, code: int) -> int:
    sys.stderr.write(f"sra-executor: {message}\n")
    return code


def _prepare(folder: str) -> str | None:
    """Make the state directory; return what is wrong with it."""
    try:
        os.makedirs(folder, mode=0o700, exist_ok=True)
        found = os.lstat(folder)
    except OSError as problem:
        return f"the state directory {folder} cannot be made: {problem.strerror}"
    untrusted = why_untrusted(folder, found, folder=True, last=True, uids=trusted_uids())
    return str(untrusted) if untrusted else None


def _lock(path: str, wait: float) -> int | None:
    descriptor = os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    deadline = time.monotonic() + wait
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return descriptor
        except BlockingIOError:
            if time.monotonic() >= deadline:
                os.close(descriptor)
                return None
            time.sleep(0.05)


async def _serve_descriptor(service: Service, descriptor: int) -> None:
    """Serve the socketpair until the agent is gone; a Ctrl-C at its terminal is the agent's to handle."""
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGINT, lambda: None)
    ending = asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, ending.set)
    connection = socket.socket(fileno=descriptor)
    connection.set_inheritable(False)
    reader, writer = await asyncio.open_connection(sock=connection, limit=LINE_BYTES)
    service.begin_recovery()
    listening = asyncio.create_task(service.listen(reader, writer))
    asked = asyncio.create_task(ending.wait())
    await asyncio.wait({listening, asked}, return_when=asyncio.FIRST_COMPLETED)
    await service.finished()
    for task in (listening, asked):
        task.cancel()
    await asyncio.gather(listening, asked, return_exceptions=True)


async def _serve_path(service: Service, path: str, peer: int | None) -> None:
    """Serve a unix socket of mode 0600 until a signal comes."""
    ending = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, ending.set)
    allowed = trusted_uids() | ({peer} if peer is not None else set())

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if _peer_uid(writer) in allowed:
            await service.listen(reader, writer)
        else:
            writer.transport.abort()

    with contextlib.suppress(FileNotFoundError):
        os.unlink(path)
    server = await asyncio.start_unix_server(connected, path, limit=LINE_BYTES)
    os.chmod(path, 0o600)
    if peer is not None:
        os.chown(path, peer, -1)
    service.begin_recovery()
    try:
        await ending.wait()
    finally:
        server.close()
        await service.finished()
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)


def _peer_uid(writer: asyncio.StreamWriter) -> int:
    given = writer.get_extra_info("socket").getsockopt(
        socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i")
    )
    return int(struct.unpack("3i", given)[1])


if __name__ == "__main__":
    sys.exit(main())
