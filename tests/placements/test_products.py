"""People read what a product is called, not the creditor's code."""

import pytest

from recupero.placements.products import name_of


@pytest.mark.parametrize(
    ("product", "language", "read"),
    [
        ("credito_consumo", "es", "Crédito de consumo"),
        ("credito_consumo", "en", "Consumer loan"),
        ("CREDITO_CONSUMO", "pt", "Crédito pessoal"),
        ("crédito-consumo", "es", "Crédito de consumo"),
        ("tarjeta", "es", "Tarjeta de crédito"),
        ("credit_card", "xx", "Credit card"),
        ("prestamo_flash_24", "es", "Prestamo flash 24"),
        ("Libre inversión", "en", "Libre inversión"),
        ("Plan Oro", "es", "Plan Oro"),
        ("___", "es", "___"),
        ("", "es", ""),
        (None, "es", ""),
    ],
)
def test_a_code_becomes_words_and_words_stay(product: str | None, language: str, read: str) -> None:
    assert name_of(product, language) == read
