"""The identity of a run: equal where two runs must end with the same weights, whatever they are called."""

from __future__ import annotations

import hashlib
import json

from inceptionctl.config.idle import effective_settings
from inceptionctl.config.keys import matches
from inceptionctl.config.later import VALUES
from inceptionctl.config.schema import Config

# Raised by hand whenever code makes the same settings give other results.
# 4: digits are evaluated by a protocol too; runs before have one in their settings that was never applied.
RESULTS_VERSION = 4
# The same of images that are decoded, not drawn.
# 1: training images are cropped in whole pixels, and resized by torch instead of Pillow.
DECODED_VERSION = 1

# The settings that trained weights do not depend on, and why.
IRRELEVANT = (
    "tuned", "resolved.usual_warmup",  # where values came from: the values themselves count
    "weights_key",  # what was asked for: what was taken counts
    "name", "outputs", "run_dir", "rerun", "tracker",  # where a run and its metrics are kept
    "launch",  # where it is worked on: samples and batches are the same for any number of ranks
    "protocol", "data.renderings",  # how it is evaluated, and on how many images
    "data.root", "data.train", "data.val", "data.train_fraction",  # where the images are: their digest counts
    "data.leave_out", "data.image_column", "data.label_column",
    "data.devkit", "data.class_names",  # where labels and names of classes are: the digest is over them too
    "data.download", "data.cache",
    "data.workers",
    "train.log_every", "train.keep_checkpoints",
    "train.monitor", "train.monitor_epochs",  # looks on
)  # fmt: skip


def identity(config: Config) -> str:
    """Twelve hexadecimal digits, over the relevant settings."""
    # Of a file of weights counts what it holds, not where it lies.
    ignored = (*IRRELEVANT, "weights") if config.resolved.weights_sha256 else IRRELEVANT
    if config.resolved.weights_key is None:
        ignored = (*ignored, "resolved.weights_key")
    relevant = {
        key: value
        for key, value in effective_settings(config).items()
        if not matches(key, ignored) and value != VALUES.get(key, ...)
    }
    versions = [RESULTS_VERSION] if config.data.drawn else [RESULTS_VERSION, DECODED_VERSION]
    return digest_of([*versions, relevant])[:12]


def digest_of(values: object) -> str:
    """Hexadecimal digits over plain values, whatever the order of their keys."""
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()
