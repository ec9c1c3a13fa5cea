"""The worlds of a clinic: its names and what its stacks share. From the worlds of the freight company, whose helpers are used; to the stacks."""

from __future__ import annotations

import importlib.util
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

HERE = Path(__file__).resolve().parent
RECORD = HERE.parent
sys.path.insert(0, str(RECORD))


def _freight() -> object:
    """Load the helpers of the freight company under a name of their own, for this module has theirs."""
    spec = importlib.util.spec_from_file_location("freight_common", RECORD / "fresh_d/common.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


freight = _freight()
sys.path.insert(0, str(HERE))
import keep  # noqa: E402
import world  # noqa: E402

HOME = freight.HOME = world.HOME = Path("/srv/clinic")
LOG = freight.LOG = world.LOG = keep.LOG = HOME / "log"
world.HERE = HERE
# uWSGI names the kernel as it starts; who built the machine's is nobody's business
keep._KERNEL = re.compile(rb"Linux(?: version |-[0-9])[^\n]*")
world.NAMES = {
    "127.0.0.11": "db1.clinic.internal",
    "127.0.0.12": "kv1.clinic.internal",
    "127.0.0.20": "www.clinic.internal",
    "127.0.0.41": "lab.clinic.internal",
    "127.0.0.42": "rota.clinic.internal",
    "127.0.0.43": "stock.clinic.internal",
    "127.0.0.44": "intake.clinic.internal",
    "127.0.0.45": "booking.clinic.internal",
    "127.0.0.46": "billing.clinic.internal",
    "127.0.0.47": "meter.clinic.internal",
    "127.0.0.70": "api.insurer.example",
}
from world import World, port_open, quiet  # noqa: E402

TOOLS = Path("/opt/clinic")
VENV = str(TOOLS / "venv/bin")
PG, Process = freight.PG, freight.Process
run, end, ask, until, until_closed = freight.run, freight.end, freight.ask, freight.until, freight.until_closed
redis, strew = freight.redis, freight.strew
#: Whom the access logs name, where no other is said.
ask.__kwdefaults__["agent"] = "ClinicKiosk/2.3 (X11; Linux x86_64)"


def sql(*texts: str, base: str = "clinic") -> bool:
    """Run statements through the socket."""
    return bool(freight.sql(*texts, base=base))


def postgres(w: World, *settings: str, fresh: bool = True) -> Process:
    """PostgreSQL on db1.clinic.internal:5432 with the database `clinic`."""
    data = HOME / "pg"
    if fresh:
        data.mkdir()
        shutil.chown(data, "postgres", "postgres")
        quiet(str(PG / "initdb"), "-D", str(data), "-U", "postgres", "--auth-host=scram-sha-256", "--auth-local=trust", "-E", "UTF8",
              "--locale=C", "--no-sync", user="postgres", group="postgres", extra_groups=[])
    options = ("listen_addresses=127.0.0.11", "log_line_prefix=%m [%p] %q%u@%d ", "shared_buffers=24MB", "log_timezone=UTC",
               "unix_socket_directories=/run/postgresql", "log_lock_waits=on", "log_min_duration_statement=500", *settings)
    started = run(w, "postgresql.log", str(PG / "postgres"), "-D", str(data), *(part for each in options for part in ("-c", each)),
                  user="postgres", cwd=HOME, again=False)
    port_open("127.0.0.11", 5432)
    for _ in range(60):
        if sql("select 1", base="postgres"):
            break
        time.sleep(0.3)
    if fresh:
        sql("create role clinic login password 'camomile'", "create database clinic owner clinic", base="postgres")
        for table, columns, values in (("visit", "ward text, patient int, note text", "(array['A1','B2','C3','D4'])[1 + n % 4], n % 700, 'seen ' || n"),
                                       ("result", "patient int, value int, unit text", "n % 700, n % 190, 'mmol'"),
                                       ("invoice", "patient int, cents int, state text", "n % 700, n * 37 % 90000, 'open'")):
            sql(f"create table {table} (id serial primary key, {columns})",
                f"insert into {table} ({','.join(part.split()[0] for part in columns.split(', '))}) select {values} from generate_series(1, 3000) n",
                f"alter table {table} owner to clinic")
    return started


def shell(text: str, **env: str) -> None:
    """Run a line of shell in the world."""
    subprocess.run(["/bin/sh", "-c", text], check=False, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                   env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8", **env} if env else None)


class Days:
    """A quarter of an hour in which planned things happen: (second, act) one after the other."""

    def __init__(self, seconds: float, plan: tuple[tuple[float, Callable[[], object]], ...]) -> None:
        self.seconds, self.plan = seconds, plan

    def pass_by(self) -> None:
        began = time.monotonic()
        for moment, act in self.plan:
            time.sleep(max(0.0, began + moment * self.seconds / 780 - time.monotonic()))
            act()
        time.sleep(max(0.0, began + self.seconds - time.monotonic()))
