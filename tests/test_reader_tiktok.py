"""The reader of TikTok's download, on invented files laid out as public parsers read them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from pipelines.readers.base import Waiting
from pipelines.readers.tiktok import READER, TikTok
from tests.archive_json import (
    SECRET,
    blocks_do_not_matter,
    checked,
    cut_everywhere,
    hostile,
    only_it,
    opened,
    told,
    written,
)
from tests.collect import Collected, context, head_of


def message(k: int = 0, sender: str = "dauren", **more: Any) -> dict[str, Any]:
    record = {"Date": f"2024-01-31 18:30:{k:02}", "From": sender, "Content": SECRET} | more
    return {key: value for key, value in record.items() if value is not None}


def download(chats: dict[str, Any], *, new: bool = False, profile: bool = True, **more: Any) -> dict[str, Any]:
    history = {f"Chat History with {user}:": messages for user, messages in chats.items()}
    block = {
        "BlockList": [
            {"Date": "2024-02-01 00:00:00", "UserName": "dauren"},
            {"Date": "N/A", "UserName": "x"},
            {"Date": ""},
        ]
    }
    info = {"ProfileMap": {"userName": "aigerim", "emailAddress": SECRET, "telephoneNumber": SECRET}}
    fans = {"FansList": [{"Date": "2023-01-01 00:00:00 UTC", "UserName": "fan"}]}
    logins = {"LoginHistoryList": [{"Date": "2024-01-01 00:00:00 UTC", "IP": SECRET, "DeviceModel": SECRET}]}
    if new:
        result: dict[str, Any] = {
            "Profile And Settings": {"Profile Info": info if profile else {}, "Block List": block, "Follower": fans},
            "Your Activity": {"Login History": logins, "Watch History": {"VideoList": [{"Date": "x", "Link": SECRET}]}},
            "Direct Message": {"Direct Messages": {"ChatHistory": history}},
        }
    else:
        result = {
            "Activity": {"Follower List": fans, "Login History": logins, "Following List": {"Following": [{"Date": "", "UserName": "idol"}]}},
            "App Settings": {"Block": block},
            "Direct Messages": {"Chat History": {"ChatHistory": history}},
            "Profile": {"Profile Information": info if profile else {}},
        }  # fmt: skip
    return result | more


def read(document: Any, owner: str | None = None) -> Collected:
    return checked(READER, document, context(owner=[owner] if owner else []), {}, "user_data_tiktok.json")


@pytest.mark.parametrize("new", [False, True])
def test_chats_blocks_followers_and_logins(new: bool) -> None:
    document = download({"dauren": [message(), message(1, "aigerim")]}, new=new)
    out = read(document)
    chats = [r for r in out.event_rows if r["kind"] == "message"]
    assert [(r["sender"], r["identifier"], r["direction"], r["thread_kind"], r["size"]) for r in chats] == [
        ("tiktok:name:dauren", "tiktok:name:dauren", "unknown", "direct", len(SECRET)),
        ("tiktok:name:aigerim", "tiktok:name:dauren", "unknown", "direct", len(SECRET)),
    ]
    assert [r["local_time"] for r in chats] == [1_706_725_800_000_000, 1_706_725_801_000_000]
    blocks = [r for r in out.event_rows if r["kind"] == "block"]
    assert [(r["direction"], r["actor"], r["identifier"]) for r in blocks] == [("out", "owner", "tiktok:name:dauren")]
    assert ("blocked", "tiktok:name:x") in {(r["list"], r["identifier"]) for r in out.listed_rows}
    assert ("follower", "tiktok:name:fan") in {(r["list"], r["identifier"]) for r in out.listed_rows}
    logins = [r for r in out.event_rows if r["kind"] == "account_access"]
    assert [(r["direction"], r["identifier"], r["tags"]) for r in logins] == [("unknown", None, "login")]
    assert out.owners == ["tiktok:name:aigerim"] and len(out.rejects) == 1
    assert out.covers[0]["classes"] == "account_access block message"
    opened(READER, document, out)
    only_it(READER, document, "user_data.json")


def test_a_video_is_known_by_its_address() -> None:
    links = [
        "https://www.tiktokv.com/share/video/1/",
        f"https://www.tiktok.com/@x/video/1 {SECRET}",
        "https://example.org/tiktok",
    ]
    out = read(download({"dauren": [message(k, Content=link) for k, link in enumerate(links)]}))
    assert [r["attachment"] for r in out.event_rows if r["kind"] == "message"] == ["video", "none", "none"]


def test_who_the_owner_is() -> None:
    pair = download({"dauren": [message(), message(1, "aigerim")]}, profile=False)
    assert read(pair).owners == ["tiktok:name:aigerim"]  # the one whom the chat is not called after
    with pytest.raises(Waiting):
        read(download({"dauren": [message(1, "aigerim")], "saule": [message(2, "old_aigerim")]}, profile=False))
    option = replace(context(), options={"owner": "aigerim"})
    assert checked(READER, pair, option, {}).owners
    odd = read(download({"dauren": [message(0, "dauren_old"), message(1)]}))
    first = next(r for r in odd.event_rows if r["kind"] == "message")
    assert (first["sender"], first["identifier"], first["direction"]) == (None, "tiktok:name:dauren", "unknown")
    assert any("somebody else than the two" in n for n in odd.notes)


def test_groups() -> None:
    group = {"Group Chat": {"GroupChat": {"Group Chat History with G:": [message(0), message(1, "aigerim")]}}}
    document = download({})
    document["Direct Messages"] |= group
    out = read(document)
    rows = [r for r in out.event_rows if r["kind"] == "message"]
    assert {(r["thread_kind"], r["identifier"], r["directed"]) for r in rows} == {("group", None, "unknown")}
    assert not any("with G" in r["thread_id"] for r in rows)
    lonely = download({}, profile=False)
    lonely["Direct Messages"] |= group
    with pytest.raises(Waiting):
        read(lonely)


def test_damage_and_recognition() -> None:
    document = download(
        {"dauren": [message(), 7, message(1, Date="x"), message(2, From=None), message(3, Content=None)]}
    )
    out = read(document)
    assert [r["size"] for r in out.event_rows if r["kind"] == "message"] == [len(SECRET), len(SECRET), None]
    opened(READER, document, out)
    small = {"Profile": {"Profile Information": {"ProfileMap": {"userName": "aigerim"}}}, "Direct Messages": {
        "Chat History": {"ChatHistory": {"Chat History with dauren:": [message(), message(1, "aigerim")]}}}}  # fmt: skip
    cut_everywhere(READER, written(small, indent=None), context(owner=["aigerim"]), {})
    assert told(read(written(small, indent=4))) == told(read(written(small, indent=None)))
    blocks_do_not_matter(TikTok, download({"dauren": [message(k) for k in range(50)]}))
    others: list[Any] = [{}, {"Activity": {}}, {"Direct Messages": []}, {"Profile": {"ProfileMap": {}}}]
    for other in others:
        assert READER.recognise(head_of(written(other), "x.json")) is None
    hostile(READER)
