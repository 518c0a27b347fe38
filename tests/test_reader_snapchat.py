"""The reader of Snapchat's download, on invented files laid out as public notes and viewers have them."""

from __future__ import annotations

from typing import Any

import pytest

from pipelines.readers.base import Unreadable
from pipelines.readers.snapchat import READER, Snapchat
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
from tests.collect import Collected, head_of

MS = 1_713_576_562_686  # 2024-04-20 01:29:22.686
GROUP = "0f8fad5b-d9cb-469f-a165-70867728950e"
ACCOUNT = {"json/account.json": {"Basic Information": {"Username": "aigerim.t", "Name": "A"}}}


def message(k: Any = 0, sender: Any = "dauren.t", own: Any = False, **more: Any) -> dict[str, Any]:
    record: dict[str, Any] = {
        "From": sender, "Media Type": "TEXT", "Created": f"2024-04-20 01:29:{22 + k:02} UTC", "Content": SECRET,
        "Conversation Title": None, "IsSender": own, "Created(microseconds)": MS + 1000 * k, "IsSaved": True, "Media IDs": "",
    } | more  # fmt: skip
    return {key: value for key, value in record.items() if value is not None or key == "Conversation Title"}


def read(document: Any, beside: dict[str, Any] | None = None) -> Collected:
    return checked(READER, document, None, ACCOUNT if beside is None else beside, "json/chat_history.json")


def test_a_chat_of_two_states_the_direction() -> None:
    document = {"dauren.t": [message(1, "aigerim.t", True), message(0)]}
    out = read(document)
    first, second = out.event_rows
    assert first == {
        "sub": 1, "stated_offset_s": None, "ts_precision": "ms", "zone_basis": "utc", "channel": "snapchat", "status": "unknown",
        "identifier": "snapchat:dauren.t", "identifier_raw": "dauren.t", "identifier_kind": "app_id", "sender": None,
        "actor": "owner", "via_identifier": None, "owner_line": None, "thread_id": "snapchat:dauren.t", "thread_kind": "direct",
        "participants_n": 2, "directed": "yes", "answered": None, "duration_s": None, "size": len(SECRET), "attachment": "none",
        "how": "device", "written_at": None, "witness": None, "tags": None, "n": 1, "record": "json:/dauren.t/0",
        "local_time": (MS + 1000) * 1000, "kind": "message", "direction": "out",
    }  # fmt: skip
    assert (second["direction"], second["actor"], second["identifier"]) == ("in", "contact", "snapchat:dauren.t")
    assert out.owners == ["snapchat:aigerim.t"] and out.covers[0]["complete"] == "no"
    opened(READER, document, out)


