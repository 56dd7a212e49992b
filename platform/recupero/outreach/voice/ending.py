"""How a call that the assistant leads ends: with its coded result at once, or with a person."""

from dataclasses import dataclass, field

from sqlalchemy.orm import Session

from recupero.contacts import queries as contacts
from recupero.kernel import clock
from recupero.outreach import disclosures, words
from recupero.outreach.inbound import conversations, replies
from recupero.outreach.points import fits
from recupero.outreach.script_tables import CallRun
from recupero.outreach.scripts import runs
from recupero.outreach.scripts.shape import Script, Step
from recupero.outreach.understanding import hand_overs
from recupero.outreach.voice import memory, people, turns
from recupero.outreach.voice.memory import Memory
from recupero.outreach.writer import sender_of
from recupero.placements import reach
from recupero.placements.reach import Reachable
from recupero.tenancy import queries as tenancy
from recupero_sdk.inbound import CallTurn

#: Who leads, as records have it.
ACTOR = "voice"
#: The phrase that names the assistant.
ASSISTANT = "assistant"
#: Why a person takes over, by the result.
_WHY = {"HARD": "hardship", "DSPT": "disputes", "CMPL": "complaint"}


@dataclass(slots=True)
class Line:
    """A call under way with whoever is on it. `first` and `words` are what the next turn says."""

    session: Session
    run: CallRun
    script: Script
    account: Reachable
    memory: Memory
    phrases: dict[str, str]
    notice: str
    timezone: str
    values: dict[str, str | None]
    first: list[str] = field(default_factory=list)
    words: list[str] = field(default_factory=list)

    def say(self, *items: str, **values: str) -> None:
        """Say phrases of the house; `values` stand in them."""
        known = self.phrases
        if values:
            known = words.phrases(self.run.language, "_voice.txt", {**self.values, **values})
        self.words += [known[item] for item in items]

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

    def _spoken(self) -> str:
        return f"{self.run.language}-{self.account.country}"


def open_line(session: Session, run: CallRun) -> Line:
    """The call of a run, with what is remembered of it."""
    account = reach.reachable(session, [run.account_id])[run.account_id]
    notice = disclosures.stated(session).get("recording", "")
    sender = sender_of(session)
    values: dict[str, str | None] = {
        "agency": sender.agency, "recording": notice, "amount": "", "day": "",
    }  # fmt: skip
    return Line(
        session, run, runs.script_of(session, run), account, memory.recall(run),
        words.phrases(run.language, "_voice.txt", values), notice, tenancy.tenant(session).timezone, values,
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


def stop(line: Line) -> CallTurn:
    """A wish to be left alone: the channel is closed, and every channel where identity was proven."""
    runs.left(line.session, line.run, "stop")
    runs.finish(line.session, line.run.contact_id, "CEAS" if line.run.proven else "OPTO", actor=ACTOR)
    line.say("stopped")
    return line.hang_up()


def to_person(line: Line) -> CallTurn:
    """A person takes over from where the call stands."""
    runs.left(line.session, line.run, "person")
    return _hand_over(line, "CBRQ" if line.run.proven else "HUNV")


def _hand_over(line: Line, code: str) -> CallTurn:
    """The result now, and a person by a deadline: on the line at once where somebody is there and the law
    allows a call now."""
    session, run = line.session, line.run
    verdict = contacts.judge_going_on(session, run.contact_id, clock.now())
    why = _WHY.get(code, "wants_person")
    runs.finish(session, run.contact_id, code, actor=ACTOR)
    conversations.note(
        session, debtor_id=run.debtor_id, account_id=run.account_id, channel="call", at=clock.now()
    )
    hand_overs.open_one(
        session, debtor_id=run.debtor_id, account_id=run.account_id, contact_id=run.contact_id, why=why
    )
    found = people.taker(session, run.debtor_id, why, run.language) if verdict.allowed else None
    if found is None:
        line.say("nobody_free")
        return line.hang_up()
    turns.note_leg(session, run.contact_id, "transfer", people.RINGING, user_id=found.user_id)
    conversations.taken(session, run.debtor_id, found.user_id)
    line.say("connecting")
    return line.hang_up(transfer_to=found.phone)
