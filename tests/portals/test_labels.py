"""Labels: each creditor's own, on accounts, in lists and search, on many at once with undo, by the API."""

import re

import pytest
from flask import Flask

from recupero.kernel.database import Scope
from recupero.outreach.orders import bulk
from recupero.placements import labels
from recupero.tenancy.permissions import Role
from tests.api.conftest import machine
from tests.decisions import debts
from tests.factories import World
from tests.portals.conftest import Visitor

LIST, MANY = "/accounts", "/accounts/many"


@pytest.fixture
def scope(world: World, noon: object) -> Scope:
    return world.tenant()


@pytest.fixture
def owed(visitor: Visitor, scope: Scope) -> list[int]:
    with visitor.platform.database.transaction(scope) as session:
        portfolio = debts.portfolio(session)
        return [debts.debt(session, portfolio, client_account=f"L-{one}").account_id for one in range(3)]


def made(visitor: Visitor, scope: Scope, name: str, colour: str = "red") -> int:
    with visitor.platform.database.transaction(scope) as session:
        return labels.create(session, name=name, colour=colour, actor="user:1")


def borne(visitor: Visitor, scope: Scope, ids: list[int]) -> list[list[str]]:
    with visitor.platform.database.transaction(scope) as session:
        found = labels.of_accounts(session, ids)
    return [[one.name for one in found.get(account, [])] for account in ids]


def test_labels_are_made_changed_and_done_away_with(visitor: Visitor, scope: Scope, owed: list[int]) -> None:
    visitor.sign_in(Role.SUPERVISOR, scope)
    tenant = scope.tenant()
    visitor.send("/labels", "/labels", tenant=tenant, name="  Dueño  nuevo ", colour="blue")
    page = visitor.text("/labels")
    assert '<span class="tag tag-blue">Dueño nuevo</span>' in page
    twice = visitor.send("/labels", "/labels", tenant=tenant, name="DUEÑO NUEVO", colour="red")
    assert (twice.status_code, "There is a label of this name already" in twice.text) == (422, True)
    assert 'value="DUEÑO NUEVO"' in twice.text
    assert visitor.send("/labels", "/labels", tenant=tenant, name=" ", colour="red").status_code == 422
    assert visitor.send("/labels", "/labels", tenant=tenant, name="x", colour="pink").status_code == 422
    here = re.findall(r'action="(/labels/\d+)"', page)[0]
    visitor.send(here, "/labels", name="Dueño", colour="green")
    assert '<span class="tag tag-green">Dueño</span>' in visitor.text("/labels")
    label_id = int(here.rpartition("/")[2])
    visitor.send(f"{LIST}/{owed[0]}/labels", f"{LIST}/{owed[0]}", label=[label_id])
    assert borne(visitor, scope, owed) == [["Dueño"], [], []]
    visitor.send(f"{here}/remove", "/labels")  # nobody ticked that it is for good
    assert borne(visitor, scope, owed) == [["Dueño"], [], []]
    visitor.send(f"{here}/remove", "/labels", sure="yes")
    assert borne(visitor, scope, owed) == [[], [], []]


def test_an_account_bears_labels_that_lists_and_search_find(
    visitor: Visitor, scope: Scope, owed: list[int]
) -> None:
    urgent, abroad = made(visitor, scope, "Urgente"), made(visitor, scope, "Vive fuera", "violet")
    visitor.sign_in(Role.AGENT, scope)
    visitor.send(f"{LIST}/{owed[1]}/labels", f"{LIST}/{owed[1]}", label=[urgent, abroad])
    visitor.send(f"{LIST}/{owed[2]}/labels", f"{LIST}/{owed[2]}", label=[abroad])
    assert "tag-red" in visitor.text(f"{LIST}/{owed[1]}")
    narrowed = visitor.text(f"{LIST}?label={urgent}")
    assert [number in narrowed for number in ("L-0", "L-1", "L-2")] == [False, True, False]
    assert "Urgente, Vive fuera" in visitor.text(f"{LIST}?label={urgent}&as=csv")
    found = visitor.text("/search?q=fuera")
    assert f'href="{LIST}?label={abroad}"' in found
    assert visitor.get("/labels").status_code == 403  # agents put labels on; the set is their supervisor's
    visitor.send(f"{LIST}/{owed[1]}/labels", f"{LIST}/{owed[1]}", label=[abroad])
    assert borne(visitor, scope, owed) == [[], ["Vive fuera"], ["Vive fuera"]]


