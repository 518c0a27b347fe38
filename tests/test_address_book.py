"""Names of address books are labels of undeclared contacts: shown, never joined, and never another person's number or id."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detector.schema import LISTS
from pipelines import scoring, statutes, store
from pipelines.cli import main
from pipelines.cli.ingest import undeclared
from pipelines.identifiers import phone_identifier
from pipelines.ingest import ingest
from pipelines.originals import Originals, RowIndex
from pipelines.readers.base import LISTED_DEFAULTS
from pipelines.resolve.identity import undeclared_id
from tests.stored import CASE, K1, Store, column
from tests.test_cli import sms

A, B, DECLARED = "+77010000041", "+77010000042", "+77010000002"


def entry(s: Store, name: str | None, identifier: str | None, *, source: str = "book", **more: Any) -> str:
    """Add an entry of a list; an address book unless said otherwise."""
    s._row("listed", source, 0, {
        **LISTED_DEFAULTS, "channel": "phone", "list": "address_book", "identifier": identifier, "identifier_raw": identifier,
        "identifier_kind": "app_id", "label": name, **more,
    }, False, None)  # fmt: skip
    row = s._rows["listed"][-1]
    row["entry_id"] = row.pop("liste_id")  # ids of other tables are called after the table
    row["local_time"] = more.get("local_time")
    return str(row["entry_id"])


def labels(s: Store, case: str = CASE + K1) -> dict[str, str]:
    """Return the label of every contact by its identifiers."""
    rows = s.resolve(case).tables.contacts.to_pylist()
    return {r["identifiers"]: r["label"] for r in rows}


def met(*identifiers: str) -> Store:
    s = Store()
    for k, identifier in enumerate(identifiers):
        s.event(f"2025-10-0{k + 1}T10:00:00", identifier)
    return s


def test_an_undeclared_contact_is_shown_by_its_name_in_an_address_book() -> None:
    s = met(A, B)
    entry(s, "Nurlan", A)
    assert labels(s)[A] == "Nurlan" and labels(s)[B] == B


def test_without_an_address_book_the_label_is_the_identifier() -> None:
    assert labels(met(A))[A] == A


def test_two_numbers_with_one_name_are_two_contacts() -> None:
    s = met(A, B)
    before = s.resolve().tables
    for number in (A, B):
        entry(s, "Nurlan", number)
    after = s.resolve().tables
    rows = [r for r in after.contacts.to_pylist() if not r["declared"]]
    assert [(r["contact_id"], r["label"]) for r in rows] == sorted((undeclared_id(n), "Nurlan") for n in (A, B))
    assert after.events.equals(before.events) and after.notices.equals(before.notices)
    assert after.contacts.drop(["label"]).equals(before.contacts.drop(["label"]))


def test_a_declared_label_stays() -> None:
    s = met(DECLARED)
    entry(s, "Darling", DECLARED)
    assert [c["label"] for c in s.resolve().tables.contacts.to_pylist()] == ["man"]


def test_a_declared_contact_without_a_label_is_called_by_its_id() -> None:
    s = met(DECLARED)
    entry(s, "Darling", DECLARED)
    rows = s.resolve(CASE + f'[[contact]]\nid = "K7"\nidentifiers = ["{DECLARED}"]\n').tables.contacts.to_pylist()
    assert [(c["contact_id"], c["label"]) for c in rows] == [("K7", "K7")]


def test_several_names_stand_side_by_side_in_sorted_order() -> None:
    s = met(A)
    for name in ("Nurlan work", "Bulat", "Nurlan work"):
        entry(s, name, A, source=name)
    assert labels(s)[A] == "Bulat / Nurlan work"
    for name in ("Zed", "Ainur"):
        entry(s, name, A)
    assert labels(s)[A] == "Ainur / Bulat / Nurlan work / …"


def test_the_order_of_sources_does_not_matter() -> None:
    names = ["Zed", "Ainur", "Bulat", "Cora"]
    found = set()
    for seed in range(6):
        random.Random(seed).shuffle(names)
        s = met(A)
        for name in names:
            entry(s, name, A, source=f"s-{name}")
        found.add(labels(s)[A])
    assert found == {"Ainur / Bulat / Cora / …"}


@pytest.mark.parametrize(
    "name", ["K1", A, B, "+7 701 000 00 42", "8 701 000 00 41", undeclared_id(B), "telegram:user222", "  ", ""]
)
def test_a_name_that_is_somebodys_number_or_id_is_left_out(name: str) -> None:
    s = met(A, B, DECLARED)
    entry(s, name, A)
    assert labels(s)[A] == A
    entry(s, "Nurlan", A)
    assert labels(s)[A] == "Nurlan"


def test_a_name_that_is_a_declared_label_is_shown_and_joins_nobody() -> None:
    s = met(A, DECLARED)
    entry(s, "man", A)
    assert labels(s)[A] == "man"
    assert set(column(s.resolve(CASE + K1), "contact_id").values()) == {undeclared_id(A), "K1"}


def test_a_journal_that_uses_the_name_is_not_joined() -> None:
    s = met(A)
    entry(s, "Nurlan", A)
    s.position("2025-10-03T10:00:00", kind="seen", subject="contact", identifier="label:Nurlan", how="journal")
    rows = [c for c in s.resolve().tables.contacts.to_pylist() if not c["declared"]]
    assert {c["contact_id"]: c["identifiers"] for c in rows} == {
        undeclared_id(A): A, undeclared_id("label:Nurlan"): "label:Nurlan",
    }  # fmt: skip


@pytest.mark.parametrize("name", sorted(set(LISTS) - {"address_book"}))
def test_only_an_address_book_names_people(name: str) -> None:
    s = met(A)
    entry(s, "Nurlan", A, list=name)
    assert labels(s)[A] == A


def test_entries_without_name_or_number_change_nothing() -> None:
    s = met(A)
    entry(s, None, A)
    entry(s, "Nurlan", None)
    assert labels(s)[A] == A


def test_an_account_of_an_app_is_named_by_that_app() -> None:
    s = met("viber:0f3a", "+77010000043")
    entry(s, "Nurlan", "viber:0f3a", channel="viber")
    assert labels(s)["viber:0f3a"] == "Nurlan"


def test_numbers_are_read_in_the_country_that_the_case_says_now() -> None:
    raw = "030 5550123"
    german, _ = phone_identifier(raw, "DE")
    assert german is not None and german.startswith("+4930")
    s = Store()
    s.event("2025-10-01T10:00:00", "raw:0305550123", identifier_raw=raw, identifier_kind="raw")
    entry(s, "Praxis", "raw:0305550123", identifier_raw=raw, identifier_kind="raw")
    assert labels(s, CASE.replace('basis = "consent"', 'basis = "consent"\nregion = "DE"'))[german] == "Praxis"


def test_the_owner_has_no_label() -> None:
    s = met(A)
    entry(s, "Me", "+77010000001")
    assert set(labels(s).values()) == {A, "man"}


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=200))
def test_no_name_breaks_a_line_or_hides_itself(name: str) -> None:
    s = met(A)
    entry(s, name, A)
    label = labels(s)[A]
    assert label and len(label) <= 80
    assert not any(c in label for c in "\n\r\t\x1b\x00\u202e\u2066\u200b\ufeff\u2028\U000e0041")
    assert label == label.strip()


def test_a_hostile_name_is_one_line() -> None:
    s = met(A)
    entry(s, 'Nur\nlan\x1b[2J\u202e "evil"\t<script>', A)
    assert labels(s)[A] == 'Nur lan [2J "evil" <script>'
    entry(s, "N" * 500, A)
    assert labels(s)[A].split(" / ")[0] == "N" * 79 + "…"


def test_the_tables_show_the_name_and_the_findings_keep_the_identifiers(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "case"
    folder.mkdir()
    (folder / "case.toml").write_text(CASE + K1, encoding="utf-8")
    (tmp_path / "sms.xml").write_bytes(
        sms(*((A, str(k * 1440)) for k in range(4)), *((B, str(k * 1440 + 9)) for k in range(3)))
    )
    cards = "".join(
        f"BEGIN:VCARD\r\nVERSION:3.0\r\nFN:{name}\r\nTEL:{number}\r\nEND:VCARD\r\n"
        for number, name in ((A, 'Nurlan \\"the man\\"'), (B, "Bulat"), (DECLARED, "Darling"))
    )
    assert main(["ingest", str(folder), str(tmp_path / "sms.xml")]) == 0

    def document() -> dict[str, Any]:
        return scoring.score_loaded(scoring.load_case(folder), statutes.profile("kz-115-1")).document

    before = document()
    (tmp_path / "book.vcf").write_text(cards, encoding="utf-8")
    capsys.readouterr()
    assert main(["ingest", str(folder), str(tmp_path / "book.vcf")]) == 0
    out = capsys.readouterr().out
    assert f'    # {undeclared_id(B)}, 3 events, called "Bulat" in an address book\n    [[contact]]\n' in out
    assert 'label = ""' in out and "Darling" not in out
    after = document()
    for old, new in zip(before["findings"], after["findings"], strict=True):
        assert {k: v for k, v in old.items() if k != "label"} == {k: v for k, v in new.items() if k != "label"}
    assert [f["label"] for f in after["findings"] if f["contact_id"] == undeclared_id(B)] == ["Bulat"]
    assert main(["score", str(folder)]) == 0
    assert "Bulat" in capsys.readouterr().out


def test_the_block_of_an_undeclared_contact_is_toml_whatever_its_name(tmp_path: Path) -> None:
    folder = tmp_path / "case"
    folder.mkdir()
    (folder / "case.toml").write_text(CASE + K1, encoding="utf-8")
    (tmp_path / "sms.xml").write_bytes(sms(*((A, str(k)) for k in range(4))))
    (tmp_path / "book.vcf").write_text(
        f'BEGIN:VCARD\r\nVERSION:3.0\r\nFN:x\\n[[notice]]\\nkind = "\r\nTEL:{A}\r\nEND:VCARD\r\n', encoding="utf-8"
    )
    assert main(["ingest", str(folder), str(tmp_path / "sms.xml"), str(tmp_path / "book.vcf")]) == 0
    block = "\n".join(undeclared(folder)[1:])
    (folder / "case.toml").write_text(f"{CASE}{K1}{block}\n", encoding="utf-8")
    loaded = scoring.load_case(folder)
    assert [c.identifiers for c in loaded.case.contacts][1:] == [(A,)] and loaded.case.notices == ()


def test_show_opens_an_entry_of_a_list(tmp_path: Path) -> None:
    from tests.shell_tools import make_case

    case = make_case(tmp_path / "case")
    card = tmp_path / "book.vcf"
    card.write_text(
        "BEGIN:VCARD\nVERSION:3.0\nFN:Dana\nTEL:+77010000007\nNOTE:nobody sees this\nEND:VCARD\n", encoding="utf-8"
    )
    assert ingest(case, [card]).exit_code == 0
    (entry,) = store.read(case).listed["entry_id"].to_pylist()
    rows = RowIndex(case)
    lines, ok = Originals(case, None).show(rows, entry, content=False)
    text = "\n".join(lines)
    assert ok
    assert "agrees" in text and "+77010000007" in text
    assert "nobody sees this" not in text
