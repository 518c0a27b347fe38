"""The example case, built from the example exports that travel with the package."""

from __future__ import annotations

from pathlib import Path

from pipelines.errors import UserError, shown
from pipelines.files import write_synced
from pipelines.resources import data_dir


def examples() -> Path:
    """Return the folder of the example case: ``case.toml``, ``exports/``, ``truth.toml``."""
    return data_dir() / "examples"


def make(folder: Path) -> None:
    """Lay the example's ``case.toml`` into a folder; a folder that already is the example case is used again.

    Raises
    ------
    UserError
        The folder holds something else.
    """
    wanted = (examples() / "case.toml").read_bytes()
    target = folder / "case.toml"
    if target.is_file():
        if target.read_bytes() != wanted:
            raise UserError(f"{shown(str(folder))} holds another case; name an empty folder")
        return
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UserError(f"{shown(str(folder))} is not empty; name an empty folder")
    folder.mkdir(parents=True, exist_ok=True)
    write_synced(target, wanted)
