"""What must change nothing, held over the whole finding: indicators, elements, points, hypotheses, robustness, typicality, earlier versions.

The cases are those of the rules and the long stories of the indicators. Whatever is not said here to change is compared key by key.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pyarrow as pa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from detector.findings import case_findings
from detector.hypotheses import case_hypotheses
from detector.model import CaseTables
from detector.records import unfold
from detector.robustness import of_hypotheses, robustness
from detector.score import score
from detector.typicality import case_typicality
from pipelines.base_rates import references
from pipelines.scoring import bursts, notices, unattributed, unblocked, unidentified
from tests.agree import VALID_FROM, profile
from tests.test_hypotheses import in_order
from tests.test_twin_agrees import _TABLE_NAMES, DAY_S, EXAMPLES, OWNER, Script, _add, _doubled, _moved, scripts
from tests.test_twin_measures import stories

#: a document costs a hundred scorings; set QORGAN_EXAMPLES to look longer
few = settings(
    max_examples=max(3, EXAMPLES // 25),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
cases = st.one_of(scripts(), stories())


def build(script: Script) -> tuple[CaseTables, int]:
    case = script.build()
    tables = case.tables()
    return replace(tables, notices=in_order(tables.notices)), case.as_of


def documents(tables: Sequence[CaseTables], moments: Sequence[int], begin: int = VALID_FROM) -> list[dict[str, Any]]:
    """Return what a document says of each of several cases that are scored at once."""
    scored = score(tables, profile(), moments, valid_from=begin)
    num, out = profile().numbers(), []
    for k, (one, moment) in enumerate(zip(tables, moments, strict=True)):
        hypotheses = case_hypotheses(scored, k)
        findings = case_findings(scored, k, robustness(scored, k, of_hypotheses(scored, hypotheses, k)))
        typical = case_typicality(scored, k, references())
        for f in findings:
            f["hypotheses"] = hypotheses.get(f["contact_id"], [])
            f["typicality"] = typical.get(f["contact_id"], [])
        out.append({
            "findings": findings, "unblocked": unblocked(one, moment), "unidentified": unidentified(one, moment),
            "bursts": bursts(one, moment, num), "unattributed": unattributed(one, moment, num),
        })  # fmt: skip
        if len(tables) == 1:
            out[-1]["notices"] = notices(scored, one)
    return out


def document(tables: CaseTables, moment: int, begin: int = VALID_FROM) -> dict[str, Any]:
    return documents([tables], [moment], begin)[0]


def apart(a: Any, b: Any, path: str = "") -> list[str]:
    """Return the first places where two documents differ."""
    if isinstance(a, dict) and isinstance(b, dict) and a.keys() == b.keys():
        return [x for k in a for x in apart(a[k], b[k], f"{path}.{a.get('contact_id', '')}{k}")][:5]
    if isinstance(a, list) and isinstance(b, list) and len(a) == len(b):
        return [x for i, (p, q) in enumerate(zip(a, b, strict=True)) for x in apart(p, q, f"{path}[{i}]")][:5]
    return [] if a == b else [f"{path}: {str(a)[:200]} -> {str(b)[:200]}"]


@few
@given(cases, st.randoms(use_true_random=False))
def test_the_order_of_rows(script: Script, random: Any) -> None:
    tables, moment = build(script)

    def shuffled(table: pa.Table) -> pa.Table:
        order = list(range(len(table)))
        random.shuffle(order)
        return table.take(pa.array(order, pa.int64()))

    mixed = CaseTables(tables.case_id, *(shuffled(getattr(tables, n)) for n in _TABLE_NAMES))
    mixed = replace(mixed, notices=tables.notices)  # resolve gives them in order
    assert apart(document(tables, moment), document(mixed, moment)) == []


@few
@given(st.lists(cases, min_size=2, max_size=3))
def test_many_cases_in_one_call(found: list[Script]) -> None:
    built = [build(s) for s in found]
    at_once = documents([t for t, _ in built], [m for _, m in built])
    for together, (tables, moment) in zip(at_once, built, strict=True):
        alone = document(tables, moment)
        del alone["notices"]
        assert apart(alone, together) == []


_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")


def later(value: Any, weeks: int) -> Any:
    """Move every moment of a document, and the first day of a change of rate."""
    if isinstance(value, dict):
        moved = {k: later(v, weeks) for k, v in value.items()}
        if isinstance(moved.get("date"), str):
            moved["date"] = (datetime.fromisoformat(moved["date"]) + timedelta(weeks=weeks)).date().isoformat()
        return moved
    if isinstance(value, list):
        return [later(v, weeks) for v in value]
    if isinstance(value, str) and _MOMENT.fullmatch(value):
        return (datetime.fromisoformat(value[:-1]) + timedelta(weeks=weeks)).isoformat() + "Z"
    return value


def without_chances(value: Any) -> Any:
    """Leave out the chance levels: their draws are shuffled by the names of the days."""
    for f in value["findings"]:
        for name in [n for n in f["indicators"] if n.endswith("_chance_permille")]:
            del f["indicators"][name]
        f["against"] = [x for x in f["against"] if not x["id"].endswith("_chance_permille")]
    return value


@few
@given(cases, st.sampled_from([-52, -3, 1, 2, 104]))
def test_whole_weeks(script: Script, weeks: int) -> None:
    tables, moment = build(script)
    by = weeks * 7 * DAY_S * 1_000_000
    moved = CaseTables(tables.case_id, *(_moved(n, getattr(tables, n), by) for n in _TABLE_NAMES))
    expected = later(without_chances(document(tables, moment)), weeks)
    assert apart(expected, without_chances(document(moved, moment + by, VALID_FROM + by))) == []


def same_but_for_sources(value: dict[str, Any]) -> dict[str, Any]:
    """Leave out what robustness tries source by source: with another source there is another change to try."""
    for f in value["findings"]:
        r = f["robustness"]
        for kind in ("source", "clock"):
            r["by_kind"].pop(kind, None)
        r["flips"] = [x for x in r["flips"] if x["kind"] not in ("source", "clock")]
        for key in ("stable", "tested", "weakest", "strongest"):
            del r[key]
    return value


@few
@given(cases)
def test_witnesses(script: Script) -> None:
    """Every row once more, in another source, as a witness of the first."""
    tables, moment = build(script)
    doubled = CaseTables(
        tables.case_id, _doubled(tables.events, "event_id"), _doubled(tables.positions, "position_id"),
        *(getattr(tables, n) for n in _TABLE_NAMES[2:]),
    )  # fmt: skip
    before, after = (same_but_for_sources(document(t, moment)) for t in (tables, doubled))
    assert apart(before, after) == []


@few
@given(cases, st.data())
def test_a_source_cut_in_two(script: Script, data: st.DataObject) -> None:
    """The later rows of a source as a source of their own: a moment of several rows stays whole, and the ids stay."""
    tables, moment = build(script)
    at = sorted({*tables.events["ts"].to_pylist(), *tables.positions["ts"].to_pylist()})
    cut = data.draw(st.sampled_from(at or [moment]))

    def halves(table: pa.Table) -> pa.Table:
        rows = [r | {"source_id": r["source_id"] + "z" * (r["ts"] >= cut)} for r in table.to_pylist()]
        return pa.Table.from_pylist(rows, schema=table.schema)

    both = CaseTables(
        tables.case_id, halves(tables.events), halves(tables.positions), *(getattr(tables, n) for n in _TABLE_NAMES[2:])
    )
    before, after = (same_but_for_sources(unfolded(document(t, moment))) for t in (tables, both))
    assert apart(before, after) == []


def unfolded(value: Any) -> Any:
    """Write lists of records out, id by id."""
    if isinstance(value, dict):
        return {k: _ids(v) if k == "records" else unfolded(v) for k, v in value.items()}
    return [unfolded(v) for v in value] if isinstance(value, list) else value


def _ids(records: list[str]) -> list[str]:
    return [i.replace("z#", "#") for i in unfold(records)]


#: what of a contact looks at the whole case: its first row, the lines of the owner
OF_THE_CASE = ("rate_ratio_permille", "new_line")


def told(value: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Return what is known of each contact, without what an unrelated contact may change.

    A journal covers its own time for everybody, so that what could not be told may be told now: unknown values, unknown elements,
    ``insufficient``, and with them what robustness and typicality say of them.
    """
    out = {}
    for f in value["findings"]:
        known = {k: x for k, x in f["indicators"].items() if x["value"] is not None and k not in OF_THE_CASE}
        out[f["contact_id"]] = {
            "indicators": known, "against": [x for x in f["against"] if x["id"] not in OF_THE_CASE], "points": f["points"],
            "verdict": f["verdict"], "elements": {e["id"]: e for e in f["elements"] if e["status"] != "unknown"},
            "typicality": [x for x in f["typicality"] if x["indicator"] in known],
            **{k: f[k] for k in ("first_met", "first_repeated", "before_law", "said_at_notice", "identifiers", "hypotheses", "otherwise")},
        }  # fmt: skip
    return out


