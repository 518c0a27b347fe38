"""Telegram Desktop's HTML: invented pages after tdesktop's own writer."""

from __future__ import annotations

from typing import Any

import pytest

from pipelines.readers import recognise
from pipelines.readers.base import Context, Unreadable, Waiting
from pipelines.readers.telegram_html import READER, moment
from tests.collect import Collected, context, head_of
from tests.html_chats import MARKER, any_blocks, cut_everywhere, opens_again
from tests.html_chats import read as read_with
from tests.shared_data import SHARED

NOBODY = context()
OWNER = context(owner=["Aigerim"])
WHEN = 1_759_516_205_000_000  # 2025-10-03T18:30:05
BOB, AIGERIM = "telegram:name:Bob Example", "telegram:name:Aigerim"


def message(
    n: int,
    who: str = "",
    text: str = MARKER,
    when: str = "03.10.2025 18:30:05 UTC+05:00",
    more: str = "",
    before: str = "",
) -> str:
    joined = "" if who else " joined"
    name = f'<div class="from_name">\n{who} \n       </div>' if who else ""
    picture = (
        '<div class="pull_left userpic_wrap"><div class="userpic userpic1" style="width: 42px"><div class="initials">B</div></div></div>'
        if who
        else ""
    )
    said = f'<div class="text">\n{text}\n       </div>' if text else ""
    return (
        f'<div class="message default clearfix{joined}" id="message{n}">\n{picture}<div class="body"><div class="pull_right date details" title="{when}">\n18:30\n'
        f"</div>{name}{before}{more}{said}</div></div>\n"
    )


def line(text: str, n: int = -1) -> str:
    return f'<div class="message service" id="message{n}"><div class="body details">\n{text}\n</div></div>\n'


def call(n: int, who: str, status: str) -> str:
    return message(n, who, "", more=(
        f'<div class="media_wrap clearfix"><div class="media clearfix pull_left media_call success"><div class="fill pull_left"></div><div class="body">'
        f'<div class="title bold">{MARKER}</div><div class="status details">\n{status}\n</div></div></div></div>'
    ))  # fmt: skip


def media(kind: str, tag: str = "div", href: str = "") -> str:
    return f'<div class="media_wrap clearfix"><{tag} class="media clearfix pull_left block_link {kind}" href="{href}"><div class="body"><div class="title bold">{MARKER}</div><div class="status details">{MARKER}</div></div></{tag}></div>'


def page(*blocks: str, title: str = "Bob Example ") -> bytes:
    return (
        f'<!DOCTYPE html>\n<html>\n <head><meta charset="utf-8"/><title>Exported Data</title></head>\n<body><div class="page_wrap"><div class="page_header">'
        f'<div class="content"><div class="text bold">\n{title}\n</div></div></div><div class="page_body chat_page"><div class="history">{"".join(blocks)}'
        "</div></div></div></body></html>"
    ).encode()


def read(data: bytes, ctx: Context = NOBODY, **how: Any) -> Collected:
    return read_with(READER, data, ctx, **how)


TWO = (
    line("3 October 2025"),
    message(1, "Bob Example"),
    message(2, text="Hi &amp; <strong>bye</strong><br>x"),
    message(3, "Aigerim"),
)


def test_recognition() -> None:
    claims, verdict = recognise(head_of(page(*TWO)))
    assert (verdict, claims[0][0]) == ("known", "telegram-html")
    assert READER.recognise(head_of(b'<div class="page_header">')) is None


def test_no_sample_is_claimed() -> None:
    if not (SHARED / "samples").is_dir():
        pytest.skip("the folder shared/ is not beside this checkout")
    for path in sorted((SHARED / "samples").rglob("*")):
        if path.is_file():
            assert READER.recognise(head_of(path)) is None, path.name


def test_rows() -> None:
    out = read(page(*TWO))
    assert (out.records, out.kept, out.scoped_out) == (4, 3, 1)
    first, second, third = out.event_rows
    wanted = {
        "n": 2, "local_time": WHEN, "zone_basis": "case", "stated_offset_s": 18_000, "ts_precision": "s", "channel": "telegram", "kind": "message",
        "direction": "unknown", "sender": BOB, "identifier": BOB, "identifier_raw": "Bob Example", "identifier_kind": "name", "thread_id": BOB,
        "thread_kind": "direct", "participants_n": 2, "directed": "yes", "answered": None, "size": len(MARKER), "attachment": None, "tags": None,
    }  # fmt: skip
    assert {k: first[k] for k in wanted} == wanted
    assert (second["sender"], second["size"]) == (BOB, 10)  # a joined message is of the sender before
    assert (third["sender"], third["identifier"]) == (AIGERIM, BOB)
    assert out.owners == [AIGERIM]
    assert any("standard offset" in n for n in out.notes)


