"""Payment links: short, unguessable addresses that survive a change of balance, and who may open them.

A link shows nothing about a debt until the person has proven who they are by two facts that the creditor gave
us, at least one of which a stranger does not know.
"""

import secrets
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ARRAY, String, bindparam, select, text, update
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Session

from recupero.contacts import answers
from recupero.kernel import audit, clock, crypto, events, runtime
from recupero.kernel.bulk import BYTES, NUMBERS, any_of
from recupero.kernel.database import PLATFORM, Database, Scope, scope_of
from recupero.kernel.errors import NotFound
from recupero.kernel.round_trips import Rows
from recupero.kernel.statements import Parameters, Statement, ask
from recupero.payments.events import LinkRevoked
from recupero.payments.tables import PaymentLink, PaymentLinkDirectory
from recupero.placements import identity
from recupero.placements.debts import debts_by_id, who_owes
from recupero.placements.identity import Fact

TOKEN_BYTES = 16  # 128 bits
MAX_FAILURES = 5
LOCK = timedelta(minutes=30)


@dataclass(frozen=True, slots=True)
class Door:
    """A link as whoever opens it may see it before any proof: nothing of the debt or the creditor."""

    scope: Scope
    link_id: int
    language: str
    country: str
    questions: tuple[Fact, ...]
    locked_until: datetime | None


@dataclass(frozen=True, slots=True)
class _Link:
    """An active link as making more of them needs it."""

    id: int
    accounts: frozenset[int]
    token: str


def ensure_links(
    session: Session, wanted: Mapping[int, Collection[int]], currency: str | None = None
) -> dict[int, str]:
    """The payment address of each debtor of the tenant in scope: made where there is none, widened to the
    `account_ids` of {debtor_id: account_ids}. One link per debtor and currency, two statements for all.

    `currency` is that of the accounts where whoever asks has just read it. Without it, raises ValueError
    where the accounts of one debtor have several currencies or are out of scope.
    """
    missing = dict.fromkeys(wanted, currency) if currency else _currencies(session, wanted)
    tokens: dict[int, str] = {}
    rows = _ACTIVE.rows(session, _asked(session, missing))
    while missing:
        links = _active(rows, missing)
        _widen(session, [(link, wanted[debtor_id]) for debtor_id, link in links.items()])
        tokens |= {debtor_id: link.token for debtor_id, link in links.items()}
        missing = {debtor_id: missing[debtor_id] for debtor_id in missing.keys() - links.keys()}
        if missing:
            made = _make(session, missing, wanted)
            tokens |= made
            missing = {debtor_id: missing[debtor_id] for debtor_id in missing.keys() - made.keys()}
            # What somebody else made at the same moment.
            (rows,) = ask(session, [(_ACTIVE, _asked(session, missing))]) if missing else [[]]
    return {debtor_id: address(token) for debtor_id, token in tokens.items()}


def debtor_of(session: Session, link_id: int) -> int:
    """Whose link it is, of the tenant in scope. Raises NotFound."""
    query = select(PaymentLink.debtor_id).where(
        PaymentLink.tenant_id == scope_of(session).tenant(), PaymentLink.id == link_id
    )
    debtor_id = session.execute(query).scalar_one_or_none()
    if debtor_id is None:
        raise NotFound("no such payment link")
    return debtor_id


def address(token: str) -> str:
    """Where the link of this token opens."""
    return f"{runtime.current().config.base_url}/p/{token}"


def _currencies(session: Session, wanted: Mapping[int, Collection[int]]) -> dict[int, str]:
    accounts = {account for ids in wanted.values() for account in ids}
    known = {debt.account_id: debt for debt in debts_by_id(session, accounts)}
    currencies: dict[int, str] = {}
    for debtor_id, ids in wanted.items():
        debts = [known.get(account) for account in ids]
        found = {debt.currency for debt in debts if debt is not None}
        if len(found) != 1 or any(debt is None or debt.debtor_id != debtor_id for debt in debts):
            raise ValueError(f"a link needs accounts of debtor {debtor_id}, all in one currency")
        currencies[debtor_id] = found.pop()
    return currencies


