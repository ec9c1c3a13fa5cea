"""The wall clock of both programs jumps, by a day and by ten years, both ways: no loss, no busy loop."""
from __future__ import annotations

import os
import struct
import time
from pathlib import Path

import pytest

from tests.services import needs

from .extent import by_form, figure
from .site import Process, site

DAY = 86_400
JUMPS = (DAY, -DAY, 10 * 365 * DAY, -10 * 365 * DAY, 0)
BOTH = ("agent", "server")


def cpu(process: Process) -> float:
    """Return the CPU seconds that a process has used."""
    fields = Path(f"/proc/{process.pid}/stat").read_text(encoding="ascii").rpartition(") ")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@needs("gcc")
@pytest.mark.timeout(180)
@pytest.mark.parametrize("whose", by_form(("agent",), BOTH, BOTH, whole=True))
def test_the_clock_jumps(tmp_path: Path, shim: Path, whose: str):
    clock, lines, used = tmp_path / "clock", 500, []
    clock.write_bytes(bytes(8))
    wrong = {"LD_PRELOAD": str(shim), "SRA_SHIM_CLOCK": str(clock)}
    with site(tmp_path) as here:
        here.start_server(**(wrong if whose == "server" else {}))
        here.write(lines)
        here.start_agent(**(wrong if whose == "agent" else {}))
        here.wait_for(here.all_stored, 30, "the first lines")
        process = here.agent if whose == "agent" else here.server
        for jump in JUMPS[by_form(3, 0, 0, whole=True):]:
            with clock.open("r+b") as file:
                file.write(struct.pack("q", jump))
            here.write(lines)
            took = here.wait_for(here.all_stored, 20, f"the lines after a jump of {jump} s")
            time.sleep(0.5)
            before, began = cpu(process), time.monotonic()
            time.sleep(by_form(0.7, 0.7, 5.0))
            used.append((cpu(process) - before) / (time.monotonic() - began))
            assert took <= 5.0
        verdict = here.settled()
    figure(f"clock of the {whose} jumps by ±1 d and ±10 y", "no loss, no busy loop",
           f"{verdict}; idle afterwards at most {max(used):.0%} of a core")
    assert verdict.clean and max(used) < 0.3, (verdict, used)
