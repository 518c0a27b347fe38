"""The reader of imessage-exporter's text files, on conversations written as the exporter's own code writes them."""

from __future__ import annotations

import io
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.locate import open_record
from pipelines.readers import _sheets, recognise
from pipelines.readers.base import Unreadable, Waiting
from pipelines.readers.imessage_exporter_txt import READER, blocks
from tests.apple_reading import OWN, SECRET, A, B, columns, read
from tests.collect import Collected, collect, context, head_of, source_of
from tests.shared_data import SHARED

RECEIPT = " (Read by you after 1 hour, 49 seconds)"
T = "May 17, 2022  5:29:42 PM"


def us(text: str) -> int:
    return (datetime.fromisoformat(text) - datetime(1970, 1, 1)) // timedelta(microseconds=1)


def said(sender: str, *lines: str, at: str = T, receipt: str = "") -> str:
    """Write a message."""
    return "\n".join([at + receipt, sender, *lines]) + "\n\n"


def run(*parts: str, name: str = f"{A}.txt", ctx: Any = None) -> Collected:
    return read(READER, "".join(parts).encode(), name, ctx)


def test_a_conversation() -> None:
    out = run(said(A, "Сәлем", SECRET, receipt=RECEIPT), said("Me", "ok", at="May 17, 2022 11:05:00 AM"))
    first, second = out.event_rows
    assert {k: v for k, v in first.items() if v is not None and k not in ("sub", "status")} == {
        "n": 1, "record": "lines:1-4", "local_time": us("2022-05-17T17:29:42"), "ts_precision": "s", "zone_basis": "case",
        "channel": "imessage", "kind": "message", "direction": "in", "identifier": A, "identifier_raw": A,
        "identifier_kind": "phone", "actor": "contact", "thread_id": A, "thread_kind": "direct", "directed": "yes",
        "size": 6 + len(SECRET), "attachment": "none", "how": "app",
    }  # fmt: skip
    assert (second["direction"], second["identifier"], second["directed"], second["size"], second["record"]) == (
        "out", A, "no", 2, "lines:6-8",
    )  # fmt: skip
    assert second["local_time"] == us("2022-05-17T11:05:00")
    (cover,) = out.covers
    assert (cover["scope"], cover["scope_id"], cover["zone_basis"]) == ("thread", A, "case")


@pytest.mark.parametrize(
    ("stamp", "local"),
    [
        ("May 20, 2020  9:10:11 AM", "2020-05-20T09:10:11"), ("May 20, 2020 12:10:11 AM", "2020-05-20T00:10:11"),
        ("May 20, 2020 12:10:11 PM", "2020-05-20T12:10:11"), ("Feb 29, 2024 11:59:59 PM", "2024-02-29T23:59:59"),
        ("Feb 30, 2024 11:59:59 PM", None), ("May 20, 2020 13:10:11 PM", None), ("May 20, 2020  0:10:11 PM", None),
    ],
)  # fmt: skip
def test_times(stamp: str, local: str | None) -> None:
    out = run(said("Me", "x"), said(A, "y", at=stamp))
    if local is None:
        assert out.rejects == [(2, "lines:5-7", "time is not readable")]
    else:
        assert out.event_rows[1]["local_time"] == us(local)


def test_a_time_that_is_none() -> None:
    out = run(said("Me", "x"), said(A, "Started sharing location!", at="Dec 31, 1989  4:00:00 PM"))
    assert out.rejects == [(2, "lines:5-7", "time lies before 1990")]


def test_answers_stand_twice_and_count_once() -> None:
    parent = f"{T}\nMe\nquestion\n    May 17, 2022  6:00:00 PM (Read by you after 3 seconds)\n    {A}\n    {SECRET}\nmore of it\n\n\n"
    answer = said(A, SECRET, "This message responded to an earlier message.", at="May 17, 2022  6:00:00 PM")
    out = run(parent, answer)
    assert (out.records, out.kept, out.scoped_out) == (3, 2, 1)
    assert columns(out, "n", "direction", "size") == [(1, "out", None), (3, "in", len(SECRET))]
    assert "answers repeated under the message that they answer, out of scope: 1" in out.notes


