"""The agent's desk: which account comes next and whose it is, call-backs, notes, figures, goals."""
