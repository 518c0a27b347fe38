"""Opening records: every locator against a plain reading of the same file, masking, hostile files, and no content in sight."""

from __future__ import annotations

import io
import json
import re
import time
import tracemalloc
import zipfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from pipelines.locate import RECORD_LIMIT, VALUE_LIMIT, LocateError, RawRecord, harmless, open_record
from pipelines.masking import plain_text
from pipelines.readers import all_readers, recognise
from pipelines.readers.base import Head, SourceFile, Unreadable, Waiting
from tests.collect import Collected, collect, context, source_of
from tests.shared_data import ROOT, SHARED, sample


def opened(data: bytes, record: str, fmt: str = "none") -> RawRecord:
    return open_record(source_of(data, "file"), record, fmt)


def missing(data: bytes, record: str, fmt: str = "none") -> str:
    with pytest.raises(LocateError) as caught:
        opened(data, record, fmt)
    return str(caught.value)


#: the result must not depend on how much is read at a time
BLOCKS = st.sampled_from([1, 2, 3, 7, 64, 1 << 20])


# -- harmless


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain Қорған 👩‍👩‍👧\n\tз", "plain Қорған 👩‍👩‍👧\n\tз"),
        ("\x1b[31mred\x07", "\\x1b[31mred\\x07"),
        ("\x9b31m", "\\x9b31m"),
        ("a\rb\x00\x7f", "a\\x0db\\x00\\x7f"),
        ("abc\u202egpj.exe", "abc\\u202egpj.exe"),
        ("a\u200bb\ufeff\u2066", "a\\u200bb\\ufeff\\u2066"),
        ("\ud83d", "\\ud83d"),
        ("\U000e0041", "\\U000e0041"),
        ("\u2028", "\\u2028"),
    ],
)
def test_harmless(text: str, shown: str) -> None:
    assert harmless(text) == shown


@given(st.text(st.characters()))
def test_harmless_leaves_nothing_that_acts(text: str) -> None:
    shown = harmless(text, lines=False)
    assert not any(
        ord(c) < 32 or 0x7F <= ord(c) < 0xA0 or 0xD800 <= ord(c) < 0xE000 or 0x202A <= ord(c) < 0x202F for c in shown
    )
    shown.encode("utf-8")
    assert harmless(shown) == shown


# -- lines and bytes


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.text("ab\rж", max_size=5), max_size=8),
    st.booleans(),
    st.sampled_from(["utf-8", "utf-16"]),
    BLOCKS,
    st.data(),
)
def test_lines_equal_a_split(lines: list[str], ended: bool, codec: str, block: int, data: st.DataObject) -> None:
    text = "\n".join(lines) + ("\n" if ended else "")
    raw = text.encode(codec)
    plain = text.encode().split(b"\n")
    if not plain[-1]:
        plain.pop()
    first = data.draw(st.integers(1, 10))
    last = data.draw(st.integers(first, 11))
    record = f"line:{first}" if first == last else f"lines:{first}-{last}"
    if first > len(plain):
        assert "no such record" in missing(raw, record)
        return
    with patch("pipelines.locate.BLOCK_BYTES", block):
        found = opened(raw, record)
    kept = found.data.removeprefix(b"\xef\xbb\xbf")
    assert (kept.removesuffix(b"\n") if last > len(plain) else kept) == b"\n".join(plain[first - 1 : last])
    if codec == "utf-8":
        assert found.start is not None and raw[found.start : found.end] == found.data
    else:
        assert (found.start, found.end) == (None, None)


def test_lines_in_a_big_file_and_in_an_archive(tmp_path: Path) -> None:
    text = b"".join(b"%d: some words of a line\n" % k for k in range(1, 200_001))
    assert opened(text, "line:150001").data == b"150001: some words of a line"
    with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("m.txt", text)

    def member() -> Any:
        return zipfile.ZipFile(tmp_path / "a.zip").open("m.txt")

    source = SourceFile("0" * 12, "m.txt", "a.zip", len(text), member, None)
    assert open_record(source, "lines:199999-200000", "x").data == b"".join(text.splitlines(keepends=True)[-2:])[:-1]
    assert open_record(source, "bytes:3-9", "x").data == text[3:9]


