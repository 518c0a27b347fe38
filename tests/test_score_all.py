"""``--statute all``, bills, earlier versions of a law: what is said of the same case under several laws, and that sharing the work changes nothing."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]
import numpy as np
import pytest

from detector.score import Prepared, judge, score
from detector.statute import Profile, load_profile
from detector.verdict import VERDICTS
from pipelines import ingest, scoring, statutes
from pipelines.cli import main
from pipelines.cli.score import RANK, last_line, overview
from pipelines.errors import UserError
from pipelines.explanation import explanation
from pipelines.resources import data_dir
from pipelines.scoring import LoadedCase, midnight, ready, score_loaded, to_bytes
from pipelines.statutes import DEFAULT, bills, in_force, profile, profiles
from tests.build import CaseBuilder
from tests.shared_data import ROOT
from tests.stored import CASE, K1, Store, parse

EXAMPLES = ROOT / "data" / "examples"
PHONE = "+77010000002"


@pytest.fixture(scope="module")
def example(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The example case, ingested. Tests must not change it."""
    folder = tmp_path_factory.mktemp("all") / "case"
    folder.mkdir()
    shutil.copy(EXAMPLES / "case.toml", folder)
    ingest.ingest(folder, [EXAMPLES / "exports"])
    return folder


@pytest.fixture
def case(example: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(example, tmp_path / "case"))


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    def go(*arguments: str | Path) -> tuple[int, str, str]:
        capsys.readouterr()
        try:
            status = main([str(a) for a in arguments])
        except SystemExit as left:
            status = left.code if isinstance(left.code, int) else 2
        said = capsys.readouterr()
        assert "Traceback" not in said.out + said.err
        return status, said.out, said.err

    return go


def files_of(folder: Path) -> dict[str, bytes]:
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def days(start: str, number: int, every: int = 1) -> list[str]:
    """Return noon of some days as UTC readings."""
    first = date.fromisoformat(start)
    return [f"{first + timedelta(days=k * every)}T12:00:00" for k in range(number)]


def in_memory(times: list[str], text: str = CASE + K1) -> LoadedCase:
    """Return a case that lies nowhere: unanswered messages of K1 at these moments."""
    s = Store()
    for at in times:
        s.event(at, PHONE, zone_basis="utc", source="a")
    return LoadedCase(Path("case"), parse(text), s.resolve(text))


