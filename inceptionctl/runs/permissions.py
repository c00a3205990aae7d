"""Permissions of the files that this program writes."""

from __future__ import annotations

import os


def restrict() -> None:
    """Removes the write permission of group and others from all files that this process and its children will create:
    whoever can change a batch script or a checkpoint can make its owner run it."""
    os.umask(os.umask(0o022) | 0o022)
