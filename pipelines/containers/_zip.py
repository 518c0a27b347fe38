"""Zip archives: the directory is judged before ``zipfile`` builds one object for each member."""

from __future__ import annotations

import io
import re
import stat
import struct
import zipfile
import zlib
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import BinaryIO, ClassVar, cast

from pipelines.containers._archive import Member, why_unpacked
from pipelines.containers._base import BLOCK, Fault, Forward, Limits, Window

#: archives that are held open at once [P]
MAX_OPEN = 16
_MAGIC = (b"PK\x03\x04", b"PK\x05\x06")
#: what zipfile raises for archives that are damaged or of a kind that it does not know
_BROKEN = (zipfile.BadZipFile, zlib.error, EOFError, struct.error, ValueError, RuntimeError, LookupError, OverflowError)
#: the others can inflate without bound within one block, and no app exports them
_COMPRESSIONS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_EPOCH = datetime(1970, 1, 1)


class _Handle:
    """An archive that is opened when it is needed; only some are held open at once."""

    _open: ClassVar[OrderedDict[int, _Handle]] = OrderedDict()

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
        return cast(
            BinaryIO, io.BufferedReader(Forward(cast(BinaryIO, archive.open(archive.infolist()[index]))), BLOCK)
        )

    def close(self) -> None:
        self._open.pop(id(self), None)
        if self._zip is not None:
            self._zip.close()
            self._zip = None


def _directory_fault(file: BinaryIO, limits: Limits) -> str | None:
    """Judge the directory of an archive.

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
    if length > limits.directory:
        return f"the directory of the archive is larger than {limits.directory // 10**6} MB"
    if length > end:
        return "the archive is broken: its directory does not fit into it"
    file.seek(end - length)
    directory = file.read(length)
    count, at = 0, 0
    while at + 46 <= len(directory) and directory[at : at + 4] == b"PK\x01\x02":
        name, extra, comment = struct.unpack_from("<HHH", directory, at + 28)
        at += 46 + name + extra + comment
        count += 1
        if count > limits.members:
            return f"the archive has more than {limits.members:,} members (raise --max-members)"
    return None


def _overlap(infos: Sequence[zipfile.ZipInfo]) -> bool:
    """Return whether members share bytes: no honest archive does, bombs of overlapping members do."""
    end = -1
    for offset, size in sorted((i.header_offset, i.compress_size) for i in infos):
        if offset < end:
            return True
        end = offset + 30 + size
    return False


def _fault(info: zipfile.ZipInfo, limits: Limits) -> str | None:
    if "\0" in info.orig_filename:
        return "the name of the member holds a zero byte; it is not read"
    if info.flag_bits & 0x1:
        return "the member is encrypted; unpack the archive with its password and ingest the folder"
    if info.compress_type not in _COMPRESSIONS:
        return "the member is compressed in a way that is not read; unpack the archive and ingest the folder"
    if info.file_size > limits.ratio_from and info.file_size > limits.ratio * max(1, info.compress_size):
        return f"the member inflates to more than {limits.ratio} times its size; it is not read (raise --max-ratio)"
    return None


def _entry_us(info: zipfile.ZipInfo) -> int | None:
    try:
        return (datetime(*info.date_time) - _EPOCH) // timedelta(microseconds=1)
    except ValueError:
        return None


class Zip:
    """A zip archive (see :class:`pipelines.containers._archive.Archive`)."""

    def __init__(self, opener: Callable[[], BinaryIO], path: Path | None, limits: Limits, name: str) -> None:
        try:
            with opener() as file:
                fault = _directory_fault(file, limits)
            if fault is not None:
                raise Fault(fault)
            self._handle = _Handle(opener, path)
            infos = self._handle.zip().infolist()
        except _BROKEN as error:
            raise Fault(f"the archive is broken: {why_unpacked(error)}") from None
        if _overlap(infos):
            raise Fault("members of the archive overlap; it is not read")
        self._limits = limits
        self.members = [
            Member(
                i.orig_filename if i.filename else "", i.file_size, i.orig_filename.endswith("/"),
                stat.S_ISLNK(i.external_attr >> 16), _fault(i, limits), _entry_us(i),
            )
            for i in infos
        ]  # fmt: skip

    def order(self) -> Iterator[int]:
        """Yield the places of the members by name."""
        yield from sorted(range(len(self.members)), key=lambda i: (self.members[i].name, i))

    def open(self, index: int) -> BinaryIO:
        """Open a member."""
        return self._handle.member(index)

    def opener(self, index: int) -> Callable[[], BinaryIO] | None:
        """Return how an archive in the archive is opened again and again, or None if it is too large for that."""
        info = self._handle.zip().infolist()[index]
        outer = self._handle.opener
        if info.compress_type == zipfile.ZIP_STORED:
            with outer() as file:
                file.seek(info.header_offset + 26)
                name, extra = struct.unpack("<HH", file.read(4))
            start, size = info.header_offset + 30 + name + extra, info.file_size
            return lambda: cast(BinaryIO, io.BufferedReader(Window(outer(), start, size), BLOCK))
        if info.file_size > self._limits.inner:
            return None
        with self.open(index) as stream:
            data = stream.read()
        return lambda: io.BytesIO(data)

    def close(self) -> None:
        """Let go of the file."""
        self._handle.close()


def sniff(head: bytes) -> bool:
    """Return whether a file is a zip archive, and not an office document: that is one file, no archive of exports."""
    return head[:4] in _MAGIC and not _is_office(head)


def _is_office(head: bytes) -> bool:
    return b"[Content_Types].xml" in head[:4096] or head[30:38] == b"mimetype" or bool(re.match(rb"(?s).{30}xl/", head))


KIND = (sniff, Zip)
