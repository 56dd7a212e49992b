"""Tables that are bags of summands: triggers add rows to them and change none, so that no two writers wait
for each other; the sum over the rows of a key is the figure (docs/decisions/0010)."""

from sqlalchemy import Index, text

_OPEN, _FOLDED = text("NOT folded"), text("folded")


def bag(table: str, *keys: str) -> tuple[Index, Index]:
    """The indexes of a bag: one folded row a key, and those that wait to be folded."""
    return (
        Index(f"uq_{table}_folded", "tenant_id", *keys, unique=True, postgresql_where=_FOLDED),
        Index(f"ix_{table}_open", "tenant_id", postgresql_where=_OPEN),
    )
