"""What comes from strangers is data: weights, checkpoints, predictions and settings are read, and nothing in them runs.

Each harmful thing here would make the folder `ran`, wherever it got to run.
"""

from __future__ import annotations

import ast
import hashlib
import io
import json
import os
import pickle
import shutil
import stat
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from support.command_line import TINY, call
from support.records import finish, manifest, manifest_row

import inceptionctl
from inceptionctl.errors import CheckpointError
from inceptionctl.models.weights import unpickle
from inceptionctl.runs.io import write_record
from inceptionctl.runs.paths import MANIFEST, RunDir
from inceptionctl.runs.records.table import ManifestCell
from inceptionctl.training.checkpoint import Checkpoint, read, read_latest, write

SECRET = "sekret" * 7  # forty characters and two, as long as a key has to be
PACKAGE = Path(inceptionctl.__file__).parent


class Malicious:
    def __init__(self, place: Path):
        self.place = place

    def __reduce__(self):
        return os.mkdir, (str(self.place / "ran"),)


@pytest.fixture
def harm(tmp_path):
    """A pickle that shows when it is run; nothing may have run when the test ends."""
    yield Malicious(tmp_path)
    assert not (tmp_path / "ran").exists()


def assert_refused(done, code, *words):
    said = done.stdout + done.stderr
    assert done.returncode == code, said
    assert "Traceback" not in said
    assert [word for word in words if word not in said] == [], said


def test_the_pickle_of_these_tests_does_harm_where_it_is_read(tmp_path):
    pickle.loads(pickle.dumps(Malicious(tmp_path)))
    assert (tmp_path / "ran").is_dir()


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A tiny run, made where anybody may write and with a secret in its environment."""
    where = tmp_path_factory.mktemp("finished")
    before = os.umask(0)
    try:
        done = call(
            "train",
            "run_dir=run",
            "tracker=wandb",
            "tracker.wandb.mode=offline",
            *TINY,
            cwd=where,
            WANDB_API_KEY=SECRET,
        )
    finally:
        os.umask(before)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "failed" not in done.stdout  # the tracker did its work
    return where / "run"


@pytest.fixture
def begun(finished, tmp_path):
    """A copy of the run, as it was before it ended."""
    run = shutil.copytree(finished, tmp_path / "run", symlinks=True)
    (run / "result.json").unlink()
    return run


# Weights, checkpoints and predictions


@pytest.mark.parametrize(
    ("command", "name"),
    [
        ("predict", "weights.safetensors"),
        ("predict", "weights.pth"),
        ("train", "weights.bin"),
        *(pytest.param(*case, marks=pytest.mark.slow) for case in [("predict", "weights.pt"), ("train", "weights.pt")]),
    ],
)
def test_a_pickle_for_weights_is_refused(command, name, harm, inceptionctl_here, tmp_path):
    from PIL import Image

    Image.new("RGB", (90, 90)).save(tmp_path / "picture.png")
    torch.save({"weight": torch.zeros(1), "other": harm}, tmp_path / name)
    more = {"predict": ["picture.png"], "train": TINY}[command]
    done = inceptionctl_here(command, "arch=inception_v3", f"weights={name}", *more)
    assert_refused(done, 2, name, "nothing in it was run")


def sealed(checkpoint: Path) -> None:
    """Gives a checkpoint a manifest that matches what it now holds."""
    files = [path for path in checkpoint.iterdir() if path.name != "manifest.json"]
    digests = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in files}
    (checkpoint / "manifest.json").write_text(json.dumps(digests))


@pytest.mark.parametrize(
    "name", ["model.safetensors", *(pytest.param(n, marks=pytest.mark.slow) for n in ("state.json", "manifest.json"))]
)
def test_a_pickle_in_a_checkpoint_is_refused(name, harm, inceptionctl_here, begun):
    (checkpoint,) = begun.glob("checkpoints/step-*")
    sealed(checkpoint)
    (checkpoint / name).write_bytes(pickle.dumps(harm))
    if name != "manifest.json":
        sealed(checkpoint)
    assert_refused(inceptionctl_here("resume", str(begun)), 1, f"every checkpoint in {checkpoint.parent} is damaged")
    log = (begun / "log" / "rank-0.log").read_text()
    assert f"checkpoint {checkpoint} is damaged" in log
    assert "Traceback" not in log


def test_a_pickle_in_predictions_is_refused(harm, inceptionctl_here, tmp_path):
    """In a table's folder that somebody sent: a manifest and one finished run."""
    run = RunDir(tmp_path / "outputs" / "table" / "0123456789ab-0")
    (run.path / "evaluations").mkdir(parents=True)
    finish(run)
    path = run.evaluation("test", "single", "ema")
    harmful = np.array([harm] * 4, dtype=object)
    np.savez(path.with_suffix(".npz"), schema=1, **dict.fromkeys(("label", "group", "top5", "p_true"), harmful))
    row = manifest_row("A", ManifestCell(seed=0, identity="0123456789ab"))
    write_record(run.path.parent / MANIFEST, manifest(row))
    done = inceptionctl_here("report", str(run.path.parent))
    assert_refused(done, 0, "Damaged: A seed 0: ", "test.single.ema.npz is damaged:", "they are pickles")


