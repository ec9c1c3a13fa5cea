"""What the agent measures, of a world: CPU and memory of its cgroup, all else as the agent has it. To points.

The machine is shared with other work, so the world is seen as a container's host: its CPU is its quota and
its memory is its limit, as lxcfs would show them.
"""

from __future__ import annotations

import asyncio
import threading
import time
from typing import TYPE_CHECKING, Any

from sra_agent.config import Probe
from sra_agent.measure import point
from sra_agent.measure.disks import Disks
from sra_agent.measure.host import Host
from sra_agent.measure.probes import watch
from sra_agent.measure.processes import Processes

if TYPE_CHECKING:
    from world import World


class Container(Host):
    """The agent's host collector with the cgroup's CPU, memory and swap in place of the machine's."""

    def __init__(self, world: World) -> None:
        super().__init__()
        self.world = world
        self.used, self.at = self._cpu(), time.monotonic()

    def _cpu(self) -> int:
        return int((self.world.cgroups[1] / "cpuacct.usage").read_text())

    def collect(self, now: float) -> list[dict[str, Any]]:
        used, at = self._cpu(), time.monotonic()
        cpu = (used - self.used) / 1e9 / max(at - self.at, 1e-6) / self.world.cpu * 100
        self.used, self.at = used, at
        counted = dict(
            line.split() for line in (self.world.cgroups[2] / "memory.stat").read_text().splitlines()
        )
        taken = int((self.world.cgroups[2] / "memory.usage_in_bytes").read_text())
        # the page cache is free for the asking; shared memory is counted in it and is not
        memory = (taken - int(counted["total_cache"]) + int(counted["total_shmem"])) / self.world.memory * 100
        own = [
            point("system.cpu_percent", min(cpu, 100.0), now, unit="percent"),
            point("system.memory_percent", min(memory, 100.0), now, unit="percent"),
        ]
        # these are the whole machine's, which is busy with what is none of the world's
        left_out = ("system.cpu_percent", "system.memory_percent", "system.swap_percent", "system.load1")
        return own + [each for each in super().collect(now) if not each["name"].startswith(left_out)]


def gather(world: World, seconds: float, probes: tuple[dict[str, Any], ...]) -> None:
    """Start the threads that measure."""
    collectors = (Container(world), Disks(), Processes())

    def collect(_: int) -> None:
        for each in collectors:
            world.points += each.collect(time.time())

    def ask() -> None:
        async def run() -> None:
            async with asyncio.TaskGroup() as group:
                for each in probes:
                    group.create_task(watch(Probe(**each), world.points.extend, asyncio.Event()))

        asyncio.run(run())

    world.every(seconds, collect, first=1.0)
    if probes:
        threading.Thread(target=ask, daemon=True).start()
