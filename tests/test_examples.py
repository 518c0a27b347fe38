"""The example case: the same bytes every time, what its truth says is in its files, and the readers find just that."""

from __future__ import annotations

import csv
import hashlib
import io
import itertools
import json
import re
import shutil
import tomllib
import unicodedata
import zipfile
from collections import Counter
from datetime import UTC, datetime, timedelta, timezone
from functools import cache
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines import case_file, ingest, scoring, statutes
from pipelines.identifiers import phone_identifier
from pipelines.readers import all_readers, recognise
from pipelines.readers.base import Context
from tests.collect import Collected, collect, context, head_of
from tests.shared_data import ROOT
from tools import make_examples
from tools.example_scenario import CODES, K2, KASPI, LAW_MS, MARKER, Dice, Person, scenario

EXAMPLES = ROOT / "data" / "examples"
EXPORTS = EXAMPLES / "exports"
ALMATY = timezone(timedelta(hours=5))
#: the format that every export must be recognised as
READERS = {
    "2025-11-08_run.gpx": "gpx", "shared-2025-11.gpx": "gpx", "2025_APRIL.json": "google-semantic", "Timeline.json": "google-timeline",
    "WhatsApp Chat - Сауле.zip": "whatsapp-txt", "calls-20251231220000.xml": "sms-backup-xml", "checkins1.json": "swarm",
    "journal.csv": "journal", "result.json": "telegram-json", "sms-20251015213000.xml": "sms-backup-xml",
    "sms-20251231220500.xml": "sms-backup-xml", "Чат WhatsApp с контактом Данияр.txt": "whatsapp-txt",
    "Чат WhatsApp с контактом Ерлан.txt": "whatsapp-txt", "Чат WhatsApp с контактом Семья.txt": "whatsapp-txt",
}  # fmt: skip


@cache
def truth() -> dict[str, Any]:
    return tomllib.loads((EXAMPLES / "truth.toml").read_text(encoding="utf-8"))


@cache
def case() -> dict[str, Any]:
    return tomllib.loads((EXAMPLES / "case.toml").read_text(encoding="utf-8"))


def export(name: str) -> bytes:
    return (EXPORTS / name).read_bytes()


def contact(ident: str) -> dict[str, Any]:
    return next(c for c in truth()["contact"] if c["id"] == ident)


def owner_of() -> dict[str, str]:
    """Return the contact of every declared identifier."""
    return {i: c["id"] for c in case()["contact"] for i in c["identifiers"]}


def xml(name: str) -> ElementTree.Element:
    """Parse a backup; pairs of surrogate references are made one character first, as no strict parser takes them."""

    def pair(found: re.Match[str]) -> str:
        high, low = int(found[1]), int(found[2])
        return chr(0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00))

    text = re.sub(r"&#(5[5-6]\d{3});&#(5[6-7]\d{3});", pair, export(name).decode())
    return ElementTree.fromstring(text)


def member(source: dict[str, Any]) -> tuple[bytes, str, str | None]:
    """Return bytes, name and container of a source."""
    if "member" not in source:
        return export(source["file"]), source["file"], None
    with zipfile.ZipFile(EXPORTS / source["file"]) as archive:
        return archive.read(source["member"]), source["member"], source["file"]


def files_below(folder: Path) -> dict[str, bytes]:
    return {
        unicodedata.normalize("NFC", p.relative_to(folder).as_posix()): p.read_bytes()
        for p in folder.rglob("*") if p.is_file()
    }  # fmt: skip


# The generator ------------------------------------------------------------------------------------------------------


def test_the_generator_makes_the_shipped_bytes(tmp_path: Path) -> None:
    (tmp_path / "exports").mkdir()
    (tmp_path / "exports" / "left over.txt").write_text("from an older scenario")
    make_examples.make(tmp_path)
    made, shipped = files_below(tmp_path), files_below(EXAMPLES)
    assert sorted(made) == sorted(shipped)
    assert [name for name in made if made[name] != shipped[name]] == []


def test_the_size_is_as_promised() -> None:
    assert sum(len(data) for data in files_below(EXAMPLES).values()) < 1_500_000
    assert 4_000 <= sum(s["read"] for s in truth()["source"]) <= 8_000


