"""The way of one call through its script: every step is recorded, nothing of the debt before the proof."""

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from recupero.contacts import queries as contact_queries
from recupero.contacts.dispositions import DISPOSITIONS
from recupero.kernel import clock
from recupero.kernel.database import scope_of
from recupero.kernel.errors import Conflict, NotFound, UserError
from recupero.outreach.calls import calls
from recupero.outreach.script_tables import CallRun, CallStep
from recupero.outreach.scripts import saying, spoken, store, walk
from recupero.outreach.scripts.segments import segment_of
from recupero.outreach.scripts.shape import REASONS, Choice, Script, Step
from recupero.outreach.scripts.walk import Position
from recupero.outreach.tables import Action
from recupero.placements import identity, reach
from recupero.placements.debts import debts_by_id, who_owes
from recupero.placements.identity import Fact

#: What a caller may ask for. The name is none of it: we asked for the person by name.
ASKED = (Fact.BIRTH_DATE, Fact.NATIONAL_ID, Fact.POSTAL_CODE, Fact.CLIENT_ACCOUNT)
NEEDED = 2


@dataclass(frozen=True, slots=True)
class Talk:
    """What whoever leads the call has before them. `read_out` are the country's disclosures at this step,
    `questions` what may be asked for the proof, of which `NEEDED` must be right."""

    run: CallRun
    script: Script
    step: Step
    text: str
    hint: str
    read_out: tuple[str, ...]
    choices: tuple[Choice, ...]
    questions: tuple[Fact, ...]

    @property
    def over(self) -> bool:
        """Whether the script has come to its end."""
        return self.step.kind == "end"


def begin(
    session: Session,
    contact_id: int,
    account_id: int,
    *,
    led_by: str,
    called_us: bool = False,
) -> CallRun:
    """The run of a reserved call, made where there is none yet, by the script for the country and segment of
    its account. `led_by`: agent or voice. Whoever called us is not asked for: their call begins at the proof
    of who they are."""
    found = _run(session, contact_id)
    if found is not None:
        return found
    account = reach.reachable(session, [account_id]).get(account_id)
    if account is None:
        raise NotFound("no such account")
    speaker = speaker_of(session, contact_id)
    chosen = store.script_for(
        session, account.country, segment_of(session, account), speaker.get("script", "")
    )
    known: tuple[str, ...] = chosen.script.languages
    start = _identity_step(chosen.script) if called_us else chosen.script.start
    run = CallRun(
        tenant_id=scope_of(session).tenant(), contact_id=contact_id, account_id=account_id,
        debtor_id=account.debtor_id, script_id=chosen.id, script=chosen.script.name, version=chosen.version,
        language=account.language if account.language in known else known[0], led_by=led_by,
        step=start, proven=False, failures=0, dialogue={}, started_at=clock.now(),
    )  # fmt: skip
    session.add(run)
    session.flush()
    return run


def speaker_of(session: Session, contact_id: int) -> Mapping[str, str]:
    """Who speaks in the call as the strategy has it (`Action.assistant`); nothing where it says nothing."""
    action_id = contact_queries.action_of(session, contact_id)
    found = session.execute(
        select(Action.assistant).where(Action.tenant_id == scope_of(session).tenant(), Action.id == action_id)
    ).scalar_one_or_none()
    return found or {}


def talk(session: Session, contact_id: int, *, agent: str, page: str = "") -> Talk:
    """Where the call stands, in words. `agent` is the name of whoever speaks, `page` what they say in place
    of the address of the debtor's page, where they read out none. Raises NotFound."""
    run = _known(session, contact_id)
    script = script_of(session, run)
    step = script.steps[run.step]
    values = spoken.values(
        session, run.account_id, run.language, agent=agent, proven=run.proven, records=script.records,
        offers=_names_offer(step),
    )  # fmt: skip
    if page and run.proven:
        values["link"] = page
    disclosed = step.kind == "disclose"
    return Talk(
        run, script, step,
        _said(script, step, run, values),
        saying.say(step.hint, run.language, values) if step.hint else "",
        spoken.disclosures(session, run.account_id, run.language) if disclosed else (),
        tuple(choice for choice in step.choices if choice.id in walk.offered(step)),
        _questions(session, run) if step.kind == "identity" else (),
    )  # fmt: skip


