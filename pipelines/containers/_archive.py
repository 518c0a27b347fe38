"""Archives of any kind: the walk over the members, whatever packed them."""

from __future__ import annotations

import re
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Protocol

from pipelines.containers._backup import backups_in, walk_backup
from pipelines.containers._base import (
    SQLITE,
    Fault,
    Found,
    Items,
    Limits,
    Refused,
    Where,
    database_of,
    hash_of,
    junk,
    matches,
    text_of,
    with_wal,
)

_DRIVE = re.compile(r"[A-Za-z]:")
#: what damaged members raise
BROKEN = (
    zipfile.BadZipFile, zlib.error, EOFError, struct.error, ValueError, RuntimeError, LookupError, OverflowError,
    tarfile.TarError,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Member:
    """One member as the archive declares it. ``fault`` says why it is not read."""

    name: str
    size: int
    folder: bool = False
    link: bool = False
    fault: str | None = None
    entry_us: int | None = None


class Archive(Protocol):
    """An opened archive. A kind of archive is a module with ``KIND = (sniff, class)`` that :mod:`pipelines.containers` lists."""

    members: list[Member]

    def order(self) -> Iterator[int]:
        """Yield the places of the members in the order in which they are walked."""

    def open(self, index: int) -> BinaryIO:
        """Open a member."""

    def opener(self, index: int) -> Callable[[], BinaryIO] | None:
        """Return how a member that is an archive is opened again and again, with seeking; None if it is too large."""

    def close(self) -> None:
        """Let go of the file."""


Kind = tuple[Callable[[bytes], bool], Callable[[Callable[[], BinaryIO], Path | None, Limits, str], Archive]]


def why_unpacked(error: BaseException) -> str:
    """Return why a member could not be unpacked, from a closed list."""
    text = str(error)
    if "CRC" in text:
        return "the checksum does not match"
    if isinstance(error, NotImplementedError):
        return "it is compressed in a way that is not known"
    if isinstance(error, EOFError) or "unexpected end" in text:
        return "it ends too early"
    return "it cannot be unpacked"


def _name_fault(name: str) -> str | None:
    parts = re.split(r"[/\\]", name)
    if not name:
        return "the member has no name; it is not read"
    if name.startswith(("/", "\\")) or _DRIVE.match(name):
        return "the name of the member is absolute; it is not read"
    if ".." in parts:
        return "the name of the member leads out of the archive; it is not read"
    return None


class ArchiveTree:
    """The members of an archive as files that lie together."""

    def __init__(self, archive: Archive, container: str, where: Where) -> None:
        self.archive, self.container, self.where = archive, container, where
        self.names: dict[str, int] = {}
        for k, m in enumerate(archive.members):
            if not (m.folder or m.link or m.fault or _name_fault(m.name)):
                self.names.setdefault(text_of(m.name), k)
        self._found: dict[int, Found | Refused] = {}

    def paths(self) -> dict[str, int]:
        """Return path → size."""
        members = self.archive.members
        return {n: members[k].size for n, k in sorted(self.names.items()) if members[k].size}

    def get(self, path: str) -> Found | None:
        """Return a member as a source."""
        item = self.item(self.names[path])
        return item if isinstance(item, Found) else None

    def start(self, path: str, size: int) -> bytes:
        """Return the first bytes of a member."""
        try:
            with self.archive.open(self.names[path]) as stream:
                return stream.read(size)
        except (*BROKEN, OSError):
            return b""

    def find(self, pattern: str) -> list[Found]:
        """Return the members whose name matches (see the contract of readers)."""
        return [
            f for n, size in self.paths().items() if matches(n, pattern) and (f := self.get(n)) is not None and size
        ]

    def item(self, index: int) -> Found | Refused:
        """Return a member as a source, or say why it is none."""
        if index not in self._found:
            self._found[index] = self._item(index)
        return self._found[index]

    def _item(self, index: int) -> Found | Refused:
        archive, where = self.archive, self.where
        member = archive.members[index]
        name = text_of(member.name)
        fault = _name_fault(member.name) or member.fault
        if fault is not None:
            return Refused(name, self.container, fault)
        if junk(re.split(r"[/\\]", name)):
            return Refused(name, self.container, "written by the operating system, not by an app", skipped=True)
        if member.link:
            return Refused(name, self.container, "is a link, not a file", skipped=True)
        if member.size == 0:
            return Refused(name, self.container, "is empty", skipped=True)
        if database_of(name) in self.names:
            return Refused(name, self.container, "belongs to a database and is read with it", skipped=True)
        try:
            with archive.open(index) as stream:
                digest, head, size = hash_of(stream, member.size)
            if size != member.size:
                raise EOFError
            found = Found(
                digest[:12], name, self.container, size, lambda: archive.open(index), None, member.entry_us, self, None, 0,
                digest, head, where.origin, where.sha256, where.stamp,
            )  # fmt: skip
            log = self.names.get(f"{name}-wal")
            if head.startswith(SQLITE) and log is not None and archive.members[log].size:
                found = with_wal(found, lambda: archive.open(log), archive.members[log].size)
        except BROKEN as error:
            return Refused(name, self.container, f"the member is broken: {why_unpacked(error)}")
        except OSError as error:
            return Refused(name, self.container, f"cannot be read: {error.strerror or 'input error'}")
        return found


def walk_archive(
    kind: Kind, opener: Callable[[], BinaryIO], path: Path | None, item: Found, where: Where, depth: int,
    kinds: tuple[Kind, ...],
) -> Items:  # fmt: skip
    """Yield what an archive holds; ``item`` is the archive itself, as a file or as a member of another one."""
    name, outer = item.name, item.container
    container = name if outer is None else f"{outer}!{name}"
    limits = where.limits
    try:
        archive = kind[1](opener, path, limits, name)
    except Fault as fault:
        yield Refused(name, outer, str(fault), source=item)
        return
    except OSError as error:
        yield Refused(name, outer, f"cannot be read: {error.strerror or 'input error'}")
        return
    try:
        where.budget[0] += sum(m.size for m in archive.members)
        if where.budget[0] > limits.total:
            where.budget[0] -= sum(m.size for m in archive.members)
            reason = f"the archive inflates to more than {limits.total // 10**9} GB (raise --max-size)"
            yield Refused(name, outer, reason, source=item)
            return
        tree = ArchiveTree(archive, container, where)
        prefixes = backups_in(tree)
        for prefix in prefixes:
            yield from walk_backup(tree, prefix, container)
        for index in archive.order():
            if archive.members[index].folder or any(archive.members[index].name.startswith(p) for p in prefixes):
                continue
            member = tree.item(index)
            if isinstance(member, Refused):
                yield member
                continue
            inner = next((k for k in kinds if k[0](member.head)), None)
            if inner is None:
                yield member
                continue
            if depth >= limits.depth:
                yield Refused(
                    member.name, container,
                    f"archives are opened {limits.depth} deep only (raise --max-depth); unpack it and ingest the folder",
                    source=member,
                )  # fmt: skip
                continue
            try:
                again = archive.opener(index)
            except (*BROKEN, OSError):
                again = None
            if again is None:
                reason = f"a packed archive of more than {limits.inner // 10**6} MB; unpack it and ingest the folder"
                yield Refused(member.name, container, reason, source=member)
                continue
            yield from walk_archive(inner, again, None, member, where, depth + 1, kinds)
        if (end := getattr(archive, "ended", None)) is not None:
            yield Refused(name, outer, end)
    finally:
        archive.close()
