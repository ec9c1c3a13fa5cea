"""The journal: what is recorded survives, tokens serve once, answers wait until acknowledged."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from sra_agent.heal.journal import Journal
from sra_agent.heal.task import Task

TASK = Task(
    id="t", token="k1", remedy_id="r", account_id="a", action="restart_service", service="web", digest="d"
)


def begun(journal: Journal, task: Task = TASK) -> int:
    act = journal.accept(task, "boot", 10.0)
    assert act is not None
    return act


def test_a_token_serves_once(tmp_path: Path):
    journal = Journal(str(tmp_path / "j.db"))
    begun(journal)
    assert journal.accept(TASK, "boot", 11.0) is None
    assert journal.accept(replace(TASK, token="k2"), "boot", 11.0) is not None
    journal.close()


def test_phases_survive_the_process(tmp_path: Path):
    journal = Journal(str(tmp_path / "j.db"))
    act = begun(journal)
    assert [one.phase for one in journal.open_acts()] == ["accepted"] and journal.history() == ()
    journal.keep_plan(TASK, "d", "boot", 10.0, 600.0, {"action": "x"})
    journal.intend(act, TASK, target="web", now=12.0, detail={"rule": {"unit": "u"}})
    journal.spawned(act, 77, 88)
    journal.acted(act, [{"exit_code": 0}])
    journal.close()
    journal = Journal(str(tmp_path / "j.db"))
    (one,) = journal.open_acts()
    assert (one.phase, one.pid, one.pid_began) == ("acted", 77, 88)
    assert one.detail == {"rule": {"unit": "u"}, "steps": [{"exit_code": 0}]}
    kept = journal.plan("r", "d")
    assert kept is not None and kept.used and kept.expires == 610.0
    journal.finish(act, kind="outcome", status="succeeded", body={"status": "succeeded"}, now=20.0)
    assert journal.open_acts() == []
    (past,) = journal.history()
    assert (past.target, past.started, past.ended, past.status) == ("web", 12.0, 20.0, "succeeded")
    journal.close()


def test_a_plan_made_again_lives_longer_but_stays_used(tmp_path: Path):
    journal = Journal(str(tmp_path / "j.db"))
    act = begun(journal)
    journal.keep_plan(TASK, "d", "boot", 10.0, 600.0, {})
    journal.intend(act, TASK, target="web", now=12.0, detail={})
    journal.keep_plan(TASK, "d", "boot", 500.0, 600.0, {})
    kept = journal.plan("r", "d")
    assert kept is not None and kept.used and kept.expires == 1100.0
    assert journal.plan("other", "d") is None
    journal.close()


def test_what_never_began_counts_for_no_limit(tmp_path: Path):
    journal = Journal(str(tmp_path / "j.db"))
    act = begun(journal)
    journal.intend(act, TASK, target="web", now=12.0, detail={})
    journal.finish(act, kind="refused", status="refused", body={}, now=13.0, began=False)
    assert journal.history() == ()
    journal.close()


def test_answers_wait_until_acknowledged(tmp_path: Path):
    journal = Journal(str(tmp_path / "j.db"))
    journal.finish(begun(journal), kind="outcome", status="unknown", body={"n": 1}, now=1.0)
    journal.close()
    journal = Journal(str(tmp_path / "j.db"))
    assert journal.answers() == [{"task_id": "t", "token": "k1", "kind": "outcome", "body": {"n": 1}}]
    assert journal.acknowledge("t", "started") == 0
    assert journal.acknowledge("t", "outcome", "another") == 0
    assert journal.acknowledge("t", "outcome") == 1 and journal.answers() == []
    journal.close()


def test_nobody_else_reads_the_journal(tmp_path: Path):
    Journal(str(tmp_path / "j.db")).close()
    assert (tmp_path / "j.db").stat().st_mode & 0o777 == 0o600


def test_every_commit_is_on_disk_before_it_returns(tmp_path: Path):
    journal = Journal(str(tmp_path / "j.db"))
    assert journal._db.execute("PRAGMA synchronous").fetchone() == (2,)
    journal.close()
