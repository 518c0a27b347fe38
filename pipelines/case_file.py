"""``case.toml``: read strictly, all faults at once, each with file, line and key.

What people write by hand decides who is who and when "stop" was said, so nothing in it is guessed: an unknown key, a
date that is no date, a contact that nobody declared are faults, and a file with a fault is not used at all.
"""

from __future__ import annotations

import codecs
import difflib
import re
import tomllib
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

from detector.schema import NOTICE_KINDS, PLACE_KINDS, ROLES
from pipelines import zones
from pipelines.case_model import (
    CaseFile,
    Contact,
    Moment,
    Notice,
    NoticeRefused,
    Place,
    SamePerson,
    SourceOptions,
    Tracker,
)
from pipelines.errors import UserError, shown
from pipelines.identifiers import clean, phone_identifier
from pipelines.readers.base import PLAUSIBLE_FROM_US, PLAUSIBLE_TO_US

BASES = ("consent", "order")
DATE_ORDERS = ("dmy", "mdy", "ymd")
#: a place is a spot in somebody's life, not a town [P]
RADIUS_MIN_M, RADIUS_MAX_M = 1.0, 10_000.0
#: more than any person writes by hand [P]
MAX_BYTES = 4_000_000
#: an id, which stands beside every row
MAX_ID = 200
#: a key of more than sixteen parts
_DOTTED = re.compile(r"\s*\[*\s*(?:[\w-]+\s*\.\s*){16}")

_EPOCH = datetime(1970, 1, 1)
_US = timedelta(microseconds=1)
_RECORD = re.compile(r"[0-9a-f]{12}#[1-9][0-9]*(\.[1-9][0-9]*)?")
_UNDECLARED = re.compile(r"u-[0-9a-f]{10}")
_EXPLICIT = re.compile(r"[a-z][a-z0-9_.-]*:")
_PHONE_LIKE = re.compile(r"\+?[0-9()./\-\s*#‐-―−]*[0-9][0-9()./\-\s*#‐-―−]*")
_NOBODY = {"", "null", "(unknown)", "unknown", "-1", "-2", "-3"}
_HEADER = re.compile(r"\s*(\[\[?)\s*([A-Za-z0-9_\-.\"' ]+?)\s*\]\]?\s*(#.*)?")
_KEY = re.compile(r"""\s*(?:"([^"]*)"|'([^']*)'|([A-Za-z0-9_-]+))\s*[=.]""")


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault of a case file.

    Parameters
    ----------
    file : str
        Name of the file.
    line : int
        Line, from 1.
    key : str
        Table and key: ``contact[2].role``.
    sentence : str
        What is wrong and what is allowed.
    """

    file: str
    line: int
    key: str
    sentence: str

    def __str__(self) -> str:
        return f"{self.file}, line {self.line}, {self.key}: {self.sentence}"


class CaseFileError(UserError):
    """A case file with faults, all of them in :attr:`faults`."""

    def __init__(self, faults: list[Fault]) -> None:
        super().__init__("\n".join(str(f) for f in faults))
        self.faults = faults


class _Lines:
    """Where each table and key stands in the text (tomllib does not say)."""

    def __init__(self, text: str) -> None:
        self._tables: dict[tuple[str, int], int] = {}
        self._keys: dict[tuple[str, int, str], int] = {}
        table, index = "", 0
        seen: dict[str, int] = {}
        quote = ""
        for number, line in enumerate(text.splitlines(), start=1):
            inside = bool(quote)
            # a line inside a text of several lines is no header and no key
            for mark in re.findall(r'"""|\'\'\'', line):
                quote = "" if quote == mark else quote or mark
            if inside:
                continue
            if header := _HEADER.fullmatch(line):
                table = ".".join(p.strip(" \"'") for p in header[2].split("."))
                index = seen.get(table, 0)
                seen[table] = index + 1
                self._tables.setdefault((table, index), number)
            elif key := _KEY.match(line):
                name = next(g for g in key.groups() if g is not None)
                self._keys.setdefault((table, index, name), number)

    def find(self, table: str, index: int, key: str = "") -> int:
        """Return the line of a key, else of its table, else 1."""
        for place in ((table, index, key), ("", 0, table)):
            if place in self._keys:
                return self._keys[place]
        return self._tables.get((table, index), 1)


