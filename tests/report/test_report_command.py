"""The report on the terminal, in its files, and as a command."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest
from rich.console import Console

from inceptionctl.commands import report as command
from inceptionctl.errors import RequestError
from inceptionctl.report.columns import report_text
from inceptionctl.report.find import find
from inceptionctl.report.format import metric, number, signed
from inceptionctl.report.render import terminal
from inceptionctl.report.results import read
from inceptionctl.report.write import write
from inceptionctl.runs.io import read_record, write_record
from inceptionctl.runs.records.evaluation import UnreadableImages
from inceptionctl.runs.records.result import Result

TEXTS = {"report.md", "report.csv", "report.json", "report.tex", "report.html", "seeds.csv"}
FILES = TEXTS | {f"{name}.{kind}" for name in ("ladder", "changes", "scatter", "curves") for kind in ("svg", "png")}


@pytest.fixture
def printed(monkeypatch, capsys, no_figures):
    """Prints a table's report at a width and gives the text."""

    def run(folder: Path, width: int = 100) -> str:
        monkeypatch.setenv("COLUMNS", str(width))
        assert command.main([str(folder)]) == 0
        return capsys.readouterr().out

    return run


def cells(text: str, row: str) -> list[list[str]]:
    """The cells of every line that begins with the row's name, split at two or more spaces."""
    return [re.split(r"\s{2,}", line.strip())[1:] for line in text.splitlines() if line.startswith(row + " ")]


def test_the_terminal_shows_paper_and_ours(ladder, printed):
    text = printed(ladder, 170)
    assert cells(text, "GoogLeNet")[0][:4] == ["29.0", "-", "-", "-"]
    row = cells(text, "+ Label smoothing")[0]
    assert row[:3] == ["22.8", "-0.3", "6.33 ± 0.29 (3)"]
    assert row[4] == "same direction"
    assert row[6:10] == ["3.8 G", "5.16 G", "12.3 M", "1.67 M"]
    assert "resolved 1 of 4 rungs · smallest rung detectable at 80 % power: " in text
    assert " points (n = 3) · plateau: 5 of 5 rows" in text
    assert "This scale shows directions at most; it verifies no ImageNet figure." in text
    assert "full validation set" in text


def test_rows_that_build_on_the_row_above_have_a_plus(outputs):
    """Whether they add a switch or set settings; the first row and those that stand alone build on none."""
    outputs.rows = {"RMSProp": {"switch": None}, "Label smoothing": {"standalone": True}}
    names = [row.name for row in read(outputs.close()).rows]
    assert names == ["Inception-v2", "+ RMSProp", "Label smoothing", "+ Factorized 7x7", "+ BN-auxiliary"]


@pytest.mark.parametrize("width", [60, 80, 100, 140, 170])
def test_no_width_cuts_a_cell(ladder, width):
    out = io.StringIO()
    terminal.show(report_text(find(read(ladder)), ladder), Console(file=out, width=width))
    text = out.getvalue()
    table = text[: text.index("BN-auxiliary against")]
    assert "…" not in table
    assert max(map(len, table.splitlines())) <= width
    for figure in ("29.0", "6.33 ± 0.29 (3)", "same direction", "5.16 G", "12.3 M", "1.67 M", "9.2"):
        assert figure in table


def test_a_log_gets_a_hundred_columns(no_figures, ladder, monkeypatch, capsys):
    monkeypatch.delenv("COLUMNS", raising=False)
    command.show(ladder)
    text = capsys.readouterr().out
    assert "\x1b" not in text
    assert max(map(len, text[: text.index("BN-auxiliary against")].splitlines())) <= 100


