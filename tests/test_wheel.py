"""The built wheel works alone: installed without the source tree, ``qorgan demo`` and ``qorgan verify`` run from it."""

from __future__ import annotations

import configparser
import importlib.util
import os
import re
import subprocess
import sys
import sysconfig
import zipfile
from collections.abc import Sequence
from pathlib import Path

import pytest

from pipelines._version import __version__
from tests.shared_data import ROOT

TOP = {"qorgan", "detector", "pipelines", f"qorgan-{__version__}.dist-info"}


def run(arguments: Sequence[str], cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a Python that sees only what the caller names."""
    keep = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "COV", "PIP_")) and k != "VIRTUAL_ENV"}
    return subprocess.run(
        [sys.executable, *arguments], cwd=cwd, env={**keep, **environment}, capture_output=True, text=True, timeout=300
    )


def build(folder: Path) -> Path:
    """Build the wheel with what is installed here, without a network; skip if that cannot be."""
    for module in ("pip", "hatchling"):
        if importlib.util.find_spec(module) is None:
            pytest.skip(f"NOT TESTED: {module} is not installed here, so the wheel cannot be built")
    made = run(
        ["-m", "pip", "wheel", "--disable-pip-version-check", "--no-index", "--no-deps", "--no-build-isolation", "--wheel-dir",
         str(folder), str(ROOT)],
        folder,
    )  # fmt: skip
    assert made.returncode == 0, made.stderr[-2000:]
    (wheel,) = folder.glob("*.whl")
    return wheel


def data_files() -> set[str]:
    """Return what lies in data/, but for what an editor or a test run may have left there."""
    return {
        p.relative_to(ROOT / "data").as_posix() for p in (ROOT / "data").rglob("*")
        if p.is_file() and not any(part.startswith((".", "__pycache__")) for part in p.relative_to(ROOT).parts)
    }  # fmt: skip


def check_content(wheel: Path) -> None:
    """The wheel holds the three packages, the data inside one of them, and nothing else."""
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        entry = configparser.ConfigParser()
        entry.read_string(archive.read(f"qorgan-{__version__}.dist-info/entry_points.txt").decode())
    assert {n.split("/")[0] for n in names} == TOP
    inside = {n.removeprefix("qorgan/_data/") for n in names if n.startswith("qorgan/_data/")}
    assert inside == data_files()
    assert {"statutes/kz-115-1.toml", "schema/findings.schema.json", "examples/case.toml"} <= inside
    packed = {n for n in names if n.endswith(".py")}
    wanted = {
        p.relative_to(ROOT).as_posix() for k in ("qorgan", "detector", "pipelines") for p in (ROOT / k).rglob("*.py")
    }
    assert packed == wanted
    templates = {
        p.relative_to(ROOT).as_posix() for p in (ROOT / "pipelines").rglob("*") if p.suffix in (".html", ".css")
    }
    assert templates and templates <= set(names)
    assert dict(entry["console_scripts"]) == {"qorgan": "qorgan.__main__:main"}


def test_the_wheel_works_without_the_source_tree(tmp_path: Path) -> None:
    (tmp_path / "wheel").mkdir()
    wheel = build(tmp_path / "wheel")
    check_content(wheel)
    site, empty = tmp_path / "site", tmp_path / "empty"
    empty.mkdir()
    installed = run(
        [
            "-m",
            "pip",
            "install",
            "--disable-pip-version-check",
            "--no-index",
            "--no-deps",
            "--target",
            str(site),
            str(wheel),
        ],
        empty,
    )
    assert installed.returncode == 0, installed.stderr[-2000:]

    # -S: no site, so no .pth file and no editable install is seen; the dependencies come from the path alone
    libraries = dict.fromkeys([sysconfig.get_path("purelib"), sysconfig.get_path("platlib")])
    alone = {
        "PYTHONPATH": os.pathsep.join([str(site), *libraries]),
        "PYTHONDONTWRITEBYTECODE": "1",
        "MPLCONFIGDIR": str(empty),
    }

    def qorgan(*arguments: str) -> subprocess.CompletedProcess[str]:
        return run(["-S", "-m", "qorgan", *arguments], empty, **alone)

    where = run(
        ["-S", "-c", "import qorgan, detector, pipelines; from pipelines.resources import data_dir\n"
         "print(qorgan.__file__, detector.__file__, pipelines.__file__, data_dir(), sep='\\n')"],
        empty, **alone,
    )  # fmt: skip
    assert where.returncode == 0, where.stderr
    assert all(Path(line).is_relative_to(site) for line in where.stdout.splitlines()), where.stdout
    assert str(ROOT) not in where.stdout

    assert qorgan("--version").stdout == f"qorgan {__version__}\n"
    demo = qorgan("demo", "case")
    assert demo.returncode == 0, demo.stdout[-2000:] + demo.stderr[-2000:]
    assert re.search(r"^K1 +former partner +systematic ", demo.stdout, re.MULTILINE)
    report = Path(demo.stdout.strip().splitlines()[-1].removeprefix("report: "))
    assert report == (empty / "case" / "results" / "report.html").resolve()
    assert report.stat().st_size > 10_000
    found = qorgan("verify", "case")
    assert (found.returncode, found.stdout.splitlines()[-1]) == (0, "everything agrees with its hashes"), found.stdout
