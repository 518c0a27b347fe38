"""The custody log: chained, append-only, torn lines kept."""

from __future__ import annotations

import json
import multiprocessing
import os
import time
from pathlib import Path

import pytest

from pipelines.errors import UserError
from pipelines.store import custody
from pipelines.store.custody import Hashed
from pipelines.store.lock import hold
from tests.shell_tools import quick_disk  # noqa: F401  (a fixture)

pytestmark = pytest.mark.usefixtures("quick_disk")


def log(case: Path, lines: int = 3) -> list[str]:
    return [
        custody.append(case, "ingest", [f"/home/someone/x{i}.zip"], inputs=[Hashed("s", "a" * 64)], note=f"n{i}")
        for i in range(lines)
    ]


def test_lines_are_chained_and_canonical(tmp_path: Path) -> None:
    heads = log(tmp_path)
    raw = (tmp_path / custody.NAME).read_bytes()
    entries = [json.loads(line) for line in raw.splitlines()]
    assert [e["seq"] for e in entries] == [1, 2, 3]
    assert [e["prev"] for e in entries] == [custody.GENESIS, *heads[:2]]
    assert [e["hash"] for e in entries] == heads
    assert entries[0]["arguments"] == ["x0.zip"]
    assert b"someone" not in raw
    assert b": " not in raw and raw.isascii()
    assert custody.head(tmp_path) == heads[-1]
    assert custody.check(tmp_path) == custody.check(tmp_path, heads[-1]) == custody.check(tmp_path, heads[0]) == []


def test_head_of_nothing(tmp_path: Path) -> None:
    assert custody.head(tmp_path) is None
    assert custody.check(tmp_path) == []
    assert len(custody.check(tmp_path, "a" * 64)) == 1


def test_every_flipped_byte_is_found(tmp_path: Path) -> None:
    log(tmp_path, 2)
    path = tmp_path / custody.NAME
    raw = path.read_bytes()
    for at in range(len(raw)):
        bit = (1, 0x20)[at % 2]
        path.write_bytes(raw[:at] + bytes([raw[at] ^ bit]) + raw[at + 1 :])
        assert custody.check(tmp_path), (at, bit)
    path.write_bytes(raw)
    assert custody.check(tmp_path) == []


def test_lines_taken_out_put_in_or_exchanged(tmp_path: Path) -> None:
    heads = log(tmp_path)
    path = tmp_path / custody.NAME
    a, b, c = path.read_bytes().splitlines(keepends=True)
    for lines in ([a, c], [b, c], [a, c, b], [a, b, b, c]):
        path.write_bytes(b"".join(lines))
        assert custody.check(tmp_path)
    path.write_bytes(a + b)  # a cut tail is a sound log: only the head tells
    assert custody.check(tmp_path) == []
    assert "end was cut" in custody.check(tmp_path, heads[2])[0].sentence


def test_a_line_written_anew_with_a_hash_of_its_own_does_not_fit_the_next(tmp_path: Path) -> None:
    log(tmp_path)
    path = tmp_path / custody.NAME
    a, b, c = path.read_bytes().splitlines(keepends=True)
    entry = {**json.loads(b), "note": "forged"}
    entry["hash"] = custody._hash(entry)
    path.write_bytes(a + custody._canonical(entry) + b"\n" + c)
    assert [p.sentence for p in custody.check(tmp_path)] == ["line 3 does not follow line 2: the chain is broken"]


def test_chain_written_anew_is_found_with_the_head(tmp_path: Path) -> None:
    head = log(tmp_path)[-1]
    (tmp_path / custody.NAME).unlink()
    log(tmp_path, 2)
    custody.append(tmp_path, "remove", ["other"])
    assert custody.check(tmp_path) == []
    assert custody.check(tmp_path, head)


