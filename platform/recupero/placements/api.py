"""Portfolios, imports, accounts, contact points and holds, for machines."""

import json
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from flask import Response
from flask_babel import gettext
from sqlalchemy.orm import Session
from werkzeug.datastructures import FileStorage
from werkzeug.utils import secure_filename

from recupero.kernel import audit, clock, rest, runtime
from recupero.kernel.database import Scope
from recupero.kernel.errors import NotFound, UserError
from recupero.placements import batches, browse, schemas, service, strategies
from recupero.placements.tables import Account, Debtor, ImportBatch, ImportIssue, StrategyDraft
from recupero.placements.terms import check_terms, needed
from recupero.tenancy.guard import check_may, page_of, requires, tenant_transaction, the_caller, transaction
from recupero.tenancy.permissions import Permission

blueprint = rest.Endpoints("placements", "Portfolios, imports, accounts, holds")


@blueprint.get("/portfolios")
@requires(Permission.PLACEMENTS_READ)
@blueprint.response(200, schemas.PortfoliosSchema)
def portfolios() -> dict[str, Any]:
    """Portfolios with what lies in them"""
    with transaction() as session:
        return {"items": [_portfolio(line) for line in browse.portfolios_with_totals(session)]}


def _portfolio(line: browse.PortfolioLine) -> dict[str, Any]:
    names = (
        "id",
        "tenant_id",
        "name",
        "country",
        "currency",
        "product",
        "placement_number",
        "terms",
        "strategy",
    )
    totals = ("accounts", "open_accounts", "placed_minor", "balance_minor")
    return {name: getattr(line.portfolio, name) for name in names} | {
        name: getattr(line, name) for name in totals
    }


@blueprint.post("/portfolios")
@requires(Permission.TENANCY_MANAGE)
@blueprint.arguments(schemas.NewPortfolioSchema)
@blueprint.response(201, rest.MadeSchema)
def add_portfolio(data: dict[str, Any]) -> dict[str, Any]:
    """Add a portfolio to a creditor"""
    with tenant_transaction(data.pop("tenant_id")) as session:
        return {"id": service.create_portfolio(session, **data, actor=the_caller().actor).id}


@blueprint.get("/portfolios/<int:portfolio_id>/terms")
@requires(Permission.PLACEMENTS_READ)
@blueprint.response(200, schemas.TermsSchema)
def terms(portfolio_id: int) -> dict[str, Any]:
    """The terms under which a portfolio is placed, the commission schedule among them"""
    with transaction() as session:
        return {"terms": browse.portfolio(session, portfolio_id).terms}


@blueprint.put("/portfolios/<int:portfolio_id>/terms")
@requires(Permission.TERMS_MANAGE)
@blueprint.arguments(schemas.NewTermsSchema)
@blueprint.response(200, schemas.TermsSchema)
def set_terms(data: dict[str, Any], portfolio_id: int) -> dict[str, Any]:
    """Give a portfolio new terms, whole

    They hold for payments and offers yet to come; `accrual` and `allocation_order` from `holds_from` on. To
    change the commission, `recall_days` or `tolerance_minor` the key needs `tenancy.manage`, too."""
    with transaction() as session:
        portfolio = browse.portfolio(session, portfolio_id)
        tenant_id = portfolio.tenant_id
        stated = check_terms({name: one for name, one in data["terms"].items() if name != "before"})
        for permission in needed(portfolio.terms, stated):
            check_may(permission)
    with tenant_transaction(tenant_id) as session:
        service.set_terms(
            session, portfolio_id, data["terms"], actor=the_caller().actor, holds_from=data["holds_from"]
        )
        return {"terms": browse.portfolio(session, portfolio_id).terms}


@blueprint.get("/portfolios/<int:portfolio_id>/strategy")
@requires(Permission.PLACEMENTS_READ)
@blueprint.response(200, schemas.StrategySchema)
def strategy(portfolio_id: int) -> dict[str, Any]:
    """The strategy of a portfolio and its version"""
    with transaction() as session:
        found = browse.portfolio(session, portfolio_id)
        return {"strategy": found.strategy, "version": found.strategy_version}


