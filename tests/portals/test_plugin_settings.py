"""The settings of the plug-ins that come with the platform are called something in the reader's language."""

from recupero.kernel import runtime
from recupero.portals.words.words import LABELS
from recupero.tenancy.permissions import Role
from tests.factories import World
from tests.portals.conftest import Visitor


def test_every_setting_has_a_word(platform: runtime.Runtime) -> None:
    plugins = platform.plugins
    asked = {one.label for each in (plugins.channels, plugins.gateways) for plugin in each.values()
             for one in plugin.settings}  # fmt: skip
    assert asked
    assert sorted(asked - set(LABELS["plugin_setting"])) == []


def test_the_form_of_a_plugin_is_in_the_readers_language(visitor: Visitor, world: World) -> None:
    scope = world.tenant()
    visitor.sign_in(Role.AGENCY_ADMINISTRATOR, scope)
    page = visitor.text(f"/tenants/{scope.tenant()}/plugins/channel/email?lang=es")
    assert "Servidor SMTP" in page
    assert "SMTP server" not in page
