"""One line of time for an account: contacts and messages, payments, promises, notes, decisions."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from recupero.contacts import queries as contacts
from recupero.contacts.queries import ContactLine, MessageLine
from recupero.decisions import queries as decisions
from recupero.outreach.desk import notes
from recupero.outreach.queries import ActionLine
from recupero.outreach.scripts import runs
from recupero.outreach.scripts.runs import Taken
from recupero.payments import queries as payments
from recupero_sdk.law import RuleOutcome, Verdict

LIMIT = 100
FRUITLESS = ("blocked", "failed", "expired")


@dataclass(frozen=True, slots=True)
class Moment:
    """One thing that happened. `kind` (contact, action, payment, promise, note, decision) tells what `thing`
    is; `steps` are those that a call took through its script."""

    at: datetime
    kind: str
    thing: Any
    message: MessageLine | None = None
    steps: Sequence[Taken] = ()

    @property
    def refusals(self) -> list[RuleOutcome]:
        """The rules that stopped an action, as stored with its last step."""
        details = self.thing.events[-1][3] if self.thing.events else None
        return [RuleOutcome.from_json(rule) for rule in (details or {}).get("rules", [])]

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
        return "is-bad" if self.kind == "action" else f"is-{self.kind}"


def of_account(session: Session, account_id: int, actions: Sequence[ActionLine]) -> list[Moment]:
    """What happened with the account, newest first, one query for each kind; of its actions those that came
    to nothing, since the others are contacts."""
    lines = contacts.timeline(session, account_id, LIMIT)
    written = {
        message.contact_id: message
        for message in contacts.messages(session, account_id=account_id, limit=LIMIT)
    }
    steps = runs.ways(session, [line.id for line in lines if line.channel == "call"])
    paid = payments.payments_of(session, account_id)
    promised = payments.promises_of(session, [account_id])
    moments = [
        *_contacts(lines, written, steps),
        *(Moment(note.at, "note", note) for note in notes.of_accounts(session, [account_id], LIMIT)),
        *(Moment(_ended(action), "action", action) for action in actions if action.state in FRUITLESS),
        *(Moment(payment.received_at, "payment", payment) for payment in paid),
        *(Moment(promise.made_at, "promise", promise) for promise in promised),
        *(
            Moment(decision.at, "decision", decision)
            for decision in decisions.decisions_of(session, account_id)
        ),
    ]
    return sorted(moments, key=lambda moment: moment.at, reverse=True)


def _ended(action: ActionLine) -> datetime:
    """When the action came where it is."""
    return action.events[-1][0] if action.events else action.due_at


def _contacts(
    lines: Sequence[ContactLine], written: dict[int, MessageLine], steps: dict[int, list[Taken]]
) -> Iterable[Moment]:
    return (Moment(line.at, "contact", line, written.get(line.id), steps.get(line.id, ())) for line in lines)
