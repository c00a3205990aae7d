"""What Slurm was asked for: noted in submission.json before sbatch is called, and answered there.

A command that is killed, or that Slurm answers too late, thus leaves a note of what may have been accepted. The job's
comment has a word that no other has, by which squeue finds it.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from secrets import token_hex
from typing import Any

from inceptionctl.errors import Interrupted, warn
from inceptionctl.files import FileError, MissingFileError
from inceptionctl.launch.slurm import clients, sbatch
from inceptionctl.launch.slurm.clients import NoAnswerError, SlurmError
from inceptionctl.runs.io import read_record, write_record
from inceptionctl.runs.records.process import Request, Submission

IN_FLIGHT_SECONDS = 30.0  # a request that sbatch has sent may take so long until squeue shows its job
POLL_SECONDS = 1.0
AGAIN = "the same command asks whether it was accepted, and submits it otherwise"


@dataclass(frozen=True)
class Unanswered:
    """A request of which it is not known whether Slurm accepted it."""

    word: str
    asked: float
    here: Path

    @property
    def is_in_flight(self) -> bool:
        """Whether its job may still come."""
        return time.time() - self.asked < IN_FLIGHT_SECONDS


@dataclass(frozen=True)
class SubmissionFolder:
    """The folder of a submission, slurm/N in that of a run or table."""

    here: Path

    @property
    def owner(self) -> Path:
        """The folder of the run or table."""
        return self.here.parent.parent

    def create(self) -> None:
        write_record(self._file, Submission(**place(self.owner)))

    def read(self) -> Submission | None:
        """None if there is none, or a damaged one, which is said once."""
        try:
            return read_record(self._file, Submission)
        except MissingFileError:
            return None
        except FileError as error:
            _say(f"{error}\n  whether its jobs were accepted is looked up by their comments")
            return None

    def find(self, word: str) -> Request | None:
        """None for a request that was refused; one without an answer if that cannot be read."""
        found = self.read()
        if found is None:
            return Request(word=word, asked=0.0)
        return next((request for request in found.requests if request.word == word), None)

    def ask(
        self,
        script: str,
        options: Sequence[str] = (),
        arguments: Sequence[str] = (),
        comment: str | None = None,
        is_report: bool = False,
        note: Callable[[str], None] = lambda word: None,
    ) -> str:
        """Submits `script` of the folder: the id of its job. `comment`: the user's own, before ours; `note`: takes down
        the request elsewhere, before sbatch is called. Raises SlurmError; NoAnswerError, and Interrupted for Ctrl-C,
        leave the request without an answer."""
        word = f"inceptionctl-{token_hex(8)}"
        self._write(word, Request(word=word, asked=time.time(), is_report=is_report))
        note(word)
        options = (*options, f"--comment={f'{comment} {word}' if comment else word}")
        try:
            job = self._submit(word, str(self.here / script), options, arguments)
        except KeyboardInterrupt:
            raise Interrupted(f"interrupted before Slurm's answer: {AGAIN}") from None
        except NoAnswerError as error:
            raise NoAnswerError(f"Slurm did not answer: {error}\n  {AGAIN}") from error
        self.answer(word, job)
        return job

    def _submit(self, word: str, script: str, options: Sequence[str], arguments: Sequence[str]) -> str:
        """sbatch may fail although its request was accepted. Raises as `ask` does."""
        try:
            return sbatch.submit(script, *options, arguments=arguments)
        except SlurmError as error:
            try:
                job = clients.commented([word]).get(word)
            except NoAnswerError as silence:
                raise NoAnswerError(f"{error}; {silence}") from silence
            if job:
                return job
            if not isinstance(error, NoAnswerError):
                self.answer(word, None)
            raise

    def answer(self, word: str, job: str | None) -> None:
        """Notes the id of the job that Slurm accepted; None if it did not."""
        self._write(word, replace(self.find(word) or Request(word=word, asked=0.0), job=job) if job else None)

    def _write(self, word: str, request: Request | None) -> None:
        found = self.read() or Submission(**place(self.owner))
        others = [other for other in found.requests if other.word != word]
        write_record(self._file, replace(found, requests=[*others, *([request] if request else [])]))

    @property
    def _file(self) -> Path:
        return self.here / "submission.json"


def settle(unanswered: Iterable[Unanswered]) -> dict[str, str]:
    """Finds out which of these requests were accepted, and notes it: the ids of their jobs by their words. Waits for
    those whose job may still come. Raises NoAnswerError."""
    open_requests = {request.word: request for request in unanswered}
    found = clients.commented(open_requests)
    if any(request.is_in_flight for word, request in open_requests.items() if word not in found):
        warn(f"an earlier command left before Slurm's answer: up to {IN_FLIGHT_SECONDS:g} s until its job shows")
    while any(request.is_in_flight for word, request in open_requests.items() if word not in found):
        time.sleep(POLL_SECONDS)
        found = clients.commented(open_requests)
    for word, request in open_requests.items():
        if request.here.is_dir():
            SubmissionFolder(request.here).answer(word, found.get(word))
    return found


def place(folder: Path) -> dict[str, Any]:
    """Path and inode of a folder, as its records have them."""
    return {"path": os.path.abspath(folder), "inode": folder.stat().st_ino}


@cache
def _say(message: str) -> None:
    """Once: every run of a submission reads it."""
    warn(message)
