"""`doctor` on a cluster, against what `scontrol` says of it."""

from __future__ import annotations

import json
import subprocess

from support.command_line import call
from support.slurm_cluster import Cluster


def of_slurm(cluster: Cluster, tmp_path, *words: str) -> tuple[int, list[dict]]:
    done = call("doctor", "--quick", "--json", *words, cwd=tmp_path, **cluster.environment)
    found = json.loads(done.stdout)["findings"]
    return done.returncode, [one for one in found if one["check"] == "slurm"]


def scontrol(cluster: Cluster, *words: str) -> str:
    words = ("scontrol", "--oneliner", *words)
    return subprocess.run(words, env=cluster.environment, capture_output=True, text=True, check=True).stdout


def test_partitions_are_those_of_the_cluster(cluster, tmp_path):
    _, (answers, *partitions) = of_slurm(cluster, tmp_path)
    assert answers["values"]["version"] == scontrol(cluster, "--version").strip()
    stated = [
        dict(word.split("=", 1) for word in line.split() if "=" in word)
        for line in scontrol(cluster, "show", "partition").splitlines()
    ]
    expected = {one["PartitionName"]: (int(one["TotalNodes"]), one["Default"] == "YES") for one in stated}
    found = [one["values"] for one in partitions if "partition" in one["values"]]
    assert {one["partition"]: (one["nodes"], one["default"]) for one in found} == expected
    assert not any("accounting" in one["values"] for one in partitions)


def test_a_site_without_accounts_is_noted(bare_cluster, tmp_path):
    _, found = of_slurm(bare_cluster, tmp_path)
    assert [one["level"] for one in found if one["values"] == {"accounting": False}] == ["note"]


def test_a_controller_that_has_gone_is_a_problem_where_slurm_is_to_be_used(other_cluster, tmp_path):
    with other_cluster.without_controller():
        code, (found,) = of_slurm(other_cluster, tmp_path, "launch=slurm")
    assert (code, found["level"], found["message"].startswith("the controller does not answer")) == (1, "problem", True)
