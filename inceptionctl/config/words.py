"""Reads one word of what was typed after a command, `key=value`, by Hydra's grammar.

A setting that is a path takes its value as it is typed: `data.root=a,b [1]`. What stands in quotes as a whole is what
the quotes hold, and `null` is null. An error names the word that is wrong, no other, and says how to write it.
"""

from __future__ import annotations

import re
import shlex
from functools import lru_cache
from typing import Any

from antlr4 import CommonTokenStream, InputStream
from antlr4.error.Errors import LexerNoViableAltException, RecognitionException
from hydra.core.override_parser.overrides_parser import create_functions
from hydra.core.override_parser.overrides_visitor import HydraErrorListener, HydraOverrideVisitor
from hydra.core.override_parser.types import ChoiceSweep, Override, OverrideType, Quote, QuotedString
from hydra.errors import HydraException
from hydra.grammar.gen.OverrideLexer import OverrideLexer
from hydra.grammar.gen.OverrideParser import OverrideParser

from inceptionctl.config.keys import all_settings, path_keys, path_lists
from inceptionctl.config.values import values_of
from inceptionctl.errors import RequestError, shortened
from inceptionctl.settings import absolute

LONGEST = 10_000  # characters of a word
SIGNS = "+~"
DASHES = "\N{HYPHEN}\N{NON-BREAKING HYPHEN}\N{FIGURE DASH}\N{EN DASH}\N{EM DASH}\N{HORIZONTAL BAR}\N{MINUS SIGN}"
QUOTES = "'\""
KEY = re.compile(r"[\w$/.@:-]+", re.ASCII)
OUR_FUNCTIONS = ("choice", "range", "glob", "sort", "shuffle", "int", "float", "str", "bool")
SETTINGS_OF_ABLATE = ("seeds", "table.name")
# What may stand in ${...}; of Hydra's own settings, the time too.
INTERPOLATED, OF_HYDRA = re.compile(r"\$\{(\w+(?:\.\w+)*)\}"), re.compile(r"\$\{(?:now:[%\w-]+|hydra[.:][\w.]+)\}")


@lru_cache(maxsize=4096)
def read(word: str) -> Override:
    """Its `input_line` is the word in a form that Hydra can parse. Raises RequestError."""
    _check_form(word)
    sign, key, value = split(word)
    if key in path_keys() and "=" in word and not (key in path_lists() and _is_list(value)):
        return _path_override(sign, key, value)
    if not KEY.fullmatch(key):
        raise RequestError(f"{word}: {key!r} is no setting: settings are written key=value, as in train.epochs=3")
    _check_interpolations(word, key)
    return _parsed(word, word)


def split(word: str) -> tuple[str, str, str]:
    """(sign, key, value) of `++key=value`; without a `=`, the value is empty."""
    name, _, value = word.partition("=")
    key = name.lstrip(SIGNS)
    return name[: len(name) - len(key)], key, value


def quoted(value: str) -> str:
    """A text as a value that Hydra's grammar reads back unchanged."""
    return QuotedString(value, Quote.double).with_quotes()


def quoted_word(word: str) -> str:
    """A word with its value in quotes, as a shell takes it."""
    sign, key, value = split(word)
    return shlex.quote(f"{sign}{key}={quoted(value)}")


def for_hydra(override: Override) -> str:
    """The word that has Hydra compose the value of `override`: in a path, `${` is no interpolation."""
    line = override.input_line or ""
    if override.key_or_group not in path_keys() or "${" not in line:
        return line
    value = override.value()
    assert isinstance(value, str)  # a sweep has been taken apart
    return f"{override.get_key_element()}={hydra_text(value)}"


def hydra_text(text: str) -> str:
    """`text` as a value that Hydra and OmegaConf read back unchanged: to the latter, `\\${` is no interpolation."""
    return quoted(re.sub(r"(\\*)\$\{", r"\1\1\\${", text))


def as_typed(override: Override) -> str:
    """The word of `override` for messages: a path without the quotes that Hydra needs."""
    if override.key_or_group in path_keys() and isinstance(value := override.value(), str):
        return f"{override.get_key_element()}={value}"
    return override.input_line or ""


def typed_path(name: str, value: str) -> str:
    """A path that was typed outside the settings, in full. Raises RequestError for what no file can be called."""
    try:
        return absolute(value)
    except ValueError as error:
        raise RequestError(f"{name} {shortened(value)}: {error}") from error


def _path_override(sign: str, key: str, value: str) -> Override:
    word = f"{sign}{key}={value}"
    if not value:
        raise RequestError(f"{word} has no value: a path stands behind the =, or null")
    if value == "null":
        return _parsed(word, word)
    if value[0] in QUOTES and value[-1] == value[0]:
        try:
            override = _parsed(word, word)
        except RequestError:
            pass  # quotes that are part of the path
        else:
            if _is_quoted(override._value):
                return override
    return _parsed(f"{sign}{key}={quoted(value)}", word)


def _is_list(value: str) -> bool:
    return value.startswith("[") and value.endswith("]")


def _is_quoted(value: Any) -> bool:  # noqa: ANN401  whatever Hydra's grammar has
    """A text in quotes, or several with commas between: a sweep."""
    if isinstance(value, ChoiceSweep):
        return value.simple_form and all(map(_is_quoted, value.list))
    return isinstance(value, QuotedString)


