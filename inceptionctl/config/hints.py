"""Suggestions for settings and options that do not exist: near keys, our words for other tools', other groups."""

from __future__ import annotations

import difflib
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path

from inceptionctl.config.keys import all_settings, key_paths, settings_of
from inceptionctl.errors import RequestError, unknown

# Words of other tools, and earlier keys of this project, by our key for them. An assignment does not take their value.
SYNONYMS = {
    "arch": "model net network architecture backbone model_name",
    "arch.dropout": "drop drop_rate",
    "arch.pixels": "img_size image_size input_size resolution",
    "augment": "augmentation auto_augment aa transforms",
    "data": "dataset dataset_name",
    "data.eval_split": "data.holdout",
    "data.on_corrupt": "data.corrupt",
    "data.root": "data_dir data_path dataset_path",
    "data.workers": "num_workers n_workers dataloader_num_workers",
    "launch.accumulation_steps": "accum accumulate grad_accum_steps accumulate_grad_batches",
    "launch.device": "accelerator",
    "launch.device=cuda": "cuda gpu",
    "launch.hang_timeout": "watchdog",
    "launch.nodes": "num_nodes nnodes",
    "launch.nproc": "gpus num_gpus ngpus devices nproc_per_node world_size processes num_processes",
    "launch.gpus_per_node": "gpus num_gpus ngpus",
    "loss": "criterion",
    "loss.label_smoothing": "smoothing",
    "optim": "opt optimizer",
    "outputs": "output output_dir save_dir log_dir",
    "schedule": "scheduler sched lr_scheduler lr_schedule",
    "schedule.base_batch_size": "schedule.batch",
    "schedule.decay_epochs": "schedule.every",
    "schedule.gamma": "schedule.factor lr_decay",
    "schedule.lr": "learning_rate base_lr rate",
    "schedule.lr_scaling": "schedule.scaling",
    "schedule.min_lr_ratio": "schedule.floor",
    "schedule.warmup_epochs": "warmup",
    "seed": "random_seed manual_seed",
    "tracker": "logger",
    "tracker=tensorboard": "tensorboard",
    "tracker=wandb": "wandb",
    "tracker=trackio": "trackio",
    "train.batch_size": "bs batch global_batch_size train_batch_size",
    "train.bn_batch_size": "train.bn_batch",
    "train.compile": "torch_compile torchcompile",
    "train.ema": "train.average model_ema",
    "train.ema.decay": "ema_decay model_ema_decay train.average.value",
    "train.ema.unit": "train.average.memory",
    "train.epochs": "max_epochs num_epochs n_epochs",
    "train.grad_clip": "clip clip_grad clip_grad_norm gradient_clip_val max_grad_norm max_norm",
    "train.keep_best": "train.best save_best",
    "train.keep_checkpoints": "train.keep",
    "train.log_every": "log_interval print_freq log_every_n_steps",
    "train.precision=bfloat16": "amp bf16 mixed_precision",
    "train.precision=float16": "fp16",
    "train.weight_decay": "wd l2",
    "weights": "checkpoint",
    "weights=timm": "pretrained",
}
SENTENCES = {
    "data.cache=memory decodes images once, data.cache=none whenever they are needed.": "in_memory",
    "The number of classes follows from the data.": "num_classes nb_classes n_classes",
    "`inceptionctl resume RUN_DIR` continues a run.": "resume",
    "`inceptionctl ablate table=NAME` runs a table.": "table",
    "Several seeds are several runs: add -m, as in -m seed=0,1,2.": "seeds",
}
RECIPES = ("scale", "experiment", "ablation", "tuned")  # groups without settings of their own
NONE: Mapping[str, Sequence[str]] = {}
OPTIONS = {"sgd": "momentum", "smooth": "label_smoothing", "folder": "imagefolder", "tb": "tensorboard",
           "inception_v1": "googlenet"}  # fmt: skip


def unknown_setting(
    key: str, known: Collection[str], typed: str = "", groups: Mapping[str, Sequence[str]] = NONE
) -> RequestError:
    """The error for a `key` that is not `known`: suggests up to three that are, and lists those of its section."""
    if elsewhere := _of_another_command(key, known, typed):
        return elsewhere
    section = key.rpartition(".")[0]
    section = section if section in known else ""
    listed = [path for path in known if path.rpartition(".")[0] == section]
    return unknown("setting", key, listed, typed, _hint(key, known, _value(key, typed), groups))


