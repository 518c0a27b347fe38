"""Resolve: what ``case.toml`` says now decides people, clocks, duplicates and notices, without any original."""

from __future__ import annotations

import random
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detector.schema import EVENTS, NOTICES, PLACES, POSITIONS, validate
from pipelines.case_model import Moment
from pipelines.errors import UserError
from pipelines.resolve import moment_utc, resolve
from pipelines.resolve.identity import undeclared_id
from pipelines.resolve.source_options import options_for
from pipelines.store import StoreTables
from tests.stored import CASE, K1, Store, column, parse, sid, us

HOUR = 3_600_000_000
DAY = 24 * HOUR
K2 = '[[contact]]\nid = "K2"\nidentifiers = ["+77010000003", "Saule"]\n'


def source(match: str, **options: str) -> str:
    """Return a ``[[source]]`` table."""
    return f'[[source]]\nmatch = "{match}"\n' + "".join(f'{k} = "{v}"\n' for k, v in options.items())


def chat(s: Store, at: str, sender: str, **more: Any) -> str:
    """Add a row of a chat that names senders instead of directions."""
    columns = {
        "channel": "whatsapp",
        "direction": "unknown",
        "sender": f"whatsapp:name:{sender}",
        "thread_id": "t1",
        "zone_basis": "case",
        **more,
    }
    return s.event(at, columns.pop("identifier", None), **columns)


# Direction, sender, the peer of a thread --------------------------------------------------------------------------------


def test_direction_by_sender() -> None:
    s = Store()
    one, two = chat(s, "2025-10-06T10:00:00", "Daniyar"), chat(s, "2025-10-06T10:01:00", "Aigerim")
    resolved = s.resolve()
    assert column(resolved, "direction") == {one: "in", two: "out"}
    assert column(resolved, "actor") == {one: "contact", two: "owner"}
    # the owner's rows belong to the thread's only other sender
    assert column(resolved, "contact_id") == {one: "K1", two: "K1"}


def test_outgoing_to_a_thread_with_several_others_belongs_to_nobody() -> None:
    s = Store()
    chat(s, "2025-10-06T10:00:00", "Daniyar")
    chat(s, "2025-10-06T10:01:00", "Saule")
    mine = chat(s, "2025-10-06T10:02:00", "Aigerim")
    assert column(s.resolve(CASE + K1 + K2), "contact_id")[mine] is None


def test_a_thread_with_the_owner_alone_belongs_to_nobody() -> None:
    s = Store()
    mine = chat(s, "2025-10-06T10:02:00", "Aigerim")
    resolved = s.resolve()
    assert (column(resolved, "direction")[mine], column(resolved, "contact_id")[mine]) == ("out", None)


def test_a_named_peer_is_taken_as_it_is() -> None:
    s = Store()
    mine = chat(s, "2025-10-06T10:02:00", "Aigerim", identifier="whatsapp:name:Saule")
    assert column(s.resolve(CASE + K1 + K2), "contact_id")[mine] == "K2"


def test_a_peer_that_is_the_owners_own_name_is_none() -> None:
    """Some exports name the thread after the exporter: the peer is then the other sender."""
    s = Store()
    mine = chat(s, "2025-10-06T10:02:00", "Aigerim", identifier="whatsapp:name:Aigerim")
    chat(s, "2025-10-06T10:03:00", "Daniyar", identifier="whatsapp:name:Aigerim")
    assert set(column(s.resolve(), "contact_id").values()) == {"K1"}
    assert column(s.resolve(), "identifier")[mine] == "whatsapp:name:Daniyar"


def test_threads_of_two_files_are_two_threads() -> None:
    """Both files call their thread t1; the silent one does not borrow the other's peer."""
    s = Store()
    chat(s, "2025-10-06T10:00:00", "Daniyar", source="a")
    mine = chat(s, "2025-10-06T10:01:00", "Aigerim", source="b")
    assert column(s.resolve(), "contact_id")[mine] is None


def test_threads_without_id_do_not_run_into_each_other() -> None:
    s = Store()
    chat(s, "2025-10-06T10:00:00", "Daniyar", source="a", thread_id=None)
    mine = chat(s, "2025-10-06T10:01:00", "Aigerim", source="b", thread_id=None)
    assert column(s.resolve(), "contact_id")[mine] is None


def test_groups_have_senders_and_no_peer() -> None:
    s = Store()
    theirs = chat(s, "2025-10-06T10:00:00", "Daniyar", thread_kind="group", identifier="whatsapp:group")
    mine = chat(s, "2025-10-06T10:01:00", "Aigerim", thread_kind="group", identifier="whatsapp:group")
    found = column(s.resolve(), "contact_id")
    assert (found[theirs], found[mine]) == ("K1", None)


