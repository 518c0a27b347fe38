"""The slow, obvious twin of ``detector/``: the rules of ``docs/rules.md`` as plain Python over lists of dicts.

It is written to be read beside that page by somebody who knows the law better than NumPy. Each function carries the
number of the section it spells out. Nothing here is clever: sets of acts are lists, every count is made by walking,
``first_met`` is found by scoring the case again at every act. It shares no code with ``detector/``.

All times are integers, µs UTC. Shares are compared by multiplying across, never by dividing.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import cache
from itertools import pairwise
from typing import Any

from scipy.stats import ncx2  # type: ignore[import-untyped]

from detector.schema import EVENT_KINDS

SECOND = 1_000_000
HOUR = 3_600 * SECOND
DAY = 24 * HOUR

Row = Mapping[str, Any]

#: Every number of docs/rules.md; ``profile_numbers`` of :func:`score_case` replaces single ones.
NUMBERS: dict[str, int] = {
    "occasion_window_s": 3_600,
    "reply_window_s": 86_400,
    "initiative_silence_s": 10_800,
    "conversation_s": 60,
    "notice_itself_s": 3_600,
    "run_pause_s": 1_800,
    "visit_min_s": 300,
    "worst_accuracy_m": 200,
    "bar_permille": 500,
    "encounter_m": 100,
    "encounter_s": 300,
    "encounter_accuracy_m": 100,
    "spot_m": 500,
    "habit_weeks": 3,
    "overtaken_initiative_days": 5,
    "contested_days": 10,
    "contested_span_s": 56 * 86_400,
    "contested_talk_days": 5,
    "contested_initiative_days": 3,
    "repeated_occasions": 3,
    "repeated_days": 2,
    "systematic_occasions": 3,
    "systematic_days": 3,
    "systematic_span_s": 7 * 86_400,
    "attempt_occasions": 1,
    "tracking_occasions": 1,
    "against_will_occasions": 2,
    "strong_occasions": 10,
    "strong_span_s": 14 * 86_400,
    "very_strong_occasions": 30,
    "very_strong_days": 3,
    "recent_s": 90 * 86_400,
    "recent_occasions": 10,
    "isolated_occasions": 3,
}

#: 1: kinds of events that are an attempt to reach the owner (and, from her side, outgoing)
REACHING = {"call", "message", "email", "request", "mention", "delivery", "gift", "payment", "third_party"}
TRAFFIC = {"call", "message", "email", "request"}
CALLS_MESSAGES_REQUESTS = {"call", "message", "request"}
SIGHTINGS = {"seen", "waited", "followed", "entered"}
PURSUING = {"waited", "followed", "entered"}
RUN_KINDS = {"fix", "path", "share", "check_in"}
#: kinds of rows of which the tracks of contact and owner consist
TRACK_KINDS = RUN_KINDS | {"visit"}
#: 5: kinds of places that go with a role
PLACES_OF_ROLE = {
    "neighbour": {"home"}, "family": {"home"}, "relative": {"home"}, "colleague": {"work"},
    "co_parent": {"home", "school"},
}  # fmt: skip
EARTH_RADIUS_M = 6_371_008.8


@dataclass(eq=False)
class Act:
    """One act of a contact: an event, or presence (then ``kind`` is ``presence`` and ``manner`` says how)."""

    kind: str
    manner: str | None
    ts: int
    ts_min: int
    ts_max: int
    ts_end: int
    utc_offset: int
    source_id: str
    n: int
    sub: int
    journal: bool
    precision: str
    records: tuple[str, ...]  # the ids of every row that it rests on
    # events
    answered: bool = False
    duration_s: int | None = None
    answered_value: bool | None = None
    identifier: str | None = None
    channel: str | None = None
    direct: bool = False
    owner_line: str | None = None
    tags: frozenset[str] = frozenset()
    # presence
    place: Row | None = None
    spot: str | None = None
    lat: float | None = None
    lon: float | None = None
    chance: int | None = None  # permille, of visits
    moves: bool = False
    tracker: str | None = None

    @property
    def is_presence(self) -> bool:
        return self.kind == "presence"


@dataclass(eq=False)
class Outgoing:
    """One outgoing row of the owner to a contact."""

    kind: str
    ts: int
    ts_min: int
    utc_offset: int
    source_id: str
    n: int
    sub: int
    records: tuple[str, ...]


Step = Act | Outgoing


@dataclass
class TwinFinding:
    """What the rules say of one contact; counts are over L unless the name or ``docs/rules.md`` says otherwise.

    A count is None where nothing in the case could have shown the thing counted (silence is no evidence), or where it
    is counted from a notice and there is none.
    """

    verdict: str
    otherwise: str | None
    elements: dict[str, str]
    first_met: int | None
    first_repeated: int | None
    acts: int
    occasions: int
    active_days: int
    active_weeks: int
    span_s: int
    longest_pause_s: int
    occasions_max_28d: int
    acts_max_24h: int
    identifiers: int
    channels: int
    missed_calls: int
    rejected_calls: int
    blocked_calls: int
    attempt_occasions: int | None
    presence_acts: int | None
    visited_places: int | None
    dwell_s: int | None
    habitual_acts: int | None
    tracking_occasions: int | None
    unanswered_occasions: int
    unwanted_occasions: int
    unwanted_days: int
    unwanted_span_s: int
    after_notice_acts: int | None
    after_notice_occasions: int | None
    days_to_first_after_notice_s: int | None
    replies: int
    initiatives: int
    conversations: int
    outgoing: int
    replies_after_notice: int | None
    initiatives_after_notice: int | None
    conversations_after_notice: int | None
    outgoing_after_notice: int | None
    before_law_acts: int
    before_law_occasions: int


#: the fields of a finding that are numbers, under the names of the detector's indicators
COUNTS = tuple(
    name
    for name in TwinFinding.__dataclass_fields__
    if name not in ("verdict", "otherwise", "elements", "first_met", "first_repeated")
)


@dataclass
class Case:
    """The tables of a case as lists of dicts, and the numbers that the rules use."""

    events: list[dict[str, Any]]
    positions: list[dict[str, Any]]
    notices: list[dict[str, Any]]
    places: list[dict[str, Any]]
    contacts: list[dict[str, Any]]
    coverage: list[dict[str, Any]]
    numbers: dict[str, int]
    valid_from: int


# -- the calendar and the globe -------------------------------------------------------------------------------------


def local_time(step: Step) -> datetime:
    """Return the reading of the owner's clock at the step."""
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=step.ts + step.utc_offset * SECOND)


