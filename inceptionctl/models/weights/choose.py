"""Finds a network's tensors in a file: under our names or a library's, behind prefixes, in one of several parts.

torch.compile, DistributedDataParallel and Lightning put prefixes before names; training scripts keep state dicts under
keys, often an average beside the last weights. A network is found where all its names are; where it is found twice, the
average is taken, as timm does, and said; `weights_key` chooses.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from inceptionctl.errors import RequestError, count
from inceptionctl.models.weights.contents import StateDict
from inceptionctl.models.weights.maps import head_of, kind_of, name_map
from inceptionctl.models.weights.releases import RELEASES

COUNTER = "num_batches_tracked"  # absent in old files; only a cumulative average needs it
BOOKKEEPING = {"n_averaged", "steps"}  # of torch's and MMEngine's averages
# Parts of names that wrappers insert, wherever they stand: no layer is called so.
INSERTED = re.compile(r"(?:(?<=\.)|^)(?:_orig_mod|_fsdp_wrapped_module|_checkpoint_wrapped_module)\.")
WRAPPERS = {"module", "model", "net", "network"}
AVERAGE = re.compile(r"(^|[._])(ema|swa|averaged?|shadow)([._]|$)")
SHOWN = 10  # names in a message
OWN = "our own"
LIST = "\n  `inceptionctl models {arch} --tensors` lists the names and shapes that fit"


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


@dataclass(frozen=True)
class Chosen:
    """`key`: what chooses this network again where the file has several; None where it has one. `notes`: for people."""

    found: Found
    key: str | None
    notes: tuple[str, ...]


def choose(arch: str, ours: Iterable[str], parts: Sequence[StateDict], weights_key: str | None = None) -> Chosen:
    """The network `arch` with tensors of the names `ours` in the parts of a file. Raises RequestError where it is not
    there, where several are and none of them is an average, and for tensors that belong nowhere."""
    ours = set(ours)
    candidates = [found for part in parts for found in _candidates(arch, ours, part)]
    every = [found for found in candidates if not found.missing]
    if weights_key is not None:
        candidates = _called(weights_key, candidates, every, parts)
    whole = _distinct([found for found in candidates if not found.missing])
    if not whole:
        raise _unfit(arch, candidates, parts)
    found = whole[0] if len(whole) == 1 else _average(whole, parts)
    if found is None:
        raise RequestError(
            f"the weights contain {arch} {len(whole)} times: {listed([_shown(other) for other in whole], ' and ')}\n"
            f"  choose with {' or '.join(_choice(_call(other, every)) for other in whole)}"
        )
    every = _distinct([found, *every])
    others = every[1:]
    beside = found.outside - {name for other in others if other.part is found.part for name in other.names}
    _check(arch, found, beside)
    calls = [_call(other, every) for other in others]
    notes = _notes(found, _call(found, every), calls, _is_average(found, parts), beside)
    return Chosen(found, _call(found, every) if others else None, tuple(notes))


def _candidates(arch: str, ours: set[str], part: StateDict) -> Iterator[Found]:
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
    theirs = {entry.publisher: name_map(arch, entry.publisher) for entry in RELEASES.get(arch, ())}
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


def _called(key: str, candidates: Sequence[Found], whole: Sequence[Found], parts: Sequence[StateDict]) -> list[Found]:
    """The candidates that `weights_key` names. Raises RequestError if it names none."""
    if chosen := [found for found in candidates if key in found.is_called]:
        return chosen
    keys = dict.fromkeys([*(found.label for found in whole), *(part.key for part in parts)])
    known = listed([key for key in keys if key])
    raise RequestError(
        f"weights_key = {key}: the file has no weights of this network under that key\n"
        f"  {f'available: {known}' if known else 'it has one state dict: leave weights_key out'}"
    )


def _distinct(found: Sequence[Found]) -> list[Found]:
    """Without those whose tensors are the same bytes as those of an earlier part."""
    kept = dict[object, Found]()
    for one in found:
        tensors = frozenset((own, one.part.tensors[name]) for name, own in one.names.items())
        is_stored = all(tensor.storage for _, tensor in tensors)
        kept.setdefault((one.prefix, tensors) if is_stored else one.label, one)
    return list(kept.values())


def _average(whole: Sequence[Found], parts: Sequence[StateDict]) -> Found | None:
    """The one average among several, if there is exactly one."""
    averages = [found for found in whole if _is_average(found, parts)]
    return averages[0] if len(averages) == 1 else None


def _is_average(found: Found, parts: Sequence[StateDict]) -> bool:
    """By its name, or by how Lightning and MMEngine store an average: both put it in the place of the weights, the
    first beside `current_model_state`, the second beside an `ema_state_dict` that then has the last weights."""
    by_key = {part.key: part for part in parts}
    swapped = "steps" in by_key["ema_state_dict"].tensors if "ema_state_dict" in by_key else False
    if "current_model_state" in by_key or swapped:
        return found.part.key == "state_dict"
    return bool(AVERAGE.search(found.label)) or "n_averaged" in found.part.tensors


def _check(arch: str, found: Found, beside: frozenset[str]) -> None:
    """Raises RequestError for tensors that belong nowhere, and for those `beside` the network that double its own."""
    if found.part.unnamed:
        raise _not_text(found.part)
    _check_leftovers(arch, found)
    if doubled := [name for name in sorted(beside) if _is_of_network(name, found)]:
        raise RequestError(
            f"the weights have {found.prefix}{_bare(doubled[0])} and {doubled[0]}: names with the prefix "
            f"{found.prefix} and without; save the ones that are meant"
        )


def _not_text(part: StateDict) -> RequestError:
    return RequestError(f"the weights have tensors under keys that are not text: {listed(part.unnamed)}")


def _is_of_network(name: str, found: Found) -> bool:
    """Whether a name without the prefix is one of the network behind wrappers' prefixes alone."""
    given = {INSERTED.sub("", full)[len(found.prefix) :] for full in found.names}
    return _bare(name) in given


