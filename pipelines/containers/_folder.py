"""Files and folders on disk."""

from __future__ import annotations

import os
from pathlib import Path
from typing import BinaryIO, cast

from pipelines.containers._archive import Kind, walk_archive
from pipelines.containers._backup import MANIFEST, backups_in, walk_backup
from pipelines.containers._base import (
    SQLITE,
    Found,
    Items,
    Limits,
    Refused,
    Where,
    database_of,
    hash_of,
    junk,
    matches,
    stamp_of,
    text_of,
    with_wal,
)


class FolderTree:
    """The files under a folder, or of it alone (``deep=False``), listed when somebody asks."""

    def __init__(self, root: Path, shut: frozenset[Path], limits: Limits, *, deep: bool) -> None:
        self._root, self._shut, self._limits, self._deep = root, shut, limits, deep
        self._paths: dict[str, Path] | None = None
        self._sizes: dict[str, int] = {}
        self._found: dict[str, Found | None] = {}

    def _list(self) -> dict[str, Path]:
        if self._paths is None:
            found: list[tuple[str, Path, int]] = []
            for folder, inner, names in os.walk(self._root):
                here = Path(folder)
                inner[:] = [d for d in sorted(inner) if self._deep and (here / d).resolve() not in self._shut]
                for name in names:
                    path = here / name
                    try:
                        if path.is_symlink() or not path.is_file() or path.resolve() in self._shut:
                            continue
                        size = path.stat().st_size
                    except OSError:
                        continue
                    if size:
                        found.append((text_of(path.relative_to(self._root).as_posix()), path, size))
                if len(found) > 10 * self._limits.members:  # no companion is looked for in a whole disk
                    break
            found.sort()
            self._paths = {name: path for name, path, _ in found}
            self._sizes = {name: size for name, _, size in found}
        return self._paths

    def paths(self) -> dict[str, int]:
        """Return path → size."""
        self._list()
        return self._sizes

    def get(self, path: str) -> Found | None:
        """Return one file as a source."""
        if path not in self._found:
            item = source_of(self._list()[path], self)
            self._found[path] = item if isinstance(item, Found) else None
        return self._found[path]

    def start(self, path: str, size: int) -> bytes:
        """Return the first bytes of a file."""
        try:
            with self._list()[path].open("rb") as stream:
                return stream.read(size)
        except OSError:
            return b""

    def find(self, pattern: str) -> list[Found]:
        """Return the files whose path matches (see the contract of readers)."""
        return [f for n in self._list() if matches(n, pattern) and (f := self.get(n)) is not None]


def source_of(path: Path, beside: FolderTree) -> Found | Refused:
    """Return a file as a source, or say why it is none."""
    name = text_of(path.name)
    if junk((path.name,)):
        return Refused(name, None, "written by the operating system, not by an app", skipped=True)
    try:
        if not path.is_file():
            return Refused(name, None, "is no regular file")
        stamp = stamp_of(str(path))
        # a file of the system that says 0 and never ends, or one that grows faster than it is read, is not read for ever
        with path.open("rb") as stream:
            digest, head, size = hash_of(cast(BinaryIO, stream), path.stat().st_size)
        if size == 0:
            return Refused(name, None, "is empty", skipped=True)
        origin = str(path.absolute())
        found = Found(
            digest[:12], name, None, size, lambda: cast(BinaryIO, path.open("rb")), origin, None, beside, None, 0, digest,
            head, origin, None, stamp,
        )  # fmt: skip
        log = path.with_name(f"{path.name}-wal")
        log_size = log.stat().st_size if head.startswith(SQLITE) and log.is_file() else 0
        if log_size:
            found = with_wal(found, lambda: cast(BinaryIO, log.open("rb")), log_size)
    except ValueError:
        return Refused(name, None, "gives more bytes than its size says")
    except OSError as error:
        return Refused(name, None, f"cannot be read: {error.strerror or 'input error'}")
    return found


def walk_file(path: Path, beside: FolderTree, limits: Limits, kinds: tuple[Kind, ...]) -> Items:
    """Yield a file, or what it holds if it is an archive."""
    item = source_of(path, beside)
    if isinstance(item, Refused):
        yield item
        return
    kind = next((k for k in kinds if k[0](item.head)), None)
    if kind is None:
        yield item
        return
    where = Where(item.origin, item.sha256, item.stamp, limits)
    yield from walk_archive(kind, lambda: cast(BinaryIO, path.open("rb")), path, item, where, 1, kinds)


def walk_folder(root: Path, shut: frozenset[Path], limits: Limits, kinds: tuple[Kind, ...]) -> Items:
    """Yield what lies under a folder, each folder sorted by name."""
    inside = root.resolve()
    beside = FolderTree(root, shut, limits, deep=True)
    pending = [root]  # a stack of its own: folders can be nested more deeply than Python can call
    while pending:
        path = pending.pop()
        name = text_of(path.name)
        try:
            if path != root and path.is_symlink():
                target = path.resolve()
                if inside in target.parents or target == inside:
                    yield Refused(name, None, "is a link within the folder", skipped=True)
                else:
                    yield Refused(name, None, "is a link that leads out of the folder; it is not followed")
                continue
            if path.resolve() in shut:
                continue
            if path.is_dir():
                if path.name == "__MACOSX":
                    continue
                if (path / MANIFEST).is_file():
                    backup = FolderTree(path, shut, limits, deep=True)
                    if "" in backups_in(backup):
                        yield from walk_backup(backup, "", text_of(path.resolve().name), str(path.absolute()))
                        continue
                pending += sorted(path.iterdir(), key=lambda p: os.fsencode(p.name), reverse=True)
                continue
        except (OSError, RuntimeError) as error:
            reason = getattr(error, "strerror", None) or "input error"
            yield Refused(name, None, f"cannot be read: {reason}")
            continue
        owner = database_of(path.name)
        if owner is not None and path.with_name(owner).is_file():
            yield Refused(name, None, "belongs to a database and is read with it", skipped=True)
            continue
        yield from walk_file(path, beside, limits, kinds)
