"""Why a row was not taken as it stood. Codes are stored; the words are translated where they are shown."""

from collections.abc import Callable


def _(message: str) -> str:
    """Marks a message for the translation catalogues."""
    return message


REASONS = {
    "missing": _("a value is required here"),
    "extra_fields": _("the row has more cells than there are headings"),
    "formula": _("this looks like a formula; send its value"),
    "shortened": _("a spreadsheet shortened this number; format the column as text and send it again"),
    "amount": _("this is no amount in the format of the mapping"),
    "decimals": _("more decimals than the currency has"),
    "negative": _("the amount is negative"),
    "nothing_owed": _("nothing is owed"),
    "parts_total": _("the parts of the balance do not add up to the total"),
    "date": _("this is no date in the format of the mapping"),
    "date_past": _("the date lies before 1950"),
    "date_future": _("the date lies in the future"),
    "due_future": _("the due date lies more than five years ahead"),
    "date_order": _("the account was opened after it was due"),
    "minor": _("the debtor is not of age"),
    "birth_date": _("this is no believable date of birth"),
    "id_checksum": _("the check digit of the national id is wrong"),
    "id_length": _("the national id has the wrong length"),
    "id_format": _("this is no national id of the country"),
    "id_component": _("a part of the national id cannot be right"),
    "country": _("this is no country code (ISO 3166-1, two letters)"),
    "country_differs": _("the debtor lives in another country than the portfolio's"),
    "currency": _("this is no currency code (ISO 4217)"),
    "currency_differs": _("the currency is not the portfolio's"),
    "phone": _("this is no valid phone number; it was left out"),
    "email": _("this is no valid e-mail address; it was left out"),
    "flag": _("write yes or no; it was left out"),
    "number": _("this is no whole number in range"),
    "left_out": _("this value cannot be used; it was left out"),
    "region": _("write the region as ISO 3166-2, such as CL-RM; it was left out"),
    "timezone": _("this is no time zone (IANA), such as America/Santiago; it was left out"),
    "too_long": _("the value is too long"),
    "duplicate_file": _("the account stands in an earlier row of the file"),
    "duplicate_placed": _("the account is placed already"),
    "other_portfolio": _("the account is placed in another portfolio of the creditor"),
    "line_taken": _("this line was taken over before"),
    "no_account": _("no such account is placed"),
    "account_ended": _("the account is closed"),
    "entry": _("write payment, reversal or adjustment"),
    "no_change": _("nothing changes"),
    "reversal_excess": _("this takes back more than the creditor reported as paid"),
}


def explain(code: str, translate: Callable[[str], str] = str) -> str:
    """The reason in words; `translate` is the page's gettext."""
    return translate(REASONS[code])
