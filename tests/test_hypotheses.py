"""One person behind several identifiers: reasons and points by hand, and that nothing is ever joined by itself."""

from __future__ import annotations

import copy
from dataclasses import replace
from datetime import timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from detector.findings import case_findings
from detector.hypotheses import SHOWN, _Excerpts, case_hypotheses, joined_findings, suggest
from detector.model import CaseTables, Decision
from detector.records import unfold
from detector.score import Scored, score
from tests.agree import VALID_FROM, profile
from tests.build import CaseBuilder
from tests.test_twin_agrees import EXAMPLES, Script, scripts

quick = settings(
    max_examples=max(20, EXAMPLES // 4), deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)  # fmt: skip


def scored(tables: CaseTables, as_of: int, least: int | None = None) -> Scored:
    numbers = profile().numbers() if least is None else {**profile().numbers(), "hypothesis_points": least}
    return score([tables], profile(), [as_of], valid_from=VALID_FROM, numbers=numbers)


def known(builder: CaseBuilder, *evenings: int, month: int = 10) -> None:
    """Let K1, a declared contact, write on these evenings."""
    builder.contact("K1", "former_partner", identifiers=("+77770000002",))
    for day in evenings:
        builder.message("K1", f"2025-{month:02d}-{day:02d} 19:30")


def stranger(builder: CaseBuilder, name: str = "u-1", number: str = "+77010000055") -> str:
    return builder.contact(name, declared=False, identifiers=(number,))


#: the worked examples look at single reasons, below what is offered to an analyst
LEAST = 4


def offered(builder: CaseBuilder, whose: str = "K1", decisions: tuple[Decision, ...] = ()) -> list[dict[str, Any]]:
    found = case_hypotheses(scored(builder.tables(), builder.as_of, LEAST), 0, decisions)
    return [h for h in found.get(whose, []) if "reasons" in h]


def one(builder: CaseBuilder) -> dict[str, tuple[int, int]]:
    """Return value and points of every reason, for and against, of the only hypothesis."""
    (only,) = offered(builder)
    said = [*only["reasons"], *only["against"]]
    assert only["points"] == sum(r["points"] for r in said)
    assert all(r["points"] > 0 for r in only["reasons"]) and all(r["points"] <= 0 for r in only["against"])
    return {r["id"]: (r["value"], r["points"]) for r in said}


def block(builder: CaseBuilder, at: str = "2025-10-08 12:00") -> None:
    builder.notice("K1", at, "blocked")


# By hand --------------------------------------------------------------------------------------------------------------


def test_who_takes_over_after_a_block_is_offered_with_every_reason() -> None:
    case = CaseBuilder()
    known(case, 1, 2, 3, 4, 5, 6)
    block(case)
    stranger(case, number="+77770000055")
    for day in range(10, 20):
        case.message("u-1", f"2025-10-{day} 19:45")
    assert one(case) == {
        "timing": (2 * 86_400 + 27_899, 2),  # the notice is exact to the second: it may have been 12:00:00.999999
        "take_over": (4 * 86_400 + 900, 2),
        "same_channel": (1, 1),
        "same_hours": (1000, 2),
        "one_way": (16, 1),
        "number_kinship": (1, 1),
    }
    (found,) = offered(case)
    assert (found["contact_id"], found["identifiers"], found["points"]) == ("u-1", ["+77770000055"], 9)
    assert found["refusal"] == {"kind": "blocked", "at": "2025-10-08T07:00:00Z"}
    assert found["first_act"] == "2025-10-10T14:45:00Z"
    records = {r["id"]: r["records"] for r in found["reasons"]}
    assert records["timing"] == ["a00000000000#7"]
    assert records["take_over"] == ["a00000000000#6-7"]
    assert records["same_channel"] == ["a00000000000#1", "a00000000000#7"]
    assert records["same_hours"] == records["one_way"] == ["a00000000000#1-16"]
    assert records["number_kinship"] == ["a00000000000#7"]


def test_side_by_side_says_what_would_change() -> None:
    case = CaseBuilder()
    known(case, 1, 2, 3, 4, 5, 6)
    block(case)
    stranger(case)
    for day in range(10, 20):
        case.message("u-1", f"2025-10-{day} 19:45")
    tables = case.tables()
    before = {f["contact_id"]: f for f in case_findings(scored(tables, case.as_of), 0)}
    (found,) = offered(case)
    assert before["K1"]["verdict"] != "systematic" == found["with"]["verdict"]
    assert found["with"]["first_met"] == "2025-10-11T14:45:00Z"
    assert {e["id"]: e["status"] for e in found["with"]["elements"]}["against_will"] == "met"
    differ = found["with"]["indicators"]
    assert differ["acts"] == {"without": 6, "with": 16, "unit": "acts"}
    assert differ["after_notice_occasions"] == {"without": 0, "with": 10, "unit": "occasions"}
    assert "replies" not in differ, "only what differs"
    mirror = case_hypotheses(scored(tables, case.as_of))["u-1"]
    assert mirror == [{"contact_id": "K1", "of": True, "points": found["points"]}]


@pytest.mark.parametrize(
    ("at", "points"),
    [
        ("2025-10-11 12:00:00", 2),  # the notice's latest moment is the end of its second
        ("2025-10-11 12:00:01", 2),  # three days and a fraction, in whole seconds
        ("2025-10-11 12:00:02", 1),
        ("2025-10-22 12:00:01", 1),
        ("2025-10-22 12:00:02", None),
        ("2025-10-08 12:00:00", None),  # perhaps before it
        ("2025-10-08 12:00:01", 2),
        ("2025-10-08 11:59:00", None),
    ],
)
def test_the_timing(at: str, points: int | None) -> None:
    case = CaseBuilder()
    known(case, 1, 2, 3)
    block(case)
    stranger(case)
    case.message("u-1", at)
    case.message("u-1", "2025-10-23 10:00")
    if points is None:
        assert offered(case) == []
    else:
        assert one(case)["timing"][1] == points


def test_an_act_known_to_the_day_is_not_after_a_refusal_of_that_day() -> None:
    case = CaseBuilder()
    known(case, 1, 2, 3)
    block(case)
    stranger(case)
    case.message("u-1", "2025-10-08", precision="day")
    assert offered(case) == []


def test_the_last_refusal_before_counts_and_calls_that_the_phone_refused_are_refusals() -> None:
    case = CaseBuilder()
    known(case, 1, 2, 3)
    block(case)
    case.call("K1", "2025-10-20 10:00", tags="rejected")
    case.call("K1", "2025-11-05 10:00", tags="blocked")
    stranger(case)
    case.message("u-1", "2025-10-22 10:00")
    (found,) = offered(case)
    assert found["refusal"] == {"kind": "rejected_call", "at": "2025-10-20T05:00:00Z"}
    assert found["reasons"][0]["records"] == ["a00000000000#4", "a00000000000#6"]


def test_an_overlap_has_no_points_and_is_said() -> None:
    case = CaseBuilder()
    known(case, 1, 2, 3, 4, 5, 6, 11)
    block(case)
    stranger(case, number="+77770000055")
    for day in range(10, 20):
        case.message("u-1", f"2025-10-{day} 19:45")
    said = one(case)
    assert "take_over" not in said
    assert said["overlap"] == (1, 0)
    case = CaseBuilder()
    known(case, 1, 2)
    case.call("K1", "2025-10-12 10:00")  # on another channel than the stranger's
    block(case)
    stranger(case)
    case.message("u-1", "2025-10-10 10:00")
    assert "take_over" in one(case) and "overlap" not in one(case)


def test_another_channel_is_no_take_over_and_not_enough() -> None:
    case = CaseBuilder()
    known(case, 1, 2, 3)
    block(case)
    stranger(case)
    case.call("u-1", "2025-10-10 10:00")
    assert offered(case) == []
    (found,) = suggest_all(case, {"hypothesis_points": 1})
    assert found.points == {"timing": 2, "one_way": 1}


def suggest_all(case: CaseBuilder, numbers: dict[str, int]) -> list[Any]:
    again = score(
        [case.tables()], profile(), [case.as_of], valid_from=VALID_FROM, numbers={**profile().numbers(), **numbers}
    )
    return suggest(again.state).found


def test_what_speaks_against_takes_points_away() -> None:
    case = CaseBuilder()
    known(case, 1, 2, 3)
    block(case)
    stranger(case, number="+447700900123")
    case.message("u-1", "2025-10-10 10:00")
    assert one(case) == {"timing": (165_599, 2), "take_over": (7 * 86_400 - 34_200, 2), "same_channel": (1, 1),
                         "one_way": (4, 1), "other_country": (1, -1)}  # fmt: skip
    case.message("u-1", "2025-10-10 10:05", out=True)
    assert offered(case) == [], "2 + 2 + 1 - 1 - 1 = 3"
    (found,) = suggest_all(case, {"hypothesis_points": 3})
    assert found.total == 3 and found.points["owner_answered"] == -1


def test_a_call_that_was_taken_is_an_answer() -> None:
    case = CaseBuilder()
    case.contact("K1", identifiers=("+77770000002",))
    case.call("K1", "2025-10-01 10:00")
    block(case)
    stranger(case)
    case.call("u-1", "2025-10-10 10:00", answered=True, duration=5)
    assert one(case)["owner_answered"] == (1, -1)
    assert "one_way" not in one(case)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda c: c.message("u-1", "2025-10-07 10:00"),  # it wrote before the refusal
        lambda c: c.message("u-1", "2025-10-09 10:00", out=True),  # the owner sought it
        lambda c: c.message("u-1", "2025-10-09 10:00", out=True, status="failed"),
        lambda c: c.message("u-1", "2025-09-20 10:00", thread_kind="group", thread_id="t"),  # known from a group
        lambda c: c.contact("u-1", declared=True),
        lambda c: c.contact("u-1", declared=False, identifiers=("alpha:Kaspi",)),
        lambda c: c.contact("K1", "service", identifiers=("+77770000002",)),
    ],
    ids=["before", "sought", "failed", "group", "declared", "code", "service"],
)
def test_who_is_no_candidate(spoil: Any) -> None:
    case = CaseBuilder()
    known(case, 1, 2, 3)
    block(case)
    stranger(case)
    case.message("u-1", "2025-10-10 10:00")
    assert len(offered(case)) == 1
    spoil(case)
    assert offered(case) == []


