"""The lines of README and docs: `train` and `ablate` compose and plan, `eval` composes, others are parsed or run; what
is made from the code is up to date. test_docs_runs.py runs those that need finished runs."""

from __future__ import annotations

import re
import subprocess
import sys
import types
from importlib import import_module

import from_code.files
import from_code.pages
import pytest
import yaml
from PIL import Image
from support.documentation import DOCS, MADE, TOP, all_pages, blocks, lines, own_files, pages, write_own_files
from support.image_folders import settings
from support.packed_images import pack_data_set
from support.parquet_files import write_hub
from support.tar_images import WNIDS, write_shards

from inceptionctl.cli import COMMANDS, main
from inceptionctl.commands import doctor, report
from inceptionctl.config.compose import OWN_SETTINGS, composer_for
from inceptionctl.config.evaluation_flags import take
from inceptionctl.config.hydra_main import Request
from inceptionctl.config.keys import all_settings
from inceptionctl.config.overrides import sweeps
from inceptionctl.config.validate import parse, parse_as, parse_evaluation
from inceptionctl.errors import RequestError
from inceptionctl.export.request import Request as ExportRequest
from inceptionctl.planning.plan import plan
from inceptionctl.scheduling.table import plan_table
from inceptionctl.tables.ladder import resolve_rows
from inceptionctl.tables.table import Table

FLAGS = ("--dry-run", "--save", "--json")
LISTING = "--list"
# Where they are among the images.
PLACEHOLDERS = {
    "CIFAR10": ".", "/imagenet": ".", "IMAGENET": ".", "IMAGES": ".",
    "SHARDS": "shards", "PACKED": "packed", "HUB": "hub",
}  # fmt: skip
OF_HYDRA = ("train", "ablate", "eval", "bench")


def requests(*commands):
    """What the lines of these commands ask for: a line that differs in flags alone is composed as another is."""
    asked = [[word for word in words if word not in FLAGS] for words in lines() if words[0] in commands]
    return [[*words] for words in dict.fromkeys(map(tuple, asked)) if not {"--help", LISTING} & {*words}]


def parsers():
    """The lines of commands that parse their own arguments."""
    return [
        list(words)
        for words in dict.fromkeys(map(tuple, lines()))
        if words[0] not in OF_HYDRA and "--help" not in words
    ]


@pytest.fixture(scope="module")
def composer():
    return composer_for(None)


@pytest.fixture(scope="module")
def made():
    """The pages that are made from the code, by name."""
    return dict(from_code.pages.all_pages())


@pytest.fixture
def own_folder(tmp_path, monkeypatch):
    """The current folder, with the files that pages tell to save."""
    monkeypatch.chdir(tmp_path)
    write_own_files(tmp_path)
    return tmp_path


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


def test_links_between_pages_lead_somewhere(made):
    """Those of the site are checked when it is built, with their headings; these are as a repository shows them."""
    links = [(page, link) for page in all_pages() for link in re.findall(r"\]\(([^)]+)\)", page.read_text())]
    targets = [(page, page.parent / link.partition("#")[0]) for page, link in links if not link.startswith("http")]
    broken = [
        f"{page.name}: {target}" for page, target in targets if not target.exists() and made_name(target) not in made
    ]
    assert len(links) > 100
    assert broken == []


def made_name(target):
    path = target.resolve()
    return str(path.relative_to(MADE)) if path.is_relative_to(MADE) else None


def test_the_readme_is_short():
    assert len((TOP / "README.md").read_text().splitlines()) < 120


def test_the_japanese_readme_has_the_commands_and_the_figures_of_the_english_one():
    english, japanese = TOP / "README.md", TOP / "README.ja.md"
    others = lines(*(page for page in pages() if page != japanese))
    assert [words for words in lines(japanese) if words not in others] == []
    figures = re.findall(r"\d+ ± \d+ \(\d+\)|[-+]\d+ \[[^]]+\]|\d+\.\d M", japanese.read_text())
    assert [figure for figure in figures if figure not in english.read_text()] == []
    assert len(figures) > 8


def test_every_command_named_is_there():
    assert {words[0] for words in lines()} <= set(COMMANDS)
    assert len(lines()) > 10


@pytest.mark.parametrize("words", requests("train", "ablate"), ids=" ".join)
def test_a_documented_line_composes_and_plans(words, composer, images, own_folder):
    command, *rest = words
    if "--config-dir" in rest:
        place = rest.index("--config-dir")
        composer = composer_for(rest[place + 1])
        del rest[place : place + 2]
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
            assert len(rows) >= 3


