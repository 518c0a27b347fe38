"""The reader of Meta's lists, on invented lists laid out as public parsers and fixtures have them."""

from __future__ import annotations

from typing import Any

import pytest

from pipelines.readers.base import Unreadable
from pipelines.readers.meta_lists import READER, MetaLists
from tests.archive_json import (
    SECRET,
    blocks_do_not_matter,
    checked,
    cut_everywhere,
    garbled,
    hostile,
    only_it,
    opened,
    written,
)
from tests.collect import Collected, collect, head_of

T0 = 1_700_000_000
OWNER, PEER = "Айгерим Тест", "Даурен Тест"


def person(name: str = PEER, at: int | None = T0) -> dict[str, Any]:
    record = {"name": garbled(name), "timestamp": at}
    return {key: value for key, value in record.items() if value is not None}


def account(
    user: str | None = "dauren.t", at: int | None = T0, title: str = "", href: str | None = None
) -> dict[str, Any]:
    entry = {"href": href or (f"https://www.instagram.com/{user}" if user else None), "value": user, "timestamp": at}
    data = {key: value for key, value in entry.items() if value is not None}
    return {"title": title, "media_list_data": [], "string_list_data": [data]}


def read(document: Any, beside: dict[str, Any] | None = None, name: str = "list.json") -> Collected:
    return checked(READER, document, None, beside or {}, name)


def test_a_dated_block_is_an_act_of_the_owner() -> None:
    out = read({"relationships_blocked_users": [account(), account(at=None), account(at=0)]})
    assert [(r["kind"], r["direction"], r["actor"], r["identifier"], r["local_time"]) for r in out.event_rows] == [
        ("block", "out", "owner", "instagram:dauren.t", T0 * 1_000_000)
    ]
    assert [(r["list"], r["identifier"], r["local_time"]) for r in out.listed_rows] == [
        ("blocked", "instagram:dauren.t", None), ("blocked", "instagram:dauren.t", None),
    ]  # fmt: skip
    assert out.covers == [{"channel": "instagram", "classes": "block", "basis": "observed", "complete": "unknown"}]
    assert any("was lifted" in n for n in out.notes)


def test_requests_that_came_in() -> None:
    out = read({"received_requests_v2": [person(), person(at=None), {"timestamp": T0}]})
    row = out.event_rows[0]
    assert (row["kind"], row["direction"], row["identifier"], row["channel"], row["directed"]) == (
        "request", "in", f"facebook:name:{PEER}", "facebook", "yes",
    )  # fmt: skip
    assert [(r["list"], r["label"]) for r in out.listed_rows] == [("request_in", None)]
    assert out.rejects == [(3, "json:/received_requests_v2/2", "the entry names nobody")]
    insta = read({"relationships_follow_requests_received": [account()]})
    assert [(r["kind"], r["direction"], r["identifier"]) for r in insta.event_rows] == [
        ("request", "in", "instagram:dauren.t")
    ]


@pytest.mark.parametrize(
    ("key", "name", "tags"),
    [
        ("sent_requests_v2", "request_out", None), ("rejected_requests_v2", "refused", None),
        ("deleted_friends_v2", "removed", None), ("friends_v2", "friend", None), ("followers_v2", "follower", None),
        ("followers_v3", "follower", None), ("following_v2", "following", None), ("following_v3", "following", None),
    ],
)  # fmt: skip
def test_lists_of_facebook(key: str, name: str, tags: str | None) -> None:
    out = read({key: [person(), person("José")]})
    assert [(r["list"], r["identifier"], r["tags"], r["local_time"], r["zone_basis"]) for r in out.listed_rows] == [
        (name, f"facebook:name:{PEER}", tags, T0 * 1_000_000, "utc"),
        (name, "facebook:name:José", tags, T0 * 1_000_000, "utc"),
    ]
    assert not out.event_rows and not out.covers


