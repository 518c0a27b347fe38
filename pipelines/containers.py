"""From what the user names to single sources: files, folders, zip archives, archives in archives.

Nothing is ever unpacked to disk. Every source is hashed in one streaming pass before anybody reads it; archives come
from strangers, so their number of members, their size and their names are judged before a byte is inflated.
"""

from __future__ import annotations

import hashlib
import io
import os
import re
import stat
import struct
import unicodedata
import zipfile
import zlib
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from fnmatch import fnmatchcase
from pathlib import Path
from typing import BinaryIO, ClassVar, cast

from pipelines.errors import UserError, shown
from pipelines.readers.base import SourceFile

#: members of one archive [P]
MAX_MEMBERS = 100_000
#: uncompressed bytes of one archive, with the archives in it [P]
MAX_TOTAL = 50 * 10**9
#: uncompressed to compressed, for members of more than :data:`RATIO_FROM` bytes [P]
MAX_RATIO = 200
RATIO_FROM = 10 * 10**6
#: archives within archives: the outermost is 1 [P]
MAX_DEPTH = 3
#: a compressed archive within an archive is held in memory, because its directory stands at its end [P]
MAX_INNER = 256 * 10**6
#: the directory of an archive [P]; 100,000 members of usual names need 15 MB
MAX_DIRECTORY = 64 * 10**6
#: archives that are held open at once [P]
MAX_OPEN = 16
#: what recognition may look at
HEAD_BYTES = 65_536

_BLOCK = 1 << 20
_ZIP_MAGIC = (b"PK\x03\x04", b"PK\x05\x06")
#: what zipfile raises for archives that are damaged or of a kind that it does not know
_BROKEN = (zipfile.BadZipFile, zlib.error, EOFError, struct.error, ValueError, RuntimeError, LookupError, OverflowError)
#: the others can inflate without bound within one block, and no app exports them
_COMPRESSIONS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_EPOCH = datetime(1970, 1, 1)
_DRIVE = re.compile(r"[A-Za-z]:")


@dataclass(frozen=True, slots=True)
class Found(SourceFile):
    """A source with what the hashing pass learned about it."""

    head: bytes = b""
    origin: str = ""  # absolute path of the file, or of the outermost archive
    container_sha256: str | None = None
    stamp: tuple[int, ...] = ()  # of the file or the outermost archive when it was hashed


@dataclass(frozen=True, slots=True)
class Refused:
    """A file or member that is not offered to any reader.

    Parameters
    ----------
    name : str
        Base name, or name of the member.
    container : str or None
        Base name of the archive.
    reason : str
        One sentence.
    skipped : bool
        True for what nobody misses (empty files, ``.DS_Store``), False for what the user must look at.
    """

    name: str
    container: str | None
    reason: str
    skipped: bool = False


def text_of(name: str) -> str:
    """Return a file name as NFC text that a table can hold (bytes that are no text become U+FFFD)."""
    return unicodedata.normalize("NFC", name.encode("utf-8", "surrogateescape").decode("utf-8", "replace"))


def stamp_of(path: str) -> tuple[int, ...]:
    """Return what changes when a file changes: device, inode, size, time of the last write."""
    info = Path(path).stat()
    return (info.st_dev, info.st_ino, info.st_size, info.st_mtime_ns)


# -- archives ---------------------------------------------------------------------------------------------------------


class _Window(io.RawIOBase):
    """A part of a file as a file of its own: a member that was stored without compression."""

    def __init__(self, file: BinaryIO, start: int, size: int) -> None:
        super().__init__()
        self._file, self._start, self._size, self._at = file, start, size, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        if base + offset < 0:
            raise ValueError("seek before the beginning")
        self._at = base + offset
        return self._at

    def tell(self) -> int:
        return self._at

    def readinto(self, buffer: object) -> int:
        view = memoryview(buffer)  # type: ignore[arg-type]
        want = max(0, min(len(view), self._size - self._at))
        self._file.seek(self._start + self._at)
        data = self._file.read(want)
        view[: len(data)] = data
        self._at += len(data)
        return len(data)

    def close(self) -> None:
        self._file.close()
        super().close()


