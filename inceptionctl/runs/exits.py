"""exit.json: the exit code and message of the last process that worked on a run."""

from __future__ import annotations

from contextlib import suppress

from inceptionctl.errors import InceptionctlError, Interrupted
from inceptionctl.files import FileError, MissingFileError
from inceptionctl.runs.io import read_record, write_record
from inceptionctl.runs.paths import EXIT_RETRY, RunDir
from inceptionctl.runs.records.process import ExitStatus

CONSEQUENCES = (EXIT_RETRY, Interrupted.exit_code)  # of ranks that end because another one has failed


def clear_exit(run: RunDir) -> None:
    """Called when work on the run starts. Raises OSError."""
    run.exit.unlink(missing_ok=True)


def record_exit(run: RunDir, code: int, message: str, rank: int | None = 0) -> None:
    """Of several ranks, one that failed by itself is recorded, the first before the others; `rank` is None for the
    process that starts the ranks. Never raises."""
    recorded = exit_status(run)
    explained = recorded is not None and recorded.code not in CONSEQUENCES
    if (explained and (rank or code in CONSEQUENCES)) or (rank and code in CONSEQUENCES):
        return
    message = f"rank {rank}: {message}" if rank else message
    log = run.launcher_log if rank is None else run.log(rank)
    with suppress(InceptionctlError):
        write_record(run.exit, ExitStatus(code=code, message=message, log=str(log.relative_to(run.path))))


def read_exit(run: RunDir) -> ExitStatus | None:
    """None while a process works on the run, and if that process was killed. Raises RecordError for a damaged file."""
    with suppress(MissingFileError):  # it may be removed at any moment
        return read_record(run.exit, ExitStatus)
    return None


def exit_status(run: RunDir) -> ExitStatus | None:
    """The same; None for a damaged file too."""
    with suppress(FileError):
        return read_exit(run)
    return None


def is_failure(status: ExitStatus) -> bool:
    """Whether a run ended with an error of its own: not by a signal, and not because a process was killed."""
    return 0 < status.code < 128 and status.code != EXIT_RETRY
