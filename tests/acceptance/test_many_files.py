"""More files than a shell's usual limit lets a program have open are followed all the same."""
from __future__ import annotations

import resource
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.acceptance.executor_host import eventually
from tests.acceptance.source_agent import Process
from tests.unit.agent.recorder import Recorder

FILES, OPEN = 300, 128


@pytest.fixture
def few_open_files() -> Iterator[None]:
    """Let what is started meanwhile have few files open, unless it asks for more."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (OPEN, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, before)


def test_the_agent_asks_for_as_many_open_files_as_it_follows(tmp_path: Path, few_open_files: None) -> None:
    logs = tmp_path / "logs"
    logs.mkdir()
    for number in range(FILES):
        (logs / f"app-{number}.log").write_text(f"line of {number}\n")
    with Recorder() as recorder:
        agent = Process(tmp_path, recorder, f'files = ["{logs}/*.log"]\nfrom_start = true')
        try:
            agent.start()
            assert eventually(lambda: len(recorder.records) >= FILES, 30), agent.errors()
            assert {one["message"] for one in recorder.records} == {f"line of {n}" for n in range(FILES)}
            assert "open files" not in agent.errors()
        finally:
            agent.close()
