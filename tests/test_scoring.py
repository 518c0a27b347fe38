"""From a case on disk to ``findings.json``: which rows exist as of a date, the same bytes every time, robustness told truly."""

from __future__ import annotations

import json
import random
import shutil
import zipfile
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from detector.columns import coded
from detector.parameters import PARAMETERS
from detector.records import unfold
from pipelines import ingest as ingesting
from pipelines import scoring, statutes, store
from pipelines.errors import UserError
from pipelines.identifiers import phone_identifier
from pipelines.resources import code_hash
from pipelines.scoring import LoadedCase, score_loaded, to_bytes
from pipelines.statutes import DEFAULT, profile
from pipelines.store import remove
from tests import twin
from tests.shared_data import ROOT
from tests.stored import CASE, K1, Store, parse, us

EXAMPLES = ROOT / "data" / "examples"
EXPORTS = EXAMPLES / "exports"


def example(folder: Path, *calls: list[Path]) -> Path:
    """Make the example case and ingest paths, one call after another."""
    folder.mkdir(parents=True)
    shutil.copy(EXAMPLES / "case.toml", folder)
    for paths in calls:
        report = ingesting.ingest(folder, paths)
        assert not report.failed and not report.unknown and not report.waiting
    return folder


def document(folder: Path, as_of: date | None = None) -> dict[str, Any]:
    return score_loaded(scoring.load_case(folder), profile(DEFAULT), as_of).document


def findings(folder: Path) -> bytes:
    return to_bytes(document(folder))


def same(folder: Path, loaded: LoadedCase) -> bool:
    """Return whether a case resolves to the same tables: all that scoring, which is pure, is given."""
    one, two = scoring.load_case(folder).resolved, loaded.resolved
    return all(
        getattr(a, name).equals(getattr(b, name))
        for a, b, names in (
            (one, two, ("witnesses", "sources", "rejects")),
            (one.tables, two.tables, ("events", "positions", "notices", "places", "contacts", "trackers", "coverage")),
        )
        for name in names
    )