def _names_offer(step: Step) -> bool:
    return any(words and saying.names(words, "offer") for words in (step.say, step.hint))


def _said(script: Script, step: Step, run: CallRun, values: Mapping[str, str]) -> str:
    """The step's words. Where a script never names the debtor's other accounts, they follow on its purpose:
    one call is about them all."""
    text = saying.say(step.say, run.language, values)
    others = values.get("others") if run.proven and step.stage == "purpose" else ""
    if not others or any(saying.names(one.say, "others") for one in script.steps.values()):
        return text
    return f"{text} {others}."


def answer(session: Session, contact_id: int, step: str, choice: str, *, chance: float | None = None) -> None:
    """On by a choice at `step`, understood with a `chance` where it was spoken. Raises Conflict where the
    call stands elsewhere (sent twice, another window), UserError for one that the step does not offer."""
    run = _at(session, contact_id, step)
    _move(
        session,
        run,
        choice,
        walk.choose(script_of(session, run), _position(run), choice),
        chance,
    )


def identify(session: Session, contact_id: int, step: str, answers: Mapping[Fact, str]) -> bool:
    """Compare what the person told of themselves; whether it proves who they are.

    Two facts must be given and right. Raises Conflict where the call stands elsewhere; UserError where fewer
    than two are given, or where too little is known of the person to prove anything.
    """
    run = _at(session, contact_id, step)
    asked = _questions(session, run)
    given = {fact: text for fact, text in answers.items() if fact in asked and text.strip()}
    if len(given) < NEEDED:
        raise UserError("Two facts are needed, as the person told them.", field="facts")
    right = identity.all_right(_known_of(session, run), tuple(given), given)
    _found(session, run, right=right)
    return right


def spoken_questions(session: Session, run: CallRun) -> tuple[Fact, ...]:
    """The two facts that a machine asks for, those that keys can answer first; empty where too little is
    known of the person to prove anything."""
    known = _known_of(session, run)
    asked = [fact for fact in ASKED if fact in known]
    asked.sort(key=lambda fact: not any(answer.isdecimal() for answer in known[fact]))
    return tuple(asked[:NEEDED]) if len(asked) >= NEEDED else ()


def is_right(session: Session, run: CallRun, fact: Fact, text: str) -> bool:
    """Whether one answer of the two is what is known. The answer is not kept."""
    return identity.all_right(_known_of(session, run), (fact,), {fact: text})


def found(session: Session, contact_id: int, step: str, *, right: bool) -> CallRun:
    """On from the identity questions after a machine compared both answers. Raises Conflict where the call
    stands elsewhere."""
    run = _at(session, contact_id, step)
    _found(session, run, right=right)
    return run


def left(session: Session, run: CallRun, said: str, *, chance: float | None = None) -> None:
    """Record an answer that leaves the script where it stands: a wish that each step hears (a person, a
    stop)."""
    _move(session, run, said, _position(run), chance)


def known_run(session: Session, contact_id: int) -> CallRun | None:
    """The run of a call, locked; None where none was begun."""
    return _run(session, contact_id, lock=True)


def begun(session: Session, contact_id: int) -> CallRun:
    """The run of a call. Raises NotFound."""
    return _known(session, contact_id)


def script_of(session: Session, run: CallRun) -> Script:
    """The script that leads the call."""
    return store.kept(session, run.script_id, run.script)


def finish(session: Session, contact_id: int, code: str, *, actor: str, reason: str | None = None) -> None:
    """End the call with its coded result; `reason` is why the person did not pay, where it was heard.

    Raises Conflict for a result that says the right person was spoken to where nobody proved it.
    """
    run = _known(session, contact_id)
    if run.ended_at is not None:
        raise Conflict("this call has ended already")
    result = DISPOSITIONS.get(code)
    if result is not None and result.right_party and not run.proven:
        raise Conflict("identity was not proven in this call: choose another result")
    if reason is not None and reason not in REASONS:
        raise UserError(
            "unknown reason '%(reason)s': use %(known)s",
            field="reason",
            reason=reason,
            known=", ".join(REASONS),
        )
    calls.finish_call(session, contact_id, code, actor=actor)
    run.reason = reason or run.reason
    run.ended_at = clock.now()


