"""How an account leaves the desk: the call's coded result with everything that follows it, at once."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from recupero.contacts.dispositions import DISPOSITIONS
from recupero.kernel.errors import Conflict, UserError
from recupero.outreach.calls import runs, sittings
from recupero.outreach.calls.runs import Talk
from recupero.outreach.desk import call_backs, notes
from recupero.outreach.desk_tables import Sitting
from recupero.outreach.understanding import brief, desk, hand_overs
from recupero.payments.agreements import settlement_queries
from recupero.placements import reach
from recupero.placements.debts import debts_by_id

#: Results of a call; what messages come to is written by their connector.
CALL_RESULTS = tuple(
    code for code in DISPOSITIONS if code not in {"DLVD", "OPEN", "CLCK", "RPLY", "BNCE", "INBD"}
)
_OF_THE_PERSON = frozenset(code for code in CALL_RESULTS if DISPOSITIONS[code].right_party)
_OF_NOBODY = frozenset({"NOAN", "BUSY", "VMNM", "VMLM", "DISC", "WRNG", "TPNA", "TPRF", "HUNV"})
#: For what a debtor is handed to a colleague.
MATTERS = ("wants_person", "hardship", "disputes", "complaint", "no_invoice", "paid_already", "cannot_pay")


@dataclass(frozen=True, slots=True)
class Result:
    """The coded result, why it was not paid, a note, a call that was promised; `next_step` (with `cause`)
    ends a hand-over to this agent, `matter` begins one, to a certain colleague or whoever suits best."""

    code: str
    reason: str = ""
    note: str = ""
    call_back: datetime | None = None
    next_step: str = ""
    cause: str = ""
    matter: str = ""
    colleague: int | None = None


def finish(session: Session, sitting: Sitting, result: Result, *, actor: str) -> None:
    """Write the result; everything holds now, and the account leaves the desk. Raises Conflict where nobody
    was called, UserError at the field: code, reason, note, call_back, next_step, cause, matter, user."""
    if sitting.contact_id is None:
        raise Conflict("nobody was called: put the account back, or call")
    _check_call_back(result)
    sittings.hung_up(session, sitting)
    runs.finish(session, sitting.contact_id, result.code, actor=actor, reason=result.reason or None)
    if result.note:
        notes.write(session, sitting.account_id, result.note, actor=actor, contact_id=sitting.contact_id)
    if result.call_back is not None:
        call_backs.promise(session, sitting.account_id, result.call_back, actor=actor)
    if result.next_step:
        hand_overs.close(
            session, sitting.debtor_id, cause=result.cause or result.reason, next_step=result.next_step,
            actor=actor,
        )  # fmt: skip
    if result.matter:
        _hand_over(session, sitting, result, actor)
    sittings.close(session, sitting, "done", result.code)


def put_back(session: Session, sitting: Sitting, note: str, *, actor: str) -> None:
    """The account is free again without a call; a note may say why. Raises Conflict once a call was begun."""
    if sitting.contact_id is not None:
        raise Conflict("the call was begun: note its result")
    if note:
        notes.write(session, sitting.account_id, note, actor=actor)
    sittings.close(session, sitting, "released")


def _check_call_back(result: Result) -> None:
    if result.call_back is None:
        if result.code == "CBRQ" and not result.matter:
            raise UserError("Say when to call back.", field="call_back")
        return
    found = DISPOSITIONS.get(result.code)
    if found is not None and (found.stops or found.opts_out):
        raise UserError("After this result nobody calls: leave the time open.", field="call_back")


def _hand_over(session: Session, sitting: Sitting, result: Result, actor: str) -> None:
    """Give the debtor to a colleague: a certain one, or whoever is trained for the matter but not oneself."""
    if result.matter not in MATTERS:
        raise UserError("Please choose one.", field="matter")
    hand_overs.open_one(
        session, debtor_id=sitting.debtor_id, account_id=sitting.account_id, contact_id=sitting.contact_id,
        why=result.matter,
    )  # fmt: skip
    chosen = result.colleague
    if chosen is None:
        others = [one for one in desk.workers(session, sitting.tenant_id) if one.id != sitting.user_id]
        spoken = reach.reachable(session, [sitting.account_id])[sitting.account_id].language
        best = desk.choose(others, result.matter, spoken, desk.load(session), None)
        chosen = best.id if best else None
    desk.pass_on(session, sitting.debtor_id, chosen, actor=actor)


def possible(talk: Talk, agreed: str | None) -> list[str]:
    """Results that this call can have had: what was agreed first, then what the script suggests. Before the
    proof none that only the right person gives; after it none that says nobody was there, or somebody else.
    """
    proven = talk.run.proven
    codes = [code for code in CALL_RESULTS if code not in (_OF_NOBODY if proven else _OF_THE_PERSON)]
    return sorted(codes, key=lambda code: (code != agreed, code != talk.step.disposition))


def agreed(session: Session, sitting: Sitting) -> str | None:
    """The result of what was agreed in this sitting; None where nothing was."""
    told = brief.brief(session, sitting.debtor_id, sitting.account_id, (), "call")
    since = sitting.taken_at
    if any(one.agreed_at >= since and one.settlement_id is None for one in told.plans):
        return "PLAN"
    made = settlement_queries.settlements_of(session, [sitting.account_id])
    if any(one.accepted_at is not None and one.accepted_at >= since for one in made):
        return "SETL"
    promised = [one for one in told.promises if one.made_at >= since]
    if not promised:
        return None
    debts = debts_by_id(session, {one.account_id for one in promised})
    owed = {debt.account_id: debt.balance_minor for debt in debts}
    return "PTPF" if all(one.amount_minor >= owed[one.account_id] for one in promised) else "PTPP"
