"""Saves and restores a run, rolls it back after divergence, and keeps its best checkpoint."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path

from inceptionctl.errors import CheckpointError, warn
from inceptionctl.runs.heartbeat import Heartbeat
from inceptionctl.training import checkpoint, state
from inceptionctl.training.checkpoint import Checkpoint
from inceptionctl.training.checkpoint_folder import step_folder
from inceptionctl.training.clock import Clock
from inceptionctl.training.memory import memory_shortage
from inceptionctl.training.meters import StepMeter
from inceptionctl.training.state import Topology
from inceptionctl.training.step import TrainStep
from inceptionctl.worker.logger import RunLogger

MESSAGE_CHARACTERS = 200


@dataclass(frozen=True)
class Checkpoints:
    """Of the run with this `identity` and `seed`, in `folder`, which holds the last `keep`."""

    folder: Path
    identity: str
    seed: int
    keep: int
    topology: Topology
    clock: Clock
    step: TrainStep
    meter: StepMeter
    logger: RunLogger
    heartbeat: Heartbeat

    def save(self, stopping: bool = False) -> None:
        """Raises Diverged instead of saving weights that are NaN. `stopping`: the process ends after this."""
        self.meter.reduce(self.clock.step)
        context, best = self.step.context, self.logger.progress.best
        random = state.gather_random_states(context, self.step.device)
        self.heartbeat()
        if stopping:
            context.shutdown()  # the other ranks need not wait for the disk
        if context.is_main:
            captured = state.capture(self.step, self.clock, random, self._about())
            checkpoint.write(self.folder, captured, self.keep, best[0] if best else None)
        self.logger.mark_saved()
        self.heartbeat()

    def restore(self, saved: Checkpoint) -> None:
        """Continues from `saved`. Raises CheckpointError if it belongs to another run, or does not fit this one."""
        try:
            self._restore(saved)
        except (KeyError, IndexError, TypeError, ValueError, AttributeError, RuntimeError) as error:
            if memory_shortage(error):
                raise
            what = f"{type(error).__name__}: {' '.join(str(error).split())[:MESSAGE_CHARACTERS]}"
            raise CheckpointError(
                f"the last checkpoint in {self.folder} does not fit the run ({what}): start again with rerun=true"
            ) from error

    def _restore(self, saved: Checkpoint) -> None:
        context = self.step.context
        state.restore(saved, self.step, self.clock, self.identity)
        changes = self.topology.changes_from(saved.state["topology"])
        if changes and context.is_main:
            warn(f"continues with the same images in the same order, but not bit for bit: {', '.join(changes)}")
        if not state.restore_random_states(saved, context.rank, self.step.device):
            state.seed_dropout(self.seed, self.clock.step, context.rank)
        self.logger.load_state_dict(saved.state["progress"])
        self.meter.load_state_dict(saved.state["unlogged"])
        best = self.logger.progress.best
        if best and not step_folder(self.folder, best[0]).is_dir():
            self.logger.progress.best = None  # replaced by a later one, which is damaged

    def roll_back(self) -> None:
        """To the last checkpoint, as if nothing had come after it but one more rollback."""
        latest = checkpoint.read_latest(self.folder, warn)
        assert latest is not None, "a run that may roll back saves before its first step"
        rollbacks, wall_s = self.logger.progress.rollbacks + 1, self.logger.wall_s
        self.restore(latest)
        self.logger.progress.rollbacks, self.logger.progress.wall_s = rollbacks, wall_s
        self.logger.rewind()

    def consider_best(self, dev_error: float) -> None:
        """Marks the checkpoint that is about to be saved as the best if its error is the lowest so far."""
        best = self.logger.progress.best
        if best is None or dev_error < best[1]:
            self.logger.progress.best = self.clock.step, dev_error

    def load_best(self) -> bool:
        """Loads the weights of the best checkpoint. False if none was chosen."""
        if best := self.logger.progress.best:
            state.load_weights(checkpoint.read(step_folder(self.folder, best[0])), self.step)
        return best is not None

    def _about(self) -> dict[str, object]:
        return {
            "identity": self.identity,
            "topology": asdict(self.topology),
            "progress": self.logger.state_dict(),
            "unlogged": self.meter.state_dict(),
        }
