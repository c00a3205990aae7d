"""Pages that are made from the code, and the files in the repository that are: `python -m from_code` in docs/."""
