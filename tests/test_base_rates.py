"""Reference populations: read strictly, counted exactly, and fair to the contact beside whom they stand."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from benchmarks import make_base_rates, real_data, real_people
from detector.indicators import all_indicators
from detector.score import Judged, judge
from detector.statistics import upper95
from detector.typicality import MOST_CUTS, BaseRateError, Distribution, Reference, case_typicality, load_reference
from pipelines import base_rates
from pipelines.errors import UserError
from pipelines.explanation import not_comparable, usual
from pipelines.resources import data_dir
from pipelines.scoring import midnight
from pipelines.statutes import profile
from tests.build import CaseBuilder
from tests.shared_data import dataset

SMALL = """\
[reference]
id = "small"
title = "A small one"
population = "Nobody in particular"
period_days = 10
contacts = 50
owners = 5
channels = ["calls", "messages"]
provenance = "invented"
made_by = "hand"
limits = ["It is invented."]
date_shift = "none"

[parameters]
occasion_window_s = 3600
reply_window_s = 86400
initiative_silence_s = 10800
conversation_min_s = 60

[indicator.unwanted_occasions]
unit = "occasions"
over = "whole"
counts = ["calls", "messages", "mail", "tracks", "sightings", "other"]
unwanted = true
known = 50
at = [0, 3, 10, 20]
reach = [50, 12, 5, 0]

