"""Placing a creditor's file: choose it, say what its columns mean, try it, take it in; what became of it."""

import json
import tempfile
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from flask import Response, flash, redirect, render_template, request, send_file, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from recupero.kernel import clock, runtime
from recupero.kernel.database import Scope
from recupero.kernel.errors import UserError
from recupero.placements import batches, browse
from recupero.placements import service as placements_service
from recupero.placements.batches import BatchLine
from recupero.placements.tables import ImportBatch, Portfolio
from recupero.portals.frame import uploads
from recupero.portals.frame.errors import said
from recupero.portals.frame.forms import Form
from recupero.portals.frame.pages import blueprint
from recupero.portals.frame.tables import Column, Pick, Table, answer, creditor_pick
from recupero.portals.words.words import label, options
from recupero.tenancy import queries as tenancy
from recupero.tenancy.guard import requires, the_caller, transaction
from recupero.tenancy.permissions import Permission

KINDS = ("placement", "maintenance", "financial", "recall")


@blueprint.get("/placements")
@requires(Permission.PLACEMENTS_READ)
def placements() -> ResponseReturnValue:
    return _list_page(Form())


@blueprint.post("/placements")
@requires(Permission.PLACEMENTS_IMPORT)
def placement_sent() -> ResponseReturnValue:
    """Keep the file and go on to its mapping."""
    form, sent = Form.sent(), request.files.get("file")
    try:
        with form.together():
            portfolio_id, kind = form.id("portfolio"), form.one_of("kind", KINDS)
            if sent is None or not sent.filename:
                raise UserError("Choose a file.", field="file")
        with transaction() as session:
            portfolio = browse.portfolio(session, portfolio_id)
    except UserError as error:
        form.refuse(error, "file", "kind", "portfolio")
        return _list_page(form)
    token = uploads.keep(sent, the_caller())
    return redirect(url_for("portals.placement_file", token=token, portfolio=portfolio.id, kind=kind))


def _list_page(form: Form) -> ResponseReturnValue:
    with transaction() as session:
        tenants = {tenant.id: tenant for tenant in tenancy.tenants(session)}
        portfolios = browse.portfolios(session)
        table = _files({one.id: one.name for one in tenants.values()})
        chosen = table.chosen
        rows = batches.batches(
            session, tenant_id=int(chosen.get("tenant") or 0) or None, kind=chosen["kind"] or None,
            status=chosen["state"] or None, part=table.part,
        )  # fmt: skip
    return answer(
        "placements/list.html", table.fill(rows), portfolios=portfolios, form=form,
        choices=[(one.id, _named(one, tenants[one.tenant_id].name)) for one in portfolios],
        kinds=[(one, label("import_kind", one)) for one in KINDS], status=form.status,
    )  # fmt: skip


def _named(one: Portfolio, creditor: str) -> str:
    """A portfolio to choose: whose it is knows who is of the creditor."""
    name = f"{one.name} ({one.currency})"
    return name if the_caller().is_creditor else f"{creditor} · {name}"


def _files(names: Mapping[int, str]) -> Table[BatchLine]:
    """The files that were placed, of the creditors of these `names`."""
    own = the_caller().is_creditor
    columns: list[Column[BatchLine]] = [
        Column("file", _("File"), lambda row: row.batch.file_name, sorts=False,
               link=lambda row: url_for("portals.placement", batch_id=row.batch.id),
               note=lambda row: label("import_kind", row.batch.kind)),
        Column("portfolio", _("Portfolio"), lambda row: row.portfolio, sorts=False,
               note=lambda row: None if own else names.get(row.batch.tenant_id)),
        Column("at", _("When"), lambda row: row.batch.started_at),
        Column("rows", _("Rows"), lambda row: row.batch.row_count),
        Column("accepted", _("Accepted"), lambda row: row.batch.accepted),
        Column("rejected", _("Rejects"), lambda row: row.batch.rejected),
        Column("quarantined", _("Quarantine"), lambda row: row.batch.quarantined),
        Column("duplicates", _("Duplicates"), lambda row: row.batch.duplicates),
        Column("state", _("State"), lambda row: row.batch.status, words="import", badge=True, sorts=False),
    ]  # fmt: skip
    return Table(
        "files", _("Files"), columns, sort="-at", endpoint="portals.placements",
        filters=(*creditor_pick(names), Pick("kind", _("What it holds"), options("import_kind")),
                 Pick("state", _("State"), options("import"))),
    )  # fmt: skip


@blueprint.get("/placements/files/<token>")
@requires(Permission.PLACEMENTS_IMPORT)
def placement_file(token: str) -> ResponseReturnValue:
    """The file's columns with the saved or proposed meaning of each, and what comes of the first rows."""
    path, portfolio, kind = _chosen(token)
    try:
        return _mapping_page(token, _known_mapping(portfolio, kind, path), Form())
    except UserError as error:
        uploads.drop(token, the_caller())
        why = _("The file cannot be read: %(why)s", why=said(error))
        form = Form({"portfolio": str(portfolio.id), "kind": kind})
        form.errors["file"] = why
        return _list_page(form)


