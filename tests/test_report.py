"""The report: one file that refers to nothing but itself, the same bytes for the same findings, every number that of the findings."""

from __future__ import annotations

import base64
import hashlib
import html.parser
import json
import re
import shutil
import time
from dataclasses import replace
from datetime import date
from itertools import pairwise
from pathlib import Path
from typing import Any

import lxml.html
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detector.schema import EVENTS
from pipelines.cli import main
from pipelines.report import plots, words
from pipelines.report.html import render
from pipelines.report.schedule import LIMIT, Line, Notice, Schedule, schedule
from pipelines.report.view import View, shown_text
from pipelines.scoring import load_case, score_loaded, to_bytes
from pipelines.statutes import in_force, profile
from pipelines.store import custody
from pipelines.store.verify import verify
from tests.build import CaseBuilder
from tests.report_cases import STATUTE, example, example_folder, example_report, loaded_of, page_of, view_of

HOSTILE = [
    "<img src=x onerror=1>", "=cmd|' /C calc'!A0", "\x1b]0;title\x07\x1b[31mred", "a\u202egnirts\u202c", "</style><script>1</script>",
    "{{ 7 * 7 }}", "&lt;b&gt;", "@SUM(A1)", "\ufffe\x00\u2028", "-->", "javascript:alert(1)", '"><a href=http://x>',
]  # fmt: skip


@pytest.fixture(scope="module")
def page() -> Any:
    return parsed(example_report().decode())


def parsed(text: str) -> Any:
    return lxml.html.document_fromstring(text.encode(), parser=lxml.html.HTMLParser(encoding="utf-8"))


def text_of(element: Any) -> str:
    return " ".join(element.text_content().split())


def value_of(cell: Any) -> int:
    """Return the value that a cell shows: a whole number, or yes and no."""
    words_ = {"yes": 1, "no": 0}
    return words_[text_of(cell)] if text_of(cell) in words_ else number(cell)


def number(cell: Any) -> int:
    """Return the whole number that a cell begins with."""
    found = re.match(r"[+−]?[\d\u202f]+", text_of(cell).replace(" ", "\u202f"))
    assert found, text_of(cell)
    return int(found[0].replace("\u202f", "").replace("−", "-").replace("+", ""))


def articles(page: Any) -> dict[str, Any]:
    """Return the section of every shown contact by its id."""
    return {a.xpath("string(h3/bdi[1])"): a for a in page.xpath("//article")}


# -- the file -------------------------------------------------------------------------------------------------------


def test_the_same_bytes_wherever_the_case_lies(tmp_path: Path) -> None:
    shutil.copytree(example_folder(), tmp_path / "elsewhere" / "copy")
    loaded = load_case(tmp_path / "elsewhere" / "copy")
    again = render(score_loaded(loaded, profile(STATUTE)), loaded, profile(STATUTE))
    outcome, first = example()
    assert render(outcome, first, profile(STATUTE)) == example_report() == again
    assert str(tmp_path).encode() not in again and str(example_folder()).encode() not in example_report()


