"""What changes from one network to another, stage by stage, and what that does to parameters and multiply-adds."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal, cast

from inceptionctl.describe import notation as words
from inceptionctl.describe.figures import giga, grid, signed
from inceptionctl.describe.stages import Stage, expand
from inceptionctl.models.spec.nodes import Act, Cat, Endpoint, Node, Res, Seq
from inceptionctl.models.zoo.registry import architecture, network

Kind = Literal["changed", "only in A", "only in B", "same"]
Habits = tuple[words.ConvDefaults, words.ConvDefaults]  # of A and of B
MARKS: dict[Kind, str] = {"changed": "~", "only in A": "-", "only in B": "+", "same": "="}
ONLY_A: Kind = "only in A"
ONLY_B: Kind = "only in B"
NOTHING = "none"


@dataclass(frozen=True)
class Change:
    """One stage, or several alike in a row. `details` are the parts that differ, old and new; deltas are of all."""

    kind: Kind
    names: tuple[str, ...]
    details: tuple[str, ...]
    params: int
    macs: int

    @property
    def span(self) -> str:
        return f"{self.names[0]} .. {self.names[-1]}" if len(self.names) > 1 else self.names[0]


def changes(a: Sequence[Stage], b: Sequence[Stage]) -> list[Change]:
    """Every stage of either, those of the same name beside each other, in the order of `b` with those of `a` alone
    where they were. Neighbours that change alike are one."""
    old, new = ({stage.names[0]: stage for stage in rows} for rows in (a, b))
    usual = _habits(a, b)
    found: list[Change] = []
    before: Node | None = None
    for name in _order(list(old), list(new)):
        change = _change(old.get(name), new.get(name), usual)
        node = (new.get(name) or old[name]).node
        if found and node == before and (found[-1].kind, found[-1].details) == (change.kind, change.details):
            last = found.pop()
            params, macs = last.params + change.params, last.macs + change.macs
            change = Change(change.kind, last.names + change.names, change.details, params, macs)
        found.append(change)
        before = node
    return found


def between(a: str, b: str, pixels: int | None) -> list[str]:
    """The changes from network `a` to network `b` as text, each at its paper's input if `pixels` says no other."""
    rows = [expand(network(name), pixels or architecture(name).pixels) for name in (a, b)]
    found = changes(*rows)
    shown = [change for change in found if change.kind != "same"]
    same = sum(len(change.names) for change in found if change.kind == "same")
    figures = grid([(f"{a} -> {b}", "parameters", "multiply-adds"), *map(_line, shown), *_totals(a, b, rows)])
    below: list[Sequence[str]] = [(), *(change.details for change in shown)]
    text = [line for i, figure in enumerate(figures[: len(below)]) for line in (figure, *_indented(below[i]))]
    return [*text, *figures[len(below) :], f"the same in both: {same} stages", *_inputs(a, b, pixels), _habit(rows)]


def as_data(a: str, b: str, pixels: int | None) -> dict[str, Any]:
    """The same for `--json`; stages alike in a row are one entry with all their names."""
    rows = [expand(network(name), pixels or architecture(name).pixels) for name in (a, b)]
    found = changes(*rows)
    return {
        "a": a,
        "b": b,
        "changes": [asdict(change) for change in found if change.kind != "same"],
        "same": [name for change in found if change.kind == "same" for name in change.names],
        "params": sum(change.params for change in found),
        "macs": sum(change.macs for change in found),
    }


def _order(old: list[str], new: list[str]) -> list[str]:
    order = list(new)
    for place, name in enumerate(old):
        if name not in new:
            before = next((earlier for earlier in reversed(old[:place]) if earlier in order), None)
            order.insert(order.index(before) + 1 if before else 0, name)
    return order


def _change(old: Stage | None, new: Stage | None, usual: Habits) -> Change:
    if old and new:
        params, macs = new.params - old.params, new.macs - old.macs
        if old.node == new.node and not params and not macs:  # a pool on another map is no change
            return Change("same", new.names, (), 0, 0)
        return Change("changed", new.names, tuple(_details(old, new, usual)), params, macs)
    stage = cast(Stage, new or old)
    kind, sign = (ONLY_B, 1) if new else (ONLY_A, -1)
    details = tuple(words.lines(_shown(stage.node), usual[1 if new else 0]))
    return Change(kind, stage.names, details, sign * stage.params, sign * stage.macs)


def _details(old: Stage, new: Stage, usual: Habits) -> Iterator[str]:
    if str(old.into) != str(new.into):
        yield f"input: {old.into} -> {new.into}"
    before, after = (dict(parts(_shown(stage.node))) for stage in (old, new))
    told = 0
    for name in _order(list(before), list(after)):
        if before.get(name) == after.get(name):
            continue
        was, now = _words(before.get(name), usual[0]), _words(after.get(name), usual[1])
        if was != now:
            told += 1
            yield f"{name + ': ' if name else ''}{was} -> {now}"
    if not told and usual[0] == usual[1]:
        yield from sorted(set(_settings(old.node, new.node)))


def parts(node: Node) -> Iterator[tuple[str, Node | str]]:
    """What a stage is made of, by name: a module's branches, a head's layers, what a residual block adds."""
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


def _words(part: Node | str | None, usual: words.ConvDefaults) -> str:
    return words.inline(part, usual) if isinstance(part, Node) else part or NOTHING


def _settings(old: Node, new: Node) -> Iterator[str]:
    """What the description of a layer leaves out: initialisation, padding that counts in averages."""
    for a, b in zip(words.leaves(old), words.leaves(new), strict=False):
        for field in fields(a):
            was, now = getattr(a, field.name), getattr(b, field.name, None)
            if was != now:
                yield f"{field.name} of {words.inline(a)}: {was} -> {now}"


def _shown(node: Node) -> Node:
    return node.head if isinstance(node, Endpoint) and node.head else node


def _line(change: Change) -> tuple[str, str, str]:
    label = f"{MARKS[change.kind]} {change.span}{f'  {len(change.names)} x' if len(change.names) > 1 else ''}"
    return label, signed(change.params), signed(change.macs, unit=1e6, digits=1, mark=" M")


def _totals(a: str, b: str, rows: Sequence[Sequence[Stage]]) -> list[tuple[str, str, str]]:
    (pa, ma), (pb, mb) = ((sum(s.params for s in stages), sum(s.macs for s in stages)) for stages in rows)
    return [
        ("  in total", signed(pb - pa), signed(mb - ma, unit=1e6, digits=1, mark=" M")),
        (f"  {a}", f"{pa:,}", giga(ma)),
        (f"  {b}", f"{pb:,}", giga(mb)),
    ]


def _indented(details: Sequence[str]) -> list[str]:
    return [f"    {line}" for line in details]


def _inputs(a: str, b: str, pixels: int | None) -> list[str]:
    if pixels:
        return [f"auxiliary heads counted; both at {pixels} px"]
    return [f"auxiliary heads counted; {a} at {architecture(a).pixels} px, {b} at {architecture(b).pixels} px"]


def _habit(rows: Sequence[Sequence[Stage]]) -> str:
    old, new = map(words.conv_defaults_text, _habits(*rows))
    return f"Convolutions: {old if old == new else f'{old} -> {new}'}, unless said."


def _habits(a: Sequence[Stage], b: Sequence[Stage]) -> Habits:
    return words.conv_defaults(stage.node for stage in a), words.conv_defaults(stage.node for stage in b)
