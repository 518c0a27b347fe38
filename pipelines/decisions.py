"""Deciding a hypothesis: ``[[same_person]]`` tables at the end of ``case.toml``, noted in the custody log.

What the person wrote stays as it is, byte for byte; the new file is read and checked before it takes the place of the old one.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipelines import case_file, store
from pipelines.case_model import CaseFile
from pipelines.errors import UserError, count, shown
from pipelines.files import replace_file, sha256_of
from pipelines.identifiers import clean
from pipelines.resolve import resolve
from pipelines.resolve.identity import people, undeclared_id
from pipelines.store import custody
from pipelines.store.custody import Hashed
from pipelines.store.lock import hold


@dataclass(frozen=True, slots=True)
class Decided:
    """What was decided: ``head`` is None where it had been decided before, and nothing was written."""

    candidate: str
    contact: str
    accepted: bool
    identifiers: tuple[str, ...]
    head: str | None

    @property
    def sentence(self) -> str:
        """Say it."""
        word = "accepted as" if self.accepted else "refused as"
        if self.head is None:
            return f"{self.candidate} was {word} {self.contact} before; nothing was changed"
        number = count(len(self.identifiers), "identifier")
        undo = "take the [[same_person]] out of case.toml to undo it"
        effect = f"counted as {self.contact}'s from now on" if self.accepted else "not suggested again"
        return f"{self.candidate} is {word} {self.contact}: {number} {effect}; score the case again ({undo})"


def decide(case_dir: str | Path, candidate: str, contact: str, *, accepted: bool, reason: str) -> Decided:
    """Accept or refuse that an undeclared contact is a declared one.

    Parameters
    ----------
    case_dir : path
        The case.
    candidate : str
        The undeclared contact: id, label or identifier.
    contact : str
        Id of the declared contact.
    accepted : bool
        It is the same person; else it is not, and is not suggested again.
    reason : str
        The analyst's words; they stay in ``case.toml``.

    Raises
    ------
    UserError
        No such contact, no reason, or the contrary was decided before; nothing was changed.
    """
    folder = Path(case_dir)
    reason = reason.strip()
    if not reason:
        raise UserError("give a reason: it is kept with the decision")
    with hold(folder, "contacts"):
        path = (folder / "case.toml").resolve()
        old = path.read_bytes()
        case = case_file.load(path)
        if contact not in {c.id for c in case.contacts}:
            known = ", ".join(shown(c.id) for c in case.contacts) or "none is declared"
            more = ": declare it with a [[contact]] first" if contact.startswith("u-") else ""
            raise UserError(f"{shown(contact)!r} is no declared contact{more}; known are: {known}")
        if (before := _before(case, candidate, contact, accepted)) is not None:
            return before
        row = _undeclared(resolve(store.read(folder), case).tables.contacts.to_pylist(), candidate)
        identifiers = tuple(str(row["identifiers"]).split("\n"))
        new = _appended(old, contact, identifiers, accepted, reason)
        _check(new, path.name, contact, identifiers, accepted)
        inputs = [Hashed("case.toml", hashlib.sha256(old).hexdigest())]
        manifest = folder / store.MANIFEST_NAME
        if manifest.is_file():
            inputs.append(Hashed(store.MANIFEST_NAME, sha256_of(manifest)))
        head = _write(folder, path, old, new, row["contact_id"], contact, accepted, inputs)
    return Decided(row["contact_id"], contact, accepted, identifiers, head)


def _before(case: CaseFile, candidate: str, contact: str, accepted: bool) -> Decided | None:
    """Return the decision that is already in the file, if it is the same one.

    Raises
    ------
    UserError
        The file holds another one.
    """
    wanted = clean(candidate)
    for s in case.same_person:
        identifier = case_file.claimed(s.identifier, case.region)
        if wanted not in (undeclared_id(identifier), identifier, clean(s.identifier)):
            continue
        if s.contact == contact and s.accepted == accepted:
            return Decided(undeclared_id(identifier), contact, accepted, (identifier,), None)
        if s.contact == contact or s.accepted:
            word = "accepted" if s.accepted else "refused"
            raise UserError(
                f"{shown(candidate)} was {word} as {shown(s.contact)}; take that [[same_person]] out of case.toml first"
            )
    return None


def _undeclared(contacts: list[dict[str, Any]], wanted: str) -> dict[str, Any]:
    """Return the undeclared contact that is meant.

    Raises
    ------
    UserError
        Nobody, somebody declared, or more than one.
    """
    for match in (
        [c for c in contacts if c["contact_id"] == wanted],
        [c for c in contacts if wanted in c["identifiers"].split("\n")],
        [c for c in contacts if c["label"] == wanted],
    ):
        if len(match) > 1:
            raise UserError(f"{shown(wanted)!r} names {len(match)} contacts; give an id")
        if match and match[0]["declared"]:
            raise UserError(
                f"{shown(wanted)!r} is declared in case.toml ({shown(match[0]['contact_id'])}): correct its [[contact]]"
            )
        if match:
            return match[0]
    raise UserError(f"no contact {shown(wanted)!r} in this case; qorgan contacts lists those that are suggested")


def _appended(old: bytes, contact: str, identifiers: tuple[str, ...], accepted: bool, reason: str) -> bytes:
    """Return the file with one table for each identifier at its end, in the line ends of the file."""
    end = "\r\n" if b"\r\n" in old else "\n"
    quoted = case_file.quoted
    lines = [
        line
        for identifier in identifiers
        for line in (
            "", "[[same_person]]", f"contact = {quoted(contact)}", f"identifier = {quoted(identifier)}",
            f"accepted = {'true' if accepted else 'false'}", f"reason = {quoted(reason)}",
        )
    ]  # fmt: skip
    text = ("" if old.endswith(b"\n") else end) + end.join([*lines, ""])
    try:
        return old + text.encode()
    except UnicodeEncodeError:
        raise UserError("the reason or the id holds characters that are no text; nothing was changed") from None


def _check(new: bytes, name: str, contact: str, identifiers: tuple[str, ...], accepted: bool) -> None:
    """Read the file that would be, before it is.

    Raises
    ------
    UserError
        It would not be read, or would not say what was meant.
    """
    if len(new) > case_file.MAX_BYTES:
        raise UserError(f"{name} would become larger than {case_file.MAX_BYTES // 1_000_000} MB; nothing was changed")
    try:
        case = case_file.parse(new.decode("utf-8-sig"), name)
    except case_file.CaseFileError as error:
        raise UserError(f"the decision cannot be written, and nothing was changed: {error.faults[0]}") from None
    who = people(case)
    if accepted and any(who.who(i) != contact for i in identifiers):
        raise UserError("an identifier of this contact cannot be written in case.toml; nothing was changed")


def _write(folder: Path, path: Path, old: bytes, new: bytes, candidate: str, contact: str, accepted: bool,
           inputs: list[Hashed]) -> str:  # fmt: skip
    """Put the new file in the place of the old one, and note it; if it cannot be noted, the old one comes back."""
    if path.read_bytes() != old:
        raise UserError(f"{path.name} was changed meanwhile; nothing was written, run the command again")
    mode = path.stat().st_mode
    replace_file(path, new)
    try:
        path.chmod(mode)
        return custody.append(
            folder, "contacts", [f"--{'accept' if accepted else 'refuse'}={candidate}", f"--as={contact}"], inputs=inputs,
            note=f"decided by the analyst, the reason stands in case.toml, which is now sha256:{hashlib.sha256(new).hexdigest()}",
        )  # fmt: skip
    except BaseException:
        replace_file(path, old)
        path.chmod(mode)
        raise
