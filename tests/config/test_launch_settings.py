"""Settings of `launch=slurm` on the command line: what is refused, what is shown, and what never gets into a script."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
import yaml
from support.command_line import TINY, latest
from support.runs import launched, only
from support.stand_ins import calls, stand_in

from inceptionctl.config.compose import compose
from inceptionctl.config.identity import identity
from inceptionctl.config.validate import parse
from inceptionctl.launch.slurm.submission import jobs_of
from inceptionctl.planning.plan import plan
from inceptionctl.runs.config_file import write_config
from inceptionctl.runs.paths import RunDir

SLURM = ["launch=slurm", "launch.gpus_per_node=0"]
HARM = "touch ran"  # what a stranger would like to have run
ABLATE = ["ablate", "table=x", "seeds=2", *TINY, *SLURM, "launch.array_parallelism=2"]
SECOND_ROW = "- {label: B, cell: null, set: [loss.label_smoothing=0.1], changes: [loss]}\n"
WRONG = [
    (["train", "launch.partition=long"], "launch.partition is a setting of launch=slurm"),
    (["train", "launch=slurm", "launch.jobs=2"], "launch.jobs is a setting of launch=local"),
    (["train", "launch=slurm", "launch.procesess=2"], "Did you mean launch.nproc=2?"),
    (["train", "launch=slrum"], "Did you mean slurm?"),
    (["train", "launch.threads=1000000000"], "launch.threads = 1000000000 is not allowed: it should be less than or"),
    (
        ["train", "launch.nproc=1000000000"],
        "launch.nproc = 1000000000 is not allowed: it should be less than or equal to",
    ),
    (
        ["train", "launch=slurm", "launch.nodes=2", "launch.gpus_per_node=4", "launch.nproc=6"],
        "launch.nproc = 6 is not launch.nodes x launch.gpus_per_node = 8",
    ),
    (["train", *SLURM, "launch.nodes=2", "launch.nproc=3"], "launch.nproc = 3 is not a multiple of launch.nodes = 2"),
    (["train", "launch=slurm", "launch.gpus_per_node=5"], "train.batch_size = 32"),
    (["train", "launch=slurm", "launch.mem='64 G'"], "launch.mem = 64 G"),
    (["train", "launch=slurm", "launch.extra={Reservation:x}"], "launch.extra"),
    (["train", *SLURM], "there is no Slurm on this machine (sbatch is not found)"),
]


@pytest.fixture(autouse=True)
def work(tmp_path, monkeypatch):
    """An empty folder, on a machine without Slurm."""
    for name in ("bin", "work"):
        (tmp_path / name).mkdir()
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.chdir(tmp_path / "work")
    return tmp_path / "work"


@pytest.fixture
def slurm(tmp_path):
    """Takes any job, as number 7, and forgets it."""
    stand_in(tmp_path / "bin", "sbatch", "[[ $words = --test-only* ]] || echo 7")
    stand_in(tmp_path / "bin", "squeue")
    stand_in(tmp_path / "bin", "scontrol", "echo 'MaxArraySize = 3'")
    return tmp_path / "bin"


@pytest.fixture
def theirs(work):
    """A file in somebody's folder of settings: the words that let it join."""

    def write(name, text):
        path = work.parent / "theirs" / f"{name}.yaml"
        path.parent.mkdir(parents=True)
        path.write_text(text)
        return ["--config-dir", str(work.parent / "theirs")]

    return write


def table(base="[]", label="A", mine="[]", changes="[]", more=""):
    head = "name: x\nmode: independent\npaper: null\ntitle: x\nmetric: final\nweights: ema\nquoted: []\n"
    row = f"rows:\n- {{label: {label}, cell: null, set: {mine}, changes: {changes}}}\n"
    return f"{head}base: {base}\n{row}{more}"


def cells_in(script) -> list[str]:
    """By their labels."""
    listed = script.partition("runs=(\n")[2].partition("\n)\n")[0]
    return [line.partition("# ")[2] for line in listed.splitlines()]


def shown(*words) -> str:
    code, said = launched(*words)
    assert code == 0, said
    return said


@pytest.mark.parametrize(("words", "message"), WRONG, ids=[" ".join(words) for words, _ in WRONG])
def test_a_wrong_launch_gets_one_message_and_makes_nothing(words, message, work):
    code, said = launched(*words)
    assert (code, message in said) == (2, True), said
    assert said.count("inceptionctl: ") == 1
    assert list(work.iterdir()) == []


@pytest.mark.parametrize(
    "setting", ["launch.setup=['export WANDB_API_KEY=sekret']", "launch.setup=['HF_TOKEN=sekret']"]
)
def test_a_secret_in_the_setup_is_refused_and_not_repeated(setting, work):
    code, said = launched("train", "launch=slurm", setting)
    assert (code, "looks like a secret" in said, "sekret" in said) == (2, True, False), said
    assert list(work.iterdir()) == []


