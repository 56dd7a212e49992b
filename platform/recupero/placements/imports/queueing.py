"""Large files are taken in by a worker: stored, queued, and run once however often the worker is killed."""

import os
import shutil
from pathlib import Path
from typing import Any

from recupero.kernel import clock, jobs, runtime
from recupero.kernel.database import Database, Scope
from recupero.kernel.errors import NotFound, UserError
from recupero.kernel.jobs import MAX_ATTEMPTS, JobContext
from recupero.placements.imports import recording
from recupero.placements.imports.running import ImportResult, take_in
from recupero.placements.imports.spec import parse
from recupero.placements.tables import ImportBatch

#: Files from this size on are not taken in within a web request. Bytes.
LARGE = 5 * 1024**2
JOB = "placements.take_in"


def is_large(path: Path) -> bool:
    """Whether a file is for a worker."""
    return path.stat().st_size >= LARGE


def queue(
    database: Database,
    scope: Scope,
    *,
    portfolio_id: int,
    path: Path,
    kind: str,
    mapping: dict[str, Any] | str | None,
    dry_run: bool,
    actor: str,
) -> int:
    """Store the file beside the caller's, which may then go, and ask for a job that takes it in. Returns the
    batch, which tells how far it is. Raises UserError on an unknown portfolio or a broken mapping."""
    if isinstance(mapping, dict):
        parse(mapping, kind)
    with database.transaction(scope) as session:
        batch = recording.begin(
            session, portfolio_id=portfolio_id, kind=kind, file_name=path.name, actor=actor,
            status="queued", dry_run=dry_run,
        )  # fmt: skip
        batch.mapping = mapping if isinstance(mapping, dict) else {}
        _store(path, _folder(scope, batch.id))
        batch.job_id = jobs.enqueue(
            session, JOB, queue="bulk", batch_id=batch.id,
            mapping=mapping if isinstance(mapping, str) else None,
        )  # fmt: skip
        return batch.id


def run(context: JobContext, batch_id: int, mapping: str | None) -> None:
    """Take a queued file in. Safe to run again: what has ended stays, what was broken off left nothing."""
    database, scope = runtime.current().database, context.scope
    with context.transaction() as session:
        batch = session.get_one(ImportBatch, (scope.tenant(), batch_id))
    if batch.status not in recording.ENDED:
        recording.change(database, scope, batch_id, status="running", rows_done=0)
        try:
            _take_in(database, scope, batch, mapping)
        except UserError as error:
            if error.status == 409:  # somebody still works on it
                raise
            recording.fail(database, scope, batch_id, error)
        except Exception as error:
            if context.attempt >= MAX_ATTEMPTS:
                recording.fail(database, scope, batch_id, error)
                forget(scope, batch_id)
            raise
    forget(scope, batch_id)


def _take_in(database: Database, scope: Scope, batch: ImportBatch, mapping: str | None) -> None:
    def rows_done(rows: int) -> None:
        recording.change(database, scope, batch.id, rows_done=rows)

    result = take_in(
        database, scope, portfolio_id=batch.portfolio_id, path=_stored(scope, batch), kind=batch.kind,
        mapping=batch.mapping or mapping, dry_run=batch.dry_run, actor=batch.created_by, batch_id=batch.id,
        rows_done=rows_done,
    )  # fmt: skip
    if batch.dry_run:
        _keep_tried(database, scope, batch.id, result)


def _keep_tried(database: Database, scope: Scope, batch_id: int, result: ImportResult) -> None:
    recording.change(
        database, scope, batch_id, status="tried", finished_at=clock.now(), rows_done=result.rows,
        row_count=result.rows, accepted=result.accepted, rejected=result.rejected,
        quarantined=result.quarantined, duplicates=result.duplicates, control_totals=result.control_totals,
    )  # fmt: skip


def _folder(scope: Scope, batch_id: int) -> Path:
    return runtime.current().config.data_dir / "imports" / f"{scope.tenant()}-{batch_id}"


def _store(path: Path, folder: Path) -> None:
    """A copy (without copying, where the file system can) that only this user reads."""
    folder.mkdir(mode=0o700, parents=True)
    target = folder / path.name
    try:
        os.link(path, target)
    except OSError:
        shutil.copyfile(path, target)
    target.chmod(0o600)


def _stored(scope: Scope, batch: ImportBatch) -> Path:
    path = _folder(scope, batch.id) / batch.file_name
    if not path.is_file():
        raise NotFound("the stored file is gone: send it again", field="file")
    return path


def forget(scope: Scope, batch_id: int) -> None:
    """Remove the stored file of a batch that has ended."""
    folder = _folder(scope, batch_id)
    if folder.is_dir():
        shutil.rmtree(folder)
