"""Decodes the crops of JPEG files on the rank's device, with nvImageCodec: by nvJPEG on a GPU, whose values differ from
those of the workers' decoder by rounding, and by libjpeg-turbo on the CPU, with the same bits.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache, partial
from typing import Any

import numpy as np
import torch
from torch import Tensor

from inceptionctl.data.crop_decoder import END, as_stored, without_words
from inceptionctl.data.decode import PlainJpeg
from inceptionctl.data.device.margins import inside, padded
from inceptionctl.data.lazy_image import Box
from inceptionctl.errors import DataError, warn


@dataclass(frozen=True)
class JpegFile:
    """`length` of its bytes; `name`: for errors; `size`: (width, height); `box`: what is decoded, black beyond the
    image."""

    length: int
    name: str
    size: tuple[int, int]
    box: Box

    @property
    def inside(self) -> Box:
        return inside(self.box, self.size)

    def padded(self, pixels_HWC: Tensor) -> Tensor:
        """`pixels_HWC` of what lies inside, with what lies beyond."""
        return padded(pixels_HWC, self.box, self.size)


def decoded(files: Sequence[JpegFile], data: Sequence[np.ndarray], device: torch.device) -> list[Tensor]:
    """`data`: the bytes of each of `files`, uint8, on the CPU. Gives the pixels of their boxes, uint8, (height, width,
    3), on `device`. What the device cannot decode, the CPU does; raises DataError for what neither can."""
    found = _by_device(files, data, device)
    for i, (file, pixels) in enumerate(zip(files, found, strict=True)):
        if pixels is None:
            _warn_once(device)
            found[i] = torch.from_numpy(_by_cpu(file, data[i])).to(device, non_blocking=True)
    return [file.padded(pixels) for file, pixels in zip(files, found, strict=True) if pixels is not None]


def _by_cpu(file: JpegFile, data: np.ndarray) -> np.ndarray:
    try:
        return PlainJpeg(data.tobytes(), file.name, file.size).crop(file.inside)
    except DataError as error:
        raise DataError(f"{error}; remove it, or set data.decode_on=cpu and data.on_corrupt=skip or replace") from error


def _by_device(files: Sequence[JpegFile], data: Sequence[np.ndarray], device: torch.device) -> list[Tensor | None]:
    """None for what cannot be decoded, and for a file that does not end as a whole one does."""
    found: list[Tensor | None] = [None] * len(files)
    if not files:
        return found
    library, _ = _decoder(device)
    streams = dict[int, Any]()
    for i, (file, content) in enumerate(zip(files, data, strict=True)):
        left, top, right, bottom = file.inside
        with suppress(Exception):  # of a header that it cannot read, whatever kind that has
            if content[-len(END) :].tobytes() == END:
                region = library.Region(top, left, bottom, right)
                streams[i] = library.CodeStream(content).get_sub_code_stream(region=region)
    for i, pixels in zip(streams, _decode(list(streams.values()), device), strict=True):
        left, top, right, bottom = files[i].inside
        if pixels is not None and pixels.shape == (bottom - top, right - left, 3):
            found[i] = pixels
    return found


def _decode(streams: list[Any], device: torch.device) -> list[Tensor | None]:
    if not streams:
        return []
    library, decoder = _decoder(device)
    decode = partial(decoder.decode, streams, params=as_stored(library))
    if device.type == "cuda":
        return _on_gpu(decode, device)
    images = [image and image.cpu() for image in decode()]
    return [None if image is None else torch.from_numpy(np.require(image, requirements="W")) for image in images]


def _on_gpu(decode: Callable[..., list[Any]], device: torch.device) -> list[Tensor | None]:
    """On a stream of its own, which is waited for, and not for the step before: the decoder may take the memory of an
    image back as soon as that is gone, whatever still reads it."""
    stream, found = _stream(device), list[Tensor | None]()
    with torch.cuda.stream(stream):
        images = decode(cuda_stream=stream.cuda_stream)
        for image in images:
            found.append(None if image is None else torch.as_tensor(image, device=device).clone())
    stream.synchronize()
    for pixels in found:
        if pixels is not None:
            pixels.record_stream(torch.cuda.current_stream(device))
    return found


@cache
def _stream(device: torch.device) -> torch.cuda.Stream:
    return torch.cuda.Stream(device)  # type: ignore[no-untyped-call]


@cache
def _decoder(device: torch.device) -> tuple[Any, Any]:
    """The library, and a decoder with every way that the device has."""
    with without_words():
        from nvidia import nvimgcodec

        if device.type == "cuda":
            return nvimgcodec, nvimgcodec.Decoder(device_id=device.index or 0)
        backends = [nvimgcodec.Backend(nvimgcodec.BackendKind.CPU_ONLY)]
        cpu = nvimgcodec.NVIMGCODEC_DEVICE_CPU_ONLY
        return nvimgcodec, nvimgcodec.Decoder(device_id=cpu, backends=backends, max_num_cpu_threads=1)


@cache
def _warn_once(device: torch.device) -> None:
    warn(f"some JPEG files are damaged, or of a kind that is not decoded on {device}: the CPU decodes those")