[indicator.course_max_28d]
unit = "occasions"
over = "window"
counts = ["calls", "messages"]
known = 40
at = [0, 2, 8]
reach = [40, 20, 0]
"""

# -- reading ------------------------------------------------------------------------------------------------------------

#: what is broken: (text that is replaced, what stands there then, the line that is named, words of the fault)
BROKEN: dict[str, tuple[str, str, int, str]] = {
    "an unknown table": ("[parameters]", "[extra]\n[parameters]", 14, "extra: unknown key"),
    "an unknown key of the reference": ('title = "A small one"', 'name = "A small one"', 3, "reference.name: unknown key"),
    "no title": ('title = "A small one"\n', "", 1, "title is missing"),
    "a number for a text": ('provenance = "invented"', "provenance = 3", 9, "reference.provenance: must be a text"),
    "half a day": ("period_days = 10", "period_days = 1.5", 5, "reference.period_days: must be a whole number"),
    "nobody": ("contacts = 50", "contacts = 0", 6, "reference.contacts: must be a whole number of at least 1"),
    "a way that is none": ('channels = ["calls", "messages"]', 'channels = ["smoke"]', 8, "reference.channels: 'smoke' is not one of"),
    "no way": ('channels = ["calls", "messages"]', "channels = []", 1, "channels is missing or empty"),
    "no limits": ('limits = ["It is invented."]\n', "", 1, "limits is missing or empty"),
    "an unknown number": ("conversation_min_s = 60", "talk_s = 60", 18, "parameters.talk_s: unknown key"),
    "a number that is missing": ("conversation_min_s = 60\n", "", 14, "conversation_min_s is missing"),
    "an unknown indicator": ("[indicator.course_max_28d]", "[indicator.temper]", 29, "no indicator 'temper'"),
    "another unit": ('unit = "occasions"\nover = "window"', 'unit = "acts"\nover = "window"', 30, "indicator.course_max_28d.unit: 'acts' is not the indicator's unit"),
    "an unknown key of an indicator": ("known = 40", "known = 40\nmean = 2", 34, "indicator.course_max_28d.mean: unknown key"),
    "over what is none": ('over = "window"', 'over = "year"', 31, "indicator.course_max_28d.over: 'year' is not one of"),
    "counts what is none": ('counts = ["calls", "messages"]', 'counts = ["smoke"]', 32, "indicator.course_max_28d.counts: 'smoke' is not one of"),
    "counts nothing": ('counts = ["calls", "messages"]\n', "", 29, "counts is missing or empty"),
    "unwanted or not": ("unwanted = true", 'unwanted = "yes"', 24, "indicator.unwanted_occasions.unwanted: must be true or false"),
    "more known than there are": ("known = 40", "known = 51", 33, "51 contacts have a value, but the reference has 50"),
    "cuts that do not ascend": ("at = [0, 3, 10, 20]", "at = [0, 10, 10, 20]", 26, "indicator.unwanted_occasions.at: cuts must ascend"),
    "cuts that begin too late": ("at = [0, 2, 8]", "at = [1, 2, 8]", 34, "the first cut must be 0 or less"),
    "cuts that are no numbers": ("at = [0, 2, 8]", 'at = [0, "2", 8]', 34, "must be a list of whole numbers"),
    "no cuts": ("at = [0, 2, 8]\n", "", 29, "at is missing"),
    "too many cuts": ("at = [0, 2, 8]\nreach = [40, 20, 0]", f"at = {list(range(41))}\nreach = {[40] * 41}", 34, "41 cuts, at most 40"),
    "counts that rise": ("reach = [50, 12, 5, 0]", "reach = [50, 5, 12, 0]", 27, "indicator.unwanted_occasions.reach: counts must not rise"),
    "counts that are too few": ("reach = [40, 20, 0]", "reach = [40, 20]", 35, "2 counts for 3 cuts"),
    "more than have a value": ("reach = [40, 20, 0]", "reach = [41, 20, 0]", 35, "41 contacts reach a cut, but only 40 have a value"),
    "not all reach the first cut": ("reach = [40, 20, 0]", "reach = [39, 20, 0]", 35, "must be reached by all 40 contacts"),
    "fewer than nobody": ("reach = [40, 20, 0]", "reach = [40, 20, -1]", 35, "counts must be 0 or more"),
}  # fmt: skip


@pytest.mark.parametrize("what", BROKEN)
def test_a_broken_file_is_refused(what: str) -> None:
    old, new, line, words = BROKEN[what]
    assert SMALL.count(old) >= 1
    # the second of two indicators where both have the words
    head, _, tail = SMALL.rpartition(old)
    with pytest.raises(BaseRateError) as raised:
        load_reference((head + new + tail).encode(), "small.toml")
    wanted = [f for f in raised.value.faults if words in f]
    assert len(wanted) == 1, raised.value.faults
    assert wanted[0].startswith(f"small.toml, line {line}, ")


@pytest.mark.parametrize(
    "data", [b"[reference", b"\xff", b"a = " + b"[" * 100_000], ids=["cut off", "no text", "too deep"]
)
def test_what_is_no_toml_is_refused(data: bytes) -> None:
    with pytest.raises(BaseRateError, match=r"^small\.toml: is"):
        load_reference(data, "small.toml")


def test_all_faults_are_told_at_once() -> None:
    text = SMALL.replace("owners = 5", "owners = -5").replace('over = "window"', 'over = "year"')
    with pytest.raises(BaseRateError) as raised:
        load_reference(text.encode(), "small.toml")
    assert len(raised.value.faults) == 2


def test_faults_reach_the_user_as_one_error(tmp_path: Path) -> None:
    good, bad = tmp_path / "a.toml", tmp_path / "b.toml"
    good.write_text(SMALL)
    bad.write_text(SMALL)
    with pytest.raises(UserError, match=r"b\.toml: another base-rate file has the id 'small' too"):
        base_rates.read([good, bad])
    bad.write_text(SMALL.replace("owners = 5", "owners = 0"))
    with pytest.raises(UserError, match=r"b\.toml, line 7, reference\.owners"):
        base_rates.read([good, bad])
    assert [r.id for r in base_rates.read([good])] == ["small"]


# -- beside a finding ---------------------------------------------------------------------------------------------------


def small(**more: Any) -> Reference:
    return replace(load_reference(SMALL.encode(), "small.toml"), **more)


def judged(case: CaseBuilder) -> Judged:
    law = profile("kz-115-1")
    return judge([case.tables()], law, [case.as_of], valid_from=midnight(law.valid_from, law.timezone))


def entries(case: CaseBuilder, *references: Reference, contact: str = "K1") -> dict[str, dict[str, Any]]:
    found = case_typicality(judged(case), 0, references)[contact]
    return {e["indicator"]: e for e in found}


def calls(days: int, each: int = 1, contact: str = "K1") -> CaseBuilder:
    case = CaseBuilder(as_of="2025-12-31")
    for d in range(days):
        for k in range(each):
            case.call(contact, f"2025-10-{6 + d:02d} {10 + 2 * k}:00")
    return case


def test_a_value_is_counted_at_the_largest_cut_below_it() -> None:
    d = Distribution("occasions", "whole", ("calls",), False, 50, (0, 3, 10, 20), (50, 12, 5, 0))
    assert [d.as_extreme(v) for v in (-1, 0, 2, 3, 9, 10, 19, 20, 1000)] == [
        (0, 50), (0, 50), (0, 50), (3, 12), (3, 12), (10, 5), (10, 5), (20, 0), (20, 0),
    ]  # fmt: skip


def test_what_stands_beside_a_finding() -> None:
    found = entries(calls(4), small())
    assert found["unwanted_occasions"] == {
        "indicator": "unwanted_occasions", "value": 4, "reference": "small", "contacts": 50, "as_extreme": 12, "at_cut": 3,
        "upper95": upper95(12, 50), "period_days": 10, "comparable": True, "caveats": [],
    }  # fmt: skip
    assert upper95(0, 11_873) == 0.00026


def test_a_value_beyond_everybody() -> None:
    e = entries(calls(5, 5), small())["unwanted_occasions"]
    assert (e["value"], e["as_extreme"], e["at_cut"], e["upper95"]) == (25, 0, 20, upper95(0, 50))


CAVEATS: dict[str, tuple[Callable[[], CaseBuilder], dict[str, Any], dict[str, list[str]]]] = {
    "a longer course": (lambda: calls(14), {}, {"unwanted_occasions": ["period"]}),
    "as long as they were observed": (lambda: calls(11), {}, {"unwanted_occasions": []}),
    "other numbers": (lambda: calls(4), {"numbers": {"occasion_window_s": 900}}, {"unwanted_occasions": ["numbers"]}),
}  # fmt: skip


@pytest.mark.parametrize("what", CAVEATS)
def test_caveats(what: str) -> None:
    make, more, wanted = CAVEATS[what]
    found = entries(make(), small(**more))
    assert {name: found[name]["caveats"] for name in wanted} == wanted
    assert all(e["comparable"] is (not e["caveats"]) for e in found.values())


def test_a_refusal_is_a_caveat_of_what_is_unwanted() -> None:
    case = calls(4)
    case.notice("K1", "2025-10-05 12:00")
    assert entries(case, small())["unwanted_occasions"]["caveats"] == ["notice"]


def test_ways_that_were_not_observed_are_a_caveat_where_they_count() -> None:
    case = calls(4)
    case.email("K1", "2025-10-06 18:00")
    found = entries(case, small())
    assert found["unwanted_occasions"]["caveats"] == ["ways"]
    assert found["course_max_28d"]["caveats"] == []  # mail is no part of it


def test_the_population_that_saw_the_most_speaks() -> None:
    messages, mail = small(id="m", channels=("messages",)), small(id="e", channels=("mail",))
    both = calls(2)
    both.message("K1", "2025-10-06 18:00")
    assert {e["reference"] for e in case_typicality(judged(both), 0, [small(), messages, mail])["K1"]} == {"small"}
    written = CaseBuilder(as_of="2025-12-31")
    written.message("K1", "2025-10-06 18:00")
    assert {e["reference"] for e in case_typicality(judged(written), 0, [small(), messages, mail])["K1"]} == {
        "small",
        "m",
    }
    seen = CaseBuilder(as_of="2025-12-31")
    seen.seen("K1", "2025-10-06 18:00")
    assert case_typicality(judged(seen), 0, [small(), messages, mail])["K1"] == []


def test_nought_and_unknown_have_no_entry() -> None:
    case = CaseBuilder(as_of="2025-12-31")
    case.call("K1", "2025-10-06 18:00", answered=True, duration=300)
    assert entries(case, small()) == {}


def test_the_words() -> None:
    e = entries(calls(14), small())["unwanted_occasions"]
    assert usual(e) == (
        "Unwanted occasions (unwanted_occasions) = 14 occasions: 5 of 50 contacts of small reach 10 occasions or more in about 10 days (at most 0.2 of such contacts, exact 95 % bound); "
        "not comparable: this course is longer than those contacts were observed"
    )  # fmt: skip


def test_what_is_not_comparable_is_folded_into_one_sentence() -> None:
    e = entries(calls(14), small())["unwanted_occasions"]
    fine = {**e, "caveats": [], "comparable": True}
    more = {**e, "caveats": ["period", "notice"]}
    assert not_comparable([fine]) == not_comparable([]) == ""
    assert (
        not_comparable([e, fine])
        == "1 number not comparable: this course is longer than those contacts were observed (1)"
    )
    assert not_comparable([more, fine, e]) == (
        "2 numbers not comparable: this course is longer than those contacts were observed (2); nobody there was refused (1)"
    )


# -- the files, and how they are made -------------------------------------------------------------------------------------

FILES = sorted((data_dir() / "base_rates").glob("*.toml"))


def test_there_are_files() -> None:
    assert len(FILES) >= 6
    assert len(base_rates.references()) == len(FILES)


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.stem)
def test_a_file_singles_nobody_out(path: Path) -> None:
    r = load_reference(path.read_bytes(), path.name)
    assert r.id == path.stem
    assert len(r.indicators) > 20
    for name, d in r.indicators.items():
        assert d.known >= make_base_rates.LEAST_CONTACTS, name
        steps = [a - b for a, b in pairwise((*d.reach, 0) if d.reach[-1] else d.reach)]
        assert min(steps) >= make_base_rates.FEWEST, (name, d.reach)


@pytest.mark.parametrize("seed", range(40))
def test_cuts_are_exact_and_single_nobody_out(seed: int) -> None:
    rng = np.random.default_rng(seed)
    unit = ("acts", "‰", "s")[seed % 3]
    size = int(rng.integers(40, 3000))
    values = np.floor(rng.pareto(1.0, size) * (1, 100, 40_000)[seed % 3]).astype(np.int64)
    if unit == "‰":
        values = np.minimum(values, 1000) - (500 if seed % 2 else 0)
    wanted = set(rng.integers(1, 30, 4).tolist())
    at, reach = make_base_rates.cuts(values, unit, wanted)
    assert len(at) <= MOST_CUTS
    assert at == sorted(set(at)) and at[0] <= 0
    assert reach == [int((values >= cut).sum()) for cut in at]
    assert reach[0] == size
    if reach[-1] == 0:
        assert at[-1] > values.max()
        reach = reach[:-1]
    assert min(a - b for a, b in pairwise([*reach, 0])) >= make_base_rates.FEWEST


def test_the_file_of_the_students_counts_what_the_data_hold() -> None:
    """Counted once more from the files of the study, without qorgan."""
    folder = dataset("cns")
    acts: Counter[tuple[int, int]] = Counter()
    ends: dict[int, list[int]] = {}
    for name, a, b in (("sms", "sender", "recipient"), ("calls", "caller", "callee")):
        for r in pq.read_table(folder / f"{name}.parquet").to_pylist():
            if r["egos_here"] in ("both", b):
                acts[r[b], r[a]] += 1
            for owner in {"both": (r[a], r[b])}.get(r["egos_here"], (r.get(r["egos_here"]),)):
                ends.setdefault(owner, []).append(r["timestamp"])
    r = next(x for x in base_rates.references() if x.id == "ordinary-students-2013")
    assert (r.contacts, r.owners) == (len(acts), len(ends))
    d = r.indicators["acts"]
    assert list(d.reach) == [sum(n >= cut for n in acts.values()) for cut in d.at]
    days = sorted(-((min(ends[owner]) - max(ends[owner])) // 86_400) for owner, _ in acts)
    assert r.period_days == days[(len(days) - 1) // 2]


@pytest.mark.parametrize("source", ["cns", "social_evolution"])
def test_the_files_are_what_the_script_makes(source: str) -> None:
    """If this fails, an indicator or a rule has changed: python -m benchmarks.make_base_rates DATASETS."""
    folder = dataset(source).parent
    s = next(x for x in real_people.SOURCES if x.id == source)
    assert make_base_rates.count(s, folder) == (data_dir() / "base_rates" / f"{s.reference}.toml").read_text("utf-8")


def test_every_counted_indicator_exists() -> None:
    assert set(make_base_rates.COUNTED) <= set(all_indicators())
    assert set(make_base_rates.COUNTS) | make_base_rates.UNWANTED <= set(make_base_rates.COUNTED)


# -- the study of real data -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("variant", real_data.VARIANTS)
def test_the_short_way_is_the_long_way(variant: str) -> None:
    """Tables made from the data set give what the same people give as export files through ingest and resolve."""
    folder = dataset("cns").parent
    lines = list(real_data.ingested(folder, 6, variant))
    assert len(lines) == 1, lines
    assert lines[0].startswith(f"{variant}: 6 people, ")
    assert lines[0].endswith("; 0 differ from the short way")


def test_owners_are_of_this_half_alone() -> None:
    folder = dataset("collegemsg").parent
    s = next(x for x in real_people.SOURCES if x.id == "collegemsg")
    rows = pq.read_table(folder / "collegemsg" / "messages.parquet").to_pylist()
    mine = {r[c] for r in rows for c in ("sender", "recipient") if r["egos_here"] in ("both", c)}
    people = s.load(folder)
    assert {int(c.case_id.rpartition("-")[2]) for c in people.cases} == mine
    assert sum(len(c.events) for c in people.cases) == sum(1 + (r["egos_here"] == "both") for r in rows)