def test_bytes() -> None:
    found = opened(b"0123456789", "bytes:2-5")
    assert (found.data, found.start, found.end, found.complete) == (b"234", 2, 5, True)
    assert opened(b"0123456789", "bytes:8-15").complete is False
    for record in ("bytes:10-12", "bytes:5-5", "bytes:6-5"):
        assert "no such record" in missing(b"0123456789", record)


def test_long_records_are_cut_and_say_so() -> None:
    found = opened(b"x" * (RECORD_LIMIT + 10) + b"\nb\n", "lines:1-2")
    assert (len(found.data), found.left_out) == (RECORD_LIMIT, 12)
    assert found.text.endswith("‹12 bytes not shown›")
    assert found.masked == f"‹{RECORD_LIMIT + 12} characters›"


# -- what is no locator


@pytest.mark.parametrize(
    "record",
    [
        "", "line:", "line:0", "line:-1", "line:1-2", "lines:3", "line:1 ", "lines:1-2-3", "bytes:1", "json:a", "json:x/1",
        "xml:", "xml:smses", "xml:/a[0]", "xml:/a[x]", "xml:/a//b", "line:" + "9" * 5000, "lines:5-4", "QORGAN:1", "line:١",
    ],
)  # fmt: skip
def test_what_is_no_locator(record: str) -> None:
    assert len(missing(b"abc\n" * 9, record)) < 400


@pytest.mark.parametrize(
    ("record", "words"),
    [
        ("sql:message/4711", "no SQLite database"),
        ("cell:Sheet1!12", "the workbook is broken"),
        ("mail:17", "no locator"),
    ],
)
def test_locators_of_files_of_another_kind(record: str, words: str) -> None:
    assert words in missing(b"abc", record)


def test_the_error_names_file_and_record_and_is_harmless() -> None:
    source = SourceFile("0" * 12, "a\x1b[2J.txt", "b.zip", 3, lambda: io.BytesIO(b"abc"), None)
    with pytest.raises(LocateError) as caught:
        open_record(source, "line:7", "x")
    assert str(caught.value) == "b.zip!a\\x1b[2J.txt, record line:7: there is no such record"

    def gone() -> Any:
        raise FileNotFoundError(2, "secret")

    with pytest.raises(LocateError, match=r"cannot be read \(FileNotFoundError\)"):
        open_record(SourceFile("0" * 12, "a", None, 3, gone, None), "line:1", "x")


# -- xml

NAMES = st.sampled_from(["sms", "mms", "a:sms", "part", "x"])
VALUES = st.text("ab>/ 'ж&<\n", max_size=12)
SPACE = st.sampled_from(["", " ", "\n\t"])


@st.composite
def elements(draw: st.DrawFn, depth: int = 3) -> str:
    """Random XML with everything that could be taken for a tag where there is none."""
    name = draw(NAMES)
    attributes = ""
    for key in draw(st.lists(st.sampled_from(["p", "q", "r"]), unique=True, max_size=3)):
        value = draw(VALUES).replace("&", "&amp;").replace("<", "&lt;")
        quote = draw(st.sampled_from("\"'"))
        attributes += (
            f" {key}{draw(SPACE)}={quote}{value.replace(quote, '&quot;' if quote == chr(34) else '&apos;')}{quote}"
        )
    attributes += draw(SPACE)
    if draw(st.booleans()):
        return f"<{name}{attributes}/>"
    junk = ["<!-- <sms> -->", "<?pi <sms/> ?>", "<![CDATA[<sms>]]]>", "text &amp; > text", " "]
    children = draw(st.lists(st.one_of(elements(depth - 1), st.sampled_from(junk)), max_size=4)) if depth else []
    return f"<{name}{attributes}>{''.join(children)}</{name}{draw(SPACE)}>"


