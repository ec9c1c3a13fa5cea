# ruff: noqa: E501 - lines of logs are as long as they are
"""Whom the kernel kills had no memory: that is the trouble, and the crash comes of it. Other crashes are crashes."""
from __future__ import annotations

from dataclasses import replace
from itertools import permutations

import pytest

from sra_server.detect.trial import arrived

from .world import World, at, batch

KERNEL = "<3>Mar  5 10:00:00 db-1 kernel: [ 9912.123456] "


def killed(pid: int, name: str, *, group: bool = False) -> str:
    return (f"{KERNEL}{'Memory cgroup out' if group else 'Out'} of memory: Killed process {pid} ({name}) total-vm:9230112kB, "
            "anon-rss:7012340kB, file-rss:0kB, shmem-rss:0kB, UID:112 pgtables:14880kB oom_score_adj:0")


POSTGRES = "2024-03-05 10:00:00.123 UTC [800] LOG:  server process (PID 4711) was terminated by signal 9: Killed"
CRASHED = "2024-03-05 10:00:00.123 UTC [800] LOG:  server process (PID 4711) was terminated by signal 11: Segmentation fault"
CELERY = "[2024-03-05 10:00:00,123: ERROR/MainProcess] Process 'ForkPoolWorker-8' pid:8123 exited with 'signal 9 (SIGKILL)'"
RAISED = "[2024-03-05 10:00:00,123: ERROR/MainProcess] Process 'ForkPoolWorker-8' pid:8123 exited with 'signal 11 (SIGSEGV)'"
Lines = list[tuple[str, str]]


def run(lines: Lines, *, apart: float = 1) -> World:
    world = World()
    for nth, (service, line) in enumerate(lines):
        found = [replace(each, service=each.service or service, host="db-1", at=at(nth * apart), id=f"{nth}-{n}")
                 for n, each in enumerate(arrived([line]))]
        world.fold(batch(nth * apart + 1, *found))
    return world


TOLD: dict[str, tuple[Lines, str]] = {
    "a process of a database": ([("kernel", killed(4711, "postgres")), ("postgresql", POSTGRES)], "postgresql"),
    "its pid, under another name": ([("kernel", killed(8123, "python3", group=True)), ("jobs", CELERY)], "jobs"),
    "its name": ([("kernel", killed(77, "jobs", group=True)), ("jobs", CELERY)], "jobs"),
    "the manner of its end alone": ([("kernel", killed(77, "python3")), ("jobs", CELERY)], "jobs"),
}


@pytest.mark.parametrize("name", TOLD)
def test_whose_process_the_kernel_killed_had_no_memory(name: str) -> None:
    lines, service = TOLD[name]
    for each in permutations(lines):
        world = run(list(each))
        only = world.only()
        assert (only.cls, only.service) == ("memory_exhaustion", service)
        found = [change.analysis for change in world.changes if change.analysis is not None][-1]
        assert "suffers" not in found.root_cause
        assert "killed a process" in found.root_cause
        assert ("restart_service", service) in [(one.action, one.service) for one in found.recommendations]


APART: dict[str, tuple[Lines, float, str]] = {
    "a crash without the kernel": ([("jobs", CELERY)], 1, "service_crash"),
    "a crash of the database itself": ([("postgresql", CRASHED)], 1, "database_failure"),
    "another process than that of the kernel": ([("jobs", RAISED), ("kernel", killed(77, "python3"))], 90, "service_crash"),
}


@pytest.mark.parametrize("name", APART)
def test_what_the_kernel_did_not_do_keeps_its_name(name: str) -> None:
    lines, apart, cls = APART[name]
    world = run(lines, apart=apart)
    service = lines[0][0]
    assert {each.cls for each in world.incidents.values() if each.service == service} == {cls}


def test_the_kernel_tells_of_whom_it_killed_and_does_not_suffer() -> None:
    unit = "<28>Mar  5 10:00:00 db-1 systemd[1]: mysql.service: Failed with result 'oom-kill'."
    world = run([("kernel", killed(900, "mysqld")), ("mysql", unit)])
    found = [change.analysis for change in world.changes if change.analysis is not None][-1]
    assert "kernel tells of it as well" in found.root_cause
    assert "suffers" not in found.root_cause