def test_many_are_labelled_after_a_look_and_it_is_taken_back(
    visitor: Visitor, scope: Scope, owed: list[int]
) -> None:
    urgent = made(visitor, scope, "Urgente")
    visitor.sign_in(Role.SUPERVISOR, scope)
    with visitor.platform.database.transaction(scope) as session:
        labels.put(session, owed[0], [urgent], actor="user:1")
    seen = visitor.send(MANY, LIST, do="label", account=owed)
    assert "they bear the label already" in seen.text
    assert borne(visitor, scope, owed) == [["Urgente"], [], []]
    order = {"do": "label", "which_label": urgent, "account": owed, "confirmed": "yes", "why": "visita"}
    assert visitor.send(MANY, LIST, **order).status_code == 302
    assert borne(visitor, scope, owed) == [["Urgente"]] * 3
    with visitor.platform.database.transaction(scope) as session:
        (made_order,) = bulk.orders(session)
        assert (made_order.changed, len(made_order.account_ids)) == (2, 2)
        made_order.state = "waiting"  # as a worker saw it that began at the same moment
    bulk.carry_out(visitor.platform.database, scope, made_order.id)
    with visitor.platform.database.transaction(scope) as session:
        assert [one.changed for one in bulk.orders(session)] == [2]
    undo(visitor)
    assert borne(visitor, scope, owed) == [["Urgente"], [], []]  # what it bore before stays
    off = {**order, "do": "unlabel"}
    assert visitor.send(MANY, LIST, **off).status_code == 302
    assert borne(visitor, scope, owed) == [[], [], []]
    undo(visitor)
    assert borne(visitor, scope, owed) == [["Urgente"], [], []]


def undo(visitor: Visitor) -> None:
    page = visitor.text(MANY)
    there = MANY + page.split(f'action="{MANY}')[1].split('"')[0]
    assert visitor.send(there, MANY).status_code == 302


def test_a_label_of_one_creditor_is_never_on_anothers_accounts(
    visitor: Visitor, world: World, scope: Scope, owed: list[int]
) -> None:
    other = world.tenant(Scope(scope.agency_id))
    foreign = made(visitor, other, "Ajena")
    both = Scope(scope.agency_id, (scope.tenant(), other.tenant()))
    with visitor.platform.database.transaction(both) as session:
        assert bulk.preview(session, "label", owed, label_id=foreign).spared == {"elsewhere": 3}
    visitor.sign_in(Role.AGENT, both)
    assert visitor.send(f"{LIST}/{owed[0]}/labels", f"{LIST}/{owed[0]}", label=[foreign]).status_code == 404


def test_the_api_has_labels_their_accounts_and_what_an_account_bears(
    app: Flask, visitor: Visitor, world: World, scope: Scope, owed: list[int]
) -> None:
    api = machine(app, visitor.platform, scope)
    new = {"tenant_id": scope.tenant(), "name": "Urgente", "colour": "red"}
    label_id = api.send("/api/v1/labels", **new)["id"]
    assert api.send("/api/v1/labels", status=409, **new)["field"] == "name"
    assert api.get("/api/v1/labels")["items"] == [{"id": label_id, **new}]
    done = api.send(f"/api/v1/labels/{label_id}/accounts", status=200, give=owed[:2], take=[owed[2]])
    assert done == {"given": 2, "taken": 0}
    first = api.get(f"/api/v1/labels/{label_id}/accounts", limit=1)
    assert first == {"account_ids": [min(owed[:2])], "next": min(owed[:2])}
    kept = api.send(f"/api/v1/accounts/{owed[2]}/labels", status=200, method="PUT", label_ids=[label_id])
    assert [one["name"] for one in kept["items"]] == ["Urgente"]
    stranger = machine(app, visitor.platform, world.tenant(Scope(scope.agency_id)))
    assert stranger.get("/api/v1/labels")["items"] == []
    stranger.send(f"/api/v1/labels/{label_id}/accounts", status=404, give=owed)
    assert stranger.call("DELETE", f"/api/v1/labels/{label_id}").status_code == 404
    assert api.call("DELETE", f"/api/v1/labels/{label_id}").status_code == 204
    assert api.get(f"/api/v1/accounts/{owed[0]}/labels")["items"] == []