def paths(element: Any, before: str) -> list[tuple[str, Any]]:
    counts: dict[str, int] = {}
    found = []
    for child in element.iterchildren(tag=etree.Element):
        name = etree.QName(child).localname
        counts[name] = counts.get(name, 0) + 1
        path = f"{before}/{name}[{counts[name]}]"
        found += [(path, child), *paths(child, path)]
    return found


@settings(max_examples=120, deadline=None)
@given(st.lists(elements(), max_size=4), st.sampled_from(["utf-8", "utf-16"]), BLOCKS)
def test_xml_equals_a_parser(parts: list[str], codec: str, block: int) -> None:
    text = f"<!DOCTYPE r [<!ELEMENT r ANY><!-- ]> <r> -->]><?x <r> ?><r xmlns:a='urn:a'>{''.join(parts)}</r>"
    raw = text.encode(codec)
    root = etree.fromstring(text)
    known = paths(root, "xml:/r")
    for path, element in known:
        with patch("pipelines.locate.BLOCK_BYTES", block):
            found = opened(raw, path)
        assert found.complete
        mine = etree.fromstring(f"<w xmlns:a='urn:a'>{found.data.decode()}</w>")[0]
        theirs = etree.fromstring(etree.tostring(element, with_tail=False))
        assert etree.tostring(mine, method="c14n") == etree.tostring(theirs, method="c14n")
        if codec == "utf-8":
            assert raw[found.start : found.end] == found.data
    with patch("pipelines.locate.BLOCK_BYTES", block):
        assert "no such record" in missing(raw, "xml:/r/sms[99]")
    assert "no such record" in missing(raw, "xml:/other/sms[1]")
    assert "no such record" in missing(raw, f"{known[-1][0] if known else 'xml:/r'}/nothing[1]")


def test_xml_shows_the_bytes_of_broken_references_and_masks_by_readable_length() -> None:
    data = b'<?xml version="1.0"?><smses>\n<sms address="+77010000002" date="1759500000000" body="&#55357;&#56838; &amp; \xd0\xb6&#0;"/></smses>'
    found = opened(data, "xml:/smses/sms[1]", "sms-backup-xml")
    assert found.data == data[data.index(b"<sms ") : data.index(b"</smses>")]
    assert found.masked == '<sms address="+77010000002" date="1759500000000" body="‹6 characters›"/>'
    assert plain_text("&#55357;&#56838;&#xD83D;&#x1F600;&lt;") == "\U0001f606\ufffd\U0001f600<"


