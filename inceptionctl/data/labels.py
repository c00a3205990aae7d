"""Matches the classes of labelled images to those of a network: by name, by ImageNet's names and ids, by number.

No rule matches by position: two lists of names that differ are different classes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from inceptionctl.data.index import Index
from inceptionctl.data.listing import some
from inceptionctl.data.mismatch import IMAGENET, NUMBER, is_imagenet, unmatched
from inceptionctl.data.real_labels import LEAST_AGREEMENT, agreement
from inceptionctl.data.wordnet import categories, meanings, plain, wordnet_ids
from inceptionctl.errors import RequestError, warn

Known = Sequence[str] | int  # the names of a network's classes, or how many there are where names are not known
Rule = Callable[[Sequence[str], Sequence[str]], dict[str, int]]


@dataclass(frozen=True, eq=False)
class Matching:
    """`mapping_C`: the network's class of each class of the data; `classes`: the network's, ImageNet's by WordNet id;
    `how`: such as "by WordNet id"."""

    mapping_C: np.ndarray
    classes: tuple[str, ...]
    how: str


def matched(index: Index, known: Known, where: str) -> Index:
    """The evaluation images of `index` with labels that are class indices of the network of `where` ("weights=timm").

    Its provenance says how classes were matched. Raises RequestError for classes that the network does not have.
    """
    matching = match_classes(index.classes, known, where, index.numbered)
    if "eval" not in index.files:
        return _unchanged(index, matching, where)
    n_found, n_known = len(np.unique(index.files["eval"].labels_N)), len(matching.classes)
    share = f"all {n_known:,} classes" if n_found == n_known else f"{n_found:,} of the {n_known:,} classes"
    found = relabelled(index, matching, f"matched {matching.how} to {share} of {where}")
    if (agreeing := agreement(found)) is None or agreeing > LEAST_AGREEMENT:
        return found
    doubt = f"labels of another order? {agreeing:.1%} of the labels are among the ReaL labels of their images, not 90%"
    warn(doubt)
    return replace(found, provenance=f"{found.provenance}; {doubt}")


def _unchanged(index: Index, matching: Matching, where: str) -> Index:
    """An index without files, whose labels are those of the network. Raises RequestError where they are not."""
    if index.classes != matching.classes:
        raise RequestError(
            f"the classes of {where} are not those of this data, {some(index.classes)}\n"
            "  name images of its classes: data=labelled data.root=DIR"
        )
    return index


def relabelled(index: Index, matching: Matching, *notes: str) -> Index:
    """The evaluation images of `index` with the network's classes and labels."""
    files = index.files["eval"]
    labelled = replace(files, labels_N=matching.mapping_C[files.labels_N])
    return replace(index.evaluated_on(labelled, *notes, classes=matching.classes), numbered=False)


def match_classes(found: Sequence[str], known: Known, where: str, numbered: bool = False) -> Matching:
    """`found`: the classes of the data; `numbered`: they are class indices, not names that happen to be numbers.

    Raises RequestError for classes that match none or several, with the nearest names and what would match.
    """
    classes = network_classes(known)
    rules = _rules(classes, known, numbered)
    matches = {how: rule(found, classes) for how, rule in rules.items()}
    how = max(matches, key=lambda how: len(matches[how]))  # the first of several
    class_of = matches[how]
    if len(class_of) < len(found):
        missing = [name for name in found if name not in class_of]
        raise RequestError(unmatched(missing, found, classes, where, [*rules] == ["by number"]))
    if twice := _twice(found, class_of):
        raise RequestError(f"{twice[0]} and {twice[1]} are one class of {where}, {class_of[twice[0]]}: merge them")
    return Matching(np.array([class_of[name] for name in found], dtype=np.int64), classes, how)


def network_classes(known: Known) -> tuple[str, ...]:
    """The classes as an index names them: ImageNet's by WordNet id, those without names by number."""
    if known == IMAGENET or (not isinstance(known, int) and list(known) == list(categories().values())):
        return wordnet_ids()
    return tuple(map(str, range(known))) if isinstance(known, int) else tuple(known)


def _rules(classes: Sequence[str], known: Known, numbered: bool) -> dict[str, Rule]:
    """By what to say of them, in the order in which they are tried."""
    if numbered or (isinstance(known, int) and known != IMAGENET):
        return {"by number": _by_number}
    if is_imagenet(classes):
        return {
            "by WordNet id": _by_name,
            "by class name": _by_imagenet_name,
            "by WordNet id and class name": _by_either,
            "by number": _by_imagenet_number,
        }
    return {"by name": _by_name, "by name but for spelling": _by_plain_name}


def _by_name(found: Sequence[str], classes: Sequence[str]) -> dict[str, int]:
    class_of = {name: k for k, name in enumerate(classes)}
    return {name: class_of[name] for name in found if name in class_of}


def _by_plain_name(found: Sequence[str], classes: Sequence[str]) -> dict[str, int]:
    """But for capitals and underscores, where only one class is called so."""
    times = Counter(map(plain, classes))
    class_of = {plain(name): k for k, name in enumerate(classes) if times[plain(name)] == 1}
    return {name: class_of[plain(name)] for name in found if plain(name) in class_of}


def _by_imagenet_name(found: Sequence[str], classes: Sequence[str]) -> dict[str, int]:
    class_of = {wnid: k for k, wnid in enumerate(classes)}
    meant = {name: meanings(name, found) for name in found}
    return {name: class_of[ids[0]] for name, ids in meant.items() if len(ids) == 1}


def _by_either(found: Sequence[str], classes: Sequence[str]) -> dict[str, int]:
    return _by_imagenet_name(found, classes) | _by_name(found, classes)


def _by_number(found: Sequence[str], classes: Sequence[str]) -> dict[str, int]:
    return {name: int(name) for name in found if NUMBER.fullmatch(name) and int(name) < len(classes)}


def _by_imagenet_number(found: Sequence[str], classes: Sequence[str]) -> dict[str, int]:
    """Number k is the k-th WordNet id, whatever the order of the network's classes."""
    class_of = {wnid: k for k, wnid in enumerate(classes)}
    return {name: class_of[wordnet_ids()[k]] for name, k in _by_number(found, classes).items()}


def _twice(found: Sequence[str], class_of: Mapping[str, int]) -> tuple[str, str] | None:
    """Two of the data's classes that are one of the network."""
    first = dict[int, str]()
    for name in found:
        if (other := first.setdefault(class_of[name], name)) != name:
            return other, name
    return None
