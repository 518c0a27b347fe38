"""Wall clock readings to UTC, held against ``zoneinfo`` and against a search over every moment."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detector.schema import PRECISION_SPAN_US, PRECISIONS, T_MAX, T_MIN
from pipelines import scoring
from pipelines.resolve.localtime import Moments, offsets_at, spans, to_utc
from pipelines.zones import zone, zone_names, zone_or_offset

SECOND, MINUTE, HOUR = 1_000_000, 60_000_000, 3_600_000_000
DAY = 24 * HOUR
EPOCH = datetime(1970, 1, 1)
FROM, TO = datetime(1990, 1, 1), datetime(2035, 1, 1)

#: at least one zone of every kind of rule: moved once or twice, summer time of an hour, half an hour, two hours, none, negative,
#: at midnight and just after it, across the date line, suspended for a month, odd offsets, and fixed ones
ZONES = (
    "Asia/Almaty", "Asia/Qostanay", "Asia/Qyzylorda", "Asia/Aqtobe", "Asia/Aqtau", "Asia/Atyrau", "Asia/Oral", "Asia/Tashkent",
    "Asia/Bishkek", "Europe/Moscow", "Europe/Volgograd", "Asia/Novosibirsk", "Europe/London", "Europe/Dublin", "Europe/Berlin",
    "Europe/Lisbon", "Europe/Istanbul", "America/New_York", "America/Sao_Paulo", "America/St_Johns", "America/Caracas",
    "America/Havana", "America/Asuncion", "America/Nuuk", "Africa/Casablanca", "Africa/Cairo", "Africa/Juba", "Asia/Tehran",
    "Asia/Kathmandu", "Asia/Kolkata", "Asia/Pyongyang", "Asia/Gaza", "Asia/Beirut", "Asia/Amman", "Australia/Lord_Howe",
    "Australia/Sydney", "Pacific/Apia", "Pacific/Chatham", "Pacific/Kiritimati", "Pacific/Norfolk", "Antarctica/Troll",
    "Antarctica/Casey", "Etc/GMT+12", "UTC",
)  # fmt: skip


def us(moment: datetime) -> int:
    """Return µs since 1970 of a reading, its zone not looked at."""
    return (moment.replace(tzinfo=None) - EPOCH) // timedelta(microseconds=1)


def reading(text: str) -> int:
    return us(datetime.fromisoformat(text))


def one(text: str, name: str, precision: str = "s") -> Moments:
    return to_utc(np.array([reading(text)]), name, np.array([PRECISION_SPAN_US[precision]]))


def utc(text: str) -> int:
    return us(datetime.fromisoformat(text).astimezone(UTC))


def texts(moments: np.ndarray) -> list[str]:
    return [(EPOCH + timedelta(microseconds=int(m))).isoformat(timespec="seconds") for m in moments]


def by_zoneinfo(local: int, name: str, fold: int) -> int:
    """Return what the library says: µs UTC of a reading with a fold."""
    moment = (EPOCH + timedelta(microseconds=local)).replace(tzinfo=zone(name), fold=fold)
    offset = moment.utcoffset()
    assert offset is not None
    return local - offset // timedelta(microseconds=1)


def shows(moment: int, name: str) -> int:
    """Return the reading that a clock of the zone shows at a moment."""
    local = (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=moment)).astimezone(zone(name))
    return us(local)


@cache
def changes(name: str) -> tuple[int, ...]:
    """Return the moments from 1990 to 2035 at which the offset of a zone changes, found by bisection."""
    at, step = us(FROM), 4 * DAY
    found: list[int] = []

    def offset(moment: int) -> int:
        return shows(moment, name) - moment

    previous = offset(at)
    while at < us(TO):
        after = offset(at + step)
        if after != previous:
            low, high = at, at + step
            while high - low > SECOND:
                middle = (low + high) // 2 // SECOND * SECOND
                low, high = (middle, high) if offset(middle) == previous else (low, middle)
            found.append(high)
            previous = after
        at += step
    return tuple(found)


def around(name: str) -> list[int]:
    """Return readings on both sides of every change, a second, a minute, an hour and a day away."""
    steps = [k * unit for unit in (SECOND, MINUTE, 30 * MINUTE, HOUR, DAY) for k in (-2, -1, 0, 1, 2)]
    out = set()
    for change in changes(name):
        for side in (shows(change - SECOND, name) + SECOND, shows(change, name)):
            out |= {side + step for step in steps}
    return sorted(out)


@pytest.mark.parametrize("name", ZONES)
def test_readings_around_every_change_agree_with_zoneinfo(name: str) -> None:
    local = around(name) or [us(FROM) + k * 91 * DAY + 7 for k in range(180)]
    got = to_utc(np.array(local), name, np.full(len(local), SECOND))
    for k, reading_ in enumerate(local):
        first, second = by_zoneinfo(reading_, name, 0), by_zoneinfo(reading_, name, 1)
        real = shows(first, name) == reading_
        assert got.ts[k] == first, (name, reading_)
        assert got.fold[k] == 0
        # of a gap there is one answer, of a doubled hour two
        assert got.ts_min[k] == first
        assert got.ts_max[k] == (max(first, second) if real else first) + SECOND - 1
        assert got.offset_s[k] * SECOND == shows(first, name) - first


def test_the_changes_are_really_there() -> None:
    counts = {name: len(changes(name)) for name in ZONES}
    assert (
        counts["Asia/Almaty"] >= 20 and counts["Europe/London"] == 90 and counts["UTC"] == counts["Asia/Kolkata"] == 0
    )
    assert counts["Africa/Casablanca"] > 45  # summer time was suspended for a month of every year
    widths = {
        abs((shows(c, n) - c) - (shows(c - SECOND, n) - (c - SECOND))) // MINUTE for n in ZONES for c in changes(n)
    }
    assert {30, 60, 120, 24 * 60} <= widths


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(sorted(zone_names())), st.datetimes(FROM, TO))
def test_any_reading_of_any_zone_agrees_with_zoneinfo(name: str, moment: datetime) -> None:
    local = us(moment)
    got = to_utc(np.array([local]), name, np.array([1]))
    first, second = by_zoneinfo(local, name, 0), by_zoneinfo(local, name, 1)
    real = shows(first, name) == local
    assert (got.ts[0], got.ts_min[0], got.ts_max[0]) == (first, first, max(first, second) if real else first)
    assert offsets_at(got.ts, name)[0] * SECOND == shows(int(got.ts[0]), name) - int(got.ts[0])


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(ZONES), st.lists(st.integers(us(FROM), us(TO)), min_size=1, max_size=6))
def test_a_row_does_not_depend_on_its_neighbours(name: str, local: list[int]) -> None:
    span = np.full(len(local), SECOND)
    together = to_utc(np.array(local), name, span)
    for k, value in enumerate(local):
        alone = to_utc(np.array([value]), name, span[:1])
        for column in ("ts", "ts_min", "ts_max", "offset_s", "fold"):
            assert getattr(together, column)[k] == getattr(alone, column)[0]


@pytest.mark.parametrize(
    "name", ["Asia/Almaty", "America/Havana", "Asia/Beirut", "Australia/Lord_Howe", "Pacific/Apia"]
)
@pytest.mark.parametrize("precision", ["min", "h", "evening", "night", "day"])
def test_the_span_holds_every_moment_that_shows_such_a_reading(name: str, precision: str) -> None:
    """Search every minute around the changes: whatever shows a reading within the span lies between ts_min and ts_max."""
    span = PRECISION_SPAN_US[precision]
    step = 10 * SECOND if precision == "min" else MINUTE
    for change in changes(name)[-4:]:
        before = shows(change - SECOND, name)
        day = before // DAY * DAY
        starts = {
            "min": [before - 30 * MINUTE, before, before + 30 * MINUTE],
            "h": [before // HOUR * HOUR + k * HOUR for k in range(-2, 3)],
            "evening": [day - DAY + 18 * HOUR, day + 18 * HOUR],
            "night": [day, day + DAY],
            "day": [day - DAY, day, day + DAY],
        }[precision]
        starts = [s // MINUTE * MINUTE for s in starts]
        got = to_utc(np.array(starts), name, np.full(len(starts), span))
        for k, start in enumerate(starts):
            moments = range(int(got.ts[k]) - 3 * HOUR, int(got.ts_max[k]) + 3 * HOUR, step)
            inside = [m for m in moments if start <= shows(m, name) < start + span]
            if not inside:  # the clock jumped over the whole of it
                continue
            assert got.ts_min[k] <= inside[0] and inside[-1] <= got.ts_max[k], (precision, start)
            if start <= shows(int(got.ts_min[k]), name) < start + span:  # and no wider than that
                assert inside[0] - step < got.ts_min[k] and got.ts_max[k] < inside[-1] + step, (precision, start)


# The night of 2024-03-01 in Almaty: at midnight of UTC+6 the clock went back to 23:00 of UTC+5 --------------------------


def almaty(*times: str, source: list[int] | None = None, precision: str = "s") -> Moments:
    local = np.array([reading(t) for t in times])
    return to_utc(local, "Asia/Almaty", np.full(len(local), PRECISION_SPAN_US[precision]),
                  order=np.array(source if source is not None else [0] * len(local)))  # fmt: skip


def test_the_doubled_hour_takes_the_first_reading_and_spans_both() -> None:
    got = one("2024-02-29T23:30:00", "Asia/Almaty")
    assert texts(got.ts) == ["2024-02-29T17:30:00"]
    assert texts(got.ts_min) == ["2024-02-29T17:30:00"]
    assert int(got.ts_max[0]) == reading("2024-02-29T18:30:00") + SECOND - 1
    assert (got.offset_s.tolist(), got.fold.tolist()) == ([21_600], [0])


@pytest.mark.parametrize(
    ("text", "moment", "offset"),
    [
        ("2024-02-29T22:59:59", "2024-02-29T16:59:59", 6), ("2024-03-01T00:00:00", "2024-02-29T19:00:00", 5),
        ("2024-02-28T23:30:00", "2024-02-28T17:30:00", 6), ("2024-03-01T23:30:00", "2024-03-01T18:30:00", 5),
    ],
)  # fmt: skip
def test_beside_the_doubled_hour_there_is_one_reading(text: str, moment: str, offset: int) -> None:
    got = one(text, "Asia/Almaty")
    assert texts(got.ts) == texts(got.ts_min) == [moment]
    assert int(got.ts_max[0]) == int(got.ts[0]) + SECOND - 1
    assert got.offset_s.tolist() == [offset * 3600]


@pytest.mark.parametrize("precision", ["s", "min"])
def test_ascending_order_proves_the_second_pass(precision: str) -> None:
    got = almaty("2024-02-29T22:00:00", "2024-02-29T23:10:00", "2024-02-29T23:50:00", "2024-02-29T23:05:00",
                 "2024-02-29T23:55:00", "2024-03-01T00:10:00", precision=precision)  # fmt: skip
    assert got.fold.tolist() == [0, 0, 0, 1, 1, 0]
    assert texts(got.ts) == ["2024-02-29T16:00:00", "2024-02-29T17:10:00", "2024-02-29T17:50:00", "2024-02-29T18:05:00",
                             "2024-02-29T18:55:00", "2024-02-29T19:10:00"]  # fmt: skip
    assert got.offset_s.tolist() == [21_600] * 3 + [18_000] * 3
    # what is proved is no longer open
    assert got.ts_min.tolist() == got.ts.tolist()
    assert got.ts_max.tolist() == [t + PRECISION_SPAN_US[precision] - 1 for t in got.ts.tolist()]


@pytest.mark.parametrize("precision", ["s", "min"])
def test_descending_order_proves_the_second_pass(precision: str) -> None:
    got = almaty("2024-03-01T00:10:00", "2024-02-29T23:55:00", "2024-02-29T23:05:00", "2024-02-29T23:50:00",
                 "2024-02-29T23:10:00", "2024-02-29T22:00:00", precision=precision)  # fmt: skip
    assert got.fold.tolist() == [0, 1, 1, 0, 0, 0]
    assert got.ts.tolist() == sorted(got.ts.tolist(), reverse=True)
    assert got.ts_min.tolist() == got.ts.tolist()
    assert got.ts_max.tolist() == [t + PRECISION_SPAN_US[precision] - 1 for t in got.ts.tolist()]


@pytest.mark.parametrize(
    "times",
    [
        # one pass only: nothing steps back
        ["2024-02-29T22:00:00", "2024-02-29T23:10:00", "2024-02-29T23:50:00", "2024-03-01T00:10:00"],
        # the file is in no order at all
        ["2024-02-29T22:00:00", "2024-02-20T10:00:00", "2024-02-29T23:50:00", "2024-02-29T23:10:00", "2024-03-01T00:10:00"],
        # stepping back twice is no second pass but disorder
        ["2024-02-29T22:00:00", "2024-02-29T23:50:00", "2024-02-29T23:30:00", "2024-02-29T23:10:00", "2024-03-01T00:10:00"],
        # nothing but the hour itself: newest first, or twice through it?
        ["2024-02-29T23:50:00", "2024-02-29T23:10:00"],
        ["2024-02-29T23:10:00", "2024-02-29T23:50:00"],
        # the same moment before and after shows no direction either
        ["2024-02-29T23:30:00"],
    ],
)  # fmt: skip
def test_what_is_not_proved_stays_open(times: list[str]) -> None:
    got = almaty(*times)
    assert got.fold.tolist() == [0] * len(times)
    doubled = [t.startswith("2024-02-29T23") for t in times]
    assert [int(b - a) for a, b in zip(got.ts, got.ts_max, strict=True)] == [
        (HOUR if d else 0) + SECOND - 1 for d in doubled
    ]
    assert got.ts.tolist() == got.ts_min.tolist()


def test_every_file_proves_for_itself() -> None:
    """Two files side by side: one runs through the hour twice, the other shows nothing."""
    got = almaty("2024-02-29T22:00:00", "2024-02-29T23:50:00", "2024-02-29T23:10:00",
                 "2024-02-29T23:40:00", "2024-02-29T23:20:00", source=[0, 0, 0, 1, 1])  # fmt: skip
    assert got.fold.tolist() == [0, 0, 1, 0, 0]
    assert [int(b - a) > HOUR for a, b in zip(got.ts_min, got.ts_max, strict=True)] == [False, False, False, True, True]


def test_two_nights_in_one_file_are_told_apart() -> None:
    """London goes back every October; one file can hold several such hours, each proved or not."""
    times = ["2023-10-01T12:00:00", "2023-10-29T01:40:00", "2023-10-29T01:20:00", "2024-01-01T12:00:00",
             "2024-10-27T01:10:00", "2024-10-27T01:50:00", "2024-11-01T12:00:00"]  # fmt: skip
    local = np.array([reading(t) for t in times])
    got = to_utc(local, "Europe/London", np.full(len(local), SECOND), order=np.zeros(len(local), np.int64))
    assert got.fold.tolist() == [0, 0, 1, 0, 0, 0, 0]
    assert [int(b - a) > HOUR for a, b in zip(got.ts_min, got.ts_max, strict=True)] == [False] * 4 + [True] * 2 + [
        False
    ]


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(["Asia/Almaty", "Europe/London", "Australia/Lord_Howe", "America/Havana"]), st.data())
def test_a_file_in_order_is_never_read_wrongly(name: str, data: st.DataObject) -> None:
    """Write a log of true moments with the zone's clock and read it again: what is claimed as proved is true, and the span holds the truth."""
    back = [c for c in changes(name) if shows(c, name) <= shows(c - SECOND, name)]
    change = data.draw(st.sampled_from(back))
    seconds = data.draw(st.lists(st.integers(-3 * 3600, 3 * 3600), min_size=1, max_size=12))
    truth = sorted(change + s * SECOND for s in seconds)
    if data.draw(st.booleans()):
        truth.reverse()
    local = np.array([shows(t, name) for t in truth])
    got = to_utc(local, name, np.full(len(local), SECOND), order=np.zeros(len(local), np.int64))
    for k, moment in enumerate(truth):
        assert got.ts_min[k] <= moment <= got.ts_max[k]
        if got.ts_max[k] - got.ts_min[k] < SECOND:
            assert got.ts[k] == moment
            assert local[k] - got.offset_s[k] * SECOND == moment
        if got.fold[k]:
            assert got.ts[k] == moment


