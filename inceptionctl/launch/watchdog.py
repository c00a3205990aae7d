"""Whether somebody who works on a run still gets on."""

from __future__ import annotations

import os
import threading
import time
from dataclasses import dataclass, field

from inceptionctl.errors import warn
from inceptionctl.runs.paths import EXIT_RETRY, RunDir

LOOK_SECONDS = 1.0


@dataclass
class Watchdog:
    """Looks at the run's pulse. Nobody's clock is compared with another's: only that the file's time changes counts."""

    run: RunDir
    lock_timeout_s: float
    sign: float = 0.0
    seen: float = field(default_factory=time.monotonic)

    def hung(self) -> bool:
        """Whether there was no sign of life for too long."""
        sign = self.run.heartbeat.stat().st_mtime if self.run.heartbeat.is_file() else 0.0
        if sign != self.sign:
            self.sign, self.seen = sign, time.monotonic()
        return time.monotonic() - self.seen > self.lock_timeout_s

    @property
    def why(self) -> str:
        return f"gave no sign of life for {self.lock_timeout_s:g} s"


def end_when_hung(run: RunDir, lock_timeout_s: float) -> None:
    """Ends this process, as one that was lost, where no queue watches it."""
    dog = Watchdog(run, lock_timeout_s)

    def watch() -> None:
        while not dog.hung():
            time.sleep(LOOK_SECONDS)
        warn(dog.why)
        os._exit(EXIT_RETRY)

    threading.Thread(target=watch, daemon=True).start()
