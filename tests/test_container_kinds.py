"""Tar, gzip, Android and Apple backups, and the files that lie beside a source."""

from __future__ import annotations

import gzip
import hashlib
import io
import os
import plistlib
import sqlite3
import tarfile
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path

import pytest

from pipelines.containers import Found, Limits, Refused, walk
from pipelines.readers._sqlite import open_database


def tar(members: Mapping[str, bytes], form: int = tarfile.PAX_FORMAT) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=form) as archive:
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size, info.mtime = len(data), 1_740_825_000
            archive.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


def adb(data: bytes, *, packed: bool = True, cipher: bytes = b"none") -> bytes:
    body = zlib.compress(data) if packed else data
    return b"ANDROID BACKUP\n5\n" + (b"1" if packed else b"0") + b"\n" + cipher + b"\n" + body


def put(folder: Path, name: str, data: bytes) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def both(path: Path, limits: Limits | None = None) -> tuple[list[Found], list[Refused]]:
    items = list(walk([path], limits=limits))
    return [i for i in items if isinstance(i, Found)], [i for i in items if isinstance(i, Refused)]


MEMBERS = {"b/two.txt": os.urandom(70_000), "a.txt": b"one", "empty.txt": b"", "b/._x": b"junk"}


@pytest.mark.parametrize("form", [tarfile.PAX_FORMAT, tarfile.GNU_FORMAT, tarfile.USTAR_FORMAT])
@pytest.mark.parametrize(
    ("name", "wrap"),
    [("x.tar", lambda d: d), ("x.tar.gz", gzip.compress), ("x.ab", adb), ("y.ab", lambda d: adb(d, packed=False))],
)
def test_members_are_the_sources_that_their_unpacked_copies_are(
    tmp_path: Path, form: int, name: str, wrap: object
) -> None:
    sources, refused = both(put(tmp_path, name, wrap(tar(MEMBERS, form))))  # type: ignore[operator]
    assert [(s.name, s.container) for s in sources] == [("a.txt", name), ("b/two.txt", name)]
    for source in sources:
        assert source.sha256 == hashlib.sha256(MEMBERS[source.name]).hexdigest()
        for _ in range(2):
            with source.open() as stream:
                assert stream.read() == MEMBERS[source.name]
        assert source.entry_us == 1_740_825_000_000_000
    assert {(r.name, r.skipped) for r in refused} == {("empty.txt", True), ("b/._x", True)}


def test_a_file_that_was_packed_alone(tmp_path: Path) -> None:
    sources, _ = both(put(tmp_path, "messages.json.gz", gzip.compress(b"[]" * 400)))
    assert [(s.name, s.container, s.size) for s in sources] == [("messages.json", "messages.json.gz", 800)]


def test_archives_in_archives_of_other_kinds(tmp_path: Path) -> None:
    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("t.tar", tar({"deep.txt": b"deep"}))
    for name, data in (
        ("x.tar", tar({"in.zip": inner.getvalue()})),
        ("x.tgz", gzip.compress(tar({"in.zip": inner.getvalue()}))),
    ):
        sources, _ = both(put(tmp_path, name, data))
        assert [(s.name, s.container) for s in sources] == [("deep.txt", f"{name}!in.zip!t.tar")]
        with sources[0].open() as stream:
            assert stream.read() == b"deep"
    _, refused = both(tmp_path / "x.tar", Limits(depth=2))
    assert "2 deep only" in refused[0].reason


def test_encrypted_android_backup(tmp_path: Path) -> None:
    sources, refused = both(put(tmp_path, "x.ab", adb(b"secret", cipher=b"AES-256")))
    assert not sources
    assert "encrypted" in refused[0].reason


@pytest.mark.parametrize("wrap", [lambda d: d, gzip.compress, adb])
def test_cut_archives_keep_what_is_whole_and_say_so(tmp_path: Path, wrap: object) -> None:
    members = {f"{k}.txt": os.urandom(3000) for k in range(6)}
    data: bytes = wrap(tar(members))  # type: ignore[operator]
    most = 0
    for end in range(0, len(data), 1531):
        sources, refused = both(put(tmp_path, "x.bin", data[:end]))
        good = [s for s in sources if s.name in members]
        for source in good:
            with source.open() as stream:
                assert stream.read() == members[source.name]
        most = max(most, len(good))
        if good and len(good) < 6:
            assert any("broken" in r.reason for r in refused)
    assert most >= 4


