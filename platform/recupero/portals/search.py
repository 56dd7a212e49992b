"""One search for everything: a name, a national id, a phone, an e-mail, an account's number or a message's
code. What exactly one account or debtor answers to is opened at once."""

from dataclasses import dataclass

from flask import redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from recupero.contacts import codes
from recupero.contacts.codes import Coded
from recupero.placements import browse, finding, labels, names
from recupero.placements.browse import AccountLine
from recupero.placements.finding import Way
from recupero.placements.label_tables import Label
from recupero.placements.normalise import name_key
from recupero.portals.frame.pages import blueprint
from recupero.tenancy import queries as tenancy
from recupero.tenancy.guard import requires, transaction
from recupero.tenancy.permissions import Permission

#: So many accounts of each way are shown; who finds more types more.
SHOWN = 25


@dataclass(frozen=True, slots=True)
class Hits:
    """Accounts by the way they were found, whether there are more than shown, messages with the code, and
    labels of such a name."""

    accounts: dict[str, list[AccountLine]]
    more: frozenset[str]
    messages: list[Coded]
    labels: list[Label]

    def only(self, typed: str) -> str | None:
        """Where to go at once: the one account or debtor that has exactly what was typed."""
        if self.more or self.labels:
            return None
        exact = {
            line.id: line
            for way, lines in self.accounts.items()
            for line in lines
            if way != Way.NAME or name_key(line.debtor) == name_key(typed)
        }
        debtors = {line.debtor_id for line in exact.values()} | {one.debtor_id for one in self.messages}
        if len(debtors) != 1:
            return None
        accounts = set(exact) | {one.account_id for one in self.messages if one.account_id is not None}
        if len(accounts) == 1:
            return url_for("portals.account", account_id=accounts.pop())
        return url_for("portals.account_person", debtor_id=debtors.pop())


@blueprint.get("/search")
@requires(Permission.ACCOUNTS_READ)
def search() -> ResponseReturnValue:
    typed = request.args.get("q", "").replace("\0", "").strip()[:200]
    with transaction() as session:
        tenants = {tenant.id: tenant for tenant in tenancy.tenants(session)}
        hits = (
            find(session, typed, sorted({tenant.country for tenant in tenants.values()})) if typed else None
        )
    if hits and "all" not in request.args and (there := hits.only(typed)):
        return redirect(there)
    return render_template("search/results.html", typed=typed, hits=hits, tenants=tenants, most=SHOWN)


def find(session: Session, typed: str, countries: list[str]) -> Hits:
    """What answers to `typed` among the tenants in scope."""
    ways = finding.find(session, typed, countries, SHOWN + 1)
    lines = browse.lines(session, sorted({one for ids in ways.values() for one in ids[:SHOWN]}))
    found = {way.value: [lines[one] for one in ids[:SHOWN]] for way, ids in ways.items()}
    if Way.NAME in found:  # somebody of another name by now may still be filed under the one before
        found[Way.NAME] = [line for line in found[Way.NAME] if names.bears(line.debtor, typed)]
    more = frozenset(way.value for way, ids in ways.items() if len(ids) > SHOWN)
    rows = {way: rows for way, rows in found.items() if rows}
    return Hits(rows, more, codes.with_code(session, typed), labels.named(session, typed))
