"""The reference populations in the data folder."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from pathlib import Path

from detector.typicality import BaseRateError, Reference, load_reference
from pipelines.errors import UserError
from pipelines.resources import data_dir


def read(paths: Iterable[Path]) -> tuple[Reference, ...]:
    """Return the references of some files, sorted by id.

    Raises
    ------
    UserError
        A file is faulty (every fault is named with file, line and key), or two have the same id.
    """
    found: dict[str, Reference] = {}
    for path in sorted(paths):
        try:
            reference = load_reference(path.read_bytes(), path.name)
        except BaseRateError as error:
            raise UserError("; ".join(error.faults)) from None
        if reference.id in found:
            raise UserError(f"{path.name}: another base-rate file has the id {reference.id!r} too")
        found[reference.id] = reference
    return tuple(found[k] for k in sorted(found))


@cache
def references() -> tuple[Reference, ...]:
    """Return every reference population, sorted by id.

    Raises
    ------
    UserError
        A file is faulty.
    """
    return read((data_dir() / "base_rates").glob("*.toml"))
