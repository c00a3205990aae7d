"""ImageNet's 1000 classes: their WordNet ids in the order of every release, and their names, from files of timm.

timm is found, not imported: importing it imports torch.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from inceptionctl.errors import InceptionctlError
from inceptionctl.files import FileError, read_text

# Where torchvision's name of a class is not the first of WordNet's: two pairs of classes share theirs.
TORCHVISION = {"n02012849": "crane bird", "n03710721": "maillot tank suit"}


@cache
def wordnet_ids() -> tuple[str, ...]:
    """Of ILSVRC-2012's 1000 classes, sorted: class k of every release is the k-th."""
    return tuple(timm_text("imagenet_synsets.txt").split())


@cache
def lemmas() -> Mapping[str, Sequence[str]]:
    """WordNet's names of each class by its id: ("tench", "Tinca tinca")."""
    lines = (line.partition("\t") for line in timm_text("imagenet_synset_to_lemma.txt").splitlines())
    wanted = frozenset(wordnet_ids())
    return {wnid: tuple(names.split(", ")) for wnid, _, names in lines if wnid in wanted}


@cache
def categories() -> Mapping[str, str]:
    """The name of each class by its id, as torchvision has them: all differ."""
    return {wnid: TORCHVISION.get(wnid) or names[0] for wnid, names in lemmas().items()}


@cache
def ids_by_name() -> Mapping[str, Sequence[str]]:
    """The ids that each name may mean: of one class, or of several that share it. A name may be all of WordNet's with
    commas, as many data sets have them. Names as `plain` has them."""
    found = defaultdict[str, list[str]](list)
    for wnid in wordnet_ids():
        for name in dict.fromkeys(map(plain, (categories()[wnid], *lemmas()[wnid], all_names(wnid)))):
            found[name].append(wnid)
    return dict(found)


def meanings(name: str, beside: Sequence[str]) -> list[str]:
    """The ids that `name` may mean. A name that several classes share means the one that torchvision calls so, if
    `beside` has torchvision's names of the others too, or all of theirs."""
    ids, called = list(ids_by_name().get(plain(name), ())), {spaced(other) for other in beside}
    exact = [wnid for wnid in ids if categories()[wnid] == spaced(name)]
    others = [{categories()[wnid], all_names(wnid)} for wnid in ids if wnid not in exact]
    return exact if exact and all((names - {spaced(name)}) & called for names in others) else ids


def all_names(wnid: str) -> str:
    """Those of WordNet: "tench, Tinca tinca"."""
    return ", ".join(lemmas()[wnid])


def spaced(name: str) -> str:
    """A name as it may stand in a file name or a list, with spaces for underscores."""
    return name.replace("_", " ")


def plain(name: str) -> str:
    """A name without the differences in spelling that mean nothing: capitals, and underscores for spaces."""
    return " ".join(spaced(name).casefold().split())


def readable(classes: Sequence[str]) -> list[str]:
    """Names to show: "tench (n01440764)" for a WordNet id of ImageNet, any other name as it is."""
    known = categories()
    return [f"{known[name]} ({name})" if name in known else name for name in classes]


@cache
def timm_text(name: str) -> str:
    """A file of `timm.data`. Raises InceptionctlError where this version of timm lacks it."""
    spec = find_spec("timm")
    folder = Path((spec.submodule_search_locations or [""])[0] if spec else "")
    try:
        return read_text(folder / "data" / "_info" / name)
    except FileError as error:
        raise InceptionctlError(f"timm lacks ImageNet's classes: {error}") from error
