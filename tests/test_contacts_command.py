"""``qorgan contacts``: suggestions, and decisions that are written to the end of case.toml, from exports to a verified case."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]
import pytest

from pipelines import case_file, decisions, scoring, statutes
from pipelines.cli import main
from pipelines.errors import UserError
from pipelines.resources import data_dir
from pipelines.store import custody
from tests.test_cli import sms

OLD, NEW, OTHER = "+77770000002", "+77770000055", "+77051234567"
CASE = f"""\
# the analyst's own words stay
[case]
id = "c1"
timezone = "Asia/Almaty"
basis = "consent"

[owner]
name = "Aigerim"
identifiers = ["+77010000001"]

[[contact]]
id = "K1"
label = "man"
role = "former_partner"
identifiers = ["{OLD}"]

[[contact]]
id = "K2"
identifiers = ["+77012223344"]

[[notice]]
contact = "K1"
at = 2025-10-12T12:00:00
kind = "blocked"
"""
DAY = 1440
ROWS = (
    *((OLD, str(k * DAY)) for k in range(6)),
    *((NEW, str(k * DAY + 20)) for k in range(8, 16)),
    *((OTHER, str(k * DAY + 300)) for k in range(9, 12)),
)


@pytest.fixture
def case(tmp_path: Path) -> Path:
    folder = tmp_path / "case"
    folder.mkdir()
    (folder / "case.toml").write_text(CASE, encoding="utf-8")
    (tmp_path / "sms.xml").write_bytes(sms(*ROWS))
    assert main(["ingest", str(folder), str(tmp_path / "sms.xml")]) == 0
    return folder


def scored(folder: Path) -> dict[str, dict[str, Any]]:
    document = scoring.score_loaded(scoring.load_case(folder), statutes.profile("kz-115-1")).document
    return {f["contact_id"]: f for f in document["findings"]}


def candidate(folder: Path, number: str = NEW) -> str:
    return next(i for i, f in scored(folder).items() if f["identifiers"] == [number])


def run(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> tuple[int, str, str]:
    capsys.readouterr()
    status = main([str(a) for a in arguments])
    said = capsys.readouterr()
    assert "Traceback" not in said.out + said.err
    return status, said.out, said.err


def log(folder: Path) -> list[dict[str, Any]]:
    return [e for _, _, e in custody.entries(folder) if e is not None]


def test_suggestions_are_listed_with_reasons_and_change_nothing(case: Path, capsys: pytest.CaptureFixture[str]) -> None:
    u, before = candidate(case), (case / "case.toml").read_bytes()
    status, out, _ = run(capsys, "contacts", case)
    assert status == 0
    assert u in out and NEW in out and "isolated → systematic" in out
    assert "+2 first act 46 hours after the block of 2025-10-12T12:00:00+05:00" in out
    assert "+2 the contact's acts on that channel ended 3 days before, and did not come back" in out
    assert "+1 1 number like one of the contact's but for the last digits" in out
    assert f"--accept {u} --as K1" in out
    assert out.rstrip().endswith("2 suggestions for 1 contact; 0 accepted and 0 refused before")
    assert (case / "case.toml").read_bytes() == before
    assert log(case)[-1]["command"] == "contacts"


def test_accepting_gives_what_was_shown_and_is_in_the_custody_log(
    case: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    u = candidate(case)
    before = scored(case)
    (promised,) = (h for h in before["K1"]["hypotheses"] if h.get("contact_id") == u)
    assert before["K1"]["verdict"] != promised["with"]["verdict"] == "systematic"
    status, out, _ = run(capsys, "contacts", case, "--accept", u, "--as", "K1", "--reason", 'signs "his" name\nSECRET')
    assert status == 0
    assert (case / "case.toml").read_text(encoding="utf-8") == CASE + (
        f'\n[[same_person]]\ncontact = "K1"\nidentifier = "{NEW}"\naccepted = true\nreason = "signs \\"his\\" name\\nSECRET"\n'
    )
    entry = log(case)[-1]
    assert (entry["command"], entry["arguments"]) == ("contacts", [f"--accept={u}", "--as=K1"])
    assert "SECRET" not in json.dumps(entry) and NEW not in json.dumps(entry)
    assert f"custody head: {entry['hash']}" in out
    after = scored(case)
    assert u not in after
    mine = after["K1"]
    assert mine["identifiers"] == [OLD, NEW]
    for name in ("verdict", "reason", "points", "first_met"):
        assert mine[name] == promised["with"][name]
    assert [{"id": e["id"], "status": e["status"]} for e in mine["elements"]] == promised["with"]["elements"]
    for name, n in promised["with"]["indicators"].items():
        assert mine["indicators"][name]["value"] == n["with"]
    told = [h for h in mine["hypotheses"] if "decision" in h]
    assert told == [{"decision": "accepted", "identifiers": [NEW], "note": 'signs "his" name\nSECRET'}]
    assert run(capsys, "score", case)[0] == 0
    status, out, _ = run(capsys, "explain", case, "K1")
    assert f"{NEW} was accepted" in out and "to undo it" in out
    assert run(capsys, "verify", case)[0] == 0


def test_taking_the_table_out_undoes_it(case: Path) -> None:
    before = scored(case)
    decisions.decide(case, candidate(case), "K1", accepted=True, reason="r")
    assert scored(case) != before
    (case / "case.toml").write_text(CASE, encoding="utf-8")
    assert scored(case) == before


def test_refusing_keeps_it_away_and_says_so(case: Path, capsys: pytest.CaptureFixture[str]) -> None:
    u, before = candidate(case), scored(case)
    assert run(capsys, "contacts", case, "--refuse", NEW, "--as", "K1", "--reason", "her cousin")[0] == 0
    assert log(case)[-1]["arguments"] == [f"--refuse={u}", "--as=K1"]
    after = scored(case)
    assert {i: f for i, f in after.items() if i not in (u, "K1")} == {
        i: f for i, f in before.items() if i not in (u, "K1")
    }
    beside = ("hypotheses", "robustness")  # what would be with it is a perturbation too
    for i in (u, "K1"):
        left, right = ({k: v for k, v in found[i].items() if k not in beside} for found in (after, before))
        assert left == right
    assert after[u]["hypotheses"] == []
    assert u not in [h.get("contact_id") for h in after["K1"]["hypotheses"]]
    _, out, _ = run(capsys, "contacts", case)
    assert "her cousin" in out and "refused" in out
    assert "1 suggestion for 1 contact; 0 accepted and 1 refused before" in out
    assert run(capsys, "verify", case)[0] == 0


def test_deciding_again_says_so_and_the_contrary_is_an_error(case: Path, capsys: pytest.CaptureFixture[str]) -> None:
    u = candidate(case)
    assert run(capsys, "contacts", case, "--accept", u, "--as", "K1", "--reason", "r")[0] == 0
    text, entries = (case / "case.toml").read_bytes(), len(log(case))
    status, out, _ = run(capsys, "contacts", case, "--accept", u, "--as", "K1", "--reason", "another")
    assert status == 0 and "was accepted as K1 before; nothing was changed" in out
    for how, who in (("--refuse", "K1"), ("--accept", "K2"), ("--refuse", "K2")):
        status, _, err = run(capsys, "contacts", case, how, u, "--as", who, "--reason", "r")
        assert status == 2 and "take that [[same_person]] out of case.toml first" in err
    assert (case / "case.toml").read_bytes() == text and len(log(case)) == entries
    decisions.decide(case, candidate(case, OTHER), "K1", accepted=False, reason="a shop")
    decisions.decide(case, candidate(case, OTHER), "K2", accepted=True, reason="it is K2's")
    assert scored(case)["K2"]["identifiers"] == ["+77012223344", OTHER]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--accept", "u-0123456789", "--as", "K1", "--reason", "r"], "no contact 'u-0123456789' in this case"),
        (["--accept", NEW, "--as", "K9", "--reason", "r"], "'K9' is no declared contact; known are: K1, K2"),
        (["--accept", NEW, "--as", "u-0123456789", "--reason", "r"], "declare it with a [[contact]] first"),
        (["--accept", OLD, "--as", "K1", "--reason", "r"], "is declared in case.toml (K1)"),
        (["--accept", NEW, "--as", "K1", "--reason", "  "], "give a reason"),
        (["--accept", NEW, "--as", "K1"], "need --as CONTACT and --reason TEXT"),
        (["--accept", NEW, "--reason", "r"], "need --as CONTACT and --reason TEXT"),
        (["--as", "K1"], "go with --accept or --refuse"),
        (["--accept", NEW, "--as", "K1", "--reason", "\udcff"], "characters that are no text"),
    ],
)
def test_wrong_use_changes_nothing(
    case: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], words: str
) -> None:
    before, entries = (case / "case.toml").read_bytes(), log(case)
    status, _, err = run(capsys, "contacts", case, *arguments)
    assert status == 2
    assert words in err and err.count("\n") == 1
    assert (case / "case.toml").read_bytes() == before and log(case) == entries


@pytest.mark.parametrize(
    ("old", "end"),
    [
        (CASE.encode(), b"\n"),
        (CASE.rstrip("\n").encode(), b"\n"),
        (CASE.replace("\n", "\r\n").encode(), b"\r\n"),
        (CASE.replace("\n", "\r\n").rstrip().encode(), b"\r\n"),
        (b"\xef\xbb\xbf" + CASE.encode() + b"# the last word, without a line feed", b"\n"),
    ],
    ids=["as it is", "no last line feed", "crlf", "crlf without the last", "bom and comment"],
)
def test_what_the_person_wrote_stays_byte_for_byte(case: Path, old: bytes, end: bytes) -> None:
    path = case / "case.toml"
    path.write_bytes(old)
    path.chmod(0o640)
    decisions.decide(case, NEW, "K1", accepted=True, reason="r")
    new = path.read_bytes()
    assert new.startswith(old)
    added = new[len(old) :]
    assert added == end * (1 if old.endswith(b"\n") else 2) + end.join(
        [
            b"[[same_person]]",
            b'contact = "K1"',
            b'identifier = "%s"' % NEW.encode(),
            b"accepted = true",
            b'reason = "r"',
            b"",
        ]
    )
    assert path.stat().st_mode & 0o777 == 0o640
    assert case_file.load(path).same_person[0].reason == "r"
    assert scored(case)["K1"]["identifiers"] == [OLD, NEW]


def test_a_file_with_a_fault_is_not_touched(case: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = case / "case.toml"
    path.write_text(CASE + "[[same_person]]\n", encoding="utf-8")
    before = path.read_bytes()
    status, _, err = run(capsys, "contacts", case, "--accept", NEW, "--as", "K1", "--reason", "r")
    assert status == 2 and "same_person[1].contact: is missing" in err
    assert path.read_bytes() == before


def test_what_cannot_be_noted_is_not_done(case: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = (case / "case.toml").read_bytes()

    def full(*_: object, **__: object) -> str:
        raise UserError("custody.jsonl cannot be written: No space left on device")

    monkeypatch.setattr(custody, "append", full)
    with pytest.raises(UserError, match="No space left"):
        decisions.decide(case, NEW, "K1", accepted=True, reason="r")
    assert (case / "case.toml").read_bytes() == before


def test_a_file_that_was_changed_meanwhile_is_not_overwritten(case: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = case / "case.toml"
    check = decisions._check

    def meanwhile(*arguments: Any) -> None:
        check(*arguments)
        path.write_text(CASE + "# a person writes\n", encoding="utf-8")

    monkeypatch.setattr(decisions, "_check", meanwhile)
    with pytest.raises(UserError, match="changed meanwhile"):
        decisions.decide(case, NEW, "K1", accepted=True, reason="r")
    assert path.read_text(encoding="utf-8").endswith("# a person writes\n")


def test_explain_shows_both_sides(case: Path, capsys: pytest.CaptureFixture[str]) -> None:
    u = candidate(case)
    _, out, _ = run(capsys, "explain", case, "K1")
    assert f"{u} ({NEW}) may be K1" in out
    assert "without: " in out and "with:    systematic" in out and "Acts: 6 acts → 14 acts" in out
    assert f"if all of {u}, {candidate(case, OTHER)} are K1" in out
    _, out, _ = run(capsys, "explain", case, u)
    assert f"{u} may be K1: 9 points" in out


def test_the_document_fits_its_schema(case: Path) -> None:
    schema = json.loads((data_dir() / "schema" / "findings.schema.json").read_text(encoding="utf-8"))
    part = {"$defs": schema["$defs"], **schema["$defs"]["finding"]["properties"]["hypotheses"]}
    found = scored(case)
    jsonschema.Draft202012Validator(part).validate(found["K1"]["hypotheses"])
    assert [sorted(h)[0] for h in found["K1"]["hypotheses"]] == ["against", "against", "left_out"]
    jsonschema.Draft202012Validator(part).validate(found[candidate(case)]["hypotheses"])
    decisions.decide(case, NEW, "K1", accepted=False, reason="r")
    jsonschema.Draft202012Validator(part).validate(scored(case)["K1"]["hypotheses"])
    broken = [{**found["K1"]["hypotheses"][0], "merged": True}]
    assert list(jsonschema.Draft202012Validator(part).iter_errors(broken))


def test_a_name_in_an_app_and_a_person_of_the_journal_can_be_accepted(tmp_path: Path) -> None:
    folder = tmp_path / "case"
    folder.mkdir()
    (folder / "case.toml").write_text(CASE, encoding="utf-8")
    (tmp_path / "journal.csv").write_text(
        "when,contact,kind\n2025-10-13 18:30,the man in grey,seen\n2025-10-14 18:30,the man in grey,waited\n",
        encoding="utf-8",
    )
    assert main(["ingest", str(folder), str(tmp_path / "journal.csv")]) == 0
    assert scored(folder)["K1"]["verdict"] == "insufficient"
    done = decisions.decide(folder, "the man in grey", "K1", accepted=True, reason="recognised on a photograph")
    assert done.identifiers == ("label:the man in grey",)
    after = scored(folder)
    assert set(after) == {"K1", "K2"}
    assert after["K1"]["indicators"]["acts"]["value"] == 2
