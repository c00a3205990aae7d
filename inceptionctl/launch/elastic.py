"""Several ranks of one run on this machine, by torch elastic: it brings them together, watches them and ends the others
when one is gone. Starting again from the last checkpoint is the queue's part, as for a run of one rank."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Mapping, Sequence
from multiprocessing.connection import Connection

from inceptionctl.errors import Interrupted, warn
from inceptionctl.launch.local import WARM, exit_with_parent, work_as_rank
from inceptionctl.runs.paths import EXIT_RETRY, RunDir

SAVING_SECONDS = 600  # for ranks that were asked to stop to write their checkpoint


def launch(
    run: RunDir, processes: int, modules: Sequence[str], liveness_pipe: Connection, lock_timeout_s: float
) -> int:
    """Runs `processes` ranks of `run` to their end: the exit code, EXIT_RETRY if one was killed."""
    # Workers that share the agent's store read stale addresses after a restart (pytorch/pytorch#135712, #167288).
    os.environ["TORCH_DISABLE_SHARE_RDZV_TCP_STORE"] = "1"
    from torch.distributed.elastic.multiprocessing.api import SignalException
    from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
    from torch.distributed.launcher.api import LaunchConfig, elastic_launch

    multiprocessing.get_context("forkserver").set_forkserver_preload([*WARM, *modules])
    config = LaunchConfig(
        min_nodes=1,
        max_nodes=1,
        nproc_per_node=processes,
        run_id=run.path.name,
        rdzv_backend="c10d",
        rdzv_endpoint="localhost:0",
        local_addr="localhost",
        max_restarts=0,
        start_method="forkserver",
        signals_to_handle="SIGTERM,SIGINT,SIGUSR2",
        shutdown_timeout=SAVING_SECONDS,
    )
    theirs, ours = multiprocessing.get_context("forkserver").Pipe(duplex=False)
    exit_with_parent(liveness_pipe)
    try:
        elastic_launch(config, work_as_rank)(run, theirs, lock_timeout_s)
        return 0
    except SignalException:
        return Interrupted.exit_code
    except ChildFailedError as error:
        return verdict({rank: failure.exitcode for rank, failure in error.failures.items()})
    finally:
        ours.close()


def verdict(codes: Mapping[int, int]) -> int:
    """One exit code for those of the ranks that failed. A rank that was killed takes others down with it; of codes that
    ranks chose themselves, the first rank's tells most."""
    for rank, code in codes.items():
        if code < 0:
            warn(f"rank {rank} was killed by signal {-code}")
            return EXIT_RETRY
    return codes.get(0) or next(iter(codes.values()))
