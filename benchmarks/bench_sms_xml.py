"""SMS Backup & Restore XML: the reader against a bare lxml iterparse over the same bytes, in one process, in turns.

    python benchmarks/bench_sms_xml.py                       # 50 MB plain, 50 MB with pictures
    python benchmarks/bench_sms_xml.py --mb 200 --rounds 5
    python benchmarks/bench_sms_xml.py --kinds texts,cyrillic,calls
    python benchmarks/bench_sms_xml.py --gb 1                # memory: the reader alone over a backup with pictures

Prints one JSON line for each input: seconds (best of the rounds), MB/s, the ratio of the reader to lxml, the rows of both
(they must be equal), and the highest resident memory of the process. The data is made up and seeded, written into a
temporary folder and removed. lxml only finds the elements and reads each date; the reader makes whole rows, normalised numbers
included.
"""

from __future__ import annotations

import argparse
import base64
import functools
import json
import random
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

from pipelines.identifiers import phone_identifier  # noqa: E402
from pipelines.readers.base import Context, SourceFile  # noqa: E402
from pipelines.readers.sms_backup_xml import READER  # noqa: E402

T0 = 1_672_531_200_000
KINDS = {
    "plain": "sms elements of ASCII text, all in one order of attributes",
    "cyrillic": "the same in Cyrillic, a third with entities",
    "pictures": "a tenth of the records carry a picture of 200 KB in base64",
    "texts": "half of the records are mms without pictures, as newer phones write for chats and groups",
    "mixed": "the order of the attributes changes at random between four",
    "calls": "call elements",
}
_LATIN = [
    "why",
    "are",
    "you",
    "not",
    "answering",
    "me",
    "at",
    "the",
    "shop",
    "today",
    "call",
    "me",
    "back",
    "now",
    "please",
    "stop",
    "where",
    "home",
    "work",
    "later",
    "ok",
    "yes",
    "no",
]
_CYRILLIC = [
    "почему",
    "ты",
    "не",
    "отвечаешь",
    "мне",
    "сегодня",
    "в",
    "магазине",
    "перезвони",
    "пожалуйста",
    "хватит",
    "где",
    "дома",
    "на",
    "работе",
    "потом",
    "да",
    "нет",
]


class NullSink:
    """Counts rows and forgets them."""

    def __init__(self) -> None:
        self.rows = 0
        self.records = 0

    def events(self, rows: int, columns: Mapping[str, Any]) -> None:
        self.rows += rows

    def positions(self, rows: int, columns: Mapping[str, Any]) -> None:
        self.rows += rows

    def reject(self, n: int, record: str, reason: str) -> None:
        pass

    def out_of_scope(self, records: int = 1) -> None:
        pass

    def read(self, records: int) -> None:
        self.records += records

    def note(self, text: str) -> None:
        pass

    def owner(self, identifiers: Sequence[str]) -> None:
        pass

    def coverage(self, channel: str, classes: str, **more: Any) -> None:
        pass


def write(path: Path, kind: str, size: int) -> None:
    """Write a made-up backup of about ``size`` bytes."""
    r = random.Random(17)
    words = _CYRILLIC if kind == "cyrillic" else _LATIN
    bodies = [" ".join(r.choices(words, k=r.randrange(1, 20))) for _ in range(20_000)]
    if kind == "cyrillic":
        bodies = [b + "&#10;&quot;&#128518;&quot;" if k % 3 == 0 else b for k, b in enumerate(bodies)]
    blobs = [base64.b64encode(r.randbytes(150_000)).decode() for _ in range(20)]
    numbers = [f"+7700000{k:04d}" for k in range(200)]
    root = "calls" if kind == "calls" else "smses"
    written = n = 0
    with path.open("w", encoding="utf-8", newline="\n") as f:
        f.write(f"<?xml version='1.0' encoding='UTF-8' standalone='yes' ?>\n<{root} count=\"0\">\n")
        while written < size:
            n += 1
            text = _record(kind, n, numbers, bodies, blobs, r)
            f.write(text)
            written += len(text) if kind != "cyrillic" else len(text.encode())
        f.write(f"</{root}>\n")


def _record(kind: str, n: int, numbers: list[str], bodies: list[str], blobs: list[str], r: random.Random) -> str:
    ts, who, body = T0 + n * 1_000, numbers[n % 200], bodies[n % len(bodies)]
    if kind == "calls":
        return (
            f'  <call number="{who}" duration="{n % 97}" date="{ts}" type="{1 + n % 3}" presentation="1" '
            f'subscription_id="1" post_dial_digits="" subscription_component_name="com.example" '
            f'readable_date="Jan 1, 2023 10:00:00" contact_name="Name {n % 200}" />\n'
        )
    if kind == "pictures" and n % 10 == 0:
        inside = f'<part seq="0" ct="image/jpeg" name="i{n}.jpg" text="null" data="{blobs[n % 20]}" />'
        return _mms(ts, who, n, inside, [who])
    if kind == "texts" and n % 2:
        people = [who] if n % 3 else [who, numbers[(n + 1) % 200], numbers[(n + 2) % 200]]
        inside = (
            f'<part seq="-1" ct="application/smil" name="null" chset="null" cd="null" fn="null" cid="&lt;a&gt;" cl="s.xml" '
            f'ctt_s="null" ctt_t="null" text="&lt;smil&gt;&lt;/smil&gt;" sub_id="1" />\n      <part seq="0" ct="text/plain" '
            f'name="null" chset="106" cd="null" fn="null" cid="&lt;b&gt;" cl="t.txt" ctt_s="null" ctt_t="null" text="{body}" '
            f'sub_id="1" />'
        )
        return _mms(ts, "~".join(people), n, inside, people)
    fields = [
        'protocol="0"', f'address="{who}"', f'date="{ts}"', f'type="{1 + n % 2}"', 'subject="null"', f'body="{body}"',
        'toa="null"', 'sc_toa="null"', 'service_center="+77000009999"', 'read="1"', 'status="-1"', 'locked="0"',
        f'date_sent="{ts - 900}"', 'sub_id="1"', 'readable_date="Jan 1, 2023 10:00:00"', f'contact_name="Name {n % 200}"',
    ]  # fmt: skip
    if kind == "mixed":
        turn = 4 * r.randrange(4)
        fields = fields[turn:] + fields[:turn]
    return f"  <sms {' '.join(fields)} />\n"


