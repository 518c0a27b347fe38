"""The public data sets of real people as resolved cases: one case for each owner, the tables that the detector takes.

Every data set is read from a folder that is given; nothing of it is written anywhere. A person is an owner only if the split of the data set says
so (``egos_here``). Dates are moved by whole weeks, so that the data set begins in the week of Monday 2026-02-16, after the commencement of every statute;
readings of the clock stay as they are. Nobody in these data is labelled; that says nothing about what happened to them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from detector.arrays import haversine_m
from detector.model import CaseTables
from detector.schema import TABLES, empty

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]

DAY_S = 86_400
WEEK_S = 7 * DAY_S
US = 1_000_000
#: the day on which every data set begins, or in whose week: a Monday after the commencement of every statute
FIRST_DAY = "2026-02-16"
#: its 00:00 as a reading of the clock, seconds since 1970-01-01T00:00 of that clock
START_S = 1_771_200_000
#: the clock of every case: that of Almaty
OFFSET_S = 5 * 3600
_EVER_FROM, _EVER_TO = -(2**60), 2**60


@dataclass(frozen=True)
class Source:
    """One data set: who the people are, over how long, and what its rows can show.

    ``channels`` are the ways that were observed: calls, messages, mail, tracks, sightings. ``shows`` are what can be read from the rows beside that two people
    were in touch: ``missed`` (whether a call was answered), ``duration``, ``hours`` and ``weekdays`` of the people's own clock.
    """

    id: str
    reference: str
    title: str
    population: str
    citation: str
    channels: tuple[str, ...]
    shows: tuple[str, ...]
    limits: tuple[str, ...]
    load: Callable[[Path], People]


@dataclass(frozen=True)
class People:
    """The cases of one data set, in order of the owner's id, and the moment at which each is scored (00:00 after its last row)."""

    cases: list[CaseTables]
    as_of: list[int]
    begin: int  # 00:00 of the first day of the data set, µs UTC
    period_days: int
    shift: str  # by what the dates were moved


@dataclass(frozen=True)
class Traffic:
    """Rows between an owner and somebody, one array per property; a row between two owners is there twice, once for each."""

    owner: Ints
    other: Ints
    at: Ints  # reading of the clock, s
    out: Bools
    kind: Ints  # index in KINDS
    answered: Ints  # 1, 0, or -1 where nobody can tell
    duration: Ints  # s, -1 where nobody can tell
    file: Ints  # number of the file, and of the row in it
    row: Ints


KINDS = ("call", "message", "email")


def _both_sides(sender: Ints, recipient: Ints, at: Ints, here: Ints, kind: int, answered: Ints | None = None,
                duration: Ints | None = None) -> Traffic:  # fmt: skip
    """Return the rows seen by each owner of this half; ``here`` is 1 for the sender, 2 for the recipient, 3 for both."""
    unknown, row = np.full(len(at), -1, np.int64), np.arange(len(at))
    parts = []
    for bit, owner, other, out in ((1, sender, recipient, True), (2, recipient, sender, False)):
        rows = np.flatnonzero(((here & bit) > 0) & (sender != recipient))
        parts.append((owner[rows], other[rows], at[rows], np.full(len(rows), out), np.full(len(rows), kind),
                      (unknown if answered is None else answered)[rows], (unknown if duration is None else duration)[rows],
                      np.zeros(len(rows), np.int64), row[rows]))  # fmt: skip
    return Traffic(*(np.concatenate(x) for x in zip(*parts, strict=True)))


def _together(*parts: Traffic) -> Traffic:
    """Join what several files hold of the same people."""
    numbered = [replace(p, file=np.full(len(p.at), k)) for k, p in enumerate(parts)]
    return Traffic(*(np.concatenate([getattr(p, f) for p in numbered]) for f in Traffic.__dataclass_fields__))


def _taken(seconds: Ints) -> Ints:
    """Return whether calls were answered, from their length: below 0 no, above 0 yes; nobody can tell of 0 s, as in a phone's own log."""
    return np.asarray(np.where(seconds < 0, 0, np.where(seconds > 0, 1, -1)), np.int64)


