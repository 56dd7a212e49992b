"""The pages of models: what serves whom, what moved, what speaks for a challenger, and a person's yes."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask

from recupero.decisions.learning import drift, looks, promotion, registry
from recupero.decisions.learning.registry import Finished, Version
from recupero.kernel import audit, clock, runtime
from recupero.kernel.database import Scope
from recupero.kernel.errors import UserError
from recupero.tenancy.permissions import Permission, Role
from tests.api.conftest import machine
from tests.factories import World
from tests.portals.conftest import Visitor

pytestmark = pytest.mark.usefixtures("noon")
CHOICES = {"choices_gain": -0.02, "choices_gain_low": -0.03, "choices_gain_high": 0.01, "choices_ess": 90.0}
WON = {"gain": 0.01, "gain_low": 0.005, "gain_high": 0.015, "holdout_auc": 0.71}
NOTHING: Mapping[str, Any] = {}
CURVE = '[{"rows": 10, "predicted": 0.1, "happened": 0.12}, {"rows": 10, "predicted": 0.4, "happened": 0.38}]'
TEXTS = {
    "card.md": "# Who pays", "calibration.json": CURVE,
    "learning.json":
    '[{"rows": 100, "auc": 0.6, "log_loss": 0.3}, {"rows": 200, "auc": 0.7, "log_loss": 0.2}]',
    "fairness.json": '{"region": {"CL-RM": {"rows": 60, "predicted": 0.1, "happened": 0.2, "off_by": -0.1,'
                     ' "chosen_share": 1.1}}}',
}  # fmt: skip


def _made(
    scope: Scope,
    alias: str | None,
    figures: Mapping[str, Any] = NOTHING,
    tenant_id: int | None = None,
    against: Version | None = None,
    kind: str = "propensity",
) -> Version:
    name = registry.name_of(kind, agency_id=scope.agency(), tenant_id=tenant_id)
    notes = {registry.CHOICES: str(figures.get("choices", registry.NO_CHOICES))}
    figures = {key: value for key, value in figures.items() if key != "choices"}
    finished = Finished(kind, b"", ("balance_log",), figures, {}, notes, TEXTS)
    made = registry.register(name, finished, against)
    if alias:
        registry.set_alias(name, alias, made.version)
    return made


def test_a_model_of_messages_shows_how_well_it_reads_and_no_rows(visitor: Visitor, world: World) -> None:
    scope = world.tenant()
    read = {"holdout_first_right": 0.89, "holdout_share_at_98": 0.41, "texts": 4770, "corrected": 24}
    _made(scope, "champion", read, kind="intents")
    judged = {"judged_texts": 24, "judged_first_right": 0.75, "serving_first_right": 0.5}
    second = _made(scope, "challenger", {**read, **WON, **judged}, kind="intents")
    visitor.sign_in(Role.COMPLIANCE_OFFICER, scope)
    card = visitor.text("/models").split('id="intents"')[1].split("</section>")[0]
    for told in ("First guess right", "89%", "Read alone, 98 of 100 right", "41%", "a measured win"):
        assert told in card
    assert "AUC" not in card
    page = visitor.text(f"/models/{second.name}")
    assert "Corrected messages" in page
    assert 'id="drift"' not in page
    page = visitor.text(f"/models/{second.name}/2")
    for told in ("Newly corrected messages that both read", "First guess right on these", "0.75"):
        assert told in page
    answer = visitor.send(f"/models/{second.name}/2/promote", _page=f"/models/{second.name}/2")
    assert answer.status_code == 302
    assert "Version 2 reads the next message." in visitor.text(f"/models/{second.name}")


def test_a_person_sees_the_win_and_says_yes_and_it_comes_back(visitor: Visitor, world: World) -> None:
    scope = world.tenant()
    first = _made(scope, "champion", {"holdout_auc": 0.68})
    second = _made(scope, "challenger", WON)
    visitor.sign_in(Role.COMPLIANCE_OFFICER, scope)
    assert "a measured win" in visitor.text("/models")
    assert "Version 2 in shadow" in visitor.text(f"/models/{first.name}")
    place = f"/models/{second.name}/2"
    page = visitor.text(place)
    for told in (
        "+0.01",
        "90% interval",
        "Region: CL-RM",
        "AUC after learning",
        "Who pays",
        "Let version 2 serve",
    ):
        assert told in page, told
    assert visitor.send(f"{place}/promote", _page=place).status_code == 302
    assert _champion(first.name) == "2"
    assert registry.by_alias(first.name, "challenger") is None
    back = f"/models/{first.name}/1"
    assert "It served before, and may come back." in visitor.text(back)
    assert visitor.send(f"{back}/promote", _page=back).status_code == 302
    assert _champion(first.name) == "1"
    assert visitor.send(f"{back}/promote", _page=place).status_code == 409
    with world.platform.database.transaction(scope) as session:
        events = audit.page(session, holding="decisions.model_promoted")
    assert [event.details["version"] for event in events] == ["1", "2"]
    assert all(event.actor.startswith("user:") for event in events)


def test_a_win_over_what_served_before_is_no_win_over_what_serves(visitor: Visitor, world: World) -> None:
    scope = world.tenant()
    first = _made(scope, "champion")
    _made(scope, None, WON, against=first)
    third = _made(scope, "challenger", WON, against=first)
    visitor.sign_in(Role.COMPLIANCE_OFFICER, scope)
    assert "may not serve" not in visitor.text(f"/models/{first.name}/2")
    promotion.promote(world.platform.database, scope, first.name, third.version, actor="test")
    assert "a version that no longer serves" in visitor.text(f"/models/{first.name}/2")
    with pytest.raises(UserError, match="no longer serves"):
        promotion.promote(world.platform.database, scope, first.name, "2", actor="test")
    promotion.promote(world.platform.database, scope, first.name, first.version, actor="test")
    promotion.promote(world.platform.database, scope, first.name, "2", actor="test")


@pytest.mark.parametrize(
    ("figures", "why"),
    [
        ({}, "never measured"),
        ({"gain": 0.01, "gain_low": -0.001, "gain_high": 0.02}, "not proven"),
        ({"gain": -0.01, "gain_low": -0.02, "gain_high": -0.001}, "loses more"),
        ({**WON, "choices": registry.UNSUPPORTED}, "cannot say"),
        ({**WON, "choices": registry.FEW_APART}, "for too few who paid"),
        ({**WON, **CHOICES, "choices_gain_high": -0.01}, "brought less"),
    ],
)  # fmt: skip
def test_without_a_measured_win_nothing_serves(
    visitor: Visitor, world: World, figures: dict[str, Any], why: str
) -> None:
    scope = world.tenant()
    name = _made(scope, "champion").name
    _made(scope, "challenger", figures)
    visitor.sign_in(Role.AGENCY_ADMINISTRATOR, scope)
    page = visitor.text(f"/models/{name}/2")
    assert why in page
    assert "Let version 2 serve" not in page
    answer = visitor.send(f"/models/{name}/2/promote", _page="/models")
    assert (answer.status_code, "is not promoted" in answer.text) == (422, True)
    assert _champion(name) == "1"


def test_choices_that_are_proven_to_bring_more_are_a_win_by_themselves(world: World) -> None:
    scope = world.tenant()
    _made(scope, "champion")
    better = {**CHOICES, "choices_gain_low": 0.01, "choices_gain_high": 0.05}
    made = _made(scope, "challenger", better)
    promotion.promote(world.platform.database, scope, made.name, made.version, actor="test")
    assert _champion(made.name) == "2"


def test_a_creditors_own_stands_above_the_agencys_and_gives_way(visitor: Visitor, world: World) -> None:
    agency = world.agency()
    scope, other = world.tenant(agency), world.tenant(agency)
    both = Scope(scope.agency_id, (scope.tenant(), other.tenant()))
    general = _made(scope, "champion")
    own = _made(scope, "challenger", tenant_id=scope.tenant())
    with pytest.raises(UserError, match="never measured"):
        promotion.promote(world.platform.database, both, own.name, "1", actor="test")
    _made(scope, None, WON, scope.tenant())
    promotion.promote(world.platform.database, both, own.name, "2", actor="test")
    visitor.sign_in(Role.AGENCY_ADMINISTRATOR, both)
    assert "stands above the agency" in visitor.text("/models")
    assert "Let the agency" not in visitor.text(f"/models/{general.name}")
    assert visitor.send(f"/models/{own.name}/retire", _page=f"/models/{own.name}").status_code == 302
    assert registry.by_alias(own.name, "champion") is None
    assert visitor.send(f"/models/{general.name}/retire", _page="/models").status_code == 422
    served = registry.serving(scope, own.name)
    assert served is not None
    assert served.name == general.name


def test_a_drift_stands_on_the_page_and_on_the_home_page(visitor: Visitor, world: World) -> None:
    scope = world.tenant()
    made = _made(scope, "champion")
    with world.platform.database.transaction(scope) as session:
        for psi in (0.05, 0.4):
            told = {"accounts": 300, "score": psi, "features": {"balance_log": psi, "phones": 0.01}}
            looks.keep(session, made, looks.DRIFT, told, alarm=psi > drift.DRIFTED)
            clock.advance(timedelta(days=1))
    visitor.sign_in(Role.SUPERVISOR, scope)
    assert "have moved away from what the model “Who pays” learned" in visitor.text("/")
    assert made.name in visitor.text("/models")
    page = visitor.text(f"/models/{made.name}")
    assert "Balance owed: <strong>0.4</strong>" in page
    assert "Let " not in visitor.text(f"/models/{made.name}/1")


def test_who_may_not_promote_and_what_is_not_theirs(visitor: Visitor, world: World) -> None:
    scope, stranger = world.tenant(), world.tenant()
    name = _made(scope, "champion").name
    _made(scope, "challenger", WON)
    foreign = _made(stranger, "champion").name
    visitor.sign_in(Role.SUPERVISOR, scope)
    assert "None is trained yet." in visitor.text("/models")
    assert visitor.send(f"/models/{name}/2/promote", _page="/models").status_code == 403
    assert visitor.send("/models/look", _page="/models").status_code == 403
    for path in (f"/models/{foreign}", f"/models/{foreign}/1", f"/models/{name}/9", "/models/nothing"):
        assert visitor.get(path).status_code == 404, path


def test_the_same_through_the_api(app: Flask, platform: runtime.Runtime, world: World) -> None:
    scope, stranger = world.tenant(), world.tenant()
    made, foreign = _made(scope, "champion"), _made(stranger, "champion")
    _made(scope, "challenger", WON)
    with platform.database.transaction(scope) as session:
        looks.keep(session, made, looks.DRIFT, {"accounts": 300, "score": 0.1, "features": {}})
    client = machine(app, platform, scope, Permission.DECISIONS_READ, Permission.MODELS_PROMOTE)
    listed = client.get("/api/v1/models")["items"]
    assert [(each["version"], each["aliases"], each["evidence"]["won"]) for each in listed] == [
        ("2", ["challenger"], True), ("1", ["champion"], False)
    ]  # fmt: skip
    place = f"/api/v1/models/{made.name}"
    assert [each["what"] for each in client.get(f"{place}/looks")["items"]] == ["drift"]
    assert client.send(f"{place}/versions/2/promote", 200)["aliases"] == ["champion"]
    assert client.call("POST", f"{place}/versions/2/promote", json={}).status_code == 409
    assert client.call("POST", f"{place}/retire", json={}).status_code == 422
    assert (
        client.call("POST", f"/api/v1/models/{foreign.name}/versions/1/promote", json={}).status_code == 404
    )
    assert client.call("GET", f"/api/v1/models/{foreign.name}/looks").status_code == 404
    reader = machine(app, platform, scope, Permission.DECISIONS_READ)
    assert reader.call("POST", f"{place}/versions/1/promote", json={}).status_code == 403


def _champion(name: str) -> str | None:
    found = registry.by_alias(name, "champion")
    return found.version if found else None