def check_closed(text: str) -> None:
    """The page forbids itself everything, holds no script, and refers to nothing but itself."""
    page = parsed(text)
    (policy,) = page.xpath("//meta[@http-equiv='Content-Security-Policy']/@content")
    parts = dict(p.strip().partition(" ")[::2] for p in policy.split(";"))
    (style,) = re.findall(r"<style>(.*?)</style>", text, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert parts == {
        "default-src": "'none'", "style-src": f"'sha256-{digest}'", "img-src": "data:", "base-uri": "'none'", "form-action": "'none'",
    }  # fmt: skip
    assert "<script" not in text.lower() and "@import" not in style and "url(" not in style
    for element in page.iter():
        for name, value in element.attrib.items():
            assert not name.startswith("on") and name != "style", (element.tag, name)
            if name in ("src", "href", "data", "action", "srcset", "poster"):
                assert value.startswith("#"), value
    assert not page.xpath("//iframe|//object|//embed|//link|//img|//form|//base|//script")


def test_it_is_closed_and_refers_to_nothing_outside() -> None:
    text = example_report().decode()
    check_closed(text)
    assert "http" not in text.replace("http-equiv", "")


class _Balance(html.parser.HTMLParser):
    VOID = {"meta", "br", "hr", "img", "input", "link", "wbr"}

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert len({a for a, _ in attrs}) == len(attrs)
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open and self.open.pop() == tag, tag

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        pass


def check_well_formed(text: str) -> None:
    balance = _Balance()
    balance.feed(text)
    assert balance.open == []
    page = parsed(text)
    ids = page.xpath("//@id")
    assert len(ids) == len(set(ids))
    for link in page.xpath("//@href"):
        assert link[1:] in ids
    for name in page.xpath("//@aria-labelledby"):
        assert name in ids
    for name in re.findall(r"url\(#([^)]+)\)", text):
        assert name in ids
    levels = [int(h.tag[1]) for h in page.xpath("//h1|//h2|//h3|//h4|//h5|//h6")]
    assert levels[0] == 1 and levels.count(1) == 1
    assert all(b <= a + 1 for a, b in pairwise(levels))
    assert page.get("lang") == "en"
    assert [len(page.xpath(f"//{t}")) for t in ("header", "nav", "main", "footer")] == [1, 1, 1, 1]
    for table in page.xpath("//table"):
        assert table[0].tag == "caption" and text_of(table[0])
        assert all(th.get("scope") for th in table.xpath(".//th"))
        width = {sum(int(c.get("colspan", 1)) for c in row) for row in table.xpath(".//tr")}
        assert len(width) == 1, text_of(table[0])
    for figure in page.xpath("//figure"):
        (svg,) = figure.xpath(".//svg")
        assert svg.get("role") == "img" and text_of(svg.xpath("./title")[0])
        assert text_of(figure.xpath("./figcaption")[0])


def test_it_is_well_formed_and_its_links_resolve() -> None:
    check_well_formed(example_report().decode())


def test_style_serves_narrow_screens_and_grey_print() -> None:
    (style,) = re.findall(r"<style>(.*?)</style>", example_report().decode(), re.DOTALL)
    assert "@media print" in style and "max-width: 40rem" in style and "@font-face" not in style


def test_no_content_and_no_unfair_word() -> None:
    text = example_report().decode()
    assert "QORGANMARKER" not in text
    plain = parsed(text).text_content().lower()
    for word in ("stalker", "victim", "perpetrator", "offender", "suspect", "accused", "guilty", "harasser"):
        assert word not in plain, word
    assert "pattern consistent with the measurable elements" in " ".join(plain.split())
    assert "are no probability" in plain


# -- what it says ---------------------------------------------------------------------------------------------------


def test_every_contact_has_one_line_with_its_numbers(page: Any) -> None:
    document = example()[0].document
    rows = {r[0].text_content(): r for r in page.xpath("//table[contains(@class, 'contacts')]/tbody/tr")}
    assert sorted(rows) == sorted(f["contact_id"] for f in document["findings"])
    for f in document["findings"]:
        row, ind = rows[f["contact_id"]], f["indicators"]
        assert row[1].text_content() == f["label"] and row[2].text_content() == f["verdict"]
        assert number(row[3]) == f["points"]
        for cell, name in zip((4, 5, 6, 8), ("acts", "occasions", "unwanted_occasions", "outgoing"), strict=True):
            assert number(row[cell]) == ind[name]["value"]
        after = ind["after_notice_acts"]["value"]
        assert text_of(row[7]) == ("no notice" if after is None else str(after))
        assert (text_of(row[9]) == "–") == (f["first_met"] is None)


def test_only_contacts_with_a_verdict_have_a_section(page: Any) -> None:
    document = example()[0].document
    assert set(articles(page)) == {f["contact_id"] for f in document["findings"] if f["verdict"] != "none"}


def test_every_number_of_the_worked_sum_is_that_of_the_findings(page: Any) -> None:
    for contact, article in articles(page).items():
        f = next(x for x in example()[0].document["findings"] if x["contact_id"] == contact)
        (table,) = article.xpath(".//table[contains(@class, 'sum')]")
        rows = {r.xpath("string(th/code)"): r for r in table.xpath("./tbody/tr[th/code]")}
        expected = [(e, line) for e in f["elements"] for line in e.get("indicators", [])]
        assert list(rows) == [line["id"] for _, line in expected] + [a["id"] for a in f["against"]]
        running = 0
        for _, line in expected:
            row = rows[line["id"]]
            running += line["points"]
            if line["value"] is None:
                assert text_of(row[1]) == "cannot be told"
            else:
                assert value_of(row[1]) == line["value"]
            threshold = line["threshold"]
            assert text_of(row[2]).startswith("none" if threshold is None else threshold.split()[0])
            assert threshold is None or number_in(row[2]) == int(threshold.split()[1])
            assert words.ORIGINS[line["origin"]] in text_of(row[3])
            assert line["source"].removeprefix("[P]: ") in text_of(row[3])
            assert (number(row[4]), number(row[5])) == (line["points"], running)
            records = sum(sizes(f["indicators"][line["id"]]["records"]))
            assert text_of(row[6]).startswith(f"{words.number(records)} record" if records else "no record")
        for a in f["against"]:
            running += a["points"]
            row = rows[a["id"]]
            assert (value_of(row[1]), number(row[4]), number(row[5])) == (a["value"], a["points"], running)
        total = table.xpath("./tfoot/tr")[0]
        assert number(total[1]) == number(total[2]) == f["points"] == running
        assert f"of at most {f['points_max']}" in text_of(total[0])
        badges = table.xpath(".//span[contains(@class, 'badge')]")
        assert [text_of(b) for b in badges] == [words.STATUSES[e["status"]] for e in f["elements"]]
        titles = [e["title"] for e in f["elements"] if e["status"] == "not_measurable"]
        assert all(f"{t}: it would take" in text_of(article) for t in titles)


def number_in(cell: Any) -> int:
    found = re.search(r"-?[\d\u202f]+", cell.text_content())
    assert found
    return int(found[0].replace("\u202f", ""))


def sizes(ids: list[str]) -> list[int]:
    out = []
    for text in ids:
        low, dash, high = text.partition("#")[2].partition("-")
        out.append(int(high) - int(low) + 1 if dash else 1)
    return out


def test_verdict_reason_moments_and_notices_are_said(page: Any) -> None:
    document = example()[0].document
    for contact, article in articles(page).items():
        f = next(x for x in document["findings"] if x["contact_id"] == contact)
        text = text_of(article)
        assert f"{f['verdict']}: {words.VERDICTS[f['verdict']]}. {f['reason']}" in text
        assert (f["otherwise"] is not None) == ("the verdict would be" in text)
        assert ("No dated refusal to this contact is on file" in text) == (
            not any(n["contact_id"] == contact for n in document["notices"])
        )
        (met,) = article.xpath(".//dt[starts-with(., 'Every measurable')]/following-sibling::dd[1]")
        assert (text_of(met) == "never") == (f["first_met"] is None)
    k1 = text_of(articles(page)["K1"])
    assert (
        "2025-10-02 18:30:00 +05:00: told to stop (declared in the case file: message of the owner in WhatsApp). Holds."
        in k1
    )
    assert "2025-11-01 20:15:00 +05:00: blocked (recorded by a device, record 64bc161dbd52#121). Holds." in k1
    assert "2025-10-02 22:40:05 +05:00" in k1


def test_what_speaks_against_has_its_own_heading_and_the_same_numbers(page: Any) -> None:
    for contact, article in articles(page).items():
        f = next(x for x in example()[0].document["findings"] if x["contact_id"] == contact)
        assert [h.text_content() for h in article.xpath(".//h4")].count("What speaks against a pattern") == 1
        (box,) = article.xpath(".//div[contains(@class, 'fair')]")
        for a in f["against"]:
            assert f"{words.measured(a['value'], a['unit'])} (" in text_of(box)
        both = {text_of(r[0]): r for r in article.xpath(".//table[contains(@class, 'small')][1]/tbody/tr")}
        for word, name in (("Outgoing events of the owner", "outgoing"), ("of these: replies", "replies"),
                           ("of these: initiatives", "initiatives")):  # fmt: skip
            assert number(both[word][1]) == f["indicators"][name]["value"]


def test_sources_rejects_parameters_and_hashes_are_all_there(page: Any) -> None:
    outcome, loaded = example()
    document = outcome.document
    rows = {
        r[0].text_content(): r
        for r in page.xpath("//section[@aria-labelledby='sources']//table[1]/tbody/tr")
        if len(r) == 9
    }
    assert len(rows) == len(document["coverage"]) == 14
    for s in document["coverage"]:
        row = rows[s["source_id"]]
        counts = [number(row[i]) for i in range(2, 7)]
        assert counts == [s[k] for k in ("read", "kept", "duplicate", "rejected", "out_of_scope")]
        assert counts[0] == sum(counts[1:])
        assert s["sha256"] in text_of(row) and s["format"] in text_of(row)
        assert [li.text_content() for li in row.xpath(".//li")] == s["notes"]
    rejects = page.xpath("//section[@aria-labelledby='rejects']//tbody/tr")
    stored = loaded.resolved.rejects.to_pylist()
    assert [(text_of(r[1]), text_of(r[2])) for r in rejects] == [(x["record"], x["reason"]) for x in stored]
    text = text_of(page)
    for name, p in document["parameters"].items():
        assert name in text and p["source"] in text
    assert document["produced_by"]["code"] in text
    assert hashlib.sha256(to_bytes(document)).hexdigest() in text
    assert profile(STATUTE).text["kk"] in text and profile(STATUTE).text["ru"] in text
    assert f"{document['unidentified']['acts']} incoming acts came from withheld" in text


def test_robustness_is_said() -> None:
    case = CaseBuilder()
    case.notice("K1", "2025-10-01 12:00")
    for day in range(1, 9):  # two acts a day, thirty hours in all apart: fewer occasions with a longer window
        case.message("K1", f"2025-10-0{day} 18:00")
    view = view_of(case)
    f = view.finding("K1")
    text = text_of(parsed(page_of(case)))
    r = f["robustness"]
    assert r["flips"], "a day as window makes one occasion of two acts"
    assert f"{r['tested']} changes that could touch this contact were tried, one at a time (" in text
    assert f"{len(r['flips'])} give another verdict, from {r['weakest']} to {r['strongest']}." in text
    for flip in r["flips"]:
        assert f"{flip['change']}: it becomes {flip['verdict']} ({flip['why']})." in text


def test_what_is_measured_beside_the_sum_is_all_there(page: Any) -> None:
    findings = {f["contact_id"]: f for f in example()[0].document["findings"]}
    for contact, article in articles(page).items():
        f = findings[contact]
        (table,) = article.xpath(".//table[@class='beside']")
        shown = {r.xpath("string(th/code)") for r in table.xpath("./tbody/tr")}
        summed = {line["id"] for e in f["elements"] for line in e.get("indicators", [])} | {
            a.indicator for a in profile("kz-115-1").against
        }
        assert shown == {i for i, x in f["indicators"].items() if i not in summed and x["value"]}, contact


def test_a_hypothesis_is_shown_side_by_side() -> None:
    article = articles(parsed(example_report().decode()))["K5"]
    text = text_of(article)
    f = next(x for x in example()[0].document["findings"] if x["contact_id"] == "K5")
    (h,) = f["hypotheses"]
    assert f"{h['contact_id']} ({', '.join(h['identifiers'])}) may be K5: {h['points']} points" in text
    assert f"without: {f['verdict']}, {f['points']} points" in text
    assert f"with: {h['with']['verdict']}, {h['with']['points']} points" in text


def test_codes_and_tags_that_belong_to_nobody_are_told() -> None:
    text = text_of(parsed(example_report().decode()).xpath("//section[@aria-labelledby='nobody']")[0])
    assert "6 messages of 6 senders" in text
    assert text.count("travels with the owner") == 2
    assert text.count("it may be the same tag as") == 2


# -- the schedule ---------------------------------------------------------------------------------------------------


def occasions(s: Schedule) -> list[Line]:
    return [x for x in s.law.lines if isinstance(x, Line)]


def test_the_columns_of_the_schedule_add_up_to_the_findings() -> None:
    view = View(*example())
    for f in view.document["findings"]:
        s, ind = schedule(view, f["contact_id"]), f["indicators"]
        lines = occasions(s)
        assert s.law.occasions == len(lines) == ind["occasions"]["value"]
        assert s.law.acts == sum(x.acts for x in lines) == ind["acts"]["value"]
        assert s.before.occasions == f["before_law"]["occasions"] and s.before.acts == f["before_law"]["acts"]
        for name, counted in (("unanswered", "unanswered_occasions"), ("unwanted", "unwanted_occasions")):
            assert sum(name in x.counted for x in lines) == ind[counted]["value"] == getattr(s.law, counted)
        after = ind["after_notice_occasions"]["value"]
        assert sum("after" in x.counted for x in lines) == s.law.after_occasions == (after or 0)
        assert sum(x.after for x in lines) == s.law.after == (ind["after_notice_acts"]["value"] or 0)
        first = sum(int(m) for m in re.findall(r"out: (\d+) \(", " ".join(s.first_outgoing)))
        assert first + s.law.outgoing + s.before.outgoing == ind["outgoing"]["value"]
        assert sum(sum(sizes(list(x.ids))) + x.ids_more for x in lines) == s.law.records


def test_the_schedule_of_the_page_is_the_schedule(page: Any) -> None:
    view = View(*example())
    for contact, article in articles(page).items():
        s = schedule(view, contact)
        rows = article.xpath(".//table[contains(@class, 'schedule')]/tbody/tr[count(*) = 10]")
        shown = [x for part in (s.before, s.law) for x in part.lines if isinstance(x, Line)]
        assert len(rows) == len(shown)
        for row, x in zip(rows, shown, strict=True):
            assert text_of(row[1]) == x.begin + (f" – {x.end}" if x.end else "")
            assert [number(row[i]) for i in (4, 5, 6, 7)] == [x.acts, x.unanswered, x.unwanted, x.after]
            assert ["●" in row[i].text_content() for i in (5, 6, 7)] == [
                w in x.counted for w in ("unanswered", "unwanted", "after")
            ]
            assert row.xpath("string(td[last()]/div[@class='id'])") == ", ".join(x.ids)


def test_an_occasion_says_what_when_where_and_what_came_back() -> None:
    case = CaseBuilder()
    case.place("home")
    case.call("K1", "2025-10-03 18:00:05", tags="rejected")
    case.call("K1", "2025-10-03 18:10:00", answered=True, duration=90)
    case.message("K1", "2025-10-03 18:20:00", channel="whatsapp")
    case.message("K1", "2025-10-03 18:30:00", channel="whatsapp")
    case.seen("K1", "2025-10-03 18:40", place="home", precision="min")
    case.message("K1", "2025-10-03 19:30:00", out=True, channel="whatsapp")
    case.waited("K1", "2025-10-05 evening", place="home")
    s = schedule(view_of(case), "K1")
    first, second = occasions(s)
    assert (first.begin, first.end, first.acts) == ("2025-10-03 18:00:05", "18:40:00", 5)
    assert sorted(first.device) == ["phone in: 1 answered call", "phone in: 1 rejected call", "whatsapp in: 2 messages"]
    assert first.stated == ("in person: 1 sighting (seen)",) and first.places == ("home",)
    assert first.owner == ("whatsapp out: 1 (first 2025-10-03 19:30:00, 1 reply)",)
    assert first.unanswered == 1 and first.witness == "not stated"
    assert (second.begin, second.end) == ("2025-10-05 evening", "")
    assert second.stated == ("in person: 1 waiting",) and second.owner == ()


def test_what_was_written_down_later_stands_beside_what_happened(page: Any) -> None:
    lines = [x for x in occasions(schedule(View(*example()), "S1")) if x.stated]
    assert lines[0].begin == "2025-09-29 19:40" and lines[0].written == ("2025-09-29 23:10",)
    assert {x.witness for x in lines} == {"yes", "not stated"}
    text = text_of(articles(page)["S1"])
    assert "stated by a person: in person: 1 waiting" in text
    assert "written down 2025-09-29 23:10; witness: not stated" in text


def test_notices_stand_among_the_occasions_with_their_effect() -> None:
    case = CaseBuilder()
    case.notice("K1", "2025-10-05 12:00")
    case.notice("K1", "2025-10-07 12:00", refused=True)
    for day in (3, 6, 9):
        case.message("K1", f"2025-10-0{day} 18:00")
    s = schedule(view_of(case), "K1")
    kinds = [x.effect if isinstance(x, Notice) else x.number for x in s.law.lines]
    assert kinds == [1, "holds", 2, "refused by the analyst", 3]
    assert [x.after for x in occasions(s)] == [0, 1, 1]


def test_a_long_schedule_shows_its_beginning_and_counts_the_rest() -> None:
    case = CaseBuilder()
    case.notice("K1", "2025-10-01 00:00")
    for i in range(LIMIT + 37):
        case.message("K1", f"2025-{10 + i // 240:02d}-{2 + i % 240 // 10:02d} {2 * (i % 10):02d}:00")
    view = view_of(case)
    s = schedule(view, "K1")
    assert (s.law.occasions, len(occasions(s)), s.law.more) == (LIMIT + 37, LIMIT, 37)
    assert s.law.acts == s.law.records == view.finding("K1")["indicators"]["acts"]["value"] == LIMIT + 37
    text = text_of(parsed(page_of(case)))
    assert "37 more occasions are not written out here; all their records are in the findings." in text
    assert f"Since 2025-09-16 ({LIMIT + 37} occasions, {LIMIT + 37} acts, {LIMIT + 37} records)" in text


def test_twenty_thousand_occasions_take_a_few_seconds() -> None:
    case = CaseBuilder(as_of=None)
    for i in range(200):
        case.message("K1", f"2025-10-{1 + i // 10:02d} {i % 24:02d}:{i % 60:02d}")
    view = view_of(case)
    # the rows repeated and moved on in time, so that building the case does not cost more than what is tested
    loaded = loaded_of(case)
    events = loaded.resolved.tables.events
    n = 20_000
    take = np.arange(n) % len(events)
    at = view.state.valid_from + np.arange(n, dtype=np.int64) * 3_700_000_000
    columns: dict[str, Any] = {f.name: events[f.name].take(pa.array(take)) for f in EVENTS}
    columns |= {k: pa.array(at, pa.int64()) for k in ("ts", "ts_min", "ts_max", "local_time")}
    columns |= {"n": pa.array(np.arange(1, n + 1), pa.int64())}
    columns["event_id"] = pa.array([f"a00000000000#{i + 1}" for i in range(n)], pa.string())
    columns["record"] = pa.array([f"line:{i + 1}" for i in range(n)], pa.string())
    table = pa.Table.from_arrays([columns[f.name] for f in EVENTS], schema=EVENTS)
    tables = replace(loaded.resolved.tables, events=table)
    loaded = replace(loaded, resolved=replace(loaded.resolved, tables=tables, last_local_us=int(at[-1])))
    outcome = score_loaded(loaded, profile(STATUTE))
    assert outcome.document["findings"][0]["indicators"]["occasions"]["value"] == n
    begin = time.process_time()
    data = render(outcome, loaded, profile(STATUTE))
    assert time.process_time() - begin < 4
    assert len(data) < 2_000_000
    assert f"{words.number(n - LIMIT)} more occasions" in data.decode()


# -- hostile and empty cases ----------------------------------------------------------------------------------------


def hostile_page(name: str) -> str:
    case = CaseBuilder()
    case.contact("K1", identifiers=(f"raw:{name}",))
    case.place(name)
    case.notice("K1", "2025-10-01 10:00")
    for day in range(2, 9):
        case.message("K1", f"2025-10-0{day} 18:00")
    case.seen("K1", "2025-10-09 18:00", place=name)
    case.tracker(name, "2025-10-09 19:00")
    case.coverage("2025-09-01", "2026-01-01", channel="sms", scope="thread", scope_id=name)
    source = {
        "source_id": "a00000000000", "name": name, "container": name, "bytes": 1, "sha256": "a0" * 32, "format": "x", "reader": "x",
        "reader_version": 1, "options": "{}", "owner_identifiers": "[]", "notes": name.replace("\n", " "), "read": 8, "kept": 7,
        "rejected": 1, "out_of_scope": 0,
    }  # fmt: skip
    reject = {"source_id": "a00000000000", "record": name, "n": 8, "reason": name}
    return page_of(case, labels={"K1": name}, notes={"K1": name}, sources=[source], rejects=[reject])


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_are_shown_harmlessly(name: str) -> None:
    text = hostile_page(name)
    check_closed(text)
    check_well_formed(text)
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff\ufffe]", text)
    page = parsed(text)
    assert not page.xpath("//img") and "49" not in page.xpath("string(//article/h3)")
    cells = [c.text_content().strip() for c in page.xpath("//td|//th|//bdi")]
    assert not any(c.startswith(("=", "@")) for c in cells)
    expected = shown_text(name)
    assert page.xpath("string(//table[contains(@class, 'contacts')]/tbody/tr/td[1])") == " ".join(expected.split("\n"))


