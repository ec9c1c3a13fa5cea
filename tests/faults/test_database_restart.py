"""PostgreSQL restarts as if it had crashed, again and again under load: nothing acknowledged is lost."""
from __future__ import annotations

import asyncio
import os
import pwd
import random
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest

from tests.ports import free_port
from tests.services import needs, postgresql_bin

from . import balance
from .extent import by_form, figure, not_quick
from .numbered import Writer
from .site import site

#: The goal is 5 s. It is judged in the long form, which runs alone; beside other tests it says little of SRA.
RESUME = by_form(30.0, 30.0, 5.0, whole=True)


class Cluster:
    """A PostgreSQL of our own, durable as a whole, with a role whose default is not."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.port = folder, free_port()
        self._user = "postgres" if os.geteuid() == 0 else pwd.getpwuid(os.geteuid()).pw_name
        if os.geteuid() == 0:
            shutil.chown(folder, self._user)
        self._run("initdb", "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-sync")
        self._options = ("-o", f"-p {self.port} -h 127.0.0.1 -k {folder} -c shared_buffers=32MB", "-l",
                         str(folder / "log"))
        self.pg_ctl("start")
        asyncio.run(self._create())

    async def _create(self) -> None:
        conn = await asyncpg.connect(f"postgresql://postgres@127.0.0.1:{self.port}/postgres")
        await conn.execute("CREATE DATABASE sra")
        # such a default loses the last commits at each of these restarts; SRA must not go by it
        await conn.execute("ALTER ROLE postgres SET synchronous_commit = off")
        await conn.close()

    def _run(self, program: str, *arguments: str) -> None:
        programs = postgresql_bin()
        assert programs is not None
        who = {"user": self._user, "extra_groups": []} if os.geteuid() == 0 else {}
        # no pipes: the server would inherit and hold them
        subprocess.run([programs / program, "-D", self.folder / "data", *arguments], check=True, timeout=60,
                       cwd=self.folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **who)

    def pg_ctl(self, verb: str) -> None:
        """Start, or restart or stop without any shutdown."""
        how = () if verb == "start" else ("-m", "immediate")
        self._run("pg_ctl", "-w", *(self._options if verb != "stop" else ()), *how, verb)


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    folder = Path(tempfile.mkdtemp(prefix="sra-pg-"))  # outside tmp_path, which user postgres may not enter
    folder.chmod(0o700)
    made = Cluster(folder)
    try:
        yield made
    finally:
        made.pg_ctl("stop")
        shutil.rmtree(folder)


@not_quick
@needs("postgresql")
@pytest.mark.timeout(600)
def test_the_database_restarts_under_load(tmp_path: Path, cluster: Cluster):
    n, times, chance = by_form(2, 2, 50), [], random.Random(7)
    lines = by_form(20_000, 40_000, 400_000)
    with site(tmp_path, database_url=f"postgresql+asyncpg://postgres@127.0.0.1:{cluster.port}/sra") as here:
        here.start_server()
        here.start_agent()
        writer = Writer(here.logs / "app.log", 10 * lines, a_second=lines / (3 * n + 2))
        writer.start()
        here.wait_for(lambda: here.database.stored() > 0, 30, "the first lines")
        for number in range(n):
            time.sleep(chance.random() * 0.6)
            cluster.pg_ctl("restart")
            before = here.database.stored()
            times.append(here.wait_for(lambda: here.database.stored() > before, 30, f"restart {number}"))  # noqa: B023
            assert writer.is_alive(), "it must be under load to the end"
        here.wait_for(lambda: writer.written >= lines, 120, "the lines")
        here.written["app"] = writer.stop()
        verdict = here.settled(120)
        balance.checked(here.state, here.database)
        alive = here.server.died() is None
    figure(f"PostgreSQL restart -m immediate x{len(times)}", f"0 acknowledged lost; <= {RESUME:.0f} s",
           f"{verdict}; went on after median {sorted(times)[len(times) // 2]:.1f} s, "
           f"longest {max(times):.1f} s")
    assert alive and verdict.clean, verdict
    assert max(times) <= RESUME and len(times) == n, times
