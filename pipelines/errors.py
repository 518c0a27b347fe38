"""What the shell says when something does not work: one clear sentence, never a traceback, never content."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass

#: a name is shown up to this many characters [P]
SHOWN_LENGTH = 160


class UserError(Exception):
    """Wrong use, or input that cannot be used: nothing was changed. The text is one sentence for the user."""


class InternalError(Exception):
    """A part of qorgan broke its contract (a reader that loses records, a table that does not fit its schema)."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that was done but that the user must look at.

    Parameters
    ----------
    subject : str
        What it is about: a file name, a source id, a table.
    sentence : str
        One sentence without content.
    """

    subject: str
    sentence: str

    def __str__(self) -> str:
        return f"{shown(self.subject)}: {self.sentence}"


def shown(text: str, length: int = SHOWN_LENGTH) -> str:
    """Return a name as it may be printed: no control, bidi or broken characters, cut to a length.

    Names of files and archive members come from strangers: they can hold terminal codes, right-to-left overrides and
    bytes that are no text. They are kept as they are and made safe only here, on output.
    """
    safe = "".join(
        c if unicodedata.category(c) not in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp") else f"\\u{ord(c):04x}"
        for c in text[: length + 1]
    )
    return safe if len(safe) <= length else safe[: length - 1] + "…"


def count(number: int, one: str, many: str = "") -> str:
    """Return ``1 record`` or ``2 records``."""
    return f"{number} {one if number == 1 else many or one + 's'}"
