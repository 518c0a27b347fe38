"""A small valid file for every reader, made in code of invented people and reserved numbers, as small or as long as asked for.

The contract suite, the fuzzer and the throughput benchmark all read these. Most are written by the builders of the tests of
the single readers. Every field that holds content carries a secret word, which must come out nowhere.
"""

from __future__ import annotations

import base64
import json
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any, Literal

from pipelines.readers.base import Context, SourceFile
from tests import (
    android_databases,
    apple_reading,
    archive_json,
    chat_databases,
    html_chats,
    lab_tables,
    test_reader_android_backup_sms,
    test_reader_android_calls,
    test_reader_android_contacts,
    test_reader_android_sms,
    test_reader_axiom,
    test_reader_cdr,
    test_reader_cellebrite_xlsx,
    test_reader_dating,
    test_reader_discord_dce,
    test_reader_discord_package,
    test_reader_fossify_messages,
    test_reader_google,
    test_reader_google_chat,
    test_reader_google_hangouts,
    test_reader_google_voice,
    test_reader_gpx,
    test_reader_imazing_csv,
    test_reader_imessage,
    test_reader_imessage_exporter_txt,
    test_reader_ios_calls,
    test_reader_ios_contacts,
    test_reader_journal,
    test_reader_leapp,
    test_reader_line_txt,
    test_reader_mail,
    test_reader_meta_e2ee,
    test_reader_meta_lists,
    test_reader_meta_messages,
    test_reader_plaso,
    test_reader_signal,
    test_reader_signal_txt,
    test_reader_skype_db,
    test_reader_skype_json,
    test_reader_sms_backup_xml,
    test_reader_sms_ie,
    test_reader_snapchat,
    test_reader_spamblocker,
    test_reader_swarm,
    test_reader_telegram_html,
    test_reader_telegram_json,
    test_reader_tiktok,
    test_reader_ufed_xml,
    test_reader_vcard,
    test_reader_viber,
    test_reader_vk_archive,
    test_reader_vkopt_html,
    test_reader_whatsapp_android,
    test_reader_whatsapp_ios,
    test_reader_whatsapp_txt,
    test_reader_x_archive,
    test_reader_xry_txt,
)
from tests.collect import Folder, context, source_of

Family = Literal["json", "xml", "html", "text", "table", "mail", "sqlite", "workbook", "packed"]

MS = 1_700_000_000_000
A, B, C, OWN = "+77010000001", "+77010000002", "+77010000003", "+77010000009"
_DAY = datetime(2024, 1, 31)
#: of the examples that no other module makes
SECRET = "ТАЙНА-secret-Ωμέγα"


@dataclass(frozen=True)
class Example:
    """A file of one format.

    Parameters
    ----------
    reader : str
        Id of the format.
    make : callable
        Makes the file with about so many records.
    family : str
        What the bytes are: decides how they are damaged.
    secret : str
        What stands in every field that holds content.
    label : str
        Tells the examples of one reader apart.
    name, container : str
        Where the file lies.
    ctx : Context
        What ``case.toml`` says.
    beside : mapping
        The files that lie beside it.
    records : int
        How many records the small file has.
    single : bool
        The format holds one record in a file.
    """

    reader: str
    make: Callable[[int], bytes]
    family: Family
    secret: str
    label: str = ""
    name: str = ""
    container: str | None = None
    ctx: Context = field(default_factory=context)
    beside: Mapping[str, bytes] | None = None
    records: int = 8
    single: bool = False

    @property
    def id(self) -> str:
        """Name of the example in lists."""
        return f"{self.reader}-{self.label}" if self.label else self.reader

    def data(self, records: int | None = None) -> bytes:
        """Return the file; it is made once for each number of records."""
        return _made(self, self.records if records is None else records)

    def source(self, data: bytes | Path | None = None) -> SourceFile:
        """Return the file, or other bytes in its place, as a source with the files that lie beside it."""
        made = source_of(self.data() if data is None else data, self.name, self.container)
        return made if self.beside is None else replace(made, beside=Folder(self.beside))

    def __hash__(self) -> int:
        return hash(self.id)


_kept: dict[tuple[str, int], bytes] = {}


def _made(example: Example, records: int) -> bytes:
    key = (example.id, records)
    if records > 1000:
        return example.make(records)
    if key not in _kept:
        _kept[key] = example.make(records)
    return _kept[key]


# -- helpers


def at(k: int, shape: str = "%Y-%m-%dT%H:%M:%S") -> str:
    """Return the time of record k: 37 seconds after the one before."""
    return (_DAY + timedelta(seconds=37 * k)).strftime(shape)


def mix(records: int, *makers: Callable[[int], Any]) -> list[Any]:
    """Return so many records, of each kind by turns."""
    return [makers[k % len(makers)](k) for k in range(records)]


def many(text: str, records: int, *more: str) -> str:
    """Return a table of CSV or text lines: a header and so many lines, in which ``{t}`` is the time."""
    return text + "".join(more[k % len(more)].format(t=at(k, "%Y-%m-%d %H:%M:%S"), k=k) for k in range(records))


def phone(k: int) -> str:
    """Return the invented number of person k."""
    return f"+7701{k % 10_000_000:07d}"


def database(script: str, tables: Mapping[str, list[Mapping[str, Any]]] | None = None) -> bytes:
    """Build a database from a script and rows, as a file of SQLite with pages of 1024 bytes."""
    import sqlite3

    with sqlite3.connect(":memory:") as db:
        db.execute("PRAGMA page_size = 1024")
        db.executescript("BEGIN;" + script + ";COMMIT;")
        for table, rows in (tables or {}).items():
            for names in dict.fromkeys(tuple(r) for r in rows):
                marks = ", ".join("?" * len(names))
                db.executemany(
                    f'INSERT INTO "{table}" ({", ".join(names)}) VALUES ({marks})',
                    [list(r.values()) for r in rows if tuple(r) == names],
                )
        db.commit()
        return db.serialize()


def _at_path(make: Callable[[Path], Any], name: str = "made.db") -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        make(path)
        return path.read_bytes()


def _json(document: Any) -> bytes:
    return json.dumps(document, ensure_ascii=False, indent=1).encode()


def _folder(files: Mapping[str, Any]) -> dict[str, bytes]:
    return {name: archive_json.written(value) for name, value in files.items()}


# -- Android


