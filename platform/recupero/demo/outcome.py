"""What a run of the demo came to, read through the rooms' own queries, and its reports as files."""

from collections import Counter
from pathlib import Path
from typing import Any

from recupero.contacts import messages as contact_messages
from recupero.kernel.database import Scope
from recupero.kernel.runtime import Runtime
from recupero.ledger import queries as ledger
from recupero.outreach import queries as outreach
from recupero.payments import queries as payments
from recupero.reports import service as reports
from recupero.tenancy import queries as tenancy

_EXECUTED = ("sent", "delivered", "answered", "closed", "failed", "unknown")
FORMATS = ("pdf", "csv")


def summary(platform: Runtime, agency: Scope, folder: Path) -> dict[str, Any]:
    """The counts of the contracts page over all tenants of the agency; writes a report per tenant."""
    actions: Counter[str] = Counter()
    made, money, count, problems, files = 0, Counter[str](), 0, list[str](), list[str]()
    for tenant_id in agency.tenant_ids:
        with platform.database.transaction(Scope(agency.agency_id, (tenant_id,))) as session:
            actions.update(outreach.count_by_state(session))
            made += sum(contact_messages.count_by_state(session).values())
            for currency, taken in payments.collected(session).items():
                money[currency] += taken.amount_minor
                count += taken.payments
            problems += ledger.check(session)
            report = reports.recovery_report(session)
            slug = tenancy.tenant(session).slug
        files += [str(_write(folder / f"{slug}.{form}", reports.render(report, form))) for form in FORMATS]
    return {
        "actions_planned": sum(actions.values()),
        "actions_executed": sum(actions[state] for state in _EXECUTED),
        "contacts": made,
        "payments": count,
        "collected": dict(money),
        "ledger_balanced": not problems,
        "reports": files,
    }


def _write(path: Path, content: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path
