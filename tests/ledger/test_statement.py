"""A statement's figures under each way of remitting, by hand and by law."""

from hypothesis import given
from hypothesis import strategies as st

from recupero.ledger.statement import Line, Method, due, totals

# 1,000 paid to the agency (fee 200, tax 38), 500 paid to the creditor (fee 100, tax 19), 100 of it reversed.
LINES = [
    Line(direct=False, counts=True, amount_minor=1000, fee_minor=200, tax_minor=38),
    Line(direct=True, counts=True, amount_minor=500, fee_minor=100, tax_minor=19),
    Line(direct=False, counts=True, amount_minor=-100, fee_minor=-20, tax_minor=-4),
    Line(direct=False, counts=False, amount_minor=70, fee_minor=0, tax_minor=0),
]


def test_net_keeps_the_fee_on_its_own_and_invoices_the_rest() -> None:
    found = totals(Method.NET, 0, LINES)
    assert (found.collected_minor, found.direct_minor, found.fees_minor, found.tax_minor) == (
        900,
        500,
        280,
        53,
    )
    assert (found.withheld_minor, found.invoiced_minor, found.payable_minor) == (214, 119, 686)


def test_gross_remits_everything_and_invoices_every_fee() -> None:
    found = totals(Method.GROSS, 0, LINES)
    assert (found.withheld_minor, found.invoiced_minor, found.payable_minor) == (0, 333, 900)


def test_combined_keeps_every_fee() -> None:
    found = totals(Method.COMBINED, 0, LINES)
    assert (found.withheld_minor, found.invoiced_minor, found.payable_minor) == (333, 0, 567)


def test_what_comes_out_below_zero_is_carried_over() -> None:
    found = totals(Method.COMBINED, -200, LINES[1:3])
    assert (found.payable_minor, found.closing_minor) == (0, -200 - 100 - 95)


LINE = st.builds(
    Line,
    direct=st.booleans(),
    counts=st.booleans(),
    amount_minor=st.integers(-(10**9), 10**9),
    fee_minor=st.integers(-(10**8), 10**8),
    tax_minor=st.integers(-(10**7), 10**7),
)


@given(st.sampled_from(Method), st.integers(-(10**9), 0), st.lists(LINE))
def test_nothing_is_lost_between_what_came_in_and_what_goes_out(
    method: Method, opening: int, lines: list[Line]
) -> None:
    found = totals(method, opening, lines)
    assert found.payable_minor + found.closing_minor == opening + found.collected_minor - found.withheld_minor
    assert found.withheld_minor + found.invoiced_minor == found.fees_minor + found.tax_minor
    assert found.payable_minor >= 0 >= found.closing_minor
    assert not (found.payable_minor and found.closing_minor)


@given(st.sampled_from(Method), st.integers(-(10**9), 0), st.lists(LINE))
def test_what_lines_bring_is_what_the_statement_pays(method: Method, opening: int, lines: list[Line]) -> None:
    found, brought = totals(method, opening, lines), [due(method, line) for line in lines]
    assert opening + sum(client for client, _agency in brought) == found.payable_minor + found.closing_minor
    assert sum(agency for _client, agency in brought) == found.fees_minor + found.tax_minor