def _android() -> list[Example]:
    backup, calls, sms = test_reader_android_backup_sms, test_reader_android_calls, test_reader_android_sms
    book, fossify, ie = test_reader_android_contacts, test_reader_fossify_messages, test_reader_sms_ie
    schema = android_databases

    def call_rows(n: int) -> list[Mapping[str, Any]]:
        return [calls.call(date=MS + 60_000 * k, number=phone(k % 9), type=1 + k % 3, duration=60 if k % 3 < 2 else 0,
                           geocoded_location=calls.SECRET) for k in range(n)]  # fmt: skip

    def logs(n: int) -> bytes:
        rows = [{"number": phone(k % 9), "date": MS + 60_000 * k, "duration": 5, "type": 1 + k % 3, "logtype": (100, 300)[k % 2],
                 "m_subject": calls.SECRET, "m_content": calls.SECRET, "name": calls.SECRET} for k in range(n)]  # fmt: skip
        return database(schema.LOGS, {"logs": rows})

    def messages(n: int) -> bytes:
        texts = n - n // 4
        return database(schema.MMSSMS, {
            "sms": [sms.sms(date=MS + 1000 * k, type=1 + k % 2, address=phone(k % 9), subject=sms.SECRET) for k in range(texts)],
            "pdu": [sms.mms(_id=k + 1, date=MS // 1000 + k, msg_box=1 + k % 2, m_type=132 - 4 * (k % 2)) for k in range(n - texts)],
            "addr": [a for k in range(n - texts)
                     for a in ({"msg_id": k + 1, "address": A if k % 2 == 0 else OWN, "type": 137},
                               {"msg_id": k + 1, "address": OWN if k % 2 == 0 else A, "type": 151})],
            "part": [{"mid": k + 1, "ct": "text/plain", "text": sms.SECRET, "name": sms.SECRET} for k in range(n - texts)],
            **sms.threads("1"),
        })  # fmt: skip

    def entries(n: int) -> bytes:
        kinds = (book.PHONE, book.MAIL, book.NOTE, book.WHATSAPP)
        values = (
            phone,
            lambda k: f"a{k}@example.org",
            lambda k: book.SECRET,
            lambda k: f"{phone(k)[1:]}@s.whatsapp.net",
        )
        return database(schema.BOOK, {
            "mimetypes": [{"mimetype": book.ITEM + kind} for kind in book.KINDS],
            "raw_contacts": [{"display_name": "Dauren Test"}],
            "data": [{"raw_contact_id": 1, "mimetype_id": kinds[k % 4], "data1": values[k % 4](k)} for k in range(n)],
        })  # fmt: skip

    blocked = schema.BLOCKED.replace("e164_number TEXT", "e164_number TEXT,note TEXT")
    spam = test_reader_spamblocker
    return [
        Example("android-backup-sms", lambda n: backup.packed(*mix(
            n, lambda k: backup.sms(date=str(MS + k), type=str(1 + k // 2 % 2)), lambda k: backup.mms(date=str(MS // 1000 + k)),
        )), "packed", backup.SECRET, name="000000_sms_backup"),
        Example("android-blocked", lambda n: database(blocked, {"blocked": [
            {"original_number": phone(k), "e164_number": phone(k), "note": SECRET} for k in range(n)]}), "sqlite", SECRET),
        Example("android-calls", lambda n: database(schema.CALLS_V11, {"calls": call_rows(n)}), "sqlite", calls.SECRET, "calllog"),
        Example("android-calls", lambda n: database(schema.CALLS_2013, {"calls": call_rows(n)}), "sqlite", calls.SECRET, "contacts2"),
        Example("android-calls", logs, "sqlite", calls.SECRET, "logs"),
        Example("android-contacts", entries, "sqlite", book.SECRET),
        Example("android-sms", messages, "sqlite", sms.SECRET, records=12),
        Example("fossify-messages", lambda n: fossify.export(*mix(
            n, lambda k: fossify.sms(date=MS + k, type=1 + k // 2 % 2), lambda k: fossify.mms(date=MS // 1000 + k))), "json", fossify.SECRET),
        Example("sms-ie", lambda n: ie.lines(*mix(
            n, lambda k: ie.sms(date=str(MS + k), type=str(1 + k // 2 % 2), __display_name="Dana"),
            lambda k: ie.mms(date=str(MS // 1000 + k), __sender_address={"address": A, "type": "137", "__display_name": "Dana"}))),
                "json", ie.SECRET, "lines"),
        Example("sms-ie", lambda n: ie.array(*mix(n, lambda k: ie.call(date=str(MS + k), type=str(1 + k % 3), display_name="Dana"))), "json", ie.SECRET, "array"),
        Example("spamblocker", lambda n: database(schema.SPAMBLOCKER, {
            "call": [spam.entry(10 if k % 2 else 1, time=MS + k) for k in range(n - n // 2)],
            "sms": [spam.entry(11, time=MS + k) for k in range(n // 2)]}), "sqlite", spam.SECRET),
    ]  # fmt: skip


# -- Apple


def _apple() -> list[Example]:
    calls, book, chat, txt, table = (
        test_reader_ios_calls, test_reader_ios_contacts, test_reader_imessage, test_reader_imessage_exporter_txt,
        test_reader_imazing_csv,
    )  # fmt: skip
    cocoa = apple_reading.COCOA

    def messages(n: int) -> bytes:
        rows, joined = [], []
        for k in range(n):
            entry = {"guid": f"G{k}", **chat.message(1 + k % 3, date=chat.NS + k * 10**9, is_from_me=k % 2)}
            joined += [{"chat_id": c, "message_id": k + 1} for c in entry.pop("_chats")]
            rows.append(entry)
        return database(chat.MODERN, {**chat.BASE, "message": rows, "chat_message_join": joined})

    def people(n: int) -> bytes:
        return database(book.IOS, {
            "ABPerson": [{"First": "Aigerim", "Last": "S.", "Note": book.SECRET} for _ in range(n)],
            "ABMultiValue": [book.value(k + 1, phone(k)) for k in range(n)],
        })  # fmt: skip

    def people_mac(n: int) -> bytes:
        return database(book.MAC, {
            "ZABCDRECORD": [{"Z_ENT": 22, "ZFIRSTNAME": "Aigerim"} for _ in range(n)],
            "ZABCDPHONENUMBER": [{"ZOWNER": k + 1, "ZFULLNUMBER": phone(k)} for k in range(n)],
            "ZABCDSOCIALPROFILE": [{"ZOWNER": 1, "ZUSERNAME": book.SECRET}],
            "Z_PRIMARYKEY": [{"Z_ENT": 22, "Z_NAME": "ABCDContact"}],
        })  # fmt: skip

    def exported(n: int) -> bytes:
        when = lambda k: (datetime(2022, 5, 17, 1) + timedelta(seconds=k)).strftime("%b %d, %Y %I:%M:%S %p")  # noqa: E731
        return "".join(txt.said(A if k % 2 else "Me", "Сәлем", txt.SECRET, at=when(k)) for k in range(n)).encode()

    return [
        Example("ios-calls", lambda n: database(calls.MODERN, {"ZCALLRECORD": [
            calls.call(ZDATE=cocoa + k, ZORIGINATED=k % 2, ZADDRESS=phone(k % 9)) for k in range(n)]}), "sqlite", calls.SECRET, "modern"),
        Example("ios-calls", lambda n: database(calls.LEGACY, {"call": [
            {"address": phone(k % 9), "date": MS // 1000 + k, "duration": 5, "flags": 4 + k % 2, "name": calls.SECRET}
            for k in range(n)]}), "sqlite", calls.SECRET, "legacy"),
        Example("ios-contacts", people, "sqlite", book.SECRET, "ios"),
        Example("ios-contacts", people_mac, "sqlite", book.SECRET, "macos"),
        Example("imessage", messages, "sqlite", chat.SECRET, name="sms.db", records=12),
        Example("imessage-exporter-txt", exported, "text", txt.SECRET, name=f"{A}.txt"),
        Example("imazing-csv", lambda n: table.table(table.CALLS, *mix(
            n, lambda k: table.call(Date=at(k, "%Y-%m-%d %H:%M:%S"), Call_type=("Incoming", "Outgoing", "Missed")[k % 3]))),
                "table", table.SECRET, "calls", name="x.csv"),
        Example("imazing-csv", lambda n: table.table(table.LAYOUTS[17], *mix(n, lambda k: table.message(
            ("Incoming", "Outgoing")[k % 2], Message_Date=at(k, "%Y-%m-%d %H:%M:%S"), Service="iMessage"))),
                "table", table.SECRET, "messages", name="x.csv"),
        Example("imazing-csv", lambda n: table.table(table.WHATSAPP, *mix(n, lambda k: table.message(
            ("Incoming", "Outgoing")[k % 2], Message_Date=at(k, "%Y-%m-%d %H:%M:%S")))),
                "table", table.SECRET, "whatsapp", name="x.csv"),
    ]  # fmt: skip


# -- laboratories and operators


def _labs() -> list[Example]:
    axiom, xlsx, leapp, plaso, ufed, xry, cdr = (
        test_reader_axiom, test_reader_cellebrite_xlsx, test_reader_leapp, test_reader_plaso, test_reader_ufed_xml,
        test_reader_xry_txt, test_reader_cdr,
    )  # fmt: skip
    british = "%d/%m/%Y %H:%M:%S"

    def axiom_rows(n: int) -> list[list[Any]]:
        ways = (("Incoming", "Answered"), ("Outgoing", ""), ("Incoming", "Missed"))
        rows = [axiom.call(*ways[k % 3], partner=phone(k % 9), when=at(k, british)) for k in range(n)]
        return [[*row[:7], "Dana", axiom.SECRET, *row[9:]] for row in rows]  # the name of the other side is no content

    def axiom_book(n: int) -> bytes:
        texts = [axiom.sms(("Received", "Sent")[k % 2], A, A, OWN, when=at(k, british)) for k in range(n // 2)]
        return lab_tables.workbook({
            "Android Call Logs": [axiom.CALLS, *axiom_rows(n - n // 2)], "Android Messages": [axiom.ANDROID, *texts],
        })  # fmt: skip

    def xlsx_calls(n: int) -> list[list[Any]]:
        return [
            xlsx.call(phone(k % 9), ("Incoming", "Outgoing", "Missed")[k % 3], when=at(k, british) + "(UTC+0)")
            for k in range(n)
        ]

    def xlsx_chats(n: int) -> list[list[Any]]:
        both = f"{A} Anna\n{OWN} Me (owner)"
        return [xlsx.chat((f"{A} Anna", f"{OWN} Me (owner)")[k % 2], members=both, when=at(k, british) + "(UTC+0)", number=k + 1)
                for k in range(n)]  # fmt: skip

    def lava(n: int) -> bytes:
        rows = [
            leapp.call("Incoming" if k % 2 else "Outgoing", 5, phone(k % 9), at(k, "%Y-%m-%d %H:%M:%S+00:00"))
            for k in range(n)
        ]
        return _at_path(lambda path: leapp.lava(path, {"call_logs": (leapp.CALLS, rows)}))

    def leapp_calls(n: int) -> list[Any]:
        return [
            leapp.call(("Incoming", "Outgoing", "Missed")[k % 3], 5, phone(k % 9), at(k, "%Y-%m-%d %H:%M:%S+00:00"))
            for k in range(n)
        ]

    def leapp_texts(n: int) -> list[Any]:
        return [
            leapp.sms(("Received", "Sent")[k % 2], phone(k % 9), when=at(k, "%Y-%m-%d %H:%M:%S+00:00"))
            for k in range(n)
        ]

    def plaso_lines(n: int) -> bytes:
        t = plaso.T
        return plaso.lines(*[e for k in range(n - n // 2) for e in plaso.call(1 + k % 3, 5, row=k + 1, at=t + k * 10**8, name="Dana")], *[
            plaso.event("android:messaging:sms", "Creation Time", t + k * 10**6, address=phone(k % 9), sms_type=1 + k % 2,
                        message_body=plaso.SECRET, offset=k + 1) for k in range(n // 2)])  # fmt: skip

    def plaso_rows(n: int) -> bytes:
        words = ("INCOMING", "OUTGOING", "MISSED")
        return plaso.table(*[
            plaso.row("Android Call History", "Start Time", plaso.CALL.replace(plaso.SECRET, "Dana").format(words[k % 3], phone(k % 9), 5),
                      date=at(k, "%m/%d/%Y"), time=at(k, "%H:%M:%S")) for k in range(n)])  # fmt: skip

    def report(n: int) -> bytes:
        stamp = lambda k: at(k) + ".000+00:00"  # noqa: E731
        calls = "".join(ufed.call(ufed.party(ufed.HER, None, "From"), Direction="Incoming", Source="Phone", TimeStamp=stamp(k))
                        for k in range(n // 2))  # fmt: skip
        texts = [ufed.message((ufed.FROM_HER, ufed.FROM_ME)[k % 2], TimeStamp=stamp(k)) for k in range(n - n // 2)]
        chats = "".join(ufed.chat(*texts[i : i + 20], people=ufed.PEOPLE) for i in range(0, len(texts), 20))
        return ufed.report(("Call", calls), ("Chat", chats), ("Location", ufed.place()))

    def xry_calls(n: int) -> bytes:
        kinds = ("Missed", "Dialed", "Received")
        return xry.export("Calls", *[
            f"Calls #\t{k + 1}\r\nCall Type:\t{kinds[k % 3]}\r\nTime:\t{at(k, '%m/%d/%Y %I:%M:%S %p')} UTC\r\nTel:\t{phone(k % 9)}\r\n"
            f"Name (Matched):\tDana\r\nDuration:\t00:00:05\r\nNotes:\t{xry.SECRET}" for k in range(n)])  # fmt: skip

    def operator(n: int) -> bytes:
        ways = ("Исходящий;Звонок", "Входящий;Звонок", "Входящее;SMS")
        lines = [f"{k + 1};8 701 000 00 09;{phone(k % 9)};{at(k, '%d.%m.%Y %H:%M:%S')};00:01:23;{ways[k % 3]};{cdr.SECRET}\n"
                 for k in range(n)]  # fmt: skip
        return ("Детализация\n\n" + cdr.HEAD + "".join(lines)).encode()

    return [
        Example("axiom", lambda n: axiom.as_csv(axiom.CALLS, *axiom_rows(n)), "table", axiom.SECRET, "csv"),
        Example("axiom", axiom_book, "workbook", axiom.SECRET, "xlsx"),
        Example("cdr", operator, "table", cdr.SECRET, name="list.csv"),
        Example("cellebrite-xlsx", lambda n: xlsx.as_csv(xlsx.CHATS, *xlsx_chats(n)), "table", xlsx.SECRET, "csv"),
        Example("cellebrite-xlsx", lambda n: lab_tables.workbook({
            "Call Log": xlsx.sheet(xlsx.CALLS, *xlsx_calls(n - n // 2)), "Chats": xlsx.sheet(xlsx.CHATS, *xlsx_chats(n // 2))}),
                "workbook", xlsx.SECRET, "xlsx"),
        Example("leapp-json", lambda n: leapp.as_json(leapp.CALLS, *leapp_calls(n)), "json", leapp.SECRET),
        Example("leapp-lava", lava, "sqlite", leapp.SECRET),
        Example("leapp-tsv", lambda n: leapp.tsv(leapp.CALLS, *leapp_calls(n)), "table", leapp.SECRET, "calls"),
        Example("leapp-tsv", lambda n: leapp.tsv(leapp.SMS, *leapp_texts(n)), "table", leapp.SECRET, "sms"),
        Example("plaso-json", plaso_lines, "json", plaso.SECRET),
        Example("plaso-l2tcsv", plaso_rows, "table", plaso.SECRET),
        Example("ufed-xml", report, "xml", ufed.SECRET),
        Example("xry-txt", xry_calls, "text", xry.SECRET, "utf-16"),
    ]  # fmt: skip


# -- chat apps' databases


def _chats() -> list[Example]:
    dating, signal, skype, viber = test_reader_dating, test_reader_signal, test_reader_skype_db, test_reader_viber
    whatsapp, iphone = test_reader_whatsapp_android, test_reader_whatsapp_ios
    base, secret = 1_760_000_000_000, chat_databases.SECRET

    def desktop(n: int) -> bytes:
        state = json.dumps({"sendStateByConversationId": {"conv-1": {"status": "Sent"}}})
        return database(signal.SCHEMA, {"messages": [
            {"rowid": k + 1, "id": f"m{k}", "json": state if k % 2 else "{}", "sent_at": base + k, "conversationId": "conv-1",
             "type": ("incoming", "outgoing")[k % 2], "body": secret, "sourceServiceId": (signal.ONE, signal.ME)[k % 2]}
            for k in range(n)]})  # fmt: skip

    def old_phone(n: int) -> bytes:
        return database(signal.PHONE, {"message": [
            {"_id": k + 1, "date_sent": base + k, "thread_id": 10, "from_recipient_id": 2 - k % 2,
             "type": (signal.IN, signal.SENT)[k % 2], "body": secret} for k in range(n)]})  # fmt: skip

    badoo = [{"_id": k + 1, "id": str(k), "conversation_id": "1", "sender_id": ("enc1", "me")[k % 2], "recipient_id": "x",
              "status": "ON_SERVER", "payload": json.dumps({"text": secret, "type": "TEXT"}), "is_incoming": 1 - k % 2,
              "payload_type": "TEXT"} for k in range(2)]  # fmt: skip

    def wa_contacts(n: int) -> bytes:
        script = """CREATE TABLE wa_contacts (_id INTEGER PRIMARY KEY AUTOINCREMENT, jid TEXT NOT NULL, status TEXT, number TEXT,
            display_name TEXT, given_name TEXT, family_name TEXT, wa_name TEXT, is_spam_reported INTEGER);
            CREATE TABLE wa_block_list (jid TEXT NOT NULL);
            INSERT INTO wa_block_list VALUES ('77010000002@s.whatsapp.net');"""
        return database(script, {"wa_contacts": [
            {"jid": f"{phone(k)[1:]}@s.whatsapp.net", "status": secret, "number": phone(k), "display_name": "Work"}
            for k in range(n)]})  # fmt: skip

    return [
        Example("badoo-android", lambda n: database(dating.BADOO_SCHEMA, {"message": [
            badoo[k % 2] | {"_id": k + 1, "id": str(k), "created_timestamp": base + k} for k in range(n)]}), "sqlite", secret),
        Example("tinder-android", lambda n: database(dating.TINDER_SCHEMA, {"message": [
            {"id": f"x{k}", "match_id": "m1", "to_id": ("ME", "P1")[k % 2], "from_id": ("P1", "ME")[k % 2], "text": secret,
             "sent_date": base + k, "type": "UNKNOWN", "delivery_status": "SUCCESS"} for k in range(n)]}), "sqlite", secret),
        Example("signal-android", old_phone, "sqlite", secret),
        Example("signal-desktop", desktop, "sqlite", secret),
        Example("skype-db", lambda n: database(skype.SCHEMA, {"Messages": [
            {"id": k + 1, "convo_id": 1, "chatname": "", "author": ("one", "me.own")[k % 2], "dialog_partner": "one", "identities": "",
             "timestamp": skype.BASE + k, "type": 61, "sending_status": 2, "body_xml": secret} for k in range(n)]}), "sqlite", secret),
        Example("viber-android", lambda n: database(viber.DATA, {"calls": [
            {"number": A, "canonized_number": A, "viber_call": 1, "viber_call_type": 1, "date": base + k, "duration": 5, "type": 1 + k % 2,
             "conference_info": secret} for k in range(n)]}), "sqlite", secret, "calls"),
        Example("viber-android", lambda n: database(viber.MESSAGES, {"messages": [
            {"_id": k + 1, "conversation_id": 10, "participant_id": 100 + k % 2, "msg_date": base + k, "send_type": k % 2, "body": secret,
             "deleted": 0, "extra_mime": 0, "msg_info": secret} for k in range(n)]}), "sqlite", secret, "messages"),
        Example("viber-desktop", lambda n: database(viber.PC, {
            "Events": [{"EventID": k + 1, "TimeStamp": base + k, "Direction": k % 2, "ChatID": 10, "ContactID": 2 - k % 2, "SortOrder": k}
                       for k in range(n)],
            "Messages": [{"EventID": k + 1, "Type": 1, "Body": secret, "Info": secret, "ClientFlag": 0} for k in range(n)]}),
                "sqlite", secret),
        Example("viber-ios", lambda n: database(viber.IPHONE, {"ZVIBERMESSAGE": [
            {"Z_PK": k + 1, "ZCONVERSATION": 1, "ZSTATE": ("received", "delivered")[k % 2], "ZDATE": 780_000_000 + k, "ZTEXT": secret}
            for k in range(n)]}), "sqlite", secret),
        Example("whatsapp-android", lambda n: database(whatsapp.SCHEMA, {
            "message": [{"_id": k + 1, "chat_row_id": 10, "from_me": k % 2, "key_id": str(k), "sender_jid_row_id": 0, "status": 13,
                         "timestamp": base + 1000 * k, "message_type": 0, "text_data": secret} for k in range(n - n // 4)],
            "call_log": [{"jid_row_id": 1, "from_me": k % 2, "call_id": f"c{k}", "timestamp": base + 1000 * k, "video_call": 0,
                          "duration": 5, "call_result": 5} for k in range(n // 4)]}), "sqlite", secret),
        Example("whatsapp-android-legacy", lambda n: database(whatsapp.OLD, {"messages": [
            {"key_remote_jid": whatsapp.ONE, "key_from_me": k % 2, "key_id": f"K{k}", "status": 13, "data": secret, "timestamp": base + k,
             "media_wa_type": "0", "media_size": 0, "media_caption": secret, "latitude": 0.0, "longitude": 0.0} for k in range(n)]}),
                "sqlite", secret),
        Example("whatsapp-contacts", wa_contacts, "sqlite", secret),
        Example("whatsapp-ios", lambda n: database(iphone.SCHEMA, {"ZWAMESSAGE": [
            {"Z_PK": k + 1, "ZGROUPEVENTTYPE": 0, "ZISFROMME": k % 2, "ZMESSAGESTATUS": 6, "ZMESSAGETYPE": 0, "ZCHATSESSION": 1,
             "ZMESSAGEDATE": iphone.BASE + k, "ZTEXT": secret} for k in range(n)]}), "sqlite", secret, "messages"),
        Example("whatsapp-ios", lambda n: database(iphone.CALLS, {"ZWACDCALLEVENT": [
            {"Z_PK": k + 1, "ZOUTCOME": 0, "Z1CALLEVENTS": 1 + k % 2, "ZDATE": iphone.BASE + k, "ZDURATION": 5.0, "ZCALLIDSTRING": f"c{k}"}
            for k in range(n)]}), "sqlite", "", "calls"),
    ]  # fmt: skip


# -- downloads of networks


def _downloads() -> list[Example]:
    dce, package, chat, hangouts = (
        test_reader_discord_dce, test_reader_discord_package, test_reader_google_chat, test_reader_google_hangouts,
    )  # fmt: skip
    e2ee, lists, meta, skype, snap, telegram, tiktok, x = (
        test_reader_meta_e2ee, test_reader_meta_lists, test_reader_meta_messages, test_reader_skype_json, test_reader_snapchat,
        test_reader_telegram_json, test_reader_tiktok, test_reader_x_archive,
    )  # fmt: skip
    secret = archive_json.SECRET

    def said(k: int) -> dict[str, Any]:
        return telegram.message(
            k, (telegram.PEER, telegram.OWNER)[k % 2], text=secret, text_entities=[{"type": "plain", "text": secret}]
        )

    def google_days(k: int) -> str:
        return (datetime(2016, 11, 3, 0, 59) + timedelta(seconds=k)).strftime("%A, %B %d, %Y at %I:%M:%S\u202f%p UTC")

    return [
        Example("discord-dce", lambda n: _json(dce.channel(*[
            dce.message(0, (dce.PEER, dce.OWNER)[k % 2], id=dce.id_at(dce.T0 + k * 1000), timestamp=at(k) + ".125+00:00") for k in range(n)])),
                "json", secret, name="x.json", beside={}),
        Example("discord-package", lambda n: _json([package.message(0, ID=1000 + k, Timestamp=at(k, "%Y-%m-%d %H:%M:%S")) for k in range(n)]),
                "json", secret, name=package.NAME, beside=_folder(package.BESIDE)),
        Example("google-chat", lambda n: _json(chat.talk(*[
            chat.message(0, (chat.PEER, chat.OWNER)[k % 2], created_date=google_days(k), message_id=f"g/t{k}/m") for k in range(n)])),
                "json", secret, name=chat.DM, beside=_folder(chat.members(chat.OWNER, chat.PEER))),
        Example("google-hangouts", lambda n: _json(hangouts.hangouts(hangouts.conversation(*[
            hangouts.text(k, (hangouts.PEER, hangouts.OWNER)[k % 2]) for k in range(n)]))),
                "json", secret, name="Hangouts/Hangouts.json", beside={}),
        Example("meta-e2ee", lambda n: _json(e2ee.chat(*[e2ee.message(n - k, (e2ee.PEER, e2ee.OWNER)[k % 2]) for k in range(n)])),
                "json", secret, name="chat_3.json", beside={}),
        Example("meta-lists", lambda n: _json({"relationships_blocked_users": [
            lists.account(f"user{k}", lists.T0 + k) | {"media_list_data": [secret]} for k in range(n)]}),
                "json", secret, "blocked", name="list.json", beside={}),
        Example("meta-messages", lambda n: _json(meta.thread(*[meta.message(n - k, (meta.PEER, meta.OWNER)[k % 2]) for k in range(n)])),
                "json", archive_json.garbled(secret), "facebook", name="your_facebook_activity/messages/inbox/daurentest_1234567890/message_1.json",
                beside=_folder({"personal_information/profile_information/profile_information.json": meta.PROFILE})),
        Example("skype-json", lambda n: _json(skype.download(skype.talk(skype.PEER, *[
            skype.message(0, (skype.PEER, skype.OWNER)[k % 2], id=str(skype.MS + 1000 * k), originalarrivaltime=at(k) + ".000Z")
            for k in range(n)]))), "json", secret, name="messages.json", beside={}),
        Example("snapchat", lambda n: _json({"dauren.t": [
            snap.message(0, ("dauren.t", "aigerim.t")[k % 2], bool(k % 2), Created=at(k, "%Y-%m-%d %H:%M:%S UTC"),
                         **{"Created(microseconds)": 1_706_659_200_000 + 37_000 * k}) for k in range(n)]}),
                "json", secret, name="json/chat_history.json", beside=_folder(snap.ACCOUNT)),
        Example("telegram-json", lambda n: telegram.export(telegram.chat([said(k) for k in range(n)])), "json", secret, "chat"),
        Example("telegram-json", lambda n: telegram.export(telegram.account(telegram.chat([said(k) for k in range(n)]), about=secret)),
                "json", secret, "account"),
        Example("tiktok", lambda n: _json(tiktok.download({"dauren": [
            tiktok.message(0, ("dauren", "aigerim")[k % 2], Date=at(k, "%Y-%m-%d %H:%M:%S")) for k in range(n)]})),
                "json", secret, name="user_data_tiktok.json", beside={}),
        Example("x-archive", lambda n: x.chats((f"{x.OWNER}-{x.PEER}", [
            x.create(0, *((x.PEER, x.OWNER), (x.OWNER, x.PEER))[k % 2], id=str(10**18 + k), createdAt=at(k) + ".125Z") for k in range(n)])),
                "json", secret, name="data/direct-messages.js", beside=_folder(x.ACCOUNT)),
    ]  # fmt: skip


# -- places


def _places() -> list[Example]:
    google, gpx, swarm = test_reader_google, test_reader_gpx, test_reader_swarm
    secret = google.SECRET

    def visit(k: int) -> dict[str, Any]:
        made: dict[str, Any] = json.loads(json.dumps(google.VISIT))
        made["placeVisit"]["duration"] = {"startTimestamp": at(k) + ".250Z", "endTimestamp": at(k + 60) + "Z"}
        return made

    def segment(k: int) -> dict[str, Any]:
        place = {"topCandidate": {"placeId": "x", "placeLocation": {"latLng": "43.2389°, 76.8897°", "name": secret}}}
        return {"startTime": at(k) + "+05:00", "endTime": at(k + 60) + "+05:00", "visit": place}

    def track(n: int) -> bytes:
        note = f"<name>{SECRET}</name><cmt>{SECRET}</cmt>"
        points = "".join(gpx.point(at(k) + "Z", more=note if k % 3 == 0 else "") for k in range(n))
        return gpx.gpx(f"{gpx.point(at(0) + 'Z', 'wpt', more=note)}<trk>{note}<trkseg>{points}</trkseg></trk>")

    return [
        Example("google-records", lambda n: _json({"locations": [
            {**google.ALMATY, "accuracy": 20, "source": "WIFI", "timestamp": at(k) + "Z", "note": secret} for k in range(n)]}),
                "json", secret),
        Example("google-semantic", lambda n: _json({"timelineObjects": [visit(k) for k in range(n)]}), "json", secret),
        Example("google-timeline", lambda n: _json({"semanticSegments": [segment(k) for k in range(n)], "rawSignals": [{"wifiScan": secret}]}),
                "json", secret),
        Example("gpx", track, "xml", SECRET, name="track.gpx"),
        Example("swarm", lambda n: swarm.download(*[swarm.DOWNLOAD | {"createdAt": at(k, "%Y-%m-%d %H:%M:%S.000000"), "id": f"{k:024x}"}
                                                    for k in range(n)]), "json", swarm.SECRET, "download", name="checkins1.json"),
        Example("swarm", lambda n: swarm.interface(*[swarm.INTERFACE | {"createdAt": 1_556_986_800 + 60 * k, "id": f"{k:024x}"}
                                                     for k in range(n)]), "json", swarm.SECRET, "interface", name="checkins.json"),
    ]  # fmt: skip


# -- tracks and tags


def _tracks() -> list[Example]:
    subject = context(subject="owner")
    unix = lambda k: 1_706_659_200 + 37 * k  # noqa: E731
    lat, lon = "43.2389", "76.8897"

    def recorder(n: int) -> bytes:
        fix = {"_type": "location", "tid": "AI", "topic": "owntracks/aigerim/phone", "lat": 43.2389, "lon": 76.8897, "acc": 10,
               "SSID": SECRET, "inregions": [SECRET]}  # fmt: skip
        lines = [json.dumps(fix | {"tst": unix(k)}, ensure_ascii=False) for k in range(n)]
        return "".join(f"{at(k)}Z\t*                 \t{line}\n" for k, line in enumerate(lines)).encode()

    def features(n: int) -> bytes:
        point = {"type": "Point", "coordinates": [76.8897, 43.2389]}
        return _json({"type": "FeatureCollection", "features": [
            {"type": "Feature", "geometry": point, "properties": {"timestamp": at(k) + "Z", "accuracy": 10, "name": SECRET}}
            for k in range(n)]})  # fmt: skip

    def placemarks(n: int) -> bytes:
        marks = "".join(
            f"<Placemark><name>{SECRET}</name><TimeStamp><when>{at(k)}Z</when></TimeStamp>"
            f"<Point><coordinates>{lon},{lat},0</coordinates></Point></Placemark>\n" for k in range(n))  # fmt: skip
        head = '<?xml version="1.0" encoding="UTF-8"?>\n<kml xmlns="http://www.opengis.net/kml/2.2"><Document>'
        return f"{head}<name>{SECRET}</name>\n{marks}</Document></kml>\n".encode()

    def trajectory(n: int) -> bytes:
        head = f"Geolife trajectory\r\nWGS 84\r\nAltitude is in Feet\r\nReserved 3\r\n0,2,255,{SECRET},0,0,2,8421376\r\n0\r\n"
        return (
            head + "".join(f"{lat},{lon},0,492,39745.09,{at(k, '%Y-%m-%d,%H:%M:%S')}\r\n" for k in range(n))
        ).encode()

    def warrant(n: int) -> bytes:
        head = "Timestamp (UTC),Latitude,Longitude,Country Codes,Display Radius (Meters),Source,Device Tag,Platform,Remark\n"
        return (
            head
            + "".join(f"{at(k, '%Y-%m-%d %H:%M:%S')},{lat},{lon},KZ,20,WIFI,7,ANDROID,{SECRET}\n" for k in range(n))
        ).encode()

    def logged(n: int) -> bytes:
        head = "time,lat,lon,elevation,accuracy,bearing,speed,satellites,provider,activity,battery\n"
        return (
            head + "".join(f"{at(k)}.000Z,{lat},{lon},34.0,8,90,1.5,12,gps,{SECRET},85\n" for k in range(n))
        ).encode()

    def beacons(n: int) -> bytes:
        head = "beaconId,receivedAt,rssi,deviceAddress,locationId,manufacturerData,serviceUUIDs,connectionState\n"
        return (
            head
            + "".join(
                f"{k + 1},{at(k + 1)},-70,C0:FF:EE:00:00:0{k % 3},1,{SECRET},,OVERMATURE_OFFLINE\n" for k in range(n)
            )
        ).encode()

    guard = {
        "locations.csv": f"locationId,name,firstDiscovery,lastSeen,longitude,latitude,accuracy\n1,{SECRET},{at(1)},{at(9)},{lon},{lat},12\n".encode(),
        "devices.csv": ("deviceId,uniqueId,address,name,ignore,firstDiscovery,lastSeen,deviceType\n" + "".join(
            f"{k},x,C0:FF:EE:00:00:0{k},{SECRET},false,{at(1)},{at(9)},AIRTAG\n" for k in range(3))).encode(),
        "notifications.csv": b"notificationId,deviceAddress,falseAlarm,dismissed,clicked,createdAt\n",
    }  # fmt: skip
    tags = """CREATE TABLE device (deviceId INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, uniqueId TEXT, address TEXT NOT NULL, name TEXT,
        `ignore` INTEGER NOT NULL, firstDiscovery TEXT NOT NULL, lastSeen TEXT NOT NULL, deviceType TEXT);
        CREATE TABLE notification (notificationId INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, deviceAddress TEXT NOT NULL,
        falseAlarm INTEGER NOT NULL, dismissed INTEGER, clicked INTEGER, createdAt TEXT NOT NULL, sensitivity INTEGER NOT NULL);
        CREATE TABLE beacon (beaconId INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, receivedAt TEXT NOT NULL, rssi INTEGER NOT NULL,
        deviceAddress TEXT NOT NULL, locationId INTEGER, mfg BLOB, serviceUUIDs TEXT);
        CREATE TABLE location (locationId INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, name TEXT, firstDiscovery TEXT NOT NULL,
        lastSeen TEXT NOT NULL, longitude REAL NOT NULL, latitude REAL NOT NULL, accuracy REAL);"""

    def guarded(n: int) -> bytes:
        return database(tags, {
            "device": [{"uniqueId": "x", "address": f"C0:FF:EE:00:00:0{k}", "name": SECRET, "ignore": 0, "firstDiscovery": at(1),
                        "lastSeen": at(9), "deviceType": "AIRTAG"} for k in range(3)],
            "location": [{"name": SECRET, "firstDiscovery": at(1), "lastSeen": at(9), "longitude": 76.8897, "latitude": 43.2389, "accuracy": 12}],
            "beacon": [{"receivedAt": at(k + 1), "rssi": -70, "deviceAddress": f"C0:FF:EE:00:00:0{k % 3}", "locationId": 1, "serviceUUIDs": SECRET}
                       for k in range(n - n // 4)],
            "notification": [{"deviceAddress": f"C0:FF:EE:00:00:0{k % 3}", "falseAlarm": 0, "dismissed": 0, "clicked": 0, "createdAt": at(k + 1),
                              "sensitivity": 1} for k in range(n // 4)],
        })  # fmt: skip

    return [
        Example("owntracks", recorder, "json", SECRET, name="rec/aigerim/phone/2024-01.rec", ctx=subject),
        Example("geojson", features, "json", SECRET, name="track.geojson", ctx=subject),
        Example("kml", placemarks, "xml", SECRET, name="doc.kml", ctx=subject),
        Example("geolife-plt", trajectory, "text", SECRET, name="20240131.plt", ctx=subject),
        Example("google-warrant-csv", warrant, "table", SECRET, name="return.csv", ctx=subject),
        Example("location-csv", logged, "table", SECRET, name="log.csv", ctx=subject),
        Example("airguard-csv", beacons, "table", SECRET, name="beacons.csv", beside=guard),
        Example("airguard-db", guarded, "sqlite", SECRET, name="attd_db"),
    ]  # fmt: skip


# -- texts, pages, mail, journal, SMS Backup & Restore


def _texts() -> list[Example]:
    line, signal, chat, xml = (
        test_reader_line_txt,
        test_reader_signal_txt,
        test_reader_whatsapp_txt,
        test_reader_sms_backup_xml,
    )
    page, vk, opt, voice = (
        test_reader_telegram_html,
        test_reader_vk_archive,
        test_reader_vkopt_html,
        test_reader_google_voice,
    )
    mail, journal, vcard = test_reader_mail, test_reader_journal, test_reader_vcard
    mark, owner = html_chats.MARKER, context(owner=["Aigerim"])

    def telegram_page(n: int) -> bytes:
        return page.page(page.line("31 January 2024"), *[
            page.message(k + 1, ("Bob Example", "Aigerim")[k % 2], when=at(k, "%d.%m.%Y %H:%M:%S UTC+05:00")) for k in range(n)])  # fmt: skip

    def vk_page(n: int) -> bytes:
        when = lambda k: at(k, "%d янв 2024 в %H:%M:%S")  # noqa: E731
        return vk.page(*[vk.message(when=when(k % 2000), n=k + 1) if k % 2 == 0 else vk.mine(text=mark, when=when(k % 2000), n=k + 1)
                         for k in range(n)])  # fmt: skip

    def opt_page(n: int) -> bytes:
        return opt.page(*[(opt.item, opt.mine)[k % 2](when=at(k, "%Y.%m.%d %H:%M:%S")) for k in range(n)])

    def voice_chat(n: int) -> bytes:
        return voice.chat(*[voice.said("+12025550101", mine=bool(k % 2), when=at(k) + "-05:00") for k in range(n)],
                          people='<div class="participants"></div>')  # fmt: skip

    def mails(n: int) -> bytes:
        stamp = lambda k: at(k, "%a, %d %b %Y %H:%M:%S +0500")  # noqa: E731
        both = ("Bob <bob@example.com>", "aigerim@example.org")
        return mail.mbox(*[mail.mail(both[k % 2], both[1 - k % 2], stamp(k), n=k + 1) for k in range(n)])

    def attached(n: int) -> bytes:
        picture = base64.encodebytes(mark.encode() * 20).decode()
        parts = [f'--b\nContent-Type: text/plain\n\n{mark}\n'] + [
            f'--b\nContent-Type: image/png; name="{mark}.png"\nContent-Transfer-Encoding: base64\n\n{picture}\n' for _ in range(n)
        ]  # fmt: skip
        return mail.mail(body="".join(parts) + "--b--\n", Content_Type='multipart/mixed; boundary="b"').encode()

    def diary(n: int) -> list[dict[str, str]]:
        kinds = ({"kind": "seen", "place": "home", "lat": "43.2389", "lon": "76.8897", "accuracy_m": "30"},
                 {"kind": "call", "channel": "phone", "via": A}, {"kind": "message", "channel": "sms"}, {"kind": "told_to_stop"})  # fmt: skip
        return [{"when": at(k, "%Y-%m-%d %H:%M"), "contact": "K1", "note": SECRET, **kinds[k % 4]} for k in range(n)]

    def diary_book(n: int) -> bytes:
        rows = [[row.get(name, "") for name in journal.NAMES] for row in diary(n)]
        return lab_tables.workbook({"Журнал": [journal.NAMES, *rows]})

    def card(k: int) -> str:
        return (f"BEGIN:VCARD\r\nVERSION:3.0\r\nFN:Dana\r\nTEL;TYPE=CELL:{phone(k)}\r\nEMAIL:dana{k}@example.org\r\n"
                f"NOTE:{vcard.SECRET}\r\nEND:VCARD\r\n")  # fmt: skip

    def backup(n: int) -> bytes:
        return xml.doc(*mix(
            n, lambda k: xml.sms(date=MS + 1000 * k, type=1 + k % 2, body=SECRET, address=phone(k % 9), contact_name="Dana"),
            lambda k: xml.sms(date=MS + 1000 * k, body=SECRET),
            lambda k: xml.mms(xml.part("text/plain", SECRET), "137 +77010000001,151 +77010000009", date=MS + 1000 * k, sub=SECRET),
        ))  # fmt: skip

    return [
        Example("line-txt", lambda n: line.chat(*[(f"\n{_DAY + timedelta(minutes=k):%Y/%m/%d(%a)}\n" if k and k % 1440 == 0 else "")
            + f"{_DAY + timedelta(minutes=k):%H:%M}\t{('Bob', 'Aigerim')[k % 2]}\t{mark}" for k in range(n)], day=f"{_DAY:%Y/%m/%d(%a)}"), "text", mark, name="[LINE] Chat history with Bob.txt", ctx=owner),
        Example("signal-txt", lambda n: "".join(
            f"[{at(k, '%Y-%m-%d %H:%M:%S')}] {('Bob Example', 'Me')[k % 2]}: {mark}  \n" for k in range(n)).encode(),
                "text", mark, name=signal.NAME),
        Example("whatsapp-txt", lambda n: chat.android(*[(k, f"{('Bolat', 'Aigerim')[k % 2]}: {SECRET}") for k in range(n)]).encode(),
                "text", SECRET, "android", name="export.txt", ctx=owner, records=24),
        Example("whatsapp-txt", lambda n: chat.ios(*[(k, f"{('Bolat', 'Aigerim')[k % 2]}: {SECRET}") for k in range(n)]).encode(),
                "text", SECRET, "ios", name="_chat.txt", ctx=owner, records=24),
        Example("telegram-html", telegram_page, "html", mark, name="messages.html", ctx=owner),
        Example("vk-archive", vk_page, "html", mark, name=vk.NAME),
        Example("vkopt-html", opt_page, "html", mark, ctx=opt.OWNER),
        Example("google-voice", voice_chat, "html", voice.MARKER, "chat", ctx=voice.CONTEXT, name="+12025550101 - Text - 2024-01-31T00_00_00Z.html"),
        Example("google-voice", lambda n: voice.call("received"), "html", voice.MARKER, "call", ctx=voice.CONTEXT, single=True),
        Example("mbox", mails, "mail", mail.MARKER, name="x.mbox", ctx=context(owner=[mail.OWNER])),
        Example("eml", attached, "mail", mail.MARKER, name="x.eml", ctx=context(owner=[mail.OWNER]), single=True, records=2),
        Example("journal", lambda n: journal.journal(*diary(n)), "table", SECRET, "csv", name="journal.csv"),
        Example("journal", diary_book, "workbook", SECRET, "xlsx", name="journal.xlsx"),
        Example("vcard", lambda n: "".join(map(card, range(n))).encode(), "text", vcard.SECRET, name="book.vcf"),
        Example("sms-backup-xml", backup, "xml", SECRET, "sms", name="sms.xml"),
        Example("sms-backup-xml", lambda n: xml.doc(*mix(n, lambda k: xml.call(
            date=MS + 1000 * k, type=1 + k % 3, duration=5, number=phone(k % 9), post_dial_digits=SECRET)), root="calls"),
                "xml", SECRET, "calls", name="calls.xml"),
    ]  # fmt: skip


@cache
def examples() -> tuple[Example, ...]:
    """Return every example, sorted by its id."""
    made = [*_android(), *_apple(), *_labs(), *_chats(), *_downloads(), *_places(), *_tracks(), *_texts()]
    found = {e.id: e for e in made}
    if len(found) < len(made):
        raise RuntimeError("two examples have the same id")
    return tuple(found[i] for i in sorted(found))