def _here(column: pa.ChunkedArray, sender: str, recipient: str) -> Ints:
    codes = {"both": 3, sender: 1, recipient: 2}
    return np.array([codes[x] for x in column.to_pylist()], np.int64)


def _ints(column: pa.ChunkedArray) -> Ints:
    return np.asarray(column.to_numpy(), np.float64).astype(np.int64)


def _single(sender: Ints, at: Ints) -> Bools:
    """Mark the mails that went to one person: no other row of this sender bears the same second."""
    _, which, size = np.unique(np.stack([sender, at]), axis=1, return_inverse=True, return_counts=True)
    return np.asarray(size[which] == 1, np.bool_)


# -- from rows to tables -----------------------------------------------------------------------------------------------


def _column(field: pa.Field, size: int, value: object) -> pa.Array:
    """Return a column of a table: an array as it is, a constant repeated, null where nothing is said."""
    if isinstance(value, pa.Array | pa.ChunkedArray):
        return value.cast(field.type)
    if isinstance(value, np.ndarray):
        return pa.array(value, field.type)
    return pa.nulls(size, field.type) if value is None else pa.repeat(pa.scalar(value, field.type), size)


def _table(name: str, size: int, **known: object) -> pa.Table:
    schema = TABLES[name]
    return pa.table([_column(f, size, known.get(f.name)) for f in schema], schema=schema)


def _texts(prefix: str, numbers: Ints) -> pa.Array:
    return pa.array([f"{prefix}{n}" for n in numbers.tolist()], pa.string())


def _times(local: Ints) -> dict[str, object]:
    ts = (local - OFFSET_S) * US
    return {"local_time": local * US, "ts_precision": "s", "zone_basis": "case", "ts": ts, "ts_min": ts, "ts_max": ts + US - 1,
            "utc_offset": OFFSET_S, "fold": 0}  # fmt: skip


