"""Statute profiles: one law as data, read strictly. All faults of a file are told at once, each with file, line and key."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from itertools import pairwise
from typing import Any

from detector.indicators import all_indicators
from detector.parameters import ORIGINS, PARAMETERS, Parameter

NEEDS = ("required", "informative", "not_measurable")
STATUSES = ("in_force", "bill", "repealed")
MARKS = ("S", "S2", "K", "G", "P")
_COMPARE = re.compile(r"^(>=|>|<=|<)\s*(-?\d+)$")


class ProfileError(ValueError):
    """A profile is refused; ``faults`` holds one sentence for each fault, with file, line and key."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__("; ".join(faults))
        self.faults = faults


@dataclass(frozen=True, slots=True)
class Line:
    """One indicator in an element, or against: its threshold and its points."""

    indicator: str
    comparison: str  # "", ">=", ">", "<=", "<"
    number: int
    origin: str
    source: str
    levels: tuple[tuple[int, int], ...]  # (at least, points), ascending

    @property
    def threshold(self) -> str:
        """The threshold as it is written, empty without one."""
        return f"{self.comparison} {self.number}" if self.comparison else ""


@dataclass(frozen=True, slots=True)
class Element:
    """What a statute asks for."""

    id: str
    need: str  # required, alternative:<group>, informative, not_measurable
    title: str
    text: str
    mark: str
    source: str
    needs: str  # what would fill it, for not_measurable ones
    short: str  # what is said when it is not met or unknown
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class Profile:
    """One statute."""

    id: str
    version: str
    country: str
    status: str
    title: dict[str, str]
    provision: str
    valid_from: date
    timezone: str
    text: dict[str, str]
    text_mark: str
    text_source: str
    sources: tuple[str, ...]
    notes: tuple[str, ...]
    elements: tuple[Element, ...]
    against: tuple[Line, ...]
    parameters: dict[str, Parameter] = field(default_factory=dict)

    def numbers(self) -> dict[str, Any]:
        """Return the value of every parameter by name."""
        return {k: p.value for k, p in self.parameters.items()}

    @property
    def points_max(self) -> int:
        """Largest number of points that a contact can reach."""
        lines = [line for e in self.elements for line in e.lines] + list(self.against)
        return sum(max([0, *(p for _, p in line.levels)]) for line in lines)


def line_of(text: str, path: tuple[str | int, ...]) -> int:
    """Return the line (from 1) on which a key of a TOML text stands, as well as plain reading can tell.

    ``path`` is made of table names, numbers of arrays of tables (from 0) and the key.
    """
    tables = [str(p) for p in path if isinstance(p, str)]
    counts = {
        ".".join(str(q) for q in path[:i] if isinstance(q, str)): p for i, p in enumerate(path) if isinstance(p, int)
    }
    seen: dict[str, int] = {}
    current, best = "", 1
    inside = len(tables) == 1
    for number, raw in enumerate(text.splitlines(), 1):
        line = raw.strip()
        header = re.match(r"^\[\[?\s*([\w.\-\" ]+?)\s*\]\]?", line)
        if header:
            current = header.group(1).replace(" ", "").replace('"', "")
            if line.startswith("[["):
                seen[current] = seen.get(current, -1) + 1
                for deeper in [k for k in seen if k.startswith(current + ".")]:
                    del seen[deeper]
            wanted = ".".join(tables)
            at_table = all(seen.get(name, 0) == n for name, n in counts.items())
            inside = at_table and (wanted == current or wanted.startswith(current + "."))
            if inside:
                best = number
            if wanted == current and at_table:
                return number
        elif inside:
            rest = tables[len(current.split(".")) :] if current else tables
            key = re.match(r"^([\w\-]+|\"[^\"]+\")\s*[=.]", line)
            if rest and key and key.group(1).strip('"') == rest[0]:
                return number
    return best


