"""Configs: found by path or name, bases from packages, options of the command line, errors that name the key.

Source of the config format: mmengine's ``Config``. Three things are added. mmfan's own configs have names, on the
command line and as ``_base_ = 'mmfan::NAME'``. ``_base_ = 'mmseg::...'`` resolves whichever distribution provides mmseg
(mmengine looks for one called mmsegmentation, the maintained one is onedl-mmsegmentation). And misspelt keys, which
mmengine would carry along in silence, are refused. Such addresses of packages are taken on the command line too.
"""

from __future__ import annotations

import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from mmengine.config import Config
from mmengine.config import utils as config_utils
from mmengine.config.lazy import LazyAttr, LazyObject
from mmengine.utils import is_installed as is_distribution_installed

from mmfan.apis.config_options import RUNNER_ARGUMENTS, check_options
from mmfan.environment import EnvironmentMismatchError, check_environment, is_installed
from mmfan.errors import ConfigError
from mmfan.utils.configs import SCOPE, find_config
from mmfan.utils.text import nearest

SUFFIXES = (".py", ".json", ".yaml", ".yml")
# Of the top-level names in the configs of mmseg and mmdet, the one nearest to a Runner argument without extending it
# reaches 0.80 (conv_cfg, env_cfg); one letter lost or swapped in an argument of the Runner gives 0.89 or more.
NEAR_MISS = 0.88


@contextmanager
def package_bases() -> Iterator[None]:
    """Let ``_base_ = 'mmfan::NAME'`` resolve, and ``'mmseg::...'`` where the distribution's name is not known."""
    own = vars(Config)["_get_cfg_path"]

    def find_base(path: str, filename: str) -> tuple[str, str | None]:
        # no scope: the types in mmfan's configs bear theirs
        return (str(find_config(path)), None) if path.startswith(SCOPE) else own.__func__(path, filename)

    Config._get_cfg_path = staticmethod(find_base)
    table = config_utils.MODULE2PACKAGE
    renamed = {
        module: package
        for module, package in table.items()
        if module != package and not is_distribution_installed(package) and is_installed(module)
    }
    table.update({module: module for module in renamed})
    try:
        yield
    finally:
        table.update(renamed)
        Config._get_cfg_path = own


def load_config(path: str | Path, options: Mapping[str, Any] | None = None) -> Config:
    """Read a config file, apply options and check its keys.

    Args:
        path: A ``.py``, ``.json`` or ``.yaml`` config, the name of one of mmfan's, ``mmfan::NAME``, or the address of
            one of a package (``mmseg::segformer/NAME.py``).
        options: Dotted keys and their new values, as ``--cfg-options`` gives them.

    Raises:
        FileNotFoundError: The config, or one of its bases, does not exist.
        EnvironmentMismatchError: A base, or a class that the config imports, belongs to a package that is not
            installed.
        ConfigError: The file has an error (its place is given), a key is misspelt, or an option does not fit.
    """
    source = find_config(path) if _is_own(path) else _of_package(str(path))
    if source.suffix not in SUFFIXES:
        raise ConfigError(f"Expected a config that ends in one of {', '.join(SUFFIXES)}, got {source}.")
    cfg = _read(source)
    check_keys(cfg)
    if options:
        check_options(cfg, options)
        cfg.merge_from_dict(dict(options))
    check_texts(cfg._cfg_dict, str(source))
    return cfg


def _is_own(path: str | Path) -> bool:
    """Not the address of a package's config: a name or path, or mmfan's own."""
    text = str(path)
    return "::" not in text or text.startswith(SCOPE) or Path(text).is_file()


def _of_package(address: str) -> Path:
    try:
        with package_bases():
            return Path(Config._get_cfg_path(address, "")[0])
    except FileNotFoundError as error:
        raise FileNotFoundError(f"The config {address} does not exist: {error}") from error
    except ModuleNotFoundError as error:
        raise _missing_package(address, error) from error
    except (AssertionError, ValueError) as error:  # mmengine's, of a package that it does not know or no address
        raise ConfigError(
            f"Expected the address of a package's config, as in mmseg::segformer/NAME.py, got {address!r:.120}: {error}"
        ) from error