@few
@given(cases, scripts())
def test_unrelated_contacts(script: Script, other: Script) -> None:
    """Two declared strangers: nothing that was known of the others changes."""
    tables, moment = build(script)
    case, kept = script.build(), dict[tuple[str, str], str]()
    strangers = {"K1": "X1", "K2": "X2"}
    for k, name in enumerate(strangers.values(), 7):
        case.contact(name, "family", True, (f"+4912345678{k}",))
    for line in other.lines:
        if line.kind != "tracker" and line.contact != OWNER:
            more = tuple(
                (k, f"x{v}" if k == "source" else v) for k, v in line.more if (k, v) != ("identifier", "+77010000099")
            )
            more += () if "source" in dict(more) or line.what == "notice" else (("source", "x"),)
            _add(case, replace(line, contact=strangers[line.contact], more=more), kept)
    before, after = told(document(tables, moment)), told(document(case.tables(), moment))
    for contact, was in before.items():
        now = after[contact]
        for part in ("indicators", "elements"):
            now[part] = {k: v for k, v in now[part].items() if k in was[part]}
        now["typicality"] = [x for x in now["typicality"] if x["indicator"] in was["indicators"]]
        if was["verdict"] == "insufficient":
            was["verdict"] = now["verdict"]
        assert apart(was, now) == [], contact