def _bare(name: str) -> str:
    pieces = INSERTED.sub("", name).split(".")
    while len(pieces) > 1 and pieces[0] in WRAPPERS:
        pieces = pieces[1:]
    return ".".join(pieces)


def _check_leftovers(arch: str, found: Found) -> None:
    lists = {"missing": sorted(found.missing), "unexpected": sorted(found.unexpected)}
    if leftovers := [f"{len(keys)} {kind} ({listed(keys)})" for kind, keys in lists.items() if keys]:
        behind = f" behind the prefix {found.prefix}" if found.prefix else ""
        raise RequestError(
            f"the weights do not fit this {arch} (read by {found.publisher} names{behind}): {'; '.join(leftovers)}"
            f"{LIST.format(arch=arch)}"
        )


def _unfit(arch: str, candidates: Sequence[Found], parts: Sequence[StateDict]) -> RequestError:
    """The error that no part of the file is the whole network: of the nearest, what it lacks."""
    nearest = max(candidates, key=lambda found: len(found.names) - len(found.missing), default=None)
    if nearest and len(nearest.names) >= len(nearest.missing):
        try:
            _check_leftovers(arch, nearest)
        except RequestError as error:
            return error
    part = max(parts, key=lambda part: len(part.tensors))
    if part.unnamed and not part.tensors:
        return _not_text(part)
    where = f" under {part.key}" if part.key else ""
    begin = f"their names{where} begin with {listed(list(part.tensors)[:3])}"
    if nearest:
        begin += f"; missing are {listed(sorted(nearest.missing))}"
    return RequestError(f"the weights do not fit this {arch}: {begin}{LIST.format(arch=arch)}")


def _call(found: Found, every: Sequence[Found]) -> str:
    """The shortest name that `weights_key` may give to one of several networks in a file."""
    alone = sum(other.part.key == found.part.key for other in every) == 1
    return found.part.key if alone and found.part.key else found.label


def _notes(found: Found, taken: str, others: Sequence[str], is_average: bool, beside: frozenset[str]) -> Iterator[str]:
    """`taken` and `others`: what `weights_key` calls the networks in the file; `beside`: other tensors of the part."""
    if others:
        name = f"{taken or 'the outermost'}{', an average,' if is_average else ''}"
        rest = " or ".join(map(_choice, others))
        yield f"of {count(1 + len(others), 'state dict')} in the file, {name} is taken ({rest} takes another)"
    if found.removed:
        yield f"the prefix {found.removed} is removed from the names"
    elif inserted := [full for full in found.names if INSERTED.search(full)]:
        yield f"what a wrapper has inserted is removed from {count(len(inserted), 'name')} ({inserted[0]})"
    if left := sorted({*beside, *found.part.others} - BOOKKEEPING):
        yield f"beside these weights, {count(len(left), 'item')} of the file: left out ({listed(left)})"


def _choice(name: str) -> str:
    return f"weights_key={name}" if name else "weights_key=''"


def _shown(found: Found) -> str:
    """Where a network is, by its first name in the file."""
    under = f"under {found.part.key} " if found.part.key else ""
    return f"{under}{next(iter(found.names))}"


def listed(keys: Sequence[str], between: str = ", ") -> str:
    """On one line, since only the last line of a worker's error is shown."""
    more = [f"and {len(keys) - SHOWN:,} more"] if len(keys) > SHOWN else []
    return between.join([*keys[:SHOWN], *more])
