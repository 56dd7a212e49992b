"""Puts the rooms together: each room's jobs become known, and rooms above listen to rooms below."""

from recupero.contacts import placed
from recupero.contacts.events import LinkVisited, MessageReceived, OptedOut
from recupero.decisions import jobs as decisions_jobs
from recupero.decisions import promise_jobs, reading_jobs, replanning
from recupero.decisions.advice import named_offers
from recupero.decisions.history import control
from recupero.decisions.strategies import strategy as decisions_strategy
from recupero.kernel.events import subscribe
from recupero.ledger import jobs as ledger_jobs
from recupero.ledger import service as ledger
from recupero.ledger.events import BooksChecked, RemittanceIssued
from recupero.outreach import jobs as outreach_jobs
from recupero.outreach import service as outreach
from recupero.outreach.actions import alone
from recupero.outreach.conversations import conversations
from recupero.outreach.debtors import after_hardship, dispute_answers
from recupero.outreach.reception import jobs as inbound_jobs
from recupero.outreach.sending import mending
from recupero.outreach.texts import beyond
from recupero.outreach.understanding import hand_overs, reader
from recupero.outreach.understanding import jobs as understanding_jobs
from recupero.payments import jobs as payments_jobs
from recupero.payments import queries as payments
from recupero.payments import told
from recupero.payments.agreements import following, plans, settlements, write_offs
from recupero.payments.charging import auto_jobs, mandates
from recupero.payments.events import (
    HardshipOver,
    InstalmentNeedsPayer,
    InvoiceRefused,
    LinkRevoked,
    MandateEnded,
    PaymentBooked,
    PaymentReversed,
    PaymentsBooked,
    PlanBroken,
    PlanEnded,
    PlanMoved,
    PlanResumed,
    PlanStarted,
    PromiseBroken,
    PromiseMade,
    ReceiptsIssued,
    SettlementAccepted,
)
from recupero.payments.gateways import charges
from recupero.payments.incoming import bank_control, direct, paying_back
from recupero.payments.offers import hardship
from recupero.placements import jobs as placements_jobs
from recupero.placements.events import (
    AccountsClosed,
    AccountsPlaced,
    AccountsRecalled,
    DirectPaymentsReported,
    HoldsEnded,
    HoldsOpened,
    PermissionsStated,
    StrategyStated,
)
from recupero.reports import jobs as reports_jobs
from recupero.reports.schedules import jobs as schedules_jobs
from recupero.reports.webhooks import jobs as webhooks_jobs
from recupero.reports.webhooks import telling
from recupero.tenancy.events import PluginConfigured

JOBS = (
    auto_jobs,
    decisions_jobs,
    ledger_jobs,
    inbound_jobs,
    outreach_jobs,
    payments_jobs,
    promise_jobs,
    reading_jobs,
    replanning,
    understanding_jobs,
    placements_jobs,
    reports_jobs,
    webhooks_jobs,
    schedules_jobs,
)  # their handlers are registered by the import


def wire() -> None:
    """Register job handlers and event handlers. Safe to call again."""
    subscribe(StrategyStated, decisions_strategy.check_stated)
    subscribe(AccountsPlaced, ledger.book_placed)
    subscribe(BooksChecked, payments.check_payments)
    subscribe(BooksChecked, bank_control.check_bank)
    subscribe(DirectPaymentsReported, direct.book_direct)
    subscribe(AccountsPlaced, placed.file_permissions)
    subscribe(PermissionsStated, placed.file_permissions)
    subscribe(AccountsPlaced, outreach.on_permissions_filed)
    subscribe(PermissionsStated, outreach.on_permissions_filed)
    subscribe(AccountsClosed, outreach.on_accounts_closed)
    subscribe(AccountsRecalled, outreach.on_accounts_recalled)
    subscribe(HoldsOpened, outreach.on_holds_opened)
    subscribe(OptedOut, outreach.on_opted_out)
    subscribe(PluginConfigured, mending.on_plugin_configured)
    subscribe(LinkVisited, conversations.on_link_visited)
    subscribe(MessageReceived, reading_jobs.on_message_received)
    reader.bring(reading_jobs.guesses)
    beyond.bring(named_offers.named)
    alone.bring(control.left_alone)
    subscribe(AccountsClosed, charges.withdraw_changed)
    subscribe(PaymentBooked, charges.withdraw_changed)
    subscribe(PaymentReversed, charges.withdraw_changed)
    subscribe(PaymentsBooked, charges.withdraw_changed)
    subscribe(PlanStarted, charges.withdraw_changed)
    subscribe(SettlementAccepted, charges.withdraw_changed)
    subscribe(PaymentBooked, following.on_money)
    subscribe(PaymentReversed, following.on_money)
    subscribe(PaymentsBooked, following.on_money)
    subscribe(AccountsClosed, plans.on_closed)
    subscribe(AccountsClosed, settlements.on_closed)
    subscribe(HoldsOpened, following.on_hold)
    subscribe(HoldsEnded, following.on_hold)
    subscribe(HoldsEnded, hardship.on_holds_ended)
    subscribe(HoldsEnded, hand_overs.on_holds_ended)
    subscribe(PlanBroken, write_offs.on_plan_broken)
    subscribe(PlanMoved, write_offs.on_plan_started)
    subscribe(PlanMoved, mandates.on_plan_moved)
    subscribe(PlanStarted, write_offs.on_plan_started)
    subscribe(LinkRevoked, charges.withdraw_revoked)
    subscribe(LinkRevoked, mandates.on_link_revoked)
    subscribe(PlanEnded, mandates.on_plan_ended)
    subscribe(InstalmentNeedsPayer, outreach.on_instalment_needs_payer)
    subscribe(PlanResumed, outreach.on_plan_resumed)
    subscribe(InvoiceRefused, dispute_answers.on_invoice_refused)
    subscribe(HardshipOver, after_hardship.on_hardship_over)
    subscribe(MandateEnded, outreach.on_mandate_ended)
    subscribe(PaymentBooked, told.on_money)
    subscribe(PaymentReversed, told.on_money)
    subscribe(PaymentsBooked, told.on_money)
    subscribe(PaymentBooked, paying_back.review_tasks)
    subscribe(PaymentReversed, paying_back.review_tasks)
    subscribe(PaymentsBooked, paying_back.review_tasks)
    subscribe(PaymentBooked, outreach.on_payment_booked)
    subscribe(PaymentsBooked, outreach.on_payment_booked)
    subscribe(PromiseMade, outreach.on_promise_made)
    subscribe(ReceiptsIssued, outreach.on_receipts_issued)
    subscribe(PaymentBooked, telling.on_payment)
    subscribe(PaymentReversed, telling.on_reversal)
    subscribe(PaymentsBooked, telling.on_payments)
    subscribe(PromiseMade, telling.on_promise)
    subscribe(PromiseMade, promise_jobs.on_promise_made)
    subscribe(PromiseBroken, telling.on_promise)
    subscribe(PlanStarted, telling.on_plan)
    subscribe(PlanBroken, telling.on_plan)
    subscribe(SettlementAccepted, telling.on_settlement)
    subscribe(HoldsOpened, telling.on_hold)
    subscribe(HoldsEnded, telling.on_hold)
    subscribe(AccountsClosed, telling.on_closed)
    subscribe(AccountsRecalled, telling.on_recalled)
    subscribe(RemittanceIssued, telling.on_statement)
    for event in replanning.NEWS:
        subscribe(event, replanning.on_news)
