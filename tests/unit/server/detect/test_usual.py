"""What happens every day is no outage, and beside it an outage is told in time: hours of both."""
from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise

import pytest

from sra_server.detect.memory import Memory
from sra_server.detect.signatures import Signatures
from sra_server.domain.incident import Incident
from sra_server.domain.record import MINUTE, SECOND, Batch, Count, Record
from sra_server.domain.signal import Signal

from ..world import World, at, batch, record

HOUR = 3600
#: What is written in one second: records of WARNING and above, and how many others by service.
Second = tuple[list[Record], dict[str, int]]
Story = Callable[[int], Second]


def many(dice: random.Random, mean: float) -> int:
    """Return a count that is `mean` on average, as arrivals are."""
    n, left = 0, dice.expovariate(1)
    while left < mean:
        n, left = n + 1, left + dice.expovariate(1)
    return n


def slices(story: Story, seconds: int, step: int = 1) -> list[Batch]:
    """Return a story as batches of some seconds each."""
    found = []
    for second in range(0, seconds, step):
        told: list[Record] = []
        others: dict[tuple[str, int], int] = {}
        for each in range(second, min(second + step, seconds)):
            records, quiet = story(each)
            told += records
            for service, n in quiet.items():
                key = service, at(each) - at(each) % MINUTE
                others[key] = others.get(key, 0) + n
        if not told and not others:
            continue
        one = batch(second + step - 0.001, *told)
        found.append(replace(one, counts=one.counts + tuple(
            Count(minute=minute, service=service, host="web-1", level=20, n=n)
            for (service, minute), n in others.items() if n)))
    return found


def told(story: Story, seconds: int) -> list[Incident]:
    """Return the incidents of a story, as they stand at its end."""
    world = World(through_json=False)
    for each in slices(story, seconds):
        world.fold(each)
    return list(world.incidents.values())


def fires(memory: Memory, given: Batch) -> list[Signal]:
    """Return what is enough to be told; what is not enough yet is mere evidence."""
    return [one for one in Signatures().detect(memory, given) if one.opens]


def signals(story: Story, seconds: int, step: int = 1, begin: int = 0) -> list[Signal]:
    """Return what the detector alone says from a second on."""
    memory, found = Memory(), []
    for each in slices(story, seconds, step):
        fresh = [one for one in fires(memory, each) if one.cls == "external_api_down"]
        found += fresh if each.received_at >= at(begin) else []
        assert not fresh or each.received_at >= at(begin), str(fresh[0])
    return found


def then(before: Story, second: int, after: Story) -> Story:
    return lambda now: before(now) if now < second else after(now)


def access(second: int, number: int, path: str = "/api/orders", status: int = 502) -> Record:
    return record(f'10.0.0.9 - - [05/Mar/2024:10:00:00 +0000] "GET {path} HTTP/1.1" {status} 157 "-" "-"',
                  second + number / 1000, number=number, client="10.0.0.9", status=status)


def requests(rate: float, share: float, seed: int = 1) -> Story:
    """So many requests a second, a share of which fails, in the access lines of one service."""
    dice = random.Random(seed)

    def told(second: int) -> Second:
        n = many(dice, rate)
        bad = sum(dice.random() < share for _ in range(n))
        return [access(second, each) for each in range(bad)], {"shop": n - bad}
    return told


def calls(place: Callable[[random.Random], str], failures: float, others: float, *, text: str =
          "GET https://{}/page failed: Connection timed out", level: int = 40, seed: int = 1) -> Story:
    """So many failed calls a second, of which each names its place, and so many other lines."""
    dice = random.Random(seed)

    def told(second: int) -> Second:
        return [record(text.format(place(dice)), second + each / 1000, number=each, level=level)
                for each in range(many(dice, failures))], {"shop": many(dice, others)}
    return told


def site(dice: random.Random) -> str:
    return f"site{dice.randrange(5000)}.example.com"


def pay(dice: random.Random) -> str:
    return "pay.example.com"


RETRY = "POST https://{}/charge: connection timed out, retrying (attempt 1/5)"
DEFERRED = "4F2: to=<a@{0}>, status=deferred (connect to mx.{0}[192.0.2.7]:25: Connection timed out)"

