"""Options of analyses: frozen dataclasses whose fields carry help and range, for Python and the command line alike."""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Iterable, Mapping
from dataclasses import Field, dataclass, field, fields
from numbers import Real
from types import NoneType
from typing import Any, NamedTuple, TypeVar, get_args, get_origin, get_type_hints

from mmfan.errors import MMFanError
from mmfan.utils.text import nearest

Kind = TypeVar("Kind", bound="Options")


class AnalysisError(MMFanError):
    """An analysis that the model, the pictures or the options do not allow."""


class OptionError(AnalysisError):
    """A value that an option does not take.

    Attributes:
        option: Name of the option.
        says: What was expected and what was got.
    """

    def __init__(self, option: str, says: str) -> None:
        super().__init__(f"Option `{option}`: {says}.")
        self.option, self.says = option, says


def option(default: Any, sets: str, **rules: Any) -> Any:
    """A field of an options dataclass.

    Args:
        default: Its value if none is given.
        sets: What it sets, in one line: its help.
        **rules: What it takes, each value of a tuple for itself: ``least``, ``most`` (ends of a range), ``above``,
            ``below`` (ends that are not part of it), ``odd``, ``choices``, or for texts ``pattern`` (a regular
            expression) and ``says`` (the pattern in words); ``metavar`` stands for the value on the command line.
    """
    return field(default=default, metadata={"help": sets, **rules})


@dataclass(frozen=True)
class Options:
    """Options of an analysis; this one has none. Values are checked, whoever gives them, and sequences become tuples.

    Raises:
        OptionError: A value has another type than its field, or is out of range.
    """

    def __post_init__(self) -> None:
        for one in fields(self):
            object.__setattr__(self, one.name, _checked(one, form_of(type(self), one.name), getattr(self, one.name)))


class Form(NamedTuple):
    """The type of an option, taken apart.

    Attributes:
        kind: bool, int, float or str.
        length: How many values; 0 for any number from 1 on, None for one that is no tuple.
        optional: Whether None will do.
    """

    kind: type
    length: int | None
    optional: bool


def form_of(options: type[Options], name: str) -> Form:
    """The type of an option: ``int``, ``float | None``, ``tuple[str, ...]``, ``tuple[int, int] | None``, ..."""
    hint = get_type_hints(options)[name]
    optional = NoneType in get_args(hint)
    if optional:
        (hint,) = (one for one in get_args(hint) if one is not NoneType)
    if get_origin(hint) is not tuple:
        return Form(hint, None, optional)
    items = get_args(hint)
    return Form(items[0], 0 if items[-1] is Ellipsis else len(items), optional)


def make_options(options: type[Kind], given: Mapping[str, Any], of: str, also: Iterable[str] = ()) -> Kind:
    """Options by their names.

    Args:
        options: The dataclass.
        given: Values; those that are not given keep their defaults.
        of: Whose options they are, for the message.
        also: Other names that may have been meant.

    Raises:
        AnalysisError: There is no option of a name; the nearest is named.
        OptionError: A value does not suit its option.
    """
    known = [one.name for one in fields(options)]
    for name in given:
        if name not in known:
            near = nearest(name, [*known, *also])
            hint = f"did you mean {near!r}?" if near else f"its options are {', '.join(known) or 'none'}."
            raise AnalysisError(f"{of} has no option {name!r}; {hint}")
    return options(**given)


def _checked(one: Field[Any], form: Form, value: Any) -> Any:
    if value is None and form.optional:
        return None
    if form.length is None:
        return _checked_item(one, form.kind, value)
    several = isinstance(value, Iterable) and not isinstance(value, (str, bytes))
    items = tuple(value) if several else ()
    if not items or (form.length and len(items) != form.length):
        raise OptionError(one.name, f"expected {form.length or 'one or more'} values in a list, got {value!r}")
    return tuple(_checked_item(one, form.kind, item) for item in items)


def _checked_item(one: Field[Any], kind: type, value: Any) -> Any:
    given = str(value) if "pattern" in one.metadata else value  # a head may be given as a number
    converted = _as_kind(kind, given)
    if converted is None or not _in_range(converted, one.metadata):
        raise OptionError(one.name, f"expected {describe(kind, one.metadata)}, got {value!r}")
    return converted


def _as_kind(kind: type, value: Any) -> Any:
    """The value as bool, int, float or str; None where it is nothing of the kind."""
    if kind is bool or isinstance(value, bool):
        return value if kind is bool and isinstance(value, bool) else None
    if kind is str:
        return value if isinstance(value, str) else None
    if kind is float:
        return float(value) if isinstance(value, Real) and math.isfinite(value) else None
    try:
        return operator.index(value)
    except TypeError:
        return None


def _in_range(value: Any, rules: Mapping[str, Any]) -> bool:
    return (
        ("choices" not in rules or value in rules["choices"])
        and ("pattern" not in rules or re.fullmatch(rules["pattern"], value) is not None)
        and ("least" not in rules or value >= rules["least"])
        and ("above" not in rules or value > rules["above"])
        and ("most" not in rules or value <= rules["most"])
        and ("below" not in rules or value < rules["below"])
        and (not rules.get("odd") or value % 2 == 1)
    )


def describe(kind: type, rules: Mapping[str, Any]) -> str:
    """What an option takes, in words.

    >>> describe(int, {"least": 1, "most": 99}), describe(float, {"above": 0})
    ('a whole number from 1 to 99', 'a number above 0')
    """
    if "says" in rules or "choices" in rules:
        return str(rules["says"]) if "says" in rules else f"one of {', '.join(map(str, rules['choices']))}"
    noun = {bool: "True or False", int: "a whole number", float: "a number", str: "a text"}[kind]
    if rules.get("odd"):
        noun = "an odd number"
    if "least" in rules:
        end = f"to {rules['most']}" if "most" in rules else f"to below {rules['below']}" if "below" in rules else "on"
        return f"{noun} from {rules['least']} {end}"
    ends = {"above": "above", "below": "below", "most": "at most"}
    return f"{noun} {' and '.join(f'{says} {rules[end]}' for end, says in ends.items() if end in rules)}".rstrip()