def test_a_table_without_slurm_makes_nothing_either(theirs, work):
    code, said = launched(*ABLATE, *theirs("table/x", table()))
    assert (code, "there is no Slurm on this machine" in said, list(work.iterdir())) == (2, True, [])


# Dry runs


def test_a_dry_run_shows_layout_and_script_and_needs_no_slurm(work):
    said = shown("train", "launch=slurm", "launch.nodes=2", "launch.gpus_per_node=2", "launch.time=1-00", "--dry-run")
    assert "32 = 8 per device x 1 accumulated x 4 devices" in said
    assert "each a job of 2 nodes x (2 tasks, 2 GPUs, the site's default number of CPUs)" in said
    script = said.partition("script\n")[2].splitlines()
    assert script[0] == "#!/usr/bin/env bash"
    assert {"#SBATCH --gpus-per-node=2", "#SBATCH --ntasks-per-node=2", "#SBATCH --time=1-00"} < set(script)
    assert f"{work}/outputs/train/" in said
    assert "sbatch is not found): submit from a login node" in said
    assert list(work.iterdir()) == []


def test_where_slurm_is_a_dry_run_does_not_miss_it(slurm):
    assert "sbatch is not found" not in shown("train", *SLURM, "--dry-run")


def test_the_dry_run_of_a_table_shows_an_array_of_its_cells_in_the_order_that_they_begin_in(theirs, work):
    said = shown(*ABLATE, *theirs("table/x", table(more=SECOND_ROW)), "--dry-run")
    assert "the site's default number of CPUs), 2 at a time" in said
    assert f"#SBATCH --output={work}/outputs/x/slurm/0/log/%A_%a.log" in said
    assert cells_in(said) == ["A, seed 0", "B, seed 0", "A, seed 1", "B, seed 1"]
    assert list(work.iterdir()) == []


def test_setup_on_the_command_line_is_taken_line_by_line():
    said = shown("train", *SLURM, "launch.setup=[module load cuda,'export A=\"b c\"']", "--dry-run")
    assert '\nmodule load cuda\nexport A="b c"\n' in said


# What comes from elsewhere

SCALE = "# @package _global_\ndefaults: [digits, {override /launch: slurm}]\n"
ASKED = f"['launch=slurm', 'launch.setup=[{HARM}]']"


@pytest.mark.parametrize(
    ("name", "text", "words", "key"),
    [
        ("launch/x", f"defaults: [slurm]\nsetup: [{HARM}]", ["train", "launch=x"], "setup"),
        ("launch/x", f"defaults: [slurm]\nextra: {{comment: {HARM}}}", ["train", "launch=x"], "extra.comment"),
        ("launch/x", f"defaults: [slurm]\nextra: {{reservation: theirs, comment: {HARM}}}",
         ["train", "launch=x", "launch.extra={reservation:mine}"], "extra.comment"),
        ("scale/x", f"{SCALE}launch: {{setup: [{HARM}]}}", ["train", "scale=x"], "setup"),
        ("table/x", table(base=ASKED), ["ablate", "table=x", "seeds=1"], "setup"),
        ("table/x", table(mine=ASKED, changes="[launch]"), ["ablate", "table=x", "seeds=1"], None),
    ],
    ids=["a setup", "an option", "an option beside ours", "a scale", "a table", "a row"],
)  # fmt: skip
def test_a_folder_of_settings_puts_no_command_into_a_script(name, text, words, key, theirs):
    code, said = launched(*words, *theirs(name, text), "--dry-run")
    reason = f"launch.{key} can run code" if key else "launch=slurm is not allowed in a table"
    assert (code, reason in said) == (2, True), said


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("table/x", table(label=f'"A\\n{HARM}\\n"'), ["ablate", "table=x", "seeds=1"]),
        ("scale/x", f'# @package _global_\ndefaults: [digits]\noutputs: "a\\n{HARM}\\n"', ["train", "scale=x"]),
    ],
    ids=["a label", "a folder"],
)
def test_no_name_of_theirs_becomes_a_line_of_a_script(name, text, words, theirs):
    _, said = launched(*words, *SLURM, *theirs(name, text), "--dry-run")
    assert HARM not in said.partition("script\n")[2].splitlines()


def test_the_same_folder_may_say_where_jobs_run(theirs):
    more = theirs("launch/x", "defaults: [slurm]\npartition: long\nmem: 64G")
    assert "#SBATCH --partition=long\n" in shown("train", "launch=x", *more, "--dry-run")


# Frozen runs


@pytest.fixture
def frozen(work):
    """A run that a stranger began, with a setup of his own."""
    made = plan(parse(compose("train", latest(*TINY, *SLURM, f"launch.setup=['{HARM}']", "launch.threads=3"))))
    run = RunDir(work / "run")
    run.path.mkdir()
    write_config(run, replace(made.config, launch=replace(made.config.launch, extra={"comment": HARM})))
    assert HARM in run.config.read_text()
    return run


