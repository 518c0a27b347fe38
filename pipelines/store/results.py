"""What commands write for people: ``CASE/results/``, whole or not at all."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

from pipelines.errors import UserError, shown
from pipelines.files import sync_folder, write_synced
from pipelines.store.custody import Hashed

FOLDER = "results"
_BESIDE = ".new-"


def write_results(case_dir: str | Path, files: Mapping[str, bytes]) -> list[Hashed]:
    """Write files to ``results/``: all beside first, then renamed, so that no file is ever half written.

    Parameters
    ----------
    case_dir : path
        The case. The caller holds its lock, and records the returned hashes with ``custody.append``.
    files : mapping
        Plain file name to bytes.

    Returns
    -------
    list of Hashed
        ``results/<name>`` with the hash, sorted by name.

    Raises
    ------
    UserError
        The disk is full or the folder cannot be written; no file was changed unless the renaming itself failed.
    """
    folder = Path(case_dir) / FOLDER
    for name in files:
        if name != Path(name).name or name.startswith(".") or not name:
            raise ValueError(f"{name!r} is no plain file name")
    done: list[Path] = []
    try:
        folder.mkdir(exist_ok=True)
        for left in folder.glob(f"{_BESIDE}*"):
            left.unlink()
        for name in sorted(files):
            path = folder / f"{_BESIDE}{name}"
            done.append(path)
            write_synced(path, files[name])
        for name in sorted(files):
            (folder / f"{_BESIDE}{name}").replace(folder / name)
        sync_folder(folder)
        sync_folder(folder.parent)
    except OSError as error:
        for path in done:
            path.unlink(missing_ok=True)
        raise UserError(f"results cannot be written to {shown(str(folder))}: {error.strerror}") from None
    return [Hashed(f"{FOLDER}/{name}", hashlib.sha256(files[name]).hexdigest()) for name in sorted(files)]
