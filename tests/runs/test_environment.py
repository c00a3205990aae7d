"""The commit that env.json names, where there is a checkout and where there is none."""

from __future__ import annotations

import subprocess

import pytest

from inceptionctl.runs import environment


@pytest.fixture
def installed(tmp_path, monkeypatch):
    """As if the package lay in a folder that is no checkout."""
    monkeypatch.setattr(environment, "__file__", str(tmp_path / "environment.py"))
    return tmp_path


def test_an_image_names_the_commit_that_it_was_built_from(installed, monkeypatch):
    monkeypatch.setenv("INCEPTIONCTL_GIT_COMMIT", "0123456789ab")
    assert environment.git_commit() == "0123456789ab"


@pytest.mark.parametrize("value", [None, ""])  # an image that was built without it has the empty one
def test_without_a_checkout_or_an_image_there_is_no_commit(value, installed, monkeypatch):
    monkeypatch.delenv("INCEPTIONCTL_GIT_COMMIT", raising=False)
    if value is not None:
        monkeypatch.setenv("INCEPTIONCTL_GIT_COMMIT", value)
    assert environment.git_commit() is None


def test_a_checkout_is_believed_before_the_variable(installed, monkeypatch):
    (installed / "environment.py").write_text("")
    git = ["git", "-C", str(installed), "-c", "user.name=x", "-c", "user.email=x@x"]
    for words in (["init", "--quiet"], ["add", "."], ["commit", "--quiet", "-m", "x"]):
        subprocess.run([*git, *words], check=True)
    monkeypatch.setenv("INCEPTIONCTL_GIT_COMMIT", "0123456789ab")
    assert environment.git_commit() not in (None, "0123456789ab")
