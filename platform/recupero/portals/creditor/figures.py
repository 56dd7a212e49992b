"""The figures of a period that the portal's pages show: read once for a page, and how each is written."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any
from urllib.parse import urlencode

from flask import request
from flask_babel import get_locale
from sqlalchemy.orm import Session

from recupero.kernel.errors import NotFound, UserError
from recupero.portals.creditor.own import reading, tenant_id
from recupero.portals.frame.errors import said
from recupero.reports import drill, service
from recupero.reports.figures import Figure
from recupero.reports.page import tooltip
from recupero.reports.periods import Period, begun, current_month, parse_period
from recupero.reports.report import RecoveryReport
from recupero.reports.words import Words
from recupero.tenancy import queries as tenancy


@dataclass(frozen=True)
class RowsOf:
    """Addresses of the rows behind figures: of a creditor, over a period."""

    tenant_id: int
    period: Period

    def __call__(
        self, figure: Figure, currency: str, place: Mapping[str, Any] | None = None, period: str = ""
    ) -> str | None:
        """Where the rows of a figure are shown; None where it counts nothing or has no rows of its own.
        `place` is the part of the report that it stands in, as `drill.Of` names it; `period` if it is of
        another one."""
        key = figure.metric.key
        if not figure.numerator or key not in drill.METRICS:
            return None
        asked = {"period": period or str(self.period), "currency": currency, **_place(place or {})}
        return f"/reports/{self.tenant_id}/rows/{key}?{urlencode(asked)}"


def _place(place: Mapping[str, Any]) -> dict[str, str]:
    return {
        name: f"{value:%Y-%m}" if isinstance(value, date) else str(value) for name, value in place.items()
    }


@dataclass(frozen=True, slots=True)
class Span:
    """The period that was asked for; where that does not hold this month, with the reason."""

    period: Period
    words: Words
    error: str | None = None
    status: int = 200

    @property
    def values(self) -> dict[str, Any]:
        """What every template with a period takes."""
        return {
            "span": self.period, "words": self.words, "error": self.error, "tooltip": tooltip,
            "period": self.words.period(self.period), "asked": str(self.period),
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Shown:
    """The report of the period asked for; where that does not hold, of this month, with the reason."""

    report: RecoveryReport
    words: Words
    error: str | None = None
    status: int = 200

    @property
    def values(self) -> dict[str, Any]:
        """What every template of figures takes."""
        span = Span(self.report.period, self.words, self.error)
        return {"report": self.report, "rows_of": RowsOf(tenant_id(), self.report.period), **span.values}


def locale() -> str:
    return str(get_locale() or "es")


def period_asked() -> Period | None:
    """`period=YYYY-MM[..YYYY-MM]`, or `from` and `to` of the page's form; None where nothing is asked for."""
    if whole := request.args.get("period"):
        return parse_period(whole)
    first, last = request.args.get("from"), request.args.get("to")
    if not (first or last):
        return None
    return parse_period(f"{first or last}..{last or first}")


def span(session: Session) -> Span:
    """The period in the address, for pages that need no report."""
    tenant, error, status = tenancy.tenant(session), None, 200
    try:
        period = begun(period_asked(), tenant.timezone)
    except UserError as refused:
        period, error, status = current_month(tenant.timezone), said(refused), refused.status
    words = Words.of(locale(), tenant.country)
    return Span(period, words, error, status)


def shown() -> Shown:
    """The creditor's own report of the period in the address."""
    error, status = None, 200
    with reading() as session:
        try:
            report = service.recovery_report(session, period_asked())
        except NotFound:
            raise
        except UserError as refused:
            error, status = said(refused), refused.status
            report = service.recovery_report(session, None)
    return Shown(report, service.words_for(report, locale()), error, status)


def percent(words: Words, value: float) -> str:
    """A share as charts write it."""
    return words.rate(round(value * 10_000))


def counts(figures: tuple[Figure, ...]) -> list[float]:
    return [float(figure.numerator) for figure in figures]
