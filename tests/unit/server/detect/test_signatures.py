"""How many lines a signature asks for, and what it shows."""
from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace

from sra_server.detect.memory import Memory
from sra_server.detect.signatures import Signatures
from sra_server.domain.record import Record
from sra_server.domain.signal import Signal

from ..world import batch, record

DETECTOR = Signatures()
LOGIN = "Failed password for deploy from 203.0.113.9 port 40022 ssh2"


def run(*batches: object) -> list[list[Signal]]:
    memory, found = Memory(), []
    for each in batches:
        found.append([one for one in DETECTOR.detect(memory, each) if one.opens])  # type: ignore[arg-type]
        memory = Memory.from_json(json.loads(json.dumps(memory.to_json())))
    return found


def test_one_line_is_enough_where_one_line_proves_it() -> None:
    (signal,), = run(batch(0, record("write failed: No space left on device", 0)))
    assert (signal.cls, signal.service, signal.host, signal.count) == ("disk_full", "shop", "web-1", 1)
    assert signal.evidence[0].text == "write failed: No space left on device"


def test_failed_logins_count_within_a_minute_and_over_batches() -> None:
    found = run(*(batch(second, record(LOGIN, second)) for second in (0, 10, 20, 30, 40)))
    assert [len(each) for each in found] == [0, 0, 0, 0, 1]
    assert [each.at for each in found[-1][0].evidence] == sorted(each.at for each in found[-1][0].evidence)
    assert len(found[-1][0].evidence) == 5


def test_slow_failures_are_no_spike() -> None:
    assert not any(run(*(batch(second, record(LOGIN, second)) for second in range(0, 600, 30))))


def test_the_lines_of_one_attempt_count_once() -> None:
    lines = [record(f"{LOGIN} {n}", 0, number=n, pid="77") for n in range(3)]
    lines += [record(f"{LOGIN} {n}", 5 + n / 10, number=n, pid="78") for n in range(3)]
    assert not any(run(batch(6, *lines)))
    assert any(run(batch(6, *(record(LOGIN, n, number=n, pid=str(n)) for n in range(5)))))


def test_a_spike_stays_firing_until_its_window_has_passed() -> None:
    start = batch(5, *(record(LOGIN, n, number=n) for n in range(5)))
    found = run(start, batch(50, record(LOGIN, 50)), batch(300, record(LOGIN, 300)))
    assert [len(each) for each in found] == [1, 1, 0]


def test_a_single_deadlock_is_of_low_severity_and_many_are_not() -> None:
    found = run(*(batch(second, record("deadlock detected", second)) for second in (0, 5, 10)), batch(
        300, record("deadlock detected", 300)))
    # one is tried again and done
    assert [[each.severity for each in signals] for signals in found] == [[], ["low"], ["medium"], ["medium"]]


def test_the_error_beside_the_message_of_a_structured_record_counts() -> None:
    lines = [record("query failed", 4 * n, number=n, err={"message": "connect ECONNREFUSED 10.0.0.5:5432"})
             for n in range(3)]
    (signal,), = run(batch(9, *lines))
    assert (signal.cls, signal.subject) == ("database_failure", "10.0.0.5:5432")


def test_information_is_never_read() -> None:
    assert not any(run(batch(0, record("No space left on device", 0, level=20))))


def test_evidence_is_bounded_and_shows_beginning_and_end() -> None:
    (signal,), = run(batch(100, *(record("deadlock detected", n, number=n) for n in range(100))))
    assert signal.count == 100
    assert len(signal.evidence) == 5
    assert signal.evidence[0].at == signal.at
    assert signal.evidence[-1].at == signal.last_at


def test_services_and_hosts_are_kept_apart() -> None:
    lines = [record("No space left on device", 0, service=service, host=host)
             for service in "ab" for host in "xy"]
    assert len({each.fingerprint for each in run(batch(0, *lines))[0]}) == 4


def test_what_could_not_be_reached_is_the_subject() -> None:
    text = 'connect() failed (111: Connection refused) while connecting to upstream, upstream: "http://10.0.0.7:80/"'
    (signal,), = run(batch(13, *(record(text, 3 * n, number=n) for n in range(5))))
    assert signal.subject == "10.0.0.7:80"


def test_a_user_name_that_imitates_another_trouble_still_counts_as_a_login() -> None:
    lines = [record(f"Failed password for invalid user No space left on device from 10.0.0.9 port {n}", n,
                    number=n) for n in range(5)]
    (signal,), = run(batch(5, *lines))
    assert signal.cls == "auth_failures"


TIMEOUT = "WORKER TIMEOUT (pid:15)"
KILLED = "Worker (pid:15) was sent SIGKILL! Perhaps out of memory?"
SLOW_STOP = "shop.service: State 'stop-sigterm' timed out. Killing."
KILL = "shop.service: Main process exited, code=killed, status=9/KILL"
FAILED = "shop.service: Failed with result 'timeout'."


def test_what_follows_from_a_text_is_no_trouble_of_its_own() -> None:
    found = run(*(batch(second, record(text, second)) for second, text in (
        (0, TIMEOUT), (1, KILLED), (20, TIMEOUT), (21, KILLED))))
    assert [[each.cls for each in signals] for signals in found] == [[], [], *[["cpu_overload"]] * 2]
    assert len({each.fingerprint for signals in found for each in signals}) == 1
    (signal,), = run(batch(0, record(KILLED, 0)))
    assert signal.cls == "service_crash"


def test_a_stop_that_took_too_long_is_a_warning_and_no_crash() -> None:
    (signal,), = run(batch(0, *(record(text, n / 10, number=n) for n, text in enumerate(
        (SLOW_STOP, KILL, FAILED)))))
    assert (signal.cls, signal.severity, signal.count) == ("error_burst", "low", 3)
    assert signal.title == "it took too long to stop and was killed"
    for texts in ((KILL, FAILED), (FAILED,)):
        (signal,), = run(batch(0, *(record(text, n, number=n) for n, text in enumerate(texts))))
        assert signal.severity == "critical"


def test_what_follows_is_of_the_same_service_and_soon() -> None:
    elsewhere = run(batch(0, record(SLOW_STOP, 0)), batch(1, record(KILL, 1, service="index")))
    assert elsewhere[1][0].severity == "critical"
    late = run(batch(0, record(SLOW_STOP, 0)), batch(90, record(KILL, 90)))
    assert late[1][0].severity == "critical"
    other = run(batch(0, record(SLOW_STOP, 0)), batch(1, record("panic: runtime error: nil", 1)))
    assert other[1][0].severity == "critical"


def test_a_worker_that_does_not_end_with_its_master_is_part_of_the_stop() -> None:
    found = run(batch(0, record("Handling signal: term", 0, level=30)), batch(31, record(KILLED, 31)))
    assert [each.state for signals in found for each in signals] == ["stopped", "stopped"]


class _Read(tuple[Record, ...]):
    """Counts how often all of it is read."""

    times = 0

    def __iter__(self) -> Iterator[Record]:
        type(self).times += 1
        return super().__iter__()


def test_in_a_storm_of_many_services_the_records_are_not_read_again_for_each_of_them() -> None:
    said = "connect to payments:8080 failed: connection refused"
    times = []
    for services in (3, 300):
        _Read.times = 0
        lines = _Read(record(said, 0, number=n, service=f"s{n}") for n in range(services))
        DETECTOR.detect(Memory(), replace(batch(1), records=lines))
        times.append(_Read.times)
    assert times[0] == times[1]
