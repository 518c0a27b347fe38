"""The indicators and their slow twin agree: value, unknown or not, records and parts, over worked and generated cases.

The twin (:mod:`tests.twin_measures`) is written from ``docs/measures.md`` alone. A fixed set of situations, each a page
of somebody's life that a reader can follow, must give every indicator of that page a value that is neither nought nor
unknown; the generated cases are long stories with weekly rhythms, pauses, bursts, refusals and two tracks side by side,
and whatever the tests of the rules generate.

Everything is compared exactly but the limits of intervals, p and the alarm of a change point: they come from
floating point, rounded to permille outwards, and may differ by 1.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detector.indicators import all_indicators
from detector.model import CaseTables
from detector.parameters import PARAMETERS
from detector.records import unfold
from detector.trackers import linked, sightings, travels
from tests.agree import VALID_FROM, detect
from tests.build import CaseBuilder
from tests.test_rules_worked import HOME, at, north
from tests.test_twin_agrees import DAY_S, EXAMPLES, HOUR_S, NOTICE_KINDS, OWNER, Line, Script, scripts, thorough
from tests.twin_measures import TwinMeasure, linked_trackers, measure_case, travels_with_owner

PAGE = Path(__file__).resolve().parent.parent / "docs" / "measures.md"
#: keys of parts that floating point makes
FLOATING = ("low_permille", "high_permille", "p_permille", "alarm_permille")
#: the twin is slow with long stories: fewer of them
stories_too = settings(thorough, max_examples=max(30, EXAMPLES // 2))


def ids_of_the_page() -> set[str]:
    """Return the ids of sections 1 to 6 and 8 of docs/measures.md: the first cell of each row, and those of section 6."""
    found: set[str] = set()
    for section in re.split(r"^## ", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE):
        if not section.startswith(("1. ", "2. ", "3. ", "4. ", "4b. ", "5. ", "6. ", "8. ")):
            continue
        if section.startswith("6. "):
            # the list of kinds, and the sentence of its own; parts are not indicators
            found |= set(re.findall(r"`([a-z0-9_]+)`", section.split(": acts of L", 1)[0]))
            found |= set(re.findall(r"^`([a-z0-9_]+)`: most", section, flags=re.MULTILINE))
        for line in section.splitlines():
            if line.startswith("| `"):
                found |= set(re.findall(r"`([a-z0-9_]+)`", line.split("|")[1]))
    return found


# -- comparing ------------------------------------------------------------------------------------------------------


def shown(measure: TwinMeasure) -> dict[str, Any]:
    """Return a twin's measure as findings.json shows it: the records of a nought are none."""
    records = measure.records if measure.value else set()
    return {"value": measure.value, "records": records, "parts": measure.parts}


def parts_agree(twin: list[dict[str, Any]], fast: list[dict[str, Any]]) -> bool:
    if len(twin) != len(fast):
        return False
    for one, other in zip(twin, fast, strict=True):
        if one.keys() != other.keys():
            return False
        for key, value in one.items():
            close = key in FLOATING and None not in (value, other[key]) and abs(value - other[key]) <= 1
            if value != other[key] and not close:
                return False
    return True


def disagreements(tables: CaseTables, as_of: int) -> list[str]:
    """Return where indicators and twin differ over a case, one sentence each."""
    twin = measure_case(tables, VALID_FROM, as_of)
    fast = detect(tables, as_of)
    if twin.keys() != fast.keys():
        return [f"contacts: twin {sorted(twin)}, detector {sorted(fast)}"]
    found = []
    for contact, measures in twin.items():
        for name, measure in measures.items():
            if name not in all_indicators():
                continue  # test_every_indicator_of_the_page_is_there says so
            indicator, wanted = fast[contact]["indicators"][name], shown(measure)
            if indicator["value"] != wanted["value"]:
                found.append(f"{contact}.{name}: twin {wanted['value']}, detector {indicator['value']}")
                continue
            records = set(unfold(indicator["records"]))
            if measure.records is not None and records != wanted["records"]:
                found.append(f"{contact}.{name} records: twin {sorted(wanted['records'])}, detector {sorted(records)}")
            parts = indicator.get("parts")
            told = measure.value is not None and wanted["parts"] is not None
            if told and (parts is None or not parts_agree(wanted["parts"], parts)):
                found.append(f"{contact}.{name} parts: twin {wanted['parts']}, detector {parts}")
    return found


