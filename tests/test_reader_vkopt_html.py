"""VkOpt: the real samples, invented conversations, cut files."""

from __future__ import annotations

from typing import Any

import pytest

from pipelines.readers import recognise
from pipelines.readers.base import Context, Unreadable, Waiting
from pipelines.readers.vkopt_html import READER, account
from tests.collect import Collected, collect, context, head_of
from tests.html_chats import MARKER, any_blocks, check, cut_everywhere, opens_again
from tests.html_chats import read as read_with
from tests.shared_data import SHARED, sample

OWNER = context(owner=["vk:id1"])


def item(
    text: str = MARKER,
    who: str = "Bob",
    link: str = "https://vk.com/id2",
    when: str = "2025.10.03 18:30:05",
    more: str = "",
) -> str:
    body = f'<div class="msg_body">{text}</div>' if text else ""
    return (
        f'<div id="msg0" class="msg_item"><div class="upic"><img src="x" alt="[photo]"></div><div class="from"> <b>{who}</b> '
        f'<a href="{link}" target="_blank">@x</a> <a href="#msg27">{when}</a></div>{body}{more}</div>'
    )


def mine(**how: str) -> str:
    return item(who="Aigerim", link="http://vk.com/id1", **how)


def page(*items: str, title: str = "VK Messages: Aigerim(1), Bob(2)") -> bytes:
    return f"<html><head><title>{title}</title></head><body><div class='messages'>{''.join(items)}<hr></div></body></html>".encode()


def read(data: bytes, ctx: Context = OWNER, **how: Any) -> Collected:
    return read_with(READER, data, ctx, **how)


@pytest.mark.parametrize(
    ("name", "records", "kept", "first", "last"),
    [("joebot-messages.html", 5, 4, 1_516_532_713_000_000, 1_516_615_513_000_000),
     ("joebot-messages_forwarded.html", 1, 1, 1_546_412_598_000_000, 1_546_412_598_000_000)],
)  # fmt: skip
def test_samples(name: str, records: int, kept: int, first: int, last: int) -> None:
    path = sample(f"vkopt-html/{name}")
    claims, verdict = recognise(head_of(path))
    assert (verdict, claims[0][0]) == ("known", "vkopt-html")
    out = check(collect(READER, path, ctx=context(owner=["vk:id2"])))
    assert (out.records, out.kept, out.scoped_out, out.rejects) == (records, kept, records - kept, [])
    moments = [r["local_time"] for r in out.event_rows]
    assert (min(moments), max(moments)) == (first, last)
    opens_again(READER, path.read_bytes(), out, b'<div id="msg')
    with pytest.raises(Waiting):
        collect(READER, path)


def test_no_other_sample_is_claimed() -> None:
    if not (SHARED / "samples").is_dir():
        pytest.skip("the folder shared/ is not beside this checkout")
    for path in sorted((SHARED / "samples").rglob("*")):
        if path.is_file() and path.parent.name != "vkopt-html":
            assert READER.recognise(head_of(path)) is None, path.name


def test_rows() -> None:
    out = read(page(item("Hi &amp; <br/>bye"), mine(when="2025.10.03 18:31:05")))
    first, second = out.event_rows
    wanted = {
        "n": 1, "local_time": 1_759_516_205_000_000, "zone_basis": "case", "ts_precision": "s", "channel": "vk", "kind": "message",
        "direction": "unknown", "sender": "vk:id2", "identifier": "vk:id2", "identifier_raw": "Bob", "identifier_kind": "app_id",
        "thread_id": "vk:id2", "thread_kind": "direct", "participants_n": 2, "directed": "yes", "size": 9, "attachment": None, "how": "app",
    }  # fmt: skip
    assert {k: first[k] for k in wanted} == wanted
    assert (second["sender"], second["identifier"], second["size"]) == ("vk:id1", "vk:id2", len(MARKER))
    assert [(c["scope"], c["scope_id"]) for c in out.covers] == [("thread", "vk:id2")]


def test_owner_who_does_not_write_stands_in_the_title() -> None:
    row = read(page(item())).event_rows[0]
    assert (row["thread_kind"], row["identifier"], row["sender"]) == ("direct", "vk:id2", "vk:id2")
    with pytest.raises(Waiting):
        read(page(item(), title="VK Messages: Bob(2)"))


