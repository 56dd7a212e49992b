"""A tenant filled with made-up accounts by set-based SQL: what benchmarks measure on and models are tested
on.

The rows say of themselves who pays: the chance falls with the days past due and rises with earlier answers,
so
that a model has something to find. Names and addresses are empty; nobody can be reached by them.
"""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.orm import Session

from recupero.kernel import clock
from recupero.kernel.database import scope_of

_DEBTORS = """
WITH made AS (
    INSERT INTO people (agency_id, identity_index)
    SELECT :agency, decode(md5(:tenant || ':' || i), 'hex') FROM generate_series(1, :n) i
    RETURNING id
)
INSERT INTO debtors (tenant_id, person_id, kind, name, name_index, country, region, timezone, language,
    created_at)
SELECT :tenant, id, CASE WHEN id % 17 = 0 THEN 'firm' ELSE 'person' END, '\\x00', '\\x00', :country, :region,
    :zone, 'es', :at
FROM made
"""
_POINTS = """
INSERT INTO contact_points (tenant_id, debtor_id, kind, value, value_index, line_type, timezone, at_work,
status, source,
    created_at)
SELECT :tenant, d.id, k.kind, '\\x00', decode(md5(d.id || k.kind), 'hex'), k.line, k.zone, false, 'untested',
'made', :at
FROM debtors d
CROSS JOIN (VALUES ('email', NULL, NULL), ('phone', 'mobile', :zone)) AS k(kind, line, zone)
WHERE d.tenant_id = :tenant AND hashint8(d.id + length(k.kind)) % 10 <> 0
"""
_ACCOUNTS = """
INSERT INTO accounts (tenant_id, portfolio_id, batch_id, debtor_id, client_account, product, currency,
delinquency_date,
    due_date, placement_number, placed_on, placed_minor, principal_minor, interest_minor, fee_minor,
    cost_minor,
    tax_minor, balance_minor, status, stage, status_changed_at)
SELECT :tenant, :portfolio, 0, d.id, 'A' || d.id, 'loan', :currency, x.due, x.due, 1, CAST(:placed AS
timestamptz)::date,
    x.owed, x.owed, 0, 0, 0, 0, x.owed, 'active', 'unreached', :placed
FROM debtors d CROSS JOIN LATERAL (SELECT
    (CAST(:placed AS timestamptz)::date - (30 + abs(hashint8(d.id)) % 300)) AS due,
    (20000 + abs(hashint8(d.id * 7)) % 900000)::bigint AS owed) x
WHERE d.tenant_id = :tenant
"""
_CONTACTS = """
INSERT INTO contacts (tenant_id, debtor_id, account_id, person_id, direction, channel, recipient, purpose,
at, state,
    state_at, right_party, cost_minor)
SELECT :tenant, a.debtor_id, a.id, d.person_id, 'outbound', x.channel, 'debtor', 'collection', x.at,
    x.state, x.at + interval '3 hours', x.state = 'answered', 0
FROM accounts a JOIN debtors d ON d.tenant_id = a.tenant_id AND d.id = a.debtor_id
CROSS JOIN generate_series(1, :contacts) i
CROSS JOIN LATERAL (SELECT
    CASE WHEN hashint8(a.id + i * 31) % 2 = 0 THEN 'email' ELSE 'sms' END AS channel,
    CASE WHEN abs(hashint8(a.id * 3 + i)) % 10 = 0 THEN 'answered' ELSE 'sent' END AS state,
    CAST(:placed AS timestamptz) + (i * 11 + abs(hashint8(a.id + i)) % 9) * interval '1 day'
        + interval '15 hours' AS at) x
WHERE a.tenant_id = :tenant AND x.at < :at
"""
_COUNTED = """
INSERT INTO person_contacts (agency_id, person_id, tenant_id, contact_id, account_id, at, channel, direction,
outcome)
SELECT :agency, person_id, tenant_id, id, account_id, at, channel, 'outbound',
    CASE state WHEN 'answered' THEN 'answered' ELSE 'delivered' END
FROM contacts WHERE tenant_id = :tenant
"""
_PAYMENTS = """
INSERT INTO allocations (tenant_id, payment_id, transaction_id, account_id, part, amount_minor, fee_minor, at)
SELECT :tenant, a.id * 100 + i, 0, a.id, 'principal', greatest(1, a.placed_minor / 20), 0,
    CAST(:placed AS timestamptz) + (i * 12 + abs(hashint8(a.id * 13 + i)) % 10) * interval '1 day'
FROM accounts a CROSS JOIN generate_series(1, :payments) i
WHERE a.tenant_id = :tenant
  AND abs(hashint8(a.id * 17 + i)) % 1000 < 5 + 600 * exp(-(a.placed_on - a.due_date) / 50.0)
  AND CAST(:placed AS timestamptz) + (i * 12 + abs(hashint8(a.id * 13 + i)) % 10) * interval '1 day' < :at
"""
_BALANCES = """
UPDATE accounts a SET balance_minor = a.placed_minor - p.paid
FROM (SELECT account_id, sum(amount_minor) AS paid FROM allocations WHERE tenant_id = :tenant GROUP BY
account_id) p
WHERE a.tenant_id = :tenant AND p.account_id = a.id
"""

#: The tables that rows are put into.
FILLED = (
    "people", "debtors", "contact_points", "accounts", "contacts", "person_contacts", "allocations",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Filling:
    """How much to make. `contacts` and `payments` are the most per account."""

    accounts: int
    placed: datetime
    contacts: int = 5
    payments: int = 5
    country: str = "CL"
    region: str = "CL-RM"
    zone: str = "America/Santiago"
    currency: str = "CLP"


def fill(session: Session, portfolio_id: int, filling: Filling) -> None:
    """Make people, debtors, contact points, accounts, contacts and allocations of the tenant in scope."""
    scope = scope_of(session)
    values = {
        "agency": scope.agency(), "tenant": scope.tenant(), "n": filling.accounts, "portfolio": portfolio_id,
        "placed": filling.placed, "at": clock.now(), "contacts": filling.contacts,
        "payments": filling.payments,
        "country": filling.country, "region": filling.region, "zone": filling.zone,
        "currency": filling.currency,
    }  # fmt: skip
    session.execute(text("SET LOCAL enable_nestloop = off"))  # nothing is analysed yet
    for statement in (_DEBTORS, _POINTS, _ACCOUNTS, _CONTACTS, _COUNTED, _PAYMENTS, _BALANCES):
        session.execute(text(statement), {name: values[name] for name in values if f":{name}" in statement})
    session.execute(text("SET LOCAL enable_nestloop = on"))
