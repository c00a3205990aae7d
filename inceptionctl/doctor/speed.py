"""Times the parts of training in a process of its own: reading images, copying them, the step."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from inceptionctl import processes
from inceptionctl.config.schema import Config
from inceptionctl.data.sources import imagefolder
from inceptionctl.data.training_source import TrainingSource
from inceptionctl.doctor import images
from inceptionctl.doctor.finding import Finding, note, ok, problem
from inceptionctl.doctor.gpus import usable
from inceptionctl.doctor.jpegs import write_jpegs
from inceptionctl.doctor.ranks import error_in
from inceptionctl.doctor.rates import CHECK, Rates, judge
from inceptionctl.errors import InceptionctlError
from inceptionctl.hardware import num_cores
from inceptionctl.planning.plan import Plan, plan
from inceptionctl.runs.config_file import write_config
from inceptionctl.runs.index_file import write_index
from inceptionctl.runs.io import read_record
from inceptionctl.runs.paths import RunDir

MEASURE = "inceptionctl.doctor.measure"
RATES = "rates.json"
SECONDS = 600.0  # on a machine that does much else
BATCHES = 4  # of generated images
WORKERS = 4


def check(config: Config, has_data: bool) -> Iterator[Finding]:
    """Of the network and recipe of `config`, on its images or, unless it `has_data`, on generated JPEG files."""
    ranks = config.launch.nproc or max(1, 0 if config.launch.device == "cpu" else usable())
    with tempfile.TemporaryDirectory(prefix="inceptionctl-doctor-") as folder:
        try:
            planned = plan(_of_one_rank(config, ranks, has_data, Path(folder)))
        except InceptionctlError as error:
            if has_data and any(one.level == "problem" for one in images.check(config.data)):
                return  # `images` has said it
            reason, _, remedy = str(error).partition("\n")
            yield problem(CHECK, f"train refuses these settings: {reason}", remedy.strip() or "change that setting")
            return
        yield _setting(planned, has_data)
        yield from _measured(planned, RunDir(Path(folder) / "run"), ranks)


def _measured(planned: Plan, run: RunDir, ranks: int) -> Iterator[Finding]:
    run.path.mkdir()
    write_index(run, planned.data)
    write_config(run, planned.config)
    try:
        command = processes.python_module(MEASURE, str(run.path))
        done = processes.run(command, seconds=SECONDS, OMP_WAIT_POLICY="passive")  # as runs have it
    except processes.TooSlowError:
        remedy = "measure less: a smaller train.batch_size, arch.pixels or network; --quick measures nothing"
        yield note(CHECK, f"the steps took more than {SECONDS:g} s", remedy)
        return
    if done.code:
        yield problem(
            CHECK, f"a training step fails: {error_in(done)}", "`inceptionctl train` with the same settings says more"
        )
        return
    yield from judge(read_record(run.path / RATES, Rates), ranks, num_cores())


def _of_one_rank(config: Config, ranks: int, has_data: bool, folder: Path) -> Config:
    """The settings of a run whose whole batch is one micro-batch of one rank. Its images are not cached: what decoding
    costs is asked."""
    train, launch = config.train, config.launch
    size = max(1, train.batch_size // (ranks * launch.accumulation_steps))
    group = min(size, train.bn_batch_size) if train.bn_batch_size else None
    data = config.data
    if not has_data:
        write_jpegs(folder, BATCHES * size)
        data = _generated(folder / "images")
    elif isinstance(data, TrainingSource) and data.cache != "none":
        data = replace(data, cache="none")
    return replace(
        config,
        data=data,
        train=replace(train, batch_size=size, bn_batch_size=group),
        launch=replace(launch, accumulation_steps=1, nproc=1),
    )


def _generated(root: Path) -> imagefolder.Settings:
    return imagefolder.Settings(
        name="imagefolder", root=str(root), train=None, val=None, split=None, leave_out=None, train_fraction=None,
        cache="none", augment_on="cpu", decode_on="cpu", eval_split="test", on_corrupt="error", workers=WORKERS,
    )  # fmt: skip


def _setting(planned: Plan, has_data: bool) -> Finding:
    config = planned.config
    source = f"data={config.data.name}" if has_data else "generated JPEG files of 500x375 (data=NAME measures your own)"
    pixels, train = config.arch.pixels, config.train
    message = (
        f"{config.arch.name}, {pixels}x{pixels} pixels, {train.precision}, {train.batch_size} images a rank; {source}"
    )
    return ok(CHECK, message, arch=config.arch.name, pixels=pixels, precision=train.precision, data=config.data.name)
