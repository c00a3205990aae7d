"""Images that cannot be read: named, skipped or replaced, the same in a worker and without."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image
from support.image_folders import plain_views, settings
from torch.nn.functional import log_softmax

from inceptionctl.data.file_images import FileImages
from inceptionctl.data.images import IGNORED
from inceptionctl.data.listing import read_class_folders
from inceptionctl.data.loader import Loader
from inceptionctl.data.order import epoch_order, evaluation_batches
from inceptionctl.errors import DataError
from inceptionctl.evaluation.evaluate import Method, Network, evaluate
from inceptionctl.models.torch.classifier import Output
from inceptionctl.training.device import ToDevice
from inceptionctl.training.losses import CrossEntropy

SIDE = 8


def save(path, seed, kind="PNG"):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.random.default_rng(seed).integers(0, 256, (24, 32, 3), dtype=np.uint8)).save(path, kind)


@pytest.fixture
def folder(tmp_path):
    """Two classes of three images; the last of the first class is cut off."""
    for label, kind in enumerate(("cat", "dog")):
        for i in range(3):
            save(tmp_path / kind / f"{i}.jpg", 10 * label + i, "JPEG")
    truncate(tmp_path / "cat" / "2.jpg")
    return tmp_path


def images(folder, on_corrupt):
    return FileImages(read_class_folders(folder).files, plain_views(SIDE).train, seed=0, on_corrupt=on_corrupt)


def passed(folder, corrupt, workers=0):
    return list(Loader(workers).evaluation(images(folder, corrupt), evaluation_batches(6, 2)))


def truncate(path):
    path.write_bytes(path.read_bytes()[:-200])


@pytest.mark.parametrize("workers", [0, 1])
def test_an_unreadable_image_ends_the_run_with_its_name_and_no_traceback(workers, folder):
    with pytest.raises(DataError) as caught:
        passed(folder, "error", workers)
    (line,) = str(caught.value).splitlines()  # the last line of a log is what the terminal shows
    assert line.startswith(f"image {folder}/cat/2.jpg cannot be read: ")
    assert line.endswith("; remove it, or set data.on_corrupt=skip or replace")


@pytest.mark.parametrize("workers", [0, 1])
def test_a_skipped_image_is_grey_and_does_not_count(workers, folder):
    before, damaged, after = passed(folder, "skip", workers)
    assert [batch.counted_N.tolist() for batch in (before, damaged, after)] == [[True] * 2, [False, True], [True] * 2]
    assert torch.equal(damaged.counted_N, damaged.read_N)
    (views,) = damaged.views
    assert (views[0] == 128).all()
    assert (views[1, 0].permute(1, 2, 0).numpy() == images(folder, "error").image(0, 3)).all()


def trained_on(folder, corrupt, workers=0):
    """The batch of all six images, and the place of each in it."""
    batch = next(Loader(workers).training(images(folder, corrupt), 6, 0, range(1)))
    return batch, np.argsort(epoch_order(6, 0, 0))


@pytest.mark.parametrize("workers", [0, 1])
def test_a_skipped_image_has_no_label_in_training(workers, folder):
    batch, place = trained_on(folder, "skip", workers)
    assert batch.labels_N[place].tolist() == [0, 0, IGNORED, 1, 1, 1]
    assert batch.unreadable == (2,)


@pytest.mark.parametrize("workers", [0, 1])
def test_a_replaced_image_is_the_next_one_with_its_own_label(workers, folder):
    truncate(folder / "dog" / "0.jpg")
    batch, place = trained_on(folder, "replace", workers)
    assert batch.labels_N[place].tolist() == [0, 0, 1, 1, 1, 1]
    assert sorted(batch.unreadable) == [2, 3]
    next_one = images(folder, "error").image(0, 4)
    assert all((batch.images_NCHW[place[i]].permute(1, 2, 0).numpy() == next_one).all() for i in (2, 3, 4))


def test_the_last_image_is_replaced_by_the_first(folder):
    truncate(folder / "dog" / "2.jpg")
    batch, place = trained_on(folder, "replace")
    assert batch.labels_N[place].tolist() == [0, 0, 1, 1, 1, 0]


def test_nothing_to_replace_it_by_is_an_error(folder):
    for path in folder.rglob("*.jpg"):
        path.write_bytes(b"no image")
    with pytest.raises(DataError, match=f"none of the 6 images below {folder} can be read"):
        passed(folder, "replace")


def test_evaluation_images_are_never_replaced(folder):
    truncate(folder / "dog" / "0.jpg")
    for label in range(2):
        for i in range(3, 10):
            save(folder / ("cat", "dog")[label] / f"{i}.jpg", 20 * label + i, "JPEG")
    where = settings(train=str(folder), val=str(folder), on_corrupt="replace")
    found = where.open(where.index(dev=True), plain_views(SIDE), 0)
    assert [part.on_corrupt for part in (found.train, found.monitor, found.eval)] == ["replace", "skip", "skip"]


def test_it_is_said_once_per_file(folder, capsys):
    for _ in range(3):
        passed(folder, "skip")
    assert capsys.readouterr().err == f"inceptionctl: image {folder}/cat/2.jpg cannot be read (skipped)\n"


def test_a_training_batch_with_nothing_to_learn_from_is_an_error(folder):
    for path in folder.rglob("*.jpg"):
        path.write_bytes(b"no image")
    with pytest.raises(DataError, match="none of the 2 images of a batch can be read"):
        next(Loader().training(images(folder, "skip"), 2, 0, range(3)))


class Flat(torch.nn.Module):
    def forward(self, images_NCHW):
        return Output(images_NCHW.mean(dim=(2, 3))[:, :2], {})


def evaluated(found, first=0, last=6):
    method = Method(labels_NL=found.labels_N[:, None], n_classes=2, batch_size=2)
    batches = Loader().evaluation(found, evaluation_batches(6, 2)[first:last])
    return evaluate([Network(Flat(), ToDevice(torch.device("cpu")))], batches, method)


def test_evaluation_leaves_it_out(folder):
    found = evaluated(images(folder, "skip"))
    whole = evaluated(images(folder, "replace"))  # as if it were replaced
    assert found.indices_N.tolist() == [0, 1, 3, 4, 5]
    assert found.labels_N.tolist() == [0, 0, 1, 1, 1]
    assert (found.p_true_N == whole.p_true_N[[0, 1, 3, 4, 5]]).all()
    assert found.nll == pytest.approx(-np.log(found.p_true_N).mean(), rel=1e-5)
    assert (found.n_images, found.unreadable) == (5, 1)
    assert whole.unreadable == 0


def test_a_batch_knows_the_places_of_its_images(folder):
    found = evaluated(images(folder, "skip"), first=1, last=2)
    assert (found.indices_N.tolist(), found.left_out_M.tolist(), found.unreadable) == ([3], [2], 1)


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_the_loss_is_the_mean_over_the_images_that_count(smoothing):
    generator = torch.Generator().manual_seed(0)
    logits_NK, aux_NK = torch.randn(2, 5, 4, generator=generator)
    labels_N = torch.tensor([0, IGNORED, 3, IGNORED, 1])
    counts = labels_N != IGNORED

    def by_hand(logits_NK):
        target_NK = torch.full((3, 4), smoothing / 4)
        target_NK[torch.arange(3), labels_N[counts]] += 1 - smoothing
        return -(target_NK * log_softmax(logits_NK[counts], dim=1)).sum() / 3

    found = CrossEntropy(smoothing, 0.4, smooth_aux=True)(Output(logits_NK, {"aux": aux_NK}), labels_N)
    assert torch.allclose(found, by_hand(logits_NK) + 0.4 * by_hand(aux_NK))
