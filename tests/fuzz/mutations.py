"""Changes of valid files that keep most of them as they were: of bytes, and of JSON by its structure."""

import copy
import json
import random
import struct

NUMBERS = (0, -1, 1, 2, 3, 255, 256, 2**31 - 1, 2**31, -(2**31), 2**32, 2**53 + 1, 2**63 - 1, 2**63, -(2**63), 10**30)
FLOATS = (0.0, -0.0, 0.5, -0.5, 1.5, 1e-320, 1e300, -1e308, float("nan"), float("inf"), -float("inf"))
TEXTS = (
    *("", " ", "0", "-1", "nan", "1e999", "clean", "fog", "..", "../..", "/", "a/b", "\0", "a\nb", "\r", "\u2028", "é"),
    *(
        "\ud800",
        "=1+1",
        "<script>",
        "$x",
        "%s",
        "{}",
        "None",
        "true",
        "x" * 300,
        "\U0001f600",
        "*",
        "[",
        "a|b",
        "`",
        "~",
    ),
)


def mutate_bytes(rng: random.Random, content: bytes, others: tuple[bytes, ...] = (), head: int = 0) -> bytes:
    """Change a file in one to some twenty places.

    Args:
        rng: Decides.
        content: The file.
        others: Files to take pieces of.
        head: So many bytes at the begin are changed as often as all the rest; 0 for the same odds everywhere.
    """
    changed = bytearray(content)
    for _ in range(rng.choice((1, 1, 1, 2, 3, 5, 20))):
        if not changed:
            return bytes(changed)
        at = rng.randrange(min(head, len(changed)) if head and rng.random() < 0.5 else len(changed))
        _CHANGES[rng.randrange(len(_CHANGES))](rng, changed, at, others)
    return bytes(changed)


def _flip(rng, changed, at, _):
    changed[at] ^= 1 << rng.randrange(8)


def _set(rng, changed, at, _):
    changed[at] = rng.choice((0, 1, 0x7F, 0x80, 0xFF, rng.randrange(256)))


def _number(rng, changed, at, _):
    size = rng.choice((2, 4, 8))
    number = rng.choice(NUMBERS) % (1 << 8 * size)
    changed[at : at + size] = number.to_bytes(size, rng.choice(("big", "little")))


def _delete(rng, changed, at, _):
    del changed[at : at + rng.choice((1, 2, 4, 16, 50, len(changed) // 3 + 1))]


def _repeat(rng, changed, at, _):
    piece = changed[at : at + rng.choice((1, 4, 16, 200))]
    changed[at:at] = piece * rng.choice((1, 2, 8))


def _copy(rng, changed, at, _):
    source = rng.randrange(len(changed))
    changed[at : at + 16] = changed[source : source + 16]


def _truncate(rng, changed, at, _):
    if rng.random() < 0.3:  # rarer than the others, which it would leave little to do
        del changed[at:]


def _insert(rng, changed, at, _):
    changed[at:at] = rng.randbytes(rng.choice((1, 4, 32)))


def _splice(rng, changed, at, others):
    if others:
        other = rng.choice(others)
        start = rng.randrange(len(other)) if other else 0
        changed[at:] = other[start:]


def _zeros(rng, changed, at, _):
    size = rng.choice((4, 64, 1024))
    changed[at : at + size] = bytes(min(size, len(changed) - at))


_CHANGES = (*(_flip, _flip, _set, _number, _number, _delete, _repeat, _copy, _truncate, _insert, _splice, _zeros),)


def any_value(rng: random.Random):
    """A value of any type of JSON, the odd ones among them."""
    kind = rng.randrange(9)
    if kind == 0:
        return rng.choice((None, True, False))
    if kind in (1, 2):
        return rng.choice(NUMBERS)
    if kind in (3, 4):
        return rng.choice(FLOATS)
    if kind in (5, 6):
        return rng.choice(TEXTS)
    if kind == 7:
        return rng.choice(([], [[]], [None], [0], ["a", "a"], [1, "a", None], {}, {"": 0}, {"a": {"b": []}}))
    nested: object = 0
    for _ in range(rng.choice((3, 60))):
        nested = [nested]
    return nested


def _places(value, found):
    """Every (container, key) within a value of JSON."""
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in pairs:
        found.append((value, key))
        _places(item, found)
    return found


def mutate_json(rng: random.Random, content):
    """A changed copy: values of other types, parts left out, renamed, repeated, exchanged."""
    holder = [copy.deepcopy(content)]
    for _ in range(rng.choice((1, 1, 1, 2, 3, 6))):
        places = _places(holder, [])
        # the tables near the root decide more than the many leaves, so any depth is as likely
        container, key = rng.choice(places[: rng.choice((3, 30, len(places)))])
        _change_json(rng, container, key, places)
    return holder[0]


def _change_json(rng, container, key, places):
    value = container[key]
    kind = rng.randrange(8)
    if kind in (0, 1, 2):
        container[key] = any_value(rng)
    elif kind == 3 and len(container) > 1:
        del container[key]
    elif kind == 4:
        other, at = rng.choice(places)
        container[key] = copy.deepcopy(other[at])
    elif kind == 5:
        if isinstance(container, dict):
            container[str(rng.choice((*TEXTS, key + "x", key.upper())))] = container.pop(key)
        else:
            container.insert(key, copy.deepcopy(value))
    elif kind == 6 and isinstance(value, (int, float)) and not isinstance(value, bool):
        container[key] = rng.choice((-value, value + 1, value - 1, value * 1000, value + 0.5, str(value), float(value)))
    else:
        container[key] = rng.choice(([value], {"value": value}, str(value), [value, value]))


def json_bytes(rng: random.Random, content) -> bytes:
    """A value as a JSON file; now and then one that is damaged as text."""
    kind = rng.randrange(20)
    text = json.dumps(content, ensure_ascii=rng.random() < 0.5, indent=rng.choice((None, 1)))
    whole = text.encode("utf-8", "surrogatepass")
    if kind == 0:
        return mutate_bytes(rng, whole)
    if kind == 1:
        return rng.choice(
            (b"\xef\xbb\xbf" + whole, whole.decode("latin-1").encode("utf-16"), b"", b"null", b"0", b'""')
        )
    if kind == 2:
        depth = rng.choice((100, 3_000, 200_000))
        return rng.choice(
            (b"[" * depth, b"[" * depth + b"]" * depth, b'{"a":' * depth, whole[:-1] + b"," + b"[" * depth)
        )
    if kind == 3:
        return whole.replace(b"1", b"1" * rng.choice((20, 400, 5000)), 1)
    return whole


def pack_float(value: float) -> bytes:
    """The eight bytes of a float, big end first."""
    return struct.pack(">d", value)
