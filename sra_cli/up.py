"""`sra up`: server, agent, executor and account on this host, with nothing to configure. From the shell.

To sra_server and sra_agent, in one event loop; the executor is a process of its own, as everywhere.
"""
from __future__ import annotations

import asyncio
import contextlib
import json as json_format
import os
import signal
import socket
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sra_sdk.errors import SraError, Unavailable

from . import casefile, output, session
from .agent import policy_path
from .incidents import news
from .up_account import SignedIn, sign_in
from .up_survey import Survey, survey

if TYPE_CHECKING:
    from sra_server.config import ServerConfig

#: The look back must end well within ten seconds of the start; it ends itself, or it is ended.
LOOK_BACK_SECONDS = 6.0
LOOK_BACK_LIMIT = 8.5
LOOK_BACK = "1h"


def _show_survey(found: Survey) -> None:
    output.show(f"Watching {len(found.files)} files and this host's CPU, memory, disks and network:")
    for path in found.files[:20]:
        output.show(f"  {output.plain(path)}")
    if len(found.files) > 20:
        output.show(f"  and {len(found.files) - 20} more (sra hosts show {socket.gethostname()})")
    if found.journald:
        output.show("  the system's journal" + (
            f" (it also holds what is in {', '.join(found.journalled)})" if found.journalled else ""))
    if found.docker:
        output.show(f"  the output of every container of docker ({found.docker})")
    output.show("Not watched:")
    for text in found.cannot[:20]:
        output.show(f"  {output.plain(text)}")
    if len(found.cannot) > 20:
        output.show(f"  and {len(found.cannot) - 20} more")


async def look_back(files: tuple[str, ...]) -> dict[str, Any]:
    """What the last hour of these logs holds, as far as the time allows.

    A process of its own: it may be ended in the middle, and the server does not wait for it.
    """
    paths = [path for name in files if Path(path := name.rpartition("=")[2]).is_file()]
    if not paths:
        return {"records": 0, "incidents": [], "cut": False}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "sra_cli", "analyze", "--json", "--since", LOOK_BACK,
        "--seconds", str(LOOK_BACK_SECONDS), "--", *paths,
        stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE)
    try:
        async with asyncio.timeout(LOOK_BACK_LIMIT):
            out, problem = await process.communicate()
    except TimeoutError:
        return {"records": 0, "incidents": [], "cut": True}
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()
    try:
        report = json_format.loads(out)
    except ValueError as error:
        raise SraError(f"the look back failed: {problem.decode('utf-8', 'replace').strip()[-500:]}",
                       hint="try `sra analyze /var/log`; the watching goes on") from error
    return dict(report)


async def _show_look_back(task: asyncio.Task[dict[str, Any]]) -> None:
    """Print the findings; nobody is notified of them, and nothing of them is stored."""
    try:
        report = await task
    except SraError as error:
        return output.tell(f"{error.message}\n  what to do: {error.hint}")
    found = report["incidents"]
    counted = f"{len(found)} incident{'s' * (len(found) != 1)} (nobody was notified)"
    output.show(f"The last hour of these logs, {report['records']} records: "
                + (counted if found else "no incident found"))
    if report["cut"]:
        output.show(f"  cut short after {LOOK_BACK_SECONDS:g} s; for all of it: "
                    f"sra analyze --since {LOOK_BACK} /var/log")
    for one in found[:10]:
        title = output.plain(str(one["title"]))
        output.show(f"  {output.colour(str(one['severity']))}  {one['class']}: {title}")
        if one.get("root_cause"):
            output.show(f"      {output.plain(str(one['root_cause']))}")
        for piece in one["evidence"][:2]:
            where = output.plain(f"{piece['source']}:{piece['line']}")
            output.show(f"      {where}: {output.plain(str(piece['text']))[:200]}")
    if len(found) > 10:
        output.show(f"  and {len(found) - 10} more: sra analyze --since {LOOK_BACK} /var/log")


def _reachable(url: str) -> str:
    """The address at which this host itself reaches a server that listens everywhere."""
    return url.replace("//0.0.0.0:", "//127.0.0.1:").replace("//[::]:", "//[::1]:")


@contextlib.asynccontextmanager
async def _agent(url: str, account: SignedIn, found: Survey, state: Path) -> AsyncIterator[None]:
    from sra_agent import Agent
    from sra_agent.config import AgentConfig
    state.mkdir(parents=True, exist_ok=True, mode=0o700)
    config = AgentConfig(server=url, key=account.key, files=found.files, state_dir=str(state),
                         policy=policy_path(), executor="child", journald=found.journald,
                         docker=found.docker or False)
    async with Agent(config):
        yield


