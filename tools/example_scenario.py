"""The life that the example case is made of: invented people, and what each did between April and December 2025.

Nothing here knows an export format: the writers (:mod:`tools.example_writers`) turn these rows into files, and the count
of what must be found in them (:mod:`tools.make_examples`) is taken from the same rows. No code of the product is used.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from random import Random

#: every text that a person wrote, and every title and name of a thing, holds this word, so that a leak can be found
MARKER = "QORGANMARKER"
SEED = "qorgan example case 1"

DAY_MS = 86_400_000
MIN_MS = 60_000
#: Kazakhstan has one zone, UTC+5, in all of 2025
OFFSET_MS = 5 * 3_600_000
FIRST_DAY = date(2025, 4, 1)
LAST_DAY = date(2025, 12, 31)


def at(day: date, hour: int, minute: int = 0, second: int = 0, ms: int = 0) -> int:
    """Return the moment of a wall clock reading in Almaty, in ms of UTC since 1970."""
    days = day.toordinal() - date(1970, 1, 1).toordinal()
    return days * DAY_MS + (hour * 3600 + minute * 60 + second) * 1000 + ms - OFFSET_MS


#: midnight of 2025-09-16 in Kazakhstan: the statute is in force from here on
LAW_MS = at(date(2025, 9, 16), 0)
#: "do not write to me any more"
NOTICE_MS = at(date(2025, 10, 2), 18, 30)
#: the owner blocks the contact in WhatsApp
BLOCK_MS = at(date(2025, 11, 1), 20, 15)
#: a court's order is served on the former partner
ORDER_MS = at(date(2025, 12, 10), 10, 0)
#: "please do not write to me" to the man from the gym
GYM_NOTICE_MS = at(date(2025, 11, 15), 20, 0)


class Dice:
    """A small source of chance on ``random()`` alone, the only method whose sequence Python promises to keep."""

    def __init__(self, name: str) -> None:
        self._random = Random(f"{SEED}/{name}")

    def chance(self, p: float) -> bool:
        """Return True with probability p."""
        return self._random.random() < p

    def between(self, low: int, high: int) -> int:
        """Return a whole number from low to high, both included."""
        return low + int(self._random.random() * (high - low + 1))

    def pick(self, items: tuple[str, ...]) -> str:
        """Return one of the items."""
        return items[int(self._random.random() * len(items))]

    def shift(self, span: float) -> float:
        """Return a number in [-span, span)."""
        return (self._random.random() * 2 - 1) * span


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody on the other side. ``id`` is the contact id of ``case.toml``, or a word of ours where there is none."""

    id: str
    name: str  # in the address book and in the chats
    phones: tuple[str, ...] = ()
    telegram: int = 0


OWNER = Person("owner", "Айгерим", ("+77010000001",), 9_990_000_111)
OWNER_USERNAME = "aigerim_example"
K1 = Person("K1", "Данияр", ("+77010000002", "+77010000003"), 9_990_000_222)
K2 = Person("K2", "Ерлан", ("+77010000010",))
K3 = Person("K3", "Сауле", ("+77010000020",), 9_990_000_333)
K4 = Person("K4", "", tuple(f"+7700000040{k}" for k in range(1, 7)))
S1 = Person("S1", "man in grey jacket")
M1 = Person("M1", "Мама", ("+77010000030",))
N1 = Person("N1", "Гульнара", ("+77010000040",))
C1 = Person("C1", "Тимур", ("+77010000050",), 9_990_000_444)
F1 = Person("F1", "Динара", ("+77010000060",))
F2 = Person("F2", "Алия", (), 9_990_000_555)
U1 = Person("friend, not declared", "Асель", ("+77010000070",))
WRONG = Person("wrong number", "", ("+77000000500",))
COURIERS = tuple(Person(f"courier {k}", "", (f"+7700000060{k}",)) for k in range(1, 9))
KASPI = Person("one-time codes (alpha)", "", ("Kaspi",))
SHORT = Person("one-time codes (short)", "", ("7111",))
SISTER = Person("relative in the group", "Айнур")
CLASSMATE = Person("member of the Telegram group", "Бота", (), 9_990_000_666)
K5 = Person("K5", "Марат", ("+77010000090",))
L1 = Person("L1", "", ("+77000000801",))
NEW_NUMBER = Person("new number after the refusal", "", ("+77000000851",))
BROTHER = Person("brother, not declared", "Нурлан", ("+77010000075",))
FORMER_OWNER = Person("calls for the number's former owner", "", ("+77000000700",))
CODES = tuple(
    Person(f"codes of {name}", "", (name,)) for name in ("Halyk", "Kolesa", "Krisha", "OLX", "inDrive", "Arbuz")
)
WITHHELD = Person("nobody", "")
PEOPLE = (
    K1, K2, K3, K4, K5, S1, M1, N1, C1, F1, F2, L1, U1, WRONG, *COURIERS, KASPI, SHORT, SISTER, CLASSMATE, NEW_NUMBER, BROTHER,
    FORMER_OWNER, *CODES,
)  # fmt: skip

