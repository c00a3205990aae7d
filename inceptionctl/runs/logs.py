"""What a run says to people: its notices in a log, and why it ended."""

from __future__ import annotations

from pathlib import Path

from inceptionctl.runs.exits import exit_status
from inceptionctl.runs.paths import RunDir
from inceptionctl.runs.state import is_locked

NOTICE = "inceptionctl: "  # begins each message that `errors.warn` and the worker write for people


def why_ended(run: RunDir) -> tuple[str, Path]:
    """The message of exit.json and the log that says more: of the process that ended the run or, if it was killed, the
    log that was written to last."""
    if is_locked(run):
        return f"another process is working on {run.path}", run.log()
    status = exit_status(run)
    log = run.path / status.log if status and status.log else _newest_log(run)
    return (status.message if status else "") or "it left no message", log


def notices(log: Path) -> list[str]:
    """Every message of a log, each once, with the indented lines that continue it."""
    found, continues = list[str](), False
    for line in log.read_text(errors="replace").splitlines() if log.is_file() else []:
        if line.startswith(NOTICE):
            found.append(line.removeprefix(NOTICE))
        elif continues and line.startswith("  "):
            found[-1] += f"\n{line}"
        continues = line.startswith(NOTICE) or (continues and line.startswith("  "))
    return list(dict.fromkeys(found))


def _newest_log(run: RunDir) -> Path:
    logs = [log for log in run.log().parent.glob("*.log") if log.stat().st_size]
    return max(logs, key=lambda log: log.stat().st_mtime_ns, default=run.log())