def test_a_refused_notice_is_none_and_an_overtaken_one_is_one() -> None:
    case = CaseBuilder()
    known(case, 1, 2, 3)
    case.notice("K1", "2025-10-08 12:00", "blocked", refused=True)
    stranger(case)
    case.message("u-1", "2025-10-10 10:00")
    assert offered(case) == []
    block(case)
    for day in range(11, 18):
        case.message("K1", f"2025-10-{day} 09:00", out=True)
    again = scored(case.tables(), case.as_of)
    assert again.state.sets.first.tolist()[0] == -1, "overtaken"
    assert len(offered(case)) == 1


def test_a_rejected_call_alone_makes_no_stranger_somebody_who_was_refused() -> None:
    case = CaseBuilder()
    case.contact("K1", declared=False, identifiers=("+77770000002",))
    case.call("K1", "2025-10-07 10:00", tags="rejected")
    stranger(case)
    case.call("u-1", "2025-10-08 10:00")
    assert offered(case) == []
    case.contact("K1", declared=True, identifiers=("+77770000002",))
    assert len(offered(case)) == 1


def test_an_undeclared_contact_that_was_blocked_can_be_taken_over_from() -> None:
    case = CaseBuilder()
    case.contact("u-0", declared=False, identifiers=("+77770000002",))
    case.message("u-0", "2025-10-01 10:00")
    case.notice(
        "u-0",
        "2025-10-08 12:00",
        "blocked",
        basis="device",
        record_id=case.event("block", "u-0", "2025-10-08 12:00", out=True),
    )
    stranger(case)
    case.message("u-1", "2025-10-10 10:00")
    (found,) = offered(case, "u-0")
    assert found["refusal"]["kind"] == "blocked"
    assert unfold(found["reasons"][0]["records"]) == ["a00000000000#2", "a00000000000#3"]