# -- worked situations ----------------------------------------------------------------------------------------------

Make = Callable[[CaseBuilder], None]
SITUATIONS: list[tuple[Make, str]] = []


def situation(as_of: str) -> Callable[[Make], Make]:
    """Register a situation under the name of its function."""

    def register(make: Make) -> Make:
        SITUATIONS.append((make, as_of))
        return make

    return register


@situation("2025-12-15")
def a_course_that_grows(case: CaseBuilder) -> None:
    """Eight quiet weeks with a message on Mondays, then two messages a day for two weeks, refused throughout."""
    case.contact("K1")
    case.notice("K1", at(-2), kind="told_to_stop")
    for week in range(8):
        case.message("K1", at(7 * week, "23:30"))
    for day in range(54, 68):
        case.message("K1", at(day, "09:30"))
        case.message("K1", at(day, "23:50"))


@situation("2026-03-01")
def broken_off_and_resumed(case: CaseBuilder) -> None:
    """Two unwanted calls four months apart: thin; the second is taken and over at once."""
    case.notice("K1", at(-1))
    case.call("K1", at(0))
    case.call("K1", at(120), answered=True, duration=2)
    case.call("K1", at(120, "12:01"), tags="hangup", answered=True, duration=9)


@situation("2025-12-01")
def a_burst_and_a_rejection(case: CaseBuilder) -> None:
    """Twelve messages in an hour on the heels of a rejected call, a month after the first."""
    case.message("K1", at(0))
    case.message("K1", at(1))
    case.call("K1", at(30), tags="rejected")
    for k in range(12):
        case.message("K1", at(30, "12:01") + timedelta(minutes=4 * k))
    case.event("email", "K1", at(31), channel="email")


@situation("2025-12-01")
def blocked_and_back(case: CaseBuilder) -> None:
    """An order, a warning, a block; then two new numbers and a new channel. She writes once more herself, and later."""
    case.contact("K1", identifiers=("+77010000010",))
    case.message("K1", at(-3))
    case.message("K1", at(-3, "12:05"), out=True)
    case.notice("K1", at(0), kind="blocked", basis="device", record_id="a00000000000#1")
    case.notice("K1", at(1), kind="police_warning")
    case.notice("K1", at(2), kind="order_served")
    for day, number in ((3, "+77010000011"), (4, "+77010000012"), (20, "+77010000099")):
        case.message("K1", at(day), identifier=number, channel="whatsapp")
    case.message("K1", at(10), out=True)


@situation("2025-12-01")
def a_notice_that_was_overtaken(case: CaseBuilder) -> None:
    """She said stop, and took it up again herself on five days; she writes more than he does."""
    case.notice("K1", at(0))
    for day in range(1, 7):
        case.message("K1", at(3 * day), out=True)
        case.message("K1", at(3 * day, "12:30"))
        for clock in ("13:30", "14:00"):
            case.message("K1", at(3 * day, clock), out=True)
        case.call("K1", at(3 * day, "20:00"), answered=True, duration=120)


@situation("2025-12-01")
def gifts_and_accounts(case: CaseBuilder) -> None:
    """Every kind of conduct that is neither a call nor a message, some of it known from the journal alone."""
    for day, kind in enumerate(
        ("gift", "delivery", "payment", "view", "request", "mention", "email", "account_access", "third_party")
    ):
        case.event(kind, "K1", at(2 * day), channel="other")
        case.event(kind, "K1", at(2 * day, "12:30"), channel="journal", how="journal", source="j")


@situation("2025-12-01")
def a_hand_over_every_week(case: CaseBuilder) -> None:
    """The co-parent writes on Fridays before the hand-over, and comes to the door."""
    case.contact("K1", role="co_parent")
    case.place("home")
    for week in range(6):
        case.message("K1", at(7 * week + 4, "16:30"))
        case.message("K1", at(7 * week + 4, "16:40"), out=True)
        case.visit("K1", at(7 * week + 4, "18:00"), at(7 * week + 4, "18:15"))
    case.message("K1", at(1, "10:00"))