HOME = (43.2389, 76.8897)
WORK = (43.2567, 76.9351)
SCHOOL = (43.2351, 76.9012)
GYM = (43.2288, 76.9103)
PARK = (43.2219, 76.8702)
TRACKER = "00:00:5E:00:53:07"  # a hardware address of the range set apart for documents
#: a tag that nobody knows and that changed its address on the way
ROTATING = ("00:00:5E:00:53:20", "00:00:5E:00:53:21")


@dataclass(frozen=True, slots=True)
class Call:
    """One call of the phone's call log. ``type`` as the log has it: 1 in, 2 out, 3 missed, 5 rejected."""

    ms: int
    who: Person
    type: int
    seconds: int = 0
    line: int = 0  # which of the person's numbers
    presentation: int = 1  # 2 withheld, 3 unknown, 4 payphone
    sim: int = 1  # which of the owner's two cards


@dataclass(frozen=True, slots=True)
class Sms:
    """One SMS or MMS. ``type``: 1 in, 2 out, 3 draft, 5 failed."""

    ms: int
    who: Person
    type: int
    text: str
    line: int = 0
    picture: bool = False  # then it is an MMS
    no_time: bool = False  # a fault: the phone wrote 0


@dataclass(frozen=True, slots=True)
class Chat:
    """One line of a WhatsApp chat; ``who`` is the sender, None for a line of the app itself."""

    ms: int
    thread: str
    who: Person | None
    text: str
    kind: str = (
        "text"  # text, image, photo, document, omitted, deleted, edited, location, missed_call, block, added, system
    )
    mentions_owner: bool = False


@dataclass(frozen=True, slots=True)
class Telegram:
    """One element of ``messages`` of a Telegram chat."""

    ms: int
    thread: str
    who: Person
    text: str
    kind: str = "text"  # text, rich, link, photo, voice, sticker, call, pinned
    seconds: int = 0  # of a call that was taken
    discard: str = ""  # missed, busy, hangup
    mentions_owner: bool = False
    replies_to_owner: bool = False


@dataclass(frozen=True, slots=True)
class Note:
    """One row of the incident journal."""

    when: str
    ms: int
    kind: str
    who: Person | None = None
    until: str = ""
    via: str = ""
    place: str = ""
    where: tuple[float, float] | None = None
    accuracy: int | None = None
    channel: str = ""
    witness: str = ""
    written: str = ""
    note: str = ""


@dataclass(slots=True)
class Scenario:
    """Everything that happened, each list in the order of time."""

    calls: list[Call] = field(default_factory=list)
    sms: list[Sms] = field(default_factory=list)
    chats: list[Chat] = field(default_factory=list)
    telegrams: list[Telegram] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)


# What people write. The examples are dull on purpose: no message here is a specimen of anything.
RU = (
    "Привет, как дела?", "Во сколько будешь?", "Хорошо, договорились", "Перезвони, когда сможешь", "Уже еду",
    "Купи хлеб по дороге", "Спасибо тебе большое 😊", "Завтра не получится", "Напиши, как доберёшься", "Ок",
    "Я сегодня работаю допоздна", "Видела новости?", "Давай в субботу", "Сейчас на встрече, позже",
    "Буду через 10 минут", "Не забудь документы", "Как прошёл день?", "Отлично, жду 👍", "Пробки ужасные сегодня", "Посмотри это потом",
)  # fmt: skip
KK = (
    "Сәлем, қалың қалай?", "Жақсы, рахмет", "Қашан келесің?", "Ертең хабарласайық", "Иә, болады", "Жарайды",
    "Мен жолдамын", "Кешке звондаймын", "Дүкенге кіріп шығам", "Балалар қалай?", "Апама сәлем айт", "Өте жақсы болды",
)  # fmt: skip
CHILD = (
    "Заберу её в пятницу в шесть", "Уроки сделаны", "Температуры нет", "Взяла сменную обувь?", "Собрание в среду",
    "Привезу в воскресенье к семи", "Деньги за секцию перевёл", "Она забыла тетрадь", "Ок, я у подъезда", "Передам ей",
)  # fmt: skip
ROSTER = (
    "График на неделю во вложении", "Поменяемся сменами в четверг?", "Отчёт отправил", "Планёрка в 9:30",
    "Выйдешь за меня в субботу?", "Принято, ставлю тебя в график", "Клиент перенёс встречу", "Ключи на вахте",
)  # fmt: skip
PURSUIT = (
    "Почему ты не отвечаешь?", "Нам надо поговорить", "Я всё равно узнаю", "Возьми трубку", "Я видел тебя сегодня",
    "Ты где?", "Ответь", "Мы ещё не закончили", "Я жду", "С кем ты была?", "Позвони мне сейчас", "Это важно",
)  # fmt: skip


def marked(text: str, more: str = "") -> str:
    """Return a text with the marker word in it."""
    return f"{text} {MARKER}{more}"


def days(first: date, last: date) -> list[date]:
    """Return the days from first to last, both included."""
    return [first + timedelta(k) for k in range((last - first).days + 1)]


