"""Moments and dates as findings write them."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def utc_text(us: int) -> str:
    """Return a moment (µs UTC) as ISO text in UTC, whole seconds."""
    return (_EPOCH + timedelta(seconds=us // 1_000_000)).strftime("%Y-%m-%dT%H:%M:%SZ")


def date_text(day: int) -> str:
    """Return a day (counted from 1970-01-01) as ISO text."""
    return (date(1970, 1, 1) + timedelta(days=day)).isoformat()
