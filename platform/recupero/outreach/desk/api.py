"""The agent's desk, for machines: a dialler or an agency's own screen does what agents do on its pages."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy.orm import Session

from recupero.contacts import queries as contacts
from recupero.contacts.grounds import grounds
from recupero.contacts.proving import account_week
from recupero.kernel import clock, rest, runtime
from recupero.kernel.database import scope_of
from recupero.kernel.errors import UserError
from recupero.outreach.calls import call_backs as booking
from recupero.outreach.calls import runs, sittings
from recupero.outreach.desk import (
    call_backs,
    calling,
    care,
    figures,
    finishing,
    link,
    next_best,
    notes,
    relay,
    schemas,
)
from recupero.outreach.desk.finishing import Result
from recupero.outreach.desk.relay import Agent
from recupero.outreach.desk_tables import Sitting
from recupero.outreach.understanding import brief, hand_overs
from recupero.outreach.voice import clicking, turns
from recupero.payments.agreements import settlement_queries
from recupero.payments.offers import hardship
from recupero.placements import browse
from recupero.placements.identity import Fact
from recupero.tenancy import queries as tenancy
from recupero.tenancy.guard import requires, the_caller, transaction
from recupero.tenancy.permissions import GRANTS, Permission, Role
from recupero_sdk.law import RuleOutcome

blueprint = rest.Endpoints("desk", "Agent's desk")
EARLIER = 5  # calls of before that are shown
NOTES = 20


@blueprint.get("/desk/agents")
@requires(Permission.DESK_LEAD)
@blueprint.response(200, schemas.AgentDesksSchema)
def agents() -> dict[str, Any]:
    """What each agent has at their desk, did, and aims at"""
    with transaction() as session:
        held = {one.user_id: one for one in sittings.everybody(session)}
        did = {period: figures.of_agents(session, period) for period in figures.PERIODS}
        aims = figures.goals(session)
        return {
            "items": [
                _desk(user.id, user.name, held.get(user.id), did, aims)
                for user in tenancy.users(session)
                if user.active and Permission.ACCOUNTS_WORK in GRANTS[Role(user.role)]
            ]
        }


def _desk(
    user_id: int,
    name: str,
    held: Sitting | None,
    did: Mapping[str, Mapping[int, figures.Done]],
    aims: Mapping[int, Mapping[tuple[str, str], int]],
) -> dict[str, Any]:
    goals = [
        {"period": period, "measure": measure, "target": target}
        for (period, measure), target in aims.get(user_id, {}).items()
    ]
    done = {period: did[period].get(user_id, figures.Done()) for period in figures.PERIODS}
    return {"id": user_id, "name": name, "sitting": held, "goals": goals, **done}


@blueprint.put("/desk/agents/<int:user_id>/goals")
@requires(Permission.DESK_LEAD)
@blueprint.arguments(schemas.GoalsSchema)
@blueprint.response(204)
def set_goals(data: dict[str, Any], user_id: int) -> None:
    """Set an agent's goals, all of them"""
    named = {(one["period"], one["measure"]): one["target"] for one in data["goals"]}
    every = [(period, measure) for period in figures.PERIODS for measure in figures.MEASURES]
    targets = {one: named.get(one) for one in every}
    with transaction() as session:
        figures.set_goals(session, user_id, targets, actor=the_caller().actor)


@blueprint.post("/desk/sittings/<int:sitting_id>/free")
@requires(Permission.DESK_LEAD)
@blueprint.response(204)
def free(sitting_id: int) -> None:
    """Take an account from an agent's desk; what they were doing with it is refused from then on"""
    with transaction() as session:
        sittings.free(session, sitting_id, actor=the_caller().actor)


@blueprint.get("/desk/agents/<int:user_id>")
@requires(Permission.ACCOUNTS_WORK)
@blueprint.response(200, schemas.OwnDeskSchema)
def desk(user_id: int) -> dict[str, Any]:
    """What an agent has at their desk, their own figures and goals, the calls they promised"""
    with relay.working(user_id) as (session, agent):
        did = {period: figures.of_agents(session, period) for period in figures.PERIODS}
        shown = _desk(
            user_id, agent.caller.name, sittings.of_user(session, user_id), did, figures.goals(session)
        )
        return {**shown, "coming": call_backs.coming(session, user_id)}


