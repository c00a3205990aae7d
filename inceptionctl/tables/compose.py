"""Composes the rows of a table: its base, what a row sets and adds, and what the command line says of all rows.

An error names the word that does not fit: of the file, with its line, or of the command line.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from hydra.core.override_parser.types import Override

from inceptionctl.config.compose import Composer
from inceptionctl.config.identity import identity
from inceptionctl.config.idle import check_idle, idle_settings
from inceptionctl.config.overrides import flatten_overrides
from inceptionctl.config.schema import Config
from inceptionctl.config.switches import check_effect, check_switches
from inceptionctl.config.validate import parse
from inceptionctl.errors import RequestError
from inceptionctl.evaluation.protocols import ProtocolSettings
from inceptionctl.tables.check import words_of
from inceptionctl.tables.scales import at_scale, key_of
from inceptionctl.tables.source import Key, TableSource
from inceptionctl.tables.table import Member, Table


@dataclass(frozen=True)
class RowComposer:
    """Composes rows: the table's base, what the row sets and adds, and `typed` and `switches` of the command line,
    which replace what the base sets."""

    table: Table
    typed: Sequence[Override]
    switches: Sequence[str]
    composer: Composer

    def checked_base(self, source: TableSource) -> Config:
        try:
            return self._config(self.table.base, [], [])
        except RequestError as error:
            raise self._base_error(error, source) from error

    def checked_row(self, number: int, source: TableSource) -> Config:
        """Raises RequestError with the line of the word that does not fit."""
        row = self.table.rows[number]
        try:
            config = self._config(self.table.base, words_of(self.table, row), self._switches(number))
        except RequestError as error:
            raise self._row_error(number, error, source) from error
        for keys, check in self._effects(number, config).items():
            try:
                check()
            except RequestError as error:
                raise source.error(("rows", number, *keys), f"row {row.label!r}: {error}") from error
        return config

    def _effects(self, number: int, config: Config) -> dict[tuple[Key, ...], Callable[[], None]]:
        """The checks that each word of a row, and its switch, has an effect on it."""
        row = self.table.rows[number]
        checks: dict[tuple[Key, ...], Callable[[], None]] = {
            ("set", place): partial(check_idle, [config], flatten_overrides([word]))
            for place, word in enumerate(row.set)
        }
        return checks | ({("add",): partial(self._check_added, number, config)} if row.add else {})

    def checked_members(self, number: int, config: Config, source: TableSource) -> list[tuple[Config, int]]:
        """The networks of an ensemble, each with how many of it there are; `config` is the row's own."""
        members = self.table.rows[number].members
        return [
            (self._checked_member(number, place, source) if member.set or member.add else config, member.models)
            for place, member in enumerate(members)
        ]

    def _checked_member(self, number: int, place: int, source: TableSource) -> Config:
        row, at = self.table.rows[number], ("rows", number, "members", place)
        member = row.members[place]
        try:
            config = self._member(number, member)
            check_idle([config], flatten_overrides(member.set))
            if member.add:
                check_effect(member.add, self.composer.settings_in("ablation", member.add), config)
        except RequestError as error:
            raise source.error(at, f"row {row.label!r}, members[{place}]: {error}") from error
        return config

    def _member(self, number: int, member: Member) -> Config:
        taken = {key_of(word) for word in member.set}
        words = [word for word in words_of(self.table, self.table.rows[number]) if key_of(word) not in taken]
        switches = [*self._switches(number), *([member.add] if member.add else [])]
        return self._config(self.table.base, [*words, *member.set], switches)

    def protocol(self, option: str) -> ProtocolSettings:
        """The settings of an option of conf/protocol."""
        return self._config(self.table.base, [f"protocol={option}"], []).protocol

    def config(self, words: Sequence[str], switches: Sequence[str]) -> Config:
        """The base with these words and switches, whichever row has them. Raises RequestError for what does not fit."""
        return self._config(self.table.base, words, switches)

    def check_switches(self) -> None:
        """Raises RequestError for a switch of the command line that has no effect on any row."""
        errors: list[RequestError] = []
        for row in self.table.rows if self.switches else ():
            words = self._words(self.table.base, words_of(self.table, row), self.switches)
            try:
                check_switches(self.composer, words, self.composer.compose("train", words))
                return
            except RequestError as error:
                errors.append(error)
        if errors:
            raise errors[0]

    def _check_added(self, number: int, config: Config) -> None:
        row = self.table.rows[number]
        assert row.add
        sets = self.composer.settings_in("ablation", row.add)
        check_effect(row.add, sets, config)
        twin = any(other.set == row.set and not other.add for other in self.table.rows)
        if self.table.mode == "independent" and sets and not twin:  # beside a twin it would be the same run
            without = self._config(self.table.base, row.set, [])
            if identity(without) == identity(config):
                raise RequestError(f"ablation={row.add} changes nothing here: what it sets is so without it")

    def _switches(self, number: int) -> list[str]:
        """Of a row: in a cumulative table, those of the rows above too."""
        return [row.add for row in self.table.adding_up_to(self.table.rows[number]) if row.add]

    def _config(self, base: Sequence[str], words: Sequence[str], switches: Sequence[str], typed: bool = True) -> Config:
        all_switches = [*(self.switches if typed else []), *switches]
        config = parse(self.composer.compose("train", self._words(base, words, all_switches, typed)))
        idle_settings(config)  # raises for what does not fit the network
        return config

    def _words(
        self, base: Sequence[str], words: Sequence[str], switches: Sequence[str], typed: bool = True
    ) -> list[str]:
        overrides = self.typed if typed else []
        taken = {key_of(word) for word in words} | {override.key_or_group for override in overrides}
        has_recipe = "experiment" in {*taken, *map(key_of, base)}
        excluded = {"scale"} if has_recipe else set[str]()  # a recipe has its own
        base = [word for word in base if key_of(word) not in taken | excluded]
        lines = [o.input_line for o in overrides if o.input_line and o.key_or_group not in excluded]
        name = [] if "name" in taken else [f"name={quoted(self.table.name)}"]
        return [*base, *words, *lines, *name, f"ablation=[{','.join(switches)}]"]

    def _fails(self, base: Sequence[str], words: Sequence[str], switches: Sequence[str], typed: bool) -> bool:
        try:
            self._config(base, words, switches, typed)
        except RequestError:
            return True
        return False

    def _base_error(self, error: RequestError, source: TableSource) -> RequestError:
        base = self.table.base
        wrong = next((i for i in range(len(base)) if self._fails(base[: i + 1], [], [], False)), None)
        return error if wrong is None else source.error(("base", wrong), str(error))

    def _row_error(self, number: int, error: RequestError, source: TableSource) -> RequestError:
        """Names the base's word, what was typed, or the row's word: the first without which all is well."""
        base, row = self.table.base, self.table.rows[number]
        if self._fails(base, [], [], True):
            return self._base_error(error, source)
        words, switches = words_of(self.table, row), self._switches(number)
        if not self._fails(base, words, switches, False):
            return RequestError(f"row {row.label!r} of table {self.table.name}: {error}")
        kept = [word for word in words if word not in row.set]
        for place in range(len(row.set)):
            if self._fails(base, [*kept, *row.set[: place + 1]], [], True):
                return source.error(("rows", number, "set", place), f"row {row.label!r}: {error}")
        return source.error(("rows", number, *(["add"] if row.add else [])), f"row {row.label!r}: {error}")


def paper_config(table: Table, composer: Composer) -> Config:
    """The first row that others build on by the paper's own recipe, of `table` as its file has it. Raises RequestError
    if the two do not fit together."""
    scaled, _ = at_scale(table, ["scale=imagenet"], composer)
    words = scaled.first_built_on.set if scaled.first_built_on.scales else []
    base = [word for word in scaled.base if key_of(word) not in {"scale", "data", *map(key_of, words)}]
    recipe = [] if any(key_of(word) == "experiment" for word in [*base, *words]) else ["scale=imagenet"]
    return parse(composer.compose("train", [*base, *words, *recipe]))


def quoted(text: str) -> str:
    """For Hydra's grammar, which then takes it as it is."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
