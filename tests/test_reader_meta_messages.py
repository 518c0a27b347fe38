"""The reader of Meta's threads, on a real sample and on invented threads laid out as downloads lay them out."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.readers._meta import gone
from pipelines.readers._social import mended
from pipelines.readers.base import Unreadable, Waiting
from pipelines.readers.meta_messages import READER, MetaMessages
from tests.archive_json import (
    LAYOUTS,
    SECRET,
    blocks_do_not_matter,
    checked,
    cut_everywhere,
    garbled,
    hostile,
    located,
    only_it,
    opened,
    told,
    written,
)
from tests.collect import Collected, collect, context, head_of
from tests.shared_data import sample

T0 = 1_700_000_000_000
OWNER, PEER, THIRD = "Айгерим Тест", "Даурен Тест", "Saule Test"
PATH = "inbox/daurentest_1234567890"
PROFILE = {"profile_v2": {"name": {"full_name": garbled(OWNER), "first_name": "A"}}}


def message(k: int, sender: str = PEER, **more: Any) -> dict[str, Any]:
    """Make message k, a minute after the one before; ``None`` takes a field out."""
    record: dict[str, Any] = {
        "sender_name": garbled(sender), "timestamp_ms": T0 + 60_000 * k, "content": garbled(SECRET),
        "is_geoblocked_for_viewer": False, "is_unsent_image_by_messenger_kid_parent": False,
    } | more  # fmt: skip
    return {key: value for key, value in record.items() if value is not None}


def thread(
    *messages: Any, people: tuple[str, ...] = (PEER, OWNER), title: str = PEER, path: str = PATH, **more: Any
) -> Any:
    """Make a thread, newest message first."""
    return {
        "participants": [{"name": garbled(p)} for p in people], "messages": list(messages), "title": garbled(title),
        "is_still_participant": True, "thread_path": path, "magic_words": [], **more,
    }  # fmt: skip


def read(document: Any, beside: dict[str, Any] | None = None, **more: Any) -> Collected:
    where = {"personal_information/profile_information/profile_information.json": PROFILE} if beside is None else beside
    name = more.pop("name", "your_facebook_activity/messages/inbox/daurentest_1234567890/message_1.json")
    return checked(READER, document, more.pop("ctx", None), where, name=name, **more)


def test_two_people_and_the_profile_beside() -> None:
    out = read(thread(message(1, OWNER), message(0)))
    assert out.owners == [f"messenger:name:{OWNER}"]
    assert [role for role, _ in out.companions] == ["profile"]
    first, second = out.event_rows
    assert first == {
        "sub": 1, "stated_offset_s": None, "ts_precision": "ms", "zone_basis": "utc", "channel": "messenger",
        "status": "unknown", "identifier": f"messenger:name:{PEER}", "identifier_raw": PEER, "identifier_kind": "name",
        "sender": f"messenger:name:{OWNER}", "actor": "unknown", "via_identifier": None, "owner_line": None,
        "thread_id": "messenger:1234567890", "thread_kind": "direct", "participants_n": 2, "directed": "yes",
        "answered": None, "duration_s": None, "size": len(SECRET), "attachment": "none", "how": "device", "written_at": None,
        "witness": None, "tags": None, "n": 1, "record": "json:/messages/0", "local_time": (T0 + 60_000) * 1000,
        "kind": "message", "direction": "unknown",
    }  # fmt: skip
    assert (second["sender"], second["n"]) == (f"messenger:name:{PEER}", 2)
    assert out.covers == [
        {"channel": "messenger", "classes": "call message request mention other", "basis": "observed", "complete": "unknown",
         "scope": "thread", "scope_id": "messenger:1234567890"},
    ]  # fmt: skip
    assert any("encrypted from end to end" in note for note in out.notes)


def test_the_sample_of_a_chat_in_2014() -> None:
    path = sample("meta-json/chatanalytics-messenger-2A_7M.json")
    out = collect(READER, path, ctx=context(owner=["Alice"]))
    assert out.conserved()
    assert (out.records, len(out.event_rows)) == (7, 7)
    assert sum(r["size"] is not None for r in out.event_rows) == 3
    assert sum(r["attachment"] != "none" for r in out.event_rows) == 4
    assert len({r["sender"] for r in out.event_rows}) == 2
    times = [r["local_time"] for r in out.event_rows]
    assert (min(times), max(times)) == (1_415_147_240_411_000, 1_415_147_732_056_000)
    assert out.owners == ["messenger:name:Alice"]
    assert head_of(path) and READER.recognise(head_of(path)) is not None


@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_layout_of_the_text_does_not_matter(layout: dict[str, Any]) -> None:
    document = thread(*(message(k, OWNER if k % 3 else PEER) for k in range(30, 0, -1)))
    assert told(read(written(document, **layout))) == told(read(document))


def test_names_that_are_right_already_stay() -> None:
    assert mended("Даурен") == "Даурен"
    assert mended(garbled("Даурен")) == "Даурен"
    assert mended("José") == "José"
    assert mended(garbled("José 🎉")) == "José 🎉"
    assert mended("") == ""
    # one file may hold both: the same person
    out = read(thread(message(1, OWNER), message(0) | {"sender_name": PEER}))
    assert {r["sender"] for r in out.event_rows} == {f"messenger:name:{OWNER}", f"messenger:name:{PEER}"}


def test_calls() -> None:
    out = read(thread(
        message(4, OWNER, call_duration=65, content=SECRET), message(3, call_duration=0, missed=True),
        message(2, call_duration=0), message(1, type="Call", content=None), message(0, call_duration="x"),
    ))  # fmt: skip
    found = [(r["kind"], r["answered"], r["duration_s"], r["tags"], r["size"], r["attachment"]) for r in out.event_rows]
    assert found == [
        ("call", True, 65, None, None, None), ("call", False, None, "missed", None, None),
        ("call", None, None, None, None, None), ("call", None, None, None, None, None), ("call", None, None, None, None, None),
    ]  # fmt: skip


def test_attachments_and_unsent_messages() -> None:
    media = {
        "photos": "image", "videos": "video", "audio_files": "audio", "gifs": "animation", "files": "document",
        "sticker": "sticker", "share": "other",
    }  # fmt: skip
    records = [
        message(k, content=None, **dict[str, Any]({key: [{"uri": f"{SECRET}.jpg"}]})) for k, key in enumerate(media)
    ]
    records.append(message(20, is_unsent=True))
    out = read(thread(*records))
    assert [r["attachment"] for r in out.event_rows] == [*media.values(), "deleted"]
    assert {r["size"] for r in out.event_rows} == {None}
    opened(READER, thread(*records), out)


def test_reactions_count_only_with_a_time() -> None:
    reactions = [
        {"reaction": SECRET, "actor": garbled(PEER), "timestamp": T0 // 1000 + 90},
        {"reaction": SECRET, "actor": garbled(PEER)},
        {"reaction": SECRET, "actor": garbled(OWNER), "timestamp": T0 + 95_000},
        "x",
    ]
    out = read(thread(message(0, OWNER, reactions=reactions)))
    assert [(r["sub"], r["kind"], r["sender"], r["local_time"]) for r in out.event_rows] == [
        (1, "message", f"messenger:name:{OWNER}", T0 * 1000),
        (2, "mention", f"messenger:name:{PEER}", (T0 // 1000 + 90) * 1_000_000),
        (3, "mention", f"messenger:name:{OWNER}", (T0 + 95_000) * 1000),
    ]


def test_a_thread_that_waited_begins_with_a_request() -> None:
    document = thread(message(2), message(1), message(0), path="message_requests/daurentest_1234567890")
    out = read(document)
    assert [(r["kind"], r["tags"]) for r in out.event_rows] == [
        ("message", "message_request"), ("message", "message_request"), ("request", "message_request"),
    ]  # fmt: skip
    name = "your_facebook_activity/messages/message_requests/daurentest_1234567890/message_1.json"
    later = {name.replace("message_1", "message_2"): b"{}", "profile_information.json": PROFILE}
    goes_on = read(document, later, name=name)
    assert {r["kind"] for r in goes_on.event_rows} == {"message"}  # the earliest message is in the other file
    own = read(thread(message(1), message(0, OWNER), path="filtered_threads/x_1234567890"))
    assert [r["kind"] for r in own.event_rows] == ["message", "message"]
    old = read(thread(message(0), thread_type="Pending"))
    assert [r["kind"] for r in old.event_rows] == ["request"]
    folder = {k: v for k, v in thread(message(0)).items() if k != "thread_path"}
    assert [r["kind"] for r in read(folder, name="messages/message_requests/x_1/message_1.json").event_rows] == [
        "request"
    ]


def test_groups() -> None:
    document = thread(
        message(3, OWNER), message(2, THIRD), message(1, PEER, reactions=[{"actor": THIRD, "timestamp": T0}]),
        message(0, THIRD, type="Subscribe", users=[{"name": garbled(OWNER)}]),
        message(-1, THIRD, type="Subscribe", users=[{"name": garbled(PEER)}]), message(-2, PEER, type="Unsubscribe"),
        people=(PEER, THIRD, OWNER), title="Group", path="inbox/group_555",
    )  # fmt: skip
    out = read(document)
    assert {r["thread_kind"] for r in out.event_rows} == {"group"}
    assert {r["thread_id"] for r in out.event_rows} == {out.event_rows[0]["thread_id"]}
    assert [(r["kind"], r["identifier"], r["directed"], r["participants_n"]) for r in out.event_rows] == [
        ("message", None, "unknown", 3), ("message", None, "unknown", 3), ("message", None, "unknown", 3),
        ("mention", None, "no", 3), ("other", None, "yes", 3),
    ]  # fmt: skip
    assert out.event_rows[-1]["tags"] == "group_add"
    assert out.scoped_out == 2
    two_left = read(thread(message(0), people=(PEER, OWNER), joinable_mode={"mode": 1}))
    assert two_left.event_rows[0]["thread_kind"] == "group"


def test_who_the_owner_is() -> None:
    group = thread(message(0), message(1, OWNER), people=(PEER, THIRD, OWNER), title="Group")
    pair = thread(message(0), message(1, OWNER))
    with pytest.raises(Waiting) as wait:
        read(group, {})
    assert 'owner = "' in wait.value.lines and OWNER not in wait.value.lines + wait.value.reason
    assert read(group, {}, ctx=context(owner=[OWNER, "+77010000001"])).owners == [f"messenger:name:{OWNER}"]
    assert read(group, {}, ctx=context(owner=[f"messenger:name:{OWNER}"])).owners == [f"messenger:name:{OWNER}"]
    # a chat of two bears the name of the other side
    assert read(pair, {}).owners == [f"messenger:name:{OWNER}"]
    with pytest.raises(Waiting):
        read(thread(message(0), message(1, OWNER), title="Nickname"), {})
    # an option that fits nobody is asked for again
    nobody = replace(context(), options={"owner": "Nobody"})
    with pytest.raises(Waiting):
        read(pair, {}, ctx=nobody)
    assert read(pair, ctx=replace(context(), options={"owner": PEER})).owners == [f"messenger:name:{PEER}"]
    # only the other side writes
    alone = thread(message(0), people=(PEER,))
    assert read(alone, {}).owners == []
    nickname = thread(message(0), people=(PEER,), title="Nickname")
    with pytest.raises(Waiting):
        read(nickname, {})
    assert read(nickname, {}, ctx=context(contacts=[PEER])).event_rows[0]["identifier"] == f"messenger:name:{PEER}"
    # a group without the owner of the download
    left = read(thread(message(0), message(1, THIRD), people=(PEER, THIRD, "Dana Test"), title="Group"))
    assert left.owners == [f"messenger:name:{OWNER}"] and any("neither writes" in n for n in left.notes)


def test_two_accounts_in_one_download_are_refused_and_two_downloads_are_told_apart() -> None:
    data = written(thread(message(0)))
    other = written({"profile_v2": {"name": {"full_name": "Dana Test"}}})
    two = {"a/profile_information.json": written(PROFILE), "b/profile_information.json": other}
    with pytest.raises(Unreadable, match="2 different profiles"):
        checked(READER, data, None, two, name="messages/inbox/x_1234567890/message_1.json")
    beside = {
        "/d/one/personal_information/profile_information.json": written(PROFILE),
        "/d/two/personal_information/profile_information.json": other,
    }
    out = Collected()
    READER.read(located(data, "/d/one/messages/inbox/x_1234567890/message_1.json", beside), context(), out)
    assert out.owners == [f"messenger:name:{OWNER}"]


def test_instagram() -> None:
    fields = {"Username": {"value": "aigerim.t"}, "Имя": {"value": garbled(OWNER)}, "Bio": {"value": garbled(PEER)}}
    profile = {"profile_user": [{"string_map_data": {garbled(k): v for k, v in fields.items()}}]}
    where = "your_instagram_activity/messages/inbox/daurentest_1234567890/message_1.json"
    beside = {"personal_information/personal_information/personal_information.json": profile}
    out = read(thread(message(0), message(1, OWNER)), beside, name=where)
    assert out.owners == [f"instagram:name:{OWNER}"]
    assert {r["channel"] for r in out.event_rows} == {"instagram"}
    assert out.event_rows[0]["thread_id"] == "instagram:1234567890"
    by_profile = read(thread(message(0), message(1, OWNER)), beside, name="messages/inbox/d_1234567890/message_1.json")
    assert {r["channel"] for r in by_profile.event_rows} == {"instagram"}
    by_archive = read(
        thread(message(0)), {}, name="messages/inbox/x/message_1.json", container="instagram-test-2024.zip"
    )
    assert {r["channel"] for r in by_archive.event_rows} == {"instagram"}
    untold = read(thread(message(0)), {}, name="message_1.json")
    assert any("Messenger or of Instagram is not told" in n for n in untold.notes)


def test_accounts_that_are_gone_are_kept_apart() -> None:
    assert all(gone(n) for n in ("Facebook user", "Instagram User", "Пользователь Facebook", "Utilisateur Facebook"))
    assert not any(gone(n) for n in ("Dana Facebook Marketing Team", "Aigerim", ""))
    rows = [
        read(thread(message(0, "Facebook user"), message(1, OWNER), people=("Facebook user", OWNER), title="Facebook user", path=p))
        .event_rows[0]
        for p in ("inbox/facebookuser_1111111111", "inbox/facebookuser_2222222222")
    ]  # fmt: skip
    assert [r["identifier"] for r in rows] == ["messenger:gone-1111111111", "messenger:gone-2222222222"]


def test_two_of_one_name_are_not_told_apart() -> None:
    out = read(thread(message(0, OWNER), message(1, OWNER), people=(OWNER, OWNER), title=OWNER))
    assert {(r["sender"], r["direction"], r["thread_kind"]) for r in out.event_rows} == {(None, "unknown", "unknown")}
    assert any("same name" in n for n in out.notes) and out.owners == []


def test_the_id_of_a_thread_never_holds_a_name() -> None:
    ids = [
        read(thread(message(0), path=p)).event_rows[0]["thread_id"]
        for p in ("inbox/daurentest_aB3dE5gH7j", "inbox/daurentest", "inbox/dauren_test", "", "e2ee_cutover/daurentest_1234567890")
    ]  # fmt: skip
    assert ids[0] == "messenger:aB3dE5gH7j" and ids[4] == "messenger:1234567890"
    assert not any("dauren" in i or "test" in i for i in ids)
    assert all(len(i) <= len("messenger:") + 10 for i in ids[1:4])


def test_a_thread_that_was_cut_over_to_encryption_is_incomplete() -> None:
    out = read(thread(message(0), path="e2ee_cutover/daurentest_1234567890"))
    assert out.covers[0]["complete"] == "no" and any("moved to end-to-end" in n for n in out.notes)
    left = read(thread(message(0), is_still_participant=False))
    assert left.covers[0]["complete"] == "no"


def test_times_that_are_none_and_records_that_are_none() -> None:
    document = thread(
        message(0, timestamp_ms=0), message(1, timestamp_ms=None), message(2, timestamp_ms="x"), 7, [], message(3, timestamp_ms=T0 // 1000),
        message(4, timestamp_ms=9_999_999_999_999_999), message(5, sender_name=None), message(6, sender_name=5),
    )  # fmt: skip
    out = read(document)
    assert len(out.rejects) == 6
    assert [(r["n"], r["sender"]) for r in out.event_rows] == [(6, f"messenger:name:{PEER}"), (8, None), (9, None)]
    assert {r["ts_precision"] for r in out.event_rows if r["n"] == 6} == {"s"}
    opened(READER, document, out)


def test_other_encodings_and_an_empty_thread() -> None:
    document = thread(message(0), message(1, OWNER))
    text = written(document).decode()
    assert told(read(text.encode("utf-8-sig"))) == told(read(document))
    assert told(read(text.encode("utf-16"))) == told(read(document))
    empty = read(thread())
    assert (empty.records, empty.event_rows) == (0, [])


def test_cut_after_every_byte() -> None:
    document = thread(
        message(2, OWNER, reactions=[{"actor": "x", "timestamp": T0}]), message(1, call_duration=3), message(0)
    )
    beside = {"profile_information.json": written(PROFILE)}
    cut_everywhere(READER, written(document, indent=None), None, beside, "messages/inbox/x_1234567890/message_1.json")


def test_blocks_recognition_and_hostile_files() -> None:
    document = thread(*(message(k, OWNER if k % 2 else PEER) for k in range(40)))
    blocks_do_not_matter(
        MetaMessages, document, None, {"profile_information.json": PROFILE}, "messages/inbox/x_1/message_1.json"
    )
    only_it(READER, document, "message_1.json")
    only_it(READER, thread(), "message_1.json")
    others: list[Any] = [
        {"messages": [{"sender_name": "x"}]}, {"participants": []}, [message(0)], {"participants": ["x"], "messages": []},
    ]  # fmt: skip
    for other in others:
        assert READER.recognise(head_of(written(other), "message_1.json")) is None
    hostile(READER)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.dictionaries(
    st.sampled_from(["sender_name", "timestamp_ms", "content", "type", "call_duration", "users", "reactions", "photos"]),
    st.one_of(st.none(), st.integers(-(2**60), 2**60), st.floats(allow_nan=False), st.text(max_size=5), st.lists(st.integers(), max_size=2),
              st.lists(st.dictionaries(st.sampled_from(["actor", "timestamp", "name"]), st.text(max_size=3), max_size=2), max_size=2)),
    max_size=5), max_size=8))  # fmt: skip
def test_every_record_is_counted(records: list[Any]) -> None:
    document = thread(*records, message(0))
    out = collect(READER, written(document), "message_1.json", context(owner=[OWNER]), beside={})
    assert out.conserved() and out.records == len(records) + 1
