"""``qorgan formats --map``: how a list would be read, before anything is stored."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest

from pipelines.cli import main
from pipelines.cli._mapping import WIDTH
from tests.shared_data import sample

SECRET = "SECRETWORD"
CASE = """\
[case]
id = "c1"
timezone = "Asia/Almaty"
basis = "consent"

[owner]
name = "Aigerim"
identifiers = ["+77010000001"]
"""
LIST = (
    "Кто;С кем;Когда;Секунд;Вид;Сумма\n"
    f"87010000001;87010000002;25.09.2026 14:30:05;83;Исходящий звонок;{SECRET}\n"
    f"87010000001;87010000003;25.09.2026 15:30:05;;Входящее SMS;{SECRET}\n"
    f"87010000001;7,7012E+10;25.09.2026 16:30:05;5;Входящий звонок;{SECRET}\n"
)
SET = (
    "--set",
    "subject=Кто",
    "--set",
    "counterpart=С кем",
    "--set",
    "start=Когда",
    "--set",
    "duration=4",
    "--set",
    "type=Вид",
)

Run = Callable[..., tuple[int, str]]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    def go(*arguments: str | Path) -> tuple[int, str]:
        capsys.readouterr()
        try:
            status = main(["formats", *map(str, arguments)])
        except SystemExit as left:
            status = left.code if isinstance(left.code, int) else 2
        said = capsys.readouterr()
        text = said.out + said.err
        assert "Traceback" not in text and "\x1b" not in text and SECRET not in text
        return status, text

    return go


@pytest.fixture
def case(tmp_path: Path) -> Path:
    folder = tmp_path / "case"
    folder.mkdir()
    (folder / "case.toml").write_text(CASE, encoding="utf-8")
    return folder


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "list.csv"
    path.write_text(LIST, encoding="utf-8")
    return path


def block_of(text: str) -> str:
    lines = text.split("\n")
    at = next(k for k, line in enumerate(lines) if line.strip() == "[[source]]")
    taken = []
    for line in lines[at:]:
        if not line.startswith("    "):
            break
        taken.append(line.strip())
    return "\n".join(taken)


def test_a_declared_mapping_is_shown_and_nothing_is_stored(run: Run, case: Path, file: Path) -> None:
    before = sorted(case.rglob("*"))
    status, text = run("--map", file, *SET, "--case", case)
    assert status == 1  # a record was rejected
    lines = text.split("\n")
    assert lines[0] == "list.csv: cdr; nothing is stored"
    assert "subject = Кто, counterpart = С кем" in text
    assert any(
        line.split() == ["1", "2026-09-25", "14:30:05", "call", "out", "+77010000002", "83", "yes"] for line in lines
    )
    assert any(line.split() == ["2", "2026-09-25", "15:30:05", "sms", "in", "+77010000003"] for line in lines)
    assert "read 3 = kept 2 + rejected 1 + out of scope 0" in text
    assert "rejected 1, first line:4: a spreadsheet has cut the number" in text
    assert "times: the case's zone: the file states none" in text
    assert max(map(len, lines)) <= WIDTH or all(len(line) <= WIDTH for line in lines if "columns = {" not in line)
    assert sorted(case.rglob("*")) == before
    (source,) = tomllib.loads(block_of(text))["source"]
    assert source == {
        "match": "list.csv",
        "columns": {"subject": "Кто", "counterpart": "С кем", "start": "Когда", "duration": "4", "type": "Вид"},
    }


def test_the_block_reads_the_file_as_it_was_shown(run: Run, case: Path, file: Path) -> None:
    _, text = run("--map", file, *SET, "--case", case)
    with (case / "case.toml").open("a", encoding="utf-8") as toml:
        toml.write("\n" + block_of(text) + "\n")
    status, again = run("--map", file, "--case", case)
    assert status == 1
    assert "as case.toml has it" in again
    assert [x for x in again.split("\n") if "+7701" in x] == [x for x in text.split("\n") if "+7701" in x]
    assert main(["ingest", str(case), str(file)]) == 1


def test_without_a_mapping_it_waits_or_says_what_is_there(run: Run, file: Path) -> None:
    status, text = run("--map", file)
    assert status == 1 and "waiting: " in text and "columns = {" in text
    status, text = run("--map", file, "--set", "counterpart=Кому")
    assert status == 1 and "not read: no row holds the columns counterpart = 'Кому'" in text and "'С кем'" in text
    assert "7010000" not in text


def test_numbers_without_a_country_are_said_to_be_so(run: Run, file: Path) -> None:
    _, text = run("--map", file, *SET)
    assert "raw:87010000002" in text and "lack a country code" in text


def test_layouts_and_wrong_use(run: Run, case: Path, file: Path) -> None:
    for arguments, words in (
        (("--map", file, "--layout", "nobody"), "there is no layout nobody; known are"),
        (("--map", file, "--set", "who=1"), "--set who: known are subject, caller"),
        (("--map", file, "--set", "caller"), "is not of the form key=value"),
        (("--map", file, "--set", "format=nobody"), "there is no format nobody"),
        (("--map",), "name the file whose rows are to be shown"),
        (("--layout", "kcell", file), "go with --map"),
        (("--map", file, "--case", case / "none"), "there is no"),
        (("--map", case / "none.csv"), "there is no file or folder"),
    ):
        status, text = run(*arguments)
        assert status == 2 and words in text, arguments


def test_other_formats_and_archives_are_shown_too(run: Run, tmp_path: Path) -> None:
    journal = tmp_path / "journal.csv"
    journal.write_text(
        f"when,contact,kind,note\n2025-10-07 18:30,K1,seen,{SECRET}\n2025-10-08,K1,call,{SECRET}\n", encoding="utf-8"
    )
    status, text = run("--map", journal)
    assert status == 0
    assert "journal.csv: journal; nothing is stored" in text
    assert "1 position" in text and "it is read as it is" in text


def test_the_samples(run: Run) -> None:
    status, text = run("--map", sample("cdr/bandicoot_ego.csv"))
    assert status == 0 and "read 314 = kept 314" in text and "... and 302 records more" in text
    status, text = run("--map", sample("cdr/nexign_cdr.txt"))
    assert status == 1 and "rejected 5000, first line:1: the list does not name the other number" in text
    assert all(len(line) <= WIDTH for line in text.split("\n"))


def test_lesser_claims_are_listed(run: Run, tmp_path: Path) -> None:
    status, text = run(sample("cdr/bandicoot_ego.csv"))
    assert status == 0 and "bandicoot_ego.csv: cdr (" in text
    nothing = tmp_path / "x.bin"
    nothing.write_bytes(bytes(range(256)))
    status, text = run(nothing)
    assert status == 1 and "no reader knows this file" in text