class _Archive:
    """An archive that is opened when it is needed; only some are held open at once."""

    _open: ClassVar[OrderedDict[int, _Archive]] = OrderedDict()

    def __init__(self, opener: Callable[[], BinaryIO], path: Path | None) -> None:
        self.opener = opener
        self._path = path
        self._zip: zipfile.ZipFile | None = None

    def zip(self) -> zipfile.ZipFile:
        if self._zip is None:
            # given a path, zipfile keeps the file open for as long as a member is read, even after close()
            self._zip = zipfile.ZipFile(self._path or self.opener())
        self._open[id(self)] = self
        self._open.move_to_end(id(self))
        while len(self._open) > MAX_OPEN:
            self._open.popitem(last=False)[1].close()
        return self._zip

    def member(self, index: int) -> BinaryIO:
        """Open the member at a place of the directory, as a stream that cannot seek."""
        archive = self.zip()
        return cast(BinaryIO, io.BufferedReader(_Member(archive.open(archive.infolist()[index])), _BLOCK))

    def close(self) -> None:
        self._open.pop(id(self), None)
        if self._zip is not None:
            self._zip.close()
            self._zip = None


class _Member(io.RawIOBase):
    """A member as a plain stream: seeking in it would inflate it again from its beginning, so it cannot seek."""

    def __init__(self, stream: object) -> None:
        super().__init__()
        self._stream = cast(BinaryIO, stream)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: object) -> int:
        view = memoryview(buffer)  # type: ignore[arg-type]
        data = self._stream.read(len(view))
        view[: len(data)] = data
        return len(data)

    def close(self) -> None:
        self._stream.close()
        super().close()


def _directory_fault(file: BinaryIO) -> str | None:
    """Judge the directory of an archive before ``zipfile`` builds one object for each member.

    The directory is looked for where ``zipfile`` looks for it, so that both judge the same bytes.
    """
    missing = "the archive is broken: its directory is missing (was it copied whole?)"
    size = file.seek(0, io.SEEK_END)
    tail_from = max(0, size - 65_557)
    file.seek(tail_from)
    tail = file.read(65_557)
    if len(tail) < 22:
        return missing
    at = len(tail) - 22
    if tail[at : at + 4] != b"PK\x05\x06" or tail[-2:] != b"\0\0":
        at = tail.rfind(b"PK\x05\x06", 0, len(tail) - 18)
    if at < 0:
        return missing
    (length,) = struct.unpack_from("<L", tail, at + 12)
    end = tail_from + at
    if at >= 20 and tail[at - 20 : at - 16] == b"PK\x06\x07" and end >= 76:
        file.seek(end - 76)
        block = file.read(56)
        if block[:4] == b"PK\x06\x06":
            (length,) = struct.unpack_from("<Q", block, 40)
            end -= 76
    if length > MAX_DIRECTORY:
        return f"the directory of the archive is larger than {MAX_DIRECTORY // 10**6} MB"
    if length > end:
        return "the archive is broken: its directory does not fit into it"
    file.seek(end - length)
    directory = file.read(length)
    count, at = 0, 0
    while at + 46 <= len(directory) and directory[at : at + 4] == b"PK\x01\x02":
        name, extra, comment = struct.unpack_from("<HHH", directory, at + 28)
        at += 46 + name + extra + comment
        count += 1
        if count > MAX_MEMBERS:
            return f"the archive has more than {MAX_MEMBERS:,} members"
    return None


def _overlap(infos: Sequence[zipfile.ZipInfo]) -> bool:
    """Return whether members share bytes: no honest archive does, bombs of overlapping members do."""
    end = -1
    for offset, size in sorted((i.header_offset, i.compress_size) for i in infos):
        if offset < end:
            return True
        end = offset + 30 + size
    return False


def _member_fault(info: zipfile.ZipInfo) -> str | None:
    name = info.orig_filename
    parts = re.split(r"[/\\]", name)
    if not name or not info.filename:
        return "the member has no name; it is not read"
    if name.startswith(("/", "\\")) or _DRIVE.match(name):
        return "the name of the member is absolute; it is not read"
    if ".." in parts:
        return "the name of the member leads out of the archive; it is not read"
    if "\0" in name:
        return "the name of the member holds a zero byte; it is not read"
    if info.flag_bits & 0x1:
        return "the member is encrypted; unpack the archive with its password and ingest the folder"
    if info.compress_type not in _COMPRESSIONS:
        return "the member is compressed in a way that is not read; unpack the archive and ingest the folder"
    if info.file_size > RATIO_FROM and info.file_size > MAX_RATIO * max(1, info.compress_size):
        return f"the member inflates to more than {MAX_RATIO} times its size; it is not read"
    return None


def _junk(parts: Sequence[str]) -> bool:
    return "__MACOSX" in parts or parts[-1] == ".DS_Store" or parts[-1].startswith("._")


def _entry_us(info: zipfile.ZipInfo) -> int | None:
    try:
        return (datetime(*info.date_time) - _EPOCH) // timedelta(microseconds=1)
    except ValueError:
        return None