def test_missing_and_failed_cells(outputs, printed):
    outputs.done("Inception-v2", 40).failed("RMSProp", 0).missing("Label smoothing", 0)
    text = printed(outputs.close(), 170)
    again = f"To continue, repeat the command: {read(outputs.folder).manifest.command}\n"
    assert again in printed(outputs.folder, 40), "in one line, to be copied"
    assert cells(text, "Inception-v2")[0][2] == "20.00 (1 seed)"
    assert cells(text, "+ RMSProp")[0][:3] == ["23.1", "-0.3", "-"]
    log = outputs.run("RMSProp", 0).log()
    text = " ".join(text.split())  # a long path is wrapped
    assert f"Failed: RMSProp seed 0: training diverged at step 3, log: {os.path.relpath(log)}" in text
    assert "Not run: Label smoothing seed 0." in text
    assert "To continue, repeat the command: inceptionctl ablate" in text


def test_training_images_that_could_not_be_read_are_told(outputs, printed):
    folder = outputs.done("Inception-v2", 40, 42).close()
    run = outputs.run("Inception-v2", 1)
    found = UnreadableImages(total=1, root="/data", names=["a.jpg"])
    write_record(run.result, replace(read_record(run.result, Result), unreadable=8, unreadable_images=found))
    text = " ".join(printed(folder, 170).split())
    assert "Training images that could not be read, by name in result.json: 1 image of Inception-v2 seed 1." in text


def test_unsure_rows_are_marked(outputs, printed):
    outputs.done("Inception-v2", 160).done("RMSProp", 40, on_plateau=False).done("Label smoothing", 2)
    text = printed(outputs.close(), 170)
    assert cells(text, "Inception-v2")[0][2] == "80.00 (1 seed) *"
    assert cells(text, "+ RMSProp")[0][3:5] == ["-", "not converged"]
    assert cells(text, "+ Label smoothing")[0][4] == "cannot tell (1 seed)"
    assert "* not converged: a seed's error is not below guessing's 90 % (p > 0.001), or" in text
    assert "Not on a plateau: RMSProp. Differences show learning speed, not final accuracy." in text


@pytest.mark.parametrize(("chance", "shown"), [(90.0, False), (99.9, True)])
def test_top5_of_ours_needs_more_than_ten_classes(outputs, printed, chance, shown):
    outputs.chance_error = chance
    folder = outputs.done("Inception-v2", 40, 42).close()
    text = printed(folder, 250)
    assert ("5.12 ± 0.18 (2)" in text) is shown
    assert ("Our top-5 error is left out" in text) is not shown
    assert (json.loads((folder / "report.json").read_text())["rows"][0]["top5_error"] is not None) is shown


def test_json_and_csv_keep_every_digit(ladder, no_figures):
    report = write(ladder)
    findings = find(read(ladder))
    document = json.loads(report.texts["json"].read_text())
    lines = {line["label"]: line for line in csv.DictReader(io.StringIO(report.texts["csv"].read_text()))}
    for row, finding in zip(document["rows"], findings.rows, strict=True):
        line = lines[finding.row.label]
        assert row["top1_error"]["mean"] == float(line["top1_error_mean"]) == finding.top1.mean
        assert row["top1_error"]["low"] == float(line["top1_error_low"]) == finding.top1.low
        assert row["top1_error_raw"]["mean"] == float(line["top1_error_raw_mean"]) == finding.other.mean
        assert row["full_macs"] == int(line["full_macs"]) == 5_155_055_808
    for row, rung in zip(document["rungs"], findings.rungs, strict=True):
        line = lines[rung.after.label]
        assert row["change_low"] == float(line["change_low"]) == rung.difference.low
        assert row["holm_p"] == float(line["holm_p"]) == rung.holm_p
    assert document["detectable"] == findings.detectable
    assert lines["GoogLeNet"]["top1_error_mean"] == ""
    assert lines["BN-auxiliary against Inception-v2"]["verdict"] == "same direction"


def test_markdown_links_the_runs_and_lists_what_differs(ladder):
    text = write(ladder).texts["markdown"].read_text()
    links = re.findall(r"\]\(([^)]+)\)", text)
    assert all((ladder / link).exists() for link in links)
    assert sum((ladder / link / "result.json").is_file() for link in links) == 15
    assert {"ladder.svg", "curves.svg"} <= set(links)
    assert "| `train.batch_size` | 1600 | 32 |" in text
    tables = [line for line in text.splitlines() if line.startswith("| +")]
    assert all(line.count("|") == tables[0].count("|") for line in tables[:4])
    assert str(ladder.parent) not in text


