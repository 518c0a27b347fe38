"""The contract of :mod:`pipelines.readers.base`, held against every registered reader on files made in code.

A check that makes no sense for a format is skipped with the reason in :data:`SKIPPED`; ``pytest -rs`` prints them.
"""

from __future__ import annotations

import importlib
import json
import os
import random
import re
import sqlite3
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest

from pipelines.locate import open_record
from pipelines.readers import all_readers, recognise
from tests.collect import Collected
from tests.reader_contract import claims_of, facts, head, in_steps, read, rows_of
from tests.reader_examples import Example, examples
from tests.shared_data import ROOT

EXAMPLES = examples()
TEXTS = ("json", "xml", "html", "text", "table", "mail")
#: places at which a file is cut, of each example
CUTS = 110

_ROWID = "rows have the order of their row ids, which are unique"
_PEEK = "it takes the first bytes of the file in one read, and a stream of the store fills every read"
_PACKED = "a zip or zlib stream cannot be edited without writing it anew"
_ORDER = "the format is in the order of time, or a line belongs to the one before"
#: check -> family, format or example -> why it is not made
SKIPPED: dict[str, dict[str, str]] = {
    "double": {"sqlite": _ROWID, "workbook": _PACKED, "packed": _PACKED, "eml": "a mail behind a mail is text of the first"},
    "more": {"sqlite": _ROWID, "workbook": _PACKED, "packed": _PACKED, "eml": "one mail is one file",
             "google-voice-call": "one call is one file"},
    "reorder": {
        "sqlite": _ROWID, "workbook": _PACKED, "packed": _PACKED, "eml": "one mail is one file", "html": _ORDER,
        "google-hangouts": "a call is its start and its end, in this order", "whatsapp-txt": _ORDER, "line-txt": _ORDER,
        "signal-txt": _ORDER, "imessage-exporter-txt": _ORDER, "plaso-json": "a call is its start and its end, in this order",
        "xry-txt": "records are numbered blocks of lines", "ufed-xml": "elements are nested models",
        "vcard": "cards are blocks of lines", "mbox": "mails are blocks of lines",
        "gpx": "the points of the example are of three kinds, each within its parent", "sms-ie-lines": "", "sms-backup-xml-sms": "elements of several lines",
    },
    "encodings": {"sqlite": "a database is no text", "workbook": "a workbook is no text", "packed": "the text lies compressed"},
    "raw": {
        "android-backup-sms": _PEEK, "cdr": _PEEK, "line-txt": _PEEK, "snapchat": _PEEK,
        "workbook": _PEEK, "location-csv": _PEEK, "vk-archive": _PEEK, "x-archive": _PEEK, "xry-txt": _PEEK,
    },
    "marks": {"workbook": _PACKED, "packed": _PACKED, "whatsapp-ios-calls": "no content in the format",
              "vk-archive": "pages in windows-1251 cannot hold such marks",
              "cdr": "nothing is measured of a list of calls", "eml": "the marks lie in encoded parts"},
    "view": {"leapp-lava": "its tables are known by their columns: a view among them is passed over, and counted in a note"},
}  # fmt: skip
#: what a reader is known to do against the contract: the test fails as soon as it is mended, and the line must go
KNOWN: dict[tuple[str, str], str] = {}


def skip(check: str, example: Example) -> None:
    """Skip a check that is declared to make no sense for a format."""
    table = SKIPPED[check]
    for key in (example.id, example.reader, example.family):
        if table.get(key):
            pytest.skip(f"{check}, {example.id}: {table[key]}")


def every(*families: str, check: str = "") -> pytest.MarkDecorator:
    """Run a check for every example, or those of some families."""

    def marks(example: Example) -> tuple[pytest.MarkDecorator, ...]:
        known = KNOWN.get((check, example.id))
        return (pytest.mark.xfail(reason=known, strict=True),) if known else ()

    chosen = [e for e in EXAMPLES if not families or e.family in families]
    return pytest.mark.parametrize("example", [pytest.param(e, id=e.id, marks=marks(e)) for e in chosen])


