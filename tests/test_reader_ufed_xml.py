"""Cellebrite report: the real sample, rows by hand, directions, copies, places, contacts, damage, masking, locators."""

from __future__ import annotations

import contextlib
import io
import re
import zipfile
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from pipelines.identifiers import phone_identifier
from pipelines.locate import open_record
from pipelines.readers import _ufed_models, _xml_bytes, recognise, ufed_xml
from pipelines.readers._ufed_models import Model, Report, parse, plain
from pipelines.readers._xml_bytes import Broken
from pipelines.readers.base import Unreadable, Waiting
from pipelines.readers.ufed_xml import READER, channel_of
from pipelines.reread import NOT_COMPARED, disagreement
from tests.collect import Collected, collect, context, head_of, source_of
from tests.shared_data import sample

SECRET = "zzcontentzz"
ME, HER, HIM = "+77010000001", "+77010000011", "+77010000012"
NOON = "2025-03-01T12:00:00.000+00:00"
NOON_US = 1_740_830_400_000_000


def value(text: str, kind: str = "String", more: str = "") -> str:
    return f'<value type="{kind}"{more}><![CDATA[{text}]]></value>'


def fields(**given: str | None) -> str:
    out = ""
    for name, text in given.items():
        if name in ("TimeStamp", "EndTime", "Timestamp", "StartTime") and text:
            inside = f'<value type="TimeStamp" format="TimeStampKnown" formattedTimestamp="1999-01-01T00:00:00+09:00">{text}</value>'
        else:
            inside = "<empty />" if text is None else value(text)
        out += f'\n  <field name="{name}" type="String">\n    {inside}\n  </field>'
    return out


def model(kind: str, inside: str, **attrs: str) -> str:
    given = {"id": "", "deleted_state": "Intact", "decoding_confidence": "High", "extractionId": "1", **attrs}
    listed = "".join(f' {k}="{v}"' for k, v in given.items() if v)
    return f'\n<model type="{kind}"{listed}>{inside}\n</model>'


def party(identifier: str | None, owner: str | None = "False", role: str | None = None, name: str | None = None) -> str:
    return model(
        "Party", fields(Identifier=identifier, Role=role, Name=name, IsPhoneOwner=owner), deleted_state="Unknown"
    )


def many(name: str, *models: str) -> str:
    return (
        f'\n<multiModelField name="{name}" type="X">{"".join(models)}</multiModelField>'
        if models
        else f'<multiModelField name="{name}" type="X" />'
    )


def one(name: str, inside: str | None) -> str:
    return f'\n<modelField name="{name}" type="X">{inside or "<empty />"}</modelField>'


def message(
    sender: str | None = None,
    to: tuple[str, ...] = (),
    more: str = "",
    *,
    attrs: dict[str, str] | None = None,
    **given: str | None,
) -> str:
    filled: dict[str, str | None] = {"Source": "WhatsApp", "Body": SECRET, "TimeStamp": NOON, **given}
    return model("InstantMessage", fields(**filled) + one("From", sender) + many("To", *to) + more, **(attrs or {}))


def chat(*messages: str, people: tuple[str, ...] = (), after: str = "", **given: str | None) -> str:
    filled: dict[str, str | None] = {"Source": "WhatsApp", "Id": "77010000011@s.whatsapp.net", "Name": SECRET, **given}
    return model("Chat", fields(**filled) + many("Participants", *people) + many("Messages", *messages) + after)


def report(*types: tuple[str, str], head: str = "", count: str = "", tail: str = "") -> bytes:
    listed = "".join(f'\n<modelType type="{kind}">{inside}\n</modelType>' for kind, inside in types)
    return (
        f'<?xml version="1.0" encoding="utf-8"?>\n<project id="1" name="{SECRET}" reportVersion="7.34" extractionType="FileSystem"{count} '
        f'xmlns="http://pa.cellebrite.com/report/2.0">{head}'
        f'<taggedFiles><file path="{SECRET}"><metadata section="File"><item name="x"><![CDATA[</taggedFiles><decodedData>]]></item></metadata></file></taggedFiles>'
        f"\n<decodedData>{listed}\n</decodedData>{tail}\n</project>"
    ).encode()


PEOPLE = (party("77010000011@s.whatsapp.net"), party("77010000001@s.whatsapp.net", "True"))
FROM_HER = party("77010000011@s.whatsapp.net", "False", "From", "Klara")
FROM_ME = party("77010000001@s.whatsapp.net", "True", "From")


def pick(row: dict[str, Any], *names: str) -> tuple[Any, ...]:
    return tuple(row[n] for n in names)


def no_content(out: Collected) -> None:
    shown = repr((out.event_rows, out.position_rows, out.notes, out.rejects, out.covers, out.owners, out.listed_rows))
    assert SECRET not in shown


def read(*types: tuple[str, str], **more: Any) -> Collected:
    ctx = more.pop("ctx", None)
    out = collect(READER, report(*types, **more), ctx=ctx)
    assert out.conserved()
    no_content(out)
    return out


# -- the real file


def test_sample_counts_as_its_provenance() -> None:
    path = sample("ufed-xml/report.xml")
    claims, verdict = recognise(head_of(path))
    assert (verdict, claims[0][0]) == ("known", "ufed-xml")
    out = collect(READER, path)
    assert (out.records, out.kept, out.scoped_out, out.rejects) == (1, 0, 1, [])
    assert any("declares 524 models and holds 1" in n for n in out.notes)
    assert any("Europe/Berlin" in n for n in out.notes)
    raw = open_record(source_of(path), "xml:/project/decodedData/modelType[1]/model[1]", "ufed-xml", 1)
    assert raw.complete and raw.data.startswith(b'<model type="Location"') and raw.data.endswith(b"</model>")
    assert "A Comment" in raw.text and "A Comment" not in raw.masked and "52.3461127" in raw.masked
    assert ".jpg" not in raw.masked


