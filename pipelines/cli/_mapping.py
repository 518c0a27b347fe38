"""What ``qorgan formats --map`` shows: the first rows of a file as they would be read, before anything is stored."""

from __future__ import annotations

import argparse
import textwrap
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipelines.errors import UserError, count, shown
from pipelines.readers.base import Discard

if TYPE_CHECKING:
    from pipelines.case_model import CaseFile
    from pipelines.containers import Found
    from pipelines.readers.base import Context, Reader

#: rows and reasons that are shown [P]
ROWS = 12
REASONS = 8
WIDTH = 80
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_CLOCKS = {
    "utc": "UTC", "stated": "as written, with the offset that the file states", "case": "the case's zone: the file states none",
    "source": "the zone of [[source]]: the file states none",
}  # fmt: skip
_PLAIN = ("format", "layout", "encoding", "delimiter", "date_order", "owner", "timezone", "subject")


class _Preview(Discard):
    """A sink that keeps the first rows, and counts the rest."""

    def __init__(self) -> None:
        self.rows: list[tuple[int, tuple[str, ...]]] = []
        self.clocks: Counter[str] = Counter()
        self.kept: set[int] = set()
        self.positions_n = self.listed_n = self.read_n = self.scoped = 0
        self.reasons: dict[str, list[str]] = {}
        self.notes: list[str] = []

    def _columns(self, rows: int, columns: Mapping[str, Any], names: Sequence[str]) -> list[tuple[Any, ...]]:
        from pipelines.readers.base import EVENT_DEFAULTS

        full = []
        for name in names:
            value = columns.get(name, EVENT_DEFAULTS.get(name))
            if isinstance(value, (str, bytes)) or not hasattr(value, "__len__"):
                full.append([value] * rows)
            else:
                full.append(value.to_pylist() if hasattr(value, "to_pylist") else list(value))
        return list(zip(*full, strict=True))

    def events(self, rows: int, columns: Mapping[str, Any]) -> None:
        names = ("n", "local_time", "channel", "kind", "direction", "identifier", "identifier_kind", "duration_s", "answered", "zone_basis")  # fmt: skip
        for n, at, channel, kind, direction, who, form, seconds, answered, clock in self._columns(rows, columns, names):
            self.kept.add(int(n))
            self.clocks[clock] += 1
            if len(self.rows) < ROWS:
                what = channel if kind in ("message", "call") and channel != "phone" else kind
                self.rows.append(
                    (int(n), (str(n), f"{_EPOCH + timedelta(microseconds=int(at)):%Y-%m-%d %H:%M:%S}", str(what)[:8],
                              {"unknown": "?"}.get(direction, direction), shown(who or form, 22), "" if seconds is None else str(seconds),
                              {True: "yes", False: "no"}.get(answered, "?") if kind == "call" else ""))
                )  # fmt: skip

    def positions(self, rows: int, columns: Mapping[str, Any]) -> None:
        self.positions_n += rows
        for (n,) in self._columns(rows, columns, ("n",)):
            self.kept.add(int(n))

    def listed(self, rows: int, columns: Mapping[str, Any]) -> None:
        self.listed_n += rows
        for (n,) in self._columns(rows, columns, ("n",)):
            self.kept.add(int(n))

    def reject(self, n: int, record: str, reason: str) -> None:
        self.reasons.setdefault(reason, []).append(record)

    def out_of_scope(self, records: int = 1) -> None:
        self.scoped += records

    def read(self, records: int) -> None:
        self.read_n += records

    def note(self, text: str) -> None:
        self.notes.append(text)

    @property
    def rejected(self) -> int:
        """Number of records that were rejected."""
        return sum(map(len, self.reasons.values()))


def options_from(settings: Sequence[str], layout: str | None) -> dict[str, str]:
    """Return what ``--set`` and ``--layout`` say as options of ``[[source]]``.

    Raises
    ------
    UserError
        One is no ``key=value``, or its key is none.
    """
    from pipelines.readers._layouts import ROLES

    found = {} if layout is None else {"layout": layout}
    for setting in settings:
        key, sign, value = (part.strip() for part in setting.partition("="))
        key = key.removeprefix("columns.")
        if not sign or not value:
            raise UserError(f"--set {shown(setting)} is not of the form key=value, such as caller='Номер А'")
        if key in ROLES:
            key = f"columns.{key}"
        elif key not in _PLAIN:
            raise UserError(f"--set {shown(key)}: known are {', '.join((*ROLES, *_PLAIN))}")
        found[key] = value.encode().decode("unicode_escape") if key == "delimiter" and value == "\\t" else value
    return found


def block(name: str, options: Mapping[str, str]) -> list[str]:
    """Return the ``[[source]]`` table for ``case.toml`` with some options."""
    from pipelines.case_file import quoted

    lines = ["[[source]]", f"match = {quoted(name)}"]
    lines += [f"{key} = {quoted(options[key])}" for key in _PLAIN if key in options]
    columns = {k.removeprefix("columns."): v for k, v in options.items() if k.startswith("columns.")}
    if columns:
        lines.append("columns = { " + ", ".join(f"{k} = {quoted(v)}" for k, v in columns.items()) + " }")
    return lines


def _case(folder: str | None) -> CaseFile | None:
    from pipelines import case_file

    return None if folder is None else case_file.load(folder)


def _context(case: CaseFile | None, options: Mapping[str, str]) -> Context:
    from pipelines.identifiers import phone_identifier
    from pipelines.ingest import context_of
    from pipelines.readers.base import Context

    if case is not None:
        return context_of(case, options)
    return Context(lambda raw: phone_identifier(raw, None), options=dict(options))


