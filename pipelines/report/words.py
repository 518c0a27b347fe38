"""The words of the report, in English: what stands for each code of the findings. Nobody is called anything here but owner and contact."""

from __future__ import annotations

from typing import Literal

import numpy as np

from detector.findings import span_text
from detector.schema import PRECISIONS

VERDICTS = {
    "systematic": "pattern consistent with every measurable element of the statute",
    "emerging": "repeated pattern, short of at least one measurable element",
    "isolated": "acts that stand out, below the strength of a repeated course",
    "reciprocal": "contact that goes both ways",
    "service": "a service or an automatic sender",
    "insufficient": "the sources leave too much time open to say anything",
    "none": "nothing that the rules count as a pattern",
}
STATUSES = {"met": "met", "not_met": "not met", "unknown": "cannot be told", "not_measurable": "not measurable"}
NEEDS = {"required": "required", "informative": "for information", "not_measurable": "no metadata can show it"}
ORIGINS = {
    "statute": "wording of the statute", "case_law": "case law", "gloss": "gloss of an official or a lawyer",
    "research": "published research", "product_choice": "our own choice [P]",
}  # fmt: skip
MARKS = {
    "S": "seen in the source named", "S2": "seen only in a second source that names the first",
    "G": "gloss of an official or a lawyer, not the law's text", "K": "from knowledge, not checked", "P": "our own choice",
}  # fmt: skip
NOTICES = {
    "told_to_stop": "told to stop", "blocked": "blocked", "order_served": "order served", "police_warning": "police warning",
}  # fmt: skip
BASES = {
    "declared": "declared in the case file", "device": "recorded by a device", "journal": "written down in a journal",
}  # fmt: skip
STATES = {"in_force": "in force", "bill": "a bill, not in force", "repealed": "repealed"}
#: kinds of acts: one, several
KINDS = {
    "call": ("call", "calls"), "message": ("message", "messages"), "email": ("e-mail", "e-mails"),
    "request": ("request", "requests"), "mention": ("mention", "mentions"), "view": ("view", "views"),
    "account_access": ("access to an account", "accesses to an account"), "delivery": ("delivery", "deliveries"),
    "gift": ("gift", "gifts"), "payment": ("payment", "payments"),
    "third_party": ("act through a third party", "acts through third parties"), "other": ("other event", "other events"),
}  # fmt: skip
#: what robustness changes: one, several
CHANGES = {
    "number": ("number of the rules", "numbers of the rules"), "threshold": ("threshold", "thresholds"),
    "source": ("source left out", "sources left out"), "identifier": ("identifier left out", "identifiers left out"),
    "journal": ("journal left out", "journals left out"), "clock": ("clock one hour off", "clocks one hour off"),
    "radius": ("change of all radii", "changes of all radii"), "hypothesis": ("hypothesis taken as true", "hypotheses taken as true"),
}  # fmt: skip
CALL_TAGS = {"missed": "missed", "rejected": "rejected", "blocked": "blocked", "voicemail": "voicemail"}
MANNERS = {
    "visit": ("visit", "visits"), "seen": ("sighting (seen)", "sightings (seen)"), "waited": ("waiting", "times of waiting"),
    "followed": ("following", "times of following"), "entered": ("entering", "times of entering"),
    "tracker": ("episode of an attributed tracker", "episodes of an attributed tracker"),
    "met": ("encounter by two tracks", "encounters by two tracks"),
}  # fmt: skip
GLOSSARY = (
    ("owner", "the person whose data this is"),
    ("contact", "a person or service on the other side, known by numbers, accounts or names"),
    ("act", "one event, visit or encounter of the contact that is directed at the owner: an attempt to reach or to observe; a missed call is an act"),
    ("occasion", "acts as courts count them: the first act opens an occasion, which holds every act of that contact within the occasion window after it"),
    ("notice", "a dated moment from which contact is known to be unwanted: “stop” said, a block, an order, a police warning"),
    ("unanswered", "an act that is no answered call and that no outgoing event of the owner follows within 24 hours; presence is never answered"),
    ("unwanted", "with a notice that holds: an act after it, or of the unanswered run that leads up to it; without one: an unanswered act"),
    ("reply", "the owner's first outgoing event within 24 hours of an act"),
    ("initiative", "an outgoing event of the owner that is no reply and comes after three hours of silence on both sides"),
    ("conversation", "a call of the contact that the owner answered and that lasted at least a minute"),
    ("tracking", "presence at home or at several of the owner's places, waiting, following, entering, encounters on several spots, an attributed tracker"),
    ("indicator", "one measured number with the records that it rests on"),
    ("element", "what the statute asks for; it is met, not met, cannot be told (no data), or not measurable by metadata"),
    ("points", "whole numbers for and against that rank contacts; they change no verdict and are no probability of anything"),
    ("stated", "written down by a person (incident journal), as opposed to recorded by a device, an app or an operator"),
)  # fmt: skip


