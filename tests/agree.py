"""Hold the detector against its twin: run both over one case and say where they differ."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from detector.findings import score_case as score_detector
from detector.model import CaseTables
from detector.statute import Profile, load_profile
from tests.build import SECOND, micros
from tests.twin import COUNTS, TwinFinding, score_case

PROFILE = Path(__file__).resolve().parent.parent / "data" / "statutes" / "kz-115-1.toml"
#: 2025-09-16T00:00 of UTC+5, the first moment of kz-115-1
VALID_FROM = micros(datetime(2025, 9, 16)) - 5 * 3_600 * SECOND


@cache
def profile() -> Profile:
    """Return the profile kz-115-1 as the detector loads it."""
    found = load_profile(PROFILE.read_bytes(), PROFILE.name)
    assert str(found.valid_from) == "2025-09-16", "the profile's own date is not the one that the tests are written for"
    return found


def detect(tables: CaseTables, as_of: int, valid_from: int = VALID_FROM) -> dict[str, dict[str, Any]]:
    """Return the detector's findings by contact."""
    found = score_detector(tables, profile(), as_of=as_of, valid_from=valid_from)
    by_contact = {f["contact_id"]: f for f in found}
    assert len(by_contact) == len(found), "a contact has two findings"
    assert list(by_contact) == sorted(by_contact), "findings are not sorted by contact"
    return by_contact


def iso(moment: int | None) -> str | None:
    """Return a moment as findings.json writes it: UTC, whole seconds."""
    if moment is None:
        return None
    return (datetime(1970, 1, 1) + timedelta(seconds=moment // SECOND)).isoformat() + "Z"


def seconds(moment: datetime, offset_s: int) -> str:
    """Return a local reading as findings.json writes moments."""
    return (moment - timedelta(seconds=offset_s)).replace(tzinfo=UTC).isoformat().replace("+00:00", "Z")


def flat(finding: Mapping[str, Any]) -> dict[str, Any]:
    """Return a detector's finding under the names of :class:`tests.twin.TwinFinding`."""
    values: dict[str, Any] = {
        "verdict": finding["verdict"],
        "otherwise": finding["otherwise"],
        "first_met": finding["first_met"],
        "first_repeated": finding["first_repeated"],
        "elements": {e["id"]: e["status"] for e in finding["elements"]},
    }
    for name in COUNTS:
        if name.startswith("before_law_"):
            values[name] = finding["before_law"][name.removeprefix("before_law_")]
        else:
            shown = finding["indicators"].get(name)
            values[name] = None if shown is None else shown["value"]
    return values


def flat_twin(finding: TwinFinding) -> dict[str, Any]:
    """Return a twin's finding as plain values, moments as findings.json writes them."""
    return asdict(finding) | {"first_met": iso(finding.first_met), "first_repeated": iso(finding.first_repeated)}


def differences(tables: CaseTables, as_of: int) -> list[str]:
    """Return where detector and twin differ over a case, one sentence each."""
    twin = {k: flat_twin(v) for k, v in score_case(tables, {}, VALID_FROM, as_of).items()}
    fast = {k: flat(v) for k, v in detect(tables, as_of).items()}
    if twin.keys() != fast.keys():
        return [f"contacts: twin {sorted(twin)}, detector {sorted(fast)}"]
    for contact, values in fast.items():
        # informative elements of the profile are thresholds of single indicators: the twin knows those that decide
        values["elements"] = {e: values["elements"].get(e) for e in twin[contact]["elements"]}
    return [
        f"{contact}.{name}: twin {wanted!r}, detector {fast[contact][name]!r}"
        for contact, values in twin.items()
        for name, wanted in values.items()
        if fast[contact][name] != wanted
    ]
