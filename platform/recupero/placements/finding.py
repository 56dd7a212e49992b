"""Accounts found by what somebody typed: their number, or their debtor's reference, national id, phone,
e-mail or name. Each by an index of the tenants in scope, however many accounts there are."""

from collections.abc import Iterable, Sequence
from enum import StrEnum
from typing import Any

import phonenumbers
from sqlalchemy import ColumnElement, Select, func, literal, select, union_all
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
    exactly = Debtor.name_index == crypto.keyring().blind_index(normalise.name_key(typed))
    ways = [
        select(literal(way.value).label("way"), Account.id, literal(value=False).label("exactly"))
        .join(Debtor, _OF_ACCOUNT)
        .where(*conditions)
        .order_by(Account.id.desc())
        .limit(limit)
        for way, conditions in _ways(session, typed, countries)
    ]
    named = names.bearing(session, typed, _RANKED)
    ways.append(
        select(literal(Way.NAME.value).label("way"), Account.id, exactly.label("exactly"))
        .join(Debtor, _OF_ACCOUNT)
        .where(among(Account.tenant_id, scope_of(session).tenant_ids), among(Account.debtor_id, named))
        .order_by(exactly.desc(), Account.id.desc())
        .limit(limit)
    )
    every = union_all(*(way.subquery().select() for way in ways)).subquery()
    rows = session.execute(
        select(every.c.way, every.c.id).order_by(every.c.exactly.desc(), every.c.id.desc())
    )
    by_way: dict[Way, dict[int, None]] = {}
    for way, account_id in rows:
        by_way.setdefault(Way(way), {})[account_id] = None
    return {way: list(by_way[way]) for way in Way if way in by_way}


def found(session: Session, typed: str, countries: Sequence[str]) -> Select[Any]:
    """Ids of all accounts that `typed` leads to, by whichever way; by a name that many bear, the newest."""
    tenants = scope_of(session).tenant_ids
    ways = [
        select(Account.id).join(Debtor, _OF_ACCOUNT).where(*each)
        for _, each in _ways(session, typed, countries)
    ]
    named = names.bearing(session, typed, _RANKED)
    by_name = select(Account.id).where(among(Account.tenant_id, tenants), among(Account.debtor_id, named))
    return select(union_all(*ways, by_name).subquery().c.id)


_OF_ACCOUNT = (Debtor.tenant_id == Account.tenant_id) & (Debtor.id == Account.debtor_id)


def _ways(
    session: Session, typed: str, countries: Sequence[str]
) -> Iterable[tuple[Way, tuple[ColumnElement[bool], ...]]]:
    """How accounts are found otherwise than by a name, as conditions on `Account` and `Debtor`."""
    tenants, ring = scope_of(session).tenant_ids, crypto.keyring()
    mine, spelled = among(Account.tenant_id, tenants), {typed, typed.upper()}
    yield Way.ACCOUNT, (mine, Account.client_account.in_(spelled))
    ids = [ring.blind_index(normalise.national_id_key(country, typed)) for country in countries]
    known = among(Debtor.tenant_id, tenants)
    yield Way.IDENTITY, (known, Debtor.national_id_index.in_(ids))
    yield Way.IDENTITY, (known, Debtor.client_reference.in_(spelled))
    points = select(ContactPoint.tenant_id, ContactPoint.debtor_id).where(
        among(ContactPoint.tenant_id, tenants),
        ContactPoint.value_index.in_([ring.blind_index(key) for key in _point_keys(typed, countries)]),
    )
    yield Way.REACH, (func.row(Debtor.tenant_id, Debtor.id).in_(points),)


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
