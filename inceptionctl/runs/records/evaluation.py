"""evaluations/*.json of a run; request.json and evaluation.json of an evaluation's own folder. Errors: in percent."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Annotated, Any, Literal

from pydantic import Field

from inceptionctl.runs.io import Record

Percent = Annotated[float, Field(ge=0, le=100)]
Count = Annotated[int, Field(ge=1)]
Natural = Annotated[int, Field(ge=0)]
NonNegative = Annotated[float, Field(ge=0)]


@dataclass(frozen=True, kw_only=True)
class ImageSet:
    """The images of an evaluation. `name`: as in the file's name; `split`: of the data set `data`; `blacklist`: whether
    the images of ILSVRC's blacklist are left out; `digest`: of the user's own images, None for a library's; `root`: the
    folder that their paths lie in; `labels`: "own", or "real" (ReaL: any of several labels is right)."""

    name: str
    data: str
    split: str
    blacklist: bool
    digest: str | None
    root: str | None = None
    labels: Literal["own", "real"] = "own"


@dataclass(frozen=True, kw_only=True)
class ProtocolRecord:
    """How images become the network's input. `name`: as in the file's name; `crop`: side of the centre crop as a share
    of the shorter side, resized to `resize` pixels; `crops`: views of each image, mirrored ones included; `averaging`:
    of what over them; `decoder` and `resizer`: with their versions, the latter None in older records; `settings`: all
    of the protocol's, empty in older records. Values are None where they do not apply, as `decoder` of images that
    are drawn."""

    name: str
    resize: int | None
    crop: float | None
    crops: int
    interpolation: str | None
    averaging: str | None
    decoder: str | None
    resizer: str | None = None
    settings: dict[str, Any] = field(default_factory=dict)

    @property
    def without_versions(self) -> ProtocolRecord:
        """What is compared: results of two versions of a library are of one protocol."""
        return replace(self, decoder=None, resizer=None)


@dataclass(frozen=True, kw_only=True)
class MemberRecord:
    """A trained network of an evaluation. `run`: its run folder, None for bare weights; `identity`: of that run;
    `weights`: ema, raw, best-ema or best-raw of a run, otherwise the name of a release or the path of a file; `sha256`:
    of that file; `pixels`: side of its input."""

    label: str
    arch: str
    weights: str
    pixels: Count
    run: str | None = None
    identity: str | None = None
    sha256: str | None = None
    weights_key: str | None = None


@dataclass(frozen=True, kw_only=True)
class UnreadableImages:
    """Images that could not be read. `total`: how many, each once; `names`: of the first hundred by their places in the
    set, from the folder `root` on, which is None where there are none."""

    total: Natural
    root: str | None
    names: list[str]


@dataclass(frozen=True, kw_only=True)
class EvaluationRequest(Record):
    """request.json of an evaluation's folder: what its ranks do. `classes`: names of the networks' classes;
    `on_unreadable`: what happens to images that cannot be read; `batch_size`: inputs that a device takes at a time;
    `probabilities`: whether those of all classes are stored, or, of an ensemble, read where the members' evaluations
    have stored them."""

    schema: Literal[1] = 1
    identity: str
    members: list[MemberRecord]
    image_set: ImageSet
    protocol: ProtocolRecord
    classes: list[str]
    n_images: Count
    on_unreadable: Literal["error", "skip", "wrong"]
    batch_size: Count
    probabilities: bool


@dataclass(frozen=True, kw_only=True)
class SubsetRecord:
    """What some of an ensemble's members come to. `label`: of the member that is alone, or left out."""

    label: str
    top1_error: Percent
    top5_error: Percent | None
    nll: NonNegative


@dataclass(frozen=True, kw_only=True)
class EvaluationRecord(Record):
    """A file of evaluations/, or evaluation.json. `weights`: ema or raw, of the last step; best-ema or best-raw, of the
    checkpoint chosen on the dev split; otherwise what the members are, in short. `n_images`: those that the errors are
    of; `unreadable`: images left out, or, with `unreadable_as` "wrong", counted among them as wrong;
    `unreadable_images`: which ones, None in older records; `nll`: mean negative log-likelihood in nats of the images
    that were read; `ece`: expected calibration error in percent; `batch_size`: per device; `n_classes`: 0 in older
    records. `top5_error` is None where there are not more than five classes. `members`: empty for a run's own
    evaluation; of an ensemble, `alone`: each member by itself, and `without`: of three members and more, all but
    each."""

    schema: Literal[1] = 1
    image_set: ImageSet
    protocol: ProtocolRecord
    weights: str
    n_images: Count
    unreadable: Natural
    top1_error: Percent
    top5_error: Percent | None
    nll: NonNegative
    ece: NonNegative
    batch_size: Count
    device: str
    unreadable_as: Literal["left out", "wrong"] = "left out"
    unreadable_images: UnreadableImages | None = None
    n_classes: Natural = 0
    members: list[MemberRecord] = field(default_factory=list)
    alone: list[SubsetRecord] = field(default_factory=list)
    without: list[SubsetRecord] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class EvaluationSummary:
    """One evaluation as result.json lists it; `file` is relative to the run folder."""

    file: str
    image_set: str
    protocol: str
    weights: str
    n_images: Count
    top1_error: Percent
    top5_error: Percent | None
    nll: NonNegative
