"""The report as one self-contained HTML file: no script, no style from outside, no reference to anything but itself.

The same findings give the same bytes: nothing here asks for the time, draws by chance or knows where the case lies. Every text of the case
goes through one filter on its way into the page (:func:`pipelines.report.view.shown_text`), whatever the template does with it, and
the page forbids itself everything by its content security policy, so that a hostile name has nothing to act on.
"""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template
from markupsafe import Markup

from detector.findings import span_text
from detector.indicators import all_indicators
from detector.statute import Profile
from pipelines.explanation import not_comparable, usual
from pipelines.report import plots, words
from pipelines.report.schedule import effect, schedule
from pipelines.report.view import RANK, View, shown_text
from pipelines.scoring import LoadedCase, Outcome, local_text, to_bytes
from pipelines.suggestions import sentences

_HERE = Path(__file__).resolve().parent
#: folded ids of one indicator, rows of rejects and of coverage that are written out [P]
IDS, ROWS = 200, 500


def render(outcome: Outcome, loaded: LoadedCase, profile: Profile) -> bytes:
    """Return the report of a scored case.

    Parameters
    ----------
    outcome : Outcome
        What scoring gave.
    loaded : LoadedCase
        The case that was scored.
    profile : Profile
        The statute that it was scored under.

    Returns
    -------
    bytes
        One HTML file, UTF-8.
    """
    with plots.settings():
        return _page(View(outcome, loaded), profile)


