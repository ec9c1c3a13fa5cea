# ruff: noqa: E501 - lines of logs are as long as they are
"""What sounds bad and happens every day opens no incident: alone, in an hour of ordinary work, or each day.

And what those rules were narrowed for is still told when it is real.
"""
from __future__ import annotations

import random
from dataclasses import replace

import pytest

from sra_server.detect.catalogue import load
from sra_server.detect.trial import arrived
from sra_server.domain.record import Record

from .everyday import Story, stories, told

STORIES = list(stories())


@pytest.mark.parametrize("story", STORIES, ids=lambda each: each.name)
def test_a_story_of_everyday_life_opens_nothing(story: Story) -> None:
    assert told([(0, story)], until=150) == []


@pytest.mark.parametrize("seed", range(2))
def test_an_hour_with_all_of_them_opens_nothing(seed: int) -> None:
    dice = random.Random(seed)
    assert told([(dice.uniform(300, 3300), each) for each in STORIES], until=3600, every=15) == []


def test_five_times_a_day_they_open_nothing() -> None:
    dice = random.Random(7)
    # not twice in the same hour, which would be another story; and a renewal that fails all day is told
    begins = sorted(((part + dice.uniform(0.1, 0.9)) * 17_280, n)
                    for n, each in enumerate(STORIES) for part in range(5)
                    if part == 0 or "a renewal is tried again" not in each.name)
    assert told([(begin, STORIES[n]) for begin, n in begins], until=86_400, every=60) == []


def test_there_are_many_stories_of_much_software() -> None:
    assert len(STORIES) >= 140
    assert sum(len(each.records) for each in STORIES) >= 800


def _story(*lines: tuple[float, str]) -> Story:
    found: list[tuple[float, Record]] = []
    for second, line in lines:
        # the agent reads both logs of a web server as one service's
        found += [(second, replace(each, service=each.service or "nginx"))
                  for each in arrived(line.split("\n"), source=f"{second}")]
    return Story("trouble", tuple(found))


def _each(step: float, line: str, times: int = 20) -> Story:
    return _story(*((n * step, line.replace("{n}", str(n))) for n in range(times)))


LIMITED = ('2024/03/05 10:00:00 [error] 7#7: *9 limiting requests, excess: 20.600 by zone "one", client: 198.51.100.{n}, '
           'server: shop, request: "GET / HTTP/1.1", host: "shop"')
