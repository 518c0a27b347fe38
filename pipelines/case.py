"""A case for notebooks: tables as pandas frames, findings, plots, and the way from a number to its source record.

>>> from qorgan import Case  # doctest: +SKIP
>>> case = Case.open("cases/2025-0417")  # doctest: +SKIP
>>> case.findings[["verdict", "points", "occasions"]]  # doctest: +SKIP
>>> case.plot.timeline("K1")  # doctest: +SKIP

Nothing here writes to the case, and nothing is noted in its custody log: what is looked at is what the commands would score.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow as pa

from detector.columns import numbers, valid
from detector.records import unfold
from pipelines.errors import UserError, shown
from pipelines.scoring import LoadedCase, Outcome, load_case, parse_day, score_loaded
from pipelines.zones import zone_or_offset

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from pipelines.report.view import View

#: columns that hold a moment, µs UTC
_MOMENTS = frozenset({"ts", "ts_min", "ts_max", "ts_end", "ts_from", "ts_to"})
#: columns that hold readings of the source's own clock: a frame has the moments instead
_READINGS = frozenset({"local_time", "local_end", "local_from", "local_to", "stated_offset_s", "end_offset_s"})
#: moments that a calendar can say (years 1 to 9999), a day short at both ends for the zone
_FIRST, _LAST = -62_135_510_400_000_000, 253_402_214_399_999_999


def _anchor(plot: str, contact: str) -> str:
    """Return a beginning of ids that is a plot's and a contact's own."""
    return f"{plot}-{hashlib.sha256(contact.encode()).hexdigest()[:8]}"


@dataclass(frozen=True, slots=True)
class Plot:
    """A plot with its caption; a notebook shows both.

    Attributes
    ----------
    figure : matplotlib Figure
        To change or to save.
    caption : str
        What it shows and what it does not.
    """

    figure: Figure
    caption: str
    name: str = "p"  # begins the ids of the drawing, so that several in one notebook do not mix

    def svg(self) -> str:
        """Return the plot as SVG, the same bytes as in the report but for its ids."""
        from pipelines.report.plots import svg

        return svg(self.figure, self.name)

    def _repr_html_(self) -> str:
        return f"<figure>{self.svg()}<figcaption>{escape(self.caption)}</figcaption></figure>"


@dataclass(frozen=True, slots=True)
class SourceRecord:
    """The record behind an id, as it stands in its source, content masked.

    Attributes
    ----------
    record_id : str
        Event or position id.
    source_id, source, format : str
        The source: id, name (``archive!member`` for a member), format.
    locator : str
        Where in the source it stands.
    sha256 : str
        Hash of the source as it was ingested.
    agrees : bool
        The file found now has that hash.
    text : str
        The raw record; every value that may be content is replaced by its length.
    row : dict
        What qorgan read from it.
    """

    record_id: str
    source_id: str
    source: str
    format: str
    locator: str
    sha256: str
    agrees: bool
    text: str
    row: dict[str, Any]

    def __str__(self) -> str:
        hash_word = "agrees" if self.agrees else "DOES NOT AGREE"
        head = f"{self.record_id} · {self.format} · {self.source} · {self.locator}\nsha256 {self.sha256}: {hash_word}"
        return "\n".join([head, *(f"| {line}" for line in self.text.split("\n"))])


def _stamps(column: pa.ChunkedArray) -> pd.DatetimeIndex:
    """Return µs since 1970 as stamps without a zone; what no calendar can say, and what is null, is missing."""
    known, whole = valid(column), numbers(column)
    sayable = known & (whole >= _FIRST) & (whole <= _LAST)
    return pd.DatetimeIndex(np.where(sayable, whole, np.iinfo(np.int64).min).view("datetime64[us]"))  # the least is NaT


class Plots:
    """The plots of the report, one method for each."""

    def __init__(self, case: Case) -> None:
        self._case = case

    def timeline(self, contact: str) -> Plot:
        """Acts and outgoing events of a contact over time, notices, and hatched what no source covers."""
        from pipelines.report import plots

        view = self._case._view()
        return Plot(
            plots.timeline(view, self._case._contact(contact)), plots.TIMELINE_CAPTION, _anchor("timeline", contact)
        )

    def hour_weekday(self, contact: str) -> Plot:
        """Acts of a contact by weekday and hour of the owner's clock."""
        from pipelines.report import plots

        view = self._case._view()
        return Plot(
            plots.hour_weekday(view, self._case._contact(contact)),
            plots.HOUR_WEEKDAY_CAPTION,
            _anchor("hours", contact),
        )

    def places(self, contact: str) -> Plot:
        """Places of the owner and positions of a contact, to scale."""
        from pipelines.report import plots

        view = self._case._view()
        return Plot(plots.places(view, self._case._contact(contact)), plots.PLACES_CAPTION, _anchor("places", contact))

    def comparison(self) -> Plot:
        """Occasions of all contacts on one scale."""
        from pipelines.report import plots

        return Plot(plots.comparison(self._case._view()), plots.COMPARISON_CAPTION, "comparison")