@blueprint.post("/desk/agents/<int:user_id>/next")
@requires(Permission.ACCOUNTS_WORK)
@blueprint.response(200, schemas.TakenAccountSchema)
def take_next(user_id: int) -> dict[str, Any]:
    """Lock the next best account for the agent

    It is nobody else's until it is laid down. Asked again, it is the account that they have."""
    with relay.working(user_id) as (session, _agent):
        me = tenancy.user(session, user_id)
        taken = next_best.take_next(session, me)
        return {"sitting": taken, "next_at": None if taken else next_best.next_moment(session, me)}


@blueprint.post("/desk/agents/<int:user_id>/take")
@requires(Permission.ACCOUNTS_WORK)
@blueprint.arguments(schemas.TakeSchema)
@blueprint.response(200, schemas.HeldSchema)
def take(data: dict[str, Any], user_id: int) -> Sitting:
    """Lock a certain account for the agent; 409 while a colleague has its person"""
    with relay.working(user_id) as (session, _agent):
        return sittings.choose(session, user_id, data["account_id"])


@blueprint.get("/desk/sittings/<int:sitting_id>")
@requires(Permission.ACCOUNTS_WORK)
@blueprint.response(200, schemas.DeskSchema)
def sitting(sitting_id: int) -> dict[str, Any]:
    """The account at the desk: whom to ask for, what to heed, the script

    Nothing of the debt is in it before the person proved in the call who they are."""
    with relay.looking(sitting_id) as (session, held, agent):
        on = grounds(session, [held.account_id])
        account, told = on.known.accounts[held.account_id], care.care(session, held, on)
        given = hand_overs.open_for(session, held.debtor_id)
        points = on.known.points.get(account.debtor_id, ())
        zone = account.timezone or account_week(session, held.account_id, clock.now(), 1, on).zone
        talk = _talk(session, held, agent)
        shown = {
            name: getattr(held, one.attribute or name)
            for name, one in schemas.HeldSchema._declared_fields.items()
        }
        return shown | {
            "user_id": held.user_id, "name": account.name, "language": account.language,
            "country": account.country, "timezone": zone, "warnings": told.warnings, "tone": told.tone,
            "left_alone": calling.left_alone(session, held),
            "phones": [point for point in points if point.kind == "phone"],
            "handed_over": given.why if given else None, "talk": talk,
            "facts": _facts(session, held) if talk and talk["proven"] else None,
        }  # fmt: skip


def _talk(session: Session, held: Sitting, agent: Agent) -> dict[str, Any] | None:
    if held.contact_id is None:
        return None
    talk = runs.talk(session, held.contact_id, agent=agent.caller.name)
    return {
        "contact_id": held.contact_id, "step": talk.run.step, "stage": talk.step.stage, "text": talk.text,
        "hint": talk.hint, "read_out": talk.read_out, "choices": talk.choices,
        "questions": [fact.value for fact in talk.questions], "proven": talk.run.proven,
        "failures": talk.run.failures, "over": talk.over,
        "results": finishing.possible(talk, finishing.agreed(session, held)),
        "legs": turns.legs(session, held.contact_id),
    }  # fmt: skip


def _facts(session: Session, held: Sitting) -> dict[str, Any]:
    account, ids = browse.account(session, held.account_id).account, [held.account_id]
    told = brief.brief(session, held.debtor_id, held.account_id, (), "call")
    case = hardship.open_of(session, held.debtor_id)
    run = runs.begun(session, relay.call_of(held))
    lines = contacts.timeline(session, held.account_id)
    return {
        "creditor": tenancy.tenant(session).name, "client_account": account.client_account,
        "currency": account.currency, "balance_minor": account.balance_minor, "due_date": account.due_date,
        "product": account.product, "reason": run.reason, "hardship": case.kind if case else None,
        "promises": told.promises, "plans": told.plans,
        "settlements": settlement_queries.settlements_of(session, ids)[:EARLIER],
        "notes": notes.of_accounts(session, ids, NOTES),
        "earlier": [one for one in lines if one.channel == "call" and one.id != held.contact_id][:EARLIER],
    }  # fmt: skip


