"""Take a source out of a case again (it was another person's export), noted in the custody log."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from pipelines import store
from pipelines.errors import UserError, shown
from pipelines.store import custody
from pipelines.store.custody import Hashed
from pipelines.store.lock import hold


@dataclass(frozen=True, slots=True)
class RemoveReport:
    """What was taken out."""

    source_id: str
    name: str
    container: str | None
    format: str
    read: int
    kept: int
    head: str

    @property
    def exit_code(self) -> int:
        """Return 0: it was done."""
        return 0


def remove(case_dir: str | Path, source: str) -> RemoveReport:
    """Take one source and all its rows out of the store. ``results/`` is left as it is: score again.

    Parameters
    ----------
    case_dir : path
        The case.
    source : str
        The id of the source, the beginning of the id (4 characters or more, if only one source has it), or the name.

    Raises
    ------
    UserError
        No source, or more than one, is meant; the store was changed from outside or cannot be written. Nothing was
        changed.
    """
    folder = Path(case_dir)
    if not folder.is_dir():
        raise UserError(f"there is no case {shown(str(case_dir))}")
    with hold(folder, "remove"):
        store.recover(folder)
        manifest = store.read_manifest(folder)
        if manifest is None:
            raise UserError(f"nothing was ingested into {shown(str(case_dir))} yet")
        rows = store.find_sources(store.read_sources(folder), source)
        if not rows:
            raise UserError(f"no source of the case has the id or the name {shown(source)!r}")
        if len(rows) > 1:
            ids = ", ".join(r["source_id"] for r in rows)
            raise UserError(f"{shown(source)!r} is the name or the beginning of several sources: {ids}; give one id")
        row = rows[0]
        heads: list[str] = []
        with store.Generation(folder, manifest.case_id) as generation:
            generation.remove(row["source_id"])

            def record(sha256: str) -> None:
                heads.append(
                    custody.append(
                        folder, "remove", [row["source_id"]], inputs=[Hashed(row["source_id"], row["sha256"])],
                        results=[Hashed(store.MANIFEST_NAME, sha256)], note="one source was taken out",
                    )
                )  # fmt: skip

            generation.commit(record)
    return RemoveReport(
        row["source_id"], row["name"], row["container"], row["format"], row["read"], row["kept"], heads[0]
    )