class Case:
    """A case, read and resolved.

    Frames have the columns of the tables (``detector.schema``). Moments are tz-aware in the case's zone; readings of the sources'
    own clocks are left out, but for ``written_at``, which is a reading of the row's own clock. A frame is made anew each time, so it can be changed freely.
    """

    def __init__(self, loaded: LoadedCase) -> None:
        self._loaded = loaded
        self._zone = zone_or_offset(loaded.case.timezone)
        self._outcome: Outcome | None = None
        self._seen: View | None = None

    @classmethod
    def open(cls, path: str | Path) -> Case:
        """Open the case in a folder.

        Raises
        ------
        UserError
            There is no case, or its store is damaged; one sentence.
        """
        if not (Path(path) / "case.toml").is_file():
            raise UserError(f"{shown(str(path))} is no case: it has no case.toml (make one with qorgan init)")
        return cls(load_case(path))

    def __repr__(self) -> str:
        t = self._loaded.resolved.tables
        return f"<Case {self.id}: {len(t.events)} events, {len(t.positions)} positions, {len(self._loaded.resolved.sources)} sources>"

    @property
    def id(self) -> str:
        """Id of the case."""
        return self._loaded.case.id

    @property
    def timezone(self) -> str:
        """Zone of the case."""
        return self._loaded.case.timezone

    # -- tables -----------------------------------------------------------------------------------------------------

    @property
    def events(self) -> pd.DataFrame:
        """Events, by event_id; ``duplicate_of`` marks further witnesses of an event."""
        return self._frame(self._loaded.resolved.tables.events, "event_id")

    @property
    def positions(self) -> pd.DataFrame:
        """Positions, by position_id."""
        return self._frame(self._loaded.resolved.tables.positions, "position_id")

    @property
    def contacts(self) -> pd.DataFrame:
        """Contacts, by contact_id."""
        return self._frame(self._loaded.resolved.tables.contacts, "contact_id")

    @property
    def notices(self) -> pd.DataFrame:
        """Notices, also refused ones."""
        return self._frame(self._loaded.resolved.tables.notices)

    @property
    def places(self) -> pd.DataFrame:
        """Places of the owner; a place without dates has no ``ts_from`` and ``ts_to``."""
        return self._frame(self._loaded.resolved.tables.places, "place_id")

    @property
    def coverage(self) -> pd.DataFrame:
        """What each source covers."""
        return self._frame(self._loaded.resolved.tables.coverage)

    @property
    def sources(self) -> pd.DataFrame:
        """Sources with their counts, by source_id."""
        return self._frame(self._loaded.resolved.sources, "source_id")

    @property
    def rejects(self) -> pd.DataFrame:
        """Records that could not be used, with the reason."""
        return self._frame(self._loaded.resolved.rejects)

    def _frame(self, table: pa.Table, index: str | None = None) -> pd.DataFrame:
        frame = pd.DataFrame({n: self._column(n, table[n]) for n in table.column_names if n not in _READINGS})
        return frame if index is None else frame.set_index(index)

    def _column(self, name: str, column: pa.ChunkedArray) -> pd.Series[Any]:
        if name in _MOMENTS:
            return self._moments(column)
        if name == "written_at":
            return pd.Series(_stamps(column))
        if pa.types.is_integer(column.type) and column.null_count:
            return pd.Series(column.to_pandas(integer_object_nulls=True)).astype("Int64")
        if pa.types.is_boolean(column.type) and column.null_count:
            return pd.Series(column.to_pandas()).astype("boolean")
        return pd.Series(column.to_pandas())

    def _moments(self, column: pa.ChunkedArray) -> pd.Series[Any]:
        return pd.Series(_stamps(column).tz_localize("UTC").tz_convert(self._zone))

    # -- findings ---------------------------------------------------------------------------------------------------

    def score(
        self, statute: str = "kz-115-1", as_of: str | date | None = None, *, known: bool = False
    ) -> dict[str, Any]:
        """Score the case; findings, explanations and plots speak of the last scoring.

        Parameters
        ----------
        statute : str
            Id of the profile.
        as_of : str or date, optional
            Rows on or after this date (in the case's zone) do not exist; default: after the last row.
        known : bool
            Leave out rows that were written down on or after the date, too.

        Returns
        -------
        dict
            The document that ``findings.json`` holds.

        Raises
        ------
        UserError
            No such statute, no date, or the case holds no record yet.
        """
        from pipelines.statutes import profile

        day = parse_day(as_of) if isinstance(as_of, str) else as_of
        self._outcome, self._seen = score_loaded(self._loaded, profile(statute), day, known=known), None
        return self._outcome.document

    def _scored(self) -> Outcome:
        if self._outcome is None:
            self.score()
        assert self._outcome is not None
        return self._outcome

    def _view(self) -> View:
        from pipelines.report.view import View

        if self._seen is None:
            self._seen = View(self._scored(), self._loaded)
        return self._seen

    def _contact(self, wanted: str) -> str:
        from pipelines.explanation import find

        return str(find(self._scored().document, wanted)["contact_id"])

    @property
    def findings(self) -> pd.DataFrame:
        """One row for each contact, by contact_id: verdict, points, first moments, then the value of every indicator.

        Values that cannot be told are missing (``<NA>``), never 0.
        """
        rows = []
        for f in self._scored().document["findings"]:
            row = {k: f[k] for k in ("contact_id", "label", "role", "verdict", "otherwise", "points")}
            row |= {k: f[k] for k in ("first_repeated", "first_met")}
            rows.append(row | {name: x["value"] for name, x in f["indicators"].items()})
        if not rows:
            return pd.DataFrame(index=pd.Index([], name="contact_id"), columns=["label", "role", "verdict", "points"])
        frame = pd.DataFrame(rows)
        for name in ("first_repeated", "first_met"):
            frame[name] = pd.to_datetime(frame[name], utc=True).dt.as_unit("us").dt.tz_convert(self._zone)
        values = [c for c in frame.columns if c in self._scored().scored.measured or c == "points"]
        return frame.astype(dict.fromkeys(values, "Int64")).set_index("contact_id")

    def explain(self, contact: str) -> str:
        """Return one finding as a worked sum: every element, indicator, threshold with its origin, point, and what speaks against.

        Parameters
        ----------
        contact : str
            Id, label or identifier.
        """
        from pipelines.explanation import explanation, find

        document = self._scored().document
        return explanation(document, find(document, contact), self._loaded.case.timezone)

    def ids(self, contact: str, indicator: str) -> list[str]:
        """Return the ids of all records that an indicator of a contact rests on.

        Raises
        ------
        UserError
            No such contact or indicator.
        """
        from pipelines.explanation import find

        known = find(self._scored().document, contact)["indicators"]
        if indicator not in known:
            raise UserError(f"no indicator {shown(indicator)!r}; the known ones are {', '.join(known)}")
        return unfold(known[indicator]["records"])

    @property
    def plot(self) -> Plots:
        """The plots of the report."""
        return Plots(self)

    # -- the way back to the source ---------------------------------------------------------------------------------

    def record(self, record_id: str, exports: str | Path | None = None) -> SourceRecord:
        """Open the record behind an id in the export itself, content masked.

        Parameters
        ----------
        record_id : str
            Event or position id.
        exports : path, optional
            Where the exports lie now; default: where they were ingested from.

        Raises
        ------
        UserError
            There is no such record, or its export is not there or has changed so that the record is not in it.
        """
        return self.records([record_id], exports)[0]

    def records(self, record_ids: Iterable[str], exports: str | Path | None = None) -> list[SourceRecord]:
        """Open several records (see :meth:`record`); each export is looked for once."""
        from pipelines.locate import LocateError, open_record
        from pipelines.originals import Originals, RowIndex
        from pipelines.reread import NOT_COMPARED, disagreement

        folder = self._loaded.folder
        rows, originals = RowIndex(folder), Originals(folder, None if exports is None else str(exports))
        out = []
        for record_id in record_ids:
            found = rows.find(record_id)
            if not found:
                raise UserError(f"no event or position {shown(record_id)!r} in this case")
            kind, row = found[0]
            source = rows.sources[row["source_id"]]
            name = f"{source['container']}!{source['name']}" if source["container"] else source["name"]
            original = originals.source(row["source_id"])
            if original is None:
                raise UserError(
                    f"the export {shown(name)} is not where it was ingested from, or has changed; say where it lies with exports="
                )
            try:
                raw = open_record(original, row["record"], source["format"], row["n"])
            except LocateError as error:
                raise UserError(str(error)) from None
            other = disagreement(original, source["format"], kind, row, raw)
            agrees = original.sha256 == source["sha256"] and other in (None, NOT_COMPARED)
            out.append(SourceRecord(row[f"{kind}_id"], row["source_id"], shown(name), source["format"], row["record"],
                                    source["sha256"], agrees, raw.masked, row))  # fmt: skip
        return out