def test_the_owner_may_be_told_by_name_by_option_or_by_the_file() -> None:
    case = CASE.replace('"Aigerim"', '"A."') + K1
    s = Store()
    s.source("a", "chat.txt")
    row = chat(s, "2025-10-06T10:00:00", "Айка")
    assert column(s.resolve(case), "direction")[row] == "in"
    assert column(s.resolve(case + source("chat.txt", owner="Айка")), "direction")[row] == "out"
    assert column(s.resolve(case + source("chat.txt", owner="whatsapp:name:Айка")), "direction")[row] == "out"
    assert column(s.resolve(case + source("other.txt", owner="Айка")), "direction")[row] == "in"
    assert column(s.resolve(case.replace('"A."', '"Айка"')), "direction")[row] == "out"
    told = Store()
    told.source("a", "chat.txt", owners=("whatsapp:name:Айка",))
    row = chat(told, "2025-10-06T10:00:00", "Айка")
    assert column(told.resolve(case), "direction")[row] == "out"


@pytest.mark.parametrize("name", ["unknown", "null", "-1", "(unknown)"])
def test_an_owner_option_that_elsewhere_stands_for_nobody(name: str) -> None:
    s = Store()
    s.source("a", "chat.txt")
    row = chat(s, "2025-10-06T10:00:00", name)
    assert column(s.resolve(CASE + K1 + source("chat.txt", owner=name)), "direction")[row] == "out"


def test_an_owner_of_one_file_is_not_the_owner_in_another() -> None:
    s = Store()
    s.source("a", "a.txt", owners=("Mama",))
    one = chat(s, "2025-10-06T10:00:00", "Mama", source="a")
    two = chat(s, "2025-10-06T10:00:00", "Mama", source="b")
    assert column(s.resolve(), "direction") == {one: "out", two: "in"}


def test_directions_that_a_file_states_are_not_overruled() -> None:
    s = Store()
    row = chat(s, "2025-10-06T10:00:00", "Aigerim", direction="in")
    assert column(s.resolve(), "direction")[row] == "in"


def test_actors_that_a_file_states_stay() -> None:
    s = Store()
    row = s.event("2025-10-06T10:00:00", "+77010000002", kind="third_party", actor="third")
    plain = s.event("2025-10-06T10:01:00", "+77010000002", direction="out")
    assert column(s.resolve(), "actor") == {row: "third", plain: "owner"}


# Corrections without the originals --------------------------------------------------------------------------------------


def test_a_corrected_region_reads_numbers_again() -> None:
    s = Store()
    row = s.event("2025-10-06T10:00:00", "raw:030901820", identifier_raw="030 901820", identifier_kind="raw")
    with_de = CASE.replace('basis = "consent"', 'basis = "consent"\nregion = "DE"')
    assert column(s.resolve(), "identifier")[row] == "raw:030901820"
    assert column(s.resolve(with_de), "identifier")[row] == "+4930901820"
    declared = with_de + '[[contact]]\nid = "B"\nidentifiers = ["030 901820"]\n'
    assert column(s.resolve(declared), "contact_id")[row] == "B"


def test_a_corrected_case_id_is_the_id_of_every_row() -> None:
    s = Store()
    s.event("2025-10-06T10:00:00", "+77010000002")
    s.position("2025-10-06T10:00:00")
    resolved = s.resolve(CASE.replace('id = "c1"', 'id = "2025-0417"'))
    assert resolved.tables.case_id == "2025-0417"
    assert {*column(resolved, "case_id").values(), *column(resolved, "case_id", "positions").values()} == {"2025-0417"}


def test_a_corrected_zone_of_a_source_moves_its_rows_and_no_others() -> None:
    s = Store()
    s.source("a", "phone.txt")
    floating = s.event("2023-10-06T10:00:00", "+77010000002", zone_basis="case")
    exact = s.event("2023-10-06T10:00:00", "+77010000002", zone_basis="utc")
    stated = s.event("2023-10-06T10:00:00", "+77010000002", zone_basis="stated", stated_offset_s=7200)
    other = s.event("2023-10-06T10:00:00", "+77010000002", zone_basis="case", source="b")
    before, after = s.resolve(), s.resolve(CASE + K1 + source("phone.txt", timezone="Asia/Aqtobe"))
    ts = column(before, "ts")
    assert [ts[r] - us("2023-10-06T10:00:00") for r in (floating, exact, stated, other)] == [
        -6 * HOUR,
        0,
        -2 * HOUR,
        -6 * HOUR,
    ]
    moved = column(after, "ts")
    assert {r for r in moved if moved[r] != ts[r]} == {floating}
    assert moved[floating] == ts[floating] + HOUR
    assert [column(x, "zone_basis")[floating] for x in (before, after)] == ["case", "source"]
    assert [column(x, "utc_offset")[floating] for x in (before, after)] == [21_600, 18_000]
    fixed = s.resolve(CASE + K1 + source("phone.*", timezone="+03:00"))
    assert column(fixed, "ts")[floating] == us("2023-10-06T07:00:00")


