"""The types of a run folder's files. `schema` is the version of a file's layout: it rises when a field changes its
meaning or goes, and a file of another version is refused with a message."""