@given(st.text())
def test_no_text_acts_on_anything_once_it_is_shown(text: str) -> None:
    shown = shown_text(text)
    assert not re.search("[\x00-\x1f\x7f-\x9f\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]", shown)
    assert not shown.startswith(("=", "@", "-")) or shown[1:].replace(" ", "").isdigit()
    assert shown_text(shown) == shown  # the filter runs over what it has made: nothing is escaped twice
    assert len(shown_text(text, 10)) <= 10


def test_ordinary_names_stay_as_they_are() -> None:
    for name in ("Ержан Әлімұлы", "+77010000001", "+7 701 000 00 01", "K1 (брат)", "محمد", "👩‍👧", "a = b", "-5"):
        assert shown_text(name) == name


def test_a_case_without_any_contact_has_a_report() -> None:
    text = page_of(CaseBuilder())
    check_closed(text)
    check_well_formed(text)
    plain = text_of(parsed(text))
    assert "No contact shows anything that the rules count as a pattern." in plain
    assert "0 of 0 contacts show nothing" in plain and "None is on file." in plain


def test_a_case_in_which_nobody_is_shown_has_a_report() -> None:
    case = CaseBuilder()
    for day in (3, 6):
        case.message("K1", f"2025-10-0{day} 18:00")
        case.message("K1", f"2025-10-0{day} 18:05", out=True)
    case.coverage("2025-09-01", "2026-06-01", channel="sms", classes="message")
    case.message("K2", "2025-10-20 18:00")
    case.call(None, "2025-10-21 18:00")
    case.tracker("AA:BB", "2025-10-09 19:00")
    view = view_of(case)
    assert {f["verdict"] for f in view.document["findings"]} <= {"none", "reciprocal"}
    text = page_of(case)
    check_closed(text)
    check_well_formed(text)
    plain = text_of(parsed(text))
    assert "AA:BB: 1 sighting" in plain and "1 incoming act came from withheld" in plain
    assert "No contact shows a pattern consistent with every measurable element" in plain


