"""What a table sets at the scale that was chosen, as part of its base and of its rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from inceptionctl.config.compose import Composer
from inceptionctl.config.overrides import group_choices
from inceptionctl.tables.source import Key, TableSource
from inceptionctl.tables.table import Table, TableRow

DEFAULT = "digits"  # as in conf/base.yaml
Keys = tuple[Key, ...]


@dataclass(frozen=True)
class ScaledSource(TableSource):
    """The file of a table whose words at `scale` were put among the others. `places`: where a word now stands, and
    where the file has it."""

    scale: str = DEFAULT
    places: Mapping[Keys, Keys] = field(default_factory=dict)

    def at(self, keys: Keys) -> str:
        return super().at(self.places.get(keys, keys))


def chosen_scale(words: Sequence[str], base: Sequence[str], composer: Composer) -> str:
    """That of the command line, of the recipe that it names, or of the table's base."""
    for level in (words, base):
        if scales := group_choices(level, "scale"):
            return scales[-1]
        if recipes := group_choices(level, "experiment"):
            chosen = composer.load("train", [f"experiment={recipes[-1]}"]).hydra.runtime.choices
            return str(chosen["scale"])
    return DEFAULT


def at_scale(
    table: Table, words: Sequence[str], composer: Composer, source: TableSource | None = None
) -> tuple[Table, ScaledSource]:
    """`table` as it is at the scale of `words`, and the source that knows where its words stand in the file. A table
    that is so already stays as it is."""
    if isinstance(source, ScaledSource):
        return table, source
    scale = chosen_scale(words, table.base, composer)
    own, places = table.scales.get(scale), dict[Keys, Keys]()
    base = _joined(table.base, own.set if own else [], scale, places)
    rows = list[TableRow]()
    for number, row in enumerate(table.rows):
        if (words_here := row.scales.get(scale)) is not None:
            places |= {("rows", number, "set", i): ("rows", number, "scales", scale, i) for i in range(len(words_here))}
            row = replace(row, set=words_here, scales={scale: words_here})
        else:
            row = replace(row, scales={})
        rows.append(row)
    scaled_source = ScaledSource(table.name, source.path if source else None, scale, places)
    _check_recipes(base, rows, scaled_source, composer)
    metric = own.metric if own and own.metric else table.metric
    also = own.also if own and own.also is not None else table.also
    scaled = replace(table, base=base, rows=rows, metric=metric, also=also, scales={scale: own} if own else {})
    return scaled, scaled_source


def _check_recipes(base: Sequence[str], rows: Sequence[TableRow], source: ScaledSource, composer: Composer) -> None:
    """Raises RequestError for a recipe of another scale."""
    places: dict[Keys, str] = {("base", i): word for i, word in enumerate(base)}
    places |= {("rows", n, "set", i): word for n, row in enumerate(rows) for i, word in enumerate(row.set)}
    recipes = {keys: word for keys, word in places.items() if key_of(word) == "experiment"}
    for keys, word in recipes.items():
        own = source.places.get(keys, keys) != keys  # of this scale, not of the table at any
        if own and (its := chosen_scale([word], [], composer)) != source.scale:
            raise source.error(keys, f"{word} is a recipe of scale={its}, not of scale={source.scale}")


def stated(table: Table) -> Iterator[str]:
    """What a table that `at_scale` returned says aloud: a line for what it sets at its scale, and for its metric."""
    for scale, own in table.scales.items():
        if own.set:
            yield f"table {table.name} sets at scale={scale}: {', '.join(own.set)}"
        if own.metric or own.also:
            yield f"table {table.name} at scale={scale}: rows are compared by {', '.join([table.metric, *table.also])}"


def key_of(word: str) -> str:
    return word.partition("=")[0].lstrip("+")


def _joined(base: Sequence[str], more: Sequence[str], scale: str, places: dict[Keys, Keys]) -> list[str]:
    """`base` without what `more` sets anew, then `more`; `places` learns where each word stood."""
    taken = {key_of(word) for word in more}
    kept: list[tuple[str, Keys]] = [(word, ("base", i)) for i, word in enumerate(base) if key_of(word) not in taken]
    joined = [*kept, *((word, ("scales", scale, "set", i)) for i, word in enumerate(more))]
    places |= {("base", i): origin for i, (_, origin) in enumerate(joined)}
    return [word for word, _ in joined]