def test_who_is_known_from_the_journal_alone() -> None:
    case = CaseBuilder()
    case.contact("K1", identifiers=("label:K1",))
    case.place("home")
    case.waited("K1", "2025-10-01 18:00", place="home")
    case.notice("K1", "2025-10-08 12:00", "told_to_stop", basis="journal")
    case.contact("u-1", declared=False, identifiers=("label:the man in grey",))
    for day in (9, 10, 12):
        case.waited("u-1", f"2025-10-{day:02d} 18:00", place="home")
    said = one(case)
    assert said == {"timing": (107_999, 2), "same_places": (1, 1), "one_way": (4, 1)}, "being there is no channel"


def test_spots_on_the_way_are_common_within_their_distance() -> None:
    def case(metres: int) -> CaseBuilder:
        made = CaseBuilder()
        known(made, 1)
        made.seen("K1", "2025-10-02 18:00", lat=43.0, lon=76.0)
        block(made)
        stranger(made)
        made.message("u-1", "2025-10-10 10:00")
        made.seen("u-1", "2025-10-11 10:00", lat=43.0 + metres / 111_195.08, lon=76.0)
        made.seen("u-1", "2025-10-12 10:00", lat=43.0 + metres / 111_195.08, lon=76.0)
        return made

    assert one(case(500))["same_places"] == (1, 1)
    assert "same_places" not in one(case(502))
    by_name = CaseBuilder()
    known(by_name, 1)
    block(by_name)
    stranger(by_name)
    by_name.seen("K1", "2025-10-02 18:00", place="market")
    by_name.message("u-1", "2025-10-10 10:00")
    by_name.seen("u-1", "2025-10-11 10:00", place="market")
    assert one(by_name)["same_places"] == (1, 1)


