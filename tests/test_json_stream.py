"""The streaming JSON tool: the same elements as a whole decode gives, in bounded memory, whatever the file holds."""

from __future__ import annotations

import io
import json
import sys
import tracemalloc
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.readers._json_stream import MAX_DEPTH, ArrayEnd, Bad, Block, Broken, JsonStream, Value

Found = dict[str, list[Any]]


def run(
    data: bytes, arrays: dict[str, Any], values: list[str] | None = None, **options: Any
) -> tuple[Found, list[Any]]:
    """Read a stream; return the elements by array (bad ones as Bad) and all items. Checks the promises on indexes."""
    found: Found = {}
    items: list[Any] = []
    for item in JsonStream(io.BytesIO(data), arrays, values or [], **options):
        items.append(item)
        if isinstance(item, Block):
            known = found.setdefault(item.pointer, [])
            assert item.first == len(known)
            assert item.items
            known += item.items
        elif isinstance(item, Bad):
            known = found.setdefault(item.pointer, [])
            assert item.index == len(known)
            known.append(item)
        elif isinstance(item, ArrayEnd):
            assert item.count == len(found.setdefault(item.pointer, []))
    assert not any(isinstance(item, Broken) for item in items[:-1])
    return found, items


def bad(items: list[Any]) -> list[tuple[int, str]]:
    return [(item.index, item.reason) for item in items if isinstance(item, Bad)]


TEXT = st.text(alphabet='ab"\\{}[],:\n é😀\x05/~', max_size=8)
SCALAR = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False), TEXT)
TREE = st.recursive(SCALAR, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4))
ELEMENTS = st.lists(st.dictionaries(TEXT, TREE, max_size=4) | TREE, max_size=12)
ENCODINGS = st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-32", "utf-16-le", "utf-16-be", "utf-32-le"])
LAYOUT = st.fixed_dictionaries({
    "indent": st.sampled_from([None, 1, 2, "\t"]),
    "ensure_ascii": st.booleans(),
    "separators": st.sampled_from([None, (",", ":")]),
})  # fmt: skip
DOCUMENT = st.fixed_dictionaries({
    "before": TREE,
    "chats": st.fixed_dictionaries({
        "list": st.lists(st.fixed_dictionaries({"name": TEXT, "type": TREE, "messages": ELEMENTS}), max_size=4),
        "after": TREE,
    }),
    "plain": ELEMENTS,
    "end": TREE,
})  # fmt: skip


@settings(max_examples=40, deadline=None)
@given(DOCUMENT, LAYOUT, ENCODINGS, st.sampled_from([16, 64, 300, 4096]))
def test_any_document_gives_what_a_whole_decode_gives(
    document: dict[str, Any], layout: dict[str, Any], encoding: str, block: int
) -> None:
    data = json.dumps(document, **layout).encode(encoding)
    found, items = run(
        data, {"/chats/list/*/messages": Any, "/plain": Any}, ["/chats/list/*/name", "/end"], block=block
    )
    assert bad(items) == [] and not isinstance(items[-1], Broken)
    assert found["/plain"] == document["plain"]
    values = {item.pointer: json.loads(item.raw or b"") for item in items if isinstance(item, Value)}
    assert values.pop("/end") == document["end"]
    for k, chat in enumerate(document["chats"]["list"]):
        assert found[f"/chats/list/{k}/messages"] == chat["messages"]
        assert values.pop(f"/chats/list/{k}/name") == chat["name"]
    assert values == {}


@settings(max_examples=40, deadline=None)
@given(DOCUMENT, LAYOUT, st.sampled_from([16, 300, 4096]), st.data())
def test_a_cut_file_gives_every_whole_element_before_the_cut(
    document: dict[str, Any], layout: dict[str, Any], block: int, draw: st.DataObject
) -> None:
    data = json.dumps(document, **layout).encode()
    cut = draw.draw(st.integers(0, len(data) - 1))
    arrays = {"/chats/list/*/messages": Any, "/plain": Any}
    whole, whole_items = run(data, arrays, block=block)
    found, items = run(data[:cut], arrays, block=block)
    assert isinstance(items[-1], Broken)
    for pointer, elements in found.items():
        good = [e for e in elements if not isinstance(e, Bad)]
        assert good == whole[pointer][: len(good)]
        assert elements[len(good) :] == [e for e in elements if isinstance(e, Bad)]  # only the last one can be bad
        assert len(elements) - len(good) <= 1
    complete = {item.pointer for item in items if isinstance(item, ArrayEnd) and item.complete}
    ends = {item.pointer: item.count for item in whole_items if isinstance(item, ArrayEnd)}
    assert all(len(found[pointer]) == ends[pointer] for pointer in complete)


