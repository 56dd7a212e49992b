"""A creditor of any size for `recupero bench report`, made by set-based SQL as the tables' owner: five
portfolios, a file for each in every one of thirty-six months; ten moves of money and twenty contacts an
account.

Triggers rest meanwhile, and the roll-ups are rebuilt afterwards.
"""

from datetime import datetime, timedelta

import psycopg

from recupero.kernel.database import Scope

PORTFOLIOS, MONTHS = 5, 36
LINES_OF_AN_ACCOUNT = 10  # two of each payment: interest and principal
CONTACTS_OF_AN_ACCOUNT = 20
DAYS = MONTHS * 30
FILLED = ("debtors", "accounts", "holds", "promises", "payments", "allocations", "contacts")
_A_PIECE = 200_000  # accounts whose rows are made at a time

_SETTINGS = """
SET session_replication_role = replica; SET maintenance_work_mem = '256MB'; SET work_mem = '64MB';
SET synchronous_commit = off
"""
_NAMED = """
INSERT INTO portfolios (tenant_id, id, name, country, currency, product, placement_number, terms, strategy,
                        law, created_at)
OVERRIDING SYSTEM VALUE
SELECT %(tenant)s, p, 'Cartera ' || p, 'CL', 'CLP', 'card', 1, '{"commission_rate": 2000}', '{}',
       '{}', %(begun)s
FROM generate_series(1, %(portfolios)s) p;
INSERT INTO import_batches (tenant_id, id, portfolio_id, kind, file_name, status, row_count, accepted,
                            rejected, quarantined, duplicates, control_totals, mapping, created_by,
                            started_at)
OVERRIDING SYSTEM VALUE
SELECT %(tenant)s, m * %(portfolios)s + p, p, 'placement', 'cartera-' || p || '-' || m || '.csv', 'done',
       0, 0, 0, 0, 0, '{}', '{}', 'bench', %(begun)s
FROM generate_series(1, %(portfolios)s) p, generate_series(1, %(months)s) m
"""
_PEOPLE = """
INSERT INTO debtors (tenant_id, id, person_id, kind, name, name_index, country, timezone, language,
                     created_at)
OVERRIDING SYSTEM VALUE
SELECT %(tenant)s, i, i, 'person', '', '\\x00', 'CL', 'America/Santiago', 'es', %(begun)s
FROM generate_series(%(first)s, %(last)s) i
"""
_ACCOUNTS = """
INSERT INTO accounts (tenant_id, id, portfolio_id, batch_id, debtor_id, client_account, currency,
    delinquency_date, due_date, placement_number, placed_on, placed_minor, principal_minor, interest_minor,
    fee_minor, cost_minor, tax_minor, balance_minor, status, stage, close_code, closed_at, status_changed_at)
OVERRIDING SYSTEM VALUE
SELECT %(tenant)s, i, x.p, x.m * %(portfolios)s + x.p, i, 'B' || i, 'CLP', x.placed - 90, x.placed - 90, 1,
    x.placed, 100000, 90000, 10000, 0, 0, 0, 60000, x.status, 'unreached',
    CASE x.status WHEN 'resolved' THEN 'PIF' WHEN 'returned' THEN 'EXHAUSTED' END,
    CASE WHEN x.status <> 'active' THEN x.placed::timestamptz + interval '200 days' END, %(begun)s
FROM (
    SELECT i, i %% %(portfolios)s + 1 AS p, i %% %(months)s + 1 AS m,
           (%(begun)s::date + (i %% %(months)s)::int * 30 + (i %% 28)::int) AS placed,
           CASE WHEN i %% 11 = 0 THEN 'resolved' WHEN i %% 7 = 0 THEN 'returned' ELSE 'active' END AS status
    FROM generate_series(%(first)s, %(last)s) i
) x
"""
_HOLDS = """
INSERT INTO holds (tenant_id, debtor_id, account_id, kind, source, started_at, until)
SELECT %(tenant)s, i, i, (ARRAY['complaint', 'dispute', 'promise'])[i %% 3 + 1],
       'bench', %(begun)s + (i %% %(days)s) * interval '1 day',
       %(begun)s + (i %% %(days)s + 20) * interval '1 day'
FROM generate_series(%(first)s, %(last)s, 9) i
"""
_PROMISES = """
INSERT INTO promises (tenant_id, account_id, debtor_id, amount_minor, currency, made_at, due_date, state,
                      paid_minor, made_with, channel)
SELECT %(tenant)s, i, i, 1000, 'CLP', %(begun)s + (i %% %(days)s) * interval '1 day',
       %(begun)s::date + (i %% %(days)s)::int + 5, (ARRAY['kept', 'partly_kept', 'broken'])[i %% 3 + 1],
       (i %% 3) * 500, 'agent', 'call'
FROM generate_series(%(first)s, %(last)s, 2) i
"""
_PAYMENTS = """
INSERT INTO payments (tenant_id, id, debtor_id, external_key, kind, amount_minor, currency, account_ids,
                      rates, state, received_at, booked_at, transaction_id, channel)
OVERRIDING SYSTEM VALUE
SELECT %(tenant)s, i * 5 + k, i, 'b-' || i || '-' || k,
       CASE WHEN (i + k) %% 6 = 0 THEN 'direct' ELSE 'gateway' END,
       8000, 'CLP', ARRAY[i], '{}', 'booked', x.at, x.at, i * 5 + k,
       (ARRAY['email', 'sms', 'call', 'letter', NULL])[(i + k) %% 5 + 1]
FROM generate_series(%(first)s, %(last)s) i CROSS JOIN generate_series(0, 4) k
CROSS JOIN LATERAL (
    SELECT %(begun)s + ((i %% %(months)s) * 30 + (i * 7 + k * 61) %% (%(days)s - (i %% %(months)s) * 30))
                       * interval '1 day' AS at
) x
"""
_ALLOCATIONS = """
INSERT INTO allocations (tenant_id, payment_id, transaction_id, account_id, part, amount_minor, fee_minor,
                         tax_minor, at)
SELECT p.tenant_id, p.id, p.transaction_id, p.debtor_id, x.part, x.minor, x.minor / 5, 0, p.received_at
FROM payments p CROSS JOIN (VALUES ('interest', 1000), ('principal', 7000)) AS x(part, minor)
WHERE p.tenant_id = %(tenant)s AND p.id BETWEEN %(first)s * 5 AND %(last)s * 5 + 4
"""
_CONTACTS = """
INSERT INTO contacts (tenant_id, debtor_id, account_id, person_id, direction, channel, recipient, purpose, at,
                      state, state_at, disposition, right_party, cost_minor, cost_currency, cost_micro)
SELECT %(tenant)s, i, i, i, CASE WHEN k = 19 THEN 'inbound' ELSE 'outbound' END,
       (ARRAY['email', 'sms', 'call', 'letter', 'whatsapp'])[(i + k) %% 5 + 1], 'debtor', 'collection', x.at,
       (ARRAY['sent', 'delivered', 'answered', 'no_answer'])[(i * 3 + k) %% 4 + 1], x.at,
       CASE WHEN (i + k) %% 13 = 0 THEN 'OPEN' END, (i * 3 + k) %% 12 = 2, 0,
       CASE WHEN (i + k) %% 5 = 1 THEN 'USD' END, CASE WHEN (i + k) %% 5 = 1 THEN 7500 END
FROM generate_series(%(first)s, %(last)s) i CROSS JOIN generate_series(0, 19) k
CROSS JOIN LATERAL (
    SELECT %(begun)s + ((i %% %(months)s) * 30 + (i * 11 + k * 17) %% (%(days)s - (i %% %(months)s) * 30))
                       * interval '1 day' AS at
) x
"""