def test_the_key_says_microseconds_and_means_milliseconds() -> None:
    out = read({"dauren.t": [
        message(), message(**{"Created(microseconds)": MS * 1000}), message(**{"Created(microseconds)": None}),
        message(**{"Created(microseconds)": MS + 5000}),
    ]})  # fmt: skip
    assert [(r["local_time"], r["ts_precision"]) for r in out.event_rows] == [
        (MS * 1000, "ms"), (MS // 1000 * 1_000_000, "s"), (MS // 1000 * 1_000_000, "s"), (MS // 1000 * 1_000_000, "s"),
    ]  # fmt: skip


def test_kinds_of_messages() -> None:
    words = {
        "TEXT": "none", "MEDIA": "other", "IMAGE": "image", "VIDEO": "video", "STICKER": "sticker", "NOTE": "voice",
        "LOCATION": "location", "SHARE": "other", "NEW": "other",
    }  # fmt: skip
    out = read({"dauren.t": [message(k, **{"Media Type": word}) for k, word in enumerate(words)]})
    assert [r["attachment"] for r in out.event_rows] == list(words.values())
    assert [r["tags"] for r in out.event_rows] == [None, None, "snap", *[None] * 6]
    lines = ["STATUSPARTICIPANTREMOVED", "STATUSSAVETOCAMERAROLL", "STATUS", "NONPARTICIPANTBOTRESPONSE", "STATUSNEW"]
    system = read({"dauren.t": [message(k, **{"Media Type": word}) for k, word in enumerate(lines)]})
    assert (system.scoped_out, system.event_rows) == (5, [])
    special = read({"dauren.t": [
        message(0, **{"Media Type": "STATUSERASEDMESSAGE"}), message(1, **{"Media Type": "STATUSCALLMISSEDAUDIO"}),
        message(2, **{"Media Type": "STATUSCALLENDEDVIDEO"}), message(3, **{"Media Type": "STATUSCONVERSATIONCAPTURESCREENSHOT"}),
        message(4, IsSaved=False, Content=""),
    ]})  # fmt: skip
    assert [(r["kind"], r["answered"], r["attachment"], r["tags"], r["size"]) for r in special.event_rows] == [
        ("message", None, "deleted", "erased", None), ("call", False, None, "missed audio", None),
        ("call", None, None, "ended video", None), ("other", None, None, "take_screenshot", None),
        ("message", None, "none", "unsaved", None),
    ]  # fmt: skip


def test_groups_and_a_chat_that_is_none_of_two() -> None:
    out = read({
        GROUP: [message(0, "saule"), message(1, "aigerim.t", True)], "weekend": [message(2, "saule", **{"Conversation Title": SECRET})],
        "dauren.t": [message(3, "somebody")],
    })  # fmt: skip
    assert [(r["thread_kind"], r["identifier"], r["directed"], r["direction"]) for r in out.event_rows] == [
        ("group", "snapchat:saule", "unknown", "in"), ("group", None, "no", "out"), ("group", "snapchat:saule", "unknown", "in"),
        ("unknown", "snapchat:somebody", "unknown", "in"),
    ]  # fmt: skip


def test_the_older_shape() -> None:
    received = {"From": "dauren.t", "Media Type": "TEXT", "Created": "2021-08-19 12:00:00 UTC", "Text": SECRET}
    sent = {"To": "dauren.t", "Media Type": "MEDIA", "Created": "2021-08-19 12:01:00 UTC", "Text": ""}
    document = {
        "Received Saved Chat History": [received],
        "Sent Saved Chat History": [sent, {"Created": "2021-08-19 12:01:00 UTC"}],
    }
    out = read(document)
    assert [(r["direction"], r["identifier"], r["size"], r["attachment"], r["thread_id"]) for r in out.event_rows] == [
        ("in", "snapchat:dauren.t", len(SECRET), "none", "snapchat:dauren.t"),
        ("out", "snapchat:dauren.t", None, "other", "snapchat:dauren.t"),
    ]
    assert len(out.rejects) == 1
    only_it(READER, document, "chat_history.json")


def test_friends() -> None:
    entry = {"Username": "dauren.t", "Display Name": "Dauren", "Creation Timestamp": "2023-01-02 03:04:05 UTC",
             "Last Modified Timestamp": "2024-01-02 03:04:05 UTC", "Source": SECRET}  # fmt: skip
    names = [
        "Friends",
        "Friend Requests Sent",
        "Blocked Users",
        "Deleted Friends",
        "Ignored Snapchatters",
        "Pending Requests",
        "Shortcuts",
    ]
    document: dict[str, Any] = {name: [entry] for name in names} | {"Hidden Friend Suggestions": [entry]}
    document["Pending Requests"] = [entry, entry | {"Creation Timestamp": ""}, {"Display Name": "x"}]
    out = read(document)
    assert [(r["list"], r["local_time"], r["tags"], r["label"]) for r in out.listed_rows] == [
        ("friend", 1_672_628_645_000_000, None, "Dauren"), ("request_out", 1_672_628_645_000_000, None, "Dauren"),
        ("blocked", 1_704_164_645_000_000, "last_modified", "Dauren"), ("removed", 1_672_628_645_000_000, None, "Dauren"),
        ("refused", 1_672_628_645_000_000, "ignored", "Dauren"), ("request_in", None, None, "Dauren"),
        ("other", 1_672_628_645_000_000, "shortcut", "Dauren"),
    ]  # fmt: skip
    assert [(r["kind"], r["direction"], r["identifier"]) for r in out.event_rows] == [
        ("request", "in", "snapchat:dauren.t")
    ]
    assert out.scoped_out == 1 and len(out.rejects) == 1
    opened(READER, document, out)
    only_it(READER, document, "friends.json")


def test_calls_stand_without_the_other_side() -> None:
    document = {
        "Outgoing Calls": [{"Date & Time": "2024-04-20 01:29:22 UTC", "Type": "VIDEO", "Result": "Call Succeeded", "City": SECRET,
                            "Length (sec)": "312"}],
        "Incoming Calls": [{"Date & Time": "2024-04-20 01:30:22 UTC", "Type": "AUDIO", "Result": "Call Missed", "Length (sec)": "0"},
                           {"Date & Time": "x"}],
    }  # fmt: skip
    out = read(document)
    assert [(r["direction"], r["identifier"], r["answered"], r["duration_s"], r["tags"]) for r in out.event_rows] == [
        ("out", None, True, 312, "video"), ("in", None, False, None, "audio"),
    ]  # fmt: skip
    assert len(out.rejects) == 1
    opened(READER, document, out)
    only_it(READER, document, "talk_history.json")


def test_the_owner() -> None:
    alone = read({"dauren.t": [message(1, "aigerim.t", True)]}, {})
    assert alone.owners == ["snapchat:aigerim.t"]  # the file itself shows her
    assert read({"dauren.t": [message()]}, {}).owners == []
    two = {
        "a/account.json": {"Basic Information": {"Username": "a"}},
        "b/account.json": {"Basic Information": {"Username": "b"}},
    }
    with pytest.raises(Unreadable):
        read({"dauren.t": [message()]}, two)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_layout_of_the_text_does_not_matter(layout: dict[str, Any]) -> None:
    document = {user: [message(k) for k in range(9)] for user in ("dauren.t", "saule", GROUP)}
    assert told(read(written(document, **layout))) == told(read(document))


def test_damage_and_recognition() -> None:
    document = {
        "dauren.t": [message(), 7, message(**{"Created": "x", "Created(microseconds)": None}), message(From=None)]
    }
    out = read(document)
    assert [n for n, _, _ in out.rejects] == [2, 3] and [r["n"] for r in out.event_rows] == [1, 4]
    opened(READER, document, out)
    cut_everywhere(
        READER, written({"dauren.t": [message(), message(1)], "b": [message(2)]}, indent=None), None, {}, step=2
    )
    blocks_do_not_matter(Snapchat, {"dauren.t": [message(k % 30) for k in range(60)]})
    only_it(READER, {"dauren.t": [message()]}, "chat_history.json")
    only_it(
        READER,
        {"dauren.t": [{k: v for k, v in message().items() if k not in ("Content", "IsSaved")}]},
        "snap_history.json",
    )
    others: list[Any] = [{}, {"Friends": []}, {"a": [{"From": "x"}]}, {"Friends": [], "messages": []}, [message()]]
    for other in others:
        assert READER.recognise(head_of(written(other), "x.json")) is None
    hostile(READER)