def _page(view: View, profile: Profile) -> bytes:
    css = _css()
    digest = base64.b64encode(hashlib.sha256(css.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:; base-uri 'none'; form-action 'none'"
    page = _template().render(
        css=Markup(css), policy=policy, d=view.document, p=profile, w=words, as_of=_moment(view.document["as_of"]),
        zone=view.zone, contacts=[_row(view, f, i) for i, f in enumerate(view.findings, 1)],
        details=[_detail(view, f, i) for i, f in enumerate(view.findings, 1) if f["verdict"] != "none"],
        found=_found(view), comparison=_plot(plots.comparison(view), "comparison", plots.COMPARISON_CAPTION),
        unmeasurable=[e for e in profile.elements if e.need == "not_measurable"],
        unidentified=_ids(view.document["unidentified"]["records"]),
        trackers=[{**t, "first": _local(view, t["first"]), "last": _local(view, t["last"]), "ids": _ids(t["records"])}
                  for t in view.document["unattributed_trackers"]],
        bursts=[{**b, "begin": _local(view, b["from"]), "end": _local(view, b["to"]), "ids": _ids(b["records"])}
                for b in view.document["code_bursts"]], sources=_sources(view), covers=_covers(view),
        overlaps=[{**o, "begin": _local(view, o["from"]), "end": _local(view, o["to"]), "ids_a": _ids(o["only_a"]["records"]),
                   "ids_b": _ids(o["only_b"]["records"])} for o in view.document["overlaps"]],
        rejects=_rejects(view), parameters=_parameters(view.document["parameters"]),
        indicators=[i for i in all_indicators().values() if i.id in _used(profile)],
        findings_hash=hashlib.sha256(to_bytes(view.document)).hexdigest(),
    )  # fmt: skip
    return page.encode()


@cache
def _css() -> str:
    return (_HERE / "style.css").read_text("utf-8")


@cache
def _template() -> Template:
    environment = Environment(
        loader=FileSystemLoader(_HERE, encoding="utf-8"), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True, finalize=_harmless, keep_trailing_newline=True, newline_sequence="\n",
    )  # fmt: skip
    environment.globals = {"signed": words.signed, "number": words.number, "measured": words.measured}
    return environment.get_template("template.html")


def _harmless(value: Any) -> Any:
    """Let no text into the page as it is, but what this package has made itself."""
    return shown_text(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _plot(figure: Any, name: str, caption: str) -> dict[str, Any]:
    # the namespace of SVG is known to every HTML parser; without its address the file names no address at all
    text = plots.svg(figure, name).replace(' xmlns="http://www.w3.org/2000/svg"', "", 1)
    return {"svg": Markup(text), "caption": caption}


def _moment(text: str | None) -> str | None:
    """Return an ISO moment with an offset as it is shown: ``2025-10-03 18:30:05 +05:00``."""
    return None if text is None else f"{text[:10]} {text[11:19]} {text[19:].replace('Z', 'UTC')}"


def _local(view: View, text: str | None) -> str | None:
    """Return a moment of the document (UTC) by the clock of the case's zone."""
    if text is None:
        return None
    us = int(np.datetime64(text.removesuffix("Z"), "us").astype(np.int64))
    return _moment(local_text(us, view.zone))


def _ids(folded: list[str]) -> dict[str, Any]:
    sizes = [_size(x) for x in folded]
    return {"shown": folded[:IDS], "records": sum(sizes), "more": sum(sizes[IDS:])}


def _size(folded: str) -> int:
    low, dash, high = folded.partition("#")[2].partition("-")
    return int(high) - int(low) + 1 if dash else 1


def _row(view: View, f: dict[str, Any], number: int) -> dict[str, Any]:
    value = {k: x["value"] for k, x in f["indicators"].items()}
    return {
        "f": f, "anchor": f"contact-{number}" if f["verdict"] != "none" else None, "value": value,
        "first_met": (_local(view, f["first_met"]) or "–")[:10],
    }  # fmt: skip


def _found(view: View) -> dict[str, list[dict[str, Any]]]:
    """Return the findings by verdict, with the anchors of their sections."""
    out: dict[str, list[dict[str, Any]]] = {v: [] for v in RANK}
    for number, f in enumerate(view.findings, 1):
        out[f["verdict"]].append({"f": f, "anchor": f"contact-{number}", "first_met": _local(view, f["first_met"])})
    return out


def _detail(view: View, f: dict[str, Any], number: int) -> dict[str, Any]:
    contact = f["contact_id"]
    lines, running = _sum(f)
    known = {line.indicator: line for line in view.scored.profile.against}
    against = []
    for a in f["against"]:
        running += a["points"]
        source = known[a["id"]].source
        against.append({**a, **_about(a["id"]), "sum": running, "ids": _ids(a["records"]), "source": source})
    found = {a["id"] for a in f["against"]}
    absent = [{**_about(i), "value": f["indicators"][i]["value"]} for i in known if i not in found]
    plot = [_plot(plots.timeline(view, contact), f"timeline-{number}", plots.TIMELINE_CAPTION)]
    if f["indicators"]["acts"]["value"]:
        plot.append(_plot(plots.hour_weekday(view, contact), f"hours-{number}", plots.HOUR_WEEKDAY_CAPTION))
    if plots.has_places(view, contact):
        plot.append(_plot(plots.places(view, contact), f"places-{number}", plots.PLACES_CAPTION))
    made = schedule(view, contact)
    return {
        "f": f, "anchor": f"contact-{number}", "value": {k: x["value"] for k, x in f["indicators"].items()},
        "first_repeated": _local(view, f["first_repeated"]), "repeats": _repeats(view, f), "first_met": _local(view, f["first_met"]),
        "unblocked": [{**u, "at": _local(view, u["at"])} for u in view.document["unblocked"] if u["contact_id"] == contact],
        "notices": [{**n, "at": _local(view, n["at"]), "effect": effect(n)} for n in view.notices(contact)],
        "elements": lines, "against": against, "absent": absent, "total": running, "plots": plot,
        "acts_plotted": bool(f["indicators"]["acts"]["value"]), "schedule": made,
        "parts": [(w, i, f["indicators"][i].get("parts", [])) for i, w in (("channels", "channel"), ("identifiers", "identifier"))],
        "not_measurable": [e for e in f["elements"] if e["status"] == "not_measurable"],
        "untold": [e for e in f["elements"] if e["status"] in ("unknown", "not_met")],
        "before": _ids(f["before_law"]["records"]), "measures": _measures(view, f),
        "usual": [usual(x) for x in f["typicality"] if x["comparable"]], "not_comparable": not_comparable(f["typicality"]),
        "unusual": [usual(x) for x in f["typicality"] if not x["comparable"]], "hypotheses": sentences(f, view.zone),
    }  # fmt: skip


#: indicators whose parts are shown in tables of their own
_OWN_TABLES = frozenset({"channels", "identifiers", "notices"})


def _measures(view: View, f: dict[str, Any]) -> dict[str, Any]:
    """Return what was measured beside the worked sum: what there is, what there is none of, what cannot be told."""
    profile = view.scored.profile
    summed = {line.indicator for e in profile.elements for line in e.lines} | {
        line.indicator for line in profile.against
    }
    rest = [(i, x) for i, x in f["indicators"].items() if i not in summed]
    parts = [(i, x["parts"]) for i, x in f["indicators"].items() if x.get("parts") and i not in _OWN_TABLES]
    return {
        "rows": [{**_about(i), "value": x["value"], "ids": _ids(x["records"])} for i, x in rest if x["value"]],
        "nought": [_about(i)["title"] for i, x in rest if x["value"] == 0],
        "untold": [_about(i)["title"] for i, x in rest if x["value"] is None],
        "parts": [{**_about(i), "keys": list(rows[0]), "rows": rows} for i, rows in parts],
    }  # fmt: skip


def _repeats(view: View, f: dict[str, Any]) -> bool:
    """Return whether repetition still holds as of the scoring date."""
    num = view.scored.profile.numbers()
    occasions, days = (f["indicators"][i]["value"] for i in ("unwanted_occasions", "unwanted_days"))
    return bool(occasions >= num["repeated_occasions"] and days >= num["repeated_days"])


def _about(indicator: str) -> dict[str, str]:
    known = all_indicators()[indicator]
    return {"title": known.title, "formula": known.formula, "unit": known.unit, "id": indicator}


def _sum(f: dict[str, Any]) -> tuple[list[dict[str, Any]], int]:
    """Return the elements with their indicators, each with the running sum of points, and the sum."""
    running, out = 0, []
    for e in f["elements"]:
        rows = []
        for line in e.get("indicators", []):
            running += line["points"]
            rows.append(
                {**line, **_about(line["id"]), "sum": running, "ids": _ids(f["indicators"][line["id"]]["records"])}
            )
        out.append({**e, "rows": rows})
    return out, running


def _sources(view: View) -> list[dict[str, Any]]:
    return [
        {**c, "first": _local(view, c["first"]), "last": _local(view, c["last"])} for c in view.document["coverage"]
    ]


def _covers(view: View) -> dict[str, Any]:
    """Return the coverage table by the case's clock."""
    table = view.tables.coverage
    rows = table.slice(0, ROWS).to_pylist()
    made = []
    for r in rows:
        ends = [None if r[k] is None else local_text(r[k], view.zone) for k in ("ts_from", "ts_to")]
        made.append({**r, "begin": _moment(ends[0]), "end": _moment(ends[1])})
    return {"rows": made, "more": len(table) - len(made)}


def _rejects(view: View) -> dict[str, Any]:
    table = view.loaded.resolved.rejects
    rows = table.slice(0, ROWS).select(["source_id", "n", "record", "reason"]).to_pylist()
    return {"rows": rows, "more": len(table) - len(rows), "all": len(table)}


def _parameters(parameters: dict[str, Any]) -> list[dict[str, Any]]:
    out = []
    for name, p in parameters.items():
        value = p["value"]
        text = f"{value[0]}/{value[1]}" if isinstance(value, list) else words.number(value)
        if name.endswith("_s") and not isinstance(value, list):
            text += f" s ({span_text(value)})"
        elif name.endswith("_m"):
            text += " m"
        out.append({"name": name, "value": text, **{k: p[k] for k in ("origin", "source")}})
    return out


def _used(profile: Profile) -> set[str]:
    """Return the indicators that the report names."""
    lines = [line.indicator for e in profile.elements for line in e.lines] + [
        line.indicator for line in profile.against
    ]
    return {*lines, "acts", "occasions", "unwanted_occasions", "unanswered_occasions", "after_notice_acts", "outgoing",
            "inbound_share_permille"}  # fmt: skip