# Gaps, fixed offsets, spans -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "text", "moment"),
    [
        ("Europe/London", "2025-03-30T01:30:00", "2025-03-30T01:30:00"),  # read as 02:30 of summer time
        ("America/New_York", "2025-03-09T02:30:00", "2025-03-09T07:30:00"),
        ("Asia/Beirut", "2024-03-31T00:15:00", "2024-03-30T22:15:00"),  # midnight itself is missing
        ("Pacific/Apia", "2011-12-30T12:00:00", "2011-12-30T22:00:00"),  # a whole day is missing
        ("Australia/Lord_Howe", "2025-10-05T02:10:00", "2025-10-04T15:40:00"),
    ],
)  # fmt: skip
def test_a_reading_that_never_was_moves_on_by_the_gap(name: str, text: str, moment: str) -> None:
    got = one(text, name)
    assert texts(got.ts) == texts(got.ts_min) == [moment]
    assert int(got.ts_max[0]) == int(got.ts[0]) + SECOND - 1
    assert got.offset_s[0] * SECOND == shows(int(got.ts[0]), name) - int(got.ts[0])


@pytest.mark.parametrize(
    ("offset", "seconds"),
    [("+05:00", 18_000), ("-03:30", -12_600), ("+00:00", 0), ("+14:00", 50_400), ("-18:00", -64_800)],
)
def test_fixed_offsets(offset: str, seconds: int) -> None:
    got = one("2024-02-29T23:30:00", offset)
    assert int(got.ts[0]) == int(got.ts_min[0]) == reading("2024-02-29T23:30:00") - seconds * SECOND
    assert int(got.ts_max[0]) == int(got.ts[0]) + SECOND - 1
    assert (got.offset_s.tolist(), got.fold.tolist()) == ([seconds], [0])
    assert offsets_at(got.ts, offset).tolist() == [seconds]


