"""Guards of the design: who may import whom, what stays free of torch, which settings exist."""

from __future__ import annotations

import ast
import subprocess
import sys
from functools import cache
from pathlib import Path

import inceptionctl

PACKAGE = Path(inceptionctl.__file__).parent
# Lowest first: each room imports only from the levels before its own. `config` stands above what it sets: a section of
# settings lies in the file of the thing it belongs to, so that a new optimizer or data set is one file and one YAML.
# What such a section is made of is `settings`, at the bottom.
LEVELS = [
    {"streams", "processes"},
    {"errors", "settings", "stamps", "terminal"},
    {"hardware", "caches", "files", "npz", "written"},
    {"yaml_files"},
    {"papers", "models", "data", "arguments"},
    {"training"},
    {"evaluation"},
    {"trackers"},
    {"config"},
    {"runs"},
    {"planning", "launch", "tables", "packing"},
    {"report", "describe", "bench"},
    {"export"},  # its model card is a report of a run
    {"worker", "scheduling", "completion"},
    {"prediction", "doctor"},
    {"commands"},
    {"cli"},
    {"__main__"},
]
NEVER_SEE_SETTINGS = ("models", "data", "training", "evaluation")
FORBIDDEN = {"hydra", "omegaconf", "wandb", "rich"}
TORCH_FREE = (
    "config", "papers", "runs", "planning", "tables", "report", "describe", "scheduling", "commands", "launch", "cli",
    "models.spec", "models.zoo", "data.order", "data.sources", "data.labels", "data.selection", "hardware", "files",
    "yaml_files", "written", "settings", "completion", "prediction", "training.optimizers", "training.schedules",
    "training.partition", "training.checkpoint_folder",
    "data.survey", "data.leave_out", "data.decoded", "data.packed", "data.parquet", "packing",
    "evaluation.protocols", "evaluation.crops", "evaluation.render", "evaluation.intervals", "evaluation.confusion",
    "doctor.checks", "doctor.speed", "doctor.ranks", "doctor.show",
    "evaluation.calibration", "evaluation.coverage", "evaluation.paired", "evaluation.renaming", "evaluation.sanity",
    "export.registry", "export.request", "export.preprocessing", "export.trained", "export.evaluated",
)  # fmt: skip
INSIDE_FUNCTIONS_ONLY = {"timm", "torchvision", "pyarrow"}


@cache
def modules():
    return [
        (".".join(path.relative_to(PACKAGE).with_suffix("").parts), ast.parse(path.read_text()))
        for path in sorted(PACKAGE.rglob("*.py"))
        if not path.is_relative_to(PACKAGE / "conf") and path != PACKAGE / "__init__.py"
    ]


def imported(tree, *, at_import_time_only=False):
    nodes = tree.body if at_import_time_only else ast.walk(tree)
    for node in nodes:
        if isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


def level(room):
    return next(i for i, rooms in enumerate(LEVELS) if room in rooms)


def files():
    """Every file of the package with the files of it that it imports."""
    trees = dict(modules())
    for name, tree in trees.items():
        targets = {target.removeprefix("inceptionctl.") for target in imported(tree)}
        yield name, {found for found in targets if found in trees}


def test_imports_point_one_way():
    wrong = [
        f"{name} imports {target}"
        for name, targets in files()
        for target in targets
        if (room := target.split(".")[0]) != name.split(".")[0] and level(room) >= level(name.split(".")[0])
    ]
    assert wrong == []


def test_no_file_imports_in_a_circle():
    """Files that import none of the rest are taken away, again and again: what is left is in or behind a circle."""
    left = dict(files())
    while done := {name for name, targets in left.items() if not targets & left.keys() - {name}}:
        left = {name: targets for name, targets in left.items() if name not in done}
    assert left == {}


def test_what_computes_never_sees_settings_or_the_libraries_of_the_command_line():
    wrong = [
        f"{name} imports {target}"
        for name, tree in modules()
        if name.split(".")[0] in NEVER_SEE_SETTINGS
        for target in imported(tree)
        if target.startswith("inceptionctl.config") or target.split(".")[0] in FORBIDDEN
    ]
    assert wrong == []


def test_timm_and_torchvision_are_imported_inside_functions_only():
    wrong = [
        name
        for name, tree in modules()
        for target in imported(tree, at_import_time_only=True)
        if target.split(".")[0] in INSIDE_FUNCTIONS_ONLY
    ]
    assert wrong == []