class _Reader:
    """Takes values out of a parsed table and gathers faults."""

    def __init__(self, text: str, name: str) -> None:
        self.text, self.name, self.faults = text, name, list[str]()

    def fault(self, path: tuple[str | int, ...], sentence: str) -> None:
        key = ".".join(str(p) for p in path)
        self.faults.append(f"{self.name}, line {line_of(self.text, path)}, {key}: {sentence}")

    def keys(self, table: dict[str, Any], known: tuple[str, ...], path: tuple[str | int, ...]) -> None:
        for key in table:
            if key not in known:
                self.fault((*path, key), f"unknown key; the known ones are {', '.join(known)}")

    def text_of(self, table: dict[str, Any], key: str, path: tuple[str | int, ...], *, needed: bool = True,
                among: tuple[str, ...] = ()) -> str:  # fmt: skip
        value = table.get(key)
        if value is None:
            if needed:
                self.fault(path, f"{key} is missing")
            return ""
        if not isinstance(value, str):
            self.fault((*path, key), "must be a text")
            return ""
        if among and value not in among:
            self.fault((*path, key), f"{value!r} is not one of {', '.join(among)}")
        return value

    def texts(self, table: dict[str, Any], key: str, path: tuple[str | int, ...]) -> tuple[str, ...]:
        value = table.get(key, [])
        if not isinstance(value, list) or not all(isinstance(v, str) for v in value):
            self.fault((*path, key), "must be a list of texts")
            return ()
        return tuple(value)

    def table(
        self, table: dict[str, Any], key: str, path: tuple[str | int, ...], *, needed: bool = True
    ) -> dict[str, Any]:
        value = table.get(key)
        if value is None and not needed:
            return {}
        if not isinstance(value, dict):
            self.fault((*path, key), "a table is missing" if value is None else "must be a table")
            return {}
        return value

    def tables(
        self, table: dict[str, Any], key: str, path: tuple[str | int, ...]
    ) -> Iterator[tuple[int, dict[str, Any]]]:
        value = table.get(key, [])
        if not isinstance(value, list) or not all(isinstance(v, dict) for v in value):
            self.fault((*path, key), "must be an array of tables")
            return
        yield from enumerate(value)


_LINE_KEYS = ("id", "threshold", "origin", "source", "levels")
_ELEMENT_KEYS = ("id", "need", "title", "text", "mark", "source", "needs", "short", "indicator")
_STATUTE_KEYS = (
    "id",
    "version",
    "country",
    "status",
    "title",
    "provision",
    "valid_from",
    "timezone",
    "text",
    "sources",
    "notes",
)


def _line(
    r: _Reader, raw: dict[str, Any], path: tuple[str | int, ...], known: dict[str, Any], *, against: bool
) -> Line:
    r.keys(raw, _LINE_KEYS, path)
    name = r.text_of(raw, "id", path)
    if name and name not in known:
        r.fault((*path, "id"), f"no indicator {name!r}; the known ones are {', '.join(known)}")
    origin = r.text_of(raw, "origin", path, among=ORIGINS)
    source = r.text_of(raw, "source", path)
    comparison, number = "", 0
    written = r.text_of(raw, "threshold", path, needed=False)
    if written:
        match = _COMPARE.match(written)
        if match:
            comparison, number = match.group(1), int(match.group(2))
        else:
            r.fault((*path, "threshold"), f"{written!r} is no comparison with a whole number, such as '>= 3'")
    levels: list[tuple[int, int]] = []
    listed = raw.get("levels", [])
    if not isinstance(listed, list):
        r.fault((*path, "levels"), "must be a list of pairs of whole numbers, [at least, points]")
        listed = []
    for level in listed:
        if not (isinstance(level, list) and len(level) == 2 and all(type(v) is int for v in level)):
            r.fault((*path, "levels"), "each level is a pair of whole numbers, [at least, points]")
            continue
        levels.append((level[0], level[1]))
    rising = all(a[0] < b[0] for a, b in pairwise(levels))
    # more hostile acts never lower the points, more reciprocity never raises them
    order = all((a[1] >= b[1]) if against else (a[1] <= b[1]) for a, b in pairwise(levels))
    sign = all((p <= 0) if against else (p >= 0) for _, p in levels)
    if not (rising and order and sign):
        r.fault(
            (*path, "levels"), "levels must rise, and points must " + ("fall below 0" if against else "rise above 0")
        )
    if against and comparison:
        r.fault((*path, "threshold"), "what speaks against has points, no threshold")
    return Line(name, comparison, number, origin, source, tuple(levels))


def _element(r: _Reader, i: int, raw: dict[str, Any], known: dict[str, Any]) -> Element:
    path: tuple[str | int, ...] = ("element", i)
    r.keys(raw, _ELEMENT_KEYS, path)
    need = r.text_of(raw, "need", path)
    if need and need not in NEEDS and not re.match(r"^alternative:[a-z_]+$", need):
        r.fault((*path, "need"), f"{need!r} is not one of {', '.join(NEEDS)}, alternative:<group>")
    lines = tuple(
        _line(r, x, (*path, "indicator", k), known, against=False) for k, x in r.tables(raw, "indicator", path)
    )
    if need == "not_measurable":
        r.text_of(raw, "needs", path)
        if lines:
            r.fault((*path, "indicator"), "a not measurable element rests on no indicator")
    elif not any(line.comparison for line in lines) and need != "informative":
        r.fault((*path, "indicator"), "a measurable element needs at least one threshold")
    return Element(
        r.text_of(raw, "id", path), need, r.text_of(raw, "title", path), r.text_of(raw, "text", path, needed=False),
        r.text_of(raw, "mark", path, among=MARKS), r.text_of(raw, "source", path),
        r.text_of(raw, "needs", path, needed=False), r.text_of(raw, "short", path, needed=False), lines,
    )  # fmt: skip


