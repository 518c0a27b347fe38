"""The reader of Discord's data package, on invented files laid out as public parsers read them."""

from __future__ import annotations

from typing import Any

import pytest

from pipelines.readers.base import Unreadable
from pipelines.readers.discord_package import READER, DiscordPackage
from tests.archive_json import SECRET, blocks_do_not_matter, checked, cut_everywhere, hostile, only_it, opened, written
from tests.collect import Collected, head_of

OWNER, PEER = "111111111111111111", "222222222222222222"
NAME = "messages/c555555555555555555/messages.json"
CHANNEL = {"id": "555555555555555555", "type": "DM", "recipients": [OWNER, PEER]}
BESIDE: dict[str, Any] = {
    "messages/c555555555555555555/channel.json": CHANNEL, "account/user.json": {"id": OWNER, "username": "a"},
    "messages/c777/channel.json": {"id": "777", "type": "GUILD_TEXT"},
}  # fmt: skip


def message(k: int, **more: Any) -> dict[str, Any]:
    record = {"ID": 1000 + k, "Timestamp": f"2024-01-31 18:30:{k:02}", "Contents": SECRET, "Attachments": ""} | more
    return {key: value for key, value in record.items() if value is not None}


def read(document: Any, beside: dict[str, Any] | None = None, name: str = NAME) -> Collected:
    return checked(READER, document, None, BESIDE if beside is None else beside, name)


def test_only_what_the_owner_wrote_is_in_it() -> None:
    document = [
        message(0),
        message(1, Attachments=f"https://x/{SECRET}"),
        message(2, Timestamp="2024-01-31 18:30:02.123000+00:00"),
    ]
    out = read(document)
    assert {
        (r["direction"], r["actor"], r["identifier"], r["thread_id"], r["thread_kind"]) for r in out.event_rows
    } == {("out", "owner", f"discord:{PEER}", "discord:555555555555555555", "direct")}
    assert [(r["attachment"], r["size"], r["ts_precision"], r["local_time"]) for r in out.event_rows] == [
        ("none", len(SECRET), "s", 1_706_725_800_000_000), ("other", len(SECRET), "s", 1_706_725_801_000_000),
        ("none", len(SECRET), "us", 1_706_725_802_123_000),
    ]  # fmt: skip
    assert out.owners == [f"discord:{OWNER}"]
    assert [role for role, _ in out.companions] == ["channel", "profile"]
    assert out.covers[0]["complete"] == "no" and out.covers[0]["scope"] == "thread"
    assert any("only what the owner wrote" in n for n in out.notes)
    opened(READER, document, out, NAME)


def test_channels_of_other_kinds_and_without_their_file() -> None:
    guild = read([message(0)], name="messages/c777/messages.json")
    row = guild.event_rows[0]
    assert (row["thread_kind"], row["identifier"], row["directed"], row["thread_id"]) == (
        "group",
        None,
        "no",
        "discord:777",
    )
    alone = read([message(0)], {})
    row = alone.event_rows[0]
    assert (row["thread_kind"], row["identifier"], row["thread_id"]) == ("unknown", None, "discord:555555555555555555")
    assert any("does not lie beside" in n for n in alone.notes)
    number = {**BESIDE, "messages/c555555555555555555/channel.json": CHANNEL | {"type": 1}}
    assert read([message(0)], number).event_rows[0]["thread_kind"] == "direct"
    with pytest.raises(Unreadable):
        read([message(0)], {"a/account/user.json": {"id": OWNER}, "b/account/user.json": {"id": PEER}})


def test_relationships() -> None:
    document = {
        "id": OWNER, "username": "aigerim", "discriminator": "0", "flags": [], "settings": {"x": SECRET},
        "relationships": [
            {"id": PEER, "type": 2, "user": {"id": PEER, "username": "dauren", "global_name": "Dauren"}}, {"id": "3", "type": 3},
            {"id": "4", "type": "FRIEND", "user": {"username": "saule"}}, {"id": "5", "type": 4}, {"id": "6", "type": 99}, {"type": 2},
            {"type": "BLOCKED", "user": {"id": "8"}},
        ],
    }  # fmt: skip
    out = read(document, {}, "account/user.json")
    assert [(r["list"], r["identifier"], r["label"], r["local_time"]) for r in out.listed_rows] == [
        ("blocked", f"discord:{PEER}", "Dauren", None), ("request_in", "discord:3", None, None),
        ("friend", "discord:4", "saule", None), ("request_out", "discord:5", None, None), ("blocked", "discord:8", None, None),
    ]  # fmt: skip
    assert out.owners == [f"discord:{OWNER}"] and out.scoped_out == 1 and len(out.rejects) == 1
    opened(READER, document, out)
    only_it(READER, document, "account/user.json")
    nobody = read({"id": OWNER, "username": "a", "discriminator": "0", "flags": 0}, {}, "account/user.json")
    assert (nobody.records, nobody.owners) == (0, [f"discord:{OWNER}"])


def test_damage_and_recognition() -> None:
    document = [message(0), 7, message(1, Timestamp="x"), message(2, Timestamp=None), message(3, Contents=None)]
    out = read(document)
    assert [n for n, _, _ in out.rejects] == [2, 3, 4] and [r["n"] for r in out.event_rows] == [1, 5]
    opened(READER, document, out, NAME)
    cut_everywhere(READER, written([message(0), message(1)], indent=None), None, {}, NAME)
    blocks_do_not_matter(DiscordPackage, [message(k) for k in range(50)], None, {}, NAME)
    only_it(READER, [message(0)], NAME)
    others: list[Any] = [[], [{"ID": 1}], {"id": "1", "username": "x"}, {}]
    for other in others:
        assert READER.recognise(head_of(written(other), "x.json")) is None
    hostile(READER)
