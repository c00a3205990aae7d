"""Feeds a tracker from a thread of its own, so that one that is slow or does not answer never holds up training."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from queue import SimpleQueue
from threading import Thread

from inceptionctl.runs.records.metrics import MetricRow
from inceptionctl.runs.tracking import Feed

CLOSE_TIMEOUT_S = 90.0  # longer than a tracker's own time limits


class FeedThread:
    """What is asked of it is done in order, later; `close` waits, for a limited time."""

    def __init__(self, feed: Feed) -> None:
        self._feed = feed
        self._actions: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._thread = Thread(target=self._work, name=f"tracker {feed.name}", daemon=True)
        self._thread.start()

    def open(self, rows: Sequence[MetricRow]) -> None:
        self._actions.put(lambda: self._feed.open(rows))

    def add(self, row: MetricRow) -> None:
        self._actions.put(lambda: self._feed.add(row))

    def announce_rewind(self) -> None:
        """Before metrics.jsonl is cut; `rewind` follows."""
        self._feed.announce_rewind()

    def rewind(self, rows: Sequence[MetricRow]) -> None:
        self._actions.put(lambda: self._feed.rewind(rows))

    def close(self, timeout_s: float = CLOSE_TIMEOUT_S) -> None:
        """What is not sent by then is reported, and left to `inceptionctl sync`."""
        self._actions.put(self._feed.close)
        self._actions.put(None)
        self._thread.join(timeout_s)
        if self._thread.is_alive():
            self._feed.report(
                f"tracker {self._feed.name} did not take its rows within {timeout_s:g} s; {self._feed.later}"
            )

    def _work(self) -> None:
        while action := self._actions.get():
            action()
            if self._actions.empty():
                self._feed.flush()
