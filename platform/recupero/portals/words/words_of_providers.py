"""What the plug-ins that come with the platform, and Jinja, say in English: why a setting cannot be, why a
message did not go out, what could not be read. Plug-ins know no catalogue, and much of what they say is kept
before it is read: so their sentences are known here by their form, and said in the reader's language."""

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property

from flask_babel import gettext

from recupero.kernel.errors import fill
from recupero.kernel.marking import N_

_PLACE = re.compile(r"%\\\((\w+)\\\)s")
#: What is longer is none of these.
_LONGEST = 2_000


class Sentences(Mapping[str, str]):
    """Sentences with places, looked up by what they come to in English, in the reader's language. What stands
    in a place is looked up as well; what is none of them is no key."""

    def __init__(self, templates: Sequence[str]) -> None:
        self._templates = templates

    @cached_property
    def _forms(self) -> list[tuple[re.Pattern[str], str]]:
        """Those with the most words of their own first: `x is missing; it needs y` before `x is missing`."""
        escaped = sorted(self._templates, key=lambda one: -len(_PLACE.sub("", re.escape(one))))
        return [(re.compile(_PLACE.sub(r"(?P<\1>.+?)", re.escape(one)), re.DOTALL), one) for one in escaped]

    def __getitem__(self, said: str) -> str:
        for form, template in self._forms if len(said) <= _LONGEST else ():
            found = form.fullmatch(said)
            if found is not None:
                places = {name: self.get(text, text) for name, text in found.groupdict().items()}
                return fill(gettext(template), places)
        raise KeyError(said)

    def __iter__(self) -> Iterator[str]:
        return iter(self._templates)

    def __len__(self) -> int:
        return len(self._templates)


