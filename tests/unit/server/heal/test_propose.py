"""Which remedies an analysis leads to: offered ones, once, and not again what was answered."""
from __future__ import annotations

from sra_server.heal.propose import AT_ONCE, of_change
from tests.unit.server import making


def change(kind: str = "opened", *wishes):
    return making.change(kind, analysis=making.analysis(*(wishes or (making.recommendation(),))))


def test_an_offered_wish_becomes_a_remedy() -> None:
    [made] = of_change(change(), [], dry_run=True)
    assert (made.action, made.service, made.host, made.status) == (
        "restart_service",
        "checkout",
        "web-1",
        "proposed",
    )
    assert (made.incident_id, made.dry_run, made.preapproved_by) == ("inc_1", True, None)
    assert made.task_token


def test_advice_that_no_host_offers_stays_advice() -> None:
    assert of_change(change("opened", making.recommendation(offered=False)), [], dry_run=True) == []
    assert of_change(making.change(), [], dry_run=True) == []
    assert of_change(change("resolved"), [], dry_run=True) == []


def test_one_at_a_time_and_anew_only_when_the_trouble_is_new() -> None:
    active, rejected = making.planned(), making.planned(status="rejected")
    assert of_change(change("opened"), [active], dry_run=True) == []
    assert of_change(change("reopened"), [active], dry_run=True) == []
    assert len(of_change(change("reopened"), [rejected], dry_run=True)) == 1
    assert of_change(change("attached"), [rejected], dry_run=True) == []
    assert len(of_change(change("attached"), [], dry_run=True)) == 1


def test_wishes_are_bounded_and_not_repeated() -> None:
    wishes = [making.recommendation(service=f"s{n % 9}") for n in range(18)]
    made = of_change(change("opened", *wishes), [], dry_run=True)
    assert len({(r.action, r.service, r.host) for r in made}) == len(made) == AT_ONCE
