"""Fits the tensors of a file to a network by their shapes and types, and says what is left or replaced. No torch."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from inceptionctl.errors import RequestError, count
from inceptionctl.models.spec.tensors import Shape
from inceptionctl.models.weights.choose import LIST, Chosen, listed
from inceptionctl.models.weights.contents import FLOATS, INTEGERS, Stored
from inceptionctl.models.weights.find import COUNTER
from inceptionctl.models.weights.maps import CAFFE, head_of, kind_of
from inceptionctl.models.weights.releases import RELEASES

CLASSIFIERS = ("logits.weight", "logits.bias", "logits.conv.weight", "logits.conv.bias")


@dataclass(frozen=True)
class Fit:
    """`sources`: the file's name of each of our tensors that it fills; `background`: ours whose source has a row for
    Google's class 0 too; `notes` for people, and those about auxiliary heads, `head_notes`."""

    sources: Mapping[str, str]
    background: frozenset[str]
    notes: tuple[str, ...]
    head_notes: tuple[str, ...]


def fit(arch: str, ours: Mapping[str, Shape], chosen: Chosen) -> Fit:
    """Which tensors fill those of the shapes `ours`: without auxiliary heads that only one of the two has, and without
    classifiers for other classes. Raises RequestError for tensors of another shape, or whose type is no weight's."""
    given = chosen.found.part.tensors
    sources = {own: name for name, own in chosen.found.names.items()}
    shapes = {own: given[name].shape for own, name in sources.items()}
    head_notes = tuple(_drop_heads(shapes, ours))
    background = frozenset(key for key in shapes if _has_background(key, shapes[key], ours[key]))
    notes = [*chosen.notes, *_replace_classifiers(shapes, ours)]
    wrong = [
        f"{sources[key]} {_shape(shape)}, here {_shape(ours[key])}"
        for key, shape in shapes.items()
        if key not in background and not _same(shape, ours[key])
    ]
    if wrong:
        raise RequestError(
            f"the weights are of another size than this {arch}: {listed(wrong, '; ')}{LIST.format(arch=arch)}"
        )
    if "logits.weight" in background:
        notes.append("class 0 of 1001, the background, is dropped")
    found = Fit({key: sources[key] for key in shapes}, background & shapes.keys(), tuple(notes), head_notes)
    _check_types(found, given)
    return found


def classes_in(arch: str, chosen: Chosen) -> int:
    """The classes of the file's classifier, without Google's background. Raises RequestError if it has no shape of
    one."""
    found = chosen.found
    for name, own in found.names.items():
        if own in ("logits.weight", "logits.conv.weight"):
            shape = found.part.tensors[name].shape
            if not shape or not shape[0]:
                raise RequestError(f"{name}, the classifier of the weights, is {_shape(shape)}")
            return {1001: 1000}.get(shape[0], shape[0])
    raise RequestError(f"the weights contain no classifier of {arch}")


def epsilon_note(arch: str, publisher: str, bn_eps: float | None) -> list[str]:
    """Says that the library whose names a file has uses another epsilon of batch norm."""
    entry = next((entry for entry in RELEASES.get(arch, ()) if entry.publisher == publisher), None)
    if not entry or entry.bn_eps is None or bn_eps in (None, entry.bn_eps):
        return []
    return [f"batch norm has epsilon {bn_eps:g} here, and {entry.bn_eps:g} in {publisher}, whose names the file has"]


def input_note(arch: str, publisher: str, input: str) -> list[str]:
    """Says that the library whose names a file has normalises images in another way."""
    entry = next((entry for entry in RELEASES.get(arch, ()) if entry.publisher == publisher), None)
    inputs = {CAFFE} if publisher == CAFFE else {*entry.inputs.values()} if entry else {input}
    if input in inputs:
        return []
    theirs = " or ".join(sorted(inputs))
    return [f"arch.input = {input} here, and {theirs} for the weights of {publisher}, whose names the file has"]


