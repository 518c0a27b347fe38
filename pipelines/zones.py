"""Time zones, only from the pinned ``tzdata`` package: the same input gives the same times on every machine.

The zone files of the operating system are never asked: they differ from machine to machine and change with updates.
"""

from __future__ import annotations

import importlib.resources
import re
from datetime import timedelta, timezone, tzinfo
from functools import cache
from zoneinfo import ZoneInfo

_OFFSET = re.compile(r"([+-])(\d\d):(\d\d)")
#: the widest offset that the tables hold
MAX_OFFSET_S = 64_800


@cache
def zone_names() -> frozenset[str]:
    """Return the names of all zones that ``tzdata`` knows, aliases included."""
    text = importlib.resources.files("tzdata").joinpath("zones").read_text("utf-8")
    return frozenset(text.split())


@cache
def zone(name: str) -> ZoneInfo:
    """Return a zone of the ``tzdata`` package.

    Raises
    ------
    KeyError
        The package knows no zone of that name (names are compared exactly, capitals included).
    """
    if name not in zone_names():
        raise KeyError(name)
    with importlib.resources.files("tzdata.zoneinfo").joinpath(*name.split("/")).open("rb") as file:
        return ZoneInfo.from_file(file, key=name)


def fixed_offset(text: str) -> int | None:
    """Return the seconds of a fixed offset such as ``+06:00``, or None if the text is none."""
    match = _OFFSET.fullmatch(text)
    if match is None or int(match[3]) > 59:
        return None
    seconds = int(match[2]) * 3600 + int(match[3]) * 60
    if seconds > MAX_OFFSET_S:
        return None
    return -seconds if match[1] == "-" else seconds


def zone_or_offset(text: str) -> tzinfo:
    """Return the zone of an IANA name or of a fixed offset.

    Raises
    ------
    KeyError
        It is neither.
    """
    seconds = fixed_offset(text)
    return zone(text) if seconds is None else timezone(timedelta(seconds=seconds))


@cache
def _countries() -> dict[str, str]:
    folder = importlib.resources.files("tzdata.zoneinfo")
    found: dict[str, str] = {}
    for line in folder.joinpath("zone.tab").read_text("utf-8").splitlines():
        parts = line.split("\t")
        if not line.startswith("#") and len(parts) >= 3:
            found[parts[2]] = parts[0]
    # aliases (Asia/Calcutta, Europe/Kiev) are not in zone.tab: they take the country of the zone they point to
    for line in folder.joinpath("tzdata.zi").read_text("utf-8").splitlines():
        parts = line.split(" ")
        if parts[0] == "L" and len(parts) == 3 and parts[1] in found:
            found.setdefault(parts[2], found[parts[1]])
    return found


def country(zone_name: str) -> str | None:
    """Return the two-letter country of a zone, or None for zones that belong to none (``UTC``)."""
    return _countries().get(zone_name)


@cache
def countries() -> frozenset[str]:
    """Return all two-letter countries (ISO 3166)."""
    text = importlib.resources.files("tzdata.zoneinfo").joinpath("iso3166.tab").read_text("utf-8")
    return frozenset(line[:2] for line in text.splitlines() if line and not line.startswith("#"))


@cache
def version() -> str:
    """Return the version of the ``tzdata`` package, for what is written about a result."""
    import tzdata

    return str(tzdata.__version__)
