"""What every indicator keeps on generated cases: bounds of shares, no regard to the order of rows, counts that a further act never lowers."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from detector.elements import measure
from detector.indicators import all_indicators
from detector.model import CaseTables
from detector.parameters import PARAMETERS
from detector.state import State
from tests.agree import VALID_FROM
from tests.test_twin_agrees import CHANNELS, Line, Script, quick, scripts

PAGE = Path(__file__).resolve().parent.parent / "docs" / "measures.md"
NUMBERS = {name: p.value for name, p in PARAMETERS.items()}
MODULES = ("persistence", "escalation", "timing", "refusals", "conduct_kinds", "counter")
OURS = {n: i for n, i in all_indicators().items() if i.compute.__module__.rpartition(".")[2] in MODULES}
#: ratios, which may be above one, and what has a sign
RATIOS = {"own_permille", "rate_ratio_permille"}
SIGNED = {"trend_tau_permille"}
KINDS = (
    "call",
    "message",
    "email",
    "request",
    "gift",
    "view",
    "mention",
    "delivery",
    "payment",
    "account_access",
    "third_party",
)
#: counts that an incoming event which nobody answers, added at the end, can only make larger
GROWING = (
    "occasions_max_24h", "occasions_max_7d", "longest_day_run", "resumptions", "hangups", "largest_burst", "bursts", "night_occasions",
    "hours_used", "longest_monologue", "after_rejection", "gifts", "deliveries", "payments", "views", "requests", "mentions", "emails",
    "account_access", "third_party_acts", "access_max_24h", "number_pool", "code_acts", "notices",
)  # fmt: skip


def state_of(tables: CaseTables, as_of: int) -> State:
    return State([tables], NUMBERS, VALID_FROM, [as_of])


def everything(tables: CaseTables, as_of: int) -> list[tuple[str, str, Any, Any, Any]]:
    """Return contact, indicator, value, records and parts of everything measured."""
    state = state_of(tables, as_of)
    c = state.course
    ids = tables.events["event_id"].to_pylist() + tables.positions["position_id"].to_pylist()
    out = []
    for name, m in measure(state, OURS).items():
        for g, group in enumerate(c.groups):
            known = m.known is None or bool(m.known[g])
            rows = np.flatnonzero(m.rows & (c.group == g))
            records = sorted(ids[r] for row in rows for r in c.records[c.record_from[row] : c.record_to[row]])
            parts = None if m.parts is None else m.parts(g)
            out.append((group.contact_id, name, int(m.value[g]) if known else None, records, parts))
    return out


def test_the_modules_hold_what_the_page_names() -> None:
    sections = re.split(r"^## ", PAGE.read_text("utf-8"), flags=re.MULTILINE)
    named: set[str] = set()
    for section in sections:
        if section.startswith(("1. ", "2. ", "3. ", "4. ", "8. ")):
            cells = re.findall(r"^\| (`.*?`) \|", section, re.MULTILINE)
        elif section.startswith("6. "):
            cells = re.findall(r"^(?:`\w+`, )*`\w+`:", section, re.MULTILINE)
        else:
            continue
        assert cells, section
        named |= {name for cell in cells for name in re.findall(r"`(\w+)`", cell)}
    assert named == OURS.keys()


@quick
@given(scripts())
def test_shares_lie_between_nought_and_one(script: Script) -> None:
    case = script.build()
    for contact, name, value, _, parts in everything(case.tables(), case.as_of):
        if value is not None and OURS[name].unit == "‰" and name not in RATIOS:
            assert (-1000 if name in SIGNED else 0) <= value <= 1000, (contact, name)
        assert value is None or value >= 0 or name in SIGNED, (contact, name)
        assert json.loads(json.dumps(parts)) == parts, (contact, name)
        for part in parts or []:
            low, high = part.get("low_permille"), part.get("high_permille")
            if name in OURS and low is not None and high is not None:
                assert low <= high, (contact, name)
            if "weekday" in part and "permille" in part:
                assert 0 <= part["low_permille"] <= part["permille"] <= part["high_permille"] <= 1000


@quick
@given(scripts())
def test_records_are_acts_of_the_contact_that_the_value_rests_on(script: Script) -> None:
    """What counts acts or calls one by one marks as many rows as it counts; and an unknown value has no breakdown of shares."""
    case = script.build()
    state = state_of(case.tables(), case.as_of)
    c = state.course
    one_by_one = ("hangups", "after_rejection", "gifts", "views", "requests", "mentions", "emails", "code_acts", "largest_burst",
                  "longest_monologue", "block_evasion", "channels_after_notice", "past_two_weeks_occasions", "access_max_24h")  # fmt: skip
    for name in one_by_one:
        m = measure(state, {name})[name]
        assert m.value.tolist() == np.bincount(c.group[m.rows], minlength=c.n_groups).tolist(), name
        assert not np.any(m.rows & ~c.act), name
    for name in ("night_permille", "office_permille", "weekend_permille"):
        m = measure(state, {name})[name]
        assert m.parts is not None and m.known is not None
        for g in range(c.n_groups):
            assert bool(m.parts(g)) == bool(m.known[g]), name


@quick
@given(scripts(), st.randoms(use_true_random=False))
def test_the_order_of_the_rows_does_not_matter(script: Script, random: Any) -> None:
    case = script.build()
    tables = case.tables()

    def shuffled(table: pa.Table) -> pa.Table:
        order = list(range(len(table)))
        random.shuffle(order)
        return table.take(pa.array(order, pa.int64()))

    names = ("events", "positions", "notices", "places", "contacts", "trackers", "coverage")
    mixed = CaseTables(tables.case_id, *(shuffled(getattr(tables, name)) for name in names))
    assert everything(mixed, case.as_of) == everything(tables, case.as_of)


@quick
@given(scripts(), st.data())
def test_an_unanswered_act_at_the_end_never_lowers_a_count(script: Script, data: st.DataObject) -> None:
    away = data.draw(st.sampled_from([0, 1, 60, 3_600, 3_601, 86_400, 8 * 86_400, 15 * 86_400]))
    last = max(line.at for line in script.lines) + timedelta(seconds=away)
    script = replace(script, as_of=last + timedelta(days=1))
    kind = data.draw(st.sampled_from(KINDS))
    more: tuple[tuple[str, Any], ...] = (("source", "z"), ("directed", "yes"), ("channel", data.draw(CHANNELS)))
    if kind == "call":
        more += (("answered", False), ("tags", data.draw(st.sampled_from([None, "missed", "rejected", "hangup"]))))
    added = Line("event", kind, "K1", last, more)
    before = {(c, n): v for c, n, v, _, _ in everything(script.build().tables(), script.build().as_of)}
    longer = replace(script, lines=(*script.lines, added)).build()
    for contact, name, value, _, _ in everything(longer.tables(), longer.as_of):
        if name in GROWING and (contact, name) in before:
            was = before[contact, name]
            assert was is None or value >= was, (contact, name)


@quick
@given(scripts(), scripts())
def test_cases_measured_at_once_do_not_touch_each_other(script: Script, other: Script) -> None:
    """Of the same case id even: robustness measures variants of one case side by side."""
    cases = [script.build(), other.build()]
    tables, moments = [c.tables() for c in cases], [c.as_of for c in cases]
    both = State(tables, NUMBERS, VALID_FROM, moments)
    measured = measure(both, OURS)
    base = 0
    for one, moment in zip(tables, moments, strict=True):
        alone = state_of(one, moment)
        groups = slice(base, base + alone.course.n_groups)
        base += alone.course.n_groups
        rows = (both.course.group >= groups.start) & (both.course.group < groups.stop)
        for name, m in measure(alone, OURS).items():
            known = None if m.known is None else m.known.tolist()
            together = measured[name].known
            assert (None if together is None else together[groups].tolist()) == known, name
            assert measured[name].value[groups].tolist() == m.value.tolist(), name
            assert measured[name].rows[rows].tolist() == m.rows.tolist(), name
            if m.parts is not None:
                joint = measured[name].parts
                assert joint is not None
                assert [joint(groups.start + g) for g in range(alone.course.n_groups)] == [
                    m.parts(g) for g in range(alone.course.n_groups)
                ], name