def test_chance_is_the_same_everywhere() -> None:
    # random() alone is promised to stay the same over versions; these are its first values for one name
    dice = Dice("check")
    assert [dice.between(1, 1000) for _ in range(6)] == [769, 888, 366, 998, 339, 199]
    assert {Dice("check").between(3, 3) for _ in range(3)} == {3}


@given(st.lists(st.integers(0, 12 * 3_600_000), max_size=9))
def test_occasions_are_the_largest_set_of_acts_further_apart_than_the_window(times: list[int]) -> None:
    found = make_examples.occasions(times)
    assert sorted(ms for o in found for ms in o) == sorted(times)
    best = max(
        (len(pick) for size in range(len(times) + 1) for pick in itertools.combinations(sorted(times), size)
         if all(b - a > make_examples.WINDOW_MS for a, b in itertools.pairwise(pick))),
    )  # fmt: skip
    assert len(found) == best


def test_occasions_hold_the_last_moment_of_the_window() -> None:
    hour = make_examples.WINDOW_MS
    assert make_examples.occasions([0, hour, hour + 1, 2 * hour + 1]) == [[0, hour], [hour + 1, 2 * hour + 1]]


def test_an_impossible_split_at_the_date_of_the_law_is_refused() -> None:
    who = K2
    rows = [make_examples.Trace(who, LAW_MS + k * 600_000, "phone") for k in (-1, 1)]
    with pytest.raises(ValueError, match="across the law's date"):
        make_examples._contact_truth(who, rows, {})


# The truth against the files, without the readers -------------------------------------------------------------------


def test_truth_adds_up() -> None:
    for source in truth()["source"]:
        assert source["read"] == source["kept"] + source["rejected"] + source["out_of_scope"], source["file"]
    for who in truth()["contact"]:
        assert who["acts"] == who["acts_before_law"] + who["acts_since_law"] == sum(who["acts_by_way"].values()), who[
            "id"
        ]
        assert who["occasions_since_law"] <= who["acts_since_law"]
    assert len({c["id"] for c in truth()["contact"]}) == len(truth()["contact"])
    assert {p.name for p in EXPORTS.iterdir()} == {s["file"] for s in truth()["source"]} == set(READERS)


def test_calls_are_counted_right() -> None:
    into, out, nobody = Counter[str](), Counter[str](), 0
    for call in xml("calls-20251231220000.xml"):
        ident, _ = phone_identifier(call.attrib["number"], "KZ")
        if call.attrib["presentation"] != "1":
            assert ident is None
            nobody += 1
            continue
        assert ident is not None
        who = owner_of().get(ident) or make_examples.contact_id(
            Person("", "", (ident,))
        )  # an undeclared number is known by its hash
        (out if call.attrib["type"] == "2" else into)[who] += 1
        assert (int(call.attrib["duration"]) == 0) or call.attrib["type"] in ("1", "2")
    assert nobody == truth()["case"]["unidentified_acts"] > 10
    for who_truth in truth()["contact"]:
        assert into.pop(who_truth["id"], 0) == who_truth["acts_by_way"].get("phone", 0), who_truth["id"]
        assert out.pop(who_truth["id"], 0) == who_truth["outgoing_by_way"].get("phone", 0), who_truth["id"]
    assert not into and not out


def test_the_two_backups_overlap_as_told() -> None:
    def rows(name: str) -> list[tuple[str, ...]]:
        return [
            (e.tag, *(e.attrib.get(k, "") for k in ("address", "date", "type", "msg_box", "body", "m_id")))
            for e in xml(name)
        ]

    old, new = rows("sms-20251015213000.xml"), rows("sms-20251231220500.xml")
    assert len(set(old)) == len(old) and len(set(new)) == len(new)
    both = [r for r in set(old) & set(new) if r[3] != "3"]
    assert len(both) == truth()["case"]["duplicates"] > 100
    assert sum(r[0] == "mms" for r in both) == 1
    begin = min(int(r[2]) for r in new if r[2] != "0")
    deleted = [r for r in old if r not in new and int(r[2]) >= begin]
    assert len(deleted) == make_examples.DELETED_BETWEEN
    assert {r[1] for r in deleted} == {"+77010000002"}
    sms = Counter(owner_of().get(r[1], r[1]) for r in set(old) | set(new) if (r[3] or r[4]) == "1" and r[2] != "0")
    k1 = contact("K1")["acts_by_way"]
    assert sms["K1"] == k1["sms"] + k1["mms"]
    assert sms["F1"] == contact("F1")["acts_by_way"]["sms"]
    assert sms["Kaspi"] == contact(make_examples.contact_id(KASPI))["acts_by_way"]["sms"]


