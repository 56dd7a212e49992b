"""Where templates of messages are read: they reach nothing of the house, and a missing value is an error."""

from functools import cache, lru_cache

from jinja2 import PackageLoader, StrictUndefined, Template, select_autoescape
from jinja2.sandbox import ImmutableSandboxedEnvironment


@cache
def sandbox() -> ImmutableSandboxedEnvironment:
    """The environment of all of them. Only what is named `.html` is escaped: own words are plain text."""
    return ImmutableSandboxedEnvironment(
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
