"""Where a run is: one count of steps, from which epochs, cadences and the learning rate follow."""

from __future__ import annotations

from dataclasses import dataclass

from inceptionctl.errors import RequestError


@dataclass
class Clock:
    """`step` steps are done of `steps`; an epoch is `steps_per_epoch` of them."""

    steps_per_epoch: int
    steps: int
    step: int = 0

    @classmethod
    def over(cls, images: int, batch: int, epochs: float) -> Clock:
        """Whole batches only. Raises RequestError if not even one fits."""
        if images < batch:
            raise RequestError(f"train.batch_size = {batch} is more than the {images} training pictures")
        per_epoch = images // batch
        return cls(per_epoch, max(1, round(per_epoch * epochs)))

    @property
    def epoch(self) -> float:
        return self.step / self.steps_per_epoch

    @property
    def done(self) -> bool:
        return self.step >= self.steps

    @property
    def ends_epoch(self) -> bool:
        return self.step % self.steps_per_epoch == 0 or self.done

    def every(self, steps: int) -> bool:
        return self.step % steps == 0 or self.done
