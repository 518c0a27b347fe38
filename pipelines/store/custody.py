"""The custody log: every command that changed a case, each line chained to the one before by its hash.

A line is canonical JSON (sorted keys, no blanks, ASCII) with its own ``hash``: the SHA-256 of the line without that key.
``prev`` is the hash of the line before, so no line can be changed, left out or put in without breaking the chain. The
hash of the last line is the *head*: who has noted it can find a cut tail or a chain that was written anew.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pipelines._version import __version__
from pipelines.errors import UserError
from pipelines.files import sha256_of, sync_folder, write_synced

NAME = "custody.jsonl"
#: the ``prev`` of the first line
GENESIS = "0" * 64
_KEYS = {"seq", "prev", "at", "command", "arguments", "version", "inputs", "results", "note", "hash"}
_BLOCK = 1 << 16
#: more than any line that is written here: a longer one is not read into memory
_LONGEST = 64_000_000


@dataclass(frozen=True, slots=True)
class Hashed:
    """A thing with its hash: a source by its id, a file of the case by its path in the case."""

    name: str
    sha256: str


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that verification found.

    Parameters
    ----------
    file : str
        Path in the case.
    sentence : str
        What is wrong.
    """

    file: str
    sentence: str

    def __str__(self) -> str:
        return f"{self.file}: {self.sentence}"