def test_the_offset_in_force_is_that_of_the_owners_clock() -> None:
    s = Store()
    old = s.event("2023-10-06T10:00:00", "+77010000002", zone_basis="utc")
    new = s.event("2024-10-06T10:00:00", "+77010000002", zone_basis="utc")
    assert column(s.resolve(), "utc_offset") == {old: 21_600, new: 18_000}


def test_the_doubled_hour_in_a_file_is_told_apart_by_its_order() -> None:
    """The night of 2024-03-01 in Almaty: the clock showed 23:00 to 24:00 twice."""
    s = Store()
    times = ["2024-02-29T22:00:00", "2024-02-29T23:40:00", "2024-02-29T23:20:00", "2024-03-01T00:30:00"]
    rows = [s.event(t, "+77010000002", zone_basis="case", ts_precision="min") for t in times]
    open_ = s.event("2024-02-29T23:30:00", "+77010000002", zone_basis="case", ts_precision="min", source="b")
    resolved = s.resolve()
    assert [column(resolved, "fold")[r] for r in (*rows, open_)] == [0, 0, 1, 0, 0]
    low, high = column(resolved, "ts_min"), column(resolved, "ts_max")
    assert [high[r] - low[r] + 1 for r in (*rows, open_)] == [60_000_000] * 4 + [HOUR + 60_000_000]
    assert column(resolved, "ts")[rows[2]] == us("2024-02-29T18:20:00")


def test_file_order_is_that_of_n_not_of_the_table() -> None:
    s = Store()
    for n, t in (
        (3, "2024-02-29T23:20:00"),
        (1, "2024-02-29T22:00:00"),
        (4, "2024-03-01T00:30:00"),
        (2, "2024-02-29T23:40:00"),
    ):
        s.event(t, "+77010000002", zone_basis="case", n=n)
    resolved = s.resolve()
    assert resolved.tables.events["n"].to_pylist() == [1, 2, 3, 4]
    assert resolved.tables.events["fold"].to_pylist() == [0, 0, 1, 0]


def test_options_are_those_of_ingest_one_by_one() -> None:
    """Two tables may each say a part; an exact name goes before a pattern."""
    case = (
        CASE
        + K1
        + source("chat.txt", owner="Айка")
        + source("*.txt", timezone="+03:00")
        + source("*", timezone="+03:00")
    )
    s = Store()
    s.source("a", "chat.txt")
    row = chat(s, "2025-10-06T10:00:00", "Айка")
    resolved = s.resolve(case)
    assert (column(resolved, "direction")[row], column(resolved, "utc_offset")[row]) == ("out", 10_800)
    exact = s.resolve(case + source("chat.txt", timezone="+04:00"))
    assert column(exact, "utc_offset")[row] == 14_400
    by_id = s.resolve(CASE + K1 + source(sid("a"), timezone="+02:00"))
    assert column(by_id, "utc_offset")[row] == 7_200


def test_options_that_contradict_are_an_error_that_names_the_file() -> None:
    s = Store()
    s.source("a", "chat.txt", container="x.zip")
    chat(s, "2025-10-06T10:00:00", "Айка")
    with pytest.raises(UserError, match=r"x\.zip!chat\.txt: two \[\[source\]\] tables .* timezone"):
        s.resolve(CASE + source("*.txt", timezone="+03:00") + source("chat*", timezone="+04:00"))


def test_a_member_of_an_archive_is_matched_by_both_names() -> None:
    case = parse(CASE + source("x.zip!*.txt", owner="Айка"))
    assert options_for(case, "0" * 12, "chat.txt", "x.zip") == {"owner": "Айка"}
    assert options_for(case, "0" * 12, "chat.txt", "y.zip") == {}


# Positions --------------------------------------------------------------------------------------------------------------


