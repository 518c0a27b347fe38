"""What goes into the detector: the resolved tables of one case."""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa


@dataclass(frozen=True, slots=True)
class Decision:
    """What people decided about one identifier: it belongs to a contact, or it does not and is not to be suggested again.

    ``identifier`` is normalised; ``name:<name>`` stands for any ``<app>:name:<name>``.
    """

    contact_id: str
    identifier: str
    accepted: bool
    reason: str

    def means(self, identifier: str) -> bool:
        """Return whether the decision is about an identifier."""
        in_app = identifier.partition(":")[2]
        return identifier == self.identifier or (in_app == self.identifier and in_app.startswith("name:"))


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
