"""Packs small data sets, as `inceptionctl data pack` does."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path

from inceptionctl.data.images import DataSource
from inceptionctl.data.packed.records import Kind, Packing
from inceptionctl.data.sources import packed
from inceptionctl.packing.encode import encoder
from inceptionctl.packing.pack import pack, plan_of


def packing(kind: Kind, short_side: int = 24, shard_images: int = 1000, quality: int | None = None) -> Packing:
    return Packing(
        kind=kind,
        short_side=short_side,
        quality=quality or (90 if kind == "jpeg" else None),
        shard_images=shard_images,
        encoder=encoder(kind),
    )


def pack_data_set(
    source: DataSource, out: Path, kind: Kind, short_side: int = 24, shard_images: int = 1000, skip: bool = False
) -> Path:
    """Into `out`, which is returned. Raises as `pack`."""
    index = source.index(dev=False)
    plan = plan_of(source, index, packing(kind, short_side, shard_images))
    pack(index, plan, out, 1, skip, lambda split, total: nullcontext(lambda done: None))
    packed._find.cache_clear()
    return out


def packed_settings(root: Path | None, **changed: object) -> packed.Settings:
    """Those of `data=packed`. Folders are read anew: a test may have changed what is in them."""
    packed._find.cache_clear()
    chosen = {
        "root": str(root) if root else None, "leave_out": None, "train_fraction": None, "cache": "none",
        "augment_on": "cpu", "decode_on": "cpu",
        "eval_split": "test", "on_corrupt": "error", "workers": 0,
    }  # fmt: skip
    return packed.Settings(name="packed", **chosen | changed)  # type: ignore[arg-type]
