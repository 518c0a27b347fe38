"""Make the example case of ``data/examples``: the exports, the ``case.toml``, and what must be found in them.

Run it as ``python -m tools.make_examples [FOLDER]``. The same bytes come out every time and on every machine. What is
written to ``truth.toml`` is counted here from the scenario, by the definitions of the design and without any code of the
product: it is what the product is held against.
"""

from __future__ import annotations

import argparse
import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from tools import example_positions as positions
from tools import example_writers as writers
from tools.example_positions import Counts
from tools.example_scenario import (
    BLOCK_MS,
    BROTHER,
    C1,
    CLASSMATE,
    CODES,
    COURIERS,
    F1,
    F2,
    FORMER_OWNER,
    GYM,
    GYM_NOTICE_MS,
    HOME,
    K1,
    K2,
    K3,
    K4,
    K5,
    KASPI,
    L1,
    LAW_MS,
    M1,
    MARKER,
    MIN_MS,
    N1,
    NEW_NUMBER,
    NOTICE_MS,
    ORDER_MS,
    OWNER,
    ROTATING,
    S1,
    SCHOOL,
    SHORT,
    SISTER,
    TRACKER,
    U1,
    WORK,
    WRONG,
    Chat,
    Person,
    Scenario,
    Sms,
    Telegram,
    at,
    scenario,
)  # fmt: skip

FOLDER = Path(__file__).resolve().parent.parent / "data" / "examples"
WINDOW_MS = 3_600_000  # an occasion holds the acts up to one hour after its first
OLD_BACKUP_MS = at(date(2025, 10, 15), 21, 30)
NEW_BACKUP_MS = at(date(2025, 12, 31), 22, 5)
#: the phone was tidied: the backup of December begins here
NEW_BACKUP_FROM_MS = at(date(2025, 6, 1), 0)
#: so many messages of the former partner were deleted between the two backups, and stand in the old one only
DELETED_BETWEEN = 3
THREADS = (
    ("F2", F2.name, "personal_chat", F2.telegram), ("C1", C1.name, "personal_chat", C1.telegram),
    ("K1", K1.name, "personal_chat", K1.telegram),
    ("classmates", f"Одноклассники {MARKER}", "private_group", 4_100_000_001),
)  # fmt: skip
DECLARED: tuple[tuple[Person, str, str], ...] = (
    (K1, "former partner", "former_partner"), (K2, "father of the child", "co_parent"), (K3, "mutual friend", "friend"),
    (K4, "debt collector", "service"), (S1, S1.name, "stranger"), (M1, "mother", "family"),
    (N1, "neighbour", "neighbour"), (C1, "colleague", "colleague"), (F1, "friend", "friend"), (F2, "friend in Telegram", "friend"),
    (K5, "man from the gym", "acquaintance"), (L1, "bailiff", "lawful_role"),
)  # fmt: skip
PRESENCE = ("seen", "waited", "followed", "entered")
TRACKER_KINDS = ("tracker_alert", "tracker_found", "tracker_sighting")
JOURNAL_EVENTS = ("third_party", "delivery", "gift", "payment", "view", "account_access")


@dataclass(frozen=True, slots=True)
class File:
    """One export: name, bytes, and what must be found in it (in the member, where it is an archive)."""

    name: str
    data: bytes
    what: str
    counts: Counts
    member: str | None = None


@dataclass(frozen=True, slots=True)
class Trace:
    """One row that the product must come to: whose, when (as exactly as the file says it), on which way, in or out."""

    who: Person
    ms: int
    way: str
    out: bool = False
    directed: bool = True
    attempt: bool = True  # or presence: not a look at a profile, nor access to an account


def _sms_files(s: Scenario) -> tuple[list[Sms], list[Sms]]:
    old = [m for m in s.sms if m.ms < OLD_BACKUP_MS]
    gone = [m for m in old if m.who is K1 and not m.picture][:DELETED_BETWEEN]
    new = [m for m in s.sms if m.ms >= NEW_BACKUP_FROM_MS and m not in gone]
    return old, new


