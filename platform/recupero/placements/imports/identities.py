"""National and tax ids by country check digit (python-stdnum), for columns of them."""

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
from stdnum.ec import ci, ruc as ec_ruc
from stdnum.es import nif
from stdnum.mx import curp, rfc
from stdnum.pe import cui, ruc as pe_ruc
from stdnum.pt import nif as pt_nif
from stdnum.us import ein, ssn
from stdnum.uy import rut as uy_rut

from recupero.placements.normalise import canonical_id


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
    value = canonical if country == "BR" else value  # the zeros that a spreadsheet dropped
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
    there is no value). Each distinct pair is judged once."""
    pairs = frame.select(country=pl.col(country), value=pl.col(value))
    distinct = pairs.drop_nulls().unique()
    judged = [judge(*pair) for pair in distinct.iter_rows()]
    known = distinct.with_columns(
        pl.Series("compact", [one.compact for one in judged], dtype=pl.String),
        pl.Series("kind", [one.kind for one in judged], dtype=pl.String),
        pl.Series("problem", [one.problem for one in judged], dtype=pl.String),
    )
    joined = pairs.join(known, on=["country", "value"], how="left", maintain_order="left")
    return joined.select("compact", "kind", "problem")


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
    """RUTs of firms begin at fifty million."""
    number = compact[:-1]
    return ("person" if int(number) < 50_000_000 else "firm") if number.isdigit() else None


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
    "MX": ((_long(18), curp, _always("person")), (_long(12), rfc, _always("firm")), (_any, rfc, _always("person"))),
    "PE": ((_long(11), pe_ruc, _starts(("10", "15", "16", "17"))), (_any, cui, _always("person"))),
    "PT": ((_any, pt_nif, _starts(tuple("123"))),),
    "US": ((_any, ssn, _always("person")), (_any, ein, _always("firm"))),
    "UY": ((_long(12), uy_rut, _always("firm")),),
}
