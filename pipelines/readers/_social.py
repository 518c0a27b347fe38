"""What the readers of downloads from chat and social networks share: the files beside, the owner, small JSON, broken names.

Such a download is a tree of JSON files. Each is a source of its own; who the owner is stands in another of them (a
*profile*), which is looked up in the same download, never in a second one that lies in the same folder.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from pathlib import PurePosixPath
from typing import Any, BinaryIO

import msgspec

from pipelines.identifiers import clean, name_identifier
from pipelines.readers._chat_rows import Party
from pipelines.readers._clock import iso_reading
from pipelines.readers._json_stream import JsonStream, Value, find_element
from pipelines.readers.base import Context, Head, Sink, SourceFile, Span, Unreadable, Waiting

#: a profile or another companion is small; a larger file is none [P]
COMPANION_LIMIT = 4 << 20
#: companions of one kind that are looked at [P]
COMPANIONS = 20
#: longest name or id of a person [P]
NAME_LIMIT = 256
_EPOCH = datetime(1970, 1, 1)
_DIGITS = re.compile(r"-?\d{1,19}", re.ASCII)
#: identifiers of other apps, numbers and addresses are no names
_OTHER = re.compile(r"[a-z_]+:(?!name:)|\+\d")


# -- places


def place(source: SourceFile) -> PurePosixPath:
    """Return where a source lies: the path of a file, the name of a member of an archive."""
    return PurePosixPath((source.path or source.name).replace("\\", "/"))


def words_of(source: SourceFile) -> list[str]:
    """Return the names of the folders and files that a source lies in, the archive's first, in lower case."""
    steps = [source.container or "", *place(source).parts]
    return [step.casefold() for step in steps if step]


def near(source: SourceFile, *patterns: str) -> list[SourceFile]:
    """Return the files beside that fit a pattern, and of them those that have the longest way in common with the source."""
    if source.beside is None:
        return []
    found: dict[str, SourceFile] = {}
    for pattern in patterns:
        for other in source.beside.find(pattern):
            if other.source_id != source.source_id:
                found.setdefault(str(place(other)), other)
    mine = [part.casefold() for part in place(source).parts]
    common: dict[str, int] = {}
    for key, other in found.items():
        parts = [part.casefold() for part in place(other).parts[:-1]]
        same = 0
        while same < min(len(parts), len(mine)) and parts[same] == mine[same]:
            same += 1
        common[key] = same
    best = max(common.values(), default=0)
    return [found[key] for key in sorted(found) if common[key] == best][:COMPANIONS]


def quoted(text: str) -> str:
    """Return a name as a pattern of :meth:`Beside.find`, in which no character means another."""
    return re.sub(r"([*?\[])", r"[\1]", text)


# -- JSON


def decoded(raw: bytes | None, kind: Any = Any) -> Any:
    """Decode a small value; None if it is no JSON, or not shaped like ``kind``."""
    try:
        return msgspec.json.decode(raw, type=kind) if raw is not None else None
    except (ValueError, RecursionError):
        return None


def json_of(source: SourceFile) -> Any:
    """Return what a small JSON file holds, with or without ``window.… =`` before it; None if it is none."""
    if source.size > COMPANION_LIMIT:
        return None
    try:
        with closing(source.open()) as stream:
            data = stream.read(COMPANION_LIMIT + 1)
    except (OSError, EOFError):
        return None
    data = data.removeprefix(b"\xef\xbb\xbf").lstrip()
    if data.startswith(b"window."):
        data = data.partition(b"=")[2]
    return decoded(data)


def values_of(source: SourceFile, patterns: Sequence[str]) -> dict[str, Any]:
    """Return small values of a JSON file by their pointers; the arrays in it are passed over."""
    with closing(source.open()) as stream:
        found = [item for item in JsonStream(stream, {}, patterns) if isinstance(item, Value)]
    return {item.pointer: decoded(item.raw) for item in found}


def start_of(head: Head) -> bytes:
    """Return the beginning of a text without byte order mark and blanks, as UTF-8."""
    data = head.data
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        data = data.decode("utf-16", "ignore").encode("utf-8", "ignore")
    return data.removeprefix(b"\xef\xbb\xbf").lstrip()


def find_in(source: SourceFile, stream_of: Callable[[BinaryIO], JsonStream], record: str, n: int | None) -> Span | None:
    """Find an element that the stream gives, or else a single value at the place that the locator names."""
    found = find_element(source, stream_of, record, n)
    if found is not None or not record.startswith("json:/"):
        return found
    with closing(source.open()) as stream:
        for item in JsonStream(stream, {}, [record.removeprefix("json:")]):
            if isinstance(item, Value) and item.raw is not None:
                mark = 3 if _starts_with_mark(source) else 0
                return Span(item.offset, item.offset + len(item.raw), True, "", mark)
    return None


def _starts_with_mark(source: SourceFile) -> bool:
    with closing(source.open()) as stream:
        return stream.read(3) == b"\xef\xbb\xbf"


# -- values


def whole(value: Any) -> int | None:
    """Return a whole number, also one in quotes or with an empty fraction."""
    if value.__class__ is int:
        found: int = value
        return found
    if value.__class__ is float:
        return int(value) if value == value and abs(value) < 2**53 else None
    if value.__class__ is str and _DIGITS.fullmatch(value):
        return int(value)
    return None


def talked(value: Any) -> int | None:
    """Return a talk time in seconds; None for none, and for what can be no call."""
    found = whole(value)
    return found if found is not None and 0 < found <= 10_000_000 else None


