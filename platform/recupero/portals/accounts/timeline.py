"""One line of time for an account, or for all that a debtor owes one creditor: contacts and messages,
payments, promises, plans, settlements, papers, notes, holds, hardship and decisions together, the newest
first, page by page."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import request, url_for
from sqlalchemy.orm import Session

from recupero.contacts import messages as contact_messages
from recupero.contacts import moments as of_contacts
from recupero.contacts import queries as contacts
from recupero.contacts.messages import MessageLine
from recupero.decisions import queries as decisions
from recupero.decisions.history import moments as of_decisions
from recupero.kernel.moments import About, Key, ids_of, newest
from recupero.outreach import moments as of_outreach
from recupero.outreach import queries as outreach
from recupero.outreach.calls import runs
from recupero.outreach.calls.runs import Taken
from recupero.outreach.debtors import tellings
from recupero.outreach.desk import notes
from recupero.payments import moments as of_payments
from recupero.placements import moments as of_placements
from recupero.tenancy import queries as tenancy
from recupero_sdk.law import RuleOutcome, Verdict

PAGE = 30
#: What can be looked at alone, and the kinds of moments that belong to it.
SHOWN: Mapping[str, tuple[str, ...]] = {
    "contacts": ("contact", "action"), "payments": ("payment",),
    "promises": ("promise", "plan", "settlement"), "notes": ("note", "telling"),
    "decisions": ("decision",), "documents": ("document",), "holds": ("hold", "hardship", "opt_out"),
}  # fmt: skip

_ROOMS = (of_contacts, of_outreach, of_payments, of_decisions, of_placements)
_READ: Mapping[str, Callable[[Session, Sequence[int]], Mapping[int, Any]]] = {
    "contact": contacts.lines, "action": outreach.actions, "payment": of_payments.moves,
    "promise": of_payments.promises, "plan": of_payments.plans, "settlement": of_payments.settlements,
    "note": notes.lines, "telling": tellings.by_id,
    "decision": decisions.told_by_id,
    "document": of_payments.papers, "hold": of_placements.holds, "hardship": of_payments.cases,
    "opt_out": of_contacts.opt_outs,
}  # fmt: skip
#: Nearly every account has these: they are read without a look at whether there are any.
_USUAL = ("contact", "payment")


@dataclass(frozen=True, slots=True)
class Moment:
    """One thing that happened. `kind` (a key of `_READ`) tells what `thing` is; `steps` are those that a call
    took through its script."""

    at: datetime
    kind: str
    thing: Any
    message: MessageLine | None = None
    steps: Sequence[Taken] = ()

    @property
    def account_id(self) -> int | None:
        """The account that it is about; None: the debtor as a whole."""
        found: int | None = getattr(self.thing, "account_id", None)
        return found

    @property
    def refusals(self) -> list[RuleOutcome]:
        """The rules that stopped an action, as stored with its last step. Of steps of earlier versions only
        the names of the rules are known, of which the first stands in the action's reason."""
        details = self.thing.events[-1][3] if self.thing.events else None
        kept = (details or {}).get("rules", [])
        return [RuleOutcome.from_json(rule) for rule in kept if isinstance(rule, dict)]

    @property
    def verdict(self) -> Verdict | None:
        """What the law said when the contact was reserved."""
        return Verdict.from_json(self.thing.verdict) if self.thing.verdict else None

    @property
    def mood(self) -> str:
        """How the line is marked."""
        if self.kind == "contact":
            bad = self.thing.state in ("failed", "unknown")
            return "is-bad" if bad else f"is-{self.thing.direction}"
        return "is-bad" if self.kind in ("action", "hold", "hardship", "opt_out") else f"is-{self.kind}"


@dataclass(frozen=True, slots=True)
class Timeline:
    """A page of moments, newest first. `shown` is what it is narrowed to ("": all). `names`: who wrote or did
    something, by their actor."""

    moments: Sequence[Moment]
    shown: str
    names: Mapping[str, str]
    older_url: str | None
    newest_url: str | None

    @property
    def choices(self) -> list[tuple[str, str]]:
        """What it can be narrowed to, each with its address."""
        return [(one, _url(show=one or None)) for one in ("", *SHOWN)]


def of(session: Session, about: About) -> Timeline:
    """The page of moments that the request asks for (`show`, `before`)."""
    shown = request.args.get("show", "")
    shown = shown if shown in SHOWN else ""
    before = Key.read(request.args.get("before", ""))
    wanted = SHOWN.get(shown, tuple(_READ))
    sources = {kind: query for room in _ROOMS for kind, query in room.moments(about).items()}
    found = newest(session, [sources[kind] for kind in wanted], before, PAGE + 1)
    page = found[:PAGE]
    things = {
        kind: _READ[kind](session, ids) for kind in wanted if (ids := ids_of(page, kind)) or kind in _USUAL
    }
    written = {
        one.contact_id: one
        for one in contact_messages.messages(session, contact_ids=list(things.get("contact", ())), limit=PAGE)
    }
    calls = [one.id for one in things.get("contact", {}).values() if one.channel == "call"]
    steps = runs.ways(session, calls)
    moments = [
        Moment(key.at, key.kind, things[key.kind][key.id], written.get(key.id), steps.get(key.id, ()))
        if key.kind == "contact"
        else Moment(key.at, key.kind, things[key.kind][key.id])
        for key in page
    ]
    return Timeline(
        moments, shown, _names(session, moments),
        older_url=_url(show=shown or None, before=str(page[-1])) if len(found) > PAGE else None,
        newest_url=_url(show=shown or None) if before else None,
    )  # fmt: skip


def _names(session: Session, moments: Sequence[Moment]) -> dict[str, str]:
    """Who opened holds and hardship cases."""
    if not any(moment.kind in ("hold", "hardship") for moment in moments):
        return {}
    return {f"user:{user.id}": user.name for user in tenancy.users(session)}


def _url(**arguments: str | None) -> str:
    """This page, at its line of time."""
    where: dict[str, Any] = {**(request.view_args or {}), **arguments, "_anchor": "happened"}
    return url_for(request.endpoint or "portals.home", **where)
