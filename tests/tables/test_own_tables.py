"""A user's table, and figures of the user's own papers: checked whole before any work, with file and line."""

from __future__ import annotations

import json
import shlex

import pytest
from support.runs import launched

from inceptionctl.papers import own
from inceptionctl.papers import records as papers
from inceptionctl.scheduling import table_run

TABLE = """\
name: mine
mode: independent
title: My table
metric: final
weights: ema
base: [arch=mobilenet_v1]
rows:
  - {label: One}
  - label: Two
    set:
      - train.weight_decay=1e-3
    changes: [train.weight_decay]
    against: One
"""
PAPERS = """\
papers:
  ours: {title: Our paper}
records:
  - id: ours.t1.plain
    source: {paper: ours, table: Table 1, row: "Plain | [red]"}
    values: {top1_error_pct: 24.5, top5_error_pct: null, cost_billion_multiply_adds: 3.1}
    eval: {n_images: 50000}
  - id: ours.t1.heavy
    source: {paper: ours, table: Table 1, row: Heavy}
    values:
      top1_accuracy: 0.77
"""
MARKUP = "[red]a|b, <b>c</b> *d* `e` $f$"


@pytest.fixture
def config_dir(tmp_path, monkeypatch):
    """`--config-dir cfg`, with the table and the papers above."""
    monkeypatch.chdir(tmp_path)
    for group, name, text in (("table", "mine", TABLE), ("papers", "ours", PAPERS)):
        path = tmp_path / "cfg" / group / f"{name}.yaml"
        path.parent.mkdir(parents=True)
        path.write_text(text)
    return tmp_path / "cfg"


def edit(path, *changes):
    text = path.read_text()
    for before, after in changes:
        assert text.count(before) >= 1, before
        text = text.replace(before, after, 1)
    path.write_text(text)


def ablate(*words):
    return launched("ablate", "--config-dir", "cfg", "table=mine", "seeds=1", "--dry-run", *words)


def test_a_table_of_one_s_own(config_dir):
    code, said = ablate()
    assert code == 0, said
    assert "row       Two: train.weight_decay: 4e-05 -> 0.001" in said


