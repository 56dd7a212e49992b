"""Makes, seals and proves compliance reports."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from recupero.contacts import gate, policies, proving
from recupero.kernel import audit, clock
from recupero.kernel.database import scope_of
from recupero.kernel.errors import Faults, NotFound, UserError
from recupero.placements.cases import answered_within
from recupero.reports.compliance.queries import Reader
from recupero.reports.compliance.tables import ComplianceReport
from recupero.reports.periods import Period, begun
from recupero.tenancy import queries as tenancy

KIND, VERSION = "recupero.compliance", 2
LONGEST_SEED = 60  # characters, as many as a line of the report holds
SAMPLE, MOST = 50, 500  # contacts judged again
SEALED = "reports.seal_compliance"


def make(
    session: Session, period: Period, *, actor: str, seed: str | None = None, sample: int = SAMPLE
) -> ComplianceReport:
    """The report of the tenant in scope over whole months of its time zone, sealed and kept.

    `seed` decides which contacts are judged again; by default the period. Needs the agency in scope. Raises
    UserError where the period has not begun, or the sample or its seed is too large.
    """
    tenant = tenancy.tenant(session)
    begun(period, tenant.timezone)
    faults = Faults()
    if not 1 <= sample <= MOST:
        faults.note(UserError("judge between 1 and %(most)s contacts again", field="sample", most=MOST))
    if len(seed or "") > LONGEST_SEED:
        faults.note(UserError("At most %(most)s characters fit here.", field="seed", most=LONGEST_SEED))
    faults.tell()
    report = _contents(session, period, seed or str(period), sample)
    sequence, head = audit.head(session)
    chain = {"sequence": sequence, "head": head.hex()}
    sealed = {**report, "seal": {"algorithm": "sha256", **chain, "digest": digest(report, head)}}
    made = ComplianceReport(
        tenant_id=tenant.id, period=str(period), report=sealed, made_at=clock.now(), made_by=actor
    )
    session.add(made)
    session.flush()
    audit.record(
        session, SEALED, f"compliance_report:{made.id}", actor=actor, tenant_id=tenant.id,
        digest=sealed["seal"]["digest"], period=str(period),
    )  # fmt: skip
    return made


def digest(report: Mapping[str, Any], head: bytes) -> str:
    """SHA-256 over the report without its seal, as JSON with sorted keys and no blanks, and then the head."""
    content = {key: value for key, value in report.items() if key != "seal"}
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode() + head).hexdigest()


def verify(session: Session, report: Mapping[str, Any]) -> list[str]:
    """What does not hold of a sealed report, against the audit trail of the agency in scope; empty where it
    was made here, as it is, and the trail still stands. Raises UserError where it is no such report."""
    seal = report.get("seal")
    if report.get("kind") != KIND or not isinstance(seal, Mapping):
        raise UserError(
            "this is no sealed compliance report: give the JSON file as it was made", field="file"
        )
    try:
        head, sequence, said = bytes.fromhex(seal["head"]), int(seal["sequence"]), str(seal["digest"])
    except (KeyError, TypeError, ValueError):
        return ["the seal cannot be read"]
    problems = []
    if digest(report, head) != said:
        problems.append("the report was changed after it was sealed: its digest is another")
    if _hash_at(session, sequence) != head:
        problems.append(f"the audit trail has no event {sequence} with the hash that the seal names")
    if not _was_sealed(session, said):
        problems.append("the audit trail does not know that this report was sealed")
    return problems + audit.verify(session)


def _hash_at(session: Session, sequence: int) -> bytes | None:
    if sequence == 0:
        return audit.GENESIS
    event = audit.AuditEvent
    query = select(event.hash).where(event.agency_id == scope_of(session).agency(), event.seq == sequence)
    return session.execute(query).scalar_one_or_none()


def _was_sealed(session: Session, said: str) -> bool:
    event = audit.AuditEvent
    query = select(event.id).where(
        event.agency_id == scope_of(session).agency(), event.action == SEALED,
        event.details["digest"].astext == said,
    )  # fmt: skip
    return session.execute(query.limit(1)).first() is not None


def reports(session: Session, limit: int = 100) -> Sequence[ComplianceReport]:
    """Those made of the tenants in scope, newest first."""
    mine = ComplianceReport.tenant_id.in_(scope_of(session).tenant_ids)
    query = select(ComplianceReport).where(mine).order_by(ComplianceReport.id.desc()).limit(limit)
    return session.execute(query).scalars().all()


def one(session: Session, report_id: int) -> ComplianceReport:
    """One of them. Raises NotFound."""
    mine = ComplianceReport.tenant_id.in_(scope_of(session).tenant_ids)
    query = select(ComplianceReport).where(mine, ComplianceReport.id == report_id)
    found = session.execute(query).scalar_one_or_none()
    if found is None:
        raise NotFound("no such report")
    return found


def _contents(session: Session, period: Period, seed: str, sample: int) -> dict[str, Any]:
    tenant = tenancy.tenant(session)
    since, until = period.bounds(tenant.timezone)
    reader = Reader(session, since, until)
    contents = {
        "kind": KIND, "version": VERSION,
        "agency_id": tenant.agency_id, "tenant": tenant.slug, "tenant_name": tenant.name,
        "country": tenant.country, "locale": tenant.locale, "timezone": tenant.timezone,
        "period": str(period), "since": since, "until": until, "made_at": clock.now(),
        "contacts": reader.channels(),
        "rules": reader.rules(),
        "blocked": reader.blocked(),
        "proofs": _proofs(session, reader, seed, sample),
        "cases": _cases(reader, answered_within(tenant.settings), clock.now()),
        "permissions": reader.opt_outs(),
        "retention": {
            "duties": _duties(tenant.country, period.last), "kept": reader.kept(), "erased": reader.erased()
        },
        "audited": reader.audited(),
    }  # fmt: skip
    contents["rule_titles"] = _titles(session, contents, min(until, clock.now()))
    return _plain(contents)


def _titles(session: Session, contents: Mapping[str, Any], at: datetime) -> dict[str, dict[str, str]]:
    """What the rules that the report names are called, in each language: law and house rules as they stood at
    its end. A house rule that had been replaced by then has its code alone."""
    named = {row["rule"] for row in (*contents["rules"], *contents["retention"]["duties"])}
    named |= {row["reason"] for row in contents["blocked"]}
    law = policies.lawbook(session).of(scope_of(session).tenant(), at)
    rules = [rule for pack in law.by_country.values() for rule in pack.rules if rule.id in named]
    return {rule.id: rule.title.model_dump(exclude_none=True) for rule in rules}


def _plain(value: Any) -> dict[str, Any]:
    """JSON types, as they come back out of the database."""
    plain: dict[str, Any] = json.loads(json.dumps(value, default=lambda one: one.isoformat()))
    return plain


def _proofs(session: Session, reader: Reader, seed: str, size: int) -> dict[str, Any]:
    """Contacts of a random sample judged again, each under law and house rules of its day."""
    population, ids = reader.sample(seed, size)
    unlawful, changed = [], []
    for contact_id in ids:
        proof = proving.prove(session, contact_id)
        if proof.again is not None and not proof.again.allowed:
            rules = [refusal.rule_id for refusal in proof.again.refusals]
            unlawful.append({"contact_id": contact_id, "rules": rules})
        if proof.changed:
            changed.append(contact_id)
    return {
        "seed": seed, "population": population, "without_verdict": reader.unjudged(), "sampled": len(ids),
        "lawful": len(ids) - len(unlawful), "unlawful": unlawful, "judged_otherwise": changed,
        "contact_ids": ids,
    }  # fmt: skip


def _cases(reader: Reader, within: Mapping[str, int], now: datetime) -> dict[str, Any]:
    """Complaints and disputes by kind, each with the day it was due and how long it took."""
    rows = [_case(row, within[row["kind"]], min(now, reader.until)) for row in reader.cases()]
    totals = []
    for kind in ("complaint", "dispute"):
        of_kind = [row for row in rows if row["kind"] == kind]
        ended = [row for row in of_kind if row["ended_at"] is not None]
        totals.append({
            "kind": kind, "answer_within_days": within[kind],
            "received": sum(row["started_at"] >= reader.since for row in of_kind),
            "ended": len(ended), "open": len(of_kind) - len(ended),
            "late": sum(row["late"] for row in of_kind),
            "days_total": sum(row["days"] for row in ended),
        })  # fmt: skip
    return {"totals": totals, "cases": rows}


def _case(row: Mapping[str, Any], days: int, until: datetime) -> dict[str, Any]:
    ended = row["ended_at"] if row["ended_at"] is not None and row["ended_at"] < until else None
    due = row["started_at"] + timedelta(days=days)
    return {
        **row, "ended_at": ended, "due_at": due, "late": (ended or until) > due,
        "days": ((ended or until) - row["started_at"]).days,
    }  # fmt: skip


def _duties(country: str, on: date) -> list[dict[str, Any]]:
    """How long the country's law has records kept."""
    pack = gate.packs().by_country.get(country)
    rules = [] if pack is None else [rule for rule in pack.rules if rule.kind == "retention"]
    found = []
    for rule in rules:
        if rule.in_force.holds(on):
            keep = rule.parameters.keep
            found.append(
                {"rule": rule.id, "citation": rule.source.citation, "value": keep.value, "unit": keep.unit}
            )
    return found
