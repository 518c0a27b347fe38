"""The schedule of a contact: every occasion with its acts, what the owner did, and the records behind both.

The occasions are those that the indicators count: acts since the statute's commencement and, apart from them, the acts before. What is
marked unwanted, unanswered or after a notice is counted with the openings that the indicators count, so that the columns of a whole schedule
add up to the numbers of the finding.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from detector.arrays import Bools, Ints, count, opener_rows
from detector.course import CALL_TAGS, KIND, KINDS, MANNERS
from detector.findings import record_rows
from pipelines.report import words
from pipelines.report.view import US, WITNESS, View

#: occasions of a contact that are written out [P]; of more, the totals stay exact
LIMIT = 500
#: ids (neighbours folded) of one occasion that are written out [P]
IDS = 12


@dataclass(frozen=True, slots=True)
class Line:
    """One occasion."""

    number: int
    begin: str
    end: str  # empty if the occasion is one moment; the time alone on the same day
    acts: int
    device: tuple[str, ...]  # what devices recorded, by channel and direction
    stated: tuple[str, ...]  # what a person wrote down
    written: tuple[str, ...]  # when that was written down
    witness: str
    places: tuple[str, ...]
    unanswered: int  # acts
    unwanted: int
    after: int
    counted: tuple[str, ...]  # which indicators count an occasion that opens here
    owner: tuple[str, ...]  # outgoing events until the next occasion
    ids: tuple[str, ...]
    ids_more: int  # records that are not written out
    owner_ids: tuple[str, ...]
    owner_ids_more: int
    further: int  # records of other sources that witness the acts


@dataclass(frozen=True, slots=True)
class Notice:
    """A notice, at its place among the occasions."""

    at: str
    kind: str
    basis: str
    effect: str


@dataclass(frozen=True, slots=True)
class Part:
    """The occasions since the statute's commencement, or those before.

    Attributes
    ----------
    lines : list of Line or Notice
        In order of time, at most :data:`LIMIT` occasions.
    occasions, acts, unanswered, unwanted, after, outgoing, records : int
        Totals over all occasions, also over those that are not written out.
    unanswered_occasions, unwanted_occasions, after_occasions : int
        As the indicators count them.
    """

    lines: list[Line | Notice]
    occasions: int
    acts: int
    unanswered: int
    unwanted: int
    after: int
    outgoing: int
    records: int
    unanswered_occasions: int = 0
    unwanted_occasions: int = 0
    after_occasions: int = 0

    @property
    def more(self) -> int:
        """Occasions that are not written out."""
        return self.occasions - sum(isinstance(x, Line) for x in self.lines)


@dataclass(frozen=True, slots=True)
class Schedule:
    """Both parts, and the owner's outgoing events before the first occasion."""

    law: Part
    before: Part
    first_outgoing: tuple[str, ...] = field(default=())
    first_ids: tuple[str, ...] = field(default=())
    first_ids_more: int = 0


