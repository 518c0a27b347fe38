"""``qorgan notices``: refusals with their effect, candidates of lists, and decisions that are written to the end of case.toml."""

from __future__ import annotations

import json
import unicodedata
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detector.schema import LISTS as ALL_LISTS
from detector.schema import PRECISION_SPAN_US, PRECISIONS
from pipelines import case_append, case_file, notices, scoring, statutes
from pipelines.case_model import CaseFile, Moment
from pipelines.cli import main
from pipelines.errors import UserError
from pipelines.notices import LISTS, Candidate, Times, accept, candidates, own_time, refuse
from pipelines.readers.base import LISTED_DEFAULTS
from pipelines.resolve import moment_utc
from pipelines.resolve.identity import undeclared_id
from pipelines.store import custody
from tests import stored
from tests.android_databases import BLOCKED, database
from tests.stored import K1, Store, parse, us
from tests.test_cli import sms
from tests.test_reader_meta_lists import account

MAN, UNKNOWN, SILENT, OWNER = "+77770000002", "+77770000055", "+77019990000", "+77010000001"
CASE = f"""\
# the analyst's own words stay
[case]
id = "c1"
timezone = "Asia/Almaty"
basis = "consent"

[owner]
name = "Aigerim"
identifiers = ["{OWNER}"]

[[contact]]
id = "K1"
label = "man"
role = "former_partner"
identifiers = ["{MAN}"]

[[contact]]
id = "K2"
identifiers = ["+77012223344", "instagram:pavel"]
"""
DAY = 1440
#: 2025-10-06T10:00:00 in Almaty
T0 = 1_759_726_800
SECRET = "the owner's SECRET words"


def block_list(*numbers: str) -> bytes:
    return database(BLOCKED, {"blocked": [{"original_number": n, "e164_number": n} for n in numbers]})


@pytest.fixture
def exports(tmp_path: Path) -> Path:
    folder = tmp_path / "exports"
    folder.mkdir()
    rows = (*((MAN, str(k * DAY)) for k in range(9)), *((UNKNOWN, str(k * DAY + 30)) for k in range(4)))
    (folder / "sms.xml").write_bytes(sms(*rows))
    (folder / "blocked.db").write_bytes(block_list(MAN, UNKNOWN, SILENT, OWNER))
    (folder / "lists.json").write_text(
        json.dumps({
            "relationships_restricted_users": [account("dauren.t", T0)],
            "relationships_blocked_users": [account("pavel", T0 + 60)],
        }),
        encoding="utf-8",
    )  # fmt: skip
    (folder / "journal.csv").write_text(
        f"when,contact,kind,note\n2025-10-09 18:30,K1,told_to_stop,{SECRET}\n", encoding="utf-8"
    )
    return folder


@pytest.fixture
def case(tmp_path: Path, exports: Path) -> Path:
    folder = tmp_path / "case"
    folder.mkdir()
    (folder / "case.toml").write_text(CASE, encoding="utf-8")
    assert main(["ingest", str(folder), str(exports)]) == 0
    return folder


