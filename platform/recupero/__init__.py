"""Recupero: a multi-tenant platform on which collection agencies serve many creditors."""

__version__ = "0.1.0"
