"""Checkpoints: complete or absent, and verified when read."""

from __future__ import annotations

import json

import pytest
import torch

from inceptionctl.errors import CheckpointError
from inceptionctl.training.checkpoint import Checkpoint, read, read_latest, write
from inceptionctl.training.checkpoint_folder import remove_unfinished


def checkpoint(step):
    return Checkpoint(
        {"model": {"w": torch.full((3,), float(step))}, "ema": {"w": torch.zeros(3)}}, {"step": step, "a": 1}
    )


def test_what_is_written_is_read(tmp_path):
    found = read(write(tmp_path, checkpoint(7), keep=2))
    assert torch.equal(found.tensors["model"]["w"], torch.full((3,), 7.0))
    assert found.state == {"step": 7, "a": 1}


def test_the_last_ones_are_kept_and_no_pickle_is_among_them(tmp_path):
    for step in (1, 2, 10):
        write(tmp_path, checkpoint(step), keep=2)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["step-00000002", "step-00000010"]
    assert {p.suffix for p in tmp_path.rglob("*") if p.is_file()} == {".safetensors", ".json"}


@pytest.mark.parametrize("harm", ["truncate", "flip", "remove", "manifest"])
def test_a_damaged_checkpoint_is_reported_and_the_one_before_it_used(harm, tmp_path):
    write(tmp_path, checkpoint(1), keep=3)
    last = write(tmp_path, checkpoint(2), keep=3)
    file = last / "model.safetensors"
    data = bytearray(file.read_bytes())
    data[-1] ^= 1
    {
        "truncate": lambda: file.write_bytes(data[:-4]),
        "flip": lambda: file.write_bytes(data),
        "remove": file.unlink,
        "manifest": lambda: (last / "manifest.json").write_text("{"),
    }[harm]()
    reported: list[str] = []
    found = read_latest(tmp_path, reported.append)
    assert found is not None
    assert found.state["step"] == 1
    assert len(reported) == 1
    assert str(last) in reported[0]


def test_only_damaged_checkpoints_are_an_error(tmp_path):
    (write(tmp_path, checkpoint(1), keep=3) / "state.json").write_text("{}")
    with pytest.raises(CheckpointError, match="rerun=true"):
        read_latest(tmp_path, lambda _: None)


def test_an_interrupted_write_is_no_checkpoint(tmp_path):
    (tmp_path / ".step-00000005").mkdir()
    (tmp_path / ".step-00000005" / "model.safetensors").write_bytes(b"half")
    assert read_latest(tmp_path, lambda _: None) is None
    assert json.loads((write(tmp_path, checkpoint(5), keep=2) / "state.json").read_text())["step"] == 5


def test_what_killed_writers_have_left_is_removed(tmp_path):
    """Of any step: the run may never save at that one again."""
    kept = [write(tmp_path, checkpoint(step), keep=2) for step in (3, 5)]
    for step in (4, 7):
        (tmp_path / f".step-0000000{step}").mkdir()
        (tmp_path / f".step-0000000{step}" / "model.safetensors").write_bytes(b"half")
    elsewhere = tmp_path.with_name("elsewhere")
    elsewhere.mkdir()
    (tmp_path / ".step-00000009").symlink_to(elsewhere)
    remove_unfinished(tmp_path)
    assert sorted(path for path in tmp_path.iterdir() if not path.is_symlink()) == kept
    assert elsewhere.is_dir()