IMPORTS = """
import importlib, sys
for name in sys.argv[1:]:
    importlib.import_module(name)
    assert "torch" not in sys.modules, f"{name} imports torch"
"""


def test_rooms_that_never_import_torch():
    """One after another in one process: the first that does is named."""
    rooms = {room: [name for name, _ in modules() if f"{name}.".startswith(f"{room}.")] for room in TORCH_FREE}
    assert [room for room, names in rooms.items() if not names] == []
    names = [f"inceptionctl.{name.removesuffix('.__init__')}" for found in rooms.values() for name in found]
    done = subprocess.run([sys.executable, "-c", IMPORTS, *names], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


LOOKING = [
    "--help",
    "train --help",
    "train --cfg job",
    "train --dry-run",
    "models",
    "models inception_v3",
    "models --diff inception_v2 inception_v3",
    "status --help",
    "explain rethinking_v2 rethinking_v3",
    "completion query 'inceptionctl train arch='",
    "doctor --quick",
    "ablate --help",  # the last: ablate waits for the statistics, to say what its table could detect
    "ablate --dry-run",
]
LOOKS = """
import io, shlex, sys
from contextlib import redirect_stdout, suppress
from inceptionctl.cli import main
for line in sys.argv[1:]:
    with redirect_stdout(io.StringIO()) as said, suppress(SystemExit):
        main(shlex.split(line))
    assert len(said.getvalue()) > 20, line
    assert "torch" not in sys.modules, f"{line} imports torch"
    assert "scipy.stats" not in sys.modules or line.startswith("ablate "), f"{line} imports scipy.stats"
"""


def test_looking_never_imports_torch(tmp_path):
    """Each command after the others in one process: the first that does is named."""
    words = [sys.executable, "-c", LOOKS, *LOOKING]
    done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert list(tmp_path.iterdir()) == []


def test_the_bare_help_does_not_even_import_hydra():
    code = "import sys; from inceptionctl.cli import main; main(['--help']); assert 'hydra' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)


def test_only_two_files_read_and_write_the_json_and_npz_of_a_run():
    """The others get typed records from them. Checkpoints are sealed folders of their own; commands print JSON; the
    header of a file of weights is JSON, and so are labels of timm, of shards and of Parquet files, and what wandb's own
    reader prints; the listings and the words of completion in the user's cache are of no run, and what is exported is
    for other programs."""
    allowed = (
        "runs.io", "runs.arrays", "training.checkpoint", "training.checkpoint_folder",
        "config.identity", "data.index", "report.render.json",
        "models.weights.safetensors_file", "data.real_labels", "data.webdataset_samples", "data.parquet.columns",
        "trackers.wandb", "data.cached_listing", "completion.cache", "export.metadata",
    )  # fmt: skip
    wrong = []
    for name, tree in modules():
        attributes = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
        used = {"json", "savez", "savez_compressed"} & {*imported(tree), *attributes}
        if name not in allowed and not name.startswith("commands."):
            wrong += [f"{name} uses {what}" for what in used]
    assert wrong == []


def test_every_package_folder_is_listed_for_the_wheel():
    listed = (PACKAGE.parent / "pyproject.toml").read_text().partition("\npackages = [")[2].partition("]")[0]
    found = (path.parent.relative_to(PACKAGE.parent) for path in PACKAGE.rglob("__init__.py"))
    folders = {".".join(path.parts) for path in found}
    assert [folder for folder in folders if f'"{folder}"' not in listed] == []


def test_every_advertised_command_exists():
    from inceptionctl.cli import COMMANDS

    assert sorted(COMMANDS) == sorted(
        p.stem for p in (PACKAGE / "commands").glob("*.py") if "\ndef main(" in p.read_text()
    )


def _is_text_without_encoding(call):
    name = call.func.attr if isinstance(call.func, ast.Attribute) else ""
    return name in ("read_text", "write_text") and "encoding" not in {word.arg for word in call.keywords}


def test_texts_are_utf_8_whatever_the_locale():
    """Python takes the locale's encoding unless told otherwise."""
    calls = [(name, node) for name, tree in modules() for node in ast.walk(tree) if isinstance(node, ast.Call)]
    assert [f"{name}, line {call.lineno}" for name, call in calls if _is_text_without_encoding(call)] == []
