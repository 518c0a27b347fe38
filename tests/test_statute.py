"""The strict loader of statute profiles: what ships loads; every fault is named with file, line and key, all of them at once."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from detector.indicators import all_indicators
from detector.parameters import PARAMETERS
from detector.statute import Profile, ProfileError, line_of, load_profile
from pipelines import statutes
from pipelines.resources import data_dir

SHIPPED = sorted((data_dir() / "statutes").glob("*.toml"))
NAME = "xx-1.toml"
#: a whole profile of an invented law; the tests break one line of it each
GOOD = """\
[statute]
id = "xx-1"
country = "XX"
status = "in_force"
provision = "Invented Code, article 1"
timezone = "Asia/Almaty"
sources = ["an invented gazette"]
notes = ["not legal advice"]

[statute.title]
en = "Invented law"
ru = "Выдуманный закон"
kk = "Ойдан шығарылған заң"

[statute.text]
en = "whoever pursues somebody"
mark = "S"
source = "the gazette"

[[version]]
id = "2025"
valid_from = 2025-01-01
changed = "invented"
mark = "K"
source = "the almanac"

[parameters.occasion_window_s]
value = 21600
origin = "case_law"
source = "an invented judgment"

[parameters.overtaken_share]
value = [1, 4]
origin = "product_choice"
source = "[P]"

[[element]]
id = "conduct"
need = "required"
title = "Conduct"
mark = "S"
source = "the article"
short = "too few"

  [[element.indicator]]
  id = "acts"
  threshold = ">= 2"
  origin = "statute"
  source = "the article"
  levels = [[2, 1], [5, 4]]

  [[element.indicator]]
  id = "active_days"
  origin = "research"
  source = "a study"
  levels = [[2, 0], [4, 3]]

[[element]]
id = "harm"
need = "not_measurable"
title = "Harm"
mark = "K"
source = "the article"
needs = "a statement"

