"""What the arms of a portfolio's strategy brought, each beside the people in none."""

from flask import render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from recupero.kernel.errors import NotFound, UserError
from recupero.placements import browse
from recupero.portals.frame.forms import Form
from recupero.portals.frame.pages import blueprint
from recupero.portals.strategies.strategies import told
from recupero.tenancy import queries as tenancy
from recupero.tenancy.guard import requires, tenant_transaction
from recupero.tenancy.permissions import Permission


@blueprint.get("/tenants/<int:tenant_id>/portfolios/<int:portfolio_id>/strategy/arms")
@requires(Permission.DECISIONS_READ)
def strategy_arms(tenant_id: int, portfolio_id: int) -> ResponseReturnValue:
    """Each arm beside those in none, by the days that are counted of each person."""
    from recupero.decisions.evidence.arms import DAYS, ArmBrought, arms
    from recupero.decisions.measures import differences

    asked, found = Form({"days": str(DAYS[0]), **request.args}), None
    with tenant_transaction(tenant_id) as session:
        portfolio, tenant = browse.portfolio(session, portfolio_id), tenancy.tenant(session)
        try:
            found = arms(session, portfolio_id, asked.whole("days"))
        except NotFound:
            raise
        except UserError as error:
            asked.refuse(error, "days")

    def enough(row: ArmBrought) -> bool:
        return min(row.arm.people, row.none.people) >= differences.LEAST_PEOPLE

    page = render_template(
        "tenants/strategy_arms.html", portfolio=portfolio, tenant=tenant, found=found, asked=asked,
        days=[(str(one), _("%(days)s days", days=one)) for one in DAYS], least=differences.LEAST_PEOPLE,
        enough=enough, told=lambda then: told(then, portfolio.currency),
    )  # fmt: skip
    return page, asked.status
