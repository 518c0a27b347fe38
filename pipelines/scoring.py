"""From a case on disk to findings: the shell around :mod:`detector`, and the document that ``findings.json`` holds."""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from detector.columns import coded, flags, numbers, valid
from detector.course import NOT_ACTS
from detector.findings import case_findings, utc_text
from detector.model import CaseTables
from detector.records import RecordIds
from detector.score import Scored, score
from detector.statute import Profile
from detector.verdict import VERDICTS
from pipelines import store
from pipelines._version import __version__
from pipelines.case_file import load as load_case_file
from pipelines.case_model import CaseFile
from pipelines.errors import UserError
from pipelines.resolve import Resolved, resolve, written_utc
from pipelines.resolve.localtime import offsets_at, to_utc
from pipelines.resolve.source_options import options_for
from pipelines.resources import code_hash
from pipelines.zones import version as tzdata_version

SCHEMA = "qorgan.findings/1"
#: rows this many days after all others are pointed out [P]
FAR_DAYS = 180
#: lengths of an occasion that robustness tries (DESIGN section 7): a quarter of an hour, six hours, a day
WINDOWS_S = (900, 21_600, 86_400)
_DAY_US = 86_400_000_000
_ACTING = re.compile("[\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class LoadedCase:
    """A case, read and resolved."""

    folder: Path
    case: CaseFile
    resolved: Resolved


def load_case(folder: str | Path) -> LoadedCase:
    """Read store and ``case.toml`` of a case and resolve them.

    Raises
    ------
    UserError
        There is no case, or its store is damaged; one sentence.
    """
    folder = Path(folder)
    case = load_case_file(folder / "case.toml")
    return LoadedCase(folder, case, resolve(store.read(folder), case))


def midnight(day: date, zone: str) -> int:
    """Return 00:00 of a date in a zone, µs UTC."""
    local = (day - date(1970, 1, 1)).days * _DAY_US
    return int(to_utc(np.array([local]), zone, np.array([1])).ts[0])


def parse_day(text: str) -> date:
    """Return the date of ``--as-of``.

    Raises
    ------
    UserError
        It is no date.
    """
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise UserError(f"--as-of {text!r} is no date; write it as 2026-01-31") from None


def scoring_moment(loaded: LoadedCase, as_of: date | None) -> int:
    """Return the scoring moment, µs UTC: 00:00 of the date in the case's zone, or 00:00 after the last row."""
    if as_of is None:
        last = loaded.resolved.last_local_us
        if last is None:
            raise UserError(f"{loaded.folder}: the case holds no record yet; run qorgan ingest first")
        as_of = date(1970, 1, 1) + timedelta(days=last // _DAY_US + 1)
    return midnight(as_of, loaded.case.timezone)


def _known_before(table: pa.Table, moment: int, loaded: LoadedCase) -> pa.Table:
    """Leave out rows that were written down at or after a moment."""
    written = np.flatnonzero(valid(table["written_at"]))
    if not len(written):
        return table
    keep = np.ones(len(table), np.bool_)
    keep[written] = written_utc(table, written, loaded.resolved.sources, loaded.case) < moment
    return table.filter(pa.array(keep))


def tables_as_of(loaded: LoadedCase, moment: int, known: bool) -> CaseTables:
    """Return the tables to score; with ``known``, without rows that were written down later."""
    tables = loaded.resolved.tables
    if not known:
        return tables
    events = _known_before(tables.events, moment, loaded)
    kept = set(events["event_id"].to_pylist())
    notices = tables.notices.filter(
        pa.array([r is None or r in kept for r in tables.notices["record_id"].to_pylist()], pa.bool_())
    )
    return replace(tables, events=events, positions=_known_before(tables.positions, moment, loaded), notices=notices)


def robustness(scored: Scored, tables: CaseTables, moment: int, valid_from: int) -> dict[str, dict[str, Any]]:
    """Score again with other lengths of an occasion and return, by contact, which change the verdict."""
    from detector.elements import evaluate, measure
    from detector.state import State
    from detector.verdict import decide

    base = scored.verdicts.verdict
    groups = scored.state.course.groups
    out: dict[str, dict[str, Any]] = {
        g.contact_id: {"stable": True, "tested": len(WINDOWS_S), "flips": []} for g in groups
    }
    for window in WINDOWS_S:
        numbers_ = {**scored.profile.numbers(), "occasion_window_s": window}
        state = State([tables], numbers_, valid_from, [moment])
        elements = evaluate(
            scored.profile,
            measure(state, {x.indicator for e in scored.profile.elements for x in e.lines if x.comparison}),
            state.course.n_groups,
        )
        verdicts = decide(state, elements.all_required).verdict
        for g in np.flatnonzero(verdicts != base).tolist():
            entry = out[groups[g].contact_id]
            entry["stable"] = False
            entry["flips"].append({"change": f"occasion_window_s = {window}", "verdict": VERDICTS[int(verdicts[g])]})
    return out


@dataclass(frozen=True, slots=True)
class Outcome:
    """What scoring gives: the document of ``findings.json`` and the arrays behind it."""

    document: dict[str, Any]
    scored: Scored
    tables: CaseTables


def score_loaded(loaded: LoadedCase, profile: Profile, as_of: date | None = None, *, known: bool = False) -> Outcome:
    """Score one case under one profile.

    Parameters
    ----------
    loaded : LoadedCase
        The case.
    profile : Profile
        The statute.
    as_of : date, optional
        Rows on or after this date (in the case's zone) do not exist; default: after the last row.
    known : bool
        Leave out rows that were written down on or after the date, too.
    """
    moment = scoring_moment(loaded, as_of)
    valid_from = midnight(profile.valid_from, profile.timezone)
    tables = tables_as_of(loaded, moment, known)
    scored = score([tables], profile, [moment], valid_from=valid_from)
    findings = case_findings(scored, 0, robustness(scored, tables, moment, valid_from))
    document = {
        "schema": SCHEMA, "case_id": loaded.case.id, "as_of": local_text(moment, loaded.case.timezone),
        "statute": {"id": profile.id, "version": profile.version, "valid_from": profile.valid_from.isoformat(), "status": profile.status},
        "parameters": {k: {"value": list(p.value) if isinstance(p.value, tuple) else p.value, "origin": p.origin, "source": p.source}
                       for k, p in sorted(profile.parameters.items())},
        "produced_by": {"qorgan": __version__, "code": code_hash(), "tzdata": tzdata_version()},
        "coverage": coverage(loaded.resolved), "notices": notices(scored, tables), "unblocked": unblocked(tables, moment),
        "unidentified": unidentified(tables, moment),
        "unattributed_trackers": unattributed(tables, moment), "findings": findings,
    }  # fmt: skip
    return Outcome(document, scored, tables)


def to_bytes(document: dict[str, Any]) -> bytes:
    """Return the bytes of ``findings.json``: the same document gives the same bytes.

    Controls and marks that turn text round are written as escapes, so that printing the file does nothing to a terminal.
    """
    return json_text(document).encode()


def json_text(value: Any) -> str:
    """Return JSON as :func:`to_bytes` writes it."""
    text = json.dumps(value, ensure_ascii=False, indent=1) + "\n"
    return _ACTING.sub(lambda m: f"\\u{ord(m[0]):04x}", text)


def results_name(statute: str, default: str) -> str:
    """Return the name of the findings of a statute in ``results/``."""
    return "findings.json" if statute == default else f"findings-{statute}.json"


def local_text(us: int, zone: str) -> str:
    """Return a moment as ISO text with the offset of a zone, whole seconds."""
    offset = int(offsets_at(np.array([us]), zone)[0])
    text = (_EPOCH + timedelta(seconds=us // 1_000_000 + offset)).replace(tzinfo=None).isoformat()
    sign = "-" if offset < 0 else "+"
    return f"{text}{sign}{abs(offset) // 3600:02d}:{abs(offset) % 3600 // 60:02d}"


def coverage(resolved: Resolved) -> list[dict[str, Any]]:
    """Return the counts and the first and last record of every source; read = kept + duplicate + rejected + out_of_scope."""
    edges: dict[str, tuple[int, int]] = {}
    for table in (resolved.tables.events, resolved.tables.positions):
        if len(table):
            seen = table.group_by("source_id").aggregate([("ts", "min"), ("ts", "max")])
            for s, lo, hi in zip(*(seen[c].to_pylist() for c in ("source_id", "ts_min", "ts_max")), strict=True):
                a, b = edges.get(s, (lo, hi))
                edges[s] = (min(a, lo), max(b, hi))
    out = []
    for r in resolved.sources.to_pylist():
        double = resolved.duplicates.get(r["source_id"], 0)
        first, last = edges.get(r["source_id"], (None, None))
        row = {
            "source_id": r["source_id"], "format": r["format"],
            "sha256": r["sha256"], "read": r["read"], "kept": r["kept"] - double, "duplicate": double,
            "rejected": r["rejected"], "out_of_scope": r["out_of_scope"],
            "first": None if first is None else utc_text(first), "last": None if last is None else utc_text(last),
            "notes": [n for n in r["notes"].split("\n") if n],
        }  # fmt: skip
        assert row["read"] == row["kept"] + row["duplicate"] + row["rejected"] + row["out_of_scope"], row
        out.append(row)
    return out


def notices(scored: Scored, tables: CaseTables) -> list[dict[str, Any]]:
    """Return every notice of the case, the refused ones too, with its effect as of the scoring moment."""
    course = scored.state.course
    effect: dict[int, tuple[bool, bool]] = {}
    for k, since in enumerate(scored.state.notices):
        for g in range(course.n_groups):
            if course.notices.row[g, k] >= 0:
                effect[int(course.notices.row[g, k])] = (bool(since.end_effective[g]), bool(since.end_contested[g]))
    out = []
    for row, n in enumerate(tables.notices.to_pylist()):
        effective, contested = effect.get(row, (False, False))
        out.append({"contact_id": n["contact_id"], "at": utc_text(n["ts"]), "kind": n["kind"], "basis": n["basis"],
                    "record": n["record_id"], "refused": n["refused"], "note": n["note"], "effective": effective,
                    "contested": contested, "later": n["ts"] >= scored.state.as_of[0]})  # fmt: skip
    return out


def unmatched(loaded: LoadedCase) -> list[str]:
    """Return what ``case.toml`` says of something that is not in the store: a mistyped id has no effect, and nobody would notice."""
    tables, case = loaded.resolved.tables, loaded.case
    out = []
    known = set(tables.notices["record_id"].to_pylist())
    for n in case.notices_refused:
        if n.record not in known:
            out.append(f"[[notice_refused]] record {n.record!r} is no notice that a record of this case makes")
    names = set(tables.positions["subject_id"].to_pylist()) | set(tables.positions["position_id"].to_pylist())
    for t in case.trackers:
        if t.id not in names:
            out.append(f"[[tracker]] id {t.id!r} is in no record of this case")
    rows = [(r["source_id"], r["name"], r["container"]) for r in loaded.resolved.sources.to_pylist()]
    for option in case.sources:
        if not any(options_for(replace(case, sources=(option,)), *row) for row in rows):
            out.append(f"[[source]] match {option.match!r} matches no source of this case")
    return out


def far_off(loaded: LoadedCase) -> list[str]:
    """Return a sentence if the last rows lie far after all others: a wrong clock moves the default scoring date for everybody."""
    tables = loaded.resolved.tables
    ts = np.sort(np.r_[numbers(tables.events["ts"]), numbers(tables.positions["ts"])])
    gap = np.flatnonzero(np.diff(ts) > FAR_DAYS * _DAY_US)
    if not len(gap) or len(ts) - 1 - gap[-1] > max(1, len(ts) // 100):
        return []
    late = len(ts) - 1 - int(gap[-1])
    return [
        f"{late} of {len(ts)} rows lie more than {FAR_DAYS} days after all others, the last on {local_text(int(ts[-1]), loaded.case.timezone)[:10]}, "
        f"and the scoring date follows the last; if that clock was wrong, give --as-of (the others end on "
        f"{local_text(int(ts[gap[-1]]), loaded.case.timezone)[:10]})"
    ]


def unblocked(tables: CaseTables, moment: int) -> list[dict[str, Any]]:
    """List where the owner took a block back: shown, though it cancels no notice."""
    e = tables.events
    rows = e.filter(
        pa.array(flags(*coded(e["kind"]), ("unblock",)) & valid(e["contact_id"]) & (numbers(e["ts"]) < moment))
    )
    found = [
        {"contact_id": r["contact_id"], "at": utc_text(r["ts"]), "record": r["event_id"]} for r in rows.to_pylist()
    ]
    return sorted(found, key=lambda r: (r["contact_id"], r["at"], r["record"]))


def unidentified(tables: CaseTables, moment: int) -> dict[str, Any]:
    """Count what nobody is known for: withheld and unknown callers, and people seen whom the journal does not name. Never pooled into one."""
    e = tables.events
    lone = (
        ~valid(e["contact_id"]) & ~valid(e["duplicate_of"]) & (numbers(e["ts"]) < moment)
        & flags(*coded(e["direction"]), ("in",)) & flags(*coded(e["directed"]), ("yes",)) & ~flags(*coded(e["kind"]), NOT_ACTS)
    )  # fmt: skip
    p = tables.positions
    seen = (
        ~valid(p["contact_id"]) & ~valid(p["duplicate_of"]) & (numbers(p["ts"]) < moment)
        & flags(*coded(p["subject"]), ("contact",)) & flags(*coded(p["kind"]), ("seen", "waited", "followed", "entered"))
    )  # fmt: skip
    rows = np.flatnonzero(np.r_[lone, seen])
    ids = RecordIds.of(tables)
    order = np.lexsort((ids.n[rows], np.r_[numbers(e["ts"]), numbers(p["ts"])][rows]))
    return {"acts": len(rows), "records": ids.fold(rows[order])}


def unattributed(tables: CaseTables, moment: int) -> list[dict[str, Any]]:
    """List trackers that nobody has attributed: they belong to nobody until ``[[tracker]]`` says so."""
    p = tables.positions
    if not len(p):
        return []
    lone = ~valid(p["contact_id"]) & (numbers(p["ts"]) < moment) & flags(*coded(p["subject"]), ("tracker",))
    rows = p.filter(pa.array(lone & ~valid(p["duplicate_of"])))
    names = Counter(pc.coalesce(rows["subject_id"], rows["position_id"]).to_pylist())
    return [{"tracker_id": name, "sightings": names[name]} for name in sorted(names)]