def day_of(step: Step) -> date:
    return local_time(step).date()


def week_of(step: Step) -> tuple[int, int]:
    """Return ISO year and week."""
    year, week, _ = local_time(step).isocalendar()
    return year, week


def days(steps: Iterable[Step]) -> int:
    """Return the number of different local days."""
    return len({day_of(s) for s in steps})


def span(steps: Sequence[Step]) -> int:
    """Return last minus first, in µs; 0 for none."""
    return max(s.ts for s in steps) - min(s.ts for s in steps) if steps else 0


@cache
def distance_m(lat1: float, lon1: float, lat2: float, lon2: float) -> int:
    """Return the great-circle distance (haversine), rounded to whole metres."""
    p1, p2 = math.radians(lat1), math.radians(lat2)
    half = math.sin((p2 - p1) / 2) ** 2
    half += math.cos(p1) * math.cos(p2) * math.sin(math.radians(lon2 - lon1) / 2) ** 2
    return round(2 * EARTH_RADIUS_M * math.asin(min(1.0, math.sqrt(half))))


# -- 1: which rows take part ----------------------------------------------------------------------------------------


def row_sub(row_id: str) -> int:
    """Return which row of its record it is: ``a#7`` is 1, ``a#7.2`` is 2."""
    _, dot, sub = row_id.rpartition("#")[2].partition(".")
    return int(sub) if dot else 1


def is_live(row: Row, as_of: int) -> bool:
    """Rows from the scoring moment on do not exist; a witness takes no part."""
    return bool(row["ts"] < as_of) and row["duplicate_of"] is None


def is_act_row(row: Row) -> bool:
    return row["direction"] == "in" and row["directed"] == "yes" and row["kind"] not in ("block", "unblock")


def is_the_notice_itself(row: Row, notices: Sequence[Row], numbers: Mapping[str, int]) -> bool:
    """Whether an outgoing row is the owner's saying of the notice: up to an hour before or after it."""
    margin = numbers["notice_itself_s"] * SECOND
    return any(notice["ts_min"] - margin <= row["ts"] <= notice["ts_max"] + margin for notice in notices)


def is_outgoing_row(row: Row) -> bool:
    return (
        row["direction"] == "out"
        and row["thread_kind"] in ("direct", "unknown")
        and row["status"] not in ("failed", "pending")
        and row["kind"] in REACHING
    )


def place_by_coordinates(row: Row, case: Case) -> dict[str, Any] | None:
    """Return the place at which a point lies: of several the nearest, then the smaller id."""
    if row["lat"] is None or row["lon"] is None:
        return None
    accuracy = row["accuracy_m"]
    if accuracy is not None and accuracy > case.numbers["worst_accuracy_m"]:
        return None
    found = []
    for place in case.places:
        if not place["ts_from"] <= row["ts"] < place["ts_to"]:
            continue
        away = distance_m(row["lat"], row["lon"], place["lat"], place["lon"])
        if away <= place["radius_m"] + (accuracy or 0.0):
            found.append((away, place["place_id"], place))
    return min(found, key=lambda f: (f[0], f[1]))[2] if found else None


def place_of_sighting(row: Row, case: Case) -> dict[str, Any] | None:
    """Return the declared place that a person wrote down, else the place found by the coordinates."""
    for place in case.places:
        if place["place_id"] == row["place_id"] and place["ts_from"] <= row["ts"] < place["ts_to"]:
            return place
    return place_by_coordinates(row, case)


@cache
def chance_inside(away_m: int, radius_m: float, accuracy_m: float | None, accuracy_kind: str) -> int:
    """Return the chance, in permille, that a subject was inside a circle, given where its row says that it was.

    The row's error is a round normal distribution: the square of the distance of the true point from the centre, in
    units of sigma squared, has the noncentral chi-square distribution of two degrees of freedom with noncentrality
    (away / sigma) squared.
    """
    if accuracy_m is None:
        return 1000 if away_m <= radius_m else 0
    outside = 0.05 if accuracy_kind in ("r95", "radius") else 0.32
    sigma = accuracy_m / math.sqrt(-2 * math.log(outside))
    if abs(away_m - radius_m) > 10 * sigma:
        return 1000 if away_m < radius_m else 0
    chance = float(ncx2.cdf((radius_m / sigma) ** 2, 2, (away_m / sigma) ** 2))
    return math.floor(1000 * chance + 0.5)


def chance_of_run(rows: Sequence[Row], place: Row) -> int:
    """Return the mean of the chances of the rows of a visit, rounded half up."""
    chances = [
        chance_inside(
            distance_m(row["lat"], row["lon"], place["lat"], place["lon"]), place["radius_m"], row["accuracy_m"],
            row["accuracy_kind"],
        )
        for row in rows
    ]  # fmt: skip
    return (2 * sum(chances) + len(chances)) // (2 * len(chances))


def event_act(row: Row) -> Act:
    return Act(
        kind=row["kind"], manner=None, ts=row["ts"], ts_min=row["ts_min"], ts_max=row["ts_max"], ts_end=row["ts"],
        utc_offset=row["utc_offset"], source_id=row["source_id"], n=row["n"], sub=row_sub(row["event_id"]),
        journal=row["how"] == "journal", precision=row["ts_precision"], records=(row["event_id"],),
        answered=row["answered"] is True, answered_value=row["answered"], duration_s=row["duration_s"],
        identifier=row["identifier"], channel=row["channel"], direct=row["thread_kind"] in ("direct", "unknown"),
        owner_line=row["owner_line"], tags=frozenset((row["tags"] or "").split()),
    )  # fmt: skip