def _hash(stream: BinaryIO, limit: int | None = None) -> tuple[str, bytes, int]:
    """Return SHA-256, the first bytes and the size of a stream."""
    digest, head, size = hashlib.sha256(), b"", 0
    while block := stream.read(_BLOCK):
        digest.update(block)
        if len(head) < HEAD_BYTES:
            head += block[: HEAD_BYTES - len(head)]
        size += len(block)
        if limit is not None and size > limit:
            raise ValueError("longer than declared")
    return digest.hexdigest(), head, size


class _Budget:
    """What one outermost archive may still inflate to."""

    def __init__(self) -> None:
        self.left = MAX_TOTAL


@dataclass(frozen=True, slots=True)
class _Where:
    """What the members of an archive, and of the archives in it, have in common."""

    origin: str  # path of the outermost archive
    sha256: str
    stamp: tuple[int, ...]
    budget: _Budget


def sha256_again(source: SourceFile) -> str:
    """Return the hash of a source as it is now, its write-ahead log after it."""
    digest = hashlib.sha256()
    for opener in (source.open, source.wal):
        if opener is not None:
            with opener() as stream:
                while block := stream.read(_BLOCK):
                    digest.update(block)
    return digest.hexdigest()


def _belongs(name: str) -> str | None:
    """Return the database that a file is the write-ahead log, the index or the journal of."""
    return next((name[: -len(end)] for end in _SQLITE_ENDS if name.endswith(end)), None)


_SQLITE_ENDS = ("-wal", "-shm", "-journal")
_SQLITE = b"SQLite format 3\0"


def _matches(path: str, pattern: str) -> bool:
    path, pattern = path.casefold(), pattern.casefold()
    return fnmatchcase(path, pattern) or (pattern.startswith("*/") and fnmatchcase(path, pattern[2:]))


class _FolderBeside:
    """The files under a folder, or of it alone (``deep=False``), listed when somebody asks."""

    def __init__(self, root: Path, shut: frozenset[Path], *, deep: bool) -> None:
        self._root, self._shut, self._deep = root, shut, deep
        self._paths: list[tuple[str, Path]] | None = None
        self._found: dict[str, Found | None] = {}

    def _list(self) -> list[tuple[str, Path]]:
        paths: list[tuple[str, Path]] = []
        for folder, inner, names in os.walk(self._root):
            here = Path(folder)
            inner[:] = [d for d in sorted(inner) if self._deep and (here / d).resolve() not in self._shut]
            paths += [(text_of((here / n).relative_to(self._root).as_posix()), here / n) for n in sorted(names)]
            if len(paths) > MAX_MEMBERS:
                break
        return sorted(paths, key=lambda p: p[0])

    def find(self, pattern: str) -> list[Found]:
        """Return the files whose path matches (see the contract)."""
        if self._paths is None:
            self._paths = self._list()
        out = []
        for name, path in self._paths:
            if not _matches(name, pattern) or path.is_symlink():
                continue
            if name not in self._found:
                self._found[name] = next((f for f in _file(path, self) if isinstance(f, Found)), None)
            if (found := self._found[name]) is not None:
                out.append(found)
        return out


class _ArchiveBeside:
    """The members of an archive."""

    def __init__(self, archive: _Archive, container: str, where: _Where) -> None:
        self._of = (archive, container, where)
        self._found: dict[int, Found | None] = {}
        self.names = {text_of(i.orig_filename): k for k, i in enumerate(archive.zip().infolist())}

    def find(self, pattern: str) -> list[Found]:
        """Return the members whose name matches (see the contract)."""
        archive, container, where = self._of
        out = []
        for name, index in sorted(self.names.items()):
            if not _matches(name, pattern):
                continue
            if index not in self._found:
                walked = _walk_member(archive, index, container, where, MAX_DEPTH, self)
                self._found[index] = next((f for f in walked if isinstance(f, Found)), None)
            if (found := self._found[index]) is not None:
                out.append(found)
        return out


