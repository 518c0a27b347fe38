"""One engine of another tool on a track, in that tool's own environment: started by ``bench_location``, imports nothing of qorgan.

    PYTHON benchmarks/location_peers.py ENGINE IN.npz OUT.npz OPTIONS.json

IN holds the columns of the track, OUT what was found; the last line of the output is ``{"seconds": …}``, imports and the building of the tool's own frame not counted.
"""

from __future__ import annotations

import json
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

warnings.simplefilter("ignore")
Prepared = Callable[[], dict[str, Any]]


def us(times: Any) -> Any:
    """Return moments as µs."""
    import pandas as pd

    return pd.to_datetime(times, utc=True).tz_convert(None).to_numpy().astype("datetime64[us]").astype(np.int64)


def trackintel(track: Any, o: dict[str, Any]) -> Prepared:
    """``generate_staypoints``, sliding."""
    import geopandas as gpd
    import pandas as pd
    import trackintel as ti

    frame = gpd.GeoDataFrame(
        {"user_id": track["subject"], "tracked_at": pd.to_datetime(track["ts"], unit="us", utc=True)},
        geometry=gpd.points_from_xy(track["lon"], track["lat"]), crs=4326,
    )  # fmt: skip
    frame.index.name = "id"

    def go() -> dict[str, Any]:
        _, sp = ti.Positionfixes(frame).generate_staypoints(
            method="sliding", distance_metric="haversine", dist_threshold=o["distance_m"], time_threshold=o["minutes"],
            gap_threshold=o["gap_minutes"], n_jobs=1,
        )  # fmt: skip
        shape = sp.geometry
        return {
            "subject": sp["user_id"],
            "ts": us(sp["started_at"].array),
            "end": us(sp["finished_at"].array),
            "lat": shape.y,
            "lon": shape.x,
        }

    return go


def skmob(track: Any, o: dict[str, Any]) -> Prepared:
    """``detection.stay_locations``."""
    import pandas as pd
    import skmob
    from skmob.preprocessing import detection

    frame = pd.DataFrame(
        {k: track[k] for k in ("lat", "lon", "subject")} | {"ts": pd.to_datetime(track["ts"], unit="us")}
    )
    table = skmob.TrajDataFrame(frame, latitude="lat", longitude="lon", datetime="ts", user_id="subject")

    def go() -> dict[str, Any]:
        s = detection.stay_locations(
            table, minutes_for_a_stop=o["minutes"], spatial_radius_km=o["distance_m"] / 1000, leaving_time=True
        )
        return {
            "subject": s["uid"],
            "ts": us(s["datetime"].array),
            "end": us(s["leaving_datetime"].array),
            "lat": s["lat"],
            "lon": s["lng"],
        }

    return go


def numba(track: Any, o: dict[str, Any]) -> Prepared:
    """The textbook loop, compiled, over one track; the distance is not rounded."""
    import math

    import numba

    def count(lat: Any, lon: Any, ts: Any, distance: float, need: int) -> int:
        n, i, found = len(lat), 0, 0
        while i < n:
            j = i + 1
            while j < n:
                q = (
                    math.sin((lat[j] - lat[i]) / 2) ** 2
                    + math.cos(lat[i]) * math.cos(lat[j]) * math.sin((lon[j] - lon[i]) / 2) ** 2
                )
                if 2 * 6_371_008.8 * math.asin(math.sqrt(q)) > distance:
                    break
                j += 1
            if ts[j - 1] - ts[i] >= need:
                found += 1
                i = j
            else:
                i += 1
        return found

    fast = numba.njit(count)
    lat, lon, ts = np.radians(track["lat"]), np.radians(track["lon"]), track["ts"]
    fast(lat[:3], lon[:3], ts[:3], 1.0, 1)
    return lambda: {"count": np.array([fast(lat, lon, ts, float(o["distance_m"]), int(o["minutes"] * 60_000_000))])}


def sjoin(track: Any, o: dict[str, Any]) -> Prepared:
    """geopandas: project, buffer, spatial join; a buffer is a polygon, so a few fixes on the edge are lost."""
    import geopandas as gpd

    def go() -> dict[str, Any]:
        zone = 32600 + int((float(track["place_lon"][0]) + 180) // 6) + 1
        points = gpd.GeoDataFrame(geometry=gpd.points_from_xy(track["lon"], track["lat"]), crs=4326).to_crs(zone)
        circles = gpd.GeoDataFrame(
            geometry=gpd.points_from_xy(track["place_lon"], track["place_lat"]), crs=4326
        ).to_crs(zone)
        circles["geometry"] = circles.buffer(o["distance_m"])
        return {"rows": np.unique(gpd.sjoin(points, circles).index.to_numpy())}

    return go


ENGINES = {"trackintel": trackintel, "skmob": skmob, "numba": numba, "sjoin": sjoin}


def main() -> None:
    """Run one engine."""
    engine, source, target, options = sys.argv[1:]
    go = ENGINES[engine](np.load(source), json.loads(Path(options).read_text()))
    begin = time.process_time()
    found = go()
    seconds = time.process_time() - begin
    np.savez(target, **{k: np.asarray(v) for k, v in found.items()})
    print(json.dumps({"seconds": round(seconds, 4)}))


if __name__ == "__main__":
    main()
