"""Told to stop: the flag that signals set and that ranks read between steps."""

from __future__ import annotations

import os
import threading
import time
from dataclasses import dataclass
from types import FrameType

from inceptionctl.errors import Interrupted

STOP_TIMEOUT_SECONDS = 20.0  # to reach the end of a step; a rank whose peer is gone may wait for it forever


@dataclass
class StopFlag:
    """Set by the first signal and read between steps; a second signal ends the process at once. `is_distributed`: one
    of several ranks, which also ends if it does not get to the end of its step in time."""

    is_distributed: bool = False
    is_set: bool = False
    was_read: bool = False
    signal_number: int = 0

    def __call__(self) -> bool:
        self.was_read = self.is_set
        return self.is_set

    def set(self, signal_number: int = 0, frame: FrameType | None = None) -> None:
        if self.is_set:
            os._exit(Interrupted.exit_code)
        self.is_set, self.signal_number = True, signal_number
        if self.is_distributed:
            threading.Thread(target=self._exit_if_unread, daemon=True).start()

    def _exit_if_unread(self) -> None:
        time.sleep(STOP_TIMEOUT_SECONDS)
        if not self.was_read:
            os._exit(Interrupted.exit_code)
