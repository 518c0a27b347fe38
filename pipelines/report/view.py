"""One scored case as report and plots look at it: rows of one contact, the owner's clock, what a person wrote down.

Nothing is measured here. Counts come from the findings and from the arrays of :mod:`detector.score`; this module only finds the
rows of a contact and puts the columns of the resolved tables beside them.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from detector.arrays import Bools, Ints
from detector.columns import coded, flags, floats, lookup, numbers, valid
from detector.course import Course
from detector.findings import group_rows
from detector.records import RecordIds
from detector.schema import PRECISIONS
from detector.state import State
from pipelines.errors import UserError, shown
from pipelines.masking import harmless
from pipelines.resolve.localtime import offsets_at
from pipelines.scoring import LoadedCase, Outcome

US = 1_000_000
DAY_US = 86_400 * US
#: readings that are coarser than an hour: they have no hour of the day
_COARSE = ("night", "morning", "afternoon", "evening", "day")
#: a spreadsheet takes a pasted cell that begins like this for a formula
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
#: how findings are listed, the strongest pattern first
RANK = ("systematic", "emerging", "isolated", "reciprocal", "service", "insufficient", "none")


def shown_text(text: str, length: int = 0) -> str:
    """Return a text of the case as it may be shown: nothing in it acts on a browser, a terminal or a spreadsheet.

    Parameters
    ----------
    text : str
        A label, an identifier, a file name, a note.
    length : int
        Cut to so many characters; 0 leaves the length.

    Returns
    -------
    str
        Control characters and marks that turn the direction as visible escapes; an apostrophe before what a spreadsheet would
        take for a formula (a phone number in the form ``+7701…`` is none).
    """
    safe = text if text.isascii() and text.isprintable() else harmless(text, lines=False)
    if not safe.isprintable():  # unassigned and private characters have no meaning that two fonts agree on
        safe = "".join(f"\\u{ord(c):04x}" if unicodedata.category(c) in ("Cn", "Co", "Cs") else c for c in safe)
    if safe.startswith(_FORMULA) and not safe[1:].replace(" ", "").isdigit():
        safe = "'" + safe
    return safe if not length or len(safe) <= length else safe[: length - 1] + "…"


@dataclass(frozen=True, slots=True)
class Records:
    """Columns of the events and then the positions of the case, one entry for each row."""

    offset_us: Ints
    precision: Ints  # index in PRECISIONS
    accuracy_m: NDArray[np.float64]  # NaN when unknown, and for events
    written_at: Ints  # µs of the clock of the row's own time, meaningless where not has_written
    has_written: Bools
    seen_by_others: Ints  # index in WITNESS
    further: Ints  # records of other sources that witness the row


#: values of Records.seen_by_others
WITNESS = ("not stated", "no", "yes")


class View:
    """One scored case.

    Parameters
    ----------
    outcome : Outcome
        Document, arrays and tables of the scoring.
    loaded : LoadedCase
        The case that was scored.

    Attributes
    ----------
    document : dict
        The findings.
    zone : str
        The case's zone.
    """

    def __init__(self, outcome: Outcome, loaded: LoadedCase) -> None:
        self.outcome = outcome
        self.loaded = loaded
        self.document = outcome.document
        self.scored = outcome.scored
        self.state: State = outcome.scored.state
        self.course: Course = self.state.course
        self.tables = outcome.tables
        self.zone = loaded.case.timezone
        self.as_of: int = self.state.as_of[0]
        self._group = {g.contact_id: i for i, g in enumerate(self.course.groups)}
        self._finding: dict[str, dict[str, Any]] = {f["contact_id"]: f for f in self.document["findings"]}

    # -- contacts ---------------------------------------------------------------------------------------------------

    @cached_property
    def findings(self) -> list[dict[str, Any]]:
        """Findings, the strongest verdict first, then by points and id."""
        return sorted(
            self.document["findings"], key=lambda f: (RANK.index(f["verdict"]), -f["points"], f["contact_id"])
        )

    def finding(self, contact_id: str) -> dict[str, Any]:
        """Return the finding of a contact.

        Raises
        ------
        UserError
            There is none.
        """
        if contact_id not in self._finding:
            raise UserError(
                f"no contact {shown(contact_id)!r} in this case; the known ones are {', '.join(self._finding) or 'none'}"
            )
        return self._finding[contact_id]

    def group(self, contact_id: str) -> int:
        """Return the number of a contact in the arrays."""
        self.finding(contact_id)
        return self._group[contact_id]

    def rows(self, contact_id: str) -> tuple[int, int]:
        """Return the slice of course rows of a contact."""
        return group_rows(self.scored, self.group(contact_id))

    def notices(self, contact_id: str) -> list[dict[str, Any]]:
        """Return the notices of a contact as the document has them, in order of time."""
        return sorted(
            (n for n in self.document["notices"] if n["contact_id"] == contact_id), key=lambda n: str(n["at"])
        )

    def threads(self, contact_id: str) -> set[str]:
        """Return the threads in which a contact is the other side, as the verdict takes them for coverage."""
        e = self.tables.events
        mine = (
            flags(*coded(e["contact_id"]), (contact_id,)) & ~valid(e["duplicate_of"]) & (numbers(e["ts"]) < self.as_of)
        )
        return {t for t in e["thread_id"].filter(pa.array(mine)).unique().to_pylist() if t is not None}

    # -- the clock --------------------------------------------------------------------------------------------------

    def case_clock(self, moments: Ints) -> Ints:
        """Return moments (µs UTC) as readings of a clock in the case's zone."""
        return np.asarray(moments + offsets_at(moments, self.zone) * US, np.int64)

    @cached_property
    def local(self) -> Ints:
        """Time of every course row by the owner's clock: the offset in force where the phone was, µs."""
        return np.asarray(self.course.ts + self.records.offset_us[self.first], np.int64)

    @cached_property
    def local_end(self) -> Ints:
        """End of every course row by the same clock, µs."""
        return np.asarray(self.course.ts_end + self.records.offset_us[self.first], np.int64)

    @cached_property
    def precision(self) -> Ints:
        """How exact the time of every course row is, as index in ``PRECISIONS``."""
        return np.asarray(self.records.precision[self.first], np.int64)

    @cached_property
    def coarse(self) -> Bools:
        """Course rows whose time is known to a part of a day or a day only."""
        return np.isin(self.precision, [PRECISIONS.index(p) for p in _COARSE])

    # -- records ----------------------------------------------------------------------------------------------------

    @cached_property
    def first(self) -> Ints:
        """Number of the first record (events, then positions) behind every course row."""
        c = self.course
        return np.asarray(c.records[c.record_from], np.int64)

    @cached_property
    def ids(self) -> RecordIds:
        """Ids of all records."""
        return RecordIds.of(self.tables)

    @cached_property
    def records(self) -> Records:
        """Columns of the tables, by number of the record."""
        parts = [_columns(self.tables.events), _columns(self.tables.positions)]
        both = {k: np.concatenate([p[k] for p in parts]) for k in parts[0]}
        accuracy = np.r_[np.full(len(self.tables.events), np.nan), floats(self.tables.positions["accuracy_m"])]
        return Records(**both, accuracy_m=accuracy, further=self._further())

    def _further(self) -> Ints:
        """Count the records of other sources that witness each row."""
        kept = pa.concat_arrays([
            self.tables.events["event_id"].combine_chunks().cast(pa.string()),
            self.tables.positions["position_id"].combine_chunks().cast(pa.string()),
        ])  # fmt: skip
        known = self.loaded.resolved.witnesses["event_id"]
        out = np.zeros(len(kept), np.int64)
        if len(known) and len(kept):
            at = pc.index_in(known.combine_chunks(), value_set=kept)
            np.add.at(out, pc.drop_null(at).to_numpy(), 1)
        return out


def _columns(table: pa.Table) -> dict[str, Any]:
    witness = lookup(*coded(table["witness"]), WITNESS, default=0)
    return {
        "offset_us": numbers(table["utc_offset"]) * US,
        "precision": lookup(*coded(table["ts_precision"]), PRECISIONS),
        "written_at": numbers(table["written_at"]),
        "has_written": valid(table["written_at"]),
        "seen_by_others": witness,
    }
