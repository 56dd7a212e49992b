"""The page of the desk: an account with its script, facts that open with the proof of identity, what may be
agreed, and the result; or, with nothing at the desk, the button that takes the next one."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from flask import render_template
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from recupero.contacts import queries as contacts
from recupero.contacts.grounds import Grounds, grounds
from recupero.contacts.proving import account_week
from recupero.decisions.advice import negotiation
from recupero.decisions.advice.negotiation import SOON, Shown
from recupero.decisions.planning import best_time
from recupero.kernel import clock
from recupero.kernel.errors import UserError
from recupero.outreach.calls import call_backs as booking
from recupero.outreach.calls import runs, sittings
from recupero.outreach.calls.runs import Talk
from recupero.outreach.desk import call_backs, calling, care, figures, finishing, link, notes
from recupero.outreach.desk_tables import Sitting
from recupero.outreach.scripts import spoken
from recupero.outreach.scripts.shape import REASONS
from recupero.outreach.understanding import brief, desk, hand_overs
from recupero.outreach.understanding.tables import HandOver
from recupero.outreach.voice import clicking, turns
from recupero.payments.agreements import settlement_queries
from recupero.payments.agreements.plan_suggestions import suggestions
from recupero.payments.offers import hardship
from recupero.placements import browse, labels
from recupero.placements.identity import Fact
from recupero.portals.accounts import advising
from recupero.portals.desk import negotiating
from recupero.portals.desk.at import FIELDS, typed, user_id
from recupero.portals.desk.negotiating import offerer
from recupero.portals.frame.errors import said
from recupero.portals.frame.forms import Form
from recupero.portals.words.words import label
from recupero.tenancy import queries as tenancy
from recupero.tenancy.guard import tenant_transaction, the_caller, transaction

EARLIER = 5  # calls of before that are shown


@dataclass(frozen=True, slots=True)
class Clock:
    """Where the time went so far, in seconds; `phase` is what runs now: before, talk, wrap."""

    phase: str
    running: int
    talked: int | None


def page(form: Form | None = None, *, kind: str = "") -> ResponseReturnValue:
    """The desk as it stands, with the form that was refused; `kind` is the agreement that it asks for. What
    was written for an account that has left the desk is shown apart, so that it can be copied: the form of
    another account does not take it."""
    form, wrote = form or Form(), ""
    with transaction() as session:
        found = sittings.of_user(session, user_id())
        if form.is_sent and form.optional("sitting") != str(found.id if found else ""):
            form, wrote = Form(), typed(form)
        if found is None:
            return _nothing(session, wrote), 409 if wrote else 200
        session.expunge(found)
    with tenant_transaction(found.tenant_id) as session:
        view = _sitting(session, found, form, kind)
    return render_template("desk/sitting.html", wrote=wrote, **view), 409 if wrote else form.status


def _nothing(session: Session, wrote: str) -> str:
    me = user_id()
    own = {period: figures.of_agents(session, period).get(me, figures.Done()) for period in figures.PERIODS}
    return render_template(
        "desk/home.html", own=own, goals=figures.goals(session).get(me, {}), measures=figures.MEASURES,
        coming=call_backs.coming(session, me), countries={one.country for one in tenancy.tenants(session)},
        wrote=wrote,
    )  # fmt: skip


def _sitting(session: Session, sitting: Sitting, form: Form, kind: str) -> dict[str, Any]:
    """What the page may show at this moment. Of the debt there is nothing in it before the proof."""
    on = grounds(session, [sitting.account_id])
    account, now = on.known.accounts[sitting.account_id], clock.now()
    talk = _talk(session, sitting)
    zone = account.timezone or account_week(session, sitting.account_id, now, 1, on).zone
    phones = [point for point in on.known.points.get(account.debtor_id, ()) if point.kind == "phone"]
    dialled = contacts.dialled(session, sitting.contact_id) if sitting.contact_id else None
    legs = turns.legs(session, sitting.contact_id) if sitting.contact_id else []
    rings = clicking.connector(session) is not None and not any(leg.leg == clicking.PERSON for leg in legs)
    given = hand_overs.open_for(session, sitting.debtor_id)
    return {
        "sitting": sitting, "talk": talk, "form": form, "name": account.name, "speaks": account.language,
        "country": account.country, "local": now.astimezone(ZoneInfo(zone)), "phones": phones,
        "number": next((point.value for point in phones if point.id == dialled), None),
        "legs": legs, "rings": rings, "care": care.care(session, sitting, on),
        "alone": talk is None and calling.left_alone(session, sitting), "given": given, "Fact": Fact,
        "time": _time(sitting), "facts": _facts(session, sitting, talk, on, form, kind),
        "result": _result(session, sitting, talk, given, ZoneInfo(zone)) if talk else None,
        "own": figures.of_agents(session, "day").get(sitting.user_id, figures.Done()),
        "goals": figures.goals(session).get(sitting.user_id, {}),
    }  # fmt: skip


def _talk(session: Session, sitting: Sitting) -> Talk | None:
    if sitting.contact_id is None:
        return None
    return runs.talk(session, sitting.contact_id, agent=the_caller().name)


def _time(sitting: Sitting) -> Clock:
    now = clock.now()
    if sitting.talk_from is None:
        return Clock("before", _seconds(sitting.taken_at, now), None)
    if sitting.talk_until is None:
        return Clock("talk", _seconds(sitting.talk_from, now), None)
    return Clock("wrap", _seconds(sitting.talk_until, now), _seconds(sitting.talk_from, sitting.talk_until))


def _seconds(start: datetime, end: datetime) -> int:
    return max(0, int((end - start).total_seconds()))


def _facts(
    session: Session, sitting: Sitting, talk: Talk | None, on: Grounds, form: Form, kind: str
) -> dict[str, Any] | None:
    """Everything of the debt: None until identity is proven in this call."""
    if talk is None or not talk.run.proven:
        return None
    account_id = sitting.account_id
    card, ids = browse.account(session, account_id), [account_id]
    me = offerer()
    room, today = negotiation.room(session, account_id, me), clock.today(tenancy.tenant(session).timezone)
    owed = negotiation.together(session, account_id)
    is_open = room.policy.balance_minor > 0
    asked, shown = _asked(session, account_id, form, kind)
    earlier = [one for one in contacts.timeline(session, account_id) if one.channel == "call"]
    values = spoken.values(session, account_id, talk.run.language, agent="", proven=True)
    return {
        "card": card, "creditor": tenancy.tenant(session), "room": room, "today": today, "owed": owed,
        "plain": advising.plain(negotiation.whole_minor(session, account_id), card.account.currency),
        "fields": {name: form.optional(name) for name in negotiating.ASKED},
        "open": is_open, "forms": asked, "shown": shown, "kind": kind, "reason": talk.run.reason,
        "suggested": suggestions(
            session, [one.account_id for one in owed], room.policy, me, today
        ) if is_open else [],
        "advised": advising.shown(
            session, [one.account_id for one in owed], me
        ) if is_open else None,
        "advised_links": {
            kind: {"kind": kind, "sitting": sitting.id}
            for kind in negotiation.KINDS
        },
        "soon": today + SOON, "address": values["link"], "ways": link.ways(session, account_id, on),
        "labels": labels.of_accounts(session, ids).get(account_id, []),
        "sent": link.sent(session, sitting), "notes": notes.of_accounts(session, ids, 20),
        "brief": brief.brief(session, sitting.debtor_id, account_id, (), "call"),
        "settlements": settlement_queries.settlements_of(session, ids)[:3],
        "hardship": hardship.open_of(session, sitting.debtor_id),
        "earlier": [one for one in earlier if one.id != sitting.contact_id][:EARLIER],
        "ways_of": runs.ways(session, [one.id for one in earlier[: EARLIER + 1]]),
    }  # fmt: skip


def _asked(session: Session, account_id: int, form: Form, kind: str) -> tuple[dict[str, Form], Shown | None]:
    """The three forms of the panel, and what the one that was sent asks for, where it can be."""
    today = clock.today(tenancy.tenant(session).timezone)
    first = (today + timedelta(days=7)).isoformat()
    forms = {
        "full": Form({"due": (today + SOON).isoformat()}),
        "plan": Form({"instalments": "3", "every": "monthly", "first_on": first}),
        "settlement": Form({"parts": "1"}),
    }
    if kind not in forms:
        return forms, None
    forms[kind] = form
    if form.errors and "why" not in form.errors:
        return forms, None
    try:
        return forms, negotiating.shown(session, account_id, kind, form)
    except UserError as error:
        form.errors[FIELDS.get(error.field or "", error.field) or ""] = said(error)
        return forms, None


def _result(
    session: Session, sitting: Sitting, talk: Talk, given: HandOver | None, zone: ZoneInfo
) -> dict[str, Any]:
    colleagues = [
        (str(one.id), one.name)
        for one in desk.workers(session, sitting.tenant_id)
        if one.id != sitting.user_id
    ]
    agreed = finishing.agreed(session, sitting)
    codes = finishing.possible(talk, agreed)
    moments = booking.slots(session, sitting.account_id, days=10, step=timedelta(hours=2))
    return {
        # nothing is guessed of a talk that neither an agreement nor the script tells the result of
        "choose": talk.run.proven and agreed is None and talk.step.disposition is None,
        "codes": [(code, f"{label('disposition', code)} ({code})") for code in codes],
        "reasons": _reasons(talk),
        "slots": [(at.isoformat(), at) for at in moments], "best": _best(session, sitting, moments, zone),
        "whys": [("", _("Nobody: I am done")), *((one, label("intent", one)) for one in finishing.MATTERS)],
        "colleagues": [("", _("Whoever is trained for it")), *colleagues], "given": given,
        "causes": [(code, label("cause", code)) for code in hand_overs.CAUSES],
    }  # fmt: skip


def _best(session: Session, sitting: Sitting, moments: Sequence[datetime], zone: ZoneInfo) -> datetime | None:
    """Of lawful moments the one at which they are reached best by a call; None where no model says so."""
    found = best_time.best_of(session, sitting.debtor_id, zone, [("call", at) for at in moments], clock.now())
    return found[0].at if found else None


def _reasons(talk: Talk) -> list[tuple[str, str]]:
    """Why it was not paid: what was heard in the call first, then the others; or nothing."""
    heard = talk.run.reason
    codes = sorted(REASONS, key=lambda code: code != heard)
    named = [(code, label("cause", code)) for code in codes]
    return [*named, ("", _("Not known"))] if heard else [("", _("Not known")), *named]
