"""Tar archives, gzip files and Android backups (``adb backup``): read from front to back.

An Android backup is four lines (magic, version, compressed or not, cipher), then a tar, deflated or not; the format is that of
Android's ``BackupManagerService``.
"""

from __future__ import annotations

import gzip
import io
import tarfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO, cast

from pipelines.containers._archive import BROKEN, Member, why_unpacked
from pipelines.containers._base import BLOCK, Fault, Forward, Limits, Window

_ANDROID = b"ANDROID BACKUP\n"
_GZIP = b"\x1f\x8b\x08"
#: bytes of the extended header of a member: a long name, no book [P]
_MAX_EXTENDED = 1 << 20
_STEP = 1 << 16
_EXTENDED = (
    tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.SOLARIS_XHDTYPE, tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK,
)  # fmt: skip


class _Unpacked(io.RawIOBase):
    """The bytes behind a packed stream: at most ``limit`` of them, and a clean end where the packed bytes end too early.

    ``fault`` then says why: a reader in between that met an exception would lose what was unpacked just before.
    """

    def __init__(self, read: Callable[[int], bytes], close: Callable[[], None], limit: int) -> None:
        super().__init__()
        self._read, self._close, self._left = read, close, limit
        self.fault: BaseException | None = None

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: object) -> int:
        view = memoryview(buffer)  # type: ignore[arg-type]
        if self.fault is not None:
            return 0
        try:
            data = self._read(min(len(view), _STEP))
        except (*BROKEN, gzip.BadGzipFile) as error:
            self.fault = error
            return 0
        self._left -= len(data)
        if self._left < 0:
            self.fault = ValueError("inflates beyond measure")
            return 0
        view[: len(data)] = data
        return len(data)

    def close(self) -> None:
        self._close()
        super().close()


def _gunzip(file: BinaryIO, limit: int) -> _Unpacked:
    inner = gzip.GzipFile(fileobj=file, mode="rb")

    def close() -> None:
        inner.close()
        file.close()

    return _Unpacked(inner.read1, close, limit)


def _inflate(file: BinaryIO, limit: int) -> _Unpacked:
    inner = zlib.decompressobj()
    rest = b""

    def read(size: int) -> bytes:
        nonlocal rest
        out = b""
        while not out and not inner.eof:
            data = rest or file.read(1 << 16)
            out = inner.decompress(data, size)
            rest = inner.unconsumed_tail
            if not data and not out:
                raise EOFError
        return out

    return _Unpacked(read, file.close, limit)


def _buffered(raw: io.RawIOBase) -> BinaryIO:
    return cast(BinaryIO, io.BufferedReader(raw, BLOCK))


def _info_class(seen: list[bool]) -> type[tarfile.TarInfo]:
    """Return a header whose extension cannot fill the memory, and that tells whether the mark of the end was met."""

    class Info(tarfile.TarInfo):
        @classmethod
        def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> Info:
            if len(buf) == tarfile.BLOCKSIZE and not any(buf):
                seen.append(True)
            made = super().frombuf(buf, encoding, errors)
            if made.type in _EXTENDED and made.size > _MAX_EXTENDED:
                raise tarfile.HeaderError("extended header too long")
            return made

    return Info


