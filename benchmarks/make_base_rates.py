"""Count how ordinary contacts are distributed in each indicator and write ``data/base_rates/*.toml``: aggregates only.

    python -m benchmarks.make_base_rates DATASETS [-o data/base_rates] [--check]

DATASETS is the folder of public data sets (the half that was set aside for development). With ``--check`` nothing is written; the script says which files
would differ, and ends with 1 if any does. ``docs/base-rates.md`` says what the files hold and how to read them.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Sequence
from datetime import date
from pathlib import Path

import numpy as np

from benchmarks.real_people import FIRST_DAY, SOURCES, Ints, People, Source
from detector.elements import measure
from detector.indicators import all_indicators
from detector.parameters import PARAMETERS
from detector.state import State
from detector.typicality import COUNTED_UNDER, COUNTED_WAYS, MOST_CUTS, load_reference
from pipelines._version import __version__
from pipelines.scoring import midnight
from pipelines.statutes import profiles

#: every step between neighbouring cuts holds at least so many contacts [P]
FEWEST = 5
#: a reference needs at least so many contacts with a value [P]
LEAST_CONTACTS = 40
#: ways of being in touch whose data become a reference
TRAFFIC = ("calls", "messages", "mail")

#: what each indicator runs over, and what the rows of a data set must show for it to be counted. ``answers``: whether an act was answered can be told
#: (of calls that is ``missed``); ``course``: there are calls or messages. An indicator that is not here is counted in no reference, whatever the data
COUNTED: dict[str, tuple[str, tuple[str, ...]]] = {
    "occasions_max_24h": ("window", ()), "occasions_max_7d": ("window", ()), "occasions_max_28d": ("window", ()),
    "acts_max_24h": ("window", ()), "largest_burst": ("window", ()),
    "unwanted_max_7d": ("window", ("answers",)), "unwanted_max_28d": ("window", ("answers",)),
    "course_max_28d": ("window", ("answers", "course")),
    "active_weeks_permille": ("share", ()), "inbound_share_permille": ("share", ()), "rate_ratio_permille": ("share", ()),
    "trend_tau_permille": ("share", ()), "median_gap_s": ("share", ()), "emergency_permille": ("share", ()),
    "answered_permille": ("share", ("answers",)), "own_permille": ("share", ("answers",)),
    "short_calls_permille": ("share", ("calls", "missed", "duration")),
    "night_permille": ("share", ("hours",)), "weekend_permille": ("share", ("weekdays",)),
    "office_permille": ("share", ("hours", "weekdays")), "template_permille": ("share", ("hours", "weekdays")),
    "acts": ("whole", ()), "occasions": ("whole", ()), "attempt_occasions": ("whole", ()), "active_days": ("whole", ("hours",)),
    "active_weeks": ("whole", ()), "span_s": ("whole", ()), "longest_pause_s": ("whole", ()), "longest_day_run": ("whole", ("hours",)),
    "resumptions": ("whole", ()), "bursts": ("whole", ()), "longest_monologue": ("whole", ("answers",)),
    "unanswered_occasions": ("whole", ("answers",)), "unwanted_occasions": ("whole", ("answers",)),
    "unwanted_days": ("whole", ("answers", "hours")), "unwanted_span_s": ("whole", ("answers",)),
    "past_two_weeks_occasions": ("whole", ("answers",)), "clinical_occasions": ("whole", ("answers",)),
    "course_occasions": ("whole", ("answers", "course")), "course_days": ("whole", ("answers", "course", "hours")),
    "course_span_s": ("whole", ("answers", "course")),
    "missed_calls": ("whole", ("calls", "missed")), "hangups": ("whole", ("calls", "missed", "duration")),
    "emails": ("whole", ("mail",)), "night_occasions": ("whole", ("hours",)), "hours_used": ("whole", ("hours",)),
    "replies": ("whole", ()), "initiatives": ("whole", ()), "outgoing": ("whole", ()), "owner_heavier": ("whole", ()),
    "conversations": ("whole", ("calls", "missed", "duration")),
}  # fmt: skip
#: the ways whose acts enter a number; all, unless it is named here
_CMR, _CALLS, _TRAFFIC = ("calls", "messages"), ("calls",), ("calls", "messages", "mail")
COUNTS: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(("course_occasions", "course_days", "course_span_s", "course_max_28d"), _CMR),
    **dict.fromkeys(("missed_calls", "hangups", "conversations", "short_calls_permille"), _CALLS),
    **dict.fromkeys(("inbound_share_permille", "answered_permille", "owner_heavier", "replies", "initiatives", "outgoing"), _TRAFFIC),
    **dict.fromkeys(("attempt_occasions", "longest_monologue"), (*_TRAFFIC, "other")),
    "emails": ("mail",),
}  # fmt: skip
#: these count what is unwanted: without a refusal, what nobody answered
UNWANTED = frozenset({
    "unwanted_max_7d", "unwanted_max_28d", "unwanted_occasions", "unwanted_days", "unwanted_span_s", "past_two_weeks_occasions", "clinical_occasions",
})  # fmt: skip

_DAY = 86_400
_STEPS = (0, 1, 2, 3, 4, 5, 6, 8, 10, 12, 15, 20, 25, 30, 40, 50, 60, 80)
_TIMES = (
    0, 60, 300, 900, 1800, *(h * 3600 for h in (1, 2, 3, 6, 12)),
    *(d * _DAY for d in (1, 2, 3, 5, 7, 10, 14, 21, 28, 42, 56, 84, 112, 168, 252, 365, 547, 730, 1095, 1460, 2190)),
)  # fmt: skip


def can_show(source: Source) -> frozenset[str]:
    """Return what the rows of a data set show, in the words of :data:`COUNTED`."""
    found = {*source.shows, *source.channels}
    if "calls" not in source.channels or "missed" in source.shows:
        found.add("answers")
    if not found.isdisjoint(("calls", "messages")):
        found.add("course")
    return frozenset(found)


def thresholds(indicator: str) -> set[int]:
    """Return the values at which a profile gives points or a threshold: a cut lies there where it can."""
    found = set()
    for p in profiles().values():
        for line in (x for e in p.elements for x in e.lines if x.indicator == indicator):
            found |= {at for at, _ in line.levels} | ({line.number} if line.comparison else set())
        found |= {at for x in p.against if x.indicator == indicator for at, _ in x.levels}
    return found


def candidates(unit: str, least: int, most: int, wanted: set[int]) -> list[int]:
    """Return round numbers, and those wanted, from 0 (or a round number not above a least value below 0) to the first above the greatest value.

    Nothing lies above 1000 permille unless a value does.
    """
    if unit == "‰":
        low = -1000 if least < 0 else 0
        grid = {*range(low, 1001, 100 if low else 50)}
        grid |= {1000 * x for x in _STEPS} | {10_000 * x for x in _STEPS} if most > 1000 else set()
    elif unit == "s":
        grid = set(_TIMES)
    else:
        grid = {x * 10**k for k in range(6) for x in _STEPS}
    return sorted({x for x in grid | wanted if x <= most} | {min(grid)} | set(sorted(x for x in grid if x > most)[:1]))


def cuts(values: Ints, unit: str, wanted: set[int]) -> tuple[list[int], list[int]]:
    """Return cut values and how many contacts reach each, such that every step between two of them holds at least :data:`FEWEST` contacts.

    The last cut is a round number above the greatest value, which nobody reaches: it tells that a value is beyond all of them without telling the greatest.
    """
    ordered = np.sort(values)

    def reach(cut: int) -> int:
        return len(ordered) - int(np.searchsorted(ordered, cut, "left"))

    offered = candidates(unit, int(ordered[0]), int(ordered[-1]), wanted)
    kept: list[int] = []
    for cut in reversed(offered):
        if reach(cut) - (reach(kept[-1]) if kept else 0) >= FEWEST or (not kept and reach(cut) == 0):
            kept.append(cut)
    first = min(0, offered[0])
    while kept and kept[-1] != first and len(ordered) - reach(kept[-1]) < FEWEST:
        kept.pop()
    if not kept or kept[-1] != first:
        kept.append(first)
    kept.reverse()
    spare = [x for x in kept[1:-1] if x not in wanted]
    while len(kept) > MOST_CUTS:  # every other round number goes, from the top
        kept.remove(spare.pop(len(spare) // 2))
    return kept, [reach(x) for x in kept]


def observed_days(people: People, state: State, contacts: Ints) -> int:
    """Return the median, over the contacts counted, of the whole days from the first to the last row of their owner."""
    days = []
    for case in people.cases:
        ts = case.events["ts"].to_numpy()
        days.append(int(-((int(ts.min()) - int(ts.max())) // (_DAY * 1_000_000))))
    mine = np.sort(np.array(days, np.int64)[state.course.case[contacts]])
    return max(1, int(mine[(len(mine) - 1) // 2]))


def _text(value: str) -> str:
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _list(values: Iterable[str]) -> str:
    return "[\n" + "".join(f"  {_text(v)},\n" for v in values) + "]"


def _numbers(values: Sequence[int]) -> str:
    return "[" + ", ".join(str(v) for v in values) + "]"


def count(source: Source, folder: Path) -> str | None:
    """Count one data set; None if it makes no reference."""
    if set(source.channels).isdisjoint(TRAFFIC):
        return None
    people = source.load(folder)
    numbers = {name: p.value for name, p in PARAMETERS.items()}
    state = State(people.cases, numbers, midnight(date.fromisoformat(FIRST_DAY), "Asia/Almaty"), people.as_of)
    contacts = np.flatnonzero(state.any(state.sets.law))
    if len(contacts) < LEAST_CONTACTS:
        return None
    shown, known_indicators = can_show(source), all_indicators()
    names = [n for n in known_indicators if n in COUNTED and shown.issuperset(COUNTED[n][1])]
    out = [
        "# Ordinary contacts of one population: counts, made by the script named below and not edited by hand. See docs/base-rates.md.\n",
        "[reference]", f"id = {_text(source.reference)}", f"title = {_text(source.title)}", f"population = {_text(source.population)}",
        f"period_days = {observed_days(people, state, contacts)}", f"contacts = {len(contacts)}", f"owners = {len(people.cases)}",
        f"channels = [{', '.join(_text(c) for c in source.channels)}]", f"provenance = {_text(source.citation)}",
        f"made_by = {_text(f'benchmarks/make_base_rates.py of qorgan {__version__}')}", f"limits = {_list(source.limits)}",
        f"date_shift = {_text(people.shift)}", "", "[parameters]", *(f"{n} = {numbers[n]}" for n in COUNTED_UNDER),
    ]  # fmt: skip
    for name, m in measure(state, names).items():
        has = contacts if m.known is None else contacts[m.known[contacts]]
        if len(has) < LEAST_CONTACTS:
            continue
        unit = known_indicators[name].unit
        at, reach = cuts(m.value[has], unit, thresholds(name))
        out += ["", f"[indicator.{name}]", f"unit = {_text(unit)}", f"over = {_text(COUNTED[name][0])}",
                f"counts = [{', '.join(_text(w) for w in COUNTS.get(name, COUNTED_WAYS))}]"]  # fmt: skip
        out += ["unwanted = true"] if name in UNWANTED else []
        out += [f"known = {len(has)}", f"at = {_numbers(at)}", f"reach = {_numbers(reach)}"]
    text = "\n".join(out) + "\n"
    load_reference(text.encode(), f"{source.reference}.toml")
    return text


def main() -> int:
    """Count all data sets and write or compare the files."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("datasets", type=Path)
    parser.add_argument(
        "-o", "--out", type=Path, default=Path(__file__).resolve().parent.parent / "data" / "base_rates"
    )
    parser.add_argument("--check", action="store_true", help="write nothing, say which files would differ")
    args = parser.parse_args()
    differ = 0
    for source in SOURCES:
        text = count(source, args.datasets)
        path = args.out / f"{source.reference}.toml"
        if text is None:
            print(f"{source.id}: makes no reference")
        elif args.check:
            same = path.exists() and path.read_text(encoding="utf-8") == text
            differ += not same
            print(f"{path.name}: {'the same' if same else 'differs'}")
        else:
            args.out.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
            print(f"{path.name}: {text.count('[indicator.')} indicators")
    left = [n for n in all_indicators() if n not in COUNTED]
    print(
        f"{len(all_indicators())} indicators; counted in no reference, since no data set shows them or they are no quantity: {', '.join(left)}"
    )
    return 1 if differ else 0


if __name__ == "__main__":
    sys.exit(main())
