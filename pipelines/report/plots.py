"""The plots of report and notebook: one function for each, data in, a matplotlib figure out.

Everything is drawn in inches on the bare figure, without matplotlib's axes: the layout is then the same with every version and
every setting of the user, marks that fall on the same point are drawn once, and a figure costs some hundredths of a second
however many acts there are. What is drawn comes from the scored arrays, the tables and the findings; nothing is measured again.

Colours are those of Okabe and Ito (safe for colour-blind eyes); no colour carries a meaning that a word, a lane or a hatching does
not carry too, so that a grey print says the same.
"""

from __future__ import annotations

import io
import math
import re
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, cast

import matplotlib
import numpy as np
from lxml import etree
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.lines import Line2D
from matplotlib.patches import Circle, PathPatch, Rectangle
from matplotlib.path import Path
from numpy.typing import NDArray

from detector.arrays import Ints
from detector.columns import coded, flags, floats, numbers, valid
from detector.course import KIND, MANNERS
from detector.findings import record_rows
from detector.schema import CHANNELS, POSITION_KINDS
from pipelines.report.view import DAY_US, View, shown_text

Floats = NDArray[np.float64]

TIMELINE_CAPTION = (
    "Every mark is one event at its time by the owner's clock; events too close to be told apart share a mark, and "
    "the number at the end of a lane counts them all. Above the line: acts of the contact, one lane for "
    "each channel; what a person wrote down has lanes of its own (“stated”). Below the line: messages and calls "
    "of the owner to the contact and, as small circles, calls of the contact that the owner answered. Vertical "
    "lines: notices (solid where they hold, dashed where they are without effect) and the statute's commencement. "
    "Hatched: no source in the case covers that lane at that time, so an empty stretch there says nothing; an "
    "unhatched stretch runs from the first to the last record of a source and can still hold gaps. The plot does "
    "not show what was said, nor how serious a single act was."
)
HOUR_WEEKDAY_CAPTION = (
    "Number of acts of the contact since the statute's commencement by weekday and hour of the owner's clock; all "
    "weeks are added up, so the map shows no change over time. An empty field means that no act is on file, not "
    "that there was none. Acts whose time is known only to a part of a day or a day are left out. The map counts "
    "acts, not occasions, and says nothing of the hours at which the owner could be reached."
)
PLACES_CAPTION = (
    "Grey discs: the owner's declared places, to scale. Marks: where acts of presence and other positions of the "
    "contact lie (filled: recorded by a device; hollow: stated by a person), each with the circle of its stated "
    "error where one is known. A number beside a place counts the acts of presence there, also those without "
    "coordinates; an attributed tracker is where the owner is, so its episodes count at no place. There is no "
    "base map; north is up, and distances hold in both directions. Being at the same place does not show that two "
    "people met, and an error circle does not mean that the position lies at its centre."
)
COMPARISON_CAPTION = (
    "Occasions of every contact since the statute's commencement on one scale; the dark part are the unwanted "
    "ones as the rules count them. The figure behind a bar adds the events that the owner sent to that contact. "
    "The length of a bar is no verdict: a busy friend or a service can have a longer one."
)

FONT = "DejaVu Sans"
WIDTH_IN = 9.0
#: contacts that the comparison draws; the table of all contacts stands beside it [P]
COMPARED = 20
#: marks closer than this (inches) to their neighbour on a lane are drawn as one
_STEP_IN = 1 / 144
_INK, _SOFT, _LINE = "#1a1a1a", "#5c5c5c", "#bdbdbd"
_COLOURS = {
    "phone": "#0072B2", "sms": "#D55E00", "mms": "#B0432E", "whatsapp": "#00745A", "telegram": "#3477AC",
    "email": "#8A6100", "in_person": "#8F3F73", "journal": "#8F3F73",
}  # fmt: skip
_OTHER_COLOUR = "#444444"
_RAMP = ("#E3EDF6", "#B3CDE3", "#6FA3CC", "#2F6FA8", "#0B3C6B")
_WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_EPOCH = date(1970, 1, 1)
#: families of settings that touch what is drawn here: they are taken as matplotlib ships them, not as the user has them
_FAMILIES = ("lines.", "patch.", "path.", "svg.", "text.", "hatch.", "font.", "figure.", "savefig.")
_RC: dict[str, Any] = {
    **{k: v for k, v in matplotlib.rcParamsDefault.items() if k.startswith(_FAMILIES)},
    "svg.fonttype": "none", "svg.hashsalt": "qorgan", "path.simplify": False, "text.parse_math": False,
    "hatch.linewidth": 0.5, "patch.linewidth": 0.5, "font.family": [FONT],
}  # fmt: skip
_set = False  # whether they hold at this moment


@contextmanager
def settings() -> Iterator[None]:
    """Draw with our settings, whatever the user's are; names in scripts that the font has not are no reason to warn.

    Where they hold already nothing is set again: a report enters them once for all its plots.
    """
    global _set
    if _set:
        yield
        return
    with matplotlib.rc_context(cast("Any", _RC)), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing")
        _set = True
        try:
            yield
        finally:
            _set = False


# -- drawing in inches ----------------------------------------------------------------------------------------------