def test_lines_about_the_conversation() -> None:
    out = run(
        f"{T} {A} renamed the conversation to {SECRET}\n\n", said("Me", "x"), said(A, "y"),
        f"{T} You named the conversation {SECRET}\n\n", f"{T} {A} added {B} to the conversation.\n\n",
        f"{T} {A} added Me to the conversation.\n\n", f"{T} You added {A} to the conversation.\n\n",
        f"{T} {A} left the conversation.\n\n", name="x - 7.txt",
    )  # fmt: skip
    assert out.scoped_out == 5
    assert columns(out, "n", "kind", "identifier", "directed", "tags")[2] == (6, "other", A, "yes", "group_add")
    assert {r["thread_kind"] for r in out.event_rows} == {"group"}


def test_text_that_looks_like_a_message_is_text() -> None:
    out = run(said("Me", "see:", T, A, "it said that"), said(A, "first", "", "second", "", "  third"))
    assert columns(out, "n", "direction") == [(1, "out"), (2, "in")]
    assert out.event_rows[1]["size"] == len("first\n\nsecond\n\n  third")


@pytest.mark.parametrize(
    ("lines", "size", "attachment", "tags"),
    [
        (["a", "Sent with Confetti"], 1, "none", None), (["a", "Tapbacks:", "Loved by Me", "    ☕️ by X"], 1, "none", None),
        (["a", "Reactions:", f"Liked by {SECRET}"], 1, "none", None),
        (["/" + f"Users/x/Library/Messages/Attachments/ab/{SECRET}.HEIC"], 0, "image", None),
        ([f"attachments/12/{SECRET}.mov", "look"], 4, "video", None), (["~/Library/Messages/x/a.vcf"], 0, "contact", None),
        (["33/33c81da8ae3194fc5a0ea993ef6ffe0b048baedb"], 33 + 10, "none", None),
        (["Library/MobileSync/33/33c81da8ae3194fc5a0ea993ef6ffe0b048baedb"], 0, "other", None),
        (["Attachment missing!"], 0, "other", None), ([f"Sticker from Me: {SECRET}"], 0, "sticker", None),
        (["Outline Sticker from Me: x.heic"], 0, "sticker", None),
        (["This message was deleted from the conversation!", "abc"], 3, "none", "deleted"),
        (["You unsent this message part 3 seconds after sending!"], None, "deleted", None),
        (["They deleted a message."], None, "deleted", None),
        ([f"{T} {SECRET}", f"Edited 3 minutes later: {SECRET}"], None, "none", "edited"),
        (["Some App message:", SECRET], None, "other", None), (["Unable to format app message: x"], None, "other", None),
        (["SharePlay Message", "Ended"], 0, "none", None), (["and/or this.pdf"], 15, "none", None), ([], 0, "none", None),
    ],
)  # fmt: skip
def test_bodies(lines: list[str], size: int | None, attachment: str, tags: str | None) -> None:
    out = run(said("Me", "x"), said(A, *lines))
    assert columns(out, "size", "attachment", "tags")[1] == (size, attachment, tags)


# -- who the owner is


def test_the_owner_under_another_name() -> None:
    by_receipt = run(said("Aigerim", "x", receipt=" (Read by them after 2 seconds)"), said(A, "y"))
    assert columns(by_receipt, "direction") == [("out",), ("in",)]
    by_name = run(said(A, "y", receipt=" (Read by Aigerim after 2 seconds)"), said("Aigerim", "x"))
    assert columns(by_name, "direction") == [("in",), ("out",)]
    declared = run(said("Aigerim", "x"), said(A, "y"), ctx=context(owner=["Aigerim"]))
    assert columns(declared, "direction", "identifier") == [("out", A), ("in", A)]
    own_number = run(said("8 701 000 00 09", "x"), said(A, "y"), ctx=context(owner=[OWN]))
    assert columns(own_number, "direction") == [("out",), ("in",)]
    asked = run(said("Aigerim", "x"), said(A, "y"), ctx=replace(context(), options={"owner": "Aigerim"}))
    assert columns(asked, "direction") == [("out",), ("in",)]


