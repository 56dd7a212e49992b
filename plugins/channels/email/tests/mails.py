"""Mails as people and mail systems write them."""

from email.message import EmailMessage

OURS = "<3-41@agencia.example.com>"


def reply(text: str = "Mañana pago, ¿está bien?", **headers: str) -> bytes:
    mail = EmailMessage()
    told = {
        "From": "Ana Peña <Ana@Example.com>",
        "To": "cobranza@agencia.example.com",
        "Subject": "Re: Información sobre su cuenta",
        "Date": "Tue, 03 Nov 2026 10:14:00 -0300",
        "Message-ID": "<abc123@mail.example.com>",
        "In-Reply-To": OURS,
        "References": f"<first@x.example> {OURS}",
    } | {name.replace("_", "-"): value for name, value in headers.items()}
    for name, value in told.items():
        if value:
            mail[name] = value
    mail.set_content(text)
    return mail.as_bytes()


def with_files(*files: tuple[str, str, bytes]) -> bytes:
    mail = EmailMessage()
    mail["From"], mail["Message-ID"] = "ana@example.com", "<files@mail.example.com>"
    mail.set_content("Adjunto el comprobante")
    for name, kind, content in files:
        maintype, _, subtype = kind.partition("/")
        mail.add_attachment(content, maintype=maintype, subtype=subtype, filename=name)
    return mail.as_bytes()


def bounce(
    action: str = "failed",
    status: str = "5.1.1",
    diagnostic: str = "smtp; 550 5.1.1 <deudor@example.com> unknown user",
    *,
    original: str = f"Message-ID: {OURS}",
    kind: str = "message/rfc822",
) -> bytes:
    return f"""\
From: MAILER-DAEMON@mx.example.com
To: cobranza@agencia.example.com
Subject: Undelivered Mail Returned to Sender
Message-ID: <bounce-{action}-{status}@mx.example.com>
Auto-Submitted: auto-replied
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="b1"

--b1
Content-Type: text/plain

I could not deliver your message.

--b1
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example.com

Final-Recipient: rfc822; deudor@example.com
Action: {action}
Status: {status}
Diagnostic-Code: {diagnostic}

--b1
Content-Type: {kind}

From: cobranza@agencia.example.com
{original}
Subject: Aviso

words
--b1--
""".encode()


def complaint(kind: str = "abuse") -> bytes:
    return f"""\
From: <feedback@provider.example>
To: abuse@agencia.example.com
Subject: FW: Aviso
Message-ID: <arf-{kind}@provider.example>
MIME-Version: 1.0
Content-Type: multipart/report; report-type=feedback-report; boundary="b2"

--b2
Content-Type: text/plain

This is a spam report.

--b2
Content-Type: message/feedback-report

Feedback-Type: {kind}
User-Agent: SomeGenerator/1.0
Version: 1

--b2
Content-Type: text/rfc822-headers

From: cobranza@agencia.example.com
Message-ID: {OURS}

--b2--
""".encode()