@blueprint.put("/portfolios/<int:portfolio_id>/strategy")
@requires(Permission.STRATEGY_MANAGE)
@blueprint.arguments(schemas.NewStrategySchema)
@blueprint.response(200, schemas.StrategySchema)
def set_strategy(data: dict[str, Any], portfolio_id: int) -> dict[str, Any]:
    """Give a portfolio a new strategy, whole; plans use it from now on"""
    with transaction() as session:
        tenant_id = browse.portfolio(session, portfolio_id).tenant_id
    with tenant_transaction(tenant_id) as session:
        version = strategies.set_strategy(session, portfolio_id, **data, actor=the_caller().actor)
        return {"strategy": data["strategy"], "version": version}


@blueprint.get("/portfolios/<int:portfolio_id>/strategy/versions")
@requires(Permission.PLACEMENTS_READ)
@blueprint.response(200, schemas.StrategyVersionsSchema)
def strategy_versions(portfolio_id: int) -> dict[str, Any]:
    """All versions of a portfolio's strategy, newest first"""
    with transaction() as session:
        browse.portfolio(session, portfolio_id)
        return {"items": strategies.versions(session, portfolio_id)}


@blueprint.get("/portfolios/<int:portfolio_id>/strategy/draft")
@requires(Permission.STRATEGY_MANAGE)
@blueprint.response(200, schemas.StrategyDraftSchema)
def strategy_draft(portfolio_id: int) -> StrategyDraft:
    """The draft of a portfolio's strategy; no plan uses it"""
    with transaction() as session:
        browse.portfolio(session, portfolio_id)
        return _draft(session, portfolio_id)


@blueprint.put("/portfolios/<int:portfolio_id>/strategy/draft")
@requires(Permission.STRATEGY_MANAGE)
@blueprint.arguments(schemas.NewStrategyDraftSchema)
@blueprint.response(200, schemas.StrategyDraftSchema)
def keep_strategy_draft(data: dict[str, Any], portfolio_id: int) -> StrategyDraft:
    """Keep a draft of a portfolio's strategy, in place of an earlier one"""
    with _of_portfolio(portfolio_id) as session:
        strategies.keep_draft(session, portfolio_id, data["strategy"], actor=the_caller().actor)
        return _draft(session, portfolio_id)


@blueprint.delete("/portfolios/<int:portfolio_id>/strategy/draft")
@requires(Permission.STRATEGY_MANAGE)
@blueprint.response(204)
def drop_strategy_draft(portfolio_id: int) -> None:
    """Throw the draft away"""
    with _of_portfolio(portfolio_id) as session:
        strategies.drop_draft(session, portfolio_id, actor=the_caller().actor)


@blueprint.post("/portfolios/<int:portfolio_id>/strategy/draft/activate")
@requires(Permission.STRATEGY_MANAGE)
@blueprint.arguments(schemas.ActivateDraftSchema)
@blueprint.response(200, schemas.StrategySchema)
def activate_strategy_draft(data: dict[str, Any], portfolio_id: int) -> dict[str, Any]:
    """Make the draft the portfolio's strategy; plans use it from now on"""
    with _of_portfolio(portfolio_id) as session:
        version = strategies.activate_draft(session, portfolio_id, actor=the_caller().actor, **data)
        return {"strategy": browse.portfolio(session, portfolio_id).strategy, "version": version}


@contextmanager
def _of_portfolio(portfolio_id: int) -> Iterator[Session]:
    """A transaction of the creditor whose portfolio it is."""
    with transaction() as session:
        tenant_id = browse.portfolio(session, portfolio_id).tenant_id
    with tenant_transaction(tenant_id) as session:
        yield session


def _draft(session: Session, portfolio_id: int) -> StrategyDraft:
    found = strategies.draft(session, portfolio_id)
    if found is None:
        raise NotFound("there is no draft")
    return found


@blueprint.get("/imports")
@requires(Permission.PLACEMENTS_READ)
@blueprint.arguments(schemas.ImportQuerySchema, location="query")
@blueprint.response(200, rest.paged(schemas.ImportSchema))
def imports(query: dict[str, Any]) -> Response:
    """Files taken in, oldest first"""
    return page_of(ImportBatch, schemas.ImportSchema, query)


