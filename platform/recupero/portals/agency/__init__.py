"""The agency's own affairs: people, creditors, law, models, plug-ins, placements."""