def test_owner_by_name_and_by_option() -> None:
    data = page(item(), mine())
    assert read(data, context(owner=["Aigerim"])).event_rows[0]["identifier"] == "vk:id2"
    out = read(data, Context(context().phone, options={"owner": "Aigerim"}))
    assert out.owners == ["vk:id1"]
    with pytest.raises(Waiting, match="senders: Aigerim, Bob"):
        read(data, context())
    with pytest.raises(Waiting, match="named by the option"):
        read(data, Context(context().phone, options={"owner": "Somebody"}))
    assert read(page(item()), context(contacts=["vk:id2"])).event_rows[0]["thread_kind"] == "direct"


def test_groups() -> None:
    third = item(who="Eve", link="//vk.com/eve")
    for data in (page(item(), mine(), third), page(item(), mine(), title="VK Messages: A(1), B(2), C(3)"),
                 page(item(), mine(), item("", more='<div>action "<b>chat_invite_user</b>" is unknown</div>'))):  # fmt: skip
        rows = read(data).event_rows
        assert {(r["thread_kind"], r["directed"], r["identifier"]) for r in rows} == {("group", "no", None)}
    assert read(page(item(), mine(), third)).event_rows[2]["sender"] == "vk:eve"


def test_lines_of_the_app_are_out_of_scope_and_never_people() -> None:
    line = item("", who="Ghost", link="http://vk.com/id9", more='<div>action "<b>x</b>" is unknown</div>')
    out = read(page(item(), mine(), line))
    assert (out.records, out.kept, out.scoped_out) == (3, 2, 1)
    assert {r["thread_kind"] for r in out.event_rows} == {"direct"}


def test_forwarded_messages_are_no_records() -> None:
    forwarded = f'<div class="att_head"><div class="att_ico att_fwd"></div></div><div class="fwd">{item(more="<div class=fwd>" + item(who="Eve") + "</div>")}</div>'
    out = read(page(mine(more=forwarded), item()))
    assert (out.records, out.kept) == (2, 2)
    assert out.event_rows[0]["attachment"] is None


@pytest.mark.parametrize(
    ("name", "kind", "attachment"),
    [("att_photo", "message", "image"), ("att_video", "message", "video"), ("att_gift", "gift", "other"), ("att_sticker", "message", "sticker"),
     ("att_new", "message", "other"), ("att_geo", "message", "location")],
)  # fmt: skip
def test_attachments(name: str, kind: str, attachment: str) -> None:
    row = read(
        page(
            mine(),
            item("", more=f'<div class="attacment"><div class="att_ico {name}"></div> <a href="x">{MARKER}</a></div>'),
        )
    ).event_rows[1]
    assert (row["kind"], row["attachment"], row["size"]) == (kind, attachment, None)


def test_emoji_are_characters() -> None:
    assert (
        read(page(item('a<img class="emoji" src="x" alt="🤔"><img class="emoji" src="y" alt="🤔">'))).event_rows[0][
            "size"
        ]
        == 3
    )


def test_rejects() -> None:
    data = page(
        item(when="soon"), item(when="2025.02.30 10:00:00"), item(when="1970.01.01 00:00:00"), item(who="", link="x"),
        '<div class="msg_item">x</div>', item(), mine(),
    )  # fmt: skip
    out = read(data)
    assert [r[2] for r in out.rejects] == ["time cannot be read", "time cannot be read", "time is zero: no time was recorded",
                                           "nobody is named as its sender", "nobody is named as its sender, and it has no time"]  # fmt: skip
    assert out.kept == 2


def test_a_name_that_looks_like_a_time_is_none() -> None:
    assert read(page(item(who="2020.01.01 10:00:00"), mine())).event_rows[0]["local_time"] == 1_759_516_205_000_000


def test_cut_and_read_in_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    data = page(item(), mine(more='<div class="fwd">' + item(who="Eve") + "</div>"), item())
    cut_everywhere(READER, data, OWNER, same=("n", "local_time", "sender"))
    any_blocks(READER, data, OWNER, monkeypatch)
    with pytest.raises(Unreadable):
        read(page())


def test_locators_open_again() -> None:
    data = page(item(), mine(more='<div class="fwd">' + item(who=MARKER) + "</div>"))
    opens_again(READER, data, read(data), b'<div id="msg0" class="msg_item">', shown="2025.10.03 18:30:05")


def test_doubled_messages_are_two() -> None:
    assert read(page(item(), item(), mine())).kept == 3


def test_links() -> None:
    assert (
        account("http://vk.com/id1") == "vk:id1"
        and account("//m.vk.com/Eve") == "vk:eve"
        and account("https://vk.example/id1") is None
    )
