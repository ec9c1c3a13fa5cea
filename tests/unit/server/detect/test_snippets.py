"""Short logs as many programs write them, by file name `<class>.<software>.log`; `none` must stay quiet."""
from __future__ import annotations

from pathlib import Path

import pytest

from sra_cli.analyze import analyze_files

SNIPPETS = sorted((Path(__file__).resolve().parents[3] / "data" / "snippets").glob("*.log"))


@pytest.mark.parametrize("path", SNIPPETS, ids=lambda each: each.stem)
def test_the_class_is_told_from_the_text_alone(path: Path, tmp_path: Path) -> None:
    copy = tmp_path / "x.log"
    copy.write_bytes(path.read_bytes())
    expected = [] if path.name.startswith("none.") else [path.name.partition(".")[0]]
    assert [each.incident.cls for each in analyze_files([str(copy)]).incidents] == expected


def test_a_unit_that_fails_is_told_by_its_name(tmp_path: Path) -> None:
    log = tmp_path / "syslog"
    log.write_text("Mar  5 10:00:00 web-1 systemd[1]: checkout.service: Main process exited, code=exited, "
                   "status=1/FAILURE\n"
                   "Mar  5 10:00:00 web-1 systemd[1]: checkout.service: Failed with result 'exit-code'.\n")
    [trouble] = analyze_files([str(log)]).incidents
    assert (trouble.incident.service, trouble.incident.host) == ("checkout", "web-1")
    assert "checkout" in trouble.incident.title
    assert trouble.incident.root_cause is not None
    assert trouble.incident.root_cause.startswith("checkout on web-1")


def _stop(minute: int) -> str:
    return "".join(f"Mar  5 10:{minute + at // 60:02}:{at % 60:02} web-1 systemd[1]: {said}\n"
                   for at, said in (
        (0, "Stopping checkout.service - The checkout..."),
        (90, "checkout.service: State 'stop-sigterm' timed out. Killing."),
        (90, "checkout.service: Killing process 4711 (python3) with signal SIGKILL."),
        (90, "checkout.service: Main process exited, code=killed, status=9/KILL"),
        (90, "checkout.service: Failed with result 'timeout'."),
        (90, "Stopped checkout.service - The checkout."),
        (90, "Started checkout.service - The checkout.")))


@pytest.mark.parametrize(("log", "severity"), [(_stop(0), "low"), (_stop(0) + _stop(20), "medium")])
def test_a_stop_that_took_too_long_is_told_as_such(tmp_path: Path, log: str, severity: str) -> None:
    path = tmp_path / "syslog"
    path.write_text(log)
    troubles = analyze_files([str(path)]).incidents
    assert [(each.incident.severity, each.incident.title) for each in troubles][-1:] == [
        (severity, "Errors: checkout: it took too long to stop and was killed")]