[[against]]
id = "replies"
origin = "product_choice"
source = "[P]"
levels = [[1, -1], [5, -2]]
"""


def load(text: str) -> Profile:
    return load_profile(text.encode(), NAME)


def faults(text: str) -> list[str]:
    with pytest.raises(ProfileError) as caught:
        load(text)
    assert str(caught.value) == "; ".join(caught.value.faults)
    return caught.value.faults


# What ships -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", SHIPPED, ids=lambda p: p.name)
def test_every_shipped_profile_loads(path: Path) -> None:
    profile = load_profile(path.read_bytes(), path.name)
    assert path.stem == profile.id
    assert profile.sources and profile.notes
    assert statutes.profile(profile.id) == profile
    for line in (line for e in profile.elements for line in e.lines):
        assert line.source and line.origin


def test_the_profile_of_kazakhstan_is_what_the_contract_says() -> None:
    p = statutes.profile("kz-115-1")
    assert (p.valid_from, p.valid_to, p.timezone, p.status) == (date(2025, 9, 16), None, "Asia/Almaty", "in_force")
    assert {e.id: e.need for e in p.elements if e.need != "informative"} == {
        "contact_attempts": "alternative:conduct", "tracking": "alternative:conduct", "systematic": "required",
        "against_will": "required", "unlawful": "not_measurable", "no_violence": "not_measurable",
        "substantial_harm": "not_measurable", "intent": "not_measurable", "who": "not_measurable",
    }  # fmt: skip
    thresholds = {line.indicator: line.threshold for e in p.elements if e.decides for line in e.lines if line.threshold}
    assert thresholds.keys() == p.deciding
    assert thresholds == {
        "attempt_occasions": ">= 1", "tracking_occasions": ">= 1", "unwanted_occasions": ">= 3", "unwanted_days": ">= 3",
        "unwanted_span_s": ">= 604800", "after_notice_occasions": ">= 2",
    }  # fmt: skip
    assert p.numbers()["occasion_window_s"] == 3600
    assert {line.indicator for line in p.against} >= {"replies", "initiatives", "conversations", "habitual_acts"}


@pytest.mark.parametrize("path", SHIPPED, ids=lambda p: p.name)
def test_points_max_is_the_sum_of_the_highest_levels(path: Path) -> None:
    p = load_profile(path.read_bytes(), path.name)
    # read again from the text, without the loader's own numbers
    lists = re.findall(r"^\s*levels = (\[\[.*\]\])$", path.read_text(encoding="utf-8"), re.MULTILINE)
    whole = [*p.earlier, p]
    elements, against = {id(e): e for v in whole for e in v.elements}, {id(x): x for v in whole for x in v.against}
    assert len(lists) == sum(bool(line.levels) for e in elements.values() for line in e.lines) + sum(
        bool(line.levels) for line in against.values()
    )
    if not p.earlier:
        tops = [max(int(n) for n in re.findall(r",\s*(-?\d+)\]", text)) for text in lists]
        assert p.points_max == sum(t for t in tops if t > 0)
    for version in whole:
        most = [max(n for _, n in line.levels) for e in version.elements for line in e.lines if line.levels]
        assert version.points_max == sum(most) > 0


def test_a_whole_profile_is_read_to_the_letter() -> None:
    p = load(GOOD)
    assert (p.id, p.country, p.status, p.valid_from) == ("xx-1", "XX", "in_force", date(2025, 1, 1))
    assert (p.version, p.valid_to, p.earlier) == ("2025", None, ())
    assert (p.edition.changed, p.edition.mark, p.edition.source) == ("invented", "K", "the almanac")
    assert p.text == {"en": "whoever pursues somebody"}
    assert (p.text_mark, p.text_source) == ("S", "the gazette")
    conduct, harm = p.elements
    assert [(x.indicator, x.comparison, x.number, x.threshold) for x in conduct.lines] == [
        ("acts", ">=", 2, ">= 2"), ("active_days", "", 0, ""),
    ]  # fmt: skip
    assert (harm.need, harm.needs, harm.lines) == ("not_measurable", "a statement", ())
    assert p.points_max == 4 + 3
    assert p.against[0].levels == ((1, -1), (5, -2))


def test_a_profile_overrides_only_the_numbers_that_it_names() -> None:
    p = load(GOOD)
    assert {k for k, v in p.parameters.items() if v != PARAMETERS[k]} == {"occasion_window_s", "overtaken_share"}
    assert p.parameters["occasion_window_s"].origin == "case_law"
    assert p.numbers() == {
        **{k: v.value for k, v in PARAMETERS.items()},
        "occasion_window_s": 21600,
        "overtaken_share": (1, 4),
    }


# Faults: one broken line each, named with file, line and key ----------------------------------------------------------

#: what stands there → what is put there, the key that is named, words of the sentence
ONE = {
    "unknown key of the statute": ('country = "XX"', 'country = "XX"\ncolour = "red"', "statute.colour", "unknown key; the known ones are id"),
    "a status that is none": ('status = "in_force"', 'status = "perhaps"', "statute.status", "'perhaps' is not one of in_force, bill, repealed"),
    "a date that is none": ("valid_from = 2025-01-01", 'valid_from = "2025-01-01"', "version.0.valid_from", "must be a date"),
    "a text that is a number": ('provision = "Invented Code, article 1"', "provision = 1", "statute.provision", "must be a text"),
    "sources that are no list": ('sources = ["an invented gazette"]', 'sources = "gazette"', "statute.sources", "must be a list of texts"),
    "a moment for a date": ("valid_from = 2025-01-01", "valid_from = 2025-01-01T00:00:00", "version.0.valid_from", "must be a date"),
    "a wording that is no text": ('en = "whoever pursues somebody"', "en = [1]", "statute.text.en", "must be a text"),
    "levels that are a number": ("levels = [[2, 1], [5, 4]]", "levels = 3", "element.0.indicator.0.levels", "must be a list of pairs"),
    "a mark that is none": ('mark = "S"\nsource = "the gazette"', 'mark = "Z"\nsource = "the gazette"', "statute.text.mark", "'Z' is not one of"),
    "an unknown number": ("[parameters.occasion_window_s]", "[parameters.ocasion_window_s]", "parameters.ocasion_window_s", "unknown key"),
    "a number that is a share": ("value = 21600", "value = [1, 2]", "parameters.occasion_window_s.value", "must be a whole number"),
    "a number with a fraction": ("value = 21600", "value = 1.5", "parameters.occasion_window_s.value", "must be a whole number"),
    "a truth for a number": ("value = 21600", "value = true", "parameters.occasion_window_s.value", "must be a whole number"),
    "a negative number": ("value = 21600", "value = -1", "parameters.occasion_window_s.value", "must be a whole number"),
    "a share that is a number": ("value = [1, 4]", "value = 4", "parameters.overtaken_share.value", "must be a pair"),
    "a share of nought": ("value = [1, 4]", "value = [0, 4]", "parameters.overtaken_share.value", "must be a pair"),
    "an origin that is none": ('origin = "case_law"', 'origin = "rumour"', "parameters.occasion_window_s.origin", "'rumour' is not one of"),
    "a need that is none": ('need = "required"', 'need = "alternative:"', "element.0.need", "is not one of"),
    "an element key": ('short = "too few"', 'shorts = "too few"', "element.0.shorts", "unknown key"),
    "an indicator that is none": ('id = "acts"', 'id = "actz"', "element.0.indicator.0.id", "no indicator 'actz'; the known ones are"),
    "a threshold that is none": ('threshold = ">= 2"', 'threshold = "two or more"', "element.0.indicator.0.threshold", "is no comparison"),
    "a threshold with a fraction": ('threshold = ">= 2"', 'threshold = ">= 2.5"', "element.0.indicator.0.threshold", "is no comparison"),
    "levels that fall": ("levels = [[2, 1], [5, 4]]", "levels = [[5, 1], [2, 4]]", "element.0.indicator.0.levels", "levels must rise"),
    "points that fall with more acts": ("levels = [[2, 1], [5, 4]]", "levels = [[2, 4], [5, 1]]", "element.0.indicator.0.levels", "points must rise"),
    "negative points for": ("levels = [[2, 1], [5, 4]]", "levels = [[2, -1]]", "element.0.indicator.0.levels", "points must rise above 0"),
    "a level of one number": ("levels = [[2, 1], [5, 4]]", "levels = [[2]]", "element.0.indicator.0.levels", "pair of whole numbers"),
    "a level with a fraction": ("levels = [[2, 1], [5, 4]]", "levels = [[2, 1.5]]", "element.0.indicator.0.levels", "pair of whole numbers"),
    "the second indicator": ('origin = "research"', 'origin = "search"', "element.0.indicator.1.origin", "'search' is not one of"),
    "the second element": ('need = "not_measurable"', 'need = "unmeasurable"', "element.1.need", "is not one of"),
    "points that speak for, against": ("levels = [[1, -1], [5, -2]]", "levels = [[1, 1]]", "against.0.levels", "points must fall below 0"),
    "points against that rise": ("levels = [[1, -1], [5, -2]]", "levels = [[1, -2], [5, -1]]", "against.0.levels", "points must fall below 0"),
    "a threshold against": ("levels = [[1, -1], [5, -2]]", 'levels = [[1, -1]]\nthreshold = ">= 1"', "against.0.threshold", "no threshold"),
    "an unknown key of a version": ('changed = "invented"', 'changed = "invented"\ncolour = "red"', "version.0.colour", "unknown key; the known ones are id"),
    "a mark of a version that is none": ('mark = "K"\nsource = "the almanac"', 'mark = "Z"\nsource = "the almanac"', "version.0.mark", "'Z' is not one of"),
    "an end that is no date": ("valid_from = 2025-01-01", "valid_from = 2025-01-01\nvalid_to = 2026", "version.0.valid_to", "must be a date"),
    "an end before the beginning": ("valid_from = 2025-01-01", "valid_from = 2025-01-01\nvalid_to = 2025-01-01", "version.0.valid_to", "would end before it begins"),
    "an element of a version that is none": ('short = "too few"', 'short = "too few"\nversions = ["2026"]', "element.0.versions", "no version '2026'; the known ones are 2025"),
    "an element of no version": ('short = "too few"', 'short = "too few"\nversions = []', "element.0.versions", "names no version"),
    "an element with versions that are no texts": ('needs = "a statement"', 'needs = "a statement"\nversions = [2025]', "element.1.versions", "must be a list of texts"),
    "a number of a version that is none": ("value = 21600", 'value = 21600\nversions = ["x"]', "parameters.occasion_window_s.versions", "no version 'x'"),
    "counter-evidence of a version that is none": ("levels = [[1, -1], [5, -2]]", 'levels = [[1, -1]]\nversions = ["x"]', "against.0.versions", "no version 'x'"),
    "a version of one indicator": ("levels = [[2, 1], [5, 4]]", 'levels = [[2, 1]]\nversions = ["2025"]', "element.0.indicator.0.versions", "unknown key"),
    "the date in the old place": ('country = "XX"', 'country = "XX"\nvalid_from = 2025-01-01', "statute.valid_from", "unknown key"),
    "two elements of one id": ('id = "harm"', 'id = "conduct"', "element.1.id", "stands there twice"),
}  # fmt: skip


#: what follows from another fault: an element whose threshold cannot be read has none, one of no version is missing, a law in force has no end
FOLLOW = (
    "a measurable element needs at least one threshold",
    "no [[element]]",
    "if, and only if, the statute is repealed",
)


@pytest.mark.parametrize("what", ONE)
def test_one_fault_is_named_with_file_line_and_key(what: str) -> None:
    was, now, key, words = ONE[what]
    assert GOOD.count(was) == 1
    text = GOOD.replace(was, now)
    found = [f for f in faults(text) if not f.endswith(FOLLOW)]
    assert len(found) == 1, found
    place = re.fullmatch(r"xx-1\.toml, line (\d+), ([^ :]+): (.+)", found[0])
    assert place, found[0]
    assert place[2] == key
    assert words in place[3]
    inside = next(i for i, line in enumerate(now.split("\n")) if key.rpartition(".")[2] in line)
    assert int(place[1]) == GOOD[: GOOD.index(was)].count("\n") + 1 + inside, found[0]


#: a line that is taken out → the key that is named, words of the sentence
MISSING = {
    'id = "xx-1"': ("statute", "id is missing"),
    'timezone = "Asia/Almaty"': ("statute", "timezone is missing"),
    'kk = "Ойдан шығарылған заң"': ("statute.title", "kk is missing"),
    'source = "the gazette"': ("statute.text", "source is missing"),
    'title = "Conduct"': ("element.0", "title is missing"),
    'needs = "a statement"': ("element.1", "needs is missing"),
    'source = "a study"': ("element.0.indicator.1", "source is missing"),
    'threshold = ">= 2"': ("element.0.indicator", "a measurable element needs at least one threshold"),
    'source = "an invented judgment"': ("parameters.occasion_window_s", "source is missing"),
    "valid_from = 2025-01-01": ("version.0.valid_from", "must be a date"),
    'changed = "invented"': ("version.0", "changed is missing"),
    'source = "the almanac"': ("version.0", "source is missing"),
}


@pytest.mark.parametrize("gone", MISSING)
def test_what_is_missing_is_named_with_its_table(gone: str) -> None:
    key, words = MISSING[gone]
    assert GOOD.count(gone) == 1
    found = faults(GOOD.replace(gone, ""))
    assert len(found) == 1, found
    assert re.fullmatch(rf"xx-1\.toml, line \d+, {re.escape(key)}: .*{re.escape(words)}.*", found[0]), found[0]


def test_indicators_of_a_not_measurable_element_are_refused() -> None:
    text = GOOD.replace(
        'needs = "a statement"',
        'needs = "a statement"\n[[element.indicator]]\nid = "occasions"\nthreshold = ">= 1"\norigin = "statute"\nsource = "x"',
    )
    assert [f for f in faults(text) if "element.1.indicator" in f and "rests on no indicator" in f]


def test_points_twice_are_refused() -> None:
    text = GOOD.replace('id = "active_days"', 'id = "acts"')
    assert faults(text) == ["xx-1.toml: indicator 'acts' has points twice, so the points could not be added up"]


def test_a_profile_without_elements_is_refused() -> None:
    text = GOOD[: GOOD.index("[[element]]")] + GOOD[GOOD.index("[[against]]") :]
    assert faults(text) == ["xx-1.toml: no [[element]]"]


@pytest.mark.parametrize(
    "raw", [b"", b"\xff\xfe", b"[statute", b"[statute]\nid = 1\nid = 2\n", b'a = "\x00"', b"a = " + b"[" * 100_000]
)
def test_what_is_no_profile_is_refused_in_one_error(raw: bytes) -> None:
    with pytest.raises(ProfileError) as caught:
        load_profile(raw, NAME)
    assert all(f.startswith(NAME) for f in caught.value.faults)


#: a second version of the invented law; the first ends with it
LATER = GOOD.replace(
    "[parameters.occasion_window_s]",
    """[[version]]
