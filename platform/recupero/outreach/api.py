"""Actions, for machines: what is scheduled, what was done, and why nothing is sent."""

from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from typing import Any

from recupero.kernel import rest
from recupero.outreach import queries, schemas
from recupero.outreach.channels import preferences
from recupero.outreach.orders import proposals
from recupero.outreach.orders.proposals import Answered, Wanted
from recupero.outreach.texts import previews
from recupero.placements import browse
from recupero.tenancy.guard import requires, tenant_transaction, the_caller, transaction
from recupero.tenancy.permissions import Permission

blueprint = rest.Endpoints("outreach", "Actions")


@blueprint.get("/actions")
@requires(Permission.OUTBOX_READ)
@blueprint.response(200, schemas.ActionCountsSchema)
def actions() -> dict[str, Any]:
    """How many actions are in each state"""
    with transaction() as session:
        return {"counts": queries.count_by_state(session)}


@blueprint.get("/accounts/<int:account_id>/actions")
@requires(Permission.ACCOUNTS_READ)
@blueprint.response(200, schemas.ActionsSchema)
def actions_of(account_id: int) -> dict[str, Any]:
    """The newest fifty actions of an account with their history"""
    with transaction() as session:
        browse.account(session, account_id)
        return {"items": [_shown(line) for line in queries.actions_of(session, account_id)]}


@blueprint.get("/accounts/<int:account_id>/preferences")
@requires(Permission.ACCOUNTS_READ)
@blueprint.response(200, schemas.PreferencesSchema)
def preferences_of(account_id: int) -> dict[str, Any]:
    """How the debtor of an account wants to be reached; null leaves it open"""
    with transaction() as session:
        debtor = browse.account(session, account_id).debtor
        return _wished(preferences.of_debtor(session, debtor.id, debtor.language))


@blueprint.put("/accounts/<int:account_id>/preferences")
@requires(Permission.ACCOUNTS_WORK)
@blueprint.arguments(schemas.PreferencesSchema)
@blueprint.response(200, schemas.PreferencesSchema)
def keep_preferences(data: dict[str, Any], account_id: int) -> dict[str, Any]:
    """Note how the debtor wants to be reached, in place of what was noted before

    It holds at once: what waits on other channels is cancelled, and what goes out next keeps to it."""
    with transaction() as session:
        card = browse.account(session, account_id)
    wish = preferences.read(
        data["channel"] or "", data["begins"] or "", data["ends"] or "", data["language"]
    )  # fmt: skip
    with tenant_transaction(card.account.tenant_id) as session:
        preferences.keep(session, card.debtor.id, wish, actor=the_caller().actor)
    return _wished(wish)


def _wished(wish: preferences.Wish) -> dict[str, Any]:
    begins, ends = wish.hours or (None, None)
    return {
        "channel": wish.channel, "begins": begins and begins.isoformat("minutes"),
        "ends": ends and ends.isoformat("minutes"), "language": wish.language,
    }  # fmt: skip


@blueprint.get("/proposals")
@requires(Permission.ACTIONS_APPROVE)
@blueprint.arguments(schemas.ProposalQuerySchema, location="query")
@blueprint.response(200, schemas.ProposalsSchema)
def proposed(query: dict[str, Any]) -> dict[str, Any]:
    """What waits for a person's yes, the next due first"""
    limit, after = query.pop("limit"), query.pop("after")
    with transaction() as session:
        shown = proposals.waiting(session, Wanted(**query), limit, after)
        return {
            "items": shown.rows, "next": shown.after, "waiting": proposals.count(session, Wanted(**query))
        }  # fmt: skip


@blueprint.get("/proposals/<int:action_id>")
@requires(Permission.ACTIONS_APPROVE)
@blueprint.response(200, schemas.ProposedMessageSchema)
def proposal(action_id: int) -> dict[str, Any]:
    """One proposal with its message and the first lawful moment"""
    with transaction() as session:
        tenant_id = proposals.one(session, action_id).tenant_id
    with tenant_transaction(tenant_id) as session:
        action = proposals.one(session, action_id)
        asked = (action.account_id, action.channel, action.purpose, action.due_at)
        (found,) = preferences.first_moments(session, [asked])
        shown = previews.of_action(session, action)
        return {
            "action": action, "next_lawful_at": found.at, "against": found.reason,
            "message": None if shown is None else previews.to_json(shown),
        }  # fmt: skip


@blueprint.post("/proposals/approve")
@requires(Permission.ACTIONS_APPROVE)
@blueprint.arguments(schemas.ChosenSchema)
@blueprint.response(200, schemas.AnsweredSchema)
def approve(data: dict[str, Any]) -> dict[str, Any]:
    """Say yes: each is scheduled for its moment or the next lawful one, or ends with its reason"""
    return {"items": _answered(data["action_ids"], proposals.approve)}


@blueprint.post("/proposals/decline")
@requires(Permission.ACTIONS_APPROVE)
@blueprint.arguments(schemas.DeclinedSchema)
@blueprint.response(200, schemas.AnsweredSchema)
def decline(data: dict[str, Any]) -> dict[str, Any]:
    """Say no, with a reason"""
    return {"items": _answered(data["action_ids"], partial(proposals.decline, why=data["why"]))}


def _answered(action_ids: list[int], answer: Callable[..., list[Answered]]) -> list[Answered]:
    """The answer for each creditor's proposals; an empty state where one did not wait any more."""
    with transaction() as session:
        by_tenant = proposals.by_tenant(session, action_ids)
    answers: dict[int, Answered] = {}
    for tenant_id, own in by_tenant.items():
        with tenant_transaction(tenant_id) as session:
            answers |= {one.action_id: one for one in answer(session, own, actor=the_caller().actor)}
    return [answers.get(action_id, Answered(action_id, None)) for action_id in action_ids]


def _shown(line: queries.ActionLine) -> dict[str, Any]:
    events = [{"at": at, "state": state, "reason": reason} for at, state, reason, _details in line.events]
    return {**asdict(line), "events": events}