def _sms_counts(messages: Sequence[Sms]) -> Counts:
    return Counts(len(messages), sum(m.no_time for m in messages), sum(m.type == 3 for m in messages))


def _chat_counts(lines: Iterable[Chat]) -> Counts:
    kinds = Counter(c.kind for c in lines)
    return Counts(kinds.total(), out_of_scope=kinds["system"])


def exports(s: Scenario) -> list[File]:
    """Return every export of the case with what must be found in it."""
    old, new = _sms_files(s)

    def chat(thread: str) -> list[Chat]:
        return [c for c in s.chats if c.thread == thread]

    ios = writers.whatsapp_ios(chat("K3"), K3.name)
    files = [
        File("calls-20251231220000.xml", writers.calls_xml(s.calls, NEW_BACKUP_MS - 5 * MIN_MS),
             "call log of the phone, SMS Backup & Restore", Counts(len(s.calls))),
        File("sms-20251015213000.xml", writers.sms_xml(old, OLD_BACKUP_MS, 1),
             "messages of the phone, SMS Backup & Restore, made in October", _sms_counts(old)),
        File("sms-20251231220500.xml", writers.sms_xml(new, NEW_BACKUP_MS, 2),
             "messages of the phone, SMS Backup & Restore, made in December", _sms_counts(new)),
        *(File(f"Чат WhatsApp с контактом {title}.txt", writers.whatsapp_android(chat(thread)),
               f"WhatsApp chat, Android, Russian: {what}", _chat_counts(chat(thread)))
          for thread, title, what in (("K1", K1.name, "the former partner"), ("K2", K2.name, "the father of the child"),
                                      ("family", "Семья", "the family group"))),
        File(f"WhatsApp Chat - {K3.name}.zip", writers.stored_zip("_chat.txt", ios, NEW_BACKUP_MS),
             "WhatsApp chat, iPhone, Kazakh and Russian: the mutual friend", _chat_counts(chat("K3")), "_chat.txt"),
        File("result.json", writers.telegram_json(s.telegrams, THREADS), "whole Telegram account, Telegram Desktop",
             Counts(len(s.telegrams), out_of_scope=sum(t.kind == "pinned" for t in s.telegrams))),
        File("Timeline.json", *_first(positions.timeline, "Google Timeline of the phone, Android")),
        File("2025_APRIL.json", *_first(positions.semantic_month, "Google Semantic Location History, Takeout")),
        File("2025-11-08_run.gpx", *_first(positions.gpx, "GPX track of a morning run of the owner")),
        File("shared-2025-11.gpx", *_first(positions.shared_track, "GPX track that the man from the gym shared")),
        File("checkins1.json", *_first(positions.swarm, "Swarm check-ins of the owner")),
        File("journal.csv", writers.journal_csv(s.notes), "incident journal",
             Counts(len(s.notes), rejected=sum(n.kind == "shouted" for n in s.notes))),
    ]  # fmt: skip
    return sorted(files, key=lambda f: f.name)


def _first(make: Callable[[], tuple[bytes, Counts]], what: str) -> tuple[bytes, str, Counts]:
    data, counts = make()
    return data, what, counts


def _chat_trace(c: Chat) -> Trace | None:
    grain = 1_000 if c.thread == "K3" else MIN_MS
    ms = c.ms // grain * grain
    if c.kind in ("system", "block"):
        return None
    if c.kind == "missed_call":
        return Trace({"K1": K1, "K2": K2}[c.thread], ms, "whatsapp")
    if c.who is None:
        raise ValueError(f"a line of kind {c.kind} needs a sender")
    if c.thread == "family":
        directed = c.mentions_owner or c.kind == "added"
        return None if c.who is OWNER else Trace(c.who, ms, "whatsapp", directed=directed)
    peer = {"K1": K1, "K2": K2, "K3": K3}[c.thread]
    return Trace(peer, ms, "whatsapp", out=c.who is OWNER)


