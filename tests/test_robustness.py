"""Robustness: every change gives, to the bit, what scoring the changed case plainly gives; what is said of it is worked by hand."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from functools import cache
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from detector.elements import STATUS_NAMES
from detector.indicators import all_indicators
from detector.model import CaseTables
from detector.parameters import PARAMETERS
from detector.perturbed import Change, Whole
from detector.robustness import (
    KINDS,
    OF_CASE,
    STRENGTH,
    Tried,
    declared_set,
    of_hypotheses,
    perturbations,
    robustness,
)
from detector.schema import PRECISION_SPAN_US, TABLES
from detector.score import Judged, Scored, judge, score
from detector.statute import Element, Line, Profile
from detector.verdict import VERDICTS
from tests.agree import VALID_FROM, profile
from tests.build import CaseBuilder
from tests.test_twin_agrees import HOME, STEPS, Script, north, scripts

#: generated cases for each kind of change; set QORGAN_EXAMPLES to look longer
EXAMPLES = max(10, int(os.environ.get("QORGAN_EXAMPLES", "80")) // 4)
#: changes of one generated case that are scored plainly: the numbers are many
MOST, MOST_NUMBERS = 8, 24
thorough = settings(
    max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
Rows = list[dict[str, Any]]


# -- the plain way ----------------------------------------------------------------------------------------------------


def _table(name: str, rows: Rows) -> pa.Table:
    return pa.Table.from_pylist(rows, schema=TABLES[name])


def _without(tables: CaseTables, gone: Callable[[dict[str, Any]], bool]) -> CaseTables:
    """Leave out events and positions, row by row; a witness takes the place of its row, a notice goes with its record."""
    changed: dict[str, pa.Table] = {}
    became: dict[str, dict[str, Any] | None] = {}
    for name, key in (("events", "event_id"), ("positions", "position_id")):
        rows = getattr(tables, name).to_pylist()
        left = [r for r in rows if not gone(r)]
        taken: set[str] = set()
        for lost in (r for r in rows if gone(r)):
            if name == "events":
                became[lost[key]] = None
            further = [r for r in left if r["duplicate_of"] == lost[key]]
            if further:
                best = min(
                    further,
                    key=lambda r: (PRECISION_SPAN_US[r["ts_precision"]], r["source_id"], r["n"], int(f"{r[key]}.1".split(".")[1])),
                )  # fmt: skip
                taken.add(best[key])
                if name == "events":
                    became[lost[key]] = best
        changed[name] = _table(name, [r | {"duplicate_of": None} if r[key] in taken else r for r in left])
    notices = []
    for n in tables.notices.to_pylist():
        if n["record_id"] in became:
            heir = became[n["record_id"]]
            if heir is None:
                continue
            n = n | {k: heir[k] for k in ("ts", "ts_min", "ts_max")}
        notices.append(n)
    return replace(tables, notices=_table("notices", notices), **changed)


def _moved(rows: Rows, by: int, wanted: Callable[[dict[str, Any]], bool]) -> Rows:
    keys = ("ts", "ts_min", "ts_max", "ts_end")
    return [r | {k: r[k] + by for k in keys if k in r} if wanted(r) else r for r in rows]


def plainly(tables: CaseTables, statute: Profile, as_of: int, t: Tried) -> Judged:
    """Score the whole changed case, with nothing shared."""
    numbers = statute.numbers()
    match t.kind:
        case "number":
            numbers[t.what[0]] = t.what[1]
        case "threshold":
            name, k, number = t.what
            statute = replace(statute, elements=tuple(
                e if e.id != name else replace(e, lines=tuple(x if i != k else replace(x, number=number) for i, x in enumerate(e.lines)))
                for e in statute.elements
            ))  # fmt: skip
        case "source":
            tables = _without(tables, lambda r: r["source_id"] == t.what[0])
            left = [r for r in tables.coverage.to_pylist() if r["source_id"] != t.what[0]]
            tables = replace(tables, coverage=_table("coverage", left))
        case "identifier":
            contact, name = t.what
            tables = _without(tables, lambda r: r["contact_id"] == contact and r["identifier"] == name)
            people = tables.contacts.to_pylist()
            for c in people:
                if c["contact_id"] == contact:
                    c["identifiers"] = "\n".join(i for i in c["identifiers"].split("\n") if i and i != name)
            tables = replace(tables, contacts=_table("contacts", people))
        case "journal":
            tables = _without(tables, lambda r: r["how"] == "journal")
            told = [n for n in tables.notices.to_pylist() if n["basis"] != "journal"]
            left = [r for r in tables.coverage.to_pylist() if r["channel"] != "journal"]
            tables = replace(tables, notices=_table("notices", told), coverage=_table("coverage", left))
        case "clock":
            source, by = t.what
            records = {e["event_id"] for e in tables.events.to_pylist() if e["source_id"] == source}
            told = _moved(
                tables.notices.to_pylist(),
                by,
                lambda n: n["basis"] == "declared" if source is None else n["record_id"] in records,
            )
            moved = {
                name: _table(name, _moved(getattr(tables, name).to_pylist(), by, lambda r: r["source_id"] == source))
                for name in ("events", "positions")
            }
            tables = replace(tables, notices=_table("notices", told), **moved)
        case "radius":
            wide = [p | {"radius_m": p["radius_m"] * t.what[0]} for p in tables.places.to_pylist()]
            tables = replace(tables, places=_table("places", wide))
        case _:
            raise AssertionError(t.kind)
    return judge([tables], statute, [as_of], valid_from=VALID_FROM, numbers=numbers)


def check(tables: CaseTables, statute: Profile, as_of: int, base: Judged, t: Tried) -> None:
    """Hold one change against the plain way: those it can touch, and those it is said not to touch."""
    plain = plainly(tables, statute, as_of, t)
    for k, g in enumerate(t.groups.tolist()):
        who = (t.text, plain.state.course.groups[g].contact_id)
        assert VERDICTS[t.verdict[k]] == VERDICTS[plain.verdicts.verdict[g]], who
        assert t.reason[k] == plain.verdicts.reason[g], who
        for name, status in t.status.items():
            assert STATUS_NAMES[status[k]] == STATUS_NAMES[plain.elements.status[name][g]], (*who, name)
    if t.kind in ("source", "journal"):  # what no source covers is told of contacts with rows there alone
        return
    others = np.setdiff1d(np.arange(base.state.course.n_groups), t.groups)
    assert np.array_equal(plain.verdicts.verdict[others], base.verdicts.verdict[others]), t.text
    for name in t.status:
        assert np.array_equal(plain.elements.status[name][others], base.elements.status[name][others]), (t.text, name)


# -- cases ------------------------------------------------------------------------------------------------------------


@st.composite
def cases(draw: st.DrawFn) -> tuple[CaseTables, int]:
    """Draw a case of the twin's kind, with blocks on record and their witnesses, records in several files, and a track of the owner."""
    script: Script = draw(scripts())
    case: CaseBuilder = script.build()
    times = [line.at for line in script.lines]
    for _ in range(draw(st.integers(0, 2))):
        contact, at = draw(st.sampled_from(["K1", "K1", "K2"])), draw(st.sampled_from(times))
        record = case.event("block", contact, at, out=True, source=draw(st.sampled_from("ab")))
        for source in draw(st.sampled_from(["", "", "c", "cb"])):
            away = timedelta(seconds=draw(st.sampled_from([0, 1, 59])))
            case.event(
                "block",
                contact,
                at + away,
                out=True,
                source=source,
                duplicate_of=record,
                precision=draw(st.sampled_from(["s", "min"])),
            )
        case.notice(contact, at, "blocked", basis=draw(st.sampled_from(["device", "journal"])), record_id=record)
    if draw(st.booleans()):
        for line in script.lines:
            more = dict(line.more)
            if line.what == "position" and "lat" in more and draw(st.integers(0, 2)):
                at = line.at + timedelta(seconds=draw(st.sampled_from([0, 0, 299, 300, 301])))
                lat = more["lat"] + north(draw(st.sampled_from([0, 0, 99, 101])))
                case.position(
                    "fix",
                    None,
                    at,
                    subject="owner",
                    lat=lat,
                    lon=more["lon"],
                    acc=10.0,
                    source=draw(st.sampled_from("po")),
                )
    for _ in range(draw(st.integers(0, 2))):  # the same message in a second file
        at = draw(st.sampled_from(times)) + timedelta(seconds=draw(STEPS))
        record = case.message("K1", at, source="a")
        for source in draw(st.sampled_from(["b", "cb"])):
            case.message("K1", at, source=source, duplicate_of=record, precision=draw(st.sampled_from(["s", "min"])))
    return case.tables(), case.as_of


