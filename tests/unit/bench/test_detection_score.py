"""The detection benchmark's judgement can say no: missing, wrong class, wrong culprit, late, false."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[3] / "bench" / "detection"))

from replay import Trouble
from score import LATE, SECOND, Verdict, judge, quantile, totals

from sra_server.domain.incident import Incident

BEGAN, BROKEN, DECISIVE = 1_000 * SECOND, 4_600 * SECOND, 4_605 * SECOND


@dataclass(frozen=True)
class Wanted:
    name: str = "redis_stopped"
    kind: str = "logs"
    cls: str = "database_failure"
    also: tuple[str, ...] = ("service_crash",)
    culprit: tuple[str, ...] = ("redis",)
    effects: tuple[str, ...] = ("external_api_down",)
    silent: bool = False


def trouble(
    cls: str = "database_failure",
    service: str = "redis",
    *,
    at: float = 7,
    also: tuple[str, ...] = (),
    changed: tuple[float, ...] = (),
) -> Trouble:
    """An incident that was opened `at` seconds after the break."""
    moment = BROKEN + int(at * SECOND)
    one = Incident(
        id=f"{cls}-{service}-{at}",
        title="t",
        cls=cls,
        severity="high",
        status="open",
        service=service,
        host="shop-1",
        services=(service, *also),
        hosts=("shop-1",),
        fingerprints=(),
        firing=(),
        started_at=moment,
        created_at=moment,
        updated_at=moment,
        last_signal_at=moment,
    )
    return Trouble(
        opened=one, latest=one, changed_at=[moment, *(BROKEN + int(each * SECOND) for each in changed)]
    )


def verdict(*troubles: Trouble) -> Verdict:
    return judge(Wanted(), troubles, BEGAN, BROKEN, DECISIVE)


def test_the_right_incident_is_found_and_its_seconds_count_from_the_decisive_sign() -> None:
    found = verdict(trouble(at=7))
    assert (found.found, found.class_right, found.culprit_first, found.seconds) == (True, True, True, 2.0)
    assert (found.false, found.extra, found.late) == ((), (), False)


def test_a_missing_incident_is_neither_found_nor_right_in_anything() -> None:
    found = verdict()
    assert not (found.found or found.class_right or found.culprit_first or found.culprit_in_three)
    assert found.seconds is None
    sums = totals([found, verdict(trouble())])
    assert (sums["recall"], sums["class_right"], sums["culprit_first"]) == (0.5, 0.5, 0.5)


def test_an_accepted_class_is_right_and_an_effect_is_only_found() -> None:
    also, first = verdict(trouble("service_crash")), verdict(trouble())
    assert also.class_right and not also.class_primary
    assert totals([also, first])["class_right"] == 1 and totals([also, first])["class_primary"] == 0.5
    effect = verdict(trouble("external_api_down"))
    assert effect.found and not effect.class_right


def test_another_class_elsewhere_is_not_the_trouble_and_is_false() -> None:
    found = verdict(trouble("auth_failures", "sshd"))
    assert not found.found
    assert len(found.false) == 1


def test_another_class_at_the_culprit_is_found_with_a_wrong_class() -> None:
    found = verdict(trouble("certificate_expired", "redis"))
    assert found.found and not found.class_right and found.culprit_first


def test_a_culprit_behind_others_is_not_first() -> None:
    second = verdict(trouble(service="shop", also=("nginx", "redis")))
    assert not second.culprit_first and second.culprit_in_three
    fourth = verdict(trouble(service="shop", also=("nginx", "billing", "redis")))
    assert not fourth.culprit_in_three


def test_what_comes_too_late_is_not_found() -> None:
    found = verdict(trouble(at=5 + LATE + 1))
    assert found.late and not found.found and not found.class_right
    assert totals([found])["late"] == 1 and totals([found])["recall"] == 0


def test_what_opened_before_the_break_is_false_and_finds_only_by_what_it_adds_after() -> None:
    before = verdict(trouble(at=-60))
    assert not before.found and len(before.false) == 1
    grown = verdict(trouble(at=-60, changed=(9,)))
    assert grown.found and grown.seconds == 4.0 and len(grown.false) == 1


def test_a_stamp_of_whole_seconds_may_lie_before_the_moment_of_the_break() -> None:
    found = verdict(trouble(at=-0.4))
    assert found.found and not found.false
    assert verdict(trouble(at=-1.1)).false


def test_a_second_incident_of_the_same_trouble_is_extra_and_the_right_class_speaks() -> None:
    found = verdict(trouble("external_api_down", "nginx", at=6), trouble(at=8))
    assert found.class_right and found.seconds == 3.0
    assert len(found.extra) == 1 and found.false == ()


def test_an_unrelated_incident_beside_the_right_one_is_false() -> None:
    found = verdict(trouble(), trouble("rate_limited", "rates", at=9))
    assert found.found and len(found.false) == 1
    assert totals([found])["false_in_cases"] == 1


def test_incidents_of_the_normal_hour_are_counted() -> None:
    assert totals([], [trouble(at=-600)])["false_in_normal_hour"] == 1


@pytest.mark.parametrize(("share", "value"), [(0.5, 2.0), (0.95, 4.0), (0.25, 1.0)])
def test_quantiles_are_values_that_occurred(share: float, value: float) -> None:
    assert quantile([1.0, 2.0, 3.0, 4.0], share) == value
    assert quantile([], share) is None