ROWS = TABLE[TABLE.index("rows:") :]
# What is written in place of what, the line that the message names, and a part of what it says.
WRONG = [
    ("label: One", "label: One, cell: rethinking.t3.99", 8, "'rethinking.t3.99'. Did you mean rethinking.t3.07"),
    ("label: One", "label: One, cell: 7", 8, "rows[0].cell = 7 is no text: put it in quotes"),
    ("title:", "quoted: [rethinking.t3.00, nosuch]\ntitle:", 3, "unknown record of a paper 'nosuch'"),
    ("title:", "quoted: rethinking.t3.00\ntitle:", 3, "quoted = 'rethinking.t3.00' is no list"),
    ("title:", "paper: rethinkng\ntitle:", 3, "unknown paper 'rethinkng'. Did you mean rethinking"),
    ("against: One", "against: Onee", 13, "unknown row 'Onee'. Did you mean One"),
    ("against: One", "against: Two", 13, "'Two' is compared with itself"),
    ("label: One", "label: One, against: Two", 8, "'Two' stands further down"),
    ("metric: final", "metric: best", 4, "unknown metric 'best'"),
    ("weights: ema", "weights: null", 5, "unknown weights 'null'"),
    ("mode: independent", "mode: grid", 2, "unknown mode 'grid'"),
    ("mode: independent", "mode: cumulative", 13, "leave `against` out"),
    ("label: One", "label: One, add: bn_auxilary", 8, "unknown switch 'bn_auxilary'. Did you mean bn_auxiliary"),
    ("label: One", "label: One, add: [rmsprop]", 8, "rows[0].add = ['rmsprop'] is no text"),
    ("label: One", "label: One, add: non_residual", 8, "arch.rewrites.non_residual = true does not fit"),
    ("label: One", "label: One, add: bn_auxiliary", 8, "ablation=bn_auxiliary has no effect: the network has no aux"),
    ("label: One", "label: One, set: [arch=googlenet], add: plain_auxiliary", 8, "plain_auxiliary changes nothing"),
    ("train.weight_decay=1e-3", "train.weigt_decay=1e-3", 11, "Did you mean train.weight_decay"),
    ("train.weight_decay=1e-3", "train.weight_decay=heavy", 11, "row 'Two': train.weight_decay = heavy is not allowed"),
    ("train.weight_decay=1e-3", "train.weight_decay", 11, "train.weight_decay"),
    ("train.weight_decay=1e-3", "'train.weight_decay: 1'", 11, "train.weight_decay: 1"),
    ("train.weight_decay=1e-3", "train.weight_decay: 1", 11, "is no text"),
    ("train.weight_decay=1e-3", "optim=adamm", 11, "unknown optim 'adamm'"),
    ("train.weight_decay=1e-3", "train.weight_decay=1e-3,1e-4", 11, "is several values"),
    ("train.weight_decay=1e-3", "seed=3", 11, "seed=3 is not allowed in a table: `seeds=`"),
    ("train.weight_decay=1e-3", "name=x", 11, "name=x is not allowed in a table"),
    ("train.weight_decay=1e-3", "ablation=[rmsprop]", 11, "a switch of a row is its `add`"),
    ("train.weight_decay=1e-3", "launch=slurm", 11, "all cells are launched alike"),
    ("train.weight_decay=1e-3", "launch.setup=x", 11, "launch.setup can run code"),
    ("train.weight_decay=1e-3", "hydra.run.dir=x", 11, "hydra.run.dir=x has no effect"),
    ("train.weight_decay=1e-3", "augment=slim", 11, "row 'Two': augment=slim has no effect"),
    ("- train.weight_decay=1e-3", "- train.epochs=1\n      - train.epochs=2", 12, "train.epochs is set twice"),
    ("base: [arch=mobilenet_v1]", "base: [train.epoch=1]", 6, "unknown setting 'train.epoch'"),
    ("base: [arch=mobilenet_v1]", "base:\n - arch=vgg16\n - train.epochs=-1", 8, "train.epochs = -1 is not allowed"),
    ("base: [arch=mobilenet_v1]", "base: arch=mobilenet_v1", 6, "base = 'arch=mobilenet_v1' is no list"),
    ("base: [arch=mobilenet_v1]", "base: ['arch.aux.at=[nosuch]']", 6, "nosuch"),
    ("base: [arch=mobilenet_v1]\n", "", 1, "the file has no 'base'"),
    ("changes: [train.weight_decay]", "changes: [train.weight_decoy]", 12, "Did you mean train.weight_decay"),
    ("changes: [train.weight_decay]", "changes: [train.weight_decay, loss]", 12, "row 'Two' does not change loss"),
    ("    changes: [train.weight_decay]\n", "", 9, "row 'Two' also changes train.weight_decay"),
    (ROWS, "rows: []\n", 7, "there are no rows"),
    (ROWS, "rows:\n", 7, "rows = null is no list"),
    (ROWS, "rows: {a: 1}\n", 7, "rows = {'a': 1} is no list"),
    (ROWS, "", 1, "the file has no 'rows'"),
    ("- {label: One}", "- null", 8, "rows[0] = null is no mapping"),
    ("- {label: One}", "- {cell: null}", 8, "rows[0] has no 'label'"),
    ("label: Two", "label: One", 9, "rows[0] has the label 'One' too"),
    ("label: One}", "label: One}\n  - {label: Other}", 9, "row 'Other' changes nothing: it is the run of 'One'"),
    ("label: One", "label: 1", 8, "rows[0].label = 1 is no text: put it in quotes"),
    ("label: One", "label: yes", 8, "rows[0].label = true is no text"),
    ("label: One", "label: ''", 8, "it is empty"),
    ("label: One", "label: '  '", 8, "it is empty"),
    ("label: One", 'label: "a\\nb"', 8, "line breaks or control characters"),
    ("label: One", 'label: "\\e[31m"', 8, "line breaks or control characters"),
    ("label: One", f"label: {'x' * 300}", 8, "it has 300 characters"),
    ("label: One", "label: One, cels: x", 8, "unknown key 'cels' in rows[0].cels. Did you mean cell"),
    ("metric: final", "metrics: final", 4, "unknown key 'metrics'. Did you mean metric"),
    ("metric: final", "metric: final\nmetrics: final", 5, "unknown key 'metrics'. Did you mean metric"),
    ("name: mine\n", "", 1, "the file has no 'name'"),
    ("name: mine", "name: a/b", 1, "name = 'a/b' is not allowed"),
    ("name: mine", "name: ..", 1, "name = '..' is not allowed"),
    ("name: mine", "name: 3", 1, "name = 3 is no text"),
    ("metric: final", "metric: steps_to(100)", 4, "between 0 and 100"),
    ("metric: final", "metric: final\nalso: [final]", 5, "final is a metric of this table already"),
    ("metric: final", "metric: final\nalso: [area_under_curv]", 5, "Did you mean area_under_curve"),
    ("metric: final", "metric: final\nprotocol: crops14", 5, "Did you mean crops144"),
    ("metric: final", "metric: steps_to(10)\nmargin: 0.5", 5, "margin is in points, and steps_to(10) is in steps"),
    ("metric: final", "metric: final\nmargin: 0", 5, "margin = 0 is not allowed"),
    ("metric: final", "metric: final\ncolumns: [ours, verdikt]", 5, "Did you mean verdict"),
    ("metric: final", "metric: final\nconverged:\n  chance_p: 2", 6, "converged.chance_p = 2 is not allowed"),
    ("metric: final", "metric: final\nscales:\n  digit: {set: []}", 6, "Did you mean digits"),
    (
        "metric: final",
        "metric: final\nscales:\n  digits:\n    set:\n    - train.epoch=1",
        8,
        "Did you mean train.epochs",
    ),
    ("metric: final", "metric: final\nscales:\n  digits:\n    set:\n    - train.epochs=-1", 8, "train.epochs = -1"),
    ("metric: final", "metric: final\nscales: {digits: {metric: best}}", 5, "unknown metric 'best'"),
    ("metric: final", "metric: final\nscales: {digits: {set: [experiment=xception]}}", 5, "a recipe of scale=imagenet"),
    ("metric: final", "metric: final\nnot_reproducible: no data", 5, "table mine cannot be run: no data"),
    ("label: One", "label: One, protocol: crops1", 8, "unknown protocol 'crops1'"),
    ("label: One", "label: One, fact: rethinking.aux_bn_gane", 8, "Did you mean rethinking.aux_bn_gain"),
    ("label: One", "label: One, standalone: true", 8, "leave `standalone` out"),
    ("label: One", "label: One, scales: {digits: [scale=digits]}", 8, "what is set here is for one scale"),
    ("label: One", "label: One, members: [{models: 0}, {models: 2}]", 8, "models = 0 is not allowed"),
    ("label: One", "label: One, members: [{}]", 8, "one network is no ensemble"),
    (ROWS, "rows:\n  - {label: Two of them, members: [{models: 2}]}\nalso: [steps_to(10)]\n", 8, "is not for it"),
    ("label: One", "label: One, members: [{models: 2, add: dropot}]", 8, "unknown switch 'dropot'"),
    ("label: One", "label: One, members: [{models: 2, set: [train.epochs=-1]}]", 8, "members[0]: train.epochs = -1"),
]