def test_owner() -> None:
    data = page(*TWO, title="Somebody Else")
    with pytest.raises(Waiting, match="senders: Aigerim, Bob Example"):
        read(data)
    assert {r["thread_kind"] for r in read(data, OWNER).event_rows} == {"unknown"}
    assert read(data, Context(NOBODY.phone, options={"owner": "Aigerim"})).owners == [AIGERIM]
    alone = read(page(message(1, "Bob Example")), context())
    assert (alone.event_rows[0]["thread_kind"], alone.event_rows[0]["sender"]) == ("direct", BOB)
    # only she writes: it may be a chat of two or of more
    mine = read(page(message(1, "Aigerim")), OWNER).event_rows[0]
    assert (mine["thread_kind"], mine["identifier"], mine["directed"]) == ("unknown", None, "unknown")


def test_calls_show_the_owner() -> None:
    out = read(page(call(1, "Aigerim", "Outgoing (65 seconds)"), message(2, "Bob B"), title="Bob"))
    assert out.owners == [AIGERIM]
    assert any("records themselves" in n for n in out.notes)


@pytest.mark.parametrize(
    ("status", "direction", "answered", "seconds", "tags"),
    [("Incoming (65 seconds)", "in", True, 65, None), ("Incoming", "in", None, None, "hangup"), ("Missed", "in", False, None, "missed"),
     ("Declined", "in", False, None, "rejected"), ("Outgoing (5 seconds)", "out", True, 5, None), ("Cancelled", "out", False, None, "cancelled"),
     ("Outgoing", "out", None, None, None), ("Something", "unknown", None, None, None)],
)  # fmt: skip
def test_calls(status: str, direction: str, answered: bool | None, seconds: int | None, tags: str | None) -> None:
    who = "Aigerim" if direction == "out" else "Bob Example"
    row = read(page(*TWO, call(9, who, status))).event_rows[-1]
    assert (row["kind"], row["direction"], row["answered"], row["duration_s"], row["tags"]) == (
        "call",
        direction,
        answered,
        seconds,
        tags,
    )
    assert (row["identifier"], row["size"], row["directed"]) == (BOB, None, "yes")
    assert row["sender"] == (who and f"telegram:name:{who}" if direction == "unknown" else None)


def test_groups() -> None:
    data = page(line("Bob Example created group &laquo;X&raquo; with members Aigerim"), *TWO, title="X")
    for row in read(data, OWNER).event_rows:
        assert (row["thread_kind"], row["directed"], row["identifier"], row["thread_id"][:2]) == (
            "group",
            "no",
            None,
            "g:",
        )
    many = page(*TWO, message(5, "Eve"), message(6, "Eve", before='<div class="reply_to details">In reply to <a href="#go_to_message3" onclick="x">this message</a></div>'),
                title="X")  # fmt: skip
    rows = read(many, OWNER).event_rows
    assert [r["directed"] for r in rows] == ["no", "no", "no", "no", "yes"]  # an answer to hers


def test_forwarded_parts_are_no_events_and_name_nobody() -> None:
    part = (
        '<div class="pull_left forwarded userpic_wrap"></div><div class="forwarded body"><div class="from_name">Ghost <span class="date details" '
        f'title="01.01.2020 10:00:00"> 01.01.2020 10:00:00</span></div><div class="text">{MARKER}</div></div>'
    )
    out = read(page(*TWO, message(4, "Bob Example", "", more=part), message(5, "", "", more=part)))
    assert [(r["sender"], r["tags"], r["local_time"], r["size"]) for r in out.event_rows[-2:]] == [
        (BOB, "forwarded", WHEN, len(MARKER))
    ] * 2
    assert "Ghost" not in repr(out.__dict__)


def test_names_with_a_bot() -> None:
    assert read(page(*TWO, message(4, "Bob Example via @gif"))).event_rows[-1]["sender"] == BOB


