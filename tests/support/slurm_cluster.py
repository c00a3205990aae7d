"""A real Slurm cluster in a folder: several nodes on one host, started and stopped by the tests."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Any

from support.slurm_host import MARK, PATH, edit_hosts, end_jobs, listening
from support.slurm_settings import Settings

MARIADB = ["--no-defaults", "--user=root", "--innodb-log-file-size=4M", "--innodb-buffer-pool-size=64M"]
MARIADB += ["--innodb-flush-method=nosync", "--innodb-flush-log-at-trx-commit=0", "--innodb-doublewrite=0"]
HIDE = 'mount -t tmpfs none "$1" && shift && exec "$@"'


class Cluster(Settings):
    """Takes the settings; `with Cluster(folder) as cluster` starts and stops it. The folder's path has to be short, for
    it holds sockets, and open to all. Start it in the main thread: the daemons end with the thread that started them.

    A requeued job would wait for two minutes, built in; while the cluster is up it starts soon (see `unhurried`)."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.daemons: dict[str, subprocess.Popen[bytes]] = {}
        self._hosts = [f"127.0.0.1 {name}{MARK}{os.getpid()}" for name in self.names]
        self._ending, self._hurried = threading.Event(), threading.Event()
        self._waiting: dict[str, float] = {}
        self._hurrier = threading.Thread(target=self._keep_hurrying, daemon=True)

    def __enter__(self) -> Cluster:
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()

    @property
    def conf(self) -> Path:
        return self.folder / "slurm.conf"

    @property
    def environment(self) -> dict[str, str]:
        """What Slurm's commands need to find this cluster; no variables of another Slurm come along."""
        clean = {key: value for key, value in os.environ.items() if not key.startswith(("SLURM", "SBATCH", "SRUN"))}
        return {**clean, "SLURM_CONF": str(self.conf)}

    def run(self, *words: object, timeout: float = 120) -> str:
        argv = [str(word) for word in words]
        done = subprocess.run(argv, env=self.environment, check=True, capture_output=True, text=True, timeout=timeout)
        return done.stdout.strip()

    def state(self, job: str | int) -> str:
        """As squeue has it, with accounting or without; of an array one word for each task."""
        return " ".join(self.run("squeue", "-h", "-r", "-t", "all", "-j", job, "-o", "%T").split())

    def start(self) -> None:
        self.folder.chmod(0o755)  # munged insists
        (self.folder / "state").mkdir()
        self.write()
        edit_hosts(add=self._hosts)
        self._start_munged()
        if self.accounting:
            self._start_accounting()
        self.daemon("slurmctld", "-D")
        for name in self.names:
            hiding = self.hidden and name == self.names[-1]
            words = ["unshare", "--mount", "sh", "-c", HIDE, "sh", str(self.hidden)] if hiding else []
            self.daemon(*words, "slurmd", "-D", "-N", name, name=name)
        self.wait(lambda: self._settled("idle", *self.names), "its nodes")
        self._hurried.set()
        self._hurrier.start()

    def stop(self) -> None:
        """MariaDB last, for slurmdbd writes to it when it ends."""
        self._ending.set()
        if self._hurrier.ident:
            self._hurrier.join()
        last = [name for name in self.daemons if name == "mariadbd"]
        self._end([name for name in self.daemons if name not in last])
        end_jobs(self.conf)
        self._end(last)
        edit_hosts(remove=self._hosts)

    def daemon(self, *words: str, name: str = "") -> None:
        """Ends with the thread that starts it, so that a killed test leaves nothing behind but running jobs."""
        name = name or words[0]
        environment = self.environment | {"PATH": PATH, "MYSQL_UNIX_PORT": str(self.folder / "mariadb.socket")}
        with (self.folder / f"{name}.out").open("ab") as log:
            self.daemons[name] = subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", *words],
                env=environment,
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def _start_munged(self) -> None:
        """One of its own: no other cluster can take it away."""
        (self.folder / "munge.key").write_bytes(os.urandom(128))
        (self.folder / "munge.key").chmod(0o600)
        files = {
            "key-file": "munge.key",
            "pid-file": "munged.pid",
            "log-file": "munged.log",
            "seed-file": "munged.seed",
        }
        words = [f"--{option}={self.folder / name}" for option, name in files.items()]
        self.daemon("munged", "--foreground", f"--socket={self.folder / 'munge.socket'}", *words)
        self.wait(lambda: listening(self.folder / "munge.socket"), "munged")

    def _start_accounting(self) -> None:
        files = [f"--datadir={self.folder / 'database'}", f"--socket={self.folder / 'mariadb.socket'}"]
        with (self.folder / "mariadb-install-db.out").open("wb") as log:
            install = ["mariadb-install-db", *MARIADB, "--skip-test-db", files[0]]
            subprocess.run(install, check=True, stdout=log, stderr=log)
        more = [f"--pid-file={self.folder / 'mariadbd.pid'}", "--skip-networking", "--innodb-lock-wait-timeout=900"]
        self.daemon("mariadbd", *MARIADB, *files, *more)
        self.wait(lambda: listening(self.folder / "mariadb.socket"), "mariadbd")
        self.daemon("slurmdbd", "-D")
        self.wait(lambda: listening(("127.0.0.1", self.ports[1])), "slurmdbd")

    def _end(self, names: list[str], seconds: float = 3) -> None:
        """Side by side: told together, then waited for."""
        daemons = [self.daemons.pop(name) for name in names]
        deadline = time.monotonic() + seconds
        for daemon in daemons:
            daemon.terminate()
        for daemon in daemons:
            try:
                daemon.wait(max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                daemon.kill()
                daemon.wait()

    def wait(self, condition: Callable[[], object], what: str, seconds: float = 30) -> None:
        deadline = time.monotonic() + seconds
        while not condition():
            ended = [name for name, daemon in self.daemons.items() if daemon.poll() is not None]
            if ended or time.monotonic() > deadline:
                raise RuntimeError(f"waited for {what}; ended: {ended}\n{self._logs()}")
            time.sleep(0.03)

    def _logs(self) -> str:
        found = sorted(self.folder.glob("*.out"))
        return "\n".join(f"{path.name}: {path.read_text(errors='replace')[-800:]}" for path in found)

    def _settled(self, state: str, *names: str) -> bool:
        """Whether nodes are in a state, answer (no `*`) and have no job that is still ending."""
        with suppress(subprocess.CalledProcessError):
            lines = self.run("sinfo", "-h", "-N", "-n", ",".join(names), "-o", "%N %T").splitlines()
            return {tuple(line.split()) for line in lines} == {(name, state) for name in names}
        return False

    def set_node(self, name: str, state: str, reason: str = "test") -> None:
        """`down`, `drain` or `resume`; back when the node is so and the jobs it had have left it."""
        self.run("scontrol", "update", f"nodename={name}", f"state={state}", f"reason={reason}")
        settled = {"resume": "idle", "drain": "drained"}.get(state, state)
        self.wait(lambda: self._settled(settled, name) and not self._steps(node=name), f"{name} to be {settled}")

    def _steps(self, job: str = "*", node: str = "*") -> list[Path]:
        """Those that run; a step listens in its node's folder for as long as it does."""
        return [path for path in self.folder.glob(f"spool.{node}/{node}_{job}.*") if listening(path)]

    def hurry(self) -> None:
        """Starts the jobs that wait only for having been requeued, once nothing of them runs and they have waited for a
        second: a node takes no job again in the second in which it gave it up, and a step may outlive its job. To be
        called time and again, as a thread here does."""
        said = self.run("squeue", "-h", "-r", "-t", "PD", "-o", "%i|%A|%T|%r").splitlines()
        lines = [line.split("|") for line in said]  # %i of an array's task has its index, %A names its steps
        waiting = {task: job for task, job, state, reason in lines if (state, reason) == ("PENDING", "BeginTime")}
        now = time.monotonic()
        self._waiting = {task: self._waiting.get(task, now) for task in waiting if self._restarted(task)}
        for task, since in self._waiting.items():
            if now - since > 1.1 and not self._steps(waiting[task]):
                self._control("update", f"jobid={task}", "starttime=now")

    def _restarted(self, job: str) -> bool:
        """A job with a begin time of its own waits for it."""
        return " Restarts=0 " not in self._control("show", "job", job)

    def _control(self, *words: str) -> str:
        with suppress(subprocess.CalledProcessError):  # it may have gone meanwhile
            return self.run("scontrol", *words)
        return " Restarts=0 "

    def _keep_hurrying(self) -> None:
        while not self._ending.wait(0.5):
            if self._hurried.is_set():
                with suppress(subprocess.SubprocessError):
                    self.hurry()

    @contextmanager
    def unhurried(self) -> Iterator[None]:
        """Requeued jobs wait as long as elsewhere."""
        self._hurried.clear()
        try:
            yield
        finally:
            self._hurried.set()


@contextmanager
def temporary(**settings: Any) -> Iterator[Cluster]:
    """One in a folder that goes with it, whose path is short wherever the tests keep theirs."""
    folder = Path(tempfile.mkdtemp(prefix="ictl-", dir="/tmp"))
    try:
        with Cluster(folder, **settings) as cluster:
            yield cluster
    finally:
        shutil.rmtree(folder, ignore_errors=True)
