"""Whether this build trains as the one did that made the reference points."""

from __future__ import annotations

import pytest
from support.runs import launched

from inceptionctl.config.compose import Composer
from inceptionctl.config.hydra_main import Request
from inceptionctl.scheduling.table import plan_table
from inceptionctl.scheduling.table_manifest import write_manifest

ROWS = {"Inception-v2": "arch=inception_v2", "BN-GoogLeNet": "arch=bn_googlenet"}


@pytest.mark.slow
def test_this_build_learns_as_the_reference_did(tmp_path, monkeypatch):
    """Two rows of `ablate`, whole runs; those of the other rows are missing, and are named."""
    monkeypatch.chdir(tmp_path)
    for row in ROWS.values():
        code, said = launched("train", "-m", row, "seed=0,1", "launch.threads=1")
        assert code == 0, said
    write_manifest(plan_table(Request.compose("ablate", ["seeds=2"], Composer())))
    code, said = launched("report", "outputs/inception_v3", "--against", "reference")
    assert code == 0, said
    tested = {line.partition(":")[0]: line for line in said.splitlines()}
    for row in ROWS:
        assert "as the reference" in tested[row]
        assert "steps to 10 %" in tested[row]
        assert "n = 2 and 10" in tested[row]
    assert "Not tested" in said
