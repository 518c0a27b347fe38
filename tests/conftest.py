"""What all tests share: generated cases are the same in every run, and no test fails because the machine is busy.

``QORGAN_RANDOM=1`` makes hypothesis look at new cases each time; ``QORGAN_EXAMPLES=3000`` makes the twin's tests look longer.
"""

from __future__ import annotations

import os

from hypothesis import settings

settings.register_profile("steady", derandomize=True, deadline=None)
settings.register_profile("random", deadline=None)
settings.load_profile("random" if os.environ.get("QORGAN_RANDOM") else "steady")