def _of_another_command(key: str, known: Collection[str], typed: str) -> RequestError | None:
    """For a setting or a group that another command than this one has."""
    if "run" in known and (key in key_paths() or key.partition(".")[0] in RECIPES):
        return RequestError(f"{typed or key}: {key} is for training, and an evaluation does not train\n  leave it out")
    of_eval = {setting.key for setting in all_settings()} - key_paths()
    if key in of_eval - {*known} and key not in {*_by_word(known), *_by_last_segment(known)}:
        return RequestError(f"{typed or key}: {key} is a setting of `inceptionctl eval`")
    return None


def unknown_option(group: str, option: str, groups: Mapping[str, Sequence[str]], typed: str) -> RequestError:
    """The error for an `option` that `group` does not have: another group may, or it has another name here."""
    elsewhere = [other for other, options in groups.items() if option in options and other != "tuned"]
    ours = OPTIONS.get(option.lower())
    hint = None
    if elsewhere:
        choices = " or ".join(f"{other}={option}" for other in elsewhere)
        hint = f"{option} is an option of {' and '.join(elsewhere)}: {choices}"
    elif ours in groups[group]:
        hint = f"Did you mean {ours}?"
    elif group == "data" and Path(option).expanduser().is_dir():
        hint = f"A folder of images is data=imagefolder data.root={option}."
    elif not difflib.get_close_matches(option, groups[group], n=1, cutoff=0.5):
        hint = f"An option of your own is read with --config-dir FOLDER, from FOLDER/{group}/{option}.yaml."
    return unknown(group, option, groups[group], typed, hint)


def foreign_setting(key: str, chosen: str | None = None) -> RequestError | None:
    """For a key that other options of its group have than the `chosen` one; None for any other key."""
    group = key.partition(".")[0]
    having = [setting.option for setting in settings_of() if setting.key == key and setting.option]
    if not having or chosen in having:
        return None
    *options, last = (f"{group}={option}" for option in having)
    listed = f"{', '.join(options)} and {last}" if options else last
    here = f"; this is {group}={chosen}" if chosen else f", not of the {group} chosen here"
    return RequestError(f"{key} is a setting of {listed}{here}")


def nearest(key: str, known: Collection[str]) -> list[str]:
    """What `key` may mean, at most three: known keys with its last segment, our words for it, keys spelled alike."""
    section, _, last = key.rpartition(".")
    by_last, by_word = _by_last_segment(known), _by_word(known)
    found = by_word.get(key) or by_last.get(last) or by_word.get(last)
    if found:
        return found[:3]
    spelled = by_word | by_last
    alike = [path for word in difflib.get_close_matches(last, spelled, n=3, cutoff=0.7) for path in spelled[word]]
    return sorted(alike, key=lambda path: path.rpartition(".")[0] != section)[:1]


def _by_last_segment(keys: Iterable[str]) -> dict[str, list[str]]:
    found = defaultdict(list)
    for key in sorted(keys, key=len):
        found[key.rpartition(".")[2]].append(key)
    return found


def _by_word(known: Collection[str]) -> dict[str, list[str]]:
    """The known keys that each synonym stands for."""
    found = defaultdict(list)
    for ours, words in SYNONYMS.items():
        for word in words.split() if ours.partition("=")[0] in known else ():
            found[word].append(ours)
    return found


def _hint(key: str, known: Collection[str], value: str, groups: Mapping[str, Sequence[str]]) -> str:
    for sentence, words in SENTENCES.items():
        if key.rpartition(".")[2] in words.split():
            return sentence
    found = [f"{path}={value}" if _takes(path, value, groups) else path for path in nearest(key, known)]
    return f"Did you mean {' or '.join(found)}?" if found else ""


def _value(key: str, typed: str) -> str:
    """The value of an override of `key`; none if it sets `key` within a dictionary."""
    name, _, value = typed.lstrip("+").partition("=")
    return value if name == key else ""


def _takes(path: str, value: str, groups: Mapping[str, Sequence[str]]) -> bool:
    """Whether a value typed for another key is one for `path` too."""
    return bool(value) and "=" not in path and (path not in groups or value in groups[path])