@pytest.mark.parametrize(
    ("hour", "value", "points"),
    [((19, 19, 19, 19, 19), 1000, 2), ((19, 19, 19, 19, 7), 800, 2), ((19, 19, 19, 7, 7), 600, 1), ((19, 19, 7, 7, 7), 400, 0)],
)  # fmt: skip
def test_the_hours(hour: tuple[int, ...], value: int, points: int) -> None:
    case = CaseBuilder()
    known(case, 1, 2, 3, 4, 5)
    block(case)
    stranger(case)
    for day, h in enumerate(hour, 9):
        case.message("u-1", f"2025-10-{day:02d} {h:02d}:00")
    assert one(case).get("same_hours", (value, 0)) == (value, points)


def test_hours_need_five_timed_acts_on_both_sides() -> None:
    case = CaseBuilder()
    known(case, 1, 2, 3, 4)
    case.message("K1", "2025-10-05", precision="day")
    block(case)
    stranger(case)
    for day in range(9, 14):
        case.message("u-1", f"2025-10-{day:02d} 19:00")
    assert "same_hours" not in one(case)


@pytest.mark.parametrize(
    ("number", "kin", "foreign"),
    [("+77770000099", True, False), ("+77770000102", False, False), ("+777700000021", False, False), ("+79990000002", False, False),
     ("+17770000002", False, True), ("+99877000000", False, True), ("mail:a@b", False, False)],
)  # fmt: skip
def test_numbers(number: str, kin: bool, foreign: bool) -> None:
    case = CaseBuilder()
    known(case, 1)
    block(case)
    stranger(case, number=number)
    case.message("u-1", "2025-10-10 10:00")
    said = one(case)
    assert ("number_kinship" in said, "other_country" in said) == (kin, foreign)


