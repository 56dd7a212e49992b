"""The portal's figures: stairs add up and lead to their payments, lists add up to what leads to them."""

import html
import json
import re
from datetime import datetime
from itertools import product

import pytest

from recupero.kernel import clock
from recupero.outreach.tables import Action, ActionEvent
from recupero.placements.tables import Account
from recupero.portals.creditor import report
from recupero.tenancy.permissions import Role
from tests.factories import World
from tests.portals.conftest import Visitor
from tests.reports.rows import Rows

PAGES = (
    "/portal", "/portal/months", "/portal/activity", "/portal/costs", "/portal/payments", "/portal/promises",
    "/portal/causes", "/portal/rolls", "/portal/uplift",
    "/portal/compare",
)  # fmt: skip


@pytest.fixture
def rows(world: World, noon: datetime) -> Rows:
    """Two placement months of one portfolio: 1,000,000 in January, 500,000 in February; it is March."""
    rows = Rows(world.platform, world.tenant())
    portfolio = rows.portfolio()
    batch = rows.batch(portfolio)
    january = rows.account(portfolio, batch, "2026-01-10", 1_000_000)
    february = rows.account(portfolio, batch, "2026-02-10", 500_000)
    rows.payment(january, "2026-01-05", 10_000, kind="direct")  # before it was placed: counts in month 0
    rows.payment(january, "2026-01-20", 40_000, fee=8_000)
    taken = rows.payment(january, "2026-02-11", 100_000, fee=20_000)
    rows.move(taken, "2026-03-01", (january, -30_000, -6_000))
    rows.payment(february, "2026-03-02", 25_000, fee=5_000)
    rows.promise(february, "2026-03-01", "2026-03-05", 25_000, "kept", paid_minor=25_000)
    rows.contact(january, "2026-03-03")
    return rows


@pytest.fixture
def creditor(visitor: Visitor, rows: Rows) -> Visitor:
    return visitor.sign_in(Role.CREDITOR_VIEWER, rows.scope)


def _cells(page: str) -> dict[str, list[str]]:
    """Of the stairs: each placement month with its cells and what they come to."""
    table = page[page.index("report-stairs") : page.index("</table>")]
    found = {}
    for row in re.findall(r"<tr><th scope=\"row\">(.*?)</tr>", table, re.S):
        month, rest = row.split("</th>", 1)
        cells = re.findall(r"<td[^>]*>(.*?)</td>", rest, re.S)
        texts = [re.sub(r"<[^>]+>", "", cell).strip() for cell in cells]
        found[month] = [text for text in texts[1:] if text]
    return found


def test_the_stairs_add_up(creditor: Visitor) -> None:
    amounts = _cells(creditor.text("/portal/months?view=amount"))
    assert amounts == {
        "Jan 26": ["50,000", "100,000", "-30,000", "120,000"], "Feb 26": ["0", "25,000", "25,000"],
    }  # fmt: skip
    shares = _cells(creditor.text("/portal/months"))
    assert shares["Jan 26"] == ["5.0%", "10.0%", "-3.0%", "12.0%"]
    assert _cells(creditor.text("/portal/months?view=cumulative"))["Jan 26"] == ["5.0%", "15.0%", "12.0%"]


def test_each_step_leads_to_payments_that_come_to_it(creditor: Visitor) -> None:
    page = creditor.text("/portal/months?view=amount")
    links = re.findall(r'class="step" href="([^"]+)">([^<]+)<', page)
    assert len(links) == 5
    for address, shown in links:
        moved = json.loads(creditor.text(f"{address}&as=json".replace("&amp;", "&")))
        assert sum(one["amount"]["minor"] for one in moved) == int(shown.replace(",", ""))


def test_the_track_compares_equal_months_only(creditor: Visitor) -> None:
    track = creditor.text("/portal/months?reference=2026-02").partition('id="track"')[2]
    assert re.findall(r'<td class="num">([^<]+)</td>', track) == ["+5", "+10"]  # 5 - 0 and 15 - 5 points
    assert "Jan 26</th>" in track