def _telegram_trace(t: Telegram) -> Trace | None:
    ms = t.ms // 1000 * 1000
    if t.kind == "pinned":
        return None
    if t.thread == "classmates":
        directed = t.mentions_owner or t.replies_to_owner
        return None if t.who is OWNER else Trace(t.who, ms, "telegram", directed=directed)
    return Trace({"K1": K1, "C1": C1, "F2": F2}[t.thread], ms, "telegram", out=t.who is OWNER)


def traces(s: Scenario) -> list[Trace]:
    """Return every row of a contact, in the order of time; a message in two backups is one row."""
    found = [Trace(c.who, c.ms, "phone", out=c.type == 2) for c in s.calls if c.presentation == 1]
    found += [
        Trace(m.who, m.ms, "mms" if m.picture else "sms", out=m.type in (2, 5))
        for m in s.sms if m.type != 3 and not m.no_time
    ]  # fmt: skip
    found += [t for c in s.chats if (t := _chat_trace(c)) is not None]
    found += [t for m in s.telegrams if (t := _telegram_trace(m)) is not None]
    for n in s.notes:
        if n.kind in TRACKER_KINDS and n.via == TRACKER:
            found.append(Trace(K1, n.ms, "tracker"))  # by the [[tracker]] table
        elif n.who is not None and n.kind in PRESENCE:
            found.append(Trace(n.who, n.ms, "presence"))
        elif n.who is not None and n.kind in JOURNAL_EVENTS:
            found.append(Trace(n.who, n.ms, "journal", attempt=n.kind not in ("view", "account_access")))
    # behind the owner on her run: one encounter by tracks, from the first point on
    first = next(n for n in range(*positions.BEHIND) if n % 3 == 0)
    found.append(Trace(K5, positions.RUN_MS + first * positions.RUN_STEP_MS, "encounter"))
    return sorted(found, key=lambda t: (t.ms, t.who.id, t.way, t.out))


def occasions(times: Sequence[int]) -> list[list[int]]:
    """Return acts in occasions: one opens at its first act and holds those up to the window after that act."""
    found: list[list[int]] = []
    for ms in sorted(times):
        if found and ms - found[-1][0] <= WINDOW_MS:
            found[-1].append(ms)
        else:
            found.append([ms])
    return found


def identifiers(who: Person) -> list[str]:
    """Return the identifiers of a person as ``case.toml`` writes them."""
    named = who.name in (K1.name, K2.name, K3.name, M1.name)
    telegram = [f"telegram:user{who.telegram}"] if who.telegram else []
    return [*who.phones, *telegram, *([who.name] if named else [])]


def contact_id(who: Person) -> str:
    """Return the id under which the product shows a person: declared, or ``u-`` and ten hex digits of a hash."""
    if any(who is p for p, _, _ in DECLARED):
        return who.id
    whole = {
        **{c.id: f"alpha:{c.phones[0]}" for c in CODES}, KASPI.id: "alpha:Kaspi", SHORT.id: "short:7111", SISTER.id: f"whatsapp:name:{SISTER.name}",
        CLASSMATE.id: f"telegram:user{CLASSMATE.telegram}",
    }.get(who.id) or who.phones[0]  # fmt: skip
    return "u-" + hashlib.sha256(whole.encode()).hexdigest()[:10]