def test_chats_are_counted_right() -> None:
    for ident, name in (("K1", "Данияр"), ("K2", "Ерлан")):
        text = export(f"Чат WhatsApp с контактом {name}.txt").decode()
        into = len(re.findall(rf"^\d\d\.\d\d\.2025, \d\d:\d\d - {name}: ", text, re.M)) + text.count(
            "Пропущенный аудиозвонок"
        )
        out = len(re.findall(r"^\d\d\.\d\d\.2025, \d\d:\d\d - Айгерим: ", text, re.M))
        assert (into, out) == (contact(ident)["acts_by_way"]["whatsapp"], contact(ident)["outgoing_by_way"]["whatsapp"])
    group = export("Чат WhatsApp с контактом Семья.txt").decode()
    assert (
        group.count("@\u2068Айгерим\u2069") + group.count("добавил(-а) вас")
        == contact("M1")["acts_by_way"]["whatsapp"]
        == 4
    )


def test_the_notice_and_the_block_stand_where_the_case_says() -> None:
    lines = export("Чат WhatsApp с контактом Данияр.txt").decode().splitlines()
    at = case()["notice"][0]["at"]
    said = [k for k, line in enumerate(lines) if line.startswith(f"{at:%d.%m.%Y, %H:%M} - Айгерим: ")]
    assert len(said) == 1
    assert not [line for line in lines[said[0] + 1 :] if " - Айгерим: " in line], "the owner is silent after the notice"
    blocked = [k for k, line in enumerate(lines) if " - Вы заблокировали этот контакт." in line]
    assert blocked == [len(lines) - 1]
    assert contact("K1")["acts_after_notice"] > 300


def test_local_times_are_almaty() -> None:
    for call in itertools.islice(xml("calls-20251231220000.xml"), 50):
        local = datetime.fromtimestamp(int(call.attrib["date"]) / 1000, ALMATY)
        assert call.attrib["readable_date"].endswith(f"{local.year} г. {local:%H:%M:%S}")
    account = json.loads(export("result.json"))
    for message in (m for chat in account["chats"]["list"] for m in chat["messages"]):
        local = datetime.fromtimestamp(int(message["date_unixtime"]), ALMATY)
        assert message["date"] == f"{local:%Y-%m-%dT%H:%M:%S}"
    # the run: the track says UTC, the timeline says +05:00, and both speak of the same morning
    first = re.search(r"<trkpt[^>]*><ele>[^<]*</ele><time>([^<]*)</time>", export("2025-11-08_run.gpx").decode())
    assert first is not None
    run = datetime.fromisoformat(first[1])
    visits = [s for s in json.loads(export("Timeline.json"))["semanticSegments"] if "visit" in s]
    inside = [
        v["visit"]["topCandidate"]["placeId"] for v in visits
        if datetime.fromisoformat(v["startTime"]) <= run <= datetime.fromisoformat(v["endTime"])
    ]  # fmt: skip
    assert inside == ["ChIJexamplepark"]
    assert run.astimezone(ALMATY).hour == 7


def test_nights_are_quiet_but_for_the_two_who_call_then() -> None:
    night = Counter[str]()
    for call in xml("calls-20251231220000.xml"):
        local = datetime.fromtimestamp(int(call.attrib["date"]) / 1000, ALMATY)
        if 0 <= local.hour < 6:
            night["withheld" if call.attrib["presentation"] != "1" else owner_of().get(call.attrib["number"], "?")] += 1
    assert set(night) == {"K1", "withheld"}
    assert night["K1"] > 20