@blueprint.post("/placements/files/<token>")
@requires(Permission.PLACEMENTS_IMPORT)
def placement_file_sent(token: str) -> ResponseReturnValue:
    """Look again, try without keeping anything, or take the file in."""
    form = Form.sent()
    path, portfolio, kind = _chosen(token)
    spec: dict[str, Any] = {}
    try:
        spec = _mapping_of(form, path)
        if form.optional("do") == "look":
            return _mapping_page(token, spec, form)
        trial = form.optional("do") != "import"
        result = _take_in(path, portfolio, kind, spec, dry_run=trial)
        if trial and not isinstance(result, int):
            return _mapping_page(token, spec, form, result=result)
        if form.optional("save"):
            _save_mapping(portfolio, kind, spec)
    except UserError as error:
        form.refuse(error)
        return _mapping_page(token, spec or _known_mapping(portfolio, kind, path), form)
    if trial:
        return redirect(url_for("portals.placement", batch_id=result, token=token))
    uploads.drop(token, the_caller())
    if isinstance(result, int):
        return redirect(url_for("portals.placement", batch_id=result))
    flash(_("The file has been taken in."))
    return redirect(url_for("portals.placement", batch_id=result.batch_id))


def _save_mapping(portfolio: Portfolio, kind: str, spec: dict[str, Any]) -> None:
    with runtime.current().database.transaction(_scope(portfolio)) as session:
        placements_service.save_mapping(
            session, portfolio_id=portfolio.id, kind=kind, name="default", spec=spec,
            actor=the_caller().actor,
        )  # fmt: skip


def _chosen(token: str) -> tuple[Path, Portfolio, str]:
    kind = request.args.get("kind", "placement")
    with transaction() as session:
        portfolio = browse.portfolio(session, request.args.get("portfolio", 0, type=int))
    return uploads.find(token, the_caller()), portfolio, kind if kind in KINDS else "placement"


def _scope(portfolio: Portfolio) -> Scope:
    """A creditor's own users place through the agency's people register, too; of it they see nothing."""
    return Scope(the_caller().agency_id, (portfolio.tenant_id,))


def _known_mapping(portfolio: Portfolio, kind: str, path: Path) -> dict[str, Any]:
    """The mapping saved for the portfolio, where the file has any of the columns that it names; else the one
    that headings and first rows suggest."""
    # Polars is loaded only where a file is read
    from recupero.placements.imports.proposing import propose
    from recupero.placements.imports.running import home_zone

    with runtime.current().database.transaction(_scope(portfolio)) as session:
        saved = batches.saved_mapping(session, portfolio.id, kind)
        zone = home_zone(session, portfolio.country)
    if saved is not None and (not _meant(saved) or _meant(saved) & set(_headings(path, saved))):
        return saved
    return propose(path, kind, zone).spec


def _meant(spec: dict[str, Any]) -> set[str]:
    """The columns that a mapping names plainly."""
    sources = [source for source in spec.get("columns", {}).values() if not _is_composed(source)]
    return {one for source in sources for one in ([source] if isinstance(source, str) else source)}


def _take_in(path: Path, portfolio: Portfolio, kind: str, spec: dict[str, Any], *, dry_run: bool) -> Any:
    """The result; of a large file, which a worker takes in, the number of its batch."""
    from recupero.placements.imports import import_file, queueing

    take_in = queueing.queue if queueing.is_large(path) else import_file
    return take_in(
        runtime.current().database, _scope(portfolio), portfolio_id=portfolio.id, path=path, kind=kind,
        mapping=spec, dry_run=dry_run, actor=the_caller().actor,
    )  # fmt: skip


def _mapping_of(form: Form, path: Path) -> dict[str, Any]:
    """The mapping as the form says: what was chosen for each column, over what only JSON can say."""
    try:
        spec = json.loads(form.text("spec"))
    except json.JSONDecodeError as error:
        raise UserError("the mapping is no JSON: %(why)s", field="spec", why=error) from None
    if not isinstance(spec, dict):
        raise UserError("the mapping must be a JSON object", field="spec")
    if form.optional("spec") != form.optional("shown_spec"):
        return spec  # it was edited by hand
    chosen: dict[str, Any] = {
        name: source for name, source in spec.get("columns", {}).items() if _is_composed(source)
    }
    for place, heading in enumerate(_headings(path, spec)):
        name = form.optional(f"column-{place}")
        if name:
            before = chosen.get(name)
            chosen[name] = (
                heading if before is None else [*(before if isinstance(before, list) else [before]), heading]
            )
    return {**spec, "columns": chosen, "dates": form.text("dates"), "decimal": form.text("decimal")}