@pytest.mark.parametrize(("before", "after", "line", "message"), WRONG, ids=[after for _, after, *_ in WRONG])
def test_a_wrong_table_is_refused_with_its_line(before, after, line, message, config_dir):
    path = config_dir / "table" / "mine.yaml"
    edit(path, (before, after))
    code, said = ablate()
    assert (code, said.count("inceptionctl: ")) == (2, 1), said
    assert said.startswith(f"inceptionctl: {path}, line {line}: "), said
    assert message in said
    assert sorted(each.name for each in config_dir.parent.iterdir()) == ["cfg"]


def test_what_was_typed_is_not_laid_to_the_table(config_dir):
    code, said = ablate("train.epochs=-3")
    assert code == 2
    assert said.startswith("inceptionctl: train.epochs = -3 is not allowed"), said


def test_rows_of_a_cumulative_table_keep_what_the_rows_above_set(config_dir):
    rows = ROWS.replace("    against: One\n", "") + (
        "  - {label: Three, set: [train.grad_clip=1.0], changes: [train.grad_clip]}\n"
        "  - {label: Four, set: [train.weight_decay=0], changes: [train.weight_decay]}\n"
    )
    edit(config_dir / "table" / "mine.yaml", ("mode: independent", "mode: cumulative"), (ROWS, rows))
    code, said = ablate()
    assert code == 0, said
    assert "row       Three: train.grad_clip: 2.0 -> 1.0" in said
    assert "row       Four: train.weight_decay: 0.001 -> 0" in said