@settings(max_examples=120, deadline=None)
@given(st.binary(max_size=200) | TEXT.map(str.encode), st.sampled_from([16, 64]))
def test_rubbish_never_raises(data: bytes, block: int) -> None:
    _, items = run(b'{"m": [' + data, {"/m": Any}, ["/v"], block=block)
    ends = [item for item in items if isinstance(item, ArrayEnd)]
    assert len(ends) == 1
    run(data, {"": Any, "/m": Any}, ["/v"], block=block)


@pytest.mark.parametrize("slashes", range(1, 9))
@pytest.mark.parametrize("shift", range(20))
def test_escapes_at_the_edge_of_a_block(slashes: int, shift: int) -> None:
    document = [{"t": "x" * shift + "\\" * slashes + '"]}' * 3}, {"t": "y"}] * 3
    data = json.dumps(document).encode()
    for block in (16, 17, 18):
        assert run(data, {"": Any}, block=block)[0][""] == document


def messages(count: int, indent: int | None = 1) -> bytes:
    rows = [{"id": k, "text": f"text {k}", "parts": [{"type": "a"}, "b"]} for k in range(count)]
    return json.dumps({"name": "x", "messages": rows, "last": 1}, indent=indent).encode()


class Row(msgspec.Struct, gc=False):
    id: int | None = None
    text: str | None = None


@pytest.mark.parametrize("indent", [None, 1])
@pytest.mark.parametrize("block", [256, 4096, 1 << 20])
def test_elements_are_typed_and_offsets_are_those_of_the_file(indent: int | None, block: int) -> None:
    data = messages(500, indent)
    found, items = run(data, {"/messages": Row}, block=block)
    assert [(row.id, row.text) for row in found["/messages"]] == [(k, f"text {k}") for k in range(500)]
    for item in items:
        if isinstance(item, Block):
            assert [e["id"] for e in json.loads(b"[" + data[item.start : item.end].strip().rstrip(b",") + b"]")] == [
                row.id for row in item.items
            ]


def test_an_element_of_the_wrong_shape_is_bad_and_the_others_are_read() -> None:
    rows: list[Any] = [{"id": k} for k in range(300)]
    rows[7], rows[200] = {"id": "seven"}, None
    found, items = run(json.dumps({"m": rows}, indent=2).encode(), {"/m": Row}, block=512)
    assert bad(items) == [(k, "not shaped like a record of this kind") for k in (7, 200)]
    assert [row.id for row in found["/m"] if isinstance(row, Row)] == [k for k in range(300) if k not in (7, 200)]


@pytest.mark.parametrize("indent", [None, 1])
def test_one_element_that_is_no_json_is_bad_and_the_others_are_read(indent: int | None) -> None:
    data = messages(400, indent).replace(b'"text": "text 123"', b'"text": nothing')
    found, items = run(data, {"/messages": Row}, block=1024)
    assert bad(items) == [(123, "not valid JSON")]
    assert len(found["/messages"]) == 400 and not isinstance(items[-1], Broken)


@pytest.mark.parametrize("block", [256, 1 << 20])
@pytest.mark.parametrize("damage", [b'text" 123', b'text" 123"]', b"text 123\\", b'text"{{[ 123', b'text"}} 123'])
def test_after_a_stray_quote_reading_goes_on_at_the_next_element(damage: bytes, block: int) -> None:
    data = messages(400).replace(b'text 123"', damage + b'"', 1)
    found, items = run(data, {"/messages": Row}, ["/last"], block=block)
    assert bad(items) == [(123, "not valid JSON")]
    assert [row.id for row in found["/messages"] if isinstance(row, Row)] == [k for k in range(400) if k != 123]
    assert isinstance(items[-1], Value) and items[-1].raw == b"1"