@blueprint.get("/imports/<int:import_id>")
@requires(Permission.PLACEMENTS_READ)
@blueprint.response(200, schemas.ImportSchema)
def one_import(import_id: int) -> Any:
    """One file and what became of it"""
    with transaction() as session:
        return batches.batch(session, import_id)


@blueprint.get("/imports/<int:import_id>/issues")
@requires(Permission.PLACEMENTS_READ)
@blueprint.arguments(rest.Page, location="query")
@blueprint.response(200, rest.paged(schemas.IssueSchema))
def import_issues(query: dict[str, Any], import_id: int) -> Response:
    """Rows that were not taken as they stood, and why"""
    with transaction() as session:
        batch = batches.batch(session, import_id)
        return rest.answer(
            rest.keyset(session, ImportIssue, schemas.IssueSchema, {**query, "batch_id": batch.id})
        )


@blueprint.get("/imports/<int:import_id>/rejects")
@requires(Permission.PLACEMENTS_READ)
@blueprint.response(200, rest.BINARY, content_type="text/csv")
def import_rejects(import_id: int) -> Response:
    """The rows that were not taken, in the file's own columns with the reasons (CSV)

    The reasons are in the language that `Accept-Language` asks for."""
    from recupero.placements.imports.rejects import RejectsFile, reason_text

    with tempfile.TemporaryDirectory(prefix="recupero-rejects-") as folder, transaction() as session:
        path, made = Path(folder) / "rejects.csv", None
        for row, reasons in batches.rejected_rows(session, batches.batch(session, import_id)):
            made = made or RejectsFile(path, list(row))
            made.add([row.get(name) for name in made.headings], reason_text(reasons, gettext))
        if made is not None:
            made.close()
        content = path.read_bytes() if made else b""
    return rest.file(content, "text/csv; charset=utf-8", f"rejects-{import_id}.csv")


@blueprint.post("/imports")
@requires(Permission.PLACEMENTS_IMPORT)
@blueprint.arguments(schemas.NewImportSchema, location="form")
@blueprint.arguments(schemas.ImportFileSchema, location="files")
@blueprint.response(201, schemas.ImportResultSchema)
@blueprint.alt_response(202, schema=schemas.ImportSchema)
def import_file(data: dict[str, Any], files: dict[str, FileStorage]) -> dict[str, Any] | Response:
    """Take a creditor's file in

    CSV or XLSX as multipart form data. With `dry_run` everything is checked and nothing kept. The same file
    twice adds nothing. A file of 5 MiB or more is taken in by a worker: the answer is 202 with the import,
    whose address, in `Location`, tells how far it is (`status`, `rows_done`) and what became of it."""
    from recupero.placements.imports import import_file as take_in  # Polars is loaded only for a file
    from recupero.placements.imports import queueing

    with transaction() as session:
        tenant_id = browse.portfolio(session, data["portfolio_id"]).tenant_id
    scope, database = Scope(the_caller().scope.agency_id, (tenant_id,)), runtime.current().database
    with _stored(files["file"]) as path:
        about: dict[str, Any] = {
            "portfolio_id": data["portfolio_id"], "path": path, "kind": data["kind"],
            "mapping": _mapping(data["mapping"]), "dry_run": data["dry_run"], "actor": the_caller().actor,
        }  # fmt: skip
        if queueing.is_large(path):
            return _accepted(queueing.queue(database, scope, **about))
        return take_in(database, scope, **about).as_json()


def _accepted(batch_id: int) -> Response:
    """The queued import, and where to ask for it."""
    with transaction() as session:
        batch = batches.batch(session, batch_id)
        shown = {name: getattr(batch, name) for name in schemas.ImportSchema._declared_fields}
    return rest.answer(shown, 202, {"Location": f"{rest.PREFIX}/imports/{batch_id}"})


@contextmanager
def _stored(upload: FileStorage) -> Iterator[Path]:
    """The uploaded file on disk, under its own name, as long as the block runs."""
    name = secure_filename(upload.filename or "")
    if not name:
        raise UserError("send the file with its name", field="file")
    with tempfile.TemporaryDirectory(prefix="recupero-import-") as folder:
        path = Path(folder) / name
        upload.save(path)
        yield path


