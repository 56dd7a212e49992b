"""How a call that the assistant leads ends: with its coded result at once, or with a person."""

import re
from dataclasses import dataclass, field
from datetime import datetime
from zoneinfo import ZoneInfo

from babel.dates import format_time
from sqlalchemy.orm import Session

from recupero.contacts import judging
from recupero.contacts import queries as contacts
from recupero.kernel import clock
from recupero.outreach.actions import kinds
from recupero.outreach.actions.points import fits
from recupero.outreach.calls import runs
from recupero.outreach.conversations import conversations, replies
from recupero.outreach.script_tables import CallRun
from recupero.outreach.scripts import spoken
from recupero.outreach.scripts.shape import Script, Step
from recupero.outreach.texts import words
from recupero.outreach.texts.writer import sender_of
from recupero.outreach.understanding import hand_overs, readings
from recupero.outreach.voice import memory, people, turns
from recupero.outreach.voice.memory import Memory
from recupero.placements import reach
from recupero.placements.reach import Reachable
from recupero.tenancy import queries as tenancy
from recupero_sdk.inbound import CallTurn

_TWO_STOPS = re.compile(r"(?<!\.)\.\.(?!\.)")
#: Who leads, as records have it.
ACTOR = "voice"
#: The phrase that names the assistant.
ASSISTANT = "assistant"
#: The phrase that stands for the address of their page.
PAGE = "page"
#: Why a person takes over, by the result, and the other way round.
_WHY = {"HARD": "hardship", "DSPT": "disputes", "CMPL": "complaint", "ALRD": "paid_already"}
_RESULT = {why: code for code, why in _WHY.items()}


@dataclass(slots=True)
class Line:
    """A call under way with whoever is on it. `first` and `words` are what the next turn says; `sure` is how
    probable a guess at what was said must be, `chance` how probable the one is that the call goes on by."""

    session: Session
    run: CallRun
    script: Script
    account: Reachable
    memory: Memory
    phrases: dict[str, str]
    notice: str
    timezone: str
    sure: float
    values: dict[str, str | None]
    #: Everything that the call is about, its own account first.
    owing: tuple[Reachable, ...]
    chance: float | None = None
    first: list[str] = field(default_factory=list)
    words: list[str] = field(default_factory=list)

    @property
    def owed_minor(self) -> int:
        """What they come to."""
        return sum(one.balance_minor for one in self.owing)

    def say(self, *items: str, **values: str) -> None:
        """Say phrases of the house; `values` stand in them."""
        known = self.phrases
        if values:
            known = words.phrases(self.run.language, "_voice.txt", {**self.values, **values})
        # an hour may end with the stop of "a. m."
        self.words += [_TWO_STOPS.sub(".", known[item]) for item in items]

    def listen(self, *, digits: int, hints: tuple[str, ...] = ()) -> CallTurn:
        """What was gathered, then the person's turn."""
        recorded = self.script.records and bool(self.notice)
        return CallTurn(
            " ".join(self.words), self._spoken(), listens=True, digits=digits, hints=hints,
            wait_seconds=8, record=recorded, first=" ".join(self.first),
        )  # fmt: skip

    def hang_up(self, *, transfer_to: str | None = None) -> CallTurn:
        """What was gathered, then the end, or a person on the line."""
        return CallTurn(
            " ".join(self.words), self._spoken(), transfer_to=transfer_to, first=" ".join(self.first)
        )

    def send_link(self) -> None:
        """A message with the link to the debtor's page, once in a call, as far as the law allows it."""
        if self.memory.linked:
            return
        self.memory.linked = True
        points = reach.points_of(self.session, [self.run.debtor_id]).get(self.run.debtor_id, [])
        dialled = contacts.dialled(self.session, self.run.contact_id)
        points.sort(key=lambda point: point.id != dialled)
        for channel in ("sms", "email"):
            point = next((one for one in points if fits(one, channel)), None)
            if point is not None:
                replies.answer(self.session, self.run.account_id, channel, "own_page", point.value)
                self.say("link_sent")
                return

    def say_call_back(self, at: datetime | None, soon: str = "nobody_free", dated: str = "call_back") -> None:
        """That a person calls: by the phrase `dated`, from when on, where that is known and later than now,
        else by `soon`."""
        if at is None or at <= clock.now():
            self.say(soon)
            return
        there, locale = at.astimezone(self.zone), words.locale_of(self.run.language, self.account.country)
        self.say(dated, day=words.day(there.date(), locale), hour=format_time(there, "short", locale=locale))

    @property
    def zone(self) -> ZoneInfo:
        """By whose clock the person lives."""
        return ZoneInfo(self.account.timezone or self.timezone)

    def _spoken(self) -> str:
        return f"{self.run.language}-{self.account.country}"