def outgoing_step(row: Row) -> Outgoing:
    return Outgoing(
        kind=row["kind"], ts=row["ts"], ts_min=row["ts_min"], utc_offset=row["utc_offset"], source_id=row["source_id"],
        n=row["n"], sub=row_sub(row["event_id"]), records=(row["event_id"],),
    )  # fmt: skip


def presence_act(rows: Sequence[Row], manner: str, place: Row | None, as_of: int) -> Act:
    """Make one act of the rows of an episode, in order: begins with the first, ends with the last.

    What a row says of the time from ``as_of`` on has not happened yet.
    """
    first, last = rows[0], rows[-1]
    return Act(
        kind="presence", manner=manner, ts=first["ts"], ts_min=first["ts_min"], ts_max=first["ts_max"],
        ts_end=min(last["ts_end"], as_of), utc_offset=first["utc_offset"], source_id=first["source_id"], n=first["n"],
        sub=row_sub(first["position_id"]), journal=any(r["how"] == "journal" for r in rows),
        precision=first["ts_precision"], records=tuple(r["position_id"] for r in rows), identifier=first["identifier"],
        channel="in_person", place=place, spot=first["place_id"], lat=first["lat"], lon=first["lon"],
        tracker=(first["subject_id"] or "") if first["subject"] == "tracker" else None,
    )  # fmt: skip


def in_time_order(rows: Iterable[Row]) -> list[Row]:
    return sorted(rows, key=lambda r: (r["ts"], r["source_id"], r["n"], row_sub(r["position_id"])))


def is_usable(row: Row, case: Case) -> bool:
    """Whether a row of a track is exact enough to say who was near whom."""
    return (
        row["kind"] in TRACK_KINDS
        and row["lat"] is not None
        and row["lon"] is not None
        and (row["accuracy_m"] is None or row["accuracy_m"] <= case.numbers["encounter_accuracy_m"])
    )


def apart(begin1: int, end1: int, begin2: int, end2: int) -> int:
    """Return the time between two intervals, 0 where they touch."""
    return max(0, begin2 - end1, begin1 - end2)


def is_near(row: Row, owner_rows: Sequence[Row], case: Case) -> bool:
    """Whether a usable row of a contact is an encounter with the owner: on the way, close in space and in time."""
    if place_by_coordinates(row, case) is not None:
        return False
    return any(
        distance_m(row["lat"], row["lon"], hers["lat"], hers["lon"]) <= case.numbers["encounter_m"]
        and apart(row["ts"], row["ts_end"], hers["ts"], hers["ts_end"]) <= case.numbers["encounter_s"] * SECOND
        for hers in owner_rows
    )


def moves(rows: Sequence[Row], numbers: Mapping[str, int]) -> bool:
    """Whether an encounter goes on over more than one spot."""
    first = rows[0]
    return any(distance_m(first["lat"], first["lon"], r["lat"], r["lon"]) > numbers["spot_m"] for r in rows)


def encounters_by_tracks(rows: Sequence[Row], owner_rows: Sequence[Row], case: Case, as_of: int) -> list[Act]:
    """Return the acts of manner met: runs of near rows of one contact."""
    acts = []
    run: list[Row] = []

    def end_of_run() -> None:
        moments = {moment for r in run for moment in (r["ts"], min(r["ts_end"], as_of))}
        if len(moments) > 1:
            act = presence_act(run, "met", None, as_of)
            act.moves = moves(run, case.numbers)
            acts.append(act)

    hers = [r for r in owner_rows if is_usable(r, case)]
    for row in in_time_order(r for r in rows if r["subject"] == "contact" and is_usable(r, case)):
        near = is_near(row, hers, case)
        if run and not (near and row["ts"] - run[-1]["ts_end"] <= case.numbers["run_pause_s"] * SECOND):
            end_of_run()
            run = []
        if near:
            run.append(row)
    end_of_run()
    return acts


@dataclass
class Presence:
    """The acts of presence of one contact, and the visits that miss only the bar."""

    acts: list[Act] = field(default_factory=list)
    possible: list[Act] = field(default_factory=list)


def presence_of(rows: Sequence[Row], owner_rows: Sequence[Row], case: Case, as_of: int) -> Presence:
    """Return what the position rows of one contact make, beside those of the owner."""
    found = Presence()
    pause = case.numbers["run_pause_s"] * SECOND

    def visit(rows_of_it: Sequence[Row], place: Row) -> None:
        act = presence_act(rows_of_it, "visit", place, as_of)
        act.chance = chance_of_run(rows_of_it, place)
        (found.acts if act.chance >= case.numbers["bar_permille"] else found.possible).append(act)

    for row in rows:
        if row["subject"] != "contact":
            continue
        if row["kind"] in SIGHTINGS:
            found.acts.append(presence_act([row], row["kind"], place_of_sighting(row, case), as_of))
        elif row["kind"] == "visit":
            place = place_by_coordinates(row, case)
            if place is not None:
                visit([row], place)

    # fixes and the like: a run at one place is one visit, a single fix is none
    run: list[Row] = []
    at: dict[str, Any] | None = None

    def end_of_run() -> None:
        if at is not None and len(run) >= 2 and run[-1]["ts"] - run[0]["ts"] >= case.numbers["visit_min_s"] * SECOND:
            visit(run, at)

    tells = [r for r in rows if r["lat"] is not None and r["lon"] is not None]
    tells = [r for r in tells if r["accuracy_m"] is None or r["accuracy_m"] <= case.numbers["worst_accuracy_m"]]
    for row in in_time_order(r for r in tells if r["subject"] == "contact" and r["kind"] in RUN_KINDS):
        place = place_by_coordinates(row, case)
        goes_on = (
            bool(run)
            and place is not None
            and at is not None
            and place["place_id"] == at["place_id"]
            and row["ts"] - run[-1]["ts_end"] <= pause
        )
        if not goes_on:
            end_of_run()
            run, at = [], place
        run.append(row)
    end_of_run()

    found.acts += encounters_by_tracks(rows, owner_rows, case, as_of)

    # an attributed tracker travels with the owner: where it is says nothing of a place, so its acts have none
    for tracker in sorted({r["subject_id"] or "" for r in rows if r["subject"] == "tracker"}):
        episode: list[Row] = []
        seen = [r for r in rows if r["subject"] == "tracker" and (r["subject_id"] or "") == tracker]
        for row in in_time_order(seen):
            if episode and row["ts"] - episode[-1]["ts_end"] > pause:
                found.acts.append(presence_act(episode, "tracker", None, as_of))
                episode = []
            episode.append(row)
        found.acts.append(presence_act(episode, "tracker", None, as_of))
    return found