def fill(connection: psycopg.Connection[tuple[object, ...]], scope: Scope, lines: int, now: datetime) -> int:
    """Make `lines` moves of money and twice as many contacts; how many accounts."""
    accounts = max(PORTFOLIOS * MONTHS, lines // LINES_OF_AN_ACCOUNT)
    values = {
        "tenant": scope.tenant(), "portfolios": PORTFOLIOS, "months": MONTHS, "days": DAYS,
        "begun": now - timedelta(days=DAYS),
    }  # fmt: skip
    connection.execute(_SETTINGS)
    cursor = psycopg.ClientCursor(connection)  # several statements at once, with values
    cursor.execute(_NAMED, values)
    for first in range(1, accounts + 1, _A_PIECE):
        piece = values | {"first": first, "last": min(first + _A_PIECE - 1, accounts)}
        for statement in (_PEOPLE, _ACCOUNTS, _HOLDS, _PROMISES, _PAYMENTS, _ALLOCATIONS, _CONTACTS):
            cursor.execute(statement, piece)
        connection.commit()
    connection.execute("SET session_replication_role = origin")
    for table, first_free in (
        ("payments", accounts * 5 + 5),
        ("accounts", accounts + 1),
        ("debtors", accounts + 1),
    ):
        cursor.execute("SELECT setval(pg_get_serial_sequence(%s, 'id'), %s)", (table, first_free))
    connection.commit()
    return accounts