def _mms(ts: int, address: str, n: int, parts: str, people: list[str]) -> str:
    box = 1 + n % 2
    roles = "\n      ".join(
        f'<addr address="{p}" type="{137 if k == 0 and box == 1 else 151}" charset="106" />'
        for k, p in enumerate(people)
    )
    return (
        f'  <mms date="{ts}" rr="129" sub="null" ct_t="application/vnd.wap.multipart.related" read_status="null" seen="1" '
        f'msg_box="{box}" address="{address}" sub_cs="null" resp_st="null" retr_st="null" d_tm="null" text_only="1" '
        f'exp="604800" locked="0" m_id="m{n}" st="null" retr_txt_cs="null" retr_txt="null" creator="com.example" '
        f'date_sent="{ts // 1000}" read="1" m_size="120" rpt_a="null" ct_cls="135" pri="129" sub_id="1" tr_id="t{n}" '
        f'resp_txt="null" ct_l="null" m_cls="personal" d_rpt="129" v="18" _id="{n}" m_type="{132 if box == 1 else 128}" '
        f'readable_date="Jan 1, 2023 10:00:00" contact_name="Name">\n    <parts>\n      {parts}\n    </parts>\n'
        f"    <addrs>\n      {roles}\n    </addrs>\n  </mms>\n"
    )


def read_qorgan(path: Path) -> int:
    """Read the file with qorgan; return the number of rows."""
    phone = functools.lru_cache(maxsize=100_000)(lambda raw: phone_identifier(raw, "KZ"))
    sink = NullSink()
    source = SourceFile("0" * 12, path.name, None, path.stat().st_size, lambda: path.open("rb"), str(path))
    READER.read(source, Context(phone), sink)
    return sink.rows


def read_lxml(path: Path) -> int:
    """Find every record and read its date, with lxml alone; return the number of records."""
    from lxml import etree

    n = odd = 0
    for _, element in etree.iterparse(str(path), events=("end",), tag=("sms", "mms", "call"), huge_tree=True):
        n += 1
        odd += int(element.get("date") or 0) // 60_000 & 1
        element.clear()
        while element.getprevious() is not None:
            parent = element.getparent()
            assert parent is not None
            del parent[0]
    return n


def timed(read: Callable[[Path], int], path: Path) -> tuple[float, int]:
    """Return seconds and rows."""
    begun = time.perf_counter()
    rows = read(path)
    return time.perf_counter() - begun, rows


def peak_mb() -> int:
    """Return the highest resident memory of this process in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def main() -> int:
    """Run what the arguments ask for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mb", type=float, default=50, help="size of each input (default 50)")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--kinds", default="plain,pictures", help="; ".join(f"{k}: {v}" for k, v in KINDS.items()))
    parser.add_argument(
        "--gb", type=float, help="memory test: the reader alone over a backup with pictures of this size"
    )
    args = parser.parse_args()
    kinds = args.kinds.split(",")
    if unknown := set(kinds) - set(KINDS):
        parser.error(f"unknown kinds: {', '.join(sorted(unknown))}")
    with tempfile.TemporaryDirectory(prefix="qorgan-bench-") as folder:
        path = Path(folder) / "backup.xml"
        if args.gb:
            # written by another process: what it holds must not count for the reader
            import multiprocessing

            kind = "pictures" if args.kinds == "plain,pictures" else kinds[0]
            writer = multiprocessing.get_context("spawn").Process(target=write, args=(path, kind, int(args.gb * 1e9)))
            writer.start()
            writer.join()
            before = peak_mb()
            seconds, rows = timed(read_qorgan, path)
            size = path.stat().st_size / 1e6
            line = {"input": kind, "MB": round(size), "seconds": round(seconds, 2), "MB_s": round(size / seconds), "rows": rows,
                    "peak_mb_before": before, "peak_mb": peak_mb()}  # fmt: skip
            print(json.dumps(line), flush=True)
            return 0
        read_qorgan(_small(folder))  # imports and number plans out of the clock
        for kind in kinds:
            write(path, kind, int(args.mb * 1e6))
            size = path.stat().st_size / 1e6
            ours, theirs = [], []
            for _ in range(args.rounds):
                ours.append(timed(read_qorgan, path))
                theirs.append(timed(read_lxml, path))
            if {rows for _, rows in ours} != {rows for _, rows in theirs}:
                print(f"{kind}: the two do not agree on the number of records", file=sys.stderr)
                return 1
            a, b = min(ours)[0], min(theirs)[0]
            line = {"input": kind, "MB": round(size, 1), "rows": ours[0][1], "seconds": round(a, 3), "MB_s": round(size / a),
                    "lxml_seconds": round(b, 3), "lxml_MB_s": round(size / b), "ratio": round(a / b, 2),
                    "ratios": [round(x[0] / y[0], 2) for x, y in zip(ours, theirs, strict=True)], "peak_mb": peak_mb()}  # fmt: skip
            print(json.dumps(line), flush=True)
    return 0


def _small(folder: str) -> Path:
    path = Path(folder) / "small.xml"
    write(path, "plain", 100_000)
    return path


if __name__ == "__main__":
    sys.exit(main())
