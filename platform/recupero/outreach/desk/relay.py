"""Agents who work through a program, such as a dialler or an agency's own screen, instead of our pages.

A key with `accounts.work` says for which agent it speaks. What it does is the agent's, within what both may:
the lock, the limits on offers, notes and figures are theirs, as on the pages, and the audit trail has beside
them which key it was.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TypeVar

from sqlalchemy.orm import Session

from recupero.kernel import audit, runtime
from recupero.kernel.database import Scope
from recupero.kernel.errors import Conflict, NotFound
from recupero.outreach.calls import runs, sittings
from recupero.outreach.desk_tables import Sitting
from recupero.payments.offers.policy import Offerer, offerer_of
from recupero.tenancy import queries as tenancy
from recupero.tenancy.callers import Caller
from recupero.tenancy.guard import tenant_transaction, the_caller, transaction
from recupero.tenancy.once import once
from recupero.tenancy.permissions import GRANTS, Permission, Role
from recupero.tenancy.tables import User

Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class Agent:
    """Somebody for whom a key speaks. `offerer` is what they may offer, of which the key may let through no
    more than it has the permission for."""

    id: int
    caller: Caller
    offerer: Offerer

    @property
    def actor(self) -> str:
        return self.caller.actor


def agent(session: Session, user_id: int) -> Agent:
    """The agent of that id, seen through the key. Raises NotFound where nobody of that id works accounts of
    the key's creditors."""
    for user in tenancy.users(session):
        if user.id == user_id and user.active and Permission.ACCOUNTS_WORK in GRANTS[Role(user.role)]:
            return _agent(user)
    raise NotFound("no such agent")


def _agent(user: User) -> Agent:
    key, role = the_caller(), Role(user.role)
    tenants = key.scope.tenant_ids
    seen = tenants if user.tenant_ids is None else tuple(one for one in tenants if one in user.tenant_ids)
    caller = Caller(
        f"user:{user.id}", user.name, role, GRANTS[role] & key.permissions, key.agency_id,
        Scope(key.agency_id, seen), user.locale, user.desk,
    )  # fmt: skip
    offerer = offerer_of(caller)
    if not key.may(Permission.OFFERS_APPROVE):
        offerer = replace(offerer, approves=frozenset())
    return Agent(user.id, caller, offerer)


@contextmanager
def working(user_id: int) -> Iterator[tuple[Session, Agent]]:
    """A transaction over all creditors that both the agent and the key see. Raises NotFound, and Conflict
    where the agent has an account at their desk that the key does not see."""
    with transaction() as session:
        found = agent(session, user_id)
    with runtime.current().database.transaction(found.caller.scope) as session:
        mine = sittings.of_user(session, user_id)
        if mine is not None and mine.tenant_id not in found.caller.scope.tenant_ids:
            raise Conflict("first finish the account that you have at your desk, or put it back")
        yield session, found


@contextmanager
def looking(sitting_id: int) -> Iterator[tuple[Session, Sitting, Agent]]:
    """A transaction of the creditor whose account is at the desk; renews nothing. Raises NotFound, and
    Conflict where it is not at the desk any more."""
    with transaction() as session:
        sitting = sittings.find(session, sitting_id)
        found, tenant_id = agent(session, sitting.user_id), sitting.tenant_id
    with tenant_transaction(tenant_id) as session:
        mine = sittings.of_user(session, found.id)
        if mine is None or mine.id != sitting_id:
            raise Conflict("this account is not at your desk any more")
        yield session, mine, found


def step(
    sitting_id: int, what: str, do: Callable[[Session, Sitting, Agent], Answer], *, keyed: bool = True
) -> Answer:
    """Take a step with the account at the desk, renewed and locked as on the pages; where `keyed`, once for
    each `Idempotency-Key`. `what` is written down with the key. Raises as `looking`."""
    with transaction() as session:
        sitting = sittings.find(session, sitting_id)
        found, tenant_id = agent(session, sitting.user_id), sitting.tenant_id

    def taken(session: Session) -> Answer:
        mine = sittings.held(session, found.id, sitting_id)
        answer = do(session, mine, found)
        audit.record(
            session, "outreach.desk_relayed", f"account:{mine.account_id}", actor=the_caller().actor,
            tenant_id=tenant_id, step=what, agent=found.id,
        )  # fmt: skip
        return answer

    if keyed:
        return once(tenant_id, taken)
    with tenant_transaction(tenant_id) as session:
        return taken(session)


def call_of(sitting: Sitting) -> int:
    """The call that was begun. Raises Conflict where none was."""
    if sitting.contact_id is None:
        raise Conflict("nobody was called: put the account back, or call")
    return sitting.contact_id


def check_proven(session: Session, sitting: Sitting) -> None:
    """Raises Conflict where nobody proved in this call who they are: nothing of the debt is said before."""
    if sitting.contact_id is None or not runs.begun(session, sitting.contact_id).proven:
        raise Conflict("identity was not proven in this call")
