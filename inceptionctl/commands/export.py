"""`inceptionctl export`: a trained network in a format of others, compared with the original on real images."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict

from inceptionctl.arguments import Parser
from inceptionctl.errors import bytes_text, warn
from inceptionctl.export.registry import FORMATS
from inceptionctl.export.request import Request
from inceptionctl.files import from_here
from inceptionctl.prediction.exported import load, plan, real_images, shown

SCHEMA = 1  # of --json
WIDTH = max(map(len, FORMATS))
DESCRIPTION = f"""\
Writes a trained network in a format of other libraries, with a model card; opens it again with that library; and
compares the logits of both on real images. Where they differ, nothing is left.

  run=DIR                    a finished run
  weights=ema                of a run: ema (default), raw, best-ema, best-raw, as for `eval`
  arch=NAME weights=timm     released weights (also torchvision, timm:TAG, or FILE, with weights_key=KEY)
  arch.KEY=VALUE             other settings of the network of such weights
  format=NAME
{chr(10).join(f"    {name:<{WIDTH}}  {offer.about}" for name, offer in FORMATS.items())}
  to=FOLDER                  the folder to make (default: DIR/export/FORMAT; DIR/export/FORMAT-raw with weights=raw)
  images=FOLDER              real images to compare on (default: those that the run is evaluated on; for released
                             weights, the embedded digits)
  license=NAME               of the weights, for the model card, such as apache-2.0"""


def main(argv: list[str]) -> int:
    asked = make_parser().parse_intermixed_args(argv)
    request = Request.of(asked.words)
    network = plan(request)
    for note in network.notes:
        warn(f"weights: {note}")
    images_NCHW, described = real_images(request, network)
    trained = load(network)

    from inceptionctl.export.export import export

    done = export(trained, request.format, request.to, images_NCHW, described, request.settings.get("license"))
    compared = done.comparison
    if asked.json:
        facts = {"schema": SCHEMA, "format": request.format, "folder": str(done.folder), "files": done.sizes}
        comparison = {**asdict(compared), "tolerance": compared.tolerance, "images": described}
        print(json.dumps(facts | {"weights": trained.weights, "comparison": comparison}, indent=2, allow_nan=False))
        return 0
    print(f"{shown(request)}: {trained.arch.name}, {trained.n_classes:,} classes, weights {trained.weights}")
    print(
        f"compared on {described}: logits differ by at most {compared.difference:.1e} (allowed: "
        f"{compared.tolerance:.1e}), the likeliest class is the same"
    )
    files = ", ".join(f"{name} ({bytes_text(size)})" for name, size in done.sizes.items())
    print(f"written: {from_here(done.folder)}: {files}")
    return 0


def make_parser() -> argparse.ArgumentParser:
    parser = Parser(
        prog="inceptionctl export",
        usage="inceptionctl export run=DIR | arch=NAME weights=timm  format=NAME [to=FOLDER] [--json]",
        description=DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("words", nargs="+", metavar="KEY=VALUE", help="the settings above")
    parser.add_argument("--json", action="store_true", help="print what was written and compared as JSON")
    return parser
