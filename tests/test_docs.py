"""The lines of README and docs: `train` and `ablate` compose and plan, `eval` composes, `models` is run."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from PIL import Image
from support.image_folders import settings
from support.packed_images import pack_data_set
from support.parquet_files import write_hub
from support.tar_images import WNIDS, write_shards

from inceptionctl.cli import COMMANDS, main
from inceptionctl.commands import doctor, report
from inceptionctl.config.compose import OWN_SETTINGS, composer_for
from inceptionctl.config.evaluation_flags import take
from inceptionctl.config.hydra_main import Request
from inceptionctl.config.overrides import sweeps
from inceptionctl.config.validate import parse, parse_as, parse_evaluation
from inceptionctl.export.request import Request as ExportRequest
from inceptionctl.planning.plan import plan
from inceptionctl.scheduling.table import plan_table
from inceptionctl.tables.ladder import resolve_rows
from inceptionctl.tables.table import Table

TOP = Path(__file__).parents[1]
PAGES = [TOP / "README.md", *sorted((TOP / "docs").glob("*.md"))]
FLAGS = ("--dry-run", "--save", "--json")
# Where they are among the images.
PLACEHOLDERS = {"CIFAR10": ".", "IMAGENET": ".", "IMAGES": ".", "SHARDS": "shards", "PACKED": "packed", "HUB": "hub"}


def lines():
    fenced = [block for page in PAGES for block in page.read_text().split("```")[1::2]]
    found = [line.partition("  #")[0].strip() for block in fenced for line in block.splitlines()]
    return [shlex.split(line.partition(" # ")[0])[1:] for line in found if line.startswith("inceptionctl ")]


def requests(*commands):
    """What the lines of these commands ask for: a line that differs in flags alone is composed as another is."""
    asked = [[word for word in words if word not in FLAGS] for words in lines() if words[0] in commands]
    return [[*words] for words in dict.fromkeys(map(tuple, asked)) if "--help" not in words]


@pytest.fixture(scope="module")
def composer():
    return composer_for(None)


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    root = tmp_path_factory.mktemp("images")
    for split in ("train", "val"):
        for kind in WNIDS:
            (root / split / kind).mkdir(parents=True)
            for i in range(4):
                Image.new("RGB", (40, 40)).save(root / split / kind / f"{i}.png")
        write_shards(root / "shards" / split, split, 2, 6)
    write_hub(root / "hub")
    pack_data_set(settings(root), root / "packed", "jpeg")
    return root


def test_links_between_pages_lead_somewhere():
    links = [(page, link) for page in PAGES for link in re.findall(r"\]\(([^)]+)\)", page.read_text())]
    broken = [
        f"{page.name}: {link}"
        for page, link in links
        if not link.startswith("http") and not (page.parent / link.partition("#")[0]).exists()
    ]
    assert len(links) > 10
    assert broken == []


def test_the_readme_is_short():
    assert len((TOP / "README.md").read_text().splitlines()) < 120


def test_every_command_named_is_there():
    assert {words[0] for words in lines()} <= set(COMMANDS)
    assert len(lines()) > 10


@pytest.mark.parametrize("words", requests("train", "ablate"), ids=" ".join)
def test_a_documented_line_composes_and_plans(words, composer, images, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    command, *rest = words
    overrides = [word for word in rest if word != "-m"]
    for name, place in PLACEHOLDERS.items():
        overrides = [word.replace(name, str(images / place)) for word in overrides]
    if str(images) in " ".join(overrides):  # a few images
        overrides = [*(word for word in overrides if not word.startswith("train.batch_size=")), "train.batch_size=2"]
    for run in sweeps(overrides, multirun="-m" in rest):
        request = Request.compose(command, run, composer)
        if command == "train" and "data.download=true" in run:  # to plan it would download the data
            assert parse(request.tree).data.download
        elif command == "train":
            assert plan(parse(request.tree)).clock.steps > 0
        elif any(word.partition("=")[0] in OWN_SETTINGS["ablate"].keys() - {"seeds"} for word in run):
            more = [word for word in run if word.startswith("seeds=+")]  # adds to a table that is there
            assert plan_table(Request.compose(command, [word for word in run if word not in more], composer)).cells
        else:
            rows = resolve_rows(parse_as(Table, request.tree["table"]), run, request.composer)
            assert all(plan(row.config).cost.params > 0 for row in rows)
            assert len(rows) >= 4


@pytest.mark.parametrize("words", requests("eval"), ids=" ".join)
def test_a_documented_eval_line_composes(words, composer):
    _, others = take(words[1:])
    request = Request.compose("eval", others, composer)
    assert parse_evaluation(request.tree).protocol.num_views >= 1


@pytest.mark.parametrize("words", [w for w in lines() if w[0] == "models"], ids=" ".join)
def test_a_documented_models_line_runs(words, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(words) == 0
    assert len(capsys.readouterr().out.splitlines()) >= 1
    assert [path.name for path in tmp_path.iterdir()] == [word for word in words if word.endswith(".svg")]


@pytest.mark.parametrize("words", [w for w in lines() if w[:2] == ["data", "index"]], ids=" ".join)
def test_a_documented_index_line_runs(words, images, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    named = {name: str(images / place) for name, place in PLACEHOLDERS.items()}
    assert main([word.replace("IMAGENET", named["IMAGENET"]).replace("IMAGES", named["IMAGES"]) for word in words]) == 0
    assert "classes" in capsys.readouterr().out
    assert len([*tmp_path.rglob("*.npz")]) == 1


@pytest.mark.parametrize("words", [w for w in lines() if w[0] == "doctor"], ids=" ".join)
def test_a_documented_doctor_line_is_understood(words, images):
    asked = doctor.make_parser().parse_intermixed_args([word.replace("IMAGES", str(images)) for word in words[1:]])
    config = doctor.config_of(asked)
    assert (config is None) == (asked.quick and not asked.settings)


@pytest.mark.parametrize("words", [w for w in lines() if w[0] == "export"], ids=" ".join)
def test_a_documented_export_line_is_understood(words):
    assert ExportRequest.of(words[1:]).to.name


@pytest.mark.parametrize("words", [w for w in lines() if w[0] == "report"], ids=" ".join)
def test_a_documented_report_line_is_understood(words):
    asked = report.make_parser().parse_args(words[1:])
    report.check_effect(asked)
