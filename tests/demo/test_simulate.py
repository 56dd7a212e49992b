"""A trial of a policy drives the real pipeline, lawfully, and tells it from the platform's own records."""

from collections.abc import Iterator

import pytest
from sqlalchemy import func, select

from recupero.decisions.learning import registry
from recupero.decisions.planning import policies
from recupero.demo.simulate import ANNOYANCE, KEPT, History, Trial, keep, run, teach
from recupero.kernel import runtime
from recupero.kernel.database import Scope
from recupero.kernel.errors import UserError
from recupero.outreach.conversations.tables import ChannelEvent
from recupero.outreach.tables import Action
from recupero.placements.tables import Account, Portfolio
from recupero.tenancy.queries import agency_scopes

KEYS = {
    "recovered_minor", "contacts", "complaints", "opt_outs", "cost_minor", "promises_kept",
    "illegal_contacts", "seconds", "recovered_share", "contacts_by_channel", "recovered_by_month_minor",
    "placed_minor", "expected_minor",
}  # fmt: skip


def test_a_trial_learns_on_one_creditor_and_measures_on_the_next(platform: runtime.Runtime) -> None:
    said: list[str] = []
    trial = Trial("oracle", days=2, accounts=24, seed=3, learn_days=1, cap=4, pace=(3, 99), annoyance=700_000)
    result = run(platform, trial, said.append)
    assert result.keys() >= KEYS
    assert 20 <= result["placed_accounts"] <= 24
    first_day, both_days = result["contacts_by_day"]
    assert 0 < first_day <= 3, "the pace of the first day"
    assert first_day < both_days <= first_day + 4, "the most of a plan"
    assert result["contacts"] == both_days
    assert result["contacts"] == sum(result["contacts_by_channel"].values())
    assert result["illegal_contacts"] == 0
    assert 0 < result["expected_minor"] < 0.5 * result["contacts"] * result["placed_minor"] / 20
    assert any("No propensity model yet" in line for line in said)
    assert policies.current() is policies.CHAMPION
    (agency,) = agency_scopes(platform.database)
    with platform.database.transaction(Scope(agency.agency_id, agency.tenant_ids)) as session:
        tenant, status = Account.tenant_id, func.min(Account.status)
        placed = dict(session.execute(select(tenant, status).group_by(tenant)).all())
        waiting = set(session.execute(select(Action.tenant_id).where(Action.state == "scheduled")).scalars())
        strategies = select(Portfolio.tenant_id, Portfolio.strategy["annoyance_minor"].as_integer())
        harm = dict(session.execute(strategies).all())
        receipts = select(ChannelEvent.state, ChannelEvent.reason, ChannelEvent.kind).distinct()
        assert set(session.execute(receipts)) <= {("done", "read", "status")}  # none where nobody read
    first, second = sorted(agency.tenant_ids)
    assert placed[first] == "recalled"
    assert placed[second] == "active"
    assert first not in waiting
    assert harm == {first: ANNOYANCE, second: 700_000}, "what is lived through to learn is the same for all"


@pytest.fixture
def kept(platform: runtime.Runtime) -> Iterator[runtime.Runtime]:
    """A platform whose data directory forgets what was kept in it."""
    yield platform
    (platform.config.data_dir / KEPT).unlink(missing_ok=True)


def test_trials_begin_with_what_was_lived_through_once(kept: runtime.Runtime) -> None:
    platform, said = kept, list[str]()
    keep(platform, History(accounts=12, seed=3, learn_days=1), said.append)
    assert len(said) == 1, "nothing is trained before the trial says from how many days"
    with pytest.raises(UserError, match="accounts 12, seed 3, learn_days 1"):
        run(platform, Trial("wait", days=1, accounts=12, seed=4, learn_days=1), said.append)
    result = run(platform, Trial("wait", 1, 12, 3, learn_days=1, taught_days=0), said.append)
    assert result["placed_accounts"] > 0
    assert result["taught_days"] == 0
    assert sum("Learned for 1 days" in line for line in said) == 1
    teach(platform, Trial("wait", 1, 12, 3, learn_days=1), said.append)
    with pytest.raises(UserError, match="taught_days 1"):
        run(platform, Trial("wait", 1, 12, 3, learn_days=1, taught_days=0), said.append)
    with pytest.raises(UserError, match="nothing to learn from"):
        teach(platform, Trial("wait", 1, 12, 3, learn_days=1), said.append)
    (agency,) = agency_scopes(platform.database)
    assert len(agency.tenant_ids) == 2


def test_a_newer_version_serves_in_a_trial_where_it_has_won(kept: runtime.Runtime) -> None:
    platform, said = kept, list[str]()
    keep(platform, History(accounts=12, seed=3, learn_days=1), said.append)
    (agency,) = agency_scopes(platform.database)
    offered = {key: registry.name_of(key, agency_id=agency.agency_id) for key in ("best_time", "right_party")}
    for name, low in zip(offered.values(), (0.01, -0.01), strict=True):
        gained = {"gain": 0.02, "gain_low": low, "gain_high": 0.03}
        for alias, figures in ((registry.CHAMPION, {}), (registry.CHALLENGER, gained)):
            made = registry.register(
                name, registry.Finished(name, b"", ("balance_log",), figures, {}, {}, {})
            )
            registry.set_alias(name, alias, made.version)
    run(platform, Trial("cadence", days=1, accounts=12, seed=3, learn_days=1), said.append)
    assert [line for line in said if "has won" in line] == [
        f"Day 1: version 2 of {offered['best_time']} has won and serves"
    ]
    serving = {key: registry.by_alias(name, registry.CHAMPION) for key, name in offered.items()}
    assert {key: found and found.version for key, found in serving.items()} == {
        "best_time": "2", "right_party": "1"
    }  # fmt: skip


def test_a_policy_that_does_not_exist_is_refused_before_anything_is_made(platform: runtime.Runtime) -> None:
    with pytest.raises(UserError, match="unknown policy 'dice'"):
        run(platform, Trial("dice", days=1, accounts=10, seed=1), print)
    assert not agency_scopes(platform.database)
