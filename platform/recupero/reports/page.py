"""The report as HTML: the parts that a page of the portals shows, and a file that stands by itself."""

from collections.abc import Callable
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

import recupero
from recupero.kernel.marking import N_
from recupero.reports import drawn, layout
from recupero.reports.figures import Figure, Metric
from recupero.reports.report import RecoveryReport, Section
from recupero.reports.words import Words

_PORTALS = Path(recupero.__file__).parent / "portals"


def contents(
    report: RecoveryReport,
    words: Words,
    rows_of: Callable[..., str | None] = drawn.no_rows,
    most: int | None = None,
) -> dict[str, Any]:
    """What `reports/_recovery.html` shows; on a page with an address, figures lead on to `rows_of` them. Of
    placement months and files the newest `most` (None: all), and how many are left out."""
    return {
        "report": report,
        "words": words,
        "N_": N_,
        "tooltip": tooltip,
        "shade": shade,
        "month_after": month_after,
        "period": words.period(report.period),
        "made": words.moment(report.generated_at, report.timezone),
        "parts": [_part(section, words, rows_of, most) for section in report.sections],
        "definitions": layout.shown_metrics(report),
        "rows_of": rows_of,
    }


def _part(section: Section, words: Words, rows_of: drawn.RowsOf, most: int | None) -> dict[str, Any]:
    tables = layout.tables(section, words)
    stairs = [layout.stairs(section, words, cumulative=cumulative) for cumulative in (False, True)]
    if most is not None:
        tables = [one.newest(most) if one.key in layout.GROWING else one for one in tables]
        stairs = [one.newest(most) for one in stairs]
    return {
        "section": section,
        "cards": [section.figure(key) for key in layout.CARDS],
        "months": drawn.months(section, words),
        "curves": drawn.curves(section, words, drawn.HALF),
        "funnel": drawn.funnel(section, words, rows_of),
        "groups": layout.groups(section, words),
        "tables": tables,
        "stairs": stairs,
    }


def tooltip(metric: Metric, words: Words) -> str:
    """The metric's definition and formula, as shown when pointing at it."""
    over = f"{words(metric.numerator)} ÷ {words(metric.denominator)}" if metric.denominator else ""
    return f"{words(metric.definition)} {over}".strip()


@cache
def month_after(first: date, months: int) -> str:
    """The month so many months after `first`, as an address names it."""
    return f"{first.year + (first.month - 1 + months) // 12}-{(first.month - 1 + months) % 12 + 1:02}"


def shade(figure: Figure, top: float) -> int:
    """How dark a cell of the stairs is, 0 to 9, by the table's largest rate."""
    return round(max(0.0, (figure.value or 0) / top) * 9) if top > 0 else 0


def render(report: RecoveryReport, words: Words) -> bytes:
    """An HTML file with its style and charts inside, that needs nothing else."""
    template = _environment().get_template("reports/recovery_file.html")
    style = "".join((_PORTALS / "static" / name).read_text() for name in ("app.css", "report.css"))
    return template.render(
        **contents(report, words),
        _=words,
        style=Markup(style),  # noqa: S704 - our own files
    ).encode()


@cache
def _environment() -> Environment:
    """Templates outside of any request, compiled once."""
    return Environment(
        loader=FileSystemLoader(_PORTALS / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
