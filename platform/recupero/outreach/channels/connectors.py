"""Which connector carries a channel of law for the tenant in scope, and handing messages to it."""

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from sqlalchemy.orm import Session

from recupero.kernel import runtime
from recupero.outreach.actions.kinds import CALL
from recupero.outreach.channels.rests import Rest, resting
from recupero.tenancy import queries as tenancy
from recupero_sdk.channels import Channel, Cost, Message, Receipt, SendOutcome, Uncertain, carried
from recupero_sdk.inbound import Converses
from recupero_sdk.settings import PluginConfig

log = logging.getLogger(__name__)

#: The embedded default: carries every channel to a page of ours, so that nobody is written to by accident.
OUTBOX = "outbox"
_LOST = "the plug-in %s is switched on but did not load"
#: Carried by connectors. Visits are made by people; so are calls, where no connector leads them.
CARRIED = ("sms", "email", "whatsapp", "letter")


@dataclass(frozen=True, slots=True)
class Connector:
    """A connector as the tenant has configured it. `problem` says why it cannot be used as it is, `rest` that
    its provider is down and left alone for a while."""

    key: str
    channel: Channel | None
    config: PluginConfig
    problem: str | None = None
    rest: Rest | None = None

    @property
    def ready(self) -> bool:
        """Whether a message can be handed to it now."""
        return self.problem is None and self.rest is None

    @property
    def to_mend(self) -> str | None:
        """What somebody has to mend in its settings, by themselves or by its provider's word."""
        refused = self.rest is not None and self.rest.refused
        return self.problem or (self.rest.reason if self.rest is not None and refused else None)

    def loaded(self) -> Channel:
        """The plug-in's object. Raises ValueError for a connector that did not load."""
        if self.channel is None:
            raise ValueError(f"connector {self.key} did not load")
        return self.channel


def connectors(session: Session) -> dict[str, Connector]:
    """The connector for each carried channel of law, for the tenant in scope.

    A connector that the tenant has switched on comes before the outbox. One that is switched on but is not
    installed, failed to load, or is not fully configured is named with its problem: nothing falls back to
    another one unseen.
    """
    keys = [key for key in tenancy.enabled_plugins(session, "channel") if key != OUTBOX]
    set_up = [(key, tenancy.plugin_config(session, "channel", key)) for key in keys]
    return _carrying([(key, found[1]) for key, found in set_up if found], resting(session) if keys else [])


def connectors_of(session: Session, tenant_id: int) -> dict[str, Connector]:
    """The same for one of several tenants in scope."""
    enabled = [
        (key, config)
        for key, config in tenancy.plugin_configs(session, tenant_id, "channel")
        if key != OUTBOX
    ]
    rests = resting(session) if enabled else []
    return _carrying(enabled, [rest for rest in rests if rest.tenant_id == tenant_id])


def misconfigured(session: Session) -> list[tuple[int, Connector]]:
    """The connectors that are switched on for the tenants in scope and cannot be used as they are, each with
    its tenant."""
    registered, found = runtime.current().plugins.channels, list[tuple[int, Connector]]()
    for tenant_id, key, config in tenancy.all_plugin_configs(session, "channel"):
        channel = registered.get(key)
        problem = channel.check(config) if channel is not None else _LOST % key
        if problem is not None:
            found.append((tenant_id, Connector(key, channel, config, problem)))
    return found


def _carrying(enabled: Sequence[tuple[str, PluginConfig]], resting: Sequence[Rest]) -> dict[str, Connector]:
    registered, chosen = runtime.current().plugins.channels, dict[str, Connector]()
    rests = {rest.connector: rest for rest in resting}
    for key, config in enabled:
        if key not in registered:
            lost = Connector(key, None, PluginConfig(), _LOST % key)
            return dict.fromkeys((*CARRIED, CALL), lost)
        _claim(chosen, Connector(key, registered[key], config, registered[key].check(config)))
    if OUTBOX in registered:
        _claim(chosen, Connector(OUTBOX, registered[OUTBOX], PluginConfig()))
    return {name: replace(one, rest=rests.get(one.key)) for name, one in chosen.items()}


def led_by_machine(session: Session) -> list[int]:
    """The tenants in scope for whom a connector is switched on that leads calls by a script, and is set up to
    carry those that are planned: these go out like messages."""
    channels = runtime.current().plugins.channels
    leading = {key: one for key, one in channels.items() if isinstance(one, Converses)}
    on = tenancy.plugin_settings_on(session, "channel", leading) if leading else []
    found = (tenant for tenant, key, told in on if CALL in carried(leading[key], PluginConfig(told)))
    return list(dict.fromkeys(found))


def carried_for(session: Session) -> tuple[str, ...]:
    """The channels of law that connectors carry for the tenant in scope."""
    return (*CARRIED, CALL) if led_by_machine(session) else CARRIED


def _claim(chosen: dict[str, Connector], connector: Connector) -> None:
    if connector.channel is not None:
        for name in carried(connector.channel, connector.config):
            chosen.setdefault(name, connector)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one message, as its receipt says; `state` is its outcome, or `unknown`. `for_all`: the
    account was refused, whatever it is handed."""

    state: str
    reference: str | None = None
    reason: str | None = None
    cost: Cost | None = None
    opted_out: bool = False
    for_all: bool = False


def send(
    connector: Connector, messages: Sequence[Message], parts: Iterable[slice]
) -> Iterator[dict[str, Outcome]]:
    """Hand the messages over in these parts; outcomes by message key, one mapping a part. Once the account is
    refused the later parts are not tried: nobody's password gets right by saying it again."""
    refused: Outcome | None = None
    for part in parts:
        if refused is not None:
            yield dict.fromkeys((message.key for message in messages[part]), refused)
            continue
        outcomes = _send_batch(connector.loaded(), messages[part], connector.config)
        refused = next((one for one in outcomes.values() if one.for_all), None)
        yield outcomes


def _send_batch(channel: Channel, messages: Sequence[Message], config: PluginConfig) -> dict[str, Outcome]:
    try:
        receipts: Sequence[Receipt] = channel.send(messages, config)
        doubt = "the connector gave no receipt"
    except Uncertain as error:
        receipts, doubt = error.receipts, error.reason
    except Exception as error:
        log.exception("connector %s failed in mid-send", channel.key)
        receipts, doubt = (), type(error).__name__
    return _by_key(messages, receipts, doubt)


def _by_key(messages: Sequence[Message], receipts: Sequence[Receipt], doubt: str) -> dict[str, Outcome]:
    known: Mapping[str, Receipt] = {receipt.key: receipt for receipt in receipts}
    outcomes: dict[str, Outcome] = {}
    for message in messages:
        receipt = known.get(message.key)
        if receipt is None:
            outcomes[message.key] = Outcome("unknown", reason=doubt)
        else:
            outcomes[message.key] = Outcome(
                SendOutcome(receipt.outcome).value,
                receipt.reference,
                receipt.reason,
                receipt.cost,
                receipt.opted_out,
                receipt.for_all,
            )
    return outcomes
