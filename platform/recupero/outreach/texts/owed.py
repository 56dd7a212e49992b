"""The parts of a balance as they are owed now, for words that name them."""

from collections.abc import Collection

from sqlalchemy.orm import Session

from recupero.kernel import clock
from recupero.ledger import queries as ledger
from recupero.ledger.queries import Balance
from recupero.outreach.texts.naming import Owed
from recupero.placements.reach import Reachable
from recupero.tenancy import queries as tenancy


def parts(session: Session, accounts: Collection[Reachable]) -> dict[int, Owed]:
    """By account, of the tenant in scope, in one query. What was placed says nothing of what is left once
    money came in; interest that grew since the placement is counted to today, the creditor's day."""
    balances = ledger.balances(session, [account.account_id for account in accounts])
    found: dict[int, Owed] = {}
    for account in accounts:
        left = balances.get(account.account_id, Balance(account.currency)).parts
        interest, costs = left.get("interest", 0), left.get("fee", 0) + left.get("cost", 0)
        counted_to = account.placed_on
        if interest > account.interest_minor:
            counted_to = clock.today(tenancy.house(session).timezone)
        found[account.account_id] = Owed(interest, costs, counted_to)
    return found
