"""What is wrong with the images of a data set, and what is worth knowing of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from inceptionctl.data.leave_out import Image, is_line, lines_of
from inceptionctl.data.mismatch import NUMBER
from inceptionctl.data.survey.inspect import FACTS
from inceptionctl.data.survey.survey import Survey

# Those that training or its figures suffer from; all others are facts.
FAULTS = ("unreadable", "across_splits", "other_labels", "class_without_images", "classes_differ")
TRAINED_ON = ("train", "all")  # splits


@dataclass(frozen=True)
class Item:
    """An image or a class. `name`: of an image the line that names it in a list; `label`: its class; `same_as`: other
    images with the same bytes; `note`: why it cannot be read, or what else there is to say."""

    split: str
    name: str
    label: str = ""
    note: str = ""
    same_as: tuple[str, ...] = ()
    tolerant: bool = False


@dataclass(frozen=True)
class Finding:
    """Of one kind, all that there is; images in the order of their list."""

    kind: str
    items: tuple[Item, ...]

    @property
    def is_fault(self) -> bool:
        return self.kind in FAULTS

    def count(self, split: str) -> int:
        return sum(item.split == split for item in self.items)


def findings(surveys: Mapping[str, Survey]) -> list[Finding]:
    """Faults first. `surveys`: by split."""
    copies = list(_copies(surveys))
    found = [
        Finding("unreadable", tuple(_unreadable(surveys))),
        Finding("across_splits", tuple(_across_splits(surveys, copies))),
        Finding("other_labels", tuple(_other_labels(surveys, copies))),
        Finding("class_without_images", tuple(_without_images(surveys, TRAINED_ON))),
        Finding("classes_differ", tuple(_differing_classes(surveys))),
        Finding("class_not_evaluated", tuple(_without_images(surveys, ("eval",)))),
        Finding("class_order", tuple(_in_order_of_text(surveys))),
        Finding("copies", tuple(_within_splits(surveys, copies))),
        *(Finding(fact, tuple(_with_fact(surveys, number))) for number, fact in enumerate(FACTS)),
    ]
    return [one for one in found if one.items]


def fix_list(found: Sequence[Finding]) -> tuple[list[str], list[str]]:
    """(the lines of a list of the images that cannot be read, the names that no line can hold)."""
    names = [item.name for finding in found if finding.kind == "unreadable" for item in finding.items]
    return [name for name in names if is_line(name)], [name for name in names if not is_line(name)]


def _items(surveys: Mapping[str, Survey], images: Sequence[Image]) -> list[Item]:
    lines = lines_of({split: survey.files for split, survey in surveys.items()}, images)
    return [Item(split, line, surveys[split].label(i)) for (split, i), line in zip(images, lines, strict=True)]


def _unreadable(surveys: Mapping[str, Survey]) -> Iterator[Item]:
    images = [(split, i) for split, survey in surveys.items() for i in survey.problems]
    for (split, i), item in zip(images, _items(surveys, images), strict=True):
        problem = surveys[split].problems[i]
        yield Item(item.split, item.name, item.label, problem.reason, tolerant=problem.tolerant)


def _with_fact(surveys: Mapping[str, Survey], number: int) -> Iterator[Item]:
    for split, survey in surveys.items():
        places = np.flatnonzero(survey.facts_NF[:, number] & survey.readable_N)
        for i, item in zip(places, _items(surveys, [(split, int(i)) for i in places]), strict=True):
            yield Item(item.split, item.name, item.label, f"{survey.formats_N[i]} {survey.modes_N[i]}")


def _copies(surveys: Mapping[str, Survey]) -> Iterator[list[Image]]:
    """The images of each content that several have, those of the first split first."""
    places = [(split, i) for split, survey in surveys.items() for i in range(len(survey.files))]
    digests_N = np.concatenate([survey.digests_N for survey in surveys.values()]) if surveys else np.zeros(0, "S1")
    order_N = np.argsort(digests_N, kind="stable")
    begins = np.flatnonzero(digests_N[order_N][1:] != digests_N[order_N][:-1]) + 1
    groups = [group for group in np.split(order_N, begins) if len(group) > 1 and digests_N[group[0]]]
    for group in sorted(groups, key=lambda group: int(group[0])):
        yield [places[int(i)] for i in group]


def _across_splits(surveys: Mapping[str, Survey], copies: Sequence[Sequence[Image]]) -> Iterator[Item]:
    """The evaluation images that are training images, too."""
    for items in (_items(surveys, group) for group in copies):
        trained = tuple(item.name for item in items if item.split == "train")
        for item in items:
            if item.split == "eval" and trained:
                yield Item(item.split, item.name, item.label, same_as=trained)


def _other_labels(surveys: Mapping[str, Survey], copies: Sequence[Sequence[Image]]) -> Iterator[Item]:
    """Of images that are the same in several classes, all but the first."""
    for first, *others in (_items(surveys, group) for group in copies):
        for item in others:
            if item.label != first.label:
                note = f"class {item.label}, and class {first.label} there"
                yield Item(item.split, item.name, item.label, note, (first.name,))


def _within_splits(surveys: Mapping[str, Survey], copies: Sequence[Sequence[Image]]) -> Iterator[Item]:
    """All but the first of each split that are the same and of one class."""
    for items in (_items(surveys, group) for group in copies):
        for split in surveys:
            first = dict[str, Item]()  # by class
            for item in (item for item in items if item.split == split):
                if (other := first.setdefault(item.label, item)) is not item:
                    yield Item(split, item.name, item.label, same_as=(other.name,))


def _without_images(surveys: Mapping[str, Survey], splits: Sequence[str]) -> Iterator[Item]:
    for split, survey in surveys.items():
        listed_K = survey.files.counts(survey.classes)
        readable_K = np.bincount(survey.files.labels_N[survey.readable_N], minlength=len(survey.classes))
        for k in np.flatnonzero(readable_K == 0) if split in splits else ():
            yield Item(split, survey.classes[k], note="none can be read" if listed_K[k] else "")


def _differing_classes(surveys: Mapping[str, Survey]) -> Iterator[Item]:
    """The classes that only one split has."""
    for split, survey in surveys.items():
        for other, others in surveys.items():
            for name in sorted({*survey.classes} - {*others.classes}):
                yield Item(split, name, note=f"not in {other}")


def _in_order_of_text(surveys: Mapping[str, Survey]) -> Iterator[Item]:
    """Classes that are numbers, where class k is not number k: folders are taken in the order of their names."""
    for split, survey in surveys.items():
        if survey.classes and all(NUMBER.fullmatch(name) for name in survey.classes):
            for k, name in enumerate(survey.classes):
                if int(name) != k:
                    yield Item(split, name, note=f"class {k} of the network")
