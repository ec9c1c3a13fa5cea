"""Targets that only their owner's own program can restart. From plan and verify; to that program."""

from __future__ import annotations

import hashlib
import os
from typing import Any

from ..policy import Rule
from ..run import Runner, Step, start_time
from ..trust import resolve
from . import Predicate, Seen


class Command:
    """Runs the policy's fixed argv; the process id in the policy's pidfile tells what became of it."""

    async def look(self, rule: Rule, runner: Runner) -> Seen:
        """Look at the program and at the process."""
        facts, preconditions, warnings = _program(rule.argv[0])
        if not rule.pidfile:
            return Seen(facts=facts, preconditions=preconditions, warnings=warnings)
        pid = _pid(rule.pidfile)
        began = start_time(pid)
        estimates: dict[str, Any] = {
            "main_pid": pid if began else 0,
            "state": "running" if began else "not running",
        }
        if began:
            estimates["running_for_s"] = round(_uptime() - began / os.sysconf("SC_CLK_TCK"), 1)
        return Seen(
            facts=facts,
            preconditions=preconditions,
            warnings=warnings,
            estimates=estimates,
            identity={"main_pid": pid if began else 0, "began": began},
            alive=bool(began),
            alive_text=f"the process in {rule.pidfile} runs",
        )

    def restart(self, rule: Rule, seen: Seen) -> tuple[Step, ...]:
        """Return the policy's argv and nothing else."""
        return (Step(text=f"run {' '.join(rule.argv)}", argv=rule.argv, timeout=rule.timeout),)


def _program(path: str) -> tuple[dict[str, Any], tuple[Predicate, ...], tuple[str, ...]]:
    """Resolve the program; its content is part of what is approved, so a changed one is another plan."""
    try:
        real, problem = resolve(path)
        with open(real, "rb") as file:
            content = hashlib.file_digest(file, "sha256").hexdigest()
        runs = os.access(real, os.X_OK)
    except OSError as error:
        missing = Predicate(
            text=f"{path} is a program", holds=False, otherwise=f"{path} cannot be read: {error.strerror}"
        )
        return {"program": path}, (missing,), ()
    predicates = (
        Predicate(
            text=f"{path} is a program", holds=runs, otherwise=f"{path} may not be executed; chmod +x"
        ),
        Predicate(
            text=f"only trusted users can change {path}",
            holds=problem is None or problem.by_group,
            otherwise=f"what would run could be changed by others: {problem}",
        ),
    )
    warnings = (f"what would run could be changed by its group: {problem}",) if problem else ()
    return {"program": real, "sha256": content}, predicates, warnings


def _pid(path: str) -> int:
    try:
        with open(path, "rb") as file:
            words = file.read(64).split()
        return int(words[0]) if words and words[0].isdigit() else 0
    except OSError:
        return 0


def _uptime() -> float:
    with open("/proc/uptime", encoding="ascii") as file:
        return float(file.read().split()[0])