QUIET: dict[str, Story] = {
    "one request of a thousand, 50 a second": requests(50, 0.001),
    "one request of a thousand, 200 a second": requests(200, 0.001),
    "one request of two hundred, 10 a second": requests(10, 0.005),
    "one request of a hundred, 50 a second": requests(50, 0.01),
    "a crawler": calls(site, 1, 50),
    "a crawler that writes of failures alone": calls(site, 1 / 6, 0),
    "a sender of web hooks": calls(site, 1 / 3, 1),
    "mail to the servers of others": calls(site, 1 / 6, 0.5, text=DEFERRED, level=30),
    "mail alone": calls(site, 1 / 6, 0, text=DEFERRED, level=30),
    "tries again and succeeds": calls(pay, 1 / 10, 2, text=RETRY, level=30),
    "tries again and says nothing else": calls(pay, 1 / 10, 0, text=RETRY, level=30),
    "now and then": calls(pay, 1 / 600, 0),
}


@pytest.mark.parametrize("name", QUIET)
def test_what_happens_every_day_wakes_nobody(name: str) -> None:
    assert told(QUIET[name], 3 * HOUR) == []


BROKEN = HOUR + 7
REAL: dict[str, tuple[Story, Story, str]] = {
    "all requests fail": (requests(50, 0.001), requests(50, 1), "high"),
    "a third of them": (requests(50, 0.001), requests(50, 0.33, 2), "high"),
    "a tenth of them": (requests(50, 0.001), requests(50, 0.1), "medium"),
    "a fifth of few": (requests(10, 0), requests(10, 0.2, 3), "high"),
    "all, where one of a hundred failed": (requests(2, 0.003), requests(2, 1), "high"),
    "one place, beside many": (calls(site, 1 / 6, 0), calls(pay, 2, 0), "high"),
    "one of three backends": (requests(10, 0.002), calls(lambda dice: "10.0.0.7:80", 3.3, 6.7), "high"),
    "everything that is fetched": (calls(site, 1 / 6, 5), calls(site, 5, 0), "medium"),
    "every try": (calls(pay, 1 / 10, 2, text=RETRY, level=30),
                  calls(pay, 6, 0, text=RETRY, level=30), "medium"),
    "the first failures ever": (requests(2, 0), calls(pay, 2, 0), "high"),
}


@pytest.mark.parametrize("name", REAL)
def test_an_outage_is_told_within_ten_seconds_beside_what_is_usual(name: str) -> None:
    before, after, severity = REAL[name]
    found = signals(then(before, BROKEN, after), BROKEN + 60, begin=BROKEN)
    assert found[0].last_at <= at(BROKEN + 10)
    order = ["low", "medium", "high", "critical"]
    soon = (each.severity for each in found if each.last_at <= at(BROKEN + 40))
    assert max(soon, key=order.index) == severity


UNKNOWN = "GET https://{0}/ failed: getaddrinfo ENOTFOUND {0}"


def test_dead_names_that_a_crawler_meets_are_not_our_name_server_and_all_of_them_are() -> None:
    crawler = calls(site, 1 / 6, 5, text=UNKNOWN)
    assert told(crawler, 3 * HOUR) == []
    world = World(through_json=False)
    for each in slices(then(crawler, BROKEN, calls(site, 5, 0, text=UNKNOWN)), BROKEN + 10):
        world.fold(each)
    assert world.only().cls == "network_failure"


def test_a_limit_that_is_met_now_and_then_is_no_trouble_and_one_that_stops_all_is() -> None:
    text = "GET https://{}/rates failed: 429 Too Many Requests"
    now_and_then = calls(pay, 1 / 10, 20, text=text)
    assert told(now_and_then, 3 * HOUR) == []
    world = World(through_json=False)
    for each in slices(then(now_and_then, BROKEN, calls(pay, 4, 0, text=text)), BROKEN + 10):
        world.fold(each)
    assert world.only().cls == "rate_limited"


@pytest.mark.parametrize(("why", "second"), [("timed out", 3), ("Connection refused", 8)])
def test_without_other_lines_what_is_no_blink_is_told_and_what_a_restart_brings_after_eight_seconds(
        why: str, second: int) -> None:
    for rest in ({}, {"shop": 2}):
        found = signals(lambda now, rest=rest: ([record(  # type: ignore[misc]
            f"GET http://pay/charge failed: {why}", now)], rest), second + 1)
        assert [(each.severity, each.last_at) for each in found] == [("high", at(second))]


