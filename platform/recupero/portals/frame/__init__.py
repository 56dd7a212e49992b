"""What every page is made of: its shell, menu, language and look, forms, lists and files."""
