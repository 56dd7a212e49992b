"""Past decisions made again by another strategy, among the options that they had: what it would have chosen
for each debtor of each plan.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np

from recupero.decisions.columns import Floats, Ints
from recupero.decisions.evidence.hindsight import Option, Past
from recupero.decisions.learning.serving import PRIOR
from recupero.decisions.learning.valuing import KIND
from recupero.decisions.planning.allocation import NONE, Options, allocate
from recupero.decisions.planning.choosing import reach_factors
from recupero.decisions.planning.recording import WAIT
from recupero.decisions.strategies import annoyance
from recupero.decisions.strategies.branches import Branch
from recupero.decisions.strategies.strategy import Strategy
from recupero.outreach.actions.kinds import AGREED


@dataclass(slots=True)
class Case:
    """All decisions of one plan on one debtor: what was chosen, and what the strategy would choose."""

    rows: list[Past]
    taken: Past
    tried: Past
    option: Option | None = None  # None: it waits
    alone: str = ""

    @property
    def same(self) -> bool:
        """Whether the strategy would have done what was done."""
        if self.option is None:
            return self.taken.choice == WAIT
        return self.tried is self.taken and self.taken.took(self.option)


def cases_of(past: Sequence[Past]) -> list[Case]:
    """One per plan and debtor; not those for whom an account of another portfolio was chosen."""
    by_debtor: defaultdict[tuple[int, int], list[Past]] = defaultdict(list)
    for each in past:
        by_debtor[each.run_id, each.debtor_id].append(each)
    found = []
    for rows in by_debtor.values():
        taken = next((each for each in rows if each.choice != WAIT), None)
        if taken is None and any(each.elsewhere for each in rows):
            continue
        taken = taken or max(rows, key=lambda each: (len(each.alternatives), each.balance_minor))
        found.append(Case(rows, taken, taken))
    return found


def choose(
    cases: Sequence[Case],
    branches: Mapping[int, Branch],
    before: Mapping[int, Strategy | None],
    draft: Strategy,
    zone: ZoneInfo,
) -> None:
    """For each debtor and plan what the strategy would have done for any of their accounts: the most valuable
    for all together within the limits of the creditor's days (`zone`), by the prices of `allocation`."""
    rows: list[tuple[Case, Past, Option]] = []
    for case in cases:
        found, case.alone = _open_to(case, branches, before)
        rows += [(case, past, option) for past, option in found]
    if not rows:
        return
    place = np.cumsum([one[0] is not other[0] for one, other in zip(rows, [rows[0], *rows], strict=False)])
    value = np.array([option["value_minor"] for _case, _past, option in rows])
    uses, amount, room = _scarce([option for _case, _past, option in rows], draft, zone)
    plan = allocate(Options(place.astype(np.int64), value, uses, amount), room)
    for case, _past, _option in rows:
        case.alone = "no_room"
    for number in plan.chosen[plan.chosen >= 0]:
        case, past, option = rows[number]
        case.tried, case.option, case.alone = past, option, ""


def _open_to(
    case: Case, branches: Mapping[int, Branch], before: Mapping[int, Strategy | None]
) -> tuple[list[tuple[Past, Option]], str]:
    """What the strategy finds worth doing for the debtor's accounts; why nothing where it is nothing."""
    found: list[tuple[Past, Option]] = []
    reasons = []
    for past in case.rows:
        strategy = branches[past.id].strategy
        reasons.append(_left_alone(past, strategy))
        if not reasons[-1]:
            options = _worth(past, strategy, before[past.id])
            least = max(strategy.minimum_value_minor, 0)
            found += [(past, each) for each in options if each["value_minor"] > least]
            reasons[-1] = "not_worth_it" if options else "nothing_lawful"
    return found, reasons[0]


def _scarce(options: Sequence[Option], draft: Strategy, zone: ZoneInfo) -> tuple[Ints, Floats, Floats]:
    """What each option uses of the draft's limits by day, as `allocation` takes it, and their room."""
    uses, amount = np.full((len(options), 2), NONE, dtype=np.int64), np.ones((len(options), 2))
    numbers: dict[tuple[str, date], int] = {}
    room: list[float] = []
    for place, option in enumerate(options):
        day, channel = datetime.fromisoformat(option["at"]).astimezone(zone).date(), option["channel"]
        limits = ((channel, draft.daily.get(channel), 1), ("", draft.budget_minor, option["cost_minor"]))
        for column, (name, most, needs) in enumerate(limits):
            if most is None:
                continue
            if (name, day) not in numbers:
                numbers[name, day] = len(room)
                room.append(float(most))
            uses[place, column], amount[place, column] = numbers[name, day], needs
    return uses, amount, np.array(room)


def _left_alone(past: Past, strategy: Strategy) -> str:
    """Why the strategy would not have worked the account then, as `candidates.workable` has it; "" where it
    would. Who agreed to something is reminded of it all the same."""
    if past.choice in AGREED:
        return ""
    if past.owed_minor < strategy.tolerance_minor:
        return "below_tolerance"
    if past.last_at is not None and past.last_at > past.at - timedelta(days=strategy.pace_days):
        return "pace"
    if past.lately >= strategy.max_contacts_30d:
        return "max_contacts_30d"
    return ""


def _worth(past: Past, strategy: Strategy, before: Strategy | None) -> list[Option]:
    """The options that the strategy allows, valued as it would: its own costs and annoyance and, where no
    model of actions knew better, its own order of channels."""
    new = reach_factors(strategy, {}, strategy.channels)
    old = reach_factors(before, {}, before.channels) if before else new
    by_actions = past.model.startswith(f"{KIND}-")
    gross = {}
    for each in past.offers:
        if each["value_minor"] is not None:
            told = each["value_minor"] + each.get("cost_minor", 0) + (each.get("annoyance_minor") or 0)
            gross[each["channel"], each["at"]] = float(told)
    plain = max(
        (worth / (1.0 if by_actions else old.get(channel, 1.0)) for (channel, _at), worth in gross.items()),
        default=(past.score or PRIOR) * past.balance_minor,
    )
    found = []
    for each in past.offers:
        channel, key = each["channel"], (each["channel"], each["at"])
        if channel not in strategy.channels:
            continue
        rank = new[channel] if key not in gross else 1.0 if by_actions else new[channel] / old.get(channel, 1)
        harm = (each.get("annoyance_minor") or 0) * _annoyance(strategy, past)
        harm /= (_annoyance(before, past) if before else 0) or _annoyance(strategy, past) or 1
        cost = strategy.costs_minor.get(channel, 0)
        value = gross.get(key, plain) * rank - cost - harm
        if past.choice in AGREED and past.took(each):
            value = max(value, strategy.minimum_value_minor + 1.0)
        found.append({**each, "value_minor": value, "cost_minor": cost})
    return found


def _annoyance(strategy: Strategy, past: Past) -> int:
    """What a complaint is held to cost by the strategy, minor units of the account's currency."""
    if strategy.annoyance_minor is None:
        return annoyance.usual(past.currency)
    return strategy.annoyance_minor
