"""Databases as Android's providers lay them out, built from the text of their schemas, with invented people."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping
from typing import Any

#: the call log of each generation: Android 4 (in contacts2.db), version 1 of calllog.db, version 11, Samsung's logs.db
CALLS_2013 = """CREATE TABLE calls (_id INTEGER PRIMARY KEY AUTOINCREMENT,number TEXT,date INTEGER,duration INTEGER,type INTEGER,
new INTEGER,name TEXT,numbertype INTEGER,numberlabel TEXT,countryiso TEXT,voicemail_uri TEXT,is_read INTEGER,
geocoded_location TEXT,lookup_uri TEXT,matched_number TEXT,normalized_number TEXT,photo_id INTEGER NOT NULL DEFAULT 0,
formatted_number TEXT,_data TEXT,has_content INTEGER,mime_type TEXT,source_data TEXT,source_package TEXT,state INTEGER);"""
CALLS_V1 = """CREATE TABLE calls (_id INTEGER PRIMARY KEY AUTOINCREMENT,number TEXT,presentation INTEGER NOT NULL DEFAULT 1,
post_dial_digits TEXT NOT NULL DEFAULT '',date INTEGER,duration INTEGER,data_usage INTEGER,type INTEGER,
features INTEGER NOT NULL DEFAULT 0,subscription_component_name TEXT,subscription_id TEXT,phone_account_address TEXT,
phone_account_hidden INTEGER NOT NULL DEFAULT 0,sub_id INTEGER DEFAULT -1,new INTEGER,name TEXT,numbertype INTEGER,
numberlabel TEXT,countryiso TEXT,voicemail_uri TEXT,is_read INTEGER,geocoded_location TEXT,lookup_uri TEXT,
matched_number TEXT,normalized_number TEXT,photo_id INTEGER NOT NULL DEFAULT 0,photo_uri TEXT,formatted_number TEXT,
add_for_all_users INTEGER NOT NULL DEFAULT 1,_data TEXT,has_content INTEGER,mime_type TEXT,source_data TEXT,
source_package TEXT,transcription TEXT,state INTEGER,dirty INTEGER NOT NULL DEFAULT 0,deleted INTEGER NOT NULL DEFAULT 0);
CREATE TABLE voicemail_status (_id INTEGER PRIMARY KEY AUTOINCREMENT,source_package TEXT NOT NULL);"""
CALLS_V11 = CALLS_V1.replace(
    "dirty INTEGER",
    "via_number TEXT NOT NULL DEFAULT '',transcription_state INTEGER NOT NULL DEFAULT 0,last_modified INTEGER DEFAULT 0,"
    "call_screening_component_name TEXT,call_screening_app_name TEXT,block_reason INTEGER NOT NULL DEFAULT 0,"
    "missed_reason INTEGER NOT NULL DEFAULT 0,priority INTEGER NOT NULL DEFAULT 0,subject TEXT,location TEXT,"
    "composer_photo_uri TEXT,is_call_log_phone_account_migration_pending INTEGER NOT NULL DEFAULT 0,dirty INTEGER",
)
LOGS = """CREATE TABLE logs (_id INTEGER PRIMARY KEY AUTOINCREMENT,number TEXT,address TEXT,date INTEGER,duration INTEGER,
type INTEGER,new INTEGER,name TEXT,numbertype INTEGER,numberlabel TEXT,voicemail_uri TEXT,is_read INTEGER,countryiso TEXT,
geocoded_location TEXT,lookup_uri TEXT,matched_number TEXT,normalized_number TEXT,formatted_number TEXT,messageid TEXT,
logtype INTEGER NOT NULL,frequent INTEGER,contactid INTEGER NOT NULL DEFAULT 0,m_subject TEXT,m_content TEXT,simnum INTEGER,
reject_flag INTEGER);
CREATE TRIGGER duration_update INSERT ON logs BEGIN SELECT 1; END;"""
BOOK = """CREATE TABLE raw_contacts (_id INTEGER PRIMARY KEY AUTOINCREMENT,contact_id INTEGER,deleted INTEGER NOT NULL DEFAULT 0,
display_name TEXT);
CREATE TABLE mimetypes (_id INTEGER PRIMARY KEY AUTOINCREMENT,mimetype TEXT NOT NULL);
CREATE TABLE data (_id INTEGER PRIMARY KEY AUTOINCREMENT,mimetype_id INTEGER NOT NULL,raw_contact_id INTEGER NOT NULL,
data1 TEXT,data2 TEXT,data3 TEXT,data4 TEXT,data5 TEXT);
CREATE TABLE deleted_contacts (contact_id INTEGER PRIMARY KEY,contact_deleted_timestamp INTEGER NOT NULL DEFAULT 0);
CREATE VIEW view_data AS SELECT * FROM data;"""
MMSSMS = """CREATE TABLE sms (_id INTEGER PRIMARY KEY,thread_id INTEGER,address TEXT,person INTEGER,date INTEGER,
date_sent INTEGER DEFAULT 0,protocol INTEGER,read INTEGER DEFAULT 0,status INTEGER DEFAULT -1,type INTEGER,
reply_path_present INTEGER,subject TEXT,body TEXT,service_center TEXT,locked INTEGER DEFAULT 0,sub_id INTEGER DEFAULT -1,
error_code INTEGER DEFAULT 0,creator TEXT,seen INTEGER DEFAULT 0);
CREATE TABLE pdu (_id INTEGER PRIMARY KEY AUTOINCREMENT,thread_id INTEGER,date INTEGER,date_sent INTEGER DEFAULT 0,
msg_box INTEGER,read INTEGER DEFAULT 0,m_id TEXT,sub TEXT,sub_cs INTEGER,ct_t TEXT,ct_l TEXT,exp INTEGER,m_cls TEXT,
m_type INTEGER,v INTEGER,m_size INTEGER,pri INTEGER,tr_id TEXT,d_tm INTEGER,sub_id INTEGER DEFAULT -1,text_only INTEGER DEFAULT 0);
CREATE TABLE addr (_id INTEGER PRIMARY KEY,msg_id INTEGER,contact_id INTEGER,address TEXT,type INTEGER,charset INTEGER);
CREATE TABLE part (_id INTEGER PRIMARY KEY AUTOINCREMENT,mid INTEGER,seq INTEGER DEFAULT 0,ct TEXT,name TEXT,chset INTEGER,
cd TEXT,fn TEXT,cid TEXT,cl TEXT,ctt_s INTEGER,ctt_t TEXT,_data TEXT,text TEXT);
CREATE TABLE canonical_addresses (_id INTEGER PRIMARY KEY AUTOINCREMENT,address TEXT);
CREATE TABLE threads (_id INTEGER PRIMARY KEY AUTOINCREMENT,date INTEGER DEFAULT 0,message_count INTEGER DEFAULT 0,
recipient_ids TEXT,snippet TEXT,snippet_cs INTEGER DEFAULT 0,read INTEGER DEFAULT 1,type INTEGER DEFAULT 0);
CREATE TABLE raw (_id INTEGER PRIMARY KEY,date INTEGER,reference_number INTEGER,count INTEGER,sequence INTEGER,pdu TEXT);
CREATE VIEW sms_restricted AS SELECT * FROM sms WHERE type != 3;"""
SPAM = """CREATE TABLE spam_sms (_id INTEGER PRIMARY KEY AUTOINCREMENT,thread_id INTEGER,address TEXT,date INTEGER,
date_sent INTEGER DEFAULT 0,read INTEGER DEFAULT 0,status INTEGER DEFAULT -1,type INTEGER,subject TEXT,body TEXT);
CREATE TABLE spam_pdu (_id INTEGER PRIMARY KEY AUTOINCREMENT,thread_id INTEGER,date INTEGER,msg_box INTEGER,m_id TEXT,
m_type INTEGER,tr_id TEXT);
CREATE TABLE spam_addr (_id INTEGER PRIMARY KEY,msg_id INTEGER,address TEXT,type INTEGER);
CREATE TABLE spam_part (_id INTEGER PRIMARY KEY AUTOINCREMENT,mid INTEGER,ct TEXT,_data TEXT,text TEXT);"""
BLOCKED = "CREATE TABLE blocked (_id INTEGER PRIMARY KEY AUTOINCREMENT,original_number TEXT NOT NULL UNIQUE,e164_number TEXT);"
SPAMBLOCKER = """CREATE TABLE number_filter (id INTEGER PRIMARY KEY AUTOINCREMENT,pattern TEXT);
CREATE TABLE call (id INTEGER PRIMARY KEY AUTOINCREMENT,peer TEXT,time INTEGER,result INTEGER,reason LONG,read INTEGER,
sms_content TEXT,expanded INTEGER);
CREATE TABLE sms (id INTEGER PRIMARY KEY AUTOINCREMENT,peer TEXT,time INTEGER,result INTEGER,reason LONG,read INTEGER,
sms_content TEXT,expanded INTEGER);"""

Rows = Mapping[str, Iterable[Mapping[str, Any]]]


def database(schema: str, rows: Rows | None = None, after: str = "") -> bytes:
    """Return a database with rows, as bytes."""
    with sqlite3.connect(":memory:") as db:
        db.executescript(schema)
        for table, records in (rows or {}).items():
            for record in records:
                names = ", ".join(record)
                marks = ", ".join("?" for _ in record)
                db.execute(f"INSERT INTO {table} ({names}) VALUES ({marks})", list(record.values()))
        db.executescript(after)
        db.commit()
        return db.serialize()


def texts(out: Any) -> str:
    """Return everything that a reader put out, as one text to search in."""
    return repr([out.event_rows, out.listed_rows, out.rejects, out.notes, out.owners, out.covers])


def cuts(data: bytes, step: int = 512) -> Iterable[bytes]:
    """Yield the file cut off at every step."""
    for end in range(0, len(data), step):
        yield data[:end]
