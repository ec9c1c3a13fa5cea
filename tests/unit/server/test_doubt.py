"""What a false alarm teaches: more evidence next time, bounded, fading, and never deafness."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from sra_server.correlate.doubt import despite, due, newly_held
from sra_server.domain.incident import Change
from sra_server.domain.lesson import FADE, LONGER, LONGER_CRITICAL, LONGEST, MOST, Lesson
from sra_server.domain.reach import everywhere, main, reaching, usual
from sra_server.domain.record import MINUTE, SECOND
from sra_server.pipeline import Settings

from .making import incident
from .world import START, World, at, batch, point, record

LOCKED = "Found one Java-level deadlock:"
FULL = "could not extend file: No space left on device"
CPU = "threshold|system.cpu_percent|web-1|"
TEXT = "signature|threads_deadlocked|shop|*"


def lesson(**given: Any) -> Lesson:
    return Lesson(
        **{
            "id": "les_1",
            "fingerprint": TEXT,
            "title": "t",
            "cls": "service_crash",
            "severity": "high",
            "count": 2,
            "alarms": 1,
            "incident_id": "inc_1",
            "why": None,
            "taught_by": "ann",
            "taught_at": START - SECOND,
            **given,
        }
    )


def taught(text: str = LOCKED, **given: Any) -> World:
    """Return a world that was told that the incident of this text was none."""
    first = World()
    first.fold(batch(0, record(text, 0)))
    incident = first.only()
    made = lesson(
        **{"fingerprint": usual(incident.fingerprints[0]), "severity": incident.severity, "count": 1, **given}
    )
    return World(Settings(lessons={made.fingerprint: made}))


def busy(world: World, seconds: range, value: float = 100, host: str = "web-1") -> list[int]:
    """Fold a measurement each 10 s; return when something was opened or reopened."""
    told = []
    for second in seconds:
        given = batch(second, points=[point("system.cpu_percent", value, second, host=host)])
        told += [second for change in world.fold(given) if change.kind in ("opened", "reopened")]
    return told


def test_each_false_alarm_doubles_up_to_a_bound_and_each_four_weeks_halve() -> None:
    assert [lesson(alarms=n).factor(START) for n in (1, 2, 3, 4, 5, 50)] == [3, 6, 12, 24, 24, 24]
    longer = [lesson(alarms=n, lasted=MINUTE).lasting(START) - MINUTE for n in (1, 2, 3, 4, 50)]
    assert longer == [LONGER, 2 * LONGER, 4 * LONGER, 8 * LONGER, 8 * LONGER]
    old = lesson(alarms=2, taught_at=START)
    assert [old.factor(START + weeks * FADE // 4) for weeks in (0, 3, 4, 8, 400)] == [6, 6, 3, 1, 1]
    assert old.factor(old.fades_at) == 1 and old.factor(old.fades_at - 1) == 3
    assert old.lasting(old.fades_at) == 0
    assert MOST == 4


def test_what_went_on_for_days_is_told_again_some_time() -> None:
    assert lesson(lasted=10 * LONGEST).lasting(START) == LONGEST + LONGER


LASTED = 10 * MINUTE


@pytest.mark.parametrize(
    ("severity", "count", "lasting", "believed"),
    [
        ("high", 5, LASTED, False),  # less than three times the two that misled
        ("high", 6, 0, True),
        ("high", 2, LASTED + LONGER - 1, False),
        ("high", 2, LASTED + LONGER, True),  # as many, and clearly longer
        ("high", 1, LASTED + LONGER, False),  # longer, but fewer than what was none
        ("critical", 1, 0, True),  # graver than what was a false alarm
        ("low", 5, 0, False),
    ],
)
def test_how_much_of_a_text_is_believed(severity: Any, count: int, lasting: int, believed: bool) -> None:
    assert lesson(lasted=LASTED).believes(severity, count, lasting, START) is believed


@pytest.mark.parametrize(
    ("severity", "count", "lasting", "believed"),
    [
        ("high", 10_000, LASTED + LONGER - 1, False),  # how often it is measured tells nothing
        ("high", 1, LASTED + LONGER, True),
        ("critical", 1, 0, True),
    ],
)
def test_how_long_a_measure_must_last(severity: Any, count: int, lasting: int, believed: bool) -> None:
    held = lesson(fingerprint=CPU, lasted=LASTED)
    assert held.believes(severity, count, lasting, START) is believed


def test_what_is_critical_waits_for_little_however_often_it_misled() -> None:
    grave = lesson(alarms=9, severity="critical", count=3)
    assert not grave.believes("critical", 5, 0, START)
    assert grave.believes("critical", 6, 0, START)
    check = lesson(alarms=9, severity="critical", fingerprint="probe|up|shop|web-1", lasted=MINUTE)
    assert not check.believes("critical", 1000, MINUTE + LONGER_CRITICAL - 1, START)
    assert check.believes("critical", 1, MINUTE + LONGER_CRITICAL, START)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"count": 2}, "needs 6 records or must go on for 15 min"),
        ({"fingerprint": CPU, "lasted": 90 * SECOND}, "must last 17 min"),
        ({"taught_at": START - FADE}, "needs no more than others"),
    ],
)
def test_it_says_in_words_what_it_asks_for(given: dict[str, Any], words: str) -> None:
    assert lesson(**given).needs(START).startswith(f"{words} since 2023-1")


def test_weak_evidence_is_held_back_and_adds_up_over_batches_and_restarts() -> None:
    world = taught(alarms=2)  # six times of one
    for second in (0, 40, 80, 100, 110):
        assert world.fold(batch(second, record(LOCKED, second))) == ()
    [opened] = world.fold(batch(120, record(LOCKED, 120)))
    assert opened.kind == "opened"
    assert "(needs 6 records or must go on for 30 min since 2023-11-14, because ann closed" in opened.reason
    said = despite(opened, world.settings.lessons.values(), at(120))
    assert said.startswith("told in spite of lesson les_1: it needs 6 records or")
    assert len(world.state.doubts) == 0


def test_evidence_long_after_begins_anew() -> None:
    world = taught(alarms=1)
    for moment in (0, 1000, 2000, 3000):
        world.fold(batch(moment, record(LOCKED, moment)))
    assert not world.incidents


def test_a_flood_passes_at_once() -> None:
    world = taught(alarms=1)
    world.fold(batch(0, *(record(LOCKED, 0, number=n) for n in range(3))))
    assert world.only().status == "open"


def test_other_troubles_and_places_are_not_held_back() -> None:
    world = taught(alarms=4)
    world.fold(batch(0, record(LOCKED, 0, service="cart", host="web-2"), record(FULL, 0)))
    assert len(world.incidents) == 2


def test_what_is_held_back_still_joins_a_trouble_that_is_open() -> None:
    world = taught(alarms=4)
    world.fold(batch(0, record(FULL, 0)))
    world.fold(batch(3, record(LOCKED, 3)))
    assert len(world.only().fingerprints) == 2


def test_a_resolved_one_is_not_reopened_by_what_is_held_back() -> None:
    world = World()
    world.fold(batch(0, record(LOCKED, 0)))
    for second in range(10, 300, 10):
        world.fold(batch(second, alive=["shop"]))
    incident = world.only()
    assert incident.status == "resolved"
    held = lesson(
        fingerprint=usual(incident.fingerprints[0]),
        severity=incident.severity,
        count=1,
        alarms=3,
        taught_at=at(300),
    )
    world.settings = replace(world.settings, lessons={held.fingerprint: held})
    assert world.fold(batch(310, record(LOCKED, 310))) == ()


def test_a_faded_lesson_holds_nothing() -> None:
    world = taught(alarms=1, taught_at=START - FADE)
    world.fold(batch(0, record(LOCKED, 0)))
    assert world.only().status == "open"


def test_what_lasts_is_told_when_it_lasts_15_minutes_longer() -> None:
    """The job that keeps the processor busy for 10 minutes wakes nobody again; 40 minutes do."""
    first = World()
    assert len(busy(first, range(0, 600, 10))) == 1
    made = lesson(fingerprint=first.only().fingerprints[0], lasted=10 * MINUTE)
    for length, told in ((600, 0), (1400, 0), (2400, 1)):
        world = World(Settings(lessons={made.fingerprint: made}))
        assert len(busy(world, range(0, length, 10))) == told
        assert not told or 1490 <= (world.only().created_at - START) // SECOND <= 1520


def test_how_a_text_or_measure_is_grouped_in_batches_changes_nothing() -> None:
    def opened(step: int) -> float:
        world = World(Settings(lessons={CPU: lesson(fingerprint=CPU)}))
        for start in range(0, 1500, step):
            points = [point("system.cpu_percent", 100, second) for second in range(start, start + step, 10)]
            world.fold(batch(start + step, points=points))
        return world.only().started_at

    assert opened(10) == opened(30) == opened(100)


def test_a_text_is_of_its_service_on_every_host_and_a_measure_of_its_host() -> None:
    assert usual("signature|deadlock|shop|pod-1") == "signature|deadlock|shop|*"
    assert usual("signature|oom||web-1") == "signature|oom||web-1"  # of no service: the host's
    assert usual(CPU) == CPU
    world = taught(alarms=1)
    world.fold(batch(0, record(LOCKED, 0, host="web-2")))
    world.fold(batch(1, record(LOCKED, 1, host="web-3")))
    assert not world.incidents
    world.fold(batch(2, record(LOCKED, 2, host="web-4")))  # what many hosts say adds up
    assert world.only().status == "open"
    other = World(Settings(lessons={CPU: lesson(fingerprint=CPU)}))
    assert len(busy(other, range(0, 420, 10), host="web-2")) == 1


def test_everywhere_is_at_every_service_and_host() -> None:
    wide = everywhere(CPU)
    world = World(Settings(lessons={wide: lesson(fingerprint=wide)}))
    assert busy(world, range(0, 800, 10), host="web-2") == []
    # the time of one host does not count for another
    assert busy(world, range(800, 1600, 10), host="web-3") == []
    world = taught(fingerprint=everywhere(TEXT))
    world.fold(batch(0, record(LOCKED, 0, service="cart", host="web-2")))
    assert not world.incidents


@pytest.mark.parametrize(
    ("fingerprint", "wide"),
    [
        ("signature|oom|a|b|web-1", "signature|oom|*|*"),  # a service may hold a bar
        ("threshold|system.disk_percent|web-1||mount=/srv", "threshold|system.disk_percent|*|*|mount=/srv"),
        ("forecast|web-1||/srv", "forecast|*|*|/srv"),
        ("absence|host|web-1", "absence|host|*"),
        ("probe|up|shop|web-1", "probe|up|*|*"),
        ("burst|shop", "burst|*"),
        ("novelty|shop|price of * is missing", "novelty|*|price of * is missing"),
        ("strange", "strange"),
    ],
)
def test_what_everywhere_means_of_each_sign(fingerprint: str, wide: str) -> None:
    assert everywhere(fingerprint) == wide
    assert wide in reaching(fingerprint) and fingerprint in reaching(fingerprint)


def test_only_what_the_incident_is_about_is_taught() -> None:
    """It opened with a report of shop and is named after db; what merely joined at cart is not judged."""
    signs = {
        "a": ["external_api_down", "shop", "web-1"],
        "a2": ["external_api_down", "shop", "web-1"],
        "c": ["service_crash", "cart", "web-1"],
        "d": ["database_failure", "db", "web-2"],
        "d2": ["disk_full", "db", "web-2"],
    }
    of = incident(fingerprints=tuple(signs), cls="database_failure", service="db", host="")
    assert main(of, signs) == ("a", "a2", "d")
    assert main(of, {}) == ("a",)  # an older release did not keep what the others are
    assert main(incident(fingerprints=()), signs) == ()


def test_who_fell_silent_says_so_once_and_is_told_when_its_time_has_come() -> None:
    """The detector tells of a silence when it begins; held back, it must not be forgotten."""
    gone = "absence|host|web-1"
    world = World(Settings(lessons={gone: lesson(fingerprint=gone, lasted=3 * MINUTE)}))
    silent = silence(world)
    assert not world.incidents and len(world.state.doubts) == 1
    waits = due(world.state.doubts)
    assert waits is not None and world.state.due == waits
    assert silent > 3600 and waits == at(3590) + 18 * MINUTE  # from its last word on
    world.fold(tick((waits - START) / SECOND - 1))
    assert not world.incidents
    world.fold(tick((waits - START) / SECOND))
    assert world.only().firing == (gone,) and len(world.state.doubts) == 0


def test_who_speaks_again_is_not_told_as_silent() -> None:
    gone = "absence|host|web-1"
    world = World(Settings(lessons={gone: lesson(fingerprint=gone)}))
    silent = silence(world)
    assert len(world.state.doubts) == 1
    for second in range(silent + 10, silent + 1800, 10):
        world.fold(replace(batch(second, points=[point("system.cpu_percent", 5, second)]), listening=1))
        assert len(world.state.doubts) == 0
    assert not world.incidents


def test_a_forgotten_lesson_lets_go_of_what_it_held() -> None:
    gone = "absence|host|web-1"
    world = World(Settings(lessons={gone: lesson(fingerprint=gone, lasted=LONGEST)}))
    silent = silence(world)
    world.settings = replace(world.settings, lessons={})
    world.fold(tick(silent + 5))
    assert world.only().firing == (gone,)


def test_a_text_that_a_forgotten_lesson_held_is_told_though_it_does_not_come_again() -> None:
    """With all that was held, from each of the places where it was held."""
    world = taught(alarms=3)
    for second in (0, 2):
        world.fold(batch(second, record(LOCKED, second)))
    world.fold(batch(3, record(LOCKED, 3, host="web-2")))
    assert world.state.holds and world.fold(tick(5)) == ()
    world.settings = replace(world.settings, lessons={})
    [opened] = world.fold(tick(7))
    assert (opened.kind, opened.incident.signals) == ("opened", 3)
    assert set(opened.incident.hosts) == {"web-1", "web-2"}
    assert opened.incident.started_at == at(0)
    # once: neither the next moment nor the next line opens another
    assert not world.state.holds and len(world.state.doubts) == 0
    world.fold(batch(9, record(LOCKED, 9)))
    assert world.only().id == opened.incident.id


def test_a_text_that_was_over_when_its_lesson_was_forgotten_is_not_told() -> None:
    """It has been as quiet as an incident must be to end."""
    world = taught(alarms=3)
    world.fold(batch(0, record(LOCKED, 0)))
    for second in range(10, 140, 10):
        world.fold(batch(second, alive=["shop"]))
    assert not world.state.holds
    world.settings = replace(world.settings, lessons={})
    assert world.fold(tick(141)) == ()
    # what it had weighed still counts while the lesson is there
    again_ = taught(alarms=1)
    for second in (0, 200):
        again_.fold(batch(second, record(LOCKED, second)))
    assert [each.kind for each in again_.fold(batch(400, record(LOCKED, 400)))] == ["opened"]


def test_what_another_lesson_holds_as_well_stays_held() -> None:
    wide = lesson(id="les_2", fingerprint=everywhere(TEXT), count=1, alarms=3)
    world = taught(alarms=3)
    world.settings = replace(world.settings, lessons={**world.settings.lessons, wide.fingerprint: wide})
    world.fold(batch(0, record(LOCKED, 0)))
    world.settings = replace(world.settings, lessons={wide.fingerprint: wide})
    assert world.fold(tick(4)) == ()
    world.settings = replace(world.settings, lessons={})
    assert [each.kind for each in world.fold(tick(6))] == ["opened"]


def test_a_busy_processor_is_told_when_its_lesson_is_forgotten_and_a_calm_one_is_not() -> None:
    for calm in (False, True):
        world = World(Settings(lessons={CPU: lesson(fingerprint=CPU, lasted=60 * MINUTE)}))
        assert busy(world, range(0, 1200, 10)) == [] and world.state.holds
        if calm:
            assert busy(world, range(1200, 1310, 10), value=1) == []
        world.settings = replace(world.settings, lessons={})
        found = world.fold(tick(1312 if calm else 1202))
        assert [each.kind for each in found] == ([] if calm else ["opened"])


def test_of_how_many_places_it_is_remembered_what_was_held_is_bounded() -> None:
    world = taught(fingerprint=everywhere(TEXT), count=100)
    for number in range(40):
        world.fold(batch(number, record(LOCKED, number, service=f"s{number}", host=f"h{number}")))
    [(_, held)] = world.state.doubts.items()
    assert len(str(held)) < 20_000
    world.settings = replace(world.settings, lessons={})
    world.fold(tick(41))
    assert world.incidents


def test_what_an_older_release_held_is_read() -> None:
    gone = "absence|host|web-1"
    world = World(Settings(lessons={gone: lesson(fingerprint=gone, lasted=LONGEST)}))
    silent = silence(world)
    [(key, held)] = world.state.doubts.items()
    [(when, _, signal)] = held[4].values()
    world.state.doubts.put(key, [*held[:4], when, signal])
    world.state.doubts.put(TEXT, held[:4])
    assert world.state.holds and world.state.due == when
    world.settings = replace(world.settings, lessons={})
    world.fold(tick(silent + 5))
    assert world.only().firing == (gone,)


def test_what_is_held_is_counted_for_the_lesson_once() -> None:
    world = taught(alarms=2)
    lessons = world.settings.lessons
    before = world.state.doubts
    world.fold(batch(0, record(LOCKED, 0, host="web-7")))
    first = world.state.doubts
    assert newly_held(before, first, lessons, at(0)) == (TEXT,)
    world.fold(batch(1, record(LOCKED, 1, host="web-8")))
    assert newly_held(first, world.state.doubts, lessons, at(1)) == ()


def test_a_change_that_no_lesson_concerns_says_nothing_of_one() -> None:
    world = World()
    [opened] = world.fold(batch(0, record(FULL, 0)))
    assert despite(opened, [lesson()], START) == ""
    assert isinstance(opened, Change)


def tick(second: float) -> Any:
    return replace(batch(second), listening=1)


def silence(world: World) -> int:
    """Let web-1 measure for an hour, then fall silent; return the second at which that was noticed."""
    for second in range(0, 3600, 10):
        world.fold(replace(batch(second, points=[point("system.cpu_percent", 5, second)]), listening=1))
    for second in range(3600, 7200, 5):
        world.fold(tick(second))
        if len(world.state.doubts) or world.incidents:
            return second
    raise AssertionError("nobody noticed")
