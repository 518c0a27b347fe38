"""Google Voice: the real samples, invented files, cut ones, and what must not be kept."""

from __future__ import annotations

from typing import Any

import pytest

from pipelines.readers import recognise
from pipelines.readers.base import Unreadable
from pipelines.readers.google_voice import READER
from tests.collect import Collected, collect, context, head_of
from tests.html_chats import MARKER, any_blocks, check, cut_everywhere, opens_again
from tests.html_chats import read as read_with
from tests.shared_data import SHARED, sample

HEAD = f'<?xml version="1.0" ?><html xmlns="http://www.w3.org/1999/xhtml"><head><title>{MARKER}</title><style>.message {{}}</style></head><body>'
CONTEXT = context("US")


def call(label: str, tel: str = "+12025550101", name: str = "", when: str = "2025-10-03T13:30:05.250-05:00", length: str = "PT1H2M3S",
         more: str = "") -> bytes:  # fmt: skip
    duration = f'<abbr class="duration" title="{length}">(01:02:03)</abbr>' if length else ""
    return (
        f'{HEAD}<div class="haudio"><span class="album">Call Log for </span><span class="fn">x</span><div class="contributor vcard">x '
        f'<a class="tel" href="tel:{tel}"><span class="fn">{name}</span></a></div><abbr class="published" title="{when}">Oct 3</abbr>{duration}{more}'
        f'<span class="full-text">{MARKER}</span><div class="tags">Labels: <a rel="tag" href="http://www.google.com/voice#{label}">L</a></div>'
        '<div class="deletedStatusContainer">User Deleted: False</div></div></body></html>'
    ).encode()  # fmt: skip


def said(
    tel: str,
    text: str = MARKER,
    name: str = "",
    mine: bool = False,
    when: str = "2025-10-03T13:30:05-05:00",
    more: str = "",
) -> str:
    fn = '<abbr class="fn" title="">Me</abbr>' if mine else f'<span class="fn">{name}</span>'
    return (
        f'<div class="message"><abbr class="dt" title="{when}">x</abbr>: <cite class="sender vcard"><a class="tel" href="tel:{tel}">{fn}</a></cite>:'
        f" <q>{text}</q>{more}</div>"
    )


def chat(*messages: str, people: str = "", labels: str = "sms inbox", deleted: bool = False) -> bytes:
    links = "".join(f'<a rel="tag" href="http://www.google.com/voice#{w}">L</a>' for w in labels.split())
    return (
        f'{HEAD}<div class="hChatLog hfeed">{people}{"".join(messages)}</div><div class="tags">Labels: {links}</div>'
        f'<div class="deletedStatusContainer">User Deleted: {deleted}</div></body></html>'
    ).encode()


def read(data: bytes, name: str = "", **how: Any) -> Collected:
    return read_with(READER, data, CONTEXT, name, **how)


SAMPLES = [  # name, records, outgoing, first (UTC), last, length, number empty
    ("+14045550102 - Placed - 2019-03-01T16_28_19Z", 1, 1, 1_551_457_699_000_000, 1_551_457_699_000_000, 42),
    ("+12025550130 - Received - 2021-12-11T18_20_31Z", 1, 0, 1_639_246_831_619_000, 1_639_246_831_619_000, 5),
    ("+14065550172 - Missed - 2020-10-27T04_45_56Z", 1, 0, 1_603_773_956_000_000, 1_603_773_956_000_000, None),
    ("- Missed - 2011-10-27T22_07_36Z", 1, 0, 1_319_753_256_000_000, 1_319_753_256_000_000, None),
    ("- Voicemail - 2011-12-10T20_43_55Z", 1, 0, 1_323_549_835_000_000, 1_323_549_835_000_000, None),
    ("174074978 - Missed - 2021-03-31T20_32_17Z", 1, 0, 1_617_222_737_000_000, 1_617_222_737_000_000, None),
    ("+17015550147 - Text - 2022-03-09T08_00_32Z", 3, 1, 1_646_812_832_789_000, 1_646_812_876_413_000, None),
    ("+17855550115 - Text - 2022-03-09T08_34_25Z", 2, 1, 1_646_814_865_496_000, 1_646_814_866_621_000, None),
    ("+17855550115 - Text - 2022-03-09T08_34_25Z (1)", 2, 1, 1_646_814_865_496_000, 1_646_814_866_621_000, None),
    ("Group Conversation - 2017-02-04T18_40_16Z", 4, 0, 1_486_192_718_842_000, 1_486_233_616_899_000, None),
    ("+14016660192 - 2018-04-01T16_28_19Z", 1, 1, 1_522_600_099_000_000, 1_522_600_099_000_000, 42),
]


