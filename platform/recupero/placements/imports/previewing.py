"""Show what a mapping makes of the first rows of a file, before anything is loaded."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from recupero.placements.imports.checking import check_placement
from recupero.placements.imports.extracting import check_columns, extract, meant, split_control
from recupero.placements.imports.findings import Findings
from recupero.placements.imports.points import contact_points
from recupero.placements.imports.reading import ROW, opened
from recupero.placements.imports.setting import Setting
from recupero.placements.imports.spec import Mapping, parse


@dataclass(frozen=True, slots=True)
class Preview:
    """`rows` have the mapped fields as text, row number first; `issues` are (row, outcome, field, code)."""

    headings: list[str]
    raw: list[dict[str, str | None]]
    rows: list[dict[str, str | None]]
    issues: list[tuple[int, str, str, str]]


def preview(
    path: Path, spec: dict[str, Any], setting: Setting, *, kind: str = "placement", n: int = 20
) -> Preview:
    """The first `n` rows of a file through a mapping. Nothing is stored and no database is asked, so that
    rows which are placed already look accepted. Raises UserError as an import does."""
    mapping = parse(spec, kind)
    with opened(path, **_how(mapping)) as table:
        check_columns(mapping, table.headings)
        first = next(table.chunks, None)
        headings = table.headings
    if first is None:
        return Preview(headings, [], [], [])
    rows = split_control(first, mapping.control)[0].filter(meant(mapping)).head(n)
    found = Findings()
    text = extract(rows, mapping)
    if kind == "placement":
        contact_points(check_placement(text, mapping, setting, found), found)
    shown = text.select(pl.col(ROW).cast(pl.String).alias("row"), pl.exclude(ROW, "\x00problem"))
    return Preview(headings, rows.select(headings).to_dicts(), shown.to_dicts(), found.table().rows())


def _how(mapping: Mapping) -> dict[str, Any]:
    return {"delimiter": mapping.delimiter, "encoding": mapping.encoding, "sheet": mapping.sheet,
            "header_row": mapping.header_row, "decimal": mapping.decimal}  # fmt: skip
