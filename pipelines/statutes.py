"""The statute profiles in the data folder."""

from __future__ import annotations

from functools import cache

from detector.statute import Profile, ProfileError, load_profile
from pipelines.errors import UserError
from pipelines.resources import data_dir

DEFAULT = "kz-115-1"


@cache
def profiles() -> dict[str, Profile]:
    """Return every profile by id, sorted.

    Raises
    ------
    UserError
        A profile is faulty; every fault is named with file, line and key.
    """
    found = {}
    for path in sorted((data_dir() / "statutes").glob("*.toml")):
        try:
            profile = load_profile(path.read_bytes(), path.name)
        except ProfileError as error:
            raise UserError("; ".join(error.faults)) from None
        found[profile.id] = profile
    return dict(sorted(found.items()))


def in_force() -> list[str]:
    """Return the ids of the statutes that are in force, in order: bills are never scored."""
    return [p.id for p in profiles().values() if p.status == "in_force"]


def bills() -> list[str]:
    """Return the ids of the bills, in order."""
    return [p.id for p in profiles().values() if p.status == "bill"]


def profile(statute: str) -> Profile:
    """Return one profile.

    Raises
    ------
    UserError
        There is none of that id.
    """
    known = profiles()
    if statute not in known:
        raise UserError(f"no statute {statute!r}; the known ones are {', '.join(known)}")
    return known[statute]
