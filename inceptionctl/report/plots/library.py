"""matplotlib, for all files that draw. It is imported here so that figures have our style and nothing else.

As it is imported, matplotlib obeys a `matplotlibrc` of the current folder, which may be a stranger's (`text.usetex`
starts latex), the user's own, and MPLBACKEND, and fails where these are wrong.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any


@contextmanager
def _own_files_only() -> Iterator[None]:
    """Meanwhile the current folder is that of matplotlib's defaults: nothing else keeps it from looking there."""
    spec = find_spec("matplotlib")
    assert spec is not None, "it is a dependency"
    os.environ["MPLBACKEND"] = "agg"  # files are drawn, no windows
    before = os.open(".", os.O_RDONLY)
    os.chdir(Path(spec.origin or "").parent / "mpl-data")
    try:
        yield
    finally:
        os.fchdir(before)
        os.close(before)


with _own_files_only():
    import matplotlib
from matplotlib.axes import Axes as Axes  # noqa: E402
from matplotlib.colors import PowerNorm as PowerNorm  # noqa: E402
from matplotlib.figure import Figure as Figure  # noqa: E402
from matplotlib.font_manager import fontManager as fontManager  # noqa: E402
from matplotlib.font_manager import get_font as get_font  # noqa: E402
from matplotlib.layout_engine import ConstrainedLayoutEngine as ConstrainedLayoutEngine  # noqa: E402
from matplotlib.ticker import FormatStrFormatter as FormatStrFormatter  # noqa: E402
from matplotlib.ticker import LogLocator as LogLocator  # noqa: E402
from matplotlib.ticker import MaxNLocator as MaxNLocator  # noqa: E402
from matplotlib.ticker import NullFormatter as NullFormatter  # noqa: E402
from matplotlib.transforms import Bbox as Bbox  # noqa: E402


def styled(style: Mapping[Any, Any]) -> AbstractContextManager[Any]:
    """matplotlib's defaults with `style`, whatever was set before."""
    values: dict[Any, Any] = {key: value for key, value in matplotlib.rcParamsDefault.items() if key != "backend"}
    return matplotlib.rc_context({**values, **style})
