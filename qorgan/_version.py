"""The version, for readers of the package ``qorgan``."""

from pipelines._version import __version__ as __version__
