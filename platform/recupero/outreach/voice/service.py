"""Each moment of a call over the telephone: what is done about it, and what the call does next."""

from dataclasses import replace
from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from recupero.contacts import answers, judging, news
from recupero.contacts import queries as contacts
from recupero.contacts.news import News, Price
from recupero.kernel import clock
from recupero.kernel.database import scope_of
from recupero.kernel.errors import Conflict, NotFound
from recupero.kernel.marking import LANGUAGES
from recupero.outreach.actions.kinds import OF_VOICE
from recupero.outreach.calls import calls, runs
from recupero.outreach.conversations import conversations, senders, store
from recupero.outreach.script_tables import CallRun
from recupero.outreach.texts.words import phrases
from recupero.outreach.texts.writer import sender_of
from recupero.outreach.understanding import hand_overs
from recupero.outreach.voice import clicking, dialogue, ending, memory, people, turns
from recupero.outreach.voice.ending import ACTOR
from recupero.placements import reach
from recupero.tenancy import queries as tenancy
from recupero_sdk.inbound import CallEvent, CallStage, CallTurn, MessageEvent

#: A call whose end nobody told is over after this.
LOST_AFTER = timedelta(hours=1)
#: Results of calls that nobody took.
_NOT_TAKEN = {"busy": "BUSY", "invalid": "DISC"}


def take(session: Session, connector: str, event: CallEvent) -> CallTurn:
    """The next turn of a call of the tenant in scope. Told twice, an event is worked once and answered alike.

    Raises NotFound for a call that we know nothing of.
    """
    before = turns.answered_before(session, connector, event)
    if before is not None:
        return before
    contact_id = _contact(session, connector, event)
    if contact_id is None:
        turn = _stranger(session, connector, event)
    elif (run := runs.known_run(session, contact_id)) is not None and run.led_by == "agent":
        turn = _of_an_agent(session, run, event)
    else:
        turn = _of_the_house(session, contact_id, run, event)
    return turns.keep(session, connector, event, turn, contact_id)


def _contact(session: Session, connector: str, event: CallEvent) -> int | None:
    """The contact that the call is; None for somebody whom we do not know."""
    if event.key:
        found = senders.contact_ids(session, [event.key])
        if not found or contacts.account_of(session, found[0]) is None:
            raise NotFound("no such call")
        return found[0]
    known = contacts.incoming(session, connector, event.reference)
    return known if known is not None or event.stage is not CallStage.INCOMING else _arrived(
        session, connector, event
    )  # fmt: skip


def _said(event: CallEvent) -> MessageEvent:
    """The call as something that a person told us, for finding who it was."""
    return MessageEvent(f"{event.id}:call", "call", event.caller, "")


def _arrived(session: Session, connector: str, event: CallEvent) -> int | None:
    """Somebody calls us: a contact of their account, where we know the number."""
    said = _said(event)
    account_id = senders.find(session, connector, said, senders.at_address(session, said))
    if isinstance(account_id, str):
        store.receive(session, connector, [said])  # to be placed by a person
        return None
    contact_id = answers.record_inbound(
        session, account_id=account_id, channel="call", connector=connector, reference=event.reference
    )
    debtor_id = contacts.debtor_of(session, contact_id)
    conversations.note(
        session, debtor_id=debtor_id, account_id=account_id, channel="call", at=clock.now(), waits=False
    )
    return contact_id


def _stranger(session: Session, connector: str, event: CallEvent) -> CallTurn:
    """Nothing is said to a number that we do not know, but that a person calls back."""
    sender, tenant = sender_of(session), tenancy.tenant(session)
    language = tenant.locale[:2] if tenant.locale[:2] in LANGUAGES else "en"
    values = dict.fromkeys(OF_VOICE, "") | {"agency": sender.agency}
    said = phrases(language, "_voice.txt", values)["nobody_known"]
    return CallTurn(said if event.stage is CallStage.INCOMING else "", f"{language}-{tenant.country}")


def _of_the_house(session: Session, contact_id: int, run: CallRun | None, event: CallEvent) -> CallTurn:
    """A call that the script leads."""
    stage = event.stage
    if stage is CallStage.ENDED:
        _ended(session, contact_id, run, event)
        return _nothing(session, contact_id)
    if stage is CallStage.TRANSFERRED:
        return _transferred(session, contact_id, run, event)
    if stage is CallStage.MACHINE:
        return _machine(session, contact_id)
    if run is None:
        run = _begun(session, contact_id, called_us=stage is CallStage.INCOMING)
        turns.note_leg(session, contact_id, "person", "human")
    if run.ended_at is not None:
        return _nothing(session, contact_id)
    line = ending.open_line(session, run)
    if stage is CallStage.HEARD:
        turn = dialogue.hear(line, event)
    elif not _workable(session, run):
        turn = ending.to_person(line) if stage is CallStage.INCOMING else ending.finish(line, "HUNV")
    else:
        turn = dialogue.begin(line, called_us=stage is CallStage.INCOMING)
    memory.keep(run, line.memory)
    return turn


def _begun(session: Session, contact_id: int, *, called_us: bool) -> CallRun:
    account_id = contacts.account_of(session, contact_id)
    if account_id is None:
        raise NotFound("no such call")
    return runs.begin(session, contact_id, account_id, led_by=ACTOR, called_us=called_us)


