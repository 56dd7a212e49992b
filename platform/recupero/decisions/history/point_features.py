"""What is known of a number or an address at a moment: where it came from, and what came of using it.

One set-based statement, for attempts of the past (to learn from) or for the points of now (to rank them):
both ask the same of the same rows, and nothing that became known later changes an earlier row.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from sqlalchemy.orm import Session

from recupero.decisions.columns import Floats, Ints, narrowed, read
from recupero.decisions.history.attempts import MADE, Rows, rows_of
from recupero.decisions.history.feature_list import Spec
from recupero.decisions.history.known_results import RESULTS, known
from recupero.kernel.database import scope_of
from recupero.kernel.marking import N_

_USE = "how the attempt is made; of a point that is ranked: telephones are called, the others written to"
_POINT = "the contact point"
_ADDED = "set when it was added"
_HERE = "attempts at this point within a year"
_KNOWN = "attempts before the moment, results by the time they became known"

POINT_FEATURES: tuple[Spec, ...] = (
    Spec("point_called", N_("Used for calls"), "1 where it is called", "0 or 1", _USE, "the attempt",
         "(p.channel = 'call')::int"),
    Spec("point_texted", N_("Used for short messages"), "1 where a short message goes to it", "0 or 1", _USE,
         "the attempt", "(p.channel IN ('sms', 'whatsapp'))::int"),
    Spec("point_mailed", N_("Used for e-mail"), "1 where an e-mail goes to it", "0 or 1", _USE, "the attempt",
         "(p.channel = 'email')::int"),
    Spec("point_mobile", N_("Mobile number"), "1 for a mobile number", "0 or 1", _POINT, _ADDED,
         "(lower(coalesce(p.line_type, '')) LIKE '%%mobile%%')::int"),
    Spec("point_fixed", N_("Fixed line"), "1 for a fixed line", "0 or 1", _POINT, _ADDED,
         "(lower(coalesce(p.line_type, '')) IN ('fixed_line', 'landline'))::int"),
    Spec("point_at_work", N_("At work"), "1 where it is at work", "0 or 1", _POINT, _ADDED, "p.at_work::int"),
    Spec("point_placed", N_("From the creditor's file"), "1 where the placement file brought it", "0 or 1",
         _POINT, _ADDED, "(p.source = 'placement')::int"),
    Spec("point_age", N_("Days known"), "days since it was added", "days", _POINT, "the moment",
         "extract(epoch FROM p.moment - p.created_at) / 86400"),
    Spec("point_newer", N_("Newer ones of its kind"),
         "points of the same kind and debtor that were added later",
         "count", "contact points", "points added at or before the moment", "coalesce(n.newer, 0)"),
    Spec("point_others", N_("Others of its kind"), "other points of the same kind and debtor", "count",
         "contact points", "points added at or before the moment", "coalesce(n.others, 0)"),
    Spec("point_shared", N_("Shared with other people"), "other debtors of the creditor who have it, too",
         "count", "contact points", "points added at or before the moment", "coalesce(s.shared, 0)"),
    Spec("point_attempts", N_("Attempts"), "attempts in a year", "count", _HERE, _KNOWN,
         "coalesce(e.attempts, 0)"),
    Spec("point_attempts_30d", N_("Attempts lately"), "attempts in 30 days", "count", _HERE, _KNOWN,
         "coalesce(e.lately, 0)"),
    Spec("point_answers", N_("Answers"), "attempts that somebody answered", "count", _HERE, _KNOWN,
         "coalesce(e.answers, 0)"),
    Spec("point_right", N_("Reached the person"), "attempts that reached the right person", "count", _HERE,
         _KNOWN, "coalesce(e.reached, 0)"),
    Spec("point_right_since", N_("Days since it reached them"),
         "since it last reached the right person; unknown"
         " where it never did", "days", _HERE, _KNOWN, "extract(epoch FROM p.moment - e.newest) / 86400"),
    Spec("point_third", N_("Somebody else answered"), "attempts at which somebody else answered", "count",
         _HERE,
         _KNOWN, "coalesce(e.third, 0)"),
    Spec("point_failed", N_("Came back or rang nowhere"),
         "attempts that bounced or met a wrong or dead number",
         "count", _HERE, _KNOWN, "coalesce(e.failed, 0)"),
    Spec("point_proven", N_("Proven by a code"), "1 where a code that was sent to it was used", "0 or 1",
         "codes of payment pages", "used at or before the moment", "(v.point_id IS NOT NULL)::int"),
    Spec("point_right_elsewhere", N_("Reached elsewhere"),
         "attempts at the debtor's other points that reached them",
         "count", "attempts at the debtor within a year", _KNOWN, "coalesce(o.reached, 0)"),
)  # fmt: skip
#: How an attempt is made, beside what is known of the point.
USES = ("point_called", "point_texted", "point_mailed")
POINT_NAMES: tuple[str, ...] = tuple(spec.name for spec in POINT_FEATURES)

#: The points of now that may be used.
_STANDING = """
SELECT k.tenant_id, k.id AS number, 0 AS account_id, k.debtor_id, k.id AS point_id,
    CASE k.kind WHEN 'phone' THEN 'call' WHEN 'email' THEN 'email' ELSE 'letter' END AS channel,
    %(at)s::timestamptz AS moment, 0 AS target
