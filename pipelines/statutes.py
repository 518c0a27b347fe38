"""The statute profiles in the data folder."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from pathlib import Path

from detector.statute import Profile, ProfileError, line_of, load_profile
from pipelines.errors import UserError, shown
from pipelines.resources import data_dir
from pipelines.zones import zone_names

DEFAULT = "kz-115-1"


def read(paths: Iterable[Path]) -> dict[str, Profile]:
    """Return the profiles of some files by id, sorted.

    Raises
    ------
    UserError
        A profile is faulty (every fault is named with file, line and key), or two have the same id.
    """
    found: dict[str, Profile] = {}
    for path in sorted(paths):
        try:
            profile = load_profile(path.read_bytes(), path.name)
        except ProfileError as error:
            raise UserError("; ".join(error.faults)) from None
        if profile.timezone not in zone_names():
            line = line_of(path.read_text("utf-8"), ("statute", "timezone"))
            sentence = f"{shown(profile.timezone)!r} is no time zone that tzdata knows; write it as Asia/Almaty"
            raise UserError(f"{path.name}, line {line}, statute.timezone: {sentence}")
        if profile.id in found:
            raise UserError(f"{path.name}: another statute has the id {profile.id!r} too")
        found[profile.id] = profile
    return dict(sorted(found.items()))


@cache
def profiles() -> dict[str, Profile]:
    """Return every profile by id, sorted.

    Raises
    ------
    UserError
        A profile is faulty.
    """
    return read((data_dir() / "statutes").glob("*.toml"))


def in_force() -> list[str]:
    """Return the ids of the statutes that are in force, in order: bills are never scored."""
    return [p.id for p in profiles().values() if p.status == "in_force"]


def bills() -> list[str]:
    """Return the ids of the bills, in order."""
    return [p.id for p in profiles().values() if p.status == "bill"]


@cache
def profile(statute: str) -> Profile:
    """Return one profile; only the files that hold its id are read.

    Raises
    ------
    UserError
        There is none of that id, or one of these files is faulty.
    """
    files = (data_dir() / "statutes").glob("*.toml")
    known = read(path for path in files if statute.encode("utf-8", "replace") in path.read_bytes())
    known = known if statute in known else profiles()
    if statute not in known:
        raise UserError(f"no statute {statute!r}; the known ones are {', '.join(known)}")
    return known[statute]
