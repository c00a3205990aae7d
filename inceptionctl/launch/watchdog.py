"""Detects a hung run by the heartbeat file in its folder."""

from __future__ import annotations

import os
import threading
import time
from dataclasses import dataclass, field

from inceptionctl.errors import warn
from inceptionctl.runs.exits import record_exit
from inceptionctl.runs.paths import EXIT_RETRY, RunDir

POLL_SECONDS = 1.0
LOOKS_FOR_FOLDER = 3  # a server of files may be away for a moment


@dataclass
class Watchdog:
    """Hung: the heartbeat file has not changed for `hang_timeout` seconds. Only changes of the file's time count, so
    that the clocks of two machines are never compared."""

    run: RunDir
    hang_timeout: float
    last_beat: float = 0.0
    changed_at: float = field(default_factory=time.monotonic)

    def hung(self) -> bool:
        beat = self.run.heartbeat.stat().st_mtime if self.run.heartbeat.is_file() else 0.0
        if beat != self.last_beat:
            self.last_beat, self.changed_at = beat, time.monotonic()
        return time.monotonic() - self.changed_at > self.hang_timeout

    @property
    def reason(self) -> str:
        return f"had no heartbeat for {self.hang_timeout:g} s (launch.hang_timeout)"


def exit_when_hung(run: RunDir, hang_timeout: float) -> None:
    """Ends this process with EXIT_RETRY once the run hangs, and with 1 once its folder is gone; for workers that no
    queue watches."""
    watchdog, missing = Watchdog(run, hang_timeout), 0

    def watch() -> None:
        nonlocal missing
        while not watchdog.hung():
            missing = 0 if os.path.lexists(run.config) else missing + 1
            if missing == LOOKS_FOR_FOLDER:
                warn(f"{run.path} is gone from this node: what is written there now would be lost")
                os._exit(1)
            time.sleep(POLL_SECONDS)
        warn(watchdog.reason)
        record_exit(run, EXIT_RETRY, watchdog.reason)
        os._exit(EXIT_RETRY)

    threading.Thread(target=watch, daemon=True).start()