def test_several_are_shown_alone_and_together_the_strongest_first() -> None:
    case = CaseBuilder()
    known(case, 1, 2, 3)
    block(case)
    for name, day in (("u-3", 15), ("u-1", 9), ("u-2", 10)):
        stranger(case, name, f"+770100000{name[-1]}0")
        for more in range(4):
            case.message(name, f"2025-10-{day + more:02d} 10:00")
    found = case_hypotheses(scored(case.tables(), case.as_of))["K1"]
    assert [h.get("contact_id") for h in found] == ["u-1", "u-2", "u-3", None]
    assert [h["points"] for h in found[:3]] == [6, 6, 5]
    assert (found[3]["together"], found[3]["left_out"]) == (["u-1", "u-2", "u-3"], 0)
    assert [h["with"]["indicators"]["acts"]["with"] for h in found] == [7, 7, 7, 15]


def test_no_more_than_a_person_can_look_at_and_the_rest_is_counted() -> None:
    case = CaseBuilder()
    known(case, 1, 2, 3)
    block(case)
    for k in range(14):
        name = f"u-{k:02d}"
        stranger(case, name, f"+7701{k:03d}1111")
        case.message(name, f"2025-10-09 10:{k:02d}")
    found = case_hypotheses(scored(case.tables(), case.as_of))["K1"]
    assert len(found) == 11
    assert found[10]["left_out"] == 4 and len(found[10]["together"]) == 10


def test_a_decision_is_shown_and_what_was_refused_is_not_offered_again() -> None:
    case = CaseBuilder()
    known(case, 1, 2, 3)
    block(case)
    stranger(case)
    stranger(case, "u-2", "whatsapp:name:Ivan")
    case.message("u-1", "2025-10-10 10:00")
    case.message("u-2", "2025-10-10 11:00")
    decisions = (
        Decision("K1", "+77010000055", False, "her cousin"),
        Decision("K1", "name:Ivan", False, "a bare name stands for it in every app"),
        Decision("K1", "+77010000077", True, "his second number"),
    )
    assert len(offered(case)) == 2
    assert offered(case, decisions=decisions[:1])[0]["contact_id"] == "u-2"
    found = case_hypotheses(scored(case.tables(), case.as_of), 0, decisions)
    assert set(found) == {"K1"}
    assert [(h["decision"], h["identifiers"], h["note"]) for h in found["K1"]] == [
        ("accepted", ["+77010000077"], "his second number"),
        ("refused", ["+77010000055"], "her cousin"),
        ("refused", ["name:Ivan"], "a bare name stands for it in every app"),
    ]
    for_another = (Decision("K2", "+77010000055", False, "her cousin"),)
    assert len(offered(case, decisions=for_another)) == 2


def test_several_cases_at_once_are_kept_apart() -> None:
    cases = []
    for k in range(3):
        case = CaseBuilder(case_id=f"c{k}")
        known(case, 1, 2, 3)
        if k != 1:
            block(case)
        stranger(case, f"u-{k}", f"+770100000{k}0")
        case.message(f"u-{k}", "2025-10-10 10:00")
        cases.append(case)
    both = score([c.tables() for c in cases], profile(), [c.as_of for c in cases], valid_from=VALID_FROM)
    suggested = suggest(both.state)
    for k, case in enumerate(cases):
        alone = case_hypotheses(scored(case.tables(), case.as_of))
        assert case_hypotheses(both, k, (), suggested) == alone == case_hypotheses(both, k)
        assert bool(alone) == (k != 1)