def test_every_statute_that_ships_can_be_reported() -> None:
    case = CaseBuilder()
    case.notice("K1", "2025-10-01 10:00")
    for day in range(2, 9):
        case.message("K1", f"2025-10-0{day} 18:00")
    loaded = loaded_of(case)
    for statute in map(profile, in_force()):
        text = render(score_loaded(loaded, statute, date(2026, 6, 1)), loaded, statute).decode()
        check_well_formed(text)
        assert statute.provision in text


# -- the command ----------------------------------------------------------------------------------------------------


@pytest.fixture
def case_folder(tmp_path: Path) -> Path:
    shutil.copytree(example_folder(), tmp_path / "case")
    return tmp_path / "case"


def last_entry(folder: Path) -> dict[str, Any]:
    line = (folder / custody.NAME).read_text("utf-8").splitlines()[-1]
    entry: dict[str, Any] = json.loads(line)
    return entry


def test_the_command_writes_the_report_and_its_custody(case_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["report", str(case_folder)]) == 0
    data = (case_folder / "results" / "report.html").read_bytes()
    assert data == example_report()
    entry = last_entry(case_folder)
    assert entry["command"] == "report"
    assert entry["results"] == [{"name": "results/report.html", "sha256": hashlib.sha256(data).hexdigest()}]
    assert verify(case_folder) == []
    assert "report.html" in capsys.readouterr().out


