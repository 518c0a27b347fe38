"""The reader of X's archive, on invented files laid out as public parsers read them."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from pipelines.readers.base import Unreadable, Waiting
from pipelines.readers.x_archive import READER, XArchive
from tests.archive_json import SECRET, blocks_do_not_matter, checked, cut_everywhere, hostile, only_it, opened
from tests.collect import Collected, collect, context, head_of

OWNER, PEER, THIRD = "1111", "2222", "3333"


def js(name: str, content: Any, part: int = 0, **layout: Any) -> bytes:
    text = json.dumps(content, **({"ensure_ascii": False, "indent": 2} | layout))
    return f"window.YTD.{name}.part{part} = {text}".encode()


ACCOUNT = {
    "data/account.js": js("account", [{"account": {"accountId": OWNER, "username": "aigerim", "email": SECRET}}])
}


def create(k: int = 0, sender: Any = PEER, to: Any = OWNER, **more: Any) -> dict[str, Any]:
    record = {
        "recipientId": to, "reactions": [], "urls": [], "text": SECRET, "mediaUrls": [], "senderId": sender,
        "id": str(10**18 + k), "createdAt": f"2024-01-31T18:30:{k:02}.125Z",
    } | more  # fmt: skip
    return {"messageCreate": {key: value for key, value in record.items() if value is not None}}


def chats(*conversations: tuple[str, list[Any]], name: str = "direct_messages", **layout: Any) -> bytes:
    return js(name, [{"dmConversation": {"conversationId": i, "messages": m}} for i, m in conversations], **layout)


def read(
    data: bytes, beside: dict[str, Any] | None = None, ctx: Any = None, name: str = "data/direct-messages.js"
) -> Collected:
    return checked(READER, data, ctx, ACCOUNT if beside is None else beside, name)


def test_a_chat_of_two() -> None:
    data = chats((f"{OWNER}-{PEER}", [create(1, OWNER, PEER), create(0, mediaUrls=[SECRET], text="")]))
    out = read(data)
    first, second = out.event_rows
    assert first == {
        "sub": 1, "stated_offset_s": None, "ts_precision": "ms", "zone_basis": "utc", "channel": "x", "status": "unknown",
        "identifier": f"x:{PEER}", "identifier_raw": PEER, "identifier_kind": "app_id", "sender": None, "actor": "owner",
        "via_identifier": None, "owner_line": None, "thread_id": f"x:{OWNER}-{PEER}", "thread_kind": "direct",
        "participants_n": 2, "directed": "yes", "answered": None, "duration_s": None, "size": len(SECRET), "attachment": "none",
        "how": "device", "written_at": None, "witness": None, "tags": None, "n": 1,
        "record": "json:/0/dmConversation/messages/0", "local_time": 1_706_725_801_125_000, "kind": "message", "direction": "out",
    }  # fmt: skip
    assert (second["direction"], second["actor"], second["size"], second["attachment"]) == (
        "in",
        "contact",
        None,
        "other",
    )
    assert out.owners == [f"x:{OWNER}"] and [role for role, _ in out.companions] == ["profile"]
    opened(READER, data, out, "data/direct-messages.js")


def test_reactions_and_lines_about_members() -> None:
    reaction = [
        {"senderId": PEER, "reactionKey": SECRET, "createdAt": "2024-01-31T19:00:00.000Z"},
        {"senderId": PEER},
        "x",
    ]
    out = read(chats((f"{OWNER}-{PEER}", [create(0, OWNER, PEER, reactions=reaction)])))
    assert [(r["kind"], r["sub"], r["direction"], r["directed"], r["tags"]) for r in out.event_rows] == [
        ("message", 1, "out", "yes", None), ("mention", 2, "in", "yes", "reaction"),
    ]  # fmt: skip
    at = {"createdAt": "2024-01-31T18:00:00.000Z"}
    group = chats(("987654", [
        create(0, THIRD, "0"), create(1, OWNER, "0"), {"joinConversation": at | {"initiatingUserId": THIRD, "participantsSnapshot": [OWNER]}},
        {"participantsJoin": at | {"initiatingUserId": THIRD, "userIds": [OWNER]}},
        {"participantsJoin": at | {"initiatingUserId": THIRD, "userIds": [PEER]}}, {"participantsLeave": at | {"userIds": [PEER]}},
        {"conversationNameUpdate": at | {"initiatingUserId": THIRD, "name": SECRET}}, {"welcomeMessageCreate": {"text": SECRET}},
        {"joinConversation": at | {"initiatingUserId": OWNER}}, {"somethingNew": {}},
        {"reactionCreate": at | {"senderId": PEER}},
    ]), name="direct_messages_group")  # fmt: skip
    out = read(group, name="data/direct-messages-group.js")
    assert [(r["kind"], r["direction"], r["identifier"], r["directed"], r["tags"], r["thread_kind"]) for r in out.event_rows] == [
        ("message", "in", f"x:{THIRD}", "unknown", None, "group"), ("message", "out", None, "no", None, "group"),
        ("other", "in", f"x:{THIRD}", "yes", "group_add", "group"), ("other", "in", f"x:{THIRD}", "yes", "group_add", "group"),
        ("mention", "in", f"x:{PEER}", "unknown", "reaction", "group"),
    ]  # fmt: skip
    assert out.scoped_out == 6


def test_headers_repeat_messages_without_text() -> None:
    data = chats((f"{OWNER}-{PEER}", [create(0, text=None)]), name="direct_message_headers")
    out = read(data, name="data/direct-message-headers.js")
    assert [(r["size"], r["direction"]) for r in out.event_rows] == [(None, "in")]
    assert any("repeats the messages" in n for n in out.notes)


def test_who_the_owner_is() -> None:
    one = chats((f"{OWNER}-{PEER}", [create()]))
    with pytest.raises(Waiting) as wait:
        read(one, {})
    assert "account.js" in wait.value.reason
    assert read(one, {}, context(owner=[f"x:{OWNER}"])).owners == [f"x:{OWNER}"]
    assert read(one, {}, replace(context(), options={"owner": f"x:{OWNER}"})).owners == [f"x:{OWNER}"]
    two = chats((f"{OWNER}-{PEER}", [create()]), (f"{OWNER}-{THIRD}", [create(1, THIRD)]))
    assert read(two, {}).owners == [f"x:{OWNER}"]  # the one who is in all of them
    with pytest.raises(Unreadable):
        read(chats((f"{PEER}-{THIRD}", [create()])))
    with pytest.raises(Unreadable):
        read(
            one,
            {
                "a/account.js": ACCOUNT["data/account.js"],
                "b/account.js": js("account", [{"account": {"accountId": "9"}}]),
            },
        )
    late = js("direct_messages", [{"dmConversation": {"messages": [create()], "conversationId": f"{OWNER}-{PEER}"}}])
    assert read(late).event_rows[0]["thread_id"] == f"x:{OWNER}-{PEER}"


@pytest.mark.parametrize(
    ("name", "key", "listed"),
    [("block", "blocking", "blocked"), ("mute", "muting", "muted"), ("follower", "follower", "follower"),
     ("following", "following", "following")],
)  # fmt: skip
def test_lists(name: str, key: str, listed: str) -> None:
    data = js(name, [{key: {"accountId": PEER, "userLink": "https://x"}}, {key: {"accountId": "abc"}}, {}])
    out = read(data, name=f"data/{name}.js")
    assert [(r["list"], r["identifier"], r["local_time"]) for r in out.listed_rows] == [(listed, f"x:{PEER}", None)]
    assert len(out.rejects) == 2 and not out.event_rows and not out.covers
    opened(READER, data, out, f"data/{name}.js")
    only_it(READER, data, f"data/{name}.js")


def test_logins_and_empty_files() -> None:
    out = read(
        js("ip_audit", [{"ipAudit": {"accountId": OWNER, "createdAt": "2024-01-31T18:30:00.000Z", "loginIp": SECRET}}])
    )
    assert [(r["kind"], r["direction"], r["identifier"], r["tags"]) for r in out.event_rows] == [
        ("account_access", "unknown", None, "login")
    ]
    for name in ("block", "direct_messages"):
        empty = read(f"window.YTD.{name}.part0 = [ ]".encode())
        assert (empty.records, empty.event_rows) == (0, [])


def test_damage_and_recognition() -> None:
    data = chats(
        (
            f"{OWNER}-{PEER}",
            [create(), 7, create(1, createdAt="x"), create(2, None), create(3, createdAt="2024-01-31T18:30:00")],
        )
    )
    out = read(data)
    assert [n for n, _, _ in out.rejects] == [2, 3, 4, 5] and [r["n"] for r in out.event_rows] == [1]
    opened(READER, data, out)
    small = chats(
        (f"{OWNER}-{PEER}", [create(), create(1, OWNER, PEER)]), (f"{OWNER}-{THIRD}", [create(2, THIRD)]), indent=None
    )
    cut_everywhere(READER, small, context(owner=[f"x:{OWNER}"]), {}, "data/direct-messages.js")
    many = chats((f"{OWNER}-{PEER}", [create(k % 60) for k in range(70)]))
    blocks_do_not_matter(XArchive, many, None, ACCOUNT)
    marked = b"\xef\xbb\xbf" + many
    assert len(read(marked).event_rows) == 70
    only_it(READER, many, "data/direct-messages.js")
    for other in (
        b"window.YTD.tweets.part0 = []",
        b"window.__THAR_CONFIG = {}",
        b"[]",
        b"// window.YTD.block.part0 = []",
    ):
        assert READER.recognise(head_of(other, "x.js")) is None
    with pytest.raises(Unreadable):
        collect(READER, b"[]", "x.js")
    hostile(READER)
