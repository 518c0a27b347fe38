"""Arrangements of the columns of operators' lists: one TOML file each under ``data/layouts``, found by being there.

A layout says which headings (or numbers of columns, where a list has no headings) mean what, and what its words mean. A
``[[source]]`` of ``case.toml`` can name one, or declare columns of its own, which go before it.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from pipelines.readers._sheets import heading
from pipelines.resources import data_dir

#: what a column can be
ROLES = (
    "subject", "caller", "called", "counterpart", "start", "date", "time", "end", "duration", "duration_minutes",
    "direction", "type", "cell", "lat", "lon", "lat_lon",
)  # fmt: skip
#: stems of words by which lists say kind and direction, tried where the layout does not name the word; those of a kind that is
#: no communication go first
STEMS = (
    ("skip", ("переадр", "forward", "интернет", "internet", "gprs", "трафик", "traffic", "data", "абонплат", "ussd", "roaming fee")),
    ("message", ("sms", "смс", "mms", "ммс", "text", "сообщ", "хабарлама")),
    ("missed", ("пропущ", "missed", "неотвеч", "no answer", "жауапсыз")),
    ("call", ("звон", "вызов", "call", "голос", "voice", "разговор", "қоңырау", "телефония")),
)  # fmt: skip
DIRECTION_STEMS = (
    ("in", ("входящ", "вх.", "вх ", "incoming", "inbound", "received", "mtc", "кіріс", "terminating")),
    ("out", ("исходящ", "исх", "outgoing", "outbound", "dialed", "dialled", "moc", "шығыс", "originating")),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Layout:
    """One arrangement of columns."""

    id: str
    title: str
    source: str
    verified: bool
    columns: Mapping[str, tuple[str, ...]]
    words: Mapping[str, str]
    header: bool = True
    delimiter: str | None = None
    date_order: str | None = None
    shape: re.Pattern[str] | None = None
    names: bool = False  # the other side is a name that the maker of the list gave, no number
    lacks: str = ""
    by_name: bool = False  # has the headings of another one: it holds only where somebody names it


class LayoutError(ValueError):
    """A layout file is wrong: names the file and the fault."""


def _layout(name: str, data: Mapping[str, Any], base: Layout | None) -> Layout:
    known = {"id", "title", "source", "verified", "columns", "words", "header", "delimiter", "date_order", "shape", "names",
             "lacks", "like"}  # fmt: skip
    if extra := sorted(set(data) - known):
        raise LayoutError(f"{name}: unknown key {extra[0]}")
    columns = {k: tuple(map(heading, v)) for k, v in data.get("columns", {}).items()}
    if wrong := sorted(set(columns) - set(ROLES)):
        raise LayoutError(f"{name}: {wrong[0]} is nothing that a column can be")
    shape = data.get("shape")
    return Layout(
        data["id"], data["title"], data["source"], data["verified"], columns or (base.columns if base else {}),
        {heading(k): v for k, v in data.get("words", {}).items()}, data.get("header", True), data.get("delimiter"),
        data.get("date_order"), re.compile(shape) if shape else None, data.get("names", False), data.get("lacks", ""), base is not None,
    )  # fmt: skip


@cache
def layouts() -> dict[str, Layout]:
    """Return every layout by id.

    Raises
    ------
    LayoutError
        A file is wrong.
    """
    raw = {}
    for path in sorted((data_dir() / "layouts").glob("*.toml")):
        data = tomllib.loads(path.read_text("utf-8"))
        if data.get("id") != path.stem:
            raise LayoutError(f"{path.name}: id is not the name of the file")
        raw[path.stem] = data
    made: dict[str, Layout] = {}
    for name, data in sorted(raw.items(), key=lambda item: "like" in item[1]):
        made[name] = _layout(name, data, made.get(data.get("like", "")))
    return dict(sorted(made.items()))
