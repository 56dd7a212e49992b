"""Benchmarks of carrying out."""
