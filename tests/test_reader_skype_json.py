"""The reader of Skype's download, on invented files laid out as public parsers and fixtures have them."""

from __future__ import annotations

from typing import Any

import pytest

from pipelines.readers.base import Unreadable
from pipelines.readers.skype_json import READER, SkypeJson
from tests.archive_json import (
    LAYOUTS,
    SECRET,
    blocks_do_not_matter,
    checked,
    cut_everywhere,
    hostile,
    only_it,
    opened,
    told,
    written,
)
from tests.collect import Collected, collect, head_of

OWNER, PEER, THIRD = "8:live:.cid.aigerim", "8:live:dauren", "8:live:saule"
GROUP = "19:3c1f0e2d@thread.skype"
MS = 1_706_725_800_000  # 2024-01-31T18:30:00Z


def message(
    k: int = 0, sender: str | None = PEER, type_: str = "RichText", content: Any = SECRET, **more: Any
) -> dict[str, Any]:
    record: dict[str, Any] = {
        "id": str(MS + 1000 * k), "displayName": None, "originalarrivaltime": f"2024-01-31T18:30:{k:02}.000Z",
        "messagetype": type_, "version": MS, "content": content, "conversationid": "x", "from": sender, "properties": None,
        "amsreferences": None,
    } | more  # fmt: skip
    return {key: value for key, value in record.items() if value is not None or key == "properties"}


def call(
    k: int, state: str, sender: str = PEER, seconds: int | None = None, people: int = 2, **attributes: str
) -> dict[str, Any]:
    inner = f"<duration>{seconds}.82</duration>" if seconds is not None else ""
    parts = "".join(f'<part identity="p{i}"><name>{SECRET}</name>{inner}</part>' for i in range(people))
    more = "".join(f' {key}="{value}"' for key, value in attributes.items())
    return message(k, sender, "Event/Call", f'<partlist type="{state}" alt=""{more}>{parts}</partlist>')


def talk(id_: str, *messages: Any, blocked: bool = False, members: int | None = None) -> dict[str, Any]:
    return {
        "id": id_, "displayName": SECRET, "version": 1.0, "properties": {"conversationblocked": blocked, "conversationstatus": None},
        "threadProperties": None if members is None else {"membercount": members, "topic": SECRET}, "MessageList": list(messages),
    }  # fmt: skip


def download(*conversations: Any, user: str = OWNER) -> dict[str, Any]:
    return {"userId": user, "exportDate": "2024-02-06T20:55", "conversations": list(conversations)}


def read(document: Any) -> Collected:
    return checked(READER, document, None, {}, "messages.json")


def test_a_chat_of_two() -> None:
    out = read(download(talk(PEER, message(1, OWNER), message(0))))
    first, second = out.event_rows
    assert first == {
        "sub": 1, "stated_offset_s": None, "ts_precision": "ms", "zone_basis": "utc", "channel": "skype", "status": "unknown",
        "identifier": "skype:live:dauren", "identifier_raw": PEER, "identifier_kind": "app_id", "sender": None, "actor": "owner",
        "via_identifier": None, "owner_line": None, "thread_id": f"skype:{PEER}", "thread_kind": "direct", "participants_n": 2,
        "directed": "yes", "answered": None, "duration_s": None, "size": len(SECRET), "attachment": "none", "how": "device",
        "written_at": None, "witness": None, "tags": None, "n": 1, "record": "json:/conversations/0/MessageList/0",
        "local_time": (MS + 1000) * 1000, "kind": "message", "direction": "out",
    }  # fmt: skip
    assert (second["direction"], second["identifier"]) == ("in", "skype:live:dauren")
    assert out.owners == ["skype:live:.cid.aigerim"]
    bare = read(download(talk(PEER, message(0, OWNER)), user="live:.cid.aigerim"))
    assert bare.event_rows[0]["direction"] == "out"


