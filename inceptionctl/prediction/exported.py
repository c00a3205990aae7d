"""The trained network that `export` names, and real images to compare it on."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, cast

import numpy as np

from inceptionctl.config.compose import composer_for
from inceptionctl.config.validate import parse, parse_evaluation
from inceptionctl.data.decode import decode
from inceptionctl.data.evaluated import open_eval
from inceptionctl.data.images import Images
from inceptionctl.data.order import generator
from inceptionctl.errors import DataError, RequestError, count, warn
from inceptionctl.export.request import Request
from inceptionctl.export.trained import Trained
from inceptionctl.files import from_here
from inceptionctl.models.weights.releases import release
from inceptionctl.planning.evaluation.preprocessing import preprocessing
from inceptionctl.planning.networks import TrainedNetwork, of_run, of_weights
from inceptionctl.prediction.words import image_files
from inceptionctl.runs.index_file import read_index
from inceptionctl.runs.paths import RunDir
from inceptionctl.scheduling.downloads import download
from inceptionctl.terminal import console

if TYPE_CHECKING:
    from torch import Tensor

    from inceptionctl.models.torch.classifier import Classifier

N_IMAGES = 64  # that the networks are compared on


def plan(request: Request) -> TrainedNetwork:
    """Raises RequestError and FileError. A release that is not on this machine is downloaded."""
    if request.run:
        return of_run(request.run, request.weights)
    composer, arch = composer_for(None), request.settings["arch"]
    if (entry := release(arch, request.weights)) and not entry.cached:
        download(entry, console(stderr=True))
    words, key = [f"arch={arch}", *request.overrides], request.settings.get("weights_key")
    network = of_weights(composer, arch, request.weights, key, words)
    extra = preprocessing(network.release) if network.release else []
    protocol = parse_evaluation(composer.compose("eval", extra)).protocol
    return replace(network, config=replace(network.config, protocol=protocol))


def load(network: TrainedNetwork) -> Trained:
    """On the CPU, as `eval` loads it. Raises InceptionctlError."""
    import torch

    from inceptionctl.runs.heartbeat import Heartbeat
    from inceptionctl.worker.members import Member

    record = network.record
    with tempfile.TemporaryDirectory() as folder:
        member = Member.of(record, network.config)
        heartbeat = Heartbeat(Path(folder, "heartbeat"))
        model = member.load(network.n_classes, torch.device("cpu"), [0], heartbeat).model
    return Trained(
        model=cast("Classifier", model.to(memory_format=torch.contiguous_format)),
        config=network.config,
        classes=network.class_names,
        weights=os.path.basename(record.weights),
        run=RunDir(Path(record.run)) if record.run else None,
        sha256=record.sha256,
    )


def real_images(request: Request, network: TrainedNetwork) -> tuple[Tensor, str]:
    """(uint8 images_NCHW of the network's input size, what they are): those of `images=`, otherwise the run's own to
    evaluate on; for bare weights, the embedded digits. At most 64, from all over the set. Raises RequestError where
    there are none."""
    import torch

    found, described = _of_files(request.images, network) if request.images else _of_set(request, network)
    images = [*found]
    if not images:
        raise RequestError("not one image to compare the networks on can be read: name others with images=FOLDER")
    described = f"{count(len(images), 'image')} of {described}"
    return torch.from_numpy(np.stack(images)).permute(0, 3, 1, 2).contiguous(), described


def _of_files(folder: Path, network: TrainedNetwork) -> tuple[Iterator[np.ndarray], str]:
    files, transform = [*image_files([folder])], network.config.protocol.monitor_transform(network.config.arch.pixels)

    def read() -> Iterator[np.ndarray]:
        for index in _spread(len(files)):
            try:
                yield _first_view(np.asarray(transform(decode(files[index]), generator(0, 0))))
            except DataError as error:
                warn(str(error))

    return read(), f"a folder of {count(len(files), 'image file')}"


def _of_set(request: Request, network: TrainedNetwork) -> tuple[Iterator[np.ndarray], str]:
    config = network.config
    if request.run:
        data, index = config.data, read_index(RunDir(request.run), config.resolved.data_fingerprint)
    else:
        data = parse(composer_for(None).compose("train", ["data=digits"])).data
        index = data.index(dev=False)
    pixels = config.arch.pixels
    try:
        images = open_eval(data, index, [config.protocol.monitor_transform(pixels)], [pixels])
    except RequestError as error:
        raise RequestError(f"{error}\n  or name other images with images=FOLDER") from error
    return _read(images), f"{data.shown_title}, {data.eval_split} split"


def _read(images: Images) -> Iterator[np.ndarray]:
    for index in _spread(len(images)):
        try:
            image = images.image(0, index)
        except DataError as error:
            warn(str(error))
            continue
        yield _first_view(np.asarray(image[0] if isinstance(image, tuple) else image))


def _first_view(image: np.ndarray) -> np.ndarray:
    return image[0] if image.ndim == 4 else image


def _spread(n: int) -> Sequence[int]:
    """At most 64 places, over all of the set."""
    return [int(place) for place in np.unique(np.linspace(0, n - 1, min(n, N_IMAGES)).round().astype(int))]


def shown(request: Request) -> str:
    """What is exported, for messages."""
    return from_here(request.run) if request.run else f"{request.settings['arch']} {request.weights}"
