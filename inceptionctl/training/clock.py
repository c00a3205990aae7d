"""The position of a run: one count of steps, from which epochs, intervals and the learning rate follow."""

from __future__ import annotations

from dataclasses import dataclass

from inceptionctl.errors import RequestError, count


@dataclass
class Clock:
    """`step` of `steps` are done; an epoch has `steps_per_epoch`."""

    steps_per_epoch: int
    steps: int
    step: int = 0

    @classmethod
    def over(cls, num_images: int, batch_size: int, epochs: float) -> Clock:
        """An epoch is as many whole batches as fit. Raises RequestError if not even one does."""
        if num_images < batch_size:
            fitting = max(1, num_images // 4)  # one step an epoch is allowed, and hardly trains
            raise RequestError(
                f"train.batch_size = {batch_size} is more than the {num_images} training images\n"
                f"  lower it: train.batch_size={fitting} makes {count(num_images // fitting, 'step')} of each epoch"
            )
        per_epoch = num_images // batch_size
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

    def steps_in(self, epochs: float) -> int:
        """The nearest number of steps; 0 for less than half of one."""
        return round(self.steps_per_epoch * epochs)

    def every(self, steps: int) -> bool:
        """Whether a multiple of `steps`, or the end, has been reached."""
        return self.step % steps == 0 or self.done