@pytest.mark.parametrize("text", [
    "[proxy_http:error] [client 203.0.113.9:{}] AH01114: HTTP: failed to make connection to backend: pay",
    "read tcp 10.0.0.4:{}->10.0.0.7:8080: read: connection reset by peer",
    '[client 203.0.113.9:{0}] AH01114: HTTP: failed to make connection, referer: http://shop{0}.example/',
])
def test_who_asks_is_no_place_that_fails(text: str) -> None:
    found = signals(lambda now: ([record(text.format(40000 + now), now)], {"shop": 1}), 10)
    assert (found[0].severity, found[0].subject in ("", "10.0.0.7:8080")) == ("high", True)


def logins(background: float, begin: int, guesses: int, *, sources: int = 1) -> Story:
    """So many single failures a minute from everywhere, and from a moment on so many guesses a second."""
    dice = random.Random(3)

    def told(second: int) -> Second:
        from_all = [f"198.51.{dice.randrange(250)}.{dice.randrange(250)}"
                    for _ in range(many(dice, background / 60))]
        guessed = [f"203.0.113.{dice.randrange(sources)}" for _ in range(guesses if second >= begin else 0)]
        return [record(f"Failed password for root from {source} port 40022 ssh2", second + each / 1000,
                       number=each, service="sshd", level=30)
                for each, source in enumerate(from_all + guessed)], {"sshd": 2 * len(from_all + guessed)}
    return told


@pytest.mark.parametrize("background", [0.6, 2, 5, 10])
def test_robots_that_try_everywhere_wake_nobody_and_who_guesses_does(background: float) -> None:
    assert told(logins(background, 3 * HOUR, 0), 3 * HOUR) == []
    for begin in (60, HOUR):
        (incident,) = told(logins(background, begin, 2), begin + 60)
        assert (incident.cls, incident.severity) == ("auth_failures", "high")
        assert at(begin) < incident.created_at <= at(begin + 10)


@pytest.mark.parametrize("rate", [1, 2])
@pytest.mark.parametrize("begin", [30, 600, HOUR])
def test_an_outage_of_a_service_that_writes_much_of_each_request_is_told_soon(rate: int, begin: int) -> None:
    story: Story = lambda now: ([record(f"GET http://pay/{now}/{n} failed: timed out waiting for pay",  # noqa: E731
                                        now + n / 10, number=n) for n in range(rate)]
                                if now >= begin else [], {"shop": 20 * rate})
    assert signals(story, begin + 30, begin=begin)[0].last_at <= at(begin + 13)


#: What fails from a moment on, with n for the second, m, a, b, p for the member, the pod, the port; how much
#: else is written before and after; and within how many seconds it is told.
TOTAL: dict[str, tuple[str, int, float, float, int]] = {
    "retries": ("POST https://pay.example.com/charge: connection timed out, retrying in 1s", 30, 0.5, 0, 35),
    "retries of nobody named": ("broker: connection refused, retrying in 1s", 30, 0.5, 1, 35),
    "ports": ("dial tcp 10.0.0.7:{p}: connect: connection refused", 40, 0.5, 0, 10),
    "members": ("dial tcp 10.0.0.{m}:8080: connect: connection refused", 40, 1, 0, 10),
    "pods": ("Get http://10.244.{a}.{b}:8080/: context deadline exceeded", 40, 1, 1, 30),
    "60 lines a request": ("GET http://pay/{n} failed: timed out waiting for pay", 40, 60, 60, 30),
}


def failing(name: str, begin: int, *, every: int = 1, seconds: int = HOUR) -> Story:
    """One failure every so many seconds from a moment on."""
    dice = random.Random(4)
    text, level, before, after, _ = TOTAL[name]

    def story(now: int) -> Second:
        fails = begin <= now < begin + seconds and now % every == 0
        what = text.format(n=now, p=32768 + dice.randrange(20000), m=dice.randrange(12),
                           a=dice.randrange(250), b=dice.randrange(250))
        return ([record(what, now + dice.random(), number=now, level=level)] if fails else [],
                {"shop": many(dice, after if now >= begin else before)})
    return story


