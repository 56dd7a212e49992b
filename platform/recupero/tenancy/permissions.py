"""Who may do what. Every page and endpoint names one of these permissions; a test proves that each does."""

from enum import StrEnum


class Role(StrEnum):
    """The roles of the house. The creditor's two see one tenant and nothing of the agency."""

    PLATFORM_OPERATOR = "platform_operator"
    AGENCY_ADMINISTRATOR = "agency_administrator"
    COMPLIANCE_OFFICER = "compliance_officer"
    SUPERVISOR = "supervisor"
    AGENT = "agent"
    CREDITOR_ADMINISTRATOR = "creditor_administrator"
    CREDITOR_VIEWER = "creditor_viewer"


class Permission(StrEnum):
    """`room.verb`."""

    PLATFORM_OPERATE = "platform.operate"
    TENANCY_MANAGE = "tenancy.manage"
    TENANCY_READ = "tenancy.read"
    PLACEMENTS_READ = "placements.read"
    PLACEMENTS_IMPORT = "placements.import"
    ACCOUNTS_READ = "accounts.read"
    ACCOUNTS_WORK = "accounts.work"
    ACCOUNTS_BULK = "accounts.bulk"  # hold, let go on, give or recall many at once
    LAW_READ = "law.read"
    LAW_MANAGE = "law.manage"
    OUTBOX_READ = "outbox.read"
    INBOX_READ = "inbox.read"
    ACTIONS_APPROVE = "actions.approve"  # say yes to what a strategy wants agreed to
    WORDS_WRITE = "words.write"  # draft call scripts and message templates
    WORDS_APPROVE = "words.approve"  # let a draft be used
    DECISIONS_READ = "decisions.read"
    DECISIONS_PLAN = "decisions.plan"
    PAYMENTS_READ = "payments.read"
    PAYMENTS_BOOK = "payments.book"
    REMITTANCES_READ = "remittances.read"
    REMITTANCES_PREPARE = "remittances.prepare"  # draw and review
    REMITTANCES_ISSUE = "remittances.issue"
    REMITTANCES_PAY = "remittances.pay"  # pay out, take fees, note what a creditor paid
    TRUST_READ = "trust.read"
    OFFERS_APPROVE = "offers.approve"  # exceptions to an agent's limits
    OFFERS_GRANT = "offers.grant"  # exceptions to the creditor's own terms: for the creditor only
    DESK_LEAD = "desk.lead"  # see and free what agents have at their desks, set their goals
    STRATEGY_MANAGE = "strategy.manage"  # how often, by what and under which limits accounts are worked
    MODELS_PROMOTE = "models.promote"  # say which version of a model serves
    TERMS_MANAGE = "terms.manage"  # what accrues, what money pays first, what may be offered
    REPORTS_READ = "reports.read"
    FEEDS_MANAGE = "feeds.manage"  # where reports and events go by themselves: e-mail, webhooks
    AUDIT_READ = "audit.read"


_CREDITOR = frozenset({Permission.REPORTS_READ, Permission.PLACEMENTS_READ, Permission.REMITTANCES_READ})
_AGENT = frozenset(
    {Permission.ACCOUNTS_READ, Permission.ACCOUNTS_WORK, Permission.INBOX_READ, Permission.LAW_READ}
)
_SUPERVISOR = _AGENT | {
    Permission.ACCOUNTS_BULK,
    Permission.TENANCY_READ,
    Permission.PLACEMENTS_READ,
    Permission.OUTBOX_READ,
    Permission.ACTIONS_APPROVE,
    Permission.WORDS_WRITE,
    Permission.DECISIONS_READ,
    Permission.PAYMENTS_READ,
    Permission.PAYMENTS_BOOK,
    Permission.REMITTANCES_READ,
    Permission.REMITTANCES_PREPARE,
    Permission.REMITTANCES_PAY,
    Permission.TRUST_READ,
    Permission.OFFERS_APPROVE,
    Permission.DESK_LEAD,
    Permission.STRATEGY_MANAGE,
    Permission.TERMS_MANAGE,
    Permission.REPORTS_READ,
}
_COMPLIANCE = frozenset(
    {
        Permission.TENANCY_READ,
        Permission.PLACEMENTS_READ,
        Permission.ACCOUNTS_READ,
        Permission.LAW_READ,
        Permission.LAW_MANAGE,
        Permission.INBOX_READ,
        Permission.OUTBOX_READ,
        Permission.ACTIONS_APPROVE,
        Permission.WORDS_WRITE,
        Permission.WORDS_APPROVE,
        Permission.DECISIONS_READ,
        Permission.MODELS_PROMOTE,
        Permission.PAYMENTS_READ,
        Permission.REMITTANCES_READ,
        Permission.TRUST_READ,
        Permission.REPORTS_READ,
        Permission.AUDIT_READ,
    }
)
_ADMINISTRATOR = frozenset(Permission) - {Permission.PLATFORM_OPERATE, Permission.OFFERS_GRANT}

GRANTS: dict[Role, frozenset[Permission]] = {
    Role.PLATFORM_OPERATOR: frozenset({Permission.PLATFORM_OPERATE}),
    Role.AGENCY_ADMINISTRATOR: _ADMINISTRATOR,
    Role.COMPLIANCE_OFFICER: _COMPLIANCE,
    Role.SUPERVISOR: _SUPERVISOR,
    Role.AGENT: _AGENT,
    Role.CREDITOR_ADMINISTRATOR: _CREDITOR
    | {
        Permission.PLACEMENTS_IMPORT,
        Permission.PAYMENTS_READ,
        Permission.OFFERS_GRANT,
        Permission.FEEDS_MANAGE,
    },
    Role.CREDITOR_VIEWER: _CREDITOR,
}
CREDITOR_ROLES = frozenset({Role.CREDITOR_ADMINISTRATOR, Role.CREDITOR_VIEWER})
