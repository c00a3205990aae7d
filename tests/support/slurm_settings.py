"""What a private Slurm cluster is configured with: every path in its folder, every port its own, all on one host."""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from support.slurm_host import free_ports

# config_overrides allows nodes with more cores than the host has; linuxproc and task/none need no cgroups, so nothing
# is pinned, and OverMemoryKill enforces a job's memory. ReturnToService=2 would bring back a node that a test has set
# down.
GENERAL = """\
ClusterName={name}
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={ports[0]}
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
CredType=cred/munge
MpiDefault=none
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool.%n
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.%n.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
SlurmdParameters=config_overrides
SchedulerType=sched/backfill
SchedulerParameters={scheduling}
ReturnToService=1
JobRequeue={job_requeue}
GresTypes=gpu
LaunchParameters=enable_nss_slurm
KillWait=5
MinJobAge={min_job_age}
SlurmctldTimeout=30
SlurmdTimeout=30
InactiveLimit=0
Waittime=0
PreemptType=preempt/{preempt_type}
PreemptMode={preempt_mode}
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=1
JobAcctGatherParams=OverMemoryKill
"""
# JobRequeue=0 is only a default: a job that asks to be requeued would be.
NO_REQUEUE = """\
function slurm_job_submit(job, partitions, user) job.requeue = 0 return slurm.SUCCESS end
function slurm_job_modify(job, record, partitions, user) return slurm.SUCCESS end
"""
SCHEDULING = "sched_interval=2,bf_interval=2,sched_min_interval=0,batch_sched_delay=0,preempt_send_user_signal"
ACCOUNTING = """\
AccountingStorageType=accounting_storage/slurmdbd
AccountingStorageHost=127.0.0.1
AccountingStoragePort={ports[1]}
AccountingStoragePass={folder}/munge.socket
AccountingStorageTRES=gres/gpu
"""
NODE = "NodeName={node} NodeHostname={host} NodeAddr=127.0.0.1 Port={port} CPUs={cpus} Sockets=1 CoresPerSocket={cpus}"
NODE += " ThreadsPerCore=1 RealMemory={memory_mb} Gres=gpu:{gpus} State=UNKNOWN\n"
PARTITION = "PartitionName={partition} Nodes={nodes} MaxTime=INFINITE DefaultTime=60 DefMemPerCPU=100 State=UP {more}\n"
DATABASE = """\
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
DbdHost=localhost
DbdAddr=127.0.0.1
DbdPort={ports[1]}
SlurmUser=root
PidFile={folder}/slurmdbd.pid
LogFile={folder}/slurmdbd.log
StorageType=accounting_storage/mysql
StorageHost=localhost
StorageUser=root
StorageLoc=slurm_acct_db
"""


@dataclass
class Settings:
    """`hidden`: a folder that the last node does not see, which is then alone in partition `far`; `requeue=False`: a
    site that never requeues a job; `grace`: seconds that a pre-empted job gets before it is killed.

    Jobs of partition `high` pre-empt those of `main`; with `preempt_type="qos"`, which needs accounting, jobs of QOS
    `high` those of QOS `normal`."""

    folder: Path
    nodes: int = 4
    cpus: int = 4
    memory_mb: int = 4000
    gpus: int = 2
    accounting: bool = True
    max_array_size: int | None = None
    max_job_count: int | None = None
    requeue: bool = True
    preempt_type: Literal["partition_prio", "qos"] = "partition_prio"
    preempt_mode: Literal["REQUEUE", "CANCEL"] = "REQUEUE"
    hidden: Path | None = None
    grace: int = 20
    min_job_age: int = 300

    def __post_init__(self) -> None:
        self.ports = free_ports(self.nodes + 2)
        self.name = f"ictl{self.ports[0]}"  # the nodes of two clusters need different names
        self.names = [f"{self.name}n{number}" for number in range(1, self.nodes + 1)]

    @property
    def near(self) -> list[str]:
        """The nodes of the partitions `main` and `high`."""
        return self.names[:-1] if self.hidden else self.names

    def write(self) -> None:
        (self.folder / "slurm.conf").write_text(self._slurm())
        (self.folder / "slurmdbd.conf").write_text(DATABASE.format(**vars(self)))
        (self.folder / "slurmdbd.conf").chmod(0o600)  # slurmdbd insists
        (self.folder / "job_submit.lua").write_text(NO_REQUEUE)
        (self.folder / "gres.conf").write_text("".join(self._gpu(number) for number in range(self.gpus)))

    def _slurm(self) -> str:
        known = {**vars(self), "host": socket.gethostname().partition(".")[0], "scheduling": SCHEDULING}
        known["job_requeue"] = int(self.requeue)
        text = GENERAL.format(**known) + (ACCOUNTING.format(**known) if self.accounting else "")
        if self.max_array_size is not None:
            text += f"MaxArraySize={self.max_array_size}\n"
        if self.max_job_count is not None:
            text += f"MaxJobCount={self.max_job_count}\n"
        if not self.requeue:
            text += "JobSubmitPlugins=lua\n"
        nodes = zip(self.names, self.ports[2:], strict=True)
        return text + "".join(NODE.format(node=node, port=port, **known) for node, port in nodes) + self._partitions()

    def _partitions(self) -> str:
        more = {"main": f"Default=YES PriorityTier=1 GraceTime={self.grace}", "high": "PriorityTier=10 PreemptMode=OFF"}
        text = "".join(PARTITION.format(partition=key, nodes=",".join(self.near), more=more[key]) for key in more)
        return text + (PARTITION.format(partition="far", nodes=self.names[-1], more="") if self.hidden else "")

    def _gpu(self, number: int) -> str:
        """Slurm needs a device file for each GPU; any character device will do."""
        device = self.folder / f"gpu{number}"
        if not device.exists():
            os.mknod(device, 0o20666, os.makedev(1, 3))
        return f"Name=gpu File={device}\n"
