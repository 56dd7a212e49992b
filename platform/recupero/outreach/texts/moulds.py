"""Messages written once and filled in for many people.

To fill values into a text takes a hundredth of the time that Jinja takes to write it. That makes the same
message only where a template does no more with a value than set it down, or ask whether there is one:
such a template is `opaque`, and all of ours are. So is a value that would not be touched when the text around
it is tidied, see `fits`.
"""

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from jinja2 import nodes
from markupsafe import escape

from recupero.outreach.texts import templating

_MARK = "\x02"
_MARKED = re.compile("\x02(\\w+)\x03")
_SPECIAL = re.compile("[&<>'\"]")
_SET_DOWN = (
    nodes.Template, nodes.Output, nodes.TemplateData, nodes.Block, nodes.Extends, nodes.If, nodes.Const,
    nodes.Name, nodes.And, nodes.Or, nodes.Not, nodes.Operand, nodes.Compare,
)  # fmt: skip


def mark(name: str) -> str:
    """What stands for the value of this name."""
    return f"{_MARK}{name}\x03"


def opaque(source: str, compared: Collection[str]) -> bool:
    """Whether a template, and those that it extends, only set values down or ask whether there are any.
    Those in `compared` may be compared besides. Raises jinja2.TemplateError on one that cannot be read."""
    if _MARK in source:
        return False
    tree = templating.sandbox().parse(source)
    return all(_plain(node, compared) for node in (tree, *_below(tree)))


def _below(node: nodes.Node) -> Iterator[nodes.Node]:
    for child in node.iter_child_nodes():
        yield child
        yield from _below(child)


def _plain(node: nodes.Node, compared: Collection[str]) -> bool:
    if isinstance(node, nodes.Compare):
        names = {name.name for name in node.find_all(nodes.Name)}
        return names <= set(compared)
    if isinstance(node, nodes.Extends):
        if not isinstance(node.template, nodes.Const):
            return False
        return opaque(templating.source(node.template.value), compared)
    return isinstance(node, _SET_DOWN)


def fits(values: Collection[str]) -> bool:
    """Whether each of these is one line that neither begins nor ends with a space."""
    lines = "\n".join(values).splitlines()
    return [line.strip() for line in lines] == list(values)


def escaped(value: str) -> str:
    """As `markupsafe.escape`, asked only where there is something to escape."""
    return str(escape(value)) if _SPECIAL.search(value) else value


def unmarked(texts: Collection[str]) -> bool:
    """Whether nothing in these texts could be taken for a mark."""
    return not any(_MARK in text for text in texts)


@dataclass(frozen=True, slots=True)
class Mould:
    """Texts by name, and those of them with marks as a pattern for `%`."""

    texts: dict[str, str]
    patterns: tuple[tuple[str, str], ...]

    @classmethod
    def of(cls, written: Mapping[str, str]) -> "Mould":
        """From texts in which marks stand for values."""
        patterns = (
            (name, _MARKED.sub(r"%(\1)s", text.replace("%", "%%")))
            for name, text in written.items()
            if _MARK in text
        )
        return cls(dict(written), tuple(patterns))

    def filled(self, values: Mapping[str, str | None]) -> dict[str, str]:
        """The texts with the values."""
        texts = self.texts.copy()
        for name, pattern in self.patterns:
            texts[name] = pattern % values
        return texts
