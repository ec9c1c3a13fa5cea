"""What clean-ups leave is trusted once it is a habit; what somebody ended late is not."""
from __future__ import annotations

from sra_server.detect.lows import LASTING, Lows
from sra_server.domain.record import MINUTE

HOUR, DAY = 60 * MINUTE, 24 * 60 * MINUTE


def test_what_is_cleaned_with_room_left_is_trusted_at_once_and_for_a_week() -> None:
    lows = Lows().cleaned(HOUR, 40.0, 100.0)
    assert lows.trusts(2 * HOUR, 100.0, 33.0) and not lows.trusts(2 * HOUR, 100.0, 31.0)
    assert not lows.trusts(HOUR + LASTING + 1, 100.0, 90.0)
    assert lows.cleaned(5 * DAY, 41.0, 100.0).trusts(10 * DAY, 100.0, 50.0)


def test_what_is_cleaned_late_is_trusted_the_second_time_and_one_clean_up_counts_once() -> None:
    once = Lows().cleaned(HOUR, 15.0, 100.0).cleaned(HOUR + MINUTE, 15.0, 100.0)
    assert not once.trusts(2 * HOUR, 100.0, 90.0)
    twice = once.cleaned(13 * HOUR, 16.0, 100.0)
    assert twice.trusts(14 * HOUR, 100.0, 13.0) and not twice.trusts(14 * HOUR, 100.0, 11.0)
    assert once.cleaned(13 * HOUR, 5.0, 100.0).floor == 0


def test_small_clean_ups_in_between_do_not_raise_what_is_trusted() -> None:
    lows = Lows().cleaned(HOUR, 40.0, 100.0)
    for n in range(20):
        lows = lows.cleaned((2 + n) * HOUR, 70.0, 90.0)
    assert lows.floor == 40.0


def test_a_fall_that_came_to_nothing_is_trusted_while_it_leaves_room() -> None:
    lows = Lows().came_to_nothing(HOUR, 100.0, 65.0)
    assert lows.trusts(2 * HOUR, 65.0, 30.0) and not lows.trusts(2 * HOUR, 65.0, 22.0)
    assert not lows.trusts(2 * HOUR, 50.0, 45.0)
    assert not lows.trusts(HOUR + LASTING + 1, 65.0, 60.0)
    assert Lows().came_to_nothing(HOUR, 100.0, 20.0) == Lows()
