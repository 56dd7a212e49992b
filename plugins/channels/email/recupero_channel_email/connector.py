"""The e-mail connector: its settings, and which part does what."""

from collections.abc import Sequence

from recupero_channel_email import hearing, mailbox, signing, smtp
from recupero_channel_email.logo import logo_of
from recupero_sdk.batches import all_refused
from recupero_sdk.channels import Capabilities, Message, Receipt
from recupero_sdk.inbound import Collected, InboundAnswer, InboundRequest
from recupero_sdk.settings import PluginConfig, Setting
from recupero_sdk.signatures import SHORTEST_SECRET

_SECURITY = ("starttls", "ssl", "none")
_NUMBERS = {"port": "587", "timeout": "30", "imap_port": "993", "attachment_bytes": "5000000"}


class Email:
    """E-mail: out over SMTP, back through a mailbox (IMAP) or a signed webhook."""

    key = "email"
    capabilities = Capabilities(channels=("email",), two_way=True, batch_size=200)
    settings: Sequence[Setting] = (
        Setting("host", "SMTP server", required=True),
        Setting("port", "Port", default="587"),
        Setting("security", "Security: starttls, ssl or none", default="starttls"),
        Setting("username", "User name"),
        Setting("password", "Password", secret=True),
        Setting("sender", "Sender address", required=True),
        Setting("domain", "Domain in Message-ID"),
        Setting("timeout", "Seconds to wait", default="30"),
        Setting("dkim_domain", "DKIM: domain that signs"),
        Setting("dkim_selector", "DKIM: selector"),
        Setting("dkim_key", "DKIM: private key (RSA, PEM)", secret=True),
        Setting("logo", "Logo at the head of HTML mails: PNG or JPEG, in base64"),
        Setting("imap_host", "Mailbox: IMAP server"),
        Setting("imap_port", "Mailbox: port", default="993"),
        Setting("imap_security", "Mailbox: ssl, starttls or none", default="ssl"),
        Setting("imap_username", "Mailbox: user name"),
        Setting("imap_password", "Mailbox: password", secret=True),
        Setting("imap_folder", "Mailbox: folder", default="INBOX"),
        Setting("authserv_id", "Name of your mail server in Authentication-Results"),
        Setting("attachment_bytes", "Largest attachment in bytes", default="5000000"),
        Setting("inbound_secret", "Webhook: secret that signs", secret=True),
        Setting("per_second", "Messages a second that the relay takes"),
        Setting("concurrency", "Connections at once"),
    )

    def check(self, config: PluginConfig) -> str | None:
        """What is missing or malformed in the settings. Connects to nothing."""
        if problem := config.missing("host", "sender") or config.not_above_zero("per_second", "concurrency"):
            return problem
        if "@" not in config.get("sender"):
            return "sender must be an e-mail address"
        for name, default in _NUMBERS.items():
            if not config.get(name, default).isdecimal():
                return f"{name} must be a whole number"
        for name, default in (("security", "starttls"), ("imap_security", "ssl")):
            if config.get(name, default) not in _SECURITY:
                return f"{name} must be one of {', '.join(_SECURITY)}"
        if config.get("username") and not config.get("password"):
            return "there is a user name but no password"
        if 0 < len(config.get("inbound_secret")) < SHORTEST_SECRET:
            return f"inbound_secret must have at least {SHORTEST_SECRET} characters"
        return signing.problem(config) or _logo_problem(config) or mailbox.problem(config)

    def dry_run(self, messages: Sequence[Message], config: PluginConfig) -> list[Receipt]:
        """Which letters can be written to their address. Connects to nothing."""
        return self._refused(messages, config) or smtp.foreseen(messages, config)

    def send(self, messages: Sequence[Message], config: PluginConfig) -> list[Receipt]:
        """Send the batch over one connection.

        Raises `Uncertain` where the connection was lost while the relay had the words of a message but had
        not answered: that one is in doubt, those before it are sent, those after it were not tried.
        """
        return self._refused(messages, config) or smtp.send(messages, config)

    def collect(self, config: PluginConfig, mark: str | None) -> Collected:
        """Replies, bounces and complaints in the mailbox since `mark`."""
        return mailbox.collect(config, mark)

    def hear(self, request: InboundRequest, config: PluginConfig) -> InboundAnswer:
        """Replies, bounces and complaints that an agency's mail system hands over, signed."""
        return hearing.hear(request, config)

    def _refused(self, messages: Sequence[Message], config: PluginConfig) -> list[Receipt]:
        problem = self.check(config)
        return [] if problem is None else all_refused(messages, problem)


def _logo_problem(config: PluginConfig) -> str | None:
    try:
        logo_of(config)
    except ValueError as error:
        return str(error)
    return None
