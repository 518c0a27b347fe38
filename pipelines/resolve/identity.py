"""Who is who: identifiers to contacts, as ``case.toml`` says now (DESIGN.md section 6). Every join has a declared reason; nothing else joins."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from detector.model import Decision
from pipelines.case_file import claimed
from pipelines.case_model import CaseFile
from pipelines.identifiers import clean

OWNER = "\x00owner"


def undeclared_id(identifier: str) -> str:
    """Return the id of a contact that nobody declared: ``u-`` and 10 hex digits of SHA-256 of the identifier."""
    return "u-" + hashlib.sha256(identifier.encode()).hexdigest()[:10]


def _bare(identifier: str) -> str | None:
    """Return the name in ``<app>:name:<name>``."""
    app, colon, rest = identifier.partition(":name:")
    return rest if colon and ":" not in app and rest else None


@dataclass(frozen=True, slots=True)
class People:
    """The declared owner and contacts, ready to be looked up.

    Attributes
    ----------
    exact : dict
        Normalised identifier to contact id, or :data:`OWNER`.
    bare : dict
        Bare name, which stands for any ``<app>:name:<name>``, to the same.
    labels : dict
        Contact id and label, as the incident journal names people, to contact id.
    region : str or None
        Country in which a number without country code is read.
    """

    exact: dict[str, str]
    bare: dict[str, str]
    labels: dict[str, str]
    region: str | None = None

    def who(self, identifier: str | None) -> str | None:
        """Return contact id, :data:`OWNER`, or None for an identifier that nobody declared."""
        if identifier is None:
            return None
        found = self.exact.get(identifier)
        if found is not None:
            return found
        name = _bare(identifier)
        if name is not None:
            return self.bare.get(name)
        if identifier.startswith("label:"):
            label = identifier[6:]
            return self.labels.get(label) or self.bare.get(label) or self._by_number(label)
        return self.labels.get(identifier) if ":" not in identifier else None

    def _by_number(self, label: str) -> str | None:
        try:
            return self.exact.get(claimed(label, self.region))
        except ValueError:
            return None


def people(case: CaseFile) -> People:
    """Read who is declared."""
    exact: dict[str, str] = {}
    bare: dict[str, str] = {}
    labels: dict[str, str] = {}

    def add(written: str, who: str) -> None:
        identifier = claimed(written, case.region)
        if identifier.startswith("name:"):
            bare.setdefault(identifier[5:], who)
        else:
            exact.setdefault(identifier, who)
            if identifier.startswith("label:"):
                labels.setdefault(identifier[6:], who)

    for written in (*case.owner_identifiers, *((case.owner_name,) if case.owner_name else ())):
        add(written, OWNER)
    for contact in case.contacts:
        for written in case.identifiers_of(contact):
            add(written, contact.id)
        labels.setdefault(clean(contact.id), contact.id)
    named = Counter(clean(c.label) for c in case.contacts)
    for contact in case.contacts:  # an id wins over another contact's label; a label of two people names nobody
        label = clean(contact.label)
        if label and named[label] == 1 and bare.get(label) in (None, OWNER, contact.id):
            labels.setdefault(label, contact.id)
    return People(exact, bare, labels, case.region)


def decisions(case: CaseFile) -> tuple[Decision, ...]:
    """Return what ``[[same_person]]`` decides, with normalised identifiers. Accepted ones are joined by :func:`people`."""
    return tuple(
        Decision(s.contact, claimed(s.identifier, case.region), s.accepted, s.reason) for s in case.same_person
    )


def declared_identifiers(case: CaseFile, written: Iterable[str]) -> list[str]:
    """Return the normalised forms of identifiers as written in ``case.toml``."""
    return [claimed(w, case.region) for w in written]