def test_start_and_end_are_one_call() -> None:
    out = read(download(
        talk(PEER, call(9, "missed"), call(8, "ended", OWNER, 65), message(7), call(6, "started", OWNER), call(5, "ended", PEER, 3),
             call(4, "started"), call(3, "started"), call(2, "ended", PEER, 0), call(1, "other")),
        talk(THIRD, call(0, "ended", THIRD, 7)),
    ))  # fmt: skip
    rows = sorted((r for r in out.event_rows if r["kind"] == "call"), key=lambda r: r["n"])
    assert [(r["n"], r["direction"], r["answered"], r["duration_s"], r["tags"]) for r in rows] == [
        (1, "in", False, None, "missed"), (4, "out", True, 65, None), (6, "in", True, 3, None), (7, "in", None, None, None),
        (8, "in", None, None, "ended"), (9, "in", None, None, None), (10, "in", True, 7, "ended"),
    ]  # fmt: skip
    assert out.scoped_out == 2
    # the other order, and other calls by their numbers
    ascending = read(download(talk(PEER, call(0, "started"), call(5, "ended", PEER, 4))))
    assert [(r["n"], r["duration_s"]) for r in ascending.event_rows] == [(1, 4)]
    different = read(download(talk(PEER, call(5, "ended", PEER, 4, callId="a"), call(0, "started", callId="b"))))
    assert len(different.event_rows) == 2 and different.scoped_out == 0
    alone = read(download(talk(PEER, call(5, "ended", PEER, 4, people=1), call(0, "started"))))
    assert alone.event_rows[0]["answered"] is None


def test_kinds_of_messages() -> None:
    types = {
        "Text": "none", "RichText/UriObject": "image", "RichText/Media_Video": "video", "RichText/Media_AudioMsg": "voice",
        "RichText/Media_GenericFile": "document", "RichText/Location": "location", "RichText/Contacts": "contact",
        "RichText/Media_New": "other", "RichText/Html": "none", "RichText/Sms": "none",
    }  # fmt: skip
    lines = ["ThreadActivity/TopicUpdate", "Poll", "Notice", "PopCard", "Event/BingBot", ""]
    out = read(download(talk(PEER, *(message(k, type_=t) for k, t in enumerate([*types, *lines])))))
    assert [r["attachment"] for r in out.event_rows] == list(types.values())
    assert [r["tags"] for r in out.event_rows if r["tags"]] == ["sms"]
    assert out.scoped_out == len(lines)
    sizes = read(download(talk(
        PEER, message(content="ab &amp; <b>c</b>"), message(type_="Text", content="<b>"), message(content=""), message(content=None),
        message(properties={"deletetime": "1"}), message(properties={"edittime": "1"}),
    )))  # fmt: skip
    assert [(r["size"], r["attachment"]) for r in sizes.event_rows] == [
        (6, "none"), (3, "none"), (None, "none"), (None, "none"), (None, "deleted"), (len(SECRET), "none"),
    ]  # fmt: skip


