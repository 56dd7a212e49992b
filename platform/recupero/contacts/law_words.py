"""Proofs, weeks and house rules in JSON types, for the command line and the API alike."""

from typing import Any

from recupero.contacts.policies import Version
from recupero.contacts.proving import AccountWeek, Proof
from recupero.law.week import Day, Use


def proof_to_json(found: Proof, language: str) -> dict[str, Any]:
    """A proof in JSON types, its sentences in `language`."""
    contact, verdict = found.contact, found.verdict
    return {
        "contact": contact.id, "tenant": contact.tenant_id, "account": contact.account_id,
        "at": contact.at.isoformat(), "channel": contact.stored.contact.channel,
        "direction": contact.direction, "state": contact.state, "zones": list(found.zones),
        "allowed": verdict.allowed if verdict else None, "pack": verdict.pack_id if verdict else None,
        "version": verdict.pack_version if verdict else None,
        "policies": [version.id for version in contact.policies],
        "law": [step.to_json(language) for step in found.law],
        "house": [step.to_json(language) for step in found.house],
        "caller": None if contact.caller is None else {
            "number": contact.caller.number, "automated": contact.caller.automated,
            "said": [one.to_json() | {"reason": one.explain(language)} for one in contact.caller.said],
        },
        "again": None if found.again is None else {
            "allowed": found.again.allowed, "same": not found.changed,
            "changed": [[one.rule_id, one.then, one.now] for one in found.changed],
        },
        "today": None if found.today is None else {
            "allowed": found.today.allowed, "same": not found.changed_today,
            "version": found.today.pack_version,
            "changed": [[one.rule_id, one.then, one.now] for one in found.changed_today],
        },
    }  # fmt: skip


def week_to_json(answer: AccountWeek, language: str) -> dict[str, Any]:
    """An account's week in JSON types, its sentences in `language`."""
    return {
        "account": answer.account_id, "zone": answer.zone, "zones": list(answer.zones),
        "unknown_zone": answer.unknown, "closed": answer.closed,
        "pack": answer.pack,
        "channels": [
            {
                "channel": one.channel, "has_point": point is not None, "allowed_now": one.now.allowed,
                "next_lawful_at": one.now.next_lawful_at.isoformat() if one.now.next_lawful_at else None,
                "days": [_day_json(day, language) for day in one.days],
                "used": [use_to_json(use) for use in one.uses],
            }
            for one, point in answer.channels
        ],
    }  # fmt: skip


def _day_json(day: Day, language: str) -> dict[str, Any]:
    return {
        "day": day.day.isoformat(),
        "open": [[starts.isoformat(), ends.isoformat()] for starts, ends in day.stretches],
        "closed_by": [
            {"rule": why.rule_id, "reason": why.explain(language), "citation": why.citation}
            for why in day.reasons
        ],
    }


def use_to_json(use: Use) -> dict[str, Any]:
    """Of contacts made for other creditors only their number is told: they are other tenants'."""
    own = [contact for contact in use.contacts if contact.same_creditor]
    return {
        "rule": use.rule_id, "citation": use.citation, "limit": use.limit, "used": len(use.contacts),
        "used_up": use.used_up, "for_other_creditors": len(use.contacts) - len(own),
        "contacts": [
            {"at": one.at.isoformat(), "channel": one.channel, "outcome": one.outcome} for one in own
        ],
    }  # fmt: skip


def version_to_json(version: Version) -> dict[str, Any]:
    """One version of house rules in JSON types."""
    return {
        "id": version.id, "tenant": version.tenant_id, "starts_at": version.starts_at.isoformat(),
        "limits": version.house.limits.to_json(), "document": version.house.document, "note": version.note,
        "made_by": version.made_by, "made_at": version.made_at.isoformat(),
    }  # fmt: skip
