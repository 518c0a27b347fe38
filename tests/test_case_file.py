"""The strict loader of case.toml."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines import zones
from pipelines.case_file import CaseFileError, claimed, load, names_of, parse, quoted, template
from pipelines.errors import UserError
from pipelines.resolve.identity import decisions, people

HEAD = '[case]\nid = "c1"\ntimezone = "Asia/Almaty"\n[owner]\nname = "A."\nidentifiers = ["+77010000001"]\n'
DESIGN = """\
[case]
id = "2025-0417"
timezone = "Asia/Almaty"
basis = "consent"                  # or "order"; without it nothing is ingested
basis_note = "statement of 2025-10-02"

[owner]
name = "A."
identifiers = ["+77010000001", "telegram:user111", "Aigerim"]

[[place]]
id = "home"
kind = "home"
lat = 43.2389
lon = 76.8897
radius_m = 150
from = 2024-01-01
shared_with = ["K1"]

[[source]]
match = "WhatsApp*.txt"
timezone = "Asia/Aqtobe"
date_order = "dmy"
owner = "Aigerim"

[[source]]
match = "old.xml"
timezone = "+06:00"
subject = "K1"

[[contact]]
id = "K1"
label = "former colleague"
role = "former_partner"
identifiers = ["+77010000002", "telegram:user222"]

[[notice]]
contact = "K1"
at = 2025-10-02T18:30:00
kind = "told_to_stop"
basis = "message of the owner"

[[notice]]
contact = "K1"
at = 2025-10-03T18:30:00.250+06:00
kind = "blocked"

[[notice_refused]]
record = "3f9a12bc04d1#12"
reason = "by mistake"