def test_a_stray_brace_without_line_breaks_ends_the_reading() -> None:
    data = messages(400, None).replace(b'"text": "text 123"', b'"text": "x"}}')
    found, items = run(data, {"/messages": Row}, ["/last"])
    assert [row.id for row in found["/messages"][:-1]] == list(range(123))
    assert [type(item) for item in items[-3:]] == [Bad, ArrayEnd, Broken]


def test_a_stray_quote_in_the_last_element_does_not_swallow_the_next_array() -> None:
    chats = [{"messages": [{"id": k, "text": f"t{k}"} for k in range(5)]} for _ in range(3)]
    data = json.dumps({"chats": chats}, indent=1).encode()
    at = data.index(b'"t4"', data.index(b'"t4"') + 1)  # of the second chat
    found, items = run(data[:at] + b'"t"4"' + data[at + 4 :], {"/chats/*/messages": Row})
    assert {pointer: len(rows) for pointer, rows in found.items()} == {f"/chats/{k}/messages": 5 for k in range(3)}
    assert bad(items) == [(4, "not valid JSON")] and not isinstance(items[-1], Broken)


def test_repair_is_asked_for_broken_elements_only() -> None:
    asked: list[bytes] = []

    def repair(raw: bytes) -> bytes:
        asked.append(raw)
        return raw.replace(b"\\x05", b"\\u0005")

    data = messages(300).replace(b"text 50", b"text \\x05").replace(b"text 250", b"\\x05")
    stream = JsonStream(io.BytesIO(data), {"/messages": Row}, repair=repair, block=1024)
    rows = [row for item in stream if isinstance(item, Block) for row in item.items]
    assert [rows[50].text, rows[250].text, len(rows)] == ["text \x05", "\x05", 300]
    assert len(asked) == 2 == stream.repaired


def test_bytes_that_are_not_utf8_and_lone_surrogates_become_the_replacement_character() -> None:
    data = (
        messages(5)
        .replace(b"text 1", b"a\xffb")
        .replace(b"text 2", b"\\ud83d")
        .replace(b"text 3", b"\\ude00x\\\\ud83d")
    )
    data = data.replace(b"text 4", b"\\ud83d\\ude00\\ud83d\\ud83d\\ude00")
    stream = JsonStream(io.BytesIO(data), {"/messages": Row})
    rows = [row.text for item in stream if isinstance(item, Block) for row in item.items]
    assert rows == ["text 0", "a\ufffdb", "\ufffd", "\ufffdx\\ud83d", "😀\ufffd😀"]
    assert stream.repaired == 4


@pytest.mark.parametrize("depth", [MAX_DEPTH + 1, 5000, 2_000_000])
@pytest.mark.parametrize("shape", [(b"[", b"]"), (b'{"a":', b"}")])
def test_deep_nesting_is_refused_without_recursion(depth: int, shape: tuple[bytes, bytes]) -> None:
    opening, closing = shape
    deep = b'{"id":1,"deep":' + opening * depth + b"1" + closing * depth + b"}"
    data = b'{"m":[{"id":0},' + deep + b',{"id":2}]}'
    found, items = run(data, {"/m": Row}, max_element=4 << 20)
    (index, reason), *others = bad(items)
    assert (index, others) == (1, [])
    assert reason in ("nested too deeply", "larger than 4194304 bytes")
    assert [row.id for row in found["/m"] if isinstance(row, Row)] == [0, 2]
    # and where nobody asked for it, it is passed over; unclosed it is a broken file
    assert run(data, {"/other": Row}, ["/x"]) == ({}, [])
    assert isinstance(run(b'{"m":[' + opening * depth, {"/m": Row})[1][-1], Broken)
    assert isinstance(run(b'{"m":' + opening * depth, {"/other": Row})[1][-1], Broken)


def test_a_raised_recursion_limit_does_not_let_the_decoder_run_deep() -> None:
    limit = sys.getrecursionlimit()
    rows = b",".join([b'{"id":0}'] * 2000)
    deep = b'{"m":[' + rows + b',{"deep":' + b"[" * 100_000 + b"]" * 100_000 + b"}," + rows + b"]}"
    sys.setrecursionlimit(1_000_000)
    try:
        found, items = run(deep, {"/m": Row})
    finally:
        sys.setrecursionlimit(limit)
    assert bad(items) == [(2000, "nested too deeply")]
    assert len(found["/m"]) == 4001


