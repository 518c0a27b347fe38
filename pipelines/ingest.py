"""Ingest: from exports to one new generation of the store.

Files are judged singly: what can be read is stored, what needs an option waits, what nobody knows is said. All that one
call stores is committed together.
"""

from __future__ import annotations

import hashlib
import io
import json
import unicodedata
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import Any, BinaryIO, cast

from pipelines import case_file, store
from pipelines.case_file import names_of
from pipelines.case_model import CaseFile
from pipelines.containers import Found, Limits, Refused, is_media, sha256_again, stamp_of, walk
from pipelines.errors import Finding, InternalError, UserError, count, shown
from pipelines.files import sha256_of
from pipelines.readers import all_readers, recognise
from pipelines.readers.base import Context, Head, Reader, Unreadable, Waiting
from pipelines.resolve.source_options import label, options_for
from pipelines.store import custody
from pipelines.store.custody import Hashed
from pipelines.store.lock import NAME as LOCK_NAME
from pipelines.store.lock import hold
from pipelines.store.results import FOLDER as RESULTS
from pipelines.store.sink import Part, StoreSink, StoreWriteError

#: options that no reader uses: the time zone is applied on every load
LATER_OPTIONS = ("timezone",)
_STEP = 8 << 20
_BUFFER = 1 << 20


@dataclass(frozen=True, slots=True)
class Progress:
    """Where ingest is: a file, the bytes of it that a reader has taken, its size."""

    name: str
    done: int
    size: int


@dataclass(frozen=True, slots=True)
class StoredSource:
    """One source that was stored. ``first`` and ``last`` are readings of the file's clock (``Z`` where that is UTC)."""

    source_id: str
    name: str
    container: str | None
    format: str
    read: int
    kept: int
    rejected: int
    out_of_scope: int
    notes: tuple[str, ...]
    first: str | None
    last: str | None


@dataclass(frozen=True, slots=True)
class WaitingSource:
    """One source that needs an option. ``block`` is what to add to ``case.toml``."""

    source_id: str
    name: str
    container: str | None
    format: str
    reason: str
    block: str


@dataclass(frozen=True, slots=True)
class KnownSource:
    """One source that is in the store already: nothing was done with it."""

    source_id: str
    name: str
    container: str | None


@dataclass(slots=True)
class IngestReport:
    """What one ingest did, file by file."""

    case_id: str
    stored: list[StoredSource] = field(default_factory=list)
    waiting: list[WaitingSource] = field(default_factory=list)
    unknown: list[Finding] = field(default_factory=list)
    failed: list[Finding] = field(default_factory=list)
    already: list[KnownSource] = field(default_factory=list)
    skipped: list[Finding] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    warnings: tuple[str, ...] = ()
    head: str | None = None

    @property
    def rejected(self) -> int:
        """Number of records that were rejected."""
        return sum(s.rejected for s in self.stored)

    @property
    def exit_code(self) -> int:
        """Return 0 done; 1 done, but look at something; 2 no usable input, nothing changed."""
        if not (self.stored or self.already or self.waiting):
            return 2
        return int(bool(self.waiting or self.unknown or self.failed or self.findings or self.rejected))

    @property
    def summary(self) -> str:
        """Return the last line: what was found, how much was left out and why."""
        kept, scope = sum(s.kept for s in self.stored), sum(s.out_of_scope for s in self.stored)
        parts = [f"{count(len(self.stored), 'source')} stored with {count(kept, 'record')}"]
        parts += [f"{count(self.rejected, 'record')} rejected"] * bool(self.rejected)
        parts += [f"{count(scope, 'record')} out of scope"] * bool(scope)
        for found, words in (
            (self.already, "already there"), (self.waiting, "waiting for an option"), (self.unknown, "of unknown format"),
            (self.failed, "failed"), (self.skipped, "skipped"),
        ):  # fmt: skip
            parts += [f"{len(found)} {words}"] * bool(found)
        return ", ".join(parts)


class Watched(io.RawIOBase):
    """A stream of a source that hashes what it gives, as long as it is read front to back."""

    def __init__(self, stream: BinaryIO, tell: Callable[[int], None]) -> None:
        super().__init__()
        self._stream = stream
        self._tell = tell
        self._digest = hashlib.sha256()
        self._straight = True
        self._ended = False
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return self._stream.seekable()

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        at = self._stream.seek(offset, whence)
        self._straight = self._straight and at == self._at
        self._at = at
        return at

    def readinto(self, buffer: Any) -> int:
        view = memoryview(buffer)
        data = self._stream.read(len(view))
        view[: len(data)] = data
        if self._straight:
            self._digest.update(data)
            self._ended = self._ended or (not data and len(view) > 0)
        self._at += len(data)
        self._tell(self._at)
        return len(data)

    def close(self) -> None:
        self._stream.close()
        super().close()

    @property
    def sha256(self) -> str | None:
        """Return the hash of the whole source if it was read front to back to its end, else None."""
        return self._digest.hexdigest() if self._straight and self._ended else None


