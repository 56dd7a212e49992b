"""What puts actions into the queue, and what takes them out again."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import MISSING, dataclass, fields
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

from sqlalchemy import (
    BigInteger,
    Text,
    bindparam,
    cast,
    column,
    literal,
    select,
    table,
    text,
)
from sqlalchemy.dialects import postgresql
from sqlalchemy.orm import Session

from recupero.contacts import facts as contacts_facts
from recupero.contacts import service as contacts
from recupero.contacts.events import OptedOut
from recupero.contacts.facts import EVERY_CHANNEL
from recupero.kernel import clock
from recupero.kernel.bulk import NUMBERS, TEXTS, TIMES, among
from recupero.kernel.database import scope_of
from recupero.kernel.errors import UserError
from recupero.outreach.actions.kinds import ASKED_FOR, PURPOSES, TEMPLATES, THANKS, TONES
from recupero.outreach.actions.points import fits
from recupero.outreach.actions.states import WAITING, Move, move, move_all
from recupero.outreach.tables import Action
from recupero.payments.events import (
    InstalmentNeedsPayer,
    MandateEnded,
    PaymentBooked,
    PaymentsBooked,
    PlanResumed,
    PromiseMade,
    ReceiptsIssued,
)
from recupero.placements import reach
from recupero.placements.events import (
    AccountsClosed,
    AccountsPlaced,
    AccountsRecalled,
    HoldsOpened,
    PermissionsStated,
)
from recupero.placements.lifecycle import SILENCING, SUCCESS
from recupero_sdk.law import CHANNELS

CHUNK = 10_000
#: A promise or a running plan quiets the chase, not the words about itself.
ABOUT_AGREEMENTS = (
    "promise_reminder", "broken_promise", "late_instalment", "card_confirmation", "card_ended",
    "plan_resumed", *THANKS,
)  # fmt: skip
AGREEMENTS = ("promise", "plan")
#: A person's own words still go out when the debtor is handed over to a person.
PEOPLES = ("reply",)
#: A word of thanks that the law does not allow for so long is not said any more.
THANKS_WITHIN = timedelta(days=3)
#: Channels of a message that cannot wait for planning, the cheapest first.
_AT_ONCE = ("email", "sms", "whatsapp")


@dataclass(frozen=True, slots=True)
class NewAction:
    """One thing to do for an account. `channel` is a channel of law, `template` one of `words.TEMPLATES`.

    Without `contact_point_id` the debtor's best contact point of the day is used. `purpose` is what the law
    is told; by default it follows from the template.
    """

    account_id: int
    debtor_id: int
    person_id: int
    channel: str
    template: str
    due_at: datetime
    expires_at: datetime
    tone: str = "neutral"
    purpose: str = ""
    contact_point_id: int | None = None
    decision_id: int | None = None
    priority: int = 0
    #: Why a person has to agree first, `needs_yes:<conditions>`; None: nobody has to.
    needs_yes: str | None = None
    draft_id: int | None = None
    #: Who speaks, as JSON (`Action.assistant`).
    assistant: str | None = None


_SCHEDULE = text(
    "WITH made AS ("
    " INSERT INTO actions (tenant_id, account_id, debtor_id, person_id, decision_id, draft_id,"
    " channel, contact_point_id, template, tone, assistant, purpose, due_at, expires_at, priority, state,"
    " reason, attempts, created_at, changed_at)"
    " SELECT :tenant, account_id, debtor_id, person_id, decision_id, draft_id, channel, contact_point_id,"
    " template, tone, CAST(assistant AS jsonb), purpose, due_at, expires_at, priority,"
    " CASE WHEN needs_yes IS NULL THEN 'scheduled' ELSE 'proposed' END, needs_yes, 0, :now, :now"
    " FROM unnest(:accounts, :debtors, :people, :decisions, :drafts, :channels, :points, :templates, :tones,"
    " :assistants, :purposes, :dues, :expiries, :priorities, :yeses)"
    " AS r(account_id, debtor_id, person_id, decision_id, draft_id, channel, contact_point_id, template,"
    " tone, assistant, purpose, due_at, expires_at, priority, needs_yes)"
    " RETURNING id, state, reason)"
    " INSERT INTO action_events (tenant_id, action_id, at, state, reason)"
    " SELECT :tenant, id, :now, state, reason FROM made RETURNING action_id"
).bindparams(
    *(
        bindparam(name, type_=NUMBERS)
        for name in ("accounts", "debtors", "people", "decisions", "drafts", "points", "priorities")
    ),
    *(
        bindparam(name, type_=TEXTS)
        for name in ("channels", "templates", "tones", "assistants", "purposes", "yeses")
    ),
    *(bindparam(name, type_=TIMES) for name in ("dues", "expiries")),
)


def schedule(session: Session, rows: Sequence[NewAction]) -> int:
    """Queue actions for the tenant in scope, or propose those that need a yes, set-based; how many. Raises
    UserError on an unknown channel, template or tone, or an end before the beginning."""
    return schedule_columns(session, {name: [getattr(row, name) for row in rows] for name in _FIELDS})


def schedule_columns(session: Session, columns: Mapping[str, Sequence[Any]]) -> int:
    """The same for many: the fields of `NewAction` by name, each with one value per action; those left out
    are as there. A plan has no row of its own for each of its actions."""
    _check(columns)
    count = len(columns["account_id"])
    return sum(
        len(session.execute(_SCHEDULE, _values(session, columns, slice(start, start + CHUNK))).all())
        for start in range(0, count, CHUNK)
    )


def _check(columns: Mapping[str, Sequence[Any]]) -> None:
    for channel in set(columns["channel"]):
        if channel not in CHANNELS:
            raise UserError(
                "unknown channel '%(channel)s': use %(known)s",
                field="channel", channel=channel, known=", ".join(CHANNELS),
            )  # fmt: skip
    for template in set(columns["template"]):
        if template not in TEMPLATES:
            raise UserError(
                "unknown template '%(name)s': use %(known)s",
                field="template", name=template, known=", ".join(TEMPLATES),
            )  # fmt: skip
    for tone in set(columns["tone"]):
        if tone not in TONES:
            raise UserError(
                "unknown tone '%(tone)s': use %(known)s", field="tone", tone=tone, known=", ".join(TONES)
            )
    if any(until <= due for due, until in zip(columns["due_at"], columns["expires_at"], strict=True)):
        raise UserError("an action must be due before it expires", field="expires_at")


_FIELDS = tuple(field.name for field in fields(NewAction))
_USUAL = {field.name: field.default for field in fields(NewAction) if field.default is not MISSING}


def _values(session: Session, columns: Mapping[str, Sequence[Any]], rows: slice) -> dict[str, object]:
    count = len(columns["account_id"][rows])
    told = {name: columns[name][rows] if name in columns else [_USUAL[name]] * count for name in _FIELDS}
    purposes = [
        purpose or PURPOSES[template]
        for purpose, template in zip(told["purpose"], told["template"], strict=True)
    ]
    return {
        "tenant": scope_of(session).tenant(), "now": clock.now(), "accounts": told["account_id"],
        "debtors": told["debtor_id"], "people": told["person_id"], "decisions": told["decision_id"],
        "drafts": told["draft_id"], "channels": told["channel"], "points": told["contact_point_id"],
        "templates": told["template"], "tones": told["tone"], "assistants": told["assistant"],
        "purposes": purposes, "dues": told["due_at"], "expiries": told["expires_at"],
        "priorities": told["priority"], "yeses": told["needs_yes"],
    }  # fmt: skip


def cancel(
    session: Session,
    *,
    reason: str,
    account_ids: Collection[int] | None = None,
    debtor_ids: Collection[int] | None = None,
    channel: str | None = None,
    keep: Collection[str] = (),
) -> int:
    """Take what has not gone out yet out of the queue: of these accounts or debtors, by `channel` or all,
    except the templates in `keep`. Returns how many.

    A contact that is being sent at this moment stays; it was reserved before.
    """
    query = select(Action.id).where(
        Action.tenant_id == scope_of(session).tenant(),
        Action.state.in_(WAITING),
        Action.template.not_in(keep),
    )
    if account_ids is not None:
        query = query.where(among(Action.account_id, account_ids))
    if debtor_ids is not None:
        query = query.where(among(Action.debtor_id, debtor_ids))
    if channel is not None:
        query = query.where(Action.channel == channel)
    ids = session.execute(query.order_by(Action.id).with_for_update()).scalars().all()
    return len(move_all(session, ids, "cancelled", reason))


def settle_unknown(session: Session, contact_id: int, *, delivered: bool, actor: str) -> None:
    """A person found out whether an unknown message went out. Raises NotFound; Conflict where it is known."""
    action_id = contacts.settle_unknown(session, contact_id, delivered=delivered, actor=actor)
    if action_id is not None:
        move(session, [Move(action_id, "closed" if delivered else "failed", "settled by a person")])


def on_accounts_closed(session: Session, event: AccountsClosed) -> None:
    """Nothing more is asked of an account whose work has ended; a word of thanks may still go, and who paid
    and asked for a call is called."""
    keep = (*THANKS, *ASKED_FOR) if event.code in SUCCESS else THANKS
    for accounts in _chunks(event.account_ids):
        cancel(session, account_ids=accounts, reason=f"closed:{event.code}", keep=keep)


def on_accounts_recalled(session: Session, event: AccountsRecalled) -> None:
    """The creditor took the accounts back: not even thanks go out."""
    for accounts in _chunks(event.account_ids):
        cancel(session, account_ids=accounts, reason="recalled")


def on_payment_booked(session: Session, event: PaymentBooked | PaymentsBooked) -> None:
    """A payment that settled an account stops everything that would still ask for it."""
    settled = reach.settled(session, event.account_ids)
    if settled:
        cancel(session, account_ids=settled, reason="paid", keep=(*THANKS, *ASKED_FOR))


def on_receipts_issued(session: Session, event: ReceiptsIssued) -> None:
    """Whoever has an e-mail address is told that the receipt lies on their page, and that nothing more is
    owed where that is so, unless they closed the channel or the creditor took the account back; the law is
    asked again before it goes out."""
    accounts = reach.reachable(session, event.accounts.values())
    points = reach.points_of(session, event.accounts.keys())
    said = contacts_facts.permissions_of(session, event.accounts.keys())
    schedule(session, [
        NewAction(
            account_id=account.account_id, debtor_id=account.debtor_id, person_id=account.person_id,
            channel="email", template="thanks" if account.balance_minor > 0 else "paid_in_full",
            due_at=clock.now(), expires_at=clock.now() + THANKS_WITHIN, tone="kind",
        )
        for account in accounts.values()
        if account.status not in ("recalled", "returned")
        and any(point.kind == "email" for point in points.get(account.debtor_id, ()))
        and not (account.debtor_id in said and "email" in said[account.debtor_id].opted_out)
    ])  # fmt: skip


def on_instalment_needs_payer(session: Session, event: InstalmentNeedsPayer) -> None:
    """The bank wants the debtor to confirm an instalment: the message brings them to their page."""
    say_at_once(session, event.account_ids, "card_confirmation")


def on_mandate_ended(session: Session, event: MandateEnded) -> None:
    """Whoever counted on their card is told that it cannot be charged any more."""
    say_at_once(session, event.account_ids, "card_ended")


def on_plan_resumed(session: Session, event: PlanResumed) -> None:
    """The days of a plan have moved: whoever pays it is told that it goes on."""
    say_at_once(session, event.account_ids, "plan_resumed")


def say_at_once(
    session: Session,
    account_ids: Collection[int],
    template: str,
    *,
    tone: str = "neutral",
    within: timedelta = THANKS_WITHIN,
) -> bool:
    """One message to the debtor of these accounts, by the first channel that reaches them and is open; the
    law is asked before it goes out. Whether there is such a channel; True too where nothing is worked."""
    account = next(iter(reach.reachable(session, account_ids).values()), None)
    if account is None or account.ended:
        return True
    points = reach.points_of(session, [account.debtor_id]).get(account.debtor_id, ())
    said = contacts_facts.permissions_of(session, [account.debtor_id]).get(account.debtor_id)
    closed = said.opted_out if said else ()
    channel = next(
        (
            channel
            for channel in _AT_ONCE
            if channel not in closed and any(fits(point, channel) for point in points)
        ),
        None,
    )
    if channel is not None:
        schedule(session, [NewAction(
            account_id=account.account_id, debtor_id=account.debtor_id, person_id=account.person_id,
            channel=channel, template=template, due_at=clock.now(), expires_at=clock.now() + within,
            tone=tone,
        )])  # fmt: skip
    return channel is not None


def on_holds_opened(session: Session, event: HoldsOpened) -> None:
    """Any hold beats any plan; what the debtor asked for is beaten by those alone that forbid it."""
    keep = ABOUT_AGREEMENTS if event.kind in AGREEMENTS else PEOPLES if event.kind == "person" else ()
    if event.kind not in SILENCING:
        keep = (*keep, *ASKED_FOR)
    reason = f"hold:{event.kind}"
    if event.account_ids:
        cancel(session, account_ids=event.account_ids, reason=reason, keep=keep)
    if event.debtor_ids:
        cancel(session, debtor_ids=event.debtor_ids, reason=reason, keep=keep)


def on_promise_made(session: Session, event: PromiseMade) -> None:
    """Whoever has promised is not chased meanwhile."""
    cancel(session, account_ids=[event.account_id], reason="promise", keep=(*ABOUT_AGREEMENTS, *ASKED_FOR))


def on_permissions_filed(session: Session, event: AccountsPlaced | PermissionsStated) -> None:
    """Opt-outs that came with a file close their channels at once, also for what waits already."""
    staged = table(
        event.staging, column("tenant_id", BigInteger), column("debtor_id", BigInteger),
        column("opt_outs", postgresql.ARRAY(Text)),
    )  # fmt: skip
    closed = staged.c.opt_outs.overlap(
        postgresql.array([cast(Action.channel, Text), literal(EVERY_CHANNEL, Text)])
    )
    ids = session.execute(
        select(Action.id)
        .where(
            Action.tenant_id == scope_of(session).tenant(),
            Action.state.in_(WAITING),
            select(1).where(staged.c.debtor_id == Action.debtor_id, closed).exists(),
        )
        .order_by(Action.id)
        .with_for_update()
    ).scalars().all()  # fmt: skip
    move_all(session, ids, "cancelled", "opted_out")


def on_opted_out(session: Session, event: OptedOut) -> None:
    """A closed channel is closed at once."""
    channel = None if event.channel == EVERY_CHANNEL else event.channel
    cancel(session, debtor_ids=[event.debtor_id], channel=channel, reason="opted_out")


def _chunks(ids: Sequence[int]) -> Iterator[list[int]]:
    remaining = iter(ids)
    while chunk := list(islice(remaining, CHUNK)):
        yield chunk