def _walk_zip(
    opener: Callable[[], BinaryIO], path: Path | None, name: str, outer: str | None, where: _Where, depth: int
) -> Iterator[Found | Refused]:
    container = name if outer is None else f"{outer}!{name}"

    def refuse(reason: str) -> Refused:
        return Refused(name, outer, reason)

    try:
        with opener() as file:
            fault = _directory_fault(file)
        if fault is not None:
            yield refuse(fault)
            return
        archive = _Archive(opener, path)
        infos = archive.zip().infolist()
    except _BROKEN as error:
        yield refuse(f"the archive is broken: {_why(error)}")
        return
    except OSError as error:
        yield refuse(f"cannot be read: {error.strerror or 'input error'}")
        return
    if _overlap(infos):
        yield refuse("members of the archive overlap; it is not read")
        return
    total = sum(i.file_size for i in infos)
    if total > where.budget.left:
        yield refuse(f"the archive inflates to more than {MAX_TOTAL // 10**9} GB")
        return
    where.budget.left -= total
    beside = _ArchiveBeside(archive, container, where)
    try:
        for index in sorted(range(len(infos)), key=lambda i: (infos[i].orig_filename, i)):
            yield from _walk_member(archive, index, container, where, depth, beside)
    finally:
        archive.close()


def _why(error: BaseException) -> str:
    text = str(error)
    if "CRC" in text:
        return "the checksum does not match"
    if isinstance(error, NotImplementedError):
        return "it is compressed in a way that is not known"
    if isinstance(error, EOFError):
        return "it ends too early"
    return "it cannot be unpacked"


def _walk_member(
    archive: _Archive, index: int, container: str, where: _Where, depth: int, beside: _ArchiveBeside
) -> Iterator[Found | Refused]:
    info = archive.zip().infolist()[index]
    name = text_of(info.orig_filename)
    if name.endswith("/"):
        return
    if (fault := _member_fault(info)) is not None:
        yield Refused(name, container, fault)
        return
    if _junk(re.split(r"[/\\]", name)):
        yield Refused(name, container, "written by the operating system, not by an app", skipped=True)
        return
    if stat.S_ISLNK(info.external_attr >> 16):
        yield Refused(name, container, "is a link, not a file", skipped=True)
        return
    if info.file_size == 0:
        yield Refused(name, container, "is empty", skipped=True)
        return
    if _belongs(name) in beside.names:
        yield Refused(name, container, "belongs to a database and is read with it", skipped=True)
        return
    try:
        with archive.member(index) as stream:
            digest, head, size = _hash(stream, info.file_size)
        if size != info.file_size:
            raise EOFError
    except _BROKEN as error:
        yield Refused(name, container, f"the member is broken: {_why(error)}")
        return
    except OSError as error:
        yield Refused(name, container, f"cannot be read: {error.strerror or 'input error'}")
        return
    if _is_zip(head) and not _is_office(head):
        if depth >= MAX_DEPTH:
            yield Refused(
                name, container, f"archives are opened {MAX_DEPTH} deep only; unpack it and ingest the folder"
            )
            return
        opener = _inner_opener(archive, info, index)
        if opener is None:
            reason = f"a packed archive of more than {MAX_INNER // 10**6} MB; unpack it and ingest the folder"
            yield Refused(name, container, reason)
            return
        yield from _walk_zip(opener, None, name, container, where, depth + 1)
        return
    found = Found(
        digest[:12], name, container, size, lambda: archive.member(index), None, _entry_us(info), beside, None, 0, digest,
        head, where.origin, where.sha256, where.stamp,
    )  # fmt: skip
    log = beside.names.get(f"{name}-wal")
    if head.startswith(_SQLITE) and log is not None and (size := archive.zip().infolist()[log].file_size):
        found = _with_wal(found, lambda: archive.member(log), size)
    yield found


def _with_wal(found: Found, wal: Callable[[], BinaryIO], size: int) -> Found:
    """Return a database as one source with its write-ahead log."""
    found = replace(found, wal=wal, wal_size=size)
    digest = sha256_again(found)
    return replace(found, source_id=digest[:12], sha256=digest)


def _inner_opener(archive: _Archive, info: zipfile.ZipInfo, index: int) -> Callable[[], BinaryIO] | None:
    """Return how an archive in an archive is opened again and again, or None if it is too large for that."""
    if info.compress_type == zipfile.ZIP_STORED:
        with archive.opener() as file:
            file.seek(info.header_offset + 26)
            name, extra = struct.unpack("<HH", file.read(4))
        start, size = info.header_offset + 30 + name + extra, info.file_size
        return lambda: cast(BinaryIO, io.BufferedReader(_Window(archive.opener(), start, size), _BLOCK))
    if info.file_size > MAX_INNER:
        return None
    with archive.member(index) as stream:
        data = stream.read()
    return lambda: io.BytesIO(data)


def _is_zip(head: bytes) -> bool:
    return head[:4] in _ZIP_MAGIC


