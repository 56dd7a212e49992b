"""What the next plans make of one account: for which reasons they leave it alone, by which channels they
would write, and from when on one of them can choose something for it again."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from recupero.contacts.grounds import Grounds
from recupero.decisions import queries
from recupero.decisions.history import control
from recupero.decisions.strategies.branches import effective
from recupero.decisions.strategies.strategy import Strategy, parse
from recupero.kernel import clock
from recupero.kernel.database import scope_of
from recupero.kernel.errors import UserError
from recupero.outreach.queries import NextStep
from recupero.placements.reach import Reachable
from recupero.tenancy import queries as tenancy

MONTH = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Left:
    """A reason for which plans leave an account alone: a kind of hold, `control`, `below_tolerance`, `pace`,
    `declined`, `max_contacts_30d`, `promise_running` or `strategy_invalid`. `until` is when it ends, None
    where nothing tells; of a declined proposal `by` and `why` are who said no and what for."""

    code: str
    until: datetime | None = None
    by: str | None = None
    why: str | None = None


@dataclass(frozen=True, slots=True)
class Prospect:
    """`channels` are those of the account's strategy, none where it cannot be read. `looked_at`: from when on
    a plan can choose something; None: not before somebody changes something. `tolerated` is the sum below
    which nobody is chased (minor units), where the debtor owes less."""

    left: tuple[Left, ...]
    channels: tuple[str, ...]
    looked_at: datetime | None
    step: NextStep
    tolerated: int | None = None

    @property
    def unused(self) -> list[str]:
        """Channels that the strategy does not use."""
        return [one.channel for one in self.step.channels if self.channels and not self.uses(one.channel)]

    @property
    def open_at(self) -> datetime | None:
        """The first moment at which a plan could have something sent, as far as law and wishes go."""
        return _usable(self.step, self.channels)

    def uses(self, channel: str) -> bool:
        """Whether the strategy has such contacts made."""
        return channel in self.channels


def prospect(session: Session, account_id: int, on: Grounds, step: NextStep) -> Prospect:
    """What plans make of an account in scope, whose grounds are `on` and of which `step` tells what stands
    against each channel. Needs the agency in scope."""
    account = on.known.accounts[account_id]
    if account.ended:
        return Prospect((), (), None, step)
    row = session.execute(
        text(_KNOWN),
        {"tenants": list(scope_of(session).tenant_ids), "account": account_id, "month": clock.now() - MONTH},
    ).one()
    holds = [one for one in on.known.holds_on(account) if one.kind != "promise"]  # recalled while it is open
    left = [Left(hold.kind, hold.until) for hold in holds] + _by_lot(session, account)
    try:
        strategy = _holding(row)
    except UserError:
        return Prospect((*left, Left("strategy_invalid")), (), None, step)
    least = queries.tolerated(session, account_id)
    left += [] if least is None else [Left("below_tolerance")]
    left += _paced(row, strategy)
    looked_at = _looked_at(session, account, strategy, left, step)
    return Prospect(tuple(left), strategy.channels, looked_at, step, least)


_KNOWN = """
SELECT p.strategy, d.segment, d.arm,
    (SELECT array_agg(c.at ORDER BY c.at DESC) FROM contacts c
        JOIN accounts o ON o.tenant_id = c.tenant_id AND o.id = c.account_id
        WHERE c.tenant_id = a.tenant_id AND o.debtor_id = a.debtor_id AND c.direction = 'outbound'
          AND c.state <> 'failed' AND c.at > :month) AS lately,
    (SELECT max(c.at) FROM contacts c JOIN accounts o ON o.tenant_id = c.tenant_id AND o.id = c.account_id
        WHERE c.tenant_id = a.tenant_id AND o.debtor_id = a.debtor_id
          AND c.direction = 'outbound' AND c.state <> 'failed') AS last_at,
    n.at AS declined_at, n.details AS declined,
    (SELECT min(m.due_date) FROM promises m WHERE m.tenant_id = a.tenant_id AND m.account_id = a.id
        AND m.state = 'open') AS promised_for
FROM accounts a JOIN portfolios p ON p.tenant_id = a.tenant_id AND p.id = a.portfolio_id
LEFT JOIN LATERAL (SELECT segment, arm FROM decisions WHERE tenant_id = a.tenant_id AND account_id = a.id
    ORDER BY at DESC, id DESC LIMIT 1) d ON true
LEFT JOIN LATERAL (SELECT e.at, e.details FROM actions w
    JOIN action_events e ON e.tenant_id = w.tenant_id AND e.action_id = w.id AND e.state = 'cancelled'
    WHERE w.tenant_id = a.tenant_id AND w.account_id = a.id
        AND w.state = 'cancelled' AND w.reason = 'declined'
    ORDER BY e.at DESC LIMIT 1) n ON true
WHERE a.tenant_id = ANY (:tenants) AND a.id = :account
"""


def _by_lot(session: Session, account: Reachable) -> list[Left]:
    creditor = tenancy.tenant(session, account.tenant_id)
    mine = control.in_group(creditor.id, creditor.settings, account.person_id)
    return [Left(control.CONTROL)] if mine else []


def _holding(row: Any) -> Strategy:
    """The strategy that holds for the account: in the segment and arm in which the last plan had it. Raises
    UserError where it cannot be read."""
    strategy = parse(row.strategy)
    segment = next((one for one in strategy.segments if one.name == row.segment), None)
    arm = next((one for one in strategy.arms if one.name == row.arm), None)
    return effective(strategy, segment, arm)


def _paced(row: Any, strategy: Strategy) -> list[Left]:
    """What of the strategy's limits stands against a contact now."""
    now, pace, found = clock.now(), timedelta(days=strategy.pace_days), list[Left]()
    if row.promised_for is not None:
        recalled = row.promised_for - timedelta(days=strategy.promise_reminder_days)
        found.append(Left("promise_running", datetime.combine(recalled, time(), UTC)))
    if row.last_at is not None:
        found.append(Left("pace", row.last_at + pace))
    if row.declined_at is not None:
        said: Mapping[str, str] = row.declined or {}
        found.append(Left("declined", row.declined_at + pace, said.get("by"), said.get("why")))
    lately: Sequence[datetime] = row.lately or ()
    if most := lately[: strategy.max_contacts_30d][strategy.max_contacts_30d - 1 :]:
        found.append(Left("max_contacts_30d", most[0] + MONTH))
    return [one for one in found if one.until is not None and one.until > now]


def _looked_at(
    session: Session, account: Reachable, strategy: Strategy, left: Sequence[Left], step: NextStep
) -> datetime | None:
    ends = [one.until for one in left]
    known = [end for end in ends if end is not None]
    if len(known) < len(ends) or _usable(step, strategy.channels) is None:
        return None
    return max([queries.next_plans(session)[account.tenant_id], *known])


def _usable(step: NextStep, channels: Sequence[str]) -> datetime | None:
    found = [one.usable_at for one in step.channels if one.channel in channels and one.usable_at is not None]
    return min(found, default=None)