def test_visits_do_not_overlap_and_the_owner_is_where_the_journal_saw_her() -> None:
    visits = [s for s in json.loads(export("Timeline.json"))["semanticSegments"] if "visit" in s]
    for a, b in itertools.pairwise(visits):
        assert a["startTime"] < a["endTime"] < b["startTime"]
    rows = csv.DictReader(io.StringIO(export("journal.csv").decode()))
    for row in rows:
        if row["kind"] != "seen" or row["contact"] not in ("K2", "N1") or row["when"] < "2025-10-02":
            continue
        when = datetime.fromisoformat(row["when"]).replace(tzinfo=ALMATY)
        where = [
            v["visit"]["topCandidate"]["placeId"] for v in visits
            if datetime.fromisoformat(v["startTime"]) <= when <= datetime.fromisoformat(v["endTime"])
        ]  # fmt: skip
        assert where == ["ChIJexamplehome"], row["when"]


def test_calls_of_one_phone_do_not_overlap() -> None:
    calls = scenario().calls
    for a, b in itertools.pairwise(calls):
        assert a.ms + a.seconds * 1000 < b.ms


# Nobody real, and nothing that may leak -----------------------------------------------------------------------------


def test_numbers_are_invented_and_valid() -> None:
    numbers = {c.attrib["number"] for c in xml("calls-20251231220000.xml")} - {""}
    for name in ("sms-20251015213000.xml", "sms-20251231220500.xml"):
        numbers |= {e.attrib["address"] for e in xml(name)} - {"Kaspi", "7111"}
    numbers |= {i for c in case()["contact"] for i in c["identifiers"] if i.startswith("+")}
    numbers |= {n for n in case()["owner"]["identifiers"] if n.startswith("+")}
    account = json.loads(export("result.json"))
    numbers |= {c["phone_number"] for c in account["contacts"]["list"]} | {
        account["personal_information"]["phone_number"]
    }
    assert any(n.startswith("8701") for n in numbers), "dialled numbers are written as they were dialled"
    numbers -= {c.phones[0] for c in CODES}
    for number in numbers:
        ident, kind = phone_identifier(number, "KZ")
        assert kind == "phone" and ident is not None, number
        assert re.fullmatch(r"\+77(01|00)0000\d{3}", ident), number


def test_every_text_holds_the_marker_and_no_name_does() -> None:
    for name in ("sms-20251015213000.xml", "sms-20251231220500.xml"):
        for element in xml(name):
            assert MARKER not in element.attrib["contact_name"]
            if element.tag == "sms":
                assert MARKER in element.attrib["body"]
            else:
                assert MARKER in element.attrib["sub"]
                texts = [p.attrib["text"] for p in element.iter("part") if p.attrib["ct"] != "image/png"]
                assert len(texts) == 2 and all(MARKER in t for t in texts)
                assert MARKER in next(p.attrib["cl"] for p in element.iter("part") if p.attrib["ct"] == "image/png")
    plain = (
        "Без медиафайлов",
        "данное сообщение",
        "Данное сообщение",
        "изображение отсутствует",
        "местоположение:",
        "файл",
    )
    for name in (n for n in READERS if "WhatsApp" in n):
        source = next(s for s in truth()["source"] if s["file"] == name)
        data, _, _ = member(source)
        for line in re.split(r"\r?\n", data.decode()):
            body = re.match(r"\u200e?\[?[\d., :]+\]?(?: - )? ?([^:]+): (.*)", line)
            if body and not any(p in body[2] for p in plain) and "шифрованием" not in line:
                assert MARKER in body[2], line
            if body:
                assert MARKER not in body[1]
    account = json.loads(export("result.json"))
    for chat in account["chats"]["list"]:
        assert (MARKER in chat["name"]) == (chat["type"] == "private_group")
        for message in chat["messages"]:
            text = json.dumps(message["text"], ensure_ascii=False)
            assert message["text"] == "" or MARKER in text
            assert message["text"] != "" or message["type"] == "service" or MARKER in message["file_name"]
    assert {type(m["text"]) for c in account["chats"]["list"] for m in c["messages"]} == {str, list}
    for visit in (
        o["placeVisit"] for o in json.loads(export("2025_APRIL.json"))["timelineObjects"] if "placeVisit" in o
    ):
        assert MARKER in visit["location"]["address"] and MARKER in visit["location"]["name"]
    assert all(MARKER in i["venue"]["name"] for i in json.loads(export("checkins1.json"))["items"])
    assert all(MARKER in n for n in re.findall(r"<(?:name|desc)>([^<]*)", export("2025-11-08_run.gpx").decode()))
    rows = list(csv.DictReader(io.StringIO(export("journal.csv").decode())))
    assert all(MARKER in r["note"] and (not r["witness"] or MARKER in r["witness"]) for r in rows)
    assert sum(bool(r["witness"]) for r in rows) >= 4
    for name in READERS:
        assert MARKER not in name
    for name in ("case.toml", "truth.toml"):
        assert MARKER not in (EXAMPLES / name).read_text(encoding="utf-8")


