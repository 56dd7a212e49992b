# ruff: noqa: E501 - a pattern is read best on one line
"""Propose a mapping from the headings of a file (Spanish, Portuguese, English) and from its first rows."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from recupero.kernel.errors import UserError, Words
from recupero.placements.imports import values
from recupero.placements.imports.fields import FIELDS, REQUIRED
from recupero.placements.imports.reading import opened
from recupero.placements.normalise import plain

# Words of a heading without accents; the first pattern that fits decides, so the particular come first.
# `fecha de vencimiento`, `dt_vencimento`, `DueDate` all become words before they are compared.
_DATE = r"(fecha|fec|f|data|dt|date|dia)"
_CHANNEL_WORDS = {
    "call": "(llamada|llamadas|telefono|telefone|ligacao|call|phone|voz)", "sms": "sms",
    "email": "(email|mail|correo|e mail)", "whatsapp": "(whatsapp|wsp|wa|whats)",
    "letter": "(carta|letter|correspondencia)", "visit": "(visita|visit)",
}  # fmt: skip
_CONSENT = r"(autoriza|autorizacion|autoriza|consentimiento|consentimento|consent|acepta|aceita|optin|opt in)"
_REFUSAL = r"(no contactar|opt out|optout|nao contatar|bloqueo|bloqueio|do not|dnc|oposicion)"
_PATTERNS: dict[str, str] = {
    **{f"opt_out_{key}": rf"{_REFUSAL}.* {word}\b" for key, word in _CHANNEL_WORDS.items()},
    "opt_out_all": _REFUSAL,
    "consent_date": rf"{_DATE} (de )?{_CONSENT}|{_CONSENT} {_DATE}|consent date",
    "consent_source": rf"(origen|origem|fuente|fonte|source).*{_CONSENT}|{_CONSENT}.*(origen|source|fuente|origem)",
    **{f"consent_{key}": rf"{_CONSENT}.*\b{word}\b" for key, word in _CHANNEL_WORDS.items()},
    "birth_date": rf"{_DATE}( de)? (nacimiento|nascimento|nac|nasc)|birth ?date|date of birth|birth|nacimiento|nascimento|dob",
    "last_payment_date": rf"({_DATE}.*(ultimo|ult|last).*(pago|pagamento|abono|payment))|last payment date|last paid",
    "last_payment": r"(monto|valor|importe|amount)?.*(ultimo|ult|last) (pago|pagamento|abono|payment)|last payment amount",
    "charge_off_date": rf"{_DATE}.*(castigo|baixa|charge off|chargeoff|write off)|charge ?off date",
    "limitation_date": rf"{_DATE}.*(prescripcion|prescricao|limitation)|limitation date",
    "delinquency_date": rf"{_DATE}.*(mora|atraso|inadimplencia|delinquency|default)|delinquency( date)?|inicio (de )?mora",
    "due_date": rf"{_DATE}.*(vencimiento|vencimento|vcto|vto|venc|due)|vencimiento|vencimento|due ?date|due on|vcto|vto",
    "open_date": rf"{_DATE}.*(otorgamiento|apertura|contrato|contratacao|emision|emissao|desembolso|origination|open|"
                 r"issue|inicio|concessao)|open ?date|issue ?date|invoice date|emision",
    "paid_on": rf"{_DATE}.*(pago|pagamento|payment|abono|movimiento|movimento)|paid on|payment date|{_DATE}",
    "client_account": r"(n|nro|num|numero|no|number|id|cod|codigo)? ?(de |da |do )?(operacion|operacao|cuenta|conta|credito|"
                      r"contrato|prestamo|emprestimo|factura|fatura|titulo|account|invoice|loan|contract|documento de deuda|"
                      r"pagare)( (n|nro|num|numero|no|number|id))?",
    "postal_code": r"(codigo|cod) postal|cep|zip( code)?|post ?code|cp",
    "national_id": r"rut|run|cpf|cnpj|cpf cnpj|nit|cuit|cuil|dni|ruc|rfc|curp|nie|nif|cedula|cc|identificacion|"
                   r"identificacao|documento|national id|tax id|(nro|num|numero|n) (de )?(documento|identificacion)|"
                   r"(rut|cedula|dni|cpf|nit|documento|rfc).*",
    "client_reference": r"(codigo|cod|id|n|numero|nro)? ?(de |do )?(cliente|deudor|devedor|socio|customer|debtor|client)( "
                        r"(id|number|no|code|codigo))?|customer ?id",
    "name": r"(nombre|nome|name|razon social|razao social|nombres|apellidos|sobrenome|apellido|titular|deudor|devedor|"
            r"full name|debtor name|customer name|first name|last name|surname)( .*)?",
    "kind": r"tipo (de )?(persona|pessoa|deudor|devedor)|person type|debtor type",
    "work_phone": r"(telefono|fono|tel|fone|telefone|phone).*(trabajo|laboral|trabalho|comercial|oficina|work|office)|"
                  r"(work|office|business) (phone|telephone)",
    "phone": r"(telefono|fono|tel|fone|telefone|phone|celular|cel|movil|mobile|cell|whatsapp)( .*)?",
    "email": r"(e ?mail|correo|mail)( .*)?",
    "address": r"(direccion|domicilio|endereco|address|dir|calle)( .*)?",
    "region": r"region|estado|uf|departamento|provincia|state|province",
    "country": r"pais|country( code)?",
    "language": r"idioma|lengua|lingua|language",
    "timezone": r"zona horaria|fuso( horario)?|time ?zone",
    "currency": r"moneda|moeda|currency|divisa",
    "product": r"producto|produto|product|tipo (de )?(producto|credito|produto)|purpose|linea",
    "original_creditor": r"acreedor( original)?|credor( original)?|(original )?creditor|cedente",
    "principal": r"(saldo |monto |valor |deuda )?(de |do )?(capital|principal)|capital( .*)?|outstanding principal",
    "interest": r"(saldo |monto )?(de |del )?(interes|intereses|juros|interest)( .*)?",
    "fee": r"(comision|comisiones|cargos?|multa|tarifas?|fees?|late fee|mora)( .*)?",
    "cost": r"(gastos?|costas?|custas?|despesas?|costs?|honorarios)( .*)?",
    "tax": r"(iva|impuestos?|impostos?|tax|taxes|vat)( .*)?",
    "total": r"((saldo|deuda|divida|monto|valor|importe|balance|debt|amount)( .*)?(total|adeudado|devido|vencido|actual|"
             r"atualizado|insoluto|due|owed|outstanding|placed)( .*)?)|total( .*)?|saldo|deuda|balance|monto|valor|importe|"
             r"divida|amount|invoice ?amount",
    "disputed": r"disput\w*|contestad[oa]|reclamad[oa]|en disputa",
    "hardship": r"hardship( flag)?|vulnerab\w*|dificultad\w*|superendividad[oa]",
    "represented": r"represented|abogado|advogado|attorney|representad[oa]",
    "deceased": r"deceased|fallecid[oa]|falecid[oa]|difunt[oa]",
    "insolvent": r"insolven\w*|quiebra|falencia|bankrupt\w*|concurso",
    "test_account": r"(cuenta |conta )?(de )?(prueba|teste?)|test account|is test",
    "placement_number": r"(numero de )?asignacion|placement( number)?|fase",
    "employer": r"empleador|empregador|employer|empresa donde trabaja",
    "contract_rate": r"tasa( .*)?|taxa( .*)?|(interest |int )?rate",
    "score": r"score|puntaje|pontuacao",
    "legal_status": r"estado (legal|judicial)|legal status|etapa judicial",
    "amount": r"(monto|valor|importe|amount|pago|abono)( .*)?",
    "entry": r"(tipo|movimiento|movimento|entry|type|clase)( .*)?",
    "reference": r"(referencia|reference|comprobante|folio|recibo|id pago|transaction)( .*)?",
    "recall_reason": r"motivo|razon|reason|causa",
}  # fmt: skip
_NUMBERED = re.compile(r" ?\d+$")


#: Rows among which the headings are looked for: files begin with a title, a date, a blank row.
HEADINGS_WITHIN = 10


@dataclass(frozen=True, slots=True)
class Proposal:
    """`spec` is a mapping's JSON; `unmapped` are headings that fitted no field, `missing` required fields that
    no heading fitted: the user has to name these."""

    spec: dict[str, Any]
    unmapped: list[str]
    missing: list[str]


def words(heading: str) -> str:
    """`N° Operación`, `num_operacion` and `NumOperacion` as words: `n operacion`, `num operacion`."""
    parted = re.sub(r"(?<=[a-záéíóúñ])(?=[A-Z])", " ", heading)
    return " ".join(re.sub(r"[^a-z0-9]+", " ", plain(parted).replace("°", " ").replace("º", " ")).split())


def field_of(heading: str, kind: str = "placement") -> str | None:
    """The field that a heading names, or None."""
    said, known = words(heading), FIELDS[kind]
    for text in (said, _NUMBERED.sub("", said)):
        for name, pattern in _PATTERNS.items():
            if name in known and re.fullmatch(pattern, text):
                return name
    return None


def propose_mapping(
    headings: Sequence[str],
    kind: str = "placement",
    sample: pl.DataFrame | None = None,
    zone: str | None = None,
) -> Proposal:
    """A mapping for files with these headings. With a `sample` of rows, the date order and the decimal mark are
    taken from its values; without, day/month/year and the point are proposed. A file that says nothing of where
    debtors are gets the creditor's own time `zone` as a constant, for whoever maps it to see and change."""
    columns: dict[str, Any] = {}
    unmapped = []
    for heading in headings:
        name = field_of(heading, kind)
        if name is None or (name in columns and not _several(name, kind)):
            unmapped.append(heading)
        elif name in columns:
            columns[name] = [*_list(columns[name]), heading]
        else:
            columns[name] = heading
    spec: dict[str, Any] = {"kind": kind, "columns": columns, "dates": "dmy", "decimal": "."}
    if sample is not None:
        spec["dates"] = _date_order(sample, [h for h in headings if _type(field_of(h, kind), kind) == "date"])
        spec["decimal"] = _decimal(
            sample, [h for h in headings if _type(field_of(h, kind), kind) == "amount"]
        )
    if zone is not None and kind == "placement" and not {"region", "timezone"} & columns.keys():
        spec["constants"] = {"timezone": zone}
    missing = [group[0] for group in REQUIRED[kind] if not any(name in columns for name in group)]
    return Proposal(spec, unmapped, missing)