TWO_WAY = (
    "no notice; the owner's replies and initiatives and the long calls of both are far more than a quarter of the "
    "occasions, to the end of the time covered (section 8, rule 5)"
)
VERDICTS: dict[str, tuple[str, str]] = {
    K1.id: (
        "systematic",
        "a declared notice that is neither overtaken nor contested (no reply, initiative or conversation after it), and "
        "after it far more than three unwanted occasions on three days over more than a week, with attempts on several "
        "ways, waiting at home and at work and an attributed tracker: contact_attempts, tracking, systematic and "
        "against_will are met (rule 3)",
    ),
    K2.id: ("reciprocal", f"being seen at home goes with the role of a co-parent and is no tracking; {TWO_WAY}"),
    K3.id: ("reciprocal", TWO_WAY),
    K4.id: (
        "service",
        "the role is declared as service (rule 1); without that rule it would be emerging: more than ten unanswered "
        "occasions of calls and messages that go on past two weeks (rule 6)",
    ),
    S1.id: (
        "emerging",
        "no notice is on file, so against_will is short; but repeated waiting at home and at work is emerging even so "
        "(rule 4)",
    ),
    M1.id: ("reciprocal", TWO_WAY),
    N1.id: (
        "isolated",
        "being seen at home goes with the role of a neighbour and is no tracking; too little traffic to be reciprocal; "
        "sightings are on file, so the verdict is isolated and not none (rule 7)",
    ),
    C1.id: ("reciprocal", f"being seen at work goes with the role of a colleague and is no tracking; {TWO_WAY}"),
    F1.id: ("reciprocal", TWO_WAY),
    F2.id: ("reciprocal", TWO_WAY),
    U1.id: ("reciprocal", f"not declared in case.toml; {TWO_WAY}"),
    WRONG.id: (
        "none",
        "five calls over three days, three of them answered: two unanswered occasions, below rule 7 (rule 8)",
    ),
    KASPI.id: ("service", "an undeclared sender with a name instead of a number, no call and no position (rule 1)"),
    SHORT.id: ("service", "an undeclared short code, no call and no position (rule 1)"),
    SISTER.id: ("none", "writes only in a group, never to the owner: no act (rule 2), and her chat covers the time"),
    CLASSMATE.id: ("none", "writes only in a group, never to the owner: no act (rule 2), and the chat covers the time"),
    K5.id: (
        "emerging",
        "told to stop on 2025-11-15; before it a run of unanswered messages and calls on many evenings, after it one message: "
        "against_will asks for two occasions, so it is emerging (rule 6). With the number that goes on two days later it would be "
        "systematic: that is a hypothesis and is never joined by itself",
    ),
    L1.id: ("none", "a declared lawful role; one short talk, one missed call and one message: two unanswered occasions, below rule 7 (rule 8)"),
    NEW_NUMBER.id: (
        "isolated",
        "nine unanswered occasions within two weeks and no notice to this number: below the ten occasions past two weeks of rule 6, "
        "three unanswered ones are enough for rule 7",
    ),
    BROTHER.id: ("reciprocal", "eight calls within an hour, one occasion, and the owner calls back: one reply to one occasion (rule 5)"),
    FORMER_OWNER.id: ("none", "four calls to a new line of the owner, two of them answered: two unanswered occasions (rule 8)"),
} | {
    c.id: ("service", "an undeclared sender with a name instead of a number, no call and no position (rule 1)") for c in CODES
} | {
    c.id: ("none", "one answered call: too little after the law's date (rule 8), no act to judge before it (rule 2)")
    for c in COURIERS
}  # fmt: skip
#: what the verdict would be without the rule that gave it, where the design fixes it
OTHERWISE = {K4.id: "emerging", KASPI.id: "emerging", SHORT.id: "emerging"} | {c.id: "none" for c in CODES}
#: dated refusals of the declared contacts
NOTICES = {K1.id: NOTICE_MS, K5.id: GYM_NOTICE_MS}


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _value(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return "[" + ", ".join(_value(v) for v in value) + "]"
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{k} = {_value(v)}" for k, v in value.items()) + " }"
    return str(value) if isinstance(value, int | float) else _quoted(str(value))


def _table(head: str, values: dict[str, object]) -> str:
    return "\n".join([head, *(f"{k} = {_value(v)}" for k, v in values.items()), ""])


