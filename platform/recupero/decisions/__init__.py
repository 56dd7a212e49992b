"""What comes next for each account: features, models, planning under law and limits, and the reasons."""
