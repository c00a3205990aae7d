"""Which columns of a Parquet file have the images and the labels, by their types and what `datasets` notes. No torch.

The notes are JSON in the schema's metadata, under "huggingface": the features of the data set, such as
{"image": {"_type": "Image"}, "label": {"_type": "ClassLabel", "names": ["cat", "dog"]}}.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from inceptionctl.data.listing import as_text, some
from inceptionctl.errors import RequestError

if TYPE_CHECKING:
    import pyarrow as pa

LABELS = ("label", "labels", "class")  # names of a column of labels that nothing else tells


@dataclass(frozen=True)
class Columns:
    """`image` and `label`: the names of two columns; `in_struct`: the bytes of an image are the field `bytes` of a
    struct, with the name of its file in `path` if `named`; `classes`: the names of labels that are numbers, where the
    file states them; `is_text`: labels are names."""

    image: str
    label: str
    in_struct: bool
    named: bool
    is_text: bool
    classes: tuple[str, ...] | None

    @property
    def leaf(self) -> str:
        """The path of the images' bytes in the file's schema."""
        return f"{self.image}.bytes" if self.in_struct else self.image


def find_columns(schema: pa.Schema, image: str | None, label: str | None, where: str) -> Columns:
    """`image`, `label`: the columns as the settings name them, or None. Raises RequestError where there is no such
    column, or several; the message has the columns of `where`."""
    features = _features(schema)
    images = {field.name: field.type for field in schema if _is_image(field.type)}
    structs = [name for name, kind in images.items() if _has_bytes(kind)]
    image = _chosen("image", image, structs or [*images], schema, where)
    if image not in images:
        raise RequestError(f"data.image_column = {image} of {where} is {schema.field(image).type}: no images as bytes")
    label = _chosen("label", label, _labels(schema, features), schema, where)
    kind = schema.field(label).type
    if not (_is_text(kind) or _is_integer(kind)):
        raise RequestError(f"data.label_column = {label} of {where} is {kind}: labels are integers or text")
    return Columns(
        image=image,
        label=label,
        in_struct=_has_bytes(images[image]),
        named=_has_bytes(images[image]) and images[image].get_field_index("path") >= 0,
        is_text=_is_text(kind),
        classes=None if _is_text(kind) else _class_names(features.get(label)),
    )


def _chosen(what: str, typed: str | None, candidates: list[str], schema: pa.Schema, where: str) -> str:
    if typed is None and len(candidates) == 1:
        return candidates[0]
    if typed is not None and typed in schema.names:
        return typed
    shown = some([f"{as_text(field.name)} ({_shown(field.type)})" for field in schema])
    setting = f"data.{what}_column"
    if typed is not None:
        raise RequestError(f"{setting} = {typed}: {where} has no such column, but {shown}")
    number = f"{len(candidates)} columns that may be of {what}s" if candidates else f"no column of {what}s"
    raise RequestError(f"{where} has {number}; its columns: {shown}\n  name one with {setting}=NAME")


def _shown(kind: pa.DataType) -> str:
    return "image" if _has_bytes(kind) else str(kind)[:40]


def _labels(schema: pa.Schema, features: Mapping[str, Any]) -> list[str]:
    """The columns that state a class, by the features or else by their names."""
    stated = [name for name in schema.names if _kind(features.get(name)) == "ClassLabel"]
    named = [name for name in LABELS if name in schema.names]
    return stated or [name for name in named if _is_text(kind := schema.field(name).type) or _is_integer(kind)][:1]


def _features(schema: pa.Schema) -> Mapping[str, Any]:
    """Nothing where they are missing or damaged: the types of the columns tell most."""
    with suppress(ValueError, TypeError, KeyError, AttributeError, RecursionError):
        found = json.loads((schema.metadata or {})[b"huggingface"])["info"]["features"]
        return found if isinstance(found, dict) else {}
    return {}


def _kind(feature: object) -> object:
    return feature.get("_type") if isinstance(feature, dict) else None


def _class_names(feature: object) -> tuple[str, ...] | None:
    """Of names that several classes have, as `crane` in ImageNet, each gets its number too."""
    found = feature.get("names") if isinstance(feature, dict) and _kind(feature) == "ClassLabel" else None
    if not isinstance(found, list) or not all(isinstance(name, str) for name in found):
        return None
    names = list(map(as_text, found))
    times = Counter(names)
    return tuple(name if times[name] == 1 else f"{name} ({number})" for number, name in enumerate(names))


def _is_image(kind: pa.DataType) -> bool:
    return _has_bytes(kind) or _is_binary(kind)


def _has_bytes(kind: pa.DataType) -> bool:
    import pyarrow as pa

    if not pa.types.is_struct(kind):
        return False
    place = kind.get_field_index("bytes")
    return bool(place >= 0 and _is_binary(kind.field(place).type))


def _is_binary(kind: pa.DataType) -> bool:
    import pyarrow as pa

    return bool(pa.types.is_binary(kind) or pa.types.is_large_binary(kind) or pa.types.is_binary_view(kind))


def _is_text(kind: pa.DataType) -> bool:
    import pyarrow as pa

    kind = kind.value_type if pa.types.is_dictionary(kind) else kind
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind))


def _is_integer(kind: pa.DataType) -> bool:
    import pyarrow as pa

    return bool(pa.types.is_integer(kind))
