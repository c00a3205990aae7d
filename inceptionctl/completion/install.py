"""Puts the script of a shell where it is read, and takes it away again.

fish reads a folder of completions by itself. bash and zsh read a script that a line of ~/.bashrc or ~/.zshrc names:
their own folders are read only where the package bash-completion, or the user's `fpath`, says so.
"""

from __future__ import annotations

import os
import shlex
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from inceptionctl.errors import InceptionctlError, unknown
from inceptionctl.files import writing

SCRIPTS = {"bash": "inceptionctl.bash", "zsh": "_inceptionctl.zsh", "fish": "inceptionctl.fish"}
MARK = "# tab completion of inceptionctl"


@dataclass(frozen=True)
class Place:
    """Where the script of a shell lies, and the file of the user's that reads it; None: the shell does."""

    shell: str
    script: Path
    startup: Path | None

    @property
    def line(self) -> str:
        script = shlex.quote(str(self.script))
        return f"[ -r {script} ] && source {script}  {MARK}"


def place_of(environment: Mapping[str, str], shell: str | None) -> Place:
    """Of `shell`, by default $SHELL. Raises RequestError for another shell."""
    typed, shell = shell, shell or Path(environment.get("SHELL") or "bash").name
    if shell not in SCRIPTS:
        hint = None if typed else "This is $SHELL; `completion install SHELL` names another."
        raise unknown("shell", shell, SCRIPTS, hint=hint)
    home = Path(environment.get("HOME") or Path.home())
    data = Path(environment.get("XDG_DATA_HOME") or home / ".local" / "share") / "inceptionctl"
    config = Path(environment.get("XDG_CONFIG_HOME") or home / ".config")
    return {
        "bash": Place(shell, data / "completion.bash", home / ".bashrc"),
        "zsh": Place(shell, data / "completion.zsh", Path(environment.get("ZDOTDIR") or home) / ".zshrc"),
        "fish": Place(shell, config / "fish" / "completions" / "inceptionctl.fish", None),
    }[shell]


def script_of(shell: str) -> str:
    return files("inceptionctl.completion").joinpath("scripts", SCRIPTS[shell]).read_text(encoding="utf-8")


def install(place: Place) -> str:
    """Done twice, it changes nothing. Returns what was done; raises InceptionctlError for what cannot be written."""
    try:
        place.script.parent.mkdir(parents=True, exist_ok=True)
        place.script.write_text(script_of(place.shell), encoding="utf-8")
    except OSError as error:
        advice = f"`inceptionctl completion {place.shell}` prints the script"
        raise InceptionctlError(f"cannot write {place.script}: {error.strerror}\n  {advice}") from error
    done = [f"completion for {place.shell}: {place.script}"]
    if place.startup:
        done.append(_add_line(place, place.startup))
    return "\n  ".join([*done, f"open a new shell; `inceptionctl completion uninstall {place.shell}` takes it away"])


def uninstall(place: Place) -> str:
    """Returns what was done; raises InceptionctlError for what cannot be written."""
    try:
        there = place.script.is_file()
        place.script.unlink(missing_ok=True)
    except OSError as error:
        raise InceptionctlError(f"cannot remove {place.script}: {error.strerror}") from error
    done = [f"removed {place.script}"] if there else []
    if place.startup and MARK in (text := _read(place.startup)):
        try:
            _write(place.startup, _without_line(text))
        except InceptionctlError as error:
            raise InceptionctlError(f"{error}\n  remove the line that ends with {MARK!r}") from error
        done.append(f"removed its line from {place.startup}")
    return "\n".join(done) or f"there is no completion for {place.shell} to remove"


def _add_line(place: Place, startup: Path) -> str:
    text = _read(startup)
    if place.line in text.splitlines():
        return f"{startup} reads it already"
    kept = _without_line(text)
    end = "\n" if kept and not kept.endswith("\n") else ""
    try:
        _write(startup, f"{kept}{end}{place.line}\n")
    except InceptionctlError as error:
        return f"{error}: add this line to it\n  {place.line}"
    return f"added to {startup}: {place.line}"


def _without_line(text: str) -> str:
    return "".join(line for line in text.splitlines(keepends=True) if not line.rstrip().endswith(MARK))


def _read(path: Path) -> str:
    """Any bytes that are not UTF-8 stay as they are."""
    return path.read_bytes().decode(errors="surrogateescape") if path.is_file() else ""


def _write(path: Path, text: str) -> None:
    """Whole or not at all, with the permissions it has; of a link, the file that it leads to."""
    real = Path(os.path.realpath(path))
    with writing(real) as temporary:
        temporary.write_bytes(text.encode(errors="surrogateescape"))
        if real.exists():
            shutil.copymode(real, temporary)
