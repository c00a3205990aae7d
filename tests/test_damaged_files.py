"""Whatever the files of a run and of a table become, every command answers at once, and other runs are as before."""

from __future__ import annotations

import json
import shutil
import tempfile
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.command_line import TINY, latest
from support.damage import DAMAGES, precious
from support.records import EVAL_ROW, EVALUATION, RESULT, START, TRAIN_ROW, manifest, manifest_row

from inceptionctl import cli
from inceptionctl.commands import wait
from inceptionctl.config.compose import compose
from inceptionctl.config.validate import parse
from inceptionctl.errors import InceptionctlError
from inceptionctl.planning.evaluation.records import protocol
from inceptionctl.planning.plan import Plan, plan
from inceptionctl.report.page import figures
from inceptionctl.report.plots import draw
from inceptionctl.runs.config_file import write_config
from inceptionctl.runs.evaluations import Predictions, write_evaluation
from inceptionctl.runs.exits import record_exit
from inceptionctl.runs.index_file import write_index
from inceptionctl.runs.io import append_record, write_record
from inceptionctl.runs.launcher import describe as describe_launcher
from inceptionctl.runs.paths import MANIFEST, RunDir
from inceptionctl.runs.records.process import Environment, Request, Submission, SubmittedJob
from inceptionctl.runs.records.table import ManifestCell
from inceptionctl.scheduling import run_folders
from inceptionctl.scheduling.resume import resumed_plan

HARMLESS = {"missing", "a hard link", "NaN", "of another run", "a changed byte"}  # not always damage

REQUESTS = [Request(word="a", asked=0.0, job="12"), Request(word="b", asked=0.0, job="13", is_report=True)]


@pytest.fixture(scope="module")
def plans() -> dict[str, Plan]:
    """A finished run, one that was interrupted, and a finished one that is left alone."""
    base = plan(parse(compose("train", latest(*TINY, "data.renderings=10"))))  # the usual name of the evaluation
    return {"Done": base, "Stopped": base.with_seed(1), "Untouched": base.with_seed(2)}


@pytest.fixture(scope="module")
def template(plans, tmp_path_factory) -> Path:
    """A table with these runs, made up but for settings and index."""
    folder = tmp_path_factory.mktemp("template") / "outputs" / "table"
    for label, one in plans.items():
        made_up(RunDir(folder / f"{one.identity}-0"), one, finished=label != "Stopped")
    rows = [
        manifest_row(label, ManifestCell(seed=one.config.seed, identity=one.identity)) for label, one in plans.items()
    ]
    write_record(folder / MANIFEST, manifest(*rows, mode="independent", protocol="whole"))
    (folder / "slurm" / "0").mkdir(parents=True)
    write_record(folder / "slurm" / "0" / "submission.json", Submission(requests=REQUESTS))
    return folder.parent


def made_up(run: RunDir, one: Plan, finished: bool) -> None:
    run.log().parent.mkdir(parents=True)
    run.log().write_text("inceptionctl: a notice\n")
    write_config(run, one.config)
    write_index(run, one.data)
    write_record(run.env, Environment(**ENVIRONMENT))
    append_record(run.starts, START)
    append_record(run.jobs, SubmittedJob(job="12_0", submission="../slurm/0"))
    append_record(run.metrics, TRAIN_ROW)
    record_exit(run, 0 if finished else 130, "")
    write_record(run.pid, describe_launcher(run, 2**22 + 1))
    for path in (run.lock, run.heartbeat):
        path.touch()
    saved = run.checkpoints / "step-00000009"
    saved.mkdir(parents=True)
    for name in ("manifest.json", "state.json", "model.safetensors"):
        (saved / name).write_text("{}")
    if finished:
        evaluations = [evaluated(run, one, weights) for weights in ("ema", "raw")]
        known = {"identity": one.identity, "seed": one.config.seed, "evaluations": evaluations}
        write_record(run.result, replace(RESULT, **known))


ENVIRONMENT = {"versions": {}, "git_commit": None, "platform": "", "processor": "", "cores": 1, "device": "cpu",
               "threads": 1, "world_size": 1}  # fmt: skip