def waking(dice: Dice, day: date) -> int:
    """Return a moment at which people with a job write privately: before work, at noon, in the evening, at weekends."""
    if day.weekday() >= 5:
        return at(day, dice.between(10, 21), dice.between(0, 59), dice.between(0, 59), dice.between(0, 999))
    roll = dice.between(1, 10)
    hour = 7 if roll == 1 else dice.between(12, 13) if roll <= 3 else dice.between(18, 22)
    minute = dice.between(30, 59) if hour == 7 else dice.between(0, 59)
    return at(day, hour, minute, dice.between(0, 59), dice.between(0, 999))


def office(dice: Dice, day: date) -> int:
    """Return a moment in office hours."""
    return at(day, dice.between(9, 17), dice.between(0, 59), dice.between(0, 59), dice.between(0, 999))


@dataclass(frozen=True, slots=True)
class Turn:
    """One message of an exchange of two."""

    ms: int
    mine: bool
    text: str


def exchange(dice: Dice, start: int, words: tuple[str, ...], most: int = 6) -> list[Turn]:
    """Return an exchange of two to ``most`` messages: either side begins, and most are answered by the other."""
    turns: list[Turn] = []
    ms, mine = start, dice.chance(0.5)
    for _ in range(dice.between(2, most)):
        turns.append(Turn(ms, mine, marked(dice.pick(words))))
        ms += dice.between(15, 540) * 1000 + dice.between(0, 999)
        if dice.chance(0.8):
            mine = not mine
    return turns


def talk(dice: Dice, ms: int, who: Person, *, answered: float = 0.75, longest: int = 900) -> list[Call]:
    """Return one call between friends, in or out; a missed one is called back within a few hours."""
    if dice.chance(0.5):
        seconds = dice.between(20, longest) if dice.chance(0.9) else 0
        return [Call(ms, who, 2, seconds)]
    if dice.chance(answered):
        return [Call(ms, who, 1, dice.between(20, longest))]
    return [Call(ms, who, 3), Call(ms + dice.between(6, 55) * MIN_MS, who, 2, dice.between(30, longest))]


def family(s: Scenario) -> None:
    """Add the mother (daily calls), the family group and the relative who writes only there."""
    dice = Dice("mother")
    for day in days(FIRST_DAY, LAST_DAY):
        if dice.chance(0.92):
            s.calls += talk(dice, at(day, dice.between(18, 20), dice.between(0, 59), dice.between(0, 59)), M1)
        if day.weekday() >= 5 and dice.chance(0.6):
            s.calls += talk(dice, at(day, dice.between(10, 13), dice.between(0, 59), dice.between(0, 59)), M1)
    s.sms.append(Sms(at(date(2025, 8, 9), 21, 4, 11, 310), M1, 5, marked("Мы долетели, всё хорошо")))
    dice = Dice("family group")
    first = at(date(2025, 4, 5), 11, 2)
    s.chats += [
        Chat(first, "family", None, "Сообщения и звонки в данном чате защищены сквозным шифрованием.", "system"),
        Chat(first, "family", None, f'\u200eМама создал(-а) группу "Семья {MARKER}"', "system"),
        Chat(first + MIN_MS, "family", M1, "", "added"),
        Chat(
            first + 2 * MIN_MS, "family", None, f'\u200eМама изменил(-а) тему с "Семья {MARKER}" на "Семья"', "system"
        ),
    ]
    members = (M1, OWNER, SISTER, K2)
    for day in days(date(2025, 4, 6), LAST_DAY):
        if not dice.chance(0.36):
            continue
        ms = waking(dice, day)
        for _ in range(dice.between(2, 6)):
            who = members[dice.between(0, 3)]
            kind = "omitted" if dice.chance(0.07) else "text"
            text = "" if kind == "omitted" else marked(dice.pick(RU if dice.chance(0.7) else KK))
            s.chats.append(Chat(ms, "family", who, text, kind))
            ms += dice.between(1, 14) * MIN_MS
    for day in (date(2025, 7, 11), date(2025, 10, 24), date(2025, 12, 19)):
        s.chats.append(Chat(at(day, 9, 12), "family", M1, f"приедешь в субботу? {MARKER}", "text", mentions_owner=True))