def test_xml_long_attributes_are_cut_not_held() -> None:
    size = 40_000_000

    class Picture(io.RawIOBase):
        def __init__(self) -> None:
            self.parts = iter([
                b'<smses><mms date="1"><part seq="0" data="', *[b"QUJD" * 25_000] * (size // 100_000), b'" ct="image/jpeg"/>',
                b'<part text="short"/></mms><sms body="next"/></smses>',
            ])  # fmt: skip

        def readable(self) -> bool:
            return True

        def seekable(self) -> bool:
            return False

        def read(self, size: int = -1) -> bytes:
            return next(self.parts, b"")

    source = SourceFile("0" * 12, "f", None, size, Picture, None)  # type: ignore[arg-type]
    tracemalloc.start()
    found = open_record(source, "xml:/smses/mms[1]", "sms-backup-xml")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 12_000_000
    assert len(found.data) < VALUE_LIMIT + 200
    assert found.left_out == size - VALUE_LIMIT
    assert f"‹{size - VALUE_LIMIT} bytes not shown›" in found.text
    assert found.masked.split("\n") == [
        '<mms date="1">',
        f' <part seq="0" data="‹{size} characters›" ct="image/jpeg"/>',
        ' <part text="‹5 characters›"/>',
    ]
    assert open_record(source, "xml:/smses/sms[1]", "sms-backup-xml").data == b'<sms body="next"/>'


def test_xml_cut_off() -> None:
    data = b'<smses><sms date="1"/><mms date="2"><part text="QORGANMARKER"/><part te'
    found = opened(data, "xml:/smses/mms[1]", "sms-backup-xml")
    assert (found.complete, found.data) == (False, data[22:])
    assert "QORGANMARKER" not in found.masked
    found = opened(b'<smses><sms date="1" body="QORGANMARKER', "xml:/smses/sms[1]", "sms-backup-xml")
    assert not found.complete and "QORGANMARKER" not in found.masked
    assert "no such record" in missing(b"<smses><sm", "xml:/smses/sms[1]")
    assert "no such record" in missing(b"", "xml:/smses/sms[1]")


def test_xml_nesting_and_entities_do_no_harm() -> None:
    deep = b"<r>" + b"<a>" * 100_000
    assert opened(deep, "xml:/r/a[1]", "gpx").complete is False
    bomb = b'<!DOCTYPE r [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><r><x y="&b;">&b;</x></r>'
    found = opened(bomb, "xml:/r/x[1]", "gpx")
    assert found.data == b'<x y="&b;">&b;</x>'
    assert "&b;" not in found.masked


# -- json

JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-(2**60), 2**60), st.text('a"\\[]{},: ж\n/~', max_size=8)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4), st.dictionaries(st.text("ab~/", min_size=1, max_size=3), inner, max_size=4)
    ),
    max_leaves=20,
)


def pointers(value: Any, before: str) -> list[tuple[str, Any]]:
    found: list[tuple[str, Any]] = []
    pairs: Any = enumerate(value) if isinstance(value, list) else value.items() if isinstance(value, dict) else ()
    for key, inner in pairs:
        path = f"{before}/{str(key).replace('~', '~0').replace('/', '~1')}"
        found += [(path, inner), *pointers(inner, path)]
    return found


@settings(max_examples=80, deadline=None)
@given(JSON, st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]), st.sampled_from([None, 1]))
def test_json_elements_equal_a_parser(value: Any, codec: str, indent: int | None) -> None:
    raw = json.dumps({"m": [value, value]}, indent=indent, ensure_ascii=False).encode(codec)
    for path, inner in pointers({"m": [value, value]}, "json:"):
        assert json.loads(opened(raw, path).data) == inner
    assert "no such record" in missing(raw, "json:/m/2")
    assert "no such record" in missing(raw, "json:/n/0")


def test_json_root_array_and_the_whole() -> None:
    assert opened(b'[1, {"a": 2}]', "json:/1").data == b'{"a": 2}'
    assert json.loads(opened(b'[1, {"a": 2}]', "json:").data) == [1, {"a": 2}]


def test_json_cut_off_or_broken_shows_what_is_there() -> None:
    data = b'\xef\xbb\xbf{"messages": [{"id": 1, "text": "a"}, {"id": 2, "text": "QORGANMARKER'
    assert json.loads(opened(data, "json:/messages/0").data)["id"] == 1
    found = opened(data, "json:/messages/1", "telegram-json")
    assert (found.complete, found.data) == (False, data[data.index(b'{"id": 2') :])
    assert found.start is not None and data[found.start : found.end] == found.data
    assert found.masked == "‹31 characters›, no whole JSON value"
    bad = b'{"messages": [{"id": 1}, {"id": \\x31, "t": "\\x41"}, {"id": 3}]}'
    found = opened(bad, "json:/messages/1")
    assert found.data == b'{"id": \\x31, "t": "\\x41"}'
    assert json.loads(opened(bad, "json:/messages/2").data)["id"] == 3


