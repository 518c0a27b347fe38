"""What all containers share: sources as they are found, limits, hashes, the files that lie beside a source."""

from __future__ import annotations

import hashlib
import io
import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import BinaryIO, Protocol

from pipelines.readers.base import SourceFile

#: what recognition may look at
HEAD_BYTES = 65_536
BLOCK = 1 << 20
SQLITE = b"SQLite format 3\0"
_SQLITE_ENDS = ("-wal", "-shm", "-journal")
MEDIA = (
    (0, b"\xff\xd8\xff"), (0, b"\x89PNG"), (0, b"GIF8"), (0, b"OggS"), (0, b"ID3"), (0, b"%PDF"), (0, b"#!AMR"),
    (0, b"\x1a\x45\xdf\xa3"), (4, b"ftyp"), (8, b"WEBP"), (8, b"WAVE"), (8, b"AVI "),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Limits:
    """What an archive of a stranger may ask for [P]; ``qorgan ingest`` can raise them.

    Attributes
    ----------
    members : int
        Members of one archive.
    total : int
        Uncompressed bytes of one outermost archive, with the archives in it.
    ratio : int
        Uncompressed to compressed, for members of more than ``ratio_from`` bytes.
    depth : int
        Archives within archives: the outermost is 1.
    inner : int
        Bytes of a compressed archive within an archive: it is held in memory, because its directory stands at its end.
    directory : int
        Bytes of the directory of a zip; 100,000 members of usual names need 15 MB.
    """

    members: int = 100_000
    total: int = 50 * 10**9
    ratio: int = 200
    ratio_from: int = 10 * 10**6
    depth: int = 3
    inner: int = 256 * 10**6
    directory: int = 64 * 10**6


#: for files that were let in before and are looked for by their hash
RAISED = Limits(10**7, 10**14, 10**6, 10 * 10**6, 16, 4 * 10**9, 4 * 10**9)


@dataclass(frozen=True, slots=True)
class Found(SourceFile):
    """A source with what the hashing pass learned about it."""

    head: bytes = b""
    origin: str = ""  # absolute path of the file, of the outermost archive, or of the folder of a backup
    container_sha256: str | None = None
    stamp: tuple[int, ...] = ()  # of the origin when it was hashed


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
    source : Found, optional
        The file, where it could be hashed.
    """

    name: str
    container: str | None
    reason: str
    skipped: bool = False
    source: Found | None = None


class Fault(Exception):
    """An archive cannot be used as a whole: one sentence."""


class Tree(Protocol):
    """Files that lie together, by their path from the root."""

    def paths(self) -> Mapping[str, int]:
        """Return path → size of every file that is no link and not empty, sorted by path."""

    def get(self, path: str) -> Found | None:
        """Return one of them as a source, None if it cannot be read."""

    def start(self, path: str, size: int) -> bytes:
        """Return the first bytes of one of them."""


@dataclass(frozen=True, slots=True)
class Where:
    """What the members of an archive, and of the archives in it, have in common."""

    origin: str
    sha256: str | None
    stamp: tuple[int, ...]
    limits: Limits
    budget: list[int] = field(default_factory=lambda: [0])  # bytes that were inflated, or will be


def text_of(name: str) -> str:
    """Return a file name as NFC text that a table can hold (bytes that are no text become U+FFFD)."""
    return unicodedata.normalize("NFC", name.encode("utf-8", "surrogateescape").decode("utf-8", "replace"))


def stamp_of(path: str) -> tuple[int, ...]:
    """Return what changes when a file changes: device, inode, size, time of the last write."""
    info = Path(path).stat()
    return (info.st_dev, info.st_ino, info.st_size, info.st_mtime_ns)


def hash_of(stream: BinaryIO, limit: int | None = None) -> tuple[str, bytes, int]:
    """Return SHA-256, the first bytes and the size of a stream.

    Raises
    ------
    ValueError
        It gives more than ``limit`` bytes.
    """
    digest, head, size = hashlib.sha256(), b"", 0
    while block := stream.read(BLOCK):
        digest.update(block)
        if len(head) < HEAD_BYTES:
            head += block[: HEAD_BYTES - len(head)]
        size += len(block)
        if limit is not None and size > limit:
            raise ValueError("longer than declared")
    return digest.hexdigest(), head, size


def sha256_again(source: SourceFile) -> str:
    """Return the hash of a source as it is now, its write-ahead log after it."""
    digest = hashlib.sha256()
    for opener in (source.open, source.wal):
        if opener is not None:
            with opener() as stream:
                while block := stream.read(BLOCK):
                    digest.update(block)
    return digest.hexdigest()


def with_wal(found: Found, wal: Callable[[], BinaryIO], size: int) -> Found:
    """Return a database as one source with its write-ahead log."""
    found = replace(found, wal=wal, wal_size=size)
    digest = sha256_again(found)
    return replace(found, source_id=digest[:12], sha256=digest)


def database_of(name: str) -> str | None:
    """Return the database that a file is the write-ahead log, the index or the journal of, by its name."""
    return next((name[: -len(end)] for end in _SQLITE_ENDS if name.endswith(end)), None)


def is_media(head: bytes) -> bool:
    """Return whether a file is a picture, film, sound or document."""
    return any(head[at : at + len(magic)] == magic for at, magic in MEDIA)


def junk(parts: Sequence[str]) -> bool:
    """Return whether a path is what operating systems leave in folders and archives."""
    return "__MACOSX" in parts or parts[-1] == ".DS_Store" or parts[-1].startswith("._")


def matches(path: str, pattern: str) -> bool:
    """Compare a path with a pattern as :meth:`pipelines.readers.base.Beside.find` promises."""
    path, pattern = path.casefold(), pattern.casefold()
    return fnmatchcase(path, pattern) or (pattern.startswith("*/") and fnmatchcase(path, pattern[2:]))


class Window(io.RawIOBase):
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


class Forward(io.RawIOBase):
    """A member as a plain stream: seeking in it would inflate it again from its beginning, so it cannot seek."""

    def __init__(self, stream: BinaryIO, size: int | None = None) -> None:
        super().__init__()
        self._stream = stream
        self._left = size

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: object) -> int:
        view = memoryview(buffer)  # type: ignore[arg-type]
        want = len(view) if self._left is None else min(len(view), self._left)
        data = self._stream.read(want) if want else b""
        view[: len(data)] = data
        if self._left is not None:
            if want and not data:
                raise EOFError
            self._left -= len(data)
        return len(data)

    def close(self) -> None:
        self._stream.close()
        super().close()


Items = Iterator[Found | Refused]