def _reader(found: Found, options: Mapping[str, str]) -> Reader:
    """Return who reads a file: whom the options name, else who knows its content, else the reader of operators' lists."""
    from pipelines.readers import all_readers, recognise
    from pipelines.readers.base import Head

    named = options.get("format") or ("cdr" if "layout" in options else None)
    if named is not None:
        if named not in all_readers():
            raise UserError(f"there is no format {shown(named)}: qorgan formats lists them")
        return all_readers()[named]
    claims, verdict = recognise(Head(found.head, found.name, found.container, found.size, found))
    return all_readers()[claims[0][0] if verdict == "known" else "cdr"]


def _wrapped(text: str, indent: str = "") -> str:
    """Return a sentence in lines that fit the screen."""
    from pipelines.cli._common import safe

    return textwrap.fill(
        safe(text, lines=False), WIDTH, initial_indent=indent, subsequent_indent=indent + "    ", break_long_words=False,
        break_on_hyphens=False,
    )  # fmt: skip


def _columns_of(found: Found, context: Context) -> list[str]:
    """Return which column of an operator's list is what."""
    from pipelines.readers.cdr import arrangements

    lines = []
    for title, mapped in arrangements(found, context):
        where = f"sheet {shown(title, 40)}: " if title else ""
        parts = [
            f"{role} = {shown(mapped.names[at], 40) if mapped.names else f'column {at + 1}'}"
            for role, at in sorted(mapped.place.items(), key=lambda item: item[1])
        ]
        named = f" (layout {mapped.layout.id})" if mapped.layout.id else ""
        lines.append(_wrapped(f"{where}columns{named}: {', '.join(parts)}"))
    return lines


def _shown_rows(seen: _Preview) -> list[str]:
    from pipelines.cli._common import table

    if not seen.rows:
        return ["    no call or message would be kept"]
    head = ("n", "time", "what", "way", "other side", "s", "answered")
    lines = table([cells for _, cells in seen.rows], head, right=(0, 5)).split("\n")
    if (more := len(seen.kept) - len({n for n, _ in seen.rows})) > 0:
        lines.append(f"... and {count(more, 'record')} more")
    lines += [f"times: {_CLOCKS.get(clock, clock)}" for clock in sorted(seen.clocks)]
    return lines


def _one(found: Found, case: CaseFile | None, given: Mapping[str, str]) -> int:
    from pipelines.cli._common import say
    from pipelines.readers.base import Unreadable, Waiting
    from pipelines.resolve.source_options import label, options_for

    name = label(found.name, found.container)
    declared = {} if case is None else options_for(case, found.source_id, found.name, found.container)
    options = {**declared, **given}
    reader = _reader(found, options)
    say(f"{shown(name)}: {reader.description.id}; nothing is stored")
    seen, context = _Preview(), _context(case, options)
    lines: list[str] = []
    try:
        reader.read(found, context, seen)
        if reader.description.id == "cdr":
            lines = _columns_of(found, context)
    except Waiting as wait:
        say(_wrapped(f"waiting: {wait.reason}; add to case.toml:"))
        for line in [*block(name, options), *wait.lines.strip().split("\n")]:
            say(f"    {line}")
        return 1
    except Unreadable as error:
        say(_wrapped(f"not read: {error.reason}" + (f" (at {error.record})" if error.record else "")))
        return 1
    for line in [*lines, *_shown_rows(seen)]:
        say(line)
    if seen.positions_n:
        say(f"{count(seen.positions_n, 'position')}, {count(seen.listed_n, 'entry', 'entries')} of lists besides")
    say(f"read {seen.read_n} = kept {len(seen.kept)} + rejected {seen.rejected} + out of scope {seen.scoped}")
    reasons = sorted(seen.reasons.items(), key=lambda item: (-len(item[1]), item[0]))
    for reason, records in reasons[:REASONS]:
        say(_wrapped(f"rejected {len(records)}, first {shown(records[0])}: {reason}", "    "))
    if len(reasons) > REASONS:
        say(f"    and {len(reasons) - REASONS} more reasons")
    for note in seen.notes:
        say(_wrapped(f"note: {note}", "    "))
    if case is None and any(cells[4].startswith("raw:") and cells[4][4:].isdecimal() for _, cells in seen.rows):
        say(_wrapped("numbers that begin with raw: lack a country code; --case reads them as in that case", "    "))
    if options:
        say("as it was read, for case.toml:" if given else "as case.toml has it:")
        for line in block(name, options):
            say(f"    {line}")
    else:
        say("it is read as it is: case.toml needs no [[source]] for it")
    return int(bool(seen.rejected) or not seen.read_n)


def preview(args: argparse.Namespace) -> int:
    """Show how files would be read; return the exit status.

    Raises
    ------
    UserError
        A path, an option or the case is not there.
    """
    from pipelines.cli._common import say
    from pipelines.containers import Refused, walk
    from pipelines.resolve.source_options import label

    if not args.file:
        raise UserError("name the file whose rows are to be shown: qorgan formats --map FILE")
    given = options_from(args.set or [], args.layout)
    case = _case(args.case)
    if args.layout is not None:
        from pipelines.readers._layouts import layouts

        if args.layout not in layouts():
            raise UserError(f"there is no layout {shown(args.layout)}; known are {', '.join(layouts())}")
    status = 0
    for found in walk([Path(f) for f in args.file]):
        if isinstance(found, Refused):
            if not found.skipped:
                say(f"{shown(label(found.name, found.container))}: not read: {found.reason}")
                status = 1
            continue
        status |= _one(found, case, given)
    return status