def test_json_nesting_does_not_recurse() -> None:
    deep = b'{"messages": [' + b"[" * 200_000 + b"]" * 200_000 + b', {"id": 1}]}'
    assert json.loads(opened(deep, "json:/messages/1").data) == {"id": 1}
    assert opened(deep, "json:/messages/0", "telegram-json").masked.startswith("‹")
    middle = json.dumps({"messages": [json.loads("[" * 90 + '"QORGANMARKER"' + "]" * 90)]}).encode()
    assert "QORGANMARKER" not in opened(middle, "json:/messages/0", "telegram-json").masked


def test_json_mask() -> None:
    message = {
        "id": 7, "type": "message", "date": "2025-10-03T18:30:00", "from": "A\x1b[2J", "from_id": "user222",
        "text": ["QORGANMARKER", {"type": "bold", "text": "QORGANMARKER"}], "file": "QORGANMARKER.jpg", "reply_to_message_id": 5,
        "text_entities": [{"type": "bold", "text": "QORGANMARKER"}], "poll": {"id": "QORGANMARKER"}, "new": {"id": 3, "x": 12345},
        "location_information": {"latitude": 43.2, "longitude": 76.9}, "QORGANMARKER key": 1, "from_name": None, "size": True,
        "via_bot": "b" * 300,
    }  # fmt: skip
    found = opened(json.dumps({"messages": [message]}).encode(), "json:/messages/0", "telegram-json")
    assert json.loads(found.masked) == {
        "id": 7, "type": "message", "date": "2025-10-03T18:30:00", "from": "A\x1b[2J", "from_id": "user222",
        "text": ["‹12 characters›", {"type": "bold", "text": "‹12 characters›"}], "file": "‹16 characters›",
        "reply_to_message_id": 5, "text_entities": [{"type": "bold", "text": "‹12 characters›"}],
        "poll": {"id": "‹12 characters›"}, "new": {"id": 3, "x": "‹5 characters›"},
        "location_information": {"latitude": 43.2, "longitude": 76.9}, "‹key of 16 characters›": "‹1 character›",
        "from_name": None, "size": "‹4 characters›", "via_bot": "‹300 characters›",
    }  # fmt: skip
    assert "QORGANMARKER" in found.text


@given(JSON)
@settings(max_examples=60, deadline=None)
def test_a_format_without_a_list_shows_no_value(value: Any) -> None:
    masked = opened(
        json.dumps([{"QORGANMARKER1": "QORGANMARKER2", "k": value}]).encode(), "json:/0", "unheard-of"
    ).masked
    assert "MARKER2" not in masked


# -- chats and journals


@pytest.mark.parametrize(
    ("line", "masked"),
    [
        ("03.10.2025, 18:30 - Аня: MARKER", "03.10.2025, 18:30 - Аня: ‹6 characters›"),
        (
            "1/29/18, 12:24\u202fPM - +7 701 000 00 01: MARKER: x",
            "1/29/18, 12:24\u202fPM - +7 701 000 00 01: ‹9 characters›",
        ),
        ("[29.01.18, 12:24:03] ~ Name: MARKER", "[29.01.18, 12:24:03] ~ Name: ‹6 characters›"),
        ("\u200e[29.01.18, 12:24:03] Name: \u200eMARKER", "\\u200e[29.01.18, 12:24:03] Name: ‹7 characters›"),
        ("[2026/7/9 02:28:09] Bob:MARKER", "[2026/7/9 02:28:09] Bob: ‹6 characters›"),
        ("13.6.2018 klo 21.25.15 - N: MARKER", "13.6.2018 klo 21.25.15 - N: ‹6 characters›"),
        ("2024/12/10, 上午2:30 - N: MARKER", "2024/12/10, 上午2:30 - N: ‹6 characters›"),
        ("01/01/2019, 11:25 a.\u00a0m. - N: MARKER", "01/01/2019, 11:25 a.\u00a0m. - N: ‹6 characters›"),
        ("13.06.18 21.25.15: N: MARKER", "13.06.18 21.25.15: N: ‹6 characters›"),
        ('03.10.2025, 18:30 - Аня changed the subject to "MARKER: x"', "03.10.2025, 18:30 - ‹38 characters›"),
        ("03.10.2025, 18:30 - MARKER", "03.10.2025, 18:30 - ‹6 characters›"),
        ("MARKER - Name: x", "‹16 characters›"),
        ("5 of us met at 5 - MARKER: x", "‹28 characters›"),
        ("3.10.25 and MARKERMARKER 18:30 - N: x", "‹37 characters›"),
        ("", "‹0 characters›"),
    ],
)
def test_chat_lines(line: str, masked: str) -> None:
    assert opened(f"{line}\nX".encode(), "line:1", "whatsapp-txt").masked == masked


