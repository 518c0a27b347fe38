"""The version, alone in a module without imports, so that ``qorgan --version`` loads nothing else."""

__version__ = "0.1.0"