def test_groups_numbers_bots_and_lists_of_the_app() -> None:
    def added(initiator: str, target: str) -> str:
        return (
            f"<addmember><initiator>{initiator}</initiator><target>{PEER}</target><target>{target}</target></addmember>"
        )

    out = read(download(
        talk(GROUP, message(0), message(1, OWNER), message(2, THIRD, "ThreadActivity/AddMember", added(THIRD, OWNER)),
             message(3, THIRD, "ThreadActivity/AddMember", added(THIRD, PEER)),
             message(4, OWNER, "ThreadActivity/AddMember", added(OWNER, OWNER)), members=4),
        talk("4:+77010000002", message(5, "4:+77010000002"), message(6, OWNER)), talk("48:calllogs", message(7, PEER, "Text")),
        talk("48:notes", message(8, OWNER)), talk("28:bot", message(9, "28:bot")), talk(PEER, message(10, THIRD)),
        talk(PEER, message(11, f"https://x.example/v1/users/ME/contacts/{PEER}"), message(12, None), message(13, PEER, "RichText/ContactRequest")),
    ))  # fmt: skip
    found = [
        (r["n"], r["kind"], r["thread_kind"], r["identifier"], r["direction"], r["directed"], r["tags"])
        for r in out.event_rows
    ]
    assert found == [
        (1, "message", "group", "skype:live:dauren", "in", "unknown", None), (2, "message", "group", None, "out", "no", None),
        (3, "other", "group", "skype:live:saule", "in", "yes", "group_add"),
        (6, "message", "direct", "+77010000002", "in", "yes", None), (7, "message", "direct", "+77010000002", "out", "yes", None),
        (9, "message", "self", None, "out", "no", None), (10, "message", "direct", "skype:28:bot", "in", "yes", "bot"),
        (11, "message", "unknown", "skype:live:saule", "in", "unknown", None),
        (12, "message", "direct", "skype:live:dauren", "in", "yes", None),
        (13, "message", "direct", "skype:live:dauren", "unknown", "yes", None),
        (14, "request", "direct", "skype:live:dauren", "in", "yes", None),
    ]  # fmt: skip
    assert out.scoped_out == 3 and out.event_rows[0]["participants_n"] == 4


def test_blocked_conversations_are_listed_without_a_date() -> None:
    document = download(talk(PEER, message(), blocked=True), talk(THIRD), talk("4:+77010000002", blocked=True))
    out = read(document)
    assert [(r["n"], r["record"], r["list"], r["identifier"], r["local_time"]) for r in out.listed_rows] == [
        (2, "json:/conversations/0", "blocked", "skype:live:dauren", None),
        (3, "json:/conversations/2", "blocked", "+77010000002", None),
    ]
    assert out.records == 3
    opened(READER, document, out, "messages.json")


@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_layout_of_the_text_does_not_matter(layout: dict[str, Any]) -> None:
    document = download(*(talk(p, *(message(k, OWNER if k % 3 else p) for k in range(9))) for p in (PEER, THIRD)))
    assert told(read(written(document, **layout))) == told(read(document))


def test_damage_and_recognition() -> None:
    document = download(talk(PEER, message(), 7, message(1, originalarrivaltime="x"), message(2, originalarrivaltime="x", id="y"),
                             message(3, originalarrivaltime=None)))  # fmt: skip
    out = read(document)
    assert [n for n, _, _ in out.rejects] == [2, 4]
    assert [(r["n"], r["local_time"]) for r in out.event_rows] == [
        (1, MS * 1000),
        (3, (MS + 1000) * 1000),
        (5, (MS + 3000) * 1000),
    ]
    opened(READER, document, out, "messages.json")
    turned = {**{k: v for k, v in talk(PEER, message(), message(1, OWNER)).items() if k != "id"}, "id": PEER}
    assert told(read(download(turned))) == told(read(download(talk(PEER, message(), message(1, OWNER)))))
    small = download(talk(PEER, message(), message(1, OWNER)), talk(THIRD, message(2, THIRD)))
    cut_everywhere(READER, written(small, indent=None), None, {}, step=3)
    blocks_do_not_matter(SkypeJson, download(talk(PEER, *(message(k % 60) for k in range(70)))))
    only_it(READER, document, "messages.json")
    only_it(READER, download(), "messages.json")
    with pytest.raises(Unreadable):
        collect(READER, written({"exportDate": "x", "conversations": []}), "messages.json")
    others: list[Any] = [{}, {"userId": "x"}, {"conversations": []}, {"userId": "x", "conversations": {}}]
    for other in others:
        assert READER.recognise(head_of(written(other), "messages.json")) is None
    hostile(READER)


def test_hostile_markup_takes_no_time() -> None:
    for content in (
        "<" * 200_000,
        "&" * 200_000,
        "<partlist " * 20_000,
        "<part identity=" * 20_000,
        "<duration>" * 20_000,
    ):
        for type_ in ("RichText", "Event/Call", "ThreadActivity/AddMember"):
            assert read(download(talk(PEER, message(0, PEER, type_, content)))).conserved()
