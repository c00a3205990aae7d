"""Python and the packages that this program needs, against the versions that it declares."""

from __future__ import annotations

import platform
from collections.abc import Iterable, Iterator
from importlib.metadata import PackageNotFoundError, requires

from packaging.requirements import Requirement

from inceptionctl.doctor.finding import Finding, note, ok, problem
from inceptionctl.runs.environment import installed

CHECK = "versions"
SHOWN = ("torch", "torchvision", "timm", "numpy")
OPTIONAL_VALUE = {"extra": ""}


def check() -> Iterator[Finding]:
    try:
        needed = [Requirement(line) for line in requires("inceptionctl") or ()]
    except PackageNotFoundError:
        yield note(
            CHECK, "inceptionctl is not installed: it runs from a checkout, and its packages are not checked",
            "pip install . in the checkout",
        )  # fmt: skip
        return
    needed = [one for one in needed if not one.marker or one.marker.evaluate(OPTIONAL_VALUE)]
    versions = {one.name: installed(one.name) for one in needed}
    shown = ", ".join(f"{name} {versions.get(name) or 'missing'}" for name in SHOWN)
    python, own = platform.python_version(), installed("inceptionctl")
    yield ok(CHECK, f"inceptionctl {own}, Python {python}, {shown}", python=python, inceptionctl=own, **versions)
    yield from mismatches(needed, versions)


def mismatches(needed: Iterable[Requirement], versions: dict[str, str | None]) -> Iterator[Finding]:
    """A problem for each package that is missing, or has a version that was not declared to work."""
    for one in needed:
        found, wanted = versions[one.name], f"{one.name}{one.specifier}"
        if found is None:
            yield problem(CHECK, f"{one.name} is not installed", f"pip install '{wanted}'", package=one.name)
        elif not one.specifier.contains(found, prereleases=True):
            message = f"{one.name} {found} is installed, and {wanted} is needed"
            yield problem(CHECK, message, f"pip install '{wanted}'", package=one.name)
