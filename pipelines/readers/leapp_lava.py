"""The LAVA database of ALEAPP and iLEAPP (``_lava_artifacts.db``): a table for each module, times in Unix seconds."""

from __future__ import annotations

from pipelines.masking import Allowed
from pipelines.readers._leapp import SHOWN, Examination, Shape, Table, beyond, column, shape_of
from pipelines.readers._sqlite import Database, open_database, tables_of
from pipelines.readers.base import Claim, Context, Description, Head, Sink, SourceFile
from pipelines.readers.leapp_tsv import CANNOT_TELL, CHANNELS, KNOWLEDGE, ZONE

_OWN = frozenset(
    ("_artifact_search_patterns", "_artifact_pattern_to_file", "_lava_media_items", "_lava_media_references")
)
_SIGNS = ("_artifact_search_patterns", "_lava_media_items", "_lava_media_references")


class _LeappLava:
    """The reader."""

    description = Description(
        id="leapp-lava",
        version=1,
        title="ALEAPP / iLEAPP database (LAVA)",
        channels=CHANNELS,
        counts="rows of the tables that are known, by name of the table, then row id",
        knowledge=KNOWLEDGE,
        evidence="public code",
        cannot_tell=CANNOT_TELL,
        options=(ZONE,),
        versions="LAVA schema 2 (iLEAPP of August 2026)",
    )
    allowed = Allowed(SHOWN)

    def recognise(self, head: Head) -> Claim | None:
        """Claim a SQLite database with the tool's own tables."""
        tables = tables_of(head)
        if tables is None or sum(name in tables for name in _SIGNS) < 2:
            return None
        return Claim(95, "database with the tables of LAVA")

    def read(self, source: SourceFile, context: Context, out: Sink) -> None:
        """Stream the tables; see :class:`pipelines.readers.base.Reader`."""
        whole = Examination(context, out)
        with open_database(source) as db:
            known: dict[str, Shape] = {}
            other = 0
            for name, columns in db.tables.items():
                shape = shape_of(map(column, columns))
                if shape is not None and name not in _OWN:
                    known[name] = shape
                elif name not in _OWN and not name.startswith("_"):
                    other += 1
            for name in sorted(known):
                _table(db, name, known[name], whole)
            notes = [f"tables of other modules, not read: {other}"] if other else []
            if not known:
                notes.append("none of the tables holds communication that is known")
            whole.end(*notes, read=False)
            db.settle(out)


def _table(db: Database, name: str, shape: Shape, whole: Examination) -> None:
    columns = db.tables[name]
    swapped = False
    if shape.make == "sighting":
        latitude = next(c for c in columns if column(c) == "latitude")
        swapped = any(beyond(value) for _, value in db.lookup(name, (latitude,)))
    table = Table(shape, [column(c) for c in columns], whole, swapped)
    for block in db.scan(name, columns):
        # the number of the record is that of the scan: a damaged table takes one more
        whole.rows.n = block.first_n - 1
        cells = zip(*(block.columns[c] for c in columns), strict=True)
        for record, row in zip(block.records, cells, strict=True):
            table.row(record, [_plain(v) for v in row] if any(isinstance(v, bytes) for v in row) else row)
    table.flush()


def _plain(value: object) -> object:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value


READER = _LeappLava()