def _keys() -> set[str]:
    return {setting.key for setting in all_settings()}


def _check_form(word: str) -> None:
    sign, key, value = split(word)
    if not word:
        raise RequestError("an empty word stands among the settings: leave it out, or check the quotes around it")
    if len(word) > LONGEST:
        raise RequestError(f"{shortened(word)} has {len(word):,} characters: a word has at most {LONGEST:,}")
    if word[0] in DASHES:
        raise RequestError(f"{word} begins with {word[0]!r}, a long dash, where a flag has two hyphens: --dry-run")
    if "=" not in word and sign != "~":
        hint = f"write {word}=VALUE" if key in _keys() else "settings are written key=value"
        raise RequestError(f"{word} has no value: {hint}")
    if not key.strip():
        raise RequestError(f"{word} has no setting before the =: settings are written key=value")
    if key != key.strip():
        raise RequestError(f"{word!r} has a blank beside the =: write {key.strip()}={value.strip()}")
    if sign not in ("", "+", "++", "~"):
        raise RequestError(f"{word} begins with {sign}: write {key}={value}")


def _check_interpolations(word: str, key: str) -> None:
    """`${seed}` is the value of another setting. Anything else of OmegaConf's could read the environment, which a run
    folder must not hold, or would depend on where it is used."""
    hydras = key.startswith(("hydra.", "hydra/"))
    for at in re.finditer(r"\$\{", word):
        found = INTERPOLATED.match(word, at.start())
        if found and found[1] in {*_keys(), *SETTINGS_OF_ABLATE} and found[1] != key:
            continue
        if hydras and OF_HYDRA.match(word, at.start()):
            continue
        shown = word[at.start() : word.find("}", at.start()) + 1 or None]
        raise RequestError(
            f"{word}: {shown} is not the value of another setting, such as ${{seed}}: write the value itself"
        )


def _parsed(line: str, word: str) -> Override:
    """The override of `line`, in which `word` may have got quotes."""
    try:
        override = _visited(line)
    except (HydraException, ValueError, TypeError, RecursionError, OverflowError, AssertionError) as error:
        raise RequestError(f"cannot read {shortened(word)}: {_reason(error)}\n  {_remedy(word)}") from error
    override.input_line = line
    is_setting = any(s.key == override.key_or_group and not s.is_section for s in all_settings())
    if is_setting and line.endswith("=") and override.type is not OverrideType.DEL:
        raise RequestError(f"{word} has no value: settings are written key=value, and null is none")
    return override


def _visited(line: str) -> Override:
    """As Hydra does, but with our visitor."""
    listener = HydraErrorListener()
    lexer = OverrideLexer(InputStream(line))
    lexer.removeErrorListeners()
    lexer.addErrorListener(listener)
    parser = OverrideParser(CommonTokenStream(lexer))
    parser.removeErrorListeners()
    parser.addErrorListener(listener)
    override = _Visitor(create_functions()).visit(parser.override())  # type: ignore[no-untyped-call]
    assert isinstance(override, Override)
    return override


class _Visitor(HydraOverrideVisitor):
    def visitDictContainer(self, ctx: Any) -> dict[Any, Any]:  # noqa: ANN401  as Hydra's
        pairs = [self.visitDictKeyValuePair(ctx.getChild(i)) for i in range(1, ctx.getChildCount() - 1, 2)]
        keys = [str(key) for key, _ in pairs]
        if twice := [key for key in keys if keys.count(key) > 1]:
            raise HydraException(f"{twice[0]} stands in it twice")
        return dict(pairs)

    def visitFunction(self, ctx: Any) -> Any:  # noqa: ANN401  as Hydra's
        name = ctx.getChild(0).getText()
        if name not in OUR_FUNCTIONS:
            raise HydraException(f"there is no {name}() here: {', '.join(OUR_FUNCTIONS)}")
        return super().visitFunction(ctx)


def _reason(error: BaseException) -> str:
    """What Hydra's parser says, without its tokens."""
    cause = error.__cause__
    if isinstance(cause, LexerNoViableAltException):
        return f"{cause.input.strdata[cause.startIndex :][:1]!r} means something else here"
    if isinstance(cause, RecognitionException) or "expecting" in str(error) or "input" in str(error):
        token = re.search(r"input '(.*?)'(?: expecting|$)", str(error), re.DOTALL)
        found = token[1] if token else ""
        return "it ends too early" if found.endswith("<EOF>") or not found else f"{shortened(found)!r} is not expected"
    if isinstance(error, RecursionError):
        return "it is nested too deeply"
    if "integer string conversion" in str(error):
        return "a number has at most 4,300 digits"
    return " ".join(str(error).removeprefix("Error").split()) or type(error).__name__


def _remedy(word: str) -> str:
    key = split(word)[1]
    kinds = {values_of(setting.kind) for setting in all_settings() if setting.key == key and not setting.is_section}
    if kinds and not any("text" in kind for kind in kinds):
        return f"{key} takes {' or '.join(sorted(kinds))}"
    return f"a text with such characters stands in quotes: {quoted_word(word)}"