def number(value: int) -> str:
    """Return a whole number with thin groups of three, which no country reads as a decimal."""
    return f"{value:,}".replace(",", "\u202f") if abs(value) >= 10_000 else str(value)


def measured(value: int | None, unit: str) -> str:
    """Return a measured value with its unit; seconds in words beside."""
    if value is None:
        return "cannot be told"
    if unit == "yes or no":
        return "yes" if value else "no"
    if unit == "s" and value >= 120:
        return f"{number(value)} s ({span_text(value)})"
    if unit == "‰":
        return f"{number(value)} ‰"
    # units are plurals, as "occasions"
    return f"{number(value)} {unit[:-1] if value == 1 and len(unit) > 1 and unit.endswith('s') else unit}"


def threshold(text: str | None, unit: str) -> str:
    """Return a threshold, with its unit if it is in seconds or thousandths, ``none`` without one."""
    if not text:
        return "none"
    sign, _, bound = text.partition(" ")
    return f"{sign} {measured(int(bound), unit)}" if unit in ("s", "‰") else text


def sourced(origin: str, source: str) -> str:
    """Return origin and source of a number; the mark [P] is not said twice."""
    rest = source.removeprefix("[P]: ") if origin == "product_choice" else source
    return f"{ORIGINS[origin]}: {rest}" if rest else ORIGINS[origin]


def marked(mark: str, source: str) -> str:
    """Return how sure a wording is and where it stands; the mark [P] is not said twice."""
    return f"[{MARKS[mark]}: {source.removeprefix('[P]: ') if mark == 'P' else source}]"


def needed(need: str) -> str:
    """Return what an element is to the verdict."""
    return "one of this group is enough" if need.startswith("alternative:") else NEEDS[need]


def signed(points: int) -> str:
    """Return points with their sign, a true minus."""
    return f"+{points}" if points > 0 else f"\u2212{-points}" if points < 0 else "0"


def iso(us: int, unit: Literal["D", "h", "m", "s"] = "s") -> str:
    """Return a reading of a clock (µs since 1970 of that clock) as ``2025-10-03 18:30:05``, or no finer than a unit."""
    return str(np.datetime64(int(us), "us").astype(f"datetime64[{unit}]")).replace("T", " ")


def reading(us: int, precision: int) -> str:
    """Return a reading no more exact than it is: ``2025-10-03 18:30``, ``2025-10-03 evening``, ``2025-10-03``."""
    name = PRECISIONS[precision]
    if name in ("us", "ms", "s"):
        return iso(us)
    if name == "min":
        return iso(us, "m")
    if name == "h":
        return f"{iso(us, 'h')} h"
    return iso(us, "D") if name == "day" else f"{iso(us, 'D')} {name}"


def part(key: str) -> str:
    """Return the head of a column of parts: ``low_permille`` is ``low ‰``."""
    words = key.removesuffix("permille").rstrip("_").replace("_", " ")
    return f"{words} ‰".strip() if key.endswith("permille") else words


def part_value(value: object) -> str:
    """Return one value of parts as it is shown."""
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return number(value) if isinstance(value, int) else str(value)
