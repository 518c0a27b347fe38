"""LINE's text: invented histories after public parsers of several languages."""

from __future__ import annotations

from typing import Any

import pytest

from pipelines.readers import recognise
from pipelines.readers.base import Context, Unreadable, Waiting
from pipelines.readers.line_txt import READER, title_of
from tests.collect import Collected, context, head_of
from tests.html_chats import MARKER, cut_everywhere, opens_again
from tests.html_chats import read as read_with
from tests.shared_data import SHARED

NOBODY = context()
OWNER = context(owner=["Aigerim"])
BOB, AIGERIM = "line:name:Bob", "line:name:Aigerim"
WHEN = 1_759_516_200_000_000  # 2025-10-03T18:30


def chat(
    *lines: str,
    title: str = "[LINE] Chat history with Bob",
    saved: str = "Saved on: 2025/10/04 10:00",
    day: str = "2025/10/03(Fri)",
) -> bytes:
    return "\n".join([title, saved, "", day, *lines, ""]).encode()


TWO = (f"18:30\tBob\t{MARKER}", f"18:31\tAigerim\t{MARKER} x")


def read(data: bytes, ctx: Context = NOBODY, **how: Any) -> Collected:
    return read_with(READER, data, ctx, **how)


def test_recognition() -> None:
    claims, verdict = recognise(head_of(chat(*TWO)))
    assert (verdict, claims[0][0]) == ("known", "line-txt")
    assert recognise(head_of(chat(*TWO).replace(b"[LINE] ", b"")))[0] == []  # two messages and no banner are too little
    assert READER.recognise(head_of(chat(*TWO, *TWO, title="Chat history with Bob"))) is not None
    assert READER.recognise(head_of(b"18:30\ta\tb\n18:31\ta\tb\n")) is None


def test_no_sample_is_claimed() -> None:
    if not (SHARED / "samples").is_dir():
        pytest.skip("the folder shared/ is not beside this checkout")
    for path in sorted((SHARED / "samples").rglob("*")):
        if path.is_file():
            assert READER.recognise(head_of(path)) is None, path.name


def test_rows() -> None:
    out = read(chat(*TWO))
    first, second = out.event_rows
    wanted = {
        "n": 1, "record": "line:5", "local_time": WHEN, "ts_precision": "min", "zone_basis": "case", "channel": "line", "kind": "message",
        "direction": "unknown", "sender": BOB, "identifier": BOB, "identifier_raw": "Bob", "identifier_kind": "name", "thread_kind": "direct",
        "participants_n": 2, "directed": "yes", "size": len(MARKER), "attachment": None, "tags": None,
    }  # fmt: skip
    assert {k: first[k] for k in wanted} == wanted
    assert (second["sender"], second["local_time"], second["identifier"]) == (AIGERIM, WHEN + 60_000_000, BOB)
    assert out.owners == [AIGERIM]
    assert [(c["scope"], c["scope_id"]) for c in out.covers] == [("thread", BOB)]


@pytest.mark.parametrize(
    ("title", "wanted"),
    [("[LINE] Chat history with Bob", "Bob"), ("[LINE] Bobとのトーク履歴", "Bob"), ("[LINE] Xのトーク", "X"), ("[LINE] 與Bob的聊天記錄", "Bob"),
     ("[LINE] ประวัติการสนทนากับ Bob", "Bob"), ("[LINE] something", None), ("\ufeff[LINE] Chat history with Bob", "Bob")],
)  # fmt: skip
def test_titles(title: str, wanted: str | None) -> None:
    assert title_of(title) == wanted


@pytest.mark.parametrize(
    ("day", "line", "us"),
    [("2025/10/03(金)", "18:30", WHEN), ("2025/10/03（五）", "18:30", WHEN), ("2025.10.03 Friday", "18:30", WHEN), ("2025/10/3 Fri", "6:30PM", WHEN),
     ("2025.10.03 金曜日", "午後6:30", WHEN), ("2025/10/03(Fri)", "06:30 PM", WHEN), ("2025/10/03(Fri)", "12:05AM", WHEN - 66_300_000_000),
     ("2025/10/03(Fri)", "上午06:30", WHEN - 43_200_000_000), ("Fri, 10/03/2025", "18:30", WHEN), ("Fri, 03/10/2025", "18:30", WHEN)],
)  # fmt: skip
def test_days_and_times(day: str, line: str, us: int) -> None:
    assert read(chat(f"{line}\tBob\tx", "18:31\tAigerim\tx", day=day)).event_rows[0]["local_time"] == us


def test_open_dates_wait() -> None:
    data = chat(*TWO, day="Xyz, 03/10/2025")
    with pytest.raises(Waiting, match="leave open"):
        read(data)
    ctx = Context(NOBODY.phone, options={"date_order": "dmy"})
    assert read(data, ctx).event_rows[0]["local_time"] == WHEN
    with pytest.raises(Waiting, match="contradict"):
        read(chat(*TWO, "Fri, 25/10/2025", "1:00\tBob\tx", day="Fri, 10/03/2025"))
    assert (
        read(chat(*TWO, "Xyz, 25/10/2025", "1:00\tBob\tx", day="Xyz, 03/10/2025")).event_rows[0]["local_time"] == WHEN
    )