class _Sheet:
    """A figure on which one draws in inches from the lower left corner."""

    def __init__(self, height: float, title: str) -> None:
        self.figure = Figure(figsize=(WIDTH_IN, height), facecolor="white", edgecolor="none", layout=None)
        FigureCanvasAgg(self.figure)
        self.figure.set_label(title)
        self.height = height

    def _add(self, artist: Any, z: float) -> None:
        artist.set_transform(self.figure.dpi_scale_trans)
        artist.set_zorder(z)
        self.figure.add_artist(artist)

    def text(self, x: float, y: float, text: str, *, size: float = 8, ha: str = "left", va: str = "baseline",
             colour: str = _INK, weight: str = "normal", z: float = 9) -> None:  # fmt: skip
        """Write a text that is never read as a formula."""
        font = FontProperties(family=FONT, size=size, weight=weight)
        self.figure.text(x, y, text, ha=ha, va=va, color=colour, fontproperties=font, zorder=z, parse_math=False,
                         transform=self.figure.dpi_scale_trans)  # fmt: skip

    def line(self, xs: Sequence[float], ys: Sequence[float], *, colour: str = _INK, width: float = 0.8, style: str = "-",
             z: float = 3) -> None:  # fmt: skip
        self._add(Line2D(xs, ys, color=colour, linewidth=width, linestyle=cast("Any", style), solid_capstyle="butt"), z)

    def path(self, path: Path, *, fill: str | None = None, edge: str | None = None, width: float = 0.8, hatch: str | None = None,
             z: float = 3) -> None:  # fmt: skip
        patch = PathPatch(
            path, facecolor=fill or "none", edgecolor=edge or "none", linewidth=width if edge else 0, hatch=hatch
        )
        if hatch and not edge:  # a hatching takes the colour of the edge, which itself is not drawn
            patch.set_edgecolor(_LINE)
            patch.set_linewidth(0)
        self._add(patch, z)

    def boxes(self, boxes: Sequence[tuple[float, float, float, float]], **look: Any) -> None:
        """Draw rectangles (x, y, width, height) as one path."""
        if boxes:
            self.path(_boxes(boxes), **look)

    def circle(self, x: float, y: float, radius: float, *, fill: str | None = None, edge: str | None = None, width: float = 0.8,
               style: str = "-", alpha: float = 1.0, z: float = 3) -> None:  # fmt: skip
        self._add(Circle((x, y), radius, facecolor=fill or "none", edgecolor=edge or "none", linewidth=width, linestyle=style,
                         alpha=alpha), z)  # fmt: skip


def _boxes(boxes: Sequence[tuple[float, float, float, float]]) -> Path:
    b = np.asarray(boxes, np.float64)
    x0, y0, x1, y1 = b[:, 0], b[:, 1], b[:, 0] + b[:, 2], b[:, 1] + b[:, 3]
    corners = np.stack([np.stack(p, 1) for p in ((x0, y0), (x1, y0), (x1, y1), (x0, y1), (x0, y0))], 1).reshape(-1, 2)
    codes = np.tile(np.array([Path.MOVETO, Path.LINETO, Path.LINETO, Path.LINETO, Path.CLOSEPOLY], np.uint8), len(b))
    return Path(corners, codes)


def _ticks(xs: Floats, low: float, high: float) -> Path:
    """Return upright strokes at these places as one path."""
    points = np.stack([np.stack([xs, np.full(len(xs), low)], 1), np.stack([xs, np.full(len(xs), high)], 1)], 1).reshape(
        -1, 2
    )
    return Path(points, np.tile(np.array([Path.MOVETO, Path.LINETO], np.uint8), len(xs)))


def _rings(xs: Floats, y: float, radius: float) -> Path:
    """Return small circles at these places as one path."""
    unit = Path.unit_circle()
    points = np.asarray(unit.vertices) * radius
    all_points = (points[None] + np.stack([xs, np.full(len(xs), y)], 1)[:, None]).reshape(-1, 2)
    return Path(all_points, np.tile(np.asarray(unit.codes), len(xs)))


def _thinned(xs: Floats) -> Floats:
    """Return places on the grid of what an eye or a printer can tell apart, each once."""
    return np.asarray(np.unique(np.rint(xs / _STEP_IN)) * _STEP_IN, np.float64)


# -- SVG ------------------------------------------------------------------------------------------------------------

_SVG = "{http://www.w3.org/2000/svg}"
_XLINK = "{http://www.w3.org/1999/xlink}href"
_REFERENCE = re.compile(r"url\(#([^)]+)\)")
_NUMBER = re.compile(r"-?\d+\.\d{3,}")
_XML_ILLEGAL = re.compile("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def svg(figure: Figure, prefix: str = "p") -> str:
    """Return a figure as one SVG element, for a page or a file.

    Parameters
    ----------
    figure : Figure
        A figure of this module.
    prefix : str
        Put before every id, so that several figures can stand in one page.

    Returns
    -------
    str
        The same bytes for the same figure. Text is text. There is no style sheet and no ``style`` attribute, so a page may forbid both; no
        date, no name of a program, no reference to anything outside.
    """
    title = _XML_ILLEGAL.sub("", str(figure.get_label()))
    buffer = io.StringIO()
    canvas = figure.canvas
    with settings():
        try:
            cast("Any", FigureCanvasSVG(figure)).print_svg(
                buffer, metadata=dict.fromkeys(("Date", "Creator", "Format", "Type"))
            )
        finally:
            figure.set_canvas(canvas)
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, remove_comments=True, remove_blank_text=True, huge_tree=True
    )
    root = etree.fromstring(buffer.getvalue().encode(), parser)
    _clean(root, prefix)
    width, height = (round(float(v) * 96) for v in figure.get_size_inches())
    box = root.get("viewBox", "")
    root.attrib.clear()
    for key, value in (("viewBox", box), ("width", str(width)), ("height", str(height)), ("role", "img"),
                       ("aria-labelledby", f"{prefix}-title"), ("font-family", f"{FONT}, Verdana, sans-serif"),
                       ("stroke-linejoin", "round")):  # fmt: skip
        root.set(key, value)
    head = etree.Element(_SVG + "title", id=f"{prefix}-title")
    head.text = title
    root.insert(0, head)
    etree.cleanup_namespaces(root)
    return etree.tostring(root, encoding="unicode")