@situation("2025-12-01")
def a_bank(case: CaseBuilder) -> None:
    """A service writes in office hours from a pool of numbers and a code, and in a group."""
    case.contact("K1", role="service", identifiers=("alpha:Bank", "+77010000020", "+77010000021"))
    for day in range(5):
        case.message("K1", at(7 * day + 1, "10:00"))
        case.message("K1", at(7 * day + 2, "11:00"), identifier="+77010000020")
        case.message("K1", at(7 * day + 3, "15:00"), identifier="+77010000021")
    case.message("K1", at(40), thread_kind="group", directed="yes", thread_id="g")


@situation("2025-12-01")
def one_evening(case: CaseBuilder) -> None:
    """Ten calls in one evening, called back the same night: somebody was in need."""
    case.call("K1", at(-10))
    for k in range(10):
        case.call("K1", at(0, "18:00") + timedelta(minutes=25 * k))
    case.call("K1", at(0, "23:00"), out=True, answered=True, duration=600)


@situation("2025-12-01")
def a_new_line(case: CaseBuilder) -> None:
    """The owner has a new number since day 10; on day 12 somebody calls it for the number's former holder."""
    case.message("K2", at(0), owner_line="+77020000001")
    case.message("K2", at(10), owner_line="+77020000002")
    case.call("K1", at(12), owner_line="+77020000002")


@situation("2025-12-01")
def seen_here_and_there(case: CaseBuilder) -> None:
    """Seen in the park and at the market by night, followed, waited for at work; visits at home, some below the bar."""
    case.place("home")
    case.place("work", "work", HOME[0] + north(4000), HOME[1])
    case.seen("K1", at(0, "23:15"), lat=HOME[0] + north(9000), lon=HOME[1])
    case.seen("K1", at(1), lat=HOME[0] + north(9600), lon=HOME[1])
    case.seen("K1", at(1, "14:00"), place="the bus")
    case.followed("K1", at(2))
    case.waited("K1", at(3), place="work")
    for day in range(4, 8):
        case.visit("K1", at(day, "18:00"), at(day, "18:45"), acc=60.0, accuracy_kind="r68")
        case.visit("K1", at(day, "21:00"), at(day, "21:45"), HOME[0] + north(220), HOME[1], acc=100.0)


def _day_of_tracks(case: CaseBuilder, day: int, his: float, hers: float) -> None:
    """Both walk from noon on, for an hour, a row every ten minutes, that many metres north of her home."""
    for k in range(7):
        moment = at(day) + timedelta(minutes=10 * k)
        case.fix("K1", moment, HOME[0] + north(his + 120 * k), HOME[1])
        case.owner(moment + timedelta(minutes=2), HOME[0] + north(hers + 120 * k + 30), HOME[1])


@situation("2025-12-20")
def he_walks_where_she_walks(case: CaseBuilder) -> None:
    """Five weeks of Mondays and Thursdays: he walks her way on three of them, on the others far from it."""
    case.place("home")
    for week in range(5):
        for day in (0, 3):
            with_her = (week, day) in ((0, 0), (2, 3), (4, 0))
            _day_of_tracks(case, 7 * week + day, 9000.0 if with_her else 90_000.0, 9000.0 + 20_000 * week)
            if with_her:
                # where she is that week
                case.fix("K1", at(7 * week + day, "14:00"), HOME[0] + north(9000 + 20_000 * week), HOME[1])
                case.fix("K1", at(7 * week + day, "14:20"), HOME[0] + north(9000 + 20_000 * week), HOME[1])
                case.owner(at(7 * week + day, "14:10"), HOME[0] + north(9050 + 20_000 * week), HOME[1])
                case.owner(at(7 * week + day, "14:18"), HOME[0] + north(9050 + 20_000 * week), HOME[1])