def _read(source: Path) -> Config:
    try:
        with package_bases():
            cfg = Config.fromfile(source)
        _look_at(cfg._cfg_dict)
        return cfg
    except FileNotFoundError as error:
        raise FileNotFoundError(f"{source}: one of its bases cannot be found: {error}") from error
    except ModuleNotFoundError as error:
        raise _missing_package(source, error) from error
    except Exception as error:
        # A config is a program, so anything can be raised while it is read; the cause is kept.
        raise ConfigError(f"{_place(error, source)}: {type(error).__name__}: {error}") from error


def _look_at(value: Any) -> None:
    """Import the classes of a config in pure Python, which mmengine would at the first look at each."""
    for inner in value.values() if isinstance(value, Mapping) else value if isinstance(value, (list, tuple)) else ():
        _look_at(inner)


def _missing_package(source: str | Path, error: ModuleNotFoundError) -> EnvironmentMismatchError:
    """What to raise: mmengine names the distribution, mmfan's own message says how to install it."""
    told = str(error).removeprefix("Failed to import ")
    for module in ("mmseg", "mmdet", "mmpretrain"):
        if told.startswith(module) and not is_installed(module):
            check_environment(module)
    return EnvironmentMismatchError(f"{source}: {error}")


def _place(error: BaseException, source: Path) -> str:
    """Where in a config ``error`` was raised: the last frame of a file that is neither mmengine's nor this one."""
    if isinstance(error, SyntaxError) and error.lineno:
        # The name in a SyntaxError may be that of the temporary copy mmengine makes.
        return f"{source}:{error.lineno}"
    engine = Path(config_utils.__file__).parent
    frames = [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if frame.name == "<module>" and not Path(frame.filename).is_relative_to(engine)
    ]
    return f"{frames[-1].filename}:{frames[-1].lineno}" if frames else str(source)


def nearest_argument(key: str) -> str | None:
    """The argument of mmengine's Runner that ``key`` looks like a misspelling of.

    >>> nearest_argument("train_dataloder"), nearest_argument("modle"), nearest_argument("train_pipeline")
    ('train_dataloader', 'model', None)
    """
    for name in RUNNER_ARGUMENTS:
        # models, val_evaluator_full: variables named after an argument, not misspellings of it.
        if key == name or key.startswith(name):
            return None
    for name in RUNNER_ARGUMENTS:
        if sorted(key) == sorted(name):
            return name
    return nearest(key, RUNNER_ARGUMENTS, NEAR_MISS)


def innermost_datasets(dataset: Any) -> list[Any]:
    """The configs of the datasets inside ConcatDataset, RepeatDataset and their like: where the pipelines are."""
    if "pipeline" in dataset or not ("dataset" in dataset or dataset.get("datasets")):
        return [dataset]
    inner = [dataset["dataset"]] if "dataset" in dataset else dataset["datasets"]
    return [found for one in inner for found in innermost_datasets(one)]


def innermost_dataset(dataset: Any) -> Any:
    """The config of the dataset inside RepeatDataset and its like; where several are joined, what joins them."""
    found = innermost_datasets(dataset)
    return found[0] if len(found) == 1 else dataset


def check_keys(cfg: Config) -> None:
    """Refuse a top-level key that is nearly an argument of the Runner: mmengine would ignore it in silence.

    Raises:
        ConfigError: Names the key and the argument.
    """
    for key, value in dict.items(cfg._cfg_dict):  # as it stands there: ConfigDict's own items are what is imported
        if isinstance(value, (LazyObject, LazyAttr)):
            continue  # of a config in pure Python: a class that it imports, OptimWrapper, is no key
        nearest = nearest_argument(key)
        if nearest is not None:
            raise ConfigError(
                f"{cfg.filename}: unknown key {key!r}; did you mean {nearest!r}? (If it is a variable of your own, "
                "choose a name less like an argument of mmengine's Runner.)"
            )


def check_texts(value: Any, where: str) -> None:
    """Refuse texts that cannot be written to a file, where the log and a copy of the config go.

    Args:
        value: A config, or a part of one.
        where: What it is, for the message; keys are added.

    Raises:
        ConfigError: Names the place.
    """
    if isinstance(value, Mapping):
        for key, item in value.items():
            check_texts(key, f"a key of {where}")
            check_texts(item, f"{where}: {key!s:.80}")
    elif isinstance(value, (list, tuple)):
        for item in value:
            check_texts(item, where)
    elif isinstance(value, str) and any("\ud800" <= letter <= "\udfff" for letter in value):
        raise ConfigError(f"{where}: {value!r:.80} is no text: it holds half of a pair of Unicode.")
