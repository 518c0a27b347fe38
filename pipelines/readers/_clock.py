"""Reading ISO 8601 times as files and people write them, with the exactness that the text has and no more."""

from __future__ import annotations

import re
from datetime import date
from functools import lru_cache
from typing import NamedTuple

_EPOCH_DAY = date(1970, 1, 1).toordinal()
DAY_US = 86_400_000_000
#: the largest offset that the tables hold, in seconds
MAX_OFFSET_S = 64_800

_ISO = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)(?:[Tt ] *(\d\d?)(?::(\d\d)(?::(\d\d)(?:[.,](\d{1,12}))?)?)? *([Zz]|[+-]\d\d(?::?\d\d)?)?)?",
    re.ASCII,
)


class Reading(NamedTuple):
    """A clock reading: µs since 1970-01-01T00:00 of its own clock, and how exact it is.

    ``offset_s`` is the offset written with it (0 for ``Z``), None if there is none; ``zulu`` tells ``Z`` from
    ``+00:00``.
    """

    local_us: int
    precision: str
    offset_s: int | None = None
    zulu: bool = False

    @property
    def utc_us(self) -> int | None:
        """The moment in µs UTC, None without an offset."""
        return None if self.offset_s is None else self.local_us - self.offset_s * 1_000_000


@lru_cache(1024)
def day_us(year: int, month: int, day: int) -> int | None:
    """Return the midnight that begins a date in µs since 1970-01-01T00:00, or None if the calendar has no such date."""
    try:
        return (date(year, month, day).toordinal() - _EPOCH_DAY) * DAY_US
    except ValueError:
        return None


def iso_reading(text: str) -> Reading | None:
    """Read ``2025-10-03``, ``2025-10-03 18``, ``2025-10-03 18:30``, ``2025-10-03T18:30:05.25+05:00`` and the like.

    Parameters
    ----------
    text : str
        The text; blanks around it do not count.

    Returns
    -------
    Reading or None
        Precision ``day``, ``h``, ``min``, ``s``, ``ms`` (one to three decimals) or ``us`` (four and more; digits past
        the sixth are cut off). None if the text is anything else, names no date of the calendar or an offset above 18
        hours.
    """
    if len(text) > 80:
        return None
    found = _ISO.fullmatch(text.strip())
    if found is None:
        return None
    year, month, day, hour, minute, second, fraction, zone = found.groups()
    us = day_us(int(year), int(month), int(day))
    if us is None:
        return None
    if hour is None:
        return Reading(us, "day")
    hours, minutes, seconds = int(hour), int(minute or 0), int(second or 0)
    if hours > 23 or minutes > 59 or seconds > 59:
        return None
    us += (hours * 3600 + minutes * 60 + seconds) * 1_000_000
    precision = "h" if minute is None else "min" if second is None else "s"
    if fraction:
        us += int(fraction[:6].ljust(6, "0"))
        precision = "ms" if len(fraction) <= 3 else "us"
    if zone is None:
        return Reading(us, precision)
    if zone in "Zz":
        return Reading(us, precision, 0, True)
    digits = zone[1:].replace(":", "")
    if minute is None and len(digits) == 2:
        return None  # 2025-10-03 18-05 may as well be a span of hours
    offset = int(digits[:2]) * 3600 + int(digits[2:] or 0) * 60
    if offset > MAX_OFFSET_S or int(digits[2:] or 0) > 59:
        return None
    return Reading(us, precision, -offset if zone[0] == "-" else offset)