def test_whose_track_it_is_may_be_corrected() -> None:
    s = Store()
    s.source("p", "run.gpx")
    row = s.position("2025-10-06T10:00:00", lat=43.2, lon=76.9)
    journal = s.position("2025-10-06T11:00:00", kind="seen", subject="contact", identifier="label:K2", how="journal")
    for case, subject, contact in (
        (CASE + K1 + K2, "owner", None),
        (CASE + K1 + K2 + source("run.gpx", subject="K1"), "contact", "K1"),
        (CASE + K1 + K2 + source("*.gpx", subject="K2"), "contact", "K2"),
        (CASE + K1 + K2 + source("*.gpx", subject="owner"), "owner", None),
    ):
        resolved = s.resolve(case)
        assert (column(resolved, "subject", "positions")[row], column(resolved, "contact_id", "positions")[row]) == (
            subject,
            contact,
        )
        # what a person wrote down of somebody is not touched
        assert column(resolved, "contact_id", "positions")[journal] == "K2"


def test_a_subject_that_the_case_no_longer_names_is_the_owner_again() -> None:
    s = Store()
    s.source("p", "run.gpx", options={"subject": "K1"})
    row = s.position("2025-10-06T10:00:00", subject="contact", identifier="K1", lat=43.2, lon=76.9)
    named = s.resolve(CASE + K1 + source("run.gpx", subject="K1"))
    assert column(named, "contact_id", "positions")[row] == "K1"
    resolved = s.resolve(CASE + K1)
    assert (column(resolved, "subject", "positions")[row], column(resolved, "contact_id", "positions")[row]) == (
        "owner",
        None,
    )


def test_positions_that_are_sent_belong_to_the_sender() -> None:
    s = Store()
    theirs = s.position("2025-10-06T10:00:00", kind="share", sender="whatsapp:name:Daniyar", lat=43.2, lon=76.9)
    mine = s.position(
        "2025-10-06T10:01:00",
        kind="share",
        sender="whatsapp:name:Aigerim",
        subject="contact",
        identifier="x",
        lat=43.2,
        lon=76.9,
    )
    resolved = s.resolve()
    assert column(resolved, "subject", "positions") == {theirs: "contact", mine: "owner"}
    assert column(resolved, "contact_id", "positions") == {theirs: "K1", mine: None}
    assert column(resolved, "identifier", "positions") == {theirs: "whatsapp:name:Daniyar", mine: None}


def tracker(contact: str, name: str) -> str:
    return f'[[tracker]]\nid = "{name}"\ncontact = "{contact}"\nbasis = "pairing record"\n'


def test_trackers_belong_to_nobody_until_the_case_says_so() -> None:
    s = Store()
    tag = s.position("2025-10-06T10:00:00", kind="tracker_alert", subject="tracker", subject_id="AA:BB")
    bare = s.position("2025-10-06T11:00:00", kind="tracker_found", subject="tracker")
    owner = s.position("2025-10-06T12:00:00", subject_id="AA:BB")
    assert set(column(s.resolve(), "contact_id", "positions").values()) == {None}
    by_tag = s.resolve(CASE + K1 + tracker("K1", "AA:BB"))
    assert column(by_tag, "contact_id", "positions") == {tag: "K1", bare: None, owner: None}
    by_id = s.resolve(CASE + K1 + tracker("K1", bare))
    assert column(by_id, "contact_id", "positions") == {tag: None, bare: "K1", owner: None}


def test_an_attributed_witness_attributes_the_event() -> None:
    """The row that the case names may become a witness when a second export is ingested."""
    s = Store()
    named = s.position("2025-10-06T10:00:00", kind="tracker_alert", subject="tracker", lat=43.2, lon=76.9, source="q")
    kept = s.position("2025-10-06T10:00:00", kind="tracker_alert", subject="tracker", lat=43.2, lon=76.9, source="p")
    resolved = s.resolve(CASE + K1 + tracker("K1", named))
    assert column(resolved, "duplicate_of", "positions") == {named: kept, kept: None}
    assert column(resolved, "contact_id", "positions")[kept] == "K1"


def test_ends_of_visits_have_their_own_clock() -> None:
    s = Store()
    fold = s.position("2024-02-29T22:00:00", kind="visit", local_end=us("2024-03-01T01:00:00"), zone_basis="case")
    own = s.position("2025-10-06T10:00:00", kind="visit", local_end=us("2025-10-06T12:00:00"), zone_basis="stated",
                     stated_offset_s=18_000, end_offset_s=21_600)  # fmt: skip
    same = s.position(
        "2025-10-06T10:00:00",
        kind="visit",
        local_end=us("2025-10-06T12:00:00"),
        zone_basis="stated",
        stated_offset_s=18_000,
    )
    wrong = s.position("2025-10-06T10:00:00", kind="visit", local_end=us("2025-10-06T09:00:00"), zone_basis="utc")
    point = s.position("2025-10-06T10:00:00", zone_basis="utc")
    resolved = s.resolve()
    length = {
        r: e - b
        for (r, b), e in zip(
            column(resolved, "ts", "positions").items(), column(resolved, "ts_end", "positions").values(), strict=True
        )
    }
    assert length == {fold: 4 * HOUR, own: HOUR, same: 2 * HOUR, wrong: 0, point: 0}