def co_parent(s: Scenario) -> None:
    """Add the co-parent: a two-way chat about the child, calls, and the weekly hand-over at the door."""
    dice = Dice("co-parent")
    start = at(date(2025, 4, 1), 8, 40)
    s.chats.append(Chat(start, "K2", None, "Сообщения и звонки в данном чате защищены сквозным шифрованием.", "system"))
    for day in days(FIRST_DAY, LAST_DAY):
        if dice.chance(0.38):
            for turn in exchange(dice, waking(dice, day), CHILD):
                s.chats.append(Chat(turn.ms, "K2", OWNER if turn.mine else K2, turn.text))
        if dice.chance(0.08):
            s.calls += talk(dice, waking(dice, day), K2, longest=240)
        if day.weekday() == 4 and day >= date(2025, 8, 29):
            minute = dice.between(0, 9)
            until = f"{day}T18:{minute + 10:02}"
            s.notes.append(
                Note(f"{day}T18:{minute:02}", at(day, 18, minute), "seen", K2, until, place="home",
                     written=f"{day}T21:00", note=marked("передача ребёнка"))
            )  # fmt: skip
    day = date(2025, 9, 24)
    s.chats += [
        Chat(at(day, 8, 5), "K2", K2, f"{MARKER}-spravka.pdf", "document"),
        Chat(at(day, 8, 6), "K2", K2, marked("посмотри файл"), "edited"),
        Chat(at(day, 8, 7), "K2", K2, marked("страница из дневника"), "photo"),
        Chat(at(day, 8, 9), "K2", OWNER, marked("вижу"), "text"),
        Chat(at(date(2025, 11, 14), 18, 2), "K2", None, "", "missed_call"),
        Chat(at(date(2025, 11, 14), 18, 20), "K2", OWNER, marked("была за рулём, что случилось?"), "text"),
        Chat(at(date(2025, 11, 14), 18, 24), "K2", K2, "", "deleted"),
        Chat(at(date(2025, 11, 14), 18, 26), "K2", OWNER, "", "deleted"),
    ]


def friends(s: Scenario) -> None:
    """Add the mutual friend, the friends, the colleague and the Telegram group of classmates."""
    dice = Dice("mutual friend")
    start = at(date(2025, 5, 3), 10, 0, 5)
    s.chats.append(Chat(start, "K3", None, "Сообщения и звонки в данном чате защищены сквозным шифрованием.", "system"))
    for day in days(date(2025, 5, 3), LAST_DAY):
        if dice.chance(0.4):
            for turn in exchange(dice, waking(dice, day), KK + RU, 5):
                who = OWNER if turn.mine else K3
                if dice.chance(0.05):
                    s.chats.append(Chat(turn.ms, "K3", who, "", "image"))
                else:
                    text = turn.text + ("\n" + marked(dice.pick(KK)) if dice.chance(0.06) else "")
                    s.chats.append(Chat(turn.ms, "K3", who, text))
    dice = Dice("friends")
    for day in days(FIRST_DAY, LAST_DAY):
        for person, rate in ((F1, 0.24), (U1, 0.2)):
            if dice.chance(rate):
                s.calls += talk(dice, waking(dice, day), person)
        if dice.chance(0.12):
            for turn in exchange(dice, waking(dice, day), RU, 4):
                s.sms.append(Sms(turn.ms, F1, 2 if turn.mine else 1, turn.text))
        if dice.chance(0.04):
            for turn in exchange(dice, waking(dice, day), RU, 3):
                s.sms.append(Sms(turn.ms, U1, 2 if turn.mine else 1, turn.text))
    for day in (date(2025, 9, 3), date(2025, 12, 14)):
        s.sms.append(Sms(at(day, 22, 14, 9, 55), F1, 3, marked("черновик: ты дома?")))
    dice = Dice("telegram friend")
    for day in days(date(2025, 4, 2), LAST_DAY):
        if dice.chance(0.26):
            for turn in exchange(dice, waking(dice, day), RU + KK, 5):
                kind = ("text", "text", "text", "text", "rich", "link", "photo", "voice", "sticker")[dice.between(0, 8)]
                s.telegrams.append(Telegram(turn.ms, "F2", OWNER if turn.mine else F2, turn.text, kind))
        if dice.chance(0.03):
            mine = dice.chance(0.5)
            s.telegrams.append(
                Telegram(waking(dice, day), "F2", OWNER if mine else F2, "", "call", dice.between(40, 1500), "hangup")
            )
    s.telegrams.append(Telegram(at(date(2025, 6, 20), 20, 15, 3), "F2", F2, "", "pinned"))
    dice = Dice("colleague")
    for day in days(FIRST_DAY, LAST_DAY):
        if day.weekday() < 5 and dice.chance(0.34):
            for turn in exchange(dice, office(dice, day), ROSTER, 4):
                s.telegrams.append(Telegram(turn.ms, "C1", OWNER if turn.mine else C1, turn.text))
        if day.weekday() < 5 and dice.chance(0.05):
            s.calls += talk(dice, office(dice, day), C1, longest=200)
    # two days on, two days off: the colleague is at work when the roster says so, and the owner sees it
    for day in days(date(2025, 10, 1), LAST_DAY):
        if (day - date(2025, 10, 1)).days % 12 == 0 and day.weekday() < 5:
            s.notes.append(
                Note(f"{day}T09:05", at(day, 9, 5), "seen", C1, place="work", written=f"{day}T20:40",
                     note=marked("смена по графику"))
            )  # fmt: skip
    dice = Dice("classmates")
    members = (K3, F2, OWNER, CLASSMATE, K1)
    for day in days(date(2025, 4, 12), LAST_DAY):
        if dice.chance(0.16):
            ms = waking(dice, day)
            for _ in range(dice.between(2, 5)):
                who = members[dice.between(0, 4 if dice.chance(0.4) else 3)]
                s.telegrams.append(Telegram(ms, "classmates", who, marked(dice.pick(RU))))
                ms += dice.between(20, 900) * 1000


