"""No content of any message leaves the exports: not into the case folder, not to the terminal, not by way of an error.

Every text that a person wrote in the example exports holds one marker word. It is looked for in the raw bytes of every file of the
case (also as UTF-16, Base64 and hex), in every decoded value and in the footers of Parquet files, and in all that commands print.
"""

from __future__ import annotations

import base64
import json
import shutil
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipelines.cli import main
from tests.shared_data import ROOT
from tools.example_scenario import MARKER

EXAMPLES = ROOT / "data" / "examples"
EXPORTS = EXAMPLES / "exports"


def forms(word: str) -> list[bytes]:
    """Return the ways in which a word may lie in bytes: plain, wide, hex, and the three alignments of Base64."""
    plain = word.encode()
    packed = [base64.b64encode(b"\0" * k + plain)[4 if k else 0 :].rstrip(b"=")[:-2] for k in range(3)]
    return [
        plain,
        plain.lower(),
        word.encode("utf-16-le"),
        word.encode("utf-16-be"),
        plain.hex().encode(),
        plain.hex().upper().encode(),
        *packed,
    ]


FORMS = forms(MARKER)


def held(data: bytes) -> bool:
    return any(f in data for f in FORMS)


def values(column: pa.ChunkedArray) -> Iterator[bytes]:
    """Yield the decoded bytes of every value of a column, whatever its type."""
    for chunk in column.chunks:
        if pa.types.is_dictionary(chunk.type):
            yield from values(pa.chunked_array([chunk.dictionary]))
        yield repr(chunk.to_pylist()).encode()
        for buffer in chunk.buffers():
            if buffer is not None:
                yield buffer.to_pybytes()


def leaks(folder: Path) -> list[str]:
    """Return where the marker lies under a folder: names of files, raw bytes, decoded columns, metadata and statistics."""
    found = []
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if held(name.encode("utf-8", "surrogateescape")):
            found.append(f"name of {name}")
        if not path.is_file():
            continue
        if held(path.read_bytes()):
            found.append(name)
        if path.suffix == ".parquet":
            file = pq.ParquetFile(path)
            table = file.read()
            found += [f"{name}, column {c}" for c in table.column_names if any(held(v) for v in values(table[c]))]
            if held(
                repr(
                    (file.schema_arrow.metadata, [f.metadata for f in file.schema_arrow], file.metadata.to_dict())
                ).encode()
            ):
                found.append(f"{name}, metadata")
        if path.suffix in (".json", ".jsonl"):
            for line in (
                path.read_text(encoding="utf-8").split("\n")
                if path.suffix == ".jsonl"
                else [path.read_text(encoding="utf-8")]
            ):
                if line and held(json.dumps(json.loads(line), ensure_ascii=False).encode()):
                    found.append(f"{name}, decoded")
    return found