def evaluated(run: RunDir, one: Plan, weights: str):
    """Half of the images are right."""
    count = one.data.n_eval
    label = np.arange(count) % 10
    first = label + (np.arange(count) % 2)
    arrays = {"label_N": label, "group_N": np.arange(count), "p_true_N": np.full(count, 0.5, np.float32)}
    found = Predictions(**arrays, top5_NK=(first[:, None] + np.arange(5)) % 10)
    images = replace(EVALUATION.image_set, data="digits_jitter")
    known = {"image_set": images, "protocol": protocol(one), "weights": weights}
    record = replace(EVALUATION, **known, n_images=count, top1_error=50.0)
    summary = write_evaluation(run, record, found)
    row = replace(EVAL_ROW, weights=weights, n_images=count, top1_error=50.0, purpose="final")
    append_record(run.metrics, row)
    return summary


FILES = (
    "table.json", "slurm/0/submission.json",
    *(
        f"{run}/{name}"
        for run in ("Done", "Stopped")
        for name in (
            "config.yaml", "index.npz", "env.json", "metrics.jsonl", "starts.jsonl", "jobs.jsonl", "exit.json", ".pid",
            ".lock", ".heartbeat", "log/rank-0.log", "checkpoints/step-00000009/state.json",
            "checkpoints/step-00000009/manifest.json", "checkpoints/step-00000009/model.safetensors",
        )
    ),
    "Done/result.json",
    *(f"Done/evaluations/test.whole.{weights}.{kind}" for weights in ("ema", "raw") for kind in ("json", "npz")),
)  # fmt: skip
# By which a command has to name the file: what it needs.
NAMED = {
    "status": ("result.json", "metrics.jsonl", "config.yaml", "starts.jsonl", "exit.json", "test.whole.ema.json"),
    "report": ("result.json", "metrics.jsonl", "test.whole.ema.json", "test.whole.ema.npz", "table.json"),
}


@pytest.fixture
def quick(monkeypatch):
    """Nothing is rendered, waited for or asked of Slurm; figures are drawn, since they read what may be damaged."""
    monkeypatch.setattr(draw, "draw", lambda *_: [])
    monkeypatch.setattr(figures, "svg", lambda *_: "<svg ></svg>")
    monkeypatch.setattr(wait, "BETWEEN_RUNS_SECONDS", 0.0)
    monkeypatch.setenv("PATH", "")
    monkeypatch.setenv("COLUMNS", "500")


def call(capsys, *words: str) -> tuple[int, str]:
    """The exit code and what was printed. An exception that is no message is a fault of the program."""
    try:
        code = cli.main(list(words))
    finally:
        said = "".join(capsys.readouterr())
    assert code in (0, 1, 2), said
    assert "Traceback" not in said
    return code, said


def check(template: Path, plans: dict[str, Plan], name: str, damage: str, capsys) -> None:
    with tempfile.TemporaryDirectory() as place:
        outputs = Path(shutil.copytree(template, Path(place, "outputs")))
        table, expected = outputs / "table", None
        for label, one in plans.items():
            name = name.replace(f"{label}/", f"{one.identity}-0/")
        path = table / name
        expected = line_of(plans["Untouched"].identity, call(capsys, "status", str(outputs))[1])
        DAMAGES[damage](path)
        own = precious(path)
        before = own.read_bytes() if own.exists() and damage != "huge" else b""
        said = {"status": call(capsys, "status", str(outputs))[1]}
        assert line_of(plans["Untouched"].identity, said["status"]) == expected
        said["report"] = call(capsys, "report", str(table))[1]
        for words in (["status", table, "--json"], ["wait", table, "--every", "0.01"], ["cancel", outputs]):
            call(capsys, *map(str, words))
        look_up(plans, outputs)
        run = path if path.parent == table else next(p for p in path.parents if p.parent == table)
        if run.is_dir() and (run / "result.json").exists():
            call(capsys, "resume", str(run))
        capsys.readouterr()
        cut = path.suffix == ".jsonl" and damage in ("empty", "half")  # as a killed process leaves it
        if damage not in HARMLESS and not cut:
            for command, names in NAMED.items():
                assert path.name not in names or path.name in said[command], (command, said[command])
        if before:
            assert own.read_bytes() == before, "a file of the user was written to"


