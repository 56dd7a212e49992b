"""What the plug-ins that come with the platform and their settings are called; others name their own."""

from flask_babel import lazy_gettext as _

from recupero.portals.words.words_of_money import Words

#: Plug-ins that come with the platform, by what they are for; models and laws are named elsewhere.
NAMES: Words = {
    "letter": _("Letter"),
    "email": _("E-mail"),
    "sms": _("SMS"),
    "whatsapp": _("WhatsApp"),
    "voice": _("Calls"),
    "webhook": _("Messages over your own system"),
    "outbox": _("Outbox of the demonstration"),
    "sandbox": _("Payments of the demonstration"),
    "stripe": _("Stripe"),
    "next_action_neural": _("What an action adds, by a neural network"),
    "time_to_pay": _("When they pay"),
}
SETTINGS: Words = {
    "SMTP server": _("SMTP server"),
    "Port": _("Port"),
    "Security: starttls, ssl or none": _("Security: starttls, ssl or none"),
    "User name": _("User name"),
    "Password": _("Password"),
    "Sender address": _("Sender address"),
    "Domain in Message-ID": _("Domain in Message-ID"),
    "Seconds to wait": _("Seconds to wait"),
    "DKIM: domain that signs": _("DKIM: domain that signs"),
    "DKIM: selector": _("DKIM: selector"),
    "DKIM: private key (RSA, PEM)": _("DKIM: private key (RSA, PEM)"),
    "Logo at the head of HTML mails: PNG or JPEG, in base64": _(
        "Logo at the head of HTML mails: PNG or JPEG, in base64"
    ),
    "Mailbox: IMAP server": _("Mailbox: IMAP server"),
    "Mailbox: port": _("Mailbox: port"),
    "Mailbox: ssl, starttls or none": _("Mailbox: ssl, starttls or none"),
    "Mailbox: user name": _("Mailbox: user name"),
    "Mailbox: password": _("Mailbox: password"),
    "Mailbox: folder": _("Mailbox: folder"),
    "Name of your mail server in Authentication-Results": _(
        "Name of your mail server in Authentication-Results"
    ),
    "Largest attachment in bytes": _("Largest attachment in bytes"),
    "Webhook: secret that signs": _("Webhook: secret that signs"),
    "Messages a second that the relay takes": _("Messages a second that the relay takes"),
    "Connections at once": _("Connections at once"),
    "Folder of the print batches": _("Folder of the print batches"),
    "Return address, on one line": _("Return address, on one line"),
    "Window: din5008b, din5008a, right or us10": _("Window: din5008b, din5008a, right or us10"),
    "Paper: a4 or letter": _("Paper: a4 or letter"),
    "Printed on both sides: yes or no": _("Printed on both sides: yes or no"),
    "Sheets at most": _("Sheets at most"),
    "Price of a letter: envelope and postage, such as 0.85": _(
        "Price of a letter: envelope and postage, such as 0.85"
    ),
    "Price of a sheet, such as 0.06": _("Price of a sheet, such as 0.06"),
    "Currency of the prices": _("Currency of the prices"),
    "Account SID (AC…)": _("Account SID (AC…)"),
    "Auth token": _("Auth token"),
    "Sender: number in E.164, short code or name": _("Sender: number in E.164, short code or name"),
    "Messaging service SID (MG…), instead of a sender or beside it": _(
        "Messaging service SID (MG…), instead of a sender or beside it"
    ),
    "Price of a segment by prefix: default=0.05, +52=0.0431": _(
        "Price of a segment by prefix: default=0.05, +52=0.0431"
    ),
    "Replace look-alikes: none, typographic or accents": _(
        "Replace look-alikes: none, typographic or accents"
    ),
    "Segments at most": _("Segments at most"),
    "Messages a second that the account takes": _("Messages a second that the account takes"),
    "Address of the API, for tests": _("Address of the API, for tests"),
    "Number that calls, in E.164: of the account, or verified": _(
        "Number that calls, in E.164: of the account, or verified"
    ),
    "Who makes planned calls: call, the assistant; none, agents": _(
        "Who makes planned calls: call, the assistant; none, agents"
    ),
    "Answering machines: enable, message_end or off": _("Answering machines: enable, message_end or off"),
    "Seconds to ring": _("Seconds to ring"),
    "Seconds that a call may last": _("Seconds that a call may last"),
    "Price of a minute by prefix: default=0.10, +52=0.0412": _(
        "Price of a minute by prefix: default=0.10, +52=0.0412"
    ),
    "Voices by language: es-MX=Polly.Mia-Neural, pt-BR=Polly.Camila-Neural": _(
        "Voices by language: es-MX=Polly.Mia-Neural, pt-BR=Polly.Camila-Neural"
    ),
    "Calls a second that the account takes": _("Calls a second that the account takes"),
    "Address that takes the messages (https)": _("Address that takes the messages (https)"),
    "Secret that signs, both ways": _("Secret that signs, both ways"),
    "Channels that go there: email, sms, whatsapp, letter": _(
        "Channels that go there: email, sms, whatsapp, letter"
    ),
    "Messages a second that it takes": _("Messages a second that it takes"),
    "Phone number ID": _("Phone number ID"),
    "WhatsApp Business account ID": _("WhatsApp Business account ID"),
    "Access token of a system user": _("Access token of a system user"),
    "App secret": _("App secret"),
    "Verify token of the webhook": _("Verify token of the webhook"),
    "Approved templates: first_notice.es = approved_name@es: name, amount | url: link": _(
        "Approved templates: first_notice.es = approved_name@es: name, amount | url: link"
    ),
    "Price of a utility message by prefix: default=0.02, +56=0.02": _(
        "Price of a utility message by prefix: default=0.02, +56=0.02"
    ),
    "Price of a marketing message by prefix": _("Price of a marketing message by prefix"),
    "Price of an authentication message by prefix": _("Price of an authentication message by prefix"),
    "Messages a second that the number takes": _("Messages a second that the number takes"),
    "Version of the Graph API": _("Version of the Graph API"),
    "Signing secret": _("Signing secret"),
    "Secret or restricted API key": _("Secret or restricted API key"),
    "Signing secret of the webhook endpoint": _("Signing secret of the webhook endpoint"),
    "Connected account (acct_…)": _("Connected account (acct_…)"),
    "Connect: the creditor's account that is paid, less the agency's fee (acct_…)": _(
        "Connect: the creditor's account that is paid, less the agency's fee (acct_…)"
    ),
}
