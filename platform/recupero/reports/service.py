"""Builds a creditor's recovery report: the figures of `queries`, added up by currency, portfolio, channel and
placement month, as `metrics` defines them."""

from collections.abc import Iterable
from datetime import date

from sqlalchemy.orm import Session

from recupero.kernel import clock
from recupero.kernel.errors import UserError
from recupero.reports import costs
from recupero.reports import metrics as m
from recupero.reports.figures import Figure
from recupero.reports.periods import Period, begun, months_between, parse_period
from recupero.reports.queries import Group, Reader
from recupero.reports.report import Costs, Line, RecoveryReport, Section, Vintage
from recupero.reports.sums import Money, Part, Source
from recupero.reports.words import Words
from recupero.tenancy import queries as tenancy

MAX_STEPS = 24  # months of a placement's stairs that are shown
SHOWN_MONTHS = 12
MEDIA_TYPES = {
    "html": "text/html; charset=utf-8",
    "pdf": "application/pdf",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "csv": "text/csv; charset=utf-8",
    "json": "application/json",
}


def recovery_report(session: Session, period: Period | None = None, *, raw: bool = False) -> RecoveryReport:
    """The report of the tenant in scope, over `period` or the current month of its time zone; from the
    roll-ups or, slowly, from the `raw` rows.

    Raises UserError where the period begins in the future.
    """
    tenant = tenancy.tenant(session)
    period = begun(period, tenant.timezone)
    source = Source.read(Reader(session, period, raw=raw), period)
    currencies = sorted({row.currency for row in source.placed}) or [tenant.currency]
    currencies.sort(key=lambda currency: currency != tenant.currency)
    return RecoveryReport(
        tenant=tenant.name, tenant_slug=tenant.slug, period=period, timezone=tenant.timezone,
        locale=tenant.locale, country=tenant.country, generated_at=clock.now(),
        sections=tuple(_section(source, currency) for currency in currencies),
    )  # fmt: skip


def render(report: RecoveryReport, form: str, locale: str | None = None) -> bytes:
    """The report as a file: html, pdf, xlsx, csv or json, in `locale` or the tenant's own.

    Raises UserError on another form.
    """
    from recupero.reports import page, pdf, sheets  # drawing and typesetting only where something is drawn

    words = words_for(report, locale)
    if form == "json":
        return sheets.to_json(report)
    makers = {"html": page.render, "pdf": pdf.render, "xlsx": sheets.to_xlsx, "csv": sheets.to_csv}
    if form not in makers:
        raise UserError(
            "unknown format '%(form)s': use %(known)s",
            field="format",
            form=form,
            known=", ".join(MEDIA_TYPES),
        )
    return makers[form](report, words)


def words_for(report: RecoveryReport, locale: str | None = None) -> Words:
    """The words of `locale`, or of the report's own creditor."""
    return Words.of(locale or report.locale, report.country)


def period_of(text: str | None) -> Period | None:
    """The period that a query string or option names; None where it names none."""
    return parse_period(text) if text else None


def _section(source: Source, currency: str) -> Section:
    money, counts = source.of(Part(currency)), source.at(Group(currency, None, None))
    calls = source.at(Group(currency, None, "call"))
    return Section(
        currency=currency,
        headline=_headline(money),
        funnel=counts.funnel(),
        rates=(
            counts.workable(), counts.penetration(), counts.intensity(), calls.connect_rate(),
            counts.right_party_rate(), counts.contactability(), counts.promise_rate(),
            *counts.settled_promises(), money.pif(), money.sif(),
        ),
        voices=counts.what_they_say(),
        digital=_digital(source, currency),
        portfolios=tuple(_portfolios(source, currency)),
        channels=tuple(_channels(source, currency)),
        vintages=tuple(_vintages(source, currency)),
        batches=tuple(_batches(source, currency)),
        returned=tuple(_returned(source, currency, money)),
        flows=money.by_month(_shown_months(money)),
        costs=tuple(_costs(source, currency)),
    )  # fmt: skip


def _shown_months(money: Money) -> list[date]:
    """The months of the period, and the ones before it that make up a year, from the first placement on."""
    begun = min((row.cohort for row in money.placed), default=money.period.first)
    months = months_between(min(begun, money.period.first), money.period.last)
    return months[-max(SHOWN_MONTHS, len(money.period.months())) :]


