"""Reader of address books as vCards (``.vcf``): versions 2.1 (RFC-less, quoted-printable), 3.0 (RFC 2426), 4.0 (RFC 6350)."""

from __future__ import annotations

import codecs
import quopri
import re
import unicodedata
from collections.abc import Iterator
from typing import Any, BinaryIO, ClassVar

from pipelines.masking import harmless, hidden
from pipelines.readers._sheets import encoding_of
from pipelines.readers.base import Claim, Context, Description, Head, Sink, SourceFile, Unreadable

_BLOCK = 1 << 18
#: longest value that is held [P]: pictures are passed over
_LONGEST = 4096
#: numbers and addresses that one card may hold, so that it cannot fill the memory [P]
_MOST = 1000
_ROWS = 8192
_BEGIN = re.compile(rb"(?i)\s*BEGIN\s*:\s*VCARD\s*\Z")
_END = re.compile(rb"(?i)\s*END\s*:\s*VCARD\s*\Z")
_PROPERTY = re.compile(r"(?:[\w-]+\.)?([A-Za-z][\w-]*)((?:;[^:\"]*(?:\"[^\"]*\"[^:\"]*)*)?):(.*)", re.DOTALL)
_ESCAPED = re.compile(r"\\([nN,;:\\])")
_MAIL = re.compile(r"[^@\s<>\x00-\x1f]+@[^@\s<>\x00-\x1f]+")


class _Lines:
    """The physical lines of a file with their numbers; of a long one only its beginning is held."""

    def __init__(self, stream: BinaryIO, wide: str) -> None:
        self._stream, self._decoder = stream, codecs.getincrementaldecoder(wide)("replace") if wide else None

    def _blocks(self) -> Iterator[bytes]:
        while block := self._stream.read(_BLOCK):
            yield block if self._decoder is None else self._decoder.decode(block).encode("utf-8", "replace")

    def __iter__(self) -> Iterator[tuple[int, bytes]]:
        number, held = 1, b""
        for block in self._blocks():
            pieces = block.split(b"\n")
            pieces[0] = (held + pieces[0]) if len(held) < _LONGEST else held
            for piece in pieces[:-1]:
                yield number, piece[:_LONGEST].rstrip(b"\r")
                number += 1
            held = pieces[-1][:_LONGEST]
        if held:
            yield number, held.rstrip(b"\r")


class _Card:
    def __init__(self, line: int) -> None:
        self.first = self.last = line
        self.name = self.parts = ""
        self.values: list[tuple[str, str]] = []  # (tel or email, value)

    def add(self, line: str) -> None:
        found = _PROPERTY.match(line)
        if found is None:
            return
        name, options, value = found.group(1).upper(), found.group(2).upper(), found.group(3)
        if name not in ("FN", "N", "TEL", "EMAIL"):
            return
        if "QUOTED-PRINTABLE" in options:
            charset = re.search(r"CHARSET=\"?([\w-]+)", options)
            raw = quopri.decodestring(value.encode("utf-8", "replace"))
            try:
                value = raw.decode(charset.group(1) if charset else "utf-8", "replace")
            except LookupError:
                value = raw.decode("utf-8", "replace")
        if name == "N":
            self.parts = self.parts or " ".join(
                p for p in (_plain(v).strip() for v in re.split(r"(?<!\\);", value)[1::-1]) if p
            )
        elif name == "FN":
            self.name = self.name or _plain(value).strip()
        elif len(self.values) < _MOST:
            text = _plain(value).strip()
            if text.lower().startswith(("tel:", "mailto:")):
                text = text.partition(":")[2].partition(";")[0]
            if text:
                self.values.append((name, text))


def _plain(text: str) -> str:
    return _ESCAPED.sub(lambda m: " " if m.group(1) in "nN" else m.group(1), text)


