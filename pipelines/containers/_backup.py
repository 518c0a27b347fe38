"""Backups of an iPhone or iPad by Finder or iTunes: files named by hashes, and a manifest that says which is which.

``Manifest.db`` has a table ``Files(fileID, domain, relativePath, flags)``; a file lies at ``<first two digits>/<fileID>``. Seen in
mvt-project's and in forensic code; the layout is that of iOS 10 and later.
"""

from __future__ import annotations

import plistlib
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import BinaryIO

from pipelines.containers._base import SQLITE, Found, Items, Refused, Tree, database_of, is_media, matches, with_wal
from pipelines.readers._sqlite import open_database, text, whole
from pipelines.readers.base import Unreadable

MANIFEST = "Manifest.db"
_FILE_ID = re.compile(r"[0-9a-f]{40}")
_CALLS = ("Library/CallHistoryDB/CallHistory.storedata", "Library/CallHistory/call_history.db")


def backups_in(tree: Tree) -> list[str]:
    """Return the folders (each with its last slash, "" for the root) of a tree that are backups."""
    paths = tree.paths()
    found = []
    for path in paths:
        folder, _, name = path.rpartition("/")
        prefix = f"{folder}/" if folder else ""
        if name == MANIFEST and any(f"{prefix}{n}" in paths for n in ("Manifest.plist", "Info.plist", "Status.plist")):
            found.append(prefix)
    return found


def _encrypted(tree: Tree, prefix: str) -> bool:
    path = f"{prefix}Manifest.plist"
    if path in tree.paths():
        try:
            data = plistlib.loads(tree.start(path, 1 << 24))
            if isinstance(data, dict) and data.get("IsEncrypted") is True:
                return True
        except Exception:  # a plist of a stranger can fail in many ways; the manifest itself then says it
            pass
    return not tree.start(f"{prefix}{MANIFEST}", 16).startswith(SQLITE)


class BackupTree:
    """The files of a backup under the names that they had on the phone: ``HomeDomain/Library/SMS/sms.db``."""

    def __init__(self, tree: Tree, names: Mapping[str, str], container: str, origin: str | None) -> None:
        self._tree, self._names, self._container, self._origin = tree, names, container, origin

    def find(self, pattern: str) -> list[Found]:
        """Return the files whose name on the phone matches (see the contract of readers)."""
        return [f for n in sorted(self._names) if matches(n, pattern) and (f := self.source(n)) is not None]

    def source(self, name: str) -> Found | None:
        """Return one file, a database with its write-ahead log."""
        plain = self._tree.get(self._names[name])
        if plain is None:
            return None
        found = replace(plain, name=name, container=self._container, beside=self, origin=self._origin or plain.origin)
        log = self._names.get(f"{name}-wal")
        if found.head.startswith(SQLITE) and log is not None:
            wal = self._tree.get(log)
            if wal is not None:

                def opened(wal: Found = wal) -> BinaryIO:
                    return wal.open()

                found = with_wal(found, opened, wal.size)
        return found


def walk_backup(tree: Tree, prefix: str, container: str, origin: str | None = None) -> Items:
    """Yield the files of a backup.

    Parameters
    ----------
    tree : Tree
        The folder or archive.
    prefix : str
        Where in it the backup lies.
    container : str
        How it is named to the user.
    origin : str, optional
        Path of the folder of the backup, if it lies in no archive.
    """
    if _encrypted(tree, prefix):
        yield Refused(
            f"{prefix}{MANIFEST}", container,
            "the backup is encrypted: make one without a password, or decrypt it with its password and ingest the result",
        )  # fmt: skip
        return
    manifest = tree.get(f"{prefix}{MANIFEST}")
    paths = tree.paths()
    names: dict[str, str] = {}
    missing = 0
    try:
        if manifest is None:
            raise Unreadable("it cannot be read")
        log = tree.get(f"{prefix}{MANIFEST}-wal") if f"{prefix}{MANIFEST}-wal" in paths else None
        if log is not None and manifest.wal is None:
            manifest = with_wal(manifest, log.open, log.size)
        with open_database(manifest) as db:
            db.require("Files", "fileID", "domain", "relativePath", "flags")
            for _, file_id, domain, relative, flags in db.lookup(
                "Files", ("fileID", "domain", "relativePath", "flags")
            ):
                name = text(file_id) or ""
                if whole(flags) != 1 or not _FILE_ID.fullmatch(name):
                    continue
                place = f"{prefix}{name[:2]}/{name}"
                if place in paths:
                    names[f"{text(domain)}/{text(relative)}"] = place
                else:
                    missing += 1
    except Unreadable as error:
        yield Refused(f"{prefix}{MANIFEST}", container, f"the backup cannot be read: {error.reason}")
        return
    backup = BackupTree(tree, names, container, origin)
    media = 0
    for name in sorted(names):
        if database_of(name) in names:
            continue
        if is_media(tree.start(names[name], 64)):
            media += 1
            continue
        found = backup.source(name)
        yield found if found is not None else Refused(name, container, "cannot be read")
    if media:
        yield Refused(prefix or MANIFEST, container, f"{media} pictures, films, sounds and documents of the backup are no logs", skipped=True)  # fmt: skip
    if missing:
        yield Refused(
            prefix or MANIFEST, container,
            f"the backup lacks {missing} files that its manifest names (empty ones among them)", skipped=True,
        )  # fmt: skip
    if not any(name.endswith(_CALLS) for name in names):
        yield Refused(
            "CallHistory.storedata", container,
            "the backup holds no call log: unencrypted backups have none since iOS 13, so that calls are not covered by it",
        )  # fmt: skip
