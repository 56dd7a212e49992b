"""Whose portal it is: everything here reads and writes for one creditor, the only one in the caller's scope.

No address names a creditor, so that none can be tried; ids in addresses and forms are looked up in that
scope.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.orm import Session

from recupero.kernel import runtime
from recupero.kernel.database import Scope
from recupero.kernel.errors import NotFound
from recupero.tenancy.guard import tenant_transaction, the_caller


def tenant_id() -> int:
    """The creditor. Raises NotFound for staff of an agency with several, who choose one under Reports."""
    tenants = the_caller().scope.tenant_ids
    if len(tenants) != 1:
        raise NotFound("choose a creditor first")
    return tenants[0]


@contextmanager
def reading() -> Iterator[Session]:
    """A transaction that sees the creditor's rows."""
    with tenant_transaction(tenant_id()) as session:
        yield session


def acting_scope() -> Scope:
    """What the creditor does stands in the agency's audit trail, of which it sees nothing."""
    return Scope(the_caller().agency_id, (tenant_id(),))


@contextmanager
def acting() -> Iterator[Session]:
    """A transaction in which the creditor does something."""
    with runtime.current().database.transaction(acting_scope()) as session:
        yield session
