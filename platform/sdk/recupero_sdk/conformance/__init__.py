"""What every plug-in must prove: checks for packs, channels and models, run by pytest."""
