"""A creditor reads its own report as a page and takes it away; staff choose among their creditors."""

from datetime import datetime

import pytest

from recupero.kernel.database import Scope
from recupero.reports.drill_statements import WITHOUT_ROWS
from recupero.reports.metrics import METRICS
from recupero.tenancy.permissions import Role
from tests.decisions import debts
from tests.factories import World
from tests.portals.conftest import Visitor


@pytest.fixture
def scope(world: World, noon: datetime) -> Scope:
    scope = world.tenant()
    with world.platform.database.transaction(scope) as session:
        debts.debt(session, debts.portfolio(session), balance=125_000)
    return scope


def test_a_creditor_comes_to_its_own_report(visitor: Visitor, scope: Scope) -> None:
    visitor.sign_in(Role.CREDITOR_VIEWER, scope)
    page = visitor.text("/report")
    assert "Gross liquidation" in page
    assert "CLP125,000" in page.replace("\xa0", "")


def test_every_download_comes_as_a_file(visitor: Visitor, scope: Scope) -> None:
    visitor.sign_in(Role.CREDITOR_VIEWER, scope)
    for form in ("pdf", "xlsx", "csv", "json", "html"):
        answer = visitor.get(f"/reports/{scope.tenant()}/file.{form}?period=2026-03")
        assert answer.status_code == 200
        assert "attachment" in answer.headers["Content-Disposition"]
        assert answer.data


def test_a_period_that_does_not_hold_is_said_on_the_page(visitor: Visitor, scope: Scope) -> None:
    visitor.sign_in(Role.CREDITOR_VIEWER, scope)
    for query in ("period=marzo", "from=2026-03&to=2026-01", "from=2026-07"):
        answer = visitor.get(f"/report?{query}")
        assert answer.status_code == 422
        assert 'id="period-error"' in answer.text
        assert "Gross liquidation" in answer.text
    assert visitor.get("/report?from=2026-01&to=2026-03").status_code == 200


def test_a_creditor_does_not_come_to_another_ones_report(
    visitor: Visitor, scope: Scope, world: World
) -> None:
    other = world.tenant(Scope(scope.agency_id))
    visitor.sign_in(Role.CREDITOR_VIEWER, other)
    assert visitor.get(f"/reports/{scope.tenant()}").status_code == 404
    assert visitor.get(f"/reports/{scope.tenant()}/file.csv").status_code == 404


def test_staff_choose_among_their_creditors(visitor: Visitor, scope: Scope) -> None:
    visitor.sign_in(Role.SUPERVISOR, scope)
    assert f'href="/reports/{scope.tenant()}"' in visitor.text("/reports")
    assert "Gross liquidation" in visitor.text(f"/reports/{scope.tenant()}")


def test_the_page_in_depth_says_what_each_figure_means(visitor: Visitor, scope: Scope) -> None:
    visitor.sign_in(Role.CREDITOR_VIEWER, scope)
    text = visitor.text(f"/reports/{scope.tenant()}/depth")
    assert 'href="#def-cure_rate"' in text
    assert 'id="def-cure_rate"' in text
    assert visitor.get(f"/reports/{scope.tenant()}/depth?from=2026-05&to=2026-01").status_code == 422


def test_a_figure_leads_to_the_rows_that_it_counted(visitor: Visitor, scope: Scope) -> None:
    visitor.sign_in(Role.CREDITOR_VIEWER, scope)
    place = f"/reports/{scope.tenant()}/rows/placed?period=2026-03&amp;currency=CLP"
    assert f'href="{place}"' in visitor.text("/report?from=2026-03&to=2026-03")
    page = visitor.text(place.replace("&amp;", "&"))
    assert "1 row" in page
    assert "CLP125,000" in page.replace("\xa0", "")
    assert ">Placed on<" in page
    assert ">Channel<" not in page
    assert '<time datetime="2026-03-' in page
    assert "T0" not in page.split('<time datetime="')[1][:20]
    assert visitor.get(place.replace("placed", "nothing").replace("&amp;", "&")).status_code == 404
    assert visitor.get(place.replace("&amp;", "&") + "&as=csv").status_code == 200


def test_figures_of_tables_and_in_depth_lead_to_their_rows_too(visitor: Visitor, scope: Scope) -> None:
    visitor.sign_in(Role.CREDITOR_VIEWER, scope)
    rows = f"/reports/{scope.tenant()}/rows/"
    report = visitor.text("/report?from=2026-03&to=2026-03")
    of_cohort = f"{rows}placed?period=2026-03&amp;currency=CLP&amp;cohort=2026-03"
    assert f'href="{of_cohort}"' in report
    assert "1 row" in visitor.text(of_cohort.replace("&amp;", "&"))
    depth = visitor.text(f"/reports/{scope.tenant()}/depth?from=2026-03&to=2026-03")
    assert f'href="{rows}age_mean?period=2026-03&amp;currency=CLP"' in depth
    assert "days" in visitor.text(f"{rows}age_mean?period=2026-03&currency=CLP")


def test_the_rows_of_every_figure_can_be_opened(visitor: Visitor, scope: Scope) -> None:
    visitor.sign_in(Role.CREDITOR_VIEWER, scope)
    for key in METRICS:
        answer = visitor.get(f"/reports/{scope.tenant()}/rows/{key}?period=2026-03&currency=CLP")
        assert answer.status_code == (404 if key in WITHOUT_ROWS else 200), key
