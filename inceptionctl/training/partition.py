"""How the batch of a step is cut: over ranks, one after the other, and into what batch norm sees together. No torch."""

from __future__ import annotations

from dataclasses import dataclass, replace

from inceptionctl.errors import RequestError


@dataclass(frozen=True)
class Layout:
    """`batch` = `share` x `accumulate` x `world` pictures; batch norm normalises `group` of them together."""

    batch: int
    world: int
    accumulate: int
    group: int

    @classmethod
    def cut(cls, batch: int, world: int, accumulate: int, bn_batch: int | None, normalised: bool = True) -> Layout:
        """`bn_batch` None: the whole batch together; `normalised`: whether there is any batch norm. Raises RequestError
        for what does not come out even."""
        layout = cls(batch, world, accumulate, bn_batch or batch)
        _check_uneven(layout)
        if not normalised:
            return replace(layout, group=layout.share)
        _check_scattered(layout, stated=bn_batch is not None)
        return layout

    @property
    def share(self) -> int:
        """Pictures that a rank reads at a time."""
        return self.batch // (self.world * self.accumulate)

    @property
    def span(self) -> int:
        """Ranks that a group of batch norm spreads over."""
        return max(1, self.group // self.share)

    @property
    def plain(self) -> bool:
        """Whether ordinary batch norm does it: every rank's pictures are the batch, and one group."""
        return self.share == self.batch == self.group


def _check_uneven(layout: Layout) -> None:
    parts = layout.world * layout.accumulate
    if layout.batch % parts:
        fitting = [n for n in range(1, layout.world + 1) if layout.batch % (n * layout.accumulate) == 0]
        raise RequestError(
            f"train.batch_size = {layout.batch} cannot be cut into "
            f"{layout.world} ranks x {layout.accumulate} accumulated\n"
            f"  launch.nproc that do: {', '.join(map(str, fitting)) or 'none'}; or another train.batch_size"
        )
    if layout.batch % layout.group:
        raise RequestError(f"train.bn_batch_size = {layout.group} does not divide train.batch_size = {layout.batch}")


def _check_scattered(layout: Layout, stated: bool) -> None:
    """A group lies in what one rank reads at a time, or is what a number of ranks read at a time."""
    group, share = layout.group, layout.share
    within = group <= share and share % group == 0
    across = group > share and group % share == 0 and layout.accumulate == 1 and layout.world % (group // share) == 0
    if within or across:
        return
    name = f"train.bn_batch_size = {group}" if stated else f"train.bn_batch_size = null (all {group} pictures together)"
    raise RequestError(
        f"{name} does not fit {layout.world} ranks x {layout.accumulate} accumulated x {share} pictures: batch norm "
        f"can see a part of {share}, or what several ranks read at a time\n"
        f"  choose train.bn_batch_size={share}, or other launch.nproc and launch.accumulation_steps"
    )
