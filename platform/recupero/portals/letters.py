"""Agreements as PDF in the debtor's language: the terms of a plan, an offer to settle and what came of it.
`letter.typ` is the layout, this hands it the texts."""

import json
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from flask_babel import force_locale
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from recupero.kernel import clock
from recupero.payments import plans
from recupero.payments.offer_tables import Plan, Settlement
from recupero.placements.debts import debts_by_id, who_owes
from recupero.portals.language import CODES, day, money
from recupero.tenancy import queries as tenancy

_LAYOUT = Path(__file__).with_name("letter.typ")


def plan_agreement(session: Session, plan: Plan) -> bytes:
    """The terms of a plan of the tenant in scope."""
    rows = plans.instalments_of(session, [plan.id])[plan.id]
    with force_locale(_language(session, plan.debtor_id)):
        creditor = tenancy.tenant(session).name
        return _letter(
            session, plan, title=_("Payment plan %(number)s", number=plan.id),
            opening=[
                _("We agreed on %(day)s that you pay %(total)s to %(creditor)s in the instalments below.",
                  day=day(plan.agreed_at), total=money(plan.total_minor, plan.currency), creditor=creditor),
            ],
            heads=[_("No."), _("Due on"), _("Amount")],
            rows=[
                [str(one.number), day(one.due_date), money(one.amount_minor, plan.currency)] for one in rows
            ],
            total=["", _("Total"), money(plan.total_minor, plan.currency)],
            closing=[
                _("An instalment counts as paid in time up to %(days)s days after its date.",
                  days=plan.grace_days),
                _("As long as the instalments come in, nobody asks you for more. If one does not, the whole"
                  " amount is due again and we get in touch with you: tell us before, and we look for another"
                  " plan together."),
                _("You may pay more, or everything, at any time."),
            ],
        )  # fmt: skip


def settlement(session: Session, found: Settlement) -> bytes:
    """An offer to settle, accepted or not, or that it is settled."""
    with force_locale(_language(session, found.debtor_id)):
        creditor, sum_ = tenancy.tenant(session).name, money(found.amount_minor, found.currency)
        owed = money(found.balance_minor, found.currency)
        if found.state == "settled":
            title, opening = _("Settled in full"), [
                _("%(creditor)s received %(sum)s. What was left of %(owed)s has been written off: nothing is"
                  " owed on these accounts any more.", creditor=creditor, sum=sum_, owed=owed),
            ]  # fmt: skip
        elif found.state == "accepted":
            title, opening = _("Settlement agreed"), [
                _("You pay %(sum)s by %(day)s. With that, %(owed)s owed to %(creditor)s is settled in full"
                  " and the rest is written off.", sum=sum_, day=day(found.pay_by), owed=owed,
                  creditor=creditor),
                _("If the sum does not come by then, the whole amount is owed again, less what you paid."),
            ]  # fmt: skip
        else:
            title, opening = _("Offer to settle"), [
                _("%(creditor)s accepts %(sum)s in place of %(owed)s. The offer holds until %(day)s.",
                  creditor=creditor, sum=sum_, owed=owed, day=day(found.valid_until)),
            ]  # fmt: skip
        return _letter(session, found, title=title, opening=opening)


def _language(session: Session, debtor_id: int) -> str:
    spoken, country = who_owes(session, debtor_id).language, tenancy.tenant(session).country
    return f"{spoken if spoken in CODES else 'es'}_{country}"


def _letter(
    session: Session,
    about: Plan | Settlement,
    *,
    title: str,
    opening: Sequence[str],
    heads: Sequence[str] = (),
    rows: Sequence[Sequence[str]] = (),
    total: Sequence[str] = (),
    closing: Sequence[str] = (),
) -> bytes:
    agency, person = tenancy.agency(session), who_owes(session, about.debtor_id)
    accounts = [
        _("Account %(number)s", number=debt.client_account)
        for debt in debts_by_id(session, about.account_ids)
    ]
    return _pdf(
        {
            "language": person.language, "title": title, "house": agency.name,
            "contact": f"{agency.contact_phone} · {agency.contact_email}", "debtor": person.name,
            "about": [tenancy.tenant(session).name, *accounts], "dated": day(clock.now()),
            "opening": opening, "heads": heads, "rows": rows, "total": total, "closing": closing,
            "footer": title,
        }
    )  # fmt: skip


def _pdf(contents: dict[str, Any]) -> bytes:
    import typst

    with TemporaryDirectory(prefix="recupero-letter-") as folder:
        root = Path(folder)
        (root / "letter.typ").write_text(_LAYOUT.read_text())
        (root / "letter.json").write_text(json.dumps(contents, ensure_ascii=False))
        made: bytes = typst.compile(root / "letter.typ", root=root, ignore_system_fonts=True)
    return made