@pytest.fixture(scope="module")
def case(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The example case, ingested as a folder. Tests must not change it."""
    return example(tmp_path_factory.mktemp("scoring") / "case", [EXPORTS])


@pytest.fixture(scope="module")
def loaded(case: Path) -> LoadedCase:
    return scoring.load_case(case)


@pytest.fixture(scope="module")
def known_bytes(loaded: LoadedCase) -> bytes:
    return to_bytes(score_loaded(loaded, profile(DEFAULT)).document)


def in_memory(s: Store, text: str = CASE + K1) -> LoadedCase:
    """Return a case that lies nowhere."""
    return LoadedCase(Path("case"), parse(text), s.resolve(text))


def acts(loaded: LoadedCase, as_of: date | None = None, *, known: bool = False) -> int:
    """Return how many acts of K1 exist as of a date."""
    found = score_loaded(loaded, profile(DEFAULT), as_of, known=known).document["findings"]
    k1: dict[str, Any] = next(f for f in found if f["contact_id"] == "K1")
    return int(k1["indicators"]["acts"]["value"]) + int(k1["before_law"]["acts"])


# As of ----------------------------------------------------------------------------------------------------------------


def test_as_of_means_strictly_before_midnight_of_the_cases_zone() -> None:
    s = Store()
    midnight = us("2025-11-01T00:00:00") - 5 * 3_600_000_000
    for at in (midnight - 1, midnight, midnight + 1):
        s.event(at, "+77010000002", zone_basis="utc", ts_precision="us")
    whole = in_memory(s)
    assert acts(whole) == 3
    assert acts(whole, date(2025, 11, 1)) == 1
    assert acts(whole, date(2025, 11, 2)) == 3
    assert acts(whole, date(2025, 10, 31)) == 0


def test_the_default_is_midnight_after_the_last_row_and_never_the_clock() -> None:
    s = Store()
    s.event("2025-11-01T18:59:59", "+77010000002", zone_basis="utc")
    found = score_loaded(in_memory(s), profile(DEFAULT)).document
    assert found["as_of"] == "2025-11-02T00:00:00+05:00"
    assert acts(in_memory(s)) == 1
    s.event("2025-11-01T19:00:00", "+77010000002", zone_basis="utc")  # midnight itself: of the next day
    assert score_loaded(in_memory(s), profile(DEFAULT)).document["as_of"] == "2025-11-03T00:00:00+05:00"
    assert acts(in_memory(s)) == 2


@pytest.mark.parametrize("offset", [-64_800, -18_000, 0, 50_400, 64_800])
def test_no_row_is_lost_to_the_default_whatever_clock_it_was_written_with(offset: int) -> None:
    s = Store()
    s.event("2025-12-31T23:59:59", "+77010000002", zone_basis="stated", stated_offset_s=offset)
    s.event("2025-12-01T10:00:00", "+77010000002", zone_basis="case")
    assert acts(in_memory(s)) == 2


def test_a_case_without_rows_says_so() -> None:
    with pytest.raises(UserError, match="holds no record yet; run qorgan ingest first"):
        score_loaded(in_memory(Store()), profile(DEFAULT))
    assert (
        score_loaded(in_memory(Store()), profile(DEFAULT), date(2026, 1, 1)).document["findings"][0]["verdict"]
        == "insufficient"
    )


@pytest.mark.parametrize("day", [date.min, date(1969, 12, 31), date(2025, 9, 16), date(2199, 1, 1), date.max])
def test_any_date_of_the_calendar_can_be_asked(day: date) -> None:
    s = Store()
    s.event("2025-12-01T10:00:00", "+77010000002", zone_basis="case")
    assert acts(in_memory(s), day) == int(day.year > 2025)


@pytest.mark.parametrize(
    "text", ["2026-02-30", "tomorrow", "", "1.1.2026", "2026", "2026-01-31T10:00:00", "0000-01-01", "-1"]
)
def test_what_is_no_date(text: str) -> None:
    with pytest.raises(UserError, match="is no date; write it as 2026-01-31"):
        scoring.parse_day(text)


def test_the_past_is_what_was_on_file_then(loaded: LoadedCase, known_bytes: bytes) -> None:
    """Scoring as of a date gives what a case without the later rows gives: no finding looks ahead."""
    day = date(2025, 10, 20)
    moment = scoring.midnight(day, "Asia/Almaty")
    then = score_loaded(loaded, profile(DEFAULT), day).document
    for f in then["findings"]:
        for ind in f["indicators"].values():
            ids = set(unfold(ind["records"]))
            for table, key in (
                (loaded.resolved.tables.events, "event_id"),
                (loaded.resolved.tables.positions, "position_id"),
            ):
                at = dict(zip(table[key].to_pylist(), table["ts"].to_pylist(), strict=True))
                assert all(at[i] < moment for i in ids if i in at)
        assert f["first_met"] is None or f["first_met"] < then["as_of"]
    later = [(n["contact_id"], n["kind"], n["later"]) for n in then["notices"]]
    assert sorted(later) == [
        ("K1", "blocked", True), ("K1", "order_served", True), ("K1", "told_to_stop", False), ("K5", "told_to_stop", True),
    ]  # fmt: skip
    assert not any(n["effective"] for n in then["notices"] if n["later"])
    assert {n["basis"] for n in json.loads(known_bytes)["notices"]} == {"declared", "device"}


# Known by then ----------------------------------------------------------------------------------------------------------


def test_known_leaves_out_what_was_written_down_later() -> None:
    s = Store()
    for written in (None, "2025-10-31T23:59:59", "2025-11-01T00:00:00", "2025-12-01T00:00:00"):
        s.event(
            "2025-10-20T10:00:00",
            "label:K1",
            how="journal",
            zone_basis="case",
            written_at=None if written is None else us(written),
        )
        s.position("2025-10-21T10:00:00", kind="seen", subject="contact", identifier="label:K1", how="journal", zone_basis="case",
                   written_at=None if written is None else us(written))  # fmt: skip
    whole = in_memory(s)
    assert acts(whole, date(2025, 11, 1)) == 8
    assert acts(whole, date(2025, 11, 1), known=True) == 4
    assert acts(whole, date(2025, 11, 2), known=True) == 6
    assert acts(whole, date(2026, 1, 1), known=True) == 8


def test_when_it_was_written_is_a_reading_of_the_rows_own_clock() -> None:
    s = Store()
    s.source("a", "journal.csv")
    late = us("2025-10-31T23:00:00")
    s.event("2025-10-20T10:00:00", "label:K1", how="journal", zone_basis="case", written_at=late)
    s.event(
        "2025-10-20T11:00:00", "label:K1", how="journal", zone_basis="utc", written_at=late
    )  # 04:00 of the next day
    s.event(
        "2025-10-20T12:00:00",
        "label:K1",
        how="journal",
        zone_basis="stated",
        stated_offset_s=32_400,
        written_at=late + 3 * 3_600_000_000,
    )
    assert acts(in_memory(s), date(2025, 11, 1), known=True) == 2
    moved = CASE + K1 + '[[source]]\nmatch = "journal.csv"\ntimezone = "+03:00"\n'
    assert acts(in_memory(s, moved), date(2025, 11, 1), known=True) == 1


def test_a_notice_that_was_written_down_later_is_not_known() -> None:
    s = Store()
    s.event("2025-10-20T10:00:00", "label:K1", how="journal", kind="other", tags="told_to_stop", direction="out", actor="owner",
            zone_basis="case", written_at=us("2025-11-05T10:00:00"))  # fmt: skip
    s.event("2025-10-25T10:00:00", "+77010000002", zone_basis="case")
    whole = in_memory(s)
    for day, known, number in ((1, False, 1), (1, True, 0), (6, True, 1)):
        found = score_loaded(whole, profile(DEFAULT), date(2025, 11, day), known=known).document
        assert len(found["notices"]) == number


# The same bytes ---------------------------------------------------------------------------------------------------------


def test_the_order_of_files_does_not_matter(tmp_path: Path, loaded: LoadedCase, known_bytes: bytes) -> None:
    files = sorted(EXPORTS.iterdir())
    for seed in (1, 2, 3):
        order = files.copy()
        random.Random(seed).shuffle(order)
        calls = [order] if seed == 1 else [order[:1], order[1:4], order[4:]]
        folder = example(tmp_path / str(seed), *calls)
        assert same(folder, loaded)
    assert findings(folder) == known_bytes


def test_the_same_files_twice_change_nothing(tmp_path: Path, loaded: LoadedCase) -> None:
    folder = example(tmp_path / "case", [EXPORTS], [EXPORTS], [EXPORTS / "result.json", EXPORTS])
    assert same(folder, loaded)
    assert len((folder / "custody.jsonl").read_text().splitlines()) == 1


def test_a_copy_elsewhere_gives_the_same_bytes(tmp_path: Path, known_bytes: bytes) -> None:
    copy = tmp_path / "another name" / "deep"
    shutil.copytree(EXPORTS, copy)
    for path in copy.iterdir():
        path.touch()
    assert findings(example(tmp_path / "case", [copy])) == known_bytes


def test_a_zip_and_its_unpacked_copy_are_the_same_sources(tmp_path: Path, known_bytes: bytes) -> None:
    archive = tmp_path / "exports.zip"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as packed:
        for path in sorted(EXPORTS.iterdir(), reverse=True):
            packed.write(path, f"phone/{path.name}")
    folder = example(tmp_path / "case", [archive])

    assert findings(folder) == known_bytes
    # and the other way round: the unpacked copy is known already
    report = ingesting.ingest(folder, [EXPORTS])
    assert not report.stored and len(report.already) == len(json.loads(known_bytes)["coverage"])


def test_a_source_taken_out_and_put_in_again_gives_the_same_bytes(
    tmp_path: Path, loaded: LoadedCase, known_bytes: bytes
) -> None:
    folder = example(tmp_path / "case", [EXPORTS])
    for name in ("journal.csv", "sms-20251015213000.xml"):
        remove.remove(folder, name)
        assert name not in scoring.load_case(folder).resolved.sources["name"].to_pylist()
        assert not same(folder, loaded)
        ingesting.ingest(folder, [EXPORTS / name])
        assert same(folder, loaded)
    assert findings(folder) == known_bytes


def test_the_report_has_the_same_bytes(tmp_path: Path, case: Path) -> None:
    from pipelines.report.html import render

    def report(folder: Path) -> bytes:
        whole = scoring.load_case(folder)
        return bytes(render(score_loaded(whole, profile(DEFAULT)), whole, profile(DEFAULT)))

    order = sorted(EXPORTS.iterdir(), reverse=True)
    copy = tmp_path / "elsewhere"
    shutil.copytree(EXPORTS, copy)
    first = report(case)
    assert report(example(tmp_path / "case", order[:5], [copy])) == first
    assert str(tmp_path).encode() not in first and str(case).encode() not in first


def test_the_document_knows_no_path_and_no_clock(case: Path, known_bytes: bytes) -> None:
    made = json.loads(known_bytes)
    assert str(case).encode() not in known_bytes and str(EXPORTS).encode() not in known_bytes
    assert made["produced_by"]["code"] == code_hash()
    assert [c["source_id"] for c in made["coverage"]] == sorted(c["source_id"] for c in made["coverage"])
    assert [f["contact_id"] for f in made["findings"]] == sorted(f["contact_id"] for f in made["findings"])
    assert to_bytes(made) == known_bytes, "what is written is what is read"


def test_corrections_of_the_case_need_no_original(tmp_path: Path, loaded: LoadedCase, known_bytes: bytes) -> None:
    exports = tmp_path / "exports"
    shutil.copytree(EXPORTS, exports)
    folder = example(tmp_path / "case", [exports])
    shutil.rmtree(exports)
    toml = folder / "case.toml"
    text = toml.read_text(encoding="utf-8")
    toml.write_text(
        text.replace('id = "K1"', 'id = "X1"').replace('contact = "K1"', 'contact = "X1"'), encoding="utf-8"
    )
    renamed = {f["contact_id"]: f for f in document(folder)["findings"]}
    before = {f["contact_id"]: f for f in json.loads(known_bytes)["findings"]}
    assert renamed["X1"]["verdict"] == before["K1"]["verdict"] == "systematic"
    # the journal names him by the label too, but where it wrote the old id that is now nobody's
    assert renamed["X1"]["indicators"]["acts"]["value"] <= before["K1"]["indicators"]["acts"]["value"]
    toml.write_text(text.replace("2025-10-02T18:30:00", "2025-12-24T18:30:00"), encoding="utf-8")
    later = next(f for f in document(folder)["findings"] if f["contact_id"] == "K1")
    assert later["indicators"]["after_notice_acts"]["value"] < before["K1"]["indicators"]["after_notice_acts"]["value"]
    toml.write_text(text, encoding="utf-8")
    assert same(folder, loaded)


# Conservation and what the document says --------------------------------------------------------------------------------


def test_every_record_is_accounted_for(loaded: LoadedCase, known_bytes: bytes) -> None:
    made = json.loads(known_bytes)
    stored = {r["source_id"]: r for r in loaded.resolved.sources.to_pylist()}
    for c in made["coverage"]:
        assert c["read"] == c["kept"] + c["duplicate"] + c["rejected"] + c["out_of_scope"]
        assert c["kept"] + c["duplicate"] == stored[c["source_id"]]["kept"]
        assert c["first"] <= c["last"]
    rows: dict[tuple[str, int], list[bool]] = {}
    for table in (loaded.resolved.tables.events, loaded.resolved.tables.positions):
        for s, n, d in zip(*(table[k].to_pylist() for k in ("source_id", "n", "duplicate_of")), strict=True):
            rows.setdefault((s, n), []).append(d is not None)
    for c in made["coverage"]:
        mine = [further for (s, _), further in rows.items() if s == c["source_id"]]
        assert c["duplicate"] == sum(all(f) for f in mine)
        assert c["kept"] == sum(not all(f) for f in mine)
    assert sum(c["duplicate"] for c in made["coverage"]) > 100


def test_every_number_can_be_followed_to_its_records(loaded: LoadedCase, known_bytes: bytes) -> None:
    """Acts and outgoing rows of every contact are counted again from the ids that the document lists."""
    events = {e["event_id"]: e for e in loaded.resolved.tables.events.to_pylist()}
    positions = {p["position_id"]: p for p in loaded.resolved.tables.positions.to_pylist()}
    for f in json.loads(known_bytes)["findings"]:
        ids = unfold(f["indicators"]["acts"]["records"])
        assert all((events.get(i) or positions[i])["contact_id"] == f["contact_id"] for i in ids)
        assert all((events.get(i) or positions[i])["duplicate_of"] is None for i in ids)
        assert all(events[i]["direction"] == "in" for i in ids if i in events)
        presence = f["indicators"]["presence_acts"]["value"] or 0
        assert len([i for i in ids if i in events]) + presence == f["indicators"]["acts"]["value"]
        outgoing = unfold(f["indicators"]["outgoing"]["records"])
        assert len(outgoing) == f["indicators"]["outgoing"]["value"]
        assert all(events[i]["direction"] == "out" for i in outgoing)
        moments = [(events.get(i) or positions[i])["ts"] for i in ids]
        assert moments == sorted(moments), "lists are ordered by time"


def test_points_can_be_added_on_paper(known_bytes: bytes) -> None:
    for f in json.loads(known_bytes)["findings"]:
        lines = [line["points"] for e in f["elements"] for line in e.get("indicators", [])]
        assert f["points"] == sum(lines) + sum(a["points"] for a in f["against"])
        assert f["points"] <= f["points_max"]


def test_unidentified_callers_are_counted_and_belong_to_nobody(loaded: LoadedCase, known_bytes: bytes) -> None:
    made = json.loads(known_bytes)
    lone = [
        e["event_id"] for e in loaded.resolved.tables.events.to_pylist()
        if e["contact_id"] is None and e["direction"] == "in" and e["directed"] == "yes" and e["duplicate_of"] is None
    ]  # fmt: skip
    assert made["unidentified"]["acts"] == len(lone) > 0
    assert sorted(unfold(made["unidentified"]["records"])) == sorted(lone)
    everything = {i for f in made["findings"] for i in unfold(f["indicators"]["acts"]["records"])}
    assert not everything & set(lone)


def test_trackers_that_nobody_attributed_are_listed_with_their_sightings() -> None:
    s = Store()
    for k in range(3):
        s.position(
            f"2025-10-06T1{k}:00:00", kind="tracker_alert", subject="tracker", subject_id="AA:BB", lat=43.2, lon=76.9
        )
    bare = s.position("2025-10-06T15:00:00", kind="tracker_found", subject="tracker")
    whole = in_memory(s)
    found = score_loaded(whole, profile(DEFAULT)).document["unattributed_trackers"]
    assert {t["tracker_id"]: t["sightings"] for t in found} == {"AA:BB": 3, bare: 1}
    assert [t["tracker_id"] for t in found] == sorted(["AA:BB", bare])
    assert score_loaded(whole, profile(DEFAULT), date(2025, 10, 6)).document["unattributed_trackers"] == []
    owned = in_memory(s, CASE + K1 + '[[tracker]]\nid = "AA:BB"\ncontact = "K1"\nbasis = "b"\n')
    assert [t["tracker_id"] for t in score_loaded(owned, profile(DEFAULT)).document["unattributed_trackers"]] == [bare]


def test_notices_say_their_effect() -> None:
    text = CASE + K1 + '[[notice]]\ncontact = "K1"\nat = 2025-10-02T18:30:00\nkind = "told_to_stop"\nbasis = "x"\n'
    s = Store()
    block = s.event(
        "2025-10-05T10:00:00", "telegram:user222", kind="block", actor="owner", direction="unknown", channel="telegram"
    )
    s.event("2025-10-09T10:00:00", "+77010000002", zone_basis="case")
    refused = text + f'[[notice_refused]]\nrecord = "{block}"\nreason = "r"\n'
    got = score_loaded(in_memory(s, refused), profile(DEFAULT)).document["notices"]
    assert [(n["basis"], n["refused"], n["effective"], n["record"]) for n in got] == [
        ("declared", False, True, None), ("device", True, False, block),
    ]  # fmt: skip
    assert got[0]["at"] == "2025-10-02T13:30:00Z"
    # a notice to somebody who then kept away has its effect too
    silent = Store()
    silent.event("2025-10-09T10:00:00", "+77010000009", zone_basis="case")
    assert [n["effective"] for n in score_loaded(in_memory(silent, text), profile(DEFAULT)).document["notices"]] == [
        True
    ]


def test_moments_of_the_document_have_the_offset_of_the_zone_then() -> None:
    assert scoring.local_text(us("2024-02-29T17:59:59"), "Asia/Almaty") == "2024-02-29T23:59:59+06:00"
    assert scoring.local_text(us("2024-02-29T18:00:00"), "Asia/Almaty") == "2024-02-29T23:00:00+05:00"
    assert scoring.local_text(us("2025-01-01T00:00:00"), "America/St_Johns") == "2024-12-31T20:30:00-03:30"
    assert scoring.local_text(-1, "UTC") == "1969-12-31T23:59:59+00:00"


# Robustness -------------------------------------------------------------------------------------------------------------


def test_robustness_is_what_another_window_really_gives(loaded: LoadedCase, known_bytes: bytes) -> None:
    """Score some contacts again with each other window, with the slow twin of the detector, and compare their entries."""
    statute = profile(DEFAULT)
    moment, valid_from = scoring.scoring_moment(loaded, None), scoring.midnight(statute.valid_from, statute.timezone)
    some = pa.array(["K1", "K2", "S1", "N1", "F1", "u-69b599267f"])
    whole = loaded.resolved.tables
    tables = replace(whole, **{n: t.filter(pc.is_in(t["contact_id"], some)) for n in ("events", "positions", "contacts")
                               for t in (getattr(whole, n),)})  # fmt: skip
    base = {f["contact_id"]: f for f in json.loads(known_bytes)["findings"] if f["contact_id"] in some.to_pylist()}
    tries = PARAMETERS["occasion_window_s"].tries
    flips: dict[str, list[tuple[str, str]]] = {c: [] for c in base}
    for window in tries:
        for contact, again in twin.score_case(tables, {"occasion_window_s": window}, valid_from, moment).items():
            if again.verdict != base[contact]["verdict"]:
                flips[contact].append((f"occasion_window_s = {window}", again.verdict))
    for contact, f in base.items():
        r = f["robustness"]
        said = [(x["change"], x["verdict"]) for x in r["flips"] if x["change"].startswith("occasion_window_s")]
        assert said == flips[contact], contact
        assert r["tested"] == sum(n for n, _ in r["by_kind"].values()) and r["by_kind"]["number"][0] >= len(tries)
        assert r["stable"] is (not r["flips"])


def test_robustness_finds_a_verdict_that_hangs_on_the_window() -> None:
    """Three unanswered messages an hour and a half apart on three days make three occasions each day; with a day's window, one."""
    s = Store()
    for day in (1, 2, 9):
        for hour in (10, 12, 14, 16):
            s.event(f"2025-11-{day:02d}T{hour}:00:00", "+77010000002", zone_basis="case")
    text = CASE + K1 + '[[notice]]\ncontact = "K1"\nat = 2025-10-02T18:30:00\nkind = "told_to_stop"\nbasis = "x"\n'
    made = score_loaded(in_memory(s, text), profile(DEFAULT)).document["findings"][0]
    assert made["verdict"] == "systematic"
    # 24 h and more lie between the days' first messages: 1st 10:00, 2nd 12:00 (26 h later), 9th
    assert not [x for x in made["robustness"]["flips"] if x["kind"] == "number"]
    few = Store()
    for day, hour in ((1, 10), (1, 22), (2, 9), (9, 10)):
        few.event(f"2025-11-{day:02d}T{hour:02d}:00:00", "+77010000002", zone_basis="case")
    made = score_loaded(in_memory(few, text), profile(DEFAULT)).document["findings"][0]
    assert made["verdict"] == "systematic"
    assert made["robustness"]["stable"] is False
    windows = [x for x in made["robustness"]["flips"] if x["change"].startswith("occasion_window_s")]
    assert [x["change"] for x in windows] == ["occasion_window_s = 86400"]
    assert windows[0]["why"].startswith("systematic: met → not_met")


# Profiles, identifiers of the real readers ------------------------------------------------------------------------------


def test_profiles_are_known_by_id() -> None:
    assert DEFAULT in statutes.profiles()
    with pytest.raises(UserError, match=f"no statute 'xx'; the known ones are .*{DEFAULT}"):
        profile("xx")


def test_results_are_named_after_the_statute() -> None:
    assert scoring.results_name(DEFAULT, DEFAULT) == "findings.json"
    assert scoring.results_name("de-238", DEFAULT) == "findings-de-238.json"


def test_numbers_that_the_readers_normalised_are_read_the_same_again(case: Path) -> None:
    """Resolve reads ``identifier_raw`` again in the case's region: with the region of ingest that must change nothing."""
    events = store.read(case).events.to_pylist()
    numbered = [
        e for e in events if e["identifier_kind"] in ("phone", "raw", "short") and e["identifier_raw"] is not None
    ]
    assert len(numbered) > 500
    assert [e["event_id"] for e in numbered if phone_identifier(e["identifier_raw"], "KZ")[0] != e["identifier"]] == []


def test_as_of_is_whole_days_of_the_zone() -> None:
    local = datetime(2025, 11, 1)
    assert scoring.midnight(local.date(), "Asia/Almaty") == us("2025-10-31T19:00:00")


def test_the_store_is_not_changed_by_looking(case: Path) -> None:
    before = {p: p.read_bytes() for p in case.rglob("*") if p.is_file()}
    document(case)
    codes, _ = coded(scoring.load_case(case).resolved.tables.events["contact_id"])
    assert np.any(codes >= 0)
    assert {p: p.read_bytes() for p in case.rglob("*") if p.is_file()} == before
