"""The picture of the packages: a row a level, a line for each import that follows from no other."""

from __future__ import annotations

from collections.abc import Iterator

from from_code.imports import PACKAGE, Graph, direct, graph, levels, with_torch

WIDTH, BOX, GAP, HEIGHT, ROW, MARGIN = 820, 92, 18, 30, 62, 24
STYLE = (
    "text{font:13px system-ui,sans-serif;fill:#1f2328;text-anchor:middle}"
    ".box{fill:#eef4fb;stroke:#3b6ea5}.torch{fill:#fdf0e2;stroke:#b0651d}.ground{fill:#f3f3f3;stroke:#8a8a8a}"
    "path{fill:none;stroke:#7d8590;stroke-opacity:.7}.note{font-size:12px;fill:#57606a;text-anchor:start}"
)


def svg() -> str:
    imports = graph()
    files = sorted(name for name in imports if (PACKAGE / f"{name}.py").exists() and name != "cli")
    packages = {name: targets - {*files} for name, targets in imports.items() if name not in files}
    rows = levels(packages)
    top = MARGIN + 22
    places = dict(_places(rows, top))
    height = top + ROW * (len(rows) + 1) + MARGIN
    parts = [
        *_key(),
        *_lines(direct(packages), places),
        *_boxes(places, with_torch()),
        *_ground(files, top + ROW * len(rows)),
    ]
    size = f'width="{WIDTH}" height="{height}" viewBox="0 0 {WIDTH} {height}"'
    title = "<title>Packages of inceptionctl: each imports only those below it</title>"
    background = f'<rect width="{WIDTH}" height="{height}" fill="#fff"/>'
    head = f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img">'
    return "\n".join([head, title, f"<style>{STYLE}</style>", background, *parts, "</svg>"]) + "\n"


def _places(rows: list[list[str]], top: int) -> Iterator[tuple[str, tuple[float, float]]]:
    """The centre of each box; packages of a row stand beside each other."""
    for k, names in enumerate(reversed(rows)):
        step = BOX + GAP * 4
        left = WIDTH / 2 - step * (len(names) - 1) / 2
        yield from ((name, (left + step * i, top + ROW * k + HEIGHT / 2)) for i, name in enumerate(names))


def _lines(imports: Graph, places: dict[str, tuple[float, float]]) -> Iterator[str]:
    for name, targets in imports.items():
        for target in sorted(targets):
            (x, y), (end_x, end_y) = places[name], places[target]
            start, end = y + HEIGHT / 2, end_y - HEIGHT / 2
            bend = (end - start) / 2
            yield f'<path d="M{x:g} {start:g}C{x:g} {start + bend:g} {end_x:g} {end - bend:g} {end_x:g} {end:g}"/>'


def _boxes(places: dict[str, tuple[float, float]], with_torch: set[str]) -> Iterator[str]:
    for name, (x, y) in places.items():
        kind = "torch" if name in with_torch else "box"
        corner = f'x="{x - BOX / 2:g}" y="{y - HEIGHT / 2:g}"'
        yield f'<rect class="{kind}" {corner} width="{BOX}" height="{HEIGHT}" rx="4"/>'
        yield f'<text x="{x:g}" y="{y + 5:g}">{name}</text>'


def _key() -> Iterator[str]:
    for x, kind, text in ((MARGIN, "box", "never imports torch"), (MARGIN + 170, "torch", "does, or parts of it do")):
        yield f'<rect class="{kind}" x="{x}" y="10" width="14" height="14"/>'
        yield f'<text class="note" x="{x + 20}" y="22">{text}</text>'


def _ground(files: list[str], y: int) -> Iterator[str]:
    yield f'<rect class="ground" x="{MARGIN}" y="{y}" width="{WIDTH - 2 * MARGIN}" height="{HEIGHT}" rx="4"/>'
    yield f'<text x="{WIDTH / 2:g}" y="{y + 20}">{"   ".join(files)}</text>'
