"""MLproject entry point: measure the platform's model on a public data set, as `recupero models benchmark`
does."""

import argparse

from recupero.cli import main

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("name", "train", "test"):
        parser.add_argument(f"--{name}", required=True)
    given = parser.parse_args()
    main(["models", "benchmark", given.name, "--train", given.train, "--test", given.test, "--json"])
