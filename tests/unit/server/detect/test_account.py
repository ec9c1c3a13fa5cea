"""One account that is tried again and again from inside is told, whatever is usual; robots and people are not."""
# ruff: noqa: E501 - lines of logs are as long as they are
from __future__ import annotations

from dataclasses import replace

import pytest

from sra_server.detect.trial import arrived
from sra_server.domain.record import Record

from .everyday import Story, told

#: Somebody mistypes now and then, so failed logins have a past here.
USUAL = [(60.0 * n, f"Mar  5 10:00:00 web-1 sshd[{n}]: Failed password for carol from 10.0.0.9 port 40022 ssh2") for n in range(40)]
BEGIN = 2500.0


def _story(lines: list[tuple[float, str]]) -> Story:
    found: list[tuple[float, Record]] = []
    for second, line in lines:
        found += [(second, replace(each, service=each.service or "sshd")) for each in arrived([line], source=f"{second}-{line[:30]}")]
    return Story("logins", tuple(found))


def _told(lines: list[tuple[float, str]], usual: list[tuple[float, str]] = USUAL) -> list[str]:
    return [each.split()[0] + " " + each.split()[1] for each in told([(0, _story([*usual, *lines]))], until=2800, every=15)]


def _failures(line: str, times: int, step: float) -> list[tuple[float, str]]:
    return [(BEGIN + n * step, line.replace("{n}", str(700 + n))) for n in range(times)]


@pytest.mark.parametrize("line", [
    "Mar  5 10:00:00 web-1 sshd[{n}]: Failed password for deploy from 10.0.0.7 port 40022 ssh2",
    "Mar  5 10:00:00 web-1 sshd[{n}]: pam_unix(sshd:auth): authentication failure; logname= uid=0 euid=0 tty=ssh ruser= rhost=10.0.0.7  user=deploy",
])
def test_a_program_with_an_old_password_is_told(line: str) -> None:
    assert _told(_failures(line, 14, 6.5)) == ["auth_failures medium"]


@pytest.mark.parametrize(("line", "times", "step"), [
    # robots, of whom each tries the same name
    ("Mar  5 10:00:00 web-1 sshd[{n}]: Failed password for root from 203.0.113.9 port 40022 ssh2", 9, 9),
    # an account that is not there
    ("Mar  5 10:00:00 web-1 sshd[{n}]: Failed password for invalid user admin from 10.0.0.7 port 40022 ssh2", 9, 9),
    # a person who tries for a while, and asks
    ("Mar  5 10:00:00 web-1 sshd[{n}]: Failed password for bert from 10.0.0.7 port 40022 ssh2", 6, 9),
    # nine names, each once
    ("Mar  5 10:00:00 web-1 sshd[{n}]: Failed password for bert{n} from 10.0.0.7 port 40022 ssh2", 9, 9),
])
def test_what_happens_every_day_is_not(line: str, times: int, step: float) -> None:
    assert _told(_failures(line, times, step)) == []


def test_a_locked_account_is_told_low_at_first() -> None:
    line = "Mar  5 10:00:00 web-1 sshd[{n}]: pam_faillock(sshd:auth): Consecutive login failures for user deploy account temporarily locked"
    assert _told(_failures(line, 1, 1)) == ["auth_failures low"]
    assert _told(_failures(line, 2, 30)) == ["auth_failures medium"]


def test_who_guesses_at_sudo_is_told() -> None:
    line = "Mar  5 10:00:00 web-1 sudo[{n}]:      bob : 3 incorrect password attempts ; PWD=/ ; USER=root ; COMMAND=/usr/bin/id"
    assert _told(_failures(line, 5, 11)) == ["auth_failures medium"]
    assert _told(_failures(line, 3, 11)) == []