async def _show_offers(client: Any) -> None:
    """Say which actions this host's policy offers, once the executor has told."""
    name = socket.gethostname()
    here = None
    for _ in range(25):
        here = next((host for host in await client.hosts() if host.host == name), None)
        if here is not None:
            break
        await asyncio.sleep(0.2)
    if here is None or not here.inventory:
        output.show("no action is allowed yet: sra agent policy init")
    if here is not None and here.policy_problem and os.path.exists(policy_path()):
        output.show(f"  the policy cannot be used: {output.plain(here.policy_problem)}")
    for offer in here.inventory if here else ():
        output.show(f"Allowed here: {offer.action} {output.plain(offer.service)} "
                    f"({offer.platform}, {offer.mode})")


async def _follow(client: Any) -> None:
    """Print incidents as they open, change and resolve."""
    seen: dict[str, str] = {}
    # what had ended before we came is history, not news
    news(seen, [one for one in await client.incidents(limit=100) if one.status in ("resolved", "closed")])
    while True:
        try:
            for one in news(seen, await client.incidents(limit=100)):
                output.show(casefile.headline(one))
        except Unavailable as error:
            output.tell(error.message)
        await asyncio.sleep(1.0)


async def _up(config: ServerConfig, files: list[str], once: bool) -> int:
    from sra_sdk.api import AsyncClient
    from sra_server.app import running
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    found = await asyncio.to_thread(survey, files, now=time.time())
    past = asyncio.create_task(look_back(found.files + found.journalled))
    try:
        async with running(config) as server:
            url = _reachable(server.url)
            account = await sign_in(url, config.data_dir)
            current = session.find().server == url or session.find().source == "none"
            where = await asyncio.to_thread(session.remember, url, account.email, account.token,
                                            current=current)
            output.show(f"SRA listens on {server.url}, data in {config.data_dir.absolute()}")
            if where != "keyring":
                output.tell(f"notice: the session is in {where} (readable by you alone), not in a keyring")
            _show_survey(found)
            async with _agent(url, account, found, config.data_dir / "agent"), \
                    AsyncClient(url, token=account.token) as client:
                await _show_offers(client)
                await _show_look_back(past)
                look = "sra incidents" if current else f"sra incidents list --server {url}"
                output.show(f"Watching from now on. Look with `{look}` or at {url}/docs; Ctrl-C ends.")
                sys.stdout.flush()
                if once:
                    return 0
                followers = [asyncio.create_task(_follow(client)), asyncio.create_task(stop.wait())]
                done, _ = await asyncio.wait((*followers, *server.tasks),
                                             return_when=asyncio.FIRST_COMPLETED)
                for task in followers:
                    task.cancel()
                for task in done:
                    task.result()  # a part that failed says why
                if not stop.is_set():
                    raise SraError("a part of the server ended", hint="see the messages above")
                output.tell("Ending.")
        return 0
    finally:
        past.cancel()
        await asyncio.gather(past, return_exceptions=True)


def command(
    host: Annotated[str | None, typer.Option(metavar="ADDRESS", help="Default 127.0.0.1.")] = None,
    port: Annotated[int | None, typer.Option(
        metavar="PORT", min=0, max=65535, help="Default 8000; 0 takes a free one.")] = None,
    file: Annotated[list[str] | None, typer.Option(
        metavar="PATH", help="Watch this log too, or service=PATH; may be repeated.")] = None,
    data_dir: Annotated[str | None, typer.Option(metavar="DIR", help="Else SRA_DATA_DIR.")] = None,
    once: Annotated[bool, typer.Option("--once", help="Say what there is, then leave.")] = False,
) -> None:
    """Watch this host: server, agent and executor at once, with nothing to configure.

    Reads the logs of /var/log, the system's journal and the output of containers, as far as this user
    may read them. Changes nothing on the host unless a policy
    that you wrote allows it and you approve.

    \b
    Examples:
      sra up
      sra up --port 8080 --file shop=/srv/shop/shop.log
    """
    from sra_server.config import ServerConfig
    config = ServerConfig.load(host=host, port=port, data_dir=data_dir)
    raise typer.Exit(asyncio.run(_up(config, file or [], once)))