# The readers --------------------------------------------------------------------------------------------------------


def test_the_case_file_is_accepted_without_a_warning() -> None:
    found = case_file.load(EXAMPLES / "case.toml")
    assert found.warnings == ()
    assert [c.id for c in found.contacts] == [c["id"] for c in case()["contact"]]
    assert [(n.contact, n.kind) for n in found.notices] == [
        ("K1", "told_to_stop"),
        ("K1", "order_served"),
        ("K5", "told_to_stop"),
    ]
    assert [(t.id, t.contact) for t in found.trackers] == [(truth()["case"]["tracker"], "K1")]


def the_context(name: str) -> Context:
    options = {k: v for s in case()["source"] if Path(name).match(s["match"]) for k, v in s.items() if k != "match"}
    contacts = [i for c in case()["contact"] for i in c["identifiers"]]
    return context("KZ", case()["owner"]["identifiers"], contacts, **options)


@cache
def read(name: str) -> Collected:
    source = next(s for s in truth()["source"] if s["file"] == name)
    data, inner, container = member(source)
    claims, verdict = recognise(head_of(data, inner, container))
    assert verdict == "known", claims
    assert claims[0][0] == READERS[name]
    return collect(all_readers()[READERS[name]], data, inner, the_context(name), container)


@pytest.mark.parametrize("name", sorted(READERS))
def test_the_reader_finds_what_was_put_in(name: str) -> None:
    source = next(s for s in truth()["source"] if s["file"] == name)
    found = read(name)
    assert found.conserved()
    assert (found.records, found.kept, len(found.rejects), found.scoped_out) == (
        source["read"], source["kept"], source["rejected"], source["out_of_scope"],
    )  # fmt: skip


@pytest.mark.parametrize("name", sorted(READERS))
def test_the_reader_lets_no_content_through(name: str) -> None:
    found = read(name)
    assert MARKER not in repr(
        (found.event_rows, found.position_rows, found.rejects, found.notes, found.covers, found.owners)
    )


