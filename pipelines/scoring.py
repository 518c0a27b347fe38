"""From a case on disk to findings: the shell around :mod:`detector`, and the document that ``findings.json`` holds."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa

from detector.code_bursts import code_bursts
from detector.columns import coded, flags, numbers, valid
from detector.course import NOT_ACTS
from detector.findings import case_findings, utc_text, version_findings
from detector.hypotheses import case_hypotheses
from detector.model import CaseTables
from detector.records import RecordIds
from detector.robustness import declared_set, of_hypotheses, robustness
from detector.score import Prepared, Scored, judge, score
from detector.statute import Profile
from detector.trackers import linked, places, sightings, travels
from detector.typicality import case_typicality
from pipelines import store
from pipelines._version import __version__
from pipelines.base_rates import references
from pipelines.case_file import load as load_case_file
from pipelines.case_model import CaseFile
from pipelines.errors import UserError
from pipelines.resolve import Resolved, resolve, written_utc
from pipelines.resolve.identity import decisions
from pipelines.resolve.localtime import offsets_at, to_utc
from pipelines.resolve.overlap import disagreements
from pipelines.resolve.source_options import options_for
from pipelines.resources import code_hash
from pipelines.zones import version as tzdata_version

SCHEMA = "qorgan.findings/1"
#: rows this many days after all others are pointed out [P]
FAR_DAYS = 180
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


@dataclass(frozen=True, slots=True)
class Outcome:
    """What scoring gives: the document of ``findings.json`` and the arrays behind it."""

    document: dict[str, Any]
    scored: Scored
    tables: CaseTables


@dataclass(frozen=True, slots=True)
class ReadyCase:
    """A case as of one moment, and what several statutes share when they score it."""

    loaded: LoadedCase
    moment: int
    tables: CaseTables
    prepared: Prepared


def ready(loaded: LoadedCase, as_of: date | None = None, *, known: bool = False) -> ReadyCase:
    """Make a case ready to be scored under any number of statutes as of one date (see :func:`score_loaded`)."""
    moment = scoring_moment(loaded, as_of)
    tables = tables_as_of(loaded, moment, known)
    return ReadyCase(loaded, moment, tables, Prepared([tables], [moment]))


def earlier_versions(tables: CaseTables, profile: Profile, moment: int) -> dict[str, list[dict[str, Any]]]:
    """Judge the acts in the time of earlier versions of a statute by the law of their day, by contact id, oldest version first.

    Each version is scored as of the scoring moment or its own end, whichever comes first.
    """
    out: dict[str, list[dict[str, Any]]] = {}
    ts = np.r_[numbers(tables.events["ts"]), numbers(tables.positions["ts"])] if profile.earlier else np.zeros(0)
    for version in profile.earlier:
        assert version.valid_to is not None
        begin = midnight(version.valid_from, version.timezone)
        end = min(moment, midnight(version.valid_to, version.timezone))
        if np.any((ts >= begin) & (ts < end)):
            found = version_findings(judge([tables], version, [end], valid_from=begin), 0)
            for contact, said in found.items():
                out.setdefault(contact, []).append(said)
    return out


def score_loaded(
    loaded: LoadedCase, profile: Profile, as_of: date | None = None, *, known: bool = False, case: ReadyCase | None = None
) -> Outcome:  # fmt: skip
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
    case : ReadyCase, optional
        The same case, made ready as of the same date: several statutes share what they have in common.

    Raises
    ------
    UserError
        The statute is a bill: nothing is an offence under it.
    """
    if profile.status == "bill":
        raise UserError(
            f"{profile.id} is a bill and no law: it is shown by qorgan statutes {profile.id} and never scored"
        )
    whole = case or ready(loaded, as_of, known=known)
    moment, tables, prepared = whole.moment, whole.tables, whole.prepared
    if (
        profile.valid_to is not None and midnight(profile.valid_to, profile.timezone) < moment
    ):  # repealed: as of its end
        moment = midnight(profile.valid_to, profile.timezone)
        prepared = Prepared([tables], [moment])
    valid_from = midnight(profile.valid_from, profile.timezone)
    scored = score([tables], profile, [moment], valid_from=valid_from, prepared=prepared)
    earlier = earlier_versions(tables, profile, moment)
    hypotheses = case_hypotheses(scored, 0, decisions(loaded.case))
    findings = case_findings(scored, 0, robustness(scored, 0, of_hypotheses(scored, hypotheses)), earlier)
    typical = case_typicality(scored, 0, references())
    for finding in findings:  # shown beside: nothing else of a finding changes
        finding["hypotheses"] = hypotheses.get(finding["contact_id"], [])
        finding["typicality"] = typical.get(finding["contact_id"], [])
    document = {
        "schema": SCHEMA, "case_id": loaded.case.id, "as_of": local_text(moment, loaded.case.timezone),
        "statute": statute_of(profile),
        "parameters": {k: {"value": list(p.value) if isinstance(p.value, tuple) else p.value, "origin": p.origin, "source": p.source}
                       for k, p in sorted(profile.parameters.items())},
        "robustness_set": declared_set(profile),
        "produced_by": {"qorgan": __version__, "code": code_hash(), "tzdata": tzdata_version()},
        "coverage": coverage(loaded.resolved), "overlaps": overlaps(loaded, tables, moment), "unread": unread(loaded.resolved),
        "notices": notices(scored, tables), "unblocked": unblocked(tables, moment),
        "unidentified": unidentified(tables, moment),
        "code_bursts": bursts(tables, moment, profile.numbers()),
        "unattributed_trackers": unattributed(tables, moment, profile.numbers()), "findings": findings,
    }  # fmt: skip
    return Outcome(document, scored, tables)