@pytest.mark.parametrize("words", [words for words in lines() if LISTING in words], ids=" ".join)
def test_a_documented_list_of_tables_composes(words, composer):
    """To print it counts every network of every table."""
    assert composer.compose("ablate", [word for word in words[1:] if word != LISTING])["table"]["rows"]


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


@pytest.mark.parametrize("words", parsers(), ids=" ".join)
def test_a_documented_line_has_arguments_that_the_command_takes(words):
    parser = import_module(f"inceptionctl.commands.{words[0]}").make_parser()
    options = {option for action in parser._actions for option in action.option_strings}
    flags = [word.partition("=")[0] for word in words[1:] if word.startswith("-")]
    assert [flag for flag in flags if flag not in options] == []
    parser.parse_known_args(words[1:])


def test_the_python_of_a_page_runs(tmp_path):
    """Each page in a process of its own: its switches and networks are added to the registries there."""
    for page in [page for page in pages() if blocks(page, "python")]:
        code = "\n".join(block.replace("from __future__ import annotations\n", "") for block in blocks(page, "python"))
        run = subprocess.run(
            [sys.executable, "-W", "error", "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False
        )
        assert run.returncode == 0, f"{page.name}: {run.stderr}"


def test_the_data_set_of_the_page_lists_images(tmp_path):
    """As its two files would in a checkout."""
    code = next(text for text in blocks(DOCS / "how-to" / "own_data_set.md", "python"))
    module = types.ModuleType("pairs")
    sys.modules["pairs"] = module  # dataclasses look for the module of a class there
    exec(compile(code, "pairs.py", "exec"), vars(module))
    for split, name in (("train", "cat_1"), ("train", "dog_1"), ("val", "cat_2"), ("val", "dog_2")):
        (tmp_path / split).mkdir(exist_ok=True)
        Image.new("RGB", (40, 40)).save(tmp_path / split / f"{name}.jpg")
    values = yaml.safe_load(own_files()["conf/data/pairs.yaml"])
    found = module.Settings(**{**values, "root": str(tmp_path)}).find()
    assert found.classes == ("cat", "dog")
    assert [found.train.labels_N.tolist(), found.eval.labels_N.tolist()] == [[0, 1], [0, 1]]
    (tmp_path / "val" / "hen_1.jpg").touch()
    with pytest.raises(RequestError, match="differ in hen"):
        module.Settings(**{**values, "root": str(tmp_path)}).find()
    with pytest.raises(RequestError, match="no class was found, and a network needs two"):
        module.Settings(**{**values, "root": str(tmp_path / "nowhere")}).index(dev=False)


def test_yaml_of_other_tools_is_yaml_and_runs_a_documented_line():
    tools = {name: text for name, text in own_files().items() if "/" not in name}
    assert {yaml.safe_load(text) is not None and "inceptionctl train " in text for text in tools.values()} == {True}
    assert len(tools) == 3


def test_make_pip_and_python_lines_name_what_there_is():
    text = "\n".join(page.read_text() for page in all_pages() if "results" not in page.parts)
    targets = set(re.findall(r"^([\w-]+):", (TOP / "Makefile").read_text(), re.M))
    project = (TOP / "pyproject.toml").read_text()
    extras = set(
        re.findall(
            r"^([\w-]+) = ",
            project.partition("[project.optional-dependencies]")[2].partition("[project.urls]")[0],
            re.M,
        )
    )
    assert set(re.findall(r"(?:^|`)make ([\w-]+)", text, re.M)) <= targets
    assert set(re.findall(r"pip install '\.?(?:inceptionctl)?\[(\w[\w-]*)\]", text)) <= extras
    assert [name for name in re.findall(r"python (benchmarks/\w+\.py)", text) if not (TOP / name).is_file()] == []


def test_files_that_are_made_from_the_code_are_up_to_date():
    stale = [
        path.name for path, text in from_code.files.all_files().items() if not path.exists() or path.read_text() != text
    ]
    assert stale == [], "`make generated` writes them"


def test_each_command_setting_and_record_is_in_the_reference(made):
    assert {f"commands/{name}.md" for name in COMMANDS} <= made.keys()
    settings = "".join(text for name, text in made.items() if name.startswith("settings/"))
    documented = [one.key for one in all_settings() if one.docs and not one.is_section and not one.key.endswith("name")]
    assert [key for key in documented if f"`{key}`" not in settings] == []
    assert len(documented) > 100
    assert "### Result" in made["records.md"]
    assert "23.4" in made["papers/rethinking.md"]