def _contact_truth(who: Person, rows: Sequence[Trace], measures: dict[str, int]) -> dict[str, object]:
    acts = [t for t in rows if not t.out and t.directed]
    before, since = [t.ms for t in acts if t.ms < LAW_MS], [t.ms for t in acts if t.ms >= LAW_MS]
    if before and since and since[0] - before[-1] <= 2 * WINDOW_MS:
        raise ValueError(f"{who.id}: an occasion lies across the law's date, which this count cannot split")
    verdict, why = VERDICTS[who.id]
    values: dict[str, object] = {
        "id": contact_id(who),
        "who": next((label for p, label, _ in DECLARED if p is who), who.id),
        "verdict": verdict,
        "why": why,
    }
    if who.id in OTHERWISE:
        values["otherwise"] = OTHERWISE[who.id]
    values |= {
        "acts": len(acts), "acts_before_law": len(before), "acts_since_law": len(since),
        "occasions_before_law": len(occasions(before)), "occasions_since_law": len(occasions(since)),
    }  # fmt: skip
    if who.id in NOTICES:
        said = NOTICES[who.id]
        after = [t for t in acts if t.ms >= LAW_MS and t.ms > said]
        values |= {
            "acts_after_notice": len(after),
            "occasions_after_notice": len(occasions([t.ms for t in after if t.attempt])),
        }
    values["acts_by_way"] = dict(sorted(Counter(t.way for t in acts).items()))
    values["outgoing_by_way"] = dict(sorted(Counter(t.way for t in rows if t.out).items()))
    undirected = sum(not t.directed for t in rows)
    if undirected:
        values["in_groups_not_directed"] = undirected
    if measures:
        values["measures"] = dict(sorted(measures.items()))
    return values


def measures(s: Scenario) -> dict[str, dict[str, int]]:
    """Return further numbers that must be found since the law, by contact: each counted from the scenario or made so by it."""
    told = Counter(n.kind for n in s.notes if n.who is K1 and n.ms >= LAW_MS)
    words = {"gift": "gifts", "delivery": "deliveries", "payment": "payments", "view": "views", "account_access": "account_access",
             "third_party": "third_party_acts"}  # fmt: skip
    return {
        K1.id: {name: told[kind] for kind, name in words.items()}
        | {"notices": 3, "order_occasions": _after_order(s), "tracker_co_travel": 1},
        K4.id: {
            "number_pool": len({c.line for c in s.calls if c.who is K4 and c.ms >= LAW_MS} | {0}),
            "role_reason": 1,
        },
        K5.id: {"encounters": 1, "following": 1, "notices": 1},
        K2.id: {"role_reason": 1},
        L1.id: {"role_reason": 1},
        BROTHER.id: {"emergency_permille": 1000, "largest_burst": 8},
        FORMER_OWNER.id: {"new_line": 1},
        NEW_NUMBER.id: {"new_line": 0},
    }


def _after_order(s: Scenario) -> int:
    """Count the occasions of attempts and tracking of the former partner after the order was served."""
    return len(
        occasions(
            [t.ms for t in traces(s) if t.who is K1 and t.directed and not t.out and t.attempt and t.ms > ORDER_MS]
        )
    )


def truth_toml(s: Scenario, files: Sequence[File]) -> str:
    """Return what must be found, counted from the scenario."""
    old, new = _sms_files(s)
    both = sum(m in new for m in old if m.type != 3 and not m.no_time)
    parts = [
        "# What was put into the example exports, counted by tools/make_examples.py from its own scenario.\n"
        "# Ways: phone, sms, mms, whatsapp, telegram as the channels; journal = events in the journal; presence = seen,\n"
        "# waited, followed; tracker = rows of the attributed tracker; encounter = by two tracks. Acts are incoming and directed at the owner;\n"
        "# outgoing rows in groups belong to nobody. Occasions: one hour after their first act.\n",
        _table("[case]", {
            "id": "example-2025", "as_of": "2026-01-01T00:00:00+05:00", "law": "2025-09-16T00:00:00+05:00",
            "notice": "2025-10-02T18:30:00+05:00", "occasion_window_s": WINDOW_MS // 1000, "duplicates": both,
            "unidentified_acts": sum(c.presentation != 1 for c in s.calls),
            "device_notices": 1, "tracker": TRACKER, "linked_trackers": list(ROTATING), "code_burst": contact_ids(CODES),
            "hypothesis": [K5.id, contact_id(NEW_NUMBER)],
        }),
    ]  # fmt: skip
    found = traces(s)
    more = measures(s)
    for who in _people():
        rows = [t for t in found if t.who is who]
        parts.append(_table("[[contact]]", _contact_truth(who, rows, more.get(who.id, {}))))
    for f in files:
        c = f.counts
        parts.append(_table("[[source]]", {
            "file": f.name, **({"member": f.member} if f.member else {}), "what": f.what, "read": c.read,
            "kept": c.kept, "rejected": c.rejected, "out_of_scope": c.out_of_scope,
        }))  # fmt: skip
    return "\n".join(parts)


