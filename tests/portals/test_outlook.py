"""How likely a promise is kept stands in words where it is made, on the account, and in what is expected."""

import html
import json
import re
from datetime import timedelta

from recupero.decisions.learning import training
from recupero.kernel import clock, runtime
from recupero.kernel.database import Scope
from recupero.tenancy.permissions import Role
from tests.decisions.debts import portfolio
from tests.decisions.promised import history
from tests.factories import World
from tests.outreach.placed import Placed
from tests.portals.conftest import Visitor
from tests.portals.desk.test_desk import at_desk, placed, proven  # noqa: F401 - a fixture among them


def test_a_promise_is_weighed_while_it_is_typed_and_kept_when_it_is_made(
    visitor: Visitor,
    world: World,
    placed: Placed,  # noqa: F811 - the fixture
) -> None:
    """Without a model nothing is said; with one the desk, the account and the day's figures say it."""
    visitor.sign_in(Role.AGENT, placed.scope)
    proven(visitor, placed)
    ask = f"/desk/{at_desk(visitor)}/offer?kind=full&due={(clock.now() + timedelta(days=5)).date()}&amount="
    silent = visitor.client.get(ask + "125,000").get_json()
    assert (silent["kept"], "of 10" in silent["html"]) == (None, False)
    other, database = world.tenant(Scope(placed.scope.agency())), runtime.current().database
    with database.transaction(other) as session:
        history(session, portfolio(session))
    both = Scope(placed.scope.agency(), (*placed.scope.tenant_ids, *other.tenant_ids))
    training.train(database, both, "promise_kept")  # the agency's, from another creditor's promises

    large, small = (visitor.client.get(ask + amount).get_json() for amount in ("125,000", "12,000"))
    assert (large["kept"]["word"], small["kept"]["word"]) == ("weak", "likely")
    assert "Needs help to be kept" in large["html"]
    assert "It makes it harder: " in large["html"]
    assert "A promise of CLP\xa062,500 would be kept by about" in large["html"]
    assert "Likely to be kept" in small["html"]
    assert "would be kept" not in small["html"]

    page, address = f"/accounts/{placed.account_id}", f"/accounts/{placed.account_id}/promises"
    due = clock.now().date()
    assert visitor.send(address, page, amount="12,000", due=due).status_code == 302
    assert "of 10 promises like this one are kept" in visitor.text(page)
    home, day = visitor.text("/"), visitor.text("/today/promises")
    assert "expected" in home.split("Promises due")[1][:400]
    assert " kept</span>" in day  # in words
    assert "What open promises may bring" in day
    coming = html.unescape(re.findall(r'href="(/today/promises/coming/[^"]+)"', day)[0])
    rows = json.loads(visitor.text(f"{coming}&as=json"))
    assert (len(rows), rows[0]["left"], rows[0]["expected"]["currency"]) == (
        1, {"minor": 12_000, "currency": "CLP"}, "CLP",
    )  # fmt: skip
    assert f"{rows[0]['expected']['minor']:,}" in visitor.text(coming).partition("<section")[0]
    assert visitor.get(coming.replace("until=2", "until=x")).status_code == 404
