"""Simulated debtors who answer what the real pipeline sends. The policies never see their hidden traits."""
