"""Cutting records out of HTML: exact places, any block size, hostile markup, masks."""

from __future__ import annotations

import io
import re
import time
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.readers import _html
from pipelines.readers._html import Block, Blocks, attribute, classes_of, mask_html, parse, plain_text, value_text


def choose(name: bytes, attributes: bytes) -> str:
    return "m" if name == b"div" and b"m" in classes_of(attributes) else ""


def cut(data: bytes, nests: bool = False) -> list[Block]:
    return list(Blocks(io.BytesIO(data), choose, (lambda a: b"fwd" in classes_of(a)) if nests else None))


def texts(data: bytes, nests: bool = False) -> list[str]:
    return [b.data.decode() for b in cut(data, nests)]


def test_blocks_are_balanced_and_exact() -> None:
    data = b"<html>x<div class=\"a m\">1<div>2</div><span></span></div>y<DIV Class=m>3</DIV><p><div class='m'></div>"
    found = cut(data)
    assert [b.data for b in found] == [
        b'<div class="a m">1<div>2</div><span></span></div>',
        b"<DIV Class=m>3</DIV>",
        b"<div class='m'></div>",
    ]
    assert all(data[b.start : b.end] == b.data and b.complete and b.closed for b in found)


def test_comments_styles_and_scripts_are_passed_over() -> None:
    inner = '<div class="m">1<!-- </div><div class="m">no</div> -->2</div>'
    data = f'<!-- <div class="m">no</div> --><style> <div class="m">no</div></style><script>"<div class=m>"</script>{inner}'
    assert texts(data.encode()) == [inner]


def test_attributes_may_hold_markup() -> None:
    data = '<div title="<div class=m>"><div class="m" title="</div>">1</div></div>'
    assert texts(data.encode()) == ['<div class="m" title="</div>">1</div>']


def test_a_record_that_is_not_closed_does_not_swallow_the_next() -> None:
    found = cut(b'<div class="m"><div>1<div class="m">2</div>')
    assert [(b.data, b.closed, b.complete) for b in found] == [
        (b'<div class="m"><div>1', False, True),
        (b'<div class="m">2</div>', True, True),
    ]


def test_nested_records_belong_to_the_outer_one() -> None:
    inner = '<div class="m">1<div class="fwd"><div class="m">2<div class="fwd"><div class="m">3</div></div></div></div></div>'
    assert texts(f"{inner}<div class='m'>4</div>".encode(), nests=True) == [inner, "<div class='m'>4</div>"]


def test_the_end_inside_a_record() -> None:
    found = cut(b'<div class="m">1</div><div class="m">2')
    assert [b.complete for b in found] == [True, False]
    assert [b.complete for b in cut(b'<div class="m">1<')] == [False]


def test_a_record_too_long_is_said_and_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_html, "RECORD_LIMIT", 1000)
    monkeypatch.setattr(_html, "BLOCK_BYTES", 100)
    data = b'<div class="m">' + b"x" * 5000 + b'</div><div class="m">2</div>'
    found = cut(data)
    assert [b.data for b in found] == [b"", b'<div class="m">2</div>']
    assert data[found[0].start : found[0].end].endswith(b"x</div>")


def test_hostile_markup_takes_no_time() -> None:
    for piece in (
        b"<",
        b"<a ",
        b'<a "',
        b"<a '\"",
        b"<div class=m>",
        b"</div>",
        b"<!--",
        b"<![",
        b"<a b=<c d='",
        b'<div class="m" "',
        b"&#x110000;",
    ):
        data = piece * (400_000 // len(piece))
        begin = time.perf_counter()
        for block in cut(data):
            parse(block.data)
            plain_text(block.data)
        assert time.perf_counter() - begin < 20, piece


PIECES = st.sampled_from(
    [
        '<div class="m">',
        "</div>",
        "<div>",
        "<b>",
        "</b>",
        "<!--",
        "-->",
        "<style>",
        "</style>",
        "<",
        ">",
        '"',
        "'",
        "x",
        '<a t="',
        "<br/>",
        "é",
        "<div class=fwd>",
    ]
)


@settings(max_examples=150, deadline=None)
@given(st.lists(PIECES, max_size=40), st.integers(1, 9), st.booleans())
def test_block_size_does_not_matter(pieces: list[str], size: int, nests: bool) -> None:
    data = "".join(pieces).encode()
    whole = cut(data, nests)
    old = _html.BLOCK_BYTES
    _html.BLOCK_BYTES = size  # type: ignore[misc]
    try:
        assert cut(data, nests) == whole
    finally:
        _html.BLOCK_BYTES = old  # type: ignore[misc]
    assert all(data[b.start : b.end] == b.data for b in whole)
    assert all(a.end <= b.start for a, b in pairwise(whole))
    for block in whole:
        parse(block.data)
        mask_html(block.data.decode("utf-8", "replace"), lambda e, es: True, lambda e, n, v: True)


def test_parse() -> None:
    found = parse(b'<div class="a b"><img src="x"/><b>1<i>2</b>3</div>')
    assert [(e.name, e.parent) for e in found] == [(b"div", -1), (b"img", 0), (b"b", 0), (b"i", 2)]
    assert found[0].classes == {b"a", b"b"} and found[1].get(b"src") == b"x" and found[1].get(b"alt") is None
    assert attribute(b' title="a b" x=y', b"x") == b"y"


def test_text() -> None:
    assert plain_text("a<br/>b<i>&lt;c&gt;</i>&nbsp;&#1241;é".encode()) == "a\nb<c>\u00a0әé"
    assert plain_text("Вы".encode("cp1251"), "cp1251") == "Вы"
    assert plain_text(b"\xff") == "\ufffd"
    assert value_text(b"&quot;x&quot;") == '"x"' and value_text(None) == ""


def test_mask() -> None:
    shown = mask_html(
        '<div class="m" id="message1"><b class="n">Bob</b> secret<i title="t" onclick="x">more</i></div>',
        lambda e, es: b"n" in e.classes, lambda e, n, v: n == "title",
    )  # fmt: skip
    assert "secret" not in shown and "more" not in shown
    assert re.search(
        r'<div class="m" id="message1">\n <b class="n">\n  Bob\n ‹6 characters›\n <i title="t" onclick="‹1 character›">\n  ‹4 characters›',
        shown,
    )
