"""A line that only mentions a trouble opens no incident; the program that has it does."""
from __future__ import annotations

from pathlib import Path

import pytest

from sra_cli.analyze import analyze_files

T = "2024-03-05 10:00:00,000"
PG = "2024-03-05 10:00:00.123 UTC [9]"
SSH = "Mar  5 10:00:00 web-1 sshd[7]:"
WEB = '192.0.2.7 - - [05/Mar/2024:10:00:00 +0000]'
MENTIONS = [
    f"{T} INFO web.access GET /search?q=java.lang.OutOfMemoryError 200 12ms",
    f"{PG} LOG:  duration: 0.9 ms  statement: insert into tickets(title) "
    "values('No space left on device on laptop')",
    f"{PG} LOG:  statement: select 1 -- no space left on device",
    f"{PG} LOG:  execute S_1: insert into t values(No space left on device)",
    f"{PG} STATEMENT:  insert into t values('deadlock detected')",
    f"{PG} DETAIL:  Key (title)=(no space left on device) is taken",
    f"{PG} LOG:  connection authorized: user=no space left on device database=x",
    f"{T} INFO user searched for 'no space left on device'",
    f"{T} INFO git: merged 'Fix No space left on device handling (#123)'",
    f"{T} INFO alert rule 'disk full: No space left on device' loaded",
    f"{T} INFO java.lang.OutOfMemoryError handled as expected",
    f"{T} INFO incident 991 closed: Out of memory: Killed process 4411 (java)",
    f"{T} INFO [kernel docs] segfault at 0 explained",
    f"{T} INFO writer: write failed: No space left on device",
    f"{T} WARNING deprecated: use of OutOfMemoryError handler option; see docs",
    f"{T} INFO simulated: x509: certificate has expired or is not yet valid",
    f"{T} WARNING simulated failure: x509: certificate has expired or is not yet valid",
    f"{T} INFO no deadlock detected",
    f"{T} INFO monitor: deadlock detected=false",
    f"{T} WARNING monitor: deadlock detected=false",
    f"{T} WARNING no deadlock detected",
    f"{T} WARNING slow query: 812 ms update tickets set msg='deadlock detected' where id=7",
    f"{T} WARNING slow query: 812 ms update tickets set title='No space left on device'",
    f"{T} WARNING certificate expires in 29 days",
    f"{T} WARNING slow GET /search?q=java.lang.OutOfMemoryError took 900 ms",
    "INFO user searched for 'no space left on device'",
    "GET /search?q=java.lang.OutOfMemoryError 200 12ms",
    "user 7 searched for 'no space left on device'",
    "Mar  5 10:00:00 web-1 shop[7]: INFO user searched for no space left on device",
    "<30>Mar  5 10:00:00 web-1 shop[7]: INFO user searched for no space left on device",
    "<14>Mar  5 10:00:00 web-1 shop[7]: user searched for no space left on device",
    '{"time":"2024-03-05T10:00:00Z","level":"info","msg":"ticket: No space left on device"}',
    'time=2024-03-05T10:00:00Z level=info msg="ticket: No space left on device"',
    f'{WEB} "GET /search?q=no%20space+java.lang.OutOfMemoryError HTTP/1.1" 200 12 "-" "x"',
    f'{WEB} "GET / HTTP/1.1" 200 12 "-" "No space left on device"',
    f'{WEB} "GET / HTTP/1.1" 403 12 "-" "Out of memory: Killed process 1 (x) No space left on device"',
    f'{WEB} "GET /java.lang.OutOfMemoryError HTTP/1.1" 500 12 "-" "segfault at 0"',
    f"{SSH} Invalid user No space left on device from 192.0.2.7 port 4",
    f"{SSH} Failed password for invalid user Out of memory: Killed process 1 (x) from 192.0.2.7 port 4 ssh2",
    f"{SSH} Accepted publickey for kernel panic from 192.0.2.7 port 4 ssh2",
    f"{SSH} Received disconnect from 192.0.2.7 port 4:11: No space left on device [preauth]",
    f"{SSH} Connection closed by authenticating user segfault at 0 192.0.2.7 port 4 [preauth]",
    f"{SSH} pam_unix(sshd:auth): authentication failure; logname= uid=0 tty=ssh user=deadlock detected",
    f"{SSH} error: maximum authentication attempts exceeded for invalid user No space left on device",
]


def classes(folder: Path, line: str) -> list[str]:
    path = folder / "x.log"
    path.write_text(line + "\n")
    return [each.incident.cls for each in analyze_files([str(path)]).incidents]


@pytest.mark.parametrize("line", MENTIONS)
def test_a_mention_opens_nothing(tmp_path: Path, line: str) -> None:
    assert classes(tmp_path, line) == []


@pytest.mark.parametrize(("cls", "line"), [
    ("disk_full", "cp: error writing '/x': No space left on device"),
    ("disk_full", f"{PG} LOG:  could not write temporary statistics file \"a\": No space left on device"),
    ("disk_full", f"{T} ERROR user 'x' cannot save: \"No space left on device\""),
    ("disk_full", f"{T} WARNING cleanup: No space left on device: '/data'"),
    ("disk_full", f"{T} WARNING upload broken by 'OSError(28, \"No space left on device\")'"),
    ("database_failure", f"{PG} LOG:  server process (PID 7) was terminated by signal 11: Segfault"),
    ("memory_exhaustion", "<6>Mar  5 10:00:00 web-1 kernel: [1.2345] Out of memory: Killed process 7 (java)"),
    ("memory_exhaustion", "Mar  5 10:00:00 web-1 kernel: Out of memory: Killed process 7 (java)"),
    ("memory_exhaustion", "java.lang.OutOfMemoryError: Java heap space\n\tat a.B.c(B.java:1)"),
    ("memory_exhaustion", f"{T} WARNING worker died: java.lang.OutOfMemoryError: Java heap space"),
    ("service_crash", "<30>Mar  5 10:00:00 web-1 systemd[1]: shop.service: Failed with result 'core-dump'."),
    ("service_crash", f"{T} INFO gave up: shop entered FATAL state, too many start retries too quickly"),
    ("service_crash", "I0305 10:00:00.123456 1 event.go:1] Back-off restarting failed container"),
    ("certificate_expired", f"{T} WARNING certificate expires in 2 days"),
])
def test_the_trouble_itself_is_told(tmp_path: Path, cls: str, line: str) -> None:
    assert classes(tmp_path, line) == [cls]
