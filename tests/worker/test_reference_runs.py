"""Whether this build trains as the one did that made the reference points."""

from __future__ import annotations

import pytest
from support.runs import launched

from inceptionctl.config.compose import Composer
from inceptionctl.config.hydra_main import Request
from inceptionctl.scheduling.table import plan_table
from inceptionctl.scheduling.table_manifest import write_manifest


@pytest.mark.slow
@pytest.mark.parametrize(("row", "arch"), [("Inception-v2", "inception_v2"), ("BN-GoogLeNet", "bn_googlenet")])
def test_this_build_learns_as_the_reference_did(row, arch, tmp_path, monkeypatch):
    """A row of `ablate`, whole runs; those of the other rows are missing, and are named."""
    monkeypatch.chdir(tmp_path)
    code, said = launched("train", "-m", f"arch={arch}", "seed=0,1", "launch.threads=1")
    assert code == 0, said
    write_manifest(plan_table(Request.compose("ablate", ["seeds=2"], Composer())))
    code, said = launched("report", "outputs/inception_v3", "--against", "reference")
    assert code == 0, said
    tested = {line.partition(":")[0]: line for line in said.splitlines()}
    for expected in ("as the reference", "steps to 10 %", "n = 2 and 10"):
        assert expected in tested[row]
    assert "Not tested" in said