REAL: dict[str, tuple[str, Story]] = {
    "a file server that stays away": ("network_failure", _each(
        4, "Mar  5 10:00:00 web-1 kernel: [ 8812.123456] nfs: server files-1 not responding, still trying", 3)),
    "a name server that is gone": ("network_failure", _each(
        1, "2024-03-05 10:00:00,123 ERROR shop: socket.gaierror: [Errno -3] Temporary failure in name resolution")),
    "a limit that meets all clients": ("rate_limited", _each(0.5, LIMITED)),
    "an address that stays taken": ("service_crash", _each(
        1, "[2024-03-05 10:00:00 +0000] [7] [ERROR] Connection in use: ('127.0.0.1', 8000)", 5)),
    "an address that nginx gives up": ("service_crash", _story(
        (0, "2024/03/05 10:00:00 [emerg] 7#7: bind() to 0.0.0.0:80 failed (98: Address already in use)"),
        (2, "2024/03/05 10:00:02 [emerg] 7#7: still could not bind()"))),
    "a program that cannot listen": ("service_crash", _each(
        5, "Error: listen EADDRINUSE: address already in use :::3000", 3)),
    "a broker that is gone": ("external_api_down", _each(
        2, "[2024-03-05 10:00:00,123: ERROR/MainProcess] consumer: Cannot connect to amqp://shop:**@mq:5672//: "
        "[Errno 111] Connection refused.")),
    "a primary that does not come back": ("database_failure", _each(
        5, '2024-03-05 10:00:00.223 UTC [78] FATAL:  could not connect to the primary server: connection to server at '
        '"10.0.0.5", port 5432 failed: Connection refused', 4)),
    "a consumer that is too slow each time": ("queue_backlog", _each(
        120, "2024-03-05 10:00:00,123 WARN  [Consumer clientId=c-1, groupId=orders] consumer poll timeout has expired. "
        "This means the time between subsequent calls to poll() was longer than the configured max.poll.interval.ms", 4)),
    "a search cluster that refuses": ("cpu_overload", _each(
        0.5, "2024-03-05 10:00:00,123 ERROR search: es_rejected_execution_exception: rejected execution of task on "
        "EsThreadPoolExecutor[name = es-1/search, queue capacity = 1000]")),
    "an image that cannot be had": ("service_crash", _each(
        15, '2s  Warning  Failed  pod/web-7d  Error: ImagePullBackOff', 5)),
    "a disk that gets worse": ("error_burst", _each(
        1, "Mar  5 10:00:00 nas-1 smartd[812]: Device: /dev/sdb [SAT], 8 Currently unreadable (pending) sectors", 1)),
    "a job of our own that fails": ("service_crash", _each(
        1, "<29>Mar  5 10:00:00 web-1 systemd[1]: shop-report.service: Main process exited, code=exited, "
        "status=1/FAILURE", 1)),
    "a service that faults": ("service_crash", _each(
        5, "<6>Mar  5 10:00:00 web-1 kernel: [ 8812.104113] shop[{n}]: segfault at 0 ip 00005577c0d8 sp 00007ffd0a1b "
        "error 4 in shop[5577c000+1000]", 2)),
    "a backend that is gone": ("external_api_down", _each(
        1, '2024/03/05 10:00:00 [error] 7#7: *9 upstream prematurely closed connection while reading response header '
        'from upstream, client: 192.0.2.7, server: shop, request: "GET / HTTP/1.1", upstream: '
        '"http://127.0.0.1:8081/", host: "shop"')),
    "a program that goes on writing to a replica": ("database_failure", _each(
        1, "2024-03-05 10:00:00,123 ERROR shop: redis.exceptions.ReadOnlyError: You can't write against a read only replica.")),
    "an event loop that is blocked on and on": ("cpu_overload", _each(
        1, "2024-03-05 10:00:00,123 WARN  [checker] i.v.c.i.BlockedThreadChecker - Thread Thread[vert.x-eventloop-thread-0,5,main] "
        "has been blocked for 5034 ms, time limit is 2000 ms", 4)),
    "requests without memory": ("memory_exhaustion", _each(
        5, "[05-Mar-2024 10:00:00 UTC] PHP Fatal error:  Allowed memory size of 134217728 bytes exhausted (tried to allocate "
        "20480 bytes) in /srv/www/a.php on line 9", 4)),
    "an application without memory, whose frames are no test's": ("memory_exhaustion", _each(
        1, "java.lang.OutOfMemoryError: Java heap space\n\tat shop.Testimonials.load(Testimonials.java:7)", 1)),
}


@pytest.mark.parametrize("name", REAL)
def test_the_real_trouble_is_still_told(name: str) -> None:
    cls, story = REAL[name]
    assert {each.split()[0] for each in told([(0, story)], until=600)} == {cls}


def test_one_client_that_is_limited_hides_no_backend_that_is_gone() -> None:
    limited = LIMITED.format(n=9)
    answered = '198.51.100.{n} - - [05/Mar/2024:10:00:00 +0000] "GET / HTTP/1.1" {status} 197 "-" "-"'
    one = _story(*((n / 2, limited) for n in range(20)), *((n / 2, answered.format(n=9, status=503)) for n in range(20)))
    others = _story(*((n / 2, limited) for n in range(20)),
                    *((n / 2, answered.format(n=n, status=502)) for n in range(20)))
    assert told([(0, one)], until=60) == []
    assert [each.split()[0] for each in told([(0, others)], until=60)] == ["external_api_down"]


def test_matches_of_one_occasion_count_once() -> None:
    signature = load().by_name["file_server_hangs"]
    assert (signature.count, signature.apart) == (2, 5)
    line = "Mar  5 10:00:00 web-1 kernel: [ 8812.123456] nfs: server files-1 not responding, still trying"
    answers = _story((4.5, line.replace("not responding, still trying", "OK")))
    assert told([(0, _each(0.1, line, 40)), (0, answers)], until=60) == []
    assert len(told([(0, _each(0.1, line, 60))], until=60)) == 1
    # without an answer one occasion is enough, but not at once
    assert told([(0, _each(0.1, line, 40))], until=7) == []
    assert len(told([(0, _each(0.1, line, 40))], until=60)) == 1