FROM contact_points k
WHERE k.tenant_id = ANY (%(tenants)s::bigint[]) AND k.status <> 'invalid' AND k.created_at <=
%(at)s::timestamptz
    /*only k.debtor_id*/
"""
_THEN = "e.tenant_id = p.tenant_id AND e.at < p.moment AND e.at > p.moment - interval '365 days'"
_SEEN = known("e", "p.moment")
_FROM = f"""
WITH asked AS ({{asked}}), p AS (
    SELECT a.*, k.kind, k.line_type, k.at_work, k.source, k.created_at, k.value_index, k.score
    FROM asked a JOIN contact_points k ON k.tenant_id = a.tenant_id AND k.id = a.point_id
), e AS (
    SELECT p.number, count(*) FILTER (WHERE e.latest) AS attempts,
        count(*) FILTER (WHERE e.latest AND e.at > p.moment - interval '30 days') AS lately,
        count(*) FILTER (WHERE e.state = 'answered' AND {_SEEN}) AS answers,
        count(*) FILTER (WHERE e.right_party AND {_SEEN}) AS reached,
        max(e.state_at) FILTER (WHERE e.right_party AND {_SEEN}) AS newest,
        count(*) FILTER (WHERE e.disposition IN ('WRNG', 'TPNA', 'TPRF') AND {_SEEN}) AS third,
        count(*) FILTER (WHERE e.disposition IN ('BNCE', 'DISC', 'WRNG') AND {_SEEN}) AS failed
    FROM p JOIN {RESULTS} e ON e.contact_point_id = p.point_id AND {_THEN} /*of e.account_id*/
    WHERE e.direction = 'outbound' GROUP BY p.number
), o AS (
    SELECT p.number, count(*) AS reached
    FROM p JOIN {RESULTS} e ON e.debtor_id = p.debtor_id AND e.contact_point_id <> p.point_id AND {_THEN}
        /*of e.account_id*/
    WHERE e.right_party AND {_SEEN} AND e.direction = 'outbound' GROUP BY p.number
), n AS (
    SELECT p.number, count(*) AS others, count(*) FILTER (WHERE k.id > p.point_id) AS newer
    FROM p JOIN contact_points k ON k.tenant_id = p.tenant_id AND k.debtor_id = p.debtor_id AND k.kind =
    p.kind
        AND k.id <> p.point_id AND k.created_at <= p.moment /*only k.debtor_id*/
    GROUP BY p.number
), s AS (
    SELECT p.number, count(DISTINCT k.debtor_id) AS shared
    FROM p JOIN contact_points k ON k.tenant_id = p.tenant_id AND k.value_index = p.value_index
        AND k.debtor_id <> p.debtor_id AND k.created_at <= p.moment
    GROUP BY p.number
), v AS (
    SELECT DISTINCT p.number, p.point_id
    FROM p JOIN page_codes c ON c.tenant_id = p.tenant_id AND c.contact_point_id = p.point_id
    WHERE c.used_at <= p.moment
)
SELECT {{keys}},
    {{values}}
FROM p
LEFT JOIN e ON e.number = p.number
LEFT JOIN o ON o.number = p.number
LEFT JOIN n ON n.number = p.number
LEFT JOIN s ON s.number = p.number
LEFT JOIN v ON v.number = p.number
ORDER BY p.number
"""  # noqa: S608 - constants of ours
_VALUES = ",\n    ".join(f"coalesce(({spec.sql})::float8, 'NaN') AS {spec.name}" for spec in POINT_FEATURES)
_LEARNED = _FROM.format(
    asked=MADE, keys="p.account_id, p.moment, p.target::bigint", values=_VALUES
)  # fmt: skip
_RANKED = _FROM.format(
    asked=_STANDING, keys="p.tenant_id, p.point_id", values=f"coalesce(p.score::float8, 'NaN'), {_VALUES}"
)  # fmt: skip


def read_attempts(session: Session, since: datetime, until: datetime, most: int) -> Rows:
    """Attempts with what was known of their points when they were made."""
    return rows_of(session, _LEARNED, POINT_NAMES, since, until, most)


@dataclass(frozen=True, slots=True)
class Points:
    """The points of a scope that may be used, as they stand at a moment. `score` is the one kept, NaN:
    none."""

    id: Ints
    tenant_id: Ints
    score: Floats
    values: dict[str, Floats]

    def __len__(self) -> int:
        return len(self.id)


def read_points(session: Session, at: datetime, debtors: Sequence[int] | None = None) -> Points:
    """Every point of the tenants in scope that is not known to be invalid, or those of these debtors."""
    arguments = {"tenants": list(scope_of(session).tenant_ids), "at": at, "debtors": debtors}
    keys, values = read(
        session, narrowed(_RANKED, debtors), ("tenant_id", "point_id"), ("score", *POINT_NAMES), arguments
    )
    return Points(keys["point_id"], keys["tenant_id"], np.asarray(values.pop("score")), values)
