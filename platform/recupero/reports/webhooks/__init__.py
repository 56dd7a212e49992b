"""Telling creditors' own systems what happens to their accounts, over signed HTTP requests."""
