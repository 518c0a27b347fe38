"""Where the owner of the example case was: her days as stays and ways, and the four files that four apps make of them.

Coordinates are whole numbers of 1e-7 degrees all the way, so that no rounding differs between machines.
"""

from __future__ import annotations

import itertools
import json
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from tools.example_scenario import GYM, HOME, LAST_DAY, MARKER, MIN_MS, OFFSET_MS, PARK, SCHOOL, WORK, Dice, at, days
from tools.example_writers import local

Spot = tuple[int, int]
PLACES: dict[str, Spot] = {
    name: (round(lat * 10_000_000), round(lon * 10_000_000))
    for name, (lat, lon) in {"home": HOME, "work": WORK, "school": SCHOOL, "gym": GYM, "park": PARK}.items()
} | {"market": (432_441_200, 769_022_400), "cafe": (432_502_300, 769_401_100), "cinema": (432_339_800, 769_558_700)}
#: the phone of this case keeps its timeline from here on
TIMELINE_FROM = date(2025, 10, 1)
SIGNALS_FROM = date(2025, 12, 28)
RUN_DAY = date(2025, 11, 8)


@dataclass(frozen=True, slots=True)
class Stay:
    """The owner at one place, from-to in ms of UTC."""

    place: str
    begin: int
    end: int


@dataclass(frozen=True, slots=True)
class Counts:
    """What of a file must be found: records, and among them those that cannot or need not be kept."""

    read: int
    rejected: int = 0
    out_of_scope: int = 0

    @property
    def kept(self) -> int:
        """Records kept."""
        return self.read - self.rejected - self.out_of_scope


def _around(dice: Dice, spot: Spot, reach: int) -> Spot:
    return spot[0] + dice.between(-reach, reach), spot[1] + dice.between(-reach, reach)


def stays(first: date, last: date, name: str) -> list[Stay]:
    """Return the owner's stays of some days, in order: home, work, what lies on the way, home."""
    dice = Dice(f"days {name}")
    found: list[Stay] = []
    begin = at(first, 0, 0, 20)

    def go(place: str, leave: int, way_minutes: int, until: int) -> None:
        nonlocal begin
        found.append(Stay(place, begin, leave))
        begin = leave + way_minutes * MIN_MS
        assert begin < until

    def minute(day: date, hour: int, low: int, high: int) -> int:
        return at(day, hour, dice.between(low, high), dice.between(0, 59))

    for day in days(first, last):
        if day == RUN_DAY:
            go("home", at(day, 7, 5, 12), 15, at(day, 7, 30))
            go("park", at(day, 8, 25, 40), 15, at(day, 9, 0))
        elif day.weekday() < 5:
            go("home", minute(day, 8, 36, 44), 22, at(day, 9, 10))
            if day.weekday() == 4:
                go("work", minute(day, 17, 5, 12), 25, at(day, 17, 50))
            else:
                go("work", minute(day, 18, 6, 22), 20, at(day, 19, 0))
                evening = {1: "gym", 3: "gym", 2: "school", 0: "market"}[day.weekday()]
                stay = 60 if evening == "gym" else 15
                leave = begin + stay * MIN_MS + dice.between(0, 599) * 1000
                go(evening, leave, 15, leave + 20 * MIN_MS)
        elif dice.chance(0.75):
            place = dice.pick(("park", "cafe", "cinema", "market"))
            leave = minute(day, 12, 0, 59)
            go("home", leave, 20, leave + 30 * MIN_MS)
            go(place, minute(day, 15, 0, 59), 20, at(day, 17, 0))
    found.append(Stay("home", begin, at(last, 21, 58, 10)))
    return found


def _text(spot: Spot) -> str:
    return ", ".join(f"{'-' if v < 0 else ''}{abs(v) // 10_000_000}.{abs(v) % 10_000_000:07}°" for v in spot)


def _iso(ms: int) -> str:
    return f"{local(ms):%Y-%m-%dT%H:%M:%S}.000+05:00"


def _utc(ms: int) -> str:
    return f"{local(ms - OFFSET_MS):%Y-%m-%dT%H:%M:%S}Z"


