"""Take a file in: read, check, place, count. One transaction for the whole file, chunks of bounded size."""

import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass, replace
from functools import partial
from itertools import islice
from pathlib import Path
from types import ModuleType
from typing import Any

import polars as pl
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from recupero.kernel import audit, clock
from recupero.kernel.bulk import refresh_statistics
from recupero.kernel.database import Database, Scope, scope_of
from recupero.kernel.errors import Conflict, NotFound, UserError, Words
from recupero.placements.imports import maintaining, placing, recalling, recording, reporting, sealing
from recupero.placements.imports.copying import copy
from recupero.placements.imports.extracting import check_columns, meant, split_control
from recupero.placements.imports.findings import ACCEPTED, DUPLICATE, QUARANTINED, REJECTED, WARNING, Checked
from recupero.placements.imports.reading import ROW, Table, opened
from recupero.placements.imports.rejects import RejectsFile, reason_text
from recupero.placements.imports.setting import Setting
from recupero.placements.imports.spec import Mapping, parse
from recupero.placements.imports.totals import Totals
from recupero.placements.tables import (
    Account,
    ContactPoint,
    Debtor,
    ImportBatch,
    ImportMapping,
    NameWord,
    Person,
    Portfolio,
)
from recupero.tenancy import queries as tenancy