def in_order(steps: Sequence[Step]) -> list[Step]:
    """Order the acts and outgoing rows of one contact (1, *Order*)."""
    outgoing: dict[tuple[str, int], list[tuple[int, int]]] = {}
    for step in steps:
        if isinstance(step, Outgoing):
            outgoing.setdefault((step.source_id, step.ts), []).append((step.n, step.sub))

    def key(step: Step) -> tuple[int, int, int, str, int, int]:
        at_this_moment = outgoing.get((step.source_id, step.ts), [])
        before = sum(place < (step.n, step.sub) for place in at_this_moment)
        return step.ts, before, int(isinstance(step, Outgoing)), step.source_id, step.n, step.sub

    return sorted(steps, key=key)


# -- 2: replies, initiatives, unanswered acts -----------------------------------------------------------------------


@dataclass
class Walk:
    """The acts and outgoing rows of one contact in order, and what each of them is."""

    steps: list[Step]
    replies: list[Outgoing] = field(default_factory=list)
    initiatives: list[Outgoing] = field(default_factory=list)
    unanswered: list[Act] = field(default_factory=list)
    conversations: list[Act] = field(default_factory=list)

    @property
    def acts(self) -> list[Act]:
        return [s for s in self.steps if isinstance(s, Act)]

    @property
    def outgoing(self) -> list[Outgoing]:
        return [s for s in self.steps if isinstance(s, Outgoing)]


def is_answered_call(act: Act) -> bool:
    return act.kind == "call" and act.answered


def is_conversation(act: Act, numbers: Mapping[str, int]) -> bool:
    return is_answered_call(act) and (act.duration_s or 0) >= numbers["conversation_s"]


def walk(steps: Sequence[Step], numbers: Mapping[str, int]) -> Walk:
    """Say of every outgoing row whether it is a reply or an initiative, and of every act whether it is unanswered."""
    result = Walk(in_order(steps))
    reply_window = numbers["reply_window_s"] * SECOND
    silence = numbers["initiative_silence_s"] * SECOND

    previous: Outgoing | None = None
    since_previous: list[Act] = []
    for step in result.steps:
        if isinstance(step, Act):
            since_previous.append(step)
            continue
        fresh = [a for a in since_previous if step.ts - a.ts <= reply_window]
        if fresh and not all(a.is_presence for a in fresh):
            result.replies.append(step)
        elif not fresh and (previous is None or step.ts - previous.ts >= silence):
            result.initiatives.append(step)
        previous, since_previous = step, []

    for position, act in enumerate(result.steps):
        if not isinstance(act, Act):
            continue
        answer = next((s for s in result.steps[position + 1 :] if isinstance(s, Outgoing)), None)
        nobody_answered = answer is None or answer.ts - act.ts > reply_window
        if act.is_presence or (not is_answered_call(act) and nobody_answered):
            result.unanswered.append(act)
        if is_conversation(act, numbers):
            result.conversations.append(act)
    return result


# -- 3: occasions ---------------------------------------------------------------------------------------------------


def occasions(acts: Iterable[Act], numbers: Mapping[str, int]) -> list[list[Act]]:
    """Return the occasions of a set of acts, each as the acts that it holds."""
    window = numbers["occasion_window_s"] * SECOND
    found: list[list[Act]] = []
    for act in sorted(acts, key=lambda a: a.ts):
        if not found or act.ts > found[-1][0].ts + window:
            found.append([])
        found[-1].append(act)
    return found


# -- 4: notices -----------------------------------------------------------------------------------------------------


def notices_of(contact_id: str, case: Case, as_of: int) -> list[dict[str, Any]]:
    live = [n for n in case.notices if n["contact_id"] == contact_id and not n["refused"] and n["ts"] < as_of]
    return sorted(live, key=lambda n: (n["ts_max"], n["ts"]))


def is_after(step: Step, notice: Row) -> bool:
    return bool(step.ts_min > notice["ts_max"])


@dataclass
class Since:
    """What happened since a notice."""

    acts: list[Act]
    outgoing: list[Outgoing]
    replies: list[Outgoing]
    initiatives: list[Outgoing]
    conversations: list[Act]
    traffic: int
    outgoing_traffic: int


def since(notice: Row, w: Walk) -> Since:
    acts = [a for a in w.acts if is_after(a, notice)]
    outgoing = [o for o in w.outgoing if is_after(o, notice)]
    hers = sum(o.kind in TRAFFIC for o in outgoing)
    return Since(
        acts=acts, outgoing=outgoing,
        replies=[r for r in w.replies if is_after(r, notice)],
        initiatives=[i for i in w.initiatives if is_after(i, notice)],
        conversations=[c for c in w.conversations if is_after(c, notice)],
        traffic=hers + sum(a.kind in TRAFFIC for a in acts),
        outgoing_traffic=hers,
    )  # fmt: skip


def a_third_is_hers(s: Since) -> bool:
    return 3 * s.outgoing_traffic >= s.traffic


def is_overtaken(notice: Row, w: Walk, numbers: Mapping[str, int]) -> bool:
    s = since(notice, w)
    return days(s.initiatives) >= numbers["overtaken_initiative_days"] and a_third_is_hers(s) and s.traffic > 0