def _everything(names: frozenset[str]) -> Profile:
    """Return a profile whose verdict rests on a threshold of every one of these indicators."""
    number = {"s": 86_400, "‰": 300, "visits in ‰": 900, "yes or no": 1}
    elements = [
        Element(f"on_{name}", "alternative:any" if i % 2 else "required", name, "", "P", "test", "", "short",
                (Line(name, ">=", number.get(all_indicators()[name].unit, 2), "product_choice", "test", ()),))
        for i, name in enumerate(sorted(names))
    ]  # fmt: skip
    return replace(profile(), elements=tuple(elements), against=())


@cache
def statutes() -> dict[str, Profile]:
    """Return the law, and profiles that rest on all that is measured: by what each contact did alone, and by others too."""
    return {
        "law": profile(),
        "alone": _everything(frozenset(all_indicators()) - OF_CASE),
        "together": _everything(OF_CASE | {"occasions"}),
    }


def _hold(case: tuple[CaseTables, int], statute: Profile, kind: str, data: st.DataObject) -> None:
    tables, as_of = case
    base = judge([tables], statute, [as_of], valid_from=VALID_FROM)
    found = [t for t in perturbations(base) if t.kind == kind]
    for t in data.draw(st.permutations(found))[: MOST_NUMBERS if kind == "number" else MOST]:
        check(tables, statute, as_of, base, t)