def test_chat_message_of_several_lines() -> None:
    found = opened(b"03.10.2025, 18:30 - A: x\r\nMARKER\r\nlast\r\n", "lines:1-3", "whatsapp-txt")
    assert found.masked == "03.10.2025, 18:30 - A: ‹1 character›\n‹6 characters›\n‹4 characters›"
    assert found.text == "03.10.2025, 18:30 - A: x\nMARKER\nlast"


def test_journal_rows() -> None:
    data = (
        b'When;contact;kind;note;witness;place;diary;lat;until\n2025-10-03 18:30;K1;seen;"MARKER\nMARKER";MARKER;home;MARKER;43,2;19:00\n'
        b"MARKER;K1;MARKER;;;MARKER MARKER;;MARKER;MARKER\n"
    )
    found = opened(data, "lines:2-3", "journal")
    assert found.masked.split("\n") == [
        "when: 2025-10-03 18:30", "contact: K1", "kind: seen", "note: ‹13 characters›", "witness: ‹6 characters›", "place: home",
        "‹another column›: ‹6 characters›", "lat: 43,2", "until: 19:00",
    ]  # fmt: skip
    assert "MARKER" in found.text
    assert "MARKER" not in opened(data, "line:4", "journal").masked
    assert opened(data.decode().encode("utf-16"), "lines:2-3", "journal").masked == found.masked
    assert "MARKER" not in opened(b"MARKER\nMARKER\n", "line:2", "journal").masked
    for lost in (
        '2025-10-03,"K1" MARKER,seen,x',
        "met him,MARKER,seen",
        "2025-10-03,MARKER,x",
        "2025-10-03,MARKER,seen,b,c",
    ):
        assert "MARKER" not in opened(f"when,contact,kind,note\n{lost}\n".encode(), "line:2", "journal").masked


def test_gpx_point() -> None:
    data = b'<gpx><wpt lat="1.5" lon="2"><name>MARKER</name><time>2025-10-03T10:00:00Z</time><fix>MARKER</fix><sat>5</sat></wpt></gpx>'
    assert opened(data, "xml:/gpx/wpt[1]", "gpx").masked.split("\n") == [
        '<wpt lat="1.5" lon="2">', " <name> ‹6 characters›", " <time> 2025-10-03T10:00:00Z", " <fix> ‹6 characters›", " <sat> 5",
    ]  # fmt: skip


# -- what the readers of this version write


def somebody(path: Path) -> str:
    """Return a sender of a chat: who is taken for the owner does not matter for the places of records."""
    text = path.read_text("utf-8", "replace")
    found = re.search(r'"from_id": "?(?:user)?(\d+)', text) or re.search(
        r"(?m)^[^\w]*\d[^\n]*?(?: - |\] )([^:\n]{1,40}):", text
    )
    return (f"telegram:user{found.group(1)}" if path.suffix == ".json" else found.group(1)) if found else "nobody"


