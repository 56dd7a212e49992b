"""What people read for a product: creditors' files name it in words, or by a code that is not for people."""

import re
import unicodedata

#: Common codes, folded, and the product in Spanish, English and Portuguese.
_KNOWN: tuple[tuple[str, tuple[str, str, str]], ...] = (
    ("credito_consumo consumer consumer_loan consumo credito_de_consumo credito_pessoal personal_loan",
     ("Crédito de consumo", "Consumer loan", "Crédito pessoal")),
    ("tarjeta tarjeta_credito tarjeta_de_credito credit_card card cartao cartao_credito cartao_de_credito",
     ("Tarjeta de crédito", "Credit card", "Cartão de crédito")),
    ("hipotecario credito_hipotecario mortgage hipoteca financiamento_imobiliario",
     ("Crédito hipotecario", "Mortgage", "Financiamento imobiliário")),
    ("automotriz credito_automotriz vehicular auto_loan car_loan financiamento_veiculo veiculo",
     ("Crédito automotriz", "Car loan", "Financiamento de veículo")),
    ("microcredito microcredit micro_loan", ("Microcrédito", "Microloan", "Microcrédito")),
    ("linea_credito linea_de_credito line_of_credit overdraft cheque_especial",
     ("Línea de crédito", "Line of credit", "Limite de crédito")),
    ("libre_inversion", ("Crédito de libre inversión", "Personal loan", "Crédito pessoal")),
    ("factura invoice fatura", ("Factura", "Invoice", "Fatura")),
    ("servicios_basicos utilities utility luz energia energy electricity",
     ("Servicios básicos", "Utilities", "Serviços básicos")),
    ("telefonia telecom telco phone telecomunicaciones telefone",
     ("Telefonía", "Telephone", "Telefonia")),
    ("arriendo alquiler rent aluguel", ("Arriendo", "Rent", "Aluguel")),
    ("matricula colegiatura tuition education educacion mensalidade",
     ("Educación", "Education", "Educação")),
    ("seguro insurance", ("Seguro", "Insurance", "Seguro")),
)  # fmt: skip
_LANGUAGES = ("es", "en", "pt")
_NAMES = {code: names for codes, names in _KNOWN for code in codes.split()}
_CODE = re.compile(r"[^\s]*[_\d][^\s]*|[^\sA-Z]+")


def name_of(product: str | None, language: str) -> str:
    """The product in the reader's language where it is a common code, as words where it is another, and as it
    is where the creditor wrote words; "" where there is none."""
    said = (product or "").strip()
    if not said or not _CODE.fullmatch(said):
        return said
    spread = unicodedata.normalize("NFKD", said.lower())
    folded = "_".join(re.findall(r"[a-z0-9]+", "".join(c for c in spread if not unicodedata.combining(c))))
    if folded in _NAMES:
        return _NAMES[folded][_LANGUAGES.index(language) if language in _LANGUAGES else 1]
    words = " ".join(re.findall(r"[^\s_\-.]+", said))
    return words[:1].upper() + words[1:] or said
