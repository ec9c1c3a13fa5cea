"""New kinds of errors support what is open, open only at a real rate, and a storm of them stays bounded."""
from __future__ import annotations

import json
import random
from dataclasses import replace

from sra_server.detect.memory import Memory
from sra_server.detect.novelty import FLOOR, LEARN, SERVICES, TELL, Novelty
from sra_server.detect.templates import TEMPLATES, Template, faded, merged, place
from sra_server.domain.lesson import Lesson
from sra_server.domain.reach import usual
from sra_server.domain.record import MINUTE, Batch, Count, Record
from sra_server.domain.signal import Signal
from sra_server.pipeline import Settings

from ..world import START, World


def minute(n: int, errors: list[str], *, service: str = "shop", level: int = 40, written: int = 5,
           client: str = "") -> Batch:
    """A minute in which a service lives and writes some errors."""
    at = START + n * MINUTE
    records = tuple(Record(id=f"{service}{n}-{i}", at=at + i, level=level, message=text, service=service,
                           host="h", metadata={"client": client} if client else {})
                    for i, text in enumerate(errors))
    counts = tuple(Count(minute=at, service=service, host="h", level=each, n=k)
                   for each, k in ((20, written), (level, len(errors))) if k)
    return Batch(account_id="a", head=n, received_at=at, records=records, counts=counts)


def run(batches: list[Batch], memory: Memory | None = None) -> list[Signal]:
    memory, found = memory if memory is not None else Memory(), []
    for each in batches:
        found += Novelty().detect(memory, each)
        assert Memory.from_json(json.loads(json.dumps(memory.to_json()))) == memory
    return found


QUIET = [minute(n, []) for n in range(LEARN + 5)]
USED_TO = [minute(n, [f"order {i} has no address" for i in range(40)]) for n in range(LEARN + 5)]
NOW = LEARN + 5


def test_a_new_error_at_a_real_rate_opens() -> None:
    (signal,) = run([*QUIET, minute(NOW, [f"price of {i} is missing" for i in range(FLOOR)])])
    assert (signal.opens, signal.cls, signal.service, signal.count) == (True, "error_burst", "shop", FLOOR)
    assert signal.evidence[0].text == f"shop never wrote this before, and {FLOOR} times in one minute now"
    assert signal.evidence[1].text == "price of 0 is missing"


def test_a_few_new_errors_only_support() -> None:
    (signal,) = run([*QUIET, minute(NOW, ["price of 1 is missing"] * TELL)])
    assert not signal.opens
    assert not run([*QUIET, minute(NOW, ["price of 1 is missing"] * (TELL - 1))])


def test_few_of_very_many_or_of_one_client_among_many_do_not_open() -> None:
    texts = [f"price of {i} is missing" for i in range(FLOOR)]
    (signal,) = run([*QUIET, minute(NOW, texts, written=4000)])
    assert not signal.opens
    (signal,) = run([*QUIET, minute(NOW, texts, written=140)])
    assert not signal.opens, "it may be a moment"
    *_, signal = run([*QUIET, minute(NOW, texts, written=110), minute(NOW + 1, texts, written=110)])
    assert signal.opens
    *_, signal = run([*QUIET, minute(NOW, texts, written=200), minute(NOW + 1, texts, written=200)])
    assert not signal.opens, "a small part is left to the count of errors"
    (signal,) = run([*QUIET, minute(NOW, texts, written=400, client="203.0.113.9")])
    assert not signal.opens
    (signal,) = run([*QUIET, minute(NOW, texts, written=10, client="203.0.113.9")])
    assert signal.opens, "nobody else is served"


def test_a_minute_that_only_begins_is_no_small_share() -> None:
    busy = [minute(n, [], written=4000) for n in range(LEARN + 5)]
    (signal,) = run([*busy, minute(NOW, [f"price of {i} is missing" for i in range(FLOOR)])])
    assert not signal.opens


def test_what_a_client_asked_wrongly_is_not_even_evidence() -> None:
    assert not run([*QUIET, minute(NOW, [f"GET /wp-{i}.php 404" for i in range(FLOOR)])])


def test_what_earlier_releases_remember_is_read() -> None:
    memory = Memory()
    memory.put("shop", [START, 0, [["order * has no address", START, START, 40]]])
    texts = [f"order {i} has no address" for i in range(FLOOR)]
    assert not run([minute(NOW, texts)], memory)
    (signal,) = run([minute(NOW + 1, [f"price of {i} is missing" for i in range(FLOOR)])], memory)
    assert signal.opens


def test_what_one_batch_may_cost_is_bounded() -> None:
    (signal,) = run([*QUIET, minute(NOW, ["price of 1 is missing"] * 5000)])
    assert signal.opens and signal.count == 100


