"""What the readers of Meta's downloads (Facebook, Messenger, Instagram) share: names, profiles, the two sides of a thread."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from pipelines.identifiers import clean
from pipelines.readers._chat_rows import Party
from pipelines.readers._social import (
    Declared,
    declared,
    dictionaries,
    json_of,
    mended_name,
    named,
    near,
    one_account,
    waiting,
    words_of,
)
from pipelines.readers.base import Context, SourceFile, Waiting

#: people who write in one thread; a file with more is hostile [P]
MAX_PEOPLE = 10_000
#: the label of the profile's name and user name in the languages that were seen or are documented
_NAME_LABELS = frozenset({
    "name", "username", "имя", "имя пользователя", "атауы", "аты", "пайдаланушы аты", "benutzername", "nom",
    "nom d’utilisateur", "nom d'utilisateur", "nombre", "nombre de usuario", "nome", "nome utente", "nome de usuário", "ad",
    "kullanıcı adı", "ім'я", "ім’я користувача", "naam", "gebruikersnaam", "имя пользователя аккаунта", "이름", "사용자 이름",
})  # fmt: skip
#: ``Facebook user``, ``Пользователь Instagram``: what stands in place of the name of an account that is gone
_GONE = re.compile(r"(?:[\w'’-]+[ -])?(?:facebook|instagram)(?:[ -][\w'’-]+)?", re.IGNORECASE)


def gone(name: str) -> bool:
    """Return whether a name is what all accounts are called that do not exist any more."""
    return len(name) <= 40 and _GONE.fullmatch(name) is not None


def channel_of(source: SourceFile) -> tuple[str, bool]:
    """Return ``messenger`` or ``instagram`` for a thread, and whether the download says so.

    Both are written in one shape. The folders of newer downloads and the usual names of the archives tell, and so does the
    profile that lies in the download.
    """
    for word in reversed(words_of(source)):
        insta, face = "instagram" in word, "facebook" in word or "messenger" in word
        if insta != face:
            return ("instagram" if insta else "messenger"), True
    insta, face = bool(instagram_profiles(source)), bool(facebook_profiles(source))
    if insta != face:
        return ("instagram" if insta else "messenger"), True
    return "messenger", False


def facebook_profiles(source: SourceFile) -> dict[str, SourceFile]:
    """Return the names of the Facebook accounts whose profile lies in the download."""
    found: dict[str, SourceFile] = {}
    for other in near(source, "*/profile_information.json"):
        content = json_of(other)
        if isinstance(content, dict):
            for key in ("profile_v2", "profile"):
                profile = content.get(key)
                name = profile.get("name") if isinstance(profile, dict) else None
                full = mended_name(name.get("full_name") if isinstance(name, dict) else name)
                if full:
                    found.setdefault(full, other)
    return found


def instagram_profiles(source: SourceFile) -> dict[str, SourceFile]:
    """Return the names of the Instagram accounts whose profile lies in the download: shown and user name, a line feed between."""
    found: dict[str, SourceFile] = {}
    for other in near(source, "*/personal_information.json"):
        content = json_of(other)
        users = content.get("profile_user") if isinstance(content, dict) else None
        for user in dictionaries(users):
            fields = user.get("string_map_data")
            names: list[str] = []
            for label, one in fields.items() if isinstance(fields, dict) else ():
                if mended_name(label).casefold() in _NAME_LABELS and isinstance(one, dict):
                    name = mended_name(one.get("value"))
                    if name and name not in names:
                        names.append(name)
            if names:
                found.setdefault("\n".join(sorted(names)), other)
    return found


@dataclass(slots=True)
class Sides:
    """The two sides of a thread."""

    owner: frozenset[str] = frozenset()
    peer: str = ""  # the other side of a direct thread; empty where it cannot be told
    kind: str = "unknown"
    people: int | None = None
    companions: list[SourceFile] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def sides_of(
    source: SourceFile, context: Context, app: str, participants: Iterable[str], senders: Iterable[str], title: str,
    *, group: bool,
) -> Sides:  # fmt: skip
    """Settle who the owner is and who the other side of a thread.

    Parameters
    ----------
    source : SourceFile
        The thread.
    context : Context
        What is declared.
    app : str
        ``messenger`` or ``instagram``.
    participants, senders : iterable of str
        Names, mended and cleaned.
    title : str
        Title of the thread, which for two is the name of the other side.
    group : bool
        Does the file say that it is a group?

    Raises
    ------
    Waiting
        It cannot be told.
    Unreadable
        Two accounts lie in the download.
    """
    found = Sides()
    listed = [name for name in participants if name]
    people = set(listed) | {name for name in senders if name}
    # several accounts that are gone bear one name: they cannot be counted
    found.kind = "group" if group or len(people) > 2 or len(listed) > 2 else "direct"
    found.people = max(len(listed), len(people)) or None
    profiles = instagram_profiles(source) if app == "instagram" else facebook_profiles(source)
    one_account(profiles, "profiles of accounts")
    profile = frozenset(clean(n) for names in profiles for n in names.split("\n"))
    found.companions = list(profiles.values())
    said = declared(context, app)
    found.owner = _owner(found, said, profile, people, title, context.contact_names)
    if found.kind == "direct":
        others = people - found.owner
        if len(others) == 1 and len(listed) < 3:
            found.peer = others.pop()
        elif not others and people:
            same = len(listed) == 2
            found.kind = "unknown" if same or title not in found.owner else "self"
            if same:
                found.notes.append("both sides bear the same name: who wrote which message cannot be told")
    return found


def _owner(
    found: Sides, said: Declared, profile: frozenset[str], people: set[str], title: str, contacts: frozenset[str]
) -> frozenset[str]:
    direct = found.kind == "direct"
    for names in (said.names if said.by_option else frozenset(), profile, said.names):
        hits = names & people
        if len(hits) == 1:
            return hits
        if len(hits) > 1:
            if names == profile:  # shown name and user name of one account
                return hits
            raise waiting("several people in this chat bear a name that is declared as the owner's", "the right one")
    if said.by_option:
        raise waiting(
            "nobody in this chat bears the name that is given as the owner's", "the owner's name in this chat"
        )
    if direct and title in people and len(people) == 2:
        return frozenset(people - {title})  # a chat of two bears the name of the other side
    if profile and found.kind == "group":
        found.notes.append("the owner of the download neither writes in this group nor is listed in it")
        return profile
    if direct and len(people) == 1 and people <= {title, *contacts}:
        return (
            profile or frozenset()
        )  # nobody is there but the other side: the chat bears the name, or the case knows it
    raise _whose()


def _whose() -> Waiting:
    return waiting("it does not say which of its people the download belongs to", "the owner's name in this chat")


def party_of(app: str, name: str, thread: str) -> Party:
    """Return a person of a thread; accounts that are gone have one name and are kept apart by the thread."""
    if not name:
        return Party()
    if gone(name):
        return Party(f"{app}:gone-{thread.partition(':')[2]}", name, "app_id")
    return named(app, name)