def services(s: Scenario) -> None:
    """Add the debt collector, the senders of codes, the couriers and the wrong number."""
    dice = Dice("collector")
    for day in days(date(2025, 8, 4), date(2025, 12, 24)):
        if day.weekday() < 5 and dice.chance(0.62):
            line, ms, roll = dice.between(0, 5), office(dice, day), dice.between(1, 20)
            kind, seconds = (1, dice.between(15, 55)) if roll == 1 else (5, 0) if roll <= 4 else (3, 0)
            s.calls.append(Call(ms, K4, kind, seconds, line))
        if day.weekday() < 5 and dice.chance(0.09):
            s.sms.append(Sms(office(dice, day), K4, 1, marked("Задолженность передана агентству"), 0))
    dice = Dice("codes")
    for day in days(FIRST_DAY, LAST_DAY):
        if dice.chance(0.38):
            s.sms.append(
                Sms(waking(dice, day), KASPI, 1, marked("Код", f": {dice.between(1000, 9999)}. Никому не говорите"))
            )
        if dice.chance(0.1):
            s.sms.append(Sms(office(dice, day), SHORT, 1, marked("Ваш код", f" {dice.between(1000, 9999)}")))
    s.sms.append(Sms(at(date(2025, 11, 26), 13, 0), KASPI, 1, marked("Код: 0000"), no_time=True))
    dice = Dice("couriers")
    arrivals = (
        date(2025, 5, 14), date(2025, 7, 3), date(2025, 8, 21), date(2025, 9, 30), date(2025, 10, 16),
        date(2025, 11, 7), date(2025, 11, 28), date(2025, 12, 22),
    )  # fmt: skip
    for courier, day in zip(COURIERS, arrivals, strict=True):
        s.calls.append(Call(office(dice, day), courier, 1, dice.between(12, 48)))
    s.calls += [
        Call(at(date(2025, 10, 21), 11, 4, 9, 120), WRONG, 1, 14),
        Call(at(date(2025, 10, 21), 15, 40, 51, 700), WRONG, 3),
        Call(at(date(2025, 10, 22), 10, 22, 30, 410), WRONG, 1, 9),
        Call(at(date(2025, 10, 22), 17, 1, 2, 90), WRONG, 3),
        Call(at(date(2025, 10, 23), 12, 15, 44, 615), WRONG, 1, 31),
    ]


def neighbour(s: Scenario) -> None:
    """Add the neighbour: at the door nearly every morning, a few messages."""
    dice = Dice("neighbour")
    for day in days(date(2025, 10, 6), date(2025, 12, 30)):
        if dice.chance(0.8):
            minute = dice.between(5, 35)
            s.notes.append(
                Note(f"{day}T08:{minute:02}", at(day, 8, minute), "seen", N1, place="home", written=f"{day}T22:00",
                     note=marked("соседка у подъезда"))
            )  # fmt: skip
    for day in days(date(2025, 4, 20), LAST_DAY):
        if dice.chance(0.035):
            for turn in exchange(dice, waking(dice, day), RU, 3):
                s.sms.append(Sms(turn.ms, N1, 2 if turn.mine else 1, turn.text))


def visitor(s: Scenario) -> None:
    """Add the man whom nobody knows: in the journal only."""
    rows = (
        ("2025-09-29T19:40", 19, 40, "home", "2025-09-29T20:15", ""), ("2025-10-14T09:05", 9, 5, "work", "", ""),
        ("2025-10-28T21:05", 21, 5, "home", "2025-10-28T21:50", N1.name), ("2025-11-19 evening", 18, 0, "home", "", ""),
        ("2025-12-02T18:10", 18, 10, "work", "2025-12-02T18:40", ""), ("2025-12-17T20:30", 20, 30, "home", "", N1.name),
    )  # fmt: skip
    for when, hour, minute, place, until, witness in rows:
        day = date.fromisoformat(when[:10])
        s.notes.append(
            Note(when, at(day, hour, minute), "waited", S1, until, place=place,
                 witness=f"{witness} {MARKER}" if witness else "", written=f"{day}T23:10",
                 note=marked("мужчина в серой куртке"))
        )  # fmt: skip