class _Watch:
    """All streams of one source: how far reading came, and whether the bytes were those that were hashed before."""

    def __init__(self, found: Found, progress: Callable[[Progress], None] | None) -> None:
        self._found = found
        self._progress = progress
        self._next = 0
        self._streams: list[Watched] = []
        self.at = 0

    def _tell(self, at: int) -> None:
        self.at = at
        if self._progress is not None and at >= self._next:
            self._next = at + _STEP
            self._progress(Progress(label(self._found.name, self._found.container), at, self._found.size))

    def open(self) -> BinaryIO:
        self._next = 0
        stream = Watched(self._found.open(), self._tell)
        self._streams.append(stream)
        return cast(BinaryIO, io.BufferedReader(stream, _BUFFER))

    def changed(self) -> bool:
        """Return whether the file is not, or was not while it was read, what was hashed in the first pass."""
        if stamp_of(self._found.origin) != self._found.stamp:
            return True
        hashes = {s.sha256 for s in self._streams} - {None} if self._found.wal is None else set()
        if not hashes:
            hashes = {sha256_again(self._found)}
        return hashes != {self._found.sha256}


def waiting_block(source: WaitingSource, lines: str, *, unique: bool) -> str:
    """Return the ``[[source]]`` table to add to ``case.toml``: by name, or by id where the name fits several files."""
    match = label(source.name, source.container)
    if not unique or "\ufffd" in match or any(unicodedata.category(c)[0] == "C" for c in match):
        match = source.source_id
    return f"[[source]]\nmatch = {case_file.quoted(match)}\n{lines.strip()}\n"


