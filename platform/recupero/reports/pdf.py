"""The report as a PDF: `recovery.typ` is its layout, this hands it the texts and charts."""

import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from recupero.kernel.marking import N_
from recupero.reports import charts, layout
from recupero.reports.figures import Figure, Metric
from recupero.reports.report import RecoveryReport, Section
from recupero.reports.words import Words

_LAYOUT = Path(__file__).with_name("recovery.typ")
_NOTHING = N_("Nothing was placed up to the end of this period.")
MAX_STEPS = 12  # columns of the stairs that fit on a page


def render(report: RecoveryReport, words: Words) -> bytes:
    """The PDF's bytes."""
    import typst

    with TemporaryDirectory(prefix="recupero-report-") as folder:
        root = Path(folder)
        (root / "report.typ").write_text(_LAYOUT.read_text())
        (root / "report.json").write_text(json.dumps(_contents(report, words, root), ensure_ascii=False))
        made: bytes = typst.compile(root / "report.typ", root=root, ignore_system_fonts=True)
    return made


def _contents(report: RecoveryReport, words: Words, root: Path) -> dict[str, Any]:
    return {
        "language": words.language,
        "title": words(N_("Recovery report")),
        "tenant": report.tenant,
        "period": words.period(report.period),
        "made": words(N_("Made on %(moment)s"), moment=words.moment(report.generated_at, report.timezone)),
        "note": words(N_("Amounts are net of reversals dated in the period. Months are those of %(zone)s. "
                         "A rate over fewer than 30 is shown with its counts."),
                      zone=words.zone(report.timezone)),
        "page": words(N_("Page")),
        "sections": [_section(report, section, words, root) for section in report.sections],
        "definitions": {
            "title": words(N_("Definitions")),
            "rows": [_definition(metric, words) for metric in layout.shown_metrics(report)],
        },
    }  # fmt: skip


def _definition(metric: Metric, words: Words) -> dict[str, str]:
    over = words(metric.numerator)
    if metric.denominator is not None:
        over = f"{over} ÷ {words(metric.denominator)}"
    return {
        "label": words(metric.label),
        "text": words(metric.definition),
        "over": over,
        "formula": metric.formula,
    }


def _section(report: RecoveryReport, section: Section, words: Words, root: Path) -> dict[str, Any]:
    return {
        "currency": section.currency,
        "many": len(report.sections) > 1,
        "empty": None if section.portfolios else words(_NOTHING),
        "cards": [_card(section, key, words) for key in layout.CARDS],
        "charts": _charts(section, words, root),
        "groups": [
            {"title": title, "rows": [_pair(figure, section, words) for figure in figures]}
            for _key, title, figures in layout.groups(section, words)
        ],
        "tables": [_table(table, words) for table in layout.tables(section, words)],
        "stairs": [
            _stairs(layout.stairs(section, words, cumulative=cumulative), section, words)
            for cumulative in (False, True)
        ],
        "placed_in": words(N_("Placed in")),
        "months_since": words(N_("months since placement")),
    }


def _card(section: Section, key: str, words: Words) -> dict[str, str]:
    figure = section.figure(key)
    return {"label": words(figure.metric.label), "value": words.figure(figure, section.currency)}


def _pair(figure: Figure, section: Section, words: Words) -> list[str]:
    return [words(figure.metric.label), words.figure(figure, section.currency)]


def _charts(section: Section, words: Words, root: Path) -> list[dict[str, str]]:
    found = []
    for key, title, spec in charts.charts(section, words):
        file = f"{key}-{section.currency}.pdf"
        (root / file).write_bytes(charts.pdf(spec, words))
        found.append({"key": key, "file": file, "title": title})
    return found


def _table(table: layout.Table, words: Words) -> dict[str, Any]:
    return {
        "title": table.title,
        "heads": [table.first_column, *(words(metric.label) for metric in table.metrics)],
        "rows": [
            [name, *(words.figure(figure, table.currency) for figure in figures)]
            for name, figures in table.rows
        ],
    }


def _stairs(table: layout.Stairs, section: Section, words: Words) -> dict[str, Any]:
    """Cells with their shade from 0 to 1, by the largest rate of the table."""
    shown = [(name, figures[:MAX_STEPS]) for name, figures in table.rows]
    rates = [figure.value or 0 for _name, figures in shown for figure in figures]
    top = max(rates, default=0)
    return {
        "title": table.title,
        "months": min(table.months, MAX_STEPS),
        "rows": [
            {"name": name, "cells": [
                {"text": words.figure(figure, section.currency),
                 "shade": max(0.0, (figure.value or 0) / top) if top > 0 else 0.0}
                for figure in figures
            ]}
            for name, figures in shown
        ],
    }  # fmt: skip