def test_sample_with_a_place_of_the_phone_keeps_its_unzoned_time() -> None:
    data = sample("ufed-xml/report.xml").read_bytes().replace(b"Media Locations", b"GPS fixes")
    assert collect(READER, data).kept == 0  # of no stated origin
    row = collect(READER, data, ctx=context(subject="owner")).position_rows[0]
    assert pick(row, "local_time", "zone_basis", "stated_offset_s", "ts_precision", "lat", "lon", "how", "subject") == (
        1_608_119_594_000_000, "case", None, "s", 52.3461127, 12.21821, "lab", "owner",
    )  # fmt: skip


# -- chats


def test_a_chat_of_two() -> None:
    out = read(
        (
            "Chat",
            chat(
                message(FROM_HER),
                message(FROM_ME, TimeStamp="2025-03-01T15:00:01.250+03:00", Status="Sent"),
                people=PEOPLE,
            ),
        )
    )
    assert (out.records, out.kept, out.scoped_out) == (3, 2, 1)
    names = ("n", "channel", "kind", "direction", "status", "identifier", "sender", "actor", "thread_id", "thread_kind", "directed", "size",
             "local_time", "stated_offset_s", "ts_precision", "zone_basis", "attachment", "how")  # fmt: skip
    assert [pick(r, *names) for r in out.event_rows] == [
        (2, "whatsapp", "message", "in", "unknown", HER, HER, "contact", HER, "direct", "yes", 11, NOON_US, None, "s", "utc", "none", "lab"),
        (3, "whatsapp", "message", "out", "sent", HER, ME, "owner", HER, "direct", "no", 11,
         NOON_US + 10_801_250_000, 10_800, "ms", "stated", "none", "lab"),
    ]  # fmt: skip
    assert out.owners == [ME]
    at = "xml:/project/decodedData/modelType[1]/model[1]/multiModelField[2]/model"
    assert [r["record"] for r in out.event_rows] == [f"{at}[1]", f"{at}[2]"]
    assert [(c["channel"], c["classes"], c["complete"]) for c in out.covers] == [("whatsapp", "message", "unknown")]


def test_a_group_whose_kind_stands_behind_its_messages() -> None:
    people = (*PEOPLE, party("77010000012@s.whatsapp.net"))
    text = chat(
        message(FROM_HER),
        message(FROM_ME),
        people=people,
        after=fields(ChatType="Group", Account="77010000001"),
        Id="1-2@g.us",
    )
    rows = read(("Chat", text)).event_rows
    assert [pick(r, "direction", "identifier", "thread_id", "thread_kind", "participants_n", "directed", "owner_line") for r in rows] == [
        ("in", HER, "whatsapp:1-2@g.us", "group", 3, "unknown", ME), ("out", None, "whatsapp:1-2@g.us", "group", 3, "no", ME),
    ]  # fmt: skip


def test_participants_behind_the_messages(monkeypatch: pytest.MonkeyPatch) -> None:
    inside = fields(Source="Telegram", Id="4711") + many("Messages", *[
        message(party("4711", "False", "From"), Source="Telegram", Body=str(k)) for k in range(5)
    ]) + many("Participants", party("4711"), party("5", "True"))  # fmt: skip
    rows = read(("Chat", model("Chat", inside))).event_rows
    assert {pick(r, "direction", "identifier", "thread_id", "thread_kind") for r in rows} == {
        ("in", "telegram:user4711", "telegram:4711", "direct")
    }
    monkeypatch.setattr(ufed_xml, "HELD", 2)
    out = read(
        ("Chat", model("Chat", inside))
    )  # one that is too long to be held is read by what stood before its messages
    assert [r["direction"] for r in out.event_rows] == ["unknown"] * 4 + ["in"]
    assert any("read without what their report says of them behind" in n for n in out.notes)


def test_system_lines_status_posts_and_drafts_are_no_acts() -> None:
    system = many("MessageExtraData", model("MessageLabel", fields(Label="System")))
    out = read(
        ("Chat", chat(
            message(party("System Message")), message(FROM_HER, more=system),
            message(FROM_HER, more=many("ActivityLog", model("ChatActivity", fields(Action="ParticipantJoined")))),
            message(FROM_ME, Folder="Drafts"), message(FROM_HER), people=PEOPLE,
        ) + chat(message(FROM_HER), Id="77010000011@status")),
    )  # fmt: skip
    assert (out.records, out.kept) == (8, 1)
    assert [n for n in out.notes if "system messages" in n] == ["system messages in chats, no acts: 3"]
    assert any("status posts" in n for n in out.notes)


def test_embedded_messages_and_forwarded_ones_count_once() -> None:
    label = many("MessageExtraData", model("MessageLabel", fields(Label="Forwarded")))
    inner = many("EmbeddedInstantMessage", message(FROM_HER, Body="q", TimeStamp="2024-01-01T00:00:00.000+00:00"))
    out = read(("Chat", chat(message(FROM_HER, more=label + inner + inner), people=PEOPLE)))
    assert (out.records, out.kept) == (2, 1)
    assert pick(out.event_rows[0], "local_time", "size", "tags") == (NOON_US, 11, "label=forwarded")


