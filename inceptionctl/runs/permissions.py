"""Who may change what this program writes."""

from __future__ import annotations

import os


def tighten() -> None:
    """Nothing made from here on, by this process or those that it starts, can be changed by others: a script could run
    by them, a run be resumed as they like."""
    os.umask(os.umask(0o022) | 0o022)