def _drop_heads(shapes: dict[str, Shape], ours: Mapping[str, Shape]) -> Iterator[str]:
    """Removes from `shapes` the auxiliary heads that have no place in `ours`."""
    theirs, wanted = ({head for key in state if (head := head_of(key))} for state in (shapes, ours))
    for head in sorted(wanted - theirs):
        yield f"the auxiliary head {head} keeps its initial weights: the file has none"
    for head in sorted(theirs):
        keys = [key for key in shapes if head_of(key) == head]
        if head not in wanted:
            yield f"the file's auxiliary head {head} is left out: this network has none there"
        elif any(not _same(shapes[k], ours[k]) for k in keys if not _is_classifier(k)):
            yield f"the auxiliary head {head} keeps its initial weights: the file's is for another size of input"
        else:
            continue
        for key in keys:
            del shapes[key]


def _replace_classifiers(shapes: dict[str, Shape], ours: Mapping[str, Shape]) -> Iterator[str]:
    """Removes the classifiers for other classes, so that the initial ones stay. One whose weight or bias has not the
    shape of a classifier here is kept, and is of the wrong size."""
    heads = {head_of(key): key for key in shapes if _is_classifier(key) and kind_of(key) == "weight"}
    replaced = {head: key for head, key in heads.items() if _for_other_classes(key, shapes, ours)}
    if "" in replaced:
        there, here = shapes[replaced[""]][0], ours[replaced[""]][0]
        also = ", those of the auxiliary heads too" if len(replaced) > 1 else ""
        yield f"the classifier is replaced: the weights have {there:,} classes, this data {here:,}{also}"
    for key in replaced.values():
        del shapes[key]
        shapes.pop(_bias_of(key), None)


def _for_other_classes(key: str, shapes: Mapping[str, Shape], ours: Mapping[str, Shape]) -> bool:
    there, here = shapes[key], ours[key]
    if len(there) not in (2, 4) or there[0] == here[0] or _has_background(key, there, here):
        return False
    return bool(there[0]) and _same((here[0], *there[1:]), here) and shapes.get(_bias_of(key), there[:1]) == there[:1]


def _has_background(key: str, there: Shape, here: Shape) -> bool:
    """Whether it is a classifier with Google's class 0 before the 1000 of here."""
    return _is_classifier(key) and (there[:1], here[:1]) == ((1001,), (1000,)) and _same((1000, *there[1:]), here)


def _same(there: Shape, here: Shape) -> bool:
    """Whether these are the same numbers in order: of one shape, or one a convolution over a whole map and the other
    fully connected."""
    if there == here:
        return True
    return {len(there), len(here)} == {2, 4} and there[0] == here[0] and math.prod(there[1:]) == math.prod(here[1:])


def _check_types(found: Fit, given: Mapping[str, Stored]) -> None:
    """Raises RequestError for a tensor that is no weight, or cannot be read."""
    for own, name in found.sources.items():
        tensor = given[name]
        if tensor.problem:
            raise RequestError(f"{name} of the weights {tensor.problem}; save it as an ordinary float32 tensor")
        if tensor.dtype not in FLOATS and not (kind_of(own) == COUNTER and tensor.dtype in INTEGERS):
            raise RequestError(
                f"{name} of the weights is {tensor.dtype}; weights are {', '.join(FLOATS)}\n"
                "  convert it where it came from: nothing is cast here, since its scale is not known"
            )


def conversion_notes(found: Fit, given: Mapping[str, Stored]) -> list[str]:
    """Says how many tensors are converted to float32, and from what."""
    weights = [given[name].dtype for own, name in found.sources.items() if kind_of(own) != COUNTER]
    others = Counter(dtype for dtype in weights if dtype != "float32")
    return [f"{count(n, 'tensor')} converted from {dtype} to float32" for dtype, n in sorted(others.items())]


def _bias_of(weight: str) -> str:
    return f"{weight.rpartition('.')[0]}.bias"


def _is_classifier(key: str) -> bool:
    return key.removeprefix(f"{head_of(key)}.") in CLASSIFIERS


def _shape(shape: Shape) -> str:
    return "x".join(map(str, shape)) or "a number"