@pytest.mark.parametrize("paper", ["rethinking", "alexnet", "ours"])
def test_every_paper_has_a_title(paper, config_dir):
    edit(config_dir / "table" / "mine.yaml", ("title:", f"paper: {paper}\ntitle:"))
    assert ablate()[0] == 0


# Figures of one's own papers

WRONG_PAPERS = [
    ("top1_error_pct", "top1_eror_pct", 6, "unknown key of values 'top1_eror_pct'. Did you mean top1_error_pct"),
    ("24.5", "-3", 6, "it lies between 0 and 100"),
    ("24.5", ".nan", 6, "is no finite number"),
    ("24.5", "'24.5'", 6, "it is no number"),
    ("24.5", "true", 6, "it is no number"),
    ("0.77", "77", 11, "it lies between 0 and 1"),
    ("ours.t1.plain", "rethinking.t3.03", 4, "stands in papers.yaml already"),
    ("ours.t1.heavy", "ours.t1.plain", 8, "stands in this file already"),
    ("ours.t1.heavy", "ours t1", 8, "an id has no blanks"),
    ("paper: ours", "paper: our", 5, "unknown paper 'our'. Did you mean ours"),
    ("  ours: {", "  resnet: {", 2, "resnet is a paper of papers.yaml already"),
    ("title: Our paper", "year: 2026", 2, "papers.ours has no 'title'"),
    (", row: Heavy", "", 9, "records[1].source has no 'row'"),
    ("row: Heavy", "row: 3", 9, "is no text: put it in quotes"),
    ("n_images: 50000", "n_images: -4", 7, "it is a number of images"),
    ("n_images", "n_image", 7, "unknown key of eval 'n_image'. Did you mean n_images"),
    ("records:", "record:", 3, "unknown key 'record'. Did you mean records"),
    ("    eval:", "    values: {}\n    eval:", 7, "the key 'values' stands twice"),
    ("title: Our paper", "title: !!python/name:os.system", 2, ""),
    (PAPERS, "- a", 1, "is no mapping"),
]


@pytest.mark.parametrize(("before", "after", "line", "message"), WRONG_PAPERS, ids=[one[1] for one in WRONG_PAPERS])
def test_a_wrong_record_is_refused_with_its_line(before, after, line, message, config_dir):
    path = config_dir / "papers" / "ours.yaml"
    edit(path, (before, after))
    code, said = ablate()
    assert code == 2
    assert said.startswith(f"inceptionctl: {path}, line {line}: "), said
    assert message in said


def test_an_id_of_two_files_is_refused(config_dir):
    path = config_dir / "papers" / "second.yaml"
    path.write_text(PAPERS.replace("  ours: {", "  theirs: {"))
    code, said = ablate()
    assert code == 2
    assert f"{path}, line 4: the id 'ours.t1.plain' stands in {config_dir / 'papers' / 'ours.yaml'} already" in said


