"""Public data as placements of a creditor, through the whole job: place, plan, pay by link, book, report."""

import gzip
import json
import os
from pathlib import Path

import pytest

from recupero.decisions.service import plan_tenant
from recupero.kernel import clock, jobs, runtime
from recupero.ledger import queries as ledger
from recupero.payments import service as payments
from recupero.payments.charging import sandbox
from recupero.placements import reach
from recupero.placements import service as placements
from recupero.placements.imports import import_file
from recupero.reports import service as reports
from recupero_sdk.gateways import PaymentEventKind
from tests.factories import World

SHARED = Path(os.environ.get("RECUPERO_SHARED", Path(__file__).parents[2] / "shared"))
MAPPINGS = Path(__file__).parent / "placements" / "mappings"
SETS = ["accounts_receivable", "lendingclub_sample"]


@pytest.mark.parametrize("name", SETS)
def test_a_public_set_runs_through_the_whole_job(
    world: World, tmp_path: Path, noon: object, name: str
) -> None:
    source = SHARED / "data" / name / "data.csv.gz"
    if not source.exists():
        pytest.skip(f"the public data are not here: {source} (RECUPERO_SHARED names their folder)")
    path = tmp_path / f"{name}.csv"
    path.write_bytes(gzip.decompress(source.read_bytes()))
    database, scope = runtime.current().database, world.tenant()
    with database.transaction(scope) as session:
        portfolio = placements.create_portfolio(
            session, name=name, country="US", currency="USD", product="loan", placement_number=1,
            terms={"commission_rate": 2000}, strategy={}, actor="system",
        ).id  # fmt: skip
    mapping = json.loads((MAPPINGS / f"{name}.json").read_text())
    placed = import_file(database, scope, portfolio_id=portfolio, path=path, mapping=mapping, actor="system")
    assert placed.accepted > 50
    assert placed.rows == placed.accepted + placed.rejected + placed.quarantined + placed.duplicates

    plan = plan_tenant(database, scope)
    assert plan.accounts == placed.accepted
    assert plan.planned == 0  # no contact data and no pack for the country: nobody may be written to

    with database.transaction(scope) as session:
        first = reach.placed_after(session, 0)[0]
        account = reach.reachable(session, [first.account_id])[first.account_id]
        url = payments.ensure_links(session, {account.debtor_id: [account.account_id]})[account.debtor_id]
    door = payments.open_link(database, url.rpartition("/")[2])
    assert door is not None
    with database.transaction(scope) as session:
        charge = payments.start_charge(session, door.link_id, account.balance_minor)
    jobs.drain()
    sandbox.report(database, scope, charge, PaymentEventKind.SUCCEEDED)
    jobs.drain()

    with database.transaction(scope) as session:
        assert reach.reachable(session, [account.account_id])[account.account_id].status == "resolved"
        assert ledger.check(session) == []
        report = reports.recovery_report(session)
    assert reports.render(report, "pdf").startswith(b"%PDF")
    assert clock.is_simulated()
