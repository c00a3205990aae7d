"""What was typed: paths as they are, errors that name one word, nothing set twice, sweeps that end, flags anywhere."""

from __future__ import annotations

import pytest

from inceptionctl.cli import main
from inceptionctl.config.compose import compose
from inceptionctl.config.flags import read_flags
from inceptionctl.config.overrides import check_once, parse, sweeps
from inceptionctl.config.words import for_hydra, quoted_word, read
from inceptionctl.errors import RequestError

PATHS = [
    "my pics (1)", "x[1]", "lr=0.1", "a,b", "Mary's", "données", "图片", "R&D", "#1", "a${b}", "a\\${b}", "$HOME",
    "q\"r", "'a'b'", "a\\", "a\nb", " x ", "{a: 1}", "=", "'", "x;y|z>w*?", "100%", "true", "1e3", "[a]", "choice(a,b)",
    "\udcff",
]  # fmt: skip


@pytest.mark.parametrize("path", PATHS)
def test_a_path_is_taken_as_it_is_typed(path, tmp_path):
    typed = f"{tmp_path}/{path}"
    tree = compose("train", ["data=imagefolder", f"data.root={typed}", f"outputs={typed}", f"++weights={typed}"])
    assert (tree["data"]["root"], tree["outputs"], tree["weights"]) == (typed, typed, typed)


@pytest.mark.parametrize(("typed", "value"), [("null", None), ('"null"', "null"), ("'a,b'", "a,b"), ("~", "~")])
def test_null_and_quotes_around_the_whole_path_keep_their_meaning(typed, value):
    assert compose("train", [f"run_dir={typed}"])["run_dir"] == value


def test_what_a_word_was_made_is_read_as_the_same():
    for path in PATHS:
        once = read(f"outputs={path}")
        assert read(once.input_line).value() == once.value() == path
        assert read(for_hydra(once)).key_or_group == "outputs"


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("name=données", "cannot read name=données: 'é' means something else here\n.*'name=\"données\"'"),
        ("name=x[1]", r"cannot read name=x\[1\]: '\[' is not expected\n.*'name=\"x\[1\]\"'"),
        ("name=a\nb", "in quotes"),
        ("train.epochs=[1", "is not expected\n  train.epochs takes number > 0"),
        ("train={epochs:1,epochs:2}", "epochs stands in it twice"),
        ("seed=" + "9" * 5000, "a number has at most 4,300 digits"),
        ("seed=" + "1" * 10**6, r"seed=1+\.\.\. has 1,000,005 characters: a word has at most 10,000"),
        ("", "an empty word stands among the settings"),
        ("=3", "=3 has no setting before the ="),
        ("train.epochs", "train.epochs has no value: write train.epochs=VALUE"),
        ("train.epochs=", "train.epochs= has no value"),
        ("train.epochs = 3", "has a blank beside the =: write train.epochs=3"),
        ("run_dir=", "run_dir= has no value"),
        ("\N{EM DASH}dry-run", "a long dash"),
        ("é=3", "'é' is no setting"),
        ("+++seed=1", r"begins with \+\+\+: write seed=1"),
        ("seed=${..seed}", r"\$\{..seed\} is not the value of another setting"),
        ("name=${oc.env:HOME}", r"\$\{oc.env:HOME\} is not the value of another setting"),
        ("name=x${nosuch}", r"\$\{nosuch\} is not the value"),
        ("name=${name}", r"\$\{name\} is not the value"),
        ("seed=interval(0,1)", r"there is no interval\(\) here"),
        ("seed=tag(a,choice(1,2))", r"there is no tag\(\) here"),
        ("seed=extend_list(1)", r"there is no extend_list\(\) here"),
        ("seed=range(a,b)", "mismatch type"),
        ("seed=choice()", "empty choice"),
        ("seed=sort(a,1)", "not supported"),
        ("seed=" + "[" * 3000, "is not expected"),
    ],
)  # fmt: skip
def test_an_error_names_the_one_word_and_what_to_do(word, message):
    with pytest.raises(RequestError, match=f"(?s){message}") as caught:
        parse(["arch=inception_v3", word, "seed=1"])
    assert "arch=inception_v3" not in str(caught.value)
    assert len(str(caught.value)) < 22_000


def test_the_remedy_of_a_word_works():
    assert read(quoted_word("name=x [1]")[1:-1]).value() == "x [1]"


def test_a_setting_may_interpolate_another():
    assert compose("train", ["name=run-${seed}", "seed=3"])["name"] == "run-3"
    with pytest.raises(RequestError, match="Recursive"):
        compose("train", ["optim.momentum=${schedule.lr}", "schedule.lr=${optim.momentum}"])