class _Table:
    """One table of the file with the faults that are met while it is read."""

    def __init__(
        self, check: _Check, name: str, index: int, values: Mapping[str, Any], many: bool, known: tuple[str, ...]
    ) -> None:
        self.check, self.name, self.index, self.many = check, name, index, many
        self.values = values
        for key in values:
            if key not in known:
                close = difflib.get_close_matches(key, known, n=1)
                hint = f" (did you mean {close[0]}?)" if close else ""
                self.fault(key, f"unknown key{hint}; known are {', '.join(known)}")

    def path(self, key: str) -> str:
        head = f"{self.name}[{self.index + 1}]" if self.many else self.name
        return f"{head}.{shown(key)}" if key else head

    def fault(self, key: str, sentence: str) -> None:
        self.check.faults.append(
            Fault(self.check.file, self.check.lines.find(self.name, self.index, key), self.path(key), sentence)
        )

    def text(self, key: str, *, required: bool = False, ident: bool = False) -> str | None:
        value = self.values.get(key)
        if value is None:
            if required:
                self.fault(key, "is missing")
            return None
        if not isinstance(value, str):
            self.fault(key, f"must be a text in quotation marks, is {_kind(value)}")
            return None
        value = unicodedata.normalize("NFC", value)
        if required and not value.strip():
            self.fault(key, "must not be empty")
            return None
        if ident and (value != value.strip() or any(unicodedata.category(c)[0] == "C" for c in value)):
            self.fault(key, "must not hold invisible characters, nor begin or end with a blank")
            return None
        if ident and len(value) > MAX_ID:
            self.fault(key, f"is longer than {MAX_ID} characters")
            return None
        return value

    def table(self, key: str) -> dict[str, str]:
        """Return a table of texts; a whole number stands for itself."""
        value = self.values.get(key, {})
        if not isinstance(value, dict):
            self.fault(key, f'must be a table such as {{ caller = "Number A" }}, is {_kind(value)}')
            return {}
        found = {}
        for name, one in value.items():
            if isinstance(one, bool) or not isinstance(one, (str, int)) or not str(one).strip():
                self.fault(key, f"{shown(name)} must be the name of a column, or its number")
            else:
                found[name] = unicodedata.normalize("NFC", str(one))
        return found

    def flag(self, key: str) -> bool | None:
        value = self.values.get(key)
        if isinstance(value, bool):
            return value
        self.fault(key, "is missing" if value is None else f"must be true or false, is {_kind(value)}")
        return None

    def choice(self, key: str, allowed: tuple[str, ...], default: str | None = None) -> str | None:
        required = default is None
        value = self.text(key, required=required)
        if value is None:
            return default
        if value not in allowed:
            close = difflib.get_close_matches(value, allowed, n=1)
            hint = f" (did you mean {close[0]}?)" if close else ""
            self.fault(key, f"{shown(value)!r} is not known{hint}; allowed are {', '.join(allowed)}")
            return None
        return value

    def number(self, key: str, lo: float, hi: float, unit: str) -> float | None:
        value = self.values.get(key)
        if value is None:
            self.fault(key, "is missing")
            return None
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            self.fault(key, f"must be a number, is {_kind(value)}")
            return None
        if not lo <= value <= hi:  # also refuses nan
            self.fault(key, f"must lie between {lo:g} and {hi:g} {unit}")
            return None
        return float(value)

    def texts(self, key: str) -> tuple[str, ...]:
        value = self.values.get(key)
        if value is None:
            return ()
        if not isinstance(value, list) or not all(isinstance(v, str) for v in value):
            self.fault(key, 'must be a list of texts: ["...", "..."]')
            return ()
        found = tuple(unicodedata.normalize("NFC", v) for v in value)
        if any(not v.strip() for v in found):
            self.fault(key, "holds an empty text")
        return tuple(v for v in found if v.strip())

    def moment(self, key: str, *, required: bool = False) -> Moment | None:
        value = self.values.get(key)
        if value is None:
            if required:
                self.fault(key, "is missing")
            return None
        if isinstance(value, datetime):
            offset = value.utcoffset()
            seconds = None if offset is None else int(offset.total_seconds())
            if seconds is not None and abs(seconds) > zones.MAX_OFFSET_S:
                self.fault(key, "has an offset of more than 18 hours")
                return None
            precision = "s" if not value.microsecond else "us" if value.microsecond % 1000 else "ms"
            return Moment((value.replace(tzinfo=None) - _EPOCH) // _US, seconds, precision)
        if isinstance(value, date):
            return Moment((datetime.combine(value, time()) - _EPOCH) // _US, None, "day")
        hint = ", without quotation marks" if isinstance(value, str) else ""
        self.fault(key, f"must be a date (2025-10-02) or a date and time (2025-10-02T18:30:00){hint}")
        return None


class _Check:
    """Everything that is known while one file is read."""

    def __init__(self, file: str, text: str) -> None:
        self.file = file
        self.lines = _Lines(text)
        self.faults: list[Fault] = []
        self.warnings: list[str] = []
        self.claims: dict[str, str] = {}  # identifier -> who claims it
        self.bare: dict[str, str] = {}  # bare name -> who claims it
        self.named: dict[str, dict[str, str]] = {}  # name -> {<app>:name:<name>: who claims it}


def _kind(value: object) -> str:
    names = {bool: "true or false", int: "a number", float: "a number", str: "a text", list: "a list", dict: "a table"}
    return names.get(type(value), "a date or time")


def claimed(written: str, region: str | None) -> str:
    """Return what an identifier in ``case.toml`` stands for.

    Parameters
    ----------
    written : str
        As written: a number, an address, an explicit form (``telegram:user1``, ``mail:``, ``short:``, ``alpha:``,
        ``raw:``, ``label:``) or a bare name.
    region : str or None
        Two-letter country in which numbers without country code are read.

    Returns
    -------
    str
        The normalised identifier, or ``name:<name>`` for a bare name, which stands for any ``<app>:name:<name>``.

    Raises
    ------
    ValueError
        The text stands for nobody (``unknown``, ``-1``, nothing at all).
    """
    text = clean(written)
    if text.lower() in _NOBODY:
        raise ValueError("stands for nobody")
    if _PHONE_LIKE.fullmatch(text):
        identifier, _ = phone_identifier(text, region)
        if identifier is None:
            raise ValueError("stands for nobody")
        return identifier
    if match := _EXPLICIT.match(text):
        prefix, rest = match[0], text[match.end() :].strip()
        if not rest:
            raise ValueError("stands for nobody")
        if prefix == "mail:":
            local, at, domain = rest.rpartition("@")
            return f"mail:{local}{at}{domain.lower()}"
        if prefix == "name:":
            return f"name:{clean(rest)}"
        return prefix + rest
    if "@" in text and " " not in text:
        identifier, _ = phone_identifier(text, region)
        if identifier is not None and identifier.startswith("mail:"):
            return identifier
    return f"name:{text}"


def names_of(identifiers: tuple[str, ...], region: str | None) -> frozenset[str]:
    """Return every form in which readers may meet identifiers: as written (NFC), normalised, and the bare name."""
    found: set[str] = set()
    for written in identifiers:
        found.add(clean(written))
        try:
            identifier = claimed(written, region)
        except ValueError:
            continue
        head, _, name = identifier.partition("name:")
        if name and (not head or head.endswith(":")):
            found.add(name)
            if not head:
                continue
        found.add(identifier)
    found.discard("")
    return frozenset(found)


def _claim(check: _Check, table: _Table, key: str, written: str, who: str, region: str | None) -> None:
    try:
        identifier = claimed(written, region)
    except ValueError:
        table.fault(key, f"{shown(written)!r} stands for nobody; withheld and unknown callers cannot be declared")
        return
    if identifier.startswith("raw:") and not clean(written).startswith("raw:"):
        check.warnings.append(
            f"{table.path(key)}: {shown(written)!r} is no valid number; it is matched as written ({shown(identifier)})"
        )
    others = {check.claims.get(identifier)}
    head, _, name = identifier.partition("name:")
    if name and not head:
        others |= {check.bare.get(name), *check.named.get(name, {}).values()}
        check.bare.setdefault(name, who)
    elif name and head.endswith(":"):
        others.add(check.bare.get(name))
        check.named.setdefault(name, {}).setdefault(identifier, who)
    check.claims.setdefault(identifier, who)
    for other in sorted(o for o in others if o is not None and o != who):
        table.fault(key, f"{shown(written)!r} is claimed by {other} and by {who}; one person only can have it")


def _tables(check: _Check, data: Mapping[str, Any], name: str, known: tuple[str, ...]) -> list[_Table]:
    value = data.get(name, [])
    if not isinstance(value, list) or not all(isinstance(v, dict) for v in value):
        check.faults.append(
            Fault(check.file, check.lines.find(name, 0), name, f"must be written as [[{name}]] with two brackets")
        )
        return []
    return [_Table(check, name, i, v, True, known) for i, v in enumerate(value)]


def _single(check: _Check, data: Mapping[str, Any], name: str, known: tuple[str, ...]) -> _Table:
    value = data.get(name)
    if not isinstance(value, dict):
        sentence = "is missing" if value is None else f"must be written as [{name}] with one bracket"
        check.faults.append(Fault(check.file, check.lines.find(name, 0), f"[{name}]", sentence))
        value = {}
        table = _Table(check, name, 0, value, False, known)
        # one fault for a missing table is enough: its keys are not asked for
        table.fault = lambda key, sentence: None  # type: ignore[method-assign]
        return table
    return _Table(check, name, 0, value, False, known)


def _zone(table: _Table, key: str, *, required: bool, offsets: bool) -> str | None:
    value = table.text(key, required=required)
    if value is None or value in zones.zone_names():
        return value
    if offsets and zones.fixed_offset(value) is not None:
        return value
    close = difflib.get_close_matches(value, zones.zone_names(), n=1)
    hint = f" (did you mean {close[0]}?)" if close else ""
    more = ", or a fixed offset such as +06:00" if offsets else ""
    table.fault(key, f"{shown(value)!r} is no time zone that tzdata knows{hint}; write it as Asia/Almaty{more}")
    return None


def _utc(moment: Moment, zone: str | None) -> int:
    """Return the moment in µs UTC, as exactly as the comparison of two dates needs."""
    if moment.offset_s is not None:
        return moment.local_us - moment.offset_s * 1_000_000
    if zone is None:
        return moment.local_us
    local = _EPOCH + timedelta(microseconds=moment.local_us)
    offset = zones.zone(zone).utcoffset(local)
    return moment.local_us - (offset // _US if offset is not None else 0)


def _unique(tables: list[_Table], key: str, ids: list[str | None]) -> None:
    seen: dict[str, int] = {}
    for i, (table, value) in enumerate(zip(tables, ids, strict=True)):
        if value is None:
            continue
        if value in seen:
            table.fault(key, f"{shown(value)!r} is already the {key} of {table.name}[{seen[value] + 1}]")
        else:
            seen[value] = i


def _known_contact(table: _Table, key: str, value: str | None, contacts: set[str]) -> None:
    if value is None or value in contacts:
        return
    known = ", ".join(shown(c) for c in sorted(contacts)[:12]) or "none is declared"
    table.fault(key, f"{shown(value)!r} is no declared contact; known are: {known}")


def _contacts(check: _Check, data: Mapping[str, Any], region: str | None) -> list[Contact]:
    tables = _tables(check, data, "contact", ("id", "label", "role", "identifiers"))
    ids: list[str | None] = []
    found: list[Contact] = []
    for table in tables:
        ident = table.text("id", required=True, ident=True)
        if ident is not None and re.search(r"\s", ident):
            table.fault("id", "must not hold blanks")
        elif ident is not None and (ident == "owner" or _UNDECLARED.fullmatch(ident)):
            table.fault("id", f"{ident!r} is reserved: choose another id")
        ids.append(ident)
        label = table.text("label") or ""
        role = table.choice("role", ROLES, "unknown")
        identifiers = table.texts("identifiers")
        who = f"contact {shown(ident)}" if ident is not None else f"contact[{table.index + 1}]"
        for written in identifiers:
            _claim(check, table, "identifiers", written, who, region)
        found.append(Contact(ident or "", label, role or "unknown", identifiers))
    _unique(tables, "id", ids)
    return found


def _places(check: _Check, data: Mapping[str, Any], contacts: set[str], zone: str | None) -> list[Place]:
    known = ("id", "kind", "label", "lat", "lon", "radius_m", "from", "to", "shared_with")
    tables = _tables(check, data, "place", known)
    ids: list[str | None] = []
    found: list[Place] = []
    for table in tables:
        ident = table.text("id", required=True, ident=True)
        ids.append(ident)
        kind = table.choice("kind", PLACE_KINDS)
        lat = table.number("lat", -90, 90, "degrees")
        lon = table.number("lon", -180, 180, "degrees")
        radius = table.number("radius_m", RADIUS_MIN_M, RADIUS_MAX_M, "m")
        begin, end = table.moment("from"), table.moment("to")
        shared = table.texts("shared_with")
        for contact in shared:
            _known_contact(table, "shared_with", contact, contacts)
        if begin is not None and end is not None:
            last = _utc(end, zone) + (86_400_000_000 - 1 if end.precision == "day" else 0)
            if last < _utc(begin, zone):
                table.fault("to", "lies before from")
        label = table.text("label") or ""
        found.append(
            Place(ident or "", kind or "other", lat or 0.0, lon or 0.0, radius or 1.0, begin, end, shared, label)
        )
    _unique(tables, "id", ids)
    return found


def _sources(check: _Check, data: Mapping[str, Any], contacts: set[str]) -> list[SourceOptions]:
    found: list[SourceOptions] = []
    for table in _tables(
        check, data, "source",
        ("match", "timezone", "date_order", "owner", "subject", "format", "encoding", "delimiter", "layout", "columns"),
    ):  # fmt: skip
        match = table.text("match", required=True)
        zone = _zone(table, "timezone", required=False, offsets=True)
        order = table.choice("date_order", DATE_ORDERS, "") or None
        owner = table.text("owner")
        subject = table.text("subject")
        if subject is not None and subject != "owner":
            _known_contact(table, "subject", subject, contacts)
        if owner is not None and not owner.strip():
            table.fault("owner", "must not be empty")
        encoding, delimiter = table.text("encoding"), table.text("delimiter")
        if encoding is not None:
            try:
                codecs.lookup(encoding)
            except LookupError:
                table.fault("encoding", "is no encoding that is known, such as utf-8, utf-16 or windows-1251")
        if delimiter is not None and (len(delimiter) != 1 or delimiter in '"\r\n'):
            table.fault("delimiter", 'must be one character, such as ";" or "\\t"')
        columns = table.table("columns")
        found.append(
            SourceOptions(
                match or "",
                zone,
                order,
                owner,
                subject,
                table.text("format"),
                encoding,
                delimiter,
                table.text("layout"),
                tuple(columns.items()),
            )
        )
    return found


def _notices(check: _Check, data: Mapping[str, Any], contacts: set[str]) -> list[Notice]:
    found: list[Notice] = []
    for table in _tables(check, data, "notice", ("contact", "at", "kind", "basis")):
        contact = table.text("contact", required=True)
        _known_contact(table, "contact", contact, contacts)
        at = table.moment("at", required=True)
        if at is not None and not PLAUSIBLE_FROM_US <= at.local_us < PLAUSIBLE_TO_US:
            table.fault("at", "must lie between 1990 and 2034")
        kind = table.choice("kind", NOTICE_KINDS)
        basis = table.text("basis") or ""
        if at is not None:
            found.append(Notice(contact or "", at, kind or "", basis))
    return found


def _refused(check: _Check, data: Mapping[str, Any]) -> list[NoticeRefused]:
    tables = _tables(check, data, "notice_refused", ("record", "reason"))
    found: list[NoticeRefused] = []
    ids: list[str | None] = []
    for table in tables:
        record = table.text("record", required=True)
        if record is not None and not _RECORD.fullmatch(record):
            table.fault("record", "must be the id of one event, or of one entry of a list, as in 3f9a12bc04d1#12")
        ids.append(record)
        found.append(NoticeRefused(record or "", table.text("reason", required=True) or ""))
    _unique(tables, "record", ids)
    return found


def _trackers(check: _Check, data: Mapping[str, Any], contacts: set[str]) -> list[Tracker]:
    tables = _tables(check, data, "tracker", ("id", "contact", "basis"))
    found: list[Tracker] = []
    ids: list[str | None] = []
    for table in tables:
        ident = table.text("id", required=True, ident=True)
        ids.append(ident)
        contact = table.text("contact", required=True)
        _known_contact(table, "contact", contact, contacts)
        found.append(Tracker(ident or "", contact or "", table.text("basis") or ""))
    _unique(tables, "id", ids)
    return found


def _same_person(check: _Check, data: Mapping[str, Any], contacts: set[str], region: str | None) -> list[SamePerson]:
    """Read what was decided about suggested identifiers; it must agree with itself and with what is declared."""
    declared = dict(check.claims)
    found: list[SamePerson] = []
    decided: dict[tuple[str, str], tuple[int, bool]] = {}
    for table in _tables(check, data, "same_person", ("contact", "identifier", "accepted", "reason")):
        contact = table.text("contact", required=True)
        _known_contact(table, "contact", contact, contacts)
        written = table.text("identifier", required=True)
        accepted = table.flag("accepted")
        reason = table.text("reason", required=True)
        if contact not in contacts or contact is None or written is None or accepted is None:
            continue
        try:
            identifier = claimed(written, region)
        except ValueError:
            table.fault(
                "identifier", f"{shown(written)!r} stands for nobody; withheld and unknown callers have no person"
            )
            continue
        earlier = decided.setdefault((contact, identifier), (table.index, accepted))
        if earlier[0] != table.index:
            how = "decided twice" if earlier[1] == accepted else "accepted and refused at once"
            table.fault(
                "identifier", f"{shown(written)!r} is {how} for {shown(contact)}: see same_person[{earlier[0] + 1}]"
            )
            continue
        who = f"contact {shown(contact)}"
        # a bare name that the contact declares stands for the name in every app
        _, in_app, name = identifier.partition(":name:")
        if who in (declared.get(identifier), declared.get(f"name:{name}") if in_app else None):
            word = "needs no acceptance" if accepted else "cannot be refused"
            table.fault("identifier", f"{shown(written)!r} is declared as an identifier of {shown(contact)}: it {word}")
            continue
        if accepted:
            _claim(check, table, "identifier", written, who, region)
        found.append(SamePerson(contact, written, accepted, reason or ""))
    return found


_TABLES = ("case", "owner", "place", "source", "contact", "notice", "notice_refused", "tracker", "same_person")


def parse(text: str, file: str = "case.toml") -> CaseFile:
    """Read the text of a case file.

    Parameters
    ----------
    text : str
        The TOML text.
    file : str
        Name of the file, for the faults.

    Raises
    ------
    CaseFileError
        Every fault of the file, sorted by line.
    """
    for number, written in enumerate(text.splitlines(), 1):
        if _DOTTED.match(written):  # the parser would take quadratic time and memory over it
            raise CaseFileError([Fault(file, number, "TOML", "the key has too many parts")])
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        match = re.search(r"^(.*?)(?: \(at (?:line (\d+), column \d+|end of document)\))?$", str(error), re.DOTALL)
        line = int(match[2]) if match and match[2] else max(1, text.count("\n"))
        reason = match[1] if match else str(error)
        raise CaseFileError([Fault(file, line, "TOML", f"the file is not valid TOML: {shown(reason)}")]) from None
    except RecursionError:
        raise CaseFileError([Fault(file, 1, "TOML", "the file is nested too deeply")]) from None
    except ValueError:  # a whole number with more digits than Python reads
        raise CaseFileError([Fault(file, 1, "TOML", "a number in it is too long")]) from None
    check = _Check(file, text)
    for name in data:
        if name not in _TABLES:
            close = difflib.get_close_matches(name, _TABLES, n=1)
            hint = f" (did you mean {close[0]}?)" if close else ""
            sentence = f"unknown table or key{hint}; known are {', '.join(_TABLES)}"
            check.faults.append(Fault(file, check.lines.find(name, 0), shown(name), sentence))

    case = _single(check, data, "case", ("id", "timezone", "basis", "basis_note", "region"))
    ident = case.text("id", required=True, ident=True)
    zone = _zone(case, "timezone", required=True, offsets=False)
    basis = case.choice("basis", BASES, "") or None
    note = case.text("basis_note") or ""
    region = case.text("region")
    if region is not None and region not in zones.countries():
        case.fault("region", f"{shown(region)!r} is no country in two capital letters, as in KZ")
        region = None
    if region is None and zone is not None:
        region = zones.country(zone)

    owner = _single(check, data, "owner", ("name", "identifiers"))
    owner_name = owner.text("name") or ""
    owner_identifiers = owner.texts("identifiers")
    for key, written in [("name", owner_name)] * bool(owner_name.strip()) + [
        ("identifiers", w) for w in owner_identifiers
    ]:
        _claim(check, owner, key, written, "the owner", region)
    if not owner_name.strip() and not owner_identifiers:
        check.warnings.append("[owner] has neither name nor identifiers: files that only hold names will wait")

    contacts = _contacts(check, data, region)
    known = {c.id for c in contacts if c.id}
    found = CaseFile(
        id=ident or "", timezone=zone or "", basis=basis, basis_note=note, region=region, owner_name=owner_name,
        owner_identifiers=owner_identifiers, places=tuple(_places(check, data, known, zone)),
        sources=tuple(_sources(check, data, known)), contacts=tuple(contacts),
        notices=tuple(_notices(check, data, known)), notices_refused=tuple(_refused(check, data)),
        trackers=tuple(_trackers(check, data, known)), same_person=tuple(_same_person(check, data, known, region)),
        warnings=tuple(check.warnings),
    )  # fmt: skip
    if check.faults:
        raise CaseFileError(sorted(check.faults, key=lambda f: (f.line, f.key, f.sentence)))
    return found


def load(path: str | Path) -> CaseFile:
    """Read ``case.toml``.

    Parameters
    ----------
    path : str or path
        The file, or the folder of the case.

    Returns
    -------
    CaseFile
        The plain values. A missing ``basis`` is allowed here; ingest refuses it.

    Raises
    ------
    UserError
        The file is missing or cannot be read.
    CaseFileError
        It has faults: all of them, each with line and key.
    """
    file = Path(path)
    if file.is_dir():
        file = file / "case.toml"
    try:
        with file.open("rb") as stream:
            raw = stream.read(MAX_BYTES + 1)
    except FileNotFoundError:
        raise UserError(
            f"there is no {shown(file.name)} in {shown(str(file.parent))}: make one with qorgan init"
        ) from None
    except OSError as error:
        raise UserError(f"{shown(file.name)} cannot be read: {error.strerror}") from None
    if len(raw) > MAX_BYTES:
        raise UserError(f"{shown(file.name)} is larger than {MAX_BYTES // 1_000_000} MB: that is no case file")
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise CaseFileError([Fault(file.name, line, "TOML", "the file is not UTF-8: save it as UTF-8")]) from None
    return parse(text, file.name)


def quoted(text: str) -> str:
    """Return a text as a TOML basic string, with its quotation marks."""
    special = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"}
    out = []
    for c in text:
        if c in special:
            out.append(special[c])
        elif ord(c) < 32 or ord(c) == 127:
            out.append(f"\\u{ord(c):04x}")
        else:
            out.append(c)
    return '"' + "".join(out) + '"'


def template(case_id: str, timezone: str) -> str:
    """Return a ``case.toml`` to fill in, for ``qorgan init``.

    Parameters
    ----------
    case_id : str
        Id of the case.
    timezone : str
        IANA zone in which the owner lives.

    Raises
    ------
    UserError
        The zone is not known, or the id cannot be one.
    """
    if timezone not in zones.zone_names():
        close = difflib.get_close_matches(timezone, zones.zone_names(), n=1)
        hint = f"; did you mean {close[0]}?" if close else ""
        raise UserError(f"{shown(timezone)!r} is no time zone that tzdata knows{hint}")
    text = _TEMPLATE.replace("@ID@", quoted(case_id)).replace("@ZONE@", quoted(timezone))
    text = text.replace("@ROLES@", ", ".join(ROLES)).replace("@PLACES@", ", ".join(PLACE_KINDS))
    text = text.replace("@NOTICES@", ", ".join(NOTICE_KINDS))
    parse(text)
    return text


_TEMPLATE = """\
# What people know about this case. Fill in what you know; take the # away from a table to use it.
# Correct it at any time: everything is worked out again from the exports and this file.

[case]
id = @ID@
timezone = @ZONE@        # where the owner lives
# region = "KZ"                  # country in which numbers without country code are read; default: that of the zone
# basis = "consent"              # or "order": the legal basis; nothing is ingested without it
# basis_note = "statement of 2025-10-02"

[owner]
name = ""                        # how the owner appears in chats where exports use names
identifiers = []                 # all numbers, accounts and names of the owner: ["+77010000001", "telegram:user111"]

# A place of the owner's life: a circle. kind: @PLACES@
# [[place]]
# id = "home"
# kind = "home"
# lat = 43.2389
# lon = 76.8897
# radius_m = 150
# from = 2024-01-01              # optional, as is to: the last day there
# shared_with = ["K2"]           # contacts who have a reason of their own to be there

# Options for exports that cannot tell by themselves; ingest says when one is needed.
# [[source]]
# match = "WhatsApp*.txt"        # a name pattern, container!name, or a source id
# timezone = "Asia/Aqtobe"       # of the phone that wrote it, or a fixed offset such as "+06:00"; default: the case's
# date_order = "dmy"             # or mdy, ymd
# owner = "Aigerim"              # how the owner appears in this file
# subject = "owner"              # or a contact id: whose track a file without names is

# Somebody on the other side. role: @ROLES@
# [[contact]]
# id = "K1"
# label = "former colleague"
# role = "former_colleague"
# identifiers = ["+77770000002", "telegram:user222"]   # numbers, accounts, addresses, names in chats

# From when contact was known to be unwanted. kind: @NOTICES@
# [[notice]]
# contact = "K1"
# at = 2025-10-02T18:30:00       # a date alone is allowed
# kind = "told_to_stop"
# basis = "message of the owner"

# A notice that a block or a journal row would make, and that is not to count; or an entry of a list that qorgan notices is not to offer again.
# [[notice_refused]]
# record = "3f9a12bc04d1#12"
# reason = "blocked by mistake, unblocked at once"

# An unknown tag or device that was traced to somebody.
# [[tracker]]
# id = "AA:BB:CC:DD:EE:FF"
# contact = "K1"
# basis = "pairing record of the maker"

# A suggestion of qorgan contacts, decided: an identifier that is a contact's too, or is not (accepted = false).
# [[same_person]]
# contact = "K1"
# identifier = "+77010000055"
# accepted = true
# reason = "the writer names himself in the first message"
"""
