"""What a private Slurm cluster shares with its host: names, ports, processes."""

from __future__ import annotations

import fcntl
import os
import random
import shutil
import signal
import socket
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

HOSTS = Path("/etc/hosts")
PATH = f"{os.environ['PATH']}:/usr/sbin:/sbin"  # where the daemons are
MARK = "  # for a test's Slurm cluster, process "  # ends our lines
NEEDED = ("munged", "slurmctld", "slurmd", "srun", "setpriv", "unshare", "nsenter")
NEEDED_TO_ACCOUNT = ("sacct", "slurmdbd", "mariadbd", "mariadb-install-db")


def missing(accounting: bool = True) -> str | None:
    """Why no cluster can be started on this machine; None if one can."""
    if os.geteuid() != 0:
        return "not root"
    needed = (*NEEDED, *NEEDED_TO_ACCOUNT) if accounting else NEEDED
    absent = [name for name in needed if not shutil.which(name, path=PATH)]
    return f"not installed: {', '.join(absent)}" if absent else None


def edit_hosts(add: Sequence[str] = (), remove: Sequence[str] = ()) -> None:
    """In place, because the file may be a mount, and under a lock, because several clusters may start at once."""
    with HOSTS.open("r+") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        lines = file.read().splitlines(keepends=True)
        kept = "".join(line for line in lines if line.rstrip("\n") not in remove and not _forgotten(line))
        gap = "\n" if add and kept and not kept.endswith("\n") else ""
        file.seek(0)
        file.truncate()
        file.write(kept + gap + "".join(f"{line}\n" for line in add))


def _forgotten(line: str) -> bool:
    """Whether a line was left by a test that was killed."""
    owner = line.partition(MARK)[2].strip()
    return owner.isdecimal() and not Path(f"/proc/{owner}").exists()


def free_ports(count: int) -> list[int]:
    """Consecutive ports below the ephemeral range, so that no program gets one by chance before the daemons do."""
    while True:
        first = random.SystemRandom().randrange(20000, 30000)
        ports = list(range(first, first + count))
        if all(_free(port) for port in ports):
            return ports


def _free(port: int) -> bool:
    with socket.socket() as attempt, suppress(OSError):
        attempt.bind(("127.0.0.1", port))
        return True
    return False


def listening(address: tuple[str, int] | Path) -> bool:
    unix = isinstance(address, Path)
    with socket.socket(socket.AF_UNIX if unix else socket.AF_INET) as attempt:
        return attempt.connect_ex(str(address) if unix else address) == 0


def _parents() -> dict[int, int]:
    """Every process with its parent."""
    found = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            with suppress(OSError):
                state, parent = (entry / "stat").read_text().rpartition(")")[2].split()[:2]
                if state != "Z":
                    found[int(entry.name)] = int(parent)
    return found


def _is_in_job(pid: int, slurm_conf: Path) -> bool:
    """Whether a process belongs to a job, or is the slurmstepd above it, which has no job in its environment."""
    process = Path(f"/proc/{pid}")
    with suppress(OSError):
        environment = (process / "environ").read_bytes().split(b"\0")
        ours = f"SLURM_CONF={slurm_conf}".encode() in environment
        job = any(word.startswith(b"SLURM_JOB_ID=") for word in environment)
        return ours and (job or (process / "comm").read_text().startswith("slurmstepd"))
    return False


def in_jobs(slurm_conf: Path) -> list[int]:
    """The processes of a cluster's jobs, including those that have cleared their environment."""
    parents = _parents()
    found = {pid for pid in parents if pid != os.getpid() and _is_in_job(pid, slurm_conf)}
    while more := {pid for pid, parent in parents.items() if parent in found} - found:
        found |= more
    return sorted(found)


def end(pids: Iterator[int] | Sequence[int]) -> None:
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def end_jobs(slurm_conf: Path, seconds: float = 5) -> None:
    """Kills until none is left: a dying job may start more."""
    deadline = time.monotonic() + seconds
    while (pids := in_jobs(slurm_conf)) and time.monotonic() < deadline:
        end(pids)
        time.sleep(0.02)
