"""What a debtor's message means, what follows from it, and what a person must take over."""