def test_a_file_waits_if_nothing_tells_the_owner() -> None:
    for data in (said("Aigerim", "x") + said("Kolya", "y"), said("Kolya", "y")):
        with pytest.raises(Waiting) as waiting:
            collect(READER, data.encode(), "chat.txt")
        assert waiting.value.lines == 'owner = "..."'
        assert "Kolya" not in waiting.value.reason
    assert columns(run(said("Kolya", "y"), name="Kolya.txt"), "direction") == [("in",)]
    assert columns(run(said("Kolya", "y"), name="c.txt", ctx=context(contacts=["Kolya"])), "direction") == [("in",)]
    assert columns(run(said("Kolya", "y", receipt=RECEIPT), name="c.txt"), "direction") == [("in",)]


@pytest.mark.parametrize(
    ("name", "senders", "kind", "directed"),
    [
        (f"{A}.txt", [A], "direct", "yes"), ("Kolya.txt", ["Kolya"], "direct", "yes"),
        ("folder/Kolya_Petrov.txt", ["Kolya Petrov"], "direct", "yes"), (f"{A}, {B}.txt", [A], "group", "no"),
        ("Weekend - 12.txt", [A], "group", "no"), ("x.txt", [A, B], "group", "no"), ("x.txt", [A], "unknown", "unknown"),
        ("orphaned.txt", [A, B], "unknown", "unknown"),
    ],
)  # fmt: skip
def test_threads(name: str, senders: list[str], kind: str, directed: str) -> None:
    out = run(said("Me", "x"), *(said(s, "y") for s in senders), name=name)
    assert {r["thread_kind"] for r in out.event_rows} == {kind}
    assert {r["directed"] for r in out.event_rows if r["direction"] == "in"} == {directed}
    if kind != "direct":
        assert out.event_rows[0]["identifier"] is None
        assert "Weekend" not in repr(out.event_rows)


def test_only_the_owner_wrote() -> None:
    assert columns(run(said("Me", "x")), "identifier", "thread_kind") == [(A, "direct")]
    assert columns(run(said("Me", "x"), name="Kolya.txt"), "identifier", "thread_kind") == [(None, "unknown")]


def test_senders_that_are_nobody_or_names() -> None:
    out = run(said("Me", "x"), said("Unknown", "y"), said("k@Example.com", "z"), name="orphaned.txt")
    assert columns(out, "identifier", "identifier_kind")[1:] == [(None, "none"), ("mail:k@example.com", "mail")]
    named = run(said("Me", "x"), said("Ко\u0301ля", "y"), name="g - 1.txt")
    assert named.event_rows[1]["identifier"] == "imessage:name:Ко\u0301ля"


# -- damage


def test_stray_text_and_lines_without_a_sender() -> None:
    out = run(f"{SECRET}\nmore\n\n", said("Me", "x"))
    assert out.rejects == [(k, f"line:{k}", "text before the first message") for k in (1, 2)]
    assert columns(out, "n", "record") == [(3, "lines:4-6")]
    out = run(said("Me", "x"), f"{T}\n\n", said(A, "y"))
    assert out.rejects == [(2, "line:5", "a date without a sender")]


def test_cut_at_every_byte() -> None:
    whole = (
        said("Me", "қысқа")
        + said(A, "y", f"    {T}", f"    {B}", "    z", receipt=RECEIPT)
        + said("Me", "end", at="Jun 01, 2022  1:00:00 AM")
    ).encode()
    full = [
        {k: v for k, v in r.items() if k not in ("size", "record")}
        for r in collect(READER, whole, f"{A}.txt").event_rows
    ]
    for cut in range(len(whole) + 1):
        try:
            out = collect(READER, whole[:cut], f"{A}.txt")
        except Waiting:
            continue
        assert out.conserved()
        assert not out.covers or out.covers[0]["local_from"] <= out.covers[0]["local_to"]
        seen = [{k: v for k, v in r.items() if k not in ("size", "record", "attachment")} for r in out.event_rows]
        assert seen == [{k: v for k, v in r.items() if k != "attachment"} for r in full[: len(seen)]], cut