# Settings


@pytest.fixture
def foreign(tmp_path):
    """Writes a file of settings into a stranger's folder, with something to run that Hydra's own list lets pass."""

    def write(name: str, text: str) -> None:
        path = tmp_path / "foreign" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text.replace("RAN", str(tmp_path / "ran")))

    return write


CALL = "{_target_: logging.FileHandler, filename: RAN}"
HANDLERS = "{version: 1, handlers: {x: {class: logging.FileHandler, filename: RAN}}, root: {handlers: [x]}}"
FACTORY = "{version: 1, formatters: {x: {(): subprocess.getoutput, cmd: mkdir RAN}}, root: {}}"


def whole(text: str) -> str:
    return f"# @package _global_\ndefaults: [digits]\n{text}"


@pytest.mark.usefixtures("harm")
@pytest.mark.parametrize(
    ("name", "text", "words", "message"),
    [
        ("tracker/x", f"{{wandb: {CALL}}}", ["tracker=x"], "tracker.wandb._target_"),
        ("scale/x", whole(f"hydra: {{callbacks: {{x: {CALL}}}}}"), ["scale=x"], "hydra.callbacks"),
        ("scale/x", whole(f"hydra: {{callbacks: {{x: {CALL}}}}}"), ["scale=x", "--help"], "hydra.callbacks"),
        ("scale/x", whole(f"hydra: {{job_logging: {HANDLERS}}}"), ["scale=x"], "hydra.job_logging"),
        ("scale/x", whole(f"hydra: {{hydra_logging: {FACTORY}}}"), ["scale=x", "--help"], "hydra.hydra_logging"),
        ("scale/x", whole("hydra: {job: {env_set: {LD_PRELOAD: RAN}}}"), ["scale=x"], "hydra.job.env_set"),
        ("hydra/job_logging/x", HANDLERS, ["hydra/job_logging=x"], "foreign/hydra: a folder"),
        ("hydra/hydra_logging/x", FACTORY, ["hydra/hydra_logging=x"], "foreign/hydra: a folder"),
        ("hydra/launcher/x", CALL, ["-m", "hydra/launcher=x"], "foreign/hydra: a folder"),
    ],
)
def test_a_strangers_folder_of_settings_runs_nothing(name, text, words, message, foreign, inceptionctl_here):
    foreign(f"{name}.yaml", text)
    assert_refused(inceptionctl_here("train", *words, "--dry-run", "--config-dir", "foreign"), 2, message)


def test_groups_of_ones_own_still_join(foreign, inceptionctl_here):
    foreign("schedule/mine.yaml", "defaults: [cosine]\nlr: 0.123")
    words = ["schedule=mine", "--config-dir", "foreign"]
    hydra_words = ["hydra/job_logging=disabled", "hydra.verbose=true"]
    assert "lr: 0.123" in inceptionctl_here("train", "--cfg", "job", *words, *hydra_words).stdout
    assert inceptionctl_here("train", "--dry-run", *words).returncode == 0
    refused = inceptionctl_here("train", "--dry-run", *words, *hydra_words)
    assert_refused(refused, 2, "hydra/job_logging=disabled has no effect on a single run")


