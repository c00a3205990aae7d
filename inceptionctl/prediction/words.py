"""What was typed after `predict`: settings, overrides of the network, and images."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from inceptionctl.data.listing import describe, read_images
from inceptionctl.errors import RequestError, count, unknown, warn
from inceptionctl.files import kind_of

SETTINGS = ("run", "arch", "weights", "weights_key", "pixels")


def read_words(words: Sequence[str]) -> tuple[dict[str, str], list[str], list[Path]]:
    """Settings, overrides of the network, paths. Raises RequestError where the settings do not go together."""
    settings, overrides, paths = dict[str, str](), list[str](), list[Path]()
    for word in words:
        key, is_setting, value = word.partition("=")
        if not word.strip():
            raise RequestError(f"{word!r} is neither a setting nor an image: leave it out")
        if not is_setting or (key not in SETTINGS and os.path.lexists(word)):
            paths.append(Path(word))
        elif key in SETTINGS:
            _set(settings, key, value)
        elif key == "arch.name":
            raise RequestError(f"{word}: arch=NAME names the network")
        elif key.startswith("arch."):
            overrides.append(word)
        elif key.lstrip("+~").replace(".", "").isidentifier():
            raise unknown("setting", key, (*SETTINGS, "arch.KEY"), word)
        else:
            paths.append(Path(word))
    _check_settings(settings, overrides)
    return settings, overrides, paths


def _set(settings: dict[str, str], key: str, value: str) -> None:
    if key in settings:
        raise RequestError(f"{key}={settings[key]} and {key}={value}: {key} is given twice\n  leave one out")
    if not value and key != "weights_key":
        raise RequestError(f"{key}= has no value")
    settings[key] = value


def _check_settings(settings: Mapping[str, str], overrides: Sequence[str]) -> None:
    given = [f"{key}={settings[key]}" for key in ("run", "arch", "weights") if key in settings]
    if settings.keys() & {"run", "arch", "weights"} not in ({"run"}, {"arch", "weights"}):
        raise RequestError(
            f"predict needs either run=DIR, or arch=NAME and weights=timm, torchvision or FILE; "
            f"given: {' '.join(given) or 'none of them'}"
        )
    idle = [*overrides, *(f"weights_key={settings[key]}" for key in ("weights_key",) if key in settings)]
    if "run" in settings and idle:
        raise RequestError(
            f"{idle[0]}: the network of run={settings['run']} is the one that was trained\n  leave it out"
        )
    if both := [word for word in overrides if word.startswith("arch.pixels=") and "pixels" in settings]:
        raise RequestError(f"pixels={settings['pixels']} and {both[0]} set the same\n  leave one out")


def image_files(paths: Sequence[Path]) -> Iterator[Path]:
    """The files named and the images in the folders named."""
    if not paths:
        raise RequestError("predict needs images: name files or folders")
    for path in paths:
        if path.is_dir():
            images, left_out = read_images(path)
            if not images:
                raise RequestError(f"no images in {path}: it holds {describe(left_out)}")
            if left_out:
                warn(f"{path}: {count(len(images), 'image')}; left out: {describe(left_out)}")
            yield from (path / entry.name for entry in images)
        else:
            _check_file(path)
            yield path


def _check_file(path: Path) -> None:
    """Raises RequestError for an image that cannot be opened; whether it is one is told when it is read."""
    try:
        if kind := kind_of(path.stat().st_mode):
            raise RequestError(f"{path} is {kind}, not an image")
    except (OSError, ValueError) as error:  # ValueError: a NUL byte
        nothing = isinstance(error, FileNotFoundError) and not path.is_symlink()
        link = " (a link to nothing)" if path.is_symlink() else ""
        reason = "" if nothing or link else f": {getattr(error, 'strerror', None) or error}"
        raise RequestError(f"there is no image {path}{link}{reason}") from error
    if not os.access(path, os.R_OK):
        raise RequestError(f"the image {path} may not be read by this user")
