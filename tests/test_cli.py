"""The command line as people and scripts meet it: exit status, one sentence for every error, nothing but what was asked for."""

from __future__ import annotations

import ctypes
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from pipelines import originals, scoring, store
from pipelines.cli import main
from pipelines.locate import open_record
from pipelines.store import custody, lock
from tests.shared_data import ROOT

SECRET = "SECRETWORD"
CASE = """\
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
identifiers = ["+77010000002"]
"""
COMMANDS = (
    "demo",
    "init",
    "ingest",
    "remove",
    "score",
    "explain",
    "contacts",
    "show",
    "report",
    "verify",
    "statutes",
    "formats",
    "indicators",
)


@dataclass(frozen=True, slots=True)
class Ran:
    """What a command left behind."""

    status: int
    out: str
    err: str

    @property
    def last(self) -> str:
        return self.out.rstrip("\n").rpartition("\n")[2]


Run = Callable[..., Ran]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """Return a function that runs one command in this process; no command may end in a traceback."""

    def go(*arguments: str | Path) -> Ran:
        capsys.readouterr()
        try:
            status = main([str(a) for a in arguments])
        except SystemExit as left:  # argparse
            status = left.code if isinstance(left.code, int) else 2
        said = capsys.readouterr()
        assert "Traceback" not in said.out + said.err
        assert status in (0, 1, 2)
        assert "\x1b" not in said.out + said.err, "an escape reached the terminal"
        return Ran(status, said.out, said.err)

    return go


def sms(*rows: tuple[str, str], body: str = SECRET) -> bytes:
    """Make a backup of messages: (number, minutes after 2025-10-06T05:00Z)."""
    lines = "".join(
        f'<sms protocol="0" address="{number}" date="{1_759_726_800_000 + int(minutes) * 60_000}" type="1" subject="null" body="{body}" '
        f'toa="null" sc_toa="null" service_center="null" read="1" status="-1" locked="0" contact_name="(Unknown)" />\n'
        for number, minutes in rows
    )
    return f"<?xml version='1.0' encoding='UTF-8' standalone='yes' ?>\n<smses count=\"{len(rows)}\">\n{lines}</smses>\n".encode()


DAYS = tuple(("+77010000002", str(k * 1440)) for k in range(9))
CHAT = "".join(
    f"03/0{k}/2025, 10:0{k} - {who}: {SECRET} {k}\n" for k in range(1, 8) for who in ("Daniyar", "Aigerim")
).encode()
JOURNAL = b"when,contact,kind,note\n2025-10-07 18:30,K1,seen," + SECRET.encode() + b"\n2025-10-08,man,waited,\n"


def make(folder: Path, text: str = CASE) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "case.toml").write_text(text, encoding="utf-8")
    return folder


@pytest.fixture
def case(tmp_path: Path) -> Path:
    """A case without anything ingested."""
    return make(tmp_path / "case")


@pytest.fixture
def exports(tmp_path: Path) -> Path:
    folder = tmp_path / "exports"
    folder.mkdir()
    (folder / "sms.xml").write_bytes(sms(*DAYS))
    (folder / "journal.csv").write_bytes(JOURNAL)
    return folder


@pytest.fixture
def full(case: Path, exports: Path, run: Run) -> Path:
    """A case with two sources."""
    assert run("ingest", case, exports).status == 0
    return case


def tree(folder: Path) -> dict[str, bytes]:
    return {
        str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file() and p.name != lock.NAME
    }


def one_sentence(ran: Ran, *words: str) -> None:
    """Say that a command refused: status 2, one line, these words in it, nothing on stdout."""
    assert ran.status == 2
    assert ran.err.count("\n") == 1 and ran.err.startswith("qorgan "), ran.err
    for word in words:
        assert word in ran.err, ran.err


# Help and wrong use -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help(command: str, run: Run) -> None:
    ran = run(command, "--help")
    assert ran.status == 0
    assert ran.out.startswith(f"usage: qorgan {command}") and not ran.err


def test_help_names_what_works_and_nothing_else(run: Run) -> None:
    ran = run("--help")
    assert ran.status == 0
    listed = re.findall(r"^    ([a-z]+)", ran.out, re.M)
    assert set(COMMANDS) <= set(listed)
    assert not set(listed) & {"export", "validate", "erase", "seal"}
    assert "exit status: 0 done; 1 done, but" in " ".join(ran.out.split())


def test_nothing_is_wrong_use(run: Run) -> None:
    ran = run()
    assert ran.status == 2 and ran.out.startswith("usage: qorgan")


@pytest.mark.parametrize("arguments", [["--version"], ["--version", "--version"]])
def test_version(arguments: list[str], run: Run) -> None:
    ran = run(*arguments)
    assert ran.status == 0 and re.fullmatch(r"qorgan \d+\.\d+\S*\n", ran.out)


@pytest.mark.parametrize(
    "arguments",
    [["nonsense"], ["score"], ["ingest", "case"], ["ingest"], ["show", "case"], ["explain", "case"], ["remove", "case"], ["score", "case", "--nope"],
     ["score", "a", "b"], ["--nope"], ["verify", "case", "--head"], ["statutes", "a", "b"], ["indicators", "x"]],
)  # fmt: skip
def test_wrong_arguments(arguments: list[str], run: Run) -> None:
    ran = run(*arguments)
    assert ran.status == 2 and not ran.out and "usage: qorgan" in ran.err


def test_complaints_about_arguments_show_names_harmlessly(run: Run) -> None:
    """A glob of a shell hands over names that strangers chose."""
    ran = run("verify", "case", "a\x1b]0;owned\x07b\u202e\nqorgan: everything agrees.txt")
    assert ran.status == 2
    assert "\\x1b]0;owned\\x07" in ran.err and "\nqorgan: everything" not in ran.err