def test_many_strangers_are_quickly_looked_through() -> None:
    """Five thousand unknown numbers after ten refusals: what is offered is found at once, and no more than ten for each is scored."""
    case = CaseBuilder()
    for k in range(10):
        case.contact(f"K{k}", "former_partner", identifiers=(f"+7777000{k}002",))
        for day in range(1, 7):
            case.message(f"K{k}", f"2025-10-{day:02d} 19:3{k}")
        case.notice(f"K{k}", "2025-10-08 12:00", "blocked")
    for k in range(5_000):
        stranger(case, f"u-{k:04d}", f"+7705{k:07d}")
        case.message(f"u-{k:04d}", f"2025-{10 + k % 2}-{9 + k % 12:02d} 10:{k % 60:02d}")
    ready = scored(case.tables(), case.as_of)
    found = case_hypotheses(ready)
    for k in range(10):
        assert len(found[f"K{k}"]) == 11
        assert found[f"K{k}"][10]["left_out"] == 2_500 - 10


# Properties -----------------------------------------------------------------------------------------------------------


def strange(script: Script) -> tuple[CaseTables, int]:
    """Return a generated case in which nobody but K1 is declared, and somebody new begins after a refusal of K1 in its midst."""
    case = script.build()
    middle = script.lines[len(script.lines) // 2].at
    case.notice("K1", middle, "blocked")
    case.contact("u-9", declared=False, identifiers=("+77010000099",))
    for hours in (1, 2, 40, 41, 300):
        case.message("u-9", middle + timedelta(hours=hours), source="u")
    tables = case.tables()
    people = [
        {**c, "declared": c["contact_id"] == "K1", "role": c["role"] if c["contact_id"] == "K1" else "unknown"}
        for c in tables.contacts.to_pylist()
    ]
    return replace(
        tables, contacts=pa.Table.from_pylist(people, tables.contacts.schema), notices=in_order(tables.notices)
    ), case.as_of


def in_order(notices: pa.Table) -> pa.Table:
    """Return notices in the order in which resolve gives them."""
    rows = sorted(
        notices.to_pylist(), key=lambda n: (n["contact_id"], n["ts_max"], n["ts"], n["kind"], n["record_id"] or "")
    )
    return pa.Table.from_pylist(rows, notices.schema)


def handed_over(tables: CaseTables, giver: str, taker: str) -> CaseTables:
    """Give the rows of one contact to another, in the whole case, row by row: what accepting does."""

    def given_to(table: pa.Table) -> pa.Table:
        rows = [{**r, "contact_id": taker if r["contact_id"] == giver else r["contact_id"]} for r in table.to_pylist()]
        return pa.Table.from_pylist(rows, table.schema)

    people = {c["contact_id"]: c for c in tables.contacts.to_pylist()}
    both = sorted({i for name in (giver, taker) for i in people[name]["identifiers"].split("\n")})
    people[taker]["identifiers"] = "\n".join(both)
    del people[giver]
    return replace(
        tables, events=given_to(tables.events), positions=given_to(tables.positions), notices=in_order(given_to(tables.notices)),
        trackers=given_to(tables.trackers), contacts=pa.Table.from_pylist(list(people.values()), tables.contacts.schema),
    )  # fmt: skip


@quick
@given(scripts())
def test_an_excerpt_says_the_same_as_the_whole_case(script: Script) -> None:
    tables, as_of = strange(script)
    whole = scored(tables, as_of)
    findings = {f["contact_id"]: f for f in case_findings(whole, 0)}
    for contact, finding in findings.items():
        (alone,) = joined_findings(whole, 0, [(contact, [])])
        assert alone == finding


@quick
@given(scripts())
def test_the_finding_with_is_that_of_the_accepted_case(script: Script) -> None:
    tables, as_of = strange(script)
    others = sorted(set(tables.contacts["contact_id"].to_pylist()) - {"K1"})
    joins = [[i] for i in others] + [others]
    found = joined_findings(scored(tables, as_of), 0, [("K1", names) for names in joins])
    for joined, names in zip(found, joins, strict=True):
        accepted = tables
        for name in names:
            accepted = handed_over(accepted, name, "K1")
        assert joined == next(f for f in case_findings(scored(accepted, as_of), 0) if f["contact_id"] == "K1")


@quick
@given(scripts(), st.integers(1, 3))
def test_nothing_is_ever_joined_by_itself(script: Script, least: int) -> None:
    tables, as_of = strange(script)
    numbers = {**profile().numbers(), "hypothesis_points": least}
    ready = score([tables], profile(), [as_of], valid_from=VALID_FROM, numbers=numbers)
    before = case_findings(ready, 0)
    kept = copy.deepcopy(before)
    found = case_hypotheses(ready)
    assert case_findings(ready, 0) == before == kept
    assert found == case_hypotheses(ready), "the same input gives the same answer"
    by_id = {f["contact_id"]: f for f in before}
    for contact, entries in found.items():
        for h in (h for h in entries if "reasons" in h):
            assert h["points"] == sum(r["points"] for r in (*h["reasons"], *h["against"])) >= least
            assert "timing" in {r["id"] for r in h["reasons"]} and not by_id[h["contact_id"]]["declared"]
            for name, n in h["with"]["indicators"].items():
                assert name in SHOWN and n["without"] == by_id[contact]["indicators"][name]["value"] != n["with"]
            acts = h["with"]["indicators"]["acts"]["with"] if "acts" in h["with"]["indicators"] else None
            law = [by_id[i]["indicators"]["acts"]["value"] for i in (contact, h["contact_id"])]
            assert acts == sum(law) if law[1] else acts is None


def test_the_order_of_rows_changes_nothing() -> None:
    case = CaseBuilder()
    known(case, 1, 2, 3, 4, 5, 6)
    block(case)
    stranger(case, number="+77770000055")
    for day in range(10, 20):
        case.message("u-1", f"2025-10-{day} 19:45")
    tables = case.tables()
    order = np.random.default_rng(4).permutation(len(tables.events))
    mixed = replace(
        tables,
        events=tables.events.take(pa.array(order)),
        contacts=tables.contacts.sort_by([("contact_id", "descending")]),
    )
    assert pc.all(pc.is_valid(mixed.events["contact_id"])).as_py()
    assert case_hypotheses(scored(mixed, case.as_of)) == case_hypotheses(scored(tables, case.as_of))


def test_an_excerpt_keeps_the_lines_and_the_first_row_of_the_case() -> None:
    case = CaseBuilder()
    case.message("u-2", "2025-09-20 10:00")
    case.call(None, "2025-09-21 10:00")
    known(case, 1, 2, 3)
    block(case)
    stranger(case)
    case.message("u-1", "2025-10-10 10:00")
    tables = case.tables()
    lines = ["sim1", "sim2", "sim1", None, "sim2", "sim2"]
    at = tables.events.schema.get_field_index("owner_line")
    tables = replace(
        tables, events=tables.events.set_column(at, tables.events.schema.field(at), pa.array(lines, pa.string()))
    )
    whole = scored(tables, case.as_of)
    part = _Excerpts(whole, 0).joined("K1", ["u-1"])
    assert part.events["event_id"].to_pylist() == [f"a00000000000#{n}" for n in (1, 2, 3, 4, 5, 6)]
    assert part.contacts["contact_id"].to_pylist() == ["u-2", "K1"]
    small = scored(part, case.as_of).state.course
    assert small.line_first.tolist() == whole.state.course.line_first.tolist()
    assert int(small.ts.min()) == int(whole.state.course.ts.min())
    without = replace(tables, events=tables.events.filter(pc.is_valid(tables.events["owner_line"])))
    part = _Excerpts(scored(without, case.as_of), 0).joined("u-1", [])
    assert part.events["event_id"].to_pylist() == [f"a00000000000#{n}" for n in (1, 2, 6)]
