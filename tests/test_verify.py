"""Verify: any changed byte is found."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from pipelines import store
from pipelines.errors import UserError
from pipelines.store import custody
from pipelines.store.custody import Hashed
from pipelines.store.lock import hold
from pipelines.store.results import write_results
from pipelines.store.verify import verify
from tests.shell_tools import (
    add_sources,
    files_of,
    make_case,
    quick_disk,  # noqa: F401  (a fixture)
)

pytestmark = pytest.mark.usefixtures("quick_disk")

A, B = "aaaaaaaaaaaa", "bbbbbbbbbbbb"
#: outside the hashes: people correct the one, the others are no evidence
OUTSIDE = {"case.toml", ".lock", "store/local.json"}


@pytest.fixture
def case(tmp_path: Path) -> Path:
    made = make_case(tmp_path / "case")
    add_sources(made, (A, 40, 2, 3))
    add_sources(made, (B, 10, 1, 0))
    for text in (b"{}", b'{"findings":[]}'):  # the second command writes the same file anew
        custody.append(
            made, "score", results=write_results(made, {"findings.json": text, "report.html": b"<p>" + text})
        )
    return made


def test_an_untouched_case_has_no_problem(case: Path) -> None:
    assert verify(case) == []
    assert verify(case, custody.head(case)) == []
    assert verify(case, f" {str(custody.head(case)).upper()}\n") == []


def test_a_case_without_anything(tmp_path: Path) -> None:
    assert verify(make_case(tmp_path / "new")) == []
    with pytest.raises(UserError, match="there is no case"):
        verify(tmp_path / "none")
    with pytest.raises(UserError, match="64 hex digits"):
        verify(tmp_path / "new", "abc")


def test_any_changed_byte_is_found(case: Path) -> None:
    checked = 0
    for name, data in files_of(case).items():
        if name in OUTSIDE:
            continue
        path = case / name
        step = max(1, len(data) // 12)
        for at in {*range(0, len(data), step), len(data) - 1}:
            path.write_bytes(data[:at] + bytes([data[at] ^ 0x04]) + data[at + 1 :])
            problems = verify(case)
            assert problems, (name, at)
            assert any(p.file in (name, "custody.jsonl", "store/manifest.json") for p in problems)
            checked += 1
        path.write_bytes(data + b"\n")
        assert verify(case), name
        path.write_bytes(data[:-1])
        assert verify(case), name
        path.unlink()
        assert verify(case), name
        path.write_bytes(data)
    assert checked > 80
    assert verify(case) == []


def test_what_is_outside_the_hashes(case: Path) -> None:
    (case / "case.toml").write_text("corrected", encoding="utf-8")
    (case / "store" / "local.json").unlink()
    assert verify(case) == []


def test_strangers_are_named(case: Path) -> None:
    (case / "results" / "extra.txt").write_bytes(b"x")
    (case / "store" / "extra.txt").write_bytes(b"x")
    (case / "custody.torn-7").write_bytes(b"x")
    assert [p.file for p in verify(case)] == ["store/extra.txt", "results/extra.txt", "custody.torn-7"]


def test_a_cut_or_rewritten_log_is_found_with_the_head(case: Path, tmp_path: Path) -> None:
    head = custody.head(case)
    path = case / custody.NAME
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:-1]))
    assert any("head" in p.sentence for p in verify(case, head))
    # a forger who writes store, results and log anew is found by the head alone
    forged = make_case(tmp_path / "forged")
    add_sources(forged, (A, 39, 2, 3))
    assert verify(forged) == []
    assert [p.file for p in verify(forged, head)] == ["custody.jsonl"]


def forge(case: Path, change: Callable[[dict[str, object]], None]) -> None:
    """Change the manifest and make the log agree with it."""
    path = case / "store" / "manifest.json"
    data = json.loads(path.read_bytes())
    change(data["tables"])
    raw = (json.dumps(data, sort_keys=True, indent=1) + "\n").encode()
    path.write_bytes(raw)
    custody.append(case, "ingest", results=[Hashed(store.MANIFEST_NAME, hashlib.sha256(raw).hexdigest())])


def test_manifest_that_lies_about_content_rows_or_tables(case: Path, tmp_path: Path) -> None:
    for i, (change, words) in enumerate(
        (
            (lambda t: t["events"].update(content_sha256="0" * 64), "do not have the hash"),
            (lambda t: t["events"].update(rows=51), "has 50 rows, the manifest says 51"),
            (lambda t: t.pop("rejects"), "records rejected, but 0 are there"),
            (lambda t: t.pop("sources"), "not in the table sources"),
        )
    ):
        forged = tmp_path / str(i)
        shutil.copytree(case, forged)
        forge(forged, change)
        assert any(words in p.sentence for p in verify(forged)), words


def test_log_that_names_files_elsewhere(case: Path) -> None:
    custody.append(
        case, "score", results=[Hashed("../../etc/passwd", "0" * 64), Hashed("results/../case.toml", "0" * 64)]
    )
    assert [p.file for p in verify(case)] == ["custody.jsonl"] * 2


def test_interrupted_command_is_said(case: Path) -> None:
    prepared = case / "store" / store.NEXT
    raw = (case / "store" / "manifest.json").read_bytes().replace(b"0.", b"1.", 1)
    prepared.write_bytes(raw)
    assert ["undoes" in p.sentence for p in verify(case)] == [True]
    custody.append(case, "ingest", results=[Hashed(store.MANIFEST_NAME, hashlib.sha256(raw).hexdigest())])
    assert ["finishes" in p.sentence for p in verify(case)] == [True]
    store.recover(case)
    assert verify(case) == []
    assert (case / "store" / "manifest.json").read_bytes() == raw


def test_verify_waits_for_a_writer(case: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipelines.store.verify.hold", lambda c, n, **k: hold(c, n, 0.05, **k))
    with hold(case, "ingest"), pytest.raises(UserError, match="in use by qorgan ingest"):
        verify(case)


def test_verify_changes_nothing(case: Path) -> None:
    verify(case)
    before = files_of(case)
    verify(case)
    assert {k: v for k, v in files_of(case).items() if k != ".lock"} == {
        k: v for k, v in before.items() if k != ".lock"
    }
