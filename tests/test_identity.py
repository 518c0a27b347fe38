"""Who is who: every form of one number, names and labels, the owner, and who must never be joined."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.identifiers import phone_identifier
from pipelines.resolve.identity import OWNER, declared_identifiers, people, undeclared_id
from tests import stored
from tests.stored import CASE, K1, Store, column, parse

K2 = '[[contact]]\nid = "K2"\nlabel = "woman"\nidentifiers = ["+77010000003", "mail:b@example.org", "short:7111"]\n'


def who(case: str, identifier: str | None) -> str | None:
    return people(parse(case)).who(identifier)


# Numbers --------------------------------------------------------------------------------------------------------------

#: one subscriber, as phones, operators and people in Kazakhstan write the number
FORMS = (
    "+77010000002", "87010000002", "77010000002", "+7 701 000 00 02", "8 (701) 000-00-02", "8-701-000-00-02", "+7(701)0000002",
    "\u202a+7\u00a0701\u00a0000\u00a000\u00a002\u202c", "+7 701 000\u201100\u201102", "+7\u2009701\u2009000\u20090002", " 8 701 000 0002 ",
)  # fmt: skip


@pytest.mark.parametrize("form", FORMS)
def test_every_form_of_one_number_is_one_contact(form: str) -> None:
    assert phone_identifier(form, "KZ") == ("+77010000002", "phone")
    assert who(f'{CASE}[[contact]]\nid = "K1"\nidentifiers = ["{form}"]\n', "+77010000002") == "K1"


@pytest.mark.parametrize(
    ("raw", "identifier", "kind"),
    [
        ("7111", "short:7111", "short"), ("Kaspi", "alpha:Kaspi", "alpha"), ("Mail@EXAMPLE.org", "mail:Mail@example.org", "mail"),
        ("", None, "none"), ("null", None, "none"), ("-1", None, "unknown_caller"), ("-2", None, "withheld"), ("-3", None, "payphone"),
        ("+7701000000299999", "raw:+7701000000299999", "raw"), ("*102#", "short:102", "short"), ("+++", "raw:+++", "raw"),
    ],
)  # fmt: skip
def test_what_is_no_number(raw: str, identifier: str | None, kind: str) -> None:
    assert phone_identifier(raw, "KZ") == (identifier, kind)


@settings(max_examples=200)
@given(st.text(max_size=20), st.sampled_from(["KZ", "DE", None]))
def test_any_text_has_an_identifier_that_is_its_own(raw: str, region: str | None) -> None:
    identifier, kind = phone_identifier(raw, region)
    assert (identifier is None) == (kind in ("none", "unknown_caller", "withheld", "payphone"))
    if kind == "phone":
        assert identifier is not None and phone_identifier(identifier, None) == (identifier, "phone")


def test_region_decides_what_a_national_number_is() -> None:
    assert phone_identifier("030 901820", "DE")[0] == "+4930901820"
    assert phone_identifier("030 901820", "KZ")[0] != "+4930901820"


# Names and labels -------------------------------------------------------------------------------------------------------


def test_a_bare_name_stands_for_the_name_in_any_app_and_for_nothing_else() -> None:
    case = CASE + K1
    assert who(case, "whatsapp:name:Daniyar") == who(case, "telegram:name:Daniyar") == "K1"
    for other in (
        "whatsapp:name:daniyar",
        "whatsapp:name:Daniyar 2",
        "whatsapp:Daniyar",
        "alpha:Daniyar",
        "mail:Daniyar",
        "Daniyar",
    ):
        assert who(case, other) is None


def test_a_name_of_one_app_is_that_app_only() -> None:
    case = CASE + '[[contact]]\nid = "K1"\nidentifiers = ["whatsapp:name:Daniyar"]\n'
    assert who(case, "whatsapp:name:Daniyar") == "K1"
    assert who(case, "telegram:name:Daniyar") is None


def test_names_are_compared_as_nfc_without_marks() -> None:
    case = CASE + '[[contact]]\nid = "K1"\nidentifiers = ["\u200eМи\u0306ша\u202c"]\n'
    assert who(case, "whatsapp:name:Мйша") == "K1"


def test_a_name_with_a_colon_is_one_name() -> None:
    case = CASE + '[[contact]]\nid = "K1"\nidentifiers = ["whatsapp:name:a:name:b"]\n'
    assert who(case, "whatsapp:name:a:name:b") == "K1"
    assert who(CASE + '[[contact]]\nid = "K1"\nidentifiers = ["name:b"]\n', "whatsapp:name:a:name:b") is None


@pytest.mark.parametrize("label", ["K1", "man", "Daniyar", "+77010000002", "8 701 000 00 02", "87010000002"])
def test_the_journal_may_name_a_contact_by_id_label_name_or_number(label: str) -> None:
    assert who(CASE + K1 + K2, f"label:{label}") == "K1"


@pytest.mark.parametrize("label", ["k1", "Man", "somebody", "7111", "null", "", "+77010000009"])
def test_other_labels_are_nobody_declared(label: str) -> None:
    assert who(CASE + K1, f"label:{label}") is None


def test_a_label_of_two_people_names_nobody() -> None:
    case = CASE + K1 + K2.replace('label = "woman"', 'label = "man"')
    assert who(case, "label:man") is None
    assert (who(case, "label:K1"), who(case, "label:K2")) == ("K1", "K2")


def test_an_id_wins_over_another_contacts_label() -> None:
    case = CASE + K1.replace('label = "man"', 'label = "K2"') + K2
    assert who(case, "label:K2") == "K2"
    assert who(case, "label:K1") == "K1"


def test_a_claimed_name_wins_over_another_contacts_label() -> None:
    """The label is a word for the reader, the identifier a declaration; the chats of one and the journal of the other would be mixed up."""
    case = CASE + K1 + K2.replace('label = "woman"', 'label = "Daniyar"')
    assert who(case, "label:Daniyar") == who(case, "whatsapp:name:Daniyar") == "K1"


def test_labels_join_nothing_but_the_journal() -> None:
    """Names in an address book are labels, never joins."""
    case = CASE + K1
    assert who(case, "whatsapp:name:man") is None
    assert who(case, "alpha:man") is None


# The owner --------------------------------------------------------------------------------------------------------------


def test_the_owner_is_the_owner_in_every_form() -> None:
    for identifier in ("+77010000001", "telegram:user111", "whatsapp:name:Aigerim", "telegram:name:Aigerim"):
        assert who(CASE + K1, identifier) == OWNER


def test_the_owner_is_no_contact() -> None:
    s = Store()
    rows = [s.event("2025-10-06T10:00:00", i) for i in ("+77010000001", "telegram:user111", "whatsapp:name:Aigerim")]
    resolved = s.resolve()
    assert [column(resolved, "contact_id")[r] for r in rows] == [None] * 3
    assert resolved.tables.contacts["contact_id"].to_pylist() == ["K1"]


def test_a_contact_is_never_the_owner() -> None:
    """A file that says a declared contact's name is its owner's (another person's export) does not make the contact the owner."""
    s = Store()
    s.source("a", owners=("whatsapp:name:Daniyar", "Daniyar"))
    one = s.event(
        "2025-10-06T10:00:00",
        None,
        channel="whatsapp",
        sender="whatsapp:name:Daniyar",
        direction="unknown",
        thread_id="t",
    )
    two = s.event(
        "2025-10-06T10:01:00",
        None,
        channel="whatsapp",
        sender="whatsapp:name:Aigerim",
        direction="unknown",
        thread_id="t",
    )
    resolved = s.resolve()
    assert column(resolved, "direction") == {one: "in", two: "out"}
    assert column(resolved, "contact_id") == {one: "K1", two: "K1"}


# Undeclared and unknown ---------------------------------------------------------------------------------------------------


def test_undeclared_ids_are_ten_digits_of_a_hash() -> None:
    wanted = "u-" + hashlib.sha256(b"+77010000009").hexdigest()[:10]
    assert undeclared_id("+77010000009") == wanted
    s = Store()
    row = s.event("2025-10-06T10:00:00", "+77010000009")
    resolved = s.resolve()
    assert column(resolved, "contact_id")[row] == wanted
    listed = {c["contact_id"]: c for c in resolved.tables.contacts.to_pylist()}
    assert listed[wanted] == {"contact_id": wanted, "label": "+77010000009", "role": "unknown", "declared": False,
                              "identifiers": "+77010000009"}  # fmt: skip
    # declaring is a correction of case.toml only
    later = s.resolve(CASE + K1 + '[[contact]]\nid = "K9"\nidentifiers = ["8 701 000 00 09"]\n')
    assert column(later, "contact_id")[row] == "K9"


def test_callers_without_identifier_are_never_pooled() -> None:
    s = Store()
    kinds = ("withheld", "unknown_caller", "payphone", "none")
    rows = [s.event(f"2025-10-0{k}T10:00:00", None, channel="phone", kind="call", identifier_kind=kind, identifier_raw=raw)
            for k, (kind, raw) in enumerate(zip(kinds * 2, ("-2", "-1", "-3", None) * 2, strict=True), start=1)]  # fmt: skip
    resolved = s.resolve()
    assert set(column(resolved, "contact_id").values()) == {None}
    assert len(rows) == 8 and resolved.tables.contacts.num_rows == 1


def test_two_undeclared_apps_of_one_name_are_two_contacts() -> None:
    s = Store()
    a = s.event("2025-10-06T10:00:00", "whatsapp:name:Saule")
    b = s.event("2025-10-06T10:00:00", "telegram:name:Saule")
    found = column(s.resolve(), "contact_id")
    assert found[a] != found[b] and str(found[a]).startswith("u-") and str(found[b]).startswith("u-")


def test_a_label_that_nobody_declared_is_an_undeclared_contact_with_that_label() -> None:
    s = Store()
    row = s.event("2025-10-06T10:00:00", "label:tall man", how="journal", identifier_kind="label")
    resolved = s.resolve()
    listed = {c["contact_id"]: c["label"] for c in resolved.tables.contacts.to_pylist()}
    assert listed[column(resolved, "contact_id")[row]] == "tall man"


def test_declared_contacts_are_listed_with_what_they_were_seen_as() -> None:
    s = Store()
    for identifier in ("whatsapp:name:Daniyar", "telegram:user222", "label:man"):
        s.event("2025-10-06T10:00:00", identifier)
    contact = s.resolve().tables.contacts.to_pylist()[0]
    assert contact["identifiers"].split("\n") == ["+77010000002", "telegram:user222", "whatsapp:name:Daniyar"]
    assert (contact["contact_id"], contact["label"], contact["declared"]) == ("K1", "man", True)


def test_declared_forms_are_normalised() -> None:
    case = parse(CASE)
    assert declared_identifiers(case, ["8 701 000 00 02", "B@Example.ORG", "Saule", "telegram:user5"]) == [
        "+77010000002", "mail:B@example.org", "name:Saule", "telegram:user5",
    ]  # fmt: skip


@settings(max_examples=100, deadline=None)
@given(st.lists(st.text(alphabet="ab :+7", min_size=1, max_size=6), min_size=1, max_size=3, unique=True))
def test_who_never_fails_on_odd_identifiers(texts: list[str]) -> None:
    known = people(parse(CASE + K1 + K2))
    for text in texts:
        for prefix in ("", "label:", "whatsapp:name:", "raw:", "alpha:"):
            assert known.who(prefix + text) in (None, OWNER, "K1", "K2")
    assert known.who(None) is None


def test_the_builder_and_the_case_agree_about_the_owner() -> None:
    assert stored.parse(CASE).owner_identifiers == ("+77010000001", "telegram:user111")
