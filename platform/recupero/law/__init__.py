"""The gate: packs in, verdict out. Imports nothing of the house but the SDK."""
