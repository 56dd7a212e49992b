"""National and tax ids by country check digit.

`judge` asks python-stdnum about one id. `judge_column` reads the usual ids of the largest countries by
expressions and asks `judge` about the rest, each distinct id once; a test holds the two together.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import polars as pl
from stdnum import exceptions
from stdnum.ar import cuit
from stdnum.ar import dni as ar_dni
from stdnum.br import cnpj, cpf
from stdnum.cl import rut
from stdnum.co import nit
from stdnum.ec import ci
from stdnum.ec import ruc as ec_ruc
from stdnum.es import nif
from stdnum.mx import curp, rfc
from stdnum.pe import cui
from stdnum.pe import ruc as pe_ruc
from stdnum.pt import nif as pt_nif
from stdnum.us import ein, ssn
from stdnum.uy import rut as uy_rut

from recupero.placements.normalise import canonical_id

_FIRMS = 50_000_000  # RUTs of firms begin here
_JUDGED = ("compact", "kind", "problem")


@dataclass(frozen=True, slots=True)
class Judged:
    """An id in its compact form, whose it is by its own shape (person, firm or unknown), and what is wrong:
    id_checksum, id_length, id_format, id_component or None."""

    compact: str
    kind: str | None = None
    problem: str | None = None


def judge(country: str, value: str) -> Judged:
    """Judge one id of the country (ISO 3166-1). A country without rules here is taken as written."""
    canonical, judges = canonical_id(country, value), _JUDGES.get(country)
    if judges is None:
        return Judged(canonical)
    value = (
        canonical if country in {"BR", "CL"} else value
    )  # with the zeros that a spreadsheet dropped or added
    problem = "id_format"
    for pick, module, kind in judges:
        try:
            compact = module.compact(value)
            if not pick(compact):
                continue
            module.validate(value)
        except exceptions.InvalidLength:
            problem = "id_length"
        except exceptions.InvalidChecksum:
            return Judged(canonical, kind(compact), "id_checksum")
        except exceptions.InvalidComponent:
            problem = "id_component"
        except exceptions.ValidationError:
            problem = "id_format"
        else:
            return Judged(canonical, kind(compact))
    return Judged(canonical, None, problem)


def judge_column(frame: pl.DataFrame, country: str, value: str) -> pl.DataFrame:
    """For two text columns of the frame, row by row: `compact`, `kind` and `problem` (all text, null where
    there is no value)."""
    pairs = frame.select(country=pl.col(country), value=pl.col(value)).with_row_index("place")
    read = pairs.with_columns(_plain().alias("compact"))
    plain = read.filter(pl.col("compact").is_not_null()).with_columns(
        _kind().alias("kind"), _problem().alias("problem")
    )
    rest = read.filter(pl.col("compact").is_null() & pl.col("value").is_not_null())
    judged = pl.concat([plain.select("place", *_JUDGED), _one_by_one(rest)])
    return pairs.select("place").join(judged, on="place", how="left", maintain_order="left").drop("place")


def _one_by_one(pairs: pl.DataFrame) -> pl.DataFrame:
    distinct = pairs.select("country", "value").unique()
    judged = [judge(*pair) for pair in distinct.iter_rows()]
    known = distinct.with_columns(
        pl.Series(name, [getattr(one, name) for one in judged], dtype=pl.String) for name in _JUDGED
    )
    joined = pairs.select("place", "country", "value").join(
        known, on=["country", "value"], maintain_order="left"
    )
    return joined.select("place", *_JUDGED)


def _plain() -> pl.Expr:
    """The canonical form of the usual ids: RUT, CPF and cédula. Null for anything that stdnum must look
    at.
    """
    country, value = pl.col("country"), pl.col("value").str.to_uppercase()
    short = value.str.replace_all("[. -]", "")
    rut = short.str.strip_chars_start("0")
    number = value.str.replace_all("[. ]", "")
    return (
        pl.when((country == "CL") & rut.str.contains("^[0-9]{7,8}[0-9K]$")).then(rut)
        .when((country == "BR") & short.str.contains("^[0-9]{11}$") & (short != "00000000000")).then(short)
        .when((country == "CO") & number.str.contains("^[1-9][0-9]{4,8}$|^[1-7][0-9]{9}$")).then(number)
    )  # fmt: skip


def _kind() -> pl.Expr:
    firm = (pl.col("country") == "CL") & (
        pl.col("compact").str.slice(0, 8).cast(pl.Int64, strict=False) >= _FIRMS
    )
    return (
        pl.when(firm & (pl.col("compact").str.len_bytes() == 9))
        .then(pl.lit("firm"))
        .otherwise(pl.lit("person"))
    )


def _problem() -> pl.Expr:
    wrong = (
        pl.when(pl.col("country") == "CL").then(_rut_check() != pl.col("compact").str.slice(-1))
        .when(pl.col("country") == "BR").then(_cpf_check() != pl.col("compact").str.slice(9))
        .otherwise(pl.lit(value=False))
    )  # fmt: skip
    return pl.when(wrong).then(pl.lit("id_checksum"))


def _digits(text: pl.Expr, weights: tuple[int, ...]) -> pl.Expr:
    """Sum of the first digits times their weights."""
    return pl.sum_horizontal(
        text.str.slice(place, 1).cast(pl.Int64, strict=False) * weight for place, weight in enumerate(weights)
    )


def _rut_check() -> pl.Expr:
    """Modulo 11 with the weights 2 to 7 from the right, as the Servicio de Impuestos Internos does it."""
    padded = pl.col("compact").str.pad_start(9, "0")
    rest = _digits(padded, (3, 2, 7, 6, 5, 4, 3, 2)) % 11
    return rest.replace_strict(dict(enumerate("0K987654321")), return_dtype=pl.String)


def _cpf_check() -> pl.Expr:
    """Two check digits modulo 11, as the Receita Federal does it."""
    text = pl.col("compact")
    first = (11 - _digits(text, (10, 9, 8, 7, 6, 5, 4, 3, 2)) % 11) % 11 % 10
    second = (11 - (_digits(text, (11, 10, 9, 8, 7, 6, 5, 4, 3)) + 2 * first) % 11) % 11 % 10
    return first.cast(pl.String) + second.cast(pl.String)


class _Cedula:
    """Colombia's cédula de ciudadanía has no check digit: three to ten digits."""

    @staticmethod
    def compact(value: str) -> str:
        return value.strip().replace(".", "").replace(",", "").replace(" ", "")

    @classmethod
    def validate(cls, value: str) -> str:
        number = cls.compact(value)
        if not number.isascii() or not number.isdigit():
            raise exceptions.InvalidFormat
        if not 3 <= len(number.lstrip("0")) <= 10:
            raise exceptions.InvalidLength
        return number