@pytest.mark.parametrize(
    ("more", "kind"),
    [
        (
            many("Attachments", model("Attachment", fields(ContentType="audio/ogg; codecs=opus", Filename=SECRET))),
            "audio",
        ),
        (many("Attachments", model("Attachment", fields(ContentType="image/jpeg"))), "image"),
        (many("Attachments", model("Attachment", fields(ContentType="application/pdf"))), "document"),
        (many("Attachments", model("Attachment", fields(ContentType=None))), "other"),
        (one("Attachment", None), "none"),
        (many("SharedContacts", model("Contact", fields(Name=SECRET))), "contact"),
        (one("Position", model("Coordinate", fields(Latitude="1", Longitude="2", Comment=SECRET))), "location"),
    ],
)
def test_attachments(more: str, kind: str) -> None:
    assert read(("Chat", chat(message(FROM_HER, more=more), people=PEOPLE))).event_rows[0]["attachment"] == kind


def test_sizes_of_texts() -> None:
    texts = ["", "a\r\nb", "x]]]]><![CDATA[>y", "🙂"]
    rows = read(
        (
            "Chat",
            chat(
                *[message(FROM_HER, Body=t, TimeStamp=f"2025-03-01T12:00:0{k}.000Z") for k, t in enumerate(texts)],
                people=PEOPLE,
            ),
        )
    ).event_rows
    assert [r["size"] for r in rows] == [0, 3, 5, 1]
    coded = message(FROM_HER).replace(
        value(SECRET), '<value type="String" format="Base64String">0L/RgNC40LLQtdGC</value>'
    )
    plain_text = message(FROM_HER).replace(value(SECRET), '<value type="String">a &amp; b&#x20;&lt;</value>')
    empty = message(FROM_HER, Body=None)
    rows = read(("Chat", chat(coded, plain_text, empty, people=PEOPLE))).event_rows
    assert [r["size"] for r in rows] == [6, 7, 0]


# -- who wrote

NOT_ME = party("77010000001@s.whatsapp.net", None)


@pytest.mark.parametrize(
    ("sender", "given", "people", "owner", "direction"),
    [
        (FROM_HER, {"FromIsOwner": "True"}, PEOPLE, (), "out"),  # the message's own flag goes first
        (FROM_ME, {"FromIsOwner": "False"}, PEOPLE, (), "in"),
        (FROM_ME, {"Folder": "Inbox"}, PEOPLE, (), "out"),  # then the flag of the party
        (FROM_HER, {"Folder": "Sent"}, PEOPLE, (), "in"),
        (FROM_HER, {"Folder": "Inbox"}, (), (), "in"),  # "no" says nothing where nobody is flagged
        (FROM_HER, {"Folder": "Sent"}, (), (), "out"),
        (FROM_HER, {"Direction": "Outgoing"}, (), (), "out"),
        (FROM_HER, {}, (party("77010000011@s.whatsapp.net"), NOT_ME), (ME,), "in"),  # then who is declared
        (FROM_HER, {}, (), (HER,), "out"),
        (FROM_HER, {}, (), ("Klara",), "out"),
        (FROM_HER, {"Account": "77010000011@s.whatsapp.net"}, (), (), "out"),
    ],
)
def test_order_of_what_says_the_direction(
    sender: str, given: dict[str, Any], people: tuple[str, ...], owner: tuple[str, ...], direction: str
) -> None:
    out = read(("Chat", chat(message(sender, **given), people=people)), ctx=context(owner=owner))
    assert [r["direction"] for r in out.event_rows] == [direction]


def test_nothing_says_who_the_owner_is() -> None:
    alone = ("Chat", chat(message(FROM_HER), people=(party("77010000011@s.whatsapp.net"), NOT_ME)))
    with pytest.raises(Waiting, match="which side") as wait:
        read(alone)
    assert wait.value.lines.startswith('owner = "')
    out = read(alone, ctx=context(owner=(ME,)))
    assert out.event_rows[0]["direction"] == "in"
    # one message among others that are clear does not hold up the file; it is kept and names nobody as a contact
    out = read(
        ("Chat", chat(message(FROM_HER), people=PEOPLE) + chat(message(party("+1", "False")), Source="Viber", Id="q"))
    )
    assert [pick(r, "direction", "identifier", "sender", "actor") for r in out.event_rows] == [
        ("in", HER, HER, "contact"), ("unknown", None, None, "unknown"),
    ]  # fmt: skip
    assert any("nothing says which side" in n for n in out.notes)


# -- SMS, mail


def short(kind: str = "SMS", *parties: str, **given: str | None) -> str:
    return model(kind, fields(**{"Body": SECRET, "TimeStamp": NOON, **given}) + many("Parties", *parties))


@pytest.mark.parametrize(
    ("parties", "given", "wanted"),
    [
        ((party(HER, "False", "From"),), {"Folder": "Inbox", "Status": "Read"}, ("in", HER, "delivered")),
        ((party(HER, "False", "To"),), {"Folder": "Sent", "Status": "Sent"}, ("out", HER, "sent")),
        ((party(HER, None, "From"),), {"Status": "Unread"}, ("in", HER, "delivered")),
        ((party(HER, None, "To"),), {"Status": "Unsent"}, ("out", HER, "pending")),
        ((party(ME, "True", "From"), party(HER, None, "To")), {}, ("out", HER, "unknown")),
        ((party(HER, None, "From"), party(ME, "True", "To")), {}, ("in", HER, "unknown")),
        ((party("Kaspi", None, "From"),), {"Folder": "Inbox"}, ("in", "alpha:Kaspi", "unknown")),
        ((party(None, None, "From", "Private number"),), {"Folder": "Inbox"}, ("in", None, "unknown")),
    ],
)
def test_sms(parties: tuple[str, ...], given: dict[str, Any], wanted: tuple[Any, ...]) -> None:
    out = read(("SMS", short("SMS", *parties, **given)), ("MMS", short("MMS", *parties, **given)))
    assert [pick(r, "direction", "identifier", "status") for r in out.event_rows] == [wanted] * 2
    assert [r["channel"] for r in out.event_rows] == ["sms", "mms"]


