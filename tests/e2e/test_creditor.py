"""A creditor's own portal in a browser, at a desk and on a phone: figures, a dispute, a rest, a payment."""

import re
from collections.abc import Callable
from datetime import datetime

import pytest
from playwright.sync_api import ViewportSize, expect

from recupero.kernel import runtime
from recupero.placements import service as placements
from recupero.tenancy.permissions import Role
from tests.e2e.conftest import Person, make_user
from tests.factories import World
from tests.ledger.placed import place

PAPER: ViewportSize = {"width": 794, "height": 1123}  # a sheet of A4 at 96 dots to the inch

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.mark.parametrize("phone", [False, True], ids=["desk", "phone"])
def test_a_creditor_looks_and_acts(
    somebody: Callable[..., Person], platform: runtime.Runtime, world: World, noon: datetime, phone: bool
) -> None:
    placed = place(platform, world.tenant(), [{"principal": 100_000}, {"principal": 40_000}])
    with platform.database.transaction(placed.scope) as session:
        placements.open_hold(
            session, debtor_id=placed.debtor_id, account_id=placed.account_ids[0], kind="dispute",
            source="page:wrong_amount",
        )  # fmt: skip
    eva = somebody(phone)
    page = eva.page
    eva.sign_in(make_user(platform, Role.CREDITOR_ADMINISTRATOR, placed.scope))
    expect(page.get_by_role("heading", name="Recovery at a glance")).to_be_visible()
    eva.look("creditor-glance")
    eva.follow(page.get_by_role("link", name="Disputes to answer: 1"))
    eva.follow(page.locator("#main tbody a").first)
    page.get_by_label("The amount is corrected").check()
    page.get_by_label("Right amount").fill("60,000")
    page.get_by_label("Why").fill("The invoice counts twice.")
    eva.follow(page.get_by_role("button", name="Go on"))
    eva.look("creditor-dispute")
    eva.follow(page.get_by_role("button", name="Decide so"))
    expect(page.get_by_text("Your answer holds.")).to_be_visible()

    eva.go("Accounts")
    page.locator("input[name=account]").first.check()
    eva.follow(page.get_by_role("button", name="Rest"))
    eva.look("creditor-preview")
    page.get_by_label("Why").fill("Under review")
    eva.follow(page.get_by_role("button", name="Rest them"))
    expect(page.get_by_text("Asked by the creditor")).to_be_visible()
    eva.follow(page.get_by_role("link", name="Report a payment"))
    page.get_by_label(re.compile("Amount in CLP")).fill("40,000")
    eva.follow(page.get_by_role("button", name="Go on"))
    eva.follow(page.get_by_role("button", name="Book it"))
    expect(page.get_by_text("The payment is booked.")).to_be_visible()
    eva.look("creditor-account")
    eva.go("Placement months")
    eva.look("creditor-months")
    page.emulate_media(media="print")
    page.set_viewport_size(PAPER)
    eva.open("/report")
    eva.not_wider("report on paper", PAPER["width"])