def propose(path: Path, kind: str = "placement", zone: str | None = None) -> Proposal:
    """The mapping that the headings and the first rows of a file suggest. Where those of row 1 lack something
    required, as under a title, the row among the first whose cells fit most fields is taken for the headings.
    Raises UserError as an import does."""
    header_row = _header_row(path, kind)
    with opened(path, header_row=header_row) as table:
        found = propose_mapping(table.headings, kind, next(table.chunks, None), zone)
    if header_row > 1:
        found.spec["header_row"] = header_row
    return found


def _header_row(path: Path, kind: str) -> int:
    """The row that the headings stand in, by its cells alone: rows below may be broken, and that is told of
    them. Row 1 where no row can be read, whose reading then says why."""
    best, most = 1, 0
    for row in range(1, HEADINGS_WITHIN + 1):
        try:
            with opened(path, header_row=row) as table:
                found = propose_mapping(table.headings, kind)
        except UserError:  # a blank row, or none
            continue
        if len(found.spec["columns"]) > most:
            best, most = row, len(found.spec["columns"])
        if best == row and not found.missing:
            return row
    return best


def propose_for(path: Path, kind: str, zone: str | None = None) -> dict[str, Any]:
    """The proposed mapping of a file. Raises UserError where a required field fits no heading."""
    proposal = propose(path, kind, zone)
    if proposal.missing:
        known = [one for source in proposal.spec["columns"].values() for one in _list(source)]
        raise UserError(
            "no column could be recognised for %(fields)s; give a mapping. The file has: %(shown)s",
            field="mapping",
            fields=Words("field", tuple(proposal.missing)),
            shown=", ".join([*known, *proposal.unmapped][:40]),
        )
    return proposal.spec


def _several(name: str, kind: str) -> bool:
    return FIELDS[kind][name].many or name == "name"


def _list(value: Any) -> list[str]:
    return value if isinstance(value, list) else [value]


def _type(name: str | None, kind: str) -> str | None:
    return FIELDS[kind][name].type if name else None


def _date_order(sample: pl.DataFrame, columns: list[str]) -> str:
    """The order that reads the most dates of the sample; day first where it makes no difference."""

    def readable(order: str) -> int:
        return sum(sample.select(values.date_of(pl.col(name), order)).to_series().count() for name in columns)

    return max(("dmy", "mdy", "ymd"), key=readable)


def _decimal(sample: pl.DataFrame, columns: list[str]) -> str:
    """The mark that reads the most amounts of the sample. Where both read all (`1.234` alone), three digits
    after every mark mean that it groups."""

    def readable(mark: str) -> int:
        return sum(
            sample.select(values.digits_of(pl.col(name), mark)).to_series().count() for name in columns
        )

    point, comma = readable("."), readable(",")
    if point != comma:
        return "." if point > comma else ","
    grouped = [sample.filter(pl.col(name).str.contains(r"\d\.\d{3}(?:\D|$)")).height for name in columns]
    return "," if any(grouped) else "."