@dataclass(slots=True)
class _Run:
    """What the files of one call share."""

    case: CaseFile
    report: IngestReport
    generation: store.Generation
    known: dict[str, str]
    known_options: dict[str, str]
    context: Context
    progress: Callable[[Progress], None] | None
    inputs: dict[str, str] = field(default_factory=dict)
    not_read: list[dict[str, Any]] = field(default_factory=list)
    companions: set[str] = field(default_factory=set)
    waits: list[tuple[WaitingSource, str]] = field(default_factory=list)
    names: Counter[str] = field(default_factory=Counter)

    def end(self) -> None:
        """Say what to add for the sources that wait: only now it is known which names are those of several files."""
        looked_at = {row["sha256"] for row in self.not_read} & self.companions
        if looked_at:  # nothing of such a file is missing: what it holds was looked up by the files beside it
            names = {label(r["name"], r["container"]) for r in self.not_read if r["sha256"] in looked_at}
            told = [f for f in self.report.unknown if f.subject in names]
            self.report.unknown = [f for f in self.report.unknown if f.subject not in names]
            self.report.skipped += [Finding(f.subject, "was looked at by the files beside it") for f in told]
            self.not_read = [r for r in self.not_read if r["sha256"] not in looked_at]
        for source, lines in self.waits:
            unique = self.names[label(source.name, source.container)] == 1
            self.report.waiting.append(replace(source, block=waiting_block(source, lines, unique=unique)))

    def refused(self, item: Refused) -> None:
        finding = Finding(label(item.name, item.container), item.reason)
        (self.report.skipped if item.skipped else self.report.failed).append(finding)
        if item.source is not None and not item.skipped:
            self.unread(item.source, item.reason)

    def unread(self, item: Found, reason: str) -> None:
        """List a file of which nothing was read: nobody shall believe that it was covered."""
        self.not_read.append(
            {"source_id": item.source_id, "name": item.name, "container": item.container, "bytes": item.size,
             "sha256": item.sha256, "reason": reason}
        )  # fmt: skip

    def failed(self, item: Found, name: str, reason: str) -> None:
        """Say that a file failed, and list it as not read."""
        self.report.failed.append(Finding(name, reason))
        self.unread(item, reason)

    def found(self, item: Found) -> None:
        name = label(item.name, item.container)
        if any(item.source_id == w.source_id for w, _ in self.waits):
            self.report.skipped.append(Finding(name, "is the same file as one that waits for an option"))
            return
        self.names[name] += 1
        if item.source_id in self.known:
            self._known(item, name)
            return
        try:
            options = options_for(self.case, item.source_id, item.name, item.container)
        except UserError as error:
            self.failed(item, name, str(error))
            return
        reader = self._reader(item, name, options)
        if reader is not None:
            self._read(item, name, reader, options)

    def _reader(self, item: Found, name: str, options: Mapping[str, str]) -> Reader | None:
        """Return who reads a file: whom ``[[source]]`` names, else who knows its content."""
        if (said := options.get("format") or ("cdr" if "layout" in options else None)) is not None:
            if said not in all_readers():
                self.failed(
                    item, name, f"[[source]] names the format {shown(said)}, which is none: qorgan formats lists them"
                )
            return all_readers().get(said)
        try:
            claims, verdict = recognise(Head(item.head, item.name, item.container, item.size, item))
        except Exception:
            self.failed(item, name, "a reader failed while looking at its beginning; please report it")
            return None
        if verdict == "known":
            return all_readers()[claims[0][0]]
        if verdict == "ambiguous":
            ids = ", ".join(i for i, c in claims if c.sure == claims[0][1].sure)
            self.report.unknown.append(Finding(name, f"several readers claim it equally: {ids}"))
            self.unread(item, f"several readers claim it equally: {ids}")
        elif any(key.startswith("columns.") for key in options):
            return all_readers()["cdr"]  # a table whose columns somebody declared is an operator's list
        elif is_media(item.head):
            self.report.skipped.append(Finding(name, "is a picture, film, sound or document, no log"))
        else:
            self.report.unknown.append(Finding(name, "no reader knows this format"))
            self.unread(item, "no reader knows this format")
        return None

    def _known(self, item: Found, name: str) -> None:
        if self.known[item.source_id] != item.sha256:
            self.report.failed.append(
                Finding(name, f"its id {item.source_id} is that of another source of the case; it is not stored")
            )
            return
        self.report.already.append(KnownSource(item.source_id, item.name, item.container))
        used = self.known_options.get(item.source_id)
        try:
            now = options_for(self.case, item.source_id, item.name, item.container)
        except UserError:
            return
        if used is not None and _read_options(json.loads(used)) != _read_options(now):
            self.report.findings.append(
                Finding(
                    name,
                    "the options of [[source]] are not those with which it was read: "
                    f"to apply them, qorgan remove {item.source_id} and ingest it again",
                )
            )

    def _read(self, item: Found, name: str, reader: Reader, options: Mapping[str, str]) -> None:
        described = reader.description
        watch = _Watch(item, self.progress)
        sink = StoreSink(
            self.generation.folder, item.source_id, self.case.id, described.id, described.channels
        )  # fmt: skip
        context = replace(self.context, options=dict(options))
        part: Part | None = None
        try:
            reader.read(replace(item, open=watch.open), context, sink)
            part = sink.finish()
            if watch.changed():
                part = None
                self.failed(item, name, "was changed while it was being read; nothing of it is stored")
        except Waiting as wait:
            source = WaitingSource(item.source_id, item.name, item.container, described.id, wait.reason, "")
            self.waits.append((source, wait.lines))
            self.unread(item, f"waits for an option: {wait.reason}")
        except Unreadable as error:
            where = f" (at {error.record})" if error.record else ""
            self.failed(item, name, f"{error.reason}{where}")
        except StoreWriteError as error:
            raise UserError(f"the store cannot be written: {error}; nothing was changed") from None
        except Exception as error:
            if isinstance(sink.fault, StoreWriteError):
                raise UserError(f"the store cannot be written: {sink.fault}; nothing was changed") from None
            self.failed(item, name, _failure(error, described.id, sink, watch))
        finally:
            if part is None:
                sink.discard()
        if part is not None:
            self._stored(item, reader, options, part)

    def _stored(self, item: Found, reader: Reader, options: Mapping[str, str], part: Part) -> None:
        described = reader.description
        values: dict[str, Any] = {
            "source_id": item.source_id, "name": item.name, "container": item.container, "bytes": item.size,
            "sha256": item.sha256, "format": described.id, "reader": type(reader).__module__,
            "reader_version": described.version,
            "options": json.dumps(dict(sorted(options.items())), ensure_ascii=False),
            "owner_identifiers": json.dumps(sorted(part.owners), ensure_ascii=False),
            "notes": "\n".join([*part.notes, *_companions(part)]),
        }  # fmt: skip
        self.generation.add(store.SourceRow(values, item.origin), part)
        self.known[item.source_id] = item.sha256
        self.inputs[item.source_id] = item.sha256
        self.companions |= set(part.companions)
        self.inputs.update((f"companion:{h[:12]}", h) for h in part.companions)
        if item.container_sha256 is not None:
            self.inputs[f"archive:{item.container_sha256[:12]}"] = item.container_sha256
        self.report.stored.append(
            StoredSource(
                item.source_id, item.name, item.container, described.id, part.read, part.kept, part.rejected,
                part.out_of_scope, tuple(part.notes), part.first, part.last,
            )
        )  # fmt: skip


