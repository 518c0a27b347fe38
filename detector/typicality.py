"""How often ordinary contacts reach the same number: reference populations as data, read strictly, and what they say beside a finding.

A reference holds, for each indicator that its data can show, how many of its contacts reach each of a few cut values. It is a count of other people's contacts:
no probability of anything about this one. ``docs/base-rates.md`` says how references are made and read.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from detector.arrays import Bools
from detector.course import MANNER
from detector.indicators import all_indicators
from detector.parameters import PARAMETERS
from detector.score import Judged
from detector.state import State
from detector.statistics import upper95
from detector.statute import MOST_NUMBER, TomlFaults, TomlReader, read_toml

#: ways of being in touch that a reference can have observed
WAYS = ("calls", "messages", "mail", "tracks", "sightings")
#: the ways whose acts a number can count; ``other`` is what no reference observes
COUNTED_WAYS = (*WAYS, "other")
#: what a value runs over: the fullest window or one occasion, a share or ratio, or the whole time
OVER = ("window", "share", "whole")
#: why a value and a reference do not count the same
CAVEATS = ("period", "ways", "notice", "numbers")
#: cut values of one indicator, at most
MOST_CUTS = 40
#: numbers of the rules under which a reference was counted: what an occasion, a reply, an initiative, a conversation is
COUNTED_UNDER = tuple(name for name, p in PARAMETERS.items() if p.stage == "answers")
_DAY_S = 86_400
_REFERENCE_KEYS = (
    "id", "title", "population", "period_days", "contacts", "owners", "channels", "provenance", "made_by", "limits", "date_shift",
)  # fmt: skip
_INDICATOR_KEYS = ("unit", "over", "counts", "unwanted", "known", "at", "reach")


class BaseRateError(TomlFaults):
    """A base-rate file is refused."""


@dataclass(frozen=True, slots=True)
class Distribution:
    """How the contacts of a reference are distributed in one indicator.

    Attributes
    ----------
    unit, over : str
        Unit of the indicator, and what it runs over (:data:`OVER`).
    counts : tuple of str
        The ways whose acts enter the number (:data:`COUNTED_WAYS`).
    unwanted : bool
        It counts what is unwanted: without a refusal, what nobody answered.
    known : int
        Contacts with a known value.
    at : tuple of int
        Cut values, ascending; the first is reached by all.
    reach : tuple of int
        Contacts with a value of at least each cut, exact.
    """

    unit: str
    over: str
    counts: tuple[str, ...]
    unwanted: bool
    known: int
    at: tuple[int, ...]
    reach: tuple[int, ...]

    def as_extreme(self, value: int) -> tuple[int, int]:
        """Return the largest cut that a value reaches, and the contacts that reach it: at least as many as reach the value itself."""
        k = max(sum(cut <= value for cut in self.at) - 1, 0)
        return self.at[k], self.reach[k]


@dataclass(frozen=True, slots=True)
class Reference:
    """One population of ordinary contacts.

    Attributes
    ----------
    id, title, population : str
        What it is called, and who the people are.
    period_days : int
        Days over which the owner of a contact was observed (median over the contacts).
    contacts, owners : int
        Contacts that reached an owner at least once, and owners.
    channels : tuple of str
        The ways that were observed (:data:`WAYS`).
    provenance, made_by, date_shift : str
        Where the data come from, what counted them, and how their dates were moved.
    limits : tuple of str
        What the counts cannot say.
    numbers : dict
        Numbers of the rules under which it was counted (:data:`COUNTED_UNDER`).
    indicators : dict
        A :class:`Distribution` for each indicator that the data can show.
    """

    id: str
    title: str
    population: str
    period_days: int
    contacts: int
    owners: int
    channels: tuple[str, ...]
    provenance: str
    made_by: str
    date_shift: str
    limits: tuple[str, ...]
    numbers: dict[str, int]
    indicators: dict[str, Distribution]


# -- reading ------------------------------------------------------------------------------------------------------------


def _whole(r: TomlReader, table: dict[str, Any], key: str, path: tuple[str | int, ...], least: int) -> int:
    value = table.get(key)
    if value is None:
        r.fault(path, f"{key} is missing")
    elif type(value) is not int or not least <= value <= MOST_NUMBER:
        r.fault((*path, key), f"must be a whole number of at least {least}, at most {MOST_NUMBER}")
    else:
        return value
    return least


def _wholes(r: TomlReader, table: dict[str, Any], key: str, path: tuple[str | int, ...]) -> tuple[int, ...]:
    value = table.get(key)
    if value is None:
        r.fault(path, f"{key} is missing")
    elif not isinstance(value, list) or not value or not all(type(v) is int and abs(v) <= MOST_NUMBER for v in value):
        r.fault((*path, key), "must be a list of whole numbers, and not empty")
    else:
        return tuple(value)
    return ()


def _distribution(r: TomlReader, name: str, raw: Any, contacts: int) -> Distribution | None:
    path = ("indicator", name)
    known_indicators = all_indicators()
    if not isinstance(raw, dict):
        r.fault(path, "must be a table with unit, over, known, at and reach")
        return None
    if name not in known_indicators:
        r.fault(path, f"no indicator {name!r}; the known ones are {', '.join(known_indicators)}")
        return None
    r.keys(raw, _INDICATOR_KEYS, path)
    unit = r.text_of(raw, "unit", path)
    if unit and unit != known_indicators[name].unit:
        r.fault((*path, "unit"), f"{unit!r} is not the indicator's unit, which is {known_indicators[name].unit!r}")
    over = r.text_of(raw, "over", path, among=OVER)
    counts = r.texts(raw, "counts", path)
    for way in counts:
        if way not in COUNTED_WAYS:
            r.fault((*path, "counts"), f"{way!r} is not one of {', '.join(COUNTED_WAYS)}")
    if not counts:
        r.fault(path, "counts is missing or empty")
    unwanted = raw.get("unwanted", False)
    if not isinstance(unwanted, bool):
        r.fault((*path, "unwanted"), "must be true or false")
    known = _whole(r, raw, "known", path, 1)
    if known > contacts:
        r.fault((*path, "known"), f"{known} contacts have a value, but the reference has {contacts}")
    at, reach = _wholes(r, raw, "at", path), _wholes(r, raw, "reach", path)
    if not at or not reach:
        return None
    if len(at) > MOST_CUTS:
        r.fault((*path, "at"), f"{len(at)} cuts, at most {MOST_CUTS} are allowed")
    if any(a >= b for a, b in pairwise(at)):
        r.fault((*path, "at"), "cuts must ascend")
    if at[0] > 0:
        r.fault((*path, "at"), "the first cut must be 0 or less")
    if len(reach) != len(at):
        r.fault((*path, "reach"), f"{len(reach)} counts for {len(at)} cuts")
    if any(a < b for a, b in pairwise(reach)):
        r.fault((*path, "reach"), "counts must not rise: who reaches a cut has reached those below it")
    if min(reach) < 0:
        r.fault((*path, "reach"), "counts must be 0 or more")
    if max(reach) > known:
        r.fault((*path, "reach"), f"{max(reach)} contacts reach a cut, but only {known} have a value")
    elif reach[0] != known:
        r.fault((*path, "reach"), f"the first cut must be reached by all {known} contacts with a value")
    return Distribution(unit, over, counts, unwanted is True, known, at, reach)


def load_reference(data: bytes, name: str) -> Reference:
    """Read a base-rate file.

    Parameters
    ----------
    data : bytes
        The TOML file.
    name : str
        Its name, for the faults.

    Raises
    ------
    BaseRateError
        All faults at once, each with file, line and key.
    """
    try:
        text, raw = read_toml(data, name)
    except ValueError as error:
        raise BaseRateError([str(error)]) from None
    r = TomlReader(text, name)
    r.keys(raw, ("reference", "parameters", "indicator"), ())
    head = r.table(raw, "reference", ())
    path = ("reference",)
    r.keys(head, _REFERENCE_KEYS, path)
    texts = {k: r.text_of(head, k, path) for k in ("id", "title", "population", "provenance", "made_by", "date_shift")}
    period, contacts, owners = (_whole(r, head, k, path, 1) for k in ("period_days", "contacts", "owners"))
    channels, limits = r.texts(head, "channels", path), r.texts(head, "limits", path)
    for way in channels:
        if way not in WAYS:
            r.fault((*path, "channels"), f"{way!r} is not one of {', '.join(WAYS)}")
    for key, listed in (("channels", channels), ("limits", limits)):
        if not listed:
            r.fault(path, f"{key} is missing or empty")
    numbers = r.table(raw, "parameters", ())
    r.keys(numbers, COUNTED_UNDER, ("parameters",))
    counted = {k: _whole(r, numbers, k, ("parameters",), 0) for k in COUNTED_UNDER}
    found = {k: _distribution(r, k, v, contacts) for k, v in r.table(raw, "indicator", ()).items()}
    if not found and "indicator" in raw:
        r.fault(("indicator",), "no indicator is given")
    if r.faults:
        raise BaseRateError(r.faults)
    return Reference(
        id=texts["id"], title=texts["title"], population=texts["population"], period_days=period, contacts=contacts, owners=owners,
        channels=channels, provenance=texts["provenance"], made_by=texts["made_by"], date_shift=texts["date_shift"], limits=limits,
        numbers=counted, indicators={k: d for k, d in found.items() if d is not None},
    )  # fmt: skip


# -- beside a finding ---------------------------------------------------------------------------------------------------


def _ways(s: State) -> dict[str, Bools]:
    """Return, for each way of being in touch, which contacts used it in acts of L; ``other`` is what no reference observes."""
    c, law = s.course, s.sets.law
    tracked = (c.manner == MANNER["visit"]) | (c.manner == MANNER["met"]) | (c.manner == MANNER["tracker"])
    rows = {
        "calls": c.of_kinds(("call",)),
        "messages": c.of_kinds(("message", "request")),
        "mail": c.of_kinds(("email",)),
        "tracks": c.presence & tracked,
        "sightings": c.presence & ~tracked,
        "other": ~c.presence & ~c.of_kinds(("call", "message", "request", "email")),
    }
    return {name: s.any(law & mask) for name, mask in rows.items()}


def _closest(used: frozenset[str], references: Sequence[Reference]) -> list[Reference]:
    """Return the references that observed the most of the ways that a contact used; none if none observed any."""
    covered = [len(used & set(r.channels)) for r in references]
    most = max(covered, default=0)
    return [r for r, n in zip(references, covered, strict=True) if n == most and n > 0]


def case_typicality(judged: Judged, case: int, references: Sequence[Reference]) -> dict[str, list[dict[str, Any]]]:
    """Return, by contact id, how often ordinary contacts reach the values of one case.

    Parameters
    ----------
    judged : Judged
        What was found of all contacts.
    case : int
        Number of the case.
    references : sequence of Reference
        The populations; for each contact those speak that observed the most of the ways it used.

    Returns
    -------
    dict
        Entries of ``typicality`` in ``findings.json``, in the order of the profile's indicators: those with a threshold or points whose value is known and above 0.
        ``as_extreme`` counts the reference's contacts that reach ``at_cut``, the largest cut not above the value, so it is never too small; ``upper95`` is the
        exact one-sided 95 % upper bound of that share. ``comparable`` is false if there is a caveat: ``period`` (a count over the whole time, and this contact's course is longer
        than those contacts were observed), ``ways`` (it counts acts by a way that this contact used and the reference did not observe), ``notice`` (it counts what is unwanted, and
        this contact was refused, but nobody there), ``numbers`` (the profile counts occasions or answers by other numbers).
    """
    s, profile = judged.state, judged.profile
    lines = [x for e in profile.elements for x in e.lines] + list(profile.against)
    names = list(dict.fromkeys(x.indicator for x in lines if x.comparison or x.levels))
    ways, spans, noticed = _ways(s), s.span(s.sets.law) // 1_000_000, s.sets.first >= 0
    out: dict[str, list[dict[str, Any]]] = {}
    for g, group in enumerate(s.course.groups):
        if group.case != case:
            continue
        used = frozenset(name for name, mask in ways.items() if mask[g])
        near = _closest(used, references)
        entries = []
        for name in names if near else ():
            m = judged.measured[name]
            value = int(m.value[g])
            if (m.known is not None and not m.known[g]) or value <= 0:
                continue
            for r in near:
                d = r.indicators.get(name)
                if d is None:
                    continue
                apart = {
                    "period": d.over == "whole" and int(spans[g]) > r.period_days * _DAY_S,
                    "ways": not used & set(d.counts) <= set(r.channels),
                    "notice": d.unwanted and bool(noticed[g]),
                    "numbers": any(s.num[k] != v for k, v in r.numbers.items()),
                }
                cut, reach = d.as_extreme(value)
                entries.append({
                    "indicator": name, "value": value, "reference": r.id, "contacts": d.known, "as_extreme": reach, "at_cut": cut,
                    "upper95": upper95(reach, d.known), "period_days": r.period_days, "comparable": not any(apart.values()),
                    "caveats": [c for c in CAVEATS if apart[c]],
                })  # fmt: skip
        out[group.contact_id] = entries
    return out