def test_native_messages_say_their_kind_one_by_one() -> None:
    people = (party("87010000011", "False"), party(ME, "True"))
    texts = [message(party("87010000011"), Source="Native Messages", Type=t) for t in ("SMS", "iMessage", "AppMessage")]
    rows = read(("Chat", chat(*texts, people=people, Source="Native Messages", Id="12"))).event_rows
    assert [pick(r, "channel", "identifier", "thread_id", "tags") for r in rows] == [
        ("sms", HER, HER, None), ("imessage", HER, HER, None), ("other", HER, HER, "app=native"),
    ]  # fmt: skip


def test_mail() -> None:
    mail = fields(Folder="Inbox", TimeStamp=NOON, Body=SECRET, Subject=SECRET, Source="Gmail") + one(
        "From", party("K@Example.org", None)
    )
    sent = fields(Folder="Sent", TimeStamp=NOON, Account="me@example.org") + one("From", party("me@example.org", None))
    sent += many("To", party("k@example.org", None)) + many("Cc", party("l@example.org", None))
    rows = read(
        ("Email", model("Email", mail + many("To", party("me@example.org", None))) + model("Email", sent))
    ).event_rows
    assert [pick(r, "channel", "kind", "direction", "identifier", "thread_kind", "size") for r in rows] == [
        ("email", "email", "in", "mail:K@example.org", "group", 11), ("email", "email", "out", None, "group", None),
    ]  # fmt: skip


# -- calls


def call(*parties: str, attrs: dict[str, str] | None = None, **given: str | None) -> str:
    return model("Call", fields(**{"TimeStamp": NOON, **given}) + many("Parties", *parties), **(attrs or {}))


@pytest.mark.parametrize(
    ("parties", "given", "wanted"),
    [
        ((party(HER, None, "From"),), {"Direction": "Incoming", "Status": "Established", "Duration": "00:01:02.5000000"}, ("in", HER, True, 62, "source-unnamed")),
        ((party(HER, None, "To"),), {"Direction": "Outgoing", "Duration": "00:00:00", "Source": "Phone"}, ("out", HER, False, 0, None)),
        ((party(HER, None, "From"),), {"Direction": "Incoming", "Duration": "00:00:00", "Source": "Phone"}, ("in", HER, None, 0, None)),
        ((party(HER, None, "General"),), {"Type": "Missed", "Source": "Phone"}, ("in", HER, False, None, "missed")),
        ((party(HER, None, "General"),), {"Type": "Incoming", "Status": "Rejected", "Source": "Phone"}, ("in", HER, False, None, "rejected")),
        ((party(HER, None, "General"),), {"Status": "Blocked", "Source": "Phone"}, ("in", HER, False, None, "blocked")),
        ((party(HER, None, "To"),), {"Direction": "Outgoing", "Status": "Missed", "Source": "Phone"}, ("out", HER, False, None, "missed")),
        ((party(HER, None, "From"), party(ME, "True", "To")), {"Source": "Phone", "VideoCall": "True"}, ("in", HER, None, None, "video")),
        ((party(HER, None, "To"), party(ME, "True", "From")), {"Source": "Phone", "Duration": "1.00:00:01"}, ("out", HER, True, 86_401, None)),
        ((party(HER, None, "To"), party(ME, "True", "From")), {"Source": "Phone", "Direction": "Incoming"}, ("out", HER, None, None, "direction-disputed")),
        ((party(HER, None, "From"),), {"Source": "Phone"}, ("in", HER, None, None, None)),
        ((party(None, None, "From", "Unknown number"),), {"Source": "Phone", "Direction": "Incoming"}, ("in", None, None, None, None)),
        ((), {"Source": "Phone", "Direction": "Incoming"}, ("in", None, None, None, None)),
        ((party(HER, None, "From"), party(HIM, None, "To")), {"Source": "Phone"}, ("in", HER, None, None, None)),
    ],
)  # fmt: skip
def test_calls(parties: tuple[str, ...], given: dict[str, Any], wanted: tuple[Any, ...]) -> None:
    ctx = context(owner=(HIM,))
    out = read(("Call", call(*parties, **given)), ctx=ctx)
    row = out.event_rows[0]
    assert pick(row, "direction", "identifier", "answered", "duration_s", "tags") == wanted
    assert pick(row, "channel", "kind", "how", "thread_kind") == ("phone", "call", "lab", "direct")


def test_withheld_callers_are_nobody() -> None:
    rows = read(
        (
            "Call",
            call(party("Private", None, "From"), Direction="Incoming")
            + call(party(None, None, "From", "Payphone"), Direction="Incoming"),
        )
    ).event_rows
    assert [pick(r, "identifier", "identifier_kind", "thread_id") for r in rows] == [
        (None, "withheld", None),
        (None, "payphone", None),
    ]


def test_calls_of_apps_groups_and_voicemail() -> None:
    group = call(party("1", None, "From"), party("2", None, "To"), party("3", "True", "To"), Source="Telegram")
    app = call(party("abc", None, "From"), Source="Wickr Pro (x)", Direction="Incoming")
    mail = model("VoiceMail", fields(Timestamp=NOON, Duration="00:00:09") + one("From", party(HER, None)))
    rows = read(("Call", group + app), ("VoiceMail", mail)).event_rows
    assert [
        pick(r, "channel", "direction", "identifier", "thread_kind", "participants_n", "answered", "tags") for r in rows
    ] == [
        ("telegram", "in", "telegram:user1", "group", 3, None, None),
        ("other", "in", "wickr-pro:abc", "direct", None, None, "app=wickr-pro"),
        ("phone", "in", HER, "direct", None, False, "voicemail"),
    ]


