"""Calls by people and machines: booked, taken, and walked through a script."""
