"""HTML as a tree, read strictly: every element is closed in its place."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser

VOID = {"meta", "link", "img", "br", "input"}


@dataclass
class Node:
    """One element: its tag, attributes, and what it holds."""

    tag: str
    attributes: dict[str, str | None] = field(default_factory=dict)
    content: list[Node | str] = field(default_factory=list)

    @property
    def text(self) -> str:
        """All text within."""
        return "".join(part if isinstance(part, str) else part.text for part in self.content)

    @property
    def classes(self) -> list[str]:
        """Its classes."""
        return (self.attributes.get("class") or "").split()

    def walk(self) -> Iterator[Node]:
        """It, and all elements within."""
        yield self
        for part in self.content:
            if isinstance(part, Node):
                yield from part.walk()

    def all(self, tag: str = "", **attributes: str) -> list[Node]:
        """Elements within of a tag, with these attributes (``class_`` for one of the classes)."""
        wanted = {key.rstrip("_").replace("_", "-"): value for key, value in attributes.items()}

        def fits(node: Node) -> bool:
            return all(
                value in node.classes if key == "class" else node.attributes.get(key) == value
                for key, value in wanted.items()
            )

        return [node for node in self.walk() if node is not self and tag in ("", node.tag) and fits(node)]

    def one(self, tag: str = "", **attributes: str) -> Node:
        """The only element of :meth:`all`."""
        (found,) = self.all(tag, **attributes)
        return found

    def cells(self) -> list[list[str]]:
        """Texts of a table, the head first."""
        return [[cell.text for cell in row.content if isinstance(cell, Node)] for row in self.all("tr")]


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.open = [Node("")]
        self.comments: list[str] = []

    def handle_starttag(self, tag, attrs):
        node = Node(tag, dict(attrs))
        self.open[-1].content.append(node)
        if tag not in VOID:
            self.open.append(node)

    def handle_endtag(self, tag):
        assert self.open.pop().tag == tag, f"</{tag}> closes another element"

    def handle_data(self, data):
        self.open[-1].content.append(data)

    def handle_comment(self, data):
        self.comments.append(data)


def tree(text: str) -> Node:
    """The tree of a document or a part of one."""
    reader = _Reader()
    reader.feed(text)
    reader.close()
    assert len(reader.open) == 1, f"not closed: {[node.tag for node in reader.open[1:]]}"
    assert not reader.comments
    return reader.open[0]