@pytest.mark.parametrize(
    "words",
    [
        ("scale=digits", "scale=cifar10"),
        ("ablation=[rmsprop]", "ablation=[label_smoothing]"),
        ("train.epochs=1", "train.epochs=2"),
        ("train={epochs:1}", "train.epochs=2"),
        ("train.ema={decay: 0.1}", "train={ema: {decay: 0.2}}"),
        ("+train.epochs=1", "++train.epochs=2"),
        ("launch.extra=null", "launch.extra={a: 1}"),
        ("outputs=a", "outputs=b"),
        ("hydra/launcher=basic", "hydra/launcher=basic"),
    ],
)
def test_two_words_that_set_the_same_are_both_named(words):
    with pytest.raises(RequestError, match="set the same") as caught:
        check_once(parse([words[0], "seed=1", words[1]]))
    assert all(word in str(caught.value) for word in words)


def test_words_that_set_different_things_go_together():
    check_once(
        parse(["optim=rmsprop", "optim.eps=1", "train={epochs: 1}", "train.ema.decay=0.1", "train.batch_size=3"])
    )


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("seed=range(0,1e9)", "1,000,000,000 runs, at most 1,000"),
        ("seed=range(0,10,0)", "a step that is not 0"),
        ("seed=range(0,inf)", "a range has a start"),
        ("seed=range(nan)", "a range has a start"),
        ("seed=range(3,1)", "names no value"),
        ("seed=0,0", "names seed=0 twice"),
        ("seed=glob(*)", "among the options of a group"),
        ("arch=glob(zz*)", "matches none of a, b"),
    ],
)
def test_a_sweep_is_checked_before_it_is_taken_apart(word, message):
    with pytest.raises(RequestError, match=message):
        list(sweeps([word], multirun=True, groups={"arch": ["a", "b"]}))


def test_sweeps_of_options_ranges_and_quoted_paths():
    found = list(sweeps(["arch=glob(a*)", "seed=range(1,3)", 'outputs="x,1","y"'], True, {"arch": ["ab", "ac", "b"]}))
    assert len(found) == 8
    assert found[0] == ["arch=ab", "seed=1", 'outputs="x,1"']
    assert list(sweeps(["outputs=x,1"], multirun=True)) == [['outputs="x,1"']]


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["--epochs", "3"], "Settings have no hyphens: train.epochs=VALUE"),
        (["--lr=0.1"], "schedule.lr=0.1"),
        (["--dry-run=1"], "takes no value"),
        (["--dry"], "Did you mean --dry-run"),
        (["--dry-run", "seed=1", "--dry-run"], "given twice"),
        (["--config-dir", "a", "--config-dir", "b"], "given twice"),
        (["--config-dir"], "needs a value"),
        (["--cfg", "seed=1"], "is not one of --cfg job"),
        (["--package", "optim"], "no effect without --cfg"),
        (["--cfg", "job", "--dry-run"], "do not go together"),
        (["--cfg", "job", "-m"], "do not go together"),
        (["--run"], "not supported"),
        (["--experimental-rerun", "x"], "it would read a pickle"),
    ],
)
def test_a_wrong_flag_is_named(argv, message):
    with pytest.raises(RequestError, match=message):
        read_flags(argv)


def test_flags_stand_anywhere():
    flags = read_flags(["seed=1", "-m", "train.epochs=2", "--config-dir=x", "--dry-run", "a=1", "--", "--b=2"])
    assert flags.words == ["seed=1", "train.epochs=2", "a=1", "--b=2"]
    assert flags.given == {"--multirun": "", "--config-dir": "x", "--dry-run": ""}
    assert read_flags(["--info", "a=1"]).given == {"--info": "all"}


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["hydra.run.dir=x"], "no effect on a single run"),
        (["+hydra.foo=1", "--cfg", "job"], "no effect here"),
        (["-m", "seed=0,1", "hydra.run.dir=x"], "no effect here"),
        (["-m", "seed=0,1", "hydra/sweeper=optuna"], "results that are not there yet"),
        (["-m", "seed=0,1", "hydra.sweeper.n_trials=9"], "no effect here"),
        (["-m", "seed=0,1", "hydra.launcher.foo=1"], "unknown setting 'hydra.launcher.foo'"),
        (["-m", "seed=0,1", "hydra.sweeper.max_batch_size=0"], "number of runs from 1"),
        (["--cfg", "job", "-p", "nosuch"], "no such section"),
    ],
)
def test_a_setting_of_hydra_without_effect_is_refused(words, message, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["train", *words]) == 2
    assert message in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_a_dry_run_of_several_runs_leaves_nothing(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["train", "-m", "seed=0,1", "--dry-run", "train.epochs=1"]) == 0
    said = capsys.readouterr().out
    assert all(said.count(f"\n  seed={seed} train.epochs=1 ") == 1 for seed in (0, 1))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("seeds", ["1000000", "[4294967296]", "[-1]", "true", "1.5", "[]", "null", "{a: 1}", "[true]"])
def test_seeds_of_a_table_are_bounded(seeds, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["ablate", f"seeds={seeds}", "--dry-run"]) == 2
    assert "seeds = " in capsys.readouterr().err
