"""What is said in words proves somebody as what is keyed does."""

import pytest

from recupero.outreach.voice.numbers import in_digits


@pytest.mark.parametrize(
    ("said", "read"),
    [
        ("dos de abril de mil novecientos ochenta y cinco", "2 de abril de 1985"),
        ("veinte de marzo de dos mil uno", "20 de marzo de 2001"),
        ("dois de abril de mil novecentos e oitenta e cinco", "2 de abril de 1985"),
        ("April 2 nineteen eighty-five", "April 2 1985"),
        ("el diez de mayo de veinte diez", "el 10 de mayo de 2010"),
        ("seis siete ocho cinco", "6 7 8 5"),
        ("Cero cinco, uno dos", "0 5, 1 2"),
        ("sesenta y siete ochenta y cinco", "67 85"),
        ("seis mil setecientos ochenta y cinco", "6785"),
        ("veintidós", "22"),
        ("double six seven", "6 6 7"),
        ("doble seis uno", "6 6 1"),
        ("meia sete oito cinco", "6 7 8 5"),
        ("oh five", "0 5"),
        ("the twenty-first of March", "the 21 of March"),
        ("el primero de mayo", "el 1 de mayo"),
        ("sí, con ella", "sí, con ella"),
        ("6785", "6785"),
        ("", ""),
    ],
)
def test_words_become_digits(said: str, read: str) -> None:
    assert in_digits(said) == read
