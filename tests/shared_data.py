"""Where the real samples and data sets lie, for tests that need them and skip loudly without them."""

from __future__ import annotations

from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
SHARED = ROOT.parent / "shared"


def sample(relative: str) -> Path:
    """Return a file of the shared samples; skip the test if the folder is absent on this machine."""
    path = SHARED / "samples" / relative
    if not path.exists():
        pytest.skip(f"needs the real sample {relative}, and the folder shared/ is not beside this checkout")
    return path


def dataset(relative: str) -> Path:
    """Return a file of the shared data sets; skip the test if the folder is absent on this machine."""
    path = SHARED / "datasets" / relative
    if not path.exists():
        pytest.skip(f"needs the data set {relative}, and the folder shared/ is not beside this checkout")
    return path
