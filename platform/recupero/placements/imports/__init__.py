"""Files of a creditor: read, mapped, checked by columns, and placed in one transaction."""

from recupero.placements.imports.running import ImportResult, import_file

__all__ = ["ImportResult", "import_file"]
