"""What changes portfolios, accounts and holds. Accounts are placed by `imports`."""

from collections.abc import Collection, Iterable, Mapping
from datetime import date, datetime
from typing import Any, NamedTuple

from sqlalchemy import BigInteger, bindparam, func, or_, select, text, update
from sqlalchemy.dialects.postgresql import ARRAY, insert
from sqlalchemy.orm import Session, aliased

from recupero.kernel import audit, clock, events
from recupero.kernel.database import scope_of
from recupero.kernel.errors import Conflict, Faults, NotFound, UserError
from recupero.kernel.money import is_currency
from recupero.placements import dated_terms, strategies
from recupero.placements.events import AccountsClosed, AccountsRecalled, Held, HoldsEnded, HoldsOpened
from recupero.placements.lifecycle import BY_AGREEMENTS, CLOSE_CODES, ENDED, HOLDS, PAID, STAGES, status_of
from recupero.placements.tables import Account, Debtor, Hold, ImportMapping, Portfolio
from recupero.placements.terms import check_terms
from recupero.tenancy import queries as tenancy
from recupero.tenancy.service import LONGEST_NAME

#: A hold as it was written: of which debtor, on which of their accounts (None: all), of which kind.
OneHold = tuple[int, int | None, str]


class RanOut(NamedTuple):
    """A hold whose days are over: on everything of the debtor (account None), or on one account."""

    hold_id: int
    debtor_id: int
    account_id: int | None
    until: datetime | None


def create_portfolio(
    session: Session,
    *,
    name: str,
    country: str,
    currency: str,
    product: str,
    placement_number: int,
    terms: dict[str, Any],
    strategy: dict[str, Any],
    actor: str,
) -> Portfolio:
    """Add a portfolio to the tenant in scope. `country` ISO 3166-1 alpha-2, `terms` as `terms.TERMS` says.

    Raises UserError on an unknown currency, country, term or key of the strategy, Conflict where the name is
    taken.
    """
    tenant = scope_of(session).tenant()
    _check_portfolio(name, country, currency, placement_number)
    if session.execute(
        select(Portfolio.id).where(Portfolio.tenant_id == tenant, Portfolio.name == name.strip())
    ).first():
        raise Conflict(
            "there is a portfolio '%(name)s' already: choose another name", field="name", name=name
        )
    strategies.check(session, strategy)
    portfolio = Portfolio(
        tenant_id=tenant, name=name.strip(), country=country, currency=currency, product=product,
        placement_number=placement_number, terms=check_terms(terms), strategy=strategy,
        created_at=clock.now(),
    )  # fmt: skip
    session.add(portfolio)
    session.flush()
    strategies.keep(session, portfolio, actor=actor)
    audit.record(
        session, "placements.create_portfolio", f"portfolio:{portfolio.id}", actor=actor, tenant_id=tenant
    )
    return portfolio


def _check_portfolio(name: str, country: str, currency: str, placement_number: int) -> None:
    faults = Faults()
    if not name.strip():
        faults.note(UserError("the portfolio needs a name", field="name"))
    if len(name) > LONGEST_NAME:
        faults.note(UserError("At most %(most)s characters fit here.", field="name", most=LONGEST_NAME))
    if len(country) != 2 or not country.isalpha() or not country.isupper():
        faults.note(UserError("the country is two capital letters (ISO 3166-1), such as CL", field="country"))
    if not is_currency(currency):
        faults.note(UserError("the currency is an ISO 4217 code such as CLP or EUR", field="currency"))
    if not 1 <= placement_number <= 9:
        faults.note(UserError("the placement number counts from 1 (primary) to 9", field="placement_number"))
    faults.tell()


def set_terms(
    session: Session, portfolio_id: int, terms: dict[str, Any], *, actor: str, holds_from: date | None = None
) -> None:
    """Give a portfolio of the tenant in scope new `terms`, whole. They hold for payments and offers yet to
    come: what was earned keeps the terms that it was earned under. What accrues and the order of allocation
    hold from a day on, today unless said, and what they were is kept (`dated_terms`; a `before` in `terms` is
    not read). The audit trail keeps both.

    Raises UserError on an unknown or wild term, NotFound.
    """
    tenant = scope_of(session).tenant()
    portfolio = session.execute(
        select(Portfolio).where(Portfolio.tenant_id == tenant, Portfolio.id == portfolio_id).with_for_update()
    ).scalar_one_or_none()
    if portfolio is None:
        raise NotFound("no such portfolio")
    checked = check_terms({name: value for name, value in terms.items() if name != dated_terms.BEFORE})
    since = holds_from or clock.today(tenancy.tenant(session).timezone)
    before, portfolio.terms = portfolio.terms, dated_terms.changed(portfolio.terms, checked, since)
    if portfolio.terms != before:
        audit.record(
            session, "placements.set_terms", f"portfolio:{portfolio_id}", actor=actor, tenant_id=tenant,
            before=before, after=portfolio.terms,
        )  # fmt: skip