id = "2026"
valid_from = 2026-03-01
changed = "invented again"
mark = "S"
source = "the gazette"

[parameters.occasion_window_s]""",
)


#: a third version, with a wording and a provision of its own
THIRD = """[[version]]
id = "2027"
valid_from = 2027-01-01
changed = "and again"
mark = "S"
source = "the gazette"
provision = "Invented Code, article 2"

  [version.text]
  en = "whoever pursues"
  mark = "K"
  source = "hearsay"

"""
#: an element, and counter-evidence, of the second version alone
SECOND_ALONE = """[[element]]
id = "conduct"
need = "required"
title = "More conduct"
mark = "S"
source = "the article"
versions = ["2026"]

  [[element.indicator]]
  id = "acts"
  threshold = ">= 3"
  origin = "statute"
  source = "the article"
  levels = [[3, 2]]

[[against]]
id = "initiatives"
origin = "product_choice"
source = "[P]"
levels = [[1, -2]]
versions = ["2026"]

"""


def test_versions_are_whole_profiles() -> None:
    text = LATER.replace("[parameters.occasion_window_s]", THIRD + "[parameters.occasion_window_s]")
    text = text.replace('short = "too few"', 'short = "too few"\nversions = ["2025"]')
    text = text.replace("value = 21600", 'value = 21600\nversions = ["2026"]')
    p = load(text.replace("[[against]]", SECOND_ALONE + "[[against]]"))
    assert (p.version, [v.version for v in p.earlier]) == ("2027", ["2025", "2026"])
    versions = [*p.earlier, p]
    assert [(v.valid_from, v.valid_to) for v in versions] == [
        (date(2025, 1, 1), date(2026, 3, 1)), (date(2026, 3, 1), date(2027, 1, 1)), (date(2027, 1, 1), None),
    ]  # fmt: skip
    assert all(v.earlier == () for v in p.earlier)
    assert [[e.title for e in v.elements] for v in versions] == [
        ["Conduct", "Harm"],
        ["Harm", "More conduct"],
        ["Harm"],
    ]
    assert [[x.indicator for x in v.against] for v in versions] == [
        ["replies"],
        ["initiatives", "replies"],
        ["replies"],
    ]
    assert [v.numbers()["occasion_window_s"] for v in versions] == [3600, 21600, 3600]
    assert [v.points_max for v in versions] == [7, 2, 0]
    assert [v.provision for v in versions] == [
        "Invented Code, article 1",
        "Invented Code, article 1",
        "Invented Code, article 2",
    ]
    assert [(v.text, v.text_mark) for v in versions] == [
        ({"en": "whoever pursues somebody"}, "S"), ({"en": "whoever pursues somebody"}, "S"), ({"en": "whoever pursues"}, "K"),
    ]  # fmt: skip


#: what is put in place of the second version's date, or of what stands there → the key that is named, words of the sentence
VERSIONS = {
    "overlap": ("valid_from = 2025-01-01", "valid_from = 2025-01-01\nvalid_to = 2026-03-02", "version.0.valid_to", "they overlap"),
    "gap": ("valid_from = 2025-01-01", "valid_from = 2025-01-01\nvalid_to = 2026-01-01", "version.0.valid_to", "no version is the law from 2026-01-01 to 2026-03-01"),
    "order": ("valid_from = 2026-03-01", "valid_from = 2025-01-01", "version.1.valid_from", "must begin after version '2025'"),
    "twice": ('id = "2026"', 'id = "2025"', "version.1.id", "version '2025' stands there twice"),
    "end of the law": ("valid_from = 2026-03-01", "valid_from = 2026-03-01\nvalid_to = 2027-01-01", "version.1", "if, and only if, the statute is repealed"),
    "repealed without end": ('status = "in_force"', 'status = "repealed"', "version.1", "if, and only if, the statute is repealed"),
    "element twice in one version": ('id = "harm"', 'id = "conduct"\nversions = ["2026"]', "element.1.id", "'conduct' stands there twice in version '2026'"),
}  # fmt: skip


@pytest.mark.parametrize("what", VERSIONS)
def test_versions_that_do_not_fit_together_are_refused(what: str) -> None:
    was, now, key, words = VERSIONS[what]
    assert LATER.count(was) == 1
    found = faults(LATER.replace(was, now))
    assert len(found) == 1, found
    place = re.fullmatch(r"xx-1\.toml, line (\d+), ([^ :]+): (.+)", found[0])
    assert place and place[2] == key and words in place[3], found[0]
    named = LATER.replace(was, now).splitlines()[int(place[1]) - 1]
    assert named.startswith(key.rpartition(".")[2]) or named == "[[version]]"


def test_a_gap_that_is_explained_is_no_fault() -> None:
    text = LATER.replace("valid_from = 2025-01-01", "valid_from = 2025-01-01\nvalid_to = 2026-01-01")
    p = load(text.replace('changed = "invented again"', 'changed = "invented again"\ngap = "struck down by a court"'))
    assert p.edition.gap == "struck down by a court"
    assert p.earlier[0].valid_to == date(2026, 1, 1)


def test_a_repealed_statute_has_an_end() -> None:
    text = GOOD.replace('status = "in_force"', 'status = "repealed"')
    assert load(
        text.replace("valid_from = 2025-01-01", "valid_from = 2025-01-01\nvalid_to = 2026-01-01")
    ).valid_to == date(2026, 1, 1)


def test_a_statute_without_a_version_is_refused() -> None:
    text = GOOD[: GOOD.index("[[version]]")] + GOOD[GOOD.index("[parameters.occasion_window_s]") :]
    assert faults(text) == ["xx-1.toml: no [[version]]"]


def test_points_twice_in_one_version_are_refused() -> None:
    text = LATER.replace('id = "active_days"', 'id = "acts"')
    assert faults(text) == [
        f"xx-1.toml: indicator 'acts' has points twice in version '{v}', so the points could not be added up"
        for v in ("2025", "2026")
    ]


def test_an_informative_element_needs_a_threshold_too() -> None:
    text = GOOD.replace('need = "required"', 'need = "informative"').replace('  threshold = ">= 2"\n', "")
    assert [f.rpartition(": ")[2] for f in faults(text)] == ["a measurable element needs at least one threshold"]


def test_counter_evidence_may_have_no_points() -> None:
    p = load(GOOD.replace("levels = [[1, -1], [5, -2]]\n", ""))
    assert (p.against[0].indicator, p.against[0].levels, p.against[0].best) == ("replies", (), 0)


def test_all_faults_are_told_at_once() -> None:
    text = GOOD
    for was, now in (
        ('status = "in_force"', 'status = "perhaps"'), ('origin = "case_law"', 'origin = "rumour"'), ('id = "acts"', 'id = "actz"'),
        ("levels = [[1, -1], [5, -2]]", "levels = [[1, 1]]"), ('title = "Harm"', ""), ('country = "XX"', 'country = "XX"\ncolour = 1'),
    ):  # fmt: skip
        text = text.replace(was, now)
    found = faults(text)
    assert len(found) == 6
    named = {re.fullmatch(r"xx-1\.toml, line \d+, ([^:]+): .*", f)[1] for f in found}  # type: ignore[index]
    assert named == {
        "statute.colour", "statute.status", "parameters.occasion_window_s.origin", "element.0.indicator.0.id", "element.1",
        "against.0.levels",
    }  # fmt: skip


def test_the_right_one_of_equal_keys_is_named() -> None:
    lines = GOOD.splitlines()
    for path, wanted in (
        (("element", 0, "source"), 'source = "the article"'), (("element", 1, "source"), 'source = "the article"'),
        (("element", 0, "indicator", 0, "source"), 'source = "the article"'),
        (("element", 0, "indicator", 1, "levels"), "levels = [[2, 0], [4, 3]]"), (("against", 0, "source"), 'source = "[P]"'),
        (("parameters", "overtaken_share", "source"), 'source = "[P]"'), (("statute", "title", "ru"), 'ru = "Выдуманный закон"'),
    ):  # fmt: skip
        assert lines[line_of(GOOD, path) - 1].strip() == wanted, path
    assert line_of(GOOD, ("element", 1, "source")) > line_of(GOOD, ("element", 0, "indicator", 1, "source"))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_a_profile_with_lines_lost_or_doubled_loads_or_is_refused_and_nothing_else(data: st.DataObject) -> None:
    lines = GOOD.splitlines()
    at = data.draw(st.integers(0, len(lines) - 1))
    more = data.draw(st.sampled_from(["drop", "double", "cut", "swap"]))
    if more == "drop":
        lines.pop(at)
    elif more == "double":
        lines.insert(at, lines[at])
    elif more == "cut":
        lines[at] = lines[at][: len(lines[at]) // 2]
    else:
        lines[at], lines[0] = lines[0], lines[at]
    text = "\n".join(lines)
    try:
        p = load(text)
    except ProfileError as error:
        assert error.faults and all(f.startswith(NAME) for f in error.faults)
    else:
        assert p.elements and {line.indicator for e in p.elements for line in e.lines} <= set(all_indicators())
