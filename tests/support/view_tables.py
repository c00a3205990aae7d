"""Tables of one's own whose rows differ in how the same networks are evaluated."""

from __future__ import annotations

from pathlib import Path

HEAD = """
name: views
mode: independent
title: Views of an image
metric: final
weights: ema
base: [arch=inception_v3]
rows:
"""
SINGLE = "{label: single}"
CROPS = "{label: 12 crops, protocol: crops12, against: single}"


def two_networks(against: str) -> str:
    """The row of two networks."""
    return f"{{label: two networks, protocol: crops12, members: [{{models: 2}}], against: {against}}}"


def write_table(config_dir: Path, *rows: str) -> None:
    """As `table=views` of `--config-dir config_dir`."""
    (config_dir / "table").mkdir(parents=True)
    (config_dir / "table" / "views.yaml").write_text(HEAD + "".join(f"  - {row}\n" for row in rows))