@pytest.mark.parametrize(
    ("text", "precision", "low", "high"),
    [
        ("2025-10-03", "day", "2025-10-02T19:00:00", "2025-10-03T19:00:00"),
        ("2025-10-03T18:00:00", "evening", "2025-10-03T13:00:00", "2025-10-03T19:00:00"),
        ("2025-10-03T00:00:00", "night", "2025-10-02T19:00:00", "2025-10-03T01:00:00"),
        # the evening and the day of the doubled hour are an hour longer
        ("2024-02-29T18:00:00", "evening", "2024-02-29T12:00:00", "2024-02-29T19:00:00"),
        ("2024-02-29", "day", "2024-02-28T18:00:00", "2024-02-29T19:00:00"),
        ("2024-03-01", "day", "2024-02-29T19:00:00", "2024-03-01T19:00:00"),
        ("2024-02-29T23:00:00", "h", "2024-02-29T17:00:00", "2024-02-29T19:00:00"),
        ("2024-02-29T23:30:00", "min", "2024-02-29T17:30:00", "2024-02-29T18:31:00"),
    ],
)  # fmt: skip
def test_spans_of_coarse_readings_in_almaty(text: str, precision: str, low: str, high: str) -> None:
    got = one(text, "Asia/Almaty", precision)
    assert texts(got.ts) == texts(got.ts_min) == [low]
    assert texts(got.ts_max + 1) == [high]


