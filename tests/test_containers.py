"""Files, folders and archives as sources: nothing unpacked to disk, nothing hostile believed."""

from __future__ import annotations

import hashlib
import io
import os
import struct
import zipfile
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.containers import Found, Limits, Refused, walk
from pipelines.containers._zip import MAX_OPEN
from pipelines.errors import UserError, shown


def pack(members: Sequence[tuple[str, bytes]], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, data in members:
            archive.writestr(zipfile.ZipInfo(name, (2025, 3, 1, 10, 30, 2)), data, method)
    return buffer.getvalue()


def put(folder: Path, name: str, data: bytes) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def found(path: Path, limits: Limits | None = None) -> list[Found]:
    return [i for i in walk([path], limits=limits) if isinstance(i, Found)]


def refused(path: Path, limits: Limits | None = None) -> list[Refused]:
    return [i for i in walk([path], limits=limits) if isinstance(i, Refused)]


def test_plain_file(tmp_path: Path) -> None:
    data = b"x" * 100_000
    source = found(put(tmp_path, "a.xml", data))[0]
    assert (source.name, source.container, source.size) == ("a.xml", None, 100_000)
    assert source.sha256 == hashlib.sha256(data).hexdigest()
    assert source.source_id == source.sha256[:12]
    assert source.head == data[:65_536]
    assert source.path == source.origin == str(tmp_path / "a.xml")
    with source.open() as stream:
        assert stream.seekable()
        assert stream.read() == data


def test_member_is_the_same_source_as_its_unpacked_copy(tmp_path: Path) -> None:
    data = os.urandom(3_000_000)
    archive = put(tmp_path, "chat.zip", pack([("d/_chat.txt", data), ("b.txt", b"b")]))
    plain = found(put(tmp_path, "_chat.txt", data))[0]
    packed = found(archive)
    assert [s.name for s in packed] == ["b.txt", "d/_chat.txt"]
    source = packed[1]
    assert (source.source_id, source.container, source.path) == (plain.source_id, "chat.zip", None)
    assert source.origin == str(archive)
    assert source.container_sha256 == hashlib.sha256(archive.read_bytes()).hexdigest()
    assert source.entry_us == 1_740_825_002_000_000
    for _ in range(2):  # a fresh stream each time, also after the walk has ended
        with source.open() as stream:
            assert not stream.seekable()
            assert stream.read() == data


def test_nothing_is_unpacked_to_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    archive = put(tmp_path, "a.zip", pack([("i.zip", pack([("x.txt", b"x" * 9)])), ("y.txt", b"y")]))
    before = sorted(tmp_path.rglob("*"))

    def no_temporary(*_: object, **__: object) -> None:
        raise AssertionError("a temporary file was made")

    monkeypatch.setattr("tempfile.mkstemp", no_temporary)
    monkeypatch.setattr("tempfile.TemporaryFile", no_temporary)
    assert len(found(archive)) == 2
    assert sorted(tmp_path.rglob("*")) == before


def test_folder_is_sorted_and_links_stay_inside(tmp_path: Path) -> None:
    outside = put(tmp_path, "outside/secret.txt", b"secret")
    root = tmp_path / "in"
    for name in ("b.txt", "a/z.txt", "a/y.txt", "__MACOSX/q", ".DS_Store", "._b.txt"):
        put(root, name, name.encode())
    put(root, "empty.txt", b"")
    (root / "link.txt").symlink_to(outside)
    (root / "linkdir").symlink_to(outside.parent, target_is_directory=True)
    (root / "loop").symlink_to(root, target_is_directory=True)
    items = list(walk([root]))
    assert [i.name for i in items if isinstance(i, Found)] == ["y.txt", "z.txt", "b.txt"]
    said = {i.name: i for i in items if isinstance(i, Refused)}
    assert said["empty.txt"].skipped and said[".DS_Store"].skipped and said["._b.txt"].skipped and said["loop"].skipped
    for name in ("link.txt", "linkdir"):
        assert not said[name].skipped
        assert "leads out of the folder" in said[name].reason
    # what the user names is followed
    assert [s.name for s in found(root / "link.txt")] == ["link.txt"]


def test_excluded_paths_and_missing_ones(tmp_path: Path) -> None:
    put(tmp_path, "store/x", b"x")
    put(tmp_path, "y", b"y")
    items = list(walk([tmp_path], [tmp_path / "store"]))
    assert [i.name for i in items] == ["y"]
    with pytest.raises(UserError, match="there is no file or folder"):
        walk([tmp_path / "y", tmp_path / "nothing"])


def test_deep_folders(tmp_path: Path) -> None:
    path = tmp_path
    for _ in range(300):
        path = path / "dddd"
    try:
        put(path, "x.txt", b"x")
    except OSError:
        pytest.skip("this file system allows no deep folders")
    assert [s.name for s in found(tmp_path)] == ["x.txt"]


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_archives_in_archives(tmp_path: Path, method: int) -> None:
    level3 = pack([("3.txt", b"three"), ("4.zip", pack([("4.txt", b"four")]))], method)
    level2 = pack([("2.txt", b"two"), ("3.zip", level3)], method)
    archive = put(tmp_path, "1.zip", pack([("1.txt", b"one"), ("d/2.zip", level2)], method))
    items = list(walk([archive]))
    names = {(s.container, s.name): s for s in items if isinstance(s, Found)}
    assert set(names) == {
        ("1.zip", "1.txt"), ("1.zip!d/2.zip", "2.txt"), ("1.zip!d/2.zip!3.zip", "3.txt"),
    }  # fmt: skip
    with names["1.zip!d/2.zip!3.zip", "3.txt"].open() as stream:
        assert stream.read() == b"three"
    refusal = [i for i in items if isinstance(i, Refused)]
    assert [(r.container, r.name) for r in refusal] == [("1.zip!d/2.zip!3.zip", "4.zip")]
    assert "3 deep only" in refusal[0].reason


def test_packed_archive_in_archive_is_bounded(tmp_path: Path) -> None:
    inner = pack([("x.txt", os.urandom(5000))], zipfile.ZIP_STORED)
    limits = Limits(inner=1000)
    packed = put(tmp_path, "p.zip", pack([("i.zip", inner)]))
    assert "ingest the folder" in refused(packed, limits)[0].reason
    stored = put(tmp_path, "s.zip", pack([("i.zip", inner)], zipfile.ZIP_STORED))
    assert [s.name for s in found(stored, limits)] == ["x.txt"]


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("../x.txt", "leads out"), ("a/../../x.txt", "leads out"), ("a\\..\\x.txt", "leads out"),
        ("/etc/x.txt", "absolute"), ("C:\\x.txt", "absolute"), ("\\\\host\\x.txt", "absolute"), ("a\0b.txt", "zero"),
    ],
)  # fmt: skip
def test_names_that_lead_elsewhere(tmp_path: Path, name: str, words: str) -> None:
    info = zipfile.ZipInfo("placeholder")
    info.filename = name  # past the cleaning of the constructor
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(info, b"evil")
        archive.writestr("good.txt", b"good")
    items = list(walk([put(tmp_path, "a.zip", buffer.getvalue())]))
    assert [i.name for i in items if isinstance(i, Found)] == ["good.txt"]
    reasons = [i.reason for i in items if isinstance(i, Refused)]
    assert len(reasons) == 1
    assert words in reasons[0]