@pytest.mark.parametrize(("name", "records", "outgoing", "first", "last", "length"), SAMPLES)
def test_samples(name: str, records: int, outgoing: int, first: int, last: int, length: int | None) -> None:
    path = sample(f"google-voice/{name}.html")
    claims, verdict = recognise(head_of(path))
    assert (verdict, claims[0][0]) == ("known", "google-voice")
    out = check(collect(READER, path, ctx=CONTEXT))
    assert (out.records, out.kept, out.rejects, out.scoped_out) == (records, records, [], 0)
    moments = sorted(r["local_time"] - r["stated_offset_s"] * 1_000_000 for r in out.event_rows)
    assert (moments[0], moments[-1]) == (first, last)
    assert sum(r["direction"] == "out" for r in out.event_rows) == outgoing
    # the second text of one conversation bears the owner's number without her mark: neither hers nor another's
    doubtful = sum(
        r["tags"] == "own_number" and r["direction"] == "unknown" and r["identifier"] is None for r in out.event_rows
    )
    assert doubtful == int(name.startswith("+1785"))
    assert sum(r["direction"] == "in" for r in out.event_rows) == records - outgoing - doubtful
    assert out.event_rows[0]["duration_s"] == length
    if name.startswith("- "):
        assert {(r["identifier"], r["identifier_kind"]) for r in out.event_rows} == {(None, "unknown_caller")}
    opens_again(READER, path.read_bytes(), out, b"<div class=")


def test_no_other_sample_is_claimed() -> None:
    if not (SHARED / "samples").is_dir():
        pytest.skip("the folder shared/ is not beside this checkout")
    for path in sorted((SHARED / "samples").rglob("*")):
        if path.is_file() and path.parent.name != "google-voice":
            assert READER.recognise(head_of(path)) is None, path.name


@pytest.mark.parametrize(
    ("label", "direction", "answered", "tags", "length", "attachment"),
    [("placed", "out", None, None, 3723, None), ("received", "in", True, None, 3723, None), ("missed", "in", False, "missed", 3723, None),
     ("voicemail", "in", False, "voicemail", None, "voice"), ("recorded", "unknown", True, "recorded", 3723, None)],
)  # fmt: skip
def test_calls(
    label: str, direction: str, answered: bool | None, tags: str | None, length: int | None, attachment: str | None
) -> None:
    row = read(call(label)).event_rows[0]
    wanted = {
        "n": 1, "kind": "call", "channel": "phone", "direction": direction, "answered": answered, "tags": tags, "duration_s": length,
        "attachment": attachment, "identifier": "+12025550101", "identifier_kind": "phone", "stated_offset_s": -18_000, "zone_basis": "stated",
        "ts_precision": "ms", "local_time": 1_759_498_205_250_000, "directed": "yes", "thread_kind": "direct", "size": None, "how": "app",
    }  # fmt: skip
    assert {k: row[k] for k in wanted} == wanted
    assert row["actor"] == {"in": "contact", "out": "owner", "unknown": "unknown"}[direction]


def test_calls_that_cannot_be_used() -> None:
    for data, reason in (
        (call("nothing"), "no label says what kind of call it was"), (call("missed", when="soon"), "time cannot be read"),
        (call("missed", when="1970-01-01T00:00:00Z"), "time is zero: no time was recorded"),
        (call("missed").replace(b"published", b"publisher"), "no time"),
    ):  # fmt: skip
        assert [r[2] for r in read(data).rejects] == [reason]
    for length, seconds in (("", None), ("PT5S", 5), ("PT", None), ("PT0S", 0), ("P1DT1S", 86_401), ("x", None)):
        assert read(call("received", length=length)).event_rows[0]["duration_s"] == seconds


def test_names_of_the_address_book_are_labels() -> None:
    out = read(call("missed", name="Bob Example"))
    assert [(r["list"], r["identifier"], r["label"], r["n"], r["sub"]) for r in out.listed_rows] == [
        ("address_book", "+12025550101", "Bob Example", 1, 2)
    ]
    assert read(call("missed", name="+12025550101")).listed_rows == []
    named = read(call("missed", tel="", name="Bob")).event_rows[0]
    assert (named["identifier"], named["identifier_kind"]) == ("google_voice:name:Bob", "name")
    hidden = read(call("missed", tel="", name="Private number")).event_rows[0]
    assert hidden["identifier"] is None


