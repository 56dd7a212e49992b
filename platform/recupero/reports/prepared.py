"""The files of statements: made at once, or, of long statements, by a worker and offered when they are ready.

A prepared file is named by all that it shows, so that it is made once however often it is asked for, and not
offered any more when the statement has gone on. It is kept for `KEPT` and made again when asked for later.
"""

import hashlib
import os
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from tempfile import NamedTemporaryFile

from sqlalchemy.orm import Session

from recupero.kernel import clock, job_requests, jobs, runtime
from recupero.ledger import statements as ledger
from recupero.ledger.tables import Remittance
from recupero.reports import statement_files, statements
from recupero.reports.statements import Document
from recupero.tenancy import queries as tenancy

#: Lines from which on a file is a worker's: each takes about 0.2 milliseconds of a workbook.
LONG = 5_000
KEPT = timedelta(days=7)
JOB = "reports.prepare_statement"


@dataclass(frozen=True, slots=True)
class AtOnce:
    """A file that is written when it is asked for."""

    name: str
    form: str
    locale: str | None
    document: Document

    def content(self) -> bytes | None:
        """The file."""
        return statement_files.render(self.document, self.form, self.locale)


@dataclass(frozen=True, slots=True)
class Prepared:
    """The file of a long statement, whether it is there or not."""

    name: str
    form: str
    locale: str | None
    remittance: Remittance

    @property
    def path(self) -> Path:
        """Where it lies when it is ready."""
        one = self.remittance
        steps = (one.drawn_at, one.reviewed_at, one.issued_at, one.paid_at, self.locale)
        shown = hashlib.sha256(repr(steps).encode()).hexdigest()[:16]
        return _folder() / f"{one.tenant_id}-{one.id}-{shown}.{self.form}"

    @property
    def key(self) -> str:
        """One job makes it at a time."""
        return f"{JOB}:{self.path.name}"

    def content(self) -> bytes | None:
        """The file, None while it is not ready."""
        return self.path.read_bytes() if self.path.is_file() else None


def file_of(
    session: Session, remittance_id: int, form: str, *, locale: str | None = None, drafts: bool = True
) -> AtOnce | Prepared:
    """The file of a statement of the tenant in scope. On paper a long one has its totals only, and is made at
    once. Raises NotFound as `statements.document`, UserError on a form that there is not."""
    found, count = _found(session, remittance_id, form, drafts)
    name = statement_files.file_name(found, tenancy.tenant(session).slug, form)
    if form != "pdf" and count > LONG:
        return Prepared(name, form, locale, found)
    lines = form != "pdf" or count <= statements.MOST_PRINTED
    made = statements.document(session, remittance_id, drafts=drafts, lines=lines)
    return AtOnce(name, form, locale, made)


def state_of(session: Session, remittance_id: int, form: str, *, drafts: bool = True) -> str | None:
    """How far the file of a long statement of the tenant in scope is: ready, waiting or missing (nobody
    asked, or its job failed); None where it is made at once. Raises as `file_of`."""
    found, count = _found(session, remittance_id, form, drafts)
    if form == "pdf" or count <= LONG:
        return None
    file = Prepared("", form, None, found)
    if file.path.is_file():
        return "ready"
    return "waiting" if job_requests.is_asked(session, file.key) else "missing"


def _found(session: Session, remittance_id: int, form: str, drafts: bool) -> tuple[Remittance, int]:
    """The statement, and how many lines it has."""
    statement_files.check_form(form)
    found = ledger.one(session, remittance_id, drafts=drafts)
    return found, sum(one.lines for one in ledger.sums(session, remittance_id))


def ask(session: Session, file: AtOnce | Prepared) -> None:
    """Have a worker make it, unless it is made at once, is there, or a worker has it already."""
    if isinstance(file, Prepared) and not file.path.is_file():
        jobs.enqueue(
            session, JOB, queue="bulk", unique_key=file.key, remittance_id=file.remittance.id,
            form=file.form, locale=file.locale,
        )  # fmt: skip


def make(session: Session, remittance_id: int, form: str, locale: str | None) -> None:
    """Write the file of a long statement of the tenant in scope, as it stands now; a second time changes
    nothing. Raises NotFound where the draft was drawn anew meanwhile."""
    file = file_of(session, remittance_id, form, locale=locale)
    if not isinstance(file, Prepared) or file.path.is_file():
        return
    content = statement_files.render(statements.document(session, remittance_id), form, locale)
    with NamedTemporaryFile(dir=_folder(), delete=False) as half:  # only this user reads it
        half.write(content)
    os.utime(half.name, times=(clock.now().timestamp(),) * 2)
    os.replace(half.name, file.path)


def forget_old() -> int:
    """Remove the files that are older than `KEPT`; how many."""
    before = (clock.now() - KEPT).timestamp()
    old = [path for path in _folder().iterdir() if path.stat().st_mtime < before]
    for path in old:
        path.unlink(missing_ok=True)
    return len(old)


def _folder() -> Path:
    folder = runtime.current().config.data_dir / "statements"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder
