"""The reader of Google Hangouts in Takeout, on invented files laid out as public parsers read them."""

from __future__ import annotations

from typing import Any

import pytest

from pipelines.readers.base import Unreadable
from pipelines.readers.google_hangouts import READER, GoogleHangouts
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
from tests.collect import Collected, collect, head_of

OWNER, PEER, THIRD = "100000000000000000001", "100000000000000000002", "100000000000000000003"
US = 1_369_539_622_561_784


def ids(account: str) -> dict[str, str]:
    return {"gaia_id": account, "chat_id": account}


def event(k: int = 0, sender: str = PEER, *, own: str | None = OWNER, **more: Any) -> dict[str, Any]:
    record: dict[str, Any] = {
        "conversation_id": {"id": "c1"}, "sender_id": ids(sender), "timestamp": str(US + k * 1_000_000),
        "event_type": "REGULAR_CHAT_MESSAGE", "event_id": f"e{k}",
    }  # fmt: skip
    if own:
        record["self_event_state"] = {"user_id": ids(own)}
    return record | more


def text(k: int = 0, sender: str = PEER, **more: Any) -> dict[str, Any]:
    segments = [{"type": "TEXT", "text": SECRET}, {"type": "LINE_BREAK"}, {"type": "LINK", "text": "ab"}]
    return event(k, sender, chat_message={"message_content": {"segment": segments}} | more)


def call(k: int, kind: str, sender: str = PEER, **more: Any) -> dict[str, Any]:
    return event(k, sender, event_type="HANGOUT_EVENT", hangout_event={"event_type": kind} | more)


def conversation(*events: Any, people: tuple[Any, ...] = (PEER, OWNER), type_: str = "STICKY_ONE_TO_ONE", id_: str = "c1",
                 own: str = OWNER) -> dict[str, Any]:  # fmt: skip
    inner = {
        "id": {"id": id_}, "type": type_, "self_conversation_state": {"self_read_state": {"participant_id": ids(own)}},
        "participant_data": [p if isinstance(p, dict) else {"id": ids(p), "fallback_name": "x"} for p in people],
    }  # fmt: skip
    return {"conversation": {"conversation_id": {"id": id_}, "conversation": inner}, "events": list(events)}


def hangouts(*conversations: Any) -> dict[str, Any]:
    return {"conversations": list(conversations)}


def read(document: Any) -> Collected:
    return checked(READER, document, None, {}, "Hangouts/Hangouts.json")


def test_a_chat_of_two() -> None:
    out = read(hangouts(conversation(text(), text(1, OWNER))))
    first, second = out.event_rows
    assert first == {
        "sub": 1, "stated_offset_s": None, "ts_precision": "us", "zone_basis": "utc", "channel": "google_chat",
        "status": "unknown", "identifier": f"google_chat:{PEER}", "identifier_raw": PEER, "identifier_kind": "app_id",
        "sender": None, "actor": "contact", "via_identifier": None, "owner_line": None, "thread_id": "google_chat:c1",
        "thread_kind": "direct", "participants_n": 2, "directed": "yes", "answered": None, "duration_s": None,
        "size": len(SECRET) + 3, "attachment": "none", "how": "device", "written_at": None, "witness": None, "tags": None,
        "n": 1, "record": "json:/conversations/0/events/0", "local_time": US, "kind": "message", "direction": "in",
    }  # fmt: skip
    assert (second["direction"], second["identifier"], second["actor"]) == ("out", f"google_chat:{PEER}", "owner")
    assert out.owners == [f"google_chat:{OWNER}"]


def test_a_call_is_its_start_and_its_end() -> None:
    out = read(hangouts(
        conversation(
            call(0, "START_HANGOUT", media_type="AUDIO_VIDEO"), text(1), call(90, "END_HANGOUT", hangout_duration_secs="90"),
            call(100, "START_HANGOUT", OWNER), call(200, "START_HANGOUT"), call(201, "JOIN_HANGOUT"),
            call(90_000_000, "END_HANGOUT", hangout_duration_secs="5"),
        ),
        conversation(call(7, "END_HANGOUT", hangout_duration_secs="8"), id_="c2"),
    ))  # fmt: skip
    calls = sorted((r for r in out.event_rows if r["kind"] == "call"), key=lambda r: r["n"])
    assert [(r["n"], r["direction"], r["duration_s"], r["tags"], r["answered"]) for r in calls] == [
        (1, "in", 90, "video", None), (4, "out", None, None, None), (5, "in", None, None, None), (7, "in", 5, "ended", None),
        (8, "in", 8, "ended", None),
    ]  # fmt: skip
    assert out.scoped_out == 2
    assert {r["thread_id"] for r in calls} == {"google_chat:c1", "google_chat:c2"}


