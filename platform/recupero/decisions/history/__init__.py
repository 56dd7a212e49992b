"""What was known at a moment and what came of it: features, vectors, outcomes, rows to learn from."""
