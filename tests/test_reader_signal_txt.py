"""signal-export's chat.md: invented chats after the tool's own writer."""

from __future__ import annotations

from typing import Any

import pytest

from pipelines.readers import recognise
from pipelines.readers.base import Unreadable
from pipelines.readers.signal_txt import READER, folder_of
from tests.collect import Collected, context, head_of
from tests.html_chats import MARKER, cut_everywhere, opens_again
from tests.html_chats import read as read_with
from tests.shared_data import SHARED

CONTEXT = context()
NAME = "export/Bob Example/chat.md"
BOB = "signal:name:Bob Example"
WHEN = 1_759_516_205_000_000
TWO = (f"[2025-10-03 18:30:05] Bob Example: {MARKER}  \n", f"[2025-10-03 18:30] Me: {MARKER} x  \n")


def read(*lines: str, name: str = NAME, **how: Any) -> Collected:
    return read_with(READER, "".join(lines).encode(), CONTEXT, name, **how)


def test_recognition() -> None:
    claims, verdict = recognise(head_of("".join(TWO).encode(), NAME))
    assert (verdict, claims[0][0]) == ("known", "signal-txt")
    whatsapp = b"[2025-10-03 18:30:05] Bob: text\n[2025-10-03 18:30:06] Me: text\n"
    assert READER.recognise(head_of(whatsapp, "_chat.txt")) is None


def test_no_sample_is_claimed() -> None:
    if not (SHARED / "samples").is_dir():
        pytest.skip("the folder shared/ is not beside this checkout")
    for path in sorted((SHARED / "samples").rglob("*")):
        if path.is_file():
            assert READER.recognise(head_of(path)) is None, path.name


def test_rows() -> None:
    out = read(*TWO)
    first, second = out.event_rows
    wanted = {
        "n": 1, "record": "line:1", "local_time": WHEN, "ts_precision": "s", "zone_basis": "case", "channel": "signal", "kind": "message", "direction": "in",
        "actor": "contact", "identifier": BOB, "identifier_kind": "name", "sender": None, "thread_id": BOB, "thread_kind": "direct", "directed": "yes",
        "size": len(MARKER), "attachment": None,
    }  # fmt: skip
    assert {k: first[k] for k in wanted} == wanted
    assert (second["direction"], second["identifier"], second["ts_precision"], second["local_time"]) == (
        "out",
        BOB,
        "min",
        WHEN - 5_000_000,
    )


def test_kinds_of_threads() -> None:
    assert {r["thread_kind"] for r in read(*TWO, name="Bob Example2/chat.md").event_rows} == {"direct"}
    assert {r["thread_kind"] for r in read(*TWO, name="Friends/chat.md").event_rows} == {"unknown"}
    group = read(
        *TWO, "[2025-10-03 18:31:00] Eve: x  \n", "[2025-10-03 18:31:00] No-Sender: x  \n", name="Friends/chat.md"
    )
    assert {(r["thread_kind"], r["directed"]) for r in group.event_rows} == {("group", "no")}
    assert [(r["direction"], r["identifier"]) for r in group.event_rows] == [
        ("in", BOB), ("out", None), ("in", "signal:name:Eve"), ("unknown", None),
    ]  # fmt: skip
    assert any("did not know the sender: 1" in n for n in group.notes)
    assert read(TWO[1], name="Note to Self/chat.md").event_rows[0]["thread_kind"] == "self"
    assert folder_of("chat.md") is None


@pytest.mark.parametrize(
    ("who", "text", "direction", "answered", "seconds", "tags"),
    [("Bob Example", "Incoming voice call (accepted, 1m 5s)", "in", True, 65, None), ("Bob Example", "Missed video call", "in", False, None, "missed"),
     ("Bob Example", "Incoming voice call (declined)", "in", False, None, "rejected"), ("Me", "Outgoing voice call (unanswered)", "out", False, None, "no_answer"),
     ("Me", "Outgoing call (accepted)", "out", True, None, None), ("Me", "Outgoing call", "out", None, None, None),
     ("Me", "Outgoing video call (declined by recipient)", "out", False, None, "rejected")],
)  # fmt: skip
def test_calls(
    who: str, text: str, direction: str, answered: bool | None, seconds: int | None, tags: str | None
) -> None:
    row = read(*TWO, f"[2025-10-03 18:31:00] {who}: {text}  \n").event_rows[2]
    assert (row["kind"], row["direction"], row["answered"], row["duration_s"], row["tags"], row["size"]) == (
        "call",
        direction,
        answered,
        seconds,
        tags,
        None,
    )


def test_words_about_a_call_of_the_other_side_are_a_message() -> None:
    assert read(*TWO, "[2025-10-03 18:31:00] Me: Missed voice call  \n").event_rows[2]["kind"] == "message"


@pytest.mark.parametrize(
    ("text", "attachment", "size"),
    [("(This message was deleted)", "deleted", None), (f"![{MARKER}.jpg](./media/{MARKER}.jpg)  ", "image", 0), (f"Hi  [{MARKER}.m4a](./media/{MARKER}.m4a)  ", "voice", 2),
     (f"[{MARKER}.pdf](./media/{MARKER}.pdf)  ", "document", 0), ("(media not exported)  ", "omitted", 0), (f"Hi  \n(- {MARKER}: x -)", None, 2),
     ("\n(( x ))", "sticker", 0), (f"\n\n> {MARKER}\n> more\n\nyes  ", None, 3)],
)  # fmt: skip
def test_contents(text: str, attachment: str | None, size: int | None) -> None:
    row = read(*TWO, f"[2025-10-03 18:31:00] Bob Example: {text}\n").event_rows[2]
    assert (row["attachment"], row["size"]) == (attachment, size)


def test_rejects() -> None:
    assert [r[2] for r in read(*TWO, "[2025-02-30 18:31:00] Me: x  \n", "[1970-01-01 00:00:00] Me: x  \n").rejects] == [
        "time cannot be read", "time is zero: no time was recorded"]  # fmt: skip
    with pytest.raises(Unreadable):
        read("nothing\n")


def test_cut_and_locators() -> None:
    data = "".join((*TWO, f"[2025-10-03 18:31:00] Me: {MARKER}\n{MARKER}  \n"))
    cut_everywhere(READER, data.encode(), CONTEXT, NAME)
    opens_again(READER, data.encode(), read(data), b"[2025-10-03", NAME, shown="] ")
    assert read(*TWO, *TWO).kept == 4