def test_a_file_elsewhere_is_written_whole_and_its_hash_recorded(case_folder: Path, tmp_path: Path) -> None:
    target = tmp_path / "Ivan Ivanov.html"
    target.write_text("old")
    assert main(["report", str(case_folder), "-o", str(target), "--as-of", "2025-12-01"]) == 0
    data = target.read_bytes()
    assert b"as of 2025-12-01" in data
    entry = last_entry(case_folder)
    assert hashlib.sha256(data).hexdigest() in entry["note"] and "Ivan" not in json.dumps(entry)
    assert "--as-of=2025-12-01" in entry["arguments"]
    assert verify(case_folder) == []
    assert sorted(p.name for p in tmp_path.iterdir()) == ["Ivan Ivanov.html", "case"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["-o", "{tmp}/no/such/r.html"], "there is no folder"),
        (["-o", "{tmp}"], "is a folder"),
        (["-o", "{case}/case.toml"], "lies in the case itself"),
        (["-o", "{case}/results/other.html"], "there is no folder|lies in the case itself"),
        (["-o", "{tmp}/r.PDF"], "PDF comes with a later version"),
        (["--lang", "ru"], "comes with a later version"),
        (["--lang", "kk", "-o", "{tmp}/r.html"], "comes with a later version"),
        (["--statute", "xx-1"], "xx-1"),
        (["--as-of", "soon"], "is no date"),
    ],
)
def test_wrong_use_is_one_sentence_and_changes_nothing(
    case_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], said: str
) -> None:
    before = {p: p.read_bytes() for p in tmp_path.rglob("*") if p.is_file()}
    given_ = [a.format(tmp=tmp_path, case=case_folder) for a in arguments]
    assert main(["report", str(case_folder), *given_]) == 2
    error = capsys.readouterr().err.strip()
    assert re.search(said, error) and "\n" not in error and "Traceback" not in error
    assert {p: p.read_bytes() for p in tmp_path.rglob("*") if p.is_file()} == before


def test_a_case_without_records_is_told_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "new"
    folder.mkdir()
    shutil.copy(example_folder() / "case.toml", folder)
    assert main(["report", str(folder)]) == 2
    assert "qorgan ingest" in capsys.readouterr().err
    assert not (folder / "results").exists()


def test_captions_say_what_a_plot_does_not_show(page: Any) -> None:
    shown = {text_of(c) for c in page.xpath("//figcaption")}
    assert shown == {" ".join(c.split()) for c in (plots.TIMELINE_CAPTION, plots.HOUR_WEEKDAY_CAPTION, plots.PLACES_CAPTION,
                                                   plots.COMPARISON_CAPTION)}  # fmt: skip
    assert all(" not " in c or "no verdict" in c for c in shown)
