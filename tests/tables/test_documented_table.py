"""The table and the papers of docs/tables.md are as they stand there."""

from __future__ import annotations

import re
from pathlib import Path

from support.runs import launched

DOCS = Path(__file__).parents[2] / "docs" / "tables.md"


def test_the_documented_table_is_one(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    table, papers = re.findall(r"```yaml\n(.*?)```", DOCS.read_text(), re.DOTALL)
    for group, name, text in (("table", "lighter", table), ("papers", "ours", papers)):
        path = tmp_path / "DIR" / group / f"{name}.yaml"
        path.parent.mkdir(parents=True)
        path.write_text(text)
    (command,) = re.findall(r"`inceptionctl (ablate --config-dir DIR [^`]*)`", DOCS.read_text())
    code, said = launched(*command.split())
    assert code == 0, said
    assert "row       heavier: train.weight_decay: 4e-05 -> 0.001" in said
