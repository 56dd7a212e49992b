"""What grows on a debt, and what other terms would make of it."""