class Session:
    """Runs commands and keeps all that they print."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys
        self.said: dict[str, str] = {}

    def run(self, *arguments: str | Path) -> tuple[int, str]:
        self._capsys.readouterr()
        try:
            status = main([str(a) for a in arguments])
        except SystemExit as left:
            status = int(left.code or 0)
        said = self._capsys.readouterr()
        self.said[" ".join(map(str, arguments))] = said.out + said.err
        return status, said.out + said.err

    @property
    def leaks(self) -> list[str]:
        return [command for command, text in self.said.items() if held(text.encode()) or "Traceback" in text]


@pytest.fixture
def session(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Session:
    """Run commands with a folder of their own for temporary files, which is searched too."""
    (tmp_path / "tmp").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "tmp"))
    monkeypatch.setenv("TMPDIR", str(tmp_path / "tmp"))
    return Session(capsys)


@pytest.mark.parametrize("codec", ["zstd", "snappy", "gzip", "none"])
def test_the_search_finds_what_is_hidden(codec: str, tmp_path: Path) -> None:
    """The test can fail: packed pages, dictionaries, metadata, names, other encodings."""
    long = [f"text {k} {MARKER} and more of it" for k in range(50)]
    plain = pa.table(
        {"a": pa.array(long), "d": pa.array(["x", MARKER] * 25).dictionary_encode(), "n": pa.array(range(50))}
    )
    pq.write_table(plain, tmp_path / "a.parquet", compression=codec, write_statistics=False)
    pq.write_table(
        plain.select(["n"]).replace_schema_metadata({"k": MARKER}), tmp_path / "m.parquet", compression=codec
    )
    (tmp_path / "wide.bin").write_bytes(f"x{MARKER}".encode("utf-16-le"))
    for k in range(3):
        (tmp_path / f"{k}.b64").write_bytes(base64.b64encode(b"abcdef"[: 3 + k] + MARKER.encode() + b"tail"))
    (tmp_path / "e.json").write_text(json.dumps({"x": MARKER}).replace("Q", "\\u0051"))
    (tmp_path / f"{MARKER}.txt").write_text("nothing")
    found = leaks(tmp_path)
    assert {"a.parquet, column a", "a.parquet, column d", "m.parquet, metadata", "wide.bin", "0.b64", "1.b64", "2.b64", "e.json, decoded",
            f"name of {MARKER}.txt"} <= set(found)  # fmt: skip
    assert not any("column n" in f for f in found)


def test_the_exports_hold_the_marker(session: Session, tmp_path: Path) -> None:
    shutil.copytree(EXPORTS, tmp_path / "exports")
    assert len(leaks(tmp_path / "exports")) >= 10


def test_no_content_in_the_case_folder_nor_on_the_terminal(session: Session, tmp_path: Path) -> None:
    case = tmp_path / "case"
    assert session.run("init", case)[0] == 0
    shutil.copy(EXAMPLES / "case.toml", case)
    assert session.run("formats", EXPORTS)[0] == 0
    status, _ = session.run("ingest", case, EXPORTS)
    assert status == 1  # four records could not be used
    assert session.run("ingest", case, EXPORTS)[0] == 0
    _, text = session.run("score", case, "--json")
    contacts = [f["contact_id"] for f in json.loads(text[text.index("{") : text.rindex("}") + 1])["findings"]]
    assert session.run("score", case, "--statute", "all", "--as-of", "2025-12-01", "--known")[0] == 0
    assert session.run("explain", case, "K1")[0] == 0
    assert len(contacts) > 20
    assert session.run("show", case, "K1", "K2", "K3", "M1", "S1", "--all")[0] == 0
    assert session.run("report", case)[0] == 0
    assert session.run("verify", case)[0] == 0
    assert session.run("remove", case, "journal.csv")[0] == 0
    assert session.run("show", case, "nobody")[0] == session.run("score", case, "--as-of", "x")[0] == 2
    assert session.leaks == []
    assert leaks(case) == [] and leaks(tmp_path / "tmp") == []
    kinds = {p.suffix for p in case.rglob("*")}
    assert {".parquet", ".json", ".jsonl", ".html"} <= kinds
    # with --content it is shown, on the terminal only: the masked output above had it to hide
    assert held(session.run("show", case, "K1.acts", "--content", "--all")[1].encode())
    assert leaks(case) == []


def test_the_custody_log_names_no_file(session: Session, tmp_path: Path) -> None:
    """Names of exports are often names of persons; they stand in the table of sources, and the log is for ever."""
    case = tmp_path / "case"
    case.mkdir()
    shutil.copy(EXAMPLES / "case.toml", case)
    session.run("ingest", case, *sorted(EXPORTS.iterdir()))
    session.run("score", case)
    session.run("report", case, "-o", tmp_path / "Данияр.html")
    session.run("remove", case, "Чат WhatsApp с контактом Данияр.txt")
    log = (case / "custody.jsonl").read_text(encoding="utf-8")
    decoded = "\n".join(json.dumps(json.loads(line), ensure_ascii=False) for line in log.splitlines())
    assert len(log.splitlines()) == 4
    for path in EXPORTS.iterdir():
        assert path.name not in decoded
    assert "Данияр" not in decoded and "Сауле" not in decoded and str(tmp_path) not in decoded


def spoiled(name: str, data: bytes) -> Iterator[tuple[str, bytes]]:
    """Yield exports that broke on the way, each in the middle of content."""
    stem, _, ending = name.rpartition(".")
    at = data.find(MARKER.encode(), len(data) // 2)
    at = at if at >= 0 else len(data) // 2
    yield f"{stem} cut.{ending}", data[: at + 5 + len(MARKER)]
    yield f"{stem} holed.{ending}", data[:at] + b"\x00\xff\xfe<>&\"'{}[]\\," + data[at:]
    yield f"{stem} doubled.{ending}", data + data[: len(data) // 3]
    yield f"{stem} wide.{ending}", data.decode("utf-8", "replace").encode("utf-16")


@pytest.mark.parametrize("name", sorted(p.name for p in EXPORTS.iterdir()))
def test_no_content_in_what_is_said_of_broken_exports(name: str, session: Session, tmp_path: Path) -> None:
    case, folder = tmp_path / "case", tmp_path / "exports"
    case.mkdir()
    folder.mkdir()
    shutil.copy(EXAMPLES / "case.toml", case)
    data = (EXPORTS / name).read_bytes()
    if zipfile.is_zipfile(EXPORTS / name):
        with zipfile.ZipFile(EXPORTS / name) as archive:
            member = archive.namelist()[0]
            (folder / "broken archive.zip").write_bytes(data[: len(data) // 2] + b"xx" + data[len(data) // 2 :])
            name, data = member, archive.read(member)
    for made, raw in spoiled(name, data):
        (folder / made).write_bytes(raw)
    # the call log and the timeline hold nothing that a person wrote
    assert any(held(p.read_bytes()) for p in folder.iterdir()) or name in ("Timeline.json", "calls-20251231220000.xml")
    status, text = session.run("ingest", case, folder)
    assert status in (0, 1, 2) and "please report it" not in text, text
    session.run("formats", folder)
    if (case / "store" / "manifest.json").exists():
        assert session.run("verify", case)[0] == 0
        session.run("score", case)
        session.run("show", case, "K1", "K2", "M1")
    assert session.leaks == []
    assert leaks(case) == [] and leaks(tmp_path / "tmp") == []