_LOCK = 7302  # advisory lock space
_MANY = 500  # rows from which on the planner is told at once
_FEW = 10_000  # debtors up to which a file tells the planner in its midst, after its first rows
_FIRST = 100
_FILLED = (Account, ContactPoint, Debtor, NameWord, Person)
_ISSUES = {"row_number": "bigint", "outcome": "text", "field": "text", "reason": "text", "raw": "bytea"}
ROOMS: dict[str, ModuleType] = {
    "placement": placing, "maintenance": maintaining, "financial": reporting, "recall": recalling,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class ImportResult:
    """What became of a file. rows = accepted + rejected + quarantined + duplicates; `excluded` rows are those
    that the mapping's filter leaves aside. `batch_id` is None after a dry run."""

    batch_id: int | None
    rows: int
    accepted: int
    rejected: int
    quarantined: int
    duplicates: int
    excluded: int
    warnings: int
    control_totals: dict[str, Any]
    reject_file: str | None
    seconds: float
    dry_run: bool = False

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


class _DryRunError(Exception):
    """Ends the transaction of a dry run."""


def import_file(
    database: Database,
    scope: Scope,
    *,
    portfolio_id: int,
    path: Path,
    kind: str = "placement",
    mapping: dict[str, Any] | str | None = None,
    dry_run: bool = False,
    actor: str,
    rejects: Path | None = None,
    progress: Callable[[float], None] = lambda share: None,
) -> ImportResult:
    """Take a creditor's file in. `scope` has the agency and the one tenant.

    `mapping` is a mapping's JSON, the name of a saved one, or None: the one saved as `default`, or else the
    one proposed from the headings. `rejects` is where to write the rows that were not taken (made only if
    there are any). `progress` is told the rows done so far. A dry run does everything and keeps nothing.

    The file's batch row is there from the beginning; where the import fails, or is ended from outside, it
    tells why. Raises UserError where the file, the mapping or the control record is wrong: nothing is loaded.
    """
    path = Path(path)
    run = partial(
        take_in, database, scope, portfolio_id=portfolio_id, path=path, kind=kind, mapping=mapping,
        dry_run=dry_run, actor=actor, rejects=rejects, progress=progress,
    )  # fmt: skip
    if dry_run:
        return run()
    with database.transaction(scope) as session:
        batch_id = recording.begin(
            session, portfolio_id=portfolio_id, kind=kind, file_name=path.name, actor=actor
        ).id
    try:
        return run(batch_id=batch_id)
    except BaseException as error:
        recording.fail(database, scope, batch_id, error)
        raise


def take_in(
    database: Database,
    scope: Scope,
    *,
    portfolio_id: int,
    path: Path,
    kind: str,
    mapping: dict[str, Any] | str | None,
    dry_run: bool,
    actor: str,
    batch_id: int | None = None,
    rejects: Path | None = None,
    progress: Callable[[float], None] = lambda share: None,
    rows_done: Callable[[int], None] = lambda rows: None,
) -> ImportResult:
    """Take the file of a batch in (None: one for the dry run alone), in one transaction. The batch's row is
    written at its end, so that others may write to it meanwhile. `rows_done` is told the rows so far.

    Raises UserError, and Conflict where the batch is being taken in already.
    """
    started = time.monotonic()
    run = _Run(kind, path, actor, rejects, progress, rows_done, batch_id)
    result: ImportResult | None = None
    try:
        with database.transaction(scope) as session:
            run.prepare(session, portfolio_id, mapping)
            result = run.take_in(session)
            if dry_run:
                raise _DryRunError
    except _DryRunError:
        pass
    finally:
        run.close(keep=result is not None)
    if result is None:
        raise AssertionError("an import ends with a result or an error")
    if result.accepted >= _MANY and not dry_run:
        with database.transaction(scope) as session:
            refresh_statistics(session, *_FILLED)
    seconds = round(time.monotonic() - started, 3)
    return replace(result, seconds=seconds, dry_run=dry_run, batch_id=None if dry_run else result.batch_id)


def _are_small(session: Session) -> bool:
    """Whether the statistics know of few debtors. By them any index that begins with the tenant looks as good
    as the key, so that the foreign keys of each new row would read all debtors of the tenant."""
    known = session.execute(text("SELECT reltuples FROM pg_class WHERE oid = to_regclass('debtors')"))
    return bool(known.scalar_one() < _FEW)


def _some_first(chunks: Iterable[pl.DataFrame]) -> Iterator[pl.DataFrame]:
    """The first rows apart: once they stand, the planner is told of the tables anew, for all that follow."""
    chunks = iter(chunks)
    for first in islice(chunks, 1):
        yield first.head(_FIRST)
        if first.height > _FIRST:
            yield first.slice(_FIRST)
    yield from chunks


class _Run:
    """One file on its way in."""

    def __init__(
        self,
        kind: str,
        path: Path,
        actor: str,
        rejects: Path | None,
        progress: Callable[[float], None],
        rows_done: Callable[[int], None],
        batch_id: int | None,
    ) -> None:
        self.kind, self.path, self.actor = kind, path, actor
        self.progress, self.rows_done, self._batch_id = progress, rows_done, batch_id
        self._rejects_path = rejects
        self._rejects: RejectsFile | None = None
        self.totals = Totals()

    def prepare(self, session: Session, portfolio_id: int, mapping: dict[str, Any] | str | None) -> None:
        """Load the portfolio and the mapping."""
        self.setting = setting_for(session, portfolio_id)
        self.spec = mapping_for(session, self.setting, self.kind, mapping, self.path)
        self.mapping = parse(self.spec, self.kind)

    def take_in(self, session: Session) -> ImportResult:
        lock_imports(session)
        self._small = _are_small(session)
        with _table(self.path, self.mapping) as table:
            check_columns(self.mapping, table.headings)
            self.table = table
            batch_id = self._batch_id or self._begin(session)
            if not recording.hold(session, batch_id):
                raise Conflict("the file is being taken in already")
            self._chunks(session, batch_id)
        self.totals.check(self.setting.currency, self.mapping.control)
        if not self.totals.rows and not self.totals.excluded:
            raise UserError("the file has headings but no rows", field="file")
        return self._finish(session, batch_id)

    def _begin(self, session: Session) -> int:
        return recording.begin(
            session, portfolio_id=self.setting.portfolio_id, kind=self.kind, file_name=self.path.name,
            actor=self.actor, dry_run=True,
        ).id  # fmt: skip

    def _chunks(self, session: Session, batch_id: int) -> None:
        room = ROOMS[self.kind]
        for number, prepared in enumerate(_ahead(self._prepared())):
            room.place(session, prepared, self.setting, batch_id, number)
            if number == 0 and self._small:  # other small agencies' first files wait until this one is in
                refresh_statistics(session, *_FILLED)
            self.totals.add_outcomes(prepared.rows)
            self._keep_issues(session, prepared, batch_id)
            self.progress(self.table.done())
            self.rows_done(self.totals.rows)

    def _prepared(self) -> Iterator[Checked]:
        """Checked chunks; runs in a thread of its own, so it touches no session."""
        room = ROOMS[self.kind]
        for chunk in _some_first(self.table.chunks) if self._small else self.table.chunks:
            rows, control = split_control(chunk, self.mapping.control)
            self.totals.declare(control, self.mapping.control, self.mapping, self.setting.currency)
            wanted = rows.filter(meant(self.mapping))
            self.totals.excluded += rows.height - wanted.height
            if wanted.height:
                prepared = room.prepare(wanted, self.mapping, self.setting)
                self.totals.add_file(prepared.rows)
                yield prepared

    def _keep_issues(self, session: Session, prepared: Checked, batch_id: int) -> None:
        issues = prepared.found.table()
        if not issues.height:
            return
        self.totals.warnings += issues.filter(pl.col("outcome") == WARNING)[ROW].n_unique()
        bad = prepared.rows.filter(pl.col("outcome").is_in([REJECTED, QUARANTINED]))
        raw = prepared.raw.join(bad.select(ROW), on=ROW, how="semi", maintain_order="left")
        self._write_rejects(raw, issues)
        first = issues.select(pl.col(ROW).is_first_distinct()).to_series()
        stored = issues.with_columns(first.alias("first")).join(sealing.raw_rows(raw), on=ROW, how="left")
        stored = stored.with_columns(pl.when("first").then(pl.col("raw")).alias("raw")).rename(
            {ROW: "row_number"}
        )
        copy(session, "import_found", stored, _ISSUES)
        session.execute(
            text("INSERT INTO import_issues (tenant_id, batch_id, row_number, outcome, field, reason, raw)"
                 " SELECT :tenant, :batch, row_number, outcome, field, reason, raw FROM import_found"),
            {"tenant": self.setting.tenant_id, "batch": batch_id},
        )  # fmt: skip

    def _write_rejects(self, raw: pl.DataFrame, issues: pl.DataFrame) -> None:
        if self._rejects_path is None or not raw.height:
            return
        if self._rejects is None:
            self._rejects = RejectsFile(self._rejects_path, self.table.headings, self.table.delimiter)
        told = issues.filter(pl.col("outcome").is_in([REJECTED, QUARANTINED]))
        reasons: dict[int, list[tuple[str, str]]] = {}
        for row, name, code in told.select(ROW, "field", "reason").iter_rows():
            reasons.setdefault(row, []).append((name, code))
        for row, *cells in raw.select(ROW, *self.table.headings).iter_rows():
            self._rejects.add(cells, reason_text(reasons[row]))

    def _finish(self, session: Session, batch_id: int) -> ImportResult:
        totals, counts = self.totals, self.totals.counts
        batch = session.get_one(ImportBatch, (self.setting.tenant_id, batch_id))
        batch.content_hash, batch.mapping = self.table.content_hash, self.spec
        batch.rows_done = totals.rows
        batch.row_count, batch.control_totals = totals.rows, totals.as_json()
        batch.accepted, batch.rejected = counts[ACCEPTED], counts[REJECTED]
        batch.quarantined, batch.duplicates = counts[QUARANTINED], counts[DUPLICATE]
        batch.status, batch.finished_at = "done", clock.now()
        session.flush()
        audit.record(
            session, "placements.import", f"import:{batch.id}", actor=self.actor,
            tenant_id=self.setting.tenant_id,
            kind=self.kind, rows=totals.rows, accepted=batch.accepted, rejected=batch.rejected,
            quarantined=batch.quarantined, duplicates=batch.duplicates,
        )  # fmt: skip
        return ImportResult(
            batch_id=batch.id, rows=totals.rows, accepted=batch.accepted, rejected=batch.rejected,
            quarantined=batch.quarantined, duplicates=batch.duplicates, excluded=totals.excluded,
            warnings=totals.warnings, control_totals=totals.as_json(), seconds=0.0,
            reject_file=str(self._rejects.path) if self._rejects else None,
        )  # fmt: skip

    def close(self, *, keep: bool) -> None:
        """Finish the rejects file; one of an import that failed is taken away again."""
        if self._rejects is not None:
            self._rejects.close()
            if not keep:
                self._rejects.path.unlink()


def setting_for(session: Session, portfolio_id: int) -> Setting:
    """What a file into this portfolio of the tenant in scope is read against. Raises NotFound."""
    scope = scope_of(session)
    portfolio = session.execute(
        select(Portfolio).where(Portfolio.tenant_id == scope.tenant(), Portfolio.id == portfolio_id)
    ).scalar_one_or_none()
    if portfolio is None:
        raise NotFound("no such portfolio", field="portfolio")
    return Setting(
        agency_id=scope.agency(), tenant_id=scope.tenant(), portfolio_id=portfolio.id,
        country=portfolio.country,
        currency=portfolio.currency, product=portfolio.product, placement_number=portfolio.placement_number,
        today=clock.today(tenancy.tenant(session).timezone), now=clock.now(),
    )  # fmt: skip


def lock_imports(session: Session) -> None:
    """Imports of one agency run one after another, so that no person or account appears between look and
    write.
    """
    session.execute(
        text("SELECT pg_advisory_xact_lock(:space, CAST(:agency AS int))"),
        {"space": _LOCK, "agency": scope_of(session).agency()},
    )


def _table(path: Path, mapping: Mapping) -> AbstractContextManager[Table]:
    return opened(
        path, delimiter=mapping.delimiter, encoding=mapping.encoding, sheet=mapping.sheet,
        header_row=mapping.header_row, decimal=mapping.decimal,
    )  # fmt: skip


def mapping_for(
    session: Session, setting: Setting, kind: str, mapping: dict[str, Any] | str | None, path: Path
) -> dict[str, Any]:
    """The mapping's JSON: as given, as saved under the name, as saved for this portfolio, or as proposed."""
    if isinstance(mapping, dict):
        return mapping
    saved = session.execute(
        select(ImportMapping.spec).where(
            ImportMapping.tenant_id == setting.tenant_id, ImportMapping.portfolio_id == setting.portfolio_id,
            ImportMapping.kind == kind, ImportMapping.name == (mapping or "default"),
        )
    ).scalar_one_or_none()  # fmt: skip
    if saved is not None:
        return dict(saved)
    if mapping is not None:
        raise NotFound(
            "the portfolio has no mapping called '%(name)s' for files of kind %(kind)s",
            field="mapping",
            name=mapping,
            kind=Words("import_kind", (kind,)),
        )
    from recupero.placements.imports.proposing import propose_for

    return propose_for(path, kind, home_zone(session, setting.country))


def home_zone(session: Session, country: str) -> str | None:
    """The time zone of the creditor in scope, where its portfolio's debtors live in its own country."""
    creditor = tenancy.tenant(session)
    return creditor.timezone if creditor.country == country else None


def _ahead(chunks: Iterator[Checked]) -> Iterator[Checked]:
    """The same chunks, each prepared in another thread while the one before it is being placed."""
    with ThreadPoolExecutor(1, "import") as thread:
        waiting = thread.submit(next, chunks, None)
        while (prepared := waiting.result()) is not None:
            waiting = thread.submit(next, chunks, None)
            yield prepared