def pursuit(s: Scenario) -> None:
    """Add the former partner and the withheld caller."""
    dice = Dice("former partner")
    thread = "K1"

    def chat(ms: int, who: Person | None, text: str, kind: str = "text") -> None:
        s.chats.append(Chat(ms, thread, who, text, kind))

    chat(
        at(date(2025, 5, 10), 9, 12), None, "Сообщения и звонки в данном чате защищены сквозным шифрованием.", "system"
    )
    # before the law: the two still settle their affairs, then the owner falls silent
    for day in (
        date(2025, 5, 10),
        date(2025, 5, 29),
        date(2025, 6, 14),
        date(2025, 7, 6),
        date(2025, 7, 27),
        date(2025, 8, 20),
    ):
        for turn in exchange(dice, waking(dice, day), RU, 6):
            chat(turn.ms, OWNER if turn.mine else K1, turn.text)
    s.calls += [
        Call(at(date(2025, 6, 14), 19, 3, 8, 220), K1, 1, 412),
        Call(at(date(2025, 7, 27), 13, 20, 5, 81), K1, 2, 95),
    ]
    for day in (date(2025, 8, 27), date(2025, 9, 2), date(2025, 9, 6), date(2025, 9, 11), date(2025, 9, 14)):
        ms = waking(dice, day)
        chat(ms, K1, marked(dice.pick(PURSUIT)))
        if dice.chance(0.6):
            s.calls.append(Call(ms + dice.between(2, 20) * MIN_MS, K1, 3))
    # since the law, before the notice
    for day in days(date(2025, 9, 16), date(2025, 10, 1)):
        if dice.chance(0.75):
            ms = waking(dice, day)
            chat(ms, K1, marked(dice.pick(PURSUIT)))
            if dice.chance(0.4):
                chat(ms + dice.between(1, 9) * MIN_MS, K1, marked(dice.pick(PURSUIT)))
            if dice.chance(0.5):
                s.calls.append(Call(ms + dice.between(70, 150) * MIN_MS, K1, 3))
    chat(at(date(2025, 9, 19), 12, 41), K1, marked("Когда мы встретимся?"))
    chat(at(date(2025, 9, 19), 13, 2), OWNER, marked("Мы не встретимся"))
    # the day of the notice
    day = date(2025, 10, 2)
    s.calls.append(Call(at(day, 16, 51, 12, 404), K1, 3))
    chat(at(day, 17, 10), K1, marked("Я знаю, что ты дома"))
    chat(at(day, 17, 22), K1, marked("Выйди"))
    chat(NOTICE_MS, OWNER, marked("Не пиши и не звони мне больше. Не приходи"))
    chat(at(day, 18, 41), K1, marked("Ты не можешь так со мной"))
    chat(at(day, 18, 43), K1, "", "deleted")
    chat(at(day, 19, 20), K1, marked("Ответь"))
    s.calls.append(Call(at(day, 22, 40, 5, 918), K1, 3))
    s.sms.append(Sms(at(day, 23, 55, 31, 87), K1, 1, marked("Я приду завтра")))
    # after it
    for day in days(date(2025, 10, 3), LAST_DAY):
        if date(2025, 12, 8) <= day <= date(2025, 12, 12):
            continue  # a week without a single act: a course may pause
        for _ in range(dice.between(0, 3)):
            _burst(s, dice, day)
        if dice.chance(0.28):
            ms = at(day, dice.between(1, 4), dice.between(0, 59), dice.between(0, 59), dice.between(0, 999))
            for _ in range(dice.between(1, 4)):
                s.calls.append(Call(ms, K1, 3, line=0 if day < date(2025, 11, 4) else 1))
                ms += dice.between(2, 11) * MIN_MS
    chat(at(date(2025, 10, 25), 21, 14), K1, f"https://maps.google.com/?q={HOME[0]},{HOME[1] + 0.0004:.4f}", "location")
    chat(at(date(2025, 10, 25), 21, 15), K1, marked("Я здесь"))
    chat(at(date(2025, 10, 15), 21, 2), K1, marked("помнишь?"), "photo")
    chat(at(date(2025, 10, 9), 22, 31), None, "", "missed_call")
    chat(at(date(2025, 10, 17), 23, 2), None, "", "missed_call")
    chat(at(date(2025, 10, 30), 21, 44), None, "", "missed_call")
    chat(BLOCK_MS, None, "Вы заблокировали этот контакт. Нажмите, чтобы разблокировать.", "block")
    s.calls.append(Call(at(date(2025, 11, 5), 14, 20, 44, 130), K1, 1, 18, 1))  # an unknown number: she takes it
    for day, line in ((date(2025, 10, 11), 0), (date(2025, 11, 22), 1)):
        s.sms.append(Sms(at(day, 20, 7, 19), K1, 1, marked("Смотри"), line, picture=True))
    s.telegrams += [
        Telegram(at(date(2025, 11, 8), 20, 41, 7), "classmates", K1, f"ты читаешь? {MARKER}", mentions_owner=True),
        Telegram(at(date(2025, 11, 29), 21, 12, 50), "classmates", K1, marked("и не отвечаешь"), replies_to_owner=True),
    ]
    _journal_of_pursuit(s)
    dice = Dice("withheld")
    for day in days(date(2025, 10, 11), date(2025, 12, 20)):
        if dice.chance(0.24):
            ms = at(day, dice.between(0, 4), dice.between(0, 59), dice.between(0, 59), dice.between(0, 999))
            s.calls.append(Call(ms, WITHHELD, 3, presentation=3 if dice.chance(0.15) else 2))


