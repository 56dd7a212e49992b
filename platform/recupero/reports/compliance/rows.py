"""The rows behind the figures of a compliance report: what it counted when it was made, looked up again by
the same conditions as `queries`. What is known of a period only later is among them, too."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from recupero.kernel.database import scope_of
from recupero.kernel.errors import NotFound
from recupero.kernel.listing import Part

_ORDER = {"at": "at", "number": "client_account", "channel": "channel"}
_CONTACTS = """
SELECT c.at, a.id AS account_id, a.client_account, c.channel, coalesce(c.disposition, c.state) AS what,
       c.id AS contact_id, c.id AS row
FROM contacts c
LEFT JOIN accounts a ON a.tenant_id = c.tenant_id AND a.id = coalesce(c.account_id, (
  SELECT min(o.id) FROM accounts o WHERE o.tenant_id = c.tenant_id AND o.debtor_id = c.debtor_id))
WHERE c.tenant_id = :tenant AND c.at >= :since AND c.at < :until AND"""
_WENT = "c.direction = 'outbound' AND c.state NOT IN ('reserved', 'failed')"
_DIRECTED = f"""{_CONTACTS} c.channel = :channel AND c.direction = :direction
  AND (c.direction = 'inbound' OR {_WENT})"""
_RULED = f"""{_CONTACTS} {_WENT} AND EXISTS (
  SELECT FROM given_verdicts v, jsonb_array_elements(v.said -> 'decided') AS one
  WHERE v.tenant_id = c.tenant_id AND v.digest = c.verdict AND one ->> 'rule' = :rule
    AND one ->> 'outcome' = :outcome)"""
_STOPPED = """
SELECT e.at, a.id AS account_id, a.client_account, x.channel, x.template AS what,
       NULL::bigint AS contact_id, e.id AS row
FROM action_events e JOIN actions x ON x.tenant_id = e.tenant_id AND x.id = e.action_id
LEFT JOIN accounts a ON a.tenant_id = x.tenant_id AND a.id = x.account_id
WHERE e.tenant_id = :tenant AND e.at >= :since AND e.at < :until AND e.state = :state
  AND split_part(e.reason, ':', 1) = :kind AND split_part(e.reason, ':', 2) = :reason"""
_SAID = """
SELECT p.at, a.id AS account_id, a.client_account, p.channel, p.kind AS what, NULL::bigint AS contact_id,
       p.id AS row
FROM permissions p
LEFT JOIN accounts a ON a.tenant_id = p.tenant_id AND a.id = (
  SELECT min(o.id) FROM accounts o WHERE o.tenant_id = p.tenant_id AND o.debtor_id = p.debtor_id)
WHERE p.tenant_id = :tenant AND p.at >= :since AND p.at < :until AND p.channel = :channel AND p.kind = :kind
  AND p.source = :source"""
#: The lines of the table of proofs: all with a verdict, those without, and ids that the report names.
_PROOFS = (
    f"{_CONTACTS} {_WENT} AND c.verdict IS NOT NULL", f"{_CONTACTS} {_WENT} AND c.verdict IS NULL",
    *[f"{_CONTACTS} c.id = ANY(:ids)"] * 4,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Row:
    """Something that a figure counted. `what`: how a contact ended, what an attempt was to say, or what was
    allowed or forbidden. Without an account where the debtor has none any more."""

    at: datetime
    account_id: int | None
    client_account: str | None
    channel: str
    what: str
    contact_id: int | None


#: Tables whose figures have rows, with the columns in which these stand.
COLUMNS = {"contacts": (2,), "rules": (4,), "blocked": (2, 3), "proofs": (1,), "permissions": (3,)}


def behind(
    session: Session, report: Mapping[str, Any], table: str, line: int, column: int, part: Part
) -> tuple[list[Row], int]:
    """A part of the rows behind a figure, the newest first unless it says otherwise, and how many there are.
    Figures are named by where `layout.tables` shows them. Raises NotFound where there is no such figure."""
    if column not in COLUMNS.get(table, ()):
        raise NotFound("no such figure")
    statement, asked = _statement(report, table, line, column)
    by = _ORDER.get(part.sort, "at")
    down = "DESC" if part.descending or part.sort not in _ORDER else "ASC"
    values = {
        "tenant": scope_of(session).tenant(), "since": report["since"], "until": report["until"], **asked,
        "limit": part.limit, "offset": part.offset,
    }  # fmt: skip
    found = session.execute(
        text(
            f"SELECT at, account_id, client_account, channel, what, contact_id, count(*) OVER ()"  # noqa: S608
            f" FROM ({statement}) x ORDER BY {by} {down} NULLS LAST, row LIMIT :limit OFFSET :offset"
        ),
        values,
    ).all()
    return [Row(*row[:-1]) for row in found], found[0][-1] if found else 0


def _statement(
    report: Mapping[str, Any], table: str, line: int, column: int
) -> tuple[str, Mapping[str, Any]]:
    if table == "proofs":
        if line >= len(_PROOFS):
            raise NotFound("no such figure")
        return _PROOFS[line], {"ids": _judged(report["proofs"], line)}
    told = report[table]
    if line >= len(told):
        raise NotFound("no such figure")
    names = {
        "contacts": ("channel", "direction"), "rules": ("rule", "outcome"), "blocked": ("kind", "reason"),
        "permissions": ("channel", "kind", "source"),
    }[table]  # fmt: skip
    asked = {name: told[line][name] for name in names}
    if table == "blocked":
        return _STOPPED, asked | {"state": "blocked" if column == COLUMNS[table][0] else "scheduled"}
    return {"contacts": _DIRECTED, "rules": _RULED, "permissions": _SAID}[table], asked


def _judged(proofs: Mapping[str, Any], line: int) -> list[int]:
    """The contacts that a line of the proofs counts: judged again, lawful, unlawful, judged otherwise."""
    unlawful = [one["contact_id"] for one in proofs["unlawful"]]
    lawful = [one for one in proofs["contact_ids"] if one not in unlawful]
    lines: list[list[int]] = [[], [], proofs["contact_ids"], lawful, unlawful, proofs["judged_otherwise"]]
    return lines[line]
