"""The menu: what the caller's role opens, grouped by what they come to do."""

from dataclasses import dataclass

from flask import current_app, request, url_for
from flask_babel import gettext as _

from recupero.tenancy.callers import Caller
from recupero.tenancy.guard import current_caller
from recupero.tenancy.permissions import Permission

Page = tuple[str, str, str, Permission | None]  # label, endpoint, icon, what opens it


@dataclass(frozen=True, slots=True)
class Entry:
    label: str
    url: str
    icon: str
    current: bool


@dataclass(frozen=True, slots=True)
class Group:
    title: str
    entries: list[Entry]


def navigation() -> list[Group]:
    """The groups with at least one page that the caller may open; nothing for strangers."""
    caller = current_caller()
    if caller is None:
        return []
    groups = [Group(title, [_entry(*page) for page in pages if _opens(caller, page)])
              for title, pages in _pages(caller)]  # fmt: skip
    return [group for group in groups if group.entries]


def _opens(caller: Caller, page: Page) -> bool:
    _label, endpoint, _icon, permission = page
    return endpoint in current_app.view_functions and (permission is None or caller.may(permission))


def _entry(label: str, endpoint: str, icon: str, _permission: Permission | None) -> Entry:
    return Entry(label, url_for(endpoint), icon, _is_here(endpoint))


def _is_here(endpoint: str) -> bool:
    """Whether the page is the menu's, or one of its area that has no entry of its own."""
    if request.path == url_for(endpoint):
        return True
    area = _area(endpoint)
    return area == _area(request.endpoint) and area not in ("home", "platform")


def _area(endpoint: str | None) -> str:
    """Pages of one area share the first word of their name: accounts, account_hold → account. Those of the
    creditor's portal share the second: creditor_accounts, creditor_account → account."""
    words = (endpoint or "").rpartition(".")[2].split("_")
    return (words[1] if words[0] == "creditor" else words[0]).rstrip("s")


def _pages(caller: Caller) -> list[tuple[str, list[Page]]]:
    """All pages of the menu, in groups."""
    return _pages_of_creditor() if caller.is_creditor else _pages_of_house()


def _pages_of_creditor() -> list[tuple[str, list[Page]]]:
    return [
        ("", [(_("At a glance"), "portals.creditor_overview", "home", Permission.REPORTS_READ)]),
        (
            _("Recovery"),
            [
                (_("Placement months"), "portals.creditor_months", "plan", Permission.REPORTS_READ),
                (_("Roll rates"), "portals.creditor_rolls", "queue", Permission.REPORTS_READ),
                (_("Why it is not paid"), "portals.creditor_causes", "users", Permission.REPORTS_READ),
                (_("Activity and law"), "portals.creditor_activity", "law", Permission.REPORTS_READ),
                (_("Promises"), "portals.creditor_promises", "payments", Permission.REPORTS_READ),
                (_("Compare"), "portals.creditor_compare", "audit", Permission.REPORTS_READ),
                (_("What our work brings"), "portals.creditor_uplift", "plan", Permission.REPORTS_READ),
                (_("Report"), "portals.creditor_report", "reports", Permission.REPORTS_READ),
                (_("Compliance reports"), "portals.compliance_list", "law", Permission.REPORTS_READ),
                (_("Reports by e-mail"), "portals.schedules_list", "outbox", Permission.FEEDS_MANAGE),
                (_("Webhooks"), "portals.webhooks_list", "plugins", Permission.FEEDS_MANAGE),
            ],
        ),
        (
            _("Your accounts"),
            [
                (_("Accounts"), "portals.creditor_accounts", "accounts", Permission.PLACEMENTS_READ),
                (_("Placements"), "portals.placements", "placements", Permission.PLACEMENTS_READ),
                (_("Disputes"), "portals.creditor_disputes", "law", Permission.PLACEMENTS_READ),
                (_("Complaints"), "portals.creditor_complaints", "law", Permission.PLACEMENTS_READ),
                (_("Invoices asked for"), "portals.invoices", "outbox", Permission.PLACEMENTS_READ),
                (_("Exceptions"), "portals.exceptions", "keys", Permission.OFFERS_GRANT),
            ],
        ),
        (
            _("Money"),
            [
                (_("Payments"), "portals.creditor_payments", "payments", Permission.REPORTS_READ),
                (_("Cost and net back"), "portals.creditor_costs", "trust", Permission.REPORTS_READ),
                (_("Statements"), "portals.remittances_list", "payments", Permission.REMITTANCES_READ),
                (_("Waiting money"), "portals.suspense_list", "jobs", Permission.PAYMENTS_READ),
                (_("Bank"), "portals.bank", "tenants", Permission.PAYMENTS_READ),
                (_("Reconciliation"), "portals.reconciliation", "audit", Permission.PAYMENTS_READ),
            ],
        ),
    ]