def _parameters(r: _Reader, raw: dict[str, Any]) -> dict[str, Parameter]:
    out = dict(PARAMETERS)
    for key, value in raw.items():
        path = ("parameters", key)
        if key not in PARAMETERS:
            r.fault(path, f"unknown key; the known ones are {', '.join(PARAMETERS)}")
            continue
        if not isinstance(value, dict):
            r.fault(path, "must be a table with value, origin and source")
            continue
        r.keys(value, ("value", "origin", "source"), path)
        number = value.get("value")
        if isinstance(PARAMETERS[key].value, tuple):
            good = isinstance(number, list) and len(number) == 2 and all(type(v) is int and v > 0 for v in number)
            number = tuple(number) if good and isinstance(number, list) else number
        else:
            good = type(number) is int and number >= 0
        if not good or number is None:
            r.fault((*path, "value"), "must be a pair of whole numbers" if isinstance(PARAMETERS[key].value, tuple) else
                    "must be a whole number")  # fmt: skip
            continue
        known = PARAMETERS[key]
        out[key] = replace(
            known, value=number, origin=r.text_of(value, "origin", path, among=ORIGINS),
            source=r.text_of(value, "source", path), tries=tuple(v for v in known.tries if v != number),
        )  # fmt: skip
    return out


def load_profile(data: bytes, name: str) -> Profile:
    """Read a profile.

    Parameters
    ----------
    data : bytes
        The TOML file.
    name : str
        Its name, for the faults.

    Raises
    ------
    ProfileError
        All faults at once.
    """
    try:
        text = data.decode("utf-8")
        raw = tomllib.loads(text)
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ProfileError([f"{name}: is no TOML: {error}"]) from None
    except RecursionError:
        raise ProfileError([f"{name}: is nested too deeply"]) from None
    r = _Reader(text, name)
    known = all_indicators()
    r.keys(raw, ("statute", "parameters", "element", "against"), ())
    s = r.table(raw, "statute", ())
    path = ("statute",)
    r.keys(s, _STATUTE_KEYS, path)
    wording = r.table(s, "text", path)
    title = r.table(s, "title", path)
    for lang in ("en", "ru", "kk"):
        r.text_of(title, lang, ("statute", "title"))
    for lang in wording:
        if lang not in ("mark", "source"):
            r.text_of(wording, lang, ("statute", "text"))
    valid_from = s.get("valid_from")
    if not isinstance(valid_from, date) or isinstance(valid_from, datetime):
        r.fault(("statute", "valid_from"), "must be a date")
        valid_from = date.min
    elements = tuple(_element(r, i, e, known) for i, e in r.tables(raw, "element", ()))
    against = tuple(_line(r, a, ("against", i), known, against=True) for i, a in r.tables(raw, "against", ()))
    ids = [e.id for e in elements]
    for i, e in enumerate(ids):
        if e in ids[:i]:
            r.fault(("element", i, "id"), f"{e!r} stands there twice")
    scored = [line.indicator for e in elements for line in e.lines if line.levels] + [
        line.indicator for line in against
    ]
    for twice in sorted({x for x in scored if scored.count(x) > 1}):
        r.faults.append(f"{name}: indicator {twice!r} has points twice, so the points could not be added up")
    if not elements:
        r.faults.append(f"{name}: no [[element]]")
    profile = Profile(
        id=r.text_of(s, "id", path), version=r.text_of(s, "version", path), country=r.text_of(s, "country", path),
        status=r.text_of(s, "status", path, among=STATUSES), title={k: str(v) for k, v in title.items()},
        provision=r.text_of(s, "provision", path), valid_from=valid_from, timezone=r.text_of(s, "timezone", path),
        text={k: str(v) for k, v in wording.items() if k not in ("mark", "source")},
        text_mark=r.text_of(wording, "mark", ("statute", "text"), among=MARKS),
        text_source=r.text_of(wording, "source", ("statute", "text")), sources=r.texts(s, "sources", path),
        notes=r.texts(s, "notes", path), elements=elements, against=against,
        parameters=_parameters(r, r.table(raw, "parameters", (), needed=False)),
    )  # fmt: skip
    if r.faults:
        raise ProfileError(r.faults)
    return profile
