"""`inceptionctl data check|index|pack|stats`: finds faults in images, lists, packs and describes them."""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from rich.console import Console

from inceptionctl.arguments import Parser, check_output_file
from inceptionctl.commands import data_index, data_pack
from inceptionctl.data.images import DataSource
from inceptionctl.data.listing import Listing, describe
from inceptionctl.data.survey.findings import Finding, findings
from inceptionctl.data.survey.inspect import inspect, measure
from inceptionctl.data.survey.statistics import describe_channels, describe_split
from inceptionctl.data.survey.survey import Survey, take
from inceptionctl.describe.data import findings as shown_findings
from inceptionctl.describe.data import statistics as shown_statistics
from inceptionctl.describe.data.fix_list import write_fix_list
from inceptionctl.describe.data.progress import ImageProgress
from inceptionctl.describe.data.source import source_of
from inceptionctl.errors import InceptionctlError, RequestError, count, unknown
from inceptionctl.hardware import num_cores
from inceptionctl.terminal import NO_TERMINAL_WIDTH, console

SCHEMA = 1  # of --json
ACTIONS = ("check", "index", "pack", "stats")
SAMPLE = 1000
MOST_WORKERS = 256
DESCRIPTION = (
    "check decodes every image and names those that cannot be read, duplicates across train and evaluation, classes "
    "without images and what else is worth knowing; it ends with 1 if there is a fault. index lists the images and "
    "keeps the listing in the user's cache: commands do not list them again until a folder changes. stats describes "
    "the images: classes, sizes, formats, mean and deviation. pack scales the images to --short-side and stores them "
    "in --out, as JPEG or as raw pixels, for fast reading by data=packed data.root=DIR; the same command continues "
    "what was interrupted. The data set is named as behind train, by data=NAME data.KEY=VALUE, "
    "or by a folder, which stands for data=imagefolder data.root=DIR."
)


def main(argv: list[str]) -> int:
    asked = make_parser().parse_intermixed_args(argv)
    _check_flags(asked)
    source = source_of(asked.words)
    if asked.action == "pack":
        data_pack.pack_images(asked, source, _workers(asked), _console(stderr=True))
        return 0
    if asked.action == "index":
        data_index.index_images(asked, source, _console(stderr=True))
        return 0
    if asked.action == "check":
        return _check(asked, source)
    _describe(asked, source)
    return 0


def make_parser() -> argparse.ArgumentParser:
    parser = Parser(prog="inceptionctl data", description=DESCRIPTION)
    parser.add_argument("action", type=_action, metavar="check | index | pack | stats", help="what to do")
    parser.add_argument(
        "words", nargs="*", metavar="DIR | data=NAME | data.KEY=VALUE",
        help="a folder with train/ and val/ or with class folders; or a data set with its settings",
    )  # fmt: skip
    parser.add_argument("--json", action="store_true", help="print JSON, for other programs")
    parser.add_argument("--workers", type=int, metavar="N", help="processes that decode (default: the usable cores)")
    parser.add_argument(
        "--fix-list", type=Path, metavar="FILE",
        help="of check: write the images that cannot be read to FILE, for data.leave_out=FILE",
    )  # fmt: skip
    parser.add_argument(
        "--sample", type=int, metavar="N", help=f"of stats: images to take the mean over (default: {SAMPLE:,})"
    )
    data_index.add_flags(parser)
    data_pack.add_flags(parser)
    return parser


def _action(word: str) -> str:
    if word not in ACTIONS:
        raise unknown("action", word, ACTIONS, f"inceptionctl data {word}")
    return word


def _check_flags(asked: argparse.Namespace) -> None:
    """Raises RequestError for numbers that are none, and for flags that have no effect or cannot be followed."""
    if asked.workers is not None and not 1 <= asked.workers <= MOST_WORKERS:
        raise RequestError(f"--workers {asked.workers} is not allowed: give 1 to {MOST_WORKERS}")
    if asked.sample is not None and asked.sample < 1:
        raise RequestError(f"--sample {asked.sample} is not allowed: give at least 1 image")
    if asked.sample is not None and asked.action != "stats":
        raise RequestError(f"--sample has no effect on {asked.action}, which reads every image: leave it out")
    if asked.fix_list and asked.action != "check":
        raise RequestError(f"--fix-list has no effect on {asked.action}: inceptionctl data check writes it")
    data_index.check_flags(asked)
    data_pack.check_flags(asked)
    if asked.fix_list:
        check_output_file("--fix-list", asked.fix_list, asked.fix_list.suffix)


