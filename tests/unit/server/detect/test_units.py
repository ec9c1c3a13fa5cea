"""What systemd says of a unit's end: a stop is none, one failure is a note, a crash is told at once."""
from __future__ import annotations

from pathlib import Path

import pytest

from sra_cli.analyze import analyze_files

STOPPING, STOPPED = "Stopping tomcat.service - The shop...", "Stopped tomcat.service - The shop."
STARTED = "Started tomcat.service - The shop."
FAILED = "tomcat.service: Failed with result 'exit-code'."
RESTART = "tomcat.service: Scheduled restart job, restart counter is at 1."


def exited(status: str = "1/FAILURE") -> str:
    return f"tomcat.service: Main process exited, code=exited, status={status}"


def told(folder: Path, *lines: str | tuple[int, str], priority: str = "") -> list[str]:
    """Return the severities of what is found in lines of systemd, each a second after the one before."""
    at, texts = 0, []
    for line in lines:
        at, said = line if isinstance(line, tuple) else (at + 1, line)
        texts.append(f"{priority}Mar  5 {10 + at // 3600:02}:{at // 60 % 60:02}:{at % 60:02} web-1 "
                     f"systemd[1]: {said}\n")
    log = folder / "syslog"
    log.write_text("".join(texts))
    return [each.incident.severity for each in analyze_files([str(log)]).incidents]


@pytest.mark.parametrize("priority", ["", "<28>", "<30>"])
@pytest.mark.parametrize("status", ["143/n/a", "130/n/a", "1/FAILURE"])
@pytest.mark.parametrize("after", [(), (STARTED,)])
def test_a_unit_that_ends_with_an_error_as_it_is_stopped_is_no_crash(
        tmp_path: Path, status: str, after: tuple[str, ...], priority: str) -> None:
    assert not told(tmp_path, STOPPING, exited(status), FAILED, STOPPED, *after, priority=priority)


def test_nor_is_one_that_only_failed_or_that_is_not_named_as_it_is_stopped(tmp_path: Path) -> None:
    assert not told(tmp_path, STOPPING, FAILED, STOPPED)
    assert not told(tmp_path, "Stopping The shop...", exited("143/n/a"), FAILED, "Stopped The shop.")
    assert told(tmp_path, "Stopping Something else...", exited(), FAILED) == ["medium"]


def test_without_a_stop_of_its_own_it_is_told(tmp_path: Path) -> None:
    assert told(tmp_path, FAILED) == ["critical"]
    assert told(tmp_path, exited("143/n/a"), FAILED) == ["critical"]
    assert told(tmp_path, "Stopping other.service - Other...", exited(), FAILED) == ["medium"]


def test_a_stop_excuses_no_failure_after_it_nor_a_crash(tmp_path: Path) -> None:
    assert told(tmp_path, STOPPING, STOPPED, STARTED, exited(), FAILED) == ["medium"]
    assert told(tmp_path, STOPPING, exited(), FAILED, STARTED, exited(), FAILED) == ["medium"]
    assert told(tmp_path, STOPPING, (200, exited()), FAILED) == ["medium"]
    assert told(tmp_path, STOPPING, "tomcat.service: Main process exited, code=dumped, status=11/SEGV") \
        == ["critical"]


@pytest.mark.parametrize("failed", ["Failed to start tomcat.service - A job.", "Failed to start A job."])
def test_a_job_that_fails_each_night_is_no_crash(tmp_path: Path, failed: str) -> None:
    night = exited("100/n/a"), FAILED
    nights = [(start + second, said) for start in (0, 7200, 14400)
              for second, said in enumerate((*night, failed), 1)]
    assert set(told(tmp_path, *nights)) == {"medium"}


def test_a_unit_whose_failure_means_nothing_is_not_told_by_its_description_either(tmp_path: Path) -> None:
    motd = ("motd-news.service: Main process exited, code=exited, status=1/FAILURE",
            "motd-news.service: Failed with result 'exit-code'.")
    assert not told(tmp_path, *((10, each) for each in (*motd, "Failed to start Message of the Day.")))
    assert told(tmp_path, *((10, each) for each in motd), (60, "Failed to start The shop.")) == ["critical"]


def test_what_is_started_again_or_ends_again_has_crashed(tmp_path: Path) -> None:
    assert told(tmp_path, exited(), FAILED, RESTART) == ["critical"]
    assert told(tmp_path, exited(), FAILED, (300, exited()), FAILED) == ["critical"]
    assert not told(tmp_path, RESTART)


def test_a_service_that_cannot_be_started_is_told_as_before(tmp_path: Path) -> None:
    control = "tomcat.service: Control process exited, code=exited, status=1/FAILURE"
    assert told(tmp_path, control, FAILED, "Failed to start tomcat.service - The shop.") == ["critical"]


def test_a_tool_s_segfault_is_a_note_until_it_happens_again(tmp_path: Path) -> None:
    fault = "convert[{}]: segfault at 0 ip 00007f00 sp 00007ffd error 4 in libMagick.so[7f00+1000]"
    for times, severity in ((1, "low"), (2, "high")):
        log = tmp_path / "kern.log"
        log.write_text("".join(f"Mar  5 10:0{each}:00 web-1 kernel: {fault.format(each)}\n"
                               for each in range(times)))
        assert [each.incident.severity for each in analyze_files([str(log)]).incidents] == [severity]
