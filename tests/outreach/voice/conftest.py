"""A creditor whose planned calls go out over a Twilio account on this machine, and Twilio's side of them."""

from collections.abc import Iterator

import pytest
from flask import Flask

from plugins.channels.voice.tests.twilio_calls import Twilio, running
from recupero.kernel import runtime
from recupero.kernel.database import Scope
from recupero.placements.tables import Debtor
from recupero.tenancy import service as tenancy
from tests.factories import World
from tests.outreach.placed import Placed, permit, place, plan
from tests.outreach.test_carrying_out import run
from tests.outreach.voice.telephone import Telephone


@pytest.fixture
def scope(world: World, noon: object) -> Scope:
    return world.tenant(country="CO")


@pytest.fixture
def placed(scope: Scope) -> Placed:
    """A debtor in Bogotá of whom two facts are known that keys can tell."""
    (found,) = place(scope, country="CO", currency="COP", region="CO-DC", timezone="America/Bogota")
    with runtime.current().database.transaction(scope) as session:
        debtor = session.get_one(Debtor, (scope.tenant(), found.debtor_id))
        debtor.birth_date, debtor.national_id = "1985-04-02", "1.234.5.678-5"
    permit(found, "call")  # Colombia calls those alone who allowed it
    return found


@pytest.fixture
def telephone(app: Flask, scope: Scope) -> Iterator[Telephone]:
    twilio = Twilio()
    with running(twilio, prices="default=0.05") as config:
        with runtime.current().database.transaction(scope) as session:
            tenancy.configure_plugin(
                session, kind="channel", key="voice", enabled=True, settings=dict(config.settings),
                secret_values=dict(config.secrets), actor="system",
            )  # fmt: skip
        yield Telephone(app.test_client(), scope, twilio)


@pytest.fixture
def called(placed: Placed, telephone: Telephone) -> Telephone:
    """One planned call of the tenant is ringing."""
    plan([placed], "call")
    run()
    return telephone
