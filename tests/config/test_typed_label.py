"""The label of a run, from what was typed."""

from __future__ import annotations

import pytest

from inceptionctl.config.label import LONGEST, typed_label


@pytest.mark.parametrize(
    ("words", "label"),
    [
        ([], ""),
        (["optim=rmsprop", "schedule.lr=0.03"], "optim=rmsprop schedule.lr=0.03"),
        (["ablation=[label_smoothing,bn_auxiliary]", "seed=1"], "ablation=[label_smoothing,bn_auxiliary] seed=1"),
        (["train={epochs:3,log_every:1}"], "train.epochs=3"),
        (["data=imagefolder", "data.root=/home/someone/photos/"], "data=imagefolder data.root=photos"),
        (["weights=/home/someone/v3.safetensors"], "weights=v3.safetensors"),
    ],
)
def test_a_label_is_what_was_typed_without_the_folders_of_paths(words, label):
    assert typed_label(words) == label


def test_where_and_how_a_run_is_worked_on_is_no_part_of_its_label():
    words = [
        "outputs=/scratch",
        "name=mine",
        "rerun=true",
        "launch=slurm",
        "launch.setup=['export KEY=secret']",
        "launch.extra={export:KEY}",
        "tracker=wandb",
        "tracker.project=mine",
        "train.log_every=5",
    ]
    assert typed_label([*words, "seed=3"]) == "seed=3"


def test_a_label_is_one_line_of_bounded_length():
    label = typed_label([f"data.root='{'x' * 300}\n'"])
    assert (len(label), label.isprintable()) == (LONGEST, True)
