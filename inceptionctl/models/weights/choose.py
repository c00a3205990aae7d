"""Chooses among the networks in a file of weights, and says what was taken, what was left, and what does not fit.

Training scripts keep state dicts under keys, often an average beside the last weights. Where a network is found twice,
the average is taken, as timm does, and said; `weights_key` chooses.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from inceptionctl.errors import RequestError, count
from inceptionctl.models.weights.contents import StateDict
from inceptionctl.models.weights.find import BOOKKEEPING, INSERTED, Found, candidates

WRAPPERS = {"module", "model", "net", "network"}
AVERAGE = re.compile(r"(^|[._])(ema|swa|averaged?|shadow)([._]|$)")
SHOWN = 10  # names in a message
LIST = "\n  `inceptionctl models {arch} --tensors` lists the names and shapes that fit"


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
    tried = [found for part in parts for found in candidates(arch, ours, part)]
    every = [found for found in tried if not found.missing]
    if weights_key is not None:
        tried = _called(weights_key, tried, every, parts)
    whole = _distinct([found for found in tried if not found.missing])
    if not whole:
        raise _unfit(arch, tried, parts)
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


def _called(key: str, tried: Sequence[Found], whole: Sequence[Found], parts: Sequence[StateDict]) -> list[Found]:
    """The candidates that `weights_key` names. Raises RequestError if it names none."""
    if chosen := [found for found in tried if key in found.is_called]:
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


def _unfit(arch: str, tried: Sequence[Found], parts: Sequence[StateDict]) -> RequestError:
    """The error that no part of the file is the whole network: of the nearest, what it lacks."""
    nearest = max(tried, key=lambda found: len(found.names) - len(found.missing), default=None)
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
