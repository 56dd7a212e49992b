"""Papers for debtors: receipts, balances, agreements, original invoices."""