@pytest.mark.parametrize("name", sorted(READERS))
def test_every_row_lies_in_the_nine_months(name: str) -> None:
    found = read(name)
    assert found.event_rows or found.position_rows
    for row in found.event_rows + found.position_rows:
        when = datetime.fromtimestamp(row["local_time"] // 1_000_000, UTC)
        assert datetime(2025, 3, 31, 18, tzinfo=UTC) <= when < datetime(2026, 1, 1, tzinfo=UTC)


def test_the_location_that_was_sent_is_at_home() -> None:
    found = read("Чат WhatsApp с контактом Данияр.txt")
    (share,) = found.position_rows
    home = next(p for p in case()["place"] if p["id"] == "home")
    assert share["kind"] == "share"
    assert abs(share["lat"] - home["lat"]) < 0.001 and abs(share["lon"] - home["lon"]) < 0.001
    assert [r["kind"] for r in found.event_rows].count("block") == truth()["case"]["device_notices"]


def test_mentions_and_replies_in_groups_are_directed() -> None:
    telegram = [r for r in read("result.json").event_rows if r["thread_kind"] == "group" and r["directed"] == "yes"]
    assert [r["identifier"] or r["sender"] for r in telegram] == ["telegram:user9990000222"] * 2
    family = [r for r in read("Чат WhatsApp с контактом Семья.txt").event_rows if r["directed"] == "yes"]
    assert len(family) == contact("M1")["acts_by_way"]["whatsapp"]


def known_as(row: dict[str, Any]) -> str | None:
    """Return the contact of a row as the case declares it, or the id that an undeclared one gets."""
    ident = row["identifier"] or row["sender"]
    if row.get("subject_id"):
        return {t["id"]: str(t["contact"]) for t in case()["tracker"]}.get(row["subject_id"])
    if ident is None:
        return None
    labels = {c["label"]: c["id"] for c in case()["contact"]} | {c["id"]: c["id"] for c in case()["contact"]}
    bare = re.sub(r"^\w+:(name:)?", "", ident)
    for form in (ident, bare):
        if form in owner_of() or form in labels:
            return owner_of().get(form) or labels[form]
    return "u-" + hashlib.sha256(ident.encode()).hexdigest()[:10]


def owners_own(row: dict[str, Any]) -> bool:
    own = set(case()["owner"]["identifiers"])
    return row["direction"] == "out" or (row["sender"] or "").removeprefix("whatsapp:name:") in own


WAYS = {
    "phone": ["calls-20251231220000.xml"], "sms": ["sms-20251015213000.xml", "sms-20251231220500.xml"],
    "whatsapp": [n for n in READERS if "WhatsApp" in n], "telegram": ["result.json"], "journal": ["journal.csv"],
}  # fmt: skip


@pytest.mark.parametrize("way", sorted(WAYS))
def test_every_contact_has_the_acts_that_were_put_in(way: str) -> None:
    acts, out = Counter[str | None](), Counter[str | None]()
    rows: Counter[tuple[Any, ...]] = Counter()
    for name in WAYS[way]:
        found = read(name)
        # the same message in two backups is one: the larger number of equal rows counts
        rows |= Counter(
            (r["channel"], known_as(r), r["local_time"], owners_own(r))
            for r in found.event_rows
            if r["kind"] != "block" and (r["thread_kind"] != "group" or r["directed"] == "yes")
        )
    for (_, who, _, own), times in rows.items():
        (out if own else acts)[who] += times
    channels = ("sms", "mms") if way == "sms" else (way,)
    for who in truth()["contact"]:
        assert acts.pop(who["id"], 0) == sum(who["acts_by_way"].get(c, 0) for c in channels), who["id"]
        assert out.pop(who["id"], 0) == sum(who["outgoing_by_way"].get(c, 0) for c in channels), who["id"]
    assert dict(acts) == ({None: truth()["case"]["unidentified_acts"]} if way == "phone" else {})
    assert not out


def test_sightings_and_the_tracker_are_there() -> None:
    found = read("journal.csv")
    presence = Counter(known_as(r) for r in found.position_rows if r["subject"] == "contact")
    tracker = Counter(known_as(r) for r in found.position_rows if r["subject"] == "tracker")
    for who in truth()["contact"]:
        assert presence.pop(who["id"], 0) == who["acts_by_way"].get("presence", 0), who["id"]
        assert tracker.pop(who["id"], 0) == who["acts_by_way"].get("tracker", 0), who["id"]
    assert not presence
    assert tracker == {None: 3 * len(truth()["case"]["linked_trackers"])}, "rows of tags that nobody is assigned to"
    assert [r["ts_precision"] for r in found.position_rows].count("evening") == 1


# The whole way: ingest, resolve, score -------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def scored(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """Ingest and score the example case once; give its folder and the document of its findings."""
    folder = tmp_path_factory.mktemp("example") / "case"
    folder.mkdir()
    shutil.copy(EXAMPLES / "case.toml", folder)
    ingest.ingest(folder, [EXPORTS])
    return folder, scoring.score_loaded(scoring.load_case(folder), statutes.profile("kz-115-1")).document


def test_findings_say_what_was_put_in(scored: tuple[Path, dict[str, Any]]) -> None:
    findings = {f["contact_id"]: f for f in scored[1]["findings"]}
    for who in truth()["contact"]:
        found = findings.pop(who["id"], None)
        if found is None:
            assert (who["acts"], who["verdict"]) == (0, "none"), f"{who['id']} has acts and no finding"
            continue
        assert found["verdict"] == who["verdict"], (who["id"], found["reason"])
        assert "otherwise" not in who or found["otherwise"] == who["otherwise"], who["id"]
        value = {name: indicator["value"] for name, indicator in found["indicators"].items()}
        assert (value["acts"], value["occasions"]) == (who["acts_since_law"], who["occasions_since_law"]), who["id"]
        before = found["before_law"]
        assert (before["acts"], before["occasions"]) == (who["acts_before_law"], who["occasions_before_law"]), who["id"]
        if "acts_after_notice" in who:
            assert value["after_notice_acts"] == who["acts_after_notice"]
            assert value["after_notice_occasions"] == who["occasions_after_notice"]
        for name, number in who.get("measures", {}).items():
            assert value[name] == number, (who["id"], name)
    assert not findings, "findings about contacts whom the scenario does not know"


def test_the_case_as_a_whole_is_as_told(scored: tuple[Path, dict[str, Any]]) -> None:
    document, told = scored[1], truth()["case"]
    assert (document["case_id"], document["as_of"]) == (told["id"], told["as_of"])
    assert document["unidentified"]["acts"] == told["unidentified_acts"]
    assert Counter((n["contact_id"], n["basis"], n["effective"]) for n in document["notices"]) == {
        ("K1", "declared", True): 2, ("K1", "device", True): told["device_notices"], ("K5", "declared", True): 1,
    }  # fmt: skip
    assert sum(c["duplicate"] for c in document["coverage"]) == told["duplicates"]
    counts = [
        (c["read"], c["kept"] + c["duplicate"], c["rejected"], c["out_of_scope"])
        for c in document["coverage"]
    ]  # fmt: skip
    wanted = [(s["read"], s["kept"], s["rejected"], s["out_of_scope"]) for s in truth()["source"]]
    assert sorted(counts) == sorted(wanted)


def test_the_number_that_goes_on_is_a_hypothesis_and_no_join(scored: tuple[Path, dict[str, Any]]) -> None:
    findings = {f["contact_id"]: f for f in scored[1]["findings"]}
    who, candidate = truth()["case"]["hypothesis"]
    offered = {f: [h["contact_id"] for h in findings[f]["hypotheses"]] for f in (who, candidate)}
    assert offered == {who: [candidate], candidate: [who]}
    one = findings[who]["hypotheses"][0]
    assert findings[who]["verdict"] == "emerging"
    assert one["with"]["verdict"] == "systematic"
    assert one["points"] == sum(r["points"] for r in one["reasons"]) >= 4
    assert [f for f, x in findings.items() if x["hypotheses"] and f not in (who, candidate)] == []


def test_codes_and_tags_belong_to_nobody(scored: tuple[Path, dict[str, Any]]) -> None:
    document, told = scored[1], truth()["case"]
    (burst,) = document["code_bursts"]
    by_identifier = {i: f["contact_id"] for f in document["findings"] for i in f["identifiers"]}
    assert sorted(by_identifier[s] for s in burst["senders"]) == told["code_burst"]
    tags = {t["tracker_id"]: t for t in document["unattributed_trackers"]}
    assert sorted(tags) == told["linked_trackers"]
    first, second = (tags[t] for t in told["linked_trackers"])
    assert first["linked_to"] == [told["linked_trackers"][1]]
    assert (first["travels_with_owner"], second["travels_with_owner"]) == (True, True)


def test_no_content_lies_in_the_case_folder(scored: tuple[Path, dict[str, Any]]) -> None:
    folder, document = scored
    assert MARKER not in json.dumps(document, ensure_ascii=False)
    kinds = Counter[str]()
    for path in (p for p in folder.rglob("*") if p.is_file()):
        kinds[path.suffix] += 1
        assert MARKER.encode() not in path.read_bytes(), path.name
        if path.suffix == ".parquet":  # its pages are compressed
            table = pq.read_table(path)
            assert MARKER not in repr((table.to_pylist(), table.schema.metadata)), path.name
    assert kinds[".parquet"] >= 3
