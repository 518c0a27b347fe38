"""Deciding a hypothesis: ``[[same_person]]`` tables at the end of ``case.toml`` (see :mod:`pipelines.case_append`)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipelines import case_file, store
from pipelines.case_append import declared_contact, drafted, given_reason, read_back
from pipelines.case_model import CaseFile
from pipelines.errors import UserError, count, shown
from pipelines.identifiers import clean
from pipelines.resolve import resolve
from pipelines.resolve.identity import people, undeclared_id


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
    reason = given_reason(reason)
    with drafted(case_dir, "contacts") as draft:
        case = draft.case
        declared_contact(case, contact)
        if (before := _before(case, candidate, contact, accepted)) is not None:
            return before
        row = _undeclared(resolve(store.read(draft.folder), case).tables.contacts.to_pylist(), candidate)
        identifiers = tuple(str(row["identifiers"]).split("\n"))
        new = draft.with_tables([
            ("same_person", {"contact": contact, "identifier": i, "accepted": accepted, "reason": reason}) for i in identifiers
        ])  # fmt: skip
        _check(new, draft.path.name, contact, identifiers, accepted)
        head = draft.put(new, [f"--{'accept' if accepted else 'refuse'}={row['contact_id']}", f"--as={contact}"])
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


def _check(new: bytes, name: str, contact: str, identifiers: tuple[str, ...], accepted: bool) -> None:
    """Read the file that would be, before it is.

    Raises
    ------
    UserError
        It would not be read, or would not say what was meant.
    """
    who = people(read_back(new, name))
    if accepted and any(who.who(i) != contact for i in identifiers):
        raise UserError("an identifier of this contact cannot be written in case.toml; nothing was changed")