@pytest.mark.parametrize(
    ("text", "answered", "seconds", "tags", "direction"),
    [("☎ 通話時間 10:38", True, 638, None, "unknown"), ("☎ Call time 1:00:05", True, 3605, None, "unknown"), ("☎ 不在着信", False, None, "missed", "in"),
     ("☎ Missed call", False, None, "missed", "in"), ("☎ 通話に応答がありませんでした", False, None, "no_answer", "unknown"), ("☎ No answer", False, None, "no_answer", "unknown"),
     ("☎ Canceled call", False, None, "cancelled", "unknown"), ("☎ 通話をキャンセルしました", False, None, "cancelled", "unknown"), ("☎ new words", None, None, None, "unknown")],
)  # fmt: skip
def test_calls(text: str, answered: bool | None, seconds: int | None, tags: str | None, direction: str) -> None:
    row = read(chat(*TWO, f"18:40\tBob\t{text}")).event_rows[2]
    assert (row["kind"], row["answered"], row["duration_s"], row["tags"], row["direction"], row["size"], row["sender"]) == (
        "call", answered, seconds, tags, direction, None, BOB)  # fmt: skip


def test_missed_call_without_a_name() -> None:
    row = read(chat(*TWO, "18:40\t☎ 不在着信")).event_rows[2]
    assert (row["kind"], row["direction"], row["identifier"], row["sender"]) == ("call", "in", BOB, None)


def test_unsent_messages_stay() -> None:
    rows = read(
        chat(
            *TWO,
            "18:40\tメッセージの送信を取り消しました",
            "18:41\tBobがメッセージの送信を取り消しました",
            "18:42\t\tBob unsent a message.",
        )
    ).event_rows
    assert [(r["attachment"], r["direction"], r["sender"], r["size"]) for r in rows[2:]] == [
        ("deleted", "out", None, None), ("deleted", "unknown", BOB, None), ("deleted", "unknown", BOB, None),
    ]  # fmt: skip


def test_lines_of_the_app_and_groups() -> None:
    out = read(chat(*TWO, "18:40\tEve joined the group", "18:41\t\tBobが参加しました。"), OWNER)
    assert (out.kept, out.scoped_out) == (2, 2)
    assert {(r["thread_kind"], r["directed"], r["identifier"]) for r in out.event_rows} == {("group", "no", None)}
    assert {r["thread_kind"] for r in read(chat(*TWO, "18:40\tEve\tx"), OWNER).event_rows} == {"group"}


def test_owner() -> None:
    with pytest.raises(Waiting):
        read(chat(*TWO, title="[LINE] Chat history with X"))
    assert {r["thread_kind"] for r in read(chat(*TWO, title="[LINE] Chat history with X"), OWNER).event_rows} == {
        "unknown"
    }
    assert read(chat(TWO[0])).event_rows[0]["thread_kind"] == "direct"


def test_a_title_in_another_language_holds_the_name() -> None:
    assert read(chat(*TWO, title="[LINE] Xyz Bob xyz")).owners == [AIGERIM]
    with pytest.raises(Waiting):
        read(chat(*TWO, title="[LINE] Bob Aigerim"))


def test_several_lines() -> None:
    out = read(chat(f'18:30\tBob\t"{MARKER}', "more", "", 'end"', "", "2025/10/04(Sat)", "10:00\tAigerim\tx"))
    assert [(r["record"], r["size"]) for r in out.event_rows] == [("lines:5-8", len(MARKER) + 10), ("line:11", 1)]


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("[Photo]", "image"),
        ("[スタンプ]", "sticker"),
        ("[動画]", "video"),
        ("[File] x", "document"),
        ("[位置情報] 東京", "location"),
        ("[Something]", None),
    ],
)
def test_attachments(text: str, kind: str | None) -> None:
    row = read(chat(*TWO, f"18:40\tBob\t{text}")).event_rows[2]
    assert (row["attachment"], row["size"]) == (kind, None if kind else len(text))


def test_rejects() -> None:
    out = read(
        chat(
            *TWO, "25:00\tBob\tx", "10:75\tBob\tx", "1970/01/01(Thu)", "1:00\tBob\tx", "2025/02/30(Fri)", "1:00\tBob\tx"
        )
    )
    assert len(out.rejects) == 4
    with pytest.raises(Unreadable):
        read(b"[LINE] Chat history with Bob\n\n2025/10/03(Fri)\n")
    early = b"[LINE] Chat history with Bob\n18:30\tBob\tx\n" + chat(*TWO)
    assert [r[2] for r in read(early).rejects] == ["no day stands before it, or its time is none"]


def test_encodings_and_line_ends() -> None:
    data = chat(*TWO)
    rows = read(data).event_rows
    for other in (b"\xef\xbb\xbf" + data, data.replace(b"\n", b"\r\n"), data.decode().encode("utf-16")):
        assert read(other).event_rows == rows


def test_cut_and_locators() -> None:
    data = chat(*TWO, f"18:40\tBob\t{MARKER}", MARKER)
    cut_everywhere(READER, data, OWNER, same=("n", "local_time"))
    opens_again(READER, data, read(data), b"18:", shown="\t‹")
    assert read(chat(*TWO, *TWO)).kept == 4