def is_contested(notice: Row, w: Walk, numbers: Mapping[str, int]) -> bool:
    s = since(notice, w)
    hers: list[Step] = [*s.replies, *s.initiatives, *s.conversations]
    mutual_for_weeks = (
        2 * len(hers) >= len(occasions(s.acts, numbers))
        and days(hers) >= numbers["contested_days"]
        and span(hers) >= numbers["contested_span_s"] * SECOND
    )
    talk = [step for step in hers if step.kind != "email"]
    talk_occasions = occasions([a for a in s.acts if a.kind in ("call", "message")], numbers)
    mostly_mutual = (
        len(talk_occasions) > 0
        and 4 * len(talk) >= 3 * len(talk_occasions)
        and days(talk) >= numbers["contested_talk_days"]
    )
    she_writes_too = days(s.initiatives) >= numbers["contested_initiative_days"] and a_third_is_hers(s)
    return mutual_for_weeks or mostly_mutual or she_writes_too


# -- 5: presence that does not count --------------------------------------------------------------------------------


def is_exempt(act: Act, contact: Row) -> bool:
    """Whether the act is at a place of the role or a shared one, in a manner that such a place explains."""
    if not act.is_presence or act.place is None or act.manner in PURSUING or act.manner == "tracker":
        return False
    role_place = act.place["kind"] in PLACES_OF_ROLE.get(contact["role"], set())
    return role_place or contact["contact_id"] in act.place["shared_with"].split()


def habitual_acts(
    acts: Sequence[Act], contact: Row, first_effective: Row | None, numbers: Mapping[str, int]
) -> list[Act]:
    exempt = [a for a in acts if is_exempt(a, contact)]
    builders = [a for a in exempt if first_effective is None or not is_after(a, first_effective)]
    habitual = []
    for act in exempt:
        near = (-1, 0, 1)
        hours = {(local_time(act).hour + d) % 24 for d in near}
        weeks = {week_of(b) for b in builders if same_place(b, act) and local_time(b).hour in hours}
        if len(weeks) >= numbers["habit_weeks"]:
            habitual.append(act)
    return habitual


def same_place(a: Act, b: Act) -> bool:
    return a.place is not None and b.place is not None and a.place["place_id"] == b.place["place_id"]


def different_spots(a: Act, b: Act, numbers: Mapping[str, int]) -> bool:
    """Whether two encounters on the way were at different spots; what nobody wrote down proves no difference."""
    if a.spot is not None and b.spot is not None and a.spot != b.spot:
        return True
    if a.lat is None or a.lon is None or b.lat is None or b.lon is None:
        return False
    return distance_m(a.lat, a.lon, b.lat, b.lon) > numbers["spot_m"]


def tracking_acts(acts: Sequence[Act], contact: Row, numbers: Mapping[str, int]) -> list[Act]:
    """Return the tracking acts of a set from which the habitual acts were taken out."""
    not_exempt = [a for a in acts if a.is_presence and not is_exempt(a, contact)]
    at_places = [a for a in not_exempt if a.place is not None]
    several_places = len({a.place["place_id"] for a in at_places if a.place is not None}) >= 2
    on_the_way = [a for a in not_exempt if a.place is None and a.manner in ("seen", "met")]
    several_spots = any(a.moves or different_spots(a, b, numbers) for a in on_the_way for b in on_the_way)

    def is_tracking(act: Act) -> bool:
        if act.manner in PURSUING or act.manner == "tracker":
            return True
        if act in at_places:
            assert act.place is not None
            return act.place["kind"] == "home" or several_places
        return act in on_the_way and several_spots

    return [a for a in acts if is_tracking(a)]


# -- 6 to 8: one contact at one moment ------------------------------------------------------------------------------


@dataclass
class Moment:
    """Everything that the rules say of one contact, scored as of one moment."""

    walk: Walk
    of_law: list[Act]
    finding: TwinFinding
    repeated_in_law: bool


def without(acts: Iterable[Act], out: Sequence[Act]) -> list[Act]:
    return [a for a in acts if a not in out]


def after_last_own_sign(w: Walk, not_after: Row | None) -> list[Act]:
    """Return the acts that stand after the owner's last outgoing row or conversation.

    With a notice, only outgoing rows, conversations and acts that are not after it are looked at.
    """
    known = [s for s in w.steps if not_after is None or not is_after(s, not_after)]
    signs = [k for k, s in enumerate(known) if isinstance(s, Outgoing) or s in w.conversations]
    return [s for s in known[signs[-1] + 1 if signs else 0 :] if isinstance(s, Act)]


def unwanted_acts(counted: Sequence[Act], w: Walk, first_effective: Row | None) -> list[Act]:
    """U(S), where ``counted`` is E(S)."""
    if first_effective is None:
        return [a for a in counted if a in w.unanswered]
    run = after_last_own_sign(w, first_effective)
    return [a for a in counted if is_after(a, first_effective) or (a in run and not is_answered_call(a))]


def unwanted_occasions(counted: Sequence[Act], unwanted: Sequence[Act], first_effective: Row | None,
                       numbers: Mapping[str, int]) -> list[list[Act]]:  # fmt: skip
    """Return the unwanted occasions of S, each as its unwanted acts; ``counted`` is E(S), ``unwanted`` U(S)."""
    if first_effective is None:
        return occasions(unwanted, numbers)
    held = [[a for a in occasion if a in unwanted] for occasion in occasions(counted, numbers)]
    return [acts for acts in held if acts]


@dataclass
class Sets:
    """The acts of one contact as of one moment, and the sets of them that the rules name (4 to 7)."""

    walk: Walk
    possible: list[Act]  # visits that miss only the bar
    every: list[Act]
    law: list[Act]
    notices: list[dict[str, Any]]
    effective: list[dict[str, Any]]
    first_effective: dict[str, Any] | None
    habitual: list[Act]
    counted_all: list[Act]  # E(all)
    counted_law: list[Act]  # E(L)
    unwanted_all: list[Act]  # U(all)
    unwanted_law: list[Act]  # U(L)
    attempts_all: list[Act]
    attempts_law: list[Act]
    tracking_all: list[Act]
    tracking_law: list[Act]

    @property
    def unanswered_cmr(self) -> list[Act]:
        """The unanswered CMR acts of all."""
        return [a for a in self.walk.unanswered if a.direct and a.kind in CALLS_MESSAGES_REQUESTS]


