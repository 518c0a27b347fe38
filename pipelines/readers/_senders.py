"""Who the owner is in a file that names its senders: declared, named by the option, or the one who is not the chat's title."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from pipelines.identifiers import clean, name_identifier
from pipelines.readers.base import Context, Waiting

_SHOWN = 20


def hashed(text: str) -> str:
    """Return the ten digits that stand for a title or a set of people in the id of a thread."""
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:10]


@dataclass(slots=True)
class Sides:
    """Who is who in a file.

    Attributes
    ----------
    owners : set of str
        Identifiers under which the owner writes.
    shown : list of str
        Those of them that the file itself shows (or its option).
    peer : str or None
        The other side of a direct thread.
    kind : str
        direct, group or unknown.
    notes : list of str
        How it was settled.
    """

    owners: set[str] = field(default_factory=set)
    shown: list[str] = field(default_factory=list)
    peer: str | None = None
    kind: str = "unknown"
    notes: list[str] = field(default_factory=list)


def _matches(identifier: str, name: str, wanted: Iterable[str], app: str) -> bool:
    keys = {identifier, name, name_identifier(app, name)}
    return any(clean(w) in keys for w in wanted)


def settle(
    senders: Mapping[str, str], title: str | None, context: Context, app: str, *, group: bool = False, title_identifier: str | None = None,
    stated: Iterable[str] = (), sole: bool = False,
) -> Sides:  # fmt: skip
    """Settle the sides of a chat.

    Parameters
    ----------
    senders : mapping
        Identifier to name of everybody who writes in the file.
    title : str, optional
        The name of the chat as the file gives it.
    context : Context
        Who the owner and the contacts are, and the option ``owner``.
    app : str
        Under which names become identifiers.
    group : bool
        The file shows that it is a group.
    title_identifier : str, optional
        Whom the title stands for, if that is more than a name.
    stated : iterable of str
        Under which identifiers the owner writes by the word of the records themselves.
    sole : bool
        Where there is no title, one other sender is the only other member.

    Raises
    ------
    Waiting
        Who the owner is cannot be told.
    """
    sides = Sides(kind="group" if group or len(senders) > 2 else "unknown")
    option = context.options.get("owner")
    wanted = [option] if option else sorted(context.owner_names)
    sides.owners = {i for i, name in senders.items() if _matches(i, name, wanted, app)}
    titled = {i for i, name in senders.items() if i == title_identifier or (title and clean(name) == clean(title))}
    if own := set(stated) & set(senders):
        sides.owners |= own
        sides.shown = sorted(own)
        sides.notes.append("the records themselves show which sender is the owner")
    elif sides.owners:
        if option:
            sides.shown = sorted(sides.owners)
        if len(sides.owners) == len(senders) > 1:
            sides.notes.append("every sender of this file is declared to be the owner")
    elif senders and not option and sides.kind != "group" and len(senders) == 2 and len(titled) == 1:
        sides.owners = set(senders) - titled
        sides.shown = sorted(sides.owners)
        sides.notes.append("the owner is the sender who is not the chat's title")
    elif senders:
        known = {i for i, name in senders.items() if _matches(i, name, context.contact_names, app)}
        if set(senders) <= titled | known:
            sides.notes.append("the owner does not write in this file")
        elif option and sides.kind == "group":
            sides.notes.append("the owner named by the option does not write in this group")
        else:
            names = sorted(senders.values())
            shown = ", ".join(names[:_SHOWN]) + (" …" if len(names) > _SHOWN else "")
            what = (
                "the sender named by the option owner is not in this file"
                if option
                else "no sender is known as the owner"
            )
            raise Waiting(
                f"{what}, and the file does not tell who the owner is; senders: {shown}",
                f'owner = "…"  # how the owner appears in this file; senders seen: {len(names)}',
            )
    others = sorted(set(senders) - sides.owners)
    if sides.kind == "group":
        return sides
    if len(others) > 1:
        sides.kind = "group"
    elif others:
        # of one other who is not the title it is not known that nobody else reads along
        sides.peer = others[0]
        sides.kind = "direct" if others[0] in titled or (sole and not title) else "unknown"
    elif title_identifier is not None:
        sides.peer, sides.kind = title_identifier, "direct"
    return sides
