"""What changes from one network to another, stage by stage, and its effect on parameters and multiply-adds."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal

from inceptionctl.describe import notation
from inceptionctl.describe.format import columns, giga, signed, signed_mega
from inceptionctl.describe.notation import ConvDefaults
from inceptionctl.describe.stages import Stage, expand
from inceptionctl.models.spec.nodes import Act, Cat, Node, Res, Seq
from inceptionctl.models.spec.walk import leaves
from inceptionctl.models.zoo.registry import architecture, network

Kind = Literal["changed", "only in A", "only in B", "same"]
Defaults = tuple[ConvDefaults, ConvDefaults]  # of A and of B
MARKS: dict[Kind, str] = {"changed": "~", "only in A": "-", "only in B": "+", "same": "="}


@dataclass(frozen=True)
class Change:
    """One stage, or neighbours that change alike. `details`: the parts that differ; `params`, `macs`: by how much."""

    kind: Kind
    names: tuple[str, ...]
    details: tuple[str, ...]
    params: int
    macs: int

    @property
    def span(self) -> str:
        return f"{self.names[0]} .. {self.names[-1]}" if len(self.names) > 1 else self.names[0]


def changes(a: Sequence[Stage], b: Sequence[Stage]) -> list[Change]:
    """Every stage of either network, paired by name, in the order of `b`, those of `a` alone in their places."""
    old, new = ({stage.names[0]: stage for stage in rows} for rows in (a, b))
    defaults = _defaults(a, b)
    found: list[Change] = []
    before: Node | None = None
    for name in _order(list(old), list(new)):
        change = _change(old.get(name), new.get(name), defaults)
        node = (new.get(name) or old[name]).node
        if found and node == before and (found[-1].kind, found[-1].details) == (change.kind, change.details):
            last = found.pop()
            params, macs = last.params + change.params, last.macs + change.macs
            change = Change(change.kind, last.names + change.names, change.details, params, macs)
        found.append(change)
        before = node
    return found


def as_text(a: str, b: str, pixels: int | None) -> list[str]:
    """The changes from network `a` to network `b`; `pixels`: another input than those of their papers."""
    rows = _stages(a, b, pixels)
    found = changes(*rows)
    shown = [change for change in found if change.kind != "same"]
    same = sum(len(change.names) for change in found if change.kind == "same")
    table = columns([(f"{a} -> {b}", "parameters", "multiply-adds"), *map(_line, shown), *_totals(a, b, rows)])
    details: list[Sequence[str]] = [(), *(change.details for change in shown)]
    text = [line for first, more in zip(table, details, strict=False) for line in (first, *_indented(more))]
    return [*text, *table[len(details) :], f"the same in both: {same} stages", _inputs(a, b, pixels), _footnote(rows)]


def as_json(a: str, b: str, pixels: int | None) -> dict[str, Any]:
    """The same for `--json`."""
    found = changes(*_stages(a, b, pixels))
    return {
        "a": a,
        "b": b,
        "changes": [asdict(change) for change in found if change.kind != "same"],
        "same": [name for change in found if change.kind == "same" for name in change.names],
        "params": sum(change.params for change in found),
        "macs": sum(change.macs for change in found),
    }


def parts(node: Node) -> Iterator[tuple[str, Node | str]]:
    """The parts of a stage by name: a module's branches, a head's layers, the terms of a residual block."""
    if not isinstance(node, Cat | Seq | Res):
        yield "", node
        return
    for name, child in node:
        yield from child if isinstance(child, Cat) else [(name, child)]
    if isinstance(node, Res):
        yield "shortcut", node.shortcut or "the input"
        if node.scale != 1:
            yield "scale", f"{node.scale:g}"
        if node.relu:
            yield "relu", Act()


def _stages(a: str, b: str, pixels: int | None) -> list[list[Stage]]:
    return [expand(network(name), pixels or architecture(name).pixels) for name in (a, b)]


def _order(old: list[str], new: list[str]) -> list[str]:
    order = list(new)
    for place, name in enumerate(old):
        if name not in new:
            before = next((earlier for earlier in reversed(old[:place]) if earlier in order), None)
            order.insert(order.index(before) + 1 if before else 0, name)
    return order


def _change(old: Stage | None, new: Stage | None, defaults: Defaults) -> Change:
    if old and new:
        params, macs = new.params - old.params, new.macs - old.macs
        if old.node == new.node and not params and not macs:  # a pool on another map is no change
            return Change("same", new.names, (), 0, 0)
        return Change("changed", new.names, tuple(_details(old, new, defaults)), params, macs)
    if new:
        return Change("only in B", new.names, tuple(notation.lines(new.module, defaults[1])), new.params, new.macs)
    assert old
    return Change("only in A", old.names, tuple(notation.lines(old.module, defaults[0])), -old.params, -old.macs)


def _details(old: Stage, new: Stage, defaults: Defaults) -> Iterator[str]:
    if str(old.into) != str(new.into):
        yield f"input: {old.into} -> {new.into}"
    before, after = dict(parts(old.module)), dict(parts(new.module))
    texts = [
        (name, _text(before.get(name), defaults[0]), _text(after.get(name), defaults[1]))
        for name in _order(list(before), list(after))
        if before.get(name) != after.get(name)
    ]
    differing = [(f"{name}: " if name else "", was, now) for name, was, now in texts if was != now]
    yield from (f"{name}{was} -> {now}" for name, was, now in differing)
    if not differing and defaults[0] == defaults[1]:
        yield from sorted(set(_settings(old.node, new.node)))


def _text(part: Node | str | None, defaults: ConvDefaults) -> str:
    return notation.inline(part, defaults) if isinstance(part, Node) else part or "none"


def _settings(old: Node, new: Node) -> Iterator[str]:
    """What the notation of a layer leaves out, such as initialisation and padding that counts in averages."""
    for a, b in zip(leaves(old), leaves(new), strict=False):
        for field in fields(a):
            was, now = getattr(a, field.name), getattr(b, field.name, None)
            if was != now:
                yield f"{field.name} of {notation.inline(a)}: {was} -> {now}"


def _line(change: Change) -> tuple[str, str, str]:
    label = f"{MARKS[change.kind]} {change.span}{f'  {len(change.names)} x' if len(change.names) > 1 else ''}"
    return label, signed(change.params), signed_mega(change.macs)


def _totals(a: str, b: str, rows: Sequence[Sequence[Stage]]) -> list[tuple[str, str, str]]:
    (pa, ma), (pb, mb) = ((sum(s.params for s in stages), sum(s.macs for s in stages)) for stages in rows)
    return [
        ("  in total", signed(pb - pa), signed_mega(mb - ma)),
        (f"  {a}", f"{pa:,}", giga(ma)),
        (f"  {b}", f"{pb:,}", giga(mb)),
    ]


def _indented(details: Sequence[str]) -> list[str]:
    return [f"    {line}" for line in details]


def _inputs(a: str, b: str, pixels: int | None) -> str:
    inputs = f"both at {pixels} px" if pixels else ", ".join(f"{n} at {architecture(n).pixels} px" for n in (a, b))
    return f"auxiliary heads counted; {inputs}"


def _footnote(rows: Sequence[Sequence[Stage]]) -> str:
    old, new = map(notation.conv_defaults_text, _defaults(*rows))
    return f"Convolutions: {old if old == new else f'{old} -> {new}'}, unless said."


def _defaults(a: Sequence[Stage], b: Sequence[Stage]) -> Defaults:
    return notation.conv_defaults(stage.node for stage in a), notation.conv_defaults(stage.node for stage in b)
