"""Messages that a person writes to one debtor: kept, changed, read through, submitted, discarded.

A draft that is submitted becomes an action like any other: it needs a yes where the strategy says so, is
scheduled for a lawful moment, and everything that speaks against a message speaks against it. Its words are
held to what the agency's own words are held to (`wording`), and the law's disclosures are added to them.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import select, true
from sqlalchemy.orm import Session

from recupero.contacts import queries as contacts
from recupero.contacts import told
from recupero.kernel import audit, clock
from recupero.kernel.database import scope_of
from recupero.kernel.errors import Conflict, Forbidden, NotFound, UserError
from recupero.kernel.marking import LANGUAGES
from recupero.outreach import service
from recupero.outreach.actions import alone, approval
from recupero.outreach.actions.kinds import PURPOSES, SHORT_CHANNELS, THANKS, TONES
from recupero.outreach.actions.points import fits
from recupero.outreach.actions.states import move_all
from recupero.outreach.channels.connectors import CARRIED
from recupero.outreach.channels.preferences import first_moments
from recupero.outreach.service import ABOUT_AGREEMENTS, AGREEMENTS, NewAction
from recupero.outreach.tables import Action, Draft
from recupero.outreach.texts import previews, wording
from recupero.outreach.texts.previews import Preview
from recupero.placements import browse, reach
from recupero.placements.reach import Reachable
from recupero.tenancy import queries as tenancy

#: What a person may write about.
TEMPLATES = (
    "follow_up", "first_notice", "offer", "reminder", "promise_reminder", "broken_promise", *THANKS,
)  # fmt: skip
#: How long after its moment a submitted message may still go out.
WITHIN = timedelta(days=5)
#: Before whatever was planned.
FIRST_PLACE = 500


@dataclass(frozen=True, slots=True)
class Given:
    """What somebody wrote. `not_before`: the first day on which it may go out."""

    channel: str
    template: str
    tone: str
    subject: str
    body: str
    not_before: date | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """A draft of a list, with the state of the action that it became."""

    draft: Draft
    action_state: str | None
    action_reason: str | None


def write(session: Session, account_id: int, given: Given, *, actor: str) -> int:
    """Keep a new draft to the debtor of an account of the tenant in scope. Raises UserError at the first
    unfit field, NotFound."""
    _check(_account(session, account_id), given)
    now = clock.now()
    draft = Draft(
        tenant_id=scope_of(session).tenant(), account_id=account_id, state="draft", made_by=actor,
        made_at=now, changed_at=now, **_columns(given),
    )  # fmt: skip
    session.add(draft)
    session.flush()
    _note(session, "write", draft, actor)
    return draft.id


def change(session: Session, draft_id: int, given: Given, *, actor: str) -> None:
    """Keep other words in their place. Raises UserError, NotFound, Forbidden for anybody but the author,
    Conflict where it was submitted or discarded."""
    draft = _own(session, draft_id, actor)
    _check(_account(session, draft.account_id), given)
    for name, value in _columns(given).items():
        setattr(draft, name, value)
    draft.changed_at = clock.now()
    _note(session, "change", draft, actor)


def discard(session: Session, draft_id: int, *, actor: str) -> None:
    """Give a draft up. Raises as `change`."""
    draft = _own(session, draft_id, actor)
    draft.state, draft.changed_at = "discarded", clock.now()
    _note(session, "discard", draft, actor)


def submit(session: Session, draft_id: int, *, actor: str, knowing: bool = False) -> Action:
    """Make a draft an action: scheduled for the next lawful moment, or proposed where the strategy wants a
    yes. What a plan has waiting for the account gives way to it.

    Raises as `change`, and as `moment_of`, `knowing` or not. Needs the agency in scope.
    """
    draft = _own(session, draft_id, actor)
    due = moment_of(session, draft, knowing=knowing)
    account = _account(session, draft.account_id)
    _give_way(session, draft.account_id)
    new = NewAction(
        account_id=account.account_id, debtor_id=account.debtor_id, person_id=account.person_id,
        channel=draft.channel, template=draft.template, tone=draft.tone, due_at=due, expires_at=due + WITHIN,
        priority=FIRST_PLACE, needs_yes=_needs_yes(session, account, draft), draft_id=draft.id,
    )  # fmt: skip
    service.schedule(session, [new])
    draft.state, draft.changed_at = "submitted", clock.now()
    _note(session, "submit", draft, actor, control=alone.left_alone(session, account))
    return _actions(session, [draft.id])[0]


def moment_of(session: Session, draft: Draft, *, knowing: bool = False) -> datetime:
    """When a draft would go out at the earliest. Raises UserError at the first unfit field, and Conflict with
    the reason where nothing may be written to the account, or where its debtor is left alone on purpose and
    its author does not say that they are `knowing`. Needs the agency in scope."""
    account = _account(session, draft.account_id)
    _check(account, given_of(draft))
    alone.check_written(session, account, knowing=knowing)
    _sayable(session, account, draft)
    return _moment(session, account, draft)


def take_back(session: Session, draft_ids: Collection[int], *, actor: str) -> int:
    """Drafts of the tenant in scope that were submitted or discarded are drafts again, where nothing of them
    went out or is going out; how many."""
    rows = session.execute(
        select(Draft)
        .where(Draft.tenant_id == scope_of(session).tenant(), Draft.id.in_(draft_ids))
        .order_by(Draft.id)
        .with_for_update()
    ).scalars()  # fmt: skip
    back = 0
    for draft in rows:
        if draft.state == "draft":
            continue
        actions = _actions(session, [draft.id]) if draft.state == "submitted" else []
        if any(action.state not in ("proposed", "scheduled") for action in actions[:1]):
            continue
        move_all(session, [action.id for action in actions[:1]], "cancelled", "taken_back")
        draft.state, draft.changed_at = "draft", clock.now()
        _note(session, "take_back", draft, actor)
        back += 1
    return back


def _actions(session: Session, draft_ids: Collection[int]) -> Sequence[Action]:
    """What drafts of the tenant in scope became, the newest first, locked: one that was taken back and
    submitted again has two."""
    return session.execute(
        select(Action)
        .where(Action.tenant_id == scope_of(session).tenant(), Action.draft_id.in_(draft_ids))
        .order_by(Action.id.desc())
        .with_for_update()
    ).scalars().all()  # fmt: skip


def given_of(draft: Draft) -> Given:
    """What its author wrote."""
    return Given(
        draft.channel, draft.template, draft.tone, draft.subject, draft.body, draft.not_before
    )  # fmt: skip


def one(session: Session, draft_id: int) -> Draft:
    """A draft of the tenants in scope. Raises NotFound."""
    return _found(session, Draft.id == draft_id)


def lines(
    session: Session, *, account_id: int | None = None, made_by: str | None = None, limit: int = 100
) -> list[Line]:
    """Drafts of the tenants in scope that were not discarded, newest first: of an account, or by somebody."""
    became = (
        select(Action.state, Action.reason)
        .where(
            Action.tenant_id == Draft.tenant_id, Action.draft_id == Draft.id, Draft.state == "submitted"
        )
        .order_by(Action.id.desc())
        .limit(1)
        .lateral()
    )  # fmt: skip
    query = (
        select(Draft, became.c.state, became.c.reason)
        .outerjoin(became, true())
        .where(Draft.tenant_id.in_(scope_of(session).tenant_ids), Draft.state != "discarded")
        .order_by(Draft.id.desc())
        .limit(limit)
    )
    if account_id is not None:
        query = query.where(Draft.account_id == account_id)
    if made_by is not None:
        query = query.where(Draft.made_by == made_by)
    return [Line(*row) for row in session.execute(query)]


def read_through(session: Session, account_id: int, given: Given) -> Preview:
    """The message as its debtor would read it. Raises UserError at the first unfit field, NotFound,
    jinja2.TemplateError."""
    account = _account(session, account_id)
    _check(account, given)
    own = wording.Own(0, given.subject, given.body)
    return previews.preview(
        session,
        account,
        given.template,
        given.channel,
        given.tone,
        previews.LINK,
        lambda *_key: own,
        alone=True,
    )


def problems(session: Session, account_id: int, given: Given) -> list[UserError]:
    """All that speaks against the words, each at its field."""
    return _problems(_account(session, account_id), given)


def _account(session: Session, account_id: int) -> Reachable:
    account = reach.reachable(session, [account_id]).get(account_id)
    if account is None:
        raise NotFound("no such account")
    return account


def _own(session: Session, draft_id: int, actor: str) -> Draft:
    """The draft, locked, if this is its author and it may still be changed."""
    draft = _found(session, Draft.id == draft_id, lock=True)
    if draft.made_by != actor:
        raise Forbidden("only its author changes a draft")
    if draft.state != "draft":
        raise Conflict("this is no draft any more")
    return draft


def _found(session: Session, which: Any, *, lock: bool = False) -> Draft:
    query = select(Draft).where(Draft.tenant_id.in_(scope_of(session).tenant_ids), which)
    draft = session.execute(query.with_for_update() if lock else query).scalar_one_or_none()
    if draft is None:
        raise NotFound("no such draft")
    return draft


def _columns(given: Given) -> dict[str, Any]:
    return {name: getattr(given, name) for name in Given.__slots__}


def _check(account: Reachable, given: Given) -> None:
    found = _problems(account, given)
    if found:
        raise found[0]


def _problems(account: Reachable, given: Given) -> list[UserError]:
    chosen = (("channel", given.channel, CARRIED), ("template", given.template, TEMPLATES),
              ("tone", given.tone, TONES))  # fmt: skip
    found = [problem for choice in chosen for problem in wording.one_of(*choice)]
    if found:
        return [*found, *wording.empty("short", given.subject, given.body)]
    language = account.language if account.language in LANGUAGES else "en"
    form = "short" if given.channel in SHORT_CHANNELS else "long"
    return wording.problems(given.template, language, form, given.tone, given.subject, given.body)


def _sayable(session: Session, account: Reachable, draft: Draft) -> None:
    missing = read_through(session, account.account_id, given_of(draft)).missing
    if missing:
        raise Conflict(
            "such a message is not sent: the law wants it to say %(what)s", what=", ".join(missing)
        )


def _moment(session: Session, account: Reachable, draft: Draft) -> datetime:
    """The first lawful moment for it. Raises Conflict with what speaks against writing at all."""
    known = contacts.dossiers(session, [account.account_id])
    said = known.permissions.get(account.debtor_id)
    holds = {hold.kind for hold in known.holds_on(account)} - {"person"}
    holds -= set(AGREEMENTS) if draft.template in ABOUT_AGREEMENTS else set()
    if account.ended and draft.template not in THANKS:
        raise Conflict("work on this account has ended")
    if holds:
        raise Conflict("this is on hold: %(why)s", why=", ".join(sorted(holds)))
    if said is not None and draft.channel in said.opted_out:
        raise Conflict("the debtor closed this channel")
    if not any(fits(point, draft.channel) for point in known.points.get(account.debtor_id, ())):
        raise Conflict("no address of the debtor is known for this channel")
    asked = (account.account_id, draft.channel, PURPOSES[draft.template], _earliest(session, account, draft))
    (found,) = first_moments(session, [asked])
    if found.at is None:
        raise Conflict("the law does not allow this contact: %(why)s", why=found.reason)
    return found.at


def _earliest(session: Session, account: Reachable, draft: Draft) -> datetime:
    """Now, or when the draft's first day begins where the debtor lives (the creditor's day where that is not
    known)."""
    if draft.not_before is None:
        return clock.now()
    zone = ZoneInfo(account.timezone or tenancy.tenant(session).timezone)
    return max(clock.now(), datetime.combine(draft.not_before, time(), zone).astimezone(UTC))


def _give_way(session: Session, account_id: int) -> None:
    """Take back what a plan has waiting for the account: a person's word comes before it."""
    planned = session.execute(
        select(Action.id)
        .where(
            Action.tenant_id == scope_of(session).tenant(), Action.account_id == account_id,
            Action.state.in_(("proposed", "scheduled")), Action.decision_id.is_not(None),
        )
        .order_by(Action.id)
        .with_for_update()
    ).scalars().all()  # fmt: skip
    move_all(session, planned, "cancelled", "draft")


def _needs_yes(session: Session, account: Reachable, draft: Draft) -> str | None:
    portfolio = browse.portfolio(session, account.portfolio_id)
    conditions = approval.parse(portfolio.strategy.get("needs_yes", ()))
    stated = told.told_of_account(session, account.debtor_id, account.account_id)
    situations = told.standing_on(stated, "situation", clock.now().date())
    card = browse.lines(session, [account.account_id])[account.account_id]
    return approval.needs_yes(conditions, approval.Asked(
        draft.channel, draft.template, draft.tone, card.stage, account.balance_minor, situations,
    ))  # fmt: skip


def _note(session: Session, verb: str, draft: Draft, actor: str, *, control: bool = False) -> None:
    session.flush()
    audit.record(
        session, f"outreach.{verb}_draft", f"draft:{draft.id}", actor=actor, tenant_id=draft.tenant_id,
        account=draft.account_id, **({"control": True} if control else {}),
    )  # fmt: skip
