"""OwnTracks: lines of the Recorder, JSON of its interface, whose a device is, broken and hostile files."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.locate import open_record
from pipelines.readers import recognise
from pipelines.readers._tracks import NOBODY
from pipelines.readers.base import Unreadable, Waiting
from pipelines.readers.owntracks import READER, OwnTracks
from tests import track_files as made
from tests.collect import Collected, collect, context, head_of, source_of
from tests.shared_data import sample
from tests.track_files import SECRET, owntracks_line, us


def lines(*messages: dict[str, Any]) -> bytes:
    return "".join(owntracks_line(k, **m) for k, m in enumerate(messages)).encode()


def one(**more: Any) -> Collected:
    return collect(READER, lines(more))


# -- real samples: counts as found by other means


@pytest.mark.parametrize(
    ("name", "records", "kept", "out", "first", "last"),
    [
        ("demo-iphone.rec", 25, 23, 2, 1440395361, 1440405601),
        ("2024-03.rec", 13, 11, 2, 1709283789, 1717460098),
    ],
)
def test_samples(name: str, records: int, kept: int, out: int, first: int, last: int) -> None:
    path = sample(f"owntracks/{name}")
    claims, verdict = recognise(head_of(path))
    assert (verdict, claims[0][0]) == ("known", "owntracks")
    found = collect(READER, path)
    assert (found.records, found.kept, found.scoped_out, found.rejects) == (records, kept, out, [])
    moments = [r["local_time"] // 1_000_000 for r in found.position_rows]
    assert (min(moments), max(moments)) == (first, last)
    assert {r["zone_basis"] for r in found.position_rows} == {"utc"}
    for row in found.position_rows:
        raw = open_record(source_of(path), row["record"], "owntracks", row["n"])
        assert str(row["local_time"] // 1_000_000) in raw.text


def test_sample_in_full() -> None:
    found = collect(READER, sample("owntracks/2024-03.rec"))
    assert "Home" not in made.said(found)
    row = found.position_rows[2]
    wanted = {
        "n": 3, "record": "line:3", "local_time": 1709317615000000, "ts_precision": "s", "lat": 52.227, "lon": 13.334,
        "accuracy_m": 5.0, "subject": "owner", "identifier": None, "device_tag": "iPhone_12_Pro", "how": "app", "kind": "fix",
        "tags": "transition=leave region",
    }  # fmt: skip
    assert {key: row[key] for key in wanted} == wanted
    assert found.position_rows[-1]["written_at"] == 1709318940000000
    # no topic, another tid, but in a file of the Recorder: the same device, and said
    assert found.position_rows[-3]["subject"] == "owner"
    assert any("another tid" in note and note.endswith(": 1") for note in found.notes)


def test_the_time_of_arrival_is_never_the_time() -> None:
    row = collect(READER, sample("owntracks/demo-iphone.rec")).position_rows[0]
    assert row["local_time"] == 1440395361000000  # 05:49:21, while the line begins with 05:55:07


# -- messages


@pytest.mark.parametrize("kind", ["lwt", "waypoint", "waypoints", "card", "status", "cmd", "steps", "configuration"])
def test_other_messages_are_out_of_scope(kind: str) -> None:
    out = collect(READER, lines({"_type": kind, "tst": "1440363922"}, {}))
    assert (out.records, out.kept, out.scoped_out) == (2, 1, 1)
    assert not any("not known" in note for note in out.notes)


def test_a_message_of_an_unknown_kind_is_counted_and_noted() -> None:
    out = collect(READER, lines({"_type": "novelty"}, {}))
    assert (out.kept, out.scoped_out) == (1, 1)
    assert any("kind that is not known" in note for note in out.notes)


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        ({"_type": "encrypted", "data": SECRET}, "the message is encrypted: the key of the app is needed to read it"),
        ({"_type": 5}, "no message of OwnTracks: it has no _type"),
        ({"tst": ...}, "no time"),
        ({"tst": "soon"}, "time is not readable"),
        ({"tst": 0}, "time is zero: no time was recorded"),
        ({"tst": 2_500_000_000}, "time lies in or after 2035"),
        ({"lat": ...}, "coordinates are missing or not readable"),
        ({"lat": True}, "coordinates are missing or not readable"),
        ({"lat": 90.5}, "latitude is out of range"),
        ({"lon": -181}, "longitude is out of range"),
    ],
)
def test_rejects(more: dict[str, Any], reason: str) -> None:
    out = one(**more)
    assert (out.records, out.kept) == (1, 0)
    assert out.rejects == [(1, "line:1", reason)]


def test_transitions_with_and_without_a_place() -> None:
    out = collect(READER, lines(
        {"_type": "transition", "event": "enter", "desc": SECRET, "wtst": 1},
        {"_type": "transition", "event": SECRET},
        {"_type": "transition", "event": "leave", "lat": ..., "lon": ...},
    ))  # fmt: skip
    assert [r["tags"] for r in out.position_rows] == ["transition=enter", "transition"]
    assert out.scoped_out == 1
    assert SECRET not in made.said(out)


def test_pings_that_repeat_the_place_before_are_said_to() -> None:
    out = collect(
        READER, lines({}, {"t": "p", "lat": 43.2, "lon": 76.9}, {"t": "p", "lat": 43.3}, {"t": "u", "lat": 43.3})
    )
    assert [r["tags"] for r in out.position_rows] == [None, "ping repeat", "ping", "manual"]
    assert any(note.startswith("pings at the place") and note.endswith(": 1") for note in out.notes)


@pytest.mark.parametrize(("acc", "metres"), [(12, 12.0), (0, None), (-1, None), (..., None), ("7.5", 7.5), ([], None)])
def test_accuracy(acc: Any, metres: float | None) -> None:
    assert one(acc=acc).position_rows[0]["accuracy_m"] == metres


def test_created_at_is_when_it_was_written() -> None:
    rows = collect(
        READER, lines({"created_at": us(9) // 1_000_000}, {"created_at": us(1) // 1_000_000}, {"created_at": "x"})
    ).position_rows
    assert [r["written_at"] for r in rows] == [us(9), None, None]


# -- whose


def topic(user: str, device: str = "phone") -> dict[str, Any]:
    return {"topic": f"owntracks/{user}/{device}"}


def test_one_user_that_nobody_knows_is_the_owner_and_it_is_said() -> None:
    out = one()
    assert (out.position_rows[0]["subject"], out.position_rows[0]["device_tag"]) == ("owner", "phone")
    assert NOBODY in out.notes


def test_a_friend_in_the_same_file_is_a_contact() -> None:
    data = lines(topic("aigerim"), topic("dana", "Pixel 7"))
    out = collect(READER, data, ctx=context(owner=["aigerim"]))
    assert [(r["subject"], r["identifier"], r["device_tag"]) for r in out.position_rows] == [
        ("owner", None, "phone"), ("contact", "owntracks:name:dana", "Pixel_7"),
    ]  # fmt: skip
    assert NOBODY not in out.notes
    told = collect(READER, data, ctx=context(owner=["owntracks:aigerim"], contacts=["owntracks:dana"]))
    assert told.position_rows[1]["identifier"] == "owntracks:dana"


def test_two_users_of_whom_nobody_is_known_wait() -> None:
    data = lines(topic("aigerim"), topic("dana"))
    with pytest.raises(Waiting) as caught:
        collect(READER, data)
    assert caught.value.lines.startswith("owner =")
    out = collect(READER, data, ctx=context(subject="owner"))
    assert {r["subject"] for r in out.position_rows} == {"owner"}


def test_the_option_owner_settles_it() -> None:
    ctx = context()
    ctx = type(ctx)(ctx.phone, ctx.owner_names, ctx.contact_names, {"owner": "dana"})
    out = collect(READER, lines(topic("aigerim"), topic("dana")), ctx=ctx)
    assert [r["subject"] for r in out.position_rows] == ["contact", "owner"]


def test_whoever_is_not_the_owner_declared_for_owntracks_is_a_contact() -> None:
    for ctx in (context(owner=["owntracks:aigerim"]), context(owner="")):
        ctx = ctx if ctx.owner_names else type(ctx)(ctx.phone, options={"owner": "aigerim"})
        out = collect(READER, lines(topic("dana")), ctx=ctx)
        assert out.position_rows[0]["identifier"] == "owntracks:name:dana" and NOBODY not in out.notes
    # another name of the owner says nothing of OwnTracks
    out = collect(READER, lines(topic("dana")), ctx=context(owner=["+77010000001"]))
    assert out.position_rows[0]["subject"] == "owner" and NOBODY in out.notes


def test_a_single_user_who_is_a_contact() -> None:
    out = collect(READER, lines(topic("dana")), ctx=context(contacts=["dana"]))
    assert (out.position_rows[0]["subject"], out.position_rows[0]["identifier"]) == ("contact", "owntracks:name:dana")


def test_the_folder_of_the_recorder_names_the_user() -> None:
    data, more = lines({"topic": ...}), {"store/rec/dana/pixel/2025-03.rec": lines({})}
    name = "store/rec/aigerim/phone/2025-03.rec"
    with pytest.raises(Waiting):
        collect(READER, data, name, beside=more | {name: data})
    out = collect(READER, data, name, context(owner=["dana"]), beside=more | {name: data})
    assert (out.position_rows[0]["subject"], out.position_rows[0]["identifier"]) == (
        "contact",
        "owntracks:name:aigerim",
    )
    mine = collect(READER, data, name, context(owner=["aigerim"]), beside=more | {name: data})
    assert (mine.position_rows[0]["subject"], mine.position_rows[0]["device_tag"]) == ("owner", "phone")


def test_subject_goes_before_everything() -> None:
    out = collect(READER, lines(topic("aigerim")), ctx=context(owner=["aigerim"], subject="K1"))
    assert {(r["subject"], r["identifier"]) for r in out.position_rows} == {("contact", "K1")}


def test_without_topics_the_tid_tells_devices_apart_in_json() -> None:
    def batch(*tids: str) -> bytes:
        return json.dumps(
            [{"_type": "location", "tst": us(k) // 10**6, "lat": 1, "lon": 2, "tid": t} for k, t in enumerate(tids)]
        ).encode()

    assert {r["subject"] for r in collect(READER, batch("ai", "ai")).position_rows} == {"owner"}
    with pytest.raises(Waiting):
        collect(READER, batch("ai", "da"))
    out = collect(READER, batch("ai", "da"), ctx=context(owner=["ai"]))
    assert [r["subject"] for r in out.position_rows] == ["owner", "contact"]


def test_a_message_that_names_nobody_among_several_people_is_rejected() -> None:
    out = collect(READER, lines(topic("aigerim"), topic("dana"), {"topic": ...}), ctx=context(owner=["aigerim"]))
    assert out.rejects == [(3, "line:3", "whose device it was is not told, and the file holds those of several people")]


# -- forms of the file


def test_blanks_in_place_of_tabs_blank_lines_and_line_ends_of_windows() -> None:
    text = made.owntracks(3).decode().replace("\t", "   ").replace("\n", "\r\n\r\n")
    out = collect(READER, ("\ufeff" + text).encode())
    assert [r["record"] for r in out.position_rows] == ["line:1", "line:3", "line:5"]


def test_json_that_was_broken_into_lines() -> None:
    whole = owntracks_line(0, SSID="a" * 10)
    broken = whole.replace("aaaaaaaaaa", "aaaaa\naaaaa").replace(', "acc"', ',\n "acc"')
    out = collect(READER, (broken + owntracks_line(1)).encode())
    assert [(r["n"], r["record"]) for r in out.position_rows] == [(1, "lines:1-3"), (2, "line:4")]
    raw = open_record(source_of((broken + owntracks_line(1)).encode()), "lines:1-3", "owntracks", 1)
    assert '"acc"' in raw.text


def test_text_before_the_first_record_is_rejected_and_locates_itself() -> None:
    out = collect(READER, b"some words\n" + made.owntracks(1))
    assert out.rejects == [(1, "line:1", "no record of OwnTracks")]
    assert out.kept == 1


@pytest.mark.parametrize("form", ["api", "ocat", "array", "lines", "utf-16"])
def test_forms_give_the_same_positions(form: str) -> None:
    messages = [json.loads(owntracks_line(k).split("\t")[2]) for k in range(5)]
    data = {
        "api": made.owntracks_json(5),
        "ocat": json.dumps({"count": 5, "locations": messages}).encode(),
        "array": json.dumps(messages).encode(),
        "lines": "".join(json.dumps(m) + "\n" for m in messages).encode(),
        "utf-16": made.owntracks(5).decode().encode("utf-16"),
    }[form]
    assert recognise(head_of(data))[0][0][0] == "owntracks"
    usual = collect(READER, made.owntracks(5))
    out = collect(READER, data)
    keep = ("n", "local_time", "lat", "lon", "accuracy_m", "subject", "device_tag", "tags")
    assert [[r[k] for k in keep] for r in out.position_rows] == [[r[k] for k in keep] for r in usual.position_rows]
    if form != "utf-16":
        for row in out.position_rows:
            raw = open_record(source_of(data), row["record"], "owntracks", row["n"])
            assert str(row["local_time"] // 1_000_000) in raw.masked and SECRET not in raw.masked


def test_blocks_do_not_change_rows() -> None:
    data = made.owntracks_json(50)
    usual = collect(READER, data).position_rows
    for size in (16, 100, 1000):
        assert collect(OwnTracks(size), data).position_rows == usual


def test_nothing_of_owntracks() -> None:
    with pytest.raises(Unreadable):
        collect(READER, b"words\n" * 3)
    with pytest.raises(Unreadable):
        collect(READER, b"")


def test_cut_at_every_byte() -> None:
    made.cut_everywhere(READER, made.owntracks(4))
    made.cut_everywhere(READER, made.owntracks_json(3))


def test_twice_the_file_is_twice_the_rows() -> None:
    data = made.owntracks(4)
    assert [made.facts(r)[3:] for r in collect(READER, data * 2).position_rows] == [
        made.facts(r)[3:] for r in collect(READER, data).position_rows
    ] * 2


def test_hostile_values() -> None:
    deep = "[" * 5000 + "]" * 5000
    line = owntracks_line(0).replace('"acc": 10', f'"acc": {deep}')
    out = collect(READER, (line + owntracks_line(1) + "{" * 3000 + "\n" + "x" * 2_000_000 + "\n").encode())
    assert out.conserved() and out.kept >= 1
    big = one(tst=10**400, lat=1e308)
    assert big.rejects[0][2] == "time is not readable"
    assert "QORGANMARK" not in made.said(one(tid="QORGANMARK " * 3, topic="owntracks/a"))


def test_masking_shows_metadata_only() -> None:
    data = made.owntracks(1)
    shown = open_record(source_of(data), "line:1", "owntracks", 1).masked
    assert '"lat": 43.2' in shown and SECRET not in shown and "‹" in shown


values = st.one_of(
    st.none(), st.integers(), st.floats(), st.text(max_size=5), st.booleans(), st.lists(st.integers(), max_size=2)
)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.dictionaries(st.sampled_from(["_type", "tst", "lat", "lon", "acc", "t", "tid", "topic"]), values),
        min_size=1,
        max_size=6,
    )
)
def test_any_values_are_counted(messages: list[dict[str, Any]]) -> None:
    data = lines({}, *messages)
    try:
        out = collect(READER, data, ctx=context(owner=["aigerim"]))
    except (Unreadable, Waiting):
        return
    assert out.conserved() and out.records == len(messages) + 1
