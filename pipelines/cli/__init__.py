"""The command line: one module for each command, found by being here. Heavy libraries load only where a command uses them."""

from __future__ import annotations

import argparse
import importlib
import io
import os
import pkgutil
import sys
import textwrap
from collections.abc import Sequence
from contextlib import suppress
from typing import NoReturn

#: the order of ``qorgan --help``; commands that are not named come after, by name
_ORDER = (
    "demo",
    "init",
    "ingest",
    "remove",
    "score",
    "explain",
    "contacts",
    "notices",
    "show",
    "report",
    "verify",
    "statutes",
    "formats",
    "indicators",
)

DONE, LOOK, WRONG = 0, 1, 2


class _Arguments(argparse.ArgumentParser):
    """A parser whose complaints show names harmlessly: arguments may be names of files that strangers chose."""

    def error(self, message: str) -> NoReturn:
        from pipelines.masking import harmless

        super().error(harmless(message, lines=False))


def _commands() -> list[str]:
    found = [m.name for m in pkgutil.iter_modules(__path__) if not m.name.startswith("_")]
    return sorted(found, key=lambda n: (_ORDER.index(n) if n in _ORDER else len(_ORDER), n))


def _parser(only: str | None) -> argparse.ArgumentParser:
    """Build the parser; with ``only`` a single command is loaded, so that start-up stays quick."""
    parser = _Arguments(
        prog="qorgan",
        description="Turns the phone data of a person who is being stalked into evidence that a court can check.",
        epilog="exit status: 0 done; 1 done, but with something to look at; 2 wrong use or no usable input, nothing changed",
    )
    parser.add_argument("--version", action="store_true", help="print the version and stop")
    subs = parser.add_subparsers(dest="command", metavar="COMMAND")
    for name in _commands():
        if only is not None and name != only:
            subs.add_parser(name)
            continue
        module = importlib.import_module(f"{__name__}.{name}")
        sub = subs.add_parser(
            name, help=module.HELP, description=textwrap.fill(module.__doc__ or "", 78), epilog=getattr(module, "EXAMPLES", None),
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )  # fmt: skip
        module.arguments(sub)
        sub.set_defaults(run=module.run)
    return parser


def _complain(command: str, text: str) -> None:
    from pipelines.cli._common import safe

    with suppress(OSError):  # nobody reads it
        print(safe(f"qorgan {command}: {text}"), file=sys.stderr)


def _drop_output() -> None:
    """Send what is left in the buffers nowhere, so that leaving does not fail on a pipe that nobody reads."""
    with suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return the exit status.

    Parameters
    ----------
    argv : sequence of str, optional
        The arguments; default: those of the process.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a terminal that lacks a letter shows its number instead
            stream.reconfigure(errors="backslashreplace")
    arguments = list(sys.argv[1:] if argv is None else argv)
    if arguments == ["--version"]:
        from pipelines._version import __version__

        print(f"qorgan {__version__}")
        return DONE
    only = arguments[0] if arguments and arguments[0] in _commands() else None
    parser = _parser(only)
    args = parser.parse_args(arguments)
    if args.version:
        return main(["--version"])
    if not args.command:
        parser.print_help()
        return WRONG
    from pipelines.errors import InternalError, UserError, shown

    try:
        status = int(args.run(args))
        sys.stdout.flush()
        return status
    except UserError as error:
        _complain(args.command, str(error))
    except InternalError as error:
        _complain(args.command, f"{error}; this is a defect of qorgan, please report it")
    except BrokenPipeError:  # the reader of a pipe went away, as head does
        _drop_output()
        return DONE
    except KeyboardInterrupt:
        _complain(args.command, "interrupted; what was acknowledged is kept")
    except OSError as error:
        where = f"{shown(os.fsdecode(error.filename))}: " if isinstance(error.filename, (str, bytes)) else ""
        _complain(args.command, f"{where}{error.strerror or error}")
    return WRONG