class _Maker:
    def __init__(self, view: View, contact: str) -> None:
        self.view = view
        self.c = view.course
        self.lo, self.hi = view.rows(contact)
        self.group = view.group(contact)
        s, part = view.state, slice(self.lo, self.hi)
        law = s.sets.law[part]
        act = self.c.act[part]
        self.law, self.act, self.before = law, act, act & ~law
        self.unanswered = s.answers.unanswered[part]
        self.unwanted = np.where(law, s.sets.unwanted_law[part], s.sets.unwanted_all[part] & act)
        self.after = act & s.sets.after_first[part]
        self.open_law = s.law_openers[part]
        c = self.c
        self.open_before = opener_rows(c.group[part], c.ts[part], self.before, s.window)
        self.counted = {
            "unanswered": opener_rows(c.group[part], c.ts[part], law & self.unanswered, s.window),
            "unwanted": s.unwanted_law_openers[part],
            "after": opener_rows(c.group[part], c.ts[part], s.against_will_rows[part], s.window),
        }
        # every outgoing row belongs to the occasion that was opened last before it, of whichever part
        self.opened = np.cumsum(self.open_law | self.open_before)

    def part(self, mask: Bools, openers: Bools, notices: Sequence[tuple[int, Notice]]) -> Part:
        """Make one part."""
        n = int(openers.sum())
        rows = np.flatnonzero(mask)
        number = np.cumsum(openers)[rows] - 1  # occasion of every act of the part
        at = np.flatnonzero(openers)
        nth = np.full(int(self.opened[-1]) + 1 if len(self.opened) else 1, -1, np.int64)
        nth[self.opened[at]] = np.arange(n)
        outgoing = np.flatnonzero(~self.act)
        owner_number = nth[self.opened[outgoing]] if len(outgoing) else outgoing
        outgoing, owner_number = outgoing[owner_number >= 0], owner_number[owner_number >= 0]
        shown = min(n, LIMIT)
        keep, keep_out = number < shown, owner_number < shown
        lines = self._lines(rows[keep], number[keep], outgoing[keep_out], owner_number[keep_out], at[:shown])
        local = self.view.local[self.lo : self.hi]
        last = local[at[shown]] if shown < n else None
        placed = [(int(local[at[i]]), 1, line) for i, line in enumerate(lines)]
        placed += [(when, 0, notice) for when, notice in notices if last is None or when < last]  # type: ignore[misc]
        placed.sort(key=lambda x: x[:2])
        records = int((self.c.record_to - self.c.record_from)[self.lo : self.hi][mask].sum())
        in_law = openers is self.open_law
        return Part(
            [x[2] for x in placed], n, len(rows), int(self.unanswered[rows].sum()), int(self.unwanted[rows].sum()),
            int(self.after[rows].sum()), len(outgoing), records,
            *((int(v.sum()) for v in self.counted.values()) if in_law else (0, 0, 0)),
        )  # fmt: skip

    def _sums(self, number: Ints, n: int, mask: Bools) -> list[int]:
        return [int(v) for v in count(number[mask], n)]

    def _lines(self, rows: Ints, number: Ints, outgoing: Ints, owner_number: Ints, at: Ints) -> list[Line]:
        n = len(at)
        if not n:
            return []
        v, c = self.view, self.c
        order = np.argsort(number, kind="stable")
        rows, number = rows[order], number[order]
        full = rows + self.lo
        acts = self._sums(number, n, np.ones(len(rows), np.bool_))
        edge = np.r_[0, np.cumsum(acts)]
        end = np.maximum.reduceat(v.local_end[full], edge[:-1])
        texts = self._texts(full, number, n)
        unanswered, unwanted, after = (
            self._sums(number, n, m[rows]) for m in (self.unanswered, self.unwanted, self.after)
        )
        counted = {word: self._sums(number, n, mask[rows]) for word, mask in self.counted.items()}
        first = v.first[full]
        further = np.bincount(number, weights=v.records.further[first], minlength=n).astype(np.int64).tolist()
        out_edge = np.searchsorted(owner_number, np.arange(n + 1))
        made = []
        for i in range(n):
            mine = full[edge[i] : edge[i + 1]]
            journal = mine[c.journal[mine]]
            theirs = outgoing[out_edge[i] : out_edge[i + 1]] + self.lo
            ids, more = self.ids(mine)
            owner_ids, owner_more = self.ids(theirs)
            opener = self.lo + int(at[i])
            begin, stop = int(v.local[opener]), int(end[i])
            precision = int(v.precision[opener])
            began, ends = words.reading(begin, precision), words.reading(stop, precision)
            made.append(Line(
                i + 1, began, "" if stop == begin or ends == began else ends[11:] if ends[:10] == began[:10] else ends,
                acts[i], tuple(texts[i][0]), tuple(texts[i][1]), self._written(journal), self._witness(journal), self._places(mine),
                unanswered[i], unwanted[i], after[i], tuple(w for w, sums in counted.items() if sums[i]),
                self.owner(theirs), ids, more, owner_ids, owner_more, further[i],
            ))  # fmt: skip
        return made

    def _texts(self, full: Ints, number: Ints, n: int) -> list[tuple[list[str], list[str]]]:
        """Say which acts every occasion holds: what devices recorded, and what a person wrote down."""
        c = self.c
        journal, channel, kind = c.journal[full].astype(np.int64), c.channel[full], c.kind[full]
        presence = kind == KIND["presence"]
        what = np.where(presence, 100 + c.manner[full], kind)
        answered = (kind == KIND["call"]) & c.answered[full]
        tag = np.where(answered, 9, c.call_tag[full] + 1)
        key = (((number * 2 + journal) * (len(c.channels) + 1) + channel) * 200 + what) * 10 + tag
        out: list[tuple[list[str], list[str]]] = [([], []) for _ in range(n)]
        for k, times in zip(*(v.tolist() for v in np.unique(key, return_counts=True)), strict=True):
            k, tag_ = divmod(k, 10)
            k, what_ = divmod(k, 200)
            k, channel_ = divmod(k, len(c.channels) + 1)
            i, stated = divmod(k, 2)
            one, many = words.MANNERS[MANNERS[what_ - 100]] if what_ >= 100 else words.KINDS[KINDS[what_]]
            word = one if times == 1 else many
            if tag_ == 9:
                word = f"answered {word}"
            elif tag_:
                word = f"{words.CALL_TAGS[CALL_TAGS[tag_ - 1]]} {word}"
            way = "in person" if c.channels[channel_] == "in_person" else f"{c.channels[channel_]} in"
            out[i][stated].append(f"{way}: {times} {word}")
        return out

    def owner(self, theirs: Ints) -> tuple[str, ...]:
        """Say what the owner sent: by channel, with the first time, and how much of it was reply or initiative."""
        if not len(theirs):
            return ()
        v, c, a = self.view, self.c, self.view.state.answers
        out = []
        for channel in np.unique(c.channel[theirs]).tolist():
            mine = theirs[c.channel[theirs] == channel]
            parts = [f"first {words.reading(int(v.local[mine[0]]), int(v.precision[mine[0]]))}"]
            for word, many, mask in (("reply", "replies", a.reply), ("initiative", "initiatives", a.initiative)):
                if times := int(mask[mine].sum()):
                    parts.append(f"{times} {word if times == 1 else many}")
            out.append(f"{c.channels[channel]} out: {len(mine)} ({', '.join(parts)})")
        return tuple(out)

    def ids(self, rows: Ints) -> tuple[tuple[str, ...], int]:
        """Return the ids of the records behind rows, neighbours folded, and how many records are not written out."""
        if not len(rows):
            return (), 0
        records = record_rows(self.view.scored, 0, rows)
        folded = self.view.ids.fold(records)
        if len(folded) <= IDS:
            return tuple(folded), 0
        kept = folded[:IDS]
        named = sum(_size(x) for x in kept)
        return tuple(kept), len(records) - named

    def _written(self, journal: Ints) -> tuple[str, ...]:
        r = self.view.records
        first = self.view.first[journal]
        first = first[r.has_written[first]]
        return tuple(dict.fromkeys(words.iso(int(r.written_at[i]), "m") for i in first[:3].tolist()))

    def _witness(self, journal: Ints) -> str:
        if not len(journal):
            return ""
        said = self.view.records.seen_by_others[self.view.first[journal]]
        return WITNESS[int(said.max())]

    def _places(self, mine: Ints) -> tuple[str, ...]:
        c = self.c
        at = c.place[mine]
        names = [c.place_ids[p] for p in np.unique(at[at >= 0]).tolist()]
        presence = (c.kind[mine] == KIND["presence"]) & (c.manner[mine] != MANNERS.index("tracker"))
        if bool((presence & (at < 0)).any()):
            names.append("no declared place")
        return tuple(names)