@pytest.mark.usefixtures("harm")
@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["+arch._target_=os.system"], "_target_ names code"),
        (["+hydra.callbacks.x._target_=logging.FileHandler", "+hydra.callbacks.x.filename=ran"], "_target_ names code"),
        (["hydra.launcher._target_=os.system"], "_target_ names code"),
        (["+hydra.callbacks={x: {_target_: logging.FileHandler, filename: ran}}", "--help"], "_target_ names code"),
        (["--config-path", "foreign"], "--config-dir"),
        (["--config-name", "foreign"], "--config-dir"),
    ],
    ids=str,
)
def test_no_word_of_the_command_line_names_code(words, message, inceptionctl_here):
    assert_refused(inceptionctl_here("train", *words), 2, message)


def test_hydras_pickle_of_a_job_is_not_read(harm, inceptionctl_here, tmp_path):
    (tmp_path / "config.pickle").write_bytes(pickle.dumps(harm))
    assert_refused(inceptionctl_here("train", "--experimental-rerun", "config.pickle"), 2, "--experimental-rerun")


@pytest.mark.usefixtures("harm")
@pytest.mark.parametrize("kind", ["target", "nested", "tag"])
def test_a_frozen_file_that_names_code_is_refused(kind, inceptionctl_here, begun, tmp_path):
    frozen, target = yaml.safe_load((begun / "config.yaml").read_text()), {"_target_": "os.mkdir", "path": "ran"}
    changed = {"target": frozen | target, "nested": frozen | {"arch": frozen["arch"] | target}, "tag": frozen}[kind]
    text = yaml.safe_dump(changed)
    if kind == "tag":
        text += f"more: !!python/object/apply:os.mkdir [{tmp_path / 'ran'}]\n"
    (begun / "config.yaml").write_text(text)
    named = "python/object/apply" if kind == "tag" else "_target_"
    assert_refused(inceptionctl_here("resume", str(begun)), 2, "config.yaml", named)


# Paths that lead out


@pytest.fixture
def checkpoint(tmp_path):
    tensors = {"model": {"w": torch.ones(3)}}
    return write(tmp_path / "checkpoints", Checkpoint(tensors, {"step": 1}), keep=1)


@pytest.mark.parametrize("name", ["../../precious.safetensors", "ABSOLUTE", "model.safetensors", "state.json",
                                  "manifest.json", "the folder"])  # fmt: skip
def test_a_checkpoint_that_leads_out_of_its_folder_is_not_trusted(name, checkpoint, tmp_path):
    """Even where what lies there is sound and matches the manifest."""
    precious, content = tmp_path / "precious.safetensors", (checkpoint / "model.safetensors").read_bytes()
    if name == "the folder":
        precious = checkpoint.rename(tmp_path / "elsewhere")
        checkpoint.symlink_to(precious)
    elif (checkpoint / name).exists():
        (checkpoint / name).rename(precious)
        (checkpoint / name).symlink_to(precious)
    else:
        precious.write_bytes(content)
        digests = json.loads((checkpoint / "manifest.json").read_text())
        digests[name.replace("ABSOLUTE", str(precious))] = hashlib.sha256(content).hexdigest()
        (checkpoint / "manifest.json").write_text(json.dumps(digests))
    before = {path: path.read_bytes() for path in [precious, *precious.rglob("*")] if path.is_file()}
    with pytest.raises(CheckpointError, match="cannot be trusted"):
        read(checkpoint)
    said: list[str] = []
    with pytest.raises(CheckpointError):
        read_latest(checkpoint.parent, said.append)
    assert "cannot be trusted" in said[0]
    write(checkpoint.parent, Checkpoint({}, {"step": 2}), keep=1)
    assert {path: path.read_bytes() for path in before} == before


def test_a_state_that_the_manifest_does_not_vouch_for_is_damage(checkpoint):
    (checkpoint / "manifest.json").write_text("{}")
    with pytest.raises(CheckpointError, match=r"state.json does not match"):
        read(checkpoint)


@pytest.mark.parametrize("name", [".lock", "metrics.jsonl", "log/rank-0.log", "checkpoints"])
def test_a_run_folder_with_a_link_is_not_worked_on(name, inceptionctl_here, begun, tmp_path):
    (begun / name).rename(tmp_path / "precious")
    before = (tmp_path / "precious").stat()
    (begun / name).symlink_to(tmp_path / "precious")
    assert_refused(inceptionctl_here("resume", str(begun)), 2, f"{begun / name} cannot be trusted: it is a link")
    after = (tmp_path / "precious").stat()
    assert (after.st_size, after.st_mtime_ns) == (before.st_size, before.st_mtime_ns)


