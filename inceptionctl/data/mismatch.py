"""Says which classes of labelled images a network does not have, what is nearest, and what would match."""

from __future__ import annotations

import re
from collections.abc import Sequence
from difflib import get_close_matches

from inceptionctl.data.listing import some
from inceptionctl.data.wordnet import ids_by_name, meanings, plain, readable, wordnet_ids
from inceptionctl.errors import shortened

IMAGENET = 1000
NUMBER = re.compile("[0-9]{1,9}")
WORDNET_ID = re.compile("n[0-9]{8}")
N_COMPARED = 5  # of many classes, those for which the nearest name is looked for


def is_imagenet(classes: Sequence[str]) -> bool:
    """Whether these are ImageNet's 1000 classes by WordNet id, in any order."""
    return len(classes) == IMAGENET and set(classes) == set(wordnet_ids())


def unmatched(missing: Sequence[str], found: Sequence[str], classes: Sequence[str], where: str, by_number: bool) -> str:
    """The message for `missing`, those of `found` that are none of the network's `classes`. `by_number`: no names can
    match."""
    numbers = all(NUMBER.fullmatch(name) for name in found)
    if numbers and (by_number or is_imagenet(classes)):
        return _out_of_range(missing, found, len(classes), where)
    if by_number:
        return (
            f"the names of the {len(classes):,} classes of {where} are not known, so that {_quoted(missing)} cannot be "
            f"matched\n  name the classes by their numbers in the network, 0 to {len(classes) - 1}"
        )
    if is_imagenet(classes) and (shared := [name for name in missing if len(meanings(name, found)) > 1]):
        return _shared(shared, found)
    which = f"{len(missing):,} of the {len(found):,} classes of the images are" if len(found) > 1 else "the class is"
    alone = "\n  is it the folder of a class? data.root has a folder for each" if len(found) == 1 else ""
    return f"{which} none of the {len(classes):,} of {where}: {_quoted(missing)}{_nearest(missing, classes)}{alone}" + (
        "\n  name classes by WordNet id (n01440764), by ImageNet's name (tench) or by number (0 to 999)"
        if is_imagenet(classes)
        else f"\n  its classes are {some(classes)}{_as_numbers(numbers)}"
    )


def _as_numbers(numbers: bool) -> str:
    return "; numbers are taken for its class numbers in a list of labels alone (data.list=FILE)" if numbers else ""


def _out_of_range(missing: Sequence[str], found: Sequence[str], n_classes: int, where: str) -> str:
    numbers, named = sorted(map(int, found)), f"{'labels' if len(missing) > 1 else 'label'} {some(missing)}"
    one_based = numbers[0] == 1 and numbers[-1] == n_classes
    advice = "\n  do the labels begin at 1? Class numbers begin at 0: subtract 1 from each" if one_based else ""
    return f"{named}: the {n_classes:,} classes of {where} have the numbers 0 to {n_classes - 1}{advice}"


def _shared(names: Sequence[str], found: Sequence[str]) -> str:
    """Of names that several of ImageNet's classes have."""
    lines = (f"{name!r} may be {' or '.join(readable(meanings(name, found)))}" for name in names[:N_COMPARED])
    return "\n  ".join(("several of ImageNet's classes have the same name:", *lines, "name these by WordNet id"))


def _nearest(missing: Sequence[str], classes: Sequence[str]) -> str:
    names = ids_by_name() if is_imagenet(classes) else {plain(name): [name] for name in classes}
    hints = list[str]()
    for name in missing[:N_COMPARED]:
        near = [] if WORDNET_ID.fullmatch(name) else get_close_matches(plain(name), names, n=1, cutoff=0.6)
        hints += [f"{' or '.join(readable(names[close]))} for {shortened(name, 40)!r}" for close in near]
    return f"\n  nearest: {', '.join(hints)}" if hints else ""


def _quoted(names: Sequence[str]) -> str:
    return some([repr(shortened(name, 40)) for name in names])
