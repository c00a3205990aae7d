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
LATE = """\
#!/bin/sh
case "$*" in *--test-only*) exec {sbatch} "$@" ;; esac
answer=$({sbatch} "$@") || exit
touch '{folder}/accepted'
sleep {seconds}
echo "$answer"
"""
HIDE = 'mount -t tmpfs none "$1" && shift && exec "$@"'


class Cluster(Settings):
    """`with Cluster(folder) as cluster` starts and stops it; takes the fields of `Settings`. The folder needs a short
    path, because it holds sockets, and must be readable by everyone. Start it in the main thread: the daemons end with
    the thread that started them.

    Slurm lets a requeued job wait for two minutes; while the cluster is up, a thread starts such jobs at once."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.daemons: dict[str, subprocess.Popen[bytes]] = {}
        self._hosts = [f"127.0.0.1 {name}{MARK}{os.getpid()}" for name in self.names]
        self._ending = threading.Event()
        self._waiting: dict[str, float] = {}
        self._requeuer = threading.Thread(target=self._start_requeued_jobs, daemon=True)

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
        """Lets Slurm's commands find this cluster, without the variables of any other."""
        clean = {key: value for key, value in os.environ.items() if not key.startswith(("SLURM", "SBATCH", "SRUN"))}
        return {**clean, "SLURM_CONF": str(self.conf)}

    def run(self, *words: object, timeout: float = 120) -> str:
        argv = [str(word) for word in words]
        done = subprocess.run(argv, env=self.environment, check=True, capture_output=True, text=True, timeout=timeout)
        return done.stdout.strip()

    def state(self, job: str | int) -> str:
        """As squeue prints it, with accounting or without; for an array, one word per task."""
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
        self._requeuer.start()

    def stop(self) -> None:
        """MariaDB last, because slurmdbd writes to it when it ends."""
        self._ending.set()
        if self._requeuer.ident:
            self._requeuer.join()
        last = [name for name in self.daemons if name == "mariadbd"]
        self._end([name for name in self.daemons if name not in last])
        end_jobs(self.conf)
        self._end(last)
        edit_hosts(remove=self._hosts)

    def daemon(self, *words: str, name: str = "") -> None:
        """Ends with the thread that starts it, so that a killed test leaves nothing running but jobs."""
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
        """Each cluster has its own."""
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
        if self.preempt_type == "qos":
            self._add_qos()

    def _add_qos(self) -> None:
        """Before the controller starts, which reads them then."""
        preempting = ["preempt=normal", "preemptmode=cancel"]
        self.run("sacctmgr", "-i", "add", "cluster", self.name)
        self.run("sacctmgr", "-i", "add", "qos", "high", "priority=10", *preempting)
        self.run("sacctmgr", "-i", "modify", "qos", "normal", "set", f"gracetime={self.grace}", "preemptmode=cancel")
        self.run("sacctmgr", "-i", "add", "account", "lab", "qos=normal,high", "defaultqos=normal")
        self.run("sacctmgr", "-i", "add", "user", "root", "account=lab")

    def _end(self, names: list[str], seconds: float = 3) -> None:
        """Terminates all at once, then waits for them."""
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

    @contextmanager
    def without_controller(self) -> Iterator[None]:
        """Its controller does not answer meanwhile; the jobs go on."""
        self._end(["slurmctld"])
        try:
            yield
        finally:
            self.daemon("slurmctld", "-D")
            self.wait(lambda: "is UP" in self._control("ping"), "slurmctld")

    @contextmanager
    def lost(self, name: str) -> Iterator[None]:
        """Its controller has lost this node meanwhile, on which all goes on; its jobs are requeued."""
        lost = self.daemons.pop(name)
        lost.kill()
        lost.wait()
        self.run("scontrol", "update", f"nodename={name}", "state=down", "reason=lost")
        try:
            yield
        finally:
            self.daemon("slurmd", "-D", "-N", name, name=name)
            self.set_node(name, "resume")

    def hide(self, folder: Path) -> None:
        """From the last node, for good; what has it open keeps it."""
        node = str(self.daemons[self.names[-1]].pid)
        self.run("nsenter", "--mount", "--target", node, "mount", "-t", "tmpfs", "none", folder)

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
        """Whether the nodes are in this state, respond (no `*`) and have no job that is still ending."""
        with suppress(subprocess.CalledProcessError):
            lines = self.run("sinfo", "-h", "-N", "-n", ",".join(names), "-o", "%N %T").splitlines()
            return {tuple(line.split()) for line in lines} == {(name, state) for name in names}
        return False

    def set_node(self, name: str, state: str, reason: str = "test") -> None:
        """`down`, `drain` or `resume`; returns when the node is in that state and its jobs have left it."""
        self.run("scontrol", "update", f"nodename={name}", f"state={state}", f"reason={reason}")
        settled = {"resume": "idle", "drain": "drained"}.get(state, state)
        self.wait(lambda: self._settled(settled, name) and not self._steps(node=name), f"{name} to be {settled}")

    def _steps(self, job: str = "*", node: str = "*") -> list[Path]:
        """The sockets of running steps: each listens in its node's folder."""
        return [path for path in self.folder.glob(f"spool.{node}/{node}_{job}.*") if listening(path)]

    def _start_requeued_jobs(self) -> None:
        while not self._ending.wait(0.5):
            with suppress(subprocess.SubprocessError):
                self._start_due_jobs()

    def _start_due_jobs(self) -> None:
        """Starts jobs that wait only because they were requeued, a second after nothing of them runs any more: a node
        accepts no job again in the second in which it gave it up, and a step may outlive its job."""
        output = self.run("squeue", "-h", "-r", "-t", "PD", "-o", "%i|%A|%T|%r").splitlines()
        lines = [line.split("|") for line in output]  # %i of an array's task has its index, %A names its steps
        waiting = {task: job for task, job, state, reason in lines if (state, reason) == ("PENDING", "BeginTime")}
        now = time.monotonic()
        self._waiting = {task: self._waiting.get(task, now) for task in waiting if self._restarted(task)}
        for task, since in self._waiting.items():
            if now - since > 1.1 and not self._steps(waiting[task]):
                self._control("update", f"jobid={task}", "starttime=now")

    def _restarted(self, job: str) -> bool:
        """A job that was submitted with a begin time waits for it."""
        return " Restarts=0 " not in self._control("show", "job", job)

    def _control(self, *words: str) -> str:
        with suppress(subprocess.CalledProcessError):  # the job may have ended meanwhile
            return self.run("scontrol", *words)
        return " Restarts=0 "

    def with_late_sbatch(self, folder: Path, seconds: float) -> dict[str, str]:
        """`environment` with an sbatch that submits at once and answers after `seconds`; the stand-in lies in `folder`.
        It writes the file `accepted` there when it has submitted."""
        folder.mkdir(parents=True, exist_ok=True)
        late = folder / "sbatch"
        late.write_text(LATE.format(sbatch=shutil.which("sbatch"), folder=folder, seconds=seconds))
        late.chmod(0o755)
        return self.environment | {"PATH": f"{folder}:{os.environ['PATH']}"}


@contextmanager
def temporary(**settings: Any) -> Iterator[Cluster]:
    """A cluster in a temporary folder with a short path."""
    folder = Path(tempfile.mkdtemp(prefix="ictl-", dir="/tmp"))
    try:
        with Cluster(folder, **settings) as cluster:
            yield cluster
    finally:
        shutil.rmtree(folder, ignore_errors=True)
