"""What workers do about hand-overs: open them where an answer did not go out, give them to people, and to
everybody once they are late."""

from datetime import timedelta

from recupero.kernel import jobs, runtime
from recupero.outreach import queries
from recupero.outreach.understanding import desk, hand_overs
from recupero.tenancy import queries as tenancy


@jobs.job("outreach.give")
def give(context: jobs.JobContext, debtor_id: int) -> None:
    """Find somebody for a debtor who was handed over."""
    database = runtime.current().database
    agency = next(
        one for one in tenancy.agency_scopes(database) if one.agency_id == context.scope.agency()
    )  # fmt: skip
    with database.transaction(agency.scope()) as session:
        desk.give(session, debtor_id)


@jobs.job("outreach.unanswered")
def unanswered(context: jobs.JobContext, action_ids: list[int]) -> None:
    """Hand the debtors over whom these answers of the house, which did not go out, were to reach."""
    with runtime.current().database.transaction(context.scope) as session:
        for debtor_id, account_id in queries.whom(session, action_ids):
            hand_overs.unanswered(session, debtor_id, account_id)


@jobs.periodic("outreach.release_late", every=timedelta(minutes=5))
def release_late(context: jobs.JobContext) -> None:
    """What is past its deadline is everybody's."""
    database = runtime.current().database
    for agency in tenancy.agency_scopes(database):
        with database.transaction(agency.scope()) as session:
            desk.release_late(session)
