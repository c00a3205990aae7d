"""Names in a data folder that are not the user's."""

from __future__ import annotations

# What macOS, Windows, Linux and the file servers of Synology and QNAP put into folders, thumbnails among it.
SYSTEM_FOLDERS = frozenset(
    ("__MACOSX", "$RECYCLE.BIN", "System Volume Information", "lost+found", "@eaDir", "#recycle", "#snapshot",
     "@Recycle", "@Recently-Snapshot")
)  # fmt: skip


def is_hidden(name: str) -> bool:
    """Whether an entry of this name is neither a class nor an image, nor leads to any."""
    return bool(hidden_kind(name))


def hidden_kind(name: str) -> str:
    """What messages count such an entry as; "" for any other."""
    if name.startswith("."):
        return "hidden"
    return "folder of the operating system" if name in SYSTEM_FOLDERS else ""
