"""In which language a page speaks, and what codes, the law and decisions are called there."""
