"""Who stands behind an address (JID) of WhatsApp's databases.

``<number>@s.whatsapp.net`` is a phone number; ``<digits>@lid`` looks like one and is none: it becomes a number only through
the app's own map, else it stays ``whatsapp:lid:<digits>``. Addresses of devices (``<number>.0:12@…``) are those of their user.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from pipelines.identifiers import clean
from pipelines.readers._chat_rows import NOBODY, Memo, Party, Thread
from pipelines.readers.base import Context

APP = "whatsapp"
_PERSON = frozenset({"s.whatsapp.net", "c.us", "hosted"})
_LID = frozenset({"lid", "hosted.lid"})
_DIGITS = re.compile(r"\d{1,20}", re.ASCII)
#: longest address that is taken for one
_LONGEST = 200


def parts(jid: str) -> tuple[str, str]:
    """Return user (without agent and device) and server of an address."""
    user, _, server = jid.rpartition("@")
    user = user.partition(":")[0]
    base, dot, agent = user.partition(".")
    if dot and agent.isascii() and agent.isdigit():
        user = base
    return user, server.lower()


class Jids:
    """Turns addresses into parties and threads.

    Parameters
    ----------
    context : Context
        Normalises numbers; knows the owner.
    numbers : mapping
        ``<digits>@lid`` to the address with the phone number.
    """

    def __init__(self, context: Context, numbers: Mapping[str, str]) -> None:
        self._context = context
        self._numbers = numbers
        self._parties = Memo()
        #: identifiers that the database shows to be the owner's
        self.own: set[str] = set()

    def party(self, jid: str | None) -> Party:
        """Return who an address stands for; nobody for groups, lists and what is none."""
        if not jid:
            return NOBODY
        found = self._parties.get(jid)
        return found if found is not None else self._parties.keep(jid, self._party(jid))  # type: ignore[no-any-return]

    def _party(self, jid: str) -> Party:
        raw = clean(jid)[:_LONGEST]
        user, server = parts(raw)
        if server in _LID:
            mapped = self._numbers.get(f"{user}@lid")
            if mapped is not None:
                return self._party(mapped) if not mapped.endswith("@lid") else NOBODY
            return Party(f"{APP}:lid:{user}", raw, "app_id") if user else NOBODY
        if server in _PERSON:
            if _DIGITS.fullmatch(user) and user.strip("0"):
                # the number as a number: it is read again whenever the case is, in the case's own region
                identifier, kind = self._context.phone(f"+{user}")
                return Party(identifier, f"+{user}", kind)
            return Party(f"{APP}:{user}", raw, "app_id") if user else NOBODY
        if server in ("g.us", "broadcast", "newsletter", "call", "temp"):
            return NOBODY
        return Party(f"{APP}:{raw}", raw, "app_id") if user or server else NOBODY

    def thread(self, jid: str | None) -> Thread:
        """Return the thread that a chat's address stands for."""
        if not jid:
            return Thread()
        raw = clean(jid)[:_LONGEST]
        _, server = parts(raw)
        if server == "g.us":
            return Thread("group", NOBODY, f"{APP}:{raw}")
        if server in ("broadcast", "newsletter"):
            return Thread("channel", NOBODY, f"{APP}:{raw}")
        peer = self.party(raw)
        if peer.identifier is not None and (
            peer.identifier in self.own or peer.identifier in self._context.owner_names
        ):
            return Thread("self", peer, peer.identifier)
        return Thread("direct" if peer.identifier else "unknown", peer, peer.identifier)