def set_law(session: Session, portfolio_id: int, stated: dict[str, Any], *, actor: str) -> None:
    """Keep what the law is told of a portfolio's debts, in place of what was. Raises NotFound."""
    tenant = scope_of(session).tenant()
    portfolio = session.get(Portfolio, (tenant, portfolio_id))
    if portfolio is None:
        raise NotFound("no such portfolio")
    before, portfolio.law = portfolio.law, stated
    if before != stated:
        audit.record(
            session, "placements.set_law", f"portfolio:{portfolio_id}", actor=actor, tenant_id=tenant,
            before=before, after=stated,
        )  # fmt: skip


def save_mapping(
    session: Session, *, portfolio_id: int, kind: str, name: str, spec: dict[str, Any], actor: str
) -> None:
    """Keep how a creditor's columns become our fields, under a name, in place of the one of that name.

    `spec` is JSON that `imports.spec.parse` accepts: raises UserError where it does not.
    """
    from recupero.placements.imports.spec import parse  # Polars stays out of the web process until needed

    parse(spec, kind)
    tenant = scope_of(session).tenant()
    values = {"spec": spec, "created_at": clock.now()}
    session.execute(
        insert(ImportMapping)
        .values(tenant_id=tenant, portfolio_id=portfolio_id, kind=kind, name=name, **values)
        .on_conflict_do_update(index_elements=["tenant_id", "portfolio_id", "kind", "name"], set_=values)
    )
    audit.record(
        session,
        "placements.save_mapping",
        f"portfolio:{portfolio_id}",
        actor=actor,
        tenant_id=tenant,
        name=name,
    )


def open_hold(
    session: Session,
    *,
    debtor_id: int,
    account_id: int | None,
    kind: str,
    source: str,
    until: datetime | None = None,
    since: datetime | None = None,
) -> int:
    """Stop work on the debtor, or on one account; its id. A hold of that kind that is open already stays.

    `since`: when what stops the work began, now where it is left out; terms of law run from it. Needs one
    tenant in scope. Publishes `HoldsOpened` where it is new. Raises UserError at a beginning yet to come.
    """
    if kind not in HOLDS:
        raise ValueError(f"unknown hold {kind!r}: one of {', '.join(HOLDS)}")
    if since is not None and since > clock.now():
        raise UserError("choose today or an earlier day", field="since")
    tenant = scope_of(session).tenant()
    same_account = Hold.account_id.is_(None) if account_id is None else Hold.account_id == account_id
    found = session.execute(
        select(Hold.id).where(
            Hold.tenant_id == tenant, Hold.debtor_id == debtor_id, same_account, Hold.kind == kind, is_open()
        )
    ).scalars().first()  # fmt: skip
    if found is not None:
        return found
    hold = Hold(
        tenant_id=tenant, debtor_id=debtor_id, account_id=account_id, kind=kind, source=source,
        started_at=since or clock.now(), until=until,
    )  # fmt: skip
    session.add(hold)
    session.flush()
    tell_opened(session, [(debtor_id, account_id, kind)])
    return hold.id


def hold_by_hand(
    session: Session,
    *,
    debtor_id: int,
    account_id: int | None,
    kind: str,
    actor: str,
    until: datetime | None = None,
    since: datetime | None = None,
) -> int:
    """Stop work because somebody says so; the hold's id. Raises as `open_hold`, and UserError for what is no
    hold, or one that a plan or a promise opens."""
    if kind not in HOLDS:
        raise UserError("Choose one of the reasons.", field="kind")
    if kind in BY_AGREEMENTS:
        raise UserError(
            "agree the plan or note the promise: work rests by itself while it runs", field="kind"
        )
    hold_id = open_hold(
        session, debtor_id=debtor_id, account_id=account_id, kind=kind, source=actor, until=until, since=since
    )
    audit.record(
        session, "placements.open_hold", f"hold:{hold_id}", actor=actor, tenant_id=scope_of(session).tenant(),
        kind=kind,
    )  # fmt: skip
    return hold_id


def is_open(now: Any = None) -> Any:
    """Condition on `Hold`: neither ended nor past its term. `now`: a parameter in place of the moment."""
    return Hold.ended_at.is_(None) & or_(
        Hold.until.is_(None), Hold.until > (clock.now() if now is None else now)
    )


def end_hold(session: Session, hold_id: int, *, by: str) -> None:
    """Let work go on. Publishes `HoldsEnded`. Raises NotFound where no such hold is open."""
    if not _end_where(session, Hold.id == hold_id, Hold.ended_at.is_(None), by=by):
        raise NotFound("no such hold is open")


