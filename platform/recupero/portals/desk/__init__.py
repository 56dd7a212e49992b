"""The agent's desk: what an agent sees and does while working accounts."""
