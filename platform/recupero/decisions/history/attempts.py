"""Attempts to reach somebody as rows to learn from: what was known when each was made, and whether it
reached the right person within a week. Kinds that learn from them differ in their columns.

Rows of one account stand together; the holdout is later, and of other accounts where windows would overlap.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
from sqlalchemy.orm import Session

from recupero.decisions.columns import Floats, Ints, read
from recupero.decisions.history.dataset import Dataset, scramble, split
from recupero.kernel.database import scope_of

#: Whoever answers later than this was not reached by that attempt.
WINDOW = timedelta(days=7)
#: How far back attempts are learned from, and the newest so many of them.
BACK, MOST = timedelta(days=365), 60_000
#: Attempts of late, on whose rows a model at work is looked at: of all days on which plans are made.
LATELY, MOST_LATELY = timedelta(days=28), 20_000
_Y2K = 946_684_800  # POSIX seconds

#: Attempts of a time, each with its `target`. What never left us is none; what failed after the window had
#: passed stays one.
_MADE = f"""
SELECT c.tenant_id, c.id AS number, c.account_id, c.debtor_id, c.contact_point_id AS point_id, c.channel,
    c.at AS moment, (c.right_party AND c.state_at <= c.at + interval '{WINDOW.days} days')::int AS target
FROM contacts c
WHERE c.tenant_id {{whose}} AND c.direction = 'outbound' AND c.recipient = 'debtor'
  AND c.contact_point_id IS NOT NULL AND c.account_id IS NOT NULL
  AND (c.state IN ('sent', 'delivered', 'answered', 'no_answer') OR c.disposition IN ('BNCE', 'DISC', 'WRNG')
    OR c.state_at > c.at + interval '{WINDOW.days} days')
  AND c.at <= %(until)s::timestamptz AND c.at > %(since)s::timestamptz
ORDER BY c.at DESC, c.id DESC LIMIT %(most)s
"""  # noqa: S608 - constants of ours
MADE = _MADE.format(whose="= ANY (%(tenants)s::bigint[])")
#: Those of one tenant alone, whose newest are found by an index without reading the others.
MADE_TO_ONE = _MADE.format(whose="= %(tenant)s")


@dataclass(frozen=True, slots=True)
class Rows:
    """Attempts by columns, in the order of their numbers. `moment` in POSIX seconds."""

    account_id: Ints
    moment: Floats
    target: Floats
    values: dict[str, Floats]


#: Reads attempts with the columns of a kind: of a session, since, until, and at most so many.
Reader = Callable[[Session, datetime, datetime, int], Rows]


def rows_of(
    session: Session, statement: str, names: tuple[str, ...], since: datetime, until: datetime, most: int
) -> Rows:
    """The rows of a statement over `MADE` that gives account_id, moment (timestamptz), target and then the
    columns `names` (float8)."""
    arguments = {"tenants": list(scope_of(session).tenant_ids), "since": since, "until": until, "most": most}
    keys, values = read(session, statement, ("account_id", "moment", "target"), names, arguments)
    return Rows(
        keys["account_id"], keys["moment"] / 1e6 + _Y2K, keys["target"].astype(np.float64), values
    )  # fmt: skip


def build(session: Session, at: datetime, reader: Reader) -> Dataset:
    """The training set of a kind. Raises ValueError where nobody was contacted a week ago or before."""
    rows = reader(session, at - BACK, at - WINDOW, MOST)
    if not len(rows.target):
        raise ValueError(
            f"nobody was contacted {WINDOW.days} days ago or earlier: there is nothing to learn from yet"
        )
    order = np.lexsort((rows.moment, scramble(rows.account_id)))
    account_id, moment = rows.account_id[order], rows.moment[order]
    train, holdout, how = split(account_id, moment, WINDOW)
    first, last = (datetime.fromtimestamp(each, at.tzinfo) for each in (moment.min(), moment.max()))
    return Dataset(
        {name: column[order] for name, column in rows.values.items()}, rows.target[order], account_id, moment,
        train, holdout, how, first, last + WINDOW,
    )  # fmt: skip


def lately(session: Session, at: datetime, reader: Reader) -> dict[str, Floats]:
    """The columns of the attempts of the last days: what a model that serves is asked about."""
    return reader(session, at - LATELY, at, MOST_LATELY).values