@pytest.mark.parametrize("begin", [137, 400, 1200])
@pytest.mark.parametrize("name", TOTAL)
def test_where_all_requests_fail_it_is_told_soon_though_the_service_is_new(name: str, begin: int) -> None:
    found = signals(failing(name, begin), begin + 60, begin=begin)
    assert found[0].last_at <= at(begin + TOTAL[name][-1])


NEW_AND_WELL: dict[str, Story] = {
    "a dependency restarts": failing("retries of nobody named", 240, seconds=20),
    "a dependency restarts, 60 lines a request": failing("60 lines a request", 240, seconds=12),
    "a few of very many lines": failing("60 lines a request", 240, every=15),
    "work begins, one of a hundred fails": then(lambda now: ([], {"shop": 1}), 240, requests(50, 0.01)),
    "a crawler begins": then(lambda now: ([], {"shop": 1}), 240, calls(site, 1, 5)),
    "waits for what starts beside it": failing("retries of nobody named", 5, seconds=60),
    "a container's port is taken over by the next": lambda now: (
        [record(f"connect() failed (111: Connection refused) while connecting to upstream, upstream: "
                f'"http://127.0.0.1:{32768 + now // 20}/"', now + n / 9, number=n) for n in range(3)]
        if now >= 240 and now % 20 < 4 else [], {"shop": 5}),
}


@pytest.mark.parametrize("name", NEW_AND_WELL)
def test_what_a_new_service_gets_over_wakes_nobody(name: str) -> None:
    assert signals(NEW_AND_WELL[name], 840) == []


def test_a_trouble_goes_on_while_it_lasts_however_long_and_ends_with_it() -> None:
    before = requests(50, 0.001)
    story = then(then(before, HOUR, requests(50, 0.5)), 3 * HOUR, before)
    found = signals(story, 4 * HOUR, begin=HOUR)
    moments = [each.last_at for each in found]
    assert max(b - a for a, b in pairwise(moments)) < MINUTE
    assert at(3 * HOUR) - 2 * SECOND < moments[-1] < at(3 * HOUR + 180)


def test_a_job_that_fails_every_hour_is_a_habit_and_many_times_as_much_is_not() -> None:
    job, dice = calls(pay, 2.5, 0), random.Random(5)
    quiet: Second = ([], {"shop": 1})
    story: Story = lambda now: job(now) if now % HOUR < 20 else quiet  # noqa: E731
    late = [each for each in slices(story, 7 * HOUR) if each.received_at >= at(4 * HOUR + 60)]
    memory = Memory()
    for each in slices(story, 4 * HOUR + 60):
        fires(memory, each)
    assert [one for each in late for one in fires(memory, each)] == []
    outage = [record(f"GET https://pay/{n} failed: timed out", 7 * HOUR + dice.random(), number=n)
              for n in range(400)]
    assert fires(memory, batch(7 * HOUR + 1, *outage))


