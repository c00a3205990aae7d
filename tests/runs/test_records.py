"""Records are read as they were written; what is wrong with a file is told by its name and the field's."""

from __future__ import annotations

import re

import pytest

from inceptionctl.errors import InceptionctlError
from inceptionctl.files import MissingFileError, writing
from inceptionctl.runs import io
from inceptionctl.runs.records.metrics import ANY_ROW, EvalRow, OptimizerRow, TrainRow
from inceptionctl.runs.records.process import ExitStatus, Start, SubmittedJob

EXIT = ExitStatus(code=1, message="training diverged at step 3\n  lower schedule.lr")
ROWS = [
    TrainRow(
        step=1, epoch=0.5, loss=2.3, grad_norm=None, unreadable=0, lr=0.1, images_per_s=100.0, time_s=1.0
    ),
    EvalRow(
        step=2, epoch=1.0, purpose="final", weights="ema", n_images=9, unreadable=1, top1_error=50.0, top5_error=0.0,
        nll=1.5,
    ),
    OptimizerRow(step=2, epoch=1.0, inv_rms_mean=1.0, inv_rms_p1=0.5, inv_rms_p99=2.0),
]  # fmt: skip


def test_a_record_is_read_as_it_was_written(tmp_path):
    io.write_record(tmp_path / "exit.json", EXIT)
    assert io.read_record(tmp_path / "exit.json", ExitStatus) == EXIT
    assert [path.name for path in tmp_path.iterdir()] == ["exit.json"], "no temporary file is left"


def test_lines_are_read_as_they_were_appended_but_for_one_that_is_being_written(tmp_path):
    path = tmp_path / "metrics.jsonl"
    assert io.read_lines(path, ANY_ROW) == []
    for row in ROWS:
        io.append_record(path, row)
    with path.open("ab") as file:
        file.write(io.to_line(ROWS[0])[:-1])
    assert io.read_lines(path, ANY_ROW) == ROWS


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is damaged: Invalid JSON"),
        ("[]", "is damaged: "),
        ('{"code": 1}', "is incomplete: it has no message"),
        ('{"code": "1", "message": ""}', "is damaged: code = '1': Input should be a valid integer"),
        ('{"schema": 2, "code": 1, "message": ""}', "is of another version: schema = 2; Input should be 1"),
    ],
)
def test_what_is_wrong_with_a_file_is_told_by_its_name_and_the_fields(text, message, tmp_path):
    path = tmp_path / "exit.json"
    path.write_text(text)
    with pytest.raises(io.RecordError, match=re.escape(f"{path} {message}")):
        io.read_record(path, ExitStatus)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(MissingFileError, match=r"exit\.json cannot be read: No such file"):
        io.read_record(tmp_path / "exit.json", ExitStatus)


@pytest.mark.parametrize("line", ['{"kind": "eval", "step": 1}', '{"kind": "test"}', "{nonsense}"])
def test_a_wrong_line_is_told_of(line, tmp_path):
    path = tmp_path / "metrics.jsonl"
    path.write_text(line + "\n")
    with pytest.raises(io.RecordError, match=r"metrics\.jsonl, line 1, is (damaged|incomplete)"):
        io.read_lines(path, ANY_ROW)


def test_nan_is_never_written(tmp_path):
    with pytest.raises(ValueError, match="not JSON compliant"):
        io.to_line(Start(at=float("nan"), node="", job=None, submission=None, step=0))


def test_a_file_that_cannot_be_written_stays_as_it_was(tmp_path):
    path = tmp_path / "exit.json"
    io.write_record(path, EXIT)
    with pytest.raises(InceptionctlError, match=f"cannot write {path}"), writing(path):
        raise OSError("no space")
    assert io.read_record(path, ExitStatus) == EXIT


def test_a_job_that_was_noted_before_requests_were_is_read(tmp_path):
    (tmp_path / "jobs.jsonl").write_text(
        '{"schema": 1, "job": "12_3", "submission": "/a b", "path": null, "inode": null}\n'
    )
    assert io.read_lines(tmp_path / "jobs.jsonl", SubmittedJob) == [SubmittedJob(job="12_3", submission="/a b")]
