"""The plots: what is drawn is what the findings count, the same bytes every time, readable by machines too."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import matplotlib
import numpy as np
import pytest
from lxml import etree
from matplotlib.figure import Figure

from detector.arrays import haversine_m
from pipelines.errors import UserError
from pipelines.report import plots
from pipelines.report.view import DAY_US, View
from tests.build import CaseBuilder
from tests.report_cases import example, view_of
from tests.shared_data import ROOT

SVG = "{http://www.w3.org/2000/svg}"
HOSTILE = "<b>$\\frac{x$\x1b[31m\u202egnirts & ]]>\ufffe"


@pytest.fixture(scope="module")
def view() -> View:
    return View(*example())


def drawn(view: View) -> dict[str, Figure]:
    return {
        "timeline": plots.timeline(view, "K1"),
        "hours": plots.hour_weekday(view, "K1"),
        "places": plots.places(view, "K1"),
        "comparison": plots.comparison(view),
    }


def parsed(figure: Figure) -> etree._Element:
    return etree.fromstring(plots.svg(figure))


def texts(figure: Figure) -> list[str]:
    return [t.text or "" for t in parsed(figure).iter(SVG + "text")]


def strokes(figure: Figure) -> list[tuple[float, float, float, str]]:
    """Return (x, lower y, upper y, colour) of the upright strokes of all lanes; y grows upwards."""
    root = parsed(figure)
    height = float(root.get("viewBox", "").split()[3])
    out = []
    for path in root.iter(SVG + "path"):
        pairs = re.findall(r"M ([-\d.]+) ([-\d.]+) L ([-\d.]+) ([-\d.]+)(?= M|$)", path.get("d", ""))
        if path.get("stroke-width") == "0.9" and path.get("fill") == "none":
            out += [
                (float(a), height - float(b), height - float(d), path.get("stroke", ""))
                for a, b, c, d in pairs
                if a == c
            ]
    return sorted(out)


def hatched(figure: Figure) -> list[tuple[float, float]]:
    """Return (from, to) of the hatched boxes, in points from the left."""
    for path in parsed(figure).iter(SVG + "path"):
        if (path.get("fill") or "").startswith("url("):
            found = re.findall(r"M ([-\d.]+) [-\d.]+ L ([-\d.]+) ", path.get("d", ""))
            return [(float(a), float(b)) for a, b in found]
    return []


# -- the file -------------------------------------------------------------------------------------------------------


def test_the_same_bytes_every_time_whatever_the_user_s_settings_are(view: View) -> None:
    first = {k: plots.svg(f) for k, f in drawn(view).items()}
    mine: Any = {
        "svg.hashsalt": "other", "font.family": ["monospace"], "font.size": 20, "savefig.bbox": "tight",
        "lines.linewidth": 9, "figure.dpi": 33, "path.simplify": True, "hatch.linewidth": 4, "svg.fonttype": "path",
        "figure.autolayout": True, "savefig.transparent": True, "lines.dash_capstyle": "round",
    }  # fmt: skip
    with matplotlib.rc_context(mine):
        again = {k: plots.svg(f) for k, f in drawn(View(*example())).items()}
        assert matplotlib.rcParams["svg.hashsalt"] == "other"
    assert again == first
    figure = plots.timeline(view, "K1")
    assert plots.svg(figure) == plots.svg(figure) == first["timeline"]


def test_text_is_text_and_nothing_else_is_in_the_file(view: View) -> None:
    for name, figure in drawn(view).items():
        text = plots.svg(figure, "x")
        root = etree.fromstring(text)
        tags = {etree.QName(e).localname for e in root.iter()}
        assert tags <= {"svg", "title", "g", "path", "text", "defs", "use", "clipPath", "pattern", "rect"}, name
        assert len(texts(figure)) > 5
        assert not any("style" in e.attrib or "class" in e.attrib for e in root.iter())
        assert text.count("http") == 1 and "date" not in text.lower().replace("updated", "")
        title = root[0]
        assert title.tag == SVG + "title" and title.text and title.get("id") == root.get("aria-labelledby")
        assert root.get("role") == "img"
        own = {i for e in root.iter() if (i := e.get("id"))}
        assert all(i.startswith("x-") for i in own)
        used = set(re.findall(r"url\(#([^)]+)\)", text)) | set(re.findall(r'href="#([^"]+)"', text))
        assert used | {"x-title"} == own


def test_pyplot_and_pandas_are_not_loaded() -> None:
    code = "import sys, pipelines.report.html; print([m for m in ('matplotlib.pyplot', 'pandas') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_font_is_the_one_that_travels_with_matplotlib() -> None:
    from matplotlib.font_manager import FontProperties, findfont

    assert findfont(FontProperties(family=plots.FONT), fallback_to_default=False).startswith(matplotlib.get_data_path())


def test_hostile_names_are_shown_harmlessly() -> None:
    case = CaseBuilder()
    case.contact(HOSTILE)
    case.place(HOSTILE)
    case.message(HOSTILE, "2025-10-06 18:30")
    case.seen(HOSTILE, "2025-10-07 18:30", place=HOSTILE)
    view = view_of(case, labels={HOSTILE: HOSTILE})
    for figure in (plots.timeline(view, HOSTILE), plots.places(view, HOSTILE), plots.comparison(view)):
        text = plots.svg(figure)
        etree.fromstring(text)
        assert "<b>" not in text and "\x1b" not in text and "\u202e" not in text and "\ufffe" not in text
        assert "\\u202e" in text
    assert any("$\\frac{x$" in t for t in texts(plots.comparison(view)))


def test_an_unknown_contact_is_refused_in_one_sentence(view: View) -> None:
    with pytest.raises(UserError, match="no contact 'nobody' in this case; the known ones are C1, "):
        plots.timeline(view, "nobody")


# -- the timeline ---------------------------------------------------------------------------------------------------


def simple() -> CaseBuilder:
    case = CaseBuilder()
    for day in (3, 6, 9):
        case.message("K1", f"2025-10-0{day} 12:00")
    case.call("K1", "2025-10-15 12:00", answered=True, duration=90)
    case.message("K1", "2025-10-06 12:30", out=True)
    case.call("K1", "2025-10-20 12:00", out=True)
    return case


def test_every_act_and_every_outgoing_event_is_one_mark_on_its_side_of_the_line() -> None:
    figure = plots.timeline(view_of(simple()), "K1")
    marks = strokes(figure)
    assert len(marks) == 6
    axis = sorted({m[1] for m in marks})
    above = [m for m in marks if m[1] > axis[1]]  # two lanes lie below the line: phone and sms
    assert len(above) == 4 and len(marks) - len(above) == 2
    xs = sorted(m[0] for m in above)
    steps = np.diff(xs)
    assert steps[1] == pytest.approx(steps[0], abs=0.6) and steps[2] == pytest.approx(2 * steps[0], abs=0.6)
    words = texts(figure)
    assert words.count("sms") == 2 and words.count("phone") == 2
    assert "1 + 1 ans." in words  # the owner's call and the call that the owner answered
    assert len({m[3] for m in marks}) == 2


def test_marks_stand_by_the_owner_s_clock() -> None:
    def at(offset: int) -> float:
        case = CaseBuilder()
        case.message("K1", "2025-10-03 12:00")
        case.message("K1", "2025-10-13 12:00", utc_offset=offset)
        case.message("K1", "2025-10-23 12:00")
        a, b, c = (m[0] for m in strokes(plots.timeline(view_of(case, as_of="2025-10-24"), "K1")))
        return (b - a) / (c - a)

    assert at(18_000) == pytest.approx(0.5, abs=0.003)
    assert at(18_000 + 43_200) == pytest.approx(0.525, abs=0.003)  # the phone was twelve hours further east


def test_what_a_person_wrote_down_has_a_lane_of_its_own() -> None:
    case = simple()
    case.seen("K1", "2025-10-11 18:00", place="home")
    case.event("gift", "K1", "2025-10-12 18:00", channel="post", how="journal", source="j")
    words = texts(plots.timeline(view_of(case), "K1"))
    assert "in person, stated" in words and "post, stated" in words


def test_notices_and_commencement_are_lines_with_dates() -> None:
    case = simple()
    case.notice("K1", "2025-10-08 10:00")
    case.notice("K1", "2025-10-18 10:00", kind="order_served", refused=True)
    figure = plots.timeline(view_of(case), "K1")
    words = texts(figure)
    assert "told to stop 8 Oct 2025" in words and "statute in force 16 Sep 2025" in words
    assert not any("order served" in w for w in words)  # refused: it is listed in the text, not drawn


def test_a_notice_without_effect_is_dashed() -> None:
    def dashes(overtaken: bool) -> int:
        case = CaseBuilder()
        case.notice("K1", "2025-10-01 10:00")
        case.message("K1", "2025-10-02 10:00")
        for day in range(6 if overtaken else 0):
            case.message("K1", f"2025-10-{10 + 2 * day} 10:00", out=True)
        root = parsed(plots.timeline(view_of(case), "K1"))
        return sum(p.get("stroke-dasharray") is not None for p in root.iter(SVG + "path"))

    assert dashes(True) == dashes(False) + 1


def test_gaps_come_from_the_coverage_table_only() -> None:
    case = CaseBuilder()
    case.message("K1", "2025-10-01 00:00")
    case.message("K1", "2026-05-31 00:00")
    bare = hatched(plots.timeline(view_of(case), "K1"))
    assert len(bare) == 1  # one lane, no coverage at all: hatched from end to end
    case.coverage("2025-01-01", "2025-12-01", channel="sms", classes="message")
    case.coverage("2026-02-01", "2027-01-01", channel="sms", classes="message")
    case.coverage("2025-01-01", "2027-01-01", channel="phone", classes="call")
    figure = plots.timeline(view_of(case), "K1")
    ((a, b),) = hatched(figure)
    first, last = (m[0] for m in strokes(figure))
    share = (last - first) / 242  # days from the first to the last message
    assert a == pytest.approx(first + 61 * share, abs=1) and b == pytest.approx(first + 123 * share, abs=1)
    case.coverage(
        "2025-11-01", "2026-03-01", channel="sms", classes="message", scope="thread", scope_id="somebody else"
    )
    assert hatched(plots.timeline(view_of(case), "K1")) == [(a, b)]
    other = simple()
    other.message("K2", "2026-05-31 00:00", thread_id="t:2")
    other.coverage("2025-01-01", "2027-01-01", channel="sms", classes="message", scope="thread", scope_id="t:2")
    assert hatched(plots.timeline(view_of(other), "K2")) == []
    assert hatched(plots.timeline(view_of(other), "K1")) != []
    case.coverage(
        "2025-11-01", "2026-03-01", channel="sms", classes="message", scope="identifier", scope_id="+77010000001"
    )
    assert hatched(plots.timeline(view_of(case), "K1")) == []


def test_a_contact_without_acts_or_answers_is_said_to_have_none() -> None:
    case = simple()
    case.contact("K2")
    words = texts(plots.timeline(view_of(case), "K2"))
    assert "no act of this contact is on file" in words
    assert "no outgoing event of the owner to this contact is on file" in words


@pytest.mark.parametrize("days", [0, 1, 5, 9, 30, 100, 200, 400, 3_000, 40_000, 700_000])
def test_an_axis_has_a_few_dates_in_order(days: int) -> None:
    begin = 1_759_000_000_000_000
    marks = plots.date_marks(begin, begin + days * DAY_US)
    at = [m[0] for m in marks]
    assert at == sorted(set(at)) and len(at) <= 11 and (len(at) >= 2 or days < 2)
    assert all(begin <= t <= begin + days * DAY_US for t in at)


# -- hour and weekday -----------------------------------------------------------------------------------------------


def test_hours_count_the_acts_since_the_law_and_leave_out_what_has_no_hour() -> None:
    case = CaseBuilder()
    case.message("K1", "2025-10-06 23:59")  # a Monday
    case.message("K1", "2025-10-06 23:00", utc_offset=21_600)  # one hour later on the owner's clock: Tuesday, 00
    case.seen("K1", "2025-10-07 evening", place="home")
    case.seen("K1", "2025-10-08", place="home")
    case.seen("K1", "2025-10-09 13:00", place="home", precision="h")
    case.message("K1", "2025-08-06 10:00")  # before the law
    case.message("K1", "2025-10-06 12:00", out=True)
    view = view_of(case)
    counts, left_out = plots.hour_counts(view, "K1")
    assert left_out == 2 and counts.sum() == 3
    assert counts[0, 23] == counts[1, 0] == counts[3, 13] == 1
    assert any("3 in all; 2 left out, whose hour is not known" in t for t in texts(plots.hour_weekday(view, "K1")))


def test_hours_agree_with_the_finding_and_every_number_is_in_its_field(view: View) -> None:
    for contact in ("K1", "S1", "K3"):
        counts, left_out = plots.hour_counts(view, contact)
        assert counts.sum() + left_out == view.finding(contact)["indicators"]["acts"]["value"]
        shown = [int(t) for t in texts(plots.hour_weekday(view, contact)) if t.isdigit()]
        assert sum(shown) == 2 * counts.sum()  # the fields, and the sums of the weekdays


def test_the_ramp_gets_darker_and_so_survives_a_grey_print() -> None:
    grey = [sum(int(c[i : i + 2], 16) * w for i, w in ((1, 0.299), (3, 0.587), (5, 0.114))) for c in plots._RAMP]
    assert all(a - b > 25 for a, b in pairwise(grey))


# -- places ---------------------------------------------------------------------------------------------------------


def circles(figure: Figure, fill: str) -> list[tuple[float, float, float]]:
    """Return (x, y, radius) of the drawn circles of a fill, from the outline of each path."""
    root = parsed(figure)
    height = float(root.get("viewBox", "").split()[3])
    out = []
    for path in root.iter(SVG + "path"):
        if path.get("fill") == fill and " C " in path.get("d", ""):
            points = np.array([float(v) for v in re.findall(r"-?[\d.]+", path.get("d", ""))]).reshape(-1, 2)
            low, high = points.min(0), points.max(0)
            out.append((float(low[0] + high[0]) / 2, height - float(low[1] + high[1]) / 2, float(high[0] - low[0]) / 2))
    return sorted(out)


@pytest.mark.parametrize("lat", [0.0, 43.2389, 64.0])
def test_distances_hold_in_both_directions(lat: float) -> None:
    case = CaseBuilder()
    spots = {"a": (lat, 76.89), "b": (lat, 76.91), "c": (lat + 0.012, 76.9)}
    for name, (y, x) in spots.items():
        case.place(name, "home" if name == "a" else "other", y, x, 200.0)
        case.seen("K1", f"2025-10-1{ord(name) - 96} 18:00", place=name)
    found = circles(plots.places(view_of(case), "K1"), "#d9d9d9")
    assert len(found) == 3
    (ax, ay, ar), (cx, cy, _), (bx, by, _) = found
    metres = ar / 200.0
    for (x0, y0), (x1, y1), p, q in (((ax, ay), (bx, by), "a", "b"), ((ax, ay), (cx, cy), "a", "c")):
        real = float(haversine_m(*spots[p], *spots[q]))
        assert np.hypot(x1 - x0, y1 - y0) / metres == pytest.approx(real, rel=0.01)
    assert cy > ay and bx > ax  # north is up, east is right


def test_sightings_stand_where_they_were_with_their_error() -> None:
    case = CaseBuilder()
    case.place("home", radius=150.0)
    case.fix("K1", "2025-10-10 18:00", 43.2389, 76.8897, 100.0)
    case.fix("K1", "2025-10-10 18:10", 43.2389, 76.8897, 100.0)
    case.seen("K1", "2025-10-11 18:00", lat=43.2389, lon=76.8950)
    case.fix("K1", "2025-10-12 18:00", 43.2420, 76.8897, None)
    figure = plots.places(view_of(case), "K1")
    ((hx, hy, hr),) = circles(figure, "#d9d9d9")
    device, stated = circles(figure, "#8f3f73"), circles(figure, "#ffffff")
    assert len(device) == 1 and device[0][:2] == pytest.approx((hx, hy), abs=0.1)
    assert len(stated) == 1 and stated[0][0] > hx and stated[0][1] == pytest.approx(hy, abs=0.1)
    rings = [p for p in parsed(figure).iter(SVG + "path") if p.get("stroke-dasharray") and " C " in p.get("d", "")]
    assert len(rings) == 1  # the visit's error; the sighting and the single fix have none
    across = np.ptp([float(v) for v in re.findall(r"-?[\d.]+", rings[0].get("d", ""))[::2]])
    assert across / 2 == pytest.approx(hr * 100 / 150, rel=0.02)
    words = texts(figure)
    assert "home: 1 act" in words and any("acts counted at no place: 1" in w for w in words)


def test_what_lies_far_away_is_counted_and_not_drawn() -> None:
    case = CaseBuilder()
    case.place("home")
    case.place("village", "other", 50.0, 80.0)
    case.seen("K1", "2025-10-11 18:00", place="home")
    case.fix("K1", "2025-10-12 18:00", 10.0, -170.0)
    words = texts(plots.places(view_of(case), "K1"))
    assert any(w.startswith("outside the picture: 1 places, 1 positions of the contact") for w in words)
    assert "village" not in words


def test_a_map_is_offered_only_where_there_is_something_to_see() -> None:
    case = simple()
    case.place("home")
    case.contact("K2")
    case.fix("K2", "2025-10-12 18:00", 43.2, 76.9)
    case.seen("K3", "2025-10-12 18:00", place="home")
    view = view_of(case)
    assert [plots.has_places(view, c) for c in ("K1", "K2", "K3")] == [False, True, True]
    for contact in ("K1", "K2", "K3"):
        plots.svg(plots.places(view, contact))


# -- comparison -----------------------------------------------------------------------------------------------------


def test_bars_show_every_contact_s_occasions_and_both_directions(view: View) -> None:
    words = texts(plots.comparison(view))
    ranked = sorted(view.document["findings"], key=lambda f: -f["indicators"]["occasions"]["value"])
    for f in ranked[: plots.COMPARED]:
        n = f["indicators"]
        said = f"{n['occasions']['value']}, unwanted {n['unwanted_occasions']['value']}; owner sent {n['outgoing']['value']}"
        assert said in words
    left = [f["indicators"]["occasions"]["value"] for f in ranked[plots.COMPARED :]]
    assert left, "more contacts than the plot compares"
    assert any(f"{len(left)} more contacts with {sum(left)} occasions" in w for w in words)


# -- size and speed -------------------------------------------------------------------------------------------------


def test_a_hundred_thousand_acts_cost_no_more_than_what_an_eye_can_tell_apart() -> None:
    xs = np.linspace(2.0, 8.0, 100_000)
    assert len(plots._thinned(xs)) <= 6 * 144 + 1
    case = CaseBuilder()
    for i in range(3_000):
        case.message("K1", f"2025-{10 + i // 1500:02d}-{1 + i % 1500 // 60:02d} {i % 24:02d}:{i % 60:02d}")
    view = view_of(case)
    assert len(plots.svg(plots.timeline(view, "K1"))) < 60_000


def test_a_figure_takes_some_hundredths_of_a_second(view: View) -> None:
    makers: list[Callable[[View, str], Figure]] = [plots.timeline, plots.hour_weekday, plots.places]
    for make in makers:
        best = 9.0
        for _ in range(3):
            begin = time.process_time()
            plots.svg(make(view, "K1"))
            best = min(best, time.process_time() - begin)
        assert best < 0.12, make.__name__


def test_a_single_position_is_drawn_above_the_sightings_at_the_same_spot() -> None:
    case = CaseBuilder()
    case.place("home")
    case.seen("K1", "2025-10-11 18:00", lat=43.2389, lon=76.8897)
    case.fix("K1", "2025-10-12 18:00", 43.2389, 76.8897)
    order = list(parsed(plots.places(view_of(case), "K1")).iter(SVG + "path"))
    cross = [i for i, p in enumerate(order) if p.get("d", "").count("M ") == 2 and p.get("stroke-width") == "0.8"]
    sighting = [i for i, p in enumerate(order) if p.get("fill") == "#ffffff" and " C " in p.get("d", "")]
    assert len(cross) == len(sighting) == 1 and cross > sighting
