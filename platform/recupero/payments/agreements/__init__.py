"""What debtors agreed to: plans and settlements, and what becomes of them."""