def _people() -> list[Person]:
    return [
        *(p for p, _, _ in DECLARED),
        U1,
        WRONG,
        *COURIERS,
        KASPI,
        SHORT,
        SISTER,
        CLASSMATE,
        NEW_NUMBER,
        BROTHER,
        FORMER_OWNER,
        *CODES,
    ]


def contact_ids(people: Iterable[Person]) -> list[str]:
    """Return the contact ids of people, sorted."""
    return sorted(contact_id(p) for p in people)


def case_toml() -> str:
    """Return the ``case.toml`` of the example case."""
    parts = [
        "# The example case: invented people, invented numbers, invented places in Almaty.\n",
        _table("[case]", {"id": "example-2025", "timezone": "Asia/Almaty", "basis": "consent",
                          "basis_note": "invented example, nobody's data"}),
        _table("[owner]", {"name": "A.",
                           "identifiers": [OWNER.phones[0], f"telegram:user{OWNER.telegram}", OWNER.name]}),
    ]  # fmt: skip
    places: tuple[tuple[str, str, tuple[float, float], int, list[str]], ...] = (
        ("home", "home", HOME, 150, []), ("work", "work", WORK, 150, []), ("school", "school", SCHOOL, 150, [K2.id]),
        ("gym", "gym", GYM, 100, []),
    )  # fmt: skip
    for ident, kind, (lat, lon), radius, shared in places:
        more = {"shared_with": list(shared)} if shared else {}
        parts.append(
            _table("[[place]]", {"id": ident, "kind": kind, "lat": lat, "lon": lon, "radius_m": radius, **more})
        )
    parts.append(_table("[[source]]", {"match": "2025-*.gpx", "subject": "owner"}))
    parts.append(_table("[[source]]", {"match": "shared-*.gpx", "subject": K5.id}))
    for who, label, role in DECLARED:
        parts.append(
            _table("[[contact]]", {"id": who.id, "label": label, "role": role, "identifiers": identifiers(who)})
        )
    parts += [
        "[[notice]]\n"
        f'contact = "{K1.id}"\n'
        f"at = {writers.local(NOTICE_MS):%Y-%m-%dT%H:%M:%S}\n"
        'kind = "told_to_stop"\n'
        'basis = "message of the owner in WhatsApp"\n',
        "[[notice]]\n"
        f'contact = "{K1.id}"\n'
        f"at = {writers.local(ORDER_MS):%Y-%m-%dT%H:%M:%S}\n"
        'kind = "order_served"\n'
        'basis = "record of service"\n',
        "[[notice]]\n"
        f'contact = "{K5.id}"\n'
        f"at = {writers.local(GYM_NOTICE_MS):%Y-%m-%dT%H:%M:%S}\n"
        'kind = "told_to_stop"\n'
        'basis = "message of the owner"\n',
        _table("[[tracker]]", {"id": TRACKER, "contact": K1.id, "basis": "pairing record of the maker"}),
    ]
    return "\n".join(parts)


