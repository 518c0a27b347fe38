"""Would the verdict change? Every finding recomputed under a declared set of changes (``docs/findings.md``, "robustness").

Each change gives, to the bit, what a plain scoring of the changed case gives; what it cannot touch is not computed again. Numbers of the rules share all
that stands before the stage at which they enter; those of the verdict, and the thresholds of the elements, compare what was counted once; a source, an
identifier, a clock or a radius is looked at for the contacts that have rows there, many changes in one call.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from functools import cached_property
from itertools import chain
from typing import Any, TypeAlias

import numpy as np

from detector import verdict as v
from detector.arrays import HOUR_US, Bools, Ints
from detector.conduct import encounters
from detector.course import build
from detector.elements import STATUS_NAMES, all_required, measure, status_of
from detector.indicators import Measured, all_indicators
from detector.perturbed import Change, Whole
from detector.score import Judged
from detector.state import State
from detector.statute import Element, Line, Profile

#: kinds of changes, in the declared order
KINDS = ("number", "threshold", "source", "identifier", "journal", "clock", "radius", "hypothesis")
#: verdicts from the weakest to the strongest, for ``weakest`` and ``strongest``
STRENGTH = ("insufficient", "service", "none", "reciprocal", "isolated", "emerging", "systematic")
#: one step of a threshold, by the unit of what it is compared with; everything else is counted, and its step is 1 [P]
STEPS = {"s": 86_400, "‰": 10, "visits in ‰": 10, "yes or no": 0}
#: contacts that a number can touch, where that is not everybody with rows; by name, then by stage
_TOUCHES = {
    "reply_window_s": "outgoing", "initiative_silence_s": "outgoing", "conversation_min_s": "answered", "notice_margin_s": "notice",
    "habit_weeks": "exempt", "tracking_places": "presence", "spot_m": "spots", "coverage_open_share": "empty",
    "visit_pause_s": "pauses", "visit_accuracy_m": "located", "visit_bar": "device",
    "encounter_m": "tracks", "encounter_s": "tracks", "encounter_accuracy_m": "tracks",
}  # fmt: skip
_STAGE_TOUCHES = {"notices": "notice"}
#: indicators that look at other contacts of the case: where a verdict rests on one, no contact is looked at alone
OF_CASE = frozenset({"rate_ratio_permille", "new_line"})
#: rows of excerpts that are scored in one call
_ROWS = 400_000
_RULES = {
    v.SERVICE: "a service (rule 1)", v.NO_COVERAGE: "sources that leave most of the time open (rule 2)", v.NO_ACT: "no act at all (rule 2)",
    v.NO_ACT_IN_LAW: "no act since the commencement (rule 2)", v.ALL_MET: "every required element met (rule 3)",
    v.WAITING: "repeated waiting, following, entering or an attributed tracker (rule 4)",
    v.RUN: "a strong run of unanswered acts since the owner's last sign (rule 4)", v.RECIPROCAL: "contact that goes both ways (rule 5)",
    v.AFTER_NOTICE: "repeated and continued after a refusal (rule 6)", v.TRACKING: "repeated tracking (rule 6)",
    v.COURSE: "a one-sided course (rule 6)", v.ISOLATED_NOTICE: "an act after a refusal (rule 7)",
    v.ISOLATED_PRESENCE: "presence, or a statement of the journal (rule 7)", v.ISOLATED_UNANSWERED: "unanswered occasions (rule 7)",
    v.NOTHING: "nothing that counts as a pattern (rule 8)",
}  # fmt: skip
_SYSTEMATIC = v.VERDICTS.index("systematic")
_RANK = np.array([STRENGTH.index(name) for name in v.VERDICTS], np.int64)


@dataclass(frozen=True, slots=True)
class Tried:
    """One change, and what it gives for the contacts that it could touch.

    Attributes
    ----------
    kind : str
        One of :data:`KINDS`.
    what : tuple
        The change itself: ``(name, value)`` of a number, ``(element, position of the line, number)`` of a threshold, ``(source,)``, ``(contact, identifier)``,
        ``()`` of the journal, ``(source or None for declared notices, µs)`` of a clock, ``(factor,)`` of the radius.
    text : str
        The same in words.
    groups : int64 array
        Numbers of the contacts among those of the case, ascending.
    verdict, reason : int64 array
        For each of them.
    status : dict of str to int64 array
        Of the elements that decide.
    """

    kind: str
    what: tuple[Any, ...]
    text: str
    groups: Ints
    verdict: Ints
    reason: Ints
    status: dict[str, Ints]


@dataclass(frozen=True, slots=True)
class _Given:
    """Verdicts and elements of some contacts."""

    verdict: Ints
    reason: Ints
    status: dict[str, Ints]

    def at(self, groups: Ints | slice) -> _Given:
        return _Given(self.verdict[groups], self.reason[groups], {k: x[groups] for k, x in self.status.items()})

    def but(self, groups: Ints, other: _Given) -> _Given:
        """Return the same with some contacts replaced."""
        out = _Given(self.verdict.copy(), self.reason.copy(), {k: x.copy() for k, x in self.status.items()})
        out.verdict[groups], out.reason[groups] = other.verdict, other.reason
        for k, x in other.status.items():
            out.status[k][groups] = x
        return out


#: kind, what, text, contacts that are marked, the change itself
_Listed: TypeAlias = tuple[str, tuple[Any, ...], str, Bools, Change]


class _Watched(dict[str, Any]):
    """Numbers that remember which of them were read."""

    def __init__(self, num: Mapping[str, Any]) -> None:
        super().__init__(num)
        self.read: set[str] = set()

    def __getitem__(self, name: str) -> Any:
        self.read.add(name)
        return super().__getitem__(name)


def _differing(a: Any, b: Any, group: Ints, n_groups: int, names: Iterable[str]) -> Bools:
    """Mark the contacts for whom two forms of the same arrays, per row or per contact, are not the same."""
    out = np.zeros(n_groups, np.bool_)
    for name in names:
        differs = getattr(a, name) != getattr(b, name)
        if len(differs) == n_groups != len(group):
            out |= differs
        elif len(differs) == len(group) != n_groups:
            out[group[differs]] = True
        else:  # as many rows as contacts: it may be either
            out |= differs
            out[group[differs]] = True
    return out


def _shown(value: Any) -> str:
    return "/".join(str(x) for x in value) if isinstance(value, tuple) else str(value)


class _Case:
    """One case of a scoring, and all that its changes share. Contacts are numbered within the case."""

    def __init__(self, judged: Judged, case: int) -> None:
        course = judged.state.course
        self.profile = judged.profile
        self.groups = np.flatnonzero(course.case == case)
        everybody = len(self.groups) == course.n_groups
        self.state = judged.state if everybody else judged.state.of(self.groups)
        self.num, self.as_of = self.state.num, self.state.as_of[case]
        self.whole = Whole(self.state.cases[case], [course.groups[g].contact_id for g in self.groups.tolist()])
        self.n = len(self.groups)
        self.deciding = [e for e in self.profile.elements if e.decides]
        self.indicators = self.profile.deciding
        none = np.zeros(0, np.bool_)
        self.measured = {
            name: Measured(m.value[self.groups], none, None if m.known is None else m.known[self.groups])
            for name, m in judged.measured.items()
            if name in self.indicators
        }
        self.tally = v.tally(self.state)
        self.base = self._given(self.tally, self.num, self._status(self.measured))
        #: the verdict rests on other contacts too: nobody is looked at alone
        self.wide = not self.indicators.isdisjoint(OF_CASE)
        self._alone: dict[bytes, State] = {}

    # -- verdicts -----------------------------------------------------------------------------------------------------

    def _status(self, measured: dict[str, Measured]) -> dict[str, Ints]:
        n = len(next(iter(measured.values())).value) if measured else self.n
        return {e.id: status_of(e, measured, n) for e in self.deciding}

    def _given(self, tally: v.Tally, num: dict[str, Any], status: dict[str, Ints]) -> _Given:
        found = v.by_rules(tally, num, all_required(self.profile, status, len(tally.any_act)))
        return _Given(found.verdict, found.reason, status)

    def _judge(self, state: State) -> _Given:
        measured = measure(state, self.indicators)
        status = {e.id: status_of(e, measured, state.course.n_groups) for e in self.deciding}
        return self._given(v.tally(state), state.num, status)

    def _tried(self, kind: str, what: tuple[Any, ...], text: str, groups: Ints, given: _Given) -> Tried:
        return Tried(kind, what, text, groups, given.verdict, given.reason, given.status)

    # -- whom a change can touch ----------------------------------------------------------------------------------------

    @cached_property
    def facts(self) -> dict[str, Bools]:
        """Contacts by what they have."""
        s, w = self.state, self.whole
        c = s.course
        device = w.has(None, w.device)
        tracks = np.asarray(device & w.hers.any(), np.bool_)
        found: dict[str, Any] = {
            "rows": s.count(np.ones(len(c.group), np.bool_)) > 0, "outgoing": s.any(~c.act), "answered": s.any(s.answers.answered_call),
            "notice": (c.notices.row >= 0).any(axis=1), "exempt": s.any(c.exempt), "presence": s.any(c.presence),
            "spots": s.any(encounters(c)) | tracks, "empty": ~self.tally.any_law, "pauses": device | w.has(None, w.tracker),
            "located": w.has(None, w.located), "device": device, "tracks": tracks,
        }  # fmt: skip
        return {name: np.asarray(mark, np.bool_) for name, mark in found.items()}

    @cached_property
    def reads(self) -> dict[str, frozenset[str]]:
        """Numbers that each indicator reads by itself, beside those that made what it reads."""
        out = {}
        for name in self.indicators:
            num = _Watched(self.num)
            state = self.state.under(num, "verdict")
            num.read.clear()  # what the state itself reads is the length of an occasion
            all_indicators()[name].compute(state)
            out[name] = frozenset(num.read)
        return out

    def _touched(self, name: str, stage: str) -> Bools:
        if any(name in read for read in self.reads.values()):
            return self.facts["rows"]
        return self.facts[_TOUCHES.get(name, _STAGE_TOUCHES.get(stage, "rows"))]

    # -- numbers and thresholds -----------------------------------------------------------------------------------------

    def numbers(self) -> Iterator[Tried]:
        """Put each other value of every number of the rules in its place."""
        for name, p in self.profile.parameters.items():
            for value in p.tries:
                if value == self.num[name]:
                    continue
                at = np.flatnonzero(self._touched(name, p.stage))
                if len(at):
                    given = self._number({**self.num, name: value}, name, p.stage, at)
                    yield self._tried("number", (name, value), f"{name} = {_shown(value)}", at, given)

    def _number(self, num: dict[str, Any], name: str, stage: str, at: Ints) -> _Given:
        own = frozenset(i for i, read in self.reads.items() if name in read)
        if stage == "verdict":
            measured = {**self.measured, **measure(self.state.under(num, stage), own)} if own else self.measured
            return self._given(self.tally, num, self._status(measured) if own else self.base.status).at(at)
        if stage == "course":
            return next(self._again([(at, Change())], num))
        alone = self._of(at)
        new = alone.under(num, stage)
        if name == "occasion_window_s" or own:
            return self._back(self._judge(new), at)
        c = alone.course
        if stage == "notices":  # who says no more or less than before is judged as before
            changed = np.zeros(c.n_groups, np.bool_)
            for a, b in zip(alone.notices, new.notices, strict=True):
                changed |= _differing(a, b, c.group[:0], c.n_groups, ("end_effective", "end_contested"))
        else:
            a, b = getattr(alone, stage), getattr(new, stage)
            changed = _differing(a, b, c.group, c.n_groups, (f.name for f in fields(a)))
        few = np.flatnonzero(changed)
        if self.wide or 2 * len(few) > c.n_groups:
            return self._back(self._judge(new), at)
        before = self._back(self.base, at) if self.wide else self.base.at(at)
        return before.but(few, self._judge(new.of(few))) if len(few) else before

    def _of(self, at: Ints) -> State:
        """Return the state of some contacts alone, of all where nobody is looked at alone."""
        if self.wide or len(at) == self.n:
            return self.state
        key = at.tobytes()
        if key not in self._alone:
            self._alone[key] = self.state.of(at)
        return self._alone[key]

    def _back(self, given: _Given, at: Ints) -> _Given:
        """Return what was given to the contacts asked for, out of all where nobody is looked at alone."""
        return given.at(at) if self.wide else given

    def thresholds(self) -> Iterator[Tried]:
        """Move each threshold of the elements that decide one step down and up."""
        at = np.arange(self.n)
        for e in self.deciding if self.n else ():
            for k, number in _steps(e):
                line = e.lines[k]
                moved = replace(e, lines=(*e.lines[:k], replace(line, number=number), *e.lines[k + 1 :]))
                status = {**self.base.status, e.id: status_of(moved, self.measured, self.n)}
                given = self._given(self.tally, self.num, status)
                yield self._tried("threshold", (e.id, k, number), _threshold_text(e, line, number), at, given)

    # -- rows left out and moved ------------------------------------------------------------------------------------------

    def _again(self, changes: Iterable[tuple[Ints, Change]], num: dict[str, Any] | None = None) -> Iterator[_Given]:
        """Score some contacts again after each of several changes."""
        numbers = self.num if num is None else num
        batch: list[tuple[Ints, Any, tuple[bool, bool, bool]]] = []
        rows = 0
        for groups, change in changes:
            case = self.whole.excerpt(np.arange(self.n) if self.wide else groups, change)
            batch.append((groups, case, self.whole.showing(change)))
            rows += len(case.events) + len(case.positions)
            if rows >= _ROWS:
                yield from self._scored(batch, numbers)
                batch, rows = [], 0
        if batch:
            yield from self._scored(batch, numbers)

    def _scored(self, batch: list[tuple[Ints, Any, tuple[bool, bool, bool]]], num: dict[str, Any]) -> Iterator[_Given]:
        cases, ends = [case for _, case, _ in batch], [self.as_of] * len(batch)
        course = build(cases, ends, num, [shown for _, _, shown in batch])
        given = self._judge(State(cases, num, self.state.valid_from, ends, course))
        begin = 0
        for groups, _, _ in batch:
            size = self.n if self.wide else len(groups)
            yield self._back(given.at(slice(begin, begin + size)), groups)
            begin += size

    def _changes(self, listed: Iterable[_Listed]) -> Iterator[Tried]:
        """Try changes of rows, each for the contacts that are marked."""
        told: list[tuple[str, tuple[Any, ...], str, Ints]] = []

        def wanted() -> Iterator[tuple[Ints, Change]]:
            for kind, what, text, mark, change in listed:  # masks over all rows: never all of them at once
                at = np.flatnonzero(mark)
                if len(at):
                    told.append((kind, what, text, at))
                    yield at, change

        for k, found in enumerate(self._again(wanted())):
            yield self._tried(*told[k], found)

    def _rows_of(self, source: int) -> tuple[Bools, Bools, Bools, Bools]:
        """Return events, positions and notices of a source, and the contacts that it can touch."""
        w = self.whole
        events, positions = w.events.source == source, w.positions.source == source
        notices = w.with_record_in(events)
        touched = w.has(events, positions)  # a notice on record is the record's contact's
        if (positions & w.hers).any():
            touched = touched | self.facts["tracks"]
        return events, positions, notices, touched

    def sources(self) -> Iterator[Tried]:
        """Leave out each source, as if it had never been read."""
        return self._changes(self._left_out())

    def _left_out(self) -> Iterator[_Listed]:
        w = self.whole
        covers = w.case.coverage["source_id"].to_pylist()
        for number, source in enumerate(w.sources):
            events, positions, _, touched = self._rows_of(number)
            change = Change(
                no_event=events, no_position=positions, no_coverage=np.array([s == source for s in covers], np.bool_)
            )
            yield "source", (source,), f"source {source} left out", touched, change

    def identifiers(self) -> Iterator[Tried]:
        """Leave out each identifier of the contacts with two or more."""
        mine = {
            g: self.whole.used(g) for g in range(self.n) if len(self.whole.used(g)) and len(self.whole.listed(g)) > 1
        }
        mine = {g: [i for i in used if not i.startswith("label:")] for g, used in mine.items()}
        rounds = [
            {g: used[k] for g, used in mine.items() if len(used) > k} for k in range(max(map(len, mine.values()), default=0))
        ]  # fmt: skip
        changes = [self._unnamed(r) for r in rounds]
        if self.wide or any(self.whole.showing(x) != self.whole.showing(Change()) for x in changes):
            rounds = [{g: i} for r in rounds for g, i in r.items()]  # together they would hide what each alone does not
            changes = [self._unnamed(r) for r in rounds]
        given = self._again((np.array(sorted(r), np.int64), change) for r, change in zip(rounds, changes, strict=True))
        found = {}
        for r, of_round in zip(rounds, given, strict=True):
            for k, g in enumerate(sorted(r)):
                found[g, r[g]] = of_round.at(slice(k, k + 1))
        for (g, name), one in sorted(found.items(), key=lambda x: x[0]):
            what = (self.whole.contacts[g], name)
            yield self._tried("identifier", what, f"identifier {name} left out", np.array([g], np.int64), one)

    def _unnamed(self, taken: dict[int, str]) -> Change:
        """Return the change that leaves out one identifier of each of several contacts."""
        w = self.whole
        gone = np.full(self.n + 1, -2, np.int64)
        for g, name in taken.items():
            gone[g] = w.identifier_number[name]
        events, positions = (t.identifier == gone[t.contact] for t in (w.events, w.positions))
        return Change(no_event=events, no_position=positions, unlisted=taken)

    def journal(self) -> Iterator[Tried]:
        """Leave out what only the journal says."""
        w = self.whole
        channels, names = w.coverage_channel
        covers = np.array([n == "journal" for n in names] + [False], np.bool_)[channels]
        change = Change(
            no_event=w.events.journal, no_position=w.positions.journal, no_notice=w.notice_journal, no_coverage=covers
        )
        touched = w.has(w.events.journal, w.positions.journal) | w.noticed(w.notice_journal)
        return self._changes([("journal", (), "journal left out", touched, change)])

    def clocks(self) -> Iterator[Tried]:
        """Move the clock of each source, and the declared notices, an hour earlier and later."""
        return self._changes(self._moved())

    def _moved(self) -> Iterator[_Listed]:
        w = self.whole
        for number, source in enumerate(w.sources):
            events, positions, notices, touched = self._rows_of(number)
            for word, by in (("earlier", -HOUR_US), ("later", HOUR_US)):
                change = Change(move_event=events, move_position=positions, move_notice=notices, by=by)
                yield "clock", (source, by), f"clock of source {source} one hour {word}", touched, change
        for word, by in (("earlier", -HOUR_US), ("later", HOUR_US)):
            change = Change(move_notice=w.notice_declared, by=by)
            yield "clock", (None, by), f"declared notices one hour {word}", w.noticed(w.notice_declared), change

    def radii(self) -> Iterator[Tried]:
        """Halve and double the radius of every place."""
        w = self.whole
        touched = w.has(None, w.device | w.located) & bool(len(w.case.places))
        listed: list[_Listed] = [
            ("radius", (factor,), f"radius of every place {word}", touched, Change(radius=factor))
            for word, factor in (("halved", 0.5), ("doubled", 2.0))
        ]
        return self._changes(listed)

    def all(self) -> Iterator[Tried]:
        """Try everything, in the declared order."""
        return chain(
            self.numbers(),
            self.thresholds(),
            self.sources(),
            self.identifiers(),
            self.journal(),
            self.clocks(),
            self.radii(),
        )

    # -- in words -----------------------------------------------------------------------------------------------------------

    def why(self, t: Tried, k: int) -> str:
        """Say why the k-th contact of a change has another verdict."""
        g, now = int(t.groups[k]), {name: int(x[k]) for name, x in t.status.items()}
        before = {name: int(x[g]) for name, x in self.base.status.items()}
        changed = _changed(before, now) if _SYSTEMATIC in (int(self.base.verdict[g]), int(t.verdict[k])) else ""
        return changed or f"{_RULES[int(t.reason[k])]} instead of {_RULES[int(self.base.reason[g])]}"


def _steps(e: Element) -> Iterator[tuple[int, int]]:
    """Yield (position of the line, number) of every threshold of an element, one step down and up."""
    for k, line in enumerate(e.lines):
        step = STEPS.get(all_indicators()[line.indicator].unit, 1) if line.comparison else 0
        if step:
            yield k, line.number - step
            yield k, line.number + step


def _threshold_text(e: Element, line: Line, number: int) -> str:
    return f"{e.id}: {line.indicator} {line.comparison} {number}"


def _changed(before: Mapping[str, int], now: Mapping[str, int]) -> str:
    """Return which elements have another status, in words."""
    return "; ".join(
        f"{name}: {STATUS_NAMES[before[name]]} → {STATUS_NAMES[x]}" for name, x in now.items() if x != before[name]
    )


def perturbations(judged: Judged, case: int = 0) -> Iterator[Tried]:
    """Yield every change of the declared set that can touch a contact of a case, hypotheses left out, with what it gives.

    Parameters
    ----------
    judged : Judged
        The scoring as it is.
    case : int
        Number of the case in it.
    """
    return _Case(judged, case).all()


def robustness(judged: Judged, case: int = 0,
               extra: Mapping[str, Sequence[Mapping[str, Any]]] | None = None) -> dict[str, dict[str, Any]]:  # fmt: skip
    """Recompute each finding of a case under the declared set of changes.

    Parameters
    ----------
    judged : Judged
        The scoring as it is.
    case : int
        Number of the case in it.
    extra : mapping of contact id to sequence of mappings, optional
        Further changes that were scored elsewhere: ``change``, ``verdict``, ``why`` (see :func:`of_hypotheses`).

    Returns
    -------
    dict
        By contact id: ``stable``, ``tested`` (changes that could touch the contact), ``by_kind`` (kind to [tested, flips]), ``weakest`` and
        ``strongest`` verdict (the finding's own included), ``flips`` (``kind``, ``change``, ``verdict``, ``why``) in the declared order.
    """
    whole = _Case(judged, case)
    base = whole.base.verdict
    tested = {kind: np.zeros(whole.n, np.int64) for kind in KINDS}
    low, high = _RANK[base].copy(), _RANK[base].copy()
    flips: list[list[dict[str, Any]]] = [[] for _ in range(whole.n)]
    for t in whole.all():
        tested[t.kind][t.groups] += 1
        low[t.groups] = np.minimum(low[t.groups], _RANK[t.verdict])
        high[t.groups] = np.maximum(high[t.groups], _RANK[t.verdict])
        for k in np.flatnonzero(t.verdict != base[t.groups]).tolist():
            flip = {"kind": t.kind, "change": t.text, "verdict": v.VERDICTS[int(t.verdict[k])], "why": whole.why(t, k)}
            flips[int(t.groups[k])].append(flip)
    out = {}
    for g, contact in enumerate(whole.whole.contacts):
        for x in (extra or {}).get(contact, ()):
            tested["hypothesis"][g] += 1
            rank = STRENGTH.index(x["verdict"])
            low[g], high[g] = min(low[g], rank), max(high[g], rank)
            if x["verdict"] != v.VERDICTS[int(base[g])]:
                flips[g].append({"kind": "hypothesis", **{name: x[name] for name in ("change", "verdict", "why")}})
        counts = {kind: [int(n[g]), sum(f["kind"] == kind for f in flips[g])] for kind, n in tested.items() if n[g]}
        out[contact] = {
            "stable": not flips[g] if counts else None, "tested": sum(n for n, _ in counts.values()), "by_kind": counts,
            "weakest": STRENGTH[int(low[g])], "strongest": STRENGTH[int(high[g])], "flips": flips[g],
        }  # fmt: skip
    return out


def of_hypotheses(
    judged: Judged, hypotheses: Mapping[str, Sequence[Mapping[str, Any]]], case: int = 0
) -> dict[str, list[dict[str, Any]]]:
    """Return the hypotheses of a case (:func:`detector.hypotheses.case_hypotheses`) as changes for :func:`robustness`: each on, the finding being without."""
    out: dict[str, list[dict[str, Any]]] = {}
    for g, group in enumerate(judged.state.course.groups):
        if group.case != case:
            continue
        before = {e.id: int(judged.elements.status[e.id][g]) for e in judged.profile.elements if e.decides}
        base = v.VERDICTS[int(judged.verdicts.verdict[g])]
        for entry in hypotheses.get(group.contact_id, ()):
            if "with" not in entry:
                continue
            given = entry["with"]
            now = {e["id"]: STATUS_NAMES.index(e["status"]) for e in given["elements"] if e["id"] in before}
            changed = _changed(before, now) if "systematic" in (base, given["verdict"]) else ""
            who = entry.get("together") or [entry["contact_id"]]
            out.setdefault(group.contact_id, []).append({
                "change": f"{' and '.join(who)} taken for the same person", "verdict": given["verdict"], "why": changed or given["reason"],
            })  # fmt: skip
    return out


def declared_set(profile: Profile) -> list[dict[str, Any]]:
    """Return what robustness tries under a profile, kind by kind, in words and values, and what it leaves as it is."""
    numbers = [f"{name} = {_shown(x)}" for name, p in profile.parameters.items() for x in p.tries if x != p.value]
    moved = [_threshold_text(e, e.lines[k], n) for e in profile.elements if e.decides for k, n in _steps(e)]
    fixed = [name for name, p in profile.parameters.items() if not p.tries]
    said: dict[str, tuple[str, list[str]]] = {
        "number": ("every number of the rules, one at a time, in the stages before the verdict and in the verdict", numbers),
        "threshold": ("every threshold of the elements that decide, one step down and up: 1 of what is counted, a day, 10 ‰", moved),
        "source": ("each source left out, as if it had never been read, for the contacts with rows there; other records of the same events take their place", []),
        "identifier": ("each identifier left out, for contacts with two or more", []),
        "journal": ("everything left out that only the journal says", []),
        "clock": ("the clock of each source one hour earlier and later; the declared notices one hour earlier and later", []),
        "radius": ("the radius of every place halved and doubled", []),
        "hypothesis": ("each hypothesis that contacts are the same person taken as true, and all of one contact at once", []),
        "not varied": ("numbers that are measured and enter no verdict; points; roles; the positions of places; two changes at once; the effect of a source on "
                       "contacts without rows in it", fixed),
    }  # fmt: skip
    return [{"kind": kind, "what": what, "values": values} for kind, (what, values) in said.items()]