# Duplicates of a whole case ---------------------------------------------------------------------------------------------


def test_one_message_in_three_exports_is_one_event_with_two_witnesses() -> None:
    """The same SMS with milliseconds, with seconds, with minutes; sources in any order, and the witnesses say by how much they differ."""
    s = Store()
    coarse = s.event("2025-10-06T10:00:00", "+77010000002", source="a", ts_precision="min")
    fine = s.event(us("2025-10-06T10:00:30") + 250_000, "+77010000002", source="b", ts_precision="ms")
    middle = s.event("2025-10-06T10:00:30", "+77010000002", source="c", ts_precision="s")
    alone = s.event("2025-10-06T10:01:30", "+77010000002", source="c", ts_precision="s")
    resolved = s.resolve()
    assert column(resolved, "duplicate_of") == {coarse: fine, fine: None, middle: fine, alone: None}
    witnesses = {w["witness_id"]: w for w in resolved.witnesses.to_pylist()}
    assert {k: (w["event_id"], w["difference_us"]) for k, w in witnesses.items()} == {
        coarse: (fine, -30_250_000), middle: (fine, -250_000),
    }  # fmt: skip
    assert resolved.duplicates == {sid("a"): 1, sid("c"): 1}


def test_a_thread_of_two_is_known_by_the_other_side_not_by_its_id() -> None:
    s = Store()
    one = s.event("2025-10-06T10:00:00", "telegram:user222", source="a", thread_id="chat1")
    s.event("2025-10-06T10:00:00", "telegram:user222", source="b", thread_id="other-id")
    group = s.event("2025-10-06T10:00:00", "telegram:user222", source="a", thread_id="g1", thread_kind="group")
    s.event("2025-10-06T10:00:00", "telegram:user222", source="b", thread_id="g2", thread_kind="group")
    found = column(s.resolve(), "duplicate_of")
    assert sorted(v for v in found.values() if v) == [one]
    assert found[group] is None


@pytest.mark.parametrize(
    "change",
    [{"channel": "mms"}, {"kind": "call"}, {"direction": "out"}, {"identifier": "+77010000003"}, {"how": "journal"}],
)
def test_what_differs_is_no_duplicate(change: dict[str, Any]) -> None:
    s = Store()
    s.event("2025-10-06T10:00:00", "+77010000002", source="a")
    columns: dict[str, Any] = {"identifier": "+77010000002", **change}
    s.event("2025-10-06T10:00:00", columns.pop("identifier"), source="b", **columns)
    assert set(column(s.resolve(), "duplicate_of").values()) == {None}


@pytest.mark.parametrize("order", [("+77010000002", "+77010000003"), ("+77010000003", "+77010000002")])
def test_a_record_counts_as_duplicate_only_with_all_its_rows(order: tuple[str, str]) -> None:
    s = Store()
    s.event("2025-10-06T10:00:00", "+77010000002", source="a")
    s.event("2025-10-06T10:00:00", order[0], source="b")
    s.event("2025-10-06T10:00:00", order[1], source="b", same=True, sub=2)
    s.event("2025-10-06T11:00:00", "+77010000002", source="b")
    resolved = s.resolve()
    assert len(resolved.witnesses) == 1
    assert resolved.duplicates.get(sid("b"), 0) == 0
    s.event("2025-10-06T11:00:00", "+77010000002", source="a")
    assert s.resolve().duplicates == {sid("b"): 1}