def statute_of(profile: Profile) -> dict[str, Any]:
    """Say which law a document speaks of: the newest version, and the ones before it."""

    def dated(p: Profile) -> dict[str, Any]:
        return {"version": p.version, "valid_from": p.valid_from.isoformat(),
                "valid_to": None if p.valid_to is None else p.valid_to.isoformat()}  # fmt: skip

    return {
        "id": profile.id,
        **dated(profile),
        "status": profile.status,
        "earlier": [{**dated(p), "provision": p.provision, "changed": p.edition.changed} for p in profile.earlier],
    }


def to_bytes(document: dict[str, Any]) -> bytes:
    """Return the bytes of ``findings.json``: the same document gives the same bytes.

    Controls and marks that turn text round are written as escapes, so that printing the file does nothing to a terminal.
    """
    return json_text(document).encode()


def json_text(value: Any) -> str:
    """Return JSON as :func:`to_bytes` writes it."""
    text = msgspec.json.format(msgspec.json.encode(value), indent=1).decode() + "\n"
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


def clock_text(text: str | None, zone: str) -> str:
    """Return a moment of the document by the clock of a zone."""
    return "never" if text is None else local_text(int(datetime.fromisoformat(text).timestamp()) * 1_000_000, zone)


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


def overlaps(loaded: LoadedCase, tables: CaseTables, moment: int) -> list[dict[str, Any]]:
    """Say where two sources cover the same time of the same line, and what one of them has that the other has not."""
    ids: RecordIds | None = None
    out = []
    for found in disagreements(tables.events, tables.coverage, loaded.resolved.clocks, moment):
        if ids is None:
            ids = RecordIds.of(tables)
            place = {v: k for k, v in enumerate(tables.events["event_id"].to_pylist())}
        only = {
            key: {
                "events": len(found[key]),
                "records": ids.fold(np.array(sorted(place[i] for i in found[key]), np.int64)),
            }
            for key in ("only_a", "only_b")
        }
        out.append({**found, "from": utc_text(found["from"]), "to": utc_text(found["to"]), **only})
    return out


def unread(resolved: Resolved) -> list[dict[str, Any]]:
    """List the files that were handed over and of which nothing was read: nobody shall take them for covered."""
    return [{k: r[k] for k in ("source_id", "sha256", "bytes", "reason")} for r in resolved.unread.to_pylist()]


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
    if case.notices_refused:  # a further record of a notice is that notice; an entry of a list can be refused too
        further = (loaded.resolved.witnesses[c].to_pylist() for c in ("event_id", "witness_id"))
        known |= {witness for kept, witness in zip(*further, strict=True) if kept in known}
        known |= set(loaded.resolved.listed["entry_id"].to_pylist())
    for n in case.notices_refused:
        if n.record not in known:
            out.append(
                f"[[notice_refused]] record {n.record!r} is no notice that a record of this case makes, and no entry of a list"
            )
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


def bursts(tables: CaseTables, moment: int, numbers_of: dict[str, Any]) -> list[dict[str, Any]]:
    """List bursts of codes that nobody asked for: they belong to nobody."""
    ids, ts = RecordIds.of(tables), numbers(tables.events["ts"])
    who = tables.events["identifier"]
    return [
        {"from": utc_text(int(ts[rows[0]])), "to": utc_text(int(ts[rows[-1]])), "senders": sorted(set(who.take(rows).to_pylist())),
         "messages": len(rows), "records": ids.fold(rows)}
        for rows in code_bursts(tables, moment, numbers_of)
    ]  # fmt: skip


def unattributed(tables: CaseTables, moment: int, num: dict[str, Any]) -> list[dict[str, Any]]:
    """List trackers that nobody has attributed: they belong to nobody until ``[[tracker]]`` says so.

    Whether one travels with the owner, and which ids may be one tag before and after it changed its id (an inference, never a join), follow
    ``docs/measures.md`` section 7.
    """
    found = sightings(tables, moment, attributed=False)
    if not found:
        return []
    links = linked(found, num)
    ids = RecordIds.of(tables)
    return [
        {"tracker_id": s.tracker_id, "sightings": len(s.rows), "places": len(places(s, num)), "first": utc_text(int(s.ts[0])),
         "last": utc_text(int(s.ts[-1])), "travels_with_owner": travels(s, num), "linked_to": links[s.tracker_id],
         "records": ids.fold(s.rows + len(tables.events))}
        for s in found
    ]  # fmt: skip
