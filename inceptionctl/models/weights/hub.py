"""Weights on the Hugging Face hub, in its own cache: timm's releases are where timm itself keeps them. No torch."""

from __future__ import annotations

import re
import socket
from pathlib import Path
from urllib.parse import urlsplit

from inceptionctl.errors import InceptionctlError, unknown
from inceptionctl.models.weights.download import WRONG_CHECKSUM, digest

FILE = "model.safetensors"


def address(repo: str) -> str:
    from huggingface_hub import constants

    return f"{constants.ENDPOINT}/{repo}/resolve/main/{FILE}"


def cached(repo: str) -> Path | None:
    from huggingface_hub import try_to_load_from_cache

    path = try_to_load_from_cache(repo, FILE)
    return Path(path) if isinstance(path, str) else None


def fetch(repo: str) -> Path:
    """The file in the cache, downloaded if it is not there and then checked.

    Raises RequestError for a repository that does not exist, InceptionctlError for a failed download.
    """
    from huggingface_hub import hf_hub_download
    from huggingface_hub.errors import RepositoryNotFoundError

    try:
        _check_network()
        path = Path(hf_hub_download(repo, FILE))
    except RepositoryNotFoundError as error:
        raise _unknown(repo) from error
    except Exception as error:  # of the hub, of its HTTP client or of the system
        raise InceptionctlError(_by_hand(repo, error)) from error
    _check(path, repo)
    return path


def _check_network() -> None:
    """Raises OSError where the hub's name cannot be looked up: its own client would try for half a minute."""
    from urllib.request import getproxies

    from huggingface_hub import constants

    if not getproxies():
        socket.getaddrinfo(urlsplit(constants.ENDPOINT).hostname, None)


def _check(path: Path, repo: str) -> None:
    """Removes a file whose digest is not the one that names it in the cache, and raises InceptionctlError."""
    blob = path.resolve()
    if re.fullmatch(r"[0-9a-f]{64}", blob.name) and (found := digest(blob)) != blob.name:
        blob.unlink()
        path.unlink(missing_ok=True)
        raise InceptionctlError(WRONG_CHECKSUM.format(url=address(repo), found=found, expected=blob.name))


def _unknown(repo: str) -> InceptionctlError:
    """Lists timm's tags. Imports timm, and torch."""
    import timm

    model, _, tag = repo.removeprefix("timm/").partition(".")
    tags = [name.partition(".")[2] for name in timm.list_pretrained(f"{model}.*")]
    return unknown(f"timm weights of {model}", tag, tags)


def _by_hand(repo: str, error: Exception) -> str:
    from huggingface_hub import constants

    reason = (str(error) or type(error).__name__).splitlines()[0]
    return (
        f"cannot download {address(repo)}: {reason}\n"
        f"  without a network here, run `hf download {repo} {FILE}` on another machine and copy the folder\n"
        f"  models--{repo.replace('/', '--')} from its cache to {constants.HF_HUB_CACHE}"
    )
