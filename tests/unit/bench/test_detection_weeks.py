"""The simulated weeks can say no: what fails in them is told, and what goes on apart changes nothing."""
from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[3] / "bench" / "detection"))

from everyday import HOUR, Act, Host, Service, observe
from weeks import Found, Life, failures


def shop(*acts: Act) -> Host:
    return Host(name="web", services=(Service(name="shop", day=300, night=200),), acts=acts)


def test_a_failure_is_told_where_it_is_put_and_nowhere_else() -> None:
    life = Life(hosts=(shop(),)).until(HOUR)
    act = Act(name="half fails", service="shop", share=0.7, begin=HOUR, seconds=HOUR)
    other = life.apart(act, 0).until(HOUR + 900)
    assert [each.service for _, each in other.opened] == ["shop"]
    assert not life.until(HOUR + 900).opened


def test_the_same_seed_is_the_same_life() -> None:
    job = Act(name="job", service="shop", errors=60, begin=0, seconds=HOUR)
    assert observe([shop(job)], 7, 1) == observe([shop(job)], 7, 1) != observe([shop(job)], 7, 2)


def test_there_are_twelve_kinds_and_what_was_not_told_lowers_the_recall() -> None:
    hosts = tuple(Host(name=name, acts=(), services=tuple(
        Service(name=f"{name}{n}", day=1, night=1) for n in range(many)))
        for name, many in (("a", 4), ("b", 2), ("c", 1)))
    assert len({act.name for _, act in failures(0, hosts)}) == 12
    found = Found(days=6, hosts=2, false=[(0, "one"), (90_000 * 4, "two")],
                  told=[("a", 0, 9.0), ("b", 0, None)])
    assert found.totals() == {
        "false by host in 3 days": 0.5, "false by host and day, later": 0.5 / 3, "recall": 0.5}