@pytest.mark.parametrize(
    ("source", "wanted"),
    [
        ("WhatsApp", ("whatsapp", "whatsapp")), ("WhatsApp Business", ("whatsapp", "whatsapp")), ("Facebook Messenger", ("messenger", "messenger")),
        ("Facebook", ("facebook", "facebook")), ("Line Games", ("other", "line-games")), ("LINE", ("line", "line")),
        ("", ("other", "native")), ("Mail", ("email", "email")), ("X", ("x", "x")), ("X Plane", ("other", "x-plane")), ("мир", ("other", "other")),
        ("Telegram (org.telegram)", ("telegram", "telegram")), ("Signal Spy", ("other", "signal-spy")), ("raw", ("other", "other")),
    ],
)  # fmt: skip
def test_apps(source: str, wanted: tuple[str, str]) -> None:
    assert channel_of(source) == wanted


# -- times


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("2025-03-01T12:00:00.000+00:00", (NOON_US, None, "s", "utc")),
        ("2025-03-01T12:00:00.120", (NOON_US + 120_000, None, "ms", "case")),
        ("2025-03-01T12:00:00", (NOON_US, None, "s", "case")),
        ("2025-03-01T12:00:00.1234567-03:30", (NOON_US + 123_456, -12_600, "us", "stated")),
    ],
)
def test_times(text: str, wanted: tuple[Any, ...]) -> None:
    row = read(("Call", call(party(HER), Direction="Incoming", TimeStamp=text))).event_rows[0]
    assert pick(row, "local_time", "stated_offset_s", "ts_precision", "zone_basis") == wanted


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (None, "no time"), ("18/05/2020 21:06:19(UTC+0)", "time cannot be read"), ("0001-01-01T00:00:00.000", "time lies before 1990"),
        ("2001-01-01T00:00:00.000+00:00", "time is exactly 2001-01-01, the zero of Apple's clock: no time was recorded"),
        ("2040-01-01T00:00:00Z", "time lies in or after 2035"),
    ],
)  # fmt: skip
def test_times_that_are_none(text: str | None, reason: str) -> None:
    out = read(("Call", call(party(HER), Direction="Incoming", TimeStamp=text)))
    assert [r for _, _, r in out.rejects] == [reason]


# -- states and copies


def test_states_are_tagged() -> None:
    odd = {"deleted_state": "Deleted", "decoding_confidence": "Low", "iscarved": "True"}
    rows = read(
        (
            "Call",
            call(party(HER), Direction="Incoming", attrs=odd)
            + call(party(HIM), Direction="Incoming", attrs={"deleted_state": "Unknown"}),
        )
    ).event_rows
    assert [r["tags"] for r in rows] == [
        "deleted confidence=low carved source-unnamed",
        "deleted=unknown source-unnamed",
    ]


def test_carved_copies_and_second_extractions() -> None:
    intact = call(party(HER), Direction="Incoming")
    carved = call(party(HER), Direction="Incoming", attrs={"deleted_state": "Deleted"})
    again = call(party(HER), Direction="Incoming", attrs={"extractionId": "2"})
    other = call(
        party(HER), Direction="Incoming", TimeStamp="2025-03-01T12:00:01.000+00:00", attrs={"deleted_state": "Deleted"}
    )
    for text, kept, copies in (
        (intact + carved, 1, 1), (carved + intact, 1, 1), (intact + intact, 2, 0), (intact + intact + carved, 2, 1),
        (intact + intact + again + again, 2, 2), (intact + again + again, 2, 1), (again + again + intact, 2, 1), (intact + carved + again, 1, 2),
        (intact + other, 2, 0), (carved + carved, 2, 0),
    ):  # fmt: skip
        out = read(("Call", text))
        assert (out.kept, out.scoped_out) == (kept, copies)
        assert any("further copies" in n for n in out.notes) == bool(copies)


def test_a_message_in_its_chat_and_in_the_list_is_one() -> None:
    ids = {"id": "9cfcb1df-26e3-4ebf-a3e4-da45ad5587fc"}
    inside, listed = message(FROM_HER, attrs=ids), message(FROM_HER, Folder="Inbox", attrs=ids)
    alone = message(
        FROM_HER,
        Folder="Inbox",
        attrs={"id": "9cfcb1df-26e3-4ebf-a3e4-da45ad5587fd"},
        TimeStamp="2025-03-02T12:00:00.000Z",
    )
    chats, orphans = ("Chat", chat(inside, people=PEOPLE)), ("InstantMessage", listed + alone)
    for types in ((chats, orphans), (orphans, chats)):
        assert (out := read(*types)).kept == 2 and out.scoped_out == 2


def test_the_apps_own_id_knows_a_copy_with_fewer_fields() -> None:
    full = message(FROM_HER, Identifier="ABC")
    carved = message(FROM_HER, Identifier="ABC", Body=None, attrs={"deleted_state": "Deleted"})
    assert read(("Chat", chat(full, carved, people=PEOPLE))).kept == 1
    nameless = message(FROM_HER, Body=None, attrs={"deleted_state": "Deleted"})
    assert (
        read(("Chat", chat(message(FROM_HER), nameless, people=PEOPLE))).kept == 2
    )  # without it, it may be another one


def test_the_memory_for_copies_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ufed_xml, "REMEMBERED", 1)
    texts = [call(party(HER), Direction="Incoming", TimeStamp=f"2025-03-01T12:00:0{k}Z") for k in range(3)]
    out = read(("Call", "".join(texts)))
    assert out.kept == 3 and any("first 1 different" in n for n in out.notes)


# -- places, contacts, the rest


def place(lat: str | None = "43,25", lon: str | None = "76.9", **given: str | None) -> str:
    at = one("Position", model("Coordinate", fields(Latitude=lat, Longitude=lon, Comment=SECRET)))
    return model("Location", fields(**{"TimeStamp": NOON, "Origin": "Device", "Name": SECRET, **given}) + at)


