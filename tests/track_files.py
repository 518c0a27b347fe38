"""Files of the track formats, made in code of invented people and places, and what the tests of their readers share."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from pipelines.readers.base import Context, Reader, Unreadable, Waiting
from tests.android_databases import database
from tests.collect import Collected, collect, context

SECRET = "ТАЙНА-secret-Ωμέγα"
BEGIN = datetime(2025, 3, 1, 8, 0, 0)
TAG, OTHER_TAG = "AA:BB:CC:DD:EE:01", "AA:BB:CC:DD:EE:02"
OWNER = context(subject="owner")

AIRGUARD_9 = """
CREATE TABLE `device` (`deviceId` INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, `uniqueId` TEXT, `address` TEXT NOT NULL,
 `name` TEXT, `ignore` INTEGER NOT NULL, `connectable` INTEGER DEFAULT 0, `payloadData` INTEGER, `firstDiscovery` TEXT NOT NULL,
 `lastSeen` TEXT NOT NULL, `notificationSent` INTEGER NOT NULL, `lastNotificationSent` TEXT, `deviceType` TEXT);
CREATE TABLE `notification` (`notificationId` INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, `deviceAddress` TEXT NOT NULL,
 `falseAlarm` INTEGER NOT NULL, `dismissed` INTEGER, `clicked` INTEGER, `createdAt` TEXT NOT NULL);
CREATE TABLE `beacon` (`beaconId` INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, `receivedAt` TEXT NOT NULL, `rssi` INTEGER NOT NULL,
 `deviceAddress` TEXT NOT NULL, `longitude` REAL, `latitude` REAL, `mfg` BLOB, `serviceUUIDs` TEXT);
CREATE TABLE `scan` (`scanId` INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, `endDate` TEXT, `noDevicesFound` INTEGER,
 `duration` INTEGER, `isManual` INTEGER NOT NULL, `scanMode` INTEGER NOT NULL, `startDate` TEXT);
"""
AIRGUARD_26 = """
CREATE TABLE `device` (`deviceId` INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, `uniqueId` TEXT, `address` TEXT NOT NULL,
 `name` TEXT, `ignore` INTEGER NOT NULL, `hearted` INTEGER NOT NULL DEFAULT 0, `connectable` INTEGER DEFAULT 0,
 `payloadData` INTEGER, `firstDiscovery` TEXT NOT NULL, `lastSeen` TEXT NOT NULL, `notificationSent` INTEGER NOT NULL,
 `lastNotificationSent` TEXT, `deviceType` TEXT, `subDeviceType` TEXT NOT NULL DEFAULT 'UNKNOWN', `riskLevel` INTEGER NOT NULL
 DEFAULT 0, `safeTracker` INTEGER NOT NULL DEFAULT false, `additionalData` TEXT, `alternativeIdentifier` TEXT, `comment` TEXT,
 `matchedUsing15MinAlgo` INTEGER NOT NULL DEFAULT false);
CREATE TABLE `notification` (`notificationId` INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, `deviceAddress` TEXT NOT NULL,
 `falseAlarm` INTEGER NOT NULL, `dismissed` INTEGER, `clicked` INTEGER, `createdAt` TEXT NOT NULL,
 `sensitivity` INTEGER NOT NULL DEFAULT -1);
CREATE TABLE `beacon` (`beaconId` INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, `receivedAt` TEXT NOT NULL, `rssi` INTEGER NOT NULL,
 `deviceAddress` TEXT NOT NULL, `locationId` INTEGER, `mfg` BLOB, `serviceUUIDs` TEXT,
 `connectionState` TEXT NOT NULL DEFAULT 'UNKNOWN');
CREATE TABLE `location` (`locationId` INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, `name` TEXT, `firstDiscovery` TEXT NOT NULL,
 `lastSeen` TEXT NOT NULL, `longitude` REAL NOT NULL, `latitude` REAL NOT NULL, `altitude` REAL, `accuracy` REAL);
