"""Ways to damage a file, by what it is: every one is a function of the file, of others like it, and of a seeded chance."""

from __future__ import annotations

import io
import json
import random
import re
import sqlite3
import zipfile
import zlib
from collections.abc import Callable, Sequence
from contextlib import closing
from typing import Any

#: largest file that a mutation may make
LIMIT = 4 << 20
_NUMBER = re.compile(rb"-?\d+(?:\.\d+)?")
_NUMBERS = [b"0", b"-1", b"1", b"9223372036854775807", b"-9223372036854775808", b"18446744073709551616", b"1e308", b"-1e309", b"1" * 400, b"NaN",
            b"0.1", b"99999999999999", b"2051222400", b"978307200", b"00", b"\xd9\xa1\xd9\xa2", b"1_000", b""]  # fmt: skip
_COMMON = [b"\0", b"\xff", b"\xef\xbb\xbf", b"\xff\xfe", b"\xe2\x80\x8e", b"\xe2\x80\xae", b"\xed\xa0\x80", b"\r", b"\n", b"\r\n", b"\t", b" " * 300,
           b"A" * 70_000, b"\xf0\x9f\x98\x80" * 50, b"\xcc\x81" * 500, b"\x1b[2J", b"%s%n", b"\\", b"'", b'"']  # fmt: skip
TOKENS: dict[str, list[bytes]] = {
    "json": [b"{", b"}", b"[", b"]", b",", b":", b"null", b"true", b"[]", b"{}", b'""', b"\\u0000", b"\\ud800", b"[" * 3000, b'{"a":' * 3000, b"NaN",
             b"-", b'"' * 3, b"//", b"1e999"],
    "xml": [b"<", b">", b"&", b"&#0;", b"&#xD800;", b"&lol;", b"<!--", b"-->", b"<![CDATA[", b"]]>", b"<?", b"?>", b"/>", b"</", b"<a>" * 3000, b"='",
            b'<!DOCTYPE a [<!ENTITY l "x"><!ENTITY m "&l;&l;">]>', b'xmlns="x"', b" a" * 2000],
    "html": [b"<", b">", b"&", b"&#1114112;", b"&amp", b"<!--", b"</div>", b"<div>", b"<div class=\"message\">", b"<script>", b"<div>" * 3000, b"='", b"\"",
             b"<a href=", b"<br>"],
    "table": [b",", b";", b"\t", b"|", b'"', b'""', b'"\n', b",,,,,,,,", b'"' * 1001, b"=1+1", b"\n" * 50, b"," * 3000],
    "text": [b": ", b"[", b"]", b" - ", b"\n\n", b"BEGIN:VCARD\r\n", b"END:VCARD\r\n", b"01.01.2024, 00:00 - x: y\n", b"=\n", b"\xe2\x80\xaf", b"::", b"#\t1"],
    "mail": [b"\nFrom ", b"\n\n", b"Content-Type: multipart/mixed; boundary=a\n", b"--b\n", b"--b--\n", b"=?utf-8?B?////?=", b"Date: \n", b"To: " + b"a@b," * 2000,
             b"\n " * 2000, b"Content-Transfer-Encoding: base64\n", b"("  * 2000],
    "sqlite": [], "workbook": [], "packed": [],
}  # fmt: skip
_VALUES: list[Any] = [None, 0, -1, 1, 2**63 - 1, -(2**63), 1e308, float("inf"), -0.5, "", "x" * 3000, "\0", "1", "1e5", " 7 ", b"", b"\xff\xfe\0", b"\x04\x0bstreamtyped" * 3,
                      "{", "[1]", "[" * 3000, "a@b", "+77010000001", 978_307_200, 1_700_000_000_000]  # fmt: skip
_JSON_VALUES: list[Any] = [
    None,
    True,
    0,
    -1,
    2**53,
    2**70,
    1e308,
    "",
    "x" * 3000,
    [],
    {},
    [[]],
    [None],
    {"a": 1},
    "\ud800",
    "0",
    "2024-02-30",
    "N/A",
]

Change = Callable[[bytes, Sequence[bytes], random.Random], bytes]


def _span(data: bytes, chance: random.Random, longest: int = 4000) -> tuple[int, int]:
    start = chance.randrange(len(data) + 1)
    size = chance.choice((1, 2, 8, 64, 512, longest))
    return start, min(len(data), start + chance.randrange(size + 1))


def flip(data: bytes, others: Sequence[bytes], chance: random.Random) -> bytes:
    """Change single bits and bytes."""
    made = bytearray(data)
    for _ in range(chance.choice((1, 1, 2, 8, 64, 400))):
        if made:
            at = chance.randrange(len(made))
            made[at] = (
                made[at] ^ (1 << chance.randrange(8))
                if chance.random() < 0.5
                else chance.choice((0, 0xFF, 0x22, 0x3C, chance.randrange(256)))
            )
    return bytes(made)