def _is_composed(source: Any) -> bool:
    """Whether a field's source says more than which columns it is read from."""
    return isinstance(source, dict)


def _headings(path: Path, spec: dict[str, Any]) -> Sequence[str]:
    from recupero.placements.imports.reading import opened

    how = {
        key: spec[key] for key in ("delimiter", "encoding", "sheet", "header_row", "decimal") if key in spec
    }
    with opened(path, **how) as table:
        return list(table.headings)


def _mapping_page(token: str, spec: dict[str, Any], form: Form, *, result: Any = None) -> ResponseReturnValue:
    from recupero.placements.imports.fields import FIELDS, REQUIRED
    from recupero.placements.imports.reasons import explain

    path, portfolio, kind = _chosen(token)
    shown, problem = _preview(path, portfolio, kind, spec)
    if problem and not form.errors and form.values:
        form.refuse(problem)
    headings = shown.headings if shown else _headings(path, spec)
    page = render_template(
        "placements/mapping.html", token=token, portfolio=portfolio, kind=kind, spec=spec, form=form,
        result=result, file_name=path.name, headings=headings, shown=shown, problem=problem and said(problem),
        fields=FIELDS[kind],
        meaning={column: name for name, source in spec.get("columns", {}).items() if not _is_composed(source)
                 for column in ([source] if isinstance(source, str) else source)},
        composed=[name for name, source in spec.get("columns", {}).items() if _is_composed(source)],
        required=REQUIRED[kind], spec_text=json.dumps(spec, ensure_ascii=False, indent=2),
        explain=lambda code: explain(code, _),
    )  # fmt: skip
    return page, form.status


def _preview(
    path: Path, portfolio: Portfolio, kind: str, spec: dict[str, Any]
) -> tuple[Any, UserError | None]:
    """The first rows through the mapping; or None and what is wrong with it."""
    from recupero.placements.imports.previewing import preview
    from recupero.placements.imports.setting import Setting

    now = clock.now()
    setting = Setting(
        agency_id=the_caller().agency_id, tenant_id=portfolio.tenant_id, portfolio_id=portfolio.id,
        country=portfolio.country, currency=portfolio.currency, product=portfolio.product,
        placement_number=portfolio.placement_number, today=now.date(), now=now,
    )  # fmt: skip
    try:
        return preview(path, spec, setting, kind=kind, n=10), None
    except UserError as error:
        return None, error


@blueprint.get("/placements/<int:batch_id>")
@requires(Permission.PLACEMENTS_READ)
def placement(batch_id: int) -> ResponseReturnValue:
    """What became of a file; while it is taken in, how far it is, asked for again every few seconds."""
    from recupero.placements.imports.reasons import explain
    from recupero.placements.imports.recording import problem_of

    with transaction() as session:
        batch = batches.batch(session, batch_id)
        portfolio = browse.portfolio(session, batch.portfolio_id)
        tenant = tenancy.tenant(session, batch.tenant_id)
        issues = batches.issues(session, batch)
    problem = problem_of(batch)
    return render_template(
        "placements/batch.html", batch=batch, portfolio=portfolio, tenant=tenant, issues=issues,
        waits=batch.status in ("queued", "running"), problem=problem and said(problem),
        back=_way_back(batch),
        explain=lambda code: explain(code, _),
    )  # fmt: skip


def _way_back(batch: ImportBatch) -> str | None:
    """After a trial: the page from which the file can be taken in, while it is kept there."""
    token = request.args.get("token")
    if token is None or batch.status not in ("tried", "failed"):
        return None
    return url_for("portals.placement_file", token=token, portfolio=batch.portfolio_id, kind=batch.kind)


@blueprint.get("/placements/<int:batch_id>/rejects.csv")
@requires(Permission.PLACEMENTS_READ)
def placement_rejects(batch_id: int) -> ResponseReturnValue:
    """The rows that were not taken, in the file's own columns, with the reasons in the reader's language."""
    from recupero.placements.imports.rejects import RejectsFile, reason_text

    field_word = partial(label, "field")
    with tempfile.TemporaryDirectory() as folder, transaction() as session:
        batch = batches.batch(session, batch_id)
        made: RejectsFile | None = None
        for row, reasons in batches.rejected_rows(session, batch):
            made = made or RejectsFile(Path(folder) / "rejects.csv", list(row))
            made.add(
                [row.get(name) for name in made.headings],
                reason_text(reasons, _, field_word),
            )
        if made is None:
            return Response(status=204)
        made.close()
        content = made.path.open("rb")  # lives on after its folder is gone, until it has been sent
    return send_file(content, "text/csv", as_attachment=True, download_name=f"rejects-{batch_id}.csv")
