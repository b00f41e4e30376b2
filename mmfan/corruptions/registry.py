"""Registry of corruptions: the built-in ones, and those that users add."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module

import numpy as np
from numpy.typing import NDArray

from mmfan.corruptions.names import (
    BUILT_IN,
    CBAR,
    CBAR_STRENGTHS,
    GROUPS,
    IMAGENET_C,
    IMAGENET_C_PARAMETERS,
    PARAMETERS,
    SEVERITIES,
)
from mmfan.errors import MMFanError, WrongTypeError
from mmfan.utils.text import did_you_mean

Picture = NDArray[np.uint8]
# (picture, severity, seed) -> picture of the same shape
CorruptionFunction = Callable[[Picture, int, int], Picture]

# Changes whenever the bytes of any built-in corruption change, so that two makings of a set are never mixed.
ENGINE_VERSION = "1"


class UnknownCorruptionError(KeyError, ValueError):
    """A corruption was asked for that nobody has registered."""

    def __str__(self) -> str:
        return str(self.args[0])  # KeyError would show the message in quotes


@dataclass(frozen=True)
class Corruption:
    """One corruption.

    Attributes:
        name: What it is asked for by.
        function: Takes a picture (H, W, 3) or (H, W), its severity and a seed below 2**64; returns a new one.
        severities: The severities it has, rising.
        group: Its group, for averages.
        version: Changes when its output does.
        parameters: What manifests say about each severity.
    """

    name: str
    function: CorruptionFunction
    severities: tuple[int, ...] = SEVERITIES
    group: str = "custom"
    version: str = ENGINE_VERSION
    parameters: tuple[object, ...] = ()


# where the function of the same name is; loaded when first asked for, so that the names alone cost nothing
_ROOMS = {
    "noise": ("gaussian_noise", "shot_noise", "impulse_noise", "speckle_noise"),
    "blur": ("motion_blur", "gaussian_blur"),
    "defocus": ("defocus_blur",),
    "glass": ("glass_blur",),
    "zoom": ("zoom_blur",),
    "snow": ("snow",),
    "frost": ("frost",),
    "fog": ("fog",),
    "spatter": ("spatter",),
    "colour": ("brightness", "contrast", "saturate"),
    "elastic": ("elastic_transform", "elastic_transform_imagenet_c"),
    "coding": ("pixelate", "jpeg_compression"),
    "spectra": ("blue_noise_sample", "brownish_noise"),
    "caustics": ("caustic_refraction",),
    "checkerboard": ("checkerboard_cutout",),
    "waves": ("cocentric_sine_waves", "single_frequency_greyscale"),
    "sparkling": ("sparkles", "inverse_sparkles"),
    "perlin": ("perlin_noise",),
    "plasma": ("plasma_noise",),
}
_ROOM_OF = {name: room for room, names in _ROOMS.items() for name in names}
_GROUP_OF = {name: group for group, names in GROUPS.items() for name in names} | dict.fromkeys(CBAR, "cbar")
_GROUP_OF |= dict.fromkeys(IMAGENET_C, "digital")
_NUMBERS_OF = PARAMETERS | CBAR_STRENGTHS | IMAGENET_C_PARAMETERS
_loaded: dict[str, Corruption] = {}
_added: dict[str, Corruption] = {}


def corruption_names() -> tuple[str, ...]:
    """The names of all corruptions: the built-in ones in the order of the benchmarks, then the added ones."""
    return BUILT_IN + tuple(_added)


def get_corruption(name: str) -> Corruption:
    """Look up a corruption.

    Args:
        name: Its name.

    Raises:
        UnknownCorruptionError: There is none of that name; the message suggests the nearest.
    """
    if name in _added:
        return _added[name]
    if name not in _ROOM_OF:
        raise UnknownCorruptionError(_unknown(name))
    if name not in _loaded:
        function = getattr(import_module(f"mmfan.corruptions.{_ROOM_OF[name]}"), name)
        _loaded[name] = Corruption(name, function, group=_GROUP_OF[name], parameters=_NUMBERS_OF[name])
    return _loaded[name]


def _unknown(name: object) -> str:
    names = corruption_names()
    return (
        f"There is no corruption {name!r}.{did_you_mean(name, names)} There are {', '.join(names)}; "
        "mmfan.corruptions.register_corruption adds others."
    )


def register_corruption(
    name: str,
    function: CorruptionFunction,
    *,
    severities: tuple[int, ...] = SEVERITIES,
    group: str = "custom",
    version: str = "1",
) -> None:
    """Add a corruption; it can then be used wherever a built-in one can.

    Worker processes that are not forked have to run the registration too: put it in a module, and name that module in
    ``custom_imports`` of a config or in ``--import`` of a tool.

    Args:
        name: A new name of letters, digits and underscores; it becomes a folder of the sets made with it.
        function: Takes an RGB picture (H, W, 3) or a grey one (H, W) of uint8, the severity and a seed, a number from
            0 to 2**64 - 1; returns a picture of the same shape and type. All that is random in it must come from the
            seed.
        severities: The severities it has.
        group: The group it is averaged in.
        version: To be changed when the output changes: sets of different versions are not mixed.

    Raises:
        MMFanError: The name is taken or cannot be a folder, or the severities are no rising numbers from 1 on.
        TypeError: The function cannot be called.
    """
    if not (isinstance(name, str) and name.isidentifier() and name.isascii()):
        raise MMFanError(f"Expected a name of letters, digits and underscores for the corruption, got {name!r}.")
    if name == "clean" or name in _ROOM_OF or (name in _added and _added[name].function is not function):
        raise MMFanError(f"The name {name!r} is taken; register the corruption under another one.")
    levels = tuple(severities)
    if not levels or list(levels) != sorted({level for level in levels if type(level) is int and level >= 1}):
        raise MMFanError(f"Expected rising whole numbers from 1 on as severities of {name!r}, got {severities!r}.")
    if not callable(function):
        raise WrongTypeError(f"Expected a function (image, severity, seed) for {name!r}, got {function!r}.")
    _added[name] = Corruption(name, function, levels, group, version)


def unregister_corruption(name: str) -> None:
    """Take back what :func:`register_corruption` added.

    Raises:
        UnknownCorruptionError: Nobody has added it; built-in corruptions stay.
    """
    if name not in _added:
        raise UnknownCorruptionError(f"No corruption {name!r} has been added; added are {sorted(_added)}.")
    del _added[name]
