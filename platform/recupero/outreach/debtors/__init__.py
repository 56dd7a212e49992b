"""What debtors do on their page, and what becomes of their disputes and hardships."""
