"""Jobs of reports: long statements as files."""

from datetime import timedelta

from recupero.kernel.errors import NotFound
from recupero.kernel.jobs import JobContext, job, periodic
from recupero.reports import prepared


@job(prepared.JOB)
def prepare_statement(context: JobContext, remittance_id: int, form: str, locale: str | None) -> None:
    """Write a long statement as a file. A draft that is gone has no file."""
    with context.transaction() as session:
        try:
            prepared.make(session, remittance_id, form, locale)
        except NotFound:
            return


@periodic("reports.forget_statements", timedelta(days=1))
def forget_statements(_context: JobContext) -> None:
    """Remove prepared files that nobody needs any more."""
    prepared.forget_old()