def test_payments_are_narrowed_and_add_up(creditor: Visitor) -> None:
    def told(query: str) -> list[tuple[int, str]]:
        found = json.loads(creditor.text(f"/portal/payments?as=json&{query}"))
        return [(one["amount"]["minor"], one["way"]) for one in found]

    assert told("from=2026-03") == [(25_000, "agency"), (-30_000, "back")]
    assert told("way=direct") == [(10_000, "direct")]
    assert told("q=A-2") == [(25_000, "agency")]
    assert told("from=2026-03&sort=amount") == [(-30_000, "back"), (25_000, "agency")]
    whole = creditor.text("/portal/payments").replace("\xa0", "")
    assert "CLP145,000" in whole
    assert "CLP27,000" in whole


def test_two_sides_are_taken_home_with_the_numbers_behind_them(creditor: Visitor, rows: Rows) -> None:
    found = json.loads(creditor.text("/portal/compare?left=2026-02&right=2026-03&as=json"))
    collected = next(one for one in found if one["key"] == "collected")
    assert (collected["left_value"], collected["right_value"], collected["currency"]) == (1e5, -5e3, "CLP")
    liquidation = next(one for one in found if one["key"] == "liquidation")
    assert [liquidation[f"right_{part}"] for part in ("numerator", "denominator")] == [145_000, 1_500_000]
    assert creditor.text("/portal/compare?as=csv").startswith("\ufeffISO 4217,")
    assert creditor.get("/portal/compare?as=xlsx").data[:2] == b"PK"


def test_two_sides_are_told_apart(creditor: Visitor, rows: Rows) -> None:
    page = creditor.text("/portal/compare?left=2026-02&right=2026-03").replace("\xa0", "")
    row = page[page.index(">Collected<") :][:700]
    assert [text for text in ("CLP100,000", "-CLP5,000", "-CLP105,000") if text not in row] == []
    months = "left=2026-02&left_to=2026-03&right=2026-03&right_to=2026-03"
    page = creditor.text(f"/portal/compare?{months}").replace("\xa0", "")
    assert '<input id="left_to" name="left_to" type="month" value="2026-03">' in page
    assert "CLP95,000" in page[page.index(">Collected<") :][:700]
    assert creditor.get("/portal/compare?left=2026-03&left_to=2026-02").status_code == 422
    wrong = creditor.get("/portal/compare?left=soon")
    assert wrong.status_code == 422
    assert 'id="left-error"' in wrong.text


def test_every_page_opens_also_for_a_creditor_without_accounts(
    creditor: Visitor, visitor: Visitor, world: World
) -> None:
    for path in PAGES:
        assert creditor.get(path).status_code == 200, path
    empty = Visitor(visitor.client.application.test_client(), visitor.platform)
    empty.sign_in(Role.CREDITOR_VIEWER, world.tenant())
    for path in PAGES:
        page = empty.text(path).replace("\xa0", "")
        assert "CLP120,000" not in page, path
    assert empty.get("/").headers["Location"] == "/portal"


def test_a_wrong_period_is_said_where_it_was_asked(creditor: Visitor) -> None:
    pages = ("", "/months", "/activity", "/costs", "/rolls", "/causes")
    for path, asked in product(pages, ("from=2026-03&to=2026-01", "from=2031-01&to=2031-02")):
        answer = creditor.get(f"/portal{path}?{asked}")
        assert answer.status_code == 422, path
        assert 'id="period-error"' in answer.text, path
    wrong = creditor.get("/portal/payments?from=x")
    assert wrong.status_code == 422
    assert "is not a month" in wrong.text


_LEADS = re.compile(r'<a[^>]*href="(/reports/\d+/rows/[^"]+)"[^>]*>\s*(?:<strong>)?([^<]*)')


def _leads(page: str) -> list[tuple[str, str]]:
    """Where figures of a page lead to their rows, and what they say."""
    return [(html.unescape(url), said.strip()) for url, said in _LEADS.findall(page)]


