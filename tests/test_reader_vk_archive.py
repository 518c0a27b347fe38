"""VK's archive of one's data: invented pages after public parsers, in windows-1251."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import pytest

from pipelines.locate import LocateError, open_record
from pipelines.readers import recognise
from pipelines.readers.base import Unreadable
from pipelines.readers.vk_archive import READER, encoding_of, moment, owner_of
from tests.collect import Collected, collect, context, head_of, source_of
from tests.html_chats import MARKER, any_blocks, check, cut_everywhere, opens_again
from tests.html_chats import read as read_with
from tests.shared_data import SHARED

CONTEXT = context()
JD = base64.b64encode(b'{"user_id":42,"time_current":1700000000}').decode()
WHEN = 1_609_851_907_000_000  # 2021-01-05T13:05:07
NAME = "Archive/messages/123/messages0.html"


def message(text: str = f"{MARKER} привет", who: str = "Боб", link: str = "https://vk.com/id123", when: str = "5 янв 2021 в 13:05:07", n: int = 1,
            more: str = "") -> str:  # fmt: skip
    head = f'<a href="{link}">{who}</a>, {when}' if link else f"{who}, {when}"
    return (
        f'<div class="item">\n  <div class=\'item__main\'><div class="message" data-id="{n}">\n  <div class="message__header">{head}</div>\n'
        f'  <div>{text}<div class="kludges">{more}</div></div>\n</div></div>\n</div>\n'
    )


def mine(**how: Any) -> str:
    return message(who=how.pop("who", "Вы"), link="", **how)


def attached(word: str) -> str:
    return f"<div class=\"attachment\">\n  <div class=\"attachment__description\">{word}</div>\n<a class='attachment__link' href='https://x.example/{MARKER}'>x</a></div>"


def page(*messages: str, jd: str = JD, encoding: str = "windows-1251") -> bytes:
    head = f'<!DOCTYPE html>\n<html><head><meta charset="{encoding}"><meta name="jd" content="{jd}"></head><body><div class="wrap">'
    return f"{head}{''.join(messages)}</div></body></html>".encode(encoding)


def read(data: bytes, name: str = NAME) -> Collected:
    return read_with(READER, data, CONTEXT, name)


def test_recognition() -> None:
    data = page(message())
    claims, verdict = recognise(head_of(data, NAME))
    assert (verdict, claims[0][0]) == ("known", "vk-archive")
    assert READER.recognise(head_of(b'<div class="message__header">x</div>')) is None


def test_no_sample_is_claimed() -> None:
    if not (SHARED / "samples").is_dir():
        pytest.skip("the folder shared/ is not beside this checkout")
    for path in sorted((SHARED / "samples").rglob("*")):
        if path.is_file():
            assert READER.recognise(head_of(path)) is None, path.name


def test_rows() -> None:
    out = read(page(message(), mine(when="5 янв 2021 в 13:06:00 (ред.)")))
    first, second = out.event_rows
    wanted = {
        "n": 1, "local_time": WHEN, "zone_basis": "case", "ts_precision": "s", "channel": "vk", "kind": "message", "direction": "in",
        "actor": "contact", "identifier": "vk:id123", "identifier_raw": "Боб", "identifier_kind": "app_id", "sender": None, "thread_id": "vk:id123",
        "thread_kind": "direct", "participants_n": 2, "directed": "yes", "size": len(MARKER) + 7, "attachment": None, "tags": None,
    }  # fmt: skip
    assert {k: first[k] for k in wanted} == wanted
    assert (second["direction"], second["actor"], second["identifier"], second["local_time"]) == (
        "out",
        "owner",
        "vk:id123",
        WHEN + 53_000_000,
    )
    assert out.owners == ["vk:id42"]


def test_owner_word_in_other_languages() -> None:
    for word, direction in (("You", "out"), ("Вы", "out"), ("Somebody", "unknown"), ("", "unknown")):
        row = read(page(mine(who=word))).event_rows[0]
        assert row["direction"] == direction
        assert row["sender"] is None
    assert read(page(message(link="https://vk.com/id42"))).event_rows[0]["direction"] == "out"
    assert any("direction is not known" in n for n in read(page(mine(who="Somebody"))).notes)


def test_peers() -> None:
    club = read(page(message(link="https://vk.com/club7"), mine()), "messages/-7/messages50.html").event_rows
    assert [(r["identifier"], r["thread_kind"]) for r in club] == [("vk:club7", "direct")] * 2
    chat = read(
        page(message(), message(link="https://vk.com/eve"), mine()), "messages/2000000005/messages0.html"
    ).event_rows
    assert [(r["identifier"], r["thread_kind"], r["thread_id"], r["directed"]) for r in chat] == [
        ("vk:id123", "group", "vk:chat5", "no"), ("vk:eve", "group", "vk:chat5", "no"), (None, "group", "vk:chat5", "no"),
    ]  # fmt: skip
    short = read(page(message(link="https://vk.com/bob"))).event_rows[0]
    assert short["identifier"] == "vk:id123"  # in a folder of two a short name is the same person's
    assert read(page(mine())).event_rows[0]["identifier"] == "vk:id123"


def test_the_folder_of_a_plain_file(tmp_path: Path) -> None:
    path = tmp_path / "messages" / "-7" / "messages0.html"
    path.parent.mkdir(parents=True)
    path.write_bytes(page(message(link="https://vk.com/club7")))
    assert check(collect(READER, path, "messages0.html", CONTEXT)).event_rows[0]["thread_id"] == "vk:club7"


def test_a_page_out_of_its_folder() -> None:
    out = read(page(message(), mine()), "messages0.html")
    assert [(r["identifier"], r["thread_kind"]) for r in out.event_rows] == [("vk:id123", "unknown")] * 2
    assert any("folder" in n for n in out.notes)
    assert {r["directed"] for r in out.event_rows} == {"unknown"}
    several = read(page(message(), message(link="https://vk.com/id5")), "messages0.html").event_rows
    assert {r["thread_kind"] for r in several} == {"group"}


@pytest.mark.parametrize(
    ("word", "kind", "attachment", "tags"),
    [("Фотография", "message", "image", None), ("Видеозапись", "message", "video", None), ("Голосовое сообщение", "message", "voice", None),
     ("Файл", "message", "document", None), ("Стикер", "message", "sticker", None), ("Звонок", "call", "call", None), ("Подарок", "gift", "other", None),
     ("Денежный перевод", "payment", "other", None), ("Карта", "message", "location", None), ("Запись на стене", "message", "other", None),
     ("2 прикреплённых сообщения", "message", None, "forwarded"), ("Photo", "message", "image", None), ("Something", "message", "other", None)],
)  # fmt: skip
def test_attachments(word: str, kind: str, attachment: str | None, tags: str | None) -> None:
    row = read(page(message("", more=attached(word)))).event_rows[0]
    assert (row["kind"], row["attachment"], row["tags"]) == (kind, attachment, tags)
    assert row["answered"] is None


def test_lines_of_the_app() -> None:
    out = read(page(message(), message("", more='<a class="im_srv_lnk" href="https://vk.com/id5">Ева</a> вышла')))
    assert (out.kept, out.scoped_out) == (1, 1)


@pytest.mark.parametrize(
    ("text", "us"),
    [("Вы, 5 янв 2021 в 13:05:07", WHEN), ("You, at 1:05:07 pm on 5 Jan 2021", WHEN), ("You, 5 Jan 2021 at 13:05:07", WHEN),
     ("X, at 12:05:07 am on 5 Jan 2021", WHEN - 13 * 3_600_000_000), ("1 янв 2020 в 1:00:00, 5 янв 2021 в 13:05:07", WHEN), ("5 января 2021 в 13:05:07", WHEN),
     ("5 мая 2021 в 0:00:00", 1_620_172_800_000_000), ("5 xyz 2021 в 13:05:07", None), ("30 фев 2021 в 13:05:07", None), ("5 янв 2021 в 25:05:07", None),
     ("at 13:05:07 pm on 5 Jan 2021", None), ("Вы", None), ("5.01.2021 13:05", None)],
)  # fmt: skip
def test_dates(text: str, us: int | None) -> None:
    assert moment(text) == us


def test_rejects() -> None:
    out = read(page(message(when="вчера"), message(when="1 янв 1970 в 0:00:00"), message()))
    assert [r[2] for r in out.rejects] == ["time cannot be read", "time is zero: no time was recorded"]
    with pytest.raises(Unreadable):
        read(page())


def test_owner_and_encoding_of_a_page() -> None:
    assert owner_of(page()) == "vk:id42"
    for jd in (
        "",
        "!!",
        base64.b64encode(b"[1]").decode(),
        base64.b64encode(b'{"user_id":"x"}').decode(),
        base64.b64encode(b"[" * 9999).decode(),
    ):
        assert owner_of(page(jd=jd)) is None
    assert encoding_of(b'<meta charset="utf-8">') == "utf-8" and encoding_of(b"") == "cp1251"
    row = read(page(message("қаләй"), encoding="utf-8")).event_rows[0]
    assert (row["identifier_raw"], row["size"]) == ("Боб", 5)
    assert read(page(message("&#1179;а&#1083;"))).event_rows[0]["size"] == 3


def test_cut_and_read_in_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    data = page(message(n=3), mine(n=2), message(n=1, more=attached("Звонок")))
    cut_everywhere(READER, data, CONTEXT, NAME, same=("n", "local_time", "direction"))
    any_blocks(READER, data, CONTEXT, monkeypatch, NAME)


def test_locators_open_again() -> None:
    for encoding in ("windows-1251", "utf-8"):
        data = page(message("ещё"), message(), mine(), encoding=encoding)
        out = read(data)
        opens_again(READER, data, out, b'<div class="message" data-id="1">', NAME, shown="5 янв 2021 в 13:05:07")
        for row in out.event_rows:
            start, end = (int(x) for x in row["record"].removeprefix("bytes:").split("-"))
            opened = open_record(source_of(data, NAME), row["record"], "vk-archive")
            assert opened.data.decode() == data[start:end].decode(encoding)
    for record in ("bytes:5-5", "bytes:999999-1000000"):
        with pytest.raises(LocateError):
            open_record(source_of(page(message()), NAME), record, "vk-archive")


def test_doubled_messages_are_two() -> None:
    assert read(page(message(), message())).kept == 2