def patched(data: bytes, name: bytes, offset_local: int, offset_central: int, value: bytes) -> bytes:
    """Change a field of a member in both of its headers."""
    local = data.index(name) - 30
    central = data.index(name, data.index(b"PK\x01\x02")) - 46
    out = bytearray(data)
    out[local + offset_local : local + offset_local + len(value)] = value
    out[central + offset_central : central + offset_central + len(value)] = value
    return bytes(out)


def test_encrypted_and_unknown_compression(tmp_path: Path) -> None:
    data = pack([("secret.txt", b"secret" * 10), ("z.txt", b"good")])
    for change, words in (((6, 8, b"\x01\x00"), "encrypted"), ((8, 10, b"\x63\x00"), "compressed in a way")):
        items = list(walk([put(tmp_path, "a.zip", patched(data, b"secret.txt", *change))]))
        assert [i.name for i in items if isinstance(i, Found)] == ["z.txt"]
        assert words in next(i.reason for i in items if isinstance(i, Refused))


def test_bomb_by_ratio(tmp_path: Path) -> None:
    data = pack([("bomb.txt", b"\0" * 11_000_000), ("good.txt", b"\0" * 100_000)])
    items = list(walk([put(tmp_path, "a.zip", data)]))
    assert [i.name for i in items if isinstance(i, Found)] == ["good.txt"]
    assert "more than 200 times" in next(i.reason for i in items if isinstance(i, Refused))


def test_size_that_lies(tmp_path: Path) -> None:
    data = pack([("lie.txt", os.urandom(50_000)), ("z.txt", b"good")])
    for size in (100, 1_000_000):
        items = list(walk([put(tmp_path, "a.zip", patched(data, b"lie.txt", 22, 24, struct.pack("<L", size)))]))
        assert [i.name for i in items if isinstance(i, Found)] == ["z.txt"]
        assert "broken" in next(i.reason for i in items if isinstance(i, Refused))


def test_limits_of_the_whole_archive(tmp_path: Path) -> None:
    path = put(tmp_path, "a.zip", pack([(f"{i}.txt", b"x" * 100) for i in range(20)]))
    assert len(found(path)) == 20
    reasons = [r.reason for r in refused(path, Limits(members=19))]
    assert reasons == ["the archive has more than 19 members (raise --max-members)"]
    assert "inflates to more" in refused(path, Limits(members=20, total=1999))[0].reason
    assert len(found(path, Limits(members=20, total=2000))) == 20
    assert "directory of the archive" in refused(path, Limits(directory=100))[0].reason


