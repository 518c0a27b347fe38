"""What the readers of tracks share: whose track it is, times in more than one spelling, and the ends of their records."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from decimal import Decimal

from pipelines.identifiers import clean
from pipelines.readers._clock import iso_reading
from pipelines.readers._locations import Reading, reading
from pipelines.readers._rows import RowBuffer
from pipelines.readers.base import Context, Option, Sink, Waiting, implausible_time

NOBODY = "the file names nobody: read as the owner's track; set subject in [[source]] if it is not"
SUBJECT = Option("subject", "whose track it is: owner or the id of a contact")
TIMEZONE = Option("timezone", "zone of times that are written without one")
NAIVE = "times that name no zone, read in the zone of the source or the case"
FUTURE_DEVICE = 'subject = "owner"          # or the id of a contact, if all of them are of one person'

#: seconds or milliseconds since 1970 with a fraction
_FRACTION = re.compile(r"(\d{9,10}|\d{12,13})\.(\d{1,12})", re.ASCII)
_WORD_ZONE = re.compile(r" ?(?:UTC|GMT)\Z")
_NEVER = 1 << 62
#: longest text that can be a time
TIME_LIMIT = 80


def subject_of(context: Context) -> dict[str, object]:
    """Return the columns that say whose a track is: the owner's, unless ``[[source]] subject`` names a contact."""
    who = clean(context.options.get("subject", "")) or "owner"
    if who == "owner":
        return {"subject": "owner"}
    return {"subject": "contact", "identifier": who, "identifier_raw": who}


def moment(value: object) -> Reading | None:
    """Read a time that stands as ISO text (a date alone too), with ``UTC`` behind it, or as a number since 1970.

    Parameters
    ----------
    value : object
        What the file has: a text or a number; up to 10 digits before the point are seconds, 12 and 13 milliseconds.

    Returns
    -------
    Reading or None
        None if it is no such time.
    """
    if isinstance(value, str):
        if len(value) > TIME_LIMIT:
            return None
        value = value.strip()
    found = reading(value)
    if found is not None:
        return found
    if isinstance(value, float):
        value = format(Decimal(repr(value)), "f") if abs(value) < 1e14 else ""
    if not isinstance(value, str):
        return None
    if (number := _FRACTION.fullmatch(value)) is not None:
        whole, part = number.groups()
        scale = 1_000_000 if len(whole) <= 10 else 1000
        digits = part[: 6 if scale == 1_000_000 else 3]
        us = int(whole) * scale + int(digits.ljust(6 if scale == 1_000_000 else 3, "0"))
        return Reading(us, 0, True, "us" if scale == 1000 or len(digits) > 3 else "ms")
    plain, words = _WORD_ZONE.subn("", value)
    clock = iso_reading(plain)
    if clock is None or (words and (clock.offset_s or clock.precision == "day")):
        return None
    if words or clock.zulu:
        return Reading(clock.local_us, 0, True, clock.precision)
    return Reading(clock.local_us, clock.offset_s, False, clock.precision)


def why_not(value: object, found: Reading | None) -> str | None:
    """Return why a value cannot be the time of a record, None if it can."""
    if found is None:
        empty = value is None or (isinstance(value, str) and not value.strip())
        return "no time" if empty else "time is not readable"
    return implausible_time(found.instant_us)


def plain(found: Reading) -> Reading:
    """Return a reading of which ``+00:00`` is UTC: that is how programs spell Z, and says nothing of where a phone was."""
    return found if found.utc or found.offset_s != 0 else Reading(found.local_us, 0, True, found.precision)


class Track:
    """Rows of positions of one file, what became of its records, and what must be said at the end.

    Parameters
    ----------
    out : Sink
        Where everything goes.
    channel : str
        Channel of the coverage.
    columns : tuple of str
        Columns that differ from row to row, besides those of number, place and time.
    **same : object
        Columns that are equal in every row.
    """

    def __init__(self, out: Sink, channel: str, columns: tuple[str, ...], **same: object) -> None:
        self.out = out
        self._channel = channel
        self._rows = RowBuffer(
            out.positions,
            (
                "n", "sub", "record", "local_time", "stated_offset_s", "ts_precision", "zone_basis", "local_end",
                "end_offset_s", "lat", "lon", *columns,
            ),
            same,
        )  # fmt: skip
        self.n = 0
        self.counts: Counter[str] = Counter()
        self._utc, self._case = [_NEVER, -_NEVER], [_NEVER, -_NEVER]

    def keep(
        self, n: int, record: str, time: Reading, lat: float | None, lon: float | None, *values: object, sub: int = 1,
        end: Reading | None = None,
    ) -> None:  # fmt: skip
        """Keep a row; ``values`` are those of the columns."""
        utc, offset, local = time.utc, time.offset_s, time.local_us
        stated = None if utc else offset
        if end is None:
            until, turned = None, None
        else:
            until = end.local_us
            turned = None if end.stated_offset_s == stated else end.stated_offset_s
        self._rows.add(
            n, sub, record, local, stated, time.precision, "utc" if utc else "case" if offset is None else "stated", until,
            turned, lat, lon, *values,
        )  # fmt: skip
        if utc or offset is not None:
            span, first = self._utc, local - (offset or 0) * 1_000_000
            last = first if end is None else end.instant_us
        else:
            span, first = self._case, local
            last = first if until is None else until
            self.counts[NAIVE] += 1
        if first < span[0]:
            span[0] = first
        if last > span[1]:
            span[1] = last

    def reject(self, n: int, record: str, reason: str) -> None:
        """Reject a record."""
        self.out.reject(n, record, reason)

    def flush(self) -> None:
        """Hand over the rows that are held."""
        self._rows.flush()

    def finish(self, *notes: str, classes: str = "position", complete: str = "unknown") -> None:
        """Hand on the last rows, write the notes, say what is covered; records are counted by ``out.read`` apart."""
        self._rows.flush()
        for text in notes:
            self.out.note(text)
        for text, count in sorted(self.counts.items()):
            if count:
                self.out.note(f"{text}: {count}")
        for clock, (first, last) in (("case", self._case), ("utc", self._utc)):
            if first > last:
                continue
            self.out.coverage(
                self._channel, classes, local_from=first, local_to=last, zone_basis=clock, complete=complete,
            )  # fmt: skip


class Devices:
    """Notices that a file holds positions of several devices, which may be several people's.

    Parameters
    ----------
    context : Context
        With ``subject`` in its options all of them are that person's.
    """

    def __init__(self, context: Context) -> None:
        self._told = "subject" in context.options
        self._met: dict[str, object] = {}

    def meet(self, key: str, value: object) -> None:
        """Take the name of a device, as it stands under a key.

        Raises
        ------
        Waiting
            It is the second one, and nobody has said whose they are.
        """
        if self._told or value is None or value == "":
            return
        first = self._met.setdefault(key, value)
        if first != value:
            raise Waiting(
                "the file holds positions of several devices, which may be of several people: say whose they are, or "
                "split the file by device",
                FUTURE_DEVICE,
            )


def told(context: Context) -> Iterable[str]:
    """Return the note that nobody is named, unless ``[[source]] subject`` says who."""
    return () if "subject" in context.options else (NOBODY,)


def first_value(values: Mapping[str, object], names: Iterable[str]) -> object:
    """Return the first value under some names that is neither absent nor empty."""
    for name in names:
        value = values.get(name)
        if value is not None and value != "":
            return value
    return None
