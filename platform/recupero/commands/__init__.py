"""Commands that concern the whole platform; each room brings its own in its `cli.py`."""
