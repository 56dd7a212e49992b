"""The coded results of an attempt (domain page, 4.1) and what each one changes at once."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Disposition:
    """`state` is the contact's state afterwards. `stops` opens a hold of that kind; `opts_out` closes the
    channel or, with `all`, every channel; `spoils_point` marks number or address as invalid."""

    code: str
    state: str
    right_party: bool = False
    third_party: bool = False
    stops: str | None = None
    opts_out: str | None = None
    spoils_point: bool = False


def _table(*dispositions: Disposition) -> dict[str, Disposition]:
    return {disposition.code: disposition for disposition in dispositions}


DISPOSITIONS = _table(
    Disposition("NOAN", "no_answer"),
    Disposition("BUSY", "no_answer"),
    Disposition("VMNM", "no_answer"),
    Disposition("VMLM", "answered"),  # the message was heard by somebody: counted as strictly as a talk
    Disposition("DISC", "failed", spoils_point=True),
    Disposition("WRNG", "answered", third_party=True, spoils_point=True),
    Disposition("TPNA", "answered", third_party=True),
    Disposition("TPRF", "answered", third_party=True),
    Disposition("HUNV", "answered"),
    Disposition("HUPV", "answered", right_party=True),
    Disposition("CBRQ", "answered", right_party=True),
    Disposition("PTPF", "answered", right_party=True),
    Disposition("PTPP", "answered", right_party=True),
    Disposition("PLAN", "answered", right_party=True),
    Disposition("SETL", "answered", right_party=True),
    Disposition("PAID", "answered", right_party=True),
    Disposition("ALRD", "answered", right_party=True, stops="client"),
    Disposition("NOIN", "answered", right_party=True),
    Disposition("RTPY", "answered", right_party=True),
    Disposition("UTPY", "answered", right_party=True),
    Disposition("HARD", "answered", right_party=True, stops="hardship"),
    Disposition("DSPT", "answered", right_party=True, stops="dispute"),
    Disposition("CMPL", "answered", stops="complaint"),
    Disposition("CEAS", "answered", right_party=True, stops="cease", opts_out="all"),
    Disposition("ATTY", "answered", stops="attorney"),
    Disposition("DECD", "answered", stops="deceased"),
    Disposition("INSO", "answered", stops="insolvency"),
    Disposition("FRDI", "answered", right_party=True, stops="dispute"),
    Disposition("LANG", "answered"),
    Disposition("DLVD", "delivered"),
    Disposition("OPEN", "delivered"),
    Disposition("CLCK", "delivered"),
    Disposition("RPLY", "delivered"),  # the answer itself is an inbound contact of its own
    Disposition("BNCE", "failed", spoils_point=True),
    Disposition("OPTO", "delivered", opts_out="channel"),
    Disposition("INBD", "received"),
)
#: Codes that say that a number or an address is wrong.
SPOILING = frozenset(each.code for each in DISPOSITIONS.values() if each.spoils_point)
