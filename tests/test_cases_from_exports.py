"""Small cases as real export files, through ingest and scoring: what a reader of the findings must be able to rely on."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from pipelines.cli import main
from pipelines.ingest import ingest
from pipelines.scoring import load_case, score_loaded, unmatched
from pipelines.statutes import profile

HEAD = '[case]\nid = "c"\ntimezone = "Asia/Almaty"\nbasis = "consent"\n\n[owner]\nname = "Aigerim"\nidentifiers = ["+77010000001"]\n'
K1 = '\n[[contact]]\nid = "K1"\nlabel = "Boris"\nrole = "{role}"\nidentifiers = ["+77010000002", "Boris"]\n'
HOME = '\n[[place]]\nid = "home"\nkind = "home"\nlat = 43.2389\nlon = 76.8897\nradius_m = 100\n'


def case_of(folder: Path, toml: str, **files: str) -> Path:
    """Make a case and ingest files into it; ``name__txt`` stands for ``name.txt``."""
    case, exports = folder / "case", folder / "in"
    case.mkdir()
    exports.mkdir()
    (case / "case.toml").write_text(toml)
    for name, text in files.items():
        (exports / name.replace("__", ".").replace("_", " ")).write_text(text)
    report = ingest(case, [exports])
    assert not report.failed and not report.waiting and not report.unknown, report
    return case


def found(case: Path, as_of: date | None = None) -> dict[str, Any]:
    """Score a case and return the document with its findings by contact."""
    document = score_loaded(load_case(case), profile("kz-115-1"), as_of).document
    return {**document, "by": {f["contact_id"]: f for f in document["findings"]}}


def sms(*rows: tuple[str, int, str]) -> str:
    """Return an SMS backup of (local time, type, address) rows."""
    lines = []
    for at, kind, address in rows:
        ms = int((datetime.fromisoformat(at) - timedelta(hours=5) - datetime(1970, 1, 1)).total_seconds() * 1000)
        lines.append(f'<sms address="{address}" date="{ms}" type="{kind}" body="x" status="-1" />')
    return "<?xml version='1.0'?>\n<smses>\n" + "\n".join(lines) + "\n</smses>\n"


def days(count: int, begin: str = "2025-10-01") -> list[str]:
    first = date.fromisoformat(begin)
    return [(first + timedelta(days=k)).isoformat() for k in range(count)]


def group(mention: str = "@\u2068Aigerim\u2069", answers: bool = True) -> str:
    lines = ['01.10.2025, 09:00 - Boris создал(-а) группу "друзья"', "01.10.2025, 09:01 - Carol: hi"]
    for day in days(40):
        d = f"{day[8:]}.{day[5:7]}.{day[:4]}"
        lines.append(f"{d}, 10:00 - Boris: {mention} hello")
        if answers:
            lines.append(f"{d}, 10:02 - Aigerim: @\u2068Boris\u2069 yes!")
    return "\n".join(lines) + "\n"


def test_friends_who_mention_each_other_in_a_group_are_no_course(tmp_path: Path) -> None:
    case = case_of(tmp_path, HEAD + K1.format(role="friend"), chat__txt=group())
    f = found(case)["by"]["K1"]
    assert f["indicators"]["acts"]["value"] == 40, "mentions are acts"
    assert f["verdict"] == "isolated", "but only calls, direct messages and requests build a course"


def test_who_the_owner_is_can_be_corrected_after_ingest_for_mentions_too(tmp_path: Path) -> None:
    wrong = HEAD.replace('name = "Aigerim"', 'name = "Carol"') + K1.format(role="friend")
    case = case_of(tmp_path, wrong, chat__txt=group())
    assert "K1" not in found(case)["by"] or found(case)["by"]["K1"]["indicators"]["acts"]["value"] == 0
    (case / "case.toml").write_text(HEAD + K1.format(role="friend"))
    assert found(case)["by"]["K1"]["indicators"]["acts"]["value"] == 40


def test_the_option_owner_takes_no_name_of_the_owner_away(tmp_path: Path) -> None:
    toml = (
        HEAD.replace('name = "Aigerim"', 'name = ""')
        + K1.format(role="friend")
        + '\n[[source]]\nmatch = "chat.txt"\nowner = "Aigerim"\n'
    )
    case = case_of(tmp_path, toml, chat__txt=group("@\u2068+7 701 000 00 01\u2069"))
    assert found(case)["by"]["K1"]["indicators"]["acts"]["value"] == 40


def test_sightings_of_somebody_unnamed_are_counted_beside_the_contacts(tmp_path: Path) -> None:
    rows = "".join(f"{d}T08:00,,waited,home\n" for d in days(5))
    case = case_of(tmp_path, HEAD + HOME, journal__csv="when,contact,kind,place\n" + rows)
    document = found(case)
    assert document["findings"] == [] and document["unidentified"]["acts"] == 5


def test_a_notice_after_the_last_record_is_listed_and_named(tmp_path: Path) -> None:
    toml = (
        HEAD
        + K1.format(role="unknown")
        + '\n[[notice]]\ncontact = "K1"\nat = 2025-12-05\nkind = "told_to_stop"\nbasis = "x"\n'
    )
    case = case_of(tmp_path, toml, sms__xml=sms(*((f"{d}T20:00:00", 1, "+77010000002") for d in days(12))))
    document = found(case)
    assert [(n["later"], n["effective"]) for n in document["notices"]] == [(True, False)]
    will = next(e for e in document["by"]["K1"]["elements"] if e["id"] == "against_will")
    assert will["unknown_because"] == "the refusal on file is dated after the scoring date"


def test_presence_of_the_role_earns_no_points(tmp_path: Path) -> None:
    rows = "".join(f"{d}T07:30,Boris,seen,home\n" for d in days(40))
    case = case_of(tmp_path, HEAD + HOME + K1.format(role="neighbour"), journal__csv="when,contact,kind,place\n" + rows)
    f = found(case)["by"]["K1"]
    assert f["indicators"]["habitual_acts"]["value"] == 40 and f["indicators"]["occasions_max_28d"]["value"] == 28
    points = {
        e["id"]: sum(i["points"] for i in e.get("indicators", []))
        for e in f["elements"]
        if e["need"] != "not_measurable"
    }
    assert {"contact_attempts", "tracking", "systematic", "against_will"} <= points.keys()
    assert set(points.values()) == {0}
    assert f["indicators"]["stated_acts"]["value"] == 40


def test_the_reason_prints_the_numbers_that_the_rule_compared(tmp_path: Path) -> None:
    toml = HEAD + HOME + K1.format(role="unknown")
    rows = (
        "2025-09-10T08:00,Boris,waited,home\n2025-09-12T08:00,Boris,waited,home\n2025-10-02T08:00,Boris,waited,home\n"
    )
    f = found(case_of(tmp_path, toml, journal__csv="when,contact,kind,place\n" + rows))["by"]["K1"]
    assert f["verdict"] == "emerging"
    assert "3 occasions on 3 days, 2 acts before the statute's commencement counted in as background" in f["reason"]


def test_what_was_said_at_the_notice_is_shown(tmp_path: Path) -> None:
    toml = (
        HEAD
        + K1.format(role="unknown")
        + '\n[[notice]]\ncontact = "K1"\nat = 2025-10-02\nkind = "order_served"\nbasis = "x"\n'
    )
    said = [(f"2025-10-02T{h:02d}:00:00", 2, "+77010000002") for h in range(8, 22)]
    after = [(f"{d}T20:00:00", 1, "+77010000002") for d in days(15, "2025-10-04")]
    f = found(case_of(tmp_path, toml, sms__xml=sms(*said, *after)))["by"]["K1"]
    assert f["verdict"] == "systematic" and f["indicators"]["outgoing"]["value"] == 0
    assert f["said_at_notice"]["events"] == 14 and len(f["said_at_notice"]["records"]) == 1


def test_an_unblock_is_shown_and_cancels_nothing(tmp_path: Path) -> None:
    lines = [f"{d[8:]}.{d[5:7]}.{d[:4]}, 20:00 - Boris: hi" for d in days(3)]
    lines += ["04.10.2025, 10:00 - Вы заблокировали этот контакт. Нажмите, чтобы разблокировать."]
    lines += ["05.10.2025, 10:00 - Вы разблокировали этот контакт."]
    lines += [f"{d[8:]}.{d[5:7]}.{d[:4]}, 21:00 - Boris: hi" for d in days(12, "2025-10-06")]
    case = case_of(tmp_path, HEAD + K1.format(role="unknown"), WhatsApp_Chat_with_Boris__txt="\n".join(lines) + "\n")
    document = found(case)
    assert document["by"]["K1"]["verdict"] == "systematic"
    assert [(u["contact_id"], u["at"]) for u in document["unblocked"]] == [("K1", "2025-10-05T05:00:00Z")]


def test_a_place_counts_only_while_it_is_hers(tmp_path: Path) -> None:
    toml = HEAD + HOME + "to = 2025-09-20\n" + K1.format(role="unknown")
    rows = "".join(f"{d}T08:00,Boris,seen,home\n" for d in days(5))
    f = found(case_of(tmp_path, toml, journal__csv="when,contact,kind,place\n" + rows))["by"]["K1"]
    assert f["indicators"]["tracking_occasions"]["value"] == 0 and f["indicators"]["visited_places"]["value"] == 0


@pytest.mark.parametrize("word", ["Private number", "RESTRICTED", "Скрытый номер", "Неизвестный", "Жасырын нөмір"])
def test_withheld_callers_in_words_are_nobody(tmp_path: Path, word: str) -> None:
    rows = sms(*((f"{d}T20:00:00", 1, word) for d in days(30)))
    calls = (
        rows.replace("<smses", "<calls")
        .replace("</smses", "</calls")
        .replace("<sms ", "<call ")
        .replace('address="', 'duration="0" number="')
    )
    document = found(case_of(tmp_path, HEAD, calls__xml=calls))
    assert document["findings"] == [] and document["unidentified"]["acts"] == 30


def test_a_call_with_a_begin_and_an_end_was_a_talk(tmp_path: Path) -> None:
    rows = "".join(f"{d}T10:00,{d}T10:10,Boris,call\n" for d in days(12))
    f = found(case_of(tmp_path, HEAD + K1.format(role="unknown"), journal__csv="when,until,contact,kind\n" + rows))[
        "by"
    ]["K1"]
    assert f["indicators"]["conversations"]["value"] == 12 and f["indicators"]["unanswered_occasions"]["value"] == 0


def test_what_matches_nothing_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    toml = HEAD + K1.format(role="unknown")
    toml += '\n[[tracker]]\nid = "AA:BB"\ncontact = "K1"\nbasis = "x"\n\n[[source]]\nmatch = "nothing*"\ntimezone = "Asia/Almaty"\n'
    toml += '\n[[notice_refused]]\nrecord = "0123456789ab#7"\nreason = "x"\n'
    case = case_of(tmp_path, toml, sms__xml=sms(("2025-10-01T10:00:00", 1, "+77010000002")))
    assert len(unmatched(load_case(case))) == 3
    assert main(["score", str(case)]) == 0
    assert "look at case.toml: [[tracker]] id 'AA:BB' is in no record of this case" in capsys.readouterr().out


def test_the_last_row_is_whole(tmp_path: Path) -> None:
    text = "when,until,contact,kind,place\n2025-10-01T23:30,2025-10-02T03:30,Boris,waited,home\n"
    f = found(case_of(tmp_path, HEAD + HOME + K1.format(role="unknown"), journal__csv=text))["by"]["K1"]
    assert f["indicators"]["dwell_s"]["value"] == 4 * 3600


def test_a_code_that_the_owner_called_is_no_service(tmp_path: Path) -> None:
    rows = sms(*((f"{d}T20:00:00", 1, "7111") for d in days(12)))
    call = '<calls><call number="7111" duration="60" date="1759312800000" type="2" presentation="1" /></calls>'
    assert [f["verdict"] for f in found(case_of(tmp_path, HEAD, sms__xml=rows, calls__xml=call))["findings"]] != [
        "service"
    ]


def test_a_proposed_id_takes_nobodys_journal_rows(tmp_path: Path) -> None:
    from pipelines.cli.ingest import undeclared

    rows = "".join(f"{d}T08:00,K1,waited,home\n" for d in days(5))
    case = case_of(
        tmp_path,
        HEAD + HOME,
        journal__csv="when,contact,kind,place\n" + rows,
        sms__xml=sms(("2025-10-01T10:00:00", 1, "+77010000009")),
    )
    assert not [line for line in undeclared(case) if 'id = "K1"' in line]


def test_a_finding_says_that_it_rests_on_the_journal_alone(tmp_path: Path) -> None:
    rows = "".join(f"{d}T08:00,Boris,waited,home\n" for d in days(5))
    case = case_of(tmp_path, HEAD + HOME + K1.format(role="unknown"), journal__csv="when,contact,kind,place\n" + rows)
    assert main(["report", str(case)]) == 0
    assert "All of this rests on the incident journal alone" in (case / "results" / "report.html").read_text()


def test_a_date_far_from_all_others_is_pointed_out(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = [(f"{d}T20:00:00", 1, "+77010000002") for d in days(12)]
    case = case_of(
        tmp_path, HEAD + K1.format(role="unknown"), sms__xml=sms(*rows, ("2033-01-01T10:00:00", 1, "+77010000002"))
    )
    assert main(["score", str(case)]) == 0
    said = capsys.readouterr().out
    assert (
        "1 of 13 rows lie more than 180 days after all others, the last on 2033-01-01" in said
        and "end on 2025-10-12" in said
    )
    assert main(["score", str(case), "--as-of", "2025-12-01"]) == 0
    assert "180 days" not in capsys.readouterr().out


def test_a_quiet_year_between_two_busy_ones_is_no_wrong_clock(tmp_path: Path) -> None:
    rows = [(f"{d}T20:00:00", 1, "+77010000002") for d in (*days(30, "2023-10-01"), *days(30))]
    case = case_of(tmp_path, HEAD + K1.format(role="unknown"), sms__xml=sms(*rows))
    assert main(["score", str(case)]) == 0