def _size(folded: str) -> int:
    """Return how many records a folded id stands for."""
    low, dash, high = folded.partition("#")[2].partition("-")
    return int(high) - int(low) + 1 if dash else 1


def _notices(view: View, contact: str) -> list[tuple[int, Notice]]:
    """Return the notices of a contact, each with its time by the case's clock."""
    out = []
    for n in view.notices(contact):
        us = int(np.datetime64(str(n["at"]).removesuffix("Z"), "us").astype(np.int64))
        local = int(view.case_clock(np.array([us]))[0])
        out.append((local, Notice(words.iso(local, "m"), words.NOTICES[n["kind"]], words.BASES[n["basis"]], effect(n))))
    return out


def effect(notice: dict[str, object]) -> str:
    """Say whether a notice of the document holds."""
    if notice["later"]:
        return "dated after the scoring date, so without effect here"
    if notice["refused"]:
        return "refused by the analyst"
    if not notice["effective"]:
        return "without effect: overtaken by the owner's own later initiatives"
    return "holds, but contested by two-way contact since" if notice["contested"] else "holds"


def schedule(view: View, contact: str) -> Schedule:
    """Make the schedule of a contact.

    Parameters
    ----------
    view : View
        The scored case.
    contact : str
        Id of the contact.
    """
    m = _Maker(view, contact)
    law_at = int(view.case_clock(np.array([view.state.valid_from]))[0])
    notices = _notices(view, contact)
    early = [n for n in notices if n[0] < law_at]
    first = np.flatnonzero(~m.act & (m.opened == 0)) + m.lo
    ids, more = m.ids(first)
    return Schedule(
        m.part(m.law, m.open_law, [n for n in notices if n[0] >= law_at]),
        m.part(m.before, m.open_before, early),
        m.owner(first), ids, more,
    )  # fmt: skip


assert US == 1_000_000  # local_end and written_at are µs, as words.iso reads them
