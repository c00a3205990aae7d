"""The command line as a person meets it: exit codes, messages, and what is left on the disk."""

from __future__ import annotations

import json

import pytest

WRONG = [
    (["train", "arch=inceptoin_v3"], "Did you mean inception_v3"),
    (["train", "+optim.lrr=1"], "unknown setting 'optim.lrr'"),
    (["train", "++loss.label_smothing=0.1"], "Did you mean loss.label_smoothing"),
    (["train", "loss.label_smoothing=1.5"], "loss.label_smoothing = 1.5"),
    (["train", "data=imagefolder", "data.root=/nowhere"], "data.root = /nowhere is not a folder"),
    (["train", "arch.pixels=20"], "arch.pixels = 20 is too small for inception_v2"),
    (["train", "train.batch_size=1"], "train.batch_size = 1 is too small for aux.conv"),
    (["train", "-m", "seed=0,1", "loss.label_smoothing=0.1,1.5"], "loss.label_smoothing = 1.5"),
    (["train", "seed=0,1"], "add -m"),
    (["train", "experiment=rethinking_v3", "scale=digits"], "excludes"),
    (["train", "launch.device=cuda"], "no GPU"),
    (["train", "--cfg", "job", "arch=inceptoin_v3"], "Did you mean inception_v3"),
    (["abalte"], "Did you mean ablate"),
    (["ablate", "seeds=0"], "seeds = 0"),
    (["ablate", "seeds=[1,1]"], "names a seed twice"),
    (["ablate", "loss.label_smoothing=0.2"], "overrides a setting that table inception_v3 varies"),
    (["ablate", "optim=rmsprop"], "leave it out, or write a table of your own"),
    (["ablate", "table=inception_v9"], "unknown table 'inception_v9'"),
    (["ablate", "arch=inception_v3"], "overrides a setting that table inception_v3 varies"),
    (["models", "inception_v9"], "unknown arch 'inception_v9'"),
    (["models", "inception_v1"], "Did you mean googlenet?"),
    (["models", "--diff", "inception_v3", "inception_v9"], "unknown arch 'inception_v9'"),
    (["models", "--diff", "inception_v2", "inception_v3", "--draw", "a.svg"], "--diff A B takes two networks"),
    (["models", "inception_v3", "--pixels", "30"], "needs a map of at least 3x3 and gets 1x1"),
    (["models", "inception_v3", "--pixels", "0"], "--pixels 0"),
    (["models", "--pixels", "79"], "--pixels needs the name of one network"),
    (["models", "inception_*", "--draw", "a.svg"], "unknown arch 'inception_*'"),
    (["models", "inception_v3", "--draw", "v3.png"], "--draw v3.png: drawings are written as .svg"),
    (["models", "inception_v3", "--draw", "nowhere/v3.svg"], "--draw nowhere/v3.svg: No such file or directory"),
    (["report"], "inceptionctl ablate"),
    (["resume", "nowhere"], "there is no folder nowhere"),
]


@pytest.mark.parametrize(("words", "message"), WRONG, ids=[" ".join(words) for words, _ in WRONG])
def test_a_wrong_request_gets_one_message_and_makes_nothing(words, message, inceptionctl_here, tmp_path):
    done = inceptionctl_here(*words)
    assert done.returncode == 2, done.stdout + done.stderr
    assert message in done.stderr
    assert done.stderr.startswith("inceptionctl: ")
    assert "Traceback" not in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_process_ends_with_the_code_and_the_message(inceptionctl, tmp_path):
    done = inceptionctl("train", "arch=inceptoin_v3")
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith("inceptionctl: ")
    assert list(tmp_path.iterdir()) == []


def test_a_run_dir_that_belongs_to_another_run_is_refused(inceptionctl_here, tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("do not touch")
    done = inceptionctl_here("train", "run_dir=mine")
    assert (done.returncode, "neither empty nor a run folder" in done.stderr) == (2, True)
    assert [path.name for path in tmp_path.rglob("*")] == ["mine", "thesis.txt"]


def test_the_help_names_every_command(inceptionctl_here):
    done = inceptionctl_here("--help")
    assert done.returncode == 0
    for command in ("train", "resume", "ablate", "report", "models", "completion"):
        assert f"\n  {command}" in done.stdout


def test_hydra_s_flags_keep_working(inceptionctl_here):
    shown = inceptionctl_here("train", "--cfg", "job", "optim=rmsprop")
    assert "eps: 1.0" in shown.stdout
    assert "inception_v2*, inception_v2_table1" in inceptionctl_here("train", "--help").stdout


def test_own_groups_join_by_config_dir(inceptionctl_here, tmp_path):
    own = tmp_path / "own"
    (own / "optim").mkdir(parents=True)
    (own / "optim" / "mine.yaml").write_text("name: momentum\nmomentum: 0.5\n")
    done = inceptionctl_here("train", "--config-dir", str(own), "optim=mine", "--dry-run")
    assert done.returncode == 0, done.stderr
    assert "to run" in done.stdout


def test_models_lists_the_papers_figures(inceptionctl_here):
    done = inceptionctl_here("models")
    row = next(line for line in done.stdout.splitlines() if line.startswith("inception_v3 "))
    assert row.split()[1:] == ["299", "23,834,568", "5.713", "G", "27,161,264", "-", "4.8", "G", "*", "21.2", "5.6"]


def test_models_prints_the_layer_table(inceptionctl_here):
    lines = inceptionctl_here("models", "inception_v3").stdout.splitlines()
    assert any(line.split()[:1] == ["mixed_6e"] and "17x17x768" in line for line in lines)
    assert any(line.startswith("total") and "27,161,264" in line for line in lines)
    assert any(line.startswith("stem.pool_1 ") and "bottleneck" in line for line in lines)
    assert any(line.startswith("paper: 4.8 G multiply-adds; counted 5.713 G (+19.0 %)") for line in lines)


def test_models_takes_globs_and_parts_of_names(inceptionctl_here):
    done = inceptionctl_here("models", "resnet?0")
    assert [line.split()[0] for line in done.stdout.splitlines()[2:3]] == ["resnet50"]
    assert "resnet101" not in done.stdout


def test_models_as_data_is_nothing_but_data(inceptionctl_here):
    assert json.loads(inceptionctl_here("models", "--json").stdout)["networks"][0]["network"] == "googlenet"
    assert json.loads(inceptionctl_here("models", "nin", "--json").stdout)["totals"]["params"] == 7_595_176
    found = json.loads(inceptionctl_here("models", "--diff", "xception", "xception_plain", "--json").stdout)
    assert found["params"] == -977_072


def test_models_says_what_one_rung_changes(inceptionctl_here):
    lines = inceptionctl_here("models", "--diff", "inception_v2", "inception_v3").stdout.splitlines()
    assert next(line for line in lines if "in total" in line).split()[2:] == ["+49,472", "+558.2", "M"]


def test_models_draws(inceptionctl_here, tmp_path):
    done = inceptionctl_here("models", "inception_v3", "--draw", "v3.svg")
    assert (done.returncode, done.stdout) == (0, "inception_v3: drawn in v3.svg\n")
    assert (tmp_path / "v3.svg").read_text().startswith("<svg ")
    assert [path.name for path in tmp_path.iterdir()] == ["v3.svg"]