def test_what_a_service_is_used_to_is_never_new() -> None:
    assert not run([*USED_TO, minute(NOW, [f"order {i} has no address" for i in range(400)])])
    found = run([*USED_TO, minute(NOW, [f"price of {i} is missing" for i in range(FLOOR)])])
    assert [each.opens for each in found] == [True], "seen among other errors, which a burst's count hides"


def test_a_new_service_is_learned_quietly_and_warnings_are_not_errors() -> None:
    assert not run([minute(n, ["price of 1 is missing"] * 90) for n in range(LEARN)])
    assert not run([*QUIET, minute(NOW, ["price of 1 is missing"] * 90, level=30)])


def test_it_is_new_for_a_while_only() -> None:
    going_on = [minute(NOW + n, ["price of 1 is missing"] * FLOOR) for n in range(40)]
    assert 5 <= len(run([*QUIET, *going_on])) <= 15


def test_a_service_that_writes_ever_other_texts_has_nothing_new() -> None:
    dice = random.Random(1)
    words = [f"{chr(97 + n % 26)}{chr(97 + n // 26)}x" for n in range(600)]
    chatter = [minute(n, [" ".join(dice.sample(words, 6)) for _ in range(40)]) for n in range(LEARN + 20)]
    memory = Memory()
    run(chatter, memory)
    assert not run([minute(LEARN + 21, ["price of 1 is missing"] * 90)], memory)


def test_memory_is_bounded_in_services_and_templates() -> None:
    memory = Memory()
    for n in range(SERVICES + 5):
        Novelty().detect(memory, minute(n, ["a", "b"], service=f"s{n}"))
    assert len(memory) == SERVICES
    dice = random.Random(1)
    for n in range(20):
        texts = ["".join(dice.choices("abcdefg ", k=600)) for _ in range(60)]
        Novelty().detect(memory, minute(n, texts))
    stored = memory.get("shop")
    assert len(stored[2]) == TEMPLATES
    assert len(json.dumps(stored)) < 20_000


def test_texts_that_differ_in_numbers_and_names_are_one_template() -> None:
    assert faded("order 17 of 'ann' failed in 3ms\n\tat x") == "order * of * failed in *"
    known = [Template("cannot reach inventory for order *", 0, 0, 1), Template("payment declined", 0, 0, 1)]
    assert place(known, "cannot reach catalogue for order *") == 0
    assert merged(known[0], "cannot reach catalogue for order *") == "cannot reach * for order *"
    assert place(known, "payment declined") == 1
    assert place(known, "payment accepted") is None
    assert place(known, "the printer is on fire today") is None
    assert place([Template("* * *", 0, 0, 1)], "a b c") is None
    assert len(faded("word " * 5000).split()) == 16


def test_the_same_kind_of_error_has_the_same_fingerprint_another_day_and_in_other_batches() -> None:
    goods = ("tea", "rye", "oil")
    one, two = ([f"price of {goods[(i + k) % 3]} number {i} is missing" for i in range(FLOOR)]
                for k in (0, 1))
    day = 24 * 60
    (first,) = run([*QUIET, minute(NOW, one)])
    later = [minute(n + day, []) for n in range(LEARN + 5)]
    parts = [replace(minute(NOW + day, two[at:at + 10], written=0), head=at) for at in range(0, FLOOR, 10)]
    again = run([*later, *parts])
    assert first.opens and again[-1].opens and not again[0].opens
    assert {each.fingerprint for each in again} == {first.fingerprint}
    other, *_ = run([*QUIET, minute(NOW, ["no such table as orders"] * FLOOR)])
    assert first.fingerprint != other.fingerprint


def test_each_record_is_counted_by_one_signal() -> None:
    texts = [f"price of {i} is missing" for i in range(FLOOR)]
    parts = [replace(minute(NOW, texts[at:at + 10], written=0), head=at) for at in range(0, FLOOR, 10)]
    assert [each.count for each in run([*QUIET, *parts])] == [10] * 3


def test_a_lesson_of_a_new_kind_of_error_holds_the_next_time() -> None:
    def outbreak(settings: Settings, day: int) -> World:
        world = World(settings)
        for n in range(LEARN + 5):
            world.fold(minute(n + day * 1440, []))
        for n in range(3):
            world.fold(minute(NOW + n + day * 1440, [f"price of {i} is missing" for i in range(FLOOR)]))
        return world

    detectors = (Novelty(),)
    incident = outbreak(Settings(detectors=detectors), 0).only()
    [sign] = incident.fingerprints
    lesson = Lesson(id="les_1", fingerprint=usual(sign), title="t", cls=incident.cls, severity="medium",
                    count=incident.signals, alarms=1, incident_id="i1", why=None, taught_by="ann",
                    taught_at=START)
    assert outbreak(Settings(detectors=detectors), 1).incidents
    held = outbreak(Settings(detectors=detectors, lessons={lesson.fingerprint: lesson}), 1)
    assert not held.incidents and len(held.state.doubts) == 1