@pytest.mark.parametrize(
    ("key", "name", "tags"),
    [
        ("relationships_restricted_users", "restricted", None), ("relationships_follow_requests_sent", "request_out", None),
        ("relationships_permanent_follow_requests", "other", "recent_follow_request"),
        ("relationships_followers", "follower", None), ("relationships_following", "following", None),
        ("relationships_close_friends", "friend", "close_friend"),
        ("relationships_hide_stories_from", "restricted", "hide_story"),
        ("relationships_unfollowed_users", "removed", "unfollowed"), ("relationships_feed_favorites", "following", "favourite"),
    ],
)  # fmt: skip
def test_lists_of_instagram(key: str, name: str, tags: str | None) -> None:
    out = read({key: [account()]})
    assert [(r["list"], r["identifier"], r["tags"]) for r in out.listed_rows] == [(name, "instagram:dauren.t", tags)]


def test_where_the_user_name_of_instagram_stands() -> None:
    label = {"label": "Имя пользователя", "value": garbled(SECRET)}
    entries = [
        account("a_user"), account(None, href="https://www.instagram.com/_u/b_user"), account(None, title="c_user", href="x"),
        account(None, href="https://instagram.com/d.user/"),
        {"label_values": [{"label": "URL", "value": "https://www.instagram.com/e_user"}], "timestamp": T0, "fbid": "1"},
        {"label_values": [{"label": "Username", "value": "f_user"}, {"label": "Name", "value": garbled(PEER)}], "timestamp": T0},
        account(None, href="https://evil.example/g_user"), {"label_values": [label], "timestamp": T0}, {"title": garbled(PEER)},
    ]  # fmt: skip
    out = read({"relationships_restricted_users": entries})
    assert [r["identifier"] for r in out.listed_rows] == [
        "instagram:a_user", "instagram:b_user", "instagram:c_user", "instagram:d.user", "instagram:e_user", "instagram:f_user",
        f"instagram:name:{PEER}",
    ]  # fmt: skip
    assert out.listed_rows[5]["label"] == PEER
    assert [n for n, _, _ in out.rejects] == [7, 8]
    opened(READER, {"relationships_restricted_users": entries}, out)


def test_followers_are_a_bare_array() -> None:
    out = read([account(), account("x_y")], name="followers_1.json")
    assert [r["list"] for r in out.listed_rows] == ["follower", "follower"]
    assert out.listed_rows[1]["record"] == "json:/1"
    opened(READER, [account(), account("x_y")], out)
    only_it(READER, [account()], "connections/followers_and_following/followers_1.json")
    assert READER.recognise(head_of(written([account()]), "story_likes.json")) is None


def test_one_entry_may_stand_without_its_list() -> None:
    document = {"relationships_follow_requests_received": account()}
    out = read(document)
    assert [(r["kind"], r["record"], r["n"]) for r in out.event_rows] == [
        ("request", "json:/relationships_follow_requests_received", 1)
    ]
    opened(READER, document, out)
    both = read({"relationships_blocked_users": [account()], "relationships_restricted_users": account("x")})
    assert (both.records, both.kept) == (2, 2)
    broken = read({"relationships_restricted_users": 5, "relationships_blocked_users": [7, account()]})
    assert [n for n, _, _ in broken.rejects] == [1, 2] and broken.event_rows[0]["n"] == 3


def test_logins_have_no_direction() -> None:
    fields = {"IP-Adresse": {"value": SECRET, "timestamp": 0}, "Zeit": {"value": "", "timestamp": T0}}
    document = {"account_history_login_history": [
        {"title": "2023-11-14T22:13:20+00:00", "string_map_data": fields},
        {"title": "2023-11-14T22:13:20+00:00", "string_map_data": {"IP": {"value": SECRET}}},
        {"title": "x", "string_map_data": {}},
    ]}  # fmt: skip
    out = read(document)
    assert [
        (r["kind"], r["direction"], r["identifier"], r["actor"], r["local_time"], r["tags"]) for r in out.event_rows
    ] == [
        ("account_access", "unknown", None, "unknown", T0 * 1_000_000, "login"),
        ("account_access", "unknown", None, "unknown", T0 * 1_000_000, "login"),
    ]
    assert len(out.rejects) == 1
    opened(READER, document, out)
    assert any("who logged in is not told" in n for n in out.notes)


