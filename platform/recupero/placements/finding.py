"""Accounts found by what somebody typed: their number, or their debtor's reference, national id, phone,
e-mail or name. Each by an index of the tenants in scope, however many accounts there are."""

from collections.abc import Sequence
from enum import StrEnum
from typing import Any

import phonenumbers
from sqlalchemy import CTE, ColumnElement, Select, false, func, literal, select, true, union, union_all
from sqlalchemy.orm import Session

from recupero.kernel import crypto
from recupero.kernel.bulk import among
from recupero.kernel.database import scope_of
from recupero.placements import names, normalise
from recupero.placements.tables import Account, ContactPoint, Debtor

#: Of so many people with the name, the newest, those of exactly that name are put first.
_RANKED = 500


class Way(StrEnum):
    """By what an account was found."""

    ACCOUNT = "account"
    IDENTITY = "identity"
    REACH = "reach"  # phone or e-mail
    NAME = "name"


def find(session: Session, typed: str, countries: Sequence[str], limit: int = 50) -> dict[Way, list[int]]:
    """Ids of the accounts of the tenants in scope that `typed` leads to, at most `limit` by each way; those
    of exactly the name first, then the newest. `countries`: where ids and phones are local."""
    every = _every(session, typed, countries).subquery()
    best = (every.c.exactly.desc(), every.c.id.desc())
    place = func.row_number().over(partition_by=every.c.way, order_by=best)
    ranked = select(every, place.label("place")).subquery()
    rows = session.execute(
        select(ranked.c.way, ranked.c.id).where(ranked.c.place <= limit).order_by(ranked.c.place)
    )
    by_way: dict[Way, list[int]] = {}
    for way, account_id in rows:
        by_way.setdefault(Way(way), []).append(account_id)
    return {way: by_way[way] for way in Way if way in by_way}


def found(session: Session, typed: str, countries: Sequence[str]) -> Select[*tuple[Any, ...]]:
    """Ids of all accounts that `typed` leads to, by whichever way; by a name that many bear, the newest."""
    return select(_every(session, typed, countries).subquery().c.id)


def _every(session: Session, typed: str, countries: Sequence[str]) -> Select[*tuple[Any, ...]]:
    """The accounts by each `way`, each once, and whether it is by `exactly` the name that was typed."""
    debtors = _debtors(session, typed, countries)
    # Debtors are found before any account is looked at, and each one's accounts by its key: of a creditor
    # whose rows PostgreSQL does not know of yet it would compare every debtor with every account.
    theirs = (Account.tenant_id == debtors.c.tenant_id) & (Account.debtor_id == debtors.c.id)
    owed = select(Account.id).where(theirs).offset(0).lateral()
    by_debtor = select(debtors.c.way, owed.c.id, debtors.c.exactly).join_from(debtors, owed, true())
    numbered = select(literal(Way.ACCOUNT.value).label("way"), Account.id, false().label("exactly")).where(
        among(Account.tenant_id, scope_of(session).tenant_ids),
        Account.client_account.in_(_spelled(typed)),
    )
    every = union_all(numbered, by_debtor).subquery()
    return select(every.c.way, every.c.id, every.c.exactly)


def _debtors(session: Session, typed: str, countries: Sequence[str]) -> CTE:
    """Debtors of the tenants in scope that `typed` leads to, by each way once."""
    tenants, ring = scope_of(session).tenant_ids, crypto.keyring()
    ids = [ring.blind_index(normalise.national_id_key(country, typed)) for country in countries]
    points = [ring.blind_index(key) for key in _point_keys(typed, countries)]
    exactly = Debtor.name_index == ring.blind_index(normalise.name_key(typed))

    def debtors(
        way: Way, condition: ColumnElement[bool], exactly: ColumnElement[bool]
    ) -> Select[*tuple[Any, ...]]:
        columns = (literal(way.value).label("way"), Debtor.tenant_id, Debtor.id, exactly.label("exactly"))
        return select(*columns).where(among(Debtor.tenant_id, tenants), condition)

    reached = select(
        literal(Way.REACH.value).label("way"), ContactPoint.tenant_id, ContactPoint.debtor_id, false()
    ).where(among(ContactPoint.tenant_id, tenants), among(ContactPoint.value_index, points))
    return (
        union(
            debtors(Way.IDENTITY, among(Debtor.national_id_index, ids), false()),
            debtors(Way.IDENTITY, Debtor.client_reference.in_(_spelled(typed)), false()),
            reached,
            debtors(Way.NAME, among(Debtor.id, names.bearing(session, typed, _RANKED)), exactly),
        )
        .cte("meant")
        .prefix_with("MATERIALIZED")
    )


def _spelled(typed: str) -> list[str]:
    return sorted({typed, typed.upper()})


def _point_keys(typed: str, countries: Sequence[str]) -> list[str]:
    if "@" in typed:
        return [normalise.email_key(typed)]
    return [normalise.phone_key(number) for number in sorted(_numbers(typed, countries))]


def _numbers(typed: str, countries: Sequence[str]) -> set[str]:
    """What was typed as a phone number of each country, in E.164, and as one with its country's digits but no
    sign before them; nothing where it is none."""
    spelled = [(typed, country) for country in countries] + [(f"+{typed.lstrip('+0 ')}", None)]
    found: set[str] = set()
    for number, country in spelled:
        try:
            parsed = phonenumbers.parse(number, country)
        except phonenumbers.NumberParseException:
            continue
        found.add(phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164))
    return found
