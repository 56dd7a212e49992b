"""The report as HTML: the parts that a page of the portals shows, and a file that stands by itself."""

from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

import recupero
from recupero.reports import charts, layout
from recupero.reports.metrics import N_, Figure, Metric
from recupero.reports.report import RecoveryReport, Section
from recupero.reports.words import Words

_PORTALS = Path(recupero.__file__).parent / "portals"


def contents(report: RecoveryReport, words: Words) -> dict[str, Any]:
    """What `reports/_recovery.html` shows."""
    return {
        "report": report,
        "words": words,
        "N_": N_,
        "tooltip": tooltip,
        "shade": shade,
        "month_after": month_after,
        "period": words.period(report.period),
        "made": words.moment(report.generated_at, report.timezone),
        "parts": [_part(section, words) for section in report.sections],
        "definitions": layout.shown_metrics(report),
        "rows_of": lambda *_figure: None,  # a page with an address leads on to them
    }


def _part(section: Section, words: Words) -> dict[str, Any]:
    return {
        "section": section,
        "cards": [section.figure(key) for key in layout.CARDS],
        "charts": [
            (key, title, Markup(_chart(section, key, title, spec, words)))  # noqa: S704 - made here, texts escaped
            for key, title, spec in charts.charts(section, words)
        ],
        "groups": layout.groups(section, words),
        "tables": layout.tables(section, words),
        "stairs": [layout.stairs(section, words, cumulative=cumulative) for cumulative in (False, True)],
    }


def _chart(section: Section, key: str, title: str, spec: dict[str, Any], words: Words) -> str:
    return charts.svg(spec, title, _told(section, key, words), words, f"chart-{key}-{section.currency}")


def _told(section: Section, key: str, words: Words) -> str:
    """What the chart shows, in a sentence of figures."""
    if key == "funnel":
        parts = [
            f"{words(figure.metric.label)}: {words.count(figure.numerator)}" for figure in section.funnel
        ]
    elif key == "months":
        parts = [
            f"{words.month(flow.month)}: {words.money(flow.total_minor, section.currency)}"
            for flow in section.flows
        ]
    else:
        parts = [
            f"{words.month(vintage.month)}: {words.figure(vintage.cumulative[-1], section.currency)}"
            for vintage in section.vintages
        ]
    return "; ".join(parts)


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
    return template.render(**contents(report, words), style=Markup(style)).encode()  # noqa: S704 - our own files


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
