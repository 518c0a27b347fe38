"""qorgan: phone data of a person who is being pursued, as evidence that a court can check.

>>> from qorgan import Case  # doctest: +SKIP
>>> case = Case.open("cases/2025-0417")  # doctest: +SKIP
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qorgan._version import __version__

if TYPE_CHECKING:
    from pipelines.case import Case

__all__ = ["Case", "__version__"]


def __getattr__(name: str) -> Any:
    """Load the notebook API, with pandas and all it needs, only where it is asked for: the command line must start quickly."""
    if name == "Case":
        from pipelines.case import Case

        return Case
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
