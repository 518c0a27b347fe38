"""From what the user names to single sources: files, folders, archives, archives in archives, backups.

Nothing is ever unpacked to disk. Every source is hashed in one streaming pass before anybody reads it; archives come
from strangers, so their number of members, their size and their names are judged before a byte is inflated.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import cast

from pipelines.containers import _tar, _zip
from pipelines.containers._archive import Kind
from pipelines.containers._base import RAISED, Found, Limits, Refused, is_media, sha256_again, stamp_of
from pipelines.containers._folder import FolderTree, walk_file, walk_folder
from pipelines.errors import UserError, shown

__all__ = ["RAISED", "Found", "Limits", "Refused", "is_media", "sha256_again", "stamp_of", "walk"]

#: a further kind of archive is one more module and one more line here
KINDS: tuple[Kind, ...] = (_zip.KIND, *cast("tuple[Kind, ...]", _tar.KINDS))


def walk(
    paths: Iterable[str | Path], exclude: Iterable[Path] = (), limits: Limits | None = None
) -> Iterator[Found | Refused]:
    """Yield every source behind some paths.

    Parameters
    ----------
    paths : iterable of paths
        Files, folders, archives, in any mixture.
    exclude : iterable of paths
        Files and folders that are passed over when a folder is walked (the case's own store).
    limits : Limits, optional
        What an archive may ask for.

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
    return _each(given, shut, limits or Limits())


def _each(given: Sequence[Path], shut: frozenset[Path], limits: Limits) -> Iterator[Found | Refused]:
    for path in given:
        if path.is_dir():
            yield from walk_folder(path, shut, limits, KINDS)
        else:
            yield from walk_file(path, FolderTree(path.parent, shut, limits, deep=False), limits, KINDS)
