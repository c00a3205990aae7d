"""What `clean` removes from the folder of a run: checkpoints that nothing reads any more. No torch."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from inceptionctl.runs.paths import RunDir
from inceptionctl.training.checkpoint_folder import own, read_state, step_folder, unfinished, verify


@dataclass(frozen=True, kw_only=True)
class Removable:
    """The folders of checkpoints that go, complete ones and what killed processes have left, and of those that stay.
    `bytes`: what goes."""

    run: RunDir
    checkpoints: tuple[Path, ...]
    unfinished: tuple[Path, ...]
    staying: tuple[Path, ...]
    bytes: int

    @property
    def paths(self) -> tuple[Path, ...]:
        return self.checkpoints + self.unfinished

    def remove(self) -> None:
        """Raises CheckpointError, and removes nothing, if a checkpoint that stays is damaged: one that goes may be the
        last that can be read. Raises OSError."""
        for path in self.staying:
            verify(path)
        for path in self.paths:
            shutil.rmtree(path)


def removable(run: RunDir, all_checkpoints: bool = False) -> Removable:
    """All checkpoints but the newest and the best, unless these are to go too. Raises CheckpointError for a newest one
    that is damaged: it says which is the best."""
    found = own(run.checkpoints)
    staying = set() if all_checkpoints else _in_use(run, found)
    going, left_over = [path for path in found if path not in staying], unfinished(run.checkpoints)
    return Removable(
        run=run,
        checkpoints=tuple(going),
        unfinished=tuple(left_over),
        staying=tuple(sorted(staying)),
        bytes=sum(map(_bytes, going + left_over)),
    )


def _in_use(run: RunDir, found: list[Path]) -> set[Path]:
    """The newest checkpoint, which `eval`, `predict`, `export` and `resume` read, and the best on the dev split."""
    if len(found) < 2:
        return set(found)
    best = read_state(found[-1])["progress"]["best"]
    return {found[-1]} | ({step_folder(run.checkpoints, best[0])} & set(found) if best else set())


def _bytes(folder: Path) -> int:
    return sum(file.lstat().st_size for file in folder.rglob("*") if not file.is_dir())