def test_an_outage_that_comes_again_and_again_is_told_each_time() -> None:
    good, bad = requests(2, 0.001), requests(2, 1, 2)
    story: Story = lambda now: bad(now) if now >= HOUR and now % 900 < 90 else good(now)  # noqa: E731
    found = signals(story, 4 * HOUR, 5, HOUR)
    late: dict[int, int] = {}
    for each in found:
        late.setdefault((each.last_at - at(0)) // (900 * SECOND), (each.last_at - at(0)) % (900 * SECOND))
    assert len(late) == 12
    assert max(late.values()) <= 15 * SECOND


def test_twice_what_is_usual_is_no_outage_and_eight_times_is() -> None:
    before = requests(50, 0.01)
    assert signals(then(before, HOUR, requests(50, 0.022, 2)), HOUR + 600) == []
    assert signals(then(before, HOUR, requests(50, 0.08, 2)), HOUR + 60, begin=HOUR)


def test_a_few_failures_of_much_traffic_are_no_outage() -> None:
    failed, quiet = calls(pay, 5, 50), calls(pay, 0, 50)
    assert signals(lambda now: failed(now) if now == HOUR else quiet(now), HOUR + 60) == []


@pytest.mark.parametrize("seed", range(4))
def test_chance_alone_wakes_nobody_once_there_is_a_past(seed: int) -> None:
    memory = Memory()
    told = [(each.received_at, one.title) for each in slices(calls(pay, 1 / 120, 0, seed=seed), 8 * HOUR)
            for one in fires(memory, each)]
    assert [each for each in told if each[0] > at(15 * 60)] == []


def test_much_mail_to_others_is_quiet_before_there_is_a_past() -> None:
    assert signals(calls(site, 0.7, 0, text=DEFERRED, level=30), 15 * 60) == []


def test_an_outage_is_not_learned_as_normal() -> None:
    before, broken = requests(50, 0.001), requests(50, 0.5)
    story = then(then(then(before, HOUR, broken), HOUR + 600, before), 2 * HOUR, broken)
    found = [each for each in signals(story, 2 * HOUR + 30, begin=HOUR) if each.last_at > at(2 * HOUR - 60)]
    assert found[0].last_at <= at(2 * HOUR + 5)


def test_a_draining_service_that_tells_its_balancer_is_no_outage() -> None:
    def told_by(path: str) -> list[Signal]:
        return signals(lambda now: ([access(now, 1, path, 503)] if now % 2 == 0 else [], {}), 60)
    for path in ("/healthz", "/health", "/api/health?full=1", "/ready", "/readyz", "/livez", "/ping"):
        assert told_by(path) == [], path
    assert told_by("/health-insurance")
    assert told_by("/orders")


def refused(second: int, number: int, backend: int) -> Record:
    return record(f"*{number} connect() failed (111: Connection refused) while connecting to upstream, "
                  f'client: 10.0.0.1, request: "GET / HTTP/1.1", upstream: "http://10.0.0.{backend}:8081/"',
                  second + number / 1000, service="nginx", number=number)


def replaced(backends: tuple[int, ...], *, seconds: int, rate: int, others: int, failed: int = 0) -> Story:
    """One backend after the other is away for some seconds, every twenty; the proxy says so."""
    def told(second: int) -> Second:
        turn, gone = divmod(second - 100, 20)
        lines: list[Record] = []
        if 0 <= turn < len(backends) and gone < seconds:
            lines = [refused(second, each, backends[turn]) for each in range(rate)]
            lines += [replace(access(second, 100 + each), service="nginx") for each in range(failed)]
        return lines, {"nginx": others}
    return told


def went(second: int, how: str, number: int, left: int) -> Record:
    why = 'Layer4 connection problem, info: "Connection refused", check duration: 0ms'
    return record(f"Server shop/www{number} is {how}, reason: {why}. "
                  f"{left} active and 0 backup servers left.", second, service="haproxy", level=30)


@pytest.mark.parametrize("others", [0, 5, 50])
@pytest.mark.parametrize("backends", [(1,), (1, 2, 3)])
def test_backends_that_are_replaced_one_by_one_are_no_outage(backends: tuple[int, ...], others: int) -> None:
    for failed in (0, 2) if others else (0,):
        for seconds, rate in ((1, 6), (3, 3), (4, 1)):
            story = replaced(backends, seconds=seconds, rate=rate, others=others, failed=failed)
            assert told(story, 400) == []


def test_a_balancer_speaks_where_no_server_is_left_and_not_while_they_are_replaced() -> None:
    def balancer(left: int) -> Story:
        return lambda now: ([went(now, "UP" if now % 20 else "DOWN", now // 20, left)]
                            if now in (20, 25, 40, 45, 60, 65) else [], {"haproxy": 2})
    assert told(balancer(2), 200) == []
    (incident,) = told(balancer(0), 30)
    assert (incident.severity, incident.created_at) == ("critical", at(20.999))


@pytest.mark.parametrize(("rate", "others"), [(2, 0), (5, 5), (2, 20)])
def test_a_backend_that_stays_away_is_told_within_ten_seconds(rate: int, others: int) -> None:
    story = replaced((1,), seconds=60, rate=rate, others=others)
    (incident,) = told(story, 130)
    assert incident.cls == "external_api_down"
    assert incident.created_at <= at(110)


@pytest.mark.parametrize("step", [1, 2, 5, 10])
def test_it_matters_little_how_records_are_batched(step: int) -> None:
    story = then(requests(50, 0.001), BROKEN, requests(50, 0.1))
    assert signals(story, BROKEN + 60, step, BROKEN)[0].last_at <= at(BROKEN + 10 + step)
    assert not signals(requests(10, 0.005), HOUR, step, HOUR)


def test_the_order_within_a_batch_does_not_matter() -> None:
    story = then(requests(20, 0.002), BROKEN, requests(20, 0.3))
    straight, mixed = Memory(), Memory()
    dice = random.Random(3)
    for each in slices(story, BROKEN + 30, 5):
        records = list(each.records)
        dice.shuffle(records)
        assert [one.severity for one in fires(straight, each)] == [
            one.severity for one in fires(mixed, replace(each, records=tuple(records)))]
    assert straight == mixed


def joined(given: list[Batch], size: int) -> list[Batch]:
    """Return the batches as a slower sender would group them, within ten seconds."""
    found: list[list[Batch]] = []
    for each in given:
        if not found or len(found[-1]) == size or each.received_at - found[-1][0].received_at > 10 * SECOND:
            found.append([])
        found[-1].append(each)
    return [replace(group[-1], records=tuple(record for each in group for record in each.records),
                    counts=tuple(count for each in group for count in each.counts)) for group in found]


def fired(given: list[Batch]) -> set[str]:
    memory = Memory()
    return {one.fingerprint for each in given for one in fires(memory, each)}


def test_whatever_else_was_written_before_counts_the_same_in_one_batch_and_in_many() -> None:
    odd = [batch(now, *(record("something odd", now, number=n) for n in range(20))) for now in (0, 2)]
    down = batch(4, *(record("GET http://pay/ failed: timed out", 4, number=n) for n in range(10)))
    assert len(fired([*odd, down])) == len(fired(joined([*odd, down], 3))) == 1


def test_few_histories_at_the_border_depend_on_how_they_are_batched() -> None:
    dice, differ, all_of_them = random.Random(11), 0, 0
    for _ in range(1000):
        now, given = 0, []
        for _ in range(dice.randint(3, 20)):
            now += dice.choice([0, 1, 2, 3, 5, 9, 20])
            text = dice.choice(["GET http://pay/ failed: Connection refused", "something odd"])
            given.append(batch(now, *(record(text, now, number=n) for n in range(dice.choice([1, 1, 2, 12]))),
                               alive=["shop"]))
        alone = fired(given)
        differ += alone != fired(joined(given, dice.randint(2, 5)))
        all_of_them += bool(alone)
    # of what is only counted nobody knows whether it came before a match or after it
    assert differ <= 3
    assert 500 < all_of_them < 1000


def test_what_an_earlier_release_remembered_is_gone_on_with() -> None:
    key = "signature|upstream_down|shop|web-1"
    memory = Memory()
    memory.put(key, [[at(0), at(1)], [], False, ""])
    fires(memory, batch(2, record("GET http://pay failed: Connection timed out", 2)))
    (found,) = fires(memory, batch(5, record("GET http://pay failed: Connection timed out", 5)))
    assert found.fingerprint == key


def test_services_that_only_write_leave_room_for_those_that_fail() -> None:
    memory = Memory(100)
    for n in range(300):
        fires(memory, batch(n / 10, alive=[f"s{n}"]))
    assert len(memory) <= 50
    found = [one for n in range(4) for one in fires(
        memory, batch(40 + n, record("GET http://pay failed: timed out", 40 + n), alive=["s7"]))]
    assert len(found) == 1


def test_what_a_restart_brought_is_over_when_something_else_fails_once_later() -> None:
    def told_by(second: int) -> Second:
        lines = [refused(second, each, 1) for each in range(4)] if second in (300, 301) else []
        if second == 334:
            lines = [record("*7 upstream timed out (110: Connection timed out) while reading, upstream: "
                            '"http://10.0.0.2:8081/"', second, service="nginx")]
        return lines, {"nginx": 2}
    assert told(told_by, 400) == []


def test_a_container_that_is_replaced_all_the_time_is_told_though_each_port_is_new() -> None:
    def told_by(second: int) -> Second:
        refusal = record("connect() failed (111: Connection refused) while connecting to upstream, upstream: "
                         f'"http://127.0.0.1:{40000 + second // 2}/"', second)
        return [refusal] if second >= 300 else [], {"shop": 1}
    assert signals(told_by, 340, begin=300)[0].last_at <= at(310)
