"""Ingest and remove: files judged singly, one commit, nothing of the content anywhere."""

from __future__ import annotations

import hashlib
import io
import json
import os
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO

import pyarrow.compute as pc
import pytest

from pipelines import store
from pipelines.case_file import parse
from pipelines.containers import Found, walk
from pipelines.errors import UserError
from pipelines.ingest import Progress, Watched, ingest
from pipelines.readers.base import SourceFile, Waiting
from pipelines.resolve.source_options import options_for
from pipelines.store import custody, verify
from pipelines.store.lock import hold
from pipelines.store.remove import remove
from tests.shell_tools import (
    CASE,
    InventedReader,
    export,
    files_of,
    invented,  # noqa: F401  (a fixture)
    make_case,
    messages,
    quick_disk,  # noqa: F401  (a fixture)
)

pytestmark = pytest.mark.usefixtures("invented", "quick_disk")


@pytest.fixture
def case(tmp_path: Path) -> Path:
    return make_case(tmp_path / "case")


def put(folder: Path, name: str, data: bytes) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def pack(*members: tuple[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members:
            archive.writestr(name, data)
    return buffer.getvalue()


MIXED = export("in 0 8 701 000 00 02", "out 5 +77010000002", "sys", "bad", "seen 7")


def test_one_file(case: Path, tmp_path: Path) -> None:
    file = put(tmp_path, "log.txt", MIXED)
    report = ingest(case, [file])
    source = report.stored[0]
    assert (source.read, source.kept, source.rejected, source.out_of_scope) == (5, 3, 1, 1)
    assert (source.name, source.container, source.format) == ("log.txt", None, "invented")
    assert (source.first, source.last) == ("2025-06-15T15:06:40Z", "2025-06-15T15:13:40Z")
    assert report.exit_code == 1  # a record was rejected
    assert report.summary == "1 source stored with 3 records, 1 record rejected, 1 record out of scope"
    tables = store.read(case)
    row = tables.sources.to_pylist()[0]
    assert row["sha256"] == hashlib.sha256(MIXED).hexdigest()
    assert (row["bytes"], row["format"], row["reader_version"], row["options"]) == (len(MIXED), "invented", 1, "{}")
    assert row["reader"] == InventedReader.__module__
    assert tables.events["identifier"].to_pylist() == ["+77010000002"] * 2
    assert tables.events["event_id"].to_pylist() == [f"{source.source_id}#1", f"{source.source_id}#2"]
    assert tables.positions["position_id"].to_pylist() == [f"{source.source_id}#5"]
    assert tables.rejects.to_pylist() == [
        {"source_id": source.source_id, "record": "line:4", "n": 4, "reason": "no time"}
    ]
    assert store.read_local(case) == {source.source_id: str(file)}
    assert report.head == custody.head(case)
    assert verify.verify(case, report.head) == []


def test_nothing_but_a_clean_ingest_ends_with_zero(case: Path, tmp_path: Path) -> None:
    assert ingest(case, [put(tmp_path, "a.txt", messages(3))]).exit_code == 0


def test_the_same_file_twice_changes_nothing(case: Path, tmp_path: Path) -> None:
    file = put(tmp_path, "log.txt", MIXED)
    first = ingest(case, [file])
    before = files_of(case)
    second = ingest(case, [file, put(tmp_path, "copy.txt", MIXED)])
    assert files_of(case) == before
    assert [(k.name, k.source_id) for k in second.already] == [
        ("log.txt", first.stored[0].source_id), ("copy.txt", first.stored[0].source_id),
    ]  # fmt: skip
    assert (second.exit_code, second.head) == (0, first.head)


def test_zip_and_unpacked_copy_are_one_source(case: Path, tmp_path: Path) -> None:
    archive = put(tmp_path, "x/a.zip", pack(("d/log.txt", MIXED), ("other.txt", messages(2))))
    put(tmp_path, "x/log.txt", MIXED)
    report = ingest(case, [tmp_path / "x"])
    assert [(s.container, s.name) for s in report.stored] == [("a.zip", "d/log.txt"), ("a.zip", "other.txt")]
    assert [a.name for a in report.already] == ["log.txt"]
    assert set(store.read_local(case).values()) == {str(archive)}


def test_files_are_judged_singly_and_committed_together(
    case: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "in"
    for name, data in {
        "1-good.txt": messages(3), "2-crash.txt": export("in 0 +77010000002", "crash SECRET"),
        "3-broken.txt": export("in 0 +77010000002", "broken SECRET"), "4-unknown.txt": b"SECRET notes", "5.zip": b"PK\x03\x04",
        "6-lose.txt": export("lose"), "7-good.txt": messages(4), "8-photo.jpg": b"\xff\xd8\xff\xe0 SECRET", "9-empty.txt": b"",
    }.items():  # fmt: skip
        put(folder, name, data)
    commits: list[int] = []
    real = store.Generation.commit

    def counted(generation: store.Generation, record: Any) -> str:
        commits.append(1)
        return real(generation, record)

    monkeypatch.setattr(store.Generation, "commit", counted)
    report = ingest(case, [folder])
    assert commits == [1]
    assert [s.name for s in report.stored] == ["1-good.txt", "7-good.txt"]
    assert {f.subject: f.sentence for f in report.failed} == {
        "2-crash.txt": "the reader invented failed at byte 44; please report it",
        "3-broken.txt": "the line is broken (at line:2)",
        "5.zip": "the archive is broken: its directory is missing (was it copied whole?)",
        "6-lose.txt": "the reader invented failed at byte 18 (reader invented: read 1 records, but kept 0, rejected 0 and "
                      "put 0 out of scope: the sum must be the same); please report it",
    }  # fmt: skip
    assert [f.subject for f in report.unknown] == ["4-unknown.txt"]
    assert [f.subject for f in report.skipped] == ["8-photo.jpg", "9-empty.txt"]
    assert report.exit_code == 1
    assert store.read(case).sources.num_rows == 2
    assert verify.verify(case) == []
    everything = b"".join(files_of(case).values()) + repr(report).encode()
    assert b"SECRET" not in everything


@pytest.mark.parametrize("data", [b"nothing known", b"PK\x03\x04", export("crash")])
def test_no_usable_input_changes_nothing(case: Path, tmp_path: Path, data: bytes) -> None:
    before = files_of(case)
    report = ingest(case, [put(tmp_path, "x.txt", data)])
    assert report.exit_code == 2
    assert {k: v for k, v in files_of(case).items() if k != ".lock"} == before
    assert not (case / "store").exists()


def test_waiting_file_and_the_block_that_helps(case: Path, tmp_path: Path) -> None:
    waits = export("wait", "in 0 +77010000002")
    plain = put(tmp_path, 'a"[1].txt', waits)
    report = ingest(case, [plain, put(tmp_path, "good.txt", messages(1))])
    assert report.exit_code == 1
    assert report.waiting[0].block == '[[source]]\nmatch = "a\\"[1].txt"\nowner = "name"\n'
    assert store.read(case).sources.num_rows == 1
    assert ingest(make_case(tmp_path / "other"), [plain]).exit_code == 1
    (case / "case.toml").write_text(CASE + report.waiting[0].block, encoding="utf-8")
    again = ingest(case, [plain])
    assert [s.name for s in again.stored] == ['a"[1].txt']
    row = store.read(case).sources.filter(pc.field("source_id") == again.stored[0].source_id).to_pylist()[0]
    assert json.loads(row["options"]) == {"owner": "name"}


def test_block_names_the_one_file_it_is_for(case: Path, tmp_path: Path) -> None:
    one, two = export("wait", "sys"), export("wait", "sys", "sys")
    put(tmp_path, "in/a/_chat.txt", one)
    put(tmp_path, "in/b/_chat.txt", two)
    put(tmp_path, "in/c.zip", pack(("_chat.txt", export("wait"))))
    put(tmp_path, "in/d/e\u202e.txt", export("wait", "bad"))
    report = ingest(case, [tmp_path / "in"])
    matches = [w.block.split('"')[1] for w in report.waiting]
    ids = [hashlib.sha256(d).hexdigest()[:12] for d in (one, two, export("wait", "bad"))]
    assert matches == [ids[0], ids[1], "c.zip!_chat.txt", ids[2]]
    text = CASE + "".join(w.block for w in report.waiting)
    (case / "case.toml").write_text(text, encoding="utf-8")
    assert len(ingest(case, [tmp_path / "in"]).stored) == 4


def test_options_by_pattern_name_container_and_id() -> None:
    def case_with(*tables: str) -> Any:
        return parse(CASE + "".join(f"[[source]]\n{t}\n" for t in tables))

    assert options_for(case_with('match = "W*.txt"\nowner = "a"'), "0" * 12, "WhatsApp.txt", None) == {"owner": "a"}
    assert options_for(case_with('match = "w*.txt"\nowner = "a"'), "0" * 12, "WhatsApp.txt", None) == {}
    assert options_for(case_with('match = "z.zip!*"\nowner = "a"'), "0" * 12, "c.txt", "z.zip") == {"owner": "a"}
    assert options_for(case_with(f'match = "{"0" * 12}"\nowner = "a"'), "0" * 12, "c.txt", None) == {"owner": "a"}
    both = case_with('match = "*"\nowner = "a"\ndate_order = "dmy"', 'match = "c.txt"\nowner = "b"')
    assert options_for(both, "0" * 12, "c.txt", None) == {"owner": "b", "date_order": "dmy"}
    clash = case_with('match = "*"\nowner = "a"', 'match = "c*"\nowner = "b"')
    with pytest.raises(UserError, match="different values for owner"):
        options_for(clash, "0" * 12, "c.txt", None)
    assert options_for(case_with('match = "Cafe\u0301*"\nowner = "a"'), "0" * 12, "Caf\u00e9.txt", None) == {
        "owner": "a"
    }


def test_clashing_options_fail_that_file_only(case: Path, tmp_path: Path) -> None:
    (case / "case.toml").write_text(
        CASE + '[[source]]\nmatch = "a*"\nowner = "x"\n[[source]]\nmatch = "*a.txt"\nowner = "y"\n', encoding="utf-8"
    )
    report = ingest(case, [put(tmp_path, "a.txt", messages(1)), put(tmp_path, "b.txt", messages(2))])
    assert [f.subject for f in report.failed] == ["a.txt"]
    assert [s.name for s in report.stored] == ["b.txt"]


def test_options_that_changed_since_are_said(case: Path, tmp_path: Path) -> None:
    file = put(tmp_path, "a.txt", messages(1))
    source_id = ingest(case, [file]).stored[0].source_id
    for line, said in (('timezone = "+06:00"', 0), ('owner = "x"', 1)):
        (case / "case.toml").write_text(CASE + f'[[source]]\nmatch = "a.txt"\n{line}\n', encoding="utf-8")
        report = ingest(case, [file])
        assert len(report.findings) == said  # a zone is applied on every load, an owner only when the file is read
        assert report.exit_code == said
    assert f"qorgan remove {source_id}" in report.findings[0].sentence


def test_ambiguous_format_is_read_by_nobody(case: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import pipelines.readers

    twins = {"one": InventedReader(), "two": InventedReader()}
    monkeypatch.setattr(pipelines.readers, "all_readers", lambda: twins)
    report = ingest(case, [put(tmp_path, "a.txt", messages(1))])
    assert [str(f) for f in report.unknown] == ["a.txt: several readers claim it equally: one, two"]


def test_reader_that_fails_while_recognising(case: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise RecursionError("SECRET")

    monkeypatch.setattr(InventedReader, "recognise", fail)
    report = ingest(case, [put(tmp_path, "a.txt", messages(1))])
    assert "please report it" in report.failed[0].sentence
    assert "SECRET" not in report.failed[0].sentence


@pytest.mark.parametrize("in_archive", [False, True])
def test_file_that_changes_while_it_is_read(
    case: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, in_archive: bool
) -> None:
    data = pack(("a.txt", messages(5))) if in_archive else messages(5)
    file = put(tmp_path, "a.zip" if in_archive else "a.txt", data)
    other = pack(("a.txt", messages(6))) if in_archive else messages(6)
    real = InventedReader.read

    def read(self: InventedReader, *args: Any) -> None:
        real(self, *args)
        file.write_bytes(other)

    monkeypatch.setattr(InventedReader, "read", read)
    report = ingest(case, [file])
    assert [f.sentence for f in report.failed] == ["was changed while it was being read; nothing of it is stored"]
    assert not (case / "store").exists()


def test_bytes_that_changed_without_a_trace_in_the_folder(
    case: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    good = messages(5, "+77010000002")
    file = put(tmp_path, "a.txt", good)
    real = InventedReader.read

    def read(self: InventedReader, *args: Any) -> None:
        before = file.stat()
        with file.open("r+b") as stream:
            stream.write(messages(5, "+77010000003"))
        os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
        real(self, *args)

    monkeypatch.setattr(InventedReader, "read", read)
    assert len(ingest(case, [file]).failed) == 1


@pytest.mark.parametrize("changes", [False, True])
def test_reader_that_stops_early_or_seeks(
    case: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, changes: bool
) -> None:
    file = put(tmp_path, "a.txt", messages(200_000))

    def read(self: InventedReader, source: Any, context: Any, out: Any) -> None:
        with source.open() as stream:
            stream.read(10)
            stream.seek(4_000_000)
            stream.read(10)
        if changes:
            before = file.stat()
            with file.open("r+b") as stream:
                stream.seek(2_000_000)
                stream.write(b"x")
            os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))

    monkeypatch.setattr(InventedReader, "read", read)
    report = ingest(case, [file])
    assert (len(report.stored), len(report.failed)) == ((0, 1) if changes else (1, 0))


def test_watched_stream_gives_the_bytes_and_their_hash(tmp_path: Path) -> None:
    data = os.urandom(300_000)
    stream = Watched(io.BytesIO(data), lambda at: None)
    assert io.BufferedReader(stream, 1000).read() == data
    assert stream.sha256 == hashlib.sha256(data).hexdigest()
    seeking = Watched(io.BytesIO(data), lambda at: None)
    buffered = io.BufferedReader(seeking, 1000)
    buffered.seek(100_000)
    assert buffered.read() == data[100_000:]
    assert seeking.sha256 is None


def test_colliding_ids_are_refused(case: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def colliding(*args: Any) -> Any:
        for item in walk(*args):
            assert isinstance(item, Found)
            yield replace(item, source_id="0" * 12)

    monkeypatch.setattr("pipelines.ingest.walk", colliding)
    report = ingest(case, [put(tmp_path, "a.txt", messages(1)), put(tmp_path, "b.txt", messages(2))])
    assert [s.name for s in report.stored] == ["a.txt"]
    assert "is that of another source" in report.failed[0].sentence


def test_order_and_way_do_not_matter(tmp_path: Path) -> None:
    data = {f"{i}.txt": messages(i + 1, f"+7701000000{i}") for i in range(4)}
    stores = []
    for i, names in enumerate((list(data), list(reversed(data)))):
        case = make_case(tmp_path / f"case{i}")
        files = [put(tmp_path / f"in{i}", n, data[n]) for n in names]
        if i:
            for file in files:
                ingest(case, [file])
        else:
            ingest(case, files)
        stores.append({n: b for n, b in files_of(case / "store").items() if n != "local.json"})
    assert stores[0] == stores[1]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (CASE.replace('basis = "consent"\n', ""), "names no legal basis"),
        (CASE.replace("Asia/Almaty", "Asia/Almati"), "line 3, case.timezone"),
        (None, "qorgan init"),
    ],
)
def test_case_file_comes_first(tmp_path: Path, text: str | None, words: str) -> None:
    case = tmp_path / "case"
    case.mkdir()
    if text is not None:
        make_case(case, text)
    before = files_of(case)
    with pytest.raises(UserError, match=words):
        ingest(case, [put(tmp_path, "a.txt", messages(1))])
    assert files_of(case) == before


def test_wrong_use_changes_nothing(case: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = files_of(case)
    good = put(tmp_path, "a.txt", messages(1))
    with pytest.raises(UserError, match="there is no case"):
        ingest(tmp_path / "none", [good])
    with pytest.raises(UserError, match="there is no file or folder"):
        ingest(case, [good, tmp_path / "none.txt"])
    with pytest.raises(UserError, match="at least one export"):
        ingest(case, [])
    monkeypatch.setattr("pipelines.ingest.hold", lambda c, n: hold(c, n, 0.05))
    with hold(case, "score"), pytest.raises(UserError, match="in use by qorgan score"):
        ingest(case, [good])
    assert {k: v for k, v in files_of(case).items() if k != ".lock"} == before


def test_the_case_itself_is_no_export(case: Path, tmp_path: Path) -> None:
    put(case, "exports/a.txt", messages(1))
    ingest(case, [case])
    report = ingest(case, [case])
    assert [a.name for a in report.already] == ["a.txt"]
    assert not report.unknown and not report.failed


def test_custody_knows_hashes_and_no_names(case: Path, tmp_path: Path) -> None:
    archive = put(tmp_path, "Chat with Dana.zip", pack(("Dana.txt", messages(1))))
    file = put(tmp_path, "Dana Omarova.txt", messages(2))
    folder = put(tmp_path, "Dana/x.txt", messages(3)).parent
    ingest(case, [archive, file, folder])
    raw = (case / custody.NAME).read_bytes()
    assert b"Dana" not in raw and str(tmp_path).encode() not in raw
    entry = json.loads(raw)
    digest = hashlib.sha256(archive.read_bytes()).hexdigest()
    assert entry["arguments"] == [
        f"archive:{digest[:12]}", f"file:{hashlib.sha256(messages(2)).hexdigest()[:12]}", "folder",
    ]  # fmt: skip
    inputs = {i["name"]: i["sha256"] for i in entry["inputs"]}
    assert inputs[f"archive:{digest[:12]}"] == digest
    assert inputs["case.toml"] == hashlib.sha256(CASE.encode()).hexdigest()
    for data in (messages(1), messages(2), messages(3)):
        whole = hashlib.sha256(data).hexdigest()
        assert inputs[whole[:12]] == whole
    assert [r["name"] for r in entry["results"]] == ["store/manifest.json"]


def test_context_knows_owner_and_contacts(case: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = CASE.replace('["+77010000001"]', '["8 701 000 00 01", "telegram:name:Aika"]')
    make_case(case, text + '[[contact]]\nid = "K1"\nlabel = "sister"\nidentifiers = ["Bek", "telegram:user5"]\n')
    seen: list[Any] = []
    monkeypatch.setattr(InventedReader, "read", lambda self, source, context, out: seen.append(context))
    ingest(case, [put(tmp_path, "a.txt", messages(1))])
    context = seen[0]
    assert {"Aigerim", "8 701 000 00 01", "+77010000001", "telegram:name:Aika", "Aika"} == context.owner_names
    assert {"Bek", "telegram:user5"} == context.contact_names
    assert context.phone("87010000002") == ("+77010000002", "phone")


def test_progress_is_told(case: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[Progress] = []
    monkeypatch.setattr("pipelines.ingest._STEP", 2_000_000)
    file = put(tmp_path, "a.txt", messages(200_000))
    ingest(case, [file], told.append)
    assert {t.name for t in told} == {"a.txt"}
    assert {t.size for t in told} == {file.stat().st_size}
    done = [t.done for t in told]
    assert 2 <= len(done) < 10
    assert done == sorted(done)
    assert done[-1] <= file.stat().st_size


def test_disk_that_fills_up_changes_nothing(case: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ingest(case, [put(tmp_path, "a.txt", messages(1))])
    before = files_of(case)

    def full(*_: Any, **__: Any) -> BinaryIO:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("pyarrow.ipc.new_file", full)
        with pytest.raises(UserError, match="No space left on device; nothing was changed"):
            ingest(case, [put(tmp_path, "b.txt", messages(2))])
    assert files_of(case) == before


def test_unreadable_file_is_said(case: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = put(tmp_path, "a.txt", messages(1))
    real = Path.open

    def refuse(self: Path, *args: Any, **kwargs: Any) -> Any:
        if self == file:
            raise PermissionError(13, "Permission denied")
        return real(self, *args, **kwargs)

    monkeypatch.setattr(Path, "open", refuse)
    report = ingest(case, [file])
    assert [str(f) for f in report.failed] == ["a.txt: cannot be read: Permission denied"]


# -- remove -----------------------------------------------------------------------------------------------------------


def test_remove_by_id_prefix_and_name(case: Path, tmp_path: Path) -> None:
    ingest(case, [put(tmp_path, "a.txt", MIXED)])
    alone = files_of(case / "store")
    other = ingest(case, [put(tmp_path, "z.zip", pack(("d/b.txt", messages(3))))]).stored[0]
    for name in (other.source_id, other.source_id[:5], "d/b.txt", "b.txt", "z.zip!d/b.txt"):
        done = remove(case, name)
        assert (done.source_id, done.name, done.kept, done.exit_code) == (other.source_id, "d/b.txt", 3, 0)
        assert files_of(case / "store") == alone
        assert done.head == custody.head(case)
        assert verify.verify(case, done.head) == []
        assert len(ingest(case, [tmp_path / "z.zip"]).stored) == 1
    last = json.loads((case / custody.NAME).read_bytes().splitlines()[1])
    assert b"b.txt" not in (case / custody.NAME).read_bytes()
    assert last["command"] == "ingest"


def test_remove_needs_exactly_one(case: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="nothing was ingested"):
        remove(case, "a.txt")
    put(tmp_path, "in/1/a.txt", messages(1))
    put(tmp_path, "in/2/a.txt", messages(2))
    report = ingest(case, [tmp_path / "in"])
    before = files_of(case)
    with pytest.raises(UserError, match="several sources") as caught:
        remove(case, "a.txt")
    assert all(s.source_id in str(caught.value) for s in report.stored)
    for name in ("nothing", "", report.stored[0].source_id[:3]):
        with pytest.raises(UserError, match="no source of the case"):
            remove(case, name)
    with pytest.raises(UserError, match="there is no case"):
        remove(tmp_path / "none", "a")
    assert {k: v for k, v in files_of(case).items() if k != ".lock"} == {
        k: v for k, v in before.items() if k != ".lock"
    }


def test_remove_works_with_a_broken_case_file(case: Path, tmp_path: Path) -> None:
    ingest(case, [put(tmp_path, "a.txt", MIXED)])
    (case / "case.toml").write_text("[", encoding="utf-8")
    remove(case, "a.txt")
    assert store.read(case).sources.num_rows == 0


def unread(case: Path) -> list[dict[str, Any]]:
    return list(store.read(case).unread.to_pylist())


def stored_files(case: Path) -> dict[str, bytes]:
    return {n: b for n, b in files_of(case).items() if n != ".lock"}


def test_what_nobody_read_is_listed_until_it_is_read(case: Path, tmp_path: Path) -> None:
    put(tmp_path, "in/good.txt", messages(1))
    put(tmp_path, "in/strange.bin", b"\x01\x02 nobody knows this")
    put(tmp_path, "in/bad.zip", b"PK\x03\x04 broken")
    put(tmp_path, "in/photo.jpg", b"\xff\xd8\xff" + b"x" * 50)
    report = ingest(case, [tmp_path / "in"])
    assert report.exit_code == 1
    listed = {r["name"]: r for r in unread(case)}
    assert sorted(listed) == ["bad.zip", "strange.bin"], "a picture is no log, and nobody takes it for one"
    assert listed["strange.bin"]["reason"] == "no reader knows this format"
    assert "broken" in listed["bad.zip"]["reason"]
    assert listed["strange.bin"]["bytes"] == 20
    assert listed["strange.bin"]["sha256"] == hashlib.sha256(b"\x01\x02 nobody knows this").hexdigest()
    before = stored_files(case)
    assert ingest(case, [tmp_path / "in"]).exit_code == 1
    assert stored_files(case) == before, "the same files twice change nothing"


def test_only_unknown_files_change_nothing(case: Path, tmp_path: Path) -> None:
    before = stored_files(case)
    assert ingest(case, [put(tmp_path, "strange.bin", b"\x01\x02 nobody knows this")]).exit_code == 2
    assert stored_files(case) == before


def test_a_file_that_waited_is_taken_off_the_list(case: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    waits, other = put(tmp_path, "wait.txt", messages(2)), put(tmp_path, "other.txt", messages(3))
    plain = InventedReader.read

    def one_waits(self: Any, source: SourceFile, context: Any, out: Any) -> None:
        if source.name == "wait.txt":
            raise Waiting("something is open", 'owner = "..."')
        plain(self, source, context, out)

    with monkeypatch.context() as patch:
        patch.setattr(InventedReader, "read", one_waits)
        assert ingest(case, [waits, other]).waiting
    assert [(r["name"], r["reason"]) for r in unread(case)] == [("wait.txt", "waits for an option: something is open")]
    ingest(case, [waits])
    assert not unread(case)
    assert verify.verify(case) == []