def _is_office(head: bytes) -> bool:
    """Return whether a zip is an office document: that is one file, no archive of exports."""
    return b"[Content_Types].xml" in head[:4096] or head[30:38] == b"mimetype"


# -- files and folders ------------------------------------------------------------------------------------------------


def _file(path: Path, beside: _FolderBeside) -> Iterator[Found | Refused]:
    name = text_of(path.name)
    if _junk((path.name,)):
        yield Refused(name, None, "written by the operating system, not by an app", skipped=True)
        return
    try:
        if not path.is_file():
            yield Refused(name, None, "is no regular file")
            return
        stamp = stamp_of(str(path))
        # a file of the system that says 0 and never ends, or one that grows faster than it is read, is not read for ever
        with path.open("rb") as stream:
            digest, head, size = _hash(cast(BinaryIO, stream), path.stat().st_size)
    except ValueError:
        yield Refused(name, None, "gives more bytes than its size says")
        return
    except OSError as error:
        yield Refused(name, None, f"cannot be read: {error.strerror or 'input error'}")
        return
    if size == 0:
        yield Refused(name, None, "is empty", skipped=True)
        return
    origin = str(path.absolute())
    if _is_zip(head) and not _is_office(head):
        where = _Where(origin, digest, stamp, _Budget())
        yield from _walk_zip(lambda: cast(BinaryIO, path.open("rb")), path, name, None, where, 1)
        return
    found = Found(
        digest[:12], name, None, size, lambda: cast(BinaryIO, path.open("rb")), origin, None, beside, None, 0, digest,
        head, origin, None, stamp,
    )  # fmt: skip
    log = path.with_name(f"{path.name}-wal")
    try:
        log_size = log.stat().st_size if head.startswith(_SQLITE) and log.is_file() else 0
        if log_size:
            found = _with_wal(found, lambda: cast(BinaryIO, log.open("rb")), log_size)
    except OSError as error:
        yield Refused(name, None, f"its write-ahead log cannot be read: {error.strerror or 'input error'}")
        return
    yield found


def _folder(root: Path, exclude: frozenset[Path]) -> Iterator[Found | Refused]:
    inside = root.resolve()
    beside = _FolderBeside(root, exclude, deep=True)
    pending = [root]  # a stack of its own: folders can be nested more deeply than Python can call
    while pending:
        path = pending.pop()
        try:
            if path != root and path.is_symlink():
                target = path.resolve()
                if inside in target.parents or target == inside:
                    yield Refused(text_of(path.name), None, "is a link within the folder", skipped=True)
                else:
                    yield Refused(
                        text_of(path.name), None, "is a link that leads out of the folder; it is not followed"
                    )
                continue
            if path.resolve() in exclude:
                continue
            if path.is_dir():
                if path.name != "__MACOSX":
                    pending += sorted(path.iterdir(), key=lambda p: os.fsencode(p.name), reverse=True)
                continue
        except (OSError, RuntimeError) as error:
            reason = getattr(error, "strerror", None) or "input error"
            yield Refused(text_of(path.name), None, f"cannot be read: {reason}")
            continue
        owner = _belongs(path.name)
        if owner is not None and path.with_name(owner).is_file():
            yield Refused(text_of(path.name), None, "belongs to a database and is read with it", skipped=True)
            continue
        yield from _file(path, beside)


def walk(paths: Iterable[str | Path], exclude: Iterable[Path] = ()) -> Iterator[Found | Refused]:
    """Yield every source behind some paths.

    Parameters
    ----------
    paths : iterable of paths
        Files, folders, zip archives, in any mixture.
    exclude : iterable of paths
        Files and folders that are passed over when a folder is walked (the case's own store).

    Yields
    ------
    Found or Refused
        In the order of the paths; within a folder or an archive sorted by name. Every source was hashed. Streams of
        members can be opened again after the walk has gone on.

    Raises
    ------
    UserError
        A path does not exist; nothing was yielded before.
    """
    given = []
    for text in paths:
        if not str(text):  # an unset variable of a shell must not mean the current folder
            raise UserError("the name of an export is empty")
        given.append(Path(text))
    for path in given:
        try:
            known = path.exists()
        except OSError:
            known = False
        if not known:
            raise UserError(f"there is no file or folder {shown(str(path))}")
    shut = frozenset(p.resolve() for p in exclude)
    return _each(given, shut)


def _each(given: Sequence[Path], shut: frozenset[Path]) -> Iterator[Found | Refused]:
    for path in given:
        if path.is_dir():
            yield from _folder(path, shut)
        else:
            yield from _file(path, _FolderBeside(path.parent, shut, deep=False))