@pytest.mark.parametrize(
    ("page", "least"),
    [("/portal", 7), ("/portal/months", 2), ("/portal/activity", 3), ("/portal/compare?left=2026-02", 12)],
)
def test_figures_lead_to_their_rows(creditor: Visitor, page: str, least: int) -> None:
    found = dict(_leads(creditor.text(page)))
    assert len(found) >= least
    for url in found:
        assert re.search(r"\d+ rows?<", creditor.text(url)), url


def test_both_sides_of_a_comparison_lead_to_rows_of_their_own_period_and_portfolio(
    creditor: Visitor, rows: Rows
) -> None:
    found = _leads(creditor.text("/portal/compare?left=2026-02&right=2026-03&left_portfolio=1"))
    collected = [url for url, said in found if "/rows/collected?" in url]
    assert ["period=2026-02" in collected[0], "period=2026-03" in collected[1]] == [True, True]
    assert "100,000" in creditor.text(collected[0])


@pytest.mark.parametrize("by", ["accounts", "balance"])
def test_each_share_of_the_roll_rates_leads_to_the_accounts_that_moved(creditor: Visitor, by: str) -> None:
    page = creditor.text(f"/portal/rolls?by={by}")
    cells = re.findall(r'title="([^"]*)"><a class="step" href="([^"]*)">', page)
    assert cells
    for numerator, url in cells:
        rows_behind = creditor.text(html.unescape(url))
        said = f"{numerator} row" if by == "accounts" else f"<strong>{numerator}</strong>"
        assert said in rows_behind, url
    whole = re.findall(r'<td class="num placed"><a[^>]*href="([^"]*)">([^<]*)<', page)
    for url, said in whole:
        assert said in creditor.text(html.unescape(url))


def test_what_was_stopped_and_put_off_leads_to_its_contacts(creditor: Visitor, rows: Rows) -> None:
    with rows.platform.database.transaction(rows.scope) as session:
        account = session.query(Account).filter(Account.client_account == "A-1").one()
    action = rows.add(Action(
        account_id=account.id, debtor_id=account.debtor_id, person_id=account.debtor_id, channel="sms",
        template="t", tone="neutral", purpose="collection", due_at=clock.now(), expires_at=clock.now(),
        state="blocked", created_at=clock.now(), changed_at=clock.now(),
    ))  # fmt: skip
    for state, reason in (("scheduled", "opted_out"), ("scheduled", None), ("blocked", "opted_out")):
        rows.add(ActionEvent(action_id=action.id, at=clock.now(), state=state, reason=reason))
    page = creditor.text("/portal/activity")
    links = re.findall(r'href="([^"]+/rows/(blocked|put_off)\?[^"]+)"', page)
    assert [key for _address, key in links] == ["blocked", "put_off"]
    for address, _key in links:
        (row,) = json.loads(creditor.text(html.unescape(address) + "&as=json"))
        assert row["number"] == "A-1"


def test_the_report_shows_the_newest_months_and_says_so(
    creditor: Visitor, rows: Rows, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = creditor.text("/report")
    assert "Earlier ones" not in page
    assert _placed_in(page) == {"Jan 26", "Feb 26"}
    monkeypatch.setattr(report, "NEWEST", 1)
    page = creditor.text("/report")
    assert _placed_in(page) == {"Feb 26"}
    assert page.count("Earlier ones that are left out here: 1.") == 3  # both stairs, and by placement month
    file = creditor.text(f"/reports/{rows.scope.tenant()}/file.html?period=2026-03")
    assert _placed_in(file) == {"Jan 26", "Feb 26"}


def _placed_in(page: str) -> set[str]:
    """The placement months of which the tables of the report have a row, from the stairs on."""
    tables = page[page.index('class="table report-stairs"') :]
    return set(re.findall(r'<tr><th scope="row">(\w{3} \d\d)</th>', tables))