@pytest.mark.parametrize("ends", ["\n", "\r\n"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_line_ends_and_marks(ends: str, mark: str) -> None:
    text = mark + (said(A, "a", "b", receipt=RECEIPT) + said("Me", "c")).replace("\n", ends)
    out = read(READER, text.encode(), f"{A}.txt")
    assert columns(out, "direction", "size") == [("in", 3), ("out", 1)]
    assert READER.recognise(head_of(text.encode())) is not None


def test_faulty_bytes_and_other_encodings() -> None:
    out = read(READER, (said(A, "abc") + said("Me", "x")).encode().replace(b"abc", b"a\xff"), f"{A}.txt")
    assert out.event_rows[0]["size"] == 2
    wide = said("Me", "x").encode("utf-16")
    assert READER.recognise(head_of(wide)) is None
    with pytest.raises(Unreadable, match="no text"):
        collect(READER, wide)


def test_the_size_of_blocks_does_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    data = "".join(said(("Me", A)[k % 2], "ә" * k, at="May 17, 2022  5:29:42 PM") for k in range(20)).encode()
    expected = collect(READER, data, f"{A}.txt").event_rows
    for size in (1, 2, 7, 64):
        monkeypatch.setattr(_sheets, "_BLOCK", size)
        assert collect(READER, data, f"{A}.txt").event_rows == expected


def test_twice_the_same_text_is_twice_as_many_records() -> None:
    data = said("Me", "x") + said(A, "y")
    once, twice = run(data), run(data + data)
    assert (twice.records, twice.kept) == (2 * once.records, 2 * once.kept)


def test_a_very_long_line() -> None:
    data = (said(A, "x" * 3_000_000) + said("Me", "y")).encode()
    assert collect(READER, data, f"{A}.txt").event_rows[0]["size"] == 3_000_000


def test_masking() -> None:
    data = (
        said(A, SECRET, "and more", receipt=RECEIPT) + f"{T} {A} named the conversation {SECRET}\n\n" + said("Me", "x")
    ).encode()
    source = source_of(data, f"{A}.txt")
    found = open_record(source, "lines:1-4", "imessage-exporter-txt")
    assert found.masked == f"{T}{RECEIPT}\n{A}\n‹{len(SECRET)} characters›\n‹8 characters›"
    assert SECRET not in open_record(source, "line:6", "imessage-exporter-txt").masked


# -- recognition


def test_recognised() -> None:
    for text in (said("Me", "x"), f"{T} You named the conversation y\n\n" + said(A, "x"), "\n\n" + said(A, "x")):
        claims, verdict = recognise(head_of(text.encode(), "x.txt"))
        assert (verdict, claims[0][0]) == ("known", "imessage-exporter-txt")
    for other in (
        "",
        "May 17, 2022 is a day\n",
        f"{T}\n",
        "Dear all,\n" + said("Me", "x"),
        "12/31/22, 5:29 PM - A: b\n",
    ):
        assert READER.recognise(head_of(other.encode())) is None


def test_no_sample_of_another_format_is_claimed() -> None:
    if not (SHARED / "samples").exists():
        pytest.skip("needs the folder shared/ beside this checkout")
    for path in sorted(p for p in (SHARED / "samples").rglob("*") if p.is_file() and p.stat().st_size < 3_000_000):
        assert READER.recognise(head_of(path)) is None, path


_LINES = st.sampled_from(
    [T, f"    {T}", T + RECEIPT, "Me", A, "    x", "", "text", f"{T} x left", "Tapbacks:", "May 17, 20", "\ufeff", "\r"]
)


@settings(max_examples=200, deadline=None)
@given(st.lists(_LINES, max_size=14), st.sampled_from(["\n", ""]))
def test_every_line_belongs_to_one_record(lines: list[str], end: str) -> None:
    data = ("\n".join(lines) + end).encode()
    found = list(blocks(iter(io.StringIO(data.decode(), newline="\n"))))
    assert all(a.last < b.first for a, b in pairwise(found))
    try:
        out = collect(READER, data, f"{A}.txt")
    except Waiting:
        return
    assert out.conserved()
    assert out.records == len(found) + sum(b.copies for b in found)
