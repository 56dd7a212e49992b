"""What may be offered: the creditor's policy, schedules, how a plan stands, hardship, means."""