def test_positions_are_duplicates_by_place_too() -> None:
    s = Store()
    one = s.position("2025-10-06T10:00:00", source="a", lat=43.2, lon=76.9)
    two = s.position("2025-10-06T10:00:00", source="b", lat=43.2, lon=76.9)
    s.position("2025-10-06T10:00:00", source="b", lat=43.2001, lon=76.9)
    found = column(s.resolve(), "duplicate_of", "positions")
    assert {k: v for k, v in found.items() if v} == {two: one}


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_the_order_of_the_store_does_not_matter(data: st.DataObject) -> None:
    """Rows and sources in any order give the same resolved tables; what is kept and what is a witness adds up."""
    s = Store()
    for _ in range(data.draw(st.integers(1, 12))):
        s.event(f"2025-10-06T10:{data.draw(st.integers(0, 2)):02d}:00", data.draw(st.sampled_from(["+77010000002", "+77010000003", None])),
                source=data.draw(st.sampled_from("abc")), ts_precision=data.draw(st.sampled_from(["min", "s"])))  # fmt: skip
    tables = s.tables()
    order = list(range(len(tables.events)))
    random.Random(data.draw(st.integers(0, 9))).shuffle(order)
    backwards = list(range(len(tables.sources)))[::-1]
    shuffled = StoreTables(
        tables.events.take(pa.array(order)),
        tables.positions,
        tables.sources.take(pa.array(backwards)),
        tables.coverage,
        tables.rejects,
        tables.listed,
        tables.unread,
    )
    one, two = resolve(tables, parse(CASE + K1)), resolve(shuffled, parse(CASE + K1))
    assert one.tables.events.equals(two.tables.events)
    assert one.witnesses.equals(two.witnesses) and one.duplicates == two.duplicates and one.sources.equals(two.sources)
    rows = one.tables.events
    unique = rows["duplicate_of"].null_count
    assert len(rows) == unique + len(one.witnesses) == unique + sum(one.duplicates.values())


# Notices ----------------------------------------------------------------------------------------------------------------


def notice(at: str, contact: str = "K1", kind: str = "told_to_stop") -> str:
    return f'[[notice]]\ncontact = "{contact}"\nat = {at}\nkind = "{kind}"\nbasis = "message"\n'


def refusal(record: str) -> str:
    return f'[[notice_refused]]\nrecord = "{record}"\nreason = "by mistake"\n'


def a_block(s: Store, at: str, source_: str = "a", **more: Any) -> str:
    columns = {
        "channel": "whatsapp",
        "kind": "block",
        "direction": "unknown",
        "actor": "owner",
        "directed": "no",
        **more,
    }
    return s.event(at, "whatsapp:name:Daniyar", source=source_, **columns)


def test_notices_of_case_device_and_journal() -> None:
    s = Store()
    block = a_block(s, "2025-11-01T15:15:00")
    told = s.event("2025-10-10T00:00:00", "label:man", how="journal", kind="other", tags="told_to_stop", ts_precision="day", zone_basis="case",
                   direction="out", actor="owner")  # fmt: skip
    a_block(s, "2025-11-02T10:00:00", actor="contact")  # she was blocked: no notice of hers
    a_block(s, "2025-11-03T10:00:00", kind="unblock")
    s.event("2025-11-04T10:00:00", "+77010000002", tags="told_to_stop")  # a device knows no such tag
    s.event("2025-11-05T10:00:00", "+77010000002", kind="call", channel="phone", answered=False, tags="rejected")
    found = s.resolve(CASE + K1 + notice("2025-10-02T18:30:00")).tables.notices
    validate("notices", found)
    assert found.schema == NOTICES
    assert [(n["basis"], n["kind"], n["record_id"], n["refused"]) for n in found.to_pylist()] == [
        ("declared", "told_to_stop", None, False), ("journal", "told_to_stop", told, False), ("device", "blocked", block, False),
    ]  # fmt: skip
    first, second, _ = found.to_pylist()
    assert (first["ts"], first["ts_max"]) == (us("2025-10-02T13:30:00"), us("2025-10-02T13:30:00") + 999_999)
    # a day is over only when it is over
    assert (second["ts_min"], second["ts_max"]) == (us("2025-10-09T19:00:00"), us("2025-10-10T19:00:00") - 1)


def test_notices_can_be_refused() -> None:
    s = Store()
    block = a_block(s, "2025-11-01T15:15:00")
    other = a_block(s, "2025-11-03T15:15:00")
    found = {n["record_id"]: n for n in s.resolve(CASE + K1 + refusal(block)).tables.notices.to_pylist()}
    assert (found[block]["refused"], found[block]["note"]) == (True, "by mistake")
    assert (found[other]["refused"], found[other]["note"]) == (False, "")


def test_a_refusal_outlives_a_second_export() -> None:
    """The refused record becomes a witness when another export holds the block too: the block is refused all the same."""
    s = Store()
    refused = a_block(s, "2025-11-01T15:15:00", "b")
    kept = a_block(s, "2025-11-01T15:15:00", "a")
    found = s.resolve(CASE + K1 + refusal(refused)).tables.notices.to_pylist()
    assert [(n["record_id"], n["refused"]) for n in found] == [(kept, True)]
    assert [n["refused"] for n in s.resolve().tables.notices.to_pylist()] == [False]


