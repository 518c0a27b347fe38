"""What goes into the detector: the resolved tables of one case."""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa


@dataclass(frozen=True, slots=True)
class CaseTables:
    """The resolved tables of one case, each in its full schema of :mod:`detector.schema`.

    Attributes
    ----------
    case_id : str
        Id of the case.
    events, positions, notices, places, contacts, trackers, coverage : pyarrow.Table
        See :data:`detector.schema.TABLES`. Rows may stand in any order.
    """

    case_id: str
    events: pa.Table
    positions: pa.Table
    notices: pa.Table
    places: pa.Table
    contacts: pa.Table
    trackers: pa.Table
    coverage: pa.Table
