"""Images of an evaluation that cannot be read, or have several labels; parts that other nodes have written."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from support.evaluations import evaluated, evaluation_of, member, outcome
from test_evaluation import crops10

from inceptionctl.errors import DataError, InceptionctlError
from inceptionctl.planning.plan import frozen_plan
from inceptionctl.runs.config_file import read_config
from inceptionctl.runs.evaluations import read_evaluation
from inceptionctl.runs.index_file import read_index
from inceptionctl.worker.evaluation import assemble


def index_of(photos):
    """The fifteen evaluation images of `photos`."""
    config = read_config(photos)
    data = frozen_plan(config, read_index(photos, config.resolved.data_fingerprint)).data
    return data.evaluated_on(data.files["eval"])


@pytest.fixture
def damaged(photos, tmp_path):
    """The images with a copy of them in which number 7 cannot be read."""
    found = index_of(photos)
    files = found.files["eval"]
    for i in range(len(files)):
        path = tmp_path / "copy" / files.path(i).relative_to(files.root)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(files.path(i).read_bytes() if i != 7 else b"no image")
    return found.evaluated_on(replace(files, root=str(tmp_path / "copy")))


def test_an_unreadable_image_is_left_out_or_wrong(photos, damaged, tmp_path):
    others = np.delete(np.arange(15), 7)
    whole = outcome(evaluated(evaluation_of(tmp_path / "whole", member(photos), changed=crops10)))
    made = {
        policy: evaluated(
            evaluation_of(tmp_path / policy, member(photos), changed=crops10, index=damaged, on_unreadable=policy)
        )
        for policy in ("skip", "wrong")
    }
    records = {policy: read_evaluation(one.outcome) for policy, one in made.items()}
    skip, wrong = (outcome(one) for one in made.values())
    assert skip.index_N.tolist() == others.tolist()
    assert (skip.p_true_N == whole.p_true_N[others]).all()
    assert (wrong.p_true_N[others] == whole.p_true_N[others]).all()
    assert (wrong.top5_NK[7].tolist(), wrong.p_true_N[7], wrong.label_N[7]) == ([-1, -1, -1], 0, 1)
    hits = whole.correct_N[others].sum()
    about = {
        policy: (one.n_images, one.unreadable, one.unreadable_as, one.top1_error) for policy, one in records.items()
    }
    assert about["skip"] == (14, 1, "left out", 100 * (14 - hits) / 14)
    assert about["wrong"] == (15, 1, "wrong", 100 * (15 - hits) / 15)
    assert records["skip"].unreadable_images.total == records["wrong"].unreadable_images.total == 1
    assert records["skip"].nll == records["wrong"].nll
    assert records["skip"].ece == records["wrong"].ece


def test_an_unreadable_image_that_is_an_error_costs_nothing_that_was_done(photos, damaged, tmp_path):
    how = {"changed": crops10, "batch_size": 20, "on_unreadable": "error"}
    made = evaluation_of(tmp_path / "eval", member(photos), index=damaged, **how)
    with pytest.raises(DataError, match=r"copy/bee/02.png cannot be read: .*data.on_corrupt=skip or wrong"):
        assemble(made).work(lambda: False)
    assert [path.name for path in made.parts.iterdir()] == ["000000-000002.npz"]
    path = damaged.files["eval"].path(7)
    path.write_bytes(index_of(photos).files["eval"].path(7).read_bytes())
    job = assemble(made)
    job.work(lambda: False)
    assert job.batches_done == 5
    assert read_evaluation(made.outcome).n_images == 15


def test_not_one_image_that_can_be_read_is_an_error(photos, damaged, tmp_path):
    one = damaged.files["eval"].subset(np.array([7]))
    listed = replace(one, sizes_N=np.array([one.path(0).stat().st_size]))  # it was damaged before
    made = evaluation_of(tmp_path / "eval", member(photos), index=damaged.evaluated_on(listed), on_unreadable="wrong")
    with pytest.raises(DataError, match="not one of the images to evaluate on can be read"):
        assemble(made).work(lambda: False)


def test_any_of_several_labels_is_right(photos, tmp_path):
    found = index_of(photos)
    files = found.files["eval"]
    sets_NL = np.stack([files.labels_N, np.where(np.arange(15) % 2, (files.labels_N + 1) % 3, -1)], axis=1)
    several = found.evaluated_on(replace(files, label_sets_NL=sets_NL))
    one = outcome(evaluated(evaluation_of(tmp_path / "one", member(photos), probabilities=True)))
    made = evaluated(evaluation_of(tmp_path / "several", member(photos), index=several))
    other = outcome(made)
    assert (other.labels_NL == sets_NL).all()
    assert (other.label_N == files.labels_N).all()
    likeliest = one.top5_NK[:, 0]
    assert (other.correct_N == (likeliest[:, None] == sets_NL).any(axis=1)).all()
    p_true = one.p_NK.astype(float)[np.arange(15), files.labels_N]
    p_true[1::2] += one.p_NK.astype(float)[np.arange(15), sets_NL[:, 1]][1::2]
    assert other.p_true_N == pytest.approx(p_true, abs=2e-3)
    assert read_evaluation(made.outcome).top1_error <= 100 * (1 - one.correct_N.mean())


def test_parts_of_other_nodes_are_waited_for(photos, tmp_path):
    """A network file system shows files of other nodes after a while."""
    made = evaluation_of(tmp_path / "eval", member(photos), changed=crops10, batch_size=20)
    job = assemble(made)
    job._evaluate(job._left(), lambda: False)
    job._save()
    job.log.close()
    (path,) = made.parts.iterdir()
    hidden, waited = path.with_name("hidden"), []
    path.rename(hidden)

    def pause(seconds):
        waited.append(seconds)
        if len(waited) == 2:
            hidden.rename(path)

    assert job.parts.whole(5, pause).n_images == 15
    assert len(waited) == 2
    path.unlink()
    with pytest.raises(InceptionctlError, match="parts lacks 8 of 8 batches: start the evaluation again"):
        job.parts.whole(2, lambda _: None)