@pytest.mark.parametrize("kind", [k for k in KINDS if k != "hypothesis"])
@thorough
@given(case=cases(), data=st.data())
def test_a_change_gives_what_scoring_the_changed_case_gives(
    kind: str, case: tuple[CaseTables, int], data: st.DataObject
) -> None:
    _hold(case, profile(), kind, data)


@pytest.mark.parametrize("statute", ["alone", "together"])
@pytest.mark.parametrize("kind", [k for k in KINDS if k not in ("hypothesis", "threshold")])
@settings(thorough, max_examples=max(6, EXAMPLES // 3))
@given(case=cases(), data=st.data())
def test_it_does_so_whatever_indicator_a_law_rests_on(
    statute: str, kind: str, case: tuple[CaseTables, int], data: st.DataObject
) -> None:
    _hold(case, statutes()[statute], kind, data)


# -- worked by hand ----------------------------------------------------------------------------------------------------


def _scored(case: CaseBuilder) -> Scored:
    return score([case.tables()], profile(), [case.as_of], valid_from=VALID_FROM)


def _told(case: CaseBuilder, contact: str = "K1", extra: Any = None) -> tuple[str, dict[str, Any]]:
    """Return the verdict of a contact, and what robustness says of it."""
    scored = _scored(case)
    g = [x.contact_id for x in scored.state.course.groups].index(contact)
    return VERDICTS[int(scored.verdicts.verdict[g])], robustness(scored, 0, extra)[contact]


def _flips(said: dict[str, Any], kind: str) -> list[tuple[str, str, str]]:
    return [(x["change"], x["verdict"], x["why"]) for x in said["flips"] if x["kind"] == kind]


def _refused(days: tuple[int, ...], **more: Any) -> CaseBuilder:
    """Messages at ten in the morning of these days of October, after a refusal on the first."""
    case = CaseBuilder(as_of="2025-11-01")
    case.notice("K1", "2025-10-01 12:00")
    for day in days:
        case.message("K1", f"2025-10-{day:02d} 10:00", **more)
    return case


def test_a_verdict_that_hangs_on_every_threshold() -> None:
    """Three messages on three days, a week from first to last, after a refusal: one step more of anything is not met."""
    verdict, said = _told(_refused((6, 8, 13)))
    assert verdict == "systematic"
    assert _flips(said, "threshold") == [
        ("systematic: unwanted_occasions >= 4", "emerging", "systematic: met → not_met"),
        ("systematic: unwanted_days >= 4", "emerging", "systematic: met → not_met"),
        ("systematic: unwanted_span_s >= 691200", "emerging", "systematic: met → not_met"),
    ]
    assert _flips(said, "number") == [] and _flips(said, "clock") == []
    # six thresholds, each down and up; the clock of the one source, and the notice, each back and forth
    assert (
        said["by_kind"]["threshold"] == [12, 3]
        and said["by_kind"]["clock"] == [4, 0]
        and said["by_kind"]["source"] == [1, 1]
    )
    assert said["tested"] == sum(n for n, _ in said["by_kind"].values()) and said["stable"] is False
    # without the only source nothing covers the time since the commencement
    assert (said["weakest"], said["strongest"]) == ("insufficient", "systematic")


def test_a_number_that_only_enters_with_a_notice() -> None:
    """Five calls on five days after the refusal, each answered by a message: contested, because five days are enough."""
    case = _refused(())
    for day in (6, 8, 10, 13, 14):
        case.call("K1", f"2025-10-{day:02d} 10:00")
        case.message("K1", f"2025-10-{day:02d} 10:30", out=True)
    verdict, said = _told(case)
    assert verdict == "emerging"
    assert _flips(said, "number") == [("contested_most_days = 6", "systematic", "against_will: unknown → met")]


def test_numbers_of_two_way_contact() -> None:
    """Eight calls on eight days, one of them a talk of a minute, one answered by a message: exactly a quarter goes both ways."""
    case = CaseBuilder(as_of="2025-11-01")
    for day in range(6, 14):
        talk: dict[str, Any] = {"answered": True, "duration": 60} if day == 8 else {}
        case.call("K1", f"2025-10-{day:02d} 10:00", **talk)
    case.message("K1", "2025-10-10 10:30", out=True)
    verdict, said = _told(case)
    assert verdict == "reciprocal"
    why = "unanswered occasions (rule 7) instead of contact that goes both ways (rule 5)"
    assert _flips(said, "number") == [
        (change, "isolated", why) for change in ("conversation_min_s = 90", "reciprocal_share = 3/10", "reciprocal_own_share = 3/20")
    ]  # fmt: skip


def test_the_clock_of_a_source_and_of_a_notice() -> None:
    """The first of three acts came half an hour after the refusal: an hour away, it came before it."""
    case = CaseBuilder(as_of="2025-11-01")
    case.notice("K1", "2025-10-06 09:30")
    case.message("K1", "2025-10-06 10:00")
    case.message("K1", "2025-10-13 11:00")
    verdict, _ = _told(case)
    assert verdict == "isolated"
    changes = {t.what: t for t in perturbations(_scored(case)) if t.kind == "clock"}
    source = "a" + "0" * 11
    hour = 3_600_000_000
    statuses = {what: STATUS_NAMES[int(t.status["against_will"][0])] for what, t in changes.items()}
    assert statuses == {
        (source, -hour): "not_met",
        (source, hour): "met",
        (None, -hour): "met",
        (None, hour): "not_met",
    }


def test_a_second_record_takes_the_place_of_the_first() -> None:
    """Every message stands in two files: without either of them nothing changes. A third one stands in one of them alone."""
    case = _refused(())
    for day in (6, 8, 13):
        record = case.message("K1", f"2025-10-{day:02d} 10:00", source="a")
        case.message("K1", f"2025-10-{day:02d} 10:00", source="b", duplicate_of=record)
    verdict, said = _told(case)
    assert verdict == "systematic"
    assert said["by_kind"]["source"] == [2, 0]
    case.message("K1", "2025-10-20 10:00", source="b")
    extra = next(t for t in perturbations(_scored(case)) if t.what == ("b" + "0" * 11,))
    assert VERDICTS[int(extra.verdict[0])] == "systematic"


def test_the_most_precise_witness_takes_the_place_then_the_smallest_source_then_the_first() -> None:
    case = CaseBuilder(as_of="2025-11-01")
    record = case.message("K1", "2025-10-06 10:00", source="a")
    wanted = []
    for source, precision in (("b", "min"), ("d", "s"), ("c", "s"), ("c", "s")):
        row = case.message("K1", "2025-10-06 10:00", source=source, precision=precision, duplicate_of=record)
        wanted.append(row)
    tables = case.tables()
    whole = Whole(tables, ["K1"])
    rows = np.array([i == record for i in tables.events["event_id"].to_pylist()])
    left = whole.excerpt(np.array([0]), Change(no_event=rows)).events
    kept = {e["event_id"] for e in left.to_pylist() if e["duplicate_of"] is None}
    assert kept == {wanted[2]} and len(left) == 4
    # and so on: without that one, the next
    rows |= np.array([i == wanted[2] for i in tables.events["event_id"].to_pylist()])
    left = whole.excerpt(np.array([0]), Change(no_event=rows)).events
    assert {e["event_id"] for e in left.to_pylist() if e["duplicate_of"] is None} == {wanted[3]}
    rows |= np.array([i == wanted[3] for i in tables.events["event_id"].to_pylist()])
    left = whole.excerpt(np.array([0]), Change(no_event=rows)).events
    assert {e["event_id"] for e in left.to_pylist() if e["duplicate_of"] is None} == {wanted[1]}


def test_a_notice_goes_with_its_record_unless_another_one_stands_for_it() -> None:
    case = CaseBuilder(as_of="2025-11-01")
    record = case.event("block", "K1", "2025-10-01 12:00", out=True, source="c")
    case.notice("K1", "2025-10-01 12:00", "blocked", basis="device", record_id=record)
    for day in (6, 8, 13):
        case.message("K1", f"2025-10-{day:02d} 10:00", source="a")
    verdict, said = _told(case)
    assert verdict == "systematic"
    without = (f"source {'c' + '0' * 11} left out", "isolated", "against_will: met → unknown")
    assert without in _flips(said, "source")
    case.event("block", "K1", "2025-10-01 12:00", out=True, source="d", duplicate_of=record)
    _, said = _told(case)
    assert [change for change, *_ in _flips(said, "source")] == [f"source {'a' + '0' * 11} left out"]


def test_a_notice_stands_where_the_other_record_says() -> None:
    """The act came thirty seconds after the block; a second file has the block to the minute, and cannot say that."""
    case = CaseBuilder(as_of="2025-11-01")
    record = case.event("block", "K1", "2025-10-06 12:00:00", out=True, source="c")
    case.event("block", "K1", "2025-10-06 12:00:00", out=True, source="d", precision="min", duplicate_of=record)
    case.notice("K1", "2025-10-06 12:00:00", "blocked", basis="device", record_id=record)
    case.message("K1", "2025-10-06 12:00:30")
    case.message("K1", "2025-10-13 10:00")
    found = {
        t.what[0]: STATUS_NAMES[int(t.status["against_will"][0])]
        for t in perturbations(_scored(case))
        if t.kind == "source"
    }
    assert found["c" + "0" * 11] == "not_met" and found["d" + "0" * 11] == "met"


def test_identifiers_are_left_out_where_there_are_two() -> None:
    case = _refused((6, 8, 13))
    _, said = _told(case)
    assert "identifier" not in said["by_kind"]
    case.contact("K1", identifiers=("+77010000001", "+77010000002"))
    case.message("K1", "2025-10-20 10:00", identifier="+77010000002")
    verdict, said = _told(case)
    assert verdict == "systematic" and said["by_kind"]["identifier"] == [2, 1]
    # one act is left after the refusal
    assert _flips(said, "identifier") == [
        ("identifier +77010000001 left out", "isolated", "systematic: met → not_met; against_will: met → not_met")
    ]


def test_the_journal_left_out() -> None:
    case = CaseBuilder(as_of="2025-11-01")
    for day in (6, 8, 13):
        case.waited("K1", f"2025-10-{day:02d} 18:00", place="home")
    case.place("home")
    case.message("K1", "2025-10-06 10:00")
    verdict, said = _told(case)
    assert verdict == "emerging"
    why = "nothing that counts as a pattern (rule 8) instead of repeated waiting, following, entering or an attributed tracker (rule 4)"
    assert _flips(said, "journal") == [("journal left out", "none", why)]
    assert said["by_kind"]["journal"] == [1, 1]


def test_the_radius_of_the_places() -> None:
    """Three visits 250 m from the centre of home: with a radius of 300 m instead of 150 they are at home."""
    case = CaseBuilder(as_of="2025-11-01")
    case.place("home", radius=150.0)
    for day in (6, 8, 13):
        case.visit("K1", f"2025-10-{day:02d} 18:00", f"2025-10-{day:02d} 19:00", HOME[0] + north(250), HOME[1])
    verdict, said = _told(case)
    assert verdict == "insufficient"  # no act, and nothing covers the time
    assert [x[:2] for x in _flips(said, "radius")] == [("radius of every place doubled", "emerging")]
    assert said["by_kind"]["radius"] == [2, 1] and said["strongest"] == "emerging"


def test_the_radius_of_the_places_and_who_was_seen_near_them() -> None:
    """Seen three times 250 m from home, with coordinates and no name of a place: on one spot of the way, or at home."""
    case = CaseBuilder(as_of="2025-11-01")
    case.place("home", radius=150.0)
    for day in (6, 8, 13):
        case.seen("K1", f"2025-10-{day:02d} 18:00", lat=HOME[0] + north(250), lon=HOME[1])
    verdict, said = _told(case)
    assert verdict == "isolated"
    assert [x[:2] for x in _flips(said, "radius")] == [("radius of every place doubled", "emerging")]


def test_identifiers_of_several_contacts_are_left_out_one_by_one() -> None:
    """Each of two contacts has one visit: without that of one, the case still holds the other's, and could show presence."""
    case = CaseBuilder(as_of="2025-11-01")
    case.place("gym", "gym")
    for name in ("K1", "K2"):
        case.contact(name, identifiers=(f"+7701000000{name[1]}", f"+7701000001{name[1]}"))
        case.visit(name, "2025-10-06 18:00", "2025-10-06 19:00")
        case.message(name, "2025-10-06 10:00", identifier=f"+7701000001{name[1]}")
    found = {
        t.what: STATUS_NAMES[int(t.status["tracking"][0])]
        for t in perturbations(_scored(case))
        if t.kind == "identifier"
    }
    assert found == {(f"K{k}", f"+770100000{n}{k}"): "not_met" for k in (1, 2) for n in (0, 1)}


def test_a_number_that_makes_an_encounter_move() -> None:
    """Three walks of 550 m side by side: each is on two spots by itself, unless spots lie 600 m apart."""
    case = CaseBuilder(as_of="2025-11-01")
    case.message("K2", "2025-10-06 10:00")
    for day in (6, 8, 13):
        for step in range(3):
            at, lat = f"2025-10-{day:02d} 18:{10 * step:02d}", HOME[0] + north(9_000 + 275 * step)
            case.fix("K1", at, lat, HOME[1])
            case.position("fix", None, at, subject="owner", lat=lat, lon=HOME[1], acc=10.0, source="o")
    verdict, said = _told(case)
    assert verdict == "emerging"
    why = "presence, or a statement of the journal (rule 7) instead of repeated tracking (rule 6)"
    assert ("spot_m = 600", "isolated", why) in _flips(said, "number")
    # without the owner's own track nobody knows that they met
    assert _flips(said, "source")[0][:2] == (f"source {'o' + '0' * 11} left out", "insufficient")


def test_a_contact_is_tested_by_what_could_touch_it() -> None:
    """Numbers of notices are no test of somebody who was never refused, nor is another contact's source."""
    case = _refused((6, 8, 13))
    case.message("K2", "2025-10-06 10:00", source="b")
    case.contact("K3")
    _, first = _told(case, "K1")
    _, second = _told(case, "K2")
    _, third = _told(case, "K3")
    of_notices = [p for name, p in PARAMETERS.items() if p.stage == "notices" or name == "notice_margin_s"]
    assert first["by_kind"]["number"][0] - second["by_kind"]["number"][0] == sum(len(p.tries) for p in of_notices)
    assert first["by_kind"]["source"][0] == second["by_kind"]["source"][0] == 1
    assert third["by_kind"] == {"number": [2, 0], "threshold": [12, 0]}  # its coverage; thresholds
    assert third["stable"] is True


def test_a_hypothesis_is_a_change_like_the_others() -> None:
    case = _refused((6, 8))
    entries: dict[str, list[dict[str, Any]]] = {
        "K1": [
            {"contact_id": "u-1", "with": {"verdict": "systematic", "reason": "All.", "elements": [{"id": "systematic", "status": "met"}]}},
            {"contact_id": "u-2", "with": {"verdict": "emerging", "reason": "No.", "elements": []}},
            {"together": ["u-1", "u-2"], "with": {"verdict": "isolated", "reason": "So it is.", "elements": []}},
            {"contact_id": "K2", "of": True, "points": 4},
            {"decision": "accepted", "identifiers": ["x"], "note": ""},
        ]
    }  # fmt: skip
    extra = of_hypotheses(_scored(case), entries)
    verdict, said = _told(case, extra=extra)
    assert verdict == "isolated"
    assert said["by_kind"]["hypothesis"] == [3, 2]
    assert _flips(said, "hypothesis") == [
        ("u-1 taken for the same person", "systematic", "systematic: not_met → met"),
        ("u-2 taken for the same person", "emerging", "No."),
    ]
    assert said["strongest"] == "systematic"
    assert said["flips"][-1]["kind"] == "hypothesis"  # the last of the declared order


def test_several_cases_of_one_scoring_are_told_apart() -> None:
    """What is said of a case does not depend on its neighbours."""
    first, second = _refused((6, 8, 13)), _refused((6, 8))
    second.message("K0", "2025-10-07 10:00", source="z")
    both = score([first.tables(), second.tables()], profile(), [first.as_of, second.as_of], valid_from=VALID_FROM)
    for number, case in enumerate((first, second)):
        assert robustness(both, number) == robustness(_scored(case))


def test_the_declared_set_names_every_number() -> None:
    declared = {x["kind"]: x for x in declared_set(profile())}
    assert list(declared) == [*KINDS, "not varied"]
    varied = {x.split(" = ")[0] for x in declared["number"]["values"]}
    assert varied | set(declared["not varied"]["values"]) == set(PARAMETERS) and not varied & set(
        declared["not varied"]["values"]
    )
    assert (
        "occasion_window_s = 900" in declared["number"]["values"] and "visit_bar = 2/5" in declared["number"]["values"]
    )
    assert declared["threshold"]["values"][:2] == [
        "contact_attempts: attempt_occasions >= 0",
        "contact_attempts: attempt_occasions >= 2",
    ]
    assert set(STRENGTH) == set(VERDICTS)


def test_a_contact_of_many_changes_keeps_the_declared_order() -> None:
    _, said = _told(_refused((6, 8, 13)))
    kinds = [KINDS.index(x["kind"]) for x in said["flips"]]
    assert kinds == sorted(kinds) and list(said["by_kind"]) == [k for k in KINDS if k in said["by_kind"]]
