"""The models of a Cellebrite report: cut out of the stream one by one, and read into plain values.

A ``report.xml`` has hundreds of MB, most of it lists of files and models that are no communication. So the stream is not
given to a parser as a whole. :class:`Report` follows the few elements above the models, cuts each model out by the balance
of its tags (CDATA sections and comments passed over), and :func:`parse` reads the models that are asked for. Memory holds a
block and one model; a model with broken markup costs that model only; no entity is ever expanded.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, BinaryIO

from pipelines.masking import harmless, hidden, plain_text
from pipelines.readers._xml_bytes import Broken, Scanner, Truncated, Wanted
from pipelines.readers.base import Unreadable

#: a model longer than this is not held and not read [P]; texts and lists of people are far below
MAX_MODEL = 8 << 20
#: the fields of a chat outside its messages (people, photographs) [P]
MAX_CHAT = 8 << 20
MAX_DEPTH = 64
ENDS_INSIDE = "the file ends inside this record"
UNCLOSED = "its end tag is missing, or it is longer than 8 MiB"
_TAG_ROOM = 1 << 16
_MAX_NAMES = 500
_NAME_ROOM = 1024

_ATTRIBUTES = rb"(?:[^<>\"'/]++|\"[^\"<]*+\"|'[^'<]*+'|/(?!>))*+"
_CDATA = rb"<!\[CDATA\[((?:[^\]]++|\](?!\]>))*+)\]\]>"
_COMMENT = rb"<!--(?:[^-]++|-(?!->))*+-->|<\?(?:[^?]++|\?(?!>))*+\?>"
#: one piece of a model; a field with one plain value, which most pieces are, is one piece
_TOKEN = re.compile(
    rb"\s*+(?:<field name=\"([^\"<&]*+)\"[^<>\"']*+(?:\"[^\"<>]*+\"[^<>\"'/]*+)*+>\s*+"
    rb"(?:<value(?![^<>]*Base64)[^<>/]*+>(?:" + _CDATA + rb"|([^<]*+))</value>|<empty\s*+/>)\s*+</field>"
    rb"|<(?:(model)\s++type|((?:multiM|m)odelField)\s++name)=\"([^\"<&]*+)\"(" + _ATTRIBUTES + rb")(/?)>"
    rb"|<([^\s<>/!?\"'=]++)(" + _ATTRIBUTES + rb")(/?)>"
    rb"|</([^\s<>/]++)\s*+>"
    rb"|" + _CDATA + rb"|([^<\s][^<]*+)|(" + _COMMENT + rb")|(<))"
)
#: looked for only where a name begins: else a name of many letters that is none would be tried from every letter on
_ATTRIBUTE = re.compile(rb"(?<![^\s=\"'<>/])([^\s=\"'<>/]++)\s*+=\s*+(?:\"([^\"]*+)\"|'([^']*+)')")
_START = re.compile(rb"<[^\s<>/!?\"'=]++(" + _ATTRIBUTES + rb")(/?)>")
_PREFIX = rb"(?:[^\s<>/:\"'=!?]{1,100}:)?"
_END = re.compile(rb"</([^\s<>/]{1,256})\s*>")
_LIST_END = re.compile(rb"</" + _PREFIX + rb"modelType\s*>")
#: a model that carries the mark of an extraction and is a record, as far as that can be told without the nesting
_OUTER = re.compile(
    rb"<" + _PREFIX + rb"model\s[^<>]*\btype=[\"'](?:InstantMessage|Call|SMS|MMS|Email|Location|Contact|Chat)[\"']"
)
_SECTIONS = ((b"<![CDATA[", b"]]>"), (b"<!--", b"-->"))
_WORD = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,39}", re.ASCII)

_TOP = {
    b"model": Wanted(frozenset([b"type"])),
    b"modelType": Wanted(frozenset([b"type"])),
    b"multiModelField": Wanted(frozenset([b"name"])),
    b"project": Wanted(frozenset([b"ModelCount", b"reportVersion", b"extractionType"])),
}
#: sections beside the models that are small and tell how the report was made
_SMALL = frozenset([b"sourceExtractions", b"projectConfigurations"])


def local(name: bytes) -> bytes:
    """Return a name without namespace prefix."""
    return name.rpartition(b":")[2] if b":" in name else name


def attributes(raw: bytes) -> dict[bytes, bytes]:
    """Return the attributes of a start tag by local name, from the bytes behind its name."""
    return {local(key): double or single for key, double, single in _ATTRIBUTE.findall(raw)}


Value = bytes | str  # CDATA as it stands, or text whose references are resolved


def plain(value: Value) -> str:
    """Return a value as text."""
    if isinstance(value, bytes):
        value = value.decode("utf-8", "replace")
    return value.replace("\r\n", "\n") if "\r" in value else value


@dataclass(slots=True)
class Model:
    """A model: its fields by name, and the models inside it by the name of the field that holds them."""

    type: str
    raw: bytes = b""  # attributes
    fields: dict[bytes, Value] = field(default_factory=dict)
    models: dict[bytes, list[Model]] = field(default_factory=dict)
    values: dict[bytes, list[Value]] = field(default_factory=dict)

    def text(self, name: bytes) -> str:
        """Return a field without the blanks around it; empty if it is not there."""
        value = self.fields.get(name)
        return plain(value).strip() if value else ""

    def truth(self, name: bytes) -> bool | None:
        """Return a yes-or-no field, None if it says neither."""
        value = self.fields.get(name)
        if not value:
            return None
        return {"true": True, "false": False}.get(plain(value).strip().lower())

    def first(self, name: bytes) -> Model | None:
        """Return the first model of a field."""
        found = self.models.get(name)
        return found[0] if found else None

    def attrs(self) -> dict[bytes, bytes]:
        """Return the attributes."""
        return attributes(self.raw)


def _base64(value: Value) -> Value:
    raw = value if isinstance(value, bytes) else value.encode("utf-8", "replace")
    try:
        return base64.b64decode(b"".join(raw.split()), validate=True)
    except ValueError:
        return value


def _word(raw: bytes) -> str:
    name = raw.decode("ascii", "replace")
    return name if _WORD.fullmatch(name) else ""


def parse(raw: bytes) -> Model:
    """Read one ``model`` element.

    Raises
    ------
    Broken
        Its markup is not well-formed or nested too deeply.
    """
    root: Model | None = None
    stack: list[tuple[bytes, Any]] = []  # name of the open element, what it fills
    current: Model | None = None  # the innermost open model
    for (
        name, cdata, text, is_model, is_list, label, rest, short, opened, attrs, empty, closed, alone, loose, _, stray,
    ) in _TOKEN.findall(raw):  # fmt: skip
        held: Any
        if name and current is not None:
            fields = current.fields
            if not fields.get(name):
                fields[name] = cdata or (plain_text(text.decode("utf-8", "replace")) if b"&" in text else text)
            continue
        if closed:
            if not stack or stack[-1][0] != closed:
                raise Broken("its tags do not match")
            ended = stack.pop()[1]
            if isinstance(ended, Model):
                current = next((h for _, h in reversed(stack) if isinstance(h, Model)), None)
            elif isinstance(ended, _Text):
                ended.finish()
            continue
        if is_list and current is not None:
            if not short:
                stack.append((is_list, current.models.setdefault(label, [])))
        elif is_model or opened:
            tag = is_model or local(opened)
            held = None
            if tag == b"model":
                given = attributes(attrs) if opened else {}
                model = Model(_word(given.get(b"type", b"") if opened else label), attrs or rest)
                if root is None:
                    root = model
                elif stack and isinstance(stack[-1][1], list):
                    stack[-1][1].append(model)
                held = model
            elif current is not None and tag in (b"modelField", b"multiModelField"):
                held = current.models.setdefault(attributes(attrs).get(b"name", b""), [])
            elif current is not None and tag in (b"field", b"multiField"):
                held = _Text(current, attributes(attrs).get(b"name", b""), tag == b"field")
                if tag == b"field":
                    current.fields.setdefault(held.name, b"")
            elif tag == b"value" and stack and isinstance(stack[-1][1], _Text):
                over = stack[-1][1]
                held = _Text(over.model, over.name, over.single, b"Base64" in attrs, [])
            if short or empty:
                continue
            if root is None:
                raise Broken("it does not begin with its start tag")
            stack.append((is_model or opened, held))
            if isinstance(held, Model):
                current = held
        elif alone or loose:
            if stack and isinstance(stack[-1][1], _Text) and stack[-1][1].parts is not None:
                stack[-1][1].parts.append(alone or plain_text(loose.decode("utf-8", "replace")))
        elif stray:
            raise Broken("its markup is not well-formed")
        if len(stack) > MAX_DEPTH:
            raise Broken("it is nested too deeply")
    if root is None or stack:
        raise Broken("its tags do not match")
    return root


@dataclass(slots=True)
class _Text:
    """A field, or (with ``parts``) one of its values, that is not written the plain way."""

    model: Model
    name: bytes
    single: bool
    coded: bool = False
    parts: list[Value] | None = None

    def finish(self) -> None:
        """Put the value where it belongs."""
        if self.parts is None:
            return
        value: Value = self.parts[0] if len(self.parts) == 1 else "".join(map(plain, self.parts))
        if self.coded:
            value = _base64(value)
        if not self.single:
            self.model.values.setdefault(self.name, []).append(value)
        elif not self.model.fields.get(self.name):
            self.model.fields[self.name] = value


# -- the elements above the models


@dataclass(frozen=True, slots=True)
class Piece:
    """Something that the report holds.

    ``kind`` is ``model``, ``chat`` (the beginning of a chat: its messages follow as models), ``chat end``, ``section``
    (a small one beside the models) or ``root`` (``attrs`` holds the attributes).
    """

    kind: str
    name: str = ""  # type of the model, or name of the section
    locator: str = ""
    raw: bytes = b""  # the element; of a chat's end what it holds beside its messages
    start: int = 0
    end: int = 0
    broken: str = ""  # why it cannot be read, without content
    complete: bool = True
    message: bool = False  # it lies in a chat
    attrs: dict[bytes, bytes] = field(default_factory=dict)
    whole: bool = True  # of a chat's end: whether everything beside its messages is in ``raw``


@lru_cache(256)
def _balance(name: bytes) -> tuple[re.Pattern[bytes], re.Pattern[bytes]]:
    """Return the patterns of what may stand between two tags of an element, and of these tags."""
    tag = re.escape(name)
    ends = tag + rb"(?:Type)?" if local(name) == b"model" else tag
    between = re.compile(
        rb"(?:[^<]++|<!\[CDATA\[(?:[^\]]++|\](?!\]>))*+\]\]>|<!--(?:[^-]++|-(?!->))*+-->|<(?!/?"
        + ends
        + rb"[\s/>])[^!<])*+"
    )
    return between, re.compile(rb"<(/?)(" + ends + rb")(?=[\s/>])(" + _ATTRIBUTES + rb")(/?)>")


class Report:
    """The pieces of a report, in the order of the file.

    Parameters
    ----------
    stream : binary stream
        The file from its first byte.

    Attributes
    ----------
    end : str
        After the last piece: empty if the root element was closed, else why the reading stopped.
    passed : int
        About how many models were passed over because the nesting of their list was lost.
    """

    def __init__(self, stream: BinaryIO) -> None:
        self.scanner = Scanner(stream, _TOP, [b"model"], [b"project"])
        self.end = ""
        self.passed = 0
        self._names: set[bytes] = set()

    def pieces(self) -> Iterator[Piece]:
        """Yield the pieces.

        Raises
        ------
        Unreadable
            There is no root element ``project``, or the file declares entities.
        """
        scanner = self.scanner
        try:
            name = self._root()
        except (Truncated, Broken):
            raise Unreadable("the file breaks before its root element") from None
        if local(name) != b"project":
            raise Unreadable("the root element of the file is not project")
        try:
            tag = scanner.attributes(name)
            yield Piece("root", attrs={local(key): value for key, value in tag.attrs.items()})
            if tag.empty:
                return
            yield from self._sections()
            if self._goes_on():
                self.end = "the file goes on behind the end of its root element"
        except Truncated:
            self.end = "the file ends before its root element is closed"
        except Broken as broken:
            self.end = f"the file breaks at byte {scanner.offset} outside its models ({broken.reason})"

    def _goes_on(self) -> bool:
        """Return whether another element follows the root element."""
        scanner = self.scanner
        while (byte := scanner.next_markup()) not in (-1, 0):
            if byte not in b"!?":
                return True
            scanner.declaration(prolog=False)
        return False

    def _root(self) -> bytes:
        scanner = self.scanner
        while True:
            byte = scanner.next_markup()
            if byte in (-1, 0):
                raise Truncated
            if byte not in b"!?":
                return scanner.open_name()
            scanner.declaration(prolog=True)

    def _open(self, around: bytes) -> tuple[bytes, int] | None:
        """Go to the next start tag and stop before it; pass over the end tag of ``around`` and return None.

        Raises
        ------
        Broken
            Another element ends: the nesting is lost. ``pos`` is before that end tag.
        """
        scanner = self.scanner
        while True:
            byte = scanner.next_markup()
            if byte in (-1, 0):
                raise Truncated
            if byte in b"!?":
                scanner.declaration(prolog=False)
            elif byte == 0x2F:
                scanner.need(_NAME_ROOM)
                ends = _END.match(scanner.data, scanner.pos)
                if ends is not None and local(ends[1]) != around:
                    raise Broken("its tags do not match")
                scanner.end_tag()
                return None
            else:
                return scanner.open_name(), scanner.offset

    def _sections(self) -> Iterator[Piece]:
        scanner, decoded = self.scanner, 0
        while (found := self._open(b"project")) is not None:
            name, start = found
            if local(name) == b"decodedData":
                decoded += 1
                if not scanner.attributes(name).empty:
                    yield from self._types(f"xml:/project/decodedData{'' if decoded == 1 else f'[{decoded}]'}")
            elif local(name) in _SMALL:
                raw = self._element(name)
                yield Piece("section", local(name).decode("ascii"), "", raw or b"", start, scanner.offset)
            else:
                self._pass(name)

    def _types(self, at: str) -> Iterator[Piece]:
        scanner, count = self.scanner, 0
        while (found := self._open(b"decodedData")) is not None:
            name = found[0]
            if local(name) != b"modelType":
                self._pass(name)
                continue
            count += 1
            if scanner.attributes(name).empty:
                continue
            try:
                yield from self._models(f"{at}/modelType[{count}]", chats=True)
            except Broken:
                self._next_type()

    def _models(self, at: str, *, chats: bool) -> Iterator[Piece]:
        """Yield the models of a list; stops where one of them is not whole."""
        count = 0
        while (found := self._open(b"modelType" if chats else b"multiModelField")) is not None:
            name, start = found
            if local(name) != b"model":
                self._pass(name)
                continue
            count += 1
            locator = f"{at}/model[{count}]"
            if chats and (tag := self._peek()) is not None and tag[0].get(b"type") == b"Chat" and not tag[1]:
                self.scanner.pos = tag[2]
                yield from self._chat(locator, start)
                continue
            piece = self._model(locator, name, start, message=not chats)
            yield piece
            if piece.broken == UNCLOSED:
                raise Broken(UNCLOSED)
            if piece.broken:
                raise Truncated

    def _chat(self, locator: str, start: int) -> Iterator[Piece]:
        """Yield a chat: its beginning, its messages, and its end with everything else that it holds."""
        scanner, parts, size, fields, begun, whole = self.scanner, [b"<model>"], 0, 0, False, True
        try:
            while (found := self._open(b"model")) is not None:
                inner = found[0]
                if local(inner) == b"multiModelField":
                    fields += 1
                    tag = self._peek()
                    if tag is not None and tag[0].get(b"name") == b"Messages":
                        scanner.pos = tag[2]
                        if not begun:
                            begun = True
                            yield Piece("chat", "Chat", locator, _closed(parts), start, scanner.offset)
                        if not tag[1]:
                            yield from self._models(f"{locator}/multiModelField[{fields}]", chats=False)
                        continue
                raw = self._element(inner)
                if raw is None or size + len(raw) > MAX_CHAT:
                    whole = False
                else:
                    parts.append(raw)
                    size += len(raw)
        except (Truncated, Broken) as error:
            reason = ENDS_INSIDE if isinstance(error, Truncated) else UNCLOSED
            if begun:
                yield Piece("chat end", "Chat", locator, _closed(parts), start, scanner.offset, reason, False)
            else:
                yield Piece("model", "Chat", locator, b"", start, scanner.offset, reason, False)
            raise
        if not begun:
            yield Piece("chat", "Chat", locator, _closed(parts), start, scanner.offset)
        yield Piece("chat end", "Chat", locator, _closed(parts), start, scanner.offset, whole=whole)

    # -- cutting

    def _peek(self) -> tuple[dict[bytes, bytes], bool, int] | None:
        """Return the attributes of the start tag at ``pos``, whether it closes itself, and where in the buffer it ends."""
        found = _START.match(self.scanner.data, self.scanner.pos)
        return None if found is None else (attributes(found[1]), bool(found[2]), found.end())

    def _pass(self, name: bytes) -> None:
        """Go behind an element without holding it.

        Raises
        ------
        Broken
            It is a model whose list ends before it: nobody knows what is behind it.
        """
        if self._walk(name, None) is None:
            raise Broken(UNCLOSED)

    def _element(self, name: bytes) -> bytes | None:
        """Return an element, None if it is too long; go behind it."""
        scanner = self.scanner
        length = self._walk(name, MAX_CHAT)
        if length is None:
            self._pass(name)
            return None
        raw = scanner.data[scanner.pos : scanner.pos + length]
        scanner.pos += length
        return raw

    def _model(self, locator: str, name: bytes, start: int, *, message: bool) -> Piece:
        """Cut out a model; of one whose end cannot be found ``broken`` says why, and ``pos`` lies somewhere inside."""
        scanner = self.scanner
        tag = self._peek()
        kind = _word(tag[0].get(b"type", b"")) if tag is not None else ""
        try:
            length = self._walk(name, MAX_MODEL)
        except Truncated:
            scanner.pos = len(scanner.data)
            return Piece("model", kind, locator, b"", start, scanner.offset, ENDS_INSIDE, False, message)
        if length is None:
            scanner.pos += 1
            return Piece("model", kind, locator, b"", start, start + _TAG_ROOM, UNCLOSED, False, message)
        raw = scanner.data[scanner.pos : scanner.pos + length]
        scanner.pos += length
        return Piece("model", kind, locator, raw, start, scanner.offset, message=message)

    def _next_type(self) -> None:
        """Go behind the list of models in which the nesting was lost, and count what is passed over."""
        scanner = self.scanner
        while (found := _LIST_END.search(scanner.data, scanner.pos)) is None:
            self._passed_over(max(scanner.pos, len(scanner.data) - 512))
            if not scanner.fill():
                raise Truncated
        self._passed_over(found.start())
        scanner.pos = found.end()

    def _passed_over(self, end: int) -> None:
        scanner = self.scanner
        self.passed += sum(1 for _ in _OUTER.finditer(scanner.data, scanner.pos, end))
        scanner.pos = end

    def _walk(self, name: bytes, limit: int | None) -> int | None:
        """Find the end of the element that begins at ``pos``.

        Returns
        -------
        int or None
            Its length, with ``pos`` where it was; None if it is longer than ``limit``, or a model whose list ends
            before it. Without a limit ``pos`` goes behind the element.

        Raises
        ------
        Truncated
            The file ends first.
        """
        scanner = self.scanner
        self._names.add(name)
        if len(self._names) > _MAX_NAMES:  # each costs a pattern
            raise Broken("it has too many kinds of elements")
        between, tag = _balance(name)
        at, depth = scanner.pos, 0
        while True:
            data = scanner.data
            # the last tag in the buffer may be cut: it is looked at when more is there
            stop = len(data) if scanner.eof else max(at, data.rfind(b"<", at))
            run = between.match(data, at, stop)
            at = run.end() if run else at
            found = tag.match(data, at)
            if found is not None:
                if found[2] != name:
                    return None
                at = found.end()
                depth += -1 if found[1] else 0 if found[4] else 1
                if depth <= 0:
                    if limit is None:
                        scanner.pos = at
                        return 0
                    return at - scanner.pos
                continue
            if at < stop or scanner.eof:
                if at >= len(data):
                    raise Truncated
                ending = next((e for b, e in _SECTIONS if data.startswith(b, at)), None)
                if ending is None and (scanner.eof or len(data) - at > _TAG_ROOM):
                    at += 1  # a < that opens nothing: whoever reads the model says so
                    continue
                if ending is not None and limit is None:
                    scanner.pos = at
                    scanner.declaration(prolog=False)
                    at = scanner.pos
                    continue
                if ending is not None and (over := data.find(ending, at)) >= 0:
                    at = over + len(ending)
                    continue
                if scanner.eof:
                    raise Truncated
            if limit is None:
                scanner.pos = at
            elif len(data) - scanner.pos > limit:
                return None
            offset = at - scanner.pos
            scanner.fill()
            at = scanner.pos + offset


def _closed(parts: list[bytes]) -> bytes:
    return b"".join([*parts, b"</model>"])


# -- what may be seen of a model

_SHOWN = frozenset(
    b"""
    TimeStamp Timestamp StartTime EndTime LastActivity DateDelivered DateRead DatePlayed DateDeleted SystemMessageTimeStamp
    Direction Status Type Duration Source SourceApplication Role IsPhoneOwner IsGroupAdmin FromIsOwner Folder ChatType
    ChatId Account Identifier Latitude Longitude Elevation Precision Confidence GpsHorizontalAccuracy Origin Category
    VideoCall ServiceIdentifier UserMapping SMSC ContentType Platform IsLocationSharing Domain Label Action CountryCode
    NetworkCode NetworkName DisconnectionCause DeviceLocationAffiliation AccountLocationAffiliation TimesContacted
    AggregatedLocationsCount WasPlayed SelfDestructDuration Priority Deleted
    """.split()
)
#: fields that name people or numbers in models of these types, and content elsewhere
_NAMED = {
    "Party": frozenset([b"Name"]),
    "Contact": frozenset([b"Name"]),
    "ContactEntry": frozenset([b"Value"]),
    "PhoneNumber": frozenset([b"Value"]),
    "EmailAddress": frozenset([b"Value"]),
    "UserID": frozenset([b"Value"]),
    "Chat": frozenset([b"Id"]),
}
_SEEN_ATTRIBUTES = (b"id", b"deleted_state", b"decoding_confidence", b"extractionId", b"iscarved", b"source_index")


def masked(text: str) -> str:
    """Return the raw text of a model, perhaps cut off, with content as its length."""
    lines: list[str] = []
    stack: list[tuple[str, bytes, str]] = []  # element, name of the field, type of the model

    def about(value: str, name: bytes, kind: str) -> str:
        shown = name in _SHOWN or name in _NAMED.get(kind, ())
        return harmless(value, lines=False) if shown and len(value) <= 200 else hidden(len(value))

    def called(raw: bytes) -> str:
        return _word(raw) or (f"‹name of {len(raw)} bytes›" if raw else "")

    for (
        name, cdata, plain_, is_model, is_list, first, rest, short, opened, attrs, empty, closed, alone, loose, other, stray,
    ) in _TOKEN.findall(text.encode("utf-8", "replace")):  # fmt: skip
        kind = next((k for _, _, k in reversed(stack) if k), "")
        indent = " " * min(len(stack), MAX_DEPTH)
        if name:
            value = plain(cdata) if cdata else plain_text(plain_.decode("utf-8", "replace"))
            lines.append(f"{indent}{called(name)}: {about(value, name, kind) if value else '-'}")
        elif opened or is_model or is_list:
            tag = is_model or is_list or local(opened)
            given = attributes(attrs or rest) | ({} if opened else {b"type" if is_model else b"name": first})
            label = " ".join(filter(None, (called(tag), called(given.get(b"name", b"") or given.get(b"type", b"")))))
            if tag == b"model":
                for key in _SEEN_ATTRIBUTES:
                    value = given.get(key, b"").decode("utf-8", "replace")
                    label += f' {key.decode()}="{harmless(value, lines=False)}"' if value and len(value) <= 64 else ""
            lines.append(f"{indent}{label}")
            if not (empty or short) and len(stack) < MAX_DEPTH:
                inside = given.get(b"name", b"") if tag != b"value" else stack[-1][1] if stack else b""
                stack.append((called(tag), inside, _word(given.get(b"type", b"")) if tag == b"model" else ""))
        elif closed:
            if stack:
                stack.pop()
        elif alone or loose:
            value = plain(alone) if alone else plain_text(loose.decode("utf-8", "replace"))
            lines.append(f"{indent}{about(value, stack[-1][1] if stack else b'', kind)}")
        elif other or stray:
            lines.append(f"{indent}{hidden(len(other or stray))}")
    return harmless("\n".join(lines))
