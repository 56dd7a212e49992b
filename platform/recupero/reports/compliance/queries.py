"""What a compliance report counts. Like `reports.queries` this reads the rooms' tables directly: set-based, a
fixed number of statements, for the tenant in scope between two instants (`since` included, `until` not)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from recupero.kernel.database import scope_of

_CHANNELS = """
SELECT c.direction, c.channel, count(*) AS contacts, count(DISTINCT c.debtor_id) AS people
FROM contacts c WHERE c.tenant_id = :tenant AND c.at >= :since AND c.at < :until AND (c.direction = 'inbound'
  OR c.direction = 'outbound' AND c.state NOT IN ('reserved', 'failed'))
GROUP BY c.direction, c.channel ORDER BY c.direction DESC, c.channel"""
# What was said is kept once for all contacts of whom it was said: so it is taken apart once.
_RULES = """
WITH said AS (
    SELECT c.verdict, c.pack, count(*) AS contacts FROM contacts c
    WHERE c.tenant_id = :tenant AND c.at >= :since AND c.at < :until AND c.direction = 'outbound'
  AND c.state NOT IN ('reserved', 'failed') AND c.verdict IS NOT NULL GROUP BY c.verdict, c.pack)
SELECT one ->> 'rule' AS rule, min(one ->> 'citation') AS citation, one ->> 'outcome' AS outcome,
       min(one ->> 'basis') AS basis, sum(said.contacts)::bigint AS contacts
FROM said
JOIN given_verdicts v ON v.tenant_id = :tenant AND v.digest = said.verdict
CROSS JOIN LATERAL jsonb_array_elements(v.said -> 'decided') AS one
GROUP BY 1, 3 ORDER BY 1, 3"""
_BLOCKED = """
SELECT split_part(e.reason, ':', 1) AS kind, split_part(e.reason, ':', 2) AS reason,
       count(*) FILTER (WHERE e.state = 'blocked') AS blocked,
       count(*) FILTER (WHERE e.state = 'scheduled') AS postponed
FROM action_events e
WHERE e.tenant_id = :tenant AND e.at >= :since AND e.at < :until AND e.reason IS NOT NULL
  AND (e.state = 'blocked' OR e.state = 'scheduled' AND e.reason LIKE 'law:%')
GROUP BY 1, 2 ORDER BY 1, 2"""
_UNJUDGED = """
SELECT count(*) FROM contacts c
WHERE c.tenant_id = :tenant AND c.at >= :since AND c.at < :until AND c.direction = 'outbound'
  AND c.state NOT IN ('reserved', 'failed') AND c.verdict IS NULL"""
_JUDGED = """
SELECT c.id, count(*) OVER () AS population FROM contacts c
WHERE c.tenant_id = :tenant AND c.at >= :since AND c.at < :until AND c.direction = 'outbound'
  AND c.state NOT IN ('reserved', 'failed') AND c.verdict IS NOT NULL
ORDER BY md5(CAST(:seed AS text) || ':' || c.id) LIMIT :size"""
_CASES = """
SELECT h.id, h.kind, h.account_id, a.client_account AS account, h.started_at, h.ended_at
FROM holds h LEFT JOIN accounts a ON a.id = h.account_id AND a.tenant_id = h.tenant_id
WHERE h.tenant_id = :tenant AND h.kind IN ('complaint', 'dispute')
  AND h.started_at < :until AND (h.ended_at IS NULL OR h.ended_at >= :since)
ORDER BY h.started_at, h.id"""
_OPT_OUTS = """
SELECT p.channel, p.kind, p.source, count(*) AS number, count(DISTINCT p.debtor_id) AS people
FROM permissions p
WHERE p.tenant_id = :tenant AND p.at >= :since AND p.at < :until GROUP BY 1, 2, 3 ORDER BY 1, 2, 3"""
_KEPT = {
    "contacts": ("contacts", "at"), "verdicts": ("given_verdicts", None),
    "messages": ("messages", "created_at"),
    "permissions": ("permissions", "at"), "payments": ("payments", "received_at"),
    "promises": ("promises", "made_at"), "decisions": ("action_events", "at"),
}  # fmt: skip
_ERASED = """
SELECT a.action, count(*) AS number FROM audit_events a
WHERE a.agency_id = :agency AND a.tenant_id = :tenant AND a.at >= :since AND a.at < :until
  AND a.action ~ '[.](erase|forget|remove|delete)' GROUP BY 1 ORDER BY 1"""
_AUDITED = """
SELECT count(*) FROM audit_events a
WHERE a.agency_id = :agency AND a.tenant_id = :tenant AND a.at >= :since AND a.at < :until"""


@dataclass(frozen=True, slots=True)
class Reader:
    """Reads within a transaction of one tenant, its agency in scope."""

    session: Session
    since: datetime
    until: datetime

    def _rows(self, statement: str, **more: Any) -> Sequence[dict[str, Any]]:
        scope = scope_of(self.session)
        values = {
            "tenant": scope.tenant(),
            "agency": scope.agency(),
            "since": self.since,
            "until": self.until,
        }
        return [dict(row) for row in self.session.execute(text(statement), {**values, **more}).mappings()]

    def channels(self) -> Sequence[dict[str, Any]]:
        """Contacts and people by direction and channel."""
        return self._rows(_CHANNELS)

    def rules(self) -> Sequence[dict[str, Any]]:
        """For each rule of law or house that decided: what it said of how many contacts."""
        return self._rows(_RULES)

    def blocked(self) -> Sequence[dict[str, Any]]:
        """Attempts that were stopped or put off, by kind of reason (law, hold, content, …) and rule."""
        return self._rows(_BLOCKED)

    def unjudged(self) -> int:
        """Contacts that went out and have no verdict; there should be none."""
        return int(self._rows(_UNJUDGED)[0]["count"])

    def sample(self, seed: str, size: int) -> tuple[int, list[int]]:
        """How many contacts have a verdict, and the ids of `size` of them: the same for the same seed."""
        rows = self._rows(_JUDGED, seed=seed, size=size)
        return (rows[0]["population"] if rows else 0), sorted(row["id"] for row in rows)

    def cases(self) -> Sequence[dict[str, Any]]:
        """Complaints and disputes that were open at some time of the period."""
        return self._rows(_CASES)

    def opt_outs(self) -> Sequence[dict[str, Any]]:
        """What people allowed and forbade, by channel and where it was said."""
        return self._rows(_OPT_OUTS)

    def kept(self) -> list[dict[str, Any]]:
        """How many records of each kind there are now, and since when."""
        found = []
        for name, (table, at) in _KEPT.items():
            oldest = f"min({at})" if at else "NULL::timestamptz"
            statement = (
                f"SELECT count(*) AS number, {oldest} AS oldest FROM {table} WHERE tenant_id = :tenant"  # noqa: S608 - names of ours
            )
            found.append({"records": name, **self._rows(statement)[0]})
        return found

    def erased(self) -> Sequence[dict[str, Any]]:
        """What was erased or removed by hand within the period, as the audit trail has it."""
        return self._rows(_ERASED)

    def audited(self) -> int:
        """Events of the tenant in the audit trail within the period."""
        return int(self._rows(_AUDITED)[0]["count"])
