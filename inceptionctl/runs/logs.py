"""What the logs of a run say to a person."""

from __future__ import annotations

from pathlib import Path

from inceptionctl.runs.paths import RunDir

NOTICE = "inceptionctl: "  # begins each message that `errors.warn` and the worker write for people


def why_ended(run: RunDir) -> tuple[str, Path]:
    """The last message of the log that was written to last, and that log: rank 0's, another rank's, or the launcher's,
    which repeats the message of a rank that failed."""
    logs = [log for log in run.log().parent.glob("*.log") if log.stat().st_size]
    newest = max(logs, key=lambda log: log.stat().st_mtime_ns, default=run.log())
    return last_message(newest), newest


def last_message(log: Path) -> str:
    """The last message of a log with the indented lines that continue it; if there is none, its last line."""
    if not log.is_file():
        return "no log"
    lines = [line for line in log.read_text(errors="replace").splitlines() if line.strip()]
    start = next((i for i in range(len(lines) - 1, -1, -1) if not lines[i].startswith("  ")), 0)
    return "\n".join(lines[start:]).removeprefix(NOTICE) or "its log is empty"


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