def test_a_block_of_nobody_is_no_notice() -> None:
    s = Store()
    s.event("2025-11-01T15:15:00", None, kind="block", actor="owner", channel="whatsapp", direction="unknown")
    assert s.resolve().tables.notices.num_rows == 0


def test_notices_follow_a_corrected_contact() -> None:
    s = Store()
    a_block(s, "2025-11-01T15:15:00")
    assert s.resolve(CASE).tables.notices["contact_id"].to_pylist() == [undeclared_id("whatsapp:name:Daniyar")]
    assert s.resolve().tables.notices["contact_id"].to_pylist() == ["K1"]


@pytest.mark.parametrize(
    ("moment", "low", "high"),
    [
        (Moment(us("2025-10-02T18:30:00"), None, "s"), "2025-10-02T13:30:00", "2025-10-02T13:30:01"),
        (Moment(us("2025-10-02T18:30:00"), 0, "s"), "2025-10-02T18:30:00", "2025-10-02T18:30:01"),
        (Moment(us("2025-10-02T18:30:00"), -12_600, "s"), "2025-10-02T22:00:00", "2025-10-02T22:00:01"),
        (Moment(us("2025-10-02T00:00:00"), None, "day"), "2025-10-01T19:00:00", "2025-10-02T19:00:00"),
        (Moment(us("2024-02-29T23:30:00"), None, "s"), "2024-02-29T17:30:00", "2024-02-29T18:30:01"),
    ],
)  # fmt: skip
def test_moments_that_people_write(moment: Moment, low: str, high: str) -> None:
    assert moment_utc(moment, "Asia/Almaty") == (us(low), us(low), us(high) - 1)


# Places, coverage, the last row -----------------------------------------------------------------------------------------


def place(**more: str) -> str:
    dates = "".join(f"{k.strip('_')} = {v}\n" for k, v in more.items())
    return f'[[place]]\nid = "home"\nkind = "home"\nlat = 43.2\nlon = 76.9\nradius_m = 150\n{dates}'


@pytest.mark.parametrize(
    ("dates", "begin", "end"),
    [
        ({}, None, None), ({"from_": "2024-01-01"}, "2023-12-31T18:00:00", None), ({"to": "2024-12-31"}, None, "2024-12-31T19:00:00"),
        # the first day begins and the last day ends in the zone of then: +6 before March 2024, +5 after
        ({"from_": "2024-02-29", "to": "2024-03-01"}, "2024-02-28T18:00:00", "2024-03-01T19:00:00"),
        ({"from_": "2025-01-01T12:00:00", "to": "2025-01-01T13:00:00"}, "2025-01-01T07:00:00", "2025-01-01T08:00:01"),
    ],
)  # fmt: skip
def test_places_are_valid_from_their_first_day_to_their_last(
    dates: dict[str, str], begin: str | None, end: str | None
) -> None:
    found = Store().resolve(CASE + place(**dates)).tables.places
    validate("places", found)
    assert found.schema == PLACES
    row = found.to_pylist()[0]
    assert row["ts_from"] == (us(begin) if begin else -(2**62))
    assert row["ts_to"] == (us(end) if end else 2**62)


