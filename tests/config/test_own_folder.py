"""--config-dir: options of one's own join; whatever is wrong with a file is named with it, and nothing in it runs."""

from __future__ import annotations

import os

import pytest

from inceptionctl.config.compose import Composer
from inceptionctl.config.validate import parse
from inceptionctl.errors import RequestError

MINE = "name: momentum\nmomentum: 0.5\n"
BOMB = "a: &a [1,1]\n" + "".join(
    f"{y}: &{y} [{','.join([f'*{x}'] * 20)}]\n" for x, y in zip("abcde", "bcdef", strict=True)
)


@pytest.fixture
def folder(tmp_path):
    """Writes files; a text alone is that of optim/mine.yaml."""

    def write(files):
        for name, content in (files if isinstance(files, dict) else {"optim/mine.yaml": files}).items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content) if isinstance(content, bytes) else path.write_text(content)
        return str(tmp_path)

    return write


def composed(folder, *words):
    return parse(Composer(folder).compose("train", words or ["optim=mine"]))


def test_options_of_ones_own_join(folder):
    text = "# mine\n# @package _global_\ndefaults: [override /optim: mine]\ntrain: {epochs: 1e1}\n"
    where = folder(
        {"optim/mine.yaml": MINE, "experiment/mine.yaml": text, "data/home.yaml": "defaults: [imagefolder]\nroot: ~/x"}
    )
    config = composed(where, "experiment=mine", "data=home")
    assert (config.optim.momentum, config.train.epochs) == (0.5, 10.0)
    assert config.data.root == os.path.expanduser("~/x")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is empty"),
        ("- a", "holds no settings"),
        ("name: [", "line 1"),
        ("momentum: 0.1\nmomentum: 0.2", "line 2: the key 'momentum' stands twice"),
        ("momentum: !!python/object/apply:os.getcwd []", "line 1: could not determine a constructor"),
        ("momentum: 1:30:00", "in base 60"),
        ("momentum: 010", "in base 8"),
        (b"\xff\xfe", "not UTF-8"),
        (b"\xef\xbb\xbf" + MINE.encode(), "begins with a byte order mark"),
        ("[" * 5000, "levels"),
        (BOMB, "more than 100,000 values"),
        ("defaults: [mine]", "optim/mine.yaml -> optim/mine.yaml"),
        ("defaults: [nosuch]", "optim/nosuch"),
        ("defaults: momentum", "defaults is a list"),
        ("defaults: [{a: 1}]", "neither an option nor group: option"),
        ("defaults: [[a]]", "neither an option nor group: option"),
        (MINE + "momentun: 1", "unknown setting 'optim.momentun'. Did you mean optim.momentum"),
        (MINE + "_target_: os.getcwd", "unknown setting 'optim._target_'"),
        ("# @package schedule\n" + MINE, "has the package schedule"),
        ("name: momentum\nmomentum: abc", "optim.momentum = abc is not allowed"),
        ("name: momentum\nmomentum: .nan", "optim.momentum = nan is not allowed"),
        ("name: momentum\nmomentum: true", "optim.momentum = true is not allowed"),
        ("name: momentum\nmomentum: {a: 1}", "unknown setting 'optim.momentum.a'"),
        ("name: momentum\nmomentum: ${oc.env:HOME}", "into the run folder"),
        ("name: momentum\nmomentum: ${nosuch}", "there is no setting nosuch"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_file_is_named_with_it(text, message, folder):
    where = folder(text)
    with pytest.raises(RequestError, match=message) as caught:
        composed(where)
    assert f"{where}/optim/mine.yaml" in str(caught.value)


@pytest.mark.parametrize(
    ("files", "word", "message"),
    [
        ({"launch/site.yaml": "defaults: [slurm]\ntime: 12:00:00"}, "launch=site", "yaml, line 2: 12:00:00 is a"),
        ({"experiment/x.yaml": "train: {epochs: 2}"}, "experiment=x", "x.yaml lacks its first line, # @package"),
        ({"experiment/x.yaml": "# @package _global_\ntrain:"}, "experiment=x", "x.yaml: train = null .* section"),
        ({"experiment/x.yaml": "# @package _global_\nhydra: {run: {dir: x}}"}, "experiment=x", "Hydra's own"),
        ({"experiment/x.yaml": "# @package _global_\ndefaults: [override /experiment: x]"}, "experiment=x", "back"),
        ({"optim/a.yaml": "defaults: [b]", "optim/b.yaml": "defaults: [a]"}, "optim=a", "a.yaml -> optim/b.yaml"),
        ({f"optim/a{i}.yaml": f"defaults: [a{i + 1}, a{i + 1}]" for i in range(30)}, "optim=a0", "more than 100 files"),
        ({"experiment/x.yaml": "# @package _global_\nname: x"}, "experiment=x", "x.yaml: name .* on the command line"),
        ({"optim/mine.yml": MINE}, "seed=1", "mine.yml is not read: rename it to mine.yaml"),
        ({"optim/momentum.yaml": MINE}, "seed=1", "momentum.yaml has the name of an option of ours"),
        ({"arch/base/network.yaml": "{}"}, "seed=1", "network.yaml has the name of an option of ours"),
        ({"train.yaml": "{}", "optim/x.yaml": MINE}, "seed=1", "train.yaml has the name of a file of ours"),
        ({"hydra/launcher/basic.yaml": "{}"}, "seed=1", "may not change Hydra's own"),
        ({"optims/x.yaml": MINE}, "seed=1", "holds no options"),
        ({"launch/x.yaml": "defaults: [slurm]\nsetup: [rm x]"}, "launch=x", "can run code"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_folder_is_named(files, word, message, folder):
    with pytest.raises(RequestError, match=message):
        composed(folder(files), word)


def test_what_is_no_file_is_named(folder, tmp_path):
    folder({"optim/other.yaml": MINE})
    os.mkfifo(tmp_path / "optim" / "fifo.yaml")
    (tmp_path / "optim" / "folder.yaml").mkdir()
    (tmp_path / "optim" / "link.yaml").symlink_to("nowhere")
    for option, message in {"fifo": "a FIFO", "folder": "a folder", "link": "missing"}.items():
        with pytest.raises(RequestError, match=rf"optim/{option}.yaml cannot be read: .*{message}"):
            composed(str(tmp_path), f"optim={option}")
    assert composed(str(tmp_path), "optim=other").optim.momentum == 0.5


def test_a_broken_file_that_is_not_used_stops_nothing(folder):
    where = folder({"optim/mine.yaml": MINE, "optim/broken.yaml": "["})
    assert composed(where).optim.momentum == 0.5


def test_a_folder_may_be_relative_or_in_ones_home(folder, tmp_path, monkeypatch):
    where = folder({"own/optim/mine.yaml": MINE, "file": "x"})
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", where)
    assert Composer("own").config_dir == Composer("~/own").config_dir == f"{where}/own"
    for name, message in {
        "nowhere": "does not exist",
        "file": "is not a folder",
        "~nobody0/x": "no user 'nobody0'",
    }.items():
        with pytest.raises(RequestError, match=message):
            Composer(name)


def test_yaml_that_is_in_no_group_is_passed_over_aloud(folder):
    where = folder(
        {"optim/mine.yaml": MINE, "compose.yaml": "{}", "things/x.yaml": "{}", "README.md": "", ".x/y.yaml": ""}
    )
    assert Composer(where).passed_over == ["compose.yaml", "things"]
