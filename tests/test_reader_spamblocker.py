"""The reader of SpamBlocker's history: what it refused and what it let pass."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest

from pipelines.locate import open_record
from pipelines.readers import recognise
from pipelines.readers.base import Unreadable
from pipelines.readers.spamblocker import READER
from tests.android_databases import MMSSMS, SPAMBLOCKER, cuts, database, texts
from tests.collect import collect, head_of, source_of

T = 1_700_000_000_000
A, B = "+77010000001", "+77010000002"
SECRET = "zebra-secret"


def entry(result: int, **more: Any) -> dict[str, Any]:
    return {"peer": A, "time": T, "result": result, "reason": SECRET, "sms_content": SECRET} | more


def test_history() -> None:
    data = database(
        SPAMBLOCKER,
        {"call": [entry(10), entry(1), entry(99, peer=B), entry(100), entry(12, time=0), entry(9, peer="")],
         "sms": [entry(11), entry(6, sms_content=None)]},
        "UPDATE sqlite_sequence SET seq = 40 WHERE name = 'call'",
    )  # fmt: skip
    out = collect(READER, data)
    assert out.conserved() and out.records == 8
    assert [(r["n"], r["record"], r["kind"], r["direction"], r["answered"], r["tags"], r["size"]) for r in out.event_rows] == [
        (1, "sql:call/1", "call", "in", False, "blocked by_screening_app", None), (2, "sql:call/2", "call", "in", None, None, None),
        (3, "sql:call/3", "call", "in", False, "blocked by_screening_app", None), (4, "sql:call/4", "call", "in", None, None, None),
        (6, "sql:call/6", "call", "in", None, None, None), (7, "sql:sms/1", "message", "in", None, "blocked", len(SECRET)),
        (8, "sql:sms/2", "message", "in", None, None, None),
    ]  # fmt: skip
    assert [n for n, _, _ in out.rejects] == [5]
    assert SECRET not in texts(out)
    assert out.notes[0] == "call: 40 entries were written and 6 are there: the others were cleared"
    assert [(c["channel"], c["basis"], c["complete"]) for c in out.covers] == [
        ("phone", "cap", "no"),
        ("sms", "cap", "no"),
    ]
    shown = open_record(source_of(data), "sql:call/1", "spamblocker", 1).masked
    assert A in shown and SECRET not in shown


def test_recognition_and_damage() -> None:
    data = database(SPAMBLOCKER, {"call": [entry(10) for _ in range(200)], "sms": [entry(1)]})
    assert [c[0] for c in recognise(head_of(data))[0]] == ["spamblocker"]
    assert READER.recognise(head_of(database(MMSSMS))) is None
    for piece in cuts(data, 1024):
        with contextlib.suppress(Unreadable):
            assert collect(READER, piece).conserved()
    hostile = database(SPAMBLOCKER + "DROP TABLE call; CREATE VIEW call AS SELECT 1 AS peer, 2 AS time, 3 AS result;")
    with pytest.raises(Unreadable, match="call is a view"):
        collect(READER, hostile)
    assert READER.description.clock_s > 0 and any("undercounts" in c for c in READER.description.cannot_tell)