def end_holds(session: Session, account_ids: Collection[int], kind: str, *, by: str) -> None:
    """End the open holds of a kind on these accounts, whichever there are. Publishes `HoldsEnded`."""
    _end_where(session, Hold.account_id.in_(account_ids), Hold.kind == kind, is_open(), by=by)


def end_debtor_holds(session: Session, debtor_id: int, kind: str, *, by: str) -> None:
    """End the open holds of a kind on everything of a debtor, whichever there are. Publishes `HoldsEnded`."""
    whole = Hold.account_id.is_(None)
    _end_where(session, Hold.debtor_id == debtor_id, whole, Hold.kind == kind, is_open(), by=by)


def end_run_out(session: Session, kind: str) -> list[RanOut]:
    """End the holds of a kind of the tenant in scope whose days are over, at the moment at which they were;
    these. Publishes `HoldsEnded`."""
    ended = session.execute(
        update(Hold)
        .where(
            Hold.tenant_id == scope_of(session).tenant(), Hold.kind == kind, Hold.ended_at.is_(None),
            Hold.until <= clock.now(),
        )
        .values(ended_at=Hold.until, ended_by="system")
        .returning(Hold.id, Hold.debtor_id, Hold.account_id, Hold.ended_at)
    ).all()  # fmt: skip
    for held in _by_kind(HoldsEnded, [(one.debtor_id, one.account_id, kind) for one in ended]):
        events.publish(session, held)
    return [RanOut(*one) for one in ended]


def end_of_source(session: Session, source: str, *, by: str) -> int:
    """End the open holds that came from a source; how many. Publishes `HoldsEnded`."""
    return _end_where(session, Hold.source == source, is_open(), by=by)


def count_ended_by(session: Session, by: str) -> int:
    """How many holds of the tenants in scope were ended by that."""
    mine = (Hold.tenant_id.in_(scope_of(session).tenant_ids), Hold.ended_by == by)
    return session.execute(select(func.count()).select_from(Hold).where(*mine)).scalar_one()


def reopen_ended_by(session: Session, by: str) -> int:
    """Let holds stand again that were ended by that, unless their days are over or another of their kind
    stands; how many. Publishes `HoldsOpened`."""
    again = aliased(Hold)
    another = select(again.id).where(
        again.tenant_id == Hold.tenant_id, again.debtor_id == Hold.debtor_id, again.kind == Hold.kind,
        again.ended_at.is_(None), again.account_id.is_(None) | (again.account_id == Hold.account_id),
    )  # fmt: skip
    opened = session.execute(
        update(Hold)
        .where(
            Hold.tenant_id.in_(scope_of(session).tenant_ids), Hold.ended_by == by,
            or_(Hold.until.is_(None), Hold.until > clock.now()), ~another.exists(),
        )
        .values(ended_at=None, ended_by=None)
        .returning(Hold.debtor_id, Hold.account_id, Hold.kind)
        .execution_options(synchronize_session=False)
    ).all()  # fmt: skip
    tell_opened(session, [(row[0], row[1], row[2]) for row in opened])
    return len(opened)


def _end_where(session: Session, *which: Any, by: str) -> int:
    """End these holds of the tenants in scope; how many."""
    ended = session.execute(
        update(Hold)
        .where(Hold.tenant_id.in_(scope_of(session).tenant_ids), *which)
        .values(ended_at=clock.now(), ended_by=by)
        .returning(Hold.debtor_id, Hold.account_id, Hold.kind)
    ).all()
    for held in _by_kind(HoldsEnded, ended):
        events.publish(session, held)
    return len(ended)


def tell_opened(session: Session, opened: Iterable[OneHold]) -> None:
    """Publish `HoldsOpened` for holds that were just written: debtor, account or None, kind."""
    for held in _by_kind(HoldsOpened, opened):
        events.publish(session, held)


def _by_kind(what: type[Held], holds: Iterable[OneHold]) -> list[Held]:
    found: dict[str, tuple[list[int], list[int]]] = {}
    for debtor_id, account_id, kind in holds:
        debtors, accounts = found.setdefault(kind, ([], []))
        if account_id is None:
            debtors.append(debtor_id)
        else:
            accounts.append(account_id)
    return [what(kind, tuple(debtors), tuple(accounts)) for kind, (debtors, accounts) in found.items()]


def set_stage(session: Session, account_ids: Collection[int], stage: str) -> int:
    """Move accounts within `active`; those that have ended stay. Returns how many moved."""
    if stage not in STAGES:
        raise ValueError(f"unknown stage {stage!r}: one of {', '.join(STAGES)}")
    moved = session.execute(
        update(Account)
        .where(_those(session, account_ids), Account.status.not_in(ENDED), Account.stage != stage)
        .values(stage=stage)
        .returning(Account.id)
    )
    return len(moved.all())


