"""The files of the repository that are made from the code: AGENTS.md, llms.txt and the picture of the packages."""

from __future__ import annotations

from pathlib import Path

from from_code import agents, picture

TOP = Path(__file__).parents[2]


def all_files() -> dict[Path, str]:
    return {
        TOP / "AGENTS.md": agents.agents(),
        TOP / "llms.txt": agents.llms(),
        TOP / "docs" / "images" / "packages.svg": picture.svg(),
    }
