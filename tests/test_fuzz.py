"""The fuzzer itself: its files are the same every time, and it sees what it is there to see."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest

from benchmarks.fuzz import __main__ as fuzz
from benchmarks.fuzz.mutate import LIMIT, changes_of, mutated
from pipelines.readers import all_readers
from tests.reader_examples import Example, examples

CHOSEN = [
    e
    for e in examples()
    if e.id in ("imessage", "axiom-xlsx", "telegram-json-chat", "mbox", "android-backup-sms", "gpx", "journal-csv")
]


@pytest.mark.parametrize("example", CHOSEN, ids=[e.id for e in CHOSEN])
def test_a_file_is_a_function_of_its_seed(example: Example) -> None:
    made = [
        [mutated(example.data(), example.family, [b"x" * 50], random.Random(f"{seed}/{k}")) for k in range(30)]
        for seed in (1, 1, 2)
    ]
    assert made[0] == made[1] != made[2]
    assert len(set(made[0])) > 15 and max(map(len, made[0])) <= LIMIT


@pytest.mark.parametrize("example", CHOSEN, ids=[e.id for e in CHOSEN])
def test_every_change_takes_any_bytes(example: Example) -> None:
    for change in set(changes_of(example.family)):
        for data in (b"", b"\0", b"{}", b"[]", example.data(), example.data()[:700]):
            try:
                assert isinstance(change(data, [], random.Random(1)), bytes)
            except (RecursionError, ValueError, OverflowError, MemoryError):
                assert isinstance(mutated(data, example.family, [], random.Random(1)), bytes)


class _Wrong:
    """A reader that does what no reader may do."""

    def __init__(self, reader: object, how: str) -> None:
        self._reader, self._how = reader, how
        self.description = reader.description  # type: ignore[attr-defined]

    def recognise(self, head: object) -> None:
        return None

    def read(self, source: object, context: object, out: object) -> None:
        if self._how == "raises":
            raise KeyError("x")
        if self._how == "loses":
            out.read(3)  # type: ignore[attr-defined]
        if self._how == "tells":
            out.note(examples()[0].secret)  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("how", "what"), [("raises", "KeyError at"), ("loses", "contract: read 3"), ("tells", "contract: content")]
)
def test_what_is_wrong_is_seen(how: str, what: str, monkeypatch: pytest.MonkeyPatch) -> None:
    example = examples()[0]
    found = {**all_readers(), example.reader: _Wrong(all_readers()[example.reader], how)}
    monkeypatch.setattr("tests.reader_contract.all_readers", lambda: found)
    monkeypatch.setattr(fuzz, "all_readers", lambda: found)
    assert fuzz.run(example, example.data(), 1)[1].startswith(what)


def test_a_short_run_and_its_log(tmp_path: Path) -> None:
    line = fuzz.fuzz("gpx", str(tmp_path), 5, 7, 2.5)
    assert line["findings"] == [] and line["executions"] > 0 and line["first"] == 7
    log = tmp_path / "log.jsonl"
    log.write_text(json.dumps({"date": "", **line}) + "\n")
    assert fuzz.so_far(log, "gpx", 5) == 7 + line["executions"] and fuzz.so_far(log, "gpx", 6) == 0


def test_the_log_names_no_path_and_known_readers() -> None:
    if not fuzz.LOG.exists():
        pytest.skip("nothing was fuzzed yet: benchmarks/fuzz/log.jsonl is not there")
    for text in fuzz.LOG.read_text(encoding="utf-8").splitlines():
        line = json.loads(text)
        assert set(line) == {"date", "reader", "seed", "first", "executions", "records", "refused", "findings"}
        assert "/" not in text.replace("\\/", "")
