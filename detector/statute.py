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
_COMPARE = re.compile(r"(>=|>|<=|<) ?(-?[0-9]{1,10})")
#: a key of more than sixteen parts
_DOTTED = re.compile(r"^[ \t]*\[*[ \t]*(?:[\w-]+[ \t]*\.[ \t]*){16}", re.MULTILINE)
_DIGITS = re.compile(r"[0-9](?:_?[0-9]){999}")
_ID = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
#: a number of the rules, a threshold or a point is at most this far from nought: thirty years of seconds [P]
MOST_NUMBER = 1_000_000_000
#: faults of one file that are told [P]; each one is looked up in the text
MOST_FAULTS = 100
#: a file of this many bytes is written by nobody [P]
MOST_BYTES = 250_000


class TomlFaults(ValueError):
    """A file of data is refused; ``faults`` holds one sentence for each fault, with file, line and key."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__("; ".join(faults))
        self.faults = faults


class ProfileError(TomlFaults):
    """A profile is refused."""


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

    @property
    def best(self) -> int:
        """Most points that the line can give."""
        return max([0, *(points for _, points in self.levels)])


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

    @property
    def decides(self) -> bool:
        """Whether the verdict rests on it: it is required, or a member of an alternative."""
        return self.need == "required" or self.need.startswith("alternative:")


@dataclass(frozen=True, slots=True)
class Version:
    """One wording of a statute and the time for which it is the law."""

    id: str
    valid_from: date  # midnight in the statute's own zone; of a bill: the day of its text
    valid_to: date | None  # the first day on which it is the law no more, None while it is
    changed: str  # what it changed
    mark: str
    source: str
    gap: str  # why no version was the law just before it


@dataclass(frozen=True, slots=True)
class Profile:
    """One statute in one of its versions.

    Attributes
    ----------
    edition : Version
        Its version.
    earlier : tuple of Profile
        The versions before it, oldest first, each whole.
    """

    id: str
    edition: Version
    country: str
    status: str
    title: dict[str, str]
    provision: str
    timezone: str
    text: dict[str, str]
    text_mark: str
    text_source: str
    sources: tuple[str, ...]
    notes: tuple[str, ...]
    elements: tuple[Element, ...]
    against: tuple[Line, ...]
    parameters: dict[str, Parameter] = field(default_factory=dict)
    earlier: tuple[Profile, ...] = ()

    @property
    def version(self) -> str:
        """Id of the version."""
        return self.edition.id

    @property
    def valid_from(self) -> date:
        """Commencement of the version."""
        return self.edition.valid_from

    @property
    def valid_to(self) -> date | None:
        """First day on which the version is the law no more, None while it is."""
        return self.edition.valid_to

    @property
    def deciding(self) -> frozenset[str]:
        """Indicators that the verdict rests on: those with a threshold in a required element or an alternative."""
        return frozenset(x.indicator for e in self.elements if e.decides for x in e.lines if x.comparison)

    def numbers(self) -> dict[str, Any]:
        """Return the value of every parameter by name."""
        return {k: p.value for k, p in self.parameters.items()}

    @property
    def points_max(self) -> int:
        """Largest number of points that a contact can reach."""
        return sum(line.best for e in self.elements for line in e.lines)


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
        if not line:
            continue
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


def read_toml(data: bytes, name: str) -> tuple[str, dict[str, Any]]:
    """Return the text of a TOML file and what it holds.

    Raises
    ------
    ValueError
        It is none, in one sentence with the file and, where it can be told, the line.
    """
    if len(data) > MOST_BYTES:
        raise ValueError(f"{name}: is larger than {MOST_BYTES // 1000} kB")
    try:
        text = data.decode("utf-8")
        if deep := _DOTTED.search(text):  # the parser would take quadratic time over it
            raise ValueError(f"{name}, line {text.count(chr(10), 0, deep.start()) + 1}: the key has too many parts")
        if long := _DIGITS.search(text):  # more digits than Python reads
            raise ValueError(f"{name}, line {text.count(chr(10), 0, long.start()) + 1}: a number is too long")
        return text, tomllib.loads(text)
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ValueError(f"{name}: is no TOML: {error}") from None
    except RecursionError:
        raise ValueError(f"{name}: is nested too deeply") from None


class TomlReader:
    """Takes values out of a parsed table and gathers faults."""

    def __init__(self, text: str, name: str) -> None:
        self.text, self.name, self.faults = text, name, list[str]()

    def fault(self, path: tuple[str | int, ...], sentence: str) -> None:
        if len(self.faults) > MOST_FAULTS:
            return
        if len(self.faults) == MOST_FAULTS:
            self.faults.append(f"{self.name}: and more faults, which are not told")
            return
        key = "".join(c if c.isprintable() else f"\\u{ord(c):04x}" for c in ".".join(str(p) for p in path))
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

    def day(self, table: dict[str, Any], key: str, path: tuple[str | int, ...], *, needed: bool = True) -> date | None:
        value = table.get(key)
        if value is None and not needed:
            return None
        if not isinstance(value, date) or isinstance(value, datetime):
            self.fault((*path, key), "must be a date")
            return None
        return value

    def versions(self, table: dict[str, Any], path: tuple[str | int, ...], known: tuple[str, ...]) -> frozenset[str]:
        """Return the versions that a table goes with: all, unless it names some."""
        if "versions" not in table:
            return frozenset(known)
        named = self.texts(table, "versions", path)
        for name in named:
            if name not in known:
                self.fault((*path, "versions"), f"no version {name!r}; the known ones are {', '.join(known) or 'none'}")
        if table["versions"] == []:
            self.fault((*path, "versions"), "names no version; leave the key out if it goes with all of them")
        return frozenset(named)

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
_AGAINST_KEYS = (*_LINE_KEYS, "versions")
_ELEMENT_KEYS = ("id", "need", "title", "text", "mark", "source", "needs", "short", "versions", "indicator")
_STATUTE_KEYS = ("id", "country", "status", "title", "provision", "timezone", "text", "sources", "notes")
_VERSION_KEYS = ("id", "valid_from", "valid_to", "changed", "mark", "source", "gap", "provision", "text")
_NUMBER_KEYS = ("value", "origin", "source", "versions")


def _line(
    r: TomlReader, raw: dict[str, Any], path: tuple[str | int, ...], known: dict[str, Any], *, against: bool
) -> Line:
    r.keys(raw, _AGAINST_KEYS if against else _LINE_KEYS, path)
    name = r.text_of(raw, "id", path)
    if name and name not in known:
        r.fault((*path, "id"), f"no indicator {name!r}; the known ones are {', '.join(known)}")
    origin = r.text_of(raw, "origin", path, among=ORIGINS)
    source = r.text_of(raw, "source", path)
    comparison, number = "", 0
    written = r.text_of(raw, "threshold", path, needed=False)
    if written:
        match = _COMPARE.fullmatch(written)
        if match and abs(int(match.group(2))) <= MOST_NUMBER:
            comparison, number = match.group(1), int(match.group(2))
        else:
            r.fault((*path, "threshold"), f"{written[:80]!r} is no comparison with a whole number, such as '>= 3'")
    levels: list[tuple[int, int]] = []
    listed = raw.get("levels", [])
    if not isinstance(listed, list):
        r.fault((*path, "levels"), "must be a list of pairs of whole numbers, [at least, points]")
        listed = []
    for level in listed:
        if not (
            isinstance(level, list) and len(level) == 2 and all(type(v) is int and abs(v) <= MOST_NUMBER for v in level)
        ):
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


def _element(r: TomlReader, i: int, raw: dict[str, Any], known: dict[str, Any]) -> Element:
    path: tuple[str | int, ...] = ("element", i)
    r.keys(raw, _ELEMENT_KEYS, path)
    need = r.text_of(raw, "need", path)
    if need and need not in NEEDS and not re.fullmatch(r"alternative:[a-z_]+", need):
        r.fault((*path, "need"), f"{need!r} is not one of {', '.join(NEEDS)}, alternative:<group>")
    lines = tuple(
        _line(r, x, (*path, "indicator", k), known, against=False) for k, x in r.tables(raw, "indicator", path)
    )
    if need == "not_measurable":
        r.text_of(raw, "needs", path)
        if lines:
            r.fault((*path, "indicator"), "a not measurable element rests on no indicator")
    elif not any(line.comparison for line in lines):
        r.fault((*path, "indicator"), "a measurable element needs at least one threshold")
    return Element(
        r.text_of(raw, "id", path), need, r.text_of(raw, "title", path), r.text_of(raw, "text", path, needed=False),
        r.text_of(raw, "mark", path, among=MARKS), r.text_of(raw, "source", path),
        r.text_of(raw, "needs", path, needed=False), r.text_of(raw, "short", path, needed=False), lines,
    )  # fmt: skip


def _parameters(
    r: TomlReader, raw: dict[str, Any], known: tuple[str, ...]
) -> list[tuple[str, Parameter, frozenset[str]]]:
    """Return the numbers that the profile sets, each with the versions that it goes with."""
    out = []
    for key, value in raw.items():
        path = ("parameters", key)
        if key not in PARAMETERS:
            r.fault(path, f"unknown key; the known ones are {', '.join(PARAMETERS)}")
            continue
        if not isinstance(value, dict):
            r.fault(path, "must be a table with value, origin and source")
            continue
        r.keys(value, _NUMBER_KEYS, path)
        number = value.get("value")
        pair = isinstance(PARAMETERS[key].value, tuple)
        if pair:
            good = (
                isinstance(number, list)
                and len(number) == 2
                and all(type(v) is int and 0 < v <= MOST_NUMBER for v in number)
            )
            number = tuple(number) if good and isinstance(number, list) else number
        else:
            good = type(number) is int and 0 <= number <= MOST_NUMBER
        if not good or number is None:
            r.fault((*path, "value"), "must be a pair of whole numbers" if pair else "must be a whole number")
            continue
        was = PARAMETERS[key]
        own = replace(
            was, value=number, origin=r.text_of(value, "origin", path, among=ORIGINS),
            source=r.text_of(value, "source", path), tries=tuple(v for v in was.tries if v != number),
        )  # fmt: skip
        out.append((key, own, r.versions(value, path, known)))
    return out


def _version(r: TomlReader, i: int, raw: dict[str, Any]) -> Version:
    path = ("version", i)
    r.keys(raw, _VERSION_KEYS, path)
    begin = r.day(raw, "valid_from", path)
    return Version(
        r.text_of(raw, "id", path), date.min if begin is None else begin, r.day(raw, "valid_to", path, needed=False),
        r.text_of(raw, "changed", path), r.text_of(raw, "mark", path, among=MARKS), r.text_of(raw, "source", path),
        r.text_of(raw, "gap", path, needed=False),
    )  # fmt: skip


def _in_order(r: TomlReader, versions: list[Version], status: str) -> tuple[Version, ...]:
    """Hold the versions against each other and return them, each with the day on which the next one takes over.

    A version without ``valid_to`` ends with the next one. Versions that overlap are refused, and so is a time without law between two of
    them, unless the later one says why.
    """
    out: list[Version] = []
    for i, v in enumerate(versions):
        if v.id in [x.id for x in versions[:i]]:
            r.fault(("version", i, "id"), f"version {v.id!r} stands there twice")
        if v.valid_to is not None and v.valid_to <= v.valid_from:
            r.fault(("version", i, "valid_to"), f"version {v.id!r} would end before it begins")
        if i + 1 == len(versions):
            out.append(v)
            continue
        later = versions[i + 1]
        end = later.valid_from if v.valid_to is None else v.valid_to
        if later.valid_from <= v.valid_from:
            r.fault(
                ("version", i + 1, "valid_from"),
                f"version {later.id!r} must begin after version {v.id!r}, oldest first",
            )
        elif end > later.valid_from:
            r.fault(
                ("version", i, "valid_to"),
                f"version {v.id!r} would still be the law when version {later.id!r} is: they overlap",
            )
        elif end < later.valid_from and not later.gap:
            r.fault(
                ("version", i, "valid_to"),
                f"no version is the law from {end} to {later.valid_from}; if that is so, version {later.id!r} says why under gap",
            )
        out.append(replace(v, valid_to=end))
    if not versions:
        r.faults.append(f"{r.name}: no [[version]]")
    elif (versions[-1].valid_to is not None) != (status == "repealed") and status in STATUSES:
        r.fault(
            ("version", len(versions) - 1), "the last version has a valid_to if, and only if, the statute is repealed"
        )
    return tuple(out)


def _wording(r: TomlReader, raw: dict[str, Any], path: tuple[str | int, ...]) -> tuple[dict[str, str], str, str]:
    """Return the words of the law by language, their mark and their source."""
    for lang in raw:
        if lang not in ("mark", "source"):
            r.text_of(raw, lang, path)
    words = {k: str(v) for k, v in raw.items() if k not in ("mark", "source")}
    return words, r.text_of(raw, "mark", path, among=MARKS), r.text_of(raw, "source", path)


def load_profile(data: bytes, name: str) -> Profile:
    """Read a profile.

    Parameters
    ----------
    data : bytes
        The TOML file.
    name : str
        Its name, for the faults.

    Returns
    -------
    Profile
        The newest version; ``earlier`` holds the others.

    Raises
    ------
    ProfileError
        All faults at once.
    """
    try:
        text, raw = read_toml(data, name)
    except ValueError as error:
        raise ProfileError([str(error)]) from None
    r = TomlReader(text, name)
    known = all_indicators()
    r.keys(raw, ("statute", "version", "parameters", "element", "against"), ())
    s = r.table(raw, "statute", ())
    path = ("statute",)
    r.keys(s, _STATUTE_KEYS, path)
    title = r.table(s, "title", path)
    for lang in ("en", "ru", "kk"):
        r.text_of(title, lang, ("statute", "title"))
    words = _wording(r, r.table(s, "text", path), ("statute", "text"))
    status = r.text_of(s, "status", path, among=STATUSES)
    provision = r.text_of(s, "provision", path)
    listed = list(r.tables(raw, "version", ()))
    editions = _in_order(r, [_version(r, i, v) for i, v in listed], status)
    ids = tuple(v.id for v in editions)
    numbers = _parameters(r, r.table(raw, "parameters", (), needed=False), ids)
    elements = [
        (_element(r, i, e, known), r.versions(e, ("element", i), ids), i) for i, e in r.tables(raw, "element", ())
    ]
    against = [
        (_line(r, a, ("against", i), known, against=True), r.versions(a, ("against", i), ids))
        for i, a in r.tables(raw, "against", ())
    ]
    head = {key: r.text_of(s, key, path) for key in ("id", "country", "timezone")}
    if "id" in s and isinstance(s["id"], str) and not _ID.fullmatch(head["id"]):
        r.fault((*path, "id"), "must be small letters, digits and hyphens: files are named after it")
    sources, notes = r.texts(s, "sources", path), r.texts(s, "notes", path)
    made: list[Profile] = []
    for (i, table), edition in zip(listed, editions, strict=True):
        own_words = r.table(table, "text", ("version", i), needed=False)
        wording = _wording(r, own_words, ("version", i, "text")) if own_words else words
        own_elements = [(e, at) for e, where, at in elements if edition.id in where]
        made.append(Profile(
            id=head["id"], country=head["country"], timezone=head["timezone"], edition=edition, status=status, title={k: str(v) for k, v in title.items()},
            provision=r.text_of(table, "provision", ("version", i), needed=False) or provision,
            text=wording[0], text_mark=wording[1], text_source=wording[2], sources=sources, notes=notes,
            elements=tuple(e for e, _ in own_elements), against=tuple(x for x, where in against if edition.id in where),
            parameters={**PARAMETERS, **{k: p for k, p, where in numbers if edition.id in where}},
        ))  # fmt: skip
        _consistent(r, made[-1], [at for _, at in own_elements], len(editions) > 1)
    if r.faults:
        raise ProfileError(r.faults)
    return replace(made[-1], earlier=tuple(made[:-1]))


def _consistent(r: TomlReader, p: Profile, at: list[int], several: bool) -> None:
    """Hold one version against itself: it has elements, no id twice, and no points twice."""
    which = f" in version {p.version!r}" if several else ""
    ids = [e.id for e in p.elements]
    for k, e in enumerate(ids):
        if e in ids[:k]:
            r.fault(("element", at[k], "id"), f"{e!r} stands there twice{which}")
    scored = [x.indicator for e in p.elements for x in e.lines if x.levels] + [x.indicator for x in p.against]
    for twice in sorted({x for x in scored if scored.count(x) > 1}):
        r.faults.append(f"{r.name}: indicator {twice!r} has points twice{which}, so the points could not be added up")
    if not p.elements:
        r.faults.append(f"{r.name}: no [[element]]{which}")