def samples() -> list[tuple[str, str]]:
    folders = {
        "gpx": "gpx", "sms-backup-restore": "sms-backup-xml", "telegram-json": "telegram-json", "whatsapp-txt": "whatsapp-txt",
        "google-records": "google-records", "google-semantic": "google-semantic", "google-timeline": "google-timeline",
    }  # fmt: skip
    root = SHARED / "samples"
    return [
        (fmt, str(path.relative_to(root)))
        for folder, fmt in folders.items()
        for path in sorted((root / folder).rglob("*"))
        if path.is_file()
    ] or [("gpx", "gpx/route.gpx")]


@pytest.mark.parametrize(("fmt", "name"), samples())
def test_every_record_of_a_sample_opens(fmt: str, name: str) -> None:
    path = sample(name)
    reader = all_readers().get(fmt)
    if reader is None:
        pytest.skip(f"the reader {fmt} is not there yet")
    try:
        out = collect(reader, path, ctx=context(date_order="mdy", owner=[somebody(path)]))
    except (Waiting, Unreadable) as error:
        pytest.skip(f"the sample is not read: {error.reason}")
    rows = out.event_rows + out.position_rows
    records = sorted({row["record"] for row in rows})
    step = max(1, len(records) // 15)
    source = source_of(path)
    by_record = {row["record"]: row for row in rows}
    for record in records[::step]:
        found = open_record(source, record, fmt)
        assert found.complete and found.masked
        row = by_record[record]
        if fmt == "gpx":
            assert repr(row["lat"]) in found.text or f'lat="{row["lat"]:g}"' in found.text
        if fmt == "telegram-json" and row["zone_basis"] != "utc":
            assert (
                datetime.fromtimestamp(row["local_time"] // 1_000_000, UTC).strftime("%Y-%m-%dT%H:%M:%S") in found.text
            )
        if fmt == "whatsapp-txt":
            assert datetime.fromtimestamp(row["local_time"] // 1_000_000, UTC).strftime(":%M") in found.text.replace(
                ".", ":"
            )
        if fmt == "sms-backup-xml":
            assert f'"{row["local_time"] // 1000}"' in found.text


EXAMPLES = ROOT / "data" / "examples" / "exports"
MARK = "QORGANMARKER"


def example_sources() -> list[SourceFile]:
    """The files of the example case, and the members of its archives."""
    found: list[SourceFile] = []
    for path in sorted(EXAMPLES.iterdir()):
        if path.suffix == ".zip":
            with zipfile.ZipFile(path) as archive:
                found += [source_of(archive.read(name), name, path.name) for name in archive.namelist()]
        else:
            found.append(source_of(path))
    return found


def test_no_content_of_the_example_case_is_seen_in_a_masked_record() -> None:
    if not EXAMPLES.is_dir():
        pytest.skip("the example case is not there yet")
    ctx = context(owner=["Айгерим", "telegram:user9990000111"], date_order="dmy")
    told = marked = 0
    for source in example_sources():
        with source.open() as stream:
            head = Head(stream.read(65536), source.name, source.container, source.size)
        claims, verdict = recognise(head)
        assert verdict == "known", source.name
        out = Collected()
        all_readers()[claims[0][0]].read(source, ctx, out)
        records = sorted({row["record"] for row in out.event_rows + out.position_rows} | {r for _, r, _ in out.rejects})
        for record in records[:: max(1, len(records) // 40)]:
            found = open_record(source, record, claims[0][0])
            told += 1
            marked += MARK in found.text
            assert MARK not in found.masked, (source.name, record)
    assert told > 100 and marked > 50


@pytest.mark.parametrize(
    "text", ["\u200e" * 200_000, "1" * 200_000, "[01/01/2019, " + " " * 200_000, "01/01/2019 1:11" + "x" * 200_000]
)
def test_masking_a_hostile_line_is_linear(text: str) -> None:
    begin = time.perf_counter()
    assert opened(text.encode(), "line:1", "whatsapp-txt").masked.startswith("‹")
    assert time.perf_counter() - begin < 5  # a quadratic pattern would take minutes
