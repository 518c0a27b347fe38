"""The Telegram reader, on real samples and on invented exports laid out as the exporter lays them out."""

from __future__ import annotations

import json
import tracemalloc
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.readers import recognise
from pipelines.readers.base import Context, Unreadable, Waiting
from pipelines.readers.telegram_json import READER, mend
from tests.collect import Collected, collect, context, head_of, source_of
from tests.shared_data import sample

OWNER, PEER, THIRD = 700000001, 700000002, 700000003
OWNER_ID, PEER_ID = f"telegram:user{OWNER}", f"telegram:user{PEER}"
NAMES = {OWNER: "Aigerim Test", PEER: "Dauren Test", THIRD: "Saule Test"}
T0 = 1_700_000_000


def message(k: int, sender: int | None = PEER, **more: Any) -> dict[str, Any]:
    """Make message k, a minute after the one before; ``None`` takes a field out."""
    at = T0 + 60 * k
    record: dict[str, Any] = {
        "id": k,
        "type": "message",
        "date": datetime.fromtimestamp(at + 5 * 3600, UTC).strftime("%Y-%m-%dT%H:%M:%S"),
        "date_unixtime": str(at),
    }
    if sender is not None:
        record |= {"from": NAMES[sender], "from_id": f"user{sender}"}
    record |= {"text": f"text {k}", "text_entities": [{"type": "plain", "text": f"text {k}"}]}
    record |= more
    return {key: value for key, value in record.items() if value is not None or key == "from"}


def service(k: int, action: str, actor: int = PEER, **more: Any) -> dict[str, Any]:
    record = message(k, None, type="service", actor=NAMES[actor], actor_id=f"user{actor}", action=action)
    return record | {"text": "", "text_entities": []} | more


def chat(
    messages: Sequence[Any], type_: str | None = "personal_chat", id_: int | None = PEER, name: str = "Dauren Test"
) -> Any:
    record = {"name": name, "type": type_, "id": id_, "messages": list(messages)}
    return {key: value for key, value in record.items() if value is not None}


def account(*chats: Any, left: Sequence[Any] = (), **personal: Any) -> dict[str, Any]:
    info = {"user_id": OWNER, "first_name": "Aigerim", "last_name": "Test", "phone_number": "+7 701 000 0001",
            "username": "@aigerim_test"} | personal  # fmt: skip
    return {
        "about": "a", "personal_information": info, "profile_pictures": [],
        "contacts": {"about": "a", "list": [{"user_id": PEER, "first_name": "D", "phone_number": "+7 701 000 0002"}] * 3},
        "sessions": {"about": "a", "list": [{"last_ip": "192.0.2.1"}]},
        "chats": {"about": "a", "list": list(chats)},
        "left_chats": {"about": "a", "list": list(left)},
    }  # fmt: skip


def export(document: Any, **layout: Any) -> bytes:
    return json.dumps(document, ensure_ascii=False, **({"indent": 1} | layout)).encode()


def read(document: Any, ctx: Context | None = None, **layout: Any) -> Collected:
    out = collect(READER, document if isinstance(document, bytes) else export(document, **layout), ctx=ctx)
    assert out.conserved()
    records = [row["n"] for row in out.event_rows]
    assert records == sorted(set(records))
    return out


def test_one_chat_with_both_sides() -> None:
    data = chat([message(0), message(1, OWNER), message(2, text=["см. ", {"type": "bold", "text": "тут"}])])
    out = read(data)
    assert out.owners == [OWNER_ID]
    assert out.records == 3 and not out.rejects and out.scoped_out == 0
    first, second, third = out.event_rows
    assert first == {
        "sub": 1, "stated_offset_s": 18000, "ts_precision": "s", "zone_basis": "stated", "channel": "telegram",
        "status": "unknown", "identifier": PEER_ID, "identifier_raw": str(PEER), "identifier_kind": "app_id",
        "sender": PEER_ID, "actor": "unknown", "via_identifier": None, "owner_line": None,
        "thread_id": f"telegram:{PEER}", "thread_kind": "direct", "participants_n": 2, "directed": "yes",
        "answered": None, "duration_s": None, "size": 6, "attachment": "none", "how": "device", "written_at": None,
        "witness": None, "tags": None, "n": 1, "record": "json:/messages/0",
        "local_time": (T0 + 18000) * 1_000_000, "kind": "message", "direction": "unknown",
    }  # fmt: skip
    assert (second["sender"], second["identifier"], second["n"]) == (OWNER_ID, PEER_ID, 2)
    assert (third["size"], third["record"]) == (7, "json:/messages/2")
    assert out.covers == [
        {"channel": "telegram", "classes": "call message request gift other share", "scope": "thread",
         "scope_id": f"telegram:{PEER}", "zone_basis": "utc", "local_from": T0 * 1_000_000,
         "local_to": (T0 + 120) * 1_000_000},
    ]  # fmt: skip
    assert out.notes == [
        "Secret chats, messages deleted before the export and the list of blocked users are never in it."
    ]