@pytest.mark.parametrize("kind", ["string", "list", "number"])
def test_an_element_that_is_too_large_is_passed_over(kind: str) -> None:
    huge = {"string": b'"' + b"\\n" * 40_000 + b'"', "list": b"[" + b"1," * 40_000 + b"1]", "number": b"1" * 80_000}[
        kind
    ]
    data = b'{"m":[{"id":0},{"id":1,"x":' + huge + b'},{"id":2}],"v":3}'
    found, items = run(data, {"/m": Row}, ["/v"], block=1024, max_element=20_000)
    assert bad(items) == [(1, "larger than 20000 bytes")]
    assert [row.id for row in found["/m"] if isinstance(row, Row)] == [0, 2]
    assert isinstance(items[-1], Value) and items[-1].raw == b"3"


def test_a_value_that_is_too_large_is_named_without_its_bytes() -> None:
    data = json.dumps({"v": ["x" * 5000], "w": 1}).encode()
    _, items = run(data, {}, ["/v", "/w"], max_value=100)
    assert [(item.pointer, item.raw) for item in items] == [("/v", None), ("/w", b"1")]


class Endless(io.RawIOBase):
    """A file of ``total`` bytes: a head, then a unit again and again."""

    def __init__(self, head: bytes, unit: bytes, total: int) -> None:
        self.head, self.unit, self.left = head, unit * (65536 // len(unit) + 1), total

    def read(self, n: int = -1) -> bytes:
        if self.head:
            head, self.head = self.head[:n], self.head[n:]
            return head
        data = self.unit[: min(n, self.left)]
        self.left -= len(data)
        return data


@pytest.mark.parametrize(
    ("head", "unit"),
    [
        (b'{"m":[', b'{"id":1},'),
        (b'{"m":[\n', b' {"id":1\n },\n'),
        (b'{"m":["', b"xy"),  # one endless string
        (b'{"m":[{"a":', b"["),
        (b'{"skipped":[', b"{},"),
        (b'{"', b"k"),
        (b'{"v":', b" "),
        (b'{"m":[', b"\\"),
    ],
)
def test_memory_does_not_grow_with_the_file(head: bytes, unit: bytes) -> None:
    peaks = []
    for total in (600_000, 2_400_000):
        stream = Endless(head, unit, total)
        tracemalloc.start()
        for _ in JsonStream(stream, {"/m": Row}, ["/v"], block=1 << 16, max_element=1 << 18):  # type: ignore[arg-type]
            pass
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        assert stream.left == 0
    assert peaks[1] < peaks[0] * 1.2 + 200_000


def test_pointers_of_wildcards_and_keys_with_slashes() -> None:
    document = {"a/b": {"~x": [[{"id": 1}], [{"id": 2}]]}, "n": {"one": [3], "two": [4, 5]}}
    found, _ = run(json.dumps(document).encode(), {"/a~1b/~0x/*": Any, "/n/*": Any})
    assert found == {"/a~1b/~0x/0": [{"id": 1}], "/a~1b/~0x/1": [{"id": 2}], "/n/one": [3], "/n/two": [4, 5]}


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "the file is empty"),
        (b"  ", "the file ends too early"),
        (b'{"a":1', "the file ends too early"),
        (b'{"a" 1}', "this is not valid JSON"),
        (b"{1:2}", "this is not valid JSON"),
        (b'{"a":1} x', "something follows after the end of the JSON text"),
        (b'{"a":}', "this is not valid JSON"),
        (b'{"a":"b', "the file ends too early"),
    ],
)
def test_a_broken_frame_says_where(data: bytes, reason: str) -> None:
    _, items = run(data, {}, ["/zz/y"])
    assert [item.reason for item in items] == [reason]
    assert 0 <= items[0].offset <= len(data)


def test_stray_commas_make_no_element_at_the_end_and_a_bad_one_inside() -> None:
    found, items = run(b'{"m":[{"id":1},,{"id":2},\n]}', {"/m": Row})
    assert bad(items) == [(1, "empty")]
    assert len(found["/m"]) == 3
