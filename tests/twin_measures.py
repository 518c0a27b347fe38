"""The slow, obvious twin of the indicators: ``docs/measures.md`` as plain Python over the acts and rows of :mod:`tests.twin`.

It is written to be read beside that page: each function bears the number of its section, each indicator its id. Nothing
here is clever, and nothing is shared with ``detector/``. Times are integers, µs UTC; shares and medians are exact.
Only intervals, p, the alarm of a change point and the score of a split are computed in floating point.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from itertools import combinations, groupby, pairwise, permutations
from typing import Any

from scipy.stats import beta, norm  # type: ignore[import-untyped]

from tests.twin import (
    DAY,
    SECOND,
    SIGHTINGS,
    TRAFFIC,
    Act,
    Case,
    Outgoing,
    Row,
    Sets,
    Step,
    apart,
    can_show_presence,
    day_of,
    days,
    distance_m,
    in_time_order,
    is_after,
    is_answered_call,
    is_contested,
    is_exempt,
    is_live,
    is_usable,
    local_time,
    notices_of,
    occasions,
    place_by_coordinates,
    read_case,
    row_sub,
    sets_of,
    span,
    unwanted_occasions,
    week_of,
    without,
)

WEEK = 7 * DAY
WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")

#: Every number of docs/measures.md.
NUMBERS: dict[str, int] = {
    "pause_s": 14 * 86_400,
    "course_span_s": 14 * 86_400,
    "thin_occasions": 3,
    "thin_gap_s": 60 * 86_400,
    "hangup_s": 3,
    "burst_acts": 10,
    "rate_s": 28 * 86_400,
    "trend_min_weeks": 8,
    "trend_max_weeks": 104,
    "change_min_days": 28,
    "change_alarm_one_in": 20,
    "night_from_h": 23,
    "night_to_h": 6,
    "office_from_h": 9,
    "office_to_h": 18,
    "evasion_s": 14 * 86_400,
    "rejection_s": 3_600,
    "spot_m": 500,
    "encounter_s": 300,
    "encounter_accuracy_m": 100,
    "chance_draws": 999,
    "chance_weeks": 3,
    "chance_max_weeks": 52,
    "tracker_sightings": 3,
    "tracker_places": 3,
    "tracker_accuracy_m": 150,
    "tracker_apart_m": 300,
    "tracker_span_s": 3_600,
    "tracker_window_s": 14 * 86_400,
    "tracker_link_s": 1_800,
    "tracker_link_m": 200,
    "template_slots": 3,
    "template_openers": 4,
    "template_weeks": 3,
    "pool_digits": 2,
    "emergency_window_s": 6 * 3_600,
    "emergency_acts": 5,
    "reply_window_s": 86_400,
    "recycled_s": 7 * 86_400,
}


@dataclass
class TwinMeasure:
    """One number: None where it is unknown; the ids of the rows that it rests on, and its parts.

    ``records`` or ``parts`` is None where the page says nothing of them.
    """

    value: int | None
    records: set[str] | None
    parts: list[dict[str, Any]] | None = None


@dataclass
class Measuring:
    """One contact as of the scoring moment: what every indicator is computed from."""

    contact: Row
    case: Case
    as_of: int
    sets: Sets
    first_row: int | None  # the case's first row

    @property
    def law(self) -> list[Act]:
        return self.sets.law

    @property
    def notice(self) -> dict[str, Any] | None:
        """N."""
        return self.sets.first_effective

    def occasions(self, acts: Iterable[Act]) -> list[list[Act]]:
        return occasions(acts, self.case.numbers)

    def openers(self, acts: Iterable[Act]) -> list[Act]:
        return [occasion[0] for occasion in self.occasions(acts)]

    @property
    def unwanted(self) -> list[list[Act]]:
        """The unwanted occasions of L, each as its unwanted acts."""
        s = self.sets
        return unwanted_occasions(s.counted_law, s.unwanted_law, s.first_effective, self.case.numbers)

    def live_positions(self, subject: str) -> list[dict[str, Any]]:
        """Return the rows of the owner, or of this contact."""
        return [
            p for p in self.case.positions
            if p["subject"] == subject and is_live(p, self.as_of)
            and (subject == "owner" or p["contact_id"] == self.contact["contact_id"])
        ]  # fmt: skip


# -- small tools ----------------------------------------------------------------------------------------------------


def records_of(steps: Iterable[Step]) -> set[str]:
    return {record for step in steps for record in step.records}


def counting(acts: Sequence[Act]) -> TwinMeasure:
    """The number of acts, resting on them."""
    return TwinMeasure(len(acts), records_of(acts))


def permille(k: int, n: int) -> int | None:
    """Return a share, rounded half up; None without a denominator."""
    return None if n == 0 else (2000 * k + n) // (2 * n)


def share(some: Sequence[Step], of: Sequence[Any]) -> TwinMeasure:
    return TwinMeasure(permille(len(some), len(of)), records_of(some))


def yes(holds: bool, rests_on: Sequence[Act]) -> TwinMeasure:
    return TwinMeasure(int(holds), records_of(rests_on) if holds else set())


UNKNOWN = TwinMeasure(None, set())


def wilson(k: int, n: int) -> tuple[int, int]:
    """Return the 95 % interval of a share, in permille: low rounded down, high rounded up."""
    z = float(norm.ppf(0.975))
    p = k / n
    middle = p + z * z / (2 * n)
    reach = z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    low, high = ((middle - reach) / (1 + z * z / n), (middle + reach) / (1 + z * z / n))
    return max(0, math.floor(1000 * low)), min(1000, math.ceil(1000 * high))


def share_with_interval(some: Sequence[Act], of: Sequence[Act]) -> TwinMeasure:
    if not of:
        return UNKNOWN
    low, high = wilson(len(some), len(of))
    part = {"acts": len(some), "of": len(of), "low_permille": low, "high_permille": high}
    return replace(share(some, of), parts=[part])


def fullest_window(times: Sequence[int], length: int) -> tuple[int, int]:
    """Return the largest number of times in any window [t, t + length), and the t of the first such window."""
    best, begin = 0, 0
    for t in sorted(times):
        held = sum(t <= other < t + length for other in times)
        if held > best:
            best, begin = held, t
    return best, begin


def fullest(counted: Sequence[Act], shown: Sequence[Act], length: int) -> TwinMeasure:
    """The fullest window of ``counted``, resting on those of ``shown`` that lie in it."""
    best, begin = fullest_window([a.ts for a in counted], length)
    return TwinMeasure(best, records_of(a for a in shown if best and begin <= a.ts < begin + length))


def median_gap(times: Sequence[int]) -> tuple[int, int]:
    """Return the median of the differences of neighbours as a fraction, in µs: (numerator, denominator)."""
    gaps = sorted(b - a for a, b in pairwise(times))
    middle = len(gaps) // 2
    return (gaps[middle], 1) if len(gaps) % 2 else (gaps[middle - 1] + gaps[middle], 2)


def is_timed(act: Act) -> bool:
    return act.precision in ("us", "ms", "s", "min", "h")


def timed(acts: Iterable[Act]) -> list[Act]:
    return [a for a in acts if is_timed(a)]


def hour(act: Act) -> int:
    return local_time(act).hour


def weekday(act: Act) -> int:
    return day_of(act).weekday()


def at_night(acts: Iterable[Act]) -> list[Act]:
    return [a for a in timed(acts) if hour(a) >= NUMBERS["night_from_h"] or hour(a) < NUMBERS["night_to_h"]]


def monday_of(day: date) -> date:
    return day - timedelta(days=day.weekday())


def day_at(moment: int, utc_offset: int) -> date:
    """Return the date of a clock of that offset at a moment."""
    return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=moment + utc_offset * SECOND)).date()


# -- 1: how often, how dense ----------------------------------------------------------------------------------------


def how_often(m: Measuring) -> dict[str, TwinMeasure]:
    law = m.law
    openers = m.openers(law)
    unwanted_acts = m.sets.unwanted_law
    unwanted_rows = [occasion[0] for occasion in m.unwanted]
    calls = [a for a in law if a.kind == "call"]
    hangups = [a for a in calls if is_hangup(a)]
    short = [a for a in calls if not is_answered_call(a) or is_hangup(a)]
    dates = sorted({day_of(a) for a in law})
    weeks = {monday_of(d) for d in dates}
    all_weeks = (max(weeks) - min(weeks)).days // 7 + 1 if weeks else 0
    pauses = [(a, b) for a, b in pairwise(law) if b.ts - a.ts > NUMBERS["pause_s"] * SECOND]
    watershed = min((a.ts for a in unwanted_acts), default=0) + NUMBERS["course_span_s"] * SECOND
    late = [a for a in unwanted_rows if a.ts > watershed]
    clinical = len(unwanted_rows) if span(unwanted_acts) >= 28 * DAY else 0
    by_size = m.occasions(law)
    largest = max(by_size, key=len, default=[])  # of equal ones the first
    bursts = [o for o in by_size if len(o) >= NUMBERS["burst_acts"]]
    return {
        "occasions_max_24h": fullest(openers, law, DAY),
        "occasions_max_7d": fullest(openers, law, WEEK),
        "unwanted_max_7d": fullest(unwanted_rows, unwanted_acts, WEEK),
        "active_weeks_permille": TwinMeasure(permille(len(weeks), all_weeks), records_of(law)),
        "longest_day_run": longest_day_run(law),
        "resumptions": TwinMeasure(len(pauses), records_of(a for pair in pauses for a in pair)),
        "silence_s": TwinMeasure((m.as_of - law[-1].ts) // SECOND, records_of(law[-1:])) if law else UNKNOWN,
        "median_gap_s": median_gap_s(openers),
        "past_two_weeks_occasions": counting(late),
        "clinical_occasions": TwinMeasure(clinical, records_of(unwanted_acts) if clinical else set()),
        "thin_course": thin_course(unwanted_rows, unwanted_acts),
        "hangups": counting(hangups),
        "short_calls_permille": share(short, calls),
        "largest_burst": counting(largest),
        "bursts": TwinMeasure(len(bursts), records_of(a for o in bursts for a in o)),
    }


def is_hangup(call: Act) -> bool:
    at_once = is_answered_call(call) and call.duration_s is not None and call.duration_s <= NUMBERS["hangup_s"]
    return at_once or "hangup" in call.tags


def longest_day_run(law: Sequence[Act]) -> TwinMeasure:
    best: list[date] = []
    run: list[date] = []
    for day in sorted({day_of(a) for a in law}):
        run = [*run, day] if run and day - run[-1] == timedelta(days=1) else [day]
        if len(run) > len(best):
            best = run
    return TwinMeasure(len(best), records_of(a for a in law if day_of(a) in best))


def median_gap_s(openers: Sequence[Act]) -> TwinMeasure:
    if len(openers) < 2:
        return UNKNOWN
    total, of = median_gap([a.ts for a in openers])
    return TwinMeasure(total // (of * SECOND), records_of(openers))


def thin_course(unwanted_rows: Sequence[Act], unwanted_acts: Sequence[Act]) -> TwinMeasure:
    if not unwanted_rows:
        return UNKNOWN
    if not 2 <= len(unwanted_rows) <= NUMBERS["thin_occasions"]:
        return yes(False, [])
    total, of = median_gap([a.ts for a in unwanted_rows])
    return yes(total > of * NUMBERS["thin_gap_s"] * SECOND, unwanted_acts)


# -- 2: growing or fading -------------------------------------------------------------------------------------------


def growing_or_fading(m: Measuring) -> dict[str, TwinMeasure]:
    return {
        "rate_ratio_permille": rate_ratio(m),
        "trend_tau_permille": trend(m),
        "change_day": change_day(m),
    }


def rate_ratio(m: Measuring) -> TwinMeasure:
    length = NUMBERS["rate_s"] * SECOND
    middle, begin = m.as_of - length, m.as_of - 2 * length
    openers = m.openers(m.law)
    recent = [o for o in openers if o.ts >= middle]
    before = [o for o in openers if begin <= o.ts < middle]
    a, b = len(recent), len(before)
    if b == 0 or begin < m.case.valid_from or m.first_row is None or begin < m.first_row:
        return UNKNOWN
    # a of a + b is binomial: Clopper and Pearson's interval for its p, as ratio p / (1 - p)
    low = float(beta.ppf(0.025, a, b + 1)) if a else 0.0
    high = float(beta.ppf(0.975, a + 1, b))
    part = {
        "recent": a, "before": b, "low_permille": math.floor(1000 * low / (1 - low)),
        "high_permille": math.ceil(1000 * high / (1 - high)),
    }  # fmt: skip
    return TwinMeasure((2000 * a + b) // (2 * b), records_of([*recent, *before]), [part])


def last_complete_day(m: Measuring) -> date:
    """Return the last day that ended before the scoring moment, by the clock of the last act of L."""
    return day_at(m.as_of, m.law[-1].utc_offset) - timedelta(days=1)


def trend(m: Measuring) -> TwinMeasure:
    openers = m.openers(m.law)
    if not openers:
        return UNKNOWN
    # the week of the scoring moment has not ended: the one before it is the last
    last = monday_of(day_at(m.as_of, m.law[-1].utc_offset)) - timedelta(weeks=1)
    weeks = [monday_of(day_of(openers[0]))]
    while weeks[-1] < last:
        weeks.append(weeks[-1] + timedelta(weeks=1))
    weeks = [w for w in weeks if w <= last][-NUMBERS["trend_max_weeks"] :]
    if len(weeks) < NUMBERS["trend_min_weeks"]:
        return UNKNOWN
    counted = [o for o in openers if monday_of(day_of(o)) in weeks]
    numbers = [sum(monday_of(day_of(o)) == w for o in counted) for w in weeks]
    s = sum((later > earlier) - (later < earlier) for earlier, later in combinations(numbers, 2))
    n = len(numbers)
    pairs = n * (n - 1) // 2
    size = (2000 * abs(s) + pairs) // (2 * pairs)
    ties = [numbers.count(x) for x in set(numbers)]
    variance = (n * (n - 1) * (2 * n + 5) - sum(t * (t - 1) * (2 * t + 5) for t in ties)) / 18
    p = 1.0 if s == 0 or variance == 0 else 2 * float(norm.sf((abs(s) - 1) / math.sqrt(variance)))
    part = {"weeks": n, "s": s, "p_permille": math.floor(1000 * p + 0.5)}
    return TwinMeasure(size if s >= 0 else -size, records_of(counted), [part])


def divergence(p: float, q: float) -> float:
    """Return KL(p || q) in nats, with 0 log 0 = 0."""
    return sum(x * math.log(x / y) for x, y in ((p, q), (1 - p, 1 - q)) if x > 0)


def change_day(m: Measuring) -> TwinMeasure:
    if not m.law:
        return UNKNOWN
    first = day_of(m.law[0])
    total = (last_complete_day(m) - first).days + 1
    if total < NUMBERS["change_min_days"]:
        return UNKNOWN
    active = sorted({(day_of(a) - first).days for a in m.law if first <= day_of(a) <= last_complete_day(m)})
    many = len(active)
    best_score, best = -1.0, 0
    for d in range(1, total):
        before = sum(x < d for x in active)
        score = round(many * divergence(before / many, d / total), 6)
        if score > best_score:
            best_score, best = score, d
    splits = 2 * (total - 1)
    if best_score < math.log(splits * NUMBERS["change_alarm_one_in"]):
        return UNKNOWN
    before = sum(x < best for x in active)
    part = {
        "date": (first + timedelta(days=best)).isoformat(), "before_permille": permille(before, best),
        "after_permille": permille(many - before, total - best),
        "alarm_permille": math.ceil(1000 * splits * math.exp(-best_score)),
    }  # fmt: skip
    first_acts = [next(a for a in m.law if (day_of(a) - first).days == x) for x in active]
    return TwinMeasure(best, records_of(first_acts), [part])


# -- 3: when in the day and week ------------------------------------------------------------------------------------


def when(m: Measuring) -> dict[str, TwinMeasure]:
    law = m.law
    night = at_night(law)
    weekend = [a for a in law if weekday(a) >= 5]
    return {
        "night_permille": share_with_interval(night, timed(law)),
        "night_occasions": TwinMeasure(len(m.occasions(night)), records_of(night)),
        "weekend_permille": replace(share(weekend, law), parts=weekdays(law)),
        "hours_used": TwinMeasure(len({hour(a) for a in timed(law)}), records_of(timed(law))),
    }


def weekdays(law: Sequence[Act]) -> list[dict[str, Any]]:
    parts: list[dict[str, Any]] = []
    for number, name in enumerate(WEEKDAYS):
        held = sum(weekday(a) == number for a in law)
        low, high = wilson(held, len(law)) if law else (None, None)
        parts.append({
            "weekday": name, "acts": held, "permille": permille(held, len(law)), "low_permille": low,
            "high_permille": high,
        })  # fmt: skip
    return parts


# -- 4: refusals and what came after --------------------------------------------------------------------------------


def refusals(m: Measuring) -> dict[str, TwinMeasure]:
    law, every, walk, notice = m.law, m.sets.every, m.sets.walk, m.notice
    openers = m.openers(law)
    traffic = [a for a in law if a.kind in TRAFFIC]
    hers: list[Step] = [*walk.replies, *walk.initiatives, *walk.conversations]
    rejected = [a for a in law if a.kind == "call" and "rejected" in a.tags]

    def after(acts: Iterable[Act]) -> list[Act]:
        assert notice is not None
        return [a for a in acts if is_after(a, notice)]

    def answered(acts: Sequence[Act]) -> TwinMeasure:
        return share(without(acts, walk.unanswered), acts)

    return {
        "notices": TwinMeasure(len(m.sets.notices), set(), [notice_part(m, n) for n in m.sets.notices]),
        "notices_overtaken": TwinMeasure(len(m.sets.notices) - len(m.sets.effective), set()),
        "order_occasions": occasions_after_kind(m, "order_served"),
        "warning_occasions": occasions_after_kind(m, "police_warning"),
        "after_notice_share_permille": share(after(openers), openers) if notice else UNKNOWN,
        "answered_permille": answered(traffic),
        "answered_before_permille": answered(without(traffic, after(traffic))) if notice else UNKNOWN,
        "answered_after_permille": answered(after(traffic)) if notice else UNKNOWN,
        "own_permille": TwinMeasure(
            permille(len(hers), len(m.occasions(every)) + len(walk.initiatives)), records_of(hers)
        ),
        "longest_monologue": longest_monologue(m),
        "after_rejection": counting([
            a for a in m.sets.attempts_law
            if any(0 < a.ts - r.ts <= NUMBERS["rejection_s"] * SECOND for r in rejected)
        ]),
        "block_evasion": block_evasion(m),
        "channels_after_notice": (
            counting(after(first_acts(every, [a.channel if a.channel != "journal" else None for a in every])))
            if notice
            else UNKNOWN
        ),
    }  # fmt: skip


def first_acts(acts: Sequence[Act], keys: Sequence[str | None]) -> list[Act]:
    """Return the first act of each key, of those that have one."""
    seen: dict[str, Act] = {}
    for act, key in zip(acts, keys, strict=True):
        if key is not None:
            seen.setdefault(key, act)
    return list(seen.values())


def notice_part(m: Measuring, notice: Row) -> dict[str, Any]:
    acts = [a for a in m.law if is_after(a, notice)]
    effective = notice in m.sets.effective
    return {
        "at": (datetime(1970, 1, 1) + timedelta(seconds=notice["ts"] // SECOND)).isoformat() + "Z",
        "kind": notice["kind"], "basis": notice["basis"], "record": notice["record_id"], "effective": effective,
        "contested": effective and is_contested(notice, m.sets.walk, m.case.numbers), "acts": len(acts),
        "occasions": len(m.occasions(acts)),
        "s_to_first": (acts[0].ts - notice["ts_max"]) // SECOND if acts else None,
        "initiatives": sum(is_after(i, notice) for i in m.sets.walk.initiatives),
    }  # fmt: skip


def reaching(m: Measuring) -> list[Act]:
    """Return the attempts and tracking acts of L, habitual ones taken out, in order."""
    return [a for a in m.law if a in m.sets.attempts_law or a in m.sets.tracking_law]


def occasions_after(m: Measuring, notice: Row | None) -> TwinMeasure:
    if notice is None:
        return UNKNOWN
    acts = [a for a in reaching(m) if is_after(a, notice)]
    return TwinMeasure(len(m.occasions(acts)), records_of(acts))


def occasions_after_kind(m: Measuring, kind: str) -> TwinMeasure:
    return occasions_after(m, next((n for n in m.sets.notices if n["kind"] == kind), None))


def longest_monologue(m: Measuring) -> TwinMeasure:
    best: list[Act] = []
    stretch: list[Act] = []
    for step in m.sets.walk.steps:
        if isinstance(step, Outgoing) or step in m.sets.walk.conversations:
            stretch = []
        elif step in m.sets.attempts_law:
            stretch = [*stretch, step]
            if len(stretch) > len(best):
                best = stretch
    return counting(best)


def block_evasion(m: Measuring) -> TwinMeasure:
    block = next((n for n in m.sets.notices if n["kind"] == "blocked"), None)
    if block is None:
        return UNKNOWN
    every = m.sets.every
    names = [a.identifier if a.identifier and not a.identifier.startswith("label:") else None for a in every]
    new = [
        a for a in first_acts(every, names)
        if 0 < a.ts_min - block["ts_max"] <= NUMBERS["evasion_s"] * SECOND
    ]  # fmt: skip
    parts = [{"identifier": a.identifier, "s_after": (a.ts_min - block["ts_max"]) // SECOND} for a in new]
    return replace(counting(new), parts=parts)


# -- 4b: one-sided --------------------------------------------------------------------------------------------------


def one_sided(m: Measuring) -> dict[str, TwinMeasure]:
    acts = [a for a in m.law if a in m.sets.unanswered_cmr]
    first = m.sets.notices[0] if m.sets.notices else None
    since = [i for i in m.sets.walk.initiatives if first is not None and is_after(i, first)]
    return {
        "course_occasions": TwinMeasure(len(m.occasions(acts)), records_of(acts)),
        "course_days": TwinMeasure(days(acts), records_of(acts)),
        "course_span_s": TwinMeasure(span(acts) // SECOND, records_of(acts)),
        "course_max_28d": fullest(m.openers(acts), acts, 28 * DAY),
        "refused_occasions": occasions_after(m, m.notice),
        "initiatives_since_notice": TwinMeasure(len(since), records_of(since)) if first is not None else UNKNOWN,
    }


# -- 5: near her ----------------------------------------------------------------------------------------------------


def near_her(m: Measuring) -> dict[str, TwinMeasure]:
    presence = [a for a in m.law if a.is_presence]
    at_places = [a for a in presence if a.place is not None]
    visits = [a for a in at_places if a.manner == "visit"]
    possible = [a for a in m.sets.possible if a.ts_min >= m.case.valid_from]
    encounters = [a for a in presence if a.manner in ("seen", "met") and a.place is None]
    weeks = sorted({week_of(a) for a in at_places})
    by_week = [[a for a in at_places if week_of(a) == w] for w in weeks]
    longest = max(presence, key=lambda a: (a.ts_end - a.ts) // SECOND, default=None)
    longest_s = (longest.ts_end - longest.ts) // SECOND if longest is not None else 0
    measures = {
        "visits": replace(counting(visits), parts=visits_by_place(m, visits, possible)),
        "expected_visits_permille": TwinMeasure(sum(chance_of(v) for v in (*visits, *possible)), records_of(visits)),
        "presence_days": TwinMeasure(days(presence), records_of(presence)),
        "presence_max_week": counting(max(by_week, key=len, default=[])),
        "dwell_longest_s": TwinMeasure(longest_s, records_of([longest] if longest and longest_s else [])),
        "night_presence": counting(at_night(presence)),
        "encounters": counting(encounters),
        "encounter_spots": TwinMeasure(
            len(spots(encounters)), records_of(a for a in encounters if a.lat is not None and a.lon is not None)
        ),
        "following": counting([a for a in presence if a.manner == "followed" or a.moves]),
        "role_place_acts": counting([a for a in presence if is_exempt(a, m.contact)]),
        "tracker_co_travel": tracker_co_travel(m),
    }
    if not can_show_presence(m.contact, m.case, m.as_of):
        # what was seen was seen; what was not seen cannot be told
        measures = {name: x if x.value else replace(x, value=None) for name, x in measures.items()}
        if measures["visits"].value is None:
            measures["expected_visits_permille"] = replace(measures["expected_visits_permille"], value=None)
    met = [a for a in encounters if a.manner == "met"]
    chance = chance_level(m, at_places=False) if met else None
    return {
        **measures,
        "encounter_chance_permille": TwinMeasure(chance, records_of(met)),
        "shared_place_chance_permille": TwinMeasure(
            chance_level(m, at_places=True), records_of(v for v in visits if shared_rows(m) & set(v.records))
        ),
    }


def chance_of(visit: Act) -> int:
    assert visit.chance is not None
    return visit.chance


def visits_by_place(m: Measuring, visits: Sequence[Act], possible: Sequence[Act]) -> list[dict[str, Any]]:
    """Return a part for each place with a visit, a possible one, or of which the contact's rows cannot say."""
    rows = [p for p in m.live_positions("contact") if p["kind"] not in SIGHTINGS]
    parts: list[dict[str, Any]] = []
    for place in sorted(m.case.places, key=lambda p: str(p["place_id"])):
        sure = [v for v in visits if v.place is not None and v.place["place_id"] == place["place_id"]]
        maybe = [v for v in possible if v.place is not None and v.place["place_id"] == place["place_id"]]
        coarse = [r for r in rows if r["accuracy_m"] is not None and r["accuracy_m"] > place["radius_m"]]
        likely = sum(chance_of(v) for v in (*sure, *maybe))
        if not sure and rows and len(coarse) == len(rows):
            # smaller than the error of every row: nothing shows a visit, nothing that there was none
            parts.append({"visits": None, "days": None, "dwell_s": None})
        elif sure or maybe:
            dwell = sum(v.ts_end - v.ts for v in sure)
            parts.append({"visits": len(sure), "days": days(sure), "dwell_s": dwell // SECOND})
        else:
            continue
        parts[-1] |= {"place": place["place_id"], "likely_permille": likely}
    return parts


def spots(encounters: Sequence[Act]) -> list[Act]:
    """Return the encounters that are further than ``spot_m`` from every spot so far: each is a new spot."""
    found: list[Act] = []
    for act in encounters:
        if act.lat is not None and act.lon is not None and all(away(act, s) > NUMBERS["spot_m"] for s in found):
            found.append(act)
    return found


def away(a: Act, b: Act) -> int:
    assert a.lat is not None and a.lon is not None and b.lat is not None and b.lon is not None
    return distance_m(a.lat, a.lon, b.lat, b.lon)


def tracker_co_travel(m: Measuring) -> TwinMeasure:
    """7, of the trackers that are attributed to this contact, from the rows of their acts of L."""
    acts = [a for a in m.law if a.manner == "tracker"]
    travelling = []
    for tracker in {a.tracker for a in acts}:
        own = [a for a in acts if a.tracker == tracker]
        ids = records_of(own)
        if travels_with_owner([p for p in m.case.positions if p["position_id"] in ids]):
            travelling.append(own)
    return TwinMeasure(len(travelling), records_of(a for own in travelling for a in own))


def travels_with_owner(sightings: Sequence[Row]) -> bool:
    """7: whether a tracker was sighted often enough, at enough places, for long enough, within the window."""
    ordered = in_time_order(sightings)
    for first in ordered:
        end = first["ts"] + NUMBERS["tracker_window_s"] * SECOND
        held = [r for r in ordered[ordered.index(first) :] if r["ts"] <= end]
        places: list[Row] = []
        for row in held:
            if row["lat"] is None or row["lon"] is None or (row["accuracy_m"] or 0) > NUMBERS["tracker_accuracy_m"]:
                continue
            if all(
                distance_m(row["lat"], row["lon"], p["lat"], p["lon"]) > NUMBERS["tracker_apart_m"] for p in places
            ):  # fmt: skip
                places.append(row)
        if (
            len(held) >= NUMBERS["tracker_sightings"]
            and len(places) >= NUMBERS["tracker_places"]
            and held[-1]["ts"] - first["ts"] >= NUMBERS["tracker_span_s"] * SECOND
        ):
            return True
    return False


def linked_trackers(sightings: Sequence[Row]) -> set[tuple[str, str]]:
    """7: which unattributed ids may be one tag that changed its id: pairs of the id before and the id after.

    The nearest in time are linked first; each id links to at most one before and one after. Equally near ones go by
    their ids.
    """
    by_id: dict[str, list[Row]] = {}
    for row in in_time_order(sightings):
        by_id.setdefault(row["subject_id"], []).append(row)
    near = []
    for one, other in permutations(by_id, 2):
        last, first = by_id[one][-1], by_id[other][0]
        gap = first["ts"] - last["ts"]
        if None in (last["lat"], last["lon"], first["lat"], first["lon"]):
            continue
        metres = distance_m(last["lat"], last["lon"], first["lat"], first["lon"])
        if 0 < gap <= NUMBERS["tracker_link_s"] * SECOND and metres <= NUMBERS["tracker_link_m"]:
            near.append((gap, one, other))
    links: set[tuple[str, str]] = set()
    for _, one, other in sorted(near):
        if all(one != before and other != after for before, after in links):
            links.add((one, other))
    return links


@dataclass
class TrackRow:
    """A usable row of a track on its own local day: begin and end are µs of the local clock since that midnight."""

    row: Row
    day: date
    begin: int
    end: int
    place: str | None


def track(rows: Iterable[Row], m: Measuring) -> dict[date, list[TrackRow]]:
    """Return the usable rows by day of their own local clock, in order."""
    found: dict[date, list[TrackRow]] = {}
    for row in in_time_order(r for r in rows if is_usable(r, m.case)):
        place = place_by_coordinates(row, m.case)
        local = row["ts"] + row["utc_offset"] * SECOND
        begin = local % DAY
        # what a row says of the time from the scoring moment on has not happened; nothing reaches past midnight
        end = min(begin + min(row["ts_end"], m.as_of) - row["ts"], DAY)
        day = date(1970, 1, 1) + timedelta(days=local // DAY)
        found.setdefault(day, []).append(
            TrackRow(row, day, begin, end, place["place_id"] if place is not None else None)
        )  # fmt: skip
    return found


def are_together(his: TrackRow, hers: TrackRow, m: Measuring, at_places: bool) -> bool:
    if apart(his.begin, his.end, hers.begin, hers.end) > NUMBERS["encounter_s"] * SECOND:
        return False
    if at_places:
        return his.place is not None and his.place == hers.place
    metres = distance_m(his.row["lat"], his.row["lon"], hers.row["lat"], hers.row["lon"])
    return his.place is None and metres <= m.case.numbers["encounter_m"]


def near_rows(his: Sequence[TrackRow], hers: Sequence[TrackRow], m: Measuring, at_places: bool) -> list[bool]:
    return [any(are_together(r, h, m, at_places) for h in hers) for r in his]


def runs_of_day(his: Sequence[TrackRow], hers: Sequence[TrackRow], m: Measuring, at_places: bool) -> int:
    """Return the number of encounters had both tracks been on one day."""
    runs: list[list[TrackRow]] = [[]]
    for row, near in zip(his, near_rows(his, hers, m, at_places), strict=True):
        last = runs[-1][-1] if runs[-1] else None
        pause = m.case.numbers["run_pause_s"] * SECOND
        if not near or (last is not None and (row.begin - last.end > pause or row.place != last.place)):
            runs.append([])
        if near:
            runs[-1].append(row)
    return sum(len({moment for r in run for moment in (r.begin, r.end)}) > 1 for run in runs)


def both_tracks(m: Measuring) -> tuple[dict[date, list[TrackRow]], dict[date, list[TrackRow]]]:
    """Return the tracks of contact and owner by day; of the contact's days only the last ones."""
    his, hers = track(m.live_positions("contact"), m), track(m.live_positions("owner"), m)
    if his:
        oldest = max(his) - timedelta(weeks=NUMBERS["chance_max_weeks"])
        his = {day: rows for day, rows in his.items() if day > oldest}
    return his, hers


def shared_rows(m: Measuring) -> set[str]:
    """Return the ids of the contact's rows at a place of the owner while she is there."""
    his, hers = both_tracks(m)
    return {
        r.row["position_id"]
        for day, rows in his.items()
        for r, near in zip(rows, near_rows(rows, hers.get(day, []), m, at_places=True), strict=True)
        if near
    }


def chance_level(m: Measuring, at_places: bool) -> int | None:
    """Return the share of draws of shuffled days that give at least as many encounters as the true order."""
    his, hers = both_tracks(m)
    if any(len({monday_of(d) for d in days_of}) < NUMBERS["chance_weeks"] for days_of in (his, hers)):
        return None

    memo: dict[tuple[date, date], int] = {}

    def together(c: date, o: date) -> int:
        if (c, o) not in memo:
            memo[c, o] = runs_of_day(his[c], hers.get(o, []), m, at_places)
        return memo[c, o]

    truth = sum(together(day, day) for day in his)
    if at_places and truth == 0:
        return None

    def place_in_draw(draw: int, day: date) -> bytes:
        return hashlib.sha256(f"{draw}|{m.contact['contact_id']}|{day.isoformat()}".encode()).digest()

    draws = NUMBERS["chance_draws"]
    as_many = 1
    for draw in range(1, draws + 1):
        found = 0
        for number in range(7):
            own = sorted(day for day in his if day.weekday() == number)
            shuffled = sorted(own, key=lambda day: place_in_draw(draw, day))
            found += sum(together(c, o) for c, o in zip(shuffled, own, strict=True))
        as_many += found >= truth
    return -(-1000 * as_many // (1 + draws))


# -- 6: other conduct -----------------------------------------------------------------------------------------------

KINDS = {
    "gifts": "gift", "deliveries": "delivery", "payments": "payment", "views": "view", "requests": "request",
    "mentions": "mention", "emails": "email", "account_access": "account_access", "third_party_acts": "third_party",
}  # fmt: skip


def other_conduct(m: Measuring) -> dict[str, TwinMeasure]:
    found: dict[str, TwinMeasure] = {}
    for name, kind in KINDS.items():
        acts = [a for a in m.law if a.kind == kind]
        said = sum(a.journal for a in acts)
        parts = [{"how": "journal", "acts": said}, {"how": "record", "acts": len(acts) - said}]
        found[name] = replace(counting(acts), parts=[part for part in parts if part["acts"]])
        if not acts and not could_show(m.case, kind):
            found[name] = replace(found[name], value=None)
    access = [a for a in m.law if a.kind == "account_access"]
    busiest = fullest(access, access, DAY)
    if not access and not could_show(m.case, "account_access"):
        busiest = replace(busiest, value=None)
    return {**found, "access_max_24h": busiest}


def could_show(case: Any, kind: str) -> bool:
    """Whether a source of the case can hold events of this kind: its coverage names the class, or it is a journal."""
    return any(kind in row["classes"].split() or row["channel"] == "journal" for row in case.coverage)


# -- 8: what speaks against -----------------------------------------------------------------------------------------


def speaks_against(m: Measuring) -> dict[str, TwinMeasure]:
    law = m.law
    events = [a for a in law if not a.is_presence]
    office = [
        a for a in timed(law)
        if weekday(a) < 5 and NUMBERS["office_from_h"] <= hour(a) < NUMBERS["office_to_h"]
    ]  # fmt: skip
    hers = [o for o in m.sets.walk.outgoing if o.kind in TRAFFIC]
    heavier = len(hers) - sum(a.kind in TRAFFIC for a in m.sets.every)
    return {
        "template_permille": template(m),
        "office_permille": share_with_interval(office, timed(law)),
        "number_pool": number_pool(law),
        "code_acts": counting([a for a in law if (a.identifier or "").startswith(("alpha:", "short:"))]),
        "group_permille": share([a for a in events if not a.direct], events),
        "emergency_permille": emergency(m),
        "new_line": new_line(m),
        "role_reason": TwinMeasure(
            int(m.contact["role"] in ("service", "lawful_role", "employer", "co_parent"))
            if m.contact["declared"]
            else None,
            set(),
        ),
        "owner_heavier": TwinMeasure(heavier, records_of(hers)) if heavier > 0 else TwinMeasure(0, set()),
    }


def template(m: Measuring) -> TwinMeasure:
    openers = timed(m.openers(m.law))
    if len(openers) < NUMBERS["template_openers"]:
        return UNKNOWN
    left, parts = list(openers), []
    for _ in range(NUMBERS["template_slots"]):
        slots = []
        for number in range(7):
            for from_h in range(22):
                held = [o for o in left if weekday(o) == number and from_h <= hour(o) < from_h + 3]
                if len({week_of(o) for o in held}) >= NUMBERS["template_weeks"]:
                    slots.append((number, from_h, held))
        if not slots:
            break
        number, from_h, held = max(slots, key=lambda slot: len(slot[2]))  # of equal ones the first
        parts.append({"weekday": WEEKDAYS[number], "from_h": from_h, "openers": len(held)})
        left = [o for o in left if o not in held]
    taken = [o for o in openers if o not in left]
    return replace(share(taken, openers), parts=parts)


def number_pool(law: Sequence[Act]) -> TwinMeasure:
    numbers = sorted({a.identifier for a in law if a.identifier is not None and a.identifier.startswith("+")})
    pools = [list(pool) for _, pool in groupby(numbers, key=lambda number: number[: -NUMBERS["pool_digits"]])]
    largest = max(pools, key=len, default=[])  # of equal ones the first in order of text
    if len(largest) < 2:
        return TwinMeasure(0, set())
    return TwinMeasure(len(largest), records_of(a for a in law if a.identifier in largest))


def emergency(m: Measuring) -> TwinMeasure:
    law = m.law
    if not law:
        return UNKNOWN
    length = NUMBERS["emergency_window_s"] * SECOND
    _, begin = fullest_window([a.ts for a in law], length)
    held = [a for a in law if begin <= a.ts < begin + length]
    until = begin + length + NUMBERS["reply_window_s"] * SECOND
    called_back = any(begin <= o.ts <= until for o in m.sets.walk.outgoing)
    if len(held) >= NUMBERS["emergency_acts"] and 5 * len(held) >= 4 * len(law) and called_back:
        return share(held, law)
    return TwinMeasure(0, set())


def new_line(m: Measuring) -> TwinMeasure:
    named = [e for e in m.case.events if e["owner_line"] is not None and is_live(e, m.as_of)]
    named.sort(key=lambda e: (e["ts"], e["source_id"], e["n"], row_sub(e["event_id"])))
    first_of: dict[str, Row] = {}
    for event in named:
        first_of.setdefault(event["owner_line"], event)
    act = next((a for a in m.sets.every if a.owner_line is not None), None)
    if act is None or act.owner_line is None or len(first_of) < 2:
        return UNKNOWN
    is_new = act.owner_line != named[0]["owner_line"]
    soon = act.ts - first_of[act.owner_line]["ts"] <= NUMBERS["recycled_s"] * SECOND
    return yes(is_new and soon, [act])


# -- the whole case -------------------------------------------------------------------------------------------------

SECTIONS: tuple[Callable[[Measuring], Mapping[str, TwinMeasure]], ...] = (
    how_often, growing_or_fading, when, refusals, one_sided, near_her, other_conduct, speaks_against,
)  # fmt: skip


def first_row_of(sets: Iterable[Sets]) -> int | None:
    """Return the moment of the case's first row: its earliest act or outgoing row, of any contact."""
    return min((step.ts for s in sets for step in s.walk.steps), default=None)


def measure_case(tables: Any, valid_from: int, as_of: int) -> dict[str, dict[str, TwinMeasure]]:
    """Measure every contact of a case by docs/measures.md, slowly.

    Parameters
    ----------
    tables : detector.model.CaseTables
        The resolved tables.
    valid_from : int
        First moment of the statute, µs UTC.
    as_of : int
        Scoring moment, µs UTC: what happened at it or later does not exist.

    Returns
    -------
    dict
        Contact id to indicator id to measure, in the order of the contact ids; only contacts that have a finding.
    """
    case = read_case(tables, {}, valid_from)
    sets = {
        c["contact_id"]: sets_of(c, case, as_of, notices_of(c["contact_id"], case, as_of)) for c in case.contacts
    }  # fmt: skip
    first_row = first_row_of(sets.values())
    found: dict[str, dict[str, TwinMeasure]] = {}
    for contact in sorted(case.contacts, key=lambda c: c["contact_id"]):
        own = sets[contact["contact_id"]]
        if own.walk.steps or contact["declared"]:
            m = Measuring(contact, case, as_of, own, first_row)
            found[contact["contact_id"]] = {name: x for section in SECTIONS for name, x in section(m).items()}
    return found
