"""A host's answers: each token serves once, repetitions change nothing, another plan returns the approval."""

from __future__ import annotations

from typing import Any

import pytest

from sra_sdk.errors import BadInput, IllegalMove
from sra_sdk.models import AnswerIn
from sra_server.domain.record import SECOND
from sra_server.domain.remedy import Remedy
from sra_server.heal.answer import difference, stepped
from tests.unit.server import making
from tests.unit.server.making import NOW

LATER = NOW + SECOND
OUTCOME = {"status": "succeeded", "reason": "done", "steps": [{"text": "x", "exit_code": 0}],
           "checks": [{"text": "http", "before": False, "after": [True, True, True], "passed": True}],
           "checks_recovered": True, "unchanged": True, "finished_at": "2027-01-15T08:05:00Z"}


def said(kind: str, body: dict[str, Any] | None = None, token: str = "token-one") -> AnswerIn:
    return AnswerIn.model_validate({"task_id": "rem_1.token-on", "token": token, "kind": kind,
                                    "body": body or {}})


def after(remedy: Remedy, kind: str, body: dict[str, Any] | None = None, *, dry_run: bool = False,
          at: int = LATER) -> Remedy:
    return stepped(remedy, said(kind, body), dry_run=dry_run, now=at)


def under_way(status: str, **given: Any) -> Remedy:
    return making.planned(status=status, dry_run=False, approved_by="ann", **given)


@pytest.mark.parametrize("kind", ["plan", "refused", "started", "verifying", "outcome"])
def test_another_token_is_stale_whatever_it_says(kind: str) -> None:
    with pytest.raises(IllegalMove) as raised:
        stepped(under_way("leased"), said(kind, OUTCOME, token="other"), dry_run=False, now=LATER)
    assert raised.value.code == "stale_token"
    with pytest.raises(IllegalMove):
        stepped(
            making.remedy(task_token=None, status="cancelled"),
            said(kind, token="x"),
            dry_run=False,
            now=LATER,
        )


def test_a_plan_waits_for_approval() -> None:
    planned = after(making.remedy(), "plan", making.plan())
    assert (planned.status, planned.plan_digest, planned.task_token) == ("planned", "d1", "token-one")
    assert after(planned, "plan", making.plan()) is planned


def test_a_preapproved_plan_goes_on_at_once_under_the_switch_as_it_stands() -> None:
    approved = after(making.remedy(preapproved_by="ann"), "plan", making.plan(), dry_run=True)
    assert (approved.status, approved.approved_by, approved.dry_run) == ("approved", "ann", True)
    assert approved.task_token != "token-one"


def test_asked_anew_an_equal_plan_goes_on_and_another_goes_back_with_the_difference() -> None:
    waiting = making.planned(status="proposed", preapproved_by="ann")
    assert after(waiting, "plan", making.plan()).status == "approved"
    other = making.plan(digest="d2", target="checkout@2", binding={"argv": ["something-else"]})
    back = after(waiting, "plan", other)
    assert (back.status, back.preapproved_by, back.approved_by, back.plan_digest) == (
        "planned",
        None,
        None,
        "d2",
    )
    assert back.plan is not None
    assert any("target was 'checkout', is 'checkout@2'" in warning for warning in back.plan["warnings"])
    assert any("argv was" in warning for warning in back.plan["warnings"])


def test_a_difference_is_always_said() -> None:
    assert difference(making.plan(), making.plan(digest="d2")) == ["its digest is another one"]


def test_an_unusable_plan_names_the_field() -> None:
    with pytest.raises(BadInput, match=r"plan\.digest") as raised:
        after(making.remedy(), "plan", {k: v for k, v in making.plan().items() if k != "digest"})
    assert raised.value.code == "bad_plan"


def test_a_refusal_ends_it_and_says_why() -> None:
    refused = after(
        making.remedy(), "refused", {"code": "out_of_policy", "reason": "not allowed", "hint": "add it"}
    )
    assert refused.status == "refused"
    assert refused.reason == "web-1 refused (out_of_policy); not allowed; add it"
    assert after(refused, "refused", {"code": "x"}) is refused


def test_a_changed_plan_gives_the_approval_back() -> None:
    back = after(under_way("leased"), "refused", {"code": "plan_changed", "reason": "the unit was replaced"})
    assert (back.status, back.approved_by, back.preapproved_by) == ("proposed", None, None)
    assert back.task_token != "token-one"
    shown = stepped(back, AnswerIn(task_id="rem_1", token=back.task_token or "", kind="plan",
                                   body=making.plan(digest="d2")), dry_run=False, now=LATER)
    assert shown.status == "planned"
    assert shown.plan is not None
    assert shown.plan["warnings"]


def test_progress_goes_forward_only() -> None:
    started = after(under_way("leased"), "started")
    assert started.status == "executing"
    assert after(started, "started") is started
    verifying = after(started, "verifying", at=LATER + SECOND)
    assert verifying.status == "verifying"
    assert after(verifying, "started") is verifying
    with pytest.raises(IllegalMove):
        after(making.planned(), "started")


def test_an_outcome_is_kept_with_the_servers_own_times() -> None:
    ended = after(under_way("verifying", updated_at=NOW), "outcome", OUTCOME)
    assert ended.status == "succeeded"
    assert ended.outcome is not None
    assert (ended.outcome["acted_at"], ended.outcome["received_at"]) == (NOW, LATER)
    assert ended.outcome["checks_recovered"] is True
    assert ended.outcome["verdict"] is None
    assert after(ended, "outcome", {**OUTCOME, "status": "failed"}) is ended


def test_an_outcome_may_come_in_one_word() -> None:
    assert after(under_way("leased"), "outcome", OUTCOME).status == "succeeded"
    assert after(under_way("leased"), "outcome", {**OUTCOME, "status": "simulated"}).status == "simulated"


@pytest.mark.parametrize("status", ["approved", "recovered", None, 5])
def test_no_other_word_is_an_outcome(status: Any) -> None:
    with pytest.raises(BadInput) as raised:
        after(under_way("executing"), "outcome", {**OUTCOME, "status": status})
    assert raised.value.code == "bad_outcome"


def test_the_hosts_late_word_is_better_than_what_the_server_presumed() -> None:
    presumed = under_way("unknown", outcome={"status": "unknown", "presumed": True, "acted_at": NOW - SECOND,
                                             "verdict": "inconclusive"})
    late = after(presumed, "outcome", OUTCOME)
    assert late.status == "succeeded"
    assert late.outcome is not None
    assert (late.outcome["acted_at"], late.outcome["verdict"]) == (NOW - SECOND, None)
    told = under_way("unknown", outcome={"status": "unknown", "verdict": "inconclusive"})
    assert after(told, "outcome", OUTCOME) is told
