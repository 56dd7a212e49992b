"""An agency's own scripts in versions, beside the one that comes with the platform."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from sqlalchemy import Select, func, or_, select, text, update
from sqlalchemy.orm import Session

from recupero.kernel import audit, clock
from recupero.kernel.database import scope_of
from recupero.kernel.errors import Conflict, Forbidden, NotFound, UserError
from recupero.outreach.script_tables import CallScript
from recupero.outreach.scripts import checks, shape
from recupero.outreach.scripts.shape import Script

_ONE_AT_A_TIME = text("SELECT pg_advisory_xact_lock(hashtextextended('call_scripts', :agency))")
#: Version number of what comes with the platform.
BUILT_IN = 0


@dataclass(frozen=True, slots=True)
class Chosen:
    """A script and where it is kept; `id` None: it comes with the platform."""

    script: Script
    id: int | None = None
    version: int = BUILT_IN


@cache
def standard_document() -> str:
    """The platform's own script, as YAML: what an agency starts from."""
    return (files("recupero.outreach.scripts") / "standard.yaml").read_text(encoding="utf-8")


@cache
def standard() -> Script:
    """The platform's own script."""
    return shape.read(standard_document())


@cache
def _read(document: str) -> Script:
    return shape.read(document)


def script_for(session: Session, country: str, segment: str = "general") -> Chosen:
    """The script for a call of the tenant in scope: its own before its agency's, one for the country before
    one for any, one for the segment before the general one, the newest of equals; else the platform's."""
    rows = session.execute(_in_reach(session).where(CallScript.state == "approved")).scalars()
    fitting = [
        (row, script)
        for row in rows
        if (script := _read(row.document)).country in (country, "**")
        and script.segment in (segment, "general")
    ]
    if not fitting:
        return Chosen(standard())
    row, script = max(
        fitting,
        key=lambda one: (
            one[0].tenant_id is not None, one[1].segment == segment, one[1].country == country,
            one[0].approved_at, one[0].id,
        ),
    )  # fmt: skip
    return Chosen(script, row.id, row.version)


def kept(session: Session, script_id: int | None) -> Script:
    """The script of a run, whatever became of it since. Raises NotFound."""
    return standard() if script_id is None else _read(version(session, script_id).document)


def versions(session: Session) -> Sequence[CallScript]:
    """All versions of the agency and of its tenants in scope, newest first."""
    rows = session.execute(_in_reach(session).order_by(CallScript.made_at.desc(), CallScript.id.desc()))
    return rows.scalars().all()


def version(session: Session, script_id: int) -> CallScript:
    """One version in scope. Raises NotFound."""
    row = session.execute(_in_reach(session).where(CallScript.id == script_id)).scalar_one_or_none()
    if row is None:
        raise NotFound("no such script")
    return row


def _in_reach(session: Session) -> Select[CallScript]:
    scope = scope_of(session)
    return select(CallScript).where(
        CallScript.agency_id == scope.agency(),
        or_(CallScript.tenant_id.is_(None), CallScript.tenant_id.in_(scope.tenant_ids)),
    )


def draft(session: Session, document: str, *, tenant_id: int | None, actor: str) -> CallScript:
    """Keep a new draft of the agency, or of one tenant in scope.

    Raises UserError at the first thing that makes it unfit; `checks.problems` tells all of them.
    """
    scope = scope_of(session)
    if tenant_id is not None and tenant_id not in scope.tenant_ids:
        raise NotFound("no such creditor")
    script = shape.read(document)
    found = checks.problems(script)
    if found:
        raise found[0]
    session.execute(_ONE_AT_A_TIME, {"agency": scope.agency()})
    newest = session.execute(
        select(func.max(CallScript.version)).where(
            CallScript.agency_id == scope.agency(),
            CallScript.tenant_id.is_not_distinct_from(tenant_id),
            CallScript.name == script.name,
        )
    ).scalar_one()
    row = CallScript(
        agency_id=scope.agency(), tenant_id=tenant_id, name=script.name, version=(newest or 0) + 1,
        state="draft", document=document, made_by=actor, made_at=clock.now(),
    )  # fmt: skip
    session.add(row)
    session.flush()
    audit.record(session, "outreach.draft_script", f"script:{row.id}", actor=actor, tenant_id=tenant_id)
    return row


def approve(session: Session, script_id: int, *, actor: str) -> None:
    """Let a draft lead calls from now on; the version of the same name and owner before it is retired.

    Raises NotFound; Conflict where it is no draft; Forbidden where its author approves it.
    """
    row = version(session, script_id)
    if row.state != "draft":
        raise Conflict("this version is no draft any more")
    if row.made_by == actor:
        raise Forbidden("somebody else than its author has to approve a script")
    session.execute(
        update(CallScript)
        .where(
            CallScript.agency_id == row.agency_id,
            CallScript.tenant_id.is_not_distinct_from(row.tenant_id),
            CallScript.name == row.name,
            CallScript.state == "approved",
        )
        .values(state="retired")
    )
    row.state, row.approved_by, row.approved_at = "approved", actor, clock.now()
    audit.record(session, "outreach.approve_script", f"script:{row.id}", actor=actor, tenant_id=row.tenant_id)


def retire(session: Session, script_id: int, *, actor: str) -> None:
    """Use a version no more: an earlier or the platform's own script leads calls again, and a draft is gone.
    Calls under way keep it. Raises NotFound; Conflict where it was retired before."""
    row = version(session, script_id)
    if row.state == "retired":
        raise Conflict("this version is retired already")
    row.state = "retired"
    audit.record(session, "outreach.retire_script", f"script:{row.id}", actor=actor, tenant_id=row.tenant_id)


def problems(document: str) -> list[UserError]:
    """All that speaks against a document; empty where it may be kept."""
    try:
        script = shape.read(document)
    except UserError as error:
        return [error]
    return checks.problems(script)
