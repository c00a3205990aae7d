"""What `doctor` finds on a machine. GPUs and Slurm are stand-ins for nvidia-smi and sinfo on the PATH, with output that
real ones printed (an H100 with driver 580, Slurm 22.05): no driver and no controller is asked here."""

from __future__ import annotations

import resource
import shutil
import subprocess
import tempfile
from importlib.metadata import version
from types import SimpleNamespace

import numpy as np
import pytest
import simplejpeg
from packaging.requirements import Requirement
from support.stand_ins import stand_in

from inceptionctl.doctor import decoders, gpus, limits, ranks, slurm, storage, versions
from inceptionctl.doctor.checks import made


@pytest.fixture
def programs(tmp_path, monkeypatch):
    """The only folder of the PATH."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    return folder


def seen(found) -> list[tuple[str, str]]:
    return [(one.level, one.message) for one in found]


def test_the_installed_versions_are_those_of_pip():
    first, *others = versions.check()
    assert (first.values["torch"], first.values["numpy"]) == (version("torch"), version("numpy"))
    assert others == []


def test_a_missing_and_an_old_package_are_problems_with_the_command_that_mends_them():
    needed = [Requirement("torch>=2.10"), Requirement("timm>=1.0.20"), Requirement("numpy>=2.0")]
    found = list(versions.mismatches(needed, {"torch": "2.9.1", "timm": None, "numpy": "2.1.0rc1"}))
    assert [(one.values["package"], one.remedy) for one in found] == [
        ("torch", "pip install 'torch>=2.10'"),
        ("timm", "pip install 'timm>=1.0.20'"),
    ]


ROW = "NVIDIA H100 80GB HBM3, 580.95.05, 81559, {}"


def test_gpus_are_listed_with_their_memory_and_a_busy_one_is_noted(programs):
    stand_in(programs, "nvidia-smi", f"echo '{ROW.format(0)}'; echo '{ROW.format(40000)}'")
    first, busy = gpus.check()
    assert (first.level, first.values["driver"], len(first.values["gpus"])) == ("ok", "580.95.05", 2)
    assert first.values["gpus"][0]["memory_bytes"] == 81559 * 1024**2
    assert (busy.level, busy.message) == ("note", "41.9 GB of GPU 1 are in use")
    assert gpus.usable() == 2


@pytest.mark.parametrize("visible", ["", "-1"])
def test_gpus_that_are_hidden_are_not_counted(visible, programs, monkeypatch):
    stand_in(programs, "nvidia-smi", f"echo '{ROW.format(0)}'; echo '{ROW.format(0)}'")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    assert [one.level for one in gpus.check()] == ["ok", "note"]
    assert gpus.usable() == 0


@pytest.mark.parametrize(
    "does",
    ["echo 'Failed to initialize NVML: Driver/library version mismatch'; exit 18", "exec /bin/sleep 60", "exit 0"],
)
def test_a_driver_that_does_not_answer_is_a_problem(does, programs, monkeypatch):
    monkeypatch.setattr(gpus, "SECONDS", 0.5)
    stand_in(programs, "nvidia-smi", does)
    (found,) = gpus.check()
    assert (found.level, "reboot" in found.remedy, gpus.usable()) == ("problem", True, 0)


def test_a_machine_without_gpus_and_slurm_has_no_problem(programs, monkeypatch, tmp_path):
    monkeypatch.setattr(gpus, "DRIVER", tmp_path / "nowhere")
    assert [level for level, _ in seen([*gpus.check(), *slurm.check(needed=False)])] == ["ok", "ok"]
    assert [level for level, _ in seen(slurm.check(needed=True))] == ["problem"]


def test_a_driver_without_nvidia_smi_is_a_problem(programs, monkeypatch, tmp_path):
    monkeypatch.setattr(gpus, "DRIVER", tmp_path)
    assert [one.level for one in gpus.check()] == ["problem"]


@pytest.fixture
def site(programs):
    for name in ("sbatch", "srun", "squeue", "scancel", "scontrol", "sacct"):
        stand_in(programs, name)
    return programs


def sinfo(site, *rows, does=""):
    listed = "\n".join(f"echo '{row}'" for row in rows)
    stand_in(site, "sinfo", f'if [ "$1" = --version ]; then echo slurm 22.05.8; exit; fi\n{does}\n{listed}')


def test_partitions_are_listed_with_their_nodes(site):
    sinfo(site, "main*|3|idle|gpu:2|infinite", "main*|1|mixed|gpu:2|infinite", "high|1|drained|(null)|1:00:00")
    answers, main, high = slurm.check(needed=True)
    assert answers.values["version"] == "slurm 22.05.8"
    assert (main.level, main.values) == ("ok", {"partition": "main", "default": True, "nodes": 4})
    assert (high.level, "no GPUs, time limit 1:00:00" in high.message) == ("note", True)


def test_a_site_without_a_default_partition_or_accounts_gets_the_remedy(site):
    sinfo(site, "gpu|1|idle|gpu:8|1-00:00:00")
    stand_in(site, "sacct", "exit 1")
    partition, accounts = (one for one in slurm.check(needed=True) if one.level == "note")
    assert partition.remedy == "name one: launch.partition=gpu"
    assert accounts.values == {"accounting": False}


@pytest.mark.parametrize(("needed", "level"), [(True, "problem"), (False, "note")])
def test_a_controller_that_does_not_answer_matters_to_who_needs_it(needed, level, site):
    error = "Unable to contact slurm controller (connect failure)"
    sinfo(site, does=f"echo '{error}' >&2; exit 1")
    assert seen(slurm.check(needed)) == [(level, f"the controller does not answer: {error}")]


def test_disks_have_the_figures_of_the_system(tmp_path):
    found = {one.message.partition(" (")[0]: one for one in storage.check(tmp_path / "not" / "made" / "yet")}
    assert found.keys() == {"outputs", "cache", "temporary files"}
    assert found["outputs"].values["total_bytes"] == shutil.disk_usage(tmp_path).total
    assert found["temporary files"].values["total_bytes"] == shutil.disk_usage(tempfile.gettempdir()).total
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("free", "level"), [(500e6, "problem"), (5e9, "note"), (50e9, "ok")])
def test_a_full_disk_is_a_problem_and_a_small_one_a_note(free, level, tmp_path, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(free=int(free), total=10**12))
    found = storage.examined("outputs", tmp_path, "outputs=DIR keeps runs elsewhere")
    assert (found.level, found.values["free_bytes"]) == (level, int(free))


def test_a_place_that_is_a_file_is_a_problem(tmp_path):
    (tmp_path / "outputs").write_text("")
    found = storage.examined("outputs", tmp_path / "outputs", "outputs=DIR keeps runs elsewhere")
    assert (found.level, found.remedy) == ("problem", "outputs=DIR keeps runs elsewhere")


def test_open_files_are_those_that_the_shell_says():
    said = subprocess.run(["bash", "-c", "ulimit -n"], capture_output=True, text=True, check=True).stdout.strip()
    assert said in ("unlimited", str(limits.open_files().values["open_files"]))


def test_few_open_files_are_found(monkeypatch):
    monkeypatch.setattr(resource, "getrlimit", lambda _: (200, 4096))
    assert limits.open_files().level == "problem"
    monkeypatch.setattr(resource, "getrlimit", lambda _: (1000, 4096))
    assert (limits.open_files().level, "ulimit -n" in limits.open_files().remedy) == ("note", True)


@pytest.mark.parametrize(
    "files",
    [{"cpu.max": "150000 100000\n"}, {"cpu/cpu.cfs_quota_us": "150000\n", "cpu/cpu.cfs_period_us": "100000\n"}],
)
def test_a_container_with_less_time_than_cores_is_noted(files, tmp_path, monkeypatch):
    monkeypatch.setattr(limits, "num_cores", lambda: 16)
    assert limits.cores(tmp_path).level == "ok"
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    found = limits.cores(tmp_path)
    assert (found.level, found.values["quota"]) == ("note", 1.5)
    assert "launch.threads=1 " in found.remedy


def test_no_limit_of_a_container_is_none(tmp_path):
    (tmp_path / "cpu.max").write_text("max 100000\n")
    (tmp_path / "memory.max").write_text("max\n")
    assert (limits.cores(tmp_path).level, limits.memory(tmp_path).level) == ("ok", "ok")


def test_the_memory_of_a_container_is_what_counts(tmp_path):
    (tmp_path / "memory.max").write_text(f"{3 << 30}\n")
    (tmp_path / "memory.current").write_text(f"{2 << 30}\n")
    found = limits.memory(tmp_path)
    assert (found.level, found.values["memory_bytes"]) == ("problem", 1 << 30)


def test_shared_memory_has_the_figures_of_the_system(tmp_path):
    assert limits.shared_memory(tmp_path).values["shared_memory_bytes"] == shutil.disk_usage(tmp_path).total
    assert limits.shared_memory(tmp_path / "nowhere").level == "problem"


def test_the_decoders_give_the_same_bits():
    whole, crop = decoders.check()
    assert (whole.level, whole.values["same_bits"], whole.values["pillow"]) == ("ok", True, version("pillow"))
    assert crop.level == "ok"


def test_a_decoder_with_other_bits_is_noted(monkeypatch):
    decode = simplejpeg.decode_jpeg
    monkeypatch.setattr(simplejpeg, "decode_jpeg", lambda *words: np.maximum(decode(*words), 3))
    whole, _ = decoders.check()
    assert (whole.level, "differ by up to 3 of 255" in whole.message) == ("note", True)


def test_a_rank_that_cannot_start_is_a_problem_with_its_error(monkeypatch):
    monkeypatch.setattr(ranks, "RANK", "inceptionctl.doctor.nowhere")
    found = ranks.round_trip("nccl", 1)
    assert (found.level, "No module named inceptionctl.doctor.nowhere" in found.message) == ("problem", True)
    assert "driver" in found.remedy


def test_an_error_of_a_check_is_a_finding():
    def broken():
        raise ValueError("an unknown driver")

    (found,) = made("gpu", broken)
    assert (found.check, found.level) == ("gpu", "problem")
    assert found.message == "could not be checked: ValueError: an unknown driver"