def _clean(root: Any, prefix: str) -> None:
    """Leave only shapes and text: no metadata, no style, ids only where something refers to them."""
    used: set[str] = set()
    for element in list(root.iter()):
        if element.tag in (_SVG + "metadata", _SVG + "style", _SVG + "title"):
            element.getparent().remove(element)
            continue
        target = element.attrib.pop(_XLINK, None)
        if target is not None:
            used.add(target[1:])
            element.set("href", target)
        style = element.attrib.pop("style", "")
        for part in style.split(";"):
            key, _, value = part.partition(":")
            if key.strip() and key.strip() != "font-family":
                element.set(key.strip(), value.strip())
        if element.get("transform", "").startswith(("rotate(-0 ", "rotate(0 ")):
            del element.attrib["transform"]
        for value in element.attrib.values():
            used.update(_REFERENCE.findall(value))
    names: dict[str, str] = {}
    for element in root.iter():
        own = element.get("id")
        if own is not None and own in used:
            names[own] = f"{prefix}-{len(names)}"
    for element in root.iter():
        own = element.attrib.pop("id", None)
        if own in names:
            element.set("id", names[own])
        for key, value in element.attrib.items():
            if key == "href":
                element.set(key, "#" + names[value[1:]])
            elif "url(#" in value:
                element.set(key, _REFERENCE.sub(lambda m: f"url(#{names[m[1]]})", value))
            elif key in ("d", "x", "y", "transform"):
                element.set(key, _NUMBER.sub(lambda m: f"{float(m[0]):.2f}", " ".join(value.split())))


# -- time -----------------------------------------------------------------------------------------------------------


