"""Containers. From plan and verify; to dockerd, through a short-lived process that loads the SDK.

The SDK costs tens of megabytes: an own process gives them back, has a time limit and can be killed.
"""

from __future__ import annotations

import json
import sys
from typing import Any

from ..policy import Rule
from ..run import Runner, Step
from . import Predicate, Seen

_CALL = (sys.executable, "-I", "-m", "sra_agent.heal.platforms.docker_call")


class Docker:
    """Restarts a container and reads its state."""

    async def look(self, rule: Rule, runner: Runner) -> Seen:
        """Ask dockerd for the container of exactly this name."""
        ran = await runner.run(
            (*_CALL, rule.socket, "inspect", rule.container), 20.0, raw=True, keep=256 * 1024
        )
        try:
            # the last line: a library may have printed warnings before it
            document = json.loads(ran.output.splitlines()[-1]) if ran.ok else None
        except (ValueError, IndexError):
            document = None
        if not isinstance(document, dict):
            why = ran.output.strip()[-300:] or "no answer"
            return Seen(
                facts={"container": rule.container},
                alive=False,
                alive_text=f"container {rule.container} runs",
                preconditions=(
                    Predicate(text=f"the container {rule.container} exists", holds=False, otherwise=why),
                ),
            )
        return read(rule.container, document)

    def restart(self, rule: Rule, seen: Seen) -> tuple[Step, ...]:
        """Return the one step; the container is named by its whole id."""
        argv = (*_CALL, rule.socket, "restart", str(seen.facts["container_id"]))
        return (Step(text=f"restart the container {rule.container}", argv=argv, timeout=rule.timeout),)


def read(name: str, document: dict[str, Any]) -> Seen:
    """Read what docker_call printed of a container. Pure."""
    health = document.get("health")
    running = bool(document.get("running"))
    return Seen(
        facts={"container": name, "container_id": document["id"], "image_id": document.get("image_id", "")},
        preconditions=(Predicate(text=f"the container {name} exists", holds=True),),
        estimates={
            "state": document.get("status", ""),
            "main_pid": document.get("pid", 0),
            "image": document.get("image", ""),
            "restarts": document.get("restarts", 0),
            "started_at": document.get("started_at", ""),
            "health": health,
        },
        identity={
            "main_pid": document.get("pid", 0),
            "restarts": document.get("restarts", 0),
            "started_at": document.get("started_at", ""),
        },
        alive=running and health in (None, "healthy"),
        alive_text=f"container {name} is healthy" if health else f"container {name} runs",
    )
