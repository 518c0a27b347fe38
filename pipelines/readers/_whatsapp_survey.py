"""The first pass over a WhatsApp text export: what must be known of the whole file before a row can be written.

Nothing is kept per line. Evidence is gathered per *style* of header (layout, date separator, place of the year), because a
chat that somebody pasted into a message has lines of its own, and only the style of the whole file is the app's.

**Lines out of order.** A pasted chat in the file's own style is told by time: its lines go back by more than a day and the
file then returns to where it was. Such a run of at most :data:`RUN_LINES` lines is continuation text. It is not if the file
never returns (old lines at the end), if the run is longer (two exports put together), or if more than a fifth of all
lines would go that way: then the file as a whole is not in order, and every header line counts.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import BinaryIO, Final

import numpy as np
import pyarrow as pa

from pipelines.readers import _whatsapp_lines as wl
from pipelines.readers import _whatsapp_phrases as wp
from pipelines.readers.base import APPLE_EPOCH_US, PLAUSIBLE_FROM_US, PLAUSIBLE_TO_US, Unreadable, Waiting

DAY_US: Final = 86_400_000_000
#: share of header-like lines that must fit one style; below it the others are rejected, not taken for text [P]
STYLE_SHARE: Final = 0.99
#: longest run of pasted lines, largest share of lines in such runs, most runs [P]
RUN_LINES, RUN_SHARE, MOST_RUNS = 100, 0.2, 10_000
#: more names than any group has members (1,024), those who left and changed included [P]
MOST_SENDERS: Final = 50_000
#: a sender is shorter, in bytes: a contact's name or a group's subject of 100 characters, and marks [P]
SENDER_BYTES: Final = 420
#: two-digit years of the Buddhist era that can be years of WhatsApp (2552 is 2009)
_BUDDHIST: Final = (52, 77)
_BUDDHIST_OFFSET: Final = 543

_FILE_DATE: Final = re.compile(
    rb"(?:IMG|VID|PTT|AUD|STK|DOC)-(\d{4})(\d\d)(\d\d)-WA\d|\d{6}-(?:PHOTO|VIDEO|AUDIO|STICKER)-(\d{4})-(\d\d)-(\d\d)-"
)


def readings(found: wl.Headers, order: str, *, buddhist_short: bool) -> tuple[wl.Ints, wl.Bools]:
    """Return the times of header lines in one order of the date, and which exist.

    Parameters
    ----------
    found : Headers
        Lines of one style.
    order : str
        ``dmy``, ``mdy`` or ``ymd``.
    buddhist_short : bool
        Read two-digit years 52 to 77 as years of the Buddhist era.
    """
    first, second, third = found.f1, found.f2, found.f3
    if order == "ymd":
        year, month, day = first, second, third
    elif order == "mdy":
        month, day, year = first, second, third
    else:
        day, month, year = first, second, third
    if buddhist_short:
        low, high = _BUDDHIST
        era = np.where((year >= low) & (year <= high), 2500 - _BUDDHIST_OFFSET, 2000)
    else:
        era = np.full(len(year), 2000, np.int64)
    year = np.where(found.short_year, year + era, year)
    thai = (year >= 2552) & (year <= 2577)
    year = np.where(thai, year - _BUDDHIST_OFFSET, year)
    return wl.to_us(year, month, day, wl.to_24h(found.hour, found.half), found.minute, found.second)


def plausible(us: wl.Ints) -> wl.Bools:
    """Return which readings a phone can mean (see :func:`pipelines.readers.base.implausible_time`)."""
    fits: wl.Bools = (us >= PLAUSIBLE_FROM_US) & (us < PLAUSIBLE_TO_US) & (us != APPLE_EPOCH_US)
    return fits


class Sequence:
    """How the times of one style run in one reading of the date."""

    def __init__(self) -> None:
        self.lines = 0
        self.bad = 0
        self.back = 0  # times that the file goes back by more than a day
        self.low: int | None = None
        self.high: int | None = None
        self.runs: list[tuple[int, int]] = []  # half-open, in header lines of the style from 0
        self.unordered = False
        self._last: int | None = None
        self._open: int | None = None  # first line of a run that is not closed
        self._before = 0

    def add(self, us: wl.Ints, ok: wl.Bools) -> None:
        """Add the next lines of the file."""
        base, self.lines = self.lines, self.lines + len(us)
        good = ok & plausible(us)
        times = us[good]
        self.bad += len(us) - len(times)
        if not len(times):
            return
        low, high = int(times.min()), int(times.max())
        self.low = low if self.low is None else min(self.low, low)
        self.high = high if self.high is None else max(self.high, high)
        if self._open is None:
            start = times[0] if self._last is None else self._last
            if not (np.diff(times, prepend=start) < -DAY_US).any():
                self._last = int(times[-1])
                return
        for time, at in zip(times.tolist(), (base + np.flatnonzero(good)).tolist(), strict=True):
            self._step(time, at)

    def _step(self, time: int, at: int) -> None:
        if self._open is None:
            if self._last is not None and time < self._last - DAY_US:
                self.back += 1
                self._open, self._before = at, self._last
            self._last = time
            return
        if time >= self._before - DAY_US:
            if len(self.runs) < MOST_RUNS:
                self.runs.append((self._open, at))
            else:
                self.unordered = True
            self._open = None
        elif at - self._open >= RUN_LINES:
            self._open = None
        self._last = time

    def finish(self) -> None:
        """Decide on the runs, at the end of the file."""
        if self._open is not None:
            self._open = None
        if sum(b - a for a, b in self.runs) > RUN_SHARE * self.lines:
            self.unordered = True
        if self.unordered:
            self.runs = []


@dataclass(slots=True)
class SenderCount:
    """What the lines of one sender look like."""

    lines: int = 0
    human: int = 0  # that a person must have caused: text, attachments, calls
    system: int = 0  # in a form that only WhatsApp writes
    unknown: int = 0  # with the mark of WhatsApp's lines, in no known form
    group: int = 0  # of these, such as only a group has
    encryption: bool = False


@dataclass(slots=True)
class StyleEvidence:
    """What the lines of one style say."""

    style: int
    first: int  # where the style first occurs among all header-like lines
    lines: int = 0
    first_over_12: int = 0
    second_over_12: int = 0
    differing: int = 0  # lines in which the two numbers differ
    short_years: int = 0
    buddhist_years: int = 0
    half_days: int = 0
    sequences: dict[str, Sequence] = field(default_factory=dict)
    file_dates: dict[str, int] = field(default_factory=lambda: {"dmy": 0, "mdy": 0})
    spaced: int = 0
    tight: int = 0
    senders: dict[bytes, SenderCount] = field(default_factory=dict)
    group_lines: int = 0
    opened: bool = False  # the first line was looked at


class Survey:
    """Evidence of a whole file.

    Parameters
    ----------
    no_space : bool
        Senders end with a colon and no blank.
    skip : tuple of (int, list of runs) or None
        Style and runs of lines that are pasted text: their senders are nobody of this chat.
    """

    def __init__(self, *, no_space: bool = False, skip: tuple[int, list[tuple[int, int]]] | None = None) -> None:
        self.no_space = no_space
        self.styles: dict[int, StyleEvidence] = {}
        self.header_lines = 0
        self.line_ends = 0
        self.returns = 0  # carriage returns without a line feed, counted in short files only
        self._skip_style, runs = skip if skip else (-1, [])
        self._run_begin = np.array([a for a, _ in runs], np.int64)
        self._run_end = np.array([b for _, b in runs], np.int64)
        self._seen_of_skip = 0

    def read(self, open_: Callable[[], BinaryIO]) -> Survey:
        """Read the file once."""
        with open_() as stream:
            for data in wl.blocks(stream):
                self._block(data)
        for evidence in self.styles.values():
            for sequence in evidence.sequences.values():
                sequence.finish()
        return self

    def _block(self, data: bytes) -> None:
        lines = wl.Lines(data)
        self.line_ends += len(lines.end)
        if len(lines.end) < 4:
            self.returns += data.count(b"\r") - data.count(b"\r\n")
        found, sender_end, body = scan(lines, no_space=self.no_space)
        if not len(found):
            return
        for style in np.unique(found.style).tolist():
            mine = np.flatnonzero(found.style == style)
            evidence = self.styles.get(style)
            if evidence is None:
                evidence = self.styles[style] = StyleEvidence(style, self.header_lines + int(mine[0]))
            self._dates(evidence, found.take(mine))
            if style == self._skip_style:
                at = self._seen_of_skip + np.arange(len(mine))
                self._seen_of_skip += len(mine)
                mine = mine[~in_runs(at, self._run_begin, self._run_end)]
            self._people(evidence, lines, found.take(mine), sender_end[mine], body[mine])
        self.header_lines += len(found)

    def _dates(self, e: StyleEvidence, h: wl.Headers) -> None:
        e.lines += len(h)
        e.half_days += int((h.half > 0).sum())
        if wl.style_year_first(e.style):
            orders: tuple[str, ...] = ("ymd",)
        else:
            e.first_over_12 += int(((h.f1 > 12) & (h.f1 <= 31)).sum())
            e.second_over_12 += int(((h.f2 > 12) & (h.f2 <= 31)).sum())
            e.differing += int((h.f1 != h.f2).sum())
            short = int(h.short_year.sum())
            e.short_years += short
            low, high = _BUDDHIST
            e.buddhist_years += int((h.short_year & (h.f3 >= low) & (h.f3 <= high)).sum())
            orders = ("dmy", "mdy", "ymd") if short else ("dmy", "mdy")
        for order in orders:
            us, ok = readings(h, order, buddhist_short=True)
            e.sequences.setdefault(order, Sequence()).add(us, ok)

    def _people(
        self, e: StyleEvidence, lines: wl.Lines, h: wl.Headers, sender_end: wl.Ints, body: wl.Ints
    ) -> None:  # fmt: skip
        a, data = lines.a, lines.data
        line_end = lines.end[h.line]
        named = sender_end >= 0
        e.spaced += int(named.sum())
        for i in np.flatnonzero(~named).tolist():
            begin, end = int(h.after[i]), int(line_end[i])
            if data.find(b":", begin, min(end, begin + SENDER_BYTES)) >= 0:
                e.tight += 1
            known = wp.system_line(data[begin : min(end, begin + 4000)].decode("utf-8", "replace"), trusted=True)
            if known is not None and known.group:
                e.group_lines += 1
        if not wl.style_year_first(e.style) and not (e.first_over_12 or e.second_over_12) and len(h):
            self._file_dates(e, data, h)
        rows = np.flatnonzero(named)
        opening, e.opened = not e.opened and len(h) > 0, e.opened or len(h) > 0
        if not len(rows):
            return
        marked = a[body[rows]] == wl.MARK
        values, codes = unique_slices(a, h.after[rows], sender_end[rows] - h.after[rows])
        counts = np.bincount(codes, minlength=len(values))
        human = np.bincount(codes[~marked], minlength=len(values))
        tally: list[SenderCount] = []
        for value, lines_n, human_n in zip(values, counts.tolist(), human.tolist(), strict=True):
            known_sender = e.senders.get(value)
            if known_sender is None:
                if len(e.senders) >= MOST_SENDERS:
                    raise Unreadable(f"more than {MOST_SENDERS} different senders: this is no chat")
                known_sender = e.senders[value] = SenderCount()
            known_sender.lines += lines_n
            known_sender.human += human_n
            tally.append(known_sender)
        special = np.flatnonzero(marked).tolist()
        if opening and rows[0] == 0 and not marked[0]:
            special.append(0)
        for k in special:
            i = int(rows[k])
            text = data[int(body[i]) : min(int(line_end[i]), int(body[i]) + 4000)].decode("utf-8", "replace")
            self._marked(tally[int(codes[k])], text, marked=bool(marked[k]))

    @staticmethod
    def _marked(count: SenderCount, text: str, *, marked: bool) -> None:
        line = wp.system_line(text, trusted=False)
        if not marked:  # the first line of the file: old exports write the opening line under the chat's name
            if line is not None and line.what == "encryption":
                count.human -= 1
                count.system += 1
            return
        if line is not None:
            count.system += 1
            count.encryption |= line.what == "encryption"
            count.group += line.group
        elif wp.read_body(text).known:
            count.human += 1
        else:
            count.unknown += 1
            line = wp.system_line(text, trusted=True)
            count.group += line is not None and line.group

    @staticmethod
    def _file_dates(e: StyleEvidence, data: bytes, h: wl.Headers) -> None:
        where, dates = [], []
        for match in _FILE_DATE.finditer(data):
            year, month, day = (int(x) for x in (match.groups()[:3] if match[1] else match.groups()[3:]))
            where.append(match.start())
            dates.append((year, month, day))
        if not where:
            return
        at = np.searchsorted(h.after, where, side="right") - 1
        for i, (year, month, day) in zip(at.tolist(), dates, strict=True):
            if i < 0 or h.f3[i] % 100 != year % 100 or h.f1[i] == h.f2[i]:
                continue
            written = (int(h.f1[i]), int(h.f2[i]))
            if written == (day, month):
                e.file_dates["dmy"] += 1
            elif written == (month, day):
                e.file_dates["mdy"] += 1


def scan(lines: wl.Lines, *, no_space: bool) -> tuple[wl.Headers, wl.Ints, wl.Ints]:
    """Return the header-like lines of a block with the ends of their senders and the begins of their bodies."""
    found = wl.headers(lines)
    sender_end, body = wl.split_senders(lines, found, no_space=no_space, most=SENDER_BYTES)
    loose = (found.style >= wl.COLON * 8) & (sender_end < 0)
    if loose.any():  # without bracket or dash, a date and a time make a header only before a sender
        keep = ~loose
        return found.take(keep), sender_end[keep], body[keep]
    return found, sender_end, body


def unique_slices(a: wl.Bytes, begin: wl.Ints, length: wl.Ints) -> tuple[list[bytes], wl.Ints]:
    """Return the different values of slices of a block, in order of appearance, and the number of the value of each slice."""
    data, offsets = wl.ragged(a, begin, length)
    slices = pa.BinaryArray.from_buffers(pa.binary(), len(begin), [None, pa.py_buffer(offsets), pa.py_buffer(data)])
    coded = slices.dictionary_encode()
    codes: wl.Ints = coded.indices.to_numpy().astype(np.int64)
    return coded.dictionary.to_pylist(), codes


def in_runs(at: wl.Ints, begin: wl.Ints, end: wl.Ints) -> wl.Bools:
    """Return which positions lie in one of some half-open, sorted runs."""
    if not len(begin):
        return np.zeros(len(at), np.bool_)
    k = np.searchsorted(begin, at, side="right") - 1
    inside: wl.Bools = (k >= 0) & (at < end[np.maximum(k, 0)])
    return inside


@dataclass(frozen=True, slots=True)
class Plan:
    """How the second pass reads the file."""

    evidence: StyleEvidence
    order: str
    order_basis: str
    mixed: bool
    other_lines: int
    no_space: bool
    buddhist_short: bool
    sequence: Sequence


def make_plan(open_: Callable[[], BinaryIO], entry_us: int | None, option: str | None) -> Plan:
    """Read the file once (at most three times) and decide how it is to be read.

    Parameters
    ----------
    open_ : callable
        Gives a fresh stream of the file.
    entry_us : int or None
        Time of the archive's entry, local clock, µs.
    option : str or None
        ``date_order`` of ``case.toml``.

    Raises
    ------
    Waiting
        Day and month cannot be told apart.
    Unreadable
        No line begins with a header of WhatsApp.
    """
    if option is not None and option not in ("dmy", "mdy", "ymd"):
        raise Waiting("the option date_order must be dmy, mdy or ymd", 'date_order = "dmy"  # or "mdy"')
    survey = Survey().read(open_)
    evidence = _main_style(survey)
    if evidence.tight > evidence.spaced and wl.style_layout(evidence.style) == wl.BRACKET:
        survey = Survey(no_space=True).read(open_)
        evidence = _main_style(survey)
    order, basis = _order(evidence, entry_us, option)
    sequence = evidence.sequences[order]
    if sequence.runs:
        survey = Survey(no_space=survey.no_space, skip=(evidence.style, sequence.runs)).read(open_)
        evidence = survey.styles[evidence.style]
        sequence = evidence.sequences[order]
    share = evidence.lines / survey.header_lines
    buddhist = evidence.short_years > 0 and evidence.buddhist_years >= STYLE_SHARE * evidence.short_years
    return Plan(
        evidence, order, basis, share < STYLE_SHARE, survey.header_lines - evidence.lines, survey.no_space, buddhist, sequence
    )  # fmt: skip


def _main_style(survey: Survey) -> StyleEvidence:
    if survey.line_ends <= 1 and survey.returns:
        raise Unreadable("lines end with a carriage return alone: WhatsApp writes no such file", "line:1")
    if not survey.styles:
        raise Unreadable("no line begins with a header of WhatsApp", "line:1")
    return min(survey.styles.values(), key=lambda e: (-e.lines, e.first))


def _order(e: StyleEvidence, entry_us: int | None, option: str | None) -> tuple[str, str]:
    """Decide on day and month, in the order of the evidence: see the reader's description."""
    if wl.style_year_first(e.style):
        return "ymd", "the year stands first"
    if option is not None:
        if option not in e.sequences:
            raise Waiting(
                "the year stands last in this file: date_order must be dmy or mdy", 'date_order = "dmy"  # or "mdy"'
            )
        return option, "option date_order"
    ask = Waiting(_ask(e), 'date_order = "dmy"  # or "mdy"')
    dmy, mdy = e.sequences["dmy"], e.sequences["mdy"]
    year_first = e.sequences.get("ymd")
    day_first, month_first = e.first_over_12, e.second_over_12
    decided: tuple[str, str] | None = None
    if day_first or month_first:
        if day_first >= STYLE_SHARE * (day_first + month_first):
            decided = "dmy", "the first number goes over 12"
        elif month_first >= STYLE_SHARE * (day_first + month_first):
            decided = "mdy", "the second number goes over 12"
        else:
            raise ask
        # two-digit dates such as 18/01/29 would fit "day first" too: only a run in order can tell
        if year_first is not None and not year_first.bad and not year_first.back and e.sequences[decided[0]].back:
            raise ask
        return decided
    named_dmy, named_mdy = e.file_dates["dmy"], e.file_dates["mdy"]
    if bool(named_dmy) != bool(named_mdy):
        return ("dmy" if named_dmy else "mdy"), "dates in the names of attachments"
    if bool(dmy.back) != bool(mdy.back):
        return ("mdy" if dmy.back else "dmy"), "the other order goes back in time"
    if entry_us is not None and dmy.high is not None and mdy.high is not None:
        late_dmy, late_mdy = dmy.high > entry_us + DAY_US, mdy.high > entry_us + DAY_US
        if late_dmy != late_mdy:
            return ("mdy" if late_dmy else "dmy"), "the other order puts messages after the date of the archive's entry"
    if wl.style_separator(e.style) == ".":
        return "dmy", "dates with full stops have the day first in every locale"
    if not e.differing:
        return "dmy", "day and month are the same number in every line"
    raise ask


def _ask(e: StyleEvidence) -> str:
    hint = ""
    if e.half_days and wl.style_separator(e.style) == "/":
        hint = "; a 12-hour clock with slashes is usual in the United States (month first), which proves nothing"
    return "the file does not tell whether the day or the month stands first in its dates" + hint