@situation("2025-12-20")
def both_at_the_gym(case: CaseBuilder) -> None:
    """He is at the gym every Tuesday for five weeks, she on the same day in three of them, an hour later in the others."""
    case.place("gym", "gym")
    for week in range(5):
        day = 7 * week + 1
        later = "18:00" if week < 3 else "19:45"
        case.visit("K1", at(day, "18:00"), at(day, "19:00"))
        case.owner(at(day, later), *HOME)
        case.owner(at(day, later) + timedelta(minutes=20), *HOME)


@situation("2025-12-01")
def a_tag_in_the_car(case: CaseBuilder) -> None:
    """An attributed tracker is sighted at four places in half a day, and another at one place only."""
    case.attribute("tag1", "K1")
    case.attribute("tag2", "K1")
    for k in range(4):
        case.tracker("tag1", at(0, "08:00") + timedelta(hours=2 * k), HOME[0] + north(1000 * k), HOME[1])
        case.tracker("tag2", at(0, "08:00") + timedelta(hours=2 * k), HOME[0] + north(30 * k), HOME[1])


@situation("2025-12-01")
def a_tag_found_before_the_law(case: CaseBuilder) -> None:
    """One journey over the midnight of the commencement, which is no act of the law, and one sighting after it."""
    case.attribute("tag1", "K1")
    for k in range(5):
        moment = datetime(2025, 9, 15, 23, 50) + timedelta(minutes=20 * k)
        case.tracker("tag1", moment, HOME[0] + north(1000 * k), HOME[1])
    case.tracker("tag1", datetime(2025, 9, 16, 3, 10), *HOME)


@situation("2025-12-01")
def four_weeks_without_a_refusal(case: CaseBuilder) -> None:
    """Unanswered calls over five weeks, and once a talk."""
    case.place("home")
    for day in range(0, 36, 3):
        case.call("K1", at(day, "19:00"), precision="h")
    case.call("K1", at(36), answered=True, duration=90)
    case.seen("K1", at(37), place="home")


def built(make: Make, as_of: str) -> CaseBuilder:
    case = CaseBuilder(as_of=as_of)
    make(case)
    return case


@pytest.mark.parametrize(("make", "as_of"), SITUATIONS, ids=lambda x: getattr(x, "__name__", ""))
def test_situations(make: Make, as_of: str) -> None:
    case = built(make, as_of)
    assert disagreements(case.tables(), case.as_of) == []


def test_every_indicator_of_the_page_is_there() -> None:
    page = ids_of_the_page()
    assert len(page) > 70
    assert page - all_indicators().keys() == set(), "on the page, but not registered"
    case = built(*SITUATIONS[0])
    assert set(measure_case(case.tables(), VALID_FROM, case.as_of)["K1"]) == page


def test_every_indicator_is_seen_with_a_value() -> None:
    """A twin that never sees a branch proves nothing: each indicator has a value here that is neither nought nor unknown."""
    seen: set[str] = set()
    for make, as_of in SITUATIONS:
        case = built(make, as_of)
        for measures in measure_case(case.tables(), VALID_FROM, case.as_of).values():
            seen |= {name for name, measure in measures.items() if measure.value}
    assert ids_of_the_page() - seen == set()


# -- trackers that change their ids ----------------------------------------------------------------------------------


@thorough
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["tag1", "tag2", "tag3", "tag4"]),
            st.sampled_from([0, 0, 1, 600, 1_799, 1_800, 1_801, 3_599, 3_600]),
            st.sampled_from([0, 0, 100, 200, 201, 500, None]),
            st.sampled_from([None, 50.0, 100.0, 101.0]),
        ),
        min_size=2,
        max_size=12,
    )
)
def test_trackers_and_twin_agree_on_links_and_journeys(rows: list[tuple[str, int, int | None, float | None]]) -> None:
    case = CaseBuilder()
    clock = at(0)
    for tag, step, metres, accuracy in rows:
        clock += timedelta(seconds=step)
        where = () if metres is None else (HOME[0] + north(metres), HOME[1])
        case.tracker(tag, clock, *where, acc=accuracy)
    tables = case.tables()
    found = sightings(tables, case.as_of, attributed=False)
    numbers = {name: p.value for name, p in PARAMETERS.items()}
    live = tables.positions.to_pylist()
    twin: dict[str, list[str]] = {tag: [] for tag, *_ in rows}
    for before, after in linked_trackers(live):
        twin[before].append(after)
        twin[after].append(before)
    assert {tag: sorted(ids) for tag, ids in linked(found, numbers).items()} == {t: sorted(x) for t, x in twin.items()}
    journeys = {s.tracker_id: travels(s, numbers) for s in found}
    assert journeys == {tag: travels_with_owner([r for r in live if r["subject_id"] == tag]) for tag in twin}


