"""Geolife trajectories: the real sample, lines that cannot be used, cut and foreign files."""

from __future__ import annotations

import pytest

from pipelines.locate import open_record
from pipelines.readers import recognise
from pipelines.readers._tracks import NOBODY
from pipelines.readers.base import Unreadable
from pipelines.readers.geolife_plt import READER
from tests import track_files as made
from tests.collect import Collected, collect, context, head_of, source_of
from tests.shared_data import sample
from tests.track_files import SECRET, us

GOOD = "43.2,76.9,0,492,45717.3333,2025-03-01,08:00:00"


def one(*lines: str) -> Collected:
    return collect(READER, (made.PLT.format(SECRET) + "".join(f"{line}\r\n" for line in lines)).encode())


def test_sample() -> None:
    path = sample("geolife/20081024020959.plt")
    assert recognise(head_of(path)) == ([("geolife-plt", READER.recognise(head_of(path)))], "known")
    out = collect(READER, path)
    assert (out.records, out.kept, out.rejects, out.scoped_out) == (244, 244, [], 0)
    assert (out.position_rows[0]["local_time"], out.position_rows[-1]["local_time"]) == (
        1224814199000000,
        1224816426000000,
    )
    row = out.position_rows[0]
    wanted = {
        "n": 1, "record": "line:7", "ts_precision": "s", "zone_basis": "utc", "lat": 40.008304, "lon": 116.319876, "kind": "fix",
        "accuracy_m": None, "subject": "owner", "source_how": "gps", "how": "device",
    }  # fmt: skip
    assert {key: row[key] for key in wanted} == wanted
    raw = open_record(source_of(path), "line:7", "geolife-plt", 1)
    assert (
        raw.text == "40.008304,116.319876,0,492,39745.0902662037,2008-10-24,02:09:59"
        and "latitude: 40.008304" in raw.masked
    )


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (SECRET, "the line has not the seven values of a fix"),
        (GOOD + ",1", "the line has not the seven values of a fix"),
        (GOOD.replace("43.2", "400.166666"), "latitude is out of range"),
        (GOOD.replace("76.9", "-180.5"), "longitude is out of range"),
        (GOOD.replace("76.9", ""), "coordinates are missing or not readable"),
        (GOOD.replace("2025-03-01", ""), "no time"),
        (GOOD.replace("2025-03-01", "01.03.2025"), "time is not readable"),
        (GOOD.replace("08:00:00", "08:00"), "time is not readable"),
        (GOOD.replace("2025", "2036"), "time lies in or after 2035"),
        ("9" * 500, "the line has not the seven values of a fix"),
    ],
)
def test_rejects(line: str, reason: str) -> None:
    out = one(GOOD, line, "", GOOD)
    assert (out.records, out.kept, out.rejects) == (3, 2, [(2, "line:8", reason)])
    assert [r["record"] for r in out.position_rows] == ["line:7", "line:10"]
    assert SECRET not in made.said(out)
    assert (
        SECRET
        not in open_record(source_of((made.PLT.format("x") + line + "\n").encode()), "line:7", "geolife-plt").masked
    )


def test_files() -> None:
    assert [r["local_time"] for r in collect(READER, made.plt(3)).position_rows] == [us(k) for k in range(3)]
    assert NOBODY in one(GOOD).notes
    assert collect(READER, made.plt(1), ctx=context(subject="K1")).position_rows[0]["identifier"] == "K1"
    assert one().records == 0
    for data in (b"", b"words\n", b"OziExplorer Track Point File Version 2.1\n"):
        assert READER.recognise(head_of(data)) is None
        with pytest.raises(Unreadable):
            collect(READER, data)
    made.cut_everywhere(READER, made.plt(4))