def cut(data: bytes, others: Sequence[bytes], chance: random.Random) -> bytes:
    """Cut off the end or the beginning."""
    at = chance.randrange(len(data) + 1)
    return data[:at] if chance.random() < 0.8 else data[at:]


def remove(data: bytes, others: Sequence[bytes], chance: random.Random) -> bytes:
    """Take a piece out."""
    start, end = _span(data, chance)
    return data[:start] + data[end:]


def repeat(data: bytes, others: Sequence[bytes], chance: random.Random) -> bytes:
    """Write a piece several times, there or elsewhere."""
    start, end = _span(data, chance)
    at = chance.choice((end, chance.randrange(len(data) + 1)))
    return data[:at] + data[start:end] * chance.choice((1, 1, 2, 5, 200)) + data[at:]


def splice(data: bytes, others: Sequence[bytes], chance: random.Random) -> bytes:
    """Put a piece of another file in."""
    other = chance.choice(others) if others else data
    start, end = _span(other, chance, 20_000)
    at, until = _span(data, chance)
    return data[:at] + other[start:end] + data[until if chance.random() < 0.5 else at :]


def numbers(data: bytes, others: Sequence[bytes], chance: random.Random) -> bytes:
    """Replace numbers by others that lie at some edge."""
    found = list(_NUMBER.finditer(data[:1_000_000]))
    for match in sorted(chance.sample(found, min(len(found), chance.choice((1, 1, 3, 20)))), key=lambda m: -m.start()):
        data = data[: match.start()] + chance.choice(_NUMBERS) + data[match.end() :]
    return data


def lines(data: bytes, others: Sequence[bytes], chance: random.Random) -> bytes:
    """Change the order of lines, double them, join them."""
    parts = data.split(b"\n")
    for _ in range(chance.choice((1, 1, 3, 10))):
        a, b = chance.randrange(len(parts)), chance.randrange(len(parts))
        what = chance.randrange(4)
        if what == 0:
            parts[a], parts[b] = parts[b], parts[a]
        elif what == 1:
            parts.insert(a, parts[b])
        elif what == 2 and len(parts) > 2:
            del parts[a]
        else:
            parts[a] = parts[a] + parts[b]
    return b"\n".join(parts)


def tokens_of(family: str) -> Change:
    """Return what puts words of the family in, or swaps them."""

    def tokens(data: bytes, others: Sequence[bytes], chance: random.Random) -> bytes:
        known = TOKENS[family] + _COMMON
        for _ in range(chance.choice((1, 1, 2, 6))):
            word = chance.choice(known)
            old = chance.choice(known)
            places = [m.start() for m in re.finditer(re.escape(old), data[:500_000])] if len(old) < 8 else []
            if places and chance.random() < 0.5:
                at = chance.choice(places)
                data = data[:at] + word + data[at + len(old) :]
            else:
                at = chance.randrange(len(data) + 1)
                data = data[:at] + word + data[at:]
        return data

    return tokens


