"""What a call says of its account, and what the country wants said on it."""

from typing import Any

from sqlalchemy.orm import Session

from recupero.contacts import queries as contact_queries
from recupero.contacts.policies import law_for
from recupero.kernel import clock
from recupero.kernel.money import format_minor
from recupero.outreach.actions import kinds
from recupero.outreach.scripts import gathered
from recupero.outreach.texts import disclosures as house
from recupero.outreach.texts import owed, words
from recupero.outreach.texts.beyond import About, Told
from recupero.outreach.texts.words import Sender
from recupero.outreach.texts.writer import sender_of
from recupero.payments import queries as payments
from recupero.payments import service as payments_service
from recupero.placements.products import name_of
from recupero.placements.reach import Reachable
from recupero_sdk.law import Proposal, check_content
from recupero_sdk.law.reasons import word


def values(
    session: Session,
    account_id: int,
    language: str,
    *,
    agent: str,
    proven: bool,
    link: str = "",
    records: bool = False,
    offers: bool = False,
) -> dict[str, str]:
    """The values of a script's words. Those of the debt are there only where identity is `proven`, so that no
    script, whatever stands in it, can tell them earlier. `link` stands for the payment address where none is
    to be made; `records` says that the call is recorded, `offers` that the words name the offer."""
    known = contact_queries.dossiers(session, [account_id])
    account, sender = known.accounts[account_id], sender_of(session)
    open_to_all = {
        "agent": agent,
        "agency": sender.agency,
        "name": " ".join(account.name.split()),
        "phone": sender.phone,
        "call_back_phone": sender.phone,
        "recording": notice(session, language, records=records),
    }
    if not proven:
        return open_to_all
    scope = gathered.about(session, account, known, offers=offers)
    beyond = gathered.told(session, scope, preview=bool(link))
    link = link or _link(session, account, scope)
    return open_to_all | _of_debt(session, account, sender, language, link, beyond)


def let_offer_stand(session: Session, account_id: int) -> None:
    """Before a step that names the offer is said: what it names can be taken."""
    known = contact_queries.dossiers(session, [account_id])
    gathered.let_stand(session, gathered.about(session, known.accounts[account_id], known, offers=True))


def gathers(session: Session, account_id: int) -> list[Reachable]:
    """All accounts that a call about this one is about, this one first."""
    known = contact_queries.dossiers(session, [account_id])
    account = known.accounts[account_id]
    scope = gathered.about(session, account, known, offers=False)
    return [account] if scope is None else [account, *scope.others]


def notice(session: Session, language: str, *, records: bool) -> str:
    """That calls are recorded: in the words that the agency stated, else, where this one is, in ours."""
    said = house.stated(session).get("recording", "")
    if said or not records:
        return said
    return words.phrases(language, "_voice.txt", dict.fromkeys(kinds.OF_VOICE, ""))["recorded"]


def _of_debt(
    session: Session, account: Reachable, sender: Sender, language: str, link: str, beyond: Told | None
) -> dict[str, str]:
    left = owed.parts(session, [account])[account.account_id]
    said = words.values_of(account, sender, link, language, owed=left)
    if beyond is not None:
        said |= words.beyond_of(beyond.beyond, account, sender, link, language)
    phrases = words.phrases(language, "_phrases.txt", said)
    promise = next((one for one in payments.promises_of(session, [account.account_id])), None)
    locale = words.locale_of(language, account.country)
    promised = format_minor(promise.amount_minor, account.currency, locale) if promise else ""
    return {
        "creditor": sender.creditor,
        "account": said["account"] or "",
        "amount": said["balance"] or "",
        "due": said["due"] or "",
        "interest": said["interest_amount"] or "",
        "costs": said["costs_amount"] or "",
        "product": name_of(account.product, language),
        "promised": promised,
        "promised_on": words.day(promise.due_date, locale) if promise else "",
        "link": link,
        "others": phrases["others"],
        "whole": said["whole"] or said["balance"] or "",
        "offer": phrases["offer"],
    }


def disclosures(session: Session, account_id: int, language: str) -> tuple[str, ...]:
    """What the law of the debtor's country wants said on a call, in the order it asks: first what everybody
    says alike, then what the agency stated. An item that nobody has stated is named, so that it is not
    forgotten in silence."""
    wanted, said = _wanted(session, account_id, language)
    return tuple(said.get(item) or f"[{word(item, language)}]" for item in dict.fromkeys(wanted))


def unsaid(session: Session, account_id: int, language: str) -> list[tuple[str, str]]:
    """What the law wants said on a call and nobody has stated, as (rule, item): a machine must not call."""
    wanted, said = _wanted(session, account_id, language)
    return [(rule, item) for item, rule in wanted.items() if not said.get(item)]


def _wanted(session: Session, account_id: int, language: str) -> tuple[dict[str, str], dict[str, str]]:
    """The rule that wants each item said, in the order it asks, and the words that are known."""
    known = contact_queries.dossiers(session, [account_id])
    account, law = known.accounts[account_id], law_for(session)
    if law.closed_because(account.country) is not None:
        return {}, {}
    link = _link(session, account)
    left = owed.parts(session, [account])[account.account_id]
    told = words.values_of(account, sender_of(session), link, language, owed=left)
    channel: Any = "call"
    outcomes = check_content(
        law.by_country[account.country], known.facts(account_id, None), Proposal(clock.now(), channel), "",
        occasion="later" if account_id in contact_queries.approached(session, {account_id}) else "first",
        shown={}, language=language,
    )  # fmt: skip
    wanted: dict[str, str] = {}
    for outcome in outcomes:
        if outcome.code == "item_missing":
            for item in outcome.details["items"].split(", "):
                wanted.setdefault(item, outcome.rule_id)
    today = words.day(clock.now().date(), words.locale_of(language, account.country))
    said = words.phrases(language, "_phrases.txt", told)
    common = words.phrases(language, "_items.txt", {**told, **said, "link": link, "today": today})
    spoken = words.phrases(language, "_spoken.txt", told)
    stated = {item: phrase for item, phrase in house.stated(session).items() if phrase}
    return wanted, {**common, **spoken, **stated}


def _link(session: Session, account: Reachable, scope: About | None = None) -> str:
    """The address of the debtor's page, with everything on it that the call is about."""
    accounts = [account.account_id] if scope is None else scope.account_ids
    links = payments_service.ensure_links(session, {account.debtor_id: accounts})
    return links[account.debtor_id]
