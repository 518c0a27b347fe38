"""What holds for all readers of downloads from chat and social networks: counting, recognition, what is beside a file."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detector.schema import CHANNELS
from pipelines.readers import (
    discord_dce,
    discord_package,
    google_chat,
    google_hangouts,
    meta_e2ee,
    meta_lists,
    meta_messages,
    skype_json,
    snapchat,
    tiktok,
    x_archive,
)
from pipelines.readers._social import epoch_us, name_of, near, utc_us, whole, zulu_us
from pipelines.readers.base import Reader, Unreadable, Waiting
from tests.archive_json import SECRET, located, written
from tests.collect import collect, context, head_of, source_of
from tests.shared_data import SHARED

READERS: dict[str, Reader] = {
    module.READER.description.id: module.READER
    for module in (discord_dce, discord_package, google_chat, google_hangouts, meta_e2ee, meta_lists, meta_messages, skype_json,
                   snapchat, tiktok, x_archive)
}  # fmt: skip

#: each format around any records
AROUND: dict[str, Any] = {
    "meta-messages": lambda r: {"participants": [{"name": "A"}, {"name": "B"}], "messages": r, "title": "B"},
    "meta-e2ee": lambda r: {"participants": ["A", "B"], "threadName": "B_1", "messages": r},
    "meta-lists": lambda r: {"relationships_blocked_users": r, "received_requests_v2": r, "pokes_v2": r, "account_activity_v2": r},
    "discord-dce": lambda r: {"guild": {}, "channel": {"id": "1", "type": "DirectTextChat", "name": "B"}, "messages": r},
    "discord-package": lambda r: {"id": "1", "username": "A", "discriminator": "0", "relationships": r},
    "google-chat": lambda r: {"messages": r},
    "google-hangouts": lambda r: {"conversations": [{"conversation": {}, "events": r}, {"events": r}]},
    "skype-json": lambda r: {"userId": "8:a", "exportDate": "x", "conversations": [{"id": "8:b", "MessageList": r}, {"MessageList": r}]},
    "snapchat": lambda r: {"b": r, "Friends": r, "Outgoing Calls": r},
    "tiktok": lambda r: {"Direct Messages": {"Chat History": {"ChatHistory": {"Chat History with b:": r}}, "x": {"BlockList": r}}},
    "x-archive": lambda r: [{"dmConversation": {"conversationId": "1-2", "messages": r}}],
}  # fmt: skip

_KEYS = [
    "sender_name", "timestamp_ms", "content", "type", "call_duration", "users", "reactions", "senderName", "timestamp", "text",
    "media", "title", "string_list_data", "string_map_data", "label_values", "name", "poker", "action", "session", "id", "author",
    "mentions", "attachments", "reference", "callEndedTimestamp", "user", "creator", "created_date", "message_state", "sender_id",
    "event_type", "chat_message", "hangout_event", "membership_change", "messagetype", "from", "originalarrivaltime", "properties",
    "From", "To", "Media Type", "Created", "IsSender", "Created(microseconds)", "Username", "Creation Timestamp", "Date", "Content",
    "UserName", "messageId", "gaia_id", "participant_id", "senderId", "createdAt", "messageCreate", "joinConversation", "participantsJoin", "reactionCreate", "Date & Time",
]  # fmt: skip
_PLAIN = st.one_of(
    st.none(), st.booleans(), st.integers(-(2**70), 2**70), st.floats(allow_nan=False, allow_infinity=False), st.text(max_size=4),
    st.sampled_from(["2024-01-31 18:30:05 UTC", "2024-01-31T18:30:05.123Z", "1700000000", "Event/Call", "RichText", "Call", "Default",
                     "START_HANGOUT", "END_HANGOUT", "A", "B", "8:b", '<partlist type="ended"><part identity="a"><duration>3</duration>']),
)  # fmt: skip
_VALUE = st.recursive(
    _PLAIN,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(_KEYS), inner, max_size=3),
    max_leaves=6,
)
_RECORDS = st.lists(st.dictionaries(st.sampled_from(_KEYS), _VALUE, max_size=6) | _VALUE, max_size=5)


@pytest.mark.parametrize("name", sorted(AROUND))
@settings(max_examples=100, deadline=None)
@given(records=_RECORDS)
def test_every_record_is_counted(name: str, records: list[Any]) -> None:
    data = written(AROUND[name](records))
    if name == "x-archive":
        data = b"window.YTD.direct_messages.part0 = " + data
    ctx = context(owner=["A", "aigerim@example.com", "discord:1", "x:1"])
    try:
        out = collect(READERS[name], data, "x.json", ctx, beside={})
    except Unreadable:
        return
    except Waiting:
        assert name == "google-chat"
        return
    assert out.conserved()
    ends = {r["n"] for r in (*out.event_rows, *out.listed_rows)}
    assert not ends & {n for n, _, _ in out.rejects}
    assert all(1 <= n <= out.records for n in (*ends, *(n for n, _, _ in out.rejects)))


@pytest.mark.parametrize("name", sorted(READERS))
def test_descriptions(name: str) -> None:
    described = READERS[name].description
    assert described.version == 1 and set(described.channels) <= set(CHANNELS)
    assert described.cannot_tell and described.evidence in ("real sample", "public code", "documentation")
    words = repr(described)
    assert "http" not in words


def test_nobody_claims_the_samples_of_other_formats() -> None:
    root = SHARED / "samples"
    if not root.exists():
        pytest.skip("needs the real samples, and the folder shared/ is not beside this checkout")
    own = {"meta-json": "meta-messages", "discord-dce-json": "discord-dce"}
    files = [p for p in sorted(root.rglob("*")) if p.is_file()]
    assert files
    for path in files:
        head = head_of(path)
        claims = {name for name, reader in READERS.items() if reader.recognise(head) is not None}
        wanted = own.get(path.relative_to(root).parts[0])
        assert claims == ({wanted} if wanted else set()), path


def test_files_beside_are_those_of_the_same_download() -> None:
    beside = {f"/d/{where}/profile_information.json": written({"x": where}) for where in ("one", "two/three")}
    assert [
        str(Path(s.path or "").parent)
        for s in near(located(b"a", "/d/one/m/x.json", beside), "*/profile_information.json")
    ] == ["/d/one"]
    both = near(located(b"a", "/d/x.json", beside), "*/profile_information.json")
    assert len(both) == 2
    assert near(replace(source_of(b"a"), beside=None), "*") == []
    same = written({"x": "one"})
    assert near(located(same, "/d/one/profile_information.json", beside), "*/one/profile_information.json") == []


def test_values() -> None:
    assert [whole(v) for v in (5, 5.0, "5", "-5", "5.5", True, None, "٥", float("inf"), "1" * 30)] == [
        5, 5, 5, -5, None, None, None, None, None, None,
    ]  # fmt: skip
    assert epoch_us(1_700_000_000) == (1_700_000_000_000_000, "s")
    assert epoch_us("1700000000123") == (1_700_000_000_123_000, "ms")
    assert epoch_us(2**60) == (None, "s")
    us = 1_706_725_805_000_000
    for text in (
        "2024-01-31 18:30:05 UTC",
        "2024-01-31 18:30:05",
        "2024-01-31T18:30:05Z",
        "2024-01-31 23:30:05+05:00",
        " 2024-01-31 18:30:05  UTC ",
    ):
        assert utc_us(text) == (us, "s"), text
    others: list[Any] = [
        "2024-01-31", "2024-13-31 18:30:05", "2024-01-31 18-30-05", "x" * 19, "2024-W05-3 18:30:05", "", "２024-01-31 18:30:05", 5,
        None,
    ]  # fmt: skip
    for other in others:
        assert utc_us(other)[0] is None, other
    assert zulu_us("2024-01-31T18:30:05.125Z") == (us + 125_000, "ms")
    assert zulu_us("2024-01-31T18:30:05Z") == (us, "s")
    assert zulu_us("2024-01-31T18:30:05.1234567Z") == (us + 123_456, "us")
    assert zulu_us("2024-01-31T18:30:05.125")[0] is None and zulu_us("2024-01-31T18:30:05.²25Z")[0] is None
    assert name_of(f"\u200e {SECRET}\n") == SECRET and name_of("x" * 300) == "" and name_of(5) == ""
