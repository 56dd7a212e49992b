"""Figures over rows alone: values off policy, differences, jumps, and how good a probability is."""