def test_a_whole_account_counts_over_all_chats_and_names_its_owner() -> None:
    out = read(account(
        chat([message(0), message(1, OWNER)]),
        chat([message(2, OWNER)], "saved_messages", OWNER),
        chat([message(3), message(4, OWNER)], "bot_chat", 5),
        chat([message(5, THIRD), message(6, OWNER)], "private_group", 6),
        left=[chat([message(7, THIRD)], "public_supergroup", 7), chat([message(8)], "public_channel", 8)],
    ))  # fmt: skip
    assert out.owners == [OWNER_ID, "+77010000001"]
    assert (out.records, out.kept, out.scoped_out) == (9, 5, 4)
    assert [(row["n"], row["record"], row["thread_kind"]) for row in out.event_rows] == [
        (1, "json:/chats/list/0/messages/0", "direct"),
        (2, "json:/chats/list/0/messages/1", "direct"),
        (6, "json:/chats/list/3/messages/0", "group"),
        (7, "json:/chats/list/3/messages/1", "group"),
        (8, "json:/left_chats/list/0/messages/0", "group"),
    ]
    assert {row["owner_line"] for row in out.event_rows} == {OWNER_ID}
    groups = [row for row in out.event_rows if row["thread_kind"] == "group"]
    assert {(r["identifier"], r["identifier_kind"], r["participants_n"], r["directed"]) for r in groups} == {
        (None, "none", None, "no")
    }
    assert [c["scope_id"] for c in out.covers if c.get("scope") == "thread"] == [
        f"telegram:{PEER}", "telegram:6", "telegram:7",
    ]  # fmt: skip
    whole = [c for c in out.covers if "scope" not in c]
    assert [(c["local_from"], c["local_to"]) for c in whole] == [(T0 * 1_000_000, (T0 + 420) * 1_000_000)]
    assert "3 address book entries and 1 sessions were not read." in out.notes
    assert "4 records are in saved messages, bot chats, channels or replies: no acts." in out.notes


LAYOUTS: list[dict[str, Any]] = [
    {"indent": 1}, {"indent": None}, {"indent": None, "separators": (",", ":")}, {"indent": 4, "sort_keys": True},
    {"indent": None, "sort_keys": True},
]  # fmt: skip


@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_layout_and_the_order_of_keys_do_not_matter(layout: dict[str, Any]) -> None:
    document = account(
        chat([message(k, (OWNER, PEER)[k % 3 > 0]) for k in range(40)]),
        chat([message(50, OWNER)], "saved_messages", OWNER),
        chat([message(51, THIRD), message(52, OWNER), message(53, THIRD, reply_to_message_id=52)], "private_group", 6),
    )  # fmt: skip
    plain, other = read(document), read(document, **layout)
    assert other.event_rows == plain.event_rows
    assert (other.owners, other.covers, other.scoped_out) == (plain.owners, plain.covers, plain.scoped_out)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le"])
def test_other_encodings(encoding: str) -> None:
    text = export(chat([message(0, text="жау"), message(1, OWNER)])).decode()
    assert READER.recognise(head_of(text.encode(encoding))) is not None
    assert [row["size"] for row in read(text.encode(encoding)).event_rows] == [3, 6]


# -- the owner --------------------------------------------------------------------------------------------------------


def waits(document: Any, ctx: Context | None = None) -> Waiting:
    out = Collected()
    with pytest.raises(Waiting) as caught:
        READER.read(source_of(export(document)), ctx or context(), out)
    assert out.records == 0 and not out.event_rows  # it waits before anything is handed on
    assert caught.value.lines.startswith('owner = "telegram:user…"  # ')
    return caught.value


