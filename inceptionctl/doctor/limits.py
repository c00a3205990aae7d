"""What the system lets processes have: cores, memory, shared memory, open files."""

from __future__ import annotations

import multiprocessing
import os
import resource
import shutil
from collections.abc import Iterator
from pathlib import Path

from inceptionctl.doctor.finding import Finding, note, ok, problem
from inceptionctl.errors import bytes_text, count
from inceptionctl.hardware import num_cores

CHECK = "limits"
SHARED_MEMORY = Path("/dev/shm")
GROUP = Path("/sys/fs/cgroup")  # of this process, in a container
NEEDED_FILES, WANTED_FILES = 256, 1024  # a rank and its workers
NEEDED_MEMORY = 2e9  # bytes


def check() -> Iterator[Finding]:
    yield cores()
    yield memory()
    yield shared_memory()
    yield open_files()


def cores(group: Path = GROUP) -> Finding:
    """A container may have less time of processors than its processes see cores: they then wait for each other."""
    seen, quota = num_cores(), cpu_quota(group)
    if quota is None or quota >= seen:
        return ok(CHECK, count(seen, "core"), cores=seen)
    remedy = f"launch.threads={max(1, int(quota))} and fewer data.workers, or a larger limit (docker run --cpus)"
    message = f"{count(seen, 'core')}, but the time of {quota:g} (a limit of the container)"
    return note(CHECK, message, remedy, cores=seen, quota=quota)


def cpu_quota(group: Path) -> float | None:
    """In cores; None without a limit. Control groups have two versions."""
    quota, _, period = _read(group / "cpu.max").partition(" ")
    if not period:
        quota, period = _read(group / "cpu/cpu.cfs_quota_us"), _read(group / "cpu/cpu.cfs_period_us")
    return int(quota) / int(period) if quota.isdigit() and period.isdigit() and int(period) else None


def memory(group: Path = GROUP) -> Finding:
    available = _available_memory()
    limit = _read(group / "memory.max") or _read(group / "memory/memory.limit_in_bytes")
    used = _read(group / "memory.current") or _read(group / "memory/memory.usage_in_bytes")
    if limit.isdigit() and used.isdigit():
        available = min(available, int(limit) - int(used))
    message = f"{bytes_text(available)} of memory available"
    if available < NEEDED_MEMORY:
        remedy = "a run with several workers needs about 2 GB: end other processes, or take a larger machine or limit"
        return problem(CHECK, message, remedy, memory_bytes=available)
    return ok(CHECK, message, memory_bytes=available)


def _available_memory() -> int:
    """What processes may get without swapping."""
    for line in _read(Path("/proc/meminfo")).splitlines():
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) << 10
    return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def shared_memory(folder: Path = SHARED_MEMORY) -> Finding:
    """Processes of one run share locks there; batches do not lie there."""
    remedy = "mount /dev/shm, or enlarge it (docker run --shm-size=1g)"
    try:
        multiprocessing.Lock()
        usage = shutil.disk_usage(folder)
    except OSError as error:
        return problem(CHECK, f"{folder} cannot be used: {error.strerror or error}", remedy)
    message = f"{folder}: {bytes_text(usage.free)} of {bytes_text(usage.total)} free"
    values = {"shared_memory_free_bytes": usage.free, "shared_memory_bytes": usage.total}
    return ok(CHECK, message, **values) if usage.free > 1e6 else problem(CHECK, message, remedy, **values)


def open_files() -> Finding:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    values = {"open_files": soft, "open_files_hard": hard}
    if soft == resource.RLIM_INFINITY:
        return ok(CHECK, "any number of open files", **values)
    message, more = f"{soft:,} open files of a process", "ulimit -n 4096 before the command"
    if soft < NEEDED_FILES:
        return problem(CHECK, message, f"{more}; data workers need several files each", **values)
    if soft < WANTED_FILES:
        return note(CHECK, message, f"{more}: with many data.workers, batches are copied once more", **values)
    return ok(CHECK, message, **values)


def _read(path: Path) -> str:
    """ "" for a file that is not there."""
    try:
        return path.read_text(encoding="utf-8").strip()
    except OSError:
        return ""
