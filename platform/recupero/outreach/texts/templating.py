"""Where templates of messages and scripts are read: they reach nothing of the house, a missing value is an
error, and what somebody wrote can neither grow nor go on without end."""

from functools import cache, lru_cache
from typing import Any, NoReturn

from jinja2 import PackageLoader, StrictUndefined, Template, TemplateSyntaxError, nodes, select_autoescape
from jinja2.exceptions import SecurityError
from jinja2.sandbox import ImmutableSandboxedEnvironment

#: What own words may be made of: values and conditions. Loops, sums, assignments and calls could make a text
#: of any size out of a few letters.
_SIMPLE = (
    nodes.Template, nodes.Output, nodes.TemplateData, nodes.Name, nodes.Const, nodes.If, nodes.CondExpr,
    nodes.Compare, nodes.Operand, nodes.And, nodes.Or, nodes.Not, nodes.Test, nodes.Filter, nodes.Getattr,
    nodes.Getitem, nodes.Concat,
)  # fmt: skip
#: Filters whose result is no longer than what they are given.
_FILTERS = frozenset({
    "capitalize", "count", "d", "default", "first", "last", "length", "lower", "title", "trim", "upper",
})  # fmt: skip


class Sandbox(ImmutableSandboxedEnvironment):
    """One in which nothing is multiplied: `'a' * 10 ** 9` is a text of a gigabyte."""

    intercepted_binops = frozenset({"*", "**", "%"})

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> NoReturn:
        """Jinja asks this for each of them."""
        raise SecurityError(f"`{operator}` is not possible here")


def parsed(text: str) -> nodes.Template:
    """What somebody wrote, read. Raises jinja2.TemplateSyntaxError where it is no template, and where it
    holds more than values, conditions and simple filters."""
    try:
        tree = sandbox().parse(text)
    except (RecursionError, ValueError) as error:  # thousands of brackets, or of digits
        raise TemplateSyntaxError("this is too deep or too large to be read", 1) from error
    for node in [tree, *tree.find_all(nodes.Node)]:
        filtered = node.name if isinstance(node, nodes.Filter) else None
        if not isinstance(node, _SIMPLE) or (filtered is not None and filtered not in _FILTERS):
            what = filtered or type(node).__name__.lower()
            raise TemplateSyntaxError(f"only values and conditions may stand here, not `{what}`", node.lineno)
    return tree


@cache
def sandbox() -> Sandbox:
    """The environment of all of them. Only what is named `.html` is escaped: own words are plain text."""
    return Sandbox(
        loader=PackageLoader("recupero.outreach"),
        undefined=StrictUndefined,
        autoescape=select_autoescape(["html"], default_for_string=False),
        auto_reload=False,
        cache_size=-1,
    )


@cache
def named(name: str) -> Template:
    """A template of the platform. Raises jinja2.TemplateNotFound."""
    return _quick(sandbox().get_template(name))


@lru_cache(maxsize=4096)
def written(text: str) -> Template:
    """A template that somebody wrote. Raises jinja2.TemplateSyntaxError."""
    return _quick(sandbox().from_string(text))


def _quick(template: Template) -> Template:
    """With its globals in one plain mapping: Jinja copies them for each message, which takes longer from its
    chain of several than writing the message does."""
    template.globals = dict(template.globals)
    return template


@cache
def source(name: str) -> str:
    """The text of a template of the platform. Raises jinja2.TemplateNotFound."""
    loader = sandbox().loader
    if loader is None:
        raise ValueError("these templates are loaded from the package")
    return loader.get_source(sandbox(), name)[0]
