"""MLproject entry point: train a kind of model for every agency, as `recupero models train` does."""

import argparse

from recupero.cli import main

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kind", default="propensity")
    main(["models", "train", parser.parse_args().kind, "--json"])
