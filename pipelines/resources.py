"""Where the data that travels with the package lies: statute profiles, example exports, schemas."""

from __future__ import annotations

from functools import cache
from pathlib import Path


@cache
def data_dir() -> Path:
    """Return the data folder: ``qorgan/_data`` in an installed package, else ``data`` of the source tree."""
    root = Path(__file__).resolve().parent.parent
    installed = root / "qorgan" / "_data"
    return installed if installed.is_dir() else root / "data"


@cache
def code_hash() -> str:
    """Return ``sha256:`` of the program: every module, statute profile, base-rate file, layout and template, by name and bytes.

    The same in a source tree and in an installed package, so that a finding names the code that made it.
    """
    import hashlib

    root = Path(__file__).resolve().parent.parent
    files = {
        f"{package}/{p.relative_to(root / package).as_posix()}": p
        for package in ("detector", "pipelines", "qorgan")
        for p in (root / package).rglob("*")
        if p.suffix in (".py", ".html", ".css") and "_data" not in p.parts
    }
    files |= {
        f"data/{f}/{p.name}": p for f in ("statutes", "base_rates", "layouts") for p in (data_dir() / f).glob("*.toml")
    }
    total = hashlib.sha256()
    for name in sorted(files):
        total.update(f"{name}\n".encode() + hashlib.sha256(files[name].read_bytes()).digest())
    return "sha256:" + total.hexdigest()