def test_files_are_written_and_stay_the_same(ladder):
    write(ladder)
    first = {name: (ladder / name).read_bytes() for name in FILES}
    write(ladder)
    assert {path.name for path in ladder.iterdir() if path.is_file()} == {*FILES, "table.json"}
    assert {name: (ladder / name).read_bytes() for name in FILES} == first


def test_figures_name_the_rows(ladder):
    write(ladder)
    for name, labels in {"ladder": ["GoogLeNet", "+ RMSProp", "-0.3"], "curves": ["Inception-v2", "+ RMSProp"]}.items():
        texts = {text.strip() for text in ElementTree.parse(ladder / f"{name}.svg").getroot().itertext()}
        assert texts.issuperset(labels)
        assert (ladder / f"{name}.png").read_bytes().startswith(b"\x89PNG")


def test_a_table_without_finished_cells_has_dashes(outputs, printed):
    text = printed(outputs.missing("Inception-v2", 0).close(), 170)
    assert cells(text, "Inception-v2")[0][2] == "-"
    assert "resolved 0 of 4 rungs" in text


def test_figures_of_a_table_without_finished_cells_are_the_papers(outputs):
    report = write(outputs.missing("Inception-v2", 0).close())
    assert {path.stem for path in report.figures} == {"ladder", "scatter"}
    assert set(re.findall(r"\]\((\w+)\.svg\)", report.texts["markdown"].read_text())) == {"ladder", "scatter"}


@pytest.mark.parametrize("kind", ["markdown", "csv", "json", "latex", "html"])
def test_a_format_prints_its_file(ladder, capsys, kind, no_figures):
    assert command.main([str(ladder), "--format", kind]) == 0
    name = {"markdown": "md", "latex": "tex"}.get(kind, kind)
    assert capsys.readouterr().out == (ladder / f"report.{name}").read_text()


def test_the_latest_table_is_the_default(no_figures, outputs, tmp_path, monkeypatch, capsys):
    folder = outputs.done("Inception-v2", 40).close()
    other = outputs.root / "older"
    other.mkdir()
    (other / "table.json").write_text("{}")
    os.utime(other / "table.json", (0, 0))
    monkeypatch.chdir(tmp_path)
    assert command.main([]) == 0
    assert str(folder.relative_to(tmp_path) / "report.html") in capsys.readouterr().out


def test_without_a_table_it_says_what_to_do(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(RequestError, match="run `inceptionctl ablate` first"):
        command.main([])
    assert list(tmp_path.iterdir()) == []


def test_report_imports_neither_torch_nor_hydra(ladder):
    call = f"import sys; from inceptionctl.commands.report import main; main([{str(ladder)!r}])"
    seen = f"{call}; print({{'torch', 'hydra', 'omegaconf'}} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", seen], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "resolved 1 of 4 rungs" in done.stdout
    assert done.stdout.splitlines()[-1] == "set()"


def test_importing_the_command_imports_no_heavy_library():
    heavy = {"scipy", "numpy", "matplotlib", "rich", "torch"}
    call = f"import sys, inceptionctl.commands.report; print({heavy} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", call], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


@pytest.mark.parametrize(
    ("count", "text"),
    [(5_155_055_808, "5.16 G"), (12_345_678, "12.3 M"), (999_600, "1.00 M"), (999_400, "999 k"), (412, "412")],
)
def test_counts_have_three_digits(count, text):
    assert metric(count) == text


def test_papers_figures_keep_their_decimals():
    assert [number(29.0), number(4.82), number(None), signed(-0.3), signed(0.25), signed(0.0)] == [
        "29.0",
        "4.82",
        "-",
        "-0.3",
        "+0.25",
        "0.0",
    ]


def test_a_format_typed_as_a_flag_is_answered_with_the_flag_it_is_a_value_of(ladder):
    with pytest.raises(RequestError, match=r"unknown flag '--latex' .* Did you mean --format latex\?"):
        command.main([str(ladder), "--latex"])
