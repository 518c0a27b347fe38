"""The reader of Google Chat in Takeout, on invented conversations laid out as public parsers read them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from pipelines.readers.base import Unreadable, Waiting
from pipelines.readers.google_chat import READER, GoogleChat, written_date
from tests.archive_json import (
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
from tests.collect import Collected, context, head_of

OWNER, PEER, THIRD = "aigerim@example.com", "dauren@example.com", "saule@example.com"
US = 1_478_174_390_000_000  # 2016-11-03T11:59:50Z
DM, SPACE = "Google Chat/Groups/DM Ab1cD2/messages.json", "Google Chat/Groups/Space AAAAxyz/messages.json"
USER = {
    "Google Chat/Users/User 123/user_info.json": {"user": {"name": "Aigerim", "email": OWNER, "user_type": "Human"}}
}


def person(email: str | None) -> dict[str, Any]:
    return {"name": (email or "Gone").partition("@")[0].title(), "email": email, "user_type": "Human"}


def message(k: int = 0, sender: str | None = PEER, **more: Any) -> dict[str, Any]:
    record: dict[str, Any] = {
        "creator": {key: v for key, v in person(sender).items() if v}, "text": SECRET, "topic_id": f"t{k}", "message_id": f"g/t{k}/m",
        "created_date": f"Thursday, November 3, 2016 at 11:59:{50 + k}\u202fAM UTC",
    } | more  # fmt: skip
    return {key: value for key, value in record.items() if value is not None}


def talk(*messages: Any) -> dict[str, Any]:
    return {"messages": list(messages)}


def members(*people: str, where: str = DM) -> dict[str, Any]:
    return USER | {where.replace("messages.json", "group_info.json"): {"members": [person(p) for p in people]}}


def read(document: Any, beside: dict[str, Any] | None = None, name: str = DM, ctx: Any = None) -> Collected:
    return checked(READER, document, ctx, members(OWNER, PEER) if beside is None else beside, name)


def test_a_chat_of_two() -> None:
    out = read(talk(message(), message(1, OWNER)))
    first, second = out.event_rows
    assert first == {
        "sub": 1, "stated_offset_s": None, "ts_precision": "s", "zone_basis": "utc", "channel": "google_chat",
        "status": "unknown", "identifier": f"mail:{PEER}", "identifier_raw": PEER, "identifier_kind": "mail",
        "sender": f"mail:{PEER}", "actor": "unknown", "via_identifier": None, "owner_line": None,
        "thread_id": "google_chat:Ab1cD2", "thread_kind": "direct", "participants_n": 2, "directed": "yes", "answered": None,
        "duration_s": None, "size": len(SECRET), "attachment": "none", "how": "device", "written_at": None, "witness": None,
        "tags": None, "n": 1, "record": "json:/messages/0", "local_time": US, "kind": "message", "direction": "unknown",
    }  # fmt: skip
    assert (second["sender"], second["identifier"]) == (f"mail:{OWNER}", f"mail:{PEER}")
    assert out.owners == [f"mail:{OWNER}"] and {role for role, _ in out.companions} == {"members", "profile"}
    assert out.covers[0]["scope_id"] == "google_chat:Ab1cD2"


@pytest.mark.parametrize(
    "text",
    [
        "Thursday, November 3, 2016 at 11:59:50 AM UTC", "Thursday, 3 November 2016 at 11:59:50 UTC",
        "Thursday, November 3, 2016 at 11:59:50\u202fAM UTC", "четверг, 3 ноября 2016 г. в 11:59:50 UTC",
        "2016 ж. 3 қараша, бейсенбі 11:59:50 UTC", "Donnerstag, 3. November 2016 um 11:59:50 UTC",
        "jeudi 3 novembre 2016 à 11:59:50 UTC", "jueves, 3 de noviembre de 2016, 11:59:50 UTC", "2016年11月3日木曜日 11:59:50 UTC",
        "3 Kasım 2016 Perşembe 11:59:50 UTC", "giovedì 3 novembre 2016 alle ore 11:59:50 UTC", "Nov 3, 2016, 11:59:50 a.m. UTC",
    ],
)  # fmt: skip
def test_dates_in_several_languages(text: str) -> None:
    assert written_date(text) == US


@pytest.mark.parametrize(
    "text",
    [
        "", "UTC", "11/3/2016 11:59:50 UTC", "Thursday, November 3, 2016 at 11:59:50 AM", "November 3, 2016 at 25:00:00 UTC",
        "November 3, 2016 at 13:59:50 PM UTC", "November 31, 2016 at 11:59:50 UTC", "November 3, 2016 at 11:59 UTC",
        "X 3, 2016 at 11:59:50 UTC", "November May 3, 2016 at 11:59:50 UTC", "2016年11月3日 午前11:59:50 UTC",
        "Thursday, November 3, 2016 at 11:59:50 AM GMT+1",
    ],
)  # fmt: skip
def test_what_leaves_anything_open_is_no_date(text: str) -> None:
    assert written_date(text) is None


def test_the_afternoon() -> None:
    assert written_date("Thursday, November 3, 2016 at 11:59:50 PM UTC") == US + 12 * 3_600_000_000
    assert written_date("Thursday, November 3, 2016 at 12:00:00 AM UTC") == US - 43_190_000_000
    assert written_date("Thursday, November 3, 2016 at 12:00:00 PM UTC") == US + 10_000_000


def test_deleted_messages_files_and_bots() -> None:
    out = read(talk(
        message(0, message_state="DELETED", deleted_date="Thursday, November 3, 2016 at 11:59:59 AM UTC", text=None),
        message(1, created_date=None, deleted_date="Thursday, November 3, 2016 at 11:59:59 AM UTC"),
        message(2, attached_files=[{"original_name": SECRET, "export_name": SECRET}], text=None),
        message(3, creator={"name": "Bot", "email": "bot@example.com", "user_type": "Bot"}),
    ))  # fmt: skip
    assert [(r["attachment"], r["size"], r["tags"]) for r in out.event_rows] == [
        ("deleted", None, None), ("deleted", None, "time_of_deletion"), ("other", None, None), ("none", len(SECRET), "bot"),
    ]  # fmt: skip


def test_spaces_and_people_without_address() -> None:
    out = read(
        talk(message(0, THIRD), message(1, OWNER), message(2, None)), members(OWNER, PEER, THIRD, where=SPACE), SPACE
    )
    assert {(r["thread_kind"], r["identifier"], r["directed"], r["participants_n"]) for r in out.event_rows} == {
        ("group", None, "unknown", 3)
    }
    assert out.event_rows[2]["sender"] == "google_chat:name:Gone"
    alone = read(talk(message(), message(1, OWNER)), USER, "messages.json")
    assert {r["thread_kind"] for r in alone.event_rows} == {"unknown"}


def test_who_the_owner_is() -> None:
    document = talk(message(), message(1, OWNER))
    with pytest.raises(Waiting):
        read(document, {})
    assert read(document, {}, ctx=context(owner=[OWNER])).owners == [f"mail:{OWNER}"]
    assert read(document, {}, ctx=context(owner=[f"mail:{OWNER}"])).owners == [f"mail:{OWNER}"]
    assert read(document, {}, ctx=replace(context(), options={"owner": OWNER})).owners == [f"mail:{OWNER}"]
    with pytest.raises(Waiting):
        read(document, ctx=replace(context(), options={"owner": "x@example.com"}))
    with pytest.raises(Unreadable):
        read(document, USER | {"Google Chat/Users/User 9/user_info.json": {"user": {"email": THIRD}}})


def test_damage_and_recognition() -> None:
    document = talk(
        message(), 7, message(1, created_date="gestern"), message(2, created_date=None), message(3, creator=None)
    )
    out = read(document)
    assert [n for n, _, _ in out.rejects] == [2, 3, 4] and [r["n"] for r in out.event_rows] == [1, 5]
    opened(READER, document, out, DM)
    small = talk(message(), message(1, OWNER))
    beside = {key: written(value) for key, value in USER.items()}
    cut_everywhere(READER, written(small, indent=None), None, beside, DM)
    assert told(read(written(small, indent=None))) == told(read(written(small, indent=4)))
    blocks_do_not_matter(GoogleChat, talk(*(message(k % 9) for k in range(60))), None, USER, DM)
    only_it(READER, document, DM)
    others: list[Any] = [{}, {"messages": []}, {"messages": [{"creator": {}}]}, [message()]]
    for other in others:
        assert READER.recognise(head_of(written(other), "messages.json")) is None
    hostile(READER)
