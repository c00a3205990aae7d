"""The data sets by name: every module of `data/sources` defines one, as its subclass `Settings` of `DataSource`."""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules

from inceptionctl.data import sources
from inceptionctl.data.images import DataSource

SOURCES: dict[str, type[DataSource]] = {
    module.name: import_module(f"{sources.__name__}.{module.name}").Settings
    for module in iter_modules(sources.__path__)
}
