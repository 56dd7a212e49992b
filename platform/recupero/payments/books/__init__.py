"""Money into the books, once: what a payment settles, of which debt and promise, and what goes back."""