_ACTIVE = Statement(
    select(
        PaymentLink.id, PaymentLink.debtor_id, PaymentLink.currency, PaymentLink.account_ids,
        PaymentLink.token,
    ).where(
        PaymentLink.tenant_id == bindparam("tenant"), any_of(PaymentLink.debtor_id, "debtors"),
        PaymentLink.status == "active",
    )
)  # fmt: skip


def ask_links(session: Session, debtor_ids: Collection[int]) -> tuple[Statement, Parameters]:
    """What `ensure_links` asks first, for `statements.asked_together`."""
    return _ACTIVE, _asked(session, debtor_ids)


def _asked(session: Session, debtor_ids: Collection[int]) -> Parameters:
    return {"tenant": scope_of(session).tenant(), "debtors": sorted(debtor_ids)}


def _active(rows: Rows, currencies: Mapping[int, str]) -> dict[int, _Link]:
    return {
        debtor_id: _Link(number, frozenset(accounts), token)
        for number, debtor_id, currency, accounts, token in rows
        if currency == currencies.get(debtor_id)
    }


_WIDEN = text(
    "UPDATE payment_links SET account_ids = CAST(string_to_array(r.accounts, ',') AS bigint[])"
    " FROM unnest(:ids, :accounts) AS r(id, accounts)"
    " WHERE payment_links.tenant_id = :tenant AND payment_links.id = r.id"
).bindparams(bindparam("ids", type_=NUMBERS), bindparam("accounts", type_=ARRAY(String)))


def _widen(session: Session, links: Sequence[tuple[_Link, Collection[int]]]) -> None:
    """Let links that do not hold all of their accounts hold them, too."""
    wider = [(link.id, link.accounts.union(ids)) for link, ids in links if not link.accounts.issuperset(ids)]
    if wider:
        session.execute(_WIDEN, {
            "tenant": scope_of(session).tenant(), "ids": [link_id for link_id, _ in wider],
            "accounts": [_listed(accounts) for _, accounts in wider],
        })  # fmt: skip


_MAKE = Statement(text(
    "WITH made AS ("
    " INSERT INTO payment_links (tenant_id, debtor_id, account_ids, currency, token, status, failed_checks,"
    " created_at)"
    " SELECT :tenant, debtor_id, CAST(string_to_array(accounts, ',') AS bigint[]), currency, token,"
    " 'active', 0, :now"
    " FROM ROWS FROM (unnest(:debtors, :sealed), jsonb_array_elements_text(:accounts),"
    " jsonb_array_elements_text(:currencies)) AS r(debtor_id, token, accounts, currency)"
    " ON CONFLICT DO NOTHING RETURNING id, debtor_id),"
    " listed AS ("
    " INSERT INTO payment_link_directory (token_hash, agency_id, tenant_id, link_id)"
    " SELECT r.hash, :agency, :tenant, made.id FROM made"
    " JOIN unnest(:debtors, :hashes) AS r(debtor_id, hash) ON r.debtor_id = made.debtor_id)"
    " SELECT debtor_id FROM made"
).bindparams(
    bindparam("debtors", type_=NUMBERS),
    *(bindparam(name, type_=JSONB) for name in ("accounts", "currencies")),
    *(bindparam(name, type_=BYTES) for name in ("sealed", "hashes")),
))  # fmt: skip


def _make(
    session: Session, currencies: Mapping[int, str], wanted: Mapping[int, Collection[int]]
) -> dict[int, str]:
    """New links of these debtors; the tokens of those that nobody else made at the same time."""
    scope, debtors = scope_of(session), sorted(currencies)
    tokens = {debtor_id: secrets.token_urlsafe(TOKEN_BYTES) for debtor_id in debtors}
    made = _MAKE.column(session, {
        "tenant": scope.tenant(), "agency": scope.agency(), "now": clock.now(), "debtors": debtors,
        "accounts": [_listed(wanted[debtor_id]) for debtor_id in debtors],
        "currencies": [currencies[debtor_id] for debtor_id in debtors],
        "sealed": crypto.keyring().encrypt_many(list(tokens.values())),
        "hashes": [crypto.hash_token(token) for token in tokens.values()],
    })  # fmt: skip
    return {debtor_id: tokens[debtor_id] for debtor_id in made}