def k1(document: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = next(f for f in document["findings"] if f["contact_id"] == "K1")
    return found


# The shipped set ------------------------------------------------------------------------------------------------------


def test_what_ships() -> None:
    assert in_force() == sorted([
        "kz-115-1", "de-238", "uk-2a", "uk-4a", "us-2261a", "us-ca-646-9", "ca-264", "nl-285b", "no-266a", "pl-190a", "md", "in-bns-78",
    ])  # fmt: skip
    assert bills() and all(name.startswith("ru-bill-") for name in bills())
    assert set(profiles()) == {*in_force(), *bills()}
    assert profile("md").valid_from == date(2026, 2, 14)
    assert [(v.version, v.valid_to) for v in profile("in-bns-78").earlier] == [("2013-02-03", date(2024, 7, 1))]
    assert [v.version for v in profile("de-238").earlier] == ["2007-03-31", "2017-03-10"]


def test_no_number_is_called_the_statutes_own_that_is_not() -> None:
    """statutes.md: no law seen sets a number above two. A number of the statute is one, two, none at all, or six months for a serious case."""
    found = {
        (p.id, line.indicator, line.threshold)
        for p in profiles().values()
        for v in (*p.earlier, p)
        for e in v.elements
        for line in e.lines
        if line.origin == "statute" and line.comparison
    }
    assert {t for _, _, t in found} == {">= 1", ">= 2", ">= 15811200"}
    assert {(p, i) for p, i, t in found if t == ">= 2"} == {
        ("uk-2a", "unwanted_occasions"), ("uk-4a", "unwanted_occasions"), ("us-2261a", "unwanted_occasions"),
        ("us-ca-646-9", "unwanted_occasions"), ("us-ca-646-9", "attempt_occasions"),
    }  # fmt: skip


def test_every_profile_says_that_contact_was_unwanted() -> None:
    for p in profiles().values():
        for v in (*p.earlier, p):
            if p.status == "bill":
                continue
            group = {e.id: e for e in v.elements if e.need == "alternative:unwanted"}
            refused = [
                e
                for e in v.elements
                if e.need == "required" and any(x.indicator == "after_notice_occasions" for x in e.lines)
            ]
            assert bool(group) != bool(refused), (p.id, v.version)
            if group:
                assert {"after_refusal", "one_sided"} <= group.keys() <= {"after_refusal", "one_sided", "watching"}
                assert all(x.origin == "product_choice" for e in group.values() for x in e.lines if x.comparison)
    assert any(e.id == "connected" and e.need == "required" for e in profile("uk-2a").elements)


# The table ------------------------------------------------------------------------------------------------------------


def test_one_table_of_statutes_against_contacts(case: Path, run: Callable[..., tuple[int, str, str]]) -> None:
    status, out, err = run("score", case, "--statute", "all")
    assert (status, err) == (0, "")
    assert {p.name for p in (case / "results").glob("*.json")} == {
        "findings.json" if s == DEFAULT else f"findings-{s}.json" for s in in_force()
    }
    documents = {
        s: json.loads((case / "results" / scoring.results_name(s, DEFAULT)).read_bytes()) for s in in_force()
    }  # fmt: skip
    lines = out.splitlines()
    head = next(i for i, line in enumerate(lines) if line.startswith("contact"))
    assert lines[head].split() == ["contact", *in_force()]
    rows = {}
    for line in lines[head + 1 :]:
        if not line:
            break
        contact, *cells = line.split()
        rows[contact] = list(zip(cells[::2], map(int, cells[1::2]), strict=True))
    found: dict[str, list[tuple[str, int]]] = {}
    for document in documents.values():
        for f in document["findings"]:
            found.setdefault(f["contact_id"], []).append((RANK[f["verdict"]], f["points"]))
    assert rows == {c: said for c, said in found.items() if {v for v, _ in said} - {"none", "serv"}}
    assert rows and f"{len(found) - len(rows)} more contacts are none or service under every statute" in lines
    assert next(iter(rows)) == "K1"
    assert [line for line in lines if line.startswith("left out: ")] == [
        f"left out: {', '.join(bills())} (bills and no law: never scored)"
    ]
    assert lines[-1].startswith(f"under {DEFAULT}: {len(found)} contacts: ")


def test_the_words_of_the_table_are_those_of_the_verdicts() -> None:
    assert set(RANK) == set(VERDICTS)
    assert len(set(RANK.values())) == len(RANK)


def test_sharing_the_work_changes_nothing(example: Path) -> None:
    loaded = scoring.load_case(example)
    case = ready(loaded)
    for name in in_force():
        alone = to_bytes(score_loaded(loaded, profile(name)).document)
        assert to_bytes(score_loaded(loaded, profile(name), case=case).document) == alone, name


def test_what_was_prepared_of_another_case_or_moment_is_refused() -> None:
    one, other = (CaseBuilder(as_of="2025-11-01").tables() for _ in range(2))
    prepared = Prepared([one], [5])
    for tables, moment in ((other, 5), (one, 6)):
        with pytest.raises(ValueError, match="other cases or other moments"):
            judge([tables], profile(DEFAULT), [moment], valid_from=0, prepared=prepared)


def test_a_statute_that_commences_inside_the_case_shares_only_the_course() -> None:
    case = CaseBuilder(as_of="2025-11-01")
    for day in (10, 14, 18, 22):
        case.message("K1", f"2025-09-{day} 12:00")
    tables = case.tables()
    prepared = Prepared([tables], [case.as_of])
    for day, wanted in ((1, 4), (16, 2), (1, 4), (11, 3), (30, 0)):
        begin = case.utc(f"2025-09-{day:02d}")
        j = judge([tables], profile(DEFAULT), [case.as_of], valid_from=begin, prepared=prepared)
        assert int(j.measured["acts"].value[0]) == wanted
        assert j.state.valid_from == begin and j.state.course is prepared.course(profile(DEFAULT).numbers())


# Bills ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", [["score"], ["explain", "K1"], ["show", "K1"], ["report"]])
def test_a_bill_is_never_scored(command: list[str], case: Path, run: Callable[..., tuple[int, str, str]]) -> None:
    before = files_of(case)
    for name in bills():
        status, out, err = run(command[0], case, *command[1:], "--statute", name)
        assert status == 2 and not out
        assert re.fullmatch(rf"qorgan {command[0]}: {re.escape(name)} is a bill and no law: .* never scored\n", err), (
            err
        )
    assert files_of(case) == before


def test_a_bill_is_never_scored_by_the_detector_either() -> None:
    case = CaseBuilder(as_of="2025-11-01")
    case.message("K1", "2025-10-06 12:00")
    with pytest.raises(ValueError, match="is a bill and no law"):
        score([case.tables()], profile(bills()[0]), [case.as_of], valid_from=0)
    with pytest.raises(UserError, match="is a bill and no law"):
        score_loaded(in_memory(days("2025-10-06", 1)), profile(bills()[0]))


# The law of their day -------------------------------------------------------------------------------------------------

OLD = '[[notice]]\ncontact = "K1"\nat = 2016-01-05T12:00:00\nkind = "told_to_stop"\nbasis = "letter"\n'


def test_acts_are_judged_by_the_law_of_their_day() -> None:
    """Twelve messages in 2016 after a refusal, two in 2018, twelve in 2022: three versions of section 238."""
    times = [*days("2016-02-01", 12, 3), *days("2018-02-01", 2), *days("2022-02-01", 12, 3)]
    loaded = in_memory(times, CASE + K1 + OLD)
    p = profile("de-238")
    found = score_loaded(loaded, p).document
    f = k1(found)
    assert (f["indicators"]["acts"]["value"], f["before_law"]["acts"], f["verdict"]) == (12, 14, "systematic")
    old, middle = f["earlier_versions"]
    assert (old["version"], old["valid_from"], old["valid_to"]) == ("2007-03-31", "2007-03-31", "2017-03-10")
    assert (middle["version"], middle["valid_to"]) == ("2017-03-10", "2021-10-01")
    assert (old["verdict"], middle["verdict"]) == ("systematic", "systematic")
    assert {e["id"]: e["status"] for e in old["elements"]} | {
        "persistent": "met",
        "expressed_will": "met",
        "impaired": "not_measurable",
    } == {e["id"]: e["status"] for e in old["elements"]}
    assert "repeated" not in {e["id"] for e in old["elements"]} and "impaired" not in {
        e["id"] for e in middle["elements"]
    }
    for said, version in zip(f["earlier_versions"], p.earlier, strict=True):
        assert version.valid_to is not None
        tables, zone = loaded.resolved.tables, version.timezone
        end = midnight(version.valid_to, zone)
        alone = score([tables], version, [end], valid_from=midnight(version.valid_from, zone))
        assert said["verdict"] == VERDICTS[int(alone.verdicts.verdict[0])]
        assert said["points"] == sum(int(x[0]) for x in alone.elements.points.values())
        assert int(alone.measured["acts"].value[0]) == (12 if version.version == "2007-03-31" else 2)
    _fits(found)


def test_explain_says_what_earlier_versions_say() -> None:
    document = score_loaded(in_memory(days("2016-02-01", 6, 3), CASE + K1 + OLD), profile("de-238")).document
    (said,) = [
        line for line in explanation(document, k1(document), "Asia/Almaty").splitlines() if "law of their day" in line
    ]
    assert said.startswith(
        "acts from 2007-03-31 until 2017-03-10 by the law of their day (version 2007-03-31): systematic, "
    )
    assert said.endswith("met: contact, persistent, expressed_will")


def test_an_earlier_version_ends_with_the_scoring_date() -> None:
    loaded = in_memory([*days("2016-02-01", 6, 3)], CASE + K1 + OLD)
    p = profile("de-238")
    for day, acts in (("2016-02-01", 0), ("2016-02-02", 1), ("2016-02-05", 2), ("2030-01-01", 6)):
        f = k1(score_loaded(loaded, p, date.fromisoformat(day)).document)
        # in 2030 the law of 2021 has been in force for years that no source covers
        assert f["verdict"] == ("insufficient" if day == "2030-01-01" else "none") and f["before_law"]["acts"] == acts
        assert [v["version"] for v in f["earlier_versions"]] == (["2007-03-31"] if acts else [])
        if acts:
            assert f["earlier_versions"][0]["verdict"] == ("systematic" if acts > 1 else "isolated")


def test_a_day_belongs_to_the_version_that_begins_with_it() -> None:
    """Midnight in Berlin, 2021-10-01: two seconds before it is the law of 2017, midnight itself that of 2021."""
    loaded = in_memory(["2021-09-30T21:59:58", "2021-09-30T22:00:00"])
    f = k1(score_loaded(loaded, profile("de-238")).document)
    assert (f["indicators"]["acts"]["value"], f["before_law"]["acts"]) == (1, 1)
    assert [v["version"] for v in f["earlier_versions"]] == ["2017-03-10"]


def test_a_law_without_earlier_versions_has_none() -> None:
    found = score_loaded(in_memory(days("2025-08-01", 80)), profile(DEFAULT)).document
    assert k1(found)["earlier_versions"] == [] and found["statute"]["earlier"] == []
    _fits(found)


def test_a_case_before_commencement_comes_out_sensibly() -> None:
    """Moldova's law is in force since 2026-02-14: before it there is background and no law."""
    loaded = in_memory(days("2025-10-01", 60))
    for day in (None, date(2026, 2, 14), date(2027, 1, 1)):
        f = k1(score_loaded(loaded, profile("md"), day).document)
        assert f["verdict"] in ("none", "insufficient") and (f["verdict"] == "none") == (day != date(2027, 1, 1))
        assert f["before_law"]["acts"] == 60 and f["first_met"] is None
        assert f["indicators"]["acts"]["value"] == 0
        said = (
            "since the statute is in force"
            if day == date(2027, 1, 1)
            else "not yet in force as of the scoring date: it begins on 2026-02-14"
        )
        assert said in f["reason"] or f["verdict"] == "insufficient"
        assert all(e["status"] != "met" for e in f["elements"])


GOOD = (data_dir() / "statutes" / "kz-115-1.toml").read_text(encoding="utf-8")


def _repealed() -> Profile:
    text = GOOD.replace('status = "in_force"', 'status = "repealed"')
    return load_profile(
        text.replace("valid_from = 2025-09-16", "valid_from = 2025-09-16\nvalid_to = 2025-10-11").encode(), "x.toml"
    )


def test_a_repealed_statute_is_scored_as_of_its_end() -> None:
    loaded = in_memory(days("2025-10-01", 60))
    found = score_loaded(loaded, _repealed()).document
    assert found["as_of"] == "2025-10-11T00:00:00+05:00"
    assert k1(found)["indicators"]["acts"]["value"] == 10
    assert score_loaded(loaded, _repealed(), date(2025, 10, 5)).document["as_of"] == "2025-10-05T00:00:00+05:00"
    assert found["statute"]["status"] == "repealed" and found["statute"]["valid_to"] == "2025-10-11"


def _fits(document: dict[str, Any]) -> None:
    """Hold what belongs to statutes and versions against the schema."""
    whole = json.loads((data_dir() / "schema" / "findings.schema.json").read_text(encoding="utf-8"))
    document = json.loads(to_bytes(document))
    parts = {**whole["properties"]["statute"], "$defs": whole["$defs"]}
    jsonschema.Draft202012Validator(parts).validate(document["statute"])
    versions = {**whole["$defs"]["finding"]["properties"]["earlier_versions"], "$defs": whole["$defs"]}
    for f in document["findings"]:
        jsonschema.Draft202012Validator(versions).validate(f["earlier_versions"])


# What is met without a refusal ----------------------------------------------------------------------------------------


def verdicts(case: CaseBuilder, *names: str) -> dict[str, str]:
    tables = case.tables()
    out = {}
    for name in names or in_force():
        p = profile(name)
        j = judge([tables], p, [case.as_of], valid_from=midnight(p.valid_from, p.timezone))
        out[name] = VERDICTS[int(j.verdicts.verdict[0])]
    return out


def story(occasions: int, every_days: int, answers: int = 0) -> CaseBuilder:
    """Make a case with unanswered messages, and before them some that the owner answered within the hour."""
    case = CaseBuilder(as_of="2026-06-01")
    case.contact("K1", "former_partner")
    first = date(2025, 11, 1)
    for k in range(answers):
        day = first - timedelta(days=answers - k)
        case.message("K1", f"{day} 10:00")
        case.message("K1", f"{day} 10:30", out=True)
    for k in range(occasions):
        case.message("K1", f"{first + timedelta(days=k * every_days)} 12:00")
    return case


def test_a_one_sided_course_needs_ten_occasions_past_two_weeks() -> None:
    asks = {"in-bns-78", "kz-115-1", "md"}  # the first two ask for a refusal; the third is not yet in force
    for occasions, every, met in ((10, 2, True), (9, 2, False), (10, 1, False), (15, 1, False), (16, 1, True)):
        found = verdicts(story(occasions, every))
        for name in in_force():
            assert (found[name] == "systematic") == (met and name not in asks), (name, occasions, every)


def test_a_tenth_of_own_moves_ends_one_sidedness() -> None:
    # own moves to occasions: 1 of 11 is 91 ‰, 2 of 12 is 167 ‰
    assert verdicts(story(10, 2, answers=1), "uk-2a")["uk-2a"] == "systematic"
    assert verdicts(story(10, 2, answers=2), "uk-2a")["uk-2a"] == "emerging"


def test_two_occasions_after_a_refusal_are_enough_in_england_unless_they_are_thin() -> None:
    for gap, wanted in ((3, "systematic"), (60, "systematic"), (61, "isolated")):
        case = CaseBuilder(as_of="2026-06-01")
        case.notice("K1", "2025-10-01 12:00")
        case.message("K1", "2025-11-01 12:00")
        case.message("K1", f"{date(2025, 11, 1) + timedelta(days=gap)} 12:00")
        found = verdicts(case, "uk-2a", "ca-264", "kz-115-1")
        assert (found["uk-2a"], found["ca-264"], found["kz-115-1"]) == (wanted, "systematic", "isolated"), gap


def test_besetting_needs_no_repetition_and_yet_a_single_sighting_is_never_enough() -> None:
    case = CaseBuilder(as_of="2026-06-01")
    case.place("home")
    case.notice("K1", "2025-10-01 12:00")
    case.waited("K1", "2025-11-01 12:00", place="home")
    p = profile("ca-264")
    tables = case.tables()
    j = judge([tables], p, [case.as_of], valid_from=midnight(p.valid_from, p.timezone))
    status = {e: int(x[0]) for e, x in j.elements.status.items()}
    assert (status["besetting"], status["following"], status["after_refusal"], status["watching"]) == (2, 0, 0, 0)
    assert VERDICTS[int(j.verdicts.verdict[0])] == "isolated"
    case.message(
        "K1", "2025-11-02 12:00"
    )  # with one more occasion after the refusal the one time of waiting carries the conduct
    j = judge([case.tables()], p, [case.as_of], valid_from=midnight(p.valid_from, p.timezone))
    assert VERDICTS[int(j.verdicts.verdict[0])] == "systematic"


def test_waiting_counts_where_the_law_names_watching() -> None:
    case = CaseBuilder(as_of="2026-06-01")
    case.place("home")
    for day in (1, 5, 9):
        case.waited("K1", f"2026-03-0{day} 12:00", place="home")
    found = verdicts(case)
    assert {n for n, v in found.items() if v == "systematic"} == {"uk-2a", "uk-4a", "ca-264", "no-266a", "md"}
    assert {v for n, v in found.items() if v != "systematic"} == {"emerging"}


def test_the_reason_names_what_was_unwanted() -> None:
    p = profile("uk-2a")
    case = story(12, 2)
    tables = case.tables()
    from detector.findings import case_findings

    f = case_findings(score([tables], p, [case.as_of], valid_from=midnight(p.valid_from, p.timezone)), 0)[0]
    assert f["verdict"] == "systematic" and "None" not in f["reason"]
    assert "unwanted by other signs than a refusal: 12 unanswered occasions" in f["reason"]
    refused = next(e for e in f["elements"] if e["id"] == "after_refusal")
    assert (refused["status"], refused["unknown_because"]) == ("unknown", "no dated refusal on file")


# The printed profile --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", sorted(profiles()))
def test_a_profile_is_printed_whole(name: str, run: Callable[..., tuple[int, str, str]]) -> None:
    status, out, _ = run("statutes", name)
    assert status == 0
    assert all(len(line) <= 100 or " " not in line.strip() for line in out.splitlines())
    flat = " ".join(out.split())
    p = profile(name)
    for v in (*p.earlier, p):
        assert f"{v.version}:" in flat and " ".join(v.edition.changed.split()) in flat
        for text in v.text.values():
            assert " ".join(text.split()) in flat
        for e in v.elements:
            assert f"{e.id}: {' '.join(e.title.split())}" in flat
            if e.needs:
                assert f"what would fill it: {e.needs}" in flat
            for line in e.lines:
                assert re.search(rf"\b{line.indicator}( {line.comparison} [^:]*)?: ", flat), line.indicator
    for line in p.against:
        assert f"{line.indicator}: " in flat
    for text in (*p.sources, *p.notes):
        assert " ".join(text.split()) in flat
    assert ("a bill, not in force" in flat) == (p.status == "bill")
    assert not re.search(r"\[[SKGP]: ", flat.partition("sources ---")[0].replace("[P]: ", "")), (
        "a mark is not spelled out"
    )


def test_the_list_says_which_are_bills(run: Callable[..., tuple[int, str, str]]) -> None:
    _, out, _ = run("statutes")
    rows = {line.split()[0]: line for line in out.splitlines()[1:]}
    assert set(rows) == set(profiles())
    assert {n for n, line in rows.items() if "a bill, not in force" in line} == set(bills())


def test_earlier_is_quick_where_there_is_nothing_earlier(monkeypatch: pytest.MonkeyPatch) -> None:
    """No version is scored in whose time the case has no row."""
    seen: list[str] = []
    real = scoring.judge

    def watch(cases: Any, p: Profile, *given: Any, **more: Any) -> Any:
        seen.append(p.version)
        return real(cases, p, *given, **more)

    monkeypatch.setattr(scoring, "judge", watch)
    score_loaded(in_memory(days("2025-10-01", 3)), profile("de-238"))
    assert seen == []
    score_loaded(in_memory(days("2018-10-01", 3)), profile("de-238"))
    assert seen == ["2017-03-10"]


def test_numbers_stay_whole(example: Path) -> None:
    loaded = scoring.load_case(example)
    scored = score_loaded(loaded, profile("uk-4a")).scored
    assert all(x.dtype == np.int64 for x in scored.elements.points.values())
    assert statutes.profile("uk-4a").points_max == sum(x.best for e in profile("uk-4a").elements for x in e.lines)


def test_the_table_of_all_statutes_fits_on_a_terminal(case: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Further statutes follow in a table of their own, with the contacts again; where the output is no terminal all stand in one."""
    loaded = scoring.load_case(case)
    ready_case = ready(loaded, None)
    documents = [score_loaded(loaded, profile(s), None, case=ready_case).document for s in in_force()]
    whole = overview(documents)
    assert "\nno act lies in the time of md (from 2026-02-14), so no verdict there says anything\n" in whole
    heads = [line for line in whole.splitlines() if line.startswith("contact ")]
    assert len(heads) == 1 and heads[0].split()[1:] == in_force()
    for columns in (60, 80, 120):
        monkeypatch.setenv("COLUMNS", str(columns))
        monkeypatch.setattr("sys.stdout.isatty", lambda: True)
        lines = overview(documents).splitlines()
        heads = [line for line in lines if line.startswith("contact ")]
        assert len(heads) > 1 and [s for h in heads for s in h.split()[1:]] == in_force()
        assert max(len(line) for line in lines if re.match("contact |K1 ", line)) <= columns
        cells = [c for line in lines if line.startswith("K1 ") for c in re.split("  +", line)[1:]]
        assert cells == re.split("  +", next(x for x in whole.splitlines() if x.startswith("K1 ")))[1:]


def test_one_is_not_said_in_the_plural(case: Path) -> None:
    loaded = scoring.load_case(case)
    document = score_loaded(loaded, profile(DEFAULT)).document
    for f in document["findings"]:
        text = explanation(document, f, "Asia/Almaty")
        wrong = re.findall(r"(?<![\d.:#-])1 (?:[a-z]+s|outgoing events)\b|[+-]1 points", text)
        assert not [w for w in wrong if w not in ("1 is", "1 was", "1 changes", "1 hypothesis")], (
            f["contact_id"],
            wrong,
        )
        assert (
            "yes or no" not in text
            and "product_choice" not in text
            and "[P]: [P]" not in text
            and "[P: [P]" not in text
        )
    one = {
        **document,
        "findings": document["findings"][:1],
        "coverage": document["coverage"][:1],
        "unidentified": {"acts": 1},
    }
    assert re.match(
        r"1 contact: 1 \w+; 1 act of unidentified callers and persons belongs to nobody; \d+ records read from 1 source,",
        last_line(one),
    )
