"""Checks what a person wrote in a YAML file against a section, and says what is wrong with which value."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, is_dataclass
from typing import Any, TypeVar, get_args, get_type_hints

from pydantic import TypeAdapter, ValidationError

from inceptionctl.errors import RequestError, shortened, unknown

T = TypeVar("T")
Key = str | int
MAX_LABEL = 100


class Misfit(Exception):
    """What is wrong with the value under `keys`, such as ("rows", 2, "label")."""

    def __init__(self, keys: Sequence[Key], problem: str | RequestError) -> None:
        super().__init__(str(problem))
        self.keys, self.problem = tuple(keys), str(problem)


def checked(schema: type[T], document: object) -> T:
    """`document`, as a YAML file has it, as a section. Raises Misfit for the first thing that is wrong."""
    try:
        return TypeAdapter(schema).validate_python(document)
    except ValidationError as error:
        found = error.errors(include_url=False)
        first = next((one for one in found if one["type"] == "unexpected_keyword_argument"), found[0])  # a key misspelt
        keys = tuple(key for key in first["loc"] if not str(key).startswith(("function-", "nullable")))
        raise Misfit(keys, _problem(first, keys, schema)) from error


def path(keys: Sequence[Key]) -> str:
    """`rows[2].label`, as people write it."""
    return "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in keys).removeprefix(".")


def text_problem(text: str, most: int = MAX_LABEL) -> str:
    """What keeps `text` from being a label, which stands in a line of a table, or a text of `most` characters; "" if
    nothing does."""
    if not text.strip():
        return "it is empty"
    if not text.isprintable():
        return "it has line breaks or control characters"
    if len(text) > most:
        return f"it has {len(text)} characters, and there is room for {most}"
    return "" if text == text.strip() else "it begins or ends with a blank"


def literal(value: object) -> str:
    """A value that is no text as YAML has it: `true`, `null`."""
    return {"True": "true", "False": "false", "None": "null"}.get(text := str(value), text)


def shown(value: object) -> str:
    """A value in a message, cut to a bearable length."""
    return shortened(repr(value) if isinstance(value, str) else literal(value), 60)


def reason(found: Any) -> str:  # noqa: ANN401  pydantic's dictionary
    """What pydantic says of a value, as the end of a sentence about it."""
    said = str(found["msg"]).replace("Input", "it").removeprefix("Value error, ")
    return f"{said[:1].lower()}{said[1:]}"


def _problem(found: Any, keys: Sequence[Key], schema: type) -> str:  # noqa: ANN401  pydantic's dictionary
    where = path(keys)
    match found["type"]:
        case "unexpected_keyword_argument":
            choices = [field.name for field in fields(_section_at(schema, keys[:-1]))]
            return str(unknown("key", str(keys[-1]), choices, where))
        case "missing":
            return f"{path(keys[:-1]) or 'the file'} has no {keys[-1]!r}"
        case "literal_error":
            choices = str(found["ctx"]["expected"]).replace("'", "").replace(" or ", ", ").split(", ")
            return str(unknown(where, shown(found["input"]).strip("'"), choices))
        case "string_type" if isinstance(found["input"], int | float):
            return f"{where} = {shown(found['input'])} is no text: put it in quotes"
        case "string_type":
            return f"{where} = {shown(found['input'])} is no text"
        case "list_type":
            return f"{where} = {shown(found['input'])} is no list: write [...]"
        case "dataclass_type" | "dataclass_exact_type" | "dict_type":
            return f"{where or 'the file'} = {shown(found['input'])} is no mapping of keys to values"
    return f"{where} = {shown(found['input'])} is not allowed: {reason(found)}"


def _section_at(schema: Any, keys: Sequence[Key]) -> Any:  # noqa: ANN401  a type expression
    """The section that the value under `keys` has to be."""
    for key in keys:
        schema = (
            get_args(schema)[-1] if isinstance(key, int) or not is_dataclass(schema) else get_type_hints(schema)[key]
        )
    return schema if is_dataclass(schema) else next(part for part in get_args(schema) if is_dataclass(part))
