"""Times as Apple's software writes them: counted from 2001-01-01T00:00Z, in seconds or in nanoseconds."""

from __future__ import annotations

from typing import Any

from pipelines.readers.base import APPLE_EPOCH_US

#: a whole number of that size or more counts nanoseconds (as seconds it would lie thirty million years ahead)
NANOSECONDS_FROM = 10**15
#: one below that counts seconds (as nanoseconds it would be the first two minutes of 2001)
SECONDS_BELOW = 10**11


def cocoa_us(value: Any) -> tuple[int | None, str]:
    """Return µs since 1970, UTC, and the precision of a reading of Apple's clock.

    Parameters
    ----------
    value : int or float
        Seconds (whole or not) or nanoseconds since 2001, told apart by their size.

    Returns
    -------
    us : int or None
        None if the value is no number, or of a size that is neither.
    precision : str
        ``s`` for whole seconds, else ``us`` (nanoseconds are cut off).
    """
    if value.__class__ is int:
        size = abs(value)
        if size >= NANOSECONDS_FROM:
            us = value // 1000
            return APPLE_EPOCH_US + us, "us" if us % 1_000_000 else "s"
        if size < SECONDS_BELOW:
            return APPLE_EPOCH_US + value * 1_000_000, "s"
        return None, "s"
    if value.__class__ is float and value == value and abs(value) < SECONDS_BELOW:
        whole = int(value // 1)
        us = round((value - whole) * 1_000_000)
        return APPLE_EPOCH_US + whole * 1_000_000 + us, "us" if us else "s"
    if value.__class__ is float and value.is_integer() and abs(value) < 2**63:
        return cocoa_us(int(value))
    return None, "s"