@pytest.mark.parametrize("cut", [1, 2, 50])
def test_torn_line_is_reported_and_set_aside(tmp_path: Path, cut: int) -> None:
    heads = log(tmp_path)
    path = tmp_path / custody.NAME
    raw = path.read_bytes()
    path.write_bytes(raw[:-cut])
    torn = raw.splitlines(keepends=True)[-1][:-cut]
    assert custody.head(tmp_path) == heads[1]
    problems = custody.check(tmp_path)
    assert len(problems) == 1
    assert f"line 3 is torn ({len(torn)} bytes)" in problems[0].sentence
    custody.append(tmp_path, "score")
    assert custody.check(tmp_path, heads[1]) == []
    assert (tmp_path / "custody.torn-1").read_bytes() == torn
    last = json.loads(path.read_bytes().splitlines()[-1])
    assert last["seq"] == 3
    assert "custody.torn-1" in last["note"]
    assert custody.recorded(tmp_path)["custody.torn-1"]


def test_crash_between_copy_and_cut_makes_no_second_copy(tmp_path: Path) -> None:
    log(tmp_path, 1)
    with (tmp_path / custody.NAME).open("ab") as file:
        file.write(b'{"torn')
    (tmp_path / "custody.torn-1").write_bytes(b'{"torn')
    custody.append(tmp_path, "score")
    assert not (tmp_path / "custody.torn-2").exists()
    with (tmp_path / custody.NAME).open("ab") as file:
        file.write(b'{"other')
    custody.append(tmp_path, "score")
    assert (tmp_path / "custody.torn-2").read_bytes() == b'{"other'


def test_only_torn_bytes(tmp_path: Path) -> None:
    (tmp_path / custody.NAME).write_bytes(b'{"seq":1')
    assert len(custody.check(tmp_path)) == 1
    custody.append(tmp_path, "ingest")
    assert custody.check(tmp_path) == []
    assert (tmp_path / "custody.torn-1").read_bytes() == b'{"seq":1'


def test_nothing_is_chained_to_a_changed_line(tmp_path: Path) -> None:
    log(tmp_path)
    path = tmp_path / custody.NAME
    raw = path.read_bytes()
    path.write_bytes(raw.replace(b'"n2"', b'"nx"'))
    with pytest.raises(UserError, match="was changed"):
        custody.append(tmp_path, "score")
    assert path.read_bytes() == raw.replace(b'"n2"', b'"nx"')


def test_full_disk_leaves_no_half_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log(tmp_path)
    raw = (tmp_path / custody.NAME).read_bytes()

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(UserError, match="No space left"):
            custody.append(tmp_path, "score")
    assert (tmp_path / custody.NAME).read_bytes() == raw


def test_long_lines_are_found_from_the_end(tmp_path: Path) -> None:
    inputs = [Hashed(f"{i:012x}", "a" * 64) for i in range(5000)]
    first = custody.append(tmp_path, "ingest", inputs=inputs)
    second = custody.append(tmp_path, "ingest", inputs=inputs)
    assert first != second
    assert custody.head(tmp_path) == second
    assert custody.check(tmp_path, first) == []


def test_hostile_lines_are_no_entries(tmp_path: Path) -> None:
    (tmp_path / custody.NAME).write_bytes(b"[" * 100_000 + b"\n" + b'{"seq":1e999}\n\xff\n{}\n')
    assert len(custody.check(tmp_path)) == 4


def _holding(case: str, ready: multiprocessing.synchronize.Event, seconds: float) -> None:
    with hold(case, "ingest"):
        ready.set()
        time.sleep(seconds)


@pytest.mark.parametrize(("seconds", "waits"), [(20.0, False), (0.3, True)])
def test_second_command_waits_or_says_who(tmp_path: Path, seconds: float, waits: bool) -> None:
    context = multiprocessing.get_context("spawn")
    ready = context.Event()
    other = context.Process(target=_holding, args=(str(tmp_path), ready, seconds))
    other.start()
    try:
        assert ready.wait(30)
        if waits:
            with hold(tmp_path, "score"):
                assert json.loads((tmp_path / ".lock").read_bytes())["command"] == "score"
        else:
            with (
                pytest.raises(UserError, match=rf"in use by qorgan ingest \(process {other.pid}\)"),
                hold(tmp_path, "score", wait_s=0.2),
            ):
                pass
    finally:
        other.terminate()
        other.join()
    with hold(tmp_path, "score", wait_s=0):  # a process that ended, however it ended, holds nothing
        pass


def test_lock_of_no_case(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="cannot be locked"), hold(tmp_path / "none", "score", read_only=True):
        pass