@pytest.mark.parametrize("command", ["ingest", "remove", "score", "explain", "show", "report", "verify"])
def test_no_case(command: str, tmp_path: Path, run: Run) -> None:
    known: dict[str, list[str | Path]] = {"ingest": [tmp_path], "remove": ["x"], "explain": ["K1"], "show": ["K1"]}
    more = known.get(command, [])
    for folder in (tmp_path / "nowhere", tmp_path, tmp_path / "ca\x1b[31mse"):
        one_sentence(run(command, folder, *more), "is no case", "qorgan init")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("command", ["score", "explain", "show", "report", "remove"])
def test_a_case_without_anything_ingested(command: str, case: Path, run: Run) -> None:
    more = {"remove": ["x"], "explain": ["K1"], "show": ["K1"]}.get(command, [])
    one_sentence(run(command, case, *more), "nothing was ingested")
    assert sorted(tree(case)) == ["case.toml"]


# init -------------------------------------------------------------------------------------------------------------------


def test_init_writes_a_case_file_that_is_accepted(tmp_path: Path, run: Run) -> None:
    folder = tmp_path / "cases" / "2025-0417"
    ran = run("init", folder, "--timezone", "Asia/Aqtobe")
    assert ran.status == 0 and "qorgan ingest" in ran.last
    written = tomllib.loads((folder / "case.toml").read_text(encoding="utf-8"))
    assert written["case"] == {"id": "2025-0417", "timezone": "Asia/Aqtobe"}
    # without a basis nothing is ingested
    (tmp_path / "a.xml").write_bytes(sms(*DAYS))
    one_sentence(run("ingest", folder, tmp_path / "a.xml"), "no legal basis", 'basis = "consent"')
    before = tree(folder)
    one_sentence(run("init", folder), "is there already; nothing was changed")
    assert tree(folder) == before


@pytest.mark.parametrize(
    "arguments",
    [["--timezone", "Asia/Nowhere"], ["--timezone", "+05:00"], ["--id", "a\nb"], ["--id", " "], ["--id", "\x1b[31m"]],
)
def test_init_refuses(arguments: list[str], tmp_path: Path, run: Run) -> None:
    assert run("init", tmp_path / "new", *arguments).status == 2
    assert list(tmp_path.iterdir()) == []


def test_init_where_no_folder_can_be(tmp_path: Path, run: Run) -> None:
    (tmp_path / "fi\x1ble").write_text("x")
    one_sentence(run("init", tmp_path / "fi\x1ble" / "case"), "fi\\u001ble")
    one_sentence(run("init", tmp_path / "fi\x1ble"))


# case.toml --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (CASE.replace("label =", "lable ="), ["line 12", "contact[1].lable", "did you mean label", "id, label, role, identifiers"]),
        (CASE + '[[contact]]\nid = "K2"\nidentifiers = ["8 701 000 00 02"]\n', ["claimed by contact K1 and by contact K2"]),
        (CASE.replace('"+77010000002"', '"+77010000001"'), ["claimed by the owner and by contact K1"]),
        (CASE + "[[plaice]]\n", ["plaice", "did you mean place"]),
        (CASE.replace("Asia/Almaty", "Asia/Alma"), ["no time zone", "Asia/Almaty"]),
        (CASE.replace("former_partner", "stalker"), ["'stalker' is not known", "allowed are", "former_partner"]),
        (CASE + '[[notice]]\ncontact = "K9"\nat = 2025-10-02\nkind = "blocked"\n', ["'K9' is no declared contact"]),
        (CASE.replace("[case]", "[case"), ["not valid TOML"]),
        ("\x00", ["not valid TOML"]), ("", ["[case]: is missing", "[owner]: is missing"]),
    ],
)  # fmt: skip
def test_a_broken_case_file_is_told_with_line_and_key(
    text: str, words: list[str], full: Path, exports: Path, run: Run
) -> None:
    (full / "case.toml").write_text(text, encoding="utf-8")
    before = tree(full)
    for arguments in (["ingest", full, exports], ["score", full], ["explain", full, "K1"], ["report", full]):
        ran = run(*arguments)
        assert ran.status == 2 and not ran.out
        for word in ["case.toml", *words]:
            assert word in ran.err
    assert tree(full) == before


def test_a_case_file_that_is_no_utf8(case: Path, run: Run) -> None:
    (case / "case.toml").write_bytes(CASE.replace("man", "ман").encode("cp1251"))
    one_sentence(run("score", case), "not UTF-8", "line 12")


def test_options_that_contradict(full: Path, run: Run) -> None:
    extra = "".join(f'[[source]]\nmatch = "*.csv"\ntimezone = "+0{k}:00"\n' for k in (3, 4))
    (full / "case.toml").write_text(CASE + extra, encoding="utf-8")
    one_sentence(run("score", full), "journal.csv", "two [[source]] tables", "timezone")


# ingest -----------------------------------------------------------------------------------------------------------------


def test_ingest_says_what_became_of_every_file_and_ends_with_the_sum(case: Path, exports: Path, run: Run) -> None:
    ran = run("ingest", case, exports)
    assert ran.status == 0 and not ran.err
    assert "stored sms.xml" in ran.out and "as sms-backup-xml: read 9 = kept 9 + rejected 0 + out of scope 0" in ran.out
    assert ran.last == "2 sources stored with 11 records"
    assert re.search(r"^custody head: [0-9a-f]{64}$", ran.out, re.M)
    before = tree(case)
    again = run("ingest", case, exports)
    assert again.status == 0 and again.last == "0 sources stored with 0 records, 2 already there"
    assert tree(case) == before


