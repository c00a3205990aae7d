"""The site of the documentation: `make docs` builds it, without a warning, into build/docs."""

from __future__ import annotations

import sys
from importlib.metadata import version as installed
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))  # for from_code, the pages that are made from the code

project = "inceptionctl"
author = "The inceptionctl developers"
copyright = f"{author}, Apache-2.0"
release = version = installed("inceptionctl")

extensions = ["myst_parser", "sphinx.ext.autodoc"]
exclude_patterns = ["from_code"]
default_role = "code"  # single backquotes, as docstrings have them
myst_heading_anchors = 3  # with the slugs that GitHub gives headings
myst_enable_extensions = ["colon_fence"]
autodoc_member_order = "bysource"
autodoc_typehints = "description"
highlight_language = "none"

html_theme = "furo"
html_title = f"{project} {release}"
html_static_path = ["_static"]
html_css_files = ["tables.css"]
html_copy_source = False
html_show_sourcelink = False


def make_pages(app: object) -> None:
    from from_code import pages

    pages.write(HERE / "reference" / "generated")


def setup(app: object) -> None:
    app.connect("builder-inited", make_pages)  # type: ignore[attr-defined]
