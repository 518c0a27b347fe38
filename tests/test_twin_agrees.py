"""The detector and its slow twin agree on generated cases, and the detector keeps what counting acts must keep.

The cases are small and nasty: every time is the time before plus a step that lies on, one second short of or one second
past a window of the rules (an hour, three hours, a day, a week, two weeks, eight weeks, ninety days); several sources
write at the same moment; notices and acts are exact to the second, the minute or the day, or not at all; contacts are
seen at, near and away from several places; some acts lie before the law.
"""

from __future__ import annotations

import dataclasses
import itertools
import math
import os
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from detector.model import CaseTables
from detector.schema import TABLES
from tests.agree import VALID_FROM, detect, differences, flat
from tests.build import SECOND, CaseBuilder
from tests.twin import COUNTS, EARTH_RADIUS_M

#: generated cases of the comparison; set QORGAN_EXAMPLES to look longer. The invariants take a quarter of them
EXAMPLES = int(os.environ.get("QORGAN_EXAMPLES", "80"))
thorough = settings(
    max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
quick = settings(thorough, max_examples=max(20, EXAMPLES // 4))

HOUR_S, DAY_S = 3_600, 86_400
HOME = (43.2389, 76.8897)
#: places: id, kind, metres north of home's centre, radius; home and gym overlap
PLACES = (
    ("home", "home", 0, 150.0), ("gym", "gym", 250, 150.0), ("school", "school", 2000, 150.0),
    ("work", "work", 4000, 150.0),
)  # fmt: skip
#: where a point may lie, metres north of home's centre: in, at the edge, between two places, on the way, further away
POINTS = st.sampled_from([0, 0, 0, 125, 149, 150, 151, 300, 2000, 2000, 4000, 9000, 9500, 9501])
ACCURACIES = st.sampled_from([None, 10.0, 10.0, 60.0, 100.0, 101.0, 150.0, 200.0, 201.0])
ACCURACY_KINDS = st.sampled_from(["unknown", "unknown", "r68", "r95", "radius"])
#: where two tracks may lie: on the way, on the way and further on by a spot, and at home
TRACK_POINTS = st.sampled_from([9000, 9000, 9000, 9100, 9500, 9501, 9600, 0, 151])
STEPS = st.sampled_from(
    [0, 0, 0, 1, 60, 600, 1_799, 1_800, 1_801]
    + [w + d for w in (HOUR_S, 3 * HOUR_S, DAY_S, 7 * DAY_S, 14 * DAY_S) for d in (-1, 0, 1)]
    + [12 * HOUR_S, 2 * DAY_S, 3 * DAY_S, 7 * DAY_S - 1_800, 56 * DAY_S, 56 * DAY_S - 1, 91 * DAY_S]
)
PACES = st.sampled_from(
    [
        600,
        1_800,
        HOUR_S,
        HOUR_S + 1,
        65 * 60,
        3 * HOUR_S,
        12 * HOUR_S,
        DAY_S,
        DAY_S + 1,
        36 * HOUR_S,
        2 * DAY_S,
        7 * DAY_S,
    ]
)
#: paces of a long story
SLOW = st.sampled_from([DAY_S, DAY_S + 1, 36 * HOUR_S, 2 * DAY_S, 3 * DAY_S, 7 * DAY_S])
STARTS = st.sampled_from(
    [
        datetime(2025, 10, 6, 12), datetime(2025, 9, 16), datetime(2025, 9, 15, 23, 59, 59),
        datetime(2025, 9, 13, 18, 30), datetime(2025, 8, 25, 9), datetime(2025, 5, 5, 9),
    ]
)  # fmt: skip
NAMES = ("K1", "K2")
ROLES = [
    "unknown",
    "former_partner",
    "neighbour",
    "neighbour",
    "family",
    "colleague",
    "co_parent",
    "unknown",
    "service",
]
KINDS = st.sampled_from(
    ["call"] * 3 + ["message"] * 6 + ["email"] * 2 + ["request"] * 2 + ["gift", "view", "mention", "delivery", "payment"]
    + ["account_access", "third_party", "other"]
)  # fmt: skip
SIGHTINGS = st.sampled_from(["seen", "seen", "waited", "followed", "entered"])
CHANNELS = st.sampled_from(["phone", "sms", "whatsapp"])
NOTICE_KINDS = st.sampled_from(["told_to_stop", "told_to_stop", "blocked", "order_served", "police_warning"])
#: answered, talk time, words of the reader
CALLS = st.sampled_from(
    [
        (False, None, None), (False, 0, "missed"), (None, None, "missed"), (False, None, "rejected"),
        (False, None, "x blocked"), (False, 30, "voicemail"), (True, 59, None), (True, 60, None), (True, 300, None),
        (None, 300, None), (True, None, None),
    ]
)  # fmt: skip
MOST_LINES = 70
#: scenes by theme: anything at all; a pursuit; a couple that cannot leave each other; somebody who belongs to a place
ANYTHING = (
    "one", "run", "run", "talk", "talk", "out", "sighting", "sightings", "visits", "fixes", "tracks", "tracker", "notice",
)  # fmt: skip
THEMES = {
    "anything": ANYTHING,
    "pursuit": ("run", "story", "story", "notice", "notice", "out", "sighting", "tracker"),
    "couple": ("long talk", "long talk", "long talk", "story", "notice", "notice"),
    "habit": ("habit", "habit", "habit", "visits", "sightings", "story", "notice", "fixes"),
    "near": ("tracks", "tracks", "tracks", "fixes", "visits", "sighting", "story", "notice"),
}
PRESENCE = {"sighting", "sightings", "visits", "fixes", "tracks", "tracker", "habit"}
#: whose rows are the owner's own, in a line of a script
OWNER = "owner"


@dataclass(frozen=True, repr=False)
class Line:
    """One row of a generated case: what a method of the builder is told."""

    what: str  # event, position or notice
    kind: str
    contact: str
    at: datetime
    more: tuple[tuple[str, Any], ...] = ()

    def __repr__(self) -> str:
        words = [self.kind, self.contact, str(self.at), *(f"{k}={v!r}" for k, v in self.more)]
        return f"{self.what}({', '.join(words)})"

    @property
    def is_act(self) -> bool:
        """Whether it certainly is an act, of certain time, that ends no run and answers nothing."""
        more = dict(self.more)
        return self.what == "event" and not more.get("out") and more.get("directed") == "yes" and "again" not in more


@dataclass(frozen=True, repr=False)
class Script:
    """A generated case; :meth:`build` makes it."""

    as_of: datetime
    contacts: tuple[tuple[str, str, bool, tuple[str, ...]], ...]
    shared: tuple[tuple[str, str], ...]
    attributed: bool
    coverage: tuple[tuple[str, str, str, str | None], ...]
    lines: tuple[Line, ...]

    def __repr__(self) -> str:
        head = [f"as_of {self.as_of}", *(repr(c) for c in self.contacts), f"shared {self.shared}"]
        head += [f"tag1 is K1's: {self.attributed}", f"coverage {self.coverage}"]
        return "\n".join(["", *head, *(repr(line) for line in self.lines)])

    def build(self) -> CaseBuilder:
        """Build the case."""
        case = CaseBuilder(as_of=self.as_of)
        for name, role, declared, identifiers in self.contacts:
            case.contact(name, role, declared, identifiers)
        for place_id, kind, metres, radius in PLACES:
            sharing = tuple(contact for place, contact in self.shared if place == place_id)
            case.place(place_id, kind, HOME[0] + north(metres), HOME[1], radius, shared_with=sharing)
        if self.attributed:
            case.attribute("tag1", "K1")
        for start, end, scope, scope_id in self.coverage:
            case.coverage(start, end, scope=scope, scope_id=scope_id)
        kept: dict[tuple[str, str], str] = {}
        for line in self.lines:
            _add(case, line, kept)
        return case


def _add(case: CaseBuilder, line: Line, kept: dict[tuple[str, str], str]) -> None:
    more = dict(line.more)
    for bound in ("ts_min", "ts_max"):
        if bound in more:
            more[bound] = case.utc(line.at) + more[bound] * SECOND
    if line.what == "notice":
        case.notice(line.contact, line.at, line.kind, **more)
        return
    if more.pop("again", False):
        if (line.what, line.contact) not in kept:
            return
        more["duplicate_of"] = kept[line.what, line.contact]
    if "end" in more:
        more["end"] = line.at + timedelta(seconds=more["end"])
    if line.what == "event":
        row = case.event(line.kind, line.contact, line.at, **more)
    elif line.kind == "tracker":
        row = case.tracker("tag1", line.at, **more)
    elif line.contact == OWNER:
        row = case.position(line.kind, None, line.at, subject="owner", **more)
    else:
        row = case.position(line.kind, line.contact, line.at, **more)
    kept.setdefault((line.what, line.contact), row)


def north(metres: float) -> float:
    """Return the degrees of latitude that go with a distance."""
    return math.degrees(metres / EARTH_RADIUS_M)


# -- strategies -----------------------------------------------------------------------------------------------------


@st.composite
def _blur(draw: st.DrawFn) -> dict[str, Any]:
    """How exact a time is: mostly to the second, else to the minute or day, or somewhere around the reading."""
    how = draw(st.sampled_from(["s"] * 12 + ["min", "day", "around"]))
    if how == "around":
        return {"ts_min": -draw(st.sampled_from([0, 1, HOUR_S])), "ts_max": draw(st.sampled_from([1, HOUR_S, DAY_S]))}
    return {} if how == "s" else {"precision": how}


QUIRKS = st.sampled_from(
    ["none"] * 20
    + ["min", "day", "around", "offset", "same record", "again", "source", "source", "undelivered", "thread"]
    + ["undirected", "journal", "number"]
)


@st.composite
def _event(draw: st.DrawFn, contact: str, at: datetime, kind: str, out: bool) -> Line:
    """Draw an event with at most one thing out of the ordinary: small draws make large cases possible."""
    quirk = draw(QUIRKS)
    more: dict[str, Any] = {"out": True} if out else {"directed": "yes", "channel": draw(CHANNELS)}
    match quirk:
        case "min" | "day":
            more["precision"] = quirk
        case "around":
            more |= {"ts_min": -draw(st.sampled_from([0, 1, HOUR_S])), "ts_max": draw(st.sampled_from([1, DAY_S]))}
        case "offset":
            more["utc_offset"] = 21_600
        case "same record":
            more["same_record"] = True
        case "again":
            more["again"] = True
        case "source":
            more["source"] = "b"
        case "undelivered":
            more["status"] = draw(st.sampled_from(["failed", "pending"]))
        case "thread":
            more["thread_kind"] = draw(st.sampled_from(["group", "unknown"]))
        case "undirected" if not out:
            more["directed"] = draw(st.sampled_from(["no", "unknown"]))
        case "journal":
            more["how"] = "journal"
        case "number":
            more["identifier"] = "+77010000099"
    if kind == "call":
        more |= dict(zip(("answered", "duration", "tags"), draw(CALLS), strict=True))
    return Line("event", kind, contact, at, tuple(more.items()))


@st.composite
def _sighting(draw: st.DrawFn, contact: str, at: datetime, kind: str, metres: int, text: str | None) -> Line:
    more: dict[str, Any] = {**draw(_blur()), "source": draw(st.sampled_from("jjk")), "how": "journal"}
    if text is not None:
        more["place"] = text
    if text is None or draw(st.booleans()):
        more |= {"lat": HOME[0] + north(metres), "lon": HOME[1], "acc": draw(ACCURACIES)}
    if draw(st.booleans()):
        more["end"] = draw(st.sampled_from([0, 600, HOUR_S]))
    return Line("position", kind, contact, at, tuple(more.items()))


def _point(kind: str, contact: str, at: datetime, metres: int, acc: float | None, source: str, **more: Any) -> Line:
    words = {"lat": HOME[0] + north(metres), "lon": HOME[1], "acc": acc, "source": source, **more}
    return Line("position", kind, contact, at, tuple(words.items()))


@st.composite
def _side_by_side(draw: st.DrawFn, contact: str, at: datetime) -> list[Line]:
    """Draw a row of the contact's track, one of the owner's, or both, more or less near each other."""
    metres = draw(TRACK_POINTS)
    away = draw(st.sampled_from([0, 0, 0, 50, 100, 101]))
    later = timedelta(seconds=draw(st.sampled_from([0, 0, 0, 60, 300, 301, -60, -300, -301])))
    acc = draw(st.sampled_from([10.0, 10.0, 10.0, 100.0, 101.0, None]))
    who = draw(st.sampled_from(["both"] * 6 + ["contact", "owner", "with end"]))
    found = []
    if who != "owner":
        kind = draw(st.sampled_from(["fix", "fix", "path", "share", "check_in"]))
        found.append(_point(kind, contact, at, metres, acc, "p"))
    if who == "with end":
        found = [_point("visit", contact, at, metres, acc, "p", end=draw(st.sampled_from([60, 600, HOUR_S])))]
    if who != "contact":
        end = draw(st.sampled_from([0, 0, 60, HOUR_S]))
        kind = "visit" if end else "fix"
        found.append(_point(kind, OWNER, at + later, metres + away, 10.0, "o", **({"end": end} if end else {})))
    return found


@st.composite
def scripts(draw: st.DrawFn, presence: bool = True, notices: bool = True) -> Script:
    """Draw a case: a few scenes, one after the other, on one clock."""
    clock = draw(STARTS)
    lines: list[Line] = []
    theme = draw(st.sampled_from(list(THEMES)))
    scenes = [x for x in THEMES[theme] if (presence or x not in PRESENCE) and (notices or x != "notice")]
    scenes = scenes or ["one"]
    few = draw(st.sampled_from([1, 2, 4, 6]))
    for scene in draw(st.lists(st.sampled_from(scenes), min_size=few, max_size=few + 2)):
        clock += timedelta(seconds=draw(STEPS))
        contact = draw(st.sampled_from(["K1"] * 5 + ["K2"]))
        pace = draw(SLOW if scene in ("story", "long talk") else PACES)
        times = draw(st.integers(3, 12) if scene in ("story", "long talk", "habit") else st.integers(1, 12))
        if scene in ("one", "out"):
            lines.append(draw(_event(contact, clock, draw(KINDS), scene == "out")))
        elif scene in ("run", "story"):
            kind = draw(KINDS)
            for k in range(times):
                clock += timedelta(seconds=pace if k else 0)
                lines.append(draw(_event(contact, clock, kind, False)))
        elif scene in ("talk", "long talk"):
            first_out = draw(st.booleans())
            answer = draw(st.sampled_from([0, 1, 300, HOUR_S, DAY_S, DAY_S + 1]))
            every = draw(st.integers(1, 3))
            kind = draw(KINDS)
            for k in range(times):
                clock += timedelta(seconds=pace if k else 0)
                lines.append(draw(_event(contact, clock, kind, first_out)))
                if k % every == 0:
                    lines.append(draw(_event(contact, clock + timedelta(seconds=answer), kind, not first_out)))
        elif scene == "notice":
            refused = draw(st.integers(0, 5)) == 5
            more = {**draw(_blur()), "refused": refused}
            lines.append(Line("notice", draw(NOTICE_KINDS), contact, clock, tuple(more.items())))
            if draw(st.booleans()):
                away = draw(st.sampled_from([-HOUR_S - 1, -HOUR_S, -600, 0, 600, HOUR_S, HOUR_S + 1]))
                lines.append(draw(_event(contact, clock + timedelta(seconds=away), "message", True)))
        elif scene in ("sighting", "sightings"):
            kind = draw(SIGHTINGS)
            text = draw(st.sampled_from([None, None, "home", "gym", "work", "park", "market"]))
            metres = draw(POINTS)
            for k in range(1 if scene == "sighting" else times):
                clock += timedelta(seconds=pace if k else 0)
                lines.append(draw(_sighting(contact, clock, kind, metres, text)))
        elif scene == "visits":
            metres, acc, acc_kind = draw(POINTS), draw(ACCURACIES), draw(ACCURACY_KINDS)
            stay = draw(st.sampled_from([0, 600, HOUR_S, DAY_S]))
            for k in range(times):
                clock += timedelta(seconds=pace if k else 0)
                lines.append(_point("visit", contact, clock, metres, acc, "p", end=stay, accuracy_kind=acc_kind))
        elif scene == "habit":
            metres = draw(st.sampled_from([0, 0, 2000, 4000]))
            for _ in range(times):
                early = timedelta(seconds=draw(st.sampled_from([0, 0, 0, HOUR_S, -HOUR_S, 2 * HOUR_S])))
                lines.append(_point("visit", contact, clock + early, metres, None, "p", end=1_800))
                clock += timedelta(days=draw(st.sampled_from([1, 7, 7, 14])))
        elif scene == "fixes":
            acc, acc_kind = draw(ACCURACIES), draw(ACCURACY_KINDS)
            for k in range(times):
                step = draw(st.sampled_from([0, 600, 1_800, 1_801]))
                clock += timedelta(seconds=step if k else 0)
                metres = draw(st.sampled_from([0, 0, 0, 125, 200, 2000, 9000]))
                kind = draw(st.sampled_from(["fix", "path", "share", "check_in"]))
                source, same = draw(st.sampled_from([("p", False), ("p", False), ("q", False), ("p", True)]))
                more = {"same_record": same, "accuracy_kind": acc_kind}
                lines.append(_point(kind, contact, clock, metres, acc, source, **more))
        elif scene == "tracks":
            for k in range(times):
                clock += timedelta(seconds=draw(st.sampled_from([0, 60, 600, 1_800, 1_801])) if k else 0)
                lines += draw(_side_by_side(contact, clock))
        elif scene == "tracker":
            for k in range(times):
                clock += timedelta(seconds=pace if k else 0)
                lines.append(Line("position", "tracker", contact, clock, (("lat", HOME[0]), ("lon", HOME[1]))))
    lines = lines[:MOST_LINES]
    ends = [line.at for line in lines]
    last = max(ends) + timedelta(seconds=1)
    as_of = draw(st.sampled_from([last, last, last, last + timedelta(days=200), draw(st.sampled_from(ends))]))
    contacts = []
    for number, name in enumerate(NAMES, 1):
        role = draw(st.sampled_from(ROLES))
        declared = draw(st.sampled_from([True, True, False]))
        own = draw(st.sampled_from([f"+7701000000{number}"] * 5 + [f"alpha:Sender{number}"]))
        contacts.append((name, role if declared else "unknown", declared, (own,)))
    shared = draw(st.lists(st.tuples(st.sampled_from(["home", "gym", "work"]), st.sampled_from(NAMES)), max_size=2))
    spans = st.tuples(
        st.sampled_from(["2025-08-01", "2025-09-16", "2025-10-01"]),
        st.sampled_from(["2025-10-10", "2025-11-01", "2026-06-01"]),
        st.sampled_from(["all", "thread", "identifier"]),
        st.sampled_from([None, "+77010000001", "+77010000002"]),
    )
    return Script(
        as_of=as_of, contacts=tuple(contacts), shared=tuple(shared), attributed=draw(st.booleans()),
        coverage=tuple(draw(st.lists(spans, max_size=2))), lines=tuple(lines),
    )  # fmt: skip


# -- the twin -------------------------------------------------------------------------------------------------------


@thorough
@given(scripts())
def test_detector_and_twin_agree(script: Script) -> None:
    case = script.build()
    assert differences(case.tables(), case.as_of) == []


@thorough
@given(scripts(presence=False))
def test_detector_and_twin_agree_on_events_and_notices(script: Script) -> None:
    case = script.build()
    assert differences(case.tables(), case.as_of) == []


@quick
@given(scripts(notices=False))
def test_detector_and_twin_agree_without_notices(script: Script) -> None:
    case = script.build()
    assert differences(case.tables(), case.as_of) == []


# -- invariants of the detector -------------------------------------------------------------------------------------

#: numbers of occasions of sets that an incoming event can only make larger (unanswered acts: the new act comes last)
GROWING = ("acts", "occasions", "attempt_occasions", "active_days", "acts_max_24h", "before_law_acts",
           "before_law_occasions")  # fmt: skip


def _values(tables: CaseTables, as_of: int) -> dict[str, dict[str, Any]]:
    return {contact: flat(finding) for contact, finding in detect(tables, as_of).items()}


@quick
@given(scripts(), st.data())
def test_another_act_never_lowers_a_number_of_occasions(script: Script, data: st.DataObject) -> None:
    at = data.draw(st.sampled_from([line.at for line in script.lines])) + timedelta(seconds=data.draw(STEPS))
    contact = data.draw(st.sampled_from(NAMES))
    more = (("source", data.draw(st.sampled_from("abc"))), ("directed", "yes"))
    added = Line("event", data.draw(KINDS), contact, at, more)
    with_more = replace(script, lines=(*script.lines, added))
    as_of = script.build().as_of
    before, after = _values(script.build().tables(), as_of), _values(with_more.build().tables(), as_of)
    for name, values in before.items():
        for count in GROWING:
            if values[count] is not None:
                assert after[name][count] >= values[count], (name, count)
    for name in before.keys() - {contact}:
        # the case as a whole may learn to hold events at all; nothing else of another contact may change
        assert {k: v for k, v in after[name].items() if before[name][k] is not None and k != "elements"} == {
            k: v for k, v in before[name].items() if v is not None and k != "elements"
        }


@quick
@given(scripts())
def test_an_unanswered_act_at_the_end_never_lowers_the_unwanted_occasions(script: Script) -> None:
    last = max(line.at for line in script.lines) + timedelta(days=2)
    script = replace(script, as_of=last + timedelta(days=1))
    added = Line("event", "message", "K1", last, (("source", "z"), ("directed", "yes")))
    as_of = script.build().as_of
    before = _values(script.build().tables(), as_of).get("K1")
    after = _values(replace(script, lines=(*script.lines, added)).build().tables(), as_of)["K1"]
    if before is None:
        return
    assert after["unanswered_occasions"] >= before["unanswered_occasions"]
    # an act after everything else may bring an overtaken notice back: then other acts are unwanted
    if (before["after_notice_acts"] is None) == (after["after_notice_acts"] is None):
        assert after["unwanted_occasions"] >= before["unwanted_occasions"]


@quick
@given(scripts(), st.randoms(use_true_random=False))
def test_the_order_of_the_rows_does_not_matter(script: Script, random: Any) -> None:
    case = script.build()
    tables = case.tables()
    expected = detect(tables, case.as_of)

    def shuffled(table: pa.Table) -> pa.Table:
        order = list(range(len(table)))
        random.shuffle(order)
        return table.take(pa.array(order, pa.int64()))

    mixed = CaseTables(tables.case_id, *(shuffled(getattr(tables, name)) for name in _TABLE_NAMES))
    assert detect(mixed, case.as_of) == expected


def test_rows_of_one_record_keep_their_order() -> None:
    """Home, away, home again, the first two of one record and moment: away ends the run, however the rows lie."""
    case = CaseBuilder(as_of="2025-11-01")
    case.contact("K1")
    case.place("home")
    ten = datetime(2025, 10, 6, 10)
    case.fix("K1", ten, *HOME)
    case.fix("K1", ten, HOME[0] + north(5000), HOME[1], same_record=True)
    case.fix("K1", ten + timedelta(minutes=20), *HOME)
    tables = case.tables()
    for order in itertools.permutations(range(3)):
        mixed = dataclasses.replace(tables, positions=tables.positions.take(pa.array(order, pa.int64())))
        assert detect(mixed, case.as_of)["K1"]["indicators"]["acts"]["value"] == 0, order


_TABLE_NAMES = ("events", "positions", "notices", "places", "contacts", "trackers", "coverage")


@quick
@given(scripts(), scripts())
def test_unrelated_contacts_change_nothing(script: Script, other: Script) -> None:
    case = script.build()
    alone = _values(case.tables(), case.as_of)
    strangers = {"K1": "X1", "K2": "X2"}
    both = script.build()
    kept: dict[tuple[str, str], str] = {}
    for line in other.lines:
        if line.kind == "tracker" or line.contact == OWNER:
            continue
        more = tuple((k, f"x{v}" if k == "source" else v) for k, v in line.more)
        _add(both, replace(line, contact=strangers[line.contact], more=more), kept)
    together = _values(both.tables(), case.as_of)
    for contact, values in alone.items():
        for name, value in values.items():
            if name == "elements":
                # what nothing could have shown before may now be known not to be there
                learnt = {k: together[contact][name][k] for k, v in value.items() if v == "unknown"}
                assert set(learnt.values()) <= {"unknown", "not_met"}
                assert {k: v for k, v in together[contact][name].items() if k not in learnt} == {
                    k: v for k, v in value.items() if v != "unknown"
                }
            elif value is None and name in COUNTS:
                assert together[contact][name] in (None, 0)
            elif value != "insufficient":
                # a journal covers its own time for everybody
                assert together[contact][name] == value, name


@quick
@given(scripts(), st.sampled_from([-3, -1, 1, 2, 52]))
def test_whole_weeks_change_nothing_but_the_times(script: Script, weeks: int) -> None:
    case = script.build()
    tables = case.tables()
    by = weeks * 7 * DAY_S * SECOND
    moved = CaseTables(tables.case_id, *(_moved(name, getattr(tables, name), by) for name in _TABLE_NAMES))
    expected = {c: flat(f) for c, f in detect(tables, case.as_of).items()}
    found = {c: flat(f) for c, f in detect(moved, case.as_of + by, VALID_FROM + by).items()}
    for values in expected.values():
        for name in ("first_met", "first_repeated"):
            if values[name] is not None:
                then = datetime.fromisoformat(values[name].removesuffix("Z")) + timedelta(weeks=weeks)
                values[name] = then.isoformat() + "Z"
    assert found == expected


def _moved(table_name: str, table: pa.Table, by: int) -> pa.Table:
    for column in TABLES[table_name].names:
        if column in ("ts", "ts_min", "ts_max", "ts_end", "ts_from", "ts_to", "local_time", "local_end", "local_from",
                      "local_to"):  # fmt: skip
            place = table.column_names.index(column)
            table = table.set_column(place, TABLES[table_name].field(column), pc.add(table[column], by))
    return table


@quick
@given(scripts())
def test_duplicates_change_nothing(script: Script) -> None:
    case = script.build()
    tables = case.tables()
    doubled = CaseTables(
        tables.case_id, _doubled(tables.events, "event_id"), _doubled(tables.positions, "position_id"),
        *(getattr(tables, name) for name in _TABLE_NAMES[2:]),
    )  # fmt: skip
    expected, found = detect(tables, case.as_of), detect(doubled, case.as_of)
    assert {c: flat(f) for c, f in found.items()} == {c: flat(f) for c, f in expected.items()}


def _doubled(table: pa.Table, key: str) -> pa.Table:
    """Add every row once more, from another source, as a witness of the first."""
    rows = table.to_pylist()
    again = [
        {
            **r,
            key: r[key].replace("#", "w#"),
            "source_id": r["source_id"] + "w",
            "duplicate_of": r["duplicate_of"] or r[key],
        }
        for r in rows
    ]
    return pa.Table.from_pylist(rows + again, schema=table.schema)