[[tracker]]
id = "AA:BB:CC:DD:EE:FF"
contact = "K1"
basis = "pairing record of the maker"
"""


def faults(text: str) -> list[tuple[int, str, str]]:
    with pytest.raises(CaseFileError) as caught:
        parse(text)
    return [(f.line, f.key, f.sentence) for f in caught.value.faults]


def test_design_example() -> None:
    case = parse(DESIGN)
    assert (case.id, case.timezone, case.basis, case.region) == ("2025-0417", "Asia/Almaty", "consent", "KZ")
    assert case.owner_identifiers == ("+77010000001", "telegram:user111", "Aigerim")
    place = case.places[0]
    assert (place.lat, place.radius_m, place.shared_with) == (43.2389, 150.0, ("K1",))
    assert place.valid_from is not None
    assert (place.valid_from.precision, place.valid_from.offset_s) == ("day", None)
    assert place.valid_from.local_us == 1_704_067_200_000_000
    first, second = (n.at for n in case.notices)
    assert (first.precision, first.offset_s, first.local_us) == ("s", None, 1_759_429_800_000_000)
    assert (second.precision, second.offset_s) == ("ms", 21_600)
    assert second.local_us - first.local_us == 86_400_250_000
    assert case.sources[1].timezone == "+06:00"
    assert case.contacts[0].role == "former_partner"
    assert case.trackers[0].id == "AA:BB:CC:DD:EE:FF"
    assert not case.warnings


def test_defaults_and_missing_basis() -> None:
    case = parse(HEAD + '[[contact]]\nid = "K1"\n')
    assert case.basis is None
    assert (case.contacts[0].role, case.contacts[0].identifiers) == ("unknown", ())
    assert not case.places and not case.sources and not case.notices


@pytest.mark.parametrize(
    ("added", "line", "key", "words"),
    [
        ("[[contact]]\nid = 5\n", 8, "contact[1].id", "must be a text in quotation marks, is a number"),
        ('[[contact]]\nlabel = "x"\n', 7, "contact[1].id", "is missing"),
        ('[[contact]]\nid = "K 1"\n', 8, "contact[1].id", "must not hold blanks"),
        ('[[contact]]\nid = "owner"\n', 8, "contact[1].id", "is reserved"),
        ('[[contact]]\nid = "u-0123456789"\n', 8, "contact[1].id", "is reserved"),
        ('[[contact]]\nid = "K1"\n[[contact]]\nid = "K1"\n', 10, "contact[2].id", "is already the id of contact[1]"),
        ('[[contact]]\nid = "K1"\nrole = "former_partnr"\n', 9, "contact[1].role", "did you mean former_partner?"),
        ('[[contact]]\nid = "K1"\nidentifiers = "x"\n', 9, "contact[1].identifiers", "must be a list of texts"),
        ('[[contact]]\nid = "K1"\nidentifiers = [""]\n', 9, "contact[1].identifiers", "holds an empty text"),
        ('[[contact]]\nid = "K1"\nidentifiers = ["-2"]\n', 9, "contact[1].identifiers", "stands for nobody"),
        ('[[contact]]\nid = "K1"\nphone = "1"\n', 9, "contact[1].phone", "known are id, label, role, identifiers"),
        ('[contact]\nid = "K1"\n', 7, "contact", "two brackets"),
        ('[[contacts]]\nid = "K1"\n', 7, "contacts", "did you mean contact?"),
        ('[[source]]\nmatch = "a"\ntimezone = "Asia/Nowhere"\n', 9, "source[1].timezone", "no time zone"),
        ('[[source]]\nmatch = "a"\ntimezone = "+25:00"\n', 9, "source[1].timezone", "no time zone"),
        ('[[source]]\nmatch = "a"\ndate_order = "xyz"\n', 9, "source[1].date_order", "allowed are dmy, mdy, ymd"),
        ('[[source]]\nmatch = "a"\nsubject = "K9"\n', 9, "source[1].subject", "no declared contact"),
        ("[[source]]\n", 7, "source[1].match", "is missing"),
        ('[[notice]]\ncontact = "K9"\nat = 2025-01-01\nkind = "blocked"\n', 8, "notice[1].contact", "no declared"),
        ('[[notice_refused]]\nrecord = "12"\nreason = "r"\n', 8, "notice_refused[1].record", "id of one event"),
        ('[[notice_refused]]\nrecord = "3f9a12bc04d1#12"\n', 7, "notice_refused[1].reason", "is missing"),
        ('[[tracker]]\nid = "T"\ncontact = "K9"\n', 9, "tracker[1].contact", "no declared contact"),
        (
            '[[same_person]]\ncontact = "K9"\nidentifier = "+77010000055"\naccepted = true\nreason = "r"\n',
            8,
            "same_person[1].contact",
            "no declared contact",
        ),
    ],
)  # fmt: skip
def test_fault(added: str, line: int, key: str, words: str) -> None:
    found = faults(HEAD + added)
    assert len(found) == 1, found
    assert found[0][:2] == (line, key)
    assert words in found[0][2]


K1 = '[[contact]]\nid = "K1"\nidentifiers = ["+77010000002", "Daniyar"]\n[[contact]]\nid = "K2"\n'


def same(identifier: str, accepted: str = "true", contact: str = "K1", reason: str = 'reason = "r"') -> str:
    """Return one [[same_person]] of five lines; the first begins on line 12 after K1."""
    return f'[[same_person]]\ncontact = "{contact}"\nidentifier = "{identifier}"\naccepted = {accepted}\n{reason}\n'


def test_same_person() -> None:
    case = parse(HEAD + K1 + same("8 701 000 00 55") + same("telegram:user9", "false") + same("Ivan"))
    found = case.same_person
    assert [(s.contact, s.identifier, s.accepted, s.reason) for s in found] == [
        ("K1", "8 701 000 00 55", True, "r"), ("K1", "telegram:user9", False, "r"), ("K1", "Ivan", True, "r"),
    ]  # fmt: skip
    assert case.identifiers_of(case.contacts[0]) == ("+77010000002", "Daniyar", "8 701 000 00 55", "Ivan")
    assert case.identifiers_of(case.contacts[1]) == ()
    decided = decisions(case)
    assert [d.identifier for d in decided] == ["+77010000055", "telegram:user9", "name:Ivan"]
    assert people(case).exact["+77010000055"] == "K1" and people(case).bare["Ivan"] == "K1"
    assert people(case).who("telegram:user9") is None
    assert [decided[2].means(i) for i in ("whatsapp:name:Ivan", "name:Ivan", "telegram:Ivan", "a:b:name:Ivan")] == [
        True, True, False, False,
    ]  # fmt: skip
    # one refuses what the other accepts: both can be true
    assert len(parse(HEAD + K1 + same("Ivan", "false") + same("Ivan", "true", "K2")).same_person) == 2


@pytest.mark.parametrize(
    ("added", "line", "key", "words"),
    [
        (same("+77010000055", reason=""), 12, "same_person[1].reason", "is missing"),
        (same("+77010000055", reason='reason = " "'), 16, "same_person[1].reason", "must not be empty"),
        (same("+77010000055", '"yes"'), 15, "same_person[1].accepted", "must be true or false, is a text"),
        (same("+77010000055").replace("accepted = true\n", ""), 12, "same_person[1].accepted", "is missing"),
        (same("unknown"), 14, "same_person[1].identifier", "stands for nobody"),
        (same("+77010000002"), 14, "same_person[1].identifier", "is declared as an identifier of K1: it needs no acceptance"),
        (same("+77010000002", "false"), 14, "same_person[1].identifier", "is declared as an identifier of K1: it cannot be refused"),
        (same("whatsapp:name:Daniyar", "false"), 14, "same_person[1].identifier", "it cannot be refused"),
        (same("+77010000001"), 14, "same_person[1].identifier", "is claimed by the owner and by contact K1"),
        (same("+77010000002", "true", "K2"), 14, "same_person[1].identifier", "is claimed by contact K1 and by contact K2"),
        (same("+77010000055") + same("87010000055"), 19, "same_person[2].identifier", "is decided twice for K1: see same_person[1]"),
        (same("+77010000055") + same("87010000055", "false"), 19, "same_person[2].identifier", "is accepted and refused at once for K1"),
        (same("+77010000055") + same("87010000055", "true", "K2"), 19, "same_person[2].identifier", "is claimed by contact K1 and by"),
        (same("+77010000055").replace("reason", "why"), 16, "same_person[1].why", "known are contact"),
    ],
)  # fmt: skip
def test_a_decision_that_contradicts_itself_is_refused(added: str, line: int, key: str, words: str) -> None:
    found = faults(HEAD + K1 + added)
    (fault,) = (f for f in found if f[1] == key)
    assert fault[0] == line
    assert words in fault[2]


PLACE = '[[place]]\nid = "h"\nkind = "home"\nlat = 43.0\nlon = 76.0\nradius_m = 150\n'


@pytest.mark.parametrize(
    ("old", "new", "line", "key"),
    [
        ("43.0", "90.5", 10, "lat"),
        ("43.0", "nan", 10, "lat"),
        ("43.0", "true", 10, "lat"),
        ("76.0", "-181", 11, "lon"),
        ("150", "0", 12, "radius_m"),
        ("150", "inf", 12, "radius_m"),
        ("150", "20000", 12, "radius_m"),
        ('"home"', '"house"', 9, "kind"),
        ("radius_m = 150\n", "", 7, "radius_m"),
        ("150\n", "150\nfrom = 2024-01-02\nto = 2024-01-01\n", 14, "to"),
        ("150\n", "150\nfrom = 2024-01-01T10:00:00+05:00\nto = 2024-01-01T10:30:00+06:00\n", 14, "to"),
        ("150\n", '150\nfrom = "2024-01-01"\n', 13, "from"),
        ("150\n", "150\nfrom = 10:00:00\n", 13, "from"),
        ("150\n", '150\nshared_with = ["K7"]\n', 13, "shared_with"),
    ],
)
def test_place_fault(old: str, new: str, line: int, key: str) -> None:
    found = faults(HEAD + PLACE.replace(old, new))
    assert [(f[0], f[1]) for f in found] == [(line, f"place[1].{key}")]


def test_a_day_ends_with_itself() -> None:
    assert parse(HEAD + PLACE + "from = 2024-01-01T18:00:00\nto = 2024-01-01\n").places[0].valid_to is not None


@pytest.mark.parametrize("at", ["1989-12-31", "2205-01-01", "18:00:00", '"2025-01-01"', "2025"])
def test_notice_needs_a_date(at: str) -> None:
    text = HEAD + f'[[contact]]\nid = "K1"\n[[notice]]\ncontact = "K1"\nat = {at}\nkind = "blocked"\n'
    assert [(f[0], f[1]) for f in faults(text)] == [(11, "notice[1].at")]


def test_all_faults_at_once_in_order() -> None:
    text = HEAD.replace("Asia/Almaty", "Asia/Almati") + PLACE.replace("43.0", "99") + '[[tracker]]\nid = ""\n[x]\n'
    found = faults(text)
    assert [f[0] for f in found] == sorted(f[0] for f in found)
    assert [f[1] for f in found] == ["case.timezone", "place[1].lat", "tracker[1].contact", "tracker[1].id", "x"]
    assert "did you mean Asia/Almaty?" in found[0][2]


def test_missing_tables() -> None:
    assert [f[1] for f in faults("")] == ["[case]", "[owner]"]
    assert [f[1] for f in faults("[case]\n[owner]\n")] == ["case.id", "case.timezone"]
    assert [f[1] for f in faults('[[case]]\nid = "x"\n[owner]\n')] == ["[case]"]


@pytest.mark.parametrize(
    ("owner", "first", "second", "who"),
    [
        ("+77010000009", "8 701 000 00 02", "+7 (701) 000-00-02", ("contact K1", "contact K2")),
        ("87010000001", "+77010000001", "x", ("the owner", "contact K1")),
        ("Bek", "telegram:name:Bek", "x", ("the owner", "contact K1")),
        ("telegram:name:Bek", "Bek", "x", ("the owner", "contact K1")),
        ("A", "x@Example.ORG", "mail:x@example.org", ("contact K1", "contact K2")),
        ("A", "telegram:user5", "telegram:user5", ("contact K1", "contact K2")),
        ("A", "Caf\\u00e9", "Cafe\\u0301", ("contact K1", "contact K2")),
        ("A", "short:7111", "7111", ("contact K1", "contact K2")),
    ],
)
def test_one_identifier_one_person(owner: str, first: str, second: str, who: tuple[str, str]) -> None:
    text = (
        f'[case]\nid = "c"\ntimezone = "Asia/Almaty"\n[owner]\nidentifiers = ["{owner}"]\n'
        f'[[contact]]\nid = "K1"\nidentifiers = ["{first}"]\n[[contact]]\nid = "K2"\nidentifiers = ["{second}"]\n'
    )
    found = faults(text)
    assert len(found) == 1
    assert all(w in found[0][2] for w in who)


def test_owner_name_is_the_owners() -> None:
    found = faults(HEAD + '[[contact]]\nid = "K1"\nidentifiers = ["A."]\n')
    assert "the owner" in found[0][2]
    # the same name in two apps may be two people
    assert parse(HEAD + '[[contact]]\nid = "K1"\nidentifiers = ["telegram:name:B", "whatsapp:name:B"]\n'
                 '[[contact]]\nid = "K2"\nidentifiers = ["viber:name:B"]\n')  # fmt: skip


def test_region_decides_how_numbers_are_read() -> None:
    text = '[case]\nid = "c"\ntimezone = "Europe/Berlin"\n[owner]\nidentifiers = ["+4930123456"]\n' \
           '[[contact]]\nid = "K1"\nidentifiers = ["030 123456"]\n'  # fmt: skip
    assert "the owner" in faults(text)[0][2]
    assert parse(text.replace('"c"\n', '"c"\nregion = "KZ"\n')).region == "KZ"
    assert faults(text.replace('"c"\n', '"c"\nregion = "kz"\n'))[0][1] == "case.region"
    assert parse('[case]\nid = "c"\ntimezone = "UTC"\n[owner]\nname = "x"\n').region is None


@pytest.mark.parametrize(
    ("written", "identifier"),
    [
        ("8 (701) 000-00-02", "+77010000002"), ("\u202a+7 701 000 00 02\u202c", "+77010000002"), ("7111", "short:7111"),
        ("telegram:user5", "telegram:user5"), ("whatsapp:name:B. C", "whatsapp:name:B. C"), ("Kaspi", "name:Kaspi"),
        ("alpha:Kaspi", "alpha:Kaspi"), ("A@B.ORG", "mail:A@b.org"), ("mail:A@B.ORG", "mail:A@b.org"),
        ("label:sister", "label:sister"), ("raw:12 34", "raw:12 34"), ("B: C", "name:B: C"),
    ],
)  # fmt: skip
def test_claimed(written: str, identifier: str) -> None:
    assert claimed(written, "KZ") == identifier


@pytest.mark.parametrize("written", ["", " ", "null", "Unknown", "-1", "-2", "-3", "telegram: "])
def test_nobody(written: str) -> None:
    with pytest.raises(ValueError, match="stands for nobody"):
        claimed(written, "KZ")


def test_names_of_holds_every_form() -> None:
    names = names_of(("8 701 000 00 02", "telegram:name:Bek", "Dana", "unknown"), "KZ")
    assert names == {"8 701 000 00 02", "+77010000002", "telegram:name:Bek", "Bek", "Dana", "unknown"}


def test_number_that_is_none_is_a_warning() -> None:
    case = parse(HEAD + '[[contact]]\nid = "K1"\nidentifiers = ["+7999"]\n')
    assert len(case.warnings) == 1
    assert "matched as written" in case.warnings[0]


def test_template_is_valid_as_it_is_and_with_every_table() -> None:
    text = template('2025-"17"', "Asia/Almaty")
    case = parse(text)
    assert (case.id, case.basis) == ('2025-"17"', None)
    everything = re.sub(r"(?m)^# (?=\[\[|[a-z_]+ = )", "", text).replace('shared_with = ["K2"]', "shared_with = []")
    full = parse(everything)
    assert full.basis == "consent"
    assert len(full.places) == len(full.sources) == len(full.contacts) == len(full.notices) == 1
    assert len(full.notices_refused) == len(full.trackers) == len(full.same_person) == 1
    with pytest.raises(UserError, match="did you mean Asia/Almaty"):
        template("x", "Asia/Almatty")
    with pytest.raises(CaseFileError):
        template(" x", "Asia/Almaty")


def test_load_from_disk(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="qorgan init"):
        load(tmp_path)
    file = tmp_path / "case.toml"
    file.write_bytes(b"\xef\xbb\xbf" + HEAD.encode())
    assert load(file).id == load(tmp_path).id == "c1"
    file.write_bytes(HEAD.encode() + b'[[contact]]\nid = "\xff"\n')
    with pytest.raises(CaseFileError, match=r"case.toml, line 8, TOML: the file is not UTF-8"):
        load(file)
    file.write_bytes(b"#" * 4_000_001)
    with pytest.raises(UserError, match="larger than 4 MB"):
        load(file)


@pytest.mark.parametrize("text", ["[case", "a = [" + "[" * 100_000, "a = 1\na = 2\n", 'x = "' + "a" * 10])
def test_broken_toml_is_one_fault(text: str) -> None:
    found = faults(text)
    assert len(found) == 1
    assert found[0][1] == "TOML"


def test_header_within_a_long_text_is_no_header() -> None:
    text = HEAD + '[[contact]]\nid = "K1"\nlabel = """\n[[contact]]\nid = 3\n"""\nrole = "nobody"\n'
    assert [(f[0], f[1]) for f in faults(text)] == [(13, "contact[1].role")]


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet=st.sampled_from('[]"=\n.#{},-:T0129 abcdeicastownrplz\x00é'), max_size=60))
def test_nothing_but_faults(text: str) -> None:
    try:
        parse(HEAD + text)
    except CaseFileError as error:
        assert error.faults
        assert all(f.line >= 1 for f in error.faults)


@settings(max_examples=100, deadline=None)
@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1))
def test_quoted_comes_back(text: str) -> None:
    import tomllib

    assert tomllib.loads(f"a = {quoted(text)}") == {"a": text}


def test_zones_come_from_the_package_only() -> None:
    assert zones.country("Asia/Almaty") == zones.country("Asia/Qyzylorda") == "KZ"
    assert zones.country("Asia/Calcutta") == "IN"
    for name in ("asia/almaty", "../zones", "tzdata.zi", "zone.tab", "/etc/localtime", ""):
        with pytest.raises(KeyError):
            zones.zone(name)
    assert zones.fixed_offset("-03:30") == -12_600
    assert zones.fixed_offset("+18:01") is None


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("x = " + "9" * 5000, "a number in it is too long"),
        ("a." * 50_000 + "b = 1", "the key has too many parts"),
        ("[" + "a." * 20 + "b]", "the key has too many parts"),
    ],
)
def test_hostile_numbers_and_keys_are_one_sentence(text: str, sentence: str) -> None:
    with pytest.raises(CaseFileError, match=sentence):
        parse(text)
