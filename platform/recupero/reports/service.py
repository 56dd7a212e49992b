"""Builds a creditor's recovery report: the figures of `queries`, added up by currency, portfolio, channel and
placement month, as `metrics` defines them."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date

from sqlalchemy.orm import Session

from recupero.kernel import clock
from recupero.kernel.errors import UserError
from recupero.reports import costs
from recupero.reports import metrics as m
from recupero.reports.metrics import Figure
from recupero.reports.periods import Period, current_month, months_between, parse_period
from recupero.reports.queries import Activity, Cost, Flow, Group, Placed, Promised, Reader, Voices
from recupero.reports.report import Costs, Line, MonthFlow, RecoveryReport, Section, Vintage
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


def recovery_report(session: Session, period: Period | None = None) -> RecoveryReport:
    """The report of the tenant in scope, over `period` or the current month of its time zone.

    Raises UserError where the period begins in the future.
    """
    tenant = tenancy.tenant(session)
    period = period or current_month(tenant.timezone)
    if period.first > clock.today(tenant.timezone):
        raise UserError(
            "the period %(period)s has not begun yet: choose an earlier one", field="period", period=period
        )
    source = _Source.read(Reader(session, period, tenant.timezone), period)
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


@dataclass(frozen=True, slots=True)
class _Only:
    """Accounts of one portfolio, one batch or one placement month."""

    portfolio_id: int | None = None
    batch_id: int | None = None
    cohort: date | None = None

    def has(self, row: Placed | Flow) -> bool:
        return (
            self.portfolio_id in (None, row.portfolio_id)
            and self.batch_id in (None, row.batch_id)
            and self.cohort in (None, row.cohort)
        )


@dataclass(frozen=True, slots=True)
class _Source:
    """What was read, before it is added up."""

    period: Period
    placed: list[Placed]
    flows: list[Flow]
    activity: dict[Group, Activity]
    workable: dict[Group, int]
    promises: dict[Group, Promised]
    payments: dict[Group, int]
    voices: dict[Group, Voices]
    costs: list[Cost]
    names: dict[tuple[str, int], str] = field(repr=False)

    @classmethod
    def read(cls, reader: Reader, period: Period) -> "_Source":
        return cls(
            period, reader.placed(), reader.flows(), reader.activity(), reader.workable(),
            reader.promises(), reader.payment_counts(), reader.voices(), reader.costs(),
            reader.names(),
        )  # fmt: skip

    def of(self, currency: str, only: "_Only | None" = None) -> "_Money":
        """The money of a currency, on all accounts or on those that `only` names."""

        def picks(row: Placed | Flow) -> bool:
            return row.currency == currency and (only is None or only.has(row))

        return _Money(
            self.period,
            [row for row in self.placed if picks(row)],
            [row for row in self.flows if picks(row)],
        )

    def at(self, group: Group) -> "_Counts":
        return _Counts(
            self.activity.get(group, Activity(group, *[0] * 8)),
            self.workable.get(group, 0),
            self.promises.get(group, Promised(group, *[0] * 7)),
            self.payments.get(group, 0),
            self.voices.get(group, Voices(group, 0, 0, 0)),
        )


@dataclass(frozen=True, slots=True)
class _Money:
    """Placed balances and money moved, of one currency."""

    period: Period
    placed: list[Placed]
    flows: list[Flow]

    def _within(self, month: date) -> bool:
        return self.period.first <= month <= self.period.last

    def placed_accounts(self) -> Figure:
        return Figure(m.PLACED_ACCOUNTS, sum(row.accounts for row in self.placed))

    def placed_balance(self) -> Figure:
        return Figure(m.PLACED, self._balance())

    def placed_in_period(self) -> Figure:
        within = [row.placed_minor for row in self.placed if self._within(row.cohort)]
        return Figure(m.PLACED_IN_PERIOD, sum(within))

    def _balance(self) -> int:
        return sum(row.placed_minor for row in self.placed)

    def _received(self, months: Callable[[date], bool]) -> int:
        return sum(row.received_minor + row.reversed_minor for row in self.flows if months(row.month))

    def collected(self) -> Figure:
        return Figure(m.COLLECTED, self._received(self._within))

    def collected_agency(self) -> Figure:
        return Figure(m.COLLECTED_AGENCY, self._by_way(direct=False))

    def collected_direct(self) -> Figure:
        return Figure(m.COLLECTED_DIRECT, self._by_way(direct=True))

    def _by_way(self, *, direct: bool) -> int:
        rows = [row for row in self.flows if row.direct is direct and self._within(row.month)]
        return sum(row.received_minor + row.reversed_minor for row in rows)

    def reversed(self) -> Figure:
        return Figure(m.REVERSED, -sum(row.reversed_minor for row in self.flows if self._within(row.month)))

    def liquidation(self, last: date | None = None) -> Figure:
        until = last or self.period.last
        return Figure(m.LIQUIDATION, self._received(lambda month: month <= until), self._balance())

    def liquidation_net(self) -> Figure:
        valid = self._balance() - sum(row.invalid_minor for row in self.placed)
        return Figure(m.LIQUIDATION_NET, self._received(lambda month: True), valid)

    def in_month(self, wanted: date, first: date) -> Figure:
        """One step. Money dated before the placement month belongs to month 0, so that the steps add up."""
        early = wanted == first
        paid = self._received(lambda month: month == wanted or (early and month < first))
        return Figure(m.LIQUIDATION_IN_MONTH, paid, self._balance())

    def fee(self) -> Figure:
        return Figure(m.FEES, sum(row.fee_minor for row in self.flows if self._within(row.month)))

    def fee_tax(self) -> Figure:
        return Figure(m.FEE_TAX, sum(row.tax_minor for row in self.flows if self._within(row.month)))

    def average_fee(self) -> Figure:
        return Figure(m.AVERAGE_FEE, self.fee().numerator, self.collected().numerator)

    def net_back(self) -> Figure:
        return Figure(m.NET_BACK, self.collected().numerator - self.fee().numerator)

    def net_back_rate(self) -> Figure:
        charged = sum(row.fee_minor for row in self.flows)
        return Figure(m.NET_BACK_RATE, self._received(lambda month: True) - charged, self._balance())

    def pif(self) -> Figure:
        return Figure(m.PIF_RATE, sum(row.pif for row in self.placed), self.placed_accounts().numerator)

    def sif(self) -> Figure:
        return Figure(m.SIF_RATE, sum(row.sif for row in self.placed), self.placed_accounts().numerator)

    def by_month(self, month: date) -> MonthFlow:
        def way(direct: bool) -> int:
            rows = [row for row in self.flows if row.direct is direct and row.month == month]
            return sum(row.received_minor + row.reversed_minor for row in rows)

        return MonthFlow(month, way(False), way(True))


@dataclass(frozen=True, slots=True)
class _Counts:
    """What happened within the period in one group."""

    activity: Activity
    workable: int
    promised: Promised
    payments: int
    voices: Voices

    def funnel(self) -> tuple[Figure, ...]:
        """Attempts → contacts → right-party contacts → promises → payments."""
        return (
            Figure(m.ATTEMPTS, self.activity.attempts),
            Figure(m.CONNECTS, self.activity.connects),
            Figure(m.RIGHT_PARTY, self.activity.right_party),
            Figure(m.PROMISES, self.promised.made),
            Figure(m.PAYMENTS, self.payments),
        )

    def penetration(self) -> Figure:
        return Figure(m.PENETRATION, self.activity.workable_attempted, self.workable)

    def intensity(self) -> Figure:
        return Figure(m.INTENSITY, self.activity.attempts, self.activity.attempted)

    def connect_rate(self) -> Figure:
        return Figure(m.CONNECT_RATE, self.activity.attempts_answered, self.activity.attempts)

    def right_party_rate(self) -> Figure:
        return Figure(m.RIGHT_PARTY_RATE, self.activity.right_party, self.activity.attempts)

    def contactability(self) -> Figure:
        return Figure(m.CONTACTABILITY, self.activity.workable_reached, self.workable)

    def promise_rate(self) -> Figure:
        return Figure(m.PROMISE_RATE, self.promised.made, self.activity.right_party)

    def kept_rate(self) -> Figure:
        return Figure(m.KEPT_RATE, self.promised.kept, self.promised.due)

    def settled_promises(self) -> tuple[Figure, ...]:
        due = self.promised.due
        return (
            self.kept_rate(),
            Figure(m.PARTLY_KEPT_RATE, self.promised.partly, due),
            Figure(m.BROKEN_RATE, self.promised.broken, due),
            Figure(m.KEPT_VALUE_RATE, self.promised.counted_minor, self.promised.promised_minor),
        )

    def what_they_say(self) -> tuple[Figure, ...]:
        """Complaints, disputes and opt-outs over accounts attempted, and contacts against the law."""
        attempted = self.activity.attempted
        return (
            Figure(m.COMPLAINT_RATE, self.voices.complaints, attempted),
            Figure(m.DISPUTE_RATE, self.voices.disputes, attempted),
            Figure(m.OPT_OUT_RATE, self.voices.opt_outs, attempted),
            Figure(m.OUT_OF_POLICY, self.activity.out_of_policy, self.activity.attempts),
        )


def _section(source: _Source, currency: str) -> Section:
    money, counts = source.of(currency), source.at(Group(currency, None, None))
    return Section(
        currency=currency,
        headline=_headline(money),
        funnel=counts.funnel(),
        rates=(
            Figure(m.WORKABLE, counts.workable),
            counts.penetration(), counts.intensity(), counts.connect_rate(), counts.right_party_rate(),
            counts.contactability(), counts.promise_rate(), *counts.settled_promises(),
            money.pif(), money.sif(),
        ),
        voices=counts.what_they_say(),
        portfolios=tuple(_portfolios(source, currency)),
        channels=tuple(_channels(source, currency)),
        vintages=tuple(_vintages(source, currency)),
        batches=tuple(_batches(source, currency)),
        flows=tuple(money.by_month(month) for month in _shown_months(money)),
        costs=tuple(_costs(source, currency)),
    )  # fmt: skip


def _shown_months(money: _Money) -> list[date]:
    """The months of the period, and the ones before it that make up a year, from the first placement on."""
    begun = min((row.cohort for row in money.placed), default=money.period.first)
    months = months_between(min(begun, money.period.first), money.period.last)
    return months[-max(SHOWN_MONTHS, len(money.period.months())) :]


def _headline(money: _Money) -> tuple[Figure, ...]:
    return (
        money.collected(), money.collected_agency(), money.collected_direct(), money.reversed(),
        money.placed_accounts(), money.placed_balance(), money.placed_in_period(),
        money.liquidation(), money.liquidation_net(),
        money.fee(), money.fee_tax(), money.average_fee(), money.net_back(), money.net_back_rate(),
    )  # fmt: skip


def _portfolios(source: _Source, currency: str) -> Iterable[Line]:
    wanted = {row.portfolio_id for row in source.placed if row.currency == currency}
    for portfolio in sorted(wanted, key=lambda portfolio: source.names["portfolio", portfolio]):
        money = source.of(currency, _Only(portfolio_id=portfolio))
        counts = source.at(Group(currency, portfolio, None))
        yield Line(
            source.names["portfolio", portfolio],
            (
                money.placed_accounts(), money.placed_balance(), money.collected(), money.liquidation(),
                counts.penetration(), counts.intensity(), counts.right_party_rate(),
                Figure(m.PROMISES, counts.promised.made), counts.kept_rate(), money.net_back(),
            ),
        )  # fmt: skip


def _channels(source: _Source, currency: str) -> Iterable[Line]:
    """By channel; an empty name holds what no contact brought."""
    groups = [*source.activity, *source.promises, *source.payments]
    named = {group.channel for group in groups if group.currency == currency and group.channel is not None}
    moved = {
        row.channel for row in source.flows if row.currency == currency and source.period.first <= row.month
    }
    for channel in sorted(named | moved, key=lambda name: (name == "", name)):
        counts = source.at(Group(currency, None, channel))
        rows = [row for row in source.flows if row.channel == channel and row.currency == currency]
        money = _Money(source.period, [], rows)
        yield Line(
            channel,
            (
                *counts.funnel(), counts.intensity(), counts.right_party_rate(), money.collected(),
            ),
        )  # fmt: skip


def _costs(source: _Source, currency: str) -> Iterable[Costs]:
    """What contacts cost, beside what each channel brought."""
    collected: dict[str, int] = {}
    for row in source.flows:
        if row.currency == currency and source.period.first <= row.month <= source.period.last:
            collected[row.channel] = collected.get(row.channel, 0) + row.received_minor + row.reversed_minor
    here = {group: n for group, n in source.payments.items() if group.currency == currency}
    payments = {group.channel: n for group, n in here.items() if group.portfolio_id is None}
    return costs.by_currency([row for row in source.costs if row.currency == currency], collected, payments)


def _vintages(source: _Source, currency: str) -> Iterable[Vintage]:
    cohorts = sorted({row.cohort for row in source.placed if row.currency == currency})
    for cohort in cohorts:
        money = source.of(currency, _Only(cohort=cohort))
        months = months_between(cohort, source.period.last)[:MAX_STEPS]
        yield Vintage(
            cohort,
            (
                money.placed_accounts(), money.placed_balance(), money.liquidation(), money.pif(),
                money.sif(), money.net_back_rate(),
            ),
            tuple(money.in_month(month, cohort) for month in months),
            tuple(money.liquidation(month) for month in months),
        )  # fmt: skip


def _batches(source: _Source, currency: str) -> Iterable[Line]:
    for batch in sorted({row.batch_id for row in source.placed if row.currency == currency}):
        money = source.of(currency, _Only(batch_id=batch))
        yield Line(
            source.names.get(("batch", batch), str(batch)),
            (
                money.placed_accounts(), money.placed_balance(), money.liquidation(), money.liquidation_net(),
                money.pif(), money.sif(), money.net_back_rate(),
            ),
        )  # fmt: skip