def readme(s: Scenario, files: Sequence[File]) -> str:
    """Return the page that explains the folder."""
    rows = "\n".join(f"| `{f.name}` | {f.what} | {f.counts.read} |" for f in files)
    people = "\n".join(
        f"| {contact_id(p)} | {next((label for q, label, _ in DECLARED if q is p), p.id)} | {VERDICTS[p.id][0]} |"
        for p in _people() if p not in (*COURIERS, *CODES)
    )  # fmt: skip
    nobody = sum(c.presentation != 1 for c in s.calls)
    return f"""# The example case

Nine months (2025-04-01 to 2025-12-31) in the life of a woman in Almaty, as her phone and her apps would export them.
Every person, number, account, message and place in it is invented; the numbers are of the series +7 701 000 xx xx and
+7 700 000 xx xx. `qorgan demo` builds a case from it.

| export | what it is | records |
|---|---|---|
{rows}

Together {sum(f.counts.read for f in files)} records. `case.toml` declares who is who, four places, three notices and
one tracker.

| contact | who | expected verdict (kz-115-1) |
|---|---|---|
{people}
| u-… ({len(COURIERS)} of them) | couriers | none |
| u-… ({len(CODES)} of them) | codes that nobody asked for | service |

What the case holds on purpose:

- a course of contact by a former partner with two numbers, WhatsApp, Telegram, visits, gifts, small payments and a
  tracker, before and after a dated notice ({writers.local(NOTICE_MS):%Y-%m-%d %H:%M}) and a block in WhatsApp
  ({writers.local(BLOCK_MS):%Y-%m-%d %H:%M});
- much that looks like one and is none: a co-parent, a neighbour at the door every morning, a debt collector with six
  numbers, couriers, codes, a wrong number, friends with busy chats;
- a man from the gym who is told to stop, and a number that nobody knows and that goes on two days later, at the same hours: a
  hypothesis, not a join; and his shared track, which on one Saturday runs behind the owner's;
- an evening of alarm with eight calls and a call back, calls for the former owner of a new line, a bailiff, six codes within
  a quarter of an hour that nobody asked for, and a tag that nobody knows and that changed its address on the way;
- a man who is known from the journal only, and {nobody} calls at night from withheld or unknown numbers, which belong to
  nobody;
- two overlapping backups of the same messages, of which the older holds {DELETED_BETWEEN} that were deleted later;
- records that cannot be used, so that a report has something to say about them: an SMS without time, a journal row of an
  unknown kind, two points without time; and records out of scope: drafts, the apps' own lines, a planned route.

`truth.toml` says what was put in: per contact the acts and occasions, per export the records. It is counted by the
generator from its own scenario, without qorgan's code. Every text that a person wrote holds the word `QORGANMARKER`; if
that word is found in a case folder, content has leaked. Pictures named by an app (`IMG-…`), the link of a sent location
and the apps' own lines do not hold it.

The folder is made by `python -m tools.make_examples`; do not edit it by hand. The zip is stored, not compressed, so that
every machine makes the same bytes.
"""


def make(folder: Path) -> None:
    """Write the whole folder.

    Parameters
    ----------
    folder : pathlib.Path
        Where to; made if it is not there. Files of ``exports`` that no longer belong to it are removed.
    """
    s = scenario()
    files = exports(s)
    target = folder / "exports"
    target.mkdir(parents=True, exist_ok=True)
    for stale in sorted(set(target.iterdir()) - {target / f.name for f in files}):
        stale.unlink()
    for f in files:
        (target / f.name).write_bytes(f.data)
    for name, text in (
        ("case.toml", case_toml()), ("truth.toml", truth_toml(s, files)), ("README.md", readme(s, files)),
    ):  # fmt: skip
        (folder / name).write_bytes(text.encode())


def main() -> None:
    """Read the command line and write the folder."""
    parser = argparse.ArgumentParser(description="Make the example case.")
    parser.add_argument("folder", nargs="?", type=Path, default=FOLDER, help="where to (default: data/examples)")
    make(parser.parse_args().folder)


if __name__ == "__main__":
    main()
