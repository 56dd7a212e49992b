"""What the phases of a plan take, where somebody watches: a benchmark does.

Each phase is named where it is done. Phases follow each other and never lie within each other, so that what
they take adds up; what threads beside do meanwhile counts for the phase in which it falls.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field

Spent = tuple[float, ...]
#: What lies in no phase, and all together.
REST, WHOLE = "rest", "whole"


@dataclass
class Watch:
    """Sums by phase of what `read` measures: numbers that only grow, in the same order each time."""

    read: Callable[[], Spent]
    phases: dict[str, Spent] = field(default_factory=dict)

    def add(self, name: str, before: Spent) -> None:
        """Count for a phase what was spent since `before`."""
        spent = tuple(now - then for now, then in zip(self.read(), before, strict=True))
        known = self.phases.get(name, (0.0,) * len(spent))
        self.phases[name] = tuple(one + more for one, more in zip(known, spent, strict=True))

    def end(self, before: Spent) -> None:
        """All is done that began at `before`: add the whole, and what of it lay in no phase."""
        whole = tuple(now - then for now, then in zip(self.read(), before, strict=True))
        told = [sum(column) for column in zip(*self.phases.values(), strict=True)] or [0.0] * len(whole)
        self.phases[REST] = tuple(one - other for one, other in zip(whole, told, strict=True))
        self.phases[WHOLE] = whole


_watch: ContextVar[Watch | None] = ContextVar("phases", default=None)


@contextmanager
def watched(read: Callable[[], Spent]) -> Iterator[Watch]:
    """What is done in this block is measured by `read`."""
    watch = Watch(read)
    token = _watch.set(watch)
    try:
        yield watch
    finally:
        _watch.reset(token)


@contextmanager
def phase(name: str) -> Iterator[None]:
    """A phase of the plan; nothing is measured where nobody watches."""
    watch = _watch.get()
    if watch is None:
        yield
        return
    before = watch.read()
    try:
        yield
    finally:
        watch.add(name, before)