def sets_of(contact: Row, case: Case, as_of: int, notices_of_the_case: Sequence[Row]) -> Sets:
    """Return the sets of one contact as of one moment.

    ``notices_of_the_case`` are the notices that an outgoing row may turn out to be itself.
    """
    numbers = case.numbers
    mine = [e for e in case.events if e["contact_id"] == contact["contact_id"] and is_live(e, as_of)]
    where = [p for p in case.positions if p["contact_id"] == contact["contact_id"] and is_live(p, as_of)]
    hers = [p for p in case.positions if p["subject"] == "owner" and is_live(p, as_of)]
    presence = presence_of(where, hers, case, as_of)
    steps: list[Step] = [event_act(row) for row in mine if is_act_row(row)]
    steps += presence.acts
    for row in mine:
        if is_outgoing_row(row) and not is_the_notice_itself(row, notices_of_the_case, case.numbers):
            steps.append(outgoing_step(row))

    w = walk(steps, numbers)
    every = w.acts
    law = [a for a in every if a.ts_min >= case.valid_from]
    notices = notices_of(contact["contact_id"], case, as_of)
    effective = [n for n in notices if not is_overtaken(n, w, numbers)]
    first_effective = effective[0] if effective else None
    habitual = habitual_acts(every, contact, first_effective, numbers)
    counted_all, counted_law = without(every, habitual), without(law, habitual)
    return Sets(
        walk=w, possible=presence.possible, every=every, law=law, notices=notices, effective=effective,
        first_effective=first_effective, habitual=habitual, counted_all=counted_all, counted_law=counted_law,
        unwanted_all=unwanted_acts(counted_all, w, first_effective),
        unwanted_law=unwanted_acts(counted_law, w, first_effective),
        attempts_all=[a for a in every if a.kind in REACHING],
        attempts_law=[a for a in law if a.kind in REACHING],
        tracking_all=tracking_acts(counted_all, contact, numbers),
        tracking_law=tracking_acts(counted_law, contact, numbers),
    )  # fmt: skip


def covers_less_than_half(contact: Row, case: Case, as_of: int) -> bool:
    """Whether the sources that could show this contact leave more than half of the time since the law open."""
    begin, end = case.valid_from, as_of
    if end <= begin:
        return False
    own = [e for e in case.events if e["contact_id"] == contact["contact_id"] and is_live(e, as_of)]
    threads = {e["thread_id"] for e in own if e["thread_id"] is not None}
    identifiers = set(contact["identifiers"].split("\n"))
    tracks = {p["source_id"] for p in case.positions if p["contact_id"] == contact["contact_id"] and is_live(p, as_of)}
    intervals = []
    for row in case.coverage:
        shows = (
            row["scope"] == "all"
            or (row["scope"] == "thread" and row["scope_id"] in threads | identifiers)
            or (row["scope"] == "identifier" and row["scope_id"] in identifiers)
        )
        words = set(row["classes"].split())
        if shows and (row["channel"] == "journal" or words & set(EVENT_KINDS) or row["source_id"] in tracks):
            intervals.append((max(row["ts_from"], begin), min(row["ts_to"], end)))
    covered, reached = 0, begin
    for start, stop in sorted(intervals):
        covered += max(0, stop - max(start, reached))
        reached = max(reached, stop)
    return 2 * covered < end - begin


def can_show_events(case: Case) -> bool:
    """Whether any source of the case could hold events: it has one, or covers a class of them."""
    return bool(case.events) or any(set(c["classes"].split()) - {"position"} for c in case.coverage)


def has_journal(case: Case) -> bool:
    """Whether the case holds a journal; the coverage table says so."""
    return any(c["channel"] == "journal" for c in case.coverage)


def can_show_presence(contact: Row, case: Case, as_of: int) -> bool:
    """Whether the case could have shown that a contact was somewhere.

    It holds a journal (the coverage table says so), or a position of a contact or tracker; but positions of this
    contact that are all less exact than every place of the owner is wide cannot say whether the contact was there.
    """
    if has_journal(case):
        return True
    if not any(p["subject"] in ("contact", "tracker") for p in case.positions):
        return False
    own = [
        p for p in case.positions
        if p["contact_id"] == contact["contact_id"] and p["subject"] == "contact" and p["kind"] not in SIGHTINGS
        and is_live(p, as_of)
    ]  # fmt: skip
    too_coarse = [
        p for p in own
        if p["accuracy_m"] is not None and all(p["accuracy_m"] > place["radius_m"] for place in case.places)
    ]  # fmt: skip
    return not (case.places and own and len(too_coarse) == len(own))


def element_statuses(
    case: Case, attempts: int, tracking: int, systematic: bool, after_notice: int | None, presence_known: bool
) -> dict[str, str]:
    """7: the elements of kz-115-1 over L, from numbers of occasions."""

    def status(occasions: int, needed: int, known: bool) -> str:
        if occasions >= needed:
            return "met"
        return "not_met" if known else "unknown"

    numbers = case.numbers
    return {
        "contact_attempts": status(attempts, numbers["attempt_occasions"], can_show_events(case)),
        "tracking": status(tracking, numbers["tracking_occasions"], presence_known),
        "systematic": "met" if systematic else "not_met",
        "against_will": status(after_notice or 0, numbers["against_will_occasions"], after_notice is not None),
        "unlawful": "not_measurable",
        "no_violence": "not_measurable",
        "substantial_harm": "not_measurable",
        "intent": "not_measurable",
    }


def all_met(elements: Mapping[str, str]) -> bool:
    """Whether every required element and group of kz-115-1 is met."""
    conduct = "met" in (elements["contact_attempts"], elements["tracking"])
    return conduct and elements["systematic"] == "met" and elements["against_will"] == "met"