def test_a_run_of_slurm_is_resumed_only_where_one_says_how(frozen):
    code, said = launched("resume", frozen.path)
    assert (code, "give launch=slurm with its settings, or launch=local" in said) == (2, True)


@pytest.mark.parametrize("words", [["resume", "run"], ["train", "run_dir=run", *TINY[:-1]]], ids=["resume", "train"])
def test_a_setup_in_a_run_folder_never_gets_into_a_script(words, frozen, slurm):
    assert "submitted: job 7" in shown(*words, *SLURM)
    script = frozen.path / "slurm" / "0" / "submit.sh"
    assert f"{frozen.path}" in script.read_text()
    assert HARM not in script.read_text() + frozen.config.read_text()


def test_a_resumed_run_is_submitted_as_one_says(frozen, slurm):
    shown("resume", "run", *SLURM, "launch.setup=[module load cuda]", "launch.partition=long")
    script = (frozen.path / "slurm" / "0" / "submit.sh").read_text()
    assert "#SBATCH --partition=long\n" in script
    assert "\nmodule load cuda\n" in script
    launch = yaml.safe_load(frozen.config.read_text())["launch"]
    assert (launch["partition"], launch["threads"]) == ("long", 3), "the threads that its bits depend on"


def test_how_a_run_is_launched_is_no_part_of_what_it_is():
    words = [*SLURM, "launch.partition=long", "launch.nodes=2", "launch.setup=[module load cuda]", "launch.mem=1G"]
    assert identity(parse(compose("train", words))) == identity(parse(compose("train", [])))


# Submitted


def test_a_refusal_of_the_site_makes_nothing(slurm, work):
    stand_in(slurm, "sbatch", "echo 'sbatch: error: invalid partition specified: lnog' >&2; exit 1")
    stand_in(slurm, "sinfo", "echo 'long (4 nodes)'")
    code, said = launched("train", *SLURM, "launch.partition=lnog")
    assert (code, "launch.partition = lnog: invalid partition specified" in said) == (2, True)
    assert "partitions: long (4 nodes)" in said
    assert list(work.iterdir()) == []


def test_a_table_is_submitted_in_arrays_that_the_site_takes_and_a_report_behind_them(slurm, theirs, work):
    count = 'read n <"$0.n" || n=6; echo $((n + 1)) >"$0.n"; echo $((n + 1))'
    has_manifest = "[[ $words = --test-only* || -f outputs/mine/table.json ]] || exit 1"
    stand_in(slurm, "sbatch", f"{has_manifest}\n[[ $words = --test-only* ]] || {{ {count}; }} 2>/dev/null")
    words = [*ABLATE, "name=mine", *theirs("table/x", table(more=SECOND_ROW))]
    previewed, said = shown(*words, "--dry-run"), shown(*words)
    assert "4 submitted as job arrays 7, 8; report: job 9" in said
    here = only(work, "outputs/mine/slurm/0")
    assert (here / "submit.sh").read_text().strip() in previewed
    assert "#SBATCH --job-name=mine\n" in previewed
    assert cells_in((here / "submit.sh").read_text()) == ["A, seed 0", "B, seed 0", "A, seed 1", "B, seed 1"]
    assert [re.sub(r" --comment=\S+", "", line) for line in calls(slurm, "sbatch")[1:]] == [
        f"--parsable --array=0-2%2 {here}/submit.sh 0",
        f"--parsable --array=0-0%2 --dependency=afterany:7 {here}/submit.sh 3",
        f"--parsable --dependency=afterany:7:8 {here}/report.sh",
    ]
    jobs = sorted(job.id for path in work.glob("outputs/*/*/jobs.jsonl") for job in jobs_of(RunDir(path.parent)))
    assert jobs == ["7_0", "7_1", "7_2", "8_0"]


def test_what_is_queued_is_not_submitted_twice(slurm, work):
    shown("train", *SLURM, *TINY)
    stand_in(slurm, "squeue", "echo '7|PENDING||Priority'")
    assert "already submitted: job 7" in shown("train", *SLURM, *TINY)
    assert len(list(work.glob("outputs/train/*/slurm/*"))) == 1
    stand_in(slurm, "squeue", "echo '7|FAILED|node1|None'")
    assert "submitted: job 7" in shown("train", *SLURM, *TINY)
    assert len(list(work.glob("outputs/train/*/slurm/*"))) == 2


def test_a_report_that_the_site_refuses_leaves_the_cells_alone(slurm, theirs, work):
    refuse = "[[ $words = *report.sh ]] && echo 'sbatch: error: a GPU is needed' >&2 && exit 1"
    stand_in(slurm, "sbatch", f"{refuse}\n[[ $words = --test-only* ]] || echo 7")
    said = shown(*ABLATE, *theirs("table/x", table(more=SECOND_ROW)))
    assert "4 submitted as job arrays 7, 7\n" in said
    assert "no job for the report (a GPU is needed)" in said
