"""Drives the real pipeline through simulated days: the same jobs, links, gateway events and books as in life.

Only the debtors and the agents' telephone are simulated. A debtor is met when an account is placed; after
each tick the debtors answer what has gone out since the last one, through the same doors as real ones: the
payment page's service, the gateway's signed events, the record of contacts.
"""

from collections import Counter
from collections.abc import Collection
from datetime import timedelta
from zoneinfo import ZoneInfo

import numpy as np

from recupero.contacts import answers
from recupero.contacts import messages as contact_messages
from recupero.contacts import service as contacts_service
from recupero.contacts.messages import Sent
from recupero.contacts.service import Result
from recupero.decisions import replanning
from recupero.decisions.simulation import reasons, receipts
from recupero.decisions.simulation.debtors import Reaction, SimulatedDebtor, pay_day_before
from recupero.decisions.simulation.draws import uniforms
from recupero.decisions.simulation.towns import Town
from recupero.kernel import clock, jobs, periodic
from recupero.kernel.database import Scope
from recupero.kernel.errors import Conflict
from recupero.kernel.runtime import Runtime
from recupero.ledger.queries import balances
from recupero.outreach import queries as outreach
from recupero.outreach.calls import calls
from recupero.outreach.debtors import tellings
from recupero.payments import service as payments
from recupero.payments.charging import sandbox
from recupero.payments.gateways.links import Door
from recupero.placements import reach
from recupero.placements import service as placements
from recupero.placements.debts import WhoOwes, who_owes
from recupero.placements.identity import Fact
from recupero.tenancy import queries as tenancy
from recupero_sdk.gateways import PaymentEventKind

TICKS = (9, 13, 18)  # local hours at which the scheduler's work is done
#: What has gone out is answered somewhat later, as in life: nothing comes at the moment of the contact.
ANSWERED_AFTER = timedelta(minutes=20)
#: What the scheduler asks for at the later ticks of a day; the first asks for everything.
ALL_DAY = ("outreach.dispatch", "payments.issue_receipts")
#: What looks after the platform and changes nothing for debtors: a trial, which is gone tomorrow, asks for it
#: once in so many days.
UPKEEP = frozenset({
    "kernel.prune_jobs", "ledger.check_books", "placements.file_names", "decisions.watch_models",
    "outreach.collect", "reports.check", "reports.forget_statements", "reports.look_for_due",
    "reports.revive_webhooks",
})  # fmt: skip
CALLS_PER_TICK = 15  # what the agents of one creditor's desk manage between two ticks
_KIND = {"email": "email", "sms": "phone", "whatsapp": "phone", "call": "phone", "letter": "address"}
#: How an agent codes what the debtor says on the telephone (domain page, 4.1).
_CODES = {
    Reaction.NOTHING: "RTPY", Reaction.LOOK: "UTPY", Reaction.PAY_FULL: "PAID", Reaction.PAY_PART: "PAID",
    Reaction.PROMISE: "PTPF", Reaction.DISPUTE: "DSPT", Reaction.HARDSHIP: "HARD", Reaction.OPT_OUT: "OPTO",
    Reaction.COMPLAIN: "CMPL",
}  # fmt: skip
_COUNTED = {
    Reaction.DISPUTE: "disputes", Reaction.HARDSHIP: "hardships", Reaction.OPT_OUT: "opt_outs",
    Reaction.COMPLAIN: "complaints",
}  # fmt: skip
_BY_HOLD = {"dispute": Reaction.DISPUTE, "hardship": Reaction.HARDSHIP, "complaint": Reaction.COMPLAIN}


