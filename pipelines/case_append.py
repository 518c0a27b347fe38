"""Decisions of people are added to the end of ``case.toml`` and noted in the custody log.

What the person wrote stays as it is, byte for byte; the new file is read and checked before it takes the place of the old one, and if it
cannot be noted, the old one comes back.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from pipelines import case_file, store
from pipelines.case_model import CaseFile
from pipelines.errors import UserError, shown
from pipelines.files import replace_file, sha256_of
from pipelines.store import custody
from pipelines.store.custody import Hashed
from pipelines.store.lock import hold

#: what a key of an added table can hold; a date with or without a time is written without quotation marks
Value = str | bool | date


def given_reason(text: str) -> str:
    """Return the analyst's reason, trimmed.

    Raises
    ------
    UserError
        There is none.
    """
    text = text.strip()
    if not text:
        raise UserError("give a reason: it is kept with the decision")
    return text


def declared_contact(case: CaseFile, contact: str) -> None:
    """Refuse the id of a contact that nobody declared.

    Raises
    ------
    UserError
        Names the declared ones.
    """
    if contact not in {c.id for c in case.contacts}:
        known = ", ".join(shown(c.id) for c in case.contacts) or "none is declared"
        more = ": declare it with a [[contact]] first" if contact.startswith("u-") else ""
        raise UserError(f"{shown(contact)!r} is no declared contact{more}; known are: {known}")


@dataclass(frozen=True, slots=True)
class Draft:
    """``case.toml`` as it is while its case is locked.

    Attributes
    ----------
    folder, path : path
        The case and the file itself, links followed.
    old : bytes
        The file.
    case : CaseFile
        What it says.
    command : str
        Whose decision it is, for the custody log.
    """

    folder: Path
    path: Path
    old: bytes
    case: CaseFile
    command: str

    def with_tables(self, tables: Sequence[tuple[str, Mapping[str, Value]]]) -> bytes:
        """Return the file with tables at its end, in the line ends of the file.

        Raises
        ------
        UserError
            A text cannot be written.
        """
        end = "\r\n" if b"\r\n" in self.old else "\n"
        lines = []
        for name, values in tables:
            lines += ["", f"[[{name}]]", *(f"{key} = {_written(value)}" for key, value in values.items())]
        text = ("" if self.old.endswith(b"\n") else end) + end.join([*lines, ""])
        try:
            return self.old + text.encode()
        except UnicodeEncodeError:
            raise UserError("the reason or the id holds characters that are no text; nothing was changed") from None

    def put(self, new: bytes, arguments: Sequence[str]) -> str:
        """Put the new file in the place of the old one, and note it; return the head of the custody log.

        Parameters
        ----------
        new : bytes
            The file, read and checked (see :func:`read_back`).
        arguments : sequence of str
            The decision, without the reason and without content.

        Raises
        ------
        UserError
            The file was changed meanwhile, or the decision cannot be noted; the file is as it was.
        """
        inputs = [Hashed("case.toml", hashlib.sha256(self.old).hexdigest())]
        manifest = self.folder / store.MANIFEST_NAME
        if manifest.is_file():
            inputs.append(Hashed(store.MANIFEST_NAME, sha256_of(manifest)))
        if self.path.read_bytes() != self.old:
            raise UserError(f"{self.path.name} was changed meanwhile; nothing was written, run the command again")
        mode = self.path.stat().st_mode
        replace_file(self.path, new)
        try:
            self.path.chmod(mode)
            return custody.append(
                self.folder, self.command, arguments, inputs=inputs,
                note=f"decided by the analyst, the reason stands in case.toml, which is now sha256:{hashlib.sha256(new).hexdigest()}",
            )  # fmt: skip
        except BaseException:
            replace_file(self.path, self.old)
            self.path.chmod(mode)
            raise


def _written(value: Value) -> str:
    """Return a value as TOML."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return case_file.quoted(value) if isinstance(value, str) else value.isoformat()


@contextmanager
def drafted(case_dir: str | Path, command: str) -> Iterator[Draft]:
    """Lock a case and read its ``case.toml``.

    Raises
    ------
    UserError
        Another command holds the case, or the file is missing or has faults.
    """
    folder = Path(case_dir)
    with hold(folder, command):
        path = (folder / "case.toml").resolve()
        old = path.read_bytes()
        yield Draft(folder, path, old, case_file.load(path), command)


def read_back(new: bytes, name: str) -> CaseFile:
    """Read the file that would be, before it is.

    Raises
    ------
    UserError
        It would not be read.
    """
    if len(new) > case_file.MAX_BYTES:
        raise UserError(f"{name} would become larger than {case_file.MAX_BYTES // 1_000_000} MB; nothing was changed")
    try:
        return case_file.parse(new.decode("utf-8-sig"), name)
    except case_file.CaseFileError as error:
        raise UserError(f"the decision cannot be written, and nothing was changed: {error.faults[0]}") from None
