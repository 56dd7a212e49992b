"""What messages say beyond the account that they are about: all that the debtor owes the creditor, so that
one communication is enough, and the offer that is recommended, so that it carries a solution.

A plan is named with its payments, and the link leads to it. A settlement that is named stands from then on as
one that a person made (`payments.agreements.settlements`): whoever pays it in time has taken it.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

from sqlalchemy.orm import Session

from recupero.kernel import clock, events
from recupero.outreach.texts import owed
from recupero.outreach.texts.naming import Beyond, Named
from recupero.outreach.texts.words import Words
from recupero.payments.agreements import settlement_queries, settlements
from recupero.payments.offers.offer_tables import Settlement
from recupero.payments.offers.policy import MODEL
from recupero.placements import reach
from recupero.placements.debts import try_accounts
from recupero.placements.reach import Reachable
from recupero.tenancy import queries as tenancy
from recupero_sdk.sms import replaced

#: Messages that ask for what is owed. Others are about one agreement, or thank for one payment.
GATHERING = frozenset({"reminder", "first_notice", "follow_up", "offer", "broken_promise"})
#: The template whose message makes an offer, and that of one before the due date.
OFFERING, _REMINDER = "offer", "reminder"
#: The offer to name over each group of accounts of one debtor: None where none is recommended. The room that
#: knows is above this one and brings it here (`wiring`).
Recommend = Callable[[Session, Sequence[Collection[int]]], Sequence[Named | None]]
_brought: list[Recommend] = []
#: An offer that ends sooner is not named any more.
_SOONEST = timedelta(days=2)


def bring(recommend: Recommend) -> None:
    """Ask this for offers from now on."""
    _brought[:] = [recommend]


@dataclass(frozen=True, slots=True)
class About:
    """What one message is about besides `account`: `others` of the debtor in the same currency; `whole`: they
    are all that is owed in it. `offering`: the message is to make an offer."""

    account: Reachable
    others: tuple[Reachable, ...]
    whole: bool
    offering: bool

    @property
    def account_ids(self) -> list[int]:
        return [self.account.account_id, *(one.account_id for one in self.others)]


def scopes(
    session: Session,
    asked: Collection[tuple[int, str, Reachable]],
    is_held: Callable[[Reachable], bool],
) -> dict[int, About]:
    """What the messages of these keys, templates and accounts of the tenant in scope are about, for those
    that say more than their account, in one or two queries. What is held for a reason of its own (`is_held`)
    is left out."""
    gathering = [one for one in asked if one[1] in GATHERING]
    if not gathering:
        return {}
    owing = reach.owing(session, {account.debtor_id for _key, _template, account in gathering})
    wanted = {one for ids in owing.values() if len(ids) > 1 for one in ids}
    known = reach.reachable(session, wanted) if wanted else {}
    found: dict[int, About] = {}
    for key, template, account in gathering:
        ids = [one for one in owing.get((account.debtor_id, account.currency), ())
               if one != account.account_id]  # fmt: skip
        others = tuple(
            known[one]
            for one in sorted(ids)
            if one in known and not is_held(known[one]) and _belongs(known[one], template)
        )
        if others or template == OFFERING:
            found[key] = About(account, others, len(others) == len(ids), template == OFFERING)
    return found


def _belongs(other: Reachable, template: str) -> bool:
    """Whether a message of this template may be about it: a reminder that named what is overdue would be a
    demand, which the law hears otherwise."""
    return template != _REMINDER or other.due_date >= clock.now().date()


@dataclass(frozen=True, slots=True)
class Told:
    """What a message says beyond its account, and where its link leads within the debtor's page; `made` is
    the settlement that begins to stand where the message names it, `stands` the id of one that stood."""

    beyond: Beyond
    leads_to: str = ""
    made: settlements.Named | None = None
    stands: int | None = None

    def without_offer(self) -> "Told":
        """The same with the other accounts alone."""
        return Told(Beyond(self.beyond.others))


def told(session: Session, about: Mapping[int, About], *, lock: bool = True) -> dict[int, Told]:
    """What to say of each, set-based. `lock`: the accounts of settlements that are made are held; what
    somebody else holds at this moment is offered nothing."""
    parts = owed.parts(session, [one for each in about.values() for one in each.others])
    others = {key: tuple((one, parts[one.account_id]) for one in each.others) for key, each in about.items()}
    named = _offers(session, {key: each for key, each in about.items() if each.offering and each.whole})
    made = {account for one in named.values() if one.made for account in one.made.account_ids}
    free = try_accounts(session, made) if lock and made else made
    found: dict[int, Told] = {}
    for key in about:
        one = named.get(key)
        if one is None or (one.made is not None and not free.issuperset(one.made.account_ids)):
            one = Told(Beyond())
        found[key] = replace(one, beyond=Beyond(others[key], one.beyond.offer))
    return found


def _offers(session: Session, about: Mapping[int, About]) -> dict[int, Told]:
    """The offer to name to each: the one that stands, else the one that is recommended."""
    if not about:
        return {}
    standing = settlement_queries.open_of(session, {one.account.debtor_id for one in about.values()})
    found: dict[int, Told] = {}
    asked: dict[int, About] = {}
    for key, one in about.items():
        mine = [each for each in standing if not set(each.account_ids).isdisjoint(one.account_ids)]
        if not mine:
            asked[key] = one
        elif (offer := _standing(session, mine, one)) is not None:
            found[key] = Told(Beyond(offer=offer), stands=mine[0].id)
    events.wired()
    best = _brought[0](session, [one.account_ids for one in asked.values()]) if asked else []
    for (key, one), offer in zip(asked.items(), best, strict=True):
        if offer is not None:
            found[key] = _leading(offer) if offer.until is None else _making(one, offer, offer.until)
    return found


def _standing(session: Session, mine: Sequence[Settlement], about: About) -> Named | None:
    """The one offer over just these accounts that the debtor can still take, if that is what stands."""
    one, today = mine[0], clock.today(tenancy.tenant(session).timezone)
    same = len(mine) == 1 and one.state == "offered" and sorted(one.account_ids) == sorted(about.account_ids)
    if not same or one.valid_until < today + _SOONEST:
        return None
    return Named(one.instalments, one.valid_until, total_minor=one.amount_minor, until=one.valid_until)


def _leading(plan: Named) -> Told:
    """A plan, with the link that leads to it."""
    down = round(20 * plan.down_minor / plan.total_minor) * 5  # as the page's slider goes
    return Told(Beyond(offer=plan), f"/o/{plan.count}.{down}.{plan.first_on:%Y%m%d}")


def _making(about: About, offer: Named, until: date) -> Told:
    """A settlement that begins to stand."""
    owed_minor = sum(one.balance_minor for one in (about.account, *about.others))
    made = settlements.Named(
        about.account.debtor_id, about.account_ids, about.account.currency, owed_minor, offer.total_minor,
        offer.count, until,
    )  # fmt: skip
    return Told(Beyond(offer=offer), made=made)


def record(session: Session, said: Collection[tuple[int, Told, Words]]) -> None:
    """Let the settlements stand that the messages of these actions name, and keep in which they are named;
    words of an agency's own may not name them."""
    made: dict[tuple[int, ...], settlements.Named] = {}
    for action_id, one, text in said:
        if not names_offer(text):
            continue
        if one.stands is not None:
            settlements.named_again(session, one.stands, action_id)
        if one.made is not None:  # two messages of one batch may name the same
            key = tuple(sorted(one.made.account_ids))
            earlier = made[key].named_in or () if key in made else ()
            made[key] = replace(one.made, named_in=[*earlier, action_id])
    settlements.offer_named(session, list(made.values()), MODEL)


def names_offer(text: Words) -> bool:
    """Whether the offer is told in the text."""
    offer = text.values.get("offer", "")
    return bool(offer) and (offer in text.text or replaced(offer, "accents") in text.text)


def left_out(text: Words) -> dict[str, str]:
    """What own words left out of the debtor's other accounts: an item to add at the end."""
    others = text.values.get("others", "")
    said = not others or others in text.text or replaced(others, "accents") in text.text
    return {} if said else {"others": f"{others}."}
