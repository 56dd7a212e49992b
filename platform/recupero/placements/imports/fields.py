"""The fields a file may carry, by kind of file (domain page, 5), and what kind of value each holds."""

from dataclasses import dataclass

CHANNELS = ("call", "sms", "email", "whatsapp", "letter", "visit")
PARTS = ("principal", "interest", "fee", "cost", "tax")
#: A flag of the file and the hold it opens.
FLAGS = {
    "disputed": "dispute", "hardship": "hardship", "represented": "attorney", "deceased": "deceased",
    "insolvent": "insolvency", "vulnerable": "vulnerable",
}  # fmt: skip
#: Says that an account is a test: worked like any other, in no report (domain page, 8).
TEST = "test_account"
KINDS = ("placement", "maintenance", "financial", "recall")


@dataclass(frozen=True, slots=True)
class Field:
    """`type`: text, amount, date, flag, number, identity, currency, country, or a list of contact points
    (phone, email, address). `many`: may be mapped from several columns. `extra`: kept beside the account."""

    name: str
    type: str
    many: bool = False
    extra: bool = False


def _fields(type_: str, *names: str, many: bool = False, extra: bool = False) -> list[Field]:
    return [Field(name, type_, many, extra) for name in names]


_DEBTOR = [
    *_fields("identity", "national_id"),
    *_fields("text", "name", "client_reference", "kind", "region", "timezone", "postal_code", "language"),
    *_fields("country", "country"),
    *_fields("date", "birth_date"),
    *_fields("phone", "phone", "work_phone", many=True),
    *_fields("email", "email", many=True),
    *_fields("address", "address", many=True),
]
_PERMISSIONS = [
    *_fields("flag", *(f"consent_{channel}" for channel in CHANNELS)),
    *_fields("flag", *(f"opt_out_{channel}" for channel in (*CHANNELS, "all"))),
    *_fields("date", "consent_date"),
    *_fields("text", "consent_source"),
    *_fields("flag", *FLAGS),
]
_PLACEMENT = [
    *_fields("text", "client_account", "product", "original_creditor"),
    *_fields("currency", "currency"),
    *_fields("date", "due_date", "delinquency_date", "open_date", "charge_off_date", "last_payment_date",
             "limitation_date"),
    *_fields("amount", "total", *PARTS, "last_payment"),
    *_fields("number", "placement_number"),
    *_fields("flag", TEST),
    *_DEBTOR,
    *_PERMISSIONS,
    *_fields("text", "employer", "score", "legal_status", "contract_rate", "judgment_date",
    "last_statement_date",
             "itemisation_date", "reference_name", extra=True),
]  # fmt: skip
_ACCOUNT = _fields("text", "client_account")
_CHANGEABLE = [field for field in _DEBTOR if field.name not in {"national_id", "kind", "client_reference"}]
_MAINTENANCE = [*_ACCOUNT, *_CHANGEABLE, *_PERMISSIONS]
_FINANCIAL = [
    *_ACCOUNT,
    *_fields("text", "entry", "reference", "part"),
    *_fields("amount", "amount"),
    *_fields("date", "paid_on"),
    *_fields("currency", "currency"),
]
FIELDS: dict[str, dict[str, Field]] = {
    kind: {field.name: field for field in fields}
    for kind, fields in {
        "placement": _PLACEMENT,
        "maintenance": _MAINTENANCE,
        "financial": _FINANCIAL,
        "recall": [*_ACCOUNT, *_fields("text", "recall_reason")],
    }.items()
}
#: Each of these groups needs at least one mapped field; a row without a value for it is rejected.
REQUIRED: dict[str, tuple[tuple[str, ...], ...]] = {
    "placement": (("client_account",), ("name",), ("due_date", "delinquency_date"), ("total", *PARTS)),
    "maintenance": (("client_account",),),
    "financial": (("client_account",), ("amount",), ("paid_on",)),
    "recall": (("client_account",),),
}