def judge(contact: Row, case: Case, as_of: int, notices_of_the_case: Sequence[Row]) -> Moment:
    """Score one contact as of one moment."""
    numbers = case.numbers
    sets = sets_of(contact, case, as_of, notices_of_the_case)
    w, every, law, first_effective = sets.walk, sets.every, sets.law, sets.first_effective
    habitual, unwanted_all, unwanted_law = sets.habitual, sets.unwanted_all, sets.unwanted_law
    attempts_law, tracking_all, tracking_law = sets.attempts_law, sets.tracking_all, sets.tracking_law
    before_law = without(every, law)

    def count(acts: Iterable[Act]) -> int:
        return len(occasions(acts, numbers))

    uncontested = next((n for n in sets.effective if not is_contested(n, w, numbers)), None)
    unwanted_n_all = len(unwanted_occasions(sets.counted_all, unwanted_all, first_effective, numbers))
    unwanted_n_law = len(unwanted_occasions(sets.counted_law, unwanted_law, first_effective, numbers))
    unanswered_law = [a for a in law if a in w.unanswered]

    repeated_all = unwanted_n_all >= numbers["repeated_occasions"] and days(unwanted_all) >= numbers["repeated_days"]
    repeated_law = unwanted_n_law >= numbers["repeated_occasions"] and days(unwanted_law) >= numbers["repeated_days"]
    systematic = (
        unwanted_n_law >= numbers["systematic_occasions"]
        and days(unwanted_law) >= numbers["systematic_days"]
        and span(unwanted_law) >= numbers["systematic_span_s"] * SECOND
    )
    after_notice = None
    if uncontested is not None:
        after_notice = count(a for a in {*attempts_law, *tracking_law} if is_after(a, uncontested))
    presence_known = can_show_presence(contact, case, as_of)
    elements = element_statuses(
        case, count(attempts_law), count(tracking_law), systematic, after_notice, presence_known
    )  # fmt: skip

    # the two-way traffic, over all and over the recent period
    hers: list[Step] = [*w.replies, *w.initiatives, *w.conversations]
    recent_from = max((h.ts for h in hers), default=0) - numbers["recent_s"] * SECOND

    def is_mutual(begin: int | None) -> bool:
        def held(steps: Iterable[Step]) -> int:
            return sum(begin is None or s.ts >= begin for s in steps)

        r, i, c = held(w.replies), held(w.initiatives), held(w.conversations)
        reached = count(a for a in every if begin is None or a.ts >= begin)
        return 4 * (r + i + c) >= reached + i and 10 * (r + i) >= reached + i

    def holds_a_third_unanswered(begin: int | None) -> bool:
        cmr = [a for a in every if a.direct and a.kind in CALLS_MESSAGES_REQUESTS and (begin is None or a.ts >= begin)]
        return 3 * count(a for a in cmr if a in w.unanswered) >= count(cmr)

    def in_law(acts: Iterable[Act]) -> bool:
        return any(a in law for a in acts)

    def is_strong(acts: Sequence[Act]) -> bool:
        long_course = (
            count(acts) >= numbers["strong_occasions"] and span(acts) > numbers["strong_span_s"] * SECOND
        )  # fmt: skip
        dense_course = count(acts) >= numbers["very_strong_occasions"] and days(acts) >= numbers["very_strong_days"]
        a_third = holds_a_third_unanswered(None) or (bool(hers) and holds_a_third_unanswered(recent_from))
        return in_law(acts) and (long_course or dense_course) and a_third

    def is_course(acts: Sequence[Act]) -> bool:
        return (
            count(acts) >= numbers["repeated_occasions"] and days(acts) >= numbers["repeated_days"] and in_law(acts)
        )  # fmt: skip

    unanswered_cmr = sets.unanswered_cmr
    last_run = [a for a in after_last_own_sign(w, None) if a in unanswered_cmr]
    pursuing = [a for a in every if a.manner in PURSUING or a.manner == "tracker"]

    def is_service() -> bool:
        if contact["declared"]:
            return bool(contact["role"] == "service")
        identifiers = contact["identifiers"].split("\n")
        no_position = not any(
            p["contact_id"] == contact["contact_id"] and is_live(p, as_of) for p in case.positions
        )  # fmt: skip
        codes = all(i.startswith(("alpha:", "short:")) for i in identifiers)
        called = any(step.kind == "call" for step in w.steps)
        return codes and no_position and not called

    def is_reciprocal() -> bool:
        if first_effective is not None or not is_mutual(None):
            return False
        if not hers:
            return True
        recent_acts = [a for a in every if a.ts >= recent_from]
        return count(recent_acts) < numbers["recent_occasions"] or is_mutual(recent_from)

    def emerging_after_all() -> bool:
        if first_effective is not None and repeated_all and in_law(unwanted_all):
            reached = [*sets.attempts_all, *tracking_all]
            if any(is_after(a, first_effective) for a in reached):
                return True
        return is_course(tracking_all) or is_strong(unanswered_cmr)

    def is_isolated() -> bool:
        if first_effective is not None and any(is_after(a, first_effective) for a in law):
            return True
        if any(a.is_presence or a.journal for a in law):
            return True
        return count(w.unanswered) >= numbers["isolated_occasions"] and in_law(w.unanswered)

    def verdict(left_out: frozenset[str] = frozenset()) -> str:
        """8: the first rule that holds."""
        if "service" not in left_out and is_service():
            return "service"
        if not law:
            return "insufficient" if covers_less_than_half(contact, case, as_of) else "none"
        if all_met(elements):
            return "systematic"
        if is_course(pursuing) or is_strong(last_run):
            return "emerging"
        if "reciprocal" not in left_out and is_reciprocal():
            return "reciprocal"
        if emerging_after_all():
            return "emerging"
        return "isolated" if is_isolated() else "none"

    def shown(number: int) -> int | None:
        return number if number or presence_known else None

    found = verdict()
    s = since(first_effective, w) if first_effective is not None else None
    after_in_law = [a for a in law if first_effective is not None and is_after(a, first_effective)]
    calls = [a for a in law if a.kind == "call"]
    openings = [o[0].ts for o in occasions(law, numbers)]
    in_law_presence = [a for a in law if a.is_presence]
    finding = TwinFinding(
        verdict=found,
        otherwise=verdict(frozenset({found})) if found in ("service", "reciprocal") else None,
        elements=elements,
        first_met=None,
        first_repeated=None,
        acts=len(law),
        occasions=len(openings),
        active_days=days(law),
        active_weeks=len({week_of(a) for a in law}),
        span_s=span(law) // SECOND,
        longest_pause_s=max((b.ts - a.ts for a, b in pairwise(law)), default=0) // SECOND,
        occasions_max_28d=largest_in_window(openings, 28 * DAY),
        acts_max_24h=largest_in_window([a.ts for a in law], DAY),
        identifiers=len({a.identifier for a in law if a.identifier and not a.identifier.startswith("label:")}),
        channels=len({a.channel for a in law} - {"journal"}),
        missed_calls=sum(is_missed(a) for a in calls),
        rejected_calls=sum("rejected" in a.tags for a in calls),
        blocked_calls=sum("blocked" in a.tags for a in calls),
        attempt_occasions=count(attempts_law) if can_show_events(case) else None,
        presence_acts=shown(len(in_law_presence)),
        visited_places=shown(len({a.place["place_id"] for a in in_law_presence if a.place is not None})),
        dwell_s=shown(sum(a.ts_end - a.ts for a in in_law_presence) // SECOND),
        habitual_acts=shown(sum(a in habitual for a in law)),
        tracking_occasions=shown(count(tracking_law)),
        unanswered_occasions=count(unanswered_law),
        unwanted_occasions=unwanted_n_law,
        unwanted_days=days(unwanted_law),
        unwanted_span_s=span(unwanted_law) // SECOND,
        after_notice_acts=None if first_effective is None else len(after_in_law),
        after_notice_occasions=after_notice,
        days_to_first_after_notice_s=(
            (after_in_law[0].ts - first_effective["ts_max"]) // SECOND
            if first_effective is not None and after_in_law
            else None
        ),
        replies=len(w.replies),
        initiatives=len(w.initiatives),
        conversations=len(w.conversations),
        outgoing=len(w.outgoing),
        replies_after_notice=len(s.replies) if s else None,
        initiatives_after_notice=len(s.initiatives) if s else None,
        conversations_after_notice=len(s.conversations) if s else None,
        outgoing_after_notice=len(s.outgoing) if s else None,
        before_law_acts=len(before_law),
        before_law_occasions=count(before_law),
    )
    return Moment(w, law, finding, repeated_law)


def is_missed(call: Act) -> bool:
    if "missed" in call.tags:
        return True
    return call.answered_value is False and not call.tags & {"rejected", "blocked", "voicemail"}


def largest_in_window(times: Sequence[int], length: int) -> int:
    """Return the largest number of times in any window [t, t + length)."""
    return max((sum(begin <= t < begin + length for t in times) for begin in times), default=0)


# -- 9, and the whole case ------------------------------------------------------------------------------------------


def candidates(contact: Row, case: Case, as_of: int) -> list[int]:
    """Return the moments at which the verdict may have become what it is, in order.

    A visit made of fixes is one only with a later fix, and may fall below the bar with the next: every row that an
    act may rest on is a moment to look at. So are the owner's own positions near them in time: she may come after him.
    """
    mine = [
        row
        for row in (*case.events, *case.positions)
        if row["contact_id"] == contact["contact_id"] and is_live(row, as_of)
        and ("position_id" in row or is_act_row(row))
    ]  # fmt: skip
    tracks = [row for row in mine if "position_id" in row and row["kind"] in TRACK_KINDS]
    reach = case.numbers["encounter_s"] * SECOND
    hers = [
        row
        for row in case.positions
        if row["subject"] == "owner" and is_live(row, as_of)
        and any(row["ts"] - his["ts_end"] <= reach and his["ts"] - row["ts_end"] <= reach for his in tracks)
    ]  # fmt: skip
    return sorted({row["ts"] for row in (*mine, *hers)})


def score_contact(contact: Row, case: Case, as_of: int) -> TwinFinding | None:
    """Score one contact; None for one with neither act nor outgoing row nor declaration."""
    notices = notices_of(contact["contact_id"], case, as_of)
    last = judge(contact, case, as_of, notices)
    if not last.walk.steps and not contact["declared"]:
        return None
    finding = last.finding
    for moment in candidates(contact, case, as_of):
        # an outgoing row that turned out to be the notice itself is so for earlier moments too: hence ``notices``
        then = judge(contact, case, moment + 1, notices)
        if finding.first_met is None and then.finding.verdict == "systematic":
            finding.first_met = moment
        if finding.first_repeated is None and then.repeated_in_law:
            finding.first_repeated = moment
        if finding.first_met is not None and finding.first_repeated is not None:
            break
    return finding


def read_case(tables: Any, profile_numbers: Mapping[str, int], valid_from: int) -> Case:
    """Return the tables of a case as lists; ``profile_numbers`` replace those of :data:`NUMBERS`."""
    unknown = set(profile_numbers) - set(NUMBERS)
    if unknown:
        raise KeyError(f"unknown numbers {sorted(unknown)}")
    return Case(
        events=tables.events.to_pylist(), positions=tables.positions.to_pylist(), notices=tables.notices.to_pylist(),
        places=tables.places.to_pylist(), contacts=tables.contacts.to_pylist(), coverage=tables.coverage.to_pylist(),
        numbers={**NUMBERS, **profile_numbers}, valid_from=valid_from,
    )  # fmt: skip


def score_case(tables: Any, profile_numbers: Mapping[str, int], valid_from: int, as_of: int) -> dict[str, TwinFinding]:
    """Score a whole case by docs/rules.md, slowly.

    Parameters
    ----------
    tables : detector.model.CaseTables
        The resolved tables.
    profile_numbers : mapping
        Numbers that replace those of :data:`NUMBERS`.
    valid_from : int
        First moment of the statute, µs UTC.
    as_of : int
        Scoring moment, µs UTC: what happened at it or later does not exist.

    Returns
    -------
    dict
        Contact id to finding, in the order of the contact ids.
    """
    case = read_case(tables, profile_numbers, valid_from)
    found = {}
    for contact in sorted(case.contacts, key=lambda c: c["contact_id"]):
        finding = score_contact(contact, case, as_of)
        if finding is not None:
            found[contact["contact_id"]] = finding
    return found