def test_logins_of_facebook() -> None:
    actions = ["Login", "Session updated", "Logout", "Log out", "Web Session Terminated", "Вход"]
    records = [
        {"action": garbled(a), "timestamp": T0 + k, "ip_address": SECRET, "city": SECRET} for k, a in enumerate(actions)
    ]
    out = read({"account_activity_v2": records})
    assert [r["n"] for r in out.event_rows] == [1, 2, 6] and out.scoped_out == 3
    sessions = read({"active_sessions_v2": [{"created_timestamp": T0, "updated_timestamp": T0 + 9, "device": SECRET}]})
    assert sessions.event_rows[0]["tags"] == "active_session"
    changes = read(
        {"admin_records_v2": [{"event": SECRET, "session": {"created_timestamp": T0}, "extra_info": {"x": SECRET}}]}
    )
    assert changes.event_rows[0]["tags"] == "account_change"
    password = read({"account_history_password_change_history": [{"string_map_data": {"Time": {"timestamp": T0}}}]})
    assert password.event_rows[0]["tags"] == "password_change"
    accesses = read({"account_accesses_v2": [{"action": "Login", "timestamp": T0, "site": SECRET}]})
    assert accesses.event_rows[0]["kind"] == "account_access"
    devices = read(
        {"devices_devices": [{"string_map_data": {"Last Login": {"timestamp": T0}, "User Agent": {"value": SECRET}}}]}
    )
    assert devices.event_rows[0]["tags"] == "device_last_login"


def test_pokes() -> None:
    pokes = [
        {"poker": garbled(PEER), "pokee": garbled(OWNER), "rank": 0, "timestamp": T0},
        {"poker": garbled(OWNER), "pokee": garbled(PEER), "rank": 0, "timestamp": T0 + 1}, {"rank": 1},
    ]  # fmt: skip
    profile = {"profile_information.json": {"profile_v2": {"name": {"full_name": garbled(OWNER)}}}}
    for document in ({"pokes_v2": pokes}, {"pokes_v2": {"data": pokes}}):
        out = read(document, profile)
        assert [(r["kind"], r["sender"], r["identifier"], r["tags"]) for r in out.event_rows] == [
            ("mention", f"facebook:name:{PEER}", f"facebook:name:{PEER}", "poke"),
            ("mention", f"facebook:name:{OWNER}", f"facebook:name:{PEER}", "poke"),
        ]
        assert out.owners == [f"facebook:name:{OWNER}"] and len(out.rejects) == 1


def test_what_the_owner_did_for_herself_is_out_of_scope() -> None:
    for key in ("likes_media_likes", "story_activities_story_likes", "searches_user", "account_history_logout_history",
                "comments_reels_comments", "relationships_dismissed_suggested_users"):  # fmt: skip
        out = read({key: [{"title": SECRET, "string_list_data": [{"value": SECRET, "timestamp": T0}]}] * 2})
        assert (out.records, out.scoped_out, out.kept) == (2, 2, 0)


def test_damage() -> None:
    document = {"relationships_blocked_users": [account(), account("x_y"), account("z")]}
    cut_everywhere(READER, written(document, indent=None), None, {})
    blocks_do_not_matter(MetaLists, {"friends_v2": [person(f"P {k}") for k in range(60)]})
    with pytest.raises(Unreadable):
        collect(READER, b'{"relationships_x": []}', "x.json")
    empty = read({"relationships_blocked_users": []})
    assert (empty.records, empty.covers) == (0, [])
    hostile(READER)


def test_recognition() -> None:
    for key in ("relationships_blocked_users", "received_requests_v2", "account_history_login_history", "pokes_v2"):
        only_it(READER, {key: []}, "x.json")
    others: list[Any] = [{"friends": []}, {"relationships": []}, {"messages": []}]
    for other in others:
        assert READER.recognise(head_of(written(other), "x.json")) is None
