"""What a portfolio's people set: a strategy, its branches, who speaks for it, which offers it makes."""
