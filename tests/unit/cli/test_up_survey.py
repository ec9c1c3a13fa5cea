"""What `sra up` finds to watch: real folders with the files that hosts have."""
from __future__ import annotations

import os
import tempfile
import time
from pathlib import Path

import pytest

from sra_cli import up_survey

NOW = time.time()


@pytest.fixture
def logs(tmp_path: Path) -> Path:
    folder = tmp_path / "log"
    for name, content in {
        "syslog": b"Jan  1 00:00:00 h a: b\n", "empty.log": b"", "nginx/access.log": b"GET /\n",
        "nginx/deep/inner.log": b"too deep\n", "wtmp": b"\x00\x01\x02" * 50, "syslog.1": b"old\n",
        "app.log.gz": b"\x1f\x8b", "app.log-20260101": b"old\n", "journal/x.log": b"text\n",
        "old.log": b"old\n",
    }.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    os.utime(folder / "old.log", (NOW - 10 * 86400,) * 2)
    os.mkfifo(folder / "pipe")
    (folder / "gone").symlink_to(folder / "nowhere")
    return folder


def look(logs: Path, *given: str, root: Path | None = None) -> up_survey.Survey:
    return up_survey.survey(list(given), now=NOW, logs=logs, root=root or logs / "no-root")


def test_fresh_text_logs_of_the_folder_and_one_level_below_are_watched(logs: Path) -> None:
    assert [Path(path).relative_to(logs).as_posix() for path in look(logs).files] == [
        "empty.log", "nginx/access.log", "syslog"]


def test_what_was_named_is_watched_once_whether_it_is_there_or_not(logs: Path) -> None:
    found = look(logs, f"web={logs}/syslog", "/nowhere/yet.log")
    assert found.files[:2] == (f"web={logs}/syslog", "/nowhere/yet.log")
    assert str(logs / "syslog") not in found.files


def test_a_bare_host_says_what_is_missing(logs: Path) -> None:
    assert [text.partition(":")[0] for text in look(logs).cannot] == ["systemd", "docker"]


@pytest.fixture
def full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A host with systemd, its journal, journalctl and docker."""
    root = tmp_path / "root"
    for folder in ("run/systemd/system", "run/log/journal/id", "bin"):
        (root / folder).mkdir(parents=True)
    for name in ("run/docker.sock", "run/log/journal/id/system.journal", "bin/journalctl"):
        (root / name).touch(mode=0o755)
    monkeypatch.setenv("PATH", str(root / "bin"))
    return root


def test_a_full_host_has_its_journal_and_containers_watched(logs: Path, full: Path) -> None:
    found = look(logs, root=full)
    assert found.journald and found.docker == str(full / "run/docker.sock") and found.cannot == ()


def test_what_the_journal_holds_is_not_watched_twice_unless_it_was_named(logs: Path, full: Path) -> None:
    found = look(logs, root=full)
    assert f"{logs}/syslog" not in found.files and found.journalled == (f"{logs}/syslog",)
    assert f"{logs}/nginx/access.log" in found.files
    assert look(logs, f"{logs}/syslog", root=full).files[0] == f"{logs}/syslog"


def test_a_host_without_journalctl_or_journal_says_so(logs: Path, full: Path) -> None:
    (full / "run/log/journal/id/system.journal").unlink()
    assert "may not read it" in look(logs, root=full).cannot[0]
    (full / "bin/journalctl").unlink()
    found = look(logs, root=full)
    assert "journalctl is not installed" in found.cannot[0] and not found.journald
    assert f"{logs}/syslog" in found.files


def test_a_folder_without_logs_is_no_failure(tmp_path: Path) -> None:
    assert look(tmp_path / "nothing").files == ()


def test_unreadable_files_are_named() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        (folder / "secure").write_text("text\n")
        (folder / "secure").chmod(0)
        user = os.geteuid()
        if user == 0:  # root may read everything; look as somebody else
            os.seteuid(65534)
        try:
            found = look(folder)
        finally:
            os.seteuid(user)
    assert found.files == () and found.cannot[-1] == f"{folder}/secure: this user may not read it"


def test_the_number_of_files_is_bounded_and_the_rest_counted(
        logs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(up_survey, "MOST_FILES", 2)
    found = look(logs)
    assert len(found.files) == 2 and any("1 older files" in text for text in found.cannot)


def test_what_was_named_and_gives_nothing_is_said_with_the_reason(logs: Path, tmp_path: Path) -> None:
    (tmp_path / "a.log").write_text("line\n")
    named = {
        f"{logs}": f"a folder; name its files, such as --file '{logs}/*.log'",
        f"shop={logs}/pipe": "a pipe, a socket or a device, not a file",
        f"{logs}/wtmp": "it looks like no text; its lines are taken all the same",
        f"{tmp_path}/later.log": "it is not there yet; it is watched once it is",
        f"{tmp_path}/later-*.log": "nothing has such a name yet; what gets it is watched",
    }
    cannot = look(logs, *named).cannot
    for name, why in named.items():
        assert f"{name.rpartition('=')[2]}: {why}" in cannot
    calm = look(logs, f"{tmp_path}/a.log", f"{tmp_path}/*.log", f"{logs}/empty.log", f"a={logs}/syslog")
    assert [text.partition(":")[0] for text in calm.cannot] == ["systemd", "docker"]
