"""Writes the files of the repository that are made from the code."""

from __future__ import annotations

from from_code.files import all_files

for path, text in all_files().items():
    path.write_text(text)