def old(messages: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Turn messages into those of before mid-2021: bare numbers, no unixtime."""
    return [
        {k: int(v[4:]) if k in ("from_id", "actor_id") else v for k, v in m.items() if k != "date_unixtime"} for m in messages
    ]  # fmt: skip


def test_only_the_peer_wrote_no_owner_is_needed() -> None:
    out = read(chat([message(k) for k in range(3)]))
    assert out.owners == []
    assert {(row["identifier"], row["sender"], row["direction"]) for row in out.event_rows} == {
        (PEER_ID, PEER_ID, "unknown")
    }
    titled = read(chat(old([message(k) for k in range(3)]), id_=9777777777))
    assert titled.owners == [] and {row["identifier"] for row in titled.event_rows} == {PEER_ID}


def test_only_the_owner_wrote() -> None:
    out = read(chat([message(k, OWNER) for k in range(3)]))
    assert out.owners == [OWNER_ID]
    assert {(row["identifier"], row["identifier_raw"]) for row in out.event_rows} == {(PEER_ID, str(PEER))}


def test_the_owner_appears_only_after_the_first_block() -> None:
    many = [message(k, text="x" * 200) for k in range(3000)]
    out = read(chat([*many, message(3000, OWNER)]))
    assert out.owners == [OWNER_ID]
    assert not any("third sender" in note for note in out.notes)
    out = read(chat([message(k, OWNER, text="x" * 200) for k in range(3000)] + [message(3000)]))
    assert out.owners == [OWNER_ID] and {row["identifier"] for row in out.event_rows} == {PEER_ID}


def test_an_id_that_is_not_the_peers_is_not_joined_on() -> None:
    both = [message(0), message(1, OWNER)]
    for document in (chat(old(both), id_=9777777777), chat(both, id_=4242)):
        out = read(document)  # the chat bears the peer's name
        assert out.owners == [OWNER_ID]
        assert [row["identifier"] for row in out.event_rows] == [PEER_ID, PEER_ID]
        assert {row["thread_id"] for row in out.event_rows} == {f"telegram:{document['id']}"}
    assert waits(chat(old(both), id_=9777777777, name="somebody")).lines.endswith(f"one of {OWNER_ID}, {PEER_ID}")
    for declared in (OWNER_ID, "Aigerim Test"):
        out = read(chat(old(both), id_=9777777777, name="somebody"), context(owner=[declared]))
        assert (out.owners, {row["identifier"] for row in out.event_rows}) == ([OWNER_ID], {PEER_ID})
    waits(chat(old(both), id_=9777777777, name="somebody"), context(owner=["x"]))


def test_an_old_account_finds_the_other_side_even_after_a_long_monologue() -> None:
    monologue = [message(k, OWNER, text="x" * 300) for k in range(3000)]
    out = read(account(
        chat(old([*monologue, message(3000)]), id_=9777777777, name="D"),
        chat(old([message(4000, OWNER)]), id_=9777777778, name="S"),
    ))  # fmt: skip
    assert {row["identifier"] for row in out.event_rows if row["thread_id"] == "telegram:9777777777"} == {PEER_ID}
    alone = [row for row in out.event_rows if row["thread_id"] == "telegram:9777777778"]
    assert [(row["identifier"], row["identifier_kind"]) for row in alone] == [(None, "none")]
    assert "1 direct chats without a known other side." in out.notes


@pytest.mark.parametrize("how", [{"owner": [OWNER_ID]}, {"owner": ["A.", "Aigerim Test"]}, {"option": OWNER_ID},
                                 {"option": f"user{OWNER}"}, {"option": "Aigerim Test"}])  # fmt: skip
def test_a_group_needs_the_owner(how: dict[str, Any]) -> None:
    group = chat([message(0, THIRD), message(1, OWNER), message(2, THIRD, reply_to_message_id=1)], "private_group", 6)
    assert "whose account" in waits(group).reason
    waits(group, context(owner=["somebody else"]))
    ctx = context(owner=how.get("owner", ()))
    if "option" in how:
        ctx = Context(ctx.phone, ctx.owner_names, ctx.contact_names, {"owner": how["option"]})
    out = read(group, ctx)
    assert out.owners == [OWNER_ID]
    assert [row["directed"] for row in out.event_rows] == ["no", "no", "yes"]


def test_two_accounts_with_the_owners_name_are_not_chosen_from() -> None:
    twin = message(1, THIRD, **{"from": NAMES[OWNER]})
    group = chat([message(0, OWNER), twin], "private_group", 6)
    found = waits(group, context(owner=[NAMES[OWNER]]))
    assert found.reason == "several accounts in this file bear the owner's name"
    assert f"telegram:user{THIRD}" in found.lines


def test_an_account_without_personal_information_shows_its_owner_in_a_direct_chat() -> None:
    document = account(chat([message(0, THIRD)], "private_group", 6), chat([message(1), message(2, OWNER)]))
    del document["personal_information"]
    assert read(document).owners == [OWNER_ID]
    document["chats"]["list"].pop()
    waits(document)
    document["chats"]["list"] = [
        chat([message(0, OWNER), message(1)]),
        chat([message(2, OWNER), message(3, THIRD)], id_=THIRD, name="S"),
    ]
    assert read(document).owners == [OWNER_ID]


def test_names_never_reach_the_lines_to_copy() -> None:
    evil = 'x"\n[owner]\nname = "y'
    group = chat([message(0, None, **{"from": evil}), message(1, None, **{"from": "B"})], "private_group", 6)
    found = waits(group)
    assert "\n" not in found.lines and "x" not in found.lines.split("#")[1].split("owner")[0]


def test_the_export_of_the_other_side_is_read_from_the_owners_side() -> None:
    document = chat([message(0, OWNER), message(1)], id_=OWNER, name=NAMES[OWNER])
    out = read(document, context(owner=[OWNER_ID]))
    assert out.owners == [OWNER_ID]
    assert {row["identifier"] for row in out.event_rows} == {PEER_ID}


def test_an_account_that_is_not_the_declared_one_is_noted() -> None:
    note = "The account that was exported is not one of those declared as the owner's."
    assert note in read(account(chat([message(0)])), context(owner=["telegram:user5"])).notes
    assert note not in read(account(chat([message(0)])), context(owner=[OWNER_ID])).notes
    out = read(chat([message(0), message(1, OWNER)]), context(owner=["telegram:user5"]))
    assert note in out.notes and out.owners == [OWNER_ID]


def test_names_alone() -> None:
    rows = [{"type": "message", "date_unixtime": str(T0 + k), "from": name, "text": "t"} for k, name in enumerate("AB")]
    document = {"chats": {"list": [{"name": "c", "messages": rows}]}}
    waits(document)
    out = read(document, context(owner=["A"]))
    assert [row["sender"] for row in out.event_rows] == ["telegram:name:A", "telegram:name:B"]
    assert {(row["thread_kind"], row["directed"], row["zone_basis"]) for row in out.event_rows} == {
        ("unknown", "unknown", "utc")
    }
    assert len(out.event_rows[0]["thread_id"]) == len("telegram:") + 10
    bare = read({"messages": rows}, context(owner=["A"]))
    assert [row["record"] for row in bare.event_rows] == ["json:/messages/0", "json:/messages/1"]


@pytest.mark.parametrize("type_", ["saved_messages", "bot_chat", "replies", "private_channel", "public_channel"])
def test_chats_that_hold_no_acts_need_no_owner(type_: str) -> None:
    out = read(chat([message(0), message(1, OWNER), service(2, "phone_call")], type_))
    assert (out.records, out.scoped_out, out.event_rows, out.covers) == (3, 3, [], [])


def test_a_chat_of_a_kind_yet_to_come_is_out_of_scope_and_noted() -> None:
    out = read(account(chat([message(0)], "hologram")))
    assert out.scoped_out == 1
    assert "1 records are in chats of a kind that is not known: out of scope." in out.notes


# -- times ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("date", "unix", "expected"),
    [
        ("2023-11-15T03:13:20", "1700000000", (1_700_018_000, 18000, "stated")),
        ("2023-11-15T06:13:20", "1700000000", (1_700_028_800, 28800, "stated")),
        ("2023-11-14T22:13:20", "1700000000", (1_700_000_000, 0, "stated")),
        (None, "1700000000", (1_700_000_000, None, "utc")),
        (None, 1700000000, (1_700_000_000, None, "utc")),
        ("nonsense", "1700000000", (1_700_000_000, None, "utc")),
        ("2023-12-25T03:13:20", "1700000000", (1_700_000_000, None, "utc")),  # forty days apart: no offset
        ("2023-11-15T03:13:20", None, (1_700_018_000, None, "case")),
        ("2023-11-15T03:13:20", "soon", (1_700_018_000, None, "case")),
    ],
)
def test_times(date: Any, unix: Any, expected: tuple[int, int | None, str]) -> None:
    for others in ([], [message(5)]):  # alone, and among ordinary ones
        out = read(chat([message(0, date=date, date_unixtime=unix), *others]))
        row = out.event_rows[0]
        seconds, offset, basis = expected
        assert (row["local_time"], row["stated_offset_s"], row["zone_basis"]) == (seconds * 1_000_000, offset, basis)
        assert row["ts_precision"] == "s"


@pytest.mark.parametrize(
    ("date", "unix", "reason"),
    [
        (None, None, "no time"),
        ("2023-02-30T00:00:00", None, "no time"),
        (["x"], {"y": 1}, "no time"),
        ("1970-01-01T05:00:00", None, "time is zero: no time was recorded"),
        ("1980-01-01T05:00:00", "315532800", "time lies before 1990"),
        ("2044-01-01T00:00:00", None, "time lies in or after 2035"),
        (None, "9" * 12, "time lies in or after 2035"),
        ("9999-12-31T23:59:59", None, "time lies in or after 2035"),
    ],
)
def test_a_record_without_a_usable_time_is_rejected(date: Any, unix: Any, reason: str) -> None:
    out = read(chat([message(0), message(1, date=date, date_unixtime=unix), message(2, OWNER)]))
    assert out.rejects == [(2, "json:/messages/1", reason)]
    assert [row["n"] for row in out.event_rows] == [1, 3]
    assert out.covers[0]["local_to"] == (T0 + 120) * 1_000_000


def test_an_edit_is_no_second_event() -> None:
    out = read(chat([message(0, edited="1970-01-01T05:00:00"), message(1, edited="2024-01-01T00:00:00")]))
    assert len(out.event_rows) == 2


# -- what a record is -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("more", "answered", "duration", "tags"),
    [
        ({"duration_seconds": 77, "discard_reason": "hangup"}, True, 77, "hangup"),
        ({"discard_reason": "missed"}, False, None, "missed"),
        ({"discard_reason": "busy"}, False, None, "rejected"),
        ({"discard_reason": "hangup"}, None, None, "hangup"),
        ({"duration_seconds": 5}, True, 5, None),
        ({"discard_reason": "disconnect", "duration_seconds": 0}, None, None, "disconnect"),
        ({"discard_reason": "something new"}, None, None, None),
        ({"duration_seconds": "long"}, None, None, None),
        ({}, None, None, None),
    ],
)
def test_calls(more: dict[str, Any], answered: bool | None, duration: int | None, tags: str | None) -> None:
    out = read(chat([service(0, "phone_call", **more), message(1)]))
    call, text = out.event_rows
    assert (call["kind"], call["answered"], call["duration_s"], call["tags"]) == ("call", answered, duration, tags)
    assert (call["sender"], call["identifier"], call["directed"], call["size"]) == (PEER_ID, PEER_ID, "yes", None)
    assert (call["attachment"], text["kind"], text["answered"], text["tags"]) == (None, "message", None, None)


def test_service_records_of_a_direct_chat() -> None:
    rows = [
        service(0, "take_screenshot"),
        message(1, PEER, type="service", action="proximity_reached", to_id=f"user{OWNER}", distance=50, text=""),
        service(2, "requested_phone_number"),
        service(3, "send_premium_gift", months=3),
        service(4, "send_star_gift", stars=15),
        service(5, "pin_message"),
        service(6, "set_messages_ttl"),
        service(7, "joined_telegram"),
        {"id": 8, "type": "unsupported"},
        {"id": 9, "type": "hologram"},
        service(10, "clear_history"),
    ]
    out = read(account(chat(rows)))
    assert [(row["kind"], row["tags"], row["directed"], row["sender"]) for row in out.event_rows] == [
        ("other", "take_screenshot", "yes", PEER_ID),
        ("other", "proximity_reached", "yes", PEER_ID),
        ("request", "requested_phone_number", "yes", PEER_ID),
        ("gift", "send_premium_gift", "yes", PEER_ID),
        ("gift", "send_star_gift", "yes", PEER_ID),
    ]
    assert out.scoped_out == 6 and not out.rejects
    assert "1 messages are of a kind that the exporter did not support: out of scope." in out.notes
    assert "1 records are neither message nor service message: out of scope." in out.notes


def test_adding_the_owner_to_a_group_is_directed_at_her() -> None:
    me = NAMES[OWNER]
    rows = [
        service(0, "create_group", members=["x", me]),
        service(1, "invite_members", members=[me]),
        service(2, "invite_members", members=["x", None]),
        service(3, "invite_members", OWNER, members=[me]),
        service(4, "join_group_by_link", OWNER, inviter="Group"),
        service(5, "join_group_by_link", THIRD, inviter="Group"),
        service(6, "remove_members", members=[me]),
        service(7, "invite_to_group_call", members=[me]),
        service(8, "proximity_reached", OWNER, to_id=f"user{THIRD}"),
    ]
    out = read(account(chat(rows, "private_group", 6)))
    assert [(row["n"], row["kind"], row["tags"], row["directed"]) for row in out.event_rows] == [
        (1, "other", "create_group", "yes"),
        (2, "other", "invite_members", "yes"),
        (5, "other", "join_group_by_link", "yes"),
        (8, "other", "invite_to_group_call", "yes"),
        (9, "other", "proximity_reached", "no"),
    ]
    assert out.scoped_out == 4


def test_what_is_directed_at_the_owner_in_a_group() -> None:
    def says(k: int, *parts: Any, **more: Any) -> dict[str, Any]:
        return message(k, THIRD, text=list(parts), **more)

    rows = [
        message(0, OWNER),
        message(1, THIRD, reply_to_message_id=0),
        message(2, PEER, reply_to_message_id=1),
        says(3, "hey ", {"type": "mention", "text": "@Aigerim_Test"}),
        says(4, {"type": "mention", "text": "@aigerim"}),
        says(5, {"type": "mention_name", "text": "A", "user_id": OWNER}),
        says(6, {"type": "mention_name", "text": "A", "user_id": str(OWNER)}),
        says(7, {"type": "mention_name", "text": "S", "user_id": PEER}),
        says(8, {"type": "text_link", "text": "A", "href": f"tg://user?id={OWNER}"}),
        says(9, {"type": "link", "text": "https://t.me/aigerim_test"}),
        says(10, {"type": "link", "text": "https://t.me/aigerim_test/5?x"}),
        message(11, OWNER, reply_to_message_id=0),
        message(12, THIRD, reply_to_message_id=0, reply_to_peer_id="channel9"),
        message(13, THIRD, text="Aigerim Test @aigerim_test"),
    ]
    out = read(account(chat(rows, "private_supergroup", 6)))
    assert [row["n"] - 1 for row in out.event_rows if row["directed"] == "yes"] == [1, 3, 5, 6, 8, 9]


def test_the_memory_for_answers_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipelines.readers.telegram_json.REPLY_MEMORY", 3000)
    rows = [
        message(0, OWNER),
        *(message(k, THIRD) for k in range(1, 9000)),
        message(9000, THIRD, reply_to_message_id=0),
    ]
    near = [*rows[:50], message(9001, THIRD, reply_to_message_id=0)]
    assert read(account(chat(rows, "private_group", 6))).event_rows[-1]["directed"] == "no"
    assert read(account(chat(near, "private_group", 6))).event_rows[-1]["directed"] == "yes"


@pytest.mark.parametrize(
    ("more", "attachment", "size"),
    [
        ({"photo": "(File not included. Change data exporting settings to download.)", "text": ""}, "image", 0),
        ({"file": "s.webp", "media_type": "sticker", "text": ""}, "sticker", 0),
        ({"file": "v.mp4", "media_type": "video_message"}, "video", 6),
        ({"file": "v.ogg", "media_type": "voice_message"}, "voice", 6),
        ({"file": "a.mp4", "media_type": "animation"}, "animation", 6),
        ({"file": "v.mp4", "media_type": "video_file"}, "video", 6),
        ({"file": "a.mp3", "media_type": "audio_file"}, "audio", 6),
        ({"file": "x.pdf", "mime_type": "application/pdf"}, "document", 6),
        ({"file": "x", "media_type": "hologram"}, "other", 6),
        ({"contact_information": {"first_name": "N", "phone_number": "+7 701 000 0009"}}, "contact", 6),
        ({"poll": {"question": "q"}}, "poll", 6),
        ({"game_title": "g"}, "other", 6),
        ({"text": "𝄞é\n"}, "none", 3),
        ({"text": []}, "none", 0),
        ({"text": None}, "none", None),
        ({"text": {"odd": 1}}, "none", None),
        ({"text": [1, None, {"text": 5}, ["x"], "ab"]}, "none", 2),
    ],
)
def test_attachments_and_sizes(more: dict[str, Any], attachment: str, size: int | None) -> None:
    row = read(chat([message(0, **more)])).event_rows[0]
    assert (row["kind"], row["attachment"], row["size"]) == ("message", attachment, size)


def test_forwarded_and_self_destructing_messages_are_tagged() -> None:
    rows = [message(0, forwarded_from="Z"), {**message(1), "forwarded_from": None},
            message(2, photo="p", self_destruct_period_seconds=10, forwarded_from="Z")]  # fmt: skip
    out = read(chat(rows))
    assert [row["tags"] for row in out.event_rows] == ["forwarded", "forwarded", "forwarded self_destruct"]
    assert {row["sender"] for row in out.event_rows} == {PEER_ID}


def test_shared_locations_become_positions() -> None:
    here = {"latitude": 43.2389, "longitude": 76.8897}
    rows = [
        message(0, location_information=here, text=""),
        message(1, OWNER, location_information=here, live_location_period_seconds=900),
        message(2, location_information=here, place_name="N", address="A"),
        message(3, location_information={"latitude": 91, "longitude": 0}),
        message(4, location_information={"latitude": "43", "longitude": 1}),
        message(5, location_information={"latitude": 0, "longitude": 0}),
        message(6, location_information=here, date="never", date_unixtime=None),
    ]
    out = read(chat(rows))
    assert [row["attachment"] for row in out.event_rows] == ["location"] * 6
    assert [(p["n"], p["sub"], p["record"], p["sender"], p["identifier"], p["tags"]) for p in out.position_rows] == [
        (1, 2, "json:/messages/0", PEER_ID, PEER_ID, None),
        (2, 2, "json:/messages/1", OWNER_ID, OWNER_ID, "live"),
        (3, 2, "json:/messages/2", PEER_ID, PEER_ID, "venue"),
    ]
    first = out.position_rows[0]
    assert (first["kind"], first["subject"], first["source_how"], first["lat"], first["lon"]) == (
        "share", "contact", "share", 43.2389, 76.8897,
    )  # fmt: skip
    assert first["accuracy_m"] is None and first["local_time"] == out.event_rows[0]["local_time"]
    assert first["stated_offset_s"] == 18000
    assert "3 locations without a usable point." in out.notes
    assert len(out.rejects) == 1


def test_senders_of_all_kinds() -> None:
    rows = [
        message(0, None, from_id="channel55", **{"from": "C"}),
        message(1, None, from_id="chat56"),
        message(2, THIRD, **{"from": None}),
        message(3, None),
        message(4, None, from_id="nonsense'x"),
        message(5, None, from_id=[1]),
        message(6, None, from_id=-7),
        message(7, None, from_id="user" + "9" * 500),
        message(8, None, **{"from": "B" * 500}),
    ]
    out = read(account(chat(rows, "private_group", 6)))
    assert [row["sender"] for row in out.event_rows] == [
        "telegram:channel55", "telegram:chat56", f"telegram:user{THIRD}", *[None] * 6,
    ]  # fmt: skip
    assert {row["direction"] for row in out.event_rows} == {"unknown"}


def test_no_content_is_put_out_anywhere() -> None:
    secret = "SECRETWORD"
    rows = [
        message(0, text=[secret, {"type": "link", "text": secret, "href": secret}], caption=secret, author=secret),
        message(1, file=secret, file_name=secret, media_type="audio_file", title=secret, performer=secret),
        message(2, place_name=secret, address=secret, location_information={"latitude": 1, "longitude": 2}),
        message(3, poll={"question": secret}, forwarded_from=secret, via_bot=secret),
        service(4, "edit_group_title", title=secret),
        service(5, secret),
        message(6, type=secret),
        message(7, date=secret, date_unixtime=secret),
        message(8, contact_information={"first_name": secret}, media_type=secret),
        message(9, from_id=secret, **{"from": None}),
        service(10, "phone_call", discard_reason=secret),
    ]
    data = export(account(chat(rows, name=secret))).replace(b'"text 8"', b'"SECRETWORD\\x"')
    out = read(data)
    assert len(out.event_rows) > 5 and out.rejects
    everything = repr((out.event_rows, out.position_rows, out.rejects, out.notes, out.covers, out.owners))
    assert secret not in everything


# -- broken and hostile files -----------------------------------------------------------------------------------------


def test_the_two_known_faults_of_the_exporter_are_mended() -> None:
    emoji = {"type": "custom_emoji", "text": "E", "document_id": "PATH"}
    data = export(account(chat([message(k, text=["a", emoji, "b"] if k == 30 else f"t{k} CTRL") for k in range(60)])))
    data = data.replace(b'"PATH"', b"video_files/sticker (2).webm").replace(b"t40 CTRL", b"t40 \\x05\\\\x05\\x1F")
    with pytest.raises(ValueError):
        json.loads(data)
    out = read(data)
    assert len(out.event_rows) == 60 and not out.rejects
    assert (out.event_rows[30]["size"], out.event_rows[40]["size"]) == (3, 10)
    assert "2 messages were not valid JSON and were mended (escapes, quotes, encoding)." in out.notes


def test_mending_leaves_what_is_right_alone() -> None:
    fine = b'{"a": "\\\\x05 \\n", "document_id": "q", "b": {"document_id": 5, "c": "\\\\"}}'
    assert mend(fine) == fine
    assert mend(b'"\\\\\\x41"') == b'"\\\\\\u0041"'
    assert mend(b'{\n"document_id": (File not included.)\n}') == b'{\n"document_id": ""\n}'


def test_a_truncated_file_keeps_every_whole_message() -> None:
    data = export(account(chat([message(k, (PEER, OWNER)[k % 2]) for k in range(100)])))
    cut = data.index(b'"text 60"')
    out = read(data[:cut])
    assert [row["n"] for row in out.event_rows] == list(range(1, 61))
    assert out.rejects == [(61, "json:/chats/list/0/messages/60", "the file ends inside this record")]
    assert out.notes[-2] == f"Reading stopped at byte {cut}: the file ends too early; what may follow was not read."
    assert len(out.covers) == 2


def test_quotes_that_were_not_escaped_cost_one_record() -> None:
    data = export(chat([message(k, (PEER, OWNER)[k % 2]) for k in range(100)]))
    data = data.replace(b'"text": "text 60"', b'"text": "so "called" text"')
    out = read(data)
    assert out.rejects == [(61, "json:/messages/60", "not valid JSON")]
    assert [row["n"] for row in out.event_rows] == [n for n in range(1, 101) if n != 61]


def test_records_that_are_no_objects_and_deep_nesting() -> None:
    deep: Any = 1
    for _ in range(400):
        deep = [deep]
    data = export(chat([message(0), 5, None, "x", [], message(1, x="DEEP"), message(2, OWNER)]))
    data = data.replace(b'"DEEP"', b"[" * 100_000 + b"]" * 100_000)
    out = read(data)
    assert [reason for _, _, reason in out.rejects] == ["not shaped like a record of this kind"] * 4 + [
        "nested too deeply"
    ]
    assert [row["n"] for row in out.event_rows] == [1, 7]


@pytest.mark.parametrize("data", [b"", b"{", b'{"messages"', b'{"personal_information": {"user_id": 1}, "cha'])
def test_a_file_without_a_single_record_that_breaks_off_is_unreadable(data: bytes) -> None:
    with pytest.raises(Unreadable):
        collect(READER, data)


def test_an_account_without_chats_is_read_and_empty() -> None:
    out = read(account())
    assert (out.records, out.owners[0]) == (0, OWNER_ID)


def test_too_many_chats_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipelines.readers.telegram_json.MAX_CHATS", 10)
    with pytest.raises(Unreadable, match="more than 10 chats"):
        read(account(*(chat([], id_=k + 1) for k in range(11))))


JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
FIELDS = [
    "id",
    "type",
    "date",
    "date_unixtime",
    "from",
    "from_id",
    "actor",
    "actor_id",
    "action",
    "text",
    "reply_to_message_id",
    "forwarded_from",
    "media_type",
    "photo",
    "file",
    "location_information",
    "live_location_period_seconds",
    "place_name",
    "poll",
    "duration_seconds",
    "discard_reason",
    "members",
    "to_id",
]


@settings(max_examples=80, deadline=None)
@given(
    st.lists(st.dictionaries(st.sampled_from(FIELDS), JUNK, max_size=5), max_size=6),
    st.sampled_from(["personal_chat", "private_group", None]),
    JUNK,
)
def test_any_value_in_any_field_is_survived_and_counted(
    changes: list[dict[str, Any]], type_: str | None, id_: Any
) -> None:
    rows = [message(k, (PEER, OWNER)[k % 2]) | change for k, change in enumerate(changes)]
    rows += [service(50 + k, "phone_call") | change for k, change in enumerate(changes)]
    try:
        out = read(account(chat(rows, type_, id_)))
    except Waiting:
        raise AssertionError("the owner is known") from None
    assert out.records == 2 * len(changes)
    for row in out.event_rows:
        assert row["attachment"] is None or isinstance(row["attachment"], str)
        assert row["size"] is None or row["size"] >= 0


def test_memory_does_not_grow_with_the_file(tmp_path: Path) -> None:
    class Quiet(Collected):
        def events(self, rows: int, columns: Any) -> None: ...

    peaks = []
    for count in (6_000, 30_000):
        path = tmp_path / f"{count}.json"
        path.write_bytes(export(chat([message(k, (PEER, OWNER)[k % 2]) for k in range(count)])))
        source = source_of(path)
        tracemalloc.start()
        READER.read(source, context(), Quiet())
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.3 * peaks[0]


def test_reading_in_small_and_large_pieces_gives_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    document = account(
        *(chat([message(100 * c + k, (PEER, OWNER)[k % 3 == 0]) for k in range(20)]) for c in range(30)),
        chat([service(0, "phone_call", duration_seconds=3), message(1, date=None, date_unixtime=None)]),
        chat([message(k, THIRD, location_information={"latitude": 1, "longitude": k}) for k in range(9)], "private_group", 6),
    )  # fmt: skip
    whole = read(document)
    monkeypatch.setattr("pipelines.readers.telegram_json._ROWS", 7)
    small = read(document)
    for name in ("event_rows", "position_rows", "covers", "notes", "rejects"):
        assert getattr(small, name) == getattr(whole, name)


# -- recognition ------------------------------------------------------------------------------------------------------


def test_recognition_is_by_content() -> None:
    known = [
        chat([message(0)]), {"messages": [message(0)]}, account(chat([service(0, "phone_call")])), account(),
        chat([]), account(left=[chat([message(0)])]),
    ]  # fmt: skip
    for document in known:
        for name in ("result.json", "x.txt"):
            assert READER.recognise(head_of(export(document), name)) is not None
    long = export(account(chat([message(0, text="x" * 90_000)])))
    assert READER.recognise(head_of(long)) is not None
    strange: list[Any] = [
        {}, [], [message(0)], {"messages": []}, {"messages": [{"sender_name": "A", "timestamp_ms": 1, "content": "x"}]},
        {"type": "FeatureCollection", "features": []}, {"locations": [{"timestampMs": "1"}]},
        {"guild": {}, "channel": {"type": "DirectTextChat"}, "messages": [{"id": "1", "type": "Default", "timestamp": "x"}]},
        {"userId": "8:x", "exportDate": "2020", "conversations": []},
    ]  # fmt: skip
    for document in strange:
        assert READER.recognise(head_of(export(document), "result.json")) is None
    for data in (b"", b"{", b"\x00" * 100, b"PK\x03\x04", b"<html>", b'{"messages": [' * 5000):
        assert READER.recognise(head_of(data, "result.json")) is None


def test_the_reader_is_registered_and_nobody_else_claims_its_files() -> None:
    claims, verdict = recognise(head_of(export(account(chat([message(0)]))), "result.json"))
    assert verdict == "known" and claims[0][0] == "telegram-json"


# -- real samples: counts from shared/samples/PROVENANCE-chat.md ----------------------------------------------------------

#: messages, service records, calls, different senders of messages, messages without a name, first and last, kept rows
SAMPLES: dict[str, tuple[int, int, int, int, int, str, str, int]] = {
    "chm-2020-01/result.json": (42, 8, 2, 9, 5, "2016-11-09T00:26:24", "2019-09-30T18:23:26", 45),
    "chm-2021-05/result.json": (1, 2, 0, 1, 0, "2016-11-09T00:26:24", "2016-11-09T00:36:45", 2),
    "chm-2023-01/result.json": (1, 5, 0, 1, 0, "2016-02-10T16:55:02Z", "2023-02-18T14:55:02Z", 1),
    "chm-2023-08/result.json": (1, 1, 0, 1, 1, "2022-09-28T08:14:28Z", "2022-10-11T14:49:15Z", 1),
    "chm-2023-10_audio-video/result.json": (4, 0, 0, 1, 4, "2018-07-22T08:51:11Z", "2022-10-11T14:49:16Z", 4),
    "chm-2024-08/result.json": (3, 1, 0, 2, 0, "2022-10-11T14:49:15Z", "2022-10-11T14:49:18Z", 4),
    "chm-2025-03_service-photo-size/result.json": (0, 2, 0, 0, 0, "2022-10-11T14:49:16Z", "2022-10-11T14:49:17Z", 0),
    "tcp-saved.json": (20, 1, 0, 2, 0, "2020-08-01T22:01:49", "2021-03-22T17:18:09", 0),
    "tcp-private_group.json": (1, 1, 0, 1, 0, "2021-03-18T15:20:24", "2021-03-18T15:20:37", 1),
    "tcp-users_test.json": (8, 1, 0, 3, 0, "2020-10-15T10:28:10", "2021-03-22T17:18:09", 0),
    "tcp-bot.json": (2, 0, 0, 2, 0, "2020-10-13T23:31:04", "2020-10-13T23:31:05", 0),
    "chatminer-test_batch_export.json": (2, 0, 0, 2, 0, "2018-12-05T10:39:10Z", "2018-12-05T10:49:24Z", 2),
}


def everything_in_scope(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the reader keep chats and service records that hold no acts, so that all records can be counted in its rows."""
    monkeypatch.setattr("pipelines.readers.telegram_json._kind", lambda type_: "group")
    monkeypatch.setattr("pipelines.readers.telegram_json._OTHERS", Everything())


class Everything:
    def __contains__(self, value: object) -> bool:
        return True


@pytest.mark.parametrize("name", SAMPLES)
def test_real_samples(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    path = sample(f"telegram-json/{name}")
    messages, services, calls, senders, unnamed, first, last, kept = SAMPLES[name]
    claim = READER.recognise(head_of(path))
    assert claim is not None and claim.sure >= 90
    ctx = context(owner=["telegram:user9999999999", "Author 1"])
    out = collect(READER, path, ctx=ctx)
    assert out.conserved() and not out.rejects
    assert (out.records, out.kept) == (messages + services, kept)
    assert sum(row["kind"] == "call" for row in out.event_rows) == calls

    everything_in_scope(monkeypatch)
    full = collect(READER, path, ctx=ctx)
    assert full.conserved() and full.scoped_out == 0 and not full.rejects
    texts = [row for row in full.event_rows if row["kind"] == "message"]
    assert (len(texts), len(full.event_rows) - len(texts)) == (messages, services)
    assert len({row["sender"] for row in texts}) == senders
    times = sorted(row["local_time"] // 1_000_000 - (row["stated_offset_s"] or 0) for row in full.event_rows)
    utc = {row["zone_basis"] for row in full.event_rows} <= {"utc", "stated"}
    assert utc == first.endswith("Z")
    for stamp, want in ((times[0], first), (times[-1], last)):
        assert datetime.fromtimestamp(stamp, UTC).strftime("%Y-%m-%dT%H:%M:%S") == want.removesuffix("Z")
    document = json.loads(path.read_bytes())
    chats = document.get("chats", {}).get("list", []) if "chats" in document else [document]
    nameless = [m for c in chats for m in c["messages"] if m["type"] == "message" and m.get("from") is None]
    assert len(nameless) == unnamed
    if "personal_information" in document:
        assert out.owners[0] == f"telegram:user{document['personal_information']['user_id']}"


def test_the_real_account_of_2020_in_detail() -> None:
    out = collect(READER, sample("telegram-json/chm-2020-01/result.json"))
    calls = [row for row in out.event_rows if row["kind"] == "call"]
    assert [(row["answered"], row["duration_s"], row["tags"], row["sender"]) for row in calls] == [
        (False, None, "missed", "telegram:user777777777"),
        (True, 77, "hangup", "telegram:user777777777"),
    ]
    direct = {row["thread_id"]: row["identifier"] for row in out.event_rows if row["thread_kind"] == "direct"}
    assert direct == {
        "telegram:9777777777": "telegram:user777777777",
        "telegram:4321012345": "telegram:user32507588",
        "telegram:9333333333": "telegram:user333333333",
    }
    (shared,) = out.position_rows
    assert (shared["lat"], shared["lon"], shared["tags"]) == (41.311194, 69.279725, "live")
    assert {row["zone_basis"] for row in out.event_rows} == {"case"}


def test_the_offset_may_differ_within_one_real_file() -> None:
    out = collect(READER, sample("telegram-json/chm-2023-10_audio-video/result.json"))
    assert [row["stated_offset_s"] for row in out.event_rows] == [18000, 18000, 28800, 28800]
