"""Two periods, or two portfolios, side by side: the same figures, and what lies between them."""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

from flask import request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from recupero.kernel.errors import UserError
from recupero.kernel.listing import FURTHEST
from recupero.kernel.money import minor_units
from recupero.placements import browse
from recupero.portals.creditor import figures
from recupero.portals.creditor.own import reading, tenant_id
from recupero.portals.frame.errors import said
from recupero.portals.frame.pages import blueprint
from recupero.portals.frame.tables import Column, Table, answer
from recupero.portals.words.language import number
from recupero.reports import service
from recupero.reports.figures import Figure, Metric, Unit
from recupero.reports.page import tooltip
from recupero.reports.periods import parse_period
from recupero.reports.report import RecoveryReport, Section
from recupero.reports.words import Words
from recupero.tenancy.guard import requires
from recupero.tenancy.permissions import Permission

SIDES = ("left", "right")
_SHARES = (Unit.PERCENT, Unit.PER_THOUSAND)


@dataclass(frozen=True, slots=True)
class Row:
    """A metric on both sides, as written and where the rows behind it are, and the right less the left; ""
    where one of them has no value."""

    metric: Metric
    name: str
    currency: str
    left: str
    left_figure: Figure
    left_url: str | None
    right: str
    right_figure: Figure
    right_url: str | None
    between: str


@dataclass(frozen=True, slots=True)
class Side:
    """What stands on one side: its report, and the portfolio that it is narrowed to ("" for all)."""

    report: RecoveryReport
    portfolio: str
    portfolio_id: int | None
    error: str | None

    def url(self, figure: Figure, currency: str) -> str | None:
        """Where the rows of one of its figures are."""
        place = {"portfolio_id": self.portfolio_id} if self.portfolio_id else {}
        return figures.RowsOf(tenant_id(), self.report.period)(figure, currency, place)


@blueprint.get("/portal/compare")
@requires(Permission.REPORTS_READ)
def creditor_compare() -> ResponseReturnValue:
    """`left` and `right` are periods, or their first months where `left_to` and `right_to` are the last;
    `left_portfolio` and `right_portfolio` are ids."""
    with reading() as session:
        names = browse.portfolio_names(session)
        sides = [_side(session, names, name) for name in SIDES]
    words = service.words_for(sides[0].report, figures.locale())
    currencies = [section.currency for section in sides[1].report.sections]
    parts = [(currency, _rows(sides[0], sides[1], currency, words)) for currency in currencies]
    table = _table(*(_heading(side, words) for side in sides))
    table.fill_whole([row for _currency, rows in parts for row in rows])
    return answer(
        "creditor/compare.html", table, sides=list(zip(SIDES, sides, strict=True)), words=words, parts=parts,
        portfolios=names, tooltip=tooltip, status=422 if any(side.error for side in sides) else 200,
    )  # fmt: skip


def _heading(side: Side, words: Words) -> str:
    return " · ".join(part for part in (words.period(side.report.period), side.portfolio) if part)


def _table(left: str, right: str) -> Table[Row]:
    """The same as a file: each side as it is written, and as numbers to reckon with."""

    value, counted, out_of = _("value"), _("counted"), _("out of")

    def columns(name: str, heading: str, of: Callable[[Row], Figure]) -> list[Column[Row]]:
        return [
            Column(f"{name}_value", f"{heading}: {value}", lambda row: _plain(of(row), row.currency)),
            Column(f"{name}_numerator", f"{heading}: {counted}", lambda row: of(row).numerator),
            Column(f"{name}_denominator", f"{heading}: {out_of}", lambda row: of(row).denominator),
        ]

    return Table(
        "compared", _("Compare"),
        [
            Column("currency", "ISO 4217", lambda row: row.currency),
            Column("metric", _("Figure"), lambda row: row.name),
            Column("key", _("Key"), lambda row: row.metric.key),
            Column("left", left, lambda row: row.left),
            Column("right", right, lambda row: row.right),
            Column("difference", _("Difference"), lambda row: row.between or None),
            *columns("left", left, lambda row: row.left_figure),
            *columns("right", right, lambda row: row.right_figure),
        ],
        per_page=FURTHEST,
    )  # fmt: skip


def _plain(figure: Figure, currency: str) -> float | int | None:
    """A figure's value: money in main units, shares as fractions of one."""
    if figure.metric.unit is Unit.MONEY and figure.value is not None:
        return float(Decimal(round(figure.value)).scaleb(-minor_units(currency)))
    return figure.value


def _side(session: Session, names: dict[int, str], name: str) -> Side:
    """The side as the address asks for it; the left is the month before where nothing is asked for."""
    asked, last, error = request.args.get(name, "").strip(), request.args.get(f"{name}_to", "").strip(), None
    if last and ".." not in asked:
        asked = f"{asked or last}..{last}"
    try:
        period = parse_period(asked) if asked else None
        report = service.recovery_report(session, period)
    except UserError as refused:
        error, report, asked = said(refused), service.recovery_report(session), ""
    if not asked and name == SIDES[0] and error is None:
        first = report.period.first
        before = parse_period(f"{first.year - (first.month == 1)}-{(first.month - 2) % 12 + 1:02}")
        report = service.recovery_report(session, before)
    portfolio = request.args.get(f"{name}_portfolio", 0, type=int)
    known = portfolio in names
    return Side(report, names.get(portfolio, ""), portfolio if known else None, error)


def _rows(left: Side, right: Side, currency: str, words: Words) -> list[Row]:
    """The figures that both sides have, in the order of the report."""
    ours, theirs = _figures(left, currency), _figures(right, currency)
    return [
        Row(
            figure.metric, words(figure.metric.label), currency,
            words.figure(ours[key], currency), ours[key], left.url(ours[key], currency),
            words.figure(figure, currency), figure, right.url(figure, currency),
            _between(ours[key], figure, currency, words),
        )
        for key, figure in theirs.items()
        if key in ours
    ]  # fmt: skip


def _figures(side: Side, currency: str) -> dict[str, Figure]:
    section = next((one for one in side.report.sections if one.currency == currency), None)
    if section is None:
        return {}
    found = _of_portfolio(section, side.portfolio) if side.portfolio else _whole(section)
    return {figure.metric.key: figure for figure in found}


def _whole(section: Section) -> tuple[Figure, ...]:
    return (*section.headline, *section.funnel, *section.rates, *section.voices)


def _of_portfolio(section: Section, portfolio: str) -> tuple[Figure, ...]:
    return next((line.figures for line in section.portfolios if line.name == portfolio), ())


def _between(left: Figure, right: Figure, currency: str, words: Words) -> str:
    """The right less the left: amounts as money, rates in points."""
    if left.value is None or right.value is None:
        return ""
    apart = right.value - left.value
    if right.metric.unit in _SHARES:
        scale = 100 if right.metric.unit is Unit.PERCENT else 1000
        points: str = _("%(points)s points", points=_signed(apart * scale))
        return points
    if right.metric.unit is Unit.MONEY:
        return ("+" if apart > 0 else "") + words.money(int(apart), currency)
    return _signed(apart)


def _signed(apart: float) -> str:
    rounded = round(apart, 1) or 0.0
    return ("+" if rounded > 0 else "") + number(rounded)
