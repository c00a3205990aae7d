"""Tiny ImageNet as it unpacks, with a few small images."""

from __future__ import annotations

from pathlib import Path

from support.image_folders import smooth

WNIDS = ("n01443537", "n01629819", "n01641577")


def write_tiny_imagenet(root: Path, train: int = 12, val: int = 3, side: int = 64) -> Path:
    """`train` and `val`: images of each class."""
    lines, number = [], 0
    (root / "val" / "images").mkdir(parents=True, exist_ok=True)
    for k, wnid in enumerate(WNIDS):
        folder = root / "train" / wnid / "images"
        folder.mkdir(parents=True, exist_ok=True)
        (folder.parent / f"{wnid}_boxes.txt").write_text("")
        for i in range(train):
            smooth(1000 * k + i, (side, side)).save(folder / f"{wnid}_{i}.JPEG")
        for i in range(val):
            smooth(9000 + 10 * k + i, (side, side)).save(root / "val" / "images" / f"val_{number}.JPEG")
            lines.append(f"val_{number}.JPEG\t{wnid}\t0\t0\t62\t62")
            number += 1
    (root / "val" / "val_annotations.txt").write_text("\n".join(lines) + "\n")
    return root
