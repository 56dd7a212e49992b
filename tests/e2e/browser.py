"""Where Chromium is, and what is said aloud where it is not."""

import os
import shutil

LEFT_OUT = "The browser tests were LEFT OUT: no Chromium was found. Install chromium, or name it in CHROMIUM."


def chromium() -> str | None:
    """The program, by the environment's CHROMIUM or under its usual names."""
    names = [os.environ.get("CHROMIUM", ""), "chromium", "chromium-browser", "google-chrome"]
    return next((found for name in names if name and (found := shutil.which(name))), None)
