"""Identifiers in the grammar of DESIGN.md section 6.

``+E164`` · ``short:7111`` · ``alpha:Kaspi`` · ``raw:<text>`` · ``mail:a@b`` · ``<app>:<native id>`` · ``<app>:name:<NFC name>``.
"""

from __future__ import annotations

import re
import unicodedata

#: marks that surround names and numbers in exports and mean nothing
_MARKS = dict.fromkeys(
    [0x200B, 0x200C, 0x200E, 0x200F, 0xFEFF, 0x00AD, *range(0x202A, 0x202F), *range(0x2066, 0x206A)], None
)
_SPACES = {0x00A0: " ", 0x202F: " ", 0x2009: " ", 0x2007: " "}
#: line feeds and other controls: no name or number holds one, and lists of identifiers are separated by line feeds
_CONTROLS = dict.fromkeys([*range(0x20), *range(0x7F, 0xA0), 0x2028, 0x2029], " ")
_CLEAN = {**_CONTROLS, **_SPACES, **_MARKS}
_DASHES = re.compile("[\u2010-\u2015\u2212]")
_PHONE_CHARS = re.compile(r"[+0-9()./\-\s*#]*")
_MISSING = {"", "null", "(unknown)", "unknown"}
#: what apps and operators write in the place of a number that is withheld or not known: nobody's name, and never one caller
_NOBODY = {
    "private number": "withheld", "private": "withheld", "private caller": "withheld", "restricted": "withheld",
    "withheld": "withheld", "number withheld": "withheld", "no caller id": "withheld", "anonymous": "withheld",
    "hidden number": "withheld", "unknown number": "unknown_caller", "unknown caller": "unknown_caller",
    "unavailable": "unknown_caller", "payphone": "payphone", "скрытый номер": "withheld", "номер скрыт": "withheld",
    "скрыт": "withheld", "анонимный": "withheld", "анонимный номер": "withheld", "анонимный абонент": "withheld",
    "частный номер": "withheld", "номер засекречен": "withheld", "неизвестный": "unknown_caller", "неизвестный номер": "unknown_caller",
    "неизвестно": "unknown_caller", "таксофон": "payphone", "жасырын нөмір": "withheld", "жасырылған нөмір": "withheld",
    "белгісіз": "unknown_caller", "белгісіз нөмір": "unknown_caller", "anonym": "withheld", "unbekannt": "unknown_caller",
    "unterdrückt": "withheld", "numéro masqué": "withheld", "inconnu": "unknown_caller", "gizli numara": "withheld",
    "bilinmeyen numara": "unknown_caller", "número privado": "withheld", "desconocido": "unknown_caller",
}  # fmt: skip


def clean(text: str) -> str:
    """Return the text NFC, without invisible marks, odd blanks and controls as blanks, trimmed."""
    return unicodedata.normalize("NFC", text.translate(_CLEAN)).strip()


def name_identifier(app: str, name: str) -> str:
    """Return the identifier of a person whom an app knows by name only."""
    return f"{app}:name:{clean(name)}"


def phone_identifier(raw: str | None, region: str | None) -> tuple[str | None, str]:
    """Normalise a number as a phone or an operator writes it.

    Parameters
    ----------
    raw : str or None
        The raw string; ``"null"`` and the empty string mean missing.
    region : str or None
        Two-letter country in which a number without country code is read.

    Returns
    -------
    identifier : str or None
        ``+E164`` where the number is valid, else ``short:``, ``alpha:``, ``mail:`` or ``raw:``; None if withheld or missing.
    kind : str
        A value of ``events.identifier_kind``.
    """
    if raw is None:
        return None, "none"
    text = clean(raw)
    low = text.lower()
    if low in _MISSING:
        return None, "none"
    if low in _NOBODY:
        return None, _NOBODY[low]
    if low in ("-1",):
        return None, "unknown_caller"
    if low == "-2":
        return None, "withheld"
    if low == "-3":
        return None, "payphone"
    if "@" in text and " " not in text:
        local, _, domain = text.rpartition("@")
        return f"mail:{local}@{domain.lower()}", "mail"
    plain = _DASHES.sub("-", text)
    if not _PHONE_CHARS.fullmatch(plain):
        return f"alpha:{text}", "alpha"
    digits = re.sub(r"\D", "", plain)
    if not digits:
        return f"raw:{text}", "raw"
    if "+" not in plain and len(digits) <= 6:
        return f"short:{digits}", "short"
    import phonenumbers  # slow to load, and only needed once a number is met

    for candidate, where in ((plain, region), ("+" + digits, None)):
        if candidate.startswith("+") is False and where is None:
            continue
        try:
            number = phonenumbers.parse(candidate, where)
        except phonenumbers.NumberParseException:
            continue
        if phonenumbers.is_valid_number(number):
            return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164), "phone"
    return f"raw:{'+' if plain.startswith('+') else ''}{digits}", "raw"
