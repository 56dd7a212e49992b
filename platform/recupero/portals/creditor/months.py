"""Batch stair-step and batch track: how far each placement month has come, and beside another."""

from dataclasses import dataclass
from datetime import date

from flask import render_template, request, url_for
from flask.typing import ResponseReturnValue

from recupero.portals.creditor import figures
from recupero.portals.creditor.own import tenant_id
from recupero.portals.frame.pages import blueprint
from recupero.portals.words.language import number
from recupero.reports import drawn
from recupero.reports import metrics as m
from recupero.reports.figures import Figure
from recupero.reports.periods import next_month
from recupero.reports.report import Section, Vintage
from recupero.reports.words import Words
from recupero.tenancy.guard import requires
from recupero.tenancy.permissions import Permission

VIEWS = ("step", "cumulative", "amount")
DARKEST = 9


@dataclass(frozen=True, slots=True)
class Cell:
    """One step of the stairs: as written, exactly (for pointing at), how dark, and its payments."""

    text: str
    exact: str
    shade: int
    url: str


@dataclass(frozen=True, slots=True)
class Row:
    """A placement month. `whole` is what its steps add up to."""

    name: str
    placed: str
    placed_url: str | None
    cells: list[Cell]
    whole: str
    whole_url: str


@blueprint.get("/portal/months")
@requires(Permission.REPORTS_READ)
def creditor_months() -> ResponseReturnValue:
    shown = figures.shown()
    view = request.args.get("view", "step")
    view = view if view in VIEWS else "step"
    rows_of = figures.RowsOf(tenant_id(), shown.report.period)
    parts = [
        {
            "section": section, "rows": _stairs(section, shown.words, view, rows_of),
            "months": max((len(one.steps) for one in section.vintages), default=0),
            "track": _track(section, shown.words), "curves": drawn.curves(section, shown.words),
            "references": [(f"{one.month:%Y-%m}", shown.words.month(one.month)) for one in section.vintages],
        }
        for section in shown.report.sections
    ]  # fmt: skip
    page = render_template(
        "creditor/months.html", **shown.values, parts=parts, view=view, views=VIEWS,
        reference=request.args.get("reference", ""),
    )  # fmt: skip
    return page, shown.status


def _stairs(section: Section, words: Words, view: str, rows_of: figures.RowsOf) -> list[Row]:
    shown = [figure for vintage in section.vintages for figure in _figures(vintage, view)]
    top = max((_size(figure, view) for figure in shown), default=0.0)
    rows = []
    for vintage in section.vintages:
        placed = next(one for one in vintage.figures if one.metric is m.PLACED)
        # The steps share one denominator: their numerators are added, and divided once.
        whole = Figure(m.LIQUIDATION, sum(step.numerator for step in vintage.steps), placed.numerator)
        rows.append(Row(
            words.month(vintage.month), words.figure(placed, section.currency),
            rows_of(placed, section.currency, {"cohort": vintage.month}),
            _cells(vintage, section, words, view, top), _written(whole, section, words, view),
            _payments_of(vintage, None, rows_of.period.last),
        ))  # fmt: skip
    return rows


def _cells(vintage: Vintage, section: Section, words: Words, view: str, top: float) -> list[Cell]:
    cells, month, currency = [], vintage.month, section.currency
    for step, figure in enumerate(_figures(vintage, view)):
        exact = (
            f"{words.money(figure.numerator, currency)} / {words.money(figure.denominator or 0, currency)}"
        )
        cells.append(Cell(
            _written(figure, section, words, view), exact,
            round(max(0.0, _size(figure, view) / top) * DARKEST) if top > 0 else 0,
            _payments_of(vintage, None if step == 0 or view == "cumulative" else month, month),
        ))  # fmt: skip
        month = next_month(month)
    return cells


def _figures(vintage: Vintage, view: str) -> tuple[Figure, ...]:
    return vintage.cumulative if view == "cumulative" else vintage.steps


def _size(figure: Figure, view: str) -> float:
    return float(figure.numerator) if view == "amount" else figure.value or 0.0


def _written(figure: Figure, section: Section, words: Words, view: str) -> str:
    if view == "amount":
        return words.amount(figure.numerator, section.currency)
    return words.figure(figure, section.currency)


def _payments_of(vintage: Vintage, first: date | None, last: date) -> str:
    """The payments of a step; month 0 also holds what came before it."""
    return url_for(
        "portals.creditor_payments", placed=f"{vintage.month:%Y-%m}", to=f"{last:%Y-%m}",
        **({"from": f"{first:%Y-%m}"} if first else {}),  # type: ignore[arg-type]  # "from" is a word of Python
    )  # fmt: skip


def _track(section: Section, words: Words) -> list[tuple[str, list[str]]]:
    """Cumulative liquidation less that of the reference after as many months, in percentage points. Without
    one asked for it is the oldest."""
    if len(section.vintages) < 2:
        return []
    asked = request.args.get("reference", "")
    named = {f"{one.month:%Y-%m}": one for one in section.vintages}
    reference = named.get(asked, section.vintages[0])
    rows = []
    for vintage in section.vintages:
        if vintage is not reference:
            pairs = zip(vintage.cumulative, reference.cumulative, strict=False)
            rows.append((words.month(vintage.month), [_points(one, other) for one, other in pairs]))
    return rows


def _points(one: Figure, other: Figure) -> str:
    if one.value is None or other.value is None:
        return "–"
    points = 100 * (one.value - other.value)
    return ("+" if points > 0 else "") + number(round(points, 2))