#: Of the channels and of what they share in the SDK, and of the law.
SAID = Sentences((
    # why a country is closed
    N_("no pack is installed for this country"),
    # what is wrong with their settings
    N_("%(name)s is missing"),
    N_("%(name)s is missing; DKIM needs domain, selector and private key"),
    N_("%(name)s is missing; the mailbox needs a user name and a password"),
    N_("%(name)s must be a name of DNS"),
    N_("%(name)s must be a whole number"),
    N_("%(name)s must be a whole number above 0"),
    N_("%(name)s must be one of %(known)s"),
    N_("%(name)s must be an amount such as 0.85"),
    N_("%(name)s must have at least %(count)s characters"),
    N_("%(name)s must be a code of three capital letters, such as USD"),
    N_("%(name)s must be digits: the ID that Meta shows, not the number itself"),
    N_("%(name)s must be written as %(form)s"),
    N_("account_sid must be AC and 32 hexadecimal digits"),
    N_("from_number or messaging_service is missing"),
    N_("messaging_service must begin with MG"),
    N_("caller must be a number in E.164, such as %(number)s"),
    N_("channels must be call or none"),
    N_("channels must be of %(known)s"),
    N_("sender must be an e-mail address"),
    N_("there is a user name but no password"),
    N_("dkim_domain must be the sender's domain or the one above it"),
    N_("dkim_key is not an RSA private key in PEM"),
    N_("imap_folder must be written in plain letters, as the server names it"),
    N_("logo is neither PNG nor JPEG"),
    N_("logo is not base64"),
    N_("logo weighs %(count)s bytes; %(most)s at most"),
    N_("folder must be a name of letters, digits, - and _, within the operator's folder"),
    N_("return_address is too long: 80 characters at most"),
    N_("the operator has not set %(name)s to a folder for print batches"),
    N_("url must be an https address in plain letters"),
    N_("url must begin with https://"),
    N_("url has no such port"),
    N_("url must hold neither user name nor password nor fragment"),
    N_("%(name)s: %(problem)s"),
    N_("prices or voices: %(problem)s"),
    N_("`%(part)s` is no price; write %(form)s"),
    N_("`%(part)s` is no price; write the amount as %(form)s"),
    N_("`%(part)s` is no voice; write %(form)s"),
    N_("the currency must be a code of three capital letters, such as USD"),
    N_("`%(name)s` is no message of the house; use %(known)s"),
    N_("`%(name)s` stands there twice"),
    N_("`%(line)s` is no template; %(form)s"),
    N_("the plug-in %(key)s is switched on but did not load"),
    # why a message did not go out
    N_("the number is not in E.164"),
    N_("the agent's number is not in E.164"),
    N_("the agent's telephone is in use"),
    N_("the address cannot be written"),
    N_("there are no words"),
    N_("there is no address"),
    N_("the address has %(count)s lines; %(most)s fit the window"),
    N_("the text has %(count)s characters; 1 to %(most)s go"),
    N_("the text is too long: %(segments)s segments, %(count)s characters; %(most)s segments at most"),
    N_("the letter takes %(sheets)s sheets; %(most)s at most"),
    N_("the print folder: %(why)s"),
    N_("the person has not written within 24 hours: set an approved template for `%(name)s`"),
    N_("%(what)s in the setting templates"),
    N_("the approved template wants `%(what)s`, and this message has none"),
    N_("the address for the template's button has nothing after its host"),
    N_("the body has %(count)s letters with its values; Meta takes %(most)s"),
    N_("the platform has no public address that could be asked what to say"),
    N_("connection lost before it was tried"),
    N_("the connection was lost before it was tried"),
    N_("connection lost: %(why)s"),
    N_("the connection was lost (%(why)s)"),
    N_("this message may have gone out before"),
    N_("the connector gave no receipt"),
    N_("Twilio's answer says nothing"),
    N_("Meta's answer says nothing"),
    N_("Meta answered %(status)s"),
    N_("no reason given"),
    N_("nobody vouches for the mail server's certificate"),
    N_("nobody vouches for %(name)s's certificate"),
    N_("api_base is no address"),
    N_("%(name)s cannot be reached"),
    N_("no connection: %(why)s"),
    N_("redirects are not followed"),
    N_("%(what)s without a reference"),
    N_("Connection refused"),
    N_("timed out"),
    N_("status %(code)s"),
    # what is wrong with own words, in part by Jinja
    N_("%(problem)s\n  line %(line)s"),
    N_("only values and conditions may stand here, not `%(what)s`"),
    N_("this is too deep or too large to be read"),
    N_("unexpected '%(what)s'"),
    N_("expected token '%(wanted)s', got '%(found)s'"),
    N_("Encountered unknown tag '%(tag)s'."),
    N_("No filter named '%(name)s'."),
    N_("unexpected end of template, expected '%(wanted)s'."),
    N_("Expected an expression, got '%(found)s'"),
    N_(
        "Unexpected end of template. Jinja was looking for the following tags: %(tags)s."
        " The innermost block that needs to be closed is '%(tag)s'."
    ),
    # what a carrier's file holds
    N_("the reference is not one of ours: its check digits are wrong"),
    N_("the reason is not known; use one of %(known)s"),
    N_("the date must be written as 2026-11-03 or 03/11/2026"),
    N_("the first line must name one column %(known)s"),
    N_("the file has more than %(most)s bytes"),
    N_("the file has more than %(most)s lines"),
    N_("line %(line)s is no line of a table"),
    N_("this is no text; save the table as CSV"),
    # what was refused or could not be read of a provider's request
    N_("the request is not signed"),
    N_("the signature does not match"),
    N_("the verify token does not match"),
    N_("the request is stale: its timestamp is more than five minutes off"),
    N_("the request names no account, or another one"),
    N_("the request names no message"),
    N_("the request names no message of ours"),
    N_("the request names no call"),
    N_("the request is neither news nor a message"),
    N_("the request is no question whether this address is ours"),
    N_("the status is not known"),
    N_("the address of the request is none"),
    N_("must be an object"),
    N_("an attachment must be an object"),
    N_("`%(name)s` must be a list of 1 to %(most)s entries"),
    N_("`%(name)s` must be a list of %(most)s at most"),
    N_("`%(name)s` must be a list of texts"),
    N_("`%(name)s` must be a text"),
    N_("`%(name)s` must be a mail in base64"),
    N_("`%(name)s` must be a moment such as %(form)s"),
    N_("`%(name)s` must be a short code and hold nothing of a person"),
    N_("`%(name)s` must be status or message"),
    N_("`%(name)s` must be true or false"),
    N_("`%(name)s` must name its offset from UTC"),
    N_("`%(name)s` has more than %(count)s characters"),
    N_("`%(name)s` is no Message-ID"),
    N_("`%(name)s` is not base64"),
    N_("the body is no JSON"),
    N_("the body is no JSON object"),
    N_("the body is no object"),
    N_("the body is not text"),
    N_("the body tells nothing"),
    N_("the body is not about a WhatsApp account"),
    N_("the phone number ID or the business account is another one"),
    N_("a change tells nothing"),
    N_("a message or a status has no ID"),
    N_("%(name)s holds what is no object"),
    N_("%(name)s is no list of objects"),
    N_("%(name)s is no object"),
    N_("%(name)s is no text"),
))  # fmt: skip
