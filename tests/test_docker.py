"""The images and the cluster of docker/, as far as can be told without building them (`make test-docker` does)."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

TOP = Path(__file__).parents[1]
FOLDER = TOP / "docker"
DOCKERFILE, DEFINITION = (FOLDER / name for name in ("Dockerfile", "inceptionctl.def"))
START = FOLDER / "slurm" / "start"
TOOLS = Path(sys.executable).parent


def tool(name: str, *words: str, text: str | None = None) -> str:
    """What one of the tools of the extra `dev` says."""
    if not (TOOLS / name).exists():
        pytest.skip(f"{name} is not installed (extra `dev`)")
    done = subprocess.run([str(TOOLS / name), *words], input=text, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def stages() -> dict[str, list[str]]:
    """The instructions of each stage, a line each."""
    lines = [line for line in DOCKERFILE.read_text().splitlines() if not line.lstrip().startswith("#")]
    found: dict[str, list[str]] = {"": []}
    for line in "\n".join(lines).replace("\\\n", " ").splitlines():
        if line.startswith("FROM "):
            found[line.split()[-1]] = []
        found[list(found)[-1]].append(" ".join(line.split()))
    return found


def sections() -> dict[str, str]:
    """Of the Apptainer definition."""
    names_and_texts = re.split(r"^%(\w+)$", DEFINITION.read_text(), flags=re.MULTILINE)[1:]
    return dict(zip(names_and_texts[::2], names_and_texts[1::2], strict=True))


@pytest.fixture(scope="module")
def compose() -> dict:
    """The file as Docker Compose itself reads it."""
    return json.loads(tool("docker-compose", "--file", str(FOLDER / "compose.yaml"), "config", "--format", "json"))


def test_hadolint_finds_no_mistake():
    assert tool("hadolint", str(DOCKERFILE)) == ""


def test_shellcheck_finds_no_mistake_in_the_definition():
    for name in ("post", "test"):
        assert tool("shellcheck", "--shell=sh", "-", text=sections()[name]) == ""


def test_what_is_built_by_default_is_not_run_as_root():
    last = list(stages().values())[-1]
    users = [line.split()[1] for line in last if line.startswith("USER ")]
    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", users[-1])


def test_what_is_copied_exists_and_is_sent_to_the_builder():
    lines = [line for stage in stages().values() for line in stage]
    sources = {source for line in lines for source in re.findall(r"source=([^,\s]+)", line)}
    for words in (line.split() for line in lines if line.startswith("COPY ")):
        sources |= {word for word in words[1:-1] if not word.startswith("--")}
    sources |= {line.split()[0] for line in sections()["files"].splitlines() if line.strip()}
    assert len(sources) >= 9
    first, *patterns = [
        line for line in (TOP / ".dockerignore").read_text().splitlines() if line and not line.startswith("#")
    ]
    assert first == "*", "what is not named is not sent: .git, .venv, outputs, data"
    sent = {pattern.removeprefix("!") for pattern in patterns if pattern.startswith("!")}
    for source in sources:
        assert (TOP / source).exists(), source
        assert sent & {source, *map(str, Path(source).parents)}, source
    assert all(any(source.startswith(name) for source in sources) for name in sent)


def test_both_install_the_pinned_versions_alike():
    dockerfile, definition = DOCKERFILE.read_text(), DEFINITION.read_text()
    installs = re.findall(r"uv pip install(?:.*\\\n)*.*", dockerfile + definition)
    assert len([line for line in installs if "--constraint" in line and "/constraints.txt" in line]) == 3
    for pinned in (r"uv==[\d.]+", r"BASE_IMAGE=\S+"):
        first, second = (re.findall(pinned, text) for text in (dockerfile, definition))
        assert first == second != []


def test_no_index_is_named():
    """It is an argument, a secret, or the default of pip and uv."""
    texts = [path.read_text() for path in FOLDER.rglob("*") if path.is_file()]
    assert len(texts) >= 6
    assert not re.search(r"https?://", "".join(texts))


def test_the_cluster_is_built_from_this_dockerfile(compose):
    for service in compose["services"].values():
        build = service["build"]
        assert Path(build["context"], build["dockerfile"]).resolve() == DOCKERFILE
        assert build["target"] in stages()


def test_the_parts_of_the_cluster_are_those_that_slurm_is_configured_for(compose):
    settings = dict(
        line.split(" ")[0].split("=", 1)
        for name in ("slurm.conf", "slurmdbd.conf")
        for line in (FOLDER / "slurm" / name).read_text().splitlines()
        if not line.startswith("#")
    )
    assert settings["NodeName"] == "node[1-2]"
    assert settings["AccountingStorageHost"] == settings["DbdHost"]
    parts = {settings["SlurmctldHost"]: "controller", settings["DbdHost"]: "database", "node1": "node", "node2": "node"}
    services = compose["services"]
    assert {name: service["command"] for name, service in services.items()} == {k: [v] for k, v in parts.items()}
    assert {name: service["hostname"] for name, service in services.items()} == {name: name for name in services}


def test_an_unknown_part_of_the_cluster_is_refused():
    done = subprocess.run([str(START), "nodes"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert "controller, database or node, not 'nodes'" in done.stderr
