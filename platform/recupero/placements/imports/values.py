"""Columns of text as amounts, dates and flags: Polars expressions, null where the text is no such value."""

import polars as pl

_SPACES = "[\\s\u00a0\u202f']"
_CURRENCY = r"(?:US\$|R\$|S/\.?|Bs\.?|[A-Z]{3}|[$€£₲₡])"
_MONTHS = {
    "jan": "01", "ene": "01", "feb": "02", "fev": "02", "mar": "03", "apr": "04", "abr": "04", "may": "05",
    "mai": "05", "jun": "06", "jul": "07", "aug": "08", "ago": "08", "sep": "09", "set": "09", "oct": "10",
    "out": "10", "nov": "11", "dec": "12", "dic": "12", "dez": "12",
}  # fmt: skip
_TRUE = ("1", "y", "yes", "si", "sí", "s", "sim", "true", "verdadero", "verdadeiro", "x", "t")
_FALSE = ("0", "n", "no", "não", "nao", "false", "falso", "f")
MAX_DIGITS = 14  # minor units beyond this are a mistake, whatever the currency
#: A spreadsheet has shortened a long number: its last digits are lost.
SHORTENED = r"^\d(?:[.,]\d+)?[eE]\+?\d+$"


def digits_of(column: pl.Expr, decimal: str) -> pl.Expr:
    """Amounts as a plain decimal text (`-1234.5`): without currency signs, grouping and blanks, with a minus
    for parentheses and a trailing minus. Null where the text is no amount written with this decimal mark."""
    text = (
        column.str.replace_all(_SPACES, "")
        .str.replace(r"^\((.*)\)$", "-$1")
        .str.replace(r"^([^-].*)-$", "-$1")
    )
    text = text.str.replace("^([+-]?)" + _CURRENCY + r"([+-]?)", "$1$2").str.replace(_CURRENCY + "$", "")
    group = "," if decimal == "." else r"\."
    mark = r"\." if decimal == "." else ","
    shape = rf"^[+-]?(?:\d+|\d{{1,3}}(?:{group}\d{{3}})+)(?:{mark}\d*)?$|^[+-]?{mark}\d+$"
    plain = text.str.replace_all(group, "").str.replace(",", ".", literal=True).str.strip_prefix("+")
    return pl.when(text.str.contains(shape)).then(plain)


def minor_of(digits: pl.Expr, minor_digits: int) -> pl.Expr:
    """Minor units (Int64) of a plain decimal text, rounded half away from zero beyond the minor digits."""
    negative = digits.str.starts_with("-")
    whole, fraction = _parts(digits)
    kept = "0" + whole + fraction.str.slice(0, minor_digits).str.pad_end(minor_digits, "0")
    up = fraction.str.slice(minor_digits, 1).is_in(["5", "6", "7", "8", "9"]).cast(pl.Int64)
    minor = pl.when(kept.str.strip_chars_start("0").str.len_bytes() <= MAX_DIGITS).then(
        kept.cast(pl.Int64, strict=False) + up
    )
    return pl.when(negative).then(-minor).otherwise(minor)


def too_fine(digits: pl.Expr, minor_digits: int) -> pl.Expr:
    """Whether the text has more decimals than the currency, other than zeros."""
    return _parts(digits)[1].str.slice(minor_digits).str.contains("[1-9]")


def _parts(digits: pl.Expr) -> tuple[pl.Expr, pl.Expr]:
    bare = digits.str.strip_prefix("-")
    return bare.str.extract(r"^(\d*)", 1), bare.str.extract(r"\.(\d*)$", 1).fill_null("")


def date_of(column: pl.Expr, order: str) -> pl.Expr:
    """Dates in the mapping's order (`dmy`, `mdy`, `ymd`), with `/`, `-`, `.` or blanks between and two or
    four digits for the year; and, since they cannot be misread: ISO, `20260131`, `31-Jan-2026` and `Sep-2016`
    (its first day) with month names in es, pt and en, and Excel's serial numbers. A time of day is
    dropped.
    """
    text = column.str.replace(r"[ T]+\d{1,2}:\d{2}.*$", "").str.to_lowercase()
    text = text.str.replace_all(r"[\s./]+(?:de[\s.]+)?|\bde\b", "-").str.replace_all("-+", "-")
    named = text.str.replace(r"(\p{L}{3})\p{L}*", "$1").str.replace_many(
        list(_MONTHS), list(_MONTHS.values())
    )
    named = pl.when(text.str.contains(r"\p{L}")).then(named).otherwise(None)
    pattern = {"dmy": "%d-%m-{}", "mdy": "%m-%d-{}", "ymd": "{}-%m-%d"}[order]
    long, short = (r"\d{4}$", r"-\d{2}$") if order != "ymd" else (r"^\d{4}", r"^\d{2}-")
    serial = pl.when(text.str.contains(r"^\d{5}(?:\.\d+)?$")).then(text).cast(pl.Float64, strict=False)
    return pl.coalesce(
        _try(text, r"^\d{4}-\d{1,2}-\d{1,2}$", "%Y-%m-%d"),
        _try(text, long, pattern.format("%Y")),
        _try(text, short, pattern.format("%y")),
        _try(text, r"^\d{8}$", "%Y%m%d"),
        _try(named, r"^\d{1,2}-\d{2}-\d{4}$", "%d-%m-%Y"),
        _try(named, r"^\d{1,2}-\d{2}-\d{2}$", "%d-%m-%y"),
        _try("01-" + named, r"^01-\d{2}-\d{4}$", "%d-%m-%Y"),
        _try("01-" + named, r"^01-\d{2}-\d{2}$", "%d-%m-%y"),
        pl.date(1899, 12, 30) + pl.duration(days=serial.cast(pl.Int64)),
    )


def _try(text: pl.Expr, shape: str, form: str) -> pl.Expr:
    return pl.when(text.str.contains(shape)).then(text).str.to_date(form, strict=False)


def flag_of(column: pl.Expr) -> pl.Expr:
    """Yes and no in es, pt and en; null where it is neither."""
    word = column.str.to_lowercase().str.strip_chars()
    return pl.when(word.is_in(_TRUE)).then(True).when(word.is_in(_FALSE)).then(False)


def email_of(column: pl.Expr) -> pl.Expr:
    """A deliverable-looking address in lower case, null otherwise."""
    text = column.str.to_lowercase().str.strip_chars().str.strip_prefix("mailto:")
    good = r"^[^\s@,;:<>()\[\]\"\\]+@(?:[\p{L}\d](?:[\p{L}\d-]*[\p{L}\d])?\.)+\p{L}{2,}$"
    clean = text.str.contains(good) & ~text.str.contains(r"\.\.|^\.|\.@") & (text.str.len_bytes() <= 254)
    return pl.when(clean).then(text)