def _workable(session: Session, run: CallRun) -> bool:
    """Whether nothing has come between placing the call and its being taken: a payment, a hold."""
    try:
        calls.check_account(session, run.account_id, by_person=run.led_by == clicking.AGENT)
    except Conflict:
        return False
    return True


def _called_off(run: CallRun) -> str:
    """What an agent hears who took a call that may not be made any more."""
    return phrases(run.language, "_voice.txt", dict.fromkeys(OF_VOICE, ""))["called_off"]


def _still_lawful(session: Session, contact_id: int) -> bool:
    """Whether the person may be called at this moment: the agent's telephone rang for a while."""
    return judging.judge_going_on(session, contact_id, clock.now()).allowed


def _nothing(session: Session, contact_id: int) -> CallTurn:
    """Hang up without a word."""
    account_id = contacts.account_of(session, contact_id)
    account = reach.reachable(session, [account_id or 0]).get(account_id or 0)
    return CallTurn("", f"{account.language}-{account.country}" if account else "es")


def _machine(session: Session, contact_id: int) -> CallTurn:
    """A machine is told nothing: whoever hears it may be anybody."""
    turns.note_leg(session, contact_id, "person", "machine")
    if not contacts.coded(session, contact_id):
        calls.finish_call(session, contact_id, "VMNM", actor=ACTOR)
    return _nothing(session, contact_id)


def _transferred(session: Session, contact_id: int, run: CallRun | None, event: CallEvent) -> CallTurn:
    """The agent's side of a transfer has ended: where they never took it the person is told so."""
    taken = [leg.user_id for leg in turns.legs(session, contact_id) if leg.status == people.RINGING]
    turns.note_leg(
        session, contact_id, "transfer", event.end, seconds=event.seconds,
        user_id=taken[-1] if taken else None,
    )  # fmt: skip
    if event.end == "answered" or run is None:
        return _nothing(session, contact_id)
    line, back = ending.open_line(session, run), people.call_back_at(session, run.account_id)
    if back is not None:
        hand_overs.put_off(session, run.debtor_id, back)
    line.say_call_back(back)
    return line.hang_up()


def _ended(session: Session, contact_id: int, run: CallRun | None, event: CallEvent) -> None:
    """The call is over: what it came to is written down, unless its script has done so already."""
    turns.note_leg(session, contact_id, "person", event.end, seconds=event.seconds)
    _price(session, contact_id, event)
    if run is not None and run.ended_at is None:
        runs.finish(session, contact_id, "HUPV" if run.proven else "HUNV", actor=ACTOR)
    elif run is None and not contacts.coded(session, contact_id):
        code = "HUNV" if event.end == "answered" else _NOT_TAKEN.get(event.end, "NOAN")
        calls.finish_call(session, contact_id, code, actor=ACTOR)


def _price(session: Session, contact_id: int, event: CallEvent) -> None:
    """What it cost; `reserved` changes no state: what the call came to is coded apart."""
    if event.cost is not None:
        cost = event.cost
        news.hear(session, contact_id, News(
            "reserved", reference=event.reference, price=Price(cost.amount_micro, cost.currency, cost.units)
        ))  # fmt: skip


def _of_an_agent(session: Session, run: CallRun, event: CallEvent) -> CallTurn:
    """A click-to-call: the agent was rung first, then the person; the agent writes the result."""
    contact_id = run.contact_id
    nothing = _nothing(session, contact_id)
    if event.stage is CallStage.AGENT:
        turns.note_leg(session, contact_id, "agent", "answered")
        if run.ended_at is not None or not _workable(session, run) or not _still_lawful(session, contact_id):
            return replace(nothing, say=_called_off(run))
        point_id = contacts.dialled(session, contact_id)
        number = reach.points(session, [point_id or 0])[point_id or 0].value
        turns.note_leg(session, contact_id, "person", people.RINGING)
        return CallTurn("", nothing.language, transfer_to=number)
    if event.stage is CallStage.TRANSFERRED:
        turns.note_leg(session, contact_id, "person", event.end, seconds=event.seconds)
    elif event.stage is CallStage.MACHINE:
        turns.note_leg(session, contact_id, "agent", "machine")
    elif event.stage is CallStage.ENDED:
        turns.note_leg(session, contact_id, "agent", event.end, seconds=event.seconds)
        _price(session, contact_id, event)
        if run.ended_at is None and not any(leg.leg == "person" for leg in turns.legs(session, contact_id)):
            calls.never_rang(session, contact_id)
            run.ended_at = clock.now()
    return nothing


def close_lost(session: Session) -> int:
    """Calls of the tenant in scope whose end nobody told are over, with what is known of them."""
    lost = session.execute(
        select(CallRun)
        .where(
            CallRun.tenant_id == scope_of(session).tenant(), CallRun.led_by == ACTOR,
            CallRun.ended_at.is_(None), CallRun.started_at < clock.now() - LOST_AFTER,
        )
        .order_by(CallRun.id)
        .with_for_update(skip_locked=True)
    ).scalars().all()  # fmt: skip
    for run in lost:
        runs.finish(session, run.contact_id, "HUPV" if run.proven else "HUNV", actor=ACTOR)
    return len(lost)
