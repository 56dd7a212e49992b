"""What a debtor wrote or said and what they were answered: one conversation over all channels."""