def _pages_of_house() -> list[tuple[str, list[Page]]]:
    return [
        ("", [(_("Home"), "portals.home", "home", None)]),
        (
            _("Work"),
            [
                (_("My desk"), "portals.desk", "queue", Permission.ACCOUNTS_WORK),
                (_("Agents"), "portals.agents", "users", Permission.DESK_LEAD),
                (_("Inbox"), "portals.inbox", "outbox", Permission.INBOX_READ),
                (_("Drafts"), "portals.drafts_list", "outbox", Permission.ACCOUNTS_WORK),
                (_("Accounts"), "portals.accounts", "accounts", Permission.ACCOUNTS_READ),
                (_("Complaints and disputes"), "portals.cases", "law", Permission.ACCOUNTS_READ),
                (_("Plan of the day"), "portals.today_plan", "plan", Permission.DECISIONS_READ),
                (_("Queues and people"), "portals.staffing", "users", Permission.TENANCY_READ),
                (_("Waiting for a yes"), "portals.proposals_list", "plan", Permission.ACTIONS_APPROVE),
                (_("Exceptions"), "portals.approvals", "keys", Permission.OFFERS_APPROVE),
                (_("Outbox"), "portals.outbox", "outbox", Permission.OUTBOX_READ),
                (_("Words of messages"), "portals.words_list", "outbox", Permission.WORDS_WRITE),
                (_("Call scripts"), "portals.scripts", "audit", Permission.WORDS_WRITE),
            ],
        ),
        (
            _("Creditors"),
            [
                (_("Creditors"), "portals.tenants", "tenants", Permission.TENANCY_READ),
                (_("Placements"), "portals.placements", "placements", Permission.PLACEMENTS_READ),
                (_("Invoices asked for"), "portals.invoices", "outbox", Permission.PLACEMENTS_READ),
                (_("Reports"), "portals.reports", "reports", Permission.REPORTS_READ),
                (_("Compliance reports"), "portals.compliance_list", "law", Permission.REPORTS_READ),
                (_("Reports by e-mail"), "portals.schedules_list", "outbox", Permission.FEEDS_MANAGE),
                (_("Webhooks"), "portals.webhooks_list", "plugins", Permission.FEEDS_MANAGE),
            ],
        ),
        (
            _("Money"),
            [
                (_("Statements"), "portals.remittances_list", "payments", Permission.REMITTANCES_READ),
                (_("Trust account"), "portals.trust_list", "trust", Permission.TRUST_READ),
                (_("Receipts"), "portals.receipts_list", "payments", Permission.ACCOUNTS_WORK),
                (_("Waiting money"), "portals.suspense_list", "jobs", Permission.PAYMENTS_READ),
                (_("Bank"), "portals.bank", "tenants", Permission.PAYMENTS_READ),
                (_("Reconciliation"), "portals.reconciliation", "audit", Permission.PAYMENTS_READ),
            ],
        ),
        (
            _("Law"),
            [
                (_("Laws"), "portals.law", "law", Permission.LAW_READ),
                (_("Permitted hours"), "portals.hours", "plan", Permission.LAW_READ),
                (_("House rules"), "portals.house_rules", "keys", Permission.LAW_READ),
                (_("What the law is told"), "portals.law_facts", "tenants", Permission.LAW_MANAGE),
                (_("Try a bill"), "portals.bill", "audit", Permission.LAW_MANAGE),
            ],
        ),
        (
            _("Administration"),
            [
                (_("Models"), "portals.models", "plan", Permission.DECISIONS_READ),
                (_("Plug-ins"), "portals.plugins", "plugins", Permission.TENANCY_READ),
                (_("Users"), "portals.users", "users", Permission.TENANCY_MANAGE),
                (_("API keys"), "portals.keys", "keys", Permission.TENANCY_MANAGE),
                (_("Audit"), "portals.audit", "audit", Permission.AUDIT_READ),
            ],
        ),
        (
            _("Platform"),
            [
                (_("Overview"), "portals.platform", "home", Permission.PLATFORM_OPERATE),
                (_("Plug-ins"), "portals.platform_plugins", "plugins", Permission.PLATFORM_OPERATE),
                (_("Jobs"), "portals.platform_jobs", "jobs", Permission.PLATFORM_OPERATE),
            ],
        ),
    ]
