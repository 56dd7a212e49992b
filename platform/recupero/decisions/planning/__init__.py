"""From open accounts to one chosen action per person, under law and limits, written down with its reasons."""