def test_a_day_with_a_gap_is_shorter() -> None:
    got = one("2024-03-31", "Asia/Beirut", "day")  # begins at 01:00, as midnight is missing
    assert texts(got.ts_min) == ["2024-03-30T22:00:00"]
    assert texts(got.ts_max + 1) == ["2024-03-31T21:00:00"]


def test_spans_are_those_of_the_schema() -> None:
    assert spans(np.arange(len(PRECISIONS))).tolist() == [PRECISION_SPAN_US[p] for p in PRECISIONS]


def test_nothing_gives_nothing() -> None:
    none = np.zeros(0, np.int64)
    got = to_utc(none, "Asia/Almaty", none, order=none)
    assert [len(getattr(got, c)) for c in ("ts", "ts_min", "ts_max", "offset_s", "fold")] == [0] * 5
    assert len(offsets_at(none, "Asia/Almaty")) == 0


@pytest.mark.parametrize(
    "name", ["Asia/Almaty", "America/Havana", "Pacific/Apia", "Australia/Lord_Howe", "Africa/Casablanca"]
)
def test_offsets_at_every_change(name: str) -> None:
    moments = np.array(sorted({c + k for c in changes(name) for k in (-DAY, -SECOND, -1, 0, 1, SECOND, DAY)}))
    wanted = [(shows(int(m), name) - int(m)) // SECOND for m in moments]
    assert offsets_at(moments, name).tolist() == wanted


def test_unknown_zones_are_refused() -> None:
    for name in ("Asia/Nowhere", "asia/almaty", "+25:00", "", "../../etc/passwd"):
        with pytest.raises(KeyError):
            zone_or_offset(name)


def test_the_ends_of_the_calendar_do_no_harm() -> None:
    for local in (T_MIN, T_MAX):
        got = to_utc(np.array([local]), "Asia/Almaty", np.array([1]))
        assert abs(int(got.ts[0]) - local) < DAY
    for day in (date.min, date.max):
        assert abs(scoring.midnight(day, "Asia/Almaty") - us(datetime(day.year, day.month, day.day))) < DAY


def test_midnight_is_that_of_the_zone() -> None:
    assert texts(np.array([scoring.midnight(date(2025, 9, 16), "Asia/Almaty")])) == ["2025-09-15T19:00:00"]
    assert texts(np.array([scoring.midnight(date(2024, 2, 29), "Asia/Almaty")])) == ["2024-02-28T18:00:00"]
    assert texts(np.array([scoring.midnight(date(2024, 3, 31), "Asia/Beirut")])) == ["2024-03-30T22:00:00"]
    assert texts(np.array([scoring.midnight(date(2025, 1, 1), "UTC")])) == ["2025-01-01T00:00:00"]