@blueprint.post("/desk/sittings/<int:sitting_id>/back")
@requires(Permission.ACCOUNTS_WORK)
@blueprint.arguments(schemas.BackSchema)
@blueprint.keyed()
@blueprint.response(204)
def back(data: dict[str, Any], sitting_id: int) -> None:
    """Put the account back without a call; a note may say why"""

    def put(session: Session, held: Sitting, agent: Agent) -> None:
        finishing.put_back(session, held, data["note"], actor=agent.actor)

    relay.step(sitting_id, "back", put)


@blueprint.post("/desk/sittings/<int:sitting_id>/call")
@requires(Permission.ACCOUNTS_WORK)
@blueprint.arguments(schemas.CallSchema)
@blueprint.keyed()
@blueprint.response(200, schemas.CalledSchema)
def call(data: dict[str, Any], sitting_id: int) -> dict[str, Any]:
    """Ask the law for the call and reserve it; only then does the script begin

    Asked again, it is the call that was begun."""

    def begin(session: Session, held: Sitting, _agent: Agent) -> dict[str, Any]:
        made = calling.begin(
            session, held, data["contact_point_id"], actor=the_caller().actor, knowing=data["knowing"]
        )
        if made is None or made.contact_id is not None:
            return {"contact_id": held.contact_id, "refusals": [], "next_lawful_at": None}
        later = made.verdict.next_lawful_at
        refusals = _rules(made.verdict.refusals)
        return {"contact_id": None, "refusals": refusals, "next_lawful_at": later and later.isoformat()}

    return relay.step(sitting_id, "call", begin)


@blueprint.post("/desk/sittings/<int:sitting_id>/answer")
@requires(Permission.ACCOUNTS_WORK)
@blueprint.arguments(schemas.ChosenAnswerSchema)
@blueprint.keyed()
@blueprint.response(200, schemas.ScriptStepSchema)
def answer(data: dict[str, Any], sitting_id: int) -> dict[str, Any]:
    """On in the script by one of the step's answers; 409 where the call stands elsewhere"""

    def go_on(session: Session, held: Sitting, _agent: Agent) -> dict[str, Any]:
        contact_id = relay.call_of(held)
        runs.answer(session, contact_id, data["step"], data["answer"])
        return {"step": runs.begun(session, contact_id).step}

    return relay.step(sitting_id, "answer", go_on)


@blueprint.post("/desk/sittings/<int:sitting_id>/identity")
@requires(Permission.ACCOUNTS_WORK)
@blueprint.arguments(schemas.ToldFactsSchema)
@blueprint.response(200, schemas.IdentityFoundSchema)
def identity(data: dict[str, Any], sitting_id: int) -> dict[str, Any]:
    """Compare what the person told of themselves; two facts must be right

    The answers are not kept, not even to know the same request again: `step` keeps it from counting twice."""
    answers = {Fact(name): text for name, text in data["facts"].items()}

    def compare(session: Session, held: Sitting, _agent: Agent) -> dict[str, Any]:
        contact_id = relay.call_of(held)
        right = runs.identify(session, contact_id, data["step"], answers)
        return {"proven": right, "step": runs.begun(session, contact_id).step}

    return relay.step(sitting_id, "identity", compare, keyed=False)


@blueprint.post("/desk/sittings/<int:sitting_id>/ring")
@requires(Permission.ACCOUNTS_WORK)
@blueprint.response(200, schemas.RungSchema)
def ring(sitting_id: int) -> dict[str, Any]:
    """Ring the agent's telephone, then the person's, for the call that was begun

    The law is asked once more; where it refuses, nobody is rung. May be asked again until the person's
    telephone rang; then, or where the provider does not take it, 409."""
    scope, contact_id, user_id = relay.step(
        sitting_id, "ring", lambda session, held, agent: (scope_of(session), relay.call_of(held), agent.id),
        keyed=False,
    )  # fmt: skip
    refused = clicking.ring(runtime.current().database, scope, contact_id, user_id=user_id)
    return {"rung": not refused, "refusals": _rules(refused)}


