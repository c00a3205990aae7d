"""Values as they are written; those that a setting takes, in words: "> 0", "linear | sqrt", "integer >= 1 or null"."""

from __future__ import annotations

import re
from typing import Any

from pydantic import TypeAdapter

from inceptionctl.settings import MOST
from inceptionctl.written import literal

LIKE_ANOTHER = re.compile(r"[-+]?(\d[\d_]*\.?\d*|\.\d+)(e[-+]?\d+)?|[-+]?(inf|nan)|true|false|null", re.IGNORECASE)
BOUNDS = {"minimum": ">=", "exclusiveMinimum": ">", "maximum": "<=", "exclusiveMaximum": "<"}
TYPES = {"number": "number", "integer": "integer", "string": "text", "object": "mapping", "null": "null"}


def written(value: object) -> str:
    """As YAML and the command line have it; a text that would be a number or the like in quotes."""
    if isinstance(value, list):
        return f"[{','.join(map(written, value))}]"
    if isinstance(value, str) and (not value or LIKE_ANOTHER.fullmatch(value)):
        return f'"{value}"'
    return literal(value)


def values_of(kind: Any) -> str:  # noqa: ANN401  a type expression
    """Of an annotated type, as it stands in a section."""
    return _in_words(TypeAdapter(kind).json_schema())


def choices_of(kind: Any) -> list[str]:  # noqa: ANN401  a type expression
    """The values of an annotated type that takes one of a few, as they are written; none of any other."""
    schema = TypeAdapter(kind).json_schema()
    parts = schema.get("anyOf", [schema])
    named = [value for part in parts for value in part.get("enum", [part[k] for k in ("const",) if k in part])]
    booleans = [True, False] if any(part.get("type") == "boolean" for part in parts) else []
    null = [None] if any(part.get("type") == "null" for part in parts) else []
    return [written(value) for value in (*named, *booleans, *null)]


def _in_words(schema: dict[str, Any]) -> str:
    if "anyOf" in schema:
        return " or ".join(map(_in_words, schema["anyOf"]))
    if "enum" in schema or "const" in schema:
        return " | ".join(map(str, schema.get("enum") or [schema["const"]]))
    if schema.get("type") == "boolean":
        return "true | false"
    if schema.get("type") == "array":
        return f"list of {_in_words(schema.get('items', {}))}"
    stated = {bound: value for bound, value in schema.items() if value != MOST}
    bounds = [f"{sign} {stated[bound]}" for bound, sign in BOUNDS.items() if bound in stated]
    return " ".join([TYPES.get(schema.get("type", ""), "anything"), ", ".join(bounds)]).strip()
