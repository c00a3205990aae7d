"""Starts the ranks of a run on this machine by torch elastic, which watches them and ends the others when one is lost.

Restarting from the last checkpoint is left to the queue, as for a run of one rank.
"""

from __future__ import annotations

import errno
import multiprocessing
import os
from collections.abc import Mapping, Sequence
from functools import partialmethod
from inspect import signature
from multiprocessing.connection import Connection
from typing import Any

from inceptionctl.errors import InceptionctlError, Interrupted
from inceptionctl.launch.local import FORK_SERVER_LOST, PRELOADED, exit_with_parent, work_as_rank
from inceptionctl.runs.exits import record_exit
from inceptionctl.runs.paths import EXIT_RETRY, RunDir

SAVING_SECONDS = 600  # ranks that were asked to stop may take this long to write their checkpoint


def launch(run: RunDir, nproc: int, modules: Sequence[str], liveness_pipe: Connection, lock_timeout_s: float) -> int:
    """Runs `nproc` ranks of `run` until all have ended: the exit code, EXIT_RETRY if one was killed."""
    # Workers that share the agent's store read stale addresses after a restart (pytorch/pytorch#135712, #167288).
    os.environ["TORCH_DISABLE_SHARE_RDZV_TCP_STORE"] = "1"
    from torch.distributed.elastic.multiprocessing.api import SignalException
    from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
    from torch.distributed.launcher.api import LaunchConfig, elastic_launch

    multiprocessing.get_context("forkserver").set_forkserver_preload([*PRELOADED, *modules])
    config = LaunchConfig(
        min_nodes=1,
        max_nodes=1,
        nproc_per_node=nproc,
        run_id=run.path.name,
        rdzv_backend="c10d",
        rdzv_endpoint="localhost:0",
        local_addr="localhost",
        max_restarts=0,
        start_method="forkserver",
        signals_to_handle="SIGTERM,SIGINT,SIGUSR2",
        **shutdown_option(),
    )
    theirs, ours = multiprocessing.get_context("forkserver").Pipe(duplex=False)
    exit_with_parent(liveness_pipe)
    try:
        elastic_launch(config, work_as_rank)(run, theirs, lock_timeout_s)
        return 0
    except SignalException:
        return Interrupted.exit_code
    except ChildFailedError as error:
        return exit_code(run, {rank: failure.exitcode for rank, failure in error.failures.items()})
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        raise InceptionctlError(
            f"{nproc} ranks cannot be started: {error.strerror}\n"
            "  is /dev/shm full? In a container, docker run --shm-size=1g enlarges it"
        ) from error
    finally:
        ours.close()


def shutdown_option() -> dict[str, Any]:
    """The option of LaunchConfig that gives ranks SAVING_SECONDS to stop. Up to torch 2.11 there is none, and elastic
    waits for the default of the method that ends the ranks (30 s): that default is changed, in this process alone."""
    from torch.distributed.elastic.multiprocessing.api import PContext
    from torch.distributed.launcher.api import LaunchConfig

    if "shutdown_timeout" in signature(LaunchConfig).parameters:
        return {"shutdown_timeout": SAVING_SECONDS}
    setattr(PContext, "close", partialmethod(PContext.close, timeout=SAVING_SECONDS))  # noqa: B010
    return {}


def exit_code(run: RunDir, failures: Mapping[int, int]) -> int:
    """One exit code for the ranks that failed, by rank. A killed rank makes the others fail, so it decides; then one
    that failed by itself, the lowest first, whose message is in exit.json; EXIT_RETRY means that it lost another."""
    rank, code = min(failures.items(), key=lambda item: (item[1] >= 0, item[1] == EXIT_RETRY, item[0]))
    lost = code == FORK_SERVER_LOST
    if lost or code < 0:
        reason = "lost its fork server" if lost else f"was killed by signal {-code}"
        record_exit(run, EXIT_RETRY, f"rank {rank} {reason}", rank=None)
        return EXIT_RETRY
    return code
