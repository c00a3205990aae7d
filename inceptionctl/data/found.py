"""What a data set of files to train on was found to hold."""

from __future__ import annotations

from dataclasses import dataclass

from inceptionctl.data.index import FileList


@dataclass(frozen=True, eq=False)
class Found:
    """The images that the settings name, before a fraction or a dev split is taken. `where` says which folders or
    files; `notes`: what was left out, and what else to know; `numbered` as in `Index`."""

    classes: tuple[str, ...]
    train: FileList
    eval: FileList
    where: str
    notes: tuple[str, ...] = ()
    numbered: bool = False

    @property
    def splits(self) -> dict[str, FileList]:
        return {"train": self.train, "eval": self.eval}
