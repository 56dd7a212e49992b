"""The benchmark of the law judges every account it says it does, and measures what it says."""

from recupero.decisions.law_bench import CHANNELS, accounts
from recupero.law.batch import ACCOUNT_COLUMNS


def test_accounts_are_made_alike_in_every_run_and_in_every_part() -> None:
    whole, part = accounts(1, 400), accounts(201, 400)
    assert whole[200:].equals(part)
    assert set(ACCOUNT_COLUMNS) <= set(whole.columns)
    assert set(whole["country"]) == {"CL", "CO"}
    assert 0.4 < whole["consented_channels"].is_null().mean() < 0.6  # type: ignore[operator]  # a share
    assert len(CHANNELS) == 5
