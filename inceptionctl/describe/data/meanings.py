"""What each finding is called, what it means for training, and what to do about it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Meaning:
    title: str
    text: str


LEAVE_OUT = "--fix-list FILE writes their names, and data.leave_out=FILE leaves them out"
CONVERTED = "converted when it is read, in training and evaluation alike"
MEANINGS = {
    "unreadable": Meaning(
        "cannot be read", f"a run ends at the first one unless data.on_corrupt says otherwise. {LEAVE_OUT}."
    ),
    "across_splits": Meaning(
        "evaluation images in train",
        "the same bytes are trained on, so that the error is too low. Remove them from one of the two splits.",
    ),
    "other_labels": Meaning(
        "same image, other class",
        "the same bytes have several classes: at most one of them is right. Keep the right one.",
    ),
    "class_without_images": Meaning(
        "class without images", "train refuses such a class. Add images, or remove its folder from every split."
    ),
    "classes_differ": Meaning(
        "class in one split only", "train refuses splits with other classes. Rename, add or remove folders."
    ),
    "class_not_evaluated": Meaning(
        "class not evaluated", "there is no image of it to evaluate on: the error says nothing of this class."
    ),
    "class_order": Meaning(
        "class number by name",
        "folders are ordered as text, 0 1 10 2: class k of the network is not the folder of number k. Compare by "
        "name, or write the numbers with as many digits each.",
    ),
    "copies": Meaning(
        "same image twice",
        "the same bytes lie in one class of one split more than once: they weigh more than others.",
    ),
    "cmyk": Meaning("CMYK", f"colours for print: {CONVERTED}; colours may differ from a viewer's."),
    "grey": Meaning("grey", f"one channel: {CONVERTED}."),
    "palette": Meaning("palette", f"colours from a table: {CONVERTED}."),
    "transparency": Meaning("transparency", "dropped when it is read: what lies behind it shows."),
    "sixteen_bits": Meaning("more than 8 bits", "the higher eight bits are taken."),
    "other_suffix": Meaning(
        "suffix of another format", "read by content, not by name; other programs may refuse them."
    ),
    "several_frames": Meaning("several frames", "animated or of several pages: the first one is taken."),
    "exif_rotated": Meaning(
        "rotated by EXIF", "turned upright when it is read; programs that pass over EXIF see it lying on its side."
    ),
}