class VCard:
    """An address book as vCards."""

    description: ClassVar[Description] = Description(
        id="vcard",
        version=1,
        title="Address book as vCards (.vcf)",
        channels=("phone", "email"),
        counts="BEGIN:VCARD, in file order",
        knowledge="RFC 2426, RFC 6350 and the vCard 2.1 specification; fixture of lbeder/google-voice-takeout-merger",
        evidence="real sample",
        cannot_tell=(
            "who a person is: names are labels that somebody gave",
            "when an entry was made or changed",
            "whose address book it is",
        ),
        versions="2.1, 3.0 and 4.0; Google's export of 2022 (fixture)",
    )  # fmt: skip

    def recognise(self, head: Head) -> Claim | None:
        """Know the file by its first line."""
        wide = encoding_of(head.data[:64])
        text = head.data[:4096].decode(wide if wide.startswith("utf") else "latin-1", "replace").lstrip("\ufeff \r\n\t")
        if re.match(r"(?i)BEGIN\s*:\s*VCARD\s", text):
            return Claim(95, "its first line is BEGIN:VCARD")
        return None

    def mask(self, source: SourceFile, plain: str) -> str:
        """Show numbers and addresses, hide everything else."""
        out = []
        for line in plain.split("\n"):
            found = _PROPERTY.match(line.strip("\r"))
            if found and found.group(1).upper() in ("TEL", "EMAIL", "VERSION", "BEGIN", "END"):
                out.append(harmless(line[:200], lines=False))
            else:
                out.append(f"{found.group(1)}: {hidden(len(found.group(3)))}" if found else hidden(len(line)))
        return "\n".join(out)

    def read(self, source: SourceFile, context: Context, out: Sink) -> None:
        """Stream the cards into ``out``; a card that the file cuts off is rejected."""
        with source.open() as stream:
            first = stream.read(4096)
        codec = encoding_of(first[:4])
        rows: list[dict[str, Any]] = []
        n = 0
        with source.open() as stream:
            for card, whole in self._cards(_Lines(stream, codec if codec.startswith("utf-16") else "")):
                n += 1
                record = f"lines:{card.first}-{card.last}" if card.last > card.first else f"line:{card.first}"
                if not whole:
                    out.reject(n, record, "the card has no end: the file is cut off or damaged here")
                    continue
                made = self._rows(card, n, record, context)
                if not made:
                    out.out_of_scope()
                rows += made
                if len(rows) >= _ROWS:
                    rows = self._put(rows, out)
        self._put(rows, out)
        if not n and b"\r" in first and b"\n" not in first:
            raise Unreadable("the lines of the file end in CR alone: save it again with usual line ends")
        out.read(n)

    @staticmethod
    def _cards(lines: _Lines) -> Iterator[tuple[_Card, bool]]:
        card: _Card | None = None
        held: list[str] = []
        soft = False

        def flush() -> None:
            nonlocal soft
            if card is not None and held:
                card.add("".join(held))
            held.clear()
            soft = False

        for number, raw in lines:
            if _BEGIN.match(raw.removeprefix(codecs.BOM_UTF8)):
                flush()
                if card is not None:
                    yield card, False
                card = _Card(number)
                continue
            if card is None:
                continue
            card.last = number
            if _END.match(raw):
                flush()
                yield card, True
                card = None
                continue
            text = raw.decode("utf-8", "replace")
            if soft:  # a soft line break of quoted-printable
                held[-1] = held[-1][:-1]
                held.append(text)
            elif text[:1] in (" ", "\t") and held:  # a folded line
                if sum(map(len, held)) < _LONGEST:
                    held.append(text[1:])
            else:
                flush()
                held.append(text)
            soft = text.endswith("=") and "QUOTED-PRINTABLE" in held[0].upper() and sum(map(len, held)) < _LONGEST
        flush()
        if card is not None:
            yield card, False

    @staticmethod
    def _rows(card: _Card, n: int, record: str, context: Context) -> list[dict[str, Any]]:
        label = unicodedata.normalize("NFC", card.name or card.parts) or None
        made: list[dict[str, Any]] = []
        for kind, value in dict.fromkeys(card.values):
            if kind == "TEL":
                identifier, form = context.phone(value)
                channel = "phone"
            else:
                if not _MAIL.fullmatch(value):
                    continue
                local, _, domain = value.rpartition("@")
                identifier, form, channel = f"mail:{local}@{domain.lower()}", "mail", "email"
            if identifier is None:
                continue
            made.append(
                {"n": n, "sub": len(made) + 1, "record": record, "list": "address_book", "channel": channel,
                 "identifier": identifier, "identifier_raw": value, "identifier_kind": form, "label": label}
            )  # fmt: skip
        return made

    @staticmethod
    def _put(rows: list[dict[str, Any]], out: Sink) -> list[dict[str, Any]]:
        if rows:
            out.listed(len(rows), {name: [r[name] for r in rows] for name in rows[0]})
        return []


READER = VCard()