def _day(us: int) -> date:
    return _EPOCH + timedelta(days=us // DAY_US)


def day_text(us: int) -> str:
    """Return the date of a reading in a form that no country reads another way: ``3 Oct 2025``."""
    d = _day(us)
    return f"{d.day} {_MONTHS[d.month - 1]} {d.year}"


def _us(d: date) -> int:
    return (d - _EPOCH).days * DAY_US


def date_marks(begin: int, end: int, most: int = 9) -> list[tuple[int, str]]:
    """Return the dates at which an axis from begin to end (readings, µs) is marked, at most ``most``, with their words."""
    days = max(1, (end - begin) // DAY_US)
    out: list[tuple[int, str]] = []
    for step in (1, 2, 7, 14):
        if days / step <= most:
            d = _day(begin)
            if step >= 7:
                d -= timedelta(days=d.weekday())
            while _us(d) <= end:
                if _us(d) >= begin:
                    out.append(
                        (
                            _us(d),
                            f"{d.day} {_MONTHS[d.month - 1]}"
                            + (f" {d.year}" if not out or d.year != _day(out[-1][0]).year else ""),
                        )
                    )
                d += timedelta(days=step)
            return out
    months = days / 30.4
    step = next((s for s in (1, 2, 3, 6, 12, 24, 60, 120, 300, 1200, 6000) if months / s <= most), 12_000)
    number = _day(begin).year * 12 + _day(begin).month - 1
    number += -number % step
    while number // 12 <= 9999:
        d = date(number // 12, number % 12 + 1, 1)
        if _us(d) > end:
            break
        if _us(d) >= begin:
            out.append((_us(d), str(d.year) if step >= 12 else f"{_MONTHS[d.month - 1]} {d.year}"))
        number += step
    return out


# -- the timeline ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Lane:
    name: str
    colour: str
    at: Ints  # readings of the owner's clock, µs
    rings: Ints  # the same for answered calls
    covered: list[tuple[int, int]]  # by the same clock
    note: str


def _channel_colour(channel: str) -> str:
    return _COLOURS.get(channel, _OTHER_COLOUR)


def _coverage(view: View, contact: str) -> list[dict[str, Any]]:
    """Rows of the coverage table that speak of a contact: those of everything, and those of its threads and identifiers."""
    own = {*view.finding(contact)["identifiers"], *view.threads(contact)}
    table = view.tables.coverage.filter(view.tables.coverage["ts_from"].is_valid())
    return [r for r in table.to_pylist() if r["scope"] == "all" or r["scope_id"] in own]


def _covered(view: View, rows: Sequence[dict[str, Any]]) -> list[tuple[int, int]]:
    """Return what the rows cover by the clock of the case's zone, joined."""
    if not rows:
        return []
    ends = view.case_clock(np.array([[r["ts_from"], r["ts_to"]] for r in rows], np.int64).reshape(-1)).reshape(-1, 2)
    out: list[tuple[int, int]] = []
    for begin, end in sorted(ends.tolist()):
        if out and begin <= out[-1][1]:
            out[-1] = (out[-1][0], max(out[-1][1], end))
        else:
            out.append((begin, end))
    return out


def _lanes(view: View, contact: str) -> tuple[list[_Lane], list[_Lane]]:
    """Return the lanes above and below the line."""
    c = view.course
    lo, hi = view.rows(contact)
    local, act, channel, journal = view.local[lo:hi], c.act[lo:hi], c.channel[lo:hi], c.journal[lo:hi]
    answered = view.state.answers.answered_call[lo:hi]
    presence = c.kind[lo:hi] == KIND["presence"]
    coverage = _coverage(view, contact)
    above, below = [], []
    order = sorted(range(len(c.channels)), key=lambda i: CHANNELS.index(c.channels[i]))
    sources = (
        np.array([*view.ids.source_names, ""], object)[view.ids.source[view.first[lo:hi]]]
        if hi > lo
        else np.zeros(0, object)
    )
    for code in order:
        name = c.channels[code]
        word = "in person" if name == "in_person" else name
        of_channel = [r for r in coverage if r["channel"] == name and r["classes"].split() != ["position"]]
        for stated in (False, True):
            mine = act & (channel == code) & (journal == stated)
            if not mine.any():
                continue
            if stated:
                rows = [r for r in coverage if r["channel"] == "journal"]
            elif presence[
                mine
            ].all():  # whose positions a source can hold is not in the table: those of its own sources
                known = set(sources[mine].tolist())
                rows = [
                    r
                    for r in coverage
                    if r["source_id"] in known and set(r["classes"].split()) & {"position", "message", *POSITION_KINDS}
                ]
            else:
                rows = of_channel
            above.append(_Lane(f"{word}, stated" if stated else word, _channel_colour(name), local[mine], local[:0],
                               _covered(view, rows), f"{int(mine.sum())}"))  # fmt: skip
        out, rings = ~act & (channel == code), answered & (channel == code)
        if out.any() or rings.any():
            note = f"{int(out.sum())}" + (f" + {int(rings.sum())} ans." if rings.any() else "")
            below.append(_Lane(word, _channel_colour(name), local[out], local[rings], _covered(view, of_channel), note))
    return above, below


def _gaps(covered: list[tuple[int, int]], begin: int, end: int) -> list[tuple[int, int]]:
    out, at = [], begin
    for a, b in covered:
        if a > at:
            out.append((at, min(a, end)))
        at = max(at, b)
        if at >= end:
            break
    if at < end:
        out.append((at, end))
    return [(a, b) for a, b in out if b > a]


def timeline(view: View, contact: str) -> Figure:
    """Draw acts and outgoing events of a contact over time (see :data:`TIMELINE_CAPTION`).

    Parameters
    ----------
    view : View
        The scored case.
    contact : str
        Id of the contact.
    """
    with settings():
        return _timeline(view, contact)


_LANE_IN, _LEFT_IN, _RIGHT_IN = 0.2, 1.72, 0.88


def _timeline(view: View, contact: str) -> Figure:
    lo, hi = view.rows(contact)
    above, below = _lanes(view, contact)
    notices = _notice_marks(view, contact)
    law = int(view.case_clock(np.array([view.state.valid_from]))[0])
    end = int(view.case_clock(np.array([view.as_of]))[0])
    begin = min([int(view.local[lo:hi].min()) if hi > lo else law, *(at for at, _, _ in notices)])
    if law < begin and begin - law <= end - begin:
        begin = law
    end = max(end, begin + DAY_US, int(view.local[lo:hi].max()) if hi > lo else begin)
    pad = (end - begin) // 100
    begin, end = begin - pad, end + pad
    marks = [*([(law, "statute in force", "-.")] if begin <= law <= end else []), *((at, w, s) for at, w, s in notices)]
    marks = [(at, f"{word} {day_text(at)}", style) for at, word, style in sorted(marks) if begin <= at <= end]
    labels = marks[:6]
    n_up, n_down = max(1, len(above)), max(1, len(below))
    head, foot = 0.12 + 0.15 * max(1, len(labels)), 0.36
    height = head + (n_up + n_down) * _LANE_IN + 0.12 + foot
    f = view.finding(contact)
    acts, outgoing = int(view.course.act[lo:hi].sum()), int((~view.course.act[lo:hi]).sum())
    sheet = _Sheet(height, f"Timeline of {shown_text(contact, 40)} ({shown_text(f['label'], 60)}): {acts} acts of the contact and {outgoing} "
                   f"outgoing events of the owner from {day_text(begin + pad)} to {day_text(end - pad)}")  # fmt: skip
    left, right = _LEFT_IN, WIDTH_IN - _RIGHT_IN
    axis_y = foot + n_down * _LANE_IN + 0.06
    scale = (right - left) / (end - begin)

    def x_of(us: Ints) -> Floats:
        return np.asarray(left + (us - begin) * scale, np.float64)

    top, bottom = axis_y + 0.06 + n_up * _LANE_IN, foot
    for at, word in date_marks(begin, end):
        x = float(x_of(np.array([at]))[0])
        sheet.line([x, x], [bottom - 0.04, top], colour="#e2e2e2", width=0.6, z=1)
        sheet.text(x, bottom - 0.17, word, size=7.5, ha="center" if left + 0.3 < x < right - 0.2 else "left" if x <= left + 0.3 else "right",
                   colour=_SOFT)  # fmt: skip
    hatched: list[tuple[float, float, float, float]] = []
    for side, lanes in ((1, above), (-1, below)):
        for i, lane in enumerate(lanes):
            # lanes grow away from the line
            y = axis_y + 0.06 + i * _LANE_IN if side > 0 else axis_y - 0.06 - (i + 1) * _LANE_IN
            sheet.text(left - 0.08, y + 0.065, lane.name, ha="right")
            sheet.text(right + 0.08, y + 0.065, lane.note, size=7.5, colour=_SOFT)
            for a, b in _gaps(lane.covered, begin, end):
                xa, xb = x_of(np.array([a, b]))
                if xb - xa > _STEP_IN:
                    hatched.append((float(xa), y + 0.02, float(xb - xa), _LANE_IN - 0.04))
            if len(lane.at):
                sheet.path(
                    _ticks(_thinned(x_of(lane.at)), y + 0.035, y + _LANE_IN - 0.035), edge=lane.colour, width=0.9, z=4
                )
            if len(lane.rings):
                sheet.path(
                    _rings(_thinned(x_of(lane.rings)), y + _LANE_IN / 2, 0.035),
                    fill="white",
                    edge=lane.colour,
                    width=0.9,
                    z=5,
                )
    if not above:
        sheet.text(left + 0.1, axis_y + 0.12, "no act of this contact is on file", colour=_SOFT)
    if not below:
        sheet.text(left + 0.1, axis_y - 0.2, "no outgoing event of the owner to this contact is on file", colour=_SOFT)
    sheet.boxes(hatched, hatch="////", z=2)
    sheet.line([left, right], [axis_y, axis_y], width=1.2, z=6)
    sheet.text(0.06, axis_y + 0.06 + n_up * _LANE_IN / 2 - 0.04, "contact", weight="bold", size=7.5)
    sheet.text(0.06, axis_y - 0.06 - n_down * _LANE_IN / 2 - 0.04, "owner", weight="bold", size=7.5)
    sheet.line([left, left, right, right, left], [bottom, top, top, bottom, bottom], colour=_LINE, width=0.6, z=1)
    for i, (at, word, style) in enumerate(marks):
        x = float(x_of(np.array([at]))[0])
        y = top + 0.05 + 0.15 * (len(labels) - 1 - i) if i < len(labels) else top
        sheet.line([x, x], [bottom, y + 0.1 if i < len(labels) else top], colour=_INK, width=1.1, style=style, z=7)
        if i < len(labels):
            # earlier labels stand higher and to the right of their line: later lines end below them
            wide = 0.062 * len(word)
            if x + 0.05 + wide < WIDTH_IN:
                sheet.text(x + 0.05, y, word, size=7.5)
            else:
                sheet.boxes([(x - 0.05 - wide, y - 0.03, wide, 0.14)], fill="white", z=8)
                sheet.text(x - 0.05, y, word, size=7.5, ha="right")
    sheet.text(
        left,
        0.03,
        "time by the owner's clock\u2003\u2003|\u2002one event\u2003\u2003○\u2002answered call\u2003\u2003////\u2002not covered by any source",
        size=7,
        colour=_SOFT,
    )
    return sheet.figure


_NOTICE_WORDS = {
    "told_to_stop": "told to stop", "blocked": "blocked", "order_served": "order served", "police_warning": "police warning",
}  # fmt: skip


def _notice_marks(view: View, contact: str) -> list[tuple[int, str, str]]:
    """Return (reading of the case's clock, word, line style) of every notice that was not refused."""
    table = view.tables.notices.to_pylist()
    n = view.course.notices
    g = view.group(contact)
    out = []
    for k in range(n.most):
        row = int(n.row[g, k])
        if row >= 0:
            effective = bool(view.state.notices[k].end_effective[g])
            at = int(view.case_clock(np.array([int(n.ts[g, k])]))[0])
            out.append((at, _NOTICE_WORDS[table[row]["kind"]], "-" if effective else "--"))
    return out


# -- hour and weekday -----------------------------------------------------------------------------------------------


def hour_counts(view: View, contact: str) -> tuple[Ints, int]:
    """Return acts since the statute's commencement by weekday (Monday first) and hour, and how many have no hour."""
    lo, hi = view.rows(contact)
    law, coarse = view.state.sets.law[lo:hi], view.coarse[lo:hi]
    use = law & ~coarse
    weekday = (view.course.day[lo:hi][use] + 3) % 7  # day 0 was a Thursday
    counts = np.bincount(weekday * 24 + view.course.hour[lo:hi][use], minlength=168).reshape(7, 24)
    return counts.astype(np.int64), int((law & coarse).sum())


def hour_weekday(view: View, contact: str) -> Figure:
    """Draw acts by weekday and hour (see :data:`HOUR_WEEKDAY_CAPTION`).

    Parameters
    ----------
    view : View
        The scored case.
    contact : str
        Id of the contact.
    """
    with settings():
        return _hour_weekday(view, contact)


def _hour_weekday(view: View, contact: str) -> Figure:
    counts, left_out = hour_counts(view, contact)
    f = view.finding(contact)
    total, most = int(counts.sum()), int(counts.max())
    sheet = _Sheet(2.62, f"Acts of {shown_text(contact, 40)} ({shown_text(f['label'], 60)}) by weekday and hour: {total} acts, at most {most} in "
                   f"one field; {left_out} without an hour left out")  # fmt: skip
    left, bottom, w, h = 0.72, 0.5, 0.3, 0.25
    # the same shade means the same number in every contact's picture: 1, 2 to 3, 4 to 7 ...
    levels = np.searchsorted([2**k for k in range(len(_RAMP))], counts, side="right") - 1
    for level, colour in enumerate(_RAMP):
        days, hours = np.nonzero(levels == level)
        sheet.boxes(
            [(left + x * w, bottom + (6 - d) * h, w, h) for d, x in zip(days.tolist(), hours.tolist(), strict=True)],
            fill=colour,
            z=2,
        )
    across = _ticks(np.array([bottom + i * h for i in range(8)]), left, left + 24 * w)
    sheet.path(Path(np.asarray(across.vertices)[:, ::-1], across.codes), edge=_LINE, width=0.5)
    top = bottom + 7 * h
    sheet.path(_ticks(np.array([left + i * w for i in range(25) if i % 6]), bottom, top), edge=_LINE, width=0.5)
    sheet.path(_ticks(np.array([left + i * w for i in range(0, 25, 6)]), bottom, top), edge="#8c8c8c", width=0.8)
    for d, x in zip(*(v.tolist() for v in np.nonzero(counts)), strict=True):
        dark = levels[d, x] >= 3
        sheet.text(
            left + (x + 0.5) * w,
            bottom + (6 - d) * h + 0.085,
            str(counts[d, x]),
            size=7.5,
            ha="center",
            colour="white" if dark else _INK,
        )
    for d, word in enumerate(_WEEKDAYS):
        sheet.text(left - 0.08, bottom + (6 - d) * h + 0.085, word, ha="right")
        sheet.text(
            left + 24 * w + 0.5,
            bottom + (6 - d) * h + 0.085,
            str(int(counts[d].sum())),
            size=7.5,
            ha="right",
            colour=_SOFT,
        )
    for hour in range(0, 24, 3):
        sheet.text(left + hour * w, bottom - 0.16, f"{hour:02d}:00", size=7.5, ha="center", colour=_SOFT)
    sheet.text(left + 24 * w, bottom - 0.16, "24:00", size=7.5, ha="center", colour=_SOFT)
    sheet.text(left + 24 * w + 0.5, bottom + 7 * h + 0.07, "sum", size=7.5, ha="right", colour=_SOFT)
    tail = f"; {left_out} left out, whose hour is not known" if left_out else ""
    sheet.text(
        left,
        0.06,
        f"hour of the owner's clock; the numbers are acts, {total} in all{tail}; a shade darker is twice as many, in every picture alike",
        size=7,
        colour=_SOFT,
    )
    return sheet.figure


# -- places ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Marks:
    """Located positions of a contact in metres from a reference point."""

    x: Floats
    y: Floats
    error_m: Floats
    act: NDArray[np.bool_]
    stated: NDArray[np.bool_]
    manner: Ints


def _plane(lat: Any, lon: Any, lat0: float, lon0: float) -> tuple[Any, Any]:
    """Return metres east and north of a point, on the plane that touches the earth there."""
    metres = math.radians(1.0) * 6_371_008.8
    east = (np.asarray(lon) - lon0 + 540.0) % 360.0 - 180.0
    return east * metres * math.cos(math.radians(lat0)), (np.asarray(lat) - lat0) * metres


def _located(view: View, contact: str, lat0: float, lon0: float) -> _Marks:
    """Return acts of presence with coordinates, then the contact's other positions."""
    c = view.course
    lo, hi = view.rows(contact)
    presence = np.flatnonzero(c.kind[lo:hi] == KIND["presence"]) + lo
    rows = presence[np.isfinite(c.lat[presence]) & np.isfinite(c.lon[presence])]
    p = view.tables.positions
    base = len(view.tables.events)
    p_lat, p_lon = floats(p["lat"]), floats(p["lon"])
    free = flags(*coded(p["contact_id"]), (contact,)) & ~valid(p["duplicate_of"]) & (numbers(p["ts"]) < view.as_of)
    free &= np.isfinite(p_lat) & np.isfinite(p_lon)
    free[record_rows(view.scored, 0, presence) - base] = False  # what makes an act is drawn as that act
    other = np.flatnonzero(free)
    lat, lon = np.r_[c.lat[rows], p_lat[other]], np.r_[c.lon[rows], p_lon[other]]
    x, y = _plane(lat, lon, lat0, lon0)
    error = view.records.accuracy_m[np.r_[view.first[rows], other + base]]
    journal = flags(*coded(p["how"]), ("journal",))
    return _Marks(np.asarray(x, np.float64), np.asarray(y, np.float64), error, np.arange(len(lat)) < len(rows),
                  np.r_[c.journal[rows], journal[other]], np.r_[c.manner[rows], np.zeros(len(other), np.int64)])  # fmt: skip


def _acts_at_places(view: View, contact: str) -> Ints:
    """Return the number of acts of presence of a contact at each place of the case, in the order of the table."""
    lo, hi = view.rows(contact)
    at = view.course.place[lo:hi]
    return np.bincount(at[at >= 0], minlength=len(view.tables.places)).astype(np.int64)


def has_places(view: View, contact: str) -> bool:
    """Return whether there is anything for :func:`places` to draw: acts at places, or located positions."""
    return bool(_acts_at_places(view, contact).any()) or len(_located(view, contact, 0.0, 0.0).x) > 0


def places(view: View, contact: str) -> Figure:
    """Draw the owner's places and the contact's positions (see :data:`PLACES_CAPTION`).

    Parameters
    ----------
    view : View
        The scored case.
    contact : str
        Id of the contact.
    """
    with settings():
        return _places(view, contact)


def _places(view: View, contact: str) -> Figure:
    rows = view.tables.places.to_pylist()
    acts = _acts_at_places(view, contact)
    f = view.finding(contact)
    core = [(r["lat"], r["lon"]) for r, n in zip(rows, acts.tolist(), strict=True) if n]
    first = _located(view, contact, 0.0, 0.0)
    if core:
        lat0, lon0 = core[0]
    elif len(first.x):
        lat0, lon0 = _first_point(view, contact)
    else:
        lat0, lon0 = (rows[0]["lat"], rows[0]["lon"]) if rows else (0.0, 0.0)
    marks = _located(view, contact, lat0, lon0)
    px, py = _plane(np.array([r["lat"] for r in rows]), np.array([r["lon"] for r in rows]), lat0, lon0)
    radius = np.array([r["radius_m"] for r in rows], np.float64)
    wanted = acts > 0
    # the picture holds the places with acts and the acts; what lies far from them would make everything else a dot
    bx = np.r_[px[wanted] - radius[wanted], px[wanted] + radius[wanted], marks.x[marks.act]]
    by = np.r_[py[wanted] - radius[wanted], py[wanted] + radius[wanted], marks.y[marks.act]]
    if not len(bx):
        bx, by = (marks.x, marks.y) if len(marks.x) else (np.r_[px, 0.0], np.r_[py, 0.0])
    cx, cy = (bx.min() + bx.max()) / 2, (by.min() + by.max()) / 2
    reach = max(float(np.hypot(np.ptp(bx), np.ptp(by))) * 0.75, 1500.0)
    near = np.hypot(px - cx, py - cy) <= reach
    inside = np.hypot(marks.x - cx, marks.y - cy) <= reach
    bx = np.r_[bx, px[near] - radius[near], px[near] + radius[near], marks.x[inside]]
    by = np.r_[by, py[near] - radius[near], py[near] + radius[near], marks.y[inside]]
    cx, cy = (bx.min() + bx.max()) / 2, (by.min() + by.max()) / 2
    span_x, span_y = max(float(np.ptp(bx)), 400.0) * 1.12, max(float(np.ptp(by)), 400.0) * 1.12
    left, right, bottom = 0.15, WIDTH_IN - 0.15, 0.55
    high = min(4.2, max(2.4, (right - left - 2.6) * span_y / span_x))
    # labels stand beside the places: a margin on both sides is kept for them
    scale = min((right - left - 2.6) / span_x, (high - 0.4) / span_y)
    height = bottom + high + 0.1
    n_acts = int((view.course.kind[slice(*view.rows(contact))] == KIND["presence"]).sum())
    sheet = _Sheet(height, f"Places of the owner and positions of {shown_text(contact, 40)} ({shown_text(f['label'], 60)}): {n_acts} acts of presence, "
                   f"{int(acts.sum())} of them at a place, {len(marks.x)} positions with coordinates")  # fmt: skip
    mid_x, mid_y = (left + right) / 2, bottom + high / 2
    sheet.line(
        [left, right, right, left, left],
        [bottom, bottom, bottom + high, bottom + high, bottom],
        colour=_LINE,
        width=0.6,
        z=1,
    )

    def at(x: Any, y: Any) -> tuple[Any, Any]:
        return mid_x + (x - cx) * scale, mid_y + (y - cy) * scale

    taken: list[tuple[float, float, float, float]] = []
    for i in np.flatnonzero(near).tolist():
        x, y = at(px[i], py[i])
        drawn = radius[i] * scale
        sheet.circle(x, y, drawn, fill="#d9d9d9", edge=_SOFT, width=0.7, z=2)
        if drawn < 0.04:  # too small to be seen at this scale: its centre is marked
            sheet.line([x - 0.04, x + 0.04], [y, y], colour=_SOFT, z=2)
            sheet.line([x, x], [y - 0.04, y + 0.04], colour=_SOFT, z=2)
    _draw_marks(sheet, marks, inside, at, scale, (left, right, bottom, bottom + high))
    for i in sorted(np.flatnonzero(near).tolist(), key=lambda k: (-acts[k], k)):
        x, y = at(px[i], py[i])
        number = int(acts[i])
        name = shown_text(rows[i]["place_id"], 24)
        word = f"{name}: {number} act{'s' if number != 1 else ''}" if number else name
        _label(sheet, taken, float(x), float(y), max(radius[i] * scale, 0.05), word, bold=number > 0)
    _scale_bar(sheet, right - 0.2, bottom + 0.12, scale)
    sheet.text(right - 0.2, bottom + high - 0.2, "N ↑", size=8, ha="right", colour=_SOFT)
    outside = [
        f"{n} {w}" for n, w in ((int((~near).sum()), "places"), (int((~inside).sum()), "positions of the contact")) if n
    ]
    used = sorted({MANNERS[m] for m in marks.manner[inside & marks.act].tolist()})
    nowhere = n_acts - int(acts.sum())
    key = "●\u2002act of presence recorded by a device\u2003\u2003○\u2002stated by a person\u2003\u2003×\u2002other position of the contact"
    sheet.text(left, 0.3, key, size=7, colour=_SOFT)
    tail = (
        f"outside the picture: {', '.join(outside)}" if outside else "everything with coordinates is inside the picture"
    )
    sheet.text(
        left,
        0.1,
        f"{tail}; acts with coordinates: {', '.join(used) if used else 'none'}; acts counted at no place: {nowhere}",
        size=7,
        colour=_SOFT,
    )
    return sheet.figure


def _first_point(view: View, contact: str) -> tuple[float, float]:
    """Return the coordinates of the first located position of a contact."""
    p = view.tables.positions
    mine = flags(*coded(p["contact_id"]), (contact,))
    lat, lon = floats(p["lat"]), floats(p["lon"])
    i = int(np.flatnonzero(mine & np.isfinite(lat) & np.isfinite(lon))[0])
    return float(lat[i]), float(lon[i])


#: error circles that are drawn; of more, those of acts come first
_CIRCLES = 150


def _draw_marks(
    sheet: _Sheet,
    marks: _Marks,
    inside: NDArray[np.bool_],
    at: Any,
    scale: float,
    frame: tuple[float, float, float, float],
) -> None:
    """Draw located positions, those on the same spot once."""
    x, y = at(marks.x, marks.y)
    kind = np.where(marks.act, np.where(marks.stated, 1, 0), 2)
    error = np.where(np.isfinite(marks.error_m), marks.error_m * scale, 0.0)
    seen: set[tuple[int, int, int, int]] = set()
    circles: list[tuple[float, float, float]] = []
    points: dict[int, list[tuple[float, float]]] = {0: [], 1: [], 2: []}
    order = np.lexsort((np.arange(len(x)), kind))
    for i in order[inside[order]].tolist():
        spot = (int(kind[i]), round(x[i] / _STEP_IN / 2), round(y[i] / _STEP_IN / 2), round(error[i] / 0.02))
        if spot in seen:
            continue
        seen.add(spot)
        points[int(kind[i])].append((float(x[i]), float(y[i])))
        if error[i] > 0.05 and len(circles) < _CIRCLES:
            circles.append((float(x[i]), float(y[i]), float(error[i])))
    clip = Rectangle(
        (frame[0], frame[2]), frame[1] - frame[0], frame[3] - frame[2], transform=sheet.figure.dpi_scale_trans
    )
    for cx, cy, r in circles:
        ring = Circle((cx, cy), r, facecolor="none", edgecolor="#8F3F73", linewidth=0.6, linestyle=":")
        sheet._add(ring, 3)
        ring.set_clip_path(clip)
    r = 0.045
    for px, py in points[0]:
        sheet.circle(px, py, r, fill="#8F3F73", edge="white", width=0.5, z=6)
    for px, py in points[1]:
        sheet.circle(px, py, r, fill="white", edge="#8F3F73", width=1.1, z=6)
    if points[2]:
        p = np.array(points[2])
        corners = np.array([(-1, -1), (1, 1), (-1, 1), (1, -1)]) * r / 2
        strokes = (p[:, None] + corners[None]).reshape(-1, 2)
        sheet.path(
            Path(strokes, np.tile(np.array([Path.MOVETO, Path.LINETO], np.uint8), 2 * len(p))),
            edge=_INK,
            width=0.8,
            z=7,
        )


def _label(
    sheet: _Sheet,
    taken: list[tuple[float, float, float, float]],
    x: float,
    y: float,
    r: float,
    word: str,
    *,
    bold: bool,
) -> None:
    """Write the name of a place beside it, where no other name stands."""
    wide, tall = 0.068 * len(word) * (1.1 if bold else 1.0), 0.15
    spots = [
        (x + r + 0.05, y - 0.04),
        (x - r - 0.05 - wide, y - 0.04),
        (x - wide / 2, y + r + 0.05),
        (x - wide / 2, y - r - 0.14),
    ]
    spots += [(x + r + 0.05, y - 0.04 - 0.15 * k) for k in (1, -1, 2, -2, 3, -3)]
    free = [
        s
        for s in spots
        if all(s[0] + wide < a or s[0] > a + w or s[1] + tall < b or s[1] > b + h for a, b, w, h in taken)
    ]
    free = [s for s in free if s[0] > 0.2 and s[0] + wide < WIDTH_IN - 0.2] or spots
    tx, ty = free[0]
    taken.append((tx, ty, wide, tall))
    sheet.text(tx, ty, word, weight="bold" if bold else "normal", colour=_INK if bold else _SOFT)


def _scale_bar(sheet: _Sheet, right: float, y: float, scale: float) -> None:
    """Draw a bar of a round length."""
    most = 1.6 / scale
    length = 10.0 ** math.floor(math.log10(most))
    length *= next(k for k in (5, 2, 1) if k * length <= most)
    words = f"{length:.0f} m" if length < 1000 else f"{length / 1000:.0f} km"
    wide = length * scale
    sheet.line([right - wide, right], [y, y], width=1.6)
    for x in (right - wide, right):
        sheet.line([x, x], [y - 0.03, y + 0.03], width=1.0)
    sheet.text(right - wide / 2, y + 0.06, words, size=7.5, ha="center")


# -- comparison -----------------------------------------------------------------------------------------------------


def comparison(view: View) -> Figure:
    """Draw the occasions of all contacts on one scale (see :data:`COMPARISON_CAPTION`).

    Parameters
    ----------
    view : View
        The scored case.
    """
    with settings():
        return _comparison(view)


def _comparison(view: View) -> Figure:
    def occasions(f: dict[str, Any]) -> int:
        return int(f["indicators"]["occasions"]["value"])

    ranked = sorted(view.document["findings"], key=lambda f: (-occasions(f), f["contact_id"]))
    drawn, rest = ranked[:COMPARED], ranked[COMPARED:]
    height = 0.62 + 0.21 * max(1, len(drawn))
    sheet = _Sheet(height, f"Occasions of the {len(drawn)} contacts with the most occasions, of {len(ranked)} in all")
    left, right = 3.35, WIDTH_IN - 2.15
    most = max([1, *(occasions(f) for f in drawn)])
    scale = (right - left) / most
    light: list[tuple[float, float, float, float]] = []
    dark: list[tuple[float, float, float, float]] = []
    pale: list[tuple[float, float, float, float]] = []
    for i, f in enumerate(drawn):
        y = height - 0.28 - 0.21 * (i + 1) + 0.05
        all_, unwanted = occasions(f), int(f["indicators"]["unwanted_occasions"]["value"])
        service = f["verdict"] == "service"
        (pale if service else light).append((left, y, all_ * scale, 0.14))
        if not service:
            dark.append((left, y, unwanted * scale, 0.14))
        name = shown_text(f"{f['contact_id']} · {f['label']}", 32)
        sheet.text(left - 1.0, y + 0.03, name, ha="right")
        sheet.text(left - 0.08, y + 0.03, f["verdict"], size=7.5, ha="right", colour=_SOFT)
        words = f"{all_}, unwanted {unwanted}; owner sent {f['indicators']['outgoing']['value']}"
        sheet.text(left + all_ * scale + 0.06, y + 0.03, words, size=7.5, colour=_SOFT)
    sheet.boxes([b for b in light if b[2] > 0], fill="#9CC3E0", z=2)
    sheet.boxes([b for b in pale if b[2] > 0], fill="#e6e6e6", hatch="\\\\\\\\", z=2)
    sheet.boxes([b for b in dark if b[2] > 0], fill="#0B4F85", z=3)
    bottom = height - 0.28 - 0.21 * max(1, len(drawn))
    sheet.line([left, left], [bottom, height - 0.26], width=1.0)
    if not drawn:
        sheet.text(left + 0.1, bottom + 0.08, "no contact has an act or an outgoing event on file", colour=_SOFT)
    sheet.boxes([(left, height - 0.18, 0.14, 0.1)], fill="#0B4F85")
    sheet.text(left + 0.2, height - 0.175, "unwanted occasions", size=7.5)
    sheet.boxes([(left + 1.45, height - 0.18, 0.14, 0.1)], fill="#9CC3E0")
    sheet.text(left + 1.65, height - 0.175, "other occasions", size=7.5)
    sheet.boxes([(left + 2.65, height - 0.18, 0.14, 0.1)], fill="#e6e6e6", hatch="\\\\\\\\")
    sheet.text(left + 2.85, height - 0.175, "services and automatic senders", size=7.5)
    tail = (
        f"; {len(rest)} more contacts with {sum(map(occasions, rest))} occasions are in the table only" if rest else ""
    )
    sheet.text(0.1, 0.08, f"occasions since the statute's commencement{tail}", size=7, colour=_SOFT)
    return sheet.figure
