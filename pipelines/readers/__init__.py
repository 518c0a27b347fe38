"""The readers: one module each, found by being here (see :mod:`pipelines.readers.base` for the contract)."""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache
from typing import cast

from pipelines.readers.base import Claim, Head, Reader


@cache
def all_readers() -> dict[str, Reader]:
    """Return every registered reader by the id of its format, sorted by id."""
    found: dict[str, Reader] = {}
    for info in pkgutil.iter_modules(__path__):
        module = importlib.import_module(f"{__name__}.{info.name}")
        reader = getattr(module, "READER", None)
        if reader is None:
            continue
        known = cast(Reader, reader)
        if known.description.id in found:
            raise RuntimeError(f"two readers call themselves {known.description.id}")
        found[known.description.id] = known
    return dict(sorted(found.items()))


def recognise(head: Head) -> tuple[list[tuple[str, Claim]], str]:
    """Ask every reader whether it knows a file.

    Returns
    -------
    claims : list of (format id, claim)
        The surest first; several of equal rank at the top mean that nobody may read it.
    verdict : str
        ``"known"``, ``"unknown"`` or ``"ambiguous"``.
    """
    claims = [(name, claim) for name, r in all_readers().items() if (claim := r.recognise(head)) is not None]
    claims.sort(key=lambda c: (-c[1].sure, c[0]))
    if not claims:
        return [], "unknown"
    if len(claims) > 1 and claims[0][1].sure == claims[1][1].sure:
        return claims, "ambiguous"
    return claims, "known"