def whole(example: Example) -> Collected:
    """Read the example as it is, which must work."""
    out = read(example, example.source(), stored=True)
    assert isinstance(out, Collected), out
    return out


def key(out: Collected, *more: str) -> Counter[tuple[Any, ...]]:
    """Return what a row says, whatever its number and place."""
    return Counter(facts(out, "local_time", "kind", "list", "identifier", *more))


# -- examples


def test_every_reader_has_an_example() -> None:
    readers, shown = set(all_readers()), {e.reader for e in EXAMPLES}
    assert readers - shown == set(), "add them to tests/reader_examples.py"
    assert shown - readers == set()


def test_skips_name_formats_that_are_there() -> None:
    known = {e.id for e in EXAMPLES} | {e.reader for e in EXAMPLES} | {e.family for e in EXAMPLES}
    for check, table in SKIPPED.items():
        assert set(table) <= known, check


@every()
def test_the_example_is_whole_and_holds_content(example: Example) -> None:
    out = whole(example)
    assert out.kept >= (1 if example.single else example.records // 2)
    data = example.data()
    forms = [example.secret.encode(c, "ignore") for c in ("utf-8", "utf-16-le", "windows-1251")]
    forms.append(json.dumps(example.secret).strip('"').encode())
    forms.append(forms[-1].replace(b"\\", b"\\\\"))
    if example.family not in ("workbook", "packed") and example.secret:
        assert any(f in data for f in forms)


# -- recognition


@every()
def test_known_by_its_reader_and_by_no_other_as_surely(example: Example) -> None:
    claims = claims_of(example.source(), example.data())
    assert example.reader in claims
    mine = claims.pop(example.reader)
    assert 1 <= mine.sure <= 100 and mine.reason
    assert example.secret == "" or example.secret not in mine.reason
    assert all(c.sure < mine.sure for c in claims.values()), claims
    # the first bytes alone, with nothing to open, may be too little, and are never another's
    for size in (0, 1, 16, 100, 1000):
        short = example.data()[:size]
        others = [c for n, c in claims_of(example.source(short), short).items() if n != example.reader]
        assert all(c.sure < 100 for c in others)


@pytest.mark.parametrize("reader", sorted(all_readers()))
def test_empty_and_random_files(reader: str) -> None:
    example = next(e for e in EXAMPLES if e.reader == reader)
    chance = random.Random(reader)
    begins = (
        b"",
        b"",
        b"SQLite format 3\0",
        b"PK\x03\x04",
        b"{",
        b"[",
        b"<?xml",
        b"<html>",
        b"\xff\xfe",
        b"From ",
        b"BEGIN:VCARD\n",
    )
    files = [
        b"",
        b"\0",
        b"\n",
        b" " * 5000,
        b"\0" * 5000,
        b"\xff" * 70_000,
        b"{}",
        b"[]",
        b"<a/>",
        b"<a>" * 20_000,
        b"[" * 70_000,
    ]
    files += [begin + chance.randbytes(size) for begin in begins for size in (20, 3000)]
    for data in files:
        source = example.source(data)
        all_readers()[reader].recognise(head(source, data))
        out = read(example, source, "")
        if data == b"":
            assert isinstance(out, str) or out.records == 0


# -- the same rows, however read


@every()
def test_twice_the_same(example: Example) -> None:
    first, second = whole(example), whole(example)
    assert first.__dict__ | {"companions": 0, "_store": 0} == second.__dict__ | {"companions": 0, "_store": 0}


_DIGEST = """
import hashlib, sys
from tests.reader_contract import read, said
from tests.reader_examples import examples
for e in examples():
    out = read(e, e.source())
    print(e.id, hashlib.sha256((out if isinstance(out, str) else said(out)).encode()).hexdigest())
"""


def test_the_same_in_another_process_with_another_order_of_sets_locale_and_zone() -> None:
    def digests(seed: str, **more: str) -> str:
        env = {**os.environ, "PYTHONHASHSEED": seed, **more}
        done = subprocess.run(
            [sys.executable, "-c", _DIGEST], cwd=ROOT, env=env, capture_output=True, text=True, check=True
        )
        return done.stdout

    assert digests("1", TZ="Asia/Almaty", LC_ALL="C") == digests("2", TZ="America/New_York", LC_ALL="C.UTF-8")


@every()
@pytest.mark.parametrize("step", [1, 7, 4096])
def test_streams_that_give_little_at_a_time(example: Example, step: int) -> None:
    usual = whole(example)
    out = read(example, in_steps(example.source(), example.data(), step, filled=True))
    assert isinstance(out, Collected), out
    assert _told(out) == _told(usual)


@every()
@pytest.mark.parametrize("step", [1, 7, 4096])
def test_streams_that_do_not_fill_a_read(example: Example, step: int) -> None:
    skip("raw", example)
    usual = whole(example)
    out = read(example, in_steps(example.source(), example.data(), step))
    assert isinstance(out, Collected), out
    assert _told(out) == _told(usual)


def _place(row: dict[str, Any]) -> tuple[int, int]:
    return row["n"], row["sub"]


def _told(out: Collected) -> tuple[Any, ...]:
    return (
        sorted(out.event_rows, key=_place),
        sorted(out.position_rows, key=_place),
        out.listed_rows,
        out.rejects,
        out.notes,
        out.covers,
        out.owners,
        out.scoped_out,
    )


#: sizes of blocks, of which none may matter: module, name
BLOCKS = [
    ("_sqlite", "BLOCK_ROWS"), ("_chat_rows", "CHUNK_ROWS"), ("_rows", "CHUNK_ROWS"), ("_html", "BLOCK_BYTES"),
    ("_mail", "BLOCK_BYTES"), ("_sheets", "_BLOCK"), ("_android_json", "_CHUNK"), ("plaso_json", "_BLOCK"), ("vcard", "_BLOCK"),
    ("_xml_bytes", "BLOCK"), ("sms_backup_xml", "CHUNK"), ("_whatsapp_lines", "READ_BYTES"),
]  # fmt: skip


@every()
@pytest.mark.parametrize("size", [1, 3])
def test_sizes_of_blocks_do_not_matter(example: Example, size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    usual = whole(example)
    for module, name in BLOCKS:
        found = importlib.import_module(f"pipelines.readers.{module}")
        assert isinstance(getattr(found, name), int)
        monkeypatch.setattr(found, name, size)
    out = read(example, example.source())
    assert isinstance(out, Collected), out
    assert _told(out) == _told(usual)


# -- damage


def cuts(data: bytes, family: str) -> Iterator[int]:
    """Yield where a file is cut: at ends of lines, at pages, and at many places in between."""
    places = {0, 1, 2, 3, 4, 15, 16, 99, 100, 101, len(data) - 1, len(data) - 2}
    if family == "sqlite":
        places |= set(range(0, len(data), 1024))
        room = 60
    else:
        ends = [m.start() for m in re.finditer(rb"\n|\}|>", data)]
        places |= {p + d for p in ends[:: max(1, len(ends) // 30)] for d in (0, 1)}
        room = CUTS
    places |= set(range(0, len(data), max(1, len(data) // room)))
    yield from sorted(p for p in places if 0 <= p < len(data))


@every(check="cut")
def test_cut_anywhere(example: Example) -> None:
    full = whole(example)
    data = example.data()
    database = example.family == "sqlite"
    names = ("record", "local_time", "kind", "list") if database else ("n", "sub", "local_time", "kind", "list")
    everything = set(facts(full, *names))
    all_n = sorted({row["n"] for _, row in rows_of(full)})
    for end in cuts(data, example.family):
        out = read(example, example.source(data[:end]))
        if isinstance(out, str):
            continue
        found = set(facts(out, *names))
        assert found <= everything, (end, sorted(found - everything, key=repr)[:3])
        if not database and (kept := {row["n"] for _, row in rows_of(out)}):
            ended = kept | {n for n, _, _ in out.rejects}
            missing = [n for n in all_n if n < max(kept) and n not in ended]
            assert not missing, (end, missing)


@every()
def test_flipped_bytes(example: Example) -> None:
    data = example.data()
    chance = random.Random(example.id)
    for _ in range(40 if example.family == "sqlite" else 60):
        hurt = bytearray(data)
        for _ in range(chance.choice((1, 1, 4, 40))):
            hurt[chance.randrange(len(hurt))] = chance.choice((0, 0x22, 0x3C, 0x7B, 0xFF, chance.randrange(256)))
        read(example, example.source(bytes(hurt)), damaged=True)


# -- twice as much


@every()
def test_the_file_behind_itself(example: Example) -> None:
    skip("double", example)
    once = whole(example)
    out = read(example, example.source(example.data() * 2))
    if isinstance(out, str):
        return
    names = ("n", "sub", "local_time", "kind", "list")
    assert set(facts(once, *names)) <= set(facts(out, *names)), "rows of the first half are lost"
    if out.kept + out.scoped_out < 2 * (once.kept + once.scoped_out):
        more = len(out.rejects) > len(once.rejects) or len(out.notes) > len(once.notes)
        assert more, "the second half is passed over in silence"


def _longest(value: Any, path: tuple[Any, ...] = ()) -> tuple[int, tuple[Any, ...]]:
    """Return the path of the longest list of objects."""
    best: tuple[int, tuple[Any, ...]] = (0, ())
    if isinstance(value, list) and all(isinstance(v, (dict, list)) for v in value):
        best = (len(value), path)
    if isinstance(value, (dict, list)):
        pairs = value.items() if isinstance(value, dict) else enumerate(value)
        best = max([best, *(_longest(inner, (*path, name)) for name, inner in pairs)], key=lambda b: b[0])
    return best


def edited(example: Example, change: Callable[[list[Any]], list[Any]]) -> bytes:
    """Return the file with the list of its records changed."""
    data = example.data()
    if example.family == "json" and example.id not in _LINES:
        begin = data.index(b"=") + 1 if data.startswith(b"window.") else 0
        document = json.loads(data[begin:])
        _, path = _longest(document)
        inner = document
        for step in path[:-1]:
            inner = inner[step]
        if path:
            inner[path[-1]] = change(inner[path[-1]])
        else:
            document = change(document)
        return data[:begin] + json.dumps(document, ensure_ascii=False, indent=1).encode()
    begin, end = _BODY.get(example.id, _BODY.get(example.reader, (1, 0)))
    lines = data.splitlines(keepends=True)
    if isinstance(begin, bytes):
        pieces = re.split(b"(?=" + begin + b")", data)
        first = pieces[0]
        records = pieces[1:]
        last = b""
        if end:
            tail = records[-1].rindex(end)
            records[-1], last = records[-1][:tail], records[-1][tail:]
        return first + b"".join(change(records)) + last
    return b"".join([*lines[:begin], *change(lines[begin : len(lines) - end]), *lines[len(lines) - end :]])


#: examples of JSON that are one value a line
_LINES = {"sms-ie-lines", "plaso-json", "owntracks"}
#: lines before the records and after them; or what a record begins with, and what stands behind the last
_BODY: dict[str, tuple[Any, Any]] = {
    "axiom-csv": (1, 0), "cdr": (3, 0), "cellebrite-xlsx-csv": (rb"\r\n1,", 0), "sms-ie-lines": (0, 0), "plaso-json": (0, 0), "signal-txt": (0, 0),
    "whatsapp-txt": (0, 0), "line-txt": (4, 0), "imessage-exporter-txt": (0, 0), "vcard": (0, 0), "mbox": (0, 0),
    "sms-backup-xml": (rb"  <(?:sms|mms|call) ", b"</smses>"), "sms-backup-xml-calls": (rb"  <call ", b"</calls>"),
    "gpx": (rb"<trkpt ", b"</trkseg>"), "telegram-html": (rb'<div class="message default', b"</div></div></div></body>"),
    "vk-archive": (rb'<div class="item">', b"</div></body>"), "vkopt-html": (rb'<div id="msg0"', b"<hr>"),
    "kml": (rb"<Placemark>", b"</Document>"), "geolife-plt": (6, 0), "owntracks": (0, 0),
    "google-voice": (rb'<div class="message">', b'</div><div class="tags">'), "ufed-xml": (rb'\n<model type="Call"', b"\n</modelType>"),
    "xry-txt-utf-16": (rb"C\0a\0l\0l\0s\0 \0#\0", 0),
}  # fmt: skip


@every()
def test_records_that_stand_there_twice_are_two_records(example: Example) -> None:
    skip("more", example)
    once = whole(example)
    out = read(example, example.source(edited(example, lambda records: records * 2)))
    assert isinstance(out, Collected), out
    grown = key(out)
    single = key(once)
    # everything that was there is there still, and what the list of records gave is there twice
    assert single <= grown
    missing = {row: n for row, n in single.items() if grown[row] < 2 * n}
    apart = sum((once.records, out.scoped_out + len(out.rejects))) and out.records - once.records
    assert apart > 0
    doubled = sum(n for row, n in grown.items()) - sum(single.values())
    lost = (out.scoped_out - once.scoped_out) + (len(out.rejects) - len(once.rejects))
    assert doubled + lost >= apart, (doubled, lost, apart, list(missing)[:3])


@every()
def test_the_order_of_records_does_not_matter(example: Example) -> None:
    skip("reorder", example)
    once = whole(example)
    out = read(example, example.source(edited(example, lambda records: records[::-1])))
    assert isinstance(out, Collected), out
    names = ("size", "duration_s", "direction", "sender", "lat", "attachment", "answered")
    assert key(out, *names) == key(once, *names)


# -- spellings of a text


def _spelled(example: Example) -> Sequence[tuple[str, bytes]]:
    data = example.data()
    codec = (
        "utf-16"
        if data.startswith((b"\xff\xfe", b"\xfe\xff"))
        else "windows-1251"
        if example.reader == "vk-archive"
        else "utf-8-sig"
    )
    text = data.decode(codec)
    middle = max(text.find(example.secret, len(text) // 2), 0) + 2  # within content
    declared = lambda name: re.sub(r"""(encoding|charset)=(["'])[\w-]+""", rf"\1=\2{name}", text, count=1)  # noqa: E731
    unix = text.replace("\r\n", "\n")
    return (
        ("UTF-8", declared("UTF-8").encode()), ("mark", declared("UTF-8").encode("utf-8-sig")),
        ("UTF-16 LE", b"\xff\xfe" + declared("UTF-16").encode("utf-16-le")), ("UTF-16 BE", b"\xfe\xff" + declared("UTF-16").encode("utf-16-be")),
        ("UTF-16 without mark", text.encode("utf-16-le")), ("UTF-32", text.encode("utf-32")),
        ("CRLF", unix.replace("\n", "\r\n").encode(codec)), ("LF", unix.encode(codec)), ("CR", unix.replace("\n", "\r").encode(codec)),
        ("NUL", (text[:middle] + "\0" + text[middle:]).encode(codec)), ("NUL at the end", (text + "\0" * 600).encode(codec)),
        ("wrong byte", text[:middle].encode(codec) + b"\xff" + text[middle:].encode(codec.replace("-sig", "").replace("utf-16", "utf-16-le"))),
        ("blank lines", b"\n\n" + data if codec != "utf-16" else data),
    )  # fmt: skip


@every(*TEXTS)
def test_other_spellings_give_the_same_rows_or_say_so(example: Example) -> None:
    skip("encodings", example)
    usual = whole(example)
    for name, data in _spelled(example):
        source = example.source(data)
        known = example.reader in claims_of(source, data)
        out = read(example, source)
        if isinstance(out, str) or not known:  # refused in a sentence, or a file that nobody knows: both are shown
            continue
        lost = key(usual) - key(out)
        if sum(lost.values()):
            more = len(out.rejects) > len(usual.rejects) or out.notes != usual.notes
            assert more, (name, list(lost)[:3])
        if name in ("UTF-8", "mark", "LF", "CRLF"):
            assert not lost, (name, list(lost)[:3])


MARKS = "\u200e\u202f\u202e\u2068\ufeff"


@every()
def test_marks_of_direction_in_the_content(example: Example) -> None:
    skip("marks", example)
    usual = whole(example)
    word = example.secret + MARKS
    data = example.data()
    if example.family == "sqlite":
        with sqlite3.connect(":memory:") as db:
            db.deserialize(data)
            for (table,) in db.execute(
                "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
            ).fetchall():
                for column in db.execute(f'PRAGMA table_info("{table}")').fetchall():
                    db.execute(f'UPDATE "{table}" SET "{column[1]}" = replace("{column[1]}", ?, ?) WHERE typeof("{column[1]}") = \'text\'',
                               (example.secret, word))  # fmt: skip
            db.commit()
            data = db.serialize()
    else:
        codec = "utf-16" if data.startswith(b"\xff\xfe") else "utf-8"
        plain = example.secret.encode(codec if codec == "utf-8" else "utf-16-le")
        marked = word.encode(codec if codec == "utf-8" else "utf-16-le")
        escaped = [json.dumps(w).strip('"').encode() for w in (example.secret, word)]
        data = data.replace(plain, marked) if plain in data else data.replace(*escaped)
    assert data != example.data()
    out = read(example, example.source(data))
    assert isinstance(out, Collected), out
    assert key(out, "direction", "sender", "thread_id") == key(usual, "direction", "sender", "thread_id")


# -- locators


@every()
def test_every_locator_opens_its_record_and_hides_its_content(example: Example) -> None:
    out = whole(example)
    source = example.source()
    seen: dict[str, bytes] = {}
    for n, record in sorted({(row["n"], row["record"]) for _, row in rows_of(out)}):
        raw = open_record(source, record, example.reader, n)
        assert raw.data and raw.complete
        assert not example.secret or example.secret not in raw.masked, record
        if raw.start is not None and example.family not in ("packed", "workbook", "sqlite"):
            assert example.data()[raw.start : raw.end] == raw.data
        again = open_record(in_steps(source, example.data(), 7), record, example.reader, n)
        assert again.data == raw.data
        assert seen.setdefault(record, raw.data) == raw.data
    assert len(seen) == out.kept, "two records have one locator"
    for n, record, _ in out.rejects:
        assert open_record(source, record, example.reader, n).record == record


@every()
def test_a_record_that_was_opened_is_the_record_that_was_read(example: Example) -> None:
    """The time of a row stands in the bytes that its locator opens: no two records of the examples are alike."""
    out = whole(example)
    if example.single or example.family == "workbook":
        pytest.skip("one record in the file" if example.single else "a row of a workbook is shown cell by cell")
    source = example.source()
    rows = [row for _, row in rows_of(out)]
    times = {row["record"]: row["local_time"] for row in rows}
    texts = {record: open_record(source, record, example.reader).data for record in times}
    assert len(set(texts.values())) == len(texts)


# -- databases that somebody prepared


@every("sqlite")
def test_a_view_in_the_place_of_a_table_is_never_run(example: Example) -> None:
    skip("view", example)
    usual = whole(example)
    with sqlite3.connect(":memory:") as db:
        db.deserialize(example.data())
        tables = [
            t for (t,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")
        ]
    refused = 0
    for table in tables:
        with sqlite3.connect(":memory:") as db:
            db.deserialize(example.data())
            columns = [c[1] for c in db.execute(f'PRAGMA table_info("{table}")')]
            db.execute(f'DROP TABLE "{table}"')
            # a view that never ends
            first = ", ".join(f'i AS "{c}"' for c in columns)
            db.execute(
                f'CREATE VIEW "{table}" AS WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c) SELECT {first} FROM c'
            )
            db.commit()
            data = db.serialize()
        out = read(example, example.source(data))
        if isinstance(out, str):
            refused += 1
            assert example.reader in claims_of(example.source(data), data) or "missing" in out or table in out
            continue
        assert set(facts(out, "record")) <= set(facts(usual, "record"))
    assert refused, "no table of the database is needed"


@every("sqlite")
def test_values_of_every_type_in_every_column(example: Example) -> None:
    values: list[Any] = [
        None,
        -1,
        0,
        2**63 - 1,
        -(2**63),
        1e308,
        float("inf"),
        "",
        "x" * 5000,
        "\ud7ff\0",
        b"\xff\0",
        "1",
        " 12 ",
        "1e5",
    ]
    with sqlite3.connect(":memory:") as db:
        db.deserialize(example.data())
        tables = [
            t for (t,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")
        ]
        columns = [(t, c[1]) for t in tables for c in db.execute(f'PRAGMA table_xinfo("{t}")') if c[6] == 0]
    for k, (table, column) in enumerate(columns):
        with sqlite3.connect(":memory:") as db:
            db.deserialize(example.data())
            for place, (rowid,) in enumerate(db.execute(f'SELECT rowid FROM "{table}"').fetchall()):
                try:
                    db.execute(
                        f'UPDATE "{table}" SET "{column}" = ? WHERE rowid = ?',
                        (values[(place + k) % len(values)], rowid),
                    )
                except sqlite3.Error:
                    continue
            db.commit()
            data = db.serialize()
        read(example, example.source(data))


@every("json")
def test_values_of_every_kind_under_every_key(example: Example) -> None:
    values: list[Any] = [
        None,
        True,
        -1,
        2**70,
        1e308,
        "",
        "x" * 3000,
        "\ud800",
        [],
        {},
        [[]],
        {"a": {}},
        "2024-13-45T99:99:99Z",
        -1e18,
        "\0",
        "1" * 400,
    ]
    data = example.data()
    begin = data.index(b"=") + 1 if data.startswith(b"window.") else 0
    lines = example.id in _LINES
    first = data[: data.index(b"{")] if lines else b""  # what stands before the value of a line
    document = [json.loads(line[len(first) :]) for line in data.splitlines()] if lines else json.loads(data[begin:])
    places: list[tuple[Any, Any]] = []

    def walk(value: Any, depth: int = 0) -> None:
        for name, inner in list(value.items()) if isinstance(value, dict) else list(enumerate(value))[:2]:
            places.append((value, name))
            if isinstance(inner, (dict, list)) and depth < 7:
                walk(inner, depth + 1)

    walk(document)
    for k, (where, name) in enumerate(places):
        kept = where[name]
        for j in range(3 if len(places) < 80 else 2):
            where[name] = values[(k * 5 + j * 7) % len(values)]
            if lines:
                made = b"".join(first + json.dumps(d).encode() + b"\n" for d in document)
            else:
                made = data[:begin] + json.dumps(document).encode()
            read(example, example.source(made))
        where[name] = kept


# -- what the masks and the words say


def test_descriptions_are_whole() -> None:
    for name, reader in all_readers().items():
        d = reader.description
        assert d.id == name and re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", name)
        assert d.version >= 1 and d.title and d.channels and d.counts and d.knowledge and d.cannot_tell
        assert d.evidence in ("real sample", "public code", "documentation")
        assert d.call_start in ("ringing", "answer", "unknown") and d.clock_s >= 0 and d.duration_step_s >= 1
        assert len({o.key for o in d.options}) == len(d.options)


def test_verdicts_over_all_examples() -> None:
    for example in EXAMPLES:
        claims, verdict = recognise(head(example.source(), example.data()))
        assert (verdict, claims[0][0]) == ("known", example.reader)
