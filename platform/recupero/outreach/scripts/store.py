"""An agency's own scripts in versions, beside the one that comes with the platform."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import yaml
from sqlalchemy.orm import Session

from recupero.kernel import clock
from recupero.kernel.database import scope_of
from recupero.kernel.errors import UserError
from recupero.outreach.script_tables import CallScript
from recupero.outreach.scripts import checks, shape
from recupero.outreach.scripts.shape import Script
from recupero.outreach.texts import versions
from recupero_sdk.law.loader import read_yaml_text

#: Version number of what comes with the platform.
BUILT_IN = 0
#: libyaml's, where the wheel has it: the first visit of a process waits for three documents.
_DUMPER = getattr(yaml, "CSafeDumper", yaml.SafeDumper)


@dataclass(frozen=True, slots=True)
class Chosen:
    """A script and where it is kept; `id` None: it comes with the platform."""

    script: Script
    id: int | None = None
    version: int = BUILT_IN


@cache
def standard_document(segment: str = "general") -> str:
    """The platform's own script for a segment, as YAML: what an agency starts from. Segments for which it has
    no words of its own have the general one."""
    said = _own_words().get(segment)
    if said is None:
        return _shipped("standard.yaml")
    document = _shipped_data("standard.yaml")
    document.update(name=segment, title=said["title"], segment=segment)
    for step, words in said["steps"].items():
        document["steps"][step].update(words)
    return str(yaml.dump(document, Dumper=_DUMPER, allow_unicode=True, sort_keys=False, width=1000))


@cache
def standard(segment: str = "general") -> Script:
    """The platform's own script for a segment."""
    return shape.read(standard_document(segment))


def standard_segments() -> tuple[str, ...]:
    """The segments for which the platform has words of its own."""
    return ("general", *_own_words())


@cache
def _own_words() -> dict[str, Any]:
    return _shipped_data("segments.yaml")


def _shipped_data(name: str) -> dict[str, Any]:
    return dict(read_yaml_text(_shipped(name), name))


def _shipped(name: str) -> str:
    return (files("recupero.outreach.scripts") / name).read_text(encoding="utf-8")


@cache
def _read(document: str) -> Script:
    return shape.read(document)


def script_for(session: Session, country: str, segment: str = "general", name: str = "") -> Chosen:
    """The script for a call of the tenant in scope: for vulnerable people one made for them, then the one of
    this `name` before any other, its own before its agency's, one for the country before one for any, one for
    the segment before the general one, the newest of equals; else the platform's."""
    rows = session.execute(
        versions.in_reach(session, CallScript).where(CallScript.state == "approved")
    ).scalars()
    fitting = [
        (row, script)
        for row in rows
        if (script := _read(row.document)).country in (country, "**")
        and (script.segment in (segment, "general") or row.name == name)
    ]
    if not fitting:
        return Chosen(standard(segment))
    row, script = max(
        fitting,
        key=lambda one: (
            segment == one[1].segment == shape.CAREFUL, one[0].name == name, one[0].tenant_id is not None,
            one[1].segment == segment, one[1].country == country, one[0].approved_at, one[0].id,
        ),
    )  # fmt: skip
    return Chosen(script, row.id, row.version)


def kept(session: Session, script_id: int | None, name: str) -> Script:
    """The script of a run, whatever became of it since; one that comes with the platform is known by its
    name. Raises NotFound."""
    if script_id is not None:
        return read(version(session, script_id))
    return standard(name if name in standard_segments() else "general")


def read(row: CallScript) -> Script:
    """The script of a version."""
    return _read(row.document)


def all_versions(session: Session) -> Sequence[CallScript]:
    """All versions of the agency and of its tenants in scope, newest first."""
    return versions.versions(session, CallScript)


def version(session: Session, script_id: int) -> CallScript:
    """One version in scope. Raises NotFound."""
    return versions.version(session, CallScript, script_id)


def draft(session: Session, document: str, *, tenant_id: int | None, actor: str) -> CallScript:
    """Keep a new draft of the agency, or of one tenant in scope.

    Raises UserError at the first thing that makes it unfit; `checks.problems` tells all of them.
    """
    script = shape.read(document)
    found = checks.problems(script)
    if found:
        raise found[0]
    number = versions.next_version(session, CallScript, tenant_id, {"name": script.name})
    row = CallScript(
        agency_id=scope_of(session).agency(), tenant_id=tenant_id, name=script.name, version=number,
        state="draft", document=document, made_by=actor, made_at=clock.now(),
    )  # fmt: skip
    versions.keep(session, row, actor=actor)
    return row


def approve(session: Session, script_id: int, *, actor: str) -> None:
    """Let a draft lead calls from now on; the version of the same name and owner before it is retired.

    Raises NotFound; Conflict where it is no draft; Forbidden where its author approves it.
    """
    versions.approve(session, version(session, script_id), actor=actor)


def retire(session: Session, script_id: int, *, actor: str) -> None:
    """Use a version no more: an earlier or the platform's own script leads calls again, and a draft is gone.
    Calls under way keep it. Raises NotFound; Conflict where it was retired before."""
    versions.retire(session, version(session, script_id), actor=actor)


def problems(document: str) -> list[UserError]:
    """All that speaks against a document; empty where it may be kept."""
    return shape.problems(document) or checks.problems(shape.read(document))