def _mapping(text: str | None) -> dict[str, Any] | str | None:
    if text is None or not text.lstrip().startswith("{"):
        return text or None
    try:
        spec: dict[str, Any] = json.loads(text)
    except ValueError as error:
        raise UserError("the mapping is no JSON: %(why)s", field="mapping", why=error) from None
    return spec


@blueprint.get("/accounts")
@requires(Permission.ACCOUNTS_READ)
@blueprint.arguments(schemas.AccountQuerySchema, location="query")
@blueprint.response(200, rest.paged(schemas.AccountSchema))
def accounts(query: dict[str, Any]) -> Response:
    """Accounts, oldest first"""
    return page_of(Account, schemas.AccountSchema, query)


@blueprint.get("/accounts/<int:account_id>")
@requires(Permission.ACCOUNTS_READ)
@blueprint.response(200, schemas.AccountCardSchema)
def account(account_id: int) -> dict[str, Any]:
    """One account with who owes it"""
    with transaction() as session:
        card = browse.account(session, account_id)
    names = schemas.AccountSchema._declared_fields
    shown = {name: getattr(card.account, name) for name in names}
    return {**shown, "debtor": _debtor(card.debtor), "holds": card.holds}


def _debtor(debtor: Debtor) -> dict[str, Any]:
    names = ("id", "kind", "country", "region", "timezone", "language")
    shown = {name: getattr(debtor, name) for name in names}
    return {**shown, "name": _private(debtor.name), "national_id": _private(debtor.national_id)}


def _private(value: str | None) -> str | None:
    """In full for keys that work accounts; else enough to recognise, too little to learn."""
    if value is None or the_caller().may(Permission.ACCOUNTS_WORK):
        return value
    return f"•••{value[-3:]}" if len(value) > 6 else "•••"


@blueprint.get("/accounts/<int:account_id>/contact-points")
@requires(Permission.ACCOUNTS_READ)
@blueprint.response(200, schemas.ContactPointsSchema)
def contact_points(account_id: int) -> dict[str, Any]:
    """How the debtor of an account can be reached"""
    names: Mapping[str, Any] = schemas.ContactPointSchema._declared_fields
    with transaction() as session:
        points = browse.account(session, account_id).points
    rows = [{name: getattr(point, name) for name in names} for point in points]
    return {"items": [{**row, "value": _private(row["value"])} for row in rows]}


@blueprint.get("/accounts/<int:account_id>/holds")
@requires(Permission.ACCOUNTS_READ)
@blueprint.response(200, schemas.HoldsSchema)
def holds(account_id: int) -> dict[str, Any]:
    """What stops work on an account now"""
    with transaction() as session:
        return {"items": browse.account(session, account_id).holds}


@blueprint.post("/accounts/<int:account_id>/holds")
@requires(Permission.ACCOUNTS_WORK)
@blueprint.arguments(schemas.NewHoldSchema)
@blueprint.response(201, rest.MadeSchema)
def open_hold(data: dict[str, Any], account_id: int) -> dict[str, Any]:
    """Stop work on an account, or on its debtor"""
    if data["until"] is not None and data["until"] <= clock.now():
        raise UserError("choose a moment that is yet to come", field="until")
    with transaction() as session:
        found = browse.account(session, account_id).account
    with tenant_transaction(found.tenant_id) as session:
        hold_id = service.hold_by_hand(
            session, debtor_id=found.debtor_id, account_id=None if data["whole_debtor"] else account_id,
            kind=data["kind"], actor=the_caller().actor, until=data["until"], since=data["since"],
        )  # fmt: skip
    return {"id": hold_id}


@blueprint.delete("/accounts/<int:account_id>/holds/<int:hold_id>")
@requires(Permission.ACCOUNTS_WORK)
@blueprint.response(204)
def end_hold(account_id: int, hold_id: int) -> None:
    """Let work go on"""
    with transaction() as session:
        card = browse.account(session, account_id)
    if hold_id not in {hold.id for hold in card.holds}:
        raise NotFound("no such hold is open on this account")
    actor, tenant_id = the_caller().actor, card.account.tenant_id
    with tenant_transaction(tenant_id) as session:
        service.end_hold(session, hold_id, by=actor)
        audit.record(session, "placements.end_hold", f"hold:{hold_id}", actor=actor, tenant_id=tenant_id)