@blueprint.post("/desk/sittings/<int:sitting_id>/hung-up")
@requires(Permission.ACCOUNTS_WORK)
@blueprint.keyed()
@blueprint.response(204)
def hung_up(sitting_id: int) -> None:
    """The talk is over: the time of wrapping up begins"""
    relay.step(sitting_id, "hung_up", lambda session, held, _agent: sittings.hung_up(session, held))


@blueprint.post("/desk/sittings/<int:sitting_id>/notes")
@requires(Permission.ACCOUNTS_WORK)
@blueprint.arguments(schemas.NewNoteSchema)
@blueprint.keyed()
@blueprint.response(201, rest.MadeSchema)
def note(data: dict[str, Any], sitting_id: int) -> dict[str, Any]:
    """Note something about the account"""

    def write(session: Session, held: Sitting, agent: Agent) -> dict[str, Any]:
        made = notes.write(
            session, held.account_id, data["text"], actor=agent.actor, contact_id=held.contact_id
        )
        return {"id": made}

    return relay.step(sitting_id, "note", write)


@blueprint.get("/desk/sittings/<int:sitting_id>/links")
@requires(Permission.ACCOUNTS_WORK)
@blueprint.response(200, schemas.LinksSchema)
def links(sitting_id: int) -> dict[str, Any]:
    """By what the link to their own page could go now, and what became of the one that was sent"""
    with relay.looking(sitting_id) as (session, held, _agent):
        ways = [
            {"channel": one.channel, "address": one.point.value, "refusals": _rules(one.refusals)}
            for one in link.ways(session, held.account_id)
        ]
        return {"ways": ways, "sent": link.sent(session, held)}


@blueprint.post("/desk/sittings/<int:sitting_id>/links")
@requires(Permission.ACCOUNTS_WORK)
@blueprint.arguments(schemas.SendSchema)
@blueprint.keyed()
@blueprint.response(204)
def send_link(data: dict[str, Any], sitting_id: int) -> None:
    """Send the link to their own page at once; 409 before the proof, or where the law forbids it now"""

    def send(session: Session, held: Sitting, agent: Agent) -> None:
        relay.check_proven(session, held)
        link.send(session, held, data["channel"], actor=agent.actor)

    relay.step(sitting_id, "link", send)


@blueprint.get("/desk/sittings/<int:sitting_id>/call-backs")
@requires(Permission.ACCOUNTS_WORK)
@blueprint.response(200, schemas.MomentsSchema)
def moments(sitting_id: int) -> dict[str, Any]:
    """Lawful moments for a call-back"""
    with relay.looking(sitting_id) as (session, held, _agent):
        return {"moments": booking.slots(session, held.account_id, days=10)}


@blueprint.post("/desk/sittings/<int:sitting_id>/finish")
@requires(Permission.ACCOUNTS_WORK)
@blueprint.arguments(schemas.FinishSchema)
@blueprint.keyed()
@blueprint.response(204)
def finish(data: dict[str, Any], sitting_id: int) -> None:
    """Lay the account down with its coded result, reason, note, call-back, hand-over: all at once"""
    result = Result(
        data["code"], data["reason"] or "", data["note"], data["call_back"], data["next_step"],
        data["cause"] or "", data["matter"] or "", data["colleague_id"],
    )  # fmt: skip

    def lay_down(session: Session, held: Sitting, agent: Agent) -> None:
        finishing.finish(session, held, result, actor=agent.actor)

    try:
        relay.step(sitting_id, "finish", lay_down)
    except UserError as error:
        error.field = "colleague_id" if error.field == "user" else error.field
        raise


def _rules(refusals: Sequence[RuleOutcome]) -> list[dict[str, Any]]:
    """The rules that refuse by themselves, with their reason in English."""
    return [{"rule_id": one.rule_id, "reason": one.reason} for one in refusals if one.decides]
