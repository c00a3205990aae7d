"""What was typed after `export`: settings, and overrides of the network. No torch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from inceptionctl.config.evaluation import OF_A_RUN
from inceptionctl.config.words import typed_path
from inceptionctl.errors import RequestError, unknown
from inceptionctl.export.registry import FORMATS, check_packages
from inceptionctl.files import from_here
from inceptionctl.models.weights.releases import LIBRARIES
from inceptionctl.models.zoo.registry import architecture

SETTINGS = ("run", "arch", "weights", "weights_key", "format", "to", "images", "license")
PATHS = ("run", "to", "images")


@dataclass(frozen=True)
class Request:
    """`settings` by name, each as it was typed, paths in full; `overrides`: of the network of bare weights."""

    settings: Mapping[str, str]
    overrides: Sequence[str]

    @property
    def format(self) -> str:
        return self.settings["format"]

    @property
    def run(self) -> Path | None:
        return Path(self.settings["run"]) if "run" in self.settings else None

    @property
    def weights(self) -> str:
        """Of a run, ema unless another is named."""
        return self.settings.get("weights", "ema")

    @property
    def images(self) -> Path | None:
        return Path(self.settings["images"]) if "images" in self.settings else None

    @property
    def to(self) -> Path:
        """The folder to write. In a run's own, those of other weights than ema have their names."""
        if "to" in self.settings:
            return Path(self.settings["to"])
        assert self.run, "bare weights name a folder"
        return self.run / "export" / (self.format if self.weights == "ema" else f"{self.format}-{self.weights}")

    @classmethod
    def of(cls, words: Sequence[str]) -> Request:
        """Raises RequestError for words that do not go together, and for a folder that is there."""
        settings, overrides = dict[str, str](), list[str]()
        for word in words:
            key, equals, value = word.partition("=")
            if key.startswith("arch.") and key != "arch.name" and equals:
                overrides.append(word)
            elif key not in SETTINGS or not equals:
                raise unknown("setting", key, (*SETTINGS, "arch.KEY"), f"export {word}")
            elif key in settings:
                raise RequestError(f"{key}={settings[key]} and {key}={value}: {key} is given twice\n  leave one out")
            elif not value and key != "weights_key":
                raise RequestError(f"{key}= has no value")
            else:
                settings[key] = typed_path(f"{key} =", value) if key in PATHS else value
        request = cls(settings, overrides)
        request._check()
        return request

    def _check(self) -> None:
        if "format" not in self.settings:
            raise RequestError(f"export needs format=NAME: {', '.join(FORMATS)}")
        if self.format not in FORMATS:
            raise unknown("format", self.format, FORMATS, f"format={self.format}")
        if self.run:
            self._check_of_run()
        else:
            self._check_of_weights()
        check_packages(self.format)
        self._check_to()

    def _check_to(self) -> None:
        if self.to.is_symlink() or self.to.exists():
            raise RequestError(
                f"there is {from_here(self.to)} already, and nothing is written over\n"
                "  remove it, or name another folder with to=FOLDER"
            )
        if "to" in self.settings and not self.to.parent.is_dir():
            raise RequestError(f"to = {from_here(self.to)}: there is no folder {from_here(self.to.parent)}")

    def _check_of_run(self) -> None:
        shown = f"run={from_here(Path(self.settings['run']))}"
        if self.weights not in OF_A_RUN:
            raise unknown("weights", self.weights, OF_A_RUN, f"{shown} weights={self.weights}")
        for word in [
            *self.overrides,
            *(f"{key}={self.settings[key]}" for key in ("arch", "weights_key") if key in self.settings),
        ]:
            raise RequestError(f"{word}: the network of {shown} is the one that was trained\n  leave it out")

    def _check_of_weights(self) -> None:
        given = self.settings.keys() & {"arch", "weights"}
        if given != {"arch", "weights"} or self.weights in OF_A_RUN:
            raise RequestError(
                f"export needs either run=DIR, or arch=NAME and weights={', '.join(LIBRARIES)} or FILE; given: "
                f"{' '.join(f'{key}={self.settings[key]}' for key in sorted(given)) or 'none of them'}"
            )
        architecture(self.settings["arch"])  # raises RequestError for an unknown one
        if "to" not in self.settings:
            raise RequestError("export of bare weights needs to=FOLDER, which will be made")
