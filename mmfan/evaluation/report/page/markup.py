"""Elements of HTML and SVG as text: whatever is no markup already is escaped."""

from __future__ import annotations

from html import escape

from mmfan.utils.text import one_line

# elements of HTML without content, which have no end tag
_VOID = frozenset({"meta", "link", "img", "br", "input"})
MOST_LETTERS = 100_000


class Markup(str):
    """Text that is markup, and is taken as it stands."""

    __slots__ = ()


def plain(text: str) -> Markup:
    """Text as markup that shows it: escaped, for content and for attributes, in one line that steers nothing.

    >>> plain('<b title="x">')
    '&lt;b title=&quot;x&quot;&gt;'
    """
    return text if isinstance(text, Markup) else Markup(escape(one_line(text, MOST_LETTERS), quote=True))


def element(name: str, *content: str | None, **attributes: str | float | bool | None) -> Markup:
    """One element.

    Args:
        name: Its tag.
        *content: What it holds; texts are escaped, :class:`Markup` is not, None is left out.
        **attributes: Underscores stand for hyphens, one at the end for nothing (``class_``). True is an attribute
            without a value; None and False are left out.

    >>> element("p", "a < b", element("br"), class_="x", hidden=True, title=None)
    '<p class="x" hidden>a &lt; b<br></p>'
    """
    written = "".join(
        f" {key.rstrip('_').replace('_', '-')}"
        + ("" if value is True else f'="{plain(value if isinstance(value, str) else str(value))}"')
        for key, value in attributes.items()
        if value is not None and value is not False
    )
    if name in _VOID:
        return Markup(f"<{name}{written}>")
    return Markup(f"<{name}{written}>{''.join(plain(part) for part in content if part is not None)}</{name}>")


def joined(*parts: str | None, between: str = "\n") -> Markup:
    """Parts one after the other; empty ones are left out."""
    return Markup(between.join(plain(part) for part in parts if part))