def _any(_compact: str) -> bool:
    return True


def _long(*lengths: int) -> Callable[[str], bool]:
    return lambda compact: len(compact) in lengths


def _always(kind: str) -> Callable[[str], str]:
    return lambda _compact: kind


@cache
def _starts(person: tuple[str, ...]) -> Callable[[str], str]:
    return lambda compact: "person" if compact.startswith(person) else "firm"


def _rut_kind(compact: str) -> str | None:
    number = compact[:-1]
    return ("person" if int(number) < _FIRMS else "firm") if number.isdigit() else None


def _is_nit(compact: str) -> bool:
    """Nine digits and a check digit, in the range given to firms."""
    return len(compact) == 10 and compact[0] in "89"


_JUDGES: dict[str, tuple[tuple[Callable[[str], bool], Any, Callable[[str], str | None]], ...]] = {
    "AR": ((_long(11), cuit, _starts(("20", "23", "24", "27"))), (_any, ar_dni, _always("person"))),
    "BR": ((_long(14), cnpj, _always("firm")), (_any, cpf, _always("person"))),
    "CL": ((_any, rut, _rut_kind),),
    "CO": ((_is_nit, nit, _always("firm")), (_any, _Cedula, _always("person"))),
    "EC": ((_long(13), ec_ruc, _starts(tuple("012345"))), (_any, ci, _always("person"))),
    "ES": ((_any, nif, _starts(tuple("0123456789KLMXYZ"))),),
    "MX": (
        (_long(18), curp, _always("person")),
        (_long(12), rfc, _always("firm")),
        (_any, rfc, _always("person")),
    ),
    "PE": ((_long(11), pe_ruc, _starts(("10", "15", "16", "17"))), (_any, cui, _always("person"))),
    "PT": ((_any, pt_nif, _starts(tuple("123"))),),
    "US": ((_any, ssn, _always("person")), (_any, ein, _always("firm"))),
    "UY": ((_long(12), uy_rut, _always("firm")),),
}
