"""How a run is launched: the settings of `launch=local` and `launch=slurm`."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from inceptionctl.errors import RequestError
from inceptionctl.settings import MOST, Count, Integer, NonNegativeInt, Positive, Processes, section


def _with_numbers(value: object) -> object:
    """A whole number as text, such as minutes; no other number is written in one way alone."""
    return str(value) if type(value) is int else value


# In a script: a line of it, a word to sbatch.
Line = Annotated[str, Field(pattern=r"^[^\r\n]+$"), BeforeValidator(_with_numbers)]
Word = Annotated[str, Field(pattern=r"^[^\s\"'\\\\]+$"), BeforeValidator(_with_numbers)]
Threads = Annotated[Integer, Field(ge=1, le=1024)]  # of 10,000, the library that starts them crashes
OptionName = Annotated[str, Field(pattern=r"^[a-z][a-z-]*$")]
RESERVED = {"array", "error", "output", "parsable", "wrap"}  # options of sbatch that inceptionctl sets itself
SECRET = re.compile(r"\w*(key|token|secret|password)\w*=", re.IGNORECASE)


@section
class LaunchSettings:
    """What every way of launching has."""

    name: str
    device: Literal["auto", "cpu", "cuda"]
    """Where to run; auto takes GPUs where there are some."""
    nproc: Processes | None
    """Processes (ranks) of one run; null: one a GPU for train, one for each cell of a table, nodes x GPUs for Slurm."""
    threads: Threads | None
    """CPU threads of each process; null: its share of the CPUs."""
    accumulation_steps: Count
    """Micro-batches that each process runs one after the other for one optimizer step."""
    restarts: NonNegativeInt
    """How often a run that was cut short starts again from its last checkpoint."""
    save_minutes: Annotated[Positive, Field(le=MOST)]
    """Minutes between checkpoints within a long epoch; the end of each epoch is always saved."""
    hang_timeout: Annotated[Positive, Field(le=MOST)]
    """Seconds without a heartbeat after which a run counts as hung and is restarted."""


@section
class Local(LaunchSettings):
    """Processes on this machine."""

    name: Literal["local"]
    jobs: Processes | None
    """Cells of a table that run side by side; null: as many as there are GPUs, or as the CPUs allow."""


@section
class Slurm(LaunchSettings):
    """Jobs of a Slurm cluster. Null leaves an option of sbatch to the site's default."""

    name: Literal["slurm"]
    partition: Word | None
    """Partition to submit to."""
    account: Word | None
    """Account that is charged."""
    qos: Word | None
    """Quality of service."""
    nodes: Processes
    """Nodes of one run."""
    gpus_per_node: Annotated[Integer, Field(ge=0, le=1024)]
    """GPUs of each node, one process each; 0: launch.nproc processes on CPUs."""
    cpus_per_gpu: Processes | None
    """CPUs of each process, for its threads and data workers."""
    mem: Word | None
    """Memory of each node, as sbatch takes it (64G)."""
    time: Word | None
    """Time limit of one job, as sbatch takes it (minutes, 12:00:00, 2-00); the run continues in the next job."""
    constraint: Word | None
    """Features that the nodes must have."""
    exclude: Word | None
    """Nodes to avoid."""
    array_parallelism: Processes | None
    """Cells of a table that run at a time; null: all."""
    setup: list[Line] | None
    """Shell commands before the run, such as [module load cuda]."""
    extra: dict[OptionName, Line | None] | None
    """Any other options of sbatch, such as {reservation: NAME}; null for one that takes no value."""


LAUNCHES = {"local": Local, "slurm": Slurm}


def check_launch(launch: LaunchSettings) -> None:
    """Raises RequestError for contradictory numbers of processes, and for secrets, which the run folder would keep."""
    if isinstance(launch, Slurm):
        _check_nproc(launch)
        _check_sbatch_options(launch)


def _check_nproc(launch: Slurm) -> None:
    ranks = launch.nodes * launch.gpus_per_node
    if ranks and launch.nproc not in (None, ranks):
        raise RequestError(
            f"launch.nproc = {launch.nproc} is not launch.nodes x launch.gpus_per_node = {ranks}, one process a GPU: "
            "leave it out"
        )
    if launch.nproc and launch.nproc % launch.nodes:
        raise RequestError(f"launch.nproc = {launch.nproc} is not a multiple of launch.nodes = {launch.nodes}")


def _check_sbatch_options(launch: Slurm) -> None:
    extra = launch.extra or {}
    if taken := sorted(RESERVED & extra.keys()):
        raise RequestError(f"launch.extra.{taken[0]} is reserved: inceptionctl finds its logs and cells by it")
    for line in [*(launch.setup or []), *extra.values()]:
        if line and SECRET.search(line):
            raise RequestError(
                "launch.setup or launch.extra sets what looks like a secret, and would be kept in the run folder\n"
                "  export it before this command instead: sbatch passes the environment on"
            )
