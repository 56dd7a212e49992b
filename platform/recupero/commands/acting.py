"""Who takes a step from the command line: a user of the agency, whose permissions hold as on the pages."""

from collections.abc import Callable

import click

from recupero.kernel.database import Scope
from recupero.kernel.errors import Forbidden, Words
from recupero.kernel.runtime import Runtime
from recupero.tenancy import callers
from recupero.tenancy import queries as tenancy
from recupero.tenancy.permissions import Permission

Command = Callable[..., None]


def by_option(made: Command) -> Command:
    """`--by E-MAIL`: who takes this step."""
    return click.option(
        "--by", required=True, metavar="E-MAIL", help="The agency's user who takes this step."
    )(made)


def actor_of(platform: Runtime, scope: Scope, email: str, permission: Permission) -> str:
    """The user of that e-mail, who must be allowed the step. Raises UserError, Forbidden."""
    with platform.database.transaction(scope) as session:
        user = tenancy.user_by_email(session, email)
        caller = callers.caller_of(session, user)
    if not caller.may(permission):
        raise Forbidden(
            "your role or key does not include this: ask an administrator for '%(permission)s'",
            permission=Words("permission", (permission.value,)),
        )
    return caller.actor