class Drive:
    """One simulation over the tenants of an agency. Runs inside `clock.simulated`. `saying_why`: debtors tell
    on their page why they do not pay, for demonstrations (`reasons`). `upkeep_every`: days from one look
    after the platform to the next."""

    def __init__(
        self, platform: Runtime, agency: Scope, seed: int, *, saying_why: bool = False, upkeep_every: int = 1
    ) -> None:
        self._platform, self._seed, self._saying_why = platform, seed, saying_why
        self._upkeep_every, self._days = upkeep_every, 0
        self._charges: list[tuple[Scope, int]] = []  # payment pages asked for, whose debtors wait to pay
        self._towns = [self._town(Scope(agency.agency_id, (tenant,))) for tenant in agency.tenant_ids]
        self.counts: Counter[str] = Counter()
        #: What the contacts so far bring on average over all draws, minor units (docs/simulation.md).
        self.expected_minor = 0.0

    def _town(self, scope: Scope) -> Town:
        with self._platform.database.transaction(scope) as session:
            return Town(scope, ZoneInfo(tenancy.tenant(session).timezone))

    def meet_debtors(self) -> None:
        """Draw the traits of the debtors whose accounts were placed since the last call."""
        for town in self._towns:
            with self._platform.database.transaction(town.scope) as session:
                town.meet(session, self._seed)

    def debtor(self, tenant_id: int, account_id: int) -> SimulatedDebtor | None:
        """The one behind an account, for an oracle."""
        return next(
            (town.debtors.get(account_id) for town in self._towns if town.scope.tenant() == tenant_id), None
        )

    def day(self) -> None:
        """Live through the day that the clock stands in, tick by tick."""
        morning, asked = clock.now(), frozenset(jobs.periodic_jobs())
        if self._days % self._upkeep_every:
            asked -= UPKEEP
        self._days += 1
        with replanning.paused():  # each day has its plan of all
            for hour in TICKS:
                moment = morning.astimezone(self._towns[0].zone).replace(hour=hour, minute=5)
                clock.set_to(max(moment.astimezone(morning.tzinfo), clock.now()))
                self._tick(asked if hour == TICKS[0] else ALL_DAY, first=hour == TICKS[0])

    def contacts(self) -> int:
        """Messages sent and calls made so far."""
        return self.counts["messages"] + self.counts["calls"]

    def summary(self) -> str:
        """What has happened so far, for a progress line."""
        told = ("messages", "bounced", "read", "calls", "visits", "payments", "promises", "reasons")
        wanted = (*told, *_COUNTED.values())
        return ", ".join(f"{self.counts[name]} {name.replace('_', '-')}" for name in wanted)

    def _tick(self, asked: Collection[str], *, first: bool) -> None:
        periodic.ask_due(asked)
        jobs.drain()
        clock.advance(ANSWERED_AFTER)
        for town in self._towns:
            if first:
                self._keep_promises(town)
                self._cure_alone(town)
            self._answer_messages(town)
            self._make_calls(town)
        self._complete_payments()

    def _answer_messages(self, town: Town) -> None:
        """Let addresses bounce and debtors read what went out since the last tick."""
        with self._platform.database.transaction(town.scope) as session:
            sent = contact_messages.sent_after(session, town.last_contact)
            town.last_contact = max([town.last_contact, *(one.contact_id for one in sent)])
            sent = [one for one in sent if one.account_id in town.debtors]
            arrived = {one.contact_id for one in sent if self._arrives(town, one)}
            contacts_service.confirm(session, [Result(contact_id, "delivered") for contact_id in arrived])
            bounced = [one.contact_id for one in sent if one.contact_id not in arrived]
            answers.record_bounces(session, bounced, "BNCE")
            tones = outreach.tones(session, [one.action_id for one in sent if one.action_id is not None])
            owed = balances(session, {one.account_id for one in sent if one.contact_id in arrived})
        read = [
            one
            for one in sent
            if one.contact_id in arrived
            and self._receive(
                town, one, tones.get(one.action_id or 0, "neutral"), owed[one.account_id].total_minor
            )
        ]
        with self._platform.database.transaction(town.scope) as session:
            told = receipts.tell_read(session, read)
        self.counts["read"] += told
        if told:
            jobs.drain()

    def _arrives(self, town: Town, one: Sent) -> bool:
        """Whether the address was right, and still is."""
        self.counts["messages"] += 1
        works = town.debtors[one.account_id].arrives(_KIND[one.channel], town.today())
        self.counts["bounced"] += not works
        return works

    def _receive(self, town: Town, one: Sent, tone: str, owed_minor: int) -> bool:
        """Live through a message that arrived; whether it was read."""
        debtor, at = town.debtors[one.account_id], one.at.astimezone(town.zone)
        debtor.bear(one.channel, tone, at.date())
        self.expected_minor += debtor.expected_share(one.channel, tone, at) * owed_minor
        reaction, read = debtor.objects(one.channel, at.date()), debtor.reads(one.channel, at)
        if reaction is None and read:
            reaction = debtor.reacts(one.channel, tone, at.date())
        if reaction is not None and not self._says_why(town, one, reaction):
            self._react(town, one, reaction)
        return read

    def _react(self, town: Town, one: Sent, reaction: Reaction) -> None:
        match reaction:
            case Reaction.NOTHING:
                return
            case Reaction.OPT_OUT:
                self._opt_out(town, one)
            case Reaction.COMPLAIN:
                self._hold(town, one, "complaint")
            case Reaction.DISPUTE | Reaction.HARDSHIP:
                if self._visit(town, one.debtor_id, one.account_id) is not None:
                    self._hold(town, one, str(reaction))
            case _:
                self._follow_up(town, one.debtor_id, one.account_id, reaction, to_machine=True)

    def _says_why(self, town: Town, one: Sent, reaction: Reaction) -> bool:
        """Whether the debtor tells on their page why it is not paid, and does nothing else."""
        if not self._saying_why:
            return False
        said = reasons.said(town.debtors[one.account_id], reaction, town.today())
        door = self._visit(town, one.debtor_id, one.account_id) if said else None
        if said is None or door is None:
            return False
        with self._platform.database.transaction(door.scope) as session:
            tellings.tell(session, tellings.Told(one.account_id, said[0], detail=said[1]))
        self.counts["reasons"] += 1
        if reaction in _COUNTED:
            self.counts[_COUNTED[reaction]] += 1
        return True

    def _follow_up(
        self, town: Town, debtor_id: int, account_id: int, reaction: Reaction, *, to_machine: bool
    ) -> None:
        """Look at the payment page, pay there or promise to."""
        door = self._visit(town, debtor_id, account_id)
        if door is None:
            return
        if reaction is Reaction.PAY_FULL:
            self._pay(door, 1.0)
        elif reaction is Reaction.PAY_PART:
            self._pay(door, town.debtors[account_id].part(town.today()))
        elif reaction is Reaction.PROMISE:
            self._promise(town, door, account_id, to_machine=to_machine)

    def _make_calls(self, town: Town) -> None:
        """Agents work the queue of calls that are due, each with the law's yes at that moment."""
        with self._platform.database.transaction(town.scope) as session:
            tasks = [
                (task.id, task.account_id, task.debtor_id, task.tone)
                for task in outreach.for_people(session, CALLS_PER_TICK)
                if task.account_id in town.debtors
            ]
        for task_id, account_id, debtor_id, tone in tasks:
            try:
                with self._platform.database.transaction(town.scope) as session:
                    owed = balances(session, [account_id])[account_id].total_minor
                    call = calls.start_call(session, account_id=account_id, action_id=task_id)
            except Conflict:  # the call before this one changed the account: an agent's screen would say so
                self.counts["calls_not_wanted"] += 1
                continue
            if call.contact_id is not None:
                self._talk(town, call.contact_id, debtor_id, account_id, tone, owed)

    def _talk(
        self, town: Town, contact_id: int, debtor_id: int, account_id: int, tone: str, owed_minor: int
    ) -> None:
        code, reaction = self._on_the_phone(town, account_id, tone, owed_minor)
        with self._platform.database.transaction(town.scope) as session:
            calls.finish_call(session, contact_id, code, actor="simulation")
        self.counts["calls"] += 1
        if reaction in (Reaction.PAY_FULL, Reaction.PAY_PART, Reaction.PROMISE):
            self._follow_up(town, debtor_id, account_id, reaction, to_machine=False)
        elif reaction in _COUNTED:
            self.counts[_COUNTED[reaction]] += 1

    def _on_the_phone(self, town: Town, account_id: int, tone: str, owed_minor: int) -> tuple[str, Reaction]:
        """The coded result of a call, and what the debtor does."""
        debtor, at = town.debtors[account_id], town.now()
        if not debtor.arrives("phone", at.date()):
            return "DISC", Reaction.NOTHING
        debtor.bear("call", tone, at.date())
        self.expected_minor += debtor.expected_share("call", tone, at) * owed_minor
        answered = debtor.answers_call(at)
        if not answered:
            return ("NOAN" if answered is False else "TPNA"), Reaction.NOTHING
        reaction = debtor.objects("call", at.date()) or debtor.reacts("call", tone, at.date())
        return _CODES[reaction], reaction

    def _visit(self, town: Town, debtor_id: int, account_id: int) -> Door | None:
        """Open the payment page and prove who one is, as the page asks it. None where the link is closed."""
        with self._platform.database.transaction(town.scope) as session:
            url = payments.ensure_links(session, {debtor_id: [account_id]})[debtor_id]
            person = who_owes(session, debtor_id)
            account = reach.reachable(session, [account_id])[account_id]
        door = payments.open_link(self._platform.database, url.rpartition("/")[2])
        if door is None:
            return None
        answers = _answers(person, account.client_account)
        if not payments.prove_identity(self._platform.database, door, answers):
            return None
        self.counts["visits"] += 1
        return door

    def _pay(self, door: Door, share: float) -> None:
        """Ask for the gateway's page over a part of what is owed."""
        with self._platform.database.transaction(door.scope) as session:
            can = payments.payable(session, door.link_id)
            amount = max(can.minimum_minor, min(can.total_minor, _round_part(can.total_minor, share)))
            if can.total_minor == 0:
                return
            self._charges.append((door.scope, payments.start_charge(session, door.link_id, amount)))

    def _complete_payments(self) -> None:
        """Workers make the gateway's pages, debtors pay there, the gateway's signed events book the money."""
        if not self._charges:
            return
        jobs.drain()
        asked, self._charges = dict.fromkeys(self._charges), []
        for scope, charge_id in asked:
            try:
                sandbox.report(self._platform.database, scope, charge_id, PaymentEventKind.SUCCEEDED)
            except Conflict:  # the same debtor asked for another page meanwhile, and pays there
                self.counts["pages_closed"] += 1
                continue
            self.counts["payments"] += 1
        jobs.drain()

    def _promise(self, town: Town, door: Door, account_id: int, *, to_machine: bool) -> None:
        debtor, today = town.debtors[account_id], town.today()
        due = debtor.promise_date(today)
        with self._platform.database.transaction(door.scope) as session:
            owed = [
                debt
                for debt in payments.payable(session, door.link_id).debts
                if debt.account_id == account_id
            ]
            if not owed:
                return
            amount = _round_part(owed[0].balance_minor, debtor.promised_share(today))
            payments.make_promise(
                session, account_id=account_id, amount_minor=amount, due_date=due, made_with="simulation"
            )
        self.counts["promises"] += 1
        if debtor.keeps_promise(today, to_machine=to_machine):
            town.promises[account_id] = due, amount / owed[0].balance_minor

    def _keep_promises(self, town: Town) -> None:
        today = town.today()
        for account_id in [account for account, (due, _) in town.promises.items() if due <= today]:
            _, share = town.promises.pop(account_id)
            self._pay_unasked(town, account_id, share)

    def _cure_alone(self, town: Town) -> None:
        """Those who pay today without having been asked: likelier about their pay day."""
        if not town.debtors:
            return
        today, everyone = town.today(), list(town.debtors.values())
        flush = {
            day: (today - pay_day_before(today, day)).days <= 4 for day in {one.pay_day for one in everyone}
        }
        chance = np.array([one.self_cure * (3 if flush[one.pay_day] else 0.6) for one in everyone])
        draw = uniforms(np.array([one.key for one in everyone], dtype=np.uint64), today, "cures")
        for place in np.flatnonzero(draw < chance):
            self._pay_unasked(town, list(town.debtors)[place], 1.0)

    def _pay_unasked(self, town: Town, account_id: int, share: float) -> None:
        with self._platform.database.transaction(town.scope) as session:
            account = reach.reachable(session, [account_id])[account_id]
        if not account.ended:
            door = self._visit(town, account.debtor_id, account_id)
            if door is not None:
                self._pay(door, share)

    def _hold(self, town: Town, one: Sent, kind: str) -> None:
        with self._platform.database.transaction(town.scope) as session:
            placements.open_hold(
                session, debtor_id=one.debtor_id, account_id=one.account_id, kind=kind, source="simulation"
            )
        self.counts[_COUNTED[_BY_HOLD[kind]]] += 1

    def _opt_out(self, town: Town, one: Sent) -> None:
        with self._platform.database.transaction(town.scope) as session:
            contacts_service.record_permission(
                session, debtor_id=one.debtor_id, channel=one.channel, kind="opt_out", source="simulation"
            )
        self.counts["opt_outs"] += 1


def _answers(person: WhoOwes, client_account: str) -> dict[Fact, str]:
    """What the debtor knows of themselves."""
    return {
        Fact.NATIONAL_ID: person.national_id or "",
        Fact.BIRTH_DATE: person.birth_date or "",
        Fact.CLIENT_ACCOUNT: client_account,
        Fact.POSTAL_CODE: person.postal_code or "",
        Fact.NAME: person.name,
    }


def _round_part(total_minor: int, share: float) -> int:
    """A round-looking part of a balance: two leading digits, as people pay."""
    amount = max(1, int(total_minor * share))
    step = 10 ** max(0, len(str(amount)) - 2)
    return max(1, min(total_minor, amount // step * step)) if share < 1 else total_minor
