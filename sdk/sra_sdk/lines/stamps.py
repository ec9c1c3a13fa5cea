"""Read the times of log lines into epoch microseconds, cheaply.

From the format modules, which cut a stamp into its hour, minute, second and fraction; to their
records. Only the hour is computed with calendars and zones, and remembered: lines come in order, so
nearly every line costs two additions. Without a year the year is chosen so that the time lies
nearest before now; without a zone the reader's zone counts.
"""
from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone, tzinfo
from typing import Callable, Optional

SECOND = 1_000_000
HOUR = 3600 * SECOND
DAY = 24 * HOUR

#: Times outside this span are mistakes, and the server refuses them.
EARLIEST = 315_532_800 * SECOND
LATEST = 7_258_118_400 * SECOND

_REMEMBERED = 512
_UNKNOWN = -1
_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_MONTHS = {name: n for n, name in enumerate(
    ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"), 1)}
#: Abbreviations that mean one thing everywhere that logs use them; others count as no zone.
_ZONES = {"Z": 0, "z": 0, "UTC": 0, "GMT": 0, "CET": 60, "CEST": 120, "EET": 120, "EEST": 180, "MSK": 180,
          "JST": 540, "EDT": -240, "EST": -300, "CDT": -300, "MDT": -360, "PDT": -420, "PST": -480}
_OFFSET = re.compile(r"([+-])([0-9]{2}):?([0-9]{2})?\Z")
_ISO = re.compile(r"([0-9]{4}[-/.][0-9]{2}[-/.][0-9]{2}[Tt _][0-9]{2}):([0-9]{2})(?::([0-9]{2})(?:[.,]("
                  r"[0-9]{1,12}))?)?"
                  r" ?(Z|z|UTC|GMT|[+-][0-9]{2}:?[0-9]{2})?\Z")
_ACCESS = re.compile(r"([0-9]{2}/[A-Z][a-z]{2}/[0-9]{4}[: ][0-9]{2}):([0-9]{2}):([0-9]{2})(?: ([+-]"
                     r"[0-9]{4}))?\Z")


def ymd(key: str) -> tuple[int, int, int, int]:
    """2024-01-31 10, with any separators."""
    return int(key[:4]), int(key[5:7]), int(key[8:10]), int(key[11:13])


def short_ymd(key: str) -> tuple[int, int, int, int]:
    """24/01/31 10."""
    return 2000 + int(key[:2]), int(key[3:5]), int(key[6:8]), int(key[9:11])


def packed(key: str) -> tuple[int, int, int, int]:
    """240131 10."""
    return 2000 + int(key[:2]), int(key[2:4]), int(key[4:6]), int(key[7:9])


def day_month_year(key: str) -> tuple[int, int, int, int]:
    """31/Jan/2024:10 or 31 Jan 2024 10."""
    return int(key[7:11]), _MONTHS[key[3:6]], int(key[:2]), int(key[12:14])


def month_day_hour_year(key: str) -> tuple[int, int, int, int]:
    """Jan 31 10 2024."""
    return int(key[10:14]), _MONTHS[key[:3]], int(key[4:6]), int(key[7:9])


Layout = Callable[[str], "tuple[int, int, int, int]"]


def microseconds(fraction: Optional[str]) -> int:
    """Return the microseconds that the digits behind a decimal point mean."""
    if not fraction:
        return 0
    if len(fraction) == 3:
        return int(fraction) * 1000
    return int(fraction) if len(fraction) == 6 else int(fraction[:6].ljust(6, "0"))


def sane(at: float) -> Optional[int]:
    """Return the time as an integer if it can be meant, else None."""
    return int(at) if EARLIEST <= at <= LATEST else None


def epoch(number: float) -> Optional[int]:
    """Read an epoch number; its size tells seconds, milli-, micro- and nanoseconds apart."""
    if isinstance(number, int):
        size = abs(number)
        if size < 10**11:
            return sane(number * SECOND)
        if size < 10**14:
            return sane(number * 1000)
        return sane(number) if size < 10**17 else sane(number // 1000)
    if not abs(number) < 1e20:
        return None
    if abs(number) < 1e11:
        return sane(round(number * 1e6))
    return sane(round(number * 1e3)) if abs(number) < 1e14 else epoch(int(number))


class Stamps:
    """The time readings of one source. `tz` None means the zone of this machine, as in datetime."""

    def __init__(self, now: Callable[[], int], tz: Optional[tzinfo]) -> None:
        self._now = now
        self._tz = tz
        self._hours: dict[str, int] = {}
        self._seconds: dict[str, int] = {}
        self._yearless: tuple[str, int] = ("", _UNKNOWN)

    def at(self, layout: Layout, hour: str, minute: str, second: str, fraction: Optional[str] = None,
           zone: Optional[str] = None) -> Optional[int]:
        """Return the time of a stamp whose beginning, up to the hour, is read by `layout`."""
        key = hour + zone if zone else hour
        base = self._hours.get(key)
        if base is None:
            base = self._begin(layout, hour, zone)
            if len(self._hours) >= _REMEMBERED:
                self._hours.clear()
            self._hours[key] = base
        if base < 0:
            return None
        base += (int(minute) * 60 + int(second)) * SECOND
        return base + microseconds(fraction) if fraction else base

    def second(self, layout: Layout, width: int, stamp: str) -> int:
        """Return the time of a stamp like `<hour>:10:20` or `<hour>:10:20 +0100`, negative if it has none.

        The hour has `width` characters. Lines come many to a second, so nearly all of them cost one look.
        """
        base = self._seconds.get(stamp)
        if base is None:
            found = self.at(layout, stamp[:width], stamp[width + 1:width + 3], stamp[width + 4:width + 6],
                            None, stamp[width + 7:] or None)
            base = _UNKNOWN if found is None else found
            if len(self._seconds) >= _REMEMBERED:
                self._seconds.clear()
            self._seconds[stamp] = base
        return base

    def nearest(self, hour: str, minute: str, second: str, fraction: Optional[str] = None) -> Optional[int]:
        """Return the time of a stamp without year, like `Jan 31 10`, `31 Jan 10` or `0131 10`."""
        key, base = self._yearless
        if key != hour:
            base = self._choose_year(hour)
            self._yearless = (hour, base)
        if base < 0:
            return None
        return base + (int(minute) * 60 + int(second)) * SECOND + microseconds(fraction)

    def today(self, hour: str, minute: str, second: str, fraction: Optional[str] = None) -> Optional[int]:
        """Return the latest time before about now at which a clock showed this time of day."""
        now = self._now()
        day = datetime.fromtimestamp(now / SECOND, self._tz)
        base = self._local(day.year, day.month, day.day, int(hour))
        at = base + (int(minute) * 60 + int(second)) * SECOND + microseconds(fraction)
        return sane(at - DAY if at > now + HOUR else at)

    def text(self, value: str) -> Optional[int]:
        """Read a whole string that should be a time: ISO 8601, an epoch number, an access log's."""
        value = value.strip()
        if len(value) > 40 or not value:
            return None
        found = _ISO.match(value)
        if found is not None:
            hour, minute, second, fraction, zone = found.groups()
            return self.at(ymd, hour, minute, second or "0", fraction, zone)
        found = _ACCESS.match(value)
        if found is not None:
            hour, minute, second, zone = found.groups()
            return self.at(day_month_year, hour, minute, second, None, zone)
        if value[0] in "0123456789" and value.isascii():
            try:
                return epoch(int(value) if value.isdigit() else float(value))
            except ValueError:
                return None
        return None

    def _begin(self, layout: Layout, hour: str, zone: Optional[str]) -> int:
        try:
            year, month, day, hours = layout(hour)
            minutes = _offset(zone) if zone else None
            if minutes is None:
                base = self._local(year, month, day, hours)
            else:
                span = datetime(year, month, day, hours, tzinfo=timezone.utc) - _EPOCH
                base = (span - timedelta(minutes=minutes)) // timedelta(microseconds=1)
        except (ValueError, KeyError, OverflowError, OSError):
            return _UNKNOWN
        return base if EARLIEST <= base <= LATEST else _UNKNOWN

    def _local(self, year: int, month: int, day: int, hour: int) -> int:
        naive = datetime(year, month, day, hour, tzinfo=self._tz)
        aware = naive.astimezone() if self._tz is None else naive
        return (aware - _EPOCH) // timedelta(microseconds=1)

    def _choose_year(self, hour: str) -> int:
        try:
            if hour[0] in "0123456789":
                packed_form = hour[2] in "0123456789"
                month = int(hour[:2]) if packed_form else _MONTHS[hour[3:6]]
                day = int(hour[2:4]) if packed_form else int(hour[:2])
            else:
                month, day = _MONTHS[hour[:3]], int(hour[4:6])
            hours, now = int(hour[-2:]), self._now()
            this_year = datetime.fromtimestamp(now / SECOND, timezone.utc).year
        except (ValueError, KeyError, IndexError, OverflowError, OSError):
            return _UNKNOWN
        for year in range(this_year + 1, this_year - 9, -1):
            try:
                base = self._local(year, month, day, hours)
            except (ValueError, OverflowError, OSError):
                continue
            # A day of grace: clocks and zones differ, and a line is rarely written in the future.
            if base <= now + DAY:
                return base if base >= EARLIEST else _UNKNOWN
        return _UNKNOWN


def _offset(zone: str) -> Optional[int]:
    """Return the minutes east of UTC, or None if the zone is not known."""
    known = _ZONES.get(zone)
    if known is not None:
        return known
    found = _OFFSET.match(zone)
    if found is None:
        return None
    minutes = int(found[2]) * 60 + int(found[3] or 0)
    return -minutes if found[1] == "-" else minutes
