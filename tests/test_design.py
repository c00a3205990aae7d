"""Guards of the design: who may import whom, what stays free of torch, which settings exist."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import inceptionctl

PACKAGE = Path(inceptionctl.__file__).parent
# Each may import only its own level and those before it. Siblings of a level keep apart unless listed as one.
LEVELS = [
    {"errors", "umask"},
    {"config", "rundir", "schema", "papers", "compose", "frozen", "environment", "models"},
    {"data", "optim", "dist"},
    {"engine"},
    {"launch", "ablate", "report", "show"},
    {"trackers"},
    {"commands"},
    {"rank"},
    {"cli", "worker"},
    {"__main__"},
]
ALLOWED_WITHIN = {"errors", "config", "rundir", "schema", "papers"}  # what siblings of the second level may share
NEEDS_TORCH = {"models.build", "models.init", "models.weights"}
TORCH_FREE = [
    "cli",
    "config",
    "compose",
    "papers",
    "rundir",
    "frozen",
    "models",
    "ablate",
    "report",
    "show",
    "launch",
    "commands",
]
SETTINGS = ("inceptionctl.config.validate", "inceptionctl.config.schema")
KNOWS_LIBRARIES = {"models.releases", "models.weights"}  # inside functions only, see below
FORBIDDEN = {"engine": {"hydra", "omegaconf", "wandb", "rich"}, "models": {"timm"}, "data": {"torchvision"}}


def modules():
    for path in sorted(PACKAGE.rglob("*.py")):
        yield ".".join(path.relative_to(PACKAGE).with_suffix("").parts), ast.parse(path.read_text())


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


def test_imports_point_one_way():
    wrong = []
    for name, tree in modules():
        room = name.split(".")[0]
        if room == "__init__" or name == "commands.completion":  # lists the commands of cli
            continue
        for target in {t.split(".")[1] for t in imported(tree) if t.startswith("inceptionctl.")}:
            if target == "conf" or target == room:
                continue
            if level(target) > level(room) or (level(target) == level(room) and target not in ALLOWED_WITHIN | {room}):
                wrong.append(f"{name} imports {target}")
    assert wrong == []


def test_data_models_and_optim_never_see_the_configuration():
    rooms = ("data", "models", "optim", "engine")
    wrong = [n for n, tree in modules() if n.startswith(rooms) for t in imported(tree) if t in SETTINGS]
    assert wrong == []


def test_libraries_stay_in_their_rooms():
    wrong = [
        f"{name} imports {target}"
        for name, tree in modules()
        for target in imported(tree)
        if target.split(".")[0] in FORBIDDEN.get(name.split(".")[0], set()) and name not in KNOWS_LIBRARIES
    ]
    assert wrong == []


def test_timm_and_torchvision_are_imported_inside_functions_only():
    wrong = [
        n
        for n, tree in modules()
        for t in imported(tree, at_import_time_only=True)
        if t.split(".")[0] in ("timm", "torchvision")
    ]
    assert wrong == []


@pytest.mark.parametrize("room", TORCH_FREE)
def test_rooms_that_never_import_torch(room):
    names = [n for n, _ in modules() if n.split(".")[0] == room and n not in NEEDS_TORCH]
    lines = "; ".join(f"import inceptionctl.{name.removesuffix('.__init__')}" for name in names)
    code = f"import sys; {lines}; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize(
    "words",
    [
        ["--help"],
        ["train", "--help"],
        ["train", "--cfg", "job"],
        ["train", "--dry-run"],
        ["ablate", "--dry-run"],
        ["models"],
        ["models", "inception_v3"],
        ["models", "--diff", "inception_v2", "inception_v3"],
        ["status", "--help"],
        ["completion", "query", "inceptionctl train arch="],
    ],
    ids=" ".join,
)
def test_looking_never_imports_torch(words, tmp_path):
    code = (
        "import sys; from inceptionctl.cli import main\n"
        "try: main(sys.argv[1:])\nexcept SystemExit: pass\n"
        "assert 'torch' not in sys.modules"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *words], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert len(done.stdout) > 20
    assert list(tmp_path.iterdir()) == []


def test_the_bare_help_does_not_even_import_hydra():
    code = "import sys; from inceptionctl.cli import main; main(['--help']); assert 'hydra' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)


def test_every_package_folder_is_listed_for_the_wheel():
    listed = (PACKAGE.parent / "pyproject.toml").read_text()
    found = (path.parent.relative_to(PACKAGE.parent) for path in PACKAGE.rglob("__init__.py"))
    folders = {".".join(path.parts) for path in found}
    assert [folder for folder in folders if f'"{folder}"' not in listed] == []


def test_every_advertised_command_exists():
    from inceptionctl.cli import COMMANDS

    assert sorted(COMMANDS) == sorted(
        p.stem for p in (PACKAGE / "commands").glob("*.py") if "\ndef main(" in p.read_text()
    )