def test_links_devices_and_names_that_lead_elsewhere(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, kind in (("link", tarfile.SYMTYPE), ("hard", tarfile.LNKTYPE), ("dev", tarfile.CHRTYPE)):
            info = tarfile.TarInfo(name)
            info.type, info.linkname = kind, "/etc/passwd"
            archive.addfile(info)
        for name in ("../up.txt", "/etc/x.txt"):
            info = tarfile.TarInfo(name)
            info.size = 1
            archive.addfile(info, io.BytesIO(b"x"))
    sources, refused = both(put(tmp_path, "x.tar", buffer.getvalue()))
    assert not sources
    assert {r.name: r.reason.split()[0] for r in refused}.keys() == {"link", "hard", "dev", "../up.txt", "/etc/x.txt"}


def test_bombs(tmp_path: Path) -> None:
    _, refused = both(put(tmp_path, "a.gz", gzip.compress(b"\0" * 30_000_000)))
    assert "more than 200 times" in refused[0].reason
    _, refused = both(put(tmp_path, "b.tgz", gzip.compress(tar({"z": b"\0" * 30_000_000}))))
    assert "more than 200 times" in refused[0].reason
    sources, _ = both(tmp_path / "b.tgz", Limits(ratio=10**6))
    assert [s.name for s in sources] == ["z"]
    _, refused = both(put(tmp_path, "c.tar", tar({f"{k}": b"x" for k in range(20)})), Limits(members=19))
    assert "more than 19 members" in refused[0].reason
    _, refused = both(tmp_path / "b.tgz", Limits(total=10**6, ratio=10**6))
    assert refused


def test_an_extended_header_cannot_fill_the_memory(tmp_path: Path) -> None:
    info = tarfile.TarInfo("pax")
    info.type, info.size = tarfile.XHDTYPE, 1 << 32
    _, refused = both(put(tmp_path, "x.tar", info.tobuf(tarfile.USTAR_FORMAT) + b"\0" * 2048))
    assert "broken" in refused[0].reason


# -- beside


def database(*statements: str) -> bytes:
    db = sqlite3.connect(":memory:")
    for statement in statements:
        db.execute(statement)
    db.commit()
    data = db.serialize()
    db.close()
    return data


def test_what_lies_beside(tmp_path: Path) -> None:
    files = {"in/a/msg.json": b"[1]", "in/profile/Profile.json": b"{}", "in/profile/empty.json": b""}
    for name, data in files.items():
        put(tmp_path, name, data)
    (tmp_path / "in/link.json").symlink_to(tmp_path / "in/a/msg.json")
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    zipped = put(tmp_path, "in.zip", buffer.getvalue())
    tarred = put(tmp_path, "in.tar", tar(files))
    for root in (tmp_path / "in", zipped, tarred):
        source = next(s for s in both(root)[0] if s.name.endswith("msg.json"))
        assert source.beside is not None
        (profile,) = source.beside.find("*/profile.json")
        assert profile.size == 2
        assert profile.sha256 == hashlib.sha256(b"{}").hexdigest()
        assert not source.beside.find("*/empty.json")
        assert not source.beside.find("*/link.json")
    (alone,) = both(tmp_path / "in/a/msg.json")[0]
    assert alone.beside is not None
    assert not alone.beside.find("*/profile.json"), "a file that is named alone has only its own folder beside it"
    assert [s.name for s in alone.beside.find("*.json")] == ["msg.json"]


# -- backups of an iPhone


SMS = "HomeDomain-Library/SMS/sms.db"


def backup(files: Mapping[str, bytes], *, encrypted: bool = False) -> dict[str, bytes]:
    """Return the files of a backup folder that holds the given ones by ``domain-path``."""
    rows = ["CREATE TABLE Files (fileID TEXT PRIMARY KEY, domain TEXT, relativePath TEXT, flags INTEGER, file BLOB)"]
    out: dict[str, bytes] = {}
    for name, data in files.items():
        domain, _, path = name.partition("-")
        file_id = hashlib.sha1(name.encode()).hexdigest()
        rows.append(f"INSERT INTO Files VALUES ('{file_id}', '{domain}', '{path}', 1, NULL)")
        out[f"{file_id[:2]}/{file_id}"] = data
    rows.append("INSERT INTO Files VALUES ('dd', 'HomeDomain', 'Library', 2, NULL)")
    out["Manifest.db"] = b"encrypted" * 500 if encrypted else database(*rows)
    out["Manifest.plist"] = plistlib.dumps({"IsEncrypted": encrypted})
    out["Info.plist"] = plistlib.dumps({"Device Name": "x"})
    return out


def log_of(folder: Path) -> tuple[bytes, bytes]:
    path = folder / "live"
    db = sqlite3.connect(path, isolation_level=None)
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("CREATE TABLE message (ROWID INTEGER PRIMARY KEY)")
    db.execute("INSERT INTO message VALUES (42)")
    found = path.read_bytes(), Path(f"{path}-wal").read_bytes()
    db.close()
    return found


def test_backup_of_an_iphone(tmp_path: Path) -> None:
    data, wal = log_of(tmp_path)
    files = backup(
        {SMS: data, f"{SMS}-wal": wal, "CameraRollDomain-Media/DCIM/1.JPG": b"\xff\xd8\xff" + b"x" * 99,
         "HomeDomain-Library/CallHistoryDB/CallHistory.storedata": database("CREATE TABLE ZCALLRECORD (a)")}
    )  # fmt: skip
    assert "3d/3d0d7e5fb2ce288813306e4d4636395e047a3d28" in files, "the name that is known from real backups"
    for name, content in files.items():
        put(tmp_path, f"in/00008030-X/{name}", content)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in files.items():
            archive.writestr(f"00008030-X/{name}", content)
    zipped = put(tmp_path, "b.zip", buffer.getvalue())
    for root, container in (
        (tmp_path / "in", "00008030-X"),
        (tmp_path / "in/00008030-X", "00008030-X"),
        (zipped, "b.zip"),
    ):
        sources, refused = both(root)
        assert [(s.name, s.container) for s in sources] == [
            ("HomeDomain/Library/CallHistoryDB/CallHistory.storedata", container),
            ("HomeDomain/Library/SMS/sms.db", container),
        ]
        sms = sources[1]
        assert sms.sha256 == hashlib.sha256(data + wal).hexdigest()
        with open_database(sms) as db:
            assert [b.rowids for b in db.scan("message", [])] == [[42]]
        assert all(r.skipped for r in refused)
        assert any("1 pictures" in r.reason for r in refused)
        assert sms.beside is not None
        assert len(sms.beside.find("*/CallHistory.storedata")) == 1
        again = next(s for s in both(Path(sms.origin))[0] if s.name == sms.name)
        assert again.sha256 == sms.sha256, "the original is found again from where it lay"


def test_backup_without_calls_says_so(tmp_path: Path) -> None:
    for name, content in backup({SMS: database("CREATE TABLE message (a)")}).items():
        put(tmp_path, f"B/{name}", content)
    _, refused = both(tmp_path / "B")
    assert ["no call log" in r.reason for r in refused if not r.skipped] == [True]


def test_encrypted_backup_is_one_sentence(tmp_path: Path) -> None:
    for name, content in backup({SMS: os.urandom(4096)}, encrypted=True).items():
        put(tmp_path, f"B/{name}", content)
    sources, refused = both(tmp_path / "B")
    assert not sources
    assert ["encrypted" in r.reason for r in refused] == [True]


def test_backup_with_a_hostile_manifest(tmp_path: Path) -> None:
    files = backup({SMS: b"x"})
    files["Manifest.db"] = database(
        "CREATE VIEW Files AS SELECT 1 AS fileID, 2 AS domain, 3 AS relativePath, 1 AS flags"
    )
    for name, content in files.items():
        put(tmp_path, f"B/{name}", content)
    sources, refused = both(tmp_path / "B")
    assert not sources
    assert "view" in refused[0].reason