def take_over(s: Scenario) -> None:
    """Add the man from the gym: he writes in the evenings, is told to stop, falls silent, and a number that nobody knows goes on."""
    dice = Dice("gym")
    evenings = [d for d in days(date(2025, 10, 20), date(2025, 11, 14)) if d.weekday() in (0, 2, 3, 5)]
    for k, day in enumerate(evenings):
        ms = at(day, dice.between(19, 21), dice.between(0, 59), dice.between(0, 59), dice.between(0, 999))
        if k % 4 == 3:
            s.calls.append(Call(ms, K5, 3))
        else:
            s.sms.append(Sms(ms, K5, 1, marked(dice.pick(RU))))
            if k < 2:
                s.sms.append(Sms(ms + 7 * MIN_MS, K5, 2, marked("Нет, спасибо")))
    s.sms.append(Sms(GYM_NOTICE_MS, K5, 2, marked("Пожалуйста, не пишите мне больше")))
    s.sms.append(Sms(at(date(2025, 11, 15), 21, 30, 12, 5), K5, 1, marked("Хорошо, понял")))
    for k, day in enumerate(
        days(date(2025, 11, 17), date(2025, 11, 29))[::3] + days(date(2025, 11, 18), date(2025, 11, 28))[::3]
    ):
        ms = at(day, dice.between(19, 21), dice.between(0, 59), dice.between(0, 59), dice.between(0, 999))
        if k % 4 == 3:
            s.calls.append(Call(ms, NEW_NUMBER, 3))
        else:
            s.sms.append(Sms(ms, NEW_NUMBER, 1, marked(dice.pick(RU))))


def innocent(s: Scenario) -> None:
    """Add what looks like a pattern and is none: an evening of alarm, calls for another, a bailiff; and codes that nobody asked for."""
    day = date(2025, 10, 17)
    s.calls += [Call(at(day, 19, m, 20), BROTHER, 3) for m in (0, 4, 11, 18, 26, 33, 41, 50)]
    s.calls.append(Call(at(day, 20, 6, 2), BROTHER, 2, 340))
    s.calls += [
        Call(at(date(2025, 12, 1), 10, 30, 5), M1, 2, 48, sim=2),
        Call(at(date(2025, 12, 2), 10, 15, 40), FORMER_OWNER, 1, 20, sim=2),
        Call(at(date(2025, 12, 3), 11, 1, 4), FORMER_OWNER, 3, sim=2),
        Call(at(date(2025, 12, 4), 9, 40, 51), FORMER_OWNER, 3, sim=2),
        Call(at(date(2025, 12, 5), 12, 20, 9), FORMER_OWNER, 1, 11, sim=2),
        Call(at(date(2025, 10, 22), 14, 0, 31), L1, 1, 45),
        Call(at(date(2025, 10, 29), 11, 30, 2), L1, 3),
    ]
    s.sms.append(Sms(at(date(2025, 11, 5), 10, 2, 8), L1, 1, marked("Вам направлено уведомление")))
    for k, who in enumerate(CODES):
        s.sms.append(Sms(at(date(2025, 11, 18), 3, 10 + 3 * k, 7), who, 1, marked("Ваш код", f" {4400 + k}")))


def _burst(s: Scenario, dice: Dice, day: date) -> None:
    """Add one run of attempts on one way; which way is open depends on what the owner has blocked by then."""
    evening = dice.chance(0.7)
    hour = dice.between(18, 23) if evening else dice.between(8, 17)
    ms = at(day, hour, dice.between(0, 59), dice.between(0, 59), dice.between(0, 999))
    line = 0 if ms < at(date(2025, 11, 4), 0) or dice.chance(0.3) else 1
    roll = dice.between(1, 10)
    for _ in range(dice.between(1, 4)):
        if roll <= 4:
            s.calls.append(Call(ms, K1, 5 if dice.chance(0.35) else 3, line=line))
        elif roll <= 6:
            s.sms.append(Sms(ms, K1, 1, marked(dice.pick(PURSUIT)), line))
        elif ms < BLOCK_MS - 3_600_000:
            s.chats.append(Chat(ms, "K1", K1, marked(dice.pick(PURSUIT))))
        elif ms >= at(date(2025, 11, 6), 0):
            if dice.chance(0.3):
                s.telegrams.append(Telegram(ms, "K1", K1, "", "call", 0, "missed"))
            else:
                kind = ("text", "text", "rich", "voice")[dice.between(0, 3)]
                s.telegrams.append(Telegram(ms, "K1", K1, marked(dice.pick(PURSUIT)), kind))
        else:
            s.sms.append(Sms(ms, K1, 1, marked(dice.pick(PURSUIT)), line))
        ms += dice.between(1, 12) * MIN_MS + dice.between(0, 59_999)