def _way(dice: Dice, before: Stay, after: Stay, points: int) -> list[tuple[int, Spot]]:
    """Return timed points on the way between two stays, whole minutes as the app rounds them."""
    a, b = PLACES[before.place], PLACES[after.place]
    way = []
    for k in range(1, points + 1):
        ms = (before.end + (after.begin - before.end) * k // (points + 1)) // MIN_MS * MIN_MS
        spot = (a[0] + (b[0] - a[0]) * k // (points + 1), a[1] + (b[1] - a[1]) * k // (points + 1))
        way.append((ms, _around(dice, spot, 4_000)))
    return way


def timeline() -> tuple[bytes, Counts]:
    """Write ``Timeline.json`` as Google Maps on Android exports it: visits, the ways between them, raw signals."""
    dice = Dice("timeline")
    segments: list[dict[str, Any]] = []
    found = stays(TIMELINE_FROM, LAST_DAY, "timeline")
    semantic = {"home": "INFERRED_HOME", "work": "INFERRED_WORK"}
    for k, stay in enumerate(found):
        zone = {"startTimeTimezoneUtcOffsetMinutes": 300, "endTimeTimezoneUtcOffsetMinutes": 300}
        segments.append(
            {"startTime": _iso(stay.begin), "endTime": _iso(stay.end), **zone,
             "visit": {"hierarchyLevel": 0, "probability": dice.between(70, 99) / 100,
                       "topCandidate": {"placeId": f"ChIJexample{stay.place}", "semanticType":
                                        semantic.get(stay.place, "UNKNOWN"), "probability": dice.between(40, 99) / 100,
                                        "placeLocation": {"latLng": _text(_around(dice, PLACES[stay.place], 900))}}}}
        )  # fmt: skip
        if k + 1 == len(found):
            break
        after = found[k + 1]
        way = _way(dice, stay, after, 3)
        two_hours = 7_200_000
        # paths lie in windows of two hours; a way over the edge of one is written as two
        for window in sorted({(ms + OFFSET_MS) // two_hours for ms, _ in way}):
            inside = [(ms, spot) for ms, spot in way if (ms + OFFSET_MS) // two_hours == window]
            begin = window * two_hours - OFFSET_MS
            segments.append(
                {"startTime": _iso(begin), "endTime": _iso(begin + two_hours),
                 "timelinePath": [{"point": _text(spot), "time": _iso(ms)} for ms, spot in inside]}
            )  # fmt: skip
        a, b = PLACES[stay.place], PLACES[after.place]
        segments.append(
            {"startTime": _iso(stay.end), "endTime": _iso(after.begin), **zone,
             "activity": {"start": {"latLng": _text(a)}, "end": {"latLng": _text(b)},
                          "distanceMeters": float((abs(a[0] - b[0]) + abs(a[1] - b[1])) // 110),
                          "topCandidate": {"type": "IN_PASSENGER_VEHICLE", "probability": 0.0}}}
        )  # fmt: skip
    memories = 2
    for day in (date(2025, 11, 3), date(2025, 12, 1)):
        segments.append(
            {"startTime": _iso(at(day, 0)), "endTime": _iso(at(day + timedelta(2), 0)),
             "timelineMemory": {"trip": {"distanceFromOriginKms": 3, "destinations": [
                 {"identifier": {"placeId": "ChIJexamplepark"}}]}}}
        )  # fmt: skip
    signals: list[dict[str, Any]] = []
    scans = 0
    for stay in stays(TIMELINE_FROM, LAST_DAY, "timeline"):
        for ms in range(stay.begin, stay.end, 97 * MIN_MS):
            if ms < at(SIGNALS_FROM, 0):
                continue
            source = dice.pick(("WIFI", "WIFI", "GPS", "CELL", "UNKNOWN"))
            metres = {"WIFI": (9, 25), "GPS": (4, 12), "CELL": (400, 1_400), "UNKNOWN": (12, 60)}[source]
            signals.append(
                {"position": {"LatLng": _text(_around(dice, PLACES[stay.place], 1_500)),
                              "accuracyMeters": dice.between(*metres), "altitudeMeters": 0.0, "source": source,
                              "timestamp": _iso(ms), "speedMetersPerSecond": 0.0}}
            )  # fmt: skip
            if dice.chance(0.3):
                scans += 1
                signals.append({"wifiScan": {"deliveryTime": _iso(ms + 2_000), "devicesRecords": []}})
    profile = [
        {"placeId": "ChIJexamplehome", "placeLocation": _text(PLACES["home"]), "label": "HOME"},
        {"placeId": "ChIJexamplework", "placeLocation": _text(PLACES["work"]), "label": "WORK"},
    ]
    whole = {"semanticSegments": segments, "rawSignals": signals, "userLocationProfile": {"frequentPlaces": profile}}
    data = json.dumps(whole, indent=2, ensure_ascii=False).encode()
    return data, Counts(len(segments) + len(signals), out_of_scope=memories + scans)


def semantic_month() -> tuple[bytes, Counts]:
    """Write ``2025_APRIL.json`` of an old Takeout, with the names and addresses that Google adds."""
    dice = Dice("april")
    found = stays(date(2025, 4, 1), date(2025, 4, 9), "april")
    objects: list[dict[str, Any]] = []
    for k, stay in enumerate(found):
        lat, lon = _around(dice, PLACES[stay.place], 900)
        objects.append(
            {"placeVisit": {
                "location": {"latitudeE7": lat, "longitudeE7": lon, "placeId": f"ChIJexample{stay.place}",
                             "address": f"{MARKER}, Алматы", "name": f"{MARKER} {stay.place}",
                             "semanticType": {"home": "TYPE_HOME", "work": "TYPE_WORK"}.get(stay.place, "TYPE_UNKNOWN"),
                             "sourceInfo": {"deviceTag": 1_234_567_890}, "locationConfidence": dice.between(40, 99)},
                "duration": {"startTimestamp": _utc(stay.begin), "endTimestamp": _utc(stay.end)},
                "placeConfidence": "HIGH_CONFIDENCE", "visitConfidence": dice.between(70, 99),
                "editConfirmationStatus": "NOT_CONFIRMED", "placeVisitType": "SINGLE_PLACE"}}
        )  # fmt: skip
        if k + 1 == len(found):
            break
        after = found[k + 1]
        a, b = PLACES[stay.place], PLACES[after.place]
        points = [
            {"latE7": spot[0], "lngE7": spot[1], "accuracyMeters": dice.between(5, 40), "timestamp": _utc(ms)}
            for ms, spot in _way(dice, stay, after, 2)
        ]
        objects.append(
            {"activitySegment": {
                "startLocation": {"latitudeE7": a[0], "longitudeE7": a[1]},
                "endLocation": {"latitudeE7": b[0], "longitudeE7": b[1]},
                "duration": {"startTimestamp": _utc(stay.end), "endTimestamp": _utc(after.begin)},
                "distance": (abs(a[0] - b[0]) + abs(a[1] - b[1])) // 110, "activityType": "IN_PASSENGER_VEHICLE",
                "confidence": "MEDIUM", "simplifiedRawPath": {"points": points, "source": "RAW_PATH"}}}
        )  # fmt: skip
    return json.dumps({"timelineObjects": objects}, indent=2, ensure_ascii=False).encode(), Counts(len(objects))


#: the run begins, and has a point every ten seconds
RUN_MS = at(RUN_DAY, 7, 31, 5)
RUN_STEP_MS = 10_000


def route() -> list[Spot]:
    """Return the points of the morning run."""
    dice = Dice("run")
    corners = ((0, 0), (54_000, 6_000), (63_000, 90_000), (9_000, 102_000), (0, 0))
    south, west = PLACES["park"]
    steps = 60
    return [
        _around(dice, (south + a0 + (b0 - a0) * k // steps, west + a1 + (b1 - a1) * k // steps), 200)
        for (a0, a1), (b0, b1) in itertools.pairwise(corners)
        for k in range(steps)
    ]


def _degrees(spot: Spot) -> tuple[str, str]:
    lat, lon = (f"{v // 10_000_000}.{v % 10_000_000:07}" for v in spot)
    return lat, lon


#: points of the run at which the man from the gym is behind the owner, first and one after the last
BEHIND = (40, 220)
#: he is four steps behind
LAG = 4


def shared_track() -> tuple[bytes, Counts]:
    """Write the track that the man from the gym shared: five Saturday mornings, on one of them behind the owner on her run.

    Before, after and on the other mornings he is more than a kilometre away from her.
    """
    home = (432_000_000, 768_300_000)
    points: list[tuple[int, Spot]] = []
    run = route()
    for k in range(5):
        day = RUN_DAY + timedelta(7 * (k - 1))
        begin = at(day, 7, 20)
        points += [(begin + m * 120_000, (home[0] + 900 * m, home[1] + 700 * m)) for m in range(5)]
        if day == RUN_DAY:
            points += [(RUN_MS + n * RUN_STEP_MS, run[n - LAG]) for n in range(*BEHIND) if n % 3 == 0]
        points += [(at(day, 8, 30) + m * 120_000, (home[0] - 800 * m, home[1])) for m in range(5)]
    rows = []
    for ms, spot in points:
        lat, lon = _degrees(spot)
        rows.append(f'      <trkpt lat="{lat}" lon="{lon}"><time>{_utc(ms)}</time></trkpt>')
    head = [
        "<?xml version='1.0' encoding='UTF-8' standalone='yes' ?>",
        '<gpx version="1.1" creator="OsmAnd Maps 4.9.10 (4.9.10.7)" xmlns="http://www.topografix.com/GPX/1/1">',
        f"  <trk><name>{MARKER} утро</name>",
        "    <trkseg>",
    ]
    return "\n".join([*head, *rows, "    </trkseg>", "  </trk>", "</gpx>", ""]).encode(), Counts(len(rows))


def gpx() -> tuple[bytes, Counts]:
    """Write a morning run as GPX: one point and one way point have no time, three points are a planned route."""
    dice = Dice("run heights")
    begin = RUN_MS
    rows: list[str] = []
    for number, spot in enumerate(route()):
        lat, lon = _degrees(spot)
        time = "" if number == 100 else f"<time>{_utc(begin + number * RUN_STEP_MS)}</time>"
        height = f"<ele>{880 + dice.between(0, 9)}.0</ele>"
        rows.append(f'      <trkpt lat="{lat}" lon="{lon}">{height}{time}<hdop>1.1</hdop></trkpt>')
    head = [
        "<?xml version='1.0' encoding='UTF-8' standalone='yes' ?>",
        '<gpx version="1.1" creator="OsmAnd Maps 4.9.10 (4.9.10.7)" xmlns="http://www.topografix.com/GPX/1/1" '
        'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" '
        'xsi:schemaLocation="http://www.topografix.com/GPX/1/1 http://www.topografix.com/GPX/1/1/gpx.xsd">',
        f"  <metadata><name>{MARKER} run</name><time>{_utc(begin)}</time></metadata>",
        f'  <wpt lat="43.2219000" lon="76.8702000"><time>{_utc(begin + 60_000)}</time><name>{MARKER} gate</name></wpt>',
        f'  <wpt lat="43.2230000" lon="76.8740000"><name>{MARKER} fountain</name></wpt>',
        f"  <rte><name>{MARKER} plan</name>",
        *(f'    <rtept lat="43.22{k}0000" lon="76.8710000"></rtept>' for k in range(3)),
        "  </rte>",
        f"  <trk><name>{MARKER} Утренняя пробежка</name><desc>{MARKER}</desc>",
        "    <trkseg>",
    ]
    data = "\n".join([*head, *rows, "    </trkseg>", "  </trk>", "</gpx>", ""]).encode()
    return data, Counts(len(rows) + 2 + 3, rejected=2, out_of_scope=3)


def swarm() -> tuple[bytes, Counts]:
    """Write ``checkins1.json`` of the Swarm data download."""
    dice = Dice("swarm")
    items: list[dict[str, Any]] = []
    for day in days(date(2025, 4, 5), LAST_DAY):
        if day.weekday() >= 5 and dice.chance(0.5):
            place = dice.pick(("cafe", "cinema", "park", "market"))
            lat, lon = PLACES[place]
            ms = at(day, dice.between(12, 14), dice.between(0, 59), dice.between(0, 59))
            number = len(items) + 1
            items.append(
                {"id": f"{number:024x}", "createdAt": f"{local(ms - OFFSET_MS):%Y-%m-%d %H:%M:%S}.000000",
                 "type": "checkin", "timeZoneOffset": 300, "shout": f"{MARKER}!" if dice.chance(0.3) else "",
                 "venue": {"id": f"{number + 4096:024x}", "name": f"{MARKER} {place}"},
                 "lat": lat / 10_000_000, "lng": lon / 10_000_000}
            )  # fmt: skip
    data = json.dumps({"items": items[::-1], "count": len(items)}, indent=2, ensure_ascii=False)
    return data.encode(), Counts(len(items))