# What others may write, and read


def writable_by_others(folder: Path) -> list[Path]:
    found = [path for path in [folder, *folder.rglob("*")] if not path.is_symlink()]
    assert len(found) > 1
    return [path for path in found if path.stat().st_mode & (stat.S_IWGRP | stat.S_IWOTH)]


def test_nobody_else_may_write_to_a_run(finished):
    assert writable_by_others(finished) == []


def test_nor_does_it_tell_a_secret(finished):
    files = [path for path in finished.rglob("*") if path.is_file()]
    assert any(path.suffix == ".wandb" for path in files)
    assert [path for path in files if SECRET.encode() in path.read_bytes()] == []


def test_nobody_else_may_write_to_what_a_shell_runs(inceptionctl_here, tmp_path):
    before = os.umask(0)
    try:
        done = inceptionctl_here("completion", "install", HOME=str(tmp_path / "home"), SHELL="/bin/bash")
    finally:
        os.umask(before)
    assert done.returncode == 0
    assert writable_by_others(tmp_path / "home" / ".local") == []


# The code itself

NO_IMPORT = {"pickle", "cPickle", "dill", "cloudpickle", "joblib", "marshal", "shelve", "hydra.utils"}
OWN_YAML = {"records.py", "settings.py"}  # papers.yaml and plain config.yaml, by a safe loader in C
# Read the structure of torch.save's files, and CIFAR's batches: no name in them leads to what it names.
OWN_PICKLE = {"unpickle.py", "restricted_pickle.py"}


def unsafe(node: ast.AST) -> bool:
    if isinstance(node, ast.Import):
        return any(alias.name in NO_IMPORT for alias in node.names)
    if isinstance(node, ast.ImportFrom):
        return node.module in NO_IMPORT or any(f"{node.module}.{alias.name}" in NO_IMPORT for alias in node.names)
    if not isinstance(node, ast.Call):
        return False
    called = ast.unparse(node.func)
    given = {keyword.arg: ast.unparse(keyword.value) for keyword in node.keywords}
    return (
        called in ("eval", "exec", "__import__", "yaml.load", "yaml.unsafe_load", "yaml.full_load", "os.system")
        or called.endswith("instantiate")
        or (called == "torch.load" and given.get("weights_only") != "True")
        or given.get("allow_pickle", "False") != "False"
        or given.get("shell", "False") != "False"
    )


@pytest.mark.parametrize(
    "line",
    [
        "import pickle", "from hydra.utils import instantiate", "from hydra import utils", "torch.load(f)",
        "torch.load(f, weights_only=False)", "yaml.load(f, Loader)", "np.load(f, allow_pickle=True)", "eval('1')",
        "hydra.utils.instantiate(x)", "subprocess.run('ls', shell=True)",
    ],
)  # fmt: skip
def test_the_guard_sees_what_it_should(line):
    assert any(unsafe(node) for node in ast.walk(ast.parse(line)))


def test_nothing_in_the_package_can_run_what_it_reads():
    found = [
        f"{path.relative_to(PACKAGE)}:{node.lineno}"
        for path in sorted(PACKAGE.rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text()))
        if unsafe(node)
        and not (path.name in OWN_YAML and ast.unparse(node.func) == "yaml.load")
        and not (path.name in OWN_PICKLE and ast.unparse(node) == "import pickle")
    ]
    assert found == []


@pytest.mark.parametrize(
    "name",
    [
        "os.system", "posix.system", "builtins.eval", "builtins.getattr", "builtins.dict", "subprocess.Popen",
        "torch.load", "torch.nn.Linear", "torch._utils._rebuild_tensor_v2", "collections.OrderedDict", "numpy.load",
        "timm.create_model", "inceptionctl.cli.main", "runpy.run_path", "nowhere.at_all",
    ],
)  # fmt: skip
def test_a_name_in_a_pickle_never_leads_to_what_it_names(name):
    module, _, attribute = name.rpartition(".")
    found = unpickle.StructureUnpickler(io.BytesIO(), lambda *_: None).find_class(module, attribute)
    ours = getattr(found, "__module__", type(found).__module__) == unpickle.__name__
    assert ours or found is dict
