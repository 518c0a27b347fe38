"""What of a raw record may be seen: metadata as it is, content as its length, no character that acts on a terminal.

A masked record shows the values of an allow list of keys (times, types, lengths, coordinates, ids, addresses and names
of people, who are identifiers here) and ``‹n characters›`` in place of every other value. What is not on the list is
hidden, so that a new field of an app is hidden too.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

#: deepest nesting that is shown; what lies deeper is hidden as a whole
DEPTH_LIMIT = 40
#: longest value of an allowed key that is shown
VALUE_LIMIT = 200

# Controls, marks that turn the direction of text, invisible characters, half surrogates, tags; not tab and line feed,
# not the joiners that emoji and Persian need.
_HARMFUL = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b\u200e\u200f\u2028-\u202e"
    "\u2060-\u206f\u3164\ud800-\udfff\ufeff\uffa0\ufff9-\ufffb\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"
    "\U000e0000-\U000e0fff]"
)
_PLAIN_KEY = re.compile(r"[A-Za-z_@$][\w.:-]{0,63}", re.ASCII)


def _escape(found: re.Match[str]) -> str:
    code = ord(found.group())
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def harmless(text: str, *, lines: bool = True) -> str:
    r"""Return the text with every character that could act on a terminal or hide itself as a visible escape.

    Parameters
    ----------
    text : str
        Any text: a record, a file name.
    lines : bool
        Leave line feeds and tabs as they are; otherwise they are escaped too (for names and single lines).

    Returns
    -------
    str
        ``\x1b`` for an escape character, ``\u202e`` for a mark that turns the direction.
    """
    shown = _HARMFUL.sub(_escape, text)
    return shown if lines else shown.replace("\n", "\\n").replace("\t", "\\t")


def hidden(characters: int) -> str:
    """Return what stands in place of so many characters of content."""
    return f"‹{characters} character›" if characters == 1 else f"‹{characters} characters›"


@dataclass(frozen=True, slots=True)
class Allowed:
    """What may be seen of a family of formats.

    Attributes
    ----------
    keys : frozenset of str
        Keys (JSON), attributes and elements (XML) whose values are metadata.
    sealed : frozenset of str
        JSON keys under which only ``type`` may be seen, whatever the keys below them are called.
    elements : mapping
        XML elements with a list of their own in place of ``keys``.
    values : pattern or None
        What values of allowed keys look like; any other is hidden.
    """

    keys: frozenset[str] = frozenset()
    sealed: frozenset[str] = frozenset()
    elements: Mapping[str, frozenset[str]] = field(default_factory=dict)
    values: re.Pattern[str] | None = None

    def shows(self, value: str) -> bool:
        """Return whether the value of an allowed key may be seen as it is."""
        return len(value) <= VALUE_LIMIT and (self.values is None or self.values.fullmatch(value) is not None)


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_SMS = Allowed(
    keys=_words(
        """
        address contact_name date date_sent type msg_box m_type m_size m_id tr_id ct_t text_only read seen status
        locked protocol service_center toa sc_toa sub_id sim_slot subscription_id subscription_component_name
        phone_account_address readable_date number duration presentation time dur new name count backup_set
        backup_date v pri rr d_rpt exp m_cls resp_st st retr_st d_tm rpt_a read_status reserved sequence_time creator
        spam_report safe_message app_id callback_set simId sim_imsi hidden deletable favorite using_mode secret_mode
        """
    ),
    elements={
        "part": _words("seq ct chset"),
        "addr": _words("address type charset"),
    },
)
_TELEGRAM = Allowed(
    keys=_words(
        """
        id type date date_unixtime edited edited_unixtime from from_id actor actor_id action discard_reason duration
        duration_seconds media_type mime_type width height file_size photo_file_size thumbnail_file_size message_id
        reply_to_message_id reply_to_peer_id forwarded_from_id saved_from_id via_bot latitude longitude
        live_location_period_seconds members user_id period distance months amount currency stars cost count peer_id
        to_id from_name_id boosts is_limited is_anonymous new_peer_id
        """
    ),
    sealed=_words("text text_entities poll contact_information contact_vcard game_title inline_bot_buttons todo_list"),
)
_GOOGLE = Allowed(
    keys=_words(
        """
        latitudeE7 longitudeE7 latE7 lngE7 centerLatE7 centerLngE7 accuracy accuracyMeters accuracyMm verticalAccuracy
        altitude altitudeMeters velocity heading speedMetersPerSecond timestamp timestampMs startTimestamp
        endTimestamp startTimestampMs endTimestampMs serverTimestamp deviceTimestamp startTime endTime time
        startTimeTimezoneUtcOffsetMinutes endTimeTimezoneUtcOffsetMinutes durationMinutesOffsetFromStartTime point
        latLng LatLng placeLocation start end source deviceTag deviceDesignation platformType platform type confidence
        probability activityType distance distanceMeters waypoints duration placeId placeID semanticType
        locationConfidence placeConfidence visitConfidence editConfirmationStatus hierarchyLevel isTimelessVisit
        osLevel batteryCharging formFactor deviceId sourceInfo calibratedProbability activeWifiScan
        """
    )
)
_SWARM = Allowed(
    keys=_words(
        "id createdAt timeZoneOffset timeZone type lat lng hacc entityType private isMayor visibility editableUntil"
    ),
    sealed=_words("with likes comments photos posts score badges overlaps event sticker shout source"),
)
_GPX = Allowed(
    keys=_words("lat lon ele time hdop vdop pdop sat fix magvar geoidheight ageofdgpsdata dgpsid speed course"),
    values=re.compile(r"[\d.,:TZtz+\- ]{0,40}|none|2d|3d|dgps|pps", re.ASCII),
)

#: a reader that is not listed brings its own as an attribute ``allowed``, or a method ``mask``
FAMILIES: dict[str, Allowed] = {
    "sms-backup-xml": _SMS,
    "telegram-json": _TELEGRAM,
    "google-records": _GOOGLE,
    "google-semantic": _GOOGLE,
    "google-timeline": _GOOGLE,
    "swarm": _SWARM,
    "gpx": _GPX,
}


# -- JSON


def _key(key: str) -> str:
    return key if _PLAIN_KEY.fullmatch(key) else f"‹key of {len(key)} characters›"


def _json_value(value: Any, shown: bool, allowed: Allowed, sealed: bool, depth: int) -> Any:
    if isinstance(value, dict):
        if depth >= DEPTH_LIMIT:
            return f"‹{len(value)} members, nested too deeply›"
        return {
            (name if name in allowed.keys else _key(name)): _json_value(
                inner,
                name == "type" if sealed else name in allowed.keys and name not in allowed.sealed,
                allowed,
                sealed or name in allowed.sealed,
                depth + 1,
            )
            for name, inner in value.items()
        }
    if isinstance(value, list):
        if depth >= DEPTH_LIMIT:
            return f"‹{len(value)} elements, nested too deeply›"
        return [_json_value(inner, shown and not sealed, allowed, sealed, depth + 1) for inner in value]
    if value is None:
        return None
    if isinstance(value, str):
        return value if shown and allowed.shows(value) else hidden(len(value))
    return value if shown else hidden(len(json.dumps(value)))


def mask_json(text: str, key: str, allowed: Allowed) -> str:
    """Return a JSON value with content hidden.

    Parameters
    ----------
    text : str
        The raw value.
    key : str
        Key under which it stands (it decides whether a bare value is shown).
    allowed : Allowed
        What may be seen.

    Returns
    -------
    str
        Indented JSON; one line that says how long the text is if it is no whole JSON value.
    """
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return f"{hidden(len(text))}, no whole JSON value"
    masked = _json_value(value, key in allowed.keys and key not in allowed.sealed, allowed, key in allowed.sealed, 0)
    return harmless(json.dumps(masked, ensure_ascii=False, indent=1))


# -- XML

_TOKEN = re.compile(
    r"<!--.*?(?:-->|\Z)|<!\[CDATA\[(?P<cdata>.*?)(?:\]\]>|\Z)|<[?!][^>]*>?"
    r"|</(?P<close>[^>]*)>?|<(?P<open>[^\s/>]*)|(?P<text>[^<]+)",
    re.DOTALL,
)
_ATTRIBUTE = re.compile(r"""([^\s=>"'/]{1,200}+)\s*+=\s*+(?:"([^"]*)("?)|'([^']*)('?))|(/?>)|([^\s>]+?)(?=[\s/>]|\Z)""")
_REFERENCE = re.compile(r"&(?:#(\d{1,7})|#[xX]([0-9a-fA-F]{1,6})|(amp|lt|gt|quot|apos));")
_PLAIN_NAME = re.compile(r"[A-Za-z_][\w.:-]{0,63}", re.ASCII)
_NAMED = {"amp": "&", "lt": "<", "gt": ">", "quot": '"', "apos": "'"}
_PAIR = re.compile("([\ud800-\udbff])([\udc00-\udfff])")
_HALF = re.compile("[\ud800-\udfff]")


def _join(pair: re.Match[str]) -> str:
    return chr(0x10000 + ((ord(pair.group(1)) - 0xD800) << 10) + (ord(pair.group(2)) - 0xDC00))


def _resolve(found: re.Match[str]) -> str:
    decimal, hexadecimal, name = found.groups()
    if name:
        return _NAMED[name]
    code = int(decimal) if decimal is not None else int(hexadecimal, 16)
    return chr(code) if code <= 0x10FFFF else "\ufffd"


def plain_text(text: str) -> str:
    """Return the text that an XML value stands for: references resolved, surrogate pairs joined, lone halves U+FFFD."""
    plain = _REFERENCE.sub(_resolve, text.replace("\r\n", "\n"))
    return _HALF.sub("\ufffd", _PAIR.sub(_join, plain))


def _name(text: str) -> str:
    return text if _PLAIN_NAME.fullmatch(text) else f"‹name of {len(text)} characters›"


def _xml_value(raw: str, allowed: Allowed | None, left_out: int) -> str:
    value = plain_text(raw)
    if allowed is not None and not left_out and allowed.shows(value):
        return harmless(value, lines=False)
    return hidden(len(value) + left_out)


def mask_xml(text: str, allowed: Allowed, left_out: Sequence[tuple[int, int]] = ()) -> str:
    """Return the raw text of an XML element with content hidden; the layout between the elements is not kept.

    Parameters
    ----------
    text : str
        The raw element, perhaps cut off.
    allowed : Allowed
        What may be seen.
    left_out : sequence of (int, int)
        Places in ``text`` at which so many characters were left out when the record was read.

    Returns
    -------
    str
        One line for each element, indented; values readable, that is with references resolved.
    """
    cuts = list(left_out)
    lines: list[str] = []
    stack: list[str] = []
    begun = False  # the token before opened an element: its text goes on the same line
    at = 0

    def missing(start: int, end: int) -> int:
        return sum(count for place, count in cuts if start <= place <= end) if cuts else 0

    def listed(element: str) -> frozenset[str]:
        return allowed.elements.get(element, allowed.keys)

    while at < len(text):
        token = _TOKEN.match(text, at)
        if token is None:
            break
        at = token.end()
        opened, begun = begun, False
        indent = " " * min(len(stack), DEPTH_LIMIT)
        if token.group("open") is not None:
            name = token.group("open")
            local = name.rpartition(":")[2]
            shown: list[str] = [_name(name)]
            closed = False
            while at < len(text):
                while at < len(text) and text[at] in " \t\r\n":
                    at += 1
                found = _ATTRIBUTE.match(text, at)
                if found is None:
                    break
                at = found.end()
                key, double, double_end, _, single_end, end, junk = found.groups()
                if end:
                    closed = end == "/>"
                    break
                if key is None:
                    shown.append(hidden(len(junk)))
                    continue
                group = 2 if double is not None else 4
                whole = bool(double_end if double is not None else single_end)
                bare = key.rpartition(":")[2]
                value = _xml_value(
                    found.group(group),
                    allowed if whole and bare in listed(local) else None,
                    missing(found.start(group), found.end(group)),
                )
                shown.append(f'{_name(key)}="{value}"')
            lines.append(f"{indent}<{' '.join(shown)}{'/' if closed else ''}>")
            if not closed:
                stack.append(local)
                begun = True
        elif token.group("close") is not None:
            if stack:
                stack.pop()
        else:
            group_name = "text" if token.group("text") is not None else "cdata"
            raw = token.group(group_name)
            if raw is None:  # a comment or an instruction
                lines.append(f"{indent}{hidden(len(token.group()))}")
            elif raw.strip() or missing(token.start(), at):
                element = stack[-1] if stack else ""
                is_shown = group_name == "text" and element in allowed.keys
                value = _xml_value(raw.strip(), allowed if is_shown else None, missing(token.start(), at))
                if opened:
                    lines[-1] += f" {value}"
                else:
                    lines.append(f"{indent}{value}")
    return harmless("\n".join(lines))


# -- lines of a chat

_MARKS = "[\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]{0,6}"
_BLANK = "[ \u00a0\u2009\u202f]"
#: half of the day, or the word for "o'clock", in any language
_WORD = r"[^\d\n\[\]:–-]{1,12}?"
_DATE = rf"\d{{1,4}}[./-]{_BLANK}?\d{{1,2}}[./-]{_BLANK}?\d{{1,4}}\.?[,،]?{_BLANK}{{1,3}}"
_STAMP = rf"{_MARKS}{_DATE}{_MARKS}(?:{_WORD})?\d{{1,2}}[:.]\d\d(?:[:.]\d\d)?(?:{_WORD})?"
_HEADER = re.compile(rf"({_MARKS}(?:\[{_STAMP}\] ?|{_STAMP} [-–] |{_STAMP}: ))(.*)", re.DOTALL)
_SENDER_LIMIT = 80
#: a name with one of these is rather a system line that quotes something (a group's title)
_QUOTES = frozenset('"“”„«»‹›<>')


def mask_chat_lines(text: str) -> str:
    """Return lines of a chat with date, time and sender, and the length of everything else.

    A line without a header belongs to the message before. Of a line without ``Name: `` (a system line) the whole text
    is hidden, and so is the name if it looks like a system line that quotes something.
    """
    shown: list[str] = []
    for line in text.split("\n"):
        line = line.removesuffix("\r")
        found = _HEADER.fullmatch(line)
        if found is None:
            shown.append(hidden(len(line)))
            continue
        header, rest = found.groups()
        sender, colon, body = rest.partition(": ")
        if not colon and "[" in header:
            sender, colon, body = rest.partition(":")
        if colon and len(sender) <= _SENDER_LIMIT and not _QUOTES.intersection(sender):
            shown.append(f"{header}{sender}: {hidden(len(body))}")
        else:
            shown.append(f"{header}{hidden(len(rest))}")
    return harmless("\n".join(shown))
