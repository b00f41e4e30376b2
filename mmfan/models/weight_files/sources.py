"""Sources of weights, a file, a URL, or a name in mmengine's tables, each as a file on this machine.

Downloads go to torch's cache. A name that carries a hash, as torch's convention has it (``NAME-0123abcd.pth``), is one
file for everybody and lies where torch and mmengine look for it; any other lies in a folder of its URL, so that two
files of one name are not taken for each other. What has come is checked (length, hash, form) before it gets its name.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Callable, Mapping
from http.client import HTTPException
from pathlib import Path
from typing import BinaryIO
from urllib.parse import unquote, urlparse
from urllib.request import Request, urlopen

import mmengine
import torch
from mmengine.dist import barrier
from mmengine.runner import checkpoint as tables

from mmfan.models.weight_files.containers import sniff
from mmfan.models.weight_files.errors import CheckpointError
from mmfan.utils.files import whole_file
from mmfan.utils.progress import ProgressLine
from mmfan.version import __version__

HASH = re.compile(r"-([a-f0-9]{8,64})\.")
DATE = re.compile(r"(?:19|20)\d{6}")  # eight digits that are no hash
TIMEOUT = 60.0  # seconds without a byte
CHUNK = 1 << 20
BY_HAND = (
    "Download it by hand and give its path as `checkpoint` (--cfg-options model.backbone.init_cfg.checkpoint=FILE)."
)


def is_remote(source: str | Path) -> bool:
    """Whether ``source`` is fetched (``https://...``, ``open-mmlab://...``) rather than opened."""
    return "://" in str(source)


def local_file(source: str | Path) -> Path:
    """The file that a source stands for; downloaded if need be, by one process of a machine while the others wait.

    Args:
        source: A path, an http(s) URL, or a name with one of mmengine's prefixes (``torchvision://``,
            ``open-mmlab://``, ``mmcls://``).

    Returns:
        A path; for a local one nothing is checked.

    Raises:
        CheckpointError: There is no such name, the prefix is not known, or the download failed.
    """
    if not is_remote(source):
        return Path(source).expanduser()
    address = address_of(str(source))
    if not address.startswith(("http://", "https://")):
        return Path(address)
    path = cached_path(address)
    try:
        if os.environ.get("LOCAL_RANK", "0") == "0" and not path.is_file():
            download(address, path)
    except CheckpointError as error:
        namesake = Path(torch.hub.get_dir()) / "checkpoints" / path.name
        if namesake == path or not namesake.is_file():
            raise
        raise CheckpointError(
            f"{error} A file of that name is {namesake}; if it is this one, give its path."
        ) from error
    finally:
        barrier()
    if not path.is_file():
        raise CheckpointError(f"Could not download {address}: the process that fetches it for this machine failed.")
    return path


def address_of(source: str) -> str:
    """The http(s) URL behind a name with a prefix of mmengine's, or the path of a file in mmengine's home.

    Raises:
        CheckpointError: The prefix or the name is not known.
    """
    prefix, _, name = source.partition("://")
    if prefix in ("http", "https"):
        return source
    if prefix not in TABLES:
        raise CheckpointError(
            f"Weights are not read from {source}: {prefix}:// is none of http://, https://, "
            f"{', '.join(f'{known}://' for known in TABLES)}. Download the file and give its path."
        )
    table = TABLES[prefix]()
    name = tables.get_deprecated_model_names().get(name, name) if "mmlab" in prefix else name
    if name not in table:
        raise CheckpointError(f"There is no {name!r} among mmengine's weights for {prefix}://.")
    address = table[name]
    return address if is_remote(address) else str(mmengine_home() / address)


def mmengine_home() -> Path:
    """Where mmengine keeps a user's own table of weights."""
    cache = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(os.environ.get("MMENGINE_HOME") or f"{cache}/mmengine").expanduser()


def _torchvision() -> Mapping[str, str]:
    """The names that mmengine ships; those of an installed torchvision where that can be imported."""
    shipped: dict[str, str] = dict(mmengine.load(Path(mmengine.__file__).parent / "hub" / "torchvision_0.12.json"))
    try:
        return {**shipped, **tables.get_torchvision_models()}
    except (ImportError, RuntimeError):  # not there, or made for another torch
        return shipped


TABLES: dict[str, Callable[[], Mapping[str, str]]] = {
    "torchvision": _torchvision,
    "modelzoo": _torchvision,
    "open-mmlab": tables.get_external_models,
    "openmmlab": tables.get_external_models,
    "mmcls": tables.get_mmcls_models,
}


def hash_of(name: str) -> str | None:
    """The first digits of the SHA-256 that a file's name carries, if it does.

    >>> hash_of("resnet50-19c8e357.pth"), hash_of("fan_hybrid_tiny.pth.tar"), hash_of("mit_b0-20220624.pth")
    ('19c8e357', None, None)
    """
    found = HASH.search(name)
    return None if found is None or DATE.fullmatch(found[1]) else found[1]


def cached_path(url: str) -> Path:
    """Where the download of a URL lies."""
    name = Path(unquote(urlparse(url).path)).name or "weights"
    folder = Path(torch.hub.get_dir()) / "checkpoints"
    if hash_of(name) is None:
        folder /= hashlib.sha256(url.encode()).hexdigest()[:12]
    return folder / name


def download(url: str, path: Path) -> None:
    """Fetch a URL to a file, which is whole or not there.

    Raises:
        CheckpointError: It cannot be fetched, is shorter than announced, has another hash than its name, or is no
            weight file.
    """
    try:
        with whole_file(path) as part, part.open("w+b") as file:
            problem = _fetch(url, file, path.name) or _content_problem(file)
            if problem is not None:
                raise CheckpointError(f"Could not download {url}: what came {problem}. {BY_HAND}")
    except CheckpointError:
        raise
    except (OSError, HTTPException, ValueError) as error:
        raise CheckpointError(f"Could not download {url}: {error}. {BY_HAND}") from error


def _fetch(url: str, file: BinaryIO, name: str) -> str | None:
    """Write what a URL gives to a file; returns what is wrong with its length or hash."""
    request = Request(url, headers={"User-Agent": f"mmfan/{__version__}"})
    with urlopen(request, timeout=TIMEOUT) as answer:
        announced = answer.headers.get("Content-Length")
        total = int(announced) if announced else None
        progress = ProgressLine(f"{name} (MB)")
        digest, done = hashlib.sha256(), 0
        while part := answer.read(CHUNK):
            file.write(part)
            digest.update(part)
            done += len(part)
            if total:
                progress(done // CHUNK, -(-total // CHUNK))
    if total is not None and done != total:
        return f"ended after {done} of {total} bytes"
    expected = hash_of(name)
    if expected is not None and not digest.hexdigest().startswith(expected):
        return f"has the SHA-256 {digest.hexdigest()}, not the {expected}... of its name"
    return None


def _content_problem(file: BinaryIO) -> str | None:
    file.seek(0)
    return sniff(file.read(512))