def test_blocks_for_the_busiest_can_be_pasted(case: Path, tmp_path: Path, run: Run) -> None:
    rows = (
        [("+77010000003", str(k)) for k in range(5)]
        + [("Kaspi&#10;[[contact]]&#27;[31m", str(k)) for k in range(3)]
        + [("7111", "1")]
    )
    (tmp_path / "sms.xml").write_bytes(sms(*rows))
    ran = run("ingest", case, tmp_path / "sms.xml")
    assert ran.status == 0
    block = ran.out[ran.out.index("undeclared contacts") :].partition("\n")[2].partition("custody head")[0]
    (case / "case.toml").write_text(CASE + "\n" + block, encoding="utf-8")
    declared = tomllib.loads(CASE + "\n" + block)["contact"]
    assert len(declared) == 4 and declared[1]["identifiers"] == ["+77010000003"]
    again = run("ingest", case, tmp_path / "sms.xml")
    assert again.status == 0 and "undeclared" not in again.out
    assert {f["contact_id"] for f in json.loads(run("score", case, "--json").out)["findings"]} == {
        c["id"] for c in declared
    }


def test_a_missing_export_changes_nothing(case: Path, exports: Path, run: Run) -> None:
    one_sentence(run("ingest", case, exports, exports / "no\x1bne.xml"), "there is no file or folder")
    assert sorted(tree(case)) == ["case.toml"]


def test_a_file_that_nobody_knows(case: Path, exports: Path, run: Run) -> None:
    (exports / "notes.txt").write_text("nothing that any app writes\n")
    alone = run("ingest", case, exports / "notes.txt")
    assert alone.status == 2 and "no reader knows this format" in alone.out
    assert "custody head: none" in alone.out and alone.last == "0 sources stored with 0 records, 1 of unknown format"
    assert sorted(tree(case)) == ["case.toml"]
    with_others = run("ingest", case, exports)
    assert with_others.status == 1
    assert with_others.last == "2 sources stored with 11 records, 1 of unknown format"


def test_a_file_that_waits_says_what_to_add_and_then_goes_in(case: Path, exports: Path, run: Run) -> None:
    """Every date of the chat could be read as day or as month first."""
    name = "WhatsApp Chat with Daniyar.txt"
    (exports / name).write_bytes(CHAT)
    alone = run("ingest", case, exports / name)
    assert alone.status == 1
    assert f"waiting: {name} (whatsapp-txt)" in alone.out and "add to case.toml and ingest again" in alone.out
    assert alone.last == "0 sources stored with 0 records, 1 waiting for an option"
    assert sorted(tree(case)) == ["case.toml"]
    with_others = run("ingest", case, exports)
    assert with_others.status == 1 and with_others.last == "2 sources stored with 11 records, 1 waiting for an option"
    block = "\n".join(
        line[4:] for line in with_others.out.split("\n") if line.startswith("    ") and "note:" not in line
    )
    block = block[block.index("[[source]]") :].partition("# ")[0] + "\n"
    assert tomllib.loads(block)["source"][0]["match"] == name
    (case / "case.toml").write_text(CASE + block, encoding="utf-8")
    again = run("ingest", case, exports)
    assert again.status == 0, again.out
    assert again.last.startswith("1 source stored with 14 records") and "2 already there" in again.last


def test_a_chat_with_one_sender_waits_until_somebody_says_who_it_is(case: Path, tmp_path: Path, run: Run) -> None:
    """Nothing in the file says whether Daniyar is the owner or the other side: never guessed."""
    chat = tmp_path / "chat.txt"
    chat.write_text("".join(f"2{k}.10.2025, 10:0{k} - Daniyar: {SECRET}\n" for k in range(5)), encoding="utf-8")
    waits = run("ingest", case, chat)
    assert waits.status == 1 and "waiting: chat.txt" in waits.out and "    owner = " in waits.out
    assert sorted(tree(case)) == ["case.toml"]
    for text, acts, outgoing in (
        (CASE.replace('["+77010000002"]', '["+77010000002", "Daniyar"]'), 5, 0),
        (
            CASE + '[[source]]\nmatch = "chat.txt"\nowner = "Daniyar"\n',
            0,
            0,
        ),  # hers, to somebody whom the file does not name
    ):
        folder = make(tmp_path / f"case-{acts}", text)
        assert run("ingest", folder, chat).status == 0
        k1 = json.loads(run("score", folder, "--json").out)["findings"][0]["indicators"]
        assert (k1["acts"]["value"], k1["outgoing"]["value"]) == (acts, outgoing)


def test_rejected_records_are_something_to_look_at(case: Path, tmp_path: Path, run: Run) -> None:
    (tmp_path / "journal.csv").write_bytes(JOURNAL + b"2025-10-09,K1,teleported," + SECRET.encode() + b"\n")
    ran = run("ingest", case, tmp_path / "journal.csv")
    assert ran.status == 1 and "1 record rejected" in ran.last
    assert SECRET not in ran.out