def recode(data: bytes, others: Sequence[bytes], chance: random.Random) -> bytes:
    """Write the text in another encoding, or as two."""
    text = data.decode("utf-8", "replace")
    codec = chance.choice(("utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "windows-1251", "utf-7", "cp037"))
    made = text.encode(codec, "replace")
    return made if chance.random() < 0.7 else data[: len(data) // 2] + made[len(made) // 2 :]


def values(data: bytes, others: Sequence[bytes], chance: random.Random) -> bytes:
    """Replace values of a JSON document by others."""
    begin = data.find(b"=") + 1 if data.startswith(b"window.") else 0
    try:
        document = json.loads(data[begin:])
    except (ValueError, RecursionError):
        return flip(data, others, chance)
    for _ in range(chance.choice((1, 1, 3, 10))):
        where: Any = document
        for _depth in range(chance.randrange(1, 9)):
            if not isinstance(where, (dict, list)) or not where:
                break
            name = chance.choice(list(where)) if isinstance(where, dict) else chance.randrange(len(where))
            if isinstance(where[name], (dict, list)) and where[name] and chance.random() < 0.8:
                where = where[name]
                continue
            if chance.random() < 0.15:
                del where[name]
            else:
                where[name] = chance.choice(_JSON_VALUES)
            break
    return data[:begin] + json.dumps(
        document, ensure_ascii=chance.random() < 0.5, indent=chance.choice((None, 1))
    ).encode("utf-8", "replace")


def pages(data: bytes, others: Sequence[bytes], chance: random.Random) -> bytes:
    """Damage pages of a database: zero them, swap them, change what stands at their beginning, or the header of the file."""
    made = bytearray(data)
    size = int.from_bytes(made[16:18], "big") or 1024
    size = 65_536 if size == 1 else max(size, 512)
    count = max(1, len(made) // size)
    for _ in range(chance.choice((1, 1, 2, 5))):
        a, b = chance.randrange(count) * size, chance.randrange(count) * size
        what = chance.randrange(6)
        if what == 0:
            made[a : a + size] = bytes(size)
        elif what == 1 and a and b:
            made[a : a + size], made[b : b + size] = made[b : b + size], made[a : a + size]
        elif what == 2:
            for at in range(a + (100 if a == 0 else 0), min(a + 140, len(made))):
                if chance.random() < 0.1:
                    made[at] = chance.randrange(256)
        elif what == 3:
            made[chance.randrange(16, 100) % len(made)] = chance.randrange(256)
        elif what == 4:
            start = a + chance.randrange(size)
            made[start : start + 40] = chance.randbytes(40)
        elif a:
            made[a : a + size] = made[b : b + size]
    return bytes(made)


def rows(data: bytes, others: Sequence[bytes], chance: random.Random) -> bytes:
    """Put hostile values into a database by SQL, drop columns and tables, set views in their place."""
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as db:
        try:
            db.deserialize(data)
            db.text_factory = bytes
            db.execute("PRAGMA ignore_check_constraints = ON")
            names = [
                n.decode()
                for (n,) in db.execute(
                    "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
                )
            ]
            for _ in range(chance.choice((1, 2, 6))):
                table = chance.choice(names)
                columns = [c[1].decode() for c in db.execute(f'PRAGMA table_info("{table}")')]
                what = chance.random()
                if what < 0.8:
                    column, value = chance.choice(columns), chance.choice(_VALUES)
                    where = chance.choice(
                        (
                            "",
                            f" WHERE rowid % 3 = {chance.randrange(3)}",
                            " WHERE rowid = (SELECT max(rowid) FROM x)".replace("x", f'"{table}"'),
                        )
                    )
                    db.execute(f'UPDATE OR REPLACE "{table}" SET "{column}" = ?{where}', (value,))
                elif what < 0.88:
                    db.execute(f'ALTER TABLE "{table}" DROP COLUMN "{chance.choice(columns)}"')
                elif what < 0.94:
                    db.execute(f'DELETE FROM "{table}"')
                elif what < 0.97:
                    db.execute(f'DROP TABLE "{table}"')
                    shown = ", ".join(f'i AS "{c}"' for c in columns)
                    db.execute(
                        f'CREATE VIEW "{table}" AS WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c) SELECT {shown} FROM c'
                    )
                    names.remove(table)
                else:
                    db.execute(f'CREATE INDEX "i{chance.random()}" ON "{table}" (abs(1))')
            return db.serialize()
        except (sqlite3.Error, UnicodeError, IndexError, OverflowError):
            return pages(data, others, chance)


def members(data: bytes, others: Sequence[bytes], chance: random.Random) -> bytes:
    """Damage a part of a workbook and pack it anew."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as book:
            parts = {i.filename: book.read(i) for i in book.infolist() if i.file_size < LIMIT}
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, zlib.error, OSError, ValueError):
        return flip(data, others, chance)
    if not parts:
        return flip(data, others, chance)
    name = chance.choice(sorted(parts))
    change = chance.choice((flip, cut, remove, repeat, numbers, tokens_of("xml")))
    if chance.random() < 0.1:
        del parts[name]
    else:
        parts[name] = change(parts[name], others, chance)[:LIMIT]
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as book:
        for key, part in parts.items():
            book.writestr(zipfile.ZipInfo(key, (2025, 1, 1, 0, 0, 0)), part)
    return out.getvalue()


def inside(data: bytes, others: Sequence[bytes], chance: random.Random) -> bytes:
    """Damage what a compressed file holds and pack it anew."""
    try:
        plain = zlib.decompressobj().decompress(data, LIMIT)
    except zlib.error:
        return flip(data, others, chance)
    return zlib.compress(
        chance.choice((flip, cut, remove, repeat, numbers, values, tokens_of("json")))(plain, others, chance)[:LIMIT]
    )


_ALL: list[Change] = [flip, cut, remove, repeat, splice]


def changes_of(family: str) -> list[Change]:
    """Return the ways to damage a file of a family; the ones that keep its form stand several times."""
    if family == "sqlite":
        return [*_ALL, pages, pages, rows, rows, rows, rows]
    if family == "workbook":
        return [flip, cut, members, members, members, members]
    if family == "packed":
        return [flip, cut, inside, inside, inside, inside]
    usual: list[Change] = [*_ALL, numbers, numbers, lines, tokens_of(family), tokens_of(family), recode]
    return [*usual, values, values, values] if family == "json" else usual


def mutated(data: bytes, family: str, others: Sequence[bytes], chance: random.Random) -> bytes:
    """Return the file after one to four changes."""
    for _ in range(chance.choice((1, 1, 1, 2, 4))):
        change = chance.choice(changes_of(family))
        try:
            data = change(data, others, chance)[:LIMIT]
        except (
            RecursionError,
            ValueError,
            OverflowError,
            MemoryError,
        ):  # an empty database, or nested too deeply to be written again
            data = flip(data, others, chance)
    return data
