"""Entry point of the command line."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from types import ModuleType


class _WithoutPandas(MetaPathFinder):
    """Keeps pandas out of the process of a command.

    pyarrow imports it with its first array where it is installed: a quarter of a second and 30 MB at every start, and no command uses it.
    Notebooks do, and are not started here.
    """

    def find_spec(self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None) -> None:
        """Say that there is no pandas; leave every other module to the finders behind."""
        if fullname == "pandas":
            raise ModuleNotFoundError("pandas is not loaded by the command line", name=fullname)


def main() -> None:
    """Run the command line and leave with its exit status."""
    sys.meta_path.insert(0, _WithoutPandas())
    from pipelines.cli import main as run

    sys.exit(run())


if __name__ == "__main__":
    main()
