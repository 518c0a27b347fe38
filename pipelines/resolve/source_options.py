"""Which ``[[source]]`` options apply to a source: the same answer at ingest and on every load."""

from __future__ import annotations

import unicodedata
from fnmatch import fnmatchcase

from pipelines.case_model import CaseFile
from pipelines.errors import UserError


def label(name: str, container: str | None) -> str:
    """Return how a source is named to the user: ``container!name``."""
    return name if container is None else f"{container}!{name}"


def options_for(case: CaseFile, source_id: str, name: str, container: str | None) -> dict[str, str]:
    """Return the options of ``[[source]]`` that apply to a source.

    ``match`` is compared with the name (of a member also without its folders), with ``container!name`` and with the source id, as a shell pattern. A ``match``
    that is equal to one of them goes before a pattern.

    Raises
    ------
    UserError
        Two tables of the same rank give different values for one option.
    """
    base = name.rsplit("/", 1)[-1]  # a member of an archive is called as its unpacked copy is
    targets = [unicodedata.normalize("NFC", t) for t in (name, base, label(name, container), source_id)]
    exact: dict[str, str] = {}
    pattern: dict[str, str] = {}
    for table in case.sources:
        match = unicodedata.normalize("NFC", table.match)
        if match in targets:
            chosen = exact
        elif any(fnmatchcase(t, match) for t in targets):
            chosen = pattern
        else:
            continue
        for key, value in table.options().items():
            if chosen.setdefault(key, value) != value:
                raise UserError(f"two [[source]] tables that match it give different values for {key}")
    return {**pattern, **exact}