def _canonical(entry: Mapping[str, Any]) -> bytes:
    return json.dumps(entry, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode("ascii")


def _hash(entry: Mapping[str, Any]) -> str:
    return hashlib.sha256(_canonical({k: v for k, v in entry.items() if k != "hash"})).hexdigest()


def _now() -> str:
    # the only place where qorgan asks for the time
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _tail(path: Path) -> tuple[bytes, bytes]:
    """Return the last whole line and the torn bytes after it."""
    try:
        size = path.stat().st_size
    except FileNotFoundError:
        return b"", b""
    with path.open("rb") as file:
        tail, at = b"", size
        while at > 0 and tail.count(b"\n") < 2 and len(tail) <= 2 * _LONGEST:
            step = min(max(_BLOCK, len(tail)), at)
            at -= step
            file.seek(at)
            tail = file.read(step) + tail
    whole, newline, torn = tail.rpartition(b"\n")
    if not newline:
        return b"", tail
    return whole.rpartition(b"\n")[2], torn


def _parse(line: bytes) -> dict[str, Any] | None:
    """Return the entry of a line, or None if it is none or not written as it must be."""
    try:
        entry = json.loads(line)
    except (ValueError, RecursionError):
        return None
    if not isinstance(entry, dict) or set(entry) != _KEYS or not isinstance(entry["seq"], int):
        return None
    if not isinstance(entry["results"], list) or not isinstance(entry["inputs"], list):
        return None
    for item in (*entry["results"], *entry["inputs"]):
        if not isinstance(item, dict) or set(item) != {"name", "sha256"}:
            return None
        if not isinstance(item["name"], str) or not isinstance(item["sha256"], str):
            return None
    try:
        return entry if _canonical(entry) == line and entry["hash"] == _hash(entry) else None
    except (UnicodeEncodeError, ValueError):
        return None


def _last(case_dir: Path) -> dict[str, Any] | None:
    line, _ = _tail(case_dir / NAME)
    if not line:
        return None
    entry = _parse(line)
    if entry is None:
        raise UserError(f"the last line of {NAME} was changed; qorgan verify says more")
    return entry


def head(case_dir: str | Path) -> str | None:
    """Return the head of the log, or None if nothing was logged.

    Raises
    ------
    UserError
        The last line was changed.
    """
    entry = _last(Path(case_dir))
    return None if entry is None else str(entry["hash"])


def last_results(case_dir: str | Path) -> dict[str, str]:
    """Return the results (name to hash) of the last command."""
    entry = _last(Path(case_dir))
    return {} if entry is None else {r["name"]: r["sha256"] for r in entry["results"]}


def _save_torn(case_dir: Path, torn: bytes) -> str:
    """Keep the bytes of a torn line under a name of their own and return the name."""
    number = 1
    while True:
        path = case_dir / f"custody.torn-{number}"
        # a crash right after the copy was made leaves the copy: it is taken again
        if not path.exists() or path.read_bytes() == torn:
            write_synced(path, torn)
            sync_folder(case_dir)
            return path.name
        number += 1


def append(
    case_dir: str | Path, command: str, arguments: Sequence[str] = (), *, inputs: Sequence[Hashed] = (),
    results: Sequence[Hashed] = (), note: str = "",
) -> str:  # fmt: skip
    """Add a line, bring it to the disk and return the new head.

    Parameters
    ----------
    case_dir : path
        The case. The caller holds its lock.
    command : str
        Name of the command.
    arguments : sequence of str
        Its arguments. Of a path only the base name is kept; names of exports may be names of persons and must not come
        here at all: they stand in the table ``sources``, the log names sources by id.
    inputs, results : sequence of Hashed
        What went in and what was written (paths in the case, with ``/``).
    note : str
        One sentence without content.

    Raises
    ------
    UserError
        The last line was changed: nothing is chained to a broken log.
    """
    folder = Path(case_dir)
    path = folder / NAME
    last = _last(folder)
    _, torn = _tail(path)
    written = list(results)
    if torn:
        name = _save_torn(folder, torn)
        size = path.stat().st_size - len(torn)
        with path.open("r+b") as file:
            file.truncate(size)
            os.fsync(file.fileno())
        written.append(Hashed(name, hashlib.sha256(torn).hexdigest()))
        repaired = f"an interrupted command had left {len(torn)} bytes of a torn line; they were moved to {name}"
        note = f"{note}; {repaired}" if note else repaired
    entry: dict[str, Any] = {
        "seq": 1 if last is None else last["seq"] + 1,
        "prev": GENESIS if last is None else last["hash"],
        "at": _now(),
        "command": command,
        "arguments": [a.replace("\\", "/").rstrip("/").rpartition("/")[2] if "/" in a else a for a in arguments],
        "version": __version__,
        "inputs": [{"name": i.name, "sha256": i.sha256} for i in inputs],
        "results": [{"name": r.name, "sha256": r.sha256} for r in written],
        "note": note,
    }
    entry["hash"] = _hash(entry)
    _write_line(path, _canonical(entry) + b"\n")
    return str(entry["hash"])


def _write_line(path: Path, data: bytes) -> None:
    fresh = not path.exists()
    with path.open("ab", buffering=0) as file:
        size = file.seek(0, os.SEEK_END)
        try:
            while data:
                data = data[file.write(data) :]
            os.fsync(file.fileno())
        except OSError as error:
            # the line is not acknowledged: it must not come back after the next start either
            file.truncate(size)
            raise UserError(f"{NAME} cannot be written: {error.strerror}") from None
    if fresh:
        sync_folder(path.parent)


def entries(case_dir: str | Path) -> Iterator[tuple[int, bytes, dict[str, Any] | None]]:
    """Yield (line number, bytes with their line feed, entry or None if the line is none)."""
    path = Path(case_dir) / NAME
    if not path.exists():
        return
    with path.open("rb") as file:
        number = 0
        while line := file.readline(_LONGEST):
            number += 1
            yield number, line, _parse(line[:-1]) if line.endswith(b"\n") else None


def check(case_dir: str | Path, head: str | None = None) -> list[Problem]:
    """Check the chain.

    Parameters
    ----------
    case_dir : path
        The case.
    head : str, optional
        A head that somebody noted: the hash of the last line at that time.

    Returns
    -------
    list of Problem
        Empty if every line is as it was written, follows the one before, and the noted head is among them.
    """
    problems: list[Problem] = []
    previous, seen, last, torn = GENESIS, False, 0, b""
    for number, line, entry in entries(case_dir):
        last = number
        if not line.endswith(b"\n"):
            torn = line
            continue
        if entry is None:
            problems.append(Problem(NAME, f"line {number} was changed: it does not match its own hash"))
            previous = ""
            continue
        if entry["seq"] != number:
            problems.append(
                Problem(NAME, f"line {number} has the number {entry['seq']}: lines were taken out or put in")
            )
        if previous and entry["prev"] != previous:
            problems.append(Problem(NAME, f"line {number} does not follow line {number - 1}: the chain is broken"))
        previous = entry["hash"]
        seen = seen or head == previous
    if torn:
        sentence = f"line {last} is torn ({len(torn)} bytes): a command was interrupted; the next one sets it aside"
        problems.append(Problem(NAME, sentence))
    if head is not None and not seen:
        problems.append(Problem(NAME, "the given head is not in the log: its end was cut, or it was written anew"))
    return problems


def recorded(case_dir: str | Path) -> dict[str, str]:
    """Return for every file of the case the hash that the last command to write it recorded (path in the case)."""
    found: dict[str, str] = {}
    for _, _, entry in entries(case_dir):
        if entry is not None:
            found.update((r["name"], r["sha256"]) for r in entry["results"])
    return found


def check_file(case_dir: str | Path, name: str, sha256: str) -> Problem | None:
    """Compare one file of the case with a recorded hash."""
    path = Path(case_dir) / name
    try:
        same = sha256_of(path) == sha256
    except FileNotFoundError:
        return Problem(name, "is missing")
    except OSError as error:
        return Problem(name, f"cannot be read: {error.strerror}")
    return None if same else Problem(name, "was changed since it was written (its hash is not the recorded one)")
