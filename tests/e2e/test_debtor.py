"""A worried person on a phone: why it is not paid, a plan by sliders, and what is wrong said at its field."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest
from playwright.sync_api import expect

from recupero.kernel import runtime
from recupero.payments.gateways import links
from tests.e2e.conftest import Person
from tests.factories import World
from tests.ledger.placed import place
from tests.portals.debtor.conftest import TERMS

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def test_a_debtor_finds_a_way_on_a_phone(
    somebody: Callable[..., Person], platform: runtime.Runtime, world: World, noon: datetime, tmp_path: Path
) -> None:
    placed = place(platform, world.tenant(), [{"principal": 90_000, "cost": 10_000}], terms=TERMS)
    with platform.database.transaction(placed.scope) as session:
        url = links.ensure_links(session, {placed.debtor_id: placed.account_ids})[placed.debtor_id]
    path = "/p/" + url.rpartition("/p/")[2]
    debtor = somebody(phone=True)
    page = debtor.page
    debtor.open(f"{path}/plan?lang=en")  # before the proof: asked first, and then back here
    _prove(debtor)
    expect(page.get_by_role("heading", name="Pay in parts")).to_be_visible()
    slider = page.get_by_label("In how many payments")
    slider.focus()
    slider.press("End")
    expect(page.get_by_role("heading", name="6 payments")).to_be_visible()
    expect(page.locator("#dates tbody tr")).to_have_count(6)
    page.get_by_label("I pay a part at once").press("End")
    expect(page.locator("#instalments-error, #down_payment-error").filter(has_text=" ").first).to_be_visible()
    slider.press("Home")
    expect(page.locator("#dates tbody tr")).to_have_count(3)
    debtor.look("debtor-plan")
    debtor.follow(page.get_by_role("button", name="I agree to this plan"))
    expect(page.get_by_text("The plan holds")).to_be_visible()
    debtor.follow(page.get_by_role("link", name="Back to my page"))
    debtor.look("debtor-owed")
    debtor.follow(page.get_by_role("link", name="Tell us why"))
    debtor.look("debtor-why")
    debtor.follow(page.get_by_role("link", name="I lost my job"))
    debtor.look("debtor-because")
    debtor.follow(page.get_by_role("button", name="Let it rest"))
    expect(page.get_by_role("status").first).to_contain_text("Everything rests now")
    debtor.look("debtor-told")
    for name in ("dispute", "talk", "settle", "promise", "reach", "stop", "help", "messages", "advice"):
        debtor.open(f"{path}/{name}")
        debtor.look(f"debtor-{name}")
    debtor.open(f"{path}/dispute?lang=en")
    page.get_by_label("The amount is wrong").check()
    page.get_by_label("Anything that helps us").fill("I paid half of it in March")
    papers = page.get_by_label("Photos or papers")
    papers.set_input_files(_papers(tmp_path, 11))
    expect(page.get_by_text("This file is too large: at most 10 MB.")).to_be_visible()
    papers.set_input_files(_papers(tmp_path, 8, 8, 8))
    page.get_by_role("button", name="Send").click()
    expect(page.get_by_text("These files are too large together: at most 20 MB.")).to_be_visible()
    papers.set_input_files([])
    page.context.clear_cookies()  # the proof ran out while they wrote
    debtor.follow(page.get_by_role("button", name="Send"))
    _prove(debtor)
    expect(page.locator("main").get_by_text("What you had typed is here again")).to_be_visible()
    expect(page.get_by_label("The amount is wrong")).to_be_checked()
    expect(page.get_by_label("Anything that helps us")).to_have_value("I paid half of it in March")
    debtor.follow(page.get_by_role("button", name="Send"))
    expect(page.get_by_role("status").first).to_be_visible()


def _prove(debtor: Person) -> None:
    """Who they are, by two facts."""
    page = debtor.page
    page.get_by_label("national identity number").fill("6785")
    page.get_by_label("date of birth").fill("1980-05-17")
    debtor.follow(page.get_by_role("button", name="Continue"))


def _papers(folder: Path, *megabytes: int) -> list[Path]:
    """Files of these sizes that hold nothing."""
    files = [folder / f"{place}-{size}.png" for place, size in enumerate(megabytes)]
    for file, size in zip(files, megabytes, strict=True):
        with file.open("wb") as paper:
            paper.truncate(size * 2**20)
    return files
