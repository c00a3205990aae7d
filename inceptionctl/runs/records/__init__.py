"""The types of a run folder's files. `schema` is the version of a file's layout: raised when a field is removed or
changes its meaning. Files of another version are refused."""
