"""A portfolio's strategy: its form, drafts, trials and arms."""