def epoch_us(value: Any) -> tuple[int | None, str]:
    """Return µs since 1970 and the exactness of a time in seconds or milliseconds.

    A time between 1990 and 2035 has at most 10 digits in seconds and at least 12 in milliseconds: they cannot be confused.
    """
    found = whole(value)
    if found is None or abs(found) > 1 << 52:
        return None, "s"
    return (found * 1000, "ms") if abs(found) >= 100_000_000_000 else (found * 1_000_000, "s")


def _plain_utc(text: str) -> int | None:
    """Read ``2025-10-03 18:30:05`` (19 characters) the fast way; None where it is anything else."""
    if not (text.isascii() and text[4] == text[7] == "-" and text[13] == text[16] == ":" and text[10] in " T"):
        return None
    try:
        found = datetime.fromisoformat(text) - _EPOCH
    except ValueError:
        return None
    return (found.days * 86_400 + found.seconds) * 1_000_000


def utc_us(value: Any) -> tuple[int | None, str]:
    """Return µs since 1970 and the exactness of a text such as ``2025-10-03 18:30:05 UTC``, which is UTC."""
    if value.__class__ is not str or len(value) > 64:
        return None, "s"
    if len(value) == 19 or (len(value) == 23 and value.endswith(" UTC")):
        us = _plain_utc(value[:19])
        if us is not None:
            return us, "s"
    found = iso_reading(value.strip().removesuffix("UTC").rstrip())
    if found is None or found.precision in ("day", "h"):
        return None, "s"
    return (found.local_us if found.offset_s is None else found.utc_us), found.precision


def zulu_us(value: Any) -> tuple[int | None, str]:
    """Return µs since 1970 and the exactness of a text such as ``2025-10-03T18:30:05.123Z``; None without an offset."""
    if value.__class__ is not str:
        return None, "ms"
    if len(value) == 24 and value[19] == "." and value[23] == "Z" and value.isascii() and value[20:23].isdigit():
        us = _plain_utc(value[:19])
        if us is not None:
            return us + int(value[20:23]) * 1000, "ms"
    found = iso_reading(value)
    return (None, "ms") if found is None or found.utc_us is None else (found.utc_us, found.precision)


@lru_cache(1 << 16)
def _cleaned(text: str) -> str:
    return clean(text)


def name_of(value: Any) -> str:
    """Return a name or an id, cleaned; empty for what is none."""
    return _cleaned(value) if value.__class__ is str and len(value) <= NAME_LIMIT else ""


def mended(text: str) -> str:
    r"""Return a text whose UTF-8 bytes were written as single characters (``\u00d0\u009f``) as it was meant.

    Texts that are right, and those that are no UTF-8 read so, stay as they are.
    """
    if text.isascii():
        return text
    try:
        return text.encode("latin-1").decode("utf-8")
    except UnicodeError:
        return text


def mended_name(value: Any) -> str:
    """Return a name mended and cleaned; empty for what is none."""
    return clean(mended(value)) if value.__class__ is str and len(value) <= 4 * NAME_LIMIT else ""


def digest(*words: str) -> str:
    """Return ten hexadecimal digits that stand for the words."""
    return hashlib.sha256("\0".join(words).encode("utf-8", "replace")).hexdigest()[:10]


def native(app: str, value: Any) -> Party:
    """Return an account that the app knows by a name or number of its own."""
    found = name_of(str(value) if value.__class__ is int else value)
    return Party(f"{app}:{found}", found, "app_id") if found else Party()


def named(app: str, name: str) -> Party:
    """Return a person whom the file knows by name only; the name is cleaned."""
    return Party(name_identifier(app, name), name, "name") if name else Party()


# -- the owner


@dataclass(frozen=True, slots=True)
class Declared:
    """The owner as the option of the source, or else the case, declares her."""

    ids: frozenset[str]  # native ids and addresses, normalised
    names: frozenset[str]
    by_option: bool

    def __bool__(self) -> bool:
        return bool(self.ids or self.names)


def declared(context: Context, app: str) -> Declared:
    """Return what is declared of the owner, for an app.

    ``<app>:<id>``, addresses of mail and phone numbers are ids, ``<app>:name:<name>`` and bare words are names; a bare
    word may be a native id, too.
    """
    option = context.options.get("owner")
    ids: set[str] = set()
    names: set[str] = set()
    for text in [option] if option else sorted(context.owner_names):
        written = clean(text)
        if written.startswith(f"{app}:name:"):
            names.add(clean(written.removeprefix(f"{app}:name:")))
        elif written.startswith((f"{app}:", "mail:", "+")):
            ids.add(written)
        elif not _OTHER.match(written):
            names.add(written)
            if "@" in written:
                found, _ = context.phone(written)
                ids |= {found} if found else set()
    return Declared(frozenset(ids), frozenset(names - {""}), option is not None)


def waiting(why: str, hint: str) -> Waiting:
    """Return the question for the owner; ``hint`` says what may stand there, never a name out of the file."""
    return Waiting(why, f'owner = "…"  # {hint}')


def one_account(accounts: Mapping[str, SourceFile], what: str) -> None:
    """Refuse a download in which several profiles tell of different accounts.

    Raises
    ------
    Unreadable
        There are several.
    """
    if len(accounts) > 1:
        raise Unreadable(
            f"{len(accounts)} different {what} lie in the same download: whose file this is cannot be told"
        )


def say_companions(out: Sink, role: str, sources: Iterable[SourceFile]) -> None:
    """Say that files were looked at."""
    for source in sources:
        out.companion(role, source)


def dictionaries(value: Any) -> Iterator[dict[str, Any]]:
    """Yield the objects of a list, or the object itself."""
    for one in value if isinstance(value, list) else [value]:
        if isinstance(one, dict):
            yield one
