"""The data set that the request names."""

from __future__ import annotations

from collections.abc import Iterator

from inceptionctl.data.images import DataSource
from inceptionctl.doctor.finding import Finding, ok, problem
from inceptionctl.errors import InceptionctlError

CHECK = "data"


def check(source: DataSource) -> Iterator[Finding]:
    """Whether the images are found; `data check` looks at each of them."""
    try:
        index = source.index(dev=False)
    except InceptionctlError as error:
        reason, _, remedy = str(error).partition("\n")
        yield problem(
            CHECK, reason, remedy.strip() or "correct that setting: docs/data.md has the layouts of each data set"
        )
        return
    values = {"data": source.name, "train": index.n_train, "eval": index.n_eval, "classes": len(index.classes)}
    yield ok(CHECK, f"data={source.name}: {index.provenance}", **values)
