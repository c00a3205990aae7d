"""Files that a page holds itself, as URIs: what a reader can save without a network."""

from __future__ import annotations

import base64
import csv
import io
from collections.abc import Iterable, Sequence


def uri(kind: str, text: str) -> str:
    """`kind`: the MIME type."""
    return f"data:{kind};base64,{base64.b64encode(text.encode()).decode()}"


def csv_uri(lines: Iterable[Sequence[object]]) -> str:
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows(lines)
    return uri("text/csv", out.getvalue())
