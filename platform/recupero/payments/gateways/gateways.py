"""Which gateway a creditor takes payments with, and how it is set."""

import hmac

from sqlalchemy.orm import Session

from recupero.kernel import crypto, runtime
from recupero.kernel.database import scope_of
from recupero.kernel.errors import NotFound, UserError
from recupero.kernel.money import Money
from recupero.tenancy import queries as tenancy
from recupero_sdk.gateways import Gateway, MinimumGateway, SplittingGateway, SteppedGateway
from recupero_sdk.settings import PluginConfig

SANDBOX = "sandbox"


def chosen(session: Session) -> str:
    """Key of the gateway of the tenant in scope: the one that is switched on, else the sandbox.

    Raises UserError where several are on.
    """
    keys = [key for key in tenancy.enabled_plugins(session, "gateway") if key != SANDBOX]
    if len(keys) > 1:
        raise UserError(
            "several payment gateways are on (%(known)s): switch all but one off", known=", ".join(keys)
        )
    return keys[0] if keys else SANDBOX


def open_gateway(session: Session, key: str) -> tuple[Gateway, PluginConfig]:
    """The gateway `key` with the settings of the tenant in scope.

    Raises NotFound where it is not installed, or is the sandbox of a creditor who takes real money.
    """
    gateway = runtime.current().plugins.gateways.get(key)
    if gateway is None or (key == SANDBOX and chosen(session) != SANDBOX):
        raise NotFound("no such payment gateway")
    found = tenancy.plugin_config(session, "gateway", key)
    if found is not None:
        return gateway, _signed(session, key, found[1])
    if key != SANDBOX:
        raise NotFound("no such payment gateway")
    return gateway, _signed(session, key, PluginConfig())


def pays_creditor(session: Session, key: str) -> bool:
    """Whether the gateway `key` puts the money into the account of the creditor in scope (Connect)."""
    gateway, config = open_gateway(session, key)
    return isinstance(gateway, SplittingGateway) and gateway.pays_creditor(config)


def minimum(session: Session, currency: str) -> int:
    """The smallest payment that the gateway of the tenant in scope takes, minor units."""
    gateway, _config = open_gateway(session, chosen(session))
    return gateway.minimum_minor(currency) if isinstance(gateway, MinimumGateway) else 1


def step(session: Session, currency: str) -> int:
    """What each payment that the gateway of the tenant in scope takes is a multiple of, minor units."""
    gateway, _config = open_gateway(session, chosen(session))
    return gateway.step_minor(currency) if isinstance(gateway, SteppedGateway) else 1


def out_of_step(currency: str, step_minor: int) -> UserError:
    """What is said of an amount that the gateway cannot take."""
    return UserError(
        "with this way of paying amounts go in steps of %(step)s %(currency)s",
        field="amount", step=str(Money(step_minor, currency).major()), currency=currency,
    )  # fmt: skip


def _signed(session: Session, key: str, config: PluginConfig) -> PluginConfig:
    """The sandbox's signing secret is derived where none is set, so that it works at once."""
    if key != SANDBOX or config.get("signing_secret"):
        return config
    text = f"sandbox:{scope_of(session).tenant()}".encode()
    derived = hmac.new(crypto.keyring().session_key, text, "sha256").hexdigest()
    return PluginConfig(config.settings, {"signing_secret": derived})