def _listings(source: DataSource) -> Mapping[str, Listing]:
    """Raises RequestError for a data set without images."""
    found = source.listings()
    if found and not any(len(one.files) for one in found.values()):
        one = next(iter(found.values()))
        held = "; ".join(f"{name or 'in itself'}: {describe(what)}" for name, what in one.left_out.items())
        raise RequestError(
            f"there are no images in class folders of {one.files.root} ({held})\n"
            "  name the folder that has a folder of images for each class, or train/ and val/ with such folders"
        )
    return found


def _surveys(asked: argparse.Namespace, found: Mapping[str, Listing]) -> dict[str, Survey]:
    work = inspect if asked.action == "check" else measure
    surveys = dict[str, Survey]()
    for split, one in found.items():
        with ImageProgress(split, len(one.files), _console(stderr=True)) as report:
            surveys[split] = take(work, one.files, one.classes, _workers(asked), report)
    return surveys


def _check(asked: argparse.Namespace, source: DataSource) -> int:
    if not (listings := _listings(source)):
        raise RequestError(
            f"data={source.name} has no image files to check: its images are made or come with a library\n"
            "  inceptionctl data stats counts them"
        )
    surveys = _surveys(asked, listings)
    found = findings(surveys)
    left_out = {split: sum(one.left_out.values(), Counter[str]()) for split, one in listings.items()}
    if asked.json:
        tree = shown_findings.as_json(found, surveys, left_out)
        print(json.dumps({"schema": SCHEMA, "data": source.name, **tree}, indent=1))
    else:
        _show(found, surveys, left_out)
    if asked.fix_list:
        write_fix_list(asked.fix_list, found)
    if faults := sum(len(one.items) for one in found if one.is_fault):
        raise InceptionctlError(f"{count(faults, 'fault')} found in data={source.name}")
    return 0


def _show(found: list[Finding], surveys: Mapping[str, Survey], left_out: Mapping[str, Counter[str]]) -> None:
    console = _console()
    for line in shown_findings.overview(surveys, left_out):
        console.print(line, soft_wrap=True)
    shown_findings.show(found, surveys, console)
    if not any(one.is_fault for one in found):
        console.print(f"no faults: all {sum(len(one.files) for one in surveys.values()):,} images can be read")


def _describe(asked: argparse.Namespace, source: DataSource) -> None:
    if not (listings := _listings(source)):
        _describe_without_files(asked, source)
        return
    surveys = _surveys(asked, listings)
    split, survey = next((split, one) for split, one in surveys.items() if len(one.files))
    sample = min(asked.sample or SAMPLE, len(survey.files))
    with ImageProgress(f"mean over {split}", sample, _console(stderr=True)) as report:
        channels = describe_channels(split, survey, sample, _workers(asked), report)
    splits = {split: describe_split(one) for split, one in surveys.items()}
    if asked.json:
        tree = shown_statistics.as_json(splits, surveys, channels)
        print(json.dumps({"schema": SCHEMA, "data": source.name, **tree}, indent=1))
    else:
        shown_statistics.show(splits, surveys, channels, _console())


def _describe_without_files(asked: argparse.Namespace, source: DataSource) -> None:
    index = source.index(dev=False)
    if asked.json:
        counts = {"train": index.n_train, "eval": index.n_eval}
        tree = {"provenance": index.provenance, "images": counts, "classes": index.classes}
        print(json.dumps({"schema": SCHEMA, "data": source.name, **tree}, indent=1))
    else:
        print(f"{index.provenance}\n{len(index.classes):,} classes; the images are no files, and nothing else is known")


def _workers(asked: argparse.Namespace) -> int:
    return int(asked.workers or min(num_cores(), MOST_WORKERS))


def _console(stderr: bool = False) -> Console:
    stream = sys.stderr if stderr else sys.stdout
    width = None if stream.isatty() else NO_TERMINAL_WIDTH
    return console(stderr, width, wraps=True)
