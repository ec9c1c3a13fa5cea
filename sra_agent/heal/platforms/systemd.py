"""Units of systemd, by `systemctl` with fixed arguments. From plan and verify; to systemd."""

from __future__ import annotations

import shutil
from typing import Any

from ..policy import Rule
from ..run import ENVIRONMENT, Runner, Step
from . import Predicate, Seen

_SHOWN = (
    "Id",
    "LoadState",
    "ActiveState",
    "SubState",
    "MainPID",
    "NRestarts",
    "InvocationID",
    "FragmentPath",
    "ActiveEnterTimestamp",
    "RequiredBy",
    "BoundBy",
    "RefuseManualStart",
    "RefuseManualStop",
    "Result",
)


class Systemd:
    """Restarts a unit and reads its state."""

    async def look(self, rule: Rule, runner: Runner) -> Seen:
        """Ask systemd for the unit's properties."""
        argv = (_systemctl(), "show", f"--property={','.join(_SHOWN)}", "--", rule.unit)
        ran = await runner.run(argv, 10.0, raw=True)
        if not ran.ok:
            why = ran.output.strip()[-200:] or "no answer"
            return Seen(
                facts={"unit": rule.unit},
                alive=False,
                alive_text=f"{rule.unit} is active",
                preconditions=(
                    Predicate(
                        text="systemd answers", holds=False, otherwise=f"systemd does not answer: {why}"
                    ),
                ),
            )
        return read(rule.unit, ran.output)

    def restart(self, rule: Rule, seen: Seen) -> tuple[Step, ...]:
        """Return the one step."""
        argv = (_systemctl(), "--no-ask-password", "restart", "--", str(seen.facts["unit"]))
        return (Step(text=f"restart the unit {seen.facts['unit']}", argv=argv, timeout=rule.timeout),)


def read(unit: str, output: str) -> Seen:
    """Read what `systemctl show` printed. Pure."""
    shown = dict(line.split("=", 1) for line in output.splitlines() if "=" in line)
    name = shown.get("Id") or unit
    loaded = shown.get("LoadState", "")
    manual = "yes" not in (shown.get("RefuseManualStart"), shown.get("RefuseManualStop"))
    state = shown.get("ActiveState", "")
    dependents = sorted({*shown.get("RequiredBy", "").split(), *shown.get("BoundBy", "").split()})
    estimates: dict[str, Any] = {
        "state": f"{state} ({shown.get('SubState', '')})",
        "main_pid": _number(shown.get("MainPID")),
        "restarts": _number(shown.get("NRestarts")),
        "last_result": shown.get("Result", ""),
        "dependents": dependents,
    }
    if shown.get("ActiveEnterTimestamp"):
        estimates["active_since"] = shown["ActiveEnterTimestamp"]
    return Seen(
        facts={"unit": name, "fragment": shown.get("FragmentPath", "")},
        preconditions=(
            Predicate(
                text=f"the unit {name} is loaded",
                holds=loaded == "loaded",
                otherwise=f"systemd says that {unit} is {loaded or 'unknown'}",
            ),
            Predicate(
                text=f"the unit {name} may be started and stopped by hand",
                holds=manual,
                otherwise=f"{unit} refuses to be started or stopped by hand",
            ),
        ),
        estimates=estimates,
        identity={
            "main_pid": estimates["main_pid"],
            "restarts": estimates["restarts"],
            "invocation": shown.get("InvocationID", ""),
        },
        alive=state == "active",
        alive_text=f"{name} is active",
        warnings=tuple(f"{other} depends on it and will be restarted as well" for other in dependents[:20]),
    )


def _number(text: str | None) -> int:
    return int(text) if text and text.isdigit() else 0


def _systemctl() -> str:
    return shutil.which("systemctl", path=ENVIRONMENT["PATH"]) or "/usr/bin/systemctl"