def test_records_of_papers_yaml_have_the_format(config_dir):
    """A record copied from there, under another id, is one."""
    record = next(one for one in papers.load()["records"] if one["id"] == "rethinking.t3.04")
    document = {"papers": {"copy": {"title": "A copy"}}, "records": [record | {"id": "copy.t3.04"}]}
    (config_dir / "papers" / "copy.yaml").write_text(json.dumps(document))
    figures = own.read(str(config_dir))
    assert figures.cell("copy.t3.04").top1_error == papers.paper_cell("rethinking.t3.04").top1_error == 23.1
    assert figures.cell("ours.t1.heavy").top1_error == 23.0


def test_a_file_that_would_not_be_read_is_refused(config_dir):
    (config_dir / "papers" / "more.yml").write_text(PAPERS)
    assert "more.yaml" in ablate()[1]


# The command that continues


def cells(said):
    """Identity and state of every cell of a dry run."""
    return [line.split("seed ")[1] for line in said.splitlines() if ", seed " in line and line.startswith("  ")]


def test_the_printed_command_asks_for_the_same_from_any_folder(config_dir, tmp_path_factory, monkeypatch):
    code, said = ablate("outputs=my place", "train.batch_size=16")
    assert code == 0, said
    command = said.rpartition("command   ")[2].strip()
    monkeypatch.chdir(tmp_path_factory.mktemp("elsewhere"))
    words = shlex.split(command)
    assert words[:4] == ["inceptionctl", "ablate", "--config-dir", str(config_dir)]
    assert f"outputs={config_dir.parent}/my place" in words
    again = launched(*words[1:], "--dry-run")[1]
    assert cells(again) == cells(said) != []


def test_an_interrupted_table_prints_the_command_that_continues(config_dir, monkeypatch):
    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(table_run, "run_plans", interrupt)
    code, said = launched("ablate", "--config-dir", "cfg", "table=mine", "seeds=1", "outputs=my place")
    outputs = f"outputs={config_dir.parent}/my place"
    command = shlex.join(["inceptionctl", "ablate", "--config-dir", str(config_dir), "table=mine", "seeds=1", outputs])
    assert code == 130
    assert said.rstrip().endswith(f"this command continues\n  {command}")
    code, said = launched("ablate", "--config-dir", "cfg", "table=mine", "seeds=1", "outputs=my place", "rerun=true")
    assert said.rstrip().endswith(f"without rerun=true, counting every finished run\n  {command}"), "not anew again"


@pytest.mark.slow
def test_a_table_of_one_s_own_runs_and_its_report_needs_nothing_else(config_dir, tmp_path_factory, monkeypatch):
    changes = [("label: One", f"label: '{MARKUP}', cell: ours.t1.plain"), ("against: One", f"against: '{MARKUP}'")]
    extra = ("title:", "paper: ours\nquoted: [ours.t1.heavy, rethinking.t3.00]\ntitle:")
    edit(config_dir / "table" / "mine.yaml", *changes, extra)
    settings = ["arch.width=0.1", "train.epochs=0.1", "train.monitor=20", "data.renderings=1", "launch.threads=1"]
    code, said = launched("ablate", "--config-dir", "cfg", "table=mine", "seeds=1", *settings)
    assert code == 0, said
    folder = config_dir.parent / "outputs" / "mine"
    manifest = json.loads((folder / "table.json").read_text())
    monkeypatch.chdir(tmp_path_factory.mktemp("elsewhere"))
    code, said = launched(*shlex.split(manifest["command"])[1:], "--dry-run")
    assert (code, said.count("  done, error ")) == (0, 2), said
    (config_dir / "papers" / "ours.yaml").unlink()
    code, said = launched("report", str(folder))
    assert code == 0, said
    assert all(text in said for text in ("Our paper, My table", "Heavy", "24.5", MARKUP))
    assert manifest["overrides"] == [], "scale=imagenet is not the recipe of a paper of one's own"