def run(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> tuple[int, str, str]:
    capsys.readouterr()
    status = main([str(a) for a in arguments])
    said = capsys.readouterr()
    assert "Traceback" not in said.out + said.err and SECRET not in said.out + said.err
    return status, said.out, said.err


def listed(folder: Path) -> dict[str, Any]:
    return notices.listing(scoring.load_case(folder), statutes.profile(statutes.DEFAULT))


def scored(folder: Path) -> dict[str, Any]:
    document = scoring.score_loaded(scoring.load_case(folder), statutes.profile(statutes.DEFAULT)).document
    return {**document, "by": {f["contact_id"]: f for f in document["findings"]}}


def entry(folder: Path, identifier: str) -> str:
    (found,) = (c for c in listed(folder)["candidates"] if c["identifier"] == identifier)
    return str(found["entry"])


def record(folder: Path, basis: str) -> str:
    (found,) = (n for n in listed(folder)["notices"] if n["basis"] == basis)
    return str(found["record"])


def log(folder: Path) -> list[dict[str, Any]]:
    return [e for _, _, e in custody.entries(folder) if e is not None]


def declared(folder: Path) -> CaseFile:
    return case_file.load(folder)


# What is listed -------------------------------------------------------------------------------------------------------


def test_notices_and_candidates_are_listed_and_nothing_is_applied(
    case: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before, results = (case / "case.toml").read_bytes(), scored(case)
    status, out, _ = run(capsys, "notices", case)
    assert status == 0
    lines = out.splitlines()
    assert any(
        "K1" in x and "told to stop" in x and "written down in a journal" in x and "effective" in x for x in lines
    )
    assert any(
        "K2" in x and "blocked" in x and "recorded by a device" in x and record(case, "device") in x for x in lines
    )
    (mine,) = (x for x in lines if x.startswith(entry(case, MAN)))
    assert (
        "K1" in mine and "in a list of blocked accounts" in mine and "needs a date" in mine and "sql:blocked/1" in mine
    )
    (dated,) = (x for x in lines if x.startswith(entry(case, "instagram:dauren.t")))
    assert "2025-10-06T10:00:00+05:00" in dated and "needs a date" not in dated
    assert "a list is no notice by itself" in out
    assert f"--accept '{entry(case, MAN)}' --at DATE-TIME --reason" in out
    assert lines[-1] == (
        "2 notices (2 effective); 4 candidates in lists: 4 open, of which 3 need a date, 0 accepted and 0 refused before; "
        "1 entry of the owner's own left out"
    )
    assert (case / "case.toml").read_bytes() == before and scored(case) == results
    assert (log(case)[-1]["command"], log(case)[-1]["arguments"]) == ("notices", [])
    assert run(capsys, "verify", case)[0] == 0


def test_the_lists_as_json(case: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, out, err = run(capsys, "notices", case, "--json")
    assert status == 0 and err == f"custody head: {log(case)[-1]['hash']}\n"
    document = json.loads(out)
    assert document == listed(case)
    assert document["schema"] == "qorgan.notices/1" and document["statute"]["id"] == "kz-115-1"
    told = {c["identifier"]: (c["contact_id"], c["declared"], c["at"], c["state"]) for c in document["candidates"]}
    assert told == {
        MAN: ("K1", True, None, "open"),
        UNKNOWN: (undeclared_id(UNKNOWN), False, None, "open"),
        "instagram:dauren.t": (undeclared_id("instagram:dauren.t"), False, "2025-10-06T05:00:00Z", "open"),
        SILENT: (undeclared_id(SILENT), False, None, "open"),
    }
    assert [c["identifier"] for c in document["candidates"]][:2] == [MAN, UNKNOWN]
    assert document["own_entries"] == 1


def test_the_states_agree_with_the_findings(case: Path) -> None:
    said = scored(case)["notices"]
    found = listed(case)["notices"]
    assert [{k: n[k] for k in said[0]} for n in found] == said
    assert [n["state"] for n in found] == ["effective", "effective"]


def test_refused_and_later_notices_have_their_state(case: Path) -> None:
    text = CASE + f'\n[[notice_refused]]\nrecord = "{record(case, "journal")}"\nreason = "said to a friend"\n'
    text += '\n[[notice]]\ncontact = "K2"\nat = 2026-06-01\nkind = "order_served"\n'
    (case / "case.toml").write_text(text, encoding="utf-8")
    assert {(n["basis"], n["state"]) for n in listed(case)["notices"]} == {
        ("journal", "refused"), ("device", "effective"), ("declared", "later"),
    }  # fmt: skip


def test_overtaken_and_contested_notices_have_their_state() -> None:
    state = notices._state
    plain = {"refused": False, "later": False, "effective": True, "contested": False}
    assert state(plain) == "effective"
    assert state({**plain, "contested": True}) == "contested"
    assert state({**plain, "effective": False}) == "overtaken"
    assert state({**plain, "effective": False, "later": True}) == "later"
    assert state({**plain, "effective": False, "later": True, "refused": True}) == "refused"


def test_a_notice_that_the_owner_overtakes(tmp_path: Path) -> None:
    days = [f"2025-11-{d:02d}" for d in range(10, 20)]
    rows = "".join(f"{d}T12:00,K1,message\n" for d in ["2025-10-20", "2025-10-21"])
    folder = tmp_path / "case"
    folder.mkdir()
    (folder / "case.toml").write_text(
        CASE + '\n[[notice]]\ncontact = "K1"\nat = 2025-10-01T12:00:00\nkind = "told_to_stop"\n', encoding="utf-8"
    )
    sent = "".join(
        f'<sms protocol="0" address="{MAN}" date="{us(d + "T12:00:00") // 1000}" type="2" subject="null" body="x" read="1" status="-1" '
        f'locked="0" contact_name="(Unknown)" />'
        for d in days
    )
    (tmp_path / "sms.xml").write_text(
        f'<?xml version="1.0"?><smses count="{len(days)}">{sent}</smses>', encoding="utf-8"
    )
    (tmp_path / "journal.csv").write_text("when,contact,kind\n" + rows, encoding="utf-8")
    assert main(["ingest", str(folder), str(tmp_path / "sms.xml"), str(tmp_path / "journal.csv")]) == 0
    assert [n["state"] for n in listed(folder)["notices"]] == ["overtaken"]


def test_a_day_alone_is_shown_as_the_day_that_it_is(case: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (case / "case.toml").write_text(CASE + '\n[[notice]]\ncontact = "K1"\nat = 2025-10-08\nkind = "told_to_stop"\n')
    _, out, _ = run(capsys, "notices", case)
    assert "2025-10-08T00:00:00+05:00 to 2025-10-08T23:59:59+05:00" in out


def test_blocks_that_were_taken_back_are_shown_and_cancel_nothing(case: Path, tmp_path: Path) -> None:
    s = Store()
    block = s.event("2025-10-01T10:00:00", "telegram:user222", kind="block", direction="out", actor="owner")
    undo = s.event("2025-10-02T10:00:00", "telegram:user222", kind="unblock", direction="out", actor="owner")
    text = stored.CASE + K1
    found = notices.listing(scoring.LoadedCase(tmp_path, parse(text), s.resolve(text)), statutes.profile("kz-115-1"))
    assert [(n["record"], n["state"]) for n in found["notices"]] == [(block, "effective")]
    assert [(u["contact_id"], u["record"], u["label"]) for u in found["unblocked"]] == [("K1", undo, "man")]


def test_a_case_with_lists_alone_is_listed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "case"
    folder.mkdir()
    (folder / "case.toml").write_text(
        CASE + '\n[[notice]]\ncontact = "K1"\nat = 2025-10-08\nkind = "blocked"\n', encoding="utf-8"
    )
    (tmp_path / "blocked.db").write_bytes(block_list(MAN))
    assert main(["ingest", str(folder), str(tmp_path / "blocked.db")]) == 0
    status, out, _ = run(capsys, "notices", folder)
    assert status == 0 and "no record yet" in out and entry(folder, MAN) in out
    assert "1 notice (1 no record yet); 1 candidate in lists" in out


def test_a_case_into_which_nothing_was_read_is_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "case"
    folder.mkdir()
    (folder / "case.toml").write_text(CASE, encoding="utf-8")
    status, _, err = run(capsys, "notices", folder)
    assert status == 2 and err.count("\n") == 1


def test_many_candidates_are_counted_and_shown_with_all(
    case: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "more.db").write_bytes(block_list(*(f"+7705000{k:04d}" for k in range(60))))
    assert main(["ingest", str(case), str(tmp_path / "more.db")]) == 0
    _, out, _ = run(capsys, "notices", case)
    assert "and 24 more with --all" in out and "64 candidates in lists" in out
    assert out.index(entry(case, MAN)) < out.index("+77050000001")
    _, out, _ = run(capsys, "notices", case, "--all")
    assert "more with" not in out and out.count("in a list of blocked accounts") == 63
    assert log(case)[-1]["arguments"] == ["--all"]


# Candidates -----------------------------------------------------------------------------------------------------------


def add(s: Store, identifier: str | None, *, source: str = "l", **more: Any) -> str:
    """Add an entry of a list; of blocked accounts, without a date, unless said otherwise."""
    at = more.pop("at", None)
    columns = {**LISTED_DEFAULTS, "channel": "phone", "list": "blocked", "identifier": identifier, "identifier_raw": identifier,
               "identifier_kind": "app_id", **more}  # fmt: skip
    if at is not None:
        columns |= {"ts_precision": "s", "zone_basis": "utc", **more}
    s._row("listed", source, at or 0, columns, False, None)
    row = s._rows["listed"][-1]
    row["entry_id"] = row.pop("liste_id")  # the ids of the other tables are called after the table
    row["local_time"] = at
    return str(row["entry_id"])


def offered(s: Store, text: str = stored.CASE + K1) -> list[Candidate]:
    return list(candidates(s.resolve(text), parse(text)).found)


@pytest.mark.parametrize("name", ALL_LISTS)
def test_which_lists_offer_candidates(name: str) -> None:
    s = Store()
    add(s, "+77010000002", list=name)
    assert [c.name for c in offered(s)] == ([name] if name in LISTS else [])
    assert set(LISTS) == {"blocked", "restricted", "reported", "muted", "refused", "removed"}


def test_a_candidate_says_whom_where_and_why() -> None:
    s = Store()
    entry_id = add(s, "instagram:dauren.t", channel="instagram", list="restricted", tags="hide_story", label="Dauren")
    (c,) = offered(s)
    assert (c.entries, c.records, c.contact, c.declared) == (
        (entry_id,),
        ("line:1",),
        undeclared_id(str(c.identifier)),
        False,
    )
    assert c.why == "in a list of restricted accounts (hide_story)" and c.label == "Dauren"
    assert c.times is None and c.state == "open"


def test_a_silent_number_is_called_as_an_address_book_calls_it() -> None:
    s = Store()
    add(s, SILENT)
    add(s, SILENT, list="address_book", label="Bulat", source="book")
    assert [c.label for c in offered(s)] == ["Bulat"]


def test_the_same_list_exported_twice_is_one_candidate() -> None:
    s = Store()
    first, second = add(s, SILENT, source="x"), add(s, SILENT, source="y")
    assert [c.entries for c in offered(s)] == [(first, second)]
    s.source("x2")
    text = stored.CASE + K1 + f'[[notice_refused]]\nrecord = "{second}"\nreason = "r"\n'
    assert [(c.state, c.note) for c in offered(s, text)] == [("refused", "r")]


def test_entries_that_differ_stay_apart() -> None:
    s = Store()
    add(s, SILENT)
    add(s, SILENT, channel="whatsapp")
    add(s, SILENT, list="muted")
    add(s, SILENT, at=us("2025-10-01T10:00:00"))
    add(s, None)
    add(s, None)
    assert len(offered(s)) == 6


def test_the_order_is_declared_first_then_the_busiest() -> None:
    s = Store()
    for k in range(3):
        s.event(f"2025-10-0{k + 1}T10:00:00", "+77010000090")
    s.event("2025-10-05T10:00:00", "+77010000091")
    for identifier in (SILENT, "+77010000091", "+77010000090", "+77010000002", None):
        add(s, identifier)
    assert [c.identifier for c in offered(s)] == ["+77010000002", "+77010000090", "+77010000091", SILENT, None]


def test_the_owners_own_entries_are_counted() -> None:
    s = Store()
    add(s, "+77010000001")
    assert (
        candidates(s.resolve(), parse(stored.CASE + K1)).found,
        candidates(s.resolve(), parse(stored.CASE + K1)).own,
    ) == ((), 1)


def test_a_record_that_is_a_notice_already_says_so() -> None:
    s = Store()
    block = s.event("2025-10-01T10:00:00", SILENT, source="l", kind="block", direction="out", actor="owner")
    columns = {
        **LISTED_DEFAULTS,
        "channel": "sms",
        "list": "blocked",
        "identifier": SILENT,
        "identifier_raw": SILENT,
        "sub": 2,
    }
    s._row("listed", "l", 0, columns, True, None)
    row = s._rows["listed"][-1]
    row["entry_id"], row["local_time"] = row.pop("liste_id"), None
    assert [(c.entries, c.state, c.note) for c in offered(s)] == [((f"{block}.2",), "notice", block)]


@pytest.mark.parametrize("at", [-(2**55), 2**55, 1, 5_000_000_000_000_000])
def test_a_time_that_no_phone_can_mean_is_none(at: int) -> None:
    s = Store()
    add(s, SILENT, at=at)
    assert [c.times for c in offered(s)] == [None]


def test_a_floating_time_is_read_in_the_zone_of_its_source() -> None:
    s = Store()
    s.source("l", "list.txt")
    add(s, SILENT, at=us("2025-10-01T10:00:00"), zone_basis="case")
    text = stored.CASE + K1
    assert offered(s, text)[0].times == Times(*(us("2025-10-01T05:00:00") + d for d in (0, 0, 999_999)))
    text += '[[source]]\nmatch = "list.txt"\ntimezone = "+03:00"\n'
    assert (offered(s, text)[0].times or Times(0, 0, 0)).at == us("2025-10-01T07:00:00")
    s = Store()
    add(s, SILENT, at=us("2025-10-01T10:00:00"), zone_basis="stated", stated_offset_s=-3600)
    assert (offered(s)[0].times or Times(0, 0, 0)).at == us("2025-10-01T11:00:00")


# Accepting ------------------------------------------------------------------------------------------------------------


def test_an_undated_entry_is_accepted_with_a_date(case: Path, capsys: pytest.CaptureFixture[str]) -> None:
    e, before = entry(case, MAN), scored(case)["by"]["K1"]
    status, out, _ = run(
        capsys, "notices", case, "--accept", e, "--at", "2025-10-08T12:00:00", "--reason", 'her statement "a"\nb'
    )
    assert status == 0
    assert (case / "case.toml").read_text(encoding="utf-8") == CASE + (
        f'\n[[notice]]\ncontact = "K1"\nat = 2025-10-08T12:00:00\nkind = "blocked"\nbasis = "list entry {e}: her statement \\"a\\"\\nb"\n'
    )
    last = log(case)[-1]
    assert (last["command"], last["arguments"]) == (
        "notices", [f"--accept={e}", "--contact=K1", "--kind=blocked", "--at=2025-10-08T12:00:00"],
    )  # fmt: skip
    assert "statement" not in json.dumps(last) and f"custody head: {last['hash']}" in out
    assert f"{e} is accepted as a notice to K1 (blocked, 2025-10-08T12:00:00); score the case again" in out
    after = scored(case)
    assert before["indicators"]["after_notice_acts"]["value"] == 5
    assert after["by"]["K1"]["indicators"]["after_notice_acts"]["value"] == 6
    assert any(n["note"].startswith(f"list entry {e}: ") and n["effective"] for n in after["notices"])
    (mine,) = (c for c in listed(case)["candidates"] if c["entry"] == e)
    assert (mine["state"], mine["note"]) == ("accepted", 'her statement "a"\nb')
    assert run(capsys, "verify", case)[0] == 0


def test_taking_the_table_out_undoes_it(case: Path) -> None:
    before = listed(case), scored(case)
    accept(case, entry(case, MAN), at="2025-10-08", reason="r")
    assert (listed(case), scored(case)) != before
    (case / "case.toml").write_text(CASE, encoding="utf-8")
    assert (listed(case), scored(case)) == before


def test_accepting_again_changes_nothing_and_the_contrary_is_an_error(
    case: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    e = entry(case, MAN)
    accept(case, e, at="2025-10-08T12:00:00", reason="r")
    text, entries = (case / "case.toml").read_bytes(), len(log(case))
    for more in ([], ["--at", "2025-10-08T12:00:00"], ["--kind", "blocked", "--contact", "K1"]):
        status, out, _ = run(capsys, "notices", case, "--accept", e, *more, "--reason", "another")
        assert status == 0 and "before; nothing was changed" in out
    for more in (["--at", "2025-10-08"], ["--kind", "told_to_stop"]):
        status, _, err = run(capsys, "notices", case, "--accept", e, *more, "--reason", "r")
        assert status == 2 and "take that [[notice]] out of case.toml first" in err
    status, _, err = run(capsys, "notices", case, "--refuse", e, "--reason", "r")
    assert status == 2 and "was accepted as a notice; take its [[notice]] out of case.toml first" in err
    assert (case / "case.toml").read_bytes() == text and len(log(case)) == entries


def test_an_entry_of_somebody_undeclared_needs_the_contact_and_joins_nobody(case: Path) -> None:
    e, before = entry(case, UNKNOWN), scored(case)
    with pytest.raises(
        UserError,
        match=f"names {undeclared_id(UNKNOWN)}, who is not declared: name the declared contact with --contact",
    ):
        accept(case, e, at="2025-10-08", reason="r")
    done = accept(case, e, at="2025-10-08", contact="K2", reason="r")
    assert f"{UNKNOWN} is not joined to K2 by it" in done.sentence
    after = scored(case)
    assert after["by"].keys() == before["by"].keys()
    assert [f["identifiers"] for f in after["findings"]] == [f["identifiers"] for f in before["findings"]]
    assert accept(case, e, contact="K2", reason="r").head is None
    with pytest.raises(UserError, match="was accepted as a notice to K2"):
        accept(case, e, contact="K1", reason="r")


def test_an_entry_with_a_date_needs_none_but_a_kind(case: Path) -> None:
    e = entry(case, "instagram:dauren.t")
    with pytest.raises(UserError, match="say with --kind what it was, told_to_stop, blocked"):
        accept(case, e, contact="K2", reason="r")
    done = accept(case, e, contact="K2", kind="told_to_stop", reason="r")
    assert "(told_to_stop, 2025-10-06T10:00:00+05:00)" in done.sentence
    assert (
        (case / "case.toml")
        .read_text(encoding="utf-8")
        .endswith(f'at = 2025-10-06T10:00:00+05:00\nkind = "told_to_stop"\nbasis = "list entry {e}: r"\n')
    )


def test_another_date_than_the_entrys_own_is_said(case: Path) -> None:
    done = accept(case, entry(case, "instagram:dauren.t"), at="2025-10-08", contact="K2", kind="blocked", reason="r")
    assert "the entry itself is of 2025-10-06T10:00:00+05:00" in done.sentence
    done = accept(case, entry(case, MAN), at="2025-10-08", reason="r")
    assert "the entry itself" not in done.sentence


def test_the_same_list_exported_again_is_decided_already(case: Path, tmp_path: Path) -> None:
    e = entry(case, MAN)
    accept(case, e, at="2025-10-08", reason="r")
    (tmp_path / "again.db").write_bytes(block_list(MAN))
    assert main(["ingest", str(case), str(tmp_path / "again.db")]) == 0
    (mine,) = (c for c in listed(case)["candidates"] if c["identifier"] == MAN)
    assert mine["state"] == "accepted"
    other = next(i for i in (mine["entry"], *mine["further_entries"]) if i != e)
    assert accept(case, other, reason="r").head is None


# Refusing -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("basis", ["device", "journal"])
def test_a_notice_of_a_record_is_refused(case: Path, capsys: pytest.CaptureFixture[str], basis: str) -> None:
    r = record(case, basis)
    status, out, _ = run(capsys, "notices", case, "--refuse", r, "--reason", "by mistake")
    assert status == 0 and f"{r} is refused as a notice" in out
    assert (case / "case.toml").read_text(encoding="utf-8") == (
        CASE + f'\n[[notice_refused]]\nrecord = "{r}"\nreason = "by mistake"\n'
    )
    assert log(case)[-1]["arguments"] == [f"--refuse={r}"] and "mistake" not in json.dumps(log(case)[-1])
    (told,) = (n for n in scored(case)["notices"] if n["record"] == r)
    assert (told["refused"], told["effective"], told["note"]) == (True, False, "by mistake")
    entries = len(log(case))
    status, out, _ = run(capsys, "notices", case, "--refuse", r, "--reason", "again")
    assert status == 0 and "was refused before; nothing was changed" in out and len(log(case)) == entries
    _, out, _ = run(capsys, "notices", case)
    assert "1 effective; 1 refused" in out and "by mistake" in out
    assert run(capsys, "verify", case)[0] == 0


def test_an_entry_is_refused_and_remembered(case: Path, capsys: pytest.CaptureFixture[str]) -> None:
    e, before = entry(case, MAN), scored(case)
    status, out, _ = run(capsys, "notices", case, "--refuse", e, "--reason", "a joke")
    assert status == 0 and f"{e} is refused as a candidate: it is not offered again" in out
    assert scored(case) == before
    (mine,) = (c for c in listed(case)["candidates"] if c["entry"] == e)
    assert (mine["state"], mine["note"]) == ("refused", "a joke")
    assert refuse(case, e, reason="r").head is None
    _, out, _ = run(capsys, "notices", case)
    assert "3 open, of which 2 need a date, 0 accepted and 1 refused before" in out
    assert f"--accept '{e}'" not in out
    with pytest.raises(UserError, match="was refused as a notice; take its "):
        accept(case, e, at="2025-10-08", reason="r")


def test_a_further_record_of_a_notice_is_that_notice(tmp_path: Path) -> None:
    s = Store()
    kept = s.event("2025-10-01T10:00:00", "+77010000002", source="a", kind="block", direction="out", actor="owner")
    other = s.event("2025-10-01T10:00:00", "+77010000002", source="b", kind="block", direction="out", actor="owner")
    resolved = s.resolve()
    for r in (kept, other):
        assert (notices._notice(resolved, r) or {})["record_id"] == kept
    assert notices._notice(resolved, "0123456789ab#1") is None


# Wrong use ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--accept", "@MAN"], "need --reason TEXT"),
        (["--refuse", "@MAN"], "need --reason TEXT"),
        (["--accept", "@MAN", "--reason", " "], "give a reason"),
        (["--refuse", "@MAN", "--reason", " "], "give a reason"),
        (["--reason", "r"], "--reason goes with --accept or --refuse"),
        (["--at", "2025-10-08"], "go with --accept"),
        (["--refuse", "@MAN", "--reason", "r", "--contact", "K1"], "go with --accept"),
        (["--accept", "@MAN", "--reason", "r", "--json"], "--json and --all go with the lists"),
        (["--accept", "@MAN", "--reason", "r"], "has no date of its own: say with --at when it was"),
        (["--accept", "@MAN", "--reason", "r", "--at", "8 October"], "is no time; write it as in case.toml"),
        (["--accept", "@MAN", "--reason", "r", "--at", "2025-13-08"], "is no time"),
        (["--accept", "@MAN", "--reason", "r", "--at", "2025-10-08T12:00"], "is no time"),
        (["--accept", "@MAN", "--reason", "r", "--at", "2025-10-08T12:00:00+25:00"], "is no time"),
        (["--accept", "@MAN", "--reason", "r", "--at", '2025-10-08"\n[[x]]'], "is no time"),
        (["--accept", "@MAN", "--reason", "r", "--at", "1066-10-14"], "must lie between 1990 and 2034"),
        (["--accept", "@MAN", "--reason", "r", "--at", "2025-10-08", "--kind", "angry"], "--kind 'angry' is not known; allowed are told_to_stop"),
        (["--accept", "@MAN", "--reason", "r", "--at", "2025-10-08", "--contact", "K9"], "'K9' is no declared contact; known are: K1, K2"),
        (["--accept", "@MAN", "--reason", "r", "--at", "2025-10-08", "--contact", "K2"], "names K1, who is declared, and not K2"),
        (["--accept", "@MAN", "--reason", "\udcff", "--at", "2025-10-08"], "characters that are no text"),
        (["--accept", "@BLOCK", "--reason", "r"], "is a notice already"),
        (["--accept", "K1", "--reason", "r"], "is no id of an entry"),
        (["--accept", "0123456789ab#1", "--reason", "r"], "no entry 0123456789ab#1 of a list in this case"),
        (["--refuse", "K1", "--reason", "r"], "is no id of a record"),
        (["--refuse", "0123456789ab#1", "--reason", "r"], "is no notice and no entry of a list in this case"),
        (["--refuse", "@SMS", "--reason", "r"], "is no notice and no entry of a list in this case"),
        (["--refuse", "@MAN", "--reason", "\udcff"], "characters that are no text"),
    ],
)  # fmt: skip
def test_wrong_use_changes_nothing(
    case: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], words: str
) -> None:
    message = scoring.load_case(case).resolved.tables.events.filter(
        [c == "sms" for c in scoring.load_case(case).resolved.tables.events["channel"].to_pylist()]
    )["event_id"][0]
    ids = {"@MAN": entry(case, MAN), "@BLOCK": record(case, "device"), "@SMS": message.as_py()}
    before, entries = (case / "case.toml").read_bytes(), log(case)
    status, _, err = run(capsys, "notices", case, *(ids.get(a, a) for a in arguments))
    assert status == 2
    assert words in err and err.count("\n") == 1
    assert (case / "case.toml").read_bytes() == before and log(case) == entries


def test_accept_and_refuse_at_once_is_wrong_use(case: Path) -> None:
    with pytest.raises(SystemExit) as left:
        main(["notices", str(case), "--accept", "x", "--refuse", "y"])
    assert left.value.code == 2


def test_a_folder_that_is_no_case(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, _, err = run(capsys, "notices", tmp_path)
    assert status == 2 and err.startswith("qorgan notices: ") and "is no case" in err
    assert list(tmp_path.iterdir()) == []


# How it is written ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("old", "end"),
    [
        (CASE.encode(), b"\n"),
        (CASE.rstrip("\n").encode(), b"\n"),
        (CASE.replace("\n", "\r\n").encode(), b"\r\n"),
        (b"\xef\xbb\xbf" + CASE.encode() + b"# the last word", b"\n"),
    ],
    ids=["as it is", "no last line feed", "crlf", "bom and comment"],
)
def test_what_the_person_wrote_stays_byte_for_byte(case: Path, old: bytes, end: bytes) -> None:
    path, e = case / "case.toml", entry(case, MAN)
    path.write_bytes(old)
    path.chmod(0o640)
    accept(case, e, at="2025-10-08 12:00:00", reason="r")
    new = path.read_bytes()
    assert new.startswith(old) and path.stat().st_mode & 0o777 == 0o640
    assert new[len(old) :] == end * (1 if old.endswith(b"\n") else 2) + end.join(
        [b"[[notice]]", b'contact = "K1"', b"at = 2025-10-08T12:00:00", b'kind = "blocked"', b'basis = "list entry %s: r"' % e.encode(), b""]
    )  # fmt: skip
    refuse(case, record(case, "device"), reason="r")
    assert path.read_bytes().startswith(new)
    assert len(declared(case).notices) == len(declared(case).notices_refused) == 1


def test_a_file_with_inline_notices_is_not_touched(case: Path) -> None:
    path, e = case / "case.toml", entry(case, MAN)
    text = 'notice = [{contact = "K1", at = 2025-10-01, kind = "blocked"}]\n' + CASE
    path.write_text(text, encoding="utf-8")
    with pytest.raises(UserError, match="the decision cannot be written, and nothing was changed"):
        accept(case, e, at="2025-10-08", reason="r")
    assert path.read_text(encoding="utf-8") == text


def test_what_cannot_be_noted_is_not_done(case: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before, e = (case / "case.toml").read_bytes(), entry(case, MAN)

    def full(*_: object, **__: object) -> str:
        raise UserError("custody.jsonl cannot be written: No space left on device")

    monkeypatch.setattr(custody, "append", full)
    with pytest.raises(UserError, match="No space left"):
        accept(case, e, at="2025-10-08", reason="r")
    with pytest.raises(UserError, match="No space left"):
        refuse(case, e, reason="r")
    assert (case / "case.toml").read_bytes() == before


def test_a_file_that_was_changed_meanwhile_is_not_overwritten(case: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, e = case / "case.toml", entry(case, MAN)

    def meanwhile(new: bytes, name: str) -> CaseFile:
        path.write_text(CASE + "# a person writes\n", encoding="utf-8")
        return case_append.read_back(new, name)

    monkeypatch.setattr(notices, "read_back", meanwhile)
    with pytest.raises(UserError, match="changed meanwhile"):
        accept(case, e, at="2025-10-08", reason="r")
    assert path.read_text(encoding="utf-8").endswith("# a person writes\n")


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=60))
def test_any_reason_is_kept_as_it_was_given(reason: str) -> None:
    draft = case_append.Draft(Path(), Path("case.toml"), CASE.encode(), parse(CASE), "notices")
    new = draft.with_tables([("notice_refused", {"record": "0123456789ab#1", "reason": f"x{reason}"})])
    kept = case_append.read_back(new, "case.toml").notices_refused[-1].reason
    assert kept == unicodedata.normalize("NFC", f"x{reason}")


@settings(max_examples=300, deadline=None)
@given(
    st.sampled_from(PRECISIONS), st.integers(us("2000-01-01T00:00:00"), us("2030-01-01T00:00:00")),
    st.sampled_from(["Asia/Almaty", "Europe/Berlin", "+00:00", "Asia/Kathmandu"]),
)  # fmt: skip
def test_an_entrys_own_time_is_never_before_the_latest_that_it_allows(precision: str, at: int, zone: str) -> None:
    span = PRECISION_SPAN_US[precision]
    times = Times(*moment_utc(Moment(at // span * span, None, precision), zone))
    written = own_time(times, "Asia/Almaty")
    _, low, high = moment_utc(notices._moment(written), "Asia/Almaty")
    assert high >= times.high and high - times.high < 1_000_000
    assert low >= times.low


@pytest.mark.parametrize(
    ("at", "precision", "zone", "written"),
    [
        ("2025-10-02T18:30:15", "s", "Asia/Almaty", "2025-10-02T18:30:15+05:00"),
        ("2025-10-02T18:30:00", "min", "Asia/Almaty", "2025-10-02T18:30:59+05:00"),
        ("2025-10-02T00:00:00", "day", "Asia/Almaty", "2025-10-02"),
        ("2025-10-02T00:00:00", "day", "+03:00", "2025-10-03T01:59:59+05:00"),
        ("2025-10-02T18:30:15.250", "ms", "+00:00", "2025-10-02T23:30:15.250000+05:00"),
        ("2024-02-29T23:30:00", "s", "Asia/Almaty", "2024-02-29T23:30:00+05:00"),
    ],
)
def test_how_an_entrys_own_time_is_written(at: str, precision: str, zone: str, written: str) -> None:
    times = Times(*moment_utc(Moment(us(at), None, precision), zone))
    assert own_time(times, "Asia/Almaty").isoformat() == written


@pytest.mark.parametrize(
    "text",
    [
        "2025-10-02",
        "2025-10-02T18:30:00",
        "2025-10-02 18:30:00",
        "2025-10-02T18:30:00Z",
        "2025-10-02T18:30:00.123+06:00",
    ],
)
def test_times_are_read_as_case_toml_reads_them(text: str) -> None:
    at = notices._parsed(text)
    assert isinstance(at, datetime if len(text) > 10 else date)
    toml = f'{CASE}\n[[notice]]\ncontact = "K1"\nat = {text}\nkind = "blocked"\n'
    assert parse(toml).notices[0].at == notices._moment(at)


def test_nothing_of_a_note_or_a_reason_is_in_the_lists(case: Path) -> None:
    assert SECRET not in json.dumps(listed(case))