def line_of(run: str, said: str) -> str:
    """Of a list of runs, without the settings that differ: those of a damaged run may make more of them do."""
    (line,) = [line for line in said.splitlines() if line.strip().startswith(f"table/{run}")]
    words = line.split()
    return " ".join(words[words.index("12_0") :])


def look_up(plans: dict[str, Plan], outputs: Path) -> None:
    """What train and ablate look for before they run anything, and what resume reads."""
    for label, one in plans.items():
        placed = replace(one, config=replace(one.config, outputs=str(outputs), name="table"))
        found = [look(placed) for look in (run_folders.finished, run_folders.trained, run_folders.unfinished)]
        assert label != "Untouched" or found[0] is not None
        with suppress(InceptionctlError):
            resumed_plan(RunDir(outputs / "table" / f"{one.identity}-0"), [])


@pytest.mark.parametrize(
    ("name", "damage"),
    [
        ("Done/result.json", "a FIFO"),
        ("Done/result.json", "of another run"),
        ("Done/result.json", "deep JSON"),
        ("Stopped/metrics.jsonl", "huge"),
        ("Stopped/metrics.jsonl", "a hard link"),
        ("Stopped/config.yaml", "a YAML bomb"),
        ("Done/config.yaml", "a folder"),
        ("Stopped/exit.json", "not UTF-8"),
        ("Stopped/starts.jsonl", "JSON []"),
        ("Done/jobs.jsonl", "a link"),
        ("Done/evaluations/test.whole.ema.npz", "half"),
        ("Done/evaluations/test.whole.ema.json", "a large number"),
        ("table.json", "NUL bytes"),
        ("table.json", "a FIFO"),
        ("slurm/0/submission.json", "empty"),
        ("Stopped/.pid", "JSON null"),
    ],
)
@pytest.mark.usefixtures("quick")
def test_a_damaged_file_is_named_and_the_rest_goes_on(name, damage, template, plans, capsys):
    check(template, plans, name, damage, capsys)


@pytest.mark.slow
@pytest.mark.usefixtures("quick")
def test_no_file_makes_a_command_fail_without_a_message(template, plans, capsys):
    @settings(max_examples=300, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
    @given(name=st.sampled_from(FILES), damage=st.sampled_from(sorted(DAMAGES)))
    def holds(name: str, damage: str) -> None:
        check(template, plans, name, damage, capsys)

    holds()


@pytest.mark.slow
@pytest.mark.usefixtures("quick")
def test_no_value_in_a_record_makes_a_command_fail_without_a_message(template, plans, capsys):
    """Result, evaluation and manifest with any one field replaced."""
    values = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.lists(st.integers(), max_size=2)
    names = ["Done/result.json", "Done/evaluations/test.whole.ema.json", "table.json", "Stopped/exit.json"]

    @settings(max_examples=100, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
    @given(name=st.sampled_from(names), field=st.integers(0, 40), value=values)
    def holds(name: str, field: int, value: object) -> None:
        DAMAGES["a field"] = lambda path: replace_field(path, field, value)
        check(template, plans, name, "a field", capsys)

    HARMLESS.add("a field")
    try:
        holds()
    finally:
        HARMLESS.discard("a field")
        DAMAGES.pop("a field", None)


def replace_field(path: Path, field: int, value: object) -> None:
    record = json.loads(path.read_text())
    keys = list(record)
    record[keys[field % len(keys)]] = value
    path.write_text(json.dumps(record))


def test_every_file_of_a_run_has_a_damaged_form(template, plans):
    """A new file of the run folder is added to FILES."""
    run = template / "table" / f"{plans['Done'].identity}-0"
    found = {f"Done/{path.relative_to(run).as_posix()}" for path in run.rglob("*") if path.is_file()}
    assert found <= set(FILES)