def steps_of(session: Session, contact_id: int) -> list[CallStep]:
    """The steps that the call took, in order. Raises NotFound."""
    run = _known(session, contact_id)
    rows = session.execute(
        select(CallStep)
        .where(CallStep.tenant_id == run.tenant_id, CallStep.run_id == run.id)
        .order_by(CallStep.id)
    )
    return list(rows.scalars())


@dataclass(frozen=True, slots=True)
class Taken:
    """One step that a call took, in the script's words: `label` of the answer by language, empty where it is
    none of the script's (proven, wrong, person, stop); `chance` as `CallStep` has it."""

    at: datetime
    stage: str
    answer: str
    label: Mapping[str, str]
    chance: float | None


def ways(session: Session, contact_ids: Collection[int]) -> dict[int, list[Taken]]:
    """The steps that these calls of the tenants in scope took, in order, by contact."""
    tenants = scope_of(session).tenant_ids
    rows = session.execute(
        select(CallRun, CallStep)
        .join(CallStep, (CallStep.tenant_id == CallRun.tenant_id) & (CallStep.run_id == CallRun.id))
        .where(CallRun.tenant_id.in_(tenants), CallRun.contact_id.in_(contact_ids))
        .order_by(CallStep.id)
    )
    scripts: dict[tuple[int | None, str], Script] = {}
    found: dict[int, list[Taken]] = defaultdict(list)
    for run, taken in rows:
        key = (run.script_id, run.script)
        script = scripts.get(key) or scripts.setdefault(key, script_of(session, run))
        step = script.steps[taken.step]
        choice = step.choice(taken.answer)
        label = choice.label if choice else {}
        found[run.contact_id].append(Taken(taken.at, step.stage, taken.answer, label, taken.chance))
    return found


def _found(session: Session, run: CallRun, *, right: bool) -> None:
    after = walk.identify(script_of(session, run), _position(run), right=right)
    _move(session, run, "proven" if right else "wrong", after)


def _identity_step(script: Script) -> str:
    return next(name for name, step in script.steps.items() if step.kind == "identity")


def _known_of(session: Session, run: CallRun) -> dict[Fact, tuple[str, ...]]:
    person = who_owes(session, run.debtor_id)
    return identity.known_facts(person, debts_by_id(session, [run.account_id]))


def _questions(session: Session, run: CallRun) -> tuple[Fact, ...]:
    known = _known_of(session, run)
    return tuple(fact for fact in ASKED if fact in known)


def _run(session: Session, contact_id: int, *, lock: bool = False) -> CallRun | None:
    query = select(CallRun).where(
        CallRun.tenant_id == scope_of(session).tenant(), CallRun.contact_id == contact_id
    )
    return session.execute(query.with_for_update() if lock else query).scalar_one_or_none()


def _known(session: Session, contact_id: int) -> CallRun:
    run = _run(session, contact_id)
    if run is None:
        raise NotFound("no such call")
    return run


def _at(session: Session, contact_id: int, step: str) -> CallRun:
    run = _run(session, contact_id, lock=True)
    if run is None:
        raise NotFound("no such call")
    if run.step != step or run.ended_at is not None:
        raise Conflict("the call has gone on meanwhile")
    return run


def _position(run: CallRun) -> Position:
    return Position(run.step, run.proven, run.failures, run.reason)


def _move(session: Session, run: CallRun, said: str, after: Position, chance: float | None = None) -> None:
    session.add(
        CallStep(
            tenant_id=run.tenant_id,
            run_id=run.id,
            at=clock.now(),
            step=run.step,
            answer=said,
            to=after.step,
            chance=chance,
        )
    )
    run.step, run.proven, run.failures, run.reason = after.step, after.proven, after.failures, after.reason
    if run.proven and _names_offer(script_of(session, run).steps[run.step]):
        spoken.let_offer_stand(session, run.account_id)
    session.flush()