def _listed(ids: Collection[int]) -> str:
    return ",".join(map(str, sorted(ids)))


def revoke_link(session: Session, link_id: int, *, actor: str) -> None:
    """End a link at once; its address then says that it is no longer valid, and what a gateway opened for it
    is closed. Publishes `LinkRevoked`. Raises NotFound."""
    tenant = scope_of(session).tenant()
    done = session.execute(
        update(PaymentLink)
        .where(PaymentLink.tenant_id == tenant, PaymentLink.id == link_id, PaymentLink.status == "active")
        .values(status="revoked")
        .returning(PaymentLink.id)
    ).scalar_one_or_none()
    if done is None:
        raise NotFound("no such payment link")
    events.publish(session, LinkRevoked(link_id))
    audit.record(session, "payments.revoke_link", f"link:{link_id}", actor=actor, tenant_id=tenant)


def open_link(database: Database, token: str) -> Door | None:
    """What stands behind a token, or None where it is unknown or revoked. Notes the first opening."""
    with database.transaction(PLATFORM) as session:
        entry = session.get(PaymentLinkDirectory, crypto.hash_token(token))
    if entry is None:
        return None
    scope = Scope(entry.agency_id, (entry.tenant_id,))
    with database.transaction(scope) as session:
        link = session.get_one(PaymentLink, (entry.tenant_id, entry.link_id))
        if link.status != "active":
            return None
        link.first_opened_at = link.first_opened_at or clock.now()
        person, debts = who_owes(session, link.debtor_id), debts_by_id(session, link.account_ids)
        locked = link.locked_until if link.locked_until and link.locked_until > clock.now() else None
        questions = tuple(identity.known_facts(person, debts))[:2]
        return Door(scope, link.id, person.language, person.country, questions, locked)


def prove_identity(database: Database, door: Door, answers: Mapping[Fact, str]) -> bool:
    """Whether the answers to `door.questions` are all right; counted as `prove_by` does."""

    def all_right(session: Session, link: PaymentLink) -> bool:
        person, debts = who_owes(session, link.debtor_id), debts_by_id(session, link.account_ids)
        return identity.all_right(identity.known_facts(person, debts), door.questions, answers)

    return prove_by(database, door, all_right)


def prove_by(database: Database, door: Door, is_right: Callable[[Session, PaymentLink], bool]) -> bool:
    """Whether a proof is right. After `MAX_FAILURES` wrong tries of any kind the link is locked for `LOCK`,
    for right ones, too; tries at the same time are counted one after the other."""
    with database.transaction(door.scope) as session:
        link = session.execute(
            select(PaymentLink)
            .where(PaymentLink.tenant_id == door.scope.tenant(), PaymentLink.id == door.link_id)
            .with_for_update()
        ).scalar_one()
        if link.locked_until is not None and link.locked_until > clock.now():
            return False
        right = is_right(session, link)
        _note_try(session, link, right)
        if right:
            answers.record_visit(session, link.debtor_id)
        return right


def _note_try(session: Session, link: PaymentLink, right: bool) -> None:
    link.failed_checks = 0 if right else link.failed_checks + 1
    locked = link.failed_checks >= MAX_FAILURES
    if locked:
        link.failed_checks, link.locked_until = 0, clock.now() + LOCK
    action = "payments.identity_proved" if right else "payments.identity_failed"
    audit.record(
        session,
        action,
        f"link:{link.id}",
        actor="debtor",
        tenant_id=link.tenant_id,
        **({"locked": True} if locked else {}),
    )