def test_places_of_the_phone() -> None:
    text = place(GpsHorizontalAccuracy="12,5", Category="GPS", AggregatedLocationsCount="3") + place(
        EndTime="2025-03-01T13:00:00.000+00:00", Origin=None, DeviceLocationAffiliation="Device", lat="1"
    )
    rows = read(("Location", text)).position_rows
    names = ("lat", "lon", "accuracy_m", "accuracy_kind", "kind", "local_end", "source_how", "tags", "subject", "how")
    assert [pick(r, *names) for r in rows] == [
        (43.25, 76.9, 12.5, "unknown", "fix", None, "gps", "aggregated=3", "owner", "lab"),
        (1.0, 76.9, None, "unknown", "visit", NOON_US + 3_600_000_000, "unknown", None, "owner", "lab"),
    ]


@pytest.mark.parametrize(
    "given",
    [{"Category": "Media Locations"}, {"Category": "Searched Items"}, {"Type": "Shared location"}, {"Origin": None}, {"Origin": "External"},
     {"Category": "Wi-Fi Networks"}, {"Category": "Cell Towers"}, {"Origin": "Unknown"}],
)  # fmt: skip
def test_places_that_are_not_the_phones(given: dict[str, str | None]) -> None:
    out = read(("Location", place(**given)))
    assert (out.kept, out.scoped_out) == (0, 1)
    told = read(("Location", place(**given)), ctx=context(subject="K1"))
    open_ = given.get("Origin", "") in (None, "Unknown")
    assert [pick(r, "subject", "identifier") for r in told.position_rows] == ([("contact", "K1")] if open_ else [])


@pytest.mark.parametrize(
    ("lat", "lon"), [(None, "1"), ("91", "1"), ("x", "1"), ("0", "0.0"), ("1", "181"), ("nan", "1")]
)
def test_places_that_are_none(lat: str | None, lon: str) -> None:
    assert len(read(("Location", place(lat, lon))).rejects) == 1


def test_contacts() -> None:
    def entry(text: str, kind: str = "ContactEntry", **given: str) -> str:
        return model(kind, fields(Value=text, **given))

    klara = fields(Name="Klara", Source="Phone") + many(
        "Entries", entry("87010000011"), entry("k@example.org"), entry("https://example.org")
    )
    klara += '<multiField name="InteractionStatuses" type="ContactType"><value type="ContactType"><![CDATA[Blocked]]></value></multiField>'
    tele = fields(Name="Omar", Source="Telegram") + many(
        "Entries", entry("4711", Domain="User ID"), entry("77010000012@s.whatsapp.net")
    )
    old = fields(Name="Old") + many("Entries", entry("7111", "PhoneNumber"), entry("x", "WebAddress"))
    out = read(
        (
            "Contact",
            model("Contact", klara)
            + model("Contact", tele)
            + model("Contact", old)
            + model("Contact", fields(Name="Empty")),
        )
    )
    assert (out.records, out.kept, out.scoped_out) == (4, 3, 1)
    assert [pick(r, "n", "sub", "list", "channel", "identifier", "label") for r in out.listed_rows] == [
        (1, 1, "address_book", "phone", HER, "Klara"), (1, 2, "address_book", "phone", "mail:k@example.org", "Klara"),
        (1, 3, "blocked", "phone", HER, "Klara"), (1, 4, "blocked", "phone", "mail:k@example.org", "Klara"),
        (2, 1, "address_book", "telegram", "telegram:user4711", "Omar"), (2, 2, "address_book", "telegram", HIM, "Omar"),
        (3, 1, "address_book", "phone", "short:7111", "Old"),
    ]  # fmt: skip


def test_other_models_are_counted_by_kind() -> None:
    out = read(
        ("Cookie", model("Cookie", fields(Value=SECRET)) * 3),
        (SECRET, model("LogEntry", fields(Body=SECRET)) + model("a b", "")),
    )
    assert (out.records, out.scoped_out) == (5, 5)
    assert "models of other kinds, not read: others 1, Cookie 3, LogEntry 1" in out.notes


def test_what_the_report_says_of_itself() -> None:
    head = '<sourceExtractions><extractionInfo id="0" deviceName="A" IsPartialData="True"/><extractionInfo id="1" deviceName="B"/></sourceExtractions>'
    tail = '<projectConfigurations><timeZoneConfigurations selectedTimeZone="_Asia/Almaty"/></projectConfigurations>'
    out = read(("Call", call(party(HER), Direction="Incoming")), head=head, count=' ModelCount="9"', tail=tail)
    assert [c["complete"] for c in out.covers] == ["no"]
    said = " | ".join(out.notes)
    for words in (
        "declares 9 models and holds 1",
        "partial or selective",
        "extractions in one report: 2",
        "differently named devices",
        "Asia/Almaty",
    ):
        assert words in said
    assert (
        read(("Call", call(party(HER), Direction="Incoming")), count=' ModelCount="1"').covers[0]["complete"]
        == "unknown"
    )


def test_what_is_stored_of_a_number_reads_as_that_number_again() -> None:
    for row in read(*FULL).event_rows:
        assert phone_identifier(row["identifier_raw"], None) == (row["identifier"], row["identifier_kind"])


def test_records_agree_with_what_was_read_of_them() -> None:
    data = report(*FULL, ("Location", place(Origin=None, lat="5")))
    out = collect(READER, data, ctx=context(subject="owner"))
    said = []
    for kind, rows in (("event", out.event_rows), ("position", out.position_rows)):
        for row in rows:
            raw = open_record(source_of(data), row["record"], "ufed-xml", row["n"])
            full = {**row, f"{kind}_id": f"s#{row['n']}"}
            said.append(disagreement(source_of(data), "ufed-xml", kind, full, raw))
    assert [said[k] for k in (0, 1, 4, 5)] == [None] * 4
    assert set(said[2:4]) <= {None, NOT_COMPARED}  # a message alone says less than in its chat


