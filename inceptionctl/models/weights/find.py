"""Finds where in a state dict the tensors of a network are: under our names or a library's, behind prefixes.

torch.compile, DistributedDataParallel and Lightning put prefixes before names.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from inceptionctl.errors import RequestError
from inceptionctl.models.weights.contents import StateDict
from inceptionctl.models.weights.maps import head_of, kind_of, name_map, publishers

COUNTER = "num_batches_tracked"  # absent in old files; only a cumulative average needs it
BOOKKEEPING = {"n_averaged", "steps"}  # of torch's and MMEngine's averages
# Parts of names that wrappers insert, wherever they stand: no layer is called so.
INSERTED = re.compile(r"(?:(?<=\.)|^)(?:_orig_mod|_fsdp_wrapped_module|_checkpoint_wrapped_module)\.")
OWN = "our own"


@dataclass(frozen=True)
class Found:
    """A network in `part` behind `prefix`. `names`: the file's name of each tensor and ours, by the names of
    `publisher`; `missing` and `unexpected` in the file's words; `outside`: the part's tensors without the prefix."""

    part: StateDict
    prefix: str
    publisher: str
    names: Mapping[str, str]
    missing: frozenset[str]
    unexpected: frozenset[str]
    outside: frozenset[str]

    @cached_property
    def label(self) -> str:
        """What `weights_key` calls it."""
        return ".".join(filter(None, (self.part.key, self.prefix.rstrip("."))))

    @cached_property
    def removed(self) -> str:
        """What stands before the names in the file: the prefix, and what torch.compile inserts before it or behind."""
        full, name = next((full, INSERTED.sub("", full)[len(self.prefix) :]) for full in self.names)
        return full.removesuffix(name) if full.endswith(name) else self.prefix

    @property
    def is_called(self) -> set[str]:
        return {self.label} | {self.part.key, self.prefix.rstrip(".")} - {""}


def candidates(arch: str, ours: set[str], part: StateDict) -> Iterator[Found]:
    """Wherever at least one of the network's names is, by whose names most are."""
    clean = {name: INSERTED.sub("", name) for name in part.tensors}
    if twice := [name for name, n in Counter(clean.values()).items() if n > 1]:
        both = [name for name in clean if clean[name] == twice[0]]
        raise RequestError(
            f"the weights have {' and '.join(both)}: two tensors of one name; save the one that is meant"
        )
    counts = Counter[tuple[str, str]]()
    namings = _namings(arch, ours)
    for publisher, names in namings.items():
        for name in clean.values():
            pieces = name.split(".")
            for i in range(len(pieces)):
                if ".".join(pieces[i:]) in names:
                    counts[publisher, "".join(f"{piece}." for piece in pieces[:i])] += 1
    prefixes = {prefix for _, prefix in counts}
    for prefix in sorted(prefixes, key=lambda p: (-max(counts[n, p] for n in namings), p)):
        publisher = max(namings, key=lambda naming: counts[naming, prefix])
        yield _found(part, prefix, publisher, namings[publisher], clean, ours)


def _namings(arch: str, ours: set[str]) -> dict[str, dict[str, str]]:
    """{theirs: ours} by publisher."""
    theirs = {publisher: name_map(arch, publisher) for publisher in publishers(arch)}
    return {OWN: {key: key for key in ours}} | theirs


def _found(
    part: StateDict, prefix: str, publisher: str, naming: dict[str, str], clean: dict[str, str], ours: set[str]
) -> Found:
    inside = {full: name[len(prefix) :] for full, name in clean.items() if name.startswith(prefix)}
    here = {"", *map(head_of, ours)}
    if publisher == OWN:  # heads that this network lacks
        naming = naming | {name: name for name in inside.values() if head_of(name) not in here}
    given = {name for name in inside.values() if name in naming}
    needed = here & {"", *(head_of(naming[name]) for name in given)}  # the file may lack heads
    expected = {
        name for name, own in naming.items() if own in ours and head_of(own) in needed and kind_of(name) != COUNTER
    }
    unnamed = {key for key in ours - set(naming.values()) if not head_of(key)}
    fits = {n for n in given if naming[n] in ours or head_of(naming[n]) not in here}
    names = {full: naming[name] for full, name in inside.items() if name in fits}
    return Found(
        part=part,
        prefix=prefix,
        publisher=publisher,
        names=names,
        missing=frozenset((expected - given) | unnamed),
        unexpected=frozenset(name for name in inside.values() if name not in fits and name not in BOOKKEEPING),
        outside=frozenset(full for full in clean if full not in inside),
    )