def _journal_of_pursuit(s: Scenario) -> None:
    def note(when: str, kind: str, until: str = "", **more: str) -> None:
        day = date.fromisoformat(when[:10])
        hour, minute = int(when[11:13]), int(when[14:16])
        if "witness" in more:
            more["witness"] += f" {MARKER}"
        s.notes.append(
            Note(when, at(day, hour, minute), kind, K1, f"{when[:11]}{until}" if until else "", written=f"{day}T23:30",
                 note=marked("записано вечером"), **more)  # type: ignore[arg-type]
        )  # fmt: skip

    note("2025-09-27T21:30", "waited", "22:05", place="home")
    note("2025-09-30T18:02", "seen", place="work")
    note("2025-10-05T20:10", "waited", "20:55", place="home", witness=N1.name)
    note("2025-10-08T18:05", "waited", "18:30", place="work")
    note("2025-10-15T07:50", "seen", place="home")
    note("2025-10-19T21:00", "waited", "22:10", place="home", witness=N1.name)
    note("2025-10-30T18:25", "followed")
    note("2025-11-06T18:00", "waited", "18:25", place="work")
    note("2025-11-13T18:04", "seen", place="work")
    note("2025-11-23T20:20", "waited", "21:15", place="home")
    note("2025-12-04T19:45", "waited", "20:10", place="home")
    note("2025-12-18T18:01", "waited", "18:35", place="work", witness=C1.name)
    note("2025-12-27T11:15", "seen", place="home")
    note("2025-10-12T12:30", "third_party", via="K3", channel="whatsapp")
    note("2025-11-21T16:45", "third_party", via="K3", channel="in_person")
    note("2025-10-20T13:10", "delivery", place="work", channel="post")
    note("2025-11-14T08:20", "gift", place="home", channel="in_person")
    note("2025-11-10T09:14", "payment", channel="internet")
    note("2025-11-17T23:41", "payment", channel="internet")
    note("2025-12-03T07:02", "payment", channel="internet")
    note("2025-11-16T22:10", "view", channel="internet")
    note("2025-12-01T23:05", "view", channel="internet")
    note("2025-11-18T03:31", "account_access", channel="internet")
    for when, where, kind in (
        ("2025-11-11T08:50", (43.2481, 76.9124), "tracker_alert"),
        ("2025-11-12T20:40", (43.2391, 76.8899), "tracker_alert"),
        ("2025-11-15T11:05", (43.2389, 76.8896), "tracker_alert"),
        ("2025-11-18T19:20", (43.2288, 76.9102), "tracker_alert"),
        ("2025-11-20T07:30", (43.2389, 76.8897), "tracker_found"),
    ):  # fmt: skip
        day = date.fromisoformat(when[:10])
        s.notes.append(
            Note(when, at(day, int(when[11:13]), int(when[14:16])), kind, via=TRACKER, where=where, accuracy=25,
                 channel="bluetooth", written=f"{day}T23:00", note=marked("метка под сиденьем"))
        )  # fmt: skip
    for when, where, tag in (
        ("2025-12-10T08:41", (43.2420, 76.8960), 0), ("2025-12-10T09:12", (43.2500, 76.9200), 0),
        ("2025-12-10T10:05", (43.2610, 76.9400), 0), ("2025-12-10T10:25", (43.2612, 76.9401), 1),
        ("2025-12-10T11:10", (43.2700, 76.9500), 1), ("2025-12-10T11:50", (43.2800, 76.9600), 1),
    ):  # fmt: skip
        day = date.fromisoformat(when[:10])
        s.notes.append(
            Note(when, at(day, int(when[11:13]), int(when[14:16])), "tracker_alert", via=ROTATING[tag], where=where, accuracy=30,
                 channel="bluetooth", written=f"{day}T22:00", note=marked("незнакомая метка рядом"))
        )  # fmt: skip
    # a word that the journal does not know: rejected with a reason, never guessed
    s.notes.append(
        Note("2025-12-06T19:00", at(date(2025, 12, 6), 19), "shouted", K1, place="home", written="2025-12-06T22:00",
             note=marked("кричал под окном"))
    )  # fmt: skip


def _one_call_at_a_time(calls: list[Call]) -> list[Call]:
    """Return the calls in order of time without those of friends that would begin during another call."""
    kept: list[Call] = []
    free_from = 0
    for call in sorted(calls, key=lambda c: (c.ms, c.who.id, c.type)):
        if call.ms < free_from:
            if call.who in (K1, K5, L1, NEW_NUMBER, BROTHER, FORMER_OWNER, WITHHELD, WRONG, K4, *COURIERS):
                call = replace(call, ms=free_from + 1_000)
            else:
                continue
        kept.append(call)
        free_from = call.ms + call.seconds * 1000 + 30_000
    return kept


def scenario() -> Scenario:
    """Return the whole life, always the same."""
    s = Scenario()
    for part in (family, co_parent, friends, services, neighbour, visitor, pursuit, take_over, innocent):
        part(s)
    s.calls = _one_call_at_a_time(s.calls)
    last = at(LAST_DAY, 21, 55)
    s.calls = [c for c in s.calls if c.ms < last]
    s.sms = sorted((m for m in s.sms if m.ms < last), key=lambda m: (m.ms, m.who.id))
    s.chats = sorted((c for c in s.chats if c.ms < last), key=lambda c: c.ms)
    s.telegrams = sorted((t for t in s.telegrams if t.ms < last), key=lambda t: t.ms)
    s.notes = sorted(s.notes, key=lambda n: (n.ms, n.who.id if n.who else "", n.kind))
    return s