def close_accounts(session: Session, account_ids: Collection[int], code: str) -> list[int]:
    """End work under a close code; the ids that were open. Publishes `AccountsClosed` for these."""
    if code not in CLOSE_CODES:
        raise ValueError(f"unknown close code {code!r}: one of {', '.join(sorted(CLOSE_CODES))}")
    now = clock.now()
    closed = list(
        session.execute(
            update(Account)
            .where(_those(session, account_ids), Account.status.not_in(ENDED))
            .values(status=status_of(code), close_code=code, closed_at=now, status_changed_at=now)
            .returning(Account.id)
        ).scalars()
    )
    if closed:
        events.publish(session, AccountsClosed(tuple(closed), code))
    return closed


def name_paid(session: Session, account_ids: Collection[int], code: str) -> None:
    """Say of accounts on which nothing is owed any more whether they were paid or settled (PIF, SIF)."""
    if code not in PAID:
        raise ValueError(f"{code} does not say that an account was paid")
    session.execute(
        update(Account)
        .where(_those(session, account_ids), Account.close_code.in_(PAID))
        .values(close_code=code)
    )


def recall_accounts(session: Session, account_ids: Collection[int]) -> list[int]:
    """Give accounts back to the creditor; the ids that were open. Publishes `AccountsClosed` with the code
    RECALLED, then `AccountsRecalled`."""
    recalled = close_accounts(session, account_ids, "RECALLED")
    if recalled:
        events.publish(session, AccountsRecalled(tuple(recalled)))
    return recalled


_APPLY = text(
    "UPDATE accounts a SET balance_minor = a.balance_minor + c.delta"
    " FROM unnest(:ids, :deltas) AS c(id, delta), portfolios p"
    " WHERE a.tenant_id = ANY(:tenants) AND a.id = c.id"
    " AND p.tenant_id = a.tenant_id AND p.id = a.portfolio_id"
    " RETURNING a.id, a.status, a.close_code,"
    " a.balance_minor <= coalesce((p.terms->>'tolerance_minor')::bigint, 0) AS paid"
).bindparams(bindparam("ids", type_=ARRAY(BigInteger)), bindparam("deltas", type_=ARRAY(BigInteger)),
             bindparam("tenants", type_=ARRAY(BigInteger)))  # fmt: skip


def apply_balance(session: Session, deltas: Mapping[int, int]) -> None:
    """Change balances by the ledger's entries (minor units); only the ledger calls this.

    An account whose balance falls to the portfolio's tolerance ends as paid in full (`AccountsClosed`, PIF);
    one that was paid or settled in full and owes again, after a reversal, is active again. Raises
    ValueError on an account that is not in scope.
    """
    if not deltas:
        return
    rows = session.execute(
        _APPLY,
        {"ids": list(deltas), "deltas": list(deltas.values()), "tenants": list(scope_of(session).tenant_ids)},
    ).all()
    if len(rows) != len(deltas):
        raise ValueError(f"{len(deltas) - len(rows)} of the accounts are not in scope")
    close_accounts(session, [row.id for row in rows if row.paid and row.status not in ENDED], "PIF")
    _reopen(session, [row.id for row in rows if not row.paid and row.close_code in PAID])
    session.expire_all()


_CLOSED = text(
    "INSERT INTO earlier_closings (tenant_id, account_id, closed_at, until)"
    " SELECT tenant_id, id, closed_at, :now FROM accounts"
    " WHERE tenant_id = ANY (:tenants) AND id = ANY (:ids) AND closed_at IS NOT NULL"
)


def _reopen(session: Session, account_ids: Collection[int]) -> None:
    if not account_ids:
        return
    scope, now = scope_of(session), clock.now()
    session.execute(_CLOSED, {"tenants": list(scope.tenant_ids), "ids": list(account_ids), "now": now})
    session.execute(
        update(Account)
        .where(_those(session, account_ids))
        .values(
            status="active",
            stage="negotiating",
            close_code=None,
            closed_at=None,
            status_changed_at=now,
        )
    )


def _those(session: Session, account_ids: Collection[int]) -> Any:
    """Condition: these accounts, of the tenants in scope."""
    wanted = func.unnest(bindparam(None, list(account_ids), type_=ARRAY(BigInteger)))
    return Account.tenant_id.in_(scope_of(session).tenant_ids) & Account.id.in_(select(wanted))


def set_language(session: Session, debtor_id: int, language: str) -> None:
    """The language (ISO 639-1) in which the debtor of the tenant in scope is written to and called.

    Raises NotFound.
    """
    debtor = session.get(Debtor, (scope_of(session).tenant(), debtor_id))
    if debtor is None:
        raise NotFound("no such debtor")
    debtor.language = language
    session.flush()