# -- generated stories ----------------------------------------------------------------------------------------------

NUMBERS = st.sampled_from(
    [None, None, None, "+77010000010", "+77010000011", "+77010000099", "+77020000001", "alpha:Shop", "short:7111"]
)
LINES = st.sampled_from([None, "+77030000001", "+77030000002", "+77030000003"])
#: answered, talk time, words of the reader: on either side of a hang-up
CALLS = st.sampled_from(
    [
        (True, 0, None), (True, 3, None), (True, 4, None), (True, None, None), (True, 90, None), (None, 2, None),
        (False, None, "hangup"), (False, None, None), (False, None, "rejected"), (False, None, "blocked"),
    ]
)  # fmt: skip
KINDS = st.sampled_from(
    ["gift", "delivery", "payment", "view", "request", "mention", "email", "account_access", "third_party"]
)
PRECISIONS = st.sampled_from(["s", "s", "s", "s", "ms", "min", "h", "night", "evening", "day"])
#: before, at and after the statute's commencement
STARTS = st.sampled_from(
    [
        datetime(2025, 9, 16), datetime(2025, 10, 6, 9), datetime(2025, 10, 6, 9), datetime(2025, 7, 1, 23, 30),
        datetime(2025, 9, 15, 23, 50),
    ]
)  # fmt: skip
PAUSES = st.sampled_from(
    [DAY_S, 13 * DAY_S, 14 * DAY_S, 14 * DAY_S + 1, 28 * DAY_S, 28 * DAY_S + 1, 56 * DAY_S, 60 * DAY_S, 60 * DAY_S + 1]
)
SCENES = (
    "weekly", "weekly", "daily", "daily", "burst", "evening", "calls", "kinds", "pause", "pause", "notice", "notice",
    "own", "days of tracks", "days of tracks", "days at a place", "tag", "seen",
)  # fmt: skip


@st.composite
def _act(draw: st.DrawFn, contact: str, clock: datetime, kind: str = "message") -> Line:
    """Draw an act with at most one thing out of the ordinary."""
    more: dict[str, Any] = {"directed": "yes", "channel": draw(st.sampled_from(["phone", "sms", "whatsapp"]))}
    match draw(st.sampled_from(["none"] * 6 + ["number", "number", "line", "precision", "offset", "group", "journal"])):
        case "number":
            more["identifier"] = draw(NUMBERS)
        case "line":
            more["owner_line"] = draw(LINES)
        case "precision":
            more["precision"] = draw(PRECISIONS)
        case "offset":
            more["utc_offset"] = draw(st.sampled_from([21_600, 14_400, -36_000]))
        case "group":
            more["thread_kind"] = draw(st.sampled_from(["group", "channel", "unknown"]))
        case "journal":
            more |= {"how": "journal", "channel": "journal", "source": "j"}
    if kind == "call":
        more |= dict(zip(("answered", "duration", "tags"), draw(CALLS), strict=True))
    return Line("event", kind, contact, clock, tuple(more.items()))


def _own(clock: datetime, contact: str, **more: Any) -> Line:
    return Line("event", "message", contact, clock, tuple({"out": True, "channel": "sms", **more}.items()))


def _at(kind: str, contact: str, clock: datetime, metres: float, **more: Any) -> Line:
    words = {"lat": HOME[0] + north(metres), "lon": HOME[1], "acc": 10.0, "source": "o" if contact == OWNER else "p"}
    return Line("position", kind, contact, clock, tuple((words | more).items()))