class Tar:
    """A tar archive. Of a plain one members can be seeked in; of a packed one they are inflated up to their place."""

    def __init__(
        self, opener: Callable[[], BinaryIO], path: Path | None, limits: Limits, name: str,
        unpack: Callable[[BinaryIO, int], _Unpacked] | None = None,
    ) -> None:  # fmt: skip
        self._opener, self._unpack, self._limits = opener, unpack, limits
        self._places: list[int] = []
        self.members: list[Member] = []
        #: why the walk over the members ended before the end of the archive
        self.ended: str | None = None
        total, end = 0, list[bool]()
        raw: _Unpacked | None = None
        try:
            with opener() as outer:
                raw = unpack(outer, limits.total) if unpack is not None else None
                file = outer if raw is None else _buffered(raw)
                with tarfile.open(fileobj=file, mode="r|", tarinfo=_info_class(end)) as archive:
                    for info in archive:
                        link = info.issym() or info.islnk()
                        fault = None
                        if info.issparse():
                            fault = "the member is a sparse file; unpack the archive and ingest the folder"
                        elif not (info.isreg() or info.isdir() or link):
                            fault = "the member is no regular file"
                        size = info.size if info.isreg() else 0
                        self.members.append(
                            Member(info.name, size, info.isdir(), link, fault, int(info.mtime) * 1_000_000)
                        )
                        self._places.append(info.offset_data)
                        total += size
                        if len(self.members) > limits.members:
                            raise Fault(f"the archive has more than {limits.members:,} members (raise --max-members)")
                        if total > limits.total:
                            raise Fault(
                                f"the archive inflates to more than {limits.total // 10**9} GB (raise --max-size)"
                            )
                        archive.members = []  # type: ignore[attr-defined]
        except (*BROKEN, gzip.BadGzipFile) as error:
            broken: BaseException | None = (raw.fault if raw is not None else None) or error
        else:
            broken = (raw.fault if raw is not None else None) or (None if end else EOFError())
        if broken is not None:
            if not self.members:
                raise Fault(f"the archive is broken: {why_unpacked(broken)}")
            self.ended = f"the archive is broken behind its first {len(self.members)} members: {why_unpacked(broken)}"

    def order(self) -> Iterator[int]:
        """Yield the places of the members by name."""
        yield from sorted(range(len(self.members)), key=lambda i: (self.members[i].name, i))

    def open(self, index: int) -> BinaryIO:
        """Open a member."""
        start, size = self._places[index], self.members[index].size
        file = self._opener()
        if self._unpack is None:
            return _buffered(Window(file, start, size))
        stream = _buffered(self._unpack(file, self._limits.total))
        left = start
        while left:
            data = stream.read(min(left, BLOCK))
            if not data:
                raise EOFError
            left -= len(data)
        return _buffered(Forward(stream, size))

    def opener(self, index: int) -> Callable[[], BinaryIO] | None:
        """Return how a member that is an archive is opened again and again."""
        if self._unpack is None:
            return lambda: self.open(index)
        if self.members[index].size > self._limits.inner:
            return None
        with self.open(index) as stream:
            data = stream.read()
        return lambda: io.BytesIO(data)

    def close(self) -> None:
        """Nothing is held open."""


class _Single:
    """A file that was packed alone."""

    def __init__(self, opener: Callable[[], BinaryIO], limits: Limits, name: str) -> None:
        self._opener, self._limits = opener, limits
        #: why what could be unpacked is not the whole file
        self.ended: str | None = None
        size = 0
        with opener() as file:
            raw = _gunzip(file, limits.total)
            stream = _buffered(raw)
            while block := stream.read(BLOCK):
                size += len(block)
        if raw.fault is not None:
            if not size:
                raise Fault(f"the archive is broken: {why_unpacked(raw.fault)}")
            self.ended = f"the archive is broken ({why_unpacked(raw.fault)}): only its first {size} bytes were unpacked"
        self.members = [Member(name.removesuffix(".gz") or name, size)]

    def order(self) -> Iterator[int]:
        """Yield the only place."""
        yield 0

    def open(self, index: int) -> BinaryIO:
        """Open the file."""
        return _buffered(Forward(_buffered(_gunzip(self._opener(), self._limits.total))))

    def opener(self, index: int) -> Callable[[], BinaryIO] | None:
        """Return how the file is opened again and again."""
        if self.members[0].size > self._limits.inner:
            return None
        with self.open(index) as stream:
            data = stream.read()
        return lambda: io.BytesIO(data)

    def close(self) -> None:
        """Nothing is held open."""


def _is_tar(head: bytes) -> bool:
    return head[257:262] == b"ustar"


def _gzip(opener: Callable[[], BinaryIO], path: Path | None, limits: Limits, name: str) -> Tar | _Single:
    with opener() as file:
        head = _buffered(_gunzip(file, 1 << 16)).read(512)
    with opener() as file:
        packed = file.seek(0, io.SEEK_END) if file.seekable() else 0
    archive = Tar(opener, None, limits, name, _gunzip) if _is_tar(head) else _Single(opener, limits, name)
    size = sum(m.size for m in archive.members)
    if packed and size > limits.ratio_from and size > limits.ratio * packed:
        raise Fault(
            f"the archive inflates to more than {limits.ratio} times its size; it is not read (raise --max-ratio)"
        )
    return archive


def _android(opener: Callable[[], BinaryIO], path: Path | None, limits: Limits, name: str) -> Tar:
    with opener() as file:
        lines = [file.readline(64) for _ in range(4)]
        start = sum(map(len, lines))
    _magic, version, packed, cipher = (line.strip() for line in lines)
    if cipher != b"none":
        raise Fault(
            "the backup is encrypted: make it again without a password, or decrypt it with its password and ingest the result"
        )
    if not version.isdigit() or packed not in (b"0", b"1"):
        raise Fault("the backup is broken: its first lines are not those of an Android backup")

    def unpack(file: BinaryIO, limit: int) -> _Unpacked:
        file.read(start)
        return _inflate(file, limit) if packed == b"1" else _Unpacked(file.read, file.close, limit)

    return Tar(opener, None, limits, name, unpack)


KINDS = (
    (_is_tar, Tar),
    (lambda head: head.startswith(_GZIP), _gzip),
    (lambda head: head.startswith(_ANDROID), _android),
)
