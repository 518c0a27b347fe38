"""Writers of export files as the apps write them: one function a format, rows of the scenario in, bytes out.

Every layout follows real files and the public parsers of the format; what an app leaves empty is left empty here too.
"""

from __future__ import annotations

import base64
import csv
import io
import json
import struct
import zipfile
import zlib
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any
from xml.sax.saxutils import escape

from tools.example_scenario import (
    MARKER,
    OFFSET_MS,
    OWNER,
    OWNER_USERNAME,
    PEOPLE,
    Call,
    Chat,
    Note,
    Person,
    Sms,
    Telegram,
)

_MONTHS = ("янв.", "февр.", "мар.", "апр.", "мая", "июн.", "июл.", "авг.", "сент.", "окт.", "нояб.", "дек.")


def local(ms: int) -> datetime:
    """Return the wall clock reading in Almaty as a naive datetime."""
    return datetime.fromtimestamp((ms + OFFSET_MS) // 1000, UTC).replace(tzinfo=None)


def _readable(ms: int) -> str:
    t = local(ms)
    return f"{t.day} {_MONTHS[t.month - 1]} {t.year} г. {t:%H:%M:%S}"


def _attribute(text: str) -> str:
    """Return a text as SMS Backup & Restore writes it: what lies beyond the basic plane as two surrogate references."""
    out = []
    for char in escape(text, {'"': "&quot;", "\n": "&#10;"}):
        code = ord(char)
        if code > 0xFFFF:
            high, low = struct.unpack(">HH", char.encode("utf-16-be"))
            out.append(f"&#{high};&#{low};")
        else:
            out.append(char)
    return "".join(out)


def _number(who: Person, line: int, *, dialled: bool = False) -> str:
    """Return the number as the log shows it: an own call keeps the digits that were dialled."""
    number = who.phones[line]
    return "8" + number[2:] if dialled and number.startswith("+7701") else number


def _element(name: str, fields: dict[str, Any], end: str = " />") -> str:
    inner = " ".join(f'{k}="{_attribute(str(v))}"' for k, v in fields.items())
    return f"<{name} {inner}{end}"


def calls_xml(calls: Sequence[Call], backup_ms: int) -> bytes:
    """Write the call log as SMS Backup & Restore does."""
    lines = [
        "<?xml version='1.0' encoding='UTF-8' standalone='yes' ?>",
        '<?xml-stylesheet type="text/xsl" href="calls.xsl"?>',
        f'<calls count="{len(calls)}" backup_set="5b1f0c7e-0000-4000-8000-000000000002" '
        f'backup_date="{backup_ms}" type="full">',
    ]
    for c in calls:
        number = "" if c.presentation != 1 else _number(c.who, c.line, dialled=c.type == 2)
        fields = {
            "number": number, "duration": c.seconds, "date": c.ms, "type": c.type, "presentation": c.presentation,
            "subscription_id": str(c.sim), "readable_date": _readable(c.ms), "contact_name": c.who.name or "(Unknown)",
        }  # fmt: skip
        lines.append("  " + _element("call", fields))
    return ("\n".join([*lines, "</calls>"]) + "\n").encode()


def tiny_png(shade: int) -> bytes:
    """Return a picture of 8 by 8 grey points, uncompressed so that every machine makes the same bytes."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    raw = (b"\x00" + bytes([shade]) * 8) * 8
    stored = (
        b"\x78\x01\x01" + struct.pack("<HH", len(raw), len(raw) ^ 0xFFFF) + raw + struct.pack(">I", zlib.adler32(raw))
    )
    header = struct.pack(">IIBBBBB", 8, 8, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", stored) + chunk(b"IEND", b"")


def _mms(m: Sms, number: int) -> list[str]:
    picture = tiny_png(40 * number)
    n = "null"
    head = {
        "date": m.ms, "rr": "129", "sub": marked_subject(number), "ct_t": "application/vnd.wap.multipart.related",
        "read_status": n, "seen": "1", "msg_box": m.type, "address": _number(m.who, m.line), "sub_cs": "106",
        "resp_st": n, "retr_st": n, "d_tm": n, "text_only": "0", "exp": n, "locked": "0",
        "m_id": f"{number:08d}@mms.example", "st": n,
        "retr_txt_cs": n, "retr_txt": n, "creator": "com.google.android.apps.messaging", "date_sent": m.ms // 1000 - 4,
        "read": "1", "m_size": len(picture) + 900, "rpt_a": n, "ct_cls": n, "pri": "129", "sub_id": "1",
        "tr_id": f"T{number:06d}", "resp_txt": n, "ct_l": "http://mms.example/servlets/mms", "m_cls": "personal",
        "d_rpt": "129", "v": "18", "_id": str(number), "m_type": "132", "readable_date": _readable(m.ms),
        "contact_name": m.who.name,
    }  # fmt: skip

    def part(seq: int, ct: str, name: str, text: str, **more: str) -> str:
        fields = {
            "seq": seq, "ct": ct, "name": name, "chset": "106" if ct == "text/plain" else n, "cd": n, "fn": n,
            "cid": f"<{name}>", "cl": name, "ctt_s": n, "ctt_t": n, "text": text, "sub_id": "1", **more,
        }  # fmt: skip
        return "      " + _element("part", fields)

    smil = f'<smil><body><par dur="5000ms"><img src="{MARKER}.png"/><text src="text.txt"/></par></body></smil>'
    return [
        "  " + _element("mms", head, ">"),
        "    <parts>",
        part(-1, "application/smil", "smil.xml", smil),
        part(0, "image/png", f"{MARKER}.png", n, data=base64.b64encode(picture).decode()),
        part(1, "text/plain", "text.txt", m.text),
        "    </parts>",
        "    <addrs>",
        "      " + _element("addr", {"address": _number(m.who, m.line), "type": "137", "charset": "106"}),
        "      " + _element("addr", {"address": OWNER.phones[0], "type": "151", "charset": "106"}),
        "    </addrs>",
        "  </mms>",
    ]


def marked_subject(number: int) -> str:
    """Return the subject of the n-th MMS."""
    return f"Без темы {MARKER} {number}"


def sms_xml(messages: Sequence[Sms], backup_ms: int, backup_set: int) -> bytes:
    """Write the messages as SMS Backup & Restore does; pictures become MMS elements in their place."""
    lines = [
        "<?xml version='1.0' encoding='UTF-8' standalone='yes' ?>",
        '<?xml-stylesheet type="text/xsl" href="sms.xsl"?>',
        f'<smses count="{len(messages)}" backup_set="5b1f0c7e-0000-4000-8000-{backup_set:012d}" '
        f'backup_date="{backup_ms}" type="full">',
    ]
    pictures = 0
    for m in messages:
        if m.picture:
            pictures += 1
            lines += _mms(m, pictures)
            continue
        ms = 0 if m.no_time else m.ms
        fields = {
            "protocol": "0", "address": _number(m.who, m.line), "date": ms, "type": m.type, "subject": "null",
            "body": m.text,
            "toa": "null", "sc_toa": "null", "service_center": "+77010000099" if m.type == 1 else "null", "read": "1",
            "status": "64" if m.type == 5 else "-1", "locked": "0",
            "date_sent": ms // 1000 * 1000 if m.type == 1 else 0,
            "sub_id": "1", "readable_date": _readable(ms), "contact_name": m.who.name or "(Unknown)",
        }  # fmt: skip
        lines.append("  " + _element("sms", fields))
    return ("\n".join([*lines, "</smses>"]) + "\n").encode()


def _body(c: Chat) -> str:
    owner = f"@\u2068{OWNER.name}\u2069 " if c.mentions_owner else ""
    mine = c.who is OWNER
    match c.kind:
        case "omitted":
            return "<Без медиафайлов>"
        case "document":
            return f"\u200e{c.text} (файл добавлен)"
        case "photo":
            # the number counts the attachments of the day, and the caption is the next line of the same message
            return f"\u200eIMG-{local(c.ms):%Y%m%d}-WA0000.jpg (файл добавлен)\n{c.text}"
        case "deleted":
            return "Вы удалили данное сообщение" if mine else "Данное сообщение удалено"
        case "edited":
            return f"{c.text} <Сообщение изменено>"
        case "location":
            return f"местоположение: {c.text}"
        case _:
            return owner + c.text


def _app_line(c: Chat) -> str:
    match c.kind:
        case "missed_call":
            return "Пропущенный аудиозвонок"
        case "added":
            return f"\u200e{c.who.name if c.who else ''} добавил(-а) вас"
        case _:
            return c.text


def whatsapp_android(lines: Iterable[Chat]) -> bytes:
    """Write a chat as WhatsApp for Android exports it on a Russian phone."""
    out = []
    for c in lines:
        head = f"{local(c.ms):%d.%m.%Y, %H:%M} - "
        plain = c.who is None or c.kind in ("missed_call", "added")
        out.append(head + (_app_line(c) if plain or c.who is None else f"{c.who.name}: {_body(c)}"))
    return ("\n".join(out) + "\n").encode()


def whatsapp_ios(lines: Iterable[Chat], title: str) -> bytes:
    """Write ``_chat.txt`` as WhatsApp for iPhone exports it: the app's own lines carry the chat's title as sender."""
    out = []
    for c in lines:
        head = f"[{local(c.ms):%d.%m.%Y, %H:%M:%S}] {c.who.name if c.who else title}: "
        if c.who is None:
            out.append(f"{head}\u200e{c.text}")
        elif c.kind == "image":
            out.append(f"\u200e{head}\u200eизображение отсутствует")
        else:
            out.append(head + _body(c))
    return ("\r\n".join(out) + "\r\n").encode()


def stored_zip(name: str, data: bytes, ms: int) -> bytes:
    """Write a zip of one member. It is stored, not deflated: another zlib would make other bytes of the same file."""
    t = local(ms)
    info = zipfile.ZipInfo(name, (t.year, t.month, t.day, t.hour, t.minute, t.second // 2 * 2))
    info.create_system, info.external_attr = 3, 0o644 << 16
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr(info, data)
    return buffer.getvalue()


def _entities(t: Telegram) -> list[dict[str, Any]]:
    if t.mentions_owner:
        return [
            {"type": "mention_name", "text": OWNER.name, "user_id": OWNER.telegram},
            {"type": "plain", "text": f", {t.text}"},
        ]
    if t.kind == "rich":
        first, _, rest = t.text.partition(" ")
        return [{"type": "bold", "text": first}, {"type": "plain", "text": f" {rest}"}]
    if t.kind == "link":
        link = {"type": "link", "text": f"https://example.org/{MARKER}/{t.ms % 1000}"}
        return [{"type": "plain", "text": f"{t.text} "}, link]
    if t.kind in ("sticker", "voice", "call", "pinned"):
        return []
    return [{"type": "plain", "text": t.text}]


def _telegram_text(entities: list[dict[str, Any]]) -> str | list[Any]:
    if not entities:
        return ""
    if len(entities) == 1 and entities[0]["type"] == "plain":
        return str(entities[0]["text"])
    return [e["text"] if e["type"] == "plain" else e for e in entities]


def _telegram_message(t: Telegram, number: int, reply_to: int | None) -> dict[str, Any]:
    base: dict[str, Any] = {
        "id": number,
        "type": "service" if t.kind in ("call", "pinned") else "message",
        "date": local(t.ms).isoformat(),
        "date_unixtime": str(t.ms // 1000),
    }
    who = {"name": t.who.name, "id": f"user{t.who.telegram}"}
    if base["type"] == "service":
        base |= {"actor": who["name"], "actor_id": who["id"]}
        if t.kind == "call":
            base["action"] = "phone_call"
            if t.seconds:
                base["duration_seconds"] = t.seconds
            base["discard_reason"] = t.discard
        else:
            base |= {"action": "pin_message", "message_id": number - 1}
    else:
        base |= {"from": who["name"], "from_id": who["id"]}
    if reply_to is not None:
        base["reply_to_message_id"] = reply_to
    missing = "(File not included. Change data exporting settings to download.)"
    if t.kind == "photo":
        base |= {"photo": missing, "photo_file_size": 48_213, "width": 960, "height": 1280}
    elif t.kind == "voice":
        base |= {
            "file": missing, "file_name": f"audio_{MARKER}_{number}.ogg", "file_size": 21_904,
            "media_type": "voice_message", "mime_type": "audio/ogg", "duration_seconds": 9,
        }  # fmt: skip
    elif t.kind == "sticker":
        base |= {
            "file": missing, "file_name": f"{MARKER}.webp", "file_size": 18_002, "media_type": "sticker",
            "sticker_emoji": "👍", "width": 512, "height": 512,
        }  # fmt: skip
    entities = _entities(t)
    return base | {"text": _telegram_text(entities), "text_entities": entities}


def telegram_json(lines: Sequence[Telegram], threads: Sequence[tuple[str, str, str, int]]) -> bytes:
    """Write ``result.json`` of a whole account as Telegram Desktop does.

    Parameters
    ----------
    lines : sequence of Telegram
        All messages in the order of time.
    threads : sequence of (thread, name, type, id)
        The chats in the order in which the file lists them.
    """
    chats = []
    number = 100
    for thread, name, kind, ident in threads:
        messages = []
        last_own: int | None = None
        for t in (x for x in lines if x.thread == thread):
            number += 1
            messages.append(_telegram_message(t, number, last_own if t.replies_to_owner else None))
            if t.replies_to_owner and last_own is None:
                raise ValueError("a reply to the owner before she wrote anything")
            if t.who is OWNER:
                last_own = number
        chats.append({"name": name, "type": kind, "id": ident, "messages": messages})
    contacts = [
        {
            "user_id": p.telegram, "first_name": p.name, "last_name": "",
            "phone_number": f"+7 {p.phones[0][2:5]} {p.phones[0][5:8]} {p.phones[0][8:10]} {p.phones[0][10:]}",
            "date": "2024-06-02T09:11:40", "date_unixtime": "1717301500",
        }
        for p in PEOPLE if p.telegram and p.phones
    ]  # fmt: skip
    account = {
        "about": "Here is the data you requested.",
        "personal_information": {
            "user_id": OWNER.telegram, "first_name": OWNER.name, "last_name": "", "phone_number": "+7 701 000 00 01",
            "username": f"@{OWNER_USERNAME}",
        },
        "contacts": {"about": "Your contacts.", "list": contacts},
        "chats": {"about": "This page lists all chats from this export.", "list": chats},
    }  # fmt: skip
    return json.dumps(account, indent=1, ensure_ascii=False).encode()


JOURNAL_COLUMNS = (
    "when", "until", "contact", "via", "kind", "place", "lat", "lon", "accuracy_m", "channel", "witness",
    "written", "note",
)  # fmt: skip


def journal_csv(notes: Sequence[Note]) -> bytes:
    """Write the incident journal."""
    buffer = io.StringIO()
    out = csv.writer(buffer, lineterminator="\n")
    out.writerow(JOURNAL_COLUMNS)
    for n in notes:
        who = "" if n.who is None else n.who.name if n.who.id == "S1" else n.who.id
        lat, lon = n.where if n.where else ("", "")
        out.writerow(
            (n.when, n.until, who, n.via, n.kind, n.place, lat, lon, "" if n.accuracy is None else n.accuracy,
             n.channel, n.witness, n.written, n.note)
        )  # fmt: skip
    return buffer.getvalue().encode()