@st.composite
def stories(draw: st.DrawFn) -> Script:
    """Draw a story over weeks and months: few scenes, each a habit that somebody keeps up for a while."""
    clock = draw(STARTS)
    lines: list[Line] = []
    for number in draw(st.lists(LINES, max_size=2)):
        # somebody else, on one of the owner's lines, before anything happened
        lines.append(Line("event", "message", "K2", clock, (("directed", "yes"), ("owner_line", number))))
        clock += timedelta(seconds=draw(st.sampled_from([600, DAY_S, 7 * DAY_S])))
    few = draw(st.sampled_from([1, 1, 2, 3, 5]))
    scenes = draw(st.sampled_from([*[SCENES] * 6, ("evening",), ("pause",), ("notice", "own", "own", "calls")]))
    for scene in draw(st.lists(st.sampled_from(scenes), min_size=few, max_size=few + 1)):
        contact = draw(st.sampled_from(["K1"] * 6 + ["K2"]))
        clock += timedelta(seconds=draw(st.sampled_from([0, 1, HOUR_S, 7 * HOUR_S, DAY_S, 3 * DAY_S])))
        if scene == "weekly":
            hours = draw(st.lists(st.sampled_from([0, 1, 2, 3]), min_size=3, max_size=14))
            kind = draw(st.sampled_from(["message", "message", "email", "call"]))
            for early in hours:
                lines.append(draw(_act(contact, clock + timedelta(hours=early), kind)))
                clock += timedelta(days=draw(st.sampled_from([7, 7, 7, 14, 8])))
        elif scene == "daily":
            pace = draw(st.sampled_from([12 * HOUR_S, DAY_S, DAY_S, 2 * DAY_S]))
            for _ in range(draw(st.integers(3, 30))):
                lines.append(Line("event", "message", contact, clock, (("directed", "yes"), ("channel", "sms"))))
                clock += timedelta(seconds=pace)
        elif scene in ("burst", "evening"):
            step = draw(st.sampled_from([30, 300, 360, 1_800, 2_160, 3_601]))
            first = clock
            for _ in range(draw(st.integers(4, 12))):
                lines.append(draw(_act(contact, clock, "call" if scene == "evening" else "message")))
                clock += timedelta(seconds=step)
            if scene == "evening":
                back = draw(st.sampled_from([60, 6 * HOUR_S - 1, 6 * HOUR_S, 30 * HOUR_S, 30 * HOUR_S + 1]))
                lines.append(_own(first + timedelta(seconds=back), contact))
        elif scene == "calls":
            for _ in range(draw(st.integers(1, 5))):
                lines.append(draw(_act(contact, clock, "call")))
                clock += timedelta(seconds=draw(st.sampled_from([0, 1, 60, HOUR_S, HOUR_S + 1])))
                lines.append(draw(_act(contact, clock)))
        elif scene == "kinds":
            for _ in range(draw(st.integers(1, 6))):
                lines.append(draw(_act(contact, clock, draw(KINDS))))
                clock += timedelta(seconds=draw(st.sampled_from([600, DAY_S - 1, DAY_S, 2 * DAY_S])))
        elif scene == "pause":
            clock += timedelta(seconds=draw(PAUSES))
            lines.append(draw(_act(contact, clock)))
        elif scene == "notice":
            basis = draw(st.sampled_from(["declared", "device", "journal"]))
            more = {"basis": basis, "record_id": None if basis == "declared" else "a00000000000#1"}
            if draw(st.booleans()):
                more["precision"] = "day"
            lines.append(Line("notice", draw(NOTICE_KINDS), contact, clock, tuple(more.items())))
            # what comes after it: a number not seen before, an old one, and sometimes her answer
            for _ in range(draw(st.integers(1, 3))):
                clock += timedelta(seconds=draw(st.sampled_from([1, HOUR_S, 2 * DAY_S, 14 * DAY_S, 14 * DAY_S + 1])))
                words = {"directed": "yes", "channel": draw(st.sampled_from(["telegram", "sms"]))}
                lines.append(Line("event", "message", contact, clock, (*words.items(), ("identifier", draw(NUMBERS)))))
                if draw(st.booleans()):
                    lines.append(_own(clock + timedelta(hours=2), contact))
        elif scene == "own":
            for _ in range(draw(st.integers(1, 8))):
                lines.append(_own(clock, contact, owner_line=draw(LINES)))
                clock += timedelta(seconds=draw(st.sampled_from([HOUR_S, DAY_S, 2 * DAY_S])))
        elif scene == "days of tracks":
            offset = draw(st.sampled_from([0, 0, 0, 5 * HOUR_S]))
            for _ in range(draw(st.integers(2, 8))):
                his, hers = (draw(st.sampled_from([9000, 9000, 30_000])) for _ in range(2))
                step, walk = draw(st.sampled_from([600, 1_800, 1_801])), draw(st.sampled_from([0, 0, 260]))
                for k in range(3):
                    moment = clock + timedelta(seconds=k * step + offset)
                    lines.append(_at("fix", contact, moment, his + k * walk))
                    lines.append(_at("fix", OWNER, moment + timedelta(seconds=60), hers + k * walk + 60))
                clock += timedelta(days=draw(st.sampled_from([1, 7, 7, 7, 14])))
        elif scene == "days at a place":
            metres = draw(st.sampled_from([0, 0, 2000]))
            accuracy = draw(st.sampled_from([None, 60.0, 100.0, 150.0, 200.0]))
            for _ in range(draw(st.integers(2, 8))):
                stay = {"end": draw(st.sampled_from([600, HOUR_S])), "acc": accuracy}
                kind = draw(st.sampled_from(["r68", "r95", "radius", "unknown"]))
                lines.append(_at("visit", contact, clock, metres + draw(st.sampled_from([0, 0, 100, 160])),
                                 accuracy_kind=kind, **stay))  # fmt: skip
                if draw(st.booleans()):
                    lines.append(_at("fix", OWNER, clock + timedelta(minutes=5), metres))
                clock += timedelta(days=draw(st.sampled_from([1, 2, 7, 7, 7])))
        elif scene == "tag":
            for _ in range(draw(st.integers(2, 6))):
                sighting: dict[str, Any] = {
                    "lat": HOME[0] + north(draw(st.sampled_from([0, 100, 101, 202, 1000]))), "lon": HOME[1],
                    "acc": draw(st.sampled_from([None, 50.0, 100.0, 101.0])),
                }  # fmt: skip
                lines.append(Line("position", "tracker", contact, clock, tuple(sighting.items())))
                clock += timedelta(seconds=draw(st.sampled_from([600, 1_200, 1_800, HOUR_S, 7 * DAY_S])))
        elif scene == "seen":
            for _ in range(draw(st.integers(1, 4))):
                manner = draw(st.sampled_from(["seen", "seen", "waited", "followed"]))
                said = {"source": "j", "how": "journal", "precision": draw(PRECISIONS)}
                lines.append(
                    _at(manner, contact, clock, draw(st.sampled_from([0, 9000, 9500, 9501])), acc=None, **said)
                )
                clock += timedelta(seconds=draw(st.sampled_from([HOUR_S, DAY_S, 7 * DAY_S])))
    last = max((line.at for line in lines), default=clock) + timedelta(seconds=1)
    as_of = last + timedelta(
        seconds=draw(st.sampled_from([0, DAY_S, 7 * DAY_S, 28 * DAY_S - 1, 28 * DAY_S, 200 * DAY_S]))
    )
    roles = draw(st.sampled_from(["unknown", "co_parent", "neighbour", "employer", "lawful_role", "former_partner"]))
    declared = draw(st.booleans())
    return Script(
        as_of=as_of,
        contacts=(
            ("K1", roles if declared else "unknown", declared, ("+77010000001",)),
            ("K2", "unknown", False, ("alpha:K2",)),
        ),
        shared=((("home", "K1"),) if draw(st.booleans()) else ()),
        attributed=draw(st.sampled_from([True, True, False])), coverage=(), lines=tuple(lines),
    )  # fmt: skip


@stories_too
@given(stories())
def test_indicators_and_twin_agree_on_long_stories(script: Script) -> None:
    case = script.build()
    assert disagreements(case.tables(), case.as_of) == []


@stories_too
@given(scripts())
def test_indicators_and_twin_agree_on_the_cases_of_the_rules(script: Script) -> None:
    case = script.build()
    assert disagreements(case.tables(), case.as_of) == []
