"""The reader of Messenger's download of encrypted chats, on invented chats laid out as public parsers read them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from pipelines.readers.base import Waiting
from pipelines.readers.meta_e2ee import READER, MetaE2ee
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

T0 = 1_710_000_000_000
OWNER, PEER, THIRD = "Айгерим Тест", "Даурен Тест", "Saule Test"


def message(k: int, sender: str = PEER, **more: Any) -> dict[str, Any]:
    record = {
        "isUnsent": False, "media": [], "reactions": [], "senderName": sender, "text": SECRET, "timestamp": T0 + 60_000 * k,
        "type": "text",
    } | more  # fmt: skip
    return {key: value for key, value in record.items() if value is not None}


def chat(*messages: Any, people: tuple[str, ...] = (OWNER, PEER), name: str = f"{PEER}_3") -> dict[str, Any]:
    return {"participants": list(people), "threadName": name, "messages": list(messages)}


def read(document: Any, owner: str | None = None, beside: dict[str, Any] | None = None) -> Collected:
    return checked(READER, document, context(owner=[owner] if owner else []), beside or {}, "chat_3.json")


def test_a_chat_of_two_is_called_after_the_other_side() -> None:
    out = read(chat(message(1, OWNER), message(0)))
    assert out.owners == [f"messenger:name:{OWNER}"]
    first, second = out.event_rows
    assert (first["sender"], first["identifier"]) == (f"messenger:name:{OWNER}", f"messenger:name:{PEER}")
    assert (second["sender"], second["size"], second["attachment"]) == (f"messenger:name:{PEER}", len(SECRET), "none")
    assert {(r["thread_kind"], r["directed"], r["participants_n"], r["channel"]) for r in out.event_rows} == {
        ("direct", "yes", 2, "messenger")
    }
    assert out.covers[0]["scope"] == "thread" and out.covers[0]["scope_id"] == first["thread_id"]
    assert PEER not in first["thread_id"]
    # the same people have the same thread in a later download, in any order
    again = read(chat(message(0), people=(PEER, OWNER), name=f"{PEER}_17"))
    assert again.event_rows[0]["thread_id"] == first["thread_id"]


def test_the_owner_is_asked_for_and_never_the_first_participant() -> None:
    odd = chat(message(0), message(1, OWNER), name="Nickname_3")
    with pytest.raises(Waiting) as wait:
        read(odd)
    assert OWNER not in wait.value.lines and 'owner = "' in wait.value.lines
    assert read(odd, OWNER).owners == [f"messenger:name:{OWNER}"]
    assert read(odd, PEER).owners == [f"messenger:name:{PEER}"]
    option = replace(context(), options={"owner": OWNER})
    assert checked(READER, odd, option, {}, "chat.json").owners == [f"messenger:name:{OWNER}"]
    profile = {"profile_v2": {"name": {"full_name": OWNER}}}
    assert read(odd, None, {"profile_information.json": profile}).owners == [f"messenger:name:{OWNER}"]


def test_kinds_of_messages() -> None:
    out = read(chat(
        message(0, isUnsent=True), message(1, media=[{"uri": f"media/{SECRET}.jpg"}], text="", type="media"),
        message(2, media=[{"uri": "a.mp4"}]), message(3, media=[{"uri": "x.ogg"}]), message(4, media=[{"uri": "Failed"}]),
        message(5, type="placeholder"), message(6, type="link"), message(7, type="call"), message(8, type="media", media=None),
        message(9, media=[{"uri": "x.gif"}]), message(10, media=[{"uri": "x.pdf"}]),
    ))  # fmt: skip
    assert [(r["kind"], r["attachment"], r["size"]) for r in out.event_rows] == [
        ("message", "deleted", None), ("message", "image", None), ("message", "video", len(SECRET)),
        ("message", "audio", len(SECRET)), ("message", "other", len(SECRET)), ("message", "other", None),
        ("message", "none", len(SECRET)), ("call", None, None), ("message", "other", len(SECRET)),
        ("message", "animation", len(SECRET)), ("message", "document", len(SECRET)),
    ]  # fmt: skip
    assert "messages of which only a placeholder was stored: 1" in out.notes
    assert out.event_rows[7]["answered"] is None


def test_groups_and_reactions() -> None:
    reactions = [{"actor": PEER, "reaction": SECRET}, {"actor": PEER, "reaction": SECRET, "timestamp": T0 + 5}]
    out = read(
        chat(message(0, THIRD), message(1, OWNER, reactions=reactions), people=(OWNER, PEER, THIRD), name="G_1"), OWNER
    )
    assert [(r["kind"], r["identifier"], r["directed"], r["sub"]) for r in out.event_rows] == [
        ("message", None, "unknown", 1), ("message", None, "unknown", 1), ("mention", None, "yes", 2),
    ]  # fmt: skip
    assert {(r["thread_kind"], r["participants_n"]) for r in out.event_rows} == {("group", 3)}
    with pytest.raises(Waiting):
        read(chat(message(0, THIRD), people=(OWNER, PEER, THIRD), name="G_1"))


def test_damage_and_order() -> None:
    records = [message(0), 7, message(1, timestamp=None), message(2, timestamp=0), message(3, senderName=None)]
    out = read(chat(*records))
    assert [n for n, _, _ in out.rejects] == [2, 3, 4] and [r["n"] for r in out.event_rows] == [1, 5]
    opened(READER, chat(*records), out, "chat_3.json")
    first = chat(message(0), message(1, OWNER))
    last = dict(reversed(first.items()))
    assert told(read(first)) == told(read(last))
    cut_everywhere(READER, written(first, indent=None), context(owner=[OWNER]), {}, "chat_3.json")
    blocks_do_not_matter(MetaE2ee, chat(*(message(k) for k in range(50))), None, {}, "chat_3.json")


def test_recognition() -> None:
    only_it(READER, chat(message(0)), "Dauren_3.json")
    only_it(READER, dict(reversed(chat(message(0)).items())), "Dauren_3.json")
    only_it(READER, chat(), "Dauren_3.json")
    others: list[Any] = [{"participants": ["a"], "messages": []}, {"threadName": "x"}, [message(0)], {}]
    for other in others:
        assert READER.recognise(head_of(written(other), "x.json")) is None
    hostile(READER)
