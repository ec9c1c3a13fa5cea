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


def test_a_stop_that_took_too_long_is_told_as_such(tmp_path: Path) -> None:
    log = tmp_path / "syslog"
    log.write_text("\n".join(f"Mar  5 10:0{at} web-1 systemd[1]: {text}" for at, text in (
        ("0:00", "Stopping checkout.service - The checkout..."),
        ("1:30", "checkout.service: State 'stop-sigterm' timed out. Killing."),
        ("1:30", "checkout.service: Killing process 4711 (python3) with signal SIGKILL."),
        ("1:30", "checkout.service: Main process exited, code=killed, status=9/KILL"),
        ("1:30", "checkout.service: Failed with result 'timeout'."),
        ("1:30", "Stopped checkout.service - The checkout."),
        ("1:30", "Started checkout.service - The checkout."))) + "\n")
    [trouble] = analyze_files([str(log)]).incidents
    assert trouble.incident.severity == "medium"
    assert trouble.incident.title == "Errors: checkout: it took too long to stop and was killed"
