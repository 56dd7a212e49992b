"""What is written: templates in versions, what may stand in them, and what the law wants said."""