def damaged() -> Iterator[tuple[str, bytes]]:
    """Yield (name, bytes) of exports that something happened to."""
    whole = sms(*DAYS)
    yield "empty.xml", b""
    yield "blank.xml", b"\n\n   \n"
    for share in (0.1, 0.4, 0.6, 0.99):
        yield f"truncated-{share}.xml", whole[: int(len(whole) * share)]
    yield "doubled.xml", whole + whole
    yield "utf16.xml", whole.decode().encode("utf-16")
    yield "koi8.xml", whole.replace(SECRET.encode(), "тайна".encode("koi8-r"))
    yield "zeros.xml", whole.replace(b"address", b"addr\0ss")
    yield "filled.xml", whole + b"\0" * 5000
    yield "swapped.xml", whole.replace(b"date=", b"datum=")
    yield (
        "entities.xml",
        whole.replace(
            b"<smses", b'<!DOCTYPE s [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]><smses', 1
        ).replace(SECRET.encode(), b"&b;&b;&b;"),
    )
    yield "cut.csv", JOURNAL[:-20]
    yield "latin.csv", "when,contact,kind\n2025-10-07,K1,seen\n2025-10-07,\xe9,seen\n".encode("latin-1")
    yield "quote.csv", b'when,contact,kind\n2025-10-07,"K1,seen\n' + b"x" * 3000
    yield "chat.txt", CHAT[: len(CHAT) // 2] + b"\xff\xfe\x00" + CHAT[len(CHAT) // 2 :]
    yield "deep.json", b'{"chats":' * 3000
    yield (
        "cut.json",
        b'{"about": "x", "chats": {"list": [{"name": "'
        + SECRET.encode()
        + b'", "type": "personal_chat", "id": 1, "messages": [{"id": 1,',
    )
    yield "cut.zip", b"PK\x03\x04" + whole[:200]
    yield (
        "cut.gpx",
        b'<?xml version="1.0"?><gpx version="1.1" xmlns="http://www.topografix.com/GPX/1/1"><trk><trkseg><trkpt lat="43.2" lon="76',
    )
    yield (
        "huge-number.json",
        b'{"locations": [{"timestampMs": "' + b"9" * 5000 + b'", "latitudeE7": 432389000, "longitudeE7": 768897000}]}',
    )


DAMAGED = dict(damaged())


@pytest.mark.parametrize("name", sorted(DAMAGED))
def test_damaged_exports_are_told_and_do_not_stop_the_others(name: str, case: Path, exports: Path, run: Run) -> None:
    (exports / name).write_bytes(DAMAGED[name])
    ran = run("ingest", case, exports)
    assert ran.status in (0, 1) and not ran.err
    assert "please report it" not in ran.out, ran.out
    assert name in ran.out
    assert SECRET not in ran.out
    stored = re.findall(r"read (\d+) = kept (\d+) \+ rejected (\d+) \+ out of scope (\d+)", ran.out)
    assert len(stored) >= 2 and all(int(r) == int(k) + int(j) + int(o) for r, k, j, o in stored)
    assert run("verify", case).status == 0
    assert run("score", case).status == 0
    for path in case.rglob("*"):
        assert not path.is_file() or SECRET.encode() not in path.read_bytes()


def test_the_other_records_of_a_truncated_backup_are_not_lost_silently(case: Path, tmp_path: Path, run: Run) -> None:
    (tmp_path / "cut.xml").write_bytes(DAMAGED["truncated-0.6.xml"])
    ran = run("ingest", case, tmp_path / "cut.xml")
    assert ran.status in (1, 2)
    assert re.search(r"(failed|note|rejected|look at)", ran.out)


def zipped(path: Path, members: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, data in members.items():
            archive.writestr(zipfile.ZipInfo(name), data, method)
    return path


def test_members_that_lead_out_of_an_archive(case: Path, tmp_path: Path, run: Run) -> None:
    evil = zipped(
        tmp_path / "evil.zip",
        {"../../evil.xml": sms(*DAYS), "/etc/evil.xml": sms(*DAYS[:3]), "good.xml": sms(*DAYS[:5])},
    )
    before = sorted(tmp_path.rglob("*"))
    ran = run("ingest", case, evil)
    assert ran.status == 1
    assert "failed: evil.zip!../../evil.xml: the name of the member leads out of the archive" in ran.out
    assert "1 source stored with 5 records, 2 failed" in ran.last
    assert [p for p in sorted(tmp_path.rglob("*")) if p not in before and case not in p.parents] == []


def test_an_archive_that_would_fill_the_memory(case: Path, tmp_path: Path, run: Run) -> None:
    bomb = zipped(tmp_path / "bomb.zip", {"zeros.xml": b"\0" * 30_000_000, "good.xml": sms(*DAYS[:5])})
    ran = run("ingest", case, bomb)
    assert ran.status == 1 and "inflates to more than" in ran.out
    assert ran.last == "1 source stored with 5 records, 1 failed"


def test_names_that_act_on_a_terminal_are_shown_harmlessly(case: Path, tmp_path: Path, run: Run) -> None:
    """A file name, and the sender's name of a message, that try to clear the screen, turn the text round, or write a line of their own."""
    evil = "a\x1b[2J\u202eb\ncustody head: 0000.xml"
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / evil).write_bytes(sms(*((n, m) for n, m in [("Ka&#27;[31m&#x202e;spi&#10;K1  systematic", "1"), *DAYS])))
    (folder / ("u" + evil)).write_text("unknown")
    zipped(folder / "z.zip", {"../\x1b[31mx\n.xml": b"x", "in\x1b[31m\n.xml": sms(*DAYS[:2])})
    outputs = [run("formats", folder), run("ingest", case, folder), run("score", case), run("report", case)]
    document = json.loads((case / "results" / "findings.json").read_text(encoding="utf-8"))
    sender = next(f["contact_id"] for f in document["findings"] if f["contact_id"].startswith("u-"))
    source = next(r["source_id"] for r in store.read_sources(case).to_pylist() if r["name"] == evil)
    outputs += [
        run("explain", case, sender),
        run("show", case, sender),
        run("show", case, f"{source}#1"),
        run("remove", case, source),
    ]
    assert [r.status for r in outputs] == [1, 1, 0, 0, 0, 0, 0, 0]
    for ran in outputs:
        text = ran.out + ran.err
        assert not set("\x1b\x07\x08\u202e\u200f") & set(text)
        assert not re.search(r"^custody head: 0000", text, re.M), "a name wrote a line of its own"
        assert not re.search(r"^K1  systematic", text, re.M)
    assert "\\u001b[2J" in outputs[1].out


def test_labels_write_no_lines_of_their_own(full: Path, run: Run) -> None:
    """A case file may come from somebody else, too."""
    label = '"man\\nK9  systematic\\u001b[31m\\u202e"'
    (full / "case.toml").write_text(CASE.replace('"man"', label), encoding="utf-8")
    for arguments in (["score", full], ["explain", full, "K1"], ["show", full, "K1"], ["report", full]):
        ran = run(*arguments)
        assert ran.status == 0
        assert not re.search(r"^K9", ran.out, re.M) and "\u202e" not in ran.out


# score ------------------------------------------------------------------------------------------------------------------


def test_score_writes_findings_and_prints_a_table(full: Path, run: Run) -> None:
    ran = run("score", full)
    assert ran.status == 0 and not ran.err
    assert "kz-115-1" in ran.out and re.search(r"^K1 +man +\w+", ran.out, re.M)
    assert re.search(r"^custody head: [0-9a-f]{64}$", ran.out, re.M)
    assert re.fullmatch(
        r"1 contact: 1 \w+; 0 acts of unidentified callers .*; 11 records read from 2 sources, 0 duplicate, 0 rejected, 0 out of scope",
        ran.last,
    )
    assert json.loads((full / "results" / "findings.json").read_bytes())["case_id"] == "c1"


def test_json_is_all_that_stdout_gets(full: Path, run: Run) -> None:
    ran = run("score", full, "--json")
    assert ran.status == 0
    assert ran.out.encode() == (full / "results" / "findings.json").read_bytes()
    assert json.loads(ran.out)["schema"] == "qorgan.findings/1"
    assert re.fullmatch(r"custody head: [0-9a-f]{64}\n", ran.err)


def test_all_statutes_are_a_list(full: Path, run: Run) -> None:
    from pipelines.statutes import in_force

    made = json.loads(run("score", full, "--statute", "all", "--json").out)
    assert [d["statute"]["id"] for d in made] == in_force()
    assert run("score", full, "--statute", "all").status == 0
    assert len(list((full / "results").glob("findings*.json"))) == len(in_force())


@pytest.mark.parametrize("command", [["score"], ["explain", "K1"], ["show", "K1"], ["report"]])
@pytest.mark.parametrize(
    ("options", "words"),
    [(["--statute", "xx\x1b"], ["no statute", "kz-115-1"]), (["--as-of", "yesterday"], ["'yesterday' is no date", "2026-01-31"]),
     (["--as-of", "2026-02-30"], ["is no date"]), (["--as-of", ""], ["'' is no date"])],
)  # fmt: skip
def test_unknown_statutes_and_dates(
    command: list[str], options: list[str], words: list[str], full: Path, run: Run
) -> None:
    before = tree(full)
    one_sentence(run(command[0], full, *command[1:], *options), *words)
    assert tree(full) == before


@pytest.mark.parametrize(
    ("as_of", "number"), [("0001-01-01", 0), ("2025-10-06", 0), ("2025-10-07", 1), ("9999-12-31", 11)]
)
def test_as_of_any_date(as_of: str, number: int, full: Path, run: Run) -> None:
    made = json.loads(run("score", full, "--as-of", as_of, "--json").out)
    assert made["findings"][0]["indicators"]["acts"]["value"] == number
    assert made["as_of"] == f"{as_of}T00:00:00" + made["as_of"][19:]


def test_a_case_that_is_changed_meanwhile_is_not_noted_as_scored(
    full: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another command commits between reading and writing: the log must not say that its result is what was scored."""
    real = scoring.score_loaded

    def slow(*given: Any, **more: Any) -> Any:
        (full / "case.toml").write_text(CASE + "# corrected\n", encoding="utf-8")
        return real(*given, **more)

    log = (full / custody.NAME).read_bytes()
    monkeypatch.setattr(scoring, "score_loaded", slow)
    for arguments in (["score", full], ["explain", full, "K1"]):
        (full / "case.toml").write_text(CASE, encoding="utf-8")
        ran = run(*arguments)
        assert ran.status == 2 and "was changed while it was being read" in ran.err
    assert (full / custody.NAME).read_bytes() == log and not (full / "results").exists()
    monkeypatch.undo()
    assert run("score", full).status == 0


# explain and show -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("who", ["K1", "man", "+77010000002"])
def test_explain_by_id_label_or_identifier(who: str, full: Path, run: Run) -> None:
    ran = run("explain", full, who)
    assert ran.status == 0 and ran.out.startswith("K1 (man), role former_partner: ")
    sums = re.findall(r": ([+-]\d+) points?, sum (-?\d+)", ran.out)
    total = 0
    for points, running in sums:
        total += int(points)
        assert total == int(running)
    assert f"points: {total} of at most" in ran.out


def test_explain_somebody_else(full: Path, run: Run) -> None:
    one_sentence(run("explain", full, "K\x1b9"), "no contact", "the known ones are K1")


def ids_of(full: Path) -> dict[str, str]:
    return {r["name"]: r["source_id"] for r in store.read_sources(full).to_pylist()}


@pytest.mark.parametrize(
    "wanted", ["K9", "K1.nonsense", "man.nonsense", "x#1", "000000000000#1", "#", "a#b", "a#1-", "K1."]
)
def test_show_what_is_not_there(wanted: str, full: Path, run: Run) -> None:
    before = tree(full)
    one_sentence(run("show", full, wanted))
    assert tree(full) == before


@pytest.mark.parametrize(
    "tail",
    ["#10", "#0", "#1-99999999999999", "#5-2", "#1.2", "#99999999999999999999", "#1-3-5", "#-1", "#1e3", "#\u0661"],
)
def test_show_numbers_that_are_not_there(tail: str, full: Path, run: Run) -> None:
    one_sentence(run("show", full, ids_of(full)["sms.xml"] + tail))


def test_show_masks_content_unless_asked(full: Path, run: Run) -> None:
    one = ids_of(full)["sms.xml"] + "#1"
    masked = run("show", full, one)
    assert masked.status == 0 and SECRET not in masked.out
    assert f"‹{len(SECRET)} characters›" in masked.out and "+77010000002" in masked.out and ": agrees" in masked.out
    assert "xml:/smses/sms[1]" in masked.out and masked.last == "1 records shown"
    open_ = run("show", full, one, "--content")
    assert open_.status == 0 and SECRET in open_.out
    entries = [json.loads(line) for line in (full / custody.NAME).read_text().splitlines()]
    assert [e["arguments"] for e in entries[-2:]] == [[one], [one, "--content"]], "who looked at content is on file"
    assert SECRET not in (full / custody.NAME).read_text()


def test_show_follows_lists_indicators_and_contacts(full: Path, run: Run) -> None:
    source = ids_of(full)["sms.xml"]
    assert run("show", full, f"{source}#2-4").last == "3 records shown"
    assert run("show", full, f"{source}#2-4", f"{source}#3").last == "3 records shown"
    assert run("show", full, "K1.acts").last == run("show", full, "man.acts").last == "11 records shown"
    assert run("show", full, "K1").last == "11 records shown"


def test_show_is_limited_unless_all(case: Path, tmp_path: Path, run: Run) -> None:
    (tmp_path / "sms.xml").write_bytes(sms(*(("+77010000002", str(k)) for k in range(25))))
    run("ingest", case, tmp_path / "sms.xml")
    assert run("show", case, "K1.acts").last == "20 records shown, 5 more with --all"
    assert run("show", case, "K1.acts", "--all").last == "25 records shown"


def test_every_row_of_a_record_is_shown(case: Path, tmp_path: Path, run: Run) -> None:
    """A path of twelve points is one record with twelve rows."""
    points = ",".join(
        f'{{"point": "43.2{k:02d}0000°, 76.8800000°", "time": "2025-10-07T10:{k:02d}:00.000+05:00"}}' for k in range(12)
    )
    segment = f'{{"startTime": "2025-10-07T10:00:00.000+05:00", "endTime": "2025-10-07T12:00:00.000+05:00", "timelinePath": [{points}]}}'
    (tmp_path / "Timeline.json").write_text(f'{{"semanticSegments": [{segment}], "rawSignals": []}}', encoding="utf-8")
    assert run("ingest", case, tmp_path / "Timeline.json").status == 0
    ran = run("show", case, ids_of(case)["Timeline.json"] + "#1")
    assert ran.status == 0
    assert len(re.findall(r"^[0-9a-f]{12}#1(\.\d+)? · position", ran.out, re.M)) == 12


def test_show_when_the_exports_have_moved(full: Path, exports: Path, tmp_path: Path, run: Run) -> None:
    one = ids_of(full)["sms.xml"] + "#1"
    moved = exports.rename(tmp_path / "usb")
    ran = run("show", full, one)
    assert ran.status == 1 and "--exports DIR" in ran.out
    for where in (
        moved,
        moved / "sms.xml",
        zipped(tmp_path / "all.zip", {"deep/x.xml": (moved / "sms.xml").read_bytes()}),
    ):
        found = run("show", full, one, "--exports", where)
        assert found.status == 0 and ": agrees" in found.out
    (moved / "sms.xml").write_bytes(sms(*DAYS).replace(b"+77010000002", b"+77010000003", 1))
    changed = run("show", full, one, "--exports", moved)
    assert changed.status == 1 and "or has changed" in changed.out and "+77010000003" not in changed.out
    assert run("show", full, one, "--exports", tmp_path / "nowhere").status == 1


def test_show_in_a_damaged_backup_opens_what_was_read(case: Path, tmp_path: Path, run: Run) -> None:
    """Two lost quotes: what is read goes on behind each, and so must what is shown."""
    lines = sms(*DAYS).split(b"\n")
    for k in (3, 5):
        lines[k] = lines[k].replace(b'" date="', b' date="', 1)
    (tmp_path / "sms.xml").write_bytes(b"\n".join(lines))
    assert run("ingest", case, tmp_path / "sms.xml").status == 1
    source = ids_of(case)["sms.xml"]
    for n in (1, 3, 5, 6, 7, 8, 9):
        ran = run("show", case, f"{source}#{n}")
        assert (ran.status, ran.out.count(": agrees")) == (0, 1)
        assert f'date="{1_759_726_800_000 + (n - 1) * 86_400_000}"' in ran.out


def test_show_of_another_record_than_was_read(full: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    real = open_record

    def next_one(source: Any, record: str, fmt: str, n: int | None = None) -> Any:
        return real(source, record.replace("[1]", "[2]"), fmt)

    monkeypatch.setattr(originals, "open_record", next_one)
    source = ids_of(full)["sms.xml"]
    ran = run("show", full, f"{source}#1")
    assert ran.status == 1 and ": agrees" not in ran.out and "the file agrees, THE RECORD DOES NOT" in ran.out
    assert "    the record that was opened is not the one that was read: time differ\n" in ran.out
    assert run("show", full, f"{source}#3").status == 0


# remove, verify, lists --------------------------------------------------------------------------------------------------


def test_remove_takes_one_source_out(full: Path, run: Run) -> None:
    ran = run("remove", full, "sms.xml")
    assert ran.status == 0 and "score the case again" in ran.last
    assert json.loads(run("score", full, "--json").out)["findings"][0]["indicators"]["acts"]["value"] == 2
    one_sentence(run("remove", full, "sms.xml"), "no source")
    one_sentence(run("remove", full, "\x1b"), "no source")
    assert run("remove", full, "journal.csv").status == 0
    one_sentence(run("score", full), "holds no record")
    ran = run("verify", full)  # the findings still rest on what was taken out
    assert ran.status == 0 and "note: results/findings.json: was made before the store was last changed" in ran.out


def test_a_flipped_byte_is_found(full: Path, run: Run) -> None:
    assert run("score", full).status == 0 and run("report", full).status == 0
    sound = run("verify", full)
    assert sound.status == 0 and sound.last == "everything agrees with its hashes"
    files = [p for p in sorted(full.rglob("*")) if p.is_file() and p.name not in ("case.toml", "local.json", lock.NAME)]
    assert {p.suffix for p in files} >= {".parquet", ".json", ".jsonl", ".html"}
    for path in files:
        data = path.read_bytes()
        for at in (0, len(data) // 2, len(data) - 2):
            path.write_bytes(data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :])
            ran = run("verify", full)
            assert ran.status == 1 and path.name in ran.out, (path.name, at)
            assert "1 problems found" in ran.last or "problems found" in ran.last
        path.unlink()
        assert run("verify", full).status == 1
        path.write_bytes(data)
    assert run("verify", full).status == 0


def test_a_damaged_store_is_refused_in_one_sentence(full: Path, run: Run) -> None:
    path = next((full / "store").glob("events-*.parquet"))
    data = path.read_bytes()
    path.write_bytes(data[:-1])
    for arguments in (["score", full], ["explain", full, "K1"], ["show", full, "K1"], ["report", full]):
        one_sentence(run(*arguments), "was changed since it was written", "qorgan verify")
    path.unlink()
    one_sentence(run("score", full), "is missing", "qorgan verify")
    path.write_bytes(data)
    (full / "store" / "manifest.json").write_text("{}")
    one_sentence(run("score", full), "manifest.json", "qorgan verify")


def test_verify_with_a_head(full: Path, run: Run) -> None:
    head = re.findall(r"custody head: ([0-9a-f]{64})", run("score", full).out)[0]
    assert run("verify", full, "--head", head).status == 0
    log = full / custody.NAME
    lines = log.read_bytes().splitlines(keepends=True)
    log.write_bytes(b"".join(lines[:-1]))  # a cut tail
    ran = run("verify", full, "--head", head)
    assert ran.status == 1
    one_sentence(run("verify", full, "--head", "xyz"), "64 hex digits")


@pytest.mark.parametrize("command", ["statutes", "formats", "indicators"])
def test_lists(command: str, run: Run) -> None:
    ran = run(command)
    assert ran.status == 0 and len(ran.out.splitlines()) > 1


def test_one_profile_whole(run: Run) -> None:
    ran = run("statutes", "kz-115-1")
    assert ran.status == 0 and "unwanted_occasions >= 3" in ran.out and "contact_attempts" in ran.out
    one_sentence(run("statutes", "xx"), "no statute 'xx'")


def test_what_is_this_file(exports: Path, run: Run) -> None:
    ran = run("formats", exports)
    assert ran.status == 0 and "sms.xml: sms-backup-xml (" in ran.out and "journal.csv: journal (" in ran.out
    (exports / "x.bin").write_bytes(b"\x00\x01")
    assert run("formats", exports).status == 1
    one_sentence(run("formats", exports / "none"), "there is no file or folder")


# report, demo -----------------------------------------------------------------------------------------------------------


def test_report(full: Path, tmp_path: Path, run: Run) -> None:
    ran = run("report", full)
    assert ran.status == 0 and "custody head: " in ran.out
    page = (full / "results" / "report.html").read_bytes()
    assert page.startswith(b"<!DOCTYPE html>") or page.lower().startswith(b"<!doctype html>")
    assert run("report", full, "-o", tmp_path / "r.html").status == 0
    assert (tmp_path / "r.html").read_bytes() == page
    one_sentence(run("report", full, "-o", tmp_path / "none" / "r.html"))
    one_sentence(run("report", full, "--lang", "xx"))


def test_demo_builds_the_example_once_and_again(tmp_path: Path, run: Run) -> None:
    first = run("demo", tmp_path / "demo")
    assert first.status == 0, first.err
    assert re.search(r"^K1 +former partner +systematic", first.out, re.M)
    assert first.last == f"report: {(tmp_path / 'demo' / 'results' / 'report.html').resolve()}"
    kept = {p.name: p.read_bytes() for p in (tmp_path / "demo" / "results").iterdir()}
    assert set(kept) == {"findings.json", "report.html"}
    assert run("demo", tmp_path / "demo").status == 0
    assert {p.name: p.read_bytes() for p in (tmp_path / "demo" / "results").iterdir()} == kept
    assert run("verify", tmp_path / "demo").status == 0
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "mine.txt").write_text("x")
    one_sentence(run("demo", tmp_path / "other"), "is not empty")
    make(tmp_path / "mine")
    one_sentence(run("demo", tmp_path / "mine"), "holds another case")


# As a process: pipes, rights, encodings, two at once ----------------------------------------------------------------------


def process(*arguments: str | Path, **more: Any) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-m", "qorgan", *map(str, arguments)],
        capture_output=True,
        cwd=ROOT,
        timeout=60,
        check=False,
        **more,
    )


def test_a_closed_pipe_is_no_error(full: Path) -> None:
    quoted = f"'{sys.executable}' -m qorgan"
    for command in (f"score '{full}' --json", "formats"):
        script = f"{{ {quoted} {command}; echo status $? >&2; }} | true"
        ran = subprocess.run(["bash", "-c", script], capture_output=True, cwd=ROOT, timeout=60, check=False)
        said = ran.stderr.decode().replace(f"custody head: {custody.head(full)}\n", "")
        assert said == "status 0\n"


def test_a_terminal_that_lacks_letters(full: Path, exports: Path) -> None:
    (exports / "ман.txt").write_text("x")
    env = {**os.environ, "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}
    ran = process("formats", exports, env=env)
    assert (ran.returncode, ran.stderr) == (1, b"") and b"\\u043c" in ran.stdout
    shown = process("show", full, "K1.acts", env=env)
    assert (shown.returncode, shown.stderr) == (0, b"")


def test_names_that_are_no_text(case: Path, tmp_path: Path) -> None:
    folder = os.fsencode(tmp_path) + b"/\xff\xfe"
    os.mkdir(folder)  # noqa: PTH102
    Path(os.fsdecode(folder + b"/\xe9.xml")).write_bytes(sms(*DAYS))
    ran = subprocess.run(
        [sys.executable, "-m", "qorgan", "ingest", str(case), folder],
        capture_output=True,
        cwd=ROOT,
        timeout=60,
        check=False,
    )
    assert ran.returncode == 0 and b"Traceback" not in ran.stderr
    assert b"1 source stored with 9 records" in ran.stdout
    for arguments in ([b"score", folder], [b"init", folder + b"/\xe9.xml"]):
        refused = subprocess.run(
            [sys.executable, "-m", "qorgan", *arguments], capture_output=True, cwd=ROOT, timeout=60, check=False
        )
        assert refused.returncode == 2 and refused.stderr.count(b"\n") == 1 and b"Traceback" not in refused.stderr


def _as_anybody() -> None:
    """Give up root's right to write where the modes of files forbid it (PR_CAPBSET_DROP of CAP_DAC_OVERRIDE)."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(24, 1, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl")


def test_a_folder_that_cannot_be_written_to(full: Path, tmp_path: Path, exports: Path) -> None:
    """Looking through a case on a disc that is read only: verify works, what writes says why it does not."""
    more: dict[str, Any] = {"preexec_fn": _as_anybody} if os.geteuid() == 0 else {}
    for path in [full, *full.rglob("*")]:
        path.chmod(0o555 if path.is_dir() else 0o444)
    try:
        before = tree(full)
        sound = process("verify", full, **more)
        assert (sound.returncode, sound.stderr) == (0, b"")
        commands: list[list[str | Path]] = [["score", full], ["ingest", full, exports]]
        for arguments in commands:
            ran = process(*arguments, **more)
            assert ran.returncode == 2 and ran.stderr.count(b"\n") == 1 and b"Permission denied" in ran.stderr, (
                ran.stderr
            )
        refused = process("init", full / "sub", **more)
        assert refused.returncode == 2 and b"Permission denied" in refused.stderr and b"Traceback" not in refused.stderr
        assert tree(full) == before
    finally:
        for path in [full, *full.rglob("*")]:
            path.chmod(0o755 if path.is_dir() else 0o644)


def test_two_commands_at_once_both_end_well(case: Path, tmp_path: Path) -> None:
    """Three ingests of different files at the same time: every one waits its turn and nothing is lost."""
    running = []
    for k in range(3):
        file = tmp_path / f"{k}.xml"
        file.write_bytes(sms(*(("+77010000002", str(100 * k + m)) for m in range(3))))
        command = [sys.executable, "-m", "qorgan", "ingest", str(case), str(file)]
        running.append(subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE))
    ended = [(p, *p.communicate(timeout=60)) for p in running]
    for p, out, err in ended:
        assert p.returncode == 0 or (p.returncode == 2 and b"is in use by qorgan ingest" in err), (out, err)
    done = sum(p.returncode == 0 for p, _, _ in ended)
    assert done >= 1
    assert scoring.load_case(case).resolved.tables.events.num_rows == 3 * done
    assert len(custody.recorded(case)) == 1 and not custody.check(case)


def test_a_case_in_use_says_by_whom(full: Path, exports: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    held = subprocess.Popen(
        [sys.executable, "-c", "import sys\nfrom pipelines.store.lock import hold\nwith hold(sys.argv[1], 'ingest'):\n print('held', flush=True)\n sys.stdin.read()", str(full)],
        cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    )  # fmt: skip
    try:
        assert held.stdout is not None and held.stdout.readline() == b"held\n"
        monkeypatch.setattr(lock.hold.__wrapped__, "__defaults__", (0.2,))  # type: ignore[attr-defined]
        for arguments in (["score", full], ["ingest", full, exports], ["remove", full, "sms.xml"], ["verify", full]):
            one_sentence(run(*arguments), f"is in use by qorgan ingest (process {held.pid})")
    finally:
        assert held.stdin is not None
        held.stdin.close()
        held.wait(timeout=20)
    assert run("score", full).status == 0


def test_interrupting_is_one_sentence(full: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(scoring, "score_loaded", interrupt)
    one_sentence(run("score", full), "interrupted; what was acknowledged is kept")


def test_a_copy_of_a_case_is_the_same_case(full: Path, tmp_path: Path, run: Run) -> None:
    assert run("score", full).status == 0
    copy = tmp_path / "copy"
    shutil.copytree(full, copy)
    assert run("verify", copy).status == 0
    assert run("score", copy, "--json").out.encode() == (full / "results" / "findings.json").read_bytes()
