"""What providers told is worked, and cards are charged on their day where debtors consented."""
