"""One command at a time on a case: the second waits a little, then says who holds it."""

from __future__ import annotations

import fcntl
import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pipelines.errors import UserError, shown

NAME = ".lock"
#: how long the second command waits [P]
WAIT_S = 5.0
_STEP_S = 0.05


def _holder(descriptor: int) -> str:
    try:
        said = json.loads(os.pread(descriptor, 4096, 0))
        return f"qorgan {shown(str(said['command']), 40)} (process {int(said['pid'])})"
    except (OSError, ValueError, KeyError, TypeError):
        return "another qorgan command"


@contextmanager
def hold(case_dir: str | Path, command: str, wait_s: float = WAIT_S, *, read_only: bool = False) -> Iterator[None]:
    """Hold the lock of a case.

    Parameters
    ----------
    case_dir : path
        The case.
    command : str
        Name of the command, which the other one is told.
    wait_s : float
        How long to wait, in seconds.
    read_only : bool
        Go on without a lock where none can be made: a case on a disc that cannot be written to has no writer either.

    Raises
    ------
    UserError
        Another command holds the lock; the sentence names it and its process.
    """
    path = Path(case_dir) / NAME
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except OSError as error:
        if read_only and Path(case_dir).is_dir():
            yield
            return
        raise UserError(f"the case {shown(str(case_dir))} cannot be locked: {error.strerror}") from None
    try:
        until = time.monotonic() + wait_s
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except OSError:
                if time.monotonic() >= until:
                    busy = _holder(descriptor)
                    raise UserError(f"the case is in use by {busy}; try again when that has ended") from None
                time.sleep(_STEP_S)
        try:
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, json.dumps({"command": command, "pid": os.getpid()}).encode(), 0)
        except OSError:
            pass  # a full disk: the lock holds all the same, only its holder cannot be named
        yield
    finally:
        os.close(descriptor)
