"""Click-to-call: the agent's telephone rings first, then the person's, once the law has allowed the call."""

import logging
from dataclasses import dataclass

from sqlalchemy.orm import Session

from recupero.contacts import judging
from recupero.contacts import queries as contacts
from recupero.kernel import clock, runtime
from recupero.kernel.database import Database, Scope, scope_of
from recupero.kernel.errors import Conflict, NotFound, Quoted, UserError
from recupero.outreach.calls import runs
from recupero.outreach.conversations.opened import callback_url, open_connector
from recupero.outreach.voice import people, turns
from recupero.placements import reach
from recupero.tenancy import queries as tenancy
from recupero_sdk.channels import Message, SendOutcome, Uncertain
from recupero_sdk.inbound import Connects
from recupero_sdk.law import RuleOutcome
from recupero_sdk.settings import PluginConfig

log = logging.getLogger(__name__)
AGENT, PERSON = "agent", "person"


@dataclass(frozen=True, slots=True)
class _Ready:
    """Everything that ringing takes."""

    connector: Connects
    config: PluginConfig
    message: Message
    phone: str


def connector(session: Session) -> str | None:
    """The connector that puts agents and people on one line for the tenant in scope; None: there is none."""
    channels = runtime.current().plugins.channels
    on = tenancy.enabled_plugins(session, "channel")
    return next((key for key in on if isinstance(channels.get(key), Connects)), None)


def ring(database: Database, scope: Scope, contact_id: int, *, user_id: int) -> list[RuleOutcome]:
    """Ring the agent for a reserved call; who was rung stands in the call's legs. Returns the rules that
    refuse the call at this moment, in which case nobody is rung.

    Raises NotFound; UserError where it is not known at which number calls ring for the agent; Conflict where
    the person was rung before, or the provider does not take the call.
    """
    with database.transaction(scope) as session:
        ready = _ready(session, contact_id, user_id)
        refused = _refusals(session, contact_id, ready.config.get("caller") or None)
        if refused:
            return refused
        turns.note_leg(session, contact_id, AGENT, people.RINGING, user_id=user_id)
    try:
        receipt = ready.connector.connect(ready.message, ready.phone, ready.config)
        sent, why = receipt.outcome is SendOutcome.SENT, receipt.reason
    except Uncertain as error:
        sent, why = False, error.reason
    if not sent:
        log.warning("the agent's telephone was not rung: %s", why)
        with database.transaction(scope) as session:
            turns.note_leg(session, contact_id, AGENT, "failed", user_id=user_id)
        raise Conflict("your telephone could not be rung: %(why)s", why=Quoted(why or "–"))
    return []


def _ready(session: Session, contact_id: int, user_id: int) -> _Ready:
    run = runs.known_run(session, contact_id)
    if run is None or run.led_by != AGENT:
        raise NotFound("no such call")
    if run.ended_at is not None or any(leg.leg == PERSON for leg in turns.legs(session, contact_id)):
        raise Conflict("this call was made already")
    phone, key = tenancy.user(session, user_id).phone, connector(session)
    if not phone:
        raise UserError("First tell at which number calls ring for you.", field="phone")
    if key is None:
        raise NotFound("this creditor has no connector for calls switched on")
    leading, config = open_connector(session, key)
    if not isinstance(leading, Connects):
        raise TypeError(f"connector {key} does not connect")
    point_id = contacts.dialled(session, contact_id) or 0
    tenant = scope_of(session).tenant()
    message = Message(
        f"{tenant}-{contact_id}", "call", reach.points(session, [point_id])[point_id].value, "", "",
        language=run.language, callback_url=callback_url(leading, tenant, contact_id),
    )  # fmt: skip
    return _Ready(leading, config, message, phone)


def _refusals(session: Session, contact_id: int, number: str | None) -> list[RuleOutcome]:
    """What the law says of the moment, and of the number that the connector shows instead of the one that was
    judged before."""
    verdict = judging.judge_going_on(session, contact_id, clock.now())
    return [*verdict.refusals, *judging.judge_number(session, contact_id, number)]
