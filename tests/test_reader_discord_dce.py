"""The reader of DiscordChatExporter's JSON, on real samples and on invented channels."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from pipelines.readers.base import Unreadable, Waiting
from pipelines.readers.discord_dce import READER, DiscordDce
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
from tests.collect import Collected, collect, context, head_of
from tests.shared_data import sample

OWNER, PEER, THIRD = "111111111111111111", "222222222222222222", "333333333333333333"
NAMES = {OWNER: "aigerim", PEER: "dauren", THIRD: "saule"}
T0 = 1_700_000_000_000  # 2023-11-14T22:13:20


def id_at(ms: int) -> str:
    return str((ms - 1_420_070_400_000) << 22)


def message(k: int, sender: str = PEER, **more: Any) -> dict[str, Any]:
    record: dict[str, Any] = {
        "id": id_at(T0 + k * 1000), "type": "Default", "timestamp": f"2023-11-14T22:13:{20 + k}.125+00:00",
        "timestampEdited": None, "callEndedTimestamp": None, "isPinned": False, "content": SECRET,
        "author": {"id": sender, "name": NAMES.get(sender, "x"), "discriminator": "0000", "nickname": NAMES.get(sender, "x").title(),
                   "isBot": False},
        "attachments": [], "embeds": [], "stickers": [], "reactions": [{"emoji": {"name": SECRET}, "count": 3}], "mentions": [],
    }  # fmt: skip
    return {key: value for key, value in (record | more).items() if value is not None or key.endswith("mestamp")}


def channel(*messages: Any, type_: str = "DirectTextChat", name: str = "Dauren") -> dict[str, Any]:
    return {
        "guild": {"id": "0", "name": "Direct Messages"}, "channel": {"id": "530805775262679064", "type": type_, "name": name},
        "dateRange": {"after": None, "before": None}, "messages": list(messages), "messageCount": len(messages),
    }  # fmt: skip


def read(document: Any, owner: str | None = None, beside: dict[str, Any] | None = None) -> Collected:
    return checked(READER, document, context(owner=[owner] if owner else []), beside or {})


def test_a_chat_of_two() -> None:
    out = read(channel(message(0), message(1, OWNER)))
    assert out.owners == [f"discord:{OWNER}"]
    first, second = out.event_rows
    assert first == {
        "sub": 1, "stated_offset_s": None, "ts_precision": "ms", "zone_basis": "utc", "channel": "discord", "status": "unknown",
        "identifier": f"discord:{PEER}", "identifier_raw": PEER, "identifier_kind": "app_id", "sender": f"discord:{PEER}",
        "actor": "unknown", "via_identifier": None, "owner_line": None, "thread_id": "discord:530805775262679064",
        "thread_kind": "direct", "participants_n": 2, "directed": "yes", "answered": None, "duration_s": None,
        "size": len(SECRET), "attachment": "none", "how": "device", "written_at": None, "witness": None, "tags": None,
        "n": 1, "record": "json:/messages/0", "local_time": T0 * 1000 + 125_000, "kind": "message", "direction": "unknown",
    }  # fmt: skip
    assert (second["sender"], second["identifier"]) == (f"discord:{OWNER}", f"discord:{PEER}")
    assert out.covers == [
        {"channel": "discord", "classes": "call message other", "basis": "observed", "complete": "unknown", "scope": "thread",
         "scope_id": "discord:530805775262679064"},
    ]  # fmt: skip


def test_the_sample_of_a_direct_chat() -> None:
    path = sample("discord-dce-json/chatanalytics-DM_2A_2M.json")
    out = collect(READER, path)
    assert out.conserved() and not out.rejects
    # the listing counts the two messages; the call is a third record
    assert sum(r["kind"] == "message" for r in out.event_rows) == 2
    calls = [r for r in out.event_rows if r["kind"] == "call"]
    assert [(c["answered"], c["duration_s"]) for c in calls] == [(None, 15_098)]
    assert len({r["sender"] for r in out.event_rows}) == 2 and {r["thread_kind"] for r in out.event_rows} == {"direct"}
    times = [r["local_time"] for r in out.event_rows]
    assert (min(times), max(times)) == (1_546_624_359_762_000, 1_595_005_394_366_000)


def test_the_sample_of_a_server() -> None:
    path = sample("discord-dce-json/chatanalytics-SV_5A_5M.json")
    with pytest.raises(Waiting):
        collect(READER, path)
    out = collect(READER, path, ctx=context(owner=["discord:999999999999999999"]))
    assert out.conserved() and (out.records, len(out.event_rows)) == (5, 5)
    assert len({r["sender"] for r in out.event_rows}) == 2 and {r["thread_kind"] for r in out.event_rows} == {"group"}
    times = [r["local_time"] for r in out.event_rows]
    assert (min(times), max(times)) == (1_526_832_584_209_000, 1_526_832_591_118_000)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_layout_of_the_text_does_not_matter(layout: dict[str, Any]) -> None:
    document = channel(*(message(k, OWNER if k % 3 else PEER) for k in range(30)))
    assert told(read(written(document, **layout))) == told(read(document))


def test_calls_offsets_and_system_lines() -> None:
    out = read(channel(
        message(0, type="Call", callEndedTimestamp="2023-11-14T22:14:20.125+00:00"),
        message(1, type="Call", timestamp="2023-11-15T03:13:21+05:00"), message(2, type="ChannelPinnedMessage"),
        message(3, type="20"), message(4, type="GuildMemberJoin"), message(5, OWNER, type="Reply"),
        message(6, attachments=[{"fileName": f"{SECRET}.jpg"}]), message(7, attachments=[{"fileName": "x.pdf"}]),
        message(8, stickers=[{"id": "1"}]), message(9, author={"id": PEER, "name": "dauren", "nickname": "Dauren", "isBot": True}),
    ))  # fmt: skip
    assert [(r["kind"], r["duration_s"], r["answered"], r["attachment"], r["tags"]) for r in out.event_rows] == [
        ("call", 60, None, None, None), ("call", None, None, None, None), ("message", None, None, "none", "command"),
        ("message", None, None, "none", None), ("message", None, None, "image", None), ("message", None, None, "document", None),
        ("message", None, None, "sticker", None), ("message", None, None, "none", "bot"),
    ]  # fmt: skip
    assert (out.event_rows[1]["stated_offset_s"], out.event_rows[1]["zone_basis"], out.event_rows[1]["ts_precision"]) == (
        18_000, "stated", "s",
    )  # fmt: skip
    assert out.event_rows[0]["zone_basis"] == "utc" and out.scoped_out == 2


def test_groups_are_directed_by_mention_and_answer() -> None:
    mention = [{"id": OWNER, "name": "aigerim"}]
    own = message(0, OWNER)
    out = read(channel(
        own, message(1), message(2, mentions=mention), message(3, type="Reply", reference={"messageId": own["id"]}),
        message(4, type="Reply", reference={"messageId": "5"}), message(5, THIRD, type="RecipientAdd", mentions=mention),
        message(6, THIRD, type="RecipientAdd"), message(7, OWNER, type="RecipientAdd", mentions=mention),
        type_="DirectGroupTextChat", name="G",
    ), f"discord:{OWNER}")  # fmt: skip
    assert [(r["kind"], r["directed"], r["tags"]) for r in out.event_rows] == [
        ("message", "no", None), ("message", "no", None), ("message", "yes", None), ("message", "yes", None),
        ("message", "no", None), ("other", "yes", "group_add"),
    ]  # fmt: skip
    assert {(r["identifier"], r["thread_kind"], r["participants_n"]) for r in out.event_rows} == {(None, "group", None)}
    assert out.scoped_out == 2


def test_who_the_owner_is() -> None:
    guild = channel(message(0), message(1, OWNER), type_="GuildTextChat", name="general")
    with pytest.raises(Waiting) as wait:
        read(guild)
    assert f"discord:{OWNER}" in wait.value.lines and "aigerim" not in wait.value.lines
    for owner in (f"discord:{OWNER}", OWNER, "aigerim", "Aigerim"):
        assert read(guild, owner).owners == [f"discord:{OWNER}"]
    account = {"account/user.json": {"id": OWNER, "username": "aigerim"}}
    out = read(guild, None, account)
    assert out.owners == [f"discord:{OWNER}"] and [role for role, _ in out.companions] == ["profile"]
    with pytest.raises(Unreadable):
        read(guild, None, {"a/account/user.json": {"id": OWNER}, "b/account/user.json": {"id": PEER}})
    for name, fine in (("aigerim", True), ("Nobody", False)):
        ctx = replace(context(), options={"owner": name})
        if fine:
            assert checked(READER, guild, ctx, {}).owners == [f"discord:{OWNER}"]
        else:
            with pytest.raises(Waiting):
                checked(READER, guild, ctx, {})
    # the owner is known and did not write
    silent = read(channel(message(0), type_="GuildTextChat"), f"discord:{OWNER}")
    assert silent.owners == [] and len(silent.event_rows) == 1
    with pytest.raises(Waiting):
        read(channel(message(0), message(1, OWNER), name="Somebody else"))
    assert read(channel(message(0))).event_rows[0]["sender"] == f"discord:{PEER}"


def test_damage() -> None:
    document = channel(
        message(0), 7, message(1, timestamp="x"), message(2, timestamp="2023-11-14T22:13:20"), message(3, author=None),
        message(4, id="5"), message(5, OWNER), message(6, id=id_at(T0 + 10**9)),
    )  # fmt: skip
    out = read(document)
    assert [n for n, _, _ in out.rejects] == [2, 3, 4] and [r["n"] for r in out.event_rows] == [1, 5, 6, 7, 8]
    assert any("made at another time than is written: 1" in n for n in out.notes)
    opened(READER, document, out)
    small = channel(message(0), message(1, OWNER, type="Call"))
    cut_everywhere(READER, written(small, indent=None), context(owner=[f"discord:{OWNER}"]), {}, step=2)
    many = channel(*(message(k, OWNER if k % 2 else PEER) for k in range(39)))
    blocks_do_not_matter(DiscordDce, many)
    hostile(READER)


def test_recognition() -> None:
    only_it(READER, channel(message(0)))
    only_it(READER, channel())
    others: list[Any] = [{"guild": {}, "messages": []}, {"channel": {"type": "x"}, "messages": []}, [message(0)]]
    for other in others:
        assert READER.recognise(head_of(written(other), "x.json")) is None