def open_line(session: Session, run: CallRun) -> Line:
    """The call of a run, with what is remembered of it."""
    account = reach.reachable(session, [run.account_id])[run.account_id]
    script = runs.script_of(session, run)
    notice = spoken.notice(session, run.language, records=script.records)
    values: dict[str, str | None] = dict.fromkeys(kinds.OF_VOICE, "")
    values |= {"agency": sender_of(session).agency, "recording": notice}
    tenant, phrases = tenancy.tenant(session), words.phrases(run.language, "_voice.txt", values)
    if name := runs.speaker_of(session, run.contact_id).get("name"):
        phrases[ASSISTANT] = f"{name}, {phrases[ASSISTANT]}"  # whatever its name, it says what it is
    return Line(
        session, run, script, account, memory.recall(run), phrases, notice, tenant.timezone,
        readings.answers_from(tenant.settings), values, tuple(spoken.gathers(session, run.account_id)),
    )  # fmt: skip


def close(line: Line, step: Step) -> CallTurn:
    """The end of the script: its result takes effect now."""
    code = step.disposition or "HUNV"
    return _hand_over(line, code) if step.person else finish(line, code, said=True)


def finish(line: Line, code: str, *, said: bool = False) -> CallTurn:
    """End the call with a result; where the script has not `said` goodbye, we do."""
    runs.finish(line.session, line.run.contact_id, code, actor=ACTOR)
    if not said:
        line.say("goodbye")
    return line.hang_up()


def stop(line: Line, beside: str | None = None) -> CallTurn:
    """A wish to be left alone: the channel is closed, and every channel where identity was proven. What they
    said `beside` it (that they will pay, that they paid) is a person's."""
    session, run = line.session, line.run
    runs.left(session, run, "stop", chance=line.chance)
    runs.finish(session, run.contact_id, "CEAS" if run.proven else "OPTO", actor=ACTOR)
    if beside is not None:
        conversations.note(
            session, debtor_id=run.debtor_id, account_id=run.account_id, channel="call", at=clock.now()
        )
        hand_overs.open_one(
            session, debtor_id=run.debtor_id, account_id=run.account_id, contact_id=run.contact_id, why=beside
        )
    line.say("stopped")
    return line.hang_up()


def to_person(line: Line, why: str = "wants_person") -> CallTurn:
    """A person takes over from where the call stands."""
    said = "person" if why == "wants_person" else why
    runs.left(line.session, line.run, said, chance=line.chance)
    return _hand_over(line, _RESULT.get(why, "CBRQ") if line.run.proven else "HUNV", why)


def later(line: Line) -> CallTurn:
    """Who has no time now is not put through to anybody: a person calls back."""
    runs.left(line.session, line.run, "later", chance=line.chance)
    return _hand_over(line, "CBRQ" if line.run.proven else "HUNV", "call_me_back", at_once=False)


def _hand_over(line: Line, code: str, why: str | None = None, *, at_once: bool = True) -> CallTurn:
    """The result now, and a person by a deadline: on the line at once where that is wanted, somebody is there
    and the law allows a call now."""
    session, run = line.session, line.run
    verdict = judging.judge_going_on(session, run.contact_id, clock.now())
    why = why or _WHY.get(code, "wants_person")
    runs.finish(session, run.contact_id, code, actor=ACTOR)
    conversations.note(
        session, debtor_id=run.debtor_id, account_id=run.account_id, channel="call", at=clock.now()
    )
    found = None
    if at_once and verdict.allowed:
        found = people.taker(session, run.debtor_id, why, run.language)
    back = people.call_back_at(session, run.account_id) if found is None else None
    hand_overs.open_one(
        session, debtor_id=run.debtor_id, account_id=run.account_id, contact_id=run.contact_id, why=why,
        not_before=back,
    )  # fmt: skip
    if found is None:
        if at_once:
            line.say_call_back(back)
        else:
            line.say_call_back(back, "later", "later_from")
        return line.hang_up()
    turns.note_leg(session, run.contact_id, "transfer", people.RINGING, user_id=found.user_id)
    conversations.taken(session, run.debtor_id, found.user_id)
    line.say("connecting")
    return line.hang_up(transfer_to=found.phone)