def test_coverage_is_told_in_utc() -> None:
    s = Store()
    s.source("a", "a.txt")
    span = ("2023-10-06T00:00:00", "2023-10-07T00:00:00")
    for basis in ("utc", "case", "source"):
        s.covers("a", *span, zone_basis=basis, channel="sms")
    s.covers("a", *span, zone_basis="stated", stated_offset_s=-12_600)

    def begins(case: str) -> list[int]:
        found = s.resolve(case).tables.coverage.to_pylist()
        assert all(r["ts_to"] - r["ts_from"] == DAY for r in found)
        return sorted((us("2023-10-06T00:00:00") - r["ts_from"]) // 60_000_000 for r in found)

    assert begins(CASE) == [-210, 0, 360, 360]
    assert begins(CASE + source("a.txt", timezone="+04:00")) == [-210, 0, 240, 240]


def test_coverage_spans_a_doubled_hour_whole() -> None:
    s = Store()
    s.source("a")
    s.covers("a", "2024-02-29T23:00:00", "2024-02-29T23:59:59", zone_basis="case")
    row = s.resolve().tables.coverage.to_pylist()[0]
    assert row["ts_to"] - row["ts_from"] == 2 * HOUR - 1_000_000


def test_the_last_row_is_by_the_cases_clock() -> None:
    s = Store()
    assert s.resolve().last_local_us is None
    # in America it is still the evening before
    s.event("2025-12-31T20:00:00", "+77010000002", zone_basis="stated", stated_offset_s=-18_000)
    assert s.resolve().last_local_us == us("2026-01-01T06:00:00")
    s.position("2026-01-01T02:00:00", zone_basis="utc")
    assert s.resolve().last_local_us == us("2026-01-01T07:00:00")


# The whole --------------------------------------------------------------------------------------------------------------


def test_an_empty_store_resolves() -> None:
    resolved = Store().resolve(CASE + K1 + tracker("K1", "x") + place() + notice("2025-10-02"))
    for name, table in (
        ("events", resolved.tables.events),
        ("positions", resolved.tables.positions),
        ("notices", resolved.tables.notices),
    ):
        validate(name, table)
    assert resolved.witnesses.num_rows == 0 and resolved.duplicates == {}


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_resolved_tables_fit_their_schema_whatever_rows_are_stored(data: st.DataObject) -> None:
    s = Store()
    any_of = st.sampled_from
    for _ in range(data.draw(st.integers(0, 6))):
        s.event(
            data.draw(st.integers(us("1990-01-01"), us("2034-12-31"))), data.draw(any_of([None, "+77010000002", "label:man", "raw:1", "x"])),
            source=data.draw(any_of("ab")), ts_precision=data.draw(any_of(["us", "min", "h", "night", "day"])),
            zone_basis=data.draw(any_of(["utc", "stated", "source", "case"])), stated_offset_s=data.draw(any_of([None, 0, 64_800, -64_800])),
            direction=data.draw(any_of(["in", "out", "unknown"])), sender=data.draw(any_of([None, "whatsapp:name:Aigerim", "whatsapp:name:Saule"])),
            thread_id=data.draw(any_of([None, "t"])), thread_kind=data.draw(any_of(["direct", "group", "channel", "self", "unknown"])),
            kind=data.draw(any_of(["call", "block", "message"])), actor=data.draw(any_of(["owner", "unknown"])), tags=data.draw(any_of([None, "told_to_stop"])),
            how=data.draw(any_of(["device", "journal"])), identifier_kind=data.draw(any_of(["phone", "raw", "short", "name"])),
        )  # fmt: skip
        s.position(
            data.draw(st.integers(us("1990-01-01"), us("2034-12-31"))), subject=data.draw(any_of(["owner", "contact", "tracker"])),
            identifier=data.draw(any_of([None, "label:K1", "x"])), sender=data.draw(any_of([None, "telegram:user111", "telegram:user9"])),
            subject_id=data.draw(any_of([None, "AA"])), zone_basis=data.draw(any_of(["utc", "stated", "case"])),
            stated_offset_s=data.draw(any_of([None, 3600])), local_end=data.draw(any_of([None, us("2030-01-01")])),
            kind=data.draw(any_of(["fix", "visit", "seen", "tracker_alert"])),
        )  # fmt: skip
    resolved = s.resolve(CASE + K1 + tracker("K1", "AA"))
    validate("events", resolved.tables.events)
    validate("positions", resolved.tables.positions)
    validate("contacts", resolved.tables.contacts)
    validate("notices", resolved.tables.notices)
    assert resolved.tables.events.schema == EVENTS and resolved.tables.positions.schema == POSITIONS
    known = set(resolved.tables.contacts["contact_id"].to_pylist())
    for table in (resolved.tables.events, resolved.tables.positions):
        assert {c for c in table["contact_id"].to_pylist() if c is not None} <= known
        assert all(
            a <= b <= c for a, b, c in zip(*(table[k].to_pylist() for k in ("ts_min", "ts", "ts_max")), strict=True)
        )


def test_what_the_readers_wrote_is_not_read_otherwise() -> None:
    """With the region of ingest, reading every number again changes no identifier of the rows (the raw text is enough for it)."""
    s = Store()
    raws = ["+77010000002", "8 701 000 00 02", "7111", "*102#", "+++", "030 901820", "Kaspi"]
    from pipelines.identifiers import phone_identifier

    rows = []
    for raw in raws:
        identifier, kind = phone_identifier(raw, "KZ")
        rows.append((s.event("2025-10-06T10:00:00", identifier, identifier_raw=raw, identifier_kind=kind), identifier))
    assert column(s.resolve(), "identifier") == dict(rows)


@pytest.mark.parametrize("raw", ["77010000002@s.whatsapp.net", "not a number", ""])
def test_an_apps_own_spelling_of_a_number_stays_as_its_reader_took_it(raw: str) -> None:
    s = Store()
    one = s.event("2025-10-06T10:00:00", "+77010000002", identifier_raw=raw, identifier_kind="phone")
    assert column(s.resolve(), "identifier") == {one: "+77010000002"}