# -- the markup

FULL = (
    (
        "Call",
        call(party(HER, None, "From"), Direction="Incoming")
        + call(party(HIM, None, "To"), Direction="Outgoing", Source="Phone"),
    ),
    (
        "Chat",
        chat(
            message(FROM_HER),
            message(FROM_ME, TimeStamp="2025-03-01T12:00:01.000Z"),
            people=PEOPLE,
            ChatType="OneOnOne",
        ),
    ),
    ("Cookie", model("Cookie", fields(Value="<model>]] > </model>"))),
    ("Location", place()),
)


def core(out: Collected) -> list[tuple[Any, ...]]:
    rows = [*out.event_rows, *out.position_rows]
    return sorted((*pick(r, "n", "record", "local_time", "kind"), r.get("direction"), r["identifier"]) for r in rows)


def test_locators_open_the_records_with_and_without_the_reader(monkeypatch: pytest.MonkeyPatch) -> None:
    data = report(*FULL)
    out = collect(READER, data)
    tree: Any = etree.fromstring(data)
    monkeypatch.setattr(_xml_bytes, "BLOCK", 700)
    for own in (True, False):
        if not own:
            monkeypatch.setattr(ufed_xml.UfedXml, "find", None)
        for row in (*out.event_rows, *out.position_rows):
            raw = open_record(source_of(data), row["record"], "ufed-xml", row["n"])
            path = re.sub(r"/([A-Za-z]+)", r"/*[local-name()='\1']", row["record"][4:])
            path = re.sub(r"'\]\[", "'][", path)
            (wanted,) = tree.xpath(path)
            assert raw.complete and etree.fromstring(raw.data).get("type") == wanted.get("type")
            assert raw.data.count(b"<") == len(etree.tostring(wanted).split(b"<")) - 1 or b"CDATA" in raw.data
            assert SECRET not in raw.masked and "TimeStamp: 2025-03-01" in raw.masked


@pytest.mark.parametrize("block", [64, 97, 4096])
def test_blocks_do_not_matter(monkeypatch: pytest.MonkeyPatch, block: int) -> None:
    data = report(*FULL)
    whole = core(collect(READER, data))
    monkeypatch.setattr(_xml_bytes, "BLOCK", block)
    assert core(collect(READER, data)) == whole


@pytest.mark.parametrize(
    "turn",
    [
        lambda d: d.decode().encode("utf-16"), lambda d: b"\xef\xbb\xbf" + d, lambda d: d.replace(b"\n", b"\r\n"),
        lambda d: d.replace(b"<decodedData>", b"<!-- <decodedData> <model --><decodedData>"),
        lambda d: re.sub(rb"(</?)([A-Za-z])", rb"\1r:\2", d).replace(b"xmlns=", b"xmlns:r="),
        lambda d: d.replace(b'="Outgoing"', b"='Outgoing'"), lambda d: d.replace(b"\n", b""),
        lambda d: re.sub(rb'field name="([^"]*)" type="([^"]*)"', rb"field  type='\2'  name='\1'", d),
        lambda d: d.replace(b"<empty />", b"<empty></empty>").replace(b"</value>", b"</value\n>"),
    ],
)  # fmt: skip
def test_spellings_do_not_matter(turn: Callable[[bytes], bytes]) -> None:
    data = report(*FULL)
    assert core(collect(READER, turn(data))) == core(collect(READER, data))


def test_cut_at_every_byte() -> None:
    data = report(*FULL)
    whole = core(collect(READER, data))
    for size in range(0, len(data), 3):
        try:
            out = collect(READER, data[:size])
        except Unreadable:
            assert size < 400
            continue
        except Waiting:
            continue
        assert out.conserved()
        rows = core(out)
        assert rows == whole[: len(rows)]
        assert len(out.rejects) <= 1
        assert any("ends before its root element" in n for n in out.notes)
        for n, record, reason in out.rejects:
            raw = open_record(source_of(data[:size]), record, "ufed-xml", n)
            assert not raw.complete and SECRET not in raw.masked and reason == "the file ends inside this record"


def test_a_broken_model_costs_itself() -> None:
    good = call(party(HER), Direction="Incoming", Source="Phone")
    bad = good.replace("</field>", "</wrong>", 1)
    stray = good.replace("<empty />", "< <")
    out = read(("Call", good + bad + stray + good))
    assert out.kept == 2 and len(out.rejects) == 2
    for n, record, _ in out.rejects:
        assert open_record(source_of(report(("Call", good + bad + stray + good))), record, "ufed-xml", n).start


def test_a_model_that_is_not_closed_costs_its_list() -> None:
    good = call(party(HER), Direction="Incoming", Source="Phone")
    text = good + good.removesuffix("</model>") + good * 3
    out = read(("Call", text), ("Location", place()))
    assert [n for n, _, _ in out.rejects] == [2] and out.kept == 2
    assert any("passed over behind it: about 3" in n for n in out.notes)
    out = read(
        ("Chat", chat(message(FROM_HER), message(FROM_HER).removesuffix("</model>"), message(FROM_HER), people=PEOPLE)),
        ("Location", place()),
    )
    assert [r["n"] for r in out.event_rows] == [2] and len(out.position_rows) == 1