"""
BEACONS = "beaconId,receivedAt,rssi,deviceAddress,locationId,manufacturerData,serviceUUIDs,connectionState\r\n"
DEVICES = (
    "deviceId,uniqueId,address,name,ignore,hearted,connectable,payloadData,firstDiscovery,lastSeen,notificationSent,"
    "lastNotificationSent,deviceType,subDeviceType,riskLevel,safeTracker,alternativeIdentifier,comment,matchedUsing15MinAlgo\r\n"
)
PLACES = "locationId,name,firstDiscovery,lastSeen,longitude,latitude,altitude,accuracy\r\n"
WARNINGS = "notificationId,deviceAddress,falseAlarm,dismissed,clicked,createdAt,sensitivity\r\n"
WARRANT = "Timestamp (UTC),Latitude,Longitude,Country Codes,Display Radius (Meters),Source,Device Tag,Platform\r\n"
PLT = "Geolife trajectory\r\nWGS 84\r\nAltitude is in Feet\r\nReserved 3\r\n0,2,255,{},0,0,2,8421376\r\n0\r\n"


def at(k: int) -> datetime:
    """Return the time of the k-th record."""
    return BEGIN + timedelta(minutes=k)


def us(k: int) -> int:
    """Return the same in µs."""
    return int((at(k) - datetime(1970, 1, 1)).total_seconds()) * 1_000_000


def place(k: int) -> tuple[float, float]:
    """Return latitude and longitude of the k-th record, seven digits at most."""
    return round(43.2 + k % 1000 / 10_000, 4), round(76.9 - k % 1000 / 10_000, 4)


def owntracks_line(k: int, **more: Any) -> str:
    """Return a line of the Recorder."""
    lat, lon = place(k)
    message = {
        "_type": "location", "tid": "ai", "tst": us(k) // 1_000_000, "lat": lat, "lon": lon, "acc": 10 + k % 5,
        "topic": "owntracks/aigerim/phone", "SSID": SECRET, "inregions": [SECRET],
    } | more  # fmt: skip
    message = {key: value for key, value in message.items() if value is not ...}
    return f"{at(k + 2):%Y-%m-%dT%H:%M:%SZ}\t*                 \t{json.dumps(message, ensure_ascii=False)}\n"


def owntracks(n: int) -> bytes:
    """Return a file of the Recorder."""
    return "".join(owntracks_line(k) for k in range(n)).encode()


def owntracks_json(n: int) -> bytes:
    """Return what its interface answers."""
    data = [json.loads(owntracks_line(k).split("\t")[2]) for k in range(n)]
    return json.dumps({"count": n, "status": 200, "data": data}, ensure_ascii=False).encode()


def kml(body: str) -> bytes:
    """Return a KML file."""
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n<kml xmlns="http://www.opengis.net/kml/2.2" '
        f'xmlns:gx="http://www.google.com/kml/ext/2.2"><Document><name>{SECRET}</name>\n{body}</Document></kml>'
    ).encode()


def placemark(k: int, more: str = "") -> str:
    """Return a placemark with a time and a point."""
    lat, lon = place(k)
    return (
        f"<Placemark><name>{SECRET}</name><description>{SECRET}</description><TimeStamp><when>{at(k):%Y-%m-%dT%H:%M:%SZ}</when>"
        f"</TimeStamp>{more}<Point><coordinates>{lon},{lat},700</coordinates></Point></Placemark>\n"
    )


def kml_points(n: int) -> bytes:
    """Return a KML file of placemarks."""
    return kml("".join(map(placemark, range(n))))


def kml_track(n: int) -> bytes:
    """Return a KML file with a track."""
    whens = "".join(f"<when>{at(k):%Y-%m-%dT%H:%M:%SZ}</when>\n" for k in range(n))
    coords = "".join(f"<gx:coord>{place(k)[1]} {place(k)[0]} 700</gx:coord>\n" for k in range(n))
    return kml(f"<Placemark><name>{SECRET}</name><gx:Track>{whens}{coords}</gx:Track></Placemark>")


def feature(k: int, **more: Any) -> dict[str, Any]:
    """Return a feature with a time."""
    lat, lon = place(k)
    properties = {
        "timestamp": f"{at(k):%Y-%m-%dT%H:%M:%SZ}",
        "accuracy": 5 + k % 3,
        "wifi": SECRET,
        "notes": SECRET,
    } | more
    return {
        "type": "Feature", "geometry": {"type": "Point", "coordinates": [lon, lat, 700.5]},
        "properties": {key: value for key, value in properties.items() if value is not ...},
    }  # fmt: skip


def geojson(*features: Any, name: str = "features") -> bytes:
    """Return a collection of features, or a batch of Overland (``locations``)."""
    body = ",\n".join(json.dumps(f, ensure_ascii=False) for f in features)
    return f'{{"type": "FeatureCollection", "{name}": [\n{body}\n]}}'.encode()


def geojson_points(n: int) -> bytes:
    """Return a collection of points."""
    return geojson(*map(feature, range(n)))


def overland(n: int) -> bytes:
    """Return a batch of Overland."""
    data = [feature(k, horizontal_accuracy=10, device_id="phone", motion=["walking"]) for k in range(n)]
    return geojson(*data, name="locations")


def gpslogger(n: int) -> bytes:
    """Return a table of GPSLogger."""
    rows = "".join(
        f"{at(k):%Y-%m-%dT%H:%M:%S}.000Z,{place(k)[0]},{place(k)[1]},700,{5 + k % 3},90,1.5,12,gps,{SECRET}\n"
        for k in range(n)
    )
    return ("time,lat,lon,elevation,accuracy,bearing,speed,satellites,provider,annotation\n" + rows).encode()


def plt(n: int) -> bytes:
    """Return a trajectory of Geolife."""
    rows = "".join(
        f"{place(k)[0]},{place(k)[1]},0,492,{45717.3333 + k / 1440},{at(k):%Y-%m-%d},{at(k):%H:%M:%S}\r\n"
        for k in range(n)
    )
    return (PLT.format(SECRET) + rows).encode()


def warrant(n: int) -> bytes:
    """Return a table of Google's."""
    rows = "".join(
        f"{at(k):%Y-%m-%dT%H:%M:%SZ},{place(k)[0]},{place(k)[1]},{SECRET},{20 + k % 3},WIFI,-161385992{k % 2},ANDROID\r\n"
        for k in range(n)
    )
    return (WARRANT + rows).encode()