def test_texts() -> None:
    picture = '<div><img src="x-1-1" alt="Image MMS Attachment" /></div>'
    data = chat(
        said("+12025550101", "Hi &amp; <br/>bye", "Bob"),
        said("+12025550199", mine=True),
        said("+12025550101", "", more=picture),
    )
    out = read(data)
    assert out.owners == ["+12025550199"]
    assert [(r["direction"], r["identifier"], r["owner_line"], r["size"], r["attachment"]) for r in out.event_rows] == [
        ("in", "+12025550101", "+12025550199", 9, None), ("out", "+12025550101", "+12025550199", len(MARKER), None),
        ("in", "+12025550101", "+12025550199", 0, "image"),
    ]  # fmt: skip
    assert {(r["channel"], r["kind"], r["thread_id"], r["directed"]) for r in out.event_rows} == {
        ("sms", "message", "+12025550101", "yes")
    }
    assert [(c["channel"], c["scope"], c["scope_id"]) for c in out.covers] == [("sms", "thread", "+12025550101")]


def test_the_owners_number_without_her_mark() -> None:
    card = b"BEGIN:VCARD\r\nVERSION:3.0\r\nFN:\r\nitem1.TEL:+1 202-555-0199\r\nitem1.X-ABLabel:Google Voice\r\nTEL;TYPE=CELL:+12025550198\r\nEND:VCARD\r\n"
    out = read(
        chat(said("+12025550199"), said("+12025550101")), "Voice/Calls/x.html", beside={"Voice/Phones.vcf": card}
    )
    assert [(r["direction"], r["identifier"], r["tags"]) for r in out.event_rows] == [
        ("unknown", None, "own_number"), ("in", "+12025550101", None),
    ]  # fmt: skip
    assert any("not marked as hers" in n for n in out.notes)
    assert out.owners == ["+12025550198", "+12025550199"]
    assert [role for role, _ in out.companions] == ["phones"]


def test_only_the_owner_writes() -> None:
    data = chat(said("+12025550199", mine=True))
    for name, identifier, kind in (
        ("Calls/+12025550101 - Text - 2025-10-03T18_30_05Z.html", "+12025550101", "phone"), ("Bob - Text - 2025-10-03T18_30_05Z(1).html", "google_voice:name:Bob", "name"),
        ("7111 - Text - 2025-10-03T18_30_05Z.html", "short:7111", "short"), ("Group Conversation - 2025-10-03T18_30_05Z.html", None, "none"), ("x.html", None, "none"),
    ):  # fmt: skip
        row = read(data, name).event_rows[0]
        assert (row["direction"], row["identifier"], row["identifier_kind"]) == ("out", identifier, kind)


def test_groups() -> None:
    people = '<div class="participants">With: ' + "".join(
        f'<cite class="sender vcard"><a class="tel" href="tel:{t}"><span class="fn">{t}</span></a></cite>' for t in ("+12025550101", "++12025550102")
    ) + "</div>"  # fmt: skip
    out = read(chat(said("+12025550101"), said("+12025550199", mine=True), people=people))
    assert [(r["direction"], r["identifier"], r["thread_kind"], r["directed"], r["participants_n"]) for r in out.event_rows] == [
        ("in", "+12025550101", "group", "no", 3), ("out", None, "group", "no", 3),
    ]  # fmt: skip
    assert len({r["thread_id"] for r in out.event_rows}) == 1 and out.event_rows[0]["thread_id"].startswith("g:")


def test_labels_and_deletion_are_tags() -> None:
    assert read(chat(said("+12025550101"), labels="sms spam", deleted=True)).event_rows[0]["tags"] == "spam deleted"
    assert read(chat(said("+12025550101"), labels="sms trash")).event_rows[0]["tags"] == "trash"


def test_cut_and_read_in_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    data = chat(said("+12025550101"), said("+12025550199", mine=True), said("+12025550101"))
    cut_everywhere(READER, data, CONTEXT, same=("n", "local_time", "channel"))
    cut_everywhere(READER, call("missed"), CONTEXT)
    any_blocks(READER, data, CONTEXT, monkeypatch)
    with pytest.raises(Unreadable):
        read(HEAD.encode())


def test_locators_open_again() -> None:
    data = chat(said("+12025550101", name="Bob"), said("+12025550199", mine=True))
    opens_again(READER, data, read(data), b'<div class="message">', shown="tel:+12025550")
    data = call("voicemail")
    opens_again(READER, data, read(data), b'<div class="haudio">', shown="2025-10-03T13:30:05.250-05:00")


def test_doubled_messages_are_two() -> None:
    data = chat(said("+12025550101"), said("+12025550101"))
    assert read(data).kept == 2
