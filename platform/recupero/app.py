"""The web face: puts the rooms together into one Flask application."""

import logging
import os
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from types import ModuleType
from typing import Any

import psycopg
from flask import Flask, jsonify, request
from flask.typing import ResponseReturnValue
from sqlalchemy.exc import DataError

from recupero.contacts import api as contacts_api
from recupero.decisions import advice_api, telling
from recupero.decisions import api as decisions_api
from recupero.decisions.advice import negotiation_api
from recupero.decisions.evidence import strategy_api
from recupero.kernel import crypto, gauges, rest, runtime, telemetry
from recupero.kernel.config import Config
from recupero.kernel.errors import UserError
from recupero.ledger import alarms
from recupero.ledger import api as ledger_api
from recupero.outreach import api as outreach_api
from recupero.outreach.debtors import disputes_api
from recupero.outreach.desk import api as desk_api
from recupero.outreach.orders import drafts_api
from recupero.outreach.reception import api as inbound_api
from recupero.outreach.reception import door as channels_door
from recupero.payments import api as payments_api
from recupero.payments import offers_api
from recupero.payments.gateways.webhooks import Webhooks
from recupero.payments.incoming import incoming_api
from recupero.payments.papers import invoices_api
from recupero.placements import api as placements_api
from recupero.placements import labels_api
from recupero.portals import api_docs, creditor, debtor, home, search, sign_in, today
from recupero.portals.accounts import accounts, bulk, cases, labels, offers, people, stated, tellings
from recupero.portals.agency import (
    compliance,
    law,
    models,
    operation,
    placements,
    schedules,
    staff,
    staffing,
    standing,
    tenants,
    uplift,
    webhooks,
)
from recupero.portals.desk import agents, calling, desk, offering, work
from recupero.portals.frame import look, pages, shell
from recupero.portals.frame.errors import said, told
from recupero.portals.frame.pages import error_page
from recupero.portals.money import bank, documents, incoming, portfolio_terms, remittances, terms, trust
from recupero.portals.strategies import (
    bulk_strategies,
    strategies,
    strategy_arms,
    strategy_drafts,
    strategy_history,
)
from recupero.portals.talks import (
    disclosures,
    drafts,
    inbox,
    messages,
    outbox,
    people_hours,
    proposals,
    scripts,
    wording,
)
from recupero.portals.words.told import sentences
from recupero.reports import alarms as report_alarms
from recupero.reports import api as reports_api
from recupero.reports import compliance_api, documents_api, schedules_api, webhooks_api
from recupero.tenancy import api as tenancy_api
from recupero.wiring import wire

log = logging.getLogger(__name__)

# The rooms with endpoints for machines.
ROOMS: tuple[ModuleType, ...] = (
    tenancy_api, placements_api, contacts_api, ledger_api, payments_api, incoming_api, offers_api,
    outreach_api, drafts_api, decisions_api, reports_api, documents_api, inbound_api, webhooks_api,
    compliance_api, schedules_api, strategy_api, disputes_api, invoices_api,
    desk_api, negotiation_api, advice_api, labels_api,
)  # fmt: skip
# Each adds its area to the blueprint of the portals.
PAGES: tuple[ModuleType, ...] = (
    look, tellings,  # of what debtors see and send
    accounts, agents, api_docs, bank, bulk, bulk_strategies, calling, cases, compliance, creditor, desk,
    disclosures, documents, drafts, home, inbox, incoming, labels, law, messages, models, offering, offers,
    operation, outbox, people, people_hours, placements, portfolio_terms, proposals, remittances, schedules,
    scripts, search, sign_in, staff, staffing, standing, stated, strategies, strategy_arms, strategy_drafts,
    strategy_history, tenants, terms, today, trust, uplift, webhooks, wording, work,
)  # fmt: skip


def create_from_environment() -> Flask:
    """The application of a web process: `recupero up` names the data directory and both servers."""
    data_dir = Path(os.environ["RECUPERO_DATA_DIR"])
    config = Config.build(
        data_dir,
        owner_database_url=os.environ["RECUPERO_DATABASE_URL"],
        redis_url=os.environ["RECUPERO_REDIS_URL"],
    )
    return create_app(runtime.start(config))


class _Plain(Flask):
    """No view of ours is a coroutine: Flask need not look whether one is, seventeen times a request."""

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        return func


def create_app(platform: runtime.Runtime) -> Flask:
    """A Flask application on a started runtime."""
    wire()
    app = _Plain("recupero.portals", static_folder="static", static_url_path="/static")
    app.config.update(
        SECRET_KEY=crypto.keyring().session_key,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_SECURE=platform.config.base_url.startswith("https://"),
        PERMANENT_SESSION_LIFETIME=timedelta(hours=12),
        MAX_CONTENT_LENGTH=256 * 1024 * 1024,
        TESTING=platform.config.testing,
    )
    _register_api(rest.install(app))
    _register_pages(app)
    shell.install(app, platform)
    telling.speak_by(sentences)
    app.register_error_handler(UserError, answer_user_error)
    app.register_error_handler(DataError, answer_unstorable)
    app.register_error_handler(psycopg.DataError, answer_unstorable)
    telemetry.install(
        app,
        checks=telemetry.standard_checks(platform.database.engine, platform.redis),
        gauges=[
            *gauges.of_jobs(platform.database, platform.redis),
            _books_gauge(platform),
            _reports_gauge(platform),
        ],
        metrics_token=platform.config.environment.get("RECUPERO_METRICS_TOKEN"),
    )
    https_only = platform.config.base_url.startswith("https://")
    app.wsgi_app = Webhooks(app.wsgi_app, https_only=https_only)  # type: ignore[method-assign]  # Flask's own way
    return app


def _books_gauge(platform: runtime.Runtime) -> telemetry.Gauge:
    return telemetry.Gauge(
        "recupero_ledger_alarms",
        "Problems that the scheduled check of the books found and that still stand",
        lambda: alarms.open_everywhere(platform.database),
    )


def _reports_gauge(platform: runtime.Runtime) -> telemetry.Gauge:
    return telemetry.Gauge(
        "recupero_report_alarms",
        "Reports that did not hold what was booked when they were checked, and still do not",
        lambda: report_alarms.open_everywhere(platform.database),
    )


def answer_user_error(error: UserError) -> ResponseReturnValue:
    """A UserError as JSON on the API; the portals room shows it as a page elsewhere."""
    if request.path.startswith("/api/"):
        body: dict[str, Any] = {"message": told(error), "field": error.field, "row": error.row}
        return jsonify({key: value for key, value in body.items() if value is not None}), error.status
    return error_page(said(error), error.status)


def answer_unstorable(error: DataError | psycopg.DataError) -> ResponseReturnValue:
    """A value that no column holds, such as a number beyond 64 bits or a text with a NUL character."""
    log.warning(
        "a request held a value that cannot be stored: %s", type(getattr(error, "orig", error)).__name__
    )
    return answer_user_error(
        UserError(
            "a number is out of range, or a text holds a character that no text may: check what was sent"
        )
    )


def _register_api(api: rest.RestApi) -> None:
    """The REST endpoints of each room (`<room>/api.py`: `blueprint`)."""
    for room in ROOMS:
        api.register_blueprint(room.blueprint)


def _register_pages(app: Flask) -> None:
    """The pages of the portals and the operators' endpoints."""
    app.register_blueprint(pages.blueprint)
    app.register_blueprint(debtor.blueprint)
    app.register_blueprint(channels_door.blueprint)
