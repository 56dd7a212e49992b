"""Money that comes by other ways than a link, and the bank's statements that prove it."""