def _midnight_after(local: int) -> int:
    return ((local // DAY_S + 1) * DAY_S - OFFSET_S) * US


def _numbered(owner: Ints) -> tuple[Ints, Ints]:
    """Return the edges of the stretches of equal owners, and the number of every row in its own, from 1."""
    edges = np.r_[0, np.flatnonzero(np.diff(owner)) + 1, len(owner)]
    return edges, np.arange(len(owner)) - np.repeat(edges[:-1], np.diff(edges)) + 1


def _contacts(owner: Ints, other: Ints) -> tuple[pa.Table, Ints]:
    """Return everybody that each owner has to do with, and where those of each owner begin."""
    pairs = np.unique(np.stack([owner, other], axis=1), axis=0)
    names = _texts("P", pairs[:, 1])
    table = _table("contacts", len(pairs), contact_id=names, label=names, role="unknown", declared=False,
                   identifiers=_texts("raw:", pairs[:, 1]))  # fmt: skip
    return table, np.r_[0, np.flatnonzero(np.diff(pairs[:, 0])) + 1, len(pairs)]


def _shifted(at: Ints) -> tuple[Ints, str]:
    """Move readings by whole weeks so that the first lies in the week of :data:`START_S`, or after it."""
    weeks = -((int(at.min()) - START_S) // WEEK_S)
    return at + weeks * WEEK_S, f"{abs(weeks)} whole weeks {'later' if weeks >= 0 else 'earlier'}"


def _people(name: str, t: Traffic, channels: dict[str, str], shift: str) -> People:
    """Make the cases of a data set of traffic; the readings are moved already."""
    order = np.lexsort((t.row, t.file, t.at, t.owner))
    owner, other, at, file = t.owner[order], t.other[order], t.at[order], t.file[order]
    edges, n = _numbered(owner)
    out, kind, answered, duration = t.out[order], t.kind[order], t.answered[order], t.duration[order]
    size = len(at)
    sources = [c * 12 for c in "abcd"[: int(file.max()) + 1]]
    source = pa.array(np.array(sources)[file])
    direction = pa.array(np.where(out, "out", "in"))
    missed = (kind == KINDS.index("call")) & (answered == 0) & ~out
    names = _texts("raw:", other)
    events = _table(
        "events", size, case_id=name, event_id=pc.binary_join_element_wise(source, _texts("", n), "#"), source_id=source,
        record=_texts("line:", n), n=n, **_times(at), channel=pa.array(np.array([channels[k] for k in KINDS])[kind]), kind=pa.array(np.array(KINDS)[kind]), direction=direction, status="unknown",
        identifier=names, identifier_raw=names, identifier_kind="raw", actor=pa.array(np.where(out, "owner", "contact")), thread_id=names,
        thread_kind="direct", directed="yes", answered=pa.array(answered == 1, mask=answered < 0), duration_s=pa.array(duration, mask=duration < 0),
        how="device", tags=pa.array(np.where(missed, "missed", ""), mask=~missed), contact_id=_texts("P", other),
    )  # fmt: skip
    contacts, at_contact = _contacts(owner, other)
    first, last = int(at.min()) // DAY_S * DAY_S, int(at.max())
    none = {x: empty(x) for x in ("positions", "notices", "places", "trackers")}
    cover = _table(
        "coverage", 1, source_id=sources[0], channel="other", classes=" ".join(sorted(k for i, k in enumerate(KINDS) if (kind == i).any())), scope="all", local_from=first * US, local_to=(last + 1) * US,
        zone_basis="case", basis="declared", complete="unknown", ts_from=(first - OFFSET_S) * US, ts_to=(last + 1 - OFFSET_S) * US,
    )  # fmt: skip
    cases, as_of = [], []
    for (lo, hi), (c_lo, c_hi) in zip(pairwise(edges.tolist()), pairwise(at_contact.tolist()), strict=True):
        cases.append(
            CaseTables(
                f"{name}-{owner[lo]}",
                events.slice(lo, hi - lo),
                contacts=contacts.slice(c_lo, c_hi - c_lo),
                coverage=cover,
                **none,
            )
        )
        as_of.append(_midnight_after(int(at[hi - 1])))
    return People(cases, as_of, (first - OFFSET_S) * US, (last - first) // DAY_S + 1, shift)


# -- the data sets ------------------------------------------------------------------------------------------------------


def _cns(folder: Path) -> People:
    sms, calls = (pq.read_table(folder / "cns" / f"{x}.parquet") for x in ("sms", "calls"))
    seconds = _ints(calls["duration"])
    texts = _both_sides(_ints(sms["sender"]), _ints(sms["recipient"]), _ints(sms["timestamp"]),
                        _here(sms["egos_here"], "sender", "recipient"), KINDS.index("message"))  # fmt: skip
    spoken = _both_sides(_ints(calls["caller"]), _ints(calls["callee"]), _ints(calls["timestamp"]),
                         _here(calls["egos_here"], "caller", "callee"), KINDS.index("call"), _taken(seconds), seconds)  # fmt: skip
    t = _together(texts, spoken)
    return _people("cns", replace(t, at=t.at + START_S), {"call": "phone", "message": "sms", "email": "email"},
                   f"its second 0 is put at {FIRST_DAY} 00:00; its own date and weekday are not known")  # fmt: skip


def _collegemsg(folder: Path) -> People:
    m = pq.read_table(folder / "collegemsg" / "messages.parquet")
    at, shift = _shifted(_ints(m["timestamp"]) - 7 * 3600)  # daylight saving time of California all the way
    t = _both_sides(
        _ints(m["sender"]),
        _ints(m["recipient"]),
        at,
        _here(m["egos_here"], "sender", "recipient"),
        KINDS.index("message"),
    )
    return _people("collegemsg", t, dict.fromkeys(KINDS, "other"), shift)


def _eu_core(folder: Path) -> People:
    m = pq.read_table(folder / "email_eu_core" / "emails.parquet")
    sender, at = _ints(m["sender"]), _ints(m["timestamp"])
    rows = np.flatnonzero(_single(sender, at))
    t = _both_sides(sender[rows], _ints(m["recipient"])[rows], at[rows] + START_S,
                    _here(m["egos_here"], "sender", "recipient")[rows], KINDS.index("email"))  # fmt: skip
    return _people("email_eu_core", t, dict.fromkeys(KINDS, "email"),
                   f"its second 0 is put at {FIRST_DAY} 00:00; its own date, hour and weekday are not known")  # fmt: skip


def _enron(folder: Path) -> People:
    m = pq.read_table(folder / "enron" / "emails.parquet")
    sender, recipient, at = (_ints(m[x]) for x in ("sender", "recipient", "timestamp"))
    here, how = _here(m["egos_here"], "sender", "recipient"), np.array(m["Reciptype"].to_pylist())
    # a mail lies in several folders: equal rows are one
    _, once = np.unique(
        np.stack([sender, recipient, at, np.unique(how, return_inverse=True)[1]]), axis=1, return_index=True
    )
    once.sort()
    once = once[_single(sender[once], at[once])]
    moved, shift = _shifted(at[once])
    t = _both_sides(sender[once], recipient[once], moved, here[once], KINDS.index("email"))
    return _people("enron", t, dict.fromkeys(KINDS, "email"), shift)


def _reality(folder: Path) -> People:
    m = pq.read_table(folder / "reality_mining" / "calls.parquet")
    local = np.array([x[:19] for x in m["date"].to_pylist()], "datetime64[s]").astype(np.int64)
    owner, other, seconds = _ints(m["subjectId"]), _ints(m["otherPartyId"]), _ints(m["duration"])
    out = np.array([x == "Outgoing" for x in m["direction"].to_pylist()])
    rows = np.flatnonzero(owner != other)
    at, shift = _shifted(local[rows])
    t = Traffic(owner[rows], other[rows], at, out[rows], np.full(len(rows), KINDS.index("call")), _taken(seconds[rows]), seconds[rows],
                np.zeros(len(rows), np.int64), rows)  # fmt: skip
    return _people("reality_mining", t, dict.fromkeys(KINDS, "phone"), shift)


def _social(folder: Path) -> People:
    m = pq.read_table(folder / "social_evolution" / "calls.parquet")
    sender, recipient = (
        np.array([int(x.removeprefix("Actor ")) for x in m[c].to_pylist()]) for c in ("sender", "receiver")
    )
    at, shift = _shifted(_ints(m["time"]) - 4 * 3600)  # daylight saving time of Boston all the way
    t = _both_sides(sender, recipient, at, _here(m["egos_here"], "sender", "receiver"), KINDS.index("call"))
    return _people("social_evolution", t, dict.fromkeys(KINDS, "phone"), shift)


def _infectious(folder: Path) -> People:
    """Badges that face each other: a stretch of contacts of 20 s without a pause is one sighting by device, without coordinates."""
    m = pq.read_table(folder / "sociopatterns_infectious" / "contacts.parquet")
    day = np.unique(np.array(m["day"].to_pylist()), return_inverse=True)[1].astype(np.int64)
    at, shift = _shifted(_ints(m["t"]) + 3600)  # summer time of Dublin
    a, b = _ints(m["i"]), _ints(m["j"])
    # badges must not be linked across days: a person is a badge on one day
    people, number = np.unique(np.stack([np.r_[day, day], np.r_[a, b]]), axis=1, return_inverse=True)
    owner, other = number, np.r_[number[len(a) :], number[: len(a)]]
    at = np.r_[at, at]
    order = np.lexsort((at, other, owner))
    owner, other, at = owner[order], other[order], at[order]
    new = np.r_[True, (np.diff(owner) != 0) | (np.diff(other) != 0) | (np.diff(at) > 20)]
    start = np.flatnonzero(new)
    end = at[np.r_[start[1:], len(at)] - 1] + 20
    owner, other, at = owner[start], other[start], at[start]
    order = np.lexsort((other, at, owner))
    owner, other, at, end = owner[order], other[order], at[order], end[order]
    edges, n = _numbered(owner)
    source, names = "b" * 12, _texts("raw:", other)
    positions = _table(
        "positions", len(at), case_id="infectious", position_id=_texts(f"{source}#", n), source_id=source, record=_texts("line:", n), n=n,
        **_times(at), local_end=end * US, kind="seen", subject="contact", identifier=names, identifier_raw=names, accuracy_kind="unknown",
        source_how="bluetooth", how="device", ts_end=(end - OFFSET_S) * US, contact_id=_texts("P", other),
    )  # fmt: skip
    contacts, at_contact = _contacts(owner, other)
    none = {x: empty(x) for x in ("events", "notices", "places", "trackers", "coverage")}
    cases, as_of = [], []
    for (lo, hi), (c_lo, c_hi) in zip(pairwise(edges.tolist()), pairwise(at_contact.tolist()), strict=True):
        cases.append(CaseTables(f"infectious-{owner[lo]}", positions=positions.slice(lo, hi - lo),
                                contacts=contacts.slice(c_lo, c_hi - c_lo), **none))  # fmt: skip
        as_of.append(_midnight_after(int(end[lo:hi].max())))
    assert people.shape[1] == len(cases)
    begin = int(at.min()) // DAY_S * DAY_S
    return People(cases, as_of, (begin - OFFSET_S) * US, 1, shift)


# -- tracks ---------------------------------------------------------------------------------------------------------------

#: cells of about 220 m, in which the owner's stays are summed
_CELL_LAT, _CELL_LON = 0.002, 0.0025
_STAY_M, _STAY_S = 200, DAY_S
_PLACES = 5
_RADIUS_M = 150.0


def own_places(lat: Floats, lon: Floats, at: Ints) -> list[tuple[str, float, float]]:
    """Return an owner's places as their own track shows them: (kind, latitude, longitude).

    A stay is the time between two fixes that lie within 200 m and a day of each other; it is summed in cells of about 220 m. Home is the cell with the most time
    at night (stays whose middle lies between 22:00 and 06:00), work that with the most time of other stays on Monday to Friday between 09:00 and 18:00; the
    others are the next in time. A place lies at the middle of its fixes; places are more than 300 m apart.
    """
    cell = np.stack([np.floor(lat / _CELL_LAT), np.floor(lon / _CELL_LON)]).astype(np.int64)
    cells, number = np.unique(cell, axis=1, return_inverse=True)
    gap = np.diff(at)
    stay = np.where((gap <= _STAY_S) & (haversine_m(lat[:-1], lon[:-1], lat[1:], lon[1:]) <= _STAY_M), gap, 0)
    middle = at[:-1] + gap // 2
    hour, weekday = middle % DAY_S // 3600, (middle // DAY_S + 3) % 7
    total, night, office = (
        np.bincount(number[:-1], np.where(mask, stay, 0), cells.shape[1])
        for mask in (np.ones(len(stay), np.bool_), (hour >= 22) | (hour < 6), (weekday < 5) & (hour >= 9) & (hour < 18))
    )
    found: list[tuple[str, float, float]] = []
    for kind, weight in (("home", night), ("work", office), *(("other", total),) * (_PLACES - 2)):
        for c in np.argsort(-weight, kind="stable").tolist():
            spot = float(lat[number == c].mean()), float(lon[number == c].mean())
            if weight[c] > 0 and all(haversine_m(*spot, y, x) > 2 * _RADIUS_M for _, y, x in found):
                found.append((kind, *spot))
                break
    return found


def _geolife(folder: Path) -> People:
    """Each person once as the owner, the others as contacts whose tracks are moved by whole weeks into the owner's first week (by a week at least)."""
    m = pq.read_table(folder / "geolife" / "fixes.parquet")
    whose = np.array(m["uid"].to_pylist())
    local = np.array(m["datetime"].to_pylist(), "datetime64[s]").astype(np.int64) + 8 * 3600  # Beijing
    local, shift = _shifted(local)
    lat, lon = (np.asarray(m[x].to_numpy(), np.float64) for x in ("lat", "lng"))
    tracks = {}
    for uid in sorted(set(whose.tolist())):
        rows = np.flatnonzero(whose == uid)
        tracks[uid] = rows[np.argsort(local[rows], kind="stable")]
    cases, as_of = [], []
    for owner, own in tracks.items():
        begin, end = int(local[own[0]]), int(local[own[-1]])
        parts = [(None, own, 0)]
        for other, rows in tracks.items():
            if other != owner:
                weeks = round((begin // DAY_S * DAY_S - int(local[rows[0]]) // DAY_S * DAY_S) / WEEK_S) or 1
                parts.append((other, rows, weeks * WEEK_S))
        tables = []
        for k, (other, rows, move) in enumerate(parts):
            n = np.arange(1, len(rows) + 1)
            source = "cdefgh"[k] * 12 if k < 4 else f"{k:012d}"
            name = None if other is None else f"raw:{int(other)}"
            at = local[rows] + move
            tables.append(_table(
                "positions", len(rows), case_id="geolife", position_id=_texts(f"{source}#", n), source_id=source, record=_texts("line:", n), n=n,
                **_times(at), kind="fix", subject="owner" if other is None else "contact", identifier=name, identifier_raw=name, lat=lat[rows],
                lon=lon[rows], accuracy_kind="unknown", source_how="gps", how="device", ts_end=(at - OFFSET_S) * US,
                contact_id=None if other is None else f"P{int(other)}",
            ))  # fmt: skip
        spots = own_places(lat[own], lon[own], local[own])
        places = pa.Table.from_pylist(
            [{"place_id": f"{kind}{k}", "kind": kind, "lat": y, "lon": x, "radius_m": _RADIUS_M, "ts_from": _EVER_FROM, "ts_to": _EVER_TO,
              "shared_with": "", "basis": "declared"} for k, (kind, y, x) in enumerate(spots)], schema=TABLES["places"],
        )  # fmt: skip
        others = np.array([int(x) for x in tracks if x != owner])
        contacts, _ = _contacts(np.zeros(len(others), np.int64), others)
        none = {x: empty(x) for x in ("events", "notices", "trackers", "coverage")}
        cases.append(
            CaseTables(
                f"geolife-{int(owner)}", positions=pa.concat_tables(tables), places=places, contacts=contacts, **none
            )
        )
        as_of.append(_midnight_after(end))
    first = min(int(local[r[0]]) for r in tracks.values()) // DAY_S * DAY_S
    days = max((int(local[r[-1]]) - int(local[r[0]])) // DAY_S + 1 for r in tracks.values())
    return People(
        cases,
        as_of,
        (first - OFFSET_S) * US,
        days,
        f"{shift}; contacts by further whole weeks into the owner's first week",
    )


_OPEN = (
    "Nobody is labelled: the absence of a label is no proof that no contact was unwanted.",
    "Only the half of the people that was set aside for development was counted.",
)
_CLOSED = "A closed population: only contacts between participants are in the data; family, friends elsewhere, firms and strangers are missing."

SOURCES: tuple[Source, ...] = (
    Source(
        "cns", "ordinary-students-2013", "Calls and SMS of students, Copenhagen Networks Study",
        "Students of one university who took part in a study, 2013 to 2014 (Denmark)",
        "Copenhagen Networks Study: Sapiezynski, Stopczynski, Lassen & Lehmann, Scientific Data 6:315 (2019), figshare 7267433",
        ("calls", "messages"), ("missed", "duration", "hours"),
        (*_OPEN, _CLOSED, "Twenty-eight days: slower courses cannot show.",
         "The date is withheld: weekdays are unknown, and that the day begins at second 0 is an inference from the hour of least activity.",
         "Messages of apps are missing: SMS and calls only."),
        _cns,
    ),
    Source(
        "collegemsg", "online-students-2004", "Private messages of an online community of students",
        "Students of one university on a community site where strangers write to each other, 2004 (California)",
        "SNAP CollegeMsg: Panzarasa, Opsahl & Carley, Journal of the American Society for Information Science and Technology 60(5):911-932 (2009)",
        ("messages",), ("hours", "weekdays"),
        (*_OPEN, "One site: what the same people said to each other by other ways is missing.",
         "Many contacts are strangers who write once: the population is not that of people who know each other."),
        _collegemsg,
    ),
    Source(
        "email_eu_core", "institute-mail", "Mail within a research institution, single recipient",
        "Members of one large European research institution over 803 days",
        "SNAP email-Eu-core-temporal: Paranjape, Benson & Leskovec, WSDM 2017",
        ("mail",), (),
        (*_OPEN, _CLOSED, "Work mail: one-sidedness is routine. Mails to several recipients are left out, as far as the half shows them.",
         "The date is withheld: hours and weekdays are unknown."),
        _eu_core,
    ),
    Source(
        "enron", "enron-mail", "Mail within the Enron corporation, single recipient",
        "Employees, most of them managers, of one firm, 1998 to 2002",
        "Enron corpus (FERC), annotation Priebe et al. and LDC, as in igraphdata",
        ("mail",), (),
        (*_OPEN, _CLOSED, "Work mail with assistants and lists: one-sidedness is routine. Mails to several recipients are left out.",
         "The zone of the printed time is not stated: hours are not counted.", "Observed spans differ from person to person: what each mailbox had kept."),
        _enron,
    ),
    Source(
        "reality_mining", "students-calls-2004", "Calls between the participants of the Reality Mining study",
        "Students and staff of one university, 2004 to 2005 (United States)",
        "MIT Reality Mining: Eagle & Pentland, Personal and Ubiquitous Computing 10:255-268 (2006)",
        ("calls",), ("missed", "duration", "hours", "weekdays"),
        (*_OPEN, _CLOSED, "Incoming calls are under-recorded (845 beside 2,509 outgoing ones in the whole).",
         "Of a call of no length it cannot be told whether it was answered; calls of a phone with itself are left out."),
        _reality,
    ),
    Source(
        "social_evolution", "dormitory-calls-2008", "Calls between the residents of one dormitory, Social Evolution study",
        "Students of one dormitory, six weeks of 2008 (United States)",
        "MIT Social Evolution: Madan, Cebrian, Moturu, Farrahi & Pentland, IEEE Pervasive Computing 11(4):36-45 (2012), as in goldfish",
        ("calls",), ("hours", "weekdays"),
        (*_OPEN, _CLOSED, "A small extract.", "It does not say whether a call was answered, or how long it was."),
        _social,
    ),
    Source(
        "geolife", "tracks-by-chance", "GPS tracks of GeoLife, moved so that meetings are chance",
        "People who carried a GPS logger, most of them in Beijing, 2007 to 2008",
        "Microsoft Research GeoLife 1.3: Zheng, Xie & Ma, IEEE Data Engineering Bulletin 33(2):32-39 (2010)",
        ("tracks",), ("hours", "weekdays"),
        (*_OPEN, "Contacts are other people's tracks moved by whole weeks: whatever meets, meets by chance. People who know each other meet more.",
         "Six people, days to weeks each: a check of the rules, no rate.",
         "Places are found in the owner's own track, not declared."),
        _geolife,
    ),
    Source(
        "sociopatterns_infectious", "museum-visitors-2009", "Badges of the visitors of a museum that faced each other",
        "Visitors of one exhibition, each on one day, 2009 (Ireland)",
        "SocioPatterns Infectious: Isella et al., Journal of Theoretical Biology 271:166-180 (2011)",
        ("sightings",), ("hours",),
        (*_OPEN, "One building, one day: everybody is there on purpose, and nobody can be seen at two places or on two days.",
         "Families and groups go round together: being near is expected."),
        _infectious,
    ),
)  # fmt: skip
