"""Verify: every hash in store, custody log and results. Reads everything, changes nothing."""

from __future__ import annotations

import hashlib
from collections import Counter
from pathlib import Path

import pyarrow as pa

from detector.schema import TableError
from pipelines import store
from pipelines.errors import UserError, shown
from pipelines.files import sha256_of
from pipelines.store import custody, results
from pipelines.store.custody import Problem
from pipelines.store.lock import hold


def verify(case_dir: str | Path, head: str | None = None) -> list[Problem]:
    """Check a case against its own records.

    Parameters
    ----------
    case_dir : path
        The case.
    head : str, optional
        A head of the custody log that somebody noted; without one, a cut tail or a log that was written anew as a whole
        cannot be found.

    Returns
    -------
    list of Problem
        Every difference found; empty if there is none.

    Raises
    ------
    UserError
        There is no such case, or the head is not a hash.

    Notes
    -----
    Outside the hashes are ``case.toml`` (people correct it), ``store/local.json`` and the lock.
    """
    folder = Path(case_dir)
    if not folder.is_dir():
        raise UserError(f"there is no case {shown(str(case_dir))}")
    if head is not None:
        head = head.strip().lower()
        if len(head) != 64 or set(head) - set("0123456789abcdef"):
            raise UserError("the head must be given whole: 64 hex digits")
    with hold(folder, "verify", read_only=True):
        problems = custody.check(folder, head)
        recorded = custody.recorded(folder)
        problems += _store(folder, recorded.get(store.MANIFEST_NAME))
        problems += _others(folder, recorded)
    return problems


def stale(case_dir: str | Path) -> list[Problem]:
    """Return results that were made before the store was last changed: whole, but no longer what the case holds."""
    folder = Path(case_dir)
    manifest = folder / store.MANIFEST_NAME
    now = sha256_of(manifest) if manifest.is_file() else None
    made: dict[str, str | None] = {}
    for _, _, entry in custody.entries(folder):
        if entry is not None:
            rests_on = {i["name"]: i["sha256"] for i in entry.get("inputs", [])}.get(store.MANIFEST_NAME)
            made |= {
                r["name"]: rests_on for r in entry.get("results", []) if r["name"].startswith(f"{results.FOLDER}/")
            }
    return [
        Problem(name, "was made before the store was last changed; score and report anew")
        for name, rests_on in sorted(made.items())
        if rests_on is not None and rests_on != now and (folder / name).is_file()
    ]


def _store(folder: Path, recorded: str | None) -> list[Problem]:
    problems: list[Problem] = []
    path = folder / store.FOLDER / store.MANIFEST
    prepared = folder / store.FOLDER / store.NEXT
    interrupted = False
    if prepared.exists():
        interrupted = recorded == hashlib.sha256(prepared.read_bytes()).hexdigest()
        word = "finishes" if interrupted else "undoes"
        sentence = f"a command was interrupted; the next ingest or remove {word} what it began"
        problems.append(Problem(f"{store.FOLDER}/{store.NEXT}", sentence))
    try:
        manifest = store.read_manifest(folder)
        left = store.leftovers(folder)
    except UserError as error:
        return [*problems, Problem(store.MANIFEST_NAME, str(error))]
    for name in left:
        if name != store.NEXT and not (interrupted and name.endswith(".parquet")):
            problems.append(
                Problem(
                    f"{store.FOLDER}/{shown(name)}",
                    "belongs to no table of the store (what an interrupted ingest left, the next ingest clears away)",
                )
            )
    if manifest is None:
        if recorded is not None and not interrupted:
            problems.append(Problem(store.MANIFEST_NAME, "is missing"))
        return problems
    if recorded is None:
        problems.append(Problem(store.MANIFEST_NAME, "no line of the custody log records it"))
    elif not interrupted and recorded != hashlib.sha256(path.read_bytes()).hexdigest():
        problems.append(Problem(store.MANIFEST_NAME, "is not the one that the custody log records"))
    found = [p for t, e in sorted(manifest.tables.items()) for p in _table(folder, t, e)]
    if not found:
        found = _sums(folder, manifest)
    return problems + found


def _table(folder: Path, table: str, entry: store.Entry) -> list[Problem]:
    name = f"{store.FOLDER}/{entry.file}"
    if (problem := custody.check_file(folder, name, entry.file_sha256)) is not None:
        return [problem]
    content = store.ContentHash(table)
    try:
        for data in store.batches(folder, table, entry):
            content.update(data)
    except (pa.ArrowException, OSError, TableError):
        return [Problem(name, "cannot be read as the table that it must be")]
    if content.hexdigest() != entry.content_sha256:
        return [Problem(name, "its rows do not have the hash that the manifest records")]
    if content.rows != entry.rows:
        return [Problem(name, f"has {content.rows} rows, the manifest says {entry.rows}")]
    return []


def _sums(folder: Path, manifest: store.Manifest) -> list[Problem]:
    """Check schema and conservation of sound files, batch by batch."""
    counts: dict[str, Counter[str]] = {}
    try:
        for table, entry in manifest.tables.items():
            counts[table] = Counter()
            for data in store.batches(folder, table, entry, check=True):
                counts[table].update(store.records(table, data))
        store.conserved(store.read_sources(folder), store.kept_of(counts), counts.get("rejects", Counter()))
    except TableError as error:
        return [Problem(store.FOLDER, str(error))]
    return []


def _others(folder: Path, recorded: dict[str, str]) -> list[Problem]:
    """Check results and torn lines against what the last command that wrote each recorded."""
    problems: list[Problem] = []
    for name, sha256 in sorted(recorded.items()):
        if name == store.MANIFEST_NAME:
            continue
        parts = Path(name).parts
        inside = len(parts) == 2 and parts[0] == results.FOLDER and parts[1] != ".."
        if not inside and not (len(parts) == 1 and name.startswith("custody.torn-")):
            problems.append(Problem(custody.NAME, f"records a result outside the case: {shown(name)!r}"))
        elif (problem := custody.check_file(folder, name, sha256)) is not None:
            problems.append(problem)
    here = folder / results.FOLDER
    found = sorted(here.iterdir()) if here.is_dir() else []
    for path in [*found, *sorted(folder.glob("custody.torn-*"))]:
        name = path.relative_to(folder).as_posix()
        if name in recorded:
            continue
        if path.name.startswith(".new-"):
            problems.append(
                Problem(shown(name), "was left by an interrupted command; the next score or report clears it away")
            )
        else:
            problems.append(Problem(shown(name), "was written by no recorded command"))
    return problems