@pytest.mark.parametrize(
    ("block", "attachment"),
    [(media("media_photo"), "image"), (media("media_voice_message"), "voice"), (media("media_video"), "video"), (media("media_file"), "document"),
     (media("media_contact"), "contact"), ('<div class="media_wrap clearfix"><a class="sticker_wrap clearfix pull_left" href="x"><img class="sticker" src="y"/></a></div>', "sticker"),
     ('<div class="media_wrap clearfix"><a class="photo_wrap clearfix pull_left" href="x"></a></div>', "image"),
     ('<div class="media_wrap clearfix"><div class="media_poll"><div class="question bold">QORGANMARKER</div></div></div>', "poll")],
)  # fmt: skip
def test_attachments(block: str, attachment: str) -> None:
    row = read(page(*TWO, message(4, "Bob Example", "", more=block))).event_rows[-1]
    assert (row["attachment"], row["size"]) == (attachment, 0)


def test_shared_positions() -> None:
    place = media("media_location", "a", "https://maps.google.com/maps?q=43.25,76.95&amp;ll=43.25,76.95&amp;z=16")
    out = read(
        page(
            *TWO,
            message(4, "Bob Example", "", more=place),
            message(5, "Aigerim", "", more=place),
            message(6, "Aigerim", "", more=media("media_location", "a", "x")),
        )
    )
    assert [(r["n"], r["sub"], r["lat"], r["lon"], r["sender"], r["kind"]) for r in out.position_rows] == [
        (5, 2, 43.25, 76.95, BOB, "share"), (6, 2, 43.25, 76.95, AIGERIM, "share"),
    ]  # fmt: skip


def test_acts_of_the_app_have_the_day_only() -> None:
    lines = (
        line("Bob Example took a screenshot"),
        line("Bob Example is now within 50 meters from you"),
        line("Bob Example sent you a gift for $3: x"),
    )
    out = read(
        page(
            *TWO,
            *lines,
            line("Aigerim took a screenshot"),
            line("Eve took a screenshot"),
            line("Bob Example pinned <a>this message</a>"),
        )
    )
    rows = out.event_rows[3:]
    assert [(r["kind"], r["tags"], r["ts_precision"], r["sender"], r["local_time"]) for r in rows] == [
        ("other", "screenshot", "day", BOB, 1_759_449_600_000_000), ("other", "proximity", "day", BOB, 1_759_449_600_000_000),
        ("gift", None, "day", BOB, 1_759_449_600_000_000),
    ]  # fmt: skip
    assert out.scoped_out == 4
    out = read(page(*TWO[1:], lines[0]))
    assert [r[2] for r in out.rejects] == ["a line of the app without a day before it"]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [("03.10.2025 18:30:05", (WHEN, None)), ("03.10.2025 18:30:05 UTC+05:00", (WHEN, 18_000)), ("03.10.2025 18:30:05 GMT-03:30", (WHEN, -12_600)),
     ("03.10.2025 18:30:05 UTC", (WHEN, None)), ("31.02.2025 18:30:05", None), ("03.10.2025 25:30:05", None), ("3 Oct", None), ("03.10.2025 18:30:05 UTC+99:00", None)],
)  # fmt: skip
def test_dates(text: str, wanted: tuple[int, int | None] | None) -> None:
    assert moment(text) == wanted


def test_rejects() -> None:
    out = read(
        page(
            *TWO,
            message(4, "Bob Example", when="x"),
            message(5, "Bob Example").replace(' title="', ' t="'),
            message(6, "Bob Example", when="01.01.1970 00:00:00"),
        )
    )
    assert [r[2] for r in out.rejects] == ["time cannot be read", "no time", "time is zero: no time was recorded"]
    with pytest.raises(Unreadable):
        read(page())


def test_a_joined_message_without_one_before_has_no_sender() -> None:
    out = read(page(message(1), *TWO))
    assert (out.event_rows[0]["sender"], out.event_rows[0]["direction"]) == (None, "unknown")
    assert any("without a name" in n for n in out.notes)


def test_deleted_accounts_may_be_several() -> None:
    assert any(
        "deleted accounts" in n
        for n in read(page(message(1, "Deleted Account"), message(2, "Aigerim"), title="Deleted Account ")).notes
    )


def test_cut_and_read_in_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    data = page(*TWO)
    cut_everywhere(READER, data, OWNER, step=3, same=("n", "local_time", "sender"))
    any_blocks(READER, data, OWNER, monkeypatch)


def test_locators_open_again() -> None:
    data = page(*TWO, call(9, "Bob Example", "Missed"))
    opens_again(READER, data, read(data), b'<div class="message default', shown="03.10.2025 18:30:05 UTC+05:00")


def test_doubled_messages_are_two() -> None:
    assert read(page(*TWO, *TWO)).kept == 6