def test_inner_archives_share_the_total(tmp_path: Path) -> None:
    inner = pack([("x.txt", b"x" * 1000)])
    path = put(tmp_path, "a.zip", pack([("1.zip", inner), ("2.zip", inner)]))
    items = list(walk([path], limits=Limits(total=2 * len(inner) + 1500)))
    assert len([i for i in items if isinstance(i, Found)]) == 1
    assert [i.name for i in items if isinstance(i, Refused)] == ["2.zip"]


def test_overlapping_members(tmp_path: Path) -> None:
    data = pack([("a.txt", os.urandom(1000)), ("b.txt", os.urandom(1000))])
    central = data.index(b"b.txt", data.index(b"PK\x01\x02")) - 46
    out = bytearray(data)
    out[central + 42 : central + 46] = struct.pack("<L", 10)
    assert [r.reason for r in refused(put(tmp_path, "a.zip", bytes(out)))] == [
        "members of the archive overlap; it is not read"
    ]


def test_broken_archives_do_not_stop_the_others(tmp_path: Path) -> None:
    data = pack([("a.txt", b"a" * 5000), ("b.txt", os.urandom(5000))], zipfile.ZIP_STORED)
    bad = bytearray(data)
    bad[data.index(b"aaaa") + 100] ^= 1
    put(tmp_path, "1-crc.zip", bytes(bad))
    put(tmp_path, "2-cut.zip", data[: len(data) - 60])
    put(tmp_path, "3-half.zip", data[:3000])
    put(tmp_path, "4-head.zip", b"PK\x03\x04")
    put(tmp_path, "5-good.zip", data)
    items = list(walk([tmp_path]))
    assert [(i.container, i.name) for i in items if isinstance(i, Found)] == [
        ("1-crc.zip", "b.txt"), ("5-good.zip", "a.txt"), ("5-good.zip", "b.txt"),
    ]  # fmt: skip
    reasons = [(i.container or i.name, i.reason) for i in items if isinstance(i, Refused)]
    assert [r[0] for r in reasons] == ["1-crc.zip", "2-cut.zip", "3-half.zip", "4-head.zip"]
    assert all(r[1].count(".") <= 1 and "broken" in r[1] for r in reasons)
    assert "checksum" in reasons[0][1]


def test_junk_links_and_empty_members_are_listed(tmp_path: Path) -> None:
    link = zipfile.ZipInfo("link")
    link.external_attr = 0o120777 << 16
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.mkdir("d")
        archive.writestr("__MACOSX/._a", b"x")
        archive.writestr("d/.DS_Store", b"x")
        archive.writestr("empty", b"")
        archive.writestr(link, b"/etc/passwd")
    items = list(walk([put(tmp_path, "a.zip", buffer.getvalue())]))
    assert sorted(i.name for i in items) == ["__MACOSX/._a", "d/.DS_Store", "empty", "link"]
    assert all(isinstance(i, Refused) and i.skipped for i in items)


def test_office_document_is_one_file(tmp_path: Path) -> None:
    data = pack([("[Content_Types].xml", b"<x/>"), ("xl/workbook.xml", b"<x/>")])
    assert [s.name for s in found(put(tmp_path, "journal.xlsx", data))] == ["journal.xlsx"]


def test_many_archives_stay_readable_with_few_open(tmp_path: Path) -> None:
    for i in range(40):
        put(tmp_path, f"{i:02d}.zip", pack([("m.txt", f"{i}".encode())]))
    sources = found(tmp_path)
    descriptors = Path("/proc/self/fd")
    before = len(list(descriptors.iterdir())) if descriptors.exists() else 0
    texts = []
    for source in sources:
        with source.open() as stream:
            texts.append(stream.read())
    assert texts == [f"{i}".encode() for i in range(40)]
    if before:
        assert len(list(descriptors.iterdir())) - before <= MAX_OPEN


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_damaged_archives_never_raise(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    good = pack([("a.txt", b"a" * 300), ("i.zip", pack([("b.txt", b"b" * 50)])), ("c/d.txt", b"c")])
    out = bytearray(good)
    for _ in range(data.draw(st.integers(1, 6))):
        at = data.draw(st.integers(4, len(out) - 1))
        out[at] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, 40))
    path = put(tmp_path_factory.mktemp("zip"), "a.zip", bytes(out[: len(out) - cut]))
    for item in walk([path]):
        if isinstance(item, Found):
            with item.open() as stream:
                assert hashlib.sha256(stream.read()).hexdigest() == item.sha256


def test_names_are_made_safe_on_output_only(tmp_path: Path) -> None:
    name = "a\x1b[31m\u202egpj.txt"
    source = found(put(tmp_path, name, b"x"))[0]
    assert source.name == name
    assert shown(source.name) == "a\\u001b[31m\\u202egpj.txt"
    broken = tmp_path / os.fsdecode(b"b\xff.txt")
    broken.write_bytes(b"y")
    assert found(broken)[0].name == "b\ufffd.txt"
    assert len(shown("x" * 500)) == 160
