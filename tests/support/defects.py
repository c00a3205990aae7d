"""Image files with one defect or peculiarity each, made by Pillow."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from support.image_folders import smooth

CLASSES = ("ant", "bee")
FACTS = {  # file of train/ant by the fact that it shows
    "cmyk": "cmyk.jpg",
    "grey": "grey.png",
    "palette": "palette.gif",
    "transparency": "clear.png",
    "sixteen_bits": "deep.png",
    "other_suffix": "png.JPEG",
    "several_frames": "moving.gif",
    "exif_rotated": "turned.jpg",
}
UNREADABLE = ("train/ant/cut.jpg", "train/ant/empty.jpg", "train/bee/text.jpg", "val/bee/cut.jpg")


def healthy(root: Path) -> Path:
    for i, split in enumerate(("train", "val")):
        for k, name in enumerate(CLASSES):
            folder = root / split / name
            folder.mkdir(parents=True)
            for j in range(3):
                smooth(100 * i + 10 * k + j).save(folder / f"{j}.jpg")
    return root


def with_defects(root: Path) -> Path:
    """A folder with train/ and val/, in which the files of UNREADABLE are damaged."""
    healthy(root)
    whole = (root / "train/ant/0.jpg").read_bytes()
    (root / "train/ant/cut.jpg").write_bytes(whole[: len(whole) * 2 // 3])
    (root / "train/ant/empty.jpg").write_bytes(b"")
    (root / "train/bee/text.jpg").write_bytes(b"no image at all")
    other = (root / "val/bee/1.jpg").read_bytes()
    (root / "val/bee/cut.jpg").write_bytes(other[: len(other) * 2 // 3])
    return root


def with_facts(root: Path) -> Path:
    """A folder with an image for each of FACTS."""
    healthy(root)
    ant, image = root / "train" / "ant", smooth(77)
    image.convert("CMYK").save(ant / FACTS["cmyk"])
    image.convert("L").save(ant / FACTS["grey"])
    image.quantize(16).save(ant / FACTS["palette"])
    image.convert("RGBA").save(ant / FACTS["transparency"])
    _sixteen_bits(ant / FACTS["sixteen_bits"])
    smooth(78).save(ant / FACTS["other_suffix"], "PNG")
    frames = [smooth(seed).quantize(16) for seed in (80, 81)]
    frames[0].save(ant / FACTS["several_frames"], save_all=True, append_images=frames[1:])
    exif = Image.Exif()
    exif[0x0112] = 6
    smooth(79, (40, 20)).save(ant / FACTS["exif_rotated"], exif=exif)
    return root


def _sixteen_bits(path: Path) -> None:
    values = np.arange(48 * 48, dtype=np.uint16).reshape(48, 48) * 20
    Image.fromarray(values).save(path)