def test_groups_numbers_and_members() -> None:
    number = {"id": {"gaia_id": "5", "chat_id": "5"}, "phone_number": {"e164": "+77010000002"}}
    sms = read(hangouts(conversation(text(0, "5") | {"event_type": "SMS"}, people=(number, OWNER))))
    assert [(r["identifier"], r["tags"], r["direction"]) for r in sms.event_rows] == [("+77010000002", "sms", "in")]
    added = {"type": "JOIN", "participant_id": [ids(OWNER)]}
    group = read(hangouts(conversation(
        text(0, THIRD), text(1, OWNER), event(2, THIRD, event_type="ADD_USER", membership_change=added),
        event(3, THIRD, event_type="ADD_USER", membership_change={"type": "JOIN", "participant_id": [ids(PEER)]}),
        event(4, event_type="RENAME_CONVERSATION", conversation_rename={"new_name": SECRET}),
        text(5) | {"chat_message": {"message_content": {"attachment": [{"x": SECRET}]}}},
        people=(PEER, OWNER, THIRD), type_="GROUP",
    )))  # fmt: skip
    assert [(r["kind"], r["identifier"], r["direction"], r["directed"], r["attachment"]) for r in group.event_rows] == [
        ("message", f"google_chat:{THIRD}", "in", "unknown", "none"), ("message", None, "out", "no", "none"),
        ("other", f"google_chat:{THIRD}", "in", "yes", None), ("message", f"google_chat:{PEER}", "in", "unknown", "other"),
    ]  # fmt: skip
    assert group.scoped_out == 2


def test_the_older_shape_and_order() -> None:
    one = conversation(text(), text(1, OWNER))
    old = {"conversation_state": [{"conversation_id": {"id": "c1"}, "conversation_state": {
        "conversation": one["conversation"]["conversation"] | {"conversation_id": {"id": "c1"}}, "event": one["events"]}}]}  # fmt: skip
    rows = read(old).event_rows
    assert [(r["direction"], r["identifier"], r["thread_id"]) for r in rows] == [
        ("in", f"google_chat:{PEER}", "google_chat:c1"), ("out", f"google_chat:{PEER}", "google_chat:c1"),
    ]  # fmt: skip
    turned = {"events": one["events"], "conversation": one["conversation"]}
    assert told(read(hangouts(turned))) == told(read(hangouts(one)))
    only_it(READER, old, "Hangouts.json")


def test_two_accounts_are_refused() -> None:
    with pytest.raises(Unreadable):
        collect(READER, written(hangouts(conversation(text()), conversation(text(), own=THIRD))), "Hangouts.json")
    with pytest.raises(Unreadable):
        collect(READER, written(hangouts(conversation(text(), event(1, own=THIRD)))), "Hangouts.json")


def test_damage_and_recognition() -> None:
    document = hangouts(
        conversation(
            text(), 7, text(1) | {"timestamp": "x"}, text(2) | {"sender_id": None}, text(3) | {"chat_message": {}}
        )
    )
    out = read(document)
    assert [n for n, _, _ in out.rejects] == [2, 3] and [r["n"] for r in out.event_rows] == [1, 4, 5]
    assert out.event_rows[1]["direction"] == "unknown"
    opened(READER, document, out)
    small = hangouts(conversation(text(), text(1, OWNER)), conversation(text(2), id_="c2"))
    cut_everywhere(READER, written(small, indent=None), None, {}, step=3)
    blocks_do_not_matter(GoogleHangouts, hangouts(conversation(*(text(k) for k in range(40)))))
    assert read(hangouts()).records == 0
    only_it(READER, document, "Hangouts.json")
    others: list[Any] = [
        {},
        {"conversations": []},
        {"conversations": [{"id": "x", "MessageList": []}], "userId": "x", "exportDate": "y"},
    ]
    for other in others:
        assert READER.recognise(head_of(written(other), "x.json")) is None
    hostile(READER)
