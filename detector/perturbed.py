"""The tables of one case with rows left out or moved: what robustness scores again (``docs/findings.md``, "robustness")."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from detector.arrays import Bools, Ints
from detector.columns import coded, flags, floats, lookup, numbers, subs, valid
from detector.model import CaseTables
from detector.schema import PRECISION_SPAN_US

#: kinds of positions that somebody saw
SIGHTINGS = ("seen", "waited", "followed", "entered")
_MOVED = ("ts", "ts_min", "ts_max", "ts_end")


@dataclass(frozen=True, slots=True)
class Change:
    """What is done to a case; nothing, unless said.

    Attributes
    ----------
    no_event, no_position, no_notice, no_coverage : bool array or None
        Rows of the tables that are left out. Further witnesses of a row that goes take its place, and a notice goes, or changes, with its record.
    move_event, move_position, move_notice : bool array or None
        Rows that are moved.
    by : int
        What they are moved by, µs.
    radius : float
        Factor of the radius of every place.
    unlisted : dict of int to str
        Identifier that is taken out of the list of a contact, by number of the contact.
    """

    no_event: Bools | None = None
    no_position: Bools | None = None
    no_notice: Bools | None = None
    no_coverage: Bools | None = None
    move_event: Bools | None = None
    move_position: Bools | None = None
    move_notice: Bools | None = None
    by: int = 0
    radius: float = 1.0
    unlisted: Mapping[int, str] = field(default_factory=dict)


class _Table:
    """Events or positions of a case, with what leaving out and moving asks for; numbers are those of :class:`Whole`."""

    def __init__(
        self, table: pa.Table, id_name: str, contacts: Sequence[str], sources: Sequence[str], identifiers: Sequence[str]
    ) -> None:
        self.table, self.id_name = table, id_name
        self.contact = lookup(*coded(table["contact_id"]), contacts)
        self.source = lookup(*coded(table["source_id"]), sources)
        self.identifier = lookup(*coded(table["identifier"]), identifiers)
        self.journal = flags(*coded(table["how"]), ("journal",))
        self.witness = valid(table["duplicate_of"])

    @cached_property
    def kept(self) -> Ints:
        """For every further witness the row that is kept in its place, -1 for all others."""
        out = np.full(len(self.table), -1, np.int64)
        rows = np.flatnonzero(self.witness)
        if len(rows):
            ids = self.table[self.id_name].combine_chunks()
            found = pc.index_in(self.table["duplicate_of"].take(pa.array(rows)), ids)
            out[rows] = numbers(found, -1)
        return out

    def heirs(self, gone: Bools) -> Ints:
        """Return for every row that goes the witness that takes its place, -1 where there is none: the most precise, then that of the smallest source id."""
        out = np.full(len(gone), -1, np.int64)
        if not self.witness.any():
            return out
        rows = np.flatnonzero((self.kept >= 0) & ~gone & gone[self.kept])
        if len(rows):
            some = self.table.select([self.id_name, "n", "ts_precision"]).take(pa.array(rows))
            codes, values = coded(some["ts_precision"])
            span = np.array([PRECISION_SPAN_US[v] for v in values], np.int64)[codes]
            order = np.lexsort((subs(some[self.id_name]), numbers(some["n"]), self.source[rows], span, self.kept[rows]))
            rows = rows[order]
            head = np.r_[True, self.kept[rows][1:] != self.kept[rows][:-1]]
            out[self.kept[rows[head]]] = rows[head]
        return out

    def excerpt(self, keep: Bools | None, heirs: Ints | None, moved: Bools | None, by: int) -> pa.Table:
        """Return the rows to keep (None: all), with witnesses that take a place and rows that are moved."""
        table = self.table if keep is None else self.table.filter(pa.array(keep))
        if heirs is not None and (heirs >= 0).any():
            still = self.witness.copy()
            still[heirs[heirs >= 0]] = False
            column = table["duplicate_of"]
            whose = pa.array(still if keep is None else still[keep])
            table = _with(table, "duplicate_of", pc.if_else(whose, column, pa.nulls(1, pa.string())[0]))
        return table if moved is None else shifted(table, moved if keep is None else moved[keep], by)


def _with(table: pa.Table, name: str, column: Any) -> pa.Table:
    at = table.schema.get_field_index(name)
    return table.set_column(at, table.schema.field(at), column)


def shifted(table: pa.Table, rows: Bools, by: int) -> pa.Table:
    """Return a table with all moments of some rows moved; the offset of the local clock stays, so the local day follows."""
    for name in _MOVED:
        if name in table.column_names:
            table = _with(table, name, pa.array(numbers(table[name]) + by * rows, pa.int64()))
    return table


class Whole:
    """One case whose rows can be left out and moved, contact by contact.

    Parameters
    ----------
    case : CaseTables
        The resolved tables.
    contacts : sequence of str
        Ids of its contacts, sorted: their numbers here are those of the course.
    """

    def __init__(self, case: CaseTables, contacts: Sequence[str]) -> None:
        self.case, self.contacts = case, list(contacts)
        both = (case.events, case.positions)

        def values(name: str) -> list[str]:
            return sorted({v for table in both for v in pc.unique(table[name]).to_pylist() if v is not None})

        self.sources, self.identifiers = values("source_id"), values("identifier")
        self.identifier_number = {name: i for i, name in enumerate(self.identifiers)}
        self.events = _Table(case.events, "event_id", self.contacts, self.sources, self.identifiers)
        self.positions = _Table(case.positions, "position_id", self.contacts, self.sources, self.identifiers)
        p = case.positions
        subject = coded(p["subject"])
        self.hers = flags(*subject, ("owner",))
        self.tracker = flags(*subject, ("tracker",))
        sighting = flags(*coded(p["kind"]), SIGHTINGS)
        theirs = flags(*subject, ("contact",))
        self.device = theirs & ~sighting
        self.located = theirs & np.isfinite(floats(p["lat"])) & np.isfinite(floats(p["lon"]))
        self._subject = theirs | self.tracker
        n = case.notices
        self.notice_contact = lookup(*coded(n["contact_id"]), self.contacts)
        self.notice_live = ~numbers(n["refused"].cast(pa.int64())).astype(np.bool_)
        self.notice_declared = flags(*coded(n["basis"]), ("declared",))
        self.notice_journal = flags(*coded(n["basis"]), ("journal",))
        self.notice_event = np.full(len(n), -1, np.int64)
        records = [r for r in n["record_id"].to_pylist() if r is not None]
        if records:
            rows = np.flatnonzero(np.asarray(pc.is_in(case.events["event_id"], pa.array(records, pa.string()))))
            at = dict(zip(case.events["event_id"].take(pa.array(rows)).to_pylist(), rows.tolist(), strict=True))
            self.notice_event = np.array([at.get(r, -1) for r in n["record_id"].to_pylist()], np.int64)
        self._classes = [w.split() for w in case.coverage["classes"].to_pylist()]
        self.coverage_channel = coded(case.coverage["channel"])
        self._listed = {r["contact_id"]: r for r in case.contacts.to_pylist()}

    def listed(self, g: int) -> list[str]:
        """Return the identifiers of a contact: those of its list, and those of its rows that are no label."""
        mine = self._listed[self.contacts[g]]["identifiers"]
        return sorted({*(mine.split("\n") if mine else ()), *(i for i in self.used(g) if not i.startswith("label:"))})

    def used(self, g: int) -> list[str]:
        """Return the identifiers of the rows of a contact."""
        return self._used.get(g, [])

    @cached_property
    def _used(self) -> dict[int, list[str]]:
        width = len(self.identifiers)
        pairs = [t.contact * width + t.identifier for t in (self.events, self.positions)]
        named = [(t.contact >= 0) & (t.identifier >= 0) for t in (self.events, self.positions)]
        out: dict[int, list[str]] = {}
        for pair in np.unique(np.concatenate([p[m] for p, m in zip(pairs, named, strict=True)])).tolist():
            out.setdefault(pair // width, []).append(self.identifiers[pair % width])
        return out

    def has(self, events: Bools | None, positions: Bools | None) -> Bools:
        """Mark the contacts that have one of these rows."""
        out = np.zeros(len(self.contacts) + 1, np.bool_)
        for table, rows in ((self.events, events), (self.positions, positions)):
            if rows is not None:
                out[table.contact[rows]] = True
        return out[:-1]

    def noticed(self, notices: Bools) -> Bools:
        """Mark the contacts that have one of these notices, those that are refused left out."""
        out = np.zeros(len(self.contacts) + 1, np.bool_)
        out[self.notice_contact[notices & self.notice_live]] = True
        return out[:-1]

    def with_record_in(self, events: Bools) -> Bools:
        """Mark the notices whose record is one of these events."""
        out = self.notice_event >= 0
        out[out] = events[self.notice_event[out]]
        return out

    def showing(self, change: Change) -> tuple[bool, bool, bool]:
        """Return what :func:`detector.course.can_show` says of the whole case after a change."""
        channels, names = self.coverage_channel
        left = np.ones(len(channels), np.bool_) if change.no_coverage is None else ~change.no_coverage
        journal = bool((flags(channels, names, ("journal",)) & left).any())
        classes = {w for words, there in zip(self._classes, left.tolist(), strict=True) if there for w in words}
        subject = self._subject if change.no_position is None else self._subject & ~change.no_position
        events = len(self.events.table) if change.no_event is None else int((~change.no_event).sum())
        return journal or bool(subject.any()), events > 0 or bool(classes - {"position"}), journal

    def excerpt(self, groups: Ints, change: Change) -> CaseTables:
        """Return the tables with the rows of some contacts (their numbers, ascending) after a change, and what their measures look at besides."""
        case, everybody = self.case, len(groups) == len(self.contacts)
        mine = np.zeros(len(self.contacts) + 1, np.bool_)
        mine[groups] = True
        tables, heirs = {}, np.zeros(0, np.int64)
        for name, t, gone, moved in (
            ("positions", self.positions, change.no_position, change.move_position),
            ("events", self.events, change.no_event, change.move_event),
        ):
            keep = np.ones(len(t.table), np.bool_) if everybody else mine[t.contact]
            if name == "positions" and not everybody and (keep & self.device).any():
                keep |= self.hers
            heirs = t.heirs(gone) if gone is not None else np.full(len(keep), -1, np.int64)
            keep = keep if gone is None else keep & ~gone
            tables[name] = t.excerpt(None if keep.all() else keep, heirs, moved, change.by)
        notices = self._notices(change, heirs)
        places = case.places
        if change.radius != 1.0:
            places = _with(places, "radius_m", pa.array(floats(places["radius_m"]) * change.radius))
        coverage = case.coverage if change.no_coverage is None else case.coverage.filter(pa.array(~change.no_coverage))
        return replace(case, events=tables["events"], positions=tables["positions"], notices=notices, places=places, coverage=coverage,
                       contacts=self._people(groups, change))  # fmt: skip

    def _notices(self, change: Change, heirs: Ints) -> pa.Table:
        """Return the notices after a change: without their record they are gone, with another witness of it they are where that one says."""
        table = self.case.notices
        if not len(table):
            return table
        gone = np.zeros(len(table), np.bool_) if change.no_notice is None else change.no_notice.copy()
        if change.no_event is not None:
            without = self.with_record_in(change.no_event)
            heir = np.where(without, heirs[np.maximum(self.notice_event, 0)] if len(heirs) else -1, -1)
            gone |= without & (heir < 0)
            taken = np.flatnonzero(heir >= 0)
            if len(taken):
                rows = self.events.table.take(pa.array(heir[taken]))
                for name in _MOVED[:3]:
                    moments = numbers(table[name]).copy()
                    moments[taken] = numbers(rows[name])
                    table = _with(table, name, pa.array(moments, pa.int64()))
        if change.move_notice is not None:
            table = shifted(table, change.move_notice, change.by)
        return table.filter(pa.array(~gone))

    def _people(self, groups: Ints, change: Change) -> pa.Table:
        rows = []
        for g in groups.tolist():
            row = self._listed[self.contacts[g]]
            if g in change.unlisted:
                left = [i for i in row["identifiers"].split("\n") if i and i != change.unlisted[g]]
                row = {**row, "identifiers": "\n".join(left)}
            rows.append(row)
        return pa.Table.from_pylist(rows, self.case.contacts.schema)