def test_hostile_files(monkeypatch: pytest.MonkeyPatch) -> None:
    entity = b'<!DOCTYPE project [<!ENTITY a "b">]>'
    data = report(*FULL).replace(b"?>\n", b"?>" + entity, 1)
    claims, _ = recognise(head_of(data))
    assert claims[0][0] == "ufed-xml"
    with pytest.raises(Unreadable, match="entities"):
        collect(READER, data)
    deep = "<modelField name='a'><model type='A'>" * 500 + "</model></modelField>" * 500
    out = read(("Call", model("Call", deep)))
    assert [r for _, _, r in out.rejects] == ["it is nested too deeply"]
    monkeypatch.setattr(_ufed_models, "MAX_MODEL", 100_000)
    monkeypatch.setattr(_xml_bytes, "BLOCK", 50_000)
    long = read(("Call", call(party(HER), Direction="Incoming", Name="x" * 5_000_000)), ("Location", place()))
    assert [n for n, _, _ in long.rejects] == [1] and long.kept == 1
    names = "".join(f"<n{k}></n{k}>" for k in range(600))
    assert collect(READER, report(("Call", ""), head=names)).records == 0
    assert collect(READER, b"<project><decodedData><modelType><model" + b" " * 100_000).records <= 1
    for data in (b"", b"<project", b"<other/>", b"<?xml", b"<project/>" * 0 + b"\0\0"):
        with pytest.raises(Unreadable):
            collect(READER, data)
    assert collect(READER, b"<project reportVersion='1'/>").records == 0


def test_recognition() -> None:
    assert READER.recognise(head_of(report(*FULL))) is not None
    for data in (
        b"<project/>",
        b'<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion/>',
        b"<gpx/>",
        b"<smses/>",
        b"PK\x03\x04",
    ):
        assert READER.recognise(head_of(data)) is None
    plain_ = b'<project id="1" reportVersion="5.2" extractionType="Logical" NodeCount="0">'
    assert READER.recognise(head_of(plain_)) is not None


def test_no_other_sample_is_taken_for_a_report() -> None:
    folder = sample("ufed-xml/report.xml").parent.parent
    paths = [p for p in sorted(folder.rglob("*")) if p.is_file() and p.parent.name != "ufed-xml"]
    assert len(paths) > 40
    assert [p.name for p in paths if READER.recognise(head_of(p)) is not None] == []


def test_member_of_an_archive() -> None:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("report.xml", report(*FULL))
    with zipfile.ZipFile(held) as archive:
        assert core(collect(READER, archive.read("report.xml"), "report.xml", container="x.ufdr")) == core(
            collect(READER, report(*FULL))
        )


def test_twice_the_same_is_the_same() -> None:
    first, second = collect(READER, report(*FULL)), collect(READER, report(*FULL))
    assert (first.event_rows, first.notes) == (second.event_rows, second.notes)


# -- against a parser


def _plainly(element: Any) -> dict[str, str]:
    found: dict[str, str] = {}
    for child in element:
        if child.tag == "field" and not found.get(child.get("name")):
            found[child.get("name")] = "".join(v.text or "" for v in child if v.tag == "value")
    return {k: v.strip() for k, v in found.items() if v.strip()}


def _mine(found: Model) -> dict[str, str]:
    return {k.decode(): t for k, v in found.fields.items() if (t := plain(v).strip())}


_TEXT = st.text(alphabet=st.sampled_from("ab<>&]\"' \n;#x0m"), max_size=20)
_NAME = st.sampled_from(["Body", "Source", "TimeStamp", "Identifier"])


@st.composite
def _markup(draw: Any, depth: int = 2) -> str:
    parts = []
    for _ in range(draw(st.integers(0, 4))):
        name, text = draw(_NAME), draw(_TEXT)
        cdata = "<![CDATA[" + text.replace("]]>", "]]]]><![CDATA[>") + "]]>"
        escaped = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
        kind = draw(st.integers(0, 5))
        if kind == 5 and depth:
            inner = draw(_markup(depth=depth - 1))
            parts.append(
                draw(st.sampled_from(["modelField", "multiModelField"])).join(
                    ["<", f' name="From" type="P">{inner}</', ">"]
                )
            )
        else:
            inside = [
                f"<value type='S'>{cdata}</value>",
                f'<value type="S">{escaped}</value>',
                "<empty/>",
                "<empty />",
                "<!-- </model> --><empty/>",
                "",
            ][kind]
            parts.append(f'<field name="{name}" type="S">{inside}</field>')
    return f'<model type="M" id="1">{draw(st.sampled_from(["", chr(10), " "])).join(parts)}</model>'


@settings(max_examples=300, deadline=None)
@given(_markup())
def test_models_are_read_as_a_parser_reads_them(text: str) -> None:
    element: Any = etree.fromstring(text)
    found = parse(text.encode())
    assert _mine(found) == _plainly(element)
    inner = [m for models in found.models.values() for m in models]
    theirs = element.xpath("./modelField/model | ./multiModelField/model")
    assert sorted(map(str, map(_mine, inner))) == sorted(map(str, map(_plainly, theirs)))


@settings(max_examples=200, deadline=None)
@given(st.lists(_markup(), max_size=5), st.binary(max_size=6), st.integers(0, 3000))
def test_damage_never_raises(models: list[str], junk: bytes, at: int) -> None:
    data = report(("Call", "".join(models).replace('type="M"', 'type="Call"')), *FULL)
    at %= len(data)
    for broken in (data[:at] + junk + data[at:], data[:at] + junk + data[at + len(junk) :]):
        with contextlib.suppress(Unreadable, Waiting):
            assert collect(READER, broken, ctx=context(owner=(ME,))).conserved()


def test_pieces_and_broken_models() -> None:
    kinds = [p.kind for p in Report(io.BytesIO(report(*FULL))).pieces()]
    assert kinds == ["root", "model", "model", "chat", "model", "model", "chat end", "model", "model"]
    for text in (b"", b"x", b"<a/>", b"<model>", b"<model></a>", b"</model>", b"<model></model><model></model"):
        with pytest.raises(Broken):
            parse(text)
