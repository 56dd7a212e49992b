"""Money for staff: receipts, bank, statements of remittance, trust, terms, papers."""