def devices_table() -> list[dict[str, Any]]:
    """Return the devices of a database of AirGuard."""
    base = {
        "name": SECRET,
        "ignore": 0,
        "firstDiscovery": "2025-03-01T08:00",
        "lastSeen": "2025-03-01T08:00",
        "notificationSent": 1,
    }
    return [base | {"deviceId": 1, "address": TAG, "deviceType": "AIRTAG"},
            base | {"deviceId": 2, "address": OTHER_TAG, "deviceType": "TILE", "ignore": 1}]  # fmt: skip


def local(k: int) -> str:
    """Return a time as Java prints it: without seconds if they are zero."""
    return f"{at(k):%Y-%m-%dT%H:%M}"


def airguard_old(n: int) -> bytes:
    """Return a database of version 9, in which latitude and longitude stand in each other's column."""
    return database(AIRGUARD_9, {
        "device": devices_table(),
        "beacon": [{"receivedAt": local(k), "rssi": -70, "deviceAddress": TAG, "longitude": place(k)[0], "latitude": place(k)[1],
                    "serviceUUIDs": SECRET} for k in range(n - n // 4)],
        "notification": [{"deviceAddress": TAG, "falseAlarm": 0, "createdAt": local(k)} for k in range(n // 4)],
    })  # fmt: skip


def airguard_new(n: int) -> bytes:
    """Return a database of version 26."""
    return database(AIRGUARD_26, {
        "device": devices_table(),
        "location": [{"locationId": k + 1, "name": SECRET, "firstDiscovery": local(k), "lastSeen": local(k), "latitude": place(k)[0],
                      "longitude": place(k)[1], "accuracy": 12.5} for k in range(3)],
        "beacon": [{"receivedAt": local(k), "rssi": -70, "deviceAddress": TAG, "locationId": 1 + k % 3, "serviceUUIDs": SECRET,
                    "connectionState": "OVERMATURE_OFFLINE"} for k in range(n - n // 4)],
        "notification": [{"deviceAddress": TAG, "falseAlarm": 0, "createdAt": local(k), "sensitivity": 2} for k in range(n // 4)],
    })  # fmt: skip


def beacons(n: int) -> bytes:
    """Return beacons.csv."""
    rows = "".join(f"{k + 1},{local(k)},-70,{TAG},{1 + k % 3},00ff,{SECRET},OVERMATURE_OFFLINE\r\n" for k in range(n))
    return (BEACONS + rows).encode()


def beside_beacons() -> dict[str, bytes]:
    """Return the other files of AirGuard's export."""
    device = "{},u,{},{},{},false,true,00,2025-03-01T08:00,2025-03-01T08:00,true,,{},UNKNOWN,1,false,,{},false\r\n"
    return {
        "devices.csv": (DEVICES + device.format(1, TAG, SECRET, "false", "AIRTAG", SECRET)
                        + device.format(2, OTHER_TAG, SECRET, "true", "TILE", SECRET)).encode(),
        "locations.csv": (PLACES + "".join(
            f"{k + 1},{SECRET},{local(k)},{local(k)},{place(k)[1]},{place(k)[0]},700,12.5\r\n" for k in range(3))).encode(),
        "notifications.csv": warnings(1),
    }  # fmt: skip


def warnings(n: int) -> bytes:
    """Return notifications.csv."""
    return (
        WARNINGS
        + "".join(f"{k + 1},{TAG},{'true' if k % 2 else 'false'},false,false,{local(k)},1\r\n" for k in range(n))
    ).encode()


# -- what every reading is held against


def facts(row: Mapping[str, Any]) -> tuple[Any, ...]:
    """Return what a row says."""
    return tuple(
        row[name] for name in ("n", "sub", "record", "local_time", "zone_basis", "kind", "lat", "lon", "subject_id")
    )


def cut_everywhere(
    reader: Reader, data: bytes, ctx: Context | None = None, beside: Mapping[str, bytes] | None = None
) -> None:
    """Read a file cut after every byte: nothing but a refusal may be raised, all is counted, what is kept is a prefix."""
    whole = [facts(r) for r in collect(reader, data, "file", ctx, beside=beside).position_rows]
    last = 0
    for size in range(len(data)):
        try:
            out = collect(reader, data[:size], "file", ctx, beside=beside)
        except (Unreadable, Waiting):
            continue
        assert out.conserved(), size
        rows = [facts(r) for r in out.position_rows]
        assert rows == whole[: len(rows)], size
        assert len(rows) >= last, size
        last = len(rows)
        assert SECRET not in repr((out.position_rows, out.rejects, out.notes))
    assert last >= len(whole) - 1


def said(out: Collected) -> str:
    """Return everything that a reading put out."""
    return repr((out.position_rows, out.event_rows, out.listed_rows, out.rejects, out.notes, out.covers))
