"""Tables of ALEAPP and iLEAPP as tab-separated text (``_TSV Exports``).

Every run appends: the header, with a byte order mark before it, can stand again in the midst of the file, and may then
name the columns in another order.
"""

from __future__ import annotations

import csv

from pipelines.masking import hidden
from pipelines.readers._leapp import NAMES, SHOWN, Examination, Shape, Table, beyond, column, shape_of
from pipelines.readers._sheets import encoding_of, first_row, masked_row, text_rows
from pipelines.readers.base import Claim, Context, Description, Head, Option, Sink, SourceFile, Unreadable

KNOWLEDGE = (
    "ALEAPP 075122c and iLEAPP 423798f: the modules' lists of columns and the queries behind them, the writers of TSV and LAVA, "
    "and the published test results of iLEAPP"
)
CANNOT_TELL = (
    "which record of the phone a row stands for: the tables name the file, not the record",
    "anything that the tool has no module for; prefer the phone's own databases where you have them",
    "for most apps to whom an outgoing message went, and which messages were sent in a group",
    "who wrote in a group of Apple's messages, and to whom an outgoing WhatsApp call went (ALEAPP)",
    "whether the coordinates of old AirGuard databases are exchanged, unless one lies beyond the poles",
)
ZONE = Option(
    "timezone", "zone that the examination tool was set to", "the times have no offset (versions before 2023)"
)
CHANNELS = (
    "phone", "sms", "mms", "rcs", "imessage", "facetime", "whatsapp", "telegram", "viber", "signal", "messenger", "instagram",
    "line", "skype", "bluetooth", "other",
)  # fmt: skip


class _LeappTsv:
    """The reader."""

    description = Description(
        id="leapp-tsv",
        version=1,
        title="ALEAPP / iLEAPP table (TSV)",
        channels=CHANNELS,
        counts="rows after the header, blank lines and repeated headers left out",
        knowledge=KNOWLEDGE,
        evidence="public code",
        cannot_tell=CANNOT_TELL,
        options=(ZONE,),
        versions="ALEAPP and iLEAPP of 2023 to August 2026",
    )

    def recognise(self, head: Head) -> Claim | None:
        """Claim tab-separated text whose header is that of a table that is known."""
        if b"\t" not in head.data[:4096]:
            return None
        names = [column(c) for c in first_row(head, ("\t",))]
        shape = shape_of(names)
        if shape is None or (len(shape.key) < 4 and not head.data.startswith(b"\xef\xbb\xbf")):
            return None
        return Claim(93, f"columns of the table: {shape.title}")

    def read(self, source: SourceFile, context: Context, out: Sink) -> None:
        """Stream the rows; see :class:`pipelines.readers.base.Reader`."""
        whole = Examination(context, out)
        with source.open() as stream:
            encoding = encoding_of(stream.read(65_536))
        swapped = _swapped(source, encoding or "utf-8")
        table: Table | None = None
        with source.open() as stream:
            for row in text_rows(stream, encoding or "utf-8", "\t"):
                if not row.cells and not row.fault:
                    continue
                found = _header(row.cells)
                if found is not None:
                    if table is not None:
                        table.flush()
                    table = Table(found[0], found[1], whole, swapped)
                    continue
                if table is None:
                    raise Unreadable("the first line is not the header of a table that is known", "line:1")
                if row.fault:
                    table.broken(row.record, row.fault)
                else:
                    table.row(row.record, row.cells)
        if table is None:
            raise Unreadable("the file is empty")
        table.flush()
        whole.end()

    def mask(self, source: SourceFile, raw: str) -> str:
        """Return a row with its columns named, and only times, directions, numbers and names of people shown."""
        with source.open() as stream:
            head = stream.read(65_536)
        lines = head.decode("utf-8-sig", "replace").split("\n", 1)
        try:
            names = next(csv.reader([lines[0].rstrip("\r")], delimiter="\t"), [])
            cells = next(csv.reader(raw.splitlines(keepends=True), delimiter="\t"), [])
        except csv.Error:
            return hidden(len(raw))
        if len(cells) != len(names):
            return hidden(len(raw))
        return masked_row(cells, names, lambda name: column(name) in SHOWN)


def _header(cells: tuple[object, ...]) -> tuple[Shape, list[str]] | None:
    """Return the table whose header a row is, with its columns; None if it is none."""
    first = str(cells[0]) if cells else ""
    # a row begins with a time, nearly always: only what begins like the name of a column is looked at
    if len(cells) < 3 or len(first) > 80 or first[:1].isdigit() or column(first) not in NAMES:
        return None
    names = [column(c) for c in cells]
    shape = shape_of(names)
    return None if shape is None else (shape, names)


def _swapped(source: SourceFile, encoding: str) -> bool:
    """Return whether a table of places has a latitude beyond the poles: then none of its coordinates is taken."""
    place: int | None = None
    with source.open() as stream:
        for row in text_rows(stream, encoding, "\t"):
            found = _header(row.cells)
            if found is not None:
                if found[0].make != "sighting":
                    return False
                place = found[1].index("latitude")
            elif place is not None and place < len(row.cells) and beyond(row.cells[place]):
                return True
    return False


READER = _LeappTsv()
