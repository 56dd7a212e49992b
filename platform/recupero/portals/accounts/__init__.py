"""One account or debtor whole, what is agreed with them, and many accounts at once."""
