"""Options of the command line for a config (``--cfg-options``): each must set something that is read.

mmengine sets any key, and what nobody reads is carried along in silence. Here a key that the config does not have must
be one that what stands there takes: the class of its ``type`` by its signature, a dataloader, a loop, mmengine's own
settings. Dicts of other kinds may get new keys, unless those look like misspellings of what is there.
"""

from __future__ import annotations

import copy
import warnings
from collections.abc import Iterator, Mapping
from typing import Any

from mmengine.config import Config

from mmfan.apis.accepted_keys import READ_FROM_CONFIGS, RUNNER_ARGUMENTS, Accepted, accepted_keys
from mmfan.errors import ConfigError
from mmfan.utils.text import nearest, shortlist

# Least similarity of a misspelling: one letter of four swapped or doubled gives 0.75 and more.
NEAR = 0.75


def check_options(cfg: Config, options: Mapping[str, Any]) -> None:
    """Refuse options that would change nothing or that lead through a value which has no keys.

    Args:
        cfg: The config they are for.
        options: Dotted keys and values; a dict as a value is merged, and looked at key by key.

    Warns:
        UserWarning: An option sets a variable of the config, which has done its work when the config was read, or adds
            a key of which nothing says whether it is read.

    Raises:
        ConfigError: Names the option, what is there, and the cure.
    """
    flat = dict(_flat(options))
    types = {key: value for key, value in flat.items() if key.endswith(".type")}
    _check(cfg, types)
    if types:  # the other options are for what stands there then
        cfg = copy.deepcopy(cfg)
        cfg.merge_from_dict(types)
    _check(cfg, {key: value for key, value in flat.items() if key not in types})


def _check(cfg: Config, options: Mapping[str, Any]) -> None:
    for key, value in options.items():
        first, *rest = key.split(".")
        if first not in cfg and first not in RUNNER_ARGUMENTS and first not in READ_FROM_CONFIGS:
            names = sorted({*cfg.keys(), *RUNNER_ARGUMENTS})
            near = nearest(first, names, 0.6)
            hint = f"did you mean {near!r}?" if near else f"known are {', '.join(names)}."
            raise ConfigError(f"--cfg-options {key}: the config has no key {first!r} and the Runner takes none; {hint}")
        if first not in RUNNER_ARGUMENTS and first not in READ_FROM_CONFIGS:
            _warn_of_variable(cfg, key, first)
        if rest:
            _check_path(key, value, cfg.get(first, {}), first, rest, cfg.get("default_scope"))


def _flat(options: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in options.items():
        if isinstance(value, Mapping) and value and "_delete_" not in value and "type" not in value:
            yield from _flat(value, f"{before}{key}.")
        else:
            yield f"{before}{key}", value


def _warn_of_variable(cfg: Config, key: str, name: str) -> None:
    places = [place for part in RUNNER_ARGUMENTS if part in cfg for place in _places_of(name, cfg[part], part)]
    cure = f"set {shortlist(places, 2)}" if places else "set the keys that were made of it"
    warnings.warn(
        f"--cfg-options {key}: {name} is a variable of the config, used up when it was read: this changes nothing, "
        f"unless code of your own reads it from the config; {cure}.",
        stacklevel=5,
    )


def _places_of(name: str, value: Any, walked: str) -> Iterator[str]:
    """The dotted keys within a part of a config whose last word is a name."""
    items = value.items() if isinstance(value, Mapping) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        if key == name:
            yield f"{walked}.{key}"
        else:
            yield from _places_of(name, item, f"{walked}.{key}")


def _check_path(key: str, value: Any, current: Any, walked: str, rest: list[str], scope: str | None) -> None:
    """Follow a dotted key into a config value as far as it exists; the first key that is new must be taken there."""
    for place, part in enumerate(rest):
        if isinstance(current, list):
            if not part.isdigit() or int(part) >= len(current):
                raise ConfigError(
                    f"--cfg-options {key}: {walked} is a list of {len(current)}; expected an index below that "
                    f"after it, got {part!r}."
                )
            if place == len(rest) - 1 and not isinstance(value, dict):
                raise ConfigError(
                    f"--cfg-options {key}: an entry of a list cannot be replaced alone; give the whole list, "
                    f"'{walked}=[...]'."
                )
            current = current[int(part)]
        elif isinstance(current, dict):
            if part not in current:
                _check_new_key(key, part, walked, accepted_keys(current, walked, scope))
                return
            current = current[part]
        else:
            raise ConfigError(
                f"--cfg-options {key}: {walked} is {current!r}, which has no keys to set; replace it whole with "
                f"{walked}=..."
            )
        walked += f".{part}"


def _check_new_key(key: str, part: str, walked: str, accepted: Accepted) -> None:
    if part in accepted.names or part.startswith("_") or part == "type":
        return
    near = nearest(part, accepted.names, NEAR)
    if near is None and accepted.others:
        warnings.warn(
            f"--cfg-options {key}: {walked} has no {part!r} so far, and nothing says whether it is read there.",
            stacklevel=6,
        )
        return
    near = near or nearest(part, accepted.names, 0.6)
    hint = f"did you mean {near!r}?" if near else f"it takes {', '.join(sorted(accepted.names)) or 'none'}."
    raise ConfigError(f"--cfg-options {key}: {accepted.owner or walked} takes no {part!r}; {hint}")