def _headline(money: Money) -> tuple[Figure, ...]:
    return (
        money.collected(), money.collected_agency(), money.collected_direct(), money.reversed(),
        money.placed_accounts(), money.placed_balance(), money.placed_in_period(),
        money.liquidation(), money.liquidation_net(),
        money.fee(), money.fee_tax(), money.average_fee(), money.fee_yield(), money.net_back(),
        money.net_back_rate(),
    )  # fmt: skip


def _digital(source: Source, currency: str) -> tuple[Figure, ...]:
    """Sent → delivered → opened → link opened → paid."""
    made = source.digital(currency)
    return (
        Figure(m.DELIVERED_RATE, made.delivered, made.attempts),
        Figure(m.OPENED_RATE, made.opened, made.delivered),
        Figure(m.CLICKED_RATE, made.clicked, made.opened),
        Figure(m.PAID_RATE, made.payments, made.clicked),
    )


def _portfolios(source: Source, currency: str) -> Iterable[Line]:
    wanted = {row.portfolio_id for row in source.placed if row.currency == currency}
    for portfolio in sorted(wanted, key=lambda portfolio: source.names["portfolio", portfolio]):
        money = source.of(Part(currency, portfolio_id=portfolio))
        counts = source.at(Group(currency, portfolio, None))
        yield Line(
            source.names["portfolio", portfolio],
            (
                money.placed_accounts(), money.placed_balance(), money.collected(), money.liquidation(),
                counts.penetration(), counts.intensity(), counts.right_party_rate(),
                Figure(m.PROMISES, counts.happened.promises), counts.kept_rate(), money.net_back(),
            ),
            id=portfolio,
        )  # fmt: skip


def _channels(source: Source, currency: str) -> Iterable[Line]:
    """By channel; an empty name holds what no contact brought."""
    named = {group.channel for group in source.happened if group.currency == currency}
    for channel in sorted((one for one in named if one is not None), key=lambda name: (name == "", name)):
        counts = source.at(Group(currency, None, channel))
        collected = Figure(m.COLLECTED, counts.happened.moved_minor)
        yield Line(channel, (*counts.funnel(), counts.intensity(), counts.right_party_rate(), collected))


def _costs(source: Source, currency: str) -> Iterable[Costs]:
    """What contacts cost, beside what each channel brought."""

    def brought(channel: str | None) -> costs.Brought:
        counts = source.at(Group(currency, None, channel))
        made = counts.happened
        return costs.Brought(made.moved_minor, made.payments, made.right_party, counts.accounts.attempted)

    return costs.by_currency([row for row in source.costs if row.currency == currency], brought)


def _vintages(source: Source, currency: str) -> Iterable[Vintage]:
    cohorts = sorted({row.cohort for row in source.placed if row.currency == currency})
    for cohort in cohorts:
        money = source.of(Part(currency, cohort=cohort))
        steps, climbed = money.stairs(months_between(cohort, source.period.last)[:MAX_STEPS])
        yield Vintage(
            cohort,
            (
                money.placed_accounts(), money.placed_balance(), money.liquidation(), money.pif(),
                money.sif(), money.net_back_rate(),
            ),
            steps,
            climbed,
        )  # fmt: skip


def _batches(source: Source, currency: str) -> Iterable[Line]:
    for batch in sorted({row.batch_id for row in source.placed if row.currency == currency}):
        money = source.of(Part(currency, batch_id=batch))
        yield Line(
            source.names.get(("batch", batch), str(batch)),
            (
                money.placed_accounts(), money.placed_balance(), money.liquidation(), money.liquidation_net(),
                money.pif(), money.sif(), money.net_back_rate(),
            ),
            id=batch,
        )  # fmt: skip


def _returned(source: Source, currency: str, money: Money) -> Iterable[Line]:
    """Accounts that went back with a balance, by the reason they were closed for, over all placed."""
    placed = money.placed_accounts().numerator
    for row in sorted((one for one in source.returned if one.currency == currency), key=lambda one: one.code):
        yield Line(
            row.code,
            (Figure(m.RETURNED_RATE, row.accounts, placed), Figure(m.RETURNED_MINOR, row.balance_minor)),
        )