def _companions(part: Part) -> list[str]:
    """Name the files that were looked at beside the source by their hashes: their names may be those of persons."""
    return [f"read together with the file of SHA-256 {h} ({role})" for h, role in sorted(part.companions.items())]


def _read_options(options: Mapping[str, str]) -> dict[str, str]:
    return {k: v for k, v in options.items() if k not in LATER_OPTIONS}


def _failure(error: Exception, reader: str, sink: StoreSink, watch: _Watch) -> str:
    """Return one sentence about an exception, never its text: that may hold content."""
    if isinstance(sink.fault, InternalError):
        error = sink.fault
    if isinstance(error, (zipfile.BadZipFile, zlib.error, EOFError)):
        return "the member of the archive is broken"
    if isinstance(error, OSError) and error.errno is not None:
        return f"cannot be read: {error.strerror}"
    where = f"byte {watch.at}" + (f", after record {shown(sink.last_record, 80)}" if sink.last_record else "")
    why = f" ({error})" if isinstance(error, InternalError) else ""
    return f"the reader {reader} failed at {where}{why}; please report it"


def ingest(
    case_dir: str | Path, paths: Sequence[str | Path], progress: Callable[[Progress], None] | None = None,
    limits: Limits | None = None,
) -> IngestReport:  # fmt: skip
    """Read exports into the store of a case.

    Parameters
    ----------
    case_dir : path
        The case, with its ``case.toml``.
    paths : sequence of paths
        Files, folders, archives.
    progress : callable, optional
        Is called at the beginning of every file and every few megabytes.
    limits : Limits, optional
        What an archive may ask for.

    Returns
    -------
    IngestReport
        What became of every file. The store and the custody log are changed only if something was stored.

    Raises
    ------
    UserError
        ``case.toml`` is missing, has faults or no legal basis; a path does not exist; the store was changed from outside or
        cannot be written. Nothing was changed.
    """
    folder = Path(case_dir)
    if not folder.is_dir():
        raise UserError(f"there is no case {shown(str(case_dir))}: make one with qorgan init")
    if not paths:
        raise UserError("name at least one export")
    case = case_file.load(folder)
    if case.basis is None:
        raise UserError(
            f'{shown(str(folder / "case.toml"))} names no legal basis: write basis = "consent" or basis = "order" '
            "under [case]; nothing is ingested without it"
        )
    own = [folder / n for n in (store.FOLDER, RESULTS, "case.toml", custody.NAME, LOCK_NAME)]
    walks = [walk([p], own, limits) for p in paths]  # a path that does not exist ends everything before it begins
    with hold(folder, "ingest"), store.Generation(folder, case.id) as generation:
        table = store.read_sources(folder)
        report = IngestReport(case.id, warnings=case.warnings)
        run = _Run(
            case, report, generation, generation.sources(),
            dict(zip(table["source_id"].to_pylist(), table["options"].to_pylist(), strict=True)),
            context_of(case), progress,
        )  # fmt: skip
        arguments: list[str] = []
        for path, items in zip(paths, walks, strict=True):
            argument = "folder" if Path(path).is_dir() else "file"
            for item in items:
                if isinstance(item, Refused):
                    run.refused(item)
                    continue
                run.found(item)
                if argument == "file":
                    # by hash, not by name: names of exports are often names of persons, and the log is for ever
                    outer = item.container_sha256
                    argument = f"file:{item.sha256[:12]}" if outer is None else f"archive:{outer[:12]}"
            arguments.append(argument)
        run.end()
        if report.stored or report.already:  # a case without a source has nothing that could be taken for complete
            for values in run.not_read:
                if values["source_id"] not in run.known:
                    generation.unread(values)
        if not generation.changed:
            report.head = custody.head(folder)
            return report
        note = report.summary
        toml = Hashed("case.toml", sha256_of(folder / "case.toml"))
        inputs = [toml, *(Hashed(n, h) for n, h in sorted(run.inputs.items()))]

        def record(manifest: str) -> None:
            report.head = custody.append(
                folder, "ingest", arguments, inputs=inputs, results=[Hashed(store.MANIFEST_NAME, manifest)], note=note
            )

        generation.commit(record)
    return report


def context_of(case: CaseFile, options: Mapping[str, str] | None = None) -> Context:
    """Return what of ``case.toml`` a reader may know."""
    return Context(
        _phone(case.region), names_of((case.owner_name, *case.owner_identifiers), case.region),
        names_of(tuple(i for c in case.contacts for i in case.identifiers_of(c)), case.region), options or {},
    )  # fmt: skip


def _phone(region: str | None) -> Callable[[str | None], tuple[str | None, str]]:
    from pipelines.identifiers import phone_identifier

    @lru_cache(maxsize=65_536)
    def phone(raw: str | None) -> tuple[str | None, str]:
        return phone_identifier(raw, region)

    return phone
